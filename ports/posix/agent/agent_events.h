/* What connectors tell the turn, as owned events in the mailbox.
 *
 * A message of the site's broker is not copied: the connector's callback waits,
 * with the message, until the turn has released the event's ticket, which the
 * turn does for every event that it takes. A delivery of the line is copied, for
 * many of them share one commit. */
#ifndef XD_POSIX_AGENT_EVENTS_H
#define XD_POSIX_AGENT_EVENTS_H

#include "amqp/amqp.h"
#include "mqtt/mqtt.h"
#include "posix/runtime/mailbox.h"

#include <pthread.h>

enum xd_agent_event_kind {
    XD_AGENT_WMS_MESSAGE,
    XD_AGENT_WMS_UP,
    XD_AGENT_WMS_DOWN,
    XD_AGENT_LINE_MESSAGE,
    XD_AGENT_LINE_CONFIRMED,
    XD_AGENT_PUBLISHER_UP,
    XD_AGENT_PUBLISHER_DOWN,
    XD_AGENT_PUBLISHER_BLOCKED,
    XD_AGENT_CONSUMER_UP,
    XD_AGENT_CONSUMER_DOWN
};

/* The broker's word on one message. */
struct xd_agent_confirm {
    uint64_t tag;
    bool taken;
};

/* One block of memory, with the texts and bytes that it points to behind it. */
struct xd_agent_event {
    enum xd_agent_event_kind kind;
    const struct xd_mqtt_message *wms;       /* WMS_MESSAGE: the callback's */
    bool *ticket;                            /* WMS_MESSAGE: set when released; NULL afterwards */
    struct xd_amqp_delivery line;            /* LINE_MESSAGE */
    const struct xd_agent_confirm *confirms; /* LINE_CONFIRMED */
    size_t confirm_count;
    uint64_t generation; /* PUBLISHER_*, CONSUMER_* */
    bool blocked;        /* PUBLISHER_BLOCKED */
    const char *why;     /* *_DOWN, PUBLISHER_BLOCKED: never NULL there */
};

/* Where the connectors' threads hand in. */
struct xd_agent_inlet {
    struct xd_mailbox *mailbox;
    pthread_mutex_t mutex; /* guards every ticket */
    pthread_cond_t released;
};

XD_CHECKED enum xd_result xd_agent_inlet_init(struct xd_agent_inlet *inlet);
/* The mailbox is closed and the connectors have ended. */
void xd_agent_inlet_free(struct xd_agent_inlet *inlet);

/* The connectors' callbacks; the context, to be filled in, is the inlet. */
extern const struct xd_mqtt_events xd_agent_mqtt_events;
extern const struct xd_amqp_publisher_events xd_agent_publisher_events;
extern const struct xd_amqp_consumer_events xd_agent_consumer_events;

/* Lets the waiting callback go; the message is gone afterwards. The turn's thread. */
void xd_agent_event_release(struct xd_agent_inlet *inlet, struct xd_agent_event *event);
/* Releases and frees. */
void xd_agent_event_free(struct xd_agent_inlet *inlet, struct xd_agent_event *event);

#endif
