/* The AMQP connector against a real broker on loopback. Where it is and who may
 * use it: XD_TEST_AMQP_PORT, _USER, _PASSWORD, _VHOST. Names carry the process
 * id, so that runs do not meet. */
#include "amqp/amqp.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_S 30
#define DELIVERIES_MAX 1024
#define TAGS_MAX 4096

/* Everything that a connection told, under one lock. */
struct log {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t generation; /* 0: down */
    uint64_t last_generation;
    unsigned ups, downs, missing; /* missing: of the downs, those for want of a queue */
    char why[400];
    size_t told;
    int outcome_of[TAGS_MAX]; /* -1: not told */
    size_t delivered;
    struct {
        uint64_t tag, generation;
        bool redelivered;
        char body[64], user_id[64], signature[64], message_id[64], content_type[64], key[64], correlation[64];
    } deliveries[DELIVERIES_MAX];
    bool ack;     /* answer deliveries from within the callback */
    bool hold;    /* block in `delivered` while set */
    bool closing; /* `delivered` gives false */
    struct xd_amqp_consumer *consumer;
    struct xd_amqp_publisher *prober; /* by which its queue is probed; NULL: it is not */
    unsigned probes;                  /* that were asked for */
    enum xd_result (*declare)(void *context, struct xd_amqp_setup *setup);
    enum xd_result declared;
    const char *exchange, *queue, *dead;
};

static char g_exchange[64], g_queue[64], g_dead[64];
static struct xd_amqp_address g_address;

static void now_plus(struct timespec *until, int seconds) {
    (void)clock_gettime(CLOCK_REALTIME, until);
    until->tv_sec += seconds;
}

static void log_init(struct log *log) {
    memset(log, 0, sizeof *log);
    (void)pthread_mutex_init(&log->mutex, NULL);
    (void)pthread_cond_init(&log->changed, NULL);
    for (int i = 0; i < TAGS_MAX; i++)
        log->outcome_of[i] = -1;
    log->exchange = g_exchange;
    log->queue = g_queue;
    log->dead = g_dead;
}

