/* Shared by the files of hub/books/ only. */
#ifndef XD_HUB_BOOKS_BOOKS_INTERNAL_H
#define XD_HUB_BOOKS_BOOKS_INTERNAL_H

#include "hub/books/books.h"
#include "hub/hub_internal.h"

#define XD_BOOKS_PAGE ((size_t)50) /* entries that are asked for, and rows that are read, at once */

/* ---- one entry of a list of documents (entry.c) ---- */

struct xd_entry_line {
    const char *line_id, *sku, *uom; /* NULL: not said */
    struct xd_decimal qty, base_qty, unit_price, shipped, invoiced;
    bool has_qty, has_unit_price;
};

/* Texts are the tree's; NULL: not said. */
struct xd_erp_entry {
    const char *number, *reference, *state;
    const char *customer, *currency, *customer_po, *ordered_at, *site; /* a sale's */
    const cJSON *ship_to;
    const char *sale, *sale_reference; /* a shipment's or an invoice's */
    struct xd_decimal total;           /* an invoice's */
    bool has_total;
    struct xd_entry_line *lines; /* owned */
    size_t line_count;
    const cJSON *tree;
};
/* XD_NOT_FOUND: a draft that has no number yet. XD_INVALID: `why` says what is wrong in a sentence. Free with
 * xd_entry_free in every case. */
XD_CHECKED enum xd_result xd_entry_read(const cJSON *tree, struct xd_erp_entry *out,
                                        char why[XD_BOOKS_VALUE_SIZE]);
void xd_entry_free(struct xd_erp_entry *entry);
bool xd_entry_is(const struct xd_erp_entry *entry, const char *state);
/* The sale of that reference (ours, may be NULL), else of that number: its job. XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_books_find_sale(struct xd_hub *hub, const char *erp, const char *reference,
                                             const char *number, struct xd_job_row *job);

/* ---- deciding on one (born.c, invoices.c) ---- */

/* What lacks here says itself in `why`, with a code, and XD_AGAIN: the entry waits. */
struct xd_books_why {
    const char *code;
    char detail[XD_BOOKS_VALUE_SIZE];
};
/* adopt: also one whose reference is not known here, and one of which something has shipped. */
XD_CHECKED enum xd_result xd_books_sale(struct xd_hub *hub, const char *erp, const struct xd_erp_entry *entry,
                                        bool adopt, struct xd_now now, struct xd_books_why *why);
XD_CHECKED enum xd_result xd_books_shipment(struct xd_hub *hub, const char *erp,
                                            const struct xd_erp_entry *entry, struct xd_now now);
XD_CHECKED enum xd_result xd_books_invoice(struct xd_hub *hub, const char *erp,
                                           const struct xd_erp_entry *entry, struct xd_now now,
                                           struct xd_books_why *why);

/* ---- waiting (waiting.c) ---- */

/* Decides on an entry, and keeps it when it has to wait. */
XD_CHECKED enum xd_result xd_books_decide(struct xd_hub *hub, const char *erp, enum xd_erp_list what,
                                          const cJSON *tree, struct xd_now now);
#define XD_BOOKS_AGAIN ((size_t)20) /* of those that wait, in one turn */
/* A few of those that wait, once more; *more: there are others. */
XD_CHECKED enum xd_result xd_books_again(struct xd_hub *hub, const char *erp, struct xd_now now, bool *more);
/* Whether any waits behind the one that was looked at last. */
XD_CHECKED enum xd_result xd_books_waits(struct xd_hub *hub, const char *erp, bool *waits);
/* One that was proposed is wanted now. XD_NOT_FOUND: it is not there any more. */
XD_CHECKED enum xd_result xd_books_adopt(struct xd_hub *hub, const char *erp, const char *number,
                                         struct xd_now now);
/* It waits until its difference is approved. */
XD_CHECKED enum xd_result xd_books_propose(struct xd_hub *hub, const char *erp, enum xd_erp_list what,
                                           const struct xd_erp_entry *entry);

/* ---- comparing ---- */

enum xd_books_phase {
    XD_PHASE_CLEAR,     /* notes of an earlier run go */
    XD_PHASE_SNAPSHOTS, /* what sites have said that they have */
    XD_PHASE_STOCK,     /* lists of the ERP ... */
    XD_PHASE_SALES,
    XD_PHASE_SHIPMENTS,
    XD_PHASE_INVOICES,
    XD_PHASE_POSTED, /* what was posted to it ... */
    XD_PHASE_OPEN,   /* ... and what was not yet */
    XD_PHASE_PLACES, /* stock is compared */
    XD_PHASE_STALE,  /* differences that are gone */
    XD_PHASE_END
};

