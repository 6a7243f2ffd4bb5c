/* What a single configured value may look like. Pure functions. */
#ifndef XD_SHARED_VALUES_H
#define XD_SHARED_VALUES_H

#include <stdbool.h>
#include <stdint.h>

/* A whole number, decimal, with or without a minus; false for anything else or beyond 64 bits. */
bool xd_value_integer(const char *text, int64_t *out);

/* host:port with a port of port_min..65535; host is a name, an IPv4 address or an [IPv6 address]. */
bool xd_value_host_port(const char *text, unsigned port_min);

/* scheme://host:port, scheme one of schemes (NULL-terminated); http and https may have a path.
 * Gives NULL or what is wrong. */
const char *xd_value_url_problem(const char *text, const char *const *schemes);

/* Whether text has no control characters. */
bool xd_value_printable(const char *text);

/* Whether the host of host:port is a loopback address (127.0.0.0/8, ::1, localhost). */
bool xd_value_is_loopback(const char *host_port);

#endif
