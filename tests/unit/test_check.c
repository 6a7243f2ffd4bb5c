/* The external check: the question's text, and what an answer means. */
#include "posix/hub/hub_check.h"

#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct xd_decimal decimal(const char *text) {
    struct xd_decimal value;
    assert_int_equal(xd_decimal_parse(text, &value), XD_OK);
    return value;
}

static void asks_with_what_is_known(void **state) {
    struct xd_erp_line lines[2] = {{.line_id = "L1",
                                    .sku = "WIDGET",
                                    .qty = decimal("2.5"),
                                    .uom = "EA",
                                    .unit_price = decimal("9.95"),
                                    .has_unit_price = true},
                                   {.line_id = "L2", .sku = "say \"A\"", .qty = decimal("1"), .uom = "CS"}};
    struct xd_erp_request request = {.kind = XD_ERP_CHECK,
                                     .reference = "acme/web/PO-1 2",
                                     .sale_reference = "acme/web/PO-1",
                                     .tenant = "acme",
                                     .customer = "CUST-1",
                                     .currency = "EUR",
                                     .lines = lines,
                                     .line_count = 2};
    struct xd_buffer out;
    (void)state;
    xd_buffer_init(&out, 0);
    xd_check_write(&request, &out);
    assert_string_equal(xd_buffer_string(&out),
                        "{\"order_reference\":\"acme/web/"
                        "PO-1\",\"tenant\":\"acme\",\"customer\":\"CUST-1\",\"currency\":\"EUR\","
                        "\"lines\":[{\"line_id\":\"L1\",\"sku\":\"WIDGET\",\"qty\":\"2.5\",\"uom\":\"EA\","
                        "\"unit_price\":\"9.95\"},"
                        "{\"line_id\":\"L2\",\"sku\":\"say \\\"A\\\"\",\"qty\":\"1\",\"uom\":\"CS\"}]}");
    xd_buffer_free(&out);
}

static struct xd_erp_answer read_answer(unsigned status, const char *body) {
    struct xd_erp_answer answer;
    memset(&answer, 0xFF, sizeof answer);
    xd_check_read(status, xd_bytes_of_text(body), &answer);
    return answer;
}

static void tells_pass_hold_and_refuse_apart(void **state) {
    (void)state;
    struct xd_erp_answer answer = read_answer(200, "{\"decision\":\"pass\"}");
    assert_int_equal(answer.outcome, XD_ERP_DONE);
    assert_string_equal(answer.document, "pass");
    assert_string_equal(answer.detail, "");
    answer =
        read_answer(200, " {\"score\": {\"a\": [1]}, \"reason\": \"new address\", \"decision\": \"hold\"}\n");
    assert_int_equal(answer.outcome, XD_ERP_DONE);
    assert_string_equal(answer.document, "hold");
    assert_string_equal(answer.detail, "new address");
    answer = read_answer(200, "{\"decision\":\"refuse\",\"reason\":\"stolen card\"}");
    assert_int_equal(answer.outcome, XD_ERP_REJECTED);
    assert_string_equal(answer.code, "check_refused");
    assert_string_equal(answer.detail, "stolen card");
}

static void anything_else_is_asked_again(void **state) {
    static const char *const texts[] = {"",
                                        "{",
                                        "null",
                                        "[]",
                                        "\"pass\"",
                                        "{}",
                                        "{\"decision\":null}",
                                        "{\"decision\":\"PASS\"}",
                                        "{\"decision\":\"passed\"}",
                                        "{\"decision\":[\"pass\"]}",
                                        "{\"decision\":\"pass\"} trailing",
                                        "{\"decision\":\"pass\"},{\"decision\":\"pass\"}",
                                        "{\"reason\":\"pass\"}"};
    static const unsigned statuses[] = {201, 204, 302, 400, 401, 404, 429, 500, 503};
    (void)state;
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        struct xd_erp_answer answer = read_answer(200, texts[index]);
        assert_int_equal(answer.outcome, XD_ERP_UNAVAILABLE);
        assert_true(answer.detail[0] != 0);
    }
    for (size_t index = 0; index < sizeof statuses / sizeof statuses[0]; index++) {
        struct xd_erp_answer answer = read_answer(statuses[index], "{\"decision\":\"pass\"}");
        assert_int_equal(answer.outcome, XD_ERP_UNAVAILABLE);
        assert_non_null(strstr(answer.detail, "status"));
    }
}

static void the_reason_is_plain_text_and_fits(void **state) {
    char body[1024], expected[200];
    (void)state;
    struct xd_erp_answer answer =
        read_answer(200, "{\"decision\":\"hold\",\"reason\":\"a \\\"b\\\" \\\\ \\/ c\\nd\\u0007 "
                         "\\u00e9\\u20ac\\ud83d\\ude00 \xC3\xA9 \\ud83d.\\u12\"}");
    assert_string_equal(answer.detail,
                        "a \"b\" \\ / c d  \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 \xC3\xA9 ?.?12");
    memset(expected, 'x', sizeof expected);
    (void)snprintf(body, sizeof body, "{\"decision\":\"hold\",\"reason\":\"%.198s\xC3\xA9 and more\"}",
                   expected);
    answer = read_answer(200, body);
    assert_int_equal(strlen(answer.detail), 198); /* cut before the character that does not fit */
    answer = read_answer(200, "{\"decision\":\"hold\",\"reason\":\"fine\xFFnot\"}");
    assert_string_equal(answer.detail, "fine");
}

static void who_is_not_there_is_asked_again(void **state) {
    struct xd_check_config config = {.url = "http://127.0.0.1:1/check", .timeout_ms = 10000};
    struct xd_erp_request request = {
        .kind = XD_ERP_CHECK, .reference = "acme/web/\xC3\xA9 1 2", .sale_reference = "acme/web/\xC3\xA9 1"};
    struct xd_erp_answer answer;
    (void)state;
    xd_check_ask(&config, &request, &answer);
    assert_int_equal(answer.outcome, XD_ERP_UNAVAILABLE);
    assert_non_null(strstr(answer.detail, "127.0.0.1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_with_what_is_known),
        cmocka_unit_test(tells_pass_hold_and_refuse_apart),
        cmocka_unit_test(anything_else_is_asked_again),
        cmocka_unit_test(the_reason_is_plain_text_and_fits),
        cmocka_unit_test(who_is_not_there_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