struct xd_books_place {
    char site[XD_SITE_SIZE];
    xd_ms as_of; /* of its snapshot; 0: none */
    bool listed; /* by the ERP */
};

struct xd_books_comparison {
    bool going;
    size_t lane;                 /* its ERP's place in the configuration */
    struct xd_books_run_row row; /* as it was stored last */
    xd_ms began;                 /* wall: what went to the ERP since is under way */
    enum xd_books_phase phase;
    char cursor[XD_ERP_CURSOR_SIZE]; /* of the list that is read */
    bool stock_listed;               /* the ERP has a list of stock */
    unsigned lists;                  /* bits of the lists that it has */
    int64_t job;                     /* up to here jobs were read */
    int state;                       /* of those that are read */
    size_t site, line;               /* of snapshots */
    char after_site[XD_SITE_SIZE], after_sku[XD_BOOKS_NAME_SIZE];
    bool stuck;                        /* its ERP is in trouble ... */
    xd_ms stuck_at;                    /* monotonic: ... since then */
    char trouble[XD_BOOKS_VALUE_SIZE]; /* what the last call met; "" nothing, or it was none of the run's */
    struct xd_books_place *places;     /* owned: one for each site that there was */
    size_t place_count;
};

/* One ERP, as it is watched. One call at a time, for this or for the run. */
struct xd_books_watch {
    size_t lane;        /* its place in the configuration */
    bool called, fresh; /* fresh: in this batch, whose commit may fail */
    bool comparing;     /* it is the run's */
    uint64_t call;
    enum xd_erp_list what;
    size_t max;             /* entries that are asked for: fewer after a page could not be decided on */
    int list;               /* the one that is watched now; XD_ERP_LIST_COUNT: those that wait come again */
    xd_ms due;              /* monotonic */
    bool skips;             /* the entry that is asked for alone cannot be decided on */
    enum xd_result failure; /* of the last page that was undone */
    struct xd_retry retry;
    /* Of those that wait, looked at last in this round, and looked at now: one that cannot be decided on is
     * passed over until the next round. */
    char waiting_number[XD_BOOKS_NAME_SIZE], trying_number[XD_BOOKS_NAME_SIZE];
    int waiting_what, trying_what;
    size_t again_max; /* of them are looked at at once: fewer after they could not be */
    /* Whether the ERP's books are to be compared again because a run of it failed, which the exception
     * XD_BOOKS_NOT_COMPARED says in the store; not before owed_at (monotonic). */
    bool owed_seen, owed;
    xd_ms owed_at;
    unsigned owed_tries;
};

struct xd_books {
    struct xd_books_config config;
    struct xd_books_counters counters;
    struct xd_books_watch watches[XD_ERPS_MAX];
    xd_ms step;            /* monotonic: of the run */
    unsigned run_failures; /* of the run that is to be done */
    bool run_seen;         /* there is no run but the one under way */
    int64_t clock;         /* the run whose time came last, as the store has it; 0: to be asked */
    struct xd_books_comparison run;
};
/* The ERP of that name; NULL: none. */
struct xd_books_watch *xd_books_watch_of(struct xd_hub *hub, const char *erp);
/* Of the run under way: its ERP, and the one whose postings it is held against (a shadow's: whoever is posted
 * to instead). */
const char *xd_run_erp(const struct xd_hub *hub);
const char *xd_run_posted(const struct xd_hub *hub);
bool xd_run_of_shadow(const struct xd_hub *hub);
/* Queues a run of that ERP (NULL: of each); out, which may be NULL, has their ids, in the order of the
 * configuration. by "": it is its time. */
struct xd_books_queued {
    char ids[XD_ERPS_MAX][XD_ID_SIZE];
    size_t count;
};
XD_CHECKED enum xd_result xd_books_queue(struct xd_hub *hub, const char *erp, const char *by,
                                         struct xd_now now, struct xd_books_queued *out);

#define XD_BOOKS_PAUSE_MS ((xd_ms)20) /* between two pages, in which jobs get a worker */

