/* The real core over real SQLite stores, through the real turn: the input is a list of events, legal and
 * illegal. After every event the core's own checks hold (the world makes them), and in the end the books do:
 *
 *   - every line of an order, every confirmation adds up (hub_world_books)
 *   - what the hub takes for done in the ERP is there, once; nothing is there that it never asked for
 *   - what a release's lines shipped is what the order's lines shipped
 *   - an order that was answered by 202 is there, whatever crashed
 *
 * When the input asks for it (its first byte is odd) nobody lies in another's name, in the end the trouble is
 * over and everything must come to rest: no backlog, no open job, every accepted confirmation known to the
 * hub. */
#include "fuzz/core.h"

#include "base/memory.h"
#include "erp/ledger/ledger.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 60u
#define RECORD_SIZE 20u /* bytes for each event, so that a change of one does not change all that follow */
#define FLAG_REST 1u
#define FLAG_AUTO_WMS 2u
#define FLAG_BEGUN 4u
#define REST_MS (30 * MINUTE_MS)

static struct core core;

/* ---- the site's commits ---- */

static const struct xd_store_tx *site_store_tx(void) {
    return &core.world.sites[0].store.delivery.tx;
}
static enum xd_result site_begin(void *context) {
    (void)context;
    return site_store_tx()->begin(site_store_tx()->context);
}
static enum xd_result site_commit(void *context) {
    (void)context;
    if (core.site_commits_fail > 0) {
        core.site_commits_fail--;
        site_store_tx()->rollback(site_store_tx()->context);
        return XD_FULL;
    }
    return site_store_tx()->commit(site_store_tx()->context);
}
static void site_rollback(void *context) {
    (void)context;
    site_store_tx()->rollback(site_store_tx()->context);
}
static enum xd_result site_savepoint(void *context) {
    (void)context;
    return site_store_tx()->savepoint(site_store_tx()->context);
}
static enum xd_result site_keep(void *context) {
    (void)context;
    return site_store_tx()->keep(site_store_tx()->context);
}
static enum xd_result site_undo(void *context) {
    (void)context;
    return site_store_tx()->undo(site_store_tx()->context);
}

static void wrap_site(void) {
    core.site_tx = (struct xd_store_tx){NULL,           site_begin, site_commit, site_rollback,
                                        site_savepoint, site_keep,  site_undo};
    core.world.sites[0].turn.tx = &core.site_tx;
}

void core_site_start(struct core *self) {
    hub_world_site_start(&self->world.sites[0]);
    wrap_site();
}

/* ---- the ERP ---- */

