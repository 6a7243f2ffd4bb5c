/* Releases: what is written can be read again, and says the same. */
#include "documents/release.h"

#include "base/memory.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* What is compared is the text of a second writing: it holds every member. */
static void assert_written_again(const char *text) {
    struct xd_reading reading;
    struct xd_release release;
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    xd_reading_begin(&reading, text);
    enum xd_result result =
        xd_release_read(&reading.document, reading.document.tree, &release, &reading.problems);
    xd_reading_expect_none(&reading);
    assert_int_equal(result, XD_OK);
    xd_release_write(&release, &out);
    assert_int_equal(xd_buffer_result(&out), XD_OK);
    assert_string_equal(xd_buffer_string(&out), text);
    xd_buffer_free(&out);
    xd_reading_end(&reading);
}

static const char full[] =
    "{\"release_id\":\"R0123456789ABCDEFG\",\"revision\":2,\"purpose\":\"CHANGE\",\"order_id\":\"O1\",\"site_"
    "id\":\"WH1\","
    "\"owner\":\"ACME\",\"customer_po\":\"4500 "
    "17\",\"correlation_id\":\"c-1\",\"ship_to\":{\"id\":\"S1\",\"name\":\"Sh\\\"op\","
    "\"address\":[\"1 Dock Road\",\"Gate "
    "2\"],\"city\":\"Leeds\",\"region\":\"Yorks\",\"postal_code\":\"LS1\",\"country\":\"GB\","
    "\"phone\":\"1\",\"email\":\"a@b\"},\"mark_for\":{\"id\":\"D7\",\"name\":\"Dept 7\"},"
    "\"dates\":{\"requested_ship\":\"2026-11-23\",\"requested_delivery\":\"2026-11-24\","
    "\"ship_not_before\":\"2026-11-22\",\"ship_not_after\":\"2026-11-25\",\"cancel_after\":\"2026-11-30\"},"
    "\"freight\":{\"terms\":\"COLLECT\",\"mode\":\"LTL\",\"scac\":\"UPSN\",\"service\":\"GROUND\","
    "\"account\":\"A1\"},"
    "\"ship_by\":\"2026-11-23T16:00:00.000Z\",\"ack_deadline\":\"2026-11-22T16:00:00.000Z\",\"origin\":{"
    "\"tenant\":\"main\","
    "\"channel\":{\"type\":\"portal\",\"account\":\"web\"},\"external_order_id\":\"PO-1\",\"customer_ref\":"
    "\"C1\","
    "\"currency\":\"EUR\"},\"attributes\":{\"version\":\"1.10\",\"list\":[1,null,true]},\"lines\":[{\"line_"
    "id\":\"1\","
    "\"external_line_id\":\"10\",\"sku\":\"WIDGET\",\"qty\":\"10.5\",\"uom\":\"CS\",\"uom_factor\":{\"num\":"
    "12,\"den\":1},\"lot_constraint\":{\"lot\":\"L1\"},\"min_remaining_shelf_life\":30,\"serial_required\":"
    "true,"
    "\"hazmat\":{\"un\":\"UN1993\"},\"temperature_class\":\"COLD\"},"
    "{\"line_id\":\"2\",\"sku\":\"GADGET\",\"qty\":\"0\",\"uom\":\"EA\"}]}";

static void a_full_release_is_written_as_it_was_read(void **state) {
    (void)state;
    assert_written_again(full);
}

static void absent_members_are_left_out(void **state) {
    (void)state;
    assert_written_again("{\"release_id\":\"R1\",\"revision\":1,\"purpose\":\"CANCEL\",\"order_id\":\"O1\","
                         "\"site_id\":\"WH1\",\"dates\":{\"cancel_after\":\"2026-11-30\"},\"lines\":[]}");
    assert_written_again("{\"release_id\":\"R1\",\"revision\":1,\"purpose\":\"CANCEL\",\"order_id\":\"O1\","
                         "\"site_id\":\"WH1\",\"lines\":[]}");
}