/* Waits until CONDITION holds (evaluated under the lock) or the deadline passes. */
#define AWAIT(log, condition)                                                                                \
    do {                                                                                                     \
        struct timespec until_;                                                                              \
        int error_ = 0;                                                                                      \
        now_plus(&until_, DEADLINE_S);                                                                       \
        (void)pthread_mutex_lock(&(log)->mutex);                                                             \
        while (!(condition) && error_ == 0)                                                                  \
            error_ = pthread_cond_timedwait(&(log)->changed, &(log)->mutex, &until_);                        \
        bool held_ = (condition);                                                                            \
        (void)pthread_mutex_unlock(&(log)->mutex);                                                           \
        if (!held_)                                                                                          \
            print_error("waited in vain for: %s (last down: %s)\n", #condition, (log)->why);                 \
        assert_true(held_);                                                                                  \
    } while (0)

static void on_up(void *context, uint64_t generation) {
    struct log *log = context;
    (void)pthread_mutex_lock(&log->mutex);
    log->generation = log->last_generation = generation;
    log->ups++;
    (void)pthread_cond_broadcast(&log->changed);
    (void)pthread_mutex_unlock(&log->mutex);
}

static void on_down(void *context, uint64_t generation, const char *why) {
    struct log *log = context;
    (void)generation;
    (void)pthread_mutex_lock(&log->mutex);
    log->generation = 0;
    log->downs++;
    log->missing += strstr(why, "NOT_FOUND") != NULL;
    (void)snprintf(log->why, sizeof log->why, "%s", why);
    (void)pthread_cond_broadcast(&log->changed);
    (void)pthread_mutex_unlock(&log->mutex);
}

static void on_confirmed(void *context, const uint64_t *tags, const enum xd_amqp_outcome *outcomes,
                         size_t count) {
    struct log *log = context;
    (void)pthread_mutex_lock(&log->mutex);
    for (size_t i = 0; i < count; i++) {
        assert_true(tags[i] < TAGS_MAX);
        assert_int_equal(log->outcome_of[tags[i]], -1);
        log->outcome_of[tags[i]] = (int)outcomes[i];
    }
    log->told += count;
    (void)pthread_cond_broadcast(&log->changed);
    (void)pthread_mutex_unlock(&log->mutex);
}

static void keep_text(char *to, size_t size, const char *text) {
    (void)snprintf(to, size, "%s", text != NULL ? text : "(none)");
}

static bool on_delivered(void *context, const struct xd_amqp_delivery *delivery) {
    struct log *log = context;
    (void)pthread_mutex_lock(&log->mutex);
    size_t i = log->delivered++;
    assert_true(i < DELIVERIES_MAX);
    log->deliveries[i].tag = delivery->tag;
    log->deliveries[i].generation = delivery->generation;
    log->deliveries[i].redelivered = delivery->redelivered;
    (void)snprintf(log->deliveries[i].body, sizeof log->deliveries[i].body, "%.*s", (int)delivery->body.size,
                   (const char *)delivery->body.data);
    keep_text(log->deliveries[i].user_id, 64, delivery->user_id);
    keep_text(log->deliveries[i].signature, 64, delivery->signature);
    keep_text(log->deliveries[i].message_id, 64, delivery->message_id);
    keep_text(log->deliveries[i].content_type, 64, delivery->content_type);
    keep_text(log->deliveries[i].key, 64, delivery->routing_key);
    keep_text(log->deliveries[i].correlation, 64, delivery->correlation_id);
    (void)pthread_cond_broadcast(&log->changed);
    while (log->hold && !log->closing)
        (void)pthread_cond_wait(&log->changed, &log->mutex);
    bool going_on = !log->closing;
    struct xd_amqp_consumer *acker = log->ack ? log->consumer : NULL;
    (void)pthread_mutex_unlock(&log->mutex);
    if (acker != NULL)
        xd_amqp_ack(acker, delivery->generation, delivery->tag, false);
    return going_on;
}

static enum xd_result on_declare(void *context, struct xd_amqp_setup *setup) {
    struct log *log = context;
    log->declared = log->declare(context, setup);
    return log->declared;
}

/* exchange -> queue, whose dead letters go to exchange dead -> queue dead. */
static enum xd_result declare_all(void *context, struct xd_amqp_setup *setup) {
    const struct log *log = context;
    enum xd_result result = xd_amqp_declare_exchange(setup, log->exchange, "direct");
    if (result == XD_OK)
        result = xd_amqp_declare_exchange(setup, log->dead, "fanout");
    if (result == XD_OK)
        result = xd_amqp_declare_quorum_queue(setup, log->dead, NULL, false);
    if (result == XD_OK)
        result = xd_amqp_bind_queue(setup, log->dead, log->dead, "");
    if (result == XD_OK)
        result = xd_amqp_declare_quorum_queue(setup, log->queue, log->dead, true);
    if (result == XD_OK)
        result = xd_amqp_bind_queue(setup, log->queue, log->exchange, "key");
    return result;
}

static struct xd_amqp_publisher *start_publisher(struct log *log,
                                                 enum xd_result (*declare)(void *, struct xd_amqp_setup *)) {
    struct xd_amqp_publisher *publisher = NULL;
    log->declare = declare;
    struct xd_amqp_publisher_events events = {.context = log,
                                              .confirmed = on_confirmed,
                                              .up = on_up,
                                              .down = on_down,
                                              .declare = declare != NULL ? on_declare : NULL};
    assert_int_equal(xd_amqp_publisher_start(&g_address, 64, 256 * 1024, &events, &publisher), XD_OK);
    return publisher;
}

static void on_quiet(void *context) {
    struct log *log = context;
    (void)pthread_mutex_lock(&log->mutex);
    const struct xd_amqp_message probe = {.tag = log->probes,
                                          .exchange = "",
                                          .routing_key = log->queue,
                                          .message_id = XD_AMQP_PROBE,
                                          .passing = true};
    log->probes += xd_amqp_publish(log->prober, 1, &probe) == XD_OK;
    (void)pthread_cond_broadcast(&log->changed);
    (void)pthread_mutex_unlock(&log->mutex);
}

static void start_consumer(struct log *log, const char *queue, uint16_t prefetch) {
    struct xd_amqp_consumer *consumer = NULL;
    struct xd_amqp_consumer_events events = {
        .context = log, .delivered = on_delivered, .up = on_up, .down = on_down};
    events.quiet = log->prober != NULL ? on_quiet : NULL;
    (void)pthread_mutex_lock(&log->mutex);
    assert_int_equal(xd_amqp_consumer_start(&g_address, queue, prefetch, &events, &consumer), XD_OK);
    log->consumer = consumer;
    (void)pthread_mutex_unlock(&log->mutex);
}

static void stop_consumer(struct log *log) {
    (void)pthread_mutex_lock(&log->mutex);
    log->closing = true;
    (void)pthread_cond_broadcast(&log->changed);
    (void)pthread_mutex_unlock(&log->mutex);
    xd_amqp_consumer_stop(log->consumer);
}

static void set_flag(struct log *log, bool *flag, bool value) {
    (void)pthread_mutex_lock(&log->mutex);
    *flag = value;
    (void)pthread_cond_broadcast(&log->changed);
    (void)pthread_mutex_unlock(&log->mutex);
}

static struct xd_amqp_message message_of(uint64_t tag, const char *exchange, const char *key,
                                         const char *body) {
    struct xd_amqp_message message = {
        .tag = tag, .exchange = exchange, .routing_key = key, .mandatory = true};
    message.body.data = (const uint8_t *)body;
    message.body.size = strlen(body);
    return message;
}

/* Publishes, waiting for room as a caller would. */
static void publish(struct log *log, struct xd_amqp_publisher *publisher,
                    const struct xd_amqp_message *message) {
    enum xd_result result = XD_AGAIN;
    for (int i = 0; i < DEADLINE_S * 1000 && result == XD_AGAIN; i++) {
        (void)pthread_mutex_lock(&log->mutex);
        uint64_t generation = log->generation;
        (void)pthread_mutex_unlock(&log->mutex);
        result = xd_amqp_publish(publisher, generation, message);
        if (result == XD_AGAIN)
            (void)usleep(1000);
    }
    assert_int_equal(result, XD_OK);
}

/* Puts count messages with bodies "0", "1", ... into the queue. */
static void fill_queue(unsigned count) {
    struct log log;
    log_init(&log);
    struct xd_amqp_publisher *publisher = start_publisher(&log, declare_all);
    AWAIT(&log, log.generation != 0);
    for (unsigned i = 0; i < count; i++) {
        char body[16];
        (void)snprintf(body, sizeof body, "%u", i);
        struct xd_amqp_message message = message_of(i, g_exchange, "key", body);
        publish(&log, publisher, &message);
    }
    AWAIT(&log, log.told == count);
    xd_amqp_publisher_stop(publisher);
}

/* ---- publishing ---- */

static void publish_is_confirmed(void **state) {
    struct log log;
    (void)state;
    log_init(&log);
    struct xd_amqp_publisher *publisher = start_publisher(&log, declare_all);
    AWAIT(&log, log.generation != 0);
    for (unsigned i = 0; i < 1000; i++) {
        struct xd_amqp_message message = message_of(i, g_exchange, "key", "x");
        publish(&log, publisher, &message);
    }
    AWAIT(&log, log.told == 1000);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(log.outcome_of[i], XD_AMQP_CONFIRMED);
    assert_int_equal(xd_amqp_publisher_room(publisher), 128);
    assert_int_equal(log.downs, 0);
    xd_amqp_publisher_stop(publisher);
}

static void exactly_the_unroutable_messages_are_returned(void **state) {
    struct log log;
    (void)state;
    log_init(&log);
    struct xd_amqp_publisher *publisher = start_publisher(&log, declare_all);
    AWAIT(&log, log.generation != 0);
    for (unsigned i = 0; i < 300; i++) {
        struct xd_amqp_message message =
            message_of(i, g_exchange, i % 3 == 1 ? "nowhere" : "key", "same body");
        message.mandatory = i % 6 != 4; /* half of the unroutable ones do not ask */
        publish(&log, publisher, &message);
    }
    AWAIT(&log, log.told == 300);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(log.outcome_of[i], i % 6 == 1 ? XD_AMQP_RETURNED : XD_AMQP_CONFIRMED);
    xd_amqp_publisher_stop(publisher);
}

static void large_body_beyond_a_frame_and_the_window_passes(void **state) {
    struct log log;
    const size_t size = 1024 * 1024;
    char *body = xd_alloc(size + 1);
    (void)state;
    assert_non_null(body);
    memset(body, 'x', size);
    log_init(&log);
    struct xd_amqp_publisher *publisher = start_publisher(&log, declare_all);
    AWAIT(&log, log.generation != 0);
    for (unsigned i = 0; i < 3; i++) {
        /* "nowhere": the return brings the whole body back. */
        struct xd_amqp_message message = message_of(i, g_exchange, i == 1 ? "nowhere" : "key", body);
        publish(&log, publisher, &message);
    }
    AWAIT(&log, log.told == 3);
    assert_int_equal(log.outcome_of[1], XD_AMQP_RETURNED);
    assert_int_equal(log.outcome_of[2], XD_AMQP_CONFIRMED);
    xd_amqp_publisher_stop(publisher);
    xd_free(body);
}

static void what_amqp_cannot_carry_is_refused_at_once(void **state) {
    struct log log;
    char key[300];
    (void)state;
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    log_init(&log);
    struct xd_amqp_publisher *publisher = start_publisher(&log, declare_all);
    AWAIT(&log, log.generation != 0);
    struct xd_amqp_message message = message_of(1, g_exchange, key, "x");
    assert_int_equal(xd_amqp_publish(publisher, log.generation, &message), XD_INVALID);
    xd_amqp_publisher_stop(publisher);
}

static void missing_exchange_brings_down_and_a_new_generation(void **state) {
    struct log log;
    (void)state;
    log_init(&log);
    struct xd_amqp_publisher *publisher = start_publisher(&log, declare_all);
    AWAIT(&log, log.generation == 1);
    struct xd_amqp_message message = message_of(1, "crossdock.test.no-such-exchange", "key", "x");
    publish(&log, publisher, &message);
    AWAIT(&log, log.downs == 1);
    assert_non_null(strstr(log.why, "NOT_FOUND"));
    AWAIT(&log, log.generation == 2);
    assert_int_equal(log.told, 0);
    message = message_of(2, g_exchange, "key", "x");
    assert_int_equal(xd_amqp_publish(publisher, 1, &message), XD_AGAIN);
    assert_int_equal(xd_amqp_publish(publisher, 2, &message), XD_OK);
    AWAIT(&log, log.outcome_of[2] == XD_AMQP_CONFIRMED);
    xd_amqp_publisher_stop(publisher);
}

static void queue_to_the_thread_is_bounded(void **state) {
    struct log log;
    struct xd_amqp_address address = g_address;
    struct xd_amqp_publisher *publisher = NULL;
    (void)state;
    log_init(&log);
    log.declare = declare_all;
    struct xd_amqp_publisher_events events = {
        .context = &log, .confirmed = on_confirmed, .up = on_up, .down = on_down, .declare = on_declare};
    assert_int_equal(xd_amqp_publisher_start(&address, 4, 0, &events, &publisher), XD_OK);
    AWAIT(&log, log.generation != 0);
    struct xd_amqp_message message = message_of(1, g_exchange, "key", "x");
    unsigned taken = 0;
    (void)pthread_mutex_lock(&log.mutex); /* the thread stops at its first confirm */
    for (unsigned i = 0; i < 100; i++) {
        message.tag = i;
        if (xd_amqp_publish(publisher, log.generation, &message) == XD_OK)
            taken++;
    }
    (void)pthread_mutex_unlock(&log.mutex);
    assert_in_range(taken, 8, 24); /* the queue's 8, and what the window of 4 took meanwhile */
    AWAIT(&log, log.told == taken);
    assert_int_equal(xd_amqp_publisher_room(publisher), 8);
    xd_amqp_publisher_stop(publisher);
}

/* ---- declaring ---- */

static void declaring_twice_is_fine(void **state) {
    (void)state;
    fill_queue(0);
    fill_queue(0);
}

static enum xd_result declare_other_type(void *context, struct xd_amqp_setup *setup) {
    const struct log *log = context;
    return xd_amqp_declare_exchange(setup, log->exchange, "topic");
}

static void declaring_otherwise_is_a_conflict_told_once(void **state) {
    struct log log;
    (void)state;
    fill_queue(0);
    log_init(&log);
    struct xd_amqp_publisher *publisher = start_publisher(&log, declare_other_type);
    AWAIT(&log, log.downs == 1);
    assert_int_equal(log.declared, XD_CONFLICT);
    assert_non_null(strstr(log.why, "PRECONDITION_FAILED"));
    assert_int_equal(log.ups, 0);
    xd_amqp_publisher_stop(publisher);
    assert_int_equal(log.downs, 1);
}

/* ---- consuming ---- */

static void delivery_carries_its_properties_and_ack_removes_it(void **state) {
    struct log in, out;
    (void)state;
    log_init(&out);
    log_init(&in);
    struct xd_amqp_publisher *publisher = start_publisher(&out, declare_all);
    AWAIT(&out, out.generation != 0);
    struct xd_amqp_message message = message_of(1, g_exchange, "key", "{\"a\":1}");
    message.content_type = "application/cloudevents+json";
    message.message_id = "id-1";
    message.correlation_id = "correlation-1";
    message.signature = "v1;kid=k;mac=00";
    message.user_id = g_address.username;
    publish(&out, publisher, &message);
    AWAIT(&out, out.outcome_of[1] == XD_AMQP_CONFIRMED);
    start_consumer(&in, g_queue, 10);
    AWAIT(&in, in.delivered == 1);
    assert_string_equal(in.deliveries[0].body, "{\"a\":1}");
    assert_string_equal(in.deliveries[0].content_type, "application/cloudevents+json");
    assert_string_equal(in.deliveries[0].message_id, "id-1");
    assert_string_equal(in.deliveries[0].correlation, "correlation-1");
    assert_string_equal(in.deliveries[0].signature, "v1;kid=k;mac=00");
    assert_string_equal(in.deliveries[0].user_id, g_address.username);
    assert_string_equal(in.deliveries[0].key, "key");
    assert_false(in.deliveries[0].redelivered);
    xd_amqp_ack(in.consumer, in.deliveries[0].generation, in.deliveries[0].tag, false);
    /* A second message, without properties, tells that the first is not coming again. */
    message = message_of(2, g_exchange, "key", "2");
    publish(&out, publisher, &message);
    AWAIT(&in, in.delivered == 2);
    xd_amqp_consumer_restart(in.consumer);
    AWAIT(&in, in.delivered == 3);
    assert_string_equal(in.deliveries[2].body, "2");
    assert_true(in.deliveries[2].redelivered);
    assert_string_equal(in.deliveries[2].user_id, "(none)");
    assert_string_equal(in.deliveries[2].signature, "(none)");
    stop_consumer(&in);
    xd_amqp_publisher_stop(publisher);
}

static void ack_of_an_older_generation_is_void(void **state) {
    struct log log;
    (void)state;
    fill_queue(2);
    log_init(&log);
    start_consumer(&log, g_queue, 10);
    AWAIT(&log, log.delivered == 2);
    xd_amqp_consumer_restart(log.consumer);
    AWAIT(&log, log.delivered == 4);
    assert_int_equal(log.deliveries[3].generation, log.deliveries[0].generation + 1);
    /* If it counted, the tag would be acked and the third round would bring nothing. */
    xd_amqp_ack(log.consumer, log.deliveries[0].generation, log.deliveries[1].tag, true);
    xd_amqp_consumer_restart(log.consumer);
    AWAIT(&log, log.delivered == 6);
    assert_string_equal(log.deliveries[4].body, "0");
    stop_consumer(&log);
}

/* Position i of a walk through 0..count-1 by sevens, backwards within each. */
static unsigned shuffled(unsigned i, unsigned count) {
    unsigned base = i / 7 * 7;
    unsigned size = count - base < 7 ? count - base : 7;
    return base + (size - 1 - i % 7);
}

static void acks_in_any_order_remove_exactly_their_messages(void **state) {
    enum { COUNT = 500, LEFT = 10 };
    struct log log;
    (void)state;
    fill_queue(COUNT);
    log_init(&log);
    start_consumer(&log, g_queue, COUNT);
    AWAIT(&log, log.delivered == COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned j = shuffled(i, COUNT);
        if (j % (COUNT / LEFT) != 0)
            xd_amqp_ack(log.consumer, log.generation, log.deliveries[j].tag, false);
    }
    /* Rejecting one and seeing it dead-lettered tells that the acks before it have arrived. */
    struct log dead;
    log_init(&dead);
    xd_amqp_reject(log.consumer, log.generation, log.deliveries[0].tag);
    start_consumer(&dead, g_dead, 10);
    AWAIT(&dead, dead.delivered == 1);
    stop_consumer(&dead);
    xd_amqp_consumer_restart(log.consumer);
    AWAIT(&log, log.delivered == COUNT + LEFT - 1);
    for (unsigned i = 1; i < LEFT; i++) {
        char body[16];
        (void)snprintf(body, sizeof body, "%u", i * (COUNT / LEFT));
        assert_string_equal(log.deliveries[COUNT + i - 1].body, body);
    }
    assert_int_equal(log.downs, 1);
    stop_consumer(&log);
}

static void reject_goes_to_the_dead_letter_exchange(void **state) {
    struct log log, dead;
    (void)state;
    fill_queue(3);
    log_init(&log);
    log_init(&dead);
    start_consumer(&log, g_queue, 10);
    AWAIT(&log, log.delivered == 3);
    xd_amqp_ack(log.consumer, log.generation, log.deliveries[0].tag, false);
    xd_amqp_reject(log.consumer, log.generation, log.deliveries[1].tag);
    xd_amqp_ack(log.consumer, log.generation, log.deliveries[2].tag, false);
    dead.ack = true;
    start_consumer(&dead, g_dead, 10);
    AWAIT(&dead, dead.delivered == 1);
    assert_string_equal(dead.deliveries[0].body, "1");
    assert_int_equal(log.downs, 0);
    stop_consumer(&dead);
    stop_consumer(&log);
}

static void blocking_callback_holds_the_prefetch_and_keeps_the_heart_beating(void **state) {
    struct log log;
    unsigned heartbeat_s = g_address.heartbeat_s;
    (void)state;
    fill_queue(20);
    log_init(&log);
    log.hold = true;
    g_address.heartbeat_s = 1;
    start_consumer(&log, g_queue, 5);
    g_address.heartbeat_s = heartbeat_s;
    AWAIT(&log, log.delivered == 1);
    (void)sleep(5); /* not to wait for something: to be silent longer than the broker forgives */
    assert_int_equal(log.delivered, 1);
    assert_int_equal(log.downs, 0);
    set_flag(&log, &log.hold, false);
    AWAIT(&log, log.delivered == 5); /* nobody acked: the prefetch is used up */
    xd_amqp_ack(log.consumer, log.generation, log.deliveries[4].tag, true);
    AWAIT(&log, log.delivered == 10);
    set_flag(&log, &log.ack, true);
    xd_amqp_ack(log.consumer, log.generation, log.deliveries[9].tag, true);
    AWAIT(&log, log.delivered == 20);
    assert_int_equal(log.downs, 0);
    assert_int_equal(log.ups, 1);
    stop_consumer(&log);
}

static void missing_queue_is_told_once_and_found_when_it_appears(void **state) {
    struct log log;
    const char *name = g_queue;
    (void)state;
    log_init(&log);
    start_consumer(&log, name, 10);
    AWAIT(&log, log.downs == 1);
    assert_non_null(strstr(log.why, name));
    assert_non_null(strstr(log.why, "NOT_FOUND"));
    struct log other;
    log_init(&other);
    struct xd_amqp_publisher *publisher = start_publisher(&other, declare_all);
    AWAIT(&log, log.generation == 1);
    assert_int_equal(log.missing, 1); /* a queue that is being made may give another reason meanwhile */
    stop_consumer(&log);
    xd_amqp_publisher_stop(publisher);
}

/* ---- connecting ---- */

static void consumer_to_which_nothing_comes_begins_anew(void **state) {
    struct log log;
    (void)state;
    fill_queue(0);
    log_init(&log);
    log.ack = true;
    g_address.silence_ms = 100;
    start_consumer(&log, g_queue, 4);
    g_address.silence_ms = 0;
    AWAIT(&log, log.ups >= 3);
    assert_non_null(strstr(log.why, "nothing came from queue"));
    fill_queue(1);
    AWAIT(&log, log.delivered >= 1);
    stop_consumer(&log);
}

static void consumer_whose_probe_comes_goes_on_and_says_nothing(void **state) {
    struct log log, out;
    (void)state;
    fill_queue(0);
    log_init(&out);
    struct xd_amqp_publisher *publisher = start_publisher(&out, NULL);
    AWAIT(&out, out.generation == 1);
    log_init(&log);
    log.prober = publisher;
    g_address.silence_ms = 2000;
    start_consumer(&log, g_queue, 4);
    g_address.silence_ms = 0;
    AWAIT(&log, log.probes == 4); /* each of them came, or a new connection would have been made */
    assert_int_equal(log.downs, 0);
    assert_int_equal(log.ups, 1);
    assert_int_equal(log.delivered, 0); /* they are the connector's own ... */
    AWAIT(&log, log.probes == 6);       /* ... and acked, or the prefetch would be used up */
    assert_int_equal(log.downs, 0);
    stop_consumer(&log);
    xd_amqp_publisher_stop(publisher);
}

static void wrong_password_names_the_user_and_the_vhost_but_not_the_password(void **state) {
    struct log log;
    const char *password = g_address.password;
    (void)state;
    log_init(&log);
    g_address.password = "certainly-wrong";
    struct xd_amqp_publisher *publisher = start_publisher(&log, NULL);
    g_address.password = password;
    AWAIT(&log, log.downs == 1);
    assert_non_null(strstr(log.why, g_address.username));
    assert_non_null(strstr(log.why, g_address.vhost));
    assert_non_null(strstr(log.why, "ACCESS_REFUSED"));
    assert_null(strstr(log.why, "certainly-wrong"));
    xd_amqp_publisher_stop(publisher);
}

/* A socket on loopback that takes connections into its backlog and never says a word. */
static int listen_and_be_silent(const char *scheme, char *url, size_t size) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(url, size, "%s127.0.0.1:%u", scheme, ntohs(address.sin_port));
    return fd;
}

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void silent_broker(const char *scheme) {
    struct log log;
    struct xd_amqp_address address = g_address;
    struct xd_amqp_publisher *publisher = NULL;
    char url[64];
    int fd = listen_and_be_silent(scheme, url, sizeof url);
    log_init(&log);
    address.url = url;
    address.stall_ms = 400;
    struct xd_amqp_publisher_events events = {.context = &log, .up = on_up, .down = on_down};
    assert_int_equal(xd_amqp_publisher_start(&address, 4, 0, &events, &publisher), XD_OK);
    AWAIT(&log, log.downs >= 1);
    xd_amqp_publisher_stop(publisher);
    address.stall_ms = 60000;
    assert_int_equal(xd_amqp_publisher_start(&address, 4, 0, &events, &publisher), XD_OK);
    (void)usleep(100000); /* let it get into the handshake */
    double began = seconds();
    xd_amqp_publisher_stop(publisher);
    assert_true(seconds() - began < 1.0);
    (void)close(fd);
}

