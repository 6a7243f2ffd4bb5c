/* Validation and enrichment: what an order is at this hub, and all that is wrong with it at
 * once.
 *
 * The reader (documents/order.h) has looked at the form; here an order is held
 * against reference data and the calendar, and its money is computed anew:
 *
 * - A kind of reference data without any entry is not checked.
 * - The customer's id is the ERP's code, external_ref what the channel calls it, which may be the code, too.
 *   With both, both must mean the same one.
 * - The product is found by the line's sku, else by one of its ids (product_known_by_id
 *   is told). The quantity is brought to the product's base unit by an exact factor.
 * - A line's net is quantity times unit price, rounded half away from zero to the
 *   currency's minor unit, less its discounts, each rounded the same way. A line without a
 *   price takes the product's, which is per base unit. A price of the order may differ
 *   from the product's by the tenant's tolerance; without one it is not compared.
 * - Tax follows from the line's rates, else from the product's. Rounding LINE rounds the
 *   tax of each line and rate, DOCUMENT rounds the sum once. A stated amount of a line may
 *   differ by one minor unit, each stated total by one minor unit a line. What cannot be
 *   computed, because a line has no price or no line has a rate, is not compared.
 * - A date has gone by when it is before yesterday's at UTC: nobody's today is refused.
 *
 * Reads reference data, writes nothing. The turn's thread. */
#ifndef XD_HUB_VALIDATE_H
#define XD_HUB_VALIDATE_H

#include "documents/order.h"
#include "hub/reference/reference.h"

struct xd_enriched_line {
    char sku[XD_NAME_SIZE];  /* the product's; the order's when no product is known */
    int64_t product_version; /* 0: no product is known, and the next five say nothing */
    char base_uom[24];
    struct xd_decimal base_qty;
    int64_t num, den;           /* base units per unit of the order */
    bool serials;               /* the product has serial numbers */
    bool has_price;             /* else the rest says nothing */
    bool price_is_ours;         /* the product's price, per base unit; else the order's, per its unit */
    struct xd_decimal price;    /* before discounts */
    struct xd_decimal net, tax; /* of the line; tax with rounding DOCUMENT: rounded for show */
};

struct xd_enriched {
    char customer[XD_NAME_SIZE]; /* the ERP's code; the order's reference when none is known */
    bool customer_is_code;       /* which of the two */
    bool has_credit_limit;
    struct xd_decimal credit_limit;
    unsigned digits; /* of the currency */
    bool priced;     /* every line has a price; else there are no sums */
    bool taxed;      /* some line has a rate; else tax is 0 because nobody said more */
    struct xd_decimal net, tax, gross;
    /* The versions of reference data that were used; 0: none. */
    int64_t customer_version, tenant_version, channel_version;
    struct xd_enriched_line *lines; /* owned; as many as the order has, in its order */
    size_t line_count;
};
/* Twice is harmless; so is one that was zeroed. */
void xd_enriched_free(struct xd_enriched *enriched);

/* Where reference data is looked up; the functions are those of reference.h. */
struct xd_lookups {
    void *context;
    enum xd_result (*known)(void *context, enum xd_reference_kind kind, bool *known);
    enum xd_result (*customer)(void *context, const char *tenant, const char *account, const char *ref,
                               struct xd_customer *out);
    enum xd_result (*customer_code)(void *context, const char *code, struct xd_customer *out);
    enum xd_result (*product)(void *context, const char *sku, struct xd_product *out);
    enum xd_result (*tenant)(void *context, const char *tenant, struct xd_tenant_policy *out);
    enum xd_result (*channel)(void *context, const char *type, struct xd_channel_rule *out);
    enum xd_result (*carrier)(void *context, const char *scac, struct xd_carrier *out);
};

/* XD_OK; XD_INVALID: problems (whose earlier entries stay) says all that is wrong. Anything
 * else: the store failed. out is filled as far as it could be (free it in every
 * case). An order that the reader has refused can be given too, for all that is wrong to be
 * said at once: what it could not read is not looked at, nor are sums. */
XD_CHECKED enum xd_result xd_validate(const struct xd_lookups *lookups, const char *tenant,
                                      const struct xd_order *order, xd_ms wall, struct xd_enriched *out,
                                      struct xd_problems *problems);
/* The same with the hub's reference data. */
XD_CHECKED enum xd_result xd_hub_validate(struct xd_hub *hub, const char *tenant,
                                          const struct xd_order *order, xd_ms wall, struct xd_enriched *out,
                                          struct xd_problems *problems);

#endif
