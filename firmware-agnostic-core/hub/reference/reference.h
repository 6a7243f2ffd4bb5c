/* Reference data: what the hub knows of customers, products, sites, carriers,
 * channels and tenants, beside what an order says.
 *
 * An entry is a JSON document with a key of its kind (reference_documents.h). Each
 * change makes a new version of it, numbered across all kinds, and the older ones stay,
 * so that a decision can name the version that it used. While a kind has no entry at
 * all nothing of that kind is checked: a hub without reference data takes what the ERP
 * takes. Nothing is deleted: what is gone says active: false. All on the turn's thread.
 *
 * What everybody calls an entry is no other one's key: such an alias is refused, and so
 * is a new entry with such a key. Where a store has both already, the key counts.
 *
 * Whose word counts. An entry comes from the ERP, from a CSV file or by the API, and
 * its current version says from which:
 *   - what a person put (api, csv) is left alone by the ERP's load, whole;
 *   - of an entry whose source is erp the load replaces the members that the ERP names
 *     (null takes one away, as in RFC 7396) and leaves those that it does not know,
 *     such as the aliases that a person added;
 *   - each ERP looks after its own: "erp" is the one of all tenants that no other names, any other is
 *     "erp/NAME". What two of them list is whose it was first, until that one is not configured any more;
 *   - a put of any source replaces the entry, whole; put with the source erp the
 *     ERP's load looks after it again.
 *
 * Look-ups answer from a bounded cache of decoded entries, which is emptied whenever
 * an entry of the kind changes, and when an event was undone (xd_hub_reload). */
#ifndef XD_HUB_REFERENCE_REFERENCE_H
#define XD_HUB_REFERENCE_REFERENCE_H

#include "base/decimal.h"
#include "hub/store.h"

struct xd_api_request;
struct xd_effects;
struct xd_erp_answer;
struct xd_erp_call;
struct xd_hub;
struct xd_problems;

enum xd_reference_kind {
    XD_REF_CUSTOMER,
    XD_REF_PRODUCT,
    XD_REF_SITE,
    XD_REF_CARRIER,
    XD_REF_CHANNEL,
    XD_REF_TENANT,
    XD_REF_KIND_COUNT
};
/* "customers", "products", "sites", "carriers", "channels", "tenants", NULL: as in the API's paths. */
extern const char *const xd_reference_kind_names[];

/* Whom a channel's customer reference means at the ERP. */
struct xd_customer {
    char code[XD_NAME_SIZE]; /* the key; the ERP's */
    char name[128];
    bool active;
    bool has_credit_limit;
    struct xd_decimal credit_limit;
    char currency[8]; /* "" any */
    int64_t version;
};

#define XD_UOMS_MAX 12u
/* base units per uom, exact */
struct xd_uom {
    char uom[24];
    int64_t num, den;
};

struct xd_product {
    char sku[XD_NAME_SIZE]; /* the key; the ERP's */
    char description[128];
    char base_uom[24];
    bool active, lot_tracked, serial_tracked;
    bool has_recalled_lots;          /* xd_reference_lot_recalled says which */
    struct xd_uom uoms[XD_UOMS_MAX]; /* beside base_uom, which is 1/1 */
    size_t uom_count;
    bool has_price; /* per base unit, before tax */
    struct xd_decimal price;
    char currency[8]; /* of price; "" any */
    bool has_tax_pct;
    struct xd_decimal tax_pct;
    int64_t version;
};

#define XD_SITE_HOLIDAYS_MAX 64u
#define XD_SITE_LIST_MAX 64u
/* A site as routing sees it. A site without an entry has the defaults in brackets. */
struct xd_site_profile {
    char site[XD_SITE_SIZE];
    int64_t priority;        /* the lower the sooner [100; a 3PL 200] */
    bool third_party;        /* [as the site was added] */
    bool paused;             /* gets no new releases [no] */
    bool wms_reserves;       /* its RESERVED is waited for before work counts as allocated [no] */
    int64_t ack_minutes;     /* without an answer for so long a release is taken elsewhere; 0: never [0] */
    int64_t offline_minutes; /* not heard of for so long, or never, it is not chosen; 0: whatever [0] */
    bool has_unshipped_means;
    int unshipped_means;   /* enum xd_unshipped: a line that it confirms short without a status [as the hub's]
                            */
    char zone[48];         /* IANA name ["UTC"] */
    int64_t cutoff_minute; /* of the site's day: what comes later ships on the next open day; -1 none [-1] */
    unsigned open_days;    /* bit 0 Monday .. bit 6 Sunday [all] */
    char holidays[XD_SITE_HOLIDAYS_MAX][12]; /* YYYY-MM-DD, closed */
    size_t holiday_count;
    char countries[XD_SITE_LIST_MAX][4]; /* it ships to; none: all */
    size_t country_count;
    char postal_prefixes[XD_SITE_LIST_MAX][12]; /* ... there only; none: all */
    size_t postal_count;
    char skus[XD_SITE_LIST_MAX]
             [XD_NAME_SIZE]; /* it has these only, an asterisk at the end stands for any rest; none: all */
    size_t sku_count;
    int64_t version; /* 0: there is no entry */
};

