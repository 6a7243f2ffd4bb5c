/* Every point at which a core flow can be cut, one after the other (FAULTS in the design).
 *
 *     crash_points [FLOW...]        the points of these flows (default: all)
 *     XD_SOAK=1 crash_points ...    every harm at every point, and every pair of power cuts
 *                                   in the two shortest flows
 *
 * A flow is a script of the simulator (simulator/script.h). A first run counts its points;
 * each of the others is cut at one of them, recovers, comes to rest and is judged by the
 * oracle. A run that fails prints the command that repeats it alone. A worker process does
 * the runs, so that one which aborts or hangs fails for itself: another worker goes on.
 *
 * One test for each flow and kind: TAP on standard output. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEED 1
#define RUN_SECONDS_MAX 30 /* of a run that hangs */
#define FAILURES_SHOWN 5u
#define STRIDE_MEMORY 29u /* when short: every so manieth allocation, from another one on each day */
#define DAY_SECONDS 86400

/* Runs that once failed, with what was wrong. They come first. */
static const struct {
    const char *script, *cut, *second; /* second: NULL none */
} regressions[] = {
    {"drain", "site:sync:1:once", NULL},         /* the WMS was not told the fate */
    {"drain", "site:allocation:233:once", NULL}, /* nor here */
};

enum kind { KIND_POWER, KIND_IO, KIND_MEMORY, KIND_PAIRS, KINDS };
static const char *const kind_names[KINDS] = {"power", "io", "memory", "pairs"};

typedef uint64_t points[XD_SIM_CUT_NODES][XD_SIM_POINTS];

struct plan {
    struct xd_sim_cut cuts[XD_SIM_CUTS_MAX];
    size_t count;
};

struct plans {
    struct plan *items; /* owned */
    size_t count, capacity;
};

struct tally {
    uint64_t points, runs, failures;
};

/* What the worker and the one that waits for it both see. */
struct shared {
    size_t begun, ended; /* runs */
    uint64_t failures;
    points points; /* of the last run */
};

static struct shared *shared;
static bool soak;
static uint64_t day; /* since 1970 */
static unsigned tests, tests_failed;
static struct tally all;

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- runs ---- */

static void fail(enum xd_sim_script script, const struct plan *plan, const char *violation) {
    char text[XD_SIM_CUT_TEXT_MAX];
    if (shared->failures++ >= FAILURES_SHOWN) {
        return;
    }
    (void)printf("# build/sim/crossdock-simulator --story --seed %d --script %s", SEED,
                 xd_sim_script_names[script]);
    for (size_t index = 0; index < plan->count; index++) {
        xd_sim_cut_write(&plan->cuts[index], text);
        (void)printf(" --cut %s", text);
    }
    (void)printf("\n#     %s\n", violation);
}

static void run_one(enum xd_sim_script script, const struct plan *plan) {
    struct xd_sim_figures figures;
    struct xd_sim_options options = {.seed = SEED, .sites = 1, .calm = true, .script = script};
    memcpy(options.cuts, plan->cuts, sizeof options.cuts);
    options.cut_count = plan->count;
    xd_sim_run(&options, &figures);
    memcpy(shared->points, figures.points, sizeof shared->points);
    if (figures.violation[0] != 0) {
        fail(script, plan, figures.violation);
    }
}

static _Noreturn void work(enum xd_sim_script script, const struct plans *plans) {
    for (size_t index = shared->ended; index < plans->count; index++) {
        shared->begun = index + 1;
        (void)alarm(RUN_SECONDS_MAX);
        run_one(script, &plans->items[index]);
        shared->ended = index + 1;
    }
    (void)fflush(stdout);
    _exit(0);
}

/* All of them; adds what came of it. */
static void run_all(enum xd_sim_script script, const struct plans *plans, struct tally *tally) {
    *shared = (struct shared){.begun = 0};
    while (shared->ended < plans->count) {
        int status = 0;
        char why[60];
        (void)fflush(stdout);
        pid_t worker = fork();
        if (worker == 0) {
            work(script, plans);
        }
        if (worker < 0 || waitpid(worker, &status, 0) != worker) {
            perror("fork");
            exit(2);
        }
        if (shared->ended < plans->count) {
            (void)snprintf(why, sizeof why, "the run ended by signal %d", WTERMSIG(status));
            fail(script, &plans->items[shared->ended], why);
            shared->ended++;
        }
    }
    tally->runs += plans->count;
    tally->failures += shared->failures;
}

