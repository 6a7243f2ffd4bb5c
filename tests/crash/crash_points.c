/* Every point at which a core flow can be cut, one after the other (FAULTS in the design).
 *
 *     crash_points [FLOW...]        the points of these flows (default: all)
 *     XD_SOAK=1 crash_points ...    every harm at every point, and every pair of power cuts
 *                                   in the two shortest flows
 *
 * A flow is a script of the simulator (simulator/script.h). Its world is brought to where
 * the flow begins; from there each run is a fork of it: the first one counts the points,
 * each of the others is cut at one of them, recovers, comes to rest and is judged by the
 * oracle. A run that fails prints the command that repeats it alone.
 *
 * One test for each flow and kind: TAP on standard output. */
#include "simulator/sim.h"

#include <inttypes.h>
#include <signal.h>
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
#define STRIDE_MEMORY 7u /* when short: every so manieth allocation */

/* Runs that once failed, with what was wrong. They come first. */
static const struct {
    const char *script, *cut, *second; /* second: NULL none */
} regressions[] = {
    {"drain", "site:sync:1:once", NULL}, /* the WMS is told the fate only when it asks again */
};

enum kind { KIND_POWER, KIND_IO, KIND_MEMORY, KIND_PAIRS, KINDS };
static const char *const kind_names[KINDS] = {"power", "io", "memory", "pairs"};

struct tally {
    uint64_t points, runs, failures;
};

/* What a run leaves for the one that forked it. */
struct report {
    bool ended;
    char violation[400];
    uint64_t points[XD_SIM_CUT_NODES][XD_SIM_POINTS];
};

static struct report *report; /* shared */
static bool soak, child;
static unsigned tests, tests_failed;
static struct tally all;

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- one run ---- */

