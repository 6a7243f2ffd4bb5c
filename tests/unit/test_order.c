/* Orders: what is taken, what is refused beyond a member's own form. The refusals
 * by form are in tests/vectors/documents/order.json. */
#include "documents/order.h"

#include "base/memory.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define SHIP_TO                                                                                              \
    "{\"name\":\"Corner Shop\",\"address\":[\"1 Dock Road\",\"Gate "                                         \
    "2\"],\"city\":\"Leeds\",\"postal_code\":\"LS1 1AA\",\"country\":\"GB\"}"
#define ORDER(more, lines)                                                                                   \
    "{\"external_order_id\":\"PO-4711\",\"channel\":{\"type\":\"portal\",\"account\":\"web\"},\"customer\":" \
    "{\"external_ref\":\"CUST-1\"},"                                                                         \
    "\"currency\":\"EUR\",\"preferred_site\":\"WH1\",\"parties\":{\"ship_to\":" SHIP_TO "}," more            \
    "\"lines\":[" lines "]}"
#define LINE(id, more)                                                                                       \
    "{\"external_line_id\":\"" id "\",\"sku\":\"WIDGET\",\"qty\":\"10\",\"uom\":\"EA\"" more "}"

static void the_smallest_order_is_read(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_order order;
    xd_reading_begin(&reading, ORDER("", LINE("1", ",\"unit_price\":\"9.95\"")));
    assert_int_equal(xd_order_read(&reading.document, &order, &reading.problems), XD_OK);
    assert_int_equal(reading.problems.count, 0);
    assert_string_equal(order.external_order_id, "PO-4711");
    assert_string_equal(order.channel_type, "portal");
    assert_string_equal(order.channel_account, "web");
    assert_string_equal(order.customer_ref, "CUST-1");
    assert_null(order.customer_id);
    assert_string_equal(order.currency, "EUR");
    assert_string_equal(order.preferred_site, "WH1");
    assert_true(order.ship_to.present);
    assert_string_equal(order.ship_to.name, "Corner Shop");
    assert_int_equal(order.ship_to.address_count, 2);
    assert_string_equal(order.ship_to.address[1], "Gate 2");
    assert_string_equal(order.ship_to.country, "GB");
    assert_false(order.sold_to.present || order.bill_to.present || order.mark_for.present);
    assert_int_equal(order.fulfilment_policy, -1);
    assert_int_equal(order.backorder_policy, -1);
    assert_int_equal(order.line_count, 1);
    assert_string_equal(order.lines[0].sku, "WIDGET");
    assert_true(order.lines[0].qty.coefficient == 10 && order.lines[0].qty.scale == 0);
    assert_true(order.lines[0].has_unit_price && order.lines[0].unit_price.coefficient == 995);
    xd_reading_end(&reading);
}

/* An order of a hub that did not look at them must stay readable. */
static void unknown_members_of_what_was_taken_are_kept(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_order order;
    xd_reading_begin(&reading,
                     ORDER("\"freight\":{\"Scac\":\"ZZZZ\"},\"payment\":{\"a\":1},", LINE("1", "")));
    assert_int_equal(xd_order_read_taken(&reading.document, &order, &reading.problems), XD_OK);
    assert_int_equal(reading.problems.count, 0);
    assert_non_null(cJSON_GetObjectItem(order.freight, "Scac"));
    assert_int_equal(xd_order_read(&reading.document, &order, &reading.problems), XD_INVALID);
    assert_int_equal(reading.problems.errors, 2);
    xd_reading_end(&reading);
}

static void nested_members_reach_their_flat_places(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_order order;
    xd_reading_begin(
        &reading,
        ORDER("\"dates\":{\"requested_ship\":\"2026-11-23\",\"cancel_after\":\"2026-11-30\"},\"priority\":3,"
              "\"fulfilment_policy\":\"FILL_ALL\",\"backorder_policy\":\"MANUAL\",\"over_pct\":\"2.5\","
              "\"correlation_id\":\"c-1\",\"attributes\":{\"x\":1},\"freight\":{},",
              LINE("1", "")));
    assert_int_equal(xd_order_read(&reading.document, &order, &reading.problems), XD_OK);
    assert_string_equal(order.requested_ship, "2026-11-23");
    assert_string_equal(order.cancel_after, "2026-11-30");
    assert_null(order.ship_not_after);
    assert_int_equal(order.priority, 3);
    assert_int_equal(order.fulfilment_policy, XD_FILL_ALL);
    assert_int_equal(order.backorder_policy, XD_BACKORDER_MANUAL);
    assert_true(order.has_over_pct && !order.has_under_pct);
    assert_string_equal(order.correlation_id, "c-1");
    assert_non_null(cJSON_GetObjectItem(order.attributes, "x"));
    assert_true(cJSON_IsObject(order.freight));
    xd_reading_end(&reading);
}