/* ---- plans ---- */

static void add_plan(struct plans *plans, const struct plan *plan) {
    plans->items = xd_host_grow(plans->items, plans->count, &plans->capacity, sizeof *plan);
    plans->items[plans->count++] = *plan;
}

/* So many runs with other random numbers. */
static unsigned times_of(enum xd_sim_harm harm) {
    if (harm == XD_SIM_HARM_REORDERED) {
        return soak ? 2 : 0;
    }
    return harm == XD_SIM_HARM_TORN && soak ? 2 : 1;
}

static void add_harms(struct plans *plans, struct plan plan, enum xd_sim_harm first, enum xd_sim_harm last) {
    struct xd_sim_cut *cut = &plan.cuts[plan.count - 1];
    for (cut->harm = first; cut->harm <= last; cut->harm++) {
        unsigned times = xd_sim_cut_possible(cut->point, cut->harm) ? times_of(cut->harm) : 0;
        for (unsigned time = 0; time < times; time++) {
            cut->random = cut->number * 31 + time;
            add_plan(plans, &plan);
        }
    }
}

static bool is_of_kind(enum xd_sim_point point, enum kind kind) {
    switch (kind) {
    case KIND_MEMORY:
        return point == XD_SIM_POINT_ALLOCATION;
    case KIND_IO:
        return point != XD_SIM_POINT_ALLOCATION && xd_sim_cut_possible(point, XD_SIM_HARM_ONCE);
    default:
        return xd_sim_cut_possible(point, XD_SIM_HARM_LOST);
    }
}

/* Calls back with a plan for each of the points, its last cut there. */
static void each_point(const points counted, enum kind kind, const struct plan *before,
                       void (*act)(void *context, const struct plan *plan), void *context) {
    unsigned stride = kind == KIND_MEMORY && !soak ? STRIDE_MEMORY : 1;
    uint64_t first = 1 + day % stride;
    for (unsigned node = 0; node < XD_SIM_CUT_NODES; node++) {
        for (unsigned point = 0; point < XD_SIM_POINTS; point++) {
            uint64_t count = is_of_kind((enum xd_sim_point)point, kind) ? counted[node][point] : 0;
            for (uint64_t number = first; number <= count; number += stride) {
                struct plan plan = *before;
                plan.cuts[plan.count++] =
                    (struct xd_sim_cut){.node = node, .point = (enum xd_sim_point)point, .number = number};
                act(context, &plan);
            }
        }
    }
}

/* ---- tests ---- */

struct test {
    enum xd_sim_script script;
    enum kind kind;
    struct plans plans;
    struct tally tally;
    double began;
};

static struct test begin_test(enum xd_sim_script script, enum kind kind) {
    return (struct test){.script = script, .kind = kind, .began = seconds()};
}

static void end_test(struct test *test, const char *name) {
    const struct tally *tally = &test->tally;
    (void)printf("%s %u - %s, %s: %" PRIu64 " points, %" PRIu64 " runs, %" PRIu64 " failures (%.1f s)\n",
                 tally->failures == 0 ? "ok" : "not ok", ++tests, xd_sim_script_names[test->script], name,
                 tally->points, tally->runs, tally->failures, seconds() - test->began);
    (void)fflush(stdout);
    tests_failed += tally->failures != 0;
    all.points += tally->points;
    all.runs += tally->runs;
    all.failures += tally->failures;
    xd_host_free(test->plans.items);
}

static void add_runs(void *context, const struct plan *plan) {
    struct test *test = context;
    bool power = test->kind == KIND_POWER;
    test->tally.points++;
    add_harms(&test->plans, *plan, power ? XD_SIM_HARM_KEPT : XD_SIM_HARM_ONCE,
              power ? XD_SIM_HARM_REORDERED : XD_SIM_HARM_EVER);
}

static void test_kind(enum xd_sim_script script, enum kind kind, const points counted) {
    struct test test = begin_test(script, kind);
    each_point(counted, kind, &(struct plan){.count = 0}, add_runs, &test);
    run_all(script, &test.plans, &test.tally);
    end_test(&test, kind_names[kind]);
}

