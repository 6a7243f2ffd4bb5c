/* Which site ships what: a pure function of a question that holds all that the
 * decision may know. The same question always gives the same plan. Any thread.
 *
 * Order of sites. The one that the order prefers; then those whose agent was heard of at least once; own
 * warehouses before 3PLs; then by priority, the lower the sooner; then by name.
 *
 * Which sites may ship at all. A site is out for the first of these that holds: not
 * enrolled, paused, not heard of for too long, does not ship to that country or postal
 * code, never opens, or opens only after the earlier of ship_not_after and cancel_after.
 * For a line a site is out when its profile does not list the SKU, or when it has refused
 * that line before. A country or postal code that the order does not say is served by
 * sites without such a list only.
 *
 * Stock. A site whose stock is not known here has everything: its WMS decides. Lines of
 * the same SKU share what a site has of it. Less than nothing is nothing.
 *
 * Choosing. The first site in order that can ship everything. Else, unless the order must
 * not be split, sites are taken one after the other: each time the one that covers the
 * most whole lines, then the greatest quantity, then the first in order, and it takes all
 * lines that it covers whole. Only a line that no site covers alone (of what is left) is
 * then filled in parts, in the same way, by sites that ship something anyway before
 * others, so that few parcels leave. This is greedy: good, not proven to be the fewest.
 * When the order must not be split, one site by the same measure ships what it has.
 *
 * What is missing, by fulfilment policy (absent: FILL_ALL_AVAILABLE):
 *   FILL_OR_KILL        everything now, or all of it is cancelled
 *   FILL_ALL            everything now (a split is fine), or nothing now and all of it is
 *                       backordered, whatever the backorder policy: it waits to be whole
 *   FILL_ALL_AVAILABLE  what there is now; the rest by backorder policy (absent: CREATE):
 *                       CREATE backordered, NONE and CANCEL cancelled, MANUAL waits for a
 *                       person
 * For each line: parts + backordered + cancelled + waiting = what was asked. */
#ifndef XD_HUB_ORCHESTRATION_ROUTE_H
#define XD_HUB_ORCHESTRATION_ROUTE_H

#include "hub/reference/reference.h"

#define XD_ROUTE_SITES_MAX 32u
#define XD_ROUTE_DATE_SIZE 12

struct xd_route_line {
    const char *sku;
    struct xd_decimal qty;  /* > 0, base units, still to be placed */
    struct xd_decimal unit; /* a part of a line is a whole multiple of it (a case of 12); 0: any quantity */
};

struct xd_route_site {
    const struct xd_site_profile *profile;
    bool enrolled, healthy;
    bool unheard;                       /* its agent never was: its turn comes after all others' */
    char ship_date[XD_ROUTE_DATE_SIZE]; /* the first date on which it can ship; "" never */
};

/* What one site could give of one line. */
struct xd_route_offer {
    bool known;            /* its stock is */
    struct xd_decimal qty; /* available of the SKU, base units; the same for each line of that SKU */
    bool refused;          /* it has refused this line, or let its release time out */
};

/* All borrowed for the call. */
struct xd_route_question {
    const struct xd_route_line *lines;
    size_t line_count; /* 1..XD_ORDER_LINES_MAX */
    const struct xd_route_site *sites;
    size_t site_count;                         /* 0..XD_ROUTE_SITES_MAX */
    const struct xd_route_offer *offers;       /* [site * line_count + line] */
    const char *preferred_site;                /* NULL: none */
    const char *country, *postal_code;         /* of ship_to; NULL: not said */
    const char *ship_not_after, *cancel_after; /* dates; NULL: none */
    int fulfilment_policy;                     /* enum xd_fulfilment_policy; -1 absent */
    int backorder_policy;                      /* enum xd_backorder_policy; -1 absent */
    bool no_split;
};

