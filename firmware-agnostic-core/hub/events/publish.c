/* The log's way to the exchange.
 *
 * The window holds the events after `confirmed` in the order of n, at most
 * XD_EVENTS_WINDOW. A slot is waiting, sent, or done (confirmed). Invariants: of one
 * order at most one slot is sent, and none of it is sent while an earlier one is not
 * done; `confirmed` moves over done slots at the front only, and with it the window.
 * Refused and lost ones wait again. The store learns `confirmed` now and then: a hub
 * that was killed sends again what came after, with the same ids. */
#include "hub/events/events.h"

#include "base/mutant.h"
#include "hub/hub_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a restart publishes again, and who listens knows by its id: after so many a second is enough. */
#define STORE_COUNT ((size_t)256)
#define STORE_MS ((xd_ms)1000)
#define STORE_LATE_MS ((xd_ms)30000)
#define RESEND_MS ((xd_ms)1000)
#define TRIM_MS ((xd_ms)3600000)  /* a look reads TRIM_ROWS rows, and events are kept for days */
#define TRIM_MORE_MS ((xd_ms)100) /* when there was more than one step takes */
#define TRIM_ROWS ((size_t)2000)
#define PART_MAX 64

/* ---- small values ---- */

static enum xd_result number_get(const struct xd_hub_store *store, const char *name, int64_t *out) {
    const struct xd_delivery_store *delivery = &store->delivery;
    char text[32] = "";
    enum xd_result result = delivery->meta_get(delivery->context, name, text, sizeof text);
    *out = result == XD_OK ? strtoll(text, NULL, 10) : 0;
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static enum xd_result number_set(const struct xd_hub_store *store, const char *name, int64_t value) {
    const struct xd_delivery_store *delivery = &store->delivery;
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    return delivery->meta_set(delivery->context, name, text);
}

/* ---- the state ---- */

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

enum xd_result xd_hub_events_open(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_event_log *log = &hub->events;
    memset(log, 0, sizeof *log);
    enum xd_result result = store->events.last(store->events.context, &log->last);
    if (result == XD_OK) {
        result = number_get(store, XD_EVENTS_PUBLISHED, &log->confirmed);
    }
    if (result == XD_OK) {
        result = number_get(store, XD_EVENTS_FLOOR, &log->floor);
    }
    log->stored = log->loaded = log->confirmed;
    log->last = larger(larger(log->last, log->confirmed), larger(log->floor, now.wall * 1000));
    return result;
}

void xd_hub_events_restart(struct xd_hub *hub) {
    hub->events.count = 0;
    hub->events.loaded = hub->events.confirmed;
    hub->events.stored = -1;
}

void xd_hub_events_lost(struct xd_hub *hub) {
    for (size_t index = 0; index < hub->events.count; index++) {
        hub->events.slots[index].sent = false;
    }
}

/* Moves over what is done at the front. */
static void advance(struct xd_event_log *log) {
    size_t done = 0;
    while (done < log->count && log->slots[done].done) {
        log->confirmed = log->slots[done++].n;
    }
    log->unstored += done;
    log->count -= done;
    memmove(log->slots, log->slots + done, log->count * sizeof log->slots[0]);
}

void xd_hub_events_confirmed(struct xd_hub *hub, int64_t n, bool taken, struct xd_now now) {
    struct xd_event_log *log = &hub->events;
    for (size_t index = 0; index < log->count; index++) {
        struct xd_event_slot *slot = &log->slots[index];
        if (slot->n == n && slot->sent) {
            slot->sent = false;
            slot->done = taken || XD_MUTANT(EVENT_NACK_IGNORED);
            hub->counters.events_published += taken;
        }
    }
    if (!taken) {
        log->resend_at = now.monotonic + RESEND_MS;
    }
    advance(log);
}

/* ---- sending ---- */

static enum xd_result load(void *context, const struct xd_event_row *row) {
    struct xd_event_log *log = context;
    struct xd_event_slot *slot = &log->slots[log->count++];
    memset(slot, 0, sizeof *slot);
    slot->n = log->loaded = row->n;
    memcpy(slot->order_id, row->order_id, sizeof slot->order_id);
    return XD_OK;
}

static enum xd_result fill(struct xd_hub *hub) {
    const struct xd_event_store *store = &hub->config.store->events;
    struct xd_event_log *log = &hub->events;
    size_t room = XD_EVENTS_WINDOW - log->count;
    if (room == 0 || log->loaded >= log->last) {
        return XD_OK;
    }
    size_t before = log->count;
    enum xd_result result = store->list(store->context, log->loaded, room, load, log);
    if (result == XD_OK && log->count == before) {
        log->loaded = log->last; /* what was given beyond was undone */
    }
    return result;
}

/* Whether an earlier event of the same order has to be confirmed first. */
static bool must_wait(const struct xd_event_log *log, size_t index) {
    for (size_t before = 0; before < index; before++) {
        if (!log->slots[before].done &&
            strcmp(log->slots[before].order_id, log->slots[index].order_id) == 0) {
            return true;
        }
    }
    return false;
}

/* One part of a routing key: what a topic's pattern would read otherwise becomes an underscore. */
static void add_part(char key[XD_EVENT_KEY_SIZE], const char *text, bool dots) {
    size_t used = strlen(key), size = strlen(text);
    if (used > 0) {
        key[used++] = '.';
    }
    for (size_t index = 0; index < size && index < PART_MAX && used < XD_EVENT_KEY_SIZE - 1; index++) {
        bool plain = (text[index] >= 'a' && text[index] <= 'z') ||
                     (text[index] >= 'A' && text[index] <= 'Z') ||
                     (text[index] >= '0' && text[index] <= '9') || text[index] == '-' || text[index] == '_' ||
                     (dots && text[index] == '.');
        key[used++] = plain ? text[index] : '_';
    }
    key[used] = 0;
}

static void routing_key(const struct xd_event_row *row, char key[XD_EVENT_KEY_SIZE]) {
    char event[XD_EVENT_TYPE_SIZE];
    size_t prefix = strlen("crossdock."), suffix = strlen(".v1"), size = strlen(row->type);
    key[0] = 0;
    if (row->tenant[0] != 0 && strcmp(row->tenant, "default") != 0) {
        add_part(key, row->tenant, false);
    }
    snprintf(event, sizeof event, "%.*s", size > prefix + suffix ? (int)(size - prefix - suffix) : 0,
             row->type + (size > prefix ? prefix : 0));
    add_part(key, event, true);
    add_part(key, row->channel[0] != 0 ? row->channel : "none", false);
}

struct sending {
    struct xd_effects *effects;
    uint64_t tag;
    int64_t n;
    bool found;
};

static enum xd_result send(void *context, const struct xd_event_row *row) {
    struct sending *sending = context;
    char key[XD_EVENT_KEY_SIZE];
    if (row->n != sending->n) {
        return XD_OK;
    }
    sending->found = true;
    struct xd_effect *effect = xd_effects_add(sending->effects, XD_EFFECT_LINE_PUBLISH);
    if (effect == NULL) {
        return sending->effects->result;
    }
    routing_key(row, key);
    effect->tag = sending->tag;
    effect->flag = true;
    effect->a = xd_effects_text(sending->effects, XD_EVENTS_EXCHANGE);
    effect->b = xd_effects_text(sending->effects, key);
    effect->d = xd_effects_text(sending->effects, row->id);
    effect->body = xd_effects_bytes(sending->effects, row->body);
    return XD_OK;
}

static enum xd_result send_slot(struct xd_hub *hub, struct xd_event_slot *slot, struct xd_effects *effects) {
    const struct xd_event_store *store = &hub->config.store->events;
    struct sending sending = {.effects = effects, .n = slot->n};
    sending.tag = xd_flight_add(&hub->flight, NULL, 0, (uint64_t)slot->n);
    enum xd_result result = store->list(store->context, slot->n - 1, 1, send, &sending);
    if (result == XD_OK && !sending.found) {
        return XD_CORRUPT; /* only what is published is dropped */
    }
    slot->sent = result == XD_OK;
    return result;
}

static enum xd_result store_cursor(struct xd_hub *hub, struct xd_now now) {
    struct xd_event_log *log = &hub->events;
    xd_ms since = now.monotonic - log->stored_at;
    if (log->stored == log->confirmed || since < (log->unstored < STORE_COUNT ? STORE_LATE_MS : STORE_MS)) {
        return XD_OK;
    }
    log->stored_at = now.monotonic;
    log->unstored = 0;
    enum xd_result result = number_set(hub->config.store, XD_EVENTS_PUBLISHED, log->confirmed);
    log->stored = result == XD_OK ? log->confirmed : log->stored;
    return result;
}

enum xd_result xd_hub_events_pump(struct xd_hub *hub, size_t room, struct xd_now now,
                                  struct xd_effects *effects, size_t *taken) {
    struct xd_event_log *log = &hub->events;
    *taken = 0;
    enum xd_result result = store_cursor(hub, now);
    if (result != XD_OK || !hub->up || room == 0 || now.monotonic < log->resend_at) {
        return result;
    }
    result = fill(hub);
    for (size_t index = 0; index < log->count && *taken < room && result == XD_OK; index++) {
        struct xd_event_slot *slot = &log->slots[index];
        if (slot->sent || slot->done || must_wait(log, index)) {
            continue;
        }
        if (xd_flight_room(&hub->flight) == 0) {
            break;
        }
        result = send_slot(hub, slot, effects);
        (*taken)++;
    }
    return result;
}

/* ---- the end of an event ---- */

enum xd_result xd_hub_events_trim(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_event_log *log = &hub->events;
    int64_t floor = 0;
    if (log->stored <= 0 || now.monotonic < log->trim_at) {
        return XD_OK;
    }
    log->trim_at = now.monotonic + TRIM_MS;
    enum xd_result result = store->events.drop(store->events.context, log->stored,
                                               now.wall - hub->config.event_ms, TRIM_ROWS, &floor);
    if (result != XD_OK || floor == 0) {
        return result;
    }
    log->floor = floor;
    log->trim_at = now.monotonic + TRIM_MORE_MS;
    return number_set(store, XD_EVENTS_FLOOR, floor);
}

bool xd_hub_events_check(const struct xd_hub *hub) {
    const struct xd_event_log *log = &hub->events;
    bool fine = log->count <= XD_EVENTS_WINDOW && log->confirmed <= log->loaded && log->loaded <= log->last;
    int64_t before = log->confirmed;
    for (size_t index = 0; index < log->count; index++) {
        const struct xd_event_slot *slot = &log->slots[index];
        fine = fine && slot->n > before && !(slot->sent && (slot->done || must_wait(log, index)));
        before = slot->n;
    }
    return fine && before <= log->loaded;
}
