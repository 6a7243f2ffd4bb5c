/* What channels want of the orders that they have sent: cancel the order or some of it, or have it
 * otherwise.
 *
 * One wish at a time of each order, asked again until it is answered, at any moment: before the
 * order is at a site, while it is there, when it has shipped. A cancellation says how much of each line
 * shall be cancelled in all, a revision what the order shall be, so that asking again changes nothing. Who is
 * told that the order has changed since (412) reads it again first.
 *
 * What is wanted in all of each line is kept as the answers say: the most that may ship of it, but
 * for what sites do not give up. */
#include "hub/view.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOON_MS XD_SECOND_MS
#define LATE_MS (16 * XD_HOUR_MS)
#define QTY_MAX 40
#define KINDS 3u

static const enum xd_fault faults[KINDS] = {[XD_SIM_CANCEL] = XD_FAULT_CHANNEL_CANCEL,
                                            [XD_SIM_CANCEL_LINES] = XD_FAULT_CHANNEL_CANCEL_LINES,
                                            [XD_SIM_REVISE] = XD_FAULT_CHANNEL_REVISE};
static const char *const kind_names[KINDS] = {"cancel", "cancel of lines", "revision"};

static struct xd_chance *chance_of(struct xd_sim *sim, enum xd_sim_wish_kind kind) {
    return &sim->chance[faults[kind]];
}

/* ---- what the hub says of the order ---- */

static unsigned quantity(const cJSON *line, const char *name) {
    const char *text = xd_json_text(line, name);
    return text == NULL ? 0 : (unsigned)strtoul(text, NULL, 10);
}

static void read_revision(struct xd_sim_order *order, const cJSON *tree) {
    (void)snprintf(order->revision, sizeof order->revision, "\"%llu\"",
                   (unsigned long long)xd_json_u64(tree, "revision", 1));
}

/* As GET does. */
static void read_again(struct xd_sim *sim, struct xd_sim_order *order) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    if (sim->hub_node.running && xd_view_order(&sim->hub_store, order->id, &text) == XD_OK) {
        cJSON *tree = cJSON_Parse(xd_buffer_string(&text));
        read_revision(order, tree);
        cJSON_Delete(tree);
    }
    xd_buffer_free(&text);
}

/* What has shipped cannot be unwanted any more. */
static unsigned wanted_now(const struct xd_sim_wish *wish, const struct xd_sim_order *order, unsigned line,
                           unsigned shipped) {
    unsigned ordered = order->ordered[line], wanted = 0;
    if (wish->kind == XD_SIM_REVISE) {
        wanted = wish->qty[line];
    } else if (wish->kind == XD_SIM_CANCEL_LINES) {
        unsigned left = ordered > wish->qty[line] ? ordered - wish->qty[line] : 0;
        wanted = wish->qty[line] == 0 || left > order->want[line] ? order->want[line] : left;
    }
    return wanted > shipped ? wanted : shipped;
}

static void accepted(struct xd_sim *sim, const struct xd_sim_wish *wish, const char *body) {
    struct xd_sim_order *order = &sim->orders[wish->order];
    cJSON *tree = body == NULL ? NULL : cJSON_Parse(body);
    const cJSON *row;
    read_revision(order, tree);
    if (wish->kind == XD_SIM_REVISE) {
        memcpy(order->stated, wish->qty, sizeof order->stated);
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(tree, "lines")) {
        unsigned number = quantity(row, "line_id");
        if (number == 0 || number > XD_SIM_LINES_MAX) {
            xd_sim_violated(sim, "order %s has a line that nobody ordered", order->number);
            break;
        }
        order->ordered[number - 1] = quantity(row, "qty");
        order->want[number - 1] = wanted_now(wish, order, number - 1, quantity(row, "shipped"));
        order->lines_ever = number > order->lines_ever ? number : order->lines_ever;
    }
    cJSON_Delete(tree);
}

/* ---- asking ---- */

static void write_cancel(const struct xd_sim_wish *wish, char *text, size_t size) {
    const char *comma = "";
    int used = snprintf(text, size, "{\"lines\":[");
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        if (wish->qty[line] > 0) {
            used +=
                snprintf(text + used, size - (size_t)used, "%s{\"external_line_id\":\"%u\",\"qty\":\"%u\"}",
                         comma, line + 1, wish->qty[line]);
            comma = ",";
        }
    }
    (void)snprintf(text + used, size - (size_t)used, "]}");
}

static void ask(struct xd_sim *sim, void *object, uint64_t number) {
    struct xd_sim_wish *wish = &sim->wishes[number];
    struct xd_sim_order *order = &sim->orders[wish->order];
    bool revises = wish->kind == XD_SIM_REVISE;
    struct xd_sim_mail mail = {.kind = revises ? XD_SIM_MAIL_REVISE : XD_SIM_MAIL_CANCEL};
    (void)object;
    if (wish->answered) {
        return;
    }
    if (wish->outdated) {
        read_again(sim, order);
        wish->outdated = false;
    }
    memcpy(mail.id, order->id, sizeof mail.id);
    memcpy(mail.topic, order->revision, sizeof order->revision);
    wish->tries++;
    (void)xd_sim_channel_ask(sim, XD_SIM_ASKS_WISH, number, mail, wish->text);
    xd_agenda_add(&sim->agenda, sim->now + xd_sim_channel_patience(wish->tries), ask, NULL, number);
}

