/* RabbitMQ and the lines to it. A queue keeps what was not answered; a connection that
 * breaks brings back what was delivered. A publish that leaves while the line is dead
 * is lost without a word, one whose confirm is lost is there all the same. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define CONFIRM_MS 3
#define CONSUMER_MS ((xd_ms)200) /* a connection for it is made */
#define RETRY_MS (5 * XD_SECOND_MS)

void xd_sim_push(struct xd_sim *sim, struct xd_sim_node *to, xd_ms delay, const char *exchange,
                 const char *user, const char *signature, struct xd_bytes body) {
    struct xd_sim_message *message = xd_host_alloc(sizeof *message);
    struct xd_sim_queue *queue = to->queue;
    message->tag = ++sim->tags;
    message->ready_at = sim->now + delay;
    xd_copy(message->exchange, sizeof message->exchange, exchange);
    xd_copy(message->user, sizeof message->user, user);
    xd_copy(message->signature, sizeof message->signature, signature);
    message->body = xd_host_copy(body.data, body.size);
    message->size = body.size;
    if (queue->last != NULL && xd_sim_hit(sim, XD_FAULT_LINE_REORDER)) {
        message->next = queue->first;
        queue->first = message;
    } else if (queue->last != NULL) {
        queue->last->next = message;
        queue->last = message;
    } else {
        queue->first = queue->last = message;
    }
    queue->count++;
    queue->most = queue->count > queue->most ? queue->count : queue->most;
    sim->figures->messages++;
    xd_sim_note(sim, 1000 + to->number, body.data, body.size);
    xd_sim_wake(to, message->ready_at);
    if (xd_sim_twin_of(to) != NULL) {
        xd_sim_wake(xd_sim_twin_of(to), message->ready_at);
    }
}

static void free_message(struct xd_sim_message *message) {
    xd_host_free(message->body);
    xd_host_free(message);
}

void xd_sim_answer_message(struct xd_sim_node *node, uint64_t tag, bool keep, bool dead) {
    struct xd_sim_queue *queue = node->queue;
    struct xd_sim_message *before = NULL, *message = queue->first;
    while (message != NULL && message->tag != tag) {
        before = message;
        message = message->next;
    }
    if (message == NULL || !message->delivered || queue->consumer != node) {
        return; /* purged meanwhile, or of a connection that is gone */
    }
    if (keep) { /* the broker brings it again when the consumer is made anew */
        node->restart.due = true;
        return;
    }
    queue->dead += dead;
    queue->unanswered--;
    message->delivered = false;
    if (node->number == 0 && !dead) {
        xd_sim_witness_taken(node->sim, message);
    }
    if (before != NULL) {
        before->next = message->next;
    } else {
        queue->first = message->next;
    }
    if (queue->last == message) {
        queue->last = before;
    }
    queue->count--;
    free_message(message);
}

/* As the programs do, with the first release after a refusal, but not too often. What is answered
 * until then is answered for good: only what was not taken, and what was on its way, comes again. */
void xd_sim_restart_consumer(struct xd_sim_node *node) {
    xd_ms now = node->sim->now;
    if (xd_again_take(&node->restart, now)) {
        node->deaf_until = now + CONSUMER_MS;
        xd_sim_consumer_lost(node);
    }
}

void xd_sim_redeliver(struct xd_sim_queue *queue) {
    for (struct xd_sim_message *message = queue->first; message != NULL; message = message->next) {
        message->delivered = false;
    }
    queue->unanswered = 0;
}

void xd_sim_consumer_lost(struct xd_sim_node *node) {
    struct xd_sim_node *next = xd_sim_twin_of(node);
    node->restart.due = false; /* a new connection brings it anyway */
    if (node->queue->consumer != node) {
        return;
    }
    xd_sim_redeliver(node->queue);
    node->queue->consumer = NULL;
    if (next != NULL && next->running) {
        xd_sim_wake(next, node->sim->now + 1);
    }
}

void xd_sim_purge(struct xd_sim_queue *queue) {
    while (queue->first != NULL) {
        struct xd_sim_message *next = queue->first->next;
        free_message(queue->first);
        queue->first = next;
    }
    queue->last = NULL;
    queue->count = queue->unanswered = 0;
}

static struct xd_sim_node *destination(struct xd_sim_node *from, const char *routing_key) {
    struct xd_sim *sim = from->sim;
    if (from->number != 0) {
        return &sim->hub_node;
    }
    for (unsigned index = 0; index < sim->site_count; index++) {
        if (strcmp(sim->sites[index].name_text, routing_key) == 0) {
            return &sim->sites[index].node;
        }
    }
    return NULL;
}

static void confirm(struct xd_sim_node *to, uint64_t tag, bool taken) {
    if (tag != 0) {
        xd_sim_mail(to, (struct xd_sim_mail){.kind = XD_SIM_MAIL_CONFIRM, .number = tag, .taken = taken},
                    to->latency + CONFIRM_MS);
    }
}

/* The last few messages, so that somebody can bring them again. */
static void record(struct xd_sim *sim, const char *exchange, const char *user, const char *signature,
                   struct xd_bytes body) {
    struct xd_sim_message *copy = xd_host_alloc(sizeof *copy);
    size_t place = sim->recorded_count++ % (sizeof sim->recorded / sizeof sim->recorded[0]);
    xd_copy(copy->exchange, sizeof copy->exchange, exchange);
    xd_copy(copy->user, sizeof copy->user, user);
    xd_copy(copy->signature, sizeof copy->signature, signature);
    copy->body = xd_host_copy(body.data, body.size);
    copy->size = body.size;
    if (sim->recorded[place] != NULL) {
        free_message(sim->recorded[place]);
    }
    sim->recorded[place] = copy;
}

