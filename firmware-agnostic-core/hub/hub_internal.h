/* Shared by the files of hub/ only. */
#ifndef XD_HUB_HUB_INTERNAL_H
#define XD_HUB_HUB_INTERNAL_H

#include "documents/confirmation.h"
#include "documents/order.h"
#include "documents/receipt.h"
#include "documents/release.h"
#include "documents/response.h"
#include "documents/writer.h"
#include "hub/hub.h"

#define XD_LANE_WORK 0u
#define XD_LANE_BULK 1u   /* up */
#define XD_LANE_NOTICE 1u /* down */

struct xd_hub_site *xd_hub_site_find(struct xd_hub *hub, const char *name); /* NULL: none */
/* When (wall) that site, NULL: any, told last that it has got more than this hub has sent: it is an older
 * copy, restored; 0: never. What it forgot its sites send again at once, or when they are there again. */
#define XD_HUB_CATCHES_UP_MS XD_DAY_MS
XD_CHECKED enum xd_result xd_hub_set_back_at(struct xd_hub *hub, const char *site, xd_ms *at);
/* prefix and 17 characters that the hub's secret derives from `name`: random to
 * everybody else, the same again after a restore from a backup. */
void xd_hub_id(const struct xd_hub *hub, const char *prefix, const char *name, char out[XD_ID_SIZE]);

/* The id of the n-th release of an order, from 1, which went to that site. */
void xd_hub_release_id(const struct xd_hub *hub, const char *order_id, const char *site, int64_t number,
                       char out[XD_ID_SIZE]);

/* ---- answers to the API ---- */
void xd_hub_answer(struct xd_effects *effects, const struct xd_api_request *request, unsigned status,
                   const char *location, const struct xd_buffer *body);
/* An order as intake answers it. status_name: what it says of the order's. warnings: a JSON array, or
 * nothing.
 */
void xd_hub_answer_order(struct xd_effects *effects, const struct xd_api_request *request, unsigned status,
                         const struct xd_order_row *row, const char *status_name, struct xd_bytes warnings);
/* application/problem+json; problems may be NULL. */
void xd_hub_problem(struct xd_effects *effects, const struct xd_api_request *request, unsigned status,
                    const char *code, bool retryable, const struct xd_problems *problems, const char *detail,
                    ...) __attribute__((format(printf, 7, 8)));

/* ---- timeline and exceptions ---- */
/* members: the inside of a JSON object, or NULL. */
XD_CHECKED enum xd_result xd_hub_timeline(struct xd_hub *hub, const struct xd_order_row *order,
                                          const char *step, struct xd_now now, const char *members_format,
                                          ...) __attribute__((format(printf, 5, 6)));

/* text as a JSON string with its quotes, for members_format: others' ids may hold
 * quotes. What does not fit becomes "". Returns out. */
#define XD_QUOTED_SIZE 512
const char *xd_hub_quote(const char *text, char out[XD_QUOTED_SIZE]);

#define XD_UNKNOWN_OUTCOME "ERP_UNKNOWN_OUTCOME" /* of the job that its version numbers */
#define XD_CHECK_UNAVAILABLE "CHECK_UNAVAILABLE" /* closed when the check answers, or its order ends */

struct xd_complaint {
    const char *id; /* NULL: one is made */
    const char *code;
    bool info; /* for the record: raised and resolved at once */
    const char *site, *order_id, *release_id, *line_id;
    enum xd_kind kind;
    const char *document_id;
    int64_t version;
    struct xd_decimal qty;
    const char *detail;
};
XD_CHECKED enum xd_result xd_hub_complain(struct xd_hub *hub, const struct xd_complaint *complaint,
                                          struct xd_now now);

/* ---- orders and releases ---- */
/* A line as it was ordered, with what reference data makes of it (NULL: nothing). index: from 0. */
struct xd_enriched_line;
XD_CHECKED enum xd_result xd_hub_line_fill(const struct xd_order_line *line,
                                           const struct xd_enriched_line *enriched, size_t index,
                                           struct xd_order_line_row *row);
/* The ERP's word on an order's sale, on a change of it, and somebody's on the order itself. */
XD_CHECKED enum xd_result xd_hub_sale_done(struct xd_hub *hub, const struct xd_job_row *job,
                                           struct xd_now now);
XD_CHECKED enum xd_result xd_hub_sale_rejected(struct xd_hub *hub, const struct xd_job_row *job,
                                               struct xd_now now);
XD_CHECKED enum xd_result xd_hub_change_decided(struct xd_hub *hub, const struct xd_job_row *job,
                                                struct xd_now now);
XD_CHECKED enum xd_result xd_hub_check_decided(struct xd_hub *hub, const struct xd_job_row *job,
                                               struct xd_now now);
/* Nobody answered, or nothing of use; it will be asked again. first: it is the first time for this order. */
XD_CHECKED enum xd_result xd_hub_check_failed(struct xd_hub *hub, const struct xd_job_row *job, bool first,
                                              struct xd_now now);
