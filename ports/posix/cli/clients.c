/* The verbs of clients.
 *
 * A token is told once. With --out its file is made before the hub is asked; should
 * writing it fail all the same, the token is printed rather than lost. */
#include "base/json.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"
#include "posix/cli/secret_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_DIGITS_MAX 9u

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_or_dash(const cJSON *object, const char *name) {
    const char *text = xd_json_text(object, name);
    return text != NULL ? text : "-";
}

/* ---- list and show ---- */

/* The texts or numbers of a list, a comma between. */
static void add_list(struct xd_table *table, const cJSON *list) {
    struct xd_buffer *cell = xd_table_cell(table);
    const cJSON *item;
    const char *between = "";
    cJSON_ArrayForEach(item, list) {
        xd_buffer_text(cell, between);
        if (cJSON_IsString(item)) {
            xd_text_clean(cell, item->valuestring);
        } else {
            xd_buffer_format(cell, "%d", item->valueint);
        }
        between = ",";
    }
    xd_buffer_text(cell, list == NULL ? "all" : "");
    xd_table_end(table);
}

static void add_rate(struct xd_table *table, const cJSON *client) {
    struct xd_buffer *cell = xd_table_cell(table);
    if (member(client, "rate_per_s") != NULL) {
        xd_buffer_format(cell, "%lld/s", (long long)xd_text_number(client, "rate_per_s"));
    } else {
        xd_buffer_text(cell, "-");
    }
    xd_table_end(table);
}

/* Those whose time is over stay listed for a while; they let nobody in. */
static int64_t count_live(const struct xd_cli *cli, const cJSON *tokens) {
    const cJSON *token;
    int64_t count = 0;
    cJSON_ArrayForEach(token, tokens) {
        const char *until = xd_json_text(token, "expires_at");
        xd_ms at;
        count += until == NULL || xd_time_parse(until, &at) != XD_OK || at > cli->now;
    }
    return count;
}

