/* What passes on the line, read as anybody could who listens there:
 *
 * I4  a site's or the hub's stream has one live epoch: what was numbered under a new one is
 *     never followed by something under one that it replaced.
 * I5  a watermark that was told never falls, and is never beyond what was ever sent.
 * E1  a lifecycle event's id names one content, and its place in the log is its own.
 * E2  of each order events are heard for the first time in the order in which they happened.
 *
 * A machine whose disk forgot something may tell a lower watermark: it does not know better. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const lanes[XD_SIM_LANES] = {"work", "bulk", "notice"};

static int lane_of(const char *name) {
    for (int lane = 0; name != NULL && lane < (int)XD_SIM_LANES; lane++) {
        if (strcmp(lanes[lane], name) == 0) {
            return lane;
        }
    }
    return -1;
}

/* "up/<site>/<lane>/<epoch>" */
static void key_of(bool up, const char *site, int lane, const char *epoch, char out[XD_SIM_STREAM]) {
    (void)snprintf(out, XD_SIM_STREAM, "%s/%.40s/%s/%.40s", up ? "up" : "down", site, lanes[lane], epoch);
}

static struct xd_sim_site *site_named(struct xd_sim *sim, const char *name) {
    for (unsigned index = 0; index < sim->site_count; index++) {
        if (strcmp(sim->sites[index].name_text, name) == 0) {
            return &sim->sites[index];
        }
    }
    return NULL;
}

static void see_sequenced(struct xd_sim_node *from, struct xd_sim_site *site, int lane, const char *epoch,
                          uint64_t sequence) {
    struct xd_sim *sim = from->sim;
    bool up = from->number != 0;
    char key[XD_SIM_STREAM];
    char(*live)[XD_EPOCH_SIZE] = up ? site->live_up : site->live_down;
    key_of(up, site->name_text, lane, epoch, key);
    size_t sent = xd_names_get(&sim->sent, key);
    if (strcmp(live[lane], epoch) != 0 && sent != XD_NAMES_NONE) {
        xd_sim_violated(sim, "I4: %s sends %s %llu of an epoch that it had given up", from->name, lanes[lane],
                        (unsigned long long)sequence);
    }
    (void)snprintf(live[lane], XD_EPOCH_SIZE, "%s", epoch);
    if (sent == XD_NAMES_NONE || sequence > sent) {
        xd_names_set(&sim->sent, key, (size_t)sequence);
    }
}

static void see_watermark(struct xd_sim_node *from, struct xd_sim_site *site, const cJSON *stream) {
    struct xd_sim *sim = from->sim;
    bool up = from->number == 0; /* who tells it receives the stream */
    const char *epoch = xd_json_text(stream, "epoch");
    int lane = lane_of(xd_json_text(stream, "lane"));
    uint64_t watermark = xd_json_u64(stream, "watermark", 0);
    char key[XD_SIM_STREAM];
    if (lane < 0 || epoch == NULL || epoch[0] == 0 || watermark == 0) {
        return;
    }
    key_of(up, site->name_text, lane, epoch, key);
    size_t sent = xd_names_get(&sim->sent, key), told = xd_names_get(&sim->told, key);
    bool forgot = (up ? sim->hub_amnesia_to : site->amnesia_to) != 0;
    if (sent == XD_NAMES_NONE || watermark > sent) {
        xd_sim_violated(sim, "I5: %s has %s up to %llu, and %llu were sent", from->name, key,
                        (unsigned long long)watermark,
                        (unsigned long long)(sent == XD_NAMES_NONE ? 0 : sent));
    } else if (told != XD_NAMES_NONE && watermark < told && !forgot) {
        xd_sim_violated(sim, "I5: %s had %s up to %llu, now to %llu", from->name, key,
                        (unsigned long long)told, (unsigned long long)watermark);
    }
    if (told == XD_NAMES_NONE || watermark > told) {
        xd_names_set(&sim->told, key, (size_t)watermark);
    }
}

void xd_sim_witness(struct xd_sim_node *from, struct xd_bytes body) {
    cJSON *tree = cJSON_ParseWithLength((const char *)body.data, body.size);
    const char *name = xd_json_text(tree, "site"), *epoch = xd_json_text(tree, "epoch");
    struct xd_sim_site *site = name == NULL ? NULL : site_named(from->sim, name);
    int lane = lane_of(xd_json_text(tree, "lane"));
    if (tree == NULL || site == NULL || (from->number != 0 && site != &from->sim->sites[from->number - 1])) {
        xd_sim_violated(from->sim, "%s sends what is no event of its own", from->name);
    } else if (lane >= 0 && epoch != NULL) {
        see_sequenced(from, site, lane, epoch, xd_json_u64(tree, "sequence", 0));
    } else {
        const cJSON *stream, *data = cJSON_GetObjectItemCaseSensitive(tree, "data");
        cJSON_ArrayForEach(stream, cJSON_GetObjectItemCaseSensitive(data, "receive")) {
            see_watermark(from, site, stream);
        }
    }
    cJSON_Delete(tree);
}

void xd_sim_witness_event(struct xd_sim_node *from, struct xd_bytes body) {
    struct xd_sim *sim = from->sim;
    cJSON *tree = cJSON_ParseWithLength((const char *)body.data, body.size);
    const char *id = xd_json_text(tree, "id"), *subject = xd_json_text(tree, "subject");
    uint64_t n = xd_json_u64(tree, "sequence", 0);
    char place[32];
    (void)snprintf(place, sizeof place, "#%llu", (unsigned long long)n);
    size_t content = (size_t)(xd_fnv(XD_FNV_START, body.data, body.size) >> 1);
    size_t known = id == NULL ? XD_NAMES_NONE : xd_names_get(&sim->event_names, id);
    if (id == NULL || subject == NULL || n == 0) {
        xd_sim_violated(sim, "E1: the hub tells what is no event");
    } else if (known != XD_NAMES_NONE) {
        if (known != content) {
            xd_sim_violated(sim, "E1: event %s has two contents", id);
        }
    } else if (xd_names_get(&sim->event_names, place) != XD_NAMES_NONE && sim->hub_amnesia_to == 0) {
        xd_sim_violated(sim, "E1: two events stand at %s", place);
    } else {
        size_t highest = xd_names_get(&sim->event_orders, subject);
        if (highest != XD_NAMES_NONE && highest > n && sim->hub_amnesia_to == 0) {
            xd_sim_violated(sim, "E2: event %llu of %s comes after %llu", (unsigned long long)n, subject,
                            (unsigned long long)highest);
        }
        xd_names_set(&sim->event_names, id, content);
        xd_names_set(&sim->event_names, place, 1);
        xd_names_set(&sim->event_orders, subject, (size_t)n);
    }
    cJSON_Delete(tree);
}
