/* What a confirmation did is taken back, here and in the ERP.
 *
 * Quantities go back to where they came from: shipped to released, what was beyond the release first, the
 * stock to the site, a remainder that was closed or opened to the release; then what is left of the release
 * is evened out (remainders.c). Of an order that is cancelled by then the site is asked for them; but where
 * another version says what has shipped instead, only for what that leaves. In the ERP each posting is undone
 * as a whole by a reversal, which is called for when the posting is there; what is left of a posting of which
 * only a part is taken back is posted anew after its reversal. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/events/events.h"
#include "hub/orchestration/conduct.h"
#include "hub/orchestration/stock.h"

#include <stdio.h>
#include <string.h>

/* One release of the confirmation that is taken back. */
struct back {
    struct xd_reversing *reversing;
    struct xd_conduct conduct;
    struct xd_release_work work;
};

static struct xd_release_line_row *line_of(struct back *back, const char *line_id) {
    for (size_t index = 0; index < back->work.lines.count; index++) {
        if (strcmp(back->work.lines.rows[index].line_id, line_id) == 0) {
            return &back->work.lines.rows[index];
        }
    }
    return NULL;
}

static enum xd_result subtract(struct xd_decimal *from, struct xd_decimal qty) {
    return xd_decimal_subtract(*from, qty, from);
}

/* ---- quantities ---- */

/* Goods that are at the site again; so many of them are promised to the release. */
static enum xd_result stock_back(struct back *back, const struct xd_release_line_row *line, const char *sku,
                                 struct xd_decimal qty, struct xd_decimal promised) {
    struct xd_hub *hub = back->reversing->hub;
    struct xd_decimal base;
    enum xd_result result = xd_decimal_ratio(qty, line->factor_num, line->factor_den, &base);
    if (result == XD_OK) {
        result = xd_stock_ship(hub, back->work.row.site, sku, xd_decimal_negate(base), xd_decimal_of(0));
    }
    if (result == XD_OK) {
        result = xd_decimal_ratio(promised, line->factor_num, line->factor_den, &base);
    }
    hub->backorders_due = true; /* what was over, or a substitute, is free */
    return result == XD_OK ? xd_stock_reserve(hub, back->work.row.site, line->sku, base) : result;
}

/* The order is cancelled, and the site has the goods again, and may ship them anew; but for one that is being
 * asked for all it has. */
static bool stays_with_site(const struct back *back) {
    const struct xd_release_row *row = &back->work.row;
    return back->conduct.order.cancelled && !(row->cancel == XD_CANCEL_REQUESTED && row->whole);
}

/* What has shipped instead is said next, of what had shipped before the order was cancelled. */
static bool restates(const struct back *back) {
    int kind = back->reversing->cause->kind;
    return kind != XD_KIND_VOID && kind != XD_KIND_REVERSAL;
}

/* qty of the line has not shipped after all; sku: what was there instead. */
static enum xd_result take_back(struct back *back, struct xd_release_line_row *line, const char *sku,
                                struct xd_decimal qty) {
    struct xd_order_line_row *ordered = xd_conduct_line(&back->conduct, line->line_id);
    struct xd_decimal over, rest;
    if (ordered == NULL) {
        return XD_CORRUPT;
    }
    over = xd_decimal_min(qty, xd_decimal_min(line->over, ordered->overshipped));
    enum xd_result result = xd_decimal_subtract(qty, over, &rest);
    if (result == XD_OK) {
        result = subtract(&line->over, over);
    }
    if (result == XD_OK) {
        result = subtract(&ordered->overshipped, over);
    }
    if (result == XD_OK) {
        result = subtract(&line->shipped, rest);
    }
    if (result == XD_OK) {
        result = xd_line_move(ordered, XD_POT_SHIPPED, XD_POT_RELEASED, rest);
    }
    if (result == XD_OK) {
        result = stock_back(back, line, sku, qty, rest);
    }
    if (result == XD_OK && back->conduct.order.cancelled && !stays_with_site(back) &&
        xd_decimal_sign(rest) > 0) {
        back->conduct.sale_stale = true; /* nobody wants it */
        result = xd_release_work_give_line_back(&back->conduct, &back->work, line, rest, XD_POT_CANCELLED);
    }
    return result == XD_OK ? xd_conduct_save_line(&back->conduct, ordered) : result;
}

