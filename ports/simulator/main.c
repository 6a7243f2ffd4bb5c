/* crossdock-simulator: worlds by seed. */
#include "simulator/host.h"
#include "simulator/mutants.h"
#include "simulator/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "crossdock-simulator [option...]\n"
    "  --seed N        the first seed (default: drawn from the clock)\n"
    "  --runs N        so many seeds in a row (default 1)\n"
    "  --seconds N     stop after so many seconds\n"
    "  --sites N, --hours N or --minutes N, --documents N   instead of what the seed draws; documents: of a "
    "site in a day\n"
    "  --without CLASS leave out line, broker, wms, channel, erp, process, storage, "
    "memory, clock or forgery\n"
    "  --calm          nothing fails\n"
    "  --often FAULT   more of that one than any seed draws, also when all else is calm; --faults lists "
    "them\n"
    "  --kinds N       the first N kinds of faults only: the world of a seed as it was when there were so "
    "many\n"
    "  --patience N    hours until all must be at rest after the heal\n"
    "  --story         tell what happens, step by step\n"
    "  --timing        say where the time went\n"
    "  --script NAME   a small world: intake, drain, order, release, confirmation, "
    "erp-before, erp-after, erp-late, start or checkpoint\n"
    "  --cut CUT       something fails at that point of it: hub:write:17:torn:3, "
    "see cut.h; twice at most\n"
    "  --mutant M      make a mistake on purpose, by name or number; --mutants lists them\n";

#define PROGRESS_SECONDS 10.0

struct totals {
    uint64_t runs, steps, turns, messages, documents, orders, crashes, site_ms;
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
    (void)printf("%" PRIu64 " worlds, %.1f site-days in %.1f s (%.2f a second): %" PRIu64 " orders, %" PRIu64
                 " documents of WMSs, %" PRIu64 " messages, %" PRIu64 " turns, %" PRIu64 " crashes\n",
                 totals->runs, days, took, days / took, totals->orders, totals->documents, totals->messages,
                 totals->turns, totals->crashes);
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

static bool read_class(const char *name, struct xd_sim_options *options) {
    for (unsigned class = 0; name != NULL && class < XD_FAULTS_CLASSES; class ++) {
        if (strcmp(xd_fault_class_names[class], name) == 0) {
            options->class_off[class] = true;
            return true;
        }
    }
    return false;
}

static bool read_cut(const char *text, struct xd_sim_options *options) {
    return text != NULL && options->cut_count < XD_SIM_CUTS_MAX &&
           xd_sim_cut_read(text, &options->cuts[options->cut_count++]);
}

static bool read_fault(const char *name, struct xd_sim_options *options) {
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        if (strcmp(xd_fault_kinds[fault].name, name) == 0) {
            options->often[fault] = true;
            return true;
        }
    }
    return false;
}

#define NUMBER_MAX UINT64_C(1000000)

struct command {
    struct xd_sim_options options;
    uint64_t runs;
    double seconds;
};

static volatile sig_atomic_t interrupted;

/* The world under way is ended; a second time ends the program at once. */
static void on_interrupt(int number) {
    interrupted = 1;
    (void)signal(number, SIG_DFL);
}

/* A whole number of at most max; octal and hexadecimal as C writes them. */
static bool read_number(const char *text, uint64_t max, uint64_t *out) {
    char *end;
    errno = 0;
    *out = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 0) : 0;
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0 && *out <= max;
}

static bool takes_number(const char *word) {
    static const char *const words[] = {"--seed",    "--runs",      "--seconds",  "--sites", "--hours",
                                        "--minutes", "--documents", "--patience", "--kinds"};
    for (size_t index = 0; index < sizeof words / sizeof words[0]; index++) {
        if (strcmp(words[index], word) == 0) {
            return true;
        }
    }
    return false;
}

/* How many words the option took; 0: it is none, or its value cannot be used. */
static int read_option(const char *word, const char *value, struct command *command) {
    struct xd_sim_options *options = &command->options;
    uint64_t number = 0;
    if (strcmp(word, "--calm") == 0) {
        options->calm = true;
        return 1;
    }
    if (strcmp(word, "--timing") == 0) {
        options->timing = true;
        return 1;
    }
    if (strcmp(word, "--story") == 0) {
        options->story = true;
        return 1;
    }
    bool least_one = strcmp(word, "--seed") != 0 && strcmp(word, "--patience") != 0;
    uint64_t most = strcmp(word, "--seed") == 0    ? UINT64_MAX
                    : strcmp(word, "--sites") == 0 ? XD_SIM_SITES_MAX
                                                   : NUMBER_MAX;
    if (value == NULL ||
        (takes_number(word) && (!read_number(value, most, &number) || (least_one && number == 0)))) {
        return 0;
    }
    if (strcmp(word, "--seed") == 0) {
        options->seed = number;
    } else if (strcmp(word, "--runs") == 0) {
        command->runs = number;
    } else if (strcmp(word, "--seconds") == 0) {
        command->seconds = (double)number;
        command->runs = command->runs == 1 ? UINT64_MAX : command->runs;
    } else if (strcmp(word, "--sites") == 0) {
        options->sites = (unsigned)number;
    } else if (strcmp(word, "--hours") == 0) {
        options->horizon = (xd_ms)number * XD_HOUR_MS;
    } else if (strcmp(word, "--minutes") == 0) {
        options->horizon = (xd_ms)number * XD_MINUTE_MS;
    } else if (strcmp(word, "--documents") == 0) {
        options->documents_a_day = (unsigned)number;
    } else if (strcmp(word, "--patience") == 0) {
        options->patience = (xd_ms)number * XD_HOUR_MS;
    } else if (strcmp(word, "--often") == 0) {
        return read_fault(value, options) ? 2 : 0;
    } else if (strcmp(word, "--kinds") == 0) {
        options->kinds = (unsigned)number;
    } else if (strcmp(word, "--mutant") == 0) {
        options->mutant = xd_mutants_are_built() ? xd_mutant_find(value) : XD_MUTANT_COUNT;
        return options->mutant < XD_MUTANT_COUNT ? 2 : 0;
    } else if (strcmp(word, "--script") == 0 && xd_sim_script_of(value) != XD_SIM_NO_SCRIPT) {
        options->script = xd_sim_script_of(value);
        options->calm = true;
        options->sites = 1;
    } else if (strcmp(word, "--cut") == 0 && read_cut(value, options)) {
        return 2;
    } else if (strcmp(word, "--without") != 0 || !read_class(value, options)) {
        return 0;
    }
    return 2;
}

