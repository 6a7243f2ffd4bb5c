/* Shared by the files of hub/confirmations/ only: a confirmation in hand, and the releases it names.
 *
 *   lines in = applied + parked + rejected, for every document, at every commit.
 *
 * A confirmation whose release is not there waits for it and resumes by itself. Each release that it names
 * becomes one ERP posting with a reference of its own. All on the turn's thread, inside its transaction: a
 * failure wants the event undone. */
#ifndef XD_HUB_CONFIRMATIONS_APPLYING_H
#define XD_HUB_CONFIRMATIONS_APPLYING_H

#include "hub/confirmations/facts.h"
#include "hub/hub_internal.h"
#include "hub/orchestration/conduct.h"

/* One release that the confirmation names. */
struct xd_match {
    struct xd_release_row row;
    struct xd_release_lines lines;
    struct xd_order_lines order_lines; /* of the first release of its order; the others are empty */
    struct xd_match *order_at;         /* where the order's lines are: two copies would undo each other */
    struct xd_order_row order;
    struct xd_job_line_row *posting; /* lines of its ERP job; owned */
    size_t posting_count, posting_capacity;
    bool sale_stale; /* something is cancelled that the posting does not say */
    struct xd_policies policies;
};

struct xd_applying {
    struct xd_hub *hub;
    struct xd_now now;
    struct xd_confirmation_row *row;
    const struct xd_confirmation *confirmation;
    struct xd_match *releases; /* owned */
    size_t release_count;
    const char *first_code; /* of what was parked or odd; static text */
    char first_detail[XD_EXCEPTION_DETAIL_SIZE];
    struct xd_cartons cartons;
    /* Only some lines of it, which were parked: `confirmation` is a copy that has those only, and this is
     * where each of them stands in the document. NULL: all of it. */
    const int64_t *line_index;
    const char *accepts;          /* a person says that lines are applied which this code would park */
    const struct xd_after *after; /* what undoes an earlier version of it */
    size_t after_count;
    bool renews;    /* it was applied before, and its postings were refused: they need other references */
    bool forgotten; /* its postings may be there, as they were then: they are looked for first */
};

/* A posting to the ERP that is done before another one of the same release. */
struct xd_after {
    char release_id[XD_ID_SIZE];
    int64_t job;
};

/* ---- outcome.c ---- */

/* match, line_id: NULL: none. info: for the record only. */
XD_CHECKED enum xd_result xd_applying_complain(struct xd_applying *applying, const struct xd_match *match,
                                               const char *line_id, struct xd_decimal qty, const char *code,
                                               bool info, const char *detail);
/* The same of a line that is parked: the n-th of `confirmation`. waits_for: what resumes it. */
XD_CHECKED enum xd_result xd_applying_park_line(struct xd_applying *applying, const struct xd_match *match,
                                                size_t index, const char *code, const char *detail,
                                                const char *waits_for);
/* The whole document waits for a person or for its release (waits_for, "": for none). */
XD_CHECKED enum xd_result xd_applying_park(struct xd_applying *applying, const char *code,
                                           const char *waits_for, const char *detail);
/* All that was to post is in the ERP. */
XD_CHECKED enum xd_result xd_confirmation_posted(struct xd_hub *hub, struct xd_confirmation_row *row,
                                                 struct xd_now now);

/* ---- matching.c ---- */

/* XD_NOT_FOUND: it may come yet. XD_DENIED: it is another site's, and will not come to this one. */
XD_CHECKED enum xd_result xd_applying_find(struct xd_applying *applying, const char *release_id);
/* Once all are loaded, of all of them, before anything is applied: a claim may take from its neighbours. */
XD_CHECKED enum xd_result xd_applying_claim(struct xd_applying *applying);
XD_CHECKED enum xd_result xd_applying_load(struct xd_applying *applying, struct xd_match *match);
/* Rows of it, and of the others, were changed behind its back. */
XD_CHECKED enum xd_result xd_applying_reload(struct xd_applying *applying);
/* Lines of which it says what has no exact form in their unit count in base units from now on. Rows move. */
XD_CHECKED enum xd_result xd_applying_units(struct xd_applying *applying);
void xd_applying_free(struct xd_applying *applying);
/* NULL: none. */
struct xd_match *xd_match_of_line(struct xd_applying *applying, const struct xd_confirmation_line *line);
struct xd_release_line_row *xd_match_line(struct xd_match *match, const char *line_id);
struct xd_order_line_row *xd_match_order_line(struct xd_match *match, const char *line_id);

/* Whether the order lets another item ship for the one ordered. */
XD_CHECKED enum xd_result xd_match_substitutes(struct xd_applying *applying, const struct xd_match *match,
                                               bool *allowed);
/* How many percent over may ship: the order's own word, else its tenant's, else the hub's. */
XD_CHECKED enum xd_result xd_match_tolerance(struct xd_applying *applying, const struct xd_match *match,
                                             struct xd_decimal *percent);

/* ---- units.c ---- */

/* What was posted of the line, in the unit in which that counts by now. */
XD_CHECKED enum xd_result xd_posted_in_unit_of(const struct xd_release_line_row *line,
                                               struct xd_job_line_row *posted);