static enum xd_result reclaim(struct back *back, struct xd_release_line_row *line,
                              struct xd_order_line_row *ordered, enum xd_pot pot, struct xd_decimal *most) {
    struct xd_decimal qty = xd_decimal_min(*most, xd_decimal_min(line->closed, xd_line_pot(ordered, pot))),
                      base;
    if (xd_decimal_sign(qty) <= 0) {
        return XD_OK;
    }
    enum xd_result result = xd_line_move(ordered, pot, XD_POT_RELEASED, qty);
    if (result == XD_OK) {
        result = subtract(&line->closed, qty);
    }
    if (result == XD_OK) {
        result = xd_decimal_ratio(qty, line->factor_num, line->factor_den, &base);
    }
    if (result == XD_OK) {
        result = xd_stock_reserve(back->reversing->hub, back->work.row.site, line->sku, base);
    }
    return result == XD_OK ? subtract(most, qty) : result;
}

/* In the unit in which the line counts by now. */
static enum xd_result remainder_of(const struct xd_release_line_row *line,
                                   const struct xd_order_line_row *ordered,
                                   const struct xd_remainder_row *row, struct xd_decimal *cancelled,
                                   struct xd_decimal *opened) {
    struct xd_ordered_unit unit = xd_line_ordered_unit(ordered);
    int64_t num = row->factor_num != 0 ? row->factor_num : unit.num;
    int64_t den = row->factor_num != 0 ? row->factor_den : unit.den;
    bool same = line->factor_num != line->factor_den;
    *cancelled = row->cancelled;
    *opened = row->opened;
    enum xd_result result = same ? XD_OK : xd_decimal_ratio(row->cancelled, num, den, cancelled);
    return result == XD_OK && !same ? xd_decimal_ratio(row->opened, num, den, opened) : result;
}

/* What it closed or opened of the release is the release's again, as far as it is still there. */
static enum xd_result restore(struct back *back, const struct xd_remainder_row *row) {
    struct xd_release_line_row *line = line_of(back, row->line_id);
    struct xd_order_line_row *ordered = xd_conduct_line(&back->conduct, row->line_id);
    struct xd_decimal cancelled, opened;
    if (line == NULL || ordered == NULL) {
        return XD_CORRUPT;
    }
    if (remainder_of(line, ordered, row, &cancelled, &opened) != XD_OK) {
        return XD_CORRUPT;
    }
    if (back->conduct.order.cancelled && !(stays_with_site(back) && restates(back))) {
        return XD_OK;
    }
    back->conduct.sale_stale = back->conduct.sale_stale || xd_decimal_sign(cancelled) > 0;
    enum xd_result result = reclaim(back, line, ordered, XD_POT_CANCELLED, &cancelled);
    if (result == XD_OK) {
        result = reclaim(back, line, ordered, XD_POT_BACKORDERED, &opened);
    }
    if (result == XD_OK) {
        result = reclaim(back, line, ordered, XD_POT_OPEN, &opened);
    }
    return result == XD_OK ? xd_conduct_save_line(&back->conduct, ordered) : result;
}

/* ---- postings ---- */

static enum xd_result remember(struct xd_reversing *reversing, const char *release_id, int64_t job) {
    struct xd_after *made =
        xd_grow(reversing->made, reversing->made_count, &reversing->made_capacity, sizeof *made);
    if (made == NULL) {
        return XD_NO_MEMORY;
    }
    reversing->made = made;
    xd_copy(made[reversing->made_count].release_id, XD_ID_SIZE, release_id);
    made[reversing->made_count++].job = job;
    return XD_OK;
}

static void fill_job(const struct back *back, const struct xd_job_row *of, enum xd_erp_kind kind,
                     struct xd_job_row *job) {
    memset(job, 0, sizeof *job);
    job->kind = kind;
    xd_hub_job_of(back->reversing->hub, &back->conduct.order, back->reversing->now, job);
    memcpy(job->erp, of->erp, sizeof job->erp);
    memcpy(job->site, of->site, sizeof job->site);
    job->at = of->at;
}

