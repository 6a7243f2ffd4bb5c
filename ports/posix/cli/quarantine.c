/* What the WMS (or the hub) sent and nobody could use, for people.
 *
 * Read from the agent's database, which may be running beside: a page of rows by
 * their numbers. Payloads are strangers' bytes: the table shows none, --json has
 * them as text where they are UTF-8, else as base64. */
#include "base/crypto.h"
#include "base/json.h"
#include "documents/writer.h"
#include "posix/cli/agent.h"
#include "posix/cli/lists.h"
#include "site/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES_MAX ((size_t)8 * 1024 * 1024) /* of payloads in one answer, or one alone */

struct listing {
    struct xd_table table;
    struct xd_buffer json;
    struct xd_writer writer;
    size_t count, bytes, max;
    int64_t last;
    bool more;
};

static void write_payload(struct xd_writer *writer, struct xd_bytes payload) {
    struct xd_buffer text;
    bool plain = xd_utf8_valid(payload) && memchr(payload.data, 0, payload.size) == NULL;
    xd_buffer_init(&text, 0);
    if (plain) {
        xd_buffer_add(&text, payload.data, payload.size);
    } else {
        xd_text_base64(&text, payload);
    }
    xd_writer_text(writer, plain ? "payload" : "payload_base64", xd_buffer_string(&text));
    xd_buffer_free(&text);
}

static void write_row(struct xd_writer *writer, const struct xd_quarantine_row *row) {
    xd_writer_begin(writer, NULL, '{');
    xd_writer_integer(writer, "number", row->number);
    xd_writer_time(writer, "at", row->at);
    xd_writer_text(writer, "topic", row->source);
    xd_writer_text(writer, "code", row->code);
    xd_writer_text(writer, "detail", row->detail);
    xd_writer_integer(writer, "times", row->times);
    xd_writer_integer(writer, "size", (int64_t)row->body.size);
    xd_writer_hash(writer, "sha256", &row->sha256);
    write_payload(writer, row->body);
    xd_writer_end(writer, '}');
}

static enum xd_result take_row(void *context, const struct xd_quarantine_row *row) {
    struct listing *listing = context;
    char time[XD_TIME_TEXT_MAX];
    if (listing->count == listing->max || (listing->count > 0 && listing->bytes >= PAGE_BYTES_MAX)) {
        listing->more = true;
        return XD_AGAIN;
    }
    listing->count++;
    listing->bytes += row->body.size;
    listing->last = row->number;
    write_row(&listing->writer, row);
    xd_time_write(row->at, time);
    xd_table_number(&listing->table, row->number);
    xd_table_time(&listing->table, time);
    xd_table_text(&listing->table, row->source);
    xd_table_text(&listing->table, row->code);
    xd_table_number(&listing->table, row->times);
    xd_table_size(&listing->table, (int64_t)row->body.size);
    xd_table_text(&listing->table, row->detail);
    return XD_OK;
}

static void show(struct xd_cli *cli, struct listing *listing) {
    char cursor[24];
    snprintf(cursor, sizeof cursor, "%lld", (long long)listing->last);
    xd_writer_end(&listing->writer, ']');
    xd_writer_text(&listing->writer, "next_cursor", listing->more ? cursor : NULL);
    xd_writer_end(&listing->writer, '}');
    if (cli->json) {
        xd_text_json(&cli->out, xd_buffer_view(&listing->json));
    } else if (listing->count == 0) {
        xd_buffer_text(&cli->out, "nothing is in quarantine\n");
    }
    if (cli->json || listing->count == 0) {
        xd_table_drop(&listing->table);
        return;
    }
    xd_table_write(&listing->table, &cli->out, cli->colour);
    xd_cli_more_from(cli, listing->more ? cursor : NULL);
}

static int read_page(struct xd_cli *cli, const struct xd_agent_config *config, size_t max, int64_t after) {
    static const struct xd_column columns[] = {{"NUMBER", true},  {"TIME (UTC)", false}, {"TOPIC", false},
                                               {"CODE", false},   {"TIMES", true},       {"SIZE", true},
                                               {"DETAIL", false}, {NULL, false}};
    char path[XD_CLI_PATH_SIZE];
    struct xd_database *database;
    struct xd_site_store store;
    struct listing listing = {.max = max};
    int status = xd_cli_agent_database(config, &database, path);
    if (status != 0) {
        return status;
    }
    xd_table_init(&listing.table, columns);
    xd_buffer_init(&listing.json, 0);
    listing.writer.out = &listing.json;
    xd_writer_begin(&listing.writer, NULL, '{');
    xd_writer_begin(&listing.writer, "quarantine", '[');
    xd_database_site_store(database, &store);
    enum xd_result result =
        store.delivery.quarantine_each(store.delivery.context, after, max + 1, take_row, &listing);
    result = result == XD_AGAIN ? xd_buffer_result(&listing.json) : result;
    if (result == XD_OK) {
        show(cli, &listing);
    } else {
        status = xd_cli_fail(XD_EXIT_FAILED, "%s: %s", path, xd_database_error(database));
        xd_table_drop(&listing.table);
    }
    xd_buffer_free(&listing.json);
    xd_database_close(database);
    return status;
}

int xd_cli_agent_quarantine(struct xd_cli *cli) {
    const char *limit, *cursor = cli->options[XD_OPTION_CURSOR];
    struct xd_agent_config config;
    int status = xd_cli_limit(cli, &limit);
    if (status != 0) {
        return status;
    }
    if (cursor != NULL && (strspn(cursor, "0123456789") != strlen(cursor) || strlen(cursor) > 18)) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "--cursor is a NUMBER of this list, not `%s`", cursor);
    }
    status = xd_cli_agent_config(cli, &config);
    if (status == 0) {
        status =
            read_page(cli, &config, strtoul(limit, NULL, 10), cursor != NULL ? strtoll(cursor, NULL, 10) : 0);
    }
    xd_agent_config_free(&config);
    return status;
}
