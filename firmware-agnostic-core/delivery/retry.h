/* Retry with full jitter: a uniformly random wait between 0 and a ceiling that
 * doubles with each failure (Brooker, "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015). Pure; entropy comes from the environment. */
#ifndef XD_DELIVERY_RETRY_H
#define XD_DELIVERY_RETRY_H

#include "base/env.h"
#include "base/time.h"

struct xd_retry {
    xd_ms ms_min, ms_max; /* of the ceiling */
    unsigned failures;
};

void xd_retry_init(struct xd_retry *retry, xd_ms ms_min, xd_ms ms_max);
/* Counts one failure and gives the wait until the next try, at least 1 ms and
 * never more than ms_max. */
xd_ms xd_retry_next(struct xd_retry *retry, const struct xd_env *env);
void xd_retry_reset(struct xd_retry *retry);

#endif