static void lines_without_an_id_are_numbered(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_order order;
    xd_reading_begin(&reading,
                     ORDER("", LINE("a", "") "," LINE("b", ",\"line_id\":\"L7\"") "," LINE("c", "")));
    assert_int_equal(xd_order_read(&reading.document, &order, &reading.problems), XD_OK);
    assert_string_equal(order.lines[0].line_id, "1");
    assert_string_equal(order.lines[1].line_id, "L7");
    assert_string_equal(order.lines[2].line_id, "3");
    xd_reading_end(&reading);
}

static void every_repeated_line_is_told(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_order order;
    xd_reading_begin(&reading,
                     ORDER("", LINE("1", "") "," LINE("2", "") "," LINE("1", "") "," LINE("1", "")));
    assert_int_equal(xd_order_read(&reading.document, &order, &reading.problems), XD_INVALID);
    assert_int_equal(reading.problems.errors, 2);
    xd_reading_expect(&reading, "/lines/2/external_line_id", "duplicate_line");
    xd_reading_expect(&reading, "/lines/3/external_line_id", "duplicate_line");
    xd_reading_end(&reading);
}

static void assert_dates(const char *dates, const char *pointer) {
    struct xd_reading reading;
    struct xd_order order;
    char text[2000] = "";
    strcat(strcat(strcat(text, "{\"dates\":{"), dates), "},");
    strcat(text, &ORDER("", LINE("1", ""))[1]);
    xd_reading_begin(&reading, text);
    enum xd_result result = xd_order_read(&reading.document, &order, &reading.problems);
    if (pointer == NULL) {
        xd_reading_expect_none(&reading);
        assert_int_equal(result, XD_OK);
    } else {
        xd_reading_expect(&reading, pointer, "dates_contradict");
        assert_int_equal(result, XD_INVALID);
    }
    xd_reading_end(&reading);
}

static void dates_that_contradict_each_other_are_told(void **state) {
    (void)state;
    assert_dates("\"ship_not_before\":\"2026-11-25\",\"ship_not_after\":\"2026-11-24\"",
                 "/dates/ship_not_after");
    assert_dates("\"requested_ship\":\"2026-11-25\",\"requested_delivery\":\"2026-11-24\"",
                 "/dates/requested_delivery");
    assert_dates("\"requested_ship\":\"2026-11-20\",\"ship_not_before\":\"2026-11-24\"",
                 "/dates/requested_ship");
    assert_dates("\"requested_ship\":\"2026-11-25\",\"ship_not_after\":\"2026-11-24\"",
                 "/dates/requested_ship");
    assert_dates("\"requested_ship\":\"2027-01-01\",\"cancel_after\":\"2026-12-31\"", "/dates/cancel_after");
    assert_dates("\"ship_not_before\":\"2027-01-01\",\"cancel_after\":\"2026-12-31\"", "/dates/cancel_after");
    assert_dates("\"ship_not_before\":\"2026-11-24\",\"requested_ship\":\"2026-11-24\",\"ship_not_after\":"
                 "\"2026-11-24\","
                 "\"requested_delivery\":\"2026-11-24\",\"cancel_after\":\"2026-11-24\"",
                 NULL);
}

static void rules_across_members_are_checked_beside_wrong_members(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_order order;
    xd_reading_begin(
        &reading,
        "{\"dates\":{\"ship_not_before\":\"2026-11-25\",\"ship_not_after\":\"2026-11-24\"},"
        "\"customer\":{},\"lines\":[{\"external_line_id\":\"1\",\"qty\":1},{\"external_line_id\":\"1\"}]}");
    assert_int_equal(xd_order_read(&reading.document, &order, &reading.problems), XD_INVALID);
    xd_reading_expect(&reading, "/dates/ship_not_after", "dates_contradict");
    xd_reading_expect(&reading, "/customer/external_ref", "missing_member");
    xd_reading_expect(&reading, "/lines/1/external_line_id", "duplicate_line");
    xd_reading_expect(&reading, "/lines/0/qty", "bad_decimal");
    xd_reading_expect(&reading, "/parties", "missing_member");
    xd_reading_end(&reading);
}

