/* Writing events, and what a filter of them means. */
#include "hub/events/events.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "documents/order_event.h"
#include "hub/hub_internal.h"
#include "hub/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_PREFIX "crossdock."
#define TYPE_SUFFIX ".v1"
#define RESOLVED_MAX 64u /* exceptions that one document closes at once and that are told */

const char *const xd_order_event_names[] = {
    "accepted",         "rejected",           "held",       "changed",      "allocated",
    "backordered",      "released",           "shipped",    "invoiced",     "cancelled",
    "exception_raised", "exception_resolved", "sla_warned", "sla_breached", NULL};

const char *const xd_event_keys[] = {
    "order.accepted",    "order.rejected",     "order.held",       "order.changed",      "order.allocated",
    "order.backordered", "order.released",     "order.shipped",    "order.invoiced",     "order.cancelled",
    "exception.raised",  "exception.resolved", "order.sla_warned", "order.sla_breached", NULL};

/* ---- writing ---- */

static void fill_document(const struct xd_order_row *order, struct xd_order_event_document *out) {
    if (order == NULL) {
        return;
    }
    out->subject = out->order_id = order->order_id;
    out->external_order_id = order->external_order_id;
    out->tenant = order->tenant;
    out->channel_type = order->channel_type;
    out->channel_account = order->channel_account;
    out->customer_ref = order->customer_ref;
    out->site = order->site;
    out->status = xd_order_status_names[order->status];
    out->revision = order->revision;
    out->correlation_id = order->correlation_id;
}

/* The row's id and place are made here; subject NULL: the order's. */
static enum xd_result add(struct xd_hub *hub, const struct xd_order_row *order, enum xd_order_event event,
                          const char *subject, const char *causation_id, const char *members,
                          struct xd_now now) {
    const struct xd_event_store *store = &hub->config.store->events;
    struct xd_event_row row = {.n = hub->events.last + 1, .at = now.wall};
    struct xd_order_event_document document = {.time = now.wall, .members = members};
    struct xd_buffer body;
    xd_id_make(hub->config.env, "V", 17, row.id);
    snprintf(row.type, sizeof row.type, TYPE_PREFIX "%s" TYPE_SUFFIX, xd_event_keys[event]);
    if (order != NULL) {
        xd_copy(row.order_id, sizeof row.order_id, order->order_id);
        xd_copy(row.tenant, sizeof row.tenant, order->tenant);
        xd_copy(row.channel, sizeof row.channel, order->channel_type);
    }
    fill_document(order, &document);
    document.id = row.id;
    document.type = row.type;
    document.sequence = row.n;
    document.subject = subject != NULL ? subject : document.subject;
    document.causation_id = causation_id;
    xd_buffer_init(&body, 0);
    xd_order_event_write(&document, &body);
    row.body = xd_buffer_view(&body);
    enum xd_result result = xd_buffer_result(&body);
    if (result == XD_OK && !(XD_MUTANT(SHIPPED_UNTOLD) && event == XD_EVENT_SHIPPED)) {
        result = store->add(store->context, &row);
    }
    if (result == XD_OK) {
        hub->events.last = row.n; /* also when this is undone: a hole is no harm, a number given twice is */
    }
    xd_buffer_free(&body);
    return result;
}

enum xd_result xd_hub_event(struct xd_hub *hub, const struct xd_order_row *order, enum xd_order_event event,
                            struct xd_now now, const char *members_format, ...) {
    char *members = NULL;
    if (members_format != NULL) {
        va_list arguments, again;
        va_start(arguments, members_format);
        va_copy(again, arguments);
        int size = vsnprintf(NULL, 0, members_format, again);
        va_end(again);
        members = size < 0 ? NULL : xd_alloc((size_t)size + 1);
        if (members != NULL) {
            (void)vsnprintf(members, (size_t)size + 1, members_format, arguments);
        }
        va_end(arguments);
        if (members == NULL) {
            return XD_NO_MEMORY;
        }
    }
    enum xd_result result = add(hub, order, event, NULL, NULL, members, now);
    xd_free(members);
    return result;
}

/* ---- of an order ---- */

/* What a new status tells; XD_EVENT_COUNT: nothing. */
static enum xd_order_event event_of(int status) {
    switch (status) {
    case XD_ORDER_PART_ALLOCATED:
    case XD_ORDER_ALLOCATED:
        return XD_EVENT_ALLOCATED;
    case XD_ORDER_BACKORDERED:
        return XD_EVENT_BACKORDERED;
    /* Over by no shipment and no invoice: its rest is given up, or an invoice is credited. */
    case XD_ORDER_SHIPPED:
    case XD_ORDER_CLOSED_SHORT:
    case XD_ORDER_INVOICED:
        return XD_EVENT_CHANGED;
    default:
        return XD_EVENT_COUNT;
    }
}

enum xd_result xd_hub_event_status(struct xd_hub *hub, const struct xd_order_row *order, int before,
                                   struct xd_now now) {
    enum xd_order_event event = event_of(order->status);
    return order->status == before || event == XD_EVENT_COUNT ? XD_OK
                                                              : xd_hub_event(hub, order, event, now, NULL);
}

