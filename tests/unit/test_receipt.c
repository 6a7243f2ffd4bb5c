/* Receipts, fates and site status: their exact form, and back again. */
#include "documents/receipt.h"

#include "base/memory.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* of "abc" */

static void assert_receipt(const struct xd_receipt *receipt, const char *expected) {
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    xd_receipt_write(receipt, &out);
    assert_int_equal(xd_buffer_result(&out), XD_OK);
    assert_string_equal(xd_buffer_string(&out), expected);
    xd_buffer_free(&out);
}

static void an_accepted_document_is_named(void **state) {
    (void)state;
    struct xd_receipt receipt = {
        .document_id = "C-1", .document = "confirmation", .version = 2, .status = XD_RECEIPT_ACCEPTED};
    assert_receipt(&receipt, "{\"document_id\":\"C-1\",\"document\":\"confirmation\",\"version\":2,"
                             "\"status\":\"accepted\"}");
    receipt.status = XD_RECEIPT_DUPLICATE;
    receipt.version = 0;
    assert_receipt(&receipt,
                   "{\"document_id\":\"C-1\",\"document\":\"confirmation\",\"status\":\"duplicate\"}");
}

static void bytes_that_cannot_be_read_are_named_by_their_hash(void **state) {
    (void)state;
    static struct xd_problems problems;
    xd_problems_clear(&problems);
    xd_problem_add(&problems, "malformed_json", "", "line 1");
    struct xd_receipt receipt = {.document = "inventory",
                                 .status = XD_RECEIPT_REJECTED,
                                 .sha256 = xd_sha256(xd_bytes_of_text("abc")),
                                 .problems = &problems};
    assert_receipt(
        &receipt,
        "{\"document_id\":null,\"document\":\"inventory\",\"status\":\"rejected\",\"sha256\":\"" HASH
        "\",\"problem\":{\"code\":\"malformed_json\",\"detail\":\"line "
        "1\",\"retryable\":false,\"errors\":[{\"code\":"
        "\"malformed_json\",\"pointer\":\"\",\"detail\":\"line 1\",\"retryable\":false}]}}");
}

static void errors_and_warnings_are_told_apart(void **state) {
    (void)state;
    static struct xd_problems problems;
    xd_problems_clear(&problems);
    xd_problem_warn(&problems, "unknown_member", "/x", "is \"new\"");
    xd_problem_add(&problems, "wrong_type", "/kind", "must be text");
    struct xd_receipt receipt = {.document_id = "C-1",
                                 .document = "confirmation",
                                 .status = XD_RECEIPT_REJECTED,
                                 .sha256 = xd_sha256(xd_bytes_of_text("abc")),
                                 .problems = &problems};
    assert_receipt(
        &receipt,
        "{\"document_id\":\"C-1\",\"document\":\"confirmation\",\"status\":\"rejected\",\"sha256\":\"" HASH
        "\",\"problem\":{\"code\":\"wrong_type\",\"detail\":\"/kind must be "
        "text\",\"retryable\":false,\"errors\":[{"
        "\"code\":\"wrong_type\",\"pointer\":\"/kind\",\"detail\":\"must be "
        "text\",\"retryable\":false}]},\"warnings\":[{"
        "\"code\":\"unknown_member\",\"pointer\":\"/x\",\"detail\":\"is "
        "\\\"new\\\"\",\"retryable\":false}]}");
}

static void a_refusal_for_now_says_so(void **state) {
    (void)state;
    struct xd_receipt receipt = {.document_id = "C-1",
                                 .document = "confirmation",
                                 .status = XD_RECEIPT_REJECTED,
                                 .sha256 = xd_sha256(xd_bytes_of_text("abc")),
                                 .code = "store_full",
                                 .detail = "send it again later",
                                 .retryable = true};
    assert_receipt(
        &receipt,
        "{\"document_id\":\"C-1\",\"document\":\"confirmation\",\"status\":\"rejected\",\"sha256\":\"" HASH
        "\",\"problem\":{\"code\":\"store_full\",\"detail\":\"send it again later\",\"retryable\":true}}");
}

