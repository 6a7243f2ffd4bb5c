/* Sales channels: each order goes to the hub with a key, and again with the same key
 * until an answer comes. Now and then an order comes twice, under another key, or changed. What is wanted of
 * an order later is in wishes.c. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_MS ((xd_ms)30000)
#define AGAIN_MS_MAX ((xd_ms)600000)
#define MAIL_MAX 1000u
#define WAVE_MAX 200 /* more than a turn takes at once */

xd_ms xd_sim_channel_patience(unsigned tries) {
    xd_ms wait = PATIENCE_MS << (tries < 6 ? tries - 1 : 5);
    return wait < AGAIN_MS_MAX ? wait : AGAIN_MS_MAX;
}

uint64_t xd_sim_channel_ask(struct xd_sim *sim, enum xd_sim_asker asker, size_t number,
                            struct xd_sim_mail mail, const char *text) {
    mail.number = ++sim->attempts << XD_SIM_ATTEMPT_SHIFT | (uint64_t)asker << XD_SIM_ASKER_SHIFT | number;
    if (sim->hub_node.running && sim->hub_node.mail_count < MAIL_MAX) {
        mail.text = xd_host_copy(text, strlen(text));
        xd_sim_mail(&sim->hub_node, mail, 1);
    }
    return mail.number;
}

static void send(struct xd_sim *sim, void *object, uint64_t number) {
    struct xd_sim_order *order = &sim->orders[number];
    struct xd_sim_mail mail = {.kind = XD_SIM_MAIL_ORDER};
    (void)object;
    if (order->answered) {
        return;
    }
    order->tries++;
    (void)snprintf(mail.topic, sizeof mail.topic, "\"%s\"", order->key);
    order->waiting = xd_sim_channel_ask(sim, XD_SIM_ASKS_ORDER, number, mail, order->text);
    xd_agenda_add(&sim->agenda, sim->now + xd_sim_channel_patience(order->tries), send, NULL, number);
}

/* Only who wants more of it later needs to know how the hub calls it. */
static void keep_id(struct xd_sim *sim, struct xd_sim_order *order, const char *body) {
    struct xd_sim_order *first = &sim->orders[order->of];
    cJSON *tree = first->wished && first->id[0] == 0 && body != NULL ? cJSON_Parse(body) : NULL;
    const char *id = xd_json_text(tree, "order_id");
    if (id != NULL) {
        xd_copy(first->id, sizeof first->id, id);
    }
    cJSON_Delete(tree);
}

static void order_answered(struct xd_sim *sim, size_t number, unsigned status, const char *body) {
    if (number >= sim->order_count || status == 503 || status == 429) {
        return; /* it is sent again in its time */
    }
    struct xd_sim_order *order = &sim->orders[number];
    if (order->answered && order->status != status) {
        xd_sim_violated(sim, "order %s was answered %u and then %u", order->number, order->status, status);
    }
    if (!order->answered) {
        order->answered = true;
        order->status = status;
        order->answered_at = sim->now;
    }
    if (status == 202) {
        xd_sim_held_order(sim, order);
        keep_id(sim, order, body);
    }
}

void xd_sim_channel_answer(struct xd_sim *sim, uint64_t attempt, unsigned status, const char *body) {
    size_t number = attempt & XD_SIM_NUMBER_MASK;
    xd_sim_note(sim, 4000 + status, &attempt, sizeof attempt);
    switch (attempt >> XD_SIM_ASKER_SHIFT & 3) {
    case XD_SIM_ASKS_WISH:
        xd_sim_wishes_answer(sim, number, status, body);
        break;
    case XD_SIM_ASKS_ERRAND:
        xd_sim_errands_answer(sim, number, status);
        break;
    default:
        order_answered(sim, number, status, body);
        break;
    }
}

