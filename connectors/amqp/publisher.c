/* Publishing with confirms.
 *
 *   caller --xd_amqp_publish--> queue --thread--> in flight (the window) --confirm--> caller
 *
 * The queue is a ring of copied messages under the mutex; it takes twice the
 * window, in messages and in bytes, so that the thread finds the next burst ready
 * while the caller is told about the last. A message is one block of memory: its
 * record, its texts, its body.
 *
 * The window is a ring too, indexed by the broker's delivery tag, which counts
 * publishes on the channel from 1: first <= tag < next. A confirm settles one tag
 * or, with `multiple`, all up to it; what is settled already is passed over, for a
 * multiple confirm may overlap single ones. `first` moves over settled slots, so a
 * confirm that comes ahead of lower tags just waits in its slot.
 *
 * A basic.return names no delivery tag, so each mandatory message carries its own
 * in the header SEQUENCE_HEADER; the return marks the slot, and the ack that the
 * broker sends after it tells it as returned.
 *
 * The loop: wait (poll), read all frames that are there, publish one burst, tell
 * the confirms of this round in one call. Reading happens once a burst, not once
 * a message. While connection.blocked holds nothing is published and no confirm
 * expected. */
#include "amqp/connection.h"
#include "base/memory.h"

#include <amqp_framing.h>

#include <poll.h>
#include <string.h>

#define WINDOW_MESSAGES 512u
#define WINDOW_BYTES ((size_t)256 * 1024)
#define BURST 64u
#define FRAMES_A_ROUND 4096u
#define SHORT_TEXT_MAX 255u /* AMQP's shortstr */
#define LONG_TEXT_MAX 4096u
#define SEQUENCE_HEADER "publish-sequence"

/* One queued message: the record, its texts, its body, in one block. */
struct item {
    struct xd_amqp_message message; /* points into the block */
    char bytes[];
};

struct slot {
    uint64_t tag; /* the caller's */
    size_t size;  /* bytes of the body */
    bool settled, returned;
};

struct xd_amqp_publisher {
    struct xd_amqp_connection connection;
    struct xd_amqp_publisher_events events;
    size_t window_messages, window_bytes;

    pthread_mutex_t mutex; /* guards the next block */
    struct item **queue;   /* ring of queue_capacity */
    size_t queue_capacity, queue_first, queue_count, queue_bytes;
    uint64_t generation; /* 0: down */
    bool sleeping;       /* the thread waits for a message and wants a wake */

    /* The thread's own. */
    struct slot *slots; /* ring of slot_count, a power of two */
    size_t slot_count;
    uint64_t first, next;
    size_t in_flight, bytes_in_flight;
    bool blocked;
    bool look; /* there may be frames that poll() does not show */
    uint64_t *told_tags;
    enum xd_amqp_outcome *told_outcomes;
    size_t told;
    bool in_return;        /* between basic.return and the end of its content */
    uint64_t return_bytes; /* of the content still to come */
    bool return_header;    /* its header is still to come */
};

/* ---- the queue ---- */

/* Copies text behind *to; NULL stays NULL. */
static const char *place(char **to, const char *text) {
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*to, text, size);
    *to += size;
    return copy;
}

static size_t text_size(const char *text) {
    return text != NULL ? strlen(text) + 1 : 0;
}

/* A text that AMQP cannot carry would break the connection, now and each time the
 * message is sent again; so it is refused here. */
static bool fits(const char *text, size_t most) {
    return text == NULL || strnlen(text, most + 1) <= most;
}

static bool message_valid(const struct xd_amqp_message *message) {
    return message->exchange != NULL && message->routing_key != NULL &&
           message->body.size <= XD_AMQP_BODY_MAX && fits(message->exchange, SHORT_TEXT_MAX) &&
           fits(message->routing_key, SHORT_TEXT_MAX) && fits(message->content_type, SHORT_TEXT_MAX) &&
           fits(message->message_id, SHORT_TEXT_MAX) && fits(message->correlation_id, SHORT_TEXT_MAX) &&
           fits(message->user_id, SHORT_TEXT_MAX) && fits(message->signature, LONG_TEXT_MAX) &&
           fits(message->traceparent, LONG_TEXT_MAX) && fits(message->location, LONG_TEXT_MAX);
}

