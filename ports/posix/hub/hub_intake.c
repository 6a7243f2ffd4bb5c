/* Orders between the query thread (or the queue of orders) and the turn.
 *
 * An order waits in a fair queue (runtime/fair_queue.h), and for each one there is a
 * ticket in the mailbox, which wakes the turn and carries the back-pressure. For a
 * ticket the turn takes not the order that it came with, but the one whose turn it
 * is. The ticket goes in after its order: so there are never fewer orders than tickets.
 *
 * Tenants share by their share, a tenant's clients by the share of their channel where
 * they have just one (which channel an order comes by is in its body, and nothing is
 * parsed before its turn). Shares are asked of the reference data at most once a second
 * for each name: on the turn's thread, as that must be. */
#include "posix/hub/hub_program.h"

#include "base/memory.h"
#include "hub/reference/reference.h"
#include "posix/runtime/fair_queue.h"
#include "posix/runtime/world.h"

#include <stdlib.h>
#include <string.h>

#define WAITING_MAX ((size_t)1024) /* in all; connections are fewer */
#define REMEMBERED 64u
#define FRESH_MS ((xd_ms)1000)

struct remembered {
    char name[XD_NAME_SIZE];
    int64_t share; /* 0: nothing is remembered here */
    xd_ms at;
};

struct xd_intake {
    struct xd_hub_program *program;
    pthread_mutex_t lock; /* of the queue */
    struct xd_fair_queue *queue;
    struct xd_event ticket;                                      /* the one that all puts share */
    struct remembered tenants[REMEMBERED], channels[REMEMBERED]; /* the turn's thread */
};

/* ---- shares ---- */

static int64_t ask_tenant(struct xd_hub_program *program, const char *name) {
    struct xd_tenant_policy policy;
    enum xd_result result = xd_reference_tenant(&program->hub, name, &policy);
    return result == XD_OK && policy.share > 0 ? policy.share : 1;
}

static int64_t ask_channel(struct xd_hub_program *program, const char *name) {
    struct xd_channel_rule rule;
    enum xd_result result = xd_reference_channel(&program->hub, name, &rule);
    return result == XD_OK && rule.share > 0 ? rule.share : 1;
}

static int64_t share_of(struct xd_intake *intake, struct remembered *memory, const char *name,
                        int64_t (*ask)(struct xd_hub_program *program, const char *name)) {
    struct remembered *place = &memory[xd_checksum(xd_bytes_of_text(name)) % REMEMBERED];
    xd_ms now = xd_world_now().monotonic;
    if (place->share == 0 || strcmp(place->name, name) != 0 || now - place->at >= FRESH_MS) {
        size_t size = strnlen(name, sizeof place->name - 1);
        memcpy(place->name, name, size);
        place->name[size] = 0;
        place->share = ask(intake->program, name);
        place->at = now;
    }
    return place->share;
}

static int64_t tenant_share(void *context, const void *item) {
    struct xd_intake *intake = context;
    const struct xd_api_event *event = item;
    return share_of(intake, intake->tenants, event->client.tenant, ask_tenant);
}

static int64_t client_share(void *context, const void *item) {
    struct xd_intake *intake = context;
    const struct xd_api_event *event = item;
    const char *channels = event->client.channels;
    bool one = channels[0] != 0 && strchr(channels, ' ') == NULL;
    return one ? share_of(intake, intake->channels, channels, ask_channel) : 1;
}

/* ---- in and out ---- */

enum xd_result xd_intake_add(struct xd_intake *intake, struct xd_api_event *event) {
    pthread_mutex_lock(&intake->lock);
    enum xd_result result =
        xd_fair_queue_put(intake->queue, event->client.tenant, event->client.client, event);
    pthread_mutex_unlock(&intake->lock);
    return result;
}

enum xd_result xd_intake_put(struct xd_intake *intake, struct xd_api_event *event) {
    size_t bytes = sizeof *event + event->request.body.size;
    enum xd_result result = xd_intake_add(intake, event);
    if (result == XD_OK && !xd_mailbox_put(intake->program->mailbox, &intake->ticket, bytes)) {
        struct xd_api_event *other = xd_intake_take(intake); /* nobody takes it any more */
        if (other != NULL) {
            xd_hub_program_drop_event(&other->event);
        }
    }
    return result;
}

struct xd_api_event *xd_intake_take(struct xd_intake *intake) {
    pthread_mutex_lock(&intake->lock);
    struct xd_api_event *event = xd_fair_queue_take(intake->queue);
    pthread_mutex_unlock(&intake->lock);
    return event;
}

/* ---- life ---- */

enum xd_result xd_intake_new(struct xd_hub_program *program, struct xd_intake **out) {
    struct xd_intake *intake = xd_alloc(sizeof *intake);
    struct xd_fair_shares shares = {.context = intake, .group = tenant_share, .flow = client_share};
    *out = intake;
    if (intake == NULL) {
        return XD_NO_MEMORY;
    }
    intake->program = program;
    intake->ticket.kind = XD_HUB_EVENT_TICKET;
    pthread_mutex_init(&intake->lock, NULL);
    return xd_fair_queue_new((size_t)program->config->http.waiting_max, WAITING_MAX, &shares, &intake->queue);
}

void xd_intake_free(struct xd_intake *intake) {
    if (intake != NULL) {
        xd_fair_queue_free(intake->queue);
        pthread_mutex_destroy(&intake->lock);
        xd_free(intake);
    }
}

/* RFC 7240: Prefer: wait=<seconds>, among other preferences, which are not for us. */
xd_ms xd_query_wait(const char *prefer) {
    const char *wait = prefer == NULL ? NULL : strcasestr(prefer, "wait=");
    bool whole = wait != NULL && (wait == prefer || strchr(" ,;", wait[-1]) != NULL);
    return whole && wait[5] >= '0' && wait[5] <= '9' ? (xd_ms)strtoul(wait + 5, NULL, 10) * XD_SECOND_MS : 0;
}
