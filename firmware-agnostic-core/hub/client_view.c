/* What the API shows of clients: never a token, never its hash. */
#include "base/memory.h"
#include "documents/writer.h"
#include "hub/clients.h"

#include <stdio.h>
#include <string.h>

static enum xd_result write_token(void *context, const struct xd_token_row *row) {
    struct xd_writer *writer = context;
    xd_writer_begin(writer, NULL, '{');
    if (row->made_at != 0) {
        xd_writer_time(writer, "made_at", row->made_at);
    }
    if (row->expires_at != 0) {
        xd_writer_time(writer, "expires_at", row->expires_at);
    }
    xd_writer_end(writer, '}');
    return XD_OK;
}

static void write_channels(struct xd_writer *writer, const char *channels) {
    xd_writer_begin(writer, "channels", '[');
    while (*channels != 0) {
        size_t size = strcspn(channels, " ");
        char type[40];
        (void)snprintf(type, sizeof type, "%.*s", (int)size, channels);
        xd_writer_name(writer, NULL);
        xd_buffer_json(writer->out, type);
        channels += size + (channels[size] == ' ');
    }
    xd_writer_end(writer, ']');
}

static void write_versions(struct xd_writer *writer, int64_t versions) {
    xd_writer_begin(writer, "schema_versions", '[');
    for (int version = 1; version < 63; version++) {
        if ((versions >> version & 1) != 0) {
            xd_writer_integer(writer, NULL, version);
        }
    }
    xd_writer_end(writer, ']');
}

static enum xd_result write_client(const struct xd_hub_store *store, const struct xd_client_row *row,
                                   struct xd_writer *writer) {
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "client", row->client);
    xd_writer_text(writer, "tenant", row->tenant);
    xd_writer_text(writer, "role", row->role);
    xd_writer_text(writer, "status", row->revoked_at != 0 ? "revoked" : "active");
    if (row->added_at != 0) {
        xd_writer_time(writer, "added_at", row->added_at);
    }
    if (row->revoked_at != 0) {
        xd_writer_time(writer, "revoked_at", row->revoked_at);
    }
    if (row->rate_per_s != 0) {
        xd_writer_integer(writer, "rate_per_s", row->rate_per_s);
        xd_writer_integer(writer, "burst", row->burst != 0 ? row->burst : row->rate_per_s);
    }
    if (row->channels[0] != 0) {
        write_channels(writer, row->channels);
    }
    if (row->schema_versions != 0) {
        write_versions(writer, row->schema_versions);
    }
    xd_writer_begin(writer, "tokens", '[');
    enum xd_result result = store->token_each(store->context, row->tenant, row->client, write_token, writer);
    xd_writer_end(writer, ']');
    xd_writer_end(writer, '}');
    return result;
}

enum xd_result xd_view_client(const struct xd_hub_store *store, const char *tenant, const char *client,
                              struct xd_buffer *out) {
    struct xd_client_row row;
    struct xd_writer writer = {.out = out};
    enum xd_result result = store->client_get(store->context, tenant, client, &row);
    if (result == XD_OK) {
        result = write_client(store, &row, &writer);
    }
    return result == XD_OK ? xd_buffer_result(out) : result;
}

/* Rows first: a callback must not call the store, and tokens are read behind each. */
struct client_list {
    const char *tenant; /* NULL: any */
    struct xd_client_row *rows;
    size_t count, capacity;
};

static enum xd_result collect(void *context, const struct xd_client_row *row) {
    struct client_list *list = context;
    if (list->tenant != NULL && strcmp(row->tenant, list->tenant) != 0) {
        return XD_OK;
    }
    struct xd_client_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

/* A cursor is tenant/client of the last one seen. */
static bool read_cursor(const char *cursor, char tenant[XD_NAME_SIZE], const char **client) {
    const char *slash = strchr(cursor, '/');
    size_t size = slash != NULL ? (size_t)(slash - cursor) : XD_NAME_SIZE;
    if (size >= XD_NAME_SIZE) {
        return false;
    }
    memcpy(tenant, cursor, size);
    tenant[size] = 0;
    *client = slash + 1;
    return xd_client_name_valid(tenant) && xd_client_name_valid(*client);
}

enum xd_result xd_view_clients(const struct xd_hub_store *store, const char *tenant, const char *cursor,
                               size_t max, struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    struct client_list list = {.tenant = tenant};
    char after_tenant[XD_NAME_SIZE] = "", next[2 * XD_NAME_SIZE] = "";
    const char *after_client = "";
    (void)snprintf(after_tenant, sizeof after_tenant, "%s", tenant != NULL ? tenant : "");
    if (cursor[0] != 0 && !read_cursor(cursor, after_tenant, &after_client)) {
        return XD_NOT_FOUND;
    }
    enum xd_result result =
        store->client_list(store->context, after_tenant, after_client, max, collect, &list);
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_begin(&writer, "clients", '[');
    for (size_t index = 0; index < list.count && result == XD_OK; index++) {
        result = write_client(store, &list.rows[index], &writer);
    }
    xd_writer_end(&writer, ']');
    if (list.count > 0 && list.count == max) {
        const struct xd_client_row *last = &list.rows[list.count - 1];
        (void)snprintf(next, sizeof next, "%s/%s", last->tenant, last->client);
        xd_writer_text(&writer, "next_cursor", next);
    }
    xd_writer_end(&writer, '}');
    xd_free(list.rows);
    return result == XD_OK ? xd_buffer_result(out) : result;
}