/* *number: of the reversal; 0: the ERP refused the posting, so there is nothing to undo. */
static enum xd_result undo(struct back *back, struct xd_job_row *posting,
                           const struct xd_job_line_rows *lines, int64_t *number) {
    struct xd_reversing *reversing = back->reversing;
    const struct xd_hub_store *store = reversing->hub->config.store;
    bool refused = posting->state == XD_JOB_REJECTED;
    struct xd_job_row job;
    *number = 0;
    posting->reversed = !reversing->renews;
    posting->state = refused ? XD_JOB_WITHDRAWN : posting->state;
    enum xd_result result = store->job_save(store->context, posting);
    if (result != XD_OK || refused) {
        return result;
    }
    fill_job(back, posting, XD_ERP_REVERSAL, &job);
    int length = snprintf(job.reference, sizeof job.reference, "%s/reversal", posting->reference);
    if (length < 0 || (size_t)length >= sizeof job.reference) {
        return XD_INVALID;
    }
    memcpy(job.reverses, posting->reference, sizeof job.reverses);
    job.after = posting->state == XD_JOB_DONE ? 0 : posting->number;
    job.state = posting->state == XD_JOB_DONE ? XD_JOB_QUEUED : XD_JOB_HELD;
    xd_copy(job.confirmation_id, sizeof job.confirmation_id, reversing->cause->confirmation_id);
    job.confirmation_version = reversing->cause->base;
    job.at = reversing->at;
    result = xd_hub_job_add(reversing->hub, &job, lines->rows, lines->count);
    *number = job.number;
    reversing->cause->jobs_open++;
    if (XD_MUTANT(REVERSAL_TWICE) && result == XD_OK && (size_t)length + 1 < sizeof job.reference) {
        memcpy(job.reference + length, "+", 2);
        result = xd_hub_job_add(reversing->hub, &job, lines->rows, lines->count);
        reversing->cause->jobs_open++;
    }
    return result == XD_OK ? remember(reversing, back->work.row.release_id, job.number) : result;
}

static enum xd_result load_lines(struct back *back, const struct xd_job_row *job,
                                 struct xd_job_line_rows *out) {
    const struct xd_hub_store *store = back->reversing->hub->config.store;
    *out = (struct xd_job_line_rows){NULL, 0, 0};
    return store->job_lines(store->context, job->number, xd_job_line_collect, out);
}

/* The postings of the order that count, of this release. */
static enum xd_result load_postings(struct back *back, struct xd_job_rows *out) {
    const struct xd_hub_store *store = back->reversing->hub->config.store;
    *out = (struct xd_job_rows){NULL, 0, 0};
    enum xd_result result =
        store->job_shipments(store->context, back->conduct.order.order_id, xd_job_collect, out);
    size_t kept = 0;
    for (size_t index = 0; index < out->count && result == XD_OK; index++) {
        struct xd_job_line_rows lines;
        struct xd_job_row *job = &out->rows[index];
        if (job->reversed || job->state == XD_JOB_WITHDRAWN) {
            continue;
        }
        result = load_lines(back, job, &lines);
        if (result == XD_OK && lines.count > 0 &&
            strcmp(lines.rows[0].release_id, back->work.row.release_id) == 0) {
            out->rows[kept++] = *job;
        }
        xd_free(lines.rows);
    }
    out->count = kept;
    return result;
}

/* ---- a release ---- */

static enum xd_result open_release(struct xd_reversing *reversing, const struct xd_release_row *release,
                                   struct back *back) {
    memset(back, 0, sizeof *back);
    back->reversing = reversing;
    enum xd_result result =
        xd_conduct_open(&back->conduct, reversing->hub, release->order_id, reversing->now);
    return result == XD_OK ? xd_release_work_open(&back->conduct, release->release_id, &back->work) : result;
}

