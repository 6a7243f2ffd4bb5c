/* ERP jobs: SENT is stored before a call leaves, and only for a free worker.
 *
 *   QUEUED --worker free--> SENT --done--> DONE
 *                            |  --rejected--> REJECTED
 *                            |  --unavailable--> QUEUED (later)
 *                            |  --unknown, or found at start--> UNKNOWN
 *   UNKNOWN --look: there--> DONE
 *           --look: absent, and the longest life of a request is over--> QUEUED, same reference
 *           --look: absent, but it may still land; or could not look--> UNKNOWN (later)
 *   A check has no effect: found SENT at start it is QUEUED, and it is WITHDRAWN whatever became
 *   of it when its order is at its end; what is answered afterwards says nothing.
 *
 * Time is monotonic: after a restart a job that was SENT is taken to have left
 * just now, which errs on the safe side. Jobs that are due or waiting for their
 * next try are in slots; the rest of the queue stays in the store. When slots become
 * few, a job that waits for its next try gives its slot up and is found again by its
 * due_at: however many wait for an ERP that refuses them, another one gets its turn.
 * A shipment waits while a change of its sale is under way.
 *
 * Checks share slots and workers with the ERP's postings, but somebody else answers them, or does
 * not: they have a quarter of either at most (and one), so that their silence stops no posting. */
#include "hub/hub_internal.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/reference/reference.h"

#include <string.h>

#define LOOK_AFTER_MS ((xd_ms)1000)
#define DUE_MS_MAX ((xd_ms)600000) /* a due_at farther off than this is a clock that was set: due now */
#define FAILURES_MAX 16u
#define CHECKS_SHARE 4u /* one of so many slots and workers may be a check's */

void xd_erp_call_free(void *call) {
    if (call != NULL) {
        xd_free(((struct xd_erp_call *)call)->memory);
        xd_free(call);
    }
}

/* A question that changes nothing is asked again, whatever became of it. */
static bool has_no_effect(const struct xd_job_row *job) {
    return job->kind == XD_ERP_CHECK;
}

/* ---- slots ---- */

static struct xd_job_slot *slot_of(struct xd_hub *hub, int64_t number) {
    for (size_t index = 0; index < XD_JOB_SLOTS; index++) {
        if (hub->slots[index].number == number) {
            return &hub->slots[index];
        }
    }
    return NULL;
}

/* called: only those whose call is under way. */
static size_t count_checks(const struct xd_hub *hub, bool called) {
    size_t count = 0;
    for (size_t index = 0; index < XD_JOB_SLOTS; index++) {
        const struct xd_job_slot *slot = &hub->slots[index];
        count += slot->number != 0 && slot->check && (slot->called || !called);
    }
    return count;
}

static void slot_fill(struct xd_hub *hub, const struct xd_job_row *row, int state, struct xd_now now) {
    struct xd_job_slot *slot = hub->slot_count < XD_JOB_SLOTS ? slot_of(hub, 0) : NULL;
    if (slot != NULL) {
        memset(slot, 0, sizeof *slot);
        slot->number = row->number;
        slot->check = has_no_effect(row);
        slot->state = state;
        slot->due = slot->sent = now.monotonic;
        xd_retry_init(&slot->retry, hub->config.erp_retry_ms_min, hub->config.erp_retry_ms_max);
        slot->retry.failures = row->attempt < (int64_t)FAILURES_MAX ? (unsigned)row->attempt : FAILURES_MAX;
        hub->slot_count++;
    }
}

static void slot_clear(struct xd_hub *hub, struct xd_job_slot *slot) {
    slot->number = 0;
    hub->slot_count--;
}

struct loading {
    struct xd_hub *hub;
    struct xd_now now;
    int state;
    int64_t last; /* 0: there was nothing */
    size_t rows;
};

static enum xd_result load_job(void *context, const struct xd_job_row *row) {
    struct loading *loading = context;
    struct xd_hub *hub = loading->hub;
    xd_ms wait = row->due_at - loading->now.wall;
    loading->last = row->number;
    loading->rows++;
    if (slot_of(hub, row->number) != NULL) {
        return XD_OK;
    }
    if (loading->state == XD_JOB_QUEUED && wait > 0 && wait <= DUE_MS_MAX) {
        hub->queued_later = true;
        return XD_OK;
    }
    if (loading->state == XD_JOB_QUEUED && has_no_effect(row) &&
        count_checks(hub, false) >= XD_JOB_SLOTS / CHECKS_SHARE) {
        hub->queued_later = hub->checks_later = true;
        return XD_OK;
    }
    bool again = loading->state == XD_JOB_QUEUED || has_no_effect(row);
    slot_fill(hub, row, again ? XD_JOB_QUEUED : XD_JOB_UNKNOWN, loading->now);
    return XD_OK;
}

