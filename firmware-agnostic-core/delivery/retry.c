#include "delivery/retry.h"

void xd_retry_init(struct xd_retry *retry, xd_ms ms_min, xd_ms ms_max) {
    retry->ms_min = ms_min < 1 ? 1 : ms_min;
    retry->ms_max = ms_max < retry->ms_min ? retry->ms_min : ms_max;
    retry->failures = 0;
}

xd_ms xd_retry_next(struct xd_retry *retry, const struct xd_env *env) {
    xd_ms ceiling = retry->ms_min;
    for (unsigned count = 0; count < retry->failures && ceiling < retry->ms_max; count++) {
        ceiling = ceiling > retry->ms_max / 2 ? retry->ms_max : ceiling * 2;
    }
    if (retry->failures < 64) {
        retry->failures++;
    }
    uint64_t random = 0;
    env->entropy(env->context, &random, sizeof random);
    return 1 + (xd_ms)(random % (uint64_t)ceiling);
}

void xd_retry_reset(struct xd_retry *retry) {
    retry->failures = 0;
}
