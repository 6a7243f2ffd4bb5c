/* Entries of reference data as the API shows them: the document as it was put, and
 * beside it which version it is and whose. */
#include "hub/view.h"

#include "documents/writer.h"

#include <string.h>

static void members(struct xd_writer *writer, const struct xd_reference_row *row) {
    xd_writer_text(writer, "key", row->key);
    xd_writer_integer(writer, "version", row->version);
    if (row->previous != 0) {
        xd_writer_integer(writer, "previous", row->previous);
    }
    xd_writer_text(writer, "source", row->source);
    xd_writer_text(writer, "client", row->client[0] != 0 ? row->client : NULL);
    xd_writer_time(writer, "at", row->at);
}

struct listing {
    struct xd_writer writer;
    char last[XD_REFERENCE_KEY_SIZE];
    size_t count;
};

static enum xd_result write_entry(void *context, const struct xd_reference_row *row) {
    struct listing *listing = context;
    xd_writer_begin(&listing->writer, NULL, '{');
    members(&listing->writer, row);
    xd_writer_name(&listing->writer, "entry");
    xd_buffer_add(listing->writer.out, row->body.data, row->body.size);
    xd_writer_end(&listing->writer, '}');
    memcpy(listing->last, row->key, sizeof listing->last);
    listing->count++;
    return XD_OK;
}

enum xd_result xd_view_references(const struct xd_reference_store *store, enum xd_reference_kind kind,
                                  const char *cursor, size_t max, struct xd_buffer *out) {
    struct listing listing = {.writer = {.out = out}, .count = 0};
    xd_writer_begin(&listing.writer, NULL, '{');
    xd_writer_text(&listing.writer, "kind", xd_reference_kind_names[kind]);
    xd_writer_begin(&listing.writer, "entries", '[');
    enum xd_result result = store->list(store->context, (int)kind, cursor, max, write_entry, &listing);
    xd_writer_end(&listing.writer, ']');
    xd_writer_text(&listing.writer, "next_cursor", listing.count == max ? listing.last : NULL);
    xd_writer_end(&listing.writer, '}');
    return result == XD_OK ? xd_buffer_result(out) : result;
}

enum xd_result xd_view_reference(const struct xd_reference_store *store, enum xd_reference_kind kind,
                                 const char *key, int64_t *version, struct xd_buffer *out) {
    struct xd_reference_row row, current;
    struct xd_writer writer = {.out = out};
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    enum xd_result result = store->get(store->context, (int)kind, key, *version, &row, &body);
    if (result == XD_OK) {
        result = store->get(store->context, (int)kind, key, 0, &current, NULL);
    }
    if (result == XD_OK) {
        *version = row.version;
        xd_writer_begin(&writer, NULL, '{');
        xd_writer_text(&writer, "kind", xd_reference_kind_names[kind]);
        members(&writer, &row);
        xd_writer_boolean(&writer, "current", row.version == current.version);
        xd_writer_name(&writer, "entry");
        xd_buffer_add(out, body.data, body.size);
        xd_writer_end(&writer, '}');
        result = xd_buffer_result(out);
    }
    xd_buffer_free(&body);
    return result;
}
