/* MQTT by Paho MQTTAsync: one thread of ours drives one Paho client.
 *
 *   DOWN --attempt--> CONNECTING --CONNACK--> SUBSCRIBING --SUBACK--> UP
 *    ^                    |                        |                  |
 *    +---refused, lost, no answer in time, cut-----+------------------+
 *
 * Paho's callbacks (callbacks.c) only note what happened (phase, why, counts) and wake our
 * thread; it alone connects, cuts, publishes and tells `up` and `down`. Paho's own
 * automatic reconnect is not used: it has no jitter, and it shares state with
 * connects made from callbacks.
 *
 * Locks. Paho holds one mutex for the process while it calls back, and nearly
 * every call into Paho takes it. `arrived` blocks under it until the turn has
 * committed. So: our lock is never held while calling Paho or the caller, and the
 * turn only ever takes our lock (xd_mqtt_publish), never Paho's.
 *
 * Arrival. The PUBACK is written by Paho's receiving thread after message_arrived
 * returns, on the same mutex. message_arrived always runs `arrived` to its end and
 * always returns 1, also while stopping: MQTTAsync_destroy waits for that mutex, so
 * a call under way finishes and is acknowledged, and what was not yet handed to us
 * was not acknowledged either: the broker keeps it for the session. (Returning 0
 * would acknowledge it all the same, and keep it in memory only.)
 *
 * Bounds. queue_max messages wait here, INFLIGHT_MAX are within Paho; the former survive
 * a reconnect, not the process. A connection with messages in flight and no
 * progress for STALL_MS is cut, lest a lost completion stop us for ever.
 *
 * Spoilt clients. When Paho cannot write a message it frees its payload, but keeps it among those that it
 * sends again on the next connection (its issues 1592 and 1621, open): what goes out then is whatever that
 * memory holds by now, and acknowledging or dropping it frees somebody else's. So a client whose connection
 * ended with something in flight is never used again, nor destroyed: it is left lying, and another one takes
 * the session over. That costs what was in flight, which was never receipted or is published again from its
 * row, and some memory: after ABANDONED_MAX of them the session begins anew on the client that is there.
 *
 * Paho sends again, on each connection of the session, what it holds unacknowledged.
 * Should the broker find fault with that, it would do so for ever: after DISPUTES_MAX
 * connections that it closed over a packet, the session begins anew. What that loses
 * was never receipted (or is published again from its row): its source asks again. */
#include "mqtt/mqtt.h"

#include "base/memory.h"
#include "mqtt/settings.h"
#include "mqtt/state.h"

#include <MQTTAsync.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define INFLIGHT_MAX 64u /* messages handed to Paho and not acknowledged */
#define STALL_MS 30000   /* at most; two keepalives when that is less */
#define LOOK_MS 1000     /* between looks for a stall */
#define STEADY_MS 5000   /* a connection that lived so long starts the backoff anew */
#define PAUSE_MS 50      /* after Paho would not take a message */
#define FAREWELL_MS 1000
#define DISPUTES_MAX 3u
#define ABANDONED_MAX 1024u    /* clients left lying; each holds INFLIGHT_MAX messages at most */
#define REFUSALS_UNSAID_MAX 5u /* closed without CONNACK so often: it may not know version 5 */
#define CORRELATION_SIZE_MAX 65535u
#define PAYLOAD_SIZE_MAX ((size_t)64 * 1024 * 1024)
#define PACKET_OVERHEAD 32u  /* more than a PUBLISH adds to topic, correlation data and payload */
#define PAHO_NO_MEMORY (-99) /* not in its headers */

/* ---- time and chance ---- */

/* Waits for a change, at most until then. The lock is held. */
static void wait_until(struct xd_mqtt *mqtt, int64_t then_ms) {
    struct timespec then = {.tv_sec = (time_t)(then_ms / 1000), .tv_nsec = (long)(then_ms % 1000) * 1000000};

    (void)pthread_cond_timedwait(&mqtt->changed, &mqtt->lock, &then); /* the caller looks again either way */
}

/* Full jitter: anything between 0 and min(max, min << failures). */
static int64_t backoff_ms(const struct xd_mqtt *mqtt) {
    unsigned shift = mqtt->failures < 20 ? mqtt->failures : 20;
    uint64_t span = (uint64_t)mqtt->settings.retry_ms_min << shift;
    uint32_t chance = 0;

    if (span > mqtt->settings.retry_ms_max)
        span = mqtt->settings.retry_ms_max;
    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) != (ssize_t)sizeof chance)
        chance = (uint32_t)xd_mqtt_now_ms() * 2654435761u; /* early at boot: any spread will do */
    return (int64_t)((uint64_t)chance % (span + 1));
}

