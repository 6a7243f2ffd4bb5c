/* What channels and operators want of an order that is there: cancel, hold, go on, decide.
 *
 * Each is answered 202 with the order as it is now; how it went on is in the timeline. Asking
 * for the same again changes nothing, so that a lost answer costs nothing. */
#include "hub/admission.h"
#include "hub/orchestration/conduct.h"
#include "hub/view.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

struct wish_line {
    const char *line_id, *external_line_id;
    struct xd_decimal qty;
    bool has_qty;
    const char *uom; /* of qty; NULL: the one in which the line was ordered */
};

struct wish_body {
    const char *reason, *hold;
    int action;
    struct wish_line *lines;
    size_t line_count;
};

struct wish {
    struct xd_hub *hub;
    const struct xd_api_request *request;
    struct xd_effects *effects; /* NULL: it is one of several things, and has no answer of its own */
    struct xd_document document;
    struct wish_body body;
    struct xd_conduct conduct;
    bool open;
};

static const char *const action_names[] = {"accept", "reject", "retry", NULL}; /* enum xd_action */

static const struct xd_field line_fields[] = {
    {.name = "line_id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct wish_line, line_id)},
    {.name = "external_line_id",
     .type = XD_FIELD_ID,
     .max = XD_ID_MAX,
     XD_AT(struct wish_line, external_line_id)},
    {.name = "qty", .type = XD_FIELD_QUANTITY, .min = 1, XD_AT2(struct wish_line, qty, has_qty)},
    {.name = "uom", .type = XD_FIELD_ID, .max = XD_UOM_MAX, XD_AT(struct wish_line, uom)},
    {.name = NULL},
};
static const struct xd_field cancel_fields[] = {
    {.name = "reason", .type = XD_FIELD_TEXT, XD_AT(struct wish_body, reason)},
    {.name = "lines",
     .type = XD_FIELD_ARRAY,
     .min = 1,
     .max = XD_ORDER_LINES_MAX,
     .fields = line_fields,
     .element_size = sizeof(struct wish_line),
     XD_AT2(struct wish_body, lines, line_count)},
    {.name = NULL},
};
static const struct xd_field hold_fields[] = {
    {.name = "reason", .type = XD_FIELD_TEXT, .required = true, XD_AT(struct wish_body, reason)},
    {.name = NULL},
};
static const struct xd_field unhold_fields[] = {
    {.name = "hold", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(struct wish_body, hold)},
    {.name = "reason", .type = XD_FIELD_TEXT, XD_AT(struct wish_body, reason)},
    {.name = NULL},
};
static const struct xd_field resolve_fields[] = {
    {.name = "action",
     .type = XD_FIELD_ENUM,
     .required = true,
     .names = action_names,
     XD_AT(struct wish_body, action)},
    {.name = "reason", .type = XD_FIELD_TEXT, XD_AT(struct wish_body, reason)},
    {.name = NULL},
};

/* ---- what they have in common ---- */

static enum xd_result refuse(struct wish *wish, unsigned status, const char *code, const char *detail) {
    xd_hub_problem(wish->effects, wish->request, status, code, false, &wish->hub->problems, "%s", detail);
    return XD_OK;
}

/* XD_OK and *told: it cannot be read, which was answered. An empty body is an empty object. */
static enum xd_result read_body(struct wish *wish, const struct xd_field *fields, bool *told) {
    static const char nothing[] = "{}";
    struct xd_bytes body = wish->request->body.size > 0 ? wish->request->body : xd_bytes_of(nothing, 2);
    *told = true;
    enum xd_result result = xd_document_parse(body, &wish->document, &wish->hub->problems);
    if (result == XD_INVALID) {
        return refuse(wish, 400, "malformed_json", "The body cannot be read.");
    }
    if (result == XD_OK) {
        result = xd_schema_read(&wish->document, wish->document.tree, fields, XD_UNKNOWN_REFUSED, &wish->body,
                                &wish->hub->problems);
    }
    if (result == XD_INVALID) {
        return refuse(wish, 422, "invalid_request", "The request cannot be used; errors[] says why.");
    }
    *told = false;
    return result;
}

static const char *reason_of(const struct wish *wish) {
    return wish->body.reason != NULL ? wish->body.reason : "";
}

/* What is resolved from here on is so by that word. */
static void speak(struct wish *wish, const char *action) {
    wish->hub->word = (struct xd_word){wish->request->client->client, action, reason_of(wish)};
}

/* A channel sees its own tenant's orders and no other. */
static enum xd_result open_order(struct wish *wish, const char *order_id, struct xd_now now, bool *told) {
    const struct xd_client_row *client = wish->request->client;
    enum xd_result result = strlen(order_id) < XD_ID_SIZE
                                ? xd_conduct_open(&wish->conduct, wish->hub, order_id, now)
                                : XD_NOT_FOUND;
    bool others = result == XD_OK && strcmp(client->role, "channel") == 0 &&
                  strcmp(client->tenant, wish->conduct.order.tenant) != 0;
    wish->open = result == XD_OK;
    wish->conduct.by = client->client;
    *told = result == XD_NOT_FOUND || others;
    return *told ? refuse(wish, 404, "not_found", "There is no such order.") : result;
}

/* Stores what was decided and answers with the order as it is now. */
static enum xd_result finish(struct wish *wish, enum xd_result result) {
    char order_id[XD_ID_SIZE];
    struct xd_buffer body;
    memcpy(order_id, wish->conduct.order.order_id, sizeof order_id);
    result = xd_conduct_end(&wish->conduct, result);
    wish->open = false;
    xd_buffer_init(&body, 0);
    if (result == XD_OK && wish->effects != NULL) {
        result = xd_view_order(wish->hub->config.store, order_id, &body);
    }
    if (result == XD_OK && wish->effects != NULL) {
        char location[64];
        snprintf(location, sizeof location, "/v1/orders/%s", order_id);
        xd_hub_answer(wish->effects, wish->request, 202, location, &body);
    }
    xd_buffer_free(&body);
    return result;
}

static bool is_over(const struct xd_order_row *order) {
    return order->status == XD_ORDER_REJECTED || order->status == XD_ORDER_SHIPPED ||
           order->status == XD_ORDER_CLOSED_SHORT || order->status == XD_ORDER_INVOICED;
}

static enum xd_result with(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                           struct xd_effects *effects,
                           enum xd_result (*decide)(struct wish *wish, struct xd_now now)) {
    struct wish wish;
    memset(&wish, 0, sizeof wish);
    wish.hub = hub;
    wish.request = request;
    wish.effects = effects;
    hub->now = now;
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    enum xd_result result = decide(&wish, now);
    if (wish.open) {
        xd_conduct_close(&wish.conduct);
    }
    xd_document_free(&wish.document);
    hub->word = (struct xd_word){NULL, NULL, NULL};
    return result;
}

/* ---- cancel ---- */

static struct xd_order_line_row *line_of(struct wish *wish, const struct wish_line *line) {
    for (size_t index = 0; index < wish->conduct.lines.count; index++) {
        struct xd_order_line_row *row = &wish->conduct.lines.rows[index];
        if ((line->line_id == NULL || strcmp(line->line_id, row->line_id) == 0) &&
            (line->external_line_id == NULL || strcmp(line->external_line_id, row->external_line_id) == 0)) {
            return line->line_id != NULL || line->external_line_id != NULL ? row : NULL;
        }
    }
    return NULL;
}

/* The line is to be cancelled up to so much in all, so that asking again changes nothing. */
static struct xd_decimal still_of(struct xd_decimal qty, struct xd_decimal cancelling,
                                  struct xd_decimal left) {
    struct xd_decimal still;
    bool any = xd_decimal_subtract(qty, cancelling, &still) == XD_OK && xd_decimal_sign(still) > 0;
    return any ? xd_decimal_min(still, left) : xd_decimal_of(0);
}

/* In what the line was ordered, or in what it counts by now. */
static bool names_unit(const struct xd_order_line_row *row, const struct wish_line *line) {
    return line->uom == NULL || strcmp(line->uom, row->uom) == 0 ||
           strcmp(line->uom, xd_line_ordered_unit(row).uom) == 0;
}

/* As the line counts. XD_INVALID: it has no form there, or none in base units. */
static enum xd_result said_of(const struct xd_order_line_row *row, const struct wish_line *line,
                              struct xd_decimal *said) {
    struct xd_decimal base;
    bool counts = line->uom != NULL && strcmp(line->uom, row->uom) == 0;
    *said = line->qty;
    enum xd_result result = counts ? XD_OK : xd_line_of_ordered(row, line->qty, said);
    return result == XD_OK && xd_decimal_ratio(*said, row->factor_num, row->factor_den, &base) == XD_OK
               ? XD_OK
               : XD_INVALID;
}

/* What of the line neither shipped nor was cancelled. */
static struct xd_decimal left_of(const struct xd_order_line_row *line) {
    struct xd_decimal left;
    if (xd_decimal_subtract(line->ordered, line->cancelled, &left) != XD_OK ||
        xd_decimal_subtract(left, line->shipped, &left) != XD_OK) {
        left = xd_decimal_of(0);
    }
    return left;
}

/* What a slip of the finger says must not cancel a line. Against what was ordered: what has shipped meanwhile
 * is nobody's mistake. */
static void fill_qty(struct wish *wish, const struct wish_line *line, size_t index,
                     struct xd_decimal cancelling, struct xd_cancel_wish *out) {
    struct xd_decimal left = left_of(out->line), said;
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/lines/%zu/qty", index);
    out->qty = left;
    if (!line->has_qty) {
        return;
    }
    if (said_of(out->line, line, &said) != XD_OK) {
        xd_problem_add(&wish->hub->problems, "quantity_not_exact", pointer,
                       "The line does not count in such a part of its unit.");
    } else if (xd_decimal_compare(said, out->line->ordered) > 0) {
        char ordered[XD_DECIMAL_TEXT_MAX];
        xd_problem_add(&wish->hub->problems, "more_than_ordered", pointer, "of the line %s %s were ordered",
                       xd_decimal_write(out->line->ordered, ordered), out->line->uom);
    } else {
        out->qty = still_of(said, cancelling, left);
    }
}

static void fill_wishes(struct wish *wish, const struct xd_decimal *cancelling,
                        struct xd_cancel_wish *wishes) {
    for (size_t index = 0; index < wish->body.line_count; index++) {
        const struct wish_line *line = &wish->body.lines[index];
        struct xd_order_line_row *row = line_of(wish, line);
        bool twice = false;
        char pointer[40];
        snprintf(pointer, sizeof pointer, "/lines/%zu", index);
        for (size_t before = 0; before < index && row != NULL; before++) {
            twice = twice || wishes[before].line == row;
        }
        wishes[index].line = row;
        if (row == NULL) {
            xd_problem_add(&wish->hub->problems, "unknown_line", pointer, "The order has no such line.");
        } else if (twice) {
            xd_problem_add(&wish->hub->problems, "duplicate_line", pointer, "The line is named twice.");
        } else if (!names_unit(row, line)) {
            xd_problem_add(&wish->hub->problems, "unknown_uom", pointer,
                           "The order's line does not count in that unit.");
        } else {
            fill_qty(wish, line, index, cancelling[row - wish->conduct.lines.rows], &wishes[index]);
        }
    }
}

/* Whether nothing at all is left of the order then. */
static bool is_all(const struct wish *wish, const struct xd_cancel_wish *wishes) {
    bool all = true;
    for (size_t index = 0; index < wish->conduct.lines.count && all; index++) {
        const struct xd_order_line_row *row = &wish->conduct.lines.rows[index];
        struct xd_decimal most = xd_decimal_of(0);
        for (size_t named = 0; named < wish->body.line_count; named++) {
            most = wishes[named].line == row ? wishes[named].qty : most;
        }
        all = xd_decimal_compare(most, left_of(row)) >= 0;
    }
    return all;
}

static enum xd_result cancel_all(struct wish *wish) {
    return wish->conduct.order.cancelled
               ? XD_OK
               : xd_conduct_undo(&wish->conduct, XD_ORDER_CANCELLED, "cancelled", reason_of(wish));
}

static enum xd_result cancel_lines(struct wish *wish) {
    size_t count = wish->body.line_count;
    struct xd_decimal *cancelling = NULL;
    struct xd_cancel_wish *wishes = xd_alloc(count * sizeof *wishes);
    enum xd_result result =
        wishes == NULL ? XD_NO_MEMORY : xd_conduct_cancelling(&wish->conduct, &cancelling);
    if (result == XD_OK) {
        fill_wishes(wish, cancelling, wishes);
    }
    bool wrong = wish->hub->problems.errors > 0;
    if (result == XD_OK && !wrong) {
        result = is_all(wish, wishes) ? cancel_all(wish)
                                      : xd_conduct_cancel(&wish->conduct, wishes, count, reason_of(wish));
    }
    xd_free(cancelling);
    xd_free(wishes);
    return wrong && result == XD_OK
               ? refuse(wish, 422, "invalid_request", "Lines cannot be cancelled; errors[] says why.")
               : finish(wish, result);
}

/* Whether what the line asks for was done before: of an order that is over no more of it can be. */
static bool is_cancelled(struct wish *wish, const struct wish_line *line) {
    const struct xd_order_line_row *row = line_of(wish, line);
    struct xd_decimal said;
    if (row == NULL || !line->has_qty) {
        return row != NULL &&
               (wish->conduct.order.cancelled || xd_decimal_compare(row->cancelled, row->ordered) >= 0);
    }
    return names_unit(row, line) && said_of(row, line, &said) == XD_OK &&
           xd_decimal_compare(row->cancelled, said) >= 0;
}

/* Who did not hear the answer asks again, and by then, or by that, the order is over. */
static enum xd_result cancel_again(struct wish *wish) {
    bool rejected = wish->conduct.order.status == XD_ORDER_REJECTED; /* that was somebody else's wish */
    bool done = !rejected && (wish->body.line_count > 0 || wish->conduct.order.cancelled);
    for (size_t index = 0; index < wish->body.line_count && done; index++) {
        done = is_cancelled(wish, &wish->body.lines[index]);
    }
    return done ? finish(wish, XD_OK)
                : refuse(wish, 409, "order_closed",
                         "The order is at its end; what has shipped comes back as a return.");
}

static enum xd_result decide_cancel(struct wish *wish, struct xd_now now) {
    struct xd_refusal refusal;
    bool told;
    enum xd_result result = read_body(wish, cancel_fields, &told);
    speak(wish, "cancel");
    if (result == XD_OK && !told) {
        result = open_order(wish, wish->request->id, now, &told);
    }
    if (result != XD_OK || told) {
        return result;
    }
    xd_client_may_change(wish->request->client, &wish->conduct.order, &refusal);
    if (refusal.code != NULL) {
        return refuse(wish, refusal.status, refusal.code, refusal.detail);
    }
    if (is_over(&wish->conduct.order)) {
        return cancel_again(wish);
    }
    if (wish->body.line_count > 0) {
        return cancel_lines(wish);
    }
    return finish(wish, cancel_all(wish));
}

enum xd_result xd_hub_order_cancel(struct xd_hub *hub, const struct xd_api_request *request,
                                   struct xd_now now, struct xd_effects *effects) {
    return with(hub, request, now, effects, decide_cancel);
}

/* ---- holds ---- */

static enum xd_result decide_hold(struct wish *wish, struct xd_now now) {
    bool told;
    enum xd_result result = read_body(wish, hold_fields, &told);
    if (result == XD_OK && !told) {
        result = open_order(wish, wish->request->id, now, &told);
    }
    if (result != XD_OK || told) {
        return result;
    }
    if (wish->conduct.order.cancelled || wish->conduct.order.status == XD_ORDER_CANCELLED ||
        is_over(&wish->conduct.order)) {
        return refuse(wish, 409, "order_closed", "The order is at its end, or on its way there.");
    }
    if ((wish->conduct.order.holds & XD_HOLD_BIT(XD_HOLD_OPERATOR)) == 0) {
        result = xd_conduct_hold(&wish->conduct, XD_HOLD_OPERATOR, NULL, reason_of(wish));
        result = result == XD_OK ? xd_conduct_call_back(&wish->conduct) : result;
    }
    return finish(wish, result);
}

enum xd_result xd_hub_order_hold(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                 struct xd_effects *effects) {
    return with(hub, request, now, effects, decide_hold);
}

static enum xd_result unhold(struct wish *wish, int hold) {
    return finish(wish, xd_conduct_unhold(&wish->conduct, (enum xd_hold)hold, &wish->hub->word));
}

static enum xd_result decide_unhold(struct wish *wish, struct xd_now now) {
    bool told;
    int hold = 0;
    enum xd_result result = read_body(wish, unhold_fields, &told);
    speak(wish, "unhold");
    if (result == XD_OK && !told) {
        result = open_order(wish, wish->request->id, now, &told);
    }
    if (result != XD_OK || told) {
        return result;
    }
    while (hold < XD_HOLD_COUNT && strcmp(xd_hold_names[hold], wish->body.hold) != 0) {
        hold++;
    }
    if (hold == XD_HOLD_COUNT || (wish->conduct.order.holds & XD_HOLD_BIT(hold)) == 0) {
        return refuse(wish, 409, "no_such_hold", "The order is not held for that; see its holds.");
    }
    return unhold(wish, hold);
}

enum xd_result xd_hub_order_unhold(struct xd_hub *hub, const struct xd_api_request *request,
                                   struct xd_now now, struct xd_effects *effects) {
    return with(hub, request, now, effects, decide_unhold);
}

/* ---- exceptions ---- */

/* What can be done about it beside taking note of it. */
enum remedy { REMEDY_NOTE, REMEDY_HOLD, REMEDY_PLACE, REMEDY_JOB, REMEDY_SITE, REMEDY_POSTING };

static const struct {
    const char *code;
    enum remedy remedy;
    int hold;                 /* REMEDY_HOLD */
    enum xd_order_status end; /* of the order, when it is rejected */
} remedies[] = {
    {"CREDIT_HOLD", REMEDY_HOLD, XD_HOLD_CREDIT, XD_ORDER_REJECTED},
    {"CHECK_HOLD", REMEDY_HOLD, XD_HOLD_CHECK, XD_ORDER_REJECTED},
    {"BACKORDER_DECISION", REMEDY_HOLD, XD_HOLD_BACKORDER, XD_ORDER_CANCELLED},
    {"ERP_REJECTED_SALE", REMEDY_HOLD, XD_HOLD_ERP, XD_ORDER_REJECTED},
    {"RELEASE_REJECTED", REMEDY_PLACE, 0, XD_ORDER_CANCELLED},
    {"SHORT_BACKORDER", REMEDY_PLACE, 0, XD_ORDER_CANCELLED},
    {"ERP_REJECTED_CHANGE", REMEDY_JOB, 0, XD_ORDER_CANCELLED},
    {"ACK_TIMEOUT", REMEDY_SITE, 0, XD_ORDER_CANCELLED},
    {"CANCEL_PENDING", REMEDY_SITE, 0, XD_ORDER_CANCELLED},
    {XD_UNKNOWN_OUTCOME, REMEDY_POSTING, 0, XD_ORDER_CANCELLED},
};

static enum xd_result close_exception(struct wish *wish, const struct xd_exception_row *row,
                                      struct xd_now now) {
    return xd_hub_exception_close_one(wish->hub, row, now);
}

/* By the code's row in the table; size_t -1: there is nothing to do but to take note. */
static size_t remedy_of(const char *code) {
    for (size_t index = 0; index < sizeof remedies / sizeof remedies[0]; index++) {
        if (strcmp(remedies[index].code, code) == 0) {
            return index;
        }
    }
    return (size_t)-1;
}

static enum xd_result note(struct wish *wish, const struct xd_exception_row *row, struct xd_now now) {
    struct xd_buffer body;
    enum xd_result result = close_exception(wish, row, now);
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "id", row->id);
    xd_writer_text(&writer, "code", row->code);
    xd_writer_boolean(&writer, "open", false);
    if (!row->open) { /* by what was just done, by somebody else, or before an answer that was lost */
        xd_writer_time(&writer, "resolved_at", row->resolved_at);
        xd_view_resolution(row, &writer);
    }
    xd_writer_end(&writer, '}');
    result = result == XD_OK ? xd_buffer_result(&body) : result;
    if (result == XD_OK && wish->effects != NULL) {
        xd_hub_answer(wish->effects, wish->request, 200, NULL, &body);
    }
    xd_buffer_free(&body);
    return result;
}

