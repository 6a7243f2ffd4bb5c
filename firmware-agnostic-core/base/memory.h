/* The one allocator of the system, so that a test can fail the Nth allocation
 * and count what is live. Any thread. */
#ifndef XD_BASE_MEMORY_H
#define XD_BASE_MEMORY_H

#include <stddef.h>

/* Zero-filled memory, or NULL. size 0 is served as 1. Owner: the caller. */
void *xd_alloc(size_t size);

/* As realloc; NULL leaves the old block as it was. New bytes are not cleared. */
void *xd_resize(void *memory, size_t size);

/* Room for one more element behind `count`: items, moved to twice the room when
 * *capacity is used up. NULL: no memory, items is as it was. */
void *xd_grow(void *items, size_t count, size_t *capacity, size_t element_size);

/* NULL is allowed. */
void xd_free(void *memory);

/* A zero-terminated copy, or NULL. text may be NULL, which gives NULL. */
char *xd_copy_text(const char *text);

/* A zero-terminated copy of size bytes, or NULL. */
char *xd_copy_bytes(const void *data, size_t size);

/* Test hook: called before each allocation; returning 0 makes it fail. NULL
 * takes the hook away. Not thread-safe: set it before threads start. */
typedef int (*xd_memory_hook)(void *context, size_t size);
void xd_memory_set_hook(xd_memory_hook hook, void *context);

/* Lets cJSON allocate here too. Call before the first parse and before other threads start: cJSON
 * holds its hooks unguarded, and setting them takes them away for a moment. */
void xd_memory_adopt_cjson(void);

struct xd_arena;
/* From here on cJSON, once adopted, takes all memory of the calling thread from the arena and gives
 * none back (a tree made so goes with the arena and MUST NOT be deleted); NULL ends it. Other
 * threads are not touched. */
void xd_memory_cjson_into(struct xd_arena *arena);

#endif