static void write_clients(struct xd_cli *cli, const cJSON *const *clients, size_t count) {
    static const struct xd_column columns[] = {
        {"TENANT", false}, {"CLIENT", false},   {"ROLE", false},     {"STATUS", false}, {"TOKENS", true},
        {"RATE", true},    {"CHANNELS", false}, {"VERSIONS", false}, {"ADDED", false},  {NULL, false}};
    struct xd_table table;
    xd_table_init(&table, columns);
    for (size_t index = 0; index < count; index++) {
        const cJSON *client = clients[index];
        xd_table_text(&table, xd_json_text(client, "tenant"));
        xd_table_text(&table, xd_json_text(client, "client"));
        xd_table_text(&table, xd_json_text(client, "role"));
        xd_table_text(&table, xd_json_text(client, "status"));
        xd_table_number(&table, count_live(cli, member(client, "tokens")));
        add_rate(&table, client);
        add_list(&table, member(client, "channels"));
        add_list(&table, member(client, "schema_versions"));
        xd_table_time(&table, xd_json_text(client, "added_at"));
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

int xd_cli_clients_list(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    const cJSON *rows[200];
    const cJSON *client;
    const char *limit;
    size_t count = 0;
    cJSON *tree;
    int status = xd_cli_limit(cli, &limit);
    if (status != 0) {
        return status;
    }
    xd_cli_path(&call, "/v1/clients");
    xd_cli_query(&call, "tenant", cli->options[XD_OPTION_TENANT]);
    xd_cli_query(&call, "limit", limit);
    xd_cli_query(&call, "cursor", cli->options[XD_OPTION_CURSOR]);
    status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        cJSON_ArrayForEach(client, member(tree, "clients")) {
            if (count < sizeof rows / sizeof rows[0]) {
                rows[count++] = client;
            }
        }
        if (count == 0) {
            xd_buffer_text(&cli->out, "no clients\n");
        } else {
            write_clients(cli, rows, count);
        }
        xd_cli_more(cli, tree);
    }
    cJSON_Delete(tree);
    return status;
}

static void write_tokens(struct xd_cli *cli, const cJSON *tokens) {
    static const struct xd_column columns[] = {{"TOKEN MADE", false}, {"VALID UNTIL", false}, {NULL, false}};
    struct xd_table table;
    const cJSON *token;
    if (cJSON_GetArraySize(tokens) == 0) {
        return;
    }
    xd_buffer_byte(&cli->out, '\n');
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(token, tokens) {
        const char *until = xd_json_text(token, "expires_at");
        xd_table_time(&table, xd_json_text(token, "made_at"));
        if (until != NULL) {
            xd_table_time(&table, until);
        } else {
            xd_table_text(&table, "for ever");
        }
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

/* /v1/clients/NAME[/verb][?tenant=T] */
static void name_client(struct xd_cli *cli, struct xd_cli_call *call, const char *verb) {
    xd_cli_path(call, "/v1/clients");
    xd_cli_segment(call, cli->argument);
    if (verb != NULL) {
        xd_cli_segment(call, verb);
    }
    xd_cli_query(call, "tenant", cli->options[XD_OPTION_TENANT]);
    call->not_found = "\nclients list shows them all; --tenant says whose it is.";
}

int xd_cli_clients_show(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    cJSON *tree;
    name_client(cli, &call, NULL);
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        const cJSON *row = tree;
        write_clients(cli, &row, 1);
        write_tokens(cli, member(tree, "tokens"));
    }
    cJSON_Delete(tree);
    return status;
}

/* ---- a token ---- */

/* What is printed of the answer with --json when the token is in a file. */
static void tell_json(struct xd_cli *cli, cJSON *tree, const char *path) {
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "token");
    char *json = cJSON_AddStringToObject(tree, "file", path) != NULL ? cJSON_PrintUnformatted(tree) : NULL;
    if (json == NULL) {
        cli->out.result = XD_NO_MEMORY;
    } else {
        xd_text_json(&cli->out, xd_bytes_of_text(json));
    }
    cJSON_free(json);
}

static void print_token(struct xd_cli *cli, cJSON *tree, const char *token) {
    char *json = cli->json ? cJSON_PrintUnformatted(tree) : NULL;
    if (json != NULL) {
        xd_text_json(&cli->out, xd_bytes_of_text(json));
    } else {
        xd_text_clean(&cli->out, token);
        xd_buffer_byte(&cli->out, '\n');
    }
    cJSON_free(json);
}

static int keep_token(struct xd_cli *cli, cJSON *tree, struct xd_secret_file *secret) {
    const char *token = xd_json_text(tree, "token");
    struct xd_buffer text;
    int status = 0;
    if (token == NULL) {
        return xd_cli_fail(XD_EXIT_FAILED, "the hub's answer has no token; clients rotate gives another one");
    }
    if (secret->file < 0) {
        print_token(cli, tree, token);
        return 0;
    }
    xd_buffer_init(&text, 0);
    xd_buffer_format(&text, "%s\n", token);
    if (xd_buffer_result(&text) != XD_OK || !xd_secret_keep(secret, &text)) {
        status = xd_cli_fail(
            XD_EXIT_FAILED,
            "%s cannot be written (%s); the token is printed instead, for it cannot be had again: keep it",
            secret->path, strerror(errno));
        print_token(cli, tree, token);
    } else if (cli->json) {
        tell_json(cli, tree, secret->path);
    } else {
        xd_buffer_format(&cli->out, "The token of %s (%s of tenant %s) is in ", cli->argument,
                         text_or_dash(tree, "role"), text_or_dash(tree, "tenant"));
        xd_text_clean(&cli->out, secret->path);
        xd_buffer_text(&cli->out, "; it cannot be had again.\n");
    }
    if (text.data != NULL) {
        explicit_bzero(text.data, text.size);
    }
    xd_buffer_free(&text);
    return status;
}

/* Makes the file, asks the hub and keeps the token. Takes call->path and body over. */
static int ask_for_token(struct xd_cli *cli, struct xd_cli_call *call, struct xd_buffer *body) {
    struct xd_secret_file secret = {.file = -1};
    cJSON *tree = NULL;
    int status = xd_cli_check_hub(cli);
    if (status == 0 && cli->options[XD_OPTION_OUT] != NULL) {
        status = xd_secret_open(cli, cli->argument, ".token", &secret);
    }
    if (status == 0 && xd_buffer_result(body) != XD_OK) {
        status = xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
    }
    if (status == 0) {
        call->method = "POST";
        call->body = xd_buffer_view(body);
        call->secret = true;
        call->unknown = "\nIt may have been done without its token being told: crossdock clients show tells, "
                        "and clients rotate gives another token.";
        status = xd_cli_call(cli, call, &tree);
    } else {
        xd_buffer_free(&call->path);
    }
    if (status == 0) {
        status = keep_token(cli, tree, &secret);
    }
    xd_secret_drop(&secret);
    xd_buffer_free(body);
    cJSON_Delete(tree);
    return status;
}

/* ---- what is asked ---- */

static void add_name(struct xd_buffer *body, const char *name) {
    xd_buffer_format(body, "%s\"%s\":", body->size > 1 ? "," : "", name);
}

static void add_text(struct xd_cli *cli, struct xd_buffer *body, enum xd_option option, const char *name) {
    if (cli->options[option] != NULL) {
        add_name(body, name);
        xd_buffer_json(body, cli->options[option]);
    }
}

static bool is_number(const char *text, size_t size) {
    return size > 0 && size <= NUMBER_DIGITS_MAX && strspn(text, "0123456789") >= size;
}

/* Without leading zeros, which JSON does not take. */
static void add_digits(struct xd_buffer *body, const char *text, size_t size) {
    while (size > 1 && *text == '0') {
        text++;
        size--;
    }
    xd_buffer_add(body, text, size);
}

static int add_number(struct xd_cli *cli, struct xd_buffer *body, enum xd_option option, const char *told,
                      const char *name) {
    const char *text = cli->options[option];
    if (text == NULL) {
        return 0;
    }
    if (!is_number(text, strlen(text))) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "--%s is a whole number, not `%s`", told, text);
    }
    add_name(body, name);
    add_digits(body, text, strlen(text));
    return 0;
}

