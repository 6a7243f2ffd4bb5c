/* Shared by the files of hub/confirmations/ only: a confirmation in hand, and the releases it names.
 *
 *   lines in = applied + parked + rejected, for every document, at every commit.
 *
 * A confirmation whose release is not there waits for it and resumes by itself. Each release that it names
 * becomes one ERP posting with a reference of its own. All on the turn's thread, inside its transaction: a
 * failure wants the event undone. */
#ifndef XD_HUB_CONFIRMATIONS_APPLYING_H
#define XD_HUB_CONFIRMATIONS_APPLYING_H

#include "hub/hub_internal.h"

/* One release that the confirmation names. */
struct xd_match {
    struct xd_release_row row;
    struct xd_release_lines lines;
    struct xd_order_lines order_lines; /* of the first release of its order; the others are empty */
    struct xd_match *order_at;         /* where the order's lines are: two copies would undo each other */
    struct xd_order_row order;
    struct xd_job_line_row *posting; /* lines of its ERP job */
    size_t posting_count;
    bool sale_stale; /* something is cancelled that the posting does not say */
};

struct xd_applying {
    struct xd_hub *hub;
    struct xd_now now;
    struct xd_confirmation_row *row;
    const struct xd_confirmation *confirmation;
    struct xd_match *releases; /* owned */
    size_t release_count;
    const char *first_code, *first_detail; /* of what was parked or odd */
};

/* ---- outcome.c ---- */

/* match, line_id: NULL: none. info: for the record only. */
XD_CHECKED enum xd_result xd_applying_complain(struct xd_applying *applying, const struct xd_match *match,
                                               const char *line_id, struct xd_decimal qty, const char *code,
                                               bool info, const char *detail);
/* The whole document waits for a person or for its release (waits_for, "": for none). */
XD_CHECKED enum xd_result xd_applying_park(struct xd_applying *applying, const char *code,
                                           const char *waits_for, const char *detail);
/* All that was to post is in the ERP. */
XD_CHECKED enum xd_result xd_confirmation_posted(struct xd_hub *hub, struct xd_confirmation_row *row,
                                                 struct xd_now now);

/* ---- matching.c ---- */

/* XD_NOT_FOUND: it may come yet. XD_DENIED: it is another site's, and will not come to this one. */
XD_CHECKED enum xd_result xd_applying_find(struct xd_applying *applying, const char *release_id);
/* All of them, before anything of the first is read: a claim may take from its neighbours. */
XD_CHECKED enum xd_result xd_applying_claim(struct xd_applying *applying);
XD_CHECKED enum xd_result xd_applying_load(struct xd_applying *applying, struct xd_match *match);
void xd_applying_free(struct xd_applying *applying);
/* NULL: none. */
struct xd_match *xd_match_of_line(struct xd_applying *applying, const struct xd_confirmation_line *line);
struct xd_release_line_row *xd_match_line(struct xd_match *match, const char *line_id);
struct xd_order_line_row *xd_match_order_line(struct xd_match *match, const char *line_id);

/* ---- applying.c ---- */

XD_CHECKED enum xd_result xd_applying_line(struct xd_applying *applying, size_t index);
/* A full report that says nothing of a line says that none of it was shipped. */
XD_CHECKED enum xd_result xd_applying_unlisted(struct xd_applying *applying, struct xd_match *match);

/* ---- finishing.c ---- */

/* Decides a confirmation; row gets state and counts, the caller stores it. */
XD_CHECKED enum xd_result xd_confirmation_apply(struct xd_hub *hub,
                                                const struct xd_confirmation *confirmation,
                                                struct xd_confirmation_row *row, struct xd_now now);

#endif
