/* The MQTT connector against a real broker (its port in XD_TEST_MQTT_PORT), and
 * against scripted peers for what a healthy broker does not do.
 *
 * A message is named by its payload; waiting is always for a condition. */
#include "base/memory.h"
#include "contract/mqtt_peers.h"
#include "mqtt/mqtt.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_S 60 /* a test that waits so long has failed */
#define RESETS 40u    /* connections that end in the middle of sending */
#define SEEN_MAX 512

static unsigned broker_port;
static char self[4096]; /* this program, for the victims */

/* ---- what a client has seen ---- */

struct seen {
    char topic[128], response_topic[128], correlation[64], payload[64];
    size_t payload_size;
    bool duplicate, retained;
};

struct world {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned ups, downs;
    unsigned refused;   /* downs for a refused subscription */
    bool hold, holding; /* arrived waits while hold */
    char why[256];
    struct seen seen[SEEN_MAX];
    size_t count;
};

static void world_init(struct world *world) {
    memset(world, 0, sizeof *world);
    assert_int_equal(pthread_mutex_init(&world->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&world->changed, NULL), 0);
}

static void on_arrived(void *context, const struct xd_mqtt_message *message) {
    struct world *world = context;

    pthread_mutex_lock(&world->lock);
    world->holding = true;
    pthread_cond_broadcast(&world->changed);
    while (world->hold)
        pthread_cond_wait(&world->changed, &world->lock);
    world->holding = false;
    if (world->count < SEEN_MAX) {
        struct seen *seen = &world->seen[world->count++];

        (void)snprintf(seen->topic, sizeof seen->topic, "%s", message->topic);
        (void)snprintf(seen->response_topic, sizeof seen->response_topic, "%s",
                       message->response_topic != NULL ? message->response_topic : "");
        (void)snprintf(seen->correlation, sizeof seen->correlation, "%.*s",
                       (int)message->correlation_data.size, (const char *)message->correlation_data.data);
        (void)snprintf(seen->payload, sizeof seen->payload, "%.*s",
                       message->payload.size < 60 ? (int)message->payload.size : 60,
                       (const char *)message->payload.data);
        seen->payload_size = message->payload.size;
        seen->duplicate = message->duplicate;
        seen->retained = message->retained;
    }
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static void on_up(void *context) {
    struct world *world = context;

    pthread_mutex_lock(&world->lock);
    world->ups++;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static void on_down(void *context, const char *why) {
    struct world *world = context;

    pthread_mutex_lock(&world->lock);
    world->downs++;
    world->refused += strstr(why, "refused a subscription") != NULL;
    (void)snprintf(world->why, sizeof world->why, "%s", why);
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

/* Waits until number, a member of world, is at least so much. */
#define wait_for(world, member, least)                                                                       \
    do {                                                                                                     \
        struct timespec until_;                                                                              \
        int code_ = 0;                                                                                       \
        (void)clock_gettime(CLOCK_REALTIME, &until_);                                                        \
        until_.tv_sec += DEADLINE_S;                                                                         \
        pthread_mutex_lock(&(world)->lock);                                                                  \
        while (!((world)->member >= (least)) && code_ == 0)                                                  \
            code_ = pthread_cond_timedwait(&(world)->changed, &(world)->lock, &until_);                      \
        pthread_mutex_unlock(&(world)->lock);                                                                \
        if (code_ != 0)                                                                                      \
            fail_msg("waited in vain for " #member " >= " #least "; last told: %s", (world)->why);           \
    } while (0)

static void hold_arrivals(struct world *world, bool hold) {
    pthread_mutex_lock(&world->lock);
    world->hold = hold;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

/* Whether it has been told of so many ends; gives the others a moment. */
static bool went_down(struct world *world, unsigned times) {
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 5000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&world->lock);
    if (world->downs < times)
        (void)pthread_cond_timedwait(&world->changed, &world->lock, &until);
    bool down = world->downs >= times;
    pthread_mutex_unlock(&world->lock);
    return down;
}

static bool has_seen(struct world *world, const char *payload) {
    bool found = false;

    pthread_mutex_lock(&world->lock);
    for (size_t i = 0; i < world->count; i++)
        found = found || strcmp(world->seen[i].payload, payload) == 0;
    pthread_mutex_unlock(&world->lock);
    return found;
}

/* ---- the client under test ---- */

static void name_of(char *out, size_t size, const char *what) {
    static unsigned number;

    (void)snprintf(out, size, "xdtest-%d-%u-%s", (int)getpid(), number++, what);
}

static struct xd_mqtt *start_at(struct world *world, unsigned port, const char *id, unsigned version) {
    char url[64], topics[256];
    const char *subscriptions[] = {topics, "xdtest/second", NULL};
    struct xd_mqtt_config config = {.url = url,
                                    .client_id = id,
                                    .version = version,
                                    .retry_ms_min = 10,
                                    .retry_ms_max = 200,
                                    .queue_max = 8,
                                    .session_expiry_s = 300,
                                    .subscriptions = subscriptions};
    struct xd_mqtt_events events = {world, on_arrived, on_up, on_down};
    struct xd_mqtt *mqtt = NULL;

    (void)snprintf(url, sizeof url, "mqtt://127.0.0.1:%u", port);
    (void)snprintf(topics, sizeof topics, "%s/#", id);
    assert_int_equal(xd_mqtt_start(&config, &events, &mqtt), XD_OK);
    return mqtt;
}

static struct xd_mqtt *start(struct world *world, const char *id, unsigned version) {
    struct xd_mqtt *mqtt;

    world_init(world);
    mqtt = start_at(world, broker_port, id, version);
    wait_for(world, ups, 1);
    return mqtt;
}

static enum xd_result publish(struct xd_mqtt *mqtt, const char *id, const void *payload, size_t size) {
    char topic[256];
    struct xd_mqtt_message message = {.topic = topic, .payload = xd_bytes_of(payload, size)};

    (void)snprintf(topic, sizeof topic, "%s/echo", id);
    return xd_mqtt_publish(mqtt, &message);
}

static void raw_publish(const char *topic, const char *payload, const char *response_topic,
                        const char *correlation) {
    char id[64];

    name_of(id, sizeof id, "raw");
    peer_publish(broker_port, id, topic, payload, response_topic, correlation);
}

/* ---- the tests ---- */

static void carries_messages_of_every_size(unsigned version) {
    static const size_t big = (size_t)2 * 1024 * 1024 + 17;
    struct world *world = test_malloc(sizeof *world);
    char id[64], *payload = test_calloc(1, big);
    struct xd_mqtt *mqtt;

    name_of(id, sizeof id, "sizes");
    mqtt = start(world, id, version);
    (void)memset(payload, 'x', big);
    assert_int_equal(publish(mqtt, id, "one", 3), XD_OK);
    assert_int_equal(publish(mqtt, id, "", 0), XD_OK);
    assert_int_equal(publish(mqtt, id, payload, big), XD_OK);
    wait_for(world, count, 3);
    assert_string_equal(world->seen[0].payload, "one");
    assert_non_null(strstr(world->seen[0].topic, "/echo"));
    assert_int_equal(world->seen[1].payload_size, 0);
    assert_int_equal(world->seen[2].payload_size, big);
    xd_mqtt_stop(mqtt);
    test_free(payload);
    test_free(world);
}

static void carries_messages_of_every_size_by_mqtt_5(void **state) {
    (void)state;
    carries_messages_of_every_size(5);
}

static void carries_messages_of_every_size_by_mqtt_3_1_1(void **state) {
    (void)state;
    carries_messages_of_every_size(4);
}

static void hands_over_response_topic_and_correlation_data(void **state) {
    struct world *world = test_malloc(sizeof *world);
    char id[64], topic[128];
    struct xd_mqtt *mqtt;

    (void)state;
    name_of(id, sizeof id, "request");
    mqtt = start(world, id, 5);
    (void)snprintf(topic, sizeof topic, "%s/in", id);
    raw_publish(topic, "ask", "answers/here", "corr-1");
    raw_publish(topic, "plain", NULL, NULL);
    wait_for(world, count, 2);
    assert_string_equal(world->seen[0].response_topic, "answers/here");
    assert_string_equal(world->seen[0].correlation, "corr-1");
    assert_string_equal(world->seen[1].response_topic, "");
    assert_string_equal(world->seen[1].correlation, "");
    xd_mqtt_stop(mqtt);
    test_free(world);
}

static void sends_correlation_data(void **state) {
    struct world *world = test_malloc(sizeof *world);
    char id[64], topic[128];
    struct xd_mqtt_message message = {.topic = topic,
                                      .payload = xd_bytes_of_text("answer"),
                                      .correlation_data = xd_bytes_of_text("corr-2")};
    struct xd_mqtt *mqtt;

    (void)state;
    name_of(id, sizeof id, "correlation");
    mqtt = start(world, id, 5);
    (void)snprintf(topic, sizeof topic, "%s/in", id);
    assert_int_equal(xd_mqtt_publish(mqtt, &message), XD_OK);
    wait_for(world, count, 1);
    assert_string_equal(world->seen[0].correlation, "corr-2");
    xd_mqtt_stop(mqtt);
    test_free(world);
}

static void refuses_what_would_never_connect(void **state) {
    static const char *const urls[] = {NULL,
                                       "",
                                       "127.0.0.1:1883",
                                       "http://127.0.0.1",
                                       "mqtt://",
                                       "mqtt://:1883",
                                       "mqtt://host:0",
                                       "mqtt://host:65536",
                                       "mqtt://host:1x",
                                       "mqtt://host:",
                                       "mqtt://[::1",
                                       "mqtt://a/b",
                                       "mqtt://user@host"};
    struct xd_mqtt_config config = {.client_id = "x"};
    struct xd_mqtt_events events = {NULL, on_arrived, on_up, on_down};
    struct xd_mqtt *mqtt = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        config.url = urls[i];
        assert_int_equal(xd_mqtt_start(&config, &events, &mqtt), XD_INVALID);
    }
    config.url = "mqtt://127.0.0.1:1";
    config.client_id = NULL;
    assert_int_equal(xd_mqtt_start(&config, &events, &mqtt), XD_INVALID);
    config.client_id = "\xff";
    assert_int_equal(xd_mqtt_start(&config, &events, &mqtt), XD_INVALID);
    config.client_id = "x";
    config.version = 3;
    assert_int_equal(xd_mqtt_start(&config, &events, &mqtt), XD_INVALID);
    config.version = 5;
    config.will_topic = "a/#";
    assert_int_equal(xd_mqtt_start(&config, &events, &mqtt), XD_INVALID);
}

static int fail_after(void *context, size_t size) {
    unsigned *left = context;

    (void)size;
    return *left == 0 ? 0 : (int)(*left)--;
}

static void survives_every_failing_allocation_at_the_start(void **state) {
    static const char *const subscriptions[] = {"a", "b", NULL};
    struct world *world = test_malloc(sizeof *world);
    struct xd_mqtt_config config = {.url = "mqtts://[::1]:1",
                                    .client_id = "x",
                                    .username = "u",
                                    .password = "p",
                                    .ca_file = "/none",
                                    .will_topic = "t",
                                    .will_payload = xd_bytes_of_text("w"),
                                    .subscriptions = subscriptions};
    struct xd_mqtt_events events = {world, on_arrived, on_up, on_down};
    struct xd_mqtt *mqtt = NULL;
    enum xd_result result = XD_NO_MEMORY;
    unsigned failures = 0;

    (void)state;
    world_init(world);
    while (result != XD_OK) {
        unsigned left = failures++;

        xd_memory_set_hook(fail_after, &left);
        result = xd_mqtt_start(&config, &events, &mqtt);
        xd_memory_set_hook(NULL, NULL);
        assert_true(result == XD_OK || result == XD_NO_MEMORY);
    }
    assert_true(failures > 10);
    xd_mqtt_stop(mqtt);
    test_free(world);
}

static void publishes_no_topic_that_brokers_close_for(void **state) {
    static const char *const topics[] = {"", "a/#", "a/+/b", "a\xff"};
    struct world *world = test_malloc(sizeof *world);
    struct xd_mqtt_message message = {.payload = xd_bytes_of_text("x")};
    struct xd_mqtt *mqtt;
    char id[64];

    (void)state;
    name_of(id, sizeof id, "topics");
    mqtt = start(world, id, 5);
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        message.topic = topics[i];
        assert_int_equal(xd_mqtt_publish(mqtt, &message), XD_INVALID);
    }
    xd_mqtt_stop(mqtt);
    test_free(world);
}

static void says_again_without_a_broker(void **state) {
    struct world *world = test_malloc(sizeof *world);
    struct xd_mqtt *mqtt;
    unsigned port;
    int listener = peer_listen(&port);

    (void)state;
    close(listener); /* now nobody listens there */
    world_init(world);
    mqtt = start_at(world, port, "nobody", 5);
    assert_int_equal(publish(mqtt, "nobody", "x", 1), XD_AGAIN);
    wait_for(world, downs, 1);
    assert_int_equal(world->ups, 0);
    assert_non_null(strstr(world->why, "cannot connect"));
    assert_int_equal(publish(mqtt, "nobody", "x", 1), XD_AGAIN);
    xd_mqtt_stop(mqtt);
    test_free(world);
}

static void says_again_when_the_queue_is_full(void **state) {
    struct world *world = test_malloc(sizeof *world);
    enum xd_result result;
    struct xd_mqtt *mqtt;
    size_t taken = 0;
    char id[64];

    (void)state;
    name_of(id, sizeof id, "full");
    mqtt = start(world, id, 5);
    hold_arrivals(world, true); /* an arrival under way keeps Paho from taking more */
    assert_int_equal(publish(mqtt, id, "first", 5), XD_OK);
    wait_for(world, holding, true);
    while ((result = publish(mqtt, id, "more", 4)) == XD_OK)
        assert_true(++taken < SEEN_MAX);
    assert_int_equal(result, XD_AGAIN);
    assert_true(taken >= 8);
    hold_arrivals(world, false);
    wait_for(world, count, taken + 1); /* and nothing that was taken is lost */
    xd_mqtt_stop(mqtt);
    test_free(world);
}

static void comes_back_and_subscribes_again_after_a_cut(void **state) {
    struct world *world = test_malloc(sizeof *world);
    struct peer_line line;
    struct xd_mqtt *mqtt;
    char id[64], topic[128], payload[16];

    (void)state;
    peer_line_open(&line, broker_port);
    name_of(id, sizeof id, "cut");
    (void)snprintf(topic, sizeof topic, "%s/in", id);
    world_init(world);
    mqtt = start_at(world, line.port, id, 5);
    wait_for(world, ups, 1);
    for (unsigned i = 0; i < 5; i++) {
        peer_line_cut(&line);
        wait_for(world, downs, i + 1);
        (void)snprintf(payload, sizeof payload, "cut-%u", i);
        raw_publish(topic, payload, NULL, NULL); /* while it is away, or as it returns */
        wait_for(world, ups, i + 2);
        wait_for(world, count, i + 1);
        assert_true(has_seen(world, payload));
    }
    xd_mqtt_stop(mqtt);
    peer_line_close(&line);
    test_free(world);
}

static void falls_back(struct peer_broker *script, unsigned fives) {
    struct world *world = test_malloc(sizeof *world);
    struct xd_mqtt *mqtt;

    peer_broker_start(script);
    world_init(world);
    mqtt = start_at(world, script->port, "old", 5);
    wait_for(world, ups, 1);
    xd_mqtt_stop(mqtt);
    peer_broker_stop(script);
    assert_int_equal(script->fives, fives);
    assert_int_equal(script->fours, 1);
    test_free(world);
}

static void falls_back_to_3_1_1_when_told_by_a_3_1_1_broker(void **state) {
    struct peer_broker script = {.refusal = {0, 1}, .refusal_size = 2};

    (void)state;
    falls_back(&script, 1);
}

static void falls_back_to_3_1_1_when_told_by_a_reason_code(void **state) {
    struct peer_broker script = {.refusal = {0, 0x84, 0}, .refusal_size = 3};

    (void)state;
    falls_back(&script, 1);
}

static void falls_back_to_3_1_1_when_version_5_is_met_with_silence(void **state) {
    struct peer_broker script = {.refusal_size = 0};

    (void)state;
    falls_back(&script, 5);
}

static void a_refused_subscription_is_told_and_tried_again(void **state) {
    struct world *world = test_malloc(sizeof *world);
    struct peer_broker script = {.takes_5 = true};
    struct xd_mqtt *mqtt;

    (void)state;
    peer_broker_start(&script);
    world_init(world);
    mqtt = start_at(world, script.port, "denied", 5);
    wait_for(world, refused, 1);
    assert_int_equal(world->ups, 0);
    xd_mqtt_stop(mqtt);
    peer_broker_stop(&script);
    test_free(world);
}

static void begins_anew_when_the_broker_finds_fault_with_every_packet(void **state) {
    struct world *world = test_malloc(sizeof *world);
    struct peer_broker script = {.disputes = true};
    struct xd_mqtt *mqtt;

    (void)state;
    peer_broker_start(&script);
    world_init(world);
    mqtt = start_at(world, script.port, "disputed", 5);
    wait_for(world, ups, 1);
    xd_mqtt_stop(mqtt);
    peer_broker_stop(&script);
    assert_int_equal(script.cleans, 1);
    assert_int_equal(world->downs, 1); /* told once, and nothing about the attempts in between */
    test_free(world);
}

/* Paho frees what it could not write, and sends it again: mqtt.c's opening. */
static void sends_nothing_that_it_was_not_given_when_connections_break(void **state) {
    struct world *world = test_malloc(sizeof *world);
    struct peer_broker script = {.resetting = true, .resets = RESETS};
    char letters[60];
    struct xd_mqtt *mqtt;

    (void)state;
    memset(letters, PEER_LETTER, sizeof letters);
    peer_broker_start(&script);
    world_init(world);
    mqtt = start_at(world, script.port, "reset", 5);
    for (unsigned connection = 1; connection <= RESETS; connection++) {
        wait_for(world, ups, connection);
        do
            for (int i = 0; i < 8; i++)
                (void)publish(mqtt, "reset", letters, sizeof letters); /* a full queue drops it */
        while (!went_down(world, connection));
    }
    wait_for(world, ups, RESETS + 1);
    while (publish(mqtt, "reset", letters, sizeof letters) != XD_OK)
        ;
    xd_mqtt_stop(mqtt);
    peer_broker_stop(&script);
    assert_int_equal(script.resets, 0);
    assert_true(script.published > RESETS);
    assert_int_equal(script.garbled, 0);
    test_free(world);
}

static void gets_what_was_sent_while_it_was_away(unsigned version) {
    struct world *world = test_malloc(sizeof *world);
    char id[64], topic[128];
    struct xd_mqtt *mqtt;

    name_of(id, sizeof id, "away");
    (void)snprintf(topic, sizeof topic, "%s/in", id);
    mqtt = start(world, id, version);
    xd_mqtt_stop(mqtt);
    raw_publish(topic, "while away", NULL, NULL);
    mqtt = start(world, id, version);
    wait_for(world, count, 1);
    assert_string_equal(world->seen[0].payload, "while away");
    xd_mqtt_stop(mqtt);
    test_free(world);
}

static void gets_by_mqtt_5_what_was_sent_while_it_was_away(void **state) {
    (void)state;
    gets_what_was_sent_while_it_was_away(5);
}

static void gets_by_mqtt_3_1_1_what_was_sent_while_it_was_away(void **state) {
    (void)state;
    gets_what_was_sent_while_it_was_away(4);
}

static void *stop_in_background(void *context) {
    xd_mqtt_stop(context);
    return NULL;
}

static void an_arrival_under_way_is_finished_and_acknowledged_by_stop(void **state) {
    struct world *world = test_malloc(sizeof *world);
    char id[64], topic[128];
    struct xd_mqtt *mqtt;
    pthread_t stopper;

    (void)state;
    name_of(id, sizeof id, "stop");
    (void)snprintf(topic, sizeof topic, "%s/in", id);
    mqtt = start(world, id, 5);
    hold_arrivals(world, true);
    raw_publish(topic, "under way", NULL, NULL);
    wait_for(world, holding, true);
    assert_int_equal(pthread_create(&stopper, NULL, stop_in_background, mqtt), 0);
    hold_arrivals(world, false);
    pthread_join(stopper, NULL);
    assert_int_equal(world->count, 1);

    mqtt = start(world, id, 5);
    raw_publish(topic, "next", NULL, NULL);
    wait_for(world, count, 1);
    assert_string_equal(world->seen[0].payload, "next"); /* not again what was acknowledged */
    xd_mqtt_stop(mqtt);
    test_free(world);
}

static void stop_sends_what_is_queued(void **state) {
    struct world *world = test_malloc(sizeof *world);
    char reader[64], writer[64];
    struct xd_mqtt *mqtt;

    (void)state;
    name_of(reader, sizeof reader, "reader");
    name_of(writer, sizeof writer, "writer");
    mqtt = start(world, reader, 5);
    xd_mqtt_stop(mqtt); /* its session stays at the broker, and collects */
    mqtt = start(world, writer, 5);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(publish(mqtt, reader, "farewell", 8), XD_OK);
    xd_mqtt_stop(mqtt);
    mqtt = start(world, reader, 5);
    wait_for(world, count, 8);
    xd_mqtt_stop(mqtt);
    test_free(world);
}

/* ---- victims: this program again, killed inside `arrived` ---- */

static void victim_arrived(void *context, const struct xd_mqtt_message *message) {
    const char told = 'a';

    (void)context;
    (void)message;
    if (write(STDOUT_FILENO, &told, 1) != 1)
        abort();
    for (;;)
        pause(); /* neither done nor acknowledged, until the SIGKILL comes */
}

static void victim_up(void *context) {
    const char told = 'u';

    (void)context;
    if (write(STDOUT_FILENO, &told, 1) != 1)
        abort();
}

static void victim_down(void *context, const char *why) {
    (void)context;
    (void)why;
}

static int be_victim(const char *id, unsigned version) {
    char url[64], topics[128], will[128];
    const char *subscriptions[] = {topics, NULL};
    struct xd_mqtt_config config = {.url = url,
                                    .client_id = id,
                                    .version = version,
                                    .will_topic = will,
                                    .will_payload = xd_bytes_of_text("dead"),
                                    .subscriptions = subscriptions};
    struct xd_mqtt_events events = {NULL, victim_arrived, victim_up, victim_down};
    struct xd_mqtt *mqtt;

    (void)snprintf(url, sizeof url, "mqtt://127.0.0.1:%u", broker_port);
    (void)snprintf(topics, sizeof topics, "%s/in", id);
    (void)snprintf(will, sizeof will, "%s/status", id);
    if (xd_mqtt_start(&config, &events, &mqtt) != XD_OK)
        return 1;
    for (;;)
        pause();
}

static void expect_byte(int fd, char expected) {
    char byte = 0;

    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(byte, expected);
}

static void killed_in_arrival(unsigned version) {
    struct world *world = test_malloc(sizeof *world);
    char id[64], topic[128], version_text[8];
    struct xd_mqtt *mqtt;
    int told[2];
    pid_t pid;

    name_of(id, sizeof id, "victim");
    (void)snprintf(topic, sizeof topic, "%s/in", id);
    (void)snprintf(version_text, sizeof version_text, "%u", version);
    assert_int_equal(pipe(told), 0);
    pid = fork();
    if (pid == 0) {
        (void)dup2(told[1], STDOUT_FILENO);
        (void)execl(self, self, "victim", id, version_text, (char *)NULL);
        _exit(127);
    }
    close(told[1]);
    expect_byte(told[0], 'u');
    raw_publish(topic, "precious", NULL, NULL);
    expect_byte(told[0], 'a');
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(told[0]);

    mqtt = start(world, id, version); /* listens to id/#: the message and the will */
    wait_for(world, count, 2);
    assert_true(has_seen(world, "precious"));
    assert_true(has_seen(world, "dead"));
    for (size_t i = 0; i < world->count; i++)
        if (strcmp(world->seen[i].payload, "precious") == 0)
            assert_true(world->seen[i].duplicate);
    xd_mqtt_stop(mqtt);
    test_free(world);
}

static void killed_in_arrival_gets_the_message_again_by_mqtt_5(void **state) {
    (void)state;
    killed_in_arrival(5);
}

static void killed_in_arrival_gets_the_message_again_by_mqtt_3_1_1(void **state) {
    (void)state;
    killed_in_arrival(4);
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_would_never_connect),
        cmocka_unit_test(survives_every_failing_allocation_at_the_start),
        cmocka_unit_test(carries_messages_of_every_size_by_mqtt_5),
        cmocka_unit_test(carries_messages_of_every_size_by_mqtt_3_1_1),
        cmocka_unit_test(hands_over_response_topic_and_correlation_data),
        cmocka_unit_test(sends_correlation_data),
        cmocka_unit_test(publishes_no_topic_that_brokers_close_for),
        cmocka_unit_test(says_again_without_a_broker),
        cmocka_unit_test(says_again_when_the_queue_is_full),
        cmocka_unit_test(comes_back_and_subscribes_again_after_a_cut),
        cmocka_unit_test(falls_back_to_3_1_1_when_told_by_a_3_1_1_broker),
        cmocka_unit_test(falls_back_to_3_1_1_when_told_by_a_reason_code),
        cmocka_unit_test(falls_back_to_3_1_1_when_version_5_is_met_with_silence),
        cmocka_unit_test(a_refused_subscription_is_told_and_tried_again),
        cmocka_unit_test(begins_anew_when_the_broker_finds_fault_with_every_packet),
        cmocka_unit_test(sends_nothing_that_it_was_not_given_when_connections_break),
        cmocka_unit_test(gets_by_mqtt_5_what_was_sent_while_it_was_away),
        cmocka_unit_test(gets_by_mqtt_3_1_1_what_was_sent_while_it_was_away),
        cmocka_unit_test(an_arrival_under_way_is_finished_and_acknowledged_by_stop),
        cmocka_unit_test(stop_sends_what_is_queued),
        cmocka_unit_test(killed_in_arrival_gets_the_message_again_by_mqtt_5),
        cmocka_unit_test(killed_in_arrival_gets_the_message_again_by_mqtt_3_1_1),
    };
    const char *port = getenv("XD_TEST_MQTT_PORT");
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);

    if (port == NULL || size < 0) {
        (void)fprintf(stderr, "XD_TEST_MQTT_PORT must name a broker's port on loopback\n");
        return 2;
    }
    broker_port = (unsigned)strtoul(port, NULL, 10);
    if (argc == 4 && strcmp(argv[1], "victim") == 0)
        return be_victim(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