/* For what is queued below the cursor and has no slot. */
static bool has_time_come(const struct xd_hub *hub, struct xd_now now) {
    bool room = hub->checks_later && count_checks(hub, false) < XD_JOB_SLOTS / CHECKS_SHARE / 2;
    return hub->queued_later && (now.monotonic >= hub->rescan_at || room);
}

/* What may have happened comes first, and more than fits in the slots waits until
 * some are decided. *seen spares the store the question, every turn, for what was
 * not there at the last one and has not come since. */
static enum xd_result load_state(struct xd_hub *hub, int state, struct xd_now now, int64_t *cursor,
                                 bool *seen) {
    const struct xd_hub_store *store = hub->config.store;
    struct loading loading = {.hub = hub, .now = now, .state = state};
    size_t room = XD_JOB_SLOTS - hub->slot_count;
    if (room == 0) {
        return XD_OK;
    }
    enum xd_result result = XD_OK;
    if (!*seen) {
        result = store->job_list(store->context, hub->config.erp, state, *cursor, room, load_job, &loading);
        *seen = result == XD_OK && loading.rows < room;
    }
    if (result == XD_OK && loading.last != 0) {
        *cursor = loading.last;
    } else if (result == XD_OK && state == XD_JOB_QUEUED && has_time_come(hub, now)) {
        *cursor = 0;
        *seen = false;
        hub->queued_later = hub->checks_later = false;
        hub->rescan_at = now.monotonic + hub->config.erp_retry_ms_min;
    }
    return result;
}

void xd_hub_jobs_left(struct xd_hub *hub) {
    xd_waiters_left(hub);
    xd_hub_webhooks_left(hub);
    for (size_t index = 0; hub->calls_fresh && index < XD_JOB_SLOTS; index++) {
        hub->slots[index].fresh = false;
    }
    hub->calls_fresh = false;
    xd_reference_left(hub);
}

/* restart: the process starts, so nobody has a call under way. Otherwise a commit
 * failed: calls that are under way stay known, all else is read again. */
enum xd_result xd_hub_jobs_load(struct xd_hub *hub, struct xd_now now, bool restart) {
    int64_t last = 0;
    bool seen = false;
    for (size_t index = 0; index < XD_JOB_SLOTS; index++) {
        struct xd_job_slot *slot = &hub->slots[index];
        if (slot->number != 0 && slot->fresh && !restart) {
            hub->calls--; /* its call never left */
        }
        if (slot->number != 0 && (restart || !slot->called || slot->fresh)) {
            slot_clear(hub, slot);
        }
    }
    hub->calls_fresh = false;
    hub->queued_cursor = hub->unknown_cursor = 0;
    hub->queued_seen = hub->unknown_seen = false;
    return XD_MUTANT(JOB_FORGOTTEN) ? XD_OK : load_state(hub, XD_JOB_SENT, now, &last, &seen);
}

void xd_hub_job_comes(struct xd_hub *hub, int state) {
    hub->queued_seen = hub->queued_seen && state != XD_JOB_QUEUED;
    hub->unknown_seen = hub->unknown_seen && state != XD_JOB_UNKNOWN;
}

enum xd_result xd_hub_job_add(struct xd_hub *hub, struct xd_job_row *job, const struct xd_job_line_row *lines,
                              size_t count) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = store->job_add(store->context, job, lines, count);
    xd_hub_job_comes(hub, job->state);
    return result == XD_DUPLICATE ? XD_OK : result;
}

static enum xd_result save_job(struct xd_hub *hub, const struct xd_job_row *job) {
    const struct xd_hub_store *store = hub->config.store;
    xd_hub_job_comes(hub, job->state);
    return store->job_save(store->context, job);
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

static void fill_request(struct call_memory *memory, size_t count, struct xd_erp_request *request) {
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

static enum xd_result later(struct xd_hub *hub, struct xd_job_slot *slot, struct xd_job_row *job, int state,
                            xd_ms due, struct xd_now now) {
    job->state = state;
    job->due_at = now.wall + (due - now.monotonic);
    enum xd_result result = save_job(hub, job);
    if (result == XD_OK && state == XD_JOB_QUEUED && due > now.monotonic &&
        (hub->slot_count > XD_JOB_SLOTS / 4 || slot->check)) {
        slot_clear(hub, slot);
        hub->queued_later = true;
    } else if (result == XD_OK) {
        slot->state = state;
        slot->due = due;
        slot->called = false;
    }
    return result;
}

/* The change of a sale comes first: it may bring the very line that is shipped. */
static enum xd_result wait_for_change(struct xd_hub *hub, struct xd_job_slot *slot, struct xd_job_row *job,
                                      struct xd_now now, bool *waits) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    *waits = false;
    if (slot->state == XD_JOB_UNKNOWN || job->kind != XD_ERP_SHIPMENT || job->order_id[0] == 0) {
        return XD_OK;
    }
    enum xd_result result = store->order_get(store->context, job->order_id, &order);
    *waits = result == XD_OK && order.changing;
    return *waits ? later(hub, slot, job, XD_JOB_QUEUED,
                          now.monotonic + xd_retry_next(&slot->retry, hub->config.env), now)
                  : result;
}

/* A check of an order that is at its end is not called. */
static enum xd_result withdraw_check(struct xd_hub *hub, struct xd_job_row *job) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    enum xd_result result = store->order_get(store->context, job->order_id, &order);
    if (result == XD_OK && (order.cancelled || order.status == XD_ORDER_REJECTED)) {
        job->state = XD_JOB_WITHDRAWN;
        result = save_job(hub, job);
    }
    return result;
}

