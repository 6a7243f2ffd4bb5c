/* Promises to tenants: what is told before a deadline and after it, and what ends it. */
#include "unit/hub_world.h"

#include "hub/sla/deadlines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_MS ((xd_ms)1000)

/* ---- helpers ---- */

/* members: of what is promised to the tenant acme. */
static void promise(struct hub_world *world, const char *members) {
    struct xd_problems problems;
    char text[256];
    int64_t version;
    snprintf(text, sizeof text, "{\"tenant\":\"acme\",\"sla\":{%s}}", members);
    xd_problems_clear(&problems);
    assert_ok(world->store.delivery.tx.begin(world->store.delivery.tx.context));
    assert_ok(xd_reference_put(&world->hub, XD_REF_TENANT, xd_bytes_of_text(text), "api", world->now,
                               &version, &problems));
    assert_ok(world->store.delivery.tx.commit(world->store.delivery.tx.context));
}

static void assert_deadlines(struct hub_world *world, int64_t expected) {
    assert_count(world, "SELECT count(*) FROM deadline", expected);
}

static void assert_steps(struct hub_world *world, const char *step, const char *of, int64_t expected) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM timeline WHERE step = '%s' AND detail LIKE '%%\"promise\":\"%s\"%%'", step,
             of);
    assert_count(world, sql, expected);
}

static void assert_told(struct hub_world *world, const char *of, int64_t warned, int64_t breached) {
    assert_steps(world, "sla.warned", of, warned);
    assert_steps(world, "sla.breached", of, breached);
}

