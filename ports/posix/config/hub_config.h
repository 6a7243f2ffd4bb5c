/* What hub.yaml says. INTERFACES.md has the sample; config/hub.yaml the comments. */
#ifndef XD_POSIX_CONFIG_HUB_CONFIG_H
#define XD_POSIX_CONFIG_HUB_CONFIG_H

#include "base/bytes.h"
#include "base/decimal.h"
#include "base/env.h"
#include "base/result.h"

#include <stddef.h>
#include <stdint.h>

struct xd_config;

struct xd_hub_config_broker {
    const char *url; /* amqp:// or amqps:// */
    const char *vhost, *username, *password;
    const char *management_url;                 /* http:// or https:// */
    const char *ca_file, *cert_file, *key_file; /* NULL: none */
    const char *site_url; /* what enrolment files name; never NULL: url unless the file says otherwise */
};

struct xd_hub_config_http {
    const char *listen;
    const char *cert_file, *key_file;                 /* NULL: plain HTTP */
    int64_t connections_max, address_connections_max; /* address_connections_max 0: no such limit */
    int64_t waiting_max;                              /* orders of one client that wait at a time */
    int64_t rate_per_s, burst; /* of a client without its own; rate_per_s 0: no limit; burst 0: as the rate */
    int64_t event_streams;     /* readers of GET /v1/events at the same time */
};

enum xd_erp_type { XD_ERP_TYPE_LEDGER, XD_ERP_TYPE_TRYTON, XD_ERP_TYPE_REST };

struct xd_hub_config_erp {
    const char *name;
    int type;                   /* enum xd_erp_type */
    const char *const *tenants; /* none: all that no other ERP names */
    size_t tenant_count;
    bool shadow; /* is compared, never posted to */
    int64_t concurrency;
    int64_t request_life_s; /* the longest life of a request: only then "not there" may be retried */
    int64_t retry_s_min, retry_s_max;
    int64_t rate_per_minute, burst; /* postings and look-ups; rate_per_minute 0: no limit */
    int64_t breaker_failures;       /* 0: never */
    int64_t breaker_s_min, breaker_s_max;
    const char *country; /* of addresses in its own sales that name none; NULL: they are refused */
    bool stock;          /* its list of stock is read, too */
    const char *data;    /* ledger: a folder of CSV files; absolute */
    const char *url, *database, *username, *password; /* tryton */
    const char *ca_file;                              /* tryton; NULL: the system's */
    int64_t timeout_s;                                /* tryton: an answer takes no longer */
    const char *file;                                 /* rest: the description; absolute */
};

struct xd_hub_config_check {
    const char *url;   /* NULL: nobody is asked */
    const char *token; /* NULL: none */
    const char *ca_file;
    int64_t timeout_s;
};

enum xd_unshipped_means { XD_UNSHIPPED_MEANS_OPEN, XD_UNSHIPPED_MEANS_CLOSED, XD_UNSHIPPED_MEANS_ASK };

struct xd_hub_config_policies {
    struct xd_decimal over_tolerance_pct;
    int unshipped_means; /* enum xd_unshipped_means */
    int64_t idempotency_days, retention_days, event_days;
    int64_t unknown_release_minutes;     /* a confirmation may wait so long for its release */
    int64_t reference_minutes;           /* the ERP's reference data is read so often; 0: never */
    int64_t erp_poll_s;                  /* what changed in the ERP is asked for so often; 0: never */
    int64_t books_hours;                 /* the books are compared so often; 0: when somebody asks */
    const char *books_at;                /* ... at this time of the day, HH:MM (UTC) */
    int64_t invoice_days;                /* what was shipped so long ago should have been invoiced */
    const char *over_tolerance_pct_text; /* as written */
};

struct xd_hub_config_webhooks {
    const char *const *allow_private; /* addresses and ranges, as the guard parses them */
    size_t allow_private_count;
    int64_t concurrency;
    int64_t timeout_s;
    int64_t retry_s_min, retry_s_max;
    int64_t disable_after_hours;
};

struct xd_hub_program_config {
    const char *state_dir; /* absolute */
    struct xd_hub_config_broker broker;
    struct xd_hub_config_http http;
    struct xd_hub_config_erp *erps; /* in the file's order */
    size_t erp_count;               /* 1.. */
    struct xd_hub_config_check check;
    struct xd_hub_config_policies policies;
    struct xd_hub_config_webhooks webhooks;
    int log_level;          /* enum xd_log_level */
    struct xd_config *file; /* owns all of the above */
};

/* XD_INVALID: errors has `file:line:column: what` lines; XD_NO_MEMORY.
 * Free with xd_hub_config_free in every case. */
XD_CHECKED enum xd_result xd_hub_config_load(const char *path, struct xd_hub_program_config *out,
                                             struct xd_buffer *errors);
void xd_hub_config_free(struct xd_hub_program_config *config);

#endif
