/* A shipment is a fact: what a site confirms of a release counts, whatever was agreed about it.
 *
 * Who confirms a release has it, answered or not. What it had refused, given up or was being asked
 * for, and ships nevertheless, is taken from where it went: from what is open again, from what another
 * site has by now, from what was cancelled. That other site is asked to give it back; should it ship, too,
 * then that is over-shipment, as is what is not found anywhere.
 *
 * What did not ship after all is given up again: it goes back to what is cancelled or, what was open or
 * another site's, to what is open. So whatever is left of a release's line, nothing of that is claimed: of
 * all that ships the site is taken to ship first what it had agreed to. */
#include "hub/orchestration/conduct.h"

#include "base/mutant.h"
#include "hub/orchestration/stock.h"

#include <string.h>

struct claiming {
    struct xd_conduct *conduct;
    struct xd_release_work work;
    const struct xd_confirmation *confirmation;
    bool after_cancel; /* something ships that should not */
};

/* All that the confirmation says of the line, in the unit in which that counts; what does not convert will be
 * parked. */
static enum xd_result confirmed_of(const struct claiming *claiming,
                                   const struct xd_release_line_row *released,
                                   const struct xd_order_line_row *ordered, struct xd_decimal *qty) {
    const struct xd_confirmation *confirmation = claiming->confirmation;
    enum xd_result result = XD_OK;
    *qty = xd_decimal_of(0);
    for (size_t index = 0; index < confirmation->line_count && result == XD_OK; index++) {
        const struct xd_confirmation_line *line = &confirmation->lines[index];
        bool here = line->release_id == NULL || strcmp(line->release_id, claiming->work.row.release_id) == 0;
        struct xd_decimal shipped = xd_decimal_of(0);
        bool converts = false;
        if (here && !line->reversal && strcmp(line->line_id, released->line_id) == 0 &&
            xd_decimal_sign(line->qty_shipped) > 0) {
            result = xd_confirmed_qty(claiming->conduct->hub, released, ordered, line, released->sku,
                                      &converts, &shipped);
        }
        if (result == XD_OK && converts) {
            result = xd_decimal_add(*qty, shipped, qty);
        }
    }
    return result;
}

/* ---- what was given to another site meanwhile ---- */

struct elsewhere {
    const struct xd_release_work *here; /* the one that ships */
    const char *line_id;
    struct xd_decimal qty; /* still to be found */
};

/* It leaves the other release's line: what was asked for because the site is silent first. */
static enum xd_result leave(struct xd_release_line_row *line, struct xd_decimal qty) {
    struct xd_decimal asked = xd_decimal_min(line->asked, qty);
    enum xd_result result = xd_decimal_subtract(line->asked, asked, &line->asked);
    return result == XD_OK ? xd_decimal_add(line->closed, qty, &line->closed) : result;
}

/* The site is asked before, for the question names what it has; then that counts as given back. */
static enum xd_result ask_for(struct xd_conduct *conduct, struct xd_release_work *work,
                              struct xd_release_line_row *line, struct xd_decimal qty) {
    struct xd_decimal wanted;
    enum xd_result result = xd_decimal_add(line->unwanted, qty, &wanted);
    if (result != XD_OK || work->row.status == XD_RELEASE_DRAFT ||
        xd_decimal_compare(wanted, line->asked) <= 0) {
        return result;
    }
    line->asked = wanted;
    return xd_release_work_ask(conduct, work, false);
}

static enum xd_result move_stock(struct xd_conduct *conduct, const struct xd_release_work *from,
                                 const struct xd_release_work *to, const struct xd_release_line_row *line,
                                 struct xd_decimal qty) {
    struct xd_decimal base;
    enum xd_result result = xd_decimal_ratio(qty, line->factor_num, line->factor_den, &base);
    if (result == XD_OK && from != NULL) {
        result = xd_stock_unreserve(conduct->hub, from->row.site, line->sku, base);
    }
    return result == XD_OK ? xd_stock_reserve(conduct->hub, to->row.site, line->sku, base) : result;
}

