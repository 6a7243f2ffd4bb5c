/* Stock and exposure over the real store, what the API takes and shows of it, and the routing question that
 * is gathered from the hub. */
#include "unit/hub_world.h"

#include "hub/hub_internal.h"
#include "hub/orchestration/routing.h"
#include "hub/orchestration/stock.h"
#include "hub/orchestration/stock_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct xd_decimal d(const char *text) {
    struct xd_decimal value = {0, 0};
    assert_int_equal(xd_decimal_parse(text, &value), XD_OK);
    return value;
}

static int setup(void **state) {
    int result = hub_world_setup(state);
    struct hub_world *world = *state;
    assert_int_equal(world->store.delivery.tx.begin(world->store.delivery.tx.context), XD_OK);
    return result;
}

static int teardown(void **state) {
    struct hub_world *world = *state;
    assert_true(xd_stock_check(&world->hub));
    assert_int_equal(world->store.delivery.tx.commit(world->store.delivery.tx.context), XD_OK);
    return hub_world_teardown(state);
}

/* "unknown" or the available quantity. */
static void assert_available(struct hub_world *world, const char *site, const char *sku,
                             const char *expected) {
    struct xd_decimal qty;
    char text[XD_DECIMAL_TEXT_MAX];
    bool known;
    assert_int_equal(xd_stock_available(&world->hub, site, sku, &known, &qty), XD_OK);
    assert_string_equal(known ? xd_decimal_write(qty, text) : "unknown", expected);
    assert_true(known || xd_decimal_is_zero(qty));
}

static void list(struct hub_world *world, const char *site, const char *sku, const char *qty) {
    assert_int_equal(xd_stock_listed(&world->hub, site, sku, d(qty), "csv", world->now), XD_OK);
}

static enum xd_result count_row(void *context, const struct xd_stock_row *row) {
    (void)row;
    ++*(size_t *)context;
    return XD_OK;
}

static void assert_rows(struct hub_world *world, size_t expected) {
    size_t count = 0;
    assert_int_equal(
        world->store.stock.list(world->store.context, NULL, NULL, "", "", 100, count_row, &count), XD_OK);
    assert_int_equal(count, expected);
}

/* ---- stock ---- */

static void site_in_no_list_is_not_known_and_one_in_a_list_is(void **state) {
    struct hub_world *world = *state;
    assert_available(world, "WH1", "A", "unknown");
    list(world, "WH1", "A", "0");
    assert_available(world, "WH1", "A", "0");
    assert_available(world, "WH1", "B", "0");
    assert_available(world, "WH2", "A", "unknown");
}

static void reservations_take_from_what_is_available(void **state) {
    struct hub_world *world = *state;
    list(world, "WH1", "A", "10");
    assert_int_equal(xd_stock_reserve(&world->hub, "WH1", "A", d("3.5")), XD_OK);
    assert_available(world, "WH1", "A", "6.5");
    assert_int_equal(xd_stock_reserve(&world->hub, "WH1", "A", d("7")), XD_OK);
    assert_available(world, "WH1", "A", "-0.5");
    assert_int_equal(xd_stock_unreserve(&world->hub, "WH1", "A", d("10")), XD_OK);
    assert_available(world, "WH1", "A", "9.5");
    assert_int_equal(xd_stock_unreserve(&world->hub, "WH1", "A", d("99")), XD_OK); /* never below 0 */
    assert_available(world, "WH1", "A", "10");
}

static void shipment_takes_from_stock_and_from_its_reservation(void **state) {
    struct hub_world *world = *state;
    list(world, "WH1", "A", "10");
    assert_int_equal(xd_stock_reserve(&world->hub, "WH1", "A", d("6")), XD_OK);
    assert_int_equal(xd_stock_ship(&world->hub, "WH1", "A", d("4"), d("4")), XD_OK);
    assert_available(world, "WH1", "A", "4");
    assert_int_equal(xd_stock_ship(&world->hub, "WH1", "B", d("2"), d("0")), XD_OK); /* a substitute */
    assert_int_equal(xd_stock_ship(&world->hub, "WH1", "A", d("0"), d("2")), XD_OK);
    assert_available(world, "WH1", "A", "6");
    assert_available(world, "WH1", "B", "-2"); /* a shipment is a fact */
    assert_int_equal(xd_stock_ship(&world->hub, "WH1", "A", d("-4"), d("0")), XD_OK); /* reversed */
    assert_available(world, "WH1", "A", "10");
}

