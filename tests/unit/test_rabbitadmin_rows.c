/* Lists of the management API: what is wanted is found, and nothing is read behind the end. */
#include "rabbitadmin/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const wanted[] = {"name", "state"};
static char seen[400];

static void take(void *context, const struct xd_bytes *values) {
    (void)context;
    for (int i = 0; i < 2; i++) {
        size_t size = strlen(seen);
        if (values[i].data == NULL) {
            (void)snprintf(seen + size, sizeof seen - size, "-%c", " |"[i]);
        } else {
            (void)snprintf(seen + size, sizeof seen - size, "%.*s%c", (int)values[i].size,
                           (const char *)values[i].data, " |"[i]);
        }
    }
}

/* Of exactly size bytes, so that a sanitizer sees a step too far. */
static enum xd_result read_exactly(const char *text, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    seen[0] = '\0';
    enum xd_result result = xd_rows_read(xd_bytes_of(copy, size), wanted, 2, take, NULL);
    free(copy);
    return result;
}

static void wanted_members_are_found_among_others(void **state) {
    static const char text[] =
        " [ {\"state\":\"running\",\"name\":\"a\"} ,\n{\"more\":[{\"name\":\"x]\"},{}],\"name\":\"b\","
        "\"n\":-1.5e3,\"state\":null,\"t\":{\"state\":\"}\"}},{\"name\":\"c\\\"d\",\"state\":true},{}]\n";
    (void)state;
    assert_int_equal(read_exactly(text, sizeof text - 1), XD_OK);
    assert_string_equal(seen, "a running|b -|c\\\"d true|- -|");
    assert_int_equal(read_exactly("[]", 2), XD_OK);
    assert_string_equal(seen, "");
}

static void every_list_that_ends_too_early_is_refused(void **state) {
    static const char text[] = "[{\"name\":\"a\\\"\",\"more\":[{\"x\":\"]\"}],\"state\":12},{}]";
    (void)state;
    for (size_t size = 0; size < sizeof text - 1; size++) {
        assert_int_equal(read_exactly(text, size), XD_INVALID);
    }
    assert_int_equal(read_exactly(text, sizeof text - 1), XD_OK);
}

static void what_is_not_a_list_of_objects_is_refused(void **state) {
    static const char *const texts[] = {
        "{}",          "[1]",      "[{}] x",       "[{},]",         "[{\"a\" 1}]",
        "[{\"a\":}]",  "[{a:1}]",  "[{\"a\":1,}]", "<html></html>", "[{\"a\":1}{}]",
        "[{\"a\":1}}", "\"[{}]\"", "[[]]",         "[{\"a\"}]"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(read_exactly(texts[i], strlen(texts[i])), XD_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wanted_members_are_found_among_others),
        cmocka_unit_test(every_list_that_ends_too_early_is_refused),
        cmocka_unit_test(what_is_not_a_list_of_objects_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