/* Why a site ships nothing of it. */
enum xd_route_reason {
    XD_ROUTE_CHOSEN,
    XD_ROUTE_NOT_ENROLLED,
    XD_ROUTE_PAUSED,
    XD_ROUTE_OFFLINE,
    XD_ROUTE_REGION,
    XD_ROUTE_CLOSED,
    XD_ROUTE_TOO_LATE,
    XD_ROUTE_NO_SKU,
    XD_ROUTE_REFUSED_BEFORE,
    XD_ROUTE_NO_STOCK,
    XD_ROUTE_NOT_ENOUGH, /* it has some, but not what was wanted of it: another has, or it is all or nothing
                          */
    XD_ROUTE_NOT_NEEDED, /* others ship it */
    XD_ROUTE_REASON_COUNT
};
/* "chosen", "not_enrolled", "paused", "offline", "does_not_serve_region", "closed", "too_late",
 * "does_not_have_sku", "refused_before", "no_stock", "not_enough", "not_needed", NULL */
extern const char *const xd_route_reason_names[];

enum xd_route_decision {
    XD_ROUTE_PRIMARY,     /* the first site in order ships it */
    XD_ROUTE_OTHER_SITE,  /* another own warehouse */
    XD_ROUTE_THIRD_PARTY, /* another, which is a 3PL */
    XD_ROUTE_SPLIT,       /* several */
    XD_ROUTE_BACKORDER,   /* nothing ships now, all of it is backordered */
    XD_ROUTE_KILL,        /* nothing ships, all of it is cancelled */
    XD_ROUTE_WAIT, /* nothing ships now: FILL_ALL waits to be whole (backordered), or a person decides */
    XD_ROUTE_DECISION_COUNT
};
/* "primary", "other_site", "third_party", "split", "backorder", "kill", "wait", NULL */
extern const char *const xd_route_decision_names[];

/* A site as it was considered; in order. */
struct xd_route_verdict {
    char site[XD_SITE_SIZE];
    char ship_date[XD_ROUTE_DATE_SIZE];
    enum xd_route_reason reason;
};

struct xd_route_part {
    size_t site; /* index in the plan's sites */
    size_t line; /* index in the question's lines */
    struct xd_decimal qty;
};

struct xd_route_rest {
    struct xd_decimal backordered, cancelled, waiting;
};

struct xd_route_plan {
    enum xd_route_decision decision; /* of what ships; what is missing beside it is in rests */
    char sentence[400];              /* for the timeline */
    struct xd_route_verdict sites[XD_ROUTE_SITES_MAX];
    size_t site_count;
    struct xd_route_part *parts; /* owned; by site in order, then line; at most one of each pair */
    size_t part_count, part_capacity;
    struct xd_route_rest *rests; /* owned; one for each line */
    size_t line_count;
};

/* XD_INVALID: a bound or a quantity is broken, or quantities add up to more digits than there are.
 * XD_NO_MEMORY. Fills out on XD_OK only; then free it with xd_route_plan_free. At most some
 * 32 * 32 * lines steps. */
XD_CHECKED enum xd_result xd_route(const struct xd_route_question *question, struct xd_route_plan *out);
void xd_route_plan_free(struct xd_route_plan *plan); /* leaves it empty; an empty one is fine */

/* The unit of a line whose unit of measure is num/den base units. A third has no exact decimal: as many of
 * them as make whole base units are not broken up. */
struct xd_decimal xd_route_unit(int64_t num, int64_t den);

/* How far a site goes before another in the order of sites: < 0, or > 0; 0 for the same site. */
int xd_route_site_compare(const struct xd_site_profile *a, const struct xd_site_profile *b,
                          const char *preferred);
/* What speaks against a site as such, whatever the lines: XD_ROUTE_CHOSEN for nothing. */
enum xd_route_reason xd_route_judge(const struct xd_route_question *question,
                                    const struct xd_route_site *site);
/* By its name, or by the beginning of it; a profile that lists none has all. */
bool xd_route_lists_sku(const struct xd_site_profile *profile, const char *sku);

#endif
