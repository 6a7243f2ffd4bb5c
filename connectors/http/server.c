/* HTTP/1.1 by libmicrohttpd: one polling thread (epoll), requests suspended while
 * the caller decides.
 *
 * A request's way: begin (headers in: early refusals) -> its body is collected ->
 * complete: handed over, and suspended unless the handler answered at once ->
 * xd_http_respond, from any thread, keeps the response and resumes -> the polling
 * thread queues it -> completed. Two hold the request by a reference: libmicrohttpd
 * until `completed`, the caller until the answer. So a client may vanish, and the
 * server may stop, while the caller still holds it. A suspended connection is
 * neither read nor timed out: that its client vanished shows when it is resumed.
 *
 * Stopping answers 503 for the caller (detached: the caller's own answer then only
 * drops its reference), gives the answers a moment to leave, and ends the daemon;
 * no connection may be suspended then, or libmicrohttpd aborts the process. Streams
 * (stream.c) are ended before that, too.
 *
 * libmicrohttpd's timeout cuts an idle client. One that drips bytes never idles: a
 * watch cuts any connection that takes twice as long for one request, or to read
 * one answer, by shutting its socket down; libmicrohttpd sees the end and cleans up.
 * When nearly all connections are taken it loses its patience: the oldest of those that
 * wait for their client are cut, and the others end with their next answer, so that
 * whoever sends a request at once is served, however many connections others hold.
 *
 * Locks. `lock` guards requests and is held while suspending and resuming;
 * `watch_lock` guards the connections and is the only one taken in libmicrohttpd's
 * notifications, which may run under a lock of its own. Order: lock, watch_lock. */
#include "http/server.h"

#include "base/memory.h"
#include "documents/registry.h"
#include "http/listen.h"
#include "http/server_state.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODY_MAX ((size_t)1024 * 1024)
#define DISCARD_MAX                                                                                          \
    ((size_t)4 * 1024 * 1024) /* read of a body that is too large, so that its sender sees the answer */
#define CONNECTIONS_MAX 256u
#define TIMEOUT_S 15u
#define PENDING_MAX ((size_t)512)
#define HEADERS_MAX ((size_t)32 * 1024) /* bytes of memory of a connection: 431 above it */
#define PATIENCE 2                      /* timeouts that one request, or one answer, may take */
#define WATCH_MS 500
#define PRESSED_MS 1000 /* the patience that is left when connections run out */
#define FAREWELL_MS 1000

