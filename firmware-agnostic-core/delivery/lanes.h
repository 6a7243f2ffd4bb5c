/* Shares between lanes: the first overtakes the others, which keep a guaranteed
 * share of one slot in XD_LANES_SHARE, however busy the first is. Pure. */
#ifndef XD_DELIVERY_LANES_H
#define XD_DELIVERY_LANES_H

#include <stddef.h>
#include <stdint.h>

#define XD_LANES_MAX 2u
#define XD_LANES_SHARE 8u

struct xd_lanes {
    unsigned turn; /* 0..XD_LANES_SHARE-1 */
};

/* The lane that gets the next slot, or -1 when nothing waits. waiting[i] is how
 * many documents wait in lane i; lane 0 is the urgent one. */
int xd_lanes_next(struct xd_lanes *lanes, const uint64_t waiting[XD_LANES_MAX]);

#endif
