/* One order in hand, and what is done with it.
 *
 *   CHECK -> CREDIT -> ROUTE -> POST -> RELEASE        (enum xd_step; DESIGN, the hub's way with an order)
 *
 * A step that is done is a bit of the order's row, so that a restart goes on where it was;
 * a step that is undone loses it again, and so does the check when a revision changes what was asked. What a
 * step did is in rows of its own: what is booked against the customer's credit in the order's total, what is
 * reserved in the releases that are drafted, the sale in its ERP job. A hold stops the order before its next
 * step. Undoing goes in reverse and takes back what was done: a sale that was never called for is withdrawn,
 * one that the ERP has is changed, a release that a site has is asked back.
 *
 * Legal order of calls: open (or fill it); any of the others; end, or save and close. All on the turn's
 * thread, within the turn's transaction; after anything but XD_OK only close. */
#ifndef XD_HUB_ORCHESTRATION_CONDUCT_H
#define XD_HUB_ORCHESTRATION_CONDUCT_H

#include "hub/hub_internal.h"
#include "hub/orchestration/quantities.h"

struct xd_conduct {
    struct xd_hub *hub;
    struct xd_now now;
    struct xd_order_row order;
    struct xd_order_lines lines;
    /* The order as it came; NULL until xd_conduct_parse. Borrowed from whoever began it, or own. */
    const struct xd_order *parsed;
    struct xd_document document;
    struct xd_order own;
    bool new_lines;     /* they are in no row yet: saving the order adds them as they are then */
    bool sale_stale;    /* the ERP may have been told another quantity */
    bool revised;       /* this event is a revision, or lets one go on: what is open may be what it added */
    bool told;          /* an event of its own tells it, should the order be over now */
    char decision[400]; /* the sentence of the last routing decision */
    const char *ended;  /* why the order's own policy cancels a part of it now; NULL: it does not */
    const char *by;     /* the client who wishes what is done now; NULL: it is nobody's wish */
    /* Releases that were sent just now: what waited for them is applied at the end. Owned. */
    char (*sent)[XD_ID_SIZE];
    size_t sent_count, sent_capacity;
};

/* Loads it. XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_conduct_open(struct xd_conduct *conduct, struct xd_hub *hub,
                                          const char *order_id, struct xd_now now);
/* A new order (row and lines are filled in), and the first step of its timeline: orders.c. Its lines are
 * stored when it is saved, once. */
XD_CHECKED enum xd_result xd_conduct_start(struct xd_conduct *conduct, const char *step);
/* The order's body, read again; does nothing when it is there. */
XD_CHECKED enum xd_result xd_conduct_parse(struct xd_conduct *conduct);
/* The row as it would be stored now, for who tells of it on the way. */
struct xd_order_row xd_conduct_row(const struct xd_conduct *conduct);
/* Stores the row with the status that follows from steps, holds and lines, and tells what changed. */
XD_CHECKED enum xd_result xd_conduct_save(struct xd_conduct *conduct);
void xd_conduct_close(struct xd_conduct *conduct);
/* The usual end: when `result` is XD_OK saves, closes, and applies what waited for the releases that were
 * sent; otherwise only closes and returns it. */
XD_CHECKED enum xd_result xd_conduct_end(struct xd_conduct *conduct, enum xd_result result);
/* `,"by":"name"` for the detail of a timeline entry, or "". Returns out. */
#define XD_BY_SIZE (XD_QUOTED_SIZE + 8)
const char *xd_conduct_by(const struct xd_conduct *conduct, char out[XD_BY_SIZE]);
XD_CHECKED enum xd_result xd_conduct_save_line(struct xd_conduct *conduct,
                                               const struct xd_order_line_row *line);
/* NULL: none. */
struct xd_order_line_row *xd_conduct_line(struct xd_conduct *conduct, const char *line_id);
bool xd_conduct_did(const struct xd_conduct *conduct, enum xd_step step);

/* ---- steps.c ---- */

