/* JSON from strangers. What is refused says where, within the text; what is taken has a canonical form that
 * reads back to itself, and print() keeps the canonical form. */
#include "fuzz/fuzz.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 * 1024)

static void canonical_of(const cJSON *tree, struct xd_buffer *out) {
    xd_buffer_init(out, 0);
    xd_json_canonical(tree, NULL, out);
    CHECK(xd_buffer_result(out) == XD_OK);
}

/* Members come in the order of UTF-16 code units, at every level. */
static unsigned next_code_unit(const uint8_t **at, unsigned *low) {
    const uint8_t *p = *at;
    unsigned unit;
    if (*low != 0) {
        unit = *low;
        *low = 0;
        return unit;
    }
    if (p[0] < 0x80) {
        *at += p[0] != 0;
        return p[0];
    }
    if (p[0] < 0xE0) {
        *at += 2;
        return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    }
    if (p[0] < 0xF0) {
        *at += 3;
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    }
    *at += 4;
    unit = ((p[0] & 7u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu)) - 0x10000;
    *low = 0xDC00 | (unit & 0x3FFu);
    return 0xD800 | unit >> 10;
}

static int compare_utf16(const char *a, const char *b) {
    const uint8_t *left = (const uint8_t *)a, *right = (const uint8_t *)b;
    unsigned left_low = 0, right_low = 0, x, y;
    do {
        x = next_code_unit(&left, &left_low);
        y = next_code_unit(&right, &right_low);
    } while (x == y && x != 0);
    return (x > y) - (x < y);
}

static void check_sorted(const cJSON *node) {
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (cJSON_IsObject(node) && child->next != NULL) {
            CHECK(compare_utf16(child->string, child->next->string) < 0);
        }
        check_sorted(child);
    }
}

static void check_error(struct xd_bytes text, const struct xd_json_error *error) {
    unsigned line = 1, column = 1;
    CHECK(error->code != NULL && error->code[0] != '\0' && error->detail[0] != '\0');
    CHECK(xd_utf8_valid(xd_bytes_of_text(error->detail)));
    CHECK(error->offset <= text.size);
    for (size_t i = 0; i < error->offset; i++) {
        column = text.data[i] == '\n' ? 1 : column + 1;
        line += text.data[i] == '\n';
    }
    CHECK(error->line == line && error->column == column);
}

/* Reads text again: it must be good JSON with this canonical form. */
static void check_same(struct xd_bytes text, struct xd_bytes canonical, bool sorted) {
    struct xd_json_error error;
    struct xd_buffer again;
    cJSON *tree = NULL;
    /* A number may be written longer than it came ("1e9"), so there is more room. */
    CHECK(xd_json_parse(text, 16 * TEXT_MAX, XD_JSON_DEPTH_MAX, &tree, &error) == XD_OK);
    if (sorted) {
        check_sorted(tree);
    }
    canonical_of(tree, &again);
    CHECK(xd_bytes_equal(xd_buffer_view(&again), canonical));
    xd_buffer_free(&again);
    cJSON_Delete(tree);
}

static void check_tree(const cJSON *tree) {
    struct xd_buffer canonical, printed;
    canonical_of(tree, &canonical);
    CHECK(xd_utf8_valid(xd_buffer_view(&canonical)));
    check_same(xd_buffer_view(&canonical), xd_buffer_view(&canonical), true);
    xd_buffer_init(&printed, 0);
    xd_json_print(tree, &printed);
    CHECK(xd_buffer_result(&printed) == XD_OK);
    check_same(xd_buffer_view(&printed), xd_buffer_view(&canonical), false);
    xd_buffer_free(&printed);
    xd_buffer_free(&canonical);
}

/* In an arena the same is read. */
static void check_arena(struct xd_bytes text, enum xd_result expected, const cJSON *tree,
                        const struct xd_json_error *expected_error) {
    struct xd_arena arena = {0};
    struct xd_json_error error = {0};
    struct xd_buffer one, two;
    cJSON *other = NULL;
    CHECK(xd_json_parse_into(&arena, text, TEXT_MAX, XD_JSON_DEPTH_MAX, &other, &error) == expected);
    if (expected == XD_OK) {
        canonical_of(tree, &one);
        canonical_of(other, &two);
        CHECK(xd_bytes_equal(xd_buffer_view(&one), xd_buffer_view(&two)));
        xd_buffer_free(&one);
        xd_buffer_free(&two);
    } else {
        CHECK(error.offset == expected_error->offset && strcmp(error.code, expected_error->code) == 0);
    }
    xd_arena_free(&arena);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    xd_memory_adopt_cjson();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = fuzz_copy(data, size);
    struct xd_bytes text = xd_bytes_of(copy, size);
    struct xd_json_error error = {0};
    cJSON *tree = NULL;
    enum xd_result result = xd_json_parse(text, TEXT_MAX, XD_JSON_DEPTH_MAX, &tree, &error);
    CHECK(result == XD_OK || result == XD_INVALID);
    CHECK((result == XD_OK) == (tree != NULL));
    if (result == XD_OK) {
        CHECK(xd_utf8_valid(text));
        check_tree(tree);
    } else {
        check_error(text, &error);
    }
    check_arena(text, result, tree, &error);
    cJSON_Delete(tree);
    free(copy);
    return 0;
}