static void acknowledge(struct hub_world *world, const char *release_id) {
    char text[128];
    snprintf(text, sizeof text, "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"ACKNOWLEDGED\"}",
             release_id);
    hub_world_wms(&world->sites[0], "release/response", text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
}

static void plan_silence(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    if (!call->list) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

static void cancel(struct hub_world *world, const char *external) {
    static const struct xd_client_row boss = {.client = "boss", .tenant = "acme", .role = "operator"};
    char body[] = "{\"reason\":\"changed my mind\"}", order_id[XD_ID_SIZE];
    hub_world_order_id(world, external, order_id);
    struct api_call api = {.write = xd_hub_order_cancel, .client = &boss, .id = order_id, .body = body};
    assert_int_equal(hub_world_post(world, &api), 202);
    hub_world_api_free(&api);
}

/* ---- the pure part ---- */

static void warning_is_due_at_its_share_of_the_time(void **state) {
    (void)state;
    struct xd_tenant_policy policy = {.shipped_within_s = 3600, .warn_pct = 75};
    struct xd_deadline_row row;
    assert_false(xd_deadline_make(&policy, "O1", XD_PROMISE_ACCEPTED, 5000, &row));
    assert_true(xd_deadline_make(&policy, "O1", XD_PROMISE_SHIPPED, 5000, &row));
    assert_int_equal(row.at, 5000 + 2700000);
    assert_int_equal(row.due, 5000 + 3600000);
    assert_int_equal(xd_deadline_fire(&row, row.at - 1), XD_ALERT_NONE);
    assert_int_equal(xd_deadline_fire(&row, row.at), XD_ALERT_WARNING);
    assert_int_equal(row.at, row.due);
    assert_int_equal(xd_deadline_fire(&row, row.due - 1), XD_ALERT_NONE);
    assert_int_equal(xd_deadline_fire(&row, row.due), XD_ALERT_BREACH);
    assert_int_equal(row.at, 0);
    assert_int_equal(xd_deadline_fire(&row, row.due + 1000000), XD_ALERT_NONE);
}

static void warning_at_the_deadline_itself_is_none(void **state) {
    (void)state;
    struct xd_tenant_policy policy = {.accepted_within_s = 10, .warn_pct = 100};
    struct xd_deadline_row row;
    assert_true(xd_deadline_make(&policy, "O1", XD_PROMISE_ACCEPTED, 0, &row));
    assert_int_equal(row.at, 10000);
    assert_int_equal(xd_deadline_fire(&row, 10000), XD_ALERT_BREACH);
}

static void endless_promise_does_not_overflow(void **state) {
    (void)state;
    struct xd_tenant_policy policy = {.accepted_within_s = INT64_MAX, .warn_pct = 99};
    struct xd_deadline_row row;
    assert_true(xd_deadline_make(&policy, "O1", XD_PROMISE_ACCEPTED, INT64_C(1800000000000), &row));
    assert_true(row.at > INT64_C(1800000000000));
    assert_true(row.due > row.at);
}

/* ---- in the hub ---- */

static void order_of_a_tenant_without_promises_has_no_deadlines(void **state) {
    struct hub_world *world = *state;
    hub_world_place(world, 1, "10");
    promise(world, "\"warn_pct\":50");
    hub_world_place(world, 2, "10");
    assert_deadlines(world, 0);
    assert_false(world->hub.deadlines);
    assert_true(hub_world_quiet(world, MINUTE_MS));
}

static void what_is_kept_in_time_is_not_told(void **state) {
    struct hub_world *world = *state;
    promise(world, "\"accepted_within_s\":600,\"released_within_s\":600,\"acknowledged_within_s\":600,"
                   "\"shipped_within_s\":600");
    world->auto_wms = true;
    hub_world_place(world, 1, "10");
    assert_deadlines(world, 4);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_SHIPPED);
    assert_deadlines(world, 0);
    hub_world_run(world, 11 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM timeline WHERE step LIKE 'sla.%'", 0);
    assert_count(world, "SELECT count(*) FROM exception WHERE code LIKE 'SLA_%'", 0);
}

static void each_promise_ends_when_the_order_gets_there(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    promise(world, "\"accepted_within_s\":600,\"released_within_s\":600,\"acknowledged_within_s\":600,"
                   "\"shipped_within_s\":600");
    hub_world_released(world, 1, "10", release_id);
    assert_count(world, "SELECT count(*) FROM deadline WHERE promise IN (2, 3)", 2);
    assert_deadlines(world, 2);
    acknowledge(world, release_id);
    assert_count(world, "SELECT count(*) FROM deadline WHERE promise = 3", 1);
    assert_deadlines(world, 1);
    hub_world_ship(&world->sites[0], "C-1", release_id, "4", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_deadlines(world, 1); /* a part is not all */
    hub_world_ship(&world->sites[0], "C-2", release_id, "6", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_deadlines(world, 0);
}

static void late_order_is_warned_of_then_told_then_closed(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    promise(world, "\"shipped_within_s\":100,\"warn_pct\":50");
    xd_ms start = world->now.wall;
    hub_world_released(world, 1, "10", release_id);
    hub_world_run(world, start + 49 * SECOND_MS - world->now.wall);
    assert_told(world, "shipped", 0, 0);
    hub_world_run(world, 3 * SECOND_MS);
    assert_told(world, "shipped", 1, 0);
    assert_exceptions(world, "SLA_WARNING", 1);
    assert_exceptions(world, "SLA_BREACH", 0);
    hub_world_run(world, 50 * SECOND_MS);
    assert_told(world, "shipped", 1, 1);
    assert_exceptions(world, "SLA_WARNING", 0);
    assert_exceptions(world, "SLA_BREACH", 1);
    assert_int_equal(world->hub.counters.sla_warned[XD_PROMISE_SHIPPED], 1);
    assert_int_equal(world->hub.counters.sla_breached[XD_PROMISE_SHIPPED], 1);
    hub_world_run(world, 5 * MINUTE_MS);
    assert_told(world, "shipped", 1, 1);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "SLA_BREACH", 0);
    assert_steps(world, "sla.ended_late", "shipped", 1);
    assert_deadlines(world, 0);
}

static void warning_ends_when_the_order_gets_there_in_time(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    promise(world, "\"acknowledged_within_s\":100,\"shipped_within_s\":100,\"warn_pct\":50");
    hub_world_released(world, 1, "10", release_id);
    hub_world_run(world, 55 * SECOND_MS);
    assert_exceptions(world, "SLA_WARNING", 2);
    acknowledge(world, release_id);
    assert_exceptions(world, "SLA_WARNING", 1);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1 AND detail LIKE 'shipped:%'", 1);
    cancel(world, "PO-1");
    assert_exceptions(world, "SLA_WARNING", 0);
    hub_world_run(world, MINUTE_MS);
    assert_exceptions(world, "SLA_BREACH", 0);
    assert_steps(world, "sla.ended_late", "shipped", 0);
    assert_count(world, "SELECT count(*) FROM event WHERE type LIKE '%exception.resolved%'", 2);
}

static void promise_that_is_kept_late_closes_its_own_exception_only(void **state) {
    struct hub_world *world = *state;
    promise(world, "\"accepted_within_s\":10,\"shipped_within_s\":20");
    world->plan = plan_silence;
    hub_world_place(world, 1, "10");
    hub_world_run(world, 30 * SECOND_MS);
    assert_exceptions(world, "SLA_BREACH", 2);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
    assert_exceptions(world, "SLA_BREACH", 1);
    assert_count(world,
                 "SELECT count(*) FROM exception WHERE open = 1 AND code = 'SLA_BREACH' AND detail LIKE "
                 "'shipped:%'",
                 1);
    assert_deadlines(world, 1);
}

static void silent_site_misses_the_acknowledgement(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    promise(world, "\"released_within_s\":60,\"acknowledged_within_s\":60");
    hub_world_released(world, 1, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    assert_told(world, "released", 0, 0);
    assert_told(world, "acknowledged", 1, 1);
    acknowledge(world, release_id);
    assert_exceptions(world, "SLA_BREACH", 0);
}

static void cancelled_order_is_promised_nothing(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    promise(world, "\"accepted_within_s\":60,\"shipped_within_s\":60");
    hub_world_released(world, 1, "10", release_id);
    cancel(world, "PO-1"); /* its site has not answered yet */
    assert_int_not_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_CANCELLED);
    assert_deadlines(world, 0);
    world->plan = plan_silence;
    hub_world_place(world, 2, "10");
    cancel(world, "PO-2");
    assert_deadlines(world, 0);
    hub_world_run(world, 2 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM timeline WHERE step LIKE 'sla.%'", 0);
}

static void deadlines_outlive_restarts_and_are_told_once(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    promise(world, "\"shipped_within_s\":100,\"warn_pct\":50");
    hub_world_released(world, 1, "10", release_id);
    hub_world_run(world, 55 * SECOND_MS);
    assert_told(world, "shipped", 1, 0);
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, 50 * SECOND_MS);
    assert_told(world, "shipped", 1, 1);
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, 10 * SECOND_MS);
    assert_told(world, "shipped", 1, 1);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "SLA_BREACH", 0);
}

static void hub_that_was_away_tells_only_what_is_still_true(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    promise(world, "\"shipped_within_s\":100");
    hub_world_released(world, 1, "10", release_id);
    hub_world_crash(world);
    hub_world_run(world, 2 * MINUTE_MS);
    hub_world_start(world);
    hub_world_run(world, 3 * SECOND_MS);
    assert_told(world, "shipped", 0, 1);
}

static void what_was_not_committed_is_told_again(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    promise(world, "\"shipped_within_s\":100,\"warn_pct\":100");
    hub_world_released(world, 1, "10", release_id);
    for (xd_ms left = 105 * SECOND_MS; left > 0; left -= WORLD_STEP_MS) {
        world->fail_commit = world->hub.counters.sla_breached[XD_PROMISE_SHIPPED] == 0;
        hub_world_step(world);
    }
    assert_true(world->hub.counters.sla_breached[XD_PROMISE_SHIPPED] > 0);
    world->fail_commit = false;
    hub_world_run(world, 3 * SECOND_MS);
    assert_told(world, "shipped", 0, 1);
    assert_exceptions(world, "SLA_BREACH", 1);
}

static void order_that_was_undone_leaves_no_deadline(void **state) {
    struct hub_world *world = *state;
    char text[1024];
    promise(world, "\"shipped_within_s\":100");
    world->fail_commit = true;
    assert_int_equal(hub_world_order(world, "k", hub_world_order_text(1, "WH1", "1", text)), 503);
    assert_deadlines(world, 0);
    assert_int_equal(hub_world_order(world, "k", text), 202);
    assert_deadlines(world, 1);
    assert_true(hub_world_quiet(world, MINUTE_MS));
}

static void many_at_once_are_told_page_by_page(void **state) {
    struct hub_world *world = *state;
    promise(world, "\"accepted_within_s\":100,\"warn_pct\":100");
    world->plan = plan_silence;
    for (int number = 1; number <= 70; number++) {
        hub_world_place(world, number, "1");
    }
    world->now.wall += 100 * SECOND_MS;
    int64_t last = 0, most = 0, now = 0;
    for (int step = 0; step < 20 && now < 70; step++) {
        hub_world_step(world);
        now = hub_world_count(world, "SELECT count(*) FROM timeline WHERE step = 'sla.breached'");
        most = now - last > most ? now - last : most;
        last = now;
    }
    assert_int_equal(now, 70);
    assert_in_range(most, 1, 32);
    assert_exceptions(world, "SLA_BREACH", 70);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 30 * MINUTE_MS));
    assert_exceptions(world, "SLA_BREACH", 0);
    assert_deadlines(world, 0);
}