/* ---- wishing ---- */

/* Part of a line, or all of it; in all, with what was cancelled before. */
static void draw_cancel(struct xd_sim *sim, const struct xd_sim_order *order, struct xd_sim_wish *wish) {
    struct xd_chance *chance = chance_of(sim, wish->kind);
    unsigned line = (unsigned)xd_chance_below(chance, order->lines_ever);
    unsigned left = (unsigned)xd_chance_below(chance, order->want[line] + UINT64_C(1));
    unsigned less = order->ordered[line] - (left < order->ordered[line] ? left : 0);
    wish->qty[line] = less > 0 ? less : 1;
}

/* As it was, perhaps: then some of it was cancelled since, or nothing changes. Else more or less of some
 * lines, none of others, perhaps a new one; something stays. */
static void draw_revision(struct xd_sim *sim, const struct xd_sim_order *order, struct xd_sim_wish *wish) {
    struct xd_chance *chance = chance_of(sim, wish->kind);
    unsigned lines = order->lines_ever, any = 0;
    if (xd_chance_hits(chance, 150000)) {
        memcpy(wish->qty, order->stated, sizeof wish->qty);
        return;
    }
    if (lines < XD_SIM_LINES_MAX && xd_chance_hits(chance, 200000)) {
        lines++;
    }
    for (unsigned line = 0; line < lines; line++) {
        bool same = line < order->lines_ever && xd_chance_hits(chance, 500000);
        wish->qty[line] = same ? order->want[line] : (unsigned)xd_chance_below(chance, QTY_MAX + 1);
        any += wish->qty[line];
    }
    if (any == 0 || (lines > order->lines_ever && wish->qty[lines - 1] == 0)) {
        wish->qty[lines - 1] = 1; /* a new line has something, or the next one would take its number */
    }
}

static void write_wish(struct xd_sim *sim, const struct xd_sim_order *order, struct xd_sim_wish *wish) {
    char text[256] = "{\"reason\":\"they changed their mind\"}";
    if (wish->kind == XD_SIM_REVISE) {
        draw_revision(sim, order, wish);
        wish->text = xd_sim_channel_text(sim, order, wish->qty, "");
        return;
    }
    if (wish->kind == XD_SIM_CANCEL_LINES) {
        draw_cancel(sim, order, wish);
        write_cancel(wish, text, sizeof text);
    }
    wish->text = xd_host_copy(text, strlen(text));
}

static void begin(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_order *order = &sim->orders[argument >> 2];
    enum xd_sim_wish_kind kind = (enum xd_sim_wish_kind)(argument & 3);
    (void)object;
    if (order->id[0] == 0) { /* while its number is not known nothing can be asked; refused, nothing ever */
        if (!order->answered || sim->now < sim->heal_at) {
            xd_agenda_add(&sim->agenda, sim->now + XD_MINUTE_MS, begin, NULL, argument);
        }
        return;
    }
    sim->wishes = xd_host_grow(sim->wishes, sim->wish_count, &sim->wish_capacity, sizeof *sim->wishes);
    struct xd_sim_wish *wish = &sim->wishes[sim->wish_count];
    *wish = (struct xd_sim_wish){.kind = kind, .order = argument >> 2};
    write_wish(sim, order, wish);
    xd_sim_tell(sim, "web", "wants a %s of %s: %s", kind_names[kind], order->number,
                kind == XD_SIM_REVISE ? strstr(wish->text, "\"lines\"") : wish->text);
    sim->figures->wishes++;
    ask(sim, NULL, sim->wish_count++);
}

/* The next one, or none. */
void xd_sim_wishes_plan(struct xd_sim *sim, size_t number) {
    struct xd_sim_order *order = &sim->orders[number];
    uint64_t first = xd_chance_below(chance_of(sim, XD_SIM_CANCEL), KINDS);
    for (unsigned turn = 0; turn < KINDS; turn++) {
        unsigned kind = (unsigned)(first + turn) % KINDS; /* so that none hides the others */
        if (xd_sim_hit(sim, faults[kind])) {
            xd_ms after = xd_chance_spread(chance_of(sim, (enum xd_sim_wish_kind)kind), SOON_MS, LATE_MS);
            order->wished = true;
            xd_agenda_add(&sim->agenda, sim->now + after, begin, NULL, (uint64_t)number << 2 | kind);
            return;
        }
    }
}

void xd_sim_wishes_answer(struct xd_sim *sim, size_t number, unsigned status, const char *body) {
    struct xd_sim_wish *wish = &sim->wishes[number];
    if (number >= sim->wish_count || wish->answered || status == 503 || status == 429) {
        return; /* it is asked again in its time */
    }
    if (status == 412) {
        wish->outdated = true;
        return;
    }
    wish->answered = true;
    wish->status = status;
    wish->answered_at = sim->now;
    xd_sim_tell(sim, "web", "hears %u about its %s of %s", status, kind_names[wish->kind],
                sim->orders[wish->order].number);
    if (status == 202) {
        sim->figures->wishes_taken++;
        accepted(sim, wish, body);
        xd_sim_wishes_plan(sim, wish->order);
    }
}
