/* The sparse set above a watermark: closed ranges of sequence numbers, sorted,
 * disjoint, not adjacent, at most XD_RANGES_MAX. Pure; one thread at a time. */
#ifndef XD_DELIVERY_RANGES_H
#define XD_DELIVERY_RANGES_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XD_RANGES_MAX 1024u

struct xd_range {
    uint64_t first, last; /* both belong to it */
};

struct xd_ranges {
    struct xd_range *items; /* owned; grows up to XD_RANGES_MAX */
    size_t count, capacity;
};

void xd_ranges_init(struct xd_ranges *ranges);
void xd_ranges_free(struct xd_ranges *ranges);
void xd_ranges_clear(struct xd_ranges *ranges);
bool xd_ranges_has(const struct xd_ranges *ranges, uint64_t value);
/* XD_OK; XD_DUPLICATE when it is there; XD_FULL when a new range would be one
 * too many; XD_NO_MEMORY. On failure the set is unchanged. */
XD_CHECKED enum xd_result xd_ranges_add(struct xd_ranges *ranges, uint64_t value);
/* Takes everything <= value away. */
void xd_ranges_drop_to(struct xd_ranges *ranges, uint64_t value);
/* If the first range starts at from, its last value, else from - 1. */
uint64_t xd_ranges_run_from(const struct xd_ranges *ranges, uint64_t from);
/* The gaps within first..last into out; returns how many (at most capacity). */
size_t xd_ranges_gaps(const struct xd_ranges *ranges, uint64_t first, uint64_t last, struct xd_range *out,
                      size_t capacity);
/* Whether the invariants hold: sorted, disjoint, not adjacent, bounded, all > watermark + 1 at the start. */
bool xd_ranges_check(const struct xd_ranges *ranges, uint64_t watermark);

#endif
