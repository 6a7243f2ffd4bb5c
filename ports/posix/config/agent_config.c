/* agent.yaml and the enrolment file, each by its table; then what only both
 * together can tell. */
#include "posix/config/agent_config.h"

#include "base/id.h"
#include "posix/config/checks.h"
#include "shared/config.h"

#include <stddef.h>
#include <string.h>

#define MQTT(member) offsetof(struct xd_agent_config_mqtt, member)
#define UPLINK(member) offsetof(struct xd_agent_config_uplink, member)
#define STORE(member) offsetof(struct xd_agent_config_store, member)
#define RELEASE(member) offsetof(struct xd_agent_config_release, member)
#define AGENT(member) offsetof(struct xd_agent_config, member)
#define ENROLMENT(member) offsetof(struct enrolment, member)
#define TERABYTE_MB (1024 * 1024)

struct enrolment_signing {
    const char *kid;
    struct xd_bytes key;
};

struct enrolment {
    const char *site;
    struct xd_agent_config_uplink uplink;
    struct enrolment_signing signing;
};

static const char *const mqtt_schemes[] = {"mqtt", "mqtts", NULL};
static const char *const amqp_schemes[] = {"amqp", "amqps", NULL};
static const char *const mqtt_versions[] = {"5", "3.1.1", NULL};
static const char *const foreign_topics[] = {"reject", "ignore", NULL};

