/* Orders: taken once, posted to the ERP, released to the site they name.
 *
 * The same order is known three ways: by its idempotency key, by its channel's
 * number, and by an id that the hub derives from the latter, so that an order
 * that a restored hub has forgotten and is sent again gets the same id, the same
 * release and the same ERP reference: the site and the ERP know it. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/admission.h"
#include "hub/sla/deadlines.h"
#include "hub/validated.h"

#include <stdio.h>
#include <string.h>

#define KEY_MAX 128u
#define HOLD_REASONS_SIZE 240u /* quoted, they fit an entry of the timeline */

struct intake {
    struct xd_hub *hub;
    const struct xd_api_request *request;
    struct xd_effects *effects;
    struct xd_now now;
    struct xd_document document;
    struct xd_order order;
    struct xd_enriched enriched; /* what validation made of it */
    struct xd_buffer warnings;   /* ... and what it warned of: a JSON array, or nothing */
    char key[KEY_MAX + 1];
};

/* ---- idempotency ---- */

/* IETF draft-ietf-httpapi-idempotency-key-header: a quoted string; bare is taken too. What is wrong with it
 * as a problem's code, or NULL. */
static const char *read_key(struct intake *intake) {
    const char *text = intake->request->idempotency_key;
    size_t size = text == NULL ? 0 : strlen(text);
    if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
        text++;
        size -= 2;
    }
    if (size == 0) {
        return "idempotency_key_missing";
    }
    if (size > KEY_MAX) {
        return "idempotency_key_too_long";
    }
    for (size_t index = 0; index < size; index++) {
        if (text[index] < 0x21 || text[index] > 0x7e) {
            return "idempotency_key_missing";
        }
    }
    memcpy(intake->key, text, size);
    intake->key[size] = 0;
    return NULL;
}

void xd_hub_answer_order(struct xd_effects *effects, const struct xd_api_request *request, unsigned status,
                         const struct xd_order_row *row, const char *status_name, struct xd_bytes warnings) {
    struct xd_buffer body;
    char location[64];
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "order_id", row->order_id);
    xd_writer_text(&writer, "external_order_id", row->external_order_id);
    xd_writer_text(&writer, "status", status_name);
    xd_writer_text(&writer, "site", row->site[0] != 0 ? row->site : NULL);
    xd_writer_text(&writer, "correlation_id", row->correlation_id);
    xd_writer_time(&writer, "received_at", row->received_at);
    if (warnings.size > 0) {
        xd_writer_name(&writer, "warnings");
        xd_buffer_add(&body, warnings.data, warnings.size);
    }
    xd_writer_end(&writer, '}');
    snprintf(location, sizeof location, "/v1/orders/%s", row->order_id);
    xd_hub_answer(effects, request, status, location, &body);
    xd_buffer_free(&body);
}

/* The same answer for the same order, whatever became of it since; or later, for who waits. */
static void answer_order(struct intake *intake, const struct xd_order_row *row) {
    if (intake->request->wait_ms > 0 &&
        xd_waiters_add(intake->hub, intake->request, row->order_id, intake->now)) {
        return;
    }
    struct xd_order_row answered = *row; /* with the site that was asked for, wherever it was routed since */
    xd_copy(answered.site, sizeof answered.site, xd_json_text(intake->document.tree, "preferred_site"));
    xd_hub_answer_order(intake->effects, intake->request, 202, &answered,
                        xd_order_status_names[XD_ORDER_RECEIVED], xd_buffer_view(&intake->warnings));
}

static enum xd_result problem(struct intake *intake, unsigned status, const char *code, const char *detail) {
    intake->hub->counters.orders_refused++;
    xd_hub_problem(intake->effects, intake->request, status, code, false, &intake->hub->problems, "%s",
                   detail);
    return XD_OK;
}

/* The key was used before: the stored answer, or 422 when it was another request. */
static enum xd_result repeat_by_key(struct intake *intake, const struct xd_hash *fingerprint,
                                    const char *order_id) {
    const struct xd_hub_store *store = intake->hub->config.store;
    struct xd_order_row row;
    if (!xd_hash_equal(fingerprint, &intake->document.hash)) {
        return problem(intake, 422, "idempotency_key_reused",
                       "This Idempotency-Key was used with another order; a new order needs a new key.");
    }
    enum xd_result result = store->order_get(store->context, order_id, &row);
    if (result == XD_OK) {
        result = xd_validated_warnings(intake->hub, order_id, false, &intake->warnings);
    }
    if (result == XD_OK) {
        intake->hub->counters.orders_repeated++;
        answer_order(intake, &row);
    }
    return result;
}

