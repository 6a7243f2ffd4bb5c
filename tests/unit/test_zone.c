/* Time zones from TZif files made by hand: what a footer says, what a hostile file gets. What real files say
 * is held against another implementation by tests/contract/test_zones.py. */
#include "base/zone.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void add_u32(struct xd_buffer *out, uint32_t value) {
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    xd_buffer_add(out, bytes, sizeof bytes);
}

static void add_header(struct xd_buffer *out, char version, uint32_t leap, uint32_t time, uint32_t type) {
    static const uint8_t unused[15];
    xd_buffer_text(out, "TZif");
    xd_buffer_byte(out, (uint8_t)version);
    xd_buffer_add(out, unused, sizeof unused);
    add_u32(out, 0);
    add_u32(out, 0);
    add_u32(out, leap);
    add_u32(out, time);
    add_u32(out, type);
    add_u32(out, 4);
}

static void add_type(struct xd_buffer *out, int32_t offset) {
    add_u32(out, (uint32_t)offset);
    xd_buffer_byte(out, 0);
    xd_buffer_byte(out, 0);
}

/* Version 2: type 0 at `first`, from 1,000,000 s on type 1 at `then`, and a footer. */
static void make_file(struct xd_buffer *out, int32_t first, int32_t then, const char *footer) {
    xd_buffer_init(out, 0);
    add_header(out, '2', 0, 0, 1);
    add_type(out, 0);
    xd_buffer_text(out, "ABC");
    xd_buffer_byte(out, 0);
    add_header(out, '2', 0, 1, 2);
    add_u32(out, 0);
    add_u32(out, 1000000);
    xd_buffer_byte(out, 1);
    add_type(out, first);
    add_type(out, then);
    xd_buffer_text(out, "ABC");
    xd_buffer_byte(out, 0);
    xd_buffer_byte(out, '\n');
    xd_buffer_text(out, footer);
    xd_buffer_byte(out, '\n');
}

static struct xd_zone zone_of(const char *footer) {
    struct xd_buffer file;
    struct xd_zone zone;
    make_file(&file, -3600, 7200, footer);
    assert_int_equal(xd_zone_decode(xd_buffer_view(&file), &zone), XD_OK);
    xd_buffer_free(&file);
    return zone;
}

static xd_ms instant_of(const char *text) {
    xd_ms at = 0;
    assert_int_equal(xd_time_parse(text, &at), XD_OK);
    return at;
}

static void nothing_at_all_is_utc(void **state) {
    (void)state;
    struct xd_zone zone = {.change_count = 0};
    char date[XD_DATE_TEXT_SIZE];
    xd_ms at = instant_of("2026-11-25T23:59:59.999Z");
    struct xd_local local = xd_zone_local(&zone, at);
    assert_string_equal(xd_date_write(local.days, date), "2026-11-25");
    assert_int_equal(local.minute, 1439);
    assert_int_equal(xd_zone_instant(&zone, local, &at), XD_OK);
    assert_true(at == instant_of("2026-11-25T23:59:00Z"));
}

static void changes_count_up_to_the_last_and_without_a_footer_it_stays(void **state) {
    (void)state;
    struct xd_zone zone = zone_of("");
    assert_int_equal(xd_zone_offset_s(&zone, 999999999), -3600);
    assert_int_equal(xd_zone_offset_s(&zone, 1000000000), 7200);
    assert_int_equal(xd_zone_offset_s(&zone, instant_of("2100-01-01T00:00:00Z")), 7200);
    xd_zone_free(&zone);
}

