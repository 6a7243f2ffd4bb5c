/* Sales that people type into the ERP, of which no channel knows: the hub must find them by itself, and have
 * each shipped once, from the site that the ERP says. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define QTY_MAX 40u

void xd_sim_erp_sells(struct xd_sim *sim) {
    struct xd_chance *chance = &sim->chance[XD_FAULT_ERP_SELLS];
    size_t number = xd_sim_channel_add(sim);
    struct xd_sim_order *order = &sim->orders[number];
    struct xd_sim_effect effect = {.kind = XD_ERP_SALE};
    order->born = order->answered = true; /* it is in the ERP, and that is all that is promised to anybody */
    order->status = 202;
    order->answered_at = sim->now;
    order->site = (unsigned)xd_chance_below(chance, sim->site_count);
    order->line_count = (unsigned)xd_chance_between(chance, 1, XD_SIM_LINES_MAX);
    (void)snprintf(order->number, sizeof order->number, "D%zu", sim->effect_count);
    (void)snprintf(effect.reference, sizeof effect.reference, "=%s", order->number);
    xd_copy(effect.site, sizeof effect.site, sim->sites[order->site].name_text);
    effect.line_count = order->line_count;
    for (unsigned line = 0; line < order->line_count; line++) {
        order->qty[line] = (unsigned)xd_chance_between(chance, 1, QTY_MAX);
        effect.qty[line] = order->qty[line];
        (void)snprintf(effect.line_id[line], sizeof effect.line_id[line], "%u", line + 1);
    }
    xd_sim_channel_wants(order);
    xd_names_set(&sim->order_names, order->number, number);
    xd_sim_erp_take(sim, &effect);
}
