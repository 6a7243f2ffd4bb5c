/* The verbs of orders. */
#include "base/crypto.h"
#include "base/json.h"
#include "posix/cli/arguments.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"

#include <stdio.h>
#include <string.h>

#define ORDER_MAX XD_JSON_SIZE_MAX
#define KEY_MAX 128u

static const char *const statuses[] = {"RECEIVED",      "VALIDATED",      "HELD",      "REJECTED",
                                       "ACCEPTED",      "PART_ALLOCATED", "ALLOCATED", "BACKORDERED",
                                       "IN_FULFILMENT", "PART_SHIPPED",   "SHIPPED",   "CLOSED_SHORT",
                                       "INVOICED",      "CANCELLED"};
#define STATUS_COUNT (sizeof statuses / sizeof statuses[0])

static const char hint_external[] =
    "\n`crossdock orders list --external NUMBER` finds an order by its channel's number.";

/* ---- list ---- */

/* As the API names it, whatever the case; NULL and a complaint when there is no such status. */
static const char *status_of(const char *text) {
    char upper[32];
    size_t size = 0;
    for (; size < sizeof upper - 1 && text[size] != 0; size++) {
        upper[size] = (char)(text[size] >= 'a' && text[size] <= 'z' ? text[size] - 32
                             : text[size] == '-'                    ? '_'
                                                                    : text[size]);
    }
    upper[size] = 0;
    for (size_t index = 0; index < STATUS_COUNT; index++) {
        if (strcmp(statuses[index], upper) == 0) {
            return statuses[index];
        }
    }
    const char *near = xd_arguments_nearest(upper, statuses, STATUS_COUNT);
    (void)xd_cli_fail(XD_EXIT_WRONG_INPUT, "there is no order status `%s`%s%s%s", text,
                      near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                      near != NULL ? "?" : "");
    return NULL;
}

/* Where it ships from; while nothing is released, the site that it prefers
 * or that was chosen. */
static void add_sites(struct xd_table *table, const cJSON *order) {
    const cJSON *sites = cJSON_GetObjectItemCaseSensitive(order, "ships_from"), *site;
    const char *between = "";
    if (cJSON_GetArraySize(sites) == 0) {
        xd_table_text(table, xd_json_text(order, "site"));
        return;
    }
    struct xd_buffer *cell = xd_table_cell(table);
    cJSON_ArrayForEach(site, sites) {
        xd_buffer_text(cell, between);
        xd_text_clean(cell, cJSON_IsString(site) ? site->valuestring : "-");
        between = ",";
    }
    xd_table_end(table);
}

