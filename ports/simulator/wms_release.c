/* What a WMS does with releases: it takes one or refuses it, says when it has reserved, ships it
 * at once or in two parts, and when some of it or all is asked back gives up what has not left yet.
 *
 * What it will ship is planned as documents when it takes the release; until the first of them is sent they
 * can still be changed. Who is asked for what has left already, or does not want to, keeps it; and now and
 * then one agrees and ships all the same. The question may come before the release itself, which was lost:
 * then it is the release. Each question is answered once, and again in the same words. While it waits to be
 * heard about a shipment that it takes back, or states otherwise, it gives nothing up. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct xd_sim *sim_of(const struct xd_sim_site *site) {
    return site->node.sim;
}

/* ---- answers ---- */

static void respond(struct xd_sim_site *site, const char *release, uint64_t revision, const char *word,
                    xd_ms delay) {
    char id[2 * XD_SIM_TEXT], text[512];
    bool refuses = strcmp(word, "REJECTED") == 0 || strcmp(word, "CANCEL_REFUSED") == 0;
    (void)snprintf(id, sizeof id, "%s/%llu/%s", release, (unsigned long long)revision, word);
    (void)snprintf(text, sizeof text, "{\"release_id\":\"%s\",\"revision\":%llu,\"response\":\"%s\"%s}",
                   release, (unsigned long long)revision, word, refuses ? ",\"reason\":\"not today\"" : "");
    xd_sim_wms_send(site, xd_sim_wms_add(site, XD_DOC_RESPONSE, id), text, delay);
}

/* It comes again because no answer was heard, or the agent forgot it. */
static void answer_again(struct xd_sim_site *site, const char *release, uint64_t revision) {
    static const char *const words[] = {"ACKNOWLEDGED", "REJECTED", "CANCEL_ACCEPTED", "CANCEL_REFUSED",
                                        "RESERVED"};
    for (size_t index = 0; index < sizeof words / sizeof words[0]; index++) {
        char id[2 * XD_SIM_TEXT];
        (void)snprintf(id, sizeof id, "%s/%llu/%s", release, (unsigned long long)revision, words[index]);
        size_t said = xd_sim_wms_document(site, id);
        if (said != XD_NAMES_NONE) {
            xd_sim_wms_say_again(site, said);
            return;
        }
    }
    respond(site, release, revision, "ACKNOWLEDGED", XD_SECOND_MS);
}

/* ---- shipments ---- */

static void write_line(const struct xd_sim_document *document, const struct xd_sim_release *release,
                       unsigned line, bool is_short, struct xd_buffer *out) {
    xd_buffer_format(out, "{\"line_id\":\"%u\",\"sku\":\"%s\",\"qty_shipped\":\"%u\",\"uom\":\"EA\"",
                     line + 1, release->sku[line], document->qty[line]);
    if (is_short && document->short_status != NULL) {
        xd_buffer_format(out, ",\"status\":\"%s\"", document->short_status);
    }
    xd_buffer_text(out, "}");
}

/* Writes what it says as it is now. Only the one that is alone with its release may be short. */
char *xd_sim_wms_write(struct xd_sim_document *document, const struct xd_sim_release *release) {
    struct xd_buffer text;
    unsigned long long version = document->version;
    xd_buffer_init(&text, 0);
    xd_buffer_format(&text,
                     "{\"confirmation_id\":\"%s\",\"version\":%llu,\"kind\":\"SHIP\",\"reporting\":\"%s\","
                     "\"shipment_id\":\"S-%s\",\"release_ids\":[\"%s\"],\"shipped_at\":"
                     "\"2026-11-23T10:00:00+01:00\",",
                     document->id, version, document->partial ? "EXCEPTIONS" : "FULL", document->id,
                     release->id);
    if (version > 1) {
        xd_buffer_format(&text, "\"pro\":\"P%llu\",", version);
    }
    xd_buffer_text(&text, "\"lines\":[");
    document->line_count = 0;
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        if (document->qty[line] > 0) {
            xd_buffer_text(&text, document->line_count++ == 0 ? "" : ",");
            write_line(document, release, line, document->qty[line] < release->qty[line], &text);
        }
    }
    xd_buffer_text(&text,
                   document->unmatched
                       ? ",{\"line_id\":\"99\",\"sku\":\"WIDGET\",\"qty_shipped\":\"1\",\"uom\":\"EA\"}]}"
                       : "]}");
    char *copy = xd_host_copy(xd_buffer_string(&text), strlen(xd_buffer_string(&text)));
    xd_buffer_free(&text);
    return copy;
}

