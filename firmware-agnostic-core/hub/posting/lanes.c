/* Lanes and their slots.
 *
 * Time is monotonic for what is UNKNOWN: after a restart a job that was SENT is taken to have left just now,
 * which errs on the safe side. What is QUEUED waits in the store, by the wall clock. */
#include "hub/posting/posting.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/reference/reference.h"

#include <stdio.h>
#include <string.h>

#define FAILURES_MAX 16u
#define WAKES_MAX ((size_t)256) /* in one turn */

/* ---- which ERP ---- */

static bool names_tenant(const struct xd_erp_settings *erp, const char *tenant) {
    for (size_t index = 0; index < erp->tenant_count; index++) {
        if (strcmp(erp->tenants[index], tenant) == 0) {
            return true;
        }
    }
    return false;
}

const char *xd_hub_erp_of(const struct xd_hub *hub, const char *tenant) {
    const struct xd_erp_settings *others = &hub->config.erps[0];
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        const struct xd_erp_settings *erp = &hub->config.erps[index];
        if (!erp->shadow && names_tenant(erp, tenant)) {
            return erp->name;
        }
        others = !erp->shadow && erp->tenant_count == 0 ? erp : others;
    }
    return others->name;
}

xd_ms xd_hub_ship_by(const char *requested_ship, const char *ship_not_after) {
    const char *date = requested_ship != NULL ? requested_ship : ship_not_after;
    int64_t days = 0;
    return date != NULL && xd_date_parse(date, &days) == XD_OK ? days * XD_DAY_MS : 0;
}

/* What is posted after the sale is not put off for a ship date to come: the goods have left already. */
void xd_hub_job_of(const struct xd_hub *hub, const struct xd_order_row *order, struct xd_now now,
                   struct xd_job_row *job) {
    bool early = job->kind == XD_ERP_SALE || (order->ship_by != 0 && order->ship_by < now.wall);
    const char *erp = order->erp[0] != 0 ? order->erp : xd_hub_erp_of(hub, order->tenant);
    xd_copy(job->erp, sizeof job->erp, job->kind == XD_ERP_CHECK ? XD_CHECK_LANE : erp);
    xd_copy(job->order_id, sizeof job->order_id, order->order_id);
    xd_copy(job->tenant, sizeof job->tenant, order->tenant);
    job->promise = early && order->ship_by != 0 ? order->ship_by : now.wall;
}

unsigned xd_hub_erp_calls(const struct xd_hub *hub) {
    unsigned calls = 0;
    for (size_t index = 0; index < hub->lane_count; index++) {
        calls += hub->lanes[index].calls;
    }
    return calls;
}

/* ---- slots ---- */

struct xd_job_slot *xd_lane_slot(struct xd_erp_lane *lane, int64_t number) {
    for (size_t index = 0; index < lane->slot_end; index++) {
        if (lane->slots[index].number == number) {
            return &lane->slots[index];
        }
    }
    return NULL;
}

struct xd_job_slot *xd_lane_slot_fill(struct xd_erp_lane *lane, int64_t number, int64_t attempt, int state,
                                      struct xd_now now) {
    struct xd_job_slot *slot = xd_lane_slot(lane, 0);
    if (slot == NULL && lane->slot_end < XD_JOB_SLOTS) {
        slot = &lane->slots[lane->slot_end++];
    }
    if (slot != NULL) {
        memset(slot, 0, sizeof *slot);
        slot->number = number;
        slot->state = state;
        slot->due = slot->sent = now.monotonic;
        xd_retry_init(&slot->retry, lane->settings->retry_ms_min, lane->settings->retry_ms_max);
        slot->retry.failures = attempt < (int64_t)FAILURES_MAX ? (unsigned)attempt : FAILURES_MAX;
        lane->slot_count++;
    }
    return slot;
}

void xd_lane_slot_clear(struct xd_erp_lane *lane, struct xd_job_slot *slot) {
    slot->number = 0;
    lane->slot_count--;
    while (lane->slot_end > 0 && lane->slots[lane->slot_end - 1].number == 0) {
        lane->slot_end--;
    }
}

/* ---- jobs ---- */

