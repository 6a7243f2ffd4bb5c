/* A webhook is idle or has one call under way. Idle and due, it looks for the next event
 * behind its position that its filter lets pass; what it looked over without one moves
 * the position, which the store learns with the next delivery, or now and then. The
 * answer to the last call counts, unless an operator's replay has overtaken it; and it
 * counts again when the batch that heard it failed.
 *
 * Invariant: calls = webhooks with a call under way, and calls of removed ones that were
 * not answered yet; never more than the configured number. */
#include "hub/events/webhooks.h"

#include "base/base64.h"
#include "base/memory.h"
#include "hub/hub_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOK_ROWS ((size_t)8)
#define LOOKS_MAX 32u /* of one webhook in one turn */
#define SAVE_MS ((xd_ms)10000)
#define STATUS_GONE 410u

void xd_webhook_call_free(void *call) {
    xd_free(call);
}

struct xd_webhook *xd_hub_webhook_find(struct xd_hub *hub, const char *id) {
    for (size_t index = 0; index < hub->webhooks.count; index++) {
        if (strcmp(hub->webhooks.items[index].row.id, id) == 0) {
            return &hub->webhooks.items[index];
        }
    }
    return NULL;
}

static enum xd_result save(struct xd_hub *hub, struct xd_webhook *webhook) {
    const struct xd_event_store *store = &hub->config.store->events;
    enum xd_result result = store->subscription_put(store->context, &webhook->row);
    webhook->saved = result == XD_OK ? webhook->row.position : webhook->saved;
    return result;
}

/* ---- what the store has ---- */

struct loading {
    struct xd_hub *hub;
    struct xd_webhooks fresh;
};

static enum xd_result load(void *context, const struct xd_subscription_row *row) {
    struct loading *loading = context;
    struct xd_webhooks *to = &loading->fresh;
    const struct xd_webhook_config *config = &loading->hub->config.webhooks;
    const struct xd_webhook *known = xd_hub_webhook_find(loading->hub, row->id);
    struct xd_webhook *items = xd_grow(to->items, to->count, &to->capacity, sizeof *items);
    if (items == NULL) {
        return XD_NO_MEMORY;
    }
    to->items = items;
    struct xd_webhook *webhook = &items[to->count++];
    memset(webhook, 0, sizeof *webhook);
    if (known != NULL) {
        *webhook = *known;
    } else {
        xd_retry_init(&webhook->retry, config->retry_ms_min, config->retry_ms_max);
    }
    webhook->row = *row;
    webhook->saved = row->position;
    return XD_OK;
}

enum xd_result xd_hub_webhooks_load(struct xd_hub *hub) {
    const struct xd_event_store *store = &hub->config.store->events;
    struct loading loading = {.hub = hub};
    enum xd_result result = store->subscription_each(store->context, load, &loading);
    if (result != XD_OK) {
        xd_free(loading.fresh.items);
        return result;
    }
    xd_free(hub->webhooks.items);
    hub->webhooks.items = loading.fresh.items;
    hub->webhooks.count = loading.fresh.count;
    hub->webhooks.capacity = loading.fresh.capacity;
    hub->webhooks.first = 0;
    return XD_OK;
}

enum xd_result xd_hub_webhooks_reload(struct xd_hub *hub, bool restart) {
    for (size_t index = 0; restart && index < hub->webhooks.count; index++) {
        struct xd_webhook *webhook = &hub->webhooks.items[index];
        if (webhook->fresh) {
            webhook->fresh = false;
            webhook->under_way = 0;
            webhook->counts = webhook->counted;
            hub->webhooks.calls--;
        }
    }
    return xd_hub_webhooks_load(hub);
}

void xd_hub_webhooks_free(struct xd_hub *hub) {
    xd_free(hub->webhooks.items);
    memset(&hub->webhooks, 0, sizeof hub->webhooks);
}

void xd_hub_webhooks_left(struct xd_hub *hub) {
    for (size_t index = 0; hub->webhooks.calls > 0 && index < hub->webhooks.count; index++) {
        hub->webhooks.items[index].fresh = false;
    }
}

/* ---- calling ---- */

