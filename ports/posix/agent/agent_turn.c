/* What the turn does with events and effects.
 *
 * An event that only changes what is known of a connection cannot be undone and
 * must not be lost with a batch that failed before its turn came: `refuse` takes
 * it as `decide` does. Repeating one is harmless. */
#include "posix/agent/agent.h"

#include "posix/runtime/world.h"

#include <string.h>

#define ROOM_MS ((xd_ms)500)

/* ---- events ---- */

static void wms_message_of(struct xd_agent_event *event, struct xd_wms_message *out) {
    const struct xd_mqtt_message *message = event->wms;
    *out = (struct xd_wms_message){.topic = message->topic,
                                   .payload = message->payload,
                                   .response_topic = message->response_topic,
                                   .correlation_data = message->correlation_data,
                                   .ticket = event};
}

static void line_message_of(const struct xd_line_event *event, struct xd_line_message_in *out) {
    const struct xd_amqp_delivery *delivery = &event->message;
    *out = (struct xd_line_message_in){.generation = delivery->generation,
                                       .tag = delivery->tag,
                                       .exchange = delivery->exchange,
                                       .user_id = delivery->user_id,
                                       .signature = delivery->signature,
                                       .body = delivery->body};
}

static void on_wms(struct xd_agent *agent, const struct xd_agent_event *event, struct xd_effects *effects) {
    if (event->event.kind == XD_AGENT_WMS_UP) {
        xd_log(agent->env, XD_LOG_INFO, "wms.up", NULL, "connected to %s", agent->config->mqtt.url);
        xd_site_wms_up(&agent->site, agent->now, effects);
    } else {
        xd_log(agent->env, XD_LOG_WARNING, "wms.down", NULL, "%s: %s", agent->config->mqtt.url, event->why);
        xd_site_wms_down(&agent->site);
    }
}

static void on_publisher(struct xd_agent *agent, const struct xd_line_event *event) {
    const char *url = agent->config->uplink.url;
    agent->publisher_blocked = false;
    if (event->event.kind == XD_LINE_EVENT_PUBLISHER_UP) {
        xd_log(agent->env, XD_LOG_INFO, "line.up", NULL, "publishing to %s", url);
        xd_outgoing_up(&agent->outgoing, event->generation);
        xd_site_line_up(&agent->site, agent->now);
    } else {
        xd_log(agent->env, XD_LOG_WARNING, "line.down", NULL, "%s: %s", url, event->why);
        xd_outgoing_down(&agent->outgoing);
        xd_site_line_down(&agent->site);
    }
}

static void on_consumer(struct xd_agent *agent, const struct xd_line_event *event) {
    agent->consumer_up = event->event.kind == XD_LINE_EVENT_CONSUMER_UP;
    agent->consumer_generation = event->generation;
    agent->restart.due = false; /* a new connection brings it anyway */
    xd_log(agent->env, agent->consumer_up ? XD_LOG_INFO : XD_LOG_WARNING,
           agent->consumer_up ? "line.consuming" : "line.not_consuming", NULL, "%s%s%s",
           agent->config->uplink.url, agent->consumer_up ? "" : ": ", agent->consumer_up ? "" : event->why);
}

static void on_line(struct xd_agent *agent, const struct xd_line_event *event) {
    switch (event->event.kind) {
    case XD_LINE_EVENT_PUBLISHER_UP:
    case XD_LINE_EVENT_PUBLISHER_DOWN:
        on_publisher(agent, event);
        break;
    case XD_LINE_EVENT_PUBLISHER_BLOCKED:
        agent->publisher_blocked = event->blocked;
        xd_log(agent->env, XD_LOG_WARNING, event->blocked ? "line.blocked" : "line.unblocked", NULL, "%s",
               event->why);
        break;
    case XD_LINE_EVENT_CONSUMER_UP:
    case XD_LINE_EVENT_CONSUMER_DOWN:
        on_consumer(agent, event);
        break;
    default:
        for (size_t index = 0; index < event->confirm_count; index++) {
            const struct xd_line_confirm *confirm = &event->confirms[index];
            xd_site_line_confirmed(&agent->site, confirm->tag, confirm->outcome == XD_AMQP_CONFIRMED,
                                   agent->now);
        }
        break;
    }
}

static void on_state(struct xd_agent *agent, void *object, struct xd_effects *effects) {
    const struct xd_event *event = object;
    if (event->kind == XD_AGENT_WMS_UP || event->kind == XD_AGENT_WMS_DOWN) {
        on_wms(agent, object, effects);
    } else {
        on_line(agent, object);
    }
}

