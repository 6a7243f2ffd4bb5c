/* Options and words are told apart first, wherever they stand; then the words name
 * a verb (the first one, or the first two) and its argument; then the options must
 * be global or the verb's own. So `crossdock --json orders list` and
 * `crossdock orders list --json` are the same, and `agent --config FILE status`
 * is `agent status`. */
#include "posix/cli/arguments.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 5u /* of a verb and its arguments, and one too many */
#define NAME_SIZE 64u
#define GLOBAL_OPTIONS (XD_OPTION_BIT(XD_OPTION_STATUS) - 1u)
#define NAMES_MAX 64u

/* ---- the nearest name ---- */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Damerau-Levenshtein with adjacent swaps, of texts up to NAME_SIZE; longer ones are far away. */
static size_t distance(const char *a, const char *b) {
    size_t rows[3][NAME_SIZE + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    size_t size_a = strlen(a), size_b = strlen(b);
    if (size_a > NAME_SIZE || size_b > NAME_SIZE) {
        return NAME_SIZE;
    }
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= size_b; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= size_a; i++) {
        row[0] = i;
        for (size_t j = 1; j <= size_b; j++) {
            size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = least(change, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[size_b];
}

const char *xd_arguments_nearest(const char *text, const char *const *names, size_t count) {
    const char *nearest = NULL;
    size_t nearest_distance = 0;
    for (size_t index = 0; index < count; index++) {
        size_t far = distance(text, names[index]);
        if (nearest == NULL || far < nearest_distance) {
            nearest = names[index];
            nearest_distance = far;
        }
    }
    return nearest != NULL && nearest_distance <= 1 + strlen(nearest) / 3 ? nearest : NULL;
}

/* ---- help ---- */

static void add_option_help(struct xd_buffer *out, uint64_t options) {
    for (unsigned option = 0; option < XD_OPTION_COUNT; option++) {
        if ((options & XD_OPTION_BIT(option)) != 0) {
            const struct xd_option_row *row = &xd_options[option];
            char name[NAME_SIZE];
            (void)snprintf(name, sizeof name, "--%s%s%s", row->name, row->value != NULL ? " " : "",
                           row->value != NULL ? row->value : "");
            xd_buffer_format(out, "  %-18s %s\n", name, row->help);
        }
    }
}

static void add_verbs(struct xd_buffer *out, const char *group) {
    size_t size = strlen(group);
    for (const struct xd_verb *verb = xd_verbs; verb->name != NULL; verb++) {
        char name[NAME_SIZE];
        if (strncmp(verb->name, group, size) == 0) {
            (void)snprintf(name, sizeof name, "%s %s", verb->name,
                           verb->argument != NULL ? verb->argument : "");
            xd_buffer_format(out, "  %-18s %s\n", name, verb->summary);
        }
    }
}

static void add_program_help(struct xd_buffer *out, const char *group) {
    xd_buffer_text(out, "usage: crossdock [OPTION...] VERB [ARGUMENT] [OPTION...]\n\nVerbs:\n");
    add_verbs(out, group);
    xd_buffer_text(out, "\nOptions, before or after the verb:\n");
    add_option_help(out, GLOBAL_OPTIONS);
    xd_buffer_text(out, "\n`crossdock VERB --help` tells more of one verb.\n"
                        "Exit status: 0 fine, 1 it did not work, 2 wrong arguments or configuration,\n"
                        "3 reconcile found a difference.\n");
}

static void add_verb_help(struct xd_buffer *out, const struct xd_verb *verb) {
    xd_buffer_format(out, "usage: crossdock %s%s%s%s\n\n%s.\n%s", verb->name,
                     verb->argument != NULL ? " " : "", verb->argument != NULL ? verb->argument : "",
                     " [OPTION...]", verb->summary, verb->help);
    if (verb->options != 0) {
        xd_buffer_text(out, "\nIts options:\n");
        add_option_help(out, verb->options);
    }
    xd_buffer_text(out, "\nOptions of every verb:\n");
    add_option_help(out, GLOBAL_OPTIONS);
}

/* ---- options ---- */

static int unknown_option(const char *name) {
    const char *names[XD_OPTION_COUNT];
    for (unsigned option = 0; option < XD_OPTION_COUNT; option++) {
        names[option] = xd_options[option].name;
    }
    const char *near = xd_arguments_nearest(name, names, XD_OPTION_COUNT);
    return near != NULL
               ? xd_cli_fail(XD_EXIT_WRONG_INPUT, "there is no option --%s; did you mean --%s?", name, near)
               : xd_cli_fail(XD_EXIT_WRONG_INPUT, "there is no option --%s; crossdock --help lists them",
                             name);
}

/* text: behind the dashes. next: the following argument, or NULL. used: whether
 * it was the value. 0 or the exit status. */
static int take_option(struct xd_cli *cli, const char *text, const char *next, bool *used) {
    char name[NAME_SIZE];
    const char *equals = strchr(text, '=');
    size_t size = equals != NULL ? (size_t)(equals - text) : strlen(text);
    (void)snprintf(name, sizeof name, "%.*s", (int)least(size, sizeof name - 1), text);
    unsigned option = 0;
    while (option < XD_OPTION_COUNT && strcmp(name, xd_options[option].name) != 0) {
        option++;
    }
    if (option == XD_OPTION_COUNT) {
        return unknown_option(name);
    }
    if (xd_options[option].value == NULL) {
        cli->options[option] = "";
        return equals == NULL ? 0 : xd_cli_fail(XD_EXIT_WRONG_INPUT, "--%s takes no value", name);
    }
    if (equals == NULL && (next == NULL || strncmp(next, "--", 2) == 0)) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "--%s needs a value: --%s %s", name, name,
                           xd_options[option].value);
    }
    if (option == XD_OPTION_LINE && cli->options[option] != NULL) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "--%s is there twice: name one at a time", name);
    }
    *used = equals == NULL;
    cli->options[option] = equals != NULL ? equals + 1 : next;
    return cli->options[option][0] != 0
               ? 0
               : xd_cli_fail(XD_EXIT_WRONG_INPUT, "the value of --%s is empty", name);
}

