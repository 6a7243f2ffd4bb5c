/* Opening, reading and closing the connection to the broker.
 *
 * A plain TCP connection is made here and handed to the library, so that waiting
 * for it can be interrupted; with TLS the library insists on making its own, and
 * OpenSSL's callback tells of the socket when the handshake begins. From the moment
 * there is a socket the watchdog holds a duplicate of it. Every set-up
 * call runs under the library's timeouts too (stall_ms). */
#include "amqp/connection.h"

#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_MS_MAX 10000u
#define CLOSE_MS 300u
#define SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"

static struct timeval span(unsigned ms) {
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

static unsigned connect_ms(const struct xd_amqp_connection *connection) {
    unsigned stall_ms = connection->endpoint.stall_ms;
    return stall_ms < CONNECT_MS_MAX ? stall_ms : CONNECT_MS_MAX;
}

/* Waits for connect() to finish; gives 0 or an errno. Stopping interrupts it. */
static int finish_connect(struct xd_amqp_connection *connection, int fd) {
    int64_t deadline = xd_amqp_clock_ms() + connect_ms(connection);
    struct pollfd polled[2] = {{.fd = fd, .events = POLLOUT}, {.fd = connection->wake, .events = POLLIN}};
    for (;;) {
        int64_t left = deadline - xd_amqp_clock_ms();
        if (left <= 0)
            return ETIMEDOUT;
        int count = poll(polled, 2, (int)left);
        if (count < 0 && errno != EINTR)
            return errno;
        if (atomic_load(&connection->stopping))
            return ECANCELED;
        xd_amqp_wake_clear(connection); /* not about stopping: nobody else can be meant while it is down */
        if (count > 0 && polled[0].revents != 0) {
            int error = 0;
            socklen_t size = sizeof error;
            return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
        }
    }
}

/* A connected socket for one address, or -1 and *error. */
static int connect_one(struct xd_amqp_connection *connection, const struct addrinfo *to, int *error) {
    int one = 1;
    int fd = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol);
    if (fd < 0) {
        *error = errno;
        return -1;
    }
    *error = 0;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        *error = errno;
    else if (connect(fd, to->ai_addr, to->ai_addrlen) != 0)
        *error = errno == EINPROGRESS ? finish_connect(connection, fd) : errno;
    if (*error == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static enum xd_result connect_plain(struct xd_amqp_connection *connection) {
    const struct xd_amqp_endpoint *endpoint = &connection->endpoint;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char port[16];
    int error = 0, fd = -1;
    (void)snprintf(port, sizeof port, "%u", endpoint->port);
    int failed = getaddrinfo(endpoint->host, port, &hints, &list);
    if (failed != 0)
        return xd_amqp_broken(connection, "cannot find %s: %s", endpoint->host, gai_strerror(failed));
    for (const struct addrinfo *to = list; to != NULL && fd < 0; to = to->ai_next)
        fd = connect_one(connection, to, &error);
    freeaddrinfo(list);
    if (fd < 0)
        return xd_amqp_broken(connection, "cannot connect to %s:%u: %s", endpoint->host, endpoint->port,
                              strerrordesc_np(error));
    amqp_socket_t *tcp = amqp_tcp_socket_new(connection->state);
    if (tcp == NULL) {
        (void)close(fd);
        return xd_amqp_broken(connection, "no memory for a socket");
    }
    amqp_tcp_socket_set_sockfd(tcp, fd);
    return XD_OK;
}

/* OpenSSL begins a handshake on a socket that only it and the library know. */
static void handshake_moves(const SSL *tls, int where, int code) {
    (void)code;
    struct xd_amqp_connection *connection = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));
    if (connection == NULL || (where & SSL_CB_HANDSHAKE_START) == 0)
        return;
    /* Without a watch the handshake just keeps its own timeout. */
    if (xd_amqp_watchdog_watch(&connection->watchdog, SSL_get_fd(tls)) != XD_OK)
        return;
    if (atomic_load(&connection->stopping))
        xd_amqp_watchdog_cut(&connection->watchdog);
}

