/* Configuration: what is accepted, and where each complaint points. */
#include "base/memory.h"
#include "posix/config/agent_config.h"
#include "posix/config/checks.h"
#include "posix/config/hub_config.h"
#include "shared/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char enrolment[] = "site: WH1\n"
                                "uplink:\n"
                                "  url: amqp://127.0.0.1:5672\n"
                                "  vhost: crossdock\n"
                                "  username: site-WH1\n"
                                "  password: s3cret\n"
                                "signing:\n"
                                "  kid: k1\n"
                                "  key: 000102030405060708090a0b0c0d0e0f\n";
static const char agent[] = "site: WH1\nenrolment_file: WH1.enrol\n";
static const char hub[] = "broker:\n"
                          "  password_file: hub.password\n"
                          "erps:\n"
                          "  main:\n"
                          "    type: ledger\n"
                          "    data: ledger\n";

static char folder[64];
static char errors_seen[8192];

static void write_bytes(const char *name, const char *text, size_t size) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_file(const char *name, const char *text) {
    write_bytes(name, text, strlen(text));
}

static const char *path_of(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int set_up(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/xd-config-XXXXXX", base != NULL && strlen(base) < 40 ? base : "/tmp");
    if (mkdtemp(folder) == NULL || mkdir(path_of("ledger"), 0700) != 0) {
        return -1;
    }
    write_file("WH1.enrol", enrolment);
    write_file("hub.password", "hub password\n");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    static const char *const names[] = {"WH1.enrol", "hub.password", "agent.yaml", "hub.yaml",
                                        "empty",     "two",          "secret",     "big.yaml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unlink(path_of(names[i]));
    }
    rmdir(path_of("ledger"));
    return rmdir(folder);
}

/* Keeps what was complained of, without the temporary folder's name. */
static void keep_errors(struct xd_buffer *errors) {
    const char *from = xd_buffer_string(errors);
    size_t used = 0;
    while (*from != '\0' && used < sizeof errors_seen - 1) {
        if (strncmp(from, folder, strlen(folder)) == 0) {
            from += strlen(folder) + 1;
        } else {
            errors_seen[used++] = *from++;
        }
    }
    errors_seen[used] = '\0';
    xd_buffer_free(errors);
}

static enum xd_result load_agent_file(const char *path, struct xd_agent_config *config) {
    struct xd_buffer errors;
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_agent_config_load(path, config, &errors);
    keep_errors(&errors);
    return result;
}

static enum xd_result load_hub_file(const char *path, struct xd_hub_program_config *config) {
    struct xd_buffer errors;
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_hub_config_load(path, config, &errors);
    keep_errors(&errors);
    return result;
}

static enum xd_result load_agent(const char *text, struct xd_agent_config *config) {
    write_file("agent.yaml", text);
    return load_agent_file(path_of("agent.yaml"), config);
}

static enum xd_result load_hub(const char *text, struct xd_hub_program_config *config) {
    write_file("hub.yaml", text);
    return load_hub_file(path_of("hub.yaml"), config);
}

/* The file is refused with exactly these lines. */
static void agent_is_refused(const char *text, const char *expected) {
    struct xd_agent_config config;
    assert_int_equal(load_agent(text, &config), XD_INVALID);
    assert_string_equal(errors_seen, expected);
    xd_agent_config_free(&config);
}

/* As above, after the two lines that every agent needs. */
static void agent_with_is_refused(const char *more, const char *expected) {
    char text[4096];
    snprintf(text, sizeof text, "%s%s", agent, more);
    agent_is_refused(text, expected);
}

static void hub_with_is_refused(const char *more, const char *expected) {
    char text[4096];
    snprintf(text, sizeof text, "%s%s", hub, more);
    struct xd_hub_program_config config;
    assert_int_equal(load_hub(text, &config), XD_INVALID);
    assert_string_equal(errors_seen, expected);
    xd_hub_config_free(&config);
}

static void agent_defaults_fill_what_the_file_leaves_out(void **state) {
    (void)state;
    struct xd_agent_config config;
    assert_int_equal(load_agent(agent, &config), XD_OK);
    assert_string_equal(errors_seen, "");
    assert_string_equal(config.site, "WH1");
    assert_string_equal(config.state_dir, "/var/lib/crossdock");
    assert_string_equal(config.mqtt.url, "mqtt://127.0.0.1:1883");
    assert_string_equal(config.mqtt.client_id, "crossdock-WH1");
    assert_null(config.mqtt.username);
    assert_null(config.mqtt.password);
    assert_int_equal(config.mqtt.version, 5);
    assert_int_equal(config.mqtt.foreign_topics, XD_FOREIGN_TOPICS_REJECT);
    assert_string_equal(config.http.listen, "127.0.0.1:9101");
    assert_int_equal(config.store.quota_mb, 1024);
    assert_int_equal(config.store.min_free_mb, 64);
    assert_int_equal(config.store.reserve_mb, 16);
    assert_int_equal(config.store.retention_days, 7);
    assert_int_equal(config.release.retry_s_min, 5);
    assert_int_equal(config.release.retry_s_max, 300);
    assert_int_equal(config.status_interval_s, 30);
    assert_int_equal(config.log_level, XD_LOG_INFO);
    xd_agent_config_free(&config);
}

static void agent_takes_line_and_key_from_the_enrolment_file(void **state) {
    (void)state;
    struct xd_agent_config config;
    assert_int_equal(load_agent(agent, &config), XD_OK);
    assert_string_equal(config.uplink.url, "amqp://127.0.0.1:5672");
    assert_string_equal(config.uplink.vhost, "crossdock");
    assert_string_equal(config.uplink.username, "site-WH1");
    assert_string_equal(config.uplink.password, "s3cret");
    assert_string_equal(config.signing.kid, "k1");
    assert_int_equal(config.signing.secret_size, 16);
    assert_int_equal(config.signing.secret[15], 15);
    xd_agent_config_free(&config);
}

static void agent_overrides_the_enrolled_line(void **state) {
    (void)state;
    struct xd_agent_config config;
    char text[512];
    snprintf(text, sizeof text,
             "%suplink:\n  url: amqps://hub.example.com:5671\n  password_file: hub.password\n", agent);
    assert_int_equal(load_agent(text, &config), XD_OK);
    assert_string_equal(config.uplink.url, "amqps://hub.example.com:5671");
    assert_string_equal(config.uplink.password, "hub password");
    assert_string_equal(config.uplink.username, "site-WH1");
    xd_agent_config_free(&config);
}

static void agent_reads_every_key(void **state) {
    (void)state;
    struct xd_agent_config config;
    assert_int_equal(
        load_agent("site: WH1\nenrolment_file: WH1.enrol\nstate_dir: state\nlog_level: debug\n"
                   "mqtt: {url: 'mqtts://[::1]:8883', client_id: c, username: NO, password_file: "
                   "hub.password, version: 3.1.1, foreign_topics: ignore}\n"
                   "http: {listen: 'localhost:0'}\n"
                   "store:\n  quota_mb: 8\n  min_free_mb: 0\n  reserve_mb: 1\n  retention_days: 0\n"
                   "release: {retry_s_min: 1, retry_s_max: 1}\nstatus_interval_s: 1\n",
                   &config),
        XD_OK);
    assert_string_equal(config.state_dir + strlen(config.state_dir) - 6, "/state");
    assert_int_equal(config.state_dir[0], '/');
    assert_string_equal(config.mqtt.url, "mqtts://[::1]:8883");
    assert_string_equal(config.mqtt.username, "NO");
    assert_string_equal(config.mqtt.password, "hub password");
    assert_int_equal(config.mqtt.version, 4);
    assert_int_equal(config.mqtt.foreign_topics, XD_FOREIGN_TOPICS_IGNORE);
    assert_int_equal(config.store.min_free_mb, 0);
    assert_int_equal(config.log_level, XD_LOG_DEBUG);
    xd_agent_config_free(&config);
}

static void hub_defaults_fill_what_the_file_leaves_out(void **state) {
    (void)state;
    struct xd_hub_program_config config;
    assert_int_equal(load_hub(hub, &config), XD_OK);
    assert_string_equal(config.broker.url, "amqp://127.0.0.1:5672");
    assert_string_equal(config.broker.site_url, "amqp://127.0.0.1:5672");
    assert_string_equal(config.broker.vhost, "crossdock");
    assert_string_equal(config.broker.password, "hub password");
    assert_string_equal(config.broker.management_url, "http://127.0.0.1:15672");
    assert_string_equal(config.http.listen, "127.0.0.1:8080");
    assert_int_equal(config.http.connections_max, 256);
    assert_int_equal(config.http.address_connections_max, 0);
    assert_int_equal(config.http.waiting_max, 128);
    assert_int_equal(config.http.rate_per_s, 0);
    assert_int_equal(config.http.burst, 0);
    assert_int_equal(config.erp_count, 1);
    assert_string_equal(config.erps[0].name, "main");
    assert_int_equal(config.erps[0].type, XD_ERP_TYPE_LEDGER);
    assert_int_equal(config.erps[0].concurrency, 32);
    assert_int_equal(config.erps[0].request_life_s, 120);
    assert_int_equal(config.erps[0].retry_s_max, 300);
    assert_false(config.erps[0].stock);
    assert_true(xd_decimal_is_zero(config.policies.over_tolerance_pct));
    assert_int_equal(config.policies.unshipped_means, XD_UNSHIPPED_MEANS_OPEN);
    assert_int_equal(config.policies.unknown_release_minutes, 60);
    assert_int_equal(config.policies.idempotency_days, 30);
    assert_int_equal(config.policies.retention_days, 7);
    xd_hub_config_free(&config);
}

static void hub_reads_policies(void **state) {
    (void)state;
    struct xd_hub_program_config config;
    char text[1024];
    snprintf(text, sizeof text,
             "%spolicies: {over_tolerance_pct: 2.50, unshipped_means: ASK, unknown_release_minutes: 240}\n",
             hub);
    assert_int_equal(load_hub(text, &config), XD_OK);
    assert_int_equal(config.policies.over_tolerance_pct.coefficient, 25);
    assert_int_equal(config.policies.over_tolerance_pct.scale, 1);
    assert_int_equal(config.policies.unshipped_means, XD_UNSHIPPED_MEANS_ASK);
    assert_int_equal(config.policies.unknown_release_minutes, 240);
    xd_hub_config_free(&config);
}

static void hub_reads_the_limits_of_its_api(void **state) {
    (void)state;
    struct xd_hub_program_config config;
    char text[1024];
    snprintf(text, sizeof text,
             "%shttp: {connections_max: 20, address_connections_max: 20, waiting_max: 3, rate_per_s: 5, "
             "burst: 9}\n",
             hub);
    assert_int_equal(load_hub(text, &config), XD_OK);
    assert_int_equal(config.http.connections_max, 20);
    assert_int_equal(config.http.address_connections_max, 20);
    assert_int_equal(config.http.waiting_max, 3);
    assert_int_equal(config.http.rate_per_s, 5);
    assert_int_equal(config.http.burst, 9);
    xd_hub_config_free(&config);
    hub_with_is_refused("http: {burst: 9}\n", "hub.yaml:7:8: http.burst: needs a rate_per_s of 1 or more\n");
    hub_with_is_refused(
        "http:\n  connections_max: 20\n  address_connections_max: 21\n",
        "hub.yaml:9:3: http.address_connections_max: must not be more than connections_max (20)\n");
    hub_with_is_refused("http: {waiting_max: 0}\n",
                        "hub.yaml:7:21: http.waiting_max: must be 1 to 256, not 0\n");
}

static void hub_reads_who_is_asked_about_orders(void **state) {
    (void)state;
    struct xd_hub_program_config config;
    char text[1024];
    assert_int_equal(load_hub(hub, &config), XD_OK);
    assert_null(config.check.url);
    xd_hub_config_free(&config);
    snprintf(
        text, sizeof text,
        "%scheck:\n  url: https://fraud.example.com:443/orders\n  token_file: hub.password\n  timeout_s: 9\n",
        hub);
    assert_int_equal(load_hub(text, &config), XD_OK);
    assert_string_equal(config.check.url, "https://fraud.example.com:443/orders");
    assert_string_equal(config.check.token, "hub password");
    assert_int_equal(config.check.timeout_s, 9);
    xd_hub_config_free(&config);
    hub_with_is_refused("check: {token_file: hub.password}\n",
                        "hub.yaml:7:1: check: needs a url: who shall be asked about each order\n");
    hub_with_is_refused("check: {url: 'http://127.0.0.1:1/', timeout_s: 0}\n",
                        "hub.yaml:7:48: check.timeout_s: must be 1 to 60, not 0\n");
    hub_with_is_refused("check: {url: 'http://127.0.0.1:1/', ca_file: hub.password}\n",
                        "hub.yaml:7:37: check.ca_file: has no effect: the address is one without TLS\n");
}

static void hub_reads_several_erps_of_all_types(void **state) {
    (void)state;
    struct xd_hub_program_config config;
    char text[2048];
    snprintf(text, sizeof text,
             "%s  second:\n    type: tryton\n    url: http://127.0.0.1:8000/\n    database: crossdock\n"
             "    username: hub\n    password_file: hub.password\n    tenants: [acme, other]\n"
             "    rate_per_minute: 240\n    breaker_failures: 3\n    breaker_s_max: 90\n    country: GB\n"
             "  third: {type: rest, file: hub.password, shadow: true, concurrency: 9, rate_per_minute: 6, "
             "burst: 2}\n",
             hub);
    assert_int_equal(load_hub(text, &config), XD_OK);
    assert_int_equal(config.erp_count, 3);
    const struct xd_hub_config_erp *tryton = &config.erps[1], *rest = &config.erps[2];
    assert_int_equal(config.erps[0].breaker_failures, 5);
    assert_int_equal(config.erps[0].breaker_s_min, 5);
    assert_int_equal(config.erps[0].breaker_s_max, 60);
    assert_int_equal(config.erps[0].rate_per_minute, 0);
    assert_int_equal(tryton->type, XD_ERP_TYPE_TRYTON);
    assert_string_equal(tryton->country, "GB");
    assert_null(config.erps[0].country);
    assert_string_equal(tryton->url, "http://127.0.0.1:8000/");
    assert_string_equal(tryton->database, "crossdock");
    assert_string_equal(tryton->username, "hub");
    assert_string_equal(tryton->password, "hub password");
    assert_int_equal(tryton->timeout_s, 30);
    assert_int_equal(tryton->concurrency, 4);
    assert_int_equal(tryton->tenant_count, 2);
    assert_string_equal(tryton->tenants[1], "other");
    assert_int_equal(tryton->rate_per_minute, 240);
    assert_int_equal(tryton->burst, 4); /* as many as there are workers */
    assert_int_equal(tryton->breaker_failures, 3);
    assert_int_equal(tryton->breaker_s_max, 90);
    assert_true(rest->shadow);
    assert_int_equal(rest->concurrency, 9);
    assert_int_equal(rest->burst, 2);
    xd_hub_config_free(&config);
}

static void keys_of_another_type_of_erp_are_refused(void **state) {
    (void)state;
    hub_with_is_refused(
        "    database: x\n",
        "hub.yaml:7:5: erps.main.database: is of the type tryton; this ERP is of the type ledger\n");
    hub_with_is_refused(
        "    timeout_s: 3\n",
        "hub.yaml:7:5: erps.main.timeout_s: is of the type tryton; this ERP is of the type ledger\n");
    hub_with_is_refused("  b: {type: rest, tenants: [x], data: ledger}\n",
                        "hub.yaml:7:33: erps.b.data: is of the type ledger; this ERP is of the type rest\n"
                        "hub.yaml:7:3: erps.b.file: is missing\n");
    hub_with_is_refused("  b: {type: ledger, tenants: [x]}\n", "hub.yaml:7:3: erps.b.data: is missing\n");
    hub_with_is_refused(
        "    country: gb\n",
        "hub.yaml:7:14: erps.main.country: must be a country's two capitals (ISO 3166-1) like "
        "GB\n");
    hub_with_is_refused("  b: {type: oracle, tenants: [x]}\n",
                        "hub.yaml:7:13: erps.b.type: must be ledger, tryton or rest\n");
}

static void each_tenant_has_one_erp(void **state) {
    (void)state;
    hub_with_is_refused("  b: {type: ledger, data: ledger}\n",
                        "hub.yaml:7:3: erps.b: needs tenants: main serves all that no other ERP names\n");
    hub_with_is_refused("  b: {type: ledger, data: ledger, tenants: [x, y, x]}\n",
                        "hub.yaml:7:35: erps.b.tenants: names x twice\n");
    hub_with_is_refused("  b: {type: ledger, data: ledger, tenants: [x, y]}\n"
                        "  c: {type: ledger, data: ledger, tenants: [y]}\n",
                        "hub.yaml:8:35: erps.c.tenants: y is served by b already\n");
    hub_with_is_refused(
        "    tenants: [x]\n",
        "hub.yaml:3:1: erps: one that is no shadow must be without tenants: it serves all that no "
        "other names\n");
    hub_with_is_refused(
        "    shadow: true\n",
        "hub.yaml:3:1: erps: one that is no shadow must be without tenants: it serves all that no "
        "other names\n");
}

static void the_limits_of_an_erp_must_make_sense(void **state) {
    (void)state;
    hub_with_is_refused("    burst: 3\n",
                        "hub.yaml:7:5: erps.main.burst: needs a rate_per_minute of 1 or more\n");
    hub_with_is_refused("    breaker_s_min: 61\n",
                        "hub.yaml:7:5: erps.main.breaker_s_min: must not be more than breaker_s_max (60)\n");
    hub_with_is_refused("    concurrency: 0\n",
                        "hub.yaml:7:18: erps.main.concurrency: must be 1 to 64, not 0\n");
}

static void check_state_dir(const char *state_dir, const char *expected) {
    struct xd_hub_program_config config;
    struct xd_buffer errors, notes;
    char text[1024];
    snprintf(text, sizeof text, "state_dir: %s\n%s", state_dir, hub);
    assert_int_equal(load_hub(text, &config), XD_OK);
    xd_buffer_init(&errors, 0);
    xd_buffer_init(&notes, 0);
    xd_check_state_dir(config.file, config.state_dir, &errors, &notes);
    assert_int_equal(notes.size, 0); /* who runs the tests may write here */
    keep_errors(&errors);
    assert_string_equal(errors_seen, expected);
    xd_buffer_free(&notes);
    xd_hub_config_free(&config);
}

static void a_state_folder_that_cannot_be_made_is_told(void **state) {
    (void)state;
    check_state_dir("ledger", "");
    check_state_dir("not-yet", "");
    check_state_dir("hub.password", "hub.yaml:1:1: state_dir: hub.password is not a folder\n");
    check_state_dir("no/where",
                    "hub.yaml:1:1: state_dir: no/where cannot be created: no: No such file or directory\n");
    check_state_dir("hub.password/x", "hub.yaml:1:1: state_dir: hub.password/x: Not a directory\n");
}

static void hub_reads_webhooks(void **state) {
    (void)state;
    struct xd_hub_program_config config;
    char text[1024];
    assert_int_equal(load_hub(hub, &config), XD_OK);
    assert_int_equal(config.webhooks.allow_private_count, 0);
    assert_int_equal(config.webhooks.disable_after_hours, 72);
    assert_int_equal(config.policies.event_days, 7);
    assert_int_equal(config.policies.erp_poll_s, 30);
    assert_int_equal(config.policies.books_hours, 24);
    assert_string_equal(config.policies.books_at, "02:00");
    assert_int_equal(config.policies.invoice_days, 7);
    assert_int_equal(config.http.event_streams, 64);
    xd_hub_config_free(&config);
    snprintf(text, sizeof text, "%swebhooks:\n  allow_private:\n    - 10.1.0.0/16\n    - '::1'\n", hub);
    assert_int_equal(load_hub(text, &config), XD_OK);
    assert_int_equal(config.webhooks.allow_private_count, 2);
    assert_string_equal(config.webhooks.allow_private[0], "10.1.0.0/16");
    assert_string_equal(config.webhooks.allow_private[1], "::1");
    xd_hub_config_free(&config);
    hub_with_is_refused("webhooks: {allow_private: [10.0.0.0/8, here]}\n",
                        "hub.yaml:7:40: webhooks.allow_private: must be an address or a range of addresses: "
                        "10.0.0.0/8, fd00::/8, 127.0.0.1\n");
    hub_with_is_refused(
        "webhooks: {allow_private: 10.0.0.0/8}\n",
        "hub.yaml:7:27: webhooks.allow_private: must be a list of at most 64 texts: [one, two]\n");
    hub_with_is_refused("webhooks: {allow_private: [[a]]}\n",
                        "hub.yaml:7:28: webhooks.allow_private: must be a list of single values\n");
    hub_with_is_refused("webhooks: {retry_s_min: 10, retry_s_max: 5}\n",
                        "hub.yaml:7:12: webhooks.retry_s_min: must not be more than retry_s_max (5)\n");
}

static void empty_sections_mean_their_defaults(void **state) {
    (void)state;
    struct xd_hub_program_config config;
    char text[1024];
    snprintf(text, sizeof text, "%spolicies:\nhttp: {}\n", hub);
    assert_int_equal(load_hub(text, &config), XD_OK);
    assert_int_equal(config.policies.retention_days, 7);
    xd_hub_config_free(&config);
}

static void unknown_keys_are_refused_where_they_stand(void **state) {
    (void)state;
    agent_with_is_refused("store:\n  quota_mb: 10000\n  quotta_mb: 1\n",
                          "agent.yaml:5:3: store.quotta_mb: unknown key\n");
    agent_with_is_refused("sitte: X\n", "agent.yaml:3:1: sitte: unknown key\n");
    hub_with_is_refused("    concurency: 3\n", "hub.yaml:7:5: erps.main.concurency: unknown key\n");
    hub_with_is_refused("policies: {tolerance: 1}\n", "hub.yaml:7:12: policies.tolerance: unknown key\n");
    hub_with_is_refused("policies: {books_at: \"24:00\"}\n",
                        "hub.yaml:7:22: policies.books_at: must be a time of the day: \"02:00\"\n");
}

static void all_complaints_are_told_in_the_files_order(void **state) {
    (void)state;
    agent_is_refused(
        "log_level: loud\nmqtt:\n  url: http://x:1\nstatus_interval_s: 0\nsite: wh1\n",
        "agent.yaml:1:1: enrolment_file: is missing\n"
        "agent.yaml:1:12: log_level: must be debug, info, warning or error\n"
        "agent.yaml:3:8: mqtt.url: must be mqtt://host:port or mqtts://host:port: the scheme is missing "
        "or of another kind\n"
        "agent.yaml:4:20: status_interval_s: must be 1 to 3600, not 0\n"
        "agent.yaml:5:7: site: must be 1 to 32 of A-Z, 0-9, _ and -\n");
}

static void too_many_complaints_end_with_the_first_twenty(void **state) {
    (void)state;
    char text[2048];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", agent);
    for (int i = 0; i < 30; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "unknown%d: 1\n", i);
    }
    struct xd_agent_config config;
    assert_int_equal(load_agent(text, &config), XD_INVALID);
    assert_non_null(strstr(errors_seen, "agent.yaml:22:1: unknown19: unknown key\n"));
    assert_null(strstr(errors_seen, "unknown20"));
    xd_agent_config_free(&config);
}

