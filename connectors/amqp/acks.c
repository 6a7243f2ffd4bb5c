/* Invariants: all tags < low are answered, in this process's view; those of the run
 * are answered and not sent, and the highest of them is `last`, which the broker
 * still waits for, so that it may name a multiple ack. A reject or a lone ack that
 * is sent before the run's multiple ack is not pending any more when that arrives,
 * so the multiple ack does not touch it. */
#include "amqp/acks.h"

#include "base/memory.h"

#include <string.h>

static bool *mark_of(struct xd_amqp_acks *acks, uint64_t tag) {
    return &acks->answered[tag & (acks->capacity - 1)];
}

/* Moves low over what is answered. */
static void advance(struct xd_amqp_acks *acks) {
    while (*mark_of(acks, acks->low)) {
        *mark_of(acks, acks->low) = false;
        acks->low++;
    }
}

static void mark(struct xd_amqp_acks *acks, uint64_t tag) {
    if (tag >= acks->low && tag - acks->low < acks->capacity)
        *mark_of(acks, tag) = true;
    advance(acks);
}

/* All up to tag is answered. */
static void mark_up_to(struct xd_amqp_acks *acks, uint64_t tag) {
    for (size_t i = 0; i < acks->capacity && acks->low <= tag; i++) {
        *mark_of(acks, acks->low) = false;
        acks->low++;
    }
    if (acks->low <= tag)
        acks->low = tag + 1;
    advance(acks);
    if (acks->last <= tag)
        acks->run = 0; /* this ack covers the run */
}

enum xd_result xd_amqp_acks_make(struct xd_amqp_acks *acks, size_t capacity) {
    acks->capacity = 1;
    while (acks->capacity < capacity)
        acks->capacity *= 2;
    acks->answered = xd_alloc(acks->capacity * sizeof *acks->answered);
    if (acks->answered == NULL)
        return XD_NO_MEMORY;
    xd_amqp_acks_clear(acks);
    return XD_OK;
}

void xd_amqp_acks_free(struct xd_amqp_acks *acks) {
    xd_free(acks->answered);
    acks->answered = NULL;
}

void xd_amqp_acks_clear(struct xd_amqp_acks *acks) {
    acks->low = 1;
    acks->last = 0;
    acks->run = 0;
    memset(acks->answered, 0, acks->capacity * sizeof *acks->answered);
}

bool xd_amqp_acks_take(struct xd_amqp_acks *acks, struct xd_amqp_answer answer, struct xd_amqp_answer *out) {
    *out = answer;
    if (answer.kind == XD_AMQP_ACK_UP_TO) {
        mark_up_to(acks, answer.tag);
        return true;
    }
    bool in_a_row = answer.kind == XD_AMQP_ACK_ONE && answer.tag == acks->low;
    mark(acks, answer.tag);
    if (!in_a_row)
        return true;
    acks->last = answer.tag;
    acks->run++;
    return false;
}

bool xd_amqp_acks_flush(struct xd_amqp_acks *acks, struct xd_amqp_answer *out) {
    if (acks->run == 0)
        return false;
    out->kind = acks->run == 1 ? XD_AMQP_ACK_ONE : XD_AMQP_ACK_UP_TO;
    out->tag = acks->last;
    acks->run = 0;
    return true;
}