static void the_factor_is_one_when_absent(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_release release;
    xd_reading_begin(&reading, full);
    assert_int_equal(xd_release_read(&reading.document, reading.document.tree, &release, &reading.problems),
                     XD_OK);
    assert_int_equal(release.purpose, XD_PURPOSE_CHANGE);
    assert_int_equal(release.revision, 2);
    assert_int_equal(release.lines[0].factor_num, 12);
    assert_int_equal(release.lines[1].factor_num, 1);
    assert_int_equal(release.lines[1].factor_den, 1);
    assert_string_equal(release.channel_account, "web");
    assert_string_equal(release.mark_for.name, "Dept 7");
    assert_string_equal(release.ship_not_before, "2026-11-22");
    assert_string_equal(release.cancel_after, "2026-11-30");
    assert_true(release.lines[0].serial_required && !release.lines[1].serial_required);
    assert_true(release.ship_by == INT64_C(1795449600000));
    xd_reading_end(&reading);
}

static void only_a_cancel_does_without_lines(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_release release;
    xd_reading_begin(&reading, "{\"release_id\":\"R1\",\"revision\":1,\"purpose\":\"ORIGINAL\",\"order_id\":"
                               "\"O1\",\"site_id\":\"WH1\"}");
    assert_int_equal(xd_release_read(&reading.document, reading.document.tree, &release, &reading.problems),
                     XD_INVALID);
    xd_reading_expect(&reading, "/lines", "missing_member");
    xd_reading_end(&reading);
}

static void a_release_within_another_document_is_read(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_release release;
    xd_reading_begin(&reading, "{\"data\":{\"release_id\":\"R1\",\"revision\":1,\"purpose\":\"CANCEL\","
                               "\"order_id\":\"O1\",\"site_id\":\"WH1\",\"new\":1}}");
    const cJSON *data = cJSON_GetObjectItem(reading.document.tree, "data");
    assert_int_equal(xd_release_read(&reading.document, data, &release, &reading.problems), XD_OK);
    assert_int_equal(reading.problems.count, 0); /* a newer hub may say more */
    assert_string_equal(release.release_id, "R1");
    xd_reading_end(&reading);
}

static void a_writer_without_memory_says_so(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_release release;
    struct xd_buffer out;
    xd_buffer_init(&out, 100);
    xd_reading_begin(&reading, full);
    assert_int_equal(xd_release_read(&reading.document, reading.document.tree, &release, &reading.problems),
                     XD_OK);
    xd_release_write(&release, &out);
    assert_int_equal(xd_buffer_result(&out), XD_FULL);
    xd_buffer_free(&out);
    xd_reading_end(&reading);
}

static enum xd_result attempt_read_and_write(void *context) {
    struct xd_document document = {0};
    static struct xd_problems problems;
    struct xd_release release;
    struct xd_buffer out;
    xd_problems_clear(&problems);
    xd_buffer_init(&out, 0);
    enum xd_result result = xd_document_parse(xd_bytes_of_text(context), &document, &problems);
    if (result == XD_OK) {
        result = xd_release_read(&document, document.tree, &release, &problems);
    }
    if (result == XD_OK) {
        xd_release_write(&release, &out);
        result = xd_buffer_result(&out);
    }
    xd_buffer_free(&out);
    xd_document_free(&document);
    return result;
}

static void a_failed_allocation_is_told(void **state) {
    (void)state;
    char text[sizeof full];
    memcpy(text, full, sizeof text);
    xd_reading_starve(attempt_read_and_write, text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_release_is_written_as_it_was_read),
        cmocka_unit_test(absent_members_are_left_out),
        cmocka_unit_test(the_factor_is_one_when_absent),
        cmocka_unit_test(only_a_cancel_does_without_lines),
        cmocka_unit_test(a_release_within_another_document_is_read),
        cmocka_unit_test(a_writer_without_memory_says_so),
        cmocka_unit_test(a_failed_allocation_is_told),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
