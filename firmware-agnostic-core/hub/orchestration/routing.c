#include "hub/orchestration/routing.h"

#include "base/memory.h"
#include "hub/orchestration/stock.h"

#include <string.h>


struct asking {
    struct xd_conduct *conduct;
    struct xd_site_profile *profiles; /* owned; of all sites, sorted; the first site_count are asked */
    struct xd_route_site *sites;      /* owned */
    size_t site_count;
    struct xd_route_line *lines;   /* owned */
    struct xd_route_offer *offers; /* owned */
    struct xd_tenant_policy tenant;
};

void xd_routing_free(struct xd_routing *routing) {
    xd_free(routing->lines);
    xd_route_plan_free(&routing->plan);
    memset(routing, 0, sizeof *routing);
}

static void free_asking(struct asking *asking) {
    xd_free(asking->profiles);
    xd_free(asking->sites);
    xd_free(asking->lines);
    xd_free(asking->offers);
}

/* ---- lines ---- */

static enum xd_result gather_lines(struct asking *asking, enum xd_pot from, struct xd_routing *out) {
    struct xd_order_lines *lines = &asking->conduct->lines;
    out->lines = xd_alloc(lines->count * sizeof(struct xd_order_line_row *));
    asking->lines = xd_alloc(lines->count * sizeof *asking->lines);
    if (out->lines == NULL || asking->lines == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < lines->count; index++) {
        struct xd_order_line_row *line = &lines->rows[index];
        struct xd_route_line *asked = &asking->lines[out->line_count];
        struct xd_decimal qty = xd_line_pot(line, from);
        if (xd_decimal_sign(qty) <= 0) {
            continue;
        }
        enum xd_result result = xd_decimal_ratio(qty, line->factor_num, line->factor_den, &asked->qty);
        if (result == XD_OK && line->factor_num != line->factor_den) {
            result = xd_decimal_ratio(xd_decimal_of(1), line->factor_num, line->factor_den, &asked->unit);
        }
        if (result != XD_OK) {
            return result;
        }
        asked->sku = line->sku;
        out->lines[out->line_count++] = line;
    }
    return XD_OK;
}

/* ---- sites ---- */

enum xd_result xd_hub_ship_date(struct xd_hub *hub, const struct xd_site_profile *profile, xd_ms now,
                                char out[XD_ROUTE_DATE_SIZE]) {
    char text[XD_TIME_TEXT_MAX];
    (void)hub;
    (void)profile;
    xd_time_write(now, text);
    xd_copy(out, 11, text);
    return XD_OK;
}

static bool is_healthy(const struct xd_hub_site *site, const struct xd_site_profile *profile, xd_ms now) {
    return profile->offline_minutes == 0 ||
           now - site->row.last_seen <= profile->offline_minutes * XD_MINUTE_MS;
}

/* Keeps the sites in order; the first XD_ROUTE_SITES_MAX of those that ship there are asked. */
static void insert_profile(struct asking *asking, const struct xd_site_profile *profile) {
    const char *preferred = asking->conduct->order.site;
    size_t at = asking->site_count;
    if (at == XD_ROUTE_SITES_MAX &&
        xd_route_site_compare(profile, &asking->profiles[at - 1], preferred) > 0) {
        return;
    }
    at = at == XD_ROUTE_SITES_MAX ? at - 1 : at;
    while (at > 0 && xd_route_site_compare(profile, &asking->profiles[at - 1], preferred) < 0) {
        asking->profiles[at] = asking->profiles[at - 1];
        at--;
    }
    asking->profiles[at] = *profile;
    asking->site_count += asking->site_count < XD_ROUTE_SITES_MAX;
}

