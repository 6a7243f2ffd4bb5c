/* What became of a call, what follows for its job, and what it says of the ERP. */
#include "hub/posting/posting.h"

#include "base/mutant.h"
#include "hub/reference/reference.h"

#include <stdio.h>
#include <string.h>

enum xd_result xd_lane_decided(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    enum xd_result result = xd_lane_save_job(hub, job);
    bool done = job->state == XD_JOB_DONE;
    if (result != XD_OK) {
        return result;
    }
    switch (job->kind) {
    case XD_ERP_SALE:
        return done ? xd_hub_sale_done(hub, job, now) : xd_hub_sale_rejected(hub, job, now);
    case XD_ERP_ADJUSTMENT:
        return xd_hub_adjustment_decided(hub, job, now);
    case XD_ERP_CHANGE:
        return xd_hub_change_decided(hub, job, now);
    case XD_ERP_CHECK:
        return xd_hub_check_decided(hub, job, now);
    default: /* shipments, and what undoes them */
        return done ? xd_hub_shipment_done(hub, job, now) : xd_hub_shipment_rejected(hub, job, now);
    }
}

static enum xd_result finish(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                             struct xd_job_row *job, int state, struct xd_now now) {
    job->state = state;
    enum xd_result result = xd_lane_decided(hub, job, now);
    if (result == XD_OK) {
        xd_lane_slot_clear(lane, slot);
    }
    return result;
}

enum xd_result xd_lane_park(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                            struct xd_job_row *job, struct xd_now now) {
    char detail[256];
    snprintf(
        detail, sizeof detail,
        "The ERP %s did not say what became of this %s, and cannot be asked: look there, then accept (it is "
        "there) or retry (it is not).",
        job->erp, xd_erp_kind_names[job->kind]);
    struct xd_complaint complaint = {.code = XD_UNKNOWN_OUTCOME,
                                     .site = job->site,
                                     .order_id = job->order_id,
                                     .document_id = job->reference,
                                     .version = job->number,
                                     .detail = detail};
    job->state = XD_JOB_PARKED;
    enum xd_result result = xd_lane_save_job(hub, job);
    if (result == XD_OK) {
        result = xd_hub_complain(hub, &complaint, now);
    }
    if (result == XD_OK) {
        xd_lane_slot_clear(lane, slot);
    }
    return result;
}

/* A look that found nothing: final only when the request can no longer land. */
static enum xd_result absent(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                             struct xd_job_row *job, struct xd_now now) {
    xd_ms end = slot->sent + lane->settings->life_ms;
    if (slot->looks_only) { /* its turn had come: the row stays as it is until the call is stored */
        slot->state = XD_JOB_QUEUED;
        slot->due = now.monotonic;
        slot->called = false;
        return XD_OK;
    }
    if (now.monotonic > end || lane->checks || XD_MUTANT(ABSENT_BELIEVED)) {
        return xd_lane_later(hub, lane, slot, job, XD_JOB_QUEUED, now.monotonic, now);
    }
    return xd_lane_later(hub, lane, slot, job, XD_JOB_UNKNOWN, end + 1, now);
}

/* The one that a probe failed for waits until after the next probe, which is somebody else's then: a posting
 * that is the cause of the trouble does not keep the others from being tried. */
static enum xd_result unavailable(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                                  struct xd_job_row *job, bool find, const struct xd_erp_answer *answer,
                                  struct xd_now now) {
    xd_ms from = lane->breaker.state == XD_BREAKER_OPEN && lane->breaker.until > now.monotonic
                     ? lane->breaker.until
                     : now.monotonic;
    struct xd_retry retry;
    xd_retry_init(&retry, lane->settings->retry_ms_min, lane->settings->retry_ms_max);
    retry.failures = find ? slot->retry.failures : (unsigned)(job->attempt > 1 ? job->attempt - 1 : 0);
    xd_ms wait = xd_retry_next(&retry, hub->config.env), asked = (xd_ms)answer->retry_after_ms;
    slot->retry.failures = retry.failures;
    asked = asked < XD_DUE_MS_MAX ? asked : XD_DUE_MS_MAX;
    if (lane->checks) {
        hub->counters.check_failures++;
    } else {
        hub->counters.erp_unavailable++;
    }
    xd_ms due = from + wait > now.monotonic + asked ? from + wait : now.monotonic + asked;
    return xd_lane_later(hub, lane, slot, job, find ? XD_JOB_UNKNOWN : XD_JOB_QUEUED, due, now);
}

