/* The steps as a table: how each is done, and how it is undone. */
#include "hub/orchestration/conduct.h"

#include "hub/books/books.h"
#include "hub/events/events.h"
#include "hub/orchestration/stock.h"
#include "hub/reference/reference.h"
#include "hub/view.h"

#include <stdio.h>
#include <string.h>

const char *const xd_step_names[] = {"check", "credit", "route", "post", "release", NULL};
const char *const xd_hold_names[] = {"OPERATOR", "CHECK", "CREDIT", "BACKORDER", "ERP", NULL};

enum progress {
    DONE,
    WAITS, /* for somebody's answer */
    STOPS  /* held, or nothing is left of the order */
};

struct step {
    enum xd_result (*run)(struct xd_conduct *conduct, enum progress *progress);
    /* Takes back what it did. */
    enum xd_result (*undo)(struct xd_conduct *conduct);
};

static enum xd_result nothing_to_undo(struct xd_conduct *conduct) {
    (void)conduct;
    return XD_OK;
}

static bool is_adopted(const struct xd_conduct *conduct) {
    return strcmp(conduct->order.client, XD_CLIENT_ADOPTED) == 0;
}

/* ---- check ---- */

static enum xd_result run_check(struct xd_conduct *conduct, enum progress *progress) {
    bool asked = xd_conduct_did(conduct, XD_STEP_ROUTE); /* about a revision; nobody there passes it */
    if ((!conduct->hub->config.checks && !asked) || is_adopted(conduct)) {
        return XD_OK;
    }
    *progress = WAITS;
    return xd_sale_check(conduct);
}

/* ---- credit ---- */

static const char *code_of(const struct xd_order_row *order) {
    return order->customer_code[0] != 0 ? order->customer_code : order->customer_ref;
}

/* As the sale names it: by the code. A reference was no code when the order came; it may be by now. */
static enum xd_result customer_of(struct xd_conduct *conduct, struct xd_customer *customer) {
    const struct xd_order_row *order = &conduct->order;
    return order->customer_code[0] != 0
               ? xd_reference_customer_code(conduct->hub, order->customer_code, customer)
               : xd_reference_customer(conduct->hub, order->tenant, order->channel_account,
                                       order->customer_ref, customer);
}

static bool is_prepaid(const struct xd_order *order) {
    const char *method = order->payment != NULL ? xd_json_text(order->payment, "method") : NULL;
    return method != NULL && strcmp(method, "PREPAID") == 0;
}

static enum xd_result book(struct xd_conduct *conduct, struct xd_decimal amount) {
    struct xd_order_row *order = &conduct->order;
    enum xd_result result = xd_exposure_add(conduct->hub, code_of(order), order->currency, amount);
    return result == XD_OK ? xd_decimal_add(order->total, amount, &order->total) : result;
}

/* What is still to come of the order at its prices; lines without one count nothing. */
static enum xd_result value_of(const struct xd_conduct *conduct, struct xd_decimal *value) {
    enum xd_result result = XD_OK;
    *value = xd_decimal_of(0);
    for (size_t index = 0; index < conduct->lines.count && result == XD_OK; index++) {
        const struct xd_order_line_row *line = &conduct->lines.rows[index];
        struct xd_decimal qty, amount;
        if (!line->has_unit_price) {
            continue;
        }
        result = xd_decimal_subtract(line->ordered, line->cancelled, &qty);
        if (result == XD_OK) {
            result = xd_line_amount(line, qty, &amount);
        }
        if (result == XD_OK) {
            result = xd_decimal_add(*value, amount, value);
        }
    }
    return result;
}

/* The customer whose limit counts for the order; XD_NOT_FOUND: none does. */
static enum xd_result limited_customer(struct xd_conduct *conduct, struct xd_customer *customer) {
    enum xd_result result = customer_of(conduct, customer);
    return result == XD_OK && (is_adopted(conduct) || !customer->has_credit_limit) ? XD_NOT_FOUND : result;
}

