/* What the hub's decisions need of a store beyond delivery. Rules as in
 * delivery/store.h. The same table, opened read-only on a connection of its own,
 * serves queries on another thread (the functions marked R). */
#ifndef XD_HUB_STORE_H
#define XD_HUB_STORE_H

#include "base/decimal.h"
#include "delivery/store.h"
#include "hub/books/books_store.h"
#include "hub/confirmations/confirmation_store.h"
#include "hub/erp.h"
#include "hub/events/event_store.h"
#include "hub/orchestration/stock_store.h"
#include "hub/reference/reference_store.h"
#include "hub/sla/sla_store.h"

#define XD_NAME_SIZE 72 /* ids and references of others: up to 64 bytes and a terminator, rounded up */
#define XD_REFERENCE_SIZE 256
#define XD_CORRELATION_SIZE                                                                                  \
    136 /* up to 128 bytes (XD_CORRELATION_MAX), never cut: it is the thread through all */

/* ---- sites ---- */

struct xd_site_row {
    char site[XD_SITE_SIZE];
    char kind[16];          /* "warehouse" or "3pl" */
    char user[48];          /* at the broker */
    char password_hash[64]; /* RabbitMQ's salted hash; the password itself is only in the enrolment file */
    struct xd_key key;      /* signs both ways */
    xd_ms added_at;
    xd_ms last_seen;   /* wall; 0: never */
    char status[1024]; /* the last SiteStatus, JSON; "" none */
};
typedef enum xd_result (*xd_site_fn)(void *context, const struct xd_site_row *row);

/* ---- clients of the API ---- */

#define XD_CLIENT_CHANNELS_MAX 16u
#define XD_CLIENT_CHANNELS_SIZE (XD_CLIENT_CHANNELS_MAX * 33u) /* types of 1 to 32 bytes */

struct xd_client_row {
    char client[XD_NAME_SIZE]; /* unique in its tenant */
    char tenant[XD_NAME_SIZE];
    char role[16]; /* channel, viewer, operator, admin */
    xd_ms added_at;
    xd_ms revoked_at;                       /* wall; 0: it is not revoked */
    int64_t rate_per_s, burst;              /* requests; 0: as the hub's configuration says */
    char channels[XD_CLIENT_CHANNELS_SIZE]; /* the types that its orders may name, a space between; "" any */
    int64_t schema_versions;                /* bit n: orders of version n; 0: any */
};
typedef enum xd_result (*xd_client_fn)(void *context, const struct xd_client_row *row);

/* What proves to be a client. The token itself is told once and never stored. */
struct xd_token_row {
    struct xd_hash hash; /* SHA-256 of the token */
    char client[XD_NAME_SIZE], tenant[XD_NAME_SIZE];
    xd_ms made_at, expires_at; /* wall; expires_at 0: never */
};
typedef enum xd_result (*xd_token_fn)(void *context, const struct xd_token_row *row);

/* ---- orders ---- */

enum xd_order_status {
    XD_ORDER_RECEIVED,
    XD_ORDER_VALIDATED,
    XD_ORDER_HELD,
    XD_ORDER_REJECTED,
    XD_ORDER_ACCEPTED, /* from here on a fold over line quantities */
    XD_ORDER_PART_ALLOCATED,
    XD_ORDER_ALLOCATED,
    XD_ORDER_BACKORDERED,
    XD_ORDER_IN_FULFILMENT,
    XD_ORDER_PART_SHIPPED,
    XD_ORDER_SHIPPED,
    XD_ORDER_CLOSED_SHORT,
    XD_ORDER_INVOICED,
    XD_ORDER_CANCELLED,
    XD_ORDER_STATUS_COUNT
};
extern const char *const xd_order_status_names[];

