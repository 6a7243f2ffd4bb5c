/* JSON from strangers: what is refused and where it says so; the canonical form of RFC 8785. */
#include "base/json.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum xd_result parse_bytes(const char *data, size_t size, cJSON **tree, struct xd_json_error *error) {
    /* a copy without terminator, so that the sanitizer sees a read behind the end */
    char *exact = malloc(size == 0 ? 1 : size);
    assert_non_null(exact);
    if (size > 0) {
        memcpy(exact, data, size);
    }
    memset(error, 0, sizeof *error);
    enum xd_result result =
        xd_json_parse(xd_bytes_of(exact, size), XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX, tree, error);
    free(exact);
    return result;
}

static cJSON *parsed(const char *text) {
    cJSON *tree = NULL;
    struct xd_json_error error;
    if (parse_bytes(text, strlen(text), &tree, &error) != XD_OK) {
        fail_msg("refused (%s, %s): %s", error.code, error.detail, text);
    }
    assert_non_null(tree);
    return tree;
}

static void assert_accepted(const char *text) {
    cJSON_Delete(parsed(text));
}

static void assert_refused_bytes(const char *data, size_t size, const char *code, size_t offset) {
    cJSON *tree = NULL;
    struct xd_json_error error;
    if (parse_bytes(data, size, &tree, &error) != XD_INVALID) {
        fail_msg("accepted: %.*s", (int)size, data);
    }
    assert_null(tree);
    assert_string_equal(error.code, code);
    if (error.offset != offset) {
        fail_msg("%.*s: offset %zu, expected %zu (%s)", (int)size, data, error.offset, offset, error.detail);
    }
    assert_true(strlen(error.detail) > 10);
}

static void assert_malformed(const char *text, size_t offset) {
    assert_refused_bytes(text, strlen(text), "malformed_json", offset);
}

static void assert_canonical_without(const char *text, const char *const *without, const char *expected) {
    cJSON *tree = parsed(text);
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    xd_json_canonical(tree, without, &buffer);
    assert_int_equal(xd_buffer_result(&buffer), XD_OK);
    assert_string_equal(xd_buffer_string(&buffer), expected);
    xd_buffer_free(&buffer);
    cJSON_Delete(tree);
}

static void assert_canonical(const char *text, const char *expected) {
    assert_canonical_without(text, NULL, expected);
}

static void good_texts_are_taken(void **state) {
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        " \t\r\n[ \t\r\n] \t\r\n",
        "\"\"",
        "0",
        "-0",
        "-1.5e-3",
        "1E+2",
        "1e308",
        "true",
        "false",
        "null",
        "[1,2,[3,{\"a\":null}],{}]",
        "{\"a\":{\"b\":[]},\"\":1}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD83D\\uDE00\"",
        "\"\xE2\x82\xAC\x7F\"",
        "\"[[[[{{{{\"",
        "[\"a\",\"a\"]",
        "{\"a\":{\"a\":{\"a\":1}}}",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_accepted(good[i]);
    }
}

static void escapes_are_decoded(void **state) {
    (void)state;
    cJSON *tree = parsed("{\"t\":\"\\u0041\\uD83D\\uDE00\\u20ac\\/\"}");
    assert_string_equal(xd_json_text(tree, "t"), "A\xF0\x9F\x98\x80\xE2\x82\xAC/");
    cJSON_Delete(tree);
}