static enum xd_result tell(struct back *back, const struct xd_confirmation_row *row) {
    char id[XD_QUOTED_SIZE], by[XD_QUOTED_SIZE];
    const struct xd_confirmation_row *cause = back->reversing->cause;
    xd_hub_quote(row->confirmation_id, id);
    xd_hub_quote(cause->confirmation_id, by);
    enum xd_result result = xd_hub_timeline(
        back->reversing->hub, &back->conduct.order, "confirmation.reversed", back->reversing->now,
        "\"release_id\":\"%s\",\"confirmation_id\":%s,\"version\":%lld,\"by\":%s,\"by_version\":%lld",
        back->work.row.release_id, id, (long long)row->version, by, (long long)cause->version);
    if (result != XD_OK) {
        return result;
    }
    struct xd_order_row order = xd_conduct_row(&back->conduct);
    return xd_hub_event(back->reversing->hub, &order, XD_EVENT_CHANGED, back->reversing->now,
                        "\"release_id\":\"%s\",\"reversed_confirmation_id\":%s", back->work.row.release_id,
                        id);
}

static bool is_void(const struct back *back) {
    return back->reversing->cause->kind == XD_KIND_VOID;
}

/* Whoever has lines of its own may claim again what is open now: it is placed when they are applied. */
static bool places(const struct back *back) {
    return is_void(back) && xd_conduct_did(&back->conduct, XD_STEP_RELEASE);
}

/* What was done to it is stored, and its order goes on. row: what was taken back, of which this is told. */
static enum xd_result close_release(struct back *back, const struct xd_confirmation_row *row,
                                    enum xd_result result) {
    struct xd_hub *hub = back->reversing->hub;
    struct xd_now now = back->reversing->now;
    struct xd_release_row release;
    bool ended = false;
    if (result == XD_OK) {
        result = xd_remainders_even(&back->conduct, &back->work, is_void(back), &ended);
    }
    if (result == XD_OK && stays_with_site(back) && !restates(back)) {
        result = xd_release_work_call_back(&back->conduct, &back->work, false);
    }
    if (result == XD_OK) {
        result = xd_conduct_book_reopened(&back->conduct);
    }
    if (result == XD_OK) {
        result = tell(back, row);
    }
    if (result == XD_OK && places(back)) {
        result = xd_conduct_go(&back->conduct);
    }
    release = back->work.row;
    xd_release_work_close(&back->work);
    result = xd_conduct_end(&back->conduct, result);
    return result == XD_OK && ended ? xd_hub_request_over(hub, &release, now) : result;
}

/* ---- a confirmation whole ---- */

static enum xd_result undo_posting(struct back *back, struct xd_job_row *job) {
    struct xd_job_line_rows lines;
    int64_t number;
    enum xd_result result = load_lines(back, job, &lines);
    for (size_t index = 0; index < lines.count && result == XD_OK; index++) {
        struct xd_job_line_row posted = lines.rows[index];
        struct xd_release_line_row *line = line_of(back, posted.line_id);
        if (xd_decimal_sign(posted.qty) > 0) {
            result = line == NULL ? XD_CORRUPT : xd_posted_in_unit_of(line, &posted);
            result = result == XD_OK ? take_back(back, line, posted.sku, posted.qty) : result;
        }
    }
    if (result == XD_OK) {
        result = undo(back, job, &lines, &number);
    }
    xd_free(lines.rows);
    return result;
}

struct remainders {
    struct xd_remainder_row *rows;
    size_t count, capacity;
};

static enum xd_result collect_remainder(void *context, const struct xd_remainder_row *row) {
    struct remainders *list = context;
    struct xd_remainder_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

static enum xd_result reverse_release(struct xd_reversing *reversing, const struct xd_confirmation_row *row,
                                      const struct remainders *remainders, const char *release_id) {
    const struct xd_hub_store *store = reversing->hub->config.store;
    struct xd_release_row release;
    struct xd_job_rows jobs = {NULL, 0, 0};
    struct back back;
    enum xd_result result = strlen(release_id) < XD_ID_SIZE
                                ? store->release_get(store->context, release_id, &release)
                                : XD_NOT_FOUND;
    if (result == XD_NOT_FOUND || (result == XD_OK && strcmp(release.site, row->site) != 0)) {
        return XD_OK; /* nothing was done about that one */
    }
    if (result == XD_OK) {
        result = open_release(reversing, &release, &back);
        result = result == XD_OK ? load_postings(&back, &jobs) : result;
    } else {
        return result;
    }
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        struct xd_job_row *job = &jobs.rows[index];
        if (strcmp(job->confirmation_id, row->confirmation_id) == 0 && strcmp(job->site, row->site) == 0 &&
            job->confirmation_version == row->base) {
            result = undo_posting(&back, job);
        }
    }
    for (size_t index = 0; index < remainders->count && result == XD_OK; index++) {
        if (strcmp(remainders->rows[index].release_id, release_id) == 0) {
            result = restore(&back, &remainders->rows[index]);
        }
    }
    xd_free(jobs.rows);
    return close_release(&back, row, result);
}

