/* What every implementation of hub/orchestration/stock_store.h must do. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 16

struct seen {
    size_t count;
    char names[SEEN_MAX][112]; /* "site/sku" */
};

static enum xd_result see(void *context, const struct xd_stock_row *row) {
    struct seen *seen = context;
    assert_true(seen->count < SEEN_MAX);
    (void)snprintf(seen->names[seen->count++], sizeof seen->names[0], "%s/%s", row->site, row->sku);
    return XD_OK;
}

static void put_row(struct store_world *world, const char *site, const char *sku, const char *qty,
                    xd_ms listed_at) {
    struct xd_stock_row row = {.on_hand = stores_decimal(qty), .listed_at = listed_at};
    (void)snprintf(row.site, sizeof row.site, "%s", site);
    (void)snprintf(row.sku, sizeof row.sku, "%s", sku);
    assert_ok(world->hub.stock.put(world->hub.context, &row));
}

static void row_comes_back_as_it_was_put_last(void **state) {
    struct store_world *world = *state;
    struct xd_stock_store *stock = &world->hub.stock;
    struct xd_stock_row row = {.site = "WH1", .sku = "A", .source = "csv", .listed_at = 77};
    struct xd_stock_row out;
    row.on_hand = stores_decimal("-1.25");
    row.reserved = stores_decimal("3");
    row.listed = stores_decimal("10");
    row.adjusted = stores_decimal("-1.25");
    row.shipped = stores_decimal("10");
    stores_begin(world);
    put_row(world, "WH1", "A", "5", 1);
    assert_ok(stock->put(world->hub.context, &row));
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(stock->get(world->hub.context, "WH1", "A", &out));
    assert_string_equal(out.site, "WH1");
    assert_string_equal(out.sku, "A");
    assert_decimal(out.on_hand, "-1.25");
    assert_decimal(out.reserved, "3");
    assert_decimal(out.listed, "10");
    assert_decimal(out.adjusted, "-1.25");
    assert_decimal(out.shipped, "10");
    assert_int_equal(out.listed_at, 77);
    assert_string_equal(out.source, "csv");
    assert_int_equal(stock->get(world->hub.context, "WH1", "B", &out), XD_NOT_FOUND);
    assert_int_equal(stock->get(world->hub.context, "WH2", "A", &out), XD_NOT_FOUND);
}

static void dropped_row_is_gone_and_may_be_dropped_again(void **state) {
    struct store_world *world = *state;
    struct xd_stock_store *stock = &world->hub.stock;
    struct xd_stock_row out;
    stores_begin(world);
    put_row(world, "WH1", "A", "5", 1);
    put_row(world, "WH1", "B", "5", 1);
    assert_ok(stock->drop(world->hub.context, "WH1", "A"));
    assert_ok(stock->drop(world->hub.context, "WH1", "A"));
    stores_commit(world);
    assert_int_equal(stock->get(world->hub.context, "WH1", "A", &out), XD_NOT_FOUND);
    assert_ok(stock->get(world->hub.context, "WH1", "B", &out));
}

static void site_is_listed_by_any_listed_row_of_its_own(void **state) {
    struct store_world *world = *state;
    struct xd_stock_store *stock = &world->hub.stock;
    bool listed = true;
    stores_begin(world);
    put_row(world, "WH1", "A", "5", 0);
    put_row(world, "WH2", "A", "0", 9);
    stores_commit(world);
    assert_ok(stock->site_listed(world->hub.context, "WH1", &listed));
    assert_false(listed);
    assert_ok(stock->site_listed(world->hub.context, "WH2", &listed));
    assert_true(listed);
    assert_ok(stock->site_listed(world->hub.context, "WH3", &listed));
    assert_false(listed);
}