/* ---- shipped by the sites' calendar ---- */

static void refer(struct hub_world *world, enum xd_reference_kind kind, const char *text) {
    struct xd_problems problems;
    int64_t version;
    xd_problems_clear(&problems);
    assert_ok(world->store.delivery.tx.begin(world->store.delivery.tx.context));
    assert_ok(
        xd_reference_put(&world->hub, kind, xd_bytes_of_text(text), "api", world->now, &version, &problems));
    assert_ok(world->store.delivery.tx.commit(world->store.delivery.tx.context));
}

/* The end of today, or of so many days later, UTC. */
static xd_ms end_of_day(const struct hub_world *world, int later) {
    return (world->now.wall / XD_DAY_MS + 1 + later) * XD_DAY_MS;
}

static void assert_due(struct hub_world *world, int number, xd_ms expected) {
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT d.due FROM deadline d JOIN orders o USING(order_id) WHERE external_order_id = 'PO-%d'",
             number);
    assert_count(world, sql, expected);
}

static void order_is_due_at_the_end_of_the_day_on_which_its_site_ships(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE], order_id[XD_ID_SIZE], text[1024], body[1200], date[XD_DATE_TEXT_SIZE];
    struct xd_buffer shown;
    promise(world, "\"shipped_by_calendar\":true,\"warn_pct\":50");
    world->plan = plan_silence;
    hub_world_place(world, 1, "1");
    assert_due(world, 1, 0); /* where it ships from is not known yet */
    hub_world_order_id(world, "PO-1", order_id);
    xd_buffer_init(&shown, 0);
    assert_ok(xd_view_order(&world->store, order_id, &shown));
    assert_non_null(strstr(xd_buffer_string(&shown), "\"deadlines\":[]"));
    xd_buffer_free(&shown);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    assert_due(world, 1, 0); /* a site without an entry has no calendar */
    refer(world, XD_REF_SITE, "{\"site\":\"WH1\",\"cutoff\":\"23:59\"}");
    hub_world_released(world, 2, "1", release_id);
    assert_due(world, 2, end_of_day(world, 0));
    refer(world, XD_REF_SITE, "{\"site\":\"WH1\",\"cutoff\":\"00:00\"}");
    hub_world_released(world, 3, "1", release_id);
    assert_due(world, 3, end_of_day(world, 1)); /* it came after the cut-off */
    (void)xd_date_write(world->now.wall / XD_DAY_MS + 5, date);
    (void)hub_world_order_text(4, "WH1", "1", text);
    snprintf(body, sizeof body, "{\"dates\":{\"requested_ship\":\"%s\"},%s", date, text + 1);
    assert_int_equal(hub_world_order(world, "named", body), 202);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_due(world, 4, end_of_day(world, 5));
}

