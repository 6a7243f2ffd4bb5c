#include "posix/runtime/outgoing.h"

#include "base/memory.h"
#include "posix/runtime/event.h"

#include <string.h>

#define HAND_OUT_MAX ((size_t)512)
#define HAND_OUT_MIN ((size_t)128) /* a smaller run costs more for the turn than it brings */

struct xd_outgoing_item {
    struct xd_outgoing_item *next;
    struct xd_amqp_message message; /* its texts and body stand behind */
};

void xd_outgoing_init(struct xd_outgoing *outgoing, const struct xd_env *env, const char *user_id,
                      void (*not_taken)(void *context, uint64_t tag), void *context) {
    *outgoing =
        (struct xd_outgoing){.user_id = user_id, .env = env, .not_taken = not_taken, .context = context};
    outgoing->last = &outgoing->first;
}

static struct xd_outgoing_item *copy_of(const struct xd_amqp_message *message) {
    size_t size = xd_event_size(message->exchange) + xd_event_size(message->routing_key) +
                  xd_event_size(message->message_id) + xd_event_size(message->signature) +
                  xd_event_size(message->content_type) + xd_event_size(message->correlation_id) +
                  xd_event_size(message->location) + message->body.size;
    struct xd_outgoing_item *item = xd_alloc(sizeof *item + size);
    if (item == NULL) {
        return NULL;
    }
    char *at = (char *)(item + 1);
    item->message = *message; /* the other texts live as long as the program */
    item->message.exchange = xd_event_place(&at, message->exchange);
    item->message.routing_key = xd_event_place(&at, message->routing_key);
    item->message.message_id = xd_event_place(&at, message->message_id);
    item->message.signature = xd_event_place(&at, message->signature);
    item->message.content_type = xd_event_place(&at, message->content_type);
    item->message.correlation_id = xd_event_place(&at, message->correlation_id);
    item->message.location = xd_event_place(&at, message->location);
    if (message->body.size > 0) {
        memcpy(at, message->body.data, message->body.size);
    }
    item->message.body = xd_bytes_of(at, message->body.size);
    return item;
}

static void not_taken(struct xd_outgoing *outgoing, const struct xd_amqp_message *message,
                      enum xd_result why) {
    xd_log(outgoing->env, XD_LOG_ERROR, "line.not_published", NULL, "message %s of %zu bytes: %s",
           message->message_id != NULL ? message->message_id : "", message->body.size, xd_result_name(why));
    if (message->tag != 0) {
        outgoing->not_taken(outgoing->context, message->tag);
    }
}

static void keep(struct xd_outgoing *outgoing, const struct xd_amqp_message *message) {
    struct xd_outgoing_item *item = copy_of(message);
    if (item == NULL) {
        not_taken(outgoing, message, XD_NO_MEMORY);
        return;
    }
    *outgoing->last = item;
    outgoing->last = &item->next;
    outgoing->count++;
}

static void drop_first(struct xd_outgoing *outgoing) {
    struct xd_outgoing_item *first = outgoing->first;
    outgoing->first = first->next;
    if (outgoing->first == NULL) {
        outgoing->last = &outgoing->first;
    }
    outgoing->count--;
    xd_free(first);
}

static void drop_all(struct xd_outgoing *outgoing) {
    while (outgoing->first != NULL) {
        drop_first(outgoing);
    }
}

void xd_outgoing_up(struct xd_outgoing *outgoing, uint64_t generation) {
    drop_all(outgoing);
    outgoing->up = true;
    outgoing->generation = generation;
}

void xd_outgoing_down(struct xd_outgoing *outgoing) {
    drop_all(outgoing);
    outgoing->up = false;
}

static void let_out(struct xd_outgoing *outgoing, const struct xd_amqp_message *message) {
    enum xd_result result = outgoing->count > 0
                                ? XD_AGAIN /* not before what waits */
                                : xd_amqp_publish(outgoing->publisher, outgoing->generation, message);
    if (result == XD_AGAIN) {
        keep(outgoing, message);
    } else if (result != XD_OK) {
        not_taken(outgoing, message, result);
    }
}

void xd_outgoing_send(struct xd_outgoing *outgoing, const struct xd_effects *effects,
                      const struct xd_effect *effect) {
    const char *routing_key = xd_effects_string(effects, effect->b);
    struct xd_amqp_message message = {.tag = effect->tag,
                                      .exchange = xd_effects_string(effects, effect->a),
                                      .routing_key = routing_key != NULL ? routing_key : "",
                                      .content_type = "application/cloudevents+json",
                                      .message_id = xd_effects_string(effects, effect->d),
                                      .signature = xd_effects_string(effects, effect->c),
                                      .user_id = outgoing->user_id,
                                      .mandatory = !effect->flag,
                                      .body = xd_effects_view(effects, effect->body)};
    if (outgoing->up) { /* else the core knows that nothing leaves now */
        let_out(outgoing, &message);
    }
}

bool xd_outgoing_reply(struct xd_outgoing *outgoing, const struct xd_amqp_message *message) {
    if (!outgoing->up) {
        return false;
    }
    let_out(outgoing, message);
    return true;
}

void xd_outgoing_flush(struct xd_outgoing *outgoing) {
    while (outgoing->first != NULL) {
        const struct xd_amqp_message *message = &outgoing->first->message;
        enum xd_result result = xd_amqp_publish(outgoing->publisher, outgoing->generation, message);
        if (result == XD_AGAIN) {
            return;
        }
        if (result != XD_OK) {
            not_taken(outgoing, message, result);
        }
        drop_first(outgoing);
    }
}

size_t xd_outgoing_room(struct xd_outgoing *outgoing) {
    if (!outgoing->up || outgoing->count > 0) {
        return 0;
    }
    size_t room = xd_amqp_publisher_room(outgoing->publisher);
    if (room < HAND_OUT_MIN) {
        return 0;
    }
    return room < HAND_OUT_MAX ? room : HAND_OUT_MAX;
}