/* What is done with an order, in this order; each undone in reverse (orchestration/steps.h). */
enum xd_step {
    XD_STEP_CHECK, /* somebody outside is asked, where configured */
    XD_STEP_CREDIT,
    XD_STEP_ROUTE,   /* stock is reserved at the sites that shall ship it: releases are drafted */
    XD_STEP_POST,    /* the ERP has the sale */
    XD_STEP_RELEASE, /* the drafts have gone to their sites */
    XD_STEP_COUNT
};
#define XD_STEP_BIT(step) (1u << (step))
extern const char *const xd_step_names[];

/* Why an order goes no further until somebody says so. */
enum xd_hold {
    XD_HOLD_OPERATOR,
    XD_HOLD_CHECK,
    XD_HOLD_CREDIT,
    XD_HOLD_BACKORDER, /* its policy is MANUAL */
    XD_HOLD_ERP,       /* the ERP refuses the sale */
    XD_HOLD_COUNT
};
#define XD_HOLD_BIT(hold) (1u << (hold))
extern const char *const xd_hold_names[];

#define XD_CLIENT_ADOPTED "adopted" /* the client of an order that a site gave back */
struct xd_order_row {
    char order_id[XD_ID_SIZE];
    char tenant[XD_NAME_SIZE], client[XD_NAME_SIZE];
    char channel_type[XD_NAME_SIZE], channel_account[XD_NAME_SIZE];
    char external_order_id[XD_NAME_SIZE];
    char customer_ref[XD_NAME_SIZE], customer_po[XD_NAME_SIZE];
    char currency[8];
    char site[XD_SITE_SIZE];
    char correlation_id[XD_CORRELATION_SIZE];
    char sale_reference[XD_REFERENCE_SIZE];
    char customer_code[XD_NAME_SIZE]; /* the ERP's; "" as customer_ref */
    int status;                       /* enum xd_order_status */
    int64_t revision;
    unsigned steps;                /* bits of enum xd_step that are done */
    unsigned holds;                /* bits of enum xd_hold that are on */
    bool cancelled;                /* all of it was asked to be cancelled */
    int64_t releases;              /* made so far, to number them */
    int64_t changes;               /* of the sale that were posted to the ERP, to number them */
    bool changing;                 /* ... the last of which is under way */
    char erp[XD_NAME_SIZE];        /* that has its sale, once it was posted; "" not yet */
    xd_ms ship_by;                 /* wall: when it was asked to ship; 0: whenever */
    struct xd_decimal total;       /* what is booked against the customer's credit for it; 0 none */
    struct xd_hash hash;           /* content hash of the body */
    xd_ms received_at, updated_at; /* wall */
    struct xd_bytes body; /* add: the order as it came. get and each leave it empty; see order_body */
};
typedef enum xd_result (*xd_order_fn)(void *context, const struct xd_order_row *row);
typedef enum xd_result (*xd_order_id_fn)(void *context, const char *order_id);

struct xd_order_line_row {
    int64_t number; /* from 1, order of lines */
    char line_id[XD_NAME_SIZE], external_line_id[XD_NAME_SIZE];
    char sku[XD_NAME_SIZE], uom[24];
    struct xd_decimal unit_price;
    bool has_unit_price;
    int64_t factor_num, factor_den; /* base units per uom */
    /* A line counts in base units (uom, factor 1) from the moment on in which what a site says of it has no
     * exact form in the unit in which it was ordered: that is kept here then; "": it is uom. unit_price is
     * that of the unit in which it was ordered. */
    char ordered_uom[24];
    int64_t ordered_num, ordered_den;
    bool serials; /* each of it has a serial number, which its shipment names */
    /* ordered = open + allocated + released + shipped + cancelled, at every commit;
     * backordered and pending (on its way to a site that has not reserved it yet) are
     * parts of open, overshipped is kept apart. */
    struct xd_decimal ordered, open, allocated, released, shipped, cancelled, backordered, overshipped,
        pending;
    struct xd_decimal invoiced; /* by the ERP, less what it credited: may be more than was shipped */
};
typedef enum xd_result (*xd_order_line_fn)(void *context, const struct xd_order_line_row *row);

