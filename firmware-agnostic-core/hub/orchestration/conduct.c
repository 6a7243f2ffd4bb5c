#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "hub/books/books.h"
#include "hub/events/events.h"
#include "hub/orchestration/ending.h"
#include "hub/sla/deadlines.h"

#include <stdio.h>
#include <string.h>

enum xd_result xd_conduct_open(struct xd_conduct *conduct, struct xd_hub *hub, const char *order_id,
                               struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    memset(conduct, 0, sizeof *conduct);
    conduct->hub = hub;
    conduct->now = now;
    enum xd_result result = store->order_get(store->context, order_id, &conduct->order);
    return result == XD_OK ? xd_hub_lines_load(hub, order_id, &conduct->lines) : result;
}

void xd_conduct_close(struct xd_conduct *conduct) {
    xd_free(conduct->lines.rows);
    xd_free(conduct->sent);
    xd_document_free(&conduct->document);
    memset(conduct, 0, sizeof *conduct);
}

/* How its lines are to be handled: a release of it says that again. */
static enum xd_result read_adopted_lines(struct xd_conduct *conduct, const struct xd_release *release) {
    struct xd_order_line *lines =
        xd_document_alloc(&conduct->document, (release->line_count + 1) * sizeof *lines);
    if (lines == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < release->line_count; index++) {
        const struct xd_release_line *line = &release->lines[index];
        lines[index] = (struct xd_order_line){.line_id = line->line_id,
                                              .external_line_id = line->external_line_id,
                                              .sku = line->sku,
                                              .qty = line->qty,
                                              .uom = line->uom,
                                              .lot_constraint = line->lot_constraint,
                                              .min_remaining_shelf_life = line->min_remaining_shelf_life,
                                              .hazmat = line->hazmat,
                                              .temperature_class = line->temperature_class,
                                              .serial_required = line->serial_required};
    }
    conduct->own.lines = lines;
    conduct->own.line_count = release->line_count;
    return XD_OK;
}

/* All that is known of an order that a site gave back is its release. */
static enum xd_result read_adopted(struct xd_conduct *conduct) {
    struct xd_release release;
    enum xd_result result =
        xd_release_read(&conduct->document, conduct->document.tree, &release, &conduct->hub->problems);
    if (result != XD_OK) {
        return result;
    }
    conduct->own = (struct xd_order){.preferred_site = release.site_id,
                                     .ship_to = release.ship_to,
                                     .mark_for = release.mark_for,
                                     .requested_ship = release.requested_ship,
                                     .requested_delivery = release.requested_delivery,
                                     .ship_not_before = release.ship_not_before,
                                     .ship_not_after = release.ship_not_after,
                                     .cancel_after = release.cancel_after,
                                     .freight = release.freight,
                                     .attributes = release.attributes,
                                     .fulfilment_policy = -1,
                                     .backorder_policy = -1};
    return read_adopted_lines(conduct, &release);
}

enum xd_result xd_conduct_parse(struct xd_conduct *conduct) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_buffer body;
    if (conduct->parsed != NULL) {
        return XD_OK;
    }
    xd_buffer_init(&body, 0);
    xd_problems_clear(&conduct->hub->problems);
    enum xd_result result = store->order_body(store->context, conduct->order.order_id, &body);
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&body), &conduct->document, &conduct->hub->problems);
    }
    xd_buffer_free(&body);
    if (result == XD_OK) {
        result = xd_hub_order_in_releases(&conduct->order)
                     ? read_adopted(conduct)
                     : xd_order_read_taken(&conduct->document, &conduct->own, &conduct->hub->problems);
    }
    if (result == XD_OK) {
        conduct->parsed = &conduct->own;
    }
    return result == XD_INVALID ? XD_CORRUPT : result; /* it could be read when it was taken */
}

bool xd_conduct_did(const struct xd_conduct *conduct, enum xd_step step) {
    return (conduct->order.steps & XD_STEP_BIT(step)) != 0;
}

struct xd_order_line_row *xd_conduct_line(struct xd_conduct *conduct, const char *line_id) {
    for (size_t index = 0; index < conduct->lines.count; index++) {
        if (strcmp(conduct->lines.rows[index].line_id, line_id) == 0) {
            return &conduct->lines.rows[index];
        }
    }
    return NULL;
}

enum xd_result xd_conduct_save_line(struct xd_conduct *conduct, const struct xd_order_line_row *line) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    if (!xd_order_line_check(line)) {
        xd_log(conduct->hub->config.env, XD_LOG_ERROR, "order.not_conserved", NULL,
               "line %s of order %s does not add up", line->line_id, conduct->order.order_id);
        return XD_CORRUPT;
    }
    return conduct->new_lines ? XD_OK : store->order_line_save(store->context, conduct->order.order_id, line);
}

static enum xd_result add_lines(struct xd_conduct *conduct) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < conduct->lines.count && conduct->new_lines && result == XD_OK; index++) {
        result = store->order_line_add(store->context, conduct->order.order_id, &conduct->lines.rows[index]);
    }
    conduct->new_lines = false;
    return result;
}

const char *xd_conduct_by(const struct xd_conduct *conduct, char out[XD_BY_SIZE]) {
    char quoted[XD_QUOTED_SIZE];
    out[0] = 0;
    if (conduct->by != NULL) {
        snprintf(out, XD_BY_SIZE, ",\"by\":%s", xd_hub_quote(conduct->by, quoted));
    }
    return out;
}

/* ---- the status ---- */

bool xd_conduct_knows_part(const struct xd_order_row *order) {
    return xd_books_is_born(order) && strcmp(order->client, XD_CLIENT_ADOPTED) == 0;
}