static void sign(const struct xd_subscription_row *row, struct xd_webhook_call *call) {
    struct xd_buffer text, signature;
    xd_buffer_init(&text, 0);
    xd_buffer_init(&signature, sizeof call->signature - 1);
    xd_buffer_format(&text, "%s.%s.", call->event_id, call->timestamp);
    xd_buffer_add(&text, call->body.data, call->body.size);
    struct xd_hash mac = xd_hmac(xd_bytes_of(row->secret, row->secret_size), xd_buffer_view(&text));
    xd_buffer_text(&signature, "v1,");
    xd_base64_write(xd_bytes_of(mac.bytes, sizeof mac.bytes), &signature);
    xd_copy(call->signature, sizeof call->signature, xd_buffer_string(&signature));
    xd_buffer_free(&text);
    xd_buffer_free(&signature);
}

static struct xd_webhook_call *make_call(const struct xd_subscription_row *row,
                                         const struct xd_event_row *event) {
    size_t url_size = strlen(row->url) + 1;
    struct xd_webhook_call *call = xd_alloc(sizeof *call + url_size + event->body.size);
    if (call == NULL) {
        return NULL;
    }
    char *behind = (char *)(call + 1);
    memcpy(behind, row->url, url_size);
    memcpy(behind + url_size, event->body.data, event->body.size);
    call->url = behind;
    call->body = xd_bytes_of(behind + url_size, event->body.size);
    call->n = event->n;
    memcpy(call->subscription, row->id, sizeof call->subscription);
    memcpy(call->event_id, event->id, sizeof call->event_id);
    return call;
}

struct look {
    const struct xd_subscription_row *row;
    struct xd_webhook_call *call; /* of the first that passes */
    int64_t seen;                 /* the last one that did not, before it */
    size_t count;
};

static enum xd_result look_at(void *context, const struct xd_event_row *event) {
    struct look *look = context;
    look->count++;
    if (look->call != NULL) {
        return XD_OK;
    }
    if (!xd_event_passes(event, look->row->tenant, look->row->types)) {
        look->seen = event->n;
        return XD_OK;
    }
    look->call = make_call(look->row, event);
    return look->call == NULL ? XD_NO_MEMORY : XD_OK;
}

/* *call: for the next event that passes; NULL: none so far. */
static enum xd_result find_next(struct xd_hub *hub, struct xd_webhook *webhook,
                                struct xd_webhook_call **call) {
    const struct xd_event_store *store = &hub->config.store->events;
    struct look look = {.row = &webhook->row, .count = LOOK_ROWS};
    enum xd_result result = XD_OK;
    for (unsigned looks = 0;
         looks < LOOKS_MAX && look.count == LOOK_ROWS && look.call == NULL && result == XD_OK; looks++) {
        look.seen = webhook->row.position;
        look.count = 0;
        result = store->list(store->context, webhook->row.position, LOOK_ROWS, look_at, &look);
        webhook->row.position = look.seen;
    }
    if (result == XD_OK && look.call == NULL && look.count < LOOK_ROWS) {
        webhook->row.position = hub->events.last; /* all was looked at; what was given beyond was undone */
    }
    if (result != XD_OK) {
        xd_webhook_call_free(look.call);
        return result;
    }
    *call = look.call;
    return XD_OK;
}

static enum xd_result leave(struct xd_hub *hub, struct xd_webhook *webhook, struct xd_webhook_call *call,
                            struct xd_now now, struct xd_effects *effects) {
    struct xd_effect *effect = xd_effects_add(effects, XD_EFFECT_WEBHOOK);
    if (effect == NULL) {
        xd_webhook_call_free(call);
        return effects->result;
    }
    call->id = ++hub->webhooks.call_id;
    snprintf(call->timestamp, sizeof call->timestamp, "%" PRId64, now.wall / 1000);
    sign(&webhook->row, call);
    effect->object = call;
    effect->free_object = xd_webhook_call_free;
    webhook->counted = webhook->counts;
    webhook->under_way = webhook->counts = call->id;
    webhook->fresh = true;
    hub->webhooks.calls++;
    return XD_OK;
}

static enum xd_result run_one(struct xd_hub *hub, struct xd_webhook *webhook, struct xd_now now,
                              struct xd_effects *effects) {
    struct xd_webhook_call *call = NULL;
    if (!webhook->row.enabled || webhook->under_way != 0 || webhook->due > now.monotonic) {
        return XD_OK;
    }
    enum xd_result result = webhook->row.position < hub->events.last ? find_next(hub, webhook, &call) : XD_OK;
    if (result == XD_OK && call != NULL) {
        return leave(hub, webhook, call, now, effects);
    }
    if (result == XD_OK && webhook->row.position != webhook->saved && now.monotonic >= webhook->save_at) {
        webhook->save_at = now.monotonic + SAVE_MS;
        result = save(hub, webhook);
    }
    return result;
}

