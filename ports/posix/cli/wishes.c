/* What an operator wants of an order or about an exception: cancel, hold, unhold, revise, resolve.
 *
 * The same command again does no harm where the hub can see that it is the same; where it cannot,
 * an answer that is lost is told with how to find out. */
#include "base/json.h"
#include "documents/writer.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"

#include <stdio.h>
#include <string.h>

#define ORDER_MAX XD_JSON_SIZE_MAX
#define LINE_MAX ((size_t)128)

static const char again_is_safe[] = "\nIt may have been done. Run the same command again: that is safe.";
static const char hint_order[] =
    "\n`crossdock orders list --external NUMBER` finds an order by its channel's number.";
static const char hint_exception[] = "\n`crossdock exceptions list` shows them with their ids.";

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* ---- what became of the order ---- */

static void add_holds(struct xd_buffer *out, const cJSON *holds) {
    const cJSON *hold;
    const char *between = "held for: ";
    cJSON_ArrayForEach(hold, holds) {
        xd_buffer_text(out, between);
        xd_text_clean(out, cJSON_IsString(hold) ? hold->valuestring : "-");
        between = ", ";
    }
    xd_buffer_text(out, cJSON_GetArraySize(holds) > 0 ? "\n" : "");
}

static void add_asked(struct xd_buffer *out, const cJSON *releases) {
    const cJSON *release;
    cJSON_ArrayForEach(release, releases) {
        const char *cancel = xd_json_text(release, "cancel"), *id = xd_json_text(release, "release_id"),
                   *site = xd_json_text(release, "site");
        if (cancel != NULL && strcmp(cancel, "REQUESTED") == 0) {
            xd_buffer_text(out, "waits for ");
            xd_text_clean(out, site != NULL ? site : "its site");
            xd_buffer_text(out, ", which is asked to give up ");
            xd_text_clean(out, id != NULL ? id : "its release");
            xd_buffer_byte(out, '\n');
        }
    }
}

/* "O... HELD", then what it waits for. */
static void tell_order(struct xd_cli *cli, const cJSON *order) {
    const char *id = xd_json_text(order, "order_id"), *status = xd_json_text(order, "status");
    xd_text_clean(&cli->out, id != NULL ? id : "-");
    xd_buffer_byte(&cli->out, ' ');
    xd_text_clean(&cli->out, status != NULL ? status : "-");
    xd_buffer_byte(&cli->out, '\n');
    add_holds(&cli->out, member(order, "holds"));
    add_asked(&cli->out, member(order, "releases"));
}

/* POST <of>/<argument>/<verb> with body, which is freed; 0: *tree is the answer. */
static int post(struct xd_cli *cli, struct xd_cli_call *call, const char *of, const char *verb,
                struct xd_buffer *body, cJSON **tree) {
    *tree = NULL;
    if (xd_buffer_result(body) != XD_OK) {
        xd_buffer_free(body);
        return xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
    }
    call->method = "POST";
    call->body = xd_buffer_view(body);
    xd_cli_path(call, of);
    xd_cli_segment(call, cli->argument);
    xd_cli_segment(call, verb);
    int status = xd_cli_call(cli, call, tree);
    xd_buffer_free(body);
    return status;
}

static int wish(struct xd_cli *cli, struct xd_cli_call *call, const char *verb, struct xd_buffer *body) {
    cJSON *tree;
    call->not_found = hint_order;
    int status = post(cli, call, "/v1/orders", verb, body, &tree);
    if (status == 0 && !cli->json) {
        tell_order(cli, tree);
        xd_cli_warn(tree);
    }
    cJSON_Delete(tree);
    return status;
}

/* ---- cancel ---- */

/* LINE or LINE=QTY, the quantity behind the last sign. */
static int add_line(struct xd_writer *writer, const char *text) {
    char line[LINE_MAX];
    const char *equals = strrchr(text, '=');
    size_t size = equals != NULL ? (size_t)(equals - text) : strlen(text);
    if (size == 0 || size >= sizeof line || (equals != NULL && equals[1] == 0)) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT,
                           "--line is LINE or LINE=QTY, as `crossdock orders show` names lines, not `%s`",
                           text);
    }
    memcpy(line, text, size);
    line[size] = 0;
    xd_writer_begin(writer, "lines", '[');
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "line_id", line);
    xd_writer_text(writer, "qty", equals != NULL ? equals + 1 : NULL);
    xd_writer_end(writer, '}');
    xd_writer_end(writer, ']');
    return 0;
}

int xd_cli_orders_cancel(struct xd_cli *cli) {
    const char *line = cli->options[XD_OPTION_LINE];
    struct xd_cli_call call = {.unknown = again_is_safe};
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "reason", cli->options[XD_OPTION_REASON]);
    int status = line != NULL ? add_line(&writer, line) : 0;
    xd_writer_end(&writer, '}');
    if (status != 0) {
        xd_buffer_free(&body);
        return status;
    }
    return wish(cli, &call, "cancel", &body);
}

/* ---- holds ---- */

int xd_cli_orders_hold(struct xd_cli *cli) {
    struct xd_cli_call call = {.unknown = again_is_safe};
    struct xd_buffer body;
    if (cli->options[XD_OPTION_REASON] == NULL) {
        return xd_cli_fail(
            XD_EXIT_WRONG_INPUT,
            "say why, for whoever finds the order held: crossdock orders hold %s --reason TEXT",
            cli->argument);
    }
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "reason", cli->options[XD_OPTION_REASON]);
    xd_writer_end(&writer, '}');
    return wish(cli, &call, "hold", &body);
}

