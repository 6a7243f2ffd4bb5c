/* POST /v1/orders/validate: what would become of an order, asked before it is placed.
 *
 * It is a question of the turn's thread, because reference data and the JSON parser are,
 * but it writes nothing and takes no idempotency key. An order that cannot be taken is a
 * good question with the answer no: 200. Each part of the answer has its function. */
#include "hub/admission.h"
#include "hub/hub_internal.h"
#include "hub/orchestration/routing.h"
#include "hub/orchestration/stock.h"
#include "hub/validate.h"

#include "base/memory.h"

#include <string.h>

struct inquiry {
    struct xd_hub *hub;
    const struct xd_api_request *request;
    struct xd_document document;
    struct xd_order order;
    struct xd_enriched enriched;
};

/* ---- what is asked of the order beside its content ---- */

static void check_site(struct inquiry *inquiry) {
    const char *wanted = inquiry->order.preferred_site;
    if (wanted != NULL && xd_hub_site_find(inquiry->hub, wanted) == NULL) {
        xd_problem_add(&inquiry->hub->problems, "unknown_site", "/preferred_site", "There is no site %s.",
                       wanted);
    }
}

/* What the client and its tenant may hand in at all. */
static enum xd_result check_admission(struct inquiry *inquiry) {
    const struct xd_api_request *request = inquiry->request;
    struct xd_refusal refusal; /* its status is for who hands in; here its problem is told */
    return xd_hub_intake_allowed(inquiry->hub, request->client, request->client->tenant, &inquiry->order,
                                 request->body.size, &inquiry->hub->problems, &refusal);
}

