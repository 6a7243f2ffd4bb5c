/* When a site ships, in its own zone and across changes of its clock. The zones are the system's. */
#include "hub/orchestration/calendar.h"
#include "hub/orchestration/zones.h"
#include "posix/runtime/zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static unsigned warnings;

static void on_log(void *context, enum xd_log_level level, const char *event, const char *correlation_id,
                   const char *members) {
    (void)context;
    (void)level;
    (void)correlation_id;
    (void)members;
    warnings += strcmp(event, "zone.missing") == 0 ? 1 : 0;
}

static const struct xd_env env = {.log = on_log};
static struct xd_zone_cache cache;

static const struct xd_zone *zone_of(const char *name) {
    warnings = 0;
    const struct xd_zone *zone =
        xd_zone_cache_get(&cache, xd_posix_zones(), &env, name, (struct xd_now){1, 1});
    assert_int_equal(warnings, 0);
    return zone;
}

static xd_ms instant_of(const char *text) {
    xd_ms at = 0;
    assert_int_equal(xd_time_parse(text, &at), XD_OK);
    return at;
}

#define WEEKDAYS 0x1fu
#define DAILY 0x7fu

/* A site with a cut-off at 14:30 local time; 2026-11-25 is a Wednesday. */
static const struct {
    const char *what, *zone;
    int cutoff;
    unsigned open_days;
    const char *at, *not_before, *holidays, *expected; /* "": never */
} shipping[] = {
    {"before the cut-off", "UTC", 870, DAILY, "2026-11-25T14:29:59Z", NULL, "", "2026-11-25"},
    {"at the cut-off", "UTC", 870, DAILY, "2026-11-25T14:30:00Z", NULL, "", "2026-11-26"},
    {"no cut-off", "UTC", -1, DAILY, "2026-11-25T23:59:59Z", NULL, "", "2026-11-25"},
    {"a cut-off at midnight lets nothing ship today", "UTC", 0, DAILY, "2026-11-25T00:00:00Z", NULL, "",
     "2026-11-26"},
    {"Friday after the cut-off", "UTC", 870, WEEKDAYS, "2026-11-27T15:00:00Z", NULL, "", "2026-11-30"},
    {"Saturday, whenever", "UTC", 870, WEEKDAYS, "2026-11-28T08:00:00Z", NULL, "", "2026-11-30"},
    {"Saturday after the cut-off", "UTC", 870, WEEKDAYS, "2026-11-28T18:00:00Z", NULL, "", "2026-11-30"},
    {"a holiday", "UTC", 870, DAILY, "2026-12-25T08:00:00Z", NULL, "2026-12-25,2026-12-26", "2026-12-27"},
    {"a holiday after the cut-off of the day before", "UTC", 870, WEEKDAYS, "2026-12-24T20:00:00Z", NULL,
     "2026-12-25", "2026-12-28"},
    {"open on Sundays only", "UTC", 870, 0x40, "2026-11-25T08:00:00Z", NULL, "", "2026-11-29"},
    {"never open", "UTC", 870, 0, "2026-11-25T08:00:00Z", NULL, "", ""},
    {"not before a later date", "UTC", 870, WEEKDAYS, "2026-11-25T08:00:00Z", "2026-12-05", "", "2026-12-07"},
    {"not before a date that has gone", "UTC", 870, DAILY, "2026-11-25T15:00:00Z", "2026-11-20", "",
     "2026-11-26"},
    {"not before today, after the cut-off", "UTC", 870, DAILY, "2026-11-25T15:00:00Z", "2026-11-25", "",
     "2026-11-26"},
    {"not before no date", "UTC", 870, DAILY, "2026-11-25T15:00:00Z", "2026-02-30", "", NULL},
    /* the last Sunday of March: at 01:00 UTC the clock goes to 02:00 */
    {"London, the day before the clock changes", "Europe/London", 870, DAILY, "2026-03-28T14:29:00Z", NULL,
     "", "2026-03-28"},
    {"London, an hour earlier in UTC from then on", "Europe/London", 870, DAILY, "2026-03-29T13:29:59Z", NULL,
     "", "2026-03-29"},
    {"London, at the cut-off of that day", "Europe/London", 870, DAILY, "2026-03-29T13:30:00Z", NULL, "",
     "2026-03-30"},
    {"London, a cut-off within the gap", "Europe/London", 90, DAILY, "2026-03-29T00:59:59Z", NULL, "",
     "2026-03-29"},
    {"London, after the gap", "Europe/London", 90, DAILY, "2026-03-29T01:00:00Z", NULL, "", "2026-03-30"},
    {"London, the first 01:29 of the overlap", "Europe/London", 90, DAILY, "2026-10-25T00:29:59Z", NULL, "",
     "2026-10-25"},
    {"London, the day begins at 23:00 UTC", "Europe/London", 870, DAILY, "2026-07-01T23:00:00Z", NULL, "",
     "2026-07-02"},
    {"New York, still yesterday", "America/New_York", 870, DAILY, "2026-11-26T03:00:00Z", NULL, "2026-11-26",
     "2026-11-27"},
    {"New York in winter", "America/New_York", 870, DAILY, "2026-11-25T19:29:59Z", NULL, "", "2026-11-25"},
    {"New York in winter, at the cut-off", "America/New_York", 870, DAILY, "2026-11-25T19:30:00Z", NULL, "",
     "2026-11-26"},
    {"New York in summer", "America/New_York", 870, DAILY, "2026-07-01T18:30:00Z", NULL, "", "2026-07-02"},
    {"New York, the Sunday that the clock goes back", "America/New_York", 870, DAILY, "2026-11-01T18:30:00Z",
     NULL, "", "2026-11-01"},
    {"Lord Howe, +11:00 in summer", "Australia/Lord_Howe", 870, DAILY, "2026-01-15T03:29:59Z", NULL, "",
     "2026-01-15"},
    {"Lord Howe, at the cut-off in summer", "Australia/Lord_Howe", 870, DAILY, "2026-01-15T03:30:00Z", NULL,
     "", "2026-01-16"},
    {"Lord Howe, +10:30 in winter", "Australia/Lord_Howe", 870, DAILY, "2026-07-15T03:59:59Z", NULL, "",
     "2026-07-15"},
    {"Lord Howe, at the cut-off in winter", "Australia/Lord_Howe", 870, DAILY, "2026-07-15T04:00:00Z", NULL,
     "", "2026-07-16"},
    {"Kolkata, half an hour beside the full one", "Asia/Kolkata", 870, DAILY, "2026-11-25T08:59:59Z", NULL,
     "", "2026-11-25"},
    {"Kolkata, at the cut-off", "Asia/Kolkata", 870, DAILY, "2026-11-25T09:00:00Z", NULL, "", "2026-11-26"},
    {"Kolkata, already tomorrow", "Asia/Kolkata", -1, WEEKDAYS, "2026-11-27T18:30:00Z", NULL, "",
     "2026-11-30"},
};

