/* The MQTT connector's settings: checked once, at the start, because what Paho
 * or a broker would refuse later comes back as a connection that never comes up.
 *
 * The session is persistent in both protocol versions (3.1.1: clean session 0;
 * 5: clean start 0 and a session expiry), or messages sent by a WMS while the
 * agent is away would be dropped by the broker. */
#include "mqtt/settings.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_TIMEOUT_S 10
#define TOPIC_SIZE_MAX 65535u
#define HOST_SIZE_MAX 255u
#define DEFAULT_KEEPALIVE_S 20u
#define DEFAULT_RECEIVE_MAXIMUM 64u
#define DEFAULT_SESSION_EXPIRY_S (7u * 24u * 3600u)
#define DEFAULT_RETRY_MS_MIN 200u
#define DEFAULT_RETRY_MS_MAX 15000u
#define DEFAULT_QUEUE_MAX 1024u

/* ---- checking ---- */

static bool text_valid(const char *text, size_t size_max) {
    return text == NULL ||
           (text[0] != '\0' && strlen(text) <= size_max && xd_utf8_valid(xd_bytes_of_text(text)));
}

/* 1..65535, digits only; 0 when it is no port. */
static unsigned parse_port(const char *text) {
    unsigned port = 0;

    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9' || i == 5)
            return 0;
        port = port * 10u + (unsigned)(text[i] - '0');
    }
    return port <= 65535u ? port : 0;
}

/* Splits "host", "host:port", "[v6]" or "[v6]:port". size is the host's, with its brackets. */
static bool parse_authority(const char *text, size_t *size, unsigned *port) {
    const char *colon;

    if (text[0] == '[') {
        const char *end = strchr(text, ']');

        if (end == NULL || end == text + 1 || (end[1] != '\0' && end[1] != ':'))
            return false;
        colon = end[1] == ':' ? end + 1 : NULL;
    } else {
        colon = strchr(text, ':');
    }
    *size = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if (*size == 0 || *size > HOST_SIZE_MAX || strcspn(text, "/?#@ ") < *size)
        return false;
    if (colon != NULL)
        *port = parse_port(colon + 1);
    return *port != 0;
}

static enum xd_result parse_url(const char *url, struct xd_mqtt_settings *out) {
    static const char plain[] = "mqtt://", secure[] = "mqtts://";
    char uri[HOST_SIZE_MAX + 16];
    const char *authority;
    unsigned port;
    size_t size;

    if (url == NULL)
        return XD_INVALID;
    if (strncmp(url, plain, sizeof plain - 1) == 0) {
        authority = url + sizeof plain - 1;
        port = 1883;
    } else if (strncmp(url, secure, sizeof secure - 1) == 0) {
        authority = url + sizeof secure - 1;
        port = 8883;
        out->tls = true;
    } else {
        return XD_INVALID;
    }
    if (!parse_authority(authority, &size, &port))
        return XD_INVALID;
    if (snprintf(uri, sizeof uri, "%s://%.*s:%u", out->tls ? "ssl" : "tcp", (int)size, authority, port) >=
        (int)sizeof uri)
        return XD_INVALID;
    out->uri = xd_copy_text(uri);
    return out->uri != NULL ? XD_OK : XD_NO_MEMORY;
}

static enum xd_result check(const struct xd_mqtt_config *config) {
    if (config->client_id == NULL || !text_valid(config->client_id, TOPIC_SIZE_MAX))
        return XD_INVALID;
    if (!text_valid(config->username, TOPIC_SIZE_MAX) || !text_valid(config->password, TOPIC_SIZE_MAX))
        return XD_INVALID;
    if (config->password != NULL && config->username == NULL)
        return XD_INVALID; /* 3.1.1 has no password without a user */
    if (config->version != 0 && config->version != 4 && config->version != 5)
        return XD_INVALID;
    if (config->keepalive_s > 65535u || config->receive_maximum > 65535u)
        return XD_INVALID;
    if (config->will_topic != NULL &&
        (!xd_mqtt_topic_valid(config->will_topic) || config->will_payload.size > TOPIC_SIZE_MAX))
        return XD_INVALID;
    for (size_t i = 0; config->subscriptions != NULL && config->subscriptions[i] != NULL; i++)
        if (!text_valid(config->subscriptions[i], TOPIC_SIZE_MAX))
            return XD_INVALID;
    return XD_OK;
}

/* ---- copying ---- */

static bool copy_text(const char *text, char **out) {
    *out = xd_copy_text(text);
    return text == NULL || *out != NULL;
}

static bool copy_subscriptions(const char *const *list, struct xd_mqtt_settings *out) {
    size_t count = 0;

    while (list != NULL && list[count] != NULL)
        count++;
    out->subscriptions = xd_alloc((count + 1) * sizeof *out->subscriptions);
    if (out->subscriptions == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!copy_text(list[i], &out->subscriptions[i]))
            return false;
        out->subscription_count++;
    }
    return true;
}

static bool copy_will(const struct xd_mqtt_config *config, struct xd_mqtt_settings *out) {
    if (config->will_topic == NULL)
        return true;
    out->will_size = config->will_payload.size;
    out->will_payload = xd_copy_bytes(config->will_payload.data, config->will_payload.size);
    return out->will_payload != NULL && copy_text(config->will_topic, &out->will_topic);
}

static unsigned or_default(unsigned value, unsigned def) {
    return value != 0 ? value : def;
}

