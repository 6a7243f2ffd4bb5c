/* The hub, the ERP and the books; sites and broker are in hub_world_sites.c. */
#include "unit/hub_world.h"

#include "base/memory.h"
#include "erp/ledger/ledger.h"
#include "hub/orchestration/quantities.h"
#include "hub/orchestration/stock.h"
#include "hub/reference/reference.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START_MONOTONIC ((xd_ms)1000000)
#define START_WALL ((xd_ms)1795428000000) /* 2026-11-23 */
#define ROOM ((size_t)1000)
#define MESSAGES_MAX 64u
#define DAY_MS ((xd_ms)86400000)

enum event_kind { EVENT_MESSAGE, EVENT_API, EVENT_ERP, EVENT_WEBHOOK };

struct event {
    enum event_kind kind;
    struct wire *wire;
    struct pending_call *pending;
    struct world_webhook *webhook;
};

/* ---- chance ---- */

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t hub_world_random(struct hub_world *world, uint64_t below) {
    return next_random(&world->random) % below;
}

static void entropy(void *context, void *out, size_t size) {
    struct hub_world *world = context;
    uint8_t *bytes = out;
    for (size_t index = 0; index < size; index++) {
        bytes[index] = (uint8_t)next_random(&world->random);
    }
}

static void quiet_log(void *context, enum xd_log_level level, const char *event, const char *correlation_id,
                      const char *members) {
    (void)context;
    if (getenv("XD_TEST_LOG") != NULL) {
        fprintf(stderr, "%d %s %s %s\n", (int)level, event, correlation_id != NULL ? correlation_id : "-",
                members != NULL ? members : "");
    }
}

static void hash_password(const char *password, const unsigned char salt[4], char out[64]) {
    snprintf(out, 64, "%02x/%.40s", salt[0], password);
}

/* ---- the store's transactions, with a commit that can be made to fail ---- */

static enum xd_result tx_begin(void *context) {
    struct hub_world *world = context;
    return world->tx.begin(world->tx.context);
}

static enum xd_result tx_commit(void *context) {
    struct hub_world *world = context;
    world->commits++;
    if (world->fail_commit || world->commits == world->fail_commit_at) {
        world->fail_commit = false;
        world->tx.rollback(world->tx.context);
        return XD_FULL;
    }
    return world->tx.commit(world->tx.context);
}

static void tx_rollback(void *context) {
    struct hub_world *world = context;
    world->gave_up = false;
    world->tx.rollback(world->tx.context);
}

static enum xd_result tx_savepoint(void *context) {
    struct hub_world *world = context;
    return world->tx.savepoint(world->tx.context);
}

static enum xd_result tx_keep(void *context) {
    struct hub_world *world = context;
    return world->tx.keep(world->tx.context);
}

static enum xd_result tx_undo(void *context) {
    struct hub_world *world = context;
    return world->gave_up ? XD_FULL : world->tx.undo(world->tx.context);
}

/* ---- the turn's operations ---- */

static void api_request(struct api_call *api, struct xd_api_request *out) {
    static const struct xd_client_row client = {.client = "portal", .tenant = "acme", .role = "channel"};
    *out = (struct xd_api_request){.handle = api,
                                   .wait_ms = api->wait_ms,
                                   .client = api->client != NULL ? api->client : &client,
                                   .id = api->id,
                                   .tenant = api->tenant,
                                   .idempotency_key = api->has_key ? api->key : NULL,
                                   .correlation_id = api->correlation_id,
                                   .key = api->reference_key,
                                   .if_match = api->if_match,
                                   .source = api->source,
                                   .body = xd_bytes_of_text(api->body)};
}

static void message_of(const struct wire *wire, struct xd_hub_message *out) {
    *out = (struct xd_hub_message){.generation = 1,
                                   .tag = wire->tag,
                                   .exchange = wire->exchange[0] != 0 ? wire->exchange : NULL,
                                   .user_id = wire->user[0] != 0 ? wire->user : NULL,
                                   .signature = wire->signature[0] != 0 ? wire->signature : NULL,
                                   .body = xd_bytes_of(wire->body, wire->size)};
}

