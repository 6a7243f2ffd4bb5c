/* One release: its quantities in the lines of its order, its documents, its way back.
 *
 * Where the quantities that are left of it are is the row's stage: pending or allocated
 * while it is a draft, as the site reserves itself or not; released once it is sent to a site
 * that does not reserve, or once a site that does has taken it. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/events/events.h"
#include "hub/orchestration/calendar.h"
#include "hub/orchestration/stock.h"
#include "hub/reference/reference.h"

#include <stdio.h>
#include <string.h>

#define REQUEST_MINUTES 60 /* within which a site that names no time answers a request */

bool xd_release_is_live(const struct xd_release_row *row) {
    return row->status != XD_RELEASE_REJECTED && row->status != XD_RELEASE_SHIPPED &&
           row->status != XD_RELEASE_SHORT_CLOSED && row->status != XD_RELEASE_CANCELLED;
}

enum xd_result xd_release_work_open(struct xd_conduct *conduct, const char *release_id,
                                    struct xd_release_work *out) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    memset(out, 0, sizeof *out);
    enum xd_result result = store->release_get(store->context, release_id, &out->row);
    return result == XD_OK ? xd_hub_release_lines_load(conduct->hub, release_id, &out->lines) : result;
}

void xd_release_work_close(struct xd_release_work *work) {
    xd_free(work->lines.rows);
    memset(work, 0, sizeof *work);
}

enum xd_result xd_release_work_save(struct xd_conduct *conduct, struct xd_release_work *work) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    work->row.updated_at = conduct->now.wall;
    return store->release_save(store->context, &work->row);
}

bool xd_release_work_has_rest(const struct xd_release_work *work) {
    for (size_t index = 0; index < work->lines.count; index++) {
        if (xd_decimal_sign(xd_release_line_rest(&work->lines.rows[index])) > 0) {
            return true;
        }
    }
    return false;
}

static enum xd_result save_line(struct xd_conduct *conduct, const struct xd_release_work *work,
                                const struct xd_release_line_row *line) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    return store->release_line_save(store->context, work->row.release_id, line);
}

enum xd_result xd_release_work_save_lines(struct xd_conduct *conduct, const struct xd_release_work *work) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        result = save_line(conduct, work, &work->lines.rows[index]);
    }
    return result;
}

/* ---- quantities ---- */

enum xd_result xd_release_work_stage(struct xd_conduct *conduct, struct xd_release_work *work,
                                     enum xd_release_stage stage) {
    enum xd_pot from = xd_pot_of_stage(work->row.stage), to = xd_pot_of_stage((int)stage);
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && from != to && result == XD_OK; index++) {
        const struct xd_release_line_row *released = &work->lines.rows[index];
        struct xd_order_line_row *line = xd_conduct_line(conduct, released->line_id);
        struct xd_decimal rest = xd_release_line_rest(released);
        if (line == NULL) {
            return XD_CORRUPT;
        }
        if (xd_decimal_sign(rest) > 0) {
            result = xd_line_move(line, from, to, rest);
            result = result == XD_OK ? xd_conduct_save_line(conduct, line) : result;
        }
    }
    work->row.stage = (int)stage;
    return result;
}

static enum xd_result unreserve(struct xd_conduct *conduct, const struct xd_release_work *work,
                                const struct xd_release_line_row *line, struct xd_decimal qty) {
    struct xd_decimal base;
    enum xd_result result = xd_decimal_ratio(qty, line->factor_num, line->factor_den, &base);
    return result == XD_OK ? xd_stock_unreserve(conduct->hub, work->row.site, line->sku, base) : result;
}

static enum xd_result move_back(struct xd_conduct *conduct, struct xd_release_work *work,
                                struct xd_release_line_row *released, struct xd_decimal qty,
                                enum xd_pot pot) {
    struct xd_order_line_row *line = xd_conduct_line(conduct, released->line_id);
    if (line == NULL) {
        return XD_CORRUPT;
    }
    enum xd_result result = xd_line_move(line, xd_pot_of_stage(work->row.stage), pot, qty);
    if (result == XD_OK) {
        result = xd_decimal_add(released->closed, qty, &released->closed);
    }
    if (result == XD_OK) {
        result = xd_conduct_save_line(conduct, line);
    }
    return result == XD_OK ? unreserve(conduct, work, released, qty) : result;
}

/* What the site was asked for is less by what it gave back, and no more than it still has. */
static enum xd_result ask_less(struct xd_release_line_row *line, struct xd_decimal qty,
                               struct xd_decimal cancelled) {
    struct xd_decimal rest = xd_release_line_rest(line);
    enum xd_result result = xd_decimal_subtract(line->asked, xd_decimal_min(line->asked, qty), &line->asked);
    if (result == XD_OK) {
        result = xd_decimal_subtract(line->unwanted, cancelled, &line->unwanted);
    }
    line->asked = xd_decimal_min(line->asked, rest);
    line->unwanted = xd_decimal_min(line->unwanted, line->asked);
    return result;
}