static void an_order_has_no_more_lines_than_allowed(void **state) {
    (void)state;
    for (unsigned count = XD_ORDER_LINES_MAX; count <= XD_ORDER_LINES_MAX + 1; count++) {
        struct xd_buffer lines;
        xd_buffer_init(&lines, 0);
        xd_buffer_text(&lines, ORDER("", ""));
        lines.size -= 2; /* opens the list again */
        for (unsigned i = 0; i < count; i++) {
            xd_buffer_format(&lines,
                             "%s{\"external_line_id\":\"%u\",\"sku\":\"W\",\"qty\":\"1\",\"uom\":\"EA\"}",
                             i == 0 ? "" : ",", i);
        }
        xd_buffer_text(&lines, "]}");
        struct xd_reading reading;
        struct xd_order order;
        xd_reading_begin(&reading, xd_buffer_string(&lines));
        enum xd_result result = xd_order_read(&reading.document, &order, &reading.problems);
        assert_int_equal(result, count <= XD_ORDER_LINES_MAX ? XD_OK : XD_INVALID);
        if (result == XD_OK) {
            assert_int_equal(order.line_count, XD_ORDER_LINES_MAX);
            assert_string_equal(order.lines[XD_ORDER_LINES_MAX - 1].line_id, "1000");
        } else {
            xd_reading_expect(&reading, "/lines", "too_many");
        }
        xd_reading_end(&reading);
        xd_buffer_free(&lines);
    }
}

/* What counts is their length in the release: "1e9" is ten digits there. */
static void attributes_that_fit_no_release_are_refused(void **state) {
    (void)state;
    for (unsigned count = 20000; count <= 40000; count += 20000) {
        struct xd_buffer text;
        xd_buffer_init(&text, 0);
        xd_buffer_text(&text, "{\"attributes\":{\"x\":[");
        for (unsigned i = 0; i < count; i++) {
            xd_buffer_text(&text, "1e9,");
        }
        xd_buffer_text(&text, "0]},");
        xd_buffer_text(&text, &ORDER("", LINE("1", ""))[1]);
        struct xd_reading reading;
        struct xd_order order;
        xd_reading_begin(&reading, xd_buffer_string(&text));
        enum xd_result result = xd_order_read(&reading.document, &order, &reading.problems);
        assert_int_equal(result, count == 20000 ? XD_OK : XD_INVALID);
        if (result == XD_INVALID) {
            xd_reading_expect(&reading, "/attributes", "too_long");
        }
        xd_reading_end(&reading);
        xd_buffer_free(&text);
    }
}

/* Freight and what all lines say of how they are handled count together. */
static void handling_that_fits_no_release_is_refused(void **state) {
    (void)state;
    for (unsigned count = 5000; count <= 7000; count += 2000) {
        struct xd_buffer text;
        xd_buffer_init(&text, 0);
        xd_buffer_text(&text, "{\"freight\":{\"terms\":[");
        for (unsigned i = 0; i < count; i++) {
            xd_buffer_text(&text, "1e9,");
        }
        xd_buffer_text(&text, "0]},");
        xd_buffer_text(&text, &ORDER("", LINE("1", "") "," LINE("2", ",\"hazmat\":\"%s\""))[1]);
        char *place = strstr((char *)text.data, "%s");
        struct xd_buffer whole;
        xd_buffer_init(&whole, 0);
        *place = 0;
        xd_buffer_text(&whole, xd_buffer_string(&text));
        for (unsigned i = 0; i < 6000; i++) {
            xd_buffer_text(&whole, "0123456789");
        }
        xd_buffer_text(&whole, place + 2);
        struct xd_reading reading;
        struct xd_order order;
        xd_reading_begin(&reading, xd_buffer_string(&whole));
        enum xd_result result = xd_order_read(&reading.document, &order, &reading.problems);
        assert_int_equal(result, count == 5000 ? XD_OK : XD_INVALID);
        if (result == XD_INVALID) {
            xd_reading_expect(&reading, "/lines/1", "too_long");
        }
        xd_reading_end(&reading);
        xd_buffer_free(&whole);
        xd_buffer_free(&text);
    }
}

/* A second version that only this test knows: the lines are called items, a line says
 * its number as a whole number, and the customer is one text. */
