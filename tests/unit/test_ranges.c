/* The sparse set, by hand and against a plain array of flags. */
#include "delivery/ranges.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define UNIVERSE 300u

static int fail_always(void *context, size_t size) {
    (void)context;
    (void)size;
    return 0;
}

static int take_hook_away(void **state) {
    (void)state;
    xd_memory_set_hook(NULL, NULL);
    return 0;
}

static void add_all(struct xd_ranges *ranges, const uint64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(xd_ranges_add(ranges, values[i]), XD_OK);
    }
}

static void assert_range(struct xd_range range, uint64_t first, uint64_t last) {
    assert_true(range.first == first);
    assert_true(range.last == last);
}

static void an_empty_set_has_nothing(void **state) {
    (void)state;
    struct xd_ranges ranges;
    struct xd_range gap;
    xd_ranges_init(&ranges);
    assert_false(xd_ranges_has(&ranges, 0));
    assert_false(xd_ranges_has(&ranges, UINT64_MAX));
    assert_true(xd_ranges_check(&ranges, 0));
    assert_true(xd_ranges_run_from(&ranges, 5) == 4);
    xd_ranges_drop_to(&ranges, 100);
    assert_int_equal(xd_ranges_gaps(&ranges, 3, 9, &gap, 1), 1);
    assert_range(gap, 3, 9);
    assert_null(ranges.items);
    xd_ranges_free(&ranges);
}

static void neighbours_join(void **state) {
    (void)state;
    static const uint64_t values[] = {10, 12, 14, 9, 15};
    struct xd_ranges ranges;
    xd_ranges_init(&ranges);
    add_all(&ranges, values, 5);
    assert_int_equal(ranges.count, 3);
    assert_range(ranges.items[0], 9, 10);
    assert_range(ranges.items[1], 12, 12);
    assert_range(ranges.items[2], 14, 15);
    assert_int_equal(xd_ranges_add(&ranges, 11), XD_OK);
    assert_int_equal(ranges.count, 2);
    assert_range(ranges.items[0], 9, 12);
    assert_int_equal(xd_ranges_add(&ranges, 13), XD_OK);
    assert_int_equal(ranges.count, 1);
    assert_range(ranges.items[0], 9, 15);
    xd_ranges_free(&ranges);
}

static void what_is_there_is_a_duplicate(void **state) {
    (void)state;
    static const uint64_t values[] = {5, 6, 7, 20};
    struct xd_ranges ranges;
    xd_ranges_init(&ranges);
    add_all(&ranges, values, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(xd_ranges_add(&ranges, values[i]), XD_DUPLICATE);
        assert_true(xd_ranges_has(&ranges, values[i]));
    }
    assert_int_equal(ranges.count, 2);
    assert_false(xd_ranges_has(&ranges, 4));
    assert_false(xd_ranges_has(&ranges, 8));
    xd_ranges_free(&ranges);
}

static void the_ends_of_the_numbers_do_not_wrap(void **state) {
    (void)state;
    static const uint64_t values[] = {UINT64_MAX, 0, UINT64_MAX - 1, 1};
    struct xd_ranges ranges;
    struct xd_range gaps[3];
    xd_ranges_init(&ranges);
    add_all(&ranges, values, 4);
    assert_int_equal(ranges.count, 2);
    assert_range(ranges.items[0], 0, 1);
    assert_range(ranges.items[1], UINT64_MAX - 1, UINT64_MAX);
    assert_int_equal(xd_ranges_gaps(&ranges, 0, UINT64_MAX, gaps, 3), 1);
    assert_range(gaps[0], 2, UINT64_MAX - 2);
    xd_ranges_drop_to(&ranges, UINT64_MAX - 1);
    assert_int_equal(ranges.count, 1);
    assert_range(ranges.items[0], UINT64_MAX, UINT64_MAX);
    xd_ranges_drop_to(&ranges, UINT64_MAX);
    assert_int_equal(ranges.count, 0);
    xd_ranges_free(&ranges);
}

