#include "hub/events/events_view.h"

#include "documents/writer.h"
#include "hub/events/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_ROWS ((size_t)200)
#define LOOKS_MAX 20u /* a page ends there, however few events passed */

/* ---- events ---- */

struct page {
    const struct xd_view_events *query;
    struct xd_writer writer;
    int64_t seen;
    size_t rows, count;
};

static enum xd_result write_event(void *context, const struct xd_event_row *row) {
    struct page *page = context;
    if (page->count == page->query->max) {
        return XD_OK;
    }
    page->rows++;
    page->seen = row->n;
    if (xd_event_passes(row, page->query->tenant, page->query->types)) {
        xd_writer_begin(&page->writer, NULL, '{');
        xd_writer_integer(&page->writer, "n", row->n);
        xd_writer_name(&page->writer, "event");
        xd_buffer_add(page->writer.out, row->body.data, row->body.size);
        xd_writer_end(&page->writer, '}');
        page->count++;
    }
    return XD_OK;
}

enum xd_result xd_view_events(const struct xd_hub_store *store, const struct xd_view_events *query,
                              struct xd_buffer *out) {
    const struct xd_delivery_store *delivery = &store->delivery;
    struct page page = {.query = query, .writer = {.out = out}, .seen = query->after};
    char floor[32] = "", cursor[32];
    enum xd_result result = delivery->meta_get(delivery->context, XD_EVENTS_FLOOR, floor, sizeof floor);
    xd_writer_begin(&page.writer, NULL, '{');
    if (result == XD_OK && strtoll(floor, NULL, 10) > query->after) {
        xd_writer_text(&page.writer, "dropped_to", floor);
    }
    result = result == XD_NOT_FOUND ? XD_OK : result;
    xd_writer_begin(&page.writer, "events", '[');
    for (unsigned look = 0; look < LOOKS_MAX && result == XD_OK && page.count < query->max; look++) {
        page.rows = 0;
        result = store->events.list(store->events.context, page.seen, LOOK_ROWS, write_event, &page);
        if (page.rows < LOOK_ROWS) {
            break;
        }
    }
    xd_writer_end(&page.writer, ']');
    snprintf(cursor, sizeof cursor, "%" PRId64, page.seen);
    xd_writer_text(&page.writer, "next_cursor", cursor);
    xd_writer_end(&page.writer, '}');
    return result == XD_OK ? xd_buffer_result(out) : result;
}

/* ---- subscriptions ---- */

struct listing {
    struct xd_writer writer;
    const char *tenant, *id;
    size_t count;
};

static void write_types(struct xd_writer *writer, const char *types) {
    char type[XD_EVENT_TYPE_SIZE];
    xd_writer_begin(writer, "types", '[');
    while (*types != 0) {
        size_t size = strcspn(types, ",");
        snprintf(type, sizeof type, "%.*s", (int)size, types);
        xd_writer_name(writer, NULL);
        xd_buffer_json(writer->out, type);
        types += size + (types[size] == ',');
    }
    xd_writer_end(writer, ']');
}

static enum xd_result write_subscription(void *context, const struct xd_subscription_row *row) {
    struct listing *listing = context;
    struct xd_writer *writer = &listing->writer;
    if ((listing->id != NULL && strcmp(listing->id, row->id) != 0) ||
        (listing->tenant != NULL && strcmp(listing->tenant, row->tenant) != 0)) {
        return XD_OK;
    }
    listing->count++;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "subscription_id", row->id);
    xd_writer_text(writer, "url", row->url);
    write_types(writer, row->types);
    xd_writer_text(writer, "tenant", row->tenant[0] != 0 ? row->tenant : NULL);
    xd_writer_boolean(writer, "enabled", row->enabled);
    xd_writer_integer(writer, "position", row->position);
    xd_writer_time(writer, "created_at", row->created_at);
    if (row->delivered_at != 0) {
        xd_writer_time(writer, "delivered_at", row->delivered_at);
    }
    if (row->failing_since != 0) {
        xd_writer_time(writer, "failing_since", row->failing_since);
        xd_writer_integer(writer, "failures", row->failures);
        xd_writer_text(writer, "last_failure", row->detail);
    }
    xd_writer_end(writer, '}');
    return XD_OK;
}

enum xd_result xd_view_subscriptions(const struct xd_hub_store *store, const char *tenant, const char *id,
                                     struct xd_buffer *out) {
    struct listing listing = {.writer = {.out = out}, .tenant = tenant, .id = id};
    if (id == NULL) {
        xd_writer_begin(&listing.writer, NULL, '{');
        xd_writer_begin(&listing.writer, "subscriptions", '[');
    }
    enum xd_result result =
        store->events.subscription_each(store->events.context, write_subscription, &listing);
    if (id == NULL) {
        xd_writer_end(&listing.writer, ']');
        xd_writer_end(&listing.writer, '}');
    }
    if (result == XD_OK) {
        result = id != NULL && listing.count == 0 ? XD_NOT_FOUND : xd_buffer_result(out);
    }
    return result;
}
