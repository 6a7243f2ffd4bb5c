/* What every implementation of hub/events/event_store.h must do. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 32

struct seen {
    size_t count;
    int64_t numbers[SEEN_MAX];
    struct xd_event_row event; /* the last one */
    char body[64];
    struct xd_subscription_row subscription;
};

static void put(char *out, size_t size, const char *text) {
    assert_true(strlen(text) < size);
    (void)snprintf(out, size, "%s", text);
}
#define PUT(field, text) put((field), sizeof(field), (text))

static enum xd_result see_event(void *context, const struct xd_event_row *row) {
    struct seen *seen = context;
    assert_true(seen->count < SEEN_MAX);
    seen->numbers[seen->count++] = row->n;
    seen->event = *row;
    (void)snprintf(seen->body, sizeof seen->body, "%.*s", (int)row->body.size, (const char *)row->body.data);
    return XD_OK;
}

static enum xd_result see_subscription(void *context, const struct xd_subscription_row *row) {
    struct seen *seen = context;
    seen->count++;
    seen->subscription = *row;
    return XD_OK;
}

static void add(struct store_world *world, int64_t n, xd_ms at) {
    struct xd_event_store *events = &world->hub.events;
    struct xd_event_row row = {.n = n, .at = at, .body = xd_bytes_of_text("{\"a\":1}")};
    (void)snprintf(row.id, sizeof row.id, "V%lld", (long long)n);
    PUT(row.order_id, "O1");
    PUT(row.tenant, "acme");
    PUT(row.channel, "portal");
    PUT(row.type, "crossdock.order.shipped.v1");
    assert_ok(events->add(events->context, &row));
}

