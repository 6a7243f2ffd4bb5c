/* Sites, their WMS and the broker of the hub's world. */
#include "unit/hub_world.h"

#include "base/memory.h"
#include "documents/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM ((size_t)1000)
#define MESSAGES_MAX 64u
#define DAY_MS ((xd_ms)86400000)

/* ---- the broker ---- */

void wire_push(struct wire_queue *queue, const char *exchange, const char *user, const char *signature,
               struct xd_bytes body) {
    static uint64_t tags;
    struct wire *wire = calloc(1, sizeof *wire);
    assert_non_null(wire);
    wire->body = malloc(body.size + 1);
    assert_non_null(wire->body);
    if (body.size > 0) {
        memcpy(wire->body, body.data, body.size);
    }
    wire->size = body.size;
    wire->tag = ++tags;
    snprintf(wire->exchange, sizeof wire->exchange, "%s", exchange != NULL ? exchange : "");
    snprintf(wire->user, sizeof wire->user, "%s", user != NULL ? user : "");
    snprintf(wire->signature, sizeof wire->signature, "%s", signature != NULL ? signature : "");
    if (queue->last != NULL) {
        queue->last->next = wire;
    } else {
        queue->first = wire;
    }
    queue->last = wire;
    queue->count++;
}

static void wire_remove(struct wire_queue *queue, struct wire *before, struct wire *wire) {
    if (before != NULL) {
        before->next = wire->next;
    } else {
        queue->first = wire->next;
    }
    if (queue->last == wire) {
        queue->last = before;
    }
    queue->count--;
    free(wire->body);
    free(wire);
}

void wire_end(struct wire_queue *queue, uint64_t tag, bool keep, bool dead) {
    struct wire *before = NULL;
    for (struct wire *wire = queue->first; wire != NULL; before = wire, wire = wire->next) {
        if (wire->tag == tag) {
            queue->dead += dead;
            if (keep) {
                wire->delivered = false;
            } else {
                wire_remove(queue, before, wire);
            }
            return;
        }
    }
    fail_msg("an acknowledgement for nothing");
}

void wire_lost_consumer(struct wire_queue *queue) {
    for (struct wire *wire = queue->first; wire != NULL; wire = wire->next) {
        wire->delivered = false;
    }
}

void wire_free(struct wire_queue *queue) {
    while (queue->first != NULL) {
        wire_remove(queue, NULL, queue->first);
    }
}

void hub_world_inject(struct hub_world *world, const char *exchange, const char *user, const char *signature,
                      struct xd_bytes body) {
    wire_push(&world->queue, exchange, user, signature, body);
}

void hub_world_remove(const char *path) {
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock", ".ballast"};
    for (size_t index = 0; index < sizeof ends / sizeof ends[0]; index++) {
        char name[WORLD_PATH + 16];
        snprintf(name, sizeof name, "%s%s", path, ends[index]);
        (void)unlink(name);
    }
}

/* ---- the site's turn ---- */

struct site_event {
    struct wire *wire; /* NULL: from the WMS */
    const char *topic;
    struct xd_bytes payload;
};

static void line_message(const struct wire *wire, struct xd_line_message_in *out) {
    *out = (struct xd_line_message_in){.generation = 1,
                                       .tag = wire->tag,
                                       .exchange = wire->exchange,
                                       .user_id = wire->user,
                                       .signature = wire->signature,
                                       .body = xd_bytes_of(wire->body, wire->size)};
}

static enum xd_result decide(void *context, void *object, struct xd_now now, struct xd_effects *effects) {
    struct world_site *site = context;
    const struct site_event *event = object;
    if (event->wire == NULL) {
        struct xd_wms_message message = {.topic = event->topic, .payload = event->payload};
        return xd_site_wms_message(&site->site, &message, now, effects);
    }
    struct xd_line_message_in message;
    line_message(event->wire, &message);
    return xd_site_line_message(&site->site, &message, now, effects);
}

static void refuse(void *context, void *object, enum xd_result why, struct xd_effects *effects) {
    struct world_site *site = context;
    const struct site_event *event = object;
    if (event->wire == NULL) {
        struct xd_wms_message message = {.topic = event->topic, .payload = event->payload};
        xd_site_wms_refuse(&site->site, &message, why, effects);
        return;
    }
    struct xd_line_message_in message;
    line_message(event->wire, &message);
    xd_site_line_refuse(&site->site, &message, why, effects);
}

static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    struct world_site *site = context;
    return xd_site_tick(&site->site, ROOM, now, effects);
}

static enum xd_result reload(void *context, bool restart) {
    struct world_site *site = context;
    return xd_site_reload(&site->site, restart);
}