static enum xd_result hand_over(struct hub_world *world, struct event *event, struct xd_now now,
                                struct xd_effects *effects) {
    struct xd_api_request request;
    struct xd_hub_message message;
    switch (event->kind) {
    case EVENT_MESSAGE:
        message_of(event->wire, &message);
        return xd_hub_line_message(&world->hub, &message, now, effects);
    case EVENT_API:
        api_request(world->api, &request);
        if (world->api->write != NULL) {
            return world->api->write(&world->hub, &request, now, effects);
        }
        if (world->api->id != NULL) {
            return xd_hub_reference(&world->hub, &request, now, effects);
        }
        return world->api->site_add ? xd_hub_site_add(&world->hub, &request, now, effects)
                                    : xd_hub_order(&world->hub, &request, now, effects);
    case EVENT_WEBHOOK: {
        struct xd_webhook_answer answer = {.status = event->webhook->status, .detail = "as the test says"};
        return xd_hub_webhook_answer(&world->hub, event->webhook->call, &answer, now);
    }
    default:
        if (event->pending->call->list) {
            return xd_hub_reference_answer(&world->hub, event->pending->call, &event->pending->answer,
                                           xd_buffer_view(&event->pending->entries), event->pending->next,
                                           now, effects);
        }
        return xd_hub_erp_answer(&world->hub, event->pending->call, &event->pending->answer, now, effects);
    }
}

/* A full disk: SQLite rolls the whole transaction back, whatever savepoint there is. */
static enum xd_result decide(void *context, void *object, struct xd_now now, struct xd_effects *effects) {
    struct hub_world *world = context;
    enum xd_result result = hand_over(world, object, now, effects);
    if (world->fail_batch) {
        world->gave_up = true;
        world->tx.rollback(world->tx.context);
        return XD_FULL;
    }
    return result;
}

static void refuse(void *context, void *object, enum xd_result why, struct xd_effects *effects) {
    struct hub_world *world = context;
    struct event *event = object;
    struct xd_api_request request;
    struct xd_hub_message message;
    world->fail_batch = false;
    switch (event->kind) {
    case EVENT_MESSAGE:
        message_of(event->wire, &message);
        xd_hub_line_refuse(&world->hub, &message, why, effects);
        break;
    case EVENT_API:
        api_request(world->api, &request);
        xd_hub_api_refuse(&world->hub, &request, why, effects);
        break;
    case EVENT_WEBHOOK:
        xd_hub_webhook_refuse(&world->hub, event->webhook->call, world->now);
        break;
    default:
        xd_hub_erp_refuse(&world->hub, event->pending->call, world->now);
        break;
    }
}

static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    struct hub_world *world = context;
    return xd_hub_tick(&world->hub, ROOM, now, effects);
}

static enum xd_result reload(void *context, bool restart) {
    struct hub_world *world = context;
    return xd_hub_reload(&world->hub, restart);
}

/* Calls that nobody waits for and that will not land any more. Between turns only: an answer of this very
 * turn may not have been taken yet. */
static void reclaim(struct hub_world *world) {
    for (size_t index = 0; index < WORLD_CALLS; index++) {
        struct pending_call *pending = &world->calls[index];
        if (pending->used && pending->gone && (pending->landed || pending->plan.lands_ms < 0)) {
            xd_erp_call_free(pending->call);
            xd_buffer_free(&pending->entries);
            pending->used = false;
        }
    }
}

/* In the order in which they leave. */
static void note_post(struct hub_world *world, const struct xd_erp_call *call) {
    if (!call->list && !call->find && world->posted_count < WORLD_POSTED) {
        snprintf(world->posted[world->posted_count++], sizeof world->posted[0], "%.60s",
                 call->request.reference);
    }
}