static enum xd_result gather_sites(struct asking *asking) {
    struct xd_hub *hub = asking->conduct->hub;
    const struct xd_party *to = &asking->conduct->parsed->ship_to;
    asking->profiles = xd_alloc(XD_ROUTE_SITES_MAX * sizeof *asking->profiles);
    asking->sites = xd_alloc(XD_ROUTE_SITES_MAX * sizeof *asking->sites);
    if (asking->profiles == NULL || asking->sites == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < hub->site_count; index++) {
        struct xd_site_profile profile;
        enum xd_result result = xd_reference_site(hub, hub->sites[index]->row.site, &profile);
        if (result != XD_OK) {
            return result;
        }
        if (hub->site_count <= XD_ROUTE_SITES_MAX ||
            xd_route_serves(&profile, to->country, to->postal_code)) {
            insert_profile(asking, &profile);
        }
    }
    for (size_t index = 0; index < asking->site_count; index++) {
        const struct xd_site_profile *profile = &asking->profiles[index];
        struct xd_route_site *site = &asking->sites[index];
        *site = (struct xd_route_site){.profile = profile, .enrolled = true};
        site->healthy = is_healthy(xd_hub_site_find(hub, profile->site), profile, asking->conduct->now.wall);
        enum xd_result result = xd_hub_ship_date(hub, profile, asking->conduct->now.wall, site->ship_date);
        if (result != XD_OK) {
            return result;
        }
    }
    return XD_OK;
}

/* ---- what each could give ---- */

static enum xd_result gather_offers(struct asking *asking, const struct xd_routing *routing) {
    size_t count = asking->site_count * routing->line_count;
    asking->offers = xd_alloc((count > 0 ? count : 1) * sizeof *asking->offers);
    if (asking->offers == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < count; index++) {
        struct xd_route_offer *offer = &asking->offers[index];
        enum xd_result result =
            xd_stock_available(asking->conduct->hub, asking->profiles[index / routing->line_count].site,
                               asking->lines[index % routing->line_count].sku, &offer->known, &offer->qty);
        if (result != XD_OK) {
            return result;
        }
    }
    return XD_OK;
}

struct excluding {
    struct asking *asking;
    size_t line_count;
};

/* Who has refused a release of this order, or let its time run out, gets no other of it. */
static enum xd_result exclude(void *context, const struct xd_release_row *row) {
    struct excluding *excluding = context;
    struct asking *asking = excluding->asking;
    bool gave_back =
        row->status == XD_RELEASE_REJECTED || row->status == XD_RELEASE_ACK_TIMEOUT || row->reroutes;
    for (size_t site = 0; gave_back && site < asking->site_count; site++) {
        for (size_t line = 0;
             line < excluding->line_count && strcmp(asking->profiles[site].site, row->site) == 0; line++) {
            asking->offers[site * excluding->line_count + line].refused = true;
        }
    }
    return XD_OK;
}

static enum xd_result ask(struct asking *asking, struct xd_routing *out) {
    const struct xd_order *order = asking->conduct->parsed;
    const struct xd_route_question question = {
        .lines = asking->lines,
        .line_count = out->line_count,
        .sites = asking->sites,
        .site_count = asking->site_count,
        .offers = asking->offers,
        .preferred_site = asking->conduct->order.site[0] != 0 ? asking->conduct->order.site : NULL,
        .country = order->ship_to.country,
        .postal_code = order->ship_to.postal_code,
        .ship_not_after = order->ship_not_after,
        .cancel_after = order->cancel_after,
        .fulfilment_policy = order->fulfilment_policy,
        .backorder_policy = order->backorder_policy,
        .no_split = asking->tenant.no_split};
    return xd_route(&question, &out->plan);
}

enum xd_result xd_hub_route(struct xd_conduct *conduct, enum xd_pot from, struct xd_routing *out) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct asking asking = {.conduct = conduct};
    memset(out, 0, sizeof *out);
    enum xd_result result = gather_lines(&asking, from, out);
    if (result != XD_OK || out->line_count == 0) {
        free_asking(&asking);
        return result;
    }
    result = gather_sites(&asking);
    if (result == XD_OK) {
        result = xd_reference_tenant(conduct->hub, conduct->order.tenant, &asking.tenant);
    }
    if (result == XD_OK) {
        result = gather_offers(&asking, out);
    }
    if (result == XD_OK) {
        struct excluding excluding = {.asking = &asking, .line_count = out->line_count};
        result = store->release_of_order(store->context, conduct->order.order_id, exclude, &excluding);
    }
    if (result == XD_OK) {
        result = ask(&asking, out);
    }
    free_asking(&asking);
    return result;
}