static enum xd_result tell(struct wish *wish, const struct xd_exception_row *row, struct xd_now now) {
    char by[XD_QUOTED_SIZE], reason[XD_QUOTED_SIZE];
    return xd_hub_timeline(wish->hub, &wish->conduct.order, "exception.resolved", now,
                           "\"code\":\"%s\",\"action\":\"%s\",\"by\":%s,\"reason\":%s", row->code,
                           action_names[wish->body.action], xd_hub_quote(wish->request->client->client, by),
                           xd_hub_quote(reason_of(wish), reason));
}

/* *placed: something of it found a site. */
static enum xd_result place_again(struct wish *wish, bool *placed) {
    struct xd_conduct *conduct = &wish->conduct;
    int64_t before = conduct->order.releases;
    enum xd_result result = xd_conduct_place(conduct, XD_PLACE_OPEN);
    if (result == XD_OK) {
        result = xd_conduct_place(conduct, XD_PLACE_ANYWHERE);
    }
    if (result == XD_OK && conduct->order.releases == before) {
        result = xd_conduct_place(conduct, XD_PLACE_AGAIN);
    }
    *placed = conduct->order.releases > before;
    return result == XD_OK ? xd_conduct_release(conduct) : result;
}

static enum xd_result retry_place(struct wish *wish, const struct xd_exception_row *row, struct xd_now now) {
    bool placed;
    char detail[460];
    if (xd_conduct_waits(&wish->conduct)) {
        return refuse(wish, 409, "action_not_possible",
                      "The order is held, being checked or being cancelled: nothing of it goes out now.");
    }
    enum xd_result result = place_again(wish, &placed);
    if (result == XD_OK && !placed) {
        result = xd_conduct_save(&wish->conduct);
        snprintf(detail, sizeof detail, "No site can ship it now. %s", wish->conduct.decision);
        return result == XD_OK ? refuse(wish, 409, "action_not_possible", detail) : result;
    }
    if (result == XD_OK) {
        result = tell(wish, row, now);
    }
    if (result == XD_OK) {
        result = close_exception(wish, row, now);
    }
    return finish(wish, result);
}