static void write_order_list(struct xd_cli *cli, const cJSON *orders) {
    static const struct xd_column columns[] = {{"ORDER", false},   {"EXTERNAL", false}, {"CUSTOMER", false},
                                               {"CHANNEL", false}, {"SITE", false},     {"STATUS", false},
                                               {"AGE", true},      {NULL, false}};
    struct xd_table table;
    const cJSON *order;
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(order, orders) {
        const cJSON *channel = cJSON_GetObjectItemCaseSensitive(order, "channel");
        xd_table_text(&table, xd_json_text(order, "order_id"));
        xd_table_text(&table, xd_json_text(order, "external_order_id"));
        xd_table_text(&table, xd_json_text(order, "customer_ref"));
        xd_table_text(&table, xd_json_text(channel, "account"));
        add_sites(&table, order);
        xd_table_text(&table, xd_json_text(order, "status"));
        xd_cli_age_since(cli, &table, xd_json_text(order, "received_at"));
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

int xd_cli_orders_list(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    const char *wanted = cli->options[XD_OPTION_STATUS];
    const char *limit;
    cJSON *tree;
    int status = xd_cli_limit(cli, &limit);
    if (status == 0 && wanted != NULL) {
        wanted = status_of(wanted);
        status = wanted != NULL ? 0 : XD_EXIT_WRONG_INPUT;
    }
    if (status != 0) {
        return status;
    }
    xd_cli_path(&call, "/v1/orders");
    xd_cli_query(&call, "status", wanted);
    xd_cli_query(&call, "external_order_id", cli->options[XD_OPTION_EXTERNAL]);
    xd_cli_query(&call, "limit", limit);
    xd_cli_query(&call, "cursor", cli->options[XD_OPTION_CURSOR]);
    status = xd_cli_call(cli, &call, &tree);
    if (status != 0 || cli->json) {
        cJSON_Delete(tree);
        return status;
    }
    const cJSON *orders = cJSON_GetObjectItemCaseSensitive(tree, "orders");
    if (cJSON_GetArraySize(orders) == 0) {
        xd_buffer_text(&cli->out, "no orders\n");
    } else {
        write_order_list(cli, orders);
        xd_cli_more(cli, tree);
    }
    cJSON_Delete(tree);
    return 0;
}

/* ---- show ---- */

/* What the order is held for, or which steps are done, a blank between. */
static void add_names(struct xd_table *table, const char *heading, const cJSON *names) {
    const cJSON *name;
    if (cJSON_GetArraySize(names) == 0) {
        return;
    }
    xd_table_text(table, heading);
    struct xd_buffer *cell = xd_table_cell(table);
    const char *between = "";
    cJSON_ArrayForEach(name, names) {
        xd_buffer_text(cell, between);
        xd_text_clean(cell, cJSON_IsString(name) ? name->valuestring : "-");
        between = " ";
    }
    xd_table_end(table);
}

/* "shipped by 2026-11-23 10:00:00.000", a row each. */
static void add_deadlines(struct xd_table *table, const cJSON *deadlines) {
    const cJSON *deadline;
    cJSON_ArrayForEach(deadline, deadlines) {
        const char *promise = xd_json_text(deadline, "promise"), *due = xd_json_text(deadline, "due_at");
        struct xd_buffer *cell;
        xd_table_text(table, "promised (UTC)");
        cell = xd_table_cell(table);
        xd_text_clean(cell, promise != NULL ? promise : "-");
        xd_buffer_text(cell, " by ");
        xd_text_time(cell, due != NULL ? due : "-");
        xd_buffer_text(cell, xd_text_flag(deadline, "breached") ? ", missed" : "");
        xd_table_end(table);
    }
}

/* "E0123456789ABCDEFG UNMATCHED_LINE", a row each. */
static void add_exceptions(struct xd_table *table, const cJSON *exceptions) {
    const cJSON *exception;
    cJSON_ArrayForEach(exception, exceptions) {
        const char *id = xd_json_text(exception, "id"), *code = xd_json_text(exception, "code");
        xd_table_text(table, "exception");
        struct xd_buffer *cell = xd_table_cell(table);
        xd_text_clean(cell, id != NULL ? id : "-");
        xd_buffer_byte(cell, ' ');
        xd_text_clean(cell, code != NULL ? code : "-");
        xd_table_end(table);
    }
}

/* "fill_or_kill: Not all of it could ship." */
static void add_reason(struct xd_table *table, const cJSON *reason) {
    const char *code = xd_json_text(reason, "code"), *detail = xd_json_text(reason, "detail");
    const char *by = xd_json_text(reason, "by");
    if (code == NULL) {
        return;
    }
    xd_table_text(table, "because");
    struct xd_buffer *cell = xd_table_cell(table);
    xd_text_clean(cell, code);
    if (detail != NULL && detail[0] != '\0') {
        xd_buffer_text(cell, ": ");
        xd_text_clean(cell, detail);
    }
    xd_table_end(table);
    if (by != NULL) {
        xd_table_text(table, "by");
        xd_table_text(table, by);
    }
}

/* A value as a person reads it: a text as it is, anything else as JSON. */
static void add_value(struct xd_buffer *cell, const cJSON *value) {
    struct xd_buffer text;
    if (cJSON_IsString(value)) {
        xd_text_clean(cell, value->valuestring);
        return;
    }
    xd_buffer_init(&text, 0);
    xd_json_print(value, &text);
    xd_text_clean(cell, xd_buffer_string(&text));
    xd_buffer_free(&text);
}

/* "Corner Shop, 1 Dock Road, Leeds": all that is said of it, the lines of its address one by one. */
static void add_party(struct xd_table *table, const char *heading, const cJSON *party) {
    const cJSON *value;
    const char *between = "";
    if (cJSON_GetArraySize(party) == 0) {
        return;
    }
    xd_table_text(table, heading);
    struct xd_buffer *cell = xd_table_cell(table);
    cJSON_ArrayForEach(value, party) {
        const cJSON *text = cJSON_IsArray(value) ? value->child : value;
        for (; text != NULL; text = cJSON_IsArray(value) ? text->next : NULL) {
            xd_buffer_text(cell, between);
            add_value(cell, text);
            between = ", ";
        }
    }
    xd_table_end(table);
}

/* "scac UPSN", by the API's names. */
static void add_member(struct xd_table *table, const char *heading, const char *name, const cJSON *value) {
    xd_table_text(table, heading);
    struct xd_buffer *cell = xd_table_cell(table);
    xd_text_clean(cell, name);
    xd_buffer_byte(cell, ' ');
    add_value(cell, value);
    xd_table_end(table);
}

static void add_members(struct xd_table *table, const char *heading, const cJSON *object) {
    const cJSON *member;
    cJSON_ArrayForEach(member, object) {
        add_member(table, heading, member->string, member);
    }
}

/* What the order says of how to ship. */
static void add_how(struct xd_table *table, const cJSON *order) {
    const cJSON *parties = cJSON_GetObjectItemCaseSensitive(order, "parties");
    add_party(table, "ship to", cJSON_GetObjectItemCaseSensitive(parties, "ship_to"));
    add_party(table, "mark for", cJSON_GetObjectItemCaseSensitive(parties, "mark_for"));
    add_members(table, "date", cJSON_GetObjectItemCaseSensitive(order, "dates"));
    add_members(table, "freight", cJSON_GetObjectItemCaseSensitive(order, "freight"));
    add_members(table, "attribute", cJSON_GetObjectItemCaseSensitive(order, "attributes"));
}

/* The site that the order prefers; of one that prefers none the first that was chosen. */
static void add_site(struct xd_table *table, const cJSON *order) {
    const char *preferred = xd_json_text(order, "preferred_site"), *chosen = xd_json_text(order, "site");
    if (preferred != NULL || chosen != NULL) {
        xd_table_text(table, preferred != NULL ? "preferred site" : "chosen site");
        xd_table_text(table, preferred != NULL ? preferred : chosen);
    }
}

static void write_head(struct xd_cli *cli, const cJSON *order) {
    static const struct xd_column columns[] = {{"", false}, {"", false}, {NULL, false}};
    static const char *const members[][2] = {{"order", "order_id"},
                                             {"external number", "external_order_id"},
                                             {"customer", "customer_ref"},
                                             {"customer's PO", "customer_po"},
                                             {"status", "status"},
                                             {"ERP reference", "erp_reference"},
                                             {"correlation id", "correlation_id"}};
    struct xd_table table;
    xd_table_init(&table, columns);
    for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
        const char *value = xd_json_text(order, members[index][1]);
        if (value != NULL) {
            xd_table_text(&table, members[index][0]);
            xd_table_text(&table, value);
        }
    }
    add_reason(&table, cJSON_GetObjectItemCaseSensitive(order, "reason"));
    add_site(&table, order);
    add_names(&table, "ships from", cJSON_GetObjectItemCaseSensitive(order, "ships_from"));
    add_names(&table, "held for", cJSON_GetObjectItemCaseSensitive(order, "holds"));
    add_names(&table, "steps done", cJSON_GetObjectItemCaseSensitive(order, "steps"));
    if (xd_text_flag(order, "cancel_requested")) {
        xd_table_text(&table, "cancelled");
        xd_table_text(&table, "asked for");
    }
    xd_table_text(&table, "received (UTC)");
    xd_table_time(&table, xd_json_text(order, "received_at"));
    add_how(&table, order);
    add_deadlines(&table, cJSON_GetObjectItemCaseSensitive(order, "deadlines"));
    add_exceptions(&table, cJSON_GetObjectItemCaseSensitive(order, "exceptions"));
    xd_table_write(&table, &cli->out, cli->colour);
}

static void write_lines(struct xd_cli *cli, const cJSON *lines) {
    static const struct xd_column columns[] = {{"LINE", false},       {"SKU", false},    {"UOM", false},
                                               {"ORDERED", true},     {"OPEN", true},    {"ALLOCATED", true},
                                               {"RELEASED", true},    {"SHIPPED", true}, {"CANCELLED", true},
                                               {"BACKORDERED", true}, {"PENDING", true}, {"OVER", true},
                                               {"INVOICED", true},    {NULL, false}};
    static const char *const members[] = {"line_id",   "sku",         "uom",     "qty",       "open",
                                          "allocated", "released",    "shipped", "cancelled", "backordered",
                                          "pending",   "overshipped", "invoiced"};
    struct xd_table table;
    const cJSON *line;
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(line, lines) {
        for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
            xd_table_text(&table, xd_json_text(line, members[index]));
        }
    }
    xd_buffer_byte(&cli->out, '\n');
    xd_table_write(&table, &cli->out, cli->colour);
}

