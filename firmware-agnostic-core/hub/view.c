#include "hub/view.h"

#include "base/json.h"
#include "base/memory.h"
#include "documents/writer.h"
#include "hub/hub_internal.h"
#include "hub/orchestration/ending.h"
#include "hub/sla/sla.h"

#include <string.h>

#define SITE_ALIVE_MS ((xd_ms)120000)

/* ---- orders ---- */

static void write_names(struct xd_writer *writer, const char *name, unsigned bits, const char *const *names) {
    xd_writer_begin(writer, name, '[');
    for (unsigned bit = 0; names[bit] != NULL; bit++) {
        if ((bits & (1u << bit)) != 0) {
            xd_writer_text(writer, NULL, names[bit]);
        }
    }
    xd_writer_end(writer, ']');
}

/* Sites that ship some of an order, each once, in the order of its releases. */
struct shippers {
    char sites[XD_VIEW_SHIPPERS_MAX][XD_SITE_SIZE];
    size_t count;
};

static enum xd_result collect_shipper(void *context, const struct xd_release_row *row) {
    struct shippers *shippers = context;
    bool known = row->status == XD_RELEASE_REJECTED || row->status == XD_RELEASE_CANCELLED;
    for (size_t index = 0; index < shippers->count && !known; index++) {
        known = strcmp(shippers->sites[index], row->site) == 0;
    }
    if (!known && shippers->count < XD_VIEW_SHIPPERS_MAX) {
        memcpy(shippers->sites[shippers->count++], row->site, XD_SITE_SIZE);
    }
    return XD_OK;
}

enum xd_result xd_view_site_of(const struct xd_hub_store *store, const struct xd_order_row *order,
                               char out[XD_SITE_SIZE]) {
    struct shippers shippers = {.count = 0};
    enum xd_result result =
        store->release_of_order(store->context, order->order_id, collect_shipper, &shippers);
    bool preferred = shippers.count == 0;
    for (size_t index = 0; index < shippers.count; index++) {
        preferred = preferred || strcmp(shippers.sites[index], order->site) == 0;
    }
    memcpy(out, preferred ? order->site : shippers.sites[0], XD_SITE_SIZE);
    return result;
}

static enum xd_result write_shippers(const struct xd_hub_store *store, const char *order_id,
                                     struct xd_writer *writer) {
    struct shippers shippers = {.count = 0};
    enum xd_result result = store->release_of_order(store->context, order_id, collect_shipper, &shippers);
    xd_writer_begin(writer, "ships_from", '[');
    for (size_t index = 0; index < shippers.count; index++) {
        xd_writer_text(writer, NULL, shippers.sites[index]);
    }
    xd_writer_end(writer, ']');
    return result;
}

static void order_members(struct xd_writer *writer, const struct xd_order_row *row) {
    xd_writer_text(writer, "order_id", row->order_id);
    xd_writer_text(writer, "external_order_id", row->external_order_id);
    xd_writer_text(writer, "tenant", row->tenant);
    xd_writer_begin(writer, "channel", '{');
    xd_writer_text(writer, "type", row->channel_type);
    xd_writer_text(writer, "account", row->channel_account);
    xd_writer_end(writer, '}');
    xd_writer_text(writer, "customer_ref", row->customer_ref);
    xd_writer_text(writer, "customer_code", row->customer_code[0] != 0 ? row->customer_code : NULL);
    xd_writer_text(writer, "customer_po", row->customer_po[0] != 0 ? row->customer_po : NULL);
    xd_writer_text(writer, "currency", row->currency);
    xd_writer_text(writer, "site", row->site[0] != 0 ? row->site : NULL);
    xd_writer_text(writer, "status", xd_order_status_names[row->status]);
    xd_writer_integer(writer, "revision", row->revision);
    write_names(writer, "steps", row->steps, xd_step_names);
    write_names(writer, "holds", row->holds, xd_hold_names);
    xd_writer_boolean(writer, "cancel_requested", row->cancelled && row->status != XD_ORDER_REJECTED);
    xd_writer_text(writer, "correlation_id", row->correlation_id);
    xd_writer_text(writer, "erp_reference", row->sale_reference);
    xd_writer_time(writer, "received_at", row->received_at);
    xd_writer_time(writer, "updated_at", row->updated_at);
}