static void comes(struct xd_hub *hub, int state) {
    for (size_t index = 0; index < hub->lane_count; index++) {
        struct xd_erp_lane *lane = &hub->lanes[index];
        lane->queue_seen = lane->queue_seen && state != XD_JOB_QUEUED;
        lane->unknown_seen = lane->unknown_seen && state != XD_JOB_UNKNOWN;
    }
}

/* It may be an old job, whose number is below the cursor. */
void xd_hub_job_comes(struct xd_hub *hub, int state) {
    comes(hub, state);
    for (size_t index = 0; state == XD_JOB_UNKNOWN && index < hub->lane_count; index++) {
        hub->lanes[index].unknown_cursor = 0;
    }
}

enum xd_result xd_hub_job_add(struct xd_hub *hub, struct xd_job_row *job, const struct xd_job_line_row *lines,
                              size_t count) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = store->job_add(store->context, job, lines, count);
    xd_hub_job_comes(hub, job->state);
    return result == XD_DUPLICATE ? XD_OK : result;
}

enum xd_result xd_lane_save_job(struct xd_hub *hub, const struct xd_job_row *job) {
    const struct xd_hub_store *store = hub->config.store;
    comes(hub, job->state);
    return store->job_save(store->context, job);
}

enum xd_result xd_lane_later(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                             struct xd_job_row *job, int state, xd_ms due, struct xd_now now) {
    bool queued = state == XD_JOB_QUEUED;
    job->state = state;
    job->due_at = now.wall + (due - now.monotonic);
    job->waits = queued && due > now.monotonic;
    enum xd_result result = xd_lane_save_job(hub, job);
    if (result != XD_OK) {
        return result;
    }
    if (queued) {
        xd_lane_slot_clear(lane, slot);
        lane->wake_at =
            job->waits && (lane->wake_at == 0 || job->due_at < lane->wake_at) ? job->due_at : lane->wake_at;
        return XD_OK;
    }
    slot->state = state;
    slot->due = due;
    slot->called = false;
    return XD_OK;
}

enum xd_result xd_lane_wake(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    size_t woken = 0;
    bool came = lane->wake_at != 0 && now.wall >= lane->wake_at;
    if (!came && now.wall >= lane->woke_at && lane->woke_at != 0) {
        return XD_OK; /* and the clock was not set back, after which what waits could wait for long */
    }
    lane->woke_at = now.wall;
    enum xd_result result = store->job_wake(store->context, lane->settings->name, now.wall, XD_DUE_MS_MAX,
                                            WAKES_MAX, &woken, &lane->wake_at);
    lane->queue_seen = lane->queue_seen && woken == 0;
    return result;
}

/* ---- what may have happened ---- */

struct loading {
    struct xd_erp_lane *lane;
    struct xd_now now;
    int64_t last; /* 0: there was nothing */
    size_t rows;
};

static enum xd_result load_job(void *context, const struct xd_job_row *row) {
    struct loading *loading = context;
    loading->last = row->number;
    loading->rows++;
    if (xd_lane_slot(loading->lane, row->number) == NULL) {
        (void)xd_lane_slot_fill(loading->lane, row->number, row->attempt,
                                loading->lane->checks ? XD_JOB_QUEUED : XD_JOB_UNKNOWN, loading->now);
    }
    return XD_OK;
}

/* *seen spares the store the question, every turn, for what was not there at the last one and has not come
 * since. */
static enum xd_result load_state(struct xd_hub *hub, struct xd_erp_lane *lane, int state, size_t room,
                                 struct xd_now now, int64_t *cursor, bool *seen) {
    const struct xd_hub_store *store = hub->config.store;
    struct loading loading = {.lane = lane, .now = now};
    if (room == 0 || *seen) {
        return XD_OK;
    }
    enum xd_result result =
        store->job_list(store->context, lane->settings->name, state, *cursor, room, load_job, &loading);
    if (result == XD_OK) {
        *seen = loading.rows < room;
        *cursor = loading.last != 0 ? loading.last : *cursor;
    }
    return result;
}

enum xd_result xd_lane_load_unknown(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_now now) {
    size_t room = lane->slot_count < XD_JOB_SLOTS / 2 ? XD_JOB_SLOTS / 2 - lane->slot_count : 0;
    return load_state(hub, lane, XD_JOB_UNKNOWN, room, now, &lane->unknown_cursor, &lane->unknown_seen);
}

/* ---- when it is called next ---- */

