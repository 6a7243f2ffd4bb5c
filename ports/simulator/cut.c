#include "simulator/cut.h"

#include "base/memory.h"
#include "simulator/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS (2 * XD_SECOND_MS)
#define MENDED_MS (10 * XD_SECOND_MS) /* somebody has come by then, and restarts the program */
#define OVER_MS (6 * XD_SECOND_MS)

const char *const xd_sim_point_names[XD_SIM_POINTS] = {"write",  "sync",  "read",
                                                       "before", "after", "allocation"};
const char *const xd_sim_harm_names[XD_SIM_HARMS] = {"kept", "lost", "torn", "reordered",
                                                     "once", "turn", "ever"};

/* ---- as text ---- */

bool xd_sim_cut_possible(enum xd_sim_point point, enum xd_sim_harm harm) {
    bool effect = point == XD_SIM_POINT_BEFORE || point == XD_SIM_POINT_AFTER;
    if (harm <= XD_SIM_HARM_REORDERED) {
        return effect || point == XD_SIM_POINT_WRITE || point == XD_SIM_POINT_SYNC;
    }
    return !effect && (harm != XD_SIM_HARM_TURN || point == XD_SIM_POINT_ALLOCATION);
}

static unsigned index_of(const char *name, const char *const *names, unsigned count) {
    unsigned index = 0;
    while (index < count && strcmp(names[index], name) != 0) {
        index++;
    }
    return index;
}

/* The next of the words that colons part; "" when there is none. */
static const char *next_word(char **rest) {
    char *word = *rest;
    char *colon = strchr(word, ':');
    *rest = colon != NULL ? colon + 1 : word + strlen(word);
    if (colon != NULL) {
        *colon = 0;
    }
    return word;
}

bool xd_sim_cut_read(const char *text, struct xd_sim_cut *out) {
    char copy[XD_SIM_CUT_TEXT_MAX], *rest = copy;
    xd_copy(copy, sizeof copy, text);
    const char *node = next_word(&rest), *point = next_word(&rest);
    const char *number = next_word(&rest), *harm = next_word(&rest);
    *out = (struct xd_sim_cut){.node = strcmp(node, "hub") == 0 ? 0 : 1,
                               .point = (enum xd_sim_point)index_of(point, xd_sim_point_names, XD_SIM_POINTS),
                               .number = strtoull(number, NULL, 10),
                               .harm = (enum xd_sim_harm)index_of(harm, xd_sim_harm_names, XD_SIM_HARMS),
                               .random = strtoull(rest, NULL, 10)};
    return (out->node == 0 || strcmp(node, "site") == 0) && out->point < XD_SIM_POINTS &&
           out->harm < XD_SIM_HARMS && out->number > 0 && xd_sim_cut_possible(out->point, out->harm);
}

void xd_sim_cut_write(const struct xd_sim_cut *cut, char out[XD_SIM_CUT_TEXT_MAX]) {
    (void)snprintf(out, XD_SIM_CUT_TEXT_MAX, "%s:%s:%" PRIu64 ":%s:%" PRIu64, cut->node == 0 ? "hub" : "site",
                   xd_sim_point_names[cut->point], cut->number, xd_sim_harm_names[cut->harm], cut->random);
}

/* ---- at a point ---- */

static struct xd_sim_node *node_of(struct xd_sim *sim, unsigned node) {
    return node == 0 ? &sim->hub_node : &sim->sites[node - 1].node;
}

static bool counts(const struct xd_sim_node *node) {
    return node->sim->cuts.open && node->number < XD_SIM_CUT_NODES && !node->dead;
}

static const struct xd_sim_cut *next_of(const struct xd_sim_cuts *cuts) {
    return cuts->done < cuts->planned_count ? &cuts->planned[cuts->done] : NULL;
}

