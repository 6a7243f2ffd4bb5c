/* The HTTP server in this process on a free port, driven by libcurl (our client)
 * and by raw sockets for what no proper client does. Nothing here measures time:
 * a wait is for something to happen, with a deadline that means failure. */
#include "base/memory.h"
#include "http/server.h"
#include "shared/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_S 60
#define HELD_MAX 64

/* ---- a server and what its handler does ---- */

struct world {
    struct xd_http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool hold; /* requests are kept in `held` instead of being answered */
    struct xd_http_request *held[HELD_MAX];
    size_t held_count, seen;
    struct xd_http_answer extra; /* headers of the echo */
    const char *added;           /* to each request, as "RateLimit"; NULL: nothing */
};

static void echo(struct world *world, struct xd_http_request *request) {
    struct xd_bytes body = xd_http_body(request);
    struct xd_http_answer answer = world->extra;
    const char *header = xd_http_header(request, "x-test"), *query = xd_http_query(request, "q");
    struct xd_buffer text;

    xd_buffer_init(&text, 0);
    xd_buffer_format(&text, "%s %s header=%s q=%s size=%zu body=%.*s", xd_http_method(request),
                     xd_http_path(request), header != NULL ? header : "-", query != NULL ? query : "-",
                     body.size, body.size < 100 ? (int)body.size : 100, (const char *)body.data);
    if (answer.status == 0)
        answer.status = 200;
    answer.body = xd_buffer_view(&text);
    xd_http_respond(request, &answer);
    xd_buffer_free(&text);
}

static void handle(void *context, struct xd_http_request *request) {
    struct world *world = context;
    bool hold;

    if (world->added != NULL)
        xd_http_add_header(request, "RateLimit", world->added);
    pthread_mutex_lock(&world->lock);
    world->seen++;
    hold = world->hold && world->held_count < HELD_MAX;
    if (hold)
        world->held[world->held_count++] = request;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
    if (!hold)
        echo(world, request);
}

static void start(struct world *world, const struct xd_http_config *settings) {
    struct xd_http_config config = *settings;
    char why[200];

    memset(world, 0, sizeof *world);
    assert_int_equal(pthread_mutex_init(&world->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&world->changed, NULL), 0);
    if (config.listen == NULL)
        config.listen = "127.0.0.1:0";
    if (xd_http_start(&config, handle, world, &world->server, why, sizeof why) != XD_OK)
        fail_msg("the server does not start: %s", why);
    assert_int_not_equal(xd_http_port(world->server), 0);
}

static void start_default(struct world *world) {
    struct xd_http_config config = {.listen = NULL};

    start(world, &config);
}

static void hold(struct world *world, bool on) {
    pthread_mutex_lock(&world->lock);
    world->hold = on;
    pthread_mutex_unlock(&world->lock);
}

static void wait_for_held(struct world *world, size_t count) {
    struct timespec until;
    int code = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&world->lock);
    while (world->held_count < count && code == 0)
        code = pthread_cond_timedwait(&world->changed, &world->lock, &until);
    pthread_mutex_unlock(&world->lock);
    assert_int_equal(code, 0);
}

static struct xd_http_request *take_held(struct world *world) {
    struct xd_http_request *request;

    wait_for_held(world, 1);
    pthread_mutex_lock(&world->lock);
    request = world->held[--world->held_count];
    pthread_mutex_unlock(&world->lock);
    return request;
}

/* ---- calls by libcurl ---- */

static void call(struct world *world, const char *method, const char *target, const char *body,
                 struct xd_http_reply *reply) {
    static const char *const headers[] = {"X-Test: yes", NULL};
    char url[512];
    struct xd_http_call request = {
        .method = method, .url = url, .headers = headers, .timeout_ms = DEADLINE_S * 1000};

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", xd_http_port(world->server), target);
    if (body != NULL)
        request.body = xd_bytes_of_text(body);
    if (xd_http_fetch(&request, reply) != XD_OK)
        fail_msg("%s %s: %s", method, target, reply->why);
}

