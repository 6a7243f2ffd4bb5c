/* From open quantities to sites: the routing decision carried out.
 *
 * A draft whose quantities count as released is one that its site gave back to a hub that
 * had forgotten it: it is there already, and waits for the sale only.
 *
 * Each site of the plan becomes a release of its own, a draft until the ERP has the sale.
 * Its stock is reserved at once, so that two orders never count on the same piece. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "hub/books/books.h"
#include "hub/events/events.h"
#include "hub/orchestration/ending.h"
#include "hub/orchestration/routing.h"
#include "hub/orchestration/stock.h"

#include <stdio.h>
#include <string.h>

struct placing {
    struct xd_conduct *conduct;
    enum xd_pot from;
    struct xd_order_line_row **rows; /* owned; of the conduct: those of which something is to be placed */
    struct xd_route_line *lines;     /* owned; the same, as they are asked about */
    size_t line_count;
    struct xd_routing_refusal *refusals; /* owned */
    size_t refusal_count, refusal_capacity;
    struct xd_route_plan plan;
};

static void free_placing(struct placing *placing) {
    xd_free(placing->rows);
    xd_free(placing->lines);
    xd_free(placing->refusals);
    xd_route_plan_free(&placing->plan);
}

/* ---- the question ---- */

static enum xd_result gather_lines(struct placing *placing) {
    struct xd_order_lines *lines = &placing->conduct->lines;
    placing->rows = xd_alloc(lines->count * sizeof(struct xd_order_line_row *));
    placing->lines = xd_alloc(lines->count * sizeof *placing->lines);
    if (placing->rows == NULL || placing->lines == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < lines->count; index++) {
        struct xd_order_line_row *row = &lines->rows[index];
        struct xd_route_line *line = &placing->lines[placing->line_count];
        struct xd_decimal qty = xd_line_pot(row, placing->from);
        if (xd_decimal_sign(qty) <= 0) {
            continue;
        }
        enum xd_result result = xd_decimal_ratio(qty, row->factor_num, row->factor_den, &line->qty);
        if (result == XD_OK && row->factor_num != row->factor_den) {
            line->unit = xd_route_unit(row->factor_num, row->factor_den);
        }
        if (result != XD_OK) {
            return result;
        }
        line->sku = row->sku;
        placing->rows[placing->line_count++] = row;
    }
    return XD_OK;
}

static bool has_refused(const struct xd_release_work *work, const char *line_id) {
    for (size_t index = 0; index < work->lines.count; index++) {
        const struct xd_release_line_row *line = &work->lines.rows[index];
        if (line->refused && strcmp(line->line_id, line_id) == 0) {
            return true;
        }
    }
    return false;
}

/* Who has refused a release of this order, or let its time run out, gets no other of it; who has refused a
 * line gets that one no more. */
static enum xd_result gather_refusal(struct xd_conduct *conduct, struct xd_release_work *work,
                                     void *context) {
    struct placing *placing = context;
    const struct xd_release_row *row = &work->row;
    bool gave_back =
        row->status == XD_RELEASE_REJECTED || row->status == XD_RELEASE_ACK_TIMEOUT || row->reroutes;
    const struct xd_hub_site *site = xd_hub_site_find(conduct->hub, row->site);
    for (size_t line = 0; site != NULL && line < placing->line_count; line++) {
        if (!gave_back && !has_refused(work, placing->rows[line]->line_id)) {
            continue;
        }
        struct xd_routing_refusal *refusals =
            xd_grow(placing->refusals, placing->refusal_count, &placing->refusal_capacity, sizeof *refusals);
        if (refusals == NULL) {
            return XD_NO_MEMORY;
        }
        placing->refusals = refusals;
        refusals[placing->refusal_count++] =
            (struct xd_routing_refusal){.site = site->row.site, .line = line};
    }
    return XD_OK;
}