static void missing_keys_are_told_at_their_section(void **state) {
    (void)state;
    struct xd_hub_program_config config;
    assert_int_equal(load_hub("", &config), XD_INVALID);
    assert_string_equal(errors_seen, "hub.yaml:1:1: broker: is missing\nhub.yaml:1:1: erps: is missing\n");
    assert_int_equal(load_hub("state_dir: x\nbroker:\n  vhost: y\nerps:\n  a: {}\n", &config), XD_INVALID);
    assert_string_equal(errors_seen, "hub.yaml:2:1: broker.password_file: is missing\n"
                                     "hub.yaml:5:3: erps.a.type: is missing\n");
}

static void yamls_cleverness_is_refused(void **state) {
    (void)state;
    agent_with_is_refused("mqtt: &a {}\n",
                          "agent.yaml:3:7: anchors (&name) are not allowed: write the value out\n");
    agent_with_is_refused("mqtt: *a\n",
                          "agent.yaml:3:7: aliases (*name) are not allowed: write the value out\n");
    agent_with_is_refused("log_level: !!str info\n", "agent.yaml:3:12: tags (!name) are not allowed\n");
    agent_with_is_refused("site: WH2\n", "agent.yaml:3:1: key \"site\" is given twice\n");
    agent_with_is_refused("\"a\\tb\": 1\n\"a\\tb\": 2\n", "agent.yaml:4:1: key \"a?b\" is given twice\n");
    agent_with_is_refused("---\nsite: WH1\n", "agent.yaml:3:1: a second document is not allowed\n");
    agent_with_is_refused("? [a, b]\n: c\n", "agent.yaml:3:3: a key must be a plain name\n");
    agent_with_is_refused("log_level: \"in\\0fo\"\n", "agent.yaml:3:12: a zero byte is not allowed\n");
}