/* A line may count in base units by now. */
static bool same_quantity(const struct xd_order_line *line, const struct xd_enriched_line *made,
                          const struct xd_order_line_row *row) {
    struct xd_decimal one, other;
    if (strcmp(line->uom, row->uom) == 0) {
        return xd_decimal_compare(line->qty, row->ordered) == 0;
    }
    return made->product_version != 0 && xd_decimal_ratio(line->qty, made->num, made->den, &one) == XD_OK &&
           row->factor_num == row->factor_den &&
           xd_decimal_ratio(row->ordered, row->factor_num, row->factor_den, &other) == XD_OK &&
           xd_decimal_compare(one, other) == 0;
}

/* What a release carries of an order is all that is known of one that a site gave back. */
static bool same_lines(const struct intake *intake, const struct xd_order_lines *lines) {
    const struct xd_order *order = &intake->order;
    bool same = order->line_count == lines->count && order->line_count == intake->enriched.line_count;
    for (size_t index = 0; same && index < lines->count; index++) {
        const struct xd_order_line *line = &order->lines[index];
        const struct xd_order_line_row *row = &lines->rows[index];
        same = strcmp(line->line_id, row->line_id) == 0 &&
               strcmp(line->external_line_id, row->external_line_id) == 0 &&
               strcmp(intake->enriched.lines[index].sku, row->sku) == 0 &&
               same_quantity(line, &intake->enriched.lines[index], row);
    }
    return same;
}

static enum xd_result same_order(struct intake *intake, const struct xd_order_row *row, bool *same) {
    struct xd_order_lines lines;
    *same = xd_hash_equal(&row->hash, &intake->document.hash);
    if (*same || strcmp(row->client, XD_CLIENT_ADOPTED) != 0) {
        return XD_OK;
    }
    enum xd_result result = xd_hub_lines_load(intake->hub, row->order_id, &lines);
    if (result == XD_OK) { /* for the SKUs; whether it would still be taken today is no question */
        result = xd_hub_validate(intake->hub, row->tenant, &intake->order, intake->now.wall,
                                 &intake->enriched, &intake->hub->problems);
        result = result == XD_INVALID ? XD_OK : result;
        xd_problems_clear(&intake->hub->problems);
    }
    *same = result == XD_OK && same_lines(intake, &lines);
    xd_free(lines.rows);
    return result;
}

static enum xd_result repeat_by_number(struct intake *intake, const struct xd_order_row *row) {
    const struct xd_hub_store *store = intake->hub->config.store;
    const struct xd_client_row *client = intake->request->client;
    bool same;
    enum xd_result result = same_order(intake, row, &same);
    if (result != XD_OK) {
        return result;
    }
    if (!same && !XD_MUTANT(NUMBER_IGNORED)) {
        return problem(intake, 409, "order_exists",
                       "This channel has sent an order with this number and another content.");
    }
    result = xd_validated_warnings(intake->hub, row->order_id, false, &intake->warnings);
    if (result != XD_OK) {
        return result;
    }
    intake->hub->counters.orders_repeated++;
    answer_order(intake, row);
    return store->key_add(store->context, client->tenant, client->client, intake->key, &intake->document.hash,
                          row->order_id, intake->now.wall);
}

/* ---- making the rows ---- */

/* "tenant/account/number". A slash within the first two becomes a space, which no id
 * holds: two orders never have the same reference, however their parts are cut. */
static void reference_of(const char *tenant, const char *account, const char *number,
                         char out[XD_REFERENCE_SIZE]) {
    size_t tenant_size = strlen(tenant), account_size = strlen(account);
    snprintf(out, XD_REFERENCE_SIZE, "%s/%s/%s", tenant, account, number);
    for (size_t index = 0; index < tenant_size + 1 + account_size && out[index] != 0; index++) {
        if (out[index] == '/' && index != tenant_size) {
            out[index] = ' ';
        }
    }
}