static void structure_errors_say_where(void **state) {
    (void)state;
    assert_malformed("", 0);
    assert_malformed("   ", 3);
    assert_malformed("[", 1);
    assert_malformed("[1", 2);
    assert_malformed("[1,", 3);
    assert_malformed("[1,]", 3);
    assert_malformed("[,1]", 1);
    assert_malformed("[1 2]", 3);
    assert_malformed("[1}", 2);
    assert_malformed("]", 0);
    assert_malformed("{", 1);
    assert_malformed("{\"a\"", 4);
    assert_malformed("{\"a\":", 5);
    assert_malformed("{\"a\":1", 6);
    assert_malformed("{\"a\":1,", 7);
    assert_malformed("{\"a\":1,}", 7);
    assert_malformed("{\"a\" 1}", 5);
    assert_malformed("{a:1}", 1);
    assert_malformed("{'a':1}", 1);
    assert_malformed("{1:1}", 1);
    assert_malformed("{\"a\":1]", 6);
    assert_malformed("{\"a\":1 \"b\":2}", 7);
    assert_malformed("// c\n{}", 0);
    assert_malformed("[1,/* c */2]", 3);
}

static void what_follows_the_end_is_refused(void **state) {
    (void)state;
    assert_malformed("{}x", 2);
    assert_malformed("{} {}", 3);
    assert_malformed("1 2", 2);
    assert_malformed("[]]", 2);
    assert_malformed("null,", 4);
    assert_refused_bytes("{}\0", 3, "malformed_json", 2);
}

static void words_are_exact(void **state) {
    (void)state;
    assert_malformed("tru", 0);
    assert_malformed("True", 0);
    assert_malformed("truex", 4);
    assert_malformed("nul", 0);
    assert_malformed("NULL", 0);
    assert_malformed("[NaN]", 1);
    assert_malformed("[nan]", 1);
    assert_malformed("Infinity", 0);
    assert_malformed("-Infinity", 0);
    assert_malformed("undefined", 0);
}

static void number_forms_are_those_of_the_rfc(void **state) {
    (void)state;
    static const char *const bad[] = {"[+1]",   "[01]",  "[-01]",   "[00]",  "[.5]",   "[5.]",
                                      "[-]",    "[1e]",  "[1e+]",   "[--1]", "[1.e2]", "[-.5]",
                                      "[1.5.]", "[0x1]", "[1e1.5]", "[1_0]"};
    static const size_t offsets[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 2, 4, 2};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_malformed(bad[i], offsets[i]);
    }
}

static void a_number_beyond_doubles_is_refused_where_it_stands(void **state) {
    (void)state;
    assert_malformed("1e309", 0);
    assert_malformed("{\"a\":[1, 2, {\"b\":-1e999}]}", 17);
    assert_accepted("1e-999");
    char digits[70];
    memset(digits, '1', sizeof digits);
    digits[63] = '\0';
    assert_accepted(digits);
    digits[63] = '1';
    digits[64] = '\0';
    assert_malformed(digits, 0);
}

static void control_characters_in_strings_are_refused(void **state) {
    (void)state;
    for (char c = 1; c < 0x20; c++) {
        char text[] = "[\"ab?\"]";
        text[4] = c;
        assert_malformed(text, 4);
    }
    assert_refused_bytes("[\"a\0b\"]", 7, "malformed_json", 3);
    assert_malformed("{\"a\nb\":1}", 3);
}

static void control_characters_are_no_white_space(void **state) {
    (void)state;
    assert_malformed("[\v1]", 1);
    assert_malformed("[\f1]", 1);
    assert_malformed("\x01[]", 0);
    assert_refused_bytes("\0[]", 3, "malformed_json", 0);
    assert_refused_bytes("[1\0]", 4, "malformed_json", 2);
    assert_malformed("\xEF\xBB\xBF{}", 0);
    assert_malformed("[\xC2\xA0]", 1);
}

static void escaped_nul_is_refused(void **state) {
    (void)state;
    assert_malformed("[\"a\\u0000\"]", 3);
    assert_malformed("{\"\\u0000\":1}", 2);
    assert_accepted("[\"\\\\u0000\"]"); /* a backslash, then text */
}

static void bad_escapes_are_refused(void **state) {
    (void)state;
    assert_malformed("\"\\x41\"", 1);
    assert_malformed("\"\\", 1);
    assert_malformed("\"\\\"", 3);
    assert_malformed("\"\\u12\"", 1);
    assert_malformed("\"\\u12G4\"", 1);
    assert_malformed("\"\\u", 1);
    assert_malformed("\"\\U0041\"", 1);
    assert_malformed("\"\\'\"", 1);
    assert_malformed("\"open", 5);
}