/* True in the child, which goes on with the plan; in the caller false, when the child has ended. */
static bool branch(struct xd_sim_cuts *cuts, const struct xd_sim_cut *plan, size_t count) {
    int status = 0;
    memset(report, 0, sizeof *report);
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        child = true;
        (void)alarm(RUN_SECONDS_MAX);
        for (size_t index = 0; index < count; index++) {
            cuts->planned[index] = plan[index];
        }
        cuts->planned_count = count;
        return true;
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("fork");
        exit(2);
    }
    if (!report->ended) {
        (void)snprintf(report->violation, sizeof report->violation, "the run ended by signal %d",
                       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
    return false;
}

static void end_child(const struct xd_sim_figures *figures) {
    memcpy(report->points, figures->points, sizeof report->points);
    (void)snprintf(report->violation, sizeof report->violation, "%s", figures->violation);
    report->ended = true;
    (void)fflush(stdout);
    _exit(0);
}

struct flow {
    enum xd_sim_script script;
    struct xd_sim_cuts *cuts;
    uint64_t points[XD_SIM_CUT_NODES][XD_SIM_POINTS];
};

static void show(const struct flow *flow, const struct xd_sim_cut *plan, size_t count) {
    char text[XD_SIM_CUT_TEXT_MAX];
    (void)printf("# build/sim/crossdock-simulator --story --seed %d --script %s", SEED,
                 xd_sim_script_names[flow->script]);
    for (size_t index = 0; index < count; index++) {
        xd_sim_cut_write(&plan[index], text);
        (void)printf(" --cut %s", text);
    }
    (void)printf("\n#     %s\n", report->violation);
}

/* True in the child. */
static bool try_plan(const struct flow *flow, const struct xd_sim_cut *plan, size_t count,
                     struct tally *tally) {
    if (branch(flow->cuts, plan, count)) {
        return true;
    }
    tally->runs++;
    if (report->violation[0] != 0 && tally->failures++ < FAILURES_SHOWN) {
        show(flow, plan, count);
    }
    return false;
}

/* ---- the points of a kind ---- */

/* So many runs with other random numbers. */
static unsigned times_of(enum xd_sim_harm harm) {
    bool random = harm == XD_SIM_HARM_TORN || harm == XD_SIM_HARM_REORDERED;
    if (harm == XD_SIM_HARM_REORDERED && !soak) {
        return 0;
    }
    return random && soak ? 2 : 1;
}

static bool try_harms(const struct flow *flow, struct xd_sim_cut plan[XD_SIM_CUTS_MAX], size_t count,
                      const enum xd_sim_harm harms[2], struct tally *tally) {
    struct xd_sim_cut *cut = &plan[count - 1];
    for (cut->harm = harms[0]; cut->harm <= harms[1]; cut->harm++) {
        unsigned times = xd_sim_cut_possible(cut->point, cut->harm) ? times_of(cut->harm) : 0;
        for (unsigned time = 0; time < times; time++) {
            cut->random = cut->number * 31 + time;
            if (try_plan(flow, plan, count, tally)) {
                return true;
            }
        }
    }
    return false;
}

static const enum xd_sim_harm power_harms[2] = {XD_SIM_HARM_KEPT, XD_SIM_HARM_REORDERED};
static const enum xd_sim_harm call_harms[2] = {XD_SIM_HARM_ONCE, XD_SIM_HARM_EVER};

static bool is_of_kind(enum xd_sim_point point, enum kind kind) {
    switch (kind) {
    case KIND_POWER:
        return xd_sim_cut_possible(point, XD_SIM_HARM_LOST);
    case KIND_MEMORY:
        return point == XD_SIM_POINT_ALLOCATION;
    default:
        return point != XD_SIM_POINT_ALLOCATION && xd_sim_cut_possible(point, XD_SIM_HARM_ONCE);
    }
}

/* True in a child: the caller goes back into the world at once. */
static bool try_kind(const struct flow *flow, enum kind kind, struct tally *tally) {
    struct xd_sim_cut plan[XD_SIM_CUTS_MAX] = {0};
    unsigned stride = kind == KIND_MEMORY && !soak ? STRIDE_MEMORY : 1;
    for (unsigned node = 0; node < XD_SIM_CUT_NODES; node++) {
        for (unsigned point = 0; point < XD_SIM_POINTS; point++) {
            uint64_t count = is_of_kind((enum xd_sim_point)point, kind) ? flow->points[node][point] : 0;
            for (uint64_t number = 1; number <= count; number += stride) {
                plan[0] =
                    (struct xd_sim_cut){.node = node, .point = (enum xd_sim_point)point, .number = number};
                tally->points++;
                if (try_harms(flow, plan, 1, kind == KIND_POWER ? power_harms : call_harms, tally)) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* After the first cut, which is tried alone to count the points of its recovery, the second. */
static bool try_seconds(const struct flow *flow, struct xd_sim_cut plan[XD_SIM_CUTS_MAX],
                        struct tally *tally) {
    uint64_t points[XD_SIM_CUT_NODES][XD_SIM_POINTS];
    if (try_plan(flow, plan, 1, tally)) {
        return true;
    }
    memcpy(points, report->points, sizeof points);
    for (unsigned node = 0; node < XD_SIM_CUT_NODES; node++) {
        for (unsigned point = 0; point < XD_SIM_POINTS; point++) {
            uint64_t count = is_of_kind((enum xd_sim_point)point, KIND_POWER) ? points[node][point] : 0;
            for (uint64_t number = 1; number <= count; number++) {
                plan[1] = (struct xd_sim_cut){.node = node,
                                              .point = (enum xd_sim_point)point,
                                              .number = number,
                                              .harm = (enum xd_sim_harm)((number + plan[0].number) % 4),
                                              .random = number * 31 + plan[0].number};
                tally->points++;
                if (try_plan(flow, plan, 2, tally)) {
                    return true;
                }
            }
        }
    }
    return false;
}

static bool try_pairs(const struct flow *flow, struct tally *tally) {
    struct xd_sim_cut plan[XD_SIM_CUTS_MAX] = {0};
    for (unsigned node = 0; node < XD_SIM_CUT_NODES; node++) {
        for (unsigned point = 0; point < XD_SIM_POINTS; point++) {
            uint64_t count = is_of_kind((enum xd_sim_point)point, KIND_POWER) ? flow->points[node][point] : 0;
            for (uint64_t number = 1; number <= count; number++) {
                plan[0] = (struct xd_sim_cut){.node = node,
                                              .point = (enum xd_sim_point)point,
                                              .number = number,
                                              .harm = number % 2 == 0 ? XD_SIM_HARM_LOST : XD_SIM_HARM_TORN,
                                              .random = number};
                if (try_seconds(flow, plan, tally)) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* ---- a flow ---- */

static void say_test(const struct flow *flow, const char *kind, const struct tally *tally, double took) {
    (void)printf("%s %u - %s, %s: %" PRIu64 " points, %" PRIu64 " runs, %" PRIu64 " failures (%.1f s)\n",
                 tally->failures == 0 ? "ok" : "not ok", ++tests, xd_sim_script_names[flow->script], kind,
                 tally->points, tally->runs, tally->failures, took);
    (void)fflush(stdout);
    tests_failed += tally->failures != 0;
    all.points += tally->points;
    all.runs += tally->runs;
    all.failures += tally->failures;
}

static bool try_regressions(const struct flow *flow) {
    struct tally tally = {0};
    double began = seconds();
    for (size_t index = 0; index < sizeof regressions / sizeof regressions[0]; index++) {
        struct xd_sim_cut plan[XD_SIM_CUTS_MAX];
        size_t count = regressions[index].second == NULL ? 1 : 2;
        if (strcmp(regressions[index].script, xd_sim_script_names[flow->script]) != 0) {
            continue;
        }
        if (!xd_sim_cut_read(regressions[index].cut, &plan[0]) ||
            (count == 2 && !xd_sim_cut_read(regressions[index].second, &plan[1]))) {
            (void)fprintf(stderr, "%s is no cut\n", regressions[index].cut);
            exit(2);
        }
        tally.points++;
        if (try_plan(flow, plan, count, &tally)) {
            return true;
        }
    }
    if (tally.runs > 0) {
        say_test(flow, "regressions", &tally, seconds() - began);
    }
    return false;
}

static bool has_pairs(enum xd_sim_script script) {
    return soak && (script == XD_SIM_SCRIPT_INTAKE || script == XD_SIM_SCRIPT_DRAIN);
}

/* Called by the world where the flow begins; a child returns into it at once. */
static void explore(void *context, struct xd_sim_cuts *cuts) {
    struct flow *flow = context;
    struct tally reference = {0};
    double began = seconds();
    flow->cuts = cuts;
    if (try_plan(flow, NULL, 0, &reference)) {
        return;
    }
    memcpy(flow->points, report->points, sizeof flow->points);
    if (reference.failures > 0) {
        say_test(flow, "without a cut", &reference, seconds() - began);
        return;
    }
    if (try_regressions(flow)) {
        return;
    }
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct tally tally = {0};
        if (kind == KIND_PAIRS && !has_pairs(flow->script)) {
            continue;
        }
        began = seconds();
        if (kind == KIND_PAIRS ? try_pairs(flow, &tally) : try_kind(flow, (enum kind)kind, &tally)) {
            return;
        }
        say_test(flow, kind_names[kind], &tally, seconds() - began);
    }
}

static void run_flow(enum xd_sim_script script) {
    struct flow flow = {.script = script};
    struct xd_sim_figures figures;
    struct xd_sim_options options = {
        .seed = SEED, .sites = 1, .calm = true, .script = script, .at_window = explore, .context = &flow};
    xd_sim_run(&options, &figures);
    if (child) {
        end_child(&figures);
    }
    if (figures.violation[0] != 0) {
        (void)printf("not ok %u - %s: %s\n", ++tests, xd_sim_script_names[script], figures.violation);
        tests_failed++;
    }
}

int main(int count, char **words) {
    const char *wanted = getenv("XD_SOAK");
    double began = seconds();
    soak = wanted != NULL && wanted[0] != 0;
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    for (int index = 1; index < count; index++) {
        enum xd_sim_script script = xd_sim_script_of(words[index]);
        if (script == XD_SIM_NO_SCRIPT) {
            (void)fprintf(stderr, "no flow has the name %s\n", words[index]);
            return 2;
        }
        run_flow(script);
    }
    for (unsigned script = XD_SIM_NO_SCRIPT + 1; script < XD_SIM_SCRIPTS && count == 1; script++) {
        run_flow((enum xd_sim_script)script);
    }
    (void)printf("# %" PRIu64 " points, %" PRIu64 " runs, %" PRIu64 " failures in %.1f s\n1..%u\n",
                 all.points, all.runs, all.failures, seconds() - began, tests);
    return tests_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
