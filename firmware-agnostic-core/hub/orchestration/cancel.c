/* Taking quantities back, at every stage.
 *
 * In this order: what nobody has been given (open, backordered), what is drafted, and then
 * what sites have: those are asked, and they may refuse, for once a release is at the
 * warehouse the warehouse owns it (DOMAIN, section 2). What has shipped stays shipped. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

struct cancelling {
    struct xd_cancel_wish *wishes;
    size_t count;
    unsigned asked; /* releases whose sites were asked */
};

/* qty of the wish is at most what is left of it. */
static enum xd_result take(struct xd_cancel_wish *wish, enum xd_pot pot) {
    struct xd_decimal qty = xd_decimal_min(wish->qty, xd_line_pot(wish->line, pot));
    enum xd_result result = xd_line_move(wish->line, pot, XD_POT_CANCELLED, qty);
    return result == XD_OK ? xd_decimal_subtract(wish->qty, qty, &wish->qty) : result;
}

static struct xd_cancel_wish *wish_for(struct cancelling *cancelling, const char *line_id) {
    for (size_t index = 0; index < cancelling->count; index++) {
        if (strcmp(cancelling->wishes[index].line->line_id, line_id) == 0) {
            return &cancelling->wishes[index];
        }
    }
    return NULL;
}

/* Of what `whole` has beyond `part` so much is marked as is left of the wish. */
static enum xd_result mark_part(struct xd_cancel_wish *wish, struct xd_decimal whole, struct xd_decimal *part,
                                struct xd_decimal *marked) {
    struct xd_decimal left;
    enum xd_result result = xd_decimal_subtract(whole, *part, &left);
    *marked = xd_decimal_min(wish->qty, left);
    if (result != XD_OK || xd_decimal_sign(*marked) <= 0) {
        *marked = xd_decimal_of(0);
        return result;
    }
    result = xd_decimal_add(*part, *marked, part);
    return result == XD_OK ? xd_decimal_subtract(wish->qty, *marked, &wish->qty) : result;
}

/* Notes on each line of the release what it shall give up. What a silent site is asked for anyway comes
 * first: it only goes nowhere else. any: the site is to be asked for more. */
static enum xd_result mark(struct cancelling *cancelling, struct xd_release_work *work, bool *any) {
    enum xd_result result = XD_OK;
    *any = false;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        struct xd_cancel_wish *wish = wish_for(cancelling, line->line_id);
        struct xd_decimal more, asked;
        if (wish == NULL || xd_decimal_sign(wish->qty) <= 0) {
            continue;
        }
        result = mark_part(wish, line->asked, &line->unwanted, &asked);
        if (result == XD_OK) {
            result = mark_part(wish, xd_release_line_rest(line), &line->asked, &more);
        }
        if (result == XD_OK) {
            *any = *any || xd_decimal_sign(more) > 0;
            result = xd_decimal_add(line->unwanted, more, &line->unwanted);
        }
    }
    return result;
}

static enum xd_result from_drafts(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    bool any;
    if (work->row.status != XD_RELEASE_DRAFT || XD_MUTANT(CANCELLED_DRAFT_SENT)) {
        return XD_OK;
    }
    enum xd_result result = mark(context, work, &any);
    if (result == XD_OK && any) {
        result = xd_release_work_give_back(conduct, work, true, XD_POT_CANCELLED);
    }
    if (result == XD_OK && any && !xd_release_work_has_rest(work)) {
        work->row.status = XD_RELEASE_CANCELLED;
        result = xd_release_work_save(conduct, work);
    }
    return result;
}

static enum xd_result from_sites(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    struct cancelling *cancelling = context;
    bool any;
    if (work->row.status == XD_RELEASE_DRAFT || !xd_release_is_live(&work->row)) {
        return XD_OK;
    }
    enum xd_result result = mark(cancelling, work, &any);
    if (result != XD_OK || !any) {
        return result == XD_OK ? xd_release_work_save_lines(conduct, work) : result;
    }
    cancelling->asked++;
    return xd_release_work_ask(conduct, work, false);
}

enum xd_result xd_conduct_cancel(struct xd_conduct *conduct, struct xd_cancel_wish *wishes, size_t count,
                                 const char *reason) {
    struct cancelling cancelling = {.wishes = wishes, .count = count};
    char quoted[XD_QUOTED_SIZE], by[XD_BY_SIZE];
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        result = take(&wishes[index], XD_POT_OPEN);
        if (result == XD_OK) {
            result = take(&wishes[index], XD_POT_BACKORDERED);
        }
        if (result == XD_OK) {
            result = xd_conduct_save_line(conduct, wishes[index].line);
        }
    }
    if (result == XD_OK) {
        result = xd_conduct_each_release(conduct, from_drafts, &cancelling);
    }
    if (result == XD_OK) {
        result = xd_conduct_each_release(conduct, from_sites, &cancelling);
    }
    conduct->sale_stale = true;
    return result == XD_OK
               ? xd_hub_timeline(conduct->hub, &conduct->order, "order.cancel_requested", conduct->now,
                                 "\"lines\":%zu,\"releases_asked\":%u,\"reason\":%s%s", count,
                                 cancelling.asked, xd_hub_quote(reason, quoted), xd_conduct_by(conduct, by))
               : result;
}

/* ---- what was asked for before ---- */

static enum xd_result add_unwanted(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    struct xd_decimal *sums = context;
    enum xd_result result = XD_OK;
    bool live = xd_release_is_live(&work->row);
    for (size_t index = 0; live && index < work->lines.count && result == XD_OK; index++) {
        const struct xd_order_line_row *line = xd_conduct_line(conduct, work->lines.rows[index].line_id);
        if (line == NULL) {
            return XD_CORRUPT;
        }
        struct xd_decimal *sum = &sums[line - conduct->lines.rows];
        result = xd_decimal_add(*sum, work->lines.rows[index].unwanted, sum);
    }
    return result;
}

enum xd_result xd_conduct_cancelling(struct xd_conduct *conduct, struct xd_decimal **out) {
    struct xd_decimal *sums = xd_alloc(conduct->lines.count * sizeof *sums);
    *out = sums;
    if (sums == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < conduct->lines.count; index++) {
        sums[index] = conduct->lines.rows[index].cancelled;
    }
    return xd_conduct_each_release(conduct, add_unwanted, sums);
}