static size_t confirm(struct xd_sim_site *site, const struct xd_sim_release *release,
                      const unsigned qty[XD_SIM_LINES_MAX], const char *short_status, bool partial,
                      xd_ms delay) {
    struct xd_sim *sim = sim_of(site);
    char id[XD_SIM_TEXT];
    (void)snprintf(id, sizeof id, "C-%s-%llu", site->name_text, (unsigned long long)++site->made);
    size_t number = xd_sim_wms_add(site, XD_DOC_CONFIRMATION, id);
    struct xd_sim_document *document = &sim->documents[number];
    document->unmatched = xd_sim_hit(sim, XD_FAULT_WMS_UNMATCHED_LINE);
    document->short_status = short_status;
    document->partial = partial;
    xd_copy(document->release, sizeof document->release, release->id);
    memcpy(document->qty, qty, sizeof document->qty);
    char *text = xd_sim_wms_write(document, release);
    xd_sim_wms_send(site, number, text, delay);
    xd_host_free(text);
    return number;
}

size_t xd_sim_wms_confirm(struct xd_sim_site *site, const struct xd_sim_release *release,
                          const unsigned qty[XD_SIM_LINES_MAX], const char *short_status, xd_ms delay) {
    return confirm(site, release, qty, short_status, false, delay);
}

/* What does not come of its first line is said with the first shipment, of that line alone; the others
 * follow. */
static bool ship_by_line(struct xd_sim_site *site, struct xd_sim_release *release) {
    struct xd_sim *sim = sim_of(site);
    struct xd_chance *chance = &sim->chance[XD_FAULT_WMS_SHORT];
    unsigned first[XD_SIM_LINES_MAX] = {0}, others[XD_SIM_LINES_MAX] = {0}, rest = 0;
    if (sim->rate[XD_FAULT_ERP_SELLS] == 0 || !xd_chance_hits(chance, 500000) || release->qty[0] < 2) {
        return false;
    }
    first[0] = release->qty[0] - 1;
    for (unsigned line = 1; line < XD_SIM_LINES_MAX; line++) {
        others[line] = release->qty[line];
        rest += others[line];
    }
    if (rest == 0) {
        return false;
    }
    xd_ms delay = xd_sim_takes(sim, XD_MINUTE_MS, 8 * XD_HOUR_MS);
    xd_ms later = xd_chance_spread(chance, XD_MINUTE_MS, 4 * XD_HOUR_MS);
    release->shipments[release->shipment_count++] = confirm(site, release, first, "SHORT_FINAL", true, delay);
    release->shipments[release->shipment_count++] = confirm(site, release, others, NULL, true, delay + later);
    return true;
}

static void ship(struct xd_sim_site *site, struct xd_sim_release *release) {
    struct xd_sim *sim = sim_of(site);
    unsigned first[XD_SIM_LINES_MAX] = {0}, second[XD_SIM_LINES_MAX] = {0};
    bool less = xd_sim_hit(sim, XD_FAULT_WMS_SHORT), over = xd_sim_hit(sim, XD_FAULT_WMS_OVER);
    if (less && !over && ship_by_line(site, release)) {
        return;
    }
    bool split = xd_sim_hit(sim, XD_FAULT_WMS_SPLIT) && !less && !over;
    bool for_now = !less && !over && !split && sim->rate[XD_FAULT_ERP_STOCK] != 0 &&
                   xd_sim_hit(sim, XD_FAULT_WMS_BACKORDER); /* where stock is known the rest finds a place */
    xd_ms delay = xd_sim_takes(sim, XD_MINUTE_MS, 8 * XD_HOUR_MS);
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        split = split && release->qty[line] != 1;
    }
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        unsigned qty = release->qty[line];
        second[line] = split ? qty / 2 : 0;
        first[line] = qty - second[line] - ((less || for_now) && qty > 1) + (over && qty > 0);
    }
    release->shipments[release->shipment_count++] = xd_sim_wms_confirm(site, release, first,
                                                                       less      ? "SHORT_FINAL"
                                                                       : for_now ? "BACKORDER"
                                                                                 : NULL,
                                                                       delay);
    if (split) {
        xd_ms later = xd_chance_spread(&sim->work, XD_MINUTE_MS, 4 * XD_HOUR_MS);
        release->shipments[release->shipment_count++] =
            xd_sim_wms_confirm(site, release, second, NULL, delay + later);
    }
}