static void add_second(void *context, const struct plan *plan) {
    struct test *test = context;
    struct plan both = *plan;
    both.cuts[1].harm = (enum xd_sim_harm)((both.cuts[0].number + both.cuts[1].number) % 4);
    both.cuts[1].random = both.cuts[0].number * 31 + both.cuts[1].number;
    test->tally.points++;
    add_plan(&test->plans, &both);
}

/* The first cut, alone to count the points of its recovery, then with each of those. */
static void add_pairs(void *context, const struct plan *plan) {
    struct test *test = context;
    struct plan first = *plan;
    first.cuts[0].harm = first.cuts[0].number % 2 == 0 ? XD_SIM_HARM_LOST : XD_SIM_HARM_TORN;
    first.cuts[0].random = first.cuts[0].number;
    points counted;
    run_all(test->script, &(struct plans){.items = &first, .count = 1}, &test->tally);
    memcpy(counted, shared->points, sizeof counted);
    test->plans.count = 0;
    each_point(counted, KIND_PAIRS, &first, add_second, test);
    run_all(test->script, &test->plans, &test->tally);
}

static void test_pairs(enum xd_sim_script script, const points counted) {
    struct test test = begin_test(script, KIND_PAIRS);
    each_point(counted, KIND_POWER, &(struct plan){.count = 0}, add_pairs, &test);
    end_test(&test, kind_names[KIND_PAIRS]);
}

static void test_regressions(enum xd_sim_script script) {
    struct test test = begin_test(script, KIND_POWER);
    for (size_t index = 0; index < sizeof regressions / sizeof regressions[0]; index++) {
        struct plan plan = {.count = regressions[index].second == NULL ? 1 : 2};
        if (strcmp(regressions[index].script, xd_sim_script_names[script]) != 0) {
            continue;
        }
        if (!xd_sim_cut_read(regressions[index].cut, &plan.cuts[0]) ||
            (plan.count == 2 && !xd_sim_cut_read(regressions[index].second, &plan.cuts[1]))) {
            (void)fprintf(stderr, "%s is no cut\n", regressions[index].cut);
            exit(2);
        }
        test.tally.points++;
        add_plan(&test.plans, &plan);
    }
    if (test.plans.count > 0) {
        run_all(script, &test.plans, &test.tally);
        end_test(&test, "regressions");
    }
}

static void test_flow(enum xd_sim_script script) {
    struct test reference = begin_test(script, KIND_POWER);
    points counted;
    add_plan(&reference.plans, &(struct plan){.count = 0});
    run_all(script, &reference.plans, &reference.tally);
    memcpy(counted, shared->points, sizeof counted);
    end_test(&reference, "no cut");
    if (reference.tally.failures > 0) {
        return;
    }
    test_regressions(script);
    for (unsigned kind = KIND_POWER; kind <= KIND_MEMORY; kind++) {
        test_kind(script, (enum kind)kind, counted);
    }
    if (soak && (script == XD_SIM_SCRIPT_INTAKE || script == XD_SIM_SCRIPT_DRAIN)) {
        test_pairs(script, counted);
    }
}

int main(int count, char **words) {
    const char *wanted = getenv("XD_SOAK");
    double began = seconds();
    soak = wanted != NULL && wanted[0] != 0;
    day = (uint64_t)time(NULL) / DAY_SECONDS;
    xd_host_begin();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    for (int index = 1; index < count; index++) {
        enum xd_sim_script script = xd_sim_script_of(words[index]);
        if (script == XD_SIM_NO_SCRIPT) {
            (void)fprintf(stderr, "no flow has the name %s\n", words[index]);
            return 2;
        }
        test_flow(script);
    }
    for (unsigned script = XD_SIM_NO_SCRIPT + 1; script < XD_SIM_SCRIPTS && count == 1; script++) {
        test_flow((enum xd_sim_script)script);
    }
    (void)printf("# %" PRIu64 " points, %" PRIu64 " runs, %" PRIu64 " failures in %.1f s\n1..%u\n",
                 all.points, all.runs, all.failures, seconds() - began, tests);
    return tests_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
