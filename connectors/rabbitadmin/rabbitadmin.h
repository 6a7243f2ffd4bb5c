/* RabbitMQ's management HTTP API, by libcurl: users and permissions of sites, and
 * how queues are.
 * Blocking calls; one thread at a time; never the turn's. */
#ifndef XD_RABBITADMIN_RABBITADMIN_H
#define XD_RABBITADMIN_RABBITADMIN_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* has_state: the broker says in which state it is. That of a quorum queue is told by its
 * leader: one without a leader has none for ever, a young one not for its first ten
 * seconds or so. name is borrowed for the call. */
typedef void (*xd_rabbitadmin_take_queue)(void *context, const char *name, bool has_state);
/* The vhost's quorum queues whose names begin with prefix. XD_FULL (more than a megabyte
 * of them) and XD_INVALID (not what the API should say): none was handed on. */
XD_CHECKED enum xd_result xd_rabbitadmin_each_queue(const struct xd_rabbitadmin_address *address,
                                                    const char *prefix, xd_rabbitadmin_take_queue take,
                                                    void *context, char *why, size_t why_size);
/* With all that is in it. Of a queue without a leader it takes more than 5 s: a timeout_ms
 * that is not longer gives XD_UNAVAILABLE, and the queue goes all the same. */
XD_CHECKED enum xd_result xd_rabbitadmin_delete_queue(const struct xd_rabbitadmin_address *address,
                                                      const char *queue, char *why, size_t why_size);
/* For how long the youngest of the broker's nodes has been up (some seconds ago); 0: one is
 * not running, or the broker gathers no figures. */
XD_CHECKED enum xd_result xd_rabbitadmin_nodes_up(const struct xd_rabbitadmin_address *address,
                                                  uint64_t *up_ms, char *why, size_t why_size);

/* The password_hash of a password; salt is 4 random bytes. out holds 64 bytes. */
void xd_rabbitadmin_hash(const char *password, const unsigned char salt[4], char out[64]);

#endif