static enum xd_result take_over(struct xd_conduct *conduct, struct xd_release_work *work,
                                struct xd_release_line_row *line, struct elsewhere *elsewhere,
                                struct xd_decimal qty) {
    struct xd_order_line_row *ordered = xd_conduct_line(conduct, line->line_id);
    enum xd_result result = ordered == NULL ? XD_CORRUPT : ask_for(conduct, work, line, qty);
    if (result == XD_OK) {
        result = leave(line, qty);
    }
    if (result == XD_OK) {
        result = xd_line_move(ordered, xd_pot_of_stage(work->row.stage), XD_POT_RELEASED, qty);
    }
    if (result == XD_OK) {
        result = move_stock(conduct, work, elsewhere->here, line, qty);
    }
    if (result == XD_OK) {
        result = xd_decimal_subtract(elsewhere->qty, qty, &elsewhere->qty);
    }
    if (result == XD_OK && work->row.status == XD_RELEASE_DRAFT && !xd_release_work_has_rest(work)) {
        work->row.status = XD_RELEASE_CANCELLED;
        result = xd_release_work_save(conduct, work);
    }
    return result == XD_OK ? xd_release_work_save_lines(conduct, work) : result;
}

static enum xd_result look_elsewhere(struct xd_conduct *conduct, struct xd_release_work *work,
                                     void *context) {
    struct elsewhere *elsewhere = context;
    enum xd_result result = XD_OK;
    if (strcmp(work->row.release_id, elsewhere->here->row.release_id) == 0 ||
        !xd_release_is_live(&work->row)) {
        return XD_OK;
    }
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        struct xd_decimal left = xd_decimal_of(0);
        if (strcmp(line->line_id, elsewhere->line_id) == 0) {
            result = xd_decimal_subtract(xd_release_line_rest(line), line->unwanted, &left);
        }
        struct xd_decimal qty = xd_decimal_min(left, elsewhere->qty);
        if (result == XD_OK && xd_decimal_sign(qty) > 0) {
            result = take_over(conduct, work, line, elsewhere, qty);
        }
    }
    return result;
}

/* ---- one line ---- */

static enum xd_result claim_of(struct xd_release_line_row *line, struct xd_decimal qty,
                               struct xd_decimal *claimed) {
    enum xd_result result = xd_decimal_subtract(line->closed, qty, &line->closed);
    return result == XD_OK ? xd_decimal_add(*claimed, qty, claimed) : result;
}

static enum xd_result take_from(struct claiming *claiming, struct xd_release_line_row *line,
                                struct xd_order_line_row *ordered, enum xd_pot pot,
                                struct xd_decimal *missing) {
    struct xd_decimal qty = xd_decimal_min(*missing, xd_decimal_min(line->closed, xd_line_pot(ordered, pot)));
    if (xd_decimal_sign(qty) <= 0) {
        return XD_OK;
    }
    bool cancelled = pot == XD_POT_CANCELLED;
    struct xd_decimal *claimed = cancelled ? &line->claimed_cancelled : &line->claimed_open;
    claiming->after_cancel = claiming->after_cancel || cancelled;
    enum xd_result result = xd_line_move(ordered, pot, XD_POT_RELEASED, qty);
    if (result == XD_OK) {
        result = claim_of(line, qty, claimed);
    }
    if (result == XD_OK) {
        result = move_stock(claiming->conduct, NULL, &claiming->work, line, qty);
    }
    return result == XD_OK ? xd_decimal_subtract(*missing, qty, missing) : result;
}

static enum xd_result take_from_others(struct claiming *claiming, struct xd_release_line_row *line,
                                       struct xd_decimal *missing) {
    struct xd_decimal most = xd_decimal_min(*missing, line->closed);
    struct xd_decimal found = xd_decimal_of(0);
    struct elsewhere elsewhere = {.here = &claiming->work, .line_id = line->line_id, .qty = most};
    enum xd_result result = xd_conduct_each_release(claiming->conduct, look_elsewhere, &elsewhere);
    if (result == XD_OK) {
        result = xd_decimal_subtract(most, elsewhere.qty, &found);
    }
    if (result == XD_OK) {
        result = claim_of(line, found, &line->claimed_open);
    }
    return result == XD_OK ? xd_decimal_subtract(*missing, found, missing) : result;
}