/* Lines that are to be handled in some way, and how. */
static void write_handling(struct xd_cli *cli, const cJSON *lines) {
    static const struct xd_column columns[] = {
        {"LINE", false}, {"HOW IT IS TO BE HANDLED", false}, {NULL, false}};
    static const char *const members[] = {"lot_constraint", "min_remaining_shelf_life", "serial_required",
                                          "hazmat",         "temperature_class",        "attributes"};
    struct xd_table table;
    const cJSON *line;
    bool any = false;
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(line, lines) {
        for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
            const cJSON *value = cJSON_GetObjectItemCaseSensitive(line, members[index]);
            if (value != NULL) {
                any = true;
                add_member(&table, xd_json_text(line, "line_id"), members[index], value);
            }
        }
    }
    if (any) {
        xd_buffer_byte(&cli->out, '\n');
        xd_table_write(&table, &cli->out, cli->colour);
    }
}

static void write_releases(struct xd_cli *cli, const cJSON *releases) {
    static const struct xd_column columns[] = {{"RELEASE", false}, {"REVISION", true}, {"SITE", false},
                                               {"STATUS", false},  {"CANCEL", false},  {"AGE", true},
                                               {NULL, false}};
    struct xd_table table;
    const cJSON *release;
    if (cJSON_GetArraySize(releases) == 0) {
        xd_buffer_text(&cli->out, "\nnothing is released yet\n");
        return;
    }
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(release, releases) {
        xd_table_text(&table, xd_json_text(release, "release_id"));
        xd_table_number(&table, xd_text_number(release, "revision"));
        xd_table_text(&table, xd_json_text(release, "site"));
        xd_table_text(&table, xd_json_text(release, "status"));
        const char *cancel = xd_json_text(release, "cancel");
        xd_table_text(&table, cancel != NULL && strcmp(cancel, "NONE") != 0 ? cancel : NULL);
        xd_cli_age_since(cli, &table, xd_json_text(release, "created_at"));
    }
    xd_buffer_byte(&cli->out, '\n');
    xd_table_write(&table, &cli->out, cli->colour);
}

