/* What --log-format text makes of the members of a line. */
#include "posix/runtime/log_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_line_for_people_has_no_json_in_it(void **state) {
    static const struct {
        const char *members, *text;
    } cases[] = {
        {NULL, ""},
        {"", ""},
        {"\"detail\":\"the line is up\"", " the line is up"},
        {"\"code\":\"bad\",\"detail\":\"a \\\"b\\\" \\\\ c\\/d\",\"n\":12", " a \"b\" \\ c/d code=bad n=12"},
        {"\"detail\":\"two\\nlines \\u001b[2J\"", " two\\nlines \\u001b[2J"},
        {"\"a\":{\"b\":[1,\"x,}\"]},\"c\":null,\"d\":\"\",\"e\":\"two words\"",
         " a={\"b\":[1,\"x,}\"]} c=null d=\"\" e=\"two words\""},
        {"\"e\":\"a \\\"b\\\"\"", " e=\"a \\\"b\\\"\""},
        {"\"detail\":{\"a\":1}", " detail={\"a\":1}"},
        {"\"a\":1,no members", " a=1 ,no members"},
        {"\"a\":\"cut", " \"a\":\"cut"},
        {"\"a\":{", " \"a\":{"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct xd_buffer out;
        xd_buffer_init(&out, 0);
        xd_log_text_members(&out, cases[i].members);
        assert_string_equal(xd_buffer_string(&out), cases[i].text);
        xd_buffer_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_for_people_has_no_json_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