/* The site is given up on: what it was asked for is nobody's there any more. Should it ship nevertheless, its
 * shipment counts (claim.c). */
static enum xd_result answer_for_site(struct wish *wish, const struct xd_exception_row *row) {
    struct xd_release_work work = {.lines = {NULL, 0, 0}};
    enum xd_result result = xd_release_work_open(&wish->conduct, row->release_id, &work);
    if (result == XD_OK && work.row.cancel == XD_CANCEL_REQUESTED) {
        result = xd_release_work_gave_up(&wish->conduct, &work);
    }
    xd_release_work_close(&work);
    return result;
}

/* What would be held again for the same reason stays as it is. */
static enum xd_result retry_hold(struct wish *wish, enum xd_hold hold, const struct xd_exception_row *row,
                                 struct xd_now now) {
    char why[220];
    bool within = true;
    enum xd_result result = XD_OK;
    if (hold == XD_HOLD_CREDIT) {
        result = xd_conduct_credit(&wish->conduct, &within, why);
    }
    if (result == XD_OK && !within) {
        return refuse(wish, 409, "action_not_possible", why);
    }
    if (result == XD_OK) {
        result = tell(wish, row, now);
    }
    return finish(wish, result == XD_OK ? xd_conduct_retry(&wish->conduct, hold, &wish->hub->word) : result);
}

