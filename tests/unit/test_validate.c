/* Validation and enrichment over look-ups that the test makes up: what is checked,
 * where a problem points, and every sum to the last digit. More orders, over the real
 * program and its reference data, are in tests/integration/test_orders_table.py. */
#include "hub/validate.h"

#include "base/memory.h"
#include "documents/currency.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define TODAY ((xd_ms)1795420800000) /* 2026-11-23T08:00:00Z */

struct world {
    bool customers, products, channels, carriers; /* whether there are any */
    bool tolerance;
    enum xd_result product_failure; /* XD_OK: none */
};

static struct xd_decimal decimal(const char *text) {
    struct xd_decimal value;
    assert_int_equal(xd_decimal_parse(text, &value), XD_OK);
    return value;
}

static enum xd_result known(void *context, enum xd_reference_kind kind, bool *out) {
    const struct world *world = context;
    *out = (kind == XD_REF_CUSTOMER && world->customers) || (kind == XD_REF_PRODUCT && world->products) ||
           (kind == XD_REF_CHANNEL && world->channels) || (kind == XD_REF_CARRIER && world->carriers);
    return XD_OK;
}

static enum xd_result customer(void *context, const char *tenant, const char *account, const char *ref,
                               struct xd_customer *out) {
    (void)context;
    memset(out, 0, sizeof *out);
    assert_string_equal(tenant, "acme");
    assert_string_equal(account, "web");
    out->active = strcmp(ref, "CUST-OLD") != 0;
    out->version = 7;
    if (strcmp(ref, "4711") == 0 || strcmp(ref, "CUST-1") == 0) {
        strcpy(out->code, "CUST-1");
        strcpy(out->currency, "EUR");
        out->has_credit_limit = true;
        out->credit_limit = decimal("500");
        return XD_OK;
    }
    strcpy(out->code, ref);
    return strcmp(ref, "CUST-ANY") == 0 || strcmp(ref, "CUST-OLD") == 0 ? XD_OK : XD_NOT_FOUND;
}

/* Codes are those that no channel gave. */
static enum xd_result customer_code(void *context, const char *code, struct xd_customer *out) {
    enum xd_result result = customer(context, "acme", "web", code, out);
    return result == XD_OK && strcmp(out->code, code) != 0 ? XD_NOT_FOUND : result;
}

static void add_uom(struct xd_product *product, const char *uom, int64_t num, int64_t den) {
    struct xd_uom *row = &product->uoms[product->uom_count++];
    (void)snprintf(row->uom, sizeof row->uom, "%s", uom);
    row->num = num;
    row->den = den;
}

static enum xd_result product(void *context, const char *sku, struct xd_product *out) {
    const struct world *world = context;
    memset(out, 0, sizeof *out);
    if (world->product_failure != XD_OK) {
        return world->product_failure;
    }
    out->active = strcmp(sku, "GONE") != 0;
    out->version = 11;
    (void)snprintf(out->sku, sizeof out->sku, "%s", sku);
    strcpy(out->base_uom, "EA");
    if (strcmp(sku, "WIDGET") == 0 || strcmp(sku, "04012345678901") == 0) {
        strcpy(out->sku, "WIDGET");
        strcpy(out->currency, "EUR");
        out->has_price = out->has_tax_pct = true;
        out->price = decimal("10");
        out->tax_pct = decimal("19");
        add_uom(out, "CS", 12, 1);
        add_uom(out, "THIRD", 1, 3);
        return XD_OK;
    }
    if (strcmp(sku, "GRAIN") == 0) {
        strcpy(out->base_uom, "KG");
        add_uom(out, "G", 1, 1000);
        return XD_OK;
    }
    return strcmp(sku, "GONE") == 0 ? XD_OK : XD_NOT_FOUND;
}

static enum xd_result tenant_policy(void *context, const char *tenant, struct xd_tenant_policy *out) {
    const struct world *world = context;
    memset(out, 0, sizeof *out);
    (void)tenant;
    out->has_price_tolerance = world->tolerance;
    out->price_tolerance_pct = decimal("5");
    out->version = 3;
    return XD_OK;
}

