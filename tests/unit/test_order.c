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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_that_fit_no_release_are_refused),
        cmocka_unit_test(the_smallest_order_is_read),
        cmocka_unit_test(nested_members_reach_their_flat_places),
        cmocka_unit_test(lines_without_an_id_are_numbered),
        cmocka_unit_test(every_repeated_line_is_told),
        cmocka_unit_test(dates_that_contradict_each_other_are_told),
        cmocka_unit_test(rules_across_members_are_checked_beside_wrong_members),
        cmocka_unit_test(an_order_has_no_more_lines_than_allowed),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
