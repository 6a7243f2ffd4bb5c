/* Shipment confirmations: the rules across members, and the bounds. */
#include "documents/confirmation.h"

#include "base/memory.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define LINE(more) "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"10\",\"uom\":\"EA\"" more "}"
#define CONFIRMATION(kind, releases, more, lines)                                                            \
    "{\"confirmation_id\":\"C-1\",\"kind\":\"" kind "\",\"shipment_id\":\"S-1\",\"release_ids\":[" releases  \
    "]" more ",\"lines\":[" lines "]}"
#define SHIPPED ",\"shipped_at\":\"2026-11-23T10:00:00+01:00\""

static enum xd_result read_text(struct xd_reading *reading, const char *text, struct xd_confirmation *out) {
    xd_reading_begin(reading, text);
    return xd_confirmation_read(&reading->document, reading->document.tree, out, &reading->problems);
}

static void assert_only(const char *text, const char *pointer, const char *code) {
    struct xd_reading reading;
    struct xd_confirmation confirmation;
    assert_int_equal(read_text(&reading, text, &confirmation), XD_INVALID);
    xd_reading_expect(&reading, pointer, code);
    assert_int_equal(reading.problems.errors, 1);
    xd_reading_end(&reading);
}

static void assert_accepted(const char *text) {
    struct xd_reading reading;
    struct xd_confirmation confirmation;
    enum xd_result result = read_text(&reading, text, &confirmation);
    xd_reading_expect_none(&reading);
    assert_int_equal(result, XD_OK);
    xd_reading_end(&reading);
}

static void a_confirmation_is_read(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_confirmation confirmation;
    assert_int_equal(
        read_text(
            &reading,
            CONFIRMATION(
                "SHIP", "\"R1\"",
                SHIPPED ",\"version\":4,\"supersedes\":3,\"reporting\":\"EXCEPTIONS\",\"carrier\":{"
                        "\"scac\":\"DHLE\"},\"observed_at\":\"2026-11-23T10:00:01Z\",\"seals\":[\"S\"]",
                LINE(",\"qty_ordered_echo\":\"12\",\"status\":\"CP\",\"lot\":\"L1\",\"reversal\":true")),
            &confirmation),
        XD_OK);
    assert_int_equal(confirmation.version, 4);
    assert_int_equal(confirmation.supersedes, 3);
    assert_int_equal(confirmation.kind, XD_KIND_SHIP);
    assert_int_equal(confirmation.reporting, XD_REPORTING_EXCEPTIONS);
    assert_int_equal(confirmation.release_count, 1);
    assert_string_equal(confirmation.release_ids[0], "R1");
    assert_true(confirmation.shipped_at == INT64_C(1795424400000));
    assert_string_equal(confirmation.shipped_at_text, "2026-11-23T10:00:00+01:00");
    assert_string_equal(confirmation.observed_at, "2026-11-23T10:00:01Z");
    assert_string_equal(confirmation.scac, "DHLE");
    assert_true(cJSON_IsArray(confirmation.seals));
    assert_int_equal(confirmation.line_count, 1);
    assert_true(confirmation.lines[0].has_qty_ordered_echo && confirmation.lines[0].reversal);
    assert_string_equal(confirmation.lines[0].lot, "L1");
    assert_null(confirmation.lines[0].release_id);
    xd_reading_end(&reading);
}

static void version_and_reporting_have_defaults(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_confirmation confirmation;
    assert_int_equal(read_text(&reading, CONFIRMATION("SHIP", "\"R1\"", SHIPPED, LINE("")), &confirmation),
                     XD_OK);
    assert_int_equal(confirmation.version, 1);
    assert_int_equal(confirmation.reporting, XD_REPORTING_FULL);
    xd_reading_end(&reading);
}

static void a_shipment_says_when_with_its_offset(void **state) {
    (void)state;
    assert_only(CONFIRMATION("SHIP", "\"R1\"", "", LINE("")), "/shipped_at", "missing_member");
    assert_only(CONFIRMATION("SHIP", "\"R1\"", ",\"shipped_at\":\"2026-11-23T10:00:00\"", LINE("")),
                "/shipped_at", "bad_time");
    assert_accepted(CONFIRMATION("SHORT_CLOSE", "\"R1\"", "", LINE("")));
}

static void only_a_void_does_without_lines(void **state) {
    (void)state;
    assert_only(CONFIRMATION("SHIP", "\"R1\"", SHIPPED, ""), "/lines", "too_few");
    assert_only(CONFIRMATION("REVERSAL", "\"R1\"", "", ""), "/lines", "too_few");
    assert_accepted(CONFIRMATION("VOID", "\"R1\"", "", ""));
    assert_accepted("{\"confirmation_id\":\"C-1\",\"kind\":\"VOID\",\"release_ids\":[\"R1\"]}");
    assert_only("{\"confirmation_id\":\"C-1\",\"kind\":\"SHORT_CLOSE\",\"release_ids\":[\"R1\"]}", "/lines",
                "missing_member");
}