static void broken_yaml_is_told_with_its_place(void **state) {
    (void)state;
    struct xd_agent_config config;
    assert_int_equal(load_agent("site: WH1\n  mqtt: x\n", &config), XD_INVALID);
    assert_int_equal(strncmp(errors_seen, "agent.yaml:2:7: ", 16), 0);
    assert_int_equal(load_agent("site: WH1\nlog_level: \xff\n", &config), XD_INVALID);
    assert_int_equal(strncmp(errors_seen, "agent.yaml:2:12: ", 17), 0);
    assert_int_equal(load_agent("site: {a: [\n", &config), XD_INVALID);
    assert_int_equal(strncmp(errors_seen, "agent.yaml:2:1: ", 16), 0);
}

static void deep_nesting_is_refused(void **state) {
    (void)state;
    char text[256] = "site: ";
    for (int i = 0; i < 100; i++) {
        strcat(text, "[");
    }
    agent_is_refused(text, "agent.yaml:1:22: nested too deeply\n");
}

static void wrong_shapes_are_refused(void **state) {
    (void)state;
    agent_is_refused("- site\n", "agent.yaml:1:1: the file must consist of `key: value` lines\n");
    agent_is_refused("hello\n", "agent.yaml:1:1: the file must consist of `key: value` lines\n");
    agent_with_is_refused("mqtt: yes\n", "agent.yaml:3:7: mqtt: must be a section (indented keys)\n");
    agent_with_is_refused("log_level: [info]\n", "agent.yaml:3:1: log_level: must be a single value\n");
    agent_with_is_refused("log_level:\n", "agent.yaml:3:11: log_level: has no value\n");
    agent_with_is_refused("state_dir: ''\n", "agent.yaml:3:12: state_dir: must not be empty\n");
    agent_with_is_refused("state_dir: \"a\\tb\"\n",
                          "agent.yaml:3:12: state_dir: must not have control characters\n");
    struct xd_hub_program_config config;
    assert_int_equal(load_hub("broker: {password_file: hub.password}\nerps:\n  x: 3\n", &config), XD_INVALID);
    assert_string_equal(errors_seen, "hub.yaml:3:3: erps.x: must be a section (indented keys)\n");
    assert_int_equal(
        load_hub("broker: {password_file: hub.password}\nerps:\n  'a b': {type: ledger, data: ledger}\n",
                 &config),
        XD_INVALID);
    assert_string_equal(errors_seen,
                        "hub.yaml:3:3: erps.a b: must be 1 to 32 of A-Z, a-z, 0-9, _, . and -\n");
}