/* Why it came to nothing. */
static enum xd_result write_ending(const struct xd_hub_store *store, const struct xd_order_row *row,
                                   struct xd_writer *writer) {
    struct xd_ending ending;
    if (row->status != XD_ORDER_CANCELLED && row->status != XD_ORDER_REJECTED) {
        return XD_OK;
    }
    enum xd_result result = xd_ending_read(store, row->order_id, &ending);
    if (result == XD_OK) {
        xd_writer_begin(writer, "reason", '{');
        xd_writer_text(writer, "code", ending.code);
        xd_writer_text(writer, "detail", ending.detail);
        xd_writer_text(writer, "by", ending.by[0] != 0 ? ending.by : NULL);
        xd_writer_end(writer, '}');
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static void write_same(struct xd_writer *writer, const cJSON *document, const char *name) {
    xd_writer_tree(writer, name, cJSON_GetObjectItemCaseSensitive(document, name));
}

/* What the order's document says of how to ship. All that is known of an order that a site gave
 * back is its release, which says the same, its parties one by one. */
static void write_how(struct xd_writer *writer, const struct xd_order_row *row, const cJSON *document) {
    if (xd_hub_order_in_releases(row)) {
        xd_writer_begin(writer, "parties", '{');
        write_same(writer, document, "ship_to");
        write_same(writer, document, "mark_for");
        xd_writer_end(writer, '}');
    } else {
        write_same(writer, document, "preferred_site");
        write_same(writer, document, "parties");
    }
    write_same(writer, document, "dates");
    write_same(writer, document, "freight");
    write_same(writer, document, "attributes");
}

struct order_lines {
    struct xd_writer *writer;
    const cJSON *said; /* those of the order's document */
};

static void write_handling(const struct order_lines *lines, const struct xd_order_line_row *row) {
    const cJSON *line;
    cJSON_ArrayForEach(line, lines->said) {
        const char *name = xd_json_text(line, "external_line_id");
        if (name != NULL && strcmp(name, row->external_line_id) == 0) {
            write_same(lines->writer, line, "lot_constraint");
            write_same(lines->writer, line, "min_remaining_shelf_life");
            write_same(lines->writer, line, "hazmat");
            write_same(lines->writer, line, "temperature_class");
            write_same(lines->writer, line, "attributes");
            break;
        }
    }
    if (row->serials) {
        xd_writer_boolean(lines->writer, "serial_required", true);
    }
}

static enum xd_result write_order_line(void *context, const struct xd_order_line_row *row) {
    const struct order_lines *lines = context;
    struct xd_writer *writer = lines->writer;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "line_id", row->line_id);
    xd_writer_text(writer, "external_line_id", row->external_line_id);
    xd_writer_text(writer, "sku", row->sku);
    xd_writer_text(writer, "uom", row->uom);
    if (row->ordered_uom[0] != 0) {
        xd_writer_text(writer, "ordered_uom", row->ordered_uom);
        xd_writer_begin(writer, "uom_factor", '{');
        xd_writer_integer(writer, "num", row->ordered_num);
        xd_writer_integer(writer, "den", row->ordered_den);
        xd_writer_end(writer, '}');
    }
    if (row->has_unit_price) {
        xd_writer_decimal(writer, "unit_price", row->unit_price);
    }
    xd_writer_decimal(writer, "qty", row->ordered);
    xd_writer_decimal(writer, "open", row->open);
    xd_writer_decimal(writer, "allocated", row->allocated);
    xd_writer_decimal(writer, "released", row->released);
    xd_writer_decimal(writer, "shipped", row->shipped);
    xd_writer_decimal(writer, "cancelled", row->cancelled);
    xd_writer_decimal(writer, "backordered", row->backordered);
    xd_writer_decimal(writer, "pending", row->pending);
    xd_writer_decimal(writer, "overshipped", row->overshipped);
    xd_writer_decimal(writer, "invoiced", row->invoiced);
    write_handling(lines, row);
    xd_writer_end(writer, '}');
    return XD_OK;
}

static void release_members(struct xd_writer *writer, const struct xd_release_row *row) {
    xd_writer_text(writer, "release_id", row->release_id);
    xd_writer_integer(writer, "revision", row->revision);
    xd_writer_text(writer, "order_id", row->order_id);
    xd_writer_text(writer, "site", row->site);
    xd_writer_text(writer, "status", xd_release_status_names[row->status]);
    xd_writer_text(writer, "cancel", xd_release_cancel_names[row->cancel]);
    xd_writer_time(writer, "created_at", row->created_at);
    xd_writer_time(writer, "updated_at", row->updated_at);
}

static enum xd_result write_release_of_order(void *context, const struct xd_release_row *row) {
    struct xd_writer *writer = context;
    xd_writer_begin(writer, NULL, '{');
    release_members(writer, row);
    xd_writer_end(writer, '}');
    return XD_OK;
}

static enum xd_result write_deadline(void *context, const struct xd_deadline_row *row) {
    struct xd_writer *writer = context;
    if (row->due == 0) {
        return XD_OK; /* it is not known yet when */
    }
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "promise", xd_promise_names[row->promise]);
    xd_writer_time(writer, "due_at", row->due);
    xd_writer_boolean(writer, "breached", row->stage == XD_DEADLINE_BREACHED);
    xd_writer_end(writer, '}');
    return XD_OK;
}

