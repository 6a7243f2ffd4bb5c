/* A WMS at each site: takes releases, answers them, ships, and tells what it shipped; it
 * repeats each document until its receipt comes, as the README asks of it. Its own memory
 * is perfect: what goes wrong with it is that it hears and says things twice, late, short,
 * over, or wrongly. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIL_MAX 400u /* the site's broker holds the rest back */
#define PATIENCE_MS ((xd_ms)10000)
#define PATIENCE_MS_MAX ((xd_ms)600000)
#define ASKING_MS (6 * XD_HOUR_MS)

/* ---- whom it speaks to ---- */

struct xd_sim_node *xd_sim_wms_side(struct xd_sim_site *site) {
    struct xd_sim_site *clone = xd_sim_clone_of(site);
    return clone != NULL && site->with_clone ? &clone->node : &site->node;
}

void xd_sim_wms_turn_to(struct xd_sim_site *site, bool clone) {
    struct xd_sim_node *before = xd_sim_wms_side(site);
    site->with_clone = clone;
    struct xd_sim_node *after = xd_sim_wms_side(site);
    if (before == after || !site->wms_up) {
        return;
    }
    xd_sim_tell(site->node.sim, site->name_text, "WMS turns to %s", after->name);
    if (before->running) {
        xd_sim_mail(before, (struct xd_sim_mail){.kind = XD_SIM_MAIL_WMS_DOWN}, 1);
    }
    if (after->running) {
        xd_sim_mail(after, (struct xd_sim_mail){.kind = XD_SIM_MAIL_WMS_UP}, 1);
    }
}

/* ---- sending ---- */

static void say(struct xd_sim_site *site, const char *tail, const char *text, xd_ms delay) {
    struct xd_sim_mail mail = {.kind = XD_SIM_MAIL_WMS, .text = xd_host_copy(text, strlen(text))};
    (void)snprintf(mail.topic, sizeof mail.topic, "crossdock/%s/%s", site->name_text, tail);
    xd_sim_mail(xd_sim_wms_side(site), mail, delay);
}

static const char *tail_of(const struct xd_sim_document *document) {
    return document->kind == XD_DOC_CONFIRMATION ? "confirmation"
           : document->kind == XD_DOC_RESPONSE   ? "release/response"
                                                 : "inventory";
}

static void send_again(struct xd_sim *sim, void *object, uint64_t number) {
    struct xd_sim_site *site = object;
    struct xd_sim_document *document = &sim->documents[number];
    if (document->state != XD_SIM_WAITING) {
        return;
    }
    const struct xd_sim_node *side = xd_sim_wms_side(site);
    if (site->wms_up && side->running && side->mail_count < MAIL_MAX) {
        say(site, tail_of(document), document->text, 1);
        if (xd_sim_hit(sim, XD_FAULT_WMS_REPEAT)) {
            say(site, tail_of(document), document->text, xd_chance_between(&sim->work, 1, 20000));
        }
    }
    xd_ms patience = PATIENCE_MS << (document->tries < 6 ? document->tries : 6);
    document->tries++;
    xd_agenda_add(&sim->agenda, sim->now + (patience < PATIENCE_MS_MAX ? patience : PATIENCE_MS_MAX),
                  send_again, site, number);
}

static struct xd_sim_document *add_document(struct xd_sim_site *site, enum xd_kind kind, const char *id) {
    struct xd_sim *sim = site->node.sim;
    char key[2 * XD_SIM_TEXT];
    sim->documents =
        xd_host_grow(sim->documents, sim->document_count, &sim->document_capacity, sizeof *sim->documents);
    struct xd_sim_document *document = &sim->documents[sim->document_count];
    *document = (struct xd_sim_document){.kind = kind, .site = site->node.number - 1};
    (void)snprintf(document->id, sizeof document->id, "%s", id);
    (void)snprintf(key, sizeof key, "%s/%s", site->name_text, id);
    xd_names_set(&sim->document_names, key, sim->document_count);
    sim->document_count++;
    sim->figures->documents++;
    return document;
}

