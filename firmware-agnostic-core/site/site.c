#include "site/site_internal.h"

#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

#define TRIM_MS ((xd_ms)300000)     /* rows are kept for hours, or days: nobody waits for their going */
#define TRIM_SOON_MS ((xd_ms)30000) /* when they are kept for less */
#define TRIM_SHORT_MS ((xd_ms)1000) /* while room is short */
#define TRIM_ROWS ((size_t)2000)
#define QUARANTINE_MAX ((int64_t)10000)

/* ---- small shared things ---- */

const char *xd_site_document_name(enum xd_kind kind) {
    switch (kind) {
    case XD_DOC_CONFIRMATION:
        return "confirmation";
    case XD_DOC_RESPONSE:
        return "release/response";
    case XD_DOC_INVENTORY:
        return "inventory";
    default:
        return NULL;
    }
}

void xd_site_topic(const struct xd_site *site, const char *tail, char out[XD_TOPIC_SIZE]) {
    snprintf(out, XD_TOPIC_SIZE, "crossdock/%s/%s", site->name, tail);
}

void xd_site_publish(struct xd_site *site, const char *tail, struct xd_bytes payload, bool retained,
                     struct xd_effects *effects) {
    char topic[XD_TOPIC_SIZE];
    struct xd_effect *effect = xd_effects_add(effects, XD_EFFECT_WMS_PUBLISH);
    if (effect == NULL) {
        return;
    }
    xd_site_topic(site, tail, topic);
    effect->a = xd_effects_text(effects, topic);
    effect->body = xd_effects_bytes(effects, payload);
    effect->flag = retained;
}

void xd_site_tell_fate(struct xd_site *site, enum xd_kind kind, const char *id, int64_t version,
                       const struct xd_fate *fate, struct xd_effects *effects) {
    struct xd_buffer text;
    struct xd_settled settled = {.document_id = id,
                                 .document = xd_site_document_name(kind),
                                 .document_version = version,
                                 .version = fate->version,
                                 .outcome = fate->outcome,
                                 .code = fate->code[0] != 0 ? fate->code : NULL,
                                 .detail = fate->detail[0] != 0 ? fate->detail : NULL};
    xd_buffer_init(&text, 0);
    xd_settled_write(&settled, &text);
    if (xd_buffer_result(&text) == XD_OK) {
        xd_site_publish(site, "settled", xd_buffer_view(&text), false, effects);
    } else {
        effects->result = xd_buffer_result(&text); /* taken for told, it would never be told again */
    }
    xd_buffer_free(&text);
}

void xd_site_quarantine(struct xd_site *site, const char *source, const char *code, const char *detail,
                        struct xd_bytes body, xd_ms wall) {
    const struct xd_delivery_store *store = &site->config.store->delivery;
    int64_t count = 0;
    if (site->room != XD_ROOM_FREE || store->quarantine_count(store->context, &count) != XD_OK ||
        count >= QUARANTINE_MAX) {
        xd_log(site->config.env, XD_LOG_WARNING, "quarantine.full", NULL, "%s from %s was not kept: %s", code,
               source, detail);
        return;
    }
    struct xd_quarantine_row row = {.at = wall,
                                    .source = source,
                                    .code = code,
                                    .detail = detail,
                                    .sha256 = xd_sha256(body),
                                    .times = 1,
                                    .body = body};
    if (store->quarantine_add(store->context, &row) != XD_OK) {
        xd_log(site->config.env, XD_LOG_WARNING, "quarantine.failed", NULL, "%s from %s", code, source);
    }
    site->counters.quarantined++;
}

enum xd_result xd_site_forward(struct xd_site *site, unsigned lane, enum xd_kind kind, const char *id,
                               int64_t version, const struct xd_hash *hash, const char *correlation_id,
                               struct xd_bytes body, xd_ms wall) {
    struct xd_outbox_row row = {.kind = kind,
                                .document_id = id,
                                .version = version,
                                .hash = *hash,
                                .correlation_id = correlation_id,
                                .accepted_at = wall,
                                .body = body};
    return xd_line_append(&site->line, lane, &row);
}

/* ---- opening ---- */

static void on_news(void *owner, struct xd_line *line, enum xd_line_news news, const char *lane,
                    const struct xd_rewind *rewind) {
    static const char *const names[] = {"line.rewound", "line.new_epoch", "line.epoch_adopted",
                                        "line.peer_regressed", "line.conflict"};
    struct xd_site *site = owner;
    (void)line;
    xd_log(site->config.env, XD_LOG_WARNING, names[news], NULL, "lane %s epoch %s sequences %llu..%llu", lane,
           rewind != NULL ? rewind->epoch : "", rewind != NULL ? (unsigned long long)rewind->first : 0ULL,
           rewind != NULL ? (unsigned long long)rewind->last : 0ULL);
    if (news == XD_LINE_ADOPTED && strcmp(lane, "work") == 0 && !XD_MUTANT(ECHO_SKIPPED) &&
        xd_site_echo_plan(site, 0) != XD_OK) {
        xd_log(site->config.env, XD_LOG_ERROR, "line.echo_not_planned", NULL, "%s", rewind->epoch);
    }
}