/* ---- what is to be sent ---- */

static struct xd_mqtt_outgoing *outgoing_new(const struct xd_mqtt_message *message) {
    size_t topic_size = strlen(message->topic) + 1;
    size_t payload_size = message->payload.size, correlation_size = message->correlation_data.size;
    struct xd_mqtt_outgoing *out = xd_alloc(sizeof *out + topic_size + payload_size + correlation_size);
    char *at;

    if (out == NULL)
        return NULL;
    at = (char *)(out + 1);
    out->topic = memcpy(at, message->topic, topic_size);
    out->payload = at + topic_size;
    out->payload_size = payload_size;
    if (payload_size > 0)
        memcpy(out->payload, message->payload.data, payload_size);
    out->correlation = at + topic_size + payload_size;
    out->correlation_size = correlation_size;
    if (correlation_size > 0)
        memcpy(out->correlation, message->correlation_data.data, correlation_size);
    out->retained = message->retained;
    return out;
}

static struct xd_mqtt_outgoing *queue_take(struct xd_mqtt *mqtt) {
    struct xd_mqtt_outgoing *out = mqtt->first;

    mqtt->first = out->next;
    if (mqtt->first == NULL)
        mqtt->last = &mqtt->first;
    mqtt->queued--;
    return out;
}

static void queue_put_back(struct xd_mqtt *mqtt, struct xd_mqtt_outgoing *out) {
    out->next = mqtt->first;
    if (mqtt->first == NULL)
        mqtt->last = &out->next;
    mqtt->first = out;
    mqtt->queued++;
}

/* ---- our thread: connecting ---- */

/* The lock is not held. */
static bool create_paho(struct xd_mqtt *mqtt) {
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;

    options.MQTTVersion = mqtt->version;
    options.maxBufferedMessages = (int)(2 * INFLIGHT_MAX);
    if (MQTTAsync_createWithOptions(&mqtt->paho, mqtt->settings.uri, mqtt->settings.client_id,
                                    MQTTCLIENT_PERSISTENCE_NONE, NULL, &options) != MQTTASYNC_SUCCESS)
        return false;
    if (xd_mqtt_callbacks_set(mqtt) == MQTTASYNC_SUCCESS)
        return true;
    MQTTAsync_destroy(&mqtt->paho);
    return false;
}

/* Another client instead of one that is spoilt; the lock is not held. */
static bool renew_paho(struct xd_mqtt *mqtt) {
    MQTTAsync spoilt = mqtt->paho;

    if (!xd_mqtt_callbacks_silence(spoilt))
        return false;
    if (create_paho(mqtt))
        return true;
    mqtt->paho = spoilt;
    return false;
}

static void attempt(struct xd_mqtt *mqtt) {
    struct xd_mqtt_attempt callbacks = xd_mqtt_callbacks_of_attempt(mqtt);
    bool renews = mqtt->spoilt && mqtt->abandoned < ABANDONED_MAX, renewed = false;
    int code;

    callbacks.clean = mqtt->disputes >= DISPUTES_MAX || (mqtt->spoilt && !renews);
    if (callbacks.clean || renews)
        mqtt->inflight = 0; /* Paho drops them */
    mqtt->phase = XD_MQTT_CONNECTING;
    mqtt->under_way = true;
    mqtt->version_refused = false;
    mqtt->tls_why[0] = '\0';
    mqtt->deadline_ms = xd_mqtt_now_ms() + XD_MQTT_ANSWER_MS;
    mqtt->packet_max = 0;
    pthread_mutex_unlock(&mqtt->lock);
    /* Asking first also waits for Paho's mutex, so that the callback which told of the
     * last connection's end is over before a new one begins (Paho's issue 1341). */
    if (MQTTAsync_isConnected(mqtt->paho)) {
        MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

        code = MQTTAsync_disconnect(mqtt->paho, &options);
        if (code == MQTTASYNC_SUCCESS)
            code = MQTTASYNC_OPERATION_INCOMPLETE;
    } else if (renews && !renew_paho(mqtt)) {
        code = PAHO_NO_MEMORY;
    } else {
        renewed = renews;
        code = xd_mqtt_settings_connect(&mqtt->settings, mqtt->paho, mqtt->version, &callbacks);
    }
    pthread_mutex_lock(&mqtt->lock);
    if (renewed) {
        mqtt->spoilt = false;
        mqtt->abandoned++;
    }
    if (code != MQTTASYNC_SUCCESS && mqtt->phase == XD_MQTT_CONNECTING) {
        mqtt->phase = XD_MQTT_DOWN;
        xd_mqtt_why_set(mqtt, "cannot connect to the broker", MQTTAsync_strerror(code));
    }
}