/* A header that cannot travel as an id (and would make the release unreadable) counts as none. */
static bool can_correlate(const char *text) {
    size_t size = text == NULL ? 0 : strlen(text);
    for (size_t index = 0; index < size; index++) {
        if (text[index] < 0x21 || text[index] > 0x7e) {
            return false;
        }
    }
    return size > 0 && size <= XD_CORRELATION_MAX;
}

/* The site that the order prefers; NULL: none, and XD_INVALID when there is no such site. */
static enum xd_result choose_site(struct intake *intake, const struct xd_hub_site **site) {
    struct xd_hub *hub = intake->hub;
    const char *wanted = intake->order.preferred_site;
    *site = xd_hub_site_find(hub, wanted);
    if (*site == NULL && wanted != NULL) {
        xd_problem_add(&hub->problems, "unknown_site", "/preferred_site", "There is no site %s.", wanted);
        return XD_INVALID;
    }
    return XD_OK;
}

static void fill_order(const struct intake *intake, const struct xd_hub_site *site,
                       struct xd_order_row *row) {
    const struct xd_order *order = &intake->order;
    const struct xd_client_row *client = intake->request->client;
    memset(row, 0, sizeof *row);
    reference_of(client->tenant, order->channel_account, order->external_order_id, row->sale_reference);
    xd_hub_id(intake->hub, "O", row->sale_reference, row->order_id);
    xd_copy(row->tenant, sizeof row->tenant, client->tenant);
    xd_copy(row->client, sizeof row->client, client->client);
    xd_copy(row->channel_type, sizeof row->channel_type, order->channel_type);
    xd_copy(row->channel_account, sizeof row->channel_account, order->channel_account);
    xd_copy(row->external_order_id, sizeof row->external_order_id, order->external_order_id);
    xd_copy(row->customer_ref, sizeof row->customer_ref,
            order->customer_ref != NULL ? order->customer_ref : order->customer_id);
    if (intake->enriched.customer_is_code) {
        xd_copy(row->customer_code, sizeof row->customer_code, intake->enriched.customer);
    }
    xd_copy(row->customer_po, sizeof row->customer_po, order->customer_po);
    xd_copy(row->currency, sizeof row->currency, order->currency);
    xd_copy(row->site, sizeof row->site, site != NULL ? site->row.site : NULL);
    row->ship_by = xd_hub_ship_by(order->requested_ship, order->ship_not_after);
    if (can_correlate(intake->request->correlation_id)) {
        xd_copy(row->correlation_id, sizeof row->correlation_id, intake->request->correlation_id);
    } else {
        xd_copy(row->correlation_id, sizeof row->correlation_id,
                order->correlation_id != NULL ? order->correlation_id : row->order_id);
    }
    row->status = XD_ORDER_RECEIVED;
    row->revision = 1;
    row->hash = intake->document.hash;
    row->received_at = row->updated_at = intake->now.wall;
    row->body = intake->request->body;
}

enum xd_result xd_hub_line_fill(const struct xd_order_line *line, const struct xd_enriched_line *enriched,
                                size_t index, struct xd_order_line_row *row) {
    memset(row, 0, sizeof *row);
    row->number = (int64_t)index + 1;
    xd_copy(row->line_id, sizeof row->line_id, line->line_id);
    xd_copy(row->external_line_id, sizeof row->external_line_id, line->external_line_id);
    xd_copy(row->sku, sizeof row->sku, enriched != NULL ? enriched->sku : line->sku);
    xd_copy(row->uom, sizeof row->uom, line->uom);
    row->factor_num = row->factor_den = 1;
    if (enriched != NULL && enriched->product_version != 0) {
        row->factor_num = enriched->num;
        row->factor_den = enriched->den;
    }
    row->serials = line->serial_required || (enriched != NULL && enriched->serials);
    row->unit_price = line->unit_price;
    row->has_unit_price = line->has_unit_price;
    row->ordered = row->open = line->qty;
    if (enriched == NULL || !enriched->has_price || line->has_unit_price) {
        return XD_OK;
    }
    row->has_unit_price = true; /* the product's, per unit of the order */
    return xd_decimal_ratio(enriched->price, row->factor_num, row->factor_den, &row->unit_price);
}

