/* What lists of several verbs share. */
#include "posix/cli/lists.h"

#include "base/json.h"
#include "posix/cli/arguments.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT "50"
#define LIMIT_MAX 200

int xd_cli_limit(const struct xd_cli *cli, const char **limit) {
    const char *text = cli->options[XD_OPTION_LIMIT];
    char *end = NULL;
    *limit = text != NULL ? text : LIMIT_DEFAULT;
    long value = strtol(*limit, &end, 10);
    if ((*limit)[0] < '0' || (*limit)[0] > '9' || *end != 0 || value < 1 || value > LIMIT_MAX) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "--limit is a number from 1 to %d, not `%s`", LIMIT_MAX,
                           *limit);
    }
    return 0;
}

/* As a shell takes it for one word. */
static void add_word(struct xd_buffer *out, const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/:@%+,=";
    if (text[0] != 0 && strspn(text, plain) == strlen(text)) {
        xd_buffer_text(out, text);
        return;
    }
    struct xd_buffer quoted;
    xd_buffer_init(&quoted, 0);
    for (; *text != 0; text++) {
        xd_buffer_add(&quoted, text, *text == '\'' ? 0 : 1);
        xd_buffer_text(&quoted, *text == '\'' ? "'\\''" : "");
    }
    xd_buffer_byte(out, '\'');
    xd_text_clean(out, xd_buffer_string(&quoted));
    xd_buffer_byte(out, '\'');
    xd_buffer_free(&quoted);
}

void xd_cli_more(struct xd_cli *cli, const cJSON *tree) {
    xd_cli_more_from(cli, xd_json_text(tree, "next_cursor"));
}

void xd_cli_more_from(struct xd_cli *cli, const char *cursor) {
    if (cursor == NULL) {
        return;
    }
    xd_buffer_format(&cli->out, "more: crossdock %s", cli->verb->name);
    if (cli->argument != NULL) {
        xd_buffer_byte(&cli->out, ' ');
        add_word(&cli->out, cli->argument);
    }
    for (int option = 0; option < XD_OPTION_COUNT; option++) {
        if (cli->options[option] == NULL || option == XD_OPTION_CURSOR) {
            continue;
        }
        xd_buffer_format(&cli->out, " --%s", xd_options[option].name);
        if (xd_options[option].value != NULL) {
            xd_buffer_byte(&cli->out, ' ');
            add_word(&cli->out, cli->options[option]);
        }
    }
    xd_buffer_text(&cli->out, " --cursor ");
    add_word(&cli->out, cursor);
    xd_buffer_byte(&cli->out, '\n');
}

void xd_cli_age_since(const struct xd_cli *cli, struct xd_table *table, const char *time) {
    xd_ms at;
    if (time != NULL && xd_time_parse(time, &at) == XD_OK) {
        xd_table_age(table, cli->now - at);
    } else {
        xd_table_text(table, NULL);
    }
}