size_t xd_sim_channel_add(struct xd_sim *sim) {
    sim->orders = xd_host_grow(sim->orders, sim->order_count, &sim->order_capacity, sizeof *sim->orders);
    sim->orders[sim->order_count] = (struct xd_sim_order){.of = sim->order_count};
    sim->figures->orders++;
    return sim->order_count++;
}

const char *xd_sim_sku(unsigned long line) {
    return line % 2 == 1 ? "WIDGET" : "GADGET";
}

char *xd_sim_channel_text(const struct xd_sim *sim, const struct xd_sim_order *order,
                          const unsigned qty[XD_SIM_LINES_MAX], const char *note) {
    char text[1600];
    const char *comma = "";
    int size =
        snprintf(text, sizeof text,
                 "{\"external_order_id\":\"%s\",\"channel\":{\"type\":\"portal\",\"account\":\"web\"},"
                 "\"customer\":{\"external_ref\":\"CUST-1\"},\"currency\":\"EUR\",\"preferred_site\":\"%s\","
                 "%s\"attributes\":{\"note\":\"%s\"},"
                 "\"parties\":{\"ship_to\":{\"name\":\"Corner Shop\",\"address\":[\"1 Dock Road\"],"
                 "\"city\":\"Leeds\",\"postal_code\":\"LS1 1AA\",\"country\":\"GB\"}},\"lines\":[",
                 order->number, sim->sites[order->site].name_text, order->policy, note);
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        if (qty[line] > 0) {
            size += snprintf(text + size, sizeof text - (size_t)size,
                             "%s{\"external_line_id\":\"%u\",\"sku\":\"%s\",\"qty\":\"%s%u\",\"uom\":\"EA\","
                             "\"unit_price\":\"9.95\"}",
                             comma, line + 1, xd_sim_sku(line + 1), order->bad ? "-" : "", qty[line]);
            comma = ",";
        }
    }
    (void)snprintf(text + size, sizeof text - (size_t)size, "]}");
    return xd_host_copy(text, strlen(text));
}

/* An order that came before, once more: under its key or another one, as it was or changed. */
static void order_again(struct xd_sim *sim, size_t of, bool other_key, bool changed, xd_ms delay) {
    size_t number = xd_sim_channel_add(sim);
    struct xd_sim_order *order = &sim->orders[number];
    const struct xd_sim_order *first = &sim->orders[of];
    *order = (struct xd_sim_order){
        .of = of, .site = first->site, .line_count = first->line_count, .changed = changed};
    memcpy(order->number, first->number, sizeof order->number);
    memcpy(order->policy, first->policy, sizeof order->policy);
    memcpy(order->qty, first->qty, sizeof order->qty);
    (void)snprintf(order->key, sizeof order->key, other_key ? "again-%s-%llu" : "%s", first->key,
                   (unsigned long long)number);
    order->text = changed ? xd_sim_channel_text(sim, order, order->qty, "changed")
                          : xd_host_copy(first->text, strlen(first->text));
    xd_agenda_add(&sim->agenda, sim->now + delay, send, NULL, number);
}

/* What shall become of what no site can ship now; most orders leave it to the hub. */
static void draw_policy(struct xd_sim *sim, struct xd_sim_order *order) {
    static const struct {
        const char *members;
        bool may_end_short;
    } policies[] = {
        {"\"fulfilment_policy\":\"FILL_OR_KILL\",", true},
        {"\"fulfilment_policy\":\"FILL_ALL\",", false},
        {"\"fulfilment_policy\":\"FILL_ALL_AVAILABLE\",\"backorder_policy\":\"CREATE\",", false},
        {"\"fulfilment_policy\":\"FILL_ALL_AVAILABLE\",\"backorder_policy\":\"NONE\",", true},
        {"\"backorder_policy\":\"CANCEL\",", true},
    };
    if (xd_sim_hit(sim, XD_FAULT_CHANNEL_POLICY)) {
        size_t drawn =
            xd_chance_below(&sim->chance[XD_FAULT_CHANNEL_POLICY], sizeof policies / sizeof policies[0]);
        xd_copy(order->policy, sizeof order->policy, policies[drawn].members);
        order->may_end_short = policies[drawn].may_end_short;
    }
}