static void lone_surrogates_are_refused(void **state) {
    (void)state;
    assert_malformed("\"\\uD800\"", 1);
    assert_malformed("\"\\uDBFFx\"", 1);
    assert_malformed("\"\\uDC00\"", 1);
    assert_malformed("\"a\\uDFFF\\uD800\"", 2);
    assert_malformed("\"\\uD800\\uD800\"", 1);
    assert_malformed("\"\\uD800\\n\"", 1);
    assert_malformed("\"\\uD800\\u0041\"", 1);
    assert_malformed("\"\\uD83D\\uDE0", 1);
}

static void invalid_utf8_is_told_apart(void **state) {
    (void)state;
    assert_refused_bytes("[\"ab\xFF\"]", 7, "invalid_utf8", 4);
    assert_refused_bytes("[\"\xED\xA0\x80\"]", 7, "invalid_utf8", 2);
    assert_refused_bytes("{\"12345678\xC3\":1}", 14, "invalid_utf8", 10);
    assert_refused_bytes("\xFF\xFE{\0}\0", 6, "invalid_utf8", 0);
}

static void lines_and_columns_count_from_one(void **state) {
    (void)state;
    struct xd_json_error error;
    cJSON *tree = NULL;
    static const char text[] = "{\n  \"a\": 1,\r\n  \"b\": x\n}";
    assert_int_equal(parse_bytes(text, sizeof text - 1, &tree, &error), XD_INVALID);
    assert_int_equal(error.offset, 20);
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 8);
    assert_int_equal(parse_bytes("x", 1, &tree, &error), XD_INVALID);
    assert_int_equal(error.line, 1);
    assert_int_equal(error.column, 1);
    assert_int_equal(parse_bytes("[\n", 2, &tree, &error), XD_INVALID);
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 1);
}

static void depth_is_bounded_outside_strings(void **state) {
    (void)state;
    char text[2 * 1100 + 1];
    for (unsigned depth = 1; depth <= 40; depth++) {
        for (int kind = 0; kind < 2; kind++) {
            size_t size = 0;
            for (unsigned i = 0; i < depth; i++) {
                size += (size_t)snprintf(text + size, sizeof text - size, kind ? "{\"[\":" : "[");
            }
            text[size++] = '1';
            memset(text + size, kind ? '}' : ']', depth);
            text[size + depth] = '\0';
            if (depth <= XD_JSON_DEPTH_MAX) {
                assert_accepted(text);
            } else {
                assert_refused_bytes(text, size + depth, "too_deep", XD_JSON_DEPTH_MAX * (kind ? 5 : 1));
            }
        }
    }
    struct xd_json_error error;
    cJSON *tree = NULL;
    assert_int_equal(xd_json_parse(xd_bytes_of_text("[1]"), 100, 0, &tree, &error), XD_INVALID);
    assert_string_equal(error.code, "too_deep");
    assert_int_equal(xd_json_parse(xd_bytes_of_text("1"), 100, 0, &tree, &error), XD_OK);
    cJSON_Delete(tree);
    /* no caller can ask for more than cJSON takes */
    memset(text, '[', 1050);
    memset(text + 1050, ']', 1050);
    assert_int_equal(xd_json_parse(xd_bytes_of(text, 2100), 10000, 5000, &tree, &error), XD_INVALID);
    assert_string_equal(error.code, "too_deep");
    assert_int_equal(xd_json_parse(xd_bytes_of(text + 100, 1900), 10000, 5000, &tree, &error), XD_OK);
    cJSON_Delete(tree);
}