static enum xd_result reject(struct wish *wish, size_t remedy, const struct xd_exception_row *row,
                             struct xd_now now) {
    enum xd_result result = close_exception(wish, row, now);
    if (result == XD_OK && !wish->conduct.order.cancelled) {
        bool accepted = xd_conduct_did(&wish->conduct, XD_STEP_POST); /* what was added is rejected with it */
        result = xd_conduct_undo(&wish->conduct, accepted ? XD_ORDER_CANCELLED : remedies[remedy].end,
                                 "rejected_by_operator", reason_of(wish));
    }
    if (result == XD_OK && remedies[remedy].remedy == REMEDY_SITE) {
        result = answer_for_site(wish, row);
    }
    return finish(wish, result);
}

/* A person has looked: the ERP has it (accept), or has not, and it is posted again (retry). What follows for
 * the order is as if the ERP had said so. */
static enum xd_result settle_posting(struct wish *wish, const struct xd_exception_row *row,
                                     struct xd_now now) {
    const struct xd_hub_store *store = wish->hub->config.store;
    char by[XD_QUOTED_SIZE], reason[XD_QUOTED_SIZE];
    struct xd_order_row order;
    enum xd_result result = XD_OK;
    if (wish->body.action == XD_ACTION_REJECT) {
        return refuse(
            wish, 409, "action_not_possible",
            "What may be in the ERP cannot be rejected: look there, then accept (it is there) or retry "
            "(it is not).");
    }
    if (row->order_id[0] != 0) {
        result = store->order_get(store->context, row->order_id, &order);
        if (result == XD_OK) {
            result = xd_hub_timeline(wish->hub, &order, "exception.resolved", now,
                                     "\"code\":\"%s\",\"action\":\"%s\",\"by\":%s,\"reason\":%s", row->code,
                                     action_names[wish->body.action],
                                     xd_hub_quote(wish->request->client->client, by),
                                     xd_hub_quote(reason_of(wish), reason));
        }
    }
    if (result == XD_OK) {
        result = xd_hub_job_settle(wish->hub, row->version, wish->body.action == XD_ACTION_ACCEPT, now);
    }
    return result == XD_OK ? note(wish, row, now) : result;
}

