/* A table of options, each with what it takes; then what does not go together. */
#include "simulator/command.h"

#include "simulator/mutants.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "crossdock-simulator [option...]\n"
    "  --seed N        the first seed (default: drawn from the clock; of a script 1)\n"
    "  --runs N        so many seeds in a row (default 1, or with --seconds as many as there is time for)\n"
    "  --seconds N     end after so many seconds; of the world under way then nothing is known\n"
    "  --sites N, --hours N or --minutes N, --documents N   instead of what the seed draws; documents: of a "
    "site in a day\n"
    "  --without CLASS leave out line, broker, wms, channel, erp, process, storage, memory, clock or "
    "forgery\n"
    "  --calm          nothing fails\n"
    "  --often FAULT   more of that one than any seed draws, also when all else is calm; --faults lists "
    "them\n"
    "  --combine       small worlds, in each of which two to five kinds, drawn by its seed, come as often\n"
    "  --clocks        each world is calm and runs twice, with right clocks and with wrong ones, and has to "
    "come to the same end;\n"
    "                  --often only what strikes a document whatever else is under way\n"
    "  --kinds N       the first N kinds of faults only: the world of a seed as it was when there were so "
    "many\n"
    "  --patience N    hours until all must be at rest after the heal\n"
    "  --story         tell what happens, step by step\n"
    "  --timing        say where the time went\n"
    "  --script NAME   a small world of its own: intake, drain, order, release, confirmation, erp-before, "
    "erp-after, erp-late, start or\n"
    "                  checkpoint\n"
    "  --cut CUT       something fails at that point of a script; twice at most. NODE:POINT:N:HARM, as "
    "hub:write:17:torn; NODE is hub or site.\n"
    "                  At its N-th write, sync, or effect (before, after) the power fails: kept, lost, torn "
    "or reordered. At its N-th write,\n"
    "                  sync, read or allocation the call fails: once, ever, or (allocation) turn\n"
    "  --mutant M      make a mistake on purpose, by name or number; --mutants lists them\n"
    "  --faults, --mutants, --help   list what there is\n"
    "Ctrl-C ends the world under way. Exit status: 0 all worlds are fine, 1 one is not, 2 a wrong option, "
    "130 "
    "interrupted.\n";

#define NUMBER_MAX UINT64_C(1000000)

struct reader {
    struct xd_command *command;
    bool has_seed, has_runs, has_hours, has_minutes;
    const char *otherwise; /* said, and of no use to a script; NULL: none */
    char *why;
    size_t why_size;
};

