#include "hub/hub_internal.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "documents/registry.h"
#include "hub/reference/reference.h"
#include "hub/sla/deadlines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TRIM_MS ((xd_ms)300000)     /* rows are kept for hours, or days: nobody waits for their going */
#define TRIM_SOON_MS ((xd_ms)30000) /* when they are kept for less */
#define TRIM_MORE_MS ((xd_ms)100)   /* when there was more than one step takes */
#define TRIM_ROWS ((size_t)2000)
#define EVENTS_SHARE ((size_t)4) /* of the room for what leaves, one in so many */

/* ---- names of states ---- */

const char *const xd_order_status_names[] = {"RECEIVED",      "VALIDATED",      "HELD",      "REJECTED",
                                             "ACCEPTED",      "PART_ALLOCATED", "ALLOCATED", "BACKORDERED",
                                             "IN_FULFILMENT", "PART_SHIPPED",   "SHIPPED",   "CLOSED_SHORT",
                                             "INVOICED",      "CANCELLED",      NULL};
const char *const xd_release_status_names[] = {
    "DRAFT",  "QUEUED",       "SENT",    "ACK_TIMEOUT",  "ACKED",     "REJECTED", "PICKING",
    "PACKED", "PART_SHIPPED", "SHIPPED", "SHORT_CLOSED", "CANCELLED", NULL};
const char *const xd_release_cancel_names[] = {"NONE", "REQUESTED", "ACCEPTED", "REFUSED", NULL};
const char *const xd_confirmation_state_names[] = {"APPLIED",    "POSTED",   "PARKED", "REJECTED",
                                                   "SUPERSEDED", "REVERSED", NULL};
const char *const xd_job_state_names[] = {"QUEUED",    "SENT",   "UNKNOWN", "DONE", "REJECTED",
                                          "WITHDRAWN", "PARKED", "HELD",    NULL};
const char *const xd_erp_kind_names[] = {"sale",  "shipment", "adjustment", "change",
                                         "check", "reversal", NULL};
const char *const xd_erp_list_names[] = {"customers", "products", "stock", "sales",
                                         "shipments", "invoices", NULL};
const char *const xd_erp_outcome_names[] = {"done", "rejected", "unknown", "unavailable", "absent", NULL};

/* ---- small shared things ---- */

struct xd_hub_site *xd_hub_site_find(struct xd_hub *hub, const char *name) {
    for (size_t index = 0; name != NULL && index < hub->site_count; index++) {
        if (strcmp(hub->sites[index]->row.site, name) == 0) {
            return hub->sites[index];
        }
    }
    return NULL;
}

void xd_hub_id(const struct xd_hub *hub, const char *prefix, const char *name, char out[XD_ID_SIZE]) {
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford base32 */
    struct xd_hash mac =
        xd_hmac(xd_bytes_of(hub->secret.secret, hub->secret.secret_size), xd_bytes_of_text(name));
    if (XD_MUTANT(IDS_RANDOM)) {
        hub->config.env->entropy(hub->config.env->context, mac.bytes, sizeof mac.bytes);
    }
    size_t size = strlen(prefix);
    memcpy(out, prefix, size);
    for (size_t index = 0; index < 17; index++) {
        out[size + index] = alphabet[mac.bytes[index] & 31];
    }
    out[size + 17] = 0;
}

void xd_hub_release_id(const struct xd_hub *hub, const char *order_id, const char *site, int64_t number,
                       char out[XD_ID_SIZE]) {
    char name[XD_ID_SIZE + XD_SITE_SIZE + 24];
    (void)snprintf(name, sizeof name, "%s/%s/%lld", order_id, site, (long long)number);
    xd_hub_id(hub, "R", name, out);
}

static struct xd_effect *add_answer(struct xd_effects *effects, const struct xd_api_request *request,
                                    unsigned status) {
    struct xd_effect *effect = xd_effects_add(effects, request->queued ? XD_EFFECT_REPLY : XD_EFFECT_HTTP);
    if (effect != NULL) {
        effect->handle = request->handle;
        effect->status = status;
    }
    return effect;
}