static xd_ms sooner(xd_ms one, xd_ms other) {
    return one == 0 || (other != 0 && other < one) ? other : one;
}

/* What waits in the queue is known by its wall time; what may be called at once is due `now`. */
static xd_ms next_job(const struct xd_erp_lane *lane, struct xd_now now) {
    xd_ms next = lane->queue_seen ? 0 : now.monotonic;
    if (lane->wake_at != 0) {
        next = sooner(next, now.monotonic + (lane->wake_at > now.wall ? lane->wake_at - now.wall : 0));
    }
    for (size_t index = 0; index < lane->slot_end; index++) {
        const struct xd_job_slot *slot = &lane->slots[index];
        next = slot->number != 0 && !slot->called ? sooner(next, slot->due) : next;
    }
    return next;
}

xd_ms xd_lane_next_call(const struct xd_hub *hub, const struct xd_erp_lane *lane, struct xd_now now) {
    size_t number = (size_t)(lane - hub->lanes);
    xd_ms next = lane->settings->shadow ? 0 : next_job(lane, now),
          opens = xd_breaker_opens_at(&lane->breaker);
    if (lane->paused || lane->breaker.state == XD_BREAKER_HALF_OPEN) {
        return 0;
    }
    if (lane->breaker.state == XD_BREAKER_CLOSED && !lane->checks) { /* lists are no probes */
        next = sooner(next, sooner(xd_books_next(hub, number), xd_reference_next(hub, number)));
    }
    next = next != 0 && next < now.monotonic ? now.monotonic : next;
    return next != 0 && next < opens ? opens : next;
}

/* ---- start, end, and batches that were lost ---- */

void xd_hub_jobs_left(struct xd_hub *hub) {
    xd_waiters_left(hub);
    xd_hub_webhooks_left(hub);
    for (size_t number = 0; number < hub->lane_count; number++) {
        struct xd_erp_lane *lane = &hub->lanes[number];
        for (size_t index = 0; lane->calls_fresh && index < lane->slot_end; index++) {
            lane->slots[index].fresh = false;
        }
        lane->calls_fresh = false;
    }
    xd_reference_left(hub);
    xd_books_left(hub);
}

static void forget_slots(struct xd_erp_lane *lane, bool restart) {
    for (size_t index = 0; index < lane->slot_end; index++) {
        struct xd_job_slot *slot = &lane->slots[index];
        if (slot->number != 0 && slot->fresh && !restart) {
            lane->calls--; /* its call never left */
            xd_breaker_lost(&lane->breaker, slot->call);
        }
        if (slot->number != 0 && (restart || !slot->called || slot->fresh)) {
            xd_lane_slot_clear(lane, slot);
        }
    }
}

static enum xd_result load_lane(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_now now,
                                bool restart) {
    int64_t last = 0;
    bool seen = XD_MUTANT(JOB_FORGOTTEN);
    forget_slots(lane, restart);
    lane->calls_fresh = false;
    lane->unknown_cursor = 0;
    lane->unknown_seen = lane->queue_seen = false;
    lane->wake_at = lane->woke_at = 0;
    enum xd_result result = xd_lane_read_pause(hub, lane);
    size_t room = XD_JOB_SLOTS - lane->slot_count;
    return result == XD_OK && !lane->settings->shadow
               ? load_state(hub, lane, XD_JOB_SENT, room, now, &last, &seen)
               : result;
}

enum xd_result xd_hub_jobs_load(struct xd_hub *hub, struct xd_now now, bool restart) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < hub->lane_count && result == XD_OK; index++) {
        result = load_lane(hub, &hub->lanes[index], now, restart);
    }
    return result;
}

enum xd_result xd_hub_jobs_reload(struct xd_hub *hub) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < hub->lane_count && result == XD_OK; index++) {
        result = xd_lane_read_pause(hub, &hub->lanes[index]);
    }
    return result;
}

static const struct xd_erp_lane *find_lane(const struct xd_hub *hub, const char *erp) {
    for (size_t index = 0; index < hub->lane_count; index++) {
        if (strcmp(hub->lanes[index].settings->name, erp) == 0) {
            return &hub->lanes[index];
        }
    }
    return NULL;
}

/* What was queued for an ERP that is not configured any more waits until it is again: somebody should know.
 */