static bool wrong(struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(struct reader *reader, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reader->why, reader->why_size, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- values ---- */

/* A whole number, decimal or with 0x. */
static bool read_number(const char *text, uint64_t *out) {
    char *end;
    errno = 0;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    *out = strtoull(text, &end, hex ? 16 : 10);
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0;
}

static bool read_class(struct reader *reader, const char *name) {
    for (unsigned class = 0; class < XD_FAULTS_CLASSES; class ++) {
        if (strcmp(xd_fault_class_names[class], name) == 0) {
            reader->command->options.class_off[class] = true;
            return true;
        }
    }
    return wrong(reader,
                 "there is no class `%s` of faults: line, broker, wms, channel, erp, process, storage, "
                 "memory, clock and forgery are",
                 name);
}

static bool read_fault(struct reader *reader, const char *name) {
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        if (strcmp(xd_fault_kinds[fault].name, name) == 0) {
            reader->command->options.often[fault] = true;
            return true;
        }
    }
    return wrong(reader, "there is no fault `%s`; --faults lists them", name);
}

static bool read_mutant(struct reader *reader, const char *name) {
    reader->command->options.mutant = xd_mutant_find(name);
    if (!xd_mutants_are_built()) {
        return wrong(reader,
                     "this program makes no mistakes: it was built without (make VARIANT=sim simulator "
                     "builds one that does)");
    }
    return reader->command->options.mutant < XD_MUTANT_COUNT ||
           wrong(reader, "there is no mutant `%s`; --mutants lists them", name);
}

static bool read_script(struct reader *reader, const char *name) {
    struct xd_sim_options *options = &reader->command->options;
    if (options->script != XD_SIM_NO_SCRIPT) {
        return wrong(reader, "one --script only");
    }
    options->script = xd_sim_script_of(name);
    return options->script != XD_SIM_NO_SCRIPT ||
           wrong(reader, "there is no script `%s`; --help lists them", name);
}

static bool read_cut(struct reader *reader, const char *text) {
    struct xd_sim_options *options = &reader->command->options;
    if (options->cut_count == XD_SIM_CUTS_MAX) {
        return wrong(reader, "two cuts are the most, and `%s` is one more", text);
    }
    return xd_sim_cut_read(text, &options->cuts[options->cut_count++]) ||
           wrong(reader, "`%s` is no cut, or that harm cannot be done there; --help says what can", text);
}

/* ---- options ---- */

enum option { SEED, RUNS, SECONDS, SITES, HOURS, MINUTES, DOCUMENTS, PATIENCE, KINDS };

static const struct {
    const char *name;
    uint64_t min, max;
    bool of_worlds; /* a script has no use for it */
} numbers[] = {
    [SEED] = {"--seed", 0, UINT64_MAX, false},          [RUNS] = {"--runs", 1, NUMBER_MAX, false},
    [SECONDS] = {"--seconds", 1, NUMBER_MAX, false},    [SITES] = {"--sites", 1, XD_SIM_SITES_MAX, true},
    [HOURS] = {"--hours", 1, NUMBER_MAX, true},         [MINUTES] = {"--minutes", 1, NUMBER_MAX, true},
    [DOCUMENTS] = {"--documents", 1, NUMBER_MAX, true}, [PATIENCE] = {"--patience", 1, NUMBER_MAX, false},
    [KINDS] = {"--kinds", 1, XD_FAULT_COUNT, true},
};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

static const struct {
    const char *name;
    bool (*read)(struct reader *reader, const char *value);
    bool of_worlds;
} names[] = {
    {"--without", read_class, true},  {"--often", read_fault, true}, {"--mutant", read_mutant, false},
    {"--script", read_script, false}, {"--cut", read_cut, false},
};
#define NAMES (sizeof names / sizeof names[0])

static void set_number(struct reader *reader, enum option option, uint64_t number) {
    struct xd_command *command = reader->command;
    struct xd_sim_options *options = &command->options;
    switch (option) {
    case SEED:
        options->seed = number;
        reader->has_seed = true;
        break;
    case RUNS:
        command->runs = number;
        reader->has_runs = true;
        break;
    case SECONDS:
        command->seconds = (unsigned)number;
        break;
    case SITES:
        options->sites = (unsigned)number;
        break;
    case HOURS:
        options->horizon = (xd_ms)number * XD_HOUR_MS;
        reader->has_hours = true;
        break;
    case MINUTES:
        options->horizon = (xd_ms)number * XD_MINUTE_MS;
        reader->has_minutes = true;
        break;
    case DOCUMENTS:
        options->documents_a_day = (unsigned)number;
        break;
    case PATIENCE:
        options->patience = (xd_ms)number * XD_HOUR_MS;
        break;
    case KINDS:
        options->kinds = (unsigned)number;
        break;
    }
}

static bool take_number(struct reader *reader, size_t option, const char *value) {
    uint64_t number;
    if (!read_number(value, &number) || number < numbers[option].min || number > numbers[option].max) {
        return wrong(reader, "%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not `%s`",
                     numbers[option].name, numbers[option].min, numbers[option].max, value);
    }
    set_number(reader, (enum option)option, number);
    return true;
}

/* Whether it is one that takes no value. */
static bool take_flag(struct reader *reader, const char *word) {
    struct xd_command *command = reader->command;
    if (strcmp(word, "--calm") == 0) {
        command->options.calm = true;
    } else if (strcmp(word, "--combine") == 0) {
        command->combine = true;
        reader->otherwise = word;
    } else if (strcmp(word, "--clocks") == 0) {
        command->clocks = true;
        reader->otherwise = word;
    } else if (strcmp(word, "--timing") == 0) {
        command->options.timing = true;
    } else if (strcmp(word, "--story") == 0) {
        command->options.story = true;
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        command->list = XD_LIST_HELP;
    } else if (strcmp(word, "--faults") == 0) {
        command->list = XD_LIST_FAULTS;
    } else if (strcmp(word, "--mutants") == 0) {
        command->list = XD_LIST_MUTANTS;
    } else {
        return false;
    }
    return true;
}

/* An option and its value, NULL: there is none. */
static bool take_pair(struct reader *reader, const char *word, const char *value) {
    size_t number = 0, name = 0;
    while (number < NUMBERS && strcmp(numbers[number].name, word) != 0) {
        number++;
    }
    while (name < NAMES && strcmp(names[name].name, word) != 0) {
        name++;
    }
    if (number == NUMBERS && name == NAMES) {
        return wrong(reader, "there is no option `%s`; --help lists them", word);
    }
    if (value == NULL) {
        return wrong(reader, "%s wants a value behind it; --help says which", word);
    }
    if (number < NUMBERS ? numbers[number].of_worlds : names[name].of_worlds) {
        reader->otherwise = word;
    }
    return number < NUMBERS ? take_number(reader, number, value) : names[name].read(reader, value);
}

/* ---- what does not go together ---- */

static bool fits(struct reader *reader) {
    const struct xd_sim_options *options = &reader->command->options;
    if (reader->has_hours && reader->has_minutes) {
        return wrong(reader, "--hours and --minutes say the same: one of them");
    }
    if (options->cut_count > 0 && options->script == XD_SIM_NO_SCRIPT) {
        return wrong(reader, "--cut names a point of a small world: say which by --script");
    }
    if (options->script != XD_SIM_NO_SCRIPT && reader->otherwise != NULL) {
        return wrong(reader, "--script is a small world of its own, for which %s means nothing",
                     reader->otherwise);
    }
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        enum xd_fault_class class = xd_fault_kinds[fault].class;
        if (options->often[fault] && options->class_off[class]) {
            return wrong(reader, "%s is of the class %s, which --without leaves out",
                         xd_fault_kinds[fault].name, xd_fault_class_names[class]);
        }
    }
    return true;
}