enum xd_result xd_conduct_credit(struct xd_conduct *conduct, bool *within, char why[220]) {
    struct xd_order_row *order = &conduct->order;
    char limit[XD_DECIMAL_TEXT_MAX], booked[XD_DECIMAL_TEXT_MAX], added[XD_DECIMAL_TEXT_MAX];
    struct xd_customer customer;
    struct xd_decimal exposure, more, sum;
    enum xd_result result = limited_customer(conduct, &customer);
    *within = true;
    why[0] = 0;
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    result = xd_conduct_parse(conduct);
    if (result != XD_OK || is_prepaid(conduct->parsed)) {
        return result;
    }
    result = value_of(conduct, &more);
    if (result == XD_OK) { /* beside what is booked already */
        result = xd_decimal_subtract(more, order->total, &more);
    }
    if (result == XD_OK) {
        result = xd_exposure_get(conduct->hub, code_of(order), order->currency, &exposure);
    }
    if (result == XD_OK) {
        result = xd_decimal_add(exposure, more, &sum);
    }
    if (result == XD_OK) {
        *within = xd_decimal_compare(sum, customer.credit_limit) <= 0;
        snprintf(why, 220, "customer %s: %s are open and this order adds %s, the limit is %s %s",
                 customer.code, xd_decimal_write(exposure, booked), xd_decimal_write(more, added),
                 xd_decimal_write(customer.credit_limit, limit), order->currency);
    }
    return result;
}

static enum xd_result run_credit(struct xd_conduct *conduct, enum progress *progress) {
    struct xd_order_row *order = &conduct->order;
    struct xd_customer customer;
    struct xd_decimal value;
    char why[220];
    bool within;
    enum xd_result result = limited_customer(conduct, &customer);
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    result = xd_conduct_credit(conduct, &within, why);
    if (result == XD_OK && is_prepaid(conduct->parsed)) {
        return xd_hub_timeline(conduct->hub, order, "credit.prepaid", conduct->now, NULL);
    }
    if (result == XD_OK && !within) {
        *progress = STOPS;
        return xd_conduct_hold(conduct, XD_HOLD_CREDIT, "CREDIT_HOLD", why);
    }
    if (result == XD_OK) {
        result = value_of(conduct, &value);
    }
    if (result == XD_OK) {
        result = book(conduct, value);
    }
    return result == XD_OK ? xd_hub_timeline(conduct->hub, order, "credit.passed", conduct->now,
                                             "\"customer_version\":%lld", (long long)customer.version)
                           : result;
}

enum xd_result xd_conduct_rebook(struct xd_conduct *conduct, bool *within) {
    struct xd_order_row *order = &conduct->order;
    struct xd_customer customer;
    struct xd_decimal value, more, exposure, sum;
    *within = true;
    if (!xd_conduct_did(conduct, XD_STEP_CREDIT) || xd_decimal_is_zero(order->total)) {
        return XD_OK; /* nothing was booked for it */
    }
    enum xd_result result = value_of(conduct, &value);
    if (result == XD_OK) {
        result = xd_decimal_subtract(value, order->total, &more);
    }
    if (result == XD_OK) {
        result = xd_exposure_get(conduct->hub, code_of(order), order->currency, &exposure);
    }
    if (result == XD_OK) {
        result = xd_decimal_add(exposure, more, &sum);
    }
    if (result != XD_OK) {
        return result;
    }
    result = customer_of(conduct, &customer);
    if (result == XD_OK && customer.has_credit_limit && xd_decimal_sign(more) > 0) {
        *within = xd_decimal_compare(sum, customer.credit_limit) <= 0;
    }
    result = result == XD_NOT_FOUND ? XD_OK : result;
    return result == XD_OK && *within ? book(conduct, more) : result;
}