static enum xd_result channel(void *context, const char *type, struct xd_channel_rule *out) {
    (void)context;
    memset(out, 0, sizeof *out);
    out->active = strcmp(type, "fax") != 0;
    out->version = 5;
    return strcmp(type, "pigeon") == 0 ? XD_NOT_FOUND : XD_OK;
}

static enum xd_result carrier(void *context, const char *scac, struct xd_carrier *out) {
    (void)context;
    memset(out, 0, sizeof *out);
    (void)snprintf(out->scac, sizeof out->scac, "%s", scac);
    out->active = strcmp(scac, "OLDC") != 0;
    out->service_count = strcmp(scac, "DHLX") == 0 ? 1 : 0;
    (void)snprintf(out->services[0], sizeof out->services[0], "EXPRESS");
    return strcmp(scac, "ZZZZ") == 0 ? XD_NOT_FOUND : XD_OK;
}

static const struct world everything = {
    .customers = true, .products = true, .channels = true, .carriers = true, .tolerance = true};

/* ---- one order ---- */

struct held {
    struct xd_reading reading;
    struct xd_order order;
    struct xd_enriched made;
    enum xd_result result;
};

static void hold_in(const struct world *world, struct held *held, const char *text) {
    const struct xd_lookups lookups = {
        (void *)(uintptr_t)world, known, customer, customer_code, product, tenant_policy, channel, carrier};
    xd_reading_begin(&held->reading, text);
    enum xd_result read = xd_order_read(&held->reading.document, &held->order, &held->reading.problems);
    assert_true(read == XD_OK || read == XD_INVALID);
    held->result = xd_validate(&lookups, "acme", &held->order, TODAY, &held->made, &held->reading.problems);
}

static void hold(struct held *held, const char *text) {
    hold_in(&everything, held, text);
}

static void let_go(struct held *held) {
    xd_enriched_free(&held->made);
    xd_enriched_free(&held->made);
    xd_reading_end(&held->reading);
}

/* "code pointer" of each, parted by semicolons; warnings with a star before them. */
static const char *told(const struct held *held) {
    static char text[2048];
    text[0] = 0;
    for (size_t i = 0; i < held->reading.problems.count; i++) {
        const struct xd_problem *problem = &held->reading.problems.items[i];
        size_t size = strlen(text);
        (void)snprintf(text + size, sizeof text - size, "%s%s%s %s", i > 0 ? "; " : "",
                       problem->warning ? "*" : "", problem->code, problem->pointer);
    }
    return text;
}

static void assert_decimal(struct xd_decimal value, const char *expected) {
    char text[XD_DECIMAL_TEXT_MAX];
    assert_string_equal(xd_decimal_write(value, text), expected);
}

#define ORDER_OF(head, lines)                                                                                \
    "{\"external_order_id\":\"PO-1\",\"channel\":{\"type\":\"portal\",\"account\":\"web\"},"                 \
    "\"parties\":{\"ship_to\":{\"name\":\"A\",\"address\":[\"B\"],\"city\":\"C\",\"postal_code\":\"D\","     \
    "\"country\":\"GB\"}}," head "\"lines\":[" lines "]}"
#define HEAD(more) "\"customer\":{\"external_ref\":\"4711\"},\"currency\":\"EUR\"," more
#define LINE(id, sku, qty, uom, more)                                                                        \
    "{\"external_line_id\":\"" id "\",\"sku\":\"" sku "\",\"qty\":\"" qty "\",\"uom\":\"" uom "\"" more "}"
#define WIDGET(more) LINE("1", "WIDGET", "2", "EA", more)

/* ---- what is found, and where ---- */

