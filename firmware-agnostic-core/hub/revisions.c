/* POST /v1/orders/{id}/revisions: the order as it shall be from now on, whole.
 *
 * Lines are the same by their external_line_id; a new one that says no line_id gets a number that none has.
 * Less of a line, or none, is a cancellation of the difference; more of it, or a new line, is placed as if it
 * had just been ordered. What is with a site already is not taken back for the rest of the document
 * (addresses, dates, how a line is to be handled): once something was released only quantities and prices may
 * change, and lines may come and go. */
#include "hub/admission.h"
#include "hub/books/books.h"
#include "hub/orchestration/conduct.h"
#include "hub/validated.h"
#include "hub/view.h"

#include "base/memory.h"
#include "hub/events/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct revision {
    struct xd_hub *hub;
    const struct xd_api_request *request;
    struct xd_effects *effects;
    struct xd_now now;
    struct xd_document document;
    struct xd_order order;
    struct xd_enriched enriched;
    struct xd_buffer warnings; /* that validation has: a JSON array, or nothing */
    struct xd_conduct conduct;
    struct xd_cancel_wish *wishes; /* owned */
    size_t wish_count;
    bool at_a_site;                /* something of the order was released */
    bool sold;                     /* the ERP has the sale, or was called for it */
    struct xd_decimal *cancelling; /* owned; of each line that was there, what is cancelled or asked back */
};

static enum xd_result refuse(struct revision *revision, unsigned status, const char *code,
                             const char *detail) {
    xd_hub_problem(revision->effects, revision->request, status, code, false, &revision->hub->problems, "%s",
                   detail);
    return XD_OK;
}

/* ---- may it be ---- */

/* What the ERP says of a sale that was born there is not handed in by anybody. */
static bool follows_erp(const struct revision *revision) {
    return xd_books_is_born(&revision->conduct.order) &&
           strcmp(revision->request->client->client, XD_CLIENT_ERP) == 0;
}

/* ... and of one that a site gave back it is the whole that the releases were of. */
static bool completes(const struct revision *revision) {
    return follows_erp(revision) && strcmp(revision->conduct.order.client, XD_CLIENT_ADOPTED) == 0;
}

/* RFC 9110, section 13.1.1: an entity tag, quoted; ours is the revision's number. */
static bool matches(const struct revision *revision) {
    const char *text = revision->request->if_match;
    char expected[32];
    snprintf(expected, sizeof expected, "\"%lld\"", (long long)revision->conduct.order.revision);
    return strcmp(text, expected) == 0 || strcmp(text, "*") == 0;
}

static bool same_order(const struct revision *revision) {
    const struct xd_order_row *row = &revision->conduct.order;
    return strcmp(revision->order.external_order_id, row->external_order_id) == 0 &&
           strcmp(revision->order.channel_account, row->channel_account) == 0 &&
           strcmp(revision->order.channel_type, row->channel_type) == 0 &&
           strcmp(revision->order.currency, row->currency) == 0;
}

/* All but the lines and what follows from them. */
static enum xd_result rest_hash(const cJSON *tree, struct xd_hash *out) {
    cJSON *copy = cJSON_Duplicate(tree, true);
    if (copy == NULL) {
        return XD_NO_MEMORY;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "lines");
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "totals");
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "tax");
    enum xd_result result = xd_document_hash(copy, out);
    cJSON_Delete(copy);
    return result;
}

static enum xd_result is_at_a_site(void *context, const struct xd_release_row *row) {
    bool *released = context;
    *released = *released || row->status != XD_RELEASE_DRAFT;
    return XD_OK;
}

static bool same_tree(const cJSON *before, const cJSON *after) {
    return before == NULL || after == NULL ? before == after : cJSON_Compare(before, after, true);
}

static bool same_text(const char *before, const char *after) {
    return before == NULL || after == NULL ? before == after : strcmp(before, after) == 0;
}

/* Each line that was there and stays is to be handled as before. */
static bool same_handling(const struct revision *revision) {
    for (size_t index = 0; index < revision->order.line_count; index++) {
        const struct xd_order_line *after = &revision->order.lines[index];
        const struct xd_order_line *before =
            xd_order_line_named(revision->conduct.parsed, after->external_line_id);
        if (before != NULL &&
            (before->serial_required != after->serial_required ||
             !same_text(before->temperature_class, after->temperature_class) ||
             !same_tree(before->lot_constraint, after->lot_constraint) ||
             !same_tree(before->min_remaining_shelf_life, after->min_remaining_shelf_life) ||
             !same_tree(before->hazmat, after->hazmat))) {
            return false;
        }
    }
    return true;
}

