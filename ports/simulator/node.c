/* One machine with one program: its mailbox, its turns, its life and death.
 *
 * A turn comes when something waits, and else ever more rarely, for a program that has
 * nothing to do decides nothing. A turn that fails for good ends the process, which
 * starts again, as under a supervisor. */
#include "base/memory.h"
#include "hub/orchestration/stock.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define EVENTS_MAX 128u
#define PREFETCH 256u
#define REST_MS_MIN ((xd_ms)250) /* an ack is due after 200 */
#define REST_MS_MAX ((xd_ms)60000)
#define REST_GROWS 16
#define AGAIN_MS ((xd_ms)2000)

struct xd_now xd_sim_now(struct xd_sim_node *node) {
    xd_ms sim_now = node->sim->now;
    xd_ms wall = (node->frozen_at != 0 ? node->frozen_at : sim_now) + XD_SIM_START_WALL + node->wall_offset +
                 sim_now * node->drift_ppm / 1000000;
    return (struct xd_now){.wall = wall, .monotonic = sim_now + XD_SECOND_MS};
}

/* ---- the mailbox ---- */

void xd_sim_mail(struct xd_sim_node *node, struct xd_sim_mail mail, xd_ms delay) {
    struct xd_sim_mail *copy = xd_host_alloc(sizeof *copy);
    *copy = mail;
    copy->ready_at = node->sim->now + delay;
    if (node->mail_last != NULL) {
        node->mail_last->next = copy;
    } else {
        node->mail = copy;
    }
    node->mail_last = copy;
    node->mail_count++;
    if (mail.kind !=
        XD_SIM_MAIL_CONFIRM) { /* those come along with the next turn, which is soon after a publish */
        xd_sim_wake(node, copy->ready_at);
    }
}

static void free_mail(struct xd_sim_mail *mail) {
    xd_host_free(mail->text);
    xd_host_free(mail);
}

void xd_sim_node_clear(struct xd_sim_node *node) {
    while (node->mail != NULL) {
        struct xd_sim_mail *next = node->mail->next;
        free_mail(node->mail);
        node->mail = next;
    }
    node->mail_last = NULL;
    node->mail_count = 0;
}

/* Takes what is ready out of the mailbox, in order. */
static size_t take_mail(struct xd_sim_node *node, struct xd_sim_mail **out, size_t max) {
    struct xd_sim_mail **place = &node->mail;
    size_t count = 0;
    node->mail_last = NULL;
    while (*place != NULL) {
        struct xd_sim_mail *mail = *place;
        if (count < max && mail->ready_at <= node->sim->now) {
            *place = mail->next;
            mail->next = NULL;
            out[count++] = mail;
            node->mail_count--;
        } else {
            node->mail_last = mail;
            place = &mail->next;
        }
    }
    return count;
}

/* A queue has a single active consumer: who listens first. Others wait until it is gone. */
static bool can_hear(struct xd_sim_node *node) {
    struct xd_sim_queue *queue = node->queue;
    if (!node->linked || !node->open_down || !node->sim->broker_up || node->sim->now < node->deaf_until) {
        return false;
    }
    queue->consumer = queue->consumer == NULL ? node : queue->consumer;
    return queue->consumer == node;
}

static size_t take_messages(struct xd_sim_node *node, struct xd_sim_mail *out, size_t max) {
    size_t count = 0;
    for (struct xd_sim_message *message = node->queue->first;
         message != NULL && count < max && node->queue->unanswered < PREFETCH && can_hear(node);
         message = message->next) {
        if (!message->delivered && message->ready_at <= node->sim->now) {
            message->delivered = true;
            node->queue->unanswered++;
            out[count++] = (struct xd_sim_mail){.kind = XD_SIM_MAIL_MESSAGE, .message = message};
        }
    }
    return count;
}

/* ---- the turn ---- */

static void take_turn(struct xd_sim *sim, void *object, uint64_t argument);

void xd_sim_wake(struct xd_sim_node *node, xd_ms at) {
    xd_ms now = node->sim->now;
    at = at > now ? at : now + 1;
    if (node->turn_at == 0 || at < node->turn_at) {
        node->turn_at = at;
        xd_agenda_add(&node->sim->agenda, at, take_turn, node, 0);
    }
}

