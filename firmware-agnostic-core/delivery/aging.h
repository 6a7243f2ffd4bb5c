/* How long what the peer has covered has been kept, by a clock that no person can set.
 *
 * An aging follows a number that rises (a stream's watermark, the last release that came)
 * and says how far it had risen `keep_ms` ago. Of time counts only what passed in this
 * process while the peer was heard: a wall clock that jumps by years makes nothing old, and
 * a peer that is away for weeks finds all there when it comes back with an old copy.
 *
 * Its marks are at most an eighth of keep_ms apart, so that something is kept for keep_ms and at most
 * a quarter more. They are a small named value of the store, which is written when a mark is set and
 * now and then; a crash makes what is kept somewhat younger, never older. So does
 * another series (a stream's new epoch): it begins anew.
 *
 * Zeroed memory is an aging that was not read yet. After an undo or a failed commit it may stay as it
 * is: a mark that is not in the store is written with the next one. The turn's thread. */
#ifndef XD_DELIVERY_AGING_H
#define XD_DELIVERY_AGING_H

#include "delivery/store.h"

#define XD_AGING_MARKS 12u

struct xd_aging_mark {
    xd_ms age; /* the aging's, when it was set */
    uint64_t upto;
};

struct xd_aging {
    bool read;
    xd_ms stepped_at; /* monotonic; 0: not in this process */
    xd_ms age, saved; /* of the whole series; as it is in the store */
    size_t count;
    struct xd_aging_mark marks[XD_AGING_MARKS]; /* rising in both; the first one may be old enough */
};

struct xd_aging_step {
    const char *name;   /* of the value in the store */
    const char *series; /* no spaces; shorter than XD_EPOCH_SIZE */
    uint64_t upto;      /* how far it has risen now */
    xd_ms keep_ms;
    bool counts; /* whether the time since the last step counts */
    xd_ms monotonic;
};

/* Inside a transaction, every few minutes. *old: what was reached at least keep_ms ago; 0: nothing. It
 * may be more than step->upto when that fell meanwhile. */
XD_CHECKED enum xd_result xd_aging_step(struct xd_aging *aging, const struct xd_delivery_store *store,
                                        const struct xd_aging_step *step, uint64_t *old);

#endif