enum xd_result xd_conduct_start(struct xd_conduct *conduct, const char *step) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    enum xd_result result = store->order_add(store->context, &conduct->order, NULL, 0);
    conduct->new_lines = true;
    conduct->order.body = (struct xd_bytes){0}; /* it is stored: saving the row leaves it */
    if (result == XD_OK) {
        result = xd_deadlines_start(conduct->hub, &conduct->order);
    }
    return result == XD_OK
               ? xd_hub_timeline(conduct->hub, &conduct->order, step, conduct->now,
                                 "\"site\":\"%s\",\"lines\":%zu", conduct->order.site, conduct->lines.count)
               : result;
}

/* The sender wants somebody to look at it before it goes on. */
static enum xd_result hold_as_asked(struct intake *intake, struct xd_conduct *conduct) {
    const struct xd_order *order = &intake->order;
    char reasons[HOLD_REASONS_SIZE];
    struct xd_buffer all;
    if (order->hold_count == 0) {
        return XD_OK;
    }
    xd_buffer_init(&all, 0);
    for (size_t index = 0; index < order->hold_count; index++) {
        xd_buffer_text(&all, index > 0 ? "; " : "");
        xd_buffer_text(&all, order->holds[index].reason);
    }
    enum xd_result result = xd_buffer_result(&all);
    struct xd_bytes text = xd_buffer_view(&all);
    text.size = text.size < sizeof reasons ? text.size : sizeof reasons - 1;
    text.size = xd_utf8_prefix(text);
    memcpy(reasons, text.data, text.size);
    reasons[text.size] = 0;
    xd_buffer_free(&all);
    conduct->by = intake->request->client->client;
    return result == XD_OK ? xd_conduct_hold(conduct, XD_HOLD_OPERATOR, NULL, reasons) : result;
}

static enum xd_result take_order(struct intake *intake, const struct xd_hub_site *site) {
    struct xd_hub *hub = intake->hub;
    const struct xd_hub_store *store = hub->config.store;
    size_t count = intake->order.line_count;
    struct xd_conduct conduct = {.hub = hub, .now = intake->now, .parsed = &intake->order};
    fill_order(intake, site, &conduct.order);
    struct xd_order_row answered = conduct.order;
    conduct.lines.rows = xd_alloc(count * sizeof *conduct.lines.rows);
    if (conduct.lines.rows == NULL) {
        return XD_NO_MEMORY;
    }
    conduct.lines.count = count;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        const struct xd_enriched *enriched = &intake->enriched;
        result = xd_hub_line_fill(&intake->order.lines[index],
                                  index < enriched->line_count ? &enriched->lines[index] : NULL, index,
                                  &conduct.lines.rows[index]);
    }
    if (result == XD_OK) {
        result = xd_conduct_start(&conduct, "order.received");
    }
    if (result == XD_OK) {
        result = xd_validated_note(&conduct, XD_NOTE_VALIDATED, "", &intake->enriched,
                                   xd_buffer_view(&intake->warnings));
    }
    if (result == XD_OK) {
        result = store->key_add(store->context, answered.tenant, answered.client, intake->key, &answered.hash,
                                answered.order_id, intake->now.wall);
    }
    if (result == XD_OK) {
        result = hold_as_asked(intake, &conduct);
    }
    if (result == XD_OK) {
        result = xd_conduct_go(&conduct);
    }
    result = xd_conduct_end(&conduct, result);
    if (result == XD_OK) {
        hub->counters.orders_accepted++;
        answer_order(intake, &answered);
    }
    return result;
}

/* Against reference data and the calendar; what is wrong goes to the hub's problems. */
static enum xd_result validate(struct intake *intake) {
    return xd_hub_validate(intake->hub, intake->request->client->tenant, &intake->order, intake->now.wall,
                           &intake->enriched, &intake->hub->problems);
}

/* All that is wrong with it, at once. */
static enum xd_result refuse_order(struct intake *intake) {
    return problem(intake, 422, "invalid_order",
                   "The order cannot be taken; errors[] says why, all at once.");
}