static void adjustment_moves_what_is_on_hand(void **state) {
    struct hub_world *world = *state;
    list(world, "WH1", "A", "10");
    assert_int_equal(xd_stock_adjust(&world->hub, "WH1", "A", d("-2")), XD_OK);
    assert_int_equal(xd_stock_adjust(&world->hub, "WH1", "B", d("5")), XD_OK);
    assert_available(world, "WH1", "A", "8");
    assert_available(world, "WH1", "B", "5");
}

static void list_sets_what_is_on_hand_and_leaves_reservations(void **state) {
    struct hub_world *world = *state;
    list(world, "WH1", "A", "10");
    assert_int_equal(xd_stock_reserve(&world->hub, "WH1", "A", d("6")), XD_OK);
    assert_int_equal(xd_stock_ship(&world->hub, "WH1", "A", d("1"), d("1")), XD_OK);
    list(world, "WH1", "A", "20");
    assert_available(world, "WH1", "A", "15");
}

static void first_list_finds_what_was_reserved_before_it(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(xd_stock_reserve(&world->hub, "WH1", "A", d("6")), XD_OK);
    assert_int_equal(xd_stock_ship(&world->hub, "WH1", "A", d("2"), d("2")), XD_OK);
    assert_available(world, "WH1", "A", "unknown");
    list(world, "WH1", "A", "10");
    assert_available(world, "WH1", "A", "6");
}

static void site_in_no_list_keeps_rows_for_open_reservations_only(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(xd_stock_reserve(&world->hub, "WH1", "A", d("6")), XD_OK);
    assert_rows(world, 1);
    assert_int_equal(xd_stock_ship(&world->hub, "WH1", "A", d("6"), d("6")), XD_OK);
    assert_int_equal(xd_stock_adjust(&world->hub, "WH1", "B", d("6")), XD_OK);
    assert_rows(world, 0);
    assert_available(world, "WH1", "A", "unknown");
}

static void exposure_adds_up_by_customer_and_currency(void **state) {
    struct hub_world *world = *state;
    struct xd_decimal amount;
    assert_int_equal(xd_exposure_get(&world->hub, "C1", "EUR", &amount), XD_OK);
    assert_true(xd_decimal_is_zero(amount));
    assert_int_equal(xd_exposure_add(&world->hub, "C1", "EUR", d("10.25")), XD_OK);
    assert_int_equal(xd_exposure_add(&world->hub, "C1", "EUR", d("-0.25")), XD_OK);
    assert_int_equal(xd_exposure_add(&world->hub, "C1", "USD", d("3")), XD_OK);
    assert_int_equal(xd_exposure_get(&world->hub, "C1", "EUR", &amount), XD_OK);
    assert_int_equal(xd_decimal_compare(amount, d("10")), 0);
}

/* ---- the API ---- */

/* The answer's status; its body into out. */
static unsigned put_stock(struct hub_world *world, const char *body, char *out, size_t size) {
    struct xd_client_row client = {.client = "ops", .tenant = "t", .role = "operator"};
    struct xd_api_request request = {.handle = &client, .client = &client, .body = xd_bytes_of_text(body)};
    struct xd_effects effects;
    xd_effects_init(&effects, NULL);
    assert_int_equal(xd_hub_stock_put(&world->hub, &request, world->now, &effects), XD_OK);
    assert_int_equal(effects.count, 1);
    snprintf(out, size, "%s", xd_effects_string(&effects, effects.items[0].body));
    unsigned status = effects.items[0].status;
    xd_effects_free(&effects);
    return status;
}