/* qty of the line leaves the release: so much of it is cancelled, the others go to pot. */
static enum xd_result give(struct xd_conduct *conduct, struct xd_release_work *work,
                           struct xd_release_line_row *line, struct xd_decimal qty,
                           struct xd_decimal cancelled, enum xd_pot pot) {
    struct xd_decimal wanted;
    enum xd_result result = xd_decimal_subtract(qty, cancelled, &wanted);
    if (result == XD_OK && xd_decimal_sign(cancelled) > 0) {
        conduct->sale_stale = true;
        result = move_back(conduct, work, line, cancelled, XD_POT_CANCELLED);
    }
    if (result == XD_OK && xd_decimal_sign(wanted) > 0) {
        result = move_back(conduct, work, line, wanted, pot);
    }
    if (result == XD_OK) {
        result = ask_less(line, qty, xd_decimal_min(cancelled, line->unwanted));
    }
    return result == XD_OK ? save_line(conduct, work, line) : result;
}

enum xd_result xd_release_work_give_line_back(struct xd_conduct *conduct, struct xd_release_work *work,
                                              struct xd_release_line_row *line, struct xd_decimal qty,
                                              enum xd_pot pot) {
    return give(conduct, work, line, qty, xd_decimal_min(line->unwanted, qty), pot);
}

enum xd_result xd_release_work_give_back(struct xd_conduct *conduct, struct xd_release_work *work, bool asked,
                                         enum xd_pot pot) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        struct xd_decimal rest = xd_release_line_rest(line);
        struct xd_decimal qty = asked ? xd_decimal_min(line->asked, rest) : rest;
        if (xd_decimal_sign(qty) > 0) {
            result = xd_release_work_give_line_back(conduct, work, line, qty, pot);
        }
    }
    return result;
}

enum xd_result xd_release_work_give_part_back(struct xd_conduct *conduct, struct xd_release_work *work,
                                              struct xd_release_line_row *line, struct xd_decimal qty,
                                              struct xd_decimal cancelled) {
    return give(conduct, work, line, qty, cancelled, XD_POT_OPEN);
}

/* ---- its document ---- */

static void fill_head(const struct xd_conduct *conduct, const struct xd_release_work *work,
                      enum xd_purpose purpose, struct xd_release *release) {
    const struct xd_order_row *order = &conduct->order;
    const struct xd_order *parsed = conduct->parsed;
    *release = (struct xd_release){
        .release_id = work->row.release_id,
        .revision = work->row.revision,
        .purpose = purpose,
        .order_id = order->order_id,
        .site_id = work->row.site,
        .split_number = work->row.number > 1 ? work->row.number : 0,
        .customer_po = order->customer_po[0] != 0 ? order->customer_po : NULL,
        .correlation_id = order->correlation_id,
        .tenant = order->tenant,
        .channel_type = order->channel_type,
        .channel_account = order->channel_account,
        .external_order_id = order->external_order_id,
        .customer_ref = order->customer_ref,
        .currency = order->currency[0] != 0 ? order->currency : NULL,
        .ship_to = parsed->ship_to,
        .mark_for = parsed->mark_for,
        .requested_ship = parsed->requested_ship,
        .requested_delivery = parsed->requested_delivery,
        .ship_not_before = parsed->ship_not_before,
        .ship_not_after = parsed->ship_not_after,
        .cancel_after = parsed->cancel_after,
        .freight = parsed->freight,
        .ack_deadline = work->row.ack_by,
        .attributes = parsed->attributes,
    };
}

/* The end of the day on which the order asks to ship, at the site. */
static enum xd_result fill_ship_by(struct xd_conduct *conduct, const struct xd_release_work *work,
                                   struct xd_release *release) {
    struct xd_hub *hub = conduct->hub;
    const char *date = release->requested_ship != NULL ? release->requested_ship : release->ship_not_after;
    struct xd_site_profile profile;
    if (date == NULL) {
        return XD_OK;
    }
    enum xd_result result = xd_reference_site(hub, work->row.site, &profile);
    if (result != XD_OK) {
        return result;
    }
    const struct xd_zone *zone =
        xd_zone_cache_get(&hub->zones, hub->config.zones, hub->config.env, profile.zone, conduct->now);
    result = xd_calendar_ship_by(zone, date, &release->ship_by);
    return result == XD_INVALID ? XD_OK : result; /* a day that no clock counts is no deadline */
}

