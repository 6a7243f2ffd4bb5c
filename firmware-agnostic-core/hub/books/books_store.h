/* What the books need of a store. Rules as in hub/store.h, whose part this is (the functions marked R may be
 * called through a read-only connection, too). */
#ifndef XD_HUB_BOOKS_BOOKS_STORE_H
#define XD_HUB_BOOKS_BOOKS_STORE_H

#include "base/bytes.h"
#include "base/decimal.h"
#include "base/id.h"
#include "base/time.h"
#include "hub/erp.h"

#include <stdbool.h>
#include <stddef.h>

#define XD_BOOKS_NAME_SIZE 72       /* as XD_NAME_SIZE */
#define XD_BOOKS_REFERENCE_SIZE 256 /* as XD_REFERENCE_SIZE */
#define XD_BOOKS_VALUE_SIZE 200

/* ---- entries of the ERP that wait ---- */

/* A document of the ERP that cannot be used yet; or (proposed) not before somebody wants it. */
struct xd_waiting_row {
    char erp[XD_BOOKS_NAME_SIZE];
    int what; /* enum xd_erp_list */
    char number[XD_BOOKS_NAME_SIZE];
    bool proposed;
    char code[48], detail[XD_BOOKS_VALUE_SIZE]; /* why it waits */
    struct xd_bytes body;                       /* put: the entry. get and each leave it empty */
};
typedef enum xd_result (*xd_waiting_fn)(void *context, const struct xd_waiting_row *row);

/* ---- invoices ---- */

struct xd_invoice_row {
    char erp[XD_BOOKS_NAME_SIZE];
    char number[XD_BOOKS_NAME_SIZE];
    char order_id[XD_ID_SIZE];
    char state[16]; /* the ERP's word: draft, posted, paid, cancelled */
    bool told;      /* that it was invoiced */
};
/* What of a line the invoice counts as invoiced; in base units, negative for a credit note. */
struct xd_invoice_line_row {
    char line_id[XD_BOOKS_NAME_SIZE];
    struct xd_decimal base_qty;
};
typedef enum xd_result (*xd_invoice_line_fn)(void *context, const struct xd_invoice_line_row *row);

/* ---- comparing ---- */

enum xd_books_run_state { XD_RUN_QUEUED, XD_RUN_RUNNING, XD_RUN_DONE, XD_RUN_FAILED, XD_RUN_STATE_COUNT };
extern const char *const xd_books_run_state_names[];

struct xd_books_run_row {
    int64_t n; /* given by run_add; rises */
    char id[XD_ID_SIZE];
    char erp[XD_BOOKS_NAME_SIZE]; /* "" all of them */
    int state;                    /* enum xd_books_run_state */
    char by[XD_BOOKS_NAME_SIZE];  /* who asked for it; "" it was its time */
    xd_ms queued_at, started_at, ended_at;
    int64_t sales, shipments, invoices, stock; /* documents, and places with stock, that were compared */
    int64_t differences;                       /* found */
    char detail[XD_BOOKS_VALUE_SIZE];          /* why it failed, or what could not be compared */
};
typedef enum xd_result (*xd_books_run_fn)(void *context, const struct xd_books_run_row *row);

enum xd_difference_kind {
    XD_DIFFERENCE_SALE_MISSING_IN_ERP,
    XD_DIFFERENCE_SALE_MISSING_IN_HUB,
    XD_DIFFERENCE_SALE_STATE,
    XD_DIFFERENCE_SALE_QUANTITY,
    XD_DIFFERENCE_SHIPMENT_MISSING_IN_ERP,
    XD_DIFFERENCE_SHIPMENT_MISSING_IN_HUB,
    XD_DIFFERENCE_SHIPMENT_QUANTITY,
    XD_DIFFERENCE_INVOICE_MISSING,        /* shipped, and not invoiced in time */
    XD_DIFFERENCE_INVOICE_MISSING_IN_HUB, /* the ERP's invoice was not seen */
    XD_DIFFERENCE_STOCK_SITE,             /* the site's snapshot and the ERP */
    XD_DIFFERENCE_STOCK_HUB,              /* the hub's stock and the ERP's list */
    XD_DIFFERENCE_KIND_COUNT
};
extern const char *const xd_difference_kind_names[];

enum xd_difference_state {
    XD_DIFFERENCE_OPEN,
    XD_DIFFERENCE_APPROVED, /* its repair is on its way; the next run that can look tells */
    XD_DIFFERENCE_REPAIRED, /* ... and it is gone */
    XD_DIFFERENCE_GONE,     /* by itself */
    XD_DIFFERENCE_ACCEPTED, /* a person says that it may be */
    XD_DIFFERENCE_STATE_COUNT
};
extern const char *const xd_difference_state_names[];

enum xd_books_repair {
    XD_REPAIR_NONE,         /* a person's matter */
    XD_REPAIR_POST_AGAIN,   /* with the same reference */
    XD_REPAIR_CHANGE_SALE,  /* the ERP is told what the order says */
    XD_REPAIR_TAKE_SALE,    /* the ERP's sale becomes an order, or the order follows it */
    XD_REPAIR_READ_AGAIN,   /* the ERP's invoices from the start */
    XD_REPAIR_ADJUST_STOCK, /* the ERP's, as the site has counted it */
    XD_REPAIR_COUNT
};
extern const char *const xd_books_repair_names[];