static void size_is_bounded(void **state) {
    (void)state;
    struct xd_json_error error;
    cJSON *tree = NULL;
    struct xd_bytes text = xd_bytes_of_text("\n[1,2]");
    assert_int_equal(xd_json_parse(text, 5, 32, &tree, &error), XD_INVALID);
    assert_string_equal(error.code, "too_large");
    assert_int_equal(error.offset, 5);
    assert_int_equal(error.line, 2);
    assert_null(tree);
    assert_int_equal(xd_json_parse(text, 6, 32, &tree, &error), XD_OK);
    cJSON_Delete(tree);
}

static void duplicate_members_are_found_where_they_stand(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"b\":{\"x\":[1,2],\"y\":3,\"x\":0}}",
        "[{\"a\":1},{\"a\":1,\"b\":2, \"a\" :1}]",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"\":1,\"\":1}",
        "{\"a\":{\"k\":1},\"b\":1,\"a\":{\"q\":1,\"q\":2}}",
    };
    static const size_t offsets[] = {7, 28, 23, 7, 6, 19};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused_bytes(texts[i], strlen(texts[i]), "duplicate_member", offsets[i]);
    }
    assert_accepted("{\"a\":1,\"A\":2,\"a \":3}");
}

static char *many_members(unsigned count, unsigned repeat, size_t *offset) {
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    xd_buffer_byte(&buffer, '{');
    for (unsigned i = 0; i < count; i++) {
        xd_buffer_format(&buffer, "\"m%u\":%u,", i * 7919u % count, i); /* 7919 is prime: all differ */
    }
    *offset = buffer.size;
    xd_buffer_format(&buffer, repeat < count ? "\"m%u\":0}" : "\"new%u\":0}", repeat);
    return xd_buffer_take(&buffer);
}

static void duplicates_are_found_in_objects_of_any_size(void **state) {
    (void)state;
    static const unsigned counts[] = {2, 10, 62, 63, 64, 65, 66, 100, 1000, 20000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        size_t offset = 0;
        unsigned repeats[] = {0, counts[i] / 2, counts[i] - 1};
        for (size_t j = 0; j < 3; j++) {
            char *text = many_members(counts[i], repeats[j], &offset);
            assert_refused_bytes(text, strlen(text), "duplicate_member", offset);
            xd_free(text);
        }
        char *text = many_members(counts[i], counts[i], &offset);
        assert_accepted(text);
        xd_free(text);
    }
}

static void a_long_name_is_cut_in_the_detail(void **state) {
    (void)state;
    struct xd_buffer buffer;
    for (size_t shift = 0; shift < 3; shift++) {
        xd_buffer_init(&buffer, 0);
        xd_buffer_byte(&buffer, '{');
        for (int twice = 0; twice < 2; twice++) {
            xd_buffer_format(&buffer, "%s\"%.*s", twice ? "," : "", (int)shift, "xx");
            for (int i = 0; i < 100; i++) {
                xd_buffer_text(&buffer, "\xE2\x82\xAC");
            }
            xd_buffer_text(&buffer, "\":1");
        }
        xd_buffer_byte(&buffer, '}');
        cJSON *tree = NULL;
        struct xd_json_error error;
        assert_int_equal(xd_json_parse(xd_buffer_view(&buffer), 10000, 32, &tree, &error), XD_INVALID);
        assert_string_equal(error.code, "duplicate_member");
        assert_true(strlen(error.detail) >= sizeof error.detail - 4);
        assert_true(xd_utf8_valid(xd_bytes_of_text(error.detail)));
        xd_buffer_free(&buffer);
    }
}

struct countdown {
    int left;
};

static int count_down(void *context, size_t size) {
    (void)size;
    return ((struct countdown *)context)->left-- > 0;
}

static int take_hook_away(void **state) {
    (void)state;
    xd_memory_set_hook(NULL, NULL);
    return 0;
}