static struct item *item_make(const struct xd_amqp_message *message) {
    size_t size = text_size(message->exchange) + text_size(message->routing_key) +
                  text_size(message->content_type) + text_size(message->message_id) +
                  text_size(message->correlation_id) + text_size(message->signature) +
                  text_size(message->traceparent) + text_size(message->user_id) +
                  text_size(message->location) + message->body.size;
    struct item *item = xd_resize(NULL, sizeof *item + size); /* all of it is written below */
    if (item == NULL)
        return NULL;
    struct xd_amqp_message *copy = &item->message;
    char *to = item->bytes;
    *copy = *message;
    copy->exchange = place(&to, message->exchange);
    copy->routing_key = place(&to, message->routing_key);
    copy->content_type = place(&to, message->content_type);
    copy->message_id = place(&to, message->message_id);
    copy->correlation_id = place(&to, message->correlation_id);
    copy->signature = place(&to, message->signature);
    copy->traceparent = place(&to, message->traceparent);
    copy->user_id = place(&to, message->user_id);
    copy->location = place(&to, message->location);
    if (message->body.size > 0)
        memcpy(to, message->body.data, message->body.size);
    copy->body = (struct xd_bytes){(const uint8_t *)to, message->body.size};
    return item;
}

static bool queue_open(const struct xd_amqp_publisher *publisher) {
    return publisher->generation != 0 && publisher->queue_count < publisher->queue_capacity &&
           (publisher->queue_count == 0 || publisher->queue_bytes < 2 * publisher->window_bytes);
}

static void queue_clear(struct xd_amqp_publisher *publisher) {
    for (size_t i = 0; i < publisher->queue_count; i++)
        xd_free(publisher->queue[(publisher->queue_first + i) % publisher->queue_capacity]);
    publisher->queue_first = publisher->queue_count = publisher->queue_bytes = 0;
}

/* Takes what the window has room for, at most BURST. */
static size_t take_burst(struct xd_amqp_publisher *publisher, struct item *burst[BURST]) {
    size_t count = 0;
    size_t messages = publisher->in_flight, bytes = publisher->bytes_in_flight;
    uint64_t span = publisher->next - publisher->first;
    (void)pthread_mutex_lock(&publisher->mutex);
    while (count < BURST && publisher->queue_count > 0 && messages < publisher->window_messages &&
           span + count < publisher->slot_count) {
        struct item *item = publisher->queue[publisher->queue_first];
        size_t size = item->message.body.size;
        if (messages > 0 && bytes + size > publisher->window_bytes)
            break;
        burst[count++] = item;
        messages++;
        bytes += size;
        publisher->queue_first = (publisher->queue_first + 1) % publisher->queue_capacity;
        publisher->queue_count--;
        publisher->queue_bytes -= size;
    }
    (void)pthread_mutex_unlock(&publisher->mutex);
    return count;
}

/* ---- the window ---- */

static struct slot *slot_of(struct xd_amqp_publisher *publisher, uint64_t sequence) {
    return &publisher->slots[sequence & (publisher->slot_count - 1)];
}

static bool outstanding(const struct xd_amqp_publisher *publisher, uint64_t sequence) {
    return sequence >= publisher->first && sequence < publisher->next;
}

static void settle_one(struct xd_amqp_publisher *publisher, uint64_t sequence, bool refused) {
    struct slot *slot = slot_of(publisher, sequence);
    if (!outstanding(publisher, sequence) || slot->settled)
        return;
    slot->settled = true;
    publisher->in_flight--;
    publisher->bytes_in_flight -= slot->size;
    publisher->told_tags[publisher->told] = slot->tag;
    publisher->told_outcomes[publisher->told] = refused          ? XD_AMQP_REFUSED
                                                : slot->returned ? XD_AMQP_RETURNED
                                                                 : XD_AMQP_CONFIRMED;
    publisher->told++;
}

static void settle(struct xd_amqp_publisher *publisher, uint64_t sequence, bool multiple, bool refused) {
    xd_amqp_watchdog_moved(&publisher->connection.watchdog, XD_AMQP_ANSWER);
    if (!multiple) {
        settle_one(publisher, sequence, refused);
    } else {
        /* Tag 0 means everything so far. */
        uint64_t last = sequence == 0 || sequence >= publisher->next ? publisher->next - 1 : sequence;
        for (uint64_t i = publisher->first; i <= last; i++)
            settle_one(publisher, i, refused);
    }
    while (publisher->first < publisher->next && slot_of(publisher, publisher->first)->settled)
        publisher->first++;
}

