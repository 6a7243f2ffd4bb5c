/* One release of a confirmation that is taken back: its quantities go back to where they came from, what it
 * was posted by is undone, and what is left of it is evened out. */
#include "hub/confirmations/taking_back.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/events/events.h"
#include "hub/orchestration/stock.h"

#include <stdio.h>
#include <string.h>

struct xd_release_line_row *xd_back_line(struct xd_back *back, const char *line_id) {
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
static enum xd_result stock_back(struct xd_back *back, const struct xd_release_line_row *line,
                                 const char *sku, struct xd_decimal qty, struct xd_decimal promised) {
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
bool xd_back_stays_with_site(const struct xd_back *back) {
    const struct xd_release_row *row = &back->work.row;
    return back->conduct.order.cancelled && !(row->cancel == XD_CANCEL_REQUESTED && row->whole);
}

/* What has shipped instead is said next, of what had shipped before the order was cancelled. */
static bool restates(const struct xd_back *back) {
    int kind = back->reversing->cause->kind;
    return kind != XD_KIND_VOID && kind != XD_KIND_REVERSAL;
}

/* qty of the line has not shipped after all; sku: what was there instead. */
enum xd_result xd_back_take(struct xd_back *back, struct xd_release_line_row *line, const char *sku,
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
    if (result == XD_OK && back->conduct.order.cancelled && !xd_back_stays_with_site(back) &&
        xd_decimal_sign(rest) > 0) {
        back->conduct.sale_stale = true; /* nobody wants it */
        result = xd_release_work_give_line_back(&back->conduct, &back->work, line, rest, XD_POT_CANCELLED);
    }
    return result == XD_OK ? xd_conduct_save_line(&back->conduct, ordered) : result;
}

/* But not what a document has left out since: the site does not know any more that it was to ship that. */
static enum xd_result reclaim(struct xd_back *back, struct xd_release_line_row *line,
                              struct xd_order_line_row *ordered, enum xd_pot pot, struct xd_decimal *most) {
    struct xd_decimal qty, base;
    enum xd_result result = xd_decimal_subtract(line->closed, line->left_out, &qty);
    qty = xd_decimal_min(qty, xd_decimal_min(*most, xd_line_pot(ordered, pot)));
    if (result != XD_OK || xd_decimal_sign(qty) <= 0) {
        return result;
    }
    result = xd_line_move(ordered, pot, XD_POT_RELEASED, qty);
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
enum xd_result xd_back_restore(struct xd_back *back, const struct xd_remainder_row *row) {
    struct xd_release_line_row *line = xd_back_line(back, row->line_id);
    struct xd_order_line_row *ordered = xd_conduct_line(&back->conduct, row->line_id);
    struct xd_decimal cancelled, opened;
    if (line == NULL || ordered == NULL) {
        return XD_CORRUPT;
    }
    if (remainder_of(line, ordered, row, &cancelled, &opened) != XD_OK) {
        return XD_CORRUPT;
    }
    if (back->conduct.order.cancelled && !(xd_back_stays_with_site(back) && restates(back))) {
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

void xd_back_fill_job(const struct xd_back *back, const struct xd_job_row *of, enum xd_erp_kind kind,
                      struct xd_job_row *job) {
    memset(job, 0, sizeof *job);
    job->kind = kind;
    xd_hub_job_of(back->reversing->hub, &back->conduct.order, back->reversing->now, job);
    memcpy(job->erp, of->erp, sizeof job->erp);
    memcpy(job->site, of->site, sizeof job->site);
    job->at = of->at;
}

/* The ERP refused it, as far as a hub knows that was set back: it may have been tried again since, with
 * success. So it is looked for. */
static enum xd_result look_for_refused(struct xd_back *back, struct xd_job_row *posting) {
    struct xd_hub *hub = back->reversing->hub;
    xd_ms set_back = 0;
    enum xd_result result = XD_OK;
    if (posting->state == XD_JOB_REJECTED && !back->reversing->renews) {
        result = xd_hub_set_back_at(hub, posting->site, &set_back);
    }
    if (result == XD_OK && posting->sent_at < set_back) {
        posting->state = XD_JOB_UNKNOWN;
        posting->due_at = back->reversing->now.wall;
        posting->waits = false;
        xd_hub_job_comes(hub, XD_JOB_UNKNOWN);
    }
    return result;
}

/* *number: of the reversal; 0: the ERP refused the posting, so there is nothing to undo. */
enum xd_result xd_back_undo(struct xd_back *back, struct xd_job_row *posting,
                            const struct xd_job_line_rows *lines, int64_t *number) {
    struct xd_reversing *reversing = back->reversing;
    const struct xd_hub_store *store = reversing->hub->config.store;
    struct xd_job_row job;
    *number = 0;
    enum xd_result result = look_for_refused(back, posting);
    bool refused = posting->state == XD_JOB_REJECTED;
    posting->reversed = !reversing->renews;
    posting->state = refused ? XD_JOB_WITHDRAWN : posting->state;
    result = result == XD_OK ? store->job_save(store->context, posting) : result;
    if (result != XD_OK || refused) {
        return result;
    }
    xd_back_fill_job(back, posting, XD_ERP_REVERSAL, &job);
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

enum xd_result xd_back_lines(struct xd_back *back, const struct xd_job_row *job,
                             struct xd_job_line_rows *out) {
    const struct xd_hub_store *store = back->reversing->hub->config.store;
    *out = (struct xd_job_line_rows){NULL, 0, 0};
    return store->job_lines(store->context, job->number, xd_job_line_collect, out);
}

/* The postings of the order that count, of this release. */
enum xd_result xd_back_postings(struct xd_back *back, struct xd_job_rows *out) {
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
        result = xd_back_lines(back, job, &lines);
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

enum xd_result xd_back_open(struct xd_reversing *reversing, const struct xd_release_row *release,
                            struct xd_back *back) {
    memset(back, 0, sizeof *back);
    back->reversing = reversing;
    enum xd_result result =
        xd_conduct_open(&back->conduct, reversing->hub, release->order_id, reversing->now);
    return result == XD_OK ? xd_release_work_open(&back->conduct, release->release_id, &back->work) : result;
}

static enum xd_result tell(struct xd_back *back, const struct xd_confirmation_row *row) {
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
    back->conduct.told = true;
    return xd_hub_event(back->reversing->hub, &order, XD_EVENT_CHANGED, back->reversing->now,
                        "\"release_id\":\"%s\",\"reversed_confirmation_id\":%s", back->work.row.release_id,
                        id);
}

static bool is_void(const struct xd_back *back) {
    return back->reversing->cause->kind == XD_KIND_VOID;
}

/* Whoever has lines of its own may claim again what is open now: it is placed when they are applied. */
static bool places(const struct xd_back *back) {
    return is_void(back) && xd_conduct_did(&back->conduct, XD_STEP_RELEASE);
}

/* What was done to it is stored, and its order goes on. row: what was taken back, of which this is told. */
enum xd_result xd_back_close(struct xd_back *back, const struct xd_confirmation_row *row,
                             enum xd_result result) {
    struct xd_hub *hub = back->reversing->hub;
    struct xd_now now = back->reversing->now;
    struct xd_release_row release;
    bool ended = false;
    if (result == XD_OK) {
        result = xd_remainders_even(&back->conduct, &back->work, is_void(back), &ended);
    }
    if (result == XD_OK && xd_back_stays_with_site(back) && !restates(back)) {
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
