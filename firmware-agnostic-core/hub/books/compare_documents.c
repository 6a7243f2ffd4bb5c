/* Sales, shipments and invoices of both sides, in base units.
 *
 * What the ERP has is compared as its lists are read; each document of ours that was seen there is noted, and
 * what was posted and not seen is missing. An order of which something is on its way to the ERP, or was since
 * the run began, is passed over. */
#include "hub/books/books_internal.h"

#include "base/memory.h"
#include "hub/confirmations/applying.h"
#include "hub/orchestration/conduct.h"

#include <stdio.h>
#include <string.h>

struct difference {
    struct xd_hub *hub;
    struct xd_now now;
    struct xd_difference_row row;
};

static void start(struct difference *difference, struct xd_hub *hub, int kind, const char *reference,
                  const char *number, struct xd_now now) {
    memset(difference, 0, sizeof *difference);
    difference->hub = hub;
    difference->now = now;
    difference->row.kind = kind;
    xd_copy(difference->row.erp, sizeof difference->row.erp, xd_run_erp(hub));
    xd_copy(difference->row.hub_document, sizeof difference->row.hub_document, reference);
    xd_copy(difference->row.erp_document, sizeof difference->row.erp_document, number);
}

static void of_order(struct difference *difference, const struct xd_order_row *order) {
    memcpy(difference->row.order_id, order->order_id, sizeof difference->row.order_id);
    memcpy(difference->row.site, order->site, sizeof difference->row.site);
}

static void say(struct difference *difference, const char *hub, const char *erp) {
    xd_copy(difference->row.hub_value, sizeof difference->row.hub_value, hub);
    xd_copy(difference->row.erp_value, sizeof difference->row.erp_value, erp);
}

static void say_quantities(struct difference *difference, struct xd_decimal hub, struct xd_decimal erp) {
    (void)xd_decimal_write(hub, difference->row.hub_value);
    (void)xd_decimal_write(erp, difference->row.erp_value);
}

/* name: beyond the kind; the document, and the line. */
static enum xd_result note(struct difference *difference, int repair) {
    struct xd_difference_row *row = &difference->row;
    char name[XD_BOOKS_REFERENCE_SIZE + XD_BOOKS_NAME_SIZE * 2];
    row->repair = xd_run_of_shadow(difference->hub) ? XD_REPAIR_NONE : repair; /* it is never posted to */
    snprintf(name, sizeof name, "%s/%s/%s", row->hub_document,
             row->hub_document[0] == 0 ? row->erp_document : "", row->line_id);
    return xd_difference_note(difference->hub, row, name, difference->now);
}

/* The order of a job, when nothing of it is under way. */
static enum xd_result settled_order(struct xd_hub *hub, const char *order_id, struct xd_order_row *order,
                                    bool *settled) {
    const struct xd_hub_store *store = hub->config.store;
    bool busy = false;
    enum xd_result result = store->order_get(store->context, order_id, order);
    if (result == XD_OK) {
        result = store->books.order_busy(store->context, order_id, hub->books->run.began, &busy);
    }
    *settled = result == XD_OK && !busy && !order->changing;
    return result;
}

static enum xd_result see(struct xd_hub *hub, enum xd_erp_list what, const char *reference) {
    const struct xd_hub_store *store = hub->config.store;
    return store->books.seen_add(store->context, xd_run_erp(hub), (int)what, reference,
                                 hub->books->run.row.n);
}

/* ---- sales ---- */

static const struct xd_entry_line *line_of(const struct xd_erp_entry *entry, const char *line_id) {
    for (size_t index = 0; index < entry->line_count; index++) {
        if (strcmp(entry->lines[index].line_id, line_id) == 0) {
            return &entry->lines[index];
        }
    }
    return NULL;
}

/* What of a line is wanted, and what has shipped of it beside. */
struct line_sums {
    struct xd_decimal wanted, shipped, billable;
};

static enum xd_result sum_line(const struct xd_order_line_row *row, struct line_sums *sums) {
    enum xd_result result = xd_decimal_subtract(row->ordered, row->cancelled, &sums->wanted);
    if (result == XD_OK) {
        result = xd_decimal_ratio(sums->wanted, row->factor_num, row->factor_den, &sums->wanted);
    }
    if (result == XD_OK) {
        result = xd_decimal_ratio(row->shipped, row->factor_num, row->factor_den, &sums->billable);
    }
    if (result == XD_OK) {
        result = xd_decimal_add(row->shipped, row->overshipped, &sums->shipped);
    }
    return result == XD_OK ? xd_decimal_ratio(sums->shipped, row->factor_num, row->factor_den, &sums->shipped)
                           : result;
}