static void integers_are_whole_decimal_and_in_range(void **state) {
    (void)state;
    static const char *const wrong[] = {"1.5", "0x10", "1e3", "010", "+1", "many", "99999999999999999999",
                                        "1 0"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "status_interval_s: %s\n", wrong[i]);
        agent_with_is_refused(text, "agent.yaml:3:20: status_interval_s: must be a whole number\n");
    }
    agent_with_is_refused("status_interval_s: -1\n",
                          "agent.yaml:3:20: status_interval_s: must be 1 to 3600, not -1\n");
    agent_with_is_refused("status_interval_s: 3601\n",
                          "agent.yaml:3:20: status_interval_s: must be 1 to 3600, not 3601\n");
}

static void urls_need_scheme_host_and_port(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"mqtt://host", "host:port with a port of 1 to 65535 must follow the scheme"},
        {"mqtt://:1883", "host:port with a port of 1 to 65535 must follow the scheme"},
        {"mqtt://host:0", "host:port with a port of 1 to 65535 must follow the scheme"},
        {"mqtt://host:65536", "host:port with a port of 1 to 65535 must follow the scheme"},
        {"mqtt://host:+1", "host:port with a port of 1 to 65535 must follow the scheme"},
        {"mqtt://[::1:1883", "host:port with a port of 1 to 65535 must follow the scheme"},
        {"mqtt://ho st:1", "host:port with a port of 1 to 65535 must follow the scheme"},
        {"mqtt://host:1/path", "nothing may follow the port"},
        {"mqtt://user:pass@host:1", "user and password have keys of their own"},
        {"mqt://host:1", "the scheme is missing or of another kind"},
        {"host:1883", "the scheme is missing or of another kind"},
        {"MQTT://host:1", "the scheme is missing or of another kind"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[128];
        char expected[256];
        snprintf(text, sizeof text, "mqtt:\n  url: '%s'\n", wrong[i][0]);
        snprintf(expected, sizeof expected,
                 "agent.yaml:4:8: mqtt.url: must be mqtt://host:port or mqtts://host:port: %s\n",
                 wrong[i][1]);
        agent_with_is_refused(text, expected);
    }
}

