/* Inventory advices: what each kind needs. */
#include "documents/inventory.h"

#include "base/memory.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static enum xd_result read_text(struct xd_reading *reading, const char *text, struct xd_inventory *out) {
    xd_reading_begin(reading, text);
    return xd_inventory_read(&reading->document, reading->document.tree, out, &reading->problems);
}

static void assert_only(const char *text, const char *pointer, const char *code) {
    struct xd_reading reading;
    struct xd_inventory inventory;
    assert_int_equal(read_text(&reading, text, &inventory), XD_INVALID);
    xd_reading_expect(&reading, pointer, code);
    assert_int_equal(reading.problems.errors, 1);
    xd_reading_end(&reading);
}

static void a_change_is_read_with_its_sign(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_inventory inventory;
    assert_int_equal(
        read_text(&reading,
                  "{\"advice_id\":\"I-1\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"WIDGET\",\"qty\":\"-2.5\","
                  "\"uom\":\"EA\","
                  "\"reason\":\"DAMAGED\",\"lot\":\"L\",\"from_status\":\"OK\",\"to_status\":\"SCRAP\"}]}",
                  &inventory),
        XD_OK);
    assert_int_equal(reading.problems.count, 0);
    assert_int_equal(inventory.kind, XD_INVENTORY_DELTA);
    assert_int_equal(inventory.as_of, 0);
    assert_int_equal(inventory.line_count, 1);
    assert_true(inventory.lines[0].qty.coefficient == -25 && inventory.lines[0].qty.scale == 1);
    assert_string_equal(inventory.lines[0].to_status, "SCRAP");
    xd_reading_end(&reading);
}

static void a_snapshot_says_of_when_it_is(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_inventory inventory;
    assert_int_equal(
        read_text(
            &reading,
            "{\"advice_id\":\"I-1\",\"kind\":\"SNAPSHOT\",\"as_of\":\"1970-01-01T00:00:02Z\",\"lines\":[]}",
            &inventory),
        XD_OK);
    assert_int_equal(inventory.as_of, 2000);
    xd_reading_end(&reading);
    assert_only("{\"advice_id\":\"I-1\",\"kind\":\"SNAPSHOT\",\"lines\":[]}", "/as_of", "as_of_required");
    assert_only("{\"advice_id\":\"I-1\",\"kind\":\"SNAPSHOT\",\"as_of\":\"yesterday\",\"lines\":[]}",
                "/as_of", "bad_time");
}

static void a_snapshot_has_no_negative_stock(void **state) {
    (void)state;
    assert_only("{\"advice_id\":\"I-1\",\"kind\":\"SNAPSHOT\",\"as_of\":\"2026-11-23T00:00:00Z\",\"lines\":[{"
                "\"sku\":\"A\",\"qty\":"
                "\"0\",\"uom\":\"EA\"},{\"sku\":\"B\",\"qty\":\"-0.1\",\"uom\":\"EA\"}]}",
                "/lines/1/qty", "negative_quantity");
}

static void a_change_says_why(void **state) {
    (void)state;
#define DELTA(reason)                                                                                        \
    "{\"advice_id\":\"I-1\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"A\",\"qty\":\"1\",\"uom\":"             \
    "\"EA\"" reason "}]}"
    assert_only(DELTA(""), "/lines/0/reason", "reason_required");
    assert_only(DELTA(",\"reason\":\"\""), "/lines/0/reason", "reason_required");
    assert_only(DELTA(",\"reason\":7"), "/lines/0/reason", "wrong_type");
    assert_only("{\"advice_id\":\"I-1\",\"kind\":\"DELTA\",\"lines\":[]}", "/lines", "too_few");
    assert_only("{\"advice_id\":\"I-1\",\"kind\":\"DELTA\"}", "/lines", "missing_member");
    assert_only("{\"advice_id\":\"I-1\",\"kind\":\"DELTA\",\"lines\":[7]}", "/lines/0", "wrong_type");
#undef DELTA
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_read_with_its_sign),
        cmocka_unit_test(a_snapshot_says_of_when_it_is),
        cmocka_unit_test(a_snapshot_has_no_negative_stock),
        cmocka_unit_test(a_change_says_why),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
