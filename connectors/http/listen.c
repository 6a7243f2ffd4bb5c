#include "http/listen.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 128
#define PEM_MAX ((size_t)1024 * 1024)

void xd_http_say(char *why, size_t why_size, const char *format, ...) {
    va_list arguments;

    if (why == NULL || why_size == 0)
        return;
    va_start(arguments, format);
    (void)vsnprintf(why, why_size, format, arguments);
    va_end(arguments);
}

/* Splits "host:port" or "[v6]:port". */
static bool split_listen(const char *listen, char *host, size_t host_size, const char **port) {
    const char *colon = listen != NULL ? strrchr(listen, ':') : NULL;
    const char *start = listen;
    size_t size;

    if (colon == NULL || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strlen(colon + 1) > 5 || strtoul(colon + 1, NULL, 10) > 65535u)
        return false;
    size = (size_t)(colon - listen);
    if (listen[0] == '[') {
        if (size < 3 || listen[size - 1] != ']')
            return false;
        start++;
        size -= 2;
    } else if (memchr(listen, ':', size) != NULL) {
        return false; /* an IPv6 address without its brackets */
    }
    if (size == 0 || size >= host_size)
        return false;
    memcpy(host, start, size);
    host[size] = '\0';
    *port = colon + 1;
    return true;
}

static int open_listener(const struct addrinfo *address) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, saved;

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

enum xd_result xd_http_listen(const char *listen, int *out, char *why, size_t why_size) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found = NULL;
    char host[256];
    const char *port;
    int code;

    if (!split_listen(listen, host, sizeof host, &port)) {
        xd_http_say(why, why_size, "\"%s\" is no address to listen on: host:port or [address]:port is needed",
                    listen != NULL ? listen : "");
        return XD_INVALID;
    }
    code = getaddrinfo(host, port, &hints, &found);
    if (code != 0) {
        xd_http_say(why, why_size, "cannot listen on %s: %s", listen, gai_strerror(code));
        return XD_INVALID;
    }
    *out = open_listener(found);
    if (*out < 0)
        xd_http_say(why, why_size, "cannot listen on %s: %s", listen, strerror(errno));
    freeaddrinfo(found);
    return *out >= 0 ? XD_OK : XD_UNAVAILABLE;
}

unsigned xd_http_port_of(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t size = sizeof address;

    if (getsockname(fd, &address.any, &size) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

enum xd_result xd_http_read_pem(const char *path, char **out, char *why, size_t why_size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    ssize_t size = -1;

    if (fd < 0) {
        xd_http_say(why, why_size, "cannot read %s: %s", path, strerror(errno));
        return XD_INVALID;
    }
    if (fstat(fd, &status) == 0 && status.st_size > 0 && (size_t)status.st_size <= PEM_MAX) {
        *out = xd_alloc((size_t)status.st_size + 1);
        if (*out != NULL)
            size = read(fd, *out, (size_t)status.st_size);
    }
    (void)close(fd);
    if (size > 0)
        return XD_OK;
    xd_http_say(why, why_size, "cannot read a PEM file from %s", path);
    return XD_INVALID;
}
