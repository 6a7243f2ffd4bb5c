/* status, exceptions, reconcile: what the hub says of itself. */
#include "base/json.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"

#define RED "\x1b[31m"
#define GREEN "\x1b[32m"
#define PLAIN "\x1b[0m"

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* ---- status ---- */

/* "orders: 3 SHIPPED, 1 HELD"; what is 0 is left out. */
static void add_counts(struct xd_cli *cli, const char *name, const cJSON *counts) {
    const cJSON *count;
    size_t told = 0;
    xd_buffer_format(&cli->out, "%s ", name);
    cJSON_ArrayForEach(count, counts) {
        long long number = xd_text_number(counts, count->string);
        if (number != 0) {
            xd_buffer_format(&cli->out, "%s%lld ", told++ > 0 ? ", " : "", number);
            xd_text_clean(&cli->out, count->string);
        }
    }
    xd_buffer_text(&cli->out, told == 0 ? "none\n" : "\n");
}

int xd_cli_status(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    cJSON *tree;
    xd_cli_path(&call, "/v1/status");
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        long long open = xd_text_number(tree, "open_exceptions");
        add_counts(cli, "orders      ", member(tree, "orders"));
        add_counts(cli, "ERP postings", member(tree, "erp_jobs"));
        xd_buffer_format(&cli->out, "exceptions   %lld open%s\n\n", open,
                         open > 0 ? ": crossdock exceptions list" : "");
        xd_cli_write_sites(cli, member(tree, "sites"));
    }
    cJSON_Delete(tree);
    return status;
}

/* ---- exceptions ---- */

static void write_exceptions(struct xd_cli *cli, const cJSON *exceptions) {
    static const struct xd_column columns[] = {{"ID", false},   {"CODE", false},     {"STATUS", false},
                                               {"SITE", false}, {"ORDER", false},    {"RELEASE", false},
                                               {"LINE", false}, {"DOCUMENT", false}, {"QTY", true},
                                               {"AGE", true},   {"DETAIL", false},   {NULL, false}};
    static const char *const members[] = {"id",       "code",       "status", "site",
                                          "order_id", "release_id", "line_id"};
    struct xd_table table;
    const cJSON *exception;
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(exception, exceptions) {
        const char *kind = xd_json_text(exception, "document"), *id = xd_json_text(exception, "document_id");
        for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
            xd_table_text(&table, xd_json_text(exception, members[index]));
        }
        struct xd_buffer *cell = xd_table_cell(&table);
        xd_text_clean(cell, kind != NULL ? kind : "-");
        xd_buffer_text(cell, kind != NULL && id != NULL ? " " : "");
        xd_text_clean(cell, kind != NULL && id != NULL ? id : "");
        xd_table_end(&table);
        xd_table_text(&table, xd_json_text(exception, "qty"));
        xd_cli_age_since(cli, &table, xd_json_text(exception, "raised_at"));
        xd_table_text(&table, xd_json_text(exception, "detail"));
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

int xd_cli_exceptions_list(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    const char *limit;
    cJSON *tree;
    int status = xd_cli_limit(cli, &limit);
    if (status != 0) {
        return status;
    }
    bool all = cli->options[XD_OPTION_ALL] != NULL;
    xd_cli_path(&call, "/v1/exceptions");
    xd_cli_query(&call, "status", all ? "all" : "open");
    xd_cli_query(&call, "order_id", cli->options[XD_OPTION_ORDER]);
    xd_cli_query(&call, "code", cli->options[XD_OPTION_CODE]);
    xd_cli_query(&call, "site", cli->options[XD_OPTION_SITE]);
    xd_cli_query(&call, "limit", limit);
    xd_cli_query(&call, "cursor", cli->options[XD_OPTION_CURSOR]);
    status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        const cJSON *exceptions = member(tree, "exceptions");
        if (cJSON_GetArraySize(exceptions) == 0) {
            xd_buffer_text(&cli->out, all ? "no exceptions\n" : "no open exceptions\n");
        } else {
            write_exceptions(cli, exceptions);
            xd_cli_more(cli, tree);
        }
    }
    cJSON_Delete(tree);
    return status;
}