static enum xd_result reverse_all(struct xd_reversing *reversing, const struct xd_confirmation_row *row) {
    const struct xd_hub_store *store = reversing->hub->config.store;
    struct remainders remainders = {NULL, 0, 0};
    struct xd_stored stored;
    enum xd_result result = xd_stored_open(reversing->hub, row, &stored);
    if (result == XD_OK) {
        result = store->confirmations.remainder_each(store->context, row->site, row->confirmation_id,
                                                     row->base, collect_remainder, &remainders);
    }
    if (result == XD_OK) { /* before, for what it said of the rest does not hold any more */
        result =
            store->confirmations.remainder_drop(store->context, row->site, row->confirmation_id, row->base);
    }
    for (size_t index = 0; index < stored.confirmation.release_count && result == XD_OK; index++) {
        result = reverse_release(reversing, row, &remainders, stored.confirmation.release_ids[index]);
    }
    xd_free(remainders.rows);
    xd_stored_close(&stored);
    return result == XD_INVALID ? XD_CORRUPT : result; /* it could be read when it was applied */
}

static enum xd_result ask_for_rest(struct xd_hub *hub, const struct xd_release_row *release,
                                   struct xd_now now) {
    struct xd_reversing reversing = {.hub = hub, .now = now};
    struct back back;
    enum xd_result result = open_release(&reversing, release, &back);
    if (result == XD_OK && stays_with_site(&back) && xd_release_work_has_rest(&back.work)) {
        result = xd_release_work_call_back(&back.conduct, &back.work, false);
    }
    xd_release_work_close(&back.work);
    return xd_conduct_end(&back.conduct, result);
}

enum xd_result xd_reverse_rest(struct xd_hub *hub, const struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release_row release;
    struct xd_order_row order;
    struct xd_stored stored;
    enum xd_result result = xd_stored_open(hub, row, &stored);
    for (size_t index = 0; index < stored.confirmation.release_count && result == XD_OK; index++) {
        const char *release_id = stored.confirmation.release_ids[index];
        result = strlen(release_id) < XD_ID_SIZE ? store->release_get(store->context, release_id, &release)
                                                 : XD_NOT_FOUND;
        bool its = result == XD_OK && strcmp(release.site, row->site) == 0;
        result = its ? store->order_get(store->context, release.order_id, &order) : result;
        if (result == XD_OK && its && order.cancelled) {
            result = ask_for_rest(hub, &release, now);
        }
        result = result == XD_NOT_FOUND ? XD_OK : result;
    }
    xd_stored_close(&stored);
    return result == XD_INVALID ? XD_CORRUPT : result; /* it could be read when it was applied */
}

/* What the version itself took back, and the ERP refused to, is still to be taken back. */
static enum xd_result complain_again(struct xd_reversing *reversing, const struct xd_confirmation_row *row) {
    const struct xd_hub_store *store = reversing->hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    enum xd_result result =
        store->job_refused(store->context, row->site, row->confirmation_id, row->base, xd_job_collect, &jobs);
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        char detail[XD_REFUSED_SIZE];
        if (jobs.rows[index].kind == XD_ERP_REVERSAL) {
            result = xd_job_complain(reversing->hub, &jobs.rows[index], detail, reversing->now);
        }
    }
    xd_free(jobs.rows);
    return result;
}