static enum xd_result claim_store(struct xd_site *site) {
    const struct xd_delivery_store *store = &site->config.store->delivery;
    char owner[XD_SITE_SIZE];
    enum xd_result result = store->meta_get(store->context, "site", owner, sizeof owner);
    if (result == XD_NOT_FOUND) {
        return store->meta_set(store->context, "site", site->name);
    }
    return result == XD_OK && strcmp(owner, site->name) != 0 ? XD_CONFLICT : result;
}

enum xd_result xd_site_open(struct xd_site *site, const struct xd_site_config *config, struct xd_now now) {
    char source[48], exchange[64];
    memset(site, 0, sizeof *site);
    site->config = *config;
    strncpy(site->name, config->site, sizeof site->name - 1);
    snprintf(source, sizeof source, "/sites/%s", site->name);
    snprintf(exchange, sizeof exchange, "crossdock.up.%s", site->name);
    xd_retry_init(&site->round_retry, config->release_retry_ms_min, config->release_retry_ms_max);
    enum xd_result result = xd_flight_init(&site->flight);
    if (result == XD_OK) {
        result = claim_store(site);
    }
    struct xd_line_config line = {.env = config->env,
                                  .store = &config->store->delivery,
                                  .peer = XD_PEER_HUB,
                                  .site = site->name,
                                  .source = source,
                                  .send_lanes = {"work", "bulk"},
                                  .receive_lanes = {"work", "notice"},
                                  .exchange = exchange,
                                  .routing_key = site->name,
                                  .key = config->key};
    if (result == XD_OK) {
        result = xd_line_open(&site->line, &line, now.monotonic);
    }
    if (result == XD_OK) {
        result = xd_site_echo_load(site);
    }
    if (result != XD_OK) {
        xd_site_close(site);
        return result;
    }
    site->line.told = on_news;
    site->line.owner = site;
    site->status_at = now.monotonic;
    return result;
}

void xd_site_close(struct xd_site *site) {
    xd_line_close(&site->line);
    xd_flight_free(&site->flight);
}

enum xd_result xd_site_reload(struct xd_site *site, bool restart) {
    if (restart) {
        xd_flight_clear(&site->flight);
    }
    enum xd_result result = xd_line_reload(&site->line, restart);
    return result == XD_OK ? xd_site_echo_load(site) : result;
}

/* ---- connections ---- */

void xd_site_presence(const struct xd_site *site, bool online, struct xd_now now, struct xd_buffer *out) {
    char time[XD_TIME_TEXT_MAX];
    xd_buffer_format(out, "{\"online\":%s,\"site\":\"%s\",\"timestamp\":\"%s\"}", online ? "true" : "false",
                     site->name, xd_time_write(now.wall, time));
}

void xd_site_wms_up(struct xd_site *site, struct xd_now now, struct xd_effects *effects) {
    struct xd_buffer text;
    site->wms_up = true;
    site->round_after = 0;
    site->round_at = now.monotonic;
    xd_retry_reset(&site->round_retry);
    xd_buffer_init(&text, 0);
    xd_site_presence(site, true, now, &text);
    if (xd_buffer_result(&text) == XD_OK) {
        xd_site_publish(site, "status", xd_buffer_view(&text), true, effects);
    } else {
        effects->result = xd_buffer_result(&text);
    }
    xd_buffer_free(&text);
}

void xd_site_wms_down(struct xd_site *site) {
    site->wms_up = false;
}

void xd_site_line_up(struct xd_site *site, struct xd_now now) {
    xd_line_up(&site->line, now.monotonic);
    site->status_at = now.monotonic;
}

void xd_site_line_down(struct xd_site *site) {
    xd_line_down(&site->line);
    xd_flight_lose(&site->flight);
}

void xd_site_line_confirmed(struct xd_site *site, uint64_t tag, bool taken, struct xd_now now) {
    struct xd_flight_item item;
    if (xd_flight_take(&site->flight, tag, &item) != XD_OK) {
        return;
    }
    if (taken) {
        xd_line_confirmed(&site->line, item.lane, item.sequence, now.monotonic);
    } else {
        xd_line_returned(&site->line, item.lane, item.sequence, now.monotonic);
    }
}

/* ---- room ---- */

void xd_site_set_room(struct xd_site *site, int64_t used_bytes, int64_t quota_bytes,
                      int64_t disk_free_bytes) {
    enum xd_room before = site->room;
    int64_t free_bytes = quota_bytes > 0 ? quota_bytes - used_bytes : INT64_MAX;
    /* A little is always kept for what must still be written: watermarks, fates, releases. */
    int64_t floor = quota_bytes > 0 ? quota_bytes / 64 : 0;
    site->used_bytes = used_bytes;
    site->quota_bytes = quota_bytes;
    site->disk_free_bytes = disk_free_bytes;
    if (disk_free_bytes < site->config.min_free_bytes || free_bytes < floor) {
        site->room = XD_ROOM_NONE;
    } else if (disk_free_bytes < site->config.min_free_bytes + site->config.reserve_bytes ||
               free_bytes < floor + site->config.reserve_bytes) {
        site->room = XD_ROOM_RESERVE;
    } else {
        site->room = XD_ROOM_FREE;
    }
    if (site->room != before) {
        site->trim_at = 0; /* with little room what is covered goes at once */
        static const char *const names[] = {"store.has_room", "store.reserve_only", "store.full"};
        xd_log(site->config.env, site->room == XD_ROOM_FREE ? XD_LOG_INFO : XD_LOG_WARNING, names[site->room],
               NULL, "used %lld of %lld bytes, %lld free on the disk", (long long)used_bytes,
               (long long)quota_bytes, (long long)disk_free_bytes);
    }
}