static void send_later(struct xd_sim_site *site, struct xd_sim_document *document, const char *text,
                       xd_ms delay) {
    struct xd_sim *sim = site->node.sim;
    document->text = xd_host_copy(text, strlen(text));
    xd_agenda_add(&sim->agenda, sim->now + delay, send_again, site, (uint64_t)(document - sim->documents));
}

/* ---- shipping ---- */

struct release_line {
    char id[24], sku[24];
    unsigned qty;
};

/* final: nothing more will come of a line that is short. */
static void confirm(struct xd_sim_site *site, const char *release, const struct release_line *lines,
                    unsigned count, const unsigned qty[XD_SIM_LINES_MAX], bool final, xd_ms delay) {
    struct xd_sim *sim = site->node.sim;
    char id[XD_SIM_TEXT], text[1024];
    (void)snprintf(id, sizeof id, "C-%s-%llu", site->name_text, (unsigned long long)++site->made);
    struct xd_sim_document *document = add_document(site, XD_DOC_CONFIRMATION, id);
    bool unmatched = xd_sim_hit(sim, XD_FAULT_WMS_UNMATCHED_LINE);
    int size = snprintf(
        text, sizeof text,
        "{\"confirmation_id\":\"%s\",\"version\":1,\"kind\":\"SHIP\",\"reporting\":\"FULL\","
        "\"shipment_id\":\"S-%s\",\"release_ids\":[\"%s\"],\"shipped_at\":\"2026-11-23T10:00:00+01:00\","
        "\"lines\":[",
        id, id, release);
    document->line_count = count;
    (void)snprintf(document->release, sizeof document->release, "%s", release);
    for (unsigned line = 0; line < count; line++) {
        document->qty[line] = qty[line];
        document->known_line[line] = true;
        size += snprintf(text + size, sizeof text - (size_t)size,
                         "%s{\"line_id\":\"%s\",\"sku\":\"%s\",\"qty_shipped\":\"%u\",\"uom\":\"EA\"%s}",
                         line == 0 ? "" : ",", lines[line].id, lines[line].sku, qty[line],
                         final && qty[line] < lines[line].qty ? ",\"status\":\"SHORT_FINAL\"" : "");
    }
    (void)snprintf(text + size, sizeof text - (size_t)size, "%s]}",
                   unmatched ? ",{\"line_id\":\"99\",\"sku\":\"WIDGET\",\"qty_shipped\":\"1\",\"uom\":\"EA\"}"
                             : "");
    send_later(site, document, text, delay);
}

static void ship(struct xd_sim_site *site, const char *release, const struct release_line *lines,
                 unsigned count) {
    struct xd_sim *sim = site->node.sim;
    unsigned first[XD_SIM_LINES_MAX] = {0}, second[XD_SIM_LINES_MAX] = {0};
    bool less = xd_sim_hit(sim, XD_FAULT_WMS_SHORT), over = xd_sim_hit(sim, XD_FAULT_WMS_OVER);
    bool split = xd_sim_hit(sim, XD_FAULT_WMS_SPLIT) && !less && !over;
    xd_ms delay = xd_sim_takes(sim, XD_MINUTE_MS, 8 * XD_HOUR_MS);
    for (unsigned line = 0; line < count; line++) {
        split = split && lines[line].qty > 1;
    }
    for (unsigned line = 0; line < count; line++) {
        unsigned qty = lines[line].qty;
        second[line] = split ? qty / 2 : 0;
        first[line] = qty - second[line] - (less && qty > 1) + over;
    }
    confirm(site, release, lines, count, first, less, delay);
    if (split) {
        confirm(site, release, lines, count, second, false,
                delay + xd_chance_spread(&sim->work, XD_MINUTE_MS, 4 * XD_HOUR_MS));
    }
}