static bool has_shipped(int status) {
    return status == XD_ORDER_SHIPPED || status == XD_ORDER_CLOSED_SHORT || status == XD_ORDER_INVOICED;
}

static int status_of(const struct xd_conduct *conduct) {
    const struct xd_order_row *order = &conduct->order;
    struct xd_fold fold;
    memset(&fold, 0, sizeof fold);
    for (size_t index = 0; index < conduct->lines.count; index++) {
        xd_fold_add(&fold, &conduct->lines.rows[index]);
    }
    enum xd_order_status folded = xd_fold_order(&fold);
    if (order->status == XD_ORDER_REJECTED || folded == XD_ORDER_CANCELLED) {
        return order->status == XD_ORDER_REJECTED ? XD_ORDER_REJECTED : XD_ORDER_CANCELLED;
    }
    if (order->holds != 0 && !xd_conduct_did(conduct, XD_STEP_RELEASE)) {
        return XD_ORDER_HELD;
    }
    if (has_shipped((int)folded) && xd_conduct_knows_part(order)) {
        return XD_ORDER_PART_SHIPPED;
    }
    return xd_conduct_did(conduct, XD_STEP_POST) ? (int)folded : XD_ORDER_VALIDATED;
}

static bool is_end(int status) {
    return status == XD_ORDER_REJECTED || status == XD_ORDER_CANCELLED || has_shipped(status);
}

struct xd_order_row xd_conduct_row(const struct xd_conduct *conduct) {
    struct xd_order_row row = conduct->order;
    row.status = status_of(conduct);
    return row;
}

/* Nothing of it is left to ship, and nothing has shipped. */
static enum xd_result tell_cancelled(struct xd_conduct *conduct) {
    struct xd_hub *hub = conduct->hub;
    struct xd_ending ending = {.code = XD_ENDED_NOTHING_LEFT};
    char quoted[XD_QUOTED_SIZE], by[XD_QUOTED_SIZE], who[XD_BY_SIZE] = "";
    enum xd_result result = XD_OK;
    if (conduct->ended != NULL) {
        xd_copy(ending.code, sizeof ending.code, conduct->ended);
        xd_copy(ending.detail, sizeof ending.detail, conduct->decision);
    } else {
        result = xd_ending_read(hub->config.store, conduct->order.order_id, &ending);
    }
    if (result == XD_NOT_FOUND) {
        xd_copy(ending.code, sizeof ending.code, XD_ENDED_NOTHING_LEFT);
        result = XD_OK;
    }
    if (ending.by[0] != 0) {
        snprintf(who, sizeof who, ",\"by\":%s", xd_hub_quote(ending.by, by));
    }
    xd_hub_quote(ending.detail, quoted);
    if (result == XD_OK) {
        result = xd_hub_timeline(hub, &conduct->order, "order.cancelled", conduct->now,
                                 "\"code\":\"%s\",\"detail\":%s%s", ending.code, quoted, who);
    }
    return result == XD_OK
               ? xd_hub_event(hub, &conduct->order, XD_EVENT_CANCELLED, conduct->now,
                              "\"reason\":{\"code\":\"%s\",\"detail\":%s%s}", ending.code, quoted, who)
               : result;
}

/* All that is known of it is a release that was asked back, by a hub that is restored now: another of its
 * sites may have it, and the cancellation, if it was one, was told then. */
static bool seems_over(const struct xd_conduct *conduct) {
    return conduct->order.status == XD_ORDER_CANCELLED && !xd_conduct_did(conduct, XD_STEP_POST) &&
           strcmp(conduct->order.client, XD_CLIENT_ADOPTED) == 0;
}

enum xd_result xd_conduct_save(struct xd_conduct *conduct) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    int before = conduct->order.status;
    conduct->order.status = status_of(conduct);
    enum xd_result result = add_lines(conduct);
    if (result == XD_OK) {
        result = xd_conduct_free_credit(conduct, is_end(conduct->order.status));
    }
    if (result == XD_OK && conduct->sale_stale && !xd_conduct_knows_part(&conduct->order)) {
        result = xd_sale_settle(conduct);
    }
    conduct->order.updated_at = conduct->now.wall;
    if (result == XD_OK) {
        result = store->order_save(store->context, &conduct->order);
    }
    /* Nothing is left to decide; which is told with the order as it is now. */
    if (result == XD_OK && is_end(conduct->order.status) && !is_end(before)) {
        result = xd_hub_exceptions_close_order(conduct->hub, conduct->order.order_id, "RELEASE_REJECTED",
                                               conduct->now);
    }
    if (result == XD_OK) {
        result = xd_deadlines_look(conduct->hub, &conduct->order, conduct->now);
    }
    xd_waiters_look(conduct->hub, conduct->order.order_id);
    bool untold = seems_over(conduct);
    if (result == XD_OK && conduct->order.status == XD_ORDER_CANCELLED && before != XD_ORDER_CANCELLED &&
        !untold) {
        result = tell_cancelled(conduct);
    }
    bool told = untold || (conduct->told && is_end(conduct->order.status));
    return result == XD_OK && !told ? xd_hub_event_status(conduct->hub, &conduct->order, before, conduct->now)
                                    : result;
}

enum xd_result xd_conduct_end(struct xd_conduct *conduct, enum xd_result result) {
    struct xd_hub *hub = conduct->hub;
    struct xd_now now = conduct->now;
    if (result == XD_OK) {
        result = xd_conduct_save(conduct);
    }
    char(*sent)[XD_ID_SIZE] = conduct->sent;
    size_t count = conduct->sent_count;
    conduct->sent = NULL;
    xd_conduct_close(conduct);
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        result = xd_hub_resume(hub, sent[index], now);
    }
    xd_free(sent);
    return result;
}
