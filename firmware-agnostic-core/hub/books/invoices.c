/* Invoices of the ERP, counted on the lines of their orders.
 *
 * What an invoice counts is kept with it, so that one that changes (it is posted, cancelled, credited)
 * counts only what it says now, however often it comes. An order whose lines are all invoiced as far as they
 * were shipped is INVOICED (DOMAIN, section 2); the event is told once for each invoice. */
#include "hub/books/books_internal.h"

#include "base/memory.h"
#include "hub/events/events.h"
#include "hub/orchestration/conduct.h"

#include <stdio.h>
#include <string.h>

struct billing {
    struct xd_hub *hub;
    const struct xd_erp_entry *entry;
    struct xd_conduct conduct;
    struct xd_invoice_row row;
    struct xd_invoice_line_row *lines; /* owned; what it counted, then what it counts */
    size_t count, capacity;
};

static enum xd_result collect(void *context, const struct xd_invoice_line_row *row) {
    struct billing *billing = context;
    struct xd_invoice_line_row *lines =
        xd_grow(billing->lines, billing->count, &billing->capacity, sizeof *lines);
    if (lines == NULL) {
        return XD_NO_MEMORY;
    }
    billing->lines = lines;
    billing->lines[billing->count++] = *row;
    return XD_OK;
}

/* base units of the line; a sum or a quantity that has no exact form is told and left out. */
static enum xd_result count_line(struct billing *billing, const char *line_id, struct xd_decimal base) {
    struct xd_order_line_row *line = xd_conduct_line(&billing->conduct, line_id);
    struct xd_decimal qty, sum;
    if (line == NULL) {
        return XD_OK; /* freight, say */
    }
    enum xd_result result = xd_decimal_ratio(base, line->factor_den, line->factor_num, &qty);
    if (result == XD_INVALID && xd_conduct_to_base(&billing->conduct, line, NULL) == XD_OK) {
        qty = base;
        result = XD_OK;
    }
    if (result == XD_OK) {
        result = xd_decimal_add(line->invoiced, qty, &sum);
    }
    if (result != XD_OK) {
        xd_log(billing->hub->config.env, XD_LOG_WARNING, "invoice.not_exact", NULL,
               "invoice %s of order %s: line %s is left out", billing->entry->number,
               billing->conduct.order.order_id, line_id);
        return XD_OK;
    }
    line->invoiced = sum;
    return xd_conduct_save_line(&billing->conduct, line);
}

static enum xd_result take_back(struct billing *billing) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < billing->count && result == XD_OK; index++) {
        result = count_line(billing, billing->lines[index].line_id,
                            xd_decimal_negate(billing->lines[index].base_qty));
    }
    billing->count = 0;
    return result;
}

static bool counts(const struct xd_erp_entry *entry) {
    return xd_entry_is(entry, "posted") || xd_entry_is(entry, "paid");
}

static enum xd_result count_all(struct billing *billing) {
    const struct xd_erp_entry *entry = billing->entry;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < entry->line_count && counts(entry) && result == XD_OK; index++) {
        struct xd_invoice_line_row line = {.base_qty = entry->lines[index].base_qty};
        xd_copy(line.line_id, sizeof line.line_id, entry->lines[index].line_id);
        result = collect(billing, &line);
        if (result == XD_OK) {
            result = count_line(billing, line.line_id, line.base_qty);
        }
    }
    return result;
}

static bool is_credit(const struct xd_erp_entry *entry) {
    bool negative = entry->has_total && xd_decimal_sign(entry->total) < 0;
    for (size_t index = 0; index < entry->line_count; index++) {
        negative = negative || xd_decimal_sign(entry->lines[index].base_qty) < 0;
    }
    return negative;
}

