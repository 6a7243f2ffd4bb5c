/* The HTTP client: what may be tried again, and what may have had its effect. */
#include "shared/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 60000

/* A server for one connection: reads until the end of the headers (and keeps what
 * it read), sends what it was told to, and closes. */
struct peer {
    const char *answer;
    char request[4096];
    int listener;
    char url[64];
    pthread_t thread;
};

static void *run_peer(void *context) {
    struct peer *peer = context;
    int fd = accept(peer->listener, NULL, NULL);
    size_t size = 0;

    while (fd >= 0 && size + 1 < sizeof peer->request && strstr(peer->request, "\r\n\r\n") == NULL &&
           recv(fd, peer->request + size, 1, 0) == 1)
        size++;
    if (fd >= 0) {
        (void)send(fd, peer->answer, strlen(peer->answer), MSG_NOSIGNAL);
        (void)shutdown(fd, SHUT_WR);
        while (recv(fd, peer->request + size, sizeof peer->request - size - 1, 0) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void peer_start(struct peer *peer, const char *answer) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    memset(peer, 0, sizeof *peer);
    peer->answer = answer;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->listener, 1), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(peer->url, sizeof peer->url, "http://127.0.0.1:%u/path", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&peer->thread, NULL, run_peer, peer), 0);
}

static void peer_stop(struct peer *peer) {
    (void)shutdown(peer->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(peer->thread, NULL), 0);
    close(peer->listener);
}

static void sends_what_it_is_told(void **state) {
    static const char *const headers[] = {"Idempotency-Key: k-1", "If-Match: \"3\"", NULL};
    struct xd_http_call call = {.method = "POST",
                                .token = "secret",
                                .headers = headers,
                                .body = xd_bytes_of_text("{}"),
                                .timeout_ms = DEADLINE_MS};
    struct xd_http_reply reply;
    struct peer peer;

    (void)state;
    peer_start(&peer, "HTTP/1.1 202 Accepted\r\nLocation: /v1/orders/O1\r\nContent-Length: 4\r\n\r\nbody");
    call.url = peer.url;
    assert_int_equal(xd_http_fetch(&call, &reply), XD_OK);
    peer_stop(&peer);
    assert_int_equal(reply.status, 202);
    assert_string_equal(reply.location, "/v1/orders/O1");
    assert_string_equal(xd_buffer_string(&reply.body), "body");
    assert_string_equal(reply.why, "");
    xd_http_reply_free(&reply);
    assert_non_null(strstr(peer.request, "POST /path HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.request, "Authorization: Bearer secret\r\n"));
    assert_non_null(strstr(peer.request, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(peer.request, "Content-Length: 2\r\n"));
    assert_non_null(strstr(peer.request, "Idempotency-Key: k-1\r\n"));
    assert_non_null(strstr(peer.request, "If-Match: \"3\"\r\n"));
}

static void follows_no_redirect(void **state) {
    struct xd_http_call call = {.timeout_ms = DEADLINE_MS};
    struct xd_http_reply reply;
    struct peer peer;

    (void)state;
    peer_start(&peer,
               "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n");
    call.url = peer.url;
    assert_int_equal(xd_http_fetch(&call, &reply), XD_OK);
    peer_stop(&peer);
    assert_int_equal(reply.status, 302);
    assert_string_equal(reply.location, "http://127.0.0.1:1/elsewhere");
    xd_http_reply_free(&reply);
}

static void expect_failure(const char *answer, size_t answer_max, enum xd_result expected) {
    struct xd_http_call call = {.method = "POST",
                                .body = xd_bytes_of_text("{}"),
                                .timeout_ms = DEADLINE_MS,
                                .answer_max = answer_max};
    struct xd_http_reply reply;
    struct peer peer;

    peer_start(&peer, answer);
    call.url = peer.url;
    assert_int_equal(xd_http_fetch(&call, &reply), expected);
    peer_stop(&peer);
    assert_true(strlen(reply.why) > 5);
    xd_http_reply_free(&reply);
}

static void an_answer_that_does_not_come_whole_leaves_the_outcome_unknown(void **state) {
    (void)state;
    expect_failure("", 0, XD_UNKNOWN);
    expect_failure("nonsense", 0, XD_UNKNOWN);
    expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", 0, XD_UNKNOWN);
}

static void an_answer_is_bounded(void **state) {
    (void)state;
    expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntoo large", 8, XD_FULL);
}

static void without_a_server_nothing_was_sent(void **state) {
    struct xd_http_call call = {.timeout_ms = DEADLINE_MS};
    struct xd_http_reply reply;
    struct peer peer;

    (void)state;
    peer_start(&peer, "");
    peer_stop(&peer); /* now nobody listens there */
    call.url = peer.url;
    assert_int_equal(xd_http_fetch(&call, &reply), XD_UNAVAILABLE);
    assert_int_equal(reply.status, 0);
    assert_true(strlen(reply.why) > 5);
    xd_http_reply_free(&reply);
}

static void a_timeout_before_an_answer_leaves_the_outcome_unknown(void **state) {
    struct xd_http_call call = {.timeout_ms = 200};
    struct xd_http_reply reply;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    char url[64];
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0); /* the kernel connects; nobody ever answers */
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    call.url = url;
    assert_int_equal(xd_http_fetch(&call, &reply), XD_UNKNOWN);
    xd_http_reply_free(&reply);
    close(listener);
}

static void refuses_what_cannot_be_sent(void **state) {
    static const char *const forged[] = {"X-A: b\r\nX-Forged: c", NULL}, *const nameless[] = {"no colon",
                                                                                              NULL};
    struct xd_http_call calls[] = {{.url = NULL},
                                   {.url = "ftp://127.0.0.1/"},
                                   {.url = "http://"},
                                   {.url = "file:///etc/passwd"},
                                   {.url = "http://127.0.0.1:1/", .method = "GET / HTTP/1.1\r\nX: y"},
                                   {.url = "http://127.0.0.1:1/", .token = "a\r\nX-Forged: c"},
                                   {.url = "http://127.0.0.1:1/", .headers = forged},
                                   {.url = "http://127.0.0.1:1/", .headers = nameless}};
    struct xd_http_reply reply;

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        assert_int_equal(xd_http_fetch(&calls[i], &reply), XD_INVALID);
        assert_true(strlen(reply.why) > 5);
        xd_http_reply_free(&reply);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_what_it_is_told),
        cmocka_unit_test(follows_no_redirect),
        cmocka_unit_test(an_answer_that_does_not_come_whole_leaves_the_outcome_unknown),
        cmocka_unit_test(an_answer_is_bounded),
        cmocka_unit_test(without_a_server_nothing_was_sent),
        cmocka_unit_test(a_timeout_before_an_answer_leaves_the_outcome_unknown),
        cmocka_unit_test(refuses_what_cannot_be_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
