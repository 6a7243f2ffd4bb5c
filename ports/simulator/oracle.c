/* What must hold, judged by what went in and what came out:
 *
 *   in    orders and the channels' answers; documents and the receipts for them
 *   out   the ERP's books; releases at the WMS; the hub's own books as its API shows them
 *
 * I1  an order answered 202 is a sale, a confirmation receipted is a shipment, a count of
 *     stock an adjustment. Excused is only what was accepted by a machine whose disk
 *     afterwards forgot it (a lie, an old copy, a garbled file), or by a clone that was switched
 *     off when the hub had it all, if the hub afterwards forgot it; and a confirmation of a release that
 *     both the hub and its site forgot.
 * I2  at most once, and once more only what has another reference.
 * I3  nothing in the ERP that nobody sent, and nothing else in it than was sent.
 * I4, I5: witness.c. I8: wms_release.c. O1 to O7, of orders that are cancelled, changed, split or late:
 * oracle_orders.c.
 * I10 after the heal all comes to rest, and the difference is 0. */
#include "hub/view.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN_MS (5 * XD_MINUTE_MS) /* a store that lies may lose what was accepted somewhat before, too */
#define BACKLOG_MAX 100000u
#define SHIPPING_MS (16 * XD_HOUR_MS) /* the longest that a WMS takes, and some */

/* ---- excuses ---- */

static bool within(xd_ms at, xd_ms from, xd_ms to) {
    return to != 0 && at >= from - MARGIN_MS && at <= to;
}

/* Hub and site both forgot its release: its WMS alone knows whose the goods are, and a person has to ask. */
static bool release_forgotten(const struct xd_sim *sim, const struct xd_sim_document *document) {
    const struct xd_sim_site *site = &sim->sites[document->site];
    size_t number = xd_names_get(&site->releases, document->release);
    xd_ms at = number != XD_NAMES_NONE ? sim->releases[number].taken_at : 0;
    return number != XD_NAMES_NONE && within(at, sim->hub_amnesia_from, sim->hub_amnesia_to) &&
           within(at, site->amnesia_from, site->amnesia_to);
}

static bool document_excused(const struct xd_sim *sim, const struct xd_sim_document *document) {
    const struct xd_sim_site *site = &sim->sites[document->site];
    bool never_first =
        (document->held_by & 1) == 0; /* a clone took it, which was ended when the hub had it */
    return within(document->accepted_at, site->amnesia_from, site->amnesia_to) ||
           (never_first && document->accepted_at <= sim->hub_amnesia_to) || release_forgotten(sim, document);
}

static bool order_excused(const struct xd_sim *sim, const struct xd_sim_order *order) {
    return within(order->answered_at, sim->hub_amnesia_from, sim->hub_amnesia_to);
}

/* ---- rest ---- */

static bool site_rests(struct xd_sim_site *site, char *why, size_t size) {
    struct xd_site_status status = {0};
    struct xd_sim_node *node = &site->node;
    bool told = node->running && xd_site_status_of(&site->site, xd_sim_now(node), &status) == XD_OK;
    (void)snprintf(why, size,
                   "%s %s, line %s, for it %zu, backlog %lld and %lld, releases not answered %lld, mail %zu",
                   site->name_text, told ? "runs" : "does not run", node->linked ? "up" : "down",
                   node->queue->count, (long long)status.backlog_work, (long long)status.backlog_bulk,
                   (long long)status.releases_unanswered, node->mail_count);
    return told && node->linked && node->queue->count == 0 && node->mail_count == 0 &&
           status.backlog_work == 0 && status.backlog_bulk == 0 && status.releases_unanswered == 0;
}

static int64_t difference(struct xd_sim *sim) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    int64_t found = -1;
    if (xd_view_reconciliation(&sim->hub_store, NULL, &text) == XD_OK) {
        cJSON *tree = cJSON_Parse(xd_buffer_string(&text));
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, "difference");
        found = cJSON_IsNumber(item) ? (int64_t)item->valuedouble : -1;
        cJSON_Delete(tree);
    }
    xd_buffer_free(&text);
    return found;
}

/* A site that forgot a document, or a hub that forgot what became of it, need not tell. Nor
 * need a site tell of what its clone took: what became of it was told to the clone, or to the
 * first machine before that one knew of it. Nor of anything when the hub said that it has no more
 * what this machine misses. */
static bool fate_is_due(const struct xd_sim *sim, const struct xd_sim_document *document) {
    return document->kind != XD_DOC_RESPONSE && document->state == XD_SIM_ACCEPTED && !document->settled &&
           document->held_by == 1 && !sim->sites[document->site].rewound && sim->hub_amnesia_to == 0 &&
           !document_excused(sim, document);
}

