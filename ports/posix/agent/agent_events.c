/* Callbacks of the site's broker -> events.
 *
 * One mutex and one condition serve all tickets: Paho calls back on one thread. */
#include "posix/agent/agent_events.h"

#include "base/memory.h"

#define EVENTS_MAX ((size_t)512)
#define EVENT_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* Takes the event over. False: closed. */
static bool put(struct xd_agent_inlet *inlet, struct xd_agent_event *event, size_t bytes) {
    if (xd_mailbox_put(inlet->mailbox, event, bytes)) {
        return true;
    }
    xd_free(event);
    return false;
}

static void put_state(struct xd_agent_inlet *inlet, enum xd_agent_event_kind kind, const char *why) {
    why = why == NULL ? "" : why;
    struct xd_agent_event *event = xd_event_new((int)kind, sizeof *event + xd_event_size(why));
    char *at = (char *)(event + 1);
    event->why = xd_event_place(&at, why);
    (void)put(inlet, event, sizeof *event);
}

static void wms_arrived(void *context, const struct xd_mqtt_message *message) {
    struct xd_agent_inlet *inlet = context;
    bool done = false;
    struct xd_agent_event *event = xd_event_new(XD_AGENT_WMS_MESSAGE, sizeof *event);
    event->wms = message;
    event->ticket = &done;
    if (!put(inlet, event, message->payload.size)) {
        return;
    }
    pthread_mutex_lock(&inlet->mutex);
    while (!done) {
        pthread_cond_wait(&inlet->released, &inlet->mutex);
    }
    pthread_mutex_unlock(&inlet->mutex);
}

static void wms_up(void *context) {
    put_state(context, XD_AGENT_WMS_UP, NULL);
}

static void wms_down(void *context, const char *why) {
    put_state(context, XD_AGENT_WMS_DOWN, why);
}

const struct xd_mqtt_events xd_agent_mqtt_events = {.arrived = wms_arrived, .up = wms_up, .down = wms_down};

/* ---- the turn's side ---- */

enum xd_result xd_agent_inlet_init(struct xd_agent_inlet *inlet) {
    enum xd_result result = xd_mailbox_new(EVENTS_MAX, EVENT_BYTES_MAX, &inlet->mailbox);
    if (result != XD_OK) {
        return result;
    }
    pthread_mutex_init(&inlet->mutex, NULL);
    pthread_cond_init(&inlet->released, NULL);
    return XD_OK;
}

void xd_agent_inlet_free(struct xd_agent_inlet *inlet) {
    pthread_cond_destroy(&inlet->released);
    pthread_mutex_destroy(&inlet->mutex);
    xd_mailbox_free(inlet->mailbox);
}

void xd_agent_event_release(struct xd_agent_inlet *inlet, struct xd_agent_event *event) {
    if (event->ticket == NULL) {
        return;
    }
    pthread_mutex_lock(&inlet->mutex);
    *event->ticket = true;
    event->ticket = NULL;
    pthread_cond_broadcast(&inlet->released);
    pthread_mutex_unlock(&inlet->mutex);
}

void xd_agent_event_free(struct xd_agent_inlet *inlet, struct xd_event *event) {
    if (event->kind == XD_AGENT_WMS_MESSAGE) {
        xd_agent_event_release(inlet, (struct xd_agent_event *)(void *)event);
    }
    xd_free(event);
}