static enum xd_result start_call(struct xd_hub *hub, struct xd_job_slot *slot, struct xd_now now,
                                 struct xd_effects *effects) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_row job;
    struct xd_erp_call *call = NULL;
    bool find = slot->state == XD_JOB_UNKNOWN;
    enum xd_result result = store->job_get(store->context, slot->number, &job);
    if (result == XD_OK && has_no_effect(&job) && job.state != XD_JOB_WITHDRAWN) {
        result = withdraw_check(hub, &job);
    }
    if (result != XD_OK) {
        return result;
    }
    if (job.state == XD_JOB_WITHDRAWN) {
        slot_clear(hub, slot);
        return XD_OK;
    }
    bool waits = false;
    result = wait_for_change(hub, slot, &job, now, &waits);
    if (result != XD_OK || waits) {
        return result;
    }
    if (!find) {
        job.state = XD_JOB_SENT;
        job.attempt++;
        job.sent_at = now.wall;
        result = XD_MUTANT(SENT_NOT_STORED) ? XD_OK : save_job(hub, &job);
    } else if (job.state == XD_JOB_SENT) {
        job.state = XD_JOB_UNKNOWN;
        result = save_job(hub, &job);
    }
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
    slot->call = call->id = ++hub->call_id;
    slot->called = slot->fresh = hub->calls_fresh = true;
    slot->state = find ? XD_JOB_UNKNOWN : XD_JOB_SENT;
    if (!find) {
        slot->sent = now.monotonic;
        slot->looked = false;
    }
    hub->calls++;
    hub->counters.erp_calls++;
    return XD_OK;
}

/* Whether one more check may be called for. */
static bool has_worker_for_check(const struct xd_hub *hub) {
    unsigned share = hub->config.erp_concurrency / CHECKS_SHARE;
    return count_checks(hub, true) < (share > 0 ? share : 1);
}

enum xd_result xd_hub_jobs_run(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    enum xd_result result = XD_OK;
    if (hub->slot_count < XD_JOB_SLOTS / 2) {
        result = load_state(hub, XD_JOB_UNKNOWN, now, &hub->unknown_cursor, &hub->unknown_seen);
    }
    if (result == XD_OK && hub->slot_count < XD_JOB_SLOTS / 2) {
        result = load_state(hub, XD_JOB_QUEUED, now, &hub->queued_cursor, &hub->queued_seen);
    }
    size_t left = hub->slot_count;
    for (size_t index = 0; index < XD_JOB_SLOTS && left > 0 && result == XD_OK; index++) {
        struct xd_job_slot *slot = &hub->slots[index];
        left -= slot->number != 0;
        if (hub->calls >= hub->config.erp_concurrency && !XD_MUTANT(CALLS_UNBOUNDED)) {
            break;
        }
        if (slot->number != 0 && !slot->called && slot->due <= now.monotonic &&
            (!slot->check || has_worker_for_check(hub))) {
            result = start_call(hub, slot, now, effects);
        }
    }
    return result;
}

/* ---- answers ---- */

static enum xd_result finish(struct xd_hub *hub, struct xd_job_slot *slot, struct xd_job_row *job,
                             struct xd_now now) {
    enum xd_result result = save_job(hub, job);
    bool done = job->state == XD_JOB_DONE;
    if (result != XD_OK) {
        return result;
    }
    switch (job->kind) {
    case XD_ERP_SALE:
        result = done ? xd_hub_sale_done(hub, job, now) : xd_hub_sale_rejected(hub, job, now);
        break;
    case XD_ERP_ADJUSTMENT:
        result = xd_hub_adjustment_decided(hub, job, now);
        break;
    case XD_ERP_CHANGE:
        result = xd_hub_change_decided(hub, job, now);
        break;
    case XD_ERP_CHECK:
        result = xd_hub_check_decided(hub, job, now);
        break;
    default: /* shipments, and what undoes them */
        result = done ? xd_hub_shipment_done(hub, job, now) : xd_hub_shipment_rejected(hub, job, now);
        break;
    }
    if (result == XD_OK) {
        slot_clear(hub, slot);
    }
    return result;
}

