/* The verbs of ERPs: how they are, and their maintenance. */
#include "base/json.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"

#include <string.h>

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void add_tenants(struct xd_table *table, const cJSON *row) {
    const cJSON *tenant, *tenants = member(row, "tenants");
    bool shadow = xd_text_flag(row, "shadow");
    size_t count = 0;
    struct xd_buffer *cell = xd_table_cell(table);
    cJSON_ArrayForEach(tenant, tenants) {
        const char *name = cJSON_GetStringValue(tenant);
        xd_buffer_text(cell, count++ > 0 ? "," : "");
        xd_text_clean(cell, name != NULL ? name : "?");
    }
    xd_buffer_text(cell, count > 0 ? "" : shadow ? "all" : "all others");
    xd_table_end(table);
}

static void add_state(struct xd_cli *cli, struct xd_table *table, const cJSON *row) {
    const char *state = xd_json_text(row, "state"), *at = xd_json_text(row, "paused_at");
    struct xd_buffer *cell = xd_table_cell(table);
    xd_ms since = 0;
    if (xd_text_flag(row, "paused")) {
        xd_buffer_text(cell, "paused ");
        if (at != NULL && xd_time_parse(at, &since) == XD_OK) {
            xd_text_age(cell, cli->now - since);
            xd_buffer_text(cell, " ago");
        }
    } else {
        bool ready = state == NULL || strcmp(state, "ready") == 0;
        xd_text_clean(cell, !ready ? state : xd_text_flag(row, "shadow") ? "shadow" : "ready");
    }
    xd_table_end(table);
}

/* What it said when it was in trouble last; of one that is well again, too: it may have been a minute ago. */
static void write_trouble(struct xd_cli *cli, const cJSON *row) {
    const cJSON *error = member(row, "last_error");
    const char *at = xd_json_text(error, "at"), *next = xd_json_text(row, "next_try_at");
    const char *words[] = {xd_json_text(error, "call"), xd_json_text(error, "code"),
                           xd_json_text(error, "detail")};
    xd_ms time = 0;
    if (at == NULL || xd_time_parse(at, &time) != XD_OK) {
        return;
    }
    xd_text_clean(&cli->out, xd_json_text(row, "name"));
    xd_buffer_text(&cli->out, ": last trouble ");
    xd_text_age(&cli->out, cli->now - time);
    xd_buffer_text(&cli->out, " ago (");
    xd_text_time(&cli->out, at);
    xd_buffer_text(&cli->out, ")");
    for (size_t index = 0; index < sizeof words / sizeof words[0]; index++) {
        if (words[index] != NULL && words[index][0] != 0) {
            xd_buffer_text(&cli->out, index == 0 ? ", " : ": ");
            xd_text_clean(&cli->out, words[index]);
        }
    }
    if (next != NULL && xd_time_parse(next, &time) == XD_OK) {
        xd_buffer_text(&cli->out, "; next try ");
        if (time > cli->now) {
            xd_buffer_text(&cli->out, "in ");
            xd_text_age(&cli->out, time - cli->now);
        } else {
            xd_buffer_text(&cli->out, "now");
        }
    }
    xd_buffer_text(&cli->out, "\n");
}

static void write_erps(struct xd_cli *cli, const cJSON *erps) {
    static const struct xd_column columns[] = {{"ERP", false},    {"TENANTS", false}, {"GRADE", false},
                                               {"STATE", false},  {"CALLS", true},    {"QUEUED", true},
                                               {"UNKNOWN", true}, {"PARKED", true},   {"REFUSED", true},
                                               {"DONE", true},    {NULL, false}};
    static const char *const numbers[] = {"calls", "queued", "unknown", "parked", "refused", "done"};
    struct xd_table table;
    const cJSON *row;
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(row, erps) {
        xd_table_text(&table, xd_json_text(row, "name"));
        add_tenants(&table, row);
        xd_table_text(&table, xd_json_text(row, "grade"));
        add_state(cli, &table, row);
        for (size_t index = 0; index < sizeof numbers / sizeof numbers[0]; index++) {
            xd_table_number(&table, xd_text_number(row, numbers[index]));
        }
    }
    xd_table_write(&table, &cli->out, cli->colour);
    cJSON_ArrayForEach(row, erps) {
        write_trouble(cli, row);
    }
}

int xd_cli_erp_status(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    cJSON *tree;
    xd_cli_path(&call, "/v1/erps");
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        write_erps(cli, member(tree, "erps"));
    }
    cJSON_Delete(tree);
    return status;
}

static int set_paused(struct xd_cli *cli, const char *tail) {
    struct xd_cli_call call = {.method = "POST",
                               .body = xd_bytes_of_text("{}"),
                               .not_found = "\n`crossdock erp status` shows which there are.",
                               .unknown =
                                   "`crossdock erp status` shows how it is; the same command again is safe"};
    cJSON *tree;
    xd_cli_path(&call, "/v1/erps");
    xd_cli_segment(&call, cli->argument);
    xd_buffer_text(&call.path, tail);
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        xd_text_clean(&cli->out, xd_json_text(tree, "name"));
        xd_buffer_text(&cli->out, xd_text_flag(tree, "paused")
                                      ? " is paused: nothing is called, and what is to be posted queues\n"
                                      : " goes on\n");
    }
    cJSON_Delete(tree);
    return status;
}

int xd_cli_erp_pause(struct xd_cli *cli) {
    return set_paused(cli, "/pause");
}

int xd_cli_erp_resume(struct xd_cli *cli) {
    return set_paused(cli, "/resume");
}