/* ---- applying.c ---- */

/* Whether something else would still park the line. */
XD_CHECKED enum xd_result xd_applying_parks(struct xd_applying *applying, size_t index, bool *parks);

XD_CHECKED enum xd_result xd_applying_line(struct xd_applying *applying, size_t index);
/* A full report that says nothing of a line says that none of it was shipped. */
XD_CHECKED enum xd_result xd_applying_unlisted(struct xd_applying *applying, struct xd_match *match);

/* ---- finishing.c ---- */

/* What a release is after something of it shipped, was closed, or was taken back. */
int xd_release_status_after(const struct xd_release_row *row, const struct xd_release_lines *lines);

/* Decides a confirmation; row gets state and counts, the caller stores it. after: see xd_applying. */
XD_CHECKED enum xd_result xd_confirmation_apply(struct xd_hub *hub,
                                                const struct xd_confirmation *confirmation,
                                                struct xd_confirmation_row *row, const struct xd_after *after,
                                                size_t after_count, const char *accepts, struct xd_now now);
/* The same of one that xd_reverse_refused took back. */
XD_CHECKED enum xd_result xd_confirmation_renew(struct xd_hub *hub,
                                                const struct xd_confirmation *confirmation,
                                                struct xd_confirmation_row *row, const char *accepts,
                                                struct xd_now now);
/* The same of one that another life of this hub may have posted: its postings are looked for, and made when
 * they are not there. Whatever its control totals are. */
XD_CHECKED enum xd_result xd_confirmation_apply_forgotten(struct xd_hub *hub,
                                                          const struct xd_confirmation *confirmation,
                                                          struct xd_confirmation_row *row, struct xd_now now);
/* Some lines of it that were parked (`lines` of them, by where they stand in the document) are applied now;
 * accepts: see xd_applying. *done: false: one of them would be parked again, and nothing was changed. */
XD_CHECKED enum xd_result xd_confirmation_apply_lines(struct xd_hub *hub,
                                                      const struct xd_confirmation *confirmation,
                                                      struct xd_confirmation_row *row, const int64_t *lines,
                                                      size_t count, const char *accepts, struct xd_now now,
                                                      bool *done);

/* ---- loading.c ---- */

/* A document that is stored, read again. Free with xd_stored_close, whatever came of opening it. */
struct xd_stored {
    struct xd_document document;
    struct xd_buffer body;
    struct xd_confirmation confirmation;
};
/* XD_INVALID: it cannot be read any more. */
XD_CHECKED enum xd_result xd_stored_open(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                         struct xd_stored *out);
void xd_stored_close(struct xd_stored *stored);

/* A bounded copy of rows, because a callback must not call the store. Free rows with xd_free. */
struct xd_confirmation_rows {
    struct xd_confirmation_row *rows;
    size_t count, capacity;
};
XD_CHECKED enum xd_result xd_confirmation_collect(void *context, const struct xd_confirmation_row *row);
struct xd_job_rows {
    struct xd_job_row *rows;
    size_t count, capacity;
};
XD_CHECKED enum xd_result xd_job_collect(void *context, const struct xd_job_row *row);
struct xd_job_line_rows {
    struct xd_job_line_row *rows;
    size_t count, capacity;
};
XD_CHECKED enum xd_result xd_job_line_collect(void *context, const struct xd_job_line_row *row);
/* The version that counts of those whose postings are of `base`. XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_confirmation_current(struct xd_hub *hub, const char *site,
                                                  const char *confirmation_id, int64_t base,
                                                  struct xd_confirmation_row *out);
/* A reference for one more posting of the confirmation and the release. */
XD_CHECKED enum xd_result xd_confirmation_reference(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                                    const char *order_id, const char *release_id,
                                                    char out[XD_REFERENCE_SIZE]);

/* ---- posted.c ---- */

/* A job that was held, or refused, is called for; a shipment in the units in which its lines count by now,
 * for the ERP may never have heard of others. */
XD_CHECKED enum xd_result xd_job_call_for(struct xd_hub *hub, struct xd_job_row *job, struct xd_now now);
/* The ERP refused it: a person is asked. detail: the ERP's words. */
#define XD_REFUSED_SIZE 256
XD_CHECKED enum xd_result xd_job_complain(struct xd_hub *hub, const struct xd_job_row *job,
                                          char detail[XD_REFUSED_SIZE], struct xd_now now);
/* One that the ERP refused was withdrawn: nobody is asked about it any more. */
XD_CHECKED enum xd_result xd_job_uncomplain(struct xd_hub *hub, const struct xd_job_row *job,
                                            struct xd_now now);

/* ---- reversing.c ---- */

/* Whoever takes a confirmation back: its jobs are the reversals. */
struct xd_reversing {
    struct xd_hub *hub;
    struct xd_now now;
    struct xd_confirmation_row *cause; /* jobs_open rises */
    xd_ms at;                          /* when it was taken back */
    bool renews;                       /* it is applied anew, and nothing else undoes it */
    /* The reversals that were made. Owned: xd_free. */
    struct xd_after *made;
    size_t made_count, made_capacity;
};
/* Takes back all that row did, here and in the ERP; row becomes `state` and is saved, and its site is told.
 */