/* The ERP is told of other quantities and prices, never of another customer. */
static bool may_change_customer(const struct revision *revision) {
    const struct xd_order *before = revision->conduct.parsed, *after = &revision->order;
    bool same_name = same_text(before->customer_ref, after->customer_ref) &&
                     same_text(before->customer_id, after->customer_id);
    return !revision->sold || same_name || completes(revision) ||
           (revision->enriched.customer_is_code &&
            strcmp(revision->enriched.customer, revision->conduct.order.customer_code) == 0);
}

static enum xd_result may_change_rest(struct revision *revision, bool *may) {
    const struct xd_hub_store *store = revision->hub->config.store;
    struct xd_hash before, after;
    enum xd_result result = rest_hash(revision->conduct.document.tree, &before);
    if (result == XD_OK) {
        result = rest_hash(revision->document.tree, &after);
    }
    if (result == XD_OK) {
        result = store->release_of_order(store->context, revision->conduct.order.order_id, is_at_a_site,
                                         &revision->at_a_site);
    }
    *may = !revision->at_a_site || completes(revision) ||
           (xd_hash_equal(&before, &after) && same_handling(revision));
    return result;
}

/* ---- lines ---- */

static struct xd_order_line_row *row_of(struct revision *revision, const char *external_line_id) {
    for (size_t index = 0; index < revision->conduct.lines.count; index++) {
        if (strcmp(revision->conduct.lines.rows[index].external_line_id, external_line_id) == 0) {
            return &revision->conduct.lines.rows[index];
        }
    }
    return NULL;
}

static const struct xd_enriched_line *made_of(const struct revision *revision, size_t index) {
    return index < revision->enriched.line_count ? &revision->enriched.lines[index] : NULL;
}

/* Otherwise it got its place's number. */
static bool says_line_id(const struct revision *revision, size_t index) {
    const cJSON *lines = cJSON_GetObjectItemCaseSensitive(revision->document.tree, "lines");
    return xd_json_text(cJSON_GetArrayItem(lines, (int)index), "line_id") != NULL;
}

static void check_line(struct revision *revision, size_t index) {
    const struct xd_order_line *line = &revision->order.lines[index];
    const struct xd_order_line_row *row = row_of(revision, line->external_line_id);
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/lines/%zu", index);
    const struct xd_enriched_line *made = made_of(revision, index);
    if (row != NULL && made != NULL &&
        (strcmp(row->sku, made->sku) != 0 || strcmp(xd_line_ordered_unit(row).uom, line->uom) != 0)) {
        xd_problem_add(&revision->hub->problems, "line_not_changeable", pointer,
                       "A line keeps its SKU and its unit: leave it out and send a new line.");
    }
    const struct xd_order_line_row *same_id = xd_conduct_line(&revision->conduct, line->line_id);
    if (row == NULL && same_id != NULL && says_line_id(revision, index)) {
        xd_problem_add(&revision->hub->problems, "duplicate_line", pointer,
                       "Its line_id is that of another line of the order.");
    }
}

struct wanting {
    const char *line_id;
    struct xd_decimal qty; /* still to be found */
};

/* Its site stays asked: what it gives back ships again. */
static enum xd_result want_of_release(struct xd_conduct *conduct, struct xd_release_work *work,
                                      void *context) {
    struct wanting *wanting = context;
    enum xd_result result = XD_OK;
    bool any = false;
    for (size_t index = 0; index < work->lines.count && xd_release_is_live(&work->row); index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        struct xd_decimal qty = xd_decimal_min(line->unwanted, wanting->qty);
        if (strcmp(line->line_id, wanting->line_id) != 0 || xd_decimal_sign(qty) <= 0) {
            continue;
        }
        any = true;
        result = xd_decimal_subtract(line->unwanted, qty, &line->unwanted);
        if (result == XD_OK) {
            result = xd_decimal_subtract(wanting->qty, qty, &wanting->qty);
        }
        if (result != XD_OK) {
            return result;
        }
    }
    return any ? xd_release_work_save_lines(conduct, work) : XD_OK;
}

