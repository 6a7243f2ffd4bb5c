/* What every implementation of hub/store.h must do: the queue of each ERP. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER INT64_C(1000000)

static int64_t add(struct store_world *world, const char *erp, const char *tenant, xd_ms promise,
                   const char *reference) {
    struct xd_job_row row = {.kind = XD_ERP_SALE, .state = XD_JOB_QUEUED, .promise = promise};
    (void)snprintf(row.erp, sizeof row.erp, "%s", erp);
    (void)snprintf(row.tenant, sizeof row.tenant, "%s", tenant);
    (void)snprintf(row.reference, sizeof row.reference, "%s", reference);
    assert_ok(world->hub.job_add(world->hub.context, &row, NULL, 0));
    return row.number;
}

static void save(struct store_world *world, int64_t number, int state, bool waits, xd_ms due_at) {
    struct xd_job_row row;
    assert_ok(world->hub.job_get(world->hub.context, number, &row));
    row.state = state;
    row.waits = waits;
    row.due_at = due_at;
    assert_ok(world->hub.job_save(world->hub.context, &row));
}

/* The references of that tenant's first ones, a blank behind each. */
static void assert_next(struct store_world *world, const char *erp, const char *tenant, size_t max,
                        const char *expected) {
    char seen[256] = "";
    int64_t numbers[16];
    size_t count = 99;
    assert_ok(world->hub.job_next(world->hub.context, erp, tenant, max, numbers, &count));
    assert_true(count <= max);
    for (size_t index = 0; index < count; index++) {
        struct xd_job_row row;
        assert_ok(world->hub.job_get(world->hub.context, numbers[index], &row));
        assert_string_equal(row.tenant, tenant);
        strcat(strcat(seen, row.reference), " ");
    }
    assert_string_equal(seen, expected);
}

static void assert_tenant(struct store_world *world, const char *erp, const char *after,
                          const char *expected) {
    char tenant[XD_NAME_SIZE] = "";
    enum xd_result result = world->hub.job_tenant(world->hub.context, erp, after, tenant);
    assert_int_equal(result, expected == NULL ? XD_NOT_FOUND : XD_OK);
    assert_string_equal(tenant, expected == NULL ? "" : expected);
}

static void assert_wakes(struct store_world *world, xd_ms now, xd_ms wait_max, size_t max, size_t woken,
                         xd_ms next) {
    size_t count = 99;
    xd_ms left = 99;
    assert_ok(world->hub.job_wake(world->hub.context, "main", now, wait_max, max, &count, &left));
    assert_int_equal(count, woken);
    assert_int_equal(left, next);
}

static void a_job_that_is_promised_for_another_date_has_another_place(void **state) {
    struct store_world *world = *state;
    struct xd_job_row row;
    stores_begin(world);
    add(world, "main", "acme", 10, "1");
    int64_t second = add(world, "main", "acme", 20, "2");
    assert_next(world, "main", "acme", 4, "1 2 ");
    assert_ok(world->hub.job_get(world->hub.context, second, &row));
    row.promise = 5;
    assert_ok(world->hub.job_save(world->hub.context, &row));
    assert_next(world, "main", "acme", 4, "2 1 ");
    stores_commit(world);
}

static void a_tenants_jobs_come_by_promise_then_as_they_were_added(void **state) {
    struct store_world *world = *state;
    stores_begin(world);
    (void)add(world, "main", "acme", 300, "c");
    (void)add(world, "main", "acme", 100, "a");
    (void)add(world, "main", "acme", 300, "d");
    (void)add(world, "main", "acme", 200, "b");
    (void)add(world, "main", "beta", 50, "x");
    (void)add(world, "other", "acme", 10, "y");
    assert_next(world, "main", "acme", 16, "a b c d ");
    assert_next(world, "main", "acme", 2, "a b ");
    assert_next(world, "main", "beta", 16, "x ");
    assert_next(world, "other", "acme", 16, "y ");
    assert_next(world, "other", "beta", 16, "");
    stores_commit(world);
    stores_reopen(world, 0);
    assert_next(world, "main", "acme", 3, "a b c ");
}

static void tenants_that_have_something_are_found_one_after_the_other(void **state) {
    struct store_world *world = *state;
    stores_begin(world);
    assert_tenant(world, "main", NULL, NULL);
    int64_t nobodys = add(world, "main", "", 1, "n");
    int64_t acme = add(world, "main", "acme", 1, "a");
    (void)add(world, "main", "beta", 1, "b");
    (void)add(world, "other", "gamma", 1, "c");
    assert_tenant(world, "main", NULL, "");
    assert_tenant(world, "main", "", "acme");
    assert_tenant(world, "main", "acme", "beta");
    assert_tenant(world, "main", "beta", NULL);
    save(world, acme, XD_JOB_SENT, false, 0);
    assert_tenant(world, "main", "", "beta");
    save(world, nobodys, XD_JOB_DONE, false, 0);
    assert_tenant(world, "main", NULL, "beta");
    save(world, acme, XD_JOB_QUEUED, false, 0);
    assert_tenant(world, "main", NULL, "acme");
    stores_commit(world);
}

