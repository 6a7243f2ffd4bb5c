/* A WMS at each site: what it says it repeats until its receipt comes, as the README asks of it.
 * Its own memory is perfect: what goes wrong with it is that it hears and says things twice,
 * late, short, over, or wrongly. What it does with releases is in wms_release.c. */
#include "simulator/as_written.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_SIZE 128 /* of the name of a document, ours or nonsense */
#define JSON_EACH 16u     /* so many texts are looked at once whether they are JSON at all */
#define MAIL_MAX 400u     /* the site's broker holds the rest back */
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

void xd_sim_wms_key(const char *site, const char *id, uint64_t version, char out[2 * XD_SIM_TEXT]) {
    (void)snprintf(out, 2 * XD_SIM_TEXT, version > 1 ? "%s/%s#%llu" : "%s/%s", site, id,
                   (unsigned long long)version);
}

size_t xd_sim_wms_add_version(struct xd_sim_site *site, enum xd_kind kind, const char *id, uint64_t version) {
    struct xd_sim *sim = site->node.sim;
    char key[2 * XD_SIM_TEXT], own[XD_SIM_TEXT]; /* id may be that of a document, and they move */
    xd_copy(own, sizeof own, id);
    sim->documents =
        xd_host_grow(sim->documents, sim->document_count, &sim->document_capacity, sizeof *sim->documents);
    struct xd_sim_document *document = &sim->documents[sim->document_count];
    *document = (struct xd_sim_document){.kind = kind,
                                         .site = site->node.number - 1,
                                         .version = version,
                                         .first = sim->document_count,
                                         .latest = UINT32_MAX};
    memcpy(document->id, own, sizeof document->id);
    xd_sim_wms_key(site->name_text, own, version, key);
    xd_names_set(&sim->document_names, key, sim->document_count);
    sim->figures->documents++;
    return sim->document_count++;
}

size_t xd_sim_wms_add(struct xd_sim_site *site, enum xd_kind kind, const char *id) {
    return xd_sim_wms_add_version(site, kind, id, 1);
}

void xd_sim_wms_send(struct xd_sim_site *site, size_t document, const char *text, xd_ms delay) {
    struct xd_sim *sim = site->node.sim;
    xd_ms at = sim->now + delay;
    if (site->cycle != 0) {
        at += site->cycle - at % site->cycle;
    }
    sim->documents[document].text = xd_host_copy(text, strlen(text));
    xd_agenda_add(&sim->agenda, at, send_again, site, (uint64_t)document);
}

void xd_sim_wms_say_again(struct xd_sim_site *site, size_t number) {
    const struct xd_sim_document *document = &site->node.sim->documents[number];
    if (document->state != XD_SIM_WAITING) { /* else it is said again anyway */
        say(site, tail_of(document), document->text, XD_SECOND_MS);
    }
}

size_t xd_sim_wms_version(const struct xd_sim_site *site, const char *id, uint64_t version) {
    char key[2 * XD_SIM_TEXT];
    xd_sim_wms_key(site->name_text, id, version, key);
    return xd_names_get(&site->node.sim->document_names, key);
}

size_t xd_sim_wms_document(const struct xd_sim_site *site, const char *id) {
    return xd_sim_wms_version(site, id, 1);
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

static bool says_retryable(struct xd_bytes text) {
    static const char word[] = "\"retryable\":true";
    return memmem(text.data, text.size, word, sizeof word - 1) != NULL;
}

static void take_receipt(struct xd_sim_site *from, struct xd_sim_site *site, struct xd_bytes text) {
    struct xd_sim *sim = site->node.sim;
    char id[DOCUMENT_SIZE], status[16];
    if (!xd_as_written(text, "document_id", id, sizeof id) ||
        !xd_as_written(text, "status", status, sizeof status)) {
        return; /* of bytes that could not be read */
    }
    size_t number = xd_sim_wms_version(site, id, xd_number_as_written(text, "version"));
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
    if (strcmp(status, "rejected") != 0) {
        document->held_by |= bit;
        xd_sim_held_document(&from->node, document);
    }
    if (document->state != XD_SIM_WAITING) {
        return;
    }
    if (strcmp(status, "rejected") != 0) {
        document->state = XD_SIM_ACCEPTED;
        document->accepted_at = sim->now;
        say_nonsense(site, document);
        xd_sim_wms_may_redo(site, number);
    } else if (!says_retryable(text)) {
        document->state = XD_SIM_REFUSED;
    }
}

static void take_settled(struct xd_sim_site *site, struct xd_bytes text) {
    struct xd_sim *sim = site->node.sim;
    char id[DOCUMENT_SIZE] = "nothing", outcome[16];
    bool read = xd_as_written(text, "document_id", id, sizeof id) &&
                xd_as_written(text, "outcome", outcome, sizeof outcome);
    uint64_t version = xd_number_as_written(text, "document_version");
    size_t number = read ? xd_sim_wms_version(site, id, version) : XD_NAMES_NONE;
    if (number == XD_NAMES_NONE) {
        xd_sim_violated(sim, "%s settles %s, which nobody sent", site->name_text, id);
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
    struct xd_bytes said = xd_bytes_of(text, size);
    bool looks = release || ++sim->heard % JSON_EACH == 0;
    cJSON *tree = looks ? cJSON_ParseWithLength(text, size) : NULL;
    if (looks && tree == NULL) {
        xd_sim_violated(sim, "%s says what is no JSON: %.*s", site->name_text, (int)size, text);
    } else if (release) {
        xd_sim_wms_take_release(site, tree);
    } else if (receipt) {
        take_receipt(from, site, said);
    } else if (settled) {
        take_settled(site, said);
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
    size_t document = xd_sim_wms_add(site, XD_DOC_INVENTORY, id);
    sim->documents[document].line_count = 1;
    sim->documents[document].qty[0] = qty;
    xd_sim_wms_send(site, document, text, 1);
}

static void count_stock(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_site *site = object;
    (void)argument;
    if (sim->now >= sim->heal_at) {
        return;
    }
    xd_sim_wms_count(site);
    if (xd_sim_hit(sim, XD_FAULT_WMS_UNKNOWN_RELEASE)) {
        xd_sim_wms_ship_unknown(site);
    }
    xd_agenda_add(&sim->agenda,
                  sim->now + xd_chance_between(&sim->work, 1, 2 * sim->order_gap * sim->site_count),
                  count_stock, site, 0);
}

void xd_sim_wms_work(struct xd_sim_site *site) {
    struct xd_sim *sim = site->node.sim;
    if (xd_sim_hit(sim, XD_FAULT_WMS_BATCH)) {
        site->cycle = xd_chance_spread(&sim->chance[XD_FAULT_WMS_BATCH], XD_MINUTE_MS, 15 * XD_MINUTE_MS);
    }
    xd_agenda_add(&sim->agenda, sim->now + xd_chance_between(&sim->work, 1, 2 * sim->order_gap), count_stock,
                  site, 0);
}