static int fetch_order(struct xd_cli *cli, const char *tail, cJSON **tree) {
    struct xd_cli_call call = {.method = "GET", .not_found = hint_external};
    xd_cli_path(&call, "/v1/orders");
    xd_cli_segment(&call, cli->argument);
    xd_buffer_text(&call.path, tail);
    return xd_cli_call(cli, &call, tree);
}

int xd_cli_orders_show(struct xd_cli *cli) {
    cJSON *tree;
    int status = fetch_order(cli, "", &tree);
    if (status == 0 && !cli->json) {
        write_head(cli, tree);
        write_lines(cli, cJSON_GetObjectItemCaseSensitive(tree, "lines"));
        write_handling(cli, cJSON_GetObjectItemCaseSensitive(tree, "lines"));
        write_releases(cli, cJSON_GetObjectItemCaseSensitive(tree, "releases"));
    }
    cJSON_Delete(tree);
    return status;
}

int xd_cli_orders_timeline(struct xd_cli *cli) {
    static const struct xd_column columns[] = {
        {"TIME (UTC)", false}, {"STEP", false}, {"DETAIL", false}, {NULL, false}};
    struct xd_table table;
    const cJSON *step;
    cJSON *tree;
    int status = fetch_order(cli, "/timeline", &tree);
    if (status != 0 || cli->json) {
        cJSON_Delete(tree);
        return status;
    }
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(tree, "steps")) {
        xd_table_time(&table, xd_json_text(step, "at"));
        xd_table_text(&table, xd_json_text(step, "step"));
        xd_text_members(xd_table_cell(&table), cJSON_GetObjectItemCaseSensitive(step, "detail"));
        xd_table_end(&table);
    }
    xd_table_write(&table, &cli->out, cli->colour);
    cJSON_Delete(tree);
    return 0;
}

