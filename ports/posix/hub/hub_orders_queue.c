/* Orders from the queue crossdock.intake, by the rules of POST /v1/orders.
 *
 *   queue --consumer's thread--> mailbox --turn: whose token is it?--> intake, by shares --> turn
 *     ^---- ack or reject <---- after the commit: the answer, by way of reply_to
 *
 * A message stays the broker's until its order is committed and its answer has been
 * handed out, so whatever is lost on the way brings it again, and its idempotency key
 * makes it one order. It is acked when the order was taken, or when somebody could be
 * told why not; what nobody is told, what is not authentic and what cannot be read goes
 * to the dead letters. What the hub cannot do just now is not answered: the consumer is
 * made anew after a moment, and the broker gives the message again.
 *
 * Of one client no more may wait than of one that asks by HTTP; what is beyond waits
 * here. That is never more than the broker gives without an ack: what came by an
 * earlier connection is thrown away, for it comes again. */
#include "posix/hub/hub_program.h"

#include "base/memory.h"
#include "documents/registry.h"
#include "posix/runtime/world.h"

#include <stdatomic.h>
#include <string.h>

#define PREFETCH 128u
#define BODY_MAX ((size_t)1024 * 1024) /* as for HTTP */
#define SILENCE_MS 60000u
#define REPLY_DIRECT "amq.rabbitmq.reply-to."
#define REPLY_QUEUE "crossdock.reply."

/* One message, until its order is answered: the handle of its request. Texts and body stand behind. */
struct xd_queued {
    struct xd_event event;
    struct xd_amqp_delivery message;
    char client[XD_NAME_SIZE]; /* whose token it carried; "" nobody's */
};

struct xd_orders_queue {
    struct xd_hub_program *program;
    struct xd_amqp_consumer *consumer;
    atomic_bool quiet;                   /* it wants a probe */
    struct xd_api_event *late[PREFETCH]; /* from here on: the turn's thread */
    size_t late_count;
    uint64_t generation; /* of the newest message */
    struct xd_again restart;
};

/* ---- the consumer's threads ---- */

static bool delivered(void *context, const struct xd_amqp_delivery *delivery) {
    struct xd_orders_queue *queue = context;
    size_t bytes = sizeof(struct xd_queued) + xd_event_size(delivery->message_id) +
                   xd_event_size(delivery->reply_to) + xd_event_size(delivery->correlation_id) +
                   xd_event_size(delivery->authorization) + xd_event_size(delivery->idempotency_key) +
                   xd_event_size(delivery->prefer) + delivery->body.size;
    struct xd_queued *queued = xd_event_new(XD_HUB_EVENT_QUEUED, bytes);
    char *at = (char *)(queued + 1);
    queued->message =
        (struct xd_amqp_delivery){.generation = delivery->generation,
                                  .tag = delivery->tag,
                                  .redelivered = delivery->redelivered,
                                  .message_id = xd_event_place(&at, delivery->message_id),
                                  .reply_to = xd_event_place(&at, delivery->reply_to),
                                  .correlation_id = xd_event_place(&at, delivery->correlation_id),
                                  .authorization = xd_event_place(&at, delivery->authorization),
                                  .idempotency_key = xd_event_place(&at, delivery->idempotency_key),
                                  .prefer = xd_event_place(&at, delivery->prefer)};
    if (delivery->body.size > 0) {
        memcpy(at, delivery->body.data, delivery->body.size);
    }
    queued->message.body = xd_bytes_of(at, delivery->body.size);
    if (xd_mailbox_put(queue->program->mailbox, queued, bytes)) {
        return true;
    }
    xd_free(queued);
    return false;
}

static void up(void *context, uint64_t generation) {
    const struct xd_orders_queue *queue = context;
    (void)generation;
    xd_log(queue->program->env, XD_LOG_INFO, "intake.consuming", NULL, "crossdock.intake");
}

static void down(void *context, uint64_t generation, const char *why) {
    const struct xd_orders_queue *queue = context;
    (void)generation;
    xd_log(queue->program->env, XD_LOG_INFO, "intake.not_consuming", NULL, "crossdock.intake: %s",
           why != NULL ? why : "");
}

static void quiet(void *context) {
    struct xd_orders_queue *queue = context;
    atomic_store(&queue->quiet, true);
}

/* ---- what cannot become an order ---- */

