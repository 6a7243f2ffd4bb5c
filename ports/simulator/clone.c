/* A site's database on two machines, both running: somebody copied the machine, or brought
 * up a standby while the first one was only asleep. The copy is what was committed at that
 * moment; whatever the machines draw and take from then on is each one's own. They
 * consume from one queue, which speaks to one of them at a time, and both publish.
 *
 *     asleep        the first machine stands still, the WMS speaks to the clone
 *     beside        both run, the WMS speaks to the clone
 *     behind        both run, the WMS stays with the first one
 *
 * While both run, the queue's consumer now and then is the other one, though both are
 * connected: a consumer that is made anew stands behind the one that waited. And the WMS
 * speaks to the other one.
 *
 * In the end somebody notices. He stops the first machine, so that the clone is heard; lets the
 * WMS work with the clone until the hub has all that it took, and the WMS has answered all
 * that it was given; switches it off, and lets the first one go on, with what that one holds. */
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define LASTS_MS_MIN XD_MINUTE_MS
#define LASTS_MS_MAX (8 * XD_HOUR_MS)
#define LOOK_MS XD_MINUTE_MS
#define CHANCE UINT64_C(1000000) /* as a stream's purpose, and the site: unlike all others */

enum plot { ASLEEP, BESIDE, BEHIND, PLOTS };
static const char *const plots[PLOTS] = {"which sleeps from now on", "which goes on",
                                         "which goes on, and keeps its WMS"};

struct xd_sim_site *xd_sim_site_of(struct xd_sim_node *node) {
    struct xd_sim *sim = node->sim;
    return node->clone ? &sim->clones[node->number - 1] : &sim->sites[node->number - 1];
}

struct xd_sim_site *xd_sim_clone_of(struct xd_sim_site *site) {
    struct xd_sim_site *clone = &site->node.sim->clones[site->node.number - 1];
    return clone->there ? clone : NULL;
}

struct xd_sim_node *xd_sim_twin_of(struct xd_sim_node *node) {
    if (node->number == 0 || !node->sim->clones[node->number - 1].there) {
        return NULL;
    }
    return node->clone ? &node->sim->sites[node->number - 1].node : &node->sim->clones[node->number - 1].node;
}

/* Long enough for the broker to give it up. */
static void fall_asleep(struct xd_sim_node *node) {
    if (node->running && !node->paused) {
        node->paused = true;
        xd_sim_consumer_lost(node);
        xd_sim_link_down(node, 0);
    }
}

static void wake_up(struct xd_sim_node *node) {
    node->paused = false;
    xd_sim_wake(node, node->sim->now + 1);
}

static bool is_drained(struct xd_sim_site *clone) {
    struct xd_site_status status = {0};
    return clone->node.running && clone->node.mail_count == 0 &&
           xd_site_status_of(&clone->site, xd_sim_now(&clone->node), &status) == XD_OK &&
           status.backlog_work == 0 && status.backlog_bulk == 0 && status.releases_unanswered == 0;
}

static void turn_queue(struct xd_sim *sim, struct xd_sim_site *clone) {
    struct xd_sim_node *consumer = clone->node.queue->consumer;
    struct xd_sim_node *next = consumer == NULL ? NULL : xd_sim_twin_of(consumer);
    bool turns = xd_chance_hits(&sim->chance[XD_FAULT_SITE_CLONE], clone->turns);
    if (turns && next != NULL && next->running && next->linked && !next->paused) {
        xd_sim_tell(sim, next->name, "is heard from now on");
        xd_sim_consumer_lost(consumer);
        clone->node.queue->consumer = next;
    }
}

static void switch_off(struct xd_sim_site *clone, struct xd_sim_site *site) {
    struct xd_sim *sim = site->node.sim;
    xd_sim_tell(sim, clone->node.name, "is switched off");
    xd_sim_wms_turn_to(site, false);
    xd_sim_node_kill(&clone->node, XD_DISK_KEPT, 0);
    clone->node.lives++; /* nobody starts it again */
    clone->there = false;
    wake_up(&site->node);
}