static enum xd_result write_exception_head(void *context, const struct xd_exception_row *row) {
    struct xd_writer *writer = context;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "id", row->id);
    xd_writer_text(writer, "code", row->code);
    xd_writer_end(writer, '}');
    return XD_OK;
}

static enum xd_result write_open_exceptions(const struct xd_hub_store *store, const char *order_id,
                                            struct xd_writer *writer) {
    const struct xd_exception_filter filter = {.open_only = true, .order_id = order_id};
    xd_writer_begin(writer, "exceptions", '[');
    enum xd_result result = store->exception_list(store->context, &filter, "", XD_VIEW_ORDER_EXCEPTIONS_MAX,
                                                  write_exception_head, writer);
    xd_writer_end(writer, ']');
    return result;
}

/* The order's document; *out is for cJSON_Delete. It could be read when it was taken. */
static enum xd_result read_document(const struct xd_hub_store *store, const char *order_id, cJSON **out) {
    struct xd_json_error error;
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    enum xd_result result = store->order_body(store->context, order_id, &body);
    if (result == XD_OK) {
        result = xd_json_parse(xd_buffer_view(&body), XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX, out, &error);
    }
    xd_buffer_free(&body);
    return result == XD_INVALID ? XD_CORRUPT : result;
}

static enum xd_result write_order(const struct xd_hub_store *store, const struct xd_order_row *row,
                                  const cJSON *document, struct xd_writer *writer) {
    struct order_lines lines = {writer, cJSON_GetObjectItemCaseSensitive(document, "lines")};
    order_members(writer, row);
    write_how(writer, row, document);
    enum xd_result result = write_ending(store, row, writer);
    if (result == XD_OK) {
        result = write_shippers(store, row->order_id, writer);
    }
    xd_writer_begin(writer, "lines", '[');
    if (result == XD_OK) {
        result = store->order_lines(store->context, row->order_id, write_order_line, &lines);
    }
    xd_writer_end(writer, ']');
    xd_writer_begin(writer, "releases", '[');
    if (result == XD_OK) {
        result = store->release_of_order(store->context, row->order_id, write_release_of_order, writer);
    }
    xd_writer_end(writer, ']');
    xd_writer_begin(writer, "deadlines", '[');
    if (result == XD_OK) {
        result = store->sla.of_order(store->context, row->order_id, write_deadline, writer);
    }
    xd_writer_end(writer, ']');
    return result == XD_OK ? write_open_exceptions(store, row->order_id, writer) : result;
}

