/* Which addresses a call may connect to when a stranger chose the URL: public ones,
 * and what the configuration allows besides. Asked about the address that is really
 * connected to, after the name was resolved: a name may lead anywhere, and elsewhere
 * the next time. Pure functions; any thread. Sources: the IANA registries of special
 * purpose addresses for IPv4 and IPv6 (RFC 6890). */
#ifndef XD_SHARED_HTTP_GUARD_H
#define XD_SHARED_HTTP_GUARD_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

/* A range of addresses; IPv4 as ::ffff:a.b.c.d. */
struct xd_http_range {
    uint8_t address[16];
    unsigned bits; /* of 128 */
};

/* "10.0.0.0/8", "fd00::/8", or one address. XD_INVALID. */
XD_CHECKED enum xd_result xd_http_range_parse(const char *text, struct xd_http_range *out);

struct xd_http_guard {
    const struct xd_http_range *allowed; /* besides public ones */
    size_t allowed_count;
};

/* Whether that address may be connected to. Private, loopback, link-local (so metadata services, too),
 * multicast, documentation and unspecified ones are refused, also where IPv6 wraps them; so are families
 * other than IPv4 and IPv6. */
bool xd_http_guard_allows(const struct xd_http_guard *guard, const struct sockaddr *address);
/* The same of the host in a URL, without brackets, where it is a literal address in any spelling that a
 * resolver takes for one (127.1, 0x7f000001). true for a name: of that only a connection can tell. */
bool xd_http_guard_allows_host(const struct xd_http_guard *guard, const char *host);

#endif
