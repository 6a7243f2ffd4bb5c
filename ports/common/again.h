/* When to have a consumer made anew, so that the broker brings again what was not taken.
 *
 * At once the first time; while it goes on (a full disk refuses all there is) ever later, up
 * to XD_AGAIN_MS_MAX, for each time the broker brings everything again, to be refused
 * again. Once all was taken for a while the next time is the first one again. Pure; monotonic time. */
#ifndef XD_COMMON_AGAIN_H
#define XD_COMMON_AGAIN_H

#include "base/time.h"

#include <stdbool.h>

#define XD_AGAIN_MS_MIN ((xd_ms)1000)
#define XD_AGAIN_MS_MAX ((xd_ms)16000)

struct xd_again {
    bool due;
    xd_ms at;   /* not before */
    xd_ms wait; /* between the last two; 0: it never was */
    xd_ms last;
};

/* Whether it is to be made anew now; then it is not due any more. */
bool xd_again_take(struct xd_again *again, xd_ms now);

#endif