static void api_takes_a_list_or_nothing_of_it(void **state) {
    struct hub_world *world = *state;
    char text[2048];
    assert_int_equal(put_stock(world,
                               "{\"entries\":[{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"5\"},"
                               "{\"site\":\"WH1\",\"sku\":\"B/1\",\"qty\":\"0\"}]}",
                               text, sizeof text),
                     200);
    assert_string_equal(text, "{\"taken\":2}");
    assert_available(world, "WH1", "A", "5");
    assert_available(world, "WH1", "B/1", "0");
    static const char *const wrong[][2] = {
        {"{\"entries\":[{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"1\"},{\"site\":\"WH9\",\"sku\":\"A\","
         "\"qty\":\"1\"}]}",
         "/entries/1/site"},
        {"{\"entries\":[{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":1}]}", "/entries/0/qty"},
        {"{\"entries\":[{\"site\":\"WH1\",\"qty\":\"1\"}]}", "/entries/0/sku"},
        {"{\"entries\":[{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"1\",\"uom\":\"EA\"}]}", "/entries/0/uom"},
        {"{\"entries\":[{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"1\"},{\"site\":\"WH9\",\"sku\":\"A\","
         "\"qty\":\"1\"},"
         "{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"many\"}]}",
         "/entries/2/qty"},
        {"{\"entries\":[{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"-0.5\"}]}",
         "\"negative_quantity\",\"pointer\":\"/entries/0/qty\""},
        {"{\"entries\":[{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"6\"},{\"site\":\"WH1\",\"sku\":\"B\","
         "\"qty\":\"6\"},"
         "{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"6\"}]}",
         "\"duplicate_entry\",\"pointer\":\"/entries/2/sku\""},
        {"{\"source\":\"erp\",\"entries\":[]}", "/source"},
        {"{}", "/entries"},
    };
    for (size_t index = 0; index < sizeof wrong / sizeof wrong[0]; index++) {
        assert_int_equal(put_stock(world, wrong[index][0], text, sizeof text), 422);
        assert_non_null(strstr(text, wrong[index][1]));
    }
    assert_int_equal(put_stock(world, "{", text, sizeof text), 400);
    assert_available(world, "WH1", "A", "5");
}

static void api_tells_of_skus_that_no_product_has(void **state) {
    struct hub_world *world = *state;
    char text[2048];
    static const char product[] = "{\"sku\":\"A\",\"base_uom\":\"EA\",\"aliases\":[\"AA\"]}";
    struct xd_problems problems;
    int64_t version;
    xd_problems_clear(&problems);
    assert_int_equal(xd_reference_put(&world->hub, XD_REF_PRODUCT, xd_bytes_of_text(product), "api",
                                      world->now, &version, &problems),
                     XD_OK);
    assert_int_equal(
        put_stock(world, "{\"entries\":[{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"5\"}]}", text, sizeof text),
        200);
    assert_string_equal(text, "{\"taken\":1}");
    assert_int_equal(
        put_stock(
            world,
            "{\"entries\":[{\"site\":\"WH1\",\"sku\":\"AA\",\"qty\":\"6\"},"
            "{\"site\":\"WH1\",\"sku\":\"U1\",\"qty\":\"1\"},{\"site\":\"WH1\",\"sku\":\"U2\",\"qty\":\"1\"},"
            "{\"site\":\"WH1\",\"sku\":\"U3\",\"qty\":\"1\"},{\"site\":\"WH1\",\"sku\":\"U4\",\"qty\":\"1\"},"
            "{\"site\":\"WH1\",\"sku\":\"U5\",\"qty\":\"1\"},{\"site\":\"WH1\",\"sku\":\"U6\",\"qty\":\"1\"}]"
            "}",
            text, sizeof text),
        200);
    assert_string_equal(
        text, "{\"taken\":7,\"unknown\":{\"count\":6,\"skus\":[\"U1\",\"U2\",\"U3\",\"U4\",\"U5\"]}}");
    assert_available(world, "WH1", "A", "6");
    assert_available(world, "WH1", "U6", "1");
    assert_int_equal(put_stock(world,
                               "{\"entries\":[{\"site\":\"WH1\",\"sku\":\"A\",\"qty\":\"7\"},"
                               "{\"site\":\"WH1\",\"sku\":\"AA\",\"qty\":\"8\"}]}",
                               text, sizeof text),
                     422); /* one product by two names */
    assert_non_null(strstr(text, "\"duplicate_entry\",\"pointer\":\"/entries/1/sku\""));
}

