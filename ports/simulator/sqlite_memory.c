/* Each block has its size in front, for SQLite asks for it. */
#include "simulator/sqlite_memory.h"

#include "base/memory.h"

#include <sqlite3.h>

#include <stddef.h>

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

static int mine_start(void *context) {
    (void)context;
    return SQLITE_OK;
}

static void mine_end(void *context) {
    (void)context;
}

void xd_sim_sqlite_begin(void) {
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
