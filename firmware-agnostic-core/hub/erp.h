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
    XD_ERP_CHECK       /* of an order, before anything: asked of somebody outside, never of the ERP */
};
extern const char *const xd_erp_kind_names[]; /* "sale", "shipment", "adjustment", "change", "check" */

struct xd_erp_line {
    const char *line_id;
    const char *sku;
    const char *uom;
    int64_t factor_num, factor_den; /* base units of the product per uom, exact */
    struct xd_decimal qty;        /* change: in all; sale: ordered; shipment: shipped, 0 allowed with close */
    struct xd_decimal unbilled;   /* shipment: part of qty that must not be billed (over-shipment) */
    struct xd_decimal unit_price; /* sale */
    bool has_unit_price;
    bool close; /* shipment: the rest of this line will not come: close it short */
};

struct xd_erp_request {
    enum xd_erp_kind kind;
    /* Ours, unique: the same reference never makes a second sale or shipment. */
    const char *reference;
    const char *sale_reference; /* shipment, change: of the sale it belongs to */
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
    char code[48];     /* lower case: unknown_customer, inactive_product, credit_limit, period_closed, ... */
    char detail[200];  /* the ERP's words */
    uint32_t retry_after_ms; /* with UNAVAILABLE; 0: not said */
};

/* A enforces the uniqueness of our reference; B can only look it up; C neither. */
enum xd_erp_grade { XD_ERP_GRADE_A, XD_ERP_GRADE_B, XD_ERP_GRADE_C };

/* What an ERP can list. Each entry is a JSON object; null says that a member has no value:
 *   customers  as reference_documents.h says: code, name, active, credit_limit, currency, ...
 *   products   likewise: sku, description, base_uom, active, lot_tracked, price, ...
 *   stock      {"site", "sku", "qty"}: on hand, as a decimal string, may be negative */
enum xd_erp_list { XD_ERP_CUSTOMERS, XD_ERP_PRODUCTS, XD_ERP_STOCK, XD_ERP_LIST_COUNT };
extern const char *const xd_erp_list_names[]; /* "customers", "products", "stock", NULL */
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
    /* One page of at most max entries (up to XD_ERP_PAGE_MAX), in the order of their keys: a JSON array
     * appended to entries. cursor: "" from the start, else the `next` of the page before, where "" means
     * that there is no more. DONE; UNAVAILABLE; REJECTED: it does not list that. What changes while it is
     * paged may be in or not; what does not change comes once. NULL: it lists nothing. */
    void (*list)(void *context, enum xd_erp_list what, const char *cursor, size_t max,
                 struct xd_erp_answer *answer, struct xd_buffer *entries, char next[XD_ERP_CURSOR_SIZE]);
    void (*close)(void *context);
};

#endif
