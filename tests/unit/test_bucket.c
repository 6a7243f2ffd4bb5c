/* The token bucket: a burst at once, the rate for long, exactly. */
#include "base/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int taken_at(struct xd_bucket *bucket, xd_ms now) {
    int count = 0;
    while (xd_bucket_take(bucket, now)) {
        count++;
    }
    return count;
}

static void a_burst_is_taken_at_once_and_no_more(void **state) {
    struct xd_bucket bucket;
    (void)state;
    xd_bucket_init(&bucket, 10, 25, 1000);
    assert_int_equal(xd_bucket_left(&bucket), 25);
    assert_int_equal(xd_bucket_fills(&bucket), 0);
    assert_int_equal(taken_at(&bucket, 1000), 25);
    assert_int_equal(xd_bucket_left(&bucket), 0);
    assert_int_equal(xd_bucket_wait(&bucket), 100);
    assert_int_equal(xd_bucket_fills(&bucket), 2500);
}

static void one_can_be_taken_when_the_wait_is_over_and_not_before(void **state) {
    struct xd_bucket bucket;
    (void)state;
    xd_bucket_init(&bucket, 3, 1, 0);
    assert_true(xd_bucket_take(&bucket, 0));
    assert_int_equal(xd_bucket_wait(&bucket), 334); /* a third of a second, rounded up */
    assert_false(xd_bucket_take(&bucket, 333));
    assert_true(xd_bucket_take(&bucket, 334));
    assert_false(xd_bucket_take(&bucket, 334));
}

static void over_a_day_exactly_the_rate_passes_however_it_is_asked(void **state) {
    struct xd_bucket bucket;
    int64_t passed = 0;
    (void)state;
    xd_bucket_init(&bucket, 7, 3, 0);
    assert_int_equal(taken_at(&bucket, 0), 3);
    for (xd_ms now = 0; now <= XD_DAY_MS; now += 37) { /* 37 ms of 7 a second is no whole number */
        passed += taken_at(&bucket, now);
    }
    passed += taken_at(&bucket, XD_DAY_MS);
    assert_int_equal(passed, INT64_C(7) * 86400);
}

static void it_never_holds_more_than_the_burst(void **state) {
    struct xd_bucket bucket;
    (void)state;
    xd_bucket_init(&bucket, XD_BUCKET_RATE_MAX, 5, 0);
    assert_int_equal(taken_at(&bucket, 0), 5);
    assert_int_equal(taken_at(&bucket, INT64_MAX / 2), 5); /* nor overflows after a long silence */
}

static void a_clock_that_steps_back_gives_nothing_twice(void **state) {
    struct xd_bucket bucket;
    (void)state;
    xd_bucket_init(&bucket, 1, 1, 5000);
    assert_true(xd_bucket_take(&bucket, 5000));
    assert_false(xd_bucket_take(&bucket, 1000));
    assert_false(xd_bucket_take(&bucket, 5999));
    assert_true(xd_bucket_take(&bucket, 6000));
}

static void a_change_of_limits_keeps_what_was_taken(void **state) {
    struct xd_bucket bucket;
    (void)state;
    xd_bucket_init(&bucket, 10, 10, 0);
    for (int i = 0; i < 4; i++) {
        assert_true(xd_bucket_take(&bucket, 0));
    }
    xd_bucket_change(&bucket, 20, 30, 0);
    assert_int_equal(xd_bucket_left(&bucket), 26);
    xd_bucket_change(&bucket, 20, 3, 0);
    assert_int_equal(xd_bucket_left(&bucket), 0);
    assert_int_equal(taken_at(&bucket, XD_SECOND_MS), 3);
}

static void a_rate_may_be_of_a_minute(void **state) {
    struct xd_bucket bucket;
    (void)state;
    xd_bucket_init_per(&bucket, XD_MINUTE_MS, 7, 2, 1000);
    assert_true(xd_bucket_take(&bucket, 1000));
    assert_true(xd_bucket_take(&bucket, 1000));
    assert_false(xd_bucket_ready(&bucket, 1000));
    assert_int_equal(xd_bucket_wait(&bucket), 8572); /* 60000 / 7, and never too early */
    assert_false(xd_bucket_ready(&bucket, 1000 + 8571));
    assert_true(xd_bucket_ready(&bucket, 1000 + 8572));
    assert_int_equal(xd_bucket_left(&bucket), 1); /* looking takes none */
    assert_true(xd_bucket_take(&bucket, 1000 + 8572));
    int64_t taken = 0;
    for (xd_ms now = 1000 + 8572; now < 1000 + 8572 + XD_HOUR_MS; now++) {
        taken += xd_bucket_take(&bucket, now);
    }
    assert_in_range(taken, 7 * 60 - 1, 7 * 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_taken_at_once_and_no_more),
        cmocka_unit_test(one_can_be_taken_when_the_wait_is_over_and_not_before),
        cmocka_unit_test(over_a_day_exactly_the_rate_passes_however_it_is_asked),
        cmocka_unit_test(it_never_holds_more_than_the_burst),
        cmocka_unit_test(a_clock_that_steps_back_gives_nothing_twice),
        cmocka_unit_test(a_change_of_limits_keeps_what_was_taken),
        cmocka_unit_test(a_rate_may_be_of_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