static int change_for(const struct xd_order_row *order) {
    return xd_books_is_born(order) ? XD_REPAIR_TAKE_SALE : XD_REPAIR_CHANGE_SALE;
}

/* A posting that counts says that no more of the line comes. */
static enum xd_result is_closed(struct xd_hub *hub, const char *order_id, const char *line_id, bool *so) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    enum xd_result result = store->job_shipments(store->context, order_id, xd_job_collect, &jobs);
    *so = false;
    for (size_t index = 0; index < jobs.count && result == XD_OK && !*so; index++) {
        const struct xd_job_row *job = &jobs.rows[index];
        struct xd_books_job_lines lines;
        if (job->reversed || job->state != XD_JOB_DONE) {
            continue;
        }
        result = xd_books_job_lines(hub, job->number, &lines);
        for (size_t line = 0; line < lines.count && result == XD_OK; line++) {
            *so = *so || (lines.rows[line].close && strcmp(lines.rows[line].line_id, line_id) == 0);
        }
        xd_free(lines.rows);
    }
    xd_free(jobs.rows);
    return result;
}

/* Whether that is no difference: it is what is wanted once sites have given back what they are asked for; or
 * what the ERP was told last, of a line whose rest a shipment gave up: the order wants fewer. */
static enum xd_result is_accounted_for(struct xd_hub *hub, const char *order_id,
                                       const struct xd_order_line_row *row, struct xd_decimal wants,
                                       bool fewer, bool *so, struct xd_now now) {
    struct xd_conduct conduct;
    struct xd_decimal *cancelling = NULL, *told = NULL, wanted = xd_decimal_of(0);
    bool as_told = false;
    enum xd_result result = xd_conduct_open(&conduct, hub, order_id, now);
    if (result == XD_OK) {
        result = xd_conduct_cancelling(&conduct, &cancelling);
    }
    if (result == XD_OK) {
        result = xd_sale_told(&conduct, &told);
    }
    for (size_t index = 0; result == XD_OK && index < conduct.lines.count; index++) {
        if (conduct.lines.rows[index].number == row->number) {
            result = xd_decimal_subtract(row->ordered, cancelling[index], &wanted);
            as_told = xd_decimal_compare(told[index], wants) == 0;
        }
    }
    if (result == XD_OK) {
        result = xd_decimal_ratio(wanted, row->factor_num, row->factor_den, &wanted);
    }
    *so = result == XD_OK && xd_decimal_compare(wanted, wants) == 0;
    xd_free(cancelling);
    xd_free(told);
    xd_conduct_close(&conduct);
    return result == XD_OK && !*so && fewer && as_told ? is_closed(hub, order_id, row->line_id, so) : result;
}

static enum xd_result compare_line(struct xd_hub *hub, const struct xd_erp_entry *entry,
                                   const struct xd_order_row *order, const struct xd_order_line_row *row,
                                   struct xd_now now) {
    const struct xd_entry_line *line = line_of(entry, row->line_id);
    struct xd_decimal wants = line != NULL ? line->base_qty : xd_decimal_of(0);
    struct xd_decimal billed = line != NULL ? line->invoiced : xd_decimal_of(0);
    struct difference difference;
    struct line_sums sums;
    enum xd_result result = sum_line(row, &sums);
    /* An ERP may leave what was ordered as it was when the rest of a line is given up. */
    bool as_shipped =
        line != NULL && xd_entry_is(entry, "done") && xd_decimal_compare(line->shipped, sums.shipped) == 0;
    bool differs = result == XD_OK && xd_decimal_compare(sums.wanted, wants) != 0 && !as_shipped;
    if (differs) {
        bool accounted = false, fewer = xd_decimal_compare(sums.wanted, wants) < 0;
        result = is_accounted_for(hub, order->order_id, row, wants, fewer, &accounted, now);
        differs = result == XD_OK && !accounted;
    }
    if (differs) {
        start(&difference, hub, XD_DIFFERENCE_SALE_QUANTITY, order->sale_reference, entry->number, now);
        of_order(&difference, order);
        memcpy(difference.row.line_id, row->line_id, sizeof difference.row.line_id);
        memcpy(difference.row.sku, row->sku, sizeof difference.row.sku);
        say_quantities(&difference, sums.wanted, wants);
        result = note(&difference, change_for(order));
    }
    bool late = now.wall - order->updated_at > hub->books->config.invoice_ms;
    if (result == XD_OK && late && xd_decimal_compare(billed, sums.billable) < 0) {
        start(&difference, hub, XD_DIFFERENCE_INVOICE_MISSING, order->sale_reference, entry->number, now);
        of_order(&difference, order);
        memcpy(difference.row.line_id, row->line_id, sizeof difference.row.line_id);
        memcpy(difference.row.sku, row->sku, sizeof difference.row.sku);
        say_quantities(&difference, sums.billable, billed);
        result = note(&difference, XD_REPAIR_NONE);
    }
    return result;
}