/* A site's answer to a revision of a release that exists. */
struct xd_arrived;
XD_CHECKED enum xd_result xd_hub_answered(struct xd_hub *hub, const struct xd_arrived *arrived,
                                          const char *release_id, const struct xd_response *response,
                                          struct xd_now now);
/* A few of the orders that wait for stock, when there is more of any. */
XD_CHECKED enum xd_result xd_hub_backorders_run(struct xd_hub *hub, struct xd_now now);
/* Releases that their sites did not answer in time are asked back. */
XD_CHECKED enum xd_result xd_hub_releases_late(struct xd_hub *hub, struct xd_now now);
/* The release is at its end, and what its site was asked to give back with it: the order goes on. */
XD_CHECKED enum xd_result xd_hub_request_over(struct xd_hub *hub, const struct xd_release_row *release,
                                              struct xd_now now);
/* The order's status from its lines; sale_stale: the ERP is to be told of another quantity; told: the caller
 * tells of the status by an event of its own. */
XD_CHECKED enum xd_result xd_hub_order_fold(struct xd_hub *hub, const char *order_id, bool sale_stale,
                                            bool told, struct xd_now now);
/* A bounded copy of an order's lines. Free with xd_free. */
struct xd_order_lines {
    struct xd_order_line_row *rows;
    size_t count, capacity;
};
XD_CHECKED enum xd_result xd_hub_lines_load(struct xd_hub *hub, const char *order_id,
                                            struct xd_order_lines *out);
struct xd_release_lines {
    struct xd_release_line_row *rows;
    size_t count, capacity;
};
XD_CHECKED enum xd_result xd_hub_release_lines_load(struct xd_hub *hub, const char *release_id,
                                                    struct xd_release_lines *out);

/* ---- what sites send ---- */
/* A document with its place in the store's registry settled already. */
struct xd_arrived {
    struct xd_hub_site *site;
    struct xd_document *document;
    const cJSON *data;
    struct xd_bytes body; /* the document's text */
    enum xd_kind kind;
    const char *document_id;
    int64_t version;
    const char *correlation_id;
};
XD_CHECKED enum xd_result xd_hub_confirmation(struct xd_hub *hub, const struct xd_arrived *arrived,
                                              struct xd_now now);
XD_CHECKED enum xd_result xd_hub_response(struct xd_hub *hub, const struct xd_arrived *arrived,
                                          struct xd_now now);
XD_CHECKED enum xd_result xd_hub_inventory(struct xd_hub *hub, const struct xd_arrived *arrived,
                                           struct xd_now now);
/* All that is known of the order are the releases that its sites gave back to a hub that had forgotten it,
 * and its document is the first of them: nobody has said the whole of it since, as a revision does. */
bool xd_hub_order_in_releases(const struct xd_order_row *row);
/* A release that a site gives back because this hub forgot it. */
XD_CHECKED enum xd_result xd_hub_adopt(struct xd_hub *hub, const struct xd_arrived *arrived,
                                       struct xd_now now);
/* Responses that waited for this release, in the order they came; for a draft they wait on. */
XD_CHECKED enum xd_result xd_hub_responses_resume(struct xd_hub *hub, const char *release_id,
                                                  struct xd_now now);
/* Responses (not to a draft) and confirmations that waited for this release are applied. */
XD_CHECKED enum xd_result xd_hub_resume(struct xd_hub *hub, const char *release_id, struct xd_now now);
/* What a person says about an exception. */
enum xd_action { XD_ACTION_ACCEPT, XD_ACTION_REJECT, XD_ACTION_RETRY };
struct xd_resolution {
    bool mine; /* it is about a confirmation that somebody can do something about; else the rest is unset */
    bool done; /* the exception is settled ... */
    const char *why; /* ... or not, and why: static text */
};
/* Whether it is about a remainder that is held until somebody decides what becomes of it. */
bool xd_hub_is_held(const struct xd_exception_row *exception);
XD_CHECKED enum xd_result xd_hub_confirmation_resolve(struct xd_hub *hub,
                                                      const struct xd_exception_row *exception,
                                                      enum xd_action action, struct xd_now now,
                                                      struct xd_resolution *out);
/* The confirmation that it is about shall have come as `document`, and is applied so, if it can be; what it
 * was is kept. XD_INVALID: that is no confirmation; hub->problems says why. */
XD_CHECKED enum xd_result xd_hub_confirmation_edit(struct xd_hub *hub,
                                                   const struct xd_exception_row *exception,
                                                   const cJSON *document, const char *by, const char *reason,
                                                   struct xd_now now, struct xd_resolution *out);
/* Whether `document` is what the last edit about the exception made of its confirmation. */
XD_CHECKED enum xd_result xd_hub_confirmation_edited(struct xd_hub *hub,
                                                     const struct xd_exception_row *exception,
                                                     const cJSON *document, bool *so);
/* A sale, or a change of one, that the ERP refused is posted again; of another exception out->mine stays
 * false. request: whose wish it is; it is not answered. reason: NULL: none. */
XD_CHECKED enum xd_result xd_hub_refused_retry(struct xd_hub *hub, const struct xd_exception_row *row,
                                               const struct xd_api_request *request, const char *reason,
                                               struct xd_now now, struct xd_resolution *out);