static void respond(struct xd_sim_site *site, const char *release, xd_ms delay) {
    char id[XD_SIM_TEXT], text[256];
    (void)snprintf(id, sizeof id, "%s/1/ACKNOWLEDGED", release);
    (void)snprintf(text, sizeof text, "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"ACKNOWLEDGED\"}",
                   release);
    send_later(site, add_document(site, XD_DOC_RESPONSE, id), text, delay);
}

static void answer_again(struct xd_sim_site *site, const char *release) {
    struct xd_sim *sim = site->node.sim;
    char key[2 * XD_SIM_TEXT];
    (void)snprintf(key, sizeof key, "%s/%s/1/ACKNOWLEDGED", site->name_text, release);
    size_t number = xd_names_get(&sim->document_names, key);
    if (number == XD_NAMES_NONE) {
        respond(site, release, XD_SECOND_MS);
    } else if (sim->documents[number].state != XD_SIM_WAITING) {
        say(site, "release/response", sim->documents[number].text, XD_SECOND_MS);
    }
}

static unsigned read_lines(const cJSON *tree, struct release_line lines[XD_SIM_LINES_MAX]) {
    unsigned count = 0;
    const cJSON *line;
    cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(tree, "lines")) {
        const char *id = xd_json_text(line, "line_id"), *sku = xd_json_text(line, "sku");
        const char *qty = xd_json_text(line, "qty");
        if (count < XD_SIM_LINES_MAX && id != NULL && sku != NULL && qty != NULL) {
            (void)snprintf(lines[count].id, sizeof lines[count].id, "%s", id);
            (void)snprintf(lines[count].sku, sizeof lines[count].sku, "%s", sku);
            lines[count++].qty = (unsigned)strtoul(qty, NULL, 10);
        }
    }
    return count;
}

/* I8: nothing that was ordered of another site. */
static void check_owner(struct xd_sim_site *site, const cJSON *tree) {
    struct xd_sim *sim = site->node.sim;
    const char *for_site = xd_json_text(tree, "site_id");
    const char *number = xd_json_text(cJSON_GetObjectItemCaseSensitive(tree, "origin"), "external_order_id");
    size_t order = number == NULL ? XD_NAMES_NONE : xd_names_get(&sim->order_names, number);
    if (for_site == NULL || strcmp(for_site, site->name_text) != 0 || order == XD_NAMES_NONE ||
        sim->orders[order].site != site->node.number - 1) {
        xd_sim_violated(sim, "I8: %s is given a release for %s of order %s", site->name_text,
                        for_site == NULL ? "nobody" : for_site, number == NULL ? "none" : number);
    }
}

static void take_release(struct xd_sim_site *site, const cJSON *tree) {
    struct xd_sim *sim = site->node.sim;
    struct release_line lines[XD_SIM_LINES_MAX];
    const char *release = xd_json_text(tree, "release_id");
    if (release == NULL) {
        xd_sim_violated(sim, "%s was given a release without an id", site->name_text);
        return;
    }
    if (xd_names_get(&site->releases, release) != XD_NAMES_NONE) {
        answer_again(site, release); /* it comes again because no answer was heard, or the agent forgot it */
        return;
    }
    check_owner(site, tree);
    xd_names_set(&site->releases, release, 1);
    xd_sim_tell(sim, site->name_text, "WMS takes release %s", release);
    unsigned count = read_lines(tree, lines);
    if (!xd_sim_hit(sim, XD_FAULT_WMS_EARLY)) {
        respond(site, release, xd_sim_takes(sim, XD_SECOND_MS, 10 * XD_MINUTE_MS));
    }
    ship(site, release, lines, count);
}

/* ---- what it is told ---- */

