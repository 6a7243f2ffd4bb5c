/* Messages towards the line.
 *
 * The turn hands out no more documents than the publisher has slots for, but the
 * publisher also counts bytes, and messages of the line itself come on top. What
 * it does not take is kept here, in order, and tried again in the next turn; until
 * then no further document is handed out, so this list is bounded by what one turn
 * makes. A new connection starts with a handshake, which says what is missing: so
 * the list is dropped when the old one goes. */
#include "posix/agent/agent.h"

#include "base/memory.h"

#include <string.h>

#define HAND_OUT_MAX ((size_t)512)
#define HAND_OUT_MIN ((size_t)128) /* a smaller run costs more for the turn than it brings */

struct xd_agent_waiting {
    struct xd_agent_waiting *next;
    struct xd_amqp_message message; /* its texts and body stand behind */
};

static const char *place(char **at, const char *text) {
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    char *start = memcpy(*at, text, size);
    *at += size;
    return start;
}

static size_t size_of(const char *text) {
    return text == NULL ? 0 : strlen(text) + 1;
}

static struct xd_agent_waiting *copy_of(const struct xd_amqp_message *message) {
    size_t size = size_of(message->exchange) + size_of(message->routing_key) + size_of(message->message_id) +
                  size_of(message->signature) + message->body.size;
    struct xd_agent_waiting *waiting = xd_alloc(sizeof *waiting + size);
    if (waiting == NULL) {
        return NULL;
    }
    char *at = (char *)(waiting + 1);
    waiting->message = *message; /* the other texts live as long as the agent */
    waiting->message.exchange = place(&at, message->exchange);
    waiting->message.routing_key = place(&at, message->routing_key);
    waiting->message.message_id = place(&at, message->message_id);
    waiting->message.signature = place(&at, message->signature);
    if (message->body.size > 0) {
        memcpy(at, message->body.data, message->body.size);
    }
    waiting->message.body = xd_bytes_of(at, message->body.size);
    return waiting;
}

/* It will not leave on this connection: the site sends it again, a little later. */
static void not_taken(struct xd_agent *agent, const struct xd_amqp_message *message, enum xd_result why) {
    xd_log(agent->env, XD_LOG_ERROR, "line.not_published", NULL, "message %s of %zu bytes: %s",
           message->message_id != NULL ? message->message_id : "", message->body.size, xd_result_name(why));
    if (message->tag != 0) {
        xd_site_line_confirmed(&agent->site, message->tag, false, agent->now);
    }
}

static void keep(struct xd_agent *agent, const struct xd_amqp_message *message) {
    struct xd_agent_waiting *waiting = copy_of(message);
    if (waiting == NULL) {
        not_taken(agent, message, XD_NO_MEMORY);
        return;
    }
    *agent->waiting_last = waiting;
    agent->waiting_last = &waiting->next;
    agent->waiting_count++;
}

void xd_agent_outgoing_init(struct xd_agent *agent) {
    agent->waiting_first = NULL;
    agent->waiting_last = &agent->waiting_first;
    agent->waiting_count = 0;
}

void xd_agent_outgoing_send(struct xd_agent *agent, const struct xd_amqp_message *message) {
    if (!agent->publisher_up) {
        return; /* the site knows that nothing leaves now */
    }
    enum xd_result result = agent->waiting_count > 0
                                ? XD_AGAIN /* not before what waits */
                                : xd_amqp_publish(agent->publisher, agent->publisher_generation, message);
    if (result == XD_AGAIN) {
        keep(agent, message);
    } else if (result != XD_OK) {
        not_taken(agent, message, result);
    }
}

static void drop_first(struct xd_agent *agent) {
    struct xd_agent_waiting *first = agent->waiting_first;
    agent->waiting_first = first->next;
    if (agent->waiting_first == NULL) {
        agent->waiting_last = &agent->waiting_first;
    }
    agent->waiting_count--;
    xd_free(first);
}

void xd_agent_outgoing_flush(struct xd_agent *agent) {
    while (agent->waiting_first != NULL) {
        const struct xd_amqp_message *message = &agent->waiting_first->message;
        enum xd_result result = xd_amqp_publish(agent->publisher, agent->publisher_generation, message);
        if (result == XD_AGAIN) {
            return;
        }
        if (result != XD_OK) {
            not_taken(agent, message, result);
        }
        drop_first(agent);
    }
}

void xd_agent_outgoing_clear(struct xd_agent *agent) {
    while (agent->waiting_first != NULL) {
        drop_first(agent);
    }
}

size_t xd_agent_outgoing_room(struct xd_agent *agent) {
    if (!agent->publisher_up || agent->waiting_count > 0) {
        return 0;
    }
    size_t room = xd_amqp_publisher_room(agent->publisher);
    if (room < HAND_OUT_MIN) {
        return 0;
    }
    return room < HAND_OUT_MAX ? room : HAND_OUT_MAX;
}