static bool documents_rest(const struct xd_sim *sim, char *why, size_t size) {
    for (size_t index = 0; index < sim->document_count; index++) {
        const struct xd_sim_document *document = &sim->documents[index];
        bool waits = document->state == XD_SIM_WAITING;
        if (waits || fate_is_due(sim, document)) {
            (void)snprintf(why, size, "%s waits %s", document->id,
                           waits ? "for its receipt" : "to be settled");
            return false;
        }
    }
    return true;
}

static bool orders_rest(const struct xd_sim *sim, char *why, size_t size) {
    for (size_t index = 0; index < sim->order_count; index++) {
        if (!sim->orders[index].answered) {
            (void)snprintf(why, size, "%s waits for its answer", sim->orders[index].number);
            return false;
        }
    }
    return true;
}

/* What a release was asked for, and what its WMS said to that, is known to nobody any more when the hub or
 * the site forgot it: a person who sees that it is outstanding has to ask. */
static int64_t disputed_lines(const struct xd_sim *sim) {
    int64_t lines = 0;
    for (size_t index = 0; index < sim->release_count; index++) {
        const struct xd_sim_release *release = &sim->releases[index];
        bool forgot = sim->hub_amnesia_to != 0 || sim->sites[release->site].amnesia_to != 0;
        lines += forgot && (release->revision > 1 || release->rejected) ? (int64_t)XD_SIM_LINES_MAX : 0;
    }
    return lines;
}

/* Lines of confirmations that a site was given and forgot, before it had passed them on or before
 * the hub forgot them, too: for the hub they are outstanding for good. */
static int64_t forgotten_lines(const struct xd_sim *sim) {
    int64_t lines = 0;
    for (size_t index = 0; index < sim->document_count; index++) {
        const struct xd_sim_document *document = &sim->documents[index];
        if (document->kind == XD_DOC_CONFIRMATION && document->state == XD_SIM_ACCEPTED &&
            document_excused(sim, document)) {
            char key[XD_REFERENCE_SIZE + 8];
            (void)snprintf(key, sizeof key, "%d %s/%s/%llu/%s", (int)XD_ERP_SHIPMENT,
                           sim->sites[document->site].name_text, document->id,
                           (unsigned long long)document->version, document->release);
            bool posted = xd_names_get(&sim->effect_names, key) != XD_NAMES_NONE;
            lines += posted && sim->hub_amnesia_to == 0 ? 0 : (int64_t)document->line_count;
        }
    }
    return lines;
}

static bool hub_rests(struct xd_sim *sim, char *why, size_t size) {
    int64_t left = sim->hub_node.running ? difference(sim) : -1;
    (void)snprintf(why, size, "the hub %s, line %s, difference %lld",
                   sim->hub_node.running ? "runs" : "does not run", sim->hub_node.linked ? "up" : "down",
                   (long long)left);
    bool shipped = sim->now - sim->heal_at > SHIPPING_MS; /* until then it may be what is on its way */
    return sim->hub_node.linked && left >= 0 &&
           (left == 0 || (shipped && left <= forgotten_lines(sim) + disputed_lines(sim)));
}

/* No more than the notes on each other's state are on their way. What reads whole tables comes last. */
bool xd_sim_is_quiet(struct xd_sim *sim, char *why, size_t size) {
    bool quiet = documents_rest(sim, why, size) && orders_rest(sim, why, size) && sim->hub_node.linked;
    for (unsigned index = 0; index < sim->site_count && quiet; index++) {
        quiet = site_rests(&sim->sites[index], why, size);
        if (quiet && xd_sim_clone_of(&sim->sites[index]) != NULL) {
            (void)snprintf(why, size, "%s is not drained", sim->clones[index].node.name);
            quiet = false;
        }
    }
    return quiet && xd_sim_errands_rest(sim, why, size) && xd_sim_orders_rest(sim, why, size) &&
           hub_rests(sim, why, size) && xd_sim_events_rest(sim, why, size) &&
           xd_sim_books_rest(sim, why, size);
}

/* ---- what the ERP has ---- */

static void judge_sale(struct xd_sim *sim, const struct xd_sim_effect *effect) {
    struct xd_sim_order *order = xd_sim_order_of_sale(sim, effect->reference);
    if (order == NULL || order->bad) {
        xd_sim_violated(sim, "I3: the ERP has sale %s, which nobody ordered", effect->reference);
        return;
    }
    if (++order->sales > 1) {
        xd_sim_violated(sim, "I2: order %s is in the ERP twice", order->number);
    }
    xd_sim_book_sale(sim, order, effect);
    for (unsigned line = 0; line < effect->line_count && !xd_sim_order_varies(sim, order); line++) {
        if (effect->line_count != order->line_count || effect->qty[line] != (int64_t)order->qty[line]) {
            xd_sim_violated(sim, "I3: sale %s is not what was ordered", effect->reference);
        }
    }
}

