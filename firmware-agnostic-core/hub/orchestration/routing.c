/* Each site of the hub is judged once, without its stock; what is kept of it is small. Then
 * at most 32 are chosen to be considered, and only theirs are the profiles and the stock
 * that the question holds. */
#include "hub/orchestration/routing.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/hub_internal.h"
#include "hub/orchestration/calendar.h"
#include "hub/orchestration/stock.h"

#include <stdlib.h>
#include <string.h>

#define LOOKED_AT_LINES ((size_t)32) /* of the order, for whether a site of many has anything of it */

/* A site as far as its place among many needs it. */
struct candidate {
    char site[XD_SITE_SIZE];
    int standing; /* the lower the sooner: 0 fit and stocked, 1 fit, 2 something speaks against it */
    bool preferred, unheard, third_party;
    int64_t priority;
};

struct gathering {
    struct xd_hub *hub;
    const struct xd_routing *routing;
    struct xd_now now;
    struct xd_route_question question;
    struct candidate *candidates; /* all sites */
    size_t candidate_count;
    struct xd_site_profile *profiles; /* of those considered, as the next two */
    struct xd_route_site *sites;
    struct xd_route_offer *offers;
};

static bool is_healthy(const struct xd_hub *hub, const struct xd_hub_site *site,
                       const struct xd_site_profile *profile, struct xd_now now) {
    if (site->row.last_seen == 0) {
        return profile->offline_minutes <= 0;
    }
    xd_ms heard = site->line.heard_at > hub->up_at ? site->line.heard_at : hub->up_at;
    return profile->offline_minutes <= 0 || !hub->up ||
           (now.monotonic - heard) / XD_MINUTE_MS < profile->offline_minutes;
}

