/* Calls to an ERP: SENT is stored before one leaves, and only for a free worker.
 *
 *   QUEUED --its turn, worker free, pace and breaker allow--> SENT --done--> DONE
 *                            |  --rejected--> REJECTED
 *                            |  --unavailable--> QUEUED (later)
 *                            |  --unknown, or found at start--> UNKNOWN
 *   UNKNOWN --look: there--> DONE
 *           --look: absent, and the longest life of a request is over--> QUEUED, same reference
 *           --look: absent, but it may still land; or could not look--> UNKNOWN (later)
 *   An ERP of grade B that this hub has not called for a job since it started is asked first whether it has
 * it: a life of which this one knows nothing (a restored backup's) may have posted it. QUEUED --look:
 * there--> DONE, --look: absent--> SENT One of grade C cannot be asked: UNKNOWN --> PARKED, and a person
 * decides. A check has no effect: found SENT at start it is QUEUED, and it is WITHDRAWN whatever became of it
 * when its order is at its end; what is answered afterwards says nothing.
 *
 * A job that waits for its next try is in the store and in nobody's way. A shipment waits while a change of
 * its sale is under way. */
#include "hub/posting/posting.h"

#include "base/memory.h"
#include "base/mutant.h"

#include <string.h>

#define CALLS_BATCH ((size_t)64)  /* jobs that are fetched at once */
#define FETCHED_MAX ((size_t)256) /* ... and in one turn of one lane */

void xd_erp_call_free(void *call) {
    if (call != NULL) {
        xd_free(((struct xd_erp_call *)call)->memory);
        xd_free(call);
    }
}

/* ---- building a call ---- */

struct call_lines {
    struct xd_job_line_row *rows;
    size_t count, capacity;
};

static enum xd_result collect_job_line(void *context, const struct xd_job_line_row *row) {
    struct call_lines *lines = context;
    struct xd_job_line_row *rows = xd_grow(lines->rows, lines->count, &lines->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    lines->rows = rows;
    lines->rows[lines->count++] = *row;
    return XD_OK;
}

struct call_memory {
    struct xd_job_row job;
    struct xd_order_row order;
    struct xd_erp_line *lines;
    struct xd_job_line_row rows[];
};

static void renew_reference(struct xd_job_row *job) {
    size_t size = strlen(job->reference);
    if (size + 2 < sizeof job->reference) {
        memcpy(job->reference + size, "+", 2);
    }
}

static void fill_request(struct call_memory *memory, size_t count, struct xd_erp_request *request) {
    if (XD_MUTANT(HALF_MADE_ANEW) && memory->job.attempt > 1 && memory->job.state == XD_JOB_SENT) {
        renew_reference(&memory->job);
    }
    request->kind = memory->job.kind;
    request->reference = memory->job.reference;
    request->sale_reference = memory->order.sale_reference;
    request->tenant = memory->order.tenant;
    request->site = memory->job.site;
    request->customer =
        memory->order.customer_code[0] != 0 ? memory->order.customer_code : memory->order.customer_ref;
    request->currency = memory->order.currency;
    request->reverses = memory->job.reverses[0] != 0 ? memory->job.reverses : NULL;
    request->at = memory->job.at;
    request->lines = memory->lines;
    request->line_count = count;
    bool misstates = request->kind == XD_ERP_CHANGE && XD_MUTANT(CHANGE_MISSTATED);
    for (size_t index = 0; index < count; index++) {
        const struct xd_job_line_row *row = &memory->rows[index];
        memory->lines[index] =
            (struct xd_erp_line){.line_id = row->line_id,
                                 .sku = row->sku,
                                 .uom = row->uom,
                                 .factor_num = row->factor_num,
                                 .factor_den = row->factor_den,
                                 .qty = misstates ? xd_decimal_of(1) : row->qty,
                                 .unbilled = row->unbilled,
                                 .unit_price = row->unit_price,
                                 .has_unit_price = row->has_unit_price,
                                 .close = row->close,
                                 .lot = row->lot[0] != 0 ? row->lot : NULL,
                                 .ordered_sku = row->ordered_sku[0] != 0 ? row->ordered_sku : NULL};
    }
}

/* One block holds all that the request points to: the worker needs no store. */
static enum xd_result build_call(struct xd_hub *hub, const struct xd_job_row *job, bool find,
                                 struct xd_erp_call **out) {
    const struct xd_hub_store *store = hub->config.store;
    struct call_lines lines = {NULL, 0, 0};
    struct call_memory *memory = NULL;
    struct xd_erp_call *call = xd_alloc(sizeof *call);
    enum xd_result result = call == NULL ? XD_NO_MEMORY : XD_OK;
    if (result == XD_OK) {
        result = store->job_lines(store->context, job->number, collect_job_line, &lines);
    }
    if (result == XD_OK) {
        memory = xd_alloc(sizeof *memory + lines.count * (sizeof memory->rows[0] + sizeof memory->lines[0]));
        result = memory == NULL ? XD_NO_MEMORY : XD_OK;
    }
    if (result == XD_OK && job->order_id[0] != 0) {
        result = store->order_get(store->context, job->order_id, &memory->order);
    }
    if (result == XD_OK) {
        memory->job = *job;
        memcpy(memory->rows, lines.rows, lines.count * sizeof lines.rows[0]);
        memory->lines = (struct xd_erp_line *)(void *)&memory->rows[lines.count];
        call->job = job->number;
        call->attempt = job->attempt;
        call->find = find;
        call->memory = memory;
        fill_request(memory, lines.count, &call->request);
        *out = call;
    } else {
        xd_free(memory);
        xd_free(call);
    }
    xd_free(lines.rows);
    return result;
}

/* ---- calling ---- */

/* Up to as long again as nothing has happened to the order, within the limits of a retry. */
static xd_ms patience(struct xd_hub *hub, const struct xd_erp_lane *lane, const struct xd_order_row *order,
                      struct xd_now now) {
    xd_ms age = now.wall - order->updated_at, most = lane->settings->retry_ms_max;
    struct xd_retry retry;
    xd_retry_init(&retry,
                  age < lane->settings->retry_ms_min ? lane->settings->retry_ms_min
                  : age < most                       ? age
                                                     : most,
                  most);
    return xd_retry_next(&retry, hub->config.env);
}

/* The change of a sale comes first: it may bring the very line that is shipped. */
static enum xd_result wait_for_change(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                                      struct xd_job_row *job, struct xd_now now, bool *waits) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    *waits = false;
    if (slot->state == XD_JOB_UNKNOWN || job->kind != XD_ERP_SHIPMENT || job->order_id[0] == 0) {
        return XD_OK;
    }
    enum xd_result result = store->order_get(store->context, job->order_id, &order);
    *waits = result == XD_OK && order.changing;
    return *waits ? xd_lane_later(hub, lane, slot, job, XD_JOB_QUEUED,
                                  now.monotonic + patience(hub, lane, &order, now), now)
                  : result;
}