static void say_nonsense(struct xd_sim_site *site, struct xd_sim_document *document) {
    struct xd_sim *sim = site->node.sim;
    char text[1200];
    if (document->kind == XD_DOC_CONFIRMATION && xd_sim_hit(sim, XD_FAULT_WMS_CONFLICT)) {
        (void)snprintf(text, sizeof text, "%.*s,\"bol\":\"another\"}", (int)strlen(document->text) - 1,
                       document->text);
        document->disputed = true;
        say(site, "confirmation", text, xd_chance_between(&sim->work, 1, 60000));
    }
    if (xd_sim_hit(sim, XD_FAULT_WMS_GARBAGE)) {
        (void)snprintf(text, sizeof text, "%.*s\xff",
                       (int)xd_chance_below(&sim->work, strlen(document->text)), document->text);
        say(site, tail_of(document), text, xd_chance_between(&sim->work, 1, 60000));
    }
    if (xd_sim_hit(sim, XD_FAULT_WMS_FOREIGN)) {
        struct xd_sim_mail mail = {.kind = XD_SIM_MAIL_WMS,
                                   .text = xd_host_copy(document->text, strlen(document->text))};
        (void)snprintf(mail.topic, sizeof mail.topic, "crossdock/ELSEWHERE/%s", tail_of(document));
        xd_sim_mail(xd_sim_wms_side(site), mail, 1);
    }
}

static void take_receipt(const struct xd_sim_site *from, struct xd_sim_site *site, const cJSON *tree) {
    struct xd_sim *sim = site->node.sim;
    char key[2 * XD_SIM_TEXT];
    const char *id = xd_json_text(tree, "document_id"), *status = xd_json_text(tree, "status");
    const cJSON *problem = cJSON_GetObjectItemCaseSensitive(tree, "problem");
    if (id == NULL || status == NULL) {
        return; /* of bytes that could not be read */
    }
    (void)snprintf(key, sizeof key, "%s/%s", site->name_text, id);
    size_t number = xd_names_get(&sim->document_names, key);
    if (number == XD_NAMES_NONE) {
        xd_sim_violated(sim, "%s tells of document %s, which nobody sent", site->name_text, id);
        return;
    }
    struct xd_sim_document *document = &sim->documents[number];
    uint64_t bit = from->machine == 0 ? 1 : UINT64_C(2) << from->machine % 63;
    bool accepted = strcmp(status, "accepted") == 0;
    if (accepted && (document->accepted_by & bit) != 0 && !document->disputed && site->amnesia_to == 0) {
        xd_sim_violated(sim, "I2: %s of %s was accepted twice", id, from->node.name);
    }
    document->accepted_by |= accepted ? bit : 0;
    document->held_by |= strcmp(status, "rejected") != 0 ? bit : 0;
    if (document->state != XD_SIM_WAITING) {
        return;
    }
    if (strcmp(status, "rejected") != 0) {
        document->state = XD_SIM_ACCEPTED;
        document->accepted_at = sim->now;
        say_nonsense(site, document);
    } else if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(problem, "retryable"))) {
        document->state = XD_SIM_REFUSED;
    }
}

static void take_settled(struct xd_sim_site *site, const cJSON *tree) {
    struct xd_sim *sim = site->node.sim;
    char key[2 * XD_SIM_TEXT];
    const char *id = xd_json_text(tree, "document_id"), *outcome = xd_json_text(tree, "outcome");
    (void)snprintf(key, sizeof key, "%s/%s", site->name_text, id == NULL ? "" : id);
    size_t number = xd_names_get(&sim->document_names, key);
    if (number == XD_NAMES_NONE || outcome == NULL) {
        xd_sim_violated(sim, "%s settles %s, which nobody sent", site->name_text,
                        id == NULL ? "nothing" : id);
        return;
    }
    sim->documents[number].parked = strcmp(outcome, "parked") == 0;
    sim->documents[number].settled = true;
}