/* A footer, an instant, the offset then. */
static void footers_rule_from_the_last_change_on(void **state) {
    (void)state;
    static const struct {
        const char *footer, *at;
        int32_t offset;
    } footers[] = {
        {"IST-5:30", "2026-07-01T00:00:00Z", 19800},
        {"<-03>3", "2026-07-01T00:00:00Z", -10800},
        {"GMT0BST,M3.5.0/1,M10.5.0", "2026-03-29T00:59:59Z", 0},
        {"GMT0BST,M3.5.0/1,M10.5.0", "2026-03-29T01:00:00Z", 3600},
        {"GMT0BST,M3.5.0/1,M10.5.0", "2026-10-25T00:59:59Z", 3600},
        {"GMT0BST,M3.5.0/1,M10.5.0", "2026-10-25T01:00:00Z", 0},
        /* summer time below standard time, as Ireland's files say it */
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 3600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-12-01T00:00:00Z", 0},
        /* half an hour, the southern summer */
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-01T00:00:00Z", 39600},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-07-01T00:00:00Z", 37800},
        /* hours before and beyond the day */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27T23:59:59Z", 7200},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28T00:00:00Z", 10800},
        /* J60 is the 1st of March in every year, 59 only in others than leap years */
        {"AAA0BBB,J60/0,J300/0", "2024-02-29T12:00:00Z", 0},
        {"AAA0BBB,J60/0,J300/0", "2024-03-01T00:00:00Z", 3600},
        {"AAA0BBB,59/0,300/0", "2024-02-29T00:00:00Z", 3600},
        {"AAA0BBB,59/0,300/0", "2026-02-28T23:59:59Z", 0},
        {"AAA0BBB,59/0,300/0", "2026-03-01T00:00:00Z", 3600},
        /* summer time all the year (RFC 8536, 3.3.1) */
        {"EST5EDT,0/0,J365/25", "2026-01-01T04:59:59Z", -14400},
        {"EST5EDT,0/0,J365/25", "2026-01-01T05:00:00Z", -14400},
        {"EST5EDT,0/0,J365/25", "2026-07-01T00:00:00Z", -14400},
    };
    for (size_t index = 0; index < sizeof footers / sizeof footers[0]; index++) {
        struct xd_zone zone = zone_of(footers[index].footer);
        int32_t offset = xd_zone_offset_s(&zone, instant_of(footers[index].at));
        if (offset != footers[index].offset) {
            fail_msg("%s at %s: %d", footers[index].footer, footers[index].at, (int)offset);
        }
        xd_zone_free(&zone);
    }
}

static void gap_gives_the_jump_and_overlap_the_earlier(void **state) {
    (void)state;
    struct xd_zone zone = zone_of("GMT0BST,M3.5.0/1,M10.5.0");
    static const struct {
        const char *date;
        int minute;
        const char *at;
    } locals[] = {
        {"2026-03-29", 59, "2026-03-29T00:59:00Z"},  {"2026-03-29", 60, "2026-03-29T01:00:00Z"},
        {"2026-03-29", 119, "2026-03-29T01:00:00Z"}, {"2026-03-29", 120, "2026-03-29T01:00:00Z"},
        {"2026-03-29", 121, "2026-03-29T01:01:00Z"}, {"2026-10-25", 59, "2026-10-24T23:59:00Z"},
        {"2026-10-25", 60, "2026-10-25T00:00:00Z"},  {"2026-10-25", 119, "2026-10-25T00:59:00Z"},
        {"2026-10-25", 120, "2026-10-25T02:00:00Z"},
    };
    for (size_t index = 0; index < sizeof locals / sizeof locals[0]; index++) {
        struct xd_local local = {.minute = locals[index].minute};
        char text[XD_TIME_TEXT_MAX];
        xd_ms at = 0;
        assert_int_equal(xd_date_parse(locals[index].date, &local.days), XD_OK);
        assert_int_equal(xd_zone_instant(&zone, local, &at), XD_OK);
        if (at != instant_of(locals[index].at)) {
            fail_msg("%s %d: %s", locals[index].date, locals[index].minute, xd_time_write(at, text));
        }
    }
    xd_zone_free(&zone);
}

static void local_time_that_is_none_is_refused(void **state) {
    (void)state;
    struct xd_zone zone = {.change_count = 0};
    xd_ms at = 7;
    assert_int_equal(xd_zone_instant(&zone, (struct xd_local){1, -1}, &at), XD_INVALID);
    assert_int_equal(xd_zone_instant(&zone, (struct xd_local){1, 1440}, &at), XD_INVALID);
    assert_int_equal(xd_zone_instant(&zone, (struct xd_local){-1, 0}, &at), XD_INVALID);
    assert_int_equal(xd_zone_instant(&zone, (struct xd_local){XD_DAYS_MAX + 1, 0}, &at), XD_INVALID);
    assert_int_equal(at, 7);
}

