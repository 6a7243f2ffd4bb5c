#include "hub/reference/reference.h"

#include "hub/hub_internal.h"

#include <string.h>

const char *const xd_reference_kind_names[] = {"customers", "products", "sites", "carriers",
                                               "channels",  "tenants",  NULL};

enum xd_result xd_reference_known(struct xd_hub *hub, enum xd_reference_kind kind, bool *known) {
    (void)hub;
    (void)kind;
    *known = false;
    return XD_OK;
}

enum xd_result xd_reference_customer(struct xd_hub *hub, const char *tenant, const char *account,
                                     const char *ref, struct xd_customer *out) {
    (void)hub;
    (void)tenant;
    (void)account;
    (void)ref;
    memset(out, 0, sizeof *out);
    return XD_NOT_FOUND;
}

enum xd_result xd_reference_product(struct xd_hub *hub, const char *sku, struct xd_product *out) {
    (void)hub;
    (void)sku;
    memset(out, 0, sizeof *out);
    return XD_NOT_FOUND;
}

enum xd_result xd_reference_site(struct xd_hub *hub, const char *site, struct xd_site_profile *out) {
    const struct xd_hub_site *known = xd_hub_site_find(hub, site);
    memset(out, 0, sizeof *out);
    xd_copy(out->site, sizeof out->site, site);
    out->third_party = known != NULL && strcmp(known->row.kind, "3pl") == 0;
    out->priority = out->third_party ? 200 : 100;
    xd_copy(out->zone, sizeof out->zone, "UTC");
    out->cutoff_minute = -1;
    out->open_days = 0x7f;
    return XD_OK;
}

enum xd_result xd_reference_tenant(struct xd_hub *hub, const char *tenant, struct xd_tenant_policy *out) {
    (void)hub;
    memset(out, 0, sizeof *out);
    xd_copy(out->tenant, sizeof out->tenant, tenant);
    out->share = 1;
    out->warn_pct = 80;
    return XD_OK;
}

enum xd_result xd_reference_channel(struct xd_hub *hub, const char *type, struct xd_channel_rule *out) {
    (void)hub;
    (void)type;
    memset(out, 0, sizeof *out);
    return XD_NOT_FOUND;
}

enum xd_result xd_product_factor(const struct xd_product *product, const char *uom, int64_t *num,
                                 int64_t *den) {
    *num = *den = 1;
    if (strcmp(product->base_uom, uom) == 0) {
        return XD_OK;
    }
    for (size_t index = 0; index < product->uom_count; index++) {
        if (strcmp(product->uoms[index].uom, uom) == 0) {
            *num = product->uoms[index].num;
            *den = product->uoms[index].den;
            return XD_OK;
        }
    }
    return XD_NOT_FOUND;
}