void xd_sim_channel_wants(struct xd_sim_order *order) {
    order->lines_ever = order->line_count;
    memcpy(order->stated, order->qty, sizeof order->stated);
    memcpy(order->want, order->qty, sizeof order->want);
    memcpy(order->ordered, order->qty, sizeof order->ordered);
}

size_t xd_sim_channel_order(struct xd_sim *sim) {
    size_t number = xd_sim_channel_add(sim);
    struct xd_sim_order *order = &sim->orders[number];
    (void)snprintf(order->number, sizeof order->number, "PO-%llu", (unsigned long long)number);
    (void)snprintf(order->key, sizeof order->key, "key-%llu", (unsigned long long)number);
    order->site = (unsigned)xd_chance_below(&sim->work, sim->site_count);
    order->line_count = (unsigned)xd_chance_between(&sim->work, 1, XD_SIM_LINES_MAX);
    order->bad = xd_sim_hit(sim, XD_FAULT_CHANNEL_BAD);
    for (unsigned line = 0; line < order->line_count; line++) {
        order->qty[line] = (unsigned)xd_chance_between(&sim->work, 1, 40);
    }
    (void)snprintf(order->revision, sizeof order->revision, "\"1\"");
    xd_sim_channel_wants(order);
    if (!order->bad) {
        draw_policy(sim, order);
    }
    order->text = xd_sim_channel_text(sim, order, order->qty, "");
    xd_names_set(&sim->order_names, order->number, number);
    xd_agenda_add(&sim->agenda, sim->now + 1, send, NULL, number);
    return number;
}

static void send_order(struct xd_sim *sim) {
    size_t number = xd_sim_channel_order(sim);
    bool bad = sim->orders[number].bad;
    if (!bad) {
        xd_sim_wishes_plan(sim, number);
    }
    if (!bad && xd_sim_hit(sim, XD_FAULT_CHANNEL_REPEAT)) {
        order_again(sim, number, false, false, xd_chance_spread(&sim->work, 1, XD_HOUR_MS));
    }
    if (!bad && xd_sim_hit(sim, XD_FAULT_CHANNEL_OTHER_KEY)) {
        order_again(sim, number, true, false, xd_chance_spread(&sim->work, 1, XD_HOUR_MS));
    }
    if (!bad && xd_sim_hit(sim, XD_FAULT_CHANNEL_CHANGED)) {
        order_again(sim, number, true, true, xd_chance_spread(&sim->work, XD_HOUR_MS, 4 * XD_HOUR_MS));
    }
}

/* How many come at once: as many in all as if each came alone. */
static xd_ms wave(struct xd_sim *sim) {
    return xd_sim_hit(sim, XD_FAULT_CHANNEL_WAVE)
               ? xd_chance_spread(&sim->chance[XD_FAULT_CHANNEL_WAVE], 2, WAVE_MAX)
               : 1;
}

static void next_orders(struct xd_sim *sim, void *object, uint64_t argument) {
    (void)object;
    (void)argument;
    if (sim->now >= sim->heal_at) {
        return;
    }
    xd_ms count = wave(sim);
    for (xd_ms order = 0; order < count; order++) {
        if (xd_sim_hit(sim, XD_FAULT_ERP_SELLS)) {
            xd_sim_erp_sells(sim);
        } else {
            send_order(sim);
        }
    }
    xd_agenda_add(&sim->agenda, sim->now + xd_chance_between(&sim->work, 1, 2 * count * sim->order_gap),
                  next_orders, NULL, 0);
}

void xd_sim_channel_start(struct xd_sim *sim) {
    xd_agenda_add(&sim->agenda, sim->now + 1, next_orders, NULL, 0);
}
