/* The sale at the ERP: posted once, withdrawn before it was called for, changed after; and the check
 * before it, which has no effect and can always be withdrawn.
 *
 * A change says the quantity that each line shall have in all, so that the last one
 * counts whatever came before it. One is under way at a time; when it is done, what the ERP
 * was told last is compared with what the order says by then. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static void fill_job(const struct xd_conduct *conduct, enum xd_erp_kind kind, struct xd_job_row *job) {
    const struct xd_order_row *order = &conduct->order;
    memset(job, 0, sizeof *job);
    job->kind = kind;
    xd_hub_job_of(conduct->hub, order, conduct->now, job);
    xd_copy(job->reference, sizeof job->reference, order->sale_reference);
    job->state = XD_JOB_QUEUED;
    xd_copy(job->site, sizeof job->site, order->site);
    job->at = order->received_at;
}

static enum xd_result find_job(struct xd_conduct *conduct, enum xd_erp_kind kind, const char *reference,
                               struct xd_job_row *job) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_job_row where = {.kind = kind};
    xd_hub_job_of(conduct->hub, &conduct->order, conduct->now, &where);
    return store->job_find(store->context, where.erp, kind, reference, job);
}

static void numbered_reference(const struct xd_order_row *order, char mark, int64_t number,
                               char out[XD_REFERENCE_SIZE]) {
    char suffix[24];
    snprintf(suffix, sizeof suffix, "%c%lld", mark, (long long)number);
    size_t room = XD_REFERENCE_SIZE - 1 - strlen(suffix);
    xd_copy(out, XD_REFERENCE_SIZE, order->sale_reference);
    snprintf(out + (strlen(out) < room ? strlen(out) : room), sizeof suffix, "%s", suffix);
}

/* No order's number ends so that two changes could have the same one: the last # parts it. */
static void change_reference(const struct xd_order_row *order, int64_t number, char out[XD_REFERENCE_SIZE]) {
    numbered_reference(order, '#', number, out);
}

/* What is asked about a revision goes by another reference than what was asked before: whoever answers may
 * know that one, and answers it as before. No order's number has a space. */
static void check_reference(const struct xd_order_row *order, int64_t revision, char out[XD_REFERENCE_SIZE]) {
    if (revision == 1) {
        xd_copy(out, XD_REFERENCE_SIZE, order->sale_reference);
    } else {
        numbered_reference(order, ' ', revision, out);
    }
}

/* ---- in which unit ---- */

struct first_told {
    const char *line_id;
    bool found, in_base;
};

static enum xd_result look_at_line(void *context, const struct xd_job_line_row *row) {
    struct first_told *first = context;
    if (strcmp(row->line_id, first->line_id) == 0 && xd_decimal_sign(row->qty) > 0) {
        first->found = true;
        first->in_base = row->factor_num == row->factor_den;
    }
    return XD_OK;
}

/* As find_job; XD_NOT_FOUND also for what the ERP refused, or was never told: it does not know it. */
static enum xd_result find_told(struct xd_conduct *conduct, enum xd_erp_kind kind, const char *reference,
                                struct xd_job_row *job) {
    enum xd_result result = find_job(conduct, kind, reference, job);
    bool unknown = result == XD_OK && (job->state == XD_JOB_REJECTED || job->state == XD_JOB_WITHDRAWN);
    return unknown ? XD_NOT_FOUND : result;
}

static enum xd_result look_at_job(struct xd_conduct *conduct, enum xd_erp_kind kind, const char *reference,
                                  struct first_told *first) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_job_row job;
    enum xd_result result = find_told(conduct, kind, reference, &job);
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    return store->job_lines(store->context, job.number, look_at_line, first);
}

/* Whether what told the ERP first of the line, which counts in base units by now, did so in those. */
static enum xd_result first_told(struct xd_conduct *conduct, const struct xd_order_line_row *line,
                                 bool *in_base) {
    const struct xd_order_row *order = &conduct->order;
    struct first_told first = {.line_id = line->line_id};
    enum xd_result result = look_at_job(conduct, XD_ERP_SALE, order->sale_reference, &first);
    for (int64_t number = 1; number <= order->changes && result == XD_OK && !first.found; number++) {
        char reference[XD_REFERENCE_SIZE];
        change_reference(order, number, reference);
        result = look_at_job(conduct, XD_ERP_CHANGE, reference, &first);
    }
    *in_base = first.in_base;
    return result;
}