static int64_t now_ms(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- references ---- */

void xd_http_server_release(struct xd_http_server *server) {
    if (atomic_fetch_sub(&server->references, 1) != 1)
        return;
    if (server->failure != NULL)
        MHD_destroy_response(server->failure);
    (void)pthread_mutex_destroy(&server->lock);
    (void)pthread_mutex_destroy(&server->watch_lock);
    (void)pthread_cond_destroy(&server->watch_changed);
    xd_free(server->certificate);
    xd_free(server->key);
    xd_free(server);
}

static void drop_response(struct xd_http_server *server, struct MHD_Response *response) {
    if (response != NULL && response != server->failure)
        MHD_destroy_response(response);
}

static void request_release(struct xd_http_request *request) {
    struct xd_http_server *server = request->server;

    if (atomic_fetch_sub(&request->references, 1) != 1)
        return;
    drop_response(server, request->response);
    xd_http_request_free(request);
    xd_http_server_release(server);
}

/* ---- the watch over slow clients ---- */

static void doing(struct xd_http_server *server, struct xd_http_connection *connection,
                  enum xd_http_doing what) {
    pthread_mutex_lock(&server->watch_lock);
    connection->doing = what;
    connection->since_ms = now_ms();
    pthread_mutex_unlock(&server->watch_lock);
}

static void cut(struct xd_http_connection *connection) {
    if (!connection->cut)
        (void)shutdown(connection->fd, SHUT_RDWR); /* gone already: as well */
    connection->cut = true;
}

static void cut_slow(struct xd_http_server *server, int64_t now) {
    for (struct xd_http_connection *at = server->connections; at != NULL; at = at->next)
        if (at->doing != XD_HTTP_PENDING && at->doing != XD_HTTP_STREAMING &&
            now - at->since_ms > server->patience_ms)
            cut(at);
}

/* So many connections are nearly all. */
static size_t high(const struct xd_http_server *server) {
    return server->connections_max - server->connections_max / 8;
}

/* The one that has waited longest for its client, of those that were not cut yet. */
static struct xd_http_connection *oldest_reader(struct xd_http_server *server) {
    struct xd_http_connection *oldest = NULL;

    for (struct xd_http_connection *at = server->connections; at != NULL; at = at->next)
        if (at->doing == XD_HTTP_READING && !at->cut && (oldest == NULL || at->since_ms < oldest->since_ms))
            oldest = at;
    return oldest;
}

/* A quarter of all at a time; none that has just begun. */
static void cut_for_room(struct xd_http_server *server, int64_t now) {
    size_t most = server->connections_max / 4 + 1;

    for (size_t count = 0; server->connection_count >= high(server) && count < most; count++) {
        struct xd_http_connection *oldest = oldest_reader(server);

        if (oldest == NULL || now - oldest->since_ms < PRESSED_MS)
            return;
        cut(oldest);
    }
}

static void *run_watch(void *context) {
    struct xd_http_server *server = context;

    pthread_mutex_lock(&server->watch_lock);
    while (!server->watch_ends) {
        int64_t next_ms = now_ms() + WATCH_MS;
        struct timespec next = {.tv_sec = (time_t)(next_ms / 1000),
                                .tv_nsec = (long)(next_ms % 1000) * 1000000};

        if (server->connections == NULL)
            (void)pthread_cond_wait(&server->watch_changed, &server->watch_lock);
        else
            (void)pthread_cond_timedwait(&server->watch_changed, &server->watch_lock, &next);
        cut_slow(server, now_ms());
        cut_for_room(server, now_ms());
    }
    pthread_mutex_unlock(&server->watch_lock);
    return NULL;
}

static void connection_opened(struct xd_http_server *server, struct MHD_Connection *mhd,
                              void **socket_context) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct xd_http_connection *connection = info != NULL ? xd_alloc(sizeof *connection) : NULL;

    *socket_context = connection;
    if (connection == NULL)
        return; /* its requests are refused */
    connection->fd = info->connect_fd;
    connection->since_ms = now_ms();
    pthread_mutex_lock(&server->watch_lock);
    connection->next = server->connections;
    connection->link = &server->connections;
    if (connection->next != NULL)
        connection->next->link = &connection->next;
    server->connections = connection;
    server->connection_count++;
    pthread_cond_broadcast(&server->watch_changed);
    pthread_mutex_unlock(&server->watch_lock);
}

/* Before the socket is closed: from here on its number may mean another one. */
static void connection_closed(struct xd_http_server *server, struct xd_http_connection *connection) {
    if (connection == NULL)
        return;
    pthread_mutex_lock(&server->watch_lock);
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
    server->connection_count--;
    pthread_mutex_unlock(&server->watch_lock);
    xd_free(connection);
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        connection_opened(context, mhd, socket_context);
    else
        connection_closed(context, *socket_context);
}

/* ---- answering: the polling thread ---- */

static bool is_pressed(struct xd_http_server *server) {
    bool pressed;

    pthread_mutex_lock(&server->watch_lock);
    pressed = server->connection_count >= high(server);
    pthread_mutex_unlock(&server->watch_lock);
    return pressed;
}

/* One more answer on its way; one less in on_completed, which always comes. */
static void count_answer(struct xd_http_request *request) {
    struct xd_http_server *server = request->server;

    pthread_mutex_lock(&server->watch_lock);
    if (!request->counted)
        server->answering++;
    request->counted = true;
    pthread_mutex_unlock(&server->watch_lock);
}

/* Queues the response that the request holds. When connections run out it is the connection's last one:
 * who asks without a pause must stand in line again, behind those that wait to be let in. */
