/* Time zones: what a clock on the wall at a site shows, from a TZif file (RFC 8536,
 * versions 1 to 4) whose bytes a port hands in.
 *
 * Written here because nothing that Debian 12 packages fits: glibc knows one zone for the
 * whole process (setenv TZ and tzset, which no thread may do beside others), and GLib's
 * GTimeZone and ICU read files and the environment by themselves, which the core must not.
 *
 * Instants from 1970 to 9999; what is outside is taken for the nearest inside. Leap seconds
 * are not counted, as nowhere here. Pure but for memory; a zone is not changed once it is
 * decoded, so any thread may ask it. */
#ifndef XD_BASE_ZONE_H
#define XD_BASE_ZONE_H

#include "base/bytes.h"
#include "base/time.h"

#define XD_ZONE_NAME_SIZE 48
#define XD_ZONE_BYTES_MAX ((size_t)256 * 1024)
#define XD_ZONE_CHANGES_MAX 4096u

/* From this instant on the zone is offset_s ahead of UTC. */
struct xd_zone_change {
    int64_t at_s;
    int32_t offset_s;
};

/* A day of each year, and a time of that day, as the zone's footer says them. */
struct xd_zone_rule {
    char form;            /* 'M': weekday of a week of a month, 'J': day 1..365, 'N': day 0..365 */
    int month, week, day; /* week 5: the last */
    int32_t time_s;       /* may be below 0 or beyond the day */
};

/* All zeros is UTC. */
struct xd_zone {
    struct xd_zone_change *changes; /* owned; rising */
    size_t change_count;
    int32_t first_s; /* the offset before the first change */
    bool has_footer; /* it rules from the last change on */
    bool has_summer;
    int32_t standard_s, summer_s;
    struct xd_zone_rule begin, end; /* of summer time */
};

/* XD_INVALID: that is no TZif file, or one with leap seconds, or beyond the bounds. XD_NO_MEMORY. Fills out
 * on XD_OK only; then free it with xd_zone_free. The bytes are not needed any more. */
XD_CHECKED enum xd_result xd_zone_decode(struct xd_bytes file, struct xd_zone *out);
void xd_zone_free(struct xd_zone *zone); /* leaves UTC */

int32_t xd_zone_offset_s(const struct xd_zone *zone, xd_ms at); /* ahead of UTC */

struct xd_local {
    int64_t days; /* since 1970-01-01, see xd_date_write */
    int minute;   /* of the day, 0..1439 */
};
struct xd_local xd_zone_local(const struct xd_zone *zone, xd_ms at);
/* The first instant at which the clock shows that minute or a later one: in a gap the instant at which
 * the clock jumps over it, in an overlap the earlier of both. XD_INVALID: no such minute, or a date out of
 * 1970..9999. */
XD_CHECKED enum xd_result xd_zone_instant(const struct xd_zone *zone, struct xd_local local, xd_ms *out);

/* Whether name may name a zone's file: letters, digits, _ + - in parts with / between, "Europe/London". No
 * dots: nothing leads out of the folder. */
bool xd_zone_name_valid(const char *name);

/* Where zones come from: filled in by the port, used on the turn's thread. */
struct xd_zones {
    void *context;
    /* Appends the zone's file. XD_NOT_FOUND: there is none of that name. MUST refuse a name that
     * xd_zone_name_valid refuses. */
    enum xd_result (*read)(void *context, const char *name, struct xd_buffer *out);
};

#endif