struct xd_timeline_row {
    xd_ms at;      /* wall */
    char step[48]; /* order.received, erp.sale.sent, release.acknowledged, ... */
    char correlation_id[XD_CORRELATION_SIZE];
    const char *detail; /* JSON object as text; "{}" */
};
typedef enum xd_result (*xd_timeline_fn)(void *context, const struct xd_timeline_row *row);

/* ---- releases ---- */

enum xd_release_status {
    XD_RELEASE_DRAFT, /* decided, and not sent */
    XD_RELEASE_QUEUED,
    XD_RELEASE_SENT,        /* the site has it: its watermark covers it */
    XD_RELEASE_ACK_TIMEOUT, /* the site did not answer in time: it is asked to give it back */
    XD_RELEASE_ACKED,
    XD_RELEASE_REJECTED,
    XD_RELEASE_PICKING,
    XD_RELEASE_PACKED,
    XD_RELEASE_PART_SHIPPED,
    XD_RELEASE_SHIPPED,
    XD_RELEASE_SHORT_CLOSED,
    XD_RELEASE_CANCELLED,
    XD_RELEASE_STATUS_COUNT
};
extern const char *const xd_release_status_names[];

/* Where the quantities of a release are, in the lines of its order. */
enum xd_release_stage {
    XD_STAGE_PENDING,   /* open and pending: the site has not reserved them yet */
    XD_STAGE_ALLOCATED, /* reserved, by the hub or by the site */
    XD_STAGE_RELEASED   /* the site works on them */
};

/* How far its site has got with a line, by its own words; an earlier one takes nothing back. */
enum xd_line_answer {
    XD_LINE_UNANSWERED,
    XD_LINE_ACKED,    /* it has it: of a site that reserves itself, no more than that */
    XD_LINE_RESERVED, /* it has reserved it, and has not said that it takes it */
    XD_LINE_TAKEN,    /* both, in whatever order */
    XD_LINE_PICKING,
    XD_LINE_PACKED
};

/* Whether a release is asked back. */
enum xd_release_cancel {
    XD_CANCEL_NONE,
    XD_CANCEL_REQUESTED,
    XD_CANCEL_ACCEPTED,
    XD_CANCEL_REFUSED,
    XD_CANCEL_COUNT
};
extern const char *const xd_release_cancel_names[];

struct xd_release_row {
    char release_id[XD_ID_SIZE];
    char order_id[XD_ID_SIZE];
    char site[XD_SITE_SIZE];
    int64_t number;   /* among the releases of its order, from 1 */
    int64_t revision; /* the highest that was sent */
    int status;       /* enum xd_release_status */
    int cancel;       /* enum xd_release_cancel */
    int stage;        /* enum xd_release_stage */
    bool reroutes;    /* its site did not answer in time: what it gives back ships from elsewhere */
    bool whole;       /* what asks it back is a CANCEL, not a CHANGE */
    xd_ms ack_by;     /* wall: when the site must have answered; 0: whenever */
    xd_ms created_at, updated_at; /* wall */
};
typedef enum xd_result (*xd_release_fn)(void *context, const struct xd_release_row *row);

struct xd_release_line_row {
    char line_id[XD_NAME_SIZE];
    char sku[XD_NAME_SIZE], uom[24];
    int64_t factor_num, factor_den;
    int64_t told_num, told_den; /* of the unit in which the site knows the line; 0: of uom */
    struct xd_decimal qty;      /* released */
    struct xd_decimal shipped;  /* up to qty */
    struct xd_decimal over;     /* beyond qty */
    struct xd_decimal closed;   /* will not come on this release: short closed or back to open */
    struct xd_decimal asked;    /* part of the rest that the site is asked to give up ... */
    struct xd_decimal unwanted; /* ... of which so much is cancelled; the others ship from elsewhere */
    /* Part of shipped that the site had given up: so much of it was open or another release's by then, and
     * so much was cancelled. */
    struct xd_decimal claimed_open, claimed_cancelled;
    struct xd_decimal left_out; /* of qty, by the last document of it: so much less the site knows of */
    int answer;                 /* enum xd_line_answer */
    bool refused;               /* the site gave back some of it of its own accord */
};
typedef enum xd_result (*xd_release_line_fn)(void *context, const struct xd_release_line_row *row);