static enum MHD_Result send_response(struct xd_http_request *request) {
    struct MHD_Response *response = request->response;
    enum MHD_Result result;

    if (response != request->server->failure && is_pressed(request->server))
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close"); /* else it stays open */
    request->response = NULL;
    request->queued = true;
    count_answer(request);
    doing(request->server, request->connection, request->stream ? XD_HTTP_STREAMING : XD_HTTP_WRITING);
    result = MHD_queue_response(request->mhd, request->status, response);
    drop_response(request->server, response); /* the queue has its own reference */
    return result;
}

static struct MHD_Response *response_or_failure(struct xd_http_server *server,
                                                const struct xd_http_answer *answer,
                                                const struct xd_http_request *request, unsigned *status) {
    struct MHD_Response *response = xd_http_response_new(answer, request);

    *status = response != NULL ? answer->status : MHD_HTTP_INTERNAL_SERVER_ERROR;
    return response != NULL ? response : server->failure;
}

/* A problem that the server itself finds, before or instead of the handler. */
static void set_problem(struct xd_http_request *request, unsigned status, const char *code,
                        const char *detail) {
    bool retryable = status == MHD_HTTP_SERVICE_UNAVAILABLE;
    struct xd_problem_answer problem = {
        .status = status, .code = code, .detail = detail, .retryable = retryable};
    struct xd_http_answer answer = {
        .status = status, .content_type = "application/problem+json", .retry_after_s = retryable ? 1 : 0};
    struct xd_buffer body;

    xd_buffer_init(&body, 0);
    xd_problem_answer_write(&problem, &body);
    answer.body = xd_buffer_view(&body);
    /* Without the extra headers: when the server stops the caller may be adding them just now. */
    request->response = response_or_failure(request->server, &answer, NULL, &request->status);
    xd_buffer_free(&body);
}

static void set_unavailable(struct xd_http_request *request, bool stopping) {
    if (stopping)
        set_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "stopping",
                    "Send it again when the server is back.");
    else
        set_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "Send it again a little later.");
}

static void set_too_large(struct xd_http_request *request) {
    char detail[96];

    (void)snprintf(detail, sizeof detail, "A body may have at most %zu bytes; nothing of this one was taken.",
                   request->server->body_max);
    set_problem(request, MHD_HTTP_CONTENT_TOO_LARGE, "body_too_large", detail);
}

/* ---- a request's way ---- */