/* A check of an order that is at its end is not called. */
static enum xd_result withdraw_check(struct xd_hub *hub, struct xd_job_row *job) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    enum xd_result result = store->order_get(store->context, job->order_id, &order);
    if (result == XD_OK && (order.cancelled || order.status == XD_ORDER_REJECTED)) {
        job->state = XD_JOB_WITHDRAWN;
        result = xd_lane_save_job(hub, job);
    }
    return result;
}

/* *goes: it is called for. Otherwise it was withdrawn, or waits: it has no slot any more. */
static enum xd_result admit(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                            struct xd_job_row *job, struct xd_now now, bool *goes) {
    bool waits = false;
    enum xd_result result = XD_OK;
    *goes = false;
    if (lane->checks && job->state != XD_JOB_WITHDRAWN) {
        result = withdraw_check(hub, job);
    }
    if (result == XD_OK && job->state == XD_JOB_WITHDRAWN) {
        xd_lane_slot_clear(lane, slot);
        return XD_OK;
    }
    if (result == XD_OK) {
        result = wait_for_change(hub, lane, slot, job, now, &waits);
    }
    *goes = result == XD_OK && !waits;
    return result;
}

static enum xd_result store_call(struct xd_hub *hub, struct xd_job_row *job, bool find, struct xd_now now) {
    if (find && job->state == XD_JOB_UNKNOWN) {
        return XD_OK;
    }
    if (find) {
        job->state = XD_JOB_UNKNOWN;
        return xd_lane_save_job(hub, job);
    }
    job->state = XD_JOB_SENT;
    job->waits = false;
    job->attempt++;
    job->sent_at = now.wall;
    return XD_MUTANT(SENT_NOT_STORED) ? XD_OK : xd_lane_save_job(hub, job);
}

static void slot_called(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                        struct xd_erp_call *call, struct xd_now now) {
    bool probe = lane->breaker.state != XD_BREAKER_CLOSED;
    slot->call = call->id = ++hub->call_id;
    slot->called = slot->fresh = lane->calls_fresh = true;
    slot->state = call->find ? XD_JOB_UNKNOWN : XD_JOB_SENT;
    if (!call->find) {
        slot->sent = now.monotonic;
        slot->looks_only = false;
    }
    lane->found_last = probe ? call->find : lane->found_last;
    lane->calls++;
    hub->counters.erp_calls++;
    xd_breaker_called(&lane->breaker, call->id);
    if (lane->limited) {
        (void)xd_bucket_take(&lane->bucket, now.monotonic);
    }
}

static enum xd_result start_call(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                                 struct xd_now now, struct xd_effects *effects) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_row job;
    struct xd_erp_call *call = NULL;
    bool goes = false, find = slot->state == XD_JOB_UNKNOWN;
    enum xd_result result = store->job_get(store->context, slot->number, &job);
    if (result == XD_OK) {
        result = admit(hub, lane, slot, &job, now, &goes);
    }
    if (result != XD_OK || !goes) {
        return result;
    }
    result = store_call(hub, &job, find, now);
    if (result == XD_OK) {
        result = build_call(hub, &job, find, &call);
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_effect *effect = xd_effects_add(effects, XD_EFFECT_ERP_CALL);
    if (effect == NULL) {
        xd_erp_call_free(call);
        return effects->result;
    }
    effect->object = call;
    call->lane = (size_t)(lane - hub->lanes);
    slot_called(hub, lane, slot, call, now);
    return XD_OK;
}

