#include "hub/books/books_view.h"

#include "documents/writer.h"

#include <string.h>

struct listing {
    struct xd_writer writer;
    char last[XD_ID_SIZE];
    size_t count;
};

static char lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

int xd_books_name_index(const char *const *names, const char *name) {
    for (int index = 0; name != NULL && names[index] != NULL; index++) {
        size_t at = 0;
        while (name[at] != 0 && lower(name[at]) == lower(names[index][at])) {
            at++;
        }
        if (name[at] == 0 && names[index][at] == 0) {
            return index;
        }
    }
    return -1;
}

static void text(struct xd_writer *writer, const char *name, const char *value) {
    xd_writer_text(writer, name, value[0] != 0 ? value : NULL);
}

static void time_of(struct xd_writer *writer, const char *name, xd_ms at) {
    if (at != 0) {
        xd_writer_time(writer, name, at);
    }
}

/* ---- runs ---- */

static void write_run_members(struct xd_writer *writer, const struct xd_books_run_row *row) {
    xd_writer_text(writer, "id", row->id);
    text(writer, "erp", row->erp);
    xd_writer_text(writer, "state", xd_books_run_state_names[row->state]);
    text(writer, "by", row->by);
    time_of(writer, "queued_at", row->queued_at);
    time_of(writer, "started_at", row->started_at);
    time_of(writer, "ended_at", row->ended_at);
    xd_writer_integer(writer, "sales", row->sales);
    xd_writer_integer(writer, "shipments", row->shipments);
    xd_writer_integer(writer, "invoices", row->invoices);
    xd_writer_integer(writer, "stock", row->stock);
    xd_writer_integer(writer, "differences", row->differences);
    text(writer, "detail", row->detail);
}

static enum xd_result write_run(void *context, const struct xd_books_run_row *row) {
    struct listing *listing = context;
    struct xd_writer *writer = &listing->writer;
    xd_writer_begin(writer, NULL, '{');
    write_run_members(writer, row);
    xd_writer_end(writer, '}');
    memcpy(listing->last, row->id, sizeof listing->last);
    listing->count++;
    return XD_OK;
}

enum xd_result xd_view_books_run(const struct xd_hub_store *store, const char *id, struct xd_buffer *out) {
    struct listing listing = {.writer = {.out = out}};
    struct xd_books_run_row row;
    enum xd_result result = store->books.run_get(store->context, id, &row);
    if (result == XD_OK) {
        result = write_run(&listing, &row);
    }
    return result == XD_OK ? xd_buffer_result(out) : result;
}

enum xd_result xd_view_books_queued(const struct xd_hub_store *store, const char (*ids)[XD_ID_SIZE],
                                    size_t count, struct xd_buffer *out) {
    struct listing listing = {.writer = {.out = out}};
    struct xd_writer *writer = &listing.writer;
    struct xd_books_run_row row;
    enum xd_result result = store->books.run_get(store->context, ids[0], &row);
    xd_writer_begin(writer, NULL, '{');
    if (result == XD_OK) {
        write_run_members(writer, &row);
    }
    xd_writer_begin(writer, "runs", '[');
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        result = store->books.run_get(store->context, ids[index], &row);
        result = result == XD_OK ? write_run(&listing, &row) : result;
    }
    xd_writer_end(writer, ']');
    xd_writer_end(writer, '}');
    return result == XD_OK ? xd_buffer_result(out) : result;
}

static enum xd_result end_listing(struct listing *listing, size_t max, enum xd_result result) {
    xd_writer_end(&listing->writer, ']');
    xd_writer_text(&listing->writer, "next_cursor", listing->count == max ? listing->last : NULL);
    xd_writer_end(&listing->writer, '}');
    return result == XD_OK ? xd_buffer_result(listing->writer.out) : result;
}

enum xd_result xd_view_books_runs(const struct xd_hub_store *store, const char *cursor, size_t max,
                                  struct xd_buffer *out) {
    struct listing listing = {.writer = {.out = out}};
    xd_writer_begin(&listing.writer, NULL, '{');
    xd_writer_begin(&listing.writer, "runs", '[');
    return end_listing(&listing, max,
                       store->books.run_list(store->context, cursor, max, write_run, &listing));
}

/* ---- differences ---- */

static enum xd_result write_difference(void *context, const struct xd_difference_row *row) {
    struct listing *listing = context;
    struct xd_writer *writer = &listing->writer;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "id", row->id);
    xd_writer_text(writer, "erp", row->erp);
    xd_writer_text(writer, "kind", xd_difference_kind_names[row->kind]);
    xd_writer_text(writer, "state", xd_difference_state_names[row->state]);
    xd_writer_text(writer, "repair", xd_books_repair_names[row->repair]);
    text(writer, "order_id", row->order_id);
    text(writer, "line_id", row->line_id);
    text(writer, "site", row->site);
    text(writer, "sku", row->sku);
    text(writer, "hub_document", row->hub_document);
    text(writer, "erp_document", row->erp_document);
    text(writer, "hub_value", row->hub_value);
    text(writer, "erp_value", row->erp_value);
    xd_writer_time(writer, "first_seen", row->first_seen);
    xd_writer_time(writer, "last_seen", row->last_seen);
    text(writer, "by", row->by);
    time_of(writer, "decided_at", row->decided_at);
    xd_writer_end(writer, '}');
    memcpy(listing->last, row->id, sizeof listing->last);
    listing->count++;
    return XD_OK;
}

enum xd_result xd_view_difference(const struct xd_hub_store *store, const char *id, struct xd_buffer *out) {
    struct listing listing = {.writer = {.out = out}};
    struct xd_difference_row row;
    enum xd_result result = store->books.difference_get(store->context, id, &row);
    if (result == XD_OK) {
        result = write_difference(&listing, &row);
    }
    return result == XD_OK ? xd_buffer_result(out) : result;
}

enum xd_result xd_view_differences(const struct xd_hub_store *store,
                                   const struct xd_difference_filter *filter, const char *cursor, size_t max,
                                   struct xd_buffer *out) {
    struct listing listing = {.writer = {.out = out}};
    xd_writer_begin(&listing.writer, NULL, '{');
    xd_writer_begin(&listing.writer, "differences", '[');
    return end_listing(
        &listing, max,
        store->books.difference_list(store->context, filter, cursor, max, write_difference, &listing));
}