void xd_sim_wms_hears(struct xd_sim_site *from, const char *topic, const char *text, size_t size) {
    struct xd_sim *sim = from->node.sim;
    struct xd_sim_site *site = &sim->sites[from->node.number - 1];
    bool hears = site->wms_up && xd_sim_wms_side(site) == &from->node;
    const char *tail = strrchr(topic, '/');
    xd_sim_note(sim, 3000 + site->node.number, text, size);
    if (tail == NULL) {
        return;
    }
    bool release = strcmp(tail, "/release") == 0, receipt = strcmp(tail, "/receipt") == 0;
    bool settled = strcmp(tail, "/settled") == 0; /* whether it is heard or not: the word was given */
    if ((!hears && !settled) || (release && xd_sim_hit(sim, XD_FAULT_WMS_RELEASE_LOST)) ||
        (receipt && xd_sim_hit(sim, XD_FAULT_WMS_RECEIPT_LOST))) {
        return;
    }
    cJSON *tree = cJSON_ParseWithLength(text, size);
    if (tree == NULL) {
        xd_sim_violated(sim, "%s says what is no JSON: %.*s", site->name_text, (int)size, text);
    } else if (release) {
        take_release(site, tree);
    } else if (receipt) {
        take_receipt(from, site, tree);
    } else if (settled) {
        take_settled(site, tree);
    }
    cJSON_Delete(tree);
}

/* The word on a document may have been lost with a machine that was told and did not tell: at
 * a site that had two, the broker brought it again to the other one. Who says the document again
 * is told the latest. */
static void ask_again(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_site *site = object;
    (void)argument;
    for (size_t index = 0; index < sim->document_count; index++) {
        const struct xd_sim_document *document = &sim->documents[index];
        if (document->site == site->node.number - 1 && document->kind != XD_DOC_RESPONSE &&
            document->state == XD_SIM_ACCEPTED && !document->settled && document->held_by == 1) {
            say(site, tail_of(document), document->text, 1);
        }
    }
    xd_agenda_add(&sim->agenda, sim->now + ASKING_MS, ask_again, site, 0);
}

void xd_sim_wms_ask(struct xd_sim_site *site) {
    xd_agenda_add(&site->node.sim->agenda, site->node.sim->now + ASKING_MS, ask_again, site, 0);
}

/* ---- work of its own ---- */

void xd_sim_wms_count(struct xd_sim_site *site) {
    struct xd_sim *sim = site->node.sim;
    char id[XD_SIM_TEXT], text[512];
    unsigned qty = (unsigned)xd_chance_between(&sim->work, 1, 9);
    (void)snprintf(id, sizeof id, "I-%s-%llu", site->name_text, (unsigned long long)++site->made);
    (void)snprintf(text, sizeof text,
                   "{\"advice_id\":\"%s\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"WIDGET\",\"qty\":\"-%u\","
                   "\"uom\":\"EA\","
                   "\"reason\":\"DAMAGED\"}]}",
                   id, qty);
    struct xd_sim_document *document = add_document(site, XD_DOC_INVENTORY, id);
    document->line_count = 1;
    document->qty[0] = qty;
    send_later(site, document, text, 1);
}

static void count_stock(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_site *site = object;
    (void)argument;
    if (sim->now >= sim->heal_at) {
        return;
    }
    xd_sim_wms_count(site);
    if (xd_sim_hit(sim, XD_FAULT_WMS_UNKNOWN_RELEASE)) {
        struct release_line line = {"1", "WIDGET", 1};
        confirm(site, "R0000000000000NONE", &line, 1, (const unsigned[XD_SIM_LINES_MAX]){1}, false, 1);
        sim->documents[sim->document_count - 1].odd = true;
    }
    xd_agenda_add(&sim->agenda,
                  sim->now + xd_chance_between(&sim->work, 1, 2 * sim->order_gap * sim->site_count),
                  count_stock, site, 0);
}

void xd_sim_wms_work(struct xd_sim_site *site) {
    struct xd_sim *sim = site->node.sim;
    xd_agenda_add(&sim->agenda, sim->now + xd_chance_between(&sim->work, 1, 2 * sim->order_gap), count_stock,
                  site, 0);
}
