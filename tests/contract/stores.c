#include "contract/stores.h"

#include "sqlite/database.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct store_maker *stores_current;

static void *sqlite_open(const char *path, bool hub, int64_t quota_bytes) {
    struct xd_database_config config = {.path = path, .quota_bytes = quota_bytes};
    struct xd_database *database = NULL;
    char why[256];
    enum xd_result result =
        xd_database_open(&config, hub ? XD_SCHEMA_HUB : XD_SCHEMA_SITE, &database, why, sizeof why);
    if (result != XD_OK) {
        fail_msg("%s", why);
    }
    return database;
}

static void sqlite_close(void *store) {
    xd_database_close(store);
}

static void sqlite_site(void *store, struct xd_site_store *out) {
    xd_database_site_store(store, out);
}

static void sqlite_hub(void *store, struct xd_hub_store *out) {
    xd_database_hub_store(store, out);
}

const struct store_maker store_makers[] = {
    {"sqlite", sqlite_open, sqlite_close, sqlite_site, sqlite_hub},
};
const size_t store_maker_count = sizeof store_makers / sizeof store_makers[0];

static void fill(struct store_world *world) {
    if (world->is_hub) {
        stores_current->hub(world->store, &world->hub);
        world->delivery = &world->hub.delivery;
    } else {
        stores_current->site(world->store, &world->site);
        world->delivery = &world->site.delivery;
    }
}

static int setup(void **state, bool hub) {
    struct store_world *world = calloc(1, sizeof *world);
    if (world == NULL) {
        return -1;
    }
    (void)snprintf(world->folder, sizeof world->folder, "/tmp/xd-store-XXXXXX");
    if (mkdtemp(world->folder) == NULL) {
        free(world);
        return -1;
    }
    (void)snprintf(world->path, sizeof world->path, "%s/store.db", world->folder);
    world->is_hub = hub;
    world->store = stores_current->open(world->path, hub, 0);
    fill(world);
    *state = world;
    return 0;
}

int stores_setup_site(void **state) {
    return setup(state, false);
}

int stores_setup_hub(void **state) {
    return setup(state, true);
}

void stores_remove_folder(const char *folder) {
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        return;
    }
    const struct dirent *entry = NULL;
    /* cppcheck-suppress readdirCalled */
    while ((entry = readdir(entries)) != NULL) { /* each folder has one user */
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)unlink(path); /* fails for . and .. */
    }
    (void)closedir(entries);
    (void)rmdir(folder);
}

int stores_teardown(void **state) {
    struct store_world *world = *state;
    if (world->store != NULL) {
        stores_current->close(world->store);
    }
    stores_remove_folder(world->folder);
    free(world);
    return 0;
}

void stores_reopen(struct store_world *world, int64_t quota_bytes) {
    stores_current->close(world->store);
    world->store = NULL;
    world->store = stores_current->open(world->path, world->is_hub, quota_bytes);
    fill(world);
}

void stores_begin(struct store_world *world) {
    assert_ok(world->delivery->tx.begin(world->delivery->tx.context));
}

void stores_commit(struct store_world *world) {
    assert_ok(world->delivery->tx.commit(world->delivery->tx.context));
}

struct xd_hash stores_hash(int seed) {
    struct xd_hash hash;
    memset(hash.bytes, seed, sizeof hash.bytes);
    return hash;
}

struct xd_decimal stores_decimal(const char *text) {
    struct xd_decimal value;
    assert_ok(xd_decimal_parse(text, &value));
    return value;
}