static enum xd_result tell_orphans(struct xd_hub *hub) {
    const struct xd_hub_store *store = hub->config.store;
    char erp[XD_NAME_SIZE], after[XD_NAME_SIZE] = "";
    enum xd_result result;
    while ((result = store->job_lane(store->context, after, erp)) == XD_OK) {
        const struct xd_erp_lane *lane = find_lane(hub, erp);
        xd_copy(after, sizeof after, erp);
        int64_t open = 0;
        static const int states[] = {XD_JOB_QUEUED, XD_JOB_SENT, XD_JOB_UNKNOWN};
        for (size_t index = 0; index < 3 && result == XD_OK; index++) {
            int64_t count = 0;
            result = store->job_count_of(store->context, erp, states[index], &count);
            open += count;
        }
        if (result == XD_OK && open > 0 && (lane == NULL || lane->settings->shadow)) {
            xd_log(hub->config.env, XD_LOG_ERROR, "erp.not_served", NULL,
                   "%lld postings are for the ERP %s, which %s: they wait until it is served again",
                   (long long)open, erp, lane == NULL ? "the configuration does not name" : "is a shadow");
        }
        if (result != XD_OK) {
            return result;
        }
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static void open_lane(struct xd_erp_lane *lane, const struct xd_erp_settings *settings, struct xd_now now) {
    lane->settings = settings;
    lane->limited = settings->rate_per_minute > 0;
    if (lane->limited) {
        xd_bucket_init_per(&lane->bucket, XD_MINUTE_MS, settings->rate_per_minute,
                           settings->burst > 0 ? settings->burst : 1, now.monotonic);
    }
    xd_breaker_init(&lane->breaker, settings->breaker_failures, settings->open_ms_min, settings->open_ms_max);
}

enum xd_result xd_hub_jobs_open(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    const struct xd_erp_settings *first = &hub->config.erps[0];
    int64_t last = 0;
    hub->lanes = xd_alloc((hub->config.erp_count + 1) * sizeof *hub->lanes);
    if (hub->lanes == NULL) {
        return XD_NO_MEMORY;
    }
    hub->check_lane = (struct xd_erp_settings){.name = XD_CHECK_LANE,
                                               .concurrency = hub->config.check_concurrency,
                                               .retry_ms_min = first->retry_ms_min,
                                               .retry_ms_max = first->retry_ms_max};
    hub->lane_count = hub->config.erp_count + 1;
    xd_ms set_back = 0;
    enum xd_result result = store->job_last(store->context, &last);
    if (result == XD_OK) {
        result = xd_hub_set_back_at(hub, NULL, &set_back);
    }
    for (size_t index = 0; index < hub->lane_count; index++) {
        struct xd_erp_lane *lane = &hub->lanes[index];
        lane->checks = index == hub->config.erp_count;
        open_lane(lane, lane->checks ? &hub->check_lane : &hub->config.erps[index], now);
        lane->known_up_to = lane->settings->grade == XD_ERP_GRADE_B ? last : 0;
    }
    xd_hub_jobs_set_back(hub, set_back);
    return result == XD_OK ? tell_orphans(hub) : result;
}

void xd_hub_jobs_set_back(struct xd_hub *hub, xd_ms at) {
    for (size_t index = 0; index < hub->lane_count && at != 0; index++) {
        struct xd_erp_lane *lane = &hub->lanes[index];
        lane->looks_until = lane->settings->grade == XD_ERP_GRADE_B ? at + XD_HUB_CATCHES_UP_MS : 0;
    }
}

void xd_hub_jobs_close(struct xd_hub *hub) {
    xd_free(hub->lanes);
    hub->lanes = NULL;
    hub->lane_count = 0;
}

static bool check_lane(const struct xd_erp_lane *lane) {
    size_t slots = 0;
    for (size_t index = 0; index < lane->slot_end; index++) {
        slots += lane->slots[index].number != 0;
    }
    return lane->calls <= lane->settings->concurrency && slots == lane->slot_count &&
           (lane->slot_end == 0 || lane->slots[lane->slot_end - 1].number != 0) &&
           (!lane->settings->shadow || slots == 0) && xd_breaker_check(&lane->breaker);
}

bool xd_hub_jobs_check(const struct xd_hub *hub) {
    bool fine = true;
    for (size_t index = 0; index < hub->lane_count; index++) {
        fine = fine && check_lane(&hub->lanes[index]);
    }
    return fine;
}