static enum xd_result decide(void *context, void *object, struct xd_now now, struct xd_effects *effects) {
    struct xd_agent *agent = context;
    const struct xd_event *event = object;
    struct xd_wms_message wms;
    struct xd_line_message_in line;
    agent->counters_of_event = agent->site.counters;
    switch (event->kind) {
    case XD_AGENT_WMS_MESSAGE:
        agent->room_at = 0; /* it takes room: look before the next one, or a flood passes the reserve by */
        wms_message_of(object, &wms);
        return xd_site_wms_message(&agent->site, &wms, now, effects);
    case XD_LINE_EVENT_MESSAGE:
        line_message_of(object, &line);
        return xd_site_line_message(&agent->site, &line, now, effects);
    default:
        on_state(agent, object, effects);
        return XD_OK;
    }
}

static void refuse(void *context, void *object, enum xd_result why, struct xd_effects *effects) {
    struct xd_agent *agent = context;
    const struct xd_event *event = object;
    struct xd_wms_message wms;
    struct xd_line_message_in line;
    switch (event->kind) {
    case XD_AGENT_WMS_MESSAGE:
        wms_message_of(object, &wms);
        xd_site_wms_refuse(&agent->site, &wms, why, effects);
        break;
    case XD_LINE_EVENT_MESSAGE:
        line_message_of(object, &line);
        xd_site_line_refuse(&agent->site, &line, why, effects);
        break;
    default:
        on_state(agent, object, effects);
        break;
    }
}

/* ---- the end of a batch ---- */

static enum xd_result look_at_room(struct xd_agent *agent, struct xd_now now) {
    const struct xd_delivery_store *store = &agent->store.delivery;
    int64_t used = 0, quota = 0;
    if (now.monotonic < agent->room_at) {
        return XD_OK;
    }
    agent->room_at = now.monotonic + ROOM_MS;
    enum xd_result result = store->usage(store->context, &used, &quota);
    if (result == XD_OK) {
        int64_t disk_free = xd_world_disk_free(agent->config->state_dir);
        xd_site_set_room(&agent->site, used, quota, disk_free);
        xd_database_ballast_restore(agent->database, disk_free);
    }
    return result;
}

static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    struct xd_agent *agent = context;
    enum xd_result result = look_at_room(agent, now);
    if (result != XD_OK) {
        return result;
    }
    size_t in_flight = agent->site.flight.count;
    size_t room = agent->stopping ? 0 : xd_outgoing_room(&agent->outgoing);
    result = xd_site_tick(&agent->site, room, now, effects);
    agent->handed_out = agent->site.flight.count > in_flight;
    return result;
}

static enum xd_result reload(void *context, bool restart) {
    struct xd_agent *agent = context;
    agent->site.counters = restart ? agent->counters_of_batch : agent->counters_of_event;
    return xd_site_reload(&agent->site, restart);
}

/* ---- effects ---- */

static void publish_wms(struct xd_agent *agent, const struct xd_effects *effects,
                        const struct xd_effect *effect) {
    struct xd_mqtt_message message = {.topic = xd_effects_string(effects, effect->a),
                                      .payload = xd_effects_view(effects, effect->body),
                                      .retained = effect->flag,
                                      .correlation_data = xd_effects_view(effects, effect->c)};
    if (xd_mqtt_publish(agent->mqtt, &message) != XD_OK) {
        agent->wms_dropped++; /* its source asks again */
    }
}

static void let_out(struct xd_agent *agent, const struct xd_effects *effects,
                    const struct xd_effect *effect) {
    switch (effect->kind) {
    case XD_EFFECT_LINE_PUBLISH:
        xd_outgoing_send(&agent->outgoing, effects, effect);
        break;
    case XD_EFFECT_LINE_ACK:
        xd_amqp_ack(agent->consumer, effect->generation, effect->tag, false);
        break;
    case XD_EFFECT_LINE_REJECT:
        xd_amqp_reject(agent->consumer, effect->generation, effect->tag);
        break;
    case XD_EFFECT_LINE_RETRY:
        agent->restart.due = agent->restart.due || effect->generation == agent->consumer_generation;
        break;
    case XD_EFFECT_WMS_PUBLISH:
        publish_wms(agent, effects, effect);
        break;
    default:
        break;
    }
}

/* What was not taken comes again with a new connection; not too often. */
static void restart_consumer(struct xd_agent *agent) {
    if (xd_again_take(&agent->restart, agent->now.monotonic)) {
        xd_amqp_consumer_restart(agent->consumer);
    }
}

static void release(void *context, struct xd_effects *effects) {
    struct xd_agent *agent = context;
    if (!agent->stopping) {
        restart_consumer(agent);
    }
    for (size_t index = 0; index < effects->count; index++) {
        const struct xd_effect *effect = &effects->items[index];
        if (effect->kind == XD_EFFECT_TICKET) {
            xd_agent_event_release(&agent->inlet, effect->handle);
        } else if (!agent->stopping) {
            let_out(agent, effects, effect);
        }
    }
}

void xd_agent_turn_ops(struct xd_agent *agent, struct xd_turn_ops *out) {
    *out = (struct xd_turn_ops){.context = agent,
                                .decide = decide,
                                .refuse = refuse,
                                .settle = settle,
                                .reload = reload,
                                .release = release};
}