/* How a line is to be handled is the order's word, as it is now. */
static void fill_handling(const struct xd_conduct *conduct, const struct xd_order_line_row *row,
                          struct xd_release_line *line) {
    const struct xd_order_line *said = xd_order_line_named(conduct->parsed, row->external_line_id);
    line->serial_required = row->serials;
    if (said != NULL) {
        line->lot_constraint = said->lot_constraint;
        line->min_remaining_shelf_life = said->min_remaining_shelf_life;
        line->hazmat = said->hazmat;
        line->temperature_class = said->temperature_class;
    }
}

/* Of what was released: what the site gave up before, and in a change what it is asked to give up. */
static enum xd_result left_out_of(const struct xd_release_line_row *row, enum xd_purpose purpose,
                                  struct xd_decimal *out) {
    *out = row->closed;
    return purpose == XD_PURPOSE_CHANGE ? xd_decimal_add(row->closed, row->asked, out) : XD_OK;
}

/* What the site shall ship in all. A line of which nothing is left is left out, unless nothing at all would
 * be left. */
static enum xd_result fill_lines(struct xd_conduct *conduct, const struct xd_release_work *work,
                                 enum xd_purpose purpose, struct xd_release *release) {
    release->lines = xd_alloc(work->lines.count * sizeof *release->lines);
    if (release->lines == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < work->lines.count; index++) {
        const struct xd_release_line_row *row = &work->lines.rows[index];
        const struct xd_order_line_row *line = xd_conduct_line(conduct, row->line_id);
        struct xd_decimal qty, out;
        enum xd_result result = left_out_of(row, purpose, &out);
        if (result == XD_OK) {
            result = xd_decimal_subtract(row->qty, out, &qty);
        }
        if (result != XD_OK || line == NULL) {
            return result != XD_OK ? result : XD_CORRUPT;
        }
        if (xd_decimal_sign(qty) > 0) {
            struct xd_release_line *made = &release->lines[release->line_count++];
            *made = (struct xd_release_line){.line_id = row->line_id,
                                             .external_line_id = line->external_line_id,
                                             .sku = row->sku,
                                             .qty = qty,
                                             .uom = row->uom,
                                             .factor_num = row->factor_num,
                                             .factor_den = row->factor_den};
            fill_handling(conduct, line, made);
        }
    }
    return release->line_count > 0 ? XD_OK : XD_CORRUPT;
}

/* From this document on the site knows of so much of each line, in the unit in which it counts. */
static enum xd_result tells_lines(struct xd_conduct *conduct, struct xd_release_work *work,
                                  enum xd_purpose purpose) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        struct xd_decimal out;
        result = left_out_of(line, purpose, &out);
        if (result == XD_OK && (line->told_num != 0 || xd_decimal_compare(out, line->left_out) != 0)) {
            line->told_num = line->told_den = 0;
            line->left_out = out;
            result = save_line(conduct, work, line);
        }
    }
    return result;
}

/* Of today only the deadline of the answer goes into the document: what a hub that has forgotten
 * the release writes again says the same otherwise, and the site keeps what it got first. */
enum xd_result xd_release_work_send(struct xd_conduct *conduct, struct xd_release_work *work,
                                    enum xd_purpose purpose) {
    struct xd_hub *hub = conduct->hub;
    struct xd_hub_site *site = xd_hub_site_find(hub, work->row.site);
    struct xd_release release = {.lines = NULL};
    struct xd_buffer text;
    if (site == NULL) {
        return XD_CORRUPT; /* sites stay */
    }
    xd_buffer_init(&text, 0);
    enum xd_result result = xd_conduct_parse(conduct);
    if (result == XD_OK) {
        fill_head(conduct, work, purpose, &release);
        result = fill_ship_by(conduct, work, &release);
    }
    if (result == XD_OK) {
        result = fill_lines(conduct, work, purpose, &release);
    }
    if (result == XD_OK) {
        xd_release_write(&release, &text);
        result = xd_buffer_result(&text);
    }
    if (result == XD_OK) {
        result = tells_lines(conduct, work, purpose);
    }
    if (result == XD_OK && !XD_MUTANT(RELEASE_NOT_SENT)) {
        result =
            xd_hub_send(hub, site, XD_LANE_WORK, XD_DOC_RELEASE, work->row.release_id, work->row.revision,
                        conduct->order.correlation_id, xd_buffer_view(&text), conduct->now);
    }
    xd_free(release.lines);
    xd_buffer_free(&text);
    return result;
}

int xd_release_owed(const struct xd_release_row *row) {
    return row->stage == XD_STAGE_PENDING ? XD_LINE_RESERVED : XD_LINE_ACKED;
}

enum xd_result xd_release_work_await(struct xd_conduct *conduct, struct xd_release_row *row) {
    struct xd_site_profile profile;
    enum xd_result result = xd_reference_site(conduct->hub, row->site, &profile);
    row->ack_by = result == XD_OK && profile.ack_minutes > 0
                      ? conduct->now.wall + profile.ack_minutes * XD_MINUTE_MS
                      : 0;
    return result;
}

