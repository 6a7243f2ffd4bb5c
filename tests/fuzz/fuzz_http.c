/* What a stranger sends to the HTTP server, through a real connection: whatever it is, the server answers in
 * HTTP, waits for more or closes, and a request that it hands over is what its header promises. */
#include "fuzz/fuzz.h"

#include "base/memory.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)8192)
#define BODY_MAX 600u
#define WAIT_MS 10000
#define QUIET_MS 4

static struct xd_http_server *server;
static atomic_uint handled;

static void check_text(const char *text) {
    CHECK(text == NULL || xd_utf8_valid(xd_bytes_of_text(text)));
}

/* A header's value may hold any byte but those that end it. */
static void check_header(const char *name, const char *value) {
    if (value != NULL && strpbrk(value, "\r\n") != NULL) {
        (void)fprintf(stderr, "%s: \"%s\"\n", name, value);
    }
    CHECK(value == NULL || strpbrk(value, "\r\n") == NULL);
}

/* What came goes back where a careless server would let it do harm: into a header. */
static void handle(void *context, struct xd_http_request *request) {
    static const char *const headers[] = {"Authorization", "Idempotency-Key", "X-Correlation-Id", "X-Echo",
                                          "Content-Type"};
    static const char *const queries[] = {"limit", "cursor", "status", "site", "", "external_order_id"};
    struct xd_buffer text;
    (void)context;
    CHECK(xd_http_method(request)[0] != '\0');
    check_text(xd_http_path(request));
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        check_header(headers[i], xd_http_header(request, headers[i]));
    }
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        check_text(xd_http_query(request, queries[i]));
    }
    CHECK(xd_http_body(request).size <= BODY_MAX);
    atomic_fetch_add(&handled, 1);
    xd_buffer_init(&text, 0);
    xd_buffer_json(&text, xd_http_path(request));
    struct xd_http_answer answer = {.status = 200,
                                    .body = xd_buffer_view(&text),
                                    .location = xd_http_header(request, "X-Echo"),
                                    .etag = xd_http_query(request, "cursor")};
    xd_http_respond(request, &answer);
    xd_buffer_free(&text);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    static const struct xd_http_config config = {
        .listen = "127.0.0.1:0", .body_max = BODY_MAX, .timeout_s = 8};
    char why[256] = "";
    (void)count;
    (void)arguments;
    CHECK(xd_http_start(&config, handle, NULL, &server, why, sizeof why) == XD_OK);
    return 0;
}

static int dial(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)xd_http_port(server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    /* Closed by a reset: tens of thousands of connections a minute would use up the ports. */
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
    return fd;
}

/* What comes until the server closes, or says no more for a moment: it may wait for the rest of a request.
 * What was handed over must have its answer, however long that takes. */
static size_t listen_to(int fd, unsigned before, char *out, size_t capacity) {
    size_t size = 0;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        bool owed = size == 0 && atomic_load(&handled) != before;
        if (poll(&wait, 1, owed ? WAIT_MS : QUIET_MS) != 1) {
            CHECK(!owed);
            if (size == 0 && atomic_load(&handled) != before) {
                continue; /* it was handed over just now */
            }
            break;
        }
        ssize_t got = recv(fd, out + size, capacity - size - 1, 0);
        if (got <= 0) { /* a reset ends it too: the server may close with bytes unread */
            break;
        }
        size += (size_t)got;
        CHECK(size + 1 < capacity);
    }
    out[size] = '\0';
    return size;
}

static void check_answer(const char *text) {
    static const char *const statuses[] = {"100", "200", "400", "404", "405", "408", "411", "413",
                                           "414", "417", "431", "500", "501", "503", "505"};
    bool known = false;
    CHECK(strncmp(text, "HTTP/1.", 7) == 0 && strlen(text) > 12);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        known = known || strncmp(text + 9, statuses[i], 3) == 0;
    }
    CHECK(known);
    CHECK(strstr(text, "\nInjected:") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char answers[1024 * 1024];
    if (size > INPUT_MAX) {
        return 0;
    }
    unsigned before = atomic_load(&handled);
    int fd = dial();
    (void)send(fd, data, size, MSG_NOSIGNAL);
    size_t got = listen_to(fd, before, answers, sizeof answers);
    (void)close(fd);
    if (got > 0) {
        check_answer(answers);
    }
    CHECK(size > 0 || got == 0);
    CHECK(atomic_load(&handled) == before || size >= 16); /* "GET / HTTP/1.0" and two line ends */
    return 0;
}