static void assert_view(struct hub_world *world, const struct xd_view_stock *query, const char *expected) {
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    assert_int_equal(xd_view_stock(&world->store, query, &out), XD_OK);
    assert_string_equal(xd_buffer_string(&out), expected);
    xd_buffer_free(&out);
}

static void api_shows_stock_in_pages(void **state) {
    struct hub_world *world = *state;
    struct xd_buffer out;
    world->now.wall = 1000;
    list(world, "WH1", "A/1", "10");
    assert_int_equal(xd_stock_reserve(&world->hub, "WH1", "A/1", d("3")), XD_OK);
    assert_int_equal(xd_stock_ship(&world->hub, "WH1", "B", d("1"), d("0")), XD_OK);
    assert_int_equal(xd_stock_reserve(&world->hub, "WH2", "A/1", d("2")), XD_OK);
#define A_ROW                                                                                                \
    "{\"site\":\"WH1\",\"sku\":\"A/1\",\"known\":true,\"available\":\"7\",\"on_hand\":\"10\","               \
    "\"reserved\":\"3\",\"listed\":\"10\",\"listed_at\":\"1970-01-01T00:00:01.000Z\",\"source\":\"csv\","    \
    "\"adjusted\":\"0\",\"shipped\":\"0\"}"
#define B_ROW                                                                                                \
    "{\"site\":\"WH1\",\"sku\":\"B\",\"known\":true,\"available\":\"-1\",\"on_hand\":\"-1\","                \
    "\"reserved\":\"0\",\"adjusted\":\"0\",\"shipped\":\"1\"}"
#define WH2_ROW "{\"site\":\"WH2\",\"sku\":\"A/1\",\"known\":false,\"reserved\":\"2\"}"
    assert_view(world, &(struct xd_view_stock){NULL, NULL, "", 50},
                "{\"stock\":[" A_ROW "," B_ROW "," WH2_ROW "]}");
    assert_view(world, &(struct xd_view_stock){NULL, NULL, "", 1},
                "{\"stock\":[" A_ROW "],\"next_cursor\":\"WH1/A/1\"}");
    assert_view(world, &(struct xd_view_stock){NULL, NULL, "WH1/A/1", 50},
                "{\"stock\":[" B_ROW "," WH2_ROW "]}");
    assert_view(world, &(struct xd_view_stock){"WH1", "B", "", 50}, "{\"stock\":[" B_ROW "]}");
    assert_view(world, &(struct xd_view_stock){"WH3", NULL, "", 50}, "{\"stock\":[]}");
    xd_buffer_init(&out, 0);
    assert_int_equal(xd_view_stock(&world->store, &(struct xd_view_stock){NULL, NULL, "x", 50}, &out),
                     XD_NOT_FOUND);
    xd_buffer_free(&out);
}

/* ---- routing ---- */

static void add_site(struct hub_world *world, const char *name, const char *kind) {
    struct xd_site_row row = {.added_at = 1};
    snprintf(row.site, sizeof row.site, "%s", name);
    snprintf(row.kind, sizeof row.kind, "%s", kind);
    assert_int_equal(world->store.site_put(world->store.context, &row), XD_OK);
    assert_int_equal(xd_hub_site_open(&world->hub, &row, world->now), XD_OK);
}

/* Routes 10 of A and 5 of B; the plan's sentence and first part's site into out. */
static void route(struct hub_world *world, const char *preferred, const struct xd_routing_refusal *refusals,
                  size_t refusal_count, struct xd_route_plan *plan) {
    const struct xd_route_line lines[] = {{.sku = "A", .qty = d("10")}, {.sku = "B", .qty = d("5")}};
    struct xd_order order = {.preferred_site = preferred, .fulfilment_policy = -1, .backorder_policy = -1};
    struct xd_routing routing = {.tenant = "t",
                                 .order = &order,
                                 .lines = lines,
                                 .line_count = 2,
                                 .refusals = refusals,
                                 .refusal_count = refusal_count};
    assert_int_equal(xd_hub_route(&world->hub, &routing, world->now, plan), XD_OK);
}