static void what_waits_is_in_no_queue_until_its_time_has_come(void **state) {
    struct store_world *world = *state;
    struct xd_job_row row;
    stores_begin(world);
    int64_t first = add(world, "main", "acme", 1, "a"), second = add(world, "main", "acme", 2, "b");
    (void)add(world, "main", "acme", 3, "c");
    save(world, first, XD_JOB_QUEUED, true, 500);
    save(world, second, XD_JOB_QUEUED, true, 400);
    assert_next(world, "main", "acme", 16, "c ");
    assert_wakes(world, 399, NEVER, 9, 0, 400);
    assert_wakes(world, 400, NEVER, 9, 1, 500);
    assert_next(world, "main", "acme", 16, "b c ");
    assert_ok(world->hub.job_get(world->hub.context, first, &row));
    assert_true(row.waits);
    assert_wakes(world, 900, NEVER, 9, 1, 0);
    assert_next(world, "main", "acme", 16, "a b c ");
    assert_ok(world->hub.job_get(world->hub.context, first, &row));
    assert_false(row.waits);
    stores_commit(world);
}

static void what_would_wait_too_long_waits_no_more(void **state) {
    struct store_world *world = *state;
    stores_begin(world);
    save(world, add(world, "main", "acme", 1, "a"), XD_JOB_QUEUED, true, 10000);
    save(world, add(world, "main", "acme", 2, "b"), XD_JOB_QUEUED, true, 1600);
    assert_wakes(world, 1000, 600, 9, 1, 1600); /* the clock was set back */
    assert_next(world, "main", "acme", 16, "a ");
    stores_commit(world);
}

static void no_more_are_woken_than_asked_for(void **state) {
    struct store_world *world = *state;
    stores_begin(world);
    for (int n = 0; n < 7; n++) {
        char reference[16];
        (void)snprintf(reference, sizeof reference, "r%d", n);
        save(world, add(world, "main", "acme", n, reference), XD_JOB_QUEUED, true, 100 + n);
    }
    assert_wakes(world, 1000, NEVER, 5, 5, 105);
    assert_wakes(world, 1000, NEVER, 5, 2, 0);
    assert_next(world, "main", "acme", 16, "r0 r1 r2 r3 r4 r5 r6 ");
    stores_commit(world);
}

static void assert_counted(struct store_world *world, const char *erp, int state, int64_t expected) {
    int64_t count = -1;
    assert_ok(world->hub.job_count_of(world->hub.context, erp, state, &count));
    assert_int_equal(count, expected);
}

static void jobs_are_counted_by_erp(void **state) {
    struct store_world *world = *state;
    int64_t last = -1, count = 0;
    stores_begin(world);
    assert_ok(world->hub.job_last(world->hub.context, &last));
    assert_int_equal(last, 0);
    (void)add(world, "main", "acme", 1, "a");
    (void)add(world, "main", "acme", 1, "b");
    int64_t number = add(world, "other", "acme", 1, "c");
    assert_counted(world, "main", XD_JOB_QUEUED, 2);
    assert_counted(world, "other", XD_JOB_QUEUED, 1);
    save(world, number, XD_JOB_DONE, false, 0);
    assert_counted(world, "other", XD_JOB_QUEUED, 0);
    assert_counted(world, "other", XD_JOB_DONE, 1);
    assert_counted(world, "nobody", XD_JOB_QUEUED, 0);
    assert_ok(world->hub.job_count(world->hub.context, XD_JOB_QUEUED, &count));
    assert_int_equal(count, 2);
    assert_ok(world->hub.job_last(world->hub.context, &last));
    assert_int_equal(last, number);
    stores_commit(world);
}

static void erps_with_work_are_found_one_after_the_other(void **state) {
    struct store_world *world = *state;
    char erp[XD_NAME_SIZE];
    stores_begin(world);
    assert_int_equal(world->hub.job_lane(world->hub.context, "", erp), XD_NOT_FOUND);
    (void)add(world, "main", "acme", 1, "a");
    int64_t number = add(world, "other", "acme", 1, "b");
    assert_ok(world->hub.job_lane(world->hub.context, "", erp));
    assert_string_equal(erp, "main");
    assert_ok(world->hub.job_lane(world->hub.context, "main", erp));
    assert_string_equal(erp, "other");
    assert_int_equal(world->hub.job_lane(world->hub.context, "other", erp), XD_NOT_FOUND);
    save(world, number, XD_JOB_DONE, false, 0);
    assert_int_equal(world->hub.job_lane(world->hub.context, "main", erp), XD_NOT_FOUND);
    stores_commit(world);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(a_job_that_is_promised_for_another_date_has_another_place),
        HUB_TEST(a_tenants_jobs_come_by_promise_then_as_they_were_added),
        HUB_TEST(tenants_that_have_something_are_found_one_after_the_other),
        HUB_TEST(what_waits_is_in_no_queue_until_its_time_has_come),
        HUB_TEST(what_would_wait_too_long_waits_no_more),
        HUB_TEST(no_more_are_woken_than_asked_for),
        HUB_TEST(jobs_are_counted_by_erp),
        HUB_TEST(erps_with_work_are_found_one_after_the_other),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