enum xd_result xd_view_order_revised(const struct xd_hub_store *store, const char *order_id,
                                     struct xd_bytes warnings, struct xd_buffer *out) {
    struct xd_order_row row;
    struct xd_writer writer = {.out = out};
    cJSON *document = NULL;
    enum xd_result result = store->order_get(store->context, order_id, &row);
    if (result == XD_OK) {
        result = read_document(store, order_id, &document);
    }
    if (result == XD_OK) {
        xd_writer_begin(&writer, NULL, '{');
        result = write_order(store, &row, document, &writer);
        if (warnings.size > 0) {
            xd_writer_name(&writer, "warnings");
            xd_buffer_add(out, warnings.data, warnings.size);
        }
        xd_writer_end(&writer, '}');
    }
    cJSON_Delete(document);
    return result == XD_OK ? xd_buffer_result(out) : result;
}

enum xd_result xd_view_order(const struct xd_hub_store *store, const char *order_id, struct xd_buffer *out) {
    return xd_view_order_revised(store, order_id, (struct xd_bytes){0}, out);
}

/* Rows first: a callback must not call the store, and the sites are read behind each. */
struct order_page {
    struct xd_order_row *rows; /* owned */
    size_t count, capacity;
};

static enum xd_result collect_order(void *context, const struct xd_order_row *row) {
    struct order_page *page = context;
    struct xd_order_row *rows = xd_grow(page->rows, page->count, &page->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    page->rows = rows;
    page->rows[page->count++] = *row;
    return XD_OK;
}

static enum xd_result write_orders(const struct xd_hub_store *store, const struct order_page *page,
                                   size_t max, struct xd_writer *writer) {
    enum xd_result result = XD_OK;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_begin(writer, "orders", '[');
    for (size_t index = 0; index < page->count && result == XD_OK; index++) {
        xd_writer_begin(writer, NULL, '{');
        order_members(writer, &page->rows[index]);
        result = write_shippers(store, page->rows[index].order_id, writer);
        xd_writer_end(writer, '}');
    }
    xd_writer_end(writer, ']');
    xd_writer_text(writer, "next_cursor", page->count == max ? page->rows[max - 1].order_id : NULL);
    xd_writer_end(writer, '}');
    return result;
}

enum xd_result xd_view_order_list(const struct xd_hub_store *store, const struct xd_view_orders *query,
                                  struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    struct order_page page = {.rows = NULL};
    enum xd_result result = store->order_list(store->context, query->tenant, query->external_order_id,
                                              query->status, query->cursor, query->max, collect_order, &page);
    if (result == XD_OK) {
        result = write_orders(store, &page, query->max, &writer);
    }
    xd_free(page.rows);
    return result == XD_OK ? xd_buffer_result(out) : result;
}

static enum xd_result write_step(void *context, const struct xd_timeline_row *row) {
    struct xd_writer *writer = context;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_time(writer, "at", row->at);
    xd_writer_text(writer, "step", row->step);
    xd_writer_text(writer, "correlation_id", row->correlation_id);
    xd_writer_name(writer, "detail");
    xd_buffer_text(writer->out, row->detail);
    xd_writer_end(writer, '}');
    return XD_OK;
}

enum xd_result xd_view_timeline(const struct xd_hub_store *store, const char *order_id,
                                struct xd_buffer *out) {
    struct xd_order_row row;
    struct xd_writer writer = {.out = out};
    enum xd_result result = store->order_get(store->context, order_id, &row);
    if (result != XD_OK) {
        return result;
    }
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "order_id", row.order_id);
    xd_writer_text(&writer, "external_order_id", row.external_order_id);
    xd_writer_text(&writer, "status", xd_order_status_names[row.status]);
    xd_writer_begin(&writer, "steps", '[');
    result = store->timeline_each(store->context, order_id, write_step, &writer);
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
    return result == XD_OK ? xd_buffer_result(out) : result;
}