static void hear(struct world_site *site, const char *topic, const char *text) {
    struct wms_text *heard = calloc(1, sizeof *heard);
    assert_non_null(heard);
    snprintf(heard->topic, sizeof heard->topic, "%s", topic);
    heard->text = strdup(text != NULL ? text : "");
    assert_non_null(heard->text);
    if (site->heard_last != NULL) {
        site->heard_last->next = heard;
    } else {
        site->heard = heard;
    }
    site->heard_last = heard;
}

static void release(void *context, struct xd_effects *effects) {
    struct world_site *site = context;
    char user[64];
    snprintf(user, sizeof user, "site-%s", site->name);
    for (size_t index = 0; index < effects->count; index++) {
        const struct xd_effect *effect = &effects->items[index];
        switch (effect->kind) {
        case XD_EFFECT_LINE_PUBLISH:
            wire_push(&site->world->queue, xd_effects_string(effects, effect->a), user,
                      xd_effects_string(effects, effect->c), xd_effects_view(effects, effect->body));
            if (effect->tag != 0 && site->confirm_count < sizeof site->confirms / sizeof site->confirms[0]) {
                site->confirms[site->confirm_count++] = effect->tag;
            }
            break;
        case XD_EFFECT_LINE_ACK:
        case XD_EFFECT_LINE_REJECT:
        case XD_EFFECT_LINE_RETRY:
            wire_end(&site->queue, effect->tag, effect->kind == XD_EFFECT_LINE_RETRY,
                     effect->kind == XD_EFFECT_LINE_REJECT);
            break;
        case XD_EFFECT_WMS_PUBLISH:
            hear(site, xd_effects_string(effects, effect->a), xd_effects_string(effects, effect->body));
            break;
        default:
            break;
        }
    }
}

/* ---- the WMS ---- */

static void run_turn(struct world_site *site, void *const *events, size_t count) {
    if (xd_turn_run(&site->turn, events, count, site->world->now) != XD_OK) {
        assert_true(site->world->may_stop);
        hub_world_site_crash(site);
        hub_world_site_start(site);
    }
}

void hub_world_wms(struct world_site *site, const char *tail, const char *text) {
    char topic[XD_TOPIC_SIZE];
    struct site_event event = {.topic = topic, .payload = xd_bytes_of_text(text)};
    void *pointer = &event;
    xd_site_topic(&site->site, tail, topic);
    run_turn(site, &pointer, 1);
}

void hub_world_ship(struct world_site *site, const char *confirmation_id, const char *release_id,
                    const char *qty, const char *more) {
    char text[1024];
    snprintf(
        text, sizeof text,
        "{\"confirmation_id\":\"%s\",\"kind\":\"SHIP\",\"shipment_id\":\"S-%s\",\"release_ids\":[\"%s\"],"
        "\"shipped_at\":\"2026-11-23T10:00:00+01:00\",\"lines\":[{\"line_id\":\"1\",\"sku\":\"WIDGET\","
        "\"qty_shipped\":\"%s\",\"uom\":\"EA\"%s}]}",
        confirmation_id, confirmation_id, release_id, qty, more);
    hub_world_wms(site, "confirmation", text);
}

static bool matches(const struct world_site *site, const struct wms_text *heard, const char *tail,
                    const char *part) {
    char topic[XD_TOPIC_SIZE];
    snprintf(topic, sizeof topic, "crossdock/%s/%s", site->name, tail);
    return strcmp(heard->topic, topic) == 0 && strstr(heard->text, part) != NULL;
}

const char *hub_world_heard(const struct world_site *site, const char *tail, const char *part) {
    const char *found = NULL;
    for (const struct wms_text *heard = site->heard; heard != NULL; heard = heard->next) {
        found = matches(site, heard, tail, part) ? heard->text : found;
    }
    return found;
}

size_t hub_world_heard_count(const struct world_site *site, const char *tail, const char *part) {
    size_t count = 0;
    for (const struct wms_text *heard = site->heard; heard != NULL; heard = heard->next) {
        count += matches(site, heard, tail, part);
    }
    return count;
}

/* What a small honest WMS does with a release: says that it has it, and ships it once. */
static void fulfil(struct world_site *site, const char *text) {
    char topic[XD_TOPIC_SIZE], answer[256], id[XD_NAME_SIZE];
    cJSON *tree = cJSON_Parse(text);
    if (tree == NULL) {
        return; /* no memory just now; the release comes again */
    }
    const char *release_id = cJSON_GetObjectItem(tree, "release_id")->valuestring;
    const cJSON *line = cJSON_GetObjectItem(tree, "lines")->child;
    snprintf(topic, sizeof topic, "crossdock/%s/shipped", site->name);
    if (hub_world_heard(site, "shipped", release_id) == NULL) {
        hear(site, topic, release_id);
        snprintf(answer, sizeof answer,
                 "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"ACKNOWLEDGED\"}", release_id);
        hub_world_wms(site, "release/response", answer);
        snprintf(id, sizeof id, "C-%.60s", release_id);
        hub_world_ship(site, id, release_id, cJSON_GetObjectItem(line, "qty")->valuestring, "");
    }
    cJSON_Delete(tree);
}