static enum xd_result connect_tls(struct xd_amqp_connection *connection) {
    const struct xd_amqp_endpoint *endpoint = &connection->endpoint;
    const char *authorities = endpoint->ca_file != NULL ? endpoint->ca_file : SYSTEM_CAS;
    struct timeval timeout = span(connect_ms(connection));
    amqp_socket_t *tls = amqp_ssl_socket_new(connection->state);
    if (tls == NULL)
        return xd_amqp_broken(connection, "no memory for a TLS socket");
    amqp_ssl_socket_set_verify_peer(tls, 1);
    amqp_ssl_socket_set_verify_hostname(tls, 1);
    if (amqp_ssl_socket_set_ssl_versions(tls, AMQP_TLSv1_2, AMQP_TLSvLATEST) != AMQP_STATUS_OK)
        return xd_amqp_broken(connection, "TLS 1.2 is not available");
    if (amqp_ssl_socket_set_cacert(tls, authorities) != AMQP_STATUS_OK)
        return xd_amqp_broken(connection, "cannot use the certificate authorities in %s", authorities);
    if (endpoint->cert_file != NULL &&
        amqp_ssl_socket_set_key(tls, endpoint->cert_file, endpoint->key_file) != AMQP_STATUS_OK)
        return xd_amqp_broken(connection, "cannot use the certificate %s with the key %s",
                              endpoint->cert_file, endpoint->key_file);
    SSL_CTX *context = amqp_ssl_socket_get_context(tls);
    SSL_CTX_set_app_data(context, connection);
    SSL_CTX_set_info_callback(context, handshake_moves);
    int status = amqp_socket_open_noblock(tls, endpoint->host, (int)endpoint->port, &timeout);
    SSL_CTX_set_app_data(context, NULL);
    if (status != AMQP_STATUS_OK)
        return xd_amqp_broken(connection, "cannot connect to %s:%u: %s", endpoint->host, endpoint->port,
                              amqp_error_string2(status));
    return XD_OK;
}

static amqp_table_entry_t entry_text(const char *key, const char *value) {
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(value);
    return entry;
}

static amqp_table_entry_t entry_true(const char *key) {
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};
    entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    entry.value.value.boolean = 1;
    return entry;
}

static enum xd_result login(struct xd_amqp_connection *connection) {
    const struct xd_amqp_endpoint *endpoint = &connection->endpoint;
    amqp_table_entry_t abilities[] = {
        entry_true("publisher_confirms"),           entry_true("basic.nack"),
        entry_true("consumer_cancel_notify"),       entry_true("connection.blocked"),
        entry_true("authentication_failure_close"),
    };
    amqp_table_entry_t entries[2] = {entry_text("product", "Crossdock"), entry_true("capabilities")};
    entries[1].value.kind = AMQP_FIELD_KIND_TABLE;
    entries[1].value.value.table.num_entries = (int)(sizeof abilities / sizeof *abilities);
    entries[1].value.value.table.entries = abilities;
    amqp_table_entry_t all[3] = {entries[0], entries[1]};
    amqp_table_t properties = {.num_entries = 2, .entries = all};
    if (endpoint->connection_name != NULL)
        all[properties.num_entries++] = entry_text("connection_name", endpoint->connection_name);
    amqp_rpc_reply_t reply = amqp_login_with_properties(
        connection->state, endpoint->vhost, 0, AMQP_DEFAULT_FRAME_SIZE, (int)endpoint->heartbeat_s,
        &properties, AMQP_SASL_METHOD_PLAIN, endpoint->username, endpoint->password);
    char who[280];
    (void)snprintf(who, sizeof who, "'%s' at vhost '%s'", endpoint->username, endpoint->vhost);
    return xd_amqp_check_reply(connection, reply, "login of user", who);
}

static enum xd_result open_channel(struct xd_amqp_connection *connection) {
    struct timeval timeout = span(connection->endpoint.stall_ms);
    if (amqp_set_handshake_timeout(connection->state, &timeout) != AMQP_STATUS_OK ||
        amqp_set_rpc_timeout(connection->state, &timeout) != AMQP_STATUS_OK)
        return xd_amqp_broken(connection, "cannot set the timeouts");
    enum xd_result result = login(connection);
    if (result != XD_OK)
        return result;
    (void)amqp_channel_open(connection->state, XD_AMQP_CHANNEL);
    return xd_amqp_check_reply(connection, amqp_get_rpc_reply(connection->state), "opening a channel", "");
}

/* The broker closed the connection or the channel. text is not terminated. */
static enum xd_result closed(struct xd_amqp_connection *connection, const char *what, unsigned code,
                             amqp_bytes_t text) {
    return xd_amqp_broken(connection, "the broker closed the %s: %u %.*s", what, code,
                          (int)(text.len < 200 ? text.len : 200), (const char *)text.bytes);
}