static enum xd_result deny(const struct xd_api_request *request, unsigned status, const char *code,
                           const char *detail, struct xd_effects *effects) {
    struct xd_problem_answer answer = {.status = status,
                                       .code = code,
                                       .detail = detail,
                                       .retryable = status == 503,
                                       .correlation_id = request->correlation_id};
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    xd_problem_answer_write(&answer, &body);
    struct xd_effect *effect = xd_effects_add(effects, XD_EFFECT_REPLY);
    if (effect != NULL) {
        effect->handle = request->handle;
        effect->status = status;
        effect->b = xd_effects_text(effects, "application/problem+json");
        effect->body = xd_effects_bytes(effects, xd_buffer_view(&body));
    }
    xd_buffer_free(&body);
    return effects->result;
}

static enum xd_result unknown(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                              struct xd_effects *effects) {
    (void)hub;
    (void)now;
    return deny(request, 401, "unauthorized",
                "Send a valid token in the message's header authorization: Bearer <token>.", effects);
}

static enum xd_result expired(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                              struct xd_effects *effects) {
    (void)hub;
    (void)now;
    return deny(request, 401, "token_expired", XD_TOKEN_EXPIRED, effects);
}

static enum xd_result forbidden(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                struct xd_effects *effects) {
    (void)hub;
    (void)now;
    return deny(request, 403, "forbidden", "This client's role does not allow that.", effects);
}

static enum xd_result too_large(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                struct xd_effects *effects) {
    (void)hub;
    (void)now;
    return deny(request, 413, "body_too_large", "An order has at most 1048576 bytes.", effects);
}

static enum xd_result try_again(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                struct xd_effects *effects) {
    (void)hub;
    (void)now;
    return deny(request, 503, "try_again", "The token could not be checked just now.", effects);
}

/* ---- whose it is, and when its turn comes ---- */

/* What shall be done with it; xd_hub_order if it may be an order. */
static xd_api_write_fn judge(struct xd_hub_program *program, const struct xd_queued *queued,
                             struct xd_client_row *client) {
    bool over = false;
    enum xd_result result = xd_query_client(&program->store, queued->message.authorization, client, &over);
    if (result == XD_DENIED) {
        return over ? expired : unknown;
    }
    if (result != XD_OK) {
        return try_again;
    }
    if (!xd_query_may(client, xd_hub_order)) {
        return forbidden;
    }
    return queued->message.body.size > BODY_MAX ? too_large : xd_hub_order;
}

/* Takes the message over. */
static struct xd_api_event *request_of(struct xd_hub_program *program, struct xd_queued *queued) {
    const struct xd_amqp_delivery *message = &queued->message;
    struct xd_api_event *event = xd_event_new(XD_HUB_EVENT_API, sizeof *event);
    const char *key = message->idempotency_key != NULL ? message->idempotency_key : message->message_id;
    event->write = judge(program, queued, &event->client);
    if (event->write != unknown && event->write != expired && event->write != try_again) {
        memcpy(queued->client, event->client.client, sizeof queued->client);
    }
    event->request = (struct xd_api_request){.handle = queued,
                                             .queued = true,
                                             .client = &event->client,
                                             .idempotency_key = key,
                                             .correlation_id = message->correlation_id,
                                             .wait_ms = xd_query_wait(message->prefer),
                                             .body = message->body};
    return event;
}

static void drop(struct xd_api_event *event) {
    xd_free(event->request.handle);
    xd_free(event);
}

/* True: it got in, or is kept for later. */
static bool line_up(struct xd_orders_queue *queue, struct xd_api_event *event) {
    if (xd_intake_add(queue->program->intake, event) == XD_OK) {
        queue->program->tickets++;
        return true;
    }
    if (queue->late_count == PREFETCH) {
        return false;
    }
    queue->late[queue->late_count++] = event;
    return true;
}

static void forget_late(struct xd_orders_queue *queue) {
    while (queue->late_count > 0) {
        drop(queue->late[--queue->late_count]);
    }
}

void xd_orders_queue_late(struct xd_orders_queue *queue) {
    size_t count = queue->late_count;
    queue->late_count = 0;
    for (size_t index = 0; index < count; index++) {
        (void)line_up(queue, queue->late[index]); /* there is room: it was here before */
    }
}

struct xd_api_event *xd_orders_queue_take(struct xd_orders_queue *queue, void *object) {
    struct xd_queued *queued = object;
    if (queued->message.generation > queue->generation) {
        queue->generation = queued->message.generation;
        forget_late(queue);
    }
    struct xd_api_event *event = request_of(queue->program, queued);
    if (event->write != xd_hub_order) {
        return event;
    }
    if (!line_up(queue, event)) {
        queue->restart.due = true;
        drop(event);
    }
    return NULL;
}

/* ---- answers ---- */

