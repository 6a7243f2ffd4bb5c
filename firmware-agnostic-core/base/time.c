/* Dates are counted by the civil-calendar arithmetic of years that start in
 * March, so that the leap day comes last and each 400 years are alike.
 *
 * Second 60 is refused: a leap second has no place in a count of milliseconds,
 * and to fold it into its neighbour would let two documents' times change places. */
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

#define YEAR_MIN 1970
#define TIME_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* Exactly `count` digits at *at, which moves behind them; -1 otherwise. */
static int take_number(const char **at, unsigned count) {
    int value = 0;
    for (unsigned i = 0; i < count; i++) {
        char character = (*at)[i];
        if (character < '0' || character > '9') {
            return -1;
        }
        value = value * 10 + (character - '0');
    }
    *at += count;
    return value;
}

static bool take_character(const char **at, char wanted) {
    if (**at != wanted) {
        return false;
    }
    (*at)++;
    return true;
}

static int days_of_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static int64_t days_since_epoch(int year, int month, int day) {
    int64_t shifted = month <= 2 ? year - 1 : year;
    int64_t era = shifted / 400; /* years are never negative here */
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct xd_date date_of_days(int64_t days) {
    days += 719468;
    int64_t era = days / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    return (struct xd_date){
        .year = (int)(year_of_era + era * 400 + (month <= 2 ? 1 : 0)),
        .month = (int)month,
        .day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1),
    };
}

static bool take_date(const char **at, struct xd_date *date) {
    date->year = take_number(at, 4);
    if (date->year < 0 || !take_character(at, '-')) {
        return false;
    }
    date->month = take_number(at, 2);
    if (date->month < 1 || date->month > 12 || !take_character(at, '-')) {
        return false;
    }
    date->day = take_number(at, 2);
    return date->day >= 1 && date->day <= days_of_month(date->year, date->month);
}

static bool take_time_of_day(const char **at, xd_ms *time) {
    int hour = take_number(at, 2);
    if (hour < 0 || hour > 23 || !take_character(at, ':')) {
        return false;
    }
    int minute = take_number(at, 2);
    if (minute < 0 || minute > 59 || !take_character(at, ':')) {
        return false;
    }
    int second = take_number(at, 2);
    if (second < 0 || second > 59) {
        return false;
    }
    *time = hour * XD_HOUR_MS + minute * XD_MINUTE_MS + second * XD_SECOND_MS;
    if (!take_character(at, '.')) {
        return true;
    }
    xd_ms unit = 100;
    const char *start = *at;
    for (int digit = take_number(at, 1); digit >= 0; digit = take_number(at, 1)) {
        *time += digit * unit;
        unit /= 10;
    }
    return *at > start;
}

static bool take_offset(const char **at, xd_ms *offset) {
    *offset = 0;
    if (take_character(at, 'Z') || take_character(at, 'z')) {
        return true;
    }
    bool west = take_character(at, '-');
    if (!west && !take_character(at, '+')) {
        return false;
    }
    int hour = take_number(at, 2);
    if (hour < 0 || hour > 23 || !take_character(at, ':')) {
        return false;
    }
    int minute = take_number(at, 2);
    if (minute < 0 || minute > 59) {
        return false;
    }
    *offset = (west ? -1 : 1) * (hour * XD_HOUR_MS + minute * XD_MINUTE_MS);
    return true;
}

static char *write_number(char *out, int value, unsigned digits) {
    for (unsigned i = digits; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

enum xd_result xd_time_parse(const char *text, xd_ms *out) {
    struct xd_date date;
    xd_ms time_of_day = 0;
    xd_ms offset = 0;
    if (text == NULL || !take_date(&text, &date) || date.year < YEAR_MIN) {
        return XD_INVALID;
    }
    if (!take_character(&text, 'T') && !take_character(&text, 't')) {
        return XD_INVALID;
    }
    if (!take_time_of_day(&text, &time_of_day) || !take_offset(&text, &offset) || *text != '\0') {
        return XD_INVALID;
    }
    xd_ms time = days_since_epoch(date.year, date.month, date.day) * XD_DAY_MS + time_of_day - offset;
    if (time < 0 || time > TIME_MAX) { /* an offset can carry it out of what xd_time_write can say */
        return XD_INVALID;
    }
    *out = time;
    return XD_OK;
}

char *xd_time_write(xd_ms time, char *out) {
    /* A broken clock must not break a document: what has no text is written as the nearest that has. */
    time = time < 0 ? 0 : time > TIME_MAX ? TIME_MAX : time;
    struct xd_date date = date_of_days(time / XD_DAY_MS);
    int rest = (int)(time % XD_DAY_MS);
    char *at = write_number(out, date.year, 4);
    *at++ = '-';
    at = write_number(at, date.month, 2);
    *at++ = '-';
    at = write_number(at, date.day, 2);
    *at++ = 'T';
    at = write_number(at, rest / (int)XD_HOUR_MS, 2);
    *at++ = ':';
    at = write_number(at, rest / (int)XD_MINUTE_MS % 60, 2);
    *at++ = ':';
    at = write_number(at, rest / (int)XD_SECOND_MS % 60, 2);
    *at++ = '.';
    at = write_number(at, rest % (int)XD_SECOND_MS, 3);
    *at++ = 'Z';
    *at = '\0';
    return out;
}

enum xd_result xd_date_check(const char *text) {
    int64_t days = 0;
    return xd_date_parse(text, &days);
}

int64_t xd_date_days(struct xd_date date) {
    return days_since_epoch(date.year, date.month, date.day);
}

struct xd_date xd_date_of_days(int64_t days) {
    return date_of_days(days < XD_DAYS_MIN ? XD_DAYS_MIN : days > XD_DAYS_MAX ? XD_DAYS_MAX : days);
}

enum xd_result xd_date_parse(const char *text, int64_t *days) {
    struct xd_date date;
    if (text == NULL || !take_date(&text, &date) || date.year < 1 || *text != '\0') {
        return XD_INVALID;
    }
    *days = xd_date_days(date);
    return XD_OK;
}

char *xd_date_write(int64_t days, char *out) {
    struct xd_date date = xd_date_of_days(days);
    char *at = write_number(out, date.year, 4);
    *at++ = '-';
    at = write_number(at, date.month, 2);
    *at++ = '-';
    at = write_number(at, date.day, 2);
    *at = '\0';
    return out;
}

unsigned xd_date_weekday(int64_t days) {
    return (unsigned)(((days + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}