static void wake_for_the_rest(struct xd_sim_node *node, bool busy) {
    xd_ms next = node->sim->now + node->rest;
    node->rest = busy                                    ? REST_MS_MIN
                 : node->rest * REST_GROWS < REST_MS_MAX ? node->rest * REST_GROWS
                                                         : REST_MS_MAX;
    for (const struct xd_sim_mail *mail = node->mail; mail != NULL; mail = mail->next) {
        next = mail->kind != XD_SIM_MAIL_CONFIRM && mail->ready_at < next ? mail->ready_at : next;
    }
    if (node->sim->now < node->deaf_until && node->deaf_until < next) {
        next = node->deaf_until;
    }
    if (node->restart.due && node->restart.at < next) {
        next = node->restart.at;
    }
    bool gets_more = can_hear(node) && node->queue->unanswered < PREFETCH;
    const struct xd_sim_message *message = gets_more ? node->queue->first : NULL;
    for (; message != NULL; message = message->next) {
        next = !message->delivered && message->ready_at < next ? message->ready_at : next;
    }
    xd_sim_wake(node, next);
}

/* One allocation of this turn, counted by chance, is refused. */
static int perhaps_refuse(void *context, size_t size) {
    struct xd_sim_node *node = context;
    (void)size;
    return node->fail_alloc_at == 0 || --node->fail_alloc_at != 0;
}

static bool check(struct xd_sim_node *node) {
    bool fine =
        node->number == 0 ? xd_hub_check(&node->sim->hub) : xd_site_check(&xd_sim_site_of(node)->site);
    return fine && xd_disk_check(node->disk);
}

static void run_turn(struct xd_sim_node *node, void **events, size_t count) {
    struct xd_sim *sim = node->sim;
    uint64_t failed = node->turn.counters.commits_failed;
    bool scarce = node->fail_alloc_at != 0;
    sim->figures->turns++;
    if (scarce) {
        xd_memory_set_hook(perhaps_refuse, node);
    }
    xd_sim_cut_memory(node, true);
    double start = sim->options.timing ? xd_host_seconds() : 0;
    enum xd_result result = xd_turn_run(&node->turn, events, count, xd_sim_now(node));
    if (sim->options.timing) {
        *(node->number == 0 ? &sim->figures->hub_seconds : &sim->figures->site_seconds) +=
            xd_host_seconds() - start;
    }
    if (scarce) {
        xd_memory_set_hook(NULL, NULL);
        node->fail_alloc_at = 0;
    }
    xd_sim_cut_turn_ended(node);
    if (xd_sim_cut_ended_it(node)) {
        return;
    }
    if (result != XD_OK) {
        xd_sim_tell(sim, node->name, "stops: %s: %s", xd_result_name(result),
                    xd_database_error(node->database));
        bool corrupt = result == XD_CORRUPT;
        xd_sim_node_restart(node, AGAIN_MS, XD_DISK_KEPT, 0);
        if (corrupt && node->number == 0) {
            xd_sim_violated(sim, "I12: the hub takes its store for corrupt, and nobody touched it");
        }
        if (corrupt && node->number != 0) {
            xd_sim_site_of(node)->corrupt_told = true;
        }
        return;
    }
    if (node->turn.counters.commits_failed != failed) {
        xd_sim_tell(sim, node->name, "a batch of %zu failed: %s", count, xd_database_error(node->database));
    }
    if (node->running && !check(node)) {
        xd_sim_violated(sim, "the invariants of %s do not hold", node->name);
    }
    if (node->running && node->number == 0) {
        xd_sim_hub_watched(sim);
    }
}

static void take_turn(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    struct xd_sim_mail *mail[EVENTS_MAX], messages[EVENTS_MAX];
    void *events[2 * EVENTS_MAX];
    (void)argument;
    if (sim->now != node->turn_at) {
        return; /* an earlier one came in between */
    }
    node->turn_at = 0;
    if (!node->running || node->paused) {
        return;
    }
    if (sim->now < node->hung_until) {
        xd_sim_wake(node, node->hung_until);
        return;
    }
    size_t mails = take_mail(node, mail, EVENTS_MAX);
    size_t arrived = take_messages(node, messages, EVENTS_MAX);
    for (size_t index = 0; index < mails; index++) {
        events[index] = mail[index];
    }
    for (size_t index = 0; index < arrived; index++) {
        events[mails + index] = &messages[index];
    }
    run_turn(node, events, mails + arrived);
    for (size_t index = 0; index < mails; index++) {
        free_mail(mail[index]);
    }
    if (node->running) {
        wake_for_the_rest(node, mails + arrived > 0);
    }
}

/* ---- at the end ---- */

static void tell_counter(void *context, const char *text) {
    struct xd_sim_node *node = context;
    xd_sim_violated(node->sim, "a counter of %s does not say what there is: %s", node->name, text);
}

void xd_sim_node_count(struct xd_sim_node *node) {
    if (node->running && xd_database_fsck_counters(node->database, tell_counter, node) != XD_OK) {
        xd_sim_violated(node->sim, "what there is at %s cannot be counted: %s", node->name,
                        xd_database_error(node->database));
    }
    if (node->running && node->number == 0 && !xd_stock_check(&node->sim->hub)) {
        xd_sim_violated(node->sim, "the hub's stock does not add up");
    }
}

