/* hub.yaml by its table, then what only several keys together can tell. */
#include "posix/config/hub_config.h"

#include "base/bucket.h"
#include "posix/config/checks.h"
#include "posix/config/hub_config_erps.h"
#include "shared/config.h"
#include "shared/http_guard.h"

#include <stdio.h>
#include <string.h>

#define BROKER(member) offsetof(struct xd_hub_config_broker, member)
#define HTTP(member) offsetof(struct xd_hub_config_http, member)
#define CHECK(member) offsetof(struct xd_hub_config_check, member)
#define POLICIES(member) offsetof(struct xd_hub_config_policies, member)
#define WEBHOOKS(member) offsetof(struct xd_hub_config_webhooks, member)
#define HUB(member) offsetof(struct xd_hub_program_config, member)

static const char *const amqp_schemes[] = {"amqp", "amqps", NULL};
static const char *const http_schemes[] = {"http", "https", NULL};
static const char *const unshipped_means[] = {"OPEN", "CLOSED", "ASK", NULL}; /* enum xd_unshipped_means */

static const char *check_range(const char *text) {
    struct xd_http_range range;
    return xd_http_range_parse(text, &range) == XD_OK
               ? NULL
               : "must be an address or a range of addresses: 10.0.0.0/8, fd00::/8, 127.0.0.1";
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *check_time_of_day(const char *text) {
    bool form = strlen(text) == 5 && is_digit(text[0]) && is_digit(text[1]) && text[2] == ':' &&
                is_digit(text[3]) && is_digit(text[4]);
    bool fine = form && (text[0] - '0') * 10 + (text[1] - '0') < 24 && text[3] < '6';
    return fine ? NULL : "must be a time of the day: \"02:00\"";
}

static const struct xd_config_key broker_keys[] = {
    {.name = "url",
     .type = XD_CONFIG_URL,
     .fallback = "amqp://127.0.0.1:5672",
     .names = amqp_schemes,
     .offset = BROKER(url)},
    {.name = "vhost", .type = XD_CONFIG_TEXT, .fallback = "crossdock", .max = 127, .offset = BROKER(vhost)},
    {.name = "username", .type = XD_CONFIG_TEXT, .fallback = "hub", .max = 127, .offset = BROKER(username)},
    {.name = "password_file", .type = XD_CONFIG_SECRET, .required = true, .offset = BROKER(password)},
    {.name = "management_url",
     .type = XD_CONFIG_URL,
     .fallback = "http://127.0.0.1:15672",
     .names = http_schemes,
     .offset = BROKER(management_url)},
    {.name = "ca_file", .type = XD_CONFIG_FILE, .offset = BROKER(ca_file)},
    {.name = "cert_file", .type = XD_CONFIG_FILE, .offset = BROKER(cert_file)},
    {.name = "key_file", .type = XD_CONFIG_FILE, .offset = BROKER(key_file)},
    {.name = "site_url", .type = XD_CONFIG_URL, .names = amqp_schemes, .offset = BROKER(site_url)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key http_keys[] = {
    {.name = "listen", .type = XD_CONFIG_LISTEN, .fallback = "127.0.0.1:8080", .offset = HTTP(listen)},
    {.name = "cert_file", .type = XD_CONFIG_FILE, .offset = HTTP(cert_file)},
    {.name = "key_file", .type = XD_CONFIG_FILE, .offset = HTTP(key_file)},
    {.name = "connections_max",
     .type = XD_CONFIG_INTEGER,
     .fallback = "256",
     .min = 8,
     .max = 10000,
     .offset = HTTP(connections_max)},
    {.name = "address_connections_max",
     .type = XD_CONFIG_INTEGER,
     .fallback = "0",
     .min = 0,
     .max = 10000,
     .offset = HTTP(address_connections_max)},
    {.name = "waiting_max",
     .type = XD_CONFIG_INTEGER,
     .fallback = "128",
     .min = 1,
     .max = 256,
     .offset = HTTP(waiting_max)},
    {.name = "rate_per_s",
     .type = XD_CONFIG_INTEGER,
     .fallback = "0",
     .min = 0,
     .max = XD_BUCKET_RATE_MAX,
     .offset = HTTP(rate_per_s)},
    {.name = "burst",
     .type = XD_CONFIG_INTEGER,
     .fallback = "0",
     .min = 0,
     .max = XD_BUCKET_BURST_MAX,
     .offset = HTTP(burst)},
    {.name = "event_streams",
     .type = XD_CONFIG_INTEGER,
     .fallback = "64",
     .min = 0,
     .max = 200,
     .offset = HTTP(event_streams)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key check_keys[] = {
    {.name = "url", .type = XD_CONFIG_URL, .names = http_schemes, .offset = CHECK(url)},
    {.name = "token_file", .type = XD_CONFIG_SECRET, .offset = CHECK(token)},
    {.name = "ca_file", .type = XD_CONFIG_FILE, .offset = CHECK(ca_file)},
    {.name = "timeout_s",
     .type = XD_CONFIG_INTEGER,
     .fallback = "5",
     .min = 1,
     .max = 60,
     .offset = CHECK(timeout_s)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key policies_keys[] = {
    {.name = "over_tolerance_pct",
     .type = XD_CONFIG_DECIMAL,
     .fallback = "0",
     .offset = POLICIES(over_tolerance_pct_text)},
    {.name = "unshipped_means",
     .type = XD_CONFIG_CHOICE,
     .fallback = "OPEN",
     .names = unshipped_means,
     .offset = POLICIES(unshipped_means)},
    {.name = "unknown_release_minutes",
     .type = XD_CONFIG_INTEGER,
     .fallback = "60",
     .min = 1,
     .max = 43200,
     .offset = POLICIES(unknown_release_minutes)},
    {.name = "idempotency_days",
     .type = XD_CONFIG_INTEGER,
     .fallback = "30",
     .min = 1,
     .max = 3650,
     .offset = POLICIES(idempotency_days)},
    {.name = "retention_days",
     .type = XD_CONFIG_INTEGER,
     .fallback = "7",
     .min = 0,
     .max = 3650,
     .offset = POLICIES(retention_days)},
    {.name = "reference_minutes",
     .type = XD_CONFIG_INTEGER,
     .fallback = "15",
     .min = 0,
     .max = 10080,
     .offset = POLICIES(reference_minutes)},
    {.name = "erp_poll_s",
     .type = XD_CONFIG_INTEGER,
     .fallback = "30",
     .min = 0,
     .max = 86400,
     .offset = POLICIES(erp_poll_s)},
    {.name = "books_hours",
     .type = XD_CONFIG_INTEGER,
     .fallback = "24",
     .min = 0,
     .max = 8760,
     .offset = POLICIES(books_hours)},
    {.name = "books_at",
     .type = XD_CONFIG_TEXT,
     .fallback = "02:00",
     .max = 5,
     .check = check_time_of_day,
     .offset = POLICIES(books_at)},
    {.name = "invoice_days",
     .type = XD_CONFIG_INTEGER,
     .fallback = "7",
     .min = 0,
     .max = 3650,
     .offset = POLICIES(invoice_days)},
    {.name = "event_days",
     .type = XD_CONFIG_INTEGER,
     .fallback = "7",
     .min = 1,
     .max = 3650,
     .offset = POLICIES(event_days)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key webhooks_keys[] = {
    {.name = "allow_private",
     .type = XD_CONFIG_TEXTS,
     .max = 64,
     .check = check_range,
     .offset = WEBHOOKS(allow_private),
     .count_offset = WEBHOOKS(allow_private_count)},
    {.name = "concurrency",
     .type = XD_CONFIG_INTEGER,
     .fallback = "4",
     .min = 1,
     .max = 64,
     .offset = WEBHOOKS(concurrency)},
    {.name = "timeout_s",
     .type = XD_CONFIG_INTEGER,
     .fallback = "10",
     .min = 1,
     .max = 300,
     .offset = WEBHOOKS(timeout_s)},
    {.name = "retry_s_min",
     .type = XD_CONFIG_INTEGER,
     .fallback = "5",
     .min = 1,
     .max = 86400,
     .offset = WEBHOOKS(retry_s_min)},
    {.name = "retry_s_max",
     .type = XD_CONFIG_INTEGER,
     .fallback = "3600",
     .min = 1,
     .max = 86400,
     .offset = WEBHOOKS(retry_s_max)},
    {.name = "disable_after_hours",
     .type = XD_CONFIG_INTEGER,
     .fallback = "72",
     .min = 1,
     .max = 8760,
     .offset = WEBHOOKS(disable_after_hours)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key hub_keys[] = {
    {.name = "state_dir",
     .type = XD_CONFIG_PATH,
     .fallback = "/var/lib/crossdock-hub",
     .offset = HUB(state_dir)},
    {.name = "broker",
     .type = XD_CONFIG_SECTION,
     .required = true,
     .keys = broker_keys,
     .offset = HUB(broker)},
    {.name = "http", .type = XD_CONFIG_SECTION, .keys = http_keys, .offset = HUB(http)},
    {.name = "erps",
     .type = XD_CONFIG_MAP,
     .required = true,
     .min = 1,
     .max = XD_CONFIG_ERPS_MAX,
     .keys = xd_config_erp_keys,
     .wanted = "one ERP must be named here, and 16 at most",
     .check = xd_check_name,
     .element_size = sizeof(struct xd_hub_config_erp),
     .offset = HUB(erps),
     .count_offset = HUB(erp_count)},
    {.name = "check", .type = XD_CONFIG_SECTION, .keys = check_keys, .offset = HUB(check)},
    {.name = "policies", .type = XD_CONFIG_SECTION, .keys = policies_keys, .offset = HUB(policies)},
    {.name = "webhooks", .type = XD_CONFIG_SECTION, .keys = webhooks_keys, .offset = HUB(webhooks)},
    {.name = "log_level",
     .type = XD_CONFIG_CHOICE,
     .fallback = "info",
     .names = xd_log_level_names,
     .offset = HUB(log_level)},
    {.type = XD_CONFIG_END},
};

static void check_together(struct xd_hub_program_config *config, struct xd_buffer *errors) {
    struct xd_check_tls http = {NULL, NULL, config->http.cert_file, config->http.key_file};
    xd_check_tls(config->file, errors, "http", &http);
    if (config->http.burst > 0 && config->http.rate_per_s == 0) {
        xd_config_complain(config->file, errors, "http.burst", "needs a rate_per_s of 1 or more");
    }
    if (config->http.address_connections_max > config->http.connections_max) {
        xd_config_complain(config->file, errors, "http.address_connections_max",
                           "must not be more than connections_max (%lld)",
                           (long long)config->http.connections_max);
    }
    struct xd_check_tls broker = {config->broker.url, NULL, config->broker.cert_file,
                                  config->broker.key_file};
    xd_check_tls(config->file, errors, "broker", &broker);
    if (config->webhooks.retry_s_min > config->webhooks.retry_s_max) {
        xd_config_complain(config->file, errors, "webhooks.retry_s_min",
                           "must not be more than retry_s_max (%lld)",
                           (long long)config->webhooks.retry_s_max);
    }
    struct xd_check_tls check = {config->check.url, config->check.ca_file, NULL, NULL};
    xd_check_tls(config->file, errors, "check", &check);
    if (config->check.url == NULL && (config->check.token != NULL || config->check.ca_file != NULL)) {
        xd_config_complain(config->file, errors, "check", "needs a url: who shall be asked about each order");
    }
    xd_config_erps_check(config, errors);
}

enum xd_result xd_hub_config_load(const char *path, struct xd_hub_program_config *out,
                                  struct xd_buffer *errors) {
    size_t errors_before = errors->size;
    *out = (struct xd_hub_program_config){0};
    enum xd_result result = xd_config_load(path, hub_keys, out, errors, &out->file);
    if (result != XD_OK) {
        return result;
    }
    if (out->broker.site_url == NULL) {
        out->broker.site_url = out->broker.url;
    }
    result = xd_decimal_parse(out->policies.over_tolerance_pct_text, &out->policies.over_tolerance_pct);
    if (result != XD_OK) {
        return result;
    }
    check_together(out, errors);
    if (xd_buffer_result(errors) != XD_OK) {
        return XD_NO_MEMORY;
    }
    return errors->size == errors_before ? XD_OK : XD_INVALID;
}

void xd_hub_config_free(struct xd_hub_program_config *config) {
    xd_config_free(config->file);
    explicit_bzero(config, sizeof *config);
}
