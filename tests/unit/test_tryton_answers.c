/* What Tryton 6.0 was seen to answer, byte for byte where it was recorded, and what it means. */
#include "erp/tryton/answers.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct answer {
    struct xd_arena arena;
    struct xd_http_reply reply;
    const struct xd_node *result;
    struct xd_tryton_fault fault;
};

static struct answer now;

static enum xd_result classify(bool changes, enum xd_result fetched, unsigned status, const char *body) {
    xd_arena_free(&now.arena);
    xd_http_reply_free(&now.reply);
    memset(&now.reply, 0, sizeof now.reply);
    xd_buffer_init(&now.reply.body, 0);
    xd_buffer_text(&now.reply.body, body);
    now.reply.status = status;
    (void)snprintf(now.reply.why, sizeof now.reply.why, "%s", fetched == XD_OK ? "" : "it went wrong");
    return xd_tryton_classify(changes, fetched, &now.reply, &now.arena, &now.result, &now.fault);
}

static void forget(void) {
    xd_arena_free(&now.arena);
    xd_http_reply_free(&now.reply);
}

/* ---- results ---- */

static void a_result_is_given(void **state) {
    (void)state;
    assert_int_equal(classify(true, XD_OK, 200, "{\"id\":1,\"result\":[2]}"), XD_OK);
    assert_int_equal(xd_node_int_of(xd_node_at(now.result, 0)), 2);
    assert_int_equal(classify(true, XD_OK, 200, "{\"id\":1,\"result\":null}"), XD_OK); /* a button */
    assert_non_null(now.result);
    assert_int_equal(
        classify(false, XD_OK, 200,
                 "{\"id\":1,\"result\":[{\"id\":24,\"internal_quantity\":10.0,\"unit_price\":"
                 "{\"__class__\":\"Decimal\",\"decimal\":\"9.95\"},\"origin\":\"sale.line,1\"}]}"),
        XD_OK);
    const struct xd_node *row = xd_node_at(now.result, 0);
    assert_string_equal(xd_node_text(row, "internal_quantity"), "10.0");
    assert_string_equal(xd_node_text(xd_node_member(row, "unit_price"), "decimal"), "9.95");
    forget();
}

/* ---- errors with status 200: rolled back ---- */