/* ---- verbs ---- */

static const struct xd_verb *find_verb(const char *first, const char *second, size_t *words) {
    char name[NAME_SIZE];
    *words = 1;
    for (const struct xd_verb *verb = xd_verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, first) == 0) {
            return verb;
        }
    }
    *words = 2;
    (void)snprintf(name, sizeof name, "%s %s", first, second != NULL ? second : "");
    for (const struct xd_verb *verb = xd_verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0) {
            return verb;
        }
    }
    return NULL;
}

/* Whether word is the first of verbs of two words. */
static bool is_group(const char *word) {
    size_t size = strlen(word);
    for (const struct xd_verb *verb = xd_verbs; verb->name != NULL; verb++) {
        if (strncmp(verb->name, word, size) == 0 && verb->name[size] == ' ') {
            return true;
        }
    }
    return false;
}

/* The first word is right: what may follow it. */
static int unknown_second(const char *first, const char *second) {
    const char *names[NAMES_MAX];
    struct xd_buffer list;
    size_t count = 0, size = strlen(first);
    for (const struct xd_verb *verb = xd_verbs; verb->name != NULL && count < NAMES_MAX; verb++) {
        if (strncmp(verb->name, first, size) == 0 && verb->name[size] == ' ') {
            names[count++] = verb->name + size + 1;
        }
    }
    const char *near = second != NULL ? xd_arguments_nearest(second, names, count) : NULL;
    if (near != NULL) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "there is no verb `%s %s`; did you mean `%s %s`?", first,
                           second, first, near);
    }
    xd_buffer_init(&list, 0);
    add_verbs(&list, first);
    (void)xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s %s:\n%s", first,
                      second != NULL ? "is followed by one of these words" : "needs a second word",
                      xd_buffer_string(&list));
    xd_buffer_free(&list);
    return XD_EXIT_WRONG_INPUT;
}

static int unknown_verb(const char *first, const char *second) {
    const char *names[NAMES_MAX];
    char text[NAME_SIZE];
    size_t count = 0;
    if (is_group(first)) {
        return unknown_second(first, second);
    }
    while (count < NAMES_MAX && xd_verbs[count].name != NULL) {
        names[count] = xd_verbs[count].name;
        count++;
    }
    (void)snprintf(text, sizeof text, "%s%s%s", first, second != NULL ? " " : "",
                   second != NULL ? second : "");
    const char *near = xd_arguments_nearest(text, names, count);
    near = near != NULL ? near : xd_arguments_nearest(first, names, count);
    return near != NULL
               ? xd_cli_fail(XD_EXIT_WRONG_INPUT, "there is no verb `%s`; did you mean `%s`?", text, near)
               : xd_cli_fail(XD_EXIT_WRONG_INPUT, "there is no verb `%s`; crossdock --help lists them", text);
}

