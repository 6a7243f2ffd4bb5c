/* A list of blocks; memory is handed out from the newest one. A piece that is
 * larger than a block gets one of its own. */
#include "base/arena.h"

#include "base/memory.h"

#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE ((size_t)8000) /* the tree of a document of a kilobyte, and what is read from it */

struct xd_arena_block {
    struct xd_arena_block *next;
    size_t used, size;
    max_align_t bytes[];
};

static struct xd_arena_block *add_block(struct xd_arena *arena, size_t size) {
    size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct xd_arena_block *block = xd_resize(NULL, sizeof *block + capacity);
    if (block != NULL) {
        block->used = 0;
        block->size = capacity;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *xd_arena_take(struct xd_arena *arena, size_t size) {
    const size_t unit = sizeof(max_align_t);
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + unit - 1) / unit * unit;
    struct xd_arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        block = add_block(arena, size);
        if (block == NULL) {
            return NULL;
        }
    }
    void *memory = block->bytes + block->used / unit;
    block->used += size;
    return memory;
}

void xd_arena_free(struct xd_arena *arena) {
    while (arena->blocks != NULL) {
        struct xd_arena_block *next = arena->blocks->next;
        xd_free(arena->blocks);
        arena->blocks = next;
    }
}
