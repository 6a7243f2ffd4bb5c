/* Consuming, with answers by hand.
 *
 *   broker --frames--> connection's thread --boxes--> deliverer --delivered--> owner
 *   broker <--ack/reject-- connection's thread <--answers-- any thread
 *
 * `delivered` may block, so it runs on a thread of its own, the deliverer; the
 * connection's thread goes on with frames, heartbeats and answers. The broker never
 * has more than `prefetch` deliveries unanswered, so a ring of that many boxes
 * always has room; one delivery more is the broker's error and breaks the
 * connection. Answers are bounded the same way: one per delivery. An owner that
 * answers twice would make the ring overflow; the broker would close the channel
 * for that anyway, so the connection is made anew.
 *
 * A box is one delivery in one block of memory: record, texts, body. Its frames are
 * assembled into it as they come; the library's buffers are released only between
 * deliveries. A body over XD_AMQP_BODY_MAX is skipped and rejected, so that it
 * ends in the dead-letter queue and blocks nothing.
 *
 * A connection to which nothing came for long is made anew (amqp.h, silence_ms says
 * why): a connection that is alive proves nothing of its consumer. Half-way the owner is
 * asked for a probe, which shows that nothing came because there was nothing.
 *
 * When the connection breaks, boxes and answers are forgotten: the broker gives
 * again what was not acked. A box that the deliverer took out before may still be
 * told after `down`; its generation makes its answer void. */
#include "amqp/acks.h"
#include "amqp/connection.h"
#include "base/memory.h"

#include <amqp_framing.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FRAMES_A_ROUND 1024u
#define SHORT_TEXT_SIZE 256u
#define SILENCE_DOUBLED_MAX 3u
#define SIGNATURE_HEADER "crossdock-signature"

struct box {
    struct xd_amqp_delivery delivery; /* points into the block */
    char bytes[];
};

enum phase { PHASE_NONE, PHASE_HEADER, PHASE_BODY, PHASE_SKIP };

/* A delivery whose frames are not all there yet. */
struct assembly {
    enum phase phase;
    amqp_basic_deliver_t method;    /* in the library's buffers until the header has come */
    struct box *box;                /* owned, in PHASE_BODY */
    uint64_t body_size, body_taken; /* bytes */
};

struct xd_amqp_consumer {
    struct xd_amqp_connection connection;
    struct xd_amqp_consumer_events events;
    char *queue;
    uint16_t prefetch;
    pthread_t deliverer;

    pthread_mutex_t mutex; /* guards the next block */
    pthread_cond_t arrived;
    struct box **boxes; /* ring of prefetch */
    size_t box_first, box_count;
    struct xd_amqp_answer *answers; /* answer_capacity, in the order they were given */
    size_t answer_count;
    uint64_t generation; /* 0: down */
    bool ending;

    /* The connection's thread's own. */
    struct xd_amqp_answer *taken; /* the other half of a double buffer */
    size_t answer_capacity;
    struct xd_amqp_acks acks;
    struct assembly assembly;
    uint64_t serving; /* this connection's generation */
    bool look;        /* there may be frames that poll() does not show */
    int64_t heard_at; /* when a delivery came last, or the connection up */
    unsigned silent;  /* connections in a row to which nothing came */
    bool asked;       /* for a probe, since then ... */
    int64_t asked_at; /* ... at this time */
};

/* ---- assembling a delivery ---- */

static const char *place(char **to, amqp_bytes_t text) {
    char *copy = *to;
    if (text.len > 0)
        memcpy(copy, text.bytes, text.len);
    copy[text.len] = '\0';
    *to += text.len + 1;
    return copy;
}

static amqp_bytes_t header_of(const amqp_basic_properties_t *properties, const char *name) {
    if ((properties->_flags & AMQP_BASIC_HEADERS_FLAG) == 0)
        return amqp_empty_bytes;
    for (int i = 0; i < properties->headers.num_entries; i++) {
        const amqp_table_entry_t *entry = &properties->headers.entries[i];
        bool text = entry->value.kind == AMQP_FIELD_KIND_UTF8 || entry->value.kind == AMQP_FIELD_KIND_BYTES;
        if (text && entry->key.len == strlen(name) &&
            strncasecmp(entry->key.bytes, name, entry->key.len) == 0)
            return entry->value.value.bytes;
    }
    return amqp_empty_bytes;
}