/* ---- documents from sites, as business ---- */

enum xd_confirmation_state {
    XD_CONFIRMATION_APPLIED,
    XD_CONFIRMATION_POSTED,
    XD_CONFIRMATION_PARKED,
    XD_CONFIRMATION_REJECTED,
    XD_CONFIRMATION_SUPERSEDED, /* another version of it counts */
    XD_CONFIRMATION_REVERSED    /* another document took it back */
};
extern const char *const xd_confirmation_state_names[];

struct xd_confirmation_row {
    char site[XD_SITE_SIZE];
    char confirmation_id[XD_NAME_SIZE];
    int64_t version;
    struct xd_hash hash;
    int state; /* enum xd_confirmation_state */
    char shipment_id[XD_NAME_SIZE];
    char waits_for[XD_ID_SIZE]; /* the release whose arrival resumes it; "" none */
    int64_t lines_in, lines_applied, lines_parked, lines_rejected; /* in = the sum of the others */
    int64_t jobs_open;                                             /* ERP postings of it that are not done */
    int64_t fate_version;                                          /* of the last settled notice */
    int64_t base;   /* the version that its ERP postings are of; 0: its own */
    xd_ms alert_at; /* wall: when somebody is told that it still waits; 0: never */
    int kind;       /* enum xd_confirmation_kind */
    xd_ms received_at;
    struct xd_bytes body; /* put: the document. get and each: see confirmation_body */
};
typedef enum xd_result (*xd_confirmation_fn)(void *context, const struct xd_confirmation_row *row);

#define XD_REASON_SIZE 260           /* of what a person does, in words */
#define XD_EXCEPTION_DETAIL_SIZE 256 /* of an exception, in words */
struct xd_exception_row {
    char id[XD_ID_SIZE];
    char code[32]; /* UNKNOWN_RELEASE, UNMATCHED_LINE, OVERSHIP, ... */
    bool open;
    char site[XD_SITE_SIZE], order_id[XD_ID_SIZE], release_id[XD_ID_SIZE];
    char line_id[XD_NAME_SIZE];
    enum xd_kind kind; /* of the document concerned */
    char document_id[XD_NAME_SIZE * 2];
    int64_t version;
    struct xd_decimal qty; /* of a parked line */
    char detail[XD_EXCEPTION_DETAIL_SIZE];
    xd_ms raised_at, resolved_at;
    char by[XD_NAME_SIZE], action[16], reason[XD_REASON_SIZE]; /* who resolved it; "" nobody: by itself */
};

/* Whose word settles something, what it is, and why; NULL: nobody's. Borrowed. */
struct xd_word {
    const char *by, *action, *reason;
};
typedef enum xd_result (*xd_exception_fn)(void *context, const struct xd_exception_row *row);

/* Which exceptions; NULL: of any. */
struct xd_exception_filter {
    bool open_only;
    const char *order_id, *code, *site;
};

/* ---- ERP jobs ---- */

enum xd_job_state {
    XD_JOB_QUEUED,  /* due at due_at */
    XD_JOB_SENT,    /* a call is or was under way */
    XD_JOB_UNKNOWN, /* look it up (again) at due_at */
    XD_JOB_DONE,
    XD_JOB_REJECTED,  /* the ERP refuses for good: an exception says why */
    XD_JOB_WITHDRAWN, /* without effect, and not to be called any more */
    XD_JOB_PARKED,    /* it may have happened, and the ERP cannot be asked: a person decides */
    XD_JOB_HELD,      /* not to be called for before another one is done */
    XD_JOB_STATE_COUNT
};
extern const char *const xd_job_state_names[];

