#include "posix/runtime/event.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEMORY_ATTEMPTS 300 /* of 10 ms */

void *xd_event_new(int kind, size_t size) {
    struct xd_event *event = xd_alloc(size);
    for (int attempt = 0; event == NULL && attempt < MEMORY_ATTEMPTS; attempt++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        event = xd_alloc(size);
    }
    if (event == NULL) {
        abort();
    }
    event->kind = kind;
    return event;
}

const char *xd_event_place(char **at, const char *text) {
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    char *start = memcpy(*at, text, size);
    *at += size;
    return start;
}

size_t xd_event_size(const char *text) {
    return text == NULL ? 0 : strlen(text) + 1;
}