/* How many words `argument` asks for at least, and at most. */
static size_t needed_words(const char *argument, size_t *most) {
    size_t least_words = 0;
    *most = 0;
    for (const char *at = argument; at != NULL; at = strchr(at, ' ')) {
        at += *at == ' ' ? 1 : 0;
        ++*most;
        least_words += *at == '[' ? 0 : 1;
    }
    return least_words;
}

static int check_verb(const struct xd_cli *cli, const struct xd_verb *verb, const char *const *words,
                      size_t count) {
    for (unsigned option = XD_OPTION_STATUS; option < XD_OPTION_COUNT; option++) {
        if (cli->options[option] != NULL && (verb->options & XD_OPTION_BIT(option)) == 0) {
            return xd_cli_fail(XD_EXIT_WRONG_INPUT,
                               "`%s` has no option --%s; crossdock %s --help lists what it has", verb->name,
                               xd_options[option].name, verb->name);
        }
    }
    size_t most, wanted = needed_words(verb->argument, &most);
    if (count < wanted) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "`%s` needs %s: crossdock %s %s", verb->name,
                           wanted - count == 1 ? "one more word" : "two more words", verb->name,
                           verb->argument);
    }
    if (count > most) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "`%s` takes no more words: what shall `%s` be?", verb->name,
                           words[most]);
    }
    return -1;
}

/* A word is kept as far as there is room: what is too many is told by the count. */
static int split(int count, char **texts, struct xd_cli *cli, const char **words, size_t *word_count) {
    bool options_end = false;
    for (int index = 1; index < count; index++) {
        const char *text = texts[index];
        bool used = false;
        int status = 0;
        if (!options_end && strcmp(text, "--") == 0) {
            options_end = true;
        } else if (!options_end && strcmp(text, "-h") == 0) {
            cli->options[XD_OPTION_HELP] = "";
        } else if (!options_end && strncmp(text, "--", 2) == 0) {
            status = take_option(cli, text + 2, index + 1 < count ? texts[index + 1] : NULL, &used);
        } else if (!options_end && text[0] == '-' && text[1] != 0) {
            status =
                xd_cli_fail(XD_EXIT_WRONG_INPUT, "options begin with two dashes, but this is `%s`", text);
        } else if (*word_count < WORDS_MAX) {
            words[(*word_count)++] = text;
        }
        if (status != 0) {
            return status;
        }
        index += used ? 1 : 0;
    }
    return 0;
}

int xd_arguments_read(int count, char **texts, struct xd_cli *cli) {
    const char *words[WORDS_MAX] = {NULL};
    size_t word_count = 0, verb_words = 0;
    int status = split(count, texts, cli, words, &word_count);
    if (status != 0) {
        return status;
    }
    cli->json = cli->options[XD_OPTION_JSON] != NULL;
    bool help = cli->options[XD_OPTION_HELP] != NULL;
    if (cli->options[XD_OPTION_VERSION] != NULL) {
        xd_buffer_text(&cli->out, "crossdock " XD_VERSION "\n");
        return XD_EXIT_FINE;
    }
    if (word_count == 0 && !help) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT,
                           "say what to do, as in `crossdock status`; crossdock --help lists the verbs");
    }
    if (word_count == 0) {
        add_program_help(&cli->out, "");
        return XD_EXIT_FINE;
    }
    cli->verb = find_verb(words[0], words[1], &verb_words);
    if (cli->verb == NULL) {
        bool group = help && word_count == 1 && is_group(words[0]);
        if (group) {
            add_program_help(&cli->out, words[0]);
        }
        return group ? XD_EXIT_FINE : unknown_verb(words[0], words[1]);
    }
    if (help) {
        add_verb_help(&cli->out, cli->verb);
        return XD_EXIT_FINE;
    }
    cli->argument = words[verb_words];
    cli->second = words[verb_words + 1];
    return check_verb(cli, cli->verb, words + verb_words, word_count - verb_words);
}
