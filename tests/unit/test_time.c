/* RFC 3339 in and out, and the calendar. */
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void assert_time(const char *text, xd_ms expected) {
    xd_ms time = -1;
    if (xd_time_parse(text, &time) != XD_OK) {
        fail_msg("refused: '%s'", text);
    }
    assert_true(time == expected);
}

static void assert_refused(const char *text) {
    xd_ms time = 77;
    if (xd_time_parse(text, &time) != XD_INVALID) {
        fail_msg("accepted: '%s'", text);
    }
    assert_true(time == 77);
}

static void known_instants_are_read(void **state) {
    (void)state;
    assert_time("1970-01-01T00:00:00Z", 0);
    assert_time("1970-01-01T00:00:00.001Z", 1);
    assert_time("2001-09-09T01:46:40Z", INT64_C(1000000000000));
    assert_time("2026-11-23T10:00:00.000Z", INT64_C(1795428000000));
    assert_time("2038-01-19T03:14:08Z", INT64_C(2147483648000));
    assert_time("9999-12-31T23:59:59.999Z", INT64_C(253402300799999));
    /* RFC 3339, section 5.8 */
    assert_time("1985-04-12T23:20:50.52Z", INT64_C(482196050520));
    assert_time("1996-12-19T16:39:57-08:00", INT64_C(851042397000));
    assert_time("1996-12-20T00:39:57Z", INT64_C(851042397000));
}

static void letters_may_be_small(void **state) {
    (void)state;
    assert_time("1985-04-12t23:20:50.52z", INT64_C(482196050520));
}

static void offsets_are_taken_off(void **state) {
    (void)state;
    assert_time("2026-11-23T10:00:00+00:00", INT64_C(1795428000000));
    assert_time("2026-11-23T10:00:00-00:00", INT64_C(1795428000000)); /* section 4.3: UTC, offset unknown */
    assert_time("2026-11-23T15:45:00+05:45", INT64_C(1795428000000));
    assert_time("2026-11-22T22:00:00-12:00", INT64_C(1795428000000));
    assert_time("2026-11-24T09:59:00+23:59", INT64_C(1795428000000));
    assert_time("1970-01-01T01:00:00+01:00", 0);
    assert_refused("2026-11-23T10:00:00+24:00");
    assert_refused("2026-11-23T10:00:00+01:60");
    assert_refused("2026-11-23T10:00:00+0100");
    assert_refused("2026-11-23T10:00:00+01");
    assert_refused("2026-11-23T10:00:00+1:00");
    assert_refused("2026-11-23T10:00:00 +01:00");
}

static void a_local_time_is_no_instant(void **state) {
    (void)state;
    assert_refused("2026-11-23T10:00:00");
    assert_refused("2026-11-23T10:00:00.5");
    assert_refused("2026-11-23");
}

static void fractions_are_cut_to_milliseconds(void **state) {
    (void)state;
    assert_time("1970-01-01T00:00:00.1Z", 100);
    assert_time("1970-01-01T00:00:00.12Z", 120);
    assert_time("1970-01-01T00:00:00.1239Z", 123);
    assert_time("1970-01-01T00:00:00.999999999999999999999999Z", 999);
    assert_time("1970-01-01T00:00:00.0009Z", 0);
    assert_refused("1970-01-01T00:00:00.Z");
    assert_refused("1970-01-01T00:00:00,5Z");
    assert_refused("1970-01-01T00:00:00.5.5Z");
}

static void leap_days_exist_in_leap_years_only(void **state) {
    (void)state;
    assert_time("2024-02-29T00:00:00Z", INT64_C(1709164800000));
    assert_time("2024-03-01T00:00:00Z", INT64_C(1709251200000));
    assert_time("2000-02-29T12:00:00Z", INT64_C(951825600000));
    assert_refused("2023-02-29T00:00:00Z");
    assert_refused("2100-02-29T00:00:00Z");
    assert_refused("2024-02-30T00:00:00Z");
}

static void second_60_is_refused(void **state) {
    (void)state;
    assert_refused("1990-12-31T23:59:60Z");
    assert_refused("1990-12-31T15:59:60-08:00");
}

static void wrong_forms_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "now",
        "2026-11-23 10:00:00Z",
        "2026-11-23T10:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T10:60:00Z",
        "2026-11-23T10:00:61Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-04-00T00:00:00Z",
        "2026-4-01T00:00:00Z",
        "26-04-01T00:00:00Z",
        "12026-04-01T00:00:00Z",
        "+2026-04-01T00:00:00Z",
        "2026-11-23T10:00:00Zx",
        "2026-11-23T10:00:00ZZ",
        " 2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00Z ",
        "20261123T100000Z",
        "2026-W48-1T10:00:00Z",
        "2026-11-23T-1:00:00Z",
        "2026/11/23T10:00:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_refused(bad[i]);
    }
    xd_ms time = 77;
    assert_int_equal(xd_time_parse(NULL, &time), XD_INVALID);
}

static void every_cut_of_a_good_time_is_refused(void **state) {
    (void)state;
    static const char good[] = "2026-11-23T10:00:00.123+01:00";
    for (size_t size = 0; size < sizeof good - 1; size++) {
        char cut[sizeof good];
        memcpy(cut, good, size);
        cut[size] = '\0';
        assert_refused(cut);
    }
}