static struct xd_http_connection *connection_of(struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

/* The target as it came, before libmicrohttpd decodes it: an encoded NUL would cut it short. */
static void *on_target(void *context, const char *target, struct MHD_Connection *mhd) {
    struct xd_http_connection *connection = connection_of(mhd);

    (void)context;
    if (connection != NULL) { /* these are the polling thread's own */
        connection->bad_target = !xd_http_target_valid(target);
        connection->slash_in_name = xd_http_target_slash(target);
    }
    return NULL;
}

/* The size that is announced; 0: none is. */
static unsigned long long announced_size(const struct xd_http_request *request) {
    const char *text = xd_http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    unsigned long long size;

    if (text == NULL)
        return 0;
    errno = 0;
    size = strtoull(text, NULL, 10); /* libmicrohttpd has checked its form */
    return errno != 0 ? ULLONG_MAX : size;
}

/* An answer while the body is still on its way breaks its sender's connection, and most senders never see it.
 * So a body that is not all too large is read to its end, unless its sender asked first. */
static bool worth_reading(const struct xd_http_request *request, unsigned long long size) {
    return size <= request->server->body_max + DISCARD_MAX &&
           xd_http_header(request, MHD_HTTP_HEADER_EXPECT) == NULL;
}

static bool is_busy(struct xd_http_server *server, bool *stopping) {
    bool busy;

    pthread_mutex_lock(&server->lock);
    *stopping = server->stopping;
    busy = server->stopping || server->pending_count >= server->pending_max;
    pthread_mutex_unlock(&server->lock);
    return busy;
}

/* The headers are in. What is refused now is refused before its body is read. */
static enum MHD_Result begin(struct xd_http_server *server, struct MHD_Connection *mhd, const char *path,
                             const char *method, void **slot) {
    struct xd_http_connection *connection = connection_of(mhd);
    struct xd_http_request *request;
    unsigned long long size;
    bool valid, stopping;

    if (connection == NULL)
        return MHD_NO;
    request = xd_http_request_new(mhd, method, path, server->body_max, &valid);
    if (request == NULL)
        return MHD_NO;
    request->server = server;
    request->connection = connection;
    (void)atomic_fetch_add(&server->references, 1);
    *slot = request;
    size = announced_size(request);
    if (size > server->body_max && worth_reading(request, size)) {
        request->oversize = true;
        return MHD_YES;
    }
    if (!valid || connection->bad_target)
        set_problem(
            request, MHD_HTTP_BAD_REQUEST, "malformed_request",
            "The path and the query must be percent-encoded UTF-8, and no header may hold a line end.");
    else if (connection->slash_in_name)
        set_problem(request, MHD_HTTP_NOT_FOUND, "not_found", "Nothing here has a name with a slash in it.");
    else if (size > server->body_max)
        set_too_large(request);
    else if (is_busy(server, &stopping))
        set_unavailable(request, stopping);
    else
        return MHD_YES;
    return send_response(request);
}

/* A body of unknown size (chunked) may turn out too large. It can be answered only at its
 * end: a bounded amount is read and thrown away; then the connection is cut. */
static enum MHD_Result take_body(struct xd_http_request *request, const char *data, size_t size) {
    size_t room = request->server->body_max - request->body.size;

    if (!request->oversize && size <= room) {
        xd_buffer_add(&request->body, data, size);
        return xd_buffer_result(&request->body) == XD_OK ? MHD_YES : MHD_NO;
    }
    if (!request->oversize)
        xd_buffer_clear(&request->body);
    request->oversize = true;
    request->discarded += size;
    return request->discarded <= request->server->body_max + DISCARD_MAX ? MHD_YES : MHD_NO;
}

/* Takes the request into the pending, if there is room. */
static bool hand_over(struct xd_http_request *request, bool *stopping) {
    struct xd_http_server *server = request->server;
    bool taken;

    pthread_mutex_lock(&server->lock);
    *stopping = server->stopping;
    taken = !server->stopping && server->pending_count < server->pending_max;
    if (taken) {
        (void)atomic_fetch_add(&request->references, 1);
        request->next = server->pending;
        request->link = &server->pending;
        if (request->next != NULL)
            request->next->link = &request->next;
        server->pending = request;
        server->pending_count++;
    }
    pthread_mutex_unlock(&server->lock);
    return taken;
}

/* Takes it out again, once. The lock is held. */
static void unlink_pending(struct xd_http_request *request) {
    *request->link = request->next;
    if (request->next != NULL)
        request->next->link = request->link;
    request->server->pending_count--;
}

/* Body and all are in. */
static enum MHD_Result complete(struct xd_http_request *request) {
    struct xd_http_server *server = request->server;
    bool stopping, answered;

    if (request->oversize) {
        set_too_large(request);
        return send_response(request);
    }
    if (!hand_over(request, &stopping)) {
        set_unavailable(request, stopping);
        return send_response(request);
    }
    doing(server, request->connection, XD_HTTP_PENDING);
    server->handler(server->context, request);
    pthread_mutex_lock(&server->lock);
    answered = request->response != NULL;
    if (!answered) {
        request->suspended = true;
        MHD_suspend_connection(request->mhd);
    }
    pthread_mutex_unlock(&server->lock);
    return answered ? send_response(request) : MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *path,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **slot) {
    struct xd_http_request *request = *slot;
    enum MHD_Result result;

    (void)version;
    if (request == NULL)
        return begin(context, mhd, path, method, slot);
    if (request->response != NULL) /* resumed: happens after respond, so no lock is needed */
        return send_response(request);
    if (*size == 0)
        return request->queued ? MHD_YES : complete(request);
    result = take_body(request, data, *size);
    *size = 0;
    return result;
}

/* The answer was sent, or the connection is gone. */
static void on_completed(void *context, struct MHD_Connection *mhd, void **slot,
                         enum MHD_RequestTerminationCode how) {
    struct xd_http_server *server = context;
    struct xd_http_request *request = *slot;

    (void)mhd;
    (void)how;
    if (request == NULL)
        return;
    *slot = NULL;
    pthread_mutex_lock(&server->watch_lock);
    if (request->counted) {
        server->answering--;
        pthread_cond_broadcast(&server->watch_changed);
    }
    request->connection->doing = XD_HTTP_READING;
    request->connection->since_ms = now_ms();
    pthread_mutex_unlock(&server->watch_lock);
    request_release(request);
}

void xd_http_respond_with(struct xd_http_request *request, struct MHD_Response *response, unsigned status) {
    struct xd_http_server *server = request->server;

    pthread_mutex_lock(&server->lock);
    if (!request->detached) {
        request->response = response;
        request->status = status;
        unlink_pending(request);
        count_answer(request);
        if (request->suspended) {
            request->suspended = false;
            MHD_resume_connection(request->mhd);
        }
        response = NULL;
    }
    pthread_mutex_unlock(&server->lock);
    drop_response(server, response); /* not under the lock: a stream's end takes it */
    request_release(request);
}

void xd_http_respond(struct xd_http_request *request, const struct xd_http_answer *answer) {
    unsigned status;
    struct MHD_Response *response = response_or_failure(request->server, answer, request, &status);

    xd_http_respond_with(request, response, status);
}

/* ---- starting ---- */

static enum xd_result start_daemon(struct xd_http_server *server, const struct xd_http_config *config,
                                   int listener, char *why, size_t why_size) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_OptionItem options[4] = {{MHD_OPTION_END, 0, NULL}};
    size_t count = 0;

    if (config->cert_file != NULL || config->key_file != NULL) {
        enum xd_result result = XD_INVALID;

        xd_http_say(why, why_size, "https needs both a certificate and a key");
        if (config->cert_file != NULL && config->key_file != NULL)
            result = xd_http_read_pem(config->cert_file, &server->certificate, why, why_size);
        if (result == XD_OK)
            result = xd_http_read_pem(config->key_file, &server->key, why, why_size);
        if (result != XD_OK) {
            (void)close(listener);
            return result;
        }
        flags |= MHD_USE_TLS;
        options[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate};
        options[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, server->key};
    }
    options[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        config->address_connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        config->timeout_s != 0 ? config->timeout_s : TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        HEADERS_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (server->daemon != NULL)
        return XD_OK;
    /* The listener is libmicrohttpd's now, also when it fails. */
    xd_http_say(why, why_size, "cannot start the HTTP server%s",
                server->certificate != NULL ? ": is the key the certificate's?" : "");
    return server->certificate != NULL ? XD_INVALID : XD_IO;
}

static struct xd_http_server *server_new(const struct xd_http_config *config, xd_http_handler handler,
                                         void *context) {
    struct xd_problem_answer problem = {
        .status = MHD_HTTP_INTERNAL_SERVER_ERROR, .code = "internal", .retryable = true};
    struct xd_http_answer failure = {.content_type = "application/problem+json"};
    struct xd_buffer body;
    struct xd_http_server *server = xd_alloc(sizeof *server);
    pthread_condattr_t attributes;

    if (server == NULL)
        return NULL;
    server->handler = handler;
    server->context = context;
    server->body_max = config->body_max != 0 ? config->body_max : BODY_MAX;
    server->connections_max = config->connections_max != 0 ? config->connections_max : CONNECTIONS_MAX;
    server->pending_max = config->pending_max != 0 ? config->pending_max : PENDING_MAX;
    server->patience_ms = (int64_t)(config->timeout_s != 0 ? config->timeout_s : TIMEOUT_S) * 1000 * PATIENCE;
    atomic_init(&server->references, 1);
    /* None of these fails on Linux with such arguments; what could not be made is of no use. */
    if (pthread_mutex_init(&server->lock, NULL) != 0 || pthread_mutex_init(&server->watch_lock, NULL) != 0 ||
        pthread_condattr_init(&attributes) != 0 ||
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&server->watch_changed, &attributes) != 0 ||
        pthread_condattr_destroy(&attributes) != 0) {
        xd_free(server);
        return NULL;
    }
    xd_buffer_init(&body, 0);
    xd_problem_answer_write(&problem, &body);
    failure.body = xd_buffer_view(&body);
    server->failure = xd_http_response_new(&failure, NULL);
    xd_buffer_free(&body);
    if (server->failure == NULL) {
        xd_http_server_release(server);
        return NULL;
    }
    return server;
}

