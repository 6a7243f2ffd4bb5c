/* Each block has its size in front, for SQLite asks for it.
 *
 * SQLite without lookaside, as Debian builds it, allocates some ten times per statement. The
 * pool takes blocks of up to POOL_MAX bytes from lists, one for each multiple of STEP; they are
 * cut from slabs, which are never given back. Not under a sanitizer, which wants to see each. */
#include "simulator/sqlite_memory.h"

#include "base/memory.h"
#include "simulator/host.h"

#include <sqlite3.h>

#include <stddef.h>
#include <string.h>

#define STEP ((size_t)32)
#define POOL_MAX ((size_t)8192)
#define SLAB ((size_t)128 * 1024)

union head {
    int size;
    max_align_t aligned;
};

static void *mine_alloc(int size) {
    union head *head = xd_resize(NULL, sizeof *head + (size_t)size);
    if (head == NULL) {
        return NULL;
    }
    head->size = size;
    return head + 1;
}

static void mine_free(void *memory) {
    if (memory != NULL) {
        xd_free((union head *)memory - 1);
    }
}

static void *mine_resize(void *memory, int size) {
    union head *head = xd_resize((union head *)memory - 1, sizeof *head + (size_t)size);
    if (head == NULL) {
        return NULL;
    }
    head->size = size;
    return head + 1;
}

static int mine_size(void *memory) {
    return memory == NULL ? 0 : ((union head *)memory - 1)->size;
}

static int mine_roundup(int size) {
    return (size + 7) & ~7;
}

/* ---- the pool ---- */

struct block {
    union head head;
    struct block *next; /* while it is free */
};

static struct {
    struct block *free[POOL_MAX / STEP + 1];
    unsigned char *slab;
    size_t left;
} pool;

static size_t rounded(size_t size) {
    return (size / STEP + (size % STEP != 0 || size == 0)) * STEP;
}

static union head *cut(size_t size) {
    size_t whole = sizeof(union head) + size;
    if (pool.left < whole) {
        pool.slab = xd_host_alloc(SLAB);
        pool.left = SLAB;
    }
    union head *head = (union head *)(void *)pool.slab;
    pool.slab += whole;
    pool.left -= whole;
    head->size = (int)size;
    return head;
}

static void *pool_alloc(int wanted) {
    size_t size = rounded((size_t)wanted);
    if (size > POOL_MAX) {
        return mine_alloc(wanted);
    }
    struct block *block = pool.free[size / STEP];
    if (block == NULL) {
        return cut(size) + 1;
    }
    pool.free[size / STEP] = block->next;
    return &block->head + 1;
}

static void pool_free(void *memory) {
    if (memory == NULL || (size_t)mine_size(memory) > POOL_MAX) {
        mine_free(memory);
        return;
    }
    struct block *block = (struct block *)(void *)((union head *)memory - 1);
    block->next = pool.free[(size_t)block->head.size / STEP];
    pool.free[(size_t)block->head.size / STEP] = block;
}

static void *pool_resize(void *memory, int size) {
    size_t before = (size_t)mine_size(memory);
    if (before > POOL_MAX && (size_t)size > POOL_MAX) {
        return mine_resize(memory, size);
    }
    if (before <= POOL_MAX && rounded((size_t)size) == before) {
        return memory;
    }
    void *moved = pool_alloc(size);
    if (moved != NULL) {
        memcpy(moved, memory, before < (size_t)size ? before : (size_t)size);
        pool_free(memory);
    }
    return moved;
}

static int mine_start(void *context) {
    (void)context;
    return SQLITE_OK;
}

static void mine_end(void *context) {
    (void)context;
}

void xd_sim_sqlite_begin(void) {
#ifndef __SANITIZE_ADDRESS__
    static const sqlite3_mem_methods methods = {.xMalloc = pool_alloc,
                                                .xFree = pool_free,
                                                .xRealloc = pool_resize,
                                                .xSize = mine_size,
                                                .xRoundup = mine_roundup,
                                                .xInit = mine_start,
                                                .xShutdown = mine_end};
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
#endif
    (void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

bool xd_sim_sqlite_memory(void) {
    static const sqlite3_mem_methods methods = {.xMalloc = mine_alloc,
                                                .xFree = mine_free,
                                                .xRealloc = mine_resize,
                                                .xSize = mine_size,
                                                .xRoundup = mine_roundup,
                                                .xInit = mine_start,
                                                .xShutdown = mine_end};
    static bool done;
    done = done || sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
    return done;
}
