/* Views, growing buffers, UTF-8, and the names of results. */
#include "base/bytes.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static int fail_always(void *context, size_t size) {
    (void)context;
    (void)size;
    return 0;
}

static int take_hook_away(void **state) {
    (void)state;
    xd_memory_set_hook(NULL, NULL);
    return 0;
}

static void assert_json(const char *text, const char *expected) {
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    xd_buffer_json(&buffer, text);
    assert_int_equal(xd_buffer_result(&buffer), XD_OK);
    assert_string_equal(xd_buffer_string(&buffer), expected);
    assert_int_equal(buffer.size, strlen(expected));
    xd_buffer_free(&buffer);
}

static bool valid(const char *bytes, size_t size) {
    return xd_utf8_valid(xd_bytes_of(bytes, size));
}

static void every_result_has_a_name(void **state) {
    (void)state;
    for (int i = 0; i < XD_RESULT_COUNT; i++) {
        const char *name = xd_result_name((enum xd_result)i);
        assert_non_null(name);
        assert_true(strlen(name) > 0);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(name, xd_result_name((enum xd_result)j));
        }
    }
    assert_string_equal(xd_result_name(XD_CONFLICT), "conflict");
    assert_non_null(xd_result_name((enum xd_result)9999));
}

static void views_compare_by_content(void **state) {
    (void)state;
    assert_true(xd_bytes_equal(xd_bytes_of_text("abc"), xd_bytes_of("abcd", 3)));
    assert_false(xd_bytes_equal(xd_bytes_of_text("abc"), xd_bytes_of_text("abd")));
    assert_false(xd_bytes_equal(xd_bytes_of_text("abc"), xd_bytes_of_text("ab")));
    assert_true(xd_bytes_equal(xd_bytes_of_text(NULL), xd_bytes_of_text("")));
    assert_int_equal(xd_bytes_of_text(NULL).size, 0);
}

static void appends_come_out_in_order_and_terminated(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    assert_string_equal(xd_buffer_string(&buffer), "");
    xd_buffer_text(&buffer, "one");
    xd_buffer_byte(&buffer, ' ');
    xd_buffer_format(&buffer, "%d-%s", 2, "three");
    xd_buffer_add(&buffer, NULL, 0);
    xd_buffer_text(&buffer, NULL);
    xd_buffer_hex(&buffer, "\x00\xAf\xff", 3);
    assert_int_equal(xd_buffer_result(&buffer), XD_OK);
    assert_string_equal(xd_buffer_string(&buffer), "one 2-three00afff");
    assert_int_equal(buffer.data[buffer.size], 0);
    assert_int_equal(xd_buffer_view(&buffer).size, strlen("one 2-three00afff"));
    xd_buffer_free(&buffer);
    assert_null(buffer.data);
}

static void a_buffer_grows_over_every_size(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    for (size_t i = 0; i < 5000; i++) {
        xd_buffer_byte(&buffer, (uint8_t)('a' + i % 26));
        assert_int_equal(buffer.size, i + 1);
        assert_int_equal(buffer.data[i + 1], 0);
    }
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(buffer.data[i], 'a' + i % 26);
    }
    xd_buffer_free(&buffer);
}

static void formatting_grows_when_it_must(void **state) {
    (void)state;
    for (int width = 1; width < 300; width++) {
        struct xd_buffer buffer;
        xd_buffer_init(&buffer, 0);
        xd_buffer_text(&buffer, "<");
        xd_buffer_format(&buffer, "%*d>", width, 7);
        assert_int_equal(xd_buffer_result(&buffer), XD_OK);
        assert_int_equal(buffer.size, width + 2);
        assert_string_equal(xd_buffer_string(&buffer) + width, "7>");
        xd_buffer_free(&buffer);
    }
}

static void exactly_the_limit_fits_and_one_more_does_not(void **state) {
    (void)state;
    for (size_t limit = 1; limit < 200; limit++) {
        struct xd_buffer buffer;
        xd_buffer_init(&buffer, limit);
        for (size_t i = 0; i < limit; i++) {
            xd_buffer_byte(&buffer, 'x');
        }
        assert_int_equal(xd_buffer_result(&buffer), XD_OK);
        assert_int_equal(buffer.size, limit);
        xd_buffer_byte(&buffer, 'y');
        assert_int_equal(xd_buffer_result(&buffer), XD_FULL);
        assert_int_equal(buffer.size, limit);
        assert_true(buffer.capacity <= limit + 1);
        xd_buffer_free(&buffer);
    }
}