static void silent_broker_is_given_up_and_does_not_hold_a_stop(void **state) {
    (void)state;
    silent_broker("amqp://");
    silent_broker("amqps://");
}

static void bad_addresses_are_refused(void **state) {
    static const char *const urls[] = {"",           "127.0.0.1",        "http://127.0.0.1", "amqp://",
                                       "amqp://h:0", "amqp://h:65536",   "amqp://h:x",       "amqp://u:p@h",
                                       "amqp://h/v", "amqp://[::1:5672", "amqp://h:5672?x",  "amqps:/h"};
    struct xd_amqp_address address = g_address;
    struct xd_amqp_publisher_events events = {.context = NULL};
    struct xd_amqp_publisher *publisher = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        address.url = urls[i];
        assert_int_equal(xd_amqp_publisher_start(&address, 4, 0, &events, &publisher), XD_INVALID);
    }
}

static int fail_when_zero(void *context, size_t size) {
    int *left = context;
    (void)size;
    return (*left)-- != 0;
}

static enum xd_result start_and_stop_both(const struct xd_amqp_address *address) {
    struct xd_amqp_publisher *publisher = NULL;
    struct xd_amqp_consumer *consumer = NULL;
    struct xd_amqp_publisher_events out = {.context = NULL};
    struct xd_amqp_consumer_events in = {.delivered = on_delivered};
    enum xd_result result = xd_amqp_publisher_start(address, 4, 0, &out, &publisher);
    if (result == XD_OK)
        result = xd_amqp_consumer_start(address, "queue", 4, &in, &consumer);
    if (consumer != NULL)
        xd_amqp_consumer_stop(consumer);
    if (publisher != NULL)
        xd_amqp_publisher_stop(publisher);
    return result;
}

