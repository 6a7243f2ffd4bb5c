/* A suspect is a queue that the last look found without a state. `since` is the
 * first look of an unbroken row of such looks with all nodes up. One that has a state,
 * or is gone, is forgotten. */
#include "posix/hub/hub_queues.h"

#include <stdio.h>
#include <string.h>

#define DOUBLED_MAX 7u /* 20 s << 7: three quarters of an hour */

static struct xd_queue_suspect *find(struct xd_queues *queues, const char *name) {
    for (size_t i = 0; i < queues->count; i++) {
        if (strcmp(queues->suspects[i].name, name) == 0) {
            return &queues->suspects[i];
        }
    }
    return NULL;
}

void xd_queues_begin(struct xd_queues *queues, xd_ms now, xd_ms up_ms) {
    queues->now = now;
    queues->up_ms = up_ms;
    for (size_t i = 0; i < queues->count; i++) {
        queues->suspects[i].seen = false;
        if (up_ms <= 0) {
            queues->suspects[i].since = now;
        }
    }
}

void xd_queues_see(struct xd_queues *queues, const char *name, bool has_state) {
    struct xd_queue_suspect *suspect = find(queues, name);
    if (has_state || strlen(name) >= XD_QUEUES_NAME_SIZE) {
        return;
    }
    if (suspect == NULL) {
        if (queues->count == XD_QUEUES_SUSPECTS_MAX) {
            return;
        }
        suspect = &queues->suspects[queues->count++];
        memset(suspect, 0, sizeof *suspect);
        (void)snprintf(suspect->name, sizeof suspect->name, "%s", name);
        suspect->since = queues->now;
    }
    suspect->seen = true;
}

void xd_queues_end(struct xd_queues *queues) {
    size_t kept = 0;
    for (size_t i = 0; i < queues->count; i++) {
        if (queues->suspects[i].seen) {
            queues->suspects[kept++] = queues->suspects[i];
        }
    }
    queues->count = kept;
}

const char *xd_queues_due(struct xd_queues *queues) {
    for (size_t i = 0; i < queues->count; i++) {
        struct xd_queue_suspect *suspect = &queues->suspects[i];
        xd_ms patience = XD_QUEUES_PATIENCE_MS << suspect->given_up;
        /* A node that began anew meanwhile starts its queues anew. */
        if (queues->now - suspect->since >= patience && queues->up_ms >= XD_QUEUES_UP_MS + patience) {
            suspect->since = queues->now;
            suspect->given_up += suspect->given_up < DOUBLED_MAX;
            return suspect->name;
        }
    }
    return NULL;
}

bool xd_queues_suspicious(const struct xd_queues *queues) {
    return queues->count > 0;
}
