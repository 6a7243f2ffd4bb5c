/* Lifecycle events in a simulated world: each once by its id, in order for each
 * order, told exactly when they are true, whatever broker and process do. */
#include "unit/hub_world.h"

#include "base/base64.h"
#include "base/json.h"
#include "hub/events/events_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every row of the log was published, and nothing else was. */
static void assert_all_told(struct hub_world *world) {
    int64_t distinct = 0;
    for (size_t index = 0; index < world->event_count; index++) {
        bool first = true;
        for (size_t before = 0; before < index && first; before++) {
            first = strcmp(world->events[before].id, world->events[index].id) != 0;
        }
        distinct += first;
    }
    hub_world_check_events(world);
    assert_int_equal(hub_world_count(world, "SELECT count(*) FROM event"), distinct);
}

static void ship_one(struct hub_world *world, int number, char order_id[XD_ID_SIZE]) {
    char release_id[XD_ID_SIZE], external[32], confirmation[32];
    snprintf(external, sizeof external, "PO-%d", number);
    snprintf(confirmation, sizeof confirmation, "C-%d", number);
    hub_world_released(world, number, "10", release_id);
    hub_world_order_id(world, external, order_id);
    hub_world_ship(&world->sites[0], confirmation, release_id, "10", "");
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
}

static void an_orders_way_is_told_once_and_in_order(void **state) {
    struct hub_world *world = *state;
    static const char *const keys[] = {"acme.order.accepted.portal", "acme.order.released.portal",
                                       "acme.order.shipped.portal"};
    char order_id[XD_ID_SIZE];
    ship_one(world, 1, order_id);
    assert_int_equal(world->event_count, 3);
    for (size_t index = 0; index < 3; index++) {
        assert_string_equal(world->events[index].key, keys[index]);
        assert_string_equal(world->events[index].order_id, order_id);
    }
    cJSON *tree = cJSON_Parse(world->events[2].body);
    const cJSON *data = cJSON_GetObjectItem(tree, "data"),
                *line = cJSON_GetArrayItem(cJSON_GetObjectItem(data, "lines"), 0);
    assert_string_equal(xd_json_text(tree, "type"), "crossdock.order.shipped.v1");
    assert_string_equal(xd_json_text(tree, "source"), "/hub");
    assert_string_equal(xd_json_text(tree, "subject"), order_id);
    assert_string_equal(xd_json_text(tree, "causationid"), "C-1");
    assert_string_equal(xd_json_text(data, "status"), "SHIPPED");
    assert_string_equal(xd_json_text(data, "external_order_id"), "PO-1");
    assert_string_equal(xd_json_text(line, "qty"), "10");
    cJSON_Delete(tree);
    assert_all_told(world);
}

static void a_held_order_and_its_exception_are_told(void **state) {
    struct hub_world *world = *state;
    char body[1024], *customer;
    hub_world_order_text(7, "WH1", "1", body);
    customer = strstr(body, "CUST-1");
    memcpy(customer, "GONE\",", 6);
    memmove(customer + 5, customer + 7, strlen(customer + 7) + 1); /* "GONE" */
    assert_int_equal(hub_world_order(world, "k-7", body), 202);
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    assert_int_equal(hub_world_events(world, "acme.order.held.portal", NULL), 1);
    assert_int_equal(hub_world_events(world, "acme.exception.raised.portal", NULL), 1);
    assert_int_equal(hub_world_events(world, "acme.order.accepted.portal", NULL), 0);
    assert_all_told(world);
}

static void an_exception_that_resolves_itself_is_told_twice(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE], order_id[XD_ID_SIZE];
    hub_world_copy(world);
    hub_world_released(world, 3, "10", release_id);
    hub_world_order_id(world, "PO-3", order_id);
    hub_world_restore(world); /* the hub has forgotten the order, the site has it */
    hub_world_ship(&world->sites[0], "C-3", release_id, "10", "");
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-3"), XD_ORDER_SHIPPED);
    assert_int_equal(hub_world_events(world, "exception.raised.none", NULL),
                     2); /* and STREAM_REWOUND, which stays */
    assert_int_equal(hub_world_events(world, "exception.resolved.none", NULL), 1);
    assert_exceptions(world, "UNKNOWN_RELEASE", 0);
    hub_world_check_events(world); /* no id and no place in the log came twice, though the hub went back */
}

static void an_event_that_was_undone_is_never_told(void **state) {
    struct hub_world *world = *state;
    char body[1024];
    world->fail_commit_at = world->commits + 1;
    (void)hub_world_order(world, "k-1", hub_world_order_text(1, "WH1", "1", body));
    for (int turn = 0; turn < 50; turn++) { /* some of them on the way from the ERP's yes to the release */
        world->fail_commit_at = world->commits + 2;
        hub_world_step(world);
    }
    world->fail_commit_at = 0;
    (void)hub_world_order(world, "k-1", hub_world_order_text(1, "WH1", "1", body));
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    assert_all_told(world);
    assert_int_equal(hub_world_events(world, "acme.order.accepted.portal", NULL), 1);
}

