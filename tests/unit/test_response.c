/* Release responses: reasons, ids, and what a WMS says beyond our table. */
#include "documents/response.h"

#include "base/memory.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static enum xd_result read_text(struct xd_reading *reading, const char *text, struct xd_response *out) {
    xd_reading_begin(reading, text);
    return xd_response_read(&reading->document, reading->document.tree, out, &reading->problems);
}

static void the_smallest_response_is_read_and_named(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_response response;
    char id[XD_DOCUMENT_ID_SIZE];
    assert_int_equal(read_text(&reading,
                               "{\"release_id\":\"R1\",\"revision\":3,\"response\":\"ACKNOWLEDGED\"}",
                               &response),
                     XD_OK);
    assert_int_equal(reading.problems.count, 0);
    assert_int_equal(response.response, XD_RESPONSE_ACKNOWLEDGED);
    assert_int_equal(response.line_count, 0);
    xd_response_id(&response, id);
    assert_string_equal(id, "R1/3/ACKNOWLEDGED");
    xd_reading_end(&reading);
}

static void the_longest_id_fits(void **state) {
    (void)state;
    char release_id[XD_ID_MAX + 1];
    char id[XD_DOCUMENT_ID_SIZE];
    memset(release_id, 'R', sizeof release_id - 1);
    release_id[XD_ID_MAX] = '\0';
    struct xd_response response = {
        .release_id = release_id, .revision = INT64_MAX, .response = XD_RESPONSE_CANCEL_ACCEPTED};
    xd_response_id(&response, id);
    assert_string_equal(id + XD_ID_MAX, "/9223372036854775807/CANCEL_ACCEPTED");
}

static void a_refusal_says_why(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_response response;
    static const char *const refusals[] = {"REJECTED", "CANCEL_REFUSED"};
    for (size_t i = 0; i < 2; i++) {
        char text[200] = "{\"release_id\":\"R1\",\"revision\":1,\"response\":\"";
        strcat(strcat(text, refusals[i]), "\"}");
        assert_int_equal(read_text(&reading, text, &response), XD_INVALID);
        xd_reading_expect(&reading, "/reason", "reason_required");
        xd_reading_end(&reading);
        strcpy(text + strlen(text) - 1, ",\"reason\":\"NO_STOCK\"}");
        assert_int_equal(read_text(&reading, text, &response), XD_OK);
        assert_string_equal(response.reason, "NO_STOCK");
        xd_reading_end(&reading);
    }
}

static void a_reason_of_a_wrong_type_is_told_once(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_response response;
    assert_int_equal(
        read_text(&reading, "{\"release_id\":\"R1\",\"revision\":1,\"response\":\"REJECTED\",\"reason\":4}",
                  &response),
        XD_INVALID);
    xd_reading_expect(&reading, "/reason", "wrong_type");
    assert_int_equal(reading.problems.errors, 1);
    xd_reading_end(&reading);
}

static void lines_and_unknown_members_are_taken(void **state) {
    (void)state;
    struct xd_reading reading;
    struct xd_response response;
    assert_int_equal(
        read_text(
            &reading,
            "{\"release_id\":\"R1\",\"revision\":1,\"response\":\"RESERVED\",\"picker\":\"Ann\",\"lines\":"
            "[{\"line_id\":\"1\",\"qty\":\"2.5\",\"reason\":\"SHORT\"},{\"line_id\":\"2\"}]}",
            &response),
        XD_OK);
    assert_int_equal(reading.problems.errors, 0);
    xd_reading_expect(&reading, "/picker", "unknown_member");
    assert_int_equal(response.line_count, 2);
    assert_true(response.lines[0].has_qty && response.lines[0].qty.coefficient == 25);
    assert_false(response.lines[1].has_qty);
    assert_null(response.lines[1].reason);
    xd_reading_end(&reading);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_response_is_read_and_named),
        cmocka_unit_test(the_longest_id_fits),
        cmocka_unit_test(a_refusal_says_why),
        cmocka_unit_test(a_reason_of_a_wrong_type_is_told_once),
        cmocka_unit_test(lines_and_unknown_members_are_taken),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