static void look_after(struct xd_sim *sim, void *object, uint64_t machine) {
    struct xd_sim_site *clone = object;
    struct xd_sim_site *site = &sim->sites[clone->node.number - 1];
    if (!clone->there || clone->machine != machine) {
        return;
    }
    turn_queue(sim, clone);
    bool turns = xd_chance_hits(&sim->chance[XD_FAULT_SITE_CLONE], clone->turns);
    if (turns && !site->node.paused && sim->now < clone->until) {
        xd_sim_wms_turn_to(site, !site->with_clone);
    }
    if (sim->now >= clone->until) {
        xd_sim_wms_turn_to(site, true);
        fall_asleep(&site->node); /* perhaps again: somebody may have started it */
    }
    if (sim->now >= clone->until && is_drained(clone)) {
        switch_off(clone, site);
    } else {
        xd_agenda_add(&sim->agenda, sim->now + LOOK_MS, look_after, clone, machine);
    }
}

/* Its disk, its memory and its chance are its own; what was on the agenda of an earlier
 * clone of the site finds another life. */
static bool make(struct xd_sim *sim, struct xd_sim_site *site, struct xd_sim_site *clone) {
    struct xd_sim_node before = clone->node;
    struct xd_disk_image *image = xd_disk_copy(site->node.disk);
    if (before.disk == NULL) {
        (void)snprintf(clone->machine_text, sizeof clone->machine_text, "%s-2", site->name_text);
        xd_sim_node_open(sim, &clone->node, clone->machine_text, site->node.number);
        clone->node.clone = true;
        xd_chance_init(&clone->node.entropy, sim->options.seed, CHANCE + site->node.number);
    }
    bool made = image != NULL && clone->node.disk != NULL && xd_disk_restore(clone->node.disk, image);
    xd_disk_image_free(image);
    return made;
}

static void be_born(struct xd_sim_site *site, struct xd_sim_site *clone, xd_ms lasts) {
    struct xd_sim *sim = site->node.sim;
    clone->machine = ++site->clones;
    clone->born = sim->now;
    clone->until = sim->now + lasts;
    clone->there = true;
    clone->wms_up = true;
    clone->corrupt_told = false;
    clone->key = site->key;
    clone->node.open_up = clone->node.open_down = true;
    memcpy(clone->name_text, site->name_text, sizeof clone->name_text);
    memcpy(clone->live_up, site->live_up, sizeof clone->live_up);
}

void xd_sim_clone(struct xd_sim *sim, struct xd_sim_site *site, struct xd_chance *chance) {
    struct xd_sim_site *clone = &sim->clones[site->node.number - 1];
    enum plot plot = (enum plot)xd_chance_below(chance, PLOTS);
    xd_ms lasts = xd_chance_spread(chance, LASTS_MS_MIN, LASTS_MS_MAX);
    uint32_t turns = (uint32_t)xd_chance_spread(chance, 1000, 300000);
    if (clone->there || !site->node.running || site->garbled) {
        return; /* a garbled one is noticed, and not copied */
    }
    if (!make(sim, site, clone)) {
        xd_sim_violated(sim, "no memory for a clone");
        return;
    }
    be_born(site, clone, lasts);
    clone->turns = turns;
    xd_sim_tell(sim, clone->node.name, "is a clone of %s, %s", site->name_text, plots[plot]);
    xd_sim_node_start(&clone->node);
    if (plot == ASLEEP) {
        fall_asleep(&site->node);
    }
    xd_sim_wms_turn_to(site, plot != BEHIND);
    xd_agenda_add(&sim->agenda, sim->now + LOOK_MS, look_after, clone, clone->machine);
}

void xd_sim_clone_free(struct xd_sim_site *clone) {
    if (clone->node.disk != NULL) {
        xd_sim_node_kill(&clone->node, XD_DISK_KEPT, 0);
        xd_sim_node_clear(&clone->node);
        xd_disk_free(clone->node.disk);
    }
}