static enum xd_result ask(struct placing *placing, enum xd_place what) {
    struct xd_conduct *conduct = placing->conduct;
    enum xd_result result = XD_OK;
    if (conduct->order.releases > 0 && what != XD_PLACE_AGAIN) {
        result = xd_conduct_each_release(conduct, gather_refusal, placing);
    }
    const struct xd_routing routing = {.tenant = conduct->order.tenant,
                                       .order = conduct->parsed,
                                       .lines = placing->lines,
                                       .line_count = placing->line_count,
                                       .refusals = placing->refusals,
                                       .refusal_count = placing->refusal_count,
                                       .known_only = what == XD_PLACE_BACKORDERS,
                                       .only_site =
                                           xd_books_is_born(&conduct->order) ? conduct->order.site : NULL};
    return result == XD_OK ? xd_hub_route(conduct->hub, &routing, conduct->now, &placing->plan) : result;
}

/* ---- drafts ---- */

static enum xd_result draft_line(struct placing *placing, const struct xd_route_part *part,
                                 struct xd_release_row *row, struct xd_release_line_row *out) {
    struct xd_conduct *conduct = placing->conduct;
    struct xd_order_line_row *line = placing->rows[part->line];
    memset(out, 0, sizeof *out);
    memcpy(out->line_id, line->line_id, sizeof out->line_id);
    memcpy(out->sku, line->sku, sizeof out->sku);
    memcpy(out->uom, line->uom, sizeof out->uom);
    out->factor_num = line->factor_num;
    out->factor_den = line->factor_den;
    enum xd_result result = xd_decimal_ratio(part->qty, line->factor_den, line->factor_num, &out->qty);
    if (result == XD_OK) {
        result = xd_line_move(line, placing->from, xd_pot_of_stage(row->stage), out->qty);
    }
    if (result == XD_OK) {
        result = xd_conduct_save_line(conduct, line);
    }
    return result == XD_OK ? xd_stock_reserve(conduct->hub, row->site, line->sku, part->qty) : result;
}

static void draft_head(struct xd_conduct *conduct, const char *site, bool wms_reserves,
                       struct xd_release_row *row) {
    memset(row, 0, sizeof *row);
    row->number = ++conduct->order.releases;
    xd_hub_release_id(conduct->hub, conduct->order.order_id, site, row->number, row->release_id);
    if (conduct->order.site[0] == 0) {
        xd_copy(conduct->order.site, sizeof conduct->order.site, site);
    }
    memcpy(row->order_id, conduct->order.order_id, sizeof row->order_id);
    xd_copy(row->site, sizeof row->site, site);
    row->revision = 1;
    row->status = XD_RELEASE_DRAFT;
    row->stage = wms_reserves ? XD_STAGE_PENDING : XD_STAGE_ALLOCATED;
    row->created_at = row->updated_at = conduct->now.wall;
}

/* All parts that the plan gives to one site. */
static enum xd_result draft_site(struct placing *placing, size_t site) {
    struct xd_conduct *conduct = placing->conduct;
    const struct xd_hub_store *store = conduct->hub->config.store;
    const struct xd_route_plan *plan = &placing->plan;
    struct xd_site_profile profile;
    struct xd_release_row row;
    struct xd_release_line_row *lines = xd_alloc(plan->part_count * sizeof *lines);
    size_t count = 0;
    enum xd_result result = lines == NULL ? XD_NO_MEMORY : XD_OK;
    if (result == XD_OK) {
        result = xd_reference_site(conduct->hub, plan->sites[site].site, &profile);
    }
    for (size_t index = 0; index < plan->part_count && result == XD_OK; index++) {
        if (plan->parts[index].site != site) {
            continue;
        }
        if (count == 0) {
            draft_head(conduct, plan->sites[site].site, profile.wms_reserves, &row);
        }
        result = draft_line(placing, &plan->parts[index], &row, &lines[count++]);
    }
    if (result == XD_OK && count > 0) {
        result = store->release_add(store->context, &row, lines, count);
    }
    xd_free(lines);
    return result;
}

/* ---- what found no place ---- */

