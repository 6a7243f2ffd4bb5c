/* What will happen when: a heap ordered by (time, sequence), so that what was planned
 * first happens first where times are equal. One thread. */
#ifndef XD_SIMULATOR_AGENDA_H
#define XD_SIMULATOR_AGENDA_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

struct xd_sim;
typedef void (*xd_sim_act)(struct xd_sim *sim, void *object, uint64_t argument);

struct xd_agenda_item {
    xd_ms at;
    uint64_t sequence;
    xd_sim_act act;
    void *object;
    uint64_t argument;
};

struct xd_agenda {
    struct xd_agenda_item *items; /* owned; a binary heap */
    size_t count, capacity;
    uint64_t sequence;
};

void xd_agenda_free(struct xd_agenda *agenda);
void xd_agenda_add(struct xd_agenda *agenda, xd_ms at, xd_sim_act act, void *object, uint64_t argument);
/* False: nothing is planned. */
bool xd_agenda_take(struct xd_agenda *agenda, struct xd_agenda_item *out);

#endif
