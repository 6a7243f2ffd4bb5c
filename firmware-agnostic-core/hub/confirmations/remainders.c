/* What is left of a release after something of it was taken back, or said otherwise.
 *
 * All that ships of a line counts first as what the site had agreed to, then as what it had given up
 * (claim.c), and then as beyond the release. That holds of all its shipments together, not of each: whichever
 * of them is taken back, what was beyond is made good first, and then what was given up. */
#include "hub/confirmations/applying.h"

#include "hub/orchestration/stock.h"

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

enum xd_result xd_remainders_even(struct xd_conduct *conduct, struct xd_release_work *work, bool *ended) {
    bool live = xd_release_is_live(&work->row);
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        result = make_good(conduct, work, &work->lines.rows[index]);
    }
    if (result == XD_OK) {
        result = xd_release_work_unclaim(conduct, work);
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

static bool is_uneven(const struct xd_match *match) {
    const struct xd_order_lines *ordered = &match->order_at->order_lines;
    bool uneven = false;
    for (size_t index = 0; index < match->lines.count; index++) {
        const struct xd_release_line_row *line = &match->lines.rows[index];
        bool beyond = xd_decimal_sign(line->over) > 0 || xd_decimal_sign(line->claimed_open) > 0 ||
                      xd_decimal_sign(line->claimed_cancelled) > 0;
        uneven = uneven || (beyond && xd_decimal_sign(xd_release_line_rest(line)) > 0);
    }
    for (size_t index = 0; index < ordered->count; index++) { /* what a version before it had is open again */
        uneven = uneven || xd_decimal_sign(xd_line_pot(&ordered->rows[index], XD_POT_OPEN)) > 0;
    }
    return uneven;
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
        result = xd_remainders_even(&conduct, &work, &ended);
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
        if (is_uneven(&applying->releases[index])) {
            result = even(applying, &applying->releases[index]);
        }
    }
    return result;
}