static void failure_sticks_until_cleared(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 4);
    xd_buffer_text(&buffer, "ab");
    xd_buffer_text(&buffer, "cde");
    assert_int_equal(xd_buffer_result(&buffer), XD_FULL);
    xd_buffer_byte(&buffer, 'x');
    xd_buffer_format(&buffer, "%d", 1);
    xd_buffer_json(&buffer, "");
    xd_buffer_hex(&buffer, "x", 1);
    assert_string_equal(xd_buffer_string(&buffer), "ab");
    assert_int_equal(xd_buffer_result(&buffer), XD_FULL);
    xd_buffer_clear(&buffer);
    assert_int_equal(xd_buffer_result(&buffer), XD_OK);
    assert_string_equal(xd_buffer_string(&buffer), "");
    xd_buffer_text(&buffer, "efgh");
    assert_int_equal(xd_buffer_result(&buffer), XD_OK);
    assert_string_equal(xd_buffer_string(&buffer), "efgh");
    xd_buffer_free(&buffer);
}

static void a_format_over_the_limit_leaves_no_traces(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 10);
    xd_buffer_text(&buffer, "abc");
    xd_buffer_format(&buffer, "%s", "0123456789");
    assert_int_equal(xd_buffer_result(&buffer), XD_FULL);
    assert_string_equal(xd_buffer_string(&buffer), "abc");
    assert_int_equal(buffer.size, 3);
    xd_buffer_free(&buffer);
}

static void want_of_memory_is_told_apart_from_full(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    xd_memory_set_hook(fail_always, NULL);
    xd_buffer_text(&buffer, "abc");
    assert_int_equal(xd_buffer_result(&buffer), XD_NO_MEMORY);
    xd_memory_set_hook(NULL, NULL);
    xd_buffer_text(&buffer, "abc");
    assert_int_equal(xd_buffer_result(&buffer), XD_NO_MEMORY);
    assert_string_equal(xd_buffer_string(&buffer), "");
    assert_null(xd_buffer_take(&buffer));
    xd_buffer_free(&buffer);
}

static void an_absurd_size_is_full_not_an_overflow(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    xd_buffer_text(&buffer, "abc");
    xd_buffer_add(&buffer, "", SIZE_MAX - 1);
    assert_int_equal(xd_buffer_result(&buffer), XD_FULL);
    xd_buffer_clear(&buffer);
    xd_buffer_hex(&buffer, "", SIZE_MAX / 2 + 2);
    assert_int_equal(xd_buffer_result(&buffer), XD_FULL);
    xd_buffer_free(&buffer);
}

static void taking_gives_the_memory_away(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 100);
    char *nothing = xd_buffer_take(&buffer);
    assert_non_null(nothing);
    assert_string_equal(nothing, "");
    xd_buffer_text(&buffer, "mine");
    char *text = xd_buffer_take(&buffer);
    assert_non_null(text);
    assert_string_equal(text, "mine");
    assert_null(buffer.data);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(buffer.limit, 100);
    xd_free(nothing);
    xd_free(text);
}

static void taking_from_a_failed_buffer_empties_it(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 2);
    xd_buffer_text(&buffer, "ab");
    xd_buffer_text(&buffer, "c");
    assert_null(xd_buffer_take(&buffer));
    assert_null(buffer.data);
    assert_int_equal(xd_buffer_result(&buffer), XD_OK);
}