void xd_sim_forget_recorded(struct xd_sim *sim) {
    for (size_t index = 0; index < sizeof sim->recorded / sizeof sim->recorded[0]; index++) {
        if (sim->recorded[index] != NULL) {
            free_message(sim->recorded[index]);
        }
    }
}

/* Lifecycle events: nobody consumes them, but the witness reads along. */
static void publish_event(struct xd_sim_node *from, const struct xd_effect *effect, struct xd_bytes body) {
    struct xd_sim *sim = from->sim;
    if (!from->linked || !from->open_up || !sim->broker_up) {
        return;
    }
    if (sim->broker_blocked || xd_sim_hit(sim, XD_FAULT_BROKER_NACK)) {
        confirm(from, effect->tag, false);
        return;
    }
    if (xd_sim_hit(sim, XD_FAULT_LINE_GARBLE)) {
        xd_sim_link_down(from, 1);
        return;
    }
    xd_sim_witness_event(from, body);
    if (xd_sim_hit(sim, XD_FAULT_LINE_LOST_CONFIRM)) {
        xd_sim_link_down(from, from->latency);
    } else if (from->open_down) {
        confirm(from, effect->tag, true);
    }
}

void xd_sim_publish(struct xd_sim_node *from, const struct xd_effects *effects,
                    const struct xd_effect *effect) {
    struct xd_sim *sim = from->sim;
    const char *exchange = xd_effects_string(effects, effect->a);
    const char *signature = xd_effects_string(effects, effect->c);
    struct xd_bytes body = xd_effects_view(effects, effect->body);
    struct xd_sim_node *to = destination(from, xd_effects_string(effects, effect->b));
    char user[64];
    xd_sim_note(sim, 2000 + from->number, body.data, body.size);
    if (exchange != NULL && strcmp(exchange, XD_EVENTS_EXCHANGE) == 0) {
        publish_event(from, effect, body);
        return;
    }
    xd_sim_witness(from, body);
    if (!from->linked || !from->open_up || !sim->broker_up || to == NULL) {
        return; /* nobody hears it */
    }
    (void)snprintf(user, sizeof user, from->number == 0 ? "hub" : "site-%s",
                   from->number == 0 ? "" : sim->sites[from->number - 1].name_text);
    if (sim->broker_blocked || xd_sim_hit(sim, XD_FAULT_BROKER_NACK)) {
        confirm(from, effect->tag, false);
        return;
    }
    if (sim->unbound && to->number == 0) {
        confirm(from, effect->tag, false); /* returned: no queue is bound */
        return;
    }
    if (xd_sim_hit(sim, XD_FAULT_LINE_GARBLE)) {
        xd_sim_link_down(from, 1);
        return;
    }
    xd_sim_push(sim, to, from->latency + to->latency, exchange, user, signature, body);
    if (xd_sim_hit(sim, XD_FAULT_LINE_DUPLICATE)) {
        xd_sim_push(sim, to, from->latency + to->latency, exchange, user, signature, body);
    }
    if (xd_sim_hit(sim, XD_FAULT_LINE_LOST_CONFIRM)) {
        xd_sim_link_down(from, from->latency);
    } else if (from->open_down) {
        confirm(from, effect->tag, true);
    }
    if (sim->rate[XD_FAULT_REPLAYED] != 0 && from->number != 0) {
        record(sim, exchange, user, signature, body);
    }
}

void xd_sim_link_down(struct xd_sim_node *node, xd_ms delay) {
    xd_sim_mail(node, (struct xd_sim_mail){.kind = XD_SIM_MAIL_LINE_DOWN}, delay);
}

static void try_to_connect(struct xd_sim *sim, void *object, uint64_t life) {
    struct xd_sim_node *node = object;
    if (!node->running || node->lives != life || node->linked) {
        return;
    }
    if (xd_sim_can_connect(node)) {
        xd_sim_mail(node, (struct xd_sim_mail){.kind = XD_SIM_MAIL_LINE_UP}, 1);
    }
    xd_agenda_add(&sim->agenda, sim->now + RETRY_MS, try_to_connect, node, life);
}

bool xd_sim_can_connect(const struct xd_sim_node *node) {
    return node->open_up && node->open_down && node->sim->broker_up;
}

void xd_sim_connect(struct xd_sim_node *node) {
    xd_agenda_add(&node->sim->agenda, node->sim->now + XD_SECOND_MS, try_to_connect, node, node->lives);
}

void xd_sim_let_out(struct xd_sim_node *node, const struct xd_effects *effects,
                    const struct xd_effect *effect) {
    bool answer = effect->kind == XD_EFFECT_LINE_ACK || effect->kind == XD_EFFECT_LINE_REJECT ||
                  effect->kind == XD_EFFECT_LINE_RETRY;
    if (effect->kind == XD_EFFECT_LINE_PUBLISH) {
        xd_sim_publish(node, effects, effect);
    } else if (answer) {
        xd_sim_answer_message(node, effect->tag, effect->kind == XD_EFFECT_LINE_RETRY,
                              effect->kind == XD_EFFECT_LINE_REJECT);
    }
}
