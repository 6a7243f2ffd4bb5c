/* The workers of an ERP: as many threads as calls may run at the same time, each with
 * a connection of its own. The turn starts a call only for a free worker, so the
 * queue between them never holds more than there are workers. Who checks orders has a pool of
 * the same kind, so that its slowness is bounded alike. */
#include "posix/hub/hub_program.h"

#include "base/memory.h"
#include "posix/hub/hub_check.h"
#include "posix/hub/hub_erp_types.h"
#include "posix/runtime/world.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WORKERS_MAX 64u
#define STOP_POLL_NS (10 * 1000 * 1000)

struct worker {
    struct xd_erp_pool *pool;
    struct xd_erp erp;
    pthread_t thread;
};

struct xd_erp_pool {
    struct xd_mailbox *calls, *answers;
    struct worker workers[WORKERS_MAX];
    size_t count;
    atomic_uint running;
    const struct xd_hub_config_erp *erp; /* NULL: it answers for checks of orders */
    const char *state_dir;
    struct xd_check_config check;
};

static void list_page(struct worker *worker, const struct xd_erp_call *call, struct xd_erp_event *event) {
    if (worker->pool->erp == NULL || worker->erp.list == NULL) {
        event->answer.outcome = XD_ERP_REJECTED;
        (void)snprintf(event->answer.code, sizeof event->answer.code, "not_listed");
        return;
    }
    worker->erp.list(worker->erp.context, call->what, call->cursor, XD_ERP_PAGE_MAX, &event->answer,
                     &event->entries, event->next);
    if (xd_buffer_result(&event->entries) != XD_OK) {
        event->answer.outcome = XD_ERP_UNAVAILABLE;
    }
}

/* It leaves nothing behind that could be found. */
static void check_order(const struct worker *worker, const struct xd_erp_call *call,
                        struct xd_erp_answer *answer) {
    if (call->find) {
        answer->outcome = XD_ERP_ABSENT;
    } else if (worker->pool->check.url ==
               NULL) { /* an order that was to be checked when this was configured */
        answer->outcome = XD_ERP_DONE;
        (void)snprintf(answer->document, sizeof answer->document, "pass");
    } else {
        xd_check_ask(&worker->pool->check, &call->request, answer);
    }
}

static void work_on(struct worker *worker, struct xd_erp_call *call) {
    struct xd_erp_event *event = xd_event_new(XD_HUB_EVENT_ERP, sizeof *event);
    event->call = call;
    xd_buffer_init(&event->entries, 0);
    if (call->list) {
        list_page(worker, call, event);
    } else if (worker->pool->erp == NULL) {
        check_order(worker, call, &event->answer);
    } else if (worker->pool->erp->shadow) { /* the core does not ask for it; nor is it done */
        event->answer.outcome = XD_ERP_UNAVAILABLE;
        (void)snprintf(event->answer.code, sizeof event->answer.code, "shadow");
    } else if (call->find) {
        worker->erp.find(worker->erp.context, call->request.kind, call->request.reference, &event->answer);
    } else {
        worker->erp.post(worker->erp.context, &call->request, &event->answer);
    }
    if (!xd_mailbox_put(worker->pool->answers, event, sizeof *event + event->entries.size)) {
        xd_hub_program_drop_event(&event->event);
    }
}

static void close_erp(struct worker *worker) {
    if (worker->erp.close != NULL) {
        worker->erp.close(worker->erp.context);
    }
}

static void *run_worker(void *argument) {
    struct worker *worker = argument;
    void *call = NULL;
    while (xd_mailbox_take(worker->pool->calls, &call, 1, 1000) > 0 ||
           !xd_mailbox_closed(worker->pool->calls)) {
        if (call != NULL) {
            work_on(worker, call);
        }
        call = NULL;
    }
    close_erp(worker);
    atomic_fetch_sub(&worker->pool->running, 1);
    return NULL;
}

static enum xd_result start_worker(struct xd_erp_pool *pool, char *why, size_t why_size) {
    struct worker *worker = &pool->workers[pool->count];
    worker->pool = pool;
    enum xd_result result =
        pool->erp != NULL ? xd_erp_type_open(pool->erp, pool->state_dir, &worker->erp, why, why_size) : XD_OK;
    if (result != XD_OK) {
        return result;
    }
    atomic_fetch_add(&pool->running, 1);
    if (pthread_create(&worker->thread, NULL, run_worker, worker) != 0) {
        atomic_fetch_sub(&pool->running, 1);
        close_erp(worker);
        (void)snprintf(why, why_size, "no thread for an ERP worker");
        return XD_NO_MEMORY;
    }
    pool->count++;
    return XD_OK;
}

enum xd_result xd_erp_pool_start(const struct xd_erp_pool_config *config, struct xd_mailbox *answers,
                                 struct xd_erp_pool **out, char *why, size_t why_size) {
    struct xd_erp_pool *pool = xd_alloc(sizeof *pool);
    if (pool == NULL) {
        return XD_NO_MEMORY;
    }
    pool->answers = answers;
    pool->erp = config->erp;
    pool->state_dir = config->state_dir;
    pool->check = (struct xd_check_config){.url = config->check->url,
                                           .token = config->check->token,
                                           .ca_file = config->check->ca_file,
                                           .timeout_ms = (unsigned)(config->check->timeout_s * XD_SECOND_MS)};
    size_t workers = config->workers < WORKERS_MAX ? config->workers : WORKERS_MAX;
    enum xd_result result =
        pool->erp != NULL ? xd_erp_type_prepare(pool->erp, pool->state_dir, why, why_size) : XD_OK;
    if (result == XD_OK) {
        result = xd_mailbox_new(workers, SIZE_MAX, &pool->calls);
    }
    for (size_t index = 0; index < workers && result == XD_OK; index++) {
        result = start_worker(pool, why, why_size);
    }
    *out = pool; /* on failure the process ends, and its threads with it */
    return result;
}

enum xd_erp_grade xd_erp_pool_grade(const struct xd_erp_pool *pool) {
    return pool->workers[0].erp.grade;
}

void xd_erp_pool_call(struct xd_erp_pool *pool, struct xd_erp_call *call) {
    if (!xd_mailbox_put(pool->calls, call, 1)) {
        xd_erp_call_free(call); /* stopping: SENT is in the store and is looked up at the next start */
    }
}

void xd_erp_pool_close(struct xd_erp_pool *pool) {
    xd_mailbox_close(pool->calls);
}

bool xd_erp_pool_stop(struct xd_erp_pool *pool, xd_ms deadline) {
    while (atomic_load(&pool->running) > 0) {
        if (xd_world_now().monotonic > deadline) {
            return false;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = STOP_POLL_NS}, NULL);
    }
    for (size_t index = 0; index < pool->count; index++) {
        pthread_join(pool->workers[index].thread, NULL);
    }
    xd_mailbox_free(pool->calls);
    xd_free(pool);
    return true;
}
