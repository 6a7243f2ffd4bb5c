/* What a WMS says otherwise after its confirmation was accepted: another version of it, with other quantities
 * or only another carrier's number; or that the whole shipment never left, and then it ships what that said
 * once more, as a shipment of its own, which may be heard first.
 *
 * Only where the shipment is alone with its release are quantities corrected, and not of one whose rest was
 * said to come later: that may be on its way from elsewhere. A WMS that speaks to two machines leaves it be,
 * for what it says to one may be heard before what it said to the other. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define REDO_MS_MAX (8 * XD_HOUR_MS)
#define AGAIN_MS_MAX (4 * XD_HOUR_MS)

/* Its release, and the place that it has there; NULL: it counts no more. */
static struct xd_sim_release *release_of(struct xd_sim_site *site, size_t number, unsigned *place) {
    struct xd_sim *sim = site->node.sim;
    size_t found = xd_names_get(&site->releases, sim->documents[number].release);
    struct xd_sim_release *release = found == XD_NAMES_NONE ? NULL : &sim->releases[found];
    *place = 0;
    while (release != NULL && *place < release->shipment_count && release->shipments[*place] != number) {
        (*place)++;
    }
    bool counts = release != NULL && *place < release->shipment_count && site->clones == 0;
    return counts ? release : NULL;
}

static void send(struct xd_sim_site *site, struct xd_sim_release *release, size_t number, const char *text) {
    release->redone = number;
    xd_sim_wms_send(site, number, text, 1);
}

/* One line has one more, or one less: then the rest of it will not come. What was over stays over, for of
 * what is still less than that nothing is left that could be said not to come. */
static bool change(struct xd_chance *chance, struct xd_sim_document *document,
                   struct xd_sim_release *release) {
    unsigned first = (unsigned)xd_chance_below(chance, XD_SIM_LINES_MAX);
    bool less = xd_chance_hits(chance, 500000);
    for (unsigned turn = 0; turn < XD_SIM_LINES_MAX; turn++) {
        unsigned line = (first + turn) % XD_SIM_LINES_MAX, *qty = &document->qty[line];
        if (*qty > less && !(less && *qty > release->qty[line])) {
            release->more[line] += !less;
            *qty += less ? -1u : 1u;
            document->short_status = less ? "SHORT_FINAL" : document->short_status;
            return true;
        }
    }
    return false;
}

static void correct(struct xd_sim *sim, void *object, uint64_t number) {
    struct xd_sim_site *site = object;
    unsigned place;
    struct xd_sim_release *release = release_of(site, number, &place);
    if (release == NULL) {
        return;
    }
    const struct xd_sim_document *before = &sim->documents[number];
    size_t made = xd_sim_wms_add_version(site, XD_DOC_CONFIRMATION, before->id, before->version + 1);
    struct xd_sim_document *document = &sim->documents[made];
    before = &sim->documents[number]; /* they may have moved */
    bool later = before->short_status != NULL && strcmp(before->short_status, "BACKORDER") == 0;
    document->first = before->first;
    document->unmatched = before->unmatched;
    document->short_status = before->short_status;
    memcpy(document->release, before->release, sizeof document->release);
    memcpy(document->qty, before->qty, sizeof document->qty);
    struct xd_chance *chance = &sim->chance[XD_FAULT_WMS_CORRECTS];
    bool other = xd_chance_hits(chance, 600000) && release->shipment_count == 1 && !later;
    if (other && change(chance, document, release)) {
        sim->orders[release->order].redone = true;
    }
    release->shipments[place] = made;
    xd_sim_tell(sim, site->name_text, "WMS corrects %s: version %llu", document->id,
                (unsigned long long)document->version);
    char *text = xd_sim_wms_write(document, release);
    send(site, release, made, text);
    xd_host_free(text);
}

/* Of what it was told the fate of: the line keeps no order. */
static void take_back(struct xd_sim *sim, void *object, uint64_t number) {
    struct xd_sim_site *site = object;
    char id[XD_SIM_TEXT], text[400];
    unsigned place, qty[XD_SIM_LINES_MAX];
    struct xd_sim_release *release = release_of(site, number, &place);
    if (release != NULL && !sim->documents[number].settled && !sim->healing) {
        xd_agenda_add(&sim->agenda, sim->now + XD_HOUR_MS, take_back, site, number);
        return;
    }
    if (release == NULL || !sim->documents[number].settled) {
        return;
    }
    (void)snprintf(id, sizeof id, "V-%s-%llu", site->name_text, (unsigned long long)++site->made);
    size_t made = xd_sim_wms_add(site, XD_DOC_CONFIRMATION, id);
    const struct xd_sim_document *before = &sim->documents[number];
    struct xd_sim_document *document = &sim->documents[made];
    document->voids = true;
    document->first = before->first;
    (void)snprintf(text, sizeof text,
                   "{\"confirmation_id\":\"%s\",\"version\":1,\"kind\":\"VOID\",\"reporting\":\"FULL\","
                   "\"shipment_id\":\"S-%s\",\"release_ids\":[\"%s\"],\"shipped_at\":"
                   "\"2026-11-23T11:00:00+01:00\",\"lines\":[]}",
                   id, before->id, release->id);
    memcpy(qty, before->qty, sizeof qty);
    const char *short_status = before->short_status;
    sim->orders[release->order].redone = true;
    xd_sim_tell(sim, site->name_text, "WMS takes %s back by %s", before->id, id);
    send(site, release, made, text);
    xd_ms later = xd_chance_spread(&sim->chance[XD_FAULT_WMS_VOIDS], XD_MINUTE_MS, AGAIN_MS_MAX);
    release->shipments[place] = xd_sim_wms_confirm(site, release, qty, short_status, later);
}

void xd_sim_wms_may_redo(struct xd_sim_site *site, size_t number) {
    struct xd_sim *sim = site->node.sim;
    const struct xd_sim_document *document = &sim->documents[number];
    if (document->kind != XD_DOC_CONFIRMATION || document->voids || document->odd || document->defies) {
        return;
    }
    bool corrects = xd_sim_hit(sim, XD_FAULT_WMS_CORRECTS), voids = xd_sim_hit(sim, XD_FAULT_WMS_VOIDS);
    if (corrects || voids) {
        struct xd_chance *chance = &sim->chance[voids ? XD_FAULT_WMS_VOIDS : XD_FAULT_WMS_CORRECTS];
        xd_ms after = xd_chance_spread(chance, XD_SECOND_MS, REDO_MS_MAX);
        xd_agenda_add(&sim->agenda, sim->now + after, voids ? take_back : correct, site, number);
    }
}
