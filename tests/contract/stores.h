/* Every implementation of the stores, for the contract suites, and small helpers
 * that those share. */
#ifndef XD_TESTS_CONTRACT_STORES_H
#define XD_TESTS_CONTRACT_STORES_H

#include "hub/store.h"
#include "site/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct store_maker {
    const char *name;
    /* Opens or creates; fails the test when it cannot. quota_bytes 0: none. */
    void *(*open)(const char *path, bool hub, int64_t quota_bytes);
    void (*close)(void *store);
    void (*site)(void *store, struct xd_site_store *out);
    void (*hub)(void *store, struct xd_hub_store *out);
};
extern const struct store_maker store_makers[];
extern const size_t store_maker_count;

/* A store in a folder of its own, opened; the setup and teardown of each test.
 * The suite sets `stores_current` before it runs a group. */
struct store_world {
    char folder[64];
    char path[96];
    bool is_hub;
    void *store;
    struct xd_site_store site;
    struct xd_hub_store hub;
    struct xd_delivery_store *delivery;
};
extern const struct store_maker *stores_current;

int stores_setup_site(void **state);
int stores_setup_hub(void **state);
int stores_teardown(void **state);
/* Closes and opens again, as after a restart. */
void stores_reopen(struct store_world *world, int64_t quota_bytes);
void stores_begin(struct store_world *world);
void stores_commit(struct store_world *world);
/* Removes the folder and what is in it. */
void stores_remove_folder(const char *folder);

/* A hash that is all `seed`. */
struct xd_hash stores_hash(int seed);
struct xd_decimal stores_decimal(const char *text);

#define assert_ok(expression) assert_int_equal((expression), XD_OK)
#define assert_decimal(value, text)                                                                          \
    do {                                                                                                     \
        char written_[XD_DECIMAL_TEXT_MAX];                                                                  \
        assert_string_equal(xd_decimal_write((value), written_), (text));                                    \
    } while (0)
#define assert_hash(value, seed)                                                                             \
    do {                                                                                                     \
        struct xd_hash expected_ = stores_hash(seed);                                                        \
        assert_memory_equal((value).bytes, expected_.bytes, XD_HASH_SIZE);                                   \
    } while (0)

#endif