static enum xd_result decide(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                             struct xd_job_row *job, const struct xd_erp_call *call,
                             const struct xd_erp_answer *answer, struct xd_now now) {
    enum xd_result result = XD_OK;
    bool first = job->detail[0] == 0;
    xd_copy(job->code, sizeof job->code, answer->code);
    xd_copy(job->detail, sizeof job->detail, answer->detail);
    switch (answer->outcome) {
    case XD_ERP_DONE:
        hub->counters.erp_done++;
        xd_copy(job->document, sizeof job->document, answer->document);
        return finish(hub, lane, slot, job, XD_JOB_DONE, now);
    case XD_ERP_REJECTED:
        hub->counters.erp_rejected++;
        return finish(hub, lane, slot, job, XD_JOB_REJECTED, now);
    case XD_ERP_ABSENT:
        return absent(hub, lane, slot, job, now);
    case XD_ERP_UNAVAILABLE:
        if (lane->checks && job->detail[0] == 0) {
            xd_copy(job->detail, sizeof job->detail, "The check does not say why it cannot answer.");
        }
        if (lane->checks) {
            result = xd_hub_check_failed(hub, job, first, now);
        }
        return result == XD_OK ? unavailable(hub, lane, slot, job, call->find, answer, now) : result;
    default:
        hub->counters.erp_unknown++;
        return xd_lane_later(hub, lane, slot, job,
                             lane->checks || XD_MUTANT(RETRIED_WITHOUT_LOOKUP) ? XD_JOB_QUEUED
                                                                               : XD_JOB_UNKNOWN,
                             now.monotonic + XD_LOOK_AFTER_MS, now);
    }
}

static void name_call(const struct xd_erp_call *call, int kind, char *out, size_t size) {
    if (call->list) {
        snprintf(out, size, "list of %s", xd_erp_list_names[call->what]);
    } else {
        snprintf(out, size, call->find ? "look-up of a %s" : "%s", xd_erp_kind_names[kind]);
    }
}

/* Of postings the breaker tells; that lists fail nobody would hear of while nothing is posted. */
static void tell_lists(struct xd_hub *hub, struct xd_erp_lane *lane, bool list) {
    struct xd_lane_counters *met = &lane->counters;
    if (met->failing && !met->told && list) {
        met->told = true;
        xd_log(hub->config.env, XD_LOG_WARNING, "erp.not_read", NULL,
               "%s does not answer the %s: %s %s; it is asked again, ever more slowly", lane->settings->name,
               met->trouble.call, met->trouble.code, met->trouble.detail);
    } else if (!met->failing && met->told) {
        met->told = false;
        xd_log(hub->config.env, XD_LOG_INFO, "erp.read_again", NULL, "%s answers again",
               lane->settings->name);
    }
}

static void heard(struct xd_hub *hub, const struct xd_erp_call *call, int kind,
                  const struct xd_erp_answer *answer, struct xd_now now) {
    struct xd_erp_lane *lane = &hub->lanes[call->lane];
    struct xd_lane_counters *met = &lane->counters;
    xd_ms asked = (xd_ms)answer->retry_after_ms;
    met->failing = answer->outcome == XD_ERP_UNAVAILABLE || answer->outcome == XD_ERP_UNKNOWN;
    if (call->list) {
        met->lists[answer->outcome]++;
    } else {
        met->outcomes[answer->outcome]++;
    }
    if (met->failing) {
        met->trouble.at = now.wall;
        name_call(call, kind, met->trouble.call, sizeof met->trouble.call);
        xd_copy(met->trouble.code, sizeof met->trouble.code, answer->code);
        xd_copy(met->trouble.detail, sizeof met->trouble.detail, answer->detail);
    } else {
        met->answered_at = now.wall;
    }
    if (asked > 0 && met->failing) {
        xd_breaker_hold(&lane->breaker, now.monotonic + (asked < XD_DUE_MS_MAX ? asked : XD_DUE_MS_MAX));
    }
    tell_lists(hub, lane, call->list);
}

void xd_lane_heard(struct xd_hub *hub, const struct xd_erp_call *call, const struct xd_erp_answer *answer,
                   struct xd_now now) {
    heard(hub, call, XD_ERP_SALE, answer, now);
}