/* A list with commas as a JSON array of texts, or of numbers; "all", as it is listed, as an empty one. */
static int add_items(struct xd_cli *cli, struct xd_buffer *body, enum xd_option option, const char *name,
                     bool numbers) {
    const char *at = cli->options[option];
    if (at == NULL) {
        return 0;
    }
    add_name(body, name);
    xd_buffer_byte(body, '[');
    if (strcmp(at, "all") == 0) {
        xd_buffer_byte(body, ']');
        return 0;
    }
    for (bool more = true; more;) {
        size_t size = strcspn(at, ",");
        char item[128];
        if (numbers && !is_number(at, size)) {
            return xd_cli_fail(XD_EXIT_WRONG_INPUT, "--versions is a list of numbers such as 1,2, not `%s`",
                               cli->options[option]);
        }
        (void)snprintf(item, sizeof item, "%.*s", (int)size, at);
        if (numbers) {
            add_digits(body, at, size);
        } else {
            xd_buffer_json(body, item);
        }
        more = at[size] == ',';
        at += size + (more ? 1 : 0);
        xd_buffer_text(body, more ? "," : "]");
    }
    return 0;
}

static int add_limits(struct xd_cli *cli, struct xd_buffer *body) {
    int status = add_number(cli, body, XD_OPTION_RATE, "rate", "rate_per_s");
    status = status != 0 ? status : add_number(cli, body, XD_OPTION_BURST, "burst", "burst");
    status = status != 0 ? status : add_items(cli, body, XD_OPTION_CHANNELS, "channels", false);
    return status != 0 ? status : add_items(cli, body, XD_OPTION_VERSIONS, "schema_versions", true);
}

int xd_cli_clients_add(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "POST"};
    struct xd_buffer body;
    const char *role = cli->options[XD_OPTION_ROLE];
    xd_buffer_init(&body, 0);
    xd_buffer_text(&body, "{\"client\":");
    xd_buffer_json(&body, cli->argument);
    add_name(&body, "role");
    xd_buffer_json(&body, role != NULL ? role : "channel");
    add_text(cli, &body, XD_OPTION_TENANT, "tenant");
    add_text(cli, &body, XD_OPTION_EXPIRES_AT, "expires_at");
    int status = add_limits(cli, &body);
    xd_buffer_byte(&body, '}');
    if (status != 0) {
        xd_buffer_free(&body);
        return status;
    }
    xd_cli_path(&call, "/v1/clients");
    return ask_for_token(cli, &call, &body);
}

int xd_cli_clients_set(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "PATCH"};
    struct xd_buffer body;
    cJSON *tree = NULL;
    xd_buffer_init(&body, 0);
    xd_buffer_byte(&body, '{');
    int status = add_limits(cli, &body);
    if (status == 0 && body.size == 1) {
        status =
            xd_cli_fail(XD_EXIT_WRONG_INPUT, "say what to change: --rate, --burst, --channels or --versions");
    }
    xd_buffer_byte(&body, '}');
    if (status == 0 && xd_buffer_result(&body) != XD_OK) {
        status = xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
    }
    if (status == 0) {
        name_client(cli, &call, NULL);
        call.body = xd_buffer_view(&body);
        call.unknown = "\nRun the same command again: that is safe.";
        status = xd_cli_call(cli, &call, &tree);
    }
    if (status == 0 && !cli->json) {
        const cJSON *row = tree;
        write_clients(cli, &row, 1);
    }
    xd_buffer_free(&body);
    cJSON_Delete(tree);
    return status;
}

int xd_cli_clients_rotate(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "POST"};
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    xd_buffer_byte(&body, '{');
    add_text(cli, &body, XD_OPTION_EXPIRES_AT, "expires_at");
    int status = add_number(cli, &body, XD_OPTION_OVERLAP, "overlap-s", "overlap_s");
    xd_buffer_byte(&body, '}');
    if (status != 0) {
        xd_buffer_free(&body);
        return status;
    }
    name_client(cli, &call, "rotate");
    return ask_for_token(cli, &call, &body);
}

int xd_cli_clients_revoke(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "POST", .body = xd_bytes_of_text("{}")};
    cJSON *tree;
    name_client(cli, &call, "revoke");
    call.unknown = "\nRun the same command again: that is safe.";
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        xd_text_clean(&cli->out, text_or_dash(tree, "client"));
        xd_buffer_text(&cli->out, " of tenant ");
        xd_text_clean(&cli->out, text_or_dash(tree, "tenant"));
        xd_buffer_text(&cli->out, " is revoked: none of its tokens is valid any more.\n");
    }
    cJSON_Delete(tree);
    return status;
}
