/* What every implementation of hub/sla/sla_store.h must do. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 16

struct seen {
    size_t count;
    struct xd_deadline_row rows[SEEN_MAX];
};

static enum xd_result see(void *context, const struct xd_deadline_row *row) {
    struct seen *seen = context;
    assert_true(seen->count < SEEN_MAX);
    seen->rows[seen->count++] = *row;
    return XD_OK;
}

static void put(struct store_world *world, const char *order_id, int promise, int stage, xd_ms at,
                xd_ms due) {
    struct xd_deadline_row row = {.promise = promise, .stage = stage, .at = at, .due = due};
    (void)snprintf(row.order_id, sizeof row.order_id, "%s", order_id);
    assert_ok(world->hub.sla.put(world->hub.context, &row));
}

static void of_order(struct store_world *world, const char *order_id, struct seen *seen) {
    seen->count = 0;
    assert_ok(world->hub.sla.of_order(world->hub.context, order_id, see, seen));
}

static void due(struct store_world *world, xd_ms now, size_t max, struct seen *seen) {
    seen->count = 0;
    assert_ok(world->hub.sla.due(world->hub.context, now, max, see, seen));
}

static void deadline_comes_back_as_it_was_put_last(void **state) {
    struct store_world *world = *state;
    struct seen seen;
    stores_begin(world);
    put(world, "O1", XD_PROMISE_SHIPPED, XD_DEADLINE_WAITS, 80, 100);
    put(world, "O1", XD_PROMISE_ACCEPTED, XD_DEADLINE_WAITS, 8, 10);
    put(world, "O2", XD_PROMISE_SHIPPED, XD_DEADLINE_WAITS, 80, 100);
    put(world, "O1", XD_PROMISE_SHIPPED, XD_DEADLINE_WARNED, 101, 101);
    stores_commit(world);
    stores_reopen(world, 0);
    of_order(world, "O1", &seen);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.rows[0].promise, XD_PROMISE_ACCEPTED);
    assert_string_equal(seen.rows[1].order_id, "O1");
    assert_int_equal(seen.rows[1].promise, XD_PROMISE_SHIPPED);
    assert_int_equal(seen.rows[1].stage, XD_DEADLINE_WARNED);
    assert_int_equal(seen.rows[1].at, 101);
    assert_int_equal(seen.rows[1].due, 101);
    of_order(world, "O3", &seen);
    assert_int_equal(seen.count, 0);
}

static void dropped_deadline_is_gone_and_may_be_dropped_again(void **state) {
    struct store_world *world = *state;
    struct seen seen;
    bool any = true;
    stores_begin(world);
    assert_ok(world->hub.sla.any(world->hub.context, &any));
    assert_false(any);
    put(world, "O1", XD_PROMISE_SHIPPED, XD_DEADLINE_BREACHED, 0, 100);
    put(world, "O1", XD_PROMISE_RELEASED, XD_DEADLINE_BREACHED, 0, 100);
    assert_ok(world->hub.sla.any(world->hub.context, &any));
    assert_true(any);
    assert_ok(world->hub.sla.drop(world->hub.context, "O1", XD_PROMISE_SHIPPED));
    assert_ok(world->hub.sla.drop(world->hub.context, "O1", XD_PROMISE_SHIPPED));
    of_order(world, "O1", &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.rows[0].promise, XD_PROMISE_RELEASED);
    stores_commit(world);
}

static void due_ones_come_longest_due_first_and_no_more_than_asked_for(void **state) {
    struct store_world *world = *state;
    struct seen seen;
    stores_begin(world);
    put(world, "O1", XD_PROMISE_SHIPPED, XD_DEADLINE_WAITS, 300, 400);
    put(world, "O2", XD_PROMISE_SHIPPED, XD_DEADLINE_WAITS, 100, 400);
    put(world, "O3", XD_PROMISE_SHIPPED, XD_DEADLINE_WARNED, 200, 200);
    put(world, "O4", XD_PROMISE_SHIPPED, XD_DEADLINE_BREACHED, 0, 50); /* all is told */
    stores_commit(world);
    due(world, 99, 8, &seen);
    assert_int_equal(seen.count, 0);
    due(world, 299, 8, &seen);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.rows[0].order_id, "O2");
    assert_string_equal(seen.rows[1].order_id, "O3");
    due(world, 300, 8, &seen);
    assert_int_equal(seen.count, 3);
    due(world, 300, 1, &seen);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.rows[0].order_id, "O2");
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(deadline_comes_back_as_it_was_put_last),
        HUB_TEST(dropped_deadline_is_gone_and_may_be_dropped_again),
        HUB_TEST(due_ones_come_longest_due_first_and_no_more_than_asked_for),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
