/* A SQLite store in a folder of its own with a transaction open, and an entropy
 * that counts: for modules that need a store and little else. */
#ifndef XD_TESTS_STORE_WORLD_H
#define XD_TESTS_STORE_WORLD_H

#include "base/env.h"
#include "site/store.h"
#include "sqlite/database.h"

struct store_world {
    char folder[64], path[96];
    uint64_t random;
    struct xd_env env;
    struct xd_database *database;
    struct xd_site_store store;
};

/* Both fail the test when they cannot. */
void store_world_open(struct store_world *world);
void store_world_close(struct store_world *world);
/* Commits what was done and begins anew. */
void store_world_commit(struct store_world *world);
/* Undoes everything since the last commit and begins anew. */
void store_world_rollback(struct store_world *world);
/* A stream's row: made when it is not there yet. */
void store_world_stream(struct store_world *world, bool sends, const char *lane, struct xd_stream_row *row);

#endif
