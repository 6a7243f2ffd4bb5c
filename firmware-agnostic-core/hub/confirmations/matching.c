/* The releases that a confirmation names, and their lines. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "hub/orchestration/conduct.h"
#include "hub/reference/reference.h"

#include <string.h>

void xd_applying_free(struct xd_applying *applying) {
    for (size_t index = 0; index < applying->release_count; index++) {
        xd_free(applying->releases[index].lines.rows);
        xd_free(applying->releases[index].order_lines.rows);
        xd_free(applying->releases[index].posting);
    }
    xd_free(applying->releases);
    xd_cartons_free(&applying->cartons);
}

/* XD_NOT_FOUND: it may come yet. XD_DENIED: it is another site's, and will not come to this one. */
enum xd_result xd_applying_find(struct xd_applying *applying, const char *release_id) {
    const struct xd_hub_store *store = applying->hub->config.store;
    struct xd_release_row *row = &applying->releases[applying->release_count].row;
    if (strlen(release_id) >= sizeof row->release_id) {
        return XD_NOT_FOUND;
    }
    enum xd_result result = store->release_get(store->context, release_id, row);
    if (result == XD_OK && strcmp(row->site, applying->row->site) != 0) {
        return XD_DENIED;
    }
    applying->release_count += result == XD_OK;
    return result;
}

enum xd_result xd_applying_claim(struct xd_applying *applying) {
    enum xd_result result = XD_OK;
    bool any = false;
    for (size_t index = 0; index < applying->release_count && result == XD_OK; index++) {
        bool claimed = false;
        result = xd_hub_claim(applying->hub, &applying->releases[index].row, applying->confirmation,
                              applying->row, applying->now, &claimed);
        any = any || claimed;
    }
    return result == XD_OK && any ? xd_applying_reload(applying) : result;
}

/* The hub's, but for what the order's tenant may and what its site means. The order's own tolerance is
 * looked at where something is over: xd_match_tolerance. */
static enum xd_result load_policies(struct xd_applying *applying, struct xd_match *match) {
    struct xd_tenant_policy tenant;
    struct xd_site_profile *site = xd_alloc(sizeof *site);
    match->policies = applying->hub->config.policies;
    if (site == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result found = xd_reference_site(applying->hub, match->row.site, site);
    if (found == XD_OK && site->has_unshipped_means) {
        match->policies.unshipped_means = (enum xd_unshipped)site->unshipped_means;
    }
    xd_free(site);
    if (found != XD_OK) {
        return found;
    }
    enum xd_result result = xd_reference_tenant(applying->hub, match->order.tenant, &tenant);
    if (result == XD_OK && tenant.has_over_tolerance) {
        match->policies.over_tolerance_pct = tenant.over_tolerance_pct;
    }
    return result;
}

enum xd_result xd_applying_load(struct xd_applying *applying, struct xd_match *match) {
    struct xd_hub *hub = applying->hub;
    const struct xd_hub_store *store = hub->config.store;
    char release_id[XD_ID_SIZE];
    memcpy(release_id, match->row.release_id, sizeof release_id);
    enum xd_result result = store->release_get(store->context, release_id, &match->row);
    if (result == XD_OK) {
        result = store->order_get(store->context, match->row.order_id, &match->order);
    }
    if (result == XD_OK) {
        result = xd_hub_release_lines_load(hub, release_id, &match->lines);
    }
    match->order_at = match;
    for (struct xd_match *before = match; result == XD_OK && before > applying->releases; before--) {
        if (strcmp(before[-1].row.order_id, match->row.order_id) == 0) {
            match->order_at = &before[-1];
        }
    }
    if (result == XD_OK && match->order_at == match) {
        result = xd_hub_lines_load(hub, match->row.order_id, &match->order_lines);
    }
    return result == XD_OK ? load_policies(applying, match) : result;
}

enum xd_result xd_applying_reload(struct xd_applying *applying) {
    const struct xd_hub_store *store = applying->hub->config.store;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < applying->release_count && result == XD_OK; index++) {
        struct xd_match *match = &applying->releases[index];
        char release_id[XD_ID_SIZE];
        memcpy(release_id, match->row.release_id, sizeof release_id);
        result = store->release_get(store->context, release_id, &match->row);
        if (result == XD_OK) {
            result = store->order_get(store->context, match->row.order_id, &match->order);
        }
        xd_free(match->lines.rows);
        match->lines = (struct xd_release_lines){NULL, 0, 0};
        if (result == XD_OK) {
            result = xd_hub_release_lines_load(applying->hub, release_id, &match->lines);
        }
        if (result == XD_OK && match->order_at == match) {
            xd_free(match->order_lines.rows);
            match->order_lines = (struct xd_order_lines){NULL, 0, 0};
            result = xd_hub_lines_load(applying->hub, match->row.order_id, &match->order_lines);
        }
    }
    return result;
}

/* The words that channels use; NONE and others do not. */
static bool allows(const char *policy) {
    static const char *const words[] = {"ALLOW", "ALLOWED", "ANY", "YES"};
    for (size_t index = 0; policy != NULL && index < sizeof words / sizeof words[0]; index++) {
        if (strcmp(words[index], policy) == 0) {
            return true;
        }
    }
    return false;
}

/* The order as it came; close the conduct in any case. */
static enum xd_result parse_order(struct xd_applying *applying, const struct xd_match *match,
                                  struct xd_conduct *conduct) {
    enum xd_result result = xd_conduct_open(conduct, applying->hub, match->order.order_id, applying->now);
    return result == XD_OK ? xd_conduct_parse(conduct) : result;
}

enum xd_result xd_match_substitutes(struct xd_applying *applying, const struct xd_match *match,
                                    bool *allowed) {
    struct xd_conduct conduct;
    enum xd_result result = parse_order(applying, match, &conduct);
    *allowed = result == XD_OK && allows(conduct.parsed->substitution_policy);
    xd_conduct_close(&conduct);
    return result;
}

enum xd_result xd_match_tolerance(struct xd_applying *applying, const struct xd_match *match,
                                  struct xd_decimal *percent) {
    struct xd_conduct conduct;
    enum xd_result result = parse_order(applying, match, &conduct);
    *percent = result == XD_OK && conduct.parsed->has_over_pct ? conduct.parsed->over_pct
                                                               : match->policies.over_tolerance_pct;
    xd_conduct_close(&conduct);
    return result;
}

struct xd_match *xd_match_of_line(struct xd_applying *applying, const struct xd_confirmation_line *line) {
    for (size_t index = 0; index < applying->release_count; index++) {
        struct xd_match *match = &applying->releases[index];
        if (line->release_id == NULL || strcmp(line->release_id, match->row.release_id) == 0) {
            return match;
        }
    }
    return NULL;
}

struct xd_release_line_row *xd_match_line(struct xd_match *match, const char *line_id) {
    for (size_t index = 0; match != NULL && index < match->lines.count; index++) {
        if (strcmp(match->lines.rows[index].line_id, line_id) == 0) {
            return &match->lines.rows[index];
        }
    }
    return NULL;
}

struct xd_order_line_row *xd_match_order_line(struct xd_match *match, const char *line_id) {
    struct xd_order_lines *lines = &match->order_at->order_lines;
    for (size_t index = 0; index < lines->count; index++) {
        if (strcmp(lines->rows[index].line_id, line_id) == 0) {
            return &lines->rows[index];
        }
    }
    return NULL;
}
