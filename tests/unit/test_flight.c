/* Tags on their way: given once, taken once, bounded. */
#include "delivery/flight.h"
#include "delivery/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct xd_flight flight;

static int open_flight(void **state) {
    (void)state;
    return xd_flight_init(&flight) != XD_OK;
}

static int close_flight(void **state) {
    (void)state;
    xd_flight_free(&flight);
    return 0;
}

static void a_tag_is_taken_once(void **state) {
    struct xd_flight_item item;
    int owner;
    (void)state;
    uint64_t tag = xd_flight_add(&flight, &owner, 1, 77);
    assert_true(tag > 0);
    assert_int_equal(xd_flight_take(&flight, tag, &item), XD_OK);
    assert_ptr_equal(item.owner, &owner);
    assert_int_equal(item.lane, 1);
    assert_int_equal(item.sequence, 77);
    assert_int_equal(xd_flight_take(&flight, tag, &item), XD_NOT_FOUND);
    assert_int_equal(xd_flight_take(&flight, 0, &item), XD_NOT_FOUND);
    assert_int_equal(xd_flight_take(&flight, tag + XD_FLIGHT_MAX, &item), XD_NOT_FOUND);
    assert_true(xd_flight_add(&flight, &owner, 0, 1) != tag);
}

static void it_is_full_at_its_limit_and_behind_its_oldest(void **state) {
    struct xd_flight_item item;
    uint64_t first = 0;
    (void)state;
    for (unsigned i = 0; i < XD_FLIGHT_MAX; i++) {
        assert_int_equal(xd_flight_room(&flight), XD_FLIGHT_MAX - i);
        uint64_t tag = xd_flight_add(&flight, NULL, 0, i + 1);
        first = i == 0 ? tag : first;
        assert_true(tag != 0);
    }
    assert_int_equal(xd_flight_room(&flight), 0);
    assert_int_equal(xd_flight_add(&flight, NULL, 0, 9), 0);
    assert_int_equal(xd_flight_take(&flight, first + 1, &item), XD_OK);
    assert_int_equal(xd_flight_room(&flight), 0); /* the oldest is still on its way */
    assert_int_equal(xd_flight_add(&flight, NULL, 0, 9), 0);
    assert_int_equal(xd_flight_take(&flight, first, &item), XD_OK);
    assert_true(xd_flight_add(&flight, NULL, 0, 9) != 0);
}

static void what_is_lost_is_sent_again_by_its_owner_in_order(void **state) {
    struct xd_line line;
    struct xd_flight_item item;
    uint64_t first, last, tag = 0;
    (void)state;
    memset(&line, 0, sizeof line);
    line.send[1].row.next = 10;
    line.send[1].cursor = 10;
    line.send[1].ready = true;
    for (uint64_t sequence = 3; sequence <= 7; sequence++) {
        uint64_t given = xd_flight_add(&flight, &line, 1, sequence);
        tag = sequence == 5 ? given : tag;
    }
    assert_int_equal(xd_flight_take(&flight, tag, &item), XD_OK); /* 5 was confirmed */
    assert_true(xd_flight_add(&flight, NULL, 0, 99) != 0);        /* of no stream: nobody is told */
    xd_flight_lose(&flight);
    assert_int_equal(flight.count, 0);
    assert_int_equal(line.send[1].resend_count, 2);
    assert_true(xd_sender_peek(&line.send[1], 100, &first, &last));
    assert_int_equal(first, 3);
    assert_int_equal(last, 4);
    xd_sender_took(&line.send[1], last);
    assert_true(xd_sender_peek(&line.send[1], 100, &first, &last));
    assert_int_equal(first, 6);
    assert_int_equal(last, 7);
    assert_int_equal(xd_flight_take(&flight, tag + 1, &item), XD_NOT_FOUND); /* a late confirm */
}

static void what_is_cleared_is_forgotten_and_its_tags_with_it(void **state) {
    struct xd_flight_item item;
    (void)state;
    uint64_t tag = xd_flight_add(&flight, NULL, 0, 1);
    xd_flight_clear(&flight);
    assert_int_equal(xd_flight_take(&flight, tag, &item), XD_NOT_FOUND);
    assert_true(xd_flight_add(&flight, NULL, 0, 1) > tag);
    assert_int_equal(flight.count, 1);
}

#define WITH_A_FLIGHT(test_) cmocka_unit_test_setup_teardown(test_, open_flight, close_flight)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_A_FLIGHT(a_tag_is_taken_once),
        WITH_A_FLIGHT(it_is_full_at_its_limit_and_behind_its_oldest),
        WITH_A_FLIGHT(what_is_lost_is_sent_again_by_its_owner_in_order),
        WITH_A_FLIGHT(what_is_cleared_is_forgotten_and_its_tags_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