/* Does what can be done now, up to the end, a hold, or somebody's answer. */
XD_CHECKED enum xd_result xd_conduct_go(struct xd_conduct *conduct);
/* Nobody shall get it any more: undoes the steps in reverse; what sites have they are asked for.
 * status: XD_ORDER_REJECTED (nothing was at a site), or XD_ORDER_CANCELLED. */
XD_CHECKED enum xd_result xd_conduct_undo(struct xd_conduct *conduct, enum xd_order_status status,
                                          const char *code, const char *detail);
/* code: of the exception that says so; NULL: none. */
XD_CHECKED enum xd_result xd_conduct_hold(struct xd_conduct *conduct, enum xd_hold hold, const char *code,
                                          const char *detail);
/* Takes a hold off, closes its exception and goes on: the step that it stopped is done by that word.
 * word: who says so, and why. */
XD_CHECKED enum xd_result xd_conduct_unhold(struct xd_conduct *conduct, enum xd_hold hold,
                                            const struct xd_word *word);
/* Takes a hold off, closes its exception and does again what it stopped, which may hold it again. */
XD_CHECKED enum xd_result xd_conduct_retry(struct xd_conduct *conduct, enum xd_hold hold,
                                           const struct xd_word *word);
/* Whether nothing more of it may go out now: it is held, at its end, or has not passed the check; once it was
 * released, the check of what it was changed to. */
bool xd_conduct_waits(const struct xd_conduct *conduct);
/* It was revised: where it is not what somebody outside was asked about (other: that goes for more than its
 * lines), that is asked anew, and until the answer nothing more of it goes out. What was released goes on. */
XD_CHECKED enum xd_result xd_conduct_check_revised(struct xd_conduct *conduct, bool other);
/* The check has passed it: goes on. */
XD_CHECKED enum xd_result xd_conduct_checked(struct xd_conduct *conduct);
/* Asks all sites for what they have of it; it stays wanted. */
XD_CHECKED enum xd_result xd_conduct_call_back(struct xd_conduct *conduct);
/* What is booked for the order follows its lines; more than the customer's limit allows is not booked. */
XD_CHECKED enum xd_result xd_conduct_rebook(struct xd_conduct *conduct, bool *within);
/* Whether the customer's limit allows what is not booked of the order yet; `why` says it in a sentence. */
XD_CHECKED enum xd_result xd_conduct_credit(struct xd_conduct *conduct, bool *within, char why[220]);
/* Something of it is to be shipped once more: its credit, which was free at its end, is booked again. */
XD_CHECKED enum xd_result xd_conduct_book_reopened(struct xd_conduct *conduct);
/* What was cancelled of it is free again; at_end: all of it. */
XD_CHECKED enum xd_result xd_conduct_free_credit(struct xd_conduct *conduct, bool at_end);

/* ---- units.c: lines that count in base units ---- */

/* The line, and that line of all releases of the order, counts in base units from now on, and is saved. Rows
 * of releases that are in memory are as they were before: read them again. base_uom: what that unit
 * is called; NULL: as the product says. Nothing is changed when it is not XD_OK. XD_NOT_FOUND: there is no
 * such product. XD_INVALID: some quantity has too many digits for that. */
XD_CHECKED enum xd_result xd_conduct_to_base(struct xd_conduct *conduct, struct xd_order_line_row *line,
                                             const char *base_uom);
/* A quantity of the unit in which the line was ordered, in the one in which it counts. */
XD_CHECKED enum xd_result xd_line_of_ordered(const struct xd_order_line_row *line, struct xd_decimal qty,
                                             struct xd_decimal *out);
/* A quantity of the unit in which the site knows the line, likewise. */
XD_CHECKED enum xd_result xd_release_line_of_told(const struct xd_release_line_row *line,
                                                  struct xd_decimal qty, struct xd_decimal *out);

/* qty of line->uom of that SKU in the unit in which the release counts, exactly. The factor of the unit in
 * which the line was ordered is the one that was frozen then, whatever the product says by now. */
XD_CHECKED enum xd_result xd_confirmed_qty(struct xd_hub *hub, const struct xd_release_line_row *release,
                                           const struct xd_order_line_row *ordered,
                                           const struct xd_confirmation_line *line, const char *sku,
                                           bool *converts, struct xd_decimal *qty);
