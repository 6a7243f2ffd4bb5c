/* Which queues are given up as leaderless: late, once, and ever later. */
#include "posix/hub/hub_queues.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LONG_MS ((xd_ms)3600000) /* nodes that have been up for ever */
#define QUEUE "crossdock.site.WH1"

static struct xd_queues queues;

static int begin_anew(void **state) {
    (void)state;
    memset(&queues, 0, sizeof queues);
    return 0;
}

/* One look that finds one queue; what it gives up. */
static const char *look(xd_ms now, xd_ms up_ms, bool has_state) {
    xd_queues_begin(&queues, now, up_ms);
    xd_queues_see(&queues, QUEUE, has_state);
    xd_queues_end(&queues);
    return xd_queues_due(&queues);
}

static void a_queue_without_a_state_is_given_up_after_several_looks(void **state) {
    (void)state;
    assert_null(look(0, LONG_MS, false));
    assert_null(look(10000, LONG_MS, false));
    assert_null(look(19999, LONG_MS, false));
    assert_string_equal(look(20000, LONG_MS, false), QUEUE);
    assert_null(xd_queues_due(&queues));
}

static void one_look_never_gives_up(void **state) {
    (void)state;
    assert_null(look(1000000000, LONG_MS, false));
    assert_true(xd_queues_suspicious(&queues));
}

static void a_queue_that_was_only_being_started_is_forgotten(void **state) {
    (void)state;
    assert_null(look(0, LONG_MS, false));
    assert_null(look(10000, LONG_MS, true));
    assert_false(xd_queues_suspicious(&queues));
    assert_null(look(20000, LONG_MS, false));
    assert_null(look(30000, LONG_MS, false));
}

static void a_queue_that_went_by_itself_is_forgotten(void **state) {
    (void)state;
    assert_null(look(0, LONG_MS, false));
    xd_queues_begin(&queues, 10000, LONG_MS);
    xd_queues_end(&queues);
    assert_false(xd_queues_suspicious(&queues));
    assert_null(look(20000, LONG_MS, false));
}

static void a_young_node_gets_its_time(void **state) {
    (void)state;
    assert_null(look(0, 5000, false));
    assert_null(look(10000, 15000, false));
    assert_null(look(20000, 25000, false));
    assert_null(look(44999, 49999, false));
    assert_string_equal(look(45000, 50000, false), QUEUE);
}

static void a_node_that_began_anew_between_two_looks_gets_its_time(void **state) {
    (void)state;
    assert_null(look(0, LONG_MS, false));
    assert_null(look(60000, 40000, false));
    assert_string_equal(look(70000, 50000, false), QUEUE);
}

static void nothing_counts_while_a_node_is_away_or_no_figures_are_gathered(void **state) {
    (void)state;
    for (xd_ms now = 0; now <= 600000; now += 10000) {
        assert_null(look(now, 0, false));
    }
    assert_null(look(610000, LONG_MS, false));
    assert_string_equal(look(620000, LONG_MS, false), QUEUE);
}

static void giving_up_that_does_not_help_is_tried_ever_more_rarely(void **state) {
    xd_ms last = 0, patience = XD_QUEUES_PATIENCE_MS;
    unsigned count = 0;
    (void)state;
    for (xd_ms now = 0; now < 6 * LONG_MS; now += XD_QUEUES_LOOK_MS) {
        if (look(now, 24 * LONG_MS, false) != NULL) {
            assert_int_equal(now - last, patience);
            last = now;
            patience =
                patience * 2 < XD_QUEUES_PATIENCE_MS * 128 ? patience * 2 : XD_QUEUES_PATIENCE_MS * 128;
            count++;
        }
    }
    assert_int_equal(count, 14);
}

static void more_suspects_than_there_is_room_for_get_their_turn_later(void **state) {
    char name[XD_QUEUES_NAME_SIZE];
    bool healed[40] = {false};
    size_t count = 0;
    (void)state;
    for (xd_ms now = 0; now <= 80000; now += 10000) {
        xd_queues_begin(&queues, now, LONG_MS);
        for (int i = 0; i < 40; i++) {
            (void)snprintf(name, sizeof name, "crossdock.site.S%d", i);
            xd_queues_see(&queues, name, healed[i]);
        }
        xd_queues_end(&queues);
        for (const char *due = xd_queues_due(&queues); due != NULL; due = xd_queues_due(&queues)) {
            int number = 0;
            assert_int_equal(sscanf(due, "crossdock.site.S%d", &number), 1);
            assert_false(healed[number]);
            healed[number] = true;
            count++;
        }
    }
    assert_int_equal(count, 40);
    assert_false(xd_queues_suspicious(&queues));
}

static void a_name_that_is_too_long_is_left_alone(void **state) {
    char name[XD_QUEUES_NAME_SIZE + 1];
    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    xd_queues_begin(&queues, 0, LONG_MS);
    xd_queues_see(&queues, name, false);
    xd_queues_end(&queues);
    assert_false(xd_queues_suspicious(&queues));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_queue_without_a_state_is_given_up_after_several_looks, begin_anew),
        cmocka_unit_test_setup(one_look_never_gives_up, begin_anew),
        cmocka_unit_test_setup(a_queue_that_was_only_being_started_is_forgotten, begin_anew),
        cmocka_unit_test_setup(a_queue_that_went_by_itself_is_forgotten, begin_anew),
        cmocka_unit_test_setup(a_young_node_gets_its_time, begin_anew),
        cmocka_unit_test_setup(a_node_that_began_anew_between_two_looks_gets_its_time, begin_anew),
        cmocka_unit_test_setup(nothing_counts_while_a_node_is_away_or_no_figures_are_gathered, begin_anew),
        cmocka_unit_test_setup(giving_up_that_does_not_help_is_tried_ever_more_rarely, begin_anew),
        cmocka_unit_test_setup(more_suspects_than_there_is_room_for_get_their_turn_later, begin_anew),
        cmocka_unit_test_setup(a_name_that_is_too_long_is_left_alone, begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