bool xd_command_read(int count, char *const *words, struct xd_command *out, char *why, size_t why_size) {
    struct reader reader = {.command = out, .why = why, .why_size = why_size};
    *out = (struct xd_command){.runs = 1, .options = {.seed = (uint64_t)time(NULL)}};
    for (int index = 1; index < count; index++) {
        if (take_flag(&reader, words[index])) {
            continue;
        }
        if (!take_pair(&reader, words[index], index + 1 < count ? words[index + 1] : NULL)) {
            return false;
        }
        index++;
    }
    if (out->seconds > 0 && !reader.has_runs) {
        out->runs = UINT64_MAX;
    }
    if (out->options.script != XD_SIM_NO_SCRIPT) {
        out->options.calm = true;
        out->options.sites = 1;
        out->options.seed = reader.has_seed ? out->options.seed : 1;
    }
    return out->list != XD_LIST_NOTHING || fits(&reader);
}

/* ---- writing ---- */

static void write_script(const struct xd_sim_options *options, FILE *out) {
    char cut[XD_SIM_CUT_TEXT_MAX];
    (void)fprintf(out, " --script %s", xd_sim_script_names[options->script]);
    for (size_t index = 0; index < options->cut_count; index++) {
        xd_sim_cut_write(&options->cuts[index], cut);
        (void)fprintf(out, " --cut %s", cut);
    }
}

static void write_world(const struct xd_sim_options *options, const struct xd_sim_figures *figures,
                        FILE *out) {
    (void)fprintf(out, " --sites %u --minutes %lld --documents %u", figures->sites,
                  (long long)(figures->horizon / XD_MINUTE_MS), figures->documents_a_day);
    for (unsigned class = 0; class < XD_FAULTS_CLASSES; class ++) {
        if (options->class_off[class]) {
            (void)fprintf(out, " --without %s", xd_fault_class_names[class]);
        }
    }
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        if (options->often[fault]) {
            (void)fprintf(out, " --often %s", xd_fault_kinds[fault].name);
        }
    }
    /* As many kinds as there are today: more of them will make another world of it. */
    (void)fprintf(out, "%s --kinds %u", options->calm ? " --calm" : "",
                  options->kinds != 0 ? options->kinds : (unsigned)XD_FAULT_COUNT);
}

void xd_command_write(const struct xd_sim_options *options, const struct xd_sim_figures *figures, FILE *out) {
    (void)fprintf(out, "--seed %" PRIu64, options->seed);
    if (options->script != XD_SIM_NO_SCRIPT) {
        write_script(options, out);
    } else {
        write_world(options, figures, out);
    }
    if (options->patience != 0) {
        (void)fprintf(out, " --patience %lld", (long long)(options->patience / XD_HOUR_MS));
    }
    if (options->mutant != XD_MUTANT_NONE) {
        (void)fprintf(out, " --mutant %s", xd_mutant_kinds[options->mutant].name);
    }
}

void xd_command_list_write(enum xd_command_list list, FILE *out) {
    if (list == XD_LIST_HELP) {
        (void)fputs(usage, out);
    }
    for (unsigned fault = 0; list == XD_LIST_FAULTS && fault < XD_FAULT_COUNT; fault++) {
        (void)fprintf(out, "%-28s %s\n", xd_fault_kinds[fault].name,
                      xd_fault_class_names[xd_fault_kinds[fault].class]);
    }
    for (unsigned number = 1; list == XD_LIST_MUTANTS && number < XD_MUTANT_COUNT; number++) {
        (void)fprintf(out, "%2u %-24s %s\n", number, xd_mutant_kinds[number].name,
                      xd_mutant_kinds[number].does);
    }
}
