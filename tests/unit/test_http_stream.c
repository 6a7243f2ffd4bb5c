/* Answers without end, and what our client does with them: over loopback, waits
 * with a deadline that means failure. */
#include "http/server.h"
#include "shared/http_client.h"
#include "shared/http_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_S 60

struct world {
    struct xd_http_server *server;
    _Atomic(struct xd_http_request *) held; /* the last request, not answered */
    atomic_uint seen;
};

static void handle(void *context, struct xd_http_request *request) {
    struct world *world = context;

    atomic_fetch_add(&world->seen, 1);
    atomic_store(&world->held, request);
}

static int setup(void **state) {
    static struct world world;
    struct xd_http_config config = {.listen = "127.0.0.1:0"};
    char why[200];

    memset(&world, 0, sizeof world);
    if (xd_http_start(&config, handle, &world, &world.server, why, sizeof why) != XD_OK)
        fail_msg("%s", why);
    *state = &world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;

    if (world->server != NULL)
        xd_http_stop(world->server);
    return 0;
}

static void rest(void) {
    (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static bool late(time_t since) {
    return time(NULL) - since > DEADLINE_S;
}

static struct xd_http_request *wait_request(struct world *world) {
    struct xd_http_request *request = NULL;

    for (time_t since = time(NULL); request == NULL && !late(since); rest())
        request = atomic_exchange(&world->held, NULL);
    assert_non_null(request);
    return request;
}

/* A client on a thread of its own that keeps what it got. */
struct client {
    struct world *world;
    pthread_t thread;
    pthread_mutex_t lock;
    char text[4096];
    size_t size;
    atomic_bool give_up;
    unsigned status;
    enum xd_result result;
};

static bool take(void *context, struct xd_bytes part) {
    struct client *client = context;

    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < part.size && client->size < sizeof client->text - 1; i++)
        client->text[client->size++] = (char)part.data[i];
    pthread_mutex_unlock(&client->lock);
    return true;
}

static void *run_client(void *context) {
    struct client *client = context;
    struct xd_http_reply reply;
    char url[64];
    struct xd_http_call call = {.url = url, .take = take, .context = client, .give_up = &client->give_up};

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", xd_http_port(client->world->server));
    client->result = xd_http_fetch(&call, &reply);
    client->status = reply.status;
    xd_http_reply_free(&reply);
    return NULL;
}

static void client_start(struct client *client, struct world *world) {
    memset(client, 0, sizeof *client);
    client->world = world;
    assert_int_equal(pthread_mutex_init(&client->lock, NULL), 0);
    assert_int_equal(pthread_create(&client->thread, NULL, run_client, client), 0);
}

static void client_join(struct client *client) {
    assert_int_equal(pthread_join(client->thread, NULL), 0);
}

static void wait_text(struct client *client, const char *text) {
    bool there = false;

    for (time_t since = time(NULL); !there && !late(since); rest()) {
        pthread_mutex_lock(&client->lock);
        there = strcmp(client->text, text) == 0;
        pthread_mutex_unlock(&client->lock);
    }
    assert_string_equal(client->text, text);
}

static struct xd_http_stream *open_stream(struct world *world) {
    struct xd_http_stream *stream = xd_http_stream_open(wait_request(world), "text/event-stream", 64 * 1024);

    assert_non_null(stream);
    return stream;
}

static void what_is_written_arrives_at_once_and_in_order(void **state) {
    struct world *world = *state;
    struct client client;
    struct xd_http_stream *stream;

    client_start(&client, world);
    stream = open_stream(world);
    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of_text("one ")), XD_OK);
    wait_text(&client, "one ");
    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of_text("two ")), XD_OK);
    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of_text("three ")), XD_OK);
    wait_text(&client, "one two three ");
    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of_text("end")), XD_OK);
    xd_http_stream_close(stream); /* what was written is still sent */
    client_join(&client);
    assert_int_equal(client.result, XD_OK);
    assert_int_equal(client.status, 200);
    assert_string_equal(client.text, "one two three end");
}

/* A client that asks and then does nothing. */
static int raw_ask(struct world *world) {
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)xd_http_port(world->server))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, text, sizeof text - 1, MSG_NOSIGNAL), sizeof text - 1);
    return fd;
}