/* ---- releases ---- */

static enum xd_result write_release_line(void *context, const struct xd_release_line_row *row) {
    struct xd_writer *writer = context;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "line_id", row->line_id);
    xd_writer_text(writer, "sku", row->sku);
    xd_writer_text(writer, "uom", row->uom);
    xd_writer_decimal(writer, "qty", row->qty);
    xd_writer_decimal(writer, "shipped", row->shipped);
    xd_writer_decimal(writer, "overshipped", row->over);
    xd_writer_decimal(writer, "closed", row->closed);
    xd_writer_end(writer, '}');
    return XD_OK;
}

enum xd_result xd_view_release(const struct xd_hub_store *store, const char *release_id,
                               struct xd_buffer *out) {
    struct xd_release_row row;
    struct xd_writer writer = {.out = out};
    enum xd_result result = store->release_get(store->context, release_id, &row);
    if (result != XD_OK) {
        return result;
    }
    xd_writer_begin(&writer, NULL, '{');
    release_members(&writer, &row);
    xd_writer_begin(&writer, "lines", '[');
    result = store->release_lines(store->context, release_id, write_release_line, &writer);
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
    return result == XD_OK ? xd_buffer_result(out) : result;
}

/* ---- sites ---- */

static enum xd_result write_stream(void *context, const struct xd_stream_row *row) {
    struct xd_writer *writer = context;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "direction", row->sends ? "down" : "up");
    xd_writer_text(writer, "lane", row->lane);
    xd_writer_text(writer, "epoch", row->epoch);
    xd_writer_u64(writer, "watermark", row->watermark);
    if (row->sends) {
        xd_writer_integer(writer, "backlog", (int64_t)(row->next - 1 - row->watermark));
    }
    if (row->conflict != 0) {
        xd_writer_u64(writer, "conflict", row->conflict);
    }
    xd_writer_end(writer, '}');
    return XD_OK;
}

/* Rows first: a callback must not call the store, and streams are read behind each. */
struct site_list {
    const char *wanted; /* NULL: all */
    struct xd_site_row *rows;
    size_t count, capacity;
};

static enum xd_result collect_site(void *context, const struct xd_site_row *row) {
    struct site_list *list = context;
    if (list->wanted != NULL && strcmp(row->site, list->wanted) != 0) {
        return XD_OK;
    }
    struct xd_site_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

static void site_head(struct xd_writer *writer, const struct xd_site_row *row, xd_ms now) {
    bool online = row->last_seen != 0 && now - row->last_seen < SITE_ALIVE_MS;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "site", row->site);
    xd_writer_text(writer, "kind", row->kind);
    xd_writer_boolean(writer, "online", online);
    if (row->last_seen != 0) {
        xd_writer_time(writer, "last_seen", row->last_seen);
        xd_writer_integer(writer, "last_seen_age_ms", now - row->last_seen);
    }
    xd_writer_time(writer, "added_at", row->added_at);
    if (row->status[0] != 0) {
        xd_writer_name(writer, "status");
        xd_buffer_text(writer->out, row->status);
    }
}

static enum xd_result write_site(const struct xd_hub_store *store, const struct xd_site_row *row, xd_ms now,
                                 struct xd_writer *writer) {
    site_head(writer, row, now);
    xd_writer_begin(writer, "streams", '[');
    enum xd_result result =
        store->delivery.stream_each(store->delivery.context, row->site, write_stream, writer);
    xd_writer_end(writer, ']');
    xd_writer_end(writer, '}');
    return result;
}

/* wanted NULL: all, comma separated. */
static enum xd_result write_sites(const struct xd_hub_store *store, const char *wanted, xd_ms now,
                                  struct xd_writer *writer) {
    struct site_list list = {.wanted = wanted};
    enum xd_result result = store->site_each(store->context, collect_site, &list);
    if (result == XD_OK && wanted != NULL && list.count == 0) {
        result = XD_NOT_FOUND;
    }
    for (size_t index = 0; index < list.count && result == XD_OK; index++) {
        result = write_site(store, &list.rows[index], now, writer);
    }
    xd_free(list.rows);
    return result;
}