static void auto_wms(struct world_site *site) {
    char topic[XD_TOPIC_SIZE];
    snprintf(topic, sizeof topic, "crossdock/%s/release", site->name);
    for (const struct wms_text *heard = site->heard; heard != NULL; heard = heard->next) {
        if (strcmp(heard->topic, topic) == 0) {
            fulfil(site, heard->text);
        }
    }
}

/* ---- sites ---- */

void hub_world_site_turn(struct world_site *site) {
    struct site_event events[MESSAGES_MAX];
    void *pointers[MESSAGES_MAX];
    size_t count = 0;
    if (!site->running) {
        return;
    }
    for (size_t index = 0; index < site->confirm_count && site->online; index++) {
        xd_site_line_confirmed(&site->site, site->confirms[index], true, site->world->now);
    }
    site->confirm_count = 0;
    for (struct wire *wire = site->queue.first; wire != NULL && count < MESSAGES_MAX && site->online;
         wire = wire->next) {
        if (!wire->delivered) {
            wire->delivered = true;
            events[count] = (struct site_event){.wire = wire};
            pointers[count] = &events[count];
            count++;
        }
    }
    run_turn(site, pointers, count);
    if (site->world->auto_wms) {
        auto_wms(site);
    }
    assert_true(xd_site_check(&site->site));
}

void hub_world_site_start(struct world_site *site) {
    struct hub_world *world = site->world;
    struct xd_database_config database = {.path = site->path};
    struct xd_site_config config = {.env = &world->env,
                                    .store = &site->store,
                                    .site = site->name,
                                    .version = "test",
                                    .key = site->key,
                                    .release_retry_ms_min = 1000,
                                    .release_retry_ms_max = 5000,
                                    .retention_ms = 7 * DAY_MS,
                                    .status_ms = 30000};
    struct xd_turn_ops ops = {.context = site,
                              .decide = decide,
                              .refuse = refuse,
                              .settle = settle,
                              .reload = reload,
                              .release = release};
    char why[256] = "";
    if (xd_database_open(&database, XD_SCHEMA_SITE, &site->database, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
    xd_database_site_store(site->database, &site->store);
    const struct xd_store_tx *tx = &site->store.delivery.tx;
    assert_ok(tx->begin(tx->context));
    assert_ok(xd_site_open(&site->site, &config, world->now));
    assert_ok(tx->commit(tx->context));
    xd_turn_init(&site->turn, &ops, tx, NULL);
    xd_site_set_room(&site->site, 0, 0, (int64_t)1 << 40);
    site->running = site->online = true;
    site->site.wms_up = true;
    xd_site_line_up(&site->site, world->now);
}

void hub_world_site_crash(struct world_site *site) {
    if (!site->running) {
        return;
    }
    xd_turn_free(&site->turn);
    xd_site_close(&site->site);
    xd_database_close(site->database);
    site->running = false;
    site->confirm_count = 0;
    wire_lost_consumer(&site->queue);
}

struct world_site *hub_world_add_site(struct hub_world *world, const char *name) {
    char body[96];
    struct world_site *site = &world->sites[world->site_count];
    struct api_call api = {.site_add = true, .body = body};
    snprintf(body, sizeof body, "{\"site\":\"%s\",\"kind\":\"warehouse\"}", name);
    assert_int_equal(hub_world_post(world, &api), 201);
    assert_true(api.flag); /* the topology comes first */
    cJSON *tree = cJSON_Parse(api.text);
    assert_non_null(tree);
    const cJSON *signing = cJSON_GetObjectItem(tree, "signing");
    snprintf(site->key.kid, sizeof site->key.kid, "%s", cJSON_GetObjectItem(signing, "kid")->valuestring);
    assert_ok(xd_hex_parse(cJSON_GetObjectItem(signing, "key")->valuestring, site->key.secret,
                           sizeof site->key.secret, &site->key.secret_size));
    cJSON_Delete(tree);
    hub_world_api_free(&api);
    site->world = world;
    snprintf(site->name, sizeof site->name, "%s", name);
    snprintf(site->path, sizeof site->path, "%.60s/%.32s.db", world->folder, name);
    world->site_count++;
    hub_world_site_start(site);
    return site;
}
