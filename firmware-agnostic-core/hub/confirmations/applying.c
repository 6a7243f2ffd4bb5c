/* What one line of a confirmation does to the release, the order, the stock and the posting. */
#include "hub/confirmations/applying.h"

#include "base/mutant.h"
#include "hub/orchestration/quantities.h"
#include "hub/orchestration/stock.h"

#include <string.h>

static enum xd_result add(struct xd_decimal *sum, struct xd_decimal value) {
    return xd_decimal_add(*sum, value, sum);
}

static enum xd_result move(struct xd_decimal *from, struct xd_decimal *to, struct xd_decimal value) {
    enum xd_result result = xd_decimal_subtract(*from, value, from);
    return result == XD_OK ? add(to, value) : result;
}

/* What is left of the line goes where the site says; but what nobody wants any more is cancelled. */
static enum xd_result move_remainder(struct xd_release_line_row *released, struct xd_order_line_row *ordered,
                                     const struct xd_line_decision *decision, bool wanted) {
    bool opens = decision->remainder == XD_REMAINDER_OPEN && wanted;
    struct xd_decimal cancelled = opens ? xd_decimal_min(released->unwanted, decision->rest) : decision->rest;
    struct xd_decimal opened;
    enum xd_result result = xd_decimal_subtract(decision->rest, cancelled, &opened);
    if (result == XD_OK) {
        result = add(&released->closed, decision->rest);
    }
    if (result == XD_OK) {
        result = move(&ordered->released, &ordered->cancelled, cancelled);
    }
    if (result == XD_OK) {
        result = move(&ordered->released, &ordered->open, opened);
    }
    return result == XD_OK ? add(&ordered->backordered, opened) : result;
}

/* wanted: the order was not cancelled. */
static enum xd_result move_quantities(struct xd_release_line_row *released, struct xd_order_line_row *ordered,
                                      const struct xd_line_decision *decision, bool wanted) {
    enum xd_result result = add(&released->shipped, decision->shipped);
    if (result == XD_OK) {
        result = add(&released->over, decision->over);
    }
    if (result == XD_OK) {
        result = XD_MUTANT(QUANTITY_NOT_MOVED)
                     ? add(&ordered->shipped, decision->shipped)
                     : move(&ordered->released, &ordered->shipped, decision->shipped);
    }
    if (result == XD_OK) {
        result = add(&ordered->overshipped, decision->over);
    }
    if (result == XD_OK && decision->remainder != XD_REMAINDER_KEEP) {
        result = move_remainder(released, ordered, decision, wanted);
    }
    released->asked = xd_decimal_min(released->asked, xd_release_line_rest(released));
    released->unwanted = xd_decimal_min(released->unwanted, released->asked);
    return result;
}

/* The ERP closes a line whole: while anything else of it may ship, the sale is changed instead. */
static enum xd_result post_line(struct xd_match *match, const struct xd_release_line_row *released,
                                const struct xd_order_line_row *ordered, bool cancelled,
                                const struct xd_line_decision *decision) {
    bool over = xd_decimal_is_zero(ordered->open) && xd_decimal_is_zero(ordered->allocated) &&
                xd_decimal_is_zero(ordered->released);
    bool close = cancelled && over;
    match->sale_stale = match->sale_stale || (cancelled && !over);
    struct xd_job_line_row *line = &match->posting[match->posting_count];
    memset(line, 0, sizeof *line);
    struct xd_decimal excess = XD_MUTANT(OVERSHIPMENT_DROPPED) ? xd_decimal_of(0) : decision->over;
    enum xd_result result = xd_decimal_add(decision->shipped, excess, &line->qty);
    if (result == XD_OK && xd_decimal_is_zero(line->qty) && !close) {
        return XD_OK; /* nothing was shipped and more may come: no news for the ERP */
    }
    if (result == XD_OK) {
        memcpy(line->release_id, match->row.release_id, sizeof line->release_id);
        memcpy(line->line_id, released->line_id, sizeof line->line_id);
        memcpy(line->sku, released->sku, sizeof line->sku);
        memcpy(line->uom, released->uom, sizeof line->uom);
        line->factor_num = released->factor_num;
        line->factor_den = released->factor_den;
        line->unbilled = decision->unbilled;
        line->close = close;
        match->posting_count++;
    }
    return result;
}

/* What left the site is not there any more, and what will not be shipped on this release is not promised. */
static enum xd_result move_stock(struct xd_applying *applying, const struct xd_match *match,
                                 const struct xd_release_line_row *released,
                                 const struct xd_line_decision *decision) {
    struct xd_hub *hub = applying->hub;
    struct xd_decimal shipped = decision->shipped, left, base;
    enum xd_result result = xd_decimal_add(decision->shipped, decision->over, &left);
    if (result == XD_OK) {
        result = xd_decimal_ratio(left, released->factor_num, released->factor_den, &left);
    }
    if (result == XD_OK) {
        result = xd_decimal_ratio(shipped, released->factor_num, released->factor_den, &shipped);
    }
    if (result == XD_OK && xd_decimal_sign(left) > 0) {
        result = xd_stock_ship(hub, match->row.site, released->sku, left, shipped);
    }
    if (result == XD_OK && decision->remainder != XD_REMAINDER_KEEP && xd_decimal_sign(decision->rest) > 0) {
        result = xd_decimal_ratio(decision->rest, released->factor_num, released->factor_den, &base);
        result = result == XD_OK ? xd_stock_unreserve(hub, match->row.site, released->sku, base) : result;
    }
    return result;
}