static void expect_served(struct world *world) {
    struct xd_http_reply reply;

    call(world, "GET", "/still/here", NULL, &reply);
    assert_int_equal(reply.status, 200);
    xd_http_reply_free(&reply);
}

/* A call on a thread of its own. */
struct caller {
    struct world *world;
    pthread_t thread;
    unsigned status;
    char body[128];
    enum xd_result result;
};

static void *run_caller(void *context) {
    struct caller *caller = context;
    char url[128];
    struct xd_http_call request = {.url = url, .timeout_ms = DEADLINE_S * 1000};
    struct xd_http_reply reply;

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/caller", xd_http_port(caller->world->server));
    caller->result = xd_http_fetch(&request, &reply);
    caller->status = reply.status;
    (void)snprintf(caller->body, sizeof caller->body, "%s", xd_buffer_string(&reply.body));
    xd_http_reply_free(&reply);
    return NULL;
}

static void caller_start(struct caller *caller, struct world *world) {
    memset(caller, 0, sizeof *caller);
    caller->world = world;
    assert_int_equal(pthread_create(&caller->thread, NULL, run_caller, caller), 0);
}

static void caller_join(struct caller *caller) {
    assert_int_equal(pthread_join(caller->thread, NULL), 0);
}

/* ---- raw sockets ---- */

static int raw_open(struct world *world) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)xd_http_port(world->server))};
    struct timeval patience = {.tv_sec = DEADLINE_S};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return fd;
}

static void raw_send(int fd, const char *text) {
    size_t size = strlen(text);

    assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), size);
}

/* One answer with a Content-Length; false: the connection ended before. */
static bool raw_receive(int fd, char *out, size_t capacity) {
    size_t size = 0, length, head;
    const char *end, *header;

    out[0] = '\0';
    while ((end = strstr(out, "\r\n\r\n")) == NULL) {
        if (size + 1 >= capacity || recv(fd, out + size, 1, 0) != 1)
            return false;
        out[++size] = '\0';
    }
    head = (size_t)(end + 4 - out);
    header = strcasestr(out, "\r\nContent-Length:");
    length = header != NULL ? strtoul(header + 17, NULL, 10) : 0;
    while (size < head + length) {
        if (size + 1 >= capacity || recv(fd, out + size, 1, 0) != 1)
            return false;
        out[++size] = '\0';
    }
    return true;
}