static void each_problem_is_told_with_its_place(void **state) {
    static const struct {
        const char *order, *told;
    } cases[] = {
        {ORDER_OF(HEAD(""), WIDGET("")), ""},
        {ORDER_OF(HEAD(""), WIDGET(",\"unit_price\":\"10\"")), ""},
        {ORDER_OF("\"customer\":{\"external_ref\":\"X\"},\"currency\":\"EUR\",", WIDGET("")),
         "unknown_customer /customer/external_ref"},
        {ORDER_OF("\"customer\":{\"id\":\"X\"},\"currency\":\"EUR\",", WIDGET("")),
         "unknown_customer /customer/id"},
        {ORDER_OF("\"customer\":{\"id\":\"4711\"},\"currency\":\"EUR\",", WIDGET("")),
         "unknown_customer /customer/id"},
        {ORDER_OF("\"customer\":{\"external_ref\":\"4711\",\"id\":\"CUST-1\"},\"currency\":\"EUR\",",
                  WIDGET("")),
         ""},
        {ORDER_OF("\"customer\":{\"external_ref\":\"4711\",\"id\":\"CUST-ANY\"},\"currency\":\"EUR\",",
                  WIDGET("")),
         "customers_contradict /customer/id"},
        {ORDER_OF("\"customer\":{\"external_ref\":\"X\",\"id\":\"4711\"},\"currency\":\"EUR\",", WIDGET("")),
         "unknown_customer /customer/external_ref; unknown_customer /customer/id"},
        {ORDER_OF("\"customer\":{\"id\":\"CUST-OLD\"},\"currency\":\"EUR\",", WIDGET("")),
         "inactive_customer /customer/id"},
        {ORDER_OF("\"customer\":{\"id\":\"CUST-1\"},\"currency\":\"USD\",", WIDGET("")),
         "currency_mismatch /currency"},
        {ORDER_OF("\"customer\":{\"id\":\"CUST-ANY\"},\"currency\":\"USD\",", WIDGET("")), ""},
        {ORDER_OF(HEAD("\"freight\":{\"scac\":\"DHLX\"},"), WIDGET("")), ""},
        {ORDER_OF(HEAD("\"freight\":{},"), WIDGET("")), ""},
        {ORDER_OF(HEAD("\"freight\":{\"scac\":\"ZZZZ\"},"), WIDGET("")), "unknown_carrier /freight/scac"},
        {ORDER_OF(HEAD("\"freight\":{\"scac\":7},"), WIDGET("")), "unknown_carrier /freight/scac"},
        {ORDER_OF(HEAD("\"freight\":{\"scac\":\"OLDC\"},"), WIDGET("")), "inactive_carrier /freight/scac"},
        {ORDER_OF(HEAD("\"freight\":{\"scac\":\"DHLX\",\"service\":\"EXPRESS\"},"), WIDGET("")), ""},
        {ORDER_OF(HEAD("\"freight\":{\"scac\":\"DHLX\",\"service\":\"SLOW\"},"), WIDGET("")),
         "unknown_service /freight/service"},
        {ORDER_OF(HEAD("\"freight\":{\"scac\":\"OLDC\",\"service\":\"SLOW\"},"), WIDGET("")),
         "inactive_carrier /freight/scac"}, /* which has no list */
        {ORDER_OF(HEAD(""), LINE("1", "NONE", "1", "EA", "")), "unknown_product /lines/0/sku"},
        {ORDER_OF(HEAD(""), LINE("1", "GONE", "1", "EA", "")), "inactive_product /lines/0/sku"},
        {ORDER_OF(HEAD(""), LINE("1", "NONE", "1", "EA",
                                 ",\"ids\":[{\"scheme\":\"UPC\",\"value\":\"1\"},"
                                 "{\"scheme\":\"GTIN\",\"value\":\"04012345678901\"}]")),
         "*product_known_by_id /lines/0/sku"},
        {ORDER_OF(HEAD(""), LINE("1", "WIDGET", "1", "PAL", "")), "unknown_uom /lines/0/uom"},
        {ORDER_OF(HEAD(""), LINE("1", "WIDGET", "1", "THIRD", "")), "quantity_not_exact /lines/0/qty"},
        {ORDER_OF(HEAD(""), LINE("1", "WIDGET", "3", "THIRD", "")), ""},
        {ORDER_OF(HEAD(""), LINE("1", "WIDGET", "999999999999999999", "CS", "")),
         "quantity_not_exact /lines/0/qty"},
        {ORDER_OF(HEAD(""), WIDGET(",\"unit_price\":\"10.50\"")), ""},
        {ORDER_OF(HEAD(""), WIDGET(",\"unit_price\":\"9.5\"")), ""},
        {ORDER_OF(HEAD(""), WIDGET(",\"unit_price\":\"10.51\"")), "price_mismatch /lines/0/unit_price"},
        {ORDER_OF(HEAD(""), WIDGET(",\"unit_price\":\"9.49\"")), "price_mismatch /lines/0/unit_price"},
        {ORDER_OF(HEAD(""), LINE("1", "WIDGET", "1", "CS", ",\"unit_price\":\"10\"")),
         "price_mismatch /lines/0/unit_price"},
        {ORDER_OF(HEAD(""), LINE("1", "WIDGET", "1", "CS", ",\"unit_price\":\"120\"")), ""},
        {ORDER_OF(HEAD(""), LINE("1", "WIDGET", "3", "THIRD", ",\"unit_price\":\"3.33\"")), ""},
        {ORDER_OF(HEAD(""), LINE("1", "GRAIN", "1", "G", ",\"unit_price\":\"3.33\"")), ""},
        {ORDER_OF(HEAD(""), LINE("1", "GRAIN", "0.001", "G", "")), ""},
        {ORDER_OF(HEAD(""), LINE("1", "GRAIN", "0.0000000001", "G", "")), "quantity_not_exact /lines/0/qty"},
        {ORDER_OF(HEAD(""), WIDGET("") "," LINE("2", "WIDGET", "5", "EA", "")),
         "*possible_duplicate_line /lines/1/sku"},
        {ORDER_OF(HEAD(""), WIDGET(",\"unit_price\":\"10\"") "," LINE("2", "WIDGET", "5", "EA", "")), ""},
        {ORDER_OF(HEAD(""), WIDGET("") "," LINE("2", "WIDGET", "5", "CS", "")), ""},
        {ORDER_OF(HEAD(""),
                  WIDGET("") "," LINE("2", "NONE", "5", "EA",
                                      ",\"ids\":[{\"scheme\":\"GTIN\",\"value\":\"04012345678901\"}]")),
         "*product_known_by_id /lines/1/sku; *possible_duplicate_line /lines/1/sku"},
        {ORDER_OF(HEAD("\"dates\":{\"requested_ship\":\"2026-11-21\"},"), WIDGET("")),
         "date_in_past /dates/requested_ship"},
        {ORDER_OF(HEAD("\"dates\":{\"requested_ship\":\"2026-11-22\"},"), WIDGET("")), ""},
        {ORDER_OF(HEAD("\"dates\":{\"ship_not_before\":\"2020-01-01\"},"), WIDGET("")), ""},
        {ORDER_OF(HEAD("\"dates\":{\"requested_delivery\":\"2026-11-01\",\"ship_not_after\":\"2026-11-01\","
                       "\"cancel_after\":\"2026-11-01\"},"),
                  WIDGET("")),
         "date_in_past /dates/requested_delivery; date_in_past /dates/ship_not_after; "
         "date_in_past /dates/cancel_after"},
        {ORDER_OF(HEAD(""), WIDGET(",\"discounts\":[{\"type\":\"AMOUNT\",\"value\":\"20.01\"}]")),
         "discount_too_large /lines/0/discounts/0/value"},
        {ORDER_OF(HEAD(""), WIDGET(",\"discounts\":[{\"type\":\"PERCENT\",\"value\":\"100\"},"
                                   "{\"type\":\"AMOUNT\",\"value\":\"0.01\"}]")),
         "discount_too_large /lines/0/discounts/1/value"},
        {ORDER_OF(HEAD(""), WIDGET(",\"discounts\":[{\"type\":\"PERCENT\",\"value\":\"100.1\"}]")),
         "discount_too_large /lines/0/discounts/0/value"},
        {ORDER_OF(HEAD(""), WIDGET(",\"tax\":[{\"pct\":\"19\",\"amount\":\"3.82\"}]")),
         "tax_mismatch /lines/0/tax/0/amount"},
        {ORDER_OF(HEAD(""), WIDGET(",\"tax\":[{\"pct\":\"19\",\"amount\":\"3.81\"}]")), ""},
        {ORDER_OF(HEAD("\"totals\":{\"net\":\"20.00\",\"tax\":\"3.80\",\"gross\":\"23.80\"},"), WIDGET("")),
         ""},
        {ORDER_OF(HEAD("\"totals\":{\"net\":\"20.01\",\"tax\":\"3.79\",\"gross\":\"23.80\"},"), WIDGET("")),
         ""},
        {ORDER_OF(HEAD("\"totals\":{\"net\":\"20.02\",\"tax\":\"3.8\",\"gross\":\"23.82\"},"), WIDGET("")),
         "totals_mismatch /totals/net; totals_mismatch /totals/gross"},
        {ORDER_OF(HEAD("\"totals\":{\"net\":\"20\",\"tax\":\"3.8\",\"gross\":\"23.81\"},"), WIDGET("")),
         "totals_mismatch /totals/gross"},
        {ORDER_OF(HEAD(""), LINE("1", "GRAIN", "9999999999", "KG", ",\"unit_price\":\"999999999\"")),
         "amount_out_of_range /lines/0/unit_price"},
        {ORDER_OF(HEAD(""), LINE("1", "GRAIN", "900000000000000000", "KG", ",\"unit_price\":\"1\"") "," LINE(
                                "2", "GRAIN", "900000000000000000", "KG", ",\"unit_price\":\"1.00\"")),
         "*possible_duplicate_line /lines/1/sku; amount_out_of_range /lines"},
        {ORDER_OF("\"customer\":{\"external_ref\":\"X\"},\"currency\":\"EUR\",\"dates\":{\"cancel_after\":"
                  "\"2020-01-01\"},",
                  LINE("1", "NONE", "1", "EA", "") "," LINE("2", "GONE", "1", "PAL", "")),
         "unknown_customer /customer/external_ref; date_in_past /dates/cancel_after; "
         "unknown_product /lines/0/sku; inactive_product /lines/1/sku; unknown_uom /lines/1/uom"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct held held;
        hold(&held, cases[i].order);
        assert_string_equal(told(&held), cases[i].told);
        assert_int_equal(held.result, held.reading.problems.errors > 0 ? XD_INVALID : XD_OK);
        let_go(&held);
    }
}

static void a_channel_must_be_there_and_open(void **state) {
    struct held held;
    (void)state;
    hold(&held, "{\"channel\":{\"type\":\"pigeon\",\"account\":\"web\"}}");
    assert_non_null(strstr(told(&held), "unknown_channel /channel/type"));
    let_go(&held);
    hold(&held, "{\"channel\":{\"type\":\"fax\",\"account\":\"web\"}}");
    assert_non_null(strstr(told(&held), "inactive_channel /channel/type"));
    let_go(&held);
}

static void what_the_reader_refused_is_looked_at_as_far_as_it_can_be(void **state) {
    struct held held;
    (void)state;
    hold(&held, ORDER_OF(HEAD("\"totals\":{\"net\":\"1\"},"),
                         "{\"external_line_id\":\"1\",\"sku\":\"\",\"qty\":\"0\",\"uom\":\"EA\"},"
                         "{\"external_line_id\":\"2\",\"sku\":\"NONE\",\"qty\":\"1\"},"
                         "{\"external_line_id\":\"3\",\"qty\":\"x\",\"uom\":7}"));
    assert_int_equal(held.result, XD_INVALID);
    assert_non_null(strstr(told(&held), "unknown_product /lines/1/sku"));
    assert_null(strstr(told(&held), "totals_mismatch"));
    assert_false(held.made.priced);
    let_go(&held);
    /* the sum of what could be read is no sum to compare with */
    hold(&held, ORDER_OF(HEAD("\"totals\":{\"net\":\"100\"},"),
                         LINE("1", "WIDGET", "ten", "EA", ",\"unit_price\":\"10\"")));
    assert_string_equal(told(&held), "bad_decimal /lines/0/qty");
    let_go(&held);
    hold(&held, "{}");
    let_go(&held);
}

static void a_kind_without_any_entry_is_not_checked(void **state) {
    static const struct world empty = {0};
    struct held held;
    (void)state;
    hold_in(&empty, &held,
            ORDER_OF(
                "\"customer\":{\"external_ref\":\"X\"},\"currency\":\"EUR\",\"freight\":{\"scac\":\"ZZZZ\"},",
                LINE("1", "NONE", "1", "PAL", ",\"unit_price\":\"2\"")));
    assert_string_equal(told(&held), "");
    assert_string_equal(held.made.customer, "X");
    assert_string_equal(held.made.lines[0].sku, "NONE");
    assert_int_equal(held.made.lines[0].den, 0);
    assert_int_equal(held.made.customer_version + held.made.lines[0].product_version, 0);
    assert_true(held.made.priced);
    assert_decimal(held.made.gross, "2");
    assert_false(held.made.customer_is_code);
    let_go(&held);
    /* an id says itself whose code it is */
    hold_in(&empty, &held,
            ORDER_OF("\"customer\":{\"external_ref\":\"X\",\"id\":\"Y\"},\"currency\":\"EUR\",", WIDGET("")));
    assert_string_equal(held.made.customer, "Y");
    assert_true(held.made.customer_is_code);
    let_go(&held);
}

static void a_price_is_not_compared_where_nobody_set_a_tolerance(void **state) {
    static const struct world lenient = {.products = true};
    struct held held;
    (void)state;
    hold_in(&lenient, &held, ORDER_OF(HEAD(""), WIDGET(",\"unit_price\":\"99\"")));
    assert_string_equal(told(&held), "");
    let_go(&held);
}

static void a_store_that_fails_is_no_verdict(void **state) {
    static const struct world broken = {.products = true, .product_failure = XD_IO};
    struct held held;
    (void)state;
    hold_in(&broken, &held, ORDER_OF(HEAD(""), WIDGET("")));
    assert_int_equal(held.result, XD_IO);
    let_go(&held);
}

/* ---- what an order becomes ---- */

static void lines_become_base_units_of_the_product(void **state) {
    struct held held;
    (void)state;
    hold(&held,
         ORDER_OF(HEAD(""), LINE("1", "WIDGET", "2", "CS", "") "," LINE("2", "GRAIN", "250", "G", "")));
    assert_string_equal(held.made.customer, "CUST-1");
    assert_int_equal(held.made.customer_version, 7);
    assert_int_equal(held.made.tenant_version, 3);
    assert_int_equal(held.made.channel_version, 5);
    assert_true(held.made.has_credit_limit);
    assert_decimal(held.made.credit_limit, "500");
    assert_int_equal(held.made.line_count, 2);
    assert_decimal(held.made.lines[0].base_qty, "24");
    assert_string_equal(held.made.lines[0].base_uom, "EA");
    assert_true(held.made.lines[0].num == 12 && held.made.lines[0].den == 1);
    assert_int_equal(held.made.lines[0].product_version, 11);
    assert_true(held.made.lines[0].has_price && held.made.lines[0].price_is_ours);
    assert_decimal(held.made.lines[0].net, "240");
    assert_decimal(held.made.lines[1].base_qty, "0.25");
    assert_false(held.made.lines[1].has_price);
    assert_false(held.made.priced); /* nobody says what grain costs */
    let_go(&held);
}

static void sums_are_exact(void **state) {
    static const struct {
        const char *order, *net, *tax, *gross;
    } cases[] = {
        {ORDER_OF(HEAD(""), WIDGET("")), "20", "3.8", "23.8"},
        {ORDER_OF(HEAD(""), WIDGET(",\"unit_price\":\"9.995\"")), "19.99", "3.8", "23.79"},
        {ORDER_OF(HEAD(""), WIDGET(",\"unit_price\":\"9.9975\"")), "20", "3.8", "23.8"},
        {ORDER_OF(HEAD(""), WIDGET(",\"discounts\":[{\"type\":\"PERCENT\",\"value\":\"10\"},"
                                   "{\"type\":\"AMOUNT\",\"value\":\"0.5\"}]")),
         "17.5", "3.33", "20.83"},
        {ORDER_OF(HEAD(""), WIDGET(",\"discounts\":[{\"type\":\"AMOUNT\",\"value\":\"0.5\"},"
                                   "{\"type\":\"PERCENT\",\"value\":\"10\"}]")),
         "17.55", "3.33", "20.88"},
        {ORDER_OF(HEAD(""), WIDGET(",\"discounts\":[{\"type\":\"PERCENT\",\"value\":\"33.333\"}]")), "13.33",
         "2.53", "15.86"},
        {ORDER_OF(HEAD(""), WIDGET(",\"tax\":[{\"pct\":\"0\"}]")), "20", "0", "20"},
        {ORDER_OF(HEAD(""), WIDGET(",\"tax\":[{\"code\":\"GST\",\"pct\":\"5\"},{\"code\":\"PST\",\"pct\":"
                                   "\"9.975\"}]")),
         "20", "3", "23"},
        /* three lines of 0.13 at 19 percent: 0.0247 each */
        {ORDER_OF(
             HEAD(""),
             LINE("1", "GRAIN", "1", "KG", ",\"unit_price\":\"0.13\",\"tax\":[{\"pct\":\"19\"}]") "," LINE(
                 "2", "GRAIN", "1", "KG",
                 ",\"unit_price\":\"0.13\",\"tax\":[{\"pct\":\"19\"}]") "," LINE("3", "GRAIN", "1", "KG",
                                                                                 ",\"unit_price\":\"0.13\","
                                                                                 "\"tax\":[{\"pct\":\"19\"}"
                                                                                 "]")),
         "0.39", "0.06", "0.45"},
        {ORDER_OF(
             HEAD("\"tax\":{\"rounding\":\"DOCUMENT\"},"),
             LINE("1", "GRAIN", "1", "KG", ",\"unit_price\":\"0.13\",\"tax\":[{\"pct\":\"19\"}]") "," LINE(
                 "2", "GRAIN", "1", "KG",
                 ",\"unit_price\":\"0.13\",\"tax\":[{\"pct\":\"19\"}]") "," LINE("3", "GRAIN", "1", "KG",
                                                                                 ",\"unit_price\":\"0.13\","
                                                                                 "\"tax\":[{\"pct\":\"19\"}"
                                                                                 "]")),
         "0.39", "0.07", "0.46"},
        {ORDER_OF("\"customer\":{\"id\":\"CUST-ANY\"},\"currency\":\"JPY\",",
                  LINE("1", "GRAIN", "3", "KG", ",\"unit_price\":\"33.5\",\"tax\":[{\"pct\":\"10\"}]")),
         "101", "10", "111"},
        {ORDER_OF("\"customer\":{\"id\":\"CUST-ANY\"},\"currency\":\"KWD\",",
                  LINE("1", "GRAIN", "3", "KG", ",\"unit_price\":\"0.3335\",\"tax\":[{\"pct\":\"5\"}]")),
         "1.001", "0.05", "1.051"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct held held;
        hold(&held, cases[i].order);
        assert_int_equal(held.result, XD_OK);
        assert_true(held.made.priced);
        assert_decimal(held.made.net, cases[i].net);
        assert_decimal(held.made.tax, cases[i].tax);
        assert_decimal(held.made.gross, cases[i].gross);
        let_go(&held);
    }
}

static void sums_that_cannot_be_known_are_not_compared(void **state) {
    struct held held;
    (void)state;
    hold(&held,
         ORDER_OF(HEAD("\"totals\":{\"net\":\"1\"},"), WIDGET("") "," LINE("2", "GRAIN", "1", "KG", "")));
    assert_string_equal(told(&held), ""); /* grain has no price */
    let_go(&held);
    hold(&held, ORDER_OF(HEAD("\"totals\":{\"net\":\"2\",\"tax\":\"0.38\",\"gross\":\"2.38\"},"),
                         LINE("1", "GRAIN", "1", "KG", ",\"unit_price\":\"2\"")));
    assert_string_equal(told(&held), ""); /* nobody says a rate */
    assert_false(held.made.taxed);
    let_go(&held);
}

static void an_order_of_the_greatest_size_is_held_against_everything(void **state) {
    struct held held;
    char *text = test_malloc(200000);
    size_t size = (size_t)snprintf(text, 200000, "%s", ORDER_OF(HEAD(""), ""));
    size -= 2; /* the brackets */
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        size += (size_t)snprintf(text + size, 200000 - size,
                                 "%s" LINE("%u", "WIDGET", "1", "EA", ",\"unit_price\":\"10.%02u\""),
                                 i > 0 ? "," : "", i, i % 50);
    }
    (void)snprintf(text + size, 200000 - size, "]}");
    hold(&held, text);
    assert_int_equal(held.result, XD_OK);
    assert_int_equal(held.reading.problems.count + held.reading.problems.dropped, 950); /* warnings */
    assert_decimal(held.made.net, "10245");
    let_go(&held);
    test_free(text);
}

struct starved {
    struct xd_reading reading;
    struct xd_order order;
};

static enum xd_result validate_starved(void *context) {
    const struct xd_lookups lookups = {(void *)(uintptr_t)&everything,
                                       known,
                                       customer,
                                       customer_code,
                                       product,
                                       tenant_policy,
                                       channel,
                                       carrier};
    struct starved *starved = context;
    struct xd_enriched made;
    xd_problems_clear(&starved->reading.problems);
    enum xd_result result =
        xd_validate(&lookups, "acme", &starved->order, TODAY, &made, &starved->reading.problems);
    xd_enriched_free(&made);
    return result;
}

static void without_memory_nothing_is_decided(void **state) {
    struct starved starved;
    (void)state;
    xd_reading_begin(&starved.reading, ORDER_OF(HEAD(""), WIDGET("")));
    assert_int_equal(xd_order_read(&starved.reading.document, &starved.order, &starved.reading.problems),
                     XD_OK);
    xd_reading_starve(validate_starved, &starved);
    xd_reading_end(&starved.reading);
}

static void currencies_have_their_own_minor_units(void **state) {
    (void)state;
    assert_int_equal(xd_currency_digits("EUR"), 2);
    assert_int_equal(xd_currency_digits("JPY"), 0);
    assert_int_equal(xd_currency_digits("XPF"), 0);
    assert_int_equal(xd_currency_digits("BHD"), 3);
    assert_int_equal(xd_currency_digits("CLF"), 4);
    assert_int_equal(xd_currency_digits("CLP"), 0);
    assert_int_equal(xd_currency_digits("Y K"), 2);
    assert_int_equal(xd_currency_digits("JP"), 2);
    assert_int_equal(xd_currency_digits(NULL), 2);
}

int main(void) {
    xd_memory_adopt_cjson();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_problem_is_told_with_its_place),
        cmocka_unit_test(a_channel_must_be_there_and_open),
        cmocka_unit_test(what_the_reader_refused_is_looked_at_as_far_as_it_can_be),
        cmocka_unit_test(a_kind_without_any_entry_is_not_checked),
        cmocka_unit_test(a_price_is_not_compared_where_nobody_set_a_tolerance),
        cmocka_unit_test(a_store_that_fails_is_no_verdict),
        cmocka_unit_test(lines_become_base_units_of_the_product),
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(sums_that_cannot_be_known_are_not_compared),
        cmocka_unit_test(an_order_of_the_greatest_size_is_held_against_everything),
        cmocka_unit_test(without_memory_nothing_is_decided),
        cmocka_unit_test(currencies_have_their_own_minor_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
