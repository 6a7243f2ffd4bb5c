/* What is left of a release after something of it was taken back, or said otherwise.
 *
 * All that ships of a line counts first as what the site had agreed to, then as what it had given up
 * (claim.c), and then as beyond the release. That holds of all its shipments together, not of each: whichever
 * of them is taken back, what was beyond is made good first, and then what was given up.
 *
 * Documents of a site reach the hub out of order: one may say that the rest of a line will not come, or is a
 * backorder, while by the hub's books nothing is left of it, because what takes back the others is still on
 * its way. That word is kept, once, until something is left. It is not for what is left later: a shipment
 * that is taken back then may be followed by another one. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "hub/orchestration/stock.h"

#include <string.h>

/* What was beyond the release is within it, as something is left. Its goods are gone already. */
static enum xd_result make_good(struct xd_conduct *conduct, const struct xd_release_work *work,
                                struct xd_release_line_row *line) {
    struct xd_order_line_row *ordered = xd_conduct_line(conduct, line->line_id);
    struct xd_decimal base;
    if (ordered == NULL) {
        return XD_CORRUPT;
    }
    struct xd_decimal qty =
        xd_decimal_min(xd_release_line_rest(line), xd_decimal_min(line->over, ordered->overshipped));
    if (xd_decimal_sign(qty) <= 0) {
        return XD_OK;
    }
    enum xd_result result = xd_decimal_subtract(line->over, qty, &line->over);
    if (result == XD_OK) {
        result = xd_decimal_subtract(ordered->overshipped, qty, &ordered->overshipped);
    }
    if (result == XD_OK) {
        result = xd_decimal_add(line->shipped, qty, &line->shipped);
    }
    if (result == XD_OK) {
        result = xd_line_move(ordered, XD_POT_RELEASED, XD_POT_SHIPPED, qty);
    }
    if (result == XD_OK) {
        result = xd_decimal_ratio(qty, line->factor_num, line->factor_den, &base);
    }
    if (result == XD_OK) {
        result = xd_stock_unreserve(conduct->hub, work->row.site, line->sku, base);
    }
    line->asked = xd_decimal_min(line->asked, xd_release_line_rest(line));
    line->unwanted = xd_decimal_min(line->unwanted, line->asked);
    return result == XD_OK ? xd_conduct_save_line(conduct, ordered) : result;
}

/* ---- what was said of it ---- */

enum xd_result xd_remainder_give(struct xd_conduct *conduct, struct xd_release_work *work,
                                 struct xd_release_line_row *line, const struct xd_awaiting_row *by,
                                 bool cancels) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_decimal qty = xd_release_line_rest(line);
    struct xd_remainder_row row = {.opened = cancels ? xd_decimal_of(0) : qty,
                                   .cancelled = cancels ? qty : xd_decimal_of(0),
                                   .factor_num = line->factor_num,
                                   .factor_den = line->factor_den};
    memcpy(row.release_id, work->row.release_id, sizeof row.release_id);
    xd_copy(row.line_id, sizeof row.line_id, line->line_id);
    conduct->sale_stale = conduct->sale_stale || cancels;
    enum xd_result result = xd_release_work_give_line_back(conduct, work, line, qty,
                                                           cancels ? XD_POT_CANCELLED : XD_POT_BACKORDERED);
    return result == XD_OK ? store->confirmations.remainder_add(store->context, by->site, by->confirmation_id,
                                                                by->version, &row)
                           : result;
}

struct awaiting {
    struct xd_awaiting_row *rows; /* owned */
    size_t count, capacity;
};

static enum xd_result collect(void *context, const struct xd_awaiting_row *row) {
    struct awaiting *list = context;
    struct xd_awaiting_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

static enum xd_result tell(struct xd_conduct *conduct, const struct xd_awaiting_row *said,
                           struct xd_decimal qty) {
    bool cancels = said->awaits == XD_REMAINDER_CANCEL;
    struct xd_complaint complaint = {.code = cancels ? "SHORT_CLOSED" : "SHORT_BACKORDER",
                                     .info = true,
                                     .site = said->site,
                                     .order_id = conduct->order.order_id,
                                     .release_id = said->release_id,
                                     .line_id = said->line_id,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = said->confirmation_id,
                                     .version = said->version,
                                     .qty = qty,
                                     .detail = cancels ? "The rest of the line will not come."
                                                       : "The rest of the line stays open as a backorder."};
    return xd_hub_complain(conduct->hub, &complaint, conduct->now);
}

static enum xd_result serve(struct xd_conduct *conduct, struct xd_release_work *work,
                            const struct xd_awaiting_row *said) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    bool cancels = said->awaits == XD_REMAINDER_CANCEL || conduct->order.cancelled;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        struct xd_decimal rest = xd_release_line_rest(line);
        if (strcmp(line->line_id, said->line_id) != 0 || xd_decimal_sign(rest) <= 0) {
            continue;
        }
        result = xd_remainder_give(conduct, work, line, said, cancels);
        if (result == XD_OK) {
            result = store->confirmations.remainder_served(store->context, said);
        }
        if (result == XD_OK) {
            result = tell(conduct, said, rest);
        }
    }
    return result;
}