/* Whether the other side ends the connection, rather than letting us wait. */
static bool raw_ends(int fd) {
    char bytes[4096];
    ssize_t size;

    while ((size = recv(fd, bytes, sizeof bytes, 0)) > 0)
        ;
    return size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static unsigned status_of(const char *answer) {
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(answer + 9, NULL, 10) : 0;
}

/* ---- the tests ---- */

static void hands_over_method_path_query_header_and_body(void **state) {
    struct world world;
    struct xd_http_reply reply;

    (void)state;
    start_default(&world);
    call(&world, "POST", "/v1/a%20b?q=%C3%A4%26b&x=1", "payload", &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(xd_buffer_string(&reply.body),
                        "POST /v1/a b header=yes q=\xc3\xa4&b size=7 body=payload");
    xd_http_reply_free(&reply);
    call(&world, "DELETE", "/", NULL, &reply);
    assert_string_equal(xd_buffer_string(&reply.body), "DELETE / header=yes q=- size=0 body=");
    xd_http_reply_free(&reply);
    call(&world, "GET", "/?q", NULL, &reply);
    assert_string_equal(xd_buffer_string(&reply.body), "GET / header=yes q= size=0 body=");
    xd_http_reply_free(&reply);
    xd_http_stop(world.server);
}

static void answers_carry_their_headers(void **state) {
    struct world world;
    char answer[2048];
    int fd;

    (void)state;
    start_default(&world);
    world.extra = (struct xd_http_answer){.status = 401,
                                          .location = "/v1/orders/7",
                                          .retry_after_s = 9,
                                          .etag = "\"3\"",
                                          .allow = "GET, POST",
                                          .www_authenticate = "Bearer",
                                          .content_type = "text/plain"};
    fd = raw_open(&world);
    raw_send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_int_equal(status_of(answer), 401);
    assert_non_null(strstr(answer, "\r\nLocation: /v1/orders/7\r\n"));
    assert_non_null(strstr(answer, "\r\nRetry-After: 9\r\n"));
    assert_non_null(strstr(answer, "\r\nETag: \"3\"\r\n"));
    assert_non_null(strstr(answer, "\r\nAllow: GET, POST\r\n"));
    assert_non_null(strstr(answer, "\r\nWWW-Authenticate: Bearer\r\n"));
    assert_non_null(strstr(answer, "\r\nContent-Type: text/plain\r\n"));
    assert_non_null(strstr(answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
    close(fd);
    xd_http_stop(world.server);
}

static void what_is_added_to_a_request_is_in_its_answer(void **state) {
    static const char once[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct world world;
    struct xd_http_request *request;
    char answer[2048];
    int fd;

    (void)state;
    start_default(&world);
    world.added = "\"default\";r=7;t=1";
    fd = raw_open(&world);
    raw_send(fd, once);
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "\r\nRateLimit: \"default\";r=7;t=1\r\n"));
    hold(&world, true);
    raw_send(fd, once);
    request = take_held(&world);
    for (unsigned i = 0; i < XD_HTTP_EXTRA_MAX + 3; i++) /* more than there is room for is left out */
        xd_http_add_header(request, "X-More", "m");
    echo(&world, request);
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "\r\nX-More: m\r\n"));
    hold(&world, false);
    world.added = "split\r\nSet-Cookie: forged";
    raw_send(fd, once);
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_int_equal(status_of(answer), 500);
    assert_null(strstr(answer, "forged"));
    close(fd);
    xd_http_stop(world.server);
}

static void an_answer_that_cannot_be_sent_becomes_500(void **state) {
    struct world world;
    struct xd_http_reply reply;

    (void)state;
    start_default(&world);
    world.extra.location = "/a\r\nSet-Cookie: forged";
    call(&world, "GET", "/", NULL, &reply);
    assert_int_equal(reply.status, 500);
    assert_non_null(strstr(xd_buffer_string(&reply.body), "\"code\":\"internal\""));
    xd_http_reply_free(&reply);
    world.extra.location = NULL;
    expect_served(&world);
    xd_http_stop(world.server);
}

static void *answer_held(void *context) {
    struct world *world = context;

    for (size_t i = 0; i < 24; i++)
        echo(world, take_held(world));
    return NULL;
}

static void answers_come_from_another_thread(void **state) {
    struct world world;
    struct caller callers[8];
    pthread_t answering;

    (void)state;
    start_default(&world);
    hold(&world, true);
    assert_int_equal(pthread_create(&answering, NULL, answer_held, &world), 0);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < 8; i++)
            caller_start(&callers[i], &world);
        for (size_t i = 0; i < 8; i++) {
            caller_join(&callers[i]);
            assert_int_equal(callers[i].status, 200);
            assert_string_equal(callers[i].body, "GET /caller header=- q=- size=0 body=");
        }
    }
    assert_int_equal(pthread_join(answering, NULL), 0);
    xd_http_stop(world.server);
}