void xd_sim_wms_ship_unknown(struct xd_sim_site *site) {
    const struct xd_sim_release nobodys = {.id = "R0000000000000NONE", .sku = {"WIDGET"}, .qty = {1}};
    size_t number = xd_sim_wms_confirm(site, &nobodys, nobodys.qty, NULL, 1);
    sim_of(site)->documents[number].odd = true;
}

/* ---- what is asked back ---- */

static bool has_left(const struct xd_sim *sim, size_t shipment) {
    return sim->documents[shipment].tries > 0;
}

/* Of a line: what has left, or (left false) what is planned to. */
static unsigned sum_of(const struct xd_sim *sim, const struct xd_sim_release *release, unsigned line,
                       bool left) {
    unsigned sum = 0;
    for (unsigned index = 0; index < release->shipment_count; index++) {
        bool counts = has_left(sim, release->shipments[index]) == left;
        sum += counts ? sim->documents[release->shipments[index]].qty[line] : 0;
    }
    return sum;
}

static void rewrite(struct xd_sim *sim, const struct xd_sim_release *release, size_t shipment) {
    struct xd_sim_document *document = &sim->documents[shipment];
    unsigned any = 0;
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        any += document->qty[line];
    }
    document->defies = false;
    if (any == 0) {
        document->state = XD_SIM_WITHDRAWN;
        return;
    }
    xd_host_free(document->text);
    document->text = xd_sim_wms_write(document, release);
}

/* What has left of the line (left false: what leaves) is all that comes, it has said or says with it. */
static bool is_closed(const struct xd_sim *sim, const struct xd_sim_release *release, unsigned line,
                      bool left) {
    bool closed = false;
    for (unsigned index = 0; index < release->shipment_count; index++) {
        const struct xd_sim_document *document = &sim->documents[release->shipments[index]];
        closed = closed || (has_left(sim, release->shipments[index]) == left && document->qty[line] > 0 &&
                            document->qty[line] < release->qty[line] && document->short_status != NULL &&
                            strcmp(document->short_status, "SHORT_FINAL") == 0);
    }
    return closed;
}

/* The last shipment first. */
static void plan_less(struct xd_sim *sim, struct xd_sim_release *release,
                      const unsigned wanted[XD_SIM_LINES_MAX]) {
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        release->closed[line] += is_closed(sim, release, line, true) ? release->qty[line] - wanted[line] : 0;
    }
    memcpy(release->qty, wanted, sizeof release->qty);
    for (unsigned index = release->shipment_count; index > 0; index--) {
        size_t shipment = release->shipments[index - 1];
        for (unsigned line = 0; line < XD_SIM_LINES_MAX && !has_left(sim, shipment); line++) {
            unsigned gone = sum_of(sim, release, line, true), planned = sum_of(sim, release, line, false);
            unsigned over = gone + planned > wanted[line] ? gone + planned - wanted[line] : 0;
            unsigned *qty = &sim->documents[shipment].qty[line];
            *qty -= over < *qty ? over : *qty;
        }
        if (!has_left(sim, shipment)) {
            rewrite(sim, release, shipment);
        }
    }
}