static void agent_listens_on_loopback_only(void **state) {
    (void)state;
    agent_with_is_refused(
        "http: {listen: '0.0.0.0:9101'}\n",
        "agent.yaml:3:16: http.listen: must be a loopback address (127.0.0.1:9101): nobody is asked "
        "for a password there\n");
    agent_with_is_refused(
        "http: {listen: '127.example.com:9101'}\n",
        "agent.yaml:3:16: http.listen: must be a loopback address (127.0.0.1:9101): nobody is asked "
        "for a password there\n");
    agent_with_is_refused("http: {listen: 9101}\n", "agent.yaml:3:16: http.listen: must be address:port\n");
}

static void secrets_come_from_one_line_files(void **state) {
    (void)state;
    struct xd_hub_program_config config;
    write_file("secret", "pass word\r\n");
    const char *text = "broker: {password_file: secret}\nerps: {a: {type: ledger, data: ledger}}\n";
    assert_int_equal(load_hub(text, &config), XD_OK);
    assert_string_equal(config.broker.password, "pass word");
    xd_hub_config_free(&config);
    write_file("secret", "no line end");
    assert_int_equal(load_hub(text, &config), XD_OK);
    assert_string_equal(config.broker.password, "no line end");
    xd_hub_config_free(&config);
}

static void unusable_secrets_are_told_at_their_key(void **state) {
    (void)state;
    write_file("empty", "\n");
    write_file("two", "one\ntwo\n");
    agent_with_is_refused(
        "mqtt:\n  username: u\n  password_file: nowhere\n",
        "agent.yaml:5:3: mqtt.password_file: cannot read nowhere: No such file or directory\n");
    agent_with_is_refused("mqtt:\n  username: u\n  password_file: ledger\n",
                          "agent.yaml:5:3: mqtt.password_file: cannot read ledger: not a regular file\n");
    agent_with_is_refused("mqtt:\n  username: u\n  password_file: empty\n",
                          "agent.yaml:5:3: mqtt.password_file: empty is empty\n");
    agent_with_is_refused(
        "mqtt:\n  username: u\n  password_file: two\n",
        "agent.yaml:5:3: mqtt.password_file: two must hold one line of text without control "
        "characters\n");
}