static enum xd_result do_about(struct wish *wish, size_t remedy, const struct xd_exception_row *row,
                               struct xd_now now) {
    bool retry = wish->body.action == XD_ACTION_RETRY;
    int hold = remedies[remedy].hold;
    bool held =
        remedies[remedy].remedy == REMEDY_HOLD && (wish->conduct.order.holds & XD_HOLD_BIT(hold)) != 0;
    if (retry && held) {
        return retry_hold(wish, (enum xd_hold)hold, row, now);
    }
    if (retry && remedies[remedy].remedy == REMEDY_PLACE) {
        return retry_place(wish, row, now);
    }
    enum xd_result result = tell(wish, row, now);
    if (result == XD_OK && wish->body.action == XD_ACTION_REJECT) {
        return reject(wish, remedy, row, now);
    }
    if (result != XD_OK) {
        return result;
    }
    switch (remedies[remedy].remedy) {
    case REMEDY_HOLD: /* else it went on by another way */
        return held ? unhold(wish, hold) : note(wish, row, now);
    case REMEDY_PLACE:
        return finish(wish, close_exception(wish, row, now));
    case REMEDY_SITE:
        result = close_exception(wish, row, now);
        if (result == XD_OK && retry) {
            result = answer_for_site(wish, row);
            result = result == XD_OK ? xd_conduct_go(&wish->conduct) : result;
        }
        return finish(wish, result);
    default:
        wish->conduct.sale_stale = retry;
        return finish(wish, close_exception(wish, row, now));
    }
}