static void json_strings_escape_what_must_be_and_nothing_else(void **state) {
    (void)state;
    assert_json(NULL, "null");
    assert_json("", "\"\"");
    assert_json("plain / text", "\"plain / text\"");
    assert_json("\"\\", "\"\\\"\\\\\"");
    assert_json("a\b\t\n\f\rz", "\"a\\b\\t\\n\\f\\rz\"");
    assert_json("\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"");
    assert_json("Z\xC3\xBCrich \xE2\x82\xAC \xF0\x9F\x98\x80",
                "\"Z\xC3\xBCrich \xE2\x82\xAC \xF0\x9F\x98\x80\"");
}

static void json_strings_replace_what_is_no_utf8(void **state) {
    (void)state;
    assert_json("a\xFFz", "\"a\xEF\xBF\xBDz\"");
    assert_json("cut \xE2\x82", "\"cut \xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_json("\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void json_strings_respect_the_limit(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 6);
    xd_buffer_json(&buffer, "abcd");
    assert_int_equal(xd_buffer_result(&buffer), XD_OK);
    xd_buffer_clear(&buffer);
    xd_buffer_json(&buffer, "ab\x01");
    assert_int_equal(xd_buffer_result(&buffer), XD_FULL);
    assert_true(buffer.size <= 6);
    xd_buffer_free(&buffer);
}

static void utf8_takes_the_ends_of_each_range(void **state) {
    (void)state;
    assert_true(valid("", 0));
    assert_true(valid("\x00\x7F", 2));
    assert_true(valid("\xC2\x80\xDF\xBF", 4));
    assert_true(valid("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF", 12));
    assert_true(valid("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8));
}

static void utf8_refuses_overlong_surrogates_and_beyond(void **state) {
    (void)state;
    assert_false(valid("\x80", 1));
    assert_false(valid("\xC0\xAF", 2));
    assert_false(valid("\xC1\xBF", 2));
    assert_false(valid("\xE0\x9F\xBF", 3));
    assert_false(valid("\xED\xA0\x80", 3));
    assert_false(valid("\xED\xBF\xBF", 3));
    assert_false(valid("\xF0\x8F\xBF\xBF", 4));
    assert_false(valid("\xF4\x90\x80\x80", 4));
    assert_false(valid("\xF5\x80\x80\x80", 4));
    assert_false(valid("\xFE\xFF", 2));
    assert_false(valid("\xC3(", 2));
    assert_false(valid("\xE2\x82(", 3));
    assert_false(valid("\xE2(\x82", 3));
    assert_false(valid("\xF0\x90\x80(", 4));
}

static void utf8_refuses_cut_sequences_anywhere(void **state) {
    (void)state;
    static const char euro[] = "\xE2\x82\xAC";
    static const char smile[] = "\xF0\x9F\x98\x80";
    for (size_t before = 0; before < 20; before++) { /* all places against the eight-byte steps */
        char text[32];
        memset(text, 'a', sizeof text);
        memcpy(text + before, euro, 3);
        assert_true(valid(text, before + 3));
        assert_true(valid(text, sizeof text));
        assert_false(valid(text, before + 1));
        assert_false(valid(text, before + 2));
        assert_int_equal(xd_utf8_prefix(xd_bytes_of(text, before + 2)), before);
        memcpy(text + before, smile, 4);
        assert_true(valid(text, sizeof text));
        assert_int_equal(xd_utf8_prefix(xd_bytes_of(text, before + 3)), before);
        text[before] = '\xFF';
        assert_int_equal(xd_utf8_prefix(xd_bytes_of(text, sizeof text)), before);
    }
}

static void every_byte_that_is_not_plain_in_json_ends_the_plain_prefix(void **state) {
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        for (size_t at = 0; at < 16; at++) {
            uint8_t text[19];
            memset(text, 0x7f, sizeof text);
            text[at] = (uint8_t)byte;
            for (size_t size = 0; size <= sizeof text; size++) {
                size_t whole = plain || at >= size ? size : at;
                assert_int_equal(xd_json_plain_prefix(xd_bytes_of(text, size)), whole);
            }
        }
    }
}

static void what_is_not_printable_becomes_a_question_mark(void **state) {
    char text[] = "a\tb\x7f\xC3\xA9\xC3\"\xE2\x82\n\xFF\xF0\x9F\x98\x80\xF0\x9F";
    char nothing[] = "";
    (void)state;
    xd_text_make_printable(text);
    assert_string_equal(text, "a?b?\xC3\xA9?\"????\xF0\x9F\x98\x80??");
    xd_text_make_printable(nothing);
    assert_string_equal(nothing, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_printable_becomes_a_question_mark),
        cmocka_unit_test(every_byte_that_is_not_plain_in_json_ends_the_plain_prefix),
        cmocka_unit_test(every_result_has_a_name),
        cmocka_unit_test(views_compare_by_content),
        cmocka_unit_test(appends_come_out_in_order_and_terminated),
        cmocka_unit_test(a_buffer_grows_over_every_size),
        cmocka_unit_test(formatting_grows_when_it_must),
        cmocka_unit_test(exactly_the_limit_fits_and_one_more_does_not),
        cmocka_unit_test(failure_sticks_until_cleared),
        cmocka_unit_test(a_format_over_the_limit_leaves_no_traces),
        cmocka_unit_test_teardown(want_of_memory_is_told_apart_from_full, take_hook_away),
        cmocka_unit_test(an_absurd_size_is_full_not_an_overflow),
        cmocka_unit_test(taking_gives_the_memory_away),
        cmocka_unit_test(taking_from_a_failed_buffer_empties_it),
        cmocka_unit_test(json_strings_escape_what_must_be_and_nothing_else),
        cmocka_unit_test(json_strings_replace_what_is_no_utf8),
        cmocka_unit_test(json_strings_respect_the_limit),
        cmocka_unit_test(utf8_takes_the_ends_of_each_range),
        cmocka_unit_test(utf8_refuses_overlong_surrogates_and_beyond),
        cmocka_unit_test(utf8_refuses_cut_sequences_anywhere),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
