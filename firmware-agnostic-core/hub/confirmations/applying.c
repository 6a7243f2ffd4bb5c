/* What one line of a confirmation does to the release, the order, the stock and the posting. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/orchestration/quantities.h"
#include "hub/orchestration/stock.h"

#include <stdio.h>
#include <string.h>

#define LOTS_NAMED ((size_t)3) /* in words */

/* What a line says, looked up. */
struct said {
    struct xd_line_facts facts;
    const struct xd_order_line_row *ordered;
    char sku[XD_NAME_SIZE];          /* that was shipped */
    struct xd_lot lots[XD_LOTS_MAX]; /* by the cartons, in the release's unit */
    size_t lot_count;
    /* A lot that may not be sold, and why: the document's or static text; NULL: none is named. */
    const char *bad_lot, *bad_why;
};

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

/* One more line of the posting; NULL: no memory. */
static struct xd_job_line_row *add_posting(struct xd_match *match) {
    struct xd_job_line_row *lines =
        xd_grow(match->posting, match->posting_count, &match->posting_capacity, sizeof *lines);
    if (lines == NULL) {
        return NULL;
    }
    match->posting = lines;
    memset(&lines[match->posting_count], 0, sizeof *lines);
    return &lines[match->posting_count++];
}

static void fill_posting(const struct xd_match *match, const struct xd_release_line_row *released,
                         const struct said *said, struct xd_job_line_row *line) {
    memcpy(line->release_id, match->row.release_id, sizeof line->release_id);
    memcpy(line->line_id, released->line_id, sizeof line->line_id);
    memcpy(line->sku, released->sku, sizeof line->sku);
    memcpy(line->uom, released->uom, sizeof line->uom);
    line->factor_num = released->factor_num;
    line->factor_den = released->factor_den;
    if (said != NULL && said->facts.item == XD_ITEM_SUBSTITUTE) {
        memcpy(line->sku, said->sku, sizeof line->sku);
        memcpy(line->ordered_sku, released->sku, sizeof line->ordered_sku);
    }
}

/* A line of one lot, or of none that is known. What is not billed is taken from the last ones. */
static enum xd_result post_lots(struct xd_match *match, const struct xd_release_line_row *released,
                                const struct said *said, struct xd_decimal qty, struct xd_decimal unbilled,
                                bool close) {
    size_t first = match->posting_count;
    for (size_t lot = 0; lot == 0 || lot < said->lot_count; lot++) {
        struct xd_job_line_row *line = add_posting(match);
        if (line == NULL) {
            return XD_NO_MEMORY;
        }
        fill_posting(match, released, said, line);
        line->qty = said->lot_count > 0 ? said->lots[lot].qty : qty;
        const char *name = said->lot_count > 0 ? said->lots[lot].lot : said->facts.line->lot;
        xd_copy(line->lot, sizeof line->lot, name);
    }
    match->posting[match->posting_count - 1].close = close;
    enum xd_result result = XD_OK;
    for (size_t index = match->posting_count; index > first && result == XD_OK; index--) {
        struct xd_job_line_row *line = &match->posting[index - 1];
        line->unbilled = xd_decimal_min(unbilled, line->qty);
        result = xd_decimal_subtract(unbilled, line->unbilled, &unbilled);
    }
    return result;
}

/* The ERP closes a line whole: while anything else of it may ship, the sale is changed instead. said: NULL:
 * the document does not speak of the line. */
static enum xd_result post_line(struct xd_match *match, const struct xd_release_line_row *released,
                                const struct xd_order_line_row *ordered, bool cancelled,
                                const struct xd_line_decision *decision, const struct said *said) {
    bool over = xd_decimal_is_zero(ordered->open) && xd_decimal_is_zero(ordered->allocated) &&
                xd_decimal_is_zero(ordered->released) && !xd_conduct_knows_part(&match->order);
    bool close = cancelled && over;
    match->sale_stale = match->sale_stale || (cancelled && !over);
    struct xd_decimal excess = XD_MUTANT(OVERSHIPMENT_DROPPED) ? xd_decimal_of(0) : decision->over, qty;
    enum xd_result result = xd_decimal_add(decision->shipped, excess, &qty);
    if (result != XD_OK || (xd_decimal_is_zero(qty) && !close)) {
        return result; /* nothing was shipped and more may come: no news for the ERP */
    }
    if (said != NULL) {
        return post_lots(match, released, said, qty, decision->unbilled, close);
    }
    struct xd_job_line_row *line = add_posting(match);
    if (line == NULL) {
        return XD_NO_MEMORY;
    }
    fill_posting(match, released, NULL, line);
    line->qty = qty;
    line->close = close;
    return XD_OK;
}

