/* What is wrong is found before the first row is written: an event that was answered is not
 * undone. A cursor is "SITE/SKU": a site's name has no slash. */
#include "hub/orchestration/stock_api.h"

#include "base/memory.h"
#include "documents/rules.h"
#include "hub/hub_internal.h"
#include "hub/orchestration/stock.h"
#include "hub/reference/reference.h"

#include <stdio.h>
#include <string.h>

#define UNKNOWN_TOLD 5u /* of the SKUs that no product has, so many are named */

/* ---- put ---- */

struct entry {
    const char *site, *sku;
    struct xd_decimal qty;
};

/* An entry as it will be kept. */
struct row {
    const char *key; /* NULL: it could not be read */
    char key_text[XD_SITE_SIZE + XD_NAME_SIZE];
    char sku[XD_NAME_SIZE]; /* the product's; the entry's where none is known */
    bool unknown;           /* there are products, and this is none */
};

struct stock_list {
    int source;
    struct entry *entries;
    size_t count;
    struct row *rows; /* owned; as many */
};

static const char *const source_names[] = {"api", "csv", NULL};

static const struct xd_field entry_fields[] = {
    {.name = "site", .type = XD_FIELD_SITE, .required = true, XD_AT(struct entry, site)},
    {.name = "sku", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(struct entry, sku)},
    {.name = "qty", .type = XD_FIELD_QUANTITY, .required = true, XD_AT(struct entry, qty)},
    {.name = NULL},
};

static const struct xd_field list_fields[] = {
    {.name = "source", .type = XD_FIELD_ENUM, .names = source_names, XD_AT(struct stock_list, source)},
    {.name = "entries",
     .type = XD_FIELD_ARRAY,
     .required = true,
     .max = XD_STOCK_ENTRIES_MAX,
     .fields = entry_fields,
     .element_size = sizeof(struct entry),
     XD_AT2(struct stock_list, entries, count)},
    {.name = NULL},
};

static void check_sites(struct xd_hub *hub, const struct stock_list *list) {
    for (size_t index = 0; index < list->count; index++) {
        const char *site = list->entries[index].site;
        if (site != NULL && xd_hub_site_find(hub, site) == NULL) {
            xd_rule_report_element(&hub->problems, "unknown_site", "/entries/", index, "/site",
                                   "is not a site of this hub: crossdock sites list shows them");
        }
    }
}

static enum xd_result fill_row(struct xd_hub *hub, const struct entry *entry, bool products_known,
                               struct xd_product *product, struct row *row) {
    if (entry->site == NULL || entry->sku == NULL) {
        return XD_OK; /* reported by the reader */
    }
    enum xd_result result = xd_reference_product(hub, entry->sku, product);
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    row->unknown = result == XD_NOT_FOUND && products_known;
    xd_copy(row->sku, sizeof row->sku, result == XD_OK ? product->sku : entry->sku);
    (void)snprintf(row->key_text, sizeof row->key_text, "%s/%s", entry->site, row->sku);
    row->key = row->key_text;
    return XD_OK;
}

/* What the entries will be kept as; two of the same say nothing, for which of them counts? */
static enum xd_result make_rows(struct xd_hub *hub, struct xd_document *document, struct stock_list *list) {
    struct xd_product *product = xd_alloc(sizeof *product);
    bool known = false;
    list->rows = xd_alloc((list->count > 0 ? list->count : 1) * sizeof *list->rows);
    enum xd_result result = product == NULL || list->rows == NULL ? XD_NO_MEMORY : XD_OK;
    if (result == XD_OK) {
        result = xd_reference_known(hub, XD_REF_PRODUCT, &known);
    }
    for (size_t index = 0; index < list->count && result == XD_OK; index++) {
        result = fill_row(hub, &list->entries[index], known, product, &list->rows[index]);
    }
    xd_free(product);
    const struct xd_rule_unique rule = {.first = list->rows,
                                        .stride = sizeof *list->rows,
                                        .count = list->count,
                                        .before = "/entries/",
                                        .behind = "/sku",
                                        .code = "duplicate_entry"};
    return result == XD_OK ? xd_rule_check_unique(document, &rule, &hub->problems) : result;
}

static enum xd_result take_entries(struct xd_hub *hub, const struct stock_list *list, struct xd_now now) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < list->count && result == XD_OK; index++) {
        const struct entry *entry = &list->entries[index];
        result = xd_stock_listed(hub, entry->site, list->rows[index].sku, entry->qty,
                                 source_names[list->source < 0 ? 0 : list->source], now);
    }
    return result;
}

/* They are kept: the product may come later. But a typing error must not vanish. */
static void write_unknown(const struct stock_list *list, struct xd_writer *writer) {
    size_t count = 0;
    for (size_t index = 0; index < list->count; index++) {
        count += list->rows[index].unknown;
    }
    if (count == 0) {
        return;
    }
    xd_writer_begin(writer, "unknown", '{');
    xd_writer_integer(writer, "count", (int64_t)count);
    xd_writer_begin(writer, "skus", '[');
    for (size_t index = 0, told = 0; index < list->count && told < UNKNOWN_TOLD; index++) {
        if (list->rows[index].unknown) {
            xd_writer_text(writer, NULL, list->rows[index].sku);
            told++;
        }
    }
    xd_writer_end(writer, ']');
    xd_writer_end(writer, '}');
}

static void answer_taken(const struct xd_api_request *request, const struct stock_list *list,
                         struct xd_effects *effects) {
    struct xd_buffer body;
    struct xd_writer writer = {.out = &body};
    xd_buffer_init(&body, 0);
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_integer(&writer, "taken", (int64_t)list->count);
    write_unknown(list, &writer);
    xd_writer_end(&writer, '}');
    xd_hub_answer(effects, request, 200, NULL, &body);
    xd_buffer_free(&body);
}