/* The same in base units. */
XD_CHECKED enum xd_result xd_confirmed_base(struct xd_hub *hub, const struct xd_release_line_row *release,
                                            const struct xd_order_line_row *ordered,
                                            const struct xd_confirmation_line *line, const char *sku,
                                            bool *converts, struct xd_decimal *qty);

/* ---- place.c: from open quantities to sites ---- */

/* Which quantities to place. Backorders wait for stock that is known: a site whose stock is not known
 * has once said that it has none. When a person says so, ANYWHERE asks it again, and AGAIN also those sites
 * that refused a release of the order. */
enum xd_place { XD_PLACE_OPEN, XD_PLACE_BACKORDERS, XD_PLACE_ANYWHERE, XD_PLACE_AGAIN };
/* Routes, reserves and drafts; what cannot be placed is backordered, cancelled, or held, by the order's
 * policy. */
XD_CHECKED enum xd_result xd_conduct_place(struct xd_conduct *conduct, enum xd_place what);
/* All that is in a pot of the order's lines goes to another. */
XD_CHECKED enum xd_result xd_conduct_move_all(struct xd_conduct *conduct, enum xd_pot from, enum xd_pot to);
/* Sends the drafts to their sites. */
XD_CHECKED enum xd_result xd_conduct_release(struct xd_conduct *conduct);

/* ---- adopt.c: a release that its site has, and this hub had forgotten ---- */

/* A release of an order that a site gave back: its lines take what is open. */
XD_CHECKED enum xd_result xd_conduct_draft_adopted(struct xd_conduct *conduct,
                                                   const struct xd_release *release);
/* A release that came back is known: its order was taken again before that, and routed anew. What the site
 * has more of than it was drafted with now takes what is open, too. any: there was more. */
XD_CHECKED enum xd_result xd_conduct_adopt_too(struct xd_conduct *conduct, const struct xd_release *release,
                                               bool *any);
/* The same where its site has less of it than it was drafted with now, both as they were first: the order has
 * the difference back, to be placed anew. any: there was less. */
XD_CHECKED enum xd_result xd_conduct_forgo(struct xd_conduct *conduct, const struct xd_release *release,
                                           bool *any);
/* What that release was before it was changed: what it had more of counts as given up, which its site may
 * have refused. any: there was more. */
XD_CHECKED enum xd_result xd_conduct_adopt_before(struct xd_conduct *conduct, const struct xd_release *before,
                                                  bool *any);
/* A sale that was born in the ERP says more than the releases of it that sites gave back: before the ERP has
 * said the whole nothing of it is over, and the ERP is told of it what has shipped and no more. */
bool xd_conduct_knows_part(const struct xd_order_row *order);
/* A release that came back in a later revision is known in part until its first one has come, too: a line
 * that it seems not to have it may have had. What a site confirms of it was one posting to the ERP before the
 * hub forgot it, and must not become two. */
XD_CHECKED enum xd_result xd_adopted_awaits_before(struct xd_hub *hub, const char *release_id, bool awaits);
XD_CHECKED enum xd_result xd_adopted_is_part(struct xd_hub *hub, const char *release_id, bool *part);

/* ---- release_work.c: one release of it ---- */

struct xd_release_work {
    struct xd_release_row row;
    struct xd_release_lines lines;
};
/* XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_release_work_open(struct xd_conduct *conduct, const char *release_id,
                                               struct xd_release_work *out);
void xd_release_work_close(struct xd_release_work *work);
XD_CHECKED enum xd_result xd_release_work_save(struct xd_conduct *conduct, struct xd_release_work *work);
XD_CHECKED enum xd_result xd_release_work_save_lines(struct xd_conduct *conduct,
                                                     const struct xd_release_work *work);
/* Moves what is left of it to another pot of the order's lines. */
XD_CHECKED enum xd_result xd_release_work_stage(struct xd_conduct *conduct, struct xd_release_work *work,
                                                enum xd_release_stage stage);
/* All that is left of it (asked: only what was asked back) goes back to `pot`, but what of it is
 * unwanted is cancelled; and its stock is free. */
