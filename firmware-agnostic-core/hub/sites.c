/* Sites: their keys, their lines, and what they send. */
#include "hub/hub_internal.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/reference/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITES_MAX ((size_t)1000)

/* When its line told last that what was sent is gone here, and this hub is an older copy. */
static void set_back_name(const char *site, char out[XD_SITE_SIZE + 16]) {
    (void)snprintf(out, XD_SITE_SIZE + 16, "set_back/%s", site != NULL ? site : "");
}

static enum xd_result note_set_back(struct xd_hub *hub, const char *site) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[XD_SITE_SIZE + 16], value[24];
    set_back_name(site, name);
    (void)snprintf(value, sizeof value, "%lld", (long long)hub->now.wall);
    xd_hub_jobs_set_back(hub, hub->now.wall);
    enum xd_result result = store->meta_set(store->context, name, value);
    set_back_name(NULL, name);
    return result == XD_OK ? store->meta_set(store->context, name, value) : result;
}

enum xd_result xd_hub_set_back_at(struct xd_hub *hub, const char *site, xd_ms *at) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[XD_SITE_SIZE + 16], value[24];
    set_back_name(site, name);
    enum xd_result result = store->meta_get(store->context, name, value, sizeof value);
    *at = result == XD_OK ? strtoll(value, NULL, 10) : 0;
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static void on_news(void *owner, struct xd_line *line, enum xd_line_news news, const char *lane,
                    const struct xd_rewind *rewind) {
    static const char *const names[] = {"line.rewound", "line.new_epoch", "line.epoch_adopted",
                                        "line.peer_regressed", "line.conflict"};
    static const char *const codes[] = {"STREAM_REWOUND", NULL, "SITE_WENT_BACK", "SITE_WENT_BACK",
                                        "STREAM_CONFLICT"};
    static const struct xd_rewind nothing;
    struct xd_hub *hub = owner;
    struct xd_hub_site *site = xd_hub_site_find(hub, line->site);
    char detail[256];
    rewind = rewind != NULL ? rewind : &nothing;
    if (news == XD_LINE_ADOPTED) {
        snprintf(detail, sizeof detail, "lane %s epoch %s ended; its last sequence here is %llu", lane,
                 rewind->epoch, (unsigned long long)rewind->last);
    } else {
        snprintf(detail, sizeof detail, "lane %s epoch %s sequences %llu..%llu", lane, rewind->epoch,
                 (unsigned long long)rewind->first, (unsigned long long)rewind->last);
    }
    xd_log(hub->config.env, XD_LOG_WARNING, names[news], NULL, "site %s %s", line->site, detail);
    /* Somebody's store went back in time: named, because a person must know. That a site's
     * stream began anew says so by itself, unless the range that it forgot was just told. */
    if (codes[news] == NULL || (news == XD_LINE_ADOPTED && strcmp(site->went_back, rewind->epoch) == 0)) {
        return;
    }
    if (news == XD_LINE_REGRESSED) {
        memcpy(site->went_back, rewind->epoch, sizeof site->went_back);
    }
    struct xd_complaint complaint = {.code = codes[news], .site = line->site, .detail = detail};
    enum xd_result result = xd_hub_complain(hub, &complaint, hub->now);
    if (result == XD_OK && news == XD_LINE_REWOUND) {
        result = note_set_back(hub, line->site);
    }
    if (result != XD_OK) {
        xd_log(hub->config.env, XD_LOG_ERROR, "exception.not_stored", NULL, "%s", detail);
    }
}