/* Only what an ERP may do: an answer is true, or UNKNOWN; a call lands within the longest life or never. */
static void plan(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *out) {
    unsigned what = fuzz_below(&core.input, 8);
    xd_ms later = (xd_ms)fuzz_byte(&core.input) * 100;
    (void)world;
    *out = (struct call_plan){0};
    switch (what) {
    case 1: /* slow */
        *out = (struct call_plan){.lands_ms = later / 2, .answers_ms = later};
        break;
    case 2: /* a gateway's timeout before it lands */
        *out =
            (struct call_plan){.lands_ms = later, .answers_ms = 200, .lies = true, .outcome = XD_ERP_UNKNOWN};
        break;
    case 3: /* lost on its way */
        *out =
            (struct call_plan){.lands_ms = -1, .answers_ms = later, .lies = true, .outcome = XD_ERP_UNKNOWN};
        break;
    case 4:
        *out = (struct call_plan){
            .lands_ms = -1, .answers_ms = later, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
        break;
    case 5: /* looked at and refused; a look-up is never refused */
        *out = (struct call_plan){.lands_ms = -1,
                                  .answers_ms = 100,
                                  .lies = true,
                                  .outcome = call->find ? XD_ERP_UNAVAILABLE : XD_ERP_REJECTED};
        break;
    case 6: /* the answer was lost, and the worker gives up */
        *out =
            (struct call_plan){.lands_ms = 0, .answers_ms = 40000, .lies = true, .outcome = XD_ERP_UNKNOWN};
        break;
    default:
        break;
    }
    if (call->find && out->lies) { /* a look-up has no unknown outcome */
        out->outcome = XD_ERP_UNAVAILABLE;
    }
}

/* ---- events ---- */

static bool calls_on_their_way(void) {
    for (size_t i = 0; i < WORLD_CALLS; i++) {
        const struct pending_call *pending = &core.world.calls[i];
        if (pending->used && !pending->landed && pending->plan.lands_ms >= 0) {
            return true;
        }
    }
    return false;
}

static void run_time(void) {
    unsigned steps = 1 + fuzz_below(&core.input, 16);
    for (; steps > 0; steps--) {
        hub_world_step(&core.world);
    }
}

/* A jump over a call that has not landed would make its life longer than the ERP promises. */
static void jump(void) {
    static const xd_ms spans[] = {1000,       5000,      31000,         XD_MINUTE_MS * 3,
                                  XD_HOUR_MS, XD_DAY_MS, 8 * XD_DAY_MS, 40 * XD_DAY_MS};
    xd_ms span = spans[fuzz_below(&core.input, 8)];
    unsigned wall = fuzz_below(&core.input, 8);
    core.world.now.monotonic += calls_on_their_way() ? 1000 : span;
    core.world.now.wall += wall < 5 ? span : wall == 5 ? -span : 0;
    hub_world_step(&core.world);
}

static void crash_or_start(void) {
    struct world_site *site = &core.world.sites[0];
    switch (fuzz_below(&core.input, 5)) {
    case 0: /* after a commit, and nothing of it gets out */
        if (!core.world.running) {
            break;
        }
        core.world.drop_effects = true;
        hub_world_step(&core.world);
        hub_world_crash(&core.world);
        hub_world_start(&core.world);
        break;
    case 1:
        hub_world_crash(&core.world);
        break;
    case 2:
        if (!core.world.running) {
            hub_world_start(&core.world);
        }
        break;
    case 3:
        hub_world_site_crash(site);
        break;
    default:
        if (!site->running) {
            core_site_start(&core);
        }
        break;
    }
}

static void fail_store(void) {
    switch (fuzz_below(&core.input, 3)) {
    case 0:
        core.world.fail_commit = true;
        break;
    case 1:
        core.world.fail_batch = true;
        break;
    default:
        core.site_commits_fail = 1 + fuzz_below(&core.input, 3);
        break;
    }
}

static void copy_or_restore(void) {
    if (fuzz_below(&core.input, 2) == 0) {
        if (core.world.running) {
            hub_world_copy(&core.world);
            core.copied = true;
        }
    } else if (core.copied) {
        hub_world_restore(&core.world);
        core.restored = true;
    }
}

static void change_site(void) {
    struct world_site *site = &core.world.sites[0];
    int64_t used = (int64_t)fuzz_byte(&core.input) * 10;
    if (!site->running) {
        return;
    }
    switch (fuzz_below(&core.input, 3)) {
    case 0:
        xd_site_wms_down(&site->site);
        break;
    case 1: {
        struct xd_effects effects;
        xd_effects_init(&effects, NULL);
        xd_site_wms_up(&site->site, core.world.now, &effects);
        xd_effects_free(&effects);
        break;
    }
    default:
        xd_site_set_room(&site->site, used, 1280, fuzz_below(&core.input, 2) == 0 ? 0 : (int64_t)1 << 40);
        break;
    }
}

static void event(void) {
    switch (fuzz_below(&core.input, 20)) {
    case 1:
    case 2:
        core_order(&core);
        break;
    case 3:
    case 4:
    case 5:
        core_wms(&core);
        break;
    case 6:
        core_wire(&core);
        break;
    case 7:
        core_forge(&core);
        break;
    case 8:
        core_confirm(&core);
        break;
    case 9:
        core_line(&core);
        break;
    case 10:
        core_append_up(&core);
        break;
    case 11:
        core_append_down(&core);
        break;
    case 12:
        core_add_site(&core);
        break;
    case 13:
        crash_or_start();
        break;
    case 14:
        fail_store();
        break;
    case 15:
        copy_or_restore();
        break;
    case 16:
        change_site();
        break;
    case 17:
        jump();
        break;
    default:
        run_time();
        break;
    }
}

/* Two orders are at the site: what follows has something to speak of. */
static void begin(void) {
    for (int number = 0; number < 2; number++) {
        char text[1024], key[16];
        (void)snprintf(key, sizeof key, "key-%d", number);
        CHECK(hub_world_order(&core.world, key, hub_world_order_text(number, "WH1", "10", text)) == 202);
        core.accepted[number] = true;
    }
    hub_world_run(&core.world, 1500);
}

/* ---- the books ---- */

static void expect_none(sqlite3 *handle, const char *sql) {
    sqlite3_stmt *statement = NULL;
    CHECK(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(statement) == SQLITE_ROW);
    if (sqlite3_column_int64(statement, 0) != 0) {
        (void)fprintf(stderr, "%lld of: %s\n", (long long)sqlite3_column_int64(statement, 0), sql);
        fuzz_broken(__FILE__, __LINE__, "the books");
    }
    (void)sqlite3_finalize(statement);
}

static void check_books(void) {
    sqlite3 *handle = NULL;
    char sql[256];
    CHECK(sqlite3_open_v2(core.world.hub_path, &handle, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    (void)snprintf(sql, sizeof sql, "ATTACH '%s' AS ledger", core.world.ledger_path);
    CHECK(sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK);
    /* kinds: 0 sale, 1 shipment, 2 adjustment; state 3: done */
    expect_none(handle, "SELECT count(*) FROM job WHERE kind = 0 AND state = 3 AND NOT EXISTS"
                        " (SELECT 1 FROM ledger.sale s WHERE s.reference = job.reference)");
    expect_none(handle, "SELECT count(*) FROM job WHERE kind = 1 AND state = 3 AND NOT EXISTS"
                        " (SELECT 1 FROM ledger.shipment s WHERE s.reference = job.reference)");
    expect_none(handle, "SELECT count(*) FROM job WHERE kind = 2 AND state = 3 AND NOT EXISTS"
                        " (SELECT 1 FROM ledger.adjustment a WHERE a.reference = job.reference)");
    expect_none(handle, "SELECT count(*) FROM orders WHERE (SELECT count(*) FROM job WHERE kind = 0 AND"
                        " job.order_id = orders.order_id) > 1");
    expect_none(handle,
                "SELECT count(*) FROM (SELECT l.number, CAST(l.shipped AS REAL) AS a, coalesce((SELECT"
                " sum(CAST(r.shipped AS REAL)) FROM release e JOIN release_line r ON r.n = e.n WHERE"
                " e.order_id = o.order_id AND r.line_id = l.line_id), 0) AS b FROM orders o JOIN"
                " order_line l ON l.n = o.n) WHERE abs(a - b) > 1e-9 * (abs(a) + abs(b))");
    if (!core.restored) { /* a hub that went back asks again, by the same references, in its own time */
        expect_none(handle, "SELECT count(*) FROM ledger.sale s WHERE NOT EXISTS"
                            " (SELECT 1 FROM job WHERE kind = 0 AND job.reference = s.reference)");
        expect_none(handle, "SELECT count(*) FROM ledger.shipment s WHERE NOT EXISTS"
                            " (SELECT 1 FROM job WHERE kind = 1 AND job.reference = s.reference)");
        for (unsigned i = 0; i < CORE_ORDERS; i++) {
            (void)snprintf(sql, sizeof sql,
                           "SELECT %d - count(*) FROM orders WHERE external_order_id = 'PO-%u'",
                           core.accepted[i], i);
            if (core.accepted[i]) {
                expect_none(handle, sql);
            }
        }
    }
    CHECK(sqlite3_close(handle) == SQLITE_OK);
}

/* A receipt that says "accepted" is a promise: the hub has it, or an exception for it. */
static void check_receipts(void) {
    char topic[XD_TOPIC_SIZE], sql[256];
    (void)snprintf(topic, sizeof topic, "crossdock/WH1/receipt");
    for (const struct wms_text *heard = core.world.sites[0].heard; heard != NULL; heard = heard->next) {
        if (strcmp(heard->topic, topic) != 0) {
            continue;
        }
        cJSON *tree = cJSON_Parse(heard->text);
        CHECK(tree != NULL);
        const char *status = xd_json_text(tree, "status"), *document = xd_json_text(tree, "document");
        const char *id = xd_json_text(tree, "document_id");
        CHECK(status != NULL);
        if (strcmp(status, "accepted") == 0 && document != NULL && strcmp(document, "confirmation") == 0 &&
            strchr(id, '\'') == NULL) {
            (void)snprintf(sql, sizeof sql,
                           "SELECT (SELECT count(*) FROM confirmation WHERE confirmation_id = '%.80s') +"
                           " (SELECT count(*) FROM exception WHERE document_id = '%.80s')",
                           id, id);
            if (hub_world_count(&core.world, sql) == 0) {
                (void)fprintf(stderr, "the hub knows nothing of %s\n", heard->text);
                fuzz_broken(__FILE__, __LINE__, "accepted means durable");
            }
        }
        cJSON_Delete(tree);
    }
}

/* What the API shows is JSON, whatever strangers wrote into it. */
static void shown(enum xd_result result, struct xd_buffer *text) {
    CHECK(result == XD_OK && xd_buffer_result(text) == XD_OK);
    (void)fuzz_hash_of(xd_buffer_view(text));
    xd_buffer_clear(text);
}

static void check_views(void) {
    const struct xd_hub_store *store = &core.world.store;
    struct xd_view_orders all = {.status = -1, .cursor = "", .max = 200};
    const struct xd_exception_filter any = {.open_only = false};
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    shown(xd_view_order_list(store, &all, &text), &text);
    shown(xd_view_sites(store, NULL, core.world.now.wall, &text), &text);
    shown(xd_view_exceptions(store, &any, "", 200, &text), &text);
    shown(xd_view_reconciliation(store, NULL, &text), &text);
    shown(xd_view_status(store, core.world.now.wall, &text), &text);
    for (unsigned i = 0; i < CORE_ORDERS; i++) {
        char external[32], id[XD_ID_SIZE];
        (void)snprintf(external, sizeof external, "PO-%u", i);
        hub_world_order_id(&core.world, external, id);
        if (id[0] != '\0') {
            shown(xd_view_order(store, id, &text), &text);
            shown(xd_view_timeline(store, id, &text), &text);
        }
        hub_world_release_id(&core.world, external, id);
        if (id[0] != '\0') {
            shown(xd_view_release(store, id, &text), &text);
        }
    }
    xd_buffer_free(&text);
}

/* What is still under way. */
static void tell_unrest(void) {
    const struct xd_line *hub = &core.world.hub.sites[0]->line, *site = &core.world.sites[0].site.line;
    (void)fprintf(stderr, "messages: %zu to the hub, %zu to the site; welcomed: hub %d, site %d\n",
                  core.world.queue.count, core.world.sites[0].queue.count, hub->welcomed, site->welcomed);
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        (void)fprintf(stderr, "lane %u: backlog of the hub %llu, of the site %llu\n", lane,
                      (unsigned long long)xd_line_backlog(hub, lane),
                      (unsigned long long)xd_line_backlog(site, lane));
    }
    (void)fprintf(stderr, "jobs open: %lld queued, %lld sent, %lld unknown; %u calls\n",
                  (long long)hub_world_count(&core.world, "SELECT count(*) FROM job WHERE state = 0"),
                  (long long)hub_world_count(&core.world, "SELECT count(*) FROM job WHERE state = 1"),
                  (long long)hub_world_count(&core.world, "SELECT count(*) FROM job WHERE state = 2"),
                  xd_hub_erp_calls(&core.world.hub));
    for (size_t i = 0; i < WORLD_CALLS; i++) {
        const struct pending_call *pending = &core.world.calls[i];
        if (pending->used) {
            (void)fprintf(stderr, "call: find %d landed %d gone %d lands %lld answers %lld\n",
                          pending->call->find, pending->landed, pending->gone,
                          (long long)pending->plan.lands_ms, (long long)pending->plan.answers_ms);
        }
    }
}

static void come_to_rest(void) {
    struct hub_world *world = &core.world;
    struct world_site *site = &world->sites[0];
    struct xd_effects effects;
    core.input.size = 0; /* from here on all goes well */
    world->fail_commit = world->fail_batch = false;
    core.site_commits_fail = 0;
    if (!world->running) {
        hub_world_start(world);
    }
    if (!site->running) {
        core_site_start(&core);
    }
    if (!site->online) {
        xd_site_line_up(&site->site, world->now);
        site->online = true;
    }
    if (!world->hub.up) {
        xd_hub_line_up(&world->hub, world->now);
    }
    xd_site_set_room(&site->site, 0, 0, (int64_t)1 << 40);
    xd_effects_init(&effects, NULL);
    xd_site_wms_up(&site->site, world->now, &effects);
    xd_effects_free(&effects);
    if (!hub_world_quiet(world, REST_MS)) {
        tell_unrest();
        fuzz_broken(__FILE__, __LINE__, "it comes to rest");
    }
    check_receipts();
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    xd_memory_adopt_cjson();
    (void)setenv("CMOCKA_TEST_ABORT", "1", 1); /* the world's assertions belong to no cmocka test here */
    (void)setenv("TMPDIR", fuzz_folder(), 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    memset(&core, 0, sizeof core);
    struct fuzz_input rest = {data, size};
    unsigned flags = fuzz_byte(&rest);
    core.honest = (flags & FLAG_REST) != 0;
    hub_world_open(&core.world, 1);
    (void)hub_world_add_site(&core.world, "WH1");
    wrap_site();
    core.world.plan = plan;
    core.world.auto_wms = (flags & FLAG_AUTO_WMS) != 0;
    if ((flags & FLAG_BEGUN) != 0) {
        begin();
    }
    for (unsigned i = 0; i < EVENTS_MAX && rest.size > 0; i++) {
        struct xd_bytes record = fuzz_take(&rest, RECORD_SIZE);
        core.input = (struct fuzz_input){record.data, record.size};
        event();
    }
    if ((flags & FLAG_REST) != 0 && !core.byzantine) {
        come_to_rest();
    }
    if (!core.world.running) {
        hub_world_start(&core.world);
    }
    check_books();
    check_views();
    hub_world_close(&core.world);
    return 0;
}
