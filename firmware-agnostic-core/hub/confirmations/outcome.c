/* What became of a confirmation: told to the site, raised as an exception, heard from the ERP. */
#include "hub/confirmations/applying.h"

#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

/* ---- telling the site ---- */

enum xd_result xd_hub_tell(struct xd_hub *hub, const char *site_name, const struct xd_settled *settled,
                           struct xd_now now) {
    struct xd_hub_site *site = xd_hub_site_find(hub, site_name);
    char id[XD_NAME_SIZE * 3];
    struct xd_buffer text;
    if (site == NULL || XD_MUTANT(SETTLED_NOT_SENT)) {
        return XD_OK;
    }
    xd_buffer_init(&text, 0);
    xd_settled_write(settled, &text);
    enum xd_result result = xd_buffer_result(&text);
    if (result == XD_OK) {
        snprintf(id, sizeof id, "%s/%s/%lld", settled->document, settled->document_id,
                 (long long)settled->document_version);
        result = xd_hub_send(hub, site, XD_LANE_NOTICE, XD_DOC_SETTLED, id, settled->version, NULL,
                             xd_buffer_view(&text), now);
    }
    xd_buffer_free(&text);
    return result;
}

enum xd_result xd_hub_tell_fate(struct xd_hub *hub, struct xd_confirmation_row *row, enum xd_outcome outcome,
                                const char *code, const char *detail, struct xd_now now) {
    row->fate_version++;
    struct xd_settled settled = {.document_id = row->confirmation_id,
                                 .document = "confirmation",
                                 .document_version = row->version,
                                 .version = row->fate_version,
                                 .outcome = (int)outcome,
                                 .code = code,
                                 .detail = detail};
    return xd_hub_tell(hub, row->site, &settled, now);
}

/* ---- complaints ---- */

enum xd_result xd_applying_complain(struct xd_applying *applying, const struct xd_match *match,
                                    const char *line_id, struct xd_decimal qty, const char *code, bool info,
                                    const char *detail) {
    struct xd_complaint complaint = {.code = code,
                                     .info = info,
                                     .site = applying->row->site,
                                     .order_id = match != NULL ? match->order.order_id : NULL,
                                     .release_id = match != NULL ? match->row.release_id : NULL,
                                     .line_id = line_id,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = applying->row->confirmation_id,
                                     .version = applying->row->version,
                                     .qty = qty,
                                     .detail = detail};
    if (!info && applying->first_code == NULL) {
        applying->first_code = code;
        applying->first_detail = detail;
    }
    return xd_hub_complain(applying->hub, &complaint, applying->now);
}

/* The whole document waits for a person or for its release. */
enum xd_result xd_applying_park(struct xd_applying *applying, const char *code, const char *waits_for,
                                const char *detail) {
    struct xd_confirmation_row *row = applying->row;
    row->state = XD_CONFIRMATION_PARKED;
    row->lines_applied = row->lines_rejected = 0;
    row->lines_parked = row->lines_in;
    xd_copy(row->waits_for, sizeof row->waits_for, waits_for);
    applying->hub->counters.confirmations_parked++;
    enum xd_result result = xd_applying_complain(applying, NULL, NULL, xd_decimal_of(0), code, false, detail);
    return result == XD_OK
               ? xd_hub_tell_fate(applying->hub, row, XD_OUTCOME_PARKED, code, detail, applying->now)
               : result;
}

/* ---- the ERP's word ---- */

enum xd_result xd_hub_shipment_done(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    struct xd_order_row order;
    char id[XD_QUOTED_SIZE], document[XD_QUOTED_SIZE];
    enum xd_result result = store->confirmation_get(store->context, job->site, job->confirmation_id,
                                                    job->confirmation_version, &row);
    if (result == XD_OK) {
        result = store->order_get(store->context, job->order_id, &order);
    }
    if (result == XD_OK) {
        result = xd_hub_timeline(hub, &order, "shipment.posted", now,
                                 "\"confirmation_id\":%s,\"erp\":\"%s\",\"shipment\":%s,\"attempt\":%lld",
                                 xd_hub_quote(job->confirmation_id, id), job->erp,
                                 xd_hub_quote(job->document, document), (long long)job->attempt);
    }
    if (result != XD_OK) {
        return result;
    }
    row.jobs_open--;
    if (row.jobs_open == 0) {
        result = xd_confirmation_posted(hub, &row, now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, &row) : result;
}

enum xd_result xd_hub_shipment_rejected(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    char detail[256];
    snprintf(detail, sizeof detail, "%.47s: %.199s", job->code, job->detail);
    struct xd_complaint complaint = {.code = "ERP_REJECTED_SHIPMENT",
                                     .site = job->site,
                                     .order_id = job->order_id,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = job->confirmation_id,
                                     .version = job->confirmation_version,
                                     .detail = detail};
    enum xd_result result = xd_hub_complain(hub, &complaint, now);
    if (result == XD_OK) {
        result = store->confirmation_get(store->context, job->site, job->confirmation_id,
                                         job->confirmation_version, &row);
    }
    if (result == XD_OK) {
        result = xd_hub_tell_fate(hub, &row, XD_OUTCOME_PARKED, "ERP_REJECTED_SHIPMENT", detail, now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, &row) : result;
}

/* All that was to post is in the ERP. */
enum xd_result xd_confirmation_posted(struct xd_hub *hub, struct xd_confirmation_row *row,
                                      struct xd_now now) {
    bool parked = row->lines_parked > 0;
    row->state = XD_CONFIRMATION_POSTED;
    return xd_hub_tell_fate(hub, row, XD_OUTCOME_POSTED, parked ? "LINES_PARKED" : NULL,
                            parked ? "Some lines are parked; see the hub's exceptions." : NULL, now);
}
