/* Checks that the agent's and the hub's configuration share. */
#ifndef XD_POSIX_CONFIG_CHECKS_H
#define XD_POSIX_CONFIG_CHECKS_H

#include "base/bytes.h"

struct xd_config;

/* In the order of enum xd_log_level; NULL-terminated. */
extern const char *const xd_log_level_names[];

/* For xd_config_key.check: what is wrong, or NULL. */
const char *xd_check_site(const char *text);
const char *xd_check_kid(const char *text);  /* 1..32 of A-Z a-z 0-9 _ . - */
const char *xd_check_name(const char *text); /* as a key id */
const char *xd_check_loopback(const char *text);

/* What can be said beforehand of the folder that holds the program's state, for --check. What is wrong for
 * everybody goes to errors, what may be so for whoever checks only to notes. Both begin with
 * `file:line:column:`. */
void xd_check_state_dir(const struct xd_config *config, const char *folder, struct xd_buffer *errors,
                        struct xd_buffer *notes);

struct xd_check_tls {
    const char *url;                            /* NULL: nothing to compare with */
    const char *ca_file, *cert_file, *key_file; /* NULL: none */
};

/* Certificates come with their keys, and only where the scheme is one of TLS. Complains at section's keys. */
void xd_check_tls(const struct xd_config *config, struct xd_buffer *errors, const char *section,
                  const struct xd_check_tls *tls);

#endif