static void a_connection_serves_several_requests(void **state) {
    struct world world;
    char answer[2048];
    int fd;

    (void)state;
    start_default(&world);
    fd = raw_open(&world);
    for (unsigned i = 0; i < 3; i++) {
        raw_send(fd, "POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        assert_true(raw_receive(fd, answer, sizeof answer));
        assert_non_null(strstr(answer, "POST /one header=- q=- size=3 body=abc"));
    }
    raw_send(
        fd,
        "GET /two HTTP/1.1\r\nHost: x\r\n\r\nGET /three HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_non_null(strstr(answer, "GET /two"));
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_non_null(strstr(answer, "GET /three"));
    assert_true(raw_ends(fd));
    close(fd);
    xd_http_stop(world.server);
}

static void a_body_up_to_the_limit_is_taken(void **state) {
    struct xd_http_config config = {.body_max = 1000};
    struct world world;
    struct xd_http_reply reply;
    char body[1001];

    (void)state;
    start(&world, &config);
    memset(body, 'b', 1000);
    body[1000] = '\0';
    call(&world, "POST", "/", body, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(xd_buffer_string(&reply.body), "size=1000"));
    xd_http_reply_free(&reply);
    xd_http_stop(world.server);
}

static void expect_413(int fd) {
    char answer[2048];

    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_int_equal(status_of(answer), 413);
    assert_non_null(strstr(answer, "\"code\":\"body_too_large\""));
    assert_non_null(strstr(answer, "\"detail\":\"A body may have at most 1000 bytes"));
}

/* It is read all the same: else its sender would find a broken connection instead of an answer. */
static void a_body_above_the_limit_is_refused_and_its_sender_told(void **state) {
    static const char head[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n";
    static char body[100001];
    struct xd_http_config config = {.body_max = 1000};
    struct world world;

    (void)state;
    start(&world, &config);
    memset(body, 'b', sizeof body - 1);
    int fd = raw_open(&world);
    for (int time = 0; time < 2; time++) { /* on the same connection */
        raw_send(fd, head);
        for (int part = 0; part < 30; part++)
            raw_send(fd, body);
        expect_413(fd);
    }
    close(fd);
    assert_int_equal(world.seen, 0);
    expect_served(&world);
    xd_http_stop(world.server);
}

static void a_body_that_is_not_worth_reading_is_refused_at_once(void **state) {
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n"};
    struct xd_http_config config = {.body_max = 1000};
    struct world world;
    int fd;

    (void)state;
    start(&world, &config);
    for (size_t i = 0; i < 2; i++) {
        fd = raw_open(&world);
        raw_send(fd, heads[i]); /* and no body */
        expect_413(fd);
        assert_true(raw_ends(fd));
        close(fd);
    }
    fd = raw_open(&world);
    raw_send(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n");
    assert_true(raw_ends(fd));
    close(fd);
    assert_int_equal(world.seen, 0);
    expect_served(&world);
    xd_http_stop(world.server);
}

static void send_chunks(int fd, unsigned count) {
    char chunk[256];
    int size = snprintf(chunk, sizeof chunk, "64\r\n%0100d\r\n", 0);

    for (unsigned i = 0; i < count; i++)
        if (send(fd, chunk, (size_t)size, MSG_NOSIGNAL) != size)
            return;
}

static void a_chunked_body_is_held_to_the_same_limit(void **state) {
    static const char head[] = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct xd_http_config config = {.body_max = 1000};
    struct world world;
    char answer[2048];
    int fd;

    (void)state;
    start(&world, &config);
    fd = raw_open(&world);
    raw_send(fd, head);
    send_chunks(fd, 10);
    raw_send(fd, "0\r\n\r\n");
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_non_null(strstr(answer, "size=1000"));
    raw_send(fd, head);
    send_chunks(fd, 30000);
    raw_send(fd, "0\r\n\r\n");
    expect_413(fd);
    close(fd);
    fd = raw_open(&world);
    raw_send(fd, head);
    send_chunks(fd, 50000); /* and no end */
    assert_true(raw_ends(fd));
    close(fd);
    expect_served(&world);
    xd_http_stop(world.server);
}

static void above_the_limit_of_pending_requests_it_is_busy(void **state) {
    struct xd_http_config config = {.pending_max = 2};
    struct world world;
    struct caller callers[2];
    char answer[2048];
    int fd;

    (void)state;
    start(&world, &config);
    hold(&world, true);
    caller_start(&callers[0], &world);
    caller_start(&callers[1], &world);
    wait_for_held(&world, 2);
    fd = raw_open(&world);
    raw_send(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"); /* before its body, too */
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_int_equal(status_of(answer), 503);
    assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
    assert_non_null(strstr(answer, "\"retryable\":true"));
    close(fd);
    echo(&world, take_held(&world));
    echo(&world, take_held(&world));
    for (size_t i = 0; i < 2; i++) {
        caller_join(&callers[i]);
        assert_int_equal(callers[i].status, 200);
    }
    hold(&world, false);
    expect_served(&world);
    xd_http_stop(world.server);
}

static void a_silent_client_is_cut_while_others_are_served(void **state) {
    struct xd_http_config config = {.timeout_s = 1};
    struct world world;
    int half, idle;

    (void)state;
    start(&world, &config);
    half = raw_open(&world);
    idle = raw_open(&world);
    raw_send(half, "POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this");
    expect_served(&world);
    assert_true(raw_ends(half));
    assert_true(raw_ends(idle));
    expect_served(&world);
    assert_int_equal(world.seen, 2); /* the half request was never handed over */
    close(half);
    close(idle);
    xd_http_stop(world.server);
}

static void a_dripping_client_is_cut_while_others_are_served(void **state) {
    struct xd_http_config config = {.timeout_s = 1};
    struct timespec pause = {.tv_nsec = 50000000}; /* well below the timeout: it never idles */
    struct world world;
    unsigned drops = 0;
    char byte;
    int fd;

    (void)state;
    start(&world, &config);
    fd = raw_open(&world);
    raw_send(fd, "GET /drip HTTP/1.1\r\nX-Drip: ");
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK)) {
        (void)nanosleep(&pause, NULL);
        assert_true(++drops < DEADLINE_S * 20);
        if (drops % 8 == 0)
            expect_served(&world);
    }
    close(fd);
    expect_served(&world);
    xd_http_stop(world.server);
}

static void those_that_send_nothing_make_room_when_connections_run_out(void **state) {
    enum { IDLE = 12 };
    struct xd_http_config config = {.connections_max = 8, .timeout_s = 10 * DEADLINE_S};
    struct world world;
    struct caller caller;
    struct xd_http_request *request;
    int idle[IDLE];

    (void)state;
    start(&world, &config);
    hold(&world, true);
    caller_start(&caller, &world);
    request = take_held(&world);
    hold(&world, false);
    for (unsigned i = 0; i < IDLE; i++) {
        idle[i] = raw_open(&world);
        raw_send(idle[i], i % 2 == 0 ? "GET /half HTTP/1.1\r\nX-" : "");
    }
    for (unsigned i = 0; i < 3; i++)
        expect_served(&world);
    echo(&world, request); /* our own time is nobody's slowness: that one was not cut */
    caller_join(&caller);
    assert_int_equal(caller.status, 200);
    for (unsigned i = 0; i < IDLE; i++)
        close(idle[i]);
    xd_http_stop(world.server);
}

static void who_asks_without_a_pause_makes_room_when_connections_run_out(void **state) {
    static const char once[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct xd_http_config config = {.connections_max = 8, .timeout_s = 10 * DEADLINE_S};
    struct world world;
    int busy[8];
    char answer[2048];

    (void)state;
    start(&world, &config);
    for (unsigned i = 0; i < 8; i++) {
        busy[i] = raw_open(&world);
        raw_send(busy[i], once);
        assert_true(raw_receive(busy[i], answer, sizeof answer));
        assert_int_equal(strcasestr(answer, "\r\nConnection: close\r\n") != NULL, i == 6 || i == 7);
        if (i >= 6) /* of eight, seven are nearly all */
            assert_true(raw_ends(busy[i]));
    }
    for (unsigned i = 0; i < 8; i++)
        close(busy[i]);
    expect_served(&world);
    xd_http_stop(world.server);
}

static void one_address_has_only_so_many_connections(void **state) {
    struct xd_http_config config = {.address_connections_max = 2};
    struct timespec pause = {.tv_nsec = 50000000};
    struct world world;
    int first, second, third;
    char answer[2048];
    unsigned tries = 0;
    bool served = false;

    (void)state;
    start(&world, &config);
    first = raw_open(&world);
    second = raw_open(&world);
    third = raw_open(&world);
    assert_true(raw_ends(third));
    close(third);
    close(second);
    while (!served) { /* until the server has noticed that one is gone */
        second = raw_open(&world);
        served = send(second, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL) == 27 &&
                 raw_receive(second, answer, sizeof answer);
        close(second);
        (void)nanosleep(&pause, NULL);
        assert_true(++tries < DEADLINE_S * 20);
    }
    close(first);
    xd_http_stop(world.server);
}

static void a_pending_request_is_not_cut(void **state) {
    struct xd_http_config config = {.timeout_s = 1};
    struct world world;
    struct caller caller;
    struct xd_http_request *request;
    int idle;

    (void)state;
    start(&world, &config);
    hold(&world, true);
    caller_start(&caller, &world);
    request = take_held(&world);
    for (unsigned i = 0; i < 4; i++) { /* each is cut after the timeout: so long we hold the other */
        idle = raw_open(&world);
        assert_true(raw_ends(idle));
        close(idle);
    }
    echo(&world, request);
    caller_join(&caller);
    assert_int_equal(caller.status, 200);
    xd_http_stop(world.server);
}

static void an_encoded_slash_does_not_lead_elsewhere(void **state) {
    struct world world;
    struct xd_http_reply reply;

    (void)state;
    start_default(&world);
    call(&world, "GET", "/v1/orders/O1%2Ftimeline", NULL, &reply);
    assert_int_equal(reply.status, 404);
    xd_http_reply_free(&reply);
    call(&world, "GET", "/v1/orders?q=a%2fb", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(xd_buffer_string(&reply.body), "q=a/b"));
    xd_http_reply_free(&reply);
    xd_http_stop(world.server);
}

static void malformed_requests_are_refused_and_stop_nothing(void **state) {
    static const char *const requests[] = {
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", /* no Host */
        "GET /%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /% HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /?q=%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /?q=a%00b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: k\r\r\n folded\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"};
    struct world world;

    (void)state;
    start_default(&world);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int fd = raw_open(&world);
        char answer[2048];

        raw_send(fd, requests[i]);
        (void)shutdown(fd, SHUT_WR);
        if (raw_receive(fd, answer, sizeof answer) && (status_of(answer) < 400 || status_of(answer) > 505))
            fail_msg("answered %u to %s", status_of(answer), requests[i]);
        assert_true(raw_ends(fd));
        close(fd);
    }
    assert_int_equal(world.seen, 0);
    expect_served(&world);
    xd_http_stop(world.server);
}

static void giant_headers_are_refused(void **state) {
    static char giant[100 * 1024];
    struct world world;
    char answer[4096];
    int fd;

    (void)state;
    start_default(&world);
    memset(giant, 'h', sizeof giant - 1);
    fd = raw_open(&world);
    raw_send(fd, "GET / HTTP/1.1\r\nHost: x\r\nX-Giant: ");
    (void)send(fd, giant, sizeof giant - 1, MSG_NOSIGNAL);
    if (raw_receive(fd, answer, sizeof answer)) /* or a reset, as we still send */
        assert_true(status_of(answer) >= 400);
    assert_true(raw_ends(fd));
    close(fd);
    assert_int_equal(world.seen, 0);
    expect_served(&world);
    xd_http_stop(world.server);
}

static void trailers_are_no_headers(void **state) {
    struct world world;
    char answer[2048];
    int fd;

    (void)state;
    start_default(&world);
    fd = raw_open(&world);
    raw_send(fd, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Test\r\n\r\n"
                 "3\r\nabc\r\n0\r\nX-Test: forged\r\n\r\n");
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_non_null(strstr(answer, "header=- q=- size=3 body=abc"));
    close(fd);
    xd_http_stop(world.server);
}

static void head_gives_the_headers_alone(void **state) {
    struct world world;
    char answer[2048] = "";
    int fd;

    (void)state;
    start_default(&world);
    fd = raw_open(&world);
    raw_send(
        fd, "HEAD /h HTTP/1.1\r\nHost: x\r\n\r\nGET /after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    /* The answer to HEAD announces a length and brings nothing: the next follows at once. */
    for (size_t size = 0; strstr(answer, "\r\n\r\n") == NULL || size == 0;) {
        assert_true(size + 1 < sizeof answer);
        assert_int_equal(recv(fd, answer + size, 1, 0), 1);
        answer[++size] = '\0';
    }
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strcasestr(answer, "\r\nContent-Length: 33\r\n"));
    assert_true(raw_receive(fd, answer, sizeof answer));
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "GET /after"));
    close(fd);
    xd_http_stop(world.server);
}

static void a_client_may_vanish_while_its_request_is_pending(void **state) {
    struct world world;

    (void)state;
    start_default(&world);
    hold(&world, true);
    for (unsigned i = 0; i < 8; i++) {
        int fd = raw_open(&world);
        struct linger abort_it = {.l_onoff = 1, .l_linger = 0};

        raw_send(fd, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
        wait_for_held(&world, i + 1);
        if (i % 2 == 0) /* a reset, or an ordinary end */
            assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it), 0);
        close(fd);
    }
    for (unsigned i = 0; i < 8; i++)
        echo(&world, take_held(&world));
    hold(&world, false);
    expect_served(&world);
    xd_http_stop(world.server);
}

