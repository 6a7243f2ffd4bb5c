/* What every implementation of hub/store.h must do: sites, clients, keys, orders. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ---- */

#define SEEN_MAX 32

struct seen {
    size_t count;
    char ids[SEEN_MAX][XD_ID_SIZE];
    int64_t numbers[SEEN_MAX];
    struct xd_order_line_row order_line;
    struct xd_site_row site;
    struct xd_timeline_row timeline;
    char detail[64];
};

static void put(char *out, size_t size, const char *text) {
    assert_true(strlen(text) < size);
    (void)snprintf(out, size, "%s", text);
}
#define PUT(field, text) put((field), sizeof(field), (text))

static enum xd_result see_order(void *context, const struct xd_order_row *row) {
    struct seen *seen = context;
    PUT(seen->ids[seen->count], row->order_id);
    seen->count++;
    return XD_OK;
}

static enum xd_result see_order_line(void *context, const struct xd_order_line_row *row) {
    struct seen *seen = context;
    seen->numbers[seen->count++] = row->number;
    seen->order_line = *row;
    return XD_OK;
}

static enum xd_result see_timeline(void *context, const struct xd_timeline_row *row) {
    struct seen *seen = context;
    seen->count++;
    seen->timeline = *row;
    PUT(seen->detail, row->detail);
    return XD_OK;
}

static enum xd_result see_site(void *context, const struct xd_site_row *row) {
    struct seen *seen = context;
    seen->count++;
    seen->site = *row;
    return XD_OK;
}

/* ---- sites, clients, keys ---- */

static void site_is_replaced_by_a_second_put_and_seen(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    struct xd_site_row row = {.site = "WH1", .kind = "warehouse", .user = "site-WH1", .password_hash = "h"};
    PUT(row.key.kid, "k1");
    memset(row.key.secret, 9, 32);
    row.key.secret_size = 32;
    row.added_at = 7;
    stores_begin(world);
    assert_ok(hub->site_put(hub->context, &row));
    PUT(row.kind, "3pl");
    assert_ok(hub->site_put(hub->context, &row));
    assert_ok(hub->site_seen(hub->context, "WH1", 99, "{\"a\":1}"));
    assert_ok(hub->site_seen(hub->context, "WH1", 100, NULL));
    assert_int_equal(hub->site_seen(hub->context, "WH2", 100, NULL), XD_NOT_FOUND);
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(hub->site_each(hub->context, see_site, &seen));
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.site.kind, "3pl");
    assert_string_equal(seen.site.user, "site-WH1");
    assert_string_equal(seen.site.key.kid, "k1");
    assert_int_equal(seen.site.key.secret_size, 32);
    assert_memory_equal(seen.site.key.secret, row.key.secret, 32);
    assert_int_equal(seen.site.added_at, 7);
    assert_int_equal(seen.site.last_seen, 100);
    assert_string_equal(seen.site.status, "{\"a\":1}");
}

static struct xd_client_row a_client(const char *tenant, const char *client) {
    struct xd_client_row row = {.role = "channel",
                                .added_at = 3,
                                .revoked_at = 4,
                                .rate_per_s = 5,
                                .burst = 6,
                                .channels = "edi portal",
                                .schema_versions = INT64_C(1) << 62 | 2};
    PUT(row.tenant, tenant);
    PUT(row.client, client);
    return row;
}

static struct xd_token_row a_token(const char *tenant, const char *client, int seed) {
    struct xd_token_row row = {.hash = stores_hash(seed), .made_at = 10 + seed, .expires_at = 0};
    PUT(row.tenant, tenant);
    PUT(row.client, client);
    return row;
}

static enum xd_result see_client(void *context, const struct xd_client_row *row) {
    struct seen *seen = context;
    (void)snprintf(seen->ids[seen->count++], XD_ID_SIZE, "%.10s/%.10s", row->tenant, row->client);
    return XD_OK;
}

static enum xd_result see_token(void *context, const struct xd_token_row *row) {
    struct seen *seen = context;
    seen->numbers[seen->count++] = row->made_at;
    return XD_OK;
}

