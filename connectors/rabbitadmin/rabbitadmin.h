/* RabbitMQ's management HTTP API, by libcurl: users and permissions of sites.
 * Blocking calls; one thread at a time; never the turn's. */
#ifndef XD_RABBITADMIN_RABBITADMIN_H
#define XD_RABBITADMIN_RABBITADMIN_H

#include "base/result.h"

#include <stddef.h>

struct xd_rabbitadmin_address {
    const char *url; /* http://127.0.0.1:15672 */
    const char *username, *password, *vhost;
    const char *ca_file; /* for https; NULL: system's */
    unsigned timeout_ms; /* of one call; 0: 5000 */
};

/* Creates or updates the vhost given in the address. */
XD_CHECKED enum xd_result xd_rabbitadmin_put_vhost(const struct xd_rabbitadmin_address *address, char *why,
                                                   size_t why_size);
/* password_hash: RabbitMQ's base64(salt4 || SHA-256(salt4 || password)). */
XD_CHECKED enum xd_result xd_rabbitadmin_put_user(const struct xd_rabbitadmin_address *address,
                                                  const char *user, const char *password_hash, char *why,
                                                  size_t why_size);
/* Regular expressions, as RabbitMQ takes them. */
XD_CHECKED enum xd_result xd_rabbitadmin_put_permissions(const struct xd_rabbitadmin_address *address,
                                                         const char *user, const char *configure,
                                                         const char *write, const char *read, char *why,
                                                         size_t why_size);
XD_CHECKED enum xd_result xd_rabbitadmin_delete_user(const struct xd_rabbitadmin_address *address,
                                                     const char *user, char *why, size_t why_size);
/* XD_OK, XD_DENIED (wrong password), XD_NOT_FOUND (user absent), XD_UNAVAILABLE. */
XD_CHECKED enum xd_result xd_rabbitadmin_user_exists(const struct xd_rabbitadmin_address *address,
                                                     const char *user, char *why, size_t why_size);

/* The password_hash of a password; salt is 4 random bytes. out holds 64 bytes. */
void xd_rabbitadmin_hash(const char *password, const unsigned char salt[4], char out[64]);

#endif