/* Of each line whether it is told in base units whatever it is; NULL: of none. Free with xd_free. */
static enum xd_result units_told(struct xd_conduct *conduct, bool **out) {
    enum xd_result result = XD_OK;
    *out = NULL;
    for (size_t index = 0; index < conduct->lines.count && result == XD_OK; index++) {
        const struct xd_order_line_row *line = &conduct->lines.rows[index];
        if (line->ordered_uom[0] == 0) {
            continue;
        }
        *out = *out != NULL ? *out : xd_alloc(conduct->lines.count * sizeof **out);
        result = *out == NULL ? XD_NO_MEMORY : first_told(conduct, line, &(*out)[index]);
    }
    return result;
}

/* ---- its lines ---- */

/* The ERP is told in what was ordered, as far as that says it exactly; else in base units, and then only a
 * price that is exact for one of them, too: without one the sale's line keeps its own. Of a line that it was
 * told in base units at first it knows no other unit: in_base. */
static void fill_line(const struct xd_order_line_row *line, struct xd_decimal qty, bool in_base,
                      struct xd_job_line_row *row) {
    struct xd_ordered_unit unit = xd_line_ordered_unit(line);
    bool counts_otherwise = line->ordered_uom[0] != 0;
    memset(row, 0, sizeof *row);
    memcpy(row->line_id, line->line_id, sizeof row->line_id);
    memcpy(row->sku, line->sku, sizeof row->sku);
    row->qty = qty;
    row->unit_price = line->unit_price;
    row->has_unit_price = line->has_unit_price;
    if (counts_otherwise && (in_base || xd_decimal_ratio(qty, unit.den, unit.num, &row->qty) != XD_OK)) {
        row->has_unit_price = line->has_unit_price && xd_decimal_ratio(line->unit_price, unit.den, unit.num,
                                                                       &row->unit_price) == XD_OK;
        row->qty = qty;
        unit = (struct xd_ordered_unit){line->uom, line->factor_num, line->factor_den};
    }
    xd_copy(row->uom, sizeof row->uom, unit.uom);
    row->factor_num = unit.num;
    row->factor_den = unit.den;
}

/* The order's lines as they are wanted now; all: also those of which nothing is. Free *out with xd_free. */
static enum xd_result make_lines(struct xd_conduct *conduct, bool all, struct xd_job_line_row **out,
                                 size_t *count) {
    struct xd_job_line_row *lines = xd_alloc(conduct->lines.count * sizeof *lines);
    bool *in_base = NULL;
    enum xd_result result = lines == NULL ? XD_NO_MEMORY : units_told(conduct, &in_base);
    *count = 0;
    for (size_t index = 0; index < conduct->lines.count && result == XD_OK; index++) {
        const struct xd_order_line_row *line = &conduct->lines.rows[index];
        struct xd_decimal qty;
        result = xd_decimal_subtract(line->ordered, line->cancelled, &qty);
        if (result == XD_OK && (all || xd_decimal_sign(qty) > 0)) {
            fill_line(line, qty, in_base != NULL && in_base[index], &lines[(*count)++]);
        }
    }
    xd_free(in_base);
    *out = lines;
    return result;
}

static enum xd_result add_job(struct xd_conduct *conduct, struct xd_job_row *job, bool all) {
    struct xd_job_line_row *lines;
    size_t count;
    enum xd_result result = make_lines(conduct, all, &lines, &count);
    if (result == XD_OK) {
        result = xd_hub_job_add(conduct->hub, job, lines, count);
    }
    xd_free(lines);
    return result;
}

/* ---- the sale ---- */

/* What was asked last; not each revision was asked about. XD_NOT_FOUND: nothing. */
static enum xd_result last_check(struct xd_conduct *conduct, struct xd_job_row *job) {
    enum xd_result result = XD_NOT_FOUND;
    for (int64_t revision = conduct->order.revision; revision > 0 && result == XD_NOT_FOUND; revision--) {
        char reference[XD_REFERENCE_SIZE];
        check_reference(&conduct->order, revision, reference);
        result = find_job(conduct, XD_ERP_CHECK, reference, job);
    }
    return result;
}