static void what_the_broker_refuses_is_told_again_and_overtaken_by_nothing(void **state) {
    struct hub_world *world = *state;
    char order_id[XD_ID_SIZE];
    for (int number = 1; number <= 6; number++) {
        world->refuse_events = 3;
        ship_one(world, number, order_id);
    }
    hub_world_run(world, MINUTE_MS);
    assert_true(world->event_count > 18);
    assert_all_told(world);
    assert_int_equal(world->hub.events.count, 0);
}

static void what_was_on_its_way_when_the_line_broke_is_told_again(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    world->swallow_events = 2;
    hub_world_released(world, 1, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->event_count, 1); /* its successor of the same order waits */
    xd_hub_line_down(&world->hub);
    xd_hub_line_up(&world->hub, world->now);
    hub_world_run(world, MINUTE_MS); /* and is lost once more */
    assert_int_equal(world->event_count, 2);
    xd_hub_line_down(&world->hub);
    xd_hub_line_up(&world->hub, world->now);
    hub_world_run(world, MINUTE_MS);
    assert_string_equal(world->events[0].body, world->events[2].body);
    assert_all_told(world);
    assert_int_equal(world->hub.events.count, 0);
}

static void a_killed_hub_goes_on_where_the_broker_confirmed(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE], order_id[XD_ID_SIZE];
    ship_one(world, 1, order_id);
    hub_world_run(world, MINUTE_MS);
    size_t before = world->event_count;
    world->swallow_events = 1;
    hub_world_released(world, 2, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->event_count, before + 1);
    hub_world_crash(world);
    hub_world_start(world);
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    hub_world_run(world, MINUTE_MS);
    assert_string_equal(world->events[before].body, world->events[before + 1].body);
    assert_int_equal(world->event_count, before + 3); /* the first again, and the second */
    assert_all_told(world);
}

static int64_t published_and_not_noted(struct hub_world *world) {
    return hub_world_count(world, "SELECT count(*) FROM event WHERE n > (SELECT CAST(value AS INTEGER)"
                                  " FROM meta WHERE name = '" XD_EVENTS_PUBLISHED "')");
}

/* A commit for each event would cost more than to publish a few again after a crash. */
static void how_far_is_published_is_noted_now_and_then(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(published_and_not_noted(world), 0);
    hub_world_released(world, 2, "10", release_id);
    hub_world_run(world, 20 * 1000);
    assert_int_equal(published_and_not_noted(world), 1); /* the first came long after the last note */
    hub_world_run(world, 20 * 1000);
    assert_int_equal(published_and_not_noted(world), 0);
    for (int number = 3; number < 143; number++) {
        hub_world_released(world, number, "1", release_id);
    }
    hub_world_run(world, 2 * 1000);
    assert_true(published_and_not_noted(world) < 256);
    assert_all_told(world);
}

static void random_trouble_never_doubles_or_reorders(void **state) {
    struct hub_world *world = *state;
    char body[1024], key[32];
    world->auto_wms = true;
    for (int number = 1; number <= 40; number++) {
        snprintf(key, sizeof key, "k-%d", number);
        while (hub_world_order(world, key, hub_world_order_text(number, "WH1", "2", body)) != 202) {
            hub_world_step(world);
        }
        switch (hub_world_random(world, 5)) {
        case 0:
            world->refuse_events = (unsigned)hub_world_random(world, 4);
            break;
        case 1:
            world->swallow_events = (unsigned)hub_world_random(world, 4);
            break;
        case 2:
            hub_world_crash(world);
            hub_world_start(world);
            break;
        case 3:
            world->fail_commit = true;
            break;
        default:
            break;
        }
        hub_world_run(world, (xd_ms)hub_world_random(world, 3000));
    }
    world->swallow_events = 0;
    xd_hub_line_down(&world->hub);
    xd_hub_line_up(&world->hub, world->now);
    assert_true(hub_world_quiet(world, 60 * MINUTE_MS));
    hub_world_run(world, MINUTE_MS);
    assert_all_told(world);
    assert_count(world, "SELECT count(*) FROM event WHERE type = 'crossdock.order.shipped.v1'", 40);
}