static void files_and_folders_must_be_there(void **state) {
    (void)state;
    agent_with_is_refused("mqtt: {ca_file: ca.pem}\n",
                          "agent.yaml:3:17: mqtt.ca_file: cannot read ca.pem: No such file or directory\n");
    struct xd_hub_program_config config;
    assert_int_equal(
        load_hub("broker: {password_file: hub.password}\nerps: {a: {type: ledger, data: hub.password}}\n",
                 &config),
        XD_INVALID);
    assert_string_equal(errors_seen, "hub.yaml:2:32: erps.a.data: hub.password is not a folder\n");
}

static void keys_that_contradict_each_other_are_told(void **state) {
    (void)state;
    agent_with_is_refused("store: {quota_mb: 10, reserve_mb: 10}\n",
                          "agent.yaml:3:23: store.reserve_mb: must be less than quota_mb (10)\n");
    agent_with_is_refused("release: {retry_s_min: 301}\n",
                          "agent.yaml:3:11: release.retry_s_min: must not be more than retry_s_max (300)\n");
    agent_with_is_refused("mqtt: {password_file: hub.password}\n",
                          "agent.yaml:3:8: mqtt.password_file: needs a username\n");
    agent_with_is_refused("mqtt: {url: 'mqtts://h:1', cert_file: hub.password}\n",
                          "agent.yaml:3:28: mqtt.cert_file: needs a key_file\n");
    agent_with_is_refused("mqtt: {ca_file: hub.password}\n",
                          "agent.yaml:3:8: mqtt.ca_file: has no effect: the address is one without TLS\n");
    hub_with_is_refused("    retry_s_min: 400\n",
                        "hub.yaml:7:5: erps.main.retry_s_min: must not be more than retry_s_max (300)\n");
}