static void order_that_its_site_does_not_ship_by_its_calendar_is_late(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    refer(world, XD_REF_SITE, "{\"site\":\"WH1\"}");
    promise(world, "\"shipped_by_calendar\":true,\"warn_pct\":50");
    hub_world_released(world, 1, "10", release_id);
    xd_ms due = end_of_day(world, 0);
    world->now.wall = due - 1000;
    hub_world_run(world, 10 * SECOND_MS);
    assert_steps(world, "sla.breached", "shipped", 1);
    assert_exceptions(world, "SLA_BREACH", 1);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "SLA_BREACH", 0);
    assert_deadlines(world, 0);
}

static void order_shows_what_is_promised(void **state) {
    struct hub_world *world = *state;
    char order_id[XD_ID_SIZE];
    struct xd_buffer text;
    promise(world, "\"shipped_within_s\":100");
    hub_world_place(world, 1, "1");
    hub_world_order_id(world, "PO-1", order_id);
    xd_buffer_init(&text, 0);
    assert_ok(xd_view_order(&world->store, order_id, &text));
    assert_non_null(strstr(xd_buffer_string(&text), "\"promise\":\"shipped\",\"due_at\":\""));
    assert_non_null(strstr(xd_buffer_string(&text), "\"breached\":false"));
    xd_buffer_free(&text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warning_is_due_at_its_share_of_the_time),
        cmocka_unit_test(warning_at_the_deadline_itself_is_none),
        cmocka_unit_test(endless_promise_does_not_overflow),
        WORLD_TEST(order_of_a_tenant_without_promises_has_no_deadlines),
        WORLD_TEST(what_is_kept_in_time_is_not_told),
        WORLD_TEST(each_promise_ends_when_the_order_gets_there),
        WORLD_TEST(late_order_is_warned_of_then_told_then_closed),
        WORLD_TEST(warning_ends_when_the_order_gets_there_in_time),
        WORLD_TEST(promise_that_is_kept_late_closes_its_own_exception_only),
        WORLD_TEST(silent_site_misses_the_acknowledgement),
        WORLD_TEST(cancelled_order_is_promised_nothing),
        WORLD_TEST(deadlines_outlive_restarts_and_are_told_once),
        WORLD_TEST(hub_that_was_away_tells_only_what_is_still_true),
        WORLD_TEST(what_was_not_committed_is_told_again),
        WORLD_TEST(order_that_was_undone_leaves_no_deadline),
        WORLD_TEST(many_at_once_are_told_page_by_page),
        WORLD_TEST(order_is_due_at_the_end_of_the_day_on_which_its_site_ships),
        WORLD_TEST(order_that_its_site_does_not_ship_by_its_calendar_is_late),
        WORLD_TEST(order_shows_what_is_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