/* Lines that waited for it ("product/SKU") are applied, as far as they can be now. */
#define XD_CAUSE_PRODUCT "product/"
#define XD_CAUSE_RELEASE "release/" /* more is known of what a release that came back once had */
XD_CHECKED enum xd_result xd_hub_resume_cause(struct xd_hub *hub, const char *cause, struct xd_now now);
/* Somebody is told of confirmations whose release has not come in time. */
XD_CHECKED enum xd_result xd_hub_confirmations_late(struct xd_hub *hub, struct xd_now now);
/* Before a confirmation of the release is applied: takes back into it what it ships although it was refused,
 * given up or asked for, and counts it as released. *claimed: rows of it were changed. */
XD_CHECKED enum xd_result xd_hub_claim(struct xd_hub *hub, const struct xd_release_row *release,
                                       const struct xd_confirmation *confirmation,
                                       const struct xd_confirmation_row *row, struct xd_now now,
                                       bool *claimed);
/* Tells the site what became of a confirmation, when it is decided. */
XD_CHECKED enum xd_result xd_hub_tell_fate(struct xd_hub *hub, struct xd_confirmation_row *row,
                                           enum xd_outcome outcome, const char *code, const char *detail,
                                           struct xd_now now);
XD_CHECKED enum xd_result xd_hub_tell(struct xd_hub *hub, const char *site, const struct xd_settled *settled,
                                      struct xd_now now);
XD_CHECKED enum xd_result xd_hub_shipment_done(struct xd_hub *hub, const struct xd_job_row *job,
                                               struct xd_now now);
XD_CHECKED enum xd_result xd_hub_shipment_rejected(struct xd_hub *hub, const struct xd_job_row *job,
                                                   struct xd_now now);

XD_CHECKED enum xd_result xd_hub_adjustment_decided(struct xd_hub *hub, const struct xd_job_row *job,
                                                    struct xd_now now);

/* ---- ERP jobs ---- */
/* The name of the ERP that serves a tenant ("": nobody's in particular); never a shadow. */
const char *xd_hub_erp_of(const struct xd_hub *hub, const char *tenant);
/* Fills the job of an order: which one, its ERP (the one that has its sale), and when it is its turn. */
void xd_hub_job_of(const struct xd_hub *hub, const struct xd_order_row *order, struct xd_now now,
                   struct xd_job_row *job);
/* When an order was asked to ship, by its dates (NULL: not said); 0: whenever. */
xd_ms xd_hub_ship_by(const char *requested_ship, const char *ship_not_after);
/* MUST be told of every job that is added or saved: one that comes into a state that jobs are
 * looked for in, and is not told of, is found at the next start only. */
void xd_hub_job_comes(struct xd_hub *hub, int state);
/* Adds a job; state QUEUED, or UNKNOWN to look it up first. A job of that
 * reference that is there already is fine. */
XD_CHECKED enum xd_result xd_hub_job_add(struct xd_hub *hub, struct xd_job_row *job,
                                         const struct xd_job_line_row *lines, size_t count);
/* Another batch has begun, so the last one was committed: what it called has left. To
 * be said first by every entry, for a batch can fail before its tick. */
void xd_hub_jobs_left(struct xd_hub *hub);
XD_CHECKED enum xd_result xd_hub_jobs_open(struct xd_hub *hub, struct xd_now now);
/* It was set back, as is known since at (wall; 0: never): what it posts may be there, and a hub that has to
 * look for it looks, until it has caught up. */
void xd_hub_jobs_set_back(struct xd_hub *hub, xd_ms at);
void xd_hub_jobs_close(struct xd_hub *hub);
/* restart: the process starts, so nobody has a call under way. Otherwise a commit failed: calls that are
 * under way stay known, all else is read again. */
XD_CHECKED enum xd_result xd_hub_jobs_load(struct xd_hub *hub, struct xd_now now, bool restart);
/* An event was undone: what it may have changed is read again. */
XD_CHECKED enum xd_result xd_hub_jobs_reload(struct xd_hub *hub);
bool xd_hub_jobs_check(const struct xd_hub *hub);
/* A person says what became of a job that is PARKED: it happened, or it did not and is posted again. Of a job
 * that is not, or not any more, nothing. XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_hub_job_settle(struct xd_hub *hub, int64_t number, bool happened,
                                            struct xd_now now);
XD_CHECKED enum xd_result xd_hub_jobs_run(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects);

/* ---- sites ---- */
XD_CHECKED enum xd_result xd_hub_sites_load(struct xd_hub *hub, struct xd_now now);
XD_CHECKED enum xd_result xd_hub_site_open(struct xd_hub *hub, const struct xd_site_row *row,
                                           struct xd_now now);
/* Appends a document of ours (its text) to a lane of a site. */
XD_CHECKED enum xd_result xd_hub_send(struct xd_hub *hub, struct xd_hub_site *site, unsigned lane,
                                      enum xd_kind kind, const char *id, int64_t version,
                                      const char *correlation_id, struct xd_bytes text, struct xd_now now);

#endif