/* The version does not count any more: nothing of it waits, and nobody is asked about it. */
static enum xd_result retire(struct xd_reversing *reversing, struct xd_confirmation_row *row,
                             enum xd_confirmation_state state) {
    struct xd_hub *hub = reversing->hub;
    const struct xd_hub_store *store = hub->config.store;
    bool superseded = state == XD_CONFIRMATION_SUPERSEDED;
    row->state = (int)state;
    row->waits_for[0] = 0;
    row->alert_at = 0;
    row->lines_rejected += row->lines_parked;
    row->lines_parked = 0;
    enum xd_result result =
        store->confirmations.unpark(store->context, row->site, row->confirmation_id, row->base, -1);
    if (result == XD_OK) {
        result = xd_hub_exceptions_close(hub, row->site, XD_DOC_CONFIRMATION, row->confirmation_id, row->base,
                                         NULL, reversing->now);
    }
    if (result == XD_OK) {
        result = complain_again(reversing, row);
    }
    if (result == XD_OK) {
        result = xd_hub_tell_fate(hub, row, XD_OUTCOME_REJECTED, superseded ? "SUPERSEDED" : "REVERSED",
                                  superseded ? "Another version of it counts." : "It was taken back.",
                                  reversing->now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, row) : result;
}

enum xd_result xd_reverse(struct xd_reversing *reversing, struct xd_confirmation_row *row,
                          enum xd_confirmation_state state) {
    bool applied = row->state == XD_CONFIRMATION_APPLIED || row->state == XD_CONFIRMATION_POSTED;
    enum xd_result result = applied ? reverse_all(reversing, row) : XD_OK;
    return result == XD_OK ? retire(reversing, row, state) : result;
}

/* ---- what the ERP refused ---- */

/* Of the order's shipments, whether those of the confirmation are refused, or were before and came to
 * nothing. What was taken back in part is no more what the confirmation says. */
static enum xd_result only_refused(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                   const char *order_id, bool *so) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    enum xd_result result = store->job_shipments(store->context, order_id, xd_job_collect, &jobs);
    for (size_t index = 0; index < jobs.count; index++) {
        const struct xd_job_row *job = &jobs.rows[index];
        bool its = strcmp(job->confirmation_id, row->confirmation_id) == 0 &&
                   strcmp(job->site, row->site) == 0 && job->confirmation_version == row->base;
        bool refused = job->state == XD_JOB_REJECTED || job->state == XD_JOB_WITHDRAWN;
        *so = *so && (!its || (refused && !job->reversed));
    }
    xd_free(jobs.rows);
    return result;
}

enum xd_result xd_confirmation_refused(struct xd_hub *hub, const struct xd_confirmation_row *row, bool *so) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    int64_t shipments = 0;
    enum xd_result result =
        store->job_refused(store->context, row->site, row->confirmation_id, row->base, xd_job_collect, &jobs);
    *so = row->state == XD_CONFIRMATION_APPLIED;
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        if (jobs.rows[index].kind == XD_ERP_SHIPMENT) { /* an advice may have the same id */
            shipments++;
            result = only_refused(hub, row, jobs.rows[index].order_id, so);
        }
    }
    *so = *so && shipments > 0 && shipments == row->jobs_open;
    xd_free(jobs.rows);
    return result;
}

enum xd_result xd_reverse_refused(struct xd_hub *hub, struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_reversing reversing = {.hub = hub, .now = now, .cause = row, .at = now.wall, .renews = true};
    enum xd_result result = reverse_all(&reversing, row);
    row->jobs_open = 0;
    if (result == XD_OK) {
        result = store->confirmations.unpark(store->context, row->site, row->confirmation_id, row->base, -1);
    }
    if (result == XD_OK) {
        result = xd_hub_exceptions_close(hub, row->site, XD_DOC_CONFIRMATION, row->confirmation_id, row->base,
                                         NULL, now);
    }
    xd_free(reversing.made);
    return result;
}

/* ---- a part of what was shipped ---- */

/* A posting of which something is taken back. */
struct part {
    struct xd_job_row job;
    struct xd_job_line_rows before, left; /* owned */
    bool touched;
};