void xd_hub_answer(struct xd_effects *effects, const struct xd_api_request *request, unsigned status,
                   const char *location, const struct xd_buffer *body) {
    struct xd_effect *effect = add_answer(effects, request, status);
    if (effect == NULL) {
        return;
    }
    effect->a = xd_effects_text(effects, location);
    effect->body = xd_effects_bytes(effects, xd_buffer_view(body));
}

void xd_hub_problem(struct xd_effects *effects, const struct xd_api_request *request, unsigned status,
                    const char *code, bool retryable, const struct xd_problems *problems, const char *detail,
                    ...) {
    char text[XD_DETAIL_SIZE];
    struct xd_buffer body;
    va_list arguments;
    va_start(arguments, detail);
    vsnprintf(text, sizeof text, detail, arguments);
    va_end(arguments);
    struct xd_problem_answer answer = {.status = status,
                                       .code = code,
                                       .detail = text,
                                       .retryable = retryable,
                                       .correlation_id = request->correlation_id,
                                       .problems = problems};
    xd_buffer_init(&body, 0);
    xd_problem_answer_write(&answer, &body);
    struct xd_effect *effect = add_answer(effects, request, status);
    if (effect != NULL) {
        effect->retry_after_s = retryable ? 2 : 0;
        effect->b = xd_effects_text(effects, "application/problem+json");
        effect->body = xd_effects_bytes(effects, xd_buffer_view(&body));
    }
    xd_buffer_free(&body);
}

const char *xd_hub_quote(const char *text, char out[XD_QUOTED_SIZE]) {
    struct xd_buffer quoted;
    xd_buffer_init(&quoted, XD_QUOTED_SIZE - 1);
    xd_buffer_json(&quoted, text);
    xd_copy(out, XD_QUOTED_SIZE, xd_buffer_result(&quoted) == XD_OK ? xd_buffer_string(&quoted) : "\"\"");
    xd_buffer_free(&quoted);
    return out;
}

enum xd_result xd_hub_timeline(struct xd_hub *hub, const struct xd_order_row *order, const char *step,
                               struct xd_now now, const char *members_format, ...) {
    const struct xd_hub_store *store = hub->config.store;
    char members[1024] = "", detail[1040];
    struct xd_timeline_row row = {.at = now.wall, .detail = detail};
    if (members_format != NULL) {
        va_list arguments;
        va_start(arguments, members_format);
        int size = vsnprintf(members, sizeof members, members_format, arguments);
        va_end(arguments);
        if (size < 0 || (size_t)size >= sizeof members) {
            members[0] = 0; /* half a JSON text is worse than none */
        }
    }
    snprintf(detail, sizeof detail, "{%s}", members);
    xd_copy(row.step, sizeof row.step, step);
    xd_copy(row.correlation_id, sizeof row.correlation_id, order->correlation_id);
    return store->timeline_add(store->context, order->order_id, &row);
}

enum xd_result xd_hub_complain(struct xd_hub *hub, const struct xd_complaint *complaint, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_exception_row row;
    memset(&row, 0, sizeof row);
    if (complaint->id != NULL) {
        xd_copy(row.id, sizeof row.id, complaint->id);
    } else {
        xd_id_make(hub->config.env, "E", 17, row.id);
    }
    xd_copy(row.code, sizeof row.code, complaint->code);
    row.open = !complaint->info;
    xd_copy(row.site, sizeof row.site, complaint->site);
    xd_copy(row.order_id, sizeof row.order_id, complaint->order_id);
    xd_copy(row.release_id, sizeof row.release_id, complaint->release_id);
    xd_copy(row.line_id, sizeof row.line_id, complaint->line_id);
    row.kind = complaint->kind;
    xd_copy(row.document_id, sizeof row.document_id, complaint->document_id);
    row.version = complaint->version;
    row.qty = complaint->qty;
    xd_copy(row.detail, sizeof row.detail, complaint->detail);
    row.raised_at = now.wall;
    row.resolved_at = complaint->info ? now.wall : 0;
    if (!complaint->info) {
        xd_log(hub->config.env, XD_LOG_WARNING, "exception.raised", NULL, "%s site %s document %s: %s",
               row.code, row.site, row.document_id, row.detail);
    }
    enum xd_result result = store->exception_add(store->context, &row);
    return result == XD_OK && row.open ? xd_hub_event_exception(hub, &row, XD_EVENT_EXCEPTION_RAISED, now)
                                       : result;
}