static void note_cut(struct xd_sim_node *node, const struct xd_sim_cut *cut) {
    struct xd_sim_cuts *cuts = &node->sim->cuts;
    char text[XD_SIM_CUT_TEXT_MAX];
    xd_sim_cut_write(cut, text);
    xd_sim_tell(node->sim, node->name, "here is the cut %s", text);
    cuts->done++;
    cuts->cut_at = node->sim->now;
    cuts->lasts = cut->harm == XD_SIM_HARM_EVER;
    cuts->life = node->lives;
    memset(cuts->counts, 0, sizeof cuts->counts);
    for (unsigned index = 0; index < XD_SIM_CUT_NODES; index++) {
        cuts->reads_before[index] = xd_disk_count(node_of(node->sim, index)->disk, XD_DISK_READ);
    }
}

/* Counts the point; the cut that is planned there, NULL: none. */
static const struct xd_sim_cut *reach(struct xd_sim_node *node, enum xd_sim_point point) {
    struct xd_sim_cuts *cuts = &node->sim->cuts;
    uint64_t number = ++cuts->counts[node->number][point];
    const struct xd_sim_cut *cut = next_of(cuts);
    bool here = cut != NULL && cut->node == node->number && cut->point == point && cut->number == number;
    if (here) {
        note_cut(node, cut);
    }
    return here ? cut : NULL;
}

static bool power_stays(struct xd_sim_node *node, enum xd_sim_point point) {
    const struct xd_sim_cut *cut = counts(node) ? reach(node, point) : NULL;
    if (cut != NULL && cut->harm <= XD_SIM_HARM_REORDERED) {
        node->dead = true;
        node->loss = (enum xd_disk_loss)cut->harm;
        node->loss_random = cut->random;
    }
    return !node->dead;
}

static bool watch(void *context, enum xd_disk_operation operation, const char *file, uint64_t number) {
    (void)file;
    (void)number;
    return power_stays(context, operation == XD_DISK_WRITE ? XD_SIM_POINT_WRITE : XD_SIM_POINT_SYNC);
}

bool xd_sim_cut_lets_out(struct xd_sim_node *node) {
    return power_stays(node, XD_SIM_POINT_BEFORE);
}

void xd_sim_cut_is_out(struct xd_sim_node *node) {
    (void)power_stays(node, XD_SIM_POINT_AFTER);
}

static int allocation(void *context, size_t size) {
    struct xd_sim_node *node = context;
    struct xd_sim_cuts *cuts = &node->sim->cuts;
    (void)size;
    const struct xd_sim_cut *cut = counts(node) ? reach(node, XD_SIM_POINT_ALLOCATION) : NULL;
    if (cut != NULL) {
        cuts->turn_refuses = cut->harm == XD_SIM_HARM_TURN;
        return 0;
    }
    if (cuts->done == 0 || cuts->planned[cuts->done - 1].node != node->number ||
        cuts->planned[cuts->done - 1].point != XD_SIM_POINT_ALLOCATION) {
        return 1;
    }
    return !cuts->turn_refuses && (!cuts->lasts || cuts->life != node->lives);
}

void xd_sim_cut_memory(struct xd_sim_node *node, bool may_be_refused) {
    if (node->sim->cuts.open) {
        xd_memory_set_hook(may_be_refused ? allocation : NULL, may_be_refused ? node : NULL);
    }
}

void xd_sim_cut_turn_ended(struct xd_sim_node *node) {
    xd_sim_cut_memory(node, false);
    node->sim->cuts.turn_refuses = false;
}

bool xd_sim_cut_ended_it(struct xd_sim_node *node) {
    if (!node->dead) {
        return false;
    }
    node->dead = false;
    if (!node->running) { /* it was still opening its store */
        xd_disk_crash(node->disk, node->loss, node->loss_random);
    }
    xd_sim_node_restart(node, AGAIN_MS, node->loss, node->loss_random);
    return true;
}

/* ---- the window ---- */

static bool is_of_disk(const struct xd_sim_cut *cut) {
    return cut->harm >= XD_SIM_HARM_ONCE && cut->point != XD_SIM_POINT_ALLOCATION;
}