static void a_full_set_still_joins(void **state) {
    (void)state;
    struct xd_ranges ranges;
    xd_ranges_init(&ranges);
    for (uint64_t i = 0; i < XD_RANGES_MAX; i++) {
        assert_int_equal(xd_ranges_add(&ranges, 10 + 2 * i), XD_OK);
    }
    assert_int_equal(ranges.count, XD_RANGES_MAX);
    assert_true(ranges.capacity <= XD_RANGES_MAX);
    assert_true(xd_ranges_check(&ranges, 8));
    assert_int_equal(xd_ranges_add(&ranges, 1), XD_FULL);
    assert_int_equal(xd_ranges_add(&ranges, 100000), XD_FULL);
    assert_false(xd_ranges_has(&ranges, 1));
    assert_int_equal(ranges.count, XD_RANGES_MAX);
    assert_int_equal(xd_ranges_add(&ranges, 10), XD_DUPLICATE);
    assert_int_equal(xd_ranges_add(&ranges, 9), XD_OK);  /* extends */
    assert_int_equal(xd_ranges_add(&ranges, 11), XD_OK); /* joins two */
    assert_int_equal(ranges.count, XD_RANGES_MAX - 1);
    assert_int_equal(xd_ranges_add(&ranges, 100000), XD_OK);
    assert_int_equal(xd_ranges_add(&ranges, 200000), XD_FULL);
    xd_ranges_free(&ranges);
}

static void without_memory_the_set_is_unchanged(void **state) {
    (void)state;
    struct xd_ranges ranges;
    xd_ranges_init(&ranges);
    xd_memory_set_hook(fail_always, NULL);
    assert_int_equal(xd_ranges_add(&ranges, 1), XD_NO_MEMORY);
    xd_memory_set_hook(NULL, NULL);
    uint64_t next = 10;
    do {
        assert_int_equal(xd_ranges_add(&ranges, next), XD_OK);
        next += 2;
    } while (ranges.count < ranges.capacity);
    size_t count = ranges.count;
    xd_memory_set_hook(fail_always, NULL);
    assert_int_equal(xd_ranges_add(&ranges, 1), XD_NO_MEMORY);
    assert_int_equal(xd_ranges_add(&ranges, 11), XD_OK);
    assert_int_equal(ranges.count, count - 1);
    assert_true(xd_ranges_check(&ranges, 8));
    assert_false(xd_ranges_has(&ranges, 1));
    xd_ranges_free(&ranges);
}

static void the_run_is_the_first_range_if_it_starts_there(void **state) {
    (void)state;
    static const uint64_t values[] = {6, 7, 8, 11};
    struct xd_ranges ranges;
    xd_ranges_init(&ranges);
    add_all(&ranges, values, 4);
    assert_true(xd_ranges_run_from(&ranges, 6) == 8);
    assert_true(xd_ranges_run_from(&ranges, 5) == 4);
    assert_true(xd_ranges_run_from(&ranges, 11) == 10);
    xd_ranges_drop_to(&ranges, 8);
    assert_true(xd_ranges_run_from(&ranges, 11) == 11);
    xd_ranges_free(&ranges);
}

static void gaps_are_those_within(void **state) {
    (void)state;
    static const uint64_t values[] = {5, 6, 10, 20, 21};
    struct xd_ranges ranges;
    struct xd_range gaps[4];
    xd_ranges_init(&ranges);
    add_all(&ranges, values, 5);
    assert_int_equal(xd_ranges_gaps(&ranges, 1, 25, gaps, 4), 4);
    assert_range(gaps[0], 1, 4);
    assert_range(gaps[1], 7, 9);
    assert_range(gaps[2], 11, 19);
    assert_range(gaps[3], 22, 25);
    assert_int_equal(xd_ranges_gaps(&ranges, 1, 25, gaps, 2), 2);
    assert_range(gaps[1], 7, 9);
    assert_int_equal(xd_ranges_gaps(&ranges, 6, 12, gaps, 4), 2);
    assert_range(gaps[0], 7, 9);
    assert_range(gaps[1], 11, 12);
    assert_int_equal(xd_ranges_gaps(&ranges, 12, 14, gaps, 4), 1);
    assert_range(gaps[0], 12, 14);
    assert_int_equal(xd_ranges_gaps(&ranges, 5, 6, gaps, 4), 0);
    assert_int_equal(xd_ranges_gaps(&ranges, 9, 8, gaps, 4), 0);
    assert_int_equal(xd_ranges_gaps(&ranges, 1, 25, gaps, 0), 0);
    xd_ranges_free(&ranges);
}