static const struct xd_config_key mqtt_keys[] = {
    {.name = "url",
     .type = XD_CONFIG_URL,
     .fallback = "mqtt://127.0.0.1:1883",
     .names = mqtt_schemes,
     .offset = MQTT(url)},
    {.name = "client_id", .type = XD_CONFIG_TEXT, .max = 64, .offset = MQTT(client_id)},
    {.name = "username", .type = XD_CONFIG_TEXT, .offset = MQTT(username)},
    {.name = "password_file", .type = XD_CONFIG_SECRET, .offset = MQTT(password)},
    {.name = "ca_file", .type = XD_CONFIG_FILE, .offset = MQTT(ca_file)},
    {.name = "cert_file", .type = XD_CONFIG_FILE, .offset = MQTT(cert_file)},
    {.name = "key_file", .type = XD_CONFIG_FILE, .offset = MQTT(key_file)},
    {.name = "version",
     .type = XD_CONFIG_CHOICE,
     .fallback = "5",
     .names = mqtt_versions,
     .offset = MQTT(version)},
    {.name = "foreign_topics",
     .type = XD_CONFIG_CHOICE,
     .fallback = "reject",
     .names = foreign_topics,
     .offset = MQTT(foreign_topics)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key http_keys[] = {
    {.name = "listen",
     .type = XD_CONFIG_LISTEN,
     .fallback = "127.0.0.1:9101",
     .check = xd_check_loopback,
     .offset = offsetof(struct xd_agent_config_http, listen)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key store_keys[] = {
    {.name = "quota_mb",
     .type = XD_CONFIG_INTEGER,
     .fallback = "1024",
     .min = 1,
     .max = TERABYTE_MB,
     .offset = STORE(quota_mb)},
    {.name = "min_free_mb",
     .type = XD_CONFIG_INTEGER,
     .fallback = "64",
     .min = 0,
     .max = TERABYTE_MB,
     .offset = STORE(min_free_mb)},
    {.name = "reserve_mb",
     .type = XD_CONFIG_INTEGER,
     .fallback = "16",
     .min = 0,
     .max = TERABYTE_MB,
     .offset = STORE(reserve_mb)},
    {.name = "retention_days",
     .type = XD_CONFIG_INTEGER,
     .fallback = "7",
     .min = 0,
     .max = 3650,
     .offset = STORE(retention_days)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key release_keys[] = {
    {.name = "retry_s_min",
     .type = XD_CONFIG_INTEGER,
     .fallback = "5",
     .min = 1,
     .max = 86400,
     .offset = RELEASE(retry_s_min)},
    {.name = "retry_s_max",
     .type = XD_CONFIG_INTEGER,
     .fallback = "300",
     .min = 1,
     .max = 86400,
     .offset = RELEASE(retry_s_max)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key uplink_keys[] = {
    {.name = "url", .type = XD_CONFIG_URL, .names = amqp_schemes, .offset = UPLINK(url)},
    {.name = "vhost", .type = XD_CONFIG_TEXT, .max = 127, .offset = UPLINK(vhost)},
    {.name = "username", .type = XD_CONFIG_TEXT, .max = 127, .offset = UPLINK(username)},
    {.name = "password_file", .type = XD_CONFIG_SECRET, .offset = UPLINK(password)},
    {.name = "ca_file", .type = XD_CONFIG_FILE, .offset = UPLINK(ca_file)},
    {.name = "cert_file", .type = XD_CONFIG_FILE, .offset = UPLINK(cert_file)},
    {.name = "key_file", .type = XD_CONFIG_FILE, .offset = UPLINK(key_file)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key agent_keys[] = {
    {.name = "site", .type = XD_CONFIG_TEXT, .required = true, .check = xd_check_site, .offset = AGENT(site)},
    {.name = "state_dir",
     .type = XD_CONFIG_PATH,
     .fallback = "/var/lib/crossdock",
     .offset = AGENT(state_dir)},
    {.name = "enrolment_file", .type = XD_CONFIG_FILE, .required = true, .offset = AGENT(enrolment_file)},
    {.name = "mqtt", .type = XD_CONFIG_SECTION, .keys = mqtt_keys, .offset = AGENT(mqtt)},
    {.name = "http", .type = XD_CONFIG_SECTION, .keys = http_keys, .offset = AGENT(http)},
    {.name = "store", .type = XD_CONFIG_SECTION, .keys = store_keys, .offset = AGENT(store)},
    {.name = "release", .type = XD_CONFIG_SECTION, .keys = release_keys, .offset = AGENT(release)},
    {.name = "uplink", .type = XD_CONFIG_SECTION, .keys = uplink_keys, .offset = AGENT(uplink)},
    {.name = "status_interval_s",
     .type = XD_CONFIG_INTEGER,
     .fallback = "30",
     .min = 1,
     .max = 3600,
     .offset = AGENT(status_interval_s)},
    {.name = "log_level",
     .type = XD_CONFIG_CHOICE,
     .fallback = "info",
     .names = xd_log_level_names,
     .offset = AGENT(log_level)},
    {.type = XD_CONFIG_END},
};

/* The enrolment file: the hub's `sites add` writes it, nobody edits it. */
static const struct xd_config_key enrolment_uplink_keys[] = {
    {.name = "url", .type = XD_CONFIG_URL, .required = true, .names = amqp_schemes, .offset = UPLINK(url)},
    {.name = "vhost", .type = XD_CONFIG_TEXT, .required = true, .max = 127, .offset = UPLINK(vhost)},
    {.name = "username", .type = XD_CONFIG_TEXT, .required = true, .max = 127, .offset = UPLINK(username)},
    {.name = "password", .type = XD_CONFIG_TEXT, .required = true, .offset = UPLINK(password)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key enrolment_signing_keys[] = {
    {.name = "kid",
     .type = XD_CONFIG_TEXT,
     .required = true,
     .check = xd_check_kid,
     .offset = offsetof(struct enrolment_signing, kid)},
    {.name = "key",
     .type = XD_CONFIG_KEY,
     .required = true,
     .min = 16,
     .max = sizeof((struct xd_key *)0)->secret,
     .offset = offsetof(struct enrolment_signing, key)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key enrolment_keys[] = {
    {.name = "site",
     .type = XD_CONFIG_TEXT,
     .required = true,
     .check = xd_check_site,
     .offset = ENROLMENT(site)},
    {.name = "uplink",
     .type = XD_CONFIG_SECTION,
     .required = true,
     .keys = enrolment_uplink_keys,
     .offset = ENROLMENT(uplink)},
    {.name = "signing",
     .type = XD_CONFIG_SECTION,
     .required = true,
     .keys = enrolment_signing_keys,
     .offset = ENROLMENT(signing)},
    {.type = XD_CONFIG_END},
};

static const char *either(const char *first, const char *second) {
    return first != NULL ? first : second;
}

/* What agent.yaml's uplink section leaves open, the enrolment file says. */
static void complete_uplink(struct xd_agent_config_uplink *uplink,
                            const struct xd_agent_config_uplink *enrolled) {
    uplink->url = either(uplink->url, enrolled->url);
    uplink->vhost = either(uplink->vhost, enrolled->vhost);
    uplink->username = either(uplink->username, enrolled->username);
    uplink->password = either(uplink->password, enrolled->password);
}

static void check_together(const struct xd_agent_config *config, struct xd_buffer *errors) {
    const struct xd_config *file = config->file;
    if (config->mqtt.password != NULL && config->mqtt.username == NULL) {
        xd_config_complain(file, errors, "mqtt.password_file", "needs a username");
    }
    if (config->store.reserve_mb >= config->store.quota_mb) {
        xd_config_complain(file, errors, "store.reserve_mb", "must be less than quota_mb (%lld)",
                           (long long)config->store.quota_mb);
    }
    if (config->release.retry_s_min > config->release.retry_s_max) {
        xd_config_complain(file, errors, "release.retry_s_min", "must not be more than retry_s_max (%lld)",
                           (long long)config->release.retry_s_max);
    }
    struct xd_check_tls mqtt = {config->mqtt.url, config->mqtt.ca_file, config->mqtt.cert_file,
                                config->mqtt.key_file};
    xd_check_tls(file, errors, "mqtt", &mqtt);
    struct xd_check_tls uplink = {config->uplink.url, config->uplink.ca_file, config->uplink.cert_file,
                                  config->uplink.key_file};
    xd_check_tls(file, errors, "uplink", &uplink);
}

static enum xd_result load_enrolment(struct xd_agent_config *config, struct xd_buffer *errors) {
    struct enrolment enrolment = {0};
    enum xd_result result =
        xd_config_load(config->enrolment_file, enrolment_keys, &enrolment, errors, &config->enrolment);
    if (result != XD_OK) {
        return result;
    }
    if (strcmp(enrolment.site, config->site) != 0) {
        xd_config_complain(config->enrolment, errors, "site", "is %s, but the agent's site is %s",
                           enrolment.site, config->site);
    }
    complete_uplink(&config->uplink, &enrolment.uplink);
    memcpy(config->signing.kid, enrolment.signing.kid, strlen(enrolment.signing.kid) + 1);
    memcpy(config->signing.secret, enrolment.signing.key.data, enrolment.signing.key.size);
    config->signing.secret_size = enrolment.signing.key.size;
    return XD_OK;
}

enum xd_result xd_agent_config_load(const char *path, struct xd_agent_config *out, struct xd_buffer *errors) {
    size_t errors_before = errors->size;
    *out = (struct xd_agent_config){0};
    enum xd_result result = xd_config_load(path, agent_keys, out, errors, &out->file);
    if (result == XD_OK) {
        out->mqtt.version = out->mqtt.version == 0 ? 5 : 4;
        result = load_enrolment(out, errors);
    }
    if (result != XD_OK) {
        return result;
    }
    check_together(out, errors);
    if (out->mqtt.client_id == NULL) {
        out->mqtt.client_id = xd_config_format(out->file, "crossdock-%s", out->site);
    }
    if (out->mqtt.client_id == NULL || xd_buffer_result(errors) != XD_OK) {
        return XD_NO_MEMORY;
    }
    return errors->size == errors_before ? XD_OK : XD_INVALID;
}

void xd_agent_config_free(struct xd_agent_config *config) {
    xd_config_free(config->file);
    xd_config_free(config->enrolment);
    explicit_bzero(config, sizeof *config);
}
