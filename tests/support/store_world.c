#include "support/store_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void entropy(void *context, void *out, size_t size) {
    struct store_world *world = context;
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++) {
        world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(world->random >> 56);
    }
}

void store_world_open(struct store_world *world) {
    char why[200] = "";
    memset(world, 0, sizeof *world);
    (void)snprintf(world->folder, sizeof world->folder, "/tmp/crossdock-store-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    (void)snprintf(world->path, sizeof world->path, "%.60s/agent.db", world->folder);
    world->env = (struct xd_env){.context = world, .entropy = entropy};
    struct xd_database_config config = {.path = world->path};
    if (xd_database_open(&config, XD_SCHEMA_SITE, &world->database, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
    xd_database_site_store(world->database, &world->store);
    const struct xd_store_tx *tx = &world->store.delivery.tx;
    assert_int_equal(tx->begin(tx->context), XD_OK);
}

void store_world_commit(struct store_world *world) {
    const struct xd_store_tx *tx = &world->store.delivery.tx;
    assert_int_equal(tx->commit(tx->context), XD_OK);
    assert_int_equal(tx->begin(tx->context), XD_OK);
}

void store_world_rollback(struct store_world *world) {
    const struct xd_store_tx *tx = &world->store.delivery.tx;
    tx->rollback(tx->context);
    assert_int_equal(tx->begin(tx->context), XD_OK);
}

void store_world_close(struct store_world *world) {
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".ballast"};
    char path[128];
    const struct xd_store_tx *tx = &world->store.delivery.tx;
    tx->rollback(tx->context);
    xd_database_close(world->database);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", world->path, suffixes[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(world->folder), 0);
}

struct search {
    const char *lane;
    bool sends, found;
    struct xd_stream_row *row;
};

static enum xd_result look(void *context, const struct xd_stream_row *row) {
    struct search *search = context;
    if (row->sends == search->sends && strcmp(row->lane, search->lane) == 0) {
        *search->row = *row;
        search->found = true;
    }
    return XD_OK;
}

void store_world_stream(struct store_world *world, bool sends, const char *lane, struct xd_stream_row *row) {
    const struct xd_delivery_store *store = &world->store.delivery;
    struct search search = {lane, sends, false, row};
    assert_int_equal(store->stream_each(store->context, NULL, look, &search), XD_OK);
    if (search.found) {
        return;
    }
    memset(row, 0, sizeof *row);
    (void)snprintf(row->peer, sizeof row->peer, "peer");
    (void)snprintf(row->lane, sizeof row->lane, "%s", lane);
    row->sends = sends;
    row->next = 1;
    if (sends) {
        (void)snprintf(row->epoch, sizeof row->epoch, "epoch-1");
    }
    assert_int_equal(store->stream_add(store->context, row), XD_OK);
}