static bool speaks_of(const struct xd_job_line_row *posted, const struct xd_confirmation_line *line) {
    return strcmp(posted->line_id, line->line_id) == 0 &&
           (line->lot == NULL || posted->lot[0] == 0 || strcmp(posted->lot, line->lot) == 0);
}

static enum xd_result take_from(struct back *back, struct part *part, const struct xd_confirmation_line *line,
                                struct xd_decimal *qty) {
    enum xd_result result = XD_OK;
    for (size_t index = part->left.count; index > 0 && result == XD_OK; index--) {
        struct xd_job_line_row *posted = &part->left.rows[index - 1];
        struct xd_decimal taken = xd_decimal_min(*qty, posted->qty);
        struct xd_release_line_row *released = line_of(back, posted->line_id);
        if (!speaks_of(posted, line) || xd_decimal_sign(taken) <= 0) {
            continue;
        }
        part->touched = true;
        result = released == NULL ? XD_CORRUPT : take_back(back, released, posted->sku, taken);
        if (result == XD_OK) {
            result = subtract(&posted->qty, taken);
        }
        posted->unbilled = xd_decimal_min(posted->unbilled, posted->qty);
        if (result == XD_OK) {
            result = subtract(qty, taken);
        }
    }
    return result;
}

/* Whether nothing of the confirmation is left that was posted; only where one release is all that it speaks
 * of can that be told from here. */
static enum xd_result is_gone(struct back *back, const struct xd_confirmation_row *row, bool *gone) {
    struct xd_hub *hub = back->reversing->hub;
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    struct xd_stored stored;
    enum xd_result result = xd_stored_open(hub, row, &stored);
    *gone = result == XD_OK && stored.confirmation.release_count == 1;
    xd_stored_close(&stored);
    if (result == XD_OK) {
        result = store->job_shipments(store->context, back->conduct.order.order_id, xd_job_collect, &jobs);
    }
    for (size_t index = 0; index < jobs.count; index++) {
        const struct xd_job_row *job = &jobs.rows[index];
        bool its = strcmp(job->confirmation_id, row->confirmation_id) == 0 &&
                   strcmp(job->site, row->site) == 0 && job->confirmation_version == row->base;
        *gone = *gone && !(its && !job->reversed && job->state != XD_JOB_WITHDRAWN);
    }
    xd_free(jobs.rows);
    return result;
}

static size_t drop_what_is_gone(struct xd_job_line_rows *left) {
    size_t kept = 0;
    for (size_t index = 0; index < left->count; index++) {
        const struct xd_job_line_row *line = &left->rows[index];
        if (xd_decimal_sign(line->qty) > 0 || line->close) {
            left->rows[kept++] = *line;
        }
    }
    return kept;
}