/* "site/id/version/release" of a shipment, "site/id" of an adjustment. */
static struct xd_sim_document *document_of(struct xd_sim *sim, const char *reference) {
    char text[XD_REFERENCE_SIZE], key[2 * XD_SIM_TEXT];
    xd_copy(text, sizeof text, reference);
    char *slash = strchr(text, '/');
    char *end = slash == NULL ? NULL : strchr(slash + 1, '/');
    if (slash == NULL) {
        return NULL;
    }
    *slash = 0;
    if (end != NULL) {
        *end = 0;
    }
    xd_sim_wms_key(text, slash + 1, end == NULL ? 1 : strtoull(end + 1, NULL, 10), key);
    size_t found = xd_names_get(&sim->document_names, key);
    return found == XD_NAMES_NONE ? NULL : &sim->documents[found];
}

static void judge_shipment(struct xd_sim *sim, const struct xd_sim_effect *effect) {
    struct xd_sim_document *document = document_of(sim, effect->reference);
    struct xd_sim_order *order = xd_sim_order_of_sale(sim, effect->sale_reference);
    if (document == NULL || document->odd || order == NULL) {
        xd_sim_violated(sim, "I3: the ERP has shipment %s, which nobody confirmed", effect->reference);
        return;
    }
    if (++document->seen > 1) {
        xd_sim_violated(sim, "I2: confirmation %s is in the ERP twice", document->id);
    }
    document->stands++;
    xd_sim_book_closed(sim, order, effect);
    for (unsigned line = 0; line < effect->line_count; line++) {
        unsigned long number = strtoul(effect->line_id[line], NULL, 10);
        if (number == 0 || number > XD_SIM_LINES_MAX ||
            effect->qty[line] != (int64_t)document->qty[number - 1]) {
            xd_sim_violated(sim, "I3: shipment %s, line %s, is not what was confirmed", effect->reference,
                            effect->line_id[line]);
            return;
        }
        order->shipped[number - 1] += document->qty[number - 1];
    }
    if (effect->line_count != document->line_count) {
        xd_sim_violated(sim, "I1: shipment %s has %u of %u lines", effect->reference, effect->line_count,
                        document->line_count);
    }
}

/* What it undoes is there, and was not undone before; nothing else than that. */
static void judge_reversal(struct xd_sim *sim, const struct xd_sim_effect *effect) {
    struct xd_sim_document *document = document_of(sim, effect->reverses);
    struct xd_sim_order *order = xd_sim_order_of_sale(sim, effect->sale_reference);
    if (document == NULL || order == NULL || document->stands != 1) {
        xd_sim_violated(sim, "I2: the ERP has reversal %s of what %s", effect->reference,
                        document == NULL || document->seen == 0 ? "it never had" : "is undone already");
        return;
    }
    document->stands--;
    for (unsigned line = 0; line < effect->line_count; line++) {
        unsigned long number = strtoul(effect->line_id[line], NULL, 10);
        if (number == 0 || number > XD_SIM_LINES_MAX ||
            effect->qty[line] != (int64_t)document->qty[number - 1]) {
            xd_sim_violated(sim, "I3: reversal %s, line %s, is not what was confirmed", effect->reference,
                            effect->line_id[line]);
            return;
        }
        order->shipped[number - 1] -= document->qty[number - 1];
    }
}

static void judge_adjustment(struct xd_sim *sim, const struct xd_sim_effect *effect) {
    struct xd_sim_document *document = document_of(sim, effect->reference);
    if (document == NULL || document->kind != XD_DOC_INVENTORY) {
        xd_sim_violated(sim, "I3: the ERP has adjustment %s, which nobody advised", effect->reference);
    } else if (++document->seen > 1) {
        xd_sim_violated(sim, "I2: advice %s is in the ERP twice", document->id);
    } else if (effect->line_count != 1 || effect->qty[0] != -(int64_t)document->qty[0]) {
        xd_sim_violated(sim, "I3: adjustment %s is not what was advised", effect->reference);
    }
}

/* ---- what was accepted ---- */