static enum xd_result trim_releases(struct xd_site *site, bool roomy, xd_ms monotonic) {
    const struct xd_site_store *store = site->config.store;
    int64_t last = 0;
    uint64_t old = INT64_MAX;
    enum xd_result result = XD_OK;
    if (roomy) {
        result = store->release_last(store->context, &last);
        struct xd_aging_step step = {.name = "kept/releases",
                                     .series = "releases",
                                     .upto = (uint64_t)last,
                                     .keep_ms = site->config.retention_ms,
                                     .counts = xd_line_alive(&site->line, monotonic),
                                     .monotonic = monotonic};
        result = result == XD_OK ? xd_aging_step(&site->aging, &store->delivery, &step, &old) : result;
    }
    return result == XD_OK ? store->release_drop(store->context, (int64_t)old, TRIM_ROWS) : result;
}

/* What is covered goes when it is old; when room is short it goes at once. */
static enum xd_result trim(struct xd_site *site, struct xd_now now) {
    bool more, roomy = site->room == XD_ROOM_FREE;
    if (now.monotonic < site->trim_at) {
        return XD_OK;
    }
    site->trim_at = now.monotonic + (!roomy                                    ? TRIM_SHORT_MS
                                     : site->config.retention_ms >= XD_HOUR_MS ? TRIM_MS
                                                                               : TRIM_SOON_MS);
    enum xd_result result =
        xd_line_trim(&site->line, roomy ? site->config.retention_ms : XD_LINE_KEEP_NOTHING, TRIM_ROWS,
                     now.monotonic, &more);
    if (result == XD_OK && more) {
        site->trim_at = now.monotonic;
    }
    return result == XD_OK ? trim_releases(site, roomy, now.monotonic) : result;
}

/* ---- time ---- */

enum xd_result xd_site_status_of(struct xd_site *site, struct xd_now now, struct xd_site_status *out) {
    const struct xd_site_store *store = site->config.store;
    memset(out, 0, sizeof *out);
    out->site_id = site->name;
    out->backlog_work = (int64_t)xd_line_backlog(&site->line, XD_LANE_WORK);
    out->backlog_bulk = (int64_t)xd_line_backlog(&site->line, XD_LANE_BULK);
    out->store_used_bytes = site->used_bytes;
    out->store_quota_bytes = site->quota_bytes;
    out->disk_free_bytes = site->disk_free_bytes;
    out->version = site->config.version;
    out->time = now.wall;
    out->wms_connected = site->wms_up;
    enum xd_result result = store->release_count_open(store->context, &out->releases_unanswered);
    if (result == XD_OK) {
        result = store->delivery.quarantine_count(store->delivery.context, &out->quarantined);
    }
    if (result == XD_OK) {
        result = xd_line_oldest(&site->line, now, &out->oldest_unsent_ms);
    }
    return result;
}

static enum xd_result tell_status(struct xd_site *site, struct xd_now now, struct xd_effects *effects) {
    struct xd_site_status status;
    struct xd_buffer text;
    if (!site->line.up || now.monotonic < site->status_at) {
        return XD_OK;
    }
    site->status_at = now.monotonic + site->config.status_ms;
    enum xd_result result = xd_site_status_of(site, now, &status);
    if (result != XD_OK) {
        return result;
    }
    xd_buffer_init(&text, 0);
    xd_site_status_write(&status, &text);
    result = xd_buffer_result(&text);
    if (result == XD_OK) {
        xd_line_publish(&site->line, XD_TYPE_STATUS, xd_buffer_view(&text), now, effects);
    }
    xd_buffer_free(&text);
    return result;
}

enum xd_result xd_site_tick(struct xd_site *site, size_t room, struct xd_now now,
                            struct xd_effects *effects) {
    size_t taken;
    enum xd_result result = trim(site, now);
    if (result == XD_OK) {
        result = xd_site_echo(site, now);
    }
    if (result == XD_OK) {
        result = xd_site_round(site, now, effects);
    }
    if (result == XD_OK) {
        result = tell_status(site, now, effects);
    }
    if (result == XD_OK) {
        xd_line_tick(&site->line, now, effects);
        result = xd_line_pump(&site->line, &site->flight, room, now, effects, &taken);
    }
    return result == XD_OK ? xd_line_settle(&site->line, now.monotonic) : result;
}

bool xd_site_check(const struct xd_site *site) {
    return xd_line_check(&site->line) && site->flight.count <= XD_FLIGHT_MAX;
}