int xd_cli_orders_unhold(struct xd_cli *cli) {
    struct xd_cli_call call = {
        .unknown = "\nIt may have been done: crossdock orders show tells what the order is held for."};
    char hold[32];
    struct xd_buffer body;
    size_t size = 0;
    for (; size < sizeof hold - 1 && cli->second[size] != 0; size++) {
        char byte = cli->second[size];
        hold[size] = (char)(byte >= 'a' && byte <= 'z' ? byte - 32 : byte);
    }
    hold[size] = 0;
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "hold", hold);
    xd_writer_text(&writer, "reason", cli->options[XD_OPTION_REASON]);
    xd_writer_end(&writer, '}');
    return wish(cli, &call, "unhold", &body);
}

/* ---- revise ---- */

/* The revision that is replaced: what the order is now. */
static int read_revision(struct xd_cli *cli, char etag[32]) {
    struct xd_cli_call call = {.method = "GET", .secret = true, .not_found = hint_order};
    cJSON *tree;
    xd_cli_path(&call, "/v1/orders");
    xd_cli_segment(&call, cli->argument);
    int status = xd_cli_call(cli, &call, &tree);
    long long revision = status == 0 ? (long long)xd_text_number(tree, "revision") : 0;
    cJSON_Delete(tree);
    (void)snprintf(etag, 32, "\"%lld\"", revision);
    return status;
}

int xd_cli_orders_revise(struct xd_cli *cli) {
    struct xd_buffer body;
    char etag[32];
    xd_buffer_init(&body, 0);
    int status = xd_cli_read_file(cli->second, ORDER_MAX, &body);
    if (status == 0) {
        status = read_revision(cli, etag);
    }
    if (status != 0) {
        xd_buffer_free(&body);
        return status;
    }
    struct xd_cli_call call = {.if_match = etag, .unknown = again_is_safe};
    return wish(cli, &call, "revisions", &body);
}

/* ---- exceptions ---- */

int xd_cli_exceptions_show(struct xd_cli *cli) {
    static const struct xd_column columns[] = {{"", false}, {"", false}, {NULL, false}};
    static const char *const members[][2] = {{"exception", "id"},
                                             {"code", "code"},
                                             {"status", "status"},
                                             {"site", "site"},
                                             {"order", "order_id"},
                                             {"release", "release_id"},
                                             {"line", "line_id"},
                                             {"document", "document"},
                                             {"document id", "document_id"},
                                             {"quantity", "qty"},
                                             {"detail", "detail"},
                                             {"raised (UTC)", "raised_at"},
                                             {"resolved (UTC)", "resolved_at"},
                                             {"resolved by", "resolved_by"},
                                             {"action", "action"},
                                             {"reason", "reason"}};
    struct xd_cli_call call = {.method = "GET", .not_found = hint_exception};
    struct xd_table table;
    cJSON *tree;
    xd_cli_path(&call, "/v1/exceptions");
    xd_cli_segment(&call, cli->argument);
    int status = xd_cli_call(cli, &call, &tree);
    if (status != 0 || cli->json) {
        cJSON_Delete(tree);
        return status;
    }
    xd_table_init(&table, columns);
    for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
        const char *value = xd_json_text(tree, members[index][1]);
        bool is_time = strstr(members[index][0], "UTC") != NULL;
        if (value != NULL) {
            xd_table_text(&table, members[index][0]);
            (is_time ? xd_table_time : xd_table_text)(&table, value);
        }
    }
    xd_table_write(&table, &cli->out, cli->colour);
    cJSON_Delete(tree);
    return 0;
}

/* How and by whom, where that is known: maybe not by this wish. */
static void tell_resolution(struct xd_cli *cli, const cJSON *tree) {
    const char *by = xd_json_text(tree, "resolved_by"), *action = xd_json_text(tree, "action");
    xd_text_clean(&cli->out, cli->argument);
    xd_buffer_text(&cli->out, " resolved");
    if (action != NULL) {
        xd_buffer_text(&cli->out, ": ");
        xd_text_clean(&cli->out, action);
    }
    if (by != NULL) {
        xd_buffer_text(&cli->out, " by ");
        xd_text_clean(&cli->out, by);
    }
    xd_buffer_byte(&cli->out, '\n');
}

int xd_cli_exceptions_resolve(struct xd_cli *cli) {
    static const char *const actions[] = {"accept", "reject", "retry"};
    struct xd_cli_call call = {.not_found = hint_exception, .unknown = again_is_safe};
    struct xd_buffer body;
    cJSON *tree;
    size_t action = 0;
    while (action < 3 && strcmp(actions[action], cli->second) != 0) {
        action++;
    }
    if (action == 3) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT,
                           "an exception is resolved by accept, reject or retry, not `%s`", cli->second);
    }
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "action", actions[action]);
    xd_writer_text(&writer, "reason", cli->options[XD_OPTION_REASON]);
    xd_writer_end(&writer, '}');
    int status = post(cli, &call, "/v1/exceptions", "resolve", &body, &tree);
    if (status == 0 && !cli->json && xd_json_text(tree, "order_id") != NULL) {
        tell_order(cli, tree);
    } else if (status == 0 && !cli->json) {
        tell_resolution(cli, tree);
    }
    cJSON_Delete(tree);
    return status;
}