/* More of the line ships than the release still has. */
static enum xd_result take_missing(struct claiming *claiming, struct xd_release_line_row *line,
                                   struct xd_order_line_row *ordered, struct xd_decimal missing) {
    struct xd_conduct *conduct = claiming->conduct;
    const struct xd_hub_store *store = conduct->hub->config.store;
    enum xd_result result = take_from(claiming, line, ordered, XD_POT_OPEN, &missing);
    if (result == XD_OK) {
        result = take_from(claiming, line, ordered, XD_POT_BACKORDERED, &missing);
    }
    if (result == XD_OK) {
        result = take_from_others(claiming, line, &missing);
    }
    if (result == XD_OK) {
        result = take_from(claiming, line, ordered, XD_POT_CANCELLED, &missing);
    }
    if (result == XD_OK) {
        result = store->release_line_save(store->context, claiming->work.row.release_id, line);
    }
    return result == XD_OK ? xd_conduct_save_line(conduct, ordered) : result;
}

static enum xd_result claim_line(struct claiming *claiming, struct xd_release_line_row *line) {
    struct xd_conduct *conduct = claiming->conduct;
    struct xd_order_line_row *ordered = xd_conduct_line(conduct, line->line_id);
    struct xd_decimal shipped, missing, kept;
    enum xd_result result = ordered == NULL ? XD_CORRUPT : confirmed_of(claiming, line, ordered, &shipped);
    if (result == XD_OK) {
        result = xd_decimal_subtract(shipped, xd_release_line_rest(line), &missing);
    }
    if (result == XD_OK) {
        result = xd_decimal_subtract(xd_release_line_rest(line), line->unwanted, &kept);
    }
    if (result != XD_OK) {
        return result;
    }
    claiming->after_cancel = claiming->after_cancel ||
                             (xd_decimal_sign(line->unwanted) > 0 && xd_decimal_compare(shipped, kept) > 0);
    if (xd_decimal_sign(missing) <= 0 || xd_decimal_sign(line->closed) <= 0) {
        return XD_OK;
    }
    return take_missing(claiming, line, ordered, missing);
}

static enum xd_result complain(const struct claiming *claiming, const struct xd_confirmation_row *row) {
    const struct xd_release_row *release = &claiming->work.row;
    struct xd_complaint complaint = {
        .code = "SHIPPED_AFTER_CANCEL",
        .site = release->site,
        .order_id = release->order_id,
        .release_id = release->release_id,
        .kind = XD_DOC_CONFIRMATION,
        .document_id = row->confirmation_id,
        .version = row->version,
        .detail = "The site shipped what it was asked to give back: the shipment counts; a return is to be "
                  "agreed on."};
    return xd_hub_complain(claiming->conduct->hub, &complaint, claiming->conduct->now);
}

static enum xd_result claim(struct claiming *claiming, const struct xd_confirmation_row *row) {
    struct xd_release_row *release = &claiming->work.row;
    bool undone = release->status == XD_RELEASE_REJECTED || release->status == XD_RELEASE_CANCELLED;
    enum xd_result result = xd_release_work_stage(claiming->conduct, &claiming->work, XD_STAGE_RELEASED);
    for (size_t index = 0; index < claiming->work.lines.count && result == XD_OK; index++) {
        result = claim_line(claiming, &claiming->work.lines.rows[index]);
    }
    if (result == XD_OK && claiming->after_cancel) {
        claiming->conduct->sale_stale = true;
        result = XD_MUTANT(DEFIANCE_UNTOLD) ? XD_OK : complain(claiming, row);
    }
    if (result == XD_OK && release->reroutes) { /* what it was asked for it has not answered by that */
        result = xd_hub_exceptions_close(claiming->conduct->hub, release->site, XD_DOC_RELEASE,
                                         release->release_id, 1, "ACK_TIMEOUT", claiming->conduct->now);
    }
    if (undone) {
        release->status = XD_RELEASE_ACKED; /* the shipment settles what becomes of it */
    }
    return result == XD_OK ? xd_release_work_save(claiming->conduct, &claiming->work) : result;
}