/* ---- publishing ---- */

static void header_text(amqp_table_t *headers, const char *key, const char *value) {
    if (value == NULL)
        return;
    amqp_table_entry_t *entry = &headers->entries[headers->num_entries++];
    entry->key = amqp_cstring_bytes(key);
    entry->value.kind = AMQP_FIELD_KIND_UTF8;
    entry->value.value.bytes = amqp_cstring_bytes(value);
}

static void property(amqp_basic_properties_t *properties, amqp_flags_t flag, amqp_bytes_t *to,
                     const char *text) {
    if (text == NULL)
        return;
    *to = amqp_cstring_bytes(text);
    properties->_flags |= flag;
}

static int send_message(struct xd_amqp_publisher *publisher, const struct xd_amqp_message *message) {
    amqp_basic_properties_t properties;
    amqp_table_entry_t entries[5];
    memset(&properties, 0, sizeof properties);
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.delivery_mode = message->passing ? 1 : 2; /* persistent */
    properties.headers.entries = entries;
    property(&properties, AMQP_BASIC_CONTENT_TYPE_FLAG, &properties.content_type, message->content_type);
    property(&properties, AMQP_BASIC_MESSAGE_ID_FLAG, &properties.message_id, message->message_id);
    property(&properties, AMQP_BASIC_CORRELATION_ID_FLAG, &properties.correlation_id,
             message->correlation_id);
    property(&properties, AMQP_BASIC_USER_ID_FLAG, &properties.user_id, message->user_id);
    header_text(&properties.headers, "crossdock-signature", message->signature);
    header_text(&properties.headers, "traceparent", message->traceparent);
    header_text(&properties.headers, "location", message->location);
    if (message->status != 0) {
        amqp_table_entry_t *entry = &entries[properties.headers.num_entries++];
        entry->key = amqp_cstring_bytes("status");
        entry->value.kind = AMQP_FIELD_KIND_I32;
        entry->value.value.i32 = (int32_t)message->status;
    }
    if (message->mandatory) {
        amqp_table_entry_t *entry = &entries[properties.headers.num_entries++];
        entry->key = amqp_cstring_bytes(SEQUENCE_HEADER);
        entry->value.kind = AMQP_FIELD_KIND_I64;
        entry->value.value.i64 = (int64_t)publisher->next;
    }
    if (properties.headers.num_entries > 0)
        properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    return amqp_basic_publish(publisher->connection.state, XD_AMQP_CHANNEL, xd_amqp_text(message->exchange),
                              xd_amqp_text(message->routing_key), message->mandatory, 0, &properties,
                              xd_amqp_view(message->body));
}

static enum xd_result send_one(struct xd_amqp_publisher *publisher, const struct xd_amqp_message *message) {
    enum xd_result result =
        xd_amqp_check_status(&publisher->connection, send_message(publisher, message), "publishing");
    if (result != XD_OK)
        return result;
    *slot_of(publisher, publisher->next) = (struct slot){.tag = message->tag, .size = message->body.size};
    publisher->next++;
    publisher->in_flight++;
    publisher->bytes_in_flight += message->body.size;
    xd_amqp_watchdog_moved(&publisher->connection.watchdog, XD_AMQP_CALL);
    return XD_OK;
}

static enum xd_result send_burst(struct xd_amqp_publisher *publisher) {
    struct item *burst[BURST];
    enum xd_result result = XD_OK;
    size_t count = publisher->blocked ? 0 : take_burst(publisher, burst);
    for (size_t i = 0; i < count; i++) {
        if (result == XD_OK)
            result = send_one(publisher, &burst[i]->message);
        xd_free(burst[i]);
    }
    return result;
}

/* ---- reading ---- */

static uint64_t returned_sequence(const amqp_basic_properties_t *properties) {
    if ((properties->_flags & AMQP_BASIC_HEADERS_FLAG) == 0)
        return 0;
    for (int i = 0; i < properties->headers.num_entries; i++) {
        const amqp_table_entry_t *entry = &properties->headers.entries[i];
        if (entry->key.len == strlen(SEQUENCE_HEADER) && entry->value.kind == AMQP_FIELD_KIND_I64 &&
            memcmp(entry->key.bytes, SEQUENCE_HEADER, entry->key.len) == 0)
            return (uint64_t)entry->value.value.i64;
    }
    return 0;
}

