/* Which of the broker's queues have no leader and never will.
 *
 * RabbitMQ 3.10, killed within a second or two of a quorum queue's declaration, brings
 * that queue back without a leader, for ever: nothing can be consumed from it, and what
 * is published into it is never confirmed. It shows as an entry without a state; but so
 * does every queue that is young or being started. Therefore a queue is given up only
 * when all nodes have long been up and several looks found it so, and ever later when
 * that did not help: what is taken for the symptom may be something else.
 *
 * Only decides; no I/O, no clock. One thread. For each look: begin, see for every queue,
 * end; then due until it gives NULL. */
#ifndef XD_POSIX_HUB_QUEUES_H
#define XD_POSIX_HUB_QUEUES_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

#define XD_QUEUES_LOOK_MS ((xd_ms)10000)     /* between two looks while one is suspected */
#define XD_QUEUES_UP_MS ((xd_ms)30000)       /* a node that is up for less is still starting its queues */
#define XD_QUEUES_PATIENCE_MS ((xd_ms)20000) /* from the first look to the one that gives up */
#define XD_QUEUES_SUSPECTS_MAX 32            /* more have to wait for their turn */
#define XD_QUEUES_NAME_SIZE 96

struct xd_queue_suspect {
    char name[XD_QUEUES_NAME_SIZE];
    xd_ms since;
    unsigned given_up; /* how often */
    bool seen;         /* by this look */
};

/* Zero-filled at first. */
struct xd_queues {
    struct xd_queue_suspect suspects[XD_QUEUES_SUSPECTS_MAX];
    size_t count;
    xd_ms now, up_ms;
};

/* up_ms: for how long all nodes have been up; 0: one is not, or that is not known. */
void xd_queues_begin(struct xd_queues *queues, xd_ms now, xd_ms up_ms);
void xd_queues_see(struct xd_queues *queues, const char *name, bool has_state);
void xd_queues_end(struct xd_queues *queues);
/* The name of a queue to be deleted and declared again, each once; valid until begin. */
const char *xd_queues_due(struct xd_queues *queues);
bool xd_queues_suspicious(const struct xd_queues *queues);

#endif