/* The texts of a delivery's properties and where they go. */
struct text {
    bool there;
    amqp_bytes_t bytes;
    const char **to;
};

#define TEXTS 11

static void list_texts(struct text texts[TEXTS], const amqp_basic_deliver_t *method,
                       const amqp_basic_properties_t *properties, struct xd_amqp_delivery *to) {
    amqp_flags_t flags = properties->_flags;
    amqp_bytes_t signature = header_of(properties, SIGNATURE_HEADER);
    amqp_bytes_t authorization = header_of(properties, "authorization");
    amqp_bytes_t idempotency_key = header_of(properties, "idempotency-key");
    amqp_bytes_t prefer = header_of(properties, "prefer");
    const struct text all[TEXTS] = {
        {true, method->exchange, &to->exchange},
        {true, method->routing_key, &to->routing_key},
        {(flags & AMQP_BASIC_USER_ID_FLAG) != 0, properties->user_id, &to->user_id},
        {signature.bytes != NULL, signature, &to->signature},
        {authorization.bytes != NULL, authorization, &to->authorization},
        {idempotency_key.bytes != NULL, idempotency_key, &to->idempotency_key},
        {prefer.bytes != NULL, prefer, &to->prefer},
        {(flags & AMQP_BASIC_CONTENT_TYPE_FLAG) != 0, properties->content_type, &to->content_type},
        {(flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0, properties->message_id, &to->message_id},
        {(flags & AMQP_BASIC_REPLY_TO_FLAG) != 0, properties->reply_to, &to->reply_to},
        {(flags & AMQP_BASIC_CORRELATION_ID_FLAG) != 0, properties->correlation_id, &to->correlation_id},
    };
    memcpy(texts, all, sizeof all);
}

static struct box *box_make(const struct assembly *assembly, const amqp_basic_properties_t *properties,
                            uint64_t generation) {
    struct xd_amqp_delivery delivery;
    struct text texts[TEXTS];
    size_t size = sizeof(struct box) + (size_t)assembly->body_size;
    memset(&delivery, 0, sizeof delivery);
    list_texts(texts, &assembly->method, properties, &delivery);
    for (int i = 0; i < TEXTS; i++)
        size += texts[i].there ? texts[i].bytes.len + 1 : 0;
    struct box *box = xd_resize(NULL, size); /* all of it is written */
    if (box == NULL)
        return NULL;
    char *to = box->bytes;
    for (int i = 0; i < TEXTS; i++)
        if (texts[i].there)
            *texts[i].to = place(&to, texts[i].bytes);
    delivery.generation = generation;
    delivery.tag = assembly->method.delivery_tag;
    delivery.redelivered = assembly->method.redelivered != 0;
    delivery.body = (struct xd_bytes){(const uint8_t *)to, (size_t)assembly->body_size};
    box->delivery = delivery;
    return box;
}

/* Gives a whole box to the deliverer. */
static enum xd_result hand_over(struct xd_amqp_consumer *consumer) {
    struct box *box = consumer->assembly.box;
    consumer->assembly.phase = PHASE_NONE;
    consumer->assembly.box = NULL;
    (void)pthread_mutex_lock(&consumer->mutex);
    bool room = consumer->box_count < consumer->prefetch;
    if (room)
        consumer->boxes[(consumer->box_first + consumer->box_count++) % consumer->prefetch] = box;
    (void)pthread_cond_signal(&consumer->arrived);
    (void)pthread_mutex_unlock(&consumer->mutex);
    if (room)
        return XD_OK;
    xd_free(box);
    return xd_amqp_broken(&consumer->connection, "the broker delivered more than the prefetch of %u",
                          consumer->prefetch);
}

static enum xd_result send_answer(struct xd_amqp_consumer *consumer, struct xd_amqp_answer answer) {
    amqp_connection_state_t state = consumer->connection.state;
    int status = answer.kind == XD_AMQP_REJECT_ONE
                     ? amqp_basic_reject(state, XD_AMQP_CHANNEL, answer.tag, 0)
                     : amqp_basic_ack(state, XD_AMQP_CHANNEL, answer.tag, answer.kind == XD_AMQP_ACK_UP_TO);
    return xd_amqp_check_status(&consumer->connection, status, "answering a delivery");
}

static enum xd_result take_answer(struct xd_amqp_consumer *consumer, struct xd_amqp_answer answer) {
    struct xd_amqp_answer out;
    return xd_amqp_acks_take(&consumer->acks, answer, &out) ? send_answer(consumer, out) : XD_OK;
}

static bool is_probe(const struct xd_amqp_delivery *delivery) {
    return delivery->body.size == 0 && delivery->message_id != NULL &&
           strcmp(delivery->message_id, XD_AMQP_PROBE) == 0;
}

static enum xd_result take_probe(struct xd_amqp_consumer *consumer) {
    struct xd_amqp_answer ack = {XD_AMQP_ACK_ONE, consumer->assembly.box->delivery.tag};
    xd_free(consumer->assembly.box);
    consumer->assembly.box = NULL;
    consumer->assembly.phase = PHASE_NONE;
    return take_answer(consumer, ack);
}

static enum xd_result finish_assembly(struct xd_amqp_consumer *consumer) {
    if (consumer->assembly.phase == PHASE_BODY) {
        consumer->heard_at = xd_amqp_clock_ms();
        consumer->silent = 0;
        consumer->asked = false;
        return is_probe(&consumer->assembly.box->delivery) ? take_probe(consumer) : hand_over(consumer);
    }
    consumer->assembly.phase = PHASE_NONE;
    struct xd_amqp_answer reject = {XD_AMQP_REJECT_ONE, consumer->assembly.method.delivery_tag};
    return take_answer(consumer, reject);
}

static enum xd_result read_header(struct xd_amqp_consumer *consumer, const amqp_frame_t *frame) {
    struct assembly *assembly = &consumer->assembly;
    assembly->body_size = frame->payload.properties.body_size;
    assembly->body_taken = 0;
    assembly->phase = PHASE_SKIP;
    if (assembly->body_size <= XD_AMQP_BODY_MAX) {
        assembly->box = box_make(assembly, frame->payload.properties.decoded, consumer->serving);
        if (assembly->box == NULL)
            return xd_amqp_broken(&consumer->connection, "no memory for a delivery of %llu bytes",
                                  (unsigned long long)assembly->body_size);
        assembly->phase = PHASE_BODY;
    }
    return assembly->body_size == 0 ? finish_assembly(consumer) : XD_OK;
}

static enum xd_result read_body(struct xd_amqp_consumer *consumer, amqp_bytes_t part) {
    struct assembly *assembly = &consumer->assembly;
    if (part.len > assembly->body_size - assembly->body_taken)
        return xd_amqp_broken(&consumer->connection, "a delivery's body is longer than announced");
    if (assembly->phase == PHASE_BODY) {
        struct box *box = assembly->box;
        size_t offset = (size_t)(box->delivery.body.data - (const uint8_t *)box->bytes);
        memcpy(box->bytes + offset + assembly->body_taken, part.bytes, part.len);
    }
    assembly->body_taken += part.len;
    return assembly->body_taken == assembly->body_size ? finish_assembly(consumer) : XD_OK;
}

static enum xd_result read_frame(struct xd_amqp_consumer *consumer, const amqp_frame_t *frame) {
    struct assembly *assembly = &consumer->assembly;
    enum phase phase = assembly->phase;
    if (frame->frame_type == AMQP_FRAME_METHOD && frame->payload.method.id == AMQP_BASIC_CANCEL_METHOD)
        return xd_amqp_broken(&consumer->connection, "the broker cancelled the consumer: queue '%s' is gone",
                              consumer->queue);
    if (frame->frame_type == AMQP_FRAME_METHOD && frame->payload.method.id == AMQP_BASIC_DELIVER_METHOD &&
        phase == PHASE_NONE) {
        memcpy(&assembly->method, frame->payload.method.decoded, sizeof assembly->method);
        assembly->phase = PHASE_HEADER;
        return XD_OK;
    }
    if (frame->frame_type == AMQP_FRAME_HEADER && phase == PHASE_HEADER)
        return read_header(consumer, frame);
    if (frame->frame_type == AMQP_FRAME_BODY && (phase == PHASE_BODY || phase == PHASE_SKIP))
        return read_body(consumer, frame->payload.body_fragment);
    if (frame->frame_type == AMQP_FRAME_METHOD && frame->channel == 0)
        return XD_OK; /* connection.blocked: none of a consumer's business */
    return xd_amqp_broken(&consumer->connection, "unexpected frame from the broker");
}

static enum xd_result drain(struct xd_amqp_consumer *consumer) {
    struct xd_amqp_connection *connection = &consumer->connection;
    amqp_frame_t frame;
    enum xd_result result = XD_OK;
    for (unsigned i = 0; i < FRAMES_A_ROUND && result == XD_OK; i++) {
        result = xd_amqp_next_frame(connection, &frame);
        if (result == XD_OK)
            result = read_frame(consumer, &frame);
        if (consumer->assembly.phase != PHASE_HEADER)
            amqp_maybe_release_buffers(connection->state);
    }
    consumer->look = result == XD_OK;
    return result == XD_AGAIN ? XD_OK : result;
}

/* ---- answers ---- */

static enum xd_result send_answers(struct xd_amqp_consumer *consumer) {
    enum xd_result result = XD_OK;
    struct xd_amqp_answer out;
    (void)pthread_mutex_lock(&consumer->mutex);
    struct xd_amqp_answer *answers = consumer->answers;
    size_t count = consumer->answer_count;
    consumer->answers = consumer->taken;
    consumer->answer_count = 0;
    consumer->taken = answers;
    (void)pthread_mutex_unlock(&consumer->mutex);
    for (size_t i = 0; i < count && result == XD_OK; i++)
        result = take_answer(consumer, answers[i]);
    if (result == XD_OK && xd_amqp_acks_flush(&consumer->acks, &out))
        result = send_answer(consumer, out);
    return result;
}

static void give_answer(struct xd_amqp_consumer *consumer, uint64_t generation,
                        struct xd_amqp_answer answer) {
    (void)pthread_mutex_lock(&consumer->mutex);
    bool valid = generation != 0 && generation == consumer->generation;
    bool room = consumer->answer_count < consumer->answer_capacity;
    bool wake = valid && room && consumer->answer_count == 0;
    if (valid && room)
        consumer->answers[consumer->answer_count++] = answer;
    (void)pthread_mutex_unlock(&consumer->mutex);
    if (wake)
        xd_amqp_wake(&consumer->connection);
    if (valid && !room)
        xd_amqp_connection_restart(&consumer->connection);
}

/* ---- the deliverer ---- */

static struct box *next_box(struct xd_amqp_consumer *consumer) {
    struct box *box = NULL;
    (void)pthread_mutex_lock(&consumer->mutex);
    while (!consumer->ending && consumer->box_count == 0)
        (void)pthread_cond_wait(&consumer->arrived, &consumer->mutex);
    if (!consumer->ending) {
        box = consumer->boxes[consumer->box_first];
        consumer->box_first = (consumer->box_first + 1) % consumer->prefetch;
        consumer->box_count--;
    }
    (void)pthread_mutex_unlock(&consumer->mutex);
    return box;
}

static void *deliver(void *argument) {
    struct xd_amqp_consumer *consumer = argument;
    bool going_on = true;
    while (going_on) {
        struct box *box = next_box(consumer);
        if (box == NULL)
            break;
        going_on = consumer->events.delivered(consumer->events.context, &box->delivery);
        xd_free(box);
    }
    return NULL;
}

/* Starts it with all signals blocked: signals are the main thread's. */
static enum xd_result start_deliverer(struct xd_amqp_consumer *consumer) {
    sigset_t all, before;
    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return XD_IO;
    int error = pthread_create(&consumer->deliverer, NULL, deliver, consumer);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? XD_OK : XD_IO;
}

static void end_deliverer(struct xd_amqp_consumer *consumer) {
    (void)pthread_mutex_lock(&consumer->mutex);
    consumer->ending = true;
    (void)pthread_cond_signal(&consumer->arrived);
    (void)pthread_mutex_unlock(&consumer->mutex);
    (void)pthread_join(consumer->deliverer, NULL);
}

/* ---- the role ---- */

static enum xd_result consumer_prepare(void *context) {
    struct xd_amqp_consumer *consumer = context;
    struct xd_amqp_connection *connection = &consumer->connection;
    char name[SHORT_TEXT_SIZE + 2];
    enum xd_result result = xd_amqp_declare(connection, consumer->events.declare, consumer->events.context);
    if (result != XD_OK)
        return result;
    (void)snprintf(name, sizeof name, "'%s'", consumer->queue);
    xd_amqp_watchdog_begin(&connection->watchdog, XD_AMQP_CALL);
    (void)amqp_basic_qos(connection->state, XD_AMQP_CHANNEL, 0, consumer->prefetch, 0);
    result =
        xd_amqp_check_reply(connection, amqp_get_rpc_reply(connection->state), "setting the prefetch", "");
    if (result == XD_OK) {
        (void)amqp_basic_consume(connection->state, XD_AMQP_CHANNEL, xd_amqp_text(consumer->queue),
                                 amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
        result = xd_amqp_check_reply(connection, amqp_get_rpc_reply(connection->state),
                                     "consuming from queue", name);
    }
    xd_amqp_watchdog_rest(&connection->watchdog, XD_AMQP_CALL);
    return result;
}

static void consumer_up(void *context, uint64_t generation) {
    struct xd_amqp_consumer *consumer = context;
    consumer->serving = generation;
    consumer->look = true;
    consumer->heard_at = xd_amqp_clock_ms();
    consumer->asked = false;
    consumer->assembly.phase = PHASE_NONE;
    xd_amqp_acks_clear(&consumer->acks);
    (void)pthread_mutex_lock(&consumer->mutex);
    consumer->generation = generation;
    consumer->answer_count = 0;
    (void)pthread_mutex_unlock(&consumer->mutex);
    if (consumer->events.up != NULL)
        consumer->events.up(consumer->events.context, generation);
}

/* A probe has half of the patience to come, however late it was asked for. */
static bool may_be_answered(struct xd_amqp_consumer *consumer, int64_t silence, int64_t patience) {
    int64_t now = xd_amqp_clock_ms();
    if (consumer->events.quiet == NULL)
        return silence < patience;
    if (!consumer->asked && silence >= patience / 2) {
        consumer->asked = true;
        consumer->asked_at = now;
        consumer->events.quiet(consumer->events.context);
    }
    return !consumer->asked || now - consumer->asked_at < patience / 2;
}

/* Boxes that wait are no silence: the owner holds them up, not the broker. */
static enum xd_result check_silence(struct xd_amqp_consumer *consumer) {
    const struct xd_amqp_connection *connection = &consumer->connection;
    int64_t patience = (int64_t)connection->endpoint.silence_ms << consumer->silent;
    if (patience == 0 || may_be_answered(consumer, xd_amqp_clock_ms() - consumer->heard_at, patience))
        return XD_OK;
    (void)pthread_mutex_lock(&consumer->mutex);
    bool waiting = consumer->box_count > 0;
    (void)pthread_mutex_unlock(&consumer->mutex);
    if (waiting)
        return XD_OK;
    consumer->silent += consumer->silent < SILENCE_DOUBLED_MAX;
    return xd_amqp_broken(&consumer->connection, "nothing came from queue '%s' for %lld s, connecting anew",
                          consumer->queue, (long long)patience / 1000);
}

static void consumer_serve(void *context) {
    struct xd_amqp_consumer *consumer = context;
    struct xd_amqp_connection *connection = &consumer->connection;
    enum xd_result result = XD_OK;
    while (result == XD_OK && !xd_amqp_must_leave(connection)) {
        if (!consumer->look)
            (void)xd_amqp_wait(connection, false);
        /* Also when nothing is there to read: reading is when the library sends heartbeats. */
        result = send_answers(consumer);
        if (result == XD_OK)
            result = drain(consumer);
        if (result == XD_OK)
            result = check_silence(consumer);
    }
}

static void clear_boxes(struct xd_amqp_consumer *consumer) {
    for (; consumer->box_count > 0; consumer->box_count--) {
        xd_free(consumer->boxes[consumer->box_first]);
        consumer->box_first = (consumer->box_first + 1) % consumer->prefetch;
    }
}

static void consumer_forget(void *context) {
    struct xd_amqp_consumer *consumer = context;
    xd_free(consumer->assembly.box);
    consumer->assembly.box = NULL;
    (void)pthread_mutex_lock(&consumer->mutex);
    consumer->generation = 0;
    consumer->answer_count = 0;
    clear_boxes(consumer);
    (void)pthread_mutex_unlock(&consumer->mutex);
}

static void consumer_down(void *context, uint64_t generation, const char *why) {
    const struct xd_amqp_consumer *consumer = context;
    if (consumer->events.down != NULL)
        consumer->events.down(consumer->events.context, generation, why);
}

static void free_parts(struct xd_amqp_consumer *consumer) {
    xd_amqp_acks_free(&consumer->acks);
    xd_free(consumer->boxes);
    xd_free(consumer->answers);
    xd_free(consumer->taken);
    xd_free(consumer->queue);
    xd_free(consumer);
}

static void free_locks(struct xd_amqp_consumer *consumer) {
    (void)pthread_mutex_destroy(&consumer->mutex);
    (void)pthread_cond_destroy(&consumer->arrived);
}

static void consumer_destroy(void *context) {
    struct xd_amqp_consumer *consumer = context;
    xd_amqp_connection_free(&consumer->connection);
    clear_boxes(consumer);
    free_locks(consumer);
    free_parts(consumer);
}

static const struct xd_amqp_role consumer_role = {
    .prepare = consumer_prepare,
    .up = consumer_up,
    .serve = consumer_serve,
    .forget = consumer_forget,
    .down = consumer_down,
    .destroy = consumer_destroy,
};

static struct xd_amqp_consumer *make_parts(const char *queue, uint16_t prefetch) {
    struct xd_amqp_consumer *consumer = xd_alloc(sizeof *consumer);
    if (consumer == NULL)
        return NULL;
    consumer->prefetch = prefetch;
    consumer->answer_capacity = (size_t)prefetch * 2;
    consumer->queue = xd_copy_text(queue);
    consumer->boxes = xd_alloc(prefetch * sizeof(struct box *));
    consumer->answers = xd_alloc(consumer->answer_capacity * sizeof *consumer->answers);
    consumer->taken = xd_alloc(consumer->answer_capacity * sizeof *consumer->taken);
    enum xd_result result = xd_amqp_acks_make(&consumer->acks, (size_t)prefetch * 4);
    if (result == XD_OK && consumer->queue != NULL && consumer->boxes != NULL && consumer->answers != NULL &&
        consumer->taken != NULL)
        return consumer;
    free_parts(consumer);
    return NULL;
}

static enum xd_result make_locks(struct xd_amqp_consumer *consumer) {
    if (pthread_mutex_init(&consumer->mutex, NULL) != 0)
        return XD_IO;
    if (pthread_cond_init(&consumer->arrived, NULL) == 0)
        return XD_OK;
    (void)pthread_mutex_destroy(&consumer->mutex);
    return XD_IO;
}

enum xd_result xd_amqp_consumer_start(const struct xd_amqp_address *address, const char *queue,
                                      uint16_t prefetch, const struct xd_amqp_consumer_events *events,
                                      struct xd_amqp_consumer **out) {
    if (queue == NULL || strnlen(queue, SHORT_TEXT_SIZE) == SHORT_TEXT_SIZE || prefetch == 0 ||
        events->delivered == NULL)
        return XD_INVALID;
    struct xd_amqp_consumer *consumer = make_parts(queue, prefetch);
    if (consumer == NULL)
        return XD_NO_MEMORY;
    consumer->events = *events;
    enum xd_result result = make_locks(consumer);
    if (result != XD_OK)
        goto no_locks;
    result = start_deliverer(consumer);
    if (result != XD_OK)
        goto no_deliverer;
    result = xd_amqp_connection_start(&consumer->connection, address, &consumer_role, consumer);
    if (result != XD_OK)
        goto no_connection;
    *out = consumer;
    return XD_OK;
no_connection:
    end_deliverer(consumer);
no_deliverer:
    free_locks(consumer);
no_locks:
    free_parts(consumer);
    return result;
}

void xd_amqp_ack(struct xd_amqp_consumer *consumer, uint64_t generation, uint64_t tag, bool multiple) {
    give_answer(consumer, generation,
                (struct xd_amqp_answer){multiple ? XD_AMQP_ACK_UP_TO : XD_AMQP_ACK_ONE, tag});
}

void xd_amqp_reject(struct xd_amqp_consumer *consumer, uint64_t generation, uint64_t tag) {
    give_answer(consumer, generation, (struct xd_amqp_answer){XD_AMQP_REJECT_ONE, tag});
}

void xd_amqp_consumer_restart(struct xd_amqp_consumer *consumer) {
    xd_amqp_connection_restart(&consumer->connection);
}

void xd_amqp_consumer_stop(struct xd_amqp_consumer *consumer) {
    if (consumer == NULL)
        return;
    atomic_store(&consumer->connection.stopping, true); /* no up or down from here on */
    end_deliverer(consumer);
    if (xd_amqp_connection_stop(&consumer->connection))
        consumer_destroy(consumer);
}
