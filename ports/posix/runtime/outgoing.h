/* Messages from the turn towards the line.
 *
 * The turn hands out no more documents than the publisher has slots for, but the
 * publisher also counts bytes, and messages of the line itself come on top. What
 * it does not take is kept here, in order, and tried again in the next turn; until
 * then no further document is handed out, so this list is bounded by what one turn
 * makes. A new connection starts with a handshake, which says what is missing: so
 * the list is dropped when the old one goes. The turn's thread. */
#ifndef XD_POSIX_RUNTIME_OUTGOING_H
#define XD_POSIX_RUNTIME_OUTGOING_H

#include "amqp/amqp.h"
#include "base/effects.h"
#include "base/env.h"

struct xd_outgoing_item;

struct xd_outgoing {
    struct xd_amqp_publisher *publisher;
    const char *user_id; /* property of every message */
    bool up;
    uint64_t generation;
    struct xd_outgoing_item *first, **last;
    size_t count;
    const struct xd_env *env;
    /* A tagged message will not leave on this connection. */
    void (*not_taken)(void *context, uint64_t tag);
    void *context;
};

/* publisher may be set later, before the first `up`. */
void xd_outgoing_init(struct xd_outgoing *outgoing, const struct xd_env *env, const char *user_id,
                      void (*not_taken)(void *context, uint64_t tag), void *context);
/* The connection came or went: what waits is dropped. */
void xd_outgoing_up(struct xd_outgoing *outgoing, uint64_t generation);
void xd_outgoing_down(struct xd_outgoing *outgoing);
/* Lets out an XD_EFFECT_LINE_PUBLISH; dropped while the connection is down. */
void xd_outgoing_send(struct xd_outgoing *outgoing, const struct xd_effects *effects,
                      const struct xd_effect *effect);
/* Lets out an answer, after what was sent before it. False: the connection is down, nothing leaves. */
bool xd_outgoing_reply(struct xd_outgoing *outgoing, const struct xd_amqp_message *message);
/* Tries again what was kept. Before each turn. */
void xd_outgoing_flush(struct xd_outgoing *outgoing);
/* How many documents the publisher takes now; 0 while it is not worth a read of the store. */
size_t xd_outgoing_room(struct xd_outgoing *outgoing);

#endif