enum xd_result xd_hub_claim(struct xd_hub *hub, const struct xd_release_row *release,
                            const struct xd_confirmation *confirmation, const struct xd_confirmation_row *row,
                            struct xd_now now, bool *claimed) {
    struct xd_conduct conduct;
    struct claiming claiming = {.conduct = &conduct, .confirmation = confirmation};
    bool plain = release->revision == 1 && release->stage == XD_STAGE_RELEASED &&
                 release->cancel == XD_CANCEL_NONE && release->status != XD_RELEASE_REJECTED &&
                 release->status != XD_RELEASE_CANCELLED;
    *claimed = !plain && confirmation->kind != XD_KIND_REVERSAL;
    if (!*claimed) {
        return XD_OK;
    }
    enum xd_result result = xd_conduct_open(&conduct, hub, release->order_id, now);
    if (result == XD_OK) {
        result = xd_release_work_open(&conduct, release->release_id, &claiming.work);
    }
    if (result == XD_OK) {
        result = claim(&claiming, row);
    }
    xd_release_work_close(&claiming.work);
    if (result == XD_OK && !xd_conduct_did(&conduct, XD_STEP_POST)) { /* all of it was given up, it seemed */
        result = xd_conduct_go(&conduct);
    }
    return xd_conduct_end(&conduct, result);
}

/* ---- what did not ship after all ---- */

/* Of qty that was claimed, what had been cancelled is the first that is not any more. */
static enum xd_result unclaim(struct xd_release_line_row *line, struct xd_decimal qty,
                              struct xd_decimal *cancelled, struct xd_decimal *opened) {
    struct xd_decimal others;
    *cancelled = xd_decimal_min(qty, line->claimed_cancelled);
    enum xd_result result = xd_decimal_subtract(qty, *cancelled, &others);
    *opened = xd_decimal_min(others, line->claimed_open);
    if (result == XD_OK) {
        result = xd_decimal_subtract(line->claimed_cancelled, *cancelled, &line->claimed_cancelled);
    }
    return result == XD_OK ? xd_decimal_subtract(line->claimed_open, *opened, &line->claimed_open) : result;
}

/* Of an order that is cancelled, what was open when it shipped was never asked for: it stays with the site,
 * which is asked. */
static enum xd_result give_up_again(struct xd_conduct *conduct, struct xd_release_work *work,
                                    struct xd_release_line_row *line) {
    struct xd_decimal cancelled, opened, qty = xd_decimal_of(0);
    enum xd_result result = unclaim(line, xd_release_line_rest(line), &cancelled, &opened);
    if (conduct->order.cancelled) {
        opened = xd_decimal_of(0);
    }
    if (result == XD_OK) {
        result = xd_decimal_add(cancelled, opened, &qty);
    }
    if (result != XD_OK || xd_decimal_sign(qty) <= 0) {
        return result;
    }
    /* More of it may ship once more, and is claimed again, also of what was given up unasked. */
    work->row.cancel = work->row.cancel == XD_CANCEL_NONE ? XD_CANCEL_ACCEPTED : work->row.cancel;
    return xd_release_work_give_part_back(conduct, work, line, qty, cancelled);
}

/* Of what has not shipped nothing is claimed, wherever it went. */
static enum xd_result forget_claims(struct xd_release_line_row *line) {
    struct xd_decimal cancelled, opened, claimed, more = xd_decimal_of(0);
    enum xd_result result = xd_decimal_add(line->claimed_open, line->claimed_cancelled, &claimed);
    if (result == XD_OK) {
        result = xd_decimal_subtract(claimed, line->shipped, &more);
    }
    return result == XD_OK && xd_decimal_sign(more) > 0 ? unclaim(line, more, &cancelled, &opened) : result;
}

enum xd_result xd_release_work_unclaim(struct xd_conduct *conduct, struct xd_release_work *work) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        result = give_up_again(conduct, work, line);
        result = result == XD_OK ? forget_claims(line) : result;
    }
    return result;
}
