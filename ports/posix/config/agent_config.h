/* What agent.yaml and the enrolment file that it names say. INTERFACES.md has the
 * sample; config/agent.yaml the comments. */
#ifndef XD_POSIX_CONFIG_AGENT_CONFIG_H
#define XD_POSIX_CONFIG_AGENT_CONFIG_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/env.h"
#include "base/result.h"

#include <stdint.h>

struct xd_config;

enum xd_foreign_topics { XD_FOREIGN_TOPICS_REJECT, XD_FOREIGN_TOPICS_IGNORE };

struct xd_agent_config_mqtt {
    const char *url;                 /* mqtt:// or mqtts:// */
    const char *client_id;           /* never NULL: crossdock-<site> unless the file says otherwise */
    const char *username, *password; /* NULL: none */
    const char *ca_file, *cert_file, *key_file; /* NULL: none */
    int version;                                /* 5 or 4 (3.1.1) */
    int foreign_topics;                         /* enum xd_foreign_topics */
};

struct xd_agent_config_http {
    const char *listen; /* loopback only */
};

struct xd_agent_config_store {
    int64_t quota_mb, min_free_mb, reserve_mb, retention_days;
};

struct xd_agent_config_release {
    int64_t retry_s_min, retry_s_max; /* delivery of a release to the WMS */
};

/* The line to the hub: the enrolment file's, overridden by agent.yaml's uplink section. */
struct xd_agent_config_uplink {
    const char *url; /* amqp:// or amqps:// */
    const char *vhost, *username, *password;
    const char *ca_file, *cert_file, *key_file; /* NULL: none */
};

struct xd_agent_config {
    const char *site;
    const char *state_dir, *enrolment_file; /* absolute */
    struct xd_agent_config_mqtt mqtt;
    struct xd_agent_config_http http;
    struct xd_agent_config_store store;
    struct xd_agent_config_release release;
    struct xd_agent_config_uplink uplink;
    struct xd_key signing;
    int64_t status_interval_s;
    int log_level;                      /* enum xd_log_level */
    struct xd_config *file, *enrolment; /* own all of the above */
};

/* Loads both files. XD_INVALID: errors has `file:line:column: what` lines; XD_NO_MEMORY.
 * Free with xd_agent_config_free in every case. */
XD_CHECKED enum xd_result xd_agent_config_load(const char *path, struct xd_agent_config *out,
                                               struct xd_buffer *errors);
void xd_agent_config_free(struct xd_agent_config *config);

#endif
