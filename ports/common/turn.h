/* The turn: collect, begin, decide, commit, release. The whole concurrency model
 * of both programs, and of the simulator.
 *
 * One transaction holds the whole batch, so that one fsync carries it (group
 * commit). A bad event is undone and refused alone: a batch is first decided
 * without savepoints, which cost about a sixth of intake; when an event fails, all of
 * it is rolled back and decided again with a savepoint for each, and so are the
 * next XD_TURN_CAREFUL batches, for troubles come in company (a full store).
 * Effects leave only after the commit; after a failed one they are dropped and all
 * that was read from the store is read again. A batch that failed is tried once
 * more, event by event, so that one which needs room cannot take along those that
 * would make some; what fails alone is refused.
 * The turn's thread only; no OS call in here. */
#ifndef XD_COMMON_TURN_H
#define XD_COMMON_TURN_H

#include "base/effects.h"
#include "base/time.h"
#include "delivery/store.h"

#define XD_TURN_EVENTS_MAX 512u
#define XD_TURN_CAREFUL 256u

struct xd_turn_ops {
    void *context;
    /* One event. Anything but XD_OK: undo it and call refuse. MUST be ready to be asked
     * again about the same event, after a reload: what it did was rolled back. */
    enum xd_result (*decide)(void *context, void *event, struct xd_now now, struct xd_effects *effects);
    /* Answers an event that was undone; must not need the store. */
    void (*refuse)(void *context, void *event, enum xd_result why, struct xd_effects *effects);
    /* Once at the end of each batch, inside the transaction: time, pumps. */
    enum xd_result (*settle)(void *context, struct xd_now now, struct xd_effects *effects);
    /* Reads again what came from the store. restart: the whole batch failed. */
    enum xd_result (*reload)(void *context, bool restart);
    /* Lets the effects out; takes over effect->object by setting it to NULL. */
    void (*release)(void *context, struct xd_effects *effects);
};

struct xd_turn_counters {
    uint64_t turns, events, undone, commits_failed;
    uint64_t restarts; /* batches that were begun again for the sake of one event */
};

struct xd_turn {
    struct xd_turn_ops ops;
    const struct xd_store_tx *tx;
    struct xd_effects effects;
    struct xd_turn_counters counters;
    unsigned careful; /* so many batches have savepoints */
};

void xd_turn_init(struct xd_turn *turn, const struct xd_turn_ops *ops, const struct xd_store_tx *tx,
                  void (*free_object)(void *object));
void xd_turn_free(struct xd_turn *turn);
/* One batch; count may be 0 (only settle). XD_OK, also when events were refused.
 * XD_IO, XD_CORRUPT: nothing was released; the process must stop and start anew.
 * The events stay the caller's. */
XD_CHECKED enum xd_result xd_turn_run(struct xd_turn *turn, void *const *events, size_t count,
                                      struct xd_now now);

#endif