static void no_memory_at_any_point_of_starting_leaves_nothing_behind(void **state) {
    struct xd_amqp_address address = g_address;
    enum xd_result result = XD_NO_MEMORY;
    int n = 0;
    (void)state;
    address.url = "amqp://127.0.0.1:1"; /* nobody there: nothing allocates but the start */
    for (; result == XD_NO_MEMORY; n++) {
        int left = n;
        assert_in_range(n, 0, 100);
        xd_memory_set_hook(fail_when_zero, &left);
        result = start_and_stop_both(&address);
        xd_memory_set_hook(NULL, NULL);
    }
    assert_int_equal(result, XD_OK);
    assert_true(n > 10);
}

static const char *setting(const char *name, const char *def) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : def;
}

/* Every test has names of its own, so that one leaves nothing to another. */
static int name_things(void **state) {
    static unsigned number;
    (void)state;
    number++;
    (void)snprintf(g_exchange, sizeof g_exchange, "crossdock.test.%d.%u", (int)getpid(), number);
    (void)snprintf(g_queue, sizeof g_queue, "crossdock.test.%d.%u.queue", (int)getpid(), number);
    (void)snprintf(g_dead, sizeof g_dead, "crossdock.test.%d.%u.dead", (int)getpid(), number);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, name_things)