XD_CHECKED enum xd_result xd_release_work_give_back(struct xd_conduct *conduct, struct xd_release_work *work,
                                                    bool asked, enum xd_pot pot);
/* qty of one of its lines, at most its rest, likewise. */
XD_CHECKED enum xd_result xd_release_work_give_line_back(struct xd_conduct *conduct,
                                                         struct xd_release_work *work,
                                                         struct xd_release_line_row *line,
                                                         struct xd_decimal qty, enum xd_pot pot);
/* Asks the site for all that is left of it; asked for already: it is not asked again. A draft stays. What
 * comes back is open, but what is unwanted; not wanted: all of it is. */
XD_CHECKED enum xd_result xd_release_work_call_back(struct xd_conduct *conduct, struct xd_release_work *work,
                                                    bool wanted);
/* What the site was asked for is taken as given back, be it by its word or by somebody's who answers for
 * it. Routing anew is the caller's. */
XD_CHECKED enum xd_result xd_release_work_gave_up(struct xd_conduct *conduct, struct xd_release_work *work);
/* Of one line: qty of what is left of it; of that so much is cancelled, the others are open. */
XD_CHECKED enum xd_result xd_release_work_give_part_back(struct xd_conduct *conduct,
                                                         struct xd_release_work *work,
                                                         struct xd_release_line_row *line,
                                                         struct xd_decimal qty, struct xd_decimal cancelled);
/* Appends the document of its present revision; asked quantities are left out of a CHANGE. */
XD_CHECKED enum xd_result xd_release_work_send(struct xd_conduct *conduct, struct xd_release_work *work,
                                               enum xd_purpose purpose);
/* Asks the site for what is in `asked` of its lines: CANCEL when that is all, else CHANGE. reroutes: because
 * the site is silent. */
XD_CHECKED enum xd_result xd_release_work_ask(struct xd_conduct *conduct, struct xd_release_work *work,
                                              bool reroutes);
/* By when its site shall say what it owes, as the reference data has it: ack_by. */
XD_CHECKED enum xd_result xd_release_work_await(struct xd_conduct *conduct, struct xd_release_row *row);
/* By when its site shall answer what it was asked to give back. */
XD_CHECKED enum xd_result xd_release_work_deadline(struct xd_conduct *conduct, struct xd_release_row *row);
/* Its site has said what becomes of it: that it was silent, or did not answer a request, is nobody's concern
 * any more. */
XD_CHECKED enum xd_result xd_release_work_heard(struct xd_conduct *conduct,
                                                const struct xd_release_work *work);
/* Whether anything of it neither shipped nor was given back. */
bool xd_release_work_has_rest(const struct xd_release_work *work);
/* How far its site must get with a line to have answered, enum xd_line_answer: who reserves itself owes
 * RESERVED first. */
int xd_release_owed(const struct xd_release_row *row);
/* Whether anything may still happen with it. */
bool xd_release_is_live(const struct xd_release_row *row);
/* Calls each for every release of the order; the rows are copies. */
typedef enum xd_result (*xd_release_work_fn)(struct xd_conduct *conduct, struct xd_release_work *work,
                                             void *context);
XD_CHECKED enum xd_result xd_conduct_each_release(struct xd_conduct *conduct, xd_release_work_fn each,
                                                  void *context);

/* ---- overtaken.c ---- */

/* The question of its present revision, as it is stored, is about to be overtaken by the next one. */
XD_CHECKED enum xd_result xd_overtaken_keep(struct xd_conduct *conduct, const struct xd_release_row *row);
/* Its site agrees to a question that was overtaken (to_all: its word is good for a CANCEL, too): what that
 * one asked for is given up. known: there was such a question. */
XD_CHECKED enum xd_result xd_overtaken_agreed(struct xd_conduct *conduct, struct xd_release_work *work,
                                              int64_t revision, bool to_all, bool *known);
/* It keeps what it was asked for; before: what was unwanted of each line when it was. */
XD_CHECKED enum xd_result xd_overtaken_refused(struct xd_conduct *conduct, const struct xd_release_work *work,
                                               const struct xd_decimal *before);