static enum xd_result result_of_code(unsigned code) {
    switch (code) {
    case AMQP_ACCESS_REFUSED:
    case AMQP_NOT_ALLOWED:
        return XD_DENIED;
    case AMQP_NOT_FOUND:
        return XD_NOT_FOUND;
    case AMQP_PRECONDITION_FAILED:
        return XD_CONFLICT;
    default:
        return XD_UNAVAILABLE;
    }
}

enum xd_result xd_amqp_link_open(struct xd_amqp_connection *connection) {
    connection->state = amqp_new_connection();
    if (connection->state == NULL)
        return xd_amqp_broken(connection, "no memory for a connection");
    enum xd_result result = connection->endpoint.tls ? connect_tls(connection) : connect_plain(connection);
    if (result != XD_OK)
        return result;
    if (xd_amqp_watchdog_watch(&connection->watchdog, amqp_get_sockfd(connection->state)) != XD_OK)
        return xd_amqp_broken(connection, "no file descriptor left for the watchdog");
    if (atomic_load(&connection->stopping))
        return XD_UNAVAILABLE;
    xd_amqp_watchdog_begin(&connection->watchdog, XD_AMQP_CALL);
    result = open_channel(connection);
    xd_amqp_watchdog_rest(&connection->watchdog, XD_AMQP_CALL);
    connection->usable = result == XD_OK;
    return result;
}

void xd_amqp_link_close(struct xd_amqp_connection *connection) {
    if (connection->state == NULL)
        return;
    if (connection->usable && !xd_amqp_watchdog_has_cut(&connection->watchdog)) {
        struct timeval timeout = span(CLOSE_MS);
        /* Politeness only: the broker notices a closed socket as well. */
        if (amqp_set_rpc_timeout(connection->state, &timeout) == AMQP_STATUS_OK)
            (void)amqp_connection_close(connection->state, AMQP_REPLY_SUCCESS);
    }
    xd_amqp_watchdog_forget(&connection->watchdog);
    (void)amqp_destroy_connection(connection->state);
    connection->state = NULL;
    connection->usable = false;
}

enum xd_result xd_amqp_next_frame(struct xd_amqp_connection *connection, amqp_frame_t *frame) {
    struct timeval at_once = {0, 0};
    int status = amqp_simple_wait_frame_noblock(connection->state, frame, &at_once);
    if (status == AMQP_STATUS_TIMEOUT)
        return XD_AGAIN;
    if (status != AMQP_STATUS_OK)
        return xd_amqp_check_status(connection, status, "reading");
    xd_amqp_watchdog_moved(&connection->watchdog, XD_AMQP_CALL);
    if (frame->frame_type != AMQP_FRAME_METHOD)
        return XD_OK;
    if (frame->payload.method.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *method = frame->payload.method.decoded;
        connection->usable = false;
        return closed(connection, "connection", method->reply_code, method->reply_text);
    }
    if (frame->payload.method.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *method = frame->payload.method.decoded;
        return closed(connection, "channel", method->reply_code, method->reply_text);
    }
    return XD_OK;
}

enum xd_result xd_amqp_check_status(struct xd_amqp_connection *connection, int status, const char *doing) {
    if (status == AMQP_STATUS_OK)
        return XD_OK;
    connection->usable = false;
    return xd_amqp_broken(connection, "%s: %s", doing, amqp_error_string2(status));
}

enum xd_result xd_amqp_check_reply(struct xd_amqp_connection *connection, amqp_rpc_reply_t reply,
                                   const char *doing, const char *name) {
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return XD_OK;
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION || reply.reply.decoded == NULL) {
        connection->usable = false;
        return xd_amqp_broken(connection, "%s %s: %s", doing, name, amqp_error_string2(reply.library_error));
    }
    unsigned code;
    amqp_bytes_t text;
    if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *method = reply.reply.decoded;
        code = method->reply_code;
        text = method->reply_text;
        connection->usable = false;
    } else {
        const amqp_channel_close_t *method = reply.reply.decoded;
        code = method->reply_code;
        text = method->reply_text;
    }
    (void)xd_amqp_broken(connection, "%s %s: %u %.*s", doing, name, code,
                         (int)(text.len < 200 ? text.len : 200), (const char *)text.bytes);
    return result_of_code(code);
}

amqp_bytes_t xd_amqp_text(const char *text) {
    return text != NULL ? amqp_cstring_bytes(text) : amqp_empty_bytes;
}

amqp_bytes_t xd_amqp_view(struct xd_bytes bytes) {
    /* The library's type has no const; it never writes through it. */
    return (amqp_bytes_t){.len = bytes.size, .bytes = (void *)(uintptr_t)bytes.data};
}
