/* Which site comes before which, and what speaks against one, whatever it has in stock. */
#include "hub/orchestration/route.h"

#include "documents/order.h"

#include <ctype.h>
#include <string.h>

int xd_route_site_compare(const struct xd_site_profile *a, const struct xd_site_profile *b,
                          const char *preferred) {
    bool a_preferred = preferred != NULL && strcmp(a->site, preferred) == 0;
    bool b_preferred = preferred != NULL && strcmp(b->site, preferred) == 0;
    if (a_preferred != b_preferred) {
        return a_preferred ? -1 : 1;
    }
    if (a->third_party != b->third_party) {
        return b->third_party ? -1 : 1;
    }
    if (a->priority != b->priority) {
        return a->priority < b->priority ? -1 : 1;
    }
    return strcmp(a->site, b->site);
}

/* People write "LS1 1AA", "ls11aa" and "LS1-1AA". */
static bool postal_begins(const char *postal_code, const char *prefix) {
    for (;; prefix++, postal_code++) {
        while (*prefix == ' ' || *prefix == '-') {
            prefix++;
        }
        if (*prefix == '\0') {
            return true;
        }
        while (*postal_code == ' ' || *postal_code == '-') {
            postal_code++;
        }
        if (toupper((unsigned char)*prefix) != toupper((unsigned char)*postal_code)) {
            return false;
        }
    }
}

static bool serves_region(const struct xd_site_profile *profile, const char *country,
                          const char *postal_code) {
    bool serves = profile->country_count == 0;
    for (size_t index = 0; country != NULL && !serves && index < profile->country_count; index++) {
        serves = strcmp(profile->countries[index], country) == 0;
    }
    if (!serves || profile->postal_count == 0) {
        return serves;
    }
    serves = false;
    for (size_t index = 0; postal_code != NULL && !serves && index < profile->postal_count; index++) {
        serves = postal_begins(postal_code, profile->postal_prefixes[index]);
    }
    return serves;
}

bool xd_route_lists_sku(const struct xd_site_profile *profile, const char *sku) {
    bool has = profile->sku_count == 0;
    for (size_t index = 0; !has && index < profile->sku_count; index++) {
        const char *pattern = profile->skus[index];
        size_t size = strlen(pattern);
        bool prefix = size > 0 && pattern[size - 1] == '*';
        has = prefix ? strncmp(sku, pattern, size - 1) == 0 : strcmp(sku, pattern) == 0;
    }
    return has;
}

/* Dates as text sort as dates. */
static bool is_after(const char *date, const char *limit) {
    return limit != NULL && strcmp(date, limit) > 0;
}

enum xd_route_reason xd_route_judge(const struct xd_route_question *question,
                                    const struct xd_route_site *site) {
    if (!site->enrolled) {
        return XD_ROUTE_NOT_ENROLLED;
    }
    if (site->profile->paused) {
        return XD_ROUTE_PAUSED;
    }
    if (!site->healthy) {
        return XD_ROUTE_OFFLINE;
    }
    if (!serves_region(site->profile, question->country, question->postal_code)) {
        return XD_ROUTE_REGION;
    }
    if (site->ship_date[0] == '\0') {
        return XD_ROUTE_CLOSED;
    }
    if (is_after(site->ship_date, question->ship_not_after) ||
        is_after(site->ship_date, question->cancel_after)) {
        return XD_ROUTE_TOO_LATE;
    }
    return XD_ROUTE_CHOSEN;
}
