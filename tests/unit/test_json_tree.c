#include "shared/json_tree.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct xd_arena arena;

static int clear(void **state) {
    (void)state;
    xd_memory_set_hook(NULL, NULL);
    xd_arena_free(&arena);
    return 0;
}

/* In memory of just its size, which is gone before the tree is read. */
static enum xd_result parse_bytes(const char *text, size_t size, unsigned depth_max,
                                  const struct xd_node **out) {
    char *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, text, size);
    enum xd_result result = xd_node_parse(&arena, xd_bytes_of(exact, size), depth_max, out);
    free(exact);
    assert_true((result == XD_OK) == (*out != NULL));
    return result;
}

static const struct xd_node *parse(const char *text) {
    const struct xd_node *root;
    assert_int_equal(parse_bytes(text, strlen(text), XD_NODE_DEPTH_MAX, &root), XD_OK);
    return root;
}

static void assert_refused(const char *text, size_t size) {
    const struct xd_node *root;
    if (parse_bytes(text, size, XD_NODE_DEPTH_MAX, &root) != XD_INVALID) {
        fail_msg("%s: is no JSON", text);
    }
}

static void assert_scalar(const struct xd_node *node, const char *expected) {
    const char *text = xd_node_scalar(node);
    assert_non_null(text);
    assert_string_equal(text, expected);
}

static void paths_lead_through_objects_and_arrays(void **state) {
    (void)state;
    const struct xd_node *root = parse(" {\"a\" : { \"b\":[ 1, {\"c\":\"x]}\\\"\"} ,null,[]] }, \"e\":{}, "
                                       "\"t\":true,\"\\u0061b\":\"escaped\"} ");
    assert_scalar(xd_node_path(root, "a.b.0"), "1");
    assert_scalar(xd_node_path(root, "a.b.1.c"), "x]}\"");
    assert_int_equal(xd_node_path(root, "a.b.2")->kind, XD_NODE_NULL);
    assert_int_equal(xd_node_path(root, "a.b.3")->kind, XD_NODE_ARRAY);
    assert_null(xd_node_path(root, "a.b.4"));
    assert_null(xd_node_path(root, "a.b.x"));
    assert_null(xd_node_path(root, "a.b.99999999999999999999"));
    assert_null(xd_node_path(root, "a.b.0.c"));
    assert_null(xd_node_path(root, "e.c"));
    assert_null(xd_node_path(root, "none"));
    assert_null(xd_node_path(root, "none.at.all"));
    assert_null(xd_node_path(NULL, "a"));
    assert_ptr_equal(xd_node_path(root, "."), root);
    assert_scalar(xd_node_path(root, "t"), "true");
    assert_scalar(xd_node_path(root, "ab"), "escaped");
}

static void members_and_elements_stand_in_their_order(void **state) {
    (void)state;
    const struct xd_node *array = parse("[ {\"n\":1} ,{\"n\":2}, [ ] ]");
    size_t count = 0;
    for (const struct xd_node *one = xd_node_at(array, 0); one != NULL; one = one->next) {
        assert_ptr_equal(one, xd_node_at(array, count));
        assert_null(one->name);
        count++;
    }
    assert_int_equal(count, 3);
    assert_int_equal(array->count, 3);
    assert_null(xd_node_at(array, 3));
    assert_null(xd_node_at(parse("[ ]"), 0));
    assert_null(xd_node_at(parse("{\"n\":1}"), 0));
    assert_null(xd_node_at(NULL, 0));
    const struct xd_node *object = parse("{\"b\":1,\"a\":2,\"b\":3,\"\":4}");
    assert_int_equal(object->count, 4);
    assert_string_equal(object->child->name, "b");
    assert_string_equal(object->child->next->name, "a");
    assert_int_equal(xd_node_int(object, "b"), 1); /* the first */
    assert_int_equal(xd_node_int(object, ""), 4);
    assert_null(xd_node_member(object, "c"));
    assert_null(xd_node_member(array, "n"));
    assert_null(xd_node_member(NULL, "n"));
}

