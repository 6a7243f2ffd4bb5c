/* The level counts thousandths: so a rate of r a second is r of them a millisecond,
 * exactly. Invariant: 0 <= level <= burst * 1000. */
#include "base/bucket.h"

#define ONE INT64_C(1000)

static int64_t full(const struct xd_bucket *bucket) {
    return bucket->burst * ONE;
}

static void refill(struct xd_bucket *bucket, xd_ms now) {
    int64_t missing = full(bucket) - bucket->level, elapsed = now - bucket->at;
    if (elapsed <= 0) {
        return;
    }
    bucket->at = now;
    /* Compared by division: the product of a long silence would overflow. */
    bucket->level =
        elapsed > missing / bucket->rate_per_s ? full(bucket) : bucket->level + elapsed * bucket->rate_per_s;
}

static xd_ms time_of(const struct xd_bucket *bucket, int64_t missing) {
    return missing <= 0 ? 0 : (missing + bucket->rate_per_s - 1) / bucket->rate_per_s;
}

void xd_bucket_init(struct xd_bucket *bucket, int64_t rate_per_s, int64_t burst, xd_ms now) {
    bucket->rate_per_s = rate_per_s;
    bucket->burst = burst;
    bucket->level = full(bucket);
    bucket->at = now;
}

bool xd_bucket_take(struct xd_bucket *bucket, xd_ms now) {
    refill(bucket, now);
    if (bucket->level < ONE) {
        return false;
    }
    bucket->level -= ONE;
    return true;
}

int64_t xd_bucket_left(const struct xd_bucket *bucket) {
    return bucket->level / ONE;
}

xd_ms xd_bucket_wait(const struct xd_bucket *bucket) {
    return time_of(bucket, ONE - bucket->level);
}

xd_ms xd_bucket_fills(const struct xd_bucket *bucket) {
    return time_of(bucket, full(bucket) - bucket->level);
}

void xd_bucket_change(struct xd_bucket *bucket, int64_t rate_per_s, int64_t burst, xd_ms now) {
    if (bucket->rate_per_s == rate_per_s && bucket->burst == burst) {
        return;
    }
    refill(bucket, now);
    int64_t taken = full(bucket) - bucket->level;
    bucket->rate_per_s = rate_per_s;
    bucket->burst = burst;
    bucket->level = taken < full(bucket) ? full(bucket) - taken : 0;
}