enum xd_result xd_conduct_book_reopened(struct xd_conduct *conduct) {
    struct xd_customer customer;
    struct xd_decimal value;
    if (!xd_conduct_did(conduct, XD_STEP_CREDIT) || !xd_decimal_is_zero(conduct->order.total)) {
        return XD_OK;
    }
    enum xd_result result = limited_customer(conduct, &customer);
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    result = xd_conduct_parse(conduct);
    if (result != XD_OK || is_prepaid(conduct->parsed)) {
        return result;
    }
    result = value_of(conduct, &value);
    return result == XD_OK ? book(conduct, value) : result;
}

enum xd_result xd_conduct_free_credit(struct xd_conduct *conduct, bool at_end) {
    struct xd_decimal value = xd_decimal_of(0), more;
    if (xd_decimal_is_zero(conduct->order.total)) {
        return XD_OK;
    }
    enum xd_result result = at_end ? XD_OK : value_of(conduct, &value);
    if (result == XD_OK) {
        result = xd_decimal_subtract(value, conduct->order.total, &more);
    }
    return result == XD_OK && xd_decimal_sign(more) < 0 ? book(conduct, more) : result;
}

/* ---- route, post, release ---- */

static enum xd_result run_route(struct xd_conduct *conduct, enum progress *progress) {
    enum xd_result result = XD_OK;
    if (conduct->order.releases == 0) { /* else it was given back by a site, which has it */
        result = xd_conduct_place(conduct, XD_PLACE_OPEN);
    }
    *progress = conduct->order.holds != 0 ? STOPS : DONE;
    return result;
}

static enum xd_result take_draft_back(struct xd_conduct *conduct, struct xd_release_work *work,
                                      void *context) {
    (void)context;
    if (work->row.status != XD_RELEASE_DRAFT) {
        return XD_OK;
    }
    work->row.status = XD_RELEASE_CANCELLED;
    enum xd_result result = xd_release_work_give_back(conduct, work, false, XD_POT_CANCELLED);
    return result == XD_OK ? xd_release_work_save(conduct, work) : result;
}

/* What is not at a site is nobody's any more. */
static enum xd_result undo_route(struct xd_conduct *conduct) {
    enum xd_result result = xd_conduct_each_release(conduct, take_draft_back, NULL);
    if (result == XD_OK) {
        result = xd_conduct_move_all(conduct, XD_POT_OPEN, XD_POT_CANCELLED);
    }
    return result == XD_OK ? xd_conduct_move_all(conduct, XD_POT_BACKORDERED, XD_POT_CANCELLED) : result;
}

static bool anything_wanted(const struct xd_conduct *conduct) {
    for (size_t index = 0; index < conduct->lines.count; index++) {
        const struct xd_order_line_row *line = &conduct->lines.rows[index];
        if (xd_decimal_compare(line->ordered, line->cancelled) > 0) {
            return true;
        }
    }
    return false;
}

static enum xd_result run_post(struct xd_conduct *conduct, enum progress *progress) {
    if (!anything_wanted(conduct)) {
        *progress = STOPS;
        return XD_OK;
    }
    *progress = WAITS;
    return xd_sale_post(conduct, is_adopted(conduct) ? XD_JOB_UNKNOWN : XD_JOB_QUEUED);
}

static enum xd_result undo_post(struct xd_conduct *conduct) {
    conduct->sale_stale = true;
    return xd_conduct_did(conduct, XD_STEP_POST) ? XD_OK : xd_sale_withdraw(conduct);
}

/* When stock comes, only orders that are released and not held are asked about: what came before is for who
 * gets there later. */
static enum xd_result run_release(struct xd_conduct *conduct, enum progress *progress) {
    *progress = DONE;
    enum xd_result result = xd_conduct_place(conduct, XD_PLACE_BACKORDERS);
    return result == XD_OK ? xd_conduct_release(conduct) : result;
}

static enum xd_result ask_back(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    (void)context;
    return xd_release_work_call_back(conduct, work, false);
}

static enum xd_result undo_release(struct xd_conduct *conduct) {
    return xd_conduct_each_release(conduct, ask_back, NULL);
}