static void enrolment_must_be_for_this_site(void **state) {
    (void)state;
    agent_is_refused("site: WH2\nenrolment_file: WH1.enrol\n",
                     "WH1.enrol:1:1: site: is WH1, but the agent's site is WH2\n");
}

static void wrong_enrolment_is_told_with_its_place_and_without_its_secrets(void **state) {
    (void)state;
    write_file("WH1.enrol",
               "site: WH1\nuplink: {url: 'amqp://h:1', vhost: v, username: u, password: \"a\\nb\"}\n"
               "signing:\n  kid: 'a b'\n  key: c0ffee\n");
    struct xd_agent_config config;
    assert_int_equal(load_agent(agent, &config), XD_INVALID);
    write_file("WH1.enrol", enrolment);
    assert_string_equal(errors_seen,
                        "WH1.enrol:2:62: uplink.password: must not have control characters\n"
                        "WH1.enrol:4:8: signing.kid: must be 1 to 32 of A-Z, a-z, 0-9, _, . and -\n"
                        "WH1.enrol:5:8: signing.key: must be 16 to 64 bytes in hexadecimal\n");
    xd_agent_config_free(&config);
}

static void unreadable_files_are_told(void **state) {
    (void)state;
    struct xd_agent_config config;
    assert_int_equal(load_agent_file(path_of("absent.yaml"), &config), XD_INVALID);
    assert_string_equal(errors_seen, "absent.yaml:1:1: cannot read the file: No such file or directory\n");
    assert_int_equal(load_agent_file(path_of("ledger"), &config), XD_INVALID);
    assert_string_equal(errors_seen, "ledger:1:1: cannot read the file: not a regular file\n");
}