static enum xd_result compare_lines(struct xd_hub *hub, const struct xd_erp_entry *entry,
                                    const struct xd_order_row *order, struct xd_now now) {
    struct xd_order_lines lines;
    struct difference difference;
    enum xd_result result = xd_hub_lines_load(hub, order->order_id, &lines);
    size_t known = 0;
    for (size_t index = 0; index < lines.count && result == XD_OK; index++) {
        known += line_of(entry, lines.rows[index].line_id) != NULL;
        result = compare_line(hub, entry, order, &lines.rows[index], now);
    }
    xd_free(lines.rows);
    size_t wanted = 0;
    for (size_t index = 0; index < entry->line_count; index++) {
        wanted += !xd_decimal_is_zero(entry->lines[index].base_qty);
    }
    if (result == XD_OK && wanted > known) {
        char text[XD_BOOKS_VALUE_SIZE];
        start(&difference, hub, XD_DIFFERENCE_SALE_QUANTITY, order->sale_reference, entry->number, now);
        of_order(&difference, order);
        snprintf(text, sizeof text, "%zu lines more than the order has", wanted - known);
        say(&difference, "", text);
        result = note(&difference, xd_books_is_born(order) ? XD_REPAIR_TAKE_SALE : XD_REPAIR_NONE);
    }
    return result;
}

/* Also when sites have still to say so. */
static bool is_over(const struct xd_order_row *order) {
    return order->cancelled || order->status == XD_ORDER_CANCELLED || order->status == XD_ORDER_REJECTED;
}

/* Its state first: quantities of a sale that is cancelled are no news. */
static enum xd_result compare_known(struct xd_hub *hub, const struct xd_erp_entry *entry,
                                    const struct xd_order_row *order, struct xd_now now) {
    bool off = xd_entry_is(entry, "cancelled"), draft = xd_entry_is(entry, "draft");
    struct difference difference;
    enum xd_result result = XD_OK;
    if (draft || (off && !is_over(order))) {
        start(&difference, hub, XD_DIFFERENCE_SALE_STATE, order->sale_reference, entry->number, now);
        of_order(&difference, order);
        say(&difference, xd_order_status_names[order->status], entry->state);
        result = note(&difference, draft ? XD_REPAIR_NONE : change_for(order));
    } else if (!off) {
        result = compare_lines(hub, entry, order, now);
    }
    if (result == XD_OK && xd_books_is_born(order)) {
        result = xd_books_propose(hub, xd_run_erp(hub), XD_ERP_SALES, entry);
    }
    return result;
}

/* One of the ERP that no order is of. Those that are watched for are on their way. */
static enum xd_result compare_stranger(struct xd_hub *hub, const struct xd_erp_entry *entry,
                                       struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct difference difference;
    struct xd_waiting_row row;
    bool open = xd_entry_is(entry, "open");
    if (xd_entry_is(entry, "draft") || xd_entry_is(entry, "cancelled") ||
        (entry->reference == NULL && !open)) {
        return XD_OK;
    }
    enum xd_result result =
        store->books.waiting_get(store->context, xd_run_erp(hub), XD_ERP_SALES, entry->number, &row, NULL);
    bool waits = result == XD_OK && !row.proposed;
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    if (!waits && entry->reference == NULL && hub->books->config.poll_ms > 0) {
        return XD_OK;
    }
    start(&difference, hub, XD_DIFFERENCE_SALE_MISSING_IN_HUB, entry->reference, entry->number, now);
    say(&difference, waits ? row.detail : "", entry->state);
    result = waits || !open ? XD_OK : xd_books_propose(hub, xd_run_erp(hub), XD_ERP_SALES, entry);
    return result == XD_OK ? note(&difference, waits || !open ? XD_REPAIR_NONE : XD_REPAIR_TAKE_SALE)
                           : result;
}