static void old_events_are_dropped_but_not_before_they_are_published(void **state) {
    struct hub_world *world = *state;
    char order_id[XD_ID_SIZE], release_id[XD_ID_SIZE];
    ship_one(world, 1, order_id);
    hub_world_run(world, MINUTE_MS);
    world->swallow_events = 1;
    hub_world_released(world, 2, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    world->now.wall += 8 * XD_DAY_MS;
    hub_world_run(world, 61 * MINUTE_MS);                 /* a look an hour */
    assert_count(world, "SELECT count(*) FROM event", 2); /* of the second order */
    assert_count(world, "SELECT count(*) FROM meta WHERE name = 'event.floor'", 1);
    xd_hub_line_down(&world->hub);
    xd_hub_line_up(&world->hub, world->now);
    hub_world_run(world, 61 * MINUTE_MS); /* a look an hour */
    assert_count(world, "SELECT count(*) FROM event", 0);
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_released(world, 3, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM event", 2);
    hub_world_check_events(world); /* an empty log does not begin anew */
}

static void a_place_in_the_log_is_a_number_or_a_time(void **state) {
    struct hub_world *world = *state;
    char order_id[XD_ID_SIZE], time[XD_TIME_TEXT_MAX], number[32];
    int64_t after = 0;
    ship_one(world, 1, order_id);
    xd_ms between = world->now.wall;
    hub_world_run(world, MINUTE_MS);
    ship_one(world, 2, order_id);
    assert_ok(xd_events_from(&world->store, xd_time_write(between, time), &after));
    assert_int_equal(after, world->events[3].n - 1);
    assert_ok(xd_events_from(&world->store, xd_time_write(0, time), &after));
    assert_int_equal(after, world->events[0].n - 1);
    assert_ok(xd_events_from(&world->store, xd_time_write(world->now.wall + XD_DAY_MS, time), &after));
    assert_int_equal(after, world->events[5].n);
    snprintf(number, sizeof number, "%lld", (long long)world->events[4].n);
    assert_ok(xd_events_from(&world->store, number, &after));
    assert_int_equal(after, world->events[4].n - 1);
    assert_int_equal(xd_events_from(&world->store, "yesterday", &after), XD_INVALID);
}

static void a_page_shows_what_the_filter_lets_pass(void **state) {
    struct hub_world *world = *state;
    char order_id[XD_ID_SIZE];
    struct xd_buffer text;
    ship_one(world, 1, order_id);
    ship_one(world, 2, order_id);
    xd_buffer_init(&text, 0);
    struct xd_view_events query = {.tenant = "acme", .types = "order.shipped", .max = 1};
    assert_ok(xd_view_events(&world->store, &query, &text));
    cJSON *tree = cJSON_Parse(xd_buffer_string(&text));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "events")), 1);
    query.after = strtoll(xd_json_text(tree, "next_cursor"), NULL, 10);
    assert_int_equal(query.after, world->events[2].n);
    cJSON_Delete(tree);
    xd_buffer_clear(&text);
    query.tenant = "other";
    query.max = 50;
    assert_ok(xd_view_events(&world->store, &query, &text));
    tree = cJSON_Parse(xd_buffer_string(&text));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "events")), 0);
    assert_int_equal(strtoll(xd_json_text(tree, "next_cursor"), NULL, 10), world->events[5].n);
    cJSON_Delete(tree);
    xd_buffer_free(&text);
}

static void filters_are_read_from_names_keys_and_types(void **state) {
    char types[XD_WEBHOOK_TYPES_SIZE];
    struct xd_event_row row = {.type = "crossdock.exception.raised.v1", .tenant = "acme"};
    (void)state;
    assert_ok(xd_event_types_read("crossdock.order.shipped.v1,exception_raised,order.shipped", types));
    assert_string_equal(types, "order.shipped,exception.raised");
    assert_true(xd_event_passes(&row, NULL, types));
    assert_true(xd_event_passes(&row, "acme", ""));
    assert_false(xd_event_passes(&row, "other", ""));
    assert_false(xd_event_passes(&row, NULL, "order.shipped,exception.resolved"));
    assert_int_equal(xd_event_types_read("order.eaten", types), XD_INVALID);
    assert_int_equal(xd_event_types_read(",", types), XD_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_orders_way_is_told_once_and_in_order, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(a_held_order_and_its_exception_are_told, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(an_exception_that_resolves_itself_is_told_twice, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(an_event_that_was_undone_is_never_told, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(what_the_broker_refuses_is_told_again_and_overtaken_by_nothing,
                                        hub_world_setup, hub_world_teardown),
        cmocka_unit_test_setup_teardown(what_was_on_its_way_when_the_line_broke_is_told_again,
                                        hub_world_setup, hub_world_teardown),
        cmocka_unit_test_setup_teardown(a_killed_hub_goes_on_where_the_broker_confirmed, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(how_far_is_published_is_noted_now_and_then, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(random_trouble_never_doubles_or_reorders, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(old_events_are_dropped_but_not_before_they_are_published,
                                        hub_world_setup, hub_world_teardown),
        cmocka_unit_test_setup_teardown(a_place_in_the_log_is_a_number_or_a_time, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(a_page_shows_what_the_filter_lets_pass, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test(filters_are_read_from_names_keys_and_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
