/* POST /v1/orders/validate: what would become of an order, asked before it is placed.
 *
 * It is a question of the turn's thread, because reference data and the JSON parser are,
 * but it writes nothing and takes no idempotency key. An order that cannot be taken is a
 * good question with the answer no: 200. Each part of the answer has its function. */
#include "hub/hub_internal.h"
#include "hub/validate.h"

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

/* Another order of that number is there already. */
static enum xd_result check_number(struct inquiry *inquiry) {
    const struct xd_hub_store *store = inquiry->hub->config.store;
    const struct xd_order *order = &inquiry->order;
    struct xd_order_row known;
    if (order->channel_account == NULL || order->external_order_id == NULL) {
        return XD_OK; /* reported by the reader */
    }
    enum xd_result result = store->order_find(store->context, inquiry->request->client->tenant,
                                              order->channel_account, order->external_order_id, &known);
    if (result == XD_OK && !xd_hash_equal(&known.hash, &inquiry->document.hash)) {
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
static void write_credit(const struct inquiry *inquiry, struct xd_writer *writer) {
    xd_writer_begin(writer, "credit", '{');
    if (inquiry->enriched.customer[0] != 0) {
        xd_writer_text(writer, "customer", inquiry->enriched.customer);
    }
    if (inquiry->enriched.has_credit_limit) {
        xd_writer_decimal(writer, "limit", inquiry->enriched.credit_limit);
    }
    xd_writer_end(writer, '}');
}

/* Where each line could ship from. `known` is false where nobody has told what there is. */
static void write_availability(const struct inquiry *inquiry, struct xd_writer *writer) {
    const struct xd_enriched *made = &inquiry->enriched;
    xd_writer_begin(writer, "availability", '[');
    for (size_t index = 0; index < made->line_count; index++) {
        xd_writer_begin(writer, NULL, '{');
        xd_writer_text(writer, "line_id", inquiry->order.lines[index].line_id);
        xd_writer_text(writer, "sku", made->lines[index].sku[0] != 0 ? made->lines[index].sku : NULL);
        xd_writer_boolean(writer, "known", false);
        xd_writer_end(writer, '}');
    }
    xd_writer_end(writer, ']');
}

static void answer(const struct inquiry *inquiry, struct xd_effects *effects) {
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    write_problems(inquiry, &writer);
    write_price(inquiry, &writer);
    write_credit(inquiry, &writer);
    write_availability(inquiry, &writer);
    xd_writer_end(&writer, '}');
    xd_hub_answer(effects, inquiry->request, 200, NULL, &body);
    xd_buffer_free(&body);
}

/* ---- the question ---- */

static enum xd_result decide(struct inquiry *inquiry, struct xd_now now, struct xd_effects *effects) {
    struct xd_hub *hub = inquiry->hub;
    const struct xd_api_request *request = inquiry->request;
    enum xd_result result = xd_document_parse(request->body, &inquiry->document, &hub->problems);
    if (result == XD_INVALID) {
        xd_hub_problem(effects, request, 400, "malformed_json", false, &hub->problems,
                       "The body cannot be read.");
        return XD_OK;
    }
    if (result == XD_OK) {
        result = xd_order_read(&inquiry->document, &inquiry->order, &hub->problems);
    }
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    result = xd_hub_validate(hub, request->client->tenant, &inquiry->order, now.wall, &inquiry->enriched,
                             &hub->problems);
    if (result == XD_OK || result == XD_INVALID) {
        check_site(inquiry);
        result = check_number(inquiry);
    }
    if (result == XD_OK) {
        answer(inquiry, effects);
    }
    return result;
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
