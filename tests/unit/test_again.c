/* How often a consumer is made anew. */
#include "common/again.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Something is refused every 100 ms. */
static unsigned times_of(struct xd_again *again, xd_ms from, xd_ms to) {
    unsigned times = 0;
    for (xd_ms now = from; now < to; now += 100) {
        again->due = true;
        times += xd_again_take(again, now);
    }
    return times;
}

static void nothing_refused_is_nothing_to_do(void **state) {
    struct xd_again again = {.due = false};
    (void)state;
    assert_false(xd_again_take(&again, 5000));
}

static void the_first_time_is_at_once(void **state) {
    struct xd_again again = {.due = true};
    (void)state;
    assert_true(xd_again_take(&again, 5000));
    assert_false(again.due);
    assert_false(xd_again_take(&again, 5000));
}

static void while_it_goes_on_it_is_ever_later(void **state) {
    struct xd_again again = {.due = false};
    (void)state;
    assert_int_equal(times_of(&again, 0, 60000), 7); /* at 0, 1, 3, 7, 15, 31, 47 s */
    assert_int_equal(times_of(&again, 60000, 60000 + 160000), 10);
}

static void after_a_calm_while_it_is_the_first_time_again(void **state) {
    struct xd_again again = {.due = false};
    (void)state;
    (void)times_of(&again, 0, 60000);
    again.due = true;
    assert_true(xd_again_take(&again, 200000));
    again.due = true;
    assert_true(xd_again_take(&again, 201000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_refused_is_nothing_to_do),
        cmocka_unit_test(the_first_time_is_at_once),
        cmocka_unit_test(while_it_goes_on_it_is_ever_later),
        cmocka_unit_test(after_a_calm_while_it_is_the_first_time_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