/* Ends a connection that is of no use. */
static void cut(struct xd_mqtt *mqtt, const char *why) {
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

    mqtt->phase = XD_MQTT_DOWN;
    if (why != NULL)
        xd_mqtt_why_set(mqtt, why, NULL);
    pthread_mutex_unlock(&mqtt->lock);
    (void)MQTTAsync_disconnect(mqtt->paho, &options); /* fails when it is gone already: as well */
    pthread_mutex_lock(&mqtt->lock);
}

/* Whether to go on with 3.1.1. For good: Paho cannot take a client back to 5. */
static bool falls_back(struct xd_mqtt *mqtt) {
    if (mqtt->version < MQTTVERSION_5)
        return false;
    if (mqtt->version_refused)
        return true;
    /* Some brokers just close the connection, but so does one that is being killed. */
    if (mqtt->version_proven ||
        (strstr(mqtt->why, "TCP connect completion") == NULL && strstr(mqtt->why, "socket error") == NULL)) {
        mqtt->refusals_unsaid = 0;
        return false;
    }
    return ++mqtt->refusals_unsaid >= REFUSALS_UNSAID_MAX;
}

/* Deals with the end of an attempt or a connection: the backoff, and telling it. */
static void settle(struct xd_mqtt *mqtt) {
    int64_t now = xd_mqtt_now_ms();
    bool was_up = mqtt->told_up;

    mqtt->under_way = false;
    mqtt->told_up = false;
    mqtt->spoilt = mqtt->spoilt || mqtt->inflight > 0;
    if (falls_back(mqtt)) {
        mqtt->version = MQTTVERSION_3_1_1;
        mqtt->next_attempt_ms = now;
        return;
    }
    if (was_up && now - mqtt->up_since_ms >= STEADY_MS)
        mqtt->failures = mqtt->disputes = 0;
    mqtt->next_attempt_ms = now + backoff_ms(mqtt);
    mqtt->failures++;
    if (was_up || strcmp(mqtt->why, mqtt->told_why) != 0) {
        (void)snprintf(mqtt->told_why, sizeof mqtt->told_why, "%s", mqtt->why);
        pthread_mutex_unlock(&mqtt->lock);

        mqtt->events.down(mqtt->events.context, mqtt->told_why);
        pthread_mutex_lock(&mqtt->lock);
    }
}

static void tell_up(struct xd_mqtt *mqtt) {
    mqtt->told_up = true;
    mqtt->told_why[0] = '\0';
    mqtt->up_since_ms = xd_mqtt_now_ms();
    pthread_mutex_unlock(&mqtt->lock);
    mqtt->events.up(mqtt->events.context);
    pthread_mutex_lock(&mqtt->lock);
}

/* ---- our thread: sending ---- */

static int hand_to_paho(struct xd_mqtt *mqtt, const struct xd_mqtt_outgoing *out) {
    MQTTAsync_message message = MQTTAsync_message_initializer;
    MQTTAsync_responseOptions response = xd_mqtt_callbacks_of_message(mqtt);
    MQTTProperty correlation;
    int code = 0;

    message.payload = out->payload;
    message.payloadlen = (int)out->payload_size;
    message.qos = 1;
    message.retained = out->retained;
    if (mqtt->version >= MQTTVERSION_5 && out->correlation_size > 0) {
        memset(&correlation, 0, sizeof correlation);
        correlation.identifier = MQTTPROPERTY_CODE_CORRELATION_DATA;
        correlation.value.data.data = out->correlation;
        correlation.value.data.len = (int)out->correlation_size;
        code = MQTTProperties_add(&message.properties, &correlation);
    }
    if (code == 0)
        code = MQTTAsync_sendMessage(mqtt->paho, out->topic, &message, &response); /* copies */
    MQTTProperties_free(&message.properties);
    return code;
}