struct xd_job_row {
    int64_t number; /* given by job_add; order of creation */
    char erp[XD_NAME_SIZE];
    enum xd_erp_kind kind;
    char reference[XD_REFERENCE_SIZE];
    char tenant[XD_NAME_SIZE]; /* whose share of the ERP it takes; "" nobody's */
    xd_ms promise;             /* wall: among its tenant's the earliest is called first */
    int state;                 /* enum xd_job_state */
    bool waits;                /* QUEUED: is not called before due_at; job_wake ends that */
    int64_t attempt;
    xd_ms due_at;  /* wall; of UNKNOWN a hint: the core keeps their time by the monotonic clock */
    xd_ms sent_at; /* wall, of the last call */
    char order_id[XD_ID_SIZE];
    char site[XD_SITE_SIZE];
    char confirmation_id[XD_NAME_SIZE]; /* shipment: of which */
    int64_t confirmation_version;
    xd_ms at;                         /* see xd_erp_request.at */
    char reverses[XD_REFERENCE_SIZE]; /* reversal: the reference of the shipment */
    int64_t after;                    /* the job that is done before; 0: none */
    bool reversed;                    /* shipment: another job undoes it, or will; change: it is said again */
    char document[64];                /* the ERP's number when done */
    char code[48];
    char detail[200];
};
typedef enum xd_result (*xd_job_fn)(void *context, const struct xd_job_row *row);

struct xd_job_line_row {
    char release_id[XD_ID_SIZE];
    char line_id[XD_NAME_SIZE], sku[XD_NAME_SIZE], uom[24];
    int64_t factor_num, factor_den; /* base units per uom */
    struct xd_decimal qty, unbilled, unit_price;
    bool has_unit_price, close;
    char lot[XD_NAME_SIZE], ordered_sku[XD_NAME_SIZE]; /* see xd_erp_line; "" none */
};
typedef enum xd_result (*xd_job_line_fn)(void *context, const struct xd_job_line_row *row);

/* ---- reconciliation, counted by the store from the rows themselves ---- */

/* A sum of quantities with more digits than a decimal holds stays at this: one absurd
 * order must not blind the whole view, whose measure is the lines. */
#define XD_DECIMAL_MOST INT64_C(999999999999999999)

struct xd_reconciliation_row {
    char site[XD_SITE_SIZE];
    int64_t releases, released_lines;
    struct xd_decimal released_qty;
    int64_t confirmations, confirmed_lines; /* applied */
    struct xd_decimal confirmed_qty;
    int64_t shipments, posted_lines; /* done in the ERP */
    struct xd_decimal posted_qty;
    int64_t parked_documents, parked_lines;
    int64_t rejected_lines;
    int64_t short_lines;
    struct xd_decimal short_qty; /* closed on releases */
    int64_t outstanding_lines;   /* release lines with qty > shipped + closed */
    struct xd_decimal outstanding_qty;
    int64_t unposted_lines; /* applied, not yet posted */
    struct xd_decimal unposted_qty;
    int64_t unaccounted_lines; /* sum of |in - applied - parked - rejected| */
    int64_t refused_postings;  /* jobs the ERP rejected */
};
typedef enum xd_result (*xd_reconciliation_fn)(void *context, const struct xd_reconciliation_row *row);

struct xd_hub_store {
    void *context;
    struct xd_delivery_store delivery;
    struct xd_stock_store stock;
    struct xd_reference_store reference;
    struct xd_event_store events;
    struct xd_sla_store sla;
    struct xd_books_store books;
    struct xd_confirmation_store confirmations; /* its context is the store's */