/* ---- a turn of a lane ---- */

static bool has_worker(const struct xd_erp_lane *lane) {
    return lane->calls < lane->settings->concurrency || XD_MUTANT(CALLS_UNBOUNDED);
}

static bool may_call(struct xd_erp_lane *lane, struct xd_now now) {
    return has_worker(lane) && xd_breaker_allows(&lane->breaker, now.monotonic) &&
           (!lane->limited || xd_bucket_ready(&lane->bucket, now.monotonic));
}

/* How many calls may be made at once. */
static size_t room_for(const struct xd_erp_lane *lane) {
    size_t room = XD_JOB_SLOTS - lane->slot_count;
    unsigned free_workers =
        lane->calls < lane->settings->concurrency ? lane->settings->concurrency - lane->calls : 0;
    room = room < CALLS_BATCH ? room : CALLS_BATCH;
    room = room < free_workers || XD_MUTANT(CALLS_UNBOUNDED) ? room : free_workers;
    if (lane->limited && (int64_t)room > xd_bucket_left(&lane->bucket)) {
        room = (size_t)xd_bucket_left(&lane->bucket);
    }
    return lane->breaker.state == XD_BREAKER_CLOSED || room == 0 ? room : 1;
}

static enum xd_result call_slots(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_now now,
                                 struct xd_effects *effects) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < lane->slot_end && result == XD_OK; index++) {
        struct xd_job_slot *slot = &lane->slots[index];
        if (slot->number != 0 && !slot->called && slot->due <= now.monotonic) {
            if (!may_call(lane, now)) {
                break;
            }
            result = start_call(hub, lane, slot, now, effects);
        }
    }
    return result;
}

static enum xd_result call_queue(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_now now,
                                 struct xd_effects *effects) {
    enum xd_result result = XD_OK;
    int64_t numbers[CALLS_BATCH];
    size_t count = 1;
    for (size_t fetched = 0; fetched < FETCHED_MAX && count > 0 && result == XD_OK && may_call(lane, now);
         fetched += count) {
        result = xd_lane_next(hub, lane, room_for(lane), numbers, &count);
        for (size_t index = 0; index < count && result == XD_OK; index++) {
            bool look = numbers[index] <= lane->known_up_to || now.wall < lane->looks_until;
            struct xd_job_slot *slot =
                xd_lane_slot_fill(lane, numbers[index], 0, look ? XD_JOB_UNKNOWN : XD_JOB_QUEUED, now);
            slot->looks_only = look;
            result = start_call(hub, lane, slot, now, effects);
        }
    }
    return result;
}

/* Of grade C nobody can tell whether it happened. */
static enum xd_result park_unknown(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = XD_OK;
    struct xd_job_row job;
    for (size_t index = 0; index < lane->slot_end && result == XD_OK; index++) {
        struct xd_job_slot *slot = &lane->slots[index];
        if (slot->number != 0 && !slot->called && slot->state == XD_JOB_UNKNOWN) {
            result = store->job_get(store->context, slot->number, &job);
            result = result == XD_OK ? xd_lane_park(hub, lane, slot, &job, now) : result;
        }
    }
    return result;
}

/* What may have happened comes first; but when a probe found out nothing by looking up, the next one is a
 * posting, so that an ERP in which nothing can be looked up does not stand still for that. */
static enum xd_result run_lane(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_now now,
                               struct xd_effects *effects) {
    bool queue_first = lane->breaker.state != XD_BREAKER_CLOSED && lane->found_last;
    enum xd_result result = xd_lane_load_unknown(hub, lane, now);
    if (result == XD_OK && lane->settings->grade == XD_ERP_GRADE_C) {
        result = park_unknown(hub, lane, now);
    }
    if (result == XD_OK && !lane->paused) {
        result = xd_lane_wake(hub, lane, now);
        if (result == XD_OK && !queue_first) {
            result = call_slots(hub, lane, now, effects);
        }
        if (result == XD_OK) {
            result = call_queue(hub, lane, now, effects);
        }
        if (result == XD_OK && queue_first) {
            result = call_slots(hub, lane, now, effects);
        }
    }
    return result;
}

enum xd_result xd_hub_jobs_run(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < hub->lane_count && result == XD_OK; index++) {
        if (!hub->lanes[index].settings->shadow) { /* whatever names it: nothing is ever posted to one */
            result = run_lane(hub, &hub->lanes[index], now, effects);
        }
    }
    return result;
}

bool xd_lane_may_list(const struct xd_erp_lane *lane, xd_ms now) {
    return !lane->paused && lane->calls < lane->settings->concurrency &&
           lane->breaker.state == XD_BREAKER_CLOSED && xd_breaker_allows(&lane->breaker, now);
}

void xd_lane_list_called(struct xd_erp_lane *lane) {
    lane->calls++;
}

void xd_lane_list_over(struct xd_erp_lane *lane) {
    lane->calls--;
}
