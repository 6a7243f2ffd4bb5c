/* What is put into the hub beside orders: at first the profiles of sites whose WMS reserves, and now and then
 * what a site has in stock. A site that was listed has no more than that: so orders are split, go elsewhere,
 * or wait. After the heal there is plenty.
 *
 * Each is asked again until it is answered, or until there is a newer one. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_MS (30 * XD_SECOND_MS)
#define PLENTY 1000000u
#define AT_FIRST 400

static void ask(struct xd_sim *sim, void *object, uint64_t number) {
    const struct xd_sim_errand *errand = &sim->errands[number];
    struct xd_sim_mail mail = {.kind = errand->kind};
    (void)object;
    if (errand->answered) {
        return;
    }
    (void)snprintf(mail.topic, sizeof mail.topic, "%s", sim->sites[errand->site].name_text);
    (void)xd_sim_channel_ask(sim, XD_SIM_ASKS_ERRAND, number, mail, errand->text);
    xd_agenda_add(&sim->agenda, sim->now + AGAIN_MS, ask, NULL, number);
}

/* The newest list of a site is the one that counts. */
static void supersede(struct xd_sim *sim, enum xd_sim_mail_kind kind, unsigned site) {
    for (size_t index = 0; index < sim->errand_count; index++) {
        struct xd_sim_errand *errand = &sim->errands[index];
        errand->answered = errand->answered || (errand->kind == kind && errand->site == site);
    }
}

static void add(struct xd_sim *sim, enum xd_sim_mail_kind kind, unsigned site, const char *text) {
    supersede(sim, kind, site);
    sim->errands = xd_host_grow(sim->errands, sim->errand_count, &sim->errand_capacity, sizeof *sim->errands);
    sim->errands[sim->errand_count] =
        (struct xd_sim_errand){.kind = kind, .site = site, .text = xd_host_copy(text, strlen(text))};
    ask(sim, NULL, sim->errand_count++);
}

void xd_sim_errands_list(struct xd_sim *sim, unsigned site, const unsigned qty[2]) {
    char text[256];
    const char *name = sim->sites[site].name_text;
    (void)snprintf(text, sizeof text,
                   "{\"entries\":[{\"site\":\"%s\",\"sku\":\"WIDGET\",\"qty\":\"%u\"},"
                   "{\"site\":\"%s\",\"sku\":\"GADGET\",\"qty\":\"%u\"}]}",
                   name, qty[0], name, qty[1]);
    xd_sim_tell(sim, name, "has %u and %u in stock", qty[0], qty[1]);
    add(sim, XD_SIM_MAIL_STOCK, site, text);
}

void xd_sim_errands_answer(struct xd_sim *sim, size_t number, unsigned status) {
    if (number >= sim->errand_count || status == 503 || status == 429) {
        return;
    }
    if (status != 200 && status != 201) {
        xd_sim_violated(sim, "what an operator puts into the hub is answered %u", status);
    }
    sim->errands[number].answered = true;
}

static void list_profile(struct xd_sim *sim, const struct xd_sim_site *site) {
    struct xd_chance *chance = &sim->chance[XD_FAULT_WMS_AWAITED];
    int minutes = site->awaited ? (int)xd_chance_spread(chance, 2, XD_DAY_MS / XD_MINUTE_MS) : 0;
    char text[160];
    (void)snprintf(text, sizeof text,
                   "{\"site\":\"%s\",\"kind\":\"warehouse\",\"reserves\":\"%s\",\"ack_minutes\":%d}",
                   site->name_text, site->reserves ? "WMS" : "HUB", minutes);
    add(sim, XD_SIM_MAIL_PROFILE, site->node.number - 1, text);
}

void xd_sim_errands_start(struct xd_sim *sim) {
    struct xd_chance *chance = &sim->chance[XD_FAULT_ERP_STOCK];
    for (unsigned index = 0; index < sim->site_count; index++) {
        struct xd_sim_site *site = &sim->sites[index];
        unsigned qty[2];
        site->reserves = xd_sim_hit(sim, XD_FAULT_WMS_RESERVE);
        site->awaited = xd_sim_hit(sim, XD_FAULT_WMS_AWAITED);
        if (site->reserves || site->awaited) {
            list_profile(sim, site);
        }
        for (unsigned sku = 0; sku < 2 && sim->rate[XD_FAULT_ERP_STOCK] != 0; sku++) {
            qty[sku] = (unsigned)xd_chance_below(chance, AT_FIRST);
        }
        if (sim->rate[XD_FAULT_ERP_STOCK] != 0) {
            xd_sim_errands_list(sim, index, qty);
        }
    }
}

void xd_sim_errands_heal(struct xd_sim *sim) {
    const unsigned plenty[2] = {PLENTY, PLENTY};
    for (unsigned index = 0; index < sim->site_count && sim->rate[XD_FAULT_ERP_STOCK] != 0; index++) {
        xd_sim_errands_list(sim, index, plenty);
    }
}

bool xd_sim_orders_roam(const struct xd_sim *sim) {
    return sim->rate[XD_FAULT_ERP_STOCK] != 0 || sim->rate[XD_FAULT_WMS_REFUSE] != 0 ||
           sim->rate[XD_FAULT_WMS_AWAITED] != 0;
}