/* A request is not left without an answer for ever: fulfil.c, silence. */
enum xd_result xd_release_work_deadline(struct xd_conduct *conduct, struct xd_release_row *row) {
    struct xd_site_profile profile;
    enum xd_result result = xd_reference_site(conduct->hub, row->site, &profile);
    int64_t minutes = profile.ack_minutes > 0 ? profile.ack_minutes : REQUEST_MINUTES;
    row->ack_by = result == XD_OK ? conduct->now.wall + minutes * XD_MINUTE_MS : row->ack_by;
    return result;
}

enum xd_result xd_release_work_ask(struct xd_conduct *conduct, struct xd_release_work *work, bool reroutes) {
    bool all = true, overtakes = work->row.cancel == XD_CANCEL_REQUESTED;
    enum xd_result result = overtakes ? xd_overtaken_keep(conduct, &work->row) : XD_OK;
    bool told = reroutes || (work->row.reroutes && overtakes); /* that the site is silent */
    work->row.reroutes = work->row.reroutes || reroutes;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        const struct xd_release_line_row *line = &work->lines.rows[index];
        all = all && xd_decimal_compare(line->asked, xd_release_line_rest(line)) >= 0 &&
              xd_decimal_is_zero(line->shipped);
        result = save_line(conduct, work, line);
    }
    work->row.revision++;
    work->row.cancel = XD_CANCEL_REQUESTED;
    work->row.whole = all;
    if (result == XD_OK && !told) {
        result = xd_release_work_deadline(conduct, &work->row);
    }
    if (result == XD_OK && !XD_MUTANT(CANCEL_NOT_SENT)) {
        result = xd_release_work_send(conduct, work, all ? XD_PURPOSE_CANCEL : XD_PURPOSE_CHANGE);
    }
    if (result == XD_OK) {
        result = xd_release_work_save(conduct, work);
    }
    return result == XD_OK
               ? xd_hub_timeline(conduct->hub, &conduct->order,
                                 all ? "release.cancel_requested" : "release.change_requested", conduct->now,
                                 "\"release_id\":\"%s\",\"site\":\"%s\",\"revision\":%lld%s",
                                 work->row.release_id, work->row.site, (long long)work->row.revision,
                                 reroutes
                                     ? ",\"code\":\"ACK_TIMEOUT\",\"reason\":\"The site has not answered in "
                                       "time.\""
                                     : "")
               : result;
}

enum xd_result xd_release_work_call_back(struct xd_conduct *conduct, struct xd_release_work *work,
                                         bool wanted) {
    bool any = false;
    if (work->row.status == XD_RELEASE_DRAFT || !xd_release_is_live(&work->row)) {
        return XD_OK;
    }
    for (size_t index = 0; index < work->lines.count; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        struct xd_decimal rest = xd_release_line_rest(line);
        any = any || xd_decimal_compare(rest, line->asked) > 0;
        line->asked = rest;
        line->unwanted = wanted ? line->unwanted : rest; /* what is unwanted stays so */
    }
    return any ? xd_release_work_ask(conduct, work, false) : xd_release_work_save_lines(conduct, work);
}

enum xd_result xd_release_work_heard(struct xd_conduct *conduct, const struct xd_release_work *work) {
    const struct xd_release_row *row = &work->row;
    enum xd_result result = xd_hub_exceptions_close(conduct->hub, row->site, XD_DOC_RELEASE, row->release_id,
                                                    1, "CANCEL_PENDING", conduct->now);
    return result == XD_OK && row->reroutes
               ? xd_hub_exceptions_close(conduct->hub, row->site, XD_DOC_RELEASE, row->release_id, 1,
                                         "ACK_TIMEOUT", conduct->now)
               : result;
}

/* ---- all of an order's ---- */

struct release_ids {
    char (*rows)[XD_ID_SIZE];
    size_t count, capacity;
};

static enum xd_result collect_id(void *context, const struct xd_release_row *row) {
    struct release_ids *ids = context;
    void *rows = xd_grow(ids->rows, ids->count, &ids->capacity, sizeof *ids->rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    ids->rows = rows;
    memcpy(ids->rows[ids->count++], row->release_id, XD_ID_SIZE);
    return XD_OK;
}

enum xd_result xd_conduct_each_release(struct xd_conduct *conduct, xd_release_work_fn each, void *context) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct release_ids ids = {NULL, 0, 0};
    enum xd_result result =
        store->release_of_order(store->context, conduct->order.order_id, collect_id, &ids);
    for (size_t index = 0; index < ids.count && result == XD_OK; index++) {
        struct xd_release_work work;
        result = xd_release_work_open(conduct, ids.rows[index], &work);
        if (result == XD_OK) {
            result = each(conduct, &work, context);
        }
        xd_release_work_close(&work);
    }
    xd_free(ids.rows);
    return result;
}
