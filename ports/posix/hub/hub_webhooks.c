/* The webhooks' workers: as many threads as calls may run at the same time, as the
 * ERP's. They only post and tell what came back; the core decides what that means.
 * Whoever subscribed chose the URL, so the address is checked when it is connected to,
 * no redirect is followed, and little of the answer is read. */
#include "posix/hub/hub_program.h"

#include "base/memory.h"
#include "shared/http_client.h"
#include "shared/http_guard.h"

#include <stdio.h>
#include <string.h>

#define WORKERS_MAX 64u
#define ANSWER_MAX ((size_t)64 * 1024)
#define HEADER_SIZE 128u

struct xd_webhook_pool {
    struct xd_mailbox *calls, *answers;
    pthread_t threads[WORKERS_MAX];
    size_t count;
    unsigned timeout_ms;
    struct xd_http_range *ranges;
    struct xd_http_guard guard;
    atomic_bool give_up;
};

static void say(const struct xd_http_reply *reply, enum xd_result result, struct xd_webhook_answer *answer) {
    answer->status = result == XD_OK ? reply->status : 0;
    if (result != XD_OK) {
        (void)snprintf(answer->detail, sizeof answer->detail, "%.150s", reply->why);
    } else if (reply->status >= 300 && reply->status < 400) {
        (void)snprintf(answer->detail, sizeof answer->detail, "HTTP %u: redirects are not followed",
                       reply->status);
    } else {
        (void)snprintf(answer->detail, sizeof answer->detail, "HTTP %u", reply->status);
    }
}

static void post(struct xd_webhook_pool *pool, const struct xd_webhook_call *call,
                 struct xd_webhook_answer *answer) {
    char id[HEADER_SIZE], timestamp[HEADER_SIZE], signature[HEADER_SIZE];
    const char *const headers[] = {id, timestamp, signature, "User-Agent: crossdock/" XD_VERSION, NULL};
    struct xd_http_reply reply;
    (void)snprintf(id, sizeof id, "webhook-id: %s", call->event_id);
    (void)snprintf(timestamp, sizeof timestamp, "webhook-timestamp: %s", call->timestamp);
    (void)snprintf(signature, sizeof signature, "webhook-signature: %s", call->signature);
    struct xd_http_call http = {.method = "POST",
                                .url = call->url,
                                .headers = headers,
                                .content_type = "application/cloudevents+json",
                                .body = call->body,
                                .timeout_ms = pool->timeout_ms,
                                .answer_max = ANSWER_MAX,
                                .guard = &pool->guard,
                                .give_up = &pool->give_up};
    enum xd_result result = xd_http_fetch(&http, &reply);
    if (result == XD_FULL && reply.status != 0) {
        result = XD_OK; /* it was taken or not, however much was said about it */
    }
    say(&reply, result, answer);
    xd_http_reply_free(&reply);
}

static void work_on(struct xd_webhook_pool *pool, struct xd_webhook_call *call) {
    struct xd_webhook_event *event = xd_event_new(XD_HUB_EVENT_WEBHOOK, sizeof *event);
    event->call = call;
    post(pool, call, &event->answer);
    /* Stopping: what became of it is not known, and the next process sends it again. */
    if (atomic_load(&pool->give_up) || !xd_mailbox_put(pool->answers, event, sizeof *event)) {
        xd_hub_program_drop_event(&event->event);
    }
}

static void *run_worker(void *argument) {
    struct xd_webhook_pool *pool = argument;
    void *call = NULL;
    while (xd_mailbox_take(pool->calls, &call, 1, 1000) > 0 || !xd_mailbox_closed(pool->calls)) {
        if (call != NULL && atomic_load(&pool->give_up)) {
            xd_webhook_call_free(call);
        } else if (call != NULL) {
            work_on(pool, call);
        }
        call = NULL;
    }
    return NULL;
}

static enum xd_result read_ranges(struct xd_webhook_pool *pool, const struct xd_hub_config_webhooks *config) {
    enum xd_result result = XD_OK;
    pool->ranges = xd_alloc(config->allow_private_count * sizeof *pool->ranges);
    if (pool->ranges == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < config->allow_private_count && result == XD_OK; index++) {
        result = xd_http_range_parse(config->allow_private[index], &pool->ranges[index]);
    }
    pool->guard = (struct xd_http_guard){pool->ranges, config->allow_private_count};
    return result;
}

enum xd_result xd_webhook_pool_start(const struct xd_hub_config_webhooks *config, struct xd_mailbox *answers,
                                     struct xd_webhook_pool **out) {
    struct xd_webhook_pool *pool = xd_alloc(sizeof *pool);
    if (pool == NULL) {
        return XD_NO_MEMORY;
    }
    pool->answers = answers;
    pool->timeout_ms = (unsigned)config->timeout_s * 1000;
    atomic_init(&pool->give_up, false);
    enum xd_result result = read_ranges(pool, config);
    if (result == XD_OK) {
        result = xd_mailbox_new((size_t)config->concurrency, SIZE_MAX, &pool->calls);
    }
    while (result == XD_OK && pool->count < (size_t)config->concurrency && pool->count < WORKERS_MAX) {
        result =
            pthread_create(&pool->threads[pool->count], NULL, run_worker, pool) == 0 ? XD_OK : XD_NO_MEMORY;
        pool->count += result == XD_OK;
    }
    *out = pool; /* on failure the process ends, and its threads with it */
    return result;
}

void xd_webhook_pool_call(struct xd_webhook_pool *pool, struct xd_webhook_call *call) {
    if (!xd_mailbox_put(pool->calls, call, 1)) {
        xd_webhook_call_free(call);
    }
}

bool xd_webhook_pool_allows(const struct xd_webhook_pool *pool, const char *host) {
    return xd_http_guard_allows_host(&pool->guard, host);
}

void xd_webhook_pool_stop(struct xd_webhook_pool *pool) {
    atomic_store(&pool->give_up, true);
    xd_mailbox_close(pool->calls);
    for (size_t index = 0; index < pool->count; index++) {
        pthread_join(pool->threads[index], NULL);
    }
    xd_mailbox_free(pool->calls);
    xd_free(pool->ranges);
    xd_free(pool);
}