static void tell_breaker(struct xd_hub *hub, struct xd_erp_lane *lane, uint64_t call,
                         const struct xd_erp_answer *answer, struct xd_now now) {
    enum xd_breaker_state before = lane->breaker.state;
    if (answer->outcome == XD_ERP_UNAVAILABLE || answer->outcome == XD_ERP_UNKNOWN) {
        xd_breaker_failed(&lane->breaker, call, hub->config.env, now.monotonic);
    } else {
        xd_breaker_succeeded(&lane->breaker, call);
    }
    if (before == XD_BREAKER_CLOSED && lane->breaker.state == XD_BREAKER_OPEN) {
        xd_log(
            hub->config.env, XD_LOG_WARNING, "erp.breaker_open", NULL,
            "%s failed %u times in a row, the last time with %s %s: it is left alone for a while, then tried "
            "with one call",
            lane->settings->name, lane->settings->breaker_failures, answer->code, answer->detail);
    } else if (before == XD_BREAKER_HALF_OPEN && lane->breaker.state == XD_BREAKER_CLOSED) {
        xd_log(hub->config.env, XD_LOG_INFO, "erp.breaker_closed", NULL, "%s answers again",
               lane->settings->name);
    }
}

static enum xd_result take_answer(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                                  const struct xd_erp_call *call, const struct xd_erp_answer *answer,
                                  struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_row job;
    enum xd_result result = store->job_get(store->context, call->job, &job);
    if (result != XD_OK) {
        return result;
    }
    tell_breaker(hub, lane, call->id, answer, now);
    heard(hub, call, job.kind, answer, now);
    if (job.state == XD_JOB_WITHDRAWN) {
        xd_lane_slot_clear(lane, slot);
        return XD_OK;
    }
    return decide(hub, lane, slot, &job, call, answer, now);
}

enum xd_result xd_hub_erp_answer(struct xd_hub *hub, const struct xd_erp_call *call,
                                 const struct xd_erp_answer *answer, struct xd_now now,
                                 struct xd_effects *effects) {
    struct xd_erp_lane *lane = &hub->lanes[call->lane];
    struct xd_job_slot *slot = xd_lane_slot(lane, call->job);
    (void)effects;
    hub->now = now;
    xd_hub_jobs_left(hub);
    if (slot == NULL || !slot->called || slot->call != call->id) {
        return XD_OK;
    }
    struct xd_job_slot before = *slot;
    struct xd_breaker breaker = lane->breaker;
    struct xd_lane_counters counters = lane->counters;
    size_t count = lane->slot_count, end = lane->slot_end;
    enum xd_result result = take_answer(hub, lane, slot, call, answer, now);
    if (result == XD_OK) {
        lane->calls--;
    } else { /* an event that is undone leaves the lane as it was */
        *slot = before;
        lane->breaker = breaker;
        lane->counters = counters;
        lane->slot_count = count;
        lane->slot_end = end;
    }
    return result;
}

/* The answer could not be taken in: what it said is not known any more. */
void xd_hub_erp_refuse(struct xd_hub *hub, const struct xd_erp_call *call, struct xd_now now) {
    if (call->list) {
        xd_reference_refuse(hub, call, now);
        return;
    }
    struct xd_erp_lane *lane = &hub->lanes[call->lane];
    struct xd_job_slot *slot = xd_lane_slot(lane, call->job);
    if (slot != NULL && slot->called && slot->call == call->id) {
        slot->called = false;
        slot->state = lane->checks ? XD_JOB_QUEUED : XD_JOB_UNKNOWN;
        slot->due = now.monotonic + XD_LOOK_AFTER_MS;
        lane->calls--;
        xd_breaker_lost(&lane->breaker, call->id);
    }
}

/* ---- a person's word on what nobody else knows ---- */

enum xd_result xd_hub_job_settle(struct xd_hub *hub, int64_t number, bool happened, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_row job;
    enum xd_result result = store->job_get(store->context, number, &job);
    if (result != XD_OK || job.state != XD_JOB_PARKED) {
        return result;
    }
    if (happened) {
        job.state = XD_JOB_DONE;
        return xd_lane_decided(hub, &job, now);
    }
    job.state = XD_JOB_QUEUED;
    job.waits = false;
    return xd_lane_save_job(hub, &job);
}