/* XD_NOT_FOUND: the key is new. Otherwise it was answered. */
static enum xd_result look_for_key(struct intake *intake) {
    const struct xd_hub_store *store = intake->hub->config.store;
    const struct xd_client_row *client = intake->request->client;
    struct xd_hash fingerprint;
    char order_id[XD_ID_SIZE];
    enum xd_result result =
        store->key_get(store->context, client->tenant, client->client, intake->key, &fingerprint, order_id);
    if (XD_MUTANT(KEY_IGNORED) && result == XD_OK) {
        result = XD_NOT_FOUND;
    }
    return result == XD_OK ? repeat_by_key(intake, &fingerprint, order_id) : result;
}

/* An order that the reader refused: what reference data says against it is told, too. */
static enum xd_result refuse_form(struct intake *intake) {
    const struct xd_hub_site *site;
    if (intake->order.preferred_site != NULL) {
        (void)choose_site(intake, &site); /* for what it reports */
    }
    enum xd_result result = validate(intake);
    return result == XD_OK || result == XD_INVALID ? refuse_order(intake) : result;
}

/* A new order whose form is right. */
static enum xd_result decide_new(struct intake *intake) {
    const struct xd_client_row *client = intake->request->client;
    const struct xd_hub_site *site;
    struct xd_refusal refusal;
    enum xd_result result =
        xd_hub_intake_allowed(intake->hub, client, client->tenant, &intake->order, intake->request->body.size,
                              &intake->hub->problems, &refusal);
    if (result != XD_OK || refusal.code != NULL) {
        return result == XD_OK ? problem(intake, refusal.status, refusal.code, refusal.detail) : result;
    }
    result = validate(intake);
    bool there = choose_site(intake, &site) == XD_OK;
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    if (!there || result != XD_OK) {
        return refuse_order(intake);
    }
    if (intake->hub->problems.count > 0) { /* now: what follows may use them for its own */
        xd_problems_write(&intake->hub->problems, &intake->warnings);
    }
    result = xd_buffer_result(&intake->warnings);
    return result == XD_OK ? take_order(intake, site) : result;
}

static enum xd_result decide(struct intake *intake) {
    struct xd_hub *hub = intake->hub;
    const struct xd_hub_store *store = hub->config.store;
    const struct xd_client_row *client = intake->request->client;
    struct xd_order_row known;
    struct xd_refusal refusal;
    const char *wrong_key = read_key(intake);
    if (wrong_key != NULL) {
        return problem(
            intake, 400, wrong_key,
            "Send an Idempotency-Key header of 1 to 128 printable characters, a new one for each order.");
    }
    enum xd_result result = xd_document_parse(intake->request->body, &intake->document, &hub->problems);
    if (result != XD_OK) {
        return result == XD_INVALID ? problem(intake, 400, "malformed_json", "The body cannot be read.")
                                    : result;
    }
    result = look_for_key(intake);
    if (result != XD_NOT_FOUND) {
        return result;
    }
    xd_hub_form_allowed(client, intake->document.tree, &hub->problems, &refusal);
    if (refusal.code != NULL) {
        return problem(intake, refusal.status, refusal.code, refusal.detail);
    }
    result = xd_order_read(&intake->document, &intake->order, &hub->problems);
    if (result != XD_OK) {
        return result == XD_INVALID ? refuse_form(intake) : result;
    }
    result = store->order_find(store->context, client->tenant, intake->order.channel_account,
                               intake->order.external_order_id, &known);
    if (result != XD_NOT_FOUND) {
        return result == XD_OK ? repeat_by_number(intake, &known) : result;
    }
    return decide_new(intake);
}

enum xd_result xd_hub_order(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                            struct xd_effects *effects) {
    struct intake intake;
    memset(&intake, 0, sizeof intake);
    intake.hub = hub;
    intake.request = request;
    intake.effects = effects;
    intake.now = now;
    xd_buffer_init(&intake.warnings, 0);
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    enum xd_result result = decide(&intake);
    xd_buffer_free(&intake.warnings);
    xd_enriched_free(&intake.enriched);
    xd_document_free(&intake.document);
    return result;
}

/* ---- a release that a site gives back ---- */