/* books.c */
/* A run of it was carried through: nothing is owed any more. */
void xd_books_compared(struct xd_hub *hub, size_t lane);
XD_CHECKED enum xd_result xd_books_rewind(struct xd_hub *hub, const char *erp, enum xd_erp_list list);
/* compare.c: a piece of the run. list: it wants a page of that list instead. */
XD_CHECKED enum xd_result xd_compare_step(struct xd_hub *hub, struct xd_now now);
/* Which list it waits for; XD_ERP_LIST_COUNT: none. */
enum xd_erp_list xd_compare_wants(const struct xd_books *books);
XD_CHECKED enum xd_result xd_compare_page(struct xd_hub *hub, enum xd_erp_list what, const cJSON *entries,
                                          const char *next, struct xd_now now);
/* That list is passed over. */
XD_CHECKED enum xd_result xd_compare_not_listed(struct xd_hub *hub, enum xd_erp_list what);
/* compare_documents.c */
XD_CHECKED enum xd_result xd_compare_sale(struct xd_hub *hub, const struct xd_erp_entry *entry,
                                          struct xd_now now);
XD_CHECKED enum xd_result xd_compare_shipment(struct xd_hub *hub, const struct xd_erp_entry *entry,
                                              struct xd_now now);
XD_CHECKED enum xd_result xd_compare_invoice(struct xd_hub *hub, const struct xd_erp_entry *entry,
                                             struct xd_now now);
XD_CHECKED enum xd_result xd_compare_posted(struct xd_hub *hub, const struct xd_job_row *job,
                                            struct xd_now now);
/* Whether the run could not compare what the difference is about, and says nothing of it. */
XD_CHECKED enum xd_result xd_compare_passed_over(struct xd_hub *hub, const struct xd_difference_row *row,
                                                 bool *passed);
/* compare_stock.c */
XD_CHECKED enum xd_result xd_compare_places_open(struct xd_hub *hub);
/* A piece of a site's snapshot; *done: of all of them. */
XD_CHECKED enum xd_result xd_compare_snapshots(struct xd_hub *hub, bool *done);
XD_CHECKED enum xd_result xd_compare_stock(struct xd_hub *hub, const cJSON *entry);
/* What a job does, or did, to stock. */
XD_CHECKED enum xd_result xd_compare_moves(struct xd_hub *hub, const struct xd_job_row *job);
XD_CHECKED enum xd_result xd_compare_places(struct xd_hub *hub, struct xd_now now, bool *done);
/* The unit in which a place's stock was compared: the product's base unit, else that of the site's snapshot.
 * XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_compare_stock_uom(struct xd_hub *hub, const char *site, const char *sku,
                                               char out[24]);

/* differences.c: one that was found; what it has beyond the kind and the documents is filled in by whoever
 * found it. name: tells it from others of its kind, for good. */
XD_CHECKED enum xd_result xd_difference_note(struct xd_hub *hub, struct xd_difference_row *row,
                                             const char *name, struct xd_now now);
/* Those of the run's ERP that it looked for and did not see are gone. */
XD_CHECKED enum xd_result xd_difference_sweep(struct xd_hub *hub, struct xd_now now, bool *done);
/* The exception of that code and of that ERP says so from now on; detail NULL: it is over. */
XD_CHECKED enum xd_result xd_books_tell(struct xd_hub *hub, const char *erp, const char *code,
                                        const char *detail, struct xd_now now);
#define XD_BOOKS_NOT_COMPARED "BOOKS_NOT_COMPARED"
/* Whether the exception of that code and of that ERP is open. */
XD_CHECKED enum xd_result xd_books_told(struct xd_hub *hub, const char *erp, const char *code, bool *open);
/* The exception of the ERP says how many there are. */
XD_CHECKED enum xd_result xd_difference_tell(struct xd_hub *hub, const char *erp, struct xd_now now);
/* Whether the hub can repair it. */
bool xd_difference_repairable(const struct xd_difference_row *row);
/* Puts the repair on its way. XD_NOT_FOUND: what is to be repaired is not there any more. */
XD_CHECKED enum xd_result xd_difference_repair(struct xd_hub *hub, const struct xd_difference_row *row,
                                               struct xd_now now);

/* The jobs of a page, copied because a callback must not call the store. */
struct xd_books_jobs {
    struct xd_job_row rows[XD_BOOKS_PAGE];
    size_t count;
};
struct xd_books_job_lines {
    struct xd_job_line_row *rows; /* owned */
    size_t count, capacity;
};
XD_CHECKED enum xd_result xd_books_job_lines(struct xd_hub *hub, int64_t job, struct xd_books_job_lines *out);

#endif