/* The header and body frames behind a basic.return. */
static enum xd_result read_returned(struct xd_amqp_publisher *publisher, const amqp_frame_t *frame) {
    if (publisher->return_header && frame->frame_type == AMQP_FRAME_HEADER) {
        uint64_t sequence = returned_sequence(frame->payload.properties.decoded);
        if (outstanding(publisher, sequence))
            slot_of(publisher, sequence)->returned = true;
        publisher->return_header = false;
        publisher->return_bytes = frame->payload.properties.body_size;
    } else if (!publisher->return_header && frame->frame_type == AMQP_FRAME_BODY &&
               frame->payload.body_fragment.len <= publisher->return_bytes) {
        publisher->return_bytes -= frame->payload.body_fragment.len;
    } else {
        return xd_amqp_broken(&publisher->connection, "unexpected frame inside a basic.return");
    }
    publisher->in_return = publisher->return_header || publisher->return_bytes > 0;
    return XD_OK;
}

static void set_blocked(struct xd_amqp_publisher *publisher, bool blocked, const char *why) {
    if (publisher->blocked == blocked)
        return;
    publisher->blocked = blocked;
    if (publisher->events.blocked == NULL || atomic_load(&publisher->connection.stopping))
        return;
    for (int i = 0; i < XD_AMQP_CONCERNS; i++)
        xd_amqp_watchdog_rest(&publisher->connection.watchdog, (enum xd_amqp_concern)i);
    publisher->events.blocked(publisher->events.context, blocked, why);
    xd_amqp_watchdog_begin(&publisher->connection.watchdog, XD_AMQP_CALL);
}

static void told_blocked(struct xd_amqp_publisher *publisher, const amqp_connection_blocked_t *method) {
    char why[SHORT_TEXT_MAX + 1];
    size_t size = method->reason.len < SHORT_TEXT_MAX ? method->reason.len : SHORT_TEXT_MAX;
    memcpy(why, method->reason.bytes, size);
    why[size] = '\0';
    set_blocked(publisher, true, why);
}

static enum xd_result read_frame(struct xd_amqp_publisher *publisher, const amqp_frame_t *frame) {
    if (frame->frame_type != AMQP_FRAME_METHOD)
        return publisher->in_return ? read_returned(publisher, frame)
                                    : xd_amqp_broken(&publisher->connection, "unexpected content frame");
    const void *decoded = frame->payload.method.decoded;
    switch (frame->payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *method = decoded;
        settle(publisher, method->delivery_tag, method->multiple != 0, false);
        break;
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *method = decoded;
        settle(publisher, method->delivery_tag, method->multiple != 0, true);
        break;
    }
    case AMQP_BASIC_RETURN_METHOD:
        publisher->in_return = publisher->return_header = true;
        break;
    case AMQP_CONNECTION_BLOCKED_METHOD:
        told_blocked(publisher, decoded);
        break;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        set_blocked(publisher, false, "");
        break;
    default:
        break;
    }
    return XD_OK;
}

/* Reads what is there, bounded, so that publishing goes on meanwhile. */
static enum xd_result drain(struct xd_amqp_publisher *publisher) {
    struct xd_amqp_connection *connection = &publisher->connection;
    amqp_frame_t frame;
    enum xd_result result = XD_OK;
    for (unsigned i = 0; i < FRAMES_A_ROUND && result == XD_OK; i++) {
        result = xd_amqp_next_frame(connection, &frame);
        if (result == XD_OK)
            result = read_frame(publisher, &frame);
        if ((i & 63) == 0)
            amqp_maybe_release_buffers(connection->state);
    }
    amqp_maybe_release_buffers(connection->state);
    publisher->look = result == XD_OK;
    return result == XD_AGAIN ? XD_OK : result;
}

