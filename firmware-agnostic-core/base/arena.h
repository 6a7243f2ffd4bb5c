/* Memory that is taken piece by piece and given back all at once: for what lives
 * and dies with one document.
 * Not synchronised: one thread at a time. */
#ifndef XD_BASE_ARENA_H
#define XD_BASE_ARENA_H

#include <stddef.h>

struct xd_arena_block;

/* Zero-initialise before the first use. */
struct xd_arena {
    struct xd_arena_block *blocks;
};

/* Memory aligned for every type, NOT cleared, that lives until xd_arena_free; or NULL. */
void *xd_arena_take(struct xd_arena *arena, size_t size);
/* The arena is empty again and can be used on. Twice is harmless. */
void xd_arena_free(struct xd_arena *arena);

#endif