static enum xd_result rest_to(struct placing *placing, struct xd_order_line_row *line, struct xd_decimal base,
                              enum xd_pot pot) {
    struct xd_decimal qty;
    if (xd_decimal_sign(base) <= 0 || pot == placing->from) {
        return XD_OK;
    }
    enum xd_result result = xd_decimal_ratio(base, line->factor_den, line->factor_num, &qty);
    if (result == XD_OK) {
        result = xd_line_move(line, placing->from, pot, qty);
    }
    placing->conduct->sale_stale = placing->conduct->sale_stale || pot == XD_POT_CANCELLED;
    return result == XD_OK ? xd_conduct_save_line(placing->conduct, line) : result;
}

static enum xd_result settle_rests(struct placing *placing, bool *waits) {
    const struct xd_route_plan *plan = &placing->plan;
    enum xd_result result = XD_OK;
    *waits = false;
    for (size_t index = 0; index < plan->line_count && result == XD_OK; index++) {
        const struct xd_route_rest *rest = &plan->rests[index];
        struct xd_order_line_row *line = placing->rows[index];
        *waits = *waits || xd_decimal_sign(rest->waiting) > 0;
        result = rest_to(placing, line, rest->backordered, XD_POT_BACKORDERED);
        if (result == XD_OK) {
            result = rest_to(placing, line, rest->waiting, XD_POT_BACKORDERED);
        }
        if (result == XD_OK) {
            result = rest_to(placing, line, rest->cancelled, XD_POT_CANCELLED);
        }
        if (xd_decimal_sign(rest->cancelled) > 0) {
            bool kills = placing->conduct->parsed->fulfilment_policy == XD_FILL_OR_KILL;
            placing->conduct->ended = kills ? "fill_or_kill" : XD_ENDED_NO_BACKORDERS;
        }
    }
    return result;
}

/* Of the profiles that were considered; 0: the site has none, and the usual one counts. */
static enum xd_result write_versions(const struct placing *placing, char out[400]) {
    size_t size = 0;
    enum xd_result result = XD_OK;
    out[0] = 0;
    for (size_t index = 0; index < placing->plan.site_count && result == XD_OK; index++) {
        struct xd_site_profile profile;
        result = xd_reference_site(placing->conduct->hub, placing->plan.sites[index].site, &profile);
        int more = snprintf(out + size, 400 - size, "%s\"%s\":%lld", index > 0 ? "," : "",
                            placing->plan.sites[index].site, (long long)profile.version);
        if (more < 0 || (size_t)more >= 400 - size) {
            out[size] = 0;
            break;
        }
        size += (size_t)more;
    }
    return result;
}

static enum xd_result tell_decision(struct placing *placing) {
    struct xd_conduct *conduct = placing->conduct;
    const struct xd_route_plan *plan = &placing->plan;
    char quoted[XD_QUOTED_SIZE], sites[400] = "", versions[400] = "";
    size_t size = 0;
    enum xd_result result = write_versions(placing, versions);
    if (result != XD_OK) {
        return result;
    }
    for (size_t index = 0; index < plan->site_count; index++) {
        int more = snprintf(sites + size, sizeof sites - size, "%s\"%s\":\"%s\"", index > 0 ? "," : "",
                            plan->sites[index].site, xd_route_reason_names[plan->sites[index].reason]);
        if (more < 0 || (size_t)more >= sizeof sites - size) {
            sites[size] = 0; /* so many were considered that not all are named */
            break;
        }
        size += (size_t)more;
    }
    return xd_hub_timeline(conduct->hub, &conduct->order, "route.decided", conduct->now,
                           "\"decision\":\"%s\",\"reason\":%s,\"sites\":{%s},\"site_versions\":{%s}",
                           xd_route_decision_names[plan->decision], xd_hub_quote(plan->sentence, quoted),
                           sites, versions);
}

/* ---- all of it, or nothing (route.h) ---- */

/* Whether a site still has something that it is asked for, and that will be wanted again. */
static enum xd_result see_called_back(struct xd_conduct *conduct, struct xd_release_work *work,
                                      void *context) {
    bool *called = context;
    (void)conduct;
    for (size_t index = 0; index < work->lines.count && xd_release_is_live(&work->row); index++) {
        const struct xd_release_line_row *line = &work->lines.rows[index];
        *called = *called || xd_decimal_compare(line->asked, line->unwanted) > 0;
    }
    return XD_OK;
}

