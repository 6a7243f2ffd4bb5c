/* Orders: taken once, posted to the ERP, released to the site they name.
 *
 * The same order is known three ways: by its idempotency key, by its channel's
 * number, and by an id that the hub derives from the latter, so that an order
 * that a restored hub has forgotten and is sent again gets the same id, the same
 * release and the same ERP reference: the site and the ERP know it. */
#include "hub/hub_internal.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/admission.h"

#include <stdio.h>
#include <string.h>

#define KEY_MAX 128u

struct intake {
    struct xd_hub *hub;
    const struct xd_api_request *request;
    struct xd_effects *effects;
    struct xd_now now;
    struct xd_document document;
    struct xd_order order;
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

static void answer_order(struct intake *intake, const struct xd_order_row *row) {
    struct xd_buffer body;
    char location[64];
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "order_id", row->order_id);
    xd_writer_text(&writer, "external_order_id", row->external_order_id);
    xd_writer_text(&writer, "status", xd_order_status_names[XD_ORDER_RECEIVED]);
    xd_writer_text(&writer, "site", row->site);
    xd_writer_text(&writer, "correlation_id", row->correlation_id);
    xd_writer_time(&writer, "received_at", row->received_at);
    xd_writer_end(&writer, '}');
    snprintf(location, sizeof location, "/v1/orders/%s", row->order_id);
    xd_hub_answer(intake->effects, intake->request, 202, location, &body);
    xd_buffer_free(&body);
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
        intake->hub->counters.orders_repeated++;
        answer_order(intake, &row);
    }
    return result;
}

