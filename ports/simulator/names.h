/* A table from texts to numbers, for the simulator's books. One thread. */
#ifndef XD_SIMULATOR_NAMES_H
#define XD_SIMULATOR_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct xd_names {
    uint32_t *marks;        /* owned: of each slot the low half of its text's hash; 0: it is free */
    struct xd_name *slots;  /* owned */
    size_t count, capacity; /* a power of two */
};

struct xd_name {
    char *text; /* owned */
    size_t value;
};

#define XD_NAMES_NONE SIZE_MAX

/* XD_NAMES_NONE: not there. */
size_t xd_names_get(const struct xd_names *names, const char *text);
/* The place of text's number, which is XD_NAMES_NONE at first; good until a text is added. */
size_t *xd_names_at(struct xd_names *names, const char *text);
/* Adds or replaces. */
void xd_names_set(struct xd_names *names, const char *text, size_t value);
void xd_names_free(struct xd_names *names);

/* 64 bits, eight bytes a step; goes on from `hash` (XD_NAMES_HASH_START at first). What it
 * came from in which pieces counts: "ab" and then "c" is not "abc". */
#define XD_NAMES_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t xd_names_hash(uint64_t hash, const void *data, size_t size);

#endif
