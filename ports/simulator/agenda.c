#include "simulator/agenda.h"

#include "simulator/host.h"

#include <string.h>

static bool before(const struct xd_agenda_item *a, const struct xd_agenda_item *b) {
    return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

void xd_agenda_free(struct xd_agenda *agenda) {
    xd_host_free(agenda->items);
    memset(agenda, 0, sizeof *agenda);
}

void xd_agenda_add(struct xd_agenda *agenda, xd_ms at, xd_sim_act act, void *object, uint64_t argument) {
    agenda->items = xd_host_grow(agenda->items, agenda->count, &agenda->capacity, sizeof *agenda->items);
    struct xd_agenda_item item = {at, ++agenda->sequence, act, object, argument};
    size_t place = agenda->count++;
    while (place > 0 && before(&item, &agenda->items[(place - 1) / 2])) {
        agenda->items[place] = agenda->items[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    agenda->items[place] = item;
}

bool xd_agenda_take(struct xd_agenda *agenda, struct xd_agenda_item *out) {
    if (agenda->count == 0) {
        return false;
    }
    *out = agenda->items[0];
    struct xd_agenda_item item = agenda->items[--agenda->count];
    size_t place = 0;
    for (size_t child = 1; child < agenda->count; child = 2 * place + 1) {
        if (child + 1 < agenda->count && before(&agenda->items[child + 1], &agenda->items[child])) {
            child++;
        }
        if (!before(&agenda->items[child], &item)) {
            break;
        }
        agenda->items[place] = agenda->items[child];
        place = child;
    }
    agenda->items[place] = item;
    return true;
}
