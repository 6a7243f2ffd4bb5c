/* Time as data. The core has no clock: `now` is handed in. Pure; any thread. */
#ifndef XD_BASE_TIME_H
#define XD_BASE_TIME_H

#include "base/result.h"

#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z; also used for spans. */
typedef int64_t xd_ms;

#define XD_SECOND_MS ((xd_ms)1000)
#define XD_MINUTE_MS ((xd_ms)60000)
#define XD_HOUR_MS ((xd_ms)3600000)
#define XD_DAY_MS ((xd_ms)86400000)

#define XD_TIME_TEXT_MAX 32

/* RFC 3339 section 5.6 date-time with offset or Z; fractions beyond a
 * millisecond are cut. Years 1970..9999. XD_INVALID otherwise (no offset is
 * invalid: a local time is not an instant). */
XD_CHECKED enum xd_result xd_time_parse(const char *text, xd_ms *out);
/* "2026-11-23T10:00:00.000Z" into out[XD_TIME_TEXT_MAX]. Returns out. */
char *xd_time_write(xd_ms time, char *out);
/* A calendar date "YYYY-MM-DD" that exists. */
XD_CHECKED enum xd_result xd_date_check(const char *text);

/* Calendar dates, counted in days since 1970-01-01: of the Gregorian calendar, from year 1 to 9999. */
#define XD_DATE_TEXT_SIZE 11
#define XD_DAYS_MIN (-INT64_C(719162)) /* 0001-01-01 */
#define XD_DAYS_MAX INT64_C(2932896)   /* 9999-12-31 */
struct xd_date {
    int year, month, day; /* month 1..12, day 1..31 */
};
/* The date MUST exist; a year one beside the range is fine. */
int64_t xd_date_days(struct xd_date date);
/* Out of the range: the nearest date in it. */
struct xd_date xd_date_of_days(int64_t days);
/* As xd_date_check; and its days. */
XD_CHECKED enum xd_result xd_date_parse(const char *text, int64_t *days);
/* "2026-11-23" into out[XD_DATE_TEXT_SIZE]. Returns out. */
char *xd_date_write(int64_t days, char *out);
/* 0 Monday .. 6 Sunday. */
unsigned xd_date_weekday(int64_t days);

/* The two clocks of one entry into the core. Deadlines and retries are told by
 * `monotonic` (never steps back within a process); `wall` is for what people
 * and documents see, and no outcome depends on it. */
struct xd_now {
    xd_ms wall;
    xd_ms monotonic;
};

#endif
