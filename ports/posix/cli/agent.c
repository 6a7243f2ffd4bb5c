/* The verbs of an agent, at its site.
 *
 * A running agent is asked. When it does not answer, its database is opened
 * read-only, and what it holds is written in the form of GET /v1/status as far as
 * it can be known (with "running": false), so that one way of showing serves both. */
#include "posix/cli/agent.h"

#include "base/json.h"
#include "documents/receipt.h"
#include "documents/writer.h"
#include "posix/cli/arguments.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"
#include "posix/runtime/world.h"
#include "shared/http_client.h"
#include "site/store.h"

#include <stdio.h>
#include <string.h>

#define ASK_MS 5000u
#define STREAMS_MAX 8u

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* ---- what the database holds ---- */

struct held {
    const struct xd_site_store *store;
    struct xd_site_status status;
    struct xd_stream_row streams[STREAMS_MAX];
    size_t stream_count;
    xd_ms now;
};

static enum xd_result take_stream(void *context, const struct xd_stream_row *row) {
    struct held *held = context;
    if (held->stream_count < STREAMS_MAX) {
        held->streams[held->stream_count++] = *row;
    }
    return XD_OK;
}

static enum xd_result take_oldest(void *context, const struct xd_outbox_row *row) {
    struct held *held = context;
    xd_ms age = held->now - row->accepted_at;
    held->status.oldest_unsent_ms = age > held->status.oldest_unsent_ms ? age : held->status.oldest_unsent_ms;
    return XD_OK;
}

static enum xd_result add_stream(struct held *held, const struct xd_stream_row *row) {
    const struct xd_delivery_store *store = &held->store->delivery;
    int64_t waits = (int64_t)(row->next - 1 - row->watermark);
    if (!row->sends || waits <= 0) {
        return XD_OK;
    }
    *(strcmp(row->lane, "work") == 0 ? &held->status.backlog_work : &held->status.backlog_bulk) += waits;
    return store->outbox_read(store->context, row->number, row->watermark + 1, row->next - 1, 1, take_oldest,
                              held);
}

static enum xd_result read_held(struct held *held) {
    const struct xd_site_store *store = held->store;
    int64_t quota;
    enum xd_result result = store->delivery.stream_each(store->delivery.context, NULL, take_stream, held);
    for (size_t index = 0; index < held->stream_count && result == XD_OK; index++) {
        result = add_stream(held, &held->streams[index]);
    }
    if (result == XD_OK) {
        result = store->delivery.quarantine_count(store->delivery.context, &held->status.quarantined);
    }
    if (result == XD_OK) {
        result = store->release_count_open(store->context, &held->status.releases_unanswered);
    }
    if (result == XD_OK) {
        result = store->delivery.usage(store->delivery.context, &held->status.store_used_bytes, &quota);
    }
    return result;
}

static void write_stream(struct xd_writer *writer, const struct xd_stream_row *row) {
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "direction", row->sends ? "up" : "down");
    xd_writer_text(writer, "lane", row->lane);
    xd_writer_text(writer, "epoch", row->epoch);
    if (row->sends) {
        xd_writer_u64(writer, "next", row->next);
        xd_writer_u64(writer, "covered", row->watermark);
    } else {
        xd_writer_u64(writer, "watermark", row->watermark);
    }
    xd_writer_end(writer, '}');
}

static void write_held(const struct held *held, struct xd_buffer *out) {
    const struct xd_site_status *status = &held->status;
    struct xd_writer writer = {.out = out};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_boolean(&writer, "running", false);
    xd_writer_text(&writer, "site_id", status->site_id);
    xd_writer_integer(&writer, "backlog_work", status->backlog_work);
    xd_writer_integer(&writer, "backlog_bulk", status->backlog_bulk);
    xd_writer_integer(&writer, "oldest_unsent_ms", status->oldest_unsent_ms);
    xd_writer_integer(&writer, "quarantined", status->quarantined);
    xd_writer_integer(&writer, "releases_unanswered", status->releases_unanswered);
    xd_writer_integer(&writer, "store_used_bytes", status->store_used_bytes);
    xd_writer_integer(&writer, "store_quota_bytes", status->store_quota_bytes);
    xd_writer_integer(&writer, "disk_free_bytes", status->disk_free_bytes);
    xd_writer_begin(&writer, "streams", '[');
    for (size_t index = 0; index < held->stream_count; index++) {
        write_stream(&writer, &held->streams[index]);
    }
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
}