/* ---- opening ---- */

static enum xd_result load_secret(struct xd_hub *hub) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char hex[XD_HASH_TEXT_SIZE];
    struct xd_hash made;
    size_t size;
    enum xd_result result = store->meta_get(store->context, "secret", hex, sizeof hex);
    if (result == XD_NOT_FOUND) {
        hub->config.env->entropy(hub->config.env->context, made.bytes, sizeof made.bytes);
        xd_hash_write(&made, hex);
        result = store->meta_set(store->context, "secret", hex);
    }
    if (result == XD_OK) {
        result = xd_hex_parse(hex, hub->secret.secret, sizeof hub->secret.secret, &size);
        hub->secret.secret_size = size;
    }
    return result;
}

enum xd_result xd_hub_open(struct xd_hub *hub, const struct xd_hub_config *config, struct xd_now now) {
    memset(hub, 0, sizeof *hub);
    hub->config = *config;
    hub->now = now;
    hub->backorders_due = true; /* the program may have ended while it asked about them */
    enum xd_result result = xd_flight_init(&hub->flight);
    if (result == XD_OK) {
        result = load_secret(hub);
    }
    if (result == XD_OK) {
        result = xd_hub_jobs_open(hub, now);
    }
    if (result == XD_OK) {
        result = xd_reference_open(hub, now);
    }
    if (result == XD_OK) {
        result = xd_deadlines_open(hub);
    }
    if (result == XD_OK) {
        result = xd_books_open(hub, now);
    }
    if (result == XD_OK) {
        result = xd_hub_sites_load(hub, now);
    }
    if (result == XD_OK) {
        result = xd_hub_events_open(hub, now);
    }
    if (result == XD_OK) {
        result = xd_hub_webhooks_load(hub);
    }
    return result == XD_OK ? xd_hub_jobs_load(hub, now, true) : result;
}

void xd_hub_close(struct xd_hub *hub) {
    for (size_t index = 0; index < hub->site_count; index++) {
        xd_line_close(&hub->sites[index]->line);
        xd_free(hub->sites[index]);
    }
    xd_free(hub->sites);
    hub->sites = NULL;
    hub->site_count = 0;
    xd_reference_close(hub);
    xd_books_close(hub);
    xd_hub_jobs_close(hub);
    xd_hub_webhooks_free(hub);
    xd_flight_free(&hub->flight);
    xd_zone_cache_clear(&hub->zones);
}

/* A site whose adding was undone is not in the store any more: it goes. */
static void forget_site(struct xd_hub *hub, size_t index) {
    xd_line_close(&hub->sites[index]->line);
    xd_free(hub->sites[index]);
    hub->site_count--;
    memmove(&hub->sites[index], &hub->sites[index + 1],
            (hub->site_count - index) * sizeof(struct xd_hub_site *));
}

enum xd_result xd_hub_reload(struct xd_hub *hub, bool restart) {
    hub->backorders_due = true; /* what was found out may have been undone */
    hub->backorders_going = false;
    if (restart) {
        xd_flight_clear(&hub->flight);
        xd_waiters_back(hub);
        xd_hub_events_restart(hub);
    }
    xd_reference_reload(hub, restart);
    xd_books_reload(hub, restart);
    for (size_t index = hub->site_count; index > 0; index--) {
        enum xd_result result = xd_line_reload(&hub->sites[index - 1]->line, restart);
        if (result == XD_NOT_FOUND) {
            forget_site(hub, index - 1);
        } else if (result != XD_OK) {
            return result;
        }
    }
    enum xd_result result = xd_hub_webhooks_reload(hub, restart);
    if (result != XD_OK) {
        return result;
    }
    return restart ? xd_hub_jobs_load(hub, hub->now, false) : xd_hub_jobs_reload(hub);
}

/* ---- connections ---- */

void xd_hub_line_up(struct xd_hub *hub, struct xd_now now) {
    hub->up = true;
    hub->up_at = now.monotonic;
    for (size_t index = 0; index < hub->site_count; index++) {
        xd_line_up(&hub->sites[index]->line, now.monotonic);
    }
}

