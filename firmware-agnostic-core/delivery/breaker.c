#include "delivery/breaker.h"

const char *const xd_breaker_state_names[] = {"closed", "half_open", "open", NULL};

void xd_breaker_init(struct xd_breaker *breaker, unsigned failures_max, xd_ms open_ms_min,
                     xd_ms open_ms_max) {
    *breaker = (struct xd_breaker){.failures_max = failures_max, .state = XD_BREAKER_CLOSED};
    xd_retry_init(&breaker->wait, open_ms_min, open_ms_max);
}

bool xd_breaker_allows(const struct xd_breaker *breaker, xd_ms now) {
    return now >= breaker->held_until && breaker->state != XD_BREAKER_HALF_OPEN &&
           (breaker->state == XD_BREAKER_CLOSED || now >= breaker->until);
}

void xd_breaker_called(struct xd_breaker *breaker, uint64_t call) {
    if (breaker->state == XD_BREAKER_OPEN) {
        breaker->state = XD_BREAKER_HALF_OPEN;
        breaker->probe = call;
    }
}

static bool is_probe(const struct xd_breaker *breaker, uint64_t call) {
    return breaker->state == XD_BREAKER_HALF_OPEN && breaker->probe == call;
}

static void open_it(struct xd_breaker *breaker, const struct xd_env *env, xd_ms now) {
    breaker->state = XD_BREAKER_OPEN;
    breaker->until = now + xd_retry_next(&breaker->wait, env);
}

void xd_breaker_succeeded(struct xd_breaker *breaker, uint64_t call) {
    if (is_probe(breaker, call)) {
        breaker->state = XD_BREAKER_CLOSED;
        breaker->failures = 0;
        xd_retry_reset(&breaker->wait);
    } else if (breaker->state == XD_BREAKER_CLOSED) {
        breaker->failures = 0;
    }
}

void xd_breaker_failed(struct xd_breaker *breaker, uint64_t call, const struct xd_env *env, xd_ms now) {
    if (is_probe(breaker, call)) {
        open_it(breaker, env, now);
    } else if (breaker->state == XD_BREAKER_CLOSED && breaker->failures_max > 0 &&
               ++breaker->failures >= breaker->failures_max) {
        open_it(breaker, env, now);
    }
}

void xd_breaker_lost(struct xd_breaker *breaker, uint64_t call) {
    if (is_probe(breaker, call)) {
        breaker->state = XD_BREAKER_OPEN;
    }
}

void xd_breaker_hold(struct xd_breaker *breaker, xd_ms until) {
    if (until > breaker->held_until) {
        breaker->held_until = until;
    }
}

xd_ms xd_breaker_opens_at(const struct xd_breaker *breaker) {
    xd_ms until = breaker->state == XD_BREAKER_OPEN ? breaker->until : 0;
    return until > breaker->held_until ? until : breaker->held_until;
}

bool xd_breaker_check(const struct xd_breaker *breaker) {
    bool never = breaker->failures_max == 0;
    return (!never || (breaker->state == XD_BREAKER_CLOSED && breaker->failures == 0)) &&
           (never || breaker->failures <= breaker->failures_max);
}