static void values_are_what_they_are(void **state) {
    (void)state;
    const struct xd_node *root =
        parse("{\"n\":null,\"f\":false,\"t\":true,\"i\":-12,\"d\":0.10,\"s\":\"7\",\"a\":[1],\"o\":{}}");
    static const struct {
        const char *name;
        enum xd_node_kind kind;
        const char *text, *scalar; /* NULL: none */
        int64_t whole;
    } cases[] = {
        {"n", XD_NODE_NULL, NULL, NULL, 0},       {"f", XD_NODE_FALSE, NULL, "false", 0},
        {"t", XD_NODE_TRUE, NULL, "true", 0},     {"i", XD_NODE_NUMBER, "-12", "-12", -12},
        {"d", XD_NODE_NUMBER, "0.10", "0.10", 0}, {"s", XD_NODE_TEXT, "7", "7", 0},
        {"a", XD_NODE_ARRAY, NULL, NULL, 0},      {"o", XD_NODE_OBJECT, NULL, NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct xd_node *node = xd_node_member(root, cases[i].name);
        const char *text = xd_node_text(root, cases[i].name), *scalar = xd_node_scalar(node);
        assert_int_equal(node->kind, cases[i].kind);
        assert_string_equal(text == NULL ? "-" : text, cases[i].text == NULL ? "-" : cases[i].text);
        assert_string_equal(scalar == NULL ? "-" : scalar, cases[i].scalar == NULL ? "-" : cases[i].scalar);
        assert_int_equal(xd_node_int(root, cases[i].name), cases[i].whole);
        assert_int_equal(xd_node_is_true(root, cases[i].name), cases[i].kind == XD_NODE_TRUE);
    }
    assert_null(xd_node_text(root, "none"));
    assert_null(xd_node_scalar(NULL));
    assert_int_equal(xd_node_int_of(NULL), 0);
    assert_false(xd_node_is_true(root, "none"));
}

static void escapes_are_undone(void **state) {
    (void)state;
    assert_scalar(parse("\"a\\n\\/\\\\\\u00e9\\ud83d\\ude00\xc3\xa9\""),
                  "a\n/\\\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9");
    assert_scalar(parse("\"\\\"\\b\\f\\r\\t\\u0041\\u20AC\\udbff\\uDFFF\""),
                  "\"\b\f\r\tA\xe2\x82\xac\xf4\x8f\xbf\xbf");
    assert_scalar(parse("\"\""), "");
}

static void numbers_are_exact(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"12.50", "12.5"}, {"\"3.10\"", "3.1"}, {"-0.001", "-0.001"}, {"1e3", "1000"},
        {"25E-2", "0.25"}, {"1.5e+1", "15"},    {"0", "0"},           {"100000000.01", "100000000.01"},
    };
    struct xd_decimal value;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[XD_DECIMAL_TEXT_MAX];
        assert_int_equal(xd_node_decimal(parse(cases[i][0]), &value), XD_OK);
        assert_string_equal(xd_decimal_write(value, text), cases[i][1]);
    }
    static const char *const wrong[] = {
        "\"\"",
        "\"1,5\"",
        "true",
        "null",
        "1e99",
        "1e-13",
        "1e99999999999999999999",
        "[1]",
        "\"1e\"",
        "\"1 \"",
        "\"0x1\"",
        "1234567890123456789012",
        "\"0.0000000000000000000000000000000000000000000000000000000000000000\""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(xd_node_decimal(parse(wrong[i]), &value), XD_INVALID);
    }
    assert_int_equal(xd_node_decimal(NULL, &value), XD_INVALID);
}

static void what_is_no_json_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        "{",
        "<html>",
        "{\"a\":1",
        "[1,]",
        "{} x",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{,}",
        "[1 2]",
        "[1}",
        "{\"a\":1,}",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"\t\"",
        "nul",
        "nulls",
        "True",
        "tru",
        "+1",
        "-",
        ".5",
        "5.",
        "1e",
        "0x1",
        "01",
        "NaN",
        "1 1",
        "\xef\xbb\xbf{}",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\xff",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83d\\u0041\"",
        "\"\\u0000\"",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(wrong[i], strlen(wrong[i]));
    }
    assert_refused("\"a\0b\"", 5);
    assert_refused("{}\0", 3);
    assert_refused("1\0", 2);
    assert_refused("\0", 1);
}

