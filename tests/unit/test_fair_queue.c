/* The fair queue: a flood of one spares the others. Items are texts "group/flow/number". */
#include "base/memory.h"
#include "posix/runtime/fair_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 4096
#define ITEM_SIZE 32

struct world {
    struct xd_fair_queue *queue;
    char items[ITEMS_MAX][ITEM_SIZE];
    size_t count;
};

/* A group or flow whose name ends in a digit has that share. */
static int64_t digit_before(const void *item, int slash) {
    const char *text = item;
    while (slash-- > 0) {
        text = strchr(text, '/') + 1;
    }
    return strchr(text, '/')[-1] - '0';
}

static int64_t group_share(void *context, const void *item) {
    (void)context;
    return digit_before(item, 0);
}

static int64_t flow_share(void *context, const void *item) {
    (void)context;
    return digit_before(item, 1);
}

static struct world *world_new(size_t flow_max, size_t max) {
    struct world *world = calloc(1, sizeof *world);
    struct xd_fair_shares shares = {.group = group_share, .flow = flow_share};
    assert_non_null(world);
    assert_int_equal(xd_fair_queue_new(flow_max, max, &shares, &world->queue), XD_OK);
    return world;
}

static void world_free(struct world *world) {
    xd_fair_queue_free(world->queue);
    free(world);
}

static enum xd_result put(struct world *world, const char *group, const char *flow, int number) {
    char *item = world->items[world->count++ % ITEMS_MAX];
    (void)snprintf(item, ITEM_SIZE, "%s/%s/%d", group, flow, number);
    return xd_fair_queue_put(world->queue, group, flow, item);
}

static void put_many(struct world *world, const char *group, const char *flow, int count) {
    for (int number = 1; number <= count; number++) {
        assert_int_equal(put(world, group, flow, number), XD_OK);
    }
}

static void assert_taken(struct world *world, const char *expected) {
    const char *item = xd_fair_queue_take(world->queue);
    assert_string_equal(item != NULL ? item : "nothing", expected);
}

/* How many of the next `take` items begin with `start`. */
static int count_of(struct world *world, int take, const char *start) {
    int count = 0;
    for (int number = 0; number < take; number++) {
        const char *item = xd_fair_queue_take(world->queue);
        count += item != NULL && strncmp(item, start, strlen(start)) == 0;
    }
    return count;
}

static void one_flow_keeps_the_order_of_arrival(void **state) {
    struct world *world = world_new(10, 10);
    (void)state;
    put_many(world, "t1", "a1", 3);
    assert_int_equal(xd_fair_queue_count(world->queue), 3);
    assert_taken(world, "t1/a1/1");
    assert_taken(world, "t1/a1/2");
    assert_taken(world, "t1/a1/3");
    assert_taken(world, "nothing");
    assert_int_equal(xd_fair_queue_count(world->queue), 0);
    world_free(world);
}

static void whoever_comes_into_a_flood_is_served_next_but_one(void **state) {
    struct world *world = world_new(100, 1000);
    (void)state;
    put_many(world, "t1", "flood1", 100);
    assert_taken(world, "t1/flood1/1");
    put_many(world, "t1", "calm1", 1);
    put_many(world, "u1", "calm1", 1);
    assert_taken(world, "t1/flood1/2");
    assert_taken(world, "u1/calm1/1");
    assert_taken(world, "t1/calm1/1");
    assert_taken(world, "t1/flood1/3");
    world_free(world);
}

static void shares_divide_the_work_of_groups_and_of_their_flows(void **state) {
    struct world *world = world_new(1000, 4000);
    (void)state;
    put_many(world, "big3", "a1", 400);
    put_many(world, "small1", "a2", 400);
    put_many(world, "small1", "b1", 400);
    assert_int_equal(count_of(world, 400, "big3/"), 300);
    assert_int_equal(count_of(world, 120, "small1/a2"), 20);
    world_free(world);
}

static void a_group_gets_no_more_for_having_many_flows(void **state) {
    struct world *world = world_new(100, 4000);
    char name[8];
    (void)state;
    for (int flow = 0; flow < 20; flow++) {
        (void)snprintf(name, sizeof name, "c%d-1", flow);
        put_many(world, "many1", name, 10);
    }
    put_many(world, "one1", "a1", 100);
    assert_int_equal(count_of(world, 200, "one1/"), 100);
    world_free(world);
}