static void client_is_replaced_by_a_second_put_and_kept_whole(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_client_row row = a_client("t1", "web"), out;
    stores_begin(world);
    assert_ok(hub->client_put(hub->context, &row));
    PUT(row.role, "viewer");
    assert_ok(hub->client_put(hub->context, &row));
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(hub->client_get(hub->context, "t1", "web", &out));
    assert_string_equal(out.tenant, "t1");
    assert_string_equal(out.client, "web");
    assert_string_equal(out.role, "viewer");
    assert_int_equal(out.added_at, 3);
    assert_int_equal(out.revoked_at, 4);
    assert_int_equal(out.rate_per_s, 5);
    assert_int_equal(out.burst, 6);
    assert_string_equal(out.channels, "edi portal");
    assert_true(out.schema_versions == (INT64_C(1) << 62 | 2));
    assert_int_equal(hub->client_get(hub->context, "t2", "web", &out), XD_NOT_FOUND);
}

static void clients_are_listed_by_tenant_and_name_in_pages(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    static const char *const names[][2] = {{"t2", "a"}, {"t1", "b"}, {"t1", "a"}, {"t10", "z"}};
    struct seen seen = {.count = 0};
    stores_begin(world);
    for (size_t index = 0; index < 4; index++) {
        struct xd_client_row row = a_client(names[index][0], names[index][1]);
        assert_ok(hub->client_put(hub->context, &row));
    }
    stores_commit(world);
    assert_ok(hub->client_list(hub->context, "", "", 2, see_client, &seen));
    assert_int_equal(seen.count, 2);
    assert_ok(hub->client_list(hub->context, "t1", "b", 9, see_client, &seen));
    assert_int_equal(seen.count, 4);
    assert_string_equal(seen.ids[0], "t1/a");
    assert_string_equal(seen.ids[1], "t1/b");
    assert_string_equal(seen.ids[2], "t10/z");
    assert_string_equal(seen.ids[3], "t2/a");
}

