/* crossdock-simulator: worlds by seed. */
#include "simulator/command.h"
#include "simulator/host.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_SECONDS 10.0

struct totals {
    uint64_t runs, steps, turns, messages, documents, orders, crashes, looks, site_ms;
    uint64_t wishes, wishes_taken, releases, splits, backorders, changes;
    uint64_t faults[XD_FAULT_COUNT];
    double hub_seconds, site_seconds;
};

static void add(struct totals *totals, const struct xd_sim_figures *figures) {
    totals->runs++;
    totals->steps += figures->steps;
    totals->turns += figures->turns;
    totals->messages += figures->messages;
    totals->documents += figures->documents;
    totals->orders += figures->orders;
    totals->crashes += figures->crashes;
    totals->looks += figures->looks;
    totals->wishes += figures->wishes;
    totals->wishes_taken += figures->wishes_taken;
    totals->releases += figures->releases;
    totals->splits += figures->splits;
    totals->backorders += figures->backorders;
    totals->changes += figures->changes;
    totals->hub_seconds += figures->hub_seconds;
    totals->site_seconds += figures->site_seconds;
    totals->site_ms += (uint64_t)figures->simulated * figures->sites;
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        totals->faults[fault] += figures->faults[fault];
    }
}

/* On standard error, beside the results: how far it is, at most once every PROGRESS_SECONDS. */
struct progress {
    double told;         /* when */
    xd_ms worst_heal_ms; /* the longest time to come to rest after the heal ... */
    uint64_t worst_seed; /* ... and whose */
};

static void print_progress(struct progress *progress, const struct totals *totals,
                           const struct xd_sim_figures *figures, uint64_t seed, double took) {
    if (figures->heal_ms > progress->worst_heal_ms) {
        progress->worst_heal_ms = figures->heal_ms;
        progress->worst_seed = seed;
    }
    if (took - progress->told < PROGRESS_SECONDS) {
        return;
    }
    progress->told = took;
    (void)fprintf(stderr,
                  "%.0f s: %" PRIu64 " worlds, %.1f site-days; the slowest to come to rest: seed %" PRIu64
                  ", %.1f h after the heal\n",
                  took, totals->runs, (double)totals->site_ms / (double)XD_DAY_MS, progress->worst_seed,
                  (double)progress->worst_heal_ms / (double)XD_HOUR_MS);
}

static void print_totals(const struct totals *totals, double took) {
    double days = (double)totals->site_ms / (double)XD_DAY_MS;
    unsigned kinds = 0;
    (void)printf("%" PRIu64 " world%s, %.1f site-days in %.1f s (%.2f a second): %" PRIu64 " orders, %" PRIu64
                 " documents of WMSs, %" PRIu64 " messages, %" PRIu64 " turns, %" PRIu64 " crashes, %" PRIu64
                 " looks at what a power cut would have left\n",
                 totals->runs, totals->runs == 1 ? "" : "s", days, took, days / took, totals->orders,
                 totals->documents, totals->messages, totals->turns, totals->crashes, totals->looks);
    (void)printf("%" PRIu64 " cancellations and revisions, of which %" PRIu64 " taken; %" PRIu64
                 " releases, %" PRIu64 " orders at several sites, %" PRIu64 " times backordered, %" PRIu64
                 " sales changed\n",
                 totals->wishes, totals->wishes_taken, totals->releases, totals->splits, totals->backorders,
                 totals->changes);
    if (totals->hub_seconds > 0) {
        (void)printf("of the time: hub's turns %.0f %%, sites' turns %.0f %%\n",
                     100 * totals->hub_seconds / took, 100 * totals->site_seconds / took);
    }
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        if (totals->faults[fault] != 0) {
            (void)printf("%s%-24s %8" PRIu64, kinds % 3 == 0 ? "\n  " : "   ", xd_fault_kinds[fault].name,
                         totals->faults[fault]);
            kinds++;
        }
    }
    (void)printf("%s%u of %u kinds of faults\n", kinds > 0 ? "\n" : "", kinds, (unsigned)XD_FAULT_COUNT);
}

