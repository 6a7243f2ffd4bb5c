/* The level counts parts of a request, as many as a period has milliseconds: so a rate of
 * r a period is r of them a millisecond, exactly. Invariant: 0 <= level <= burst * period_ms. */
#include "base/bucket.h"

static int64_t full(const struct xd_bucket *bucket) {
    return bucket->burst * bucket->period_ms;
}

static void refill(struct xd_bucket *bucket, xd_ms now) {
    int64_t missing = full(bucket) - bucket->level, elapsed = now - bucket->at;
    if (elapsed <= 0) {
        return;
    }
    bucket->at = now;
    /* Compared by division: the product of a long silence would overflow. */
    bucket->level = elapsed > missing / bucket->rate ? full(bucket) : bucket->level + elapsed * bucket->rate;
}

static xd_ms time_of(const struct xd_bucket *bucket, int64_t missing) {
    return missing <= 0 ? 0 : (missing + bucket->rate - 1) / bucket->rate;
}

void xd_bucket_init_per(struct xd_bucket *bucket, xd_ms period_ms, int64_t rate, int64_t burst, xd_ms now) {
    bucket->period_ms = period_ms;
    bucket->rate = rate;
    bucket->burst = burst;
    bucket->level = full(bucket);
    bucket->at = now;
}

void xd_bucket_init(struct xd_bucket *bucket, int64_t rate_per_s, int64_t burst, xd_ms now) {
    xd_bucket_init_per(bucket, XD_SECOND_MS, rate_per_s, burst, now);
}

bool xd_bucket_ready(struct xd_bucket *bucket, xd_ms now) {
    refill(bucket, now);
    return bucket->level >= bucket->period_ms;
}

bool xd_bucket_take(struct xd_bucket *bucket, xd_ms now) {
    if (!xd_bucket_ready(bucket, now)) {
        return false;
    }
    bucket->level -= bucket->period_ms;
    return true;
}

int64_t xd_bucket_left(const struct xd_bucket *bucket) {
    return bucket->level / bucket->period_ms;
}

xd_ms xd_bucket_wait(const struct xd_bucket *bucket) {
    return time_of(bucket, bucket->period_ms - bucket->level);
}

xd_ms xd_bucket_fills(const struct xd_bucket *bucket) {
    return time_of(bucket, full(bucket) - bucket->level);
}

void xd_bucket_change(struct xd_bucket *bucket, int64_t rate, int64_t burst, xd_ms now) {
    if (bucket->rate == rate && bucket->burst == burst) {
        return;
    }
    refill(bucket, now);
    int64_t taken = full(bucket) - bucket->level;
    bucket->rate = rate;
    bucket->burst = burst;
    bucket->level = taken < full(bucket) ? full(bucket) - taken : 0;
}