/* What left the site is not there any more, and what will not be shipped on this release is not promised. */
static enum xd_result move_stock(struct xd_applying *applying, const struct xd_match *match,
                                 const struct xd_release_line_row *released,
                                 const struct xd_line_decision *decision, const struct said *said) {
    struct xd_hub *hub = applying->hub;
    struct xd_decimal shipped = decision->shipped, left, base;
    bool substitute = said != NULL && said->facts.item == XD_ITEM_SUBSTITUTE;
    enum xd_result result = xd_decimal_add(decision->shipped, decision->over, &left);
    if (result == XD_OK) {
        result = xd_decimal_ratio(left, released->factor_num, released->factor_den, &left);
    }
    if (result == XD_OK) {
        result = xd_decimal_ratio(shipped, released->factor_num, released->factor_den, &shipped);
    }
    if (result == XD_OK && xd_decimal_sign(left) > 0) {
        result = xd_stock_ship(hub, match->row.site, substitute ? said->sku : released->sku, left,
                               substitute ? xd_decimal_of(0) : shipped);
    }
    if (result == XD_OK && substitute && xd_decimal_sign(shipped) > 0) {
        result = xd_stock_unreserve(hub, match->row.site, released->sku, shipped);
    }
    if (result == XD_OK && decision->remainder != XD_REMAINDER_KEEP && xd_decimal_sign(decision->rest) > 0) {
        result = xd_decimal_ratio(decision->rest, released->factor_num, released->factor_den, &base);
        result = result == XD_OK ? xd_stock_unreserve(hub, match->row.site, released->sku, base) : result;
    }
    return result;
}

/* What was done to the remainder, for whoever takes it back; or what was said of one that there is not. */
static enum xd_result keep_remainder(struct xd_applying *applying, const struct xd_match *match,
                                     const struct xd_release_line_row *released,
                                     const struct xd_line_decision *decision, struct xd_decimal cancelled) {
    const struct xd_hub_store *store = applying->hub->config.store;
    const struct xd_confirmation_row *row = applying->row;
    struct xd_remainder_row remainder = {
        .cancelled = cancelled, .factor_num = released->factor_num, .factor_den = released->factor_den};
    bool settled = decision->remainder != XD_REMAINDER_KEEP && xd_decimal_sign(decision->rest) > 0;
    if (!settled && decision->said == XD_REMAINDER_KEEP) {
        return XD_OK;
    }
    remainder.awaits = settled ? XD_REMAINDER_KEEP : (int)decision->said;
    memcpy(remainder.release_id, match->row.release_id, sizeof remainder.release_id);
    memcpy(remainder.line_id, released->line_id, sizeof remainder.line_id);
    enum xd_result result =
        settled ? xd_decimal_subtract(decision->rest, cancelled, &remainder.opened) : XD_OK;
    return result == XD_OK ? store->confirmations.remainder_add(store->context, row->site,
                                                                row->confirmation_id, row->base, &remainder)
                           : result;
}

/* ---- in words ---- */

/* ", lot A" of the line, or ", lots A (7 EA), B (3 EA)" of its cartons. */
static void write_lots(const struct said *said, const char *uom, struct xd_buffer *out) {
    char qty[XD_DECIMAL_TEXT_MAX];
    if (said->lot_count == 0 && said->facts.line->lot != NULL) {
        xd_buffer_format(out, ", lot %.64s", said->facts.line->lot);
    }
    for (size_t index = 0; index < said->lot_count && index < LOTS_NAMED; index++) {
        const struct xd_lot *lot = &said->lots[index];
        xd_buffer_format(out, "%s%.64s (%s %s)", index == 0 ? ", lots " : ", ",
                         lot->lot != NULL ? lot->lot : "not named", xd_decimal_write(lot->qty, qty), uom);
    }
    if (said->lot_count > LOTS_NAMED) {
        xd_buffer_format(out, " and %zu more", said->lot_count - LOTS_NAMED);
    }
}

