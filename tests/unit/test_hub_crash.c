/* The hub killed at any moment, its commits failing, the ERP hanging and lying, a
 * site killed too; and the hub put back to an older copy of its store. In the end
 * every order is one sale, every confirmation one shipment, and the books agree. */
#include "unit/hub_world.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDERS 25
#define SEEDS 12

static void plan_trouble(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    uint64_t what = hub_world_random(world, 10);
    (void)call;
    plan->lands_ms = (xd_ms)hub_world_random(world, 400);
    plan->answers_ms = plan->lands_ms + (xd_ms)hub_world_random(world, 400);
    if (what == 0) { /* a gateway's timeout, and the request is still on its way */
        *plan = (struct call_plan){.lands_ms = (xd_ms)hub_world_random(world, 25000),
                                   .answers_ms = 1000,
                                   .lies = true,
                                   .outcome = XD_ERP_UNKNOWN};
    } else if (what == 1) { /* ... or was lost */
        *plan =
            (struct call_plan){.lands_ms = -1, .answers_ms = 1000, .lies = true, .outcome = XD_ERP_UNKNOWN};
    } else if (what == 2) {
        *plan = (struct call_plan){
            .lands_ms = -1, .answers_ms = 100, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

static void some_trouble(struct hub_world *world) {
    uint64_t what = hub_world_random(world, 100);
    if (what < 2) {
        hub_world_crash(world);
        hub_world_start(world);
    } else if (what < 5) { /* after a commit, and nothing of it gets out */
        world->drop_effects = true;
        hub_world_step(world);
        hub_world_crash(world);
        hub_world_start(world);
    } else if (what < 8) {
        world->fail_commit = true;
    } else if (what < 10) {
        world->fail_batch = true;
    } else if (what < 12) {
        struct world_site *site = &world->sites[hub_world_random(world, world->site_count)];
        hub_world_site_crash(site);
        hub_world_site_start(site);
    }
}

/* As a channel does: again with the same key until it has an answer. */
static bool try_order(struct hub_world *world, int number) {
    char text[1024], key[32], qty[32];
    snprintf(key, sizeof key, "key-%d", number);
    snprintf(qty, sizeof qty, "%d.%d", 1 + number % 7, number % 10);
    unsigned status =
        hub_world_order(world, key, hub_world_order_text(number, number % 2 == 0 ? "WH1" : "WH2", qty, text));
    assert_true(status == 202 || status == 503 || status == 0);
    return status == 202;
}

static void assert_books_agree(struct hub_world *world, int orders) {
    assert_count(world, "SELECT count(*) FROM orders", orders);
    assert_count(world, "SELECT count(*) FROM orders WHERE status <> 10", 0); /* SHIPPED */
    assert_count(world, "SELECT count(*) FROM confirmation WHERE state = 1", orders);
    assert_ledger(world, "SELECT count(*) FROM sale", orders);
    assert_ledger(world, "SELECT count(*) FROM sale WHERE state = 'shipped'", orders);
    assert_ledger(world, "SELECT count(*) FROM shipment", orders);
    assert_ledger(world, "SELECT count(*) FROM sale_line WHERE CAST(shipped AS REAL) <> CAST(qty AS REAL)",
                  0);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 0);
    assert_int_equal(hub_world_difference(world), 0);
    assert_int_equal(xd_hub_erp_calls(&world->hub), 0);
    assert_int_equal(world->queue.dead, 0);
}

static void weather_a_storm(uint64_t seed) {
    struct hub_world world;
    hub_world_open(&world, seed);
    (void)hub_world_add_site(&world, "WH1");
    (void)hub_world_add_site(&world, "WH2");
    world.auto_wms = true;
    world.plan = plan_trouble;
    for (int number = 1; number <= ORDERS;) {
        number += try_order(&world, number);
        some_trouble(&world);
        hub_world_step(&world);
    }
    for (int step = 0; step < 200; step++) {
        some_trouble(&world);
        hub_world_step(&world);
    }
    world.plan = NULL;
    world.fail_commit = world.fail_batch = false;
    if (!hub_world_quiet(&world, 30 * MINUTE_MS)) {
        fail_msg("seed %llu: it does not come to rest", (unsigned long long)seed);
    }
    assert_books_agree(&world, ORDERS);
    hub_world_close(&world);
}

static void killed_at_any_moment_each_order_is_one_sale_and_one_shipment(void **state) {
    (void)state;
    const char *only = getenv("XD_TEST_SEED");
    if (only != NULL) {
        weather_a_storm(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %llu (again: XD_TEST_SEED=%llu)\n", (unsigned long long)seed,
                      (unsigned long long)seed);
        weather_a_storm(seed);
    }
}

/* ---- memory ---- */

struct scarcity {
    uint64_t allocations, fails;
};

static int grudge(void *context, size_t size) {
    struct scarcity *scarcity = context;
    (void)size;
    return ++scarcity->allocations != scarcity->fails;
}

/* The whole way of two orders with one allocation refused; the WMS and the channel ask again. */
static uint64_t starve(uint64_t fails) {
    struct hub_world world;
    struct scarcity scarcity = {.fails = fails};
    hub_world_open(&world, 1);
    (void)hub_world_add_site(&world, "WH1");
    (void)hub_world_add_site(&world, "WH2");
    world.may_stop = true;
    xd_memory_set_hook(grudge, &scarcity);
    for (int number = 1; number <= 2;) {
        number += try_order(&world, number);
    }
    hub_world_run(&world, 5000);
    world.auto_wms = true;
    hub_world_run(&world, 5000);
    xd_memory_set_hook(NULL, NULL);
    for (size_t index = 0; index < world.site_count; index++) { /* what got no receipt comes again */
        char release_id[XD_ID_SIZE], id[XD_NAME_SIZE];
        hub_world_release_id(&world, index == 0 ? "PO-2" : "PO-1", release_id);
        snprintf(id, sizeof id, "C-%.60s", release_id);
        if (release_id[0] != 0 && hub_world_heard(&world.sites[index], "shipped", release_id) != NULL) {
            hub_world_ship(&world.sites[index], id, release_id, index == 0 ? "3.2" : "2.1", "");
        }
    }
    if (!hub_world_quiet(&world, 10 * MINUTE_MS)) {
        fail_msg("allocation %llu: it does not come to rest", (unsigned long long)fails);
    }
    assert_books_agree(&world, 2);
    hub_world_close(&world);
    return scarcity.allocations;
}

static void whichever_allocation_fails_the_books_agree(void **state) {
    (void)state;
    uint64_t all = starve(0), step = 1 + all / (getenv("XD_SOAK") != NULL ? 400 : 40);
    assert_true(all > 1000);
    for (uint64_t fails = 1; fails <= all; fails += step) {
        starve(fails);
    }
}

/* ---- an older copy of the hub's store ---- */

static void open_two_sites(struct hub_world *world, uint64_t seed) {
    hub_world_open(world, seed);
    (void)hub_world_add_site(world, "WH1");
    (void)hub_world_add_site(world, "WH2");
}

static void take(struct hub_world *world, int from, int to) {
    for (int number = from; number <= to; number++) {
        assert_true(try_order(world, number));
    }
}

static void a_restored_hub_makes_the_same_ids_again(void **state) {
    (void)state;
    struct hub_world world;
    char before[2][XD_ID_SIZE], after[2][XD_ID_SIZE];
    open_two_sites(&world, 1);
    assert_true(hub_world_quiet(&world, MINUTE_MS));
    hub_world_copy(&world);
    world.sites[0].online = world.sites[1].online = false; /* nobody gives it back */
    take(&world, 2, 2);
    hub_world_run(&world, 1000);
    hub_world_order_id(&world, "PO-2", before[0]);
    hub_world_release_id(&world, "PO-2", before[1]);
    hub_world_restore(&world);
    assert_count(&world, "SELECT count(*) FROM orders", 0);
    take(&world, 2, 2); /* the channel sends it again */
    hub_world_run(&world, 1000);
    hub_world_order_id(&world, "PO-2", after[0]);
    hub_world_release_id(&world, "PO-2", after[1]);
    assert_string_equal(before[0], after[0]);
    assert_string_equal(before[1], after[1]);
    assert_ledger(&world, "SELECT count(*) FROM sale", 1);
    hub_world_close(&world);
}

/* Everything after the copy was done before the restore; new_orders come before the sites are back. */
static void restore_after_all_was_done(uint64_t seed, int new_orders) {
    struct hub_world world;
    open_two_sites(&world, seed);
    world.auto_wms = true;
    take(&world, 1, 4);
    assert_true(hub_world_quiet(&world, MINUTE_MS));
    hub_world_copy(&world);
    take(&world, 5, 12);
    assert_true(hub_world_quiet(&world, MINUTE_MS));
    assert_books_agree(&world, 12);
    for (size_t index = 0; index < world.site_count; index++) { /* gone while the hub comes back */
        xd_site_line_down(&world.sites[index].site);
        world.sites[index].online = false;
    }
    hub_world_restore(&world);
    assert_count(&world, "SELECT count(*) FROM orders", 4);
    take(&world, 13, 12 + new_orders);
    hub_world_run(&world, 2000);
    for (size_t index = 0; index < world.site_count; index++) {
        world.sites[index].online = true;
        xd_site_line_up(&world.sites[index].site, world.now);
    }
    assert_true(hub_world_quiet(&world, 10 * MINUTE_MS));
    assert_books_agree(&world, 12 + new_orders);
    assert_exceptions(&world, "UNKNOWN_RELEASE", 0);
    hub_world_close(&world);
}

static void sites_give_back_what_a_restored_hub_forgot(void **state) {
    (void)state;
    restore_after_all_was_done(1, 0);
}

static void also_when_it_took_other_orders_meanwhile(void **state) {
    (void)state;
    restore_after_all_was_done(2, 2);  /* fewer than it forgot */
    restore_after_all_was_done(3, 16); /* more: its sequence is ahead, with another content */
}

static void twice_to_the_same_copy_and_in_the_middle_of_things(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct hub_world world;
        open_two_sites(&world, seed);
        world.auto_wms = true;
        world.plan = plan_trouble;
        take(&world, 1, 4);
        hub_world_run(&world, (xd_ms)hub_world_random(&world, 3000));
        hub_world_copy(&world);
        for (int round = 0; round < 2; round++) {
            take(&world, 5 + 4 * round, 8 + 4 * round);
            hub_world_run(&world, (xd_ms)hub_world_random(&world, 8000));
            hub_world_restore(&world);
        }
        for (int number = 1; number <= 12; number++) { /* what nobody holds, the channel sends again */
            hub_world_run(&world, (xd_ms)hub_world_random(&world, 500));
            assert_true(try_order(&world, number));
        }
        world.plan = NULL;
        if (!hub_world_quiet(&world, 10 * MINUTE_MS)) {
            fail_msg("seed %llu: it does not come to rest", (unsigned long long)seed);
        }
        assert_books_agree(&world, 12);
        hub_world_close(&world);
    }
}

static void an_order_that_came_back_is_known_to_its_channel(void **state) {
    (void)state;
    struct hub_world world;
    char text[1024];
    open_two_sites(&world, 5);
    assert_true(hub_world_quiet(&world, MINUTE_MS));
    hub_world_copy(&world);
    take(&world, 2, 2);
    assert_true(hub_world_quiet(&world, MINUTE_MS));
    hub_world_restore(&world);
    assert_true(hub_world_quiet(&world, MINUTE_MS));
    assert_count(&world, "SELECT count(*) FROM orders WHERE client = 'adopted'", 1);
    assert_true(try_order(&world, 2)); /* the very same: the stored answer */
    hub_world_order_text(2, "WH1", "999", text);
    assert_int_equal(hub_world_order(&world, "another", text), 409);
    assert_count(&world, "SELECT count(*) FROM orders", 1);
    hub_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment_each_order_is_one_sale_and_one_shipment),
        cmocka_unit_test(whichever_allocation_fails_the_books_agree),
        cmocka_unit_test(a_restored_hub_makes_the_same_ids_again),
        cmocka_unit_test(sites_give_back_what_a_restored_hub_forgot),
        cmocka_unit_test(also_when_it_took_other_orders_meanwhile),
        cmocka_unit_test(twice_to_the_same_copy_and_in_the_middle_of_things),
        cmocka_unit_test(an_order_that_came_back_is_known_to_its_channel),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
