/* A TZif file (RFC 8536, section 3), all numbers big-endian:
 *
 *     header   "TZif", version ('\0' or '2' ..), 15 unused bytes, six counts of 4 bytes:
 *              isut, isstd, leap, time, type, char
 *     data     time * (4 or 8) transition times, time * 1 types of them, type * 6 (offset 4,
 *              is summer 1, name 1), char names, leap * (8 or 12), isstd, isut
 *     and from version 2 on again header and data, now with 8-byte times, then a footer:
 *              newline, a POSIX TZ string ("GMT0BST,M3.5.0/1,M10.5.0"), newline
 *
 * The footer rules from the last transition on; before the first one type 0 counts.
 *
 * With f(t) = t + offset(t), the instant of a local time is the least t with f(t) >= it. f
 * rises by a second per second between changes, so the search goes from change to change,
 * beginning where f is certainly below. */
#include "base/zone.h"

#include "base/memory.h"

#include <string.h>

#define HEADER_SIZE ((size_t)44)
#define TYPES_MAX 256u
#define TYPE_SIZE ((size_t)6)
#define OFFSET_MAX 93599 /* RFC 8536: less than 26 hours */
#define DAY_S INT64_C(86400)
#define TIME_S_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define NEVER INT64_MAX

/* ---- the file ---- */

struct counts {
    uint32_t isut, isstd, leap, time, type, character;
};

static uint32_t read_u32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t read_time(const uint8_t *at, size_t size) {
    uint64_t high = read_u32(at);
    return size == 4 ? (int64_t)(int32_t)high : (int64_t)(high << 32 | read_u32(at + 4));
}

/* The header at the start of rest; *version as in the file. */
static bool read_header(struct xd_bytes rest, char *version, struct counts *counts) {
    if (rest.size < HEADER_SIZE || memcmp(rest.data, "TZif", 4) != 0) {
        return false;
    }
    *version = (char)rest.data[4];
    uint32_t *const fields[] = {&counts->isut, &counts->isstd, &counts->leap,
                                &counts->time, &counts->type,  &counts->character};
    for (size_t index = 0; index < 6; index++) {
        *fields[index] = read_u32(rest.data + 20 + 4 * index);
        if (*fields[index] > XD_ZONE_BYTES_MAX) { /* so that sums cannot overflow */
            return false;
        }
    }
    return true;
}

static size_t data_size(const struct counts *counts, size_t time_size) {
    return counts->time * (time_size + 1) + counts->type * TYPE_SIZE + counts->character +
           counts->leap * (time_size + 4) + counts->isstd + counts->isut;
}

static struct xd_bytes skip(struct xd_bytes bytes, size_t size) {
    return xd_bytes_of(bytes.data + size, bytes.size - size);
}

static enum xd_result read_data(const uint8_t *data, const struct counts *counts, size_t time_size,
                                struct xd_zone *zone) {
    const uint8_t *types = data + counts->time * time_size;
    const uint8_t *offsets = types + counts->time;
    if (counts->type == 0 || counts->type > TYPES_MAX || counts->time > XD_ZONE_CHANGES_MAX ||
        counts->leap != 0) {
        return XD_INVALID;
    }
    for (size_t type = 0; type < counts->type; type++) {
        int32_t offset = (int32_t)read_u32(offsets + type * TYPE_SIZE);
        if (offset < -OFFSET_MAX || offset > OFFSET_MAX) {
            return XD_INVALID;
        }
    }
    zone->first_s = (int32_t)read_u32(offsets);
    zone->changes = xd_alloc(counts->time * sizeof *zone->changes);
    if (zone->changes == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < counts->time; index++) {
        struct xd_zone_change *change = &zone->changes[index];
        change->at_s = read_time(data + index * time_size, time_size);
        if (types[index] >= counts->type || (index > 0 && change->at_s <= change[-1].at_s)) {
            return XD_INVALID;
        }
        change->offset_s = (int32_t)read_u32(offsets + types[index] * TYPE_SIZE);
    }
    zone->change_count = counts->time;
    return XD_OK;
}

/* ---- the footer ---- */

/* A view of the footer; what is taken moves its start. Behind its end there is '\0'. */
struct footer {
    const uint8_t *at, *end;
};

static char peek(const struct footer *footer) {
    return footer->at < footer->end ? (char)*footer->at : '\0';
}

static bool take(struct footer *footer, char wanted) {
    bool there = wanted != '\0' && peek(footer) == wanted;
    footer->at += there ? 1 : 0;
    return there;
}

static bool is_letter(char character) {
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z');
}

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

static bool take_number(struct footer *footer, int least, int most, int *out) {
    int value = 0;
    if (!is_digit(peek(footer))) {
        return false;
    }
    while (is_digit(peek(footer)) && value <= most) {
        value = value * 10 + (peek(footer) - '0');
        footer->at++;
    }
    *out = value;
    return value >= least && value <= most;
}

