/* The hub's books of orders, looked at whenever they change.
 *
 * Two functions of the hub's store are taken over: each row of an order's line that is stored is checked
 * there and then, and orders that were stored are noted. After the turn, when it is committed, each of those
 * is looked at whole; but only one of a few, the fewer where nothing is done to orders but to ship them: it
 * costs as much as what it watches. In the end all are looked at. A store that cannot be read just now is no
 * news.
 *
 * One world at a time: the functions taken over belong to the store, which knows of no world. */
#include "hub/orchestration/order_check.h"
#include "hub/orchestration/quantities.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define NOTED_MAX 64u
#define OF_TRADE 4u /* each fourth that is stored */
#define OF_OTHERS 16u

static struct {
    struct xd_sim *sim;
    enum xd_result (*order_save)(void *context, const struct xd_order_row *row);
    enum xd_result (*order_line_save)(void *context, const char *order_id,
                                      const struct xd_order_line_row *row);
    char noted[NOTED_MAX][XD_ID_SIZE]; /* orders that this turn has stored; beyond: not all of them */
    size_t noted_count;
    uint64_t stored;
} watch;

static bool is_noted(const char *order_id) {
    for (size_t index = 0; index < watch.noted_count; index++) {
        if (strcmp(watch.noted[index], order_id) == 0) {
            return true;
        }
    }
    return false;
}

static enum xd_result order_save(void *context, const struct xd_order_row *row) {
    unsigned nth = watch.sim->trades ? OF_TRADE : OF_OTHERS;
    watch.stored++;
    if (watch.stored % nth == 0 && watch.noted_count < NOTED_MAX && !is_noted(row->order_id)) {
        memcpy(watch.noted[watch.noted_count++], row->order_id, XD_ID_SIZE);
    }
    return watch.order_save(context, row);
}

static enum xd_result order_line_save(void *context, const char *order_id,
                                      const struct xd_order_line_row *row) {
    if (!xd_order_line_check(row)) {
        xd_sim_violated(watch.sim, "line %s of order %s does not add up", row->line_id, order_id);
    }
    return watch.order_line_save(context, order_id, row);
}

void xd_sim_hub_watch(struct xd_sim *sim) {
    struct xd_hub_store *store = &sim->hub_store;
    watch.sim = sim;
    watch.noted_count = 0;
    watch.order_save = store->order_save;
    watch.order_line_save = store->order_line_save;
    store->order_save = order_save;
    store->order_line_save = order_line_save;
}

void xd_sim_hub_look(struct xd_sim *sim, const char *order_id) {
    bool fine;
    enum xd_result result = xd_hub_order_check(&sim->hub, order_id, xd_sim_now(&sim->hub_node), &fine);
    if (result == XD_OK && !fine) {
        xd_sim_violated(sim, "the books of order %s do not add up", order_id);
    }
}

void xd_sim_hub_watched(struct xd_sim *sim) {
    bool look = sim->options.script == XD_SIM_NO_SCRIPT; /* there each reading of the disk is counted */
    for (size_t index = 0; index < watch.noted_count && look; index++) {
        xd_sim_hub_look(sim, watch.noted[index]);
    }
    watch.noted_count = 0;
}