int main(void) {
    static char url[64];
    const struct CMUnitTest tests[] = {
        TEST(publish_is_confirmed),
        TEST(exactly_the_unroutable_messages_are_returned),
        TEST(large_body_beyond_a_frame_and_the_window_passes),
        TEST(what_amqp_cannot_carry_is_refused_at_once),
        TEST(missing_exchange_brings_down_and_a_new_generation),
        TEST(queue_to_the_thread_is_bounded),
        TEST(declaring_twice_is_fine),
        TEST(declaring_otherwise_is_a_conflict_told_once),
        TEST(delivery_carries_its_properties_and_ack_removes_it),
        TEST(ack_of_an_older_generation_is_void),
        TEST(acks_in_any_order_remove_exactly_their_messages),
        TEST(reject_goes_to_the_dead_letter_exchange),
        TEST(blocking_callback_holds_the_prefetch_and_keeps_the_heart_beating),
        TEST(missing_queue_is_told_once_and_found_when_it_appears),
        TEST(consumer_to_which_nothing_comes_begins_anew),
        TEST(consumer_whose_probe_comes_goes_on_and_says_nothing),
        TEST(wrong_password_names_the_user_and_the_vhost_but_not_the_password),
        TEST(silent_broker_is_given_up_and_does_not_hold_a_stop),
        TEST(bad_addresses_are_refused),
        TEST(no_memory_at_any_point_of_starting_leaves_nothing_behind),
    };
    const char *port = setting("XD_TEST_AMQP_PORT", NULL);
    if (port == NULL) {
        (void)fprintf(stderr, "XD_TEST_AMQP_PORT is not set: no broker to test against\n");
        return 1;
    }
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%s", port);
    g_address.url = url;
    g_address.username = setting("XD_TEST_AMQP_USER", "guest");
    g_address.password = setting("XD_TEST_AMQP_PASSWORD", "guest");
    g_address.vhost = setting("XD_TEST_AMQP_VHOST", "/");
    g_address.connection_name = "crossdock test";
    g_address.retry_ms_min = 20;
    g_address.retry_ms_max = 200;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
