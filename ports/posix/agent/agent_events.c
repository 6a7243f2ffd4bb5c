/* Callbacks of the connectors -> events.
 *
 * Every event is one allocation: record, texts, bytes. Memory that is not there is
 * waited for a while, which is back-pressure; then the process ends, as by kill -9,
 * rather than go on without knowing that a connection came or went.
 *
 * One mutex and one condition serve all tickets: Paho calls back on one thread. */
#include "posix/agent/agent_events.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEMORY_ATTEMPTS 300 /* of 10 ms */
#define EVENTS_MAX ((size_t)512)
#define EVENT_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* Never NULL. */
static struct xd_agent_event *event_new(enum xd_agent_event_kind kind, size_t extra) {
    struct xd_agent_event *event = xd_alloc(sizeof *event + extra);
    for (int attempt = 0; event == NULL && attempt < MEMORY_ATTEMPTS; attempt++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        event = xd_alloc(sizeof *event + extra);
    }
    if (event == NULL) {
        abort();
    }
    event->kind = kind;
    return event;
}

/* Takes the event over. False: closed. */
static bool put(struct xd_agent_inlet *inlet, struct xd_agent_event *event, size_t bytes) {
    if (xd_mailbox_put(inlet->mailbox, event, bytes)) {
        return true;
    }
    xd_free(event);
    return false;
}

static void put_state(struct xd_agent_inlet *inlet, enum xd_agent_event_kind kind, uint64_t generation,
                      bool blocked, const char *why) {
    size_t size = why == NULL ? 1 : strlen(why) + 1;
    struct xd_agent_event *event = event_new(kind, size);
    char *text = (char *)(event + 1);
    memcpy(text, why == NULL ? "" : why, size);
    event->why = text;
    event->generation = generation;
    event->blocked = blocked;
    (void)put(inlet, event, sizeof *event);
}

/* ---- the site's broker ---- */

static void wms_arrived(void *context, const struct xd_mqtt_message *message) {
    struct xd_agent_inlet *inlet = context;
    bool done = false;
    struct xd_agent_event *event = event_new(XD_AGENT_WMS_MESSAGE, 0);
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
    put_state(context, XD_AGENT_WMS_UP, 0, false, NULL);
}

static void wms_down(void *context, const char *why) {
    put_state(context, XD_AGENT_WMS_DOWN, 0, false, why);
}

const struct xd_mqtt_events xd_agent_mqtt_events = {.arrived = wms_arrived, .up = wms_up, .down = wms_down};

/* ---- the line, outwards ---- */

static void line_confirmed(void *context, const uint64_t *tags, const enum xd_amqp_outcome *outcomes,
                           size_t count) {
    struct xd_agent_inlet *inlet = context;
    struct xd_agent_event *event =
        event_new(XD_AGENT_LINE_CONFIRMED, count * sizeof(struct xd_agent_confirm));
    struct xd_agent_confirm *confirms = (struct xd_agent_confirm *)(event + 1);
    for (size_t index = 0; index < count; index++) {
        confirms[index] = (struct xd_agent_confirm){tags[index], outcomes[index] == XD_AMQP_CONFIRMED};
    }
    event->confirms = confirms;
    event->confirm_count = count;
    (void)put(inlet, event, sizeof *event + count * sizeof *confirms);
}

static void publisher_up(void *context, uint64_t generation) {
    put_state(context, XD_AGENT_PUBLISHER_UP, generation, false, NULL);
}

static void publisher_down(void *context, uint64_t generation, const char *why) {
    put_state(context, XD_AGENT_PUBLISHER_DOWN, generation, false, why);
}

static void publisher_blocked(void *context, bool blocked, const char *why) {
    put_state(context, XD_AGENT_PUBLISHER_BLOCKED, 0, blocked, why);
}

const struct xd_amqp_publisher_events xd_agent_publisher_events = {
    .confirmed = line_confirmed, .up = publisher_up, .down = publisher_down, .blocked = publisher_blocked};

/* ---- the line, inwards ---- */

static const char *place(char **at, const char *text) {
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    char *start = memcpy(*at, text, size);
    *at += size;
    return start;
}

static size_t size_of(const char *text) {
    return text == NULL ? 0 : strlen(text) + 1;
}

static bool line_delivered(void *context, const struct xd_amqp_delivery *delivery) {
    struct xd_agent_inlet *inlet = context;
    size_t extra = size_of(delivery->exchange) + size_of(delivery->user_id) + size_of(delivery->signature) +
                   delivery->body.size;
    struct xd_agent_event *event = event_new(XD_AGENT_LINE_MESSAGE, extra);
    char *at = (char *)(event + 1);
    event->line.generation = delivery->generation;
    event->line.tag = delivery->tag;
    event->line.redelivered = delivery->redelivered;
    event->line.exchange = place(&at, delivery->exchange);
    event->line.user_id = place(&at, delivery->user_id);
    event->line.signature = place(&at, delivery->signature);
    if (delivery->body.size > 0) {
        memcpy(at, delivery->body.data, delivery->body.size);
    }
    event->line.body = xd_bytes_of(at, delivery->body.size);
    return put(inlet, event, sizeof *event + extra);
}

static void consumer_up(void *context, uint64_t generation) {
    put_state(context, XD_AGENT_CONSUMER_UP, generation, false, NULL);
}

static void consumer_down(void *context, uint64_t generation, const char *why) {
    put_state(context, XD_AGENT_CONSUMER_DOWN, generation, false, why);
}

const struct xd_amqp_consumer_events xd_agent_consumer_events = {
    .delivered = line_delivered, .up = consumer_up, .down = consumer_down};

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

void xd_agent_event_free(struct xd_agent_inlet *inlet, struct xd_agent_event *event) {
    xd_agent_event_release(inlet, event);
    xd_free(event);
}
