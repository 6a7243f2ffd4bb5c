#include "simulator/host.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define HEAP ((size_t)256 * 1024 * 1024)
#define HUGE_PAGE ((size_t)2 * 1024 * 1024)

static void *there(void *memory) {
    if (memory == NULL) {
        (void)fprintf(stderr, "the simulator has no memory\n");
        abort();
    }
    return memory;
}

void xd_host_begin(void) {
    (void)mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    (void)mallopt(M_MMAP_THRESHOLD, INT32_MAX);
    (void)mallopt(M_MXFAST, 160);
    (void)mallopt(M_TOP_PAD, 64 * 1024 * 1024);
    unsigned char *heap = malloc(HEAP); /* it stays, at the heap's top, when it is given back */
    if (heap != NULL) {
        size_t skip = HUGE_PAGE - (uintptr_t)heap % HUGE_PAGE;
        (void)madvise(heap + skip, HEAP - skip, MADV_HUGEPAGE);
    }
    free(heap);
}

void *xd_host_alloc(size_t size) {
    return there(calloc(1, size == 0 ? 1 : size));
}

void *xd_host_room(size_t size) {
    return there(malloc(size));
}

void *xd_host_grow(void *items, size_t count, size_t *capacity, size_t element_size) {
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    return there(realloc(items, *capacity * element_size));
}

char *xd_host_copy(const void *data, size_t size) {
    char *copy = there(malloc(size + 1));
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = 0;
    return copy;
}

void xd_host_free(void *memory) {
    free(memory);
}

double xd_host_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
