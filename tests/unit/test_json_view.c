#include "shared/json_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct xd_json_view open_text(const char *text) {
    struct xd_json_view root;
    assert_int_equal(xd_json_view_open(xd_bytes_of_text(text), &root), XD_OK);
    return root;
}

static void assert_text(struct xd_json_view value, const char *expected) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    assert_true(xd_json_view_text(value, &text));
    assert_string_equal(xd_buffer_string(&text), expected);
    xd_buffer_free(&text);
}

static void paths_lead_through_objects_and_arrays(void **state) {
    (void)state;
    struct xd_json_view root = open_text(" {\"a\" : { \"b\":[ 1, {\"c\":\"x]}\\\"\"} ,null,[]] }, \"e\":{}, "
                                         "\"t\":true,\"\\u0061b\":\"escaped\"} ");
    assert_text(xd_json_view_path(root, "a.b.0"), "1");
    assert_text(xd_json_view_path(root, "a.b.1.c"), "x]}\"");
    assert_int_equal(xd_json_view_path(root, "a.b.2").kind, XD_JSON_NULL);
    assert_int_equal(xd_json_view_path(root, "a.b.3").kind, XD_JSON_ARRAY);
    assert_int_equal(xd_json_view_path(root, "a.b.4").kind, XD_JSON_ABSENT);
    assert_int_equal(xd_json_view_path(root, "a.b.x").kind, XD_JSON_ABSENT);
    assert_int_equal(xd_json_view_path(root, "a.b.0.c").kind, XD_JSON_ABSENT);
    assert_int_equal(xd_json_view_path(root, "e.c").kind, XD_JSON_ABSENT);
    assert_int_equal(xd_json_view_path(root, "none").kind, XD_JSON_ABSENT);
    assert_int_equal(xd_json_view_path(root, ".").kind, XD_JSON_OBJECT);
    assert_text(xd_json_view_path(root, "t"), "true");
    assert_text(xd_json_view_path(root, "ab"), "escaped");
}

static void arrays_are_walked(void **state) {
    (void)state;
    struct xd_json_view array = open_text("[ {\"n\":1} ,{\"n\":2}, [ ] ]");
    size_t count = 0;
    for (struct xd_json_view one = xd_json_view_first(array); one.kind != XD_JSON_ABSENT;
         one = xd_json_view_next(array, one)) {
        count++;
    }
    assert_int_equal(count, 3);
    assert_int_equal(xd_json_view_first(open_text("[ ]")).kind, XD_JSON_ABSENT);
    assert_int_equal(xd_json_view_first(open_text("{}")).kind, XD_JSON_ABSENT);
}

static void escapes_are_undone(void **state) {
    (void)state;
    assert_text(open_text("\"a\\n\\/\\\\\\u00e9\\ud83d\\ude00\xc3\xa9\""),
                "a\n/\\\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9");
    assert_text(open_text("\"\""), "");
}

static void numbers_are_exact(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"12.50", "12.5"}, {"\"3.10\"", "3.1"}, {"-0.001", "-0.001"}, {"1e3", "1000"},
        {"25E-2", "0.25"}, {"1.5e+1", "15"},    {"0", "0"},           {"100000000.01", "100000000.01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct xd_decimal value;
        char text[XD_DECIMAL_TEXT_MAX];
        assert_int_equal(xd_json_view_decimal(open_text(cases[i][0]), &value), XD_OK);
        assert_string_equal(xd_decimal_write(value, text), cases[i][1]);
    }
    static const char *const wrong[] = {"\"\"",
                                        "\"1,5\"",
                                        "true",
                                        "null",
                                        "1e99",
                                        "1e-13",
                                        "[1]",
                                        "\"1e\"",
                                        "\"1 \"",
                                        "\"0x1\"",
                                        "1234567890123456789012"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct xd_decimal value;
        assert_int_equal(xd_json_view_decimal(open_text(wrong[i]), &value), XD_INVALID);
    }
}

static void what_is_no_json_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"", " ", "{", "<html>", "{\"a\":1", "[1,]", "{} x", "\"\xff\""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct xd_json_view root;
        assert_int_equal(xd_json_view_open(xd_bytes_of_text(wrong[i]), &root), XD_INVALID);
        assert_int_equal(root.kind, XD_JSON_ABSENT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_through_objects_and_arrays),
        cmocka_unit_test(arrays_are_walked),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(what_is_no_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