static enum xd_result ask(struct xd_conduct *conduct) {
    struct xd_job_row job;
    fill_job(conduct, XD_ERP_CHECK, &job);
    check_reference(&conduct->order, conduct->order.revision, job.reference);
    job.at = conduct->now.wall;
    return add_job(conduct, &job, false);
}

enum xd_result xd_sale_check(struct xd_conduct *conduct) {
    struct xd_job_row job;
    enum xd_result result = last_check(conduct, &job);
    return result == XD_NOT_FOUND ? ask(conduct) : result;
}

enum xd_result xd_sale_post(struct xd_conduct *conduct, int job_state) {
    struct xd_job_row job;
    xd_copy(conduct->order.erp, sizeof conduct->order.erp,
            xd_hub_erp_of(conduct->hub, conduct->order.tenant)); /* from here on, whoever serves the tenant */
    fill_job(conduct, XD_ERP_SALE, &job);
    job.state = job_state;
    return add_job(conduct, &job, false);
}

enum xd_result xd_sale_born(struct xd_conduct *conduct, const char *number) {
    struct xd_job_row job;
    fill_job(conduct, XD_ERP_SALE, &job);
    xd_copy(job.document, sizeof job.document, number);
    job.state = XD_JOB_DONE;
    job.sent_at = conduct->now.wall;
    return add_job(conduct, &job, false);
}

/* The job is posted anew, as the order is now. */
static enum xd_result renew(struct xd_conduct *conduct, struct xd_job_row *job, int state) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_job_line_row *lines = NULL;
    size_t count = 0;
    enum xd_result result = make_lines(conduct, false, &lines, &count);
    if (result == XD_OK) {
        job->state = state;
        job->due_at = conduct->now.wall;
        job->waits = false;
        result = store->job_renew(store->context, job, lines, count);
    }
    xd_free(lines);
    xd_hub_job_comes(conduct->hub, state);
    return result;
}

enum xd_result xd_sale_post_again(struct xd_conduct *conduct, const char *erp) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_job_row job;
    enum xd_result result =
        store->job_find(store->context, erp, XD_ERP_SALE, conduct->order.sale_reference, &job);
    if (result != XD_OK || job.state != XD_JOB_DONE) {
        return result == XD_OK ? XD_NOT_FOUND : result;
    }
    return renew(conduct, &job, XD_JOB_UNKNOWN);
}

/* The job of the sale, or of what was asked about it last. */
static enum xd_result find_latest(struct xd_conduct *conduct, enum xd_erp_kind kind, struct xd_job_row *job) {
    return kind == XD_ERP_CHECK ? last_check(conduct, job)
                                : find_job(conduct, kind, conduct->order.sale_reference, job);
}

static enum xd_result promised(struct xd_conduct *conduct, enum xd_erp_kind kind) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    const struct xd_order_row *order = &conduct->order;
    struct xd_job_row job;
    enum xd_result result = find_latest(conduct, kind, &job);
    if (result != XD_OK || job.state != XD_JOB_QUEUED) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    job.promise = order->ship_by != 0 ? order->ship_by : order->received_at;
    return store->job_save(store->context, &job);
}

enum xd_result xd_sale_promised(struct xd_conduct *conduct) {
    enum xd_result result = promised(conduct, XD_ERP_CHECK);
    return result == XD_OK ? promised(conduct, XD_ERP_SALE) : result;
}

enum xd_result xd_sale_renew(struct xd_conduct *conduct) {
    struct xd_job_row job;
    enum xd_result result = find_job(conduct, XD_ERP_SALE, conduct->order.sale_reference, &job);
    return result == XD_OK && job.state == XD_JOB_REJECTED ? renew(conduct, &job, XD_JOB_QUEUED)
                                                           : result; /* else it is on its way */
}

enum xd_result xd_sale_check_again(struct xd_conduct *conduct) {
    struct xd_job_row job;
    enum xd_result result = last_check(conduct, &job);
    return result == XD_OK && (job.state == XD_JOB_DONE || job.state == XD_JOB_REJECTED)
               ? renew(conduct, &job, XD_JOB_QUEUED)
               : result;
}

