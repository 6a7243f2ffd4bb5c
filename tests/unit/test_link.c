/* Messages of the line itself: their exact form, and what is not believed. */
#include "documents/link.h"

#include "base/memory.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define EPOCH "0123456789abcdef0123456789abcdef"
#define CHAIN "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define RECEIVE(lane, watermark, more)                                                                       \
    "{\"lane\":\"" lane "\",\"epoch\":\"" EPOCH "\",\"watermark\":\"" watermark "\",\"chain\":\"" CHAIN      \
    "\"" more "}"

static const char full[] =
    "{\"session\":\"5e55\",\"send\":[{\"lane\":\"work\",\"epoch\":\"" EPOCH
    "\",\"next\":\"18446744073709551615\"},{\"lane\":\"bulk\","
    "\"epoch\":\"" EPOCH "\",\"next\":\"1\"}],\"receive\":[{\"lane\":\"notice\",\"epoch\":\"" EPOCH
    "\",\"watermark\":\"9\",\"chain\":\"" CHAIN
    "\",\"conflict\":\"12\",\"missing\":[[\"11\",\"11\"],[\"13\",\"9007199254740993\"]]},{\"lane\":\"work\","
    "\"epoch\":\"\",\"watermark\":\"0\","
    "\"chain\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"conflict\":\"0\","
    "\"missing\":[]}]}";

static enum xd_result read_text(struct xd_reading *reading, const char *text, struct xd_link *out) {
    xd_reading_begin(reading, text);
    return xd_link_read(&reading->document, reading->document.tree, out, &reading->problems);
}

static void a_message_is_written_as_it_was_read(void **state) {
    (void)state;
    struct xd_reading reading;
    static struct xd_link link;
    struct xd_buffer out;
    assert_int_equal(read_text(&reading, full, &link), XD_OK);
    assert_string_equal(link.session, "5e55");
    assert_int_equal(link.send_count, 2);
    assert_true(link.send[0].next == UINT64_MAX);
    assert_string_equal(link.send[1].lane, "bulk");
    assert_int_equal(link.receive_count, 2);
    assert_int_equal(link.receive[0].watermark, 9);
    assert_int_equal(link.receive[0].conflict, 12);
    assert_int_equal(link.receive[0].missing_count, 2);
    assert_true(link.receive[0].missing[1].last == UINT64_C(9007199254740993));
    assert_string_equal(link.receive[1].epoch, "");
    xd_buffer_init(&out, 0);
    xd_link_write(&link, &out);
    assert_string_equal(xd_buffer_string(&out), full);
    xd_buffer_free(&out);
    xd_reading_end(&reading);
}

static void an_ack_has_no_session(void **state) {
    (void)state;
    struct xd_reading reading;
    static struct xd_link link;
    assert_int_equal(read_text(&reading, "{\"receive\":[" RECEIVE("work", "3", "") "]}", &link), XD_OK);
    assert_null(link.session);
    assert_int_equal(link.send_count, 0);
    assert_int_equal(link.receive[0].watermark, 3);
    assert_int_equal(link.receive[0].missing_count, 0);
    xd_reading_end(&reading);
}

static void assert_refused(const char *text, const char *pointer, const char *code) {
    struct xd_reading reading;
    static struct xd_link link;
    enum xd_result result = read_text(&reading, text, &link);
    if (result != XD_INVALID) {
        fail_msg("not refused: %s", text);
    }
    xd_reading_expect(&reading, pointer, code);
    xd_reading_end(&reading);
}