/* A look that found nothing: final only when the request can no longer land. */
static enum xd_result absent(struct xd_hub *hub, struct xd_job_slot *slot, struct xd_job_row *job,
                             struct xd_now now) {
    xd_ms end = slot->sent + hub->config.erp_life_ms;
    if (now.monotonic > end || has_no_effect(job) || XD_MUTANT(ABSENT_BELIEVED)) {
        return later(hub, slot, job, XD_JOB_QUEUED, now.monotonic, now);
    }
    return later(hub, slot, job, XD_JOB_UNKNOWN, end + 1, now);
}

static enum xd_result unavailable(struct xd_hub *hub, struct xd_job_slot *slot, struct xd_job_row *job,
                                  bool find, const struct xd_erp_answer *answer, struct xd_now now) {
    xd_ms wait = xd_retry_next(&slot->retry, hub->config.env);
    if (wait < (xd_ms)answer->retry_after_ms) {
        wait = (xd_ms)answer->retry_after_ms < DUE_MS_MAX ? (xd_ms)answer->retry_after_ms : DUE_MS_MAX;
    }
    if (has_no_effect(job)) {
        hub->counters.check_failures++;
    } else {
        hub->counters.erp_unavailable++;
    }
    return later(hub, slot, job, find ? XD_JOB_UNKNOWN : XD_JOB_QUEUED, now.monotonic + wait, now);
}

static enum xd_result decide(struct xd_hub *hub, struct xd_job_slot *slot, struct xd_job_row *job,
                             const struct xd_erp_call *call, const struct xd_erp_answer *answer,
                             struct xd_now now) {
    enum xd_result result = XD_OK;
    bool first = job->detail[0] == 0;
    xd_copy(job->code, sizeof job->code, answer->code);
    xd_copy(job->detail, sizeof job->detail, answer->detail);
    switch (answer->outcome) {
    case XD_ERP_DONE:
        hub->counters.erp_done++;
        xd_copy(job->document, sizeof job->document, answer->document);
        job->state = XD_JOB_DONE;
        return finish(hub, slot, job, now);
    case XD_ERP_REJECTED:
        hub->counters.erp_rejected++;
        job->state = XD_JOB_REJECTED;
        return finish(hub, slot, job, now);
    case XD_ERP_ABSENT:
        return absent(hub, slot, job, now);
    case XD_ERP_UNAVAILABLE:
        if (has_no_effect(job) && job->detail[0] == 0) {
            xd_copy(job->detail, sizeof job->detail, "The check does not say why it cannot answer.");
        }
        if (has_no_effect(job)) {
            result = xd_hub_check_failed(hub, job, first, now);
        }
        return result == XD_OK ? unavailable(hub, slot, job, call->find, answer, now) : result;
    default:
        hub->counters.erp_unknown++;
        return later(hub, slot, job, XD_MUTANT(RETRIED_WITHOUT_LOOKUP) ? XD_JOB_QUEUED : XD_JOB_UNKNOWN,
                     now.monotonic + LOOK_AFTER_MS, now);
    }
}

enum xd_result xd_hub_erp_answer(struct xd_hub *hub, const struct xd_erp_call *call,
                                 const struct xd_erp_answer *answer, struct xd_now now,
                                 struct xd_effects *effects) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_slot *slot = slot_of(hub, call->job);
    struct xd_job_row job;
    (void)effects;
    hub->now = now;
    xd_hub_jobs_left(hub);
    if (slot == NULL || !slot->called || slot->call != call->id) {
        return XD_OK;
    }
    enum xd_result result = store->job_get(store->context, call->job, &job);
    if (result == XD_OK) {
        struct xd_job_slot before = *slot;
        size_t count = hub->slot_count;
        if (job.state == XD_JOB_WITHDRAWN) {
            slot_clear(hub, slot);
        } else {
            result = decide(hub, slot, &job, call, answer, now);
        }
        if (result == XD_OK) {
            hub->calls--;
        } else {
            *slot = before;
            hub->slot_count = count;
        }
    }
    return result;
}

/* The answer could not be taken in: what it said is not known any more. */
void xd_hub_erp_refuse(struct xd_hub *hub, const struct xd_erp_call *call, struct xd_now now) {
    if (call->list) {
        xd_reference_refuse(hub, call, now);
        return;
    }
    struct xd_job_slot *slot = slot_of(hub, call->job);
    if (slot != NULL && slot->called && slot->call == call->id) {
        slot->called = false;
        slot->state = XD_JOB_UNKNOWN;
        slot->due = now.monotonic + LOOK_AFTER_MS;
        hub->calls--;
    }
}
