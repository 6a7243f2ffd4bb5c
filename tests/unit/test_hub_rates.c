/* How often clients may ask: each for itself, by its own limits or the hub's. */
#include "posix/hub/hub_rates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define MANY 5000

static struct xd_rates *rates_new(int64_t rate_per_s, int64_t burst) {
    struct xd_rates *rates = NULL;
    assert_int_equal(xd_rates_new(rate_per_s, burst, &rates), XD_OK);
    return rates;
}

static struct xd_client_row client_of(const char *tenant, const char *name, int64_t rate_per_s,
                                      int64_t burst) {
    struct xd_client_row row = {.rate_per_s = rate_per_s, .burst = burst};
    (void)snprintf(row.tenant, sizeof row.tenant, "%s", tenant);
    (void)snprintf(row.client, sizeof row.client, "%s", name);
    return row;
}

static int taken(struct xd_rates *rates, const struct xd_client_row *client, xd_ms now) {
    struct xd_rate rate;
    int count = 0;
    while (count < 1000 && xd_rates_take(rates, client, now, &rate)) {
        count++;
    }
    return count;
}

static void without_a_limit_nothing_is_counted(void **state) {
    struct xd_rates *rates = rates_new(0, 0);
    struct xd_client_row client = client_of("t", "web", 0, 0);
    struct xd_rate rate;
    (void)state;
    assert_int_equal(taken(rates, &client, 0), 1000);
    assert_true(xd_rates_take(rates, &client, 0, &rate));
    assert_false(rate.limited);
    xd_rates_free(rates);
}

static void a_clients_own_limits_go_before_the_hubs(void **state) {
    struct xd_rates *rates = rates_new(2, 5);
    struct xd_client_row own = client_of("t", "own", 3, 0), other = client_of("t", "other", 0, 0);
    (void)state;
    assert_int_equal(taken(rates, &own, 0), 3); /* no burst: as many as the rate; not the hub's burst */
    assert_int_equal(taken(rates, &other, 0), 5);
    assert_int_equal(taken(rates, &own, 1000), 3);
    assert_int_equal(taken(rates, &other, 1000), 2);
    xd_rates_free(rates);
}

static void it_tells_what_is_left_and_until_when(void **state) {
    struct xd_rates *rates = rates_new(0, 0);
    struct xd_client_row client = client_of("t", "web", 2, 5);
    struct xd_rate rate;
    (void)state;
    assert_true(xd_rates_take(rates, &client, 0, &rate));
    assert_true(rate.limited);
    assert_int_equal(rate.quota, 5);
    assert_int_equal(rate.window_s, 3); /* 2.5 s, rounded up */
    assert_int_equal(rate.left, 4);
    assert_int_equal(rate.until_s, 1);
    (void)taken(rates, &client, 0);
    assert_false(xd_rates_take(rates, &client, 0, &rate));
    assert_int_equal(rate.left, 0);
    assert_int_equal(rate.until_s, 1);
    xd_rates_free(rates);
}

static void clients_of_one_name_in_two_tenants_are_two(void **state) {
    struct xd_rates *rates = rates_new(1, 4);
    struct xd_client_row one = client_of("t1", "web", 0, 0), two = client_of("t2", "web", 0, 0);
    (void)state;
    assert_int_equal(taken(rates, &one, 0), 4);
    assert_int_equal(taken(rates, &two, 0), 4);
    assert_int_equal(taken(rates, &one, 0), 0);
    xd_rates_free(rates);
}

static void new_limits_count_from_the_next_request_on(void **state) {
    struct xd_rates *rates = rates_new(0, 0);
    struct xd_client_row client = client_of("t", "web", 1, 2);
    (void)state;
    assert_int_equal(taken(rates, &client, 0), 2);
    client.burst = 10;
    assert_int_equal(taken(rates, &client, 0), 8);
    xd_rates_free(rates);
}

static void with_more_clients_than_there_is_room_for_the_idle_make_room(void **state) {
    struct xd_rates *rates = rates_new(1, 1);
    struct xd_client_row busy = client_of("t", "busy", 0, 0);
    char name[16];
    (void)state;
    assert_int_equal(taken(rates, &busy, 0), 1);
    for (int index = 0; index < MANY; index++) {
        (void)snprintf(name, sizeof name, "c%d", index);
        struct xd_client_row other = client_of("t", name, 0, 0);
        xd_ms now = index / 10;
        assert_int_equal(taken(rates, &other, now), 1);
        assert_int_equal(taken(rates, &busy, now), 0); /* it keeps asking, and so its place */
    }
    xd_rates_free(rates);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_nothing_is_counted),
        cmocka_unit_test(a_clients_own_limits_go_before_the_hubs),
        cmocka_unit_test(it_tells_what_is_left_and_until_when),
        cmocka_unit_test(clients_of_one_name_in_two_tenants_are_two),
        cmocka_unit_test(new_limits_count_from_the_next_request_on),
        cmocka_unit_test(with_more_clients_than_there_is_room_for_the_idle_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