static void stopping_answers_for_the_caller(void **state) {
    struct world world;
    struct caller callers[3];
    struct xd_http_request *requests[3];

    (void)state;
    start_default(&world);
    hold(&world, true);
    for (size_t i = 0; i < 3; i++)
        caller_start(&callers[i], &world);
    wait_for_held(&world, 3);
    for (size_t i = 0; i < 3; i++)
        requests[i] = take_held(&world);
    xd_http_stop(world.server);
    for (size_t i = 0; i < 3; i++) {
        caller_join(&callers[i]);
        assert_int_equal(callers[i].status, 503);
        assert_non_null(strstr(callers[i].body, "/v1/problems/"));
    }
    for (size_t i = 0; i < 3; i++) { /* still valid memory, and still to be answered */
        assert_string_equal(xd_http_path(requests[i]), "/caller");
        echo(&world, requests[i]);
    }
}

static void stops_with_idle_and_half_done_connections(void **state) {
    struct world world;
    int idle, half;

    (void)state;
    start_default(&world);
    idle = raw_open(&world);
    half = raw_open(&world);
    raw_send(half, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    expect_served(&world);
    xd_http_stop(world.server);
    assert_true(raw_ends(idle));
    assert_true(raw_ends(half));
    close(idle);
    close(half);
}

static void says_why_it_does_not_start(void **state) {
    static const char *const wrong[] = {
        NULL,          "",       "8080",    "127.0.0.1", "127.0.0.1:",     "127.0.0.1:65536",
        "127.0.0.1:x", "::1:80", "[::1:80", ":80",       "no such host:80"};
    struct xd_http_config config = {.listen = NULL};
    struct xd_http_server *server = NULL;
    struct world world;
    char why[200], taken[64];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        config.listen = wrong[i];
        why[0] = '\0';
        assert_int_equal(xd_http_start(&config, handle, &world, &server, why, sizeof why), XD_INVALID);
        assert_true(strlen(why) > 10);
    }
    start_default(&world);
    (void)snprintf(taken, sizeof taken, "127.0.0.1:%u", xd_http_port(world.server));
    config.listen = taken;
    assert_int_equal(xd_http_start(&config, handle, &world, &server, why, sizeof why), XD_UNAVAILABLE);
    assert_non_null(strstr(why, "in use"));
    config.listen = "127.0.0.1:0";
    config.cert_file = "/no/such/file";
    assert_int_equal(xd_http_start(&config, handle, &world, &server, why, sizeof why), XD_INVALID);
    config.key_file = "/no/such/key";
    assert_int_equal(xd_http_start(&config, handle, &world, &server, why, sizeof why), XD_INVALID);
    assert_non_null(strstr(why, "/no/such/file"));
    xd_http_stop(world.server);
}