static void ranges_are_above_the_watermark_ascending_and_disjoint(void **state) {
    (void)state;
    static const char *const bad[] = {"[[\"5\",\"6\"]]",
                                      "[[\"4\",\"7\"]]",
                                      "[[\"8\",\"7\"]]",
                                      "[[\"7\",\"8\"],[\"8\",\"9\"]]",
                                      "[[\"9\",\"9\"],[\"7\",\"7\"]]",
                                      "[[7,8]]",
                                      "[[\"7\"]]",
                                      "[[\"7\",\"8\",\"9\"]]",
                                      "[\"7\",\"8\"]",
                                      "[{}]",
                                      "[[\"7\",\"-8\"]]",
                                      "[null]",
                                      "[[]]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[600] =
            "{\"receive\":[{\"lane\":\"work\",\"epoch\":\"e\",\"watermark\":\"5\",\"chain\":\"" CHAIN
            "\",\"missing\":";
        strcat(strcat(text, bad[i]), "}]}");
        assert_refused(text, "/receive/0", "out_of_range");
    }
}

static void more_ranges_than_a_message_holds_are_refused(void **state) {
    (void)state;
    for (unsigned count = XD_LINK_MISSING_MAX; count <= XD_LINK_MISSING_MAX + 1; count++) {
        struct xd_buffer text;
        struct xd_reading reading;
        static struct xd_link link;
        xd_buffer_init(&text, 0);
        xd_buffer_text(
            &text, "{\"receive\":[{\"lane\":\"work\",\"epoch\":\"e\",\"watermark\":\"0\",\"chain\":\"" CHAIN
                   "\",\"missing\":[");
        for (unsigned i = 1; i <= count; i++) {
            xd_buffer_format(&text, "%s[\"%u\",\"%u\"]", i == 1 ? "" : ",", 2 * i, 2 * i);
        }
        xd_buffer_text(&text, "]}]}");
        assert_int_equal(read_text(&reading, xd_buffer_string(&text), &link),
                         count > XD_LINK_MISSING_MAX ? XD_INVALID : XD_OK);
        assert_int_equal(link.receive[0].missing_count, XD_LINK_MISSING_MAX);
        xd_reading_end(&reading);
        xd_buffer_free(&text);
    }
}

static void streams_are_told_of_once_and_are_few(void **state) {
    (void)state;
    assert_refused("{\"receive\":[" RECEIVE("work", "3", "") "," RECEIVE("work", "4", "") "]}", "/receive/1",
                   "duplicate_line");
    assert_refused("{\"send\":[{\"lane\":\"work\",\"epoch\":\"e\",\"next\":\"1\"},{\"lane\":\"work\","
                   "\"epoch\":\"e\",\"next\":\"1\"}]}",
                   "/send/1", "duplicate_line");
    assert_refused("{\"receive\":[{},{},{},{},{}]}", "/receive", "too_many");
    assert_refused("{\"receive\":[{}]}", "/receive/0/watermark", "missing_member");
    assert_refused("{\"receive\":[" RECEIVE("fast", "3", "") "]}", "/receive/0/lane", "bad_enum");
    assert_refused("{\"send\":[{\"lane\":\"work\",\"epoch\":\"e\",\"next\":\"0\"}]}", "/send/0/next",
                   "out_of_range");
    assert_refused("{\"send\":[{\"lane\":\"work\",\"epoch\":\"e\",\"next\":1}]}", "/send/0/next",
                   "wrong_type");
}

static enum xd_result attempt(void *context) {
    struct xd_document document = {0};
    static struct xd_problems problems;
    static struct xd_link link;
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(xd_bytes_of_text(context), &document, &problems);
    if (result == XD_OK) {
        result = xd_link_read(&document, document.tree, &link, &problems);
    }
    xd_document_free(&document);
    return result;
}

static void a_failed_allocation_is_told(void **state) {
    (void)state;
    char text[sizeof full];
    memcpy(text, full, sizeof text);
    xd_reading_starve(attempt, text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_written_as_it_was_read),
        cmocka_unit_test(an_ack_has_no_session),
        cmocka_unit_test(ranges_are_above_the_watermark_ascending_and_disjoint),
        cmocka_unit_test(more_ranges_than_a_message_holds_are_refused),
        cmocka_unit_test(streams_are_told_of_once_and_are_few),
        cmocka_unit_test(a_failed_allocation_is_told),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