static void routing_knows_sites_and_their_stock(void **state) {
    struct hub_world *world = *state;
    struct xd_route_plan plan;
    add_site(world, "WH2", "warehouse");
    add_site(world, "TP1", "3pl");
    list(world, "WH1", "A", "10");
    list(world, "WH2", "A", "10");
    list(world, "WH2", "B", "5");
    route(world, NULL, NULL, 0, &plan);
    assert_int_equal(plan.decision, XD_ROUTE_OTHER_SITE);
    assert_string_equal(plan.sites[plan.parts[0].site].site, "WH2");
    assert_int_equal(plan.site_count, 3);
    assert_string_equal(plan.sites[2].site, "TP1");
    assert_string_equal(plan.sites[0].ship_date, "2026-11-23"); /* the world's first day */
    xd_route_plan_free(&plan);
    assert_int_equal(xd_stock_reserve(&world->hub, "WH2", "B", d("1")), XD_OK);
    route(world, NULL, NULL, 0, &plan);
    assert_int_equal(plan.decision, XD_ROUTE_THIRD_PARTY); /* its stock is not known */
    xd_route_plan_free(&plan);
    route(world, "TP1", NULL, 0, &plan);
    assert_int_equal(plan.decision, XD_ROUTE_PRIMARY);
    xd_route_plan_free(&plan);
}

static void routing_passes_over_a_site_that_refused_the_line(void **state) {
    struct hub_world *world = *state;
    const struct xd_routing_refusal refusals[] = {{"WH1", 1}, {"WH9", 0}, {"WH1", 77}};
    struct xd_route_plan plan;
    add_site(world, "WH2", "warehouse");
    route(world, "WH1", refusals, 3, &plan);
    assert_int_equal(plan.decision, XD_ROUTE_OTHER_SITE);
    xd_route_plan_free(&plan);
}

static void routing_considers_at_most_32_sites_and_finds_the_one_with_stock(void **state) {
    struct hub_world *world = *state;
    struct xd_route_plan plan;
    for (int number = 10; number < 80; number++) {
        char name[16];
        snprintf(name, sizeof name, "WH%d", number);
        add_site(world, name, "warehouse");
        list(world, name, "OTHER", "1");
    }
    list(world, "WH1", "OTHER", "1");
    list(world, "WH77", "A", "10");
    list(world, "WH77", "B", "5");
    list(world, "WH78", "A", "1");
    route(world, "WH79", NULL, 0, &plan);
    assert_int_equal(plan.site_count, XD_ROUTE_SITES_MAX);
    assert_string_equal(plan.sites[0].site, "WH79");
    assert_int_equal(plan.decision, XD_ROUTE_OTHER_SITE);
    assert_string_equal(plan.sites[plan.parts[0].site].site, "WH77");
    xd_route_plan_free(&plan);
}

static void routing_of_no_sites_backorders(void **state) {
    struct hub_world *world = *state;
    size_t count = world->hub.site_count;
    struct xd_route_plan plan;
    world->hub.site_count = 0;
    route(world, NULL, NULL, 0, &plan);
    world->hub.site_count = count;
    assert_int_equal(plan.decision, XD_ROUTE_BACKORDER);
    xd_route_plan_free(&plan);
}

#define STOCK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        STOCK_TEST(site_in_no_list_is_not_known_and_one_in_a_list_is),
        STOCK_TEST(reservations_take_from_what_is_available),
        STOCK_TEST(shipment_takes_from_stock_and_from_its_reservation),
        STOCK_TEST(adjustment_moves_what_is_on_hand),
        STOCK_TEST(list_sets_what_is_on_hand_and_leaves_reservations),
        STOCK_TEST(first_list_finds_what_was_reserved_before_it),
        STOCK_TEST(site_in_no_list_keeps_rows_for_open_reservations_only),
        STOCK_TEST(exposure_adds_up_by_customer_and_currency),
        STOCK_TEST(api_takes_a_list_or_nothing_of_it),
        STOCK_TEST(api_tells_of_skus_that_no_product_has),
        STOCK_TEST(api_shows_stock_in_pages),
        STOCK_TEST(routing_knows_sites_and_their_stock),
        STOCK_TEST(routing_passes_over_a_site_that_refused_the_line),
        STOCK_TEST(routing_considers_at_most_32_sites_and_finds_the_one_with_stock),
        STOCK_TEST(routing_of_no_sites_backorders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