/* ---- life ---- */

bool xd_sim_node_open_store(struct xd_sim_node *node) {
    char path[XD_SIM_TEXT], why[256] = "";
    (void)snprintf(path, sizeof path, "%s/%s.db", node->name, node->number == 0 ? "hub" : "agent");
    struct xd_database_config config = {.path = path, .vfs = XD_DISK_VFS};
    enum xd_result result = xd_database_open(&config, node->number == 0 ? XD_SCHEMA_HUB : XD_SCHEMA_SITE,
                                             &node->database, why, sizeof why);
    if (result != XD_OK) {
        xd_sim_tell(node->sim, node->name, "cannot open its store: %s: %s", xd_result_name(result), why);
        node->database = NULL;
        if (result == XD_CORRUPT && node->number != 0) {
            xd_sim_site_of(node)->corrupt_told = true;
        }
    }
    return result == XD_OK;
}

/* Somebody who is told that a store is garbled brings back the last good copy. */
static void operator_restores(struct xd_sim_node *node) {
    struct xd_sim *sim = node->sim;
    struct xd_sim_site *site = xd_sim_site_of(node);
    if (!site->corrupt_told || node->copy == NULL) {
        return;
    }
    xd_sim_tell(sim, node->name, "its last copy, of %lld ms before, is brought back",
                (long long)(sim->now - node->copied_at));
    xd_disk_restore(node->disk, node->copy);
    site->corrupt_told = site->damaged = false;
    site->amnesia_from = site->amnesia_to == 0 ? node->copied_at : site->amnesia_from;
    site->amnesia_to = sim->now;
}

static void start_later(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    (void)sim;
    if (!node->running && node->lives == argument) {
        xd_sim_node_start(node);
    }
}

void xd_sim_node_start(struct xd_sim_node *node) {
    struct xd_sim *sim = node->sim;
    if (node->number != 0) {
        operator_restores(node);
    }
    node->lives++;
    xd_sim_cut_memory(node, true);
    node->running = node->number == 0 ? xd_sim_hub_open(sim) : xd_sim_site_open(xd_sim_site_of(node));
    xd_sim_cut_turn_ended(node);
    if (xd_sim_cut_ended_it(node)) {
        return;
    }
    if (!node->running) {
        xd_disk_fail(node->disk, XD_DISK_READ, 0, false, 0);
        xd_disk_fail(node->disk, XD_DISK_WRITE, 0, false, 0);
        xd_disk_fail(node->disk, XD_DISK_SYNC, 0, false, 0);
        xd_agenda_add(&sim->agenda, sim->now + AGAIN_MS, start_later, node, node->lives);
        return;
    }
    xd_sim_tell(sim, node->name, "starts");
    node->linked = false;
    node->restart = (struct xd_again){.due = false};
    node->rest = REST_MS_MIN;
    xd_sim_connect(node);
    if (node->number != 0 && sim->sites[node->number - 1].wms_up &&
        xd_sim_wms_side(&sim->sites[node->number - 1]) == node) {
        xd_sim_mail(node, (struct xd_sim_mail){.kind = XD_SIM_MAIL_WMS_UP}, XD_SECOND_MS / 2);
    }
    xd_sim_wake(node, sim->now + 1);
}

void xd_sim_node_kill(struct xd_sim_node *node, enum xd_disk_loss loss, uint64_t random) {
    if (!node->running) {
        return;
    }
    bool cached = node->cache_stays && loss == XD_DISK_KEPT;
    node->cache_stays = cached;
    xd_disk_crash(node->disk, cached ? XD_DISK_CACHED : loss,
                  random); /* first: closing in order would save what a kill does not */
    node->running = false;
    node->linked = false;
    node->turn_at = 0;
    node->hung_until = 0;
    node->paused = false;
    node->sim->figures->crashes++;
    if (node->number == 0) {
        xd_sim_hub_close(node->sim);
    } else {
        xd_sim_site_close(xd_sim_site_of(node));
    }
    xd_sim_node_clear(node);
    xd_sim_consumer_lost(node);
}

void xd_sim_node_restart(struct xd_sim_node *node, xd_ms delay, enum xd_disk_loss loss, uint64_t random) {
    xd_sim_node_kill(node, loss, random);
    xd_disk_fail(node->disk, XD_DISK_READ, 0, false, 0);
    xd_disk_fail(node->disk, XD_DISK_WRITE, 0, false, 0);
    xd_disk_fail(node->disk, XD_DISK_SYNC, 0, false, 0);
    xd_agenda_add(&node->sim->agenda, node->sim->now + delay, start_later, node, node->lives);
}