static void each_failed_allocation_is_no_memory(void **state) {
    (void)state;
    size_t offset = 0;
    char *text = many_members(70, 70, &offset);
    int left = 0;
    for (enum xd_result result = XD_NO_MEMORY; result != XD_OK; left++) {
        struct countdown countdown = {.left = left};
        struct xd_json_error error;
        cJSON *tree = NULL;
        xd_memory_set_hook(count_down, &countdown);
        result = xd_json_parse(xd_bytes_of_text(text), 10000, 32, &tree, &error);
        xd_memory_set_hook(NULL, NULL);
        assert_true(result == XD_OK || result == XD_NO_MEMORY);
        assert_true((tree != NULL) == (result == XD_OK));
        cJSON_Delete(tree);
    }
    assert_true(left > 140);
    cJSON *tree = parsed(text);
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    struct countdown countdown = {.left = 1};
    xd_memory_set_hook(count_down, &countdown);
    xd_json_canonical(tree, NULL, &buffer);
    xd_memory_set_hook(NULL, NULL);
    assert_int_equal(xd_buffer_result(&buffer), XD_NO_MEMORY);
    xd_buffer_free(&buffer);
    cJSON_Delete(tree);
    xd_free(text);
}

static void every_cut_of_a_good_text_is_refused(void **state) {
    (void)state;
    static const char good[] =
        "{\"a\":[1.5e+3,\"\\u20ac\\uD83D\\uDE00 x\",true,null,{\"\xE2\x82\xAC\":-0.1}],\"b\":{}}";
    cJSON *tree = NULL;
    struct xd_json_error error;
    for (size_t size = 0; size < sizeof good - 1; size++) {
        assert_int_equal(parse_bytes(good, size, &tree, &error), XD_INVALID);
        assert_true(error.offset <= size);
    }
    assert_accepted(good);
}

static void any_changed_byte_is_read_or_refused_safely(void **state) {
    (void)state;
    static const char good[] =
        "{\"a\":[1.5e+3,\"\\u20ac\\uD83D\\uDE00 x\",true,null,{\"\xE2\x82\xAC\":-0.1}],\"b\":{}}";
    char text[sizeof good];
    for (size_t at = 0; at < sizeof good - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            cJSON *tree = NULL;
            struct xd_json_error error;
            memcpy(text, good, sizeof good);
            text[at] = (char)byte;
            enum xd_result result = parse_bytes(text, sizeof good - 1, &tree, &error);
            assert_true(result == XD_OK || (result == XD_INVALID && error.offset <= sizeof good));
            cJSON_Delete(tree);
        }
    }
}