static void events_come_back_in_order_behind_a_place(void **state) {
    struct store_world *world = *state;
    struct xd_event_store *events = &world->hub.events;
    struct seen seen = {.count = 0};
    int64_t last = 99, count = 0;
    assert_ok(events->last(events->context, &last));
    assert_int_equal(last, 0);
    stores_begin(world);
    add(world, 10, 100);
    add(world, 12, 90);
    add(world, 15, 110);
    struct xd_event_row again = {.n = 12, .body = xd_bytes_of_text("{}")};
    assert_int_equal(events->add(events->context, &again), XD_CONFLICT);
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(events->last(events->context, &last));
    assert_int_equal(last, 15);
    assert_ok(events->list(events->context, 10, 10, see_event, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[0], 12);
    assert_int_equal(seen.numbers[1], 15);
    assert_string_equal(seen.event.id, "V15");
    assert_string_equal(seen.event.order_id, "O1");
    assert_string_equal(seen.event.tenant, "acme");
    assert_string_equal(seen.event.channel, "portal");
    assert_string_equal(seen.event.type, "crossdock.order.shipped.v1");
    assert_int_equal(seen.event.at, 110);
    assert_string_equal(seen.body, "{\"a\":1}");
    seen.count = 0;
    assert_ok(events->list(events->context, 0, 1, see_event, &seen));
    assert_int_equal(seen.count, 1);
    assert_ok(events->count_after(events->context, 10, 100, &count));
    assert_int_equal(count, 2);
    assert_ok(events->count_after(events->context, 0, 2, &count));
    assert_int_equal(count, 2);
}

static void the_first_event_since_a_time_is_found(void **state) {
    struct store_world *world = *state;
    struct xd_event_store *events = &world->hub.events;
    int64_t n = 0;
    assert_int_equal(events->since(events->context, 5, &n), XD_NOT_FOUND);
    stores_begin(world);
    for (int64_t index = 0; index < 50; index++) {
        add(world, 1000000000000 + index * index * 7, 100 + index * 10);
    }
    stores_commit(world);
    for (int64_t index = 0; index < 50; index++) {
        assert_ok(events->since(events->context, 100 + index * 10, &n));
        assert_int_equal(n, 1000000000000 + index * index * 7);
        assert_ok(events->since(events->context, 91 + index * 10, &n));
        assert_int_equal(n, 1000000000000 + index * index * 7);
    }
    assert_int_equal(events->since(events->context, 100000, &n), XD_NOT_FOUND);
}

static void old_events_are_dropped_from_the_start_in_steps(void **state) {
    struct store_world *world = *state;
    struct xd_event_store *events = &world->hub.events;
    struct seen seen = {.count = 0};
    int64_t floor = 99;
    stores_begin(world);
    for (int64_t index = 1; index <= 10; index++) {
        add(world, index, index == 3 ? 5000 : index * 10); /* one from a clock that went wrong */
    }
    assert_ok(events->drop(events->context, 8, 5, 100, &floor));
    assert_int_equal(floor, 0);
    assert_ok(events->drop(events->context, 8, 1000, 4, &floor));
    assert_int_equal(floor, 4); /* the third one with them */
    assert_ok(events->drop(events->context, 8, 1000, 100, &floor));
    assert_int_equal(floor, 8); /* no further than it may */
    assert_ok(events->drop(events->context, 8, 1000, 100, &floor));
    assert_int_equal(floor, 0);
    stores_commit(world);
    assert_ok(events->list(events->context, 0, 100, see_event, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[0], 9);
}

static void subscriptions_are_replaced_listed_and_removed(void **state) {
    struct store_world *world = *state;
    struct xd_event_store *events = &world->hub.events;
    struct seen seen = {.count = 0};
    struct xd_subscription_row row = {.secret_size = 32, .enabled = true, .position = 7, .created_at = 1};
    PUT(row.id, "W1");
    PUT(row.url, "https://example.com/");
    memset(row.secret, 9, 32);
    stores_begin(world);
    assert_ok(events->subscription_put(events->context, &row));
    PUT(row.tenant, "acme");
    PUT(row.types, "order.shipped");
    PUT(row.detail, "HTTP 500");
    row.enabled = false;
    row.position = 8;
    row.delivered_at = 2;
    row.failing_since = 3;
    row.failures = 4;
    assert_ok(events->subscription_put(events->context, &row));
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(events->subscription_each(events->context, see_subscription, &seen));
    assert_int_equal(seen.count, 1);
    assert_memory_equal(&seen.subscription, &row, sizeof row);
    stores_begin(world);
    assert_ok(events->subscription_remove(events->context, "W1"));
    assert_int_equal(events->subscription_remove(events->context, "W1"), XD_NOT_FOUND);
    stores_commit(world);
    seen.count = 0;
    assert_ok(events->subscription_each(events->context, see_subscription, &seen));
    assert_int_equal(seen.count, 0);
}

static enum xd_result see_exception(void *context, const struct xd_exception_row *row) {
    struct seen *seen = context;
    seen->count++;
    PUT(seen->body, row->id);
    return XD_OK;
}

static void a_documents_open_exceptions_are_those_that_close_would_close(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    struct xd_exception_row row = {.open = true, .kind = XD_DOC_CONFIRMATION, .version = 1};
    PUT(row.document_id, "C-1");
    PUT(row.site, "WH1");
    stores_begin(world);
    PUT(row.id, "E1");
    PUT(row.code, "UNMATCHED_LINE");
    assert_ok(hub->exception_add(hub->context, &row));
    PUT(row.id, "E2");
    PUT(row.code, "OVERSHIP");
    assert_ok(hub->exception_add(hub->context, &row));
    PUT(row.id, "E3");
    row.version = 2;
    assert_ok(hub->exception_add(hub->context, &row));
    PUT(row.id, "E4");
    row.version = 1;
    row.open = false;
    assert_ok(hub->exception_add(hub->context, &row));
    stores_commit(world);
    assert_ok(hub->exception_of_document(hub->context, "WH1", XD_DOC_CONFIRMATION, "C-1", 1, NULL,
                                         see_exception, &seen));
    assert_int_equal(seen.count, 2);
    seen.count = 0;
    assert_ok(hub->exception_of_document(hub->context, "WH1", XD_DOC_CONFIRMATION, "C-1", 1, "OVERSHIP",
                                         see_exception, &seen));
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.body, "E2");
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(events_come_back_in_order_behind_a_place),
        HUB_TEST(the_first_event_since_a_time_is_found),
        HUB_TEST(old_events_are_dropped_from_the_start_in_steps),
        HUB_TEST(subscriptions_are_replaced_listed_and_removed),
        HUB_TEST(a_documents_open_exceptions_are_those_that_close_would_close),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