static void years_end_at_1970_and_9999(void **state) {
    (void)state;
    assert_refused("1969-12-31T23:59:59Z");
    assert_refused("1970-01-01T00:00:00+00:01");
    assert_refused("9999-12-31T23:59:59-00:01");
    assert_refused("0000-01-01T00:00:00Z");
    assert_time("9999-12-31T23:59:59+00:01", INT64_C(253402300739000));
}

static void what_is_written_is_read_again(void **state) {
    (void)state;
    char text[XD_TIME_TEXT_MAX];
    assert_string_equal(xd_time_write(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(xd_time_write(INT64_C(1795428000000), text), "2026-11-23T10:00:00.000Z");
    assert_string_equal(xd_time_write(INT64_C(253402300799999), text), "9999-12-31T23:59:59.999Z");
    /* a step with no round part: all fields move */
    for (xd_ms time = 0; time <= INT64_C(253402300799999); time += INT64_C(9973) * XD_HOUR_MS + 86399989) {
        xd_ms again = -1;
        assert_int_equal(xd_time_parse(xd_time_write(time, text), &again), XD_OK);
        assert_true(again == time);
    }
}

static void days_follow_each_other_for_800_years(void **state) {
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    xd_ms time = 0;
    for (int year = 1970; year < 2770; year++) {
        for (int month = 1; month <= 12; month++) {
            int leap = month == 2 && (year % 400 == 0 || (year % 4 == 0 && year % 100 != 0));
            for (int day = 1; day <= lengths[month - 1] + leap; day++) {
                char expected[64];
                char text[XD_TIME_TEXT_MAX];
                (void)snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00.000Z", year, month, day);
                assert_string_equal(xd_time_write(time, text), expected);
                time += XD_DAY_MS;
            }
        }
    }
}

static void a_broken_clock_still_gives_a_text(void **state) {
    (void)state;
    char text[XD_TIME_TEXT_MAX];
    assert_string_equal(xd_time_write(-1, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(xd_time_write(INT64_MIN, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(xd_time_write(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
}

static void dates_must_exist(void **state) {
    (void)state;
    assert_int_equal(xd_date_check("2026-11-23"), XD_OK);
    assert_int_equal(xd_date_check("2024-02-29"), XD_OK);
    assert_int_equal(xd_date_check("1900-02-28"), XD_OK);
    static const char *const bad[] = {"",           "2026-11-31",           "2023-02-29",  "1900-02-29",
                                      "2026-13-01", "2026-00-10",           "2026-10-00",  "2026-1-01",
                                      "20261123",   "2026-11-23T00:00:00Z", "2026-11-23 ", " 2026-11-23",
                                      "0000-01-01", "23.11.2026",           "2026-11"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(xd_date_check(bad[i]), XD_INVALID);
    }
    assert_int_equal(xd_date_check(NULL), XD_INVALID);
}

static void dates_are_counted_and_written_again(void **state) {
    (void)state;
    static const struct {
        const char *date;
        int64_t days;
        unsigned weekday;
    } dates[] = {{"1970-01-01", 0, 3},          {"1969-12-31", -1, 2},    {"2000-02-29", 11016, 1},
                 {"2026-11-25", 20782, 2},      {"2026-11-29", 20786, 6}, {"0001-01-01", XD_DAYS_MIN, 0},
                 {"9999-12-31", XD_DAYS_MAX, 4}};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        char text[XD_DATE_TEXT_SIZE];
        int64_t days = 7;
        assert_int_equal(xd_date_parse(dates[i].date, &days), XD_OK);
        assert_int_equal(days, dates[i].days);
        assert_string_equal(xd_date_write(days, text), dates[i].date);
        assert_int_equal(xd_date_weekday(days), dates[i].weekday);
        assert_int_equal(xd_date_days(xd_date_of_days(days)), days);
    }
    int64_t days = 7;
    char text[XD_DATE_TEXT_SIZE];
    assert_int_equal(xd_date_parse("2026-02-29", &days), XD_INVALID);
    assert_int_equal(days, 7);
    assert_string_equal(xd_date_write(INT64_MAX, text), "9999-12-31");
    assert_string_equal(xd_date_write(INT64_MIN, text), "0001-01-01");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instants_are_read),
        cmocka_unit_test(letters_may_be_small),
        cmocka_unit_test(offsets_are_taken_off),
        cmocka_unit_test(a_local_time_is_no_instant),
        cmocka_unit_test(fractions_are_cut_to_milliseconds),
        cmocka_unit_test(leap_days_exist_in_leap_years_only),
        cmocka_unit_test(second_60_is_refused),
        cmocka_unit_test(wrong_forms_are_refused),
        cmocka_unit_test(every_cut_of_a_good_time_is_refused),
        cmocka_unit_test(years_end_at_1970_and_9999),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(days_follow_each_other_for_800_years),
        cmocka_unit_test(a_broken_clock_still_gives_a_text),
        cmocka_unit_test(dates_must_exist),
        cmocka_unit_test(dates_are_counted_and_written_again),
    };
    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