/* What counts of each confirmation: its highest version, if nothing took it back. */
static void add_versions(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->document_count; index++) {
        const struct xd_sim_document *document = &sim->documents[index];
        struct xd_sim_document *first = &sim->documents[document->first];
        if (document->kind != XD_DOC_CONFIRMATION) {
            continue;
        }
        bool accepted = document->state == XD_SIM_ACCEPTED;
        first->taken_back = first->taken_back || (document->voids && accepted);
        first->excused = first->excused || (accepted && document_excused(sim, document));
        first->latest = accepted && !document->voids ? index : first->latest; /* they come in their order */
        first->all_stand += document->stands;
    }
}

static void judge_standing(struct xd_sim *sim, const struct xd_sim_document *first) {
    const char *site = sim->sites[first->site].name_text;
    bool counts = first->latest != UINT32_MAX && !first->taken_back && !first->odd;
    if (first->all_stand > 1 || (first->all_stand == 1 && !counts && !first->excused)) {
        xd_sim_violated(sim, "I1: of %s of %s %d shipments stand in the ERP%s", first->id, site,
                        first->all_stand, first->taken_back ? ", and it was taken back" : "");
    }
    if (!counts || first->excused) {
        return;
    }
    if (first->all_stand == 0) {
        xd_sim_violated(sim, "I1: %s of %s was receipted and is not in the ERP", first->id, site);
    }
    for (size_t index = 0; index < sim->document_count && first->latest != first->first; index++) {
        const struct xd_sim_document *document = &sim->documents[index];
        if (document->first == first->first && document->stands == 1 &&
            memcmp(document->qty, sim->documents[first->latest].qty, sizeof document->qty) != 0) {
            xd_sim_violated(sim, "I1: version %llu of %s of %s counts, and %llu is in the ERP",
                            (unsigned long long)sim->documents[first->latest].version, first->id, site,
                            (unsigned long long)document->version);
        }
    }
}

static void judge_documents(struct xd_sim *sim) {
    add_versions(sim);
    for (size_t index = 0; index < sim->document_count; index++) {
        const struct xd_sim_document *document = &sim->documents[index];
        bool wanted = document->kind == XD_DOC_INVENTORY && document->state == XD_SIM_ACCEPTED;
        if (wanted && document->seen == 0 && !document_excused(sim, document)) {
            xd_sim_violated(sim, "I1: %s of %s was receipted and is not in the ERP", document->id,
                            sim->sites[document->site].name_text);
        }
        if (document->kind == XD_DOC_CONFIRMATION && document->first == index) {
            judge_standing(sim, document);
        }
        if (document->state == XD_SIM_REFUSED) {
            xd_sim_violated(sim, "I1: %s of %s was refused for good", document->id,
                            sim->sites[document->site].name_text);
        }
    }
}

static void judge_answer(struct xd_sim *sim, const struct xd_sim_order *order) {
    const struct xd_sim_order *first = &sim->orders[order->of];
    bool lost_race = first->status == 409; /* the changed one came first */
    unsigned wanted = order->bad ? 422 : order->changed != lost_race ? 409 : 202;
    bool excused = order_excused(sim, first); /* a hub that forgot the first takes another */
    /* Its number stands for what it was revised to by then, under another key. */
    bool revised = order != first && first->wished && order->status == 409;
    if (order->status != wanted && !excused && !revised) {
        xd_sim_violated(sim, "order %s%s was answered %u, not %u", order->number,
                        order->changed ? ", changed," : "", order->status, wanted);
    }
}

static void judge_orders(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->order_count; index++) {
        const struct xd_sim_order *order = &sim->orders[index];
        judge_answer(sim, order);
        bool accepted = order->of == index && order->status == 202;
        bool may_vanish = xd_sim_order_varies(sim, order); /* before it was sold; see oracle_orders.c */
        if (accepted && order->sales == 0 && !may_vanish && !order_excused(sim, order)) {
            xd_sim_violated(sim, "I1: order %s was answered 202 and is not in the ERP", order->number);
        }
    }
}

void xd_sim_judge(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->effect_count; index++) {
        const struct xd_sim_effect *effect = &sim->effects[index];
        switch (effect->kind) {
        case XD_ERP_SALE:
            judge_sale(sim, effect);
            break;
        case XD_ERP_SHIPMENT:
            judge_shipment(sim, effect);
            break;
        case XD_ERP_CHANGE:
            xd_sim_judge_change(sim, effect);
            break;
        case XD_ERP_REVERSAL:
            judge_reversal(sim, effect);
            break;
        default:
            judge_adjustment(sim, effect);
            break;
        }
    }
    xd_sim_judge_drafts(sim);
    judge_documents(sim);
    judge_orders(sim);
    xd_sim_judge_orders(sim);
    if (sim->hub_node.queue->most > BACKLOG_MAX) {
        xd_sim_violated(sim, "I9: %zu messages waited for the hub", sim->hub_node.queue->most);
    }
}