struct second_item {
    int64_t number;
    const char *product;
    struct xd_decimal qty;
};
struct second_order {
    const char *number, *buyer;
    struct second_item *items;
    size_t item_count;
};
static const struct xd_field second_item_fields[] = {
    {.name = "number",
     .type = XD_FIELD_INTEGER,
     .required = true,
     .min = 1,
     XD_AT(struct second_item, number)},
    {.name = "product",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(struct second_item, product)},
    {.name = "qty", .type = XD_FIELD_QUANTITY, .required = true, .min = 1, XD_AT(struct second_item, qty)},
    {.name = NULL},
};
static const struct xd_field second_fields[] = {
    {.name = "schema_version", .type = XD_FIELD_INTEGER, .required = true, .min = 2, .max = 2, XD_UNKEPT},
    {.name = "number",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(struct second_order, number)},
    {.name = "buyer",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(struct second_order, buyer)},
    {.name = "items",
     .type = XD_FIELD_ARRAY,
     .required = true,
     .min = 1,
     .max = 10,
     .fields = second_item_fields,
     .element_size = sizeof(struct second_item),
     XD_AT2(struct second_order, items, item_count)},
    {.name = NULL},
};

static enum xd_result upgrade_second(struct xd_document *document, const void *read, struct xd_order *out) {
    const struct second_order *order = read;
    out->external_order_id = order->number;
    out->customer_ref = order->buyer;
    out->line_count = order->item_count;
    out->lines = xd_document_alloc(document, order->item_count * sizeof *out->lines);
    for (size_t i = 0; out->lines != NULL && i < order->item_count; i++) {
        char *id = xd_document_alloc(document, 24);
        assert_non_null(id);
        (void)snprintf(id, 24, "%lld", (long long)order->items[i].number);
        out->lines[i].external_line_id = id;
        out->lines[i].sku = order->items[i].product;
        out->lines[i].qty = order->items[i].qty;
        out->lines[i].uom = "EA";
    }
    return out->lines == NULL ? XD_NO_MEMORY : XD_OK;
}

static enum xd_result read_both(struct xd_reading *reading, const char *text, struct xd_order *order) {
    const struct xd_order_version versions[] = {
        xd_order_version_1, {2, second_fields, sizeof(struct second_order), upgrade_second}};
    xd_reading_begin(reading, text);
    return xd_order_read_versions(&reading->document, versions, 2, order, &reading->problems);
}

static void a_second_version_is_read_beside_the_first(void **state) {
    struct xd_reading reading;
    struct xd_order order;
    (void)state;
    assert_int_equal(read_both(&reading,
                               "{\"schema_version\":2,\"number\":\"PO-1\",\"buyer\":\"CUST-1\",\"items\":"
                               "[{\"number\":7,\"product\":\"WIDGET\",\"qty\":\"2.50\"}]}",
                               &order),
                     XD_OK);
    assert_string_equal(order.external_order_id, "PO-1");
    assert_string_equal(order.customer_ref, "CUST-1");
    assert_string_equal(order.lines[0].external_line_id, "7");
    assert_string_equal(order.lines[0].line_id, "1"); /* what the first version gives, the second has too */
    assert_int_equal(order.fulfilment_policy, -1);
    xd_reading_end(&reading);
    assert_int_equal(read_both(&reading, ORDER("", LINE("1", "")), &order), XD_OK);
    assert_string_equal(order.external_order_id, "PO-4711");
    xd_reading_end(&reading);
    assert_int_equal(read_both(&reading, ORDER("\"schema_version\":1,", LINE("1", "")), &order), XD_OK);
    xd_reading_end(&reading);
}

static void each_version_refuses_what_only_the_other_one_knows(void **state) {
    struct xd_reading reading;
    struct xd_order order;
    (void)state;
    assert_int_equal(read_both(&reading,
                               "{\"schema_version\":2,\"number\":\"PO-1\",\"buyer\":\"CUST-1\",\"currency\":"
                               "\"EUR\",\"items\":[{\"number\":0,\"product\":\"WIDGET\",\"qty\":\"1\"}]}",
                               &order),
                     XD_INVALID);
    assert_int_equal(reading.problems.errors, 2);
    assert_string_equal(reading.problems.items[0].pointer, "/currency");
    assert_string_equal(reading.problems.items[1].pointer, "/items/0/number");
    xd_reading_end(&reading);
    assert_int_equal(read_both(&reading, ORDER("\"buyer\":\"CUST-1\",", LINE("1", "")), &order), XD_INVALID);
    assert_string_equal(reading.problems.items[0].code, "unknown_member");
    xd_reading_end(&reading);
}