static void call_leaves(struct hub_world *world, struct xd_erp_call *call) {
    struct pending_call *free_place = NULL;
    unsigned waiting = 0;
    bool check = call->lane == world->erp_count;
    for (size_t index = 0; index < WORLD_CALLS; index++) {
        waiting += world->calls[index].used && !world->calls[index].gone &&
                   world->calls[index].call->lane == call->lane;
        if (!world->calls[index].used) {
            free_place = &world->calls[index];
        }
    }
    assert_non_null(free_place);
    assert_true(waiting < (check ? 1 : world->erps[call->lane].concurrency)); /* only for a free worker */
    assert_true(check || call->list || !world->erps[call->lane].shadow);
    *free_place = (struct pending_call){.used = true, .call = call, .left_at = world->now.monotonic};
    if (world->plan != NULL) {
        world->plan(world, call, &free_place->plan);
    }
    *(call->list ? &world->lists : call->find ? &world->finds : &world->posts) += 1;
    world->posts_of[call->lane] += !call->list && !call->find;
    note_post(world, call);
}

static void answer_api(struct hub_world *world, const struct xd_effects *effects,
                       const struct xd_effect *effect) {
    struct api_call *api = effect->handle;
    (void)world;
    assert_non_null(api);
    assert_false(api->answered);
    api->answered = true;
    api->status = effect->status;
    api->flag = effect->flag;
    const char *location = xd_effects_string(effects, effect->a);
    snprintf(api->location, sizeof api->location, "%s", location != NULL ? location : "");
    const char *etag = xd_effects_string(effects, effect->c);
    snprintf(api->etag, sizeof api->etag, "%s", etag != NULL ? etag : "");
    const char *text = xd_effects_string(effects, effect->body);
    api->text = strdup(text != NULL ? text : "");
}

static void publish(struct hub_world *world, const struct xd_effects *effects,
                    const struct xd_effect *effect) {
    const char *site_name = xd_effects_string(effects, effect->b);
    if (strcmp(xd_effects_string(effects, effect->a), XD_EVENTS_EXCHANGE) == 0) {
        hub_world_event(world, effects, effect);
        return;
    }
    assert_string_equal(xd_effects_string(effects, effect->a), "crossdock.down");
    for (size_t index = 0; index < world->site_count; index++) {
        if (strcmp(world->sites[index].name, site_name) == 0) {
            wire_push(&world->sites[index].queue, "crossdock.down", "hub",
                      xd_effects_string(effects, effect->c), xd_effects_view(effects, effect->body));
        }
    }
    if (effect->tag != 0 && world->confirm_count < sizeof world->confirms / sizeof world->confirms[0]) {
        world->confirms[world->confirm_count++] = effect->tag;
    }
}

static void release(void *context, struct xd_effects *effects) {
    struct hub_world *world = context;
    for (size_t index = 0; index < effects->count && !world->drop_effects; index++) {
        struct xd_effect *effect = &effects->items[index];
        switch (effect->kind) {
        case XD_EFFECT_LINE_PUBLISH:
            publish(world, effects, effect);
            break;
        case XD_EFFECT_LINE_ACK:
        case XD_EFFECT_LINE_REJECT:
        case XD_EFFECT_LINE_RETRY:
            wire_end(&world->queue, effect->tag, effect->kind == XD_EFFECT_LINE_RETRY,
                     effect->kind == XD_EFFECT_LINE_REJECT);
            break;
        case XD_EFFECT_HTTP:
            answer_api(world, effects, effect);
            break;
        case XD_EFFECT_WEBHOOK:
            assert_true(world->webhook_count < WORLD_WEBHOOKS);
            world->webhooks[world->webhook_count++] = (struct world_webhook){.call = effect->object};
            effect->object = NULL;
            break;
        case XD_EFFECT_ERP_CALL:
            call_leaves(world, effect->object);
            effect->object = NULL;
            break;
        default:
            fail_msg("the hub lets out an effect of kind %d", (int)effect->kind);
        }
    }
}

