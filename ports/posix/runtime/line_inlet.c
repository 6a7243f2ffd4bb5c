#include "posix/runtime/line_inlet.h"

#include "base/memory.h"

#include <string.h>

/* Takes the event over. False: closed. */
static bool put(struct xd_mailbox *mailbox, struct xd_line_event *event, size_t bytes) {
    if (xd_mailbox_put(mailbox, event, bytes)) {
        return true;
    }
    xd_free(event);
    return false;
}

static void put_state(struct xd_mailbox *mailbox, enum xd_line_event_kind kind, uint64_t generation,
                      bool blocked, const char *why) {
    why = why == NULL ? "" : why;
    struct xd_line_event *event = xd_event_new((int)kind, sizeof *event + xd_event_size(why));
    char *at = (char *)(event + 1);
    event->why = xd_event_place(&at, why);
    event->generation = generation;
    event->blocked = blocked;
    (void)put(mailbox, event, sizeof *event);
}

/* ---- outwards ---- */

static void confirmed(void *context, const uint64_t *tags, const enum xd_amqp_outcome *outcomes,
                      size_t count) {
    size_t bytes = sizeof(struct xd_line_event) + count * sizeof(struct xd_line_confirm);
    struct xd_line_event *event = xd_event_new(XD_LINE_EVENT_CONFIRMED, bytes);
    struct xd_line_confirm *confirms = (struct xd_line_confirm *)(event + 1);
    for (size_t index = 0; index < count; index++) {
        confirms[index] = (struct xd_line_confirm){tags[index], outcomes[index]};
    }
    event->confirms = confirms;
    event->confirm_count = count;
    (void)put(context, event, bytes);
}

static void publisher_up(void *context, uint64_t generation) {
    put_state(context, XD_LINE_EVENT_PUBLISHER_UP, generation, false, NULL);
}

static void publisher_down(void *context, uint64_t generation, const char *why) {
    put_state(context, XD_LINE_EVENT_PUBLISHER_DOWN, generation, false, why);
}

static void publisher_blocked(void *context, bool blocked, const char *why) {
    put_state(context, XD_LINE_EVENT_PUBLISHER_BLOCKED, 0, blocked, why);
}

const struct xd_amqp_publisher_events xd_line_publisher_events = {
    .confirmed = confirmed, .up = publisher_up, .down = publisher_down, .blocked = publisher_blocked};

/* ---- inwards ---- */

static bool delivered(void *context, const struct xd_amqp_delivery *delivery) {
    size_t bytes = sizeof(struct xd_line_event) + xd_event_size(delivery->exchange) +
                   xd_event_size(delivery->user_id) + xd_event_size(delivery->signature) +
                   delivery->body.size;
    struct xd_line_event *event = xd_event_new(XD_LINE_EVENT_MESSAGE, bytes);
    char *at = (char *)(event + 1);
    event->message.generation = delivery->generation;
    event->message.tag = delivery->tag;
    event->message.redelivered = delivery->redelivered;
    event->message.exchange = xd_event_place(&at, delivery->exchange);
    event->message.user_id = xd_event_place(&at, delivery->user_id);
    event->message.signature = xd_event_place(&at, delivery->signature);
    if (delivery->body.size > 0) {
        memcpy(at, delivery->body.data, delivery->body.size);
    }
    event->message.body = xd_bytes_of(at, delivery->body.size);
    return put(context, event, bytes);
}

static void consumer_up(void *context, uint64_t generation) {
    put_state(context, XD_LINE_EVENT_CONSUMER_UP, generation, false, NULL);
}

static void consumer_down(void *context, uint64_t generation, const char *why) {
    put_state(context, XD_LINE_EVENT_CONSUMER_DOWN, generation, false, why);
}

void xd_line_consumer_quiet(void *context) {
    put_state(context, XD_LINE_EVENT_CONSUMER_QUIET, 0, false, NULL);
}

const struct xd_amqp_consumer_events xd_line_consumer_events = {
    .delivered = delivered, .up = consumer_up, .down = consumer_down};