static void copy_numbers(const struct xd_mqtt_config *config, struct xd_mqtt_settings *out) {
    out->version = or_default(config->version, 5);
    out->keepalive_s = or_default(config->keepalive_s, DEFAULT_KEEPALIVE_S);
    out->receive_maximum = or_default(config->receive_maximum, DEFAULT_RECEIVE_MAXIMUM);
    out->session_expiry_s = or_default(config->session_expiry_s, DEFAULT_SESSION_EXPIRY_S);
    out->retry_ms_min = or_default(config->retry_ms_min, DEFAULT_RETRY_MS_MIN);
    out->retry_ms_max = or_default(config->retry_ms_max, DEFAULT_RETRY_MS_MAX);
    if (out->retry_ms_max < out->retry_ms_min)
        out->retry_ms_max = out->retry_ms_min;
    out->queue_max = config->queue_max != 0 ? config->queue_max : DEFAULT_QUEUE_MAX;
}

/* ---- telling Paho ---- */

static int add_number(MQTTProperties *properties, enum MQTTPropertyCodes code, unsigned value) {
    MQTTProperty property;

    memset(&property, 0, sizeof property);
    property.identifier = code;
    if (code == MQTTPROPERTY_CODE_RECEIVE_MAXIMUM)
        property.value.integer2 = (unsigned short)value;
    else
        property.value.integer4 = value;
    return MQTTProperties_add(properties, &property);
}

static MQTTAsync_SSLOptions tls_options(const struct xd_mqtt_settings *settings,
                                        const struct xd_mqtt_attempt *attempt) {
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;

    tls.trustStore = settings->ca_file;
    tls.keyStore = settings->cert_file;
    tls.privateKey = settings->key_file;
    tls.sslVersion = MQTT_SSL_VERSION_TLS_1_2; /* at least */
    tls.enableServerCertAuth = 1;
    tls.verify = 1; /* the host's name; off by default, and then any certificate would do */
    tls.ssl_error_cb = attempt->tls_said;
    tls.ssl_error_context = attempt->context;
    return tls;
}

static MQTTAsync_willOptions will_options(const struct xd_mqtt_settings *settings) {
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;

    will.topicName = settings->will_topic;
    will.payload.data = settings->will_payload;
    will.payload.len = (int)settings->will_size;
    will.retained = 1;
    will.qos = 1;
    return will;
}

static MQTTAsync_connectOptions connect_options(const struct xd_mqtt_settings *settings, int version,
                                                const struct xd_mqtt_attempt *attempt) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;

    options.MQTTVersion = version;
    options.cleanstart = version >= MQTTVERSION_5 && attempt->clean;
    options.cleansession = version < MQTTVERSION_5 && attempt->clean;
    options.keepAliveInterval = (int)settings->keepalive_s;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.automaticReconnect = 0;
    options.username = settings->username;
    options.password = settings->password;
    options.context = attempt->context;
    if (version >= MQTTVERSION_5) {
        options.onSuccess5 = attempt->succeeded5;
        options.onFailure5 = attempt->failed5;
    } else {
        options.onFailure = attempt->failed;
    }
    return options;
}

/* ---- for the connector ---- */

bool xd_mqtt_topic_valid(const char *text) {
    return text != NULL && text_valid(text, TOPIC_SIZE_MAX) && strpbrk(text, "+#") == NULL;
}

enum xd_result xd_mqtt_settings_copy(const struct xd_mqtt_config *config, struct xd_mqtt_settings *out) {
    enum xd_result result = check(config);

    memset(out, 0, sizeof *out);
    if (result != XD_OK)
        return result;
    result = parse_url(config->url, out);
    if (result == XD_OK &&
        (!copy_text(config->client_id, &out->client_id) || !copy_text(config->username, &out->username) ||
         !copy_text(config->password, &out->password) || !copy_text(config->ca_file, &out->ca_file) ||
         !copy_text(config->cert_file, &out->cert_file) || !copy_text(config->key_file, &out->key_file) ||
         !copy_subscriptions(config->subscriptions, out) || !copy_will(config, out)))
        result = XD_NO_MEMORY;
    if (result != XD_OK) {
        xd_mqtt_settings_free(out);
        return result;
    }
    copy_numbers(config, out);
    return XD_OK;
}

void xd_mqtt_settings_free(struct xd_mqtt_settings *settings) {
    for (int i = 0; i < settings->subscription_count; i++)
        xd_free(settings->subscriptions[i]);
    xd_free(settings->subscriptions);
    xd_free(settings->uri);
    xd_free(settings->client_id);
    xd_free(settings->username);
    xd_free(settings->password);
    xd_free(settings->ca_file);
    xd_free(settings->cert_file);
    xd_free(settings->key_file);
    xd_free(settings->will_topic);
    xd_free(settings->will_payload);
    memset(settings, 0, sizeof *settings);
}

int xd_mqtt_settings_connect(const struct xd_mqtt_settings *settings, MQTTAsync paho, int version,
                             const struct xd_mqtt_attempt *attempt) {
    MQTTAsync_connectOptions options = connect_options(settings, version, attempt);
    MQTTAsync_SSLOptions tls = tls_options(settings, attempt);
    MQTTAsync_willOptions will = will_options(settings);
    MQTTProperties properties = MQTTProperties_initializer;
    int code = 0;

    if (settings->tls)
        options.ssl = &tls;
    if (settings->will_topic != NULL)
        options.will = &will;
    if (version >= MQTTVERSION_5) {
        code = add_number(&properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, settings->session_expiry_s);
        if (code == 0)
            code = add_number(&properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, settings->receive_maximum);
        options.connectProperties = &properties;
    }
    if (code == 0)
        code = MQTTAsync_connect(paho, &options); /* copies all of it */
    MQTTProperties_free(&properties);
    return code;
}
