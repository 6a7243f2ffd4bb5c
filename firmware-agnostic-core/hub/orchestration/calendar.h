/* When a site ships: its zone, its cut-off, its open days and its holidays. Pure; any thread.
 *
 * What reaches a site before its cut-off on an open day ships that day, what comes at the
 * cut-off or later on the next open day; without a cut-off (-1) all that comes on an open
 * day ships that day. What reaches it on a closed day ships on the next open day. Days are
 * the site's own, by its zone. */
#ifndef XD_HUB_ORCHESTRATION_CALENDAR_H
#define XD_HUB_ORCHESTRATION_CALENDAR_H

#include "base/zone.h"
#include "hub/reference/reference.h"

#define XD_CALENDAR_AHEAD_DAYS 366

/* Whether the site works on that day. */
bool xd_calendar_open(const struct xd_site_profile *profile, int64_t days);

/* The date on which the site ships what reaches it at `at`, and not before not_before (a date; NULL: any),
 * into out[XD_DATE_TEXT_SIZE]. XD_NOT_FOUND: no open day within 366 days of the first one that counts; out is
 * "". XD_INVALID: not_before is no date. */
XD_CHECKED enum xd_result xd_calendar_ship_date(const struct xd_site_profile *profile,
                                                const struct xd_zone *zone, xd_ms at, const char *not_before,
                                                char *out);

/* The end of that date at the site, the first instant of the next: what ships on it has shipped by then.
 * XD_INVALID: no date, or none from 1970 on. */
XD_CHECKED enum xd_result xd_calendar_ship_by(const struct xd_zone *zone, const char *date, xd_ms *out);

#endif