static const struct step steps[XD_STEP_COUNT] = {
    [XD_STEP_CHECK] = {run_check, xd_sale_check_withdraw},
    [XD_STEP_CREDIT] = {run_credit, nothing_to_undo}, /* freed as lines are cancelled: conduct.c */
    [XD_STEP_ROUTE] = {run_route, undo_route},
    [XD_STEP_POST] = {run_post, undo_post},
    [XD_STEP_RELEASE] = {run_release, undo_release},
};

static bool is_stopped(const struct xd_conduct *conduct) {
    return conduct->order.holds != 0 || conduct->order.cancelled ||
           conduct->order.status == XD_ORDER_REJECTED;
}

bool xd_conduct_waits(const struct xd_conduct *conduct) {
    return is_stopped(conduct) || !xd_conduct_did(conduct, XD_STEP_CHECK);
}

/* What became open after its step was done: more was ordered, or a site gave something back. */
static enum xd_result catch_up(struct xd_conduct *conduct) {
    enum xd_result result = XD_OK;
    if (xd_conduct_did(conduct, XD_STEP_ROUTE) && !xd_conduct_waits(conduct)) {
        result = xd_conduct_place(conduct, XD_PLACE_OPEN);
    }
    if (result == XD_OK && xd_conduct_did(conduct, XD_STEP_RELEASE) && !xd_conduct_waits(conduct)) {
        result = xd_conduct_release(conduct);
    }
    return result;
}

enum xd_result xd_conduct_go(struct xd_conduct *conduct) {
    enum xd_result result = catch_up(conduct);
    enum progress progress = DONE;
    for (int step = 0; step < XD_STEP_COUNT && progress == DONE && result == XD_OK; step++) {
        if (xd_conduct_did(conduct, (enum xd_step)step)) {
            continue;
        }
        if (is_stopped(conduct)) {
            return XD_OK;
        }
        result = steps[step].run(conduct, &progress);
        if (progress == DONE) {
            conduct->order.steps |= XD_STEP_BIT(step);
        }
    }
    return result;
}

/* ---- holds ---- */