/* ---- starting and stopping ---- */

void hub_world_start(struct hub_world *world) {
    struct xd_database_config config = {.path = world->hub_path};
    char why[256] = "";
    if (xd_database_open(&config, XD_SCHEMA_HUB, &world->database, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
    xd_database_hub_store(world->database, &world->store);
    world->tx = world->store.delivery.tx;
    world->store.delivery.tx = (struct xd_store_tx){.context = world,
                                                    .begin = tx_begin,
                                                    .commit = tx_commit,
                                                    .rollback = tx_rollback,
                                                    .savepoint = tx_savepoint,
                                                    .keep = tx_keep,
                                                    .undo = tx_undo};
    for (size_t index = 0; index < world->erp_count; index++) {
        world->erps[index].life_ms = world->erp_life_ms;
        world->erps[index].stock = world->erp_stock;
    }
    struct xd_hub_config hub = {.env = &world->env,
                                .store = &world->store,
                                .policies = world->policies,
                                .retention_ms = 7 * DAY_MS,
                                .idempotency_ms = 30 * DAY_MS,
                                .unknown_release_ms = XD_HOUR_MS,
                                .event_ms = 7 * DAY_MS,
                                .webhooks = {.concurrency = world->webhook_concurrency,
                                             .retry_ms_min = 1000,
                                             .retry_ms_max = 60000,
                                             .disable_ms = world->webhook_disable_ms},
                                .books = world->books,
                                .erps = world->erps,
                                .erp_count = world->erp_count,
                                .checks = world->checks,
                                .check_concurrency = 1,
                                .reference_ms = world->reference_ms,
                                .hash_password = hash_password};
    struct xd_turn_ops ops = {.context = world,
                              .decide = decide,
                              .refuse = refuse,
                              .settle = settle,
                              .reload = reload,
                              .release = release};
    assert_ok(tx_begin(world));
    assert_ok(xd_hub_open(&world->hub, &hub, world->now));
    assert_ok(world->tx.commit(world->tx.context));
    xd_turn_init(&world->turn, &ops, &world->store.delivery.tx, xd_erp_call_free);
    world->running = true;
    xd_hub_line_up(&world->hub, world->now);
}

/* It stays, for a connection that is opened reads all of the schema, which takes longer than most questions.
 */
struct sqlite3 *hub_world_reader(struct hub_world *world, enum world_book book) {
    sqlite3 **reader = &world->readers[book];
    if (*reader != NULL) {
        return *reader;
    }
    const char *path = book == WORLD_BOOK_ERP ? world->ledger_path : world->hub_path;
    assert_int_equal(sqlite3_open_v2(path, reader, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    (void)sqlite3_busy_timeout(*reader, 5000);
    if (book == WORLD_BOOK_BOTH) {
        char attach[2 * WORLD_PATH];
        snprintf(attach, sizeof attach, "ATTACH '%s' AS erp", world->ledger_path);
        assert_int_equal(sqlite3_exec(*reader, attach, NULL, NULL, NULL), SQLITE_OK);
    }
    return *reader;
}

static void close_readers(struct hub_world *world) {
    for (size_t book = 0; book < WORLD_BOOKS; book++) {
        (void)sqlite3_close_v2(world->readers[book]); /* a question that failed is still open */
        world->readers[book] = NULL;
    }
}

void hub_world_crash(struct hub_world *world) {
    close_readers(world);
    if (!world->running) {
        return;
    }
    xd_turn_free(&world->turn);
    xd_hub_close(&world->hub);
    xd_database_close(world->database);
    world->database = NULL;
    world->running = false;
    world->drop_effects = world->fail_commit = false;
    world->confirm_count = world->refused_count = 0;
    for (size_t index = 0; index < world->webhook_count; index++) {
        world->webhooks[index].lost = true;
    }
    wire_lost_consumer(&world->queue);
    for (size_t index = 0; index < WORLD_CALLS; index++) {
        world->calls[index].gone = true;
    }
}

void hub_world_copy(struct hub_world *world) {
    hub_world_remove(world->copy_path);
    assert_ok(xd_database_backup(world->database, world->copy_path));
}

void hub_world_restore(struct hub_world *world) {
    hub_world_crash(world);
    hub_world_remove(world->hub_path);
    char command[2 * WORLD_PATH + 16];
    snprintf(command, sizeof command, "cp %s %s", world->copy_path, world->hub_path);
    assert_int_equal(system(command), 0);
    hub_world_start(world);
}

void hub_world_open(struct hub_world *world, uint64_t seed) {
    char why[256] = "";
    xd_memory_adopt_cjson();
    memset(world, 0, sizeof *world);
    world->random = seed;
    world->now = (struct xd_now){START_WALL, START_MONOTONIC};
    world->env = (struct xd_env){.context = world, .entropy = entropy, .log = quiet_log};
    world->policies.over_tolerance_pct = xd_decimal_of(5);
    world->erp_life_ms = 30000;
    world->erp_count = 1;
    for (size_t index = 0; index < WORLD_ERPS; index++) {
        static const char *const names[WORLD_ERPS] = {"main", "second", "third"};
        world->erps[index] = (struct xd_erp_settings){.name = names[index],
                                                      .concurrency = 3,
                                                      .retry_ms_min = 200,
                                                      .retry_ms_max = 5000,
                                                      .open_ms_min = 1000,
                                                      .open_ms_max = 20000};
    }
    world->webhook_disable_ms = DAY_MS;
    world->webhook_concurrency = 2;
    const char *base = getenv("TMPDIR");
    snprintf(world->folder, sizeof world->folder, "%.40s/xd-hub-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->hub_path, WORLD_PATH, "%.60s/hub.db", world->folder);
    snprintf(world->copy_path, WORLD_PATH, "%.60s/copy.db", world->folder);
    snprintf(world->ledger_path, WORLD_PATH, "%.60s/ledger.db", world->folder);
    struct xd_ledger_config ledger = {.path = world->ledger_path};
    assert_ok(xd_ledger_prepare(&ledger, why, sizeof why));
    assert_ok(xd_ledger_open(&ledger, &world->erp, why, sizeof why));
    (void)hub_world_ledger(world, "INSERT INTO customer(code, name, active, currency) VALUES"
                                  "('CUST-1', 'One', 1, 'EUR'), ('GONE', 'Two', 0, 'EUR')");
    (void)hub_world_ledger(
        world, "INSERT INTO product(sku, description, uom, unit_price, active, lot_tracked) VALUES"
               "('WIDGET', 'w', 'EA', '9.95', 1, 0), ('GADGET', 'g', 'EA', '1', 1, 0)");
    hub_world_start(world);
}

void hub_world_close(struct hub_world *world) {
    hub_world_books(world);
    hub_world_crash(world);
    for (size_t index = 0; index < world->site_count; index++) {
        struct world_site *site = &world->sites[index];
        hub_world_site_crash(site);
        wire_free(&site->queue);
        while (site->heard != NULL) {
            struct wms_text *next = site->heard->next;
            free(site->heard->text);
            free(site->heard);
            site->heard = next;
        }
        hub_world_remove(site->path);
    }
    for (size_t index = 0; index < WORLD_CALLS; index++) {
        if (world->calls[index].used) {
            xd_erp_call_free(world->calls[index].call);
            xd_buffer_free(&world->calls[index].entries);
        }
    }
    wire_free(&world->queue);
    hub_world_free_events(world);
    close_readers(world);
    world->erp.close(world->erp.context);
    hub_world_remove(world->hub_path);
    hub_world_remove(world->copy_path);
    hub_world_remove(world->ledger_path);
    (void)rmdir(world->folder);
}

/* ---- the ERP ---- */

static void land(struct hub_world *world, struct pending_call *pending) {
    struct xd_erp_call *call = pending->call;
    pending->landed = true;
    if (call->list) {
        xd_buffer_init(&pending->entries, 0);
        world->erp.list(world->erp.context, call->what, call->cursor,
                        call->max > 0 ? call->max : XD_ERP_PAGE_MAX, &pending->answer, &pending->entries,
                        pending->next);
    } else if (call->request.kind == XD_ERP_CHECK) {
        pending->answer = world->check;
    } else if (call->find) {
        world->erp.find(world->erp.context, call->request.kind, call->request.reference, &pending->answer);
    } else {
        world->erp.post(world->erp.context, &call->request, &pending->answer);
    }
}

static void erp_step(struct hub_world *world) {
    for (size_t index = 0; index < WORLD_CALLS; index++) {
        struct pending_call *pending = &world->calls[index];
        xd_ms age = world->now.monotonic - pending->left_at;
        if (!pending->used) {
            continue;
        }
        if (!pending->landed && pending->plan.lands_ms >= 0 && age >= pending->plan.lands_ms) {
            land(world, pending);
        }
    }
    reclaim(world);
}

static bool answers(const struct hub_world *world, const struct pending_call *pending) {
    return pending->used && !pending->gone && pending->plan.answers_ms >= 0 &&
           world->now.monotonic - pending->left_at >= pending->plan.answers_ms &&
           (pending->landed || pending->plan.lies);
}

static void lie(struct pending_call *pending) {
    if (pending->plan.lies) {
        memset(&pending->answer, 0, sizeof pending->answer);
        pending->answer.outcome = pending->plan.outcome;
        pending->answer.retry_after_ms = pending->plan.retry_after_ms;
        snprintf(pending->answer.code, sizeof pending->answer.code, "as_planned");
    }
}

/* ---- turns ---- */

static void confirms(struct hub_world *world) {
    for (size_t index = 0; index < world->confirm_count; index++) {
        xd_hub_line_confirmed(&world->hub, world->confirms[index], true, world->now);
    }
    for (size_t index = 0; index < world->refused_count; index++) {
        xd_hub_line_confirmed(&world->hub, world->refused[index], false, world->now);
    }
    world->confirm_count = world->refused_count = 0;
}

void hub_world_turn(struct hub_world *world) {
    struct event events[MESSAGES_MAX + WORLD_CALLS + WORLD_WEBHOOKS + 1];
    void *pointers[MESSAGES_MAX + WORLD_CALLS + WORLD_WEBHOOKS + 1];
    size_t count = 0;
    reclaim(world);
    if (!world->running) {
        return;
    }
    confirms(world);
    for (struct wire *wire = world->queue.first; wire != NULL && count < MESSAGES_MAX; wire = wire->next) {
        if (!wire->delivered) {
            wire->delivered = true;
            events[count++] = (struct event){.kind = EVENT_MESSAGE, .wire = wire};
        }
    }
    for (size_t index = 0; index < WORLD_CALLS; index++) {
        if (answers(world, &world->calls[index])) {
            lie(&world->calls[index]);
            events[count++] = (struct event){.kind = EVENT_ERP, .pending = &world->calls[index]};
        }
    }
    for (size_t index = 0; index < world->webhook_count; index++) {
        struct world_webhook *webhook = &world->webhooks[index];
        if (webhook->answered && !webhook->lost) {
            webhook->lost = true;
            events[count++] = (struct event){.kind = EVENT_WEBHOOK, .webhook = webhook};
        }
    }
    if (world->api != NULL && !world->api->answered) {
        events[count++] = (struct event){.kind = EVENT_API};
    }
    for (size_t index = 0; index < count; index++) {
        pointers[index] = &events[index];
        if (events[index].kind == EVENT_ERP) { /* its worker is free, for calls of this very batch too */
            events[index].pending->gone = true;
        }
    }
    if (xd_turn_run(&world->turn, pointers, count, world->now) != XD_OK) {
        assert_true(world->may_stop);
        hub_world_crash(world);
        hub_world_start(world);
    }
    assert_true(xd_hub_check(&world->hub));
    assert_true(xd_stock_check(&world->hub));
}

void hub_world_step(struct hub_world *world) {
    world->now.monotonic += WORLD_STEP_MS;
    world->now.wall += WORLD_STEP_MS;
    erp_step(world);
    hub_world_turn(world);
    for (size_t index = 0; index < world->site_count; index++) {
        hub_world_site_turn(&world->sites[index]);
    }
}

void hub_world_run(struct hub_world *world, xd_ms ms) {
    for (xd_ms until = world->now.monotonic + ms; world->now.monotonic < until;) {
        hub_world_step(world);
    }
}

static bool is_quiet(struct hub_world *world) {
    if (!world->running || world->queue.count > 0) {
        return false;
    }
    for (size_t index = 0; index < WORLD_CALLS; index++) {
        if (world->calls[index].used) {
            return false;
        }
    }
    for (size_t index = 0; index < world->site_count; index++) {
        struct world_site *site = &world->sites[index];
        for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
            if (!site->running || site->queue.count > 0 || !site->site.line.welcomed ||
                xd_line_backlog(&site->site.line, lane) > 0 ||
                xd_line_backlog(&world->hub.sites[index]->line, lane) > 0) {
                return false;
            }
        }
    }
    return hub_world_count(world, "SELECT count(*) FROM job WHERE state IN (0, 1, 2)") == 0;
}

bool hub_world_quiet(struct hub_world *world, xd_ms ms) {
    unsigned quiet = 0; /* in a row: an echo or an ack may be about to leave */
    for (xd_ms until = world->now.monotonic + ms; world->now.monotonic < until && quiet < 20;) {
        hub_world_step(world);
        quiet = is_quiet(world) ? quiet + 1 : 0;
    }
    return quiet >= 20;
}

/* ---- the API ---- */

void hub_world_api_free(struct api_call *api) {
    free(api->text);
    api->text = NULL;
}

unsigned hub_world_post(struct hub_world *world, struct api_call *api) {
    world->api = api;
    hub_world_turn(world);
    world->api = NULL;
    return api->answered ? api->status : 0;
}

unsigned hub_world_order(struct hub_world *world, const char *key, const char *body) {
    struct api_call api = {.has_key = key != NULL, .body = strdup(body)};
    snprintf(api.key, sizeof api.key, "%s", key != NULL ? key : "");
    unsigned status = hub_world_post(world, &api);
    hub_world_api_free(&api);
    free(api.body);
    return status;
}

char *hub_world_order_text(int number, const char *site, const char *qty, char *out) {
    snprintf(out, 1024,
             "{\"external_order_id\":\"PO-%d\",\"channel\":{\"type\":\"portal\",\"account\":\"web\"},"
             "\"customer\":{\"external_ref\":\"CUST-1\"},\"currency\":\"EUR\",\"preferred_site\":\"%s\","
             "\"parties\":{\"ship_to\":{\"name\":\"Corner Shop\",\"address\":[\"1 Dock Road\"],"
             "\"city\":\"Leeds\",\"postal_code\":\"LS1 1AA\",\"country\":\"GB\"}},"
             "\"lines\":[{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"%s\",\"uom\":\"EA\"}]}",
             number, site, qty);
    return out;
}

/* ---- the books ---- */

static int64_t query(sqlite3 *handle, const char *sql) {
    sqlite3_stmt *statement = NULL;
    int64_t value = 0;
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    }
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    } else if (code != SQLITE_DONE) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    }
    (void)sqlite3_finalize(statement);
    return value;
}

int64_t hub_world_count(struct hub_world *world, const char *sql) {
    return query(hub_world_reader(world, WORLD_BOOK_HUB), sql);
}

int64_t hub_world_ledger(struct hub_world *world, const char *sql) {
    return query(hub_world_reader(world, WORLD_BOOK_ERP), sql);
}

static enum xd_result check_line(void *context, const struct xd_order_line_row *row) {
    (void)context;
    assert_true(xd_order_line_check(row));
    return XD_OK;
}

struct order_ids {
    char ids[200][XD_ID_SIZE];
    size_t count;
};

static enum xd_result collect_order(void *context, const struct xd_order_row *row) {
    struct order_ids *ids = context;
    memcpy(ids->ids[ids->count++], row->order_id, XD_ID_SIZE);
    return XD_OK;
}

void hub_world_books(struct hub_world *world) {
    struct order_ids *ids = calloc(1, sizeof *ids);
    char after[XD_ID_SIZE] = "";
    assert_non_null(ids);
    if (!world->running) {
        hub_world_start(world);
    }
    do {
        ids->count = 0;
        assert_ok(
            world->store.order_list(world->store.context, NULL, NULL, -1, after, 200, collect_order, ids));
        for (size_t index = 0; index < ids->count; index++) {
            assert_ok(world->store.order_lines(world->store.context, ids->ids[index], check_line, NULL));
            memcpy(after, ids->ids[index], sizeof after);
        }
    } while (ids->count == 200);
    free(ids);
    assert_int_equal(hub_world_count(world, "SELECT count(*) FROM confirmation WHERE lines_in <> "
                                            "lines_applied + lines_parked + lines_rejected"),
                     0);
    assert_int_equal(
        hub_world_count(world, "SELECT count(*) FROM confirmation WHERE state = 0 AND jobs_open < 1"), 0);
    assert_true(xd_hub_check(&world->hub));
    hub_world_check_events(world);
    for (size_t index = 0; index < world->site_count; index++) {
        assert_true(!world->sites[index].running || xd_site_check(&world->sites[index].site));
    }
}

int64_t hub_world_difference(struct hub_world *world) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    assert_ok(xd_view_reconciliation(&world->store, NULL, &text));
    cJSON *tree = cJSON_Parse(xd_buffer_string(&text));
    assert_non_null(tree);
    int64_t difference = (int64_t)cJSON_GetObjectItem(tree, "difference")->valuedouble;
    cJSON_Delete(tree);
    xd_buffer_free(&text);
    return difference;
}

static enum xd_result keep_order(void *context, const struct xd_order_row *row) {
    *(struct xd_order_row *)context = *row;
    return XD_OK;
}

static void find_order(struct hub_world *world, const char *external, struct xd_order_row *row) {
    memset(row, 0, sizeof *row);
    assert_ok(world->store.order_list(world->store.context, NULL, external, -1, "", 1, keep_order, row));
}

void hub_world_order_id(struct hub_world *world, const char *external, char out[XD_ID_SIZE]) {
    struct xd_order_row row;
    find_order(world, external, &row);
    memcpy(out, row.order_id, XD_ID_SIZE);
}

int hub_world_order_status(struct hub_world *world, const char *external) {
    struct xd_order_row row;
    find_order(world, external, &row);
    return row.order_id[0] != 0 ? row.status : -1;
}

static enum xd_result keep_release(void *context, const struct xd_release_row *row) {
    memcpy(context, row->release_id, XD_ID_SIZE);
    return XD_OK;
}

void hub_world_release_id(struct hub_world *world, const char *external, char out[XD_ID_SIZE]) {
    struct xd_order_row row;
    find_order(world, external, &row);
    out[0] = 0;
    assert_ok(world->store.release_of_order(world->store.context, row.order_id, keep_release, out));
}