/* Into the timeline with every state; as an event once, and not of what is credited. */
static enum xd_result tell(struct billing *billing) {
    const struct xd_erp_entry *entry = billing->entry;
    bool credit = is_credit(entry), tells = counts(entry) && !credit && !billing->row.told;
    char number[XD_QUOTED_SIZE], state[XD_QUOTED_SIZE], total[XD_DECIMAL_TEXT_MAX], currency[XD_QUOTED_SIZE];
    (void)xd_hub_quote(entry->number, number);
    (void)xd_hub_quote(entry->currency != NULL ? entry->currency : billing->conduct.order.currency, currency);
    (void)xd_decimal_write(entry->total, total);
    enum xd_result result =
        xd_hub_timeline(billing->hub, &billing->conduct.order, credit ? "invoice.credited" : "invoice.seen",
                        billing->conduct.now, "\"erp\":\"%s\",\"number\":%s,\"state\":%s,\"total\":\"%s\"",
                        billing->row.erp, number, xd_hub_quote(entry->state, state), total);
    if (result != XD_OK || !tells) {
        return result;
    }
    billing->row.told = true;
    billing->hub->books->counters.invoices++;
    struct xd_order_row order = xd_conduct_row(&billing->conduct);
    billing->conduct.told = true;
    return xd_hub_event(billing->hub, &order, XD_EVENT_INVOICED, billing->conduct.now,
                        "\"erp\":\"%s\",\"invoice\":{\"number\":%s,\"total\":\"%s\",\"currency\":%s}",
                        billing->row.erp, number, total, currency);
}

static enum xd_result bill(struct billing *billing) {
    const struct xd_books_store *store = &billing->hub->config.store->books;
    void *context = billing->hub->config.store->context;
    enum xd_result result = take_back(billing);
    if (result == XD_OK) {
        result = count_all(billing);
    }
    if (result == XD_OK) {
        result = tell(billing);
    }
    if (result == XD_OK) {
        xd_copy(billing->row.state, sizeof billing->row.state, billing->entry->state);
        result = store->invoice_put(context, &billing->row, billing->lines, billing->count);
    }
    return result;
}

/* Whether it says what it counted already. */
static bool is_counted(const struct billing *billing) {
    const struct xd_erp_entry *entry = billing->entry;
    bool same = strcmp(billing->row.state, entry->state) == 0 &&
                billing->count == (counts(entry) ? entry->line_count : 0);
    for (size_t index = 0; index < billing->count && same; index++) {
        same = strcmp(billing->lines[index].line_id, entry->lines[index].line_id) == 0 &&
               xd_decimal_compare(billing->lines[index].base_qty, entry->lines[index].base_qty) == 0;
    }
    return same;
}

static enum xd_result take_invoice(struct billing *billing, const char *erp, const char *order_id,
                                   struct xd_now now) {
    struct xd_hub *hub = billing->hub;
    const struct xd_books_store *store = &hub->config.store->books;
    void *context = hub->config.store->context;
    const char *number = billing->entry->number;
    enum xd_result result = store->invoice_get(context, erp, number, &billing->row);
    if (result == XD_OK) {
        result = store->invoice_lines(context, erp, number, collect, billing);
    } else if (result == XD_NOT_FOUND) {
        memset(&billing->row, 0, sizeof billing->row);
        xd_copy(billing->row.erp, sizeof billing->row.erp, erp);
        xd_copy(billing->row.number, sizeof billing->row.number, number);
        xd_copy(billing->row.order_id, sizeof billing->row.order_id, order_id);
        result = XD_OK;
    }
    if (result != XD_OK || is_counted(billing)) {
        return result;
    }
    result = xd_conduct_open(&billing->conduct, hub, billing->row.order_id, now);
    return xd_conduct_end(&billing->conduct, result == XD_OK ? bill(billing) : result);
}

/* XD_AGAIN: its sale waits, and so must it. */
static enum xd_result sale_waits(struct xd_hub *hub, const char *erp, const char *sale,
                                 struct xd_books_why *why) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_waiting_row row;
    enum xd_result result =
        sale == NULL ? XD_NOT_FOUND
                     : store->books.waiting_get(store->context, erp, XD_ERP_SALES, sale, &row, NULL);
    if (result == XD_OK) {
        why->code = NULL; /* its sale's exception says why */
        xd_copy(why->detail, sizeof why->detail, "Its sale waits.");
        return XD_AGAIN;
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_books_invoice(struct xd_hub *hub, const char *erp, const struct xd_erp_entry *entry,
                                struct xd_now now, struct xd_books_why *why) {
    struct billing billing = {.hub = hub, .entry = entry};
    struct xd_job_row job;
    enum xd_result result = xd_books_find_sale(hub, erp, entry->sale_reference, entry->sale, &job);
    if (result == XD_NOT_FOUND) {
        return sale_waits(hub, erp, entry->sale, why);
    }
    if (result == XD_OK) {
        result = take_invoice(&billing, erp, job.order_id, now);
    }
    xd_free(billing.lines);
    return result;
}
