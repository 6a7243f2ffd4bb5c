/* How often a client of the API may ask: a token bucket for each, in a table of a
 * fixed size. Pure but for its memory; one thread at a time (the query thread). */
#ifndef XD_POSIX_HUB_HUB_RATES_H
#define XD_POSIX_HUB_HUB_RATES_H

#include "base/time.h"
#include "hub/store.h"

#include <stdbool.h>

struct xd_rates;

/* What the RateLimit headers tell (draft-ietf-httpapi-ratelimit-headers). */
struct xd_rate {
    bool limited;     /* false: this client has no limit, and the rest is 0 */
    int64_t quota;    /* requests at once (q) ... */
    int64_t window_s; /* ... which come back within so many seconds (w) */
    int64_t left;     /* requests (r) */
    int64_t until_s;  /* until all are there again; when none is left: until there is one (t) */
};

/* Of clients without limits of their own; rate_per_s 0: none; burst 0: as many as rate_per_s. */
XD_CHECKED enum xd_result xd_rates_new(int64_t rate_per_s, int64_t burst, struct xd_rates **out);
void xd_rates_free(struct xd_rates *rates);
/* Counts one request of the client. False: it has none left; until_s is when to ask again, 1 or more. */
bool xd_rates_take(struct xd_rates *rates, const struct xd_client_row *client, xd_ms now,
                   struct xd_rate *rate);

#endif