static volatile sig_atomic_t stop, time_is_up;

/* The world under way is ended; a second time ends the program at once. */
static void on_interrupt(int number) {
    stop = 1;
    (void)signal(number, SIG_DFL);
}

static void on_alarm(int number) {
    (void)number;
    stop = time_is_up = 1;
}

static void print_failure(const char *program, const struct xd_sim_options *options, bool clocks,
                          const struct xd_sim_figures *figures) {
    if (options->script != XD_SIM_NO_SCRIPT) {
        (void)printf("%s: ", xd_sim_script_names[options->script]);
    } else {
        (void)printf("seed %" PRIu64 ": ", options->seed);
    }
    (void)printf("%s\n  trace %016" PRIx64 "\n  again: %s ", figures->violation, figures->trace, program);
    xd_command_write(options, figures, stdout);
    (void)printf("%s\n", clocks ? " --clocks" : "");
}

/* Its exit status, or 0: another one may follow. */
static int run_world(const char *program, const struct xd_command *command, uint64_t seed,
                     struct totals *totals, struct xd_sim_figures *figures) {
    struct xd_sim_options options = command->options;
    options.seed = seed;
    if (command->combine) {
        xd_sim_combine(&options);
    }
    if (command->clocks) {
        xd_sim_run_twice(&options, figures);
    } else {
        xd_sim_run(&options, figures);
    }
    if (strcmp(figures->violation, XD_SIM_INTERRUPTED) == 0) { /* and had not failed before */
        (void)fprintf(stderr, "%s in the world of seed %" PRIu64 ", of which nothing is known\n",
                      time_is_up ? "the time is up" : "interrupted", seed);
        return time_is_up ? EXIT_SUCCESS : 130;
    }
    if (figures->cut_missed) {
        (void)fprintf(stderr, "crossdock-simulator: script %s: %s\n", xd_sim_script_names[options.script],
                      figures->violation);
        return 2;
    }
    add(totals, figures);
    if (figures->violation[0] != 0) {
        print_failure(program, &options, command->clocks, figures);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* What became of all of them: the exit status. */
static int run_worlds(const char *program, const struct xd_command *command, struct totals *totals,
                      double start) {
    struct progress progress = {.told = 0};
    struct xd_sim_figures figures;
    int status = EXIT_SUCCESS;
    for (uint64_t seed = command->options.seed; totals->runs < command->runs && !time_is_up; seed++) {
        status = run_world(program, command, seed, totals, &figures);
        if (status != EXIT_SUCCESS || time_is_up) {
            break;
        }
        if (command->runs > 1) {
            print_progress(&progress, totals, &figures, seed, xd_host_seconds() - start);
        } else {
            (void)printf("seed %" PRIu64 ": fine, at rest %.1f h after the heal, trace %016" PRIx64 "\n",
                         seed, (double)figures.heal_ms / (double)XD_HOUR_MS, figures.trace);
        }
    }
    return status;
}

int main(int count, char **words) {
    struct xd_command command;
    struct totals totals = {0};
    char why[256];
    if (!xd_command_read(count, words, &command, why, sizeof why)) {
        (void)fprintf(stderr, "crossdock-simulator: %s\n", why);
        return 2;
    }
    if (command.list != XD_LIST_NOTHING) {
        xd_command_list_write(command.list, stdout);
        return EXIT_SUCCESS;
    }
    xd_host_begin();
    command.options.stop = &stop;
    (void)signal(SIGINT, on_interrupt);
    (void)signal(SIGALRM, on_alarm);
    (void)alarm(command.seconds);
    if (command.runs > 1) { /* beside the results, so that a world that never ends can be found, too */
        (void)fprintf(stderr, "worlds from seed %" PRIu64 " on\n", command.options.seed);
    }
    double start = xd_host_seconds();
    int status = run_worlds(words[0], &command, &totals, start);
    if (status == EXIT_SUCCESS || command.runs > 1) {
        print_totals(&totals, xd_host_seconds() - start);
    }
    return fflush(stdout) == 0 || status != EXIT_SUCCESS ? status : EXIT_FAILURE;
}
