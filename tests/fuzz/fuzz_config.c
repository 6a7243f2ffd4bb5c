/* Both configurations and the enrolment file, through the loaders. The first byte says which file the rest
 * is; the files that it may name are there. What is refused says where; what is taken can be used. */
#include "fuzz/fuzz.h"

#include "base/id.h"
#include "posix/config/agent_config.h"
#include "posix/config/hub_config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)32 * 1024)
#define LINES_MAX 64u

static char path_main[256], path_enrol[256];

static const char enrolment[] = "site: WH1\nuplink:\n  url: amqp://127.0.0.1:5672\n  vhost: crossdock\n"
                                "  username: site-WH1\n  password: p\nsigning:\n  kid: k\n"
                                "  key: 00000000000000000000000000000000000000000000000000000000000000ff\n";
static const char agent[] = "site: WH1\nstate_dir: .\nenrolment_file: site.enrol\n"
                            "mqtt:\n  url: mqtt://127.0.0.1:1883\n";

/* "path:line:column: what", a line for each. */
static void check_errors(const struct xd_buffer *errors) {
    const char *at = xd_buffer_string(errors);
    const char *folder = fuzz_folder();
    unsigned lines = 0;
    CHECK(xd_buffer_result(errors) == XD_OK && at[0] != '\0');
    CHECK(strlen(at) == errors->size);
    CHECK(xd_utf8_valid(xd_buffer_view(errors)));
    for (; *at != '\0'; lines++) {
        size_t size = strcspn(at, "\n");
        CHECK(at[size] == '\n' && strncmp(at, folder, strlen(folder)) == 0);
        const char *colon = memchr(at, ':', size);
        CHECK(colon != NULL && colon + 2 < at + size);
        for (size_t i = 0; i < size; i++) {
            CHECK(!iscntrl((unsigned char)at[i]));
        }
        at += size + 1;
    }
    CHECK(lines <= LINES_MAX);
}

static void check_agent(const struct xd_agent_config *config) {
    CHECK(xd_site_name_valid(config->site));
    CHECK(config->state_dir[0] == '/' && config->enrolment_file[0] == '/');
    CHECK(config->mqtt.url != NULL && config->mqtt.client_id != NULL && config->http.listen != NULL);
    CHECK(config->mqtt.version == 5 || config->mqtt.version == 4);
    CHECK((config->mqtt.cert_file == NULL) == (config->mqtt.key_file == NULL));
    CHECK(config->uplink.url != NULL && config->uplink.vhost != NULL && config->uplink.username != NULL);
    CHECK(config->uplink.password != NULL);
    CHECK(config->signing.kid[0] != '\0' && config->signing.secret_size >= 16);
    CHECK(config->signing.secret_size <= sizeof config->signing.secret);
    CHECK(config->store.quota_mb > config->store.reserve_mb && config->store.retention_days >= 0);
    CHECK(config->release.retry_s_min >= 1 && config->release.retry_s_max >= config->release.retry_s_min);
    CHECK(config->log_level >= XD_LOG_DEBUG && config->log_level <= XD_LOG_ERROR);
}

static void check_hub(const struct xd_hub_program_config *config) {
    CHECK(config->state_dir[0] == '/' && config->broker.url != NULL && config->broker.site_url != NULL);
    CHECK(config->broker.management_url != NULL && config->broker.password != NULL);
    CHECK(config->http.listen != NULL);
    CHECK((config->http.cert_file == NULL) == (config->http.key_file == NULL));
    CHECK(config->erp_count >= 1 && config->erps != NULL);
    for (size_t i = 0; i < config->erp_count; i++) {
        const struct xd_hub_config_erp *erp = &config->erps[i];
        CHECK(erp->name != NULL && erp->name[0] != '\0' && erp->data[0] == '/' && erp->concurrency >= 1);
        CHECK(erp->retry_s_min >= 1 && erp->retry_s_max >= erp->retry_s_min);
    }
    CHECK(xd_decimal_sign(config->policies.over_tolerance_pct) >= 0);
    CHECK(config->policies.unshipped_means >= 0 &&
          config->policies.unshipped_means <= XD_UNSHIPPED_MEANS_ASK);
}

static void verdict(enum xd_result result, const struct xd_buffer *errors) {
    CHECK(result == XD_OK || result == XD_INVALID);
    if (result == XD_OK) {
        CHECK(errors->size == 0);
    } else {
        check_errors(errors);
    }
}

static void load_agent(void) {
    struct xd_agent_config config;
    struct xd_buffer errors;
    memset(&config, 0, sizeof config);
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_agent_config_load(path_main, &config, &errors);
    verdict(result, &errors);
    if (result == XD_OK) {
        check_agent(&config);
    }
    xd_agent_config_free(&config);
    xd_buffer_free(&errors);
}

static void load_hub(void) {
    struct xd_hub_program_config config;
    struct xd_buffer errors;
    memset(&config, 0, sizeof config);
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_hub_config_load(path_main, &config, &errors);
    verdict(result, &errors);
    if (result == XD_OK) {
        check_hub(&config);
    }
    xd_hub_config_free(&config);
    xd_buffer_free(&errors);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    char path[256];
    (void)count;
    (void)arguments;
    (void)snprintf(path_main, sizeof path_main, "%s/main.yaml", fuzz_folder());
    (void)snprintf(path_enrol, sizeof path_enrol, "%s/site.enrol", fuzz_folder());
    (void)snprintf(path, sizeof path, "%s/password", fuzz_folder());
    fuzz_write_file(path, xd_bytes_of_text("secret\n"));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {data, size};
    unsigned what = fuzz_below(&input, 3);
    struct xd_bytes text = xd_bytes_of(input.data, input.size);
    /* A path of the input's own may lead to a device or pipe of this machine, which the administrator would
     * not name. */
    if (input.size > TEXT_MAX || memmem(text.data, text.size, "/dev", 4) != NULL ||
        memmem(text.data, text.size, "/proc", 5) != NULL) {
        return 0;
    }
    fuzz_write_file(path_enrol, what == 2 ? text : xd_bytes_of_text(enrolment));
    fuzz_write_file(path_main, what == 2 ? xd_bytes_of_text(agent) : text);
    if (what == 1) {
        load_hub();
    } else {
        load_agent();
    }
    return 0;
}
