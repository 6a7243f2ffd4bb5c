/* An address as the connections keep it: the caller's strings copied, the URL
 * taken apart, defaults filled in. Immutable once made; any thread. */
#ifndef XD_AMQP_ADDRESS_H
#define XD_AMQP_ADDRESS_H

#include "amqp/amqp.h"

#define XD_AMQP_PORT 5672u
#define XD_AMQP_PORT_TLS 5671u

struct xd_amqp_endpoint {
    char *host; /* without the brackets of an IPv6 address */
    unsigned port;
    bool tls;
    char *vhost, *username, *password;    /* not given: "/"; "guest"; "guest" if the user is, else "" */
    char *ca_file, *cert_file, *key_file; /* NULL: not given */
    char *connection_name;                /* NULL: none */
    unsigned heartbeat_s, stall_ms, retry_ms_min, retry_ms_max, silence_ms;
};

/* XD_INVALID: not amqp://host[:port] or amqps://host[:port] (user, path and
 * query belong into members of their own), a certificate without its key, or
 * retry times the wrong way round. XD_NO_MEMORY. On failure out is empty. */
XD_CHECKED enum xd_result xd_amqp_endpoint_make(const struct xd_amqp_address *address,
                                                struct xd_amqp_endpoint *out);
/* Frees what it owns and empties it. */
void xd_amqp_endpoint_free(struct xd_amqp_endpoint *endpoint);

#endif