/* ---- reconcile ---- */

static int64_t lines(const cJSON *row, const char *group) {
    return xd_text_number(member(row, group), "lines");
}

static void add_row(struct xd_table *table, const char *name, const cJSON *row) {
    static const char *const groups[] = {"released",    "confirmed", "posted", "short",
                                         "outstanding", "unposted",  "parked", "rejected"};
    xd_table_text(table, name);
    for (size_t index = 0; index < sizeof groups / sizeof groups[0]; index++) {
        xd_table_number(table, lines(row, groups[index]));
    }
    xd_table_number(table, xd_text_number(row, "unaccounted_lines"));
    xd_table_number(table, xd_text_number(row, "difference"));
}

static void write_books(struct xd_cli *cli, const cJSON *tree) {
    static const struct xd_column columns[] = {
        {"SITE", false},    {"RELEASED", true},    {"CONFIRMED", true},  {"POSTED", true},
        {"SHORT", true},    {"OUTSTANDING", true}, {"UNPOSTED", true},   {"PARKED", true},
        {"REJECTED", true}, {"UNACCOUNTED", true}, {"DIFFERENCE", true}, {NULL, false}};
    struct xd_table table;
    const cJSON *sites = member(tree, "sites"), *site;
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(site, sites) {
        add_row(&table, xd_json_text(site, "site"), site);
    }
    if (cJSON_GetArraySize(sites) != 1) {
        add_row(&table, "all", tree);
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

static void tell_parked(struct xd_cli *cli, const cJSON *tree) {
    long long documents = xd_text_number(member(tree, "parked"), "documents");
    if (documents > 0 || lines(tree, "parked") > 0) {
        xd_buffer_format(&cli->out,
                         "parked for a person: documents %lld, lines %lld; see crossdock exceptions list\n",
                         documents, (long long)lines(tree, "parked"));
    }
}

static void tell_difference(struct xd_cli *cli, const cJSON *tree) {
    long long difference = xd_text_number(tree, "difference");
    xd_buffer_text(&cli->out, cli->colour ? (difference == 0 ? GREEN : RED) : "");
    xd_buffer_format(&cli->out, "difference %lld", difference);
    xd_buffer_text(&cli->out, cli->colour ? PLAIN : "");
    if (difference == 0) {
        xd_buffer_text(&cli->out,
                       ": what was released is confirmed or closed, and what was confirmed is posted.\n");
    } else {
        xd_buffer_format(&cli->out,
                         ": lines released and not confirmed %lld, confirmed and not posted %lld, "
                         "lost count of %lld.\n",
                         (long long)lines(tree, "outstanding"), (long long)lines(tree, "unposted"),
                         (long long)xd_text_number(tree, "unaccounted_lines"));
    }
}

int xd_cli_reconcile(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET", .not_found = "\n`crossdock sites list` shows the sites."};
    cJSON *tree;
    if (xd_cli_wants_books(cli)) {
        return xd_cli_books(cli);
    }
    xd_cli_path(&call, "/v1/reconciliation");
    xd_cli_query(&call, "site", cli->options[XD_OPTION_SITE]);
    int status = xd_cli_call(cli, &call, &tree);
    if (status != 0) {
        return status;
    }
    const cJSON *difference = member(tree, "difference");
    if (!cJSON_IsNumber(difference)) {
        status = xd_cli_fail(XD_EXIT_FAILED, "the hub's answer does not say what the difference is");
    } else {
        status = difference->valuedouble == 0 ? XD_EXIT_FINE : XD_EXIT_DIFFERENCE;
    }
    if (!cli->json && status != XD_EXIT_FAILED) {
        write_books(cli, tree);
        tell_parked(cli, tree);
        tell_difference(cli, tree);
    }
    cJSON_Delete(tree);
    return status;
}
