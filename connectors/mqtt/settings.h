/* What the MQTT connector keeps of its configuration, and how Paho is told.
 * Internal to connectors/mqtt. */
#ifndef XD_MQTT_SETTINGS_H
#define XD_MQTT_SETTINGS_H

#include "base/result.h"
#include "mqtt/mqtt.h"

#include <MQTTAsync.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xd_mqtt_settings {
    char *uri; /* as Paho wants it: tcp://host:port or ssl://host:port */
    char *client_id, *username, *password;
    char *ca_file, *cert_file, *key_file;
    char *will_topic, *will_payload;
    size_t will_size; /* bytes */
    char **subscriptions;
    int subscription_count;
    size_t queue_max; /* messages */
    unsigned version; /* 5 or 4: what to try first */
    unsigned keepalive_s, receive_maximum, session_expiry_s, retry_ms_min, retry_ms_max;
    bool tls;
};

/* Paho's callbacks for one attempt to connect; all get the same context. */
struct xd_mqtt_attempt {
    void *context;
    bool clean; /* the session begins anew, at both ends */
    MQTTAsync_onSuccess5 *succeeded5;
    MQTTAsync_onFailure *failed;
    MQTTAsync_onFailure5 *failed5;
    /* OpenSSL's own words on a failing handshake, one or more before `failed`. */
    int (*tls_said)(const char *text, size_t size, void *context);
};

/* Checks and copies config, filling in the defaults. XD_INVALID: the URL or a
 * name is wrong; XD_NO_MEMORY. On failure nothing is kept. */
XD_CHECKED enum xd_result xd_mqtt_settings_copy(const struct xd_mqtt_config *config,
                                                struct xd_mqtt_settings *out);
void xd_mqtt_settings_free(struct xd_mqtt_settings *settings);

/* Starts connecting with the protocol version given; the outcome comes by
 * attempt's callbacks and MQTTAsync_setConnected's. Returns Paho's code; on
 * another than MQTTASYNC_SUCCESS no callback comes. */
XD_CHECKED int xd_mqtt_settings_connect(const struct xd_mqtt_settings *settings, MQTTAsync paho, int version,
                                        const struct xd_mqtt_attempt *attempt);

/* Whether text may name a topic to publish to: UTF-8, not empty, no wildcards,
 * at most 65535 bytes. Anything else makes a broker close the connection. */
bool xd_mqtt_topic_valid(const char *text);

#endif
