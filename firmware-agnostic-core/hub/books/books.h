/* The books: what happens in the ERP by itself, and whether both sides say the same.
 *
 * Watching. Every config.books.poll_ms the ERP is asked for what changed of its sales, shipments and
 * invoices, page by page, from a cursor that is kept in the store (a value "books/<erp>/<list>"), and that
 * moves on in the transaction that decides on the page: nothing is passed over, and what comes twice does
 * nothing. A page is an event of its own; one that fails is asked for again, entry by entry, and an entry
 * that cannot be decided on at all is passed over with an exception. An entry that lacks something here (a
 * product, a site) waits in the store with its words and is looked at again at every round.
 *
 *   sales      one without our reference that is open becomes an order of channel type "erp" (born.c), which
 *              enters behind posting; when it changes or is cancelled there, the order follows
 *   shipments  of such a sale say its site when the sale does not
 *   invoices   are counted on the lines of their order, and told once each (invoices.c)
 *
 * Comparing. A run reads all of the ERP's documents and all that was posted to it, a page at a time, and
 * writes down what differs (struct xd_difference_row). What is under way is no difference. A run under way
 * when the program ends, or when a batch is lost, begins anew. Runs are done one after the other: one whose
 * ERP is paused, or in trouble for long, fails, so that those of other ERPs do not wait for it.
 *
 * All on the turn's thread. */
#ifndef XD_HUB_BOOKS_BOOKS_H
#define XD_HUB_BOOKS_BOOKS_H

#include "base/effects.h"
#include "delivery/retry.h"
#include "hub/books/books_store.h"

struct xd_hub;
struct xd_books;
struct xd_erp_call;
struct xd_api_request;
struct xd_order_row;
struct xd_job_row;
struct xd_job_line_row;

/* A part of struct xd_hub_config. */
struct xd_books_config {
    xd_ms poll_ms;      /* the ERP is asked so often for what changed; 0: never */
    xd_ms every_ms;     /* the books are compared so often; 0: only when somebody asks */
    xd_ms at_ms;        /* ... at this time of the day (UTC), and then every so often */
    xd_ms invoice_ms;   /* what was shipped so long ago should have been invoiced */
    const char *tenant; /* of sales born in an ERP that is no tenant's; NULL: XD_BOOKS_TENANT */
};
#define XD_BOOKS_TENANT "default"
#define XD_CLIENT_ERP "erp" /* the client, and the channel type, of an order that was born in the ERP */

struct xd_books_counters {
    uint64_t pages, born, changed, refused, invoices, runs, repairs;
};

XD_CHECKED enum xd_result xd_books_open(struct xd_hub *hub, struct xd_now now);
void xd_books_close(struct xd_hub *hub);
/* As xd_hub_reload. */
void xd_books_reload(struct xd_hub *hub, bool restart);
/* What was called in the last batch has left. */
void xd_books_left(struct xd_hub *hub);
/* In every tick: asks for a page when one is due, or does a piece of the run under way. */
XD_CHECKED enum xd_result xd_books_run(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects);
/* A page that the books asked for (call->books). Undone: xd_books_refuse. */
XD_CHECKED enum xd_result xd_books_answer(struct xd_hub *hub, const struct xd_erp_call *call,
                                          const struct xd_erp_answer *answer, struct xd_bytes entries,
                                          const char *next, struct xd_now now);
void xd_books_refuse(struct xd_hub *hub, const struct xd_erp_call *call, struct xd_now now);
bool xd_books_check(const struct xd_hub *hub);
/* Workers of an ERP (by its place in the configuration) that have a call of the books. */
unsigned xd_books_calls(const struct xd_hub *hub, size_t lane);
/* When the books ask that ERP for a page next (monotonic); 0: not as far as is known. */
xd_ms xd_books_next(const struct xd_hub *hub, size_t lane);
const struct xd_books_counters *xd_books_counters_of(const struct xd_hub *hub);
/* Whether an order was born in the ERP: one by its own number, or one that a site gave back. */
bool xd_books_is_born(const struct xd_order_row *order);
/* Whose an order that is born in that ERP is: the first tenant's that the ERP is of; else whoever is nobody's
 * in particular. */
const char *xd_books_tenant_of(const struct xd_hub *hub, const char *erp);
/* What it is called: here, and there (hub/erp.h). */
void xd_books_order_id(const struct xd_hub *hub, const char *erp, const char *number, char out[XD_ID_SIZE]);
void xd_books_reference(const char *number, char *out, size_t size);
/* Whether the job is the repair of a difference of stock; xd_books_adjusted: it is done, and what follows for
 * what the hub goes by. */
bool xd_books_is_repair(const struct xd_job_row *job);
/* The ERP had refused it, and somebody wants it tried again: *may, as long as the difference is what it was.
 */
XD_CHECKED enum xd_result xd_books_repair_again(struct xd_hub *hub, const struct xd_job_row *job, bool *may);
XD_CHECKED enum xd_result xd_books_adjusted(struct xd_hub *hub, const struct xd_job_row *job,
                                            const struct xd_job_line_row *line);

/* ---- the API ---- */

/* POST /v1/reconciliation {"erp"}: 202, and a run begins when those before it have ended. Without erp one for
 * each of them; the first is answered, with all of them in `runs`. */
XD_CHECKED enum xd_result xd_books_start(struct xd_hub *hub, const struct xd_api_request *request,
                                         struct xd_now now, struct xd_effects *effects);
/* POST /v1/reconciliation/differences/{id}/approve: its repair is done. 409 when there is none that the hub
 * could do. /accept: it may be so. */
XD_CHECKED enum xd_result xd_books_approve(struct xd_hub *hub, const struct xd_api_request *request,
                                           struct xd_now now, struct xd_effects *effects);
XD_CHECKED enum xd_result xd_books_accept(struct xd_hub *hub, const struct xd_api_request *request,
                                          struct xd_now now, struct xd_effects *effects);

#endif