/* Another order of that number is there already. *same: this one is, and would be answered as it was. */
static enum xd_result check_number(struct inquiry *inquiry, bool *same) {
    const struct xd_hub_store *store = inquiry->hub->config.store;
    const struct xd_order *order = &inquiry->order;
    struct xd_order_row known;
    *same = false;
    if (order->channel_account == NULL || order->external_order_id == NULL) {
        return XD_OK; /* reported by the reader */
    }
    enum xd_result result = store->order_find(store->context, inquiry->request->client->tenant,
                                              order->channel_account, order->external_order_id, &known);
    *same = result == XD_OK && xd_hash_equal(&known.hash, &inquiry->document.hash);
    if (result == XD_OK && !*same) {
        xd_problem_add(&inquiry->hub->problems, "order_exists", "/external_order_id",
                       "This channel has sent an order with this number and another content.");
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* ---- the answer ---- */

static void write_problems(const struct inquiry *inquiry, struct xd_writer *writer) {
    const struct xd_problems *problems = &inquiry->hub->problems;
    xd_writer_boolean(writer, "valid", problems->errors == 0);
    xd_writer_begin(writer, "problems", '[');
    for (size_t index = 0; index < problems->count; index++) {
        const struct xd_problem *problem = &problems->items[index];
        xd_writer_begin(writer, NULL, '{');
        xd_writer_text(writer, "code", problem->code);
        xd_writer_text(writer, "pointer", problem->pointer);
        xd_writer_text(writer, "detail", problem->detail);
        xd_writer_boolean(writer, "retryable", problem->retryable);
        xd_writer_boolean(writer, "warning", problem->warning);
        xd_writer_end(writer, '}');
    }
    xd_writer_end(writer, ']');
    if (problems->dropped > 0) {
        xd_writer_integer(writer, "more", (int64_t)problems->dropped);
    }
}

static void write_price_line(const struct xd_order_line *line, const struct xd_enriched_line *made,
                             struct xd_writer *writer) {
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "line_id", line->line_id);
    xd_writer_text(writer, "sku", made->sku[0] != 0 ? made->sku : NULL);
    if (made->den > 0) {
        xd_writer_decimal(writer, "base_qty", made->base_qty);
        xd_writer_text(writer, "base_uom", made->base_uom);
    }
    if (made->has_price) {
        xd_writer_decimal(writer, "unit_price", made->price);
        xd_writer_text(writer, "per", made->price_is_ours ? made->base_uom : line->uom);
        xd_writer_decimal(writer, "net", made->net);
        xd_writer_decimal(writer, "tax", made->tax);
    }
    xd_writer_end(writer, '}');
}

static void write_price(const struct inquiry *inquiry, struct xd_writer *writer) {
    const struct xd_enriched *made = &inquiry->enriched;
    xd_writer_begin(writer, "price", '{');
    xd_writer_text(writer, "currency", inquiry->order.currency);
    xd_writer_begin(writer, "lines", '[');
    for (size_t index = 0; index < made->line_count; index++) {
        write_price_line(&inquiry->order.lines[index], &made->lines[index], writer);
    }
    xd_writer_end(writer, ']');
    if (made->priced) {
        xd_writer_decimal(writer, "net", made->net);
        xd_writer_decimal(writer, "tax", made->tax);
        xd_writer_decimal(writer, "gross", made->gross);
    }
    xd_writer_end(writer, '}');
}

/* What the customer may owe. A customer without a limit, or without an entry, has none. */
static enum xd_result write_credit(const struct inquiry *inquiry, struct xd_writer *writer) {
    const struct xd_enriched *made = &inquiry->enriched;
    struct xd_decimal exposure = xd_decimal_of(0), sum;
    enum xd_result result = XD_OK;
    if (made->customer[0] != 0 && inquiry->order.currency != NULL) {
        result = xd_exposure_get(inquiry->hub, made->customer, inquiry->order.currency, &exposure);
    }
    bool fits = xd_decimal_add(exposure, made->net, &sum) == XD_OK;
    xd_writer_begin(writer, "credit", '{');
    xd_writer_decimal(writer, "exposure", exposure);
    xd_writer_boolean(writer, "ok",
                      fits && (!made->has_credit_limit || xd_decimal_compare(sum, made->credit_limit) <= 0));
    if (inquiry->enriched.customer[0] != 0) {
        xd_writer_text(writer, "customer", inquiry->enriched.customer);
    }
    if (inquiry->enriched.has_credit_limit) {
        xd_writer_decimal(writer, "limit", inquiry->enriched.credit_limit);
    }
    xd_writer_end(writer, '}');
    return result;
}

/* What all sites together have of the line. *known is false where the stock of some site is not known: what
 * it has only its WMS can say. */
static enum xd_result available_of(const struct inquiry *inquiry, const char *sku, bool *known,
                                   struct xd_decimal *sum) {
    struct xd_hub *hub = inquiry->hub;
    enum xd_result result = XD_OK;
    *known = hub->site_count > 0;
    *sum = xd_decimal_of(0);
    for (size_t index = 0; index < hub->site_count && result == XD_OK; index++) {
        bool here;
        struct xd_decimal qty;
        result = xd_stock_available(hub, hub->sites[index]->row.site, sku, &here, &qty);
        *known = *known && here;
        if (result == XD_OK && here && xd_decimal_sign(qty) > 0 && xd_decimal_add(*sum, qty, sum) != XD_OK) {
            *sum = xd_decimal_of(XD_DECIMAL_MOST);
        }
    }
    return result;
}

static enum xd_result write_availability(const struct inquiry *inquiry, struct xd_writer *writer) {
    const struct xd_enriched *made = &inquiry->enriched;
    enum xd_result result = XD_OK;
    xd_writer_begin(writer, "availability", '[');
    for (size_t index = 0; index < made->line_count && result == XD_OK; index++) {
        struct xd_decimal sum;
        bool known = false;
        result = available_of(inquiry, made->lines[index].sku, &known, &sum);
        xd_writer_begin(writer, NULL, '{');
        xd_writer_text(writer, "line_id", inquiry->order.lines[index].line_id);
        xd_writer_text(writer, "sku", made->lines[index].sku[0] != 0 ? made->lines[index].sku : NULL);
        xd_writer_boolean(writer, "known", known);
        if (known || xd_decimal_sign(sum) > 0) {
            xd_writer_decimal(writer, "available", sum);
        }
        xd_writer_end(writer, '}');
    }
    xd_writer_end(writer, ']');
    return result;
}

/* ---- where it would ship from ---- */

static void fill_lines(const struct inquiry *inquiry, struct xd_route_line *lines) {
    const struct xd_enriched *made = &inquiry->enriched;
    for (size_t index = 0; index < made->line_count; index++) {
        const struct xd_enriched_line *line = &made->lines[index];
        bool factor = line->product_version != 0;
        lines[index] = (struct xd_route_line){
            .sku = line->sku, .qty = factor ? line->base_qty : inquiry->order.lines[index].qty};
        if (factor && line->num != line->den) {
            lines[index].unit = xd_route_unit(line->num, line->den);
        }
    }
}

static void write_parts(const struct inquiry *inquiry, const struct xd_route_plan *plan,
                        struct xd_writer *writer) {
    xd_writer_begin(writer, "plan", '{');
    xd_writer_text(writer, "decision", xd_route_decision_names[plan->decision]);
    xd_writer_text(writer, "reason", plan->sentence);
    xd_writer_begin(writer, "parts", '[');
    for (size_t index = 0; index < plan->part_count; index++) {
        const struct xd_route_part *part = &plan->parts[index];
        xd_writer_begin(writer, NULL, '{');
        xd_writer_text(writer, "site", plan->sites[part->site].site);
        xd_writer_text(writer, "ship_date", plan->sites[part->site].ship_date);
        xd_writer_text(writer, "line_id", inquiry->order.lines[part->line].line_id);
        xd_writer_decimal(writer, "base_qty", part->qty);
        xd_writer_end(writer, '}');
    }
    xd_writer_end(writer, ']');
    xd_writer_end(writer, '}');
}

/* Only of an order that could be taken: of another there is no plan. */
static enum xd_result write_plan(const struct inquiry *inquiry, struct xd_now now, struct xd_writer *writer) {
    const struct xd_enriched *made = &inquiry->enriched;
    struct xd_route_plan plan = {.parts = NULL};
    if (inquiry->hub->problems.errors > 0 || made->line_count == 0) {
        return XD_OK;
    }
    struct xd_route_line *lines = xd_alloc(made->line_count * sizeof *lines);
    if (lines == NULL) {
        return XD_NO_MEMORY;
    }
    fill_lines(inquiry, lines);
    const struct xd_routing routing = {.tenant = inquiry->request->client->tenant,
                                       .order = &inquiry->order,
                                       .lines = lines,
                                       .line_count = made->line_count};
    enum xd_result result = xd_hub_route(inquiry->hub, &routing, now, &plan);
    if (result == XD_OK) {
        write_parts(inquiry, &plan, writer);
    }
    xd_route_plan_free(&plan);
    xd_free(lines);
    return result == XD_INVALID ? XD_OK : result; /* quantities that no decimal holds: there is no plan */
}

static enum xd_result answer(const struct inquiry *inquiry, struct xd_now now, struct xd_effects *effects) {
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    write_problems(inquiry, &writer);
    write_price(inquiry, &writer);
    enum xd_result result = write_credit(inquiry, &writer);
    if (result == XD_OK) {
        result = write_availability(inquiry, &writer);
    }
    if (result == XD_OK) {
        result = write_plan(inquiry, now, &writer);
    }
    xd_writer_end(&writer, '}');
    if (result == XD_OK) {
        xd_hub_answer(effects, inquiry->request, 200, NULL, &body);
    }
    xd_buffer_free(&body);
    return result;
}

/* ---- the question ---- */

static enum xd_result look_at(struct inquiry *inquiry, struct xd_now now) {
    struct xd_hub *hub = inquiry->hub;
    bool same = false;
    enum xd_result result = xd_order_read(&inquiry->document, &inquiry->order, &hub->problems);
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    result = xd_hub_validate(hub, inquiry->request->client->tenant, &inquiry->order, now.wall,
                             &inquiry->enriched, &hub->problems);
    if (result == XD_OK || result == XD_INVALID) {
        check_site(inquiry);
        result = check_number(inquiry, &same);
    }
    return result == XD_OK && !same ? check_admission(inquiry) : result;
}

static enum xd_result decide(struct inquiry *inquiry, struct xd_now now, struct xd_effects *effects) {
    struct xd_hub *hub = inquiry->hub;
    const struct xd_api_request *request = inquiry->request;
    enum xd_result result = xd_document_parse(request->body, &inquiry->document, &hub->problems);
    if (result == XD_INVALID) {
        xd_hub_problem(effects, request, 400, "malformed_json", false, &hub->problems,
                       "The body cannot be read.");
        return XD_OK;
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_refusal refusal;
    xd_hub_form_allowed(request->client, inquiry->document.tree, &hub->problems, &refusal);
    if (refusal.code == NULL) { /* another form reads otherwise: of that no more can be said */
        result = look_at(inquiry, now);
    }
    return result == XD_OK ? answer(inquiry, now, effects) : result;
}

enum xd_result xd_hub_order_validate(struct xd_hub *hub, const struct xd_api_request *request,
                                     struct xd_now now, struct xd_effects *effects) {
    struct inquiry inquiry;
    memset(&inquiry, 0, sizeof inquiry);
    inquiry.hub = hub;
    inquiry.request = request;
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    enum xd_result result = decide(&inquiry, now, effects);
    xd_enriched_free(&inquiry.enriched);
    xd_document_free(&inquiry.document);
    return result;
}
