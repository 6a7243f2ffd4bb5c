#include "common/turn.h"

#include "base/mutant.h"

void xd_turn_init(struct xd_turn *turn, const struct xd_turn_ops *ops, const struct xd_store_tx *tx,
                  void (*free_object)(void *object)) {
    *turn = (struct xd_turn){.ops = *ops, .tx = tx};
    xd_effects_init(&turn->effects, free_object);
}

void xd_turn_free(struct xd_turn *turn) {
    xd_effects_free(&turn->effects);
}

static void let_out(struct xd_turn *turn) {
    turn->ops.release(turn->ops.context, &turn->effects);
    xd_effects_drop_to(&turn->effects, 0, 0);
}

static bool must_stop(enum xd_result result) {
    return result == XD_IO || result == XD_CORRUPT;
}

/* Anything but XD_OK: the batch is lost. */
static enum xd_result decide_bare(struct xd_turn *turn, void *event, struct xd_now now) {
    enum xd_result result = turn->ops.decide(turn->ops.context, event, now, &turn->effects);
    return result == XD_OK ? turn->effects.result : result;
}

/* XD_OK: decided, or undone and refused. Anything else: the batch is lost. */
static enum xd_result decide_careful(struct xd_turn *turn, void *event, struct xd_now now) {
    struct xd_effects *effects = &turn->effects;
    size_t count = effects->count, heap_size = effects->heap.size;
    enum xd_result result = turn->tx->savepoint(turn->tx->context);
    if (result != XD_OK) {
        return result;
    }
    result = turn->ops.decide(turn->ops.context, event, now, effects);
    if (result == XD_OK && effects->result == XD_OK) {
        return turn->tx->keep(turn->tx->context);
    }
    enum xd_result why = result != XD_OK ? result : effects->result;
    if (must_stop(why)) {
        return why;
    }
    result =
        XD_MUTANT(SAVEPOINT_KEPT) ? turn->tx->keep(turn->tx->context) : turn->tx->undo(turn->tx->context);
    if (result != XD_OK) {
        return result; /* the store has given up the whole transaction */
    }
    turn->counters.undone++;
    xd_effects_drop_to(effects, count, heap_size);
    result = turn->ops.reload(turn->ops.context, false);
    if (result == XD_OK) {
        turn->ops.refuse(turn->ops.context, event, why, effects);
    }
    return result;
}

struct batch {
    void *const *events;
    size_t count;
    struct xd_now now;
    bool careful; /* each event has its savepoint */
    bool spoilt;  /* an event failed that had none */
    bool stop;    /* the process has to */
};

static enum xd_result decide_all(struct xd_turn *turn, struct batch *batch) {
    struct xd_now now = batch->now;
    enum xd_result result = turn->tx->begin(turn->tx->context);
    for (size_t index = 0; index < batch->count && result == XD_OK; index++) {
        void *event = batch->events[index];
        result = batch->careful ? decide_careful(turn, event, now) : decide_bare(turn, event, now);
        batch->spoilt = !batch->careful && result != XD_OK;
    }
    if (result == XD_OK) {
        result = turn->ops.settle(turn->ops.context, now, &turn->effects);
    }
    if (result == XD_OK) {
        result = turn->effects.result;
    }
    if (result == XD_OK && XD_MUTANT(RELEASE_BEFORE_COMMIT)) {
        let_out(turn);
    }
    return result == XD_OK ? turn->tx->commit(turn->tx->context) : result;
}

/* Decides and lets out one batch. XD_OK: committed and released. Otherwise nothing
 * of it is there, and what came from the store was read again. */
static enum xd_result run_batch(struct xd_turn *turn, struct batch *batch) {
    enum xd_result result = decide_all(turn, batch);
    if (result == XD_OK) {
        let_out(turn);
        return XD_OK;
    }
    turn->tx->rollback(turn->tx->context);
    if (XD_MUTANT(FAILED_BATCH_RELEASED) && !batch->spoilt) {
        let_out(turn);
    }
    xd_effects_drop_to(&turn->effects, 0, 0);
    if (batch->spoilt) {
        turn->counters.restarts++;
    } else {
        turn->counters.commits_failed++;
    }
    enum xd_result again = must_stop(result)           ? result
                           : XD_MUTANT(RELOAD_SKIPPED) ? XD_OK
                                                       : turn->ops.reload(turn->ops.context, true);
    batch->stop = again != XD_OK;
    return batch->stop ? again : result;
}

/* The batch's first try, and its second when one event spoilt it. */
static enum xd_result run_whole(struct xd_turn *turn, struct batch *batch) {
    batch->careful = turn->careful > 0;
    if (batch->careful && batch->count > 0) {
        turn->careful--;
    }
    enum xd_result result = run_batch(turn, batch);
    if (batch->spoilt && !batch->stop) {
        turn->careful = XD_TURN_CAREFUL;
        batch->careful = true;
        batch->spoilt = false;
        result = run_batch(turn, batch);
    }
    return result;
}

static void refuse_all(struct xd_turn *turn, void *const *events, size_t count, enum xd_result why) {
    for (size_t index = 0; index < count; index++) {
        turn->ops.refuse(turn->ops.context, events[index], why, &turn->effects);
    }
    let_out(turn);
}

enum xd_result xd_turn_run(struct xd_turn *turn, void *const *events, size_t count, struct xd_now now) {
    struct batch whole = {.events = events, .count = count, .now = now};
    turn->counters.turns++;
    turn->counters.events += count;
    enum xd_result result = run_whole(turn, &whole);
    if (result == XD_OK || whole.stop) {
        return result;
    }
    if (count <= 1) {
        refuse_all(turn, events, count, result);
        return XD_OK;
    }
    for (size_t index = 0; index < count; index++) {
        struct batch alone = {.events = &events[index], .count = 1, .now = now, .careful = true};
        result = run_batch(turn, &alone);
        if (alone.stop) {
            return result;
        }
        if (result != XD_OK) {
            refuse_all(turn, &events[index], 1, result);
        }
    }
    return XD_OK;
}
