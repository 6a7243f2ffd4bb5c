/* See the header. */
#include "unit/reading.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define ALLOCATIONS_MAX 10000

void xd_reading_begin(struct xd_reading *reading, const char *text) {
    memset(reading, 0, sizeof *reading);
    xd_problems_clear(&reading->problems);
    enum xd_result result = xd_document_parse(xd_bytes_of_text(text), &reading->document, &reading->problems);
    if (result != XD_OK) {
        print_error("%s: %s\n", text, reading->problems.items[0].detail);
    }
    assert_int_equal(result, XD_OK);
}

void xd_reading_end(struct xd_reading *reading) {
    xd_document_free(&reading->document);
}

void xd_reading_expect(const struct xd_reading *reading, const char *pointer, const char *code) {
    for (size_t i = 0; i < reading->problems.count; i++) {
        const struct xd_problem *item = &reading->problems.items[i];
        if (strcmp(item->pointer, pointer) == 0 && strcmp(item->code, code) == 0) {
            return;
        }
    }
    for (size_t i = 0; i < reading->problems.count; i++) {
        print_error("  %s at \"%s\"\n", reading->problems.items[i].code, reading->problems.items[i].pointer);
    }
    fail_msg("no %s at \"%s\"", code, pointer);
}

void xd_reading_expect_none(const struct xd_reading *reading) {
    if (reading->problems.errors > 0) {
        const struct xd_problem *item = &reading->problems.items[0];
        fail_msg("%s at \"%s\": %s", item->code, item->pointer, item->detail);
    }
}

static int fail_when_counted_down(void *context, size_t size) {
    int *left = context;
    (void)size;
    return (*left)-- > 0;
}

void xd_reading_starve(xd_attempt *attempt, void *context) {
    for (int allowed = 0; allowed < ALLOCATIONS_MAX; allowed++) {
        int left = allowed;
        xd_memory_set_hook(fail_when_counted_down, &left);
        enum xd_result result = attempt(context);
        xd_memory_set_hook(NULL, NULL);
        if (result == XD_OK) {
            assert_true(allowed > 0); /* it does allocate */
            return;
        }
        assert_int_equal(result, XD_NO_MEMORY);
    }
    fail_msg("never succeeds");
}
