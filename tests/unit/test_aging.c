/* How long something is kept: by time that counted, over restarts, never sooner. */
#include "delivery/aging.h"
#include "support/store_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define KEEP_MS (8 * XD_DAY_MS)
#define STEP_MS (5 * XD_MINUTE_MS)

static struct store_world world;
static struct xd_aging aging;
static xd_ms monotonic;
static const char *series;

static int open_aging(void **state) {
    (void)state;
    store_world_open(&world);
    memset(&aging, 0, sizeof aging);
    monotonic = 1000;
    series = "epoch-1";
    return 0;
}

static int close_aging(void **state) {
    (void)state;
    store_world_close(&world);
    return 0;
}

static uint64_t step(uint64_t upto, bool counts) {
    struct xd_aging_step what = {.name = "kept/1",
                                 .series = series,
                                 .upto = upto,
                                 .keep_ms = KEEP_MS,
                                 .counts = counts,
                                 .monotonic = monotonic};
    uint64_t old = 99;
    assert_int_equal(xd_aging_step(&aging, &world.store.delivery, &what, &old), XD_OK);
    return old;
}

/* As long as it takes, with a step every few minutes. */
static uint64_t pass(uint64_t upto, xd_ms ms, bool counts) {
    uint64_t old = 0;
    for (xd_ms end = monotonic + ms; monotonic < end;) {
        monotonic += STEP_MS;
        old = step(upto, counts);
    }
    return old;
}

static void restart(void) {
    memset(&aging, 0, sizeof aging);
    monotonic = 5000;
}

static void what_was_reached_is_old_after_so_long_and_not_before(void **state) {
    (void)state;
    assert_int_equal(step(10, true), 0);
    assert_int_equal(pass(10, KEEP_MS - STEP_MS, true), 0);
    assert_int_equal(pass(10, STEP_MS, true), 10);
    assert_int_equal(pass(10, XD_DAY_MS, true), 10);
}

static void what_is_reached_between_two_marks_is_kept_a_little_longer(void **state) {
    (void)state;
    assert_int_equal(step(10, true), 0);
    assert_int_equal(pass(20, XD_HOUR_MS, true), 0);
    assert_int_equal(pass(20, KEEP_MS, true), 10);
    assert_int_equal(pass(20, XD_DAY_MS, true), 20);
}

static void a_rising_number_is_followed_at_a_distance(void **state) {
    (void)state;
    for (uint64_t hour = 1; hour <= 40 * 24; hour++) {
        uint64_t old = pass(hour, XD_HOUR_MS, true);
        assert_true(old + 8 * 24 <= hour || old == 0);
        assert_true(hour < 10 * 24 || old + 9 * 24 + 2 >= hour);
    }
}

static void time_in_which_the_peer_is_silent_does_not_count(void **state) {
    (void)state;
    assert_int_equal(step(10, true), 0);
    assert_int_equal(pass(10, 30 * XD_DAY_MS, false), 0);
    assert_int_equal(pass(10, KEEP_MS, true), 10);
}

static void a_process_that_stood_still_for_a_year_finds_nothing_old(void **state) {
    (void)state;
    assert_int_equal(step(10, true), 0);
    monotonic += 365 * XD_DAY_MS;
    assert_int_equal(step(10, true), 0);
}

static void a_restart_goes_on_where_it_was_and_costs_half_an_hour_at_most(void **state) {
    (void)state;
    assert_int_equal(step(10, true), 0);
    for (unsigned day = 0; day < 8; day++) {
        assert_int_equal(pass(10 + day, XD_DAY_MS, true), 0);
        store_world_commit(&world);
        restart();
        assert_int_equal(step(10 + day, true), 0);
    }
    assert_int_equal(pass(17, 5 * XD_HOUR_MS, true), 10);
}

static void another_series_begins_anew(void **state) {
    (void)state;
    assert_int_equal(step(10, true), 0);
    assert_int_equal(pass(10, KEEP_MS, true), 10);
    series = "epoch-2";
    restart();
    assert_int_equal(step(10, true), 0);
    assert_int_equal(pass(10, KEEP_MS, true), 10);
}

static void what_cannot_be_read_begins_anew(void **state) {
    static const char *const values[] = {"",
                                         "epoch-1",
                                         "epoch-1 x",
                                         "epoch-1 5 ",
                                         "epoch-1 5 6:7:8",
                                         "epoch-1 999999999999 0:5 ?",
                                         "epoch-12 999999999999 0:5"};
    const struct xd_delivery_store *store = &world.store.delivery;
    (void)state;
    for (size_t index = 0; index < sizeof values / sizeof values[0]; index++) {
        assert_int_equal(store->meta_set(store->context, "kept/1", values[index]), XD_OK);
        restart();
        assert_int_equal(step(10, true), 0);
        assert_int_equal(aging.age, 0);
    }
}

static void nothing_is_written_while_nothing_waits(void **state) {
    const struct xd_delivery_store *store = &world.store.delivery;
    char value[400];
    (void)state;
    assert_int_equal(step(10, true), 0);
    assert_int_equal(pass(10, KEEP_MS + XD_HOUR_MS, true), 10);
    assert_int_equal(store->meta_set(store->context, "kept/1", "untouched"), XD_OK);
    assert_int_equal(pass(10, KEEP_MS, true), 10);
    assert_int_equal(store->meta_get(store->context, "kept/1", value, sizeof value), XD_OK);
    assert_string_equal(value, "untouched");
}

#define WITH_AN_AGING(test_) cmocka_unit_test_setup_teardown(test_, open_aging, close_aging)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_AN_AGING(what_was_reached_is_old_after_so_long_and_not_before),
        WITH_AN_AGING(what_is_reached_between_two_marks_is_kept_a_little_longer),
        WITH_AN_AGING(a_rising_number_is_followed_at_a_distance),
        WITH_AN_AGING(time_in_which_the_peer_is_silent_does_not_count),
        WITH_AN_AGING(a_process_that_stood_still_for_a_year_finds_nothing_old),
        WITH_AN_AGING(a_restart_goes_on_where_it_was_and_costs_half_an_hour_at_most),
        WITH_AN_AGING(another_series_begins_anew),
        WITH_AN_AGING(what_cannot_be_read_begins_anew),
        WITH_AN_AGING(nothing_is_written_while_nothing_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