enum xd_result xd_conduct_move_all(struct xd_conduct *conduct, enum xd_pot from, enum xd_pot to) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < conduct->lines.count && result == XD_OK; index++) {
        struct xd_order_line_row *line = &conduct->lines.rows[index];
        struct xd_decimal qty = xd_line_pot(line, from);
        if (xd_decimal_sign(qty) > 0) {
            result = xd_line_move(line, from, to, qty);
            result = result == XD_OK ? xd_conduct_save_line(conduct, line) : result;
        }
    }
    return result;
}

/* FILL_ALL: what is open and what is backordered ship together. As long as sites are asked for the rest,
 * all of it waits: *waits. */
static enum xd_result gather_whole(struct xd_conduct *conduct, enum xd_place what, bool *waits) {
    bool called = false;
    enum xd_result result =
        conduct->order.releases > 0 ? xd_conduct_each_release(conduct, see_called_back, &called) : XD_OK;
    *waits = called;
    if (result != XD_OK) {
        return result;
    }
    return called || what != XD_PLACE_OPEN ? xd_conduct_move_all(conduct, XD_POT_OPEN, XD_POT_BACKORDERED)
                                           : xd_conduct_move_all(conduct, XD_POT_BACKORDERED, XD_POT_OPEN);
}

static enum xd_result call_back(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    (void)context;
    if (work->row.status != XD_RELEASE_DRAFT) {
        return xd_release_work_call_back(conduct, work, true);
    }
    work->row.status = XD_RELEASE_CANCELLED;
    enum xd_result result = xd_release_work_give_back(conduct, work, false, XD_POT_BACKORDERED);
    return result == XD_OK ? xd_release_work_save(conduct, work) : result;
}

static bool anything_shipped(const struct xd_conduct *conduct) {
    for (size_t index = 0; index < conduct->lines.count; index++) {
        if (xd_decimal_sign(conduct->lines.rows[index].shipped) > 0) {
            return true;
        }
    }
    return false;
}

/* What is open once an order was released, a site gave back, or it was added. A site gave back a part of what
 * was to ship whole, and nobody else has that: the others shall not ship theirs either. */
static enum xd_result break_off(struct placing *placing) {
    struct xd_conduct *conduct = placing->conduct;
    if (conduct->parsed->fulfilment_policy == XD_FILL_OR_KILL) {
        return xd_conduct_undo(conduct, XD_ORDER_CANCELLED, "fill_or_kill", placing->plan.sentence);
    }
    if (anything_shipped(conduct)) {
        return XD_OK; /* it is in parts already */
    }
    return xd_conduct_each_release(conduct, call_back, NULL);
}

/* ---- placing ---- */

static bool anything_to_place(const struct xd_conduct *conduct) {
    for (size_t index = 0; index < conduct->lines.count; index++) {
        if (xd_decimal_sign(xd_line_unplaced(&conduct->lines.rows[index])) > 0) {
            return true;
        }
    }
    return false;
}

static bool changes_nothing(const struct placing *placing) {
    return placing->from == XD_POT_BACKORDERED && placing->plan.part_count == 0;
}

static enum xd_result carry_out(struct placing *placing, enum xd_place what) {
    struct xd_conduct *conduct = placing->conduct;
    int policy = conduct->parsed->fulfilment_policy;
    bool waits = false, whole = policy == XD_FILL_OR_KILL || policy == XD_FILL_ALL;
    bool breaks = whole && placing->plan.part_count == 0 && !conduct->revised &&
                  xd_conduct_did(conduct, XD_STEP_RELEASE);
    enum xd_result result = XD_OK;
    for (size_t site = 0; site < placing->plan.site_count && result == XD_OK; site++) {
        result = draft_site(placing, site);
    }
    if (result == XD_OK) {
        result = settle_rests(placing, &waits);
    }
    if (result == XD_OK) {
        result = tell_decision(placing);
    }
    if (result == XD_OK && breaks) {
        result = break_off(placing);
    } else if (result == XD_OK && xd_conduct_did(conduct, XD_STEP_RELEASE) && !anything_to_place(conduct)) {
        result = xd_hub_exceptions_close_order(conduct->hub, conduct->order.order_id, "RELEASE_REJECTED",
                                               conduct->now);
    }
    return result == XD_OK && waits && what == XD_PLACE_OPEN
               ? xd_conduct_hold(conduct, XD_HOLD_BACKORDER, "BACKORDER_DECISION", placing->plan.sentence)
               : result;
}

