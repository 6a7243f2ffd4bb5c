/* The verbs of subscriptions: who gets events by webhook. */
#include "base/json.h"
#include "documents/writer.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"

#include <string.h>

#define SECRET_MAX ((size_t)256)
#define NOT_FOUND "\n`crossdock subscriptions list` shows which there are."

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* ---- what there is ---- */

static void add_types(struct xd_table *table, const cJSON *types) {
    const cJSON *type;
    size_t count = 0;
    struct xd_buffer *cell = xd_table_cell(table);
    cJSON_ArrayForEach(type, types) {
        const char *name = cJSON_GetStringValue(type);
        xd_buffer_text(cell, count++ > 0 ? "," : "");
        xd_text_clean(cell, name != NULL ? name : "?");
    }
    xd_buffer_text(cell, count == 0 ? "all" : "");
    xd_table_end(table);
}

static void write_subscriptions(struct xd_cli *cli, const cJSON *subscriptions) {
    static const struct xd_column columns[] = {{"ID", false},     {"URL", false},   {"TENANT", false},
                                               {"EVENTS", false}, {"STATE", false}, {"DELIVERED", true},
                                               {"FAILING", true}, {NULL, false}};
    struct xd_table table;
    const cJSON *row;
    if (cJSON_GetArraySize(subscriptions) == 0) {
        xd_buffer_text(&cli->out, "no subscriptions yet; crossdock subscriptions add URL makes one\n");
        return;
    }
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(row, subscriptions) {
        xd_table_text(&table, xd_json_text(row, "subscription_id"));
        xd_table_text(&table, xd_json_text(row, "url"));
        xd_table_text(&table, xd_json_text(row, "tenant"));
        add_types(&table, member(row, "types"));
        xd_table_text(&table, xd_text_flag(row, "enabled") ? "enabled" : "disabled");
        xd_cli_age_since(cli, &table, xd_json_text(row, "delivered_at"));
        xd_cli_age_since(cli, &table, xd_json_text(row, "failing_since"));
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

int xd_cli_subscriptions_list(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    cJSON *tree;
    xd_cli_path(&call, "/v1/subscriptions");
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        write_subscriptions(cli, member(tree, "subscriptions"));
    }
    cJSON_Delete(tree);
    return status;
}

static void write_member(struct xd_cli *cli, const cJSON *tree, const char *name) {
    const char *text = xd_json_text(tree, name);
    if (text != NULL) {
        xd_buffer_format(&cli->out, "%s ", name);
        xd_text_clean(&cli->out, text);
        xd_buffer_byte(&cli->out, '\n');
    }
}

static void write_one(struct xd_cli *cli, const cJSON *tree) {
    static const char *const names[] = {"subscription_id", "url",           "tenant",       "created_at",
                                        "delivered_at",    "failing_since", "last_failure", "secret"};
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        write_member(cli, tree, names[index]);
    }
    xd_buffer_format(&cli->out, "%s, position %lld\n", xd_text_flag(tree, "enabled") ? "enabled" : "disabled",
                     (long long)xd_text_number(tree, "position"));
}

/* One call about the subscription that the argument names. */
static int about(struct xd_cli *cli, const char *method, const char *tail, struct xd_bytes body) {
    struct xd_cli_call call = {.method = method, .body = body, .not_found = NOT_FOUND};
    cJSON *tree;
    xd_cli_path(&call, "/v1/subscriptions");
    xd_cli_segment(&call, cli->argument);
    xd_buffer_text(&call.path, tail);
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        write_one(cli, tree);
    }
    cJSON_Delete(tree);
    return status;
}

int xd_cli_subscriptions_show(struct xd_cli *cli) {
    return about(cli, "GET", "", xd_bytes_of(NULL, 0));
}

int xd_cli_subscriptions_remove(struct xd_cli *cli) {
    return about(cli, "DELETE", "", xd_bytes_of(NULL, 0));
}

int xd_cli_subscriptions_enable(struct xd_cli *cli) {
    return about(cli, "POST", "/enable", xd_bytes_of_text("{}"));
}

int xd_cli_subscriptions_replay(struct xd_cli *cli) {
    const char *from = cli->options[XD_OPTION_FROM];
    struct xd_buffer body;
    struct xd_writer writer = {.out = &body};
    if (from == NULL) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT,
                           "say from where: --from NUMBER or --from 2026-11-23T10:00:00Z");
    }
    xd_buffer_init(&body, 0);
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "from", from);
    xd_writer_end(&writer, '}');
    int status = about(cli, "POST", "/replay", xd_buffer_view(&body));
    xd_buffer_free(&body);
    return status;
}

/* ---- a new one ---- */

static void write_types(struct xd_writer *writer, const char *types) {
    if (types == NULL) {
        return;
    }
    xd_writer_begin(writer, "types", '[');
    while (*types != 0) {
        size_t size = strcspn(types, ",");
        struct xd_buffer one;
        xd_buffer_init(&one, 0);
        xd_buffer_add(&one, types, size);
        xd_writer_name(writer, NULL);
        xd_buffer_json(writer->out, xd_buffer_string(&one));
        xd_buffer_free(&one);
        types += size + (types[size] == ',');
    }
    xd_writer_end(writer, ']');
}

static int read_secret(const struct xd_cli *cli, struct xd_buffer *secret) {
    const char *path = cli->options[XD_OPTION_SECRET_FILE];
    int status = path == NULL ? 0 : xd_cli_read_file(path, SECRET_MAX, secret);
    while (secret->size > 0 && secret->data[secret->size - 1] <= ' ') {
        secret->data[--secret->size] = 0;
    }
    return status;
}

int xd_cli_subscriptions_add(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "POST",
                               .unknown = "\nLook with `crossdock subscriptions list` whether it is there."};
    struct xd_buffer body, secret;
    struct xd_writer writer = {.out = &body};
    cJSON *tree = NULL;
    xd_buffer_init(&body, 0);
    xd_buffer_init(&secret, 0);
    int status = read_secret(cli, &secret);
    if (status == 0) {
        xd_writer_begin(&writer, NULL, '{');
        xd_writer_text(&writer, "url", cli->argument);
        xd_writer_text(&writer, "tenant", cli->options[XD_OPTION_TENANT]);
        write_types(&writer, cli->options[XD_OPTION_TYPES]);
        xd_writer_text(&writer, "secret", secret.size > 0 ? xd_buffer_string(&secret) : NULL);
        xd_writer_end(&writer, '}');
        xd_cli_path(&call, "/v1/subscriptions");
        call.body = xd_buffer_view(&body);
        status = xd_cli_call(cli, &call, &tree);
    }
    if (status == 0 && !cli->json) {
        write_one(cli, tree);
    }
    cJSON_Delete(tree);
    xd_buffer_free(&body);
    xd_buffer_free(&secret);
    return status;
}