bool xd_hub_order_in_releases(const struct xd_order_row *row) {
    return row->revision == 1 && strcmp(row->client, XD_CLIENT_ADOPTED) == 0;
}

/* born: in the ERP, which has its sale and has had its say on credit. */
static void adopted_order(const struct xd_release *release, const struct xd_arrived *arrived, bool born,
                          struct xd_now now, struct xd_order_row *row) {
    memset(row, 0, sizeof *row);
    xd_copy(row->order_id, sizeof row->order_id, release->order_id);
    xd_copy(row->tenant, sizeof row->tenant, release->tenant);
    xd_copy(row->client, sizeof row->client, XD_CLIENT_ADOPTED);
    xd_copy(row->channel_type, sizeof row->channel_type, release->channel_type);
    xd_copy(row->channel_account, sizeof row->channel_account, release->channel_account);
    xd_copy(row->external_order_id, sizeof row->external_order_id, release->external_order_id);
    xd_copy(row->customer_ref, sizeof row->customer_ref, release->customer_ref);
    xd_copy(row->customer_po, sizeof row->customer_po, release->customer_po);
    xd_copy(row->currency, sizeof row->currency, release->currency);
    xd_copy(row->site, sizeof row->site, arrived->site->row.site);
    xd_copy(row->correlation_id, sizeof row->correlation_id, release->correlation_id);
    if (born) {
        xd_books_reference(row->external_order_id, row->sale_reference, sizeof row->sale_reference);
        xd_copy(row->erp, sizeof row->erp, row->channel_account);
        row->steps = XD_STEP_BIT(XD_STEP_CHECK) | XD_STEP_BIT(XD_STEP_CREDIT) | XD_STEP_BIT(XD_STEP_POST);
    } else {
        reference_of(row->tenant, row->channel_account, row->external_order_id, row->sale_reference);
    }
    row->status = XD_ORDER_RECEIVED;
    row->revision = 1;
    row->hash = arrived->document->hash;
    row->received_at = row->updated_at = now.wall;
    row->body = arrived->body;
}

static enum xd_result adopt_order(struct xd_hub *hub, const struct xd_release *release,
                                  const struct xd_arrived *arrived, bool born, struct xd_now now) {
    struct xd_conduct conduct = {.hub = hub, .now = now};
    adopted_order(release, arrived, born, now, &conduct.order);
    enum xd_result result = xd_conduct_start(&conduct, "order.adopted");
    if (result == XD_OK) {
        result = xd_conduct_draft_adopted(&conduct, release);
    }
    if (result == XD_OK && born) {
        result = xd_sale_born(&conduct, release->external_order_id);
    }
    if (result == XD_OK) {
        result = xd_conduct_go(&conduct);
    }
    return xd_conduct_end(&conduct, result);
}

/* The order is known: it was given back before by another of its sites, or sent again and routed anew. */
static enum xd_result adopt_release(struct xd_hub *hub, const char *order_id,
                                    const struct xd_release *release, struct xd_now now) {
    struct xd_conduct conduct;
    enum xd_result result = xd_conduct_open(&conduct, hub, order_id, now);
    if (result == XD_OK) {
        result = xd_conduct_draft_adopted(&conduct, release);
    }
    if (result == XD_OK && xd_conduct_did(&conduct, XD_STEP_POST)) {
        result = xd_conduct_release(&conduct);
        conduct.sale_stale = true;
    } else if (result == XD_OK) { /* it may have been over: all that was known of it was asked back */
        result = xd_conduct_go(&conduct);
    }
    return xd_conduct_end(&conduct, result);
}

/* A release that came back is known; as it is (then its order was taken again meanwhile, and it may have been
 * drafted otherwise), or in a later revision: what it had, the site may have. */