enum xd_result xd_hub_site_open(struct xd_hub *hub, const struct xd_site_row *row, struct xd_now now) {
    struct xd_hub_site **sites = xd_resize(hub->sites, (hub->site_count + 1) * sizeof(struct xd_hub_site *));
    struct xd_hub_site *site = sites == NULL ? NULL : xd_alloc(sizeof *site);
    if (sites != NULL) {
        hub->sites = sites;
    }
    if (site == NULL) {
        return XD_NO_MEMORY;
    }
    site->row = *row;
    struct xd_line_config config = {.env = hub->config.env,
                                    .store = &hub->config.store->delivery,
                                    .peer = row->site,
                                    .site = row->site,
                                    .source = "/hub",
                                    .send_lanes = {"work", "notice"},
                                    .receive_lanes = {"work", "bulk"},
                                    .exchange = "crossdock.down",
                                    .routing_key = row->site,
                                    .key = row->key,
                                    .peer_polls = true};
    enum xd_result result = xd_line_open(&site->line, &config, now.monotonic);
    if (result != XD_OK) {
        xd_line_close(&site->line);
        xd_free(site);
        return result;
    }
    site->line.told = on_news;
    site->line.owner = hub;
    if (hub->up) {
        xd_line_up(&site->line, now.monotonic);
    }
    hub->sites[hub->site_count++] = site;
    xd_reference_forget(hub, XD_REF_SITE); /* an entry may leave it to the site what kind it is of */
    return XD_OK;
}

struct site_list {
    struct xd_site_row *rows;
    size_t count, capacity;
};

static enum xd_result collect_site(void *context, const struct xd_site_row *row) {
    struct site_list *list = context;
    struct xd_site_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

enum xd_result xd_hub_sites_load(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct site_list list = {NULL, 0, 0};
    enum xd_result result = store->site_each(store->context, collect_site, &list);
    for (size_t index = 0; index < list.count && result == XD_OK; index++) {
        result = xd_hub_site_open(hub, &list.rows[index], now);
    }
    xd_free(list.rows);
    return result;
}

enum xd_result xd_hub_send(struct xd_hub *hub, struct xd_hub_site *site, unsigned lane, enum xd_kind kind,
                           const char *id, int64_t version, const char *correlation_id, struct xd_bytes text,
                           struct xd_now now) {
    struct xd_document document;
    memset(&document, 0, sizeof document);
    xd_problems_clear(&hub->problems);
    enum xd_result result = xd_document_parse(text, &document, &hub->problems);
    if (result == XD_OK) {
        struct xd_outbox_row row = {.kind = kind,
                                    .document_id = id,
                                    .version = version,
                                    .hash = document.hash,
                                    .correlation_id = correlation_id,
                                    .accepted_at = now.wall,
                                    .body = text};
        result = xd_line_append(&site->line, lane, &row);
    }
    xd_document_free(&document);
    return result;
}

/* ---- adding a site ---- */

static void random_hex(const struct xd_hub *hub, size_t bytes, char *out) {
    uint8_t random[32];
    struct xd_buffer text;
    hub->config.env->entropy(hub->config.env->context, random, bytes);
    xd_buffer_init(&text, 0);
    xd_buffer_hex(&text, random, bytes);
    xd_copy(out, bytes * 2 + 1, xd_buffer_string(&text));
    xd_buffer_free(&text);
}

/* Row, password and the body that the operator gets: the one time that the
 * password and the key are told. */
static enum xd_result make_site(struct xd_hub *hub, const char *name, const char *kind, struct xd_now now,
                                struct xd_site_row *row, struct xd_buffer *body) {
    char password[65], key[65];
    unsigned char salt[4];
    size_t size;
    memset(row, 0, sizeof *row);
    xd_copy(row->site, sizeof row->site, name);
    xd_copy(row->kind, sizeof row->kind, kind);
    snprintf(row->user, sizeof row->user, "site-%s", name);
    random_hex(hub, 24, password);
    random_hex(hub, 32, key);
    hub->config.env->entropy(hub->config.env->context, salt, sizeof salt);
    hub->config.hash_password(password, salt, row->password_hash);
    xd_copy(row->key.kid, sizeof row->key.kid, "k1");
    enum xd_result result = xd_hex_parse(key, row->key.secret, sizeof row->key.secret, &size);
    row->key.secret_size = size;
    row->added_at = now.wall;
    struct xd_writer writer = {.out = body};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "site", name);
    xd_writer_text(&writer, "kind", kind);
    xd_writer_begin(&writer, "uplink", '{');
    xd_writer_text(&writer, "url", hub->config.line_url);
    xd_writer_text(&writer, "vhost", hub->config.line_vhost);
    xd_writer_text(&writer, "username", row->user);
    xd_writer_text(&writer, "password", password);
    xd_writer_end(&writer, '}');
    xd_writer_begin(&writer, "signing", '{');
    xd_writer_text(&writer, "kid", row->key.kid);
    xd_writer_text(&writer, "key", key);
    xd_writer_end(&writer, '}');
    xd_writer_end(&writer, '}');
    return result == XD_OK ? xd_buffer_result(body) : result;
}