/* ---- submit ---- */

/* The same content gives the same key, however it is laid out: whoever repeats the
 * command after an answer that did not come gets the first one's order. */
static int make_key(const char *name, struct xd_bytes order, char key[KEY_MAX + 1]) {
    cJSON *tree = NULL;
    struct xd_json_error error;
    struct xd_buffer canonical;
    char hash[XD_HASH_TEXT_SIZE];
    enum xd_result result = xd_json_parse(order, ORDER_MAX, XD_JSON_DEPTH_MAX, &tree, &error);
    if (result == XD_INVALID) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s:%u:%u: %s",
                           strcmp(name, "-") == 0 ? "standard input" : name, error.line, error.column,
                           error.detail);
    }
    xd_buffer_init(&canonical, 0);
    if (result == XD_OK) {
        xd_json_canonical(tree, NULL, &canonical);
        result = xd_buffer_result(&canonical);
    }
    if (result == XD_OK) {
        struct xd_hash sum = xd_sha256(xd_buffer_view(&canonical));
        (void)snprintf(key, KEY_MAX + 1, "sha256-%s", xd_hash_write(&sum, hash));
    }
    xd_buffer_free(&canonical);
    cJSON_Delete(tree);
    return result == XD_OK ? 0 : xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
}

static int take_key(const char *text, char key[KEY_MAX + 1]) {
    size_t size = strlen(text);
    bool fine = size <= KEY_MAX;
    for (size_t index = 0; index < size && fine; index++) {
        fine = text[index] > 0x20 && text[index] < 0x7f && text[index] != '"' && text[index] != '\\';
    }
    if (!fine) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT,
                           "--key is 1 to %u printable characters without blanks, quotes and backslashes",
                           KEY_MAX);
    }
    memcpy(key, text, size + 1);
    return 0;
}

static void write_taken(struct xd_cli *cli, const cJSON *tree) {
    const char *id = xd_json_text(tree, "order_id");
    const char *state = xd_json_text(tree, "status");
    xd_text_clean(&cli->out, id != NULL ? id : "-");
    xd_buffer_byte(&cli->out, ' ');
    xd_text_clean(&cli->out, state != NULL ? state : "-");
    xd_buffer_byte(&cli->out, '\n');
    xd_cli_warn(tree);
}

int xd_cli_orders_submit(struct xd_cli *cli) {
    char key[KEY_MAX + 1];
    struct xd_buffer order;
    cJSON *tree = NULL;
    xd_buffer_init(&order, 0);
    int status = xd_cli_read_file(cli->argument, ORDER_MAX, &order);
    if (status == 0) {
        status = make_key(cli->argument, xd_buffer_view(&order), key);
    }
    if (status == 0 && cli->options[XD_OPTION_KEY] != NULL) {
        status = take_key(cli->options[XD_OPTION_KEY], key);
    }
    if (status == 0) {
        struct xd_cli_call call = {
            .method = "POST",
            .key = key,
            .body = xd_buffer_view(&order),
            .unknown = "\nThe order may have been taken. Run the same command again: that is safe."};
        xd_cli_path(&call, "/v1/orders");
        status = xd_cli_call(cli, &call, &tree);
    }
    if (status == 0 && !cli->json) {
        write_taken(cli, tree);
    }
    cJSON_Delete(tree);
    xd_buffer_free(&order);
    return status;
}