static void print_failed_script(const struct xd_sim_options *options, const struct xd_sim_figures *figures) {
    char cut[XD_SIM_CUT_TEXT_MAX];
    (void)printf("%s: %s\n  trace %016" PRIx64 "\n  again: crossdock-simulator --story --seed %" PRIu64
                 " --script %s",
                 xd_sim_script_names[options->script], figures->violation, figures->trace, options->seed,
                 xd_sim_script_names[options->script]);
    for (size_t index = 0; index < options->cut_count; index++) {
        xd_sim_cut_write(&options->cuts[index], cut);
        (void)printf(" --cut %s", cut);
    }
    (void)printf("\n");
}

static void print_failure(const struct command *command, const struct xd_sim_figures *figures) {
    if (command->options.script != XD_SIM_NO_SCRIPT) {
        print_failed_script(&command->options, figures);
        return;
    }
    (void)printf("seed %" PRIu64 ": %s\n  trace %016" PRIx64 "\n  again: crossdock-simulator --seed %" PRIu64
                 " --sites %u --minutes %lld --documents %u",
                 command->options.seed, figures->violation, figures->trace, command->options.seed,
                 figures->sites, (long long)(figures->horizon / XD_MINUTE_MS), figures->documents_a_day);
    for (unsigned class = 0; class < XD_FAULTS_CLASSES; class ++) {
        if (command->options.class_off[class]) {
            (void)printf(" --without %s", xd_fault_class_names[class]);
        }
    }
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        if (command->options.often[fault]) {
            (void)printf(" --often %s", xd_fault_kinds[fault].name);
        }
    }
    (void)fputs(command->options.calm ? " --calm" : "", stdout);
    if (command->options.kinds != 0) {
        (void)printf(" --kinds %u", command->options.kinds);
    }
    if (command->options.patience != 0) {
        (void)printf(" --patience %lld", (long long)(command->options.patience / XD_HOUR_MS));
    }
    if (command->options.mutant != XD_MUTANT_NONE) {
        (void)printf(" --mutant %s", xd_mutant_kinds[command->options.mutant].name);
    }
    (void)printf("\n");
}

static void print_faults(void) {
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        (void)printf("%s\n", xd_fault_kinds[fault].name);
    }
}

static void print_mutants(void) {
    for (unsigned number = 1; number < XD_MUTANT_COUNT; number++) {
        (void)printf("%2u %-24s %s\n", number, xd_mutant_kinds[number].name, xd_mutant_kinds[number].does);
    }
}

int main(int count, char **words) {
    struct command command = {.runs = 1};
    struct totals totals = {0};
    struct xd_sim_figures figures;
    xd_host_begin();
    command.options.seed = (uint64_t)time(NULL);
    if (count == 2 && strcmp(words[1], "--mutants") == 0) {
        print_mutants();
        return EXIT_SUCCESS;
    }
    if (count == 2 && strcmp(words[1], "--faults") == 0) {
        print_faults();
        return EXIT_SUCCESS;
    }
    for (int index = 1; index < count;) {
        int took = read_option(words[index], index + 1 < count ? words[index + 1] : NULL, &command);
        if (took == 0) {
            if (strcmp(words[index], "--help") == 0) {
                (void)fputs(usage, stdout);
                return EXIT_SUCCESS;
            }
            (void)fprintf(stderr, "crossdock-simulator: `%s%s%s` cannot be used; --help says what can\n",
                          words[index], index + 1 < count ? " " : "",
                          index + 1 < count ? words[index + 1] : "");
            return 2;
        }
        index += took;
    }
    struct progress progress = {.told = 0};
    double start = xd_host_seconds();
    (void)signal(SIGINT, on_interrupt);
    if (command.runs > 1) { /* beside the results, so that a world that never ends can be found, too */
        (void)fprintf(stderr, "worlds from seed %" PRIu64 " on\n", command.options.seed);
    }
    for (; totals.runs < command.runs && !interrupted &&
           (command.seconds == 0 || xd_host_seconds() - start < command.seconds);
         command.options.seed++) {
        xd_sim_run(&command.options, &figures);
        add(&totals, &figures);
        if (figures.violation[0] != 0) {
            print_failure(&command, &figures);
            return EXIT_FAILURE;
        }
        if (command.runs > 1) {
            print_progress(&progress, &totals, &figures, command.options.seed, xd_host_seconds() - start);
        } else {
            (void)printf("seed %" PRIu64 ": fine, at rest %.1f h after the heal, trace %016" PRIx64 "\n",
                         command.options.seed, (double)figures.heal_ms / (double)XD_HOUR_MS, figures.trace);
        }
    }
    print_totals(&totals, xd_host_seconds() - start);
    return interrupted ? 130 : EXIT_SUCCESS;
}