static void oversize_files_are_refused(void **state) {
    (void)state;
    size_t size = XD_CONFIG_SIZE_MAX + 1;
    char *text = test_malloc(size);
    memset(text, '#', size);
    write_bytes("big.yaml", text, size);
    test_free(text);
    struct xd_agent_config config;
    assert_int_equal(load_agent_file(path_of("big.yaml"), &config), XD_INVALID);
    assert_string_equal(errors_seen, "big.yaml:1:1: cannot read the file: too large\n");
}

static int fail_at;
static int allocations;

static int fail_one(void *context, size_t size) {
    (void)context;
    (void)size;
    return ++allocations != fail_at;
}

static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    char text[512];
    snprintf(text, sizeof text, "%smqtt: {username: u, password_file: hub.password}\n", agent);
    write_file("agent.yaml", text);
    enum xd_result result = XD_NO_MEMORY;
    for (fail_at = 1; result != XD_OK && fail_at < 1000; fail_at++) {
        struct xd_agent_config config;
        allocations = 0;
        xd_memory_set_hook(fail_one, NULL);
        result = load_agent_file(path_of("agent.yaml"), &config);
        xd_memory_set_hook(NULL, NULL);
        xd_agent_config_free(&config);
        assert_true(result == XD_OK || result == XD_NO_MEMORY);
    }
    assert_int_equal(result, XD_OK);
    assert_true(fail_at > 20);
}

static void the_samples_are_accepted_as_they_are(void **state) {
    (void)state;
    const char *source = getenv("XD_SOURCE") != NULL ? getenv("XD_SOURCE") : ".";
    char path[512];
    struct xd_agent_config agent_config;
    snprintf(path, sizeof path, "%s/config/agent.yaml", source);
    enum xd_result result = load_agent_file(path, &agent_config);
    assert_string_equal(errors_seen, "");
    assert_int_equal(result, XD_OK);
    xd_agent_config_free(&agent_config);
    struct xd_hub_program_config hub_config;
    snprintf(path, sizeof path, "%s/config/hub.yaml", source);
    result = load_hub_file(path, &hub_config);
    assert_string_equal(errors_seen, "");
    assert_int_equal(result, XD_OK);
    xd_hub_config_free(&hub_config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agent_defaults_fill_what_the_file_leaves_out),
        cmocka_unit_test(agent_takes_line_and_key_from_the_enrolment_file),
        cmocka_unit_test(agent_overrides_the_enrolled_line),
        cmocka_unit_test(agent_reads_every_key),
        cmocka_unit_test(hub_defaults_fill_what_the_file_leaves_out),
        cmocka_unit_test(hub_reads_policies),
        cmocka_unit_test(hub_reads_the_limits_of_its_api),
        cmocka_unit_test(hub_reads_webhooks),
        cmocka_unit_test(hub_reads_who_is_asked_about_orders),
        cmocka_unit_test(hub_reads_several_erps_of_all_types),
        cmocka_unit_test(keys_of_another_type_of_erp_are_refused),
        cmocka_unit_test(each_tenant_has_one_erp),
        cmocka_unit_test(the_limits_of_an_erp_must_make_sense),
        cmocka_unit_test(a_state_folder_that_cannot_be_made_is_told),
        cmocka_unit_test(empty_sections_mean_their_defaults),
        cmocka_unit_test(unknown_keys_are_refused_where_they_stand),
        cmocka_unit_test(all_complaints_are_told_in_the_files_order),
        cmocka_unit_test(too_many_complaints_end_with_the_first_twenty),
        cmocka_unit_test(missing_keys_are_told_at_their_section),
        cmocka_unit_test(yamls_cleverness_is_refused),
        cmocka_unit_test(broken_yaml_is_told_with_its_place),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(wrong_shapes_are_refused),
        cmocka_unit_test(integers_are_whole_decimal_and_in_range),
        cmocka_unit_test(urls_need_scheme_host_and_port),
        cmocka_unit_test(agent_listens_on_loopback_only),
        cmocka_unit_test(secrets_come_from_one_line_files),
        cmocka_unit_test(unusable_secrets_are_told_at_their_key),
        cmocka_unit_test(files_and_folders_must_be_there),
        cmocka_unit_test(keys_that_contradict_each_other_are_told),
        cmocka_unit_test(enrolment_must_be_for_this_site),
        cmocka_unit_test(wrong_enrolment_is_told_with_its_place_and_without_its_secrets),
        cmocka_unit_test(unreadable_files_are_told),
        cmocka_unit_test(oversize_files_are_refused),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(the_samples_are_accepted_as_they_are),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