static void the_check_finds_each_broken_invariant(void **state) {
    (void)state;
    struct xd_range items[3] = {{5, 6}, {8, 8}, {10, 12}};
    struct xd_ranges ranges = {.items = items, .count = 3, .capacity = 3};
    assert_true(xd_ranges_check(&ranges, 0));
    assert_true(xd_ranges_check(&ranges, 3));
    assert_false(xd_ranges_check(&ranges, 4)); /* 5 should have moved the watermark */
    assert_false(xd_ranges_check(&ranges, 7));
    items[1] = (struct xd_range){7, 8}; /* adjacent */
    assert_false(xd_ranges_check(&ranges, 0));
    items[1] = (struct xd_range){6, 8}; /* overlapping */
    assert_false(xd_ranges_check(&ranges, 0));
    items[1] = (struct xd_range){8, 7}; /* backwards */
    assert_false(xd_ranges_check(&ranges, 0));
    items[1] = (struct xd_range){20, 20}; /* unsorted */
    assert_false(xd_ranges_check(&ranges, 0));
    items[1] = (struct xd_range){8, 8};
    ranges.capacity = 2;
    assert_false(xd_ranges_check(&ranges, 0));
}

static void clearing_keeps_the_memory(void **state) {
    (void)state;
    struct xd_ranges ranges;
    xd_ranges_init(&ranges);
    assert_int_equal(xd_ranges_add(&ranges, 3), XD_OK);
    size_t capacity = ranges.capacity;
    xd_ranges_clear(&ranges);
    assert_int_equal(ranges.count, 0);
    assert_int_equal(ranges.capacity, capacity);
    assert_int_equal(xd_ranges_add(&ranges, 3), XD_OK);
    xd_ranges_free(&ranges);
    assert_null(ranges.items);
    assert_int_equal(ranges.capacity, 0);
}

static uint32_t next_random(uint32_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void compare_with_flags(const struct xd_ranges *ranges, const bool *flags, uint64_t watermark) {
    struct xd_range gaps[UNIVERSE];
    bool seen[UNIVERSE];
    memset(seen, 1, sizeof seen);
    size_t count = xd_ranges_gaps(ranges, 0, UNIVERSE - 1, gaps, UNIVERSE);
    for (size_t i = 0; i < count; i++) {
        assert_true(gaps[i].first <= gaps[i].last && gaps[i].last < UNIVERSE);
        for (uint64_t value = gaps[i].first; value <= gaps[i].last; value++) {
            seen[value] = false;
        }
    }
    for (uint64_t value = 0; value < UNIVERSE; value++) {
        assert_int_equal(xd_ranges_has(ranges, value), flags[value]);
        assert_int_equal(seen[value], flags[value]);
    }
    assert_true(xd_ranges_check(ranges, watermark));
}

/* As a receiver uses it: add what comes, let the watermark swallow the run. */
static void random_arrivals_agree_with_plain_flags(void **state) {
    (void)state;
    for (uint32_t round = 1; round <= 20; round++) {
        uint32_t seed = round * 2654435761u;
        bool flags[UNIVERSE] = {false};
        uint64_t watermark = 0;
        struct xd_ranges ranges;
        xd_ranges_init(&ranges);
        for (int step = 0; step < 600; step++) {
            uint64_t value = watermark + 1 + next_random(&seed) % 60;
            if (value >= UNIVERSE) {
                break;
            }
            enum xd_result expected = flags[value] ? XD_DUPLICATE : XD_OK;
            assert_int_equal(xd_ranges_add(&ranges, value), expected);
            flags[value] = true;
            uint64_t run = xd_ranges_run_from(&ranges, watermark + 1);
            xd_ranges_drop_to(&ranges, run);
            while (watermark < run) {
                watermark++;
                assert_true(flags[watermark]);
                flags[watermark] = false;
            }
            compare_with_flags(&ranges, flags, watermark);
        }
        xd_ranges_free(&ranges);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_has_nothing),
        cmocka_unit_test(neighbours_join),
        cmocka_unit_test(what_is_there_is_a_duplicate),
        cmocka_unit_test(the_ends_of_the_numbers_do_not_wrap),
        cmocka_unit_test(a_full_set_still_joins),
        cmocka_unit_test_teardown(without_memory_the_set_is_unchanged, take_hook_away),
        cmocka_unit_test(the_run_is_the_first_range_if_it_starts_there),
        cmocka_unit_test(gaps_are_those_within),
        cmocka_unit_test(the_check_finds_each_broken_invariant),
        cmocka_unit_test(clearing_keeps_the_memory),
        cmocka_unit_test(random_arrivals_agree_with_plain_flags),
    };
    return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
