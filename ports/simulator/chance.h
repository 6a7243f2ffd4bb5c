/* Chance that is the same each time: streams of random numbers, each made of the seed
 * and of what it is for, so that switching one use off leaves the others as they were.
 * Whole numbers only: doubles may differ between compilers. One thread. */
#ifndef XD_SIMULATOR_CHANCE_H
#define XD_SIMULATOR_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xd_chance {
    uint64_t state;
};

void xd_chance_init(struct xd_chance *chance, uint64_t seed, uint64_t purpose);
uint64_t xd_chance_next(struct xd_chance *chance);
/* 0..below-1; below > 0. */
uint64_t xd_chance_below(struct xd_chance *chance, uint64_t below);
/* first..last */
int64_t xd_chance_between(struct xd_chance *chance, int64_t first, int64_t last);
/* True so often in a million. */
bool xd_chance_hits(struct xd_chance *chance, uint32_t per_million);
/* first..last, each order of magnitude as likely as another: most are short, some very long. first > 0. */
int64_t xd_chance_spread(struct xd_chance *chance, int64_t first, int64_t last);
void xd_chance_bytes(struct xd_chance *chance, void *out, size_t size);

#endif
