/* What is put into the hub beside orders: at first the profiles of sites whose WMS reserves, and now and then
 * what a site has in stock. A site that was listed has no more than that: so orders are split, go elsewhere,
 * or wait. After the heal there is plenty.
 *
 * Each is asked again until it is answered, or until there is a newer one.
 *
 * Where the ERP refuses things a person looks now and then at what it refused, and has it posted again: the
 * cause may be gone by then, or not. What cannot be posted again any more they take note of. */
#include "hub/view.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_MS (30 * XD_SECOND_MS)
#define PLENTY 1000000u
#define AT_FIRST 400
#define LOOK_MS_MIN (5 * XD_MINUTE_MS)
#define LOOK_MS_MAX (4 * XD_HOUR_MS)
#define EXCEPTIONS_MAX 200u

static void ask(struct xd_sim *sim, void *object, uint64_t number) {
    const struct xd_sim_errand *errand = &sim->errands[number];
    struct xd_sim_mail mail = {.kind = errand->kind};
    (void)object;
    if (errand->answered) {
        return;
    }
    xd_copy(mail.topic, sizeof mail.topic, sim->sites[errand->site].name_text);
    memcpy(mail.id, errand->id, sizeof mail.id);
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

static bool is_asked(const struct xd_sim *sim, const char *exception) {
    for (size_t index = 0; index < sim->errand_count; index++) {
        const struct xd_sim_errand *errand = &sim->errands[index];
        if (errand->kind == XD_SIM_MAIL_RESOLVE && !errand->answered && strcmp(errand->id, exception) == 0) {
            return true;
        }
    }
    return false;
}

static void resolve(struct xd_sim *sim, const char *exception, const char *action) {
    char text[80];
    if (is_asked(sim, exception)) {
        return;
    }
    (void)snprintf(text, sizeof text, "{\"action\":\"%s\",\"reason\":\"mended\"}", action);
    sim->errands = xd_host_grow(sim->errands, sim->errand_count, &sim->errand_capacity, sizeof *sim->errands);
    struct xd_sim_errand *errand = &sim->errands[sim->errand_count];
    *errand = (struct xd_sim_errand){.kind = XD_SIM_MAIL_RESOLVE, .text = xd_host_copy(text, strlen(text))};
    xd_copy(errand->id, sizeof errand->id, exception);
    ask(sim, NULL, sim->errand_count++);
}

/* A hub that went back in time may not know it any more. */
static void resolved(struct xd_sim *sim, size_t number, unsigned status) {
    struct xd_sim_errand *errand = &sim->errands[number];
    bool first = !errand->answered, retries = strstr(errand->text, "retry") != NULL;
    errand->answered = true;
    if (status != 200 && status != 202 && status != 409 && !(status == 404 && sim->hub_amnesia_to != 0)) {
        xd_sim_violated(sim, "what an operator says of exception %s is answered %u", errand->id, status);
    }
    if (first && status == 409) {
        char id[XD_ID_SIZE];
        memcpy(id, errand->id, sizeof id);
        if (retries) {
            resolve(sim, id, "accept");
        } else {
            xd_sim_violated(sim, "nothing can be done about exception %s, not even take note of it", id);
        }
    }
}

void xd_sim_errands_answer(struct xd_sim *sim, size_t number, unsigned status) {
    if (number >= sim->errand_count || status == 503 || status == 429) {
        return;
    }
    if (sim->errands[number].kind == XD_SIM_MAIL_RESOLVE) {
        resolved(sim, number, status);
        return;
    }
    if (status != 200 && status != 201 && status != 202) {
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

void xd_sim_errands_compare(struct xd_sim *sim) {
    add(sim, XD_SIM_MAIL_COMPARE, 0, "{}");
}

/* ---- what the ERP refused ---- */

static const char *const refusals[] = {"ERP_REJECTED_SALE", "ERP_REJECTED_SHIPMENT", "ERP_REJECTED_CHANGE",
                                       "ERP_REJECTED_ADJUSTMENT"};
#define REFUSALS (sizeof refusals / sizeof refusals[0])

/* Those that are open of the code, as the API lists them; NULL: it cannot be read now. */
static cJSON *open_exceptions(struct xd_sim *sim, const char *code) {
    const struct xd_exception_filter filter = {.open_only = true, .code = code};
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    bool runs = sim->hub_node.running &&
                xd_view_exceptions(&sim->hub_store, &filter, "", EXCEPTIONS_MAX, &text) == XD_OK;
    cJSON *tree = runs ? cJSON_Parse(xd_buffer_string(&text)) : NULL;
    xd_buffer_free(&text);
    return tree;
}

/* An order that was refused may also go on by a word of theirs. */
static void look(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_chance *chance = &sim->chance[XD_FAULT_ERP_REFUSES];
    (void)object;
    (void)argument;
    for (size_t index = 0; index < REFUSALS; index++) {
        cJSON *tree = open_exceptions(sim, refusals[index]);
        const cJSON *row;
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(tree, "exceptions")) {
            const char *id = xd_json_text(row, "id");
            bool accepts = index == 0 && xd_chance_hits(chance, 300000);
            if (id != NULL) {
                resolve(sim, id, accepts ? "accept" : "retry");
            }
        }
        cJSON_Delete(tree);
    }
    xd_agenda_add(&sim->agenda,
                  sim->now +
                      (sim->healing ? LOOK_MS_MIN : xd_chance_spread(chance, LOOK_MS_MIN, LOOK_MS_MAX)),
                  look, NULL, 0);
}

bool xd_sim_errands_rest(struct xd_sim *sim, char *why, size_t size) {
    bool rests = true;
    for (size_t index = 0; index < REFUSALS && rests && sim->rate[XD_FAULT_ERP_REFUSES] != 0; index++) {
        cJSON *tree = open_exceptions(sim, refusals[index]);
        rests = tree != NULL && cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(tree, "exceptions")) == 0;
        (void)snprintf(why, size, "there is %s, or it cannot be read", refusals[index]);
        cJSON_Delete(tree);
    }
    return rests;
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
    if (sim->rate[XD_FAULT_ERP_REFUSES] != 0) {
        look(sim, NULL, 0);
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
