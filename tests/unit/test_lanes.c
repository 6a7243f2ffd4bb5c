/* The urgent lane overtakes, the other keeps its share. */
#include "delivery/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void nothing_waits(void **state) {
    struct xd_lanes lanes = {0};
    (void)state;
    assert_int_equal(xd_lanes_next(&lanes, (uint64_t[]){0, 0}), -1);
}

static void a_lane_alone_has_every_slot(void **state) {
    struct xd_lanes lanes = {0};
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(xd_lanes_next(&lanes, (uint64_t[]){1, 0}), 0);
        assert_int_equal(xd_lanes_next(&lanes, (uint64_t[]){0, 1}), 1);
    }
}

static void two_busy_lanes_share_at_any_moment(void **state) {
    struct xd_lanes lanes = {0};
    unsigned given[XD_LANES_MAX] = {0, 0}, wait = 0;
    (void)state;
    for (unsigned i = 0; i < 80 * XD_LANES_SHARE; i++) {
        int lane = xd_lanes_next(&lanes, (uint64_t[]){1000000, 1});
        assert_true(lane == 0 || lane == 1);
        given[lane]++;
        wait = lane == 1 ? 0 : wait + 1;
        assert_true(wait < XD_LANES_SHARE);
    }
    assert_int_equal(given[1], 80);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_waits),
        cmocka_unit_test(a_lane_alone_has_every_slot),
        cmocka_unit_test(two_busy_lanes_share_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