static enum xd_result put_stock(struct xd_hub *hub, const struct xd_api_request *request,
                                struct xd_document *document, struct stock_list *list, struct xd_now now,
                                struct xd_effects *effects) {
    enum xd_result result = xd_document_parse(request->body, document, &hub->problems);
    if (result == XD_INVALID) {
        xd_hub_problem(effects, request, 400, "malformed_json", false, &hub->problems,
                       "The body cannot be read.");
        return XD_OK;
    }
    if (result == XD_OK) {
        result =
            xd_schema_read(document, document->tree, list_fields, XD_UNKNOWN_REFUSED, list, &hub->problems);
    }
    if (result == XD_OK || result == XD_INVALID) {
        check_sites(hub, list);
        result = make_rows(hub, document, list);
    }
    if (result == XD_OK && hub->problems.errors > 0) {
        result = XD_INVALID;
    }
    if (result == XD_INVALID) {
        xd_hub_problem(effects, request, 422, "invalid_stock", false, &hub->problems,
                       "Nothing of the list was taken; errors[] says why, all at once.");
        return XD_OK;
    }
    if (result == XD_OK) {
        result = take_entries(hub, list, now);
    }
    if (result == XD_OK) {
        answer_taken(request, list, effects);
    }
    return result;
}

enum xd_result xd_hub_stock_put(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                struct xd_effects *effects) {
    struct xd_document document;
    struct stock_list list;
    memset(&document, 0, sizeof document);
    memset(&list, 0, sizeof list);
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    enum xd_result result = put_stock(hub, request, &document, &list, now, effects);
    xd_free(list.rows);
    xd_document_free(&document);
    return result;
}

/* ---- view ---- */

/* Rows first: a callback must not call the store. */
struct rows {
    struct xd_stock_row *items;
    size_t count, max;
};

static enum xd_result collect(void *context, const struct xd_stock_row *row) {
    struct rows *rows = context;
    if (rows->count < rows->max) {
        rows->items[rows->count++] = *row;
    }
    return XD_OK;
}

static void write_row(struct xd_writer *writer, const struct xd_stock_row *row, bool known) {
    struct xd_decimal available;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "site", row->site);
    xd_writer_text(writer, "sku", row->sku);
    xd_writer_boolean(writer, "known", known);
    if (known && xd_decimal_subtract(row->on_hand, row->reserved, &available) == XD_OK) {
        xd_writer_decimal(writer, "available", available);
        xd_writer_decimal(writer, "on_hand", row->on_hand);
    }
    xd_writer_decimal(writer, "reserved", row->reserved);
    if (row->listed_at != 0) {
        xd_writer_decimal(writer, "listed", row->listed);
        xd_writer_time(writer, "listed_at", row->listed_at);
        xd_writer_text(writer, "source", row->source);
    }
    if (known) {
        xd_writer_decimal(writer, "adjusted", row->adjusted);
        xd_writer_decimal(writer, "shipped", row->shipped);
    }
    xd_writer_end(writer, '}');
}

static enum xd_result write_rows(const struct xd_hub_store *store, const struct rows *rows,
                                 struct xd_writer *writer) {
    bool known = false;
    for (size_t index = 0; index < rows->count; index++) {
        const struct xd_stock_row *row = &rows->items[index];
        if (index == 0 || strcmp(row->site, row[-1].site) != 0) {
            enum xd_result result = store->stock.site_listed(store->context, row->site, &known);
            if (result != XD_OK) {
                return result;
            }
        }
        write_row(writer, row, known);
    }
    return XD_OK;
}

static bool read_cursor(const char *cursor, struct xd_stock_row *after) {
    const char *slash = strchr(cursor, '/');
    memset(after, 0, sizeof *after);
    if (cursor[0] == '\0') {
        return true;
    }
    if (slash == NULL || (size_t)(slash - cursor) >= sizeof after->site ||
        strlen(slash + 1) >= sizeof after->sku) {
        return false;
    }
    memcpy(after->site, cursor, (size_t)(slash - cursor));
    xd_copy(after->sku, sizeof after->sku, slash + 1);
    return true;
}

static void write_cursor(struct xd_writer *writer, const struct rows *rows) {
    struct xd_buffer cursor;
    if (rows->count < rows->max) {
        return;
    }
    const struct xd_stock_row *last = &rows->items[rows->count - 1];
    xd_buffer_init(&cursor, 0);
    xd_buffer_format(&cursor, "%s/%s", last->site, last->sku);
    xd_writer_text(writer, "next_cursor", xd_buffer_string(&cursor));
    xd_buffer_free(&cursor);
}

enum xd_result xd_view_stock(const struct xd_hub_store *store, const struct xd_view_stock *query,
                             struct xd_buffer *out) {
    struct xd_stock_row after;
    struct xd_writer writer = {.out = out};
    struct rows rows = {.max = query->max};
    if (!read_cursor(query->cursor, &after)) {
        return XD_NOT_FOUND;
    }
    rows.items = xd_alloc(rows.max * sizeof *rows.items);
    if (rows.items == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = store->stock.list(store->context, query->site, query->sku, after.site, after.sku,
                                              query->max, collect, &rows);
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_begin(&writer, "stock", '[');
    if (result == XD_OK) {
        result = write_rows(store, &rows, &writer);
    }
    xd_writer_end(&writer, ']');
    write_cursor(&writer, &rows);
    xd_writer_end(&writer, '}');
    xd_free(rows.items);
    return result == XD_OK ? xd_buffer_result(out) : result;
}