/* What another try may mend; anything else is wrong with the message itself. */
static bool is_passing(int code) {
    return code == MQTTASYNC_DISCONNECTED || code == MQTTASYNC_NO_MORE_MSGIDS ||
           code == MQTTASYNC_MAX_BUFFERED_MESSAGES || code == PAHO_NO_MEMORY;
}

/* Sends the first of the queue, if it may go. */
static bool send_one(struct xd_mqtt *mqtt) {
    struct xd_mqtt_outgoing *out;
    int code;

    if (mqtt->first == NULL || mqtt->inflight >= INFLIGHT_MAX)
        return false;
    out = queue_take(mqtt);
    if (mqtt->inflight++ == 0) /* counted before: the answer may come before the call returns */
        mqtt->progress_ms = xd_mqtt_now_ms();
    pthread_mutex_unlock(&mqtt->lock);
    code = hand_to_paho(mqtt, out);
    pthread_mutex_lock(&mqtt->lock);
    if (code == MQTTASYNC_SUCCESS || !is_passing(code)) {
        xd_free(out);
    } else {
        queue_put_back(mqtt, out);
    }
    if (code != MQTTASYNC_SUCCESS) {
        if (mqtt->inflight > 0)
            mqtt->inflight--;
        wait_until(mqtt, xd_mqtt_now_ms() + PAUSE_MS);
    }
    return true;
}

static bool stalled(const struct xd_mqtt *mqtt) {
    int64_t patience_ms = (int64_t)mqtt->settings.keepalive_s * 2000;

    if (patience_ms > STALL_MS)
        patience_ms = STALL_MS;
    return mqtt->inflight > 0 && !mqtt->arriving && xd_mqtt_now_ms() - mqtt->progress_ms >= patience_ms;
}

/* ---- our thread: the loop ---- */

/* One step of the machine above; the lock is held on entry and on return. */
static void step(struct xd_mqtt *mqtt) {
    int64_t now = xd_mqtt_now_ms();

    switch (mqtt->phase) {
    case XD_MQTT_DOWN:
        if (mqtt->under_way)
            settle(mqtt);
        else if (now >= mqtt->next_attempt_ms)
            attempt(mqtt);
        else
            wait_until(mqtt, mqtt->next_attempt_ms);
        break;
    case XD_MQTT_CONNECTING:
    case XD_MQTT_SUBSCRIBING:
        if (now >= mqtt->deadline_ms)
            cut(mqtt, "the broker does not answer");
        else
            wait_until(mqtt, mqtt->deadline_ms);
        break;
    case XD_MQTT_USELESS:
        cut(mqtt, NULL);
        break;
    case XD_MQTT_UP:
        if (!mqtt->told_up)
            tell_up(mqtt);
        else if (stalled(mqtt))
            cut(mqtt, "the broker acknowledges nothing");
        else if (!send_one(mqtt))
            wait_until(mqtt, now + LOOK_MS);
        break;
    }
}

/* Sends what is queued and waits for the acknowledgements, within bounds. */
static void farewell(struct xd_mqtt *mqtt) {
    int64_t until = xd_mqtt_now_ms() + FAREWELL_MS;

    while (mqtt->phase == XD_MQTT_UP && (mqtt->queued > 0 || mqtt->inflight > 0) && xd_mqtt_now_ms() < until)
        if (!send_one(mqtt))
            wait_until(mqtt, until);
}

static void *run(void *context) {
    struct xd_mqtt *mqtt = context;

    pthread_mutex_lock(&mqtt->lock);
    while (!mqtt->stopping)
        step(mqtt);
    farewell(mqtt);
    pthread_mutex_unlock(&mqtt->lock);
    /* Sends DISCONNECT, so that no will follows, and ends Paho's threads. */
    if (!mqtt->spoilt || MQTTAsync_isConnected(mqtt->paho) || !xd_mqtt_callbacks_silence(mqtt->paho))
        MQTTAsync_destroy(&mqtt->paho);
    return NULL;
}

/* ---- starting ---- */

static void release(struct xd_mqtt *mqtt) {
    while (mqtt->first != NULL)
        xd_free(queue_take(mqtt));
    (void)pthread_cond_destroy(&mqtt->changed);
    (void)pthread_mutex_destroy(&mqtt->lock);
    xd_mqtt_settings_free(&mqtt->settings);
    xd_free(mqtt->qos);
    xd_free(mqtt->subscribe_options);
    xd_free(mqtt);
}