/* It says yes, and what is planned leaves all the same. */
static void defy(struct xd_sim *sim, struct xd_sim_release *release,
                 const unsigned wanted[XD_SIM_LINES_MAX]) {
    for (unsigned index = 0; index < release->shipment_count; index++) {
        struct xd_sim_document *document = &sim->documents[release->shipments[index]];
        for (unsigned line = 0; line < XD_SIM_LINES_MAX && document->tries == 0; line++) {
            document->defies =
                document->defies || (document->qty[line] > wanted[line] && wanted[line] < release->qty[line]);
        }
    }
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        release->closed[line] += is_closed(sim, release, line, false) ? release->qty[line] - wanted[line] : 0;
    }
    memcpy(release->qty, wanted, sizeof release->qty);
}

static void keep(struct xd_sim_release *release, const unsigned wanted[XD_SIM_LINES_MAX]) {
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        unsigned more = release->qty[line] - wanted[line];
        release->kept[line] = more > release->kept[line] ? more : release->kept[line];
    }
}

static void read_lines(const cJSON *tree, unsigned qty[XD_SIM_LINES_MAX], char sku[XD_SIM_LINES_MAX][24]) {
    const cJSON *line;
    cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(tree, "lines")) {
        const char *id = xd_json_text(line, "line_id"), *name = xd_json_text(line, "sku");
        const char *text = xd_json_text(line, "qty");
        unsigned long number = id == NULL ? 0 : strtoul(id, NULL, 10);
        if (number > 0 && number <= XD_SIM_LINES_MAX && name != NULL && text != NULL) {
            xd_copy(sku[number - 1], sizeof sku[0], name);
            qty[number - 1] = (unsigned)strtoul(text, NULL, 10);
        }
    }
}

static void give_up(struct xd_sim_site *site, struct xd_sim_release *release, const cJSON *tree,
                    bool cancel) {
    struct xd_sim *sim = sim_of(site);
    unsigned wanted[XD_SIM_LINES_MAX] = {0};
    char sku[XD_SIM_LINES_MAX][24];
    bool can = release->redone == 0 || sim->documents[release->redone].state != XD_SIM_WAITING;
    if (!cancel) {
        read_lines(tree, wanted, sku);
    }
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        wanted[line] = wanted[line] < release->qty[line] ? wanted[line] : release->qty[line];
        can = can && sum_of(sim, release, line, true) <= wanted[line];
    }
    xd_ms delay = xd_sim_takes(sim, XD_SECOND_MS, 10 * XD_MINUTE_MS);
    if (!can || xd_sim_hit(sim, XD_FAULT_WMS_KEEP)) {
        keep(release, wanted);
        respond(site, release->id, release->revision, cancel ? "CANCEL_REFUSED" : "REJECTED", delay);
        return;
    }
    if (xd_sim_hit(sim, XD_FAULT_WMS_DEFY)) {
        defy(sim, release, wanted);
    } else {
        plan_less(sim, release, wanted);
    }
    respond(site, release->id, release->revision, cancel ? "CANCEL_ACCEPTED" : "ACKNOWLEDGED", delay);
}

/* ---- releases ---- */

/* I8: nothing that was ordered of another site, unless the hub has a reason to go elsewhere. */
static size_t check_owner(struct xd_sim_site *site, const cJSON *tree) {
    struct xd_sim *sim = sim_of(site);
    const char *for_site = xd_json_text(tree, "site_id");
    const char *number = xd_json_text(cJSON_GetObjectItemCaseSensitive(tree, "origin"), "external_order_id");
    size_t order = number == NULL ? XD_NAMES_NONE : xd_names_get(&sim->order_names, number);
    if (for_site == NULL || strcmp(for_site, site->name_text) != 0 || order == XD_NAMES_NONE ||
        (sim->orders[order].site != site->node.number - 1 &&
         (sim->orders[order].born || !xd_sim_orders_roam(sim)))) {
        xd_sim_violated(sim, "I8: %s is given a release for %s of order %s", site->name_text,
                        for_site == NULL ? "nobody" : for_site, number == NULL ? "none" : number);
    }
    return order;
}

/* It says when it has reserved: before it takes the release, as a rule; or later than that, and now and then
 * never. */