/* What a release carries of an order is all that is known of one that a site gave back. */
static bool same_lines(const struct xd_order *order, const struct xd_order_lines *lines) {
    bool same = order->line_count == lines->count;
    for (size_t index = 0; same && index < lines->count; index++) {
        const struct xd_order_line *line = &order->lines[index];
        const struct xd_order_line_row *row = &lines->rows[index];
        same = strcmp(line->line_id, row->line_id) == 0 &&
               strcmp(line->external_line_id, row->external_line_id) == 0 &&
               strcmp(line->sku, row->sku) == 0 && strcmp(line->uom, row->uom) == 0 &&
               xd_decimal_compare(line->qty, row->ordered) == 0;
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
    *same = result == XD_OK && same_lines(&intake->order, &lines);
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

static enum xd_result choose_site(struct intake *intake, const struct xd_hub_site **site) {
    struct xd_hub *hub = intake->hub;
    const char *wanted = intake->order.preferred_site;
    *site = xd_hub_site_find(hub, wanted);
    if (wanted == NULL && hub->site_count == 1) {
        *site = hub->sites[0];
    }
    if (*site == NULL && wanted != NULL) {
        xd_problem_add(&hub->problems, "unknown_site", "/preferred_site", "There is no site %s.", wanted);
    } else if (*site == NULL) {
        xd_problem_add(&hub->problems, "missing_member", "/preferred_site",
                       "Say which site ships the order.");
    }
    return *site == NULL ? XD_INVALID : XD_OK;
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
    xd_copy(row->customer_po, sizeof row->customer_po, order->customer_po);
    xd_copy(row->currency, sizeof row->currency, order->currency);
    xd_copy(row->site, sizeof row->site, site->row.site);
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

static void fill_line(const struct xd_order_line *line, size_t index, struct xd_order_line_row *row) {
    memset(row, 0, sizeof *row);
    row->number = (int64_t)index + 1;
    xd_copy(row->line_id, sizeof row->line_id, line->line_id);
    xd_copy(row->external_line_id, sizeof row->external_line_id, line->external_line_id);
    xd_copy(row->sku, sizeof row->sku, line->sku);
    xd_copy(row->uom, sizeof row->uom, line->uom);
    row->unit_price = line->unit_price;
    row->has_unit_price = line->has_unit_price;
    row->ordered = row->open = line->qty;
}

static void fill_job(const struct xd_hub *hub, const struct xd_order_row *order, struct xd_job_row *job) {
    memset(job, 0, sizeof *job);
    xd_copy(job->erp, sizeof job->erp, hub->config.erp);
    job->kind = XD_ERP_SALE;
    xd_copy(job->reference, sizeof job->reference, order->sale_reference);
    job->state = XD_JOB_QUEUED;
    xd_copy(job->order_id, sizeof job->order_id, order->order_id);
    xd_copy(job->site, sizeof job->site, order->site);
    job->at = order->received_at;
}

static void fill_job_line(const struct xd_order_line_row *line, struct xd_job_line_row *row) {
    memset(row, 0, sizeof *row);
    memcpy(row->line_id, line->line_id, sizeof row->line_id);
    memcpy(row->sku, line->sku, sizeof row->sku);
    memcpy(row->uom, line->uom, sizeof row->uom);
    row->qty = line->ordered;
    row->unit_price = line->unit_price;
    row->has_unit_price = line->has_unit_price;
}

/* The order, its lines, its ERP job and the first step of its timeline. */
static enum xd_result store_order(struct xd_hub *hub, const struct xd_order_row *order,
                                  const struct xd_order_line_row *lines, size_t count, int job_state,
                                  struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_line_row *job_lines = xd_alloc(count * sizeof *job_lines);
    struct xd_job_row job;
    if (job_lines == NULL) {
        return XD_NO_MEMORY;
    }
    fill_job(hub, order, &job);
    job.state = job_state;
    for (size_t index = 0; index < count; index++) {
        fill_job_line(&lines[index], &job_lines[index]);
    }
    enum xd_result result = store->order_add(store->context, order, lines, count);
    if (result == XD_OK) {
        result = xd_hub_job_add(hub, &job, job_lines, count);
    }
    if (result == XD_OK) {
        result = xd_hub_timeline(hub, order, job_state == XD_JOB_QUEUED ? "order.received" : "order.adopted",
                                 now, "\"site\":\"%s\",\"lines\":%zu", order->site, count);
    }
    xd_free(job_lines);
    return result;
}

static enum xd_result take_order(struct intake *intake, const struct xd_hub_site *site) {
    struct xd_hub *hub = intake->hub;
    const struct xd_hub_store *store = hub->config.store;
    size_t count = intake->order.line_count;
    struct xd_order_row row;
    struct xd_order_line_row *lines = xd_alloc(count * sizeof *lines);
    if (lines == NULL) {
        return XD_NO_MEMORY;
    }
    fill_order(intake, site, &row);
    for (size_t index = 0; index < count; index++) {
        fill_line(&intake->order.lines[index], index, &lines[index]);
    }
    enum xd_result result = store_order(hub, &row, lines, count, XD_JOB_QUEUED, intake->now);
    xd_free(lines);
    if (result == XD_OK) {
        result = store->key_add(store->context, row.tenant, row.client, intake->key, &row.hash, row.order_id,
                                intake->now.wall);
    }
    if (result == XD_OK) {
        hub->counters.orders_accepted++;
        answer_order(intake, &row);
    }
    return result;
}

static enum xd_result decide(struct intake *intake) {
    struct xd_hub *hub = intake->hub;
    const struct xd_hub_store *store = hub->config.store;
    const struct xd_client_row *client = intake->request->client;
    const struct xd_hub_site *site;
    struct xd_hash fingerprint;
    struct xd_order_row known;
    struct xd_refusal refusal;
    char order_id[XD_ID_SIZE];
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
    result =
        store->key_get(store->context, client->tenant, client->client, intake->key, &fingerprint, order_id);
    if (XD_MUTANT(KEY_IGNORED) && result == XD_OK) {
        result = XD_NOT_FOUND;
    }
    if (result == XD_OK) {
        return repeat_by_key(intake, &fingerprint, order_id);
    }
    if (result != XD_NOT_FOUND) {
        return result;
    }
    xd_hub_form_allowed(client, intake->document.tree, &hub->problems, &refusal);
    if (refusal.code != NULL) {
        return problem(intake, refusal.status, refusal.code, refusal.detail);
    }
    result = xd_order_read(&intake->document, &intake->order, &hub->problems);
    if (result == XD_INVALID) {
        if (intake->order.preferred_site != NULL) {
            (void)choose_site(intake, &site); /* for what it reports: all at once */
        }
        return problem(intake, 422, "invalid_order",
                       "The order cannot be taken; errors[] says why, all at once.");
    }
    if (result != XD_OK) {
        return result;
    }
    result = store->order_find(store->context, client->tenant, intake->order.channel_account,
                               intake->order.external_order_id, &known);
    if (result != XD_NOT_FOUND) {
        return result == XD_OK ? repeat_by_number(intake, &known) : result;
    }
    result = xd_hub_intake_allowed(hub, client, &intake->order, intake->request->body.size, &hub->problems,
                                   &refusal);
    if (result != XD_OK || refusal.code != NULL) {
        return result == XD_OK ? problem(intake, refusal.status, refusal.code, refusal.detail) : result;
    }
    if (choose_site(intake, &site) != XD_OK) {
        return problem(intake, 422, "invalid_order",
                       "The order cannot be taken; errors[] says why, all at once.");
    }
    return take_order(intake, site);
}

enum xd_result xd_hub_order(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                            struct xd_effects *effects) {
    struct intake intake;
    memset(&intake, 0, sizeof intake);
    intake.hub = hub;
    intake.request = request;
    intake.effects = effects;
    intake.now = now;
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    enum xd_result result = decide(&intake);
    xd_document_free(&intake.document);
    return result;
}

/* ---- a release that a site gives back ---- */

static void adopted_order(struct xd_hub *hub, const struct xd_release *release,
                          const struct xd_arrived *arrived, struct xd_now now, struct xd_order_row *row) {
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
    reference_of(row->tenant, row->channel_account, row->external_order_id, row->sale_reference);
    row->status = XD_ORDER_RECEIVED;
    row->revision = 1;
    row->hash = arrived->document->hash;
    row->received_at = row->updated_at = now.wall;
    row->body = arrived->body;
    (void)hub;
}

static enum xd_result adopt_order(struct xd_hub *hub, const struct xd_release *release,
                                  const struct xd_arrived *arrived, struct xd_now now) {
    struct xd_order_row row;
    struct xd_order_line_row *lines = xd_alloc(release->line_count * sizeof *lines);
    if (lines == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < release->line_count; index++) {
        struct xd_order_line line = {.line_id = release->lines[index].line_id,
                                     .external_line_id = release->lines[index].external_line_id,
                                     .sku = release->lines[index].sku,
                                     .qty = release->lines[index].qty,
                                     .uom = release->lines[index].uom};
        fill_line(&line, index, &lines[index]);
    }
    adopted_order(hub, release, arrived, now, &row);
    /* The ERP most likely has the sale: it is looked up before anything is posted. */
    enum xd_result result = store_order(hub, &row, lines, release->line_count, XD_JOB_UNKNOWN, now);
    xd_free(lines);
    return result;
}

static bool says_its_order(const struct xd_release *release) {
    return release->order_id != NULL && release->tenant != NULL && release->channel_account != NULL &&
           release->external_order_id != NULL;
}

/* Our ids follow from the order's number by our secret: a site can give back what it
 * got, but it cannot make up an order, nor give back another site's. */
static bool made_here(const struct xd_hub *hub, const struct xd_release *release, const char *site) {
    char reference[XD_REFERENCE_SIZE], order_id[XD_ID_SIZE], release_id[XD_ID_SIZE];
    reference_of(release->tenant, release->channel_account, release->external_order_id, reference);
    xd_hub_id(hub, "O", reference, order_id);
    xd_hub_id(hub, "R", order_id, release_id);
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
    bool readable = result == XD_OK && says_its_order(&release);
    if (!readable || !made_here(hub, &release, arrived->site->row.site)) {
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
    if (result != XD_NOT_FOUND) {
        return result; /* it is known: nothing was forgotten */
    }
    result = store->order_find(store->context, release.tenant, release.channel_account,
                               release.external_order_id, &known);
    if (result != XD_NOT_FOUND) {
        return result; /* the order is there and will make the same release again */
    }
    hub->counters.releases_adopted++;
    return adopt_order(hub, &release, arrived, now);
}
