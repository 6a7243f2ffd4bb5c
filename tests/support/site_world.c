#include "support/site_world.h"

#include "base/memory.h"
#include "documents/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct event {
    const struct xd_wms_message *wms;
    const struct xd_line_message_in *line;
};

static struct xd_problems problems;

static void entropy(void *context, void *out, size_t size) {
    struct site_world *world = context;
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++) {
        world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(world->random >> 56);
    }
}

/* ---- the turn ---- */

static enum xd_result decide(void *context, void *item, struct xd_now now, struct xd_effects *effects) {
    struct site_world *world = context;
    struct event *event = item;
    enum xd_result result = event->wms != NULL
                                ? xd_site_wms_message(&world->site, event->wms, now, effects)
                                : xd_site_line_message(&world->site, event->line, now, effects);
    if (result == XD_OK && world->refuse_next) {
        return XD_FULL;
    }
    return result;
}

static void refuse(void *context, void *item, enum xd_result why, struct xd_effects *effects) {
    struct site_world *world = context;
    struct event *event = item;
    world->refuse_next = false;
    if (event->wms != NULL) {
        xd_site_wms_refuse(&world->site, event->wms, why, effects);
    } else {
        xd_site_line_refuse(&world->site, event->line, why, effects);
    }
}

static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    struct site_world *world = context;
    return xd_site_tick(&world->site, world->room, now, effects);
}

static enum xd_result reload(void *context, bool restart) {
    return xd_site_reload(&((struct site_world *)context)->site, restart);
}

/* Every event on the line must be readable by the hub: its type is kept. */
static char *type_of(struct xd_bytes body) {
    struct xd_document document = {0};
    struct xd_envelope envelope;
    xd_problems_clear(&problems);
    enum xd_result result = xd_envelope_read(body, &document, &envelope, &problems);
    if (result != XD_OK) {
        print_error("%.*s\n%s at %s\n", (int)body.size, (const char *)body.data,
                    problems.count > 0 ? problems.items[0].code : "", problems.items[0].pointer);
    }
    assert_int_equal(result, XD_OK);
    char *type = xd_copy_text(envelope.type);
    xd_document_free(&document);
    return type;
}

static void release(void *context, struct xd_effects *effects) {
    struct site_world *world = context;
    for (size_t i = 0; i < effects->count; i++) {
        const struct xd_effect *effect = &effects->items[i];
        struct xd_bytes body = xd_effects_view(effects, effect->body);
        assert_true(world->said_count < SITE_WORLD_KEPT);
        struct site_said *said = &world->said[world->said_count++];
        *said = (struct site_said){.kind = effect->kind,
                                   .tag = effect->tag,
                                   .status = effect->status,
                                   .flag = effect->flag,
                                   .handle = effect->handle};
        said->body = xd_copy_bytes(body.data, body.size);
        said->topic = effect->kind == XD_EFFECT_LINE_PUBLISH
                          ? type_of(body)
                          : xd_copy_text(xd_effects_string(effects, effect->a));
        if (effect->kind == XD_EFFECT_LINE_PUBLISH) {
            assert_int_equal(xd_verify(&world->config.key, body, xd_effects_string(effects, effect->c)),
                             XD_OK);
        }
    }
}

static const struct xd_store_tx *tx_of(void *context) {
    return &((struct site_world *)context)->store.delivery.tx;
}

static enum xd_result tx_begin(void *context) {
    return tx_of(context)->begin(tx_of(context)->context);
}
static enum xd_result tx_commit(void *context) {
    struct site_world *world = context;
    if (world->fail_commit) {
        world->fail_commit = false;
        return XD_FULL;
    }
    return tx_of(context)->commit(tx_of(context)->context);
}
static void tx_rollback(void *context) {
    tx_of(context)->rollback(tx_of(context)->context);
}
static enum xd_result tx_savepoint(void *context) {
    return tx_of(context)->savepoint(tx_of(context)->context);
}
static enum xd_result tx_keep(void *context) {
    return tx_of(context)->keep(tx_of(context)->context);
}
static enum xd_result tx_undo(void *context) {
    return tx_of(context)->undo(tx_of(context)->context);
}

