/* What the AMQP connector tells the turn, as events in the mailbox; the same for
 * the agent and for the hub. */
#ifndef XD_POSIX_RUNTIME_LINE_INLET_H
#define XD_POSIX_RUNTIME_LINE_INLET_H

#include "amqp/amqp.h"
#include "posix/runtime/event.h"
#include "posix/runtime/mailbox.h"

/* Above every kind of a program's own. */
enum xd_line_event_kind {
    XD_LINE_EVENT_MESSAGE = 1000,
    XD_LINE_EVENT_CONFIRMED,
    XD_LINE_EVENT_PUBLISHER_UP,
    XD_LINE_EVENT_PUBLISHER_DOWN,
    XD_LINE_EVENT_PUBLISHER_BLOCKED,
    XD_LINE_EVENT_CONSUMER_UP,
    XD_LINE_EVENT_CONSUMER_DOWN,
    XD_LINE_EVENT_CONSUMER_QUIET /* its queue wants a probe; only where xd_line_consumer_quiet is named */
};

/* The broker's word on one message. */
struct xd_line_confirm {
    uint64_t tag;
    enum xd_amqp_outcome outcome;
};

struct xd_line_event {
    struct xd_event event;
    struct xd_amqp_delivery message;        /* MESSAGE */
    const struct xd_line_confirm *confirms; /* CONFIRMED */
    size_t confirm_count;
    uint64_t generation; /* PUBLISHER_*, CONSUMER_* */
    bool blocked;        /* PUBLISHER_BLOCKED */
    const char *why;     /* *_DOWN, PUBLISHER_BLOCKED: never NULL there */
};

/* The connector's callbacks; the context, to be filled in, is the mailbox. A
 * delivery waits for room: that is the back-pressure towards the broker. */
extern const struct xd_amqp_publisher_events xd_line_publisher_events;
extern const struct xd_amqp_consumer_events xd_line_consumer_events;
/* For `quiet` of those: not set, for only who may write to its own queue can probe it. */
void xd_line_consumer_quiet(void *context);

#endif
