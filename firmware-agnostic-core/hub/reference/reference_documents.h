/* The documents of reference data, one shape for each kind:
 *
 *   customers  code, name, active, credit_limit, currency, aliases[{tenant, account, ref}]
 *   products   sku, description, base_uom, active, lot_tracked, serial_tracked,
 *              uoms[{uom, num, den}], price, currency, tax_pct, gtins[], aliases[],
 *              recalled_lots[]
 *   sites      site, kind, priority, paused, reserves, ack_minutes, offline_minutes,
 *              unshipped_means, zone, cutoff, open_days[], holidays[], ships_to{countries[],
 * postal_prefixes[]}, skus[] carriers   scac, name, services[], active channels   type, active, share tenants
 * tenant, order_bytes_max, order_lines_max, share, split, price_tolerance_pct, over_tolerance_pct,
 * sla{accepted_within_s, ..., warn_pct}
 *
 * The first member is the key. What is absent has the default that reference.h names; active is true.
 * Unknown members are refused. The turn's thread. */
#ifndef XD_HUB_REFERENCE_REFERENCE_DOCUMENTS_H
#define XD_HUB_REFERENCE_REFERENCE_DOCUMENTS_H

#include "documents/schema.h"
#include "hub/reference/reference.h"

/* An entry, decoded; version and a site's own name for its kind are the caller's to fill in. */
struct xd_reference_entry {
    const char *key;                    /* borrowed from the document */
    struct xd_reference_alias *aliases; /* from the document's arena; what xd_reference_store keeps */
    const char **pointers;              /* where each alias stands in the document */
    size_t alias_count;
    bool has_site_kind, has_priority; /* sites */
    union {
        struct xd_customer customer;
        struct xd_product product;
        struct xd_site_profile site;
        struct xd_carrier carrier;
        struct xd_channel_rule channel;
        struct xd_tenant_policy tenant;
    } as;
};

/* Reads tree, which belongs to document or to one that lives as long. XD_INVALID: problems says all
 * that is wrong; XD_NO_MEMORY. */
XD_CHECKED enum xd_result xd_reference_read(struct xd_document *document, const cJSON *tree,
                                            enum xd_reference_kind kind, struct xd_reference_entry *out,
                                            struct xd_problems *problems);
/* The member that holds the key: "code", "sku", ... */
const char *xd_reference_key_member(enum xd_reference_kind kind);

#define XD_GTIN_SIZE 15
/* A GTIN of 8, 12, 13 or 14 digits (GS1 General Specifications, 7.9: the check digit) as 14 digits, zeros
 * in front: one article has one form. XD_INVALID: not so many digits, or the check digit is wrong. */
XD_CHECKED enum xd_result xd_gtin_normalise(const char *text, char out[XD_GTIN_SIZE]);
/* Names that keep GTINs and lots apart from aliases in the store: {"", XD_GTIN_SCOPE, GTIN} and
 * {XD_LOT_SCOPE, SKU, lot}. */
#define XD_GTIN_SCOPE "gtin"
#define XD_LOT_SCOPE "lot"

#endif
