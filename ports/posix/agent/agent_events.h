/* What the site's broker tells the turn, as owned events in the mailbox; what the
 * line tells comes beside it (posix/runtime/line_inlet.h).
 *
 * A message of the site's broker is not copied: the connector's callback waits,
 * with the message, until the turn has released the event's ticket, which the
 * turn does for every event that it takes. */
#ifndef XD_POSIX_AGENT_EVENTS_H
#define XD_POSIX_AGENT_EVENTS_H

#include "mqtt/mqtt.h"
#include "posix/runtime/line_inlet.h"

#include <pthread.h>

enum xd_agent_event_kind { XD_AGENT_WMS_MESSAGE, XD_AGENT_WMS_UP, XD_AGENT_WMS_DOWN };

/* One block of memory, with the text that it points to behind it. */
struct xd_agent_event {
    struct xd_event event;
    const struct xd_mqtt_message *wms; /* WMS_MESSAGE: the callback's */
    bool *ticket;                      /* WMS_MESSAGE: set when released; NULL afterwards */
    const char *why;                   /* WMS_DOWN: never NULL there */
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

/* The connector's callbacks; the context, to be filled in, is the inlet. */
extern const struct xd_mqtt_events xd_agent_mqtt_events;

/* Lets the waiting callback go; the message is gone afterwards. The turn's thread. */
void xd_agent_event_release(struct xd_agent_inlet *inlet, struct xd_agent_event *event);
/* Releases and frees; also events of the line. */
void xd_agent_event_free(struct xd_agent_inlet *inlet, struct xd_event *event);

#endif