static enum xd_result withdraw(struct xd_conduct *conduct, enum xd_erp_kind kind) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_job_row job;
    enum xd_result result = find_latest(conduct, kind, &job);
    if (result == XD_NOT_FOUND) {
        return XD_OK;
    }
    if (result == XD_OK && kind == XD_ERP_CHECK) {
        result =
            xd_hub_exceptions_close_order(conduct->hub, job.order_id, XD_CHECK_UNAVAILABLE, conduct->now);
    }
    bool never_called = job.attempt == 0 && job.state == XD_JOB_QUEUED;
    bool no_effect = kind == XD_ERP_CHECK && job.state != XD_JOB_DONE;
    if (result == XD_OK && (never_called || no_effect || job.state == XD_JOB_REJECTED)) {
        job.state = XD_JOB_WITHDRAWN;
        result = store->job_save(store->context, &job);
    }
    return result;
}

enum xd_result xd_sale_was_called(struct xd_conduct *conduct, bool *called) {
    struct xd_job_row job;
    *called = xd_conduct_did(conduct, XD_STEP_POST);
    enum xd_result result = find_job(conduct, XD_ERP_SALE, conduct->order.sale_reference, &job);
    if (result == XD_OK) {
        *called = *called || (job.attempt > 0 && job.state != XD_JOB_REJECTED);
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_sale_withdraw(struct xd_conduct *conduct) {
    return withdraw(conduct, XD_ERP_SALE);
}

enum xd_result xd_sale_check_withdraw(struct xd_conduct *conduct) {
    return withdraw(conduct, XD_ERP_CHECK);
}

/* ---- changes ---- */

struct told {
    struct xd_conduct *conduct;
    const bool *in_base; /* as units_told says */
    size_t rows, same;
};

static bool same_quantity(const struct xd_job_line_row *a, const struct xd_job_line_row *b) {
    struct xd_decimal one, other;
    return xd_decimal_ratio(a->qty, a->factor_num, a->factor_den, &one) == XD_OK &&
           xd_decimal_ratio(b->qty, b->factor_num, b->factor_den, &other) == XD_OK &&
           xd_decimal_compare(one, other) == 0;
}

/* Of one unit each. Where one of them is told in another unit, the price is the other's, or was not told. */
static bool same_price(const struct xd_job_line_row *a, const struct xd_job_line_row *b) {
    if (a->factor_num != b->factor_num || a->factor_den != b->factor_den) {
        return true;
    }
    return a->has_unit_price == b->has_unit_price &&
           (!a->has_unit_price || xd_decimal_compare(a->unit_price, b->unit_price) == 0);
}

static enum xd_result compare_line(void *context, const struct xd_job_line_row *row) {
    struct told *told = context;
    const struct xd_order_line_row *line = xd_conduct_line(told->conduct, row->line_id);
    struct xd_job_line_row now;
    struct xd_decimal qty;
    bool same = line != NULL && xd_decimal_subtract(line->ordered, line->cancelled, &qty) == XD_OK;
    if (same) {
        fill_line(line, qty, told->in_base != NULL && told->in_base[line - told->conduct->lines.rows], &now);
        same = same_quantity(&now, row) && same_price(&now, row);
    }
    told->rows++;
    told->same += same;
    return XD_OK;
}

static size_t wanted_lines(const struct xd_conduct *conduct) {
    size_t count = 0;
    for (size_t index = 0; index < conduct->lines.count; index++) {
        const struct xd_order_line_row *line = &conduct->lines.rows[index];
        count += xd_decimal_compare(line->ordered, line->cancelled) > 0;
    }
    return count;
}

/* ---- what the ERP was told ---- */

struct told_lines {
    struct xd_conduct *conduct;
    struct xd_decimal *base; /* by the order's lines */
};

static enum xd_result take_told(void *context, const struct xd_job_line_row *row) {
    struct told_lines *told = context;
    const struct xd_order_line_row *line = xd_conduct_line(told->conduct, row->line_id);
    return line == NULL ? XD_OK
                        : xd_decimal_ratio(row->qty, row->factor_num, row->factor_den,
                                           &told->base[line - told->conduct->lines.rows]);
}

static enum xd_result last_told(struct xd_conduct *conduct, struct xd_job_row *job) {
    enum xd_result result = XD_NOT_FOUND;
    for (int64_t number = conduct->order.changes; number > 0 && result == XD_NOT_FOUND; number--) {
        char reference[XD_REFERENCE_SIZE];
        change_reference(&conduct->order, number, reference);
        result = find_told(conduct, XD_ERP_CHANGE, reference, job);
    }
    return result == XD_NOT_FOUND ? find_job(conduct, XD_ERP_SALE, conduct->order.sale_reference, job)
                                  : result;
}

enum xd_result xd_sale_told(struct xd_conduct *conduct, struct xd_decimal **out) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct told_lines told = {.conduct = conduct};
    struct xd_job_row job;
    *out = told.base = xd_alloc(conduct->lines.count * sizeof *told.base);
    if (told.base == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < conduct->lines.count; index++) {
        told.base[index] = xd_decimal_of(0);
    }
    enum xd_result result = last_told(conduct, &job);
    return result == XD_OK ? store->job_lines(store->context, job.number, take_told, &told) : result;
}

/* ---- telling it again ---- */

enum xd_result xd_sale_restate(struct xd_conduct *conduct) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    char reference[XD_REFERENCE_SIZE];
    struct xd_job_row job;
    conduct->sale_stale = true;
    if (conduct->order.changes == 0) {
        return XD_OK;
    }
    change_reference(&conduct->order, conduct->order.changes, reference);
    enum xd_result result = find_job(conduct, XD_ERP_CHANGE, reference, &job);
    job.reversed = true;
    return result == XD_OK ? store->job_save(store->context, &job) : result;
}

