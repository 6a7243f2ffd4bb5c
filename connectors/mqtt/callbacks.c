/* What Paho's threads tell the MQTT connector, under Paho's mutex: each callback
 * notes it under our lock and wakes our thread, which does the rest. The one that
 * takes its time is message_arrived; mqtt.c's opening says why it may. */
#include "mqtt/state.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- connecting ---- */

static void note_down(struct xd_mqtt *mqtt, const char *what, const char *detail) {
    pthread_mutex_lock(&mqtt->lock);
    if (mqtt->phase != XD_MQTT_DOWN) {
        mqtt->phase = XD_MQTT_DOWN;
        xd_mqtt_why_set(mqtt, what, detail);
        pthread_cond_signal(&mqtt->changed);
    }
    pthread_mutex_unlock(&mqtt->lock);
}

static void note_phase(struct xd_mqtt *mqtt, enum xd_mqtt_phase phase) {
    pthread_mutex_lock(&mqtt->lock);
    mqtt->phase = phase;
    mqtt->under_way = true;
    mqtt->deadline_ms = xd_mqtt_now_ms() + XD_MQTT_ANSWER_MS;
    mqtt->progress_ms = xd_mqtt_now_ms();
    pthread_cond_signal(&mqtt->changed);
    pthread_mutex_unlock(&mqtt->lock);
}

static void connection_lost(void *context, char *cause) {
    note_down(context, "the connection was lost", cause);
}

/* A DISCONNECT sent by the broker (version 5). connection_lost does not always follow. */
static void broker_disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason) {
    struct xd_mqtt *mqtt = context;

    (void)properties;
    pthread_mutex_lock(&mqtt->lock);
    mqtt->disputes += reason == MQTTREASONCODE_MALFORMED_PACKET || reason == MQTTREASONCODE_PROTOCOL_ERROR;
    pthread_mutex_unlock(&mqtt->lock);
    note_down(context, "the broker closed the connection", MQTTReasonCode_toString(reason));
}

/* The broker said that it does not know the protocol version: 0x84, or the answer
 * of a 3.1.1 broker, CONNACK with return code 1. */
static bool is_version_refusal(int code) {
    return code == MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION || code == 1;
}

/* Paho says "TCP/TLS connect failure" for whatever it was; OpenSSL may know better. */
static int tls_said(const char *text, size_t size, void *context) {
    struct xd_mqtt *mqtt = context;
    const char *colon = memchr(text, ':', size); /* behind the thread's number */

    if (colon != NULL) {
        size -= (size_t)(colon + 1 - text);
        text = colon + 1;
    }
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == ':'))
        size--;
    pthread_mutex_lock(&mqtt->lock);
    (void)snprintf(mqtt->tls_why, sizeof mqtt->tls_why, "%.*s", (int)size, text);
    pthread_mutex_unlock(&mqtt->lock);
    return 1;
}

static void note_refused(struct xd_mqtt *mqtt, const char *said, bool version_refused) {
    char detail[100];

    pthread_mutex_lock(&mqtt->lock);
    mqtt->version_refused = version_refused;
    (void)snprintf(detail, sizeof detail, "%.99s",
                   mqtt->tls_why[0] != '\0' ? mqtt->tls_why
                   : said != NULL           ? said
                                            : "no reason given");
    pthread_mutex_unlock(&mqtt->lock);
    note_down(mqtt, "cannot connect to the broker", detail);
}

static void connect_failed5(void *context, MQTTAsync_failureData5 *data) {
    const char *said = data != NULL ? data->message : NULL;
    int code = data != NULL ? data->code : 0; /* a CONNACK's reason comes here, not in reasonCode */

    if (code >= 0x80)
        said = MQTTReasonCode_toString((enum MQTTReasonCodes)code);
    note_refused(context, said, is_version_refusal(code));
}

static void connect_failed(void *context, MQTTAsync_failureData *data) {
    static const char *const refusals[] = {NULL,
                                           "unacceptable protocol version",
                                           "client identifier rejected",
                                           "server unavailable",
                                           "bad user name or password",
                                           "not authorized"};
    const char *said = data != NULL ? data->message : NULL;

    if (data != NULL && data->code > 0 && data->code < (int)(sizeof refusals / sizeof *refusals))
        said = refusals[data->code];
    note_refused(context, said, false);
}

static void connect_succeeded5(void *context, MQTTAsync_successData5 *data) {
    struct xd_mqtt *mqtt = context;
    size_t packet_max = 0;

    if (data != NULL && MQTTProperties_hasProperty(&data->properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE))
        packet_max = (size_t)(unsigned)MQTTProperties_getNumericValue(&data->properties,
                                                                      MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE);
    pthread_mutex_lock(&mqtt->lock);
    mqtt->packet_max = packet_max;
    mqtt->version_proven = true;
    pthread_mutex_unlock(&mqtt->lock);
}