static void a_reader_that_does_not_read_is_not_waited_for(void **state) {
    static const char piece[30000];
    struct world *world = *state;
    int fd = raw_ask(world);
    struct xd_http_stream *stream = open_stream(world);
    enum xd_result result = XD_OK;

    for (time_t since = time(NULL); result == XD_OK && !late(since);) {
        for (int times = 0; result == XD_OK && times < 3; times++)
            result = xd_http_stream_write(stream, xd_bytes_of(piece, sizeof piece));
        if (result == XD_FULL) { /* full for the moment, or for good? */
            rest();
            result = xd_http_stream_write(stream, xd_bytes_of(piece, sizeof piece));
        }
    }
    assert_int_equal(result, XD_FULL);
    xd_http_stream_cut(stream);
    (void)close(fd);
}

static void a_larger_piece_is_taken_when_nothing_waits(void **state) {
    static const char piece[16 * 1024 * 1024]; /* more than sockets hold */
    struct world *world = *state;
    int fd = raw_ask(world);
    struct xd_http_stream *stream = open_stream(world);

    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of(piece, sizeof piece)), XD_OK);
    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of(piece, 1)), XD_FULL);
    xd_http_stream_cut(stream);
    (void)close(fd);
}

static void that_a_reader_is_gone_shows_when_it_is_written_to(void **state) {
    struct world *world = *state;
    int fd = raw_ask(world);
    struct xd_http_stream *stream = open_stream(world);
    enum xd_result result = XD_OK;

    (void)close(fd);
    for (time_t since = time(NULL); result != XD_NOT_FOUND && !late(since); rest())
        result = xd_http_stream_write(stream, xd_bytes_of_text(": still here\n\n"));
    assert_int_equal(result, XD_NOT_FOUND);
    xd_http_stream_close(stream);
}

static void stopping_ends_streams(void **state) {
    struct world *world = *state;
    struct client client;
    int fd = raw_ask(world);
    struct xd_http_stream *idle = open_stream(world), *stream;

    client_start(&client, world);
    stream = open_stream(world);
    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of_text("last words")), XD_OK);
    xd_http_stop(world->server);
    world->server = NULL;
    client_join(&client);
    assert_int_equal(client.result, XD_OK);
    assert_string_equal(client.text, "last words");
    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of_text("too late")), XD_NOT_FOUND);
    xd_http_stream_close(stream);
    xd_http_stream_close(idle);
    (void)close(fd);
}

static void a_stream_for_a_stopped_server_goes_nowhere(void **state) {
    struct world *world = *state;
    int fd = raw_ask(world);
    struct xd_http_request *request = wait_request(world);
    struct xd_http_stream *stream;

    xd_http_stop(world->server);
    world->server = NULL;
    stream = xd_http_stream_open(request, "text/plain", 100);
    assert_non_null(stream);
    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of_text("x")), XD_NOT_FOUND);
    xd_http_stream_close(stream);
    (void)close(fd);
}

static void a_client_gives_up_when_it_is_told_to(void **state) {
    struct world *world = *state;
    struct client client;
    struct xd_http_stream *stream;

    client_start(&client, world);
    stream = open_stream(world);
    assert_int_equal(xd_http_stream_write(stream, xd_bytes_of_text("one")), XD_OK);
    wait_text(&client, "one");
    atomic_store(&client.give_up, true);
    client_join(&client);
    assert_int_equal(client.result, XD_UNKNOWN);
    xd_http_stream_close(stream);
}

static void the_guard_is_asked_about_the_address_behind_the_name(void **state) {
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    struct world *world = *state;
    const struct xd_http_guard guard = {NULL, 0};

    for (size_t i = 0; i < 2; i++) {
        char url[64];
        struct xd_http_call call = {.url = url, .guard = &guard};
        struct xd_http_reply reply;

        (void)snprintf(url, sizeof url, "http://%s:%u/", hosts[i], xd_http_port(world->server));
        assert_int_equal(xd_http_fetch(&call, &reply), XD_DENIED);
        assert_non_null(strstr(reply.why, "private"));
        xd_http_reply_free(&reply);
    }
    assert_int_equal(atomic_load(&world->seen), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_arrives_at_once_and_in_order),
        TEST(a_reader_that_does_not_read_is_not_waited_for),
        TEST(a_larger_piece_is_taken_when_nothing_waits),
        TEST(that_a_reader_is_gone_shows_when_it_is_written_to),
        TEST(stopping_ends_streams),
        TEST(a_stream_for_a_stopped_server_goes_nowhere),
        TEST(a_client_gives_up_when_it_is_told_to),
        TEST(the_guard_is_asked_about_the_address_behind_the_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