static void forget(struct site_world *world) {
    for (size_t i = 0; i < world->said_count; i++) {
        xd_free(world->said[i].topic);
        xd_free(world->said[i].body);
    }
    world->said_count = 0;
}

static void run(struct site_world *world, struct event *event) {
    void *events[] = {event};
    forget(world);
    assert_int_equal(xd_turn_run(&world->turn, events, event != NULL, world->now), XD_OK);
    assert_true(xd_site_check(&world->site));
}

/* ---- opening ---- */

static void start(struct site_world *world) {
    struct xd_database_config database = {.path = world->path};
    char why[200] = "";
    if (xd_database_open(&database, XD_SCHEMA_SITE, &world->database, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
    xd_database_site_store(world->database, &world->store);
    assert_int_equal(tx_begin(world), XD_OK);
    assert_int_equal(xd_site_open(&world->site, &world->config, world->now), XD_OK);
    assert_int_equal(tx_commit(world), XD_OK);
    struct xd_turn_ops ops = {world, decide, refuse, settle, reload, release};
    xd_turn_init(&world->turn, &ops, &world->tx, NULL);
}

static void stop(struct site_world *world) {
    xd_turn_free(&world->turn);
    xd_site_close(&world->site);
    xd_database_close(world->database);
}

void site_world_open(struct site_world *world) {
    memset(world, 0, sizeof *world);
    (void)snprintf(world->folder, sizeof world->folder, "/tmp/crossdock-site-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    (void)snprintf(world->path, sizeof world->path, "%.60s/agent.db", world->folder);
    world->random = 42;
    world->room = 1000;
    world->env = (struct xd_env){.context = world, .entropy = entropy};
    world->now = (struct xd_now){.wall = 1700000000000, .monotonic = 5000};
    world->tx = (struct xd_store_tx){world, tx_begin, tx_commit, tx_rollback, tx_savepoint, tx_keep, tx_undo};
    world->config = (struct xd_site_config){.env = &world->env,
                                            .store = &world->store,
                                            .site = "WH1",
                                            .version = "test",
                                            .key = {.kid = "k", .secret = "secret", .secret_size = 6},
                                            .release_retry_ms_min = 1000,
                                            .release_retry_ms_max = 8000,
                                            .retention_ms = 7 * XD_DAY_MS,
                                            .reserve_bytes = 1000,
                                            .min_free_bytes = 500,
                                            .status_ms = 30000};
    (void)snprintf(world->epoch, sizeof world->epoch, "hub-epoch-1");
    world->sequence = 1;
    xd_memory_adopt_cjson();
    start(world);
}

void site_world_reopen(struct site_world *world) {
    stop(world);
    start(world);
}

void site_world_close(struct site_world *world) {
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".ballast"};
    char path[128];
    forget(world);
    stop(world);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", world->path, suffixes[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(world->folder), 0);
}

/* ---- events ---- */

void site_world_topic(struct site_world *world, const char *topic, const char *payload,
                      const char *response_topic, void *ticket) {
    struct xd_wms_message message = {.topic = topic,
                                     .payload = xd_bytes_of_text(payload),
                                     .response_topic = response_topic,
                                     .correlation_data = xd_bytes_of_text("cd"),
                                     .ticket = ticket};
    struct event event = {.wms = &message};
    run(world, &event);
}

void site_world_wms(struct site_world *world, const char *tail, const char *payload) {
    char topic[XD_TOPIC_SIZE];
    xd_site_topic(&world->site, tail, topic);
    site_world_topic(world, topic, payload, NULL, NULL);
}

void site_world_body(struct site_world *world, const char *body, const char *signature) {
    char made[XD_SIGNATURE_SIZE];
    static uint64_t tag;
    struct xd_line_message_in message = {
        .generation = 1, .tag = ++tag, .signature = signature, .body = xd_bytes_of_text(body)};
    if (signature == NULL) {
        xd_sign(&world->config.key, message.body, made);
        message.signature = made;
    }
    struct event event = {.line = &message};
    run(world, &event);
}

static void send(struct site_world *world, struct xd_envelope *envelope, const char *data) {
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    envelope->id = "id";
    envelope->source = "/hub";
    envelope->time = world->now.wall;
    envelope->site = "WH1";
    xd_envelope_write(envelope, xd_bytes_of_text(data), &body);
    assert_int_equal(xd_buffer_result(&body), XD_OK);
    site_world_body(world, xd_buffer_string(&body), NULL);
    xd_buffer_free(&body);
}

void site_world_hub(struct site_world *world, const char *type, const char *lane, const char *data) {
    struct xd_document document = {0};
    xd_problems_clear(&problems);
    assert_int_equal(xd_document_parse(xd_bytes_of_text(data), &document, &problems), XD_OK);
    world->chain = xd_chain(&world->chain, &document.hash);
    xd_document_free(&document);
    struct xd_envelope envelope = {.type = type,
                                   .lane = lane,
                                   .epoch = world->epoch,
                                   .sequence = world->sequence++,
                                   .chain = world->chain};
    send(world, &envelope, data);
}

void site_world_link(struct site_world *world, const char *type, const struct xd_link *link) {
    struct xd_buffer data;
    struct xd_envelope envelope = {.type = type};
    xd_buffer_init(&data, 0);
    xd_link_write(link, &data);
    assert_int_equal(xd_buffer_result(&data), XD_OK);
    send(world, &envelope, xd_buffer_string(&data));
    xd_buffer_free(&data);
}

static void fill_receive(const struct site_world *world, struct xd_link *link) {
    static const char *const lanes[] = {"work", "bulk"};
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_stream_row *row = &world->site.line.send[lane].row;
        link->receive[lane] = (struct xd_link_receive){
            .lane = lanes[lane], .epoch = row->epoch, .watermark = row->floor, .chain = row->floor_chain};
    }
    link->receive_count = XD_LANES_MAX;
}

void site_world_hello(struct site_world *world, uint64_t next) {
    struct xd_link link = {.session = "hubs-session"};
    link.send[0] = (struct xd_link_send){.lane = "work", .epoch = world->epoch, .next = next};
    link.send[1] = (struct xd_link_send){.lane = "notice", .epoch = "notice-epoch", .next = 1};
    link.send_count = 2;
    fill_receive(world, &link);
    site_world_link(world, XD_TYPE_HELLO, &link);
}

void site_world_welcome(struct site_world *world) {
    struct xd_link link = {.session = world->site.line.session};
    fill_receive(world, &link);
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        struct xd_link_receive *receive = &link.receive[lane];
        uint64_t next = world->site.line.send[lane].hello_next;
        receive->missing[0] = (struct xd_range){receive->watermark + 1, next - 1};
        receive->missing_count = receive->watermark + 1 < next;
    }
    site_world_link(world, XD_TYPE_WELCOME, &link);
}