/* How much of the order is wanted is said anew: what sites refused to give up is wanted. For each release. */
XD_CHECKED enum xd_result xd_overtaken_revised(struct xd_conduct *conduct, struct xd_release_work *work,
                                               void *context);

/* ---- claim.c ---- */

/* What is left of its lines and was claimed by a confirmation (xd_hub_claim) did not ship after all: it is
 * given up again. The row and its lines are the caller's to save; what is open then is its to place. */
XD_CHECKED enum xd_result xd_release_work_unclaim(struct xd_conduct *conduct, struct xd_release_work *work);

/* ---- cancel.c ---- */

/* qty of that line shall not ship. What is not at a site yet is cancelled at once, for the rest
 * sites are asked; afterwards qty is what could not even be asked for (shipped, or asked before). */
struct xd_cancel_wish {
    struct xd_order_line_row *line;
    struct xd_decimal qty;
};
XD_CHECKED enum xd_result xd_conduct_cancel(struct xd_conduct *conduct, struct xd_cancel_wish *wishes,
                                            size_t count, const char *reason);
/* Of each line, in the order of the conduct's, what is cancelled or will be when its sites agree. Free *out
 * with xd_free. */
XD_CHECKED enum xd_result xd_conduct_cancelling(struct xd_conduct *conduct, struct xd_decimal **out);

/* ---- sale.c: the sale at the ERP ---- */

/* Asks outside about the order. */
XD_CHECKED enum xd_result xd_sale_check(struct xd_conduct *conduct);
/* Once more, whatever the answer was. */
XD_CHECKED enum xd_result xd_sale_check_again(struct xd_conduct *conduct);
/* Whether what was asked last has the order's lines as they are now; false when nothing was asked. */
XD_CHECKED enum xd_result xd_sale_is_checked(struct xd_conduct *conduct, bool *same);
/* About the present revision, and not about another any more. */
XD_CHECKED enum xd_result xd_sale_check_revised(struct xd_conduct *conduct);
XD_CHECKED enum xd_result xd_sale_post(struct xd_conduct *conduct, int job_state);
/* The ERP has it by itself, under that number: its job is done. */
XD_CHECKED enum xd_result xd_sale_born(struct xd_conduct *conduct, const char *number);
/* The ERP has lost it: it is looked for and, when it is not there, posted again with the same reference, as
 * the order is now. XD_NOT_FOUND: it is on its way already. */
XD_CHECKED enum xd_result xd_sale_post_again(struct xd_conduct *conduct, const char *erp);
/* The ERP is told once more what the order says. XD_NOT_FOUND: it is being told. */
XD_CHECKED enum xd_result xd_sale_tell_again(struct xd_conduct *conduct);
/* Of each line, in the order of the conduct's, how much of it the ERP was told last that there is in all, in
 * base units: what a shipment closed is in it as before. Free *out with xd_free, also when it fails. */
XD_CHECKED enum xd_result xd_sale_told(struct xd_conduct *conduct, struct xd_decimal **out);
/* The order is promised for another date: while the sale or its check waits, its turn is another. */
XD_CHECKED enum xd_result xd_sale_promised(struct xd_conduct *conduct);
/* The ERP refused it: it is posted again, as the order is now. */
XD_CHECKED enum xd_result xd_sale_renew(struct xd_conduct *conduct);
/* Whether the ERP has it, or may have it. */
XD_CHECKED enum xd_result xd_sale_was_called(struct xd_conduct *conduct, bool *called);
/* What was never called for will not be; the check is not asked for any more in any case. */
XD_CHECKED enum xd_result xd_sale_withdraw(struct xd_conduct *conduct);
XD_CHECKED enum xd_result xd_sale_check_withdraw(struct xd_conduct *conduct);
/* Something that had shipped has not: what the ERP was told last it may have kept only as far as that went,
 * so it is told again. */
XD_CHECKED enum xd_result xd_sale_restate(struct xd_conduct *conduct);
/* When the sale at the ERP says another quantity than the order does, it is changed; when a
 * change is under way, afterwards. */
XD_CHECKED enum xd_result xd_sale_settle(struct xd_conduct *conduct);

#endif