static void end_watch(struct xd_http_server *server) {
    pthread_mutex_lock(&server->watch_lock);
    server->watch_ends = true;
    pthread_cond_broadcast(&server->watch_changed);
    pthread_mutex_unlock(&server->watch_lock);
    (void)pthread_join(server->watch, NULL); /* cannot fail: joined once, not by itself */
}

/* The watch, then the daemon. Signals are the main thread's: theirs take none. */
static enum xd_result start_threads(struct xd_http_server *server, const struct xd_http_config *config,
                                    int listener, char *why, size_t why_size) {
    enum xd_result result = XD_IO;
    sigset_t all, before;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0 ||
        pthread_create(&server->watch, NULL, run_watch, server) != 0) {
        xd_http_say(why, why_size, "cannot start a thread");
        (void)close(listener);
    } else {
        result = start_daemon(server, config, listener, why, why_size);
        if (result != XD_OK)
            end_watch(server);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

enum xd_result xd_http_start(const struct xd_http_config *config, xd_http_handler handler, void *context,
                             struct xd_http_server **out, char *why, size_t why_size) {
    struct xd_http_server *server;
    enum xd_result result;
    int listener = -1;

    xd_http_say(why, why_size, "%s", "");
    result = xd_http_listen(config->listen, &listener, why, why_size);
    if (result != XD_OK)
        return result;
    server = server_new(config, handler, context);
    if (server == NULL) {
        (void)close(listener);
        xd_http_say(why, why_size, "no memory");
        return XD_NO_MEMORY;
    }
    server->port = xd_http_port_of(listener);
    result = start_threads(server, config, listener, why, why_size);
    if (result != XD_OK) {
        xd_http_server_release(server);
        return result;
    }
    *out = server;
    return XD_OK;
}

unsigned xd_http_port(const struct xd_http_server *server) {
    return server->port;
}

/* ---- stopping ---- */

static void answer_for_the_caller(struct xd_http_server *server) {
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    while (server->pending != NULL) {
        struct xd_http_request *request = server->pending;

        unlink_pending(request);
        request->detached = true;
        set_unavailable(request, true);
        count_answer(request);
        if (request->suspended) {
            request->suspended = false;
            MHD_resume_connection(request->mhd);
        }
    }
    pthread_mutex_unlock(&server->lock);
}

static void let_answers_leave(struct xd_http_server *server) {
    int64_t until_ms = now_ms() + FAREWELL_MS;
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                             .tv_nsec = (long)(until_ms % 1000) * 1000000};
    int code = 0;

    pthread_mutex_lock(&server->watch_lock);
    while (server->answering > 0 && code == 0)
        code = pthread_cond_timedwait(&server->watch_changed, &server->watch_lock, &until);
    pthread_mutex_unlock(&server->watch_lock);
}

void xd_http_stop(struct xd_http_server *server) {
    MHD_socket listener = MHD_quiesce_daemon(server->daemon);

    answer_for_the_caller(server);
    xd_http_streams_end(server);
    let_answers_leave(server);
    MHD_stop_daemon(server->daemon);
    if (listener != MHD_INVALID_SOCKET)
        (void)close(listener);
    end_watch(server);
    xd_http_server_release(server);
}
