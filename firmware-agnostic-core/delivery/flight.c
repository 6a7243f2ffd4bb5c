/* A ring indexed by tag modulo its size. Tags are given in order, so a slot that
 * is still taken when its turn comes round means that the oldest is not
 * confirmed yet: then there is no room. */
#include "delivery/flight.h"

#include "base/memory.h"
#include "delivery/line.h"

#include <string.h>

enum xd_result xd_flight_init(struct xd_flight *flight) {
    flight->items = xd_alloc(XD_FLIGHT_MAX * sizeof *flight->items);
    flight->next_tag = 1;
    flight->count = 0;
    return flight->items == NULL ? XD_NO_MEMORY : XD_OK;
}

void xd_flight_free(struct xd_flight *flight) {
    xd_free(flight->items);
    flight->items = NULL;
    flight->count = 0;
}

size_t xd_flight_room(const struct xd_flight *flight) {
    return flight->items[flight->next_tag % XD_FLIGHT_MAX].tag != 0 ? 0 : XD_FLIGHT_MAX - flight->count;
}

uint64_t xd_flight_add(struct xd_flight *flight, void *owner, unsigned lane, uint64_t sequence) {
    struct xd_flight_item *item = &flight->items[flight->next_tag % XD_FLIGHT_MAX];
    if (item->tag != 0) {
        return 0;
    }
    item->tag = flight->next_tag++;
    item->owner = owner;
    item->lane = lane;
    item->sequence = sequence;
    flight->count++;
    return item->tag;
}

enum xd_result xd_flight_take(struct xd_flight *flight, uint64_t tag, struct xd_flight_item *item) {
    struct xd_flight_item *slot = &flight->items[tag % XD_FLIGHT_MAX];
    if (tag == 0 || slot->tag != tag) {
        return XD_NOT_FOUND;
    }
    *item = *slot;
    slot->tag = 0;
    flight->count--;
    return XD_OK;
}

void xd_flight_lose(struct xd_flight *flight) {
    for (size_t offset = 0; offset < XD_FLIGHT_MAX && flight->count > 0; offset++) {
        struct xd_flight_item *slot = &flight->items[(flight->next_tag + offset) % XD_FLIGHT_MAX];
        if (slot->tag != 0) {
            struct xd_line *line = slot->owner;
            if (line != NULL) {
                xd_sender_lost(&line->send[slot->lane], slot->sequence);
            }
            slot->tag = 0;
            flight->count--;
        }
    }
}

void xd_flight_clear(struct xd_flight *flight) {
    memset(flight->items, 0, XD_FLIGHT_MAX * sizeof *flight->items);
    flight->count = 0;
}
