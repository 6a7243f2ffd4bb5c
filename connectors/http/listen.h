/* What the HTTP server takes from the system before it runs. Internal to connectors/http. */
#ifndef XD_HTTP_LISTEN_H
#define XD_HTTP_LISTEN_H

#include "base/result.h"

#include <stddef.h>

/* A sentence into why; nothing when there is no room for one. */
void xd_http_say(char *why, size_t why_size, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A listening socket, not blocking, on "host:port" or "[v6]:port". XD_INVALID, XD_UNAVAILABLE: why says it.
 */
XD_CHECKED enum xd_result xd_http_listen(const char *listen, int *out, char *why, size_t why_size);
/* 0: it has none. */
unsigned xd_http_port_of(int fd);
/* A PEM file as text; freed with xd_free. XD_INVALID: why says it. */
XD_CHECKED enum xd_result xd_http_read_pem(const char *path, char **out, char *why, size_t why_size);

#endif
