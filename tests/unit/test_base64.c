/* The vectors of RFC 4648, section 10, and what is no base64. */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const vectors[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"},
                                         {"\xff\xef\xbe", "/+++"}};

static void vectors_are_written_and_read(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof vectors / sizeof vectors[0]; index++) {
        uint8_t read[16];
        size_t size = 99;
        struct xd_buffer text;
        xd_buffer_init(&text, 0);
        xd_base64_write(xd_bytes_of_text(vectors[index][0]), &text);
        assert_string_equal(xd_buffer_string(&text), vectors[index][1]);
        assert_int_equal(xd_base64_parse(vectors[index][1], read, sizeof read, &size), XD_OK);
        assert_int_equal(size, strlen(vectors[index][0]));
        assert_memory_equal(read, vectors[index][0], size);
        xd_buffer_free(&text);
    }
}

static void what_is_none_is_refused(void **state) {
    static const char *const wrong[] = {"Z",    "Zg",       "Zg=",  "Z===", "====", "Zm9v!",
                                        "Zm9*", "Zg==Zg==", "Zh==", "Zm9=", "Zm 9"};
    (void)state;
    for (size_t index = 0; index < sizeof wrong / sizeof wrong[0]; index++) {
        uint8_t read[16];
        size_t size;
        if (xd_base64_parse(wrong[index], read, sizeof read, &size) != XD_INVALID) {
            fail_msg("%s", wrong[index]);
        }
    }
    uint8_t small[2];
    size_t size;
    assert_int_equal(xd_base64_parse("Zm9v", small, sizeof small, &size), XD_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_are_written_and_read),
                                       cmocka_unit_test(what_is_none_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