/* What sites are asked for, or was cancelled of it, first: then nothing more is ordered. */
static enum xd_result want_again(struct xd_conduct *conduct, struct xd_order_line_row *row,
                                 struct xd_decimal more) {
    struct wanting wanting = {.line_id = row->line_id, .qty = more};
    struct xd_decimal again, left = more;
    enum xd_result result = xd_conduct_each_release(conduct, want_of_release, &wanting);
    again = xd_decimal_min(row->cancelled, wanting.qty);
    if (result == XD_OK) {
        result = xd_decimal_subtract(wanting.qty, again, &left);
    }
    if (result == XD_OK && xd_decimal_sign(again) > 0) {
        result = xd_line_move(row, XD_POT_CANCELLED, XD_POT_OPEN, again);
    }
    return result == XD_OK && xd_decimal_sign(left) > 0 ? xd_line_increase(row, left) : result;
}

static enum xd_result wish_for(struct revision *revision, struct xd_order_line_row *row,
                               struct xd_decimal qty) {
    struct xd_decimal wanted, less = xd_decimal_of(0);
    enum xd_result result =
        xd_decimal_subtract(row->ordered, revision->cancelling[row - revision->conduct.lines.rows], &wanted);
    if (result == XD_OK) {
        result = xd_decimal_subtract(wanted, qty, &less);
    }
    if (result != XD_OK || xd_decimal_is_zero(less)) {
        return result;
    }
    if (xd_decimal_sign(less) > 0) {
        revision->wishes[revision->wish_count++] = (struct xd_cancel_wish){.line = row, .qty = less};
        return XD_OK;
    }
    result = want_again(&revision->conduct, row, xd_decimal_negate(less));
    return result == XD_OK ? xd_conduct_save_line(&revision->conduct, row) : result;
}

static enum xd_result change_line(struct revision *revision, size_t index) {
    const struct xd_order_line *line = &revision->order.lines[index];
    struct xd_order_line_row *row = row_of(revision, line->external_line_id);
    struct xd_order_line_row made;
    struct xd_decimal qty = line->qty;
    enum xd_result result = xd_hub_line_fill(line, made_of(revision, index), index, &made);
    if (result == XD_OK) {
        result = xd_line_of_ordered(row, line->qty, &qty);
    }
    if (result == XD_OK) {
        row->unit_price = made.unit_price;
        row->has_unit_price = made.has_unit_price;
        row->serials = revision->at_a_site ? row->serials : made.serials;
        result = xd_conduct_save_line(&revision->conduct, row);
    }
    return result == XD_OK ? wish_for(revision, row, qty) : result;
}

/* By a line that was there, or by one that this revision names so. */
static bool is_taken(struct revision *revision, const struct xd_order_line_row *row) {
    for (size_t index = 0; index < revision->order.line_count; index++) {
        if (says_line_id(revision, index) &&
            strcmp(revision->order.lines[index].line_id, row->line_id) == 0) {
            return true;
        }
    }
    return xd_conduct_line(&revision->conduct, row->line_id) != NULL;
}

static enum xd_result add_line(struct revision *revision, size_t index) {
    const struct xd_hub_store *store = revision->hub->config.store;
    struct xd_order_lines *lines = &revision->conduct.lines;
    const struct xd_order_line *line = &revision->order.lines[index];
    struct xd_order_line_row *row = &lines->rows[lines->count];
    enum xd_result result = xd_hub_line_fill(line, made_of(revision, index), index, row);
    row->number = (int64_t)lines->count + 1;
    for (int64_t number = row->number; !says_line_id(revision, index) && is_taken(revision, row); number++) {
        snprintf(row->line_id, sizeof row->line_id, "%lld", (long long)number);
    }
    if (result == XD_OK) {
        result = store->order_line_add(store->context, revision->conduct.order.order_id, row);
    }
    lines->count++;
    return result;
}

