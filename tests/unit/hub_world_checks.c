/* What the tests of the hub's world have in common. */
#include "unit/hub_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hub_world_setup(void **state) {
    struct hub_world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    hub_world_open(world, 1);
    (void)hub_world_add_site(world, "WH1");
    *state = world;
    return 0;
}

int hub_world_teardown(void **state) {
    hub_world_close(*state);
    free(*state);
    return 0;
}

void hub_world_place(struct hub_world *world, int number, const char *qty) {
    char text[1024], key[32];
    snprintf(key, sizeof key, "key-%d", number);
    assert_int_equal(hub_world_order(world, key, hub_world_order_text(number, "WH1", qty, text)), 202);
}

/* Order `number` is released and at the WMS; its release's id into out. */
void hub_world_released(struct hub_world *world, int number, const char *qty, char out[XD_ID_SIZE]) {
    char external[32];
    hub_world_place(world, number, qty);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    snprintf(external, sizeof external, "PO-%d", number);
    hub_world_release_id(world, external, out);
    assert_int_equal(strlen(out), 18);
    assert_non_null(hub_world_heard(&world->sites[0], "release", out));
}

void assert_count(struct hub_world *world, const char *sql, int64_t expected) {
    int64_t count = hub_world_count(world, sql);
    if (count != expected) {
        fail_msg("%s: %lld, not %lld", sql, (long long)count, (long long)expected);
    }
}

void assert_ledger(struct hub_world *world, const char *sql, int64_t expected) {
    int64_t count = hub_world_ledger(world, sql);
    if (count != expected) {
        fail_msg("%s: %lld, not %lld", sql, (long long)count, (long long)expected);
    }
}

void assert_exceptions(struct hub_world *world, const char *code, int64_t expected) {
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM exception WHERE open = 1 AND code = '%s'", code);
    assert_count(world, sql, expected);
}

void assert_heard(const struct world_site *site, const char *tail, const char *id, const char *part) {
    const char *text = hub_world_heard(site, tail, id);
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("%s of %s: no %s in %s", tail, id, part, text != NULL ? text : "nothing");
    }
}
