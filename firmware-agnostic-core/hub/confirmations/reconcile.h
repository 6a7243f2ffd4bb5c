/* The decision on one line of a confirmation, as a pure function.
 *
 * The rules are DOMAIN's reconciliation table: trust the quantity, never reject a
 * document for one line, name what is odd. Any thread. */
#ifndef XD_HUB_CONFIRMATIONS_RECONCILE_H
#define XD_HUB_CONFIRMATIONS_RECONCILE_H

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

/* What was shipped, beside what was released. */
enum xd_line_item {
    XD_ITEM_SAME,
    XD_ITEM_SUBSTITUTE, /* another one, in place of it */
    XD_ITEM_OTHER       /* another one, and nothing says why */
};

/* A line of a confirmation, and what is known of what it speaks of. */
struct xd_line_facts {
    const struct xd_release_line_row *release; /* as it stands now; NULL: there is none */
    const struct xd_confirmation_line *line;
    enum xd_line_item item;
    bool may_substitute;
    bool converts;         /* the quantity converts exactly into the release's unit ... */
    struct xd_decimal qty; /* ... and is that then */
    bool blocked;          /* its lot may not be sold: recalled, on hold, expired */
    bool serials_wrong;    /* its serial numbers are not as many as its pieces, or come twice */
    bool more; /* the document speaks of that line again further down (a line per lot, say), so what is
                  missing here may be there, and the remainder is settled by the last one */
    enum xd_confirmation_kind kind;
};

/* Something to tell of a line. */
struct xd_line_note {
    const char *code;
    bool info;          /* only for the record */
    const char *detail; /* static text */
};
#define XD_LINE_NOTES_MAX 4u

struct xd_line_decision {
    bool park; /* nothing of the line is applied; the first note says why */
    struct xd_line_note notes[XD_LINE_NOTES_MAX];
    size_t note_count;
    struct xd_decimal shipped;  /* up to what was released */
    struct xd_decimal over;     /* beyond */
    struct xd_decimal unbilled; /* part of both that must not be billed */
    struct xd_decimal rest;     /* what becomes of the remainder, with `remainder` */
    enum xd_remainder remainder;
    /* What the line says of a remainder although nothing is left, nor was closed before; KEEP: nothing. */
    enum xd_remainder said;
};

/* Whether more is shipped than is left of the line: only then the tolerance counts. */
bool xd_reconcile_is_over(const struct xd_line_facts *facts);
/* XD_INVALID only when a sum cannot be represented. */
XD_CHECKED enum xd_result xd_reconcile_line(const struct xd_line_facts *facts,
                                            const struct xd_policies *policies, struct xd_line_decision *out);

/* A release line that a FULL report does not mention. */
XD_CHECKED enum xd_result xd_reconcile_unlisted(const struct xd_release_line_row *release,
                                                const struct xd_policies *policies,
                                                struct xd_line_decision *out);

#endif
