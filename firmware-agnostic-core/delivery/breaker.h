/* A circuit breaker before somebody who may be in trouble (Nygard, "Release It!"): after so many failures
 * in a row nothing is called for a while, then one call alone is made, a probe, and what it meets decides.
 *
 *   CLOSED --failures_max failures in a row--> OPEN --its time is over, a call--> HALF_OPEN
 *   HALF_OPEN --the probe succeeds--> CLOSED
 *             --the probe fails--> OPEN, for a time whose ceiling is twice as high
 *             --the probe's outcome is lost--> OPEN, whose time is over
 *
 * How long it is open is random (delivery/retry.h). Calls that left before it opened say nothing any more:
 * the probe decides alone. Beside that it holds: whoever is called may say how long not to call, whatever the
 * state. Order of calls: init; then for each call xd_breaker_allows, xd_breaker_called, and one of answered
 * and lost. Pure; `now` is monotonic and handed in. */
#ifndef XD_DELIVERY_BREAKER_H
#define XD_DELIVERY_BREAKER_H

#include "delivery/retry.h"

#include <stdbool.h>

enum xd_breaker_state { XD_BREAKER_CLOSED, XD_BREAKER_HALF_OPEN, XD_BREAKER_OPEN };
extern const char *const xd_breaker_state_names[]; /* "closed", "half_open", "open", NULL */

struct xd_breaker {
    unsigned failures_max; /* 0: it never opens */
    unsigned failures;     /* in a row; of a breaker that is closed */
    enum xd_breaker_state state;
    uint64_t probe;       /* HALF_OPEN: the call that decides */
    xd_ms until;          /* OPEN: not before */
    xd_ms held_until;     /* in any state: not before; it only grows */
    struct xd_retry wait; /* gives the time for which it is open */
};

/* Closed. open_ms_min, open_ms_max: of the ceiling of the time for which it is open. */
void xd_breaker_init(struct xd_breaker *breaker, unsigned failures_max, xd_ms open_ms_min, xd_ms open_ms_max);
/* Whether a call may be made now. Unless it is closed, one alone. */
bool xd_breaker_allows(const struct xd_breaker *breaker, xd_ms now);
/* A call that was allowed is made. call: its number, of no other call. */
void xd_breaker_called(struct xd_breaker *breaker, uint64_t call);
/* That call succeeded: whoever was called is there and does its work, whatever it said. */
void xd_breaker_succeeded(struct xd_breaker *breaker, uint64_t call);
void xd_breaker_failed(struct xd_breaker *breaker, uint64_t call, const struct xd_env *env, xd_ms now);
/* What became of that call will never be known here, or it never left. */
void xd_breaker_lost(struct xd_breaker *breaker, uint64_t call);
/* Nothing is called before `until`. */
void xd_breaker_hold(struct xd_breaker *breaker, xd_ms until);
/* When the next call may be allowed at the earliest; 0: at once. HALF_OPEN: when the probe is over, which
 * nobody knows; what is said then is of the hold alone. */
xd_ms xd_breaker_opens_at(const struct xd_breaker *breaker);
bool xd_breaker_check(const struct xd_breaker *breaker);

#endif
