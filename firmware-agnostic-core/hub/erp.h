/* The ERP as a table of functions. Called on a worker's thread, one call at a
 * time per context; may block up to the configured longest request life. The
 * hub has stored SENT(reference, attempt) before it calls.
 *
 * The four answers are four different things and MUST be told apart:
 *   DONE         the effect is there (now, or already: the reference was known)
 *   REJECTED     the ERP looked at it and refuses for good; nothing happened
 *   UNKNOWN      the call may or may not have taken effect, now or later
 *   UNAVAILABLE  certainly nothing happened and nothing will; try again later
 * Calling UNKNOWN what was UNAVAILABLE costs time; the reverse doubles orders. */
#ifndef XD_HUB_ERP_H
#define XD_HUB_ERP_H

#include "base/bytes.h"
#include "base/decimal.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum xd_erp_kind {
    XD_ERP_SALE,
    XD_ERP_SHIPMENT,
    XD_ERP_ADJUSTMENT, /* changes stock at a site by signed quantities (an inventory DELTA) */
    XD_ERP_CHANGE,     /* of a sale: each line shall have qty in all, never less than was shipped; 0: none */
    XD_ERP_CHECK,      /* of an order or of what it was changed to, before anything of that goes out: asked of
                          somebody outside, never of the ERP */
    XD_ERP_REVERSAL /* undoes a shipment: its goods are back on the site's stock, what was billed is credited,
                       and its lines are open again, to be shipped by another shipment or closed short by one
                     */
};
extern const char
    *const xd_erp_kind_names[]; /* "sale", "shipment", "adjustment", "change", "check", "reversal" */

struct xd_erp_line {
    const char *line_id;
    const char *sku;
    /* shipment, change: that in which the line was sold, or the product's own: five pieces of a case of
     * twelve are no number of cases. */
    const char *uom;
    int64_t factor_num, factor_den; /* base units of the product per uom, exact */
    struct xd_decimal qty;        /* change: in all; sale: ordered; shipment: shipped, 0 allowed with close */
    struct xd_decimal unbilled;   /* shipment: part of qty that must not be billed (over-shipment) */
    struct xd_decimal unit_price; /* sale */
    bool has_unit_price;
    bool close;      /* shipment: the rest of this line will not come: close it short */
    const char *lot; /* shipment: which one; NULL: not said. A line may come once for each of its lots */
    const char *
        ordered_sku; /* shipment of a substitute: what the sale's line says, sku being what left; else NULL */
};

struct xd_erp_request {
    enum xd_erp_kind kind;
    /* Ours, unique: the same reference never makes a second sale or shipment. */
    const char *reference;
    /* shipment, change, reversal, check: of the sale it belongs to. "=SO42" is the sale that the ERP itself
     * numbered SO42: it was born there, its line_ids are those of the list of sales, and reference it may
     * have none.
     */
    const char *sale_reference;
    const char *reverses; /* reversal: the reference of the shipment */
    const char *tenant;
    const char *site;     /* the warehouse */
    const char *customer; /* sale */
    const char *currency; /* sale */
    xd_ms at;             /* shipment: when it left; sale: when it was ordered; 0: not known */
    const struct xd_erp_line *lines;
    size_t line_count;
};

enum xd_erp_outcome { XD_ERP_DONE, XD_ERP_REJECTED, XD_ERP_UNKNOWN, XD_ERP_UNAVAILABLE, XD_ERP_ABSENT };
extern const char *const xd_erp_outcome_names[];

struct xd_erp_answer {
    enum xd_erp_outcome outcome;
    char document[64]; /* the ERP's own number of what is there */
    /* Lower case: unknown_customer, inactive_product, credit_limit, lot_required, ... With DONE it says that
     * something is not as asked for: period_closed (dated on the first open day; detail names it). */
    char code[48];
    char detail[200];        /* the ERP's words */
    uint32_t retry_after_ms; /* with UNAVAILABLE; 0: not said */
};

/* A enforces the uniqueness of our reference: what came twice is there once. B can only look it up: a request
 * that may have happened is looked up before it is made again. C neither: it is made at most once, and a
 * person decides what became of one that is unknown. */
enum xd_erp_grade { XD_ERP_GRADE_A, XD_ERP_GRADE_B, XD_ERP_GRADE_C };

/* What an ERP can list. Each entry is a JSON object; null says that a member has no value; quantities and
 * money are decimal strings, instants are RFC 3339 text.
 *
 * Three are lists of what there is, in the order of their keys: a `next` of "" says that there is no more.
 *
 *   - customers: as reference_documents.h says: code, name, active, credit_limit, currency, ...
 *
 *   - products: likewise: sku, description, base_uom, active, lot_tracked, price, ...
 *
 *   - stock: {"site", "sku", "qty"}: on hand, may be negative
 *
 * The others are documents in the order in which they last changed. `next` is never "": it is where to go
 * on, now or a month later; a page with no entry says that there is no more yet. An entry that changes comes
 * again. reference and sale_reference are null where ours is not there; a sale without one was born in the
 * ERP.
 *
 *   - sales: {"number", "reference": ours, "state": draft | open | done | cancelled, "customer", "currency",
 *     "customer_po", "ordered_at", "site", "ship_to": {as in an order} or null, "lines": [{"line_id", "sku",
 *     "uom", "qty", "base_qty", "unit_price", "shipped": base units, "invoiced": base units}]}
 *
 *   - shipments: {"number", "reference": ours, "sale": its number, "sale_reference": ours, "site", "state":
 *     waiting | done | cancelled, "at": when it left, "ship_by": a date, "lines": [{"line_id", "sku", "uom",
 *     "qty", "base_qty", "lot"}]}; a reversal has negative quantities
 *
 *   - invoices: {"number", "sale": its number, "sale_reference": ours, "state": draft | posted | paid |
 *     cancelled, "currency", "total", "lines": [{"line_id", "sku", "base_qty"}]}; a credit note has negative
 *     quantities */
enum xd_erp_list {
    XD_ERP_CUSTOMERS,
    XD_ERP_PRODUCTS,
    XD_ERP_STOCK,
    XD_ERP_SALES, /* the first of the documents */
    XD_ERP_SHIPMENTS,
    XD_ERP_INVOICES,
    XD_ERP_LIST_COUNT
};
extern const char *const xd_erp_list_names[]; /* "customers", "products", "stock", "sales", ..., NULL */
#define XD_ERP_CURSOR_SIZE 160
#define XD_ERP_PAGE_MAX 500u                   /* entries */
#define XD_ERP_PAGE_BYTES ((size_t)256 * 1024) /* a page that has so many bytes is full */

struct xd_erp {
    void *context; /* of one worker */
    enum xd_erp_grade grade;
    /* Makes the effect. Never answers ABSENT. */
    void (*post)(void *context, const struct xd_erp_request *request, struct xd_erp_answer *answer);
    /* Looks the reference up: DONE (there it is), ABSENT, UNAVAILABLE (could not look). */
    void (*find)(void *context, enum xd_erp_kind kind, const char *reference, struct xd_erp_answer *answer);
    /* One page of at most max entries (up to XD_ERP_PAGE_MAX): a JSON array appended to entries. cursor: ""
     * from the start, else the `next` of the page before. DONE; UNAVAILABLE; REJECTED: it does not list that.
     * What changes while it is paged may be in or not; what does not change comes once. NULL: it lists
     * nothing. */
    void (*list)(void *context, enum xd_erp_list what, const char *cursor, size_t max,
                 struct xd_erp_answer *answer, struct xd_buffer *entries, char next[XD_ERP_CURSOR_SIZE]);
    void (*close)(void *context);
};

#endif
