/* A confirmation whole: its releases found, its lines applied, what they are afterwards, and the posting. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "hub/orchestration/conduct.h"

#include <stdio.h>
#include <string.h>

/* ---- the release afterwards ---- */

static int release_status(const struct xd_match *match) {
    bool all_done = true, shipped = false, closed = false;
    for (size_t index = 0; index < match->lines.count; index++) {
        const struct xd_release_line_row *line = &match->lines.rows[index];
        struct xd_decimal done;
        if (xd_decimal_add(line->shipped, line->closed, &done) != XD_OK ||
            xd_decimal_compare(done, line->qty) < 0) {
            all_done = false;
        }
        shipped = shipped || xd_decimal_sign(line->shipped) > 0;
        closed = closed || xd_decimal_sign(line->closed) > 0;
    }
    if (all_done) {
        return closed ? XD_RELEASE_SHORT_CLOSED : XD_RELEASE_SHIPPED;
    }
    if (shipped && match->row.status < XD_RELEASE_PART_SHIPPED) {
        return XD_RELEASE_PART_SHIPPED;
    }
    return match->row.status < XD_RELEASE_ACKED ? XD_RELEASE_ACKED : match->row.status;
}

static void job_of(const struct xd_applying *applying, const struct xd_match *match, struct xd_job_row *job) {
    memset(job, 0, sizeof *job);
    xd_copy(job->erp, sizeof job->erp, applying->hub->config.erp);
    job->kind = XD_ERP_SHIPMENT;
    snprintf(job->reference, sizeof job->reference, "%s/%s/%lld/%s", applying->row->site,
             applying->row->confirmation_id, (long long)applying->row->version, match->row.release_id);
    job->state = XD_JOB_QUEUED;
    memcpy(job->order_id, match->order.order_id, sizeof job->order_id);
    memcpy(job->site, applying->row->site, sizeof job->site);
    memcpy(job->confirmation_id, applying->row->confirmation_id, sizeof job->confirmation_id);
    job->confirmation_version = applying->row->version;
    job->at = applying->confirmation->shipped_at;
}

/* Who confirms a release has it, whether it answered or not. */
static enum xd_result infer_ack(struct xd_applying *applying, const struct xd_match *match) {
    enum xd_result result = xd_hub_timeline(applying->hub, &match->order, "release.ack_inferred",
                                            applying->now, "\"release_id\":\"%s\"", match->row.release_id);
    return result == XD_OK
               ? xd_applying_complain(applying, match, NULL, xd_decimal_of(0), "ACK_INFERRED", true,
                                      "A confirmation came before the site acknowledged the release.")
               : result;
}

static enum xd_result finish_release(struct xd_applying *applying, struct xd_match *match) {
    struct xd_hub *hub = applying->hub;
    const struct xd_hub_store *store = hub->config.store;
    char id[XD_QUOTED_SIZE];
    bool asked = match->row.cancel == XD_CANCEL_REQUESTED, ends = false;
    enum xd_result result = XD_OK;
    if (match->posting_count > 0) {
        struct xd_job_row job;
        job_of(applying, match, &job);
        result = xd_hub_job_add(hub, &job, match->posting, match->posting_count);
        applying->row->jobs_open++;
    }
    if (result == XD_OK && match->row.status < XD_RELEASE_ACKED) {
        result = infer_ack(applying, match);
    }
    if (result == XD_OK) {
        match->row.status = release_status(match);
        ends = !xd_release_is_live(&match->row);
        match->row.ack_by = asked && !ends ? match->row.ack_by : 0;
        match->row.updated_at = applying->now.wall;
        result = store->release_save(store->context, &match->row);
    }
    if (result == XD_OK) {
        result =
            xd_hub_timeline(hub, &match->order, "confirmation.applied", applying->now,
                            "\"release_id\":\"%s\",\"confirmation_id\":%s,\"version\":%lld,\"lines\":%zu",
                            match->row.release_id, xd_hub_quote(applying->row->confirmation_id, id),
                            (long long)applying->row->version, match->posting_count);
    }
    if (result == XD_OK) {
        result = xd_hub_order_fold(hub, match->order.order_id, match->sale_stale, applying->now);
    }
    if (result == XD_OK && asked && ends) {
        result = xd_hub_request_over(hub, &match->row, applying->now);
    }
    return result == XD_OK ? xd_hub_event_shipped(hub, &match->row, applying->row, match->posting,
                                                  match->posting_count, applying->now)
                           : result;
}

/* ---- all of it ---- */

static enum xd_result apply_all(struct xd_applying *applying) {
    struct xd_confirmation_row *row = applying->row;
    const struct xd_confirmation *confirmation = applying->confirmation;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < confirmation->line_count && result == XD_OK; index++) {
        result = xd_applying_line(applying, index);
    }
    for (size_t index = 0; index < applying->release_count && result == XD_OK; index++) {
        if (confirmation->reporting == XD_REPORTING_FULL) {
            result = xd_applying_unlisted(applying, &applying->releases[index]);
        }
        if (result == XD_OK) {
            result = finish_release(applying, &applying->releases[index]);
        }
    }
    if (result != XD_OK) {
        return result;
    }
    if (row->jobs_open > 0) {
        row->state = XD_CONFIRMATION_APPLIED;
        applying->hub->counters.confirmations_applied++;
        return XD_OK; /* its fate is told when the ERP has it */
    }
    if (row->lines_applied > 0) { /* "nothing left, nothing will yet": there is nothing to post */
        applying->hub->counters.confirmations_applied++;
        return xd_confirmation_posted(applying->hub, row, applying->now);
    }
    row->state = XD_CONFIRMATION_PARKED;
    applying->hub->counters.confirmations_parked++;
    return xd_hub_tell_fate(applying->hub, row, XD_OUTCOME_PARKED, applying->first_code,
                            applying->first_detail, applying->now);
}

/* Decides a confirmation; row gets state and counts, the caller stores it. */
enum xd_result xd_confirmation_apply(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                     struct xd_confirmation_row *row, struct xd_now now) {
    struct xd_applying applying = {.hub = hub, .now = now, .row = row, .confirmation = confirmation};
    row->lines_in = (int64_t)confirmation->line_count;
    row->lines_applied = row->lines_parked = row->lines_rejected = 0;
    row->waits_for[0] = 0;
    if (confirmation->kind == XD_KIND_VOID || confirmation->kind == XD_KIND_REVERSAL) {
        return xd_applying_park(&applying, "REVERSED", "",
                                "A shipment is taken back; a person decides how it is undone.");
    }
    applying.releases = xd_alloc(confirmation->release_count * sizeof *applying.releases);
    enum xd_result result = applying.releases == NULL ? XD_NO_MEMORY : XD_OK;
    for (size_t index = 0; index < confirmation->release_count && result == XD_OK; index++) {
        result = xd_applying_find(&applying, confirmation->release_ids[index]);
        if (result == XD_NOT_FOUND || result == XD_DENIED) {
            /* The words are the same: that another site has it is none of this site's business. */
            xd_applying_free(&applying);
            return xd_applying_park(
                &applying, "UNKNOWN_RELEASE", result == XD_NOT_FOUND ? confirmation->release_ids[index] : "",
                "There is no such release for this site yet; it is applied by itself when it arrives.");
        }
    }
    if (result == XD_OK) {
        result = xd_applying_claim(&applying);
    }
    for (size_t index = 0; index < applying.release_count && result == XD_OK; index++) {
        result = xd_applying_load(&applying, &applying.releases[index]);
    }
    if (result == XD_OK) {
        result = apply_all(&applying);
    }
    xd_applying_free(&applying);
    return result;
}