static void a_full_flow_is_refused_while_others_get_in(void **state) {
    struct world *world = world_new(4, 6);
    (void)state;
    put_many(world, "t1", "flood1", 4);
    assert_int_equal(put(world, "t1", "flood1", 5), XD_FULL);
    assert_int_equal(put(world, "t1", "calm1", 1), XD_OK);
    assert_int_equal(put(world, "u1", "flood1", 1), XD_OK); /* another tenant's client of that name */
    assert_int_equal(put(world, "u1", "late1", 1), XD_FULL);
    assert_taken(world, "t1/flood1/1");
    assert_int_equal(put(world, "t1", "flood1", 6), XD_OK);
    world_free(world); /* with what is inside */
}

static void credit_is_not_saved_up_while_nothing_waits(void **state) {
    struct world *world = world_new(100, 1000);
    (void)state;
    put_many(world, "a5", "x1", 1);
    assert_taken(world, "a5/x1/1"); /* four of its five are left, and forgotten */
    put_many(world, "b1", "x1", 3);
    put_many(world, "a5", "x1", 20);
    assert_taken(world, "b1/x1/1");
    assert_int_equal(count_of(world, 5, "a5/"), 5);
    assert_taken(world, "b1/x1/2");
    world_free(world);
}

static void absurd_shares_count_as_the_nearest(void **state) {
    struct world *world = world_new(100, 1000);
    (void)state;
    put_many(world, "none0", "a1", 2);
    put_many(world, "minus!", "a1", 2); /* '!' is before '0': negative */
    assert_taken(world, "none0/a1/1");
    assert_taken(world, "minus!/a1/1");
    assert_taken(world, "none0/a1/2");
    world_free(world);
}

/* Whatever comes and goes: each item once, in its flow's order, and nobody waits longer than a round. */
static void nothing_is_lost_doubled_or_starved_in_a_random_run(void **state) {
    enum { FLOWS = 12 };
    struct world *world = world_new(20, 200);
    int put_to[FLOWS] = {0}, taken_of[FLOWS] = {0}, since[FLOWS] = {0};
    uint64_t random = 7;
    (void)state;
    for (int step = 0; step < 20000; step++) {
        char group[8], flow[8];
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        int which = (int)(random >> 40) % FLOWS;
        (void)snprintf(group, sizeof group, "g%d-%d", which / 4, 1 + which / 4);
        (void)snprintf(flow, sizeof flow, "%d-2", which);
        if ((random >> 33) % 100 < 52) {
            put_to[which] += put(world, group, flow, put_to[which] + 1) == XD_OK;
            continue;
        }
        const char *item = xd_fair_queue_take(world->queue);
        if (item == NULL) {
            continue;
        }
        int served = atoi(strchr(item, '/') + 1), number = atoi(strrchr(item, '/') + 1);
        assert_int_equal(number, taken_of[served] + 1);
        taken_of[served] = number;
        for (int other = 0; other < FLOWS; other++) {
            since[other] = other == served || put_to[other] == taken_of[other] ? 0 : since[other] + 1;
            assert_true(since[other] < 2 * FLOWS * (1 + 2 + 3));
        }
    }
    while (xd_fair_queue_take(world->queue) != NULL) {
        taken_of[0]++;
    }
    int all_put = 0, all_taken = 0;
    for (int index = 0; index < FLOWS; index++) {
        all_put += put_to[index];
        all_taken += taken_of[index];
    }
    assert_int_equal(all_put, all_taken);
    world_free(world);
}

static int fail_at(void *context, size_t size) {
    int *left = context;
    (void)size;
    return --*left != 0;
}

static void without_memory_the_item_stays_the_callers(void **state) {
    struct world *world = world_new(100, 1000);
    (void)state;
    for (int nth = 1; nth <= 5; nth++) { /* an item, and a node and a name for group and flow */
        int left = nth;
        xd_memory_set_hook(fail_at, &left);
        assert_int_equal(put(world, "t1", "a1", 1), XD_NO_MEMORY);
        xd_memory_set_hook(NULL, NULL);
        assert_int_equal(xd_fair_queue_count(world->queue), 0);
        assert_taken(world, "nothing");
    }
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_flow_keeps_the_order_of_arrival),
        cmocka_unit_test(whoever_comes_into_a_flood_is_served_next_but_one),
        cmocka_unit_test(shares_divide_the_work_of_groups_and_of_their_flows),
        cmocka_unit_test(a_group_gets_no_more_for_having_many_flows),
        cmocka_unit_test(a_full_flow_is_refused_while_others_get_in),
        cmocka_unit_test(credit_is_not_saved_up_while_nothing_waits),
        cmocka_unit_test(absurd_shares_count_as_the_nearest),
        cmocka_unit_test(nothing_is_lost_doubled_or_starved_in_a_random_run),
        cmocka_unit_test(without_memory_the_item_stays_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