static void what_was_not_listed_is_counted(void **state) {
    (void)state;
    static struct xd_problems problems;
    xd_problems_clear(&problems);
    for (int i = 0; i < XD_PROBLEMS_MAX + 7; i++) {
        xd_problem_add(&problems, "wrong_type", "/x", "x");
    }
    struct xd_receipt receipt = {
        .document = "inventory", .status = XD_RECEIPT_REJECTED, .problems = &problems};
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    xd_receipt_write(&receipt, &out);
    assert_non_null(strstr(xd_buffer_string(&out), "],\"more\":7}"));
    xd_buffer_free(&out);
}

static void a_fate_is_read_as_it_was_written(void **state) {
    (void)state;
    static const struct xd_settled fates[] = {
        {"R1/1/PICKING", "release/response", 0, 3, XD_OUTCOME_PARKED, "UNKNOWN_RELEASE", "waits \"here\""},
        {"C-1", "confirmation", 2, 1, XD_OUTCOME_POSTED, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof fates / sizeof fates[0]; i++) {
        struct xd_buffer out;
        struct xd_reading reading;
        struct xd_settled settled;
        xd_buffer_init(&out, 0);
        xd_settled_write(&fates[i], &out);
        xd_reading_begin(&reading, xd_buffer_string(&out));
        assert_int_equal(
            xd_settled_read(&reading.document, reading.document.tree, &settled, &reading.problems), XD_OK);
        assert_string_equal(settled.document_id, fates[i].document_id);
        assert_string_equal(settled.document, fates[i].document);
        assert_int_equal(settled.document_version, fates[i].document_version);
        assert_int_equal(settled.version, fates[i].version);
        assert_int_equal(settled.outcome, fates[i].outcome);
        assert_true((settled.code == NULL) == (fates[i].code == NULL));
        if (settled.detail != NULL) {
            assert_string_equal(settled.detail, fates[i].detail);
        }
        xd_reading_end(&reading);
        xd_buffer_free(&out);
    }
}

static void a_status_is_read_as_it_was_written(void **state) {
    (void)state;
    struct xd_site_status status = {.site_id = "WH1",
                                    .backlog_work = 1000000,
                                    .backlog_bulk = 2,
                                    .oldest_unsent_ms = INT64_C(60) * XD_DAY_MS,
                                    .quarantined = 3,
                                    .releases_unanswered = 4,
                                    .store_used_bytes = INT64_C(1) << 40,
                                    .store_quota_bytes = INT64_C(1) << 41,
                                    .disk_free_bytes = INT64_C(9007199254740991),
                                    .version = "0.1.0",
                                    .time = 1700000000123,
                                    .wms_connected = true};
    struct xd_buffer out;
    struct xd_reading reading;
    struct xd_site_status back;
    xd_buffer_init(&out, 0);
    xd_site_status_write(&status, &out);
    xd_reading_begin(&reading, xd_buffer_string(&out));
    assert_int_equal(xd_site_status_read(&reading.document, reading.document.tree, &back, &reading.problems),
                     XD_OK);
    assert_string_equal(back.site_id, "WH1");
    assert_true(back.backlog_work == status.backlog_work && back.backlog_bulk == 2);
    assert_true(back.oldest_unsent_ms == status.oldest_unsent_ms);
    assert_true(back.quarantined == 3 && back.releases_unanswered == 4);
    assert_true(back.store_used_bytes == status.store_used_bytes);
    assert_true(back.store_quota_bytes == status.store_quota_bytes);
    assert_true(back.disk_free_bytes == status.disk_free_bytes);
    assert_string_equal(back.version, "0.1.0");
    assert_true(back.time == status.time && back.wms_connected);
    xd_reading_end(&reading);
    xd_buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_accepted_document_is_named),
        cmocka_unit_test(bytes_that_cannot_be_read_are_named_by_their_hash),
        cmocka_unit_test(errors_and_warnings_are_told_apart),
        cmocka_unit_test(a_refusal_for_now_says_so),
        cmocka_unit_test(what_was_not_listed_is_counted),
        cmocka_unit_test(a_fate_is_read_as_it_was_written),
        cmocka_unit_test(a_status_is_read_as_it_was_written),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