static enum xd_result store_site(struct xd_hub *hub, const struct xd_api_request *request, const char *name,
                                 const char *kind, struct xd_now now, struct xd_effects *effects) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_site_row row;
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    enum xd_result result = make_site(hub, name, kind, now, &row, &body);
    if (result == XD_OK) {
        result = store->site_put(store->context, &row);
    }
    if (result == XD_OK) {
        result = xd_hub_site_open(hub, &row, now);
    }
    if (result == XD_OK) {
        char location[64];
        snprintf(location, sizeof location, "/v1/sites/%s", name);
        xd_hub_answer(effects, request, 201, location, &body);
        if (effects->count > 0) {
            effects->items[effects->count - 1].flag = true; /* the topology first */
        }
    }
    xd_buffer_free(&body);
    return result;
}

enum xd_result xd_hub_site_add(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                               struct xd_effects *effects) {
    struct xd_document document;
    memset(&document, 0, sizeof document);
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    enum xd_result result = xd_document_parse(request->body, &document, &hub->problems);
    const char *name = result == XD_OK ? xd_json_text(document.tree, "site") : NULL;
    const char *kind = result == XD_OK ? xd_json_text(document.tree, "kind") : NULL;
    kind = kind == NULL ? "warehouse" : kind;
    if (result == XD_INVALID) {
        xd_hub_problem(effects, request, 400, "malformed_json", false, &hub->problems,
                       "The body is not JSON.");
        result = XD_OK;
    } else if (result == XD_OK && (name == NULL || !xd_site_name_valid(name))) {
        xd_problem_add(&hub->problems, "bad_site", "/site", "A site's name is 1 to 32 of A-Z 0-9 _ -.");
        xd_hub_problem(effects, request, 422, "invalid_site", false, &hub->problems,
                       "This cannot name a site.");
    } else if (result == XD_OK && strcmp(kind, "warehouse") != 0 && strcmp(kind, "3pl") != 0) {
        xd_problem_add(&hub->problems, "bad_enum", "/kind", "Allowed: warehouse, 3pl.");
        xd_hub_problem(effects, request, 422, "invalid_site", false, &hub->problems,
                       "There is no such kind of site.");
    } else if (result == XD_OK && xd_hub_site_find(hub, name) != NULL) {
        xd_hub_problem(effects, request, 409, "site_exists", false, NULL, "Site %s is there already.", name);
    } else if (result == XD_OK && hub->site_count >= SITES_MAX) {
        xd_hub_problem(effects, request, 409, "too_many_sites", false, NULL, "There are %zu sites already.",
                       hub->site_count);
    } else if (result == XD_OK) {
        result = store_site(hub, request, name, kind, now, effects);
    }
    xd_document_free(&document);
    return result;
}

void xd_hub_api_refuse(struct xd_hub *hub, const struct xd_api_request *request, enum xd_result why,
                       struct xd_effects *effects) {
    xd_waiters_drop(hub, request->handle);
    unsigned status = XD_MUTANT(REFUSED_ORDER_ACCEPTED) ? 202 : 503;
    xd_hub_problem(effects, request, status, why == XD_FULL ? "store_full" : "try_again", true, NULL,
                   "The request could not be stored just now (%s); nothing of it was taken. Send it again.",
                   xd_result_name(why));
}
