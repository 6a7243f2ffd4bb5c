#include "hub/waiters.h"

#include "hub/validated.h"

#include <string.h>

bool xd_waiters_add(struct xd_hub *hub, const struct xd_api_request *request, const char *order_id,
                    struct xd_now now) {
    struct xd_waiters *waiters = &hub->waiters;
    xd_waiters_drop(hub, request->handle); /* its event is decided a second time */
    if (waiters->count == XD_WAITERS_MAX) {
        return false;
    }
    struct xd_waiter *waiter = &waiters->items[waiters->count++];
    *waiter = (struct xd_waiter){
        .handle = request->handle,
        .queued = request->queued,
        .until = now.monotonic + (request->wait_ms < XD_WAIT_MS_MAX ? request->wait_ms : XD_WAIT_MS_MAX),
        .look = true};
    xd_copy(waiter->order_id, sizeof waiter->order_id, order_id);
    return true;
}

void xd_waiters_drop(struct xd_hub *hub, void *handle) {
    struct xd_waiters *waiters = &hub->waiters;
    for (size_t index = 0; index < waiters->count; index++) {
        if (waiters->items[index].handle == handle) {
            waiters->items[index] = waiters->items[--waiters->count];
            return;
        }
    }
}

void xd_waiters_look(struct xd_hub *hub, const char *order_id) {
    for (size_t index = 0; index < hub->waiters.count; index++) {
        struct xd_waiter *waiter = &hub->waiters.items[index];
        waiter->look = waiter->look || strcmp(waiter->order_id, order_id) == 0;
    }
}

void xd_waiters_left(struct xd_hub *hub) {
    struct xd_waiters *waiters = &hub->waiters;
    for (size_t index = waiters->count; index > 0; index--) {
        if (waiters->items[index - 1].answered) {
            waiters->items[index - 1] = waiters->items[--waiters->count];
        }
    }
}

void xd_waiters_back(struct xd_hub *hub) {
    for (size_t index = 0; index < hub->waiters.count; index++) {
        hub->waiters.items[index].answered = false;
        hub->waiters.items[index].look = true;
    }
}

static enum xd_result look(struct xd_hub *hub, struct xd_waiter *waiter, bool over,
                           struct xd_effects *effects) {
    const struct xd_hub_store *store = hub->config.store;
    const struct xd_api_request request = {.handle = waiter->handle, .queued = waiter->queued};
    struct xd_order_row row;
    enum xd_result result = store->order_get(store->context, waiter->order_id, &row);
    if (result != XD_OK) {
        return result;
    }
    bool accepted = (row.steps & XD_STEP_BIT(XD_STEP_POST)) != 0 && row.status != XD_ORDER_REJECTED;
    bool stopped = row.holds != 0 || row.cancelled || row.status == XD_ORDER_REJECTED ||
                   row.status == XD_ORDER_CANCELLED;
    waiter->look = false;
    if (!accepted && !stopped && !over) {
        return XD_OK;
    }
    struct xd_buffer warnings;
    xd_buffer_init(&warnings, 0);
    result = xd_validated_warnings(hub, row.order_id, false, &warnings);
    if (result == XD_OK) {
        waiter->answered = true;
        xd_hub_answer_order(effects, &request, accepted ? 201 : 202, &row, xd_order_status_names[row.status],
                            xd_buffer_view(&warnings));
    }
    xd_buffer_free(&warnings);
    return result;
}

enum xd_result xd_waiters_run(struct xd_hub *hub, bool all, struct xd_now now, struct xd_effects *effects) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < hub->waiters.count && result == XD_OK; index++) {
        struct xd_waiter *waiter = &hub->waiters.items[index];
        bool over = all || now.monotonic >= waiter->until;
        if (!waiter->answered && (waiter->look || over)) {
            result = look(hub, waiter, over, effects);
        }
    }
    return result;
}
