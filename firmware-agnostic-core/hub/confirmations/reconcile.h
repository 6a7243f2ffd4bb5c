/* The decision on one line of a confirmation, as a pure function.
 *
 * The rules are DOMAIN's reconciliation table: trust the quantity, never reject a
 * document for one line, name what is odd. Any thread. */
#ifndef XD_HUB_RECONCILE_H
#define XD_HUB_RECONCILE_H

#include "documents/confirmation.h"
#include "hub/store.h"

/* What a shortage without a status means. */
enum xd_unshipped { XD_UNSHIPPED_OPEN, XD_UNSHIPPED_CLOSED, XD_UNSHIPPED_ASK };

struct xd_policies {
    struct xd_decimal over_tolerance_pct;
    enum xd_unshipped unshipped_means;
};

enum xd_remainder {
    XD_REMAINDER_KEEP,  /* more may come on this release */
    XD_REMAINDER_OPEN,  /* back to the order, as a backorder */
    XD_REMAINDER_CANCEL /* will never come */
};

struct xd_line_decision {
    bool park;                  /* nothing of the line is applied; code says why */
    const char *code;           /* exception to raise; NULL: none */
    bool info;                  /* the exception is only for the record */
    const char *detail;         /* static text */
    struct xd_decimal shipped;  /* up to what was released */
    struct xd_decimal over;     /* beyond */
    struct xd_decimal unbilled; /* part of over that must not be billed */
    struct xd_decimal rest;     /* what becomes of the remainder, with `remainder` */
    enum xd_remainder remainder;
};

/* release: the line it speaks of as it stands now, NULL when there is none. more: the
 * document speaks of that line again further down (a line per lot, say), so what is
 * missing here may be there, and the remainder is settled by the last one.
 * XD_INVALID only when a sum cannot be represented. */
XD_CHECKED enum xd_result xd_reconcile_line(const struct xd_release_line_row *release,
                                            const struct xd_confirmation_line *line, bool more,
                                            enum xd_confirmation_kind kind,
                                            const struct xd_policies *policies, struct xd_line_decision *out);

/* A release line that a FULL report does not mention. */
XD_CHECKED enum xd_result xd_reconcile_unlisted(const struct xd_release_line_row *release,
                                                const struct xd_policies *policies,
                                                struct xd_line_decision *out);

#endif