static void answer_by_itself(struct xd_sim_site *site, const struct xd_sim_release *release, xd_ms delay) {
    struct xd_chance *late = &sim_of(site)->chance[XD_FAULT_WMS_RESERVE_LATE];
    xd_ms between = xd_chance_spread(&sim_of(site)->chance[XD_FAULT_WMS_RESERVE], XD_SECOND_MS, XD_HOUR_MS);
    if (!xd_sim_hit(sim_of(site), XD_FAULT_WMS_RESERVE_LATE)) {
        respond(site, release->id, release->revision, "RESERVED", delay);
        respond(site, release->id, release->revision, "ACKNOWLEDGED", delay + between);
        return;
    }
    respond(site, release->id, release->revision, "ACKNOWLEDGED", delay);
    if (!xd_chance_hits(late, 200000)) {
        respond(site, release->id, release->revision, "RESERVED",
                delay + xd_chance_spread(late, XD_SECOND_MS, 8 * XD_HOUR_MS));
    }
}

static void answer_new(struct xd_sim_site *site, const struct xd_sim_release *release) {
    struct xd_sim *sim = sim_of(site);
    if (release->revision == 1 && xd_sim_hit(sim, XD_FAULT_WMS_EARLY)) {
        return; /* but what asks back is answered */
    }
    xd_ms delay = xd_sim_takes(sim, XD_SECOND_MS, 10 * XD_MINUTE_MS);
    if (site->reserves) {
        answer_by_itself(site, release, delay);
    } else {
        respond(site, release->id, release->revision, "ACKNOWLEDGED", delay);
    }
}

/* A refusal is of a release as it was first given; who hears of it by a question first does as it asks. */
static void take_new(struct xd_sim_site *site, const char *id, uint64_t revision, const cJSON *tree,
                     bool cancel) {
    struct xd_sim *sim = sim_of(site);
    size_t order = check_owner(site, tree);
    sim->releases =
        xd_host_grow(sim->releases, sim->release_count, &sim->release_capacity, sizeof *sim->releases);
    struct xd_sim_release *release = &sim->releases[sim->release_count];
    *release = (struct xd_sim_release){
        .order = order, .site = site->node.number - 1, .taken_at = sim->now, .revision = revision};
    xd_copy(release->id, sizeof release->id, id);
    xd_names_set(&site->releases, id, sim->release_count++);
    xd_sim_tell(sim, site->name_text, "WMS takes release %s", id);
    if (cancel) {
        respond(site, id, revision, "CANCEL_ACCEPTED", XD_SECOND_MS);
        return;
    }
    if (revision == 1 && xd_sim_hit(sim, XD_FAULT_WMS_REFUSE)) {
        release->rejected = true;
        respond(site, id, revision, "REJECTED", XD_SECOND_MS);
        return;
    }
    read_lines(tree, release->qty, release->sku);
    answer_new(site, release);
    ship(site, release);
}

void xd_sim_wms_take_release(struct xd_sim_site *site, const cJSON *tree) {
    struct xd_sim *sim = sim_of(site);
    const char *id = xd_json_text(tree, "release_id"), *purpose = xd_json_text(tree, "purpose");
    uint64_t revision = xd_json_u64(tree, "revision", 1);
    bool cancel = purpose != NULL && strcmp(purpose, "CANCEL") == 0;
    if (id == NULL) {
        xd_sim_violated(sim, "%s was given a release without an id", site->name_text);
        return;
    }
    size_t known = xd_names_get(&site->releases, id);
    if (known == XD_NAMES_NONE) {
        take_new(site, id, revision, tree, cancel);
        return;
    }
    struct xd_sim_release *release = &sim->releases[known];
    if (revision <= release->revision) {
        answer_again(site, id, revision);
        return;
    }
    release->revision = revision;
    xd_sim_tell(sim, site->name_text, "WMS is asked to %s release %s", cancel ? "cancel" : "change", id);
    if (release->rejected) {
        respond(site, id, revision, "CANCEL_ACCEPTED", XD_SECOND_MS);
    } else {
        give_up(site, release, tree, cancel);
    }
}