enum xd_result xd_compare_sale(struct xd_hub *hub, const struct xd_erp_entry *entry, struct xd_now now) {
    struct xd_job_row job;
    struct xd_order_row order;
    bool settled = false;
    enum xd_result result =
        xd_books_find_sale(hub, xd_run_posted(hub), entry->reference, entry->number, &job);
    if (result == XD_NOT_FOUND) {
        return compare_stranger(hub, entry, now);
    }
    if (result == XD_OK) {
        result = see(hub, XD_ERP_SALES, job.reference);
    }
    if (result == XD_OK) {
        result = settled_order(hub, job.order_id, &order, &settled);
    }
    return result == XD_OK && settled ? compare_known(hub, entry, &order, now) : result;
}

/* ---- shipments ---- */

static enum xd_result find_shipment(struct xd_hub *hub, const char *reference, struct xd_job_row *job) {
    const struct xd_hub_store *store = hub->config.store;
    if (reference == NULL) {
        return XD_NOT_FOUND;
    }
    enum xd_result result =
        store->job_find(store->context, xd_run_posted(hub), XD_ERP_SHIPMENT, reference, job);
    return result == XD_NOT_FOUND
               ? store->job_find(store->context, xd_run_posted(hub), XD_ERP_REVERSAL, reference, job)
               : result;
}

static struct xd_decimal magnitude(struct xd_decimal value) {
    return xd_decimal_sign(value) < 0 ? xd_decimal_negate(value) : value;
}

/* Of a line, over all of its lots: what was posted, and what the ERP has. */
static enum xd_result sum_lines(const struct xd_books_job_lines *lines, const struct xd_erp_entry *entry,
                                const char *line_id, struct xd_decimal *posted, struct xd_decimal *there) {
    enum xd_result result = XD_OK;
    *posted = *there = xd_decimal_of(0);
    for (size_t index = 0; index < lines->count && result == XD_OK; index++) {
        const struct xd_job_line_row *row = &lines->rows[index];
        struct xd_decimal base;
        if (strcmp(row->line_id, line_id) != 0) {
            continue;
        }
        result = xd_decimal_ratio(row->qty, row->factor_num, row->factor_den, &base);
        if (result == XD_OK) {
            result = xd_decimal_add(*posted, magnitude(base), posted);
        }
    }
    for (size_t index = 0; index < entry->line_count && result == XD_OK; index++) {
        if (strcmp(entry->lines[index].line_id, line_id) == 0) {
            result = xd_decimal_add(*there, magnitude(entry->lines[index].base_qty), there);
        }
    }
    return result;
}

static enum xd_result compare_shipped(struct xd_hub *hub, const struct xd_erp_entry *entry,
                                      const struct xd_job_row *job, const struct xd_order_row *order,
                                      struct xd_now now) {
    struct xd_books_job_lines lines;
    struct difference difference;
    enum xd_result result = xd_books_job_lines(hub, job->number, &lines);
    for (size_t index = 0; index < lines.count && result == XD_OK; index++) {
        const struct xd_job_line_row *row = &lines.rows[index];
        struct xd_decimal posted, there;
        result = sum_lines(&lines, entry, row->line_id, &posted, &there);
        if (result == XD_OK && xd_decimal_compare(posted, there) != 0) {
            start(&difference, hub, XD_DIFFERENCE_SHIPMENT_QUANTITY, job->reference, entry->number, now);
            of_order(&difference, order);
            memcpy(difference.row.site, job->site, sizeof difference.row.site);
            memcpy(difference.row.line_id, row->line_id, sizeof difference.row.line_id);
            memcpy(difference.row.sku, row->sku, sizeof difference.row.sku);
            say_quantities(&difference, posted, there);
            result = note(&difference, XD_REPAIR_NONE);
        }
    }
    xd_free(lines.rows);
    return result;
}