static enum xd_result adopt_known(struct xd_hub *hub, const struct xd_release_row *known,
                                  const struct xd_release *release, struct xd_now now) {
    struct xd_conduct conduct;
    char cause[XD_CAUSE_SIZE];
    bool any = false, part = false, less = false;
    enum xd_result result = xd_adopted_is_part(hub, known->release_id, &part);
    if (result != XD_OK) {
        return result;
    }
    result = xd_conduct_open(&conduct, hub, known->order_id, now);
    if (result == XD_OK && release->revision < known->revision) {
        result = xd_conduct_adopt_before(&conduct, release, &any);
    } else if (result == XD_OK && !part) { /* else it has less of it by now, and gave the rest up */
        result = xd_conduct_adopt_too(&conduct, release, &any);
        result = result == XD_OK ? xd_conduct_forgo(&conduct, release, &less) : result;
    }
    if (result == XD_OK && less) { /* somebody else is to ship it */
        result = xd_conduct_go(&conduct);
    }
    if (any || less) {
        conduct.sale_stale = conduct.sale_stale || xd_conduct_did(&conduct, XD_STEP_POST);
        result = xd_conduct_end(&conduct, result);
    } else {
        xd_conduct_close(&conduct);
    }
    (void)snprintf(cause, sizeof cause, XD_CAUSE_RELEASE "%s", known->release_id);
    if (result == XD_OK && part && release->revision == 1) {
        result = xd_adopted_awaits_before(hub, known->release_id, false);
        result = result == XD_OK ? xd_hub_resume(hub, known->release_id, now) : result;
    }
    return result == XD_OK && any ? xd_hub_resume_cause(hub, cause, now) : result;
}

static bool says_its_order(const struct xd_release *release) {
    return release->order_id != NULL && release->tenant != NULL && release->channel_account != NULL &&
           release->external_order_id != NULL;
}

/* Our ids follow from the order's number by our secret: a site can give back what it
 * got, but it cannot make up an order, nor give back another site's. */
static bool made_here(const struct xd_hub *hub, const struct xd_release *release, const char *site,
                      bool *born) {
    char reference[XD_REFERENCE_SIZE], order_id[XD_ID_SIZE], release_id[XD_ID_SIZE];
    xd_books_order_id(hub, release->channel_account, release->external_order_id, order_id);
    *born = strcmp(release->order_id, order_id) == 0 && release->channel_type != NULL &&
            strcmp(release->channel_type, XD_CLIENT_ERP) == 0 &&
            strcmp(release->tenant, xd_books_tenant_of(hub, release->channel_account)) == 0;
    if (!*born) {
        reference_of(release->tenant, release->channel_account, release->external_order_id, reference);
        xd_hub_id(hub, "O", reference, order_id);
    }
    xd_hub_release_id(hub, order_id, site, release->split_number > 0 ? release->split_number : 1, release_id);
    return strcmp(release->order_id, order_id) == 0 && strcmp(release->release_id, release_id) == 0 &&
           strcmp(release->site_id, site) == 0;
}

enum xd_result xd_hub_adopt(struct xd_hub *hub, const struct xd_arrived *arrived, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release release;
    struct xd_release_row known_release;
    struct xd_order_row known;
    xd_problems_clear(&hub->problems);
    enum xd_result result = xd_release_read(arrived->document, arrived->data, &release, &hub->problems);
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    bool born = false, readable = result == XD_OK && says_its_order(&release);
    if (!readable || !made_here(hub, &release, arrived->site->row.site, &born)) {
        struct xd_complaint complaint = {
            .code = "UNUSABLE_DOCUMENT",
            .site = arrived->site->row.site,
            .kind = XD_DOC_ECHO,
            .document_id = arrived->document_id,
            .detail = readable ? "This hub never released that to this site: nothing of it is taken."
                               : "A release that came back does not say which order it was for."};
        return xd_hub_complain(hub, &complaint, now);
    }
    result = store->release_get(store->context, release.release_id, &known_release);
    if (result == XD_OK && release.revision <= known_release.revision) {
        return adopt_known(hub, &known_release, &release, now);
    }
    if (result == XD_OK) { /* its first revision follows */
        return xd_adopted_awaits_before(hub, release.release_id, true);
    }
    if (result != XD_NOT_FOUND) {
        return result;
    }
    result = store->order_find(store->context, release.tenant, release.channel_account,
                               release.external_order_id, &known);
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    hub->counters.releases_adopted++;
    if (release.revision > 1) {
        enum xd_result noted = xd_adopted_awaits_before(hub, release.release_id, true);
        result = noted == XD_OK ? result : noted;
    }
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    return result == XD_OK ? adopt_release(hub, known.order_id, &release, now)
                           : adopt_order(hub, &release, arrived, born, now);
}