static void site_of(size_t index, struct xd_site_profile *out) {
    const char *holidays = shipping[index].holidays;
    memset(out, 0, sizeof *out);
    out->cutoff_minute = shipping[index].cutoff;
    out->open_days = shipping[index].open_days;
    for (; strlen(holidays) >= 10; holidays += holidays[10] == ',' ? 11 : 10) {
        memcpy(out->holidays[out->holiday_count++], holidays, 10);
    }
}

static void site_ships_on_the_day_that_its_calendar_says(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof shipping / sizeof shipping[0]; index++) {
        struct xd_site_profile profile;
        char date[XD_DATE_TEXT_SIZE];
        const char *expected = shipping[index].expected;
        site_of(index, &profile);
        enum xd_result result =
            xd_calendar_ship_date(&profile, zone_of(shipping[index].zone), instant_of(shipping[index].at),
                                  shipping[index].not_before, date);
        enum xd_result wanted = expected == NULL ? XD_INVALID : expected[0] == '\0' ? XD_NOT_FOUND : XD_OK;
        if (result != wanted || strcmp(date, expected == NULL ? "" : expected) != 0) {
            fail_msg("%s: %s (%s)", shipping[index].what, date, xd_result_name(result));
        }
    }
}

/* What ships is an open day, not before the local day, and no open day lies between: over two years and each
 * half hour in four zones. */
static void no_open_day_is_passed_over_around_the_year(void **state) {
    (void)state;
    static const char *const zones[] = {"Europe/London", "America/New_York", "Australia/Lord_Howe",
                                        "Asia/Kolkata"};
    for (size_t index = 0; index < 4; index++) {
        struct xd_site_profile profile = {
            .cutoff_minute = 15 * 60, .open_days = WEEKDAYS, .holiday_count = 1};
        const struct xd_zone *zone = zone_of(zones[index]);
        memcpy(profile.holidays[0], "2026-12-25", 11);
        for (xd_ms at = instant_of("2026-01-01T00:00:00Z"); at < instant_of("2028-01-01T00:00:00Z");
             at += 30 * XD_MINUTE_MS) {
            struct xd_local local = xd_zone_local(zone, at);
            char date[XD_DATE_TEXT_SIZE];
            int64_t days = 0;
            assert_int_equal(xd_calendar_ship_date(&profile, zone, at, NULL, date), XD_OK);
            assert_int_equal(xd_date_parse(date, &days), XD_OK);
            assert_true(xd_calendar_open(&profile, days));
            assert_true(days >= local.days + (local.minute >= 15 * 60 ? 1 : 0));
            for (int64_t day = local.days + (local.minute >= 15 * 60 ? 1 : 0); day < days; day++) {
                assert_false(xd_calendar_open(&profile, day));
            }
        }
    }
}

