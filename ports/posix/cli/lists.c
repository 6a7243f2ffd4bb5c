/* What lists of several verbs share. */
#include "posix/cli/lists.h"

#include "base/json.h"
#include "posix/cli/arguments.h"

#include <stdlib.h>

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

void xd_cli_more(struct xd_cli *cli, const cJSON *tree) {
    const char *cursor = xd_json_text(tree, "next_cursor");
    if (cursor != NULL) {
        xd_buffer_text(&cli->out, "more: crossdock ");
        xd_buffer_format(&cli->out, "%s --cursor ", cli->verb->name);
        xd_text_clean(&cli->out, cursor);
        xd_buffer_byte(&cli->out, '\n');
    }
}

void xd_cli_age_since(const struct xd_cli *cli, struct xd_table *table, const char *time) {
    xd_ms at;
    if (time != NULL && xd_time_parse(time, &at) == XD_OK) {
        xd_table_age(table, cli->now - at);
    } else {
        xd_table_text(table, NULL);
    }
}