/* A channel's reply goes to itself, never into a queue that is somebody else's. */
static bool may_reply(const struct xd_queued *queued) {
    const char *to = queued->message.reply_to;
    size_t direct = strlen(REPLY_DIRECT), own = strlen(REPLY_QUEUE);
    return strncmp(to, REPLY_DIRECT, direct) == 0 ||
           (strncmp(to, REPLY_QUEUE, own) == 0 && queued->client[0] != 0 &&
            strcmp(to + own, queued->client) == 0);
}

static bool reply(struct xd_hub_program *program, const struct xd_queued *queued,
                  const struct xd_effects *effects, const struct xd_effect *effect) {
    const char *content_type = xd_effects_string(effects, effect->b);
    struct xd_amqp_message message = {.exchange = "",
                                      .routing_key = queued->message.reply_to,
                                      .content_type =
                                          content_type != NULL ? content_type : "application/json",
                                      .correlation_id = queued->message.correlation_id,
                                      .user_id = program->outgoing.user_id,
                                      .status = effect->status,
                                      .location = xd_effects_string(effects, effect->a),
                                      .passing = true,
                                      .body = xd_effects_view(effects, effect->body)};
    return xd_outgoing_reply(&program->outgoing, &message);
}

static bool is_unusable(unsigned status) {
    return status == 400 || status == 401 || status == 403 || status == 413;
}

static void settle(struct xd_orders_queue *queue, const struct xd_queued *queued,
                   const struct xd_effects *effects, const struct xd_effect *effect) {
    const struct xd_amqp_delivery *message = &queued->message;
    struct xd_hub_program *program = queue->program;
    bool wanted = message->reply_to != NULL && message->reply_to[0] != 0;
    bool told = wanted && may_reply(queued);
    if (effect->status == 503 || (told && !reply(program, queued, effects, effect))) {
        queue->restart.due = queue->restart.due || message->generation == queue->generation;
        return;
    }
    if (wanted && !told) {
        xd_log(program->env, XD_LOG_WARNING, "intake.reply_refused", message->correlation_id,
               "client %s may not be answered at %s, only at " REPLY_DIRECT "* and its own " REPLY_QUEUE
               "<client>",
               queued->client[0] != 0 ? queued->client : "(unknown)", message->reply_to);
    }
    bool taken = effect->status < 300;
    if (taken || (told && !is_unusable(effect->status))) {
        xd_amqp_ack(queue->consumer, message->generation, message->tag, false);
        return;
    }
    xd_log(program->env, XD_LOG_WARNING, "intake.rejected", message->correlation_id,
           "message %s of client %s: %u, to the dead letters",
           message->message_id != NULL ? message->message_id : "",
           queued->client[0] != 0 ? queued->client : "(unknown)", effect->status);
    xd_amqp_reject(queue->consumer, message->generation, message->tag);
}

void xd_orders_queue_answer(struct xd_orders_queue *queue, const struct xd_effects *effects,
                            const struct xd_effect *effect) {
    if (!queue->program->stopping) { /* else it comes again, to the next one who asks for it */
        settle(queue, effect->handle, effects, effect);
    }
    xd_free(effect->handle);
}

void xd_orders_queue_tick(struct xd_orders_queue *queue) {
    if (atomic_exchange(&queue->quiet, false)) {
        xd_hub_probe(queue->program, XD_INTAKE_QUEUE);
    }
    if (xd_again_take(&queue->restart, queue->program->now.monotonic)) {
        xd_amqp_consumer_restart(queue->consumer);
    }
}

/* ---- life ---- */

enum xd_result xd_orders_queue_start(struct xd_hub_program *program, struct xd_orders_queue **out) {
    struct xd_orders_queue *queue = xd_alloc(sizeof *queue);
    struct xd_amqp_consumer_events events = {
        .context = queue, .delivered = delivered, .up = up, .down = down, .quiet = quiet};
    struct xd_amqp_address address;
    *out = queue;
    if (queue == NULL) {
        return XD_NO_MEMORY;
    }
    queue->program = program;
    xd_hub_broker_address(&program->config->broker, "crossdock-hub orders", &address);
    address.silence_ms = SILENCE_MS;
    return xd_amqp_consumer_start(&address, XD_INTAKE_QUEUE, PREFETCH, &events, &queue->consumer);
}

void xd_orders_queue_stop(struct xd_orders_queue *queue) {
    xd_amqp_consumer_stop(queue->consumer);
}

void xd_orders_queue_free(struct xd_orders_queue *queue) {
    forget_late(queue);
    xd_free(queue);
}