enum xd_result xd_hub_event_released(struct xd_hub *hub, const struct xd_order_row *order,
                                     const struct xd_release_row *release, struct xd_now now) {
    return xd_hub_event(hub, order, XD_EVENT_RELEASED, now,
                        "\"release_id\":\"%s\",\"release_revision\":%lld,\"released_to\":\"%s\"",
                        release->release_id, (long long)release->revision, release->site);
}

bool xd_hub_event_ships(const struct xd_job_line_row *lines, size_t count) {
    bool ships = false;
    for (size_t index = 0; index < count; index++) {
        ships = ships || xd_decimal_sign(lines[index].qty) > 0;
    }
    return ships;
}

static void write_shipped(const struct xd_job_line_row *lines, size_t count, struct xd_writer *writer) {
    xd_writer_begin(writer, "lines", '[');
    for (size_t index = 0; index < count; index++) {
        if (xd_decimal_sign(lines[index].qty) > 0) {
            xd_writer_begin(writer, NULL, '{');
            xd_writer_text(writer, "line_id", lines[index].line_id);
            xd_writer_text(writer, "sku", lines[index].sku);
            xd_writer_decimal(writer, "qty", lines[index].qty);
            xd_writer_text(writer, "uom", lines[index].uom);
            xd_writer_end(writer, '}');
        }
    }
    xd_writer_end(writer, ']');
}

enum xd_result xd_hub_event_shipped(struct xd_hub *hub, const struct xd_release_row *release,
                                    const struct xd_confirmation_row *confirmation,
                                    const struct xd_job_line_row *lines, size_t count, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    struct xd_buffer members;
    struct xd_writer writer = {.out = &members};
    if (!xd_hub_event_ships(lines, count)) {
        return XD_OK;
    }
    enum xd_result result = store->order_get(store->context, release->order_id, &order);
    if (result != XD_OK) {
        return result;
    }
    xd_buffer_init(&members, 0);
    xd_writer_text(&writer, "release_id", release->release_id);
    xd_writer_text(&writer, "shipped_from", release->site);
    xd_writer_text(&writer, "shipment_id", confirmation->shipment_id);
    xd_writer_text(&writer, "confirmation_id", confirmation->confirmation_id);
    write_shipped(lines, count, &writer);
    result = xd_buffer_result(&members);
    if (result == XD_OK) {
        result = add(hub, &order, XD_EVENT_SHIPPED, NULL, confirmation->confirmation_id,
                     xd_buffer_string(&members), now);
    }
    xd_buffer_free(&members);
    return result;
}

/* ---- exceptions ---- */

static void write_exception(const struct xd_exception_row *row, struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    xd_writer_begin(&writer, "exception", '{');
    xd_writer_text(&writer, "id", row->id);
    xd_writer_text(&writer, "code", row->code);
    xd_writer_text(&writer, "site", row->site[0] != 0 ? row->site : NULL);
    xd_writer_text(&writer, "release_id", row->release_id[0] != 0 ? row->release_id : NULL);
    xd_writer_text(&writer, "line_id", row->line_id[0] != 0 ? row->line_id : NULL);
    xd_writer_text(&writer, "document_id", row->document_id[0] != 0 ? row->document_id : NULL);
    xd_writer_text(&writer, "detail", row->detail[0] != 0 ? row->detail : NULL);
    xd_writer_time(&writer, "raised_at", row->raised_at);
    xd_view_resolution(row, &writer);
    xd_writer_end(&writer, '}');
}

enum xd_result xd_hub_event_exception(struct xd_hub *hub, const struct xd_exception_row *row,
                                      enum xd_order_event event, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    struct xd_buffer members;
    enum xd_result result =
        row->order_id[0] != 0 ? store->order_get(store->context, row->order_id, &order) : XD_NOT_FOUND;
    bool of_order = result == XD_OK;
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    xd_buffer_init(&members, 0);
    write_exception(row, &members);
    result = xd_buffer_result(&members);
    if (result == XD_OK) {
        result = add(hub, of_order ? &order : NULL, event, of_order ? NULL : row->id,
                     row->document_id[0] != 0 ? row->document_id : NULL, xd_buffer_string(&members), now);
    }
    xd_buffer_free(&members);
    return result;
}

struct closing {
    struct xd_exception_row *rows;
    size_t count;
};

/* Not cleared: mostly there is none to be closed, and the room is for many. */
static struct xd_exception_row *room_for_closed(void) {
    return xd_resize(NULL, RESOLVED_MAX * sizeof(struct xd_exception_row));
}

static enum xd_result collect(void *context, const struct xd_exception_row *row) {
    struct closing *closing = context;
    if (closing->count < RESOLVED_MAX) {
        closing->rows[closing->count++] = *row;
    }
    return XD_OK;
}

static enum xd_result tell_one(struct xd_hub *hub, struct xd_exception_row *row, struct xd_now now) {
    xd_copy(row->by, sizeof row->by, hub->word.by);
    xd_copy(row->action, sizeof row->action, hub->word.action);
    xd_copy(row->reason, sizeof row->reason, hub->word.reason);
    return xd_hub_event_exception(hub, row, XD_EVENT_EXCEPTION_RESOLVED, now);
}