static atomic_bool memory_is_gone;

static int perhaps_fail(void *context, size_t size) {
    (void)context;
    (void)size;
    return atomic_load(&memory_is_gone) ? 0 : 1;
}

static void without_memory_it_refuses_and_recovers(void **state) {
    struct world world;
    char answer[2048];
    int old, fresh;

    (void)state;
    atomic_store(&memory_is_gone, false);
    xd_memory_set_hook(perhaps_fail, NULL); /* before the threads start */
    start_default(&world);
    old = raw_open(&world);
    raw_send(old, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_receive(old, answer, sizeof answer));
    atomic_store(&memory_is_gone, true);
    raw_send(old, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_ends(old));
    fresh = raw_open(&world);
    raw_send(fresh, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_ends(fresh));
    atomic_store(&memory_is_gone, false);
    expect_served(&world);
    close(old);
    close(fresh);
    xd_http_stop(world.server);
    xd_memory_set_hook(NULL, NULL);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_over_method_path_query_header_and_body),
        cmocka_unit_test(answers_carry_their_headers),
        cmocka_unit_test(what_is_added_to_a_request_is_in_its_answer),
        cmocka_unit_test(an_answer_that_cannot_be_sent_becomes_500),
        cmocka_unit_test(answers_come_from_another_thread),
        cmocka_unit_test(a_connection_serves_several_requests),
        cmocka_unit_test(a_body_up_to_the_limit_is_taken),
        cmocka_unit_test(a_body_above_the_limit_is_refused_and_its_sender_told),
        cmocka_unit_test(a_body_that_is_not_worth_reading_is_refused_at_once),
        cmocka_unit_test(a_chunked_body_is_held_to_the_same_limit),
        cmocka_unit_test(above_the_limit_of_pending_requests_it_is_busy),
        cmocka_unit_test(a_silent_client_is_cut_while_others_are_served),
        cmocka_unit_test(a_dripping_client_is_cut_while_others_are_served),
        cmocka_unit_test(those_that_send_nothing_make_room_when_connections_run_out),
        cmocka_unit_test(who_asks_without_a_pause_makes_room_when_connections_run_out),
        cmocka_unit_test(one_address_has_only_so_many_connections),
        cmocka_unit_test(a_pending_request_is_not_cut),
        cmocka_unit_test(an_encoded_slash_does_not_lead_elsewhere),
        cmocka_unit_test(malformed_requests_are_refused_and_stop_nothing),
        cmocka_unit_test(giant_headers_are_refused),
        cmocka_unit_test(trailers_are_no_headers),
        cmocka_unit_test(head_gives_the_headers_alone),
        cmocka_unit_test(a_client_may_vanish_while_its_request_is_pending),
        cmocka_unit_test(stopping_answers_for_the_caller),
        cmocka_unit_test(stops_with_idle_and_half_done_connections),
        cmocka_unit_test(says_why_it_does_not_start),
        cmocka_unit_test(without_memory_it_refuses_and_recovers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