static void the_sample_of_rfc_8785_comes_out_as_printed(void **state) {
    (void)state;
    /* section 3.2.2 to 3.2.4 */
    assert_canonical(
        "{\n  \"numbers\": [333333333.33333329, 1E30, 4.50,\n              2e-3, "
        "0.000000000000000000000000001],\n  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c"
        "\\\\\\\"\\/\",\n  \"literals\": [null, true, false]\n}",
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
        "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

static void members_sort_by_utf16_as_in_rfc_8785(void **state) {
    (void)state;
    /* section 3.2.3: the smiley's surrogates (D83D) come before U+FB33, its code point would come behind */
    assert_canonical(
        "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With "
        "Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
        "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\",\"\xC3\xB6\":\"Latin Small "
        "Letter O With Diaeresis\",\"\xE2\x82\xAC\":\"Euro Sign\",\"\xF0\x9F\x98\x80\":\"Emoji: Grinning "
        "Face\",\"\xEF\xAC\xB3\":\"Hebrew Letter Dalet With Dagesh\"}");
    assert_canonical("{\"\\ud7ff\":1,\"\\ue000\":2,\"\\ud800\\udc00\":3,\"\\udbff\\udfff\":4,\"\\uffff\":5}",
                     "{\"\xED\x9F\xBF\":1,\"\xF0\x90\x80\x80\":3,\"\xF4\x8F\xBF\xBF\":4,\"\xEE\x80\x80\":2,"
                     "\"\xEF\xBF\xBF\":5}");
}

static void names_sort_before_longer_ones(void **state) {
    (void)state;
    assert_canonical("{\"ab\":1,\"b\":2,\"a\":3,\"\":4,\"B\":5,\"aa\":6}",
                     "{\"\":4,\"B\":5,\"a\":3,\"aa\":6,\"ab\":1,\"b\":2}");
}

static void numbers_look_as_in_ecmascript(void **state) {
    (void)state;
    /* the table of RFC 8785, appendix B, and the edges of its layouts */
    static const char *const pairs[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"1.0", "1"},
        {"-7", "-7"},
        {"1e2", "100"},
        {"5e-324", "5e-324"},
        {"-5e-324", "-5e-324"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"-1.7976931348623157e308", "-1.7976931348623157e+308"},
        {"9007199254740992", "9007199254740992"},
        {"-9007199254740992", "-9007199254740992"},
        {"9007199254740991", "9007199254740991"},
        {"295147905179352830000", "295147905179352830000"},
        {"9.999999999999997e22", "9.999999999999997e+22"},
        {"1e23", "1e+23"},
        {"1.0000000000000001e23", "1.0000000000000001e+23"},
        {"999999999999999700000", "999999999999999700000"},
        {"999999999999999900000", "999999999999999900000"},
        {"1e21", "1e+21"},
        {"9.999999999999997e-7", "9.999999999999997e-7"},
        {"0.000001", "0.000001"},
        {"333333333.3333332", "333333333.3333332"},
        {"333333333.33333325", "333333333.33333325"},
        {"333333333.3333333", "333333333.3333333"},
        {"333333333.3333334", "333333333.3333334"},
        {"333333333.33333343", "333333333.33333343"},
        {"-0.0000033333333333333333", "-0.0000033333333333333333"},
        {"1424953923781206.2", "1424953923781206.2"},
        {"0.1", "0.1"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"123.456", "123.456"},
        {"2.2250738585072014e-308", "2.2250738585072014e-308"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_canonical(pairs[i][0], pairs[i][1]);
    }
}

static void what_json_cannot_say_becomes_null(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    cJSON *tree = cJSON_CreateNumber(1e308 * 10);
    assert_non_null(tree);
    xd_json_canonical(tree, NULL, &buffer);
    assert_string_equal(xd_buffer_string(&buffer), "null");
    cJSON_Delete(tree);
    xd_buffer_free(&buffer);
}

static void decimals_in_strings_lose_trailing_zeros_only(void **state) {
    (void)state;
    assert_canonical("[\"10.0\",\"10.00\",\"10\",\"100\",\"-1.50\",\"0.0\",\"0.10\",\"1.05\",\"-0.0\","
                     "\"123456789012345678901234567890.120\"]",
                     "[\"10\",\"10\",\"10\",\"100\",\"-1.5\",\"0\",\"0.1\",\"1.05\",\"-0\","
                     "\"123456789012345678901234567890.12\"]");
    assert_canonical(
        "[\"010.0\",\"1.0.0\",\"10.\",\".50\",\"1.0 \",\" 1.0\",\"+1.0\",\"1.0e0\",\"1,0\",\"-\",\"--1.0\","
        "\"2026-11-20\",\"v1.0\",\"-.0\",\"\",\"1.\\u0660\"]",
        "[\"010.0\",\"1.0.0\",\"10.\",\".50\",\"1.0 \",\" 1.0\",\"+1.0\",\"1.0e0\",\"1,0\",\"-\",\"--1.0\","
        "\"2026-11-20\",\"v1.0\",\"-.0\",\"\",\"1.\xD9\xA0\"]");
    assert_canonical("{\"1.0\":1}", "{\"1.0\":1}"); /* names are names */
}

static void members_left_out_are_those_at_the_top(void **state) {
    (void)state;
    static const char *const without[] = {"content_hash", "raw_ref", NULL};
    assert_canonical_without(
        "{\"raw_ref\":1,\"b\":{\"raw_ref\":2},\"content_hash\":\"x\",\"a\":[{\"raw_ref\":3}]}", without,
        "{\"a\":[{\"raw_ref\":3}],\"b\":{\"raw_ref\":2}}");
    assert_canonical_without("{\"raw_ref\":1}", without, "{}");
    assert_canonical_without("[{\"raw_ref\":1}]", without, "[{\"raw_ref\":1}]");
}

static void large_objects_sort_too(void **state) {
    (void)state;
    static const unsigned counts[] = {23, 24, 25, 64, 65, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct xd_buffer text;
        struct xd_buffer expected;
        xd_buffer_init(&text, 0);
        xd_buffer_init(&expected, 0);
        for (unsigned j = 0; j < counts[i]; j++) {
            xd_buffer_format(&text, "%c\"%05u\":%u", j == 0 ? '{' : ',', j * 7919u % counts[i],
                             j * 7919u % counts[i]);
            xd_buffer_format(&expected, "%c\"%05u\":%u", j == 0 ? '{' : ',', j, j);
        }
        xd_buffer_byte(&text, '}');
        xd_buffer_byte(&expected, '}');
        assert_canonical(xd_buffer_string(&text), xd_buffer_string(&expected));
        xd_buffer_free(&text);
        xd_buffer_free(&expected);
    }
}

static void the_canonical_form_is_its_own_canonical_form(void **state) {
    (void)state;
    static const char text[] =
        "{\"z\":[1.50,\"\\u00e9\\n\",{\"b\":\"2.50\",\"a\":null}],\"a\":1e40,\"\\ud83d\\ude00\":-1E-7}";
    cJSON *tree = parsed(text);
    struct xd_buffer once;
    xd_buffer_init(&once, 0);
    xd_json_canonical(tree, NULL, &once);
    cJSON_Delete(tree);
    assert_canonical(xd_buffer_string(&once), xd_buffer_string(&once));
    xd_buffer_free(&once);
}

/* What travels on as text must keep its hash, to the last bit of a number. */
static void printing_keeps_the_canonical_form(void **state) {
    static const char *const texts[] = {
        "[9007199254740992,9007199254740993,-1.0000000000000002,0.1,5e-324,1.7976931348623157e308,-0,1e9,"
        "1e21]",
        "{\"b\":[{},[],null,true,false],\"a\":\"\\u0001\\\"\\\\\",\"10.00\":\"10.00\"}",
        "\"text\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct xd_buffer printed, one, two;
        cJSON *tree = parsed(texts[i]);
        xd_buffer_init(&printed, 0);
        xd_buffer_init(&one, 0);
        xd_buffer_init(&two, 0);
        xd_json_print(tree, &printed);
        xd_json_canonical(tree, NULL, &one);
        cJSON_Delete(tree);
        tree = parsed(xd_buffer_string(&printed));
        xd_json_canonical(tree, NULL, &two);
        cJSON_Delete(tree);
        assert_string_equal(xd_buffer_string(&one), xd_buffer_string(&two));
        xd_buffer_free(&printed);
        xd_buffer_free(&one);
        xd_buffer_free(&two);
    }
}

static void canonical_respects_the_buffer(void **state) {
    (void)state;
    cJSON *tree = parsed("{\"a\":[1,2,3]}");
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 12);
    xd_json_canonical(tree, NULL, &buffer);
    assert_int_equal(xd_buffer_result(&buffer), XD_FULL);
    xd_buffer_free(&buffer);
    xd_buffer_init(&buffer, 13);
    xd_json_canonical(tree, NULL, &buffer);
    assert_int_equal(xd_buffer_result(&buffer), XD_OK);
    xd_buffer_free(&buffer);
    cJSON_Delete(tree);
}

static void text_members_are_borrowed(void **state) {
    (void)state;
    cJSON *tree = parsed("{\"a\":\"x\",\"A\":\"y\",\"n\":1,\"z\":null}");
    assert_string_equal(xd_json_text(tree, "a"), "x");
    assert_string_equal(xd_json_text(tree, "A"), "y");
    assert_null(xd_json_text(tree, "n"));
    assert_null(xd_json_text(tree, "z"));
    assert_null(xd_json_text(tree, "none"));
    assert_null(xd_json_text(NULL, "a"));
    cJSON_Delete(tree);
}

static void whole_numbers_are_read_in_both_forms(void **state) {
    (void)state;
    cJSON *tree =
        parsed("{\"s\":\"18446744073709551615\",\"zero\":\"0\",\"n\":42,\"big\":9007199254740991,"
               "\"over\":\"18446744073709551616\",\"lead\":\"007\",\"neg\":-1,\"sneg\":\"-1\",\"half\":1.5,"
               "\"inexact\":9007199254740992,\"empty\":\"\",\"text\":\"12a\",\"plus\":\"+1\",\"t\":true}");
    assert_true(xd_json_u64(tree, "s", 7) == UINT64_MAX);
    assert_true(xd_json_u64(tree, "zero", 7) == 0);
    assert_true(xd_json_u64(tree, "n", 7) == 42);
    assert_true(xd_json_u64(tree, "big", 7) == UINT64_C(9007199254740991));
    static const char *const unfit[] = {"over",  "lead", "neg",  "sneg", "half", "inexact",
                                        "empty", "text", "plus", "t",    "none"};
    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++) {
        assert_true(xd_json_u64(tree, unfit[i], 7) == 7);
    }
    cJSON_Delete(tree);
}