XD_CHECKED enum xd_result xd_reverse(struct xd_reversing *reversing, struct xd_confirmation_row *row,
                                     enum xd_confirmation_state state);
/* Whether xd_undo_forgotten may be asked: it ships, and takes no lines of others back, which are not given
 * back with it. */
bool xd_may_be_forgotten(const struct xd_confirmation *confirmation);
/* row, which is stored, counts no more (it was superseded or taken back), and was never applied here. But who
 * has a release that is not known here, or a version that came late to a hub that was set back, has it of a
 * hub of which this one is an older copy, and that may have posted it. So it is applied, which finds its
 * postings in the ERP or makes them, and taken back at once; its state stays. What still waits for its
 * release waits on. */
XD_CHECKED enum xd_result xd_undo_forgotten(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                            struct xd_confirmation_row *row, struct xd_now now);
/* What had shipped of a cancelled order was taken back because another version of row (or row itself, after
 * xd_reverse_refused) says what did instead, and that was decided by now: the sites are asked for what it
 * left with them. */
XD_CHECKED enum xd_result xd_reverse_rest(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                          struct xd_now now);
/* Whether the ERP refused all that row posts, and has nothing of it. */
XD_CHECKED enum xd_result xd_confirmation_refused(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                                  bool *so);
/* Of such a one all is taken back that it did here, so that it can be applied as if it came now; row is
 * changed, and not saved. */
XD_CHECKED enum xd_result xd_reverse_refused(struct xd_hub *hub, struct xd_confirmation_row *row,
                                             struct xd_now now);
/* A line that takes back what was shipped of it before: as many of `qty` (of the release's unit) as are
 * found, the last shipment first. XD_NOT_FOUND: not so many are there, and nothing was changed. */
XD_CHECKED enum xd_result xd_reverse_line(struct xd_reversing *reversing,
                                          const struct xd_release_row *release,
                                          const struct xd_confirmation_line *line, struct xd_decimal qty);

/* ---- remainders.c ---- */

/* Something was taken back, or did not ship after all, and of a line that shipped beyond its quantity, or
 * what its site had given up, something is left: that is made good, and the release saved with the status
 * that it has then. *ended: its site is not asked for anything any more because nothing is left:
 * xd_hub_request_over. What is open then is the caller's to place. serves:
 * what was said of a remainder that was not there is done now. */
XD_CHECKED enum xd_result xd_remainders_even(struct xd_conduct *conduct, struct xd_release_work *work,
                                             bool serves, bool *ended);
/* What is left of the line is cancelled, or a backorder, as that confirmation said or somebody of it; only
 * who that is is read of `by`. The row is the caller's to save. */
XD_CHECKED enum xd_result xd_remainder_give(struct xd_conduct *conduct, struct xd_release_work *work,
                                            struct xd_release_line_row *line,
                                            const struct xd_awaiting_row *by, bool cancels);
/* The same of each release of a document whose lines were applied, and what is open then is placed. */
XD_CHECKED enum xd_result xd_applying_even(struct xd_applying *applying);

/* ---- voiding.c ---- */

/* A confirmation of the kind VOID or REVERSAL. */
XD_CHECKED enum xd_result xd_confirmation_void(struct xd_applying *applying);
/* A line that is taken back. */
XD_CHECKED enum xd_result xd_applying_reversal(struct xd_applying *applying, size_t index);

/* ---- correcting.c ---- */

/* Another version of a confirmation has come, which is not known yet. *fresh: nothing of another one counts,
 * so it is applied as the first. Otherwise it was decided. */
XD_CHECKED enum xd_result xd_confirmation_correct(struct xd_hub *hub,
                                                  const struct xd_confirmation *confirmation,
                                                  struct xd_confirmation_row *row, struct xd_now now,
                                                  bool *fresh);
/* One that waited for its release goes on. *fresh: it is applied as the first; otherwise a version before it,
 * which waited with it, was applied by now, and this one has taken its place. */
XD_CHECKED enum xd_result xd_confirmation_follow(struct xd_hub *hub,
                                                 const struct xd_confirmation *confirmation,
                                                 struct xd_confirmation_row *row, struct xd_now now,
                                                 bool *fresh);

/* ---- resuming.c ---- */

/* A confirmation was decided and is stored: who takes back what it shipped, and came before it, goes on. */
XD_CHECKED enum xd_result xd_resume_after(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                          const struct xd_confirmation *confirmation, struct xd_now now);
/* One whole document that is parked is applied as things are now; accepts: see xd_applying. */
XD_CHECKED enum xd_result xd_resume_document(struct xd_hub *hub, struct xd_confirmation_row *row,
                                             const char *accepts, struct xd_now now);
/* One line that is parked; *done: whether it could be. */
XD_CHECKED enum xd_result xd_resume_line(struct xd_hub *hub, const struct xd_parked_line_row *parked,
                                         const char *accepts, struct xd_now now, bool *done);

#endif