/* Nothing of the posting is left: what else the confirmation posts may be in the ERP by now. */
static enum xd_result post_nothing(struct back *back, struct xd_confirmation_row *row) {
    struct xd_hub *hub = back->reversing->hub;
    const struct xd_hub_store *store = hub->config.store;
    bool gone = false; /* what it closed stays closed */
    enum xd_result result = is_gone(back, row, &gone);
    if (result == XD_OK && gone) {
        return retire(back->reversing, row, XD_CONFIRMATION_REVERSED);
    }
    if (result == XD_OK && row->jobs_open == 0 && row->state == XD_CONFIRMATION_APPLIED) {
        result = xd_confirmation_posted(hub, row, back->reversing->now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, row) : result;
}

/* What is left of the posting is posted anew, when the posting itself is undone; after: what undoes it; 0:
 * the ERP refused it, and it is not to be done any more. */
static enum xd_result post_rest(struct back *back, struct part *part, int64_t after) {
    struct xd_hub *hub = back->reversing->hub;
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    struct xd_job_row job;
    size_t kept = drop_what_is_gone(&part->left);
    enum xd_result result = xd_confirmation_current(hub, part->job.site, part->job.confirmation_id,
                                                    part->job.confirmation_version, &row);
    if (result != XD_OK) {
        return result;
    }
    row.jobs_open -= after == 0;
    if (kept == 0) {
        return post_nothing(back, &row);
    }
    fill_job(back, &part->job, XD_ERP_SHIPMENT, &job);
    memcpy(job.confirmation_id, part->job.confirmation_id, sizeof job.confirmation_id);
    job.confirmation_version = part->job.confirmation_version;
    job.after = after;
    job.state = after != 0 ? XD_JOB_HELD : XD_JOB_QUEUED;
    row.jobs_open++;
    row.state = XD_CONFIRMATION_APPLIED;
    result = xd_confirmation_reference(hub, &row, job.order_id, back->work.row.release_id, job.reference);
    if (result == XD_OK) {
        result = xd_hub_job_add(hub, &job, part->left.rows, kept);
    }
    return result == XD_OK ? store->confirmation_save(store->context, &row) : result;
}

static enum xd_result finish_part(struct back *back, struct part *part) {
    int64_t number;
    if (!part->touched) {
        return XD_OK;
    }
    enum xd_result result = undo(back, &part->job, &part->before, &number);
    if (result == XD_OK && number == 0) {
        result = xd_job_uncomplain(back->reversing->hub, &part->job, back->reversing->now);
    }
    return result == XD_OK ? post_rest(back, part, number) : result;
}

/* So much of it is there in all. */
static enum xd_result count_shipped(const struct part *parts, size_t count,
                                    const struct xd_confirmation_line *line, struct xd_decimal *sum) {
    enum xd_result result = XD_OK;
    *sum = xd_decimal_of(0);
    for (size_t part = 0; part < count; part++) {
        for (size_t index = 0; index < parts[part].left.count && result == XD_OK; index++) {
            const struct xd_job_line_row *posted = &parts[part].left.rows[index];
            result = speaks_of(posted, line) ? xd_decimal_add(*sum, posted->qty, sum) : XD_OK;
        }
    }
    return result;
}

static enum xd_result load_parts(struct back *back, struct part **out, size_t *count) {
    struct xd_job_rows jobs;
    enum xd_result result = load_postings(back, &jobs);
    struct part *parts = result == XD_OK ? xd_alloc((jobs.count + 1) * sizeof *parts) : NULL;
    *out = parts;
    *count = 0;
    result = result == XD_OK && parts == NULL ? XD_NO_MEMORY : result;
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        struct part *part = &parts[(*count)++];
        memset(part, 0, sizeof *part);
        part->job = jobs.rows[index];
        result = load_lines(back, &part->job, &part->before);
        result = result == XD_OK ? load_lines(back, &part->job, &part->left) : result;
        for (size_t row = 0; row < part->left.count && result == XD_OK; row++) {
            const struct xd_release_line_row *line = line_of(back, part->left.rows[row].line_id);
            result = line != NULL ? xd_posted_in_unit_of(line, &part->left.rows[row]) : XD_OK;
        }
    }
    xd_free(jobs.rows);
    return result;
}

enum xd_result xd_reverse_line(struct xd_reversing *reversing, const struct xd_release_row *release,
                               const struct xd_confirmation_line *line, struct xd_decimal qty) {
    struct back back;
    struct part *parts = NULL;
    struct xd_decimal sum = xd_decimal_of(0);
    size_t count = 0;
    enum xd_result result = open_release(reversing, release, &back);
    if (result == XD_OK) {
        result = load_parts(&back, &parts, &count);
    }
    if (result == XD_OK) {
        result = count_shipped(parts, count, line, &sum);
    }
    bool there = result == XD_OK && xd_decimal_compare(sum, qty) >= 0;
    for (size_t index = count; index > 0 && result == XD_OK && there; index--) {
        result = take_from(&back, &parts[index - 1], line, &qty);
    }
    for (size_t index = 0; index < count && result == XD_OK && there; index++) {
        result = finish_part(&back, &parts[index]);
    }
    for (size_t index = 0; index < count; index++) {
        xd_free(parts[index].before.rows);
        xd_free(parts[index].left.rows);
    }
    xd_free(parts);
    if (result == XD_OK && !there) {
        xd_release_work_close(&back.work);
        xd_conduct_close(&back.conduct);
        return XD_NOT_FOUND;
    }
    return close_release(&back, reversing->cause, result);
}
