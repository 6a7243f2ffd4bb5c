#include "hub/orchestration/calendar.h"

#include <string.h>

bool xd_calendar_open(const struct xd_site_profile *profile, int64_t days) {
    char date[XD_DATE_TEXT_SIZE];
    bool open = (profile->open_days >> xd_date_weekday(days) & 1u) != 0;
    (void)xd_date_write(days, date);
    for (size_t index = 0; open && index < profile->holiday_count; index++) {
        open = strcmp(profile->holidays[index], date) != 0;
    }
    return open;
}

enum xd_result xd_calendar_ship_date(const struct xd_site_profile *profile, const struct xd_zone *zone,
                                     xd_ms at, const char *not_before, char *out) {
    struct xd_local local = xd_zone_local(zone, at);
    int64_t first = local.days, least = local.days;
    out[0] = '\0';
    if (not_before != NULL && xd_date_parse(not_before, &least) != XD_OK) {
        return XD_INVALID;
    }
    if (profile->cutoff_minute >= 0 && local.minute >= profile->cutoff_minute) {
        first++; /* on a closed day that changes nothing: it would not have shipped today */
    }
    first = least > first ? least : first;
    for (int64_t days = first; days < first + XD_CALENDAR_AHEAD_DAYS && days <= XD_DAYS_MAX; days++) {
        if (xd_calendar_open(profile, days)) {
            (void)xd_date_write(days, out);
            return XD_OK;
        }
    }
    return XD_NOT_FOUND;
}

enum xd_result xd_calendar_ship_by(const struct xd_zone *zone, const char *date, xd_ms *out) {
    struct xd_local next = {.minute = 0};
    if (xd_date_parse(date, &next.days) != XD_OK) {
        return XD_INVALID;
    }
    next.days++;
    return xd_zone_instant(zone, next, out);
}