/* Its remedy is to ask the ERP once more, and neither a person's decision nor what the order may do. */
static bool is_refused_order(size_t remedy) {
    return remedy != (size_t)-1 &&
           (remedies[remedy].remedy == REMEDY_JOB ||
            (remedies[remedy].remedy == REMEDY_HOLD && remedies[remedy].hold == XD_HOLD_ERP));
}

enum xd_result xd_hub_refused_retry(struct xd_hub *hub, const struct xd_exception_row *row,
                                    const struct xd_api_request *request, const char *reason,
                                    struct xd_now now, struct xd_resolution *out) {
    struct wish wish;
    size_t remedy = remedy_of(row->code);
    memset(out, 0, sizeof *out);
    if (!is_refused_order(remedy)) {
        return XD_OK;
    }
    memset(&wish, 0, sizeof wish);
    wish.hub = hub;
    wish.request = request;
    wish.body.action = XD_ACTION_RETRY;
    wish.body.reason = reason;
    out->mine = true;
    enum xd_result result = xd_conduct_open(&wish.conduct, hub, row->order_id, now);
    wish.open = result == XD_OK;
    wish.conduct.by = request->client->client;
    if (result == XD_OK) {
        result = do_about(&wish, remedy, row, now);
        out->done = result == XD_OK;
    }
    if (wish.open) {
        xd_conduct_close(&wish.conduct);
    }
    return result;
}