static enum xd_result apply_decision(struct xd_applying *applying, struct xd_match *match,
                                     struct xd_release_line_row *released,
                                     const struct xd_line_decision *decision) {
    const struct xd_hub_store *store = applying->hub->config.store;
    struct xd_order_line_row *ordered = xd_match_order_line(match, released->line_id);
    if (ordered == NULL) {
        return XD_CORRUPT;
    }
    struct xd_release_line_row released_then = *released;
    struct xd_order_line_row ordered_then = *ordered;
    bool cancelled = false;
    enum xd_result result = move_quantities(&released_then, &ordered_then, decision, !match->order.cancelled);
    if (result == XD_OK) {
        cancelled = xd_decimal_compare(ordered_then.cancelled, ordered->cancelled) > 0;
        *released = released_then;
        *ordered = ordered_then;
        result = store->release_line_save(store->context, match->row.release_id, released);
    }
    if (result == XD_OK) {
        result = store->order_line_save(store->context, match->order.order_id, ordered);
    }
    if (result == XD_OK) {
        result = post_line(match, released, ordered, cancelled, decision);
    }
    if (result == XD_OK) {
        result = move_stock(applying, match, released, decision);
    }
    if (result == XD_OK && decision->code != NULL) {
        result = xd_applying_complain(applying, match, released->line_id, decision->rest, decision->code,
                                      decision->info, decision->detail);
    }
    return result;
}

/* Whether the document speaks of the same line of the same release again after `from`. */
static bool speaks_again(struct xd_applying *applying, const struct xd_match *match, size_t from) {
    const struct xd_confirmation *confirmation = applying->confirmation;
    for (size_t index = from + 1; index < confirmation->line_count; index++) {
        if (strcmp(confirmation->lines[index].line_id, confirmation->lines[from].line_id) == 0 &&
            xd_match_of_line(applying, &confirmation->lines[index]) == match) {
            return true;
        }
    }
    return false;
}

static enum xd_result park_line(struct xd_applying *applying, const struct xd_match *match,
                                const struct xd_confirmation_line *line, const char *code,
                                const char *detail) {
    applying->row->lines_parked++;
    applying->hub->counters.lines_parked++;
    return xd_applying_complain(applying, match, line->line_id, line->qty_shipped, code, false, detail);
}

enum xd_result xd_applying_line(struct xd_applying *applying, size_t index) {
    const struct xd_confirmation_line *line = &applying->confirmation->lines[index];
    struct xd_match *match = xd_match_of_line(applying, line);
    struct xd_release_line_row *released = xd_match_line(match, line->line_id);
    struct xd_line_decision decision;
    enum xd_result result = xd_reconcile_line(
        released, line, released != NULL && speaks_again(applying, match, index),
        (enum xd_confirmation_kind)applying->confirmation->kind, &applying->hub->config.policies, &decision);
    if (result == XD_OK && decision.park) {
        return park_line(applying, match, line, decision.code, decision.detail);
    }
    if (result == XD_OK) {
        result = apply_decision(applying, match, released, &decision);
    }
    if (result == XD_INVALID) { /* sums that do not fit a decimal: nothing was changed */
        return park_line(applying, match, line, "QUANTITY_OUT_OF_RANGE",
                         "The quantity cannot be added to what was shipped before.");
    }
    applying->row->lines_applied += result == XD_OK;
    return result;
}

static bool listed(struct xd_applying *applying, const struct xd_match *match, const char *line_id) {
    for (size_t index = 0; index < applying->confirmation->line_count; index++) {
        const struct xd_confirmation_line *line = &applying->confirmation->lines[index];
        if (strcmp(line->line_id, line_id) == 0 && xd_match_of_line(applying, line) == match) {
            return true;
        }
    }
    return false;
}

/* A full report that says nothing of a line says that none of it was shipped. */
enum xd_result xd_applying_unlisted(struct xd_applying *applying, struct xd_match *match) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < match->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *released = &match->lines.rows[index];
        struct xd_line_decision decision;
        if (listed(applying, match, released->line_id)) {
            continue;
        }
        result = xd_reconcile_unlisted(released, &applying->hub->config.policies, &decision);
        if (result == XD_OK && decision.remainder != XD_REMAINDER_KEEP) {
            result = apply_decision(applying, match, released, &decision);
        }
    }
    return result;
}
