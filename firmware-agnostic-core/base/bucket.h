/* A token bucket: `burst` requests at once, a rate for long. Whole numbers
 * only, so that no rounding ever gives one away or keeps one back. Pure; `now` is
 * monotonic and handed in. */
#ifndef XD_BASE_BUCKET_H
#define XD_BASE_BUCKET_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define XD_BUCKET_RATE_MAX 1000000  /* a second */
#define XD_BUCKET_BURST_MAX 1000000 /* requests */

struct xd_bucket {
    xd_ms period_ms;
    int64_t rate; /* requests a period */
    int64_t burst;
    int64_t level; /* parts of a request, period_ms of them make one; up to burst of those */
    xd_ms at;      /* of the level */
};

/* Full. rate_per_s is 1..XD_BUCKET_RATE_MAX, burst 1..XD_BUCKET_BURST_MAX. */
void xd_bucket_init(struct xd_bucket *bucket, int64_t rate_per_s, int64_t burst, xd_ms now);
/* The same with a rate of so many a period, of XD_HOUR_MS at most. */
void xd_bucket_init_per(struct xd_bucket *bucket, xd_ms period_ms, int64_t rate, int64_t burst, xd_ms now);
/* Whether one could be taken now. A `now` before the last one counts as that. */
bool xd_bucket_ready(struct xd_bucket *bucket, xd_ms now);
/* Takes one. False: there is none. */
bool xd_bucket_take(struct xd_bucket *bucket, xd_ms now);
/* Whole requests that are left, as of the last take. */
int64_t xd_bucket_left(const struct xd_bucket *bucket);
/* Milliseconds from the last take until one can be taken; 0: at once. */
xd_ms xd_bucket_wait(const struct xd_bucket *bucket);
/* Milliseconds from the last take until it is full. */
xd_ms xd_bucket_fills(const struct xd_bucket *bucket);
/* Other limits from now on, of the same period; what was taken stays taken. Nothing happens when they are
 * the same. */
void xd_bucket_change(struct xd_bucket *bucket, int64_t rate, int64_t burst, xd_ms now);

#endif