/* A shipment that is done there and of which nothing is known here; of sales of ours only. */
static enum xd_result compare_strange_shipment(struct xd_hub *hub, const struct xd_erp_entry *entry,
                                               struct xd_now now) {
    struct difference difference;
    struct xd_order_row order;
    struct xd_job_row job;
    bool settled = false;
    enum xd_result result =
        xd_books_find_sale(hub, xd_run_posted(hub), entry->sale_reference, entry->sale, &job);
    if (result == XD_OK) {
        result = settled_order(hub, job.order_id, &order, &settled);
    }
    if (result != XD_OK || !settled) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    start(&difference, hub, XD_DIFFERENCE_SHIPMENT_MISSING_IN_HUB, entry->reference, entry->number, now);
    of_order(&difference, &order);
    xd_copy(difference.row.site, sizeof difference.row.site, entry->site);
    say(&difference, "", "done");
    return note(&difference, XD_REPAIR_NONE);
}

enum xd_result xd_compare_shipment(struct xd_hub *hub, const struct xd_erp_entry *entry, struct xd_now now) {
    struct xd_job_row job;
    struct xd_order_row order;
    bool settled = false;
    if (!xd_entry_is(entry, "done")) {
        return XD_OK; /* nothing has left the house */
    }
    enum xd_result result = find_shipment(hub, entry->reference, &job);
    if (result == XD_NOT_FOUND) {
        return compare_strange_shipment(hub, entry, now);
    }
    if (result == XD_OK) {
        result = see(hub, XD_ERP_SHIPMENTS, job.reference);
    }
    if (result == XD_OK) {
        result = settled_order(hub, job.order_id, &order, &settled);
    }
    return result == XD_OK && settled && job.state == XD_JOB_DONE
               ? compare_shipped(hub, entry, &job, &order, now)
               : result;
}

/* ---- invoices ---- */

/* Its invoice may have come a moment ago, and be seen by watching. */
static bool is_fresh(const struct xd_hub *hub, const struct xd_order_row *order) {
    return hub->books->run.began - order->updated_at <= hub->books->config.poll_ms * 3;
}

/* Whether it counts here as one that is posted; state: what is known of it, "" nothing. */
static enum xd_result invoice_is_known(struct xd_hub *hub, const char *number, char state[16], bool *known) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_invoice_row row = {.state = ""};
    enum xd_result result = store->books.invoice_get(store->context, xd_run_erp(hub), number, &row);
    *known = strcmp(row.state, "posted") == 0 || strcmp(row.state, "paid") == 0;
    xd_copy(state, sizeof row.state, row.state);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_compare_invoice(struct xd_hub *hub, const struct xd_erp_entry *entry, struct xd_now now) {
    struct difference difference;
    char state[16];
    struct xd_order_row order = {.updated_at = 0};
    struct xd_job_row job;
    bool settled = false, known = false;
    enum xd_result result =
        xd_books_find_sale(hub, xd_run_posted(hub), entry->sale_reference, entry->sale, &job);
    if (result == XD_OK) {
        result = settled_order(hub, job.order_id, &order, &settled);
    }
    bool counts = xd_entry_is(entry, "posted") || xd_entry_is(entry, "paid");
    if (result != XD_OK || !settled || !counts || is_fresh(hub, &order)) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    result = invoice_is_known(hub, entry->number, state, &known);
    if (result != XD_OK || known) {
        return result;
    }
    start(&difference, hub, XD_DIFFERENCE_INVOICE_MISSING_IN_HUB, NULL, entry->number, now);
    of_order(&difference, &order);
    say(&difference, state, entry->state);
    return note(&difference, hub->books->config.poll_ms > 0 ? XD_REPAIR_READ_AGAIN : XD_REPAIR_NONE);
}

/* ---- what was posted ---- */

/* A document without quantities need not be one in the ERP. */
static enum xd_result has_quantities(struct xd_hub *hub, int64_t job, bool *has) {
    struct xd_books_job_lines lines;
    enum xd_result result = xd_books_job_lines(hub, job, &lines);
    *has = false;
    for (size_t index = 0; index < lines.count; index++) {
        *has = *has || !xd_decimal_is_zero(lines.rows[index].qty);
    }
    xd_free(lines.rows);
    return result;
}