enum xd_result xd_hub_webhooks_run(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    struct xd_webhooks *webhooks = &hub->webhooks;
    enum xd_result result = XD_OK;
    size_t first = webhooks->first;
    for (size_t offset = 0; offset < webhooks->count && result == XD_OK; offset++) {
        if (webhooks->calls >= hub->config.webhooks.concurrency) {
            break;
        }
        size_t index = (first + offset) % webhooks->count;
        result = run_one(hub, &webhooks->items[index], now, effects);
        webhooks->first = (index + 1) % webhooks->count;
    }
    return result;
}

/* ---- answers ---- */

static enum xd_result complain(struct xd_hub *hub, const struct xd_subscription_row *row, struct xd_now now) {
    char detail[256];
    snprintf(detail, sizeof detail,
             "The subscription to %.60s takes no events any more (%.100s); enable it when it does.", row->url,
             row->detail);
    struct xd_complaint complaint = {
        .code = XD_WEBHOOK_DISABLED, .kind = XD_DOC_NONE, .document_id = row->id, .detail = detail};
    return xd_hub_complain(hub, &complaint, now);
}

static enum xd_result delivered(struct xd_hub *hub, struct xd_webhook *webhook, int64_t n,
                                struct xd_now now) {
    struct xd_subscription_row *row = &webhook->row;
    row->position = n;
    row->delivered_at = now.wall;
    row->failing_since = 0;
    row->failures = 0;
    row->detail[0] = 0;
    xd_retry_reset(&webhook->retry);
    webhook->due = 0;
    hub->counters.webhooks_delivered++;
    return save(hub, webhook);
}

static enum xd_result failed(struct xd_hub *hub, struct xd_webhook *webhook,
                             const struct xd_webhook_answer *answer, struct xd_now now) {
    struct xd_subscription_row *row = &webhook->row;
    row->failing_since = row->failing_since == 0 ? now.wall : row->failing_since;
    row->failures++;
    xd_copy(row->detail, sizeof row->detail, answer->detail);
    xd_text_make_printable(row->detail);
    webhook->due = now.monotonic + xd_retry_next(&webhook->retry, hub->config.env);
    hub->counters.webhooks_failed++;
    bool over =
        answer->status == STATUS_GONE || now.wall - row->failing_since >= hub->config.webhooks.disable_ms;
    row->enabled = !over;
    enum xd_result result = save(hub, webhook);
    return result == XD_OK && over ? complain(hub, row, now) : result;
}

/* The worker is free again. */
static void hear(struct xd_hub *hub, struct xd_webhook *webhook, struct xd_webhook_call *call) {
    hub->webhooks.calls -= call->heard ? 0 : 1;
    call->heard = true;
    if (webhook != NULL && webhook->under_way == call->id) {
        webhook->under_way = 0;
        webhook->fresh = false;
    }
}

enum xd_result xd_hub_webhook_answer(struct xd_hub *hub, struct xd_webhook_call *call,
                                     const struct xd_webhook_answer *answer, struct xd_now now) {
    struct xd_webhook *webhook = xd_hub_webhook_find(hub, call->subscription);
    xd_hub_jobs_left(hub);
    hear(hub, webhook, call);
    if (webhook == NULL || webhook->counts != call->id) {
        return XD_OK;
    }
    struct xd_webhook before = *webhook;
    enum xd_result result = answer->status >= 200 && answer->status < 300
                                ? delivered(hub, webhook, call->n, now)
                                : failed(hub, webhook, answer, now);
    if (result != XD_OK) {
        *webhook = before;
    }
    return result;
}

void xd_hub_webhook_refuse(struct xd_hub *hub, struct xd_webhook_call *call, struct xd_now now) {
    struct xd_webhook *webhook = xd_hub_webhook_find(hub, call->subscription);
    hear(hub, webhook, call);
    if (webhook != NULL) {
        webhook->due = now.monotonic + XD_SECOND_MS;
    }
}

bool xd_hub_webhooks_check(const struct xd_hub *hub) {
    unsigned calls = 0;
    bool fine = hub->webhooks.calls <= hub->config.webhooks.concurrency;
    for (size_t index = 0; index < hub->webhooks.count; index++) {
        calls += hub->webhooks.items[index].under_way != 0;
    }
    return fine && calls <= hub->webhooks.calls;
}
