/* orders validate: what would become of an order, asked without handing it in. */
#include "base/json.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"

#include <string.h>

#define ORDER_MAX XD_JSON_SIZE_MAX

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void write_problems(struct xd_cli *cli, const cJSON *verdict) {
    static const struct xd_column columns[] = {
        {"", false}, {"CODE", false}, {"WHERE", false}, {"DETAIL", false}, {NULL, false}};
    struct xd_table table;
    const cJSON *problems = member(verdict, "problems"), *problem;
    if (cJSON_GetArraySize(problems) == 0) {
        return;
    }
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(problem, problems) {
        const char *pointer = xd_json_text(problem, "pointer");
        xd_table_text(&table, xd_text_flag(problem, "warning") ? "warning" : "problem");
        xd_table_text(&table, xd_json_text(problem, "code"));
        xd_table_text(&table, pointer != NULL && pointer[0] != 0 ? pointer : "the whole order");
        xd_table_text(&table, xd_json_text(problem, "detail"));
    }
    xd_buffer_byte(&cli->out, '\n');
    xd_table_write(&table, &cli->out, cli->colour);
    if (xd_text_number(verdict, "more") > 0) {
        xd_buffer_format(&cli->out, "and %lld more\n", (long long)xd_text_number(verdict, "more"));
    }
}

/* The line's entry of the list, which may lack lines, or NULL. */
static const cJSON *of_line(const cJSON *list, const char *line_id) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const char *id = xd_json_text(item, "line_id");
        if (id != NULL && line_id != NULL && strcmp(id, line_id) == 0) {
            return item;
        }
    }
    return NULL;
}

static void write_lines(struct xd_cli *cli, const cJSON *verdict) {
    static const struct xd_column columns[] = {
        {"LINE", false}, {"SKU", false}, {"BASE QTY", true}, {"BASE UOM", false}, {"PRICE", true},
        {"PER", false},  {"NET", true},  {"TAX", true},      {"AVAILABLE", true}, {NULL, false}};
    static const char *const members[] = {"line_id",    "sku", "base_qty", "base_uom",
                                          "unit_price", "per", "net",      "tax"};
    struct xd_table table;
    const cJSON *lines = member(member(verdict, "price"), "lines"), *line;
    if (cJSON_GetArraySize(lines) == 0) {
        return;
    }
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(line, lines) {
        const cJSON *stock = of_line(member(verdict, "availability"), xd_json_text(line, "line_id"));
        for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
            xd_table_text(&table, xd_json_text(line, members[index]));
        }
        xd_table_text(&table, xd_text_flag(stock, "known") ? xd_json_text(stock, "available") : "not known");
    }
    xd_buffer_byte(&cli->out, '\n');
    xd_table_write(&table, &cli->out, cli->colour);
}

static void add_member(struct xd_buffer *out, const char *before, const cJSON *object, const char *name) {
    const char *text = xd_json_text(object, name);
    if (text != NULL) {
        xd_buffer_text(out, before);
        xd_text_clean(out, text);
    }
}

static void write_sums(struct xd_cli *cli, const cJSON *verdict) {
    const cJSON *price = member(verdict, "price"), *credit = member(verdict, "credit");
    struct xd_buffer *out = &cli->out;
    xd_buffer_text(out, "\nprice   ");
    if (xd_json_text(price, "net") == NULL) {
        xd_buffer_text(out, "not known: some line has none");
    } else {
        add_member(out, "net ", price, "net");
        add_member(out, ", tax ", price, "tax");
        add_member(out, ", gross ", price, "gross");
        add_member(out, " ", price, "currency");
    }
    xd_buffer_text(out, xd_text_flag(credit, "ok") ? "\ncredit  fits" : "\ncredit  does not fit");
    add_member(out, "; customer ", credit, "customer");
    add_member(out, ", owed already ", credit, "exposure");
    add_member(out, ", limit ", credit, "limit");
    xd_buffer_byte(out, '\n');
}

static void write_plan(struct xd_cli *cli, const cJSON *plan) {
    static const struct xd_column columns[] = {
        {"SITE", false}, {"SHIPS", false}, {"LINE", false}, {"BASE QTY", true}, {NULL, false}};
    static const char *const members[] = {"site", "ship_date", "line_id", "base_qty"};
    struct xd_table table;
    const cJSON *parts = member(plan, "parts"), *part;
    if (plan == NULL) {
        return;
    }
    add_member(&cli->out, "plan    ", plan, "decision");
    add_member(&cli->out, ": ", plan, "reason");
    xd_buffer_byte(&cli->out, '\n');
    if (cJSON_GetArraySize(parts) == 0) {
        return;
    }
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(part, parts) {
        for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
            xd_table_text(&table, xd_json_text(part, members[index]));
        }
    }
    xd_buffer_byte(&cli->out, '\n');
    xd_table_write(&table, &cli->out, cli->colour);
}

/* What is no JSON is told with its place, and not sent. */
static int check_json(const char *name, struct xd_bytes order) {
    cJSON *tree = NULL;
    struct xd_json_error error;
    enum xd_result result = xd_json_parse(order, ORDER_MAX, XD_JSON_DEPTH_MAX, &tree, &error);
    cJSON_Delete(tree);
    if (result == XD_INVALID) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s:%u:%u: %s",
                           strcmp(name, "-") == 0 ? "standard input" : name, error.line, error.column,
                           error.detail);
    }
    return result == XD_OK ? 0 : xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
}

int xd_cli_orders_validate(struct xd_cli *cli) {
    struct xd_buffer order;
    cJSON *verdict = NULL;
    xd_buffer_init(&order, 0);
    int status = xd_cli_read_file(cli->argument, ORDER_MAX, &order);
    if (status == 0) {
        status = check_json(cli->argument, xd_buffer_view(&order));
    }
    if (status == 0) {
        struct xd_cli_call call = {.method = "POST", .body = xd_buffer_view(&order)};
        xd_cli_path(&call, "/v1/orders/validate");
        status = xd_cli_call(cli, &call, &verdict);
    }
    if (status == 0) {
        bool valid = xd_text_flag(verdict, "valid");
        status = valid ? XD_EXIT_FINE : XD_EXIT_FAILED;
        if (!cli->json) {
            xd_buffer_text(&cli->out, valid ? "valid\n" : "not valid\n");
            write_problems(cli, verdict);
            write_lines(cli, verdict);
            write_sums(cli, verdict);
            write_plan(cli, member(verdict, "plan"));
        }
    }
    cJSON_Delete(verdict);
    xd_buffer_free(&order);
    return status;
}