static void write_bad_lot(const struct said *said, struct xd_buffer *out) {
    if (said->bad_why == NULL) { /* the site's own word */
        xd_buffer_format(out, "; status %.32s",
                         said->facts.line->status != NULL ? said->facts.line->status : "none");
    } else if (said->bad_lot != NULL) {
        xd_buffer_format(out, "; lot %.64s is %.40s", said->bad_lot, said->bad_why);
    } else {
        xd_buffer_format(out, "; it is %.40s", said->bad_why);
    }
}

/* What the goods were, where a person has to look for them: the line, the item, the lots, the quantities.
 * said: NULL: the document does not speak of the line, and the note says all. */
static void describe(const struct xd_line_note *note, const struct said *said,
                     const struct xd_release_line_row *released, const struct xd_line_decision *decision,
                     char out[XD_EXCEPTION_DETAIL_SIZE]) {
    bool over = strcmp(note->code, "OVERSHIP") == 0, bad = strcmp(note->code, "RECALLED_LOT_SHIPPED") == 0;
    char qty[XD_DECIMAL_TEXT_MAX];
    struct xd_buffer text;
    xd_copy(out, XD_EXCEPTION_DETAIL_SIZE, note->detail);
    if (said == NULL || (!over && !bad)) {
        return;
    }
    xd_buffer_init(&text, 0);
    xd_buffer_format(&text, "Line %.64s, %.64s: %s %s", released->line_id, said->sku,
                     xd_decimal_write(said->facts.qty, qty), released->uom);
    write_lots(said, released->uom, &text);
    if (over) {
        xd_buffer_format(&text, "; %s %s", xd_decimal_write(decision->over, qty), released->uom);
        xd_buffer_format(&text, " beyond the %s released", xd_decimal_write(released->qty, qty));
        if (xd_decimal_sign(released->closed) > 0) {
            xd_buffer_format(&text, ", of which %s were not to come any more",
                             xd_decimal_write(released->closed, qty));
        }
    } else {
        write_bad_lot(said, &text);
    }
    xd_buffer_format(&text, ". %s", note->detail);
    if (xd_buffer_result(&text) == XD_OK) {
        struct xd_bytes whole = xd_buffer_view(&text);
        size_t size = xd_utf8_prefix(whole.size < XD_EXCEPTION_DETAIL_SIZE
                                         ? whole
                                         : xd_bytes_of(whole.data, XD_EXCEPTION_DETAIL_SIZE - 1));
        memcpy(out, whole.data, size);
        out[size] = 0;
    }
    xd_buffer_free(&text);
}

static enum xd_result tell_notes(struct xd_applying *applying, const struct xd_match *match,
                                 const struct xd_release_line_row *released,
                                 const struct xd_line_decision *decision, const struct said *said) {
    enum xd_result result = XD_OK;
    char detail[XD_EXCEPTION_DETAIL_SIZE];
    for (size_t index = 0; index < decision->note_count && result == XD_OK; index++) {
        const struct xd_line_note *note = &decision->notes[index];
        describe(note, said, released, decision, detail);
        result = xd_applying_complain(applying, match, released->line_id, decision->rest, note->code,
                                      note->info, detail);
    }
    return result;
}

static enum xd_result apply_decision(struct xd_applying *applying, struct xd_match *match,
                                     struct xd_release_line_row *released,
                                     const struct xd_line_decision *decision, const struct said *said) {
    const struct xd_hub_store *store = applying->hub->config.store;
    struct xd_order_line_row *ordered = xd_match_order_line(match, released->line_id);
    if (ordered == NULL) {
        return XD_CORRUPT;
    }
    struct xd_release_line_row released_then = *released;
    struct xd_order_line_row ordered_then = *ordered;
    struct xd_decimal cancelled = xd_decimal_of(0);
    enum xd_result result = move_quantities(&released_then, &ordered_then, decision, !match->order.cancelled);
    if (result == XD_OK) {
        result = xd_decimal_subtract(ordered_then.cancelled, ordered->cancelled, &cancelled);
    }
    if (result == XD_OK) {
        *released = released_then;
        *ordered = ordered_then;
        result = store->release_line_save(store->context, match->row.release_id, released);
    }
    if (result == XD_OK) {
        result = store->order_line_save(store->context, match->order.order_id, ordered);
    }
    if (result == XD_OK) {
        result = post_line(match, released, ordered, xd_decimal_sign(cancelled) > 0, decision, said);
    }
    if (result == XD_OK) {
        result = move_stock(applying, match, released, decision, said);
    }
    if (result == XD_OK) {
        result = keep_remainder(applying, match, released, decision, cancelled);
    }
    return result == XD_OK ? tell_notes(applying, match, released, decision, said) : result;
}