enum xd_result xd_view_sites(const struct xd_hub_store *store, const char *site, xd_ms now_wall,
                             struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    if (site == NULL) {
        xd_writer_begin(&writer, NULL, '{');
        xd_writer_begin(&writer, "sites", '[');
    }
    enum xd_result result = write_sites(store, site, now_wall, &writer);
    if (site == NULL) {
        xd_writer_end(&writer, ']');
        xd_writer_end(&writer, '}');
    }
    return result == XD_OK ? xd_buffer_result(out) : result;
}

/* ---- exceptions ---- */

void xd_view_resolution(const struct xd_exception_row *row, struct xd_writer *writer) {
    xd_writer_text(writer, "resolved_by", row->by[0] != 0 ? row->by : NULL);
    xd_writer_text(writer, "action", row->action[0] != 0 ? row->action : NULL);
    xd_writer_text(writer, "reason", row->reason[0] != 0 ? row->reason : NULL);
}

static void exception_members(struct xd_writer *writer, const struct xd_exception_row *row) {
    static const char *const kinds[] = {NULL,      "confirmation", "release/response", "inventory",
                                        "release", "settled",      "release"};
    xd_writer_text(writer, "id", row->id);
    xd_writer_text(writer, "code", row->code);
    xd_writer_text(writer, "status", row->open ? "open" : "resolved");
    xd_writer_text(writer, "site", row->site[0] != 0 ? row->site : NULL);
    xd_writer_text(writer, "order_id", row->order_id[0] != 0 ? row->order_id : NULL);
    xd_writer_text(writer, "release_id", row->release_id[0] != 0 ? row->release_id : NULL);
    xd_writer_text(writer, "line_id", row->line_id[0] != 0 ? row->line_id : NULL);
    xd_writer_text(writer, "document", row->kind <= XD_DOC_ECHO ? kinds[row->kind] : NULL);
    xd_writer_text(writer, "document_id", row->document_id[0] != 0 ? row->document_id : NULL);
    if (row->version != 0) {
        xd_writer_integer(writer, "version", row->version);
    }
    if (!xd_decimal_is_zero(row->qty)) {
        xd_writer_decimal(writer, "qty", row->qty);
    }
    xd_writer_text(writer, "detail", row->detail);
    xd_writer_time(writer, "raised_at", row->raised_at);
    if (row->resolved_at != 0) {
        xd_writer_time(writer, "resolved_at", row->resolved_at);
    }
    xd_view_resolution(row, writer);
}

struct listing {
    struct xd_writer writer;
    char last[XD_ID_SIZE];
    size_t count;
};

static void end_listing(struct listing *listing, size_t max) {
    xd_writer_end(&listing->writer, ']');
    xd_writer_text(&listing->writer, "next_cursor", listing->count == max ? listing->last : NULL);
    xd_writer_end(&listing->writer, '}');
}

static enum xd_result write_exception(void *context, const struct xd_exception_row *row) {
    struct listing *listing = context;
    xd_writer_begin(&listing->writer, NULL, '{');
    exception_members(&listing->writer, row);
    xd_writer_end(&listing->writer, '}');
    memcpy(listing->last, row->id, sizeof listing->last);
    listing->count++;
    return XD_OK;
}

enum xd_result xd_view_exceptions(const struct xd_hub_store *store, const struct xd_exception_filter *filter,
                                  const char *cursor, size_t max, struct xd_buffer *out) {
    struct listing listing = {.writer = {.out = out}, .count = 0};
    xd_writer_begin(&listing.writer, NULL, '{');
    xd_writer_begin(&listing.writer, "exceptions", '[');
    enum xd_result result =
        store->exception_list(store->context, filter, cursor, max, write_exception, &listing);
    end_listing(&listing, max);
    return result == XD_OK ? xd_buffer_result(out) : result;
}