/* What is about a confirmation. *told: it was, and was answered. */
static enum xd_result resolve_confirmation(struct wish *wish, struct xd_exception_row *row, struct xd_now now,
                                           bool *told) {
    const struct xd_hub_store *store = wish->hub->config.store;
    struct xd_resolution resolution;
    enum xd_result result =
        xd_hub_confirmation_resolve(wish->hub, row, (enum xd_action)wish->body.action, now, &resolution);
    if (result != XD_OK || !resolution.mine) {
        return result;
    }
    *told = true;
    if (!resolution.done) {
        return refuse(wish, 409, "action_not_possible", resolution.why);
    }
    result = row->order_id[0] != 0 ? open_order(wish, row->order_id, now, told) : XD_OK;
    if (result == XD_OK && wish->open) {
        result = tell(wish, row, now);
    }
    *told = true;
    if (result == XD_OK) { /* it may be closed by what was done */
        result = store->exception_get(store->context, wish->request->id, row);
    }
    return result == XD_OK ? note(wish, row, now) : result;
}

static enum xd_result decide_resolve(struct wish *wish, struct xd_now now) {
    const struct xd_hub_store *store = wish->hub->config.store;
    struct xd_exception_row row;
    bool told;
    enum xd_result result = read_body(wish, resolve_fields, &told);
    if (result != XD_OK || told) {
        return result;
    }
    speak(wish, action_names[wish->body.action]);
    result = store->exception_get(store->context, wish->request->id, &row);
    if (result == XD_NOT_FOUND) {
        return refuse(wish, 404, "not_found", "There is no such exception.");
    }
    if (result != XD_OK) {
        return result;
    }
    size_t remedy = remedy_of(row.code);
    if (!row.open) {
        return note(wish, &row, now); /* as the answer before, which may have been lost */
    }
    if (remedy == (size_t)-1) {
        result = resolve_confirmation(wish, &row, now, &told);
    }
    if (result != XD_OK || told) {
        return result;
    }
    if (remedy == (size_t)-1) {
        return wish->body.action == XD_ACTION_ACCEPT
                   ? note(wish, &row, now)
                   : refuse(wish, 409, "action_not_possible",
                            "About this exception nothing can be done here but to take note of it: accept.");
    }
    if (remedies[remedy].remedy == REMEDY_POSTING) {
        return settle_posting(wish, &row, now);
    }
    result = open_order(wish, row.order_id, now, &told);
    return result != XD_OK || told ? result : do_about(wish, remedy, &row, now);
}

enum xd_result xd_hub_exception_resolve(struct xd_hub *hub, const struct xd_api_request *request,
                                        struct xd_now now, struct xd_effects *effects) {
    return with(hub, request, now, effects, decide_resolve);
}