/* Whether the document speaks of the same line of the same release again after `from`. */
static bool speaks_again(struct xd_applying *applying, const struct xd_match *match, size_t from) {
    const struct xd_confirmation *confirmation = applying->confirmation;
    for (size_t index = from + 1; index < confirmation->line_count; index++) {
        if (strcmp(confirmation->lines[index].line_id, confirmation->lines[from].line_id) == 0 &&
            !confirmation->lines[index].reversal &&
            xd_match_of_line(applying, &confirmation->lines[index]) == match) {
            return true;
        }
    }
    return false;
}

/* ---- what a line says ---- */

static enum xd_result check_serials(const struct xd_applying *applying, struct said *said) {
    const struct xd_line_facts *facts = &said->facts;
    struct xd_decimal base;
    if (!said->ordered->serials || !facts->converts || xd_decimal_sign(facts->qty) <= 0) {
        return XD_OK;
    }
    enum xd_result result =
        xd_decimal_ratio(facts->qty, facts->release->factor_num, facts->release->factor_den, &base);
    said->facts.serials_wrong =
        result == XD_OK && xd_facts_serials_wrong(facts->line, base, &applying->cartons);
    return result;
}

/* Where it had not expired before. */
static enum xd_result check_recalled(const struct xd_applying *applying, struct said *said) {
    const char *lot = NULL;
    enum xd_result result =
        xd_facts_recalled(applying->hub, said->facts.line, said->sku, &applying->cartons, &lot);
    if (lot != NULL) {
        said->facts.blocked = true;
        said->bad_lot = lot;
        said->bad_why = "recalled";
    }
    return result;
}

/* Lots in the cartons count in the line's unit. */
static enum xd_result read_lots(struct xd_applying *applying, struct said *said) {
    const struct xd_confirmation_line *line = said->facts.line;
    enum xd_result result = XD_OK;
    bool converts = said->facts.converts;
    xd_facts_lots(line, &applying->cartons, said->lots, &said->lot_count);
    for (size_t index = 0; index < said->lot_count && result == XD_OK && converts; index++) {
        struct xd_confirmation_line part = *line;
        part.qty_shipped = said->lots[index].qty;
        result = xd_confirmed_qty(applying->hub, said->facts.release, said->ordered, &part, said->sku,
                                  &converts, &said->lots[index].qty);
    }
    said->lot_count = converts ? said->lot_count : 0;
    return result;
}

/* match: NULL, or the release that has it. */
static enum xd_result read_facts(struct xd_applying *applying, struct xd_match *match, size_t index,
                                 struct said *said) {
    const struct xd_confirmation *confirmation = applying->confirmation;
    const struct xd_confirmation_line *line = &confirmation->lines[index];
    struct xd_line_facts *facts = &said->facts;
    memset(said, 0, sizeof *said);
    facts->release = xd_match_line(match, line->line_id);
    facts->line = line;
    facts->kind = (enum xd_confirmation_kind)confirmation->kind;
    said->ordered = facts->release != NULL ? xd_match_order_line(match, line->line_id) : NULL;
    if (said->ordered == NULL) {
        return facts->release != NULL ? XD_CORRUPT : XD_OK;
    }
    facts->more = speaks_again(applying, match, index);
    facts->blocked = xd_facts_expired(confirmation, line, &applying->cartons, &said->bad_lot);
    said->bad_why = facts->blocked ? "expired" : NULL;
    enum xd_result result = xd_facts_item(applying->hub, facts->release, line, &facts->item, said->sku);
    if (result == XD_OK && facts->item == XD_ITEM_SUBSTITUTE) {
        result = xd_match_substitutes(applying, match, &facts->may_substitute);
        facts->may_substitute =
            facts->may_substitute ||
            (applying->accepts != NULL && strcmp(applying->accepts, "UNAUTHORISED_SUBSTITUTE") == 0);
    }
    if (result == XD_OK) {
        result = xd_confirmed_qty(applying->hub, facts->release, said->ordered, line, said->sku,
                                  &facts->converts, &facts->qty);
    }
    if (result == XD_OK) {
        result = check_recalled(applying, said);
    }
    if (result == XD_OK) {
        result = check_serials(applying, said);
    }
    return result == XD_OK ? read_lots(applying, said) : result;
}