/* EST, or <-03>. */
static bool take_name(struct footer *footer) {
    size_t size = 0;
    bool quoted = take(footer, '<');
    while (is_letter(peek(footer)) ||
           (quoted && (is_digit(peek(footer)) || peek(footer) == '+' || peek(footer) == '-'))) {
        footer->at++;
        size++;
    }
    return size >= 3 && (!quoted || take(footer, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_seconds(struct footer *footer, int hours_max, int32_t *out) {
    int hour = 0, minute = 0, second = 0;
    bool negative = take(footer, '-');
    if (!negative) {
        (void)take(footer, '+');
    }
    if (!take_number(footer, 0, hours_max, &hour)) {
        return false;
    }
    if (take(footer, ':') && (!take_number(footer, 0, 59, &minute) ||
                              (take(footer, ':') && !take_number(footer, 0, 59, &second)))) {
        return false;
    }
    int32_t seconds = hour * 3600 + minute * 60 + second;
    *out = negative ? -seconds : seconds;
    return true;
}

/* ,M3.5.0/1 or ,J60 or ,59 */
static bool take_rule(struct footer *footer, struct xd_zone_rule *rule) {
    bool fine = take(footer, ',');
    rule->time_s = 7200;
    if (fine && take(footer, 'M')) {
        rule->form = 'M';
        fine = take_number(footer, 1, 12, &rule->month) && take(footer, '.') &&
               take_number(footer, 1, 5, &rule->week) && take(footer, '.') &&
               take_number(footer, 0, 6, &rule->day);
    } else if (fine && take(footer, 'J')) {
        rule->form = 'J';
        fine = take_number(footer, 1, 365, &rule->day);
    } else if (fine) {
        rule->form = 'N';
        fine = take_number(footer, 0, 365, &rule->day);
    }
    return fine && (!take(footer, '/') || take_seconds(footer, 167, &rule->time_s));
}

static bool read_footer(struct xd_bytes rest, struct xd_zone *zone) {
    if (rest.size < 2 || rest.data[0] != '\n') {
        return false;
    }
    const uint8_t *end = memchr(rest.data + 1, '\n', rest.size - 1);
    if (end == NULL) {
        return false;
    }
    struct footer footer = {rest.data + 1, end};
    if (footer.at == footer.end) {
        return true;
    }
    /* POSIX counts offsets to the west. */
    bool fine = take_name(&footer) && take_seconds(&footer, 24, &zone->standard_s);
    zone->standard_s = -zone->standard_s;
    zone->has_footer = true;
    if (!fine || footer.at == footer.end) {
        return fine;
    }
    zone->has_summer = true;
    zone->summer_s = zone->standard_s + 3600;
    fine = take_name(&footer);
    if (fine && peek(&footer) != ',') {
        fine = take_seconds(&footer, 24, &zone->summer_s);
        zone->summer_s = -zone->summer_s;
    }
    return fine && take_rule(&footer, &zone->begin) && take_rule(&footer, &zone->end) &&
           footer.at == footer.end;
}

static enum xd_result decode(struct xd_bytes rest, struct xd_zone *zone) {
    struct counts counts;
    size_t time_size = 4;
    char version = '\0', second = '\0';
    if (rest.size > XD_ZONE_BYTES_MAX || !read_header(rest, &version, &counts)) {
        return XD_INVALID;
    }
    bool old = version == '\0';
    if (!old && (version < '2' || version > '4')) {
        return XD_INVALID;
    }
    if (!old) {
        size_t first = HEADER_SIZE + data_size(&counts, time_size);
        time_size = 8;
        if (rest.size < first) {
            return XD_INVALID;
        }
        rest = skip(rest, first);
        if (!read_header(rest, &second, &counts) || second != version) {
            return XD_INVALID;
        }
    }
    rest = skip(rest, HEADER_SIZE);
    if (rest.size < data_size(&counts, time_size)) {
        return XD_INVALID;
    }
    enum xd_result result = read_data(rest.data, &counts, time_size, zone);
    if (result != XD_OK || old) {
        return result;
    }
    return read_footer(skip(rest, data_size(&counts, time_size)), zone) ? XD_OK : XD_INVALID;
}

/* ---- asking ---- */

static int64_t floor_divide(int64_t value, int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

static int64_t rule_day(const struct xd_zone_rule *rule, int year) {
    int64_t january = xd_date_days((struct xd_date){year, 1, 1});
    bool leap = xd_date_days((struct xd_date){year + 1, 1, 1}) - january == 366;
    if (rule->form == 'J') { /* the 29th of February is not counted */
        return january + rule->day - 1 + (leap && rule->day > 59 ? 1 : 0);
    }
    if (rule->form == 'N') {
        return january + rule->day;
    }
    int64_t first = xd_date_days((struct xd_date){year, rule->month, 1});
    int64_t next = rule->month == 12 ? january + (leap ? 366 : 365)
                                     : xd_date_days((struct xd_date){year, rule->month + 1, 1});
    int64_t wanted = (rule->day + 6) % 7; /* 0 is Sunday there, Monday here */
    int64_t day = first + (wanted - xd_date_weekday(first) + 7) % 7 + (rule->week - 1) * 7;
    return day < next ? day : day - 7;
}

/* The offset at `at`, and in *next when it changes next. */
static int32_t ask_footer(const struct xd_zone *zone, int64_t at, int64_t *next) {
    int32_t offset = zone->summer_s;
    int64_t latest = INT64_MIN;
    bool known = false;
    *next = NEVER;
    if (!zone->has_summer) {
        return zone->standard_s;
    }
    int year = xd_date_of_days(floor_divide(at + zone->standard_s, DAY_S)).year;
    /* A rule's time reaches a week into the years beside: what was last, or comes next, is within two years.
     */
    for (int of = year - 2; of <= year + 2; of++) {
        /* The end first: where a summer begins as the last one ends, summer goes on. */
        int64_t ends = rule_day(&zone->end, of) * DAY_S + zone->end.time_s - zone->summer_s;
        int64_t begins = rule_day(&zone->begin, of) * DAY_S + zone->begin.time_s - zone->standard_s;
        if (ends <= at && ends > latest) {
            latest = ends;
            offset = zone->standard_s;
            known = true;
        }
        if (begins <= at && begins >= latest) {
            latest = begins;
            offset = zone->summer_s;
            known = true;
        }
        *next = ends > at && ends < *next ? ends : *next;
        *next = begins > at && begins < *next ? begins : *next;
    }
    return known ? offset : zone->standard_s;
}

static int32_t ask(const struct xd_zone *zone, int64_t at, int64_t *next) {
    size_t low = 0, high = zone->change_count; /* the number of changes up to `at` lies between */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at_s <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->change_count && zone->has_footer) {
        return ask_footer(zone, at, next);
    }
    *next = low < zone->change_count ? zone->changes[low].at_s : NEVER;
    return low == 0 ? zone->first_s : zone->changes[low - 1].offset_s;
}

static int64_t seconds_of(xd_ms at) {
    int64_t seconds = floor_divide(at, XD_SECOND_MS);
    return seconds < 0 ? 0 : seconds > TIME_S_MAX ? TIME_S_MAX : seconds;
}

enum xd_result xd_zone_decode(struct xd_bytes file, struct xd_zone *out) {
    struct xd_zone zone;
    memset(&zone, 0, sizeof zone);
    enum xd_result result = decode(file, &zone);
    if (result == XD_OK) {
        *out = zone;
    } else {
        xd_zone_free(&zone);
    }
    return result;
}

void xd_zone_free(struct xd_zone *zone) {
    xd_free(zone->changes);
    memset(zone, 0, sizeof *zone);
}

int32_t xd_zone_offset_s(const struct xd_zone *zone, xd_ms at) {
    int64_t next = 0;
    return ask(zone, seconds_of(at), &next);
}

struct xd_local xd_zone_local(const struct xd_zone *zone, xd_ms at) {
    int64_t local = seconds_of(at) + xd_zone_offset_s(zone, at);
    int64_t days = floor_divide(local, DAY_S);
    return (struct xd_local){.days = days, .minute = (int)((local - days * DAY_S) / 60)};
}

enum xd_result xd_zone_instant(const struct xd_zone *zone, struct xd_local local, xd_ms *out) {
    if (local.days < 0 || local.days > XD_DAYS_MAX || local.minute < 0 || local.minute >= 1440) {
        return XD_INVALID;
    }
    int64_t wanted = local.days * DAY_S + (int64_t)local.minute * 60;
    int64_t at = wanted - OFFSET_MAX - 1, next = 0;
    /* Ends: beyond wanted + OFFSET_MAX every local time is later than the wanted one. */
    for (;;) {
        int64_t instant = wanted - ask(zone, at, &next);
        if (instant < next) {
            *out = (instant < at ? at : instant) * XD_SECOND_MS;
            return XD_OK;
        }
        at = next;
    }
}

bool xd_zone_name_valid(const char *name) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-";
    size_t size = strlen(name);
    bool fine = size > 0 && size < XD_ZONE_NAME_SIZE;
    for (const char *at = name; fine; at++) {
        size_t part = strspn(at, plain);
        at += part;
        fine = part > 0 && (*at == '/' || *at == '\0');
        if (*at == '\0') {
            break;
        }
    }
    return fine;
}