static enum xd_disk_operation operation_of(const struct xd_sim_cut *cut) {
    return cut->point == XD_SIM_POINT_READ    ? XD_DISK_READ
           : cut->point == XD_SIM_POINT_WRITE ? XD_DISK_WRITE
                                              : XD_DISK_SYNC;
}

static int code_of(const struct xd_sim_cut *cut) {
    return cut->point == XD_SIM_POINT_READ    ? 266 /* SQLITE_IOERR_READ */
           : cut->point == XD_SIM_POINT_WRITE ? 778 /* SQLITE_IOERR_WRITE */
                                              : 1034 /* SQLITE_IOERR_FSYNC */;
}

void xd_sim_cuts_open(struct xd_sim *sim) {
    struct xd_sim_cuts *cuts = &sim->cuts;
    const struct xd_sim_cut *first = next_of(cuts);
    cuts->open = true;
    for (unsigned index = 0; index < XD_SIM_CUT_NODES; index++) {
        struct xd_sim_node *node = node_of(sim, index);
        cuts->reads_before[index] = xd_disk_count(node->disk, XD_DISK_READ);
        xd_disk_watch_operations(node->disk, watch, node);
    }
    if (first != NULL && is_of_disk(first)) {
        xd_disk_fail(node_of(sim, first->node)->disk, operation_of(first), first->number,
                     first->harm == XD_SIM_HARM_EVER, code_of(first));
    }
}

static void count_reads(struct xd_sim *sim) {
    struct xd_sim_cuts *cuts = &sim->cuts;
    for (unsigned index = 0; index < XD_SIM_CUT_NODES; index++) {
        cuts->counts[index][XD_SIM_POINT_READ] =
            xd_disk_count(node_of(sim, index)->disk, XD_DISK_READ) - cuts->reads_before[index];
    }
}

void xd_sim_cuts_close(struct xd_sim *sim) {
    struct xd_sim_cuts *cuts = &sim->cuts;
    count_reads(sim);
    memcpy(sim->figures->points, cuts->counts, sizeof cuts->counts);
    cuts->open = false;
    for (unsigned index = 0; index < XD_SIM_CUT_NODES; index++) {
        xd_disk_watch_operations(node_of(sim, index)->disk, NULL, NULL);
    }
    if (cuts->done < cuts->planned_count) {
        const struct xd_sim_cut *next = next_of(cuts);
        sim->figures->cut_missed = true;
        xd_sim_violated(sim, "there is no %s %" PRIu64 " of the %s%s: the last one is %" PRIu64,
                        xd_sim_point_names[next->point], next->number, next->node == 0 ? "hub" : "site",
                        cuts->done > 0 ? " after the first cut" : "",
                        sim->figures->points[next->node][next->point]);
    }
}

void xd_sim_cuts_tend(struct xd_sim *sim) {
    struct xd_sim_cuts *cuts = &sim->cuts;
    const struct xd_sim_cut *next = next_of(cuts);
    if (next != NULL && next->point == XD_SIM_POINT_READ) { /* the disk does not tell of reads */
        count_reads(sim);
        if (cuts->counts[next->node][XD_SIM_POINT_READ] >= next->number) {
            note_cut(node_of(sim, next->node), next);
        }
    }
    if (!cuts->lasts) {
        return;
    }
    struct xd_sim_node *node = node_of(sim, cuts->planned[cuts->done - 1].node);
    if (node->lives == cuts->life && sim->now - cuts->cut_at < MENDED_MS) {
        return;
    }
    cuts->lasts = false;
    if (node->running && node->lives == cuts->life) {
        xd_sim_node_restart(node, AGAIN_MS, XD_DISK_KEPT, 0);
    }
}

bool xd_sim_cuts_over(const struct xd_sim *sim) {
    const struct xd_sim_cuts *cuts = &sim->cuts;
    return !cuts->lasts && (cuts->done == 0 || sim->now - cuts->cut_at >= OVER_MS);
}