/* The last word counts. */
static enum xd_result serve_all(struct xd_conduct *conduct, struct xd_release_work *work) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct awaiting list = {NULL, 0, 0};
    enum xd_result result =
        xd_release_work_has_rest(work)
            ? store->confirmations.remainder_awaiting(store->context, work->row.release_id, collect, &list)
            : XD_OK;
    for (size_t index = list.count; index > 0 && result == XD_OK; index--) {
        result = serve(conduct, work, &list.rows[index - 1]);
    }
    xd_free(list.rows);
    return result;
}

enum xd_result xd_remainders_even(struct xd_conduct *conduct, struct xd_release_work *work, bool serves,
                                  bool *ended) {
    bool live = xd_release_is_live(&work->row);
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        result = make_good(conduct, work, &work->lines.rows[index]);
    }
    if (result == XD_OK) {
        result = xd_release_work_unclaim(conduct, work);
    }
    if (result == XD_OK && serves) {
        result = serve_all(conduct, work);
    }
    if (result == XD_OK) {
        result = xd_release_work_save_lines(conduct, work);
    }
    work->row.status = xd_release_status_after(&work->row, &work->lines);
    *ended = live && !xd_release_is_live(&work->row) && work->row.cancel == XD_CANCEL_REQUESTED;
    work->row.ack_by = *ended ? 0 : work->row.ack_by;
    return result == XD_OK ? xd_release_work_save(conduct, work) : result;
}

/* ---- a document ---- */

static enum xd_result count(void *context, const struct xd_awaiting_row *row) {
    size_t *found = context;
    (void)row;
    (*found)++;
    return XD_OK;
}

static enum xd_result is_uneven(const struct xd_hub_store *store, const struct xd_match *match, bool *out) {
    const struct xd_order_lines *ordered = &match->order_at->order_lines;
    bool uneven = false, rests = false;
    size_t awaiting = 0;
    for (size_t index = 0; index < match->lines.count; index++) {
        const struct xd_release_line_row *line = &match->lines.rows[index];
        bool beyond = xd_decimal_sign(line->over) > 0 || xd_decimal_sign(line->claimed_open) > 0 ||
                      xd_decimal_sign(line->claimed_cancelled) > 0;
        bool rest = xd_decimal_sign(xd_release_line_rest(line)) > 0;
        uneven = uneven || (beyond && rest);
        rests = rests || rest;
    }
    for (size_t index = 0; index < ordered->count; index++) { /* what a version before it had is open again */
        uneven = uneven || xd_decimal_sign(xd_line_pot(&ordered->rows[index], XD_POT_OPEN)) > 0;
    }
    enum xd_result result =
        rests && !uneven
            ? store->confirmations.remainder_awaiting(store->context, match->row.release_id, count, &awaiting)
            : XD_OK;
    *out = uneven || awaiting > 0;
    return result;
}

static enum xd_result even(struct xd_applying *applying, const struct xd_match *match) {
    struct xd_conduct conduct;
    struct xd_release_work work = {.lines = {NULL, 0, 0}};
    bool ended = false;
    enum xd_result result = xd_conduct_open(&conduct, applying->hub, match->order.order_id, applying->now);
    if (result == XD_OK) {
        result = xd_release_work_open(&conduct, match->row.release_id, &work);
    }
    if (result == XD_OK) {
        result = xd_remainders_even(&conduct, &work, true, &ended);
    }
    xd_release_work_close(&work);
    if (result == XD_OK && xd_conduct_did(&conduct, XD_STEP_RELEASE)) {
        result = xd_conduct_go(&conduct);
    }
    result = xd_conduct_end(&conduct, result);
    return result == XD_OK && ended ? xd_hub_request_over(applying->hub, &match->row, applying->now) : result;
}

enum xd_result xd_applying_even(struct xd_applying *applying) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < applying->release_count && result == XD_OK; index++) {
        bool uneven;
        result = is_uneven(applying->hub->config.store, &applying->releases[index], &uneven);
        if (result == XD_OK && uneven) {
            result = even(applying, &applying->releases[index]);
        }
    }
    return result;
}