/* Room first: wishes point at rows, which must not move. */
static enum xd_result change_lines(struct revision *revision) {
    struct xd_order_lines *lines = &revision->conduct.lines;
    size_t before = lines->count, most = before + revision->order.line_count;
    struct xd_order_line_row *rows = xd_resize(lines->rows, most * sizeof *rows);
    revision->wishes = xd_alloc(most * sizeof *revision->wishes);
    if (rows != NULL) {
        lines->rows = rows;
        lines->capacity = most;
    }
    enum xd_result result = rows == NULL || revision->wishes == NULL ? XD_NO_MEMORY : XD_OK;
    if (result == XD_OK) {
        result = xd_conduct_cancelling(&revision->conduct, &revision->cancelling);
    }
    for (size_t index = 0; index < before && result == XD_OK; index++) {
        if (xd_order_line_named(&revision->order, lines->rows[index].external_line_id) == NULL) {
            result = wish_for(revision, &lines->rows[index], xd_decimal_of(0));
        }
    }
    for (size_t index = 0; index < revision->order.line_count && result == XD_OK; index++) {
        bool known = row_of(revision, revision->order.lines[index].external_line_id) != NULL;
        result = known ? change_line(revision, index) : add_line(revision, index);
    }
    return result;
}

/* ---- carrying it out ---- */

/* *other: the customer is another one. */
static void change_head(struct revision *revision, bool *other) {
    struct xd_order_row *row = &revision->conduct.order;
    const struct xd_order *order = &revision->order;
    char ref[XD_NAME_SIZE], code[XD_NAME_SIZE];
    xd_copy(ref, sizeof ref, row->customer_ref);
    xd_copy(code, sizeof code, row->customer_code);
    xd_copy(row->customer_ref, sizeof row->customer_ref,
            order->customer_ref != NULL ? order->customer_ref : order->customer_id);
    if (!revision->sold || completes(revision)) { /* else whose it is stays, whoever goes by that name now */
        xd_copy(row->customer_code, sizeof row->customer_code,
                revision->enriched.customer_is_code ? revision->enriched.customer : NULL);
    }
    *other = strcmp(ref, row->customer_ref) != 0 || strcmp(code, row->customer_code) != 0;
    xd_copy(row->customer_po, sizeof row->customer_po, order->customer_po);
    row->ship_by = xd_hub_ship_by(order->requested_ship, order->ship_not_after);
    if (completes(revision)) {
        xd_copy(row->client, sizeof row->client, XD_CLIENT_ERP);
    }
    row->revision++;
    row->hash = revision->document.hash;
    row->body = revision->request->body;
    revision->conduct.parsed = order;
    revision->conduct.sale_stale = revision->conduct.revised = true;
}

/* More than the customer's limit allows waits for an operator; what was ordered before goes on. */
static enum xd_result book(struct revision *revision) {
    bool within;
    enum xd_result result;
    if ((revision->conduct.order.holds & XD_HOLD_BIT(XD_HOLD_CREDIT)) != 0) {
        const struct xd_word word = {revision->request->client->client, "revise", "The order was revised."};
        return xd_conduct_retry(&revision->conduct, XD_HOLD_CREDIT, &word);
    }
    result = xd_conduct_rebook(&revision->conduct, &within);
    return result == XD_OK && !within
               ? xd_conduct_hold(&revision->conduct, XD_HOLD_CREDIT, "CREDIT_HOLD",
                                 "What the revision adds is above the customer's credit limit.")
               : result;
}

static enum xd_result note(struct revision *revision) {
    struct xd_conduct *conduct = &revision->conduct;
    char by[XD_BY_SIZE], members[XD_BY_SIZE + 64];
    snprintf(members, sizeof members, "\"revision\":%lld,\"less_of\":%zu%s",
             (long long)conduct->order.revision, revision->wish_count, xd_conduct_by(conduct, by));
    return xd_validated_note(conduct, XD_NOTE_REVISED, members, &revision->enriched,
                             xd_buffer_view(&revision->warnings));
}

