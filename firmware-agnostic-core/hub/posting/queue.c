/* Whose turn it is at an ERP: tenant by tenant, of each so many as its share says (reference data: tenants,
 * share), and among a tenant's what was promised for the earliest date. So a flood of one tenant costs
 * another one place in the round, however long the flood's own queue is. Nothing is remembered but the tenant
 * whose turn it is: after a restart the round begins anew. What waits for its next try is in no round. */
#include "hub/posting/posting.h"

#include "base/memory.h"
#include "hub/reference/reference.h"

#include <string.h>

static enum xd_result share_of(struct xd_hub *hub, const char *tenant, int64_t *share) {
    struct xd_tenant_policy *policy = xd_alloc(sizeof *policy);
    if (policy == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = xd_reference_tenant(hub, tenant, policy);
    *share = result == XD_OK && policy->share > 0 ? policy->share : 1;
    xd_free(policy);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* The tenant after the one whose turn it was, around the circle; it may be the same one again. XD_NOT_FOUND:
 * nobody has anything. *alone: nobody else has. */
static enum xd_result next_tenant(struct xd_hub *hub, struct xd_erp_lane *lane, bool *alone) {
    const struct xd_hub_store *store = hub->config.store;
    char tenant[XD_NAME_SIZE];
    enum xd_result result = store->job_tenant(store->context, lane->settings->name, lane->turn, tenant);
    bool around = result == XD_NOT_FOUND;
    if (around) {
        result = store->job_tenant(store->context, lane->settings->name, NULL, tenant);
    }
    if (result == XD_OK) {
        *alone = around && strcmp(tenant, lane->turn) == 0;
        xd_copy(lane->turn, sizeof lane->turn, tenant);
        result = share_of(hub, tenant, &lane->turn_left);
    }
    return result;
}

enum xd_result xd_lane_next(struct xd_hub *hub, struct xd_erp_lane *lane, size_t max, int64_t *numbers,
                            size_t *count) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = XD_OK;
    bool alone = false;
    *count = 0;
    if (lane->queue_seen || max == 0) {
        return XD_OK;
    }
    while (result == XD_OK && *count == 0) {
        if (lane->turn_left <= 0) {
            result = next_tenant(hub, lane, &alone);
        }
        if (result == XD_OK) {
            size_t most = alone || lane->turn_left > (int64_t)max ? max : (size_t)lane->turn_left;
            result = store->job_next(store->context, lane->settings->name, lane->turn, most, numbers, count);
            lane->turn_left = *count == 0 ? 0 : lane->turn_left - (int64_t)*count;
        }
    }
    lane->queue_seen = result == XD_NOT_FOUND;
    return result == XD_NOT_FOUND ? XD_OK : result;
}
