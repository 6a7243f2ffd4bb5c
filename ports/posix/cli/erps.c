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
    const char *breaker = xd_json_text(row, "breaker"), *at = xd_json_text(row, "paused_at");
    struct xd_buffer *cell = xd_table_cell(table);
    xd_ms since = 0;
    if (xd_text_flag(row, "paused")) {
        xd_buffer_text(cell, "paused ");
        if (at != NULL && xd_time_parse(at, &since) == XD_OK) {
            xd_text_age(cell, cli->now - since);
            xd_buffer_text(cell, " ago");
        }
    } else if (xd_text_flag(row, "shadow")) {
        xd_buffer_text(cell, "shadow");
    } else {
        xd_buffer_text(cell, breaker == NULL || strcmp(breaker, "closed") == 0 ? "open"
                             : strcmp(breaker, "open") == 0                    ? "failing"
                                                                               : "trying");
    }
    xd_table_end(table);
}

static void write_erps(struct xd_cli *cli, const cJSON *erps) {
    static const struct xd_column columns[] = {
        {"ERP", false},   {"TENANTS", false}, {"GRADE", false}, {"STATE", false},  {"CALLS", true},
        {"QUEUED", true}, {"UNKNOWN", true},  {"PARKED", true}, {"REFUSED", true}, {NULL, false}};
    static const char *const numbers[] = {"calls", "queued", "unknown", "parked", "refused"};
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