static void lines_name_their_release_when_there_are_several(void **state) {
    (void)state;
    assert_accepted(CONFIRMATION("SHIP", "\"R1\",\"R2\"", SHIPPED,
                                 LINE(",\"release_id\":\"R2\"") "," LINE(",\"release_id\":\"R1\"")));
    assert_accepted(CONFIRMATION("SHIP", "\"R1\"", SHIPPED, LINE(",\"release_id\":\"R1\"")));
    assert_only(CONFIRMATION("SHIP", "\"R1\",\"R2\"", SHIPPED, LINE(",\"release_id\":\"R2\"") "," LINE("")),
                "/lines/1/release_id", "release_required");
    assert_only(CONFIRMATION("SHIP", "\"R1\",\"R2\"", SHIPPED, LINE(",\"release_id\":\"R3\"")),
                "/lines/0/release_id", "release_required");
    assert_only(CONFIRMATION("SHIP", "\"R1\"", SHIPPED, LINE(",\"release_id\":\"r1\"")),
                "/lines/0/release_id", "release_required");
    assert_only(CONFIRMATION("SHIP", "\"R1\",\"R2\"", SHIPPED, LINE(",\"release_id\":7")),
                "/lines/0/release_id", "wrong_type");
    assert_only(CONFIRMATION("SHIP", "\"R1\",\"R2\"", SHIPPED, "7"), "/lines/0", "wrong_type");
}

static void a_release_is_named_once(void **state) {
    (void)state;
    assert_only(CONFIRMATION("VOID", "\"R1\",\"R2\",\"R1\"", "", ""), "/release_ids/2", "duplicate_member");
}

static void several_lots_of_one_line_are_no_duplicates(void **state) {
    (void)state;
    assert_accepted(
        CONFIRMATION("SHIP", "\"R1\"", SHIPPED, LINE(",\"lot\":\"A\"") "," LINE(",\"lot\":\"B\"")));
}

static void unknown_members_are_warnings(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_confirmation confirmation;
    assert_int_equal(
        read_text(&reading,
                  CONFIRMATION("SHIP", "\"R1\"", SHIPPED ",\"dock\":7", LINE(",\"picker\":\"Ann\"")),
                  &confirmation),
        XD_OK);
    assert_int_equal(reading.problems.count, 2);
    assert_int_equal(reading.problems.errors, 0);
    xd_reading_expect(&reading, "/lines/0/picker", "unknown_member");
    xd_reading_end(&reading);
}

static void a_status_that_says_nothing_is_a_warning(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_confirmation confirmation;
    assert_int_equal(read_text(&reading,
                               CONFIRMATION("SHIP", "\"R1\"", SHIPPED,
                                            LINE(",\"status\":\"BP\"") "," LINE(",\"status\":\"Backorder\"")),
                               &confirmation),
                     XD_OK);
    assert_int_equal(reading.problems.count, 1);
    assert_int_equal(reading.problems.errors, 0);
    xd_reading_expect(&reading, "/lines/1/status", "unknown_status");
    xd_reading_end(&reading);
}

static void the_largest_confirmation_is_read_and_a_larger_one_refused(void **state) {
    (void)state;
    for (unsigned count = XD_CONFIRMATION_LINES_MAX; count <= XD_CONFIRMATION_LINES_MAX + 1; count++) {
        struct xd_buffer text;
        struct xd_reading reading;
        struct xd_confirmation confirmation;
        xd_buffer_init(&text, 0);
        xd_buffer_text(&text, CONFIRMATION("SHIP", "\"R1\"", SHIPPED, ""));
        text.size -= 2;
        for (unsigned i = 0; i < count; i++) {
            xd_buffer_format(&text,
                             "%s{\"line_id\":\"%u\",\"sku\":\"W\",\"qty_shipped\":\"1\",\"uom\":\"EA\"}",
                             i == 0 ? "" : ",", i);
        }
        xd_buffer_text(&text, "]}");
        enum xd_result result = read_text(&reading, xd_buffer_string(&text), &confirmation);
        assert_int_equal(result, count > XD_CONFIRMATION_LINES_MAX ? XD_INVALID : XD_OK);
        assert_int_equal(confirmation.line_count, count > XD_CONFIRMATION_LINES_MAX ? 0 : count);
        xd_reading_end(&reading);
        xd_buffer_free(&text);
    }
}

static enum xd_result attempt(void *context) {
    struct xd_document document = {0};
    static struct xd_problems problems;
    struct xd_confirmation confirmation;
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(xd_bytes_of_text(context), &document, &problems);
    if (result == XD_OK) {
        result = xd_confirmation_read(&document, document.tree, &confirmation, &problems);
    }
    xd_document_free(&document);
    return result;
}

static void a_failed_allocation_is_told(void **state) {
    (void)state;
    char text[] = CONFIRMATION("SHIP", "\"R1\",\"R2\"", SHIPPED, LINE(",\"release_id\":\"R2\""));
    xd_reading_starve(attempt, text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confirmation_is_read),
        cmocka_unit_test(version_and_reporting_have_defaults),
        cmocka_unit_test(a_shipment_says_when_with_its_offset),
        cmocka_unit_test(only_a_void_does_without_lines),
        cmocka_unit_test(lines_name_their_release_when_there_are_several),
        cmocka_unit_test(a_release_is_named_once),
        cmocka_unit_test(several_lots_of_one_line_are_no_duplicates),
        cmocka_unit_test(unknown_members_are_warnings),
        cmocka_unit_test(a_status_that_says_nothing_is_a_warning),
        cmocka_unit_test(the_largest_confirmation_is_read_and_a_larger_one_refused),
        cmocka_unit_test(a_failed_allocation_is_told),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