    enum xd_result (*site_put)(void *context, const struct xd_site_row *row);
    enum xd_result (*site_each)(void *context, xd_site_fn each, void *each_context); /* R, by name */
    enum xd_result (*site_seen)(void *context, const char *site, xd_ms at,
                                const char *status); /* NULL: unchanged */

    /* Inserts, or replaces all but its tokens. */
    enum xd_result (*client_put)(void *context, const struct xd_client_row *row);
    enum xd_result (*client_get)(void *context, const char *tenant, const char *client,
                                 struct xd_client_row *out); /* R */
    /* R. By tenant and name, from behind the client that is named ("", "": from the start). */
    enum xd_result (*client_list)(void *context, const char *after_tenant, const char *after_client,
                                  size_t max, xd_client_fn each, void *each_context);
    /* R. Also of an expired token: the caller compares token->expires_at. */
    enum xd_result (*client_by_token)(void *context, const struct xd_hash *token_hash,
                                      struct xd_client_row *out, struct xd_token_row *token);
    /* Inserts, or replaces the times of a token that is there. */
    enum xd_result (*token_put)(void *context, const struct xd_token_row *row);
    enum xd_result (*token_each)(void *context, const char *tenant, const char *client, xd_token_fn each,
                                 void *each_context); /* R, the newest first */
    /* All that the client has. */
    enum xd_result (*token_drop)(void *context, const char *tenant, const char *client);

    /* An order and its lines; XD_CONFLICT: (tenant, channel_account, external_order_id) exists. */
    enum xd_result (*order_add)(void *context, const struct xd_order_row *row,
                                const struct xd_order_line_row *lines, size_t count);
    enum xd_result (*order_get)(void *context, const char *order_id, struct xd_order_row *out); /* R */
    enum xd_result (*order_find)(void *context, const char *tenant, const char *channel_account,
                                 const char *external_order_id, struct xd_order_row *out);    /* R */
    enum xd_result (*order_body)(void *context, const char *order_id, struct xd_buffer *out); /* R, appends */
    enum xd_result (*order_set_status)(void *context, const char *order_id, int status, xd_ms updated_at);
    /* All but what identifies it; the body only when it is not empty. */
    enum xd_result (*order_save)(void *context, const struct xd_order_row *row);
    enum xd_result (*order_lines)(void *context, const char *order_id, xd_order_line_fn each,
                                  void *each_context); /* R */
    enum xd_result (*order_line_add)(void *context, const char *order_id,
                                     const struct xd_order_line_row *row);
    /* Stores the quantities of one line, their unit, and its price. */
    enum xd_result (*order_line_save)(void *context, const char *order_id,
                                      const struct xd_order_line_row *row);
    /* R. Newest first; status -1: any; after: the order_id of the last one seen, "" from the start;
     * external NULL: any; tenant NULL: any. */
    enum xd_result (*order_list)(void *context, const char *tenant, const char *external_order_id, int status,
                                 const char *after, size_t max, xd_order_fn each, void *each_context);
    /* Orders of which something is backordered, the oldest first, behind *cursor (0: from the start), which
     * moves on. */
    enum xd_result (*order_backordered)(void *context, int64_t *cursor, size_t max, xd_order_id_fn each,
                                        void *each_context);
    enum xd_result (*order_count)(void *context, int status, int64_t *count); /* R, cheap */

    enum xd_result (*timeline_add)(void *context, const char *order_id, const struct xd_timeline_row *row);
    enum xd_result (*timeline_each)(void *context, const char *order_id, xd_timeline_fn each,
                                    void *each_context); /* R */

    /* (tenant, client, key) -> the order made and the fingerprint of the request. */
    enum xd_result (*key_add)(void *context, const char *tenant, const char *client, const char *key,
                              const struct xd_hash *fingerprint, const char *order_id, xd_ms at);
    enum xd_result (*key_get)(void *context, const char *tenant, const char *client, const char *key,
                              struct xd_hash *fingerprint, char order_id[XD_ID_SIZE]);
    enum xd_result (*key_drop)(void *context, xd_ms before, size_t max);

