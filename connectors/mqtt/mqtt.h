/* MQTT towards a site's broker, by Eclipse Paho MQTTAsync at QoS 1.
 *
 * The one mode of Paho that loses nothing: the message is committed inside the
 * arrival callback, which always returns 1; PUBACK leaves after it returns. So
 * `arrived` blocks until the caller has committed or refused. Publishing goes
 * through a bounded queue and a thread of our own, because Paho must never be
 * called from a thread that the callback waits for. One client a process.
 * Sources: MQTT 3.1.1 and 5.0 (OASIS); what Paho 1.3.12 really does. */
#ifndef XD_MQTT_MQTT_H
#define XD_MQTT_MQTT_H

#include "base/bytes.h"
#include "base/result.h"

#include <stdbool.h>
#include <stdint.h>

struct xd_mqtt_config {
    const char *url;                 /* mqtt://host:port or mqtts://host:port */
    const char *client_id;           /* stable: the broker keeps the session under it */
    const char *username, *password; /* NULL: none */
    const char *ca_file, *cert_file, *key_file;
    unsigned version;     /* 5 (default when 0; falls back to 4 when the broker refuses it) or 4 (3.1.1) */
    unsigned keepalive_s; /* 0: 20 */
    unsigned receive_maximum;            /* v5; 0: 64 */
    unsigned session_expiry_s;           /* v5; 0: 7 days */
    unsigned retry_ms_min, retry_ms_max; /* reconnect with full jitter; 0: 200, 15000 */
    size_t queue_max;                    /* messages waiting to be sent; 0: 1024 */
    const char *will_topic;              /* last will, retained, QoS 1; NULL: none */
    struct xd_bytes will_payload;
    const char *const *subscriptions; /* NULL-terminated; QoS 1; renewed at every connect */
};

struct xd_mqtt_message {
    const char *topic;
    struct xd_bytes payload;
    bool retained, duplicate;
    const char *response_topic;       /* MQTT 5; NULL: none */
    struct xd_bytes correlation_data; /* MQTT 5; size 0: none */
};

struct xd_mqtt_events {
    void *context;
    /* Blocks until the message is committed or refused. Borrowed for the call. */
    void (*arrived)(void *context, const struct xd_mqtt_message *message);
    /* Connected and subscribed. */
    void (*up)(void *context);
    /* Lost after `up`; also a failed attempt to connect, when its reason is another than the one told last.
     * up and down come from one thread of the connector's own. */
    void (*down)(void *context, const char *why);
};

struct xd_mqtt;

/* Copies what it keeps; connects in the background. XD_INVALID: a bad URL. */
XD_CHECKED enum xd_result xd_mqtt_start(const struct xd_mqtt_config *config,
                                        const struct xd_mqtt_events *events, struct xd_mqtt **out);
/* Queues a QoS 1 message (copied); never blocks. XD_AGAIN: not connected or the
 * queue is full; the message is dropped, its source asks again. Any thread. */
XD_CHECKED enum xd_result xd_mqtt_publish(struct xd_mqtt *mqtt, const struct xd_mqtt_message *message);
/* Publishes what is queued (bounded, about a second), disconnects (no will is
 * sent: publish the farewell before) and joins. arrived is not called afterwards;
 * a call under way must be able to finish, so the turn still runs meanwhile. */
void xd_mqtt_stop(struct xd_mqtt *mqtt);

#endif