static bool init_lock(struct xd_mqtt *mqtt) {
    pthread_condattr_t attributes;
    bool fine;

    if (pthread_mutex_init(&mqtt->lock, NULL) != 0)
        return false;
    if (pthread_condattr_init(&attributes) != 0) {
        (void)pthread_mutex_destroy(&mqtt->lock);
        return false;
    }
    fine = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
           pthread_cond_init(&mqtt->changed, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (!fine)
        (void)pthread_mutex_destroy(&mqtt->lock);
    return fine;
}

static bool make_subscriptions(struct xd_mqtt *mqtt) {
    static const MQTTSubscribe_options initial = MQTTSubscribe_options_initializer;
    size_t count = (size_t)mqtt->settings.subscription_count;

    mqtt->qos = xd_alloc((count + 1) * sizeof *mqtt->qos);
    mqtt->subscribe_options = xd_alloc((count + 1) * sizeof *mqtt->subscribe_options);
    if (mqtt->qos == NULL || mqtt->subscribe_options == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        mqtt->qos[i] = 1;
        mqtt->subscribe_options[i] = initial;
        mqtt->subscribe_options[i].retainHandling = 1; /* retained ones only when the session is new */
    }
    return true;
}

/* Signals are the main thread's: our thread, and Paho's that it starts, take none. */
static bool start_thread(struct xd_mqtt *mqtt) {
    sigset_t all, before;
    bool started;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    started = pthread_create(&mqtt->thread, NULL, run, mqtt) == 0;
    return pthread_sigmask(SIG_SETMASK, &before, NULL) == 0 && started;
}

enum xd_result xd_mqtt_start(const struct xd_mqtt_config *config, const struct xd_mqtt_events *events,
                             struct xd_mqtt **out) {
    struct xd_mqtt *mqtt = xd_alloc(sizeof *mqtt);
    enum xd_result result;

    if (mqtt == NULL)
        return XD_NO_MEMORY;
    result = xd_mqtt_settings_copy(config, &mqtt->settings);
    if (result != XD_OK || !init_lock(mqtt)) {
        xd_mqtt_settings_free(&mqtt->settings);
        xd_free(mqtt);
        return result != XD_OK ? result : XD_NO_MEMORY;
    }
    mqtt->events = *events;
    mqtt->last = &mqtt->first;
    mqtt->version = mqtt->settings.version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    if (!make_subscriptions(mqtt) || !create_paho(mqtt)) {
        release(mqtt);
        return XD_NO_MEMORY;
    }
    if (!start_thread(mqtt)) {
        MQTTAsync_destroy(&mqtt->paho);
        release(mqtt);
        return XD_IO;
    }
    *out = mqtt;
    return XD_OK;
}

enum xd_result xd_mqtt_publish(struct xd_mqtt *mqtt, const struct xd_mqtt_message *message) {
    struct xd_mqtt_outgoing *out;
    size_t packet_size;
    enum xd_result result = XD_OK;

    if (!xd_mqtt_topic_valid(message->topic) || message->payload.size > PAYLOAD_SIZE_MAX ||
        message->correlation_data.size > CORRELATION_SIZE_MAX)
        return XD_INVALID;
    packet_size =
        strlen(message->topic) + message->payload.size + message->correlation_data.size + PACKET_OVERHEAD;
    out = outgoing_new(message);
    if (out == NULL)
        return XD_NO_MEMORY;
    pthread_mutex_lock(&mqtt->lock);
    /* While subscribing too: what the session kept arrives then and is answered. */
    bool connected = mqtt->phase == XD_MQTT_UP || mqtt->phase == XD_MQTT_SUBSCRIBING;
    if (mqtt->stopping || !connected || mqtt->queued >= mqtt->settings.queue_max) {
        result = XD_AGAIN;
    } else if (mqtt->packet_max > 0 && packet_size > mqtt->packet_max) {
        result = XD_INVALID; /* the broker would close the connection, again and again */
    } else {
        *mqtt->last = out;
        mqtt->last = &out->next;
        mqtt->queued++;
        pthread_cond_signal(&mqtt->changed);
    }
    pthread_mutex_unlock(&mqtt->lock);
    if (result != XD_OK)
        xd_free(out);
    return result;
}

void xd_mqtt_stop(struct xd_mqtt *mqtt) {
    pthread_mutex_lock(&mqtt->lock);
    mqtt->stopping = true;
    pthread_cond_signal(&mqtt->changed);
    pthread_mutex_unlock(&mqtt->lock);
    (void)pthread_join(mqtt->thread, NULL); /* cannot fail: joined once, not by itself */
    release(mqtt);
}
