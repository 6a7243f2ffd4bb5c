/* What is on its way to the broker: tag -> (stream, sequence), bounded. A tag is
 * given once per process; a confirm for a tag that is not there (an older
 * connection) is ignored. The turn's thread. */
#ifndef XD_DELIVERY_FLIGHT_H
#define XD_DELIVERY_FLIGHT_H

#include "base/result.h"

#include <stddef.h>
#include <stdint.h>

#define XD_FLIGHT_MAX 4096u

struct xd_flight_item {
    uint64_t tag; /* 0: free */
    void *owner;  /* struct xd_line; NULL: of no stream, and whoever added it keeps count of it */
    unsigned lane;
    uint64_t sequence;
};

struct xd_flight {
    struct xd_flight_item *items; /* XD_FLIGHT_MAX, owned */
    uint64_t next_tag;
    size_t count;
};

XD_CHECKED enum xd_result xd_flight_init(struct xd_flight *flight);
void xd_flight_free(struct xd_flight *flight);
/* How many more can be on their way. */
size_t xd_flight_room(const struct xd_flight *flight);
/* The new tag; 0 when full. */
uint64_t xd_flight_add(struct xd_flight *flight, void *owner, unsigned lane, uint64_t sequence);
/* XD_OK takes it out into *item; XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_flight_take(struct xd_flight *flight, uint64_t tag, struct xd_flight_item *item);
/* The connection is gone: tells every owner's sender that its documents did not
 * arrive (owner is a struct xd_line), in the order they left, and forgets all. */
void xd_flight_lose(struct xd_flight *flight);
/* Forgets all. */
void xd_flight_clear(struct xd_flight *flight);

#endif