static enum xd_result is_missing(struct xd_hub *hub, const struct xd_job_row *job, enum xd_erp_list what,
                                 struct xd_order_row *order, bool *missing) {
    const struct xd_hub_store *store = hub->config.store;
    const struct xd_books_comparison *run = &hub->books->run;
    bool seen = true, settled = false, has = false;
    enum xd_result result = XD_OK;
    *missing = false;
    if ((run->lists & (1u << what)) == 0) {
        return XD_OK;
    }
    result =
        store->books.seen_has(store->context, xd_run_erp(hub), (int)what, job->reference, run->row.n, &seen);
    if (result == XD_OK && !seen) {
        result = settled_order(hub, job->order_id, order, &settled);
    }
    if (result == XD_OK && settled) {
        result = has_quantities(hub, job->number, &has);
    }
    *missing = has;
    return result;
}

enum xd_result xd_compare_posted(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    struct difference difference;
    struct xd_order_row order;
    bool sale = job->kind == XD_ERP_SALE, missing = false;
    if ((!sale && job->kind != XD_ERP_SHIPMENT && job->kind != XD_ERP_REVERSAL) || job->order_id[0] == 0) {
        return XD_OK;
    }
    enum xd_result result = is_missing(hub, job, sale ? XD_ERP_SALES : XD_ERP_SHIPMENTS, &order, &missing);
    if (result != XD_OK || !missing) {
        return result;
    }
    start(&difference, hub, sale ? XD_DIFFERENCE_SALE_MISSING_IN_ERP : XD_DIFFERENCE_SHIPMENT_MISSING_IN_ERP,
          job->reference, job->document, now);
    of_order(&difference, &order);
    memcpy(difference.row.site, job->site, sizeof difference.row.site);
    say(&difference, xd_order_status_names[order.status], "");
    bool ours = job->kind == XD_ERP_SHIPMENT || (sale && !xd_books_is_born(&order));
    return note(&difference, ours ? XD_REPAIR_POST_AGAIN : XD_REPAIR_NONE);
}

/* ---- what was passed over ---- */

static enum xd_erp_list list_of(int kind) {
    static const enum xd_erp_list lists[XD_DIFFERENCE_KIND_COUNT] = {
        [XD_DIFFERENCE_SALE_MISSING_IN_ERP] = XD_ERP_SALES,
        [XD_DIFFERENCE_SALE_MISSING_IN_HUB] = XD_ERP_SALES,
        [XD_DIFFERENCE_SALE_STATE] = XD_ERP_SALES,
        [XD_DIFFERENCE_SALE_QUANTITY] = XD_ERP_SALES,
        [XD_DIFFERENCE_SHIPMENT_MISSING_IN_ERP] = XD_ERP_SHIPMENTS,
        [XD_DIFFERENCE_SHIPMENT_MISSING_IN_HUB] = XD_ERP_SHIPMENTS,
        [XD_DIFFERENCE_SHIPMENT_QUANTITY] = XD_ERP_SHIPMENTS,
        [XD_DIFFERENCE_INVOICE_MISSING] = XD_ERP_SALES,
        [XD_DIFFERENCE_INVOICE_MISSING_IN_HUB] = XD_ERP_INVOICES,
        [XD_DIFFERENCE_STOCK_SITE] = XD_ERP_STOCK,
        [XD_DIFFERENCE_STOCK_HUB] = XD_ERP_STOCK,
    };
    return lists[kind];
}

enum xd_result xd_compare_passed_over(struct xd_hub *hub, const struct xd_difference_row *row, bool *passed) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_erp_list list = list_of(row->kind);
    struct xd_order_row order;
    struct xd_book_stock_row stock;
    bool settled = true, known = false;
    char state[16];
    enum xd_result result = XD_OK;
    *passed = (hub->books->run.lists & (1u << list)) == 0;
    if (*passed) {
        return XD_OK;
    }
    if (list == XD_ERP_STOCK) {
        result = store->books.stock_get(store->context, row->site, row->sku, &stock);
        *passed = result == XD_OK && stock.busy;
    } else if (row->order_id[0] != 0) {
        result = settled_order(hub, row->order_id, &order, &settled);
        if (result == XD_OK && settled && row->kind == XD_DIFFERENCE_INVOICE_MISSING_IN_HUB &&
            is_fresh(hub, &order)) {
            result = invoice_is_known(hub, row->erp_document, state, &known);
            settled = known;
        }
        *passed = result == XD_OK && !settled;
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}