    enum xd_result (*release_add)(void *context, const struct xd_release_row *row,
                                  const struct xd_release_line_row *lines, size_t count);
    enum xd_result (*release_get)(void *context, const char *release_id, struct xd_release_row *out); /* R */
    /* Revision, status, cancel, stage, reroutes, whole, ack_by, updated_at. */
    enum xd_result (*release_save)(void *context, const struct xd_release_row *row);
    /* Releases that wait for an answer with 0 < ack_by <= before, at most max, the longest due first. */
    enum xd_result (*release_late)(void *context, xd_ms before, size_t max, xd_release_fn each,
                                   void *each_context);
    enum xd_result (*release_lines)(void *context, const char *release_id, xd_release_line_fn each,
                                    void *each_context); /* R */
    enum xd_result (*release_line_save)(void *context, const char *release_id,
                                        const struct xd_release_line_row *row);
    /* One more, the last of them. */
    enum xd_result (*release_line_add)(void *context, const char *release_id,
                                       const struct xd_release_line_row *row);
    enum xd_result (*release_of_order)(void *context, const char *order_id, xd_release_fn each,
                                       void *each_context); /* R */

    /* Inserts or replaces. */
    enum xd_result (*confirmation_put)(void *context, const struct xd_confirmation_row *row);
    /* Updates state, counts, fate_version, base and alert_at; the body stays. */
    enum xd_result (*confirmation_save)(void *context, const struct xd_confirmation_row *row);
    enum xd_result (*confirmation_get)(void *context, const char *site, const char *confirmation_id,
                                       int64_t version, struct xd_confirmation_row *out); /* R */
    enum xd_result (*confirmation_body)(void *context, const char *site, const char *confirmation_id,
                                        int64_t version, struct xd_buffer *out); /* R, appends */
    /* The highest version that is there; XD_NOT_FOUND. */
    enum xd_result (*confirmation_latest)(void *context, const char *site, const char *confirmation_id,
                                          int64_t *version);
    /* By version, then as they came. */
    enum xd_result (*confirmation_waiting)(void *context, const char *release_id, size_t max,
                                           xd_confirmation_fn each, void *each_context);

    /* All of them, from the lowest. */
    enum xd_result (*confirmation_versions)(void *context, const char *site, const char *confirmation_id,
                                            xd_confirmation_fn each, void *each_context);
    /* In the order in which they came. */
    enum xd_result (*confirmation_of_shipment)(void *context, const char *site, const char *shipment_id,
                                               size_t max, xd_confirmation_fn each, void *each_context);
    /* Those with 0 < alert_at <= before, at most max, the longest due first. */
    enum xd_result (*confirmation_alert)(void *context, xd_ms before, size_t max, xd_confirmation_fn each,
                                         void *each_context);

    enum xd_result (*exception_add)(void *context, const struct xd_exception_row *row);
    enum xd_result (*exception_get)(void *context, const char *id, struct xd_exception_row *out); /* R */
    /* Closes the open ones of that order and code. */
    enum xd_result (*exception_close_order)(void *context, const char *order_id, const char *code,
                                            const struct xd_word *word, xd_ms at);
    enum xd_result (*exception_close_one)(void *context, const char *id, const struct xd_word *word,
                                          xd_ms at);
    /* Closes the open ones of that document (code NULL: of any code). */
    enum xd_result (*exception_close)(void *context, const char *site, enum xd_kind kind,
                                      const char *document_id, int64_t version, const char *code,
                                      const struct xd_word *word, xd_ms at);
    /* The open ones that exception_close would close. */
    enum xd_result (*exception_of_document)(void *context, const char *site, enum xd_kind kind,
                                            const char *document_id, int64_t version, const char *code,
                                            xd_exception_fn each, void *each_context);
    /* The open ones that exception_close_order would close. */
    enum xd_result (*exception_of_order)(void *context, const char *order_id, const char *code,
                                         xd_exception_fn each, void *each_context);
    /* R, oldest first; after: id of the last one seen, "". Must not slow down with those of other orders;
     * nor, when all are asked for, with those of other codes or sites. */
    enum xd_result (*exception_list)(void *context, const struct xd_exception_filter *filter,
                                     const char *after, size_t max, xd_exception_fn each, void *each_context);
    enum xd_result (*exception_count)(void *context, int64_t *open); /* R */