static int adopt(void **state) {
    (void)state;
    xd_memory_adopt_cjson();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_are_taken),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(structure_errors_say_where),
        cmocka_unit_test(what_follows_the_end_is_refused),
        cmocka_unit_test(words_are_exact),
        cmocka_unit_test(number_forms_are_those_of_the_rfc),
        cmocka_unit_test(a_number_beyond_doubles_is_refused_where_it_stands),
        cmocka_unit_test(control_characters_in_strings_are_refused),
        cmocka_unit_test(control_characters_are_no_white_space),
        cmocka_unit_test(escaped_nul_is_refused),
        cmocka_unit_test(bad_escapes_are_refused),
        cmocka_unit_test(lone_surrogates_are_refused),
        cmocka_unit_test(invalid_utf8_is_told_apart),
        cmocka_unit_test(lines_and_columns_count_from_one),
        cmocka_unit_test(depth_is_bounded_outside_strings),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(duplicate_members_are_found_where_they_stand),
        cmocka_unit_test(duplicates_are_found_in_objects_of_any_size),
        cmocka_unit_test(a_long_name_is_cut_in_the_detail),
        cmocka_unit_test_teardown(each_failed_allocation_is_no_memory, take_hook_away),
        cmocka_unit_test(every_cut_of_a_good_text_is_refused),
        cmocka_unit_test(any_changed_byte_is_read_or_refused_safely),
        cmocka_unit_test(the_sample_of_rfc_8785_comes_out_as_printed),
        cmocka_unit_test(members_sort_by_utf16_as_in_rfc_8785),
        cmocka_unit_test(names_sort_before_longer_ones),
        cmocka_unit_test(numbers_look_as_in_ecmascript),
        cmocka_unit_test(what_json_cannot_say_becomes_null),
        cmocka_unit_test(decimals_in_strings_lose_trailing_zeros_only),
        cmocka_unit_test(members_left_out_are_those_at_the_top),
        cmocka_unit_test(large_objects_sort_too),
        cmocka_unit_test(the_canonical_form_is_its_own_canonical_form),
        cmocka_unit_test(printing_keeps_the_canonical_form),
        cmocka_unit_test(canonical_respects_the_buffer),
        cmocka_unit_test(text_members_are_borrowed),
        cmocka_unit_test(whole_numbers_are_read_in_both_forms),
    };
    return cmocka_run_group_tests_name("json", tests, adopt, NULL);
}
