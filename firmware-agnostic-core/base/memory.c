/* A thin skin over the C library's allocator: every allocation of the system
 * passes permitted(), which is where a test makes the Nth one fail. */
#include "base/memory.h"

#include "base/arena.h"

#include <cjson/cJSON.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GROW_FIRST ((size_t)16)

static xd_memory_hook test_hook;
static void *test_hook_context;
/* cJSON's hooks are one for all threads, so each thread says for itself where its trees go. */
static _Thread_local struct xd_arena *cjson_arena;

static bool permitted(size_t size) {
    return test_hook == NULL || test_hook(test_hook_context, size) != 0;
}

/* Not cleared: cJSON clears its nodes itself and fills its strings at once. */
static void *allocate_raw(size_t size) {
    return permitted(size) ? malloc(size == 0 ? 1 : size) : NULL;
}

void *xd_alloc(size_t size) {
    return permitted(size) ? calloc(1, size == 0 ? 1 : size) : NULL;
}

void *xd_resize(void *memory, size_t size) {
    return permitted(size) ? realloc(memory, size == 0 ? 1 : size) : NULL;
}

void *xd_grow(void *items, size_t count, size_t *capacity, size_t element_size) {
    if (count < *capacity) {
        return items;
    }
    size_t wanted = *capacity == 0 ? GROW_FIRST : *capacity * 2;
    void *moved = wanted > SIZE_MAX / element_size ? NULL : xd_resize(items, wanted * element_size);
    if (moved != NULL) {
        *capacity = wanted;
    }
    return moved;
}

void xd_free(void *memory) {
    free(memory);
}

char *xd_copy_text(const char *text) {
    return text == NULL ? NULL : xd_copy_bytes(text, strlen(text));
}

char *xd_copy_bytes(const void *data, size_t size) {
    if (size == SIZE_MAX) {
        return NULL;
    }
    char *copy = allocate_raw(size + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = '\0';
    return copy;
}

void xd_memory_set_hook(xd_memory_hook hook, void *context) {
    test_hook = hook;
    test_hook_context = context;
}

static void *allocate_cjson(size_t size) {
    return cjson_arena == NULL ? allocate_raw(size) : xd_arena_take(cjson_arena, size);
}

static void free_cjson(void *memory) {
    if (cjson_arena == NULL) {
        free(memory);
    }
}

void xd_memory_adopt_cjson(void) {
    cJSON_Hooks hooks = {.malloc_fn = allocate_cjson, .free_fn = free_cjson};
    cJSON_InitHooks(&hooks);
}

void xd_memory_cjson_into(struct xd_arena *arena) {
    cjson_arena = arena;
}
