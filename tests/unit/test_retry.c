/* Full jitter: a wait between 1 ms and a ceiling that doubles up to its limit. */
#include "delivery/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static uint64_t drawn; /* what the entropy gives */

static void give(void *context, void *out, size_t size) {
    (void)context;
    assert_int_equal(size, sizeof drawn);
    memcpy(out, &drawn, size);
}

static const struct xd_env env = {.entropy = give};

static void the_ceiling_doubles_up_to_its_limit(void **state) {
    static const xd_ms ceilings[] = {100, 200, 400, 800, 1000, 1000};
    struct xd_retry retry;
    (void)state;
    xd_retry_init(&retry, 100, 1000);
    for (size_t i = 0; i < sizeof ceilings / sizeof ceilings[0]; i++) {
        drawn = (uint64_t)ceilings[i] - 1; /* the largest remainder */
        assert_int_equal(xd_retry_next(&retry, &env), ceilings[i]);
    }
}

static void a_wait_is_never_nothing(void **state) {
    struct xd_retry retry;
    (void)state;
    drawn = 0;
    xd_retry_init(&retry, 100, 1000);
    assert_int_equal(xd_retry_next(&retry, &env), 1);
    xd_retry_init(&retry, 0, -5);
    assert_int_equal(xd_retry_next(&retry, &env), 1);
    drawn = UINT64_MAX;
    assert_int_equal(xd_retry_next(&retry, &env), 1);
}

static void a_reset_begins_anew(void **state) {
    struct xd_retry retry;
    (void)state;
    xd_retry_init(&retry, 100, 1000);
    for (unsigned i = 0; i < 10; i++) {
        (void)xd_retry_next(&retry, &env);
    }
    xd_retry_reset(&retry);
    drawn = 99;
    assert_int_equal(xd_retry_next(&retry, &env), 100);
}

static void a_thousand_failures_overflow_nothing(void **state) {
    struct xd_retry retry;
    (void)state;
    xd_retry_init(&retry, 1, INT64_MAX);
    for (unsigned i = 0; i < 1000; i++) {
        drawn = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
        assert_true(xd_retry_next(&retry, &env) >= 1);
    }
    xd_retry_init(&retry, 1000, 600000);
    for (unsigned i = 0; i < 1000; i++) {
        drawn = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
        assert_true(xd_retry_next(&retry, &env) <= 600000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ceiling_doubles_up_to_its_limit),
        cmocka_unit_test(a_wait_is_never_nothing),
        cmocka_unit_test(a_reset_begins_anew),
        cmocka_unit_test(a_thousand_failures_overflow_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