static void site_is_told_of_by_a_list_that_is_not_the_erps(void **state) {
    struct store_world *world = *state;
    struct xd_stock_store *stock = &world->hub.stock;
    struct xd_stock_row row = {.site = "WH1", .sku = "A", .source = "erp", .listed_at = 7};
    bool told = true;
    stores_begin(world);
    put_row(world, "WH2", "A", "5", 0);
    assert_ok(stock->put(world->hub.context, &row));
    stores_commit(world);
    assert_ok(stock->site_told(world->hub.context, "WH1", &told));
    assert_false(told);
    assert_ok(stock->site_told(world->hub.context, "WH2", &told));
    assert_false(told);
    (void)snprintf(row.sku, sizeof row.sku, "B");
    (void)snprintf(row.source, sizeof row.source, "csv");
    stores_begin(world);
    assert_ok(stock->put(world->hub.context, &row));
    stores_commit(world);
    assert_ok(stock->site_told(world->hub.context, "WH1", &told));
    assert_true(told);
}

static void list_is_filtered_and_goes_on_behind_the_last_one_seen(void **state) {
    struct store_world *world = *state;
    struct xd_stock_store *stock = &world->hub.stock;
    static const struct {
        const char *site, *sku, *after_site, *after_sku, *expected;
    } lists[] = {
        {NULL, NULL, "", "", "WH1/A WH1/B "},
        {NULL, NULL, "WH1", "B", "WH2/A WH2/C "},
        {NULL, NULL, "WH2", "C", ""},
        {"WH2", NULL, "", "", "WH2/A WH2/C "},
        {"WH2", NULL, "WH2", "A", "WH2/C "},
        {NULL, "A", "", "", "WH1/A WH2/A "},
        {NULL, "A", "WH1", "A", "WH2/A "},
        {"WH2", "C", "", "", "WH2/C "},
        {"WH1", "C", "", "", ""},
    };
    stores_begin(world);
    put_row(world, "WH2", "C", "1", 1);
    put_row(world, "WH2", "A", "1", 1);
    put_row(world, "WH1", "B", "1", 1);
    put_row(world, "WH1", "A", "1", 1);
    stores_commit(world);
    for (size_t index = 0; index < sizeof lists / sizeof lists[0]; index++) {
        struct seen seen = {.count = 0};
        char text[400] = "";
        assert_ok(stock->list(world->hub.context, lists[index].site, lists[index].sku,
                              lists[index].after_site, lists[index].after_sku, 2, see, &seen));
        for (size_t at = 0; at < seen.count; at++) {
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", seen.names[at]);
        }
        assert_string_equal(text, lists[index].expected);
    }
}

static void exposure_is_kept_by_customer_and_currency(void **state) {
    struct store_world *world = *state;
    struct xd_stock_store *stock = &world->hub.stock;
    struct xd_decimal amount;
    stores_begin(world);
    assert_ok(stock->exposure_put(world->hub.context, "C1", "EUR", stores_decimal("10.50")));
    assert_ok(stock->exposure_put(world->hub.context, "C1", "USD", stores_decimal("7")));
    assert_ok(stock->exposure_put(world->hub.context, "C1", "EUR", stores_decimal("-0.25")));
    stores_commit(world);
    assert_ok(stock->exposure_get(world->hub.context, "C1", "EUR", &amount));
    assert_decimal(amount, "-0.25");
    assert_ok(stock->exposure_get(world->hub.context, "C1", "USD", &amount));
    assert_decimal(amount, "7");
    assert_int_equal(stock->exposure_get(world->hub.context, "C2", "EUR", &amount), XD_NOT_FOUND);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(row_comes_back_as_it_was_put_last),
        HUB_TEST(dropped_row_is_gone_and_may_be_dropped_again),
        HUB_TEST(site_is_listed_by_any_listed_row_of_its_own),
        HUB_TEST(site_is_told_of_by_a_list_that_is_not_the_erps),
        HUB_TEST(list_is_filtered_and_goes_on_behind_the_last_one_seen),
        HUB_TEST(exposure_is_kept_by_customer_and_currency),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
