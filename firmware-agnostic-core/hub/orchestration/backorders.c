/* Backorders are placed when stock comes, the oldest order first.
 *
 * Whatever makes more of something available says so (backorders_due); then all orders that
 * wait for anything are asked about, a few in each turn. */
#include "hub/orchestration/conduct.h"

#include "base/mutant.h"

#include <string.h>

#define SWEEP_ORDERS ((size_t)16)

struct sweep {
    char ids[SWEEP_ORDERS][XD_ID_SIZE];
    size_t count;
};

static enum xd_result collect(void *context, const char *order_id) {
    struct sweep *sweep = context;
    xd_copy(sweep->ids[sweep->count++], XD_ID_SIZE, order_id);
    return XD_OK;
}

static enum xd_result place(struct xd_hub *hub, const char *order_id, struct xd_now now) {
    struct xd_conduct conduct;
    enum xd_result result = xd_conduct_open(&conduct, hub, order_id, now);
    bool may = result == XD_OK && xd_conduct_did(&conduct, XD_STEP_RELEASE) && !xd_conduct_waits(&conduct);
    if (may) {
        result = xd_conduct_place(&conduct, XD_PLACE_BACKORDERS);
        result = result == XD_OK ? xd_conduct_release(&conduct) : result;
    }
    if (result == XD_OK && !may) {
        xd_conduct_close(&conduct);
        return XD_OK;
    }
    return xd_conduct_end(&conduct, result);
}

enum xd_result xd_hub_backorders_run(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct sweep sweep = {.count = 0};
    if ((!hub->backorders_going && !hub->backorders_due) || XD_MUTANT(BACKORDER_FORGOTTEN)) {
        return XD_OK;
    }
    if (!hub->backorders_going) {
        hub->backorders_going = true;
        hub->backorders_due = false;
        hub->backorders_cursor = 0;
    }
    enum xd_result result =
        store->order_backordered(store->context, &hub->backorders_cursor, SWEEP_ORDERS, collect, &sweep);
    for (size_t index = 0; index < sweep.count && result == XD_OK; index++) {
        result = place(hub, sweep.ids[index], now);
    }
    hub->backorders_going = sweep.count == SWEEP_ORDERS;
    return result;
}