static enum xd_result carry_out(struct revision *revision) {
    struct xd_conduct *conduct = &revision->conduct;
    xd_ms ship_by = conduct->order.ship_by;
    bool other;
    conduct->by = revision->request->client->client;
    change_head(revision, &other);
    enum xd_result result = conduct->order.ship_by != ship_by ? xd_sale_promised(conduct) : XD_OK;
    if (result == XD_OK) {
        result = xd_conduct_each_release(conduct, xd_overtaken_revised, NULL);
    }
    if (result == XD_OK) {
        result = change_lines(revision);
    }
    if (result == XD_OK) {
        result = note(revision);
    }
    if (result == XD_OK && revision->wish_count > 0) {
        result = xd_conduct_cancel(conduct, revision->wishes, revision->wish_count, "revision");
    }
    if (result == XD_OK) {
        result = xd_conduct_check_revised(conduct, other);
    }
    if (result == XD_OK) {
        result = book(revision);
    }
    if (result == XD_OK) {
        result = xd_conduct_go(conduct);
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_order_row changed = xd_conduct_row(conduct);
    conduct->told = true;
    return xd_hub_event(revision->hub, &changed, XD_EVENT_CHANGED, revision->now, NULL);
}

static enum xd_result answer(struct revision *revision, const char *order_id) {
    struct xd_buffer body;
    char location[64];
    xd_buffer_init(&body, 0);
    enum xd_result result = xd_view_order_revised(revision->hub->config.store, order_id,
                                                  xd_buffer_view(&revision->warnings), &body);
    if (result == XD_OK) {
        snprintf(location, sizeof location, "/v1/orders/%s", order_id);
        xd_hub_answer(revision->effects, revision->request, 202, location, &body);
    }
    xd_buffer_free(&body);
    return result;
}

/* ---- deciding ---- */

/* By the rules of a new order. */
static enum xd_result admit(struct revision *revision, struct xd_refusal *refusal) {
    const struct xd_api_request *request = revision->request;
    *refusal = (struct xd_refusal){0};
    return follows_erp(revision)
               ? XD_OK
               : xd_hub_intake_allowed(revision->hub, request->client, revision->conduct.order.tenant,
                                       &revision->order, request->body.size, &revision->hub->problems,
                                       refusal);
}

/* XD_OK and *told: it was answered. */
static enum xd_result read_form(struct revision *revision, bool *told) {
    struct xd_problems *problems = &revision->hub->problems;
    struct xd_refusal refusal = {0};
    enum xd_result result = xd_document_parse(revision->request->body, &revision->document, problems);
    *told = true;
    if (result == XD_INVALID) {
        return refuse(revision, 400, "malformed_json", "The body cannot be read.");
    }
    if (result == XD_OK) {
        xd_hub_form_allowed(revision->request->client, revision->document.tree, problems, &refusal);
    }
    if (result == XD_OK && refusal.code == NULL) {
        result = xd_order_read(&revision->document, &revision->order, problems);
        result = result == XD_OK ? admit(revision, &refusal) : result;
    }
    if (result == XD_OK && refusal.code != NULL) {
        return refuse(revision, refusal.status, refusal.code, refusal.detail);
    }
    *told = false;
    return result;
}

/* XD_OK and *told: it was answered. */
static enum xd_result read_order(struct revision *revision, bool *told) {
    struct xd_problems *problems = &revision->hub->problems;
    enum xd_result result = read_form(revision, told);
    if (*told) {
        return result;
    }
    if (result == XD_OK || result == XD_INVALID) {
        result = xd_hub_validate(revision->hub, revision->conduct.order.tenant, &revision->order,
                                 revision->now.wall, &revision->enriched, problems);
    }
    *told = result == XD_INVALID || (result == XD_OK && problems->errors > 0);
    if (*told) {
        return refuse(revision, 422, "invalid_order",
                      "The order cannot be taken; errors[] says why, all at once.");
    }
    if (result == XD_OK && problems->count > 0) { /* now: what follows may use them for its own */
        xd_problems_write(problems, &revision->warnings);
        result = xd_buffer_result(&revision->warnings);
    }
    return result;
}

/* The same document came last. Who has seen that one and sends it again may have cancelled some of it
 * since, which cancels no revision; who has not seen it did not hear the answer. */
static enum xd_result is_so_already(struct revision *revision, bool *so) {
    const struct xd_order_lines *lines = &revision->conduct.lines;
    struct xd_decimal *cancelling = NULL;
    enum xd_result result = XD_OK;
    *so = xd_hash_equal(&revision->conduct.order.hash, &revision->document.hash);
    if (!*so || !matches(revision)) {
        return XD_OK;
    }
    result = xd_conduct_cancelling(&revision->conduct, &cancelling);
    for (size_t index = 0; index < lines->count && result == XD_OK; index++) {
        const struct xd_order_line *line =
            xd_order_line_named(&revision->order, lines->rows[index].external_line_id);
        struct xd_decimal wanted, said = xd_decimal_of(0);
        result = xd_decimal_subtract(lines->rows[index].ordered, cancelling[index], &wanted);
        if (result == XD_OK && line != NULL) {
            result = xd_line_of_ordered(&lines->rows[index], line->qty, &said);
        }
        *so = *so && xd_decimal_compare(wanted, said) == 0;
    }
    xd_free(cancelling);
    return result;
}

static enum xd_result check(struct revision *revision, bool *told) {
    const struct xd_order_row *row = &revision->conduct.order;
    bool may = false, so;
    *told = true;
    if (revision->request->if_match == NULL) {
        return refuse(revision, 428, "if_match_missing",
                      "Send If-Match with the ETag of the order that you have seen.");
    }
    enum xd_result result = is_so_already(revision, &so);
    if (result == XD_OK && so) {
        result = xd_validated_warnings(revision->hub, row->order_id, true, &revision->warnings);
        return result == XD_OK ? answer(revision, row->order_id) : result;
    }
    if (result != XD_OK) {
        return result;
    }
    if (!matches(revision)) {
        return refuse(revision, 412, "revision_conflict",
                      "The order has changed since; read it again and decide anew.");
    }
    if (row->cancelled || row->status == XD_ORDER_REJECTED || row->status == XD_ORDER_SHIPPED ||
        row->status == XD_ORDER_CLOSED_SHORT || row->status == XD_ORDER_INVOICED ||
        row->status == XD_ORDER_CANCELLED) {
        return refuse(revision, 409, "order_closed", "The order is at its end; send a new one.");
    }
    if (!same_order(revision)) {
        return refuse(revision, 409, "other_order",
                      "The number, channel and currency of an order stay; the body is another order's.");
    }
    for (size_t index = 0; index < revision->order.line_count; index++) {
        check_line(revision, index);
    }
    if (revision->hub->problems.errors > 0) {
        return refuse(revision, 422, "invalid_order", "Lines cannot be changed so; errors[] says why.");
    }
    result = xd_conduct_parse(&revision->conduct);
    if (result == XD_OK) {
        result = xd_sale_was_called(&revision->conduct, &revision->sold);
    }
    if (result == XD_OK) {
        result = may_change_rest(revision, &may);
    }
    if (result == XD_OK && may && !may_change_customer(revision)) {
        return refuse(revision, 409, "other_order",
                      "The ERP has the order, and whose it is stays from then on. Cancel it and order anew.");
    }
    if (result == XD_OK && !may) {
        return refuse(revision, 409, "already_released",
                      "Something of the order is with a site: only quantities and prices can change, and "
                      "lines can come and go. Cancel it and order anew.");
    }
    *told = false;
    return result;
}

static enum xd_result decide(struct revision *revision) {
    const struct xd_client_row *client = revision->request->client;
    const char *order_id = revision->request->id;
    struct xd_refusal refusal = {0};
    bool told = false;
    enum xd_result result = strlen(order_id) < XD_ID_SIZE
                                ? xd_conduct_open(&revision->conduct, revision->hub, order_id, revision->now)
                                : XD_NOT_FOUND;
    bool others = result == XD_OK && strcmp(client->role, "channel") == 0 &&
                  strcmp(client->tenant, revision->conduct.order.tenant) != 0;
    if (result == XD_NOT_FOUND || others) {
        return refuse(revision, 404, "not_found", "There is no such order.");
    }
    if (result == XD_OK) {
        xd_client_may_change(client, &revision->conduct.order, &refusal);
    }
    if (result == XD_OK && refusal.code != NULL) {
        return refuse(revision, refusal.status, refusal.code, refusal.detail);
    }
    if (result == XD_OK) {
        result = read_order(revision, &told);
    }
    if (result == XD_OK && !told) {
        result = check(revision, &told);
    }
    if (result != XD_OK || told) {
        return result;
    }
    char id[XD_ID_SIZE];
    memcpy(id, revision->conduct.order.order_id, sizeof id);
    result = xd_conduct_end(&revision->conduct, carry_out(revision));
    return result == XD_OK ? answer(revision, id) : result;
}

enum xd_result xd_hub_order_revise(struct xd_hub *hub, const struct xd_api_request *request,
                                   struct xd_now now, struct xd_effects *effects) {
    struct revision revision;
    memset(&revision, 0, sizeof revision);
    revision.hub = hub;
    revision.request = request;
    revision.effects = effects;
    revision.now = now;
    hub->now = now;
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    xd_buffer_init(&revision.warnings, 0);
    enum xd_result result = decide(&revision);
    xd_conduct_close(&revision.conduct);
    xd_free(revision.wishes);
    xd_free(revision.cancelling);
    xd_buffer_free(&revision.warnings);
    xd_enriched_free(&revision.enriched);
    xd_document_free(&revision.document);
    return result;
}