/* What stands within so many of what opens and closes. */
static enum xd_result nested(size_t depth, const char *open, const char *inner, const char *close,
                             unsigned depth_max) {
    struct xd_buffer text;
    const struct xd_node *root;
    xd_buffer_init(&text, 0);
    for (size_t i = 0; i < depth; i++) {
        xd_buffer_text(&text, open);
    }
    xd_buffer_text(&text, inner);
    for (size_t i = 0; i < depth; i++) {
        xd_buffer_text(&text, close);
    }
    enum xd_result result = parse_bytes(xd_buffer_string(&text), text.size, depth_max, &root);
    xd_buffer_free(&text);
    return result;
}

static void nesting_is_bounded(void **state) {
    (void)state;
    assert_int_equal(nested(8, "[", "", "]", 8), XD_OK);
    assert_int_equal(nested(8, "[", "1", "]", 8), XD_OK);
    assert_int_equal(nested(9, "[", "", "]", 8), XD_INVALID);
    assert_int_equal(nested(8, "{\"a\":", "1", "}", 8), XD_OK);
    assert_int_equal(nested(9, "{\"a\":", "1", "}", 8), XD_INVALID);
    assert_int_equal(nested(0, "[", "1", "]", 0), XD_OK);
    assert_int_equal(nested(1, "[", "1", "]", 0), XD_INVALID);
    assert_int_equal(nested(XD_NODE_DEPTH_MAX, "[", "1", "]", 1000), XD_OK);
    assert_int_equal(nested(XD_NODE_DEPTH_MAX + 1, "[", "1", "]", 1000), XD_INVALID);
    assert_int_equal(nested(1000000, "[", "", "]", XD_NODE_DEPTH_MAX), XD_INVALID);
}

static void numbers_are_bounded(void **state) {
    (void)state;
    char text[66];
    memset(text, '1', sizeof text);
    const struct xd_node *root;
    assert_int_equal(parse_bytes(text, 63, 1, &root), XD_OK);
    assert_int_equal(strlen(root->text), 63);
    assert_int_equal(parse_bytes(text, 64, 1, &root), XD_INVALID);
}

static int count_down(void *context, size_t size) {
    size_t *left = context;
    (void)size;
    return (*left)-- > 0;
}

/* Each piece takes more than a block of the arena. */
static void each_failed_allocation_is_no_memory(void **state) {
    (void)state;
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    xd_buffer_text(&text, "{\"");
    for (int i = 0; i < 2000; i++) {
        xd_buffer_text(&text, "name ");
    }
    xd_buffer_text(&text, "\":\"");
    for (int i = 0; i < 2000; i++) {
        xd_buffer_text(&text, "text ");
    }
    xd_buffer_text(&text, "\",\"many\":[0");
    for (int i = 0; i < 2000; i++) {
        xd_buffer_text(&text, ",1");
    }
    xd_buffer_text(&text, "]}");
    size_t allowed = 0;
    for (enum xd_result result = XD_NO_MEMORY; result != XD_OK; allowed++) {
        const struct xd_node *root;
        size_t left = allowed;
        xd_arena_free(&arena);
        xd_memory_set_hook(count_down, &left);
        result = xd_node_parse(&arena, xd_buffer_view(&text), 2, &root);
        xd_memory_set_hook(NULL, NULL);
        assert_true(result == XD_OK ? root->count == 2 : result == XD_NO_MEMORY && root == NULL);
    }
    assert_true(allowed > 10);
    xd_buffer_free(&text);
}

#define TREE_TEST(name) cmocka_unit_test_teardown(name, clear)

int main(void) {
    const struct CMUnitTest tests[] = {
        TREE_TEST(paths_lead_through_objects_and_arrays),
        TREE_TEST(members_and_elements_stand_in_their_order),
        TREE_TEST(values_are_what_they_are),
        TREE_TEST(escapes_are_undone),
        TREE_TEST(numbers_are_exact),
        TREE_TEST(what_is_no_json_is_refused),
        TREE_TEST(nesting_is_bounded),
        TREE_TEST(numbers_are_bounded),
        TREE_TEST(each_failed_allocation_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