/* Whether the job's lines are the order's now; all: also those of which nothing is wanted. */
static enum xd_result says_the_same(struct xd_conduct *conduct, const struct xd_job_row *job, bool all,
                                    bool *same) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    bool *in_base = NULL;
    enum xd_result result = units_told(conduct, &in_base);
    struct told told = {.conduct = conduct, .in_base = in_base};
    if (result == XD_OK) {
        result = store->job_lines(store->context, job->number, compare_line, &told);
    }
    xd_free(in_base);
    *same = told.same == told.rows && told.rows == (all ? conduct->lines.count : wanted_lines(conduct));
    return result;
}

/* Whether the last that the ERP was told is what the order says now; what it refused it was not told. */
static enum xd_result is_told(struct xd_conduct *conduct, bool *same) {
    bool changed = conduct->order.changes > 0;
    char reference[XD_REFERENCE_SIZE];
    struct xd_job_row job;
    change_reference(&conduct->order, conduct->order.changes, reference);
    enum xd_result result = find_job(conduct, changed ? XD_ERP_CHANGE : XD_ERP_SALE,
                                     changed ? reference : conduct->order.sale_reference, &job);
    if (result == XD_OK) {
        result = says_the_same(conduct, &job, changed, same);
    }
    *same = result == XD_OK && *same && job.state != XD_JOB_REJECTED && !job.reversed;
    return result;
}

enum xd_result xd_sale_is_checked(struct xd_conduct *conduct, bool *same) {
    struct xd_job_row job;
    enum xd_result result = last_check(conduct, &job);
    *same = false;
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    return says_the_same(conduct, &job, false, same);
}

enum xd_result xd_sale_check_revised(struct xd_conduct *conduct) {
    enum xd_result result = withdraw(conduct, XD_ERP_CHECK);
    return result == XD_OK ? ask(conduct) : result;
}

static enum xd_result post_change(struct xd_conduct *conduct) {
    struct xd_order_row *order = &conduct->order;
    struct xd_job_row job;
    order->changes++;
    order->changing = true;
    fill_job(conduct, XD_ERP_CHANGE, &job);
    change_reference(order, order->changes, job.reference);
    job.at = conduct->now.wall;
    enum xd_result result = add_job(conduct, &job, true);
    return result == XD_OK ? xd_hub_timeline(conduct->hub, order, "sale.change_queued", conduct->now,
                                             "\"change\":%lld", (long long)order->changes)
                           : result;
}

enum xd_result xd_sale_tell_again(struct xd_conduct *conduct) {
    return !xd_conduct_did(conduct, XD_STEP_POST) || conduct->order.changing ? XD_NOT_FOUND
                                                                             : post_change(conduct);
}

enum xd_result xd_sale_settle(struct xd_conduct *conduct) {
    bool same = true;
    bool checked = xd_conduct_did(conduct, XD_STEP_CHECK) || conduct->order.cancelled;
    if (!xd_conduct_did(conduct, XD_STEP_POST) || conduct->order.changing || !checked) {
        return XD_OK; /* when that is done it is compared again */
    }
    enum xd_result result = is_told(conduct, &same);
    return result == XD_OK && !same ? post_change(conduct) : result;
}
