/* The MQTT connector's inside: shared by its thread (mqtt.c) and by what Paho's
 * threads tell it (callbacks.c). Internal to connectors/mqtt. */
#ifndef XD_MQTT_STATE_H
#define XD_MQTT_STATE_H

#include "mqtt/mqtt.h"
#include "mqtt/settings.h"

#include <MQTTAsync.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XD_MQTT_ANSWER_MS 30000 /* for CONNACK, and again for SUBACK; Paho gives up after 10 s by itself */
#define XD_MQTT_WHY_SIZE 160

enum xd_mqtt_phase {
    XD_MQTT_DOWN,
    XD_MQTT_CONNECTING,
    XD_MQTT_SUBSCRIBING,
    XD_MQTT_UP,
    XD_MQTT_USELESS /* connected, but to be cut: a subscription was refused */
};

struct xd_mqtt_outgoing {
    struct xd_mqtt_outgoing *next;
    char *topic;
    void *payload, *correlation;
    size_t payload_size, correlation_size;
    bool retained;
};

struct xd_mqtt {
    struct xd_mqtt_settings settings;
    struct xd_mqtt_events events;
    MQTTAsync paho;
    int *qos; /* of each subscription */
    MQTTSubscribe_options *subscribe_options;
    pthread_t thread;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    enum xd_mqtt_phase phase;
    bool under_way; /* an attempt or a connection whose end is not dealt with yet */
    bool stopping, arriving, told_up;
    bool version_refused;     /* by the attempt that just failed */
    int version;              /* of the attempt or connection */
    bool version_proven;      /* version 5 has worked here once */
    unsigned refusals_unsaid; /* closed before CONNACK, in a row */
    unsigned failures;        /* in a row, for the backoff */
    bool spoilt;              /* something was in flight when its connection ended: mqtt.c's opening */
    unsigned abandoned;       /* clients that were */
    unsigned disputes;        /* connections that the broker closed over a packet of ours, in a row */
    int64_t next_attempt_ms;  /* monotonic, as all below */
    int64_t deadline_ms;      /* of CONNECTING and SUBSCRIBING */
    int64_t up_since_ms;
    int64_t progress_ms;
    char why[XD_MQTT_WHY_SIZE], told_why[XD_MQTT_WHY_SIZE], tls_why[XD_MQTT_WHY_SIZE];
    struct xd_mqtt_outgoing *first, **last;
    size_t queued, inflight;
    size_t packet_max; /* bytes the broker takes; 0: no limit told */
};

/* Monotonic milliseconds. */
int64_t xd_mqtt_now_ms(void);
/* "what: detail", or "what" alone when detail is NULL. The lock is held. */
void xd_mqtt_why_set(struct xd_mqtt *mqtt, const char *what, const char *detail);

/* Hangs the callbacks of the whole client's life into mqtt->paho. Paho's code. */
XD_CHECKED int xd_mqtt_callbacks_set(struct xd_mqtt *mqtt);
/* Takes them away again: nothing more is heard of that client, which is not connected. */
XD_CHECKED bool xd_mqtt_callbacks_silence(MQTTAsync paho);
/* Those of one attempt to connect. */
struct xd_mqtt_attempt xd_mqtt_callbacks_of_attempt(struct xd_mqtt *mqtt);
/* Those of one message to be sent, for the version in use. */
MQTTAsync_responseOptions xd_mqtt_callbacks_of_message(struct xd_mqtt *mqtt);

#endif