int xd_cli_agent_database(const struct xd_agent_config *config, struct xd_database **out,
                          char path[XD_CLI_PATH_SIZE]) {
    char why[512];
    (void)snprintf(path, XD_CLI_PATH_SIZE, "%s/agent.db", config->state_dir);
    struct xd_database_config options = {.path = path, .read_only = true};
    enum xd_result result = xd_database_open(&options, XD_SCHEMA_SITE, out, why, sizeof why);
    const char *hint = result == XD_NOT_FOUND ? "\nThe agent has not run with this configuration yet." : "";
    return result == XD_OK ? 0 : xd_cli_fail(XD_EXIT_FAILED, "%s%s", why, hint);
}

static int read_database(const struct xd_cli *cli, const struct xd_agent_config *config,
                         struct xd_buffer *out) {
    char path[XD_CLI_PATH_SIZE];
    struct xd_database *database;
    struct xd_site_store store;
    int status = xd_cli_agent_database(config, &database, path);
    if (status != 0) {
        return status;
    }
    xd_database_site_store(database, &store);
    struct held held = {.store = &store,
                        .now = cli->now,
                        .status = {.site_id = config->site,
                                   .store_quota_bytes = config->store.quota_mb * 1024 * 1024,
                                   .disk_free_bytes = xd_world_disk_free(config->state_dir)}};
    enum xd_result result = read_held(&held);
    if (result == XD_OK) {
        write_held(&held, out);
    }
    status = result == XD_OK ? 0 : xd_cli_fail(XD_EXIT_FAILED, "%s: %s", path, xd_database_error(database));
    xd_database_close(database);
    return status;
}

/* ---- asking ---- */

/* 0: out holds the JSON, *running says whose. */
static int ask(struct xd_cli *cli, const struct xd_agent_config *config, struct xd_buffer *out,
               bool *running) {
    char url[512];
    struct xd_http_reply reply;
    (void)snprintf(url, sizeof url, "http://%s/v1/status", config->http.listen);
    struct xd_http_call call = {.method = "GET", .url = url, .timeout_ms = ASK_MS};
    enum xd_result result = xd_http_fetch(&call, &reply);
    int status = 0;
    *running = result == XD_OK;
    if (result == XD_OK && reply.status == 200) {
        xd_buffer_add(out, reply.body.data, reply.body.size);
    } else if (result == XD_OK) {
        status = xd_cli_problem(cli, reply.status, xd_buffer_view(&reply.body), NULL);
    } else {
        (void)xd_cli_fail(
            0, "the agent of %s is not running (nothing answers at %s): this is what its database holds",
            config->site, config->http.listen);
        status = read_database(cli, config, out);
    }
    xd_http_reply_free(&reply);
    return status;
}

/* ---- showing ---- */

static void add_fact(struct xd_table *table, const char *name, const char *value) {
    xd_table_text(table, name);
    xd_table_text(table, value);
}

static void add_connections(struct xd_table *table, const cJSON *tree) {
    const cJSON *connections = member(tree, "connections");
    bool up = xd_text_flag(connections, "line"), consuming = xd_text_flag(connections, "line_consuming");
    const char *room = xd_json_text(tree, "room");
    add_fact(table, "agent", xd_json_text(tree, "version"));
    add_fact(table, "site's broker", xd_text_flag(connections, "wms") ? "connected" : "not connected");
    add_fact(table, "line to the hub's broker",
             xd_text_flag(connections, "line_blocked")
                 ? "up, but the broker takes nothing (connection.blocked)"
             : up && consuming ? "up"
             : up || consuming ? "half up: one of its two connections is down"
                               : "down");
    add_fact(table, "handshake", xd_text_flag(connections, "welcomed") ? "done" : "not yet");
    add_fact(table, "hub",
             xd_text_flag(connections, "hub_alive") ? "heard of lately" : "not heard of lately");
    if (room != NULL) {
        add_fact(table, "takes from the WMS",
                 strcmp(room, "free") == 0      ? "everything"
                 : strcmp(room, "reserve") == 0 ? "confirmations and responses only: the store is nearly full"
                                                : "nothing: the store or the disk is full");
    }
}

static void add_backlog(struct xd_table *table, const cJSON *tree) {
    int64_t oldest = xd_text_number(tree, "oldest_unsent_ms");
    struct xd_buffer *cell;
    xd_table_text(table, "waits for the hub");
    cell = xd_table_cell(table);
    long long waiting = xd_text_number(tree, "backlog_work") + xd_text_number(tree, "backlog_bulk");
    xd_buffer_format(cell, "%lld document%s", waiting, waiting == 1 ? "" : "s");
    if (oldest > 0) {
        xd_buffer_text(cell, ", the oldest for ");
        xd_text_age(cell, oldest);
    }
    xd_table_end(table);
    xd_table_text(table, "releases unanswered");
    xd_table_number(table, xd_text_number(tree, "releases_unanswered"));
    xd_table_text(table, "in quarantine");
    xd_table_number(table, xd_text_number(tree, "quarantined"));
    xd_table_text(table, "store");
    cell = xd_table_cell(table);
    xd_text_size(cell, xd_text_number(tree, "store_used_bytes"));
    xd_buffer_text(cell, " of ");
    xd_text_size(cell, xd_text_number(tree, "store_quota_bytes"));
    xd_table_end(table);
    xd_table_text(table, "disk free");
    xd_table_size(table, xd_text_number(tree, "disk_free_bytes"));
}