static void tell_confirms(struct xd_amqp_publisher *publisher) {
    struct xd_amqp_watchdog *watchdog = &publisher->connection.watchdog;
    if (publisher->told == 0 || atomic_load(&publisher->connection.stopping))
        return;
    for (int i = 0; i < XD_AMQP_CONCERNS; i++)
        xd_amqp_watchdog_rest(watchdog, (enum xd_amqp_concern)i);
    if (publisher->events.confirmed != NULL)
        publisher->events.confirmed(publisher->events.context, publisher->told_tags, publisher->told_outcomes,
                                    publisher->told);
    publisher->told = 0;
    xd_amqp_watchdog_begin(watchdog, XD_AMQP_CALL);
}

/* ---- the role ---- */

static enum xd_result publisher_prepare(void *context) {
    struct xd_amqp_publisher *publisher = context;
    struct xd_amqp_connection *connection = &publisher->connection;
    enum xd_result result = xd_amqp_declare(connection, publisher->events.declare, publisher->events.context);
    if (result != XD_OK)
        return result;
    xd_amqp_watchdog_begin(&connection->watchdog, XD_AMQP_CALL);
    (void)amqp_confirm_select(connection->state, XD_AMQP_CHANNEL);
    result =
        xd_amqp_check_reply(connection, amqp_get_rpc_reply(connection->state), "turning confirms on", "");
    xd_amqp_watchdog_rest(&connection->watchdog, XD_AMQP_CALL);
    return result;
}

static void publisher_up(void *context, uint64_t generation) {
    struct xd_amqp_publisher *publisher = context;
    publisher->first = publisher->next = 1;
    publisher->in_flight = publisher->bytes_in_flight = publisher->told = 0;
    publisher->in_return = false;
    publisher->look = true;
    (void)pthread_mutex_lock(&publisher->mutex);
    publisher->generation = generation;
    publisher->sleeping = false;
    (void)pthread_mutex_unlock(&publisher->mutex);
    if (publisher->events.up != NULL)
        publisher->events.up(publisher->events.context, generation);
}

/* Whether there is something to publish that the window has room for. Otherwise a
 * confirm wakes the thread or, when the queue is empty, the caller must. */
static bool wants_to_publish(struct xd_amqp_publisher *publisher) {
    if (publisher->blocked || publisher->in_flight >= publisher->window_messages ||
        publisher->next - publisher->first >= publisher->slot_count)
        return false;
    (void)pthread_mutex_lock(&publisher->mutex);
    bool any = publisher->queue_count > 0;
    size_t size = any ? publisher->queue[publisher->queue_first]->message.body.size : 0;
    publisher->sleeping = !any;
    (void)pthread_mutex_unlock(&publisher->mutex);
    return any && (publisher->in_flight == 0 || publisher->bytes_in_flight + size <= publisher->window_bytes);
}

static void publisher_serve(void *context) {
    struct xd_amqp_publisher *publisher = context;
    struct xd_amqp_connection *connection = &publisher->connection;
    enum xd_result result = XD_OK;
    while (result == XD_OK && !xd_amqp_must_leave(connection)) {
        if (publisher->in_flight > 0 && !publisher->blocked)
            xd_amqp_watchdog_begin(&connection->watchdog, XD_AMQP_ANSWER);
        else
            xd_amqp_watchdog_rest(&connection->watchdog, XD_AMQP_ANSWER);
        short ready = POLLIN;
        if (!publisher->look)
            ready = xd_amqp_wait(connection, wants_to_publish(publisher));
        /* Nothing ready: time for heartbeats, which the library sends when it reads. */
        if (ready != POLLOUT)
            result = drain(publisher);
        if (result == XD_OK && (ready & POLLOUT) != 0)
            result = send_burst(publisher);
        tell_confirms(publisher);
    }
}

static void publisher_forget(void *context) {
    struct xd_amqp_publisher *publisher = context;
    (void)pthread_mutex_lock(&publisher->mutex);
    publisher->generation = 0;
    queue_clear(publisher);
    (void)pthread_mutex_unlock(&publisher->mutex);
    set_blocked(publisher, false, "");
}

static void publisher_down(void *context, uint64_t generation, const char *why) {
    const struct xd_amqp_publisher *publisher = context;
    if (publisher->events.down != NULL)
        publisher->events.down(publisher->events.context, generation, why);
}

static void free_parts(struct xd_amqp_publisher *publisher) {
    xd_free(publisher->queue);
    xd_free(publisher->slots);
    xd_free(publisher->told_tags);
    xd_free(publisher->told_outcomes);
    xd_free(publisher);
}