static void client_is_found_by_each_of_its_tokens_until_they_are_dropped(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_client_row row = a_client("t1", "web"), other = a_client("t2", "web"), out;
    struct xd_token_row first = a_token("t1", "web", 1), second = a_token("t1", "web", 2);
    struct xd_token_row foreign = a_token("t2", "web", 3), token;
    struct seen seen = {.count = 0};
    stores_begin(world);
    assert_ok(hub->client_put(hub->context, &row));
    assert_ok(hub->client_put(hub->context, &other));
    assert_ok(hub->token_put(hub->context, &first));
    assert_ok(hub->token_put(hub->context, &second));
    assert_ok(hub->token_put(hub->context, &foreign));
    first.expires_at = 77;
    assert_ok(hub->token_put(hub->context, &first));
    stores_commit(world);
    assert_ok(hub->client_by_token(hub->context, &first.hash, &out, &token));
    assert_string_equal(out.tenant, "t1");
    assert_string_equal(out.channels, "edi portal");
    assert_int_equal(token.made_at, 11);
    assert_int_equal(token.expires_at, 77);
    assert_ok(hub->client_by_token(hub->context, &second.hash, &out, &token));
    assert_int_equal(token.expires_at, 0);
    assert_ok(hub->token_each(hub->context, "t1", "web", see_token, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[0], 12); /* the newest first */
    stores_begin(world);
    assert_ok(hub->token_drop(hub->context, "t1", "web"));
    stores_commit(world);
    assert_int_equal(hub->client_by_token(hub->context, &first.hash, &out, &token), XD_NOT_FOUND);
    assert_int_equal(hub->client_by_token(hub->context, &second.hash, &out, &token), XD_NOT_FOUND);
    assert_ok(hub->client_by_token(hub->context, &foreign.hash, &out, &token));
    assert_string_equal(out.tenant, "t2");
}

static void idempotency_key_belongs_to_tenant_and_client_and_ages(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_hash print = stores_hash(1);
    struct xd_hash out;
    char order_id[XD_ID_SIZE];
    stores_begin(world);
    assert_ok(hub->key_add(hub->context, "t", "web", "k", &print, "O1", 10));
    assert_ok(hub->key_add(hub->context, "t", "edi", "k", &print, "O2", 20));
    assert_int_equal(hub->key_add(hub->context, "t", "web", "k", &print, "O3", 30), XD_CONFLICT);
    assert_ok(hub->key_get(hub->context, "t", "web", "k", &out, order_id));
    assert_string_equal(order_id, "O1");
    assert_hash(out, 1);
    assert_ok(hub->key_drop(hub->context, 20, 10));
    stores_commit(world);
    assert_int_equal(hub->key_get(hub->context, "t", "web", "k", &out, order_id), XD_NOT_FOUND);
    assert_ok(hub->key_get(hub->context, "t", "edi", "k", &out, order_id));
    assert_string_equal(order_id, "O2");
}

/* ---- orders ---- */

static struct xd_order_row an_order(const char *order_id, const char *tenant, const char *external) {
    struct xd_order_row row = {.status = XD_ORDER_ACCEPTED, .revision = 1, .received_at = 5, .updated_at = 5};
    PUT(row.order_id, order_id);
    PUT(row.tenant, tenant);
    PUT(row.client, "web");
    PUT(row.channel_type, "portal");
    PUT(row.channel_account, "acc");
    PUT(row.external_order_id, external);
    PUT(row.customer_ref, "CUST-1");
    PUT(row.currency, "EUR");
    PUT(row.site, "WH1");
    PUT(row.sale_reference, "sale/1");
    row.hash = stores_hash(3);
    row.body = xd_bytes_of_text("{\"order\":1}");
    return row;
}

static struct xd_order_line_row an_order_line(int64_t number, const char *qty) {
    struct xd_order_line_row row = {.number = number};
    (void)snprintf(row.line_id, sizeof row.line_id, "%d", (int)number);
    PUT(row.sku, "WIDGET");
    PUT(row.uom, "EA");
    row.ordered = stores_decimal(qty);
    row.open = row.ordered;
    return row;
}

static void add_order(struct store_world *world, const char *order_id, const char *tenant,
                      const char *external) {
    struct xd_order_row row = an_order(order_id, tenant, external);
    struct xd_order_line_row lines[2] = {an_order_line(1, "10.5"), an_order_line(2, "0.000000000001")};
    lines[0].has_unit_price = true;
    lines[0].unit_price = stores_decimal("9.95");
    assert_ok(world->hub.order_add(world->hub.context, &row, lines, 2));
}

static void order_comes_back_with_lines_and_body(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_order_row row;
    struct seen seen = {.count = 0};
    stores_begin(world);
    add_order(world, "O1", "t", "PO-1");
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(hub->order_get(hub->context, "O1", &row));
    assert_string_equal(row.external_order_id, "PO-1");
    assert_string_equal(row.sale_reference, "sale/1");
    assert_int_equal(row.status, XD_ORDER_ACCEPTED);
    assert_hash(row.hash, 3);
    assert_int_equal(row.body.size, 0);
    assert_ok(hub->order_find(hub->context, "t", "acc", "PO-1", &row));
    assert_string_equal(row.order_id, "O1");
    assert_int_equal(hub->order_find(hub->context, "t2", "acc", "PO-1", &row), XD_NOT_FOUND);
    assert_int_equal(hub->order_get(hub->context, "O2", &row), XD_NOT_FOUND);
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    xd_buffer_text(&body, "body: ");
    assert_ok(hub->order_body(hub->context, "O1", &body));
    assert_string_equal(xd_buffer_string(&body), "body: {\"order\":1}");
    assert_int_equal(hub->order_body(hub->context, "O2", &body), XD_NOT_FOUND);
    xd_buffer_free(&body);
    assert_ok(hub->order_lines(hub->context, "O1", see_order_line, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[0], 1);
    assert_decimal(seen.order_line.ordered, "0.000000000001");
    assert_false(seen.order_line.has_unit_price);
}

static void order_of_one_channel_is_taken_once(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_order_row again = an_order("O9", "t", "PO-1");
    int64_t count = 0;
    stores_begin(world);
    add_order(world, "O1", "t", "PO-1");
    add_order(world, "O2", "t2", "PO-1");
    assert_int_equal(hub->order_add(hub->context, &again, NULL, 0), XD_CONFLICT);
    stores_commit(world);
    assert_ok(hub->order_count(hub->context, -1, &count));
    assert_int_equal(count, 2);
}

static void order_status_is_counted_as_it_changes(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_order_row row;
    int64_t count = 0;
    stores_begin(world);
    add_order(world, "O1", "t", "PO-1");
    add_order(world, "O2", "t", "PO-2");
    assert_ok(hub->order_set_status(hub->context, "O1", XD_ORDER_SHIPPED, 77));
    assert_ok(hub->order_set_status(hub->context, "O1", XD_ORDER_SHIPPED, 78));
    assert_int_equal(hub->order_set_status(hub->context, "O3", XD_ORDER_SHIPPED, 77), XD_NOT_FOUND);
    stores_commit(world);
    assert_ok(hub->order_get(hub->context, "O1", &row));
    assert_int_equal(row.status, XD_ORDER_SHIPPED);
    assert_int_equal(row.updated_at, 78);
    assert_ok(hub->order_count(hub->context, XD_ORDER_ACCEPTED, &count));
    assert_int_equal(count, 1);
    assert_ok(hub->order_count(hub->context, XD_ORDER_SHIPPED, &count));
    assert_int_equal(count, 1);
    assert_ok(hub->order_count(hub->context, XD_ORDER_HELD, &count));
    assert_int_equal(count, 0);
}

static void assert_order_status(const struct xd_hub_store *hub, const char *order_id, int status) {
    struct xd_order_row row;
    assert_ok(hub->order_get(hub->context, order_id, &row));
    assert_int_equal(row.status, status);
}

static void order_whose_change_is_undone_is_as_before(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    const struct xd_store_tx *tx = &hub->delivery.tx;
    struct xd_order_row row;
    stores_begin(world);
    add_order(world, "O1", "t", "PO-1");
    stores_commit(world);
    stores_begin(world);
    assert_ok(hub->order_get(hub->context, "O1", &row));
    assert_ok(tx->savepoint(tx->context));
    row.status = XD_ORDER_HELD;
    assert_ok(hub->order_save(hub->context, &row));
    assert_order_status(hub, "O1", XD_ORDER_HELD);
    assert_ok(tx->undo(tx->context));
    assert_order_status(hub, "O1", XD_ORDER_ACCEPTED);
    assert_ok(hub->order_set_status(hub->context, "O1", XD_ORDER_SHIPPED, 77));
    assert_order_status(hub, "O1", XD_ORDER_SHIPPED);
    tx->rollback(tx->context);
    assert_order_status(hub, "O1", XD_ORDER_ACCEPTED);
}

/* Its place may be another one's by now. */
static void order_that_is_undone_has_neither_lines_nor_timeline(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    const struct xd_store_tx *tx = &hub->delivery.tx;
    struct xd_order_row row;
    struct xd_order_line_row line = an_order_line(1, "3");
    struct xd_timeline_row step = {.at = 1, .step = "received", .correlation_id = "", .detail = ""};
    struct seen seen = {.count = 0};
    stores_begin(world);
    assert_ok(tx->savepoint(tx->context));
    add_order(world, "O1", "t", "PO-1");
    assert_ok(hub->timeline_add(hub->context, "O1", &step));
    assert_ok(tx->undo(tx->context));
    assert_ok(tx->savepoint(tx->context));
    assert_ok(hub->order_lines(hub->context, "O1", see_order_line, &seen));
    assert_int_equal(seen.count, 0);
    assert_int_equal(hub->order_line_save(hub->context, "O1", &line), XD_NOT_FOUND);
    assert_int_equal(hub->timeline_add(hub->context, "O1", &step), XD_NOT_FOUND);
    assert_int_equal(hub->order_get(hub->context, "O1", &row), XD_NOT_FOUND);
    assert_ok(tx->keep(tx->context));
    add_order(world, "O2", "t", "PO-2");
    stores_commit(world);
    assert_ok(hub->order_lines(hub->context, "O2", see_order_line, &seen));
    assert_int_equal(seen.count, 2);
}

static void order_line_quantities_are_saved(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    struct xd_order_line_row line = an_order_line(2, "5");
    stores_begin(world);
    add_order(world, "O1", "t", "PO-1");
    line.open = stores_decimal("1");
    line.allocated = stores_decimal("0.5");
    line.released = stores_decimal("0.25");
    line.shipped = stores_decimal("3");
    line.cancelled = stores_decimal("0.25");
    line.backordered = stores_decimal("1");
    line.overshipped = stores_decimal("2");
    assert_ok(hub->order_line_save(hub->context, "O1", &line));
    assert_int_equal(hub->order_line_save(hub->context, "O2", &line), XD_NOT_FOUND);
    stores_commit(world);
    assert_ok(hub->order_lines(hub->context, "O1", see_order_line, &seen));
    assert_decimal(seen.order_line.ordered, "5");
    assert_decimal(seen.order_line.open, "1");
    assert_decimal(seen.order_line.allocated, "0.5");
    assert_decimal(seen.order_line.released, "0.25");
    assert_decimal(seen.order_line.shipped, "3");
    assert_decimal(seen.order_line.cancelled, "0.25");
    assert_decimal(seen.order_line.backordered, "1");
    assert_decimal(seen.order_line.overshipped, "2");
}

static size_t list(struct store_world *world, const char *tenant, const char *external, int status,
                   const char *after, size_t max, struct seen *seen) {
    seen->count = 0;
    assert_ok(
        world->hub.order_list(world->hub.context, tenant, external, status, after, max, see_order, seen));
    return seen->count;
}

static void orders_are_listed_newest_first_in_pages_and_by_what_is_asked(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen;
    stores_begin(world);
    add_order(world, "OZ", "t", "PO-1");
    add_order(world, "OA", "t2", "PO-1");
    add_order(world, "OM", "t", "PO-2");
    assert_ok(hub->order_set_status(hub->context, "OZ", XD_ORDER_HELD, 9));
    assert_ok(hub->order_set_status(hub->context, "OM", XD_ORDER_HELD, 9));
    stores_commit(world);
    assert_int_equal(list(world, NULL, NULL, -1, "", 2, &seen), 2);
    assert_string_equal(seen.ids[0], "OM");
    assert_string_equal(seen.ids[1], "OA");
    assert_int_equal(list(world, NULL, NULL, -1, "OA", 2, &seen), 1);
    assert_string_equal(seen.ids[0], "OZ");
    assert_int_equal(list(world, "t", NULL, -1, "", 9, &seen), 2);
    assert_int_equal(list(world, "t3", NULL, -1, "", 9, &seen), 0);
    assert_int_equal(list(world, NULL, NULL, XD_ORDER_HELD, "", 9, &seen), 2);
    assert_string_equal(seen.ids[0], "OM");
    assert_int_equal(list(world, NULL, NULL, XD_ORDER_HELD, "OM", 9, &seen), 1);
    assert_int_equal(list(world, NULL, "PO-1", -1, "", 9, &seen), 2);
    assert_string_equal(seen.ids[0], "OA");
    assert_int_equal(list(world, NULL, "PO-1", -1, "OA", 9, &seen), 1);
    assert_int_equal(list(world, "t2", "PO-1", -1, "", 9, &seen), 1);
    assert_int_equal(list(world, NULL, "PO-1", XD_ORDER_HELD, "", 9, &seen), 1);
    assert_string_equal(seen.ids[0], "OZ");
    assert_int_equal(hub->order_list(hub->context, NULL, NULL, -1, "O?", 9, see_order, &seen), XD_NOT_FOUND);
}

static void timeline_keeps_the_order_of_its_steps(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    stores_begin(world);
    add_order(world, "O1", "t", "PO-1");
    struct xd_timeline_row row = {.at = 9, .detail = "{\"n\":1}"};
    PUT(row.step, "order.received");
    PUT(row.correlation_id, "corr");
    assert_ok(hub->timeline_add(hub->context, "O1", &row));
    row.at = 3; /* the clock was set back */
    PUT(row.step, "order.accepted");
    row.detail = "{\"n\":2}";
    assert_ok(hub->timeline_add(hub->context, "O1", &row));
    assert_int_equal(hub->timeline_add(hub->context, "O2", &row), XD_NOT_FOUND);
    stores_commit(world);
    assert_ok(hub->timeline_each(hub->context, "O1", see_timeline, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.timeline.step, "order.accepted");
    assert_int_equal(seen.timeline.at, 3);
    assert_string_equal(seen.timeline.correlation_id, "corr");
    assert_string_equal(seen.detail, "{\"n\":2}");
}

/* ---- delivery ---- */

static void hub_also_keeps_a_delivery_store(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    struct xd_stream_row row = {.peer = "WH1", .lane = "work", .next = 1};
    int64_t used = 0;
    int64_t quota = 0;
    stores_begin(world);
    assert_ok(delivery->stream_add(delivery->context, &row));
    stores_commit(world);
    assert_ok(delivery->usage(delivery->context, &used, &quota));
    assert_true(used > 0 && used < quota);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(site_is_replaced_by_a_second_put_and_seen),
        HUB_TEST(client_is_replaced_by_a_second_put_and_kept_whole),
        HUB_TEST(clients_are_listed_by_tenant_and_name_in_pages),
        HUB_TEST(client_is_found_by_each_of_its_tokens_until_they_are_dropped),
        HUB_TEST(idempotency_key_belongs_to_tenant_and_client_and_ages),
        HUB_TEST(order_comes_back_with_lines_and_body),
        HUB_TEST(order_of_one_channel_is_taken_once),
        HUB_TEST(order_status_is_counted_as_it_changes),
        HUB_TEST(order_whose_change_is_undone_is_as_before),
        HUB_TEST(order_that_is_undone_has_neither_lines_nor_timeline),
        HUB_TEST(order_line_quantities_are_saved),
        HUB_TEST(orders_are_listed_newest_first_in_pages_and_by_what_is_asked),
        HUB_TEST(timeline_keeps_the_order_of_its_steps),
        HUB_TEST(hub_also_keeps_a_delivery_store),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