enum xd_result xd_conduct_hold(struct xd_conduct *conduct, enum xd_hold hold, const char *code,
                               const char *detail) {
    struct xd_order_row *order = &conduct->order;
    char quoted[XD_QUOTED_SIZE], by[XD_BY_SIZE], site[XD_SITE_SIZE];
    order->holds |= XD_HOLD_BIT(hold);
    enum xd_result result = xd_hub_timeline(
        conduct->hub, order, "order.held", conduct->now, "\"hold\":\"%s\",\"code\":\"%s\",\"detail\":%s%s",
        xd_hold_names[hold], code != NULL ? code : "", xd_hub_quote(detail, quoted),
        hold == XD_HOLD_OPERATOR ? xd_conduct_by(conduct, by) : ""); /* the others are nobody's wish */
    if (result == XD_OK && code != NULL) {
        result = xd_view_site_of(conduct->hub->config.store, order, site);
    }
    if (result == XD_OK && code != NULL) {
        struct xd_complaint complaint = {.code = code,
                                         .site = site,
                                         .order_id = order->order_id,
                                         .document_id = order->external_order_id,
                                         .detail = detail};
        result = xd_hub_complain(conduct->hub, &complaint, conduct->now);
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_order_row held = xd_conduct_row(conduct);
    return xd_hub_event(conduct->hub, &held, XD_EVENT_HELD, conduct->now,
                        "\"hold\":\"%s\",\"reason\":{\"code\":\"%s\",\"detail\":%s}", xd_hold_names[hold],
                        code != NULL ? code : "", quoted);
}

static const char *const hold_codes[XD_HOLD_COUNT] = {[XD_HOLD_CHECK] = "CHECK_HOLD",
                                                      [XD_HOLD_CREDIT] = "CREDIT_HOLD",
                                                      [XD_HOLD_BACKORDER] = "BACKORDER_DECISION",
                                                      [XD_HOLD_ERP] = "ERP_REJECTED_SALE"};

/* When it was released before, what is open may be what a revision added, which the ERP was not told yet. */
static void pass_check(struct xd_conduct *conduct) {
    conduct->order.steps |= XD_STEP_BIT(XD_STEP_CHECK);
    conduct->sale_stale = true;
    conduct->revised = conduct->revised || xd_conduct_did(conduct, XD_STEP_RELEASE);
}

/* The step that the hold stopped is done by the word of whoever takes it off. */
static enum xd_result pass(struct xd_conduct *conduct, enum xd_hold hold) {
    struct xd_decimal value;
    enum xd_result result = XD_OK;
    if (hold == XD_HOLD_CHECK) {
        pass_check(conduct);
    } else if (hold == XD_HOLD_CREDIT) {
        result = value_of(conduct, &value);
        if (result == XD_OK) { /* beside what is booked already */
            result = xd_decimal_subtract(value, conduct->order.total, &value);
        }
        result = result == XD_OK ? book(conduct, value) : result;
        conduct->order.steps |= XD_STEP_BIT(XD_STEP_CREDIT);
    } else if (hold == XD_HOLD_BACKORDER) {
        conduct->order.steps |= XD_STEP_BIT(XD_STEP_ROUTE);
    } else if (hold == XD_HOLD_ERP) {
        result = xd_sale_renew(conduct);
    }
    return result;
}

static enum xd_result take_hold_off(struct xd_conduct *conduct, enum xd_hold hold,
                                    const struct xd_word *word) {
    struct xd_order_row *order = &conduct->order;
    char by[XD_QUOTED_SIZE], reason[XD_QUOTED_SIZE];
    if ((order->holds & XD_HOLD_BIT(hold)) == 0) {
        return XD_NOT_FOUND;
    }
    order->holds &= ~XD_HOLD_BIT(hold);
    enum xd_result result = xd_hub_timeline(conduct->hub, order, "order.hold_released", conduct->now,
                                            "\"hold\":\"%s\",\"by\":%s,\"reason\":%s", xd_hold_names[hold],
                                            xd_hub_quote(word->by, by), xd_hub_quote(word->reason, reason));
    return result == XD_OK && hold_codes[hold] != NULL
               ? xd_hub_exceptions_close_order(conduct->hub, order->order_id, hold_codes[hold], conduct->now)
               : result;
}

/* Stock may have come while it was held. */
static enum xd_result go_on(struct xd_conduct *conduct) {
    enum xd_result result = XD_OK;
    if (xd_conduct_did(conduct, XD_STEP_RELEASE) && !xd_conduct_waits(conduct)) {
        result = xd_conduct_place(conduct, XD_PLACE_BACKORDERS);
    }
    return result == XD_OK ? xd_conduct_go(conduct) : result;
}

enum xd_result xd_conduct_unhold(struct xd_conduct *conduct, enum xd_hold hold, const struct xd_word *word) {
    enum xd_result result = take_hold_off(conduct, hold, word);
    if (result == XD_OK) {
        result = pass(conduct, hold);
    }
    return result == XD_OK ? go_on(conduct) : result;
}

enum xd_result xd_conduct_checked(struct xd_conduct *conduct) {
    pass_check(conduct);
    return go_on(conduct);
}

/* What it waits for a person for was another order. */
enum xd_result xd_conduct_check_revised(struct xd_conduct *conduct, bool other) {
    bool same = true;
    if (!conduct->hub->config.checks || is_adopted(conduct) || xd_books_is_born(&conduct->order)) {
        return XD_OK;
    }
    enum xd_result result = xd_sale_is_checked(conduct, &same);
    if (result != XD_OK || (same && !other)) {
        return result;
    }
    if ((conduct->order.holds & XD_HOLD_BIT(XD_HOLD_CHECK)) != 0) {
        const struct xd_word word = {conduct->by, "revise", "It was revised, and is asked about anew."};
        result = take_hold_off(conduct, XD_HOLD_CHECK, &word);
    }
    conduct->order.steps &= ~XD_STEP_BIT(XD_STEP_CHECK);
    return result == XD_OK ? xd_sale_check_revised(conduct) : result;
}

/* More than the limit that was allowed when the order was smaller is looked at again. */
static enum xd_result book_again(struct xd_conduct *conduct) {
    bool within;
    enum xd_result result = xd_conduct_rebook(conduct, &within);
    return result == XD_OK && !within ? xd_conduct_hold(conduct, XD_HOLD_CREDIT, "CREDIT_HOLD",
                                                        "The order is above the customer's credit limit.")
                                      : result;
}

/* What waited for a decision is routed as if it had just been ordered. */
static enum xd_result place_waiting(struct xd_conduct *conduct) {
    enum xd_result result = xd_conduct_move_all(conduct, XD_POT_BACKORDERED, XD_POT_OPEN);
    if (result == XD_OK) {
        result = xd_conduct_place(conduct, XD_PLACE_OPEN);
    }
    if (result == XD_OK && (conduct->order.holds & XD_HOLD_BIT(XD_HOLD_BACKORDER)) == 0) {
        conduct->order.steps |= XD_STEP_BIT(XD_STEP_ROUTE);
    }
    return result;
}

enum xd_result xd_conduct_retry(struct xd_conduct *conduct, enum xd_hold hold, const struct xd_word *word) {
    enum xd_result result = take_hold_off(conduct, hold, word);
    if (result != XD_OK) {
        return result;
    }
    switch (hold) {
    case XD_HOLD_CHECK:
        return xd_sale_check_again(conduct);
    case XD_HOLD_CREDIT:
        result = book_again(conduct);
        break;
    case XD_HOLD_BACKORDER:
        result = place_waiting(conduct);
        break;
    default:
        result = pass(conduct, hold);
        break;
    }
    return result == XD_OK ? go_on(conduct) : result;
}

static enum xd_result call_back(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    (void)context;
    return xd_release_work_call_back(conduct, work, true);
}

enum xd_result xd_conduct_call_back(struct xd_conduct *conduct) {
    return xd_conduct_each_release(conduct, call_back, NULL);
}

/* ---- undoing ---- */

static enum xd_result drop_holds(struct xd_conduct *conduct) {
    enum xd_result result = XD_OK;
    for (int hold = 0; hold < XD_HOLD_COUNT && result == XD_OK; hold++) {
        if ((conduct->order.holds & XD_HOLD_BIT(hold)) != 0 && hold_codes[hold] != NULL) {
            result = xd_hub_exceptions_close_order(conduct->hub, conduct->order.order_id, hold_codes[hold],
                                                   conduct->now);
        }
    }
    conduct->order.holds = 0;
    return result;
}

enum xd_result xd_conduct_undo(struct xd_conduct *conduct, enum xd_order_status status, const char *code,
                               const char *detail) {
    struct xd_order_row *order = &conduct->order;
    char quoted[XD_QUOTED_SIZE], by[XD_BY_SIZE];
    bool rejected = status == XD_ORDER_REJECTED;
    enum xd_result result = drop_holds(conduct);
    order->cancelled = true;
    for (int step = XD_STEP_COUNT; step > 0 && result == XD_OK; step--) {
        result = steps[step - 1].undo(conduct);
    }
    if (result == XD_OK) {
        result = xd_hub_timeline(conduct->hub, order, rejected ? "order.rejected" : "order.cancel_requested",
                                 conduct->now, "\"code\":\"%s\",\"detail\":%s%s", code,
                                 xd_hub_quote(detail, quoted), xd_conduct_by(conduct, by));
    }
    if (result == XD_OK && rejected) {
        order->status = XD_ORDER_REJECTED;
        result = xd_hub_event(conduct->hub, order, XD_EVENT_REJECTED, conduct->now,
                              "\"reason\":{\"code\":\"%s\",\"detail\":%s%s}", code, quoted, by);
    }
    return result;
}