void xd_hub_line_down(struct xd_hub *hub) {
    hub->up = false;
    for (size_t index = 0; index < hub->site_count; index++) {
        xd_line_down(&hub->sites[index]->line);
    }
    xd_flight_lose(&hub->flight);
    xd_hub_events_lost(hub);
}

void xd_hub_line_confirmed(struct xd_hub *hub, uint64_t tag, bool taken, struct xd_now now) {
    struct xd_flight_item item;
    if (xd_flight_take(&hub->flight, tag, &item) != XD_OK) {
        return;
    }
    if (item.owner == NULL) {
        xd_hub_events_confirmed(hub, (int64_t)item.sequence, taken, now);
    } else if (taken) {
        xd_line_confirmed(item.owner, item.lane, item.sequence, now.monotonic);
    } else {
        xd_line_returned(item.owner, item.lane, item.sequence, now.monotonic);
    }
}

/* ---- time ---- */

static enum xd_result trim(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    if (now.monotonic < hub->trim_at) {
        return XD_OK;
    }
    hub->trim_at = now.monotonic + (hub->config.retention_ms >= XD_HOUR_MS ? TRIM_MS : TRIM_SOON_MS);
    for (size_t index = 0; index < hub->site_count; index++) {
        bool more;
        enum xd_result result =
            xd_line_trim(&hub->sites[index]->line, hub->config.retention_ms, TRIM_ROWS, now.monotonic, &more);
        if (result != XD_OK) {
            return result;
        }
        if (more) {
            hub->trim_at = now.monotonic + TRIM_MORE_MS;
        }
    }
    return store->key_drop(store->context, now.wall - hub->config.idempotency_ms, TRIM_ROWS);
}

enum xd_result xd_hub_tick(struct xd_hub *hub, size_t room, struct xd_now now, struct xd_effects *effects) {
    hub->now = now;
    xd_hub_jobs_left(hub);
    enum xd_result result = trim(hub, now);
    if (result == XD_OK) {
        result = xd_hub_events_trim(hub, now);
    }
    if (result == XD_OK) {
        result = xd_hub_releases_late(hub, now);
    }
    if (result == XD_OK) {
        result = xd_hub_confirmations_late(hub, now);
    }
    if (result == XD_OK) {
        result = xd_hub_sla_run(hub, now);
    }
    if (result == XD_OK) {
        result = xd_hub_backorders_run(hub, now);
    }
    if (result == XD_OK) {
        result = xd_waiters_run(hub, false, now, effects);
    }
    if (result == XD_OK) {
        result = xd_reference_run(hub, now, effects);
    }
    if (result == XD_OK) {
        result = xd_books_run(hub, now, effects);
    }
    if (result == XD_OK) {
        result = xd_hub_jobs_run(hub, now, effects);
    }
    if (result == XD_OK) {
        result = xd_hub_webhooks_run(hub, now, effects);
    }
    if (result == XD_OK) { /* events have a share of the room, so that neither they nor sites starve */
        size_t taken = 0;
        result =
            xd_hub_events_pump(hub, room > EVENTS_SHARE ? room / EVENTS_SHARE : room, now, effects, &taken);
        room -= taken;
    }
    /* A different site goes first each time, so that none takes all the room. */
    for (size_t offset = 0; offset < hub->site_count && result == XD_OK; offset++) {
        size_t taken = 0;
        struct xd_hub_site *site = hub->sites[((size_t)now.monotonic + offset) % hub->site_count];
        xd_line_tick(&site->line, now, effects);
        result = xd_line_pump(&site->line, &hub->flight, room, now, effects, &taken);
        room -= taken;
        result = result == XD_OK ? xd_line_settle(&site->line, now.monotonic) : result;
    }
    return result;
}

enum xd_result xd_hub_end(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    return xd_waiters_run(hub, true, now, effects);
}

bool xd_hub_check(const struct xd_hub *hub) {
    bool fine = xd_hub_jobs_check(hub) && hub->flight.count <= XD_FLIGHT_MAX && xd_reference_check(hub) &&
                xd_books_check(hub) && xd_hub_events_check(hub) && xd_hub_webhooks_check(hub);
    for (size_t index = 0; index < hub->site_count; index++) {
        fine = fine && xd_line_check(&hub->sites[index]->line);
    }
    return fine;
}
