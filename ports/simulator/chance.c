/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators). */
#include "simulator/chance.h"

static uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void xd_chance_init(struct xd_chance *chance, uint64_t seed, uint64_t purpose) {
    chance->state = mix(seed ^ mix(purpose + UINT64_C(0x9e3779b97f4a7c15)));
}

uint64_t xd_chance_next(struct xd_chance *chance) {
    return mix(chance->state += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t xd_chance_below(struct xd_chance *chance, uint64_t below) {
    return xd_chance_next(chance) % below;
}

int64_t xd_chance_between(struct xd_chance *chance, int64_t first, int64_t last) {
    return first + (int64_t)xd_chance_below(chance, (uint64_t)(last - first) + 1);
}

bool xd_chance_hits(struct xd_chance *chance, uint32_t per_million) {
    return xd_chance_below(chance, 1000000) < per_million;
}

int64_t xd_chance_spread(struct xd_chance *chance, int64_t first, int64_t last) {
    unsigned doublings = 0;
    while (doublings < 62 && first << doublings < last) {
        doublings++;
    }
    int64_t from = first << xd_chance_below(chance, doublings + 1);
    int64_t value = xd_chance_between(chance, from, from * 2);
    return value < last ? value : last;
}

void xd_chance_bytes(struct xd_chance *chance, void *out, size_t size) {
    uint8_t *bytes = out;
    uint64_t word = 0;
    for (size_t index = 0; index < size; index++) {
        word = index % 8 == 0 ? xd_chance_next(chance) : word >> 8;
        bytes[index] = (uint8_t)word;
    }
}
