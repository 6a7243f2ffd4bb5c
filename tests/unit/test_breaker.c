/* The circuit breaker: closed, open, half open. */
#include "delivery/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static uint64_t drawn; /* what the next wait is drawn by: wait = 1 + drawn % ceiling */

static void entropy(void *context, void *out, size_t size) {
    (void)context;
    memset(out, 0, size);
    memcpy(out, &drawn, size < sizeof drawn ? size : sizeof drawn);
}
static const struct xd_env env = {.entropy = entropy};

static void fails(struct xd_breaker *breaker, uint64_t call, xd_ms now) {
    xd_breaker_called(breaker, call);
    xd_breaker_failed(breaker, call, &env, now);
    assert_true(xd_breaker_check(breaker));
}

/* Open until 1000 + 1000, after three failures. */
static void opened(struct xd_breaker *breaker) {
    xd_breaker_init(breaker, 3, 1000, 8000);
    drawn = 999;
    for (uint64_t call = 1; call <= 3; call++) {
        assert_true(xd_breaker_allows(breaker, 1000));
        fails(breaker, call, 1000);
    }
    assert_int_equal(breaker->state, XD_BREAKER_OPEN);
}

static void failures_in_a_row_open_it_and_no_others(void **state) {
    struct xd_breaker breaker;
    (void)state;
    xd_breaker_init(&breaker, 3, 1000, 8000);
    for (uint64_t call = 1; call < 30; call += 3) {
        fails(&breaker, call, 1000);
        fails(&breaker, call + 1, 1000);
        xd_breaker_called(&breaker, call + 2);
        xd_breaker_succeeded(&breaker, call + 2);
    }
    assert_int_equal(breaker.state, XD_BREAKER_CLOSED);
    opened(&breaker);
    assert_false(xd_breaker_allows(&breaker, 1000));
    assert_int_equal(xd_breaker_opens_at(&breaker), 2000);
}

static void half_open_lets_one_call_through_whose_success_closes_it(void **state) {
    struct xd_breaker breaker;
    (void)state;
    opened(&breaker);
    assert_false(xd_breaker_allows(&breaker, 1999));
    assert_true(xd_breaker_allows(&breaker, 2000));
    xd_breaker_called(&breaker, 10);
    assert_int_equal(breaker.state, XD_BREAKER_HALF_OPEN);
    assert_false(xd_breaker_allows(&breaker, 9000));
    xd_breaker_succeeded(&breaker, 10);
    assert_int_equal(breaker.state, XD_BREAKER_CLOSED);
    assert_true(xd_breaker_allows(&breaker, 2000));
    fails(&breaker, 11, 2000); /* it counts from the start again */
    assert_int_equal(breaker.state, XD_BREAKER_CLOSED);
}

static void each_probe_that_fails_doubles_the_ceiling_up_to_the_most(void **state) {
    static const xd_ms ceilings[] = {2000, 4000, 8000, 8000, 8000};
    struct xd_breaker breaker;
    xd_ms now = 2000;
    (void)state;
    opened(&breaker);
    for (size_t index = 0; index < sizeof ceilings / sizeof ceilings[0]; index++) {
        drawn = (uint64_t)ceilings[index] - 1;
        fails(&breaker, 100 + index, now);
        assert_int_equal(breaker.state, XD_BREAKER_OPEN);
        assert_int_equal(breaker.until, now + ceilings[index]);
        now = breaker.until;
    }
    xd_breaker_called(&breaker, 200);
    xd_breaker_succeeded(&breaker, 200);
    drawn = 999;
    for (uint64_t call = 201; call <= 203; call++) {
        fails(&breaker, call, now);
    }
    assert_int_equal(breaker.until, now + 1000); /* from the start again */
}

static void the_wait_is_anything_up_to_its_ceiling(void **state) {
    struct xd_breaker breaker;
    (void)state;
    xd_breaker_init(&breaker, 1, 1000, 8000);
    drawn = 1000; /* 1000 % 1000: the shortest */
    fails(&breaker, 1, 500);
    assert_int_equal(breaker.until, 501);
}

static void what_left_before_it_opened_says_nothing(void **state) {
    struct xd_breaker breaker;
    (void)state;
    opened(&breaker);
    xd_breaker_succeeded(&breaker, 2);
    xd_breaker_failed(&breaker, 2, &env, 1500);
    assert_int_equal(breaker.state, XD_BREAKER_OPEN);
    assert_int_equal(breaker.until, 2000);
    xd_breaker_called(&breaker, 10);
    xd_breaker_succeeded(&breaker, 2);
    xd_breaker_failed(&breaker, 3, &env, 2500);
    assert_int_equal(breaker.state, XD_BREAKER_HALF_OPEN);
    xd_breaker_succeeded(&breaker, 10);
    assert_int_equal(breaker.state, XD_BREAKER_CLOSED);
}

static void a_probe_that_is_lost_is_followed_by_another(void **state) {
    struct xd_breaker breaker;
    (void)state;
    opened(&breaker);
    xd_breaker_called(&breaker, 10);
    xd_breaker_lost(&breaker, 9);
    assert_false(xd_breaker_allows(&breaker, 3000));
    xd_breaker_lost(&breaker, 10);
    assert_true(xd_breaker_allows(&breaker, 3000));
    xd_breaker_called(&breaker, 11);
    xd_breaker_succeeded(&breaker, 11);
    assert_int_equal(breaker.state, XD_BREAKER_CLOSED);
}

static void a_hold_is_kept_in_any_state_and_never_shortened(void **state) {
    struct xd_breaker breaker;
    (void)state;
    xd_breaker_init(&breaker, 0, 1, 1);
    xd_breaker_hold(&breaker, 5000);
    xd_breaker_hold(&breaker, 3000);
    assert_false(xd_breaker_allows(&breaker, 4999));
    assert_true(xd_breaker_allows(&breaker, 5000));
    opened(&breaker);
    xd_breaker_hold(&breaker, 6000);
    assert_false(xd_breaker_allows(&breaker, 5999));
    assert_int_equal(xd_breaker_opens_at(&breaker), 6000);
    assert_true(xd_breaker_allows(&breaker, 6000));
}

static void without_a_limit_it_never_opens(void **state) {
    struct xd_breaker breaker;
    (void)state;
    xd_breaker_init(&breaker, 0, 1000, 8000);
    for (uint64_t call = 1; call < 1000; call++) {
        fails(&breaker, call, 1000);
        assert_true(xd_breaker_allows(&breaker, 1000));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_in_a_row_open_it_and_no_others),
        cmocka_unit_test(half_open_lets_one_call_through_whose_success_closes_it),
        cmocka_unit_test(each_probe_that_fails_doubles_the_ceiling_up_to_the_most),
        cmocka_unit_test(the_wait_is_anything_up_to_its_ceiling),
        cmocka_unit_test(what_left_before_it_opened_says_nothing),
        cmocka_unit_test(a_probe_that_is_lost_is_followed_by_another),
        cmocka_unit_test(a_hold_is_kept_in_any_state_and_never_shortened),
        cmocka_unit_test(without_a_limit_it_never_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
