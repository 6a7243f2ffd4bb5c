/* What the turn does with events and effects.
 *
 * An event that only changes what is known of a connection cannot be undone and
 * must not be lost with a batch that failed before its turn came: `refuse` takes
 * it as `decide` does. Repeating one is harmless. */
#include "posix/hub/hub_program.h"

#include "base/memory.h"
#include "hub/reference/reference.h"

#include <string.h>

/* ---- events ---- */

static void message_of(const struct xd_line_event *event, struct xd_hub_message *out) {
    *out = (struct xd_hub_message){.generation = event->message.generation,
                                   .tag = event->message.tag,
                                   .exchange = event->message.exchange,
                                   .user_id = event->message.user_id,
                                   .signature = event->message.signature,
                                   .body = event->message.body};
}

/* While the program stops the topology's thread ends as well. */
static void ask_topology(struct xd_hub_program *program) {
    if (!program->stopping) {
        xd_topology_ask(program->topology);
    }
}

static void on_publisher(struct xd_hub_program *program, const struct xd_line_event *event) {
    const char *url = program->config->broker.url;
    if (event->event.kind == XD_LINE_EVENT_PUBLISHER_UP) {
        xd_log(program->env, XD_LOG_INFO, "line.up", NULL, "publishing to %s", url);
        xd_outgoing_up(&program->outgoing, event->generation);
        xd_hub_line_up(&program->hub, program->now);
    } else {
        xd_log(program->env, XD_LOG_WARNING, "line.down", NULL, "%s: %s", url, event->why);
        xd_outgoing_down(&program->outgoing);
        xd_hub_line_down(&program->hub);
    }
    ask_topology(program);
}

static void on_consumer(struct xd_hub_program *program, const struct xd_line_event *event) {
    program->consumer_up = event->event.kind == XD_LINE_EVENT_CONSUMER_UP;
    program->consumer_generation = event->generation;
    program->restart.due = false; /* a new connection brings it anyway */
    xd_log(program->env, program->consumer_up ? XD_LOG_INFO : XD_LOG_WARNING,
           program->consumer_up ? "line.consuming" : "line.not_consuming", NULL, "%s%s%s",
           program->config->broker.url, program->consumer_up ? "" : ": ",
           program->consumer_up ? "" : event->why);
    if (!program->consumer_up) {
        ask_topology(program);
    }
}

/* When it cannot be sent the connection that consumes is made anew, as if the probe had been lost. */
void xd_hub_probe(struct xd_hub_program *program, const char *queue) {
    struct xd_amqp_message message = {.exchange = "",
                                      .routing_key = queue,
                                      .message_id = XD_AMQP_PROBE,
                                      .user_id = program->outgoing.user_id,
                                      .passing = true};
    if (!program->stopping) {
        (void)xd_outgoing_reply(&program->outgoing, &message);
    }
}

static void on_confirms(struct xd_hub_program *program, const struct xd_line_event *event) {
    for (size_t index = 0; index < event->confirm_count; index++) {
        const struct xd_line_confirm *confirm = &event->confirms[index];
        xd_hub_line_confirmed(&program->hub, confirm->tag, confirm->outcome == XD_AMQP_CONFIRMED,
                              program->now);
        if (confirm->outcome == XD_AMQP_RETURNED) {
            ask_topology(program); /* somebody's queue is gone */
        }
    }
}

static void on_state(struct xd_hub_program *program, const struct xd_line_event *event) {
    switch (event->event.kind) {
    case XD_LINE_EVENT_PUBLISHER_UP:
    case XD_LINE_EVENT_PUBLISHER_DOWN:
        on_publisher(program, event);
        break;
    case XD_LINE_EVENT_PUBLISHER_BLOCKED:
        xd_log(program->env, XD_LOG_WARNING, event->blocked ? "line.blocked" : "line.unblocked", NULL, "%s",
               event->why);
        break;
    case XD_LINE_EVENT_CONSUMER_UP:
    case XD_LINE_EVENT_CONSUMER_DOWN:
        on_consumer(program, event);
        break;
    case XD_LINE_EVENT_CONSUMER_QUIET:
        xd_hub_probe(program, XD_HUB_QUEUE);
        break;
    default:
        on_confirms(program, event);
        break;
    }
}

static enum xd_result decide(void *context, void *object, struct xd_now now, struct xd_effects *effects) {
    struct xd_hub_program *program = context;
    struct xd_event *event = object;
    struct xd_api_event *api = object;
    struct xd_erp_event *erp = object;
    struct xd_webhook_event *webhook = object;
    struct xd_hub_message message;
    switch (event->kind) {
    case XD_HUB_EVENT_API:
        return api->write(&program->hub, &api->request, now, effects);
    case XD_HUB_EVENT_ERP:
        return erp->call->list
                   ? xd_hub_reference_answer(&program->hub, erp->call, &erp->answer,
                                             xd_buffer_view(&erp->entries), erp->next, now, effects)
                   : xd_hub_erp_answer(&program->hub, erp->call, &erp->answer, now, effects);
    case XD_HUB_EVENT_WEBHOOK:
        return xd_hub_webhook_answer(&program->hub, webhook->call, &webhook->answer, now);
    case XD_LINE_EVENT_MESSAGE:
        message_of(object, &message);
        return xd_hub_line_message(&program->hub, &message, now, effects);
    default:
        on_state(program, object);
        return XD_OK;
    }
}