static void rules_across_members_hold_for_every_version(void **state) {
    struct xd_reading reading;
    struct xd_order order;
    (void)state;
    assert_int_equal(read_both(&reading,
                               "{\"schema_version\":2,\"number\":\"PO-1\",\"buyer\":\"CUST-1\",\"items\":"
                               "[{\"number\":1,\"product\":\"A\",\"qty\":\"1\"},"
                               "{\"number\":1,\"product\":\"B\",\"qty\":\"1\"}]}",
                               &order),
                     XD_INVALID);
    assert_string_equal(reading.problems.items[0].code, "duplicate_line");
    xd_reading_end(&reading);
}

static void a_version_that_nobody_knows_is_refused_by_the_product(void **state) {
    struct xd_reading reading;
    struct xd_order order;
    (void)state;
    xd_reading_begin(&reading, ORDER("\"schema_version\":2,", LINE("1", "")));
    assert_int_equal(xd_order_read(&reading.document, &order, &reading.problems), XD_INVALID);
    assert_string_equal(reading.problems.items[0].pointer, "/schema_version");
    xd_reading_end(&reading);
    assert_int_equal(read_both(&reading, ORDER("\"schema_version\":3,", LINE("1", "")), &order), XD_INVALID);
    assert_string_equal(reading.problems.items[0].pointer, "/schema_version");
    xd_reading_end(&reading);
}

static void discounts_taxes_and_totals_are_read_as_they_come(void **state) {
    struct xd_reading reading;
    struct xd_order order;
    (void)state;
    xd_reading_begin(
        &reading,
        ORDER("\"tax\":{\"rounding\":\"DOCUMENT\"},\"totals\":{\"gross\":\"11.90\"},",
              LINE("1", ",\"ids\":[{\"scheme\":\"GTIN\",\"value\":\"4012345678901\"}],\"discounts\":"
                        "[{\"type\":\"AMOUNT\",\"value\":\"1.5\"}],\"tax\":[{\"pct\":\"19\"},"
                        "{\"code\":\"ECO\",\"pct\":\"1\",\"amount\":\"0.10\"}]") "," LINE("2", "")));
    assert_int_equal(xd_order_read(&reading.document, &order, &reading.problems), XD_OK);
    assert_int_equal(order.tax_rounding, XD_ROUND_DOCUMENT);
    assert_true(order.has_total_gross && !order.has_total_net && !order.has_total_tax);
    assert_int_equal(order.lines[0].id_count, 1);
    assert_string_equal(order.lines[0].ids[0].value, "4012345678901");
    assert_int_equal(order.lines[0].discounts[0].type, XD_DISCOUNT_AMOUNT);
    assert_int_equal(order.lines[0].tax_count, 2);
    assert_false(order.lines[0].taxes[0].has_amount);
    assert_string_equal(order.lines[0].taxes[1].code, "ECO");
    assert_int_equal(order.lines[1].id_count + order.lines[1].discount_count + order.lines[1].tax_count, 0);
    xd_reading_end(&reading);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_version_is_read_beside_the_first),
        cmocka_unit_test(each_version_refuses_what_only_the_other_one_knows),
        cmocka_unit_test(rules_across_members_hold_for_every_version),
        cmocka_unit_test(a_version_that_nobody_knows_is_refused_by_the_product),
        cmocka_unit_test(discounts_taxes_and_totals_are_read_as_they_come),
        cmocka_unit_test(attributes_that_fit_no_release_are_refused),
        cmocka_unit_test(handling_that_fits_no_release_is_refused),
        cmocka_unit_test(the_smallest_order_is_read),
        cmocka_unit_test(nested_members_reach_their_flat_places),
        cmocka_unit_test(unknown_members_of_what_was_taken_are_kept),
        cmocka_unit_test(lines_without_an_id_are_numbered),
        cmocka_unit_test(every_repeated_line_is_told),
        cmocka_unit_test(dates_that_contradict_each_other_are_told),
        cmocka_unit_test(rules_across_members_are_checked_beside_wrong_members),
        cmocka_unit_test(an_order_has_no_more_lines_than_allowed),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