static void subscribe_refused(struct xd_mqtt *mqtt, const char *detail) {
    pthread_mutex_lock(&mqtt->lock);
    if (mqtt->phase == XD_MQTT_SUBSCRIBING) {
        mqtt->phase = XD_MQTT_USELESS;
        xd_mqtt_why_set(mqtt, "the broker refused a subscription", detail);
        pthread_cond_signal(&mqtt->changed);
    }
    pthread_mutex_unlock(&mqtt->lock);
}

static void subscribe_failed(void *context, MQTTAsync_failureData *data) {
    subscribe_refused(context, data != NULL ? data->message : NULL);
}

static void subscribe_failed5(void *context, MQTTAsync_failureData5 *data) {
    subscribe_refused(context, data != NULL ? MQTTReasonCode_toString(data->reasonCode) : NULL);
}

/* With several subscriptions Paho calls it a success whatever the broker said to each. */
static void subscribe_succeeded(void *context, MQTTAsync_successData *data) {
    struct xd_mqtt *mqtt = context;

    for (int i = 0; mqtt->settings.subscription_count > 1 && i < mqtt->settings.subscription_count; i++) {
        if (data->alt.qosList[i] >= 0x80) {
            subscribe_refused(mqtt, mqtt->settings.subscriptions[i]);
            return;
        }
    }
    note_phase(mqtt, XD_MQTT_UP);
}

static void subscribe_succeeded5(void *context, MQTTAsync_successData5 *data) {
    struct xd_mqtt *mqtt = context;
    int count = data->alt.sub.reasonCodeCount;

    for (int i = 0; count > 1 && i < count && i < mqtt->settings.subscription_count; i++) {
        if ((int)data->alt.sub.reasonCodes[i] >= 0x80) {
            subscribe_refused(mqtt, mqtt->settings.subscriptions[i]);
            return;
        }
    }
    note_phase(mqtt, XD_MQTT_UP);
}

/* CONNACK is in. Subscribing from here, within Paho, comes before anything else
 * is sent; what the session kept for us may arrive even before. */
static void connected(void *context, char *cause) {
    struct xd_mqtt *mqtt = context;
    const struct xd_mqtt_settings *settings = &mqtt->settings;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

    (void)cause;
    if (settings->subscription_count == 0) {
        note_phase(mqtt, XD_MQTT_UP);
        return;
    }
    note_phase(mqtt, XD_MQTT_SUBSCRIBING);
    response.context = mqtt;
    if (mqtt->version >= MQTTVERSION_5) { /* set before the attempt, read during it: no lock needed */
        response.onSuccess5 = subscribe_succeeded5;
        response.onFailure5 = subscribe_failed5;
        response.subscribeOptions = mqtt->subscribe_options[0];
        response.subscribeOptionsList = mqtt->subscribe_options;
        response.subscribeOptionsCount = settings->subscription_count;
    } else {
        response.onSuccess = subscribe_succeeded;
        response.onFailure = subscribe_failed;
    }
    if (MQTTAsync_subscribeMany(mqtt->paho, settings->subscription_count, settings->subscriptions, mqtt->qos,
                                &response) != MQTTASYNC_SUCCESS)
        subscribe_refused(mqtt, "it could not be sent");
}

/* One message less in flight, however it ended: its source finds out by its own
 * means (a receipt is asked for again, a release is delivered until answered). */
static void publish_ended(struct xd_mqtt *mqtt) {
    pthread_mutex_lock(&mqtt->lock);
    if (mqtt->inflight > 0) /* what was in flight is counted as gone when its connection ends */
        mqtt->inflight--;
    mqtt->progress_ms = xd_mqtt_now_ms();
    pthread_cond_signal(&mqtt->changed);
    pthread_mutex_unlock(&mqtt->lock);
}

static void publish_succeeded(void *context, MQTTAsync_successData *data) {
    (void)data;
    publish_ended(context);
}

static void publish_succeeded5(void *context, MQTTAsync_successData5 *data) {
    (void)data;
    publish_ended(context);
}

static void note_spoilt(struct xd_mqtt *mqtt) {
    pthread_mutex_lock(&mqtt->lock);
    mqtt->spoilt = true;
    pthread_mutex_unlock(&mqtt->lock);
    publish_ended(mqtt);
}

static void publish_failed(void *context, MQTTAsync_failureData *data) {
    (void)data;
    note_spoilt(context);
}

/* With a reason code the broker refused it, and Paho has dealt with it as with an acknowledgement. */
static void publish_failed5(void *context, MQTTAsync_failureData5 *data) {
    if (data != NULL && data->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR)
        publish_ended(context);
    else
        note_spoilt(context);
}

