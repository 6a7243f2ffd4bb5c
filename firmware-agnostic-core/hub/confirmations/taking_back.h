/* Private to what takes confirmations back (reversing.c, reversing_part.c): one release of theirs. One
 * thread, inside a transaction. Of what is told to the ERP see reversing.c. */
#ifndef XD_HUB_CONFIRMATIONS_TAKING_BACK_H
#define XD_HUB_CONFIRMATIONS_TAKING_BACK_H

#include "hub/confirmations/applying.h"
#include "hub/orchestration/conduct.h"

/* One release of the confirmation that is taken back. */
struct xd_back {
    struct xd_reversing *reversing;
    struct xd_conduct conduct;
    struct xd_release_work work;
};

XD_CHECKED enum xd_result xd_back_open(struct xd_reversing *reversing, const struct xd_release_row *release,
                                       struct xd_back *back);
/* What was done to it is stored, and its order goes on; with what went wrong before, if anything did. row:

 * what was taken back, of which this is told. Frees what back holds. */
XD_CHECKED enum xd_result xd_back_close(struct xd_back *back, const struct xd_confirmation_row *row,
                                        enum xd_result result);
/* NULL: it has none of that name. */
struct xd_release_line_row *xd_back_line(struct xd_back *back, const char *line_id);
/* The order is cancelled, and the site has the goods again, and may ship them anew; but for one that is being
 * asked for all it has. */
bool xd_back_stays_with_site(const struct xd_back *back);
/* qty of the line has not shipped after all; sku: what was there instead. */
XD_CHECKED enum xd_result xd_back_take(struct xd_back *back, struct xd_release_line_row *line,
                                       const char *sku, struct xd_decimal qty);
/* A remainder that was closed or opened is the release's again. */
XD_CHECKED enum xd_result xd_back_restore(struct xd_back *back, const struct xd_remainder_row *row);

/* ---- its postings ---- */

/* The postings of the order that count, of this release; xd_free(out->rows). */
XD_CHECKED enum xd_result xd_back_postings(struct xd_back *back, struct xd_job_rows *out);
/* xd_free(out->rows) */
XD_CHECKED enum xd_result xd_back_lines(struct xd_back *back, const struct xd_job_row *job,
                                        struct xd_job_line_rows *out);
/* As that one was made, and no reference yet. */
void xd_back_fill_job(const struct xd_back *back, const struct xd_job_row *of, enum xd_erp_kind kind,
                      struct xd_job_row *job);
/* *number: of the reversal; 0: the ERP refused the posting, so there is nothing to undo. */
XD_CHECKED enum xd_result xd_back_undo(struct xd_back *back, struct xd_job_row *posting,
                                       const struct xd_job_line_rows *lines, int64_t *number);

/* ---- reversing.c ---- */

/* Nothing of it counts any more: it is in that state from now on. */
XD_CHECKED enum xd_result xd_reverse_retire(struct xd_reversing *reversing, struct xd_confirmation_row *row,
                                            enum xd_confirmation_state state);

#endif