static void refuse(void *context, void *object, enum xd_result why, struct xd_effects *effects) {
    struct xd_hub_program *program = context;
    struct xd_event *event = object;
    struct xd_api_event *api = object;
    struct xd_erp_event *erp = object;
    struct xd_webhook_event *webhook = object;
    struct xd_hub_message message;
    switch (event->kind) {
    case XD_HUB_EVENT_API:
        xd_hub_api_refuse(&program->hub, &api->request, why, effects);
        break;
    case XD_HUB_EVENT_ERP:
        xd_hub_erp_refuse(&program->hub, erp->call, program->now);
        break;
    case XD_HUB_EVENT_WEBHOOK:
        xd_hub_webhook_refuse(&program->hub, webhook->call, program->now);
        break;
    case XD_LINE_EVENT_MESSAGE:
        message_of(object, &message);
        xd_hub_line_refuse(&program->hub, &message, why, effects);
        break;
    default:
        on_state(program, object);
        break;
    }
}

void xd_hub_program_drop_event(struct xd_event *event) {
    struct xd_api_event *api = (struct xd_api_event *)(void *)event;
    struct xd_erp_event *erp = (struct xd_erp_event *)(void *)event;
    struct xd_webhook_event *webhook = (struct xd_webhook_event *)(void *)event;
    if (event->kind == XD_HUB_EVENT_API && api->request.queued) {
        xd_free(api->request.handle); /* the broker brings it again */
    } else if (event->kind == XD_HUB_EVENT_API && api->request.handle != NULL) {
        struct xd_http_answer answer = {.status = 503, .retry_after_s = 2};
        xd_http_respond(api->request.handle, &answer);
    }
    if (event->kind == XD_HUB_EVENT_ERP) {
        xd_erp_call_free(erp->call);
        xd_buffer_free(&erp->entries);
    }
    if (event->kind == XD_HUB_EVENT_WEBHOOK) {
        xd_webhook_call_free(webhook->call);
    }
    xd_free(event);
}

/* ---- the end of a batch ---- */

static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    struct xd_hub_program *program = context;
    size_t in_flight = program->hub.flight.count;
    size_t room = program->stopping ? 0 : xd_outgoing_room(&program->outgoing);
    enum xd_result result = xd_hub_tick(&program->hub, room, now, effects);
    if (result == XD_OK && program->stopping) {
        result = xd_hub_end(&program->hub, now, effects);
    }
    program->handed_out = program->hub.flight.count > in_flight;
    return result;
}

static enum xd_result reload(void *context, bool restart) {
    struct xd_hub_program *program = context;
    return xd_hub_reload(&program->hub, restart);
}

/* ---- effects ---- */

static void answer_http(struct xd_hub_program *program, const struct xd_effects *effects,
                        const struct xd_effect *effect) {
    struct xd_http_answer answer = {.status = effect->status,
                                    .content_type = xd_effects_string(effects, effect->b),
                                    .location = xd_effects_string(effects, effect->a),
                                    .etag = xd_effects_string(effects, effect->c),
                                    .retry_after_s = effect->retry_after_s,
                                    .body = xd_effects_view(effects, effect->body)};
    if (effect->flag && !program->stopping) {
        xd_topology_answer(program->topology, effect->handle, &answer);
    } else {
        xd_http_respond(effect->handle, &answer);
    }
}

static void let_out(struct xd_hub_program *program, const struct xd_effects *effects,
                    struct xd_effect *effect) {
    switch (effect->kind) {
    case XD_EFFECT_LINE_PUBLISH:
        xd_outgoing_send(&program->outgoing, effects, effect);
        break;
    case XD_EFFECT_LINE_ACK:
        xd_amqp_ack(program->consumer, effect->generation, effect->tag, false);
        break;
    case XD_EFFECT_LINE_REJECT:
        xd_amqp_reject(program->consumer, effect->generation, effect->tag);
        break;
    case XD_EFFECT_LINE_RETRY:
        program->restart.due = program->restart.due || effect->generation == program->consumer_generation;
        break;
    case XD_EFFECT_HTTP:
        answer_http(program, effects, effect);
        break;
    case XD_EFFECT_REPLY:
        xd_orders_queue_answer(program->orders_queue, effects, effect);
        break;
    case XD_EFFECT_ERP_CALL:
        xd_erp_pool_call(program->pools[((struct xd_erp_call *)effect->object)->lane], effect->object);
        effect->object = NULL;
        break;
    case XD_EFFECT_WEBHOOK:
        xd_webhook_pool_call(program->webhooks, effect->object);
        effect->object = NULL;
        break;
    default:
        break;
    }
}

/* What was not taken comes again with a new connection; not too often. */
static void restart_consumer(struct xd_hub_program *program) {
    if (xd_again_take(&program->restart, program->now.monotonic)) {
        xd_amqp_consumer_restart(program->consumer);
    }
}

static void release(void *context, struct xd_effects *effects) {
    struct xd_hub_program *program = context;
    if (!program->stopping) {
        restart_consumer(program);
        xd_orders_queue_tick(program->orders_queue);
    }
    for (size_t index = 0; index < effects->count; index++) {
        struct xd_effect *effect = &effects->items[index];
        bool answer = effect->kind == XD_EFFECT_HTTP || effect->kind == XD_EFFECT_REPLY;
        if (answer || !program->stopping) {
            let_out(program, effects, effect);
        }
    }
    if (!program->stopping) {
        xd_event_feed_tell(program->feed, program->hub.events.last);
    }
}

void xd_hub_program_ops(struct xd_hub_program *program, struct xd_turn_ops *out) {
    *out = (struct xd_turn_ops){.context = program,
                                .decide = decide,
                                .refuse = refuse,
                                .settle = settle,
                                .reload = reload,
                                .release = release};
}