static enum xd_result decide(struct xd_applying *applying, struct xd_match *match, size_t index,
                             struct said *said, struct xd_line_decision *decision) {
    enum xd_result result = read_facts(applying, match, index, said);
    struct xd_policies policies = match != NULL ? match->policies : applying->hub->config.policies;
    if (result == XD_OK && match != NULL && xd_reconcile_is_over(&said->facts)) {
        result = xd_match_tolerance(applying, match, &policies.over_tolerance_pct);
    }
    return result == XD_OK ? xd_reconcile_line(&said->facts, &policies, decision) : result;
}

enum xd_result xd_applying_parks(struct xd_applying *applying, size_t index, bool *parks) {
    struct xd_line_decision decision = {.park = false};
    struct xd_match *match = xd_match_of_line(applying, &applying->confirmation->lines[index]);
    struct said *said = xd_alloc(sizeof *said);
    enum xd_result result = said == NULL ? XD_NO_MEMORY : decide(applying, match, index, said, &decision);
    *parks = decision.park || result == XD_INVALID;
    xd_free(said);
    return result == XD_INVALID ? XD_OK : result;
}

static enum xd_result park_line(struct xd_applying *applying, const struct xd_match *match, size_t index,
                                const struct said *said, const struct xd_line_decision *decision) {
    const struct xd_line_note *why = &decision->notes[0];
    char cause[XD_CAUSE_SIZE] = "";
    if (said->facts.release != NULL) { /* a product that becomes known may be its alias, or have its unit */
        snprintf(cause, sizeof cause, XD_CAUSE_PRODUCT "%s", said->sku);
    } else if (match != NULL) { /* its site may have more of it than a restored hub knows yet */
        snprintf(cause, sizeof cause, XD_CAUSE_RELEASE "%s", match->row.release_id);
    }
    return xd_applying_park_line(applying, match, index, why->code, why->detail, cause);
}

static enum xd_result apply_line(struct xd_applying *applying, size_t index, struct said *said) {
    struct xd_match *match = xd_match_of_line(applying, &applying->confirmation->lines[index]);
    struct xd_release_line_row *released = xd_match_line(match, applying->confirmation->lines[index].line_id);
    struct xd_line_decision decision;
    enum xd_result result = decide(applying, match, index, said, &decision);
    if (result == XD_OK && decision.park) {
        return park_line(applying, match, index, said, &decision);
    }
    if (result == XD_OK) {
        result = apply_decision(applying, match, released, &decision, said);
    }
    if (result == XD_INVALID) { /* sums that do not fit a decimal: nothing was changed */
        return xd_applying_park_line(applying, match, index, "QUANTITY_OUT_OF_RANGE",
                                     "The quantity cannot be added to what was shipped before.", "");
    }
    applying->row->lines_applied += result == XD_OK;
    return result;
}

enum xd_result xd_applying_line(struct xd_applying *applying, size_t index) {
    if (applying->confirmation->lines[index].reversal || applying->confirmation->kind == XD_KIND_REVERSAL) {
        return xd_applying_reversal(applying, index);
    }
    struct said *said = xd_alloc(sizeof *said);
    enum xd_result result = said == NULL ? XD_NO_MEMORY : apply_line(applying, index, said);
    xd_free(said);
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
        result = xd_reconcile_unlisted(released, &match->policies, &decision);
        if (result == XD_OK && decision.remainder != XD_REMAINDER_KEEP) {
            result = apply_decision(applying, match, released, &decision, NULL);
        }
    }
    return result;
}