static void show_status(struct xd_cli *cli, const cJSON *tree, bool running) {
    static const struct xd_column columns[] = {{"", false}, {"", false}, {NULL, false}};
    struct xd_table table;
    xd_table_init(&table, columns);
    add_fact(&table, "site", xd_json_text(tree, "site_id"));
    if (running) {
        add_connections(&table, tree);
    }
    add_backlog(&table, tree);
    xd_table_write(&table, &cli->out, cli->colour);
}

static void show_backlog(struct xd_cli *cli, const cJSON *tree, bool running) {
    static const struct xd_column columns[] = {{"LANE", false},    {"WAITING", true}, {"COVERED", true},
                                               {"ACCEPTED", true}, {"EPOCH", false},  {NULL, false}};
    struct xd_table table;
    const cJSON *stream;
    int64_t oldest = xd_text_number(tree, "oldest_unsent_ms");
    (void)running;
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(stream, member(tree, "streams")) {
        const char *direction = xd_json_text(stream, "direction");
        if (direction != NULL && strcmp(direction, "up") == 0) {
            uint64_t next = xd_json_u64(stream, "next", 1), covered = xd_json_u64(stream, "covered", 0);
            xd_table_text(&table, xd_json_text(stream, "lane"));
            xd_table_number(&table, (int64_t)(next - 1 - covered));
            xd_table_number(&table, (int64_t)covered);
            xd_table_number(&table, (int64_t)(next - 1));
            xd_table_text(&table, xd_json_text(stream, "epoch"));
        }
    }
    xd_table_write(&table, &cli->out, cli->colour);
    if (oldest > 0) {
        xd_buffer_text(&cli->out, "the oldest waits for ");
        xd_text_age(&cli->out, oldest);
        xd_buffer_byte(&cli->out, '\n');
    }
}

/* ---- the verbs ---- */

static int show(struct xd_cli *cli, const struct xd_agent_config *config,
                void (*write)(struct xd_cli *cli, const cJSON *tree, bool running), bool *running) {
    struct xd_buffer answer;
    struct xd_json_error error;
    cJSON *tree = NULL;
    xd_buffer_init(&answer, 0);
    int status = ask(cli, config, &answer, running);
    if (status == 0 &&
        xd_json_parse(xd_buffer_view(&answer), XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX, &tree, &error) != XD_OK) {
        status = xd_cli_fail(XD_EXIT_FAILED, "what answers at %s is not an agent", config->http.listen);
    }
    if (status == 0 && cli->json) {
        xd_text_json(&cli->out, xd_buffer_view(&answer));
    } else if (status == 0) {
        write(cli, tree, *running);
    }
    cJSON_Delete(tree);
    xd_buffer_free(&answer);
    return status;
}

int xd_cli_agent_config(struct xd_cli *cli, struct xd_agent_config *out) {
    struct xd_buffer errors;
    memset(out, 0, sizeof *out);
    if (cli->options[XD_OPTION_CONFIG] == NULL) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "say which agent: crossdock %s --config agent.yaml",
                           cli->verb->name);
    }
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_agent_config_load(cli->options[XD_OPTION_CONFIG], out, &errors);
    int status = result == XD_OK ? 0 : XD_EXIT_WRONG_INPUT;
    if (result == XD_INVALID) {
        (void)fputs(xd_buffer_string(&errors), stderr);
    } else if (result != XD_OK) {
        status = xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
    }
    xd_buffer_free(&errors);
    return status;
}

static int with_config(struct xd_cli *cli, void (*write)(struct xd_cli *cli, const cJSON *tree, bool running),
                       bool *running) {
    struct xd_agent_config config;
    int status = xd_cli_agent_config(cli, &config);
    if (status == 0) {
        status = show(cli, &config, write, running);
    }
    xd_agent_config_free(&config);
    return status;
}

int xd_cli_agent_status(struct xd_cli *cli) {
    bool running = false;
    int status = with_config(cli, show_status, &running);
    return status == 0 && !running ? XD_EXIT_FAILED : status;
}

int xd_cli_agent_backlog(struct xd_cli *cli) {
    bool running = false;
    return with_config(cli, show_backlog, &running);
}