static void publisher_destroy(void *context) {
    struct xd_amqp_publisher *publisher = context;
    xd_amqp_connection_free(&publisher->connection);
    queue_clear(publisher);
    (void)pthread_mutex_destroy(&publisher->mutex);
    free_parts(publisher);
}

static const struct xd_amqp_role publisher_role = {
    .prepare = publisher_prepare,
    .up = publisher_up,
    .serve = publisher_serve,
    .forget = publisher_forget,
    .down = publisher_down,
    .destroy = publisher_destroy,
};

static struct xd_amqp_publisher *make_parts(size_t window_messages, size_t window_bytes) {
    struct xd_amqp_publisher *publisher = xd_alloc(sizeof *publisher);
    if (publisher == NULL)
        return NULL;
    publisher->window_messages = window_messages != 0 ? window_messages : WINDOW_MESSAGES;
    publisher->window_bytes = window_bytes != 0 ? window_bytes : WINDOW_BYTES;
    publisher->queue_capacity = publisher->window_messages * 2;
    publisher->slot_count = 1;
    while (publisher->slot_count < publisher->window_messages * 2)
        publisher->slot_count *= 2;
    publisher->queue = xd_alloc(publisher->queue_capacity * sizeof(struct item *));
    publisher->slots = xd_alloc(publisher->slot_count * sizeof *publisher->slots);
    publisher->told_tags = xd_alloc(publisher->window_messages * sizeof *publisher->told_tags);
    publisher->told_outcomes = xd_alloc(publisher->window_messages * sizeof *publisher->told_outcomes);
    if (publisher->queue != NULL && publisher->slots != NULL && publisher->told_tags != NULL &&
        publisher->told_outcomes != NULL)
        return publisher;
    free_parts(publisher);
    return NULL;
}

enum xd_result xd_amqp_publisher_start(const struct xd_amqp_address *address, size_t window_messages,
                                       size_t window_bytes, const struct xd_amqp_publisher_events *events,
                                       struct xd_amqp_publisher **out) {
    if (window_messages > UINT16_MAX)
        return XD_INVALID;
    struct xd_amqp_publisher *publisher = make_parts(window_messages, window_bytes);
    if (publisher == NULL)
        return XD_NO_MEMORY;
    publisher->events = *events;
    if (pthread_mutex_init(&publisher->mutex, NULL) != 0) {
        free_parts(publisher);
        return XD_IO;
    }
    enum xd_result result =
        xd_amqp_connection_start(&publisher->connection, address, &publisher_role, publisher);
    if (result != XD_OK) {
        (void)pthread_mutex_destroy(&publisher->mutex);
        free_parts(publisher);
        return result;
    }
    *out = publisher;
    return XD_OK;
}

enum xd_result xd_amqp_publish(struct xd_amqp_publisher *publisher, uint64_t generation,
                               const struct xd_amqp_message *message) {
    if (!message_valid(message))
        return XD_INVALID;
    struct item *item = item_make(message);
    if (item == NULL)
        return XD_NO_MEMORY;
    (void)pthread_mutex_lock(&publisher->mutex);
    bool taken = generation == publisher->generation && queue_open(publisher);
    bool wake = taken && publisher->sleeping;
    if (taken) {
        size_t last = (publisher->queue_first + publisher->queue_count) % publisher->queue_capacity;
        publisher->queue[last] = item;
        publisher->queue_count++;
        publisher->queue_bytes += message->body.size;
        publisher->sleeping = false;
    }
    (void)pthread_mutex_unlock(&publisher->mutex);
    if (wake)
        xd_amqp_wake(&publisher->connection);
    if (!taken)
        xd_free(item);
    return taken ? XD_OK : XD_AGAIN;
}

size_t xd_amqp_publisher_room(struct xd_amqp_publisher *publisher) {
    (void)pthread_mutex_lock(&publisher->mutex);
    size_t room = queue_open(publisher) ? publisher->queue_capacity - publisher->queue_count : 0;
    (void)pthread_mutex_unlock(&publisher->mutex);
    return room;
}

void xd_amqp_publisher_stop(struct xd_amqp_publisher *publisher) {
    if (publisher != NULL && xd_amqp_connection_stop(&publisher->connection))
        publisher_destroy(publisher);
}