static enum xd_result fill_site(struct gathering *gathering, const char *name,
                                struct xd_site_profile *profile, struct xd_route_site *out) {
    struct xd_hub *hub = gathering->hub;
    const struct xd_hub_site *site = xd_hub_site_find(hub, name);
    enum xd_result result = xd_reference_site(hub, name, profile);
    if (result != XD_OK) {
        return result;
    }
    /* A key may be written otherwise than the site's name; the plan names sites. */
    xd_copy(profile->site, sizeof profile->site, name);
    if (XD_MUTANT(ROUTED_BY_CLOCK) && gathering->now.wall / XD_DAY_MS % 2 == 0) {
        profile->priority = -name[strlen(name) - 1];
    }
    const struct xd_zone *zone =
        xd_zone_cache_get(&hub->zones, hub->config.zones, hub->config.env, profile->zone, gathering->now);
    *out = (struct xd_route_site){.profile = profile,
                                  .enrolled = site != NULL,
                                  .unheard = site != NULL && site->row.last_seen == 0,
                                  .healthy = site != NULL && is_healthy(hub, site, profile, gathering->now)};
    result = xd_calendar_ship_date(profile, zone, gathering->now.wall,
                                   gathering->routing->order->ship_not_before, out->ship_date);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* ---- many sites ---- */

static int compare_candidates(const void *a, const void *b) {
    const struct candidate *left = a, *right = b;
    if (left->standing != right->standing) {
        return left->standing < right->standing ? -1 : 1;
    }
    if (left->preferred != right->preferred) {
        return left->preferred ? -1 : 1;
    }
    if (left->unheard != right->unheard) {
        return right->unheard ? -1 : 1;
    }
    if (left->third_party != right->third_party) {
        return right->third_party ? -1 : 1;
    }
    if (left->priority != right->priority) {
        return left->priority < right->priority ? -1 : 1;
    }
    return strcmp(left->site, right->site);
}

static enum xd_result has_something(struct gathering *gathering, const char *site, bool *has) {
    const struct xd_hub_store *store = gathering->hub->config.store;
    const struct xd_routing *routing = gathering->routing;
    bool listed = false;
    enum xd_result result = store->stock.site_listed(store->context, site, &listed);
    *has = !listed;
    for (size_t line = 0; line < routing->line_count && line < LOOKED_AT_LINES && result == XD_OK && !*has;
         line++) {
        struct xd_decimal qty;
        result = xd_stock_available(gathering->hub, site, routing->lines[line].sku, &listed, &qty);
        *has = result == XD_OK && xd_decimal_sign(qty) > 0;
    }
    return result;
}

static enum xd_result prefer_stocked(struct gathering *gathering) {
    size_t found = 0;
    for (size_t index = 0; index < gathering->candidate_count && found < XD_ROUTE_SITES_MAX; index++) {
        struct candidate *candidate = &gathering->candidates[index];
        bool has = false;
        if (candidate->standing != 1) {
            continue;
        }
        enum xd_result result = has_something(gathering, candidate->site, &has);
        if (result != XD_OK) {
            return result;
        }
        candidate->standing = has ? 0 : 1;
        found += has ? 1 : 0;
    }
    return XD_OK;
}

static enum xd_result choose_candidates(struct gathering *gathering) {
    struct xd_site_profile *profile = xd_alloc(sizeof *profile);
    enum xd_result result = profile == NULL ? XD_NO_MEMORY : XD_OK;
    for (size_t index = 0; index < gathering->candidate_count && result == XD_OK; index++) {
        struct candidate *candidate = &gathering->candidates[index];
        struct xd_route_site site;
        result = fill_site(gathering, candidate->site, profile, &site);
        if (result != XD_OK) {
            break;
        }
        candidate->preferred = gathering->question.preferred_site != NULL &&
                               strcmp(candidate->site, gathering->question.preferred_site) == 0;
        candidate->unheard = site.unheard;
        candidate->third_party = profile->third_party;
        candidate->priority = profile->priority;
        candidate->standing = xd_route_judge(&gathering->question, &site) == XD_ROUTE_CHOSEN ? 1 : 2;
        if (candidate->preferred) { /* the order names it: what becomes of it is to be told */
            candidate->standing = 0;
        }
    }
    xd_free(profile);
    if (result != XD_OK) {
        return result;
    }
    size_t size = sizeof *gathering->candidates;
    qsort(gathering->candidates, gathering->candidate_count, size, compare_candidates);
    result = prefer_stocked(gathering);
    if (result == XD_OK) {
        qsort(gathering->candidates, gathering->candidate_count, size, compare_candidates);
    }
    return result;
}

/* ---- those considered ---- */

static enum xd_result fill_offers(struct gathering *gathering, const char *site,
                                  struct xd_route_offer *offers) {
    const struct xd_hub_store *store = gathering->hub->config.store;
    const struct xd_routing *routing = gathering->routing;
    bool listed = false;
    enum xd_result result = store->stock.site_listed(store->context, site, &listed);
    for (size_t line = 0; line < routing->line_count && result == XD_OK && listed; line++) {
        result = xd_stock_available(gathering->hub, site, routing->lines[line].sku, &offers[line].known,
                                    &offers[line].qty);
    }
    for (size_t line = 0; line < routing->line_count && routing->known_only && !listed; line++) {
        offers[line].known = true;
    }
    for (size_t index = 0; index < routing->refusal_count; index++) {
        const struct xd_routing_refusal *refusal = &routing->refusals[index];
        if (refusal->line < routing->line_count && strcmp(refusal->site, site) == 0) {
            offers[refusal->line].refused = true;
        }
    }
    return result;
}

static void start_question(struct gathering *gathering, bool no_split) {
    const struct xd_routing *routing = gathering->routing;
    const struct xd_order *order = routing->order;
    gathering->question = (struct xd_route_question){.lines = routing->lines,
                                                     .line_count = routing->line_count,
                                                     .preferred_site = order->preferred_site,
                                                     .country = order->ship_to.country,
                                                     .postal_code = order->ship_to.postal_code,
                                                     .ship_not_after = order->ship_not_after,
                                                     .cancel_after = order->cancel_after,
                                                     .fulfilment_policy = order->fulfilment_policy,
                                                     .backorder_policy = order->backorder_policy,
                                                     .no_split = no_split};
}

static enum xd_result gather(struct gathering *gathering) {
    struct xd_hub *hub = gathering->hub;
    size_t lines = gathering->routing->line_count;
    const char *only = gathering->routing->only_site;
    for (size_t index = 0; index < hub->site_count; index++) {
        if (only == NULL || strcmp(only, hub->sites[index]->row.site) == 0) {
            memcpy(gathering->candidates[gathering->candidate_count++].site, hub->sites[index]->row.site,
                   XD_SITE_SIZE);
        }
    }
    if (gathering->candidate_count > XD_ROUTE_SITES_MAX) {
        enum xd_result result = choose_candidates(gathering);
        if (result != XD_OK) {
            return result;
        }
        gathering->candidate_count = XD_ROUTE_SITES_MAX;
    }
    for (size_t index = 0; index < gathering->candidate_count; index++) {
        const char *site = gathering->candidates[index].site;
        enum xd_result result =
            fill_site(gathering, site, &gathering->profiles[index], &gathering->sites[index]);
        if (result == XD_OK) {
            result = fill_offers(gathering, site, &gathering->offers[index * lines]);
        }
        if (result != XD_OK) {
            return result;
        }
    }
    gathering->question.sites = gathering->sites;
    gathering->question.site_count = gathering->candidate_count;
    gathering->question.offers = gathering->offers;
    return XD_OK;
}

enum xd_result xd_hub_route(struct xd_hub *hub, const struct xd_routing *routing, struct xd_now now,
                            struct xd_route_plan *plan) {
    struct gathering gathering = {.hub = hub, .routing = routing, .now = now};
    struct xd_tenant_policy policy;
    size_t sites = hub->site_count < XD_ROUTE_SITES_MAX ? hub->site_count : XD_ROUTE_SITES_MAX;
    if (routing->line_count == 0 || routing->line_count > XD_ORDER_LINES_MAX) {
        return XD_INVALID;
    }
    enum xd_result result = xd_reference_tenant(hub, routing->tenant, &policy);
    if (result != XD_OK) {
        return result;
    }
    start_question(&gathering, policy.no_split);
    gathering.candidates = xd_alloc(hub->site_count * sizeof *gathering.candidates);
    gathering.profiles = xd_alloc(sites * sizeof *gathering.profiles);
    gathering.sites = xd_alloc(sites * sizeof *gathering.sites);
    gathering.offers = xd_alloc(sites * routing->line_count * sizeof *gathering.offers);
    bool room = gathering.candidates != NULL && gathering.profiles != NULL && gathering.sites != NULL &&
                gathering.offers != NULL;
    result = room ? gather(&gathering) : XD_NO_MEMORY;
    if (result == XD_OK) {
        result = xd_route(&gathering.question, plan);
    }
    xd_free(gathering.candidates);
    xd_free(gathering.profiles);
    xd_free(gathering.sites);
    xd_free(gathering.offers);
    return result;
}