void site_world_wait(struct site_world *world, xd_ms ms) {
    forget(world);
    for (xd_ms passed = 0; passed < ms; passed += 100) {
        world->now.monotonic += 100;
        world->now.wall += 100;
        assert_int_equal(xd_turn_run(&world->turn, NULL, 0, world->now), XD_OK);
        assert_true(xd_site_check(&world->site));
    }
}

/* ---- looking ---- */

static bool is_on(const struct site_said *said, const char *topic) {
    const char *tail = said->topic == NULL ? NULL : said->topic;
    if (tail != NULL && said->kind == XD_EFFECT_WMS_PUBLISH && strncmp(tail, "crossdock/WH1/", 14) == 0) {
        tail += 14;
    }
    return tail != NULL && strcmp(tail, topic) == 0;
}

const struct site_said *site_world_find(const struct site_world *world, const char *topic, size_t nth) {
    for (size_t i = 0; i < world->said_count; i++) {
        if (is_on(&world->said[i], topic) && nth-- == 0) {
            return &world->said[i];
        }
    }
    return NULL;
}

size_t site_world_count(const struct site_world *world, const char *topic) {
    size_t count = 0;
    for (size_t i = 0; i < world->said_count; i++) {
        count += is_on(&world->said[i], topic);
    }
    return count;
}

void site_world_expect(const struct site_world *world, const char *topic, const char *text) {
    const struct site_said *said = site_world_find(world, topic, 0);
    if (said == NULL) {
        fail_msg("nothing was said on %s", topic);
    } else if (strstr(said->body, text) == NULL) {
        fail_msg("%s says %s instead of %s", topic, said->body, text);
    }
}