static void words_of_a_refusal_get_a_code(void **state) {
    static const struct {
        const char *error, *code;
        enum xd_result result;
    } cases[] = {
        {"[\"UserError\",[\"Party \\\"Corner Shop\\\" has reached their credit limit of "
         "\\u20ac10000.00.\",\"\","
         "null]]",
         "credit_limit", XD_INVALID},
        {"[\"UserError\",[\"Another document of this company has this reference already.\",\"\",null]]",
         "reference_taken", XD_DUPLICATE},
        {"[\"UserError\",[\"To move product \\\"[LOTTED] Batch-tracked product\\\" you must provide a stock "
         "lot.\",\"\",null]]",
         "lot_required", XD_INVALID},
        {"[\"UserError\",[\"To modify stock move \\\"10u [WIDGET] Widget\\\" you must reopen period "
         "\\\"2025-12-31\\\".\",\"\",null]]",
         "period_closed", XD_INVALID},
        {"[\"UserError\",[\"The number of digits in the value \\\"10.5\\\" for field \\\"Quantity\\\" in "
         "\\\"Sale Line\\\" exceeds the limit of \\\"0\\\".\",\"\",null]]",
         "digits", XD_INVALID},
        {"[\"UserError\",[\"Calling button \\\"validate_amendment on \\\"sale.amendment\\\" is not "
         "allowed.\",\"\",null]]",
         "not_allowed", XD_INVALID},
        {"[\"UserError\",[\"The value \\\"999\\\" for field \\\"Party\\\" in \\\"Sale\\\" does not "
         "exist.\",\"\",null]]",
         "erp_refused", XD_INVALID},
        {"[\"'bogus'\",\"\"]", "erp_error", XD_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[512];
        (void)snprintf(body, sizeof body, "{\"id\":1,\"error\":%s}", cases[i].error);
        assert_int_equal(classify(true, XD_OK, 200, body), cases[i].result);
        assert_string_equal(now.fault.code, cases[i].code);
        assert_true(now.fault.detail[0] != '\0');
        assert_int_equal(classify(false, XD_OK, 200, body), cases[i].result);
    }
    assert_int_equal(
        classify(true, XD_OK, 200,
                 "{\"id\":1,\"error\":[\"UserError\",[\"Limit of \\u20ac10.\",\"More.\",null]]}"),
        XD_INVALID);
    assert_string_equal(now.fault.detail, "Limit of \xe2\x82\xac"
                                          "10. More.");
    forget();
}

static void who_was_too_slow_may_try_at_once(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{\"id\":1,\"error\":[\"ConcurrencyException\",\"Records were modified in the meanwhile\"]}",
        "{\"id\":1,\"error\":[\"could not obtain lock on relation \\\"account_move_line\\\"\\n\",\"\"]}",
        "{\"id\":1,\"error\":[\"could not serialize access due to concurrent update\\n\",\"\"]}",
        "{\"id\":1,\"error\":[\"deadlock detected\\nDETAIL:  Process 1 waits\",\"\"]}",
        "{\"id\":1,\"error\":[\"database is locked\",\"\"]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_int_equal(classify(true, XD_OK, 200, bodies[i]), XD_AGAIN);
        assert_string_equal(now.fault.code, "erp_busy");
    }
    forget();
}

static void a_database_that_went_leaves_a_change_unknown(void **state) {
    (void)state;
    const char *body = "{\"id\":1,\"error\":[\"server closed the connection unexpectedly\\n\",\"\"]}";
    assert_int_equal(classify(true, XD_OK, 200, body), XD_UNKNOWN);
    assert_int_equal(classify(false, XD_OK, 200, body), XD_UNAVAILABLE);
    forget();
}

static void a_warning_names_itself(void **state) {
    (void)state;
    assert_int_equal(
        classify(true, XD_OK, 200,
                 "{\"id\":1,\"error\":[\"UserWarning\",[\"2f9ae58261ee174e241c24dfdd4fb943."
                 "effective_date_future\",\"The moves \\\"10u [WIDGET] Widget\\\" have effective dates "
                 "in the future.\",\"\"]]}"),
        XD_CONFLICT);
    assert_true(xd_tryton_warning_is_harmless(now.fault.warning));
    assert_int_equal(
        classify(true, XD_OK, 200,
                 "{\"id\":1,\"error\":[\"UserWarning\",[\"credit_limit_amount_sale.sale,7\",\"Party "
                 "\\\"Corner Shop\\\" has reached their credit limit of 10.\",\"\"]]}"),
        XD_CONFLICT);
    assert_false(xd_tryton_warning_is_harmless(now.fault.warning));
    assert_string_equal(now.fault.code, "credit_limit");
    assert_true(xd_tryton_warning_is_harmless("7d793037a0760186574b0282f2f435e7.done"));
    assert_false(xd_tryton_warning_is_harmless(""));
    assert_false(xd_tryton_warning_is_harmless("done"));
    forget();
}

/* ---- other statuses ---- */

static void a_status_says_whether_it_was_begun(void **state) {
    static const struct {
        unsigned status;
        enum xd_result changing, asking;
    } cases[] = {
        {401, XD_DENIED, XD_DENIED},           {403, XD_UNAVAILABLE, XD_UNAVAILABLE},
        {404, XD_UNAVAILABLE, XD_UNAVAILABLE}, {400, XD_INVALID, XD_INVALID},
        {429, XD_UNAVAILABLE, XD_UNAVAILABLE}, {500, XD_UNKNOWN, XD_UNAVAILABLE},
        {502, XD_UNKNOWN, XD_UNAVAILABLE},     {503, XD_UNKNOWN, XD_UNAVAILABLE},
        {504, XD_UNKNOWN, XD_UNAVAILABLE},     {302, XD_UNKNOWN, XD_UNAVAILABLE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(classify(true, XD_OK, cases[i].status, "<!doctype html>\n<title>No</title>"),
                         cases[i].changing);
        assert_int_equal(classify(false, XD_OK, cases[i].status, "<!doctype html>\n<title>No</title>"),
                         cases[i].asking);
    }
    forget();
}

static void who_asks_too_often_hears_for_how_long(void **state) {
    (void)state;
    xd_http_reply_free(&now.reply);
    memset(&now.reply, 0, sizeof now.reply);
    xd_buffer_init(&now.reply.body, 0);
    now.reply.status = 429;
    now.reply.retry_after_s = 7;
    assert_int_equal(xd_tryton_classify(true, XD_OK, &now.reply, &now.arena, &now.result, &now.fault),
                     XD_UNAVAILABLE);
    assert_int_equal(now.fault.retry_after_ms, 7000);
    forget();
}

static void half_an_answer_is_none(void **state) {
    static const char *const bodies[] = {"",
                                         "{\"id\":1,\"resu",
                                         "{\"id\":1,\"result\":[1,2}",
                                         "{\"id\":1,\"result\":[1]} x",
                                         "{\"id\":1}",
                                         "[]",
                                         "<html></html>",
                                         "{\"id\":1,\"result\":\"\\ud800\"}",
                                         "{\"id\":1,\"result\":\"\xff\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_int_equal(classify(true, XD_OK, 200, bodies[i]), XD_UNKNOWN);
        assert_int_equal(classify(false, XD_OK, 200, bodies[i]), XD_UNAVAILABLE);
    }
    forget();
}

/* ---- no answer ---- */

static void what_never_left_is_not_unknown(void **state) {
    (void)state;
    assert_int_equal(classify(true, XD_UNAVAILABLE, 0, ""), XD_UNAVAILABLE); /* refused */
    assert_int_equal(classify(true, XD_DENIED, 0, ""), XD_UNAVAILABLE);
    assert_int_equal(classify(true, XD_INVALID, 0, ""), XD_UNAVAILABLE);
    assert_int_equal(classify(true, XD_UNKNOWN, 0, ""), XD_UNKNOWN); /* timed out, cut off */
    assert_int_equal(classify(true, XD_FULL, 200, ""), XD_UNKNOWN);
    assert_int_equal(classify(false, XD_UNKNOWN, 0, ""), XD_UNAVAILABLE);
    assert_string_equal(now.fault.detail, "it went wrong");
    forget();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_given),
        cmocka_unit_test(words_of_a_refusal_get_a_code),
        cmocka_unit_test(who_was_too_slow_may_try_at_once),
        cmocka_unit_test(a_database_that_went_leaves_a_change_unknown),
        cmocka_unit_test(a_warning_names_itself),
        cmocka_unit_test(a_status_says_whether_it_was_begun),
        cmocka_unit_test(who_asks_too_often_hears_for_how_long),
        cmocka_unit_test(half_an_answer_is_none),
        cmocka_unit_test(what_never_left_is_not_unknown),
    };
    return cmocka_run_group_tests_name("tryton_answers", tests, NULL, NULL);
}
