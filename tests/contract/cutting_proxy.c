#include "contract/cutting_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MESSAGE_MAX ((size_t)8 * 1024 * 1024)

enum way { WAY_THROUGH, WAY_BEFORE, WAY_AFTER, WAY_HALF, WAY_ERROR, WAY_BUSY, WAY_COUNT };

static unsigned long roll(struct cutting_proxy *proxy) {
    proxy->seed = proxy->seed * 6364136223846793005ul + 1442695040888963407ul;
    return proxy->seed >> 33;
}

/* One message with its Content-Length, or all until the other side closes; its size, 0: none. */
static size_t read_message(int from, char *data) {
    size_t size = 0;
    for (;;) {
        ssize_t got = recv(from, data + size, MESSAGE_MAX - size - 1, 0);
        if (got <= 0) {
            return size;
        }
        size += (size_t)got;
        data[size] = '\0';
        const char *end = strstr(data, "\r\n\r\n");
        const char *length = end == NULL ? NULL : strcasestr(data, "\r\nContent-Length:");
        if (length != NULL && length < end &&
            size >= (size_t)(end - data) + 4 + strtoul(length + 17, NULL, 10)) {
            return size;
        }
    }
}

static void write_all(int to, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(to, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        data += sent;
        size -= (size_t)sent;
    }
}

static int open_target(const struct cutting_proxy *proxy) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)proxy->target),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (target >= 0 && connect(target, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(target);
        target = -1;
    }
    return target;
}

static void pass(struct cutting_proxy *proxy, int client, enum way way, char *data) {
    static const char error[] = "HTTP/1.1 500 INTERNAL SERVER ERROR\r\nContent-Type: text/html\r\n"
                                "Content-Length: 15\r\nConnection: close\r\n\r\n<html>No</html>";
    static const char busy[] = "HTTP/1.1 429 TOO MANY REQUESTS\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
                               "Connection: close\r\n\r\n";
    size_t size = read_message(client, data);
    if (size == 0 || way == WAY_BEFORE) {
        return;
    }
    if (way == WAY_BUSY) {
        write_all(client, busy, sizeof busy - 1);
        return;
    }
    int target = open_target(proxy);
    if (target < 0) {
        return;
    }
    write_all(target, data, size);
    size = read_message(target, data);
    (void)close(target);
    if (way == WAY_ERROR) {
        write_all(client, error, sizeof error - 1);
    } else if (way != WAY_AFTER) {
        write_all(client, data, way == WAY_HALF ? size - 3 : size);
    }
}

static void *serve(void *context) {
    struct cutting_proxy *proxy = context;
    char *data = malloc(MESSAGE_MAX);
    while (data != NULL && !atomic_load(&proxy->ended)) {
        struct pollfd poll_fd = {.fd = proxy->listener, .events = POLLIN};
        if (poll(&poll_fd, 1, 100) <= 0) {
            continue;
        }
        int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
        unsigned one_in = atomic_load(&proxy->one_in);
        bool cut = one_in != 0 && roll(proxy) % one_in == 0;
        enum way way = cut ? (enum way)(1 + roll(proxy) % (WAY_COUNT - 1)) : WAY_THROUGH;
        (void)atomic_fetch_add(&proxy->seen, 1);
        (void)atomic_fetch_add(&proxy->cuts, cut ? 1 : 0);
        if (client >= 0) {
            pass(proxy, client, way, data);
            (void)close(client);
        }
    }
    free(data);
    return NULL;
}

void cutting_proxy_start(struct cutting_proxy *proxy, unsigned target, unsigned long seed) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(proxy, 0, sizeof *proxy);
    proxy->target = target;
    proxy->seed = seed;
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(proxy->listener >= 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, 64), 0);
    assert_int_equal(getsockname(proxy->listener, (struct sockaddr *)&address, &size), 0);
    proxy->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&proxy->thread, NULL, serve, proxy), 0);
}

void cutting_proxy_stop(struct cutting_proxy *proxy) {
    atomic_store(&proxy->ended, true);
    assert_int_equal(pthread_join(proxy->thread, NULL), 0);
    (void)close(proxy->listener);
}