/* A document as it is stored: it is JSON already. */
static void write_document(struct xd_writer *writer, const char *name, struct xd_bytes text) {
    if (text.size > 0) {
        xd_writer_name(writer, name);
        xd_buffer_add(writer->out, text.data, text.size);
    }
}

static enum xd_result write_edit(void *context, const struct xd_edit_row *row) {
    struct xd_writer *writer = context;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_time(writer, "at", row->at);
    xd_writer_text(writer, "by", row->by);
    xd_writer_text(writer, "reason", row->reason);
    write_document(writer, "before", row->before);
    write_document(writer, "after", row->after);
    xd_writer_end(writer, '}');
    return XD_OK;
}

/* What it is about, for who wants to edit it, and who did. */
static enum xd_result write_content(const struct xd_hub_store *store, const struct xd_exception_row *row,
                                    struct xd_writer *writer) {
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    enum xd_result result =
        store->confirmation_body(store->context, row->site, row->document_id, row->version, &body);
    if (result == XD_OK) {
        write_document(writer, "content", xd_buffer_view(&body));
        xd_writer_begin(writer, "edits", '[');
        result = store->confirmations.edit_each(store->context, row->id, write_edit, writer);
        xd_writer_end(writer, ']');
    }
    xd_buffer_free(&body);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_view_exception(const struct xd_hub_store *store, const char *id, struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    struct xd_exception_row row;
    enum xd_result result = store->exception_get(store->context, id, &row);
    if (result == XD_OK) {
        xd_writer_begin(&writer, NULL, '{');
        exception_members(&writer, &row);
        result = row.kind == XD_DOC_CONFIRMATION ? write_content(store, &row, &writer) : XD_OK;
        xd_writer_end(&writer, '}');
    }
    return result == XD_OK ? xd_buffer_result(out) : result;
}

/* ---- reconciliation ---- */

/* What does not balance, in lines: released and not confirmed, confirmed and not
 * posted, refused by the ERP, or lost count of. 0 when all is quiet. */
static int64_t difference(const struct xd_reconciliation_row *row) {
    return row->outstanding_lines + row->unposted_lines + row->unaccounted_lines;
}

static void group(struct xd_writer *writer, const char *name, const char *of, int64_t count, int64_t lines,
                  const struct xd_decimal *qty) {
    xd_writer_begin(writer, name, '{');
    if (of != NULL) {
        xd_writer_integer(writer, of, count);
    }
    xd_writer_integer(writer, "lines", lines);
    if (qty != NULL) {
        xd_writer_decimal(writer, "qty", *qty);
    }
    xd_writer_end(writer, '}');
}

static void reconciliation_members(struct xd_writer *writer, const struct xd_reconciliation_row *row) {
    group(writer, "released", "releases", row->releases, row->released_lines, &row->released_qty);
    group(writer, "confirmed", "confirmations", row->confirmations, row->confirmed_lines,
          &row->confirmed_qty);
    group(writer, "posted", "shipments", row->shipments, row->posted_lines, &row->posted_qty);
    group(writer, "parked", "documents", row->parked_documents, row->parked_lines, NULL);
    group(writer, "rejected", "postings", row->refused_postings, row->rejected_lines, NULL);
    group(writer, "short", NULL, 0, row->short_lines, &row->short_qty);
    group(writer, "outstanding", NULL, 0, row->outstanding_lines, &row->outstanding_qty);
    group(writer, "unposted", NULL, 0, row->unposted_lines, &row->unposted_qty);
    xd_writer_integer(writer, "unaccounted_lines", row->unaccounted_lines);
    xd_writer_integer(writer, "difference", difference(row));
}

struct totals {
    struct xd_writer *writer;
    struct xd_reconciliation_row sum;
};

/* Quantities of different units, too: a hint for people. The lines are what is compared,
 * so a sum with more digits than fit stays at the most there is. */
static void sum_row(struct xd_reconciliation_row *sum, const struct xd_reconciliation_row *row) {
    struct xd_decimal *const to[] = {&sum->released_qty, &sum->confirmed_qty,   &sum->posted_qty,
                                     &sum->short_qty,    &sum->outstanding_qty, &sum->unposted_qty};
    const struct xd_decimal from[] = {row->released_qty, row->confirmed_qty,   row->posted_qty,
                                      row->short_qty,    row->outstanding_qty, row->unposted_qty};
    for (size_t index = 0; index < sizeof from / sizeof from[0]; index++) {
        if (xd_decimal_add(*to[index], from[index], to[index]) != XD_OK) {
            *to[index] = xd_decimal_of(XD_DECIMAL_MOST);
        }
    }
    sum->releases += row->releases;
    sum->released_lines += row->released_lines;
    sum->confirmations += row->confirmations;
    sum->confirmed_lines += row->confirmed_lines;
    sum->shipments += row->shipments;
    sum->posted_lines += row->posted_lines;
    sum->parked_documents += row->parked_documents;
    sum->parked_lines += row->parked_lines;
    sum->rejected_lines += row->rejected_lines;
    sum->short_lines += row->short_lines;
    sum->outstanding_lines += row->outstanding_lines;
    sum->unposted_lines += row->unposted_lines;
    sum->unaccounted_lines += row->unaccounted_lines;
    sum->refused_postings += row->refused_postings;
}

static enum xd_result write_reconciliation(void *context, const struct xd_reconciliation_row *row) {
    struct totals *totals = context;
    xd_writer_begin(totals->writer, NULL, '{');
    xd_writer_text(totals->writer, "site", row->site);
    reconciliation_members(totals->writer, row);
    xd_writer_end(totals->writer, '}');
    sum_row(&totals->sum, row);
    return XD_OK;
}

/* The books of a site that there is not would balance. */
static enum xd_result site_known(const struct xd_hub_store *store, const char *site) {
    struct site_list list = {.wanted = site};
    enum xd_result result = store->site_each(store->context, collect_site, &list);
    xd_free(list.rows);
    return result == XD_OK && list.count == 0 ? XD_NOT_FOUND : result;
}

enum xd_result xd_view_reconciliation(const struct xd_hub_store *store, const char *site,
                                      struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    struct totals totals = {.writer = &writer};
    enum xd_result result = site != NULL ? site_known(store, site) : XD_OK;
    if (result != XD_OK) {
        return result;
    }
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_begin(&writer, "sites", '[');
    result = store->reconcile(store->context, site, write_reconciliation, &totals);
    xd_writer_end(&writer, ']');
    reconciliation_members(&writer, &totals.sum);
    xd_writer_end(&writer, '}');
    return result == XD_OK ? xd_buffer_result(out) : result;
}

/* ---- status ---- */

enum xd_result xd_view_status(const struct xd_hub_store *store, xd_ms now_wall, struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    enum xd_result result = XD_OK;
    int64_t count = 0;
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_begin(&writer, "orders", '{');
    for (int status = 0; status < XD_ORDER_STATUS_COUNT && result == XD_OK; status++) {
        result = store->order_count(store->context, status, &count);
        xd_writer_integer(&writer, xd_order_status_names[status], count);
    }
    xd_writer_end(&writer, '}');
    xd_writer_begin(&writer, "erp_jobs", '{');
    for (int state = 0; state < XD_JOB_STATE_COUNT && result == XD_OK; state++) {
        result = store->job_count(store->context, state, &count);
        xd_writer_integer(&writer, xd_job_state_names[state], count);
    }
    xd_writer_end(&writer, '}');
    if (result == XD_OK) {
        result = store->exception_count(store->context, &count);
        xd_writer_integer(&writer, "open_exceptions", count);
    }
    xd_writer_begin(&writer, "sites", '[');
    if (result == XD_OK) {
        result = write_sites(store, NULL, now_wall, &writer);
    }
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
    return result == XD_OK ? xd_buffer_result(out) : result;
}