static void day_ends_when_the_next_begins_at_the_site(void **state) {
    (void)state;
    static const char *const ends[][3] = {
        {"UTC", "2026-11-25", "2026-11-26T00:00:00Z"},
        {"Europe/London", "2026-03-29", "2026-03-29T23:00:00Z"},
        {"Europe/London", "2026-10-25", "2026-10-26T00:00:00Z"},
        {"America/New_York", "2026-11-01", "2026-11-02T05:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-03", "2026-10-03T13:30:00Z"},
        {"Asia/Kolkata", "2026-12-31", "2026-12-31T18:30:00Z"},
        {"America/Sao_Paulo", "2018-11-03", "2018-11-04T03:00:00Z"}, /* midnight does not exist */
    };
    xd_ms at = 0;
    for (size_t index = 0; index < sizeof ends / sizeof ends[0]; index++) {
        assert_int_equal(xd_calendar_ship_by(zone_of(ends[index][0]), ends[index][1], &at), XD_OK);
        assert_true(at == instant_of(ends[index][2]));
    }
    assert_int_equal(xd_calendar_ship_by(zone_of("UTC"), "2026-13-01", &at), XD_INVALID);
}

/* ---- the zones kept ---- */

static unsigned reads;

static enum xd_result count_reads(void *context, const char *name, struct xd_buffer *out) {
    (void)context;
    reads++;
    return xd_posix_zones()->read(NULL, name, out);
}

static void zone_is_read_once_and_a_missing_one_again_after_a_minute(void **state) {
    (void)state;
    static const struct xd_zones counted = {.read = count_reads};
    static struct xd_zone_cache fresh;
    struct xd_now now = {5, 5};
    reads = warnings = 0;
    for (int round = 0; round < 3; round++) {
        (void)xd_zone_cache_get(&fresh, &counted, &env, "Europe/London", now);
        assert_int_equal(
            xd_zone_offset_s(xd_zone_cache_get(&fresh, &counted, &env, "Nowhere/At_All", now), 0), 0);
        (void)xd_zone_cache_get(&fresh, &counted, &env, "UTC", now);
        (void)xd_zone_cache_get(&fresh, &counted, &env, "", now);
    }
    assert_int_equal(reads, 2);
    assert_int_equal(warnings, 1);
    now.monotonic += XD_MINUTE_MS;
    (void)xd_zone_cache_get(&fresh, &counted, &env, "Nowhere/At_All", now);
    (void)xd_zone_cache_get(&fresh, &counted, &env, "Europe/London", now);
    assert_int_equal(reads, 3);
    xd_zone_cache_clear(&fresh);
}

static void more_zones_than_are_kept_push_out_the_oldest(void **state) {
    (void)state;
    static const struct xd_zones counted = {.read = count_reads};
    static struct xd_zone_cache fresh;
    struct xd_now now = {5, 5};
    reads = 0;
    for (int hour = 1; hour <= (int)XD_ZONES_KEPT; hour++) {
        char name[32];
        snprintf(name, sizeof name, "Etc/GMT%+d", hour <= 12 ? hour : 12 - hour);
        (void)xd_zone_cache_get(&fresh, &counted, &env, name, now);
    }
    (void)xd_zone_cache_get(&fresh, &counted, &env, "Etc/GMT+1", now); /* used again */
    assert_int_equal(reads, XD_ZONES_KEPT);
    (void)xd_zone_cache_get(&fresh, &counted, &env, "Asia/Kolkata", now);
    (void)xd_zone_cache_get(&fresh, &counted, &env, "Etc/GMT+1", now);
    assert_int_equal(reads, XD_ZONES_KEPT + 1);
    assert_int_equal(xd_zone_offset_s(xd_zone_cache_get(&fresh, &counted, &env, "Etc/GMT+2", now), 0), -7200);
    assert_int_equal(reads, XD_ZONES_KEPT + 2);
    xd_zone_cache_clear(&fresh);
}

static void port_reads_zones_and_nothing_else(void **state) {
    (void)state;
    static const char *const none[] = {"../../../etc/passwd", "/etc/passwd", "Europe", "Europe/Nowhere",
                                       "Europe/London/x",     "tzdata.zi",   ""};
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    for (size_t index = 0; index < sizeof none / sizeof none[0]; index++) {
        assert_int_equal(xd_posix_zones()->read(NULL, none[index], &out), XD_NOT_FOUND);
        assert_int_equal(out.size, 0);
    }
    assert_int_equal(xd_posix_zones()->read(NULL, "Europe/London", &out), XD_OK);
    assert_true(out.size > 100);
    xd_buffer_free(&out);
    xd_buffer_init(&out, 100);
    assert_int_equal(xd_posix_zones()->read(NULL, "Europe/London", &out), XD_FULL);
    xd_buffer_free(&out);
}

static int teardown(void **state) {
    (void)state;
    xd_zone_cache_clear(&cache);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(site_ships_on_the_day_that_its_calendar_says),
        cmocka_unit_test(no_open_day_is_passed_over_around_the_year),
        cmocka_unit_test(day_ends_when_the_next_begins_at_the_site),
        cmocka_unit_test(zone_is_read_once_and_a_missing_one_again_after_a_minute),
        cmocka_unit_test(more_zones_than_are_kept_push_out_the_oldest),
        cmocka_unit_test(port_reads_zones_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
