/* The agent's turn without its threads: the same batches, savepoints and commits;
 * what the turn would let out is dropped. */
#include "bench/site_rig.h"

#include "base/memory.h"
#include "common/turn.h"
#include "posix/runtime/sha256.h"
#include "posix/runtime/world.h"
#include "site/site.h"
#include "sqlite/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DOCUMENT_BYTES 1024
#define PAD_BYTES 1024

struct bench_rig {
    struct xd_database *database;
    struct xd_site_store store;
    struct xd_site site;
    struct xd_turn turn;
    char topic[XD_TOPIC_SIZE];
};

double bench_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_die(const char *what, const char *why) {
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void check(enum xd_result result, const char *what) {
    if (result != XD_OK) {
        bench_die(what, xd_result_name(result));
    }
}

static int print_document(size_t number, int pad, char out[BENCH_DOCUMENT_SIZE]) {
    static char filled[PAD_BYTES + 1];
    if (filled[0] == 0) {
        for (size_t index = 0; index < PAD_BYTES; index++) {
            filled[index] = (char)('a' + index % 26);
        }
    }
    return snprintf(out, BENCH_DOCUMENT_SIZE,
                    "{\"confirmation_id\":\"C-%09zu\",\"version\":1,\"kind\":\"SHIP\",\"reporting\":\"FULL\","
                    "\"shipment_id\":\"S-%09zu\",\"release_ids\":[\"R-%09zu\"],"
                    "\"shipped_at\":\"2026-11-23T10:00:00+01:00\",\"attributes\":{\"note\":\"%.*s\"},"
                    "\"lines\":[{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"10\",\"uom\":\"EA\"},"
                    "{\"line_id\":\"2\",\"sku\":\"GADGET\",\"qty_shipped\":\"2.5\",\"uom\":\"KG\"}]}",
                    number, number, number, pad, filled);
}

struct xd_bytes bench_document(size_t number, char out[BENCH_DOCUMENT_SIZE]) {
    int bare = print_document(number, 0, out);
    int size = print_document(number, DOCUMENT_BYTES - bare, out);
    return xd_bytes_of(out, (size_t)size);
}

/* ---- the turn's operations ---- */

static enum xd_result decide(void *context, void *event, struct xd_now now, struct xd_effects *effects) {
    struct bench_rig *rig = context;
    return xd_site_wms_message(&rig->site, event, now, effects);
}

static void refuse(void *context, void *event, enum xd_result why, struct xd_effects *effects) {
    (void)context;
    (void)event;
    (void)effects;
    bench_die("a document was refused", xd_result_name(why));
}

static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    struct bench_rig *rig = context;
    return xd_site_tick(&rig->site, 0, now, effects);
}

static enum xd_result reload(void *context, bool restart) {
    struct bench_rig *rig = context;
    return xd_site_reload(&rig->site, restart);
}

static void release(void *context, struct xd_effects *effects) {
    (void)context;
    (void)effects;
}

/* ---- the rig ---- */

static void open_site(struct bench_rig *rig, const char *site) {
    const struct xd_store_tx *tx = &rig->store.delivery.tx;
    struct xd_site_config config = {.env = xd_world_env(),
                                    .store = &rig->store,
                                    .site = site,
                                    .version = XD_VERSION,
                                    .release_retry_ms_min = XD_SECOND_MS,
                                    .release_retry_ms_max = XD_MINUTE_MS,
                                    .retention_ms = 7 * XD_DAY_MS,
                                    .status_ms = XD_MINUTE_MS};
    check(tx->begin(tx->context), "begin");
    check(xd_site_open(&rig->site, &config, xd_world_now()), "opening the site");
    check(tx->commit(tx->context), "commit");
    xd_site_set_room(&rig->site, 0, 0, INT64_MAX);
    xd_site_topic(&rig->site, "confirmation", rig->topic);
}

struct bench_rig *bench_rig_open(const char *folder, const char *site) {
    char path[4096], why[512];
    xd_memory_adopt_cjson();
    check(xd_crypto_accelerate(xd_fast_sha256), "SHA-256"); /* as the agent does */
    struct bench_rig *rig = xd_alloc(sizeof *rig);
    if (rig == NULL) {
        bench_die(folder, "no memory");
    }
    (void)snprintf(path, sizeof path, "%s/agent.db", folder);
    struct xd_database_config config = {.path = path};
    if (xd_database_open(&config, XD_SCHEMA_SITE, &rig->database, why, sizeof why) != XD_OK) {
        bench_die(path, why);
    }
    xd_database_site_store(rig->database, &rig->store);
    open_site(rig, site);
    struct xd_turn_ops ops = {rig, decide, refuse, settle, reload, release};
    xd_turn_init(&rig->turn, &ops, &rig->store.delivery.tx, NULL);
    return rig;
}

void bench_rig_close(struct bench_rig *rig) {
    xd_turn_free(&rig->turn);
    xd_site_close(&rig->site);
    xd_database_close(rig->database);
    xd_free(rig);
}

void bench_rig_take(struct bench_rig *rig, size_t first, size_t count, size_t batch) {
    static char texts[XD_TURN_EVENTS_MAX][BENCH_DOCUMENT_SIZE];
    struct xd_wms_message messages[XD_TURN_EVENTS_MAX];
    void *events[XD_TURN_EVENTS_MAX];
    batch = batch < XD_TURN_EVENTS_MAX ? batch : XD_TURN_EVENTS_MAX;
    for (size_t done = 0; done < count;) {
        size_t now = count - done < batch ? count - done : batch;
        for (size_t index = 0; index < now; index++) {
            messages[index] = (struct xd_wms_message){
                .topic = rig->topic, .payload = bench_document(first + done + index, texts[index])};
            events[index] = &messages[index];
        }
        check(xd_turn_run(&rig->turn, events, now, xd_world_now()), "the turn");
        done += now;
    }
    if (rig->site.counters.rejected + rig->site.counters.duplicates > 0) {
        bench_die("the rig", "not every document was accepted");
    }
}
