/* A document of the ERP as its list gives it (hub/erp.h). */
#include "hub/books/books_internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static bool take_decimal(const cJSON *object, const char *member, struct xd_decimal *out, bool *there) {
    const char *text = xd_json_text(object, member);
    *out = xd_decimal_of(0);
    *there = text != NULL;
    return text == NULL || xd_decimal_parse(text, out) == XD_OK;
}

static bool read_line(const cJSON *tree, struct xd_entry_line *line) {
    bool there;
    line->line_id = xd_json_text(tree, "line_id");
    line->sku = xd_json_text(tree, "sku");
    line->uom = xd_json_text(tree, "uom");
    return line->line_id != NULL && line->sku != NULL &&
           take_decimal(tree, "qty", &line->qty, &line->has_qty) &&
           take_decimal(tree, "base_qty", &line->base_qty, &there) &&
           take_decimal(tree, "unit_price", &line->unit_price, &line->has_unit_price) &&
           take_decimal(tree, "shipped", &line->shipped, &there) &&
           take_decimal(tree, "invoiced", &line->invoiced, &there);
}

static enum xd_result read_lines(const cJSON *lines, struct xd_erp_entry *out,
                                 char why[XD_BOOKS_VALUE_SIZE]) {
    int count = cJSON_GetArraySize(lines);
    const cJSON *line;
    out->lines = xd_alloc((size_t)(count > 0 ? count : 1) * sizeof *out->lines);
    if (out->lines == NULL) {
        return XD_NO_MEMORY;
    }
    cJSON_ArrayForEach(line, lines) {
        if (!read_line(line, &out->lines[out->line_count])) {
            snprintf(
                why, XD_BOOKS_VALUE_SIZE,
                "Line %zu of document %.60s cannot be read: it names no line of the sale, no article or no "
                "quantity that is one.",
                out->line_count + 1, out->number);
            return XD_INVALID;
        }
        out->line_count++;
    }
    return XD_OK;
}

enum xd_result xd_entry_read(const cJSON *tree, struct xd_erp_entry *out, char why[XD_BOOKS_VALUE_SIZE]) {
    *out = (struct xd_erp_entry){.number = xd_json_text(tree, "number"),
                                 .reference = xd_json_text(tree, "reference"),
                                 .state = xd_json_text(tree, "state"),
                                 .customer = xd_json_text(tree, "customer"),
                                 .currency = xd_json_text(tree, "currency"),
                                 .customer_po = xd_json_text(tree, "customer_po"),
                                 .ordered_at = xd_json_text(tree, "ordered_at"),
                                 .site = xd_json_text(tree, "site"),
                                 .sale = xd_json_text(tree, "sale"),
                                 .sale_reference = xd_json_text(tree, "sale_reference"),
                                 .tree = tree};
    const cJSON *ship_to = cJSON_GetObjectItemCaseSensitive(tree, "ship_to");
    out->ship_to = cJSON_IsObject(ship_to) ? ship_to : NULL;
    if (out->number == NULL && out->state != NULL && xd_entry_is(out, "draft")) {
        return XD_NOT_FOUND; /* it is numbered when it is more than that */
    }
    bool fine = out->number != NULL && strlen(out->number) < XD_BOOKS_NAME_SIZE && out->state != NULL;
    if (!fine || !take_decimal(tree, "total", &out->total, &out->has_total)) {
        snprintf(why, XD_BOOKS_VALUE_SIZE,
                 "An entry of the ERP says no number or no state that can be read.");
        return XD_INVALID;
    }
    return read_lines(cJSON_GetObjectItemCaseSensitive(tree, "lines"), out, why);
}

void xd_entry_free(struct xd_erp_entry *entry) {
    xd_free(entry->lines);
    entry->lines = NULL;
}

bool xd_entry_is(const struct xd_erp_entry *entry, const char *state) {
    return strcmp(entry->state, state) == 0;
}

enum xd_result xd_books_find_sale(struct xd_hub *hub, const char *erp, const char *reference,
                                  const char *number, struct xd_job_row *job) {
    const struct xd_hub_store *store = hub->config.store;
    char born[XD_BOOKS_NAME_SIZE + 1];
    enum xd_result result = XD_NOT_FOUND;
    if (reference != NULL) {
        result = store->job_find(store->context, erp, XD_ERP_SALE, reference, job);
    }
    if (result != XD_NOT_FOUND || number == NULL) {
        return result;
    }
    snprintf(born, sizeof born, "=%.71s", number);
    return store->job_find(store->context, erp, XD_ERP_SALE, born, job);
}

static enum xd_result collect_line(void *context, const struct xd_job_line_row *row) {
    struct xd_books_job_lines *lines = context;
    struct xd_job_line_row *rows = xd_grow(lines->rows, lines->count, &lines->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    lines->rows = rows;
    lines->rows[lines->count++] = *row;
    return XD_OK;
}

enum xd_result xd_books_job_lines(struct xd_hub *hub, int64_t job, struct xd_books_job_lines *out) {
    const struct xd_hub_store *store = hub->config.store;
    memset(out, 0, sizeof *out);
    return store->job_lines(store->context, job, collect_line, out);
}