static void footer_that_cannot_be_read_is_refused(void **state) {
    (void)state;
    static const char *const footers[] = {
        "GM0",
        "GMT",
        "GMT25",
        "GMT0:60",
        "<GMT0",
        "GMT0BST",
        "GMT0BST,M3.5",
        "GMT0BST,1",
        "GMT0BST,1,2,3",
        "GMT0BST,J0,J1",
        "GMT0BST,366,1",
        "GMT0BST,M0.1.0,1",
        "GMT0BST,1/,2",
        "GMT0BST,1/168,2",
        "GMT0BST,M3.6.0,1",
        "GMT0BST,M3.5.7,1",
        "GMT0 ",
        "GMT99999999999999999999",
    };
    for (size_t index = 0; index < sizeof footers / sizeof footers[0]; index++) {
        struct xd_buffer file;
        struct xd_zone zone;
        make_file(&file, 0, 0, footers[index]);
        if (xd_zone_decode(xd_buffer_view(&file), &zone) != XD_INVALID) {
            fail_msg("%s was taken", footers[index]);
        }
        xd_buffer_free(&file);
    }
}

static void every_cut_of_a_file_is_refused(void **state) {
    (void)state;
    struct xd_buffer file;
    struct xd_zone zone;
    make_file(&file, 0, 3600, "GMT0BST,M3.5.0/1,M10.5.0");
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *cut = malloc(size + 1); /* of that size, for the sanitizer to see a step too far */
        memcpy(cut, file.data, size);
        assert_int_equal(xd_zone_decode(xd_bytes_of(cut, size), &zone), XD_INVALID);
        free(cut);
    }
    xd_buffer_free(&file);
}

static void file_that_contradicts_itself_is_refused(void **state) {
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } edits[] = {
        {0, 'X'}, /* no TZif */
        {4, '1'}, /* no such version */
        {4, '9'},
        {58 - 4, 'X'},       /* no second header */
        {54 + 4, '3'},       /* of another version */
        {54 + 31, 1},        /* a leap second */
        {54 + 39, 0},        /* no type */
        {54 + 36, 0xff},     /* too many */
        {54 + 32, 1},        /* more changes than there are bytes */
        {54 + 44 + 8, 2},    /* a change to a type that is not there */
        {54 + 44 + 9, 0x10}, /* an offset of years */
    };
    for (size_t index = 0; index < sizeof edits / sizeof edits[0]; index++) {
        struct xd_buffer file;
        struct xd_zone zone;
        make_file(&file, 0, 3600, "");
        assert_memory_equal(file.data + 54, "TZif", 4);
        file.data[edits[index].at] = edits[index].value;
        if (xd_zone_decode(xd_buffer_view(&file), &zone) != XD_INVALID) {
            fail_msg("edit %zu was taken", index);
        }
        xd_buffer_free(&file);
    }
}

static void names_lead_nowhere_else(void **state) {
    (void)state;
    static const char *const good[] = {"UTC", "Europe/London", "America/Argentina/Buenos_Aires", "Etc/GMT+5",
                                       "America/Port-au-Prince"};
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../x",
                                      "a/../b",
                                      "a//b",
                                      "a/",
                                      ".",
                                      "a.b/",
                                      "Europe\\x",
                                      "a b",
                                      "a\nb",
                                      "Europe/London/",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t index = 0; index < sizeof good / sizeof good[0]; index++) {
        assert_true(xd_zone_name_valid(good[index]));
    }
    for (size_t index = 0; index < sizeof bad / sizeof bad[0]; index++) {
        assert_false(xd_zone_name_valid(bad[index]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_at_all_is_utc),
        cmocka_unit_test(changes_count_up_to_the_last_and_without_a_footer_it_stays),
        cmocka_unit_test(footers_rule_from_the_last_change_on),
        cmocka_unit_test(gap_gives_the_jump_and_overlap_the_earlier),
        cmocka_unit_test(local_time_that_is_none_is_refused),
        cmocka_unit_test(footer_that_cannot_be_read_is_refused),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
        cmocka_unit_test(file_that_contradicts_itself_is_refused),
        cmocka_unit_test(names_lead_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