    /* XD_DUPLICATE: a job of that (erp, kind, reference) is there. */
    enum xd_result (*job_add)(void *context, struct xd_job_row *row, const struct xd_job_line_row *lines,
                              size_t count);
    enum xd_result (*job_get)(void *context, int64_t number, struct xd_job_row *out);
    /* What became of it, and its promise. */
    enum xd_result (*job_save)(void *context, const struct xd_job_row *row);
    /* As job_save, with other lines. */
    enum xd_result (*job_renew)(void *context, const struct xd_job_row *row,
                                const struct xd_job_line_row *lines, size_t count);
    /* XD_NOT_FOUND. */
    enum xd_result (*job_find)(void *context, const char *erp, enum xd_erp_kind kind, const char *reference,
                               struct xd_job_row *out);
    enum xd_result (*job_lines)(void *context, int64_t number, xd_job_line_fn each, void *each_context);
    /* Jobs of erp in state with number > after, in order, at most max. Must not slow down with jobs done. */
    enum xd_result (*job_list)(void *context, const char *erp, int state, int64_t after, size_t max,
                               xd_job_fn each, void *each_context);
    /* Those of one version of a confirmation that the ERP refused. */
    enum xd_result (*job_refused)(void *context, const char *site, const char *confirmation_id,
                                  int64_t version, xd_job_fn each, void *each_context);
    /* The order's shipments, from the first; and the jobs that are to be done after that one. */
    enum xd_result (*job_shipments)(void *context, const char *order_id, xd_job_fn each, void *each_context);
    enum xd_result (*job_after)(void *context, int64_t number, xd_job_fn each, void *each_context);
    enum xd_result (*job_count)(void *context, int state, int64_t *count);                     /* R, cheap */
    enum xd_result (*job_count_of)(void *context, const char *erp, int state, int64_t *count); /* R, cheap */
    enum xd_result (*job_last)(void *context, int64_t *number); /* the highest; 0: there is none */
    /* The ERP behind `after` ("" from the start) of which any job is not DONE. XD_NOT_FOUND. */
    enum xd_result (*job_lane)(void *context, const char *after, char erp[XD_NAME_SIZE]);

    /* The queue of an ERP: its jobs that are QUEUED and do not wait. None of these may slow down with what
     * is done, with what waits, nor with how much there is. */

    /* The tenant behind `after` (NULL from the start) that has any. XD_NOT_FOUND. */
    enum xd_result (*job_tenant)(void *context, const char *erp, const char *after,
                                 char tenant[XD_NAME_SIZE]);
    /* The numbers of that tenant's first ones, at most max: by promise, then as they were added. */
    enum xd_result (*job_next)(void *context, const char *erp, const char *tenant, size_t max,
                               int64_t *numbers, size_t *count);
    /* Those whose due_at is over wait no more, nor those that would wait longer than wait_max (a clock was
     * set), at most max of them. *next: the due_at of the next one, 0: none waits. */
    enum xd_result (*job_wake)(void *context, const char *erp, xd_ms now, xd_ms wait_max, size_t max,
                               size_t *woken, xd_ms *next);

    /* R. site NULL: all sites, a row each, also of sites that have nothing yet. */
    enum xd_result (*reconcile)(void *context, const char *site, xd_reconciliation_fn each,
                                void *each_context);
};

#endif