enum xd_result xd_conduct_place(struct xd_conduct *conduct, enum xd_place what) {
    struct placing placing = {.conduct = conduct,
                              .from = what == XD_PLACE_OPEN ? XD_POT_OPEN : XD_POT_BACKORDERED};
    bool waits = false;
    if (!anything_to_place(conduct)) {
        return XD_OK; /* as almost always: not worth reading the order again */
    }
    enum xd_result result = xd_conduct_parse(conduct);
    if (result == XD_OK && conduct->parsed->fulfilment_policy == XD_FILL_ALL) {
        result = gather_whole(conduct, what, &waits);
    }
    if (result == XD_OK && !waits) {
        result = gather_lines(&placing);
    }
    if (result == XD_OK && placing.line_count > 0) {
        result = ask(&placing, what);
    }
    if (result == XD_OK && placing.line_count > 0) {
        xd_copy(conduct->decision, sizeof conduct->decision, placing.plan.sentence);
        result = changes_nothing(&placing) ? XD_OK : carry_out(&placing, what);
    }
    free_placing(&placing);
    return result;
}

/* ---- sending ---- */

static enum xd_result remember_sent(struct xd_conduct *conduct, const char *release_id) {
    void *rows = xd_grow(conduct->sent, conduct->sent_count, &conduct->sent_capacity, sizeof *conduct->sent);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    conduct->sent = rows;
    memcpy(conduct->sent[conduct->sent_count++], release_id, XD_ID_SIZE);
    return XD_OK;
}

/* It came from its site: what waited for it can be applied. */
static enum xd_result is_there(struct xd_conduct *conduct, struct xd_release_work *work) {
    work->row.status = work->row.whole ? XD_RELEASE_CANCELLED : XD_RELEASE_SENT;
    enum xd_result result = xd_release_work_save(conduct, work);
    return result == XD_OK ? remember_sent(conduct, work->row.release_id) : result;
}

static enum xd_result send_draft(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    (void)context;
    if (work->row.status != XD_RELEASE_DRAFT) {
        return XD_OK;
    }
    if (work->row.stage == XD_STAGE_RELEASED) {
        return is_there(conduct, work);
    }
    enum xd_result result = xd_release_work_await(conduct, &work->row);
    if (result == XD_OK && work->row.stage == XD_STAGE_ALLOCATED) {
        result = xd_release_work_stage(conduct, work, XD_STAGE_RELEASED);
    }
    work->row.status = XD_RELEASE_QUEUED;
    if (result == XD_OK) {
        result = xd_release_work_save(conduct, work);
    }
    if (result == XD_OK) {
        result = xd_release_work_send(conduct, work, XD_PURPOSE_ORIGINAL);
    }
    if (result == XD_OK) {
        result =
            xd_hub_timeline(conduct->hub, &conduct->order, "release.queued", conduct->now,
                            "\"release_id\":\"%s\",\"site\":\"%s\"", work->row.release_id, work->row.site);
    }
    if (result == XD_OK) {
        struct xd_order_row order = xd_conduct_row(conduct);
        result = xd_hub_event_released(conduct->hub, &order, &work->row, conduct->now);
    }
    return result == XD_OK ? remember_sent(conduct, work->row.release_id) : result;
}

enum xd_result xd_conduct_release(struct xd_conduct *conduct) {
    return xd_conduct_each_release(conduct, send_draft, NULL);
}