/* What a tenant may, and what is promised to it. Zero means: no such limit. */
struct xd_tenant_policy {
    char tenant[XD_NAME_SIZE];
    int64_t order_bytes_max, order_lines_max;
    int64_t share;                         /* of the work when there is more than can be done [1] */
    bool no_split;                         /* an order ships from one site only */
    struct xd_decimal price_tolerance_pct; /* an order's price may differ from ours by so much */
    bool has_price_tolerance;
    struct xd_decimal over_tolerance_pct; /* shipped beyond what was released, without an exception */
    bool has_over_tolerance;
    int64_t accepted_within_s, released_within_s, acknowledged_within_s, shipped_within_s; /* SLA */
    bool shipped_by_calendar; /* without shipped_within_s: by the end of the day on which its sites ship */
    int64_t warn_pct;         /* of the time gone before the warning [80] */
    int64_t version;
};

/* A kind of channel, and what comes by it. */
struct xd_channel_rule {
    char type[XD_NAME_SIZE]; /* the key */
    bool active;
    int64_t share; /* [1] */
    int64_t version;
};

#define XD_CARRIER_SERVICES_MAX 32u
struct xd_carrier {
    char scac[8]; /* the key */
    char name[128];
    bool active;
    char services[XD_CARRIER_SERVICES_MAX][33]; /* none: any */
    size_t service_count;
    int64_t version;
};

/* The kind of that name; XD_REF_KIND_COUNT: there is none. */
enum xd_reference_kind xd_reference_kind_of(const char *name);

/* ---- look-ups: what they give is a copy ---- */

/* Whether there is any entry of that kind. Cheap. */
XD_CHECKED enum xd_result xd_reference_known(struct xd_hub *hub, enum xd_reference_kind kind, bool *known);
/* The customer whom the channel's account calls so: by an alias of that account or of the tenant, else by
 * the code, else by an alias of all. account is not empty. XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_reference_customer(struct xd_hub *hub, const char *tenant, const char *account,
                                                const char *ref, struct xd_customer *out);
/* The customer of that code, whatever anybody else calls so. XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_reference_customer_code(struct xd_hub *hub, const char *code,
                                                     struct xd_customer *out);
/* By SKU, by alias or by GTIN. XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_reference_product(struct xd_hub *hub, const char *sku, struct xd_product *out);
/* Whether the product's entry names that lot as recalled, or on hold. */
XD_CHECKED enum xd_result xd_reference_lot_recalled(struct xd_hub *hub, const struct xd_product *product,
                                                    const char *lot, bool *recalled);
/* Defaults when there is no entry (version 0). */
XD_CHECKED enum xd_result xd_reference_site(struct xd_hub *hub, const char *site,
                                            struct xd_site_profile *out);
XD_CHECKED enum xd_result xd_reference_tenant(struct xd_hub *hub, const char *tenant,
                                              struct xd_tenant_policy *out);
/* XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_reference_channel(struct xd_hub *hub, const char *type,
                                               struct xd_channel_rule *out);
/* XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_reference_carrier(struct xd_hub *hub, const char *scac, struct xd_carrier *out);
/* XD_NOT_FOUND: no factor is known for it. */
XD_CHECKED enum xd_result xd_product_factor(const struct xd_product *product, const char *uom, int64_t *num,
                                            int64_t *den);

/* ---- changes ---- */

/* Puts one entry. source: "api", "csv" or "erp". *version: of the entry as it is now. The same
 * content from the same side (a person, the ERP) makes no new version. XD_INVALID: problems says all
 * that is wrong, and nothing was put. */
XD_CHECKED enum xd_result xd_reference_put(struct xd_hub *hub, enum xd_reference_kind kind,
                                           struct xd_bytes body, const char *source, struct xd_now now,
                                           int64_t *version, struct xd_problems *problems);

#define XD_REFERENCE_ENTRIES_MAX 1000u /* of one POST */
/* PUT /v1/reference/{kind}/{key}, or with request->key NULL POST /v1/reference/{kind} {"entries":[...]},
 * where all are put or none. */
XD_CHECKED enum xd_result xd_hub_reference(struct xd_hub *hub, const struct xd_api_request *request,
                                           struct xd_now now, struct xd_effects *effects);

/* ---- the load of each ERP: after the start and every config.reference_ms (0: never), page by page ---- */

/* Asks for the next page when it is due and a worker is free. For xd_hub_tick. */
XD_CHECKED enum xd_result xd_reference_run(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects);
/* A page came. entries: a JSON array (see xd_erp.list); next: its cursor, "" it was the last one. An
 * entry that cannot be used is left out and logged. */
XD_CHECKED enum xd_result xd_hub_reference_answer(struct xd_hub *hub, const struct xd_erp_call *call,
                                                  const struct xd_erp_answer *answer, struct xd_bytes entries,
                                                  const char *next, struct xd_now now,
                                                  struct xd_effects *effects);
/* ... and could not be taken in: it is asked for again. */
void xd_reference_refuse(struct xd_hub *hub, const struct xd_erp_call *call, struct xd_now now);

/* ---- for hub.c ---- */

XD_CHECKED enum xd_result xd_reference_open(struct xd_hub *hub, struct xd_now now);
void xd_reference_close(struct xd_hub *hub);
/* Forgets what came from the store; restart: a batch was lost, and what it let out never left. */
void xd_reference_reload(struct xd_hub *hub, bool restart);
/* Another batch has begun, so the last one was committed: see xd_hub_jobs_left. */
void xd_reference_left(struct xd_hub *hub);
/* When a page of that ERP's (by its place in the configuration) is asked for next (monotonic); 0: not as far
 * as is known. */
xd_ms xd_reference_next(const struct xd_hub *hub, size_t lane);
/* An entry of the kind has changed, or what its look-ups take from elsewhere. */
void xd_reference_forget(struct xd_hub *hub, enum xd_reference_kind kind);
bool xd_reference_check(const struct xd_hub *hub);

#endif