/* ---- arrival ---- */

static void note_arriving(struct xd_mqtt *mqtt, bool arriving) {
    pthread_mutex_lock(&mqtt->lock);
    mqtt->arriving = arriving;
    mqtt->progress_ms = xd_mqtt_now_ms();
    pthread_mutex_unlock(&mqtt->lock);
}

/* The response topic as text of our own, or NULL: absent, or of no use to publish to. */
static char *response_topic(MQTTAsync_message *message) {
    MQTTProperty *property =
        MQTTProperties_getProperty(&message->properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC);
    char *text;

    if (property == NULL || property->value.data.len <= 0)
        return NULL;
    text = xd_copy_bytes(property->value.data.data, (size_t)property->value.data.len);
    if (text != NULL && (strlen(text) != (size_t)property->value.data.len || !xd_mqtt_topic_valid(text))) {
        xd_free(text);
        return NULL;
    }
    return text;
}

static int message_arrived(void *context, char *topic, int topic_size, MQTTAsync_message *paho) {
    struct xd_mqtt *mqtt = context;
    MQTTProperty *correlation =
        MQTTProperties_getProperty(&paho->properties, MQTTPROPERTY_CODE_CORRELATION_DATA);
    char *respond_to = response_topic(paho);
    struct xd_mqtt_message message = {
        /* A topic that holds a NUL byte is none of ours. */
        .topic = topic_size == 0 || strlen(topic) == (size_t)topic_size ? topic : "",
        .payload = xd_bytes_of(paho->payload, paho->payloadlen > 0 ? (size_t)paho->payloadlen : 0),
        .retained = paho->retained != 0,
        .duplicate = paho->dup != 0,
        .response_topic = respond_to,
    };

    if (correlation != NULL && correlation->value.data.len > 0)
        message.correlation_data =
            xd_bytes_of(correlation->value.data.data, (size_t)correlation->value.data.len);
    note_arriving(mqtt, true);
    mqtt->events.arrived(mqtt->events.context, &message);
    note_arriving(mqtt, false);
    xd_free(respond_to);
    MQTTAsync_freeMessage(&paho);
    MQTTAsync_free(topic);
    return 1;
}

/* ---- for our thread ---- */

int64_t xd_mqtt_now_ms(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void xd_mqtt_why_set(struct xd_mqtt *mqtt, const char *what, const char *detail) {
    (void)snprintf(mqtt->why, sizeof mqtt->why, detail != NULL ? "%s: %s" : "%s", what,
                   detail != NULL ? detail : "");
}

int xd_mqtt_callbacks_set(struct xd_mqtt *mqtt) {
    int code = MQTTAsync_setCallbacks(mqtt->paho, mqtt, connection_lost, message_arrived, NULL);

    if (code == MQTTASYNC_SUCCESS)
        code = MQTTAsync_setConnected(mqtt->paho, mqtt, connected);
    if (code == MQTTASYNC_SUCCESS)
        code = MQTTAsync_setDisconnected(mqtt->paho, mqtt, broker_disconnected);
    return code;
}

static void lost_silently(void *context, char *cause) {
    (void)context;
    (void)cause;
}

/* Never called, for the client never connects again; Paho wants one. */
static int arrived_silently(void *context, char *topic, int topic_size, MQTTAsync_message *message) {
    (void)context;
    (void)topic_size;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

bool xd_mqtt_callbacks_silence(MQTTAsync paho) {
    return MQTTAsync_setCallbacks(paho, NULL, lost_silently, arrived_silently, NULL) == MQTTASYNC_SUCCESS &&
           MQTTAsync_setConnected(paho, NULL, NULL) == MQTTASYNC_SUCCESS &&
           MQTTAsync_setDisconnected(paho, NULL, NULL) == MQTTASYNC_SUCCESS;
}

struct xd_mqtt_attempt xd_mqtt_callbacks_of_attempt(struct xd_mqtt *mqtt) {
    return (struct xd_mqtt_attempt){.context = mqtt,
                                    .succeeded5 = connect_succeeded5,
                                    .failed = connect_failed,
                                    .failed5 = connect_failed5,
                                    .tls_said = tls_said};
}

MQTTAsync_responseOptions xd_mqtt_callbacks_of_message(struct xd_mqtt *mqtt) {
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

    response.context = mqtt;
    if (mqtt->version >= MQTTVERSION_5) {
        response.onSuccess5 = publish_succeeded5;
        response.onFailure5 = publish_failed5;
    } else {
        response.onSuccess = publish_succeeded;
        response.onFailure = publish_failed;
    }
    return response;
}