struct xd_difference_row {
    char id[XD_ID_SIZE];
    char erp[XD_BOOKS_NAME_SIZE];
    int kind, state, repair; /* enum xd_difference_kind, xd_difference_state, xd_books_repair */
    char order_id[XD_ID_SIZE], site[XD_SITE_SIZE], sku[XD_BOOKS_NAME_SIZE], line_id[XD_BOOKS_NAME_SIZE];
    char hub_document[XD_BOOKS_REFERENCE_SIZE]; /* our reference; "" none */
    char erp_document[XD_BOOKS_NAME_SIZE];      /* its number; "" none */
    char hub_value[XD_BOOKS_VALUE_SIZE], erp_value[XD_BOOKS_VALUE_SIZE];
    xd_ms first_seen, last_seen, decided_at;
    char by[XD_BOOKS_NAME_SIZE]; /* who decided; "" nobody */
    int64_t run;                 /* n of the run that saw it last, or passed it over */
};
typedef enum xd_result (*xd_difference_fn)(void *context, const struct xd_difference_row *row);

/* -1, NULL: of any. */
struct xd_difference_filter {
    const char *erp;
    int kind, state;
    bool open_only; /* OPEN and APPROVED */
};

/* What is on hand at a place, as each side says it, while a run compares. */
struct xd_book_stock_row {
    char site[XD_SITE_SIZE];
    char sku[XD_BOOKS_NAME_SIZE];
    bool has_erp, has_site; /* whether it says something of this SKU */
    struct xd_decimal erp, site_qty;
    struct xd_decimal since, unposted; /* to add to erp to get what the site had then, and what the hub has */
    bool busy;                         /* something of it went to the ERP while the run went on */
};
typedef enum xd_result (*xd_book_stock_fn)(void *context, const struct xd_book_stock_row *row);

struct xd_books_store {
    /* Inserts or replaces. */
    enum xd_result (*waiting_put)(void *context, const struct xd_waiting_row *row);
    /* body may be NULL; else the entry is appended. XD_NOT_FOUND. */
    enum xd_result (*waiting_get)(void *context, const char *erp, int what, const char *number,
                                  struct xd_waiting_row *out, struct xd_buffer *body);
    enum xd_result (*waiting_drop)(void *context, const char *erp, int what, const char *number);
    /* Of an ERP, those that are not proposed, behind the one that is named (what -1: from the start). */
    enum xd_result (*waiting_list)(void *context, const char *erp, int what, const char *number, size_t max,
                                   xd_waiting_fn each, void *each_context);

    enum xd_result (*invoice_get)(void *context, const char *erp, const char *number,
                                  struct xd_invoice_row *out);
    /* Inserts or replaces, with all of its lines. */
    enum xd_result (*invoice_put)(void *context, const struct xd_invoice_row *row,
                                  const struct xd_invoice_line_row *lines, size_t count);
    enum xd_result (*invoice_lines)(void *context, const char *erp, const char *number,
                                    xd_invoice_line_fn each, void *each_context);

    enum xd_result (*run_add)(void *context, struct xd_books_run_row *row);
    enum xd_result (*run_save)(void *context, const struct xd_books_run_row *row);
    enum xd_result (*run_get)(void *context, const char *id, struct xd_books_run_row *out); /* R */
    /* The oldest that is queued or running; XD_NOT_FOUND. */
    enum xd_result (*run_next)(void *context, struct xd_books_run_row *out);
    /* That ERP's one that is queued; XD_NOT_FOUND. */
    enum xd_result (*run_queued)(void *context, const char *erp, struct xd_books_run_row *out);
    /* R. The latest first, behind that one ("" from the start). */
    enum xd_result (*run_list)(void *context, const char *after, size_t max, xd_books_run_fn each,
                               void *each_context);

    /* The ERP has a document of that reference, or number; run: its n. */
    enum xd_result (*seen_add)(void *context, const char *erp, int what, const char *reference, int64_t run);
    enum xd_result (*seen_has)(void *context, const char *erp, int what, const char *reference, int64_t run,
                               bool *has);
    /* Whether a job of the order is not decided, or was called for at or after `since` (wall). */
    enum xd_result (*order_busy)(void *context, const char *order_id, xd_ms since, bool *busy);

    enum xd_result (*difference_put)(void *context, const struct xd_difference_row *row); /* or replaces */
    enum xd_result (*difference_get)(void *context, const char *id, struct xd_difference_row *out); /* R */
    /* R. By id, behind that one. */
    enum xd_result (*difference_list)(void *context, const struct xd_difference_filter *filter,
                                      const char *after, size_t max, xd_difference_fn each,
                                      void *each_context);
    /* R. OPEN and APPROVED ones; erp NULL: of any. */
    enum xd_result (*difference_count)(void *context, const char *erp, int64_t *count);
    /* OPEN and APPROVED ones of an ERP that no run from `run` on has seen. */
    enum xd_result (*difference_stale)(void *context, const char *erp, int64_t run, size_t max,
                                       xd_difference_fn each, void *each_context);

    /* XD_NOT_FOUND leaves a row that says nothing but where. */
    enum xd_result (*stock_get)(void *context, const char *site, const char *sku,
                                struct xd_book_stock_row *out);
    enum xd_result (*stock_put)(void *context, const struct xd_book_stock_row *row);
    enum xd_result (*stock_list)(void *context, const char *after_site, const char *after_sku, size_t max,
                                 xd_book_stock_fn each, void *each_context);
    /* What a run notes for itself; *more: some is left. */
    enum xd_result (*notes_drop)(void *context, size_t max, bool *more);
};

#endif