/* Tells those that were closed, and forgets them. */
static enum xd_result tell_closed(struct xd_hub *hub, struct closing *closing, enum xd_result result,
                                  struct xd_now now) {
    for (size_t index = 0; index < closing->count && result == XD_OK; index++) {
        result = tell_one(hub, &closing->rows[index], now);
    }
    xd_free(closing->rows);
    return result;
}

enum xd_result xd_hub_exceptions_close(struct xd_hub *hub, const char *site, enum xd_kind kind,
                                       const char *document_id, int64_t version, const char *code,
                                       struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct closing closing = {.rows = room_for_closed()};
    if (closing.rows == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = store->exception_of_document(store->context, site, kind, document_id, version,
                                                         code, collect, &closing);
    if (result == XD_OK && closing.count > 0) {
        result = store->exception_close(store->context, site, kind, document_id, version, code, &hub->word,
                                        now.wall);
    }
    return tell_closed(hub, &closing, result, now);
}

enum xd_result xd_hub_exceptions_close_order(struct xd_hub *hub, const char *order_id, const char *code,
                                             struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct closing closing = {.rows = room_for_closed()};
    if (closing.rows == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = store->exception_of_order(store->context, order_id, code, collect, &closing);
    if (result == XD_OK && closing.count > 0) {
        result = store->exception_close_order(store->context, order_id, code, &hub->word, now.wall);
    }
    return tell_closed(hub, &closing, result, now);
}

enum xd_result xd_hub_exception_close_one(struct xd_hub *hub, const struct xd_exception_row *row,
                                          struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    if (!row->open) {
        return XD_OK; /* told already */
    }
    struct xd_exception_row closed = *row;
    enum xd_result result = store->exception_close_one(store->context, row->id, &hub->word, now.wall);
    return result == XD_OK ? tell_one(hub, &closed, now) : result;
}

/* ---- filters ---- */

/* Compares a piece of text of that size. */
static bool same(const char *piece, size_t size, const char *text) {
    return strlen(text) == size && memcmp(piece, text, size) == 0;
}

/* The event that a name, a key or a type means; XD_EVENT_COUNT: none. */
static int event_named(const char *piece, size_t size) {
    size_t prefix = sizeof TYPE_PREFIX - 1, suffix = sizeof TYPE_SUFFIX - 1;
    if (size > prefix + suffix && memcmp(piece, TYPE_PREFIX, prefix) == 0 &&
        memcmp(piece + size - suffix, TYPE_SUFFIX, suffix) == 0) {
        piece += prefix;
        size -= prefix + suffix;
    }
    for (int event = 0; event < XD_EVENT_COUNT; event++) {
        if (same(piece, size, xd_event_keys[event]) || same(piece, size, xd_order_event_names[event])) {
            return event;
        }
    }
    return XD_EVENT_COUNT;
}

enum xd_result xd_event_types_read(const char *text, char out[XD_WEBHOOK_TYPES_SIZE]) {
    bool wanted[XD_EVENT_COUNT] = {false};
    size_t used = 0;
    out[0] = 0;
    while (text != NULL && *text != 0) {
        size_t size = strcspn(text, ",");
        int event = event_named(text, size);
        if (event == XD_EVENT_COUNT) {
            return XD_INVALID;
        }
        wanted[event] = true;
        text += size + (text[size] == ',');
    }
    for (int event = 0; event < XD_EVENT_COUNT; event++) {
        if (wanted[event]) { /* all of them are shorter than out */
            used += (size_t)snprintf(out + used, XD_WEBHOOK_TYPES_SIZE - used, "%s%s", used > 0 ? "," : "",
                                     xd_event_keys[event]);
        }
    }
    return XD_OK;
}

bool xd_event_passes(const struct xd_event_row *row, const char *tenant, const char *types) {
    size_t prefix = sizeof TYPE_PREFIX - 1, suffix = sizeof TYPE_SUFFIX - 1, all = strlen(row->type);
    if (tenant != NULL && tenant[0] != 0 && strcmp(tenant, row->tenant) != 0) {
        return false;
    }
    if (types == NULL || types[0] == 0) {
        return true;
    }
    while (*types != 0 && all > prefix + suffix) {
        size_t size = strcspn(types, ",");
        if (size == all - prefix - suffix && memcmp(types, row->type + prefix, size) == 0) {
            return true;
        }
        types += size + (types[size] == ',');
    }
    return false;
}

enum xd_result xd_events_from(const struct xd_hub_store *store, const char *text, int64_t *after) {
    const struct xd_event_store *events = &store->events;
    xd_ms at;
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && digits <= 18 && text[digits] == 0) {
        int64_t n = strtoll(text, NULL, 10);
        *after = n > 0 ? n - 1 : 0;
        return XD_OK;
    }
    if (xd_time_parse(text, &at) != XD_OK) {
        return XD_INVALID;
    }
    enum xd_result result = events->since(events->context, at, after);
    if (result == XD_OK) {
        (*after)--;
    }
    return result == XD_NOT_FOUND ? events->last(events->context, after) : result;
}
