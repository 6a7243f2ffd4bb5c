#include "posix/runtime/mailbox.h"

#include "base/memory.h"

#include <pthread.h>
#include <time.h>

struct slot {
    void *event;
    size_t bytes;
};

struct xd_mailbox {
    pthread_mutex_t mutex;
    pthread_cond_t filled, drained;
    struct slot *slots;
    size_t capacity, first, count;
    size_t bytes, bytes_max;
    bool closed;
};

enum xd_result xd_mailbox_new(size_t capacity, size_t bytes_max, struct xd_mailbox **out) {
    struct xd_mailbox *mailbox = xd_alloc(sizeof *mailbox);
    struct slot *slots = xd_alloc(capacity * sizeof *slots);
    if (mailbox == NULL || slots == NULL) {
        xd_free(mailbox);
        xd_free(slots);
        return XD_NO_MEMORY;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&mailbox->mutex, NULL);
    pthread_cond_init(&mailbox->filled, &monotonic);
    pthread_cond_init(&mailbox->drained, NULL);
    pthread_condattr_destroy(&monotonic);
    mailbox->slots = slots;
    mailbox->capacity = capacity;
    mailbox->bytes_max = bytes_max;
    *out = mailbox;
    return XD_OK;
}

void xd_mailbox_free(struct xd_mailbox *mailbox) {
    if (mailbox == NULL) {
        return;
    }
    pthread_cond_destroy(&mailbox->filled);
    pthread_cond_destroy(&mailbox->drained);
    pthread_mutex_destroy(&mailbox->mutex);
    xd_free(mailbox->slots);
    xd_free(mailbox);
}

/* An event larger than the whole bound still fits alone. */
static bool fits(const struct xd_mailbox *mailbox, size_t bytes) {
    return mailbox->count < mailbox->capacity &&
           (mailbox->count == 0 || mailbox->bytes + bytes <= mailbox->bytes_max);
}

static void add(struct xd_mailbox *mailbox, void *event, size_t bytes) {
    mailbox->slots[(mailbox->first + mailbox->count) % mailbox->capacity] = (struct slot){event, bytes};
    mailbox->count++;
    mailbox->bytes += bytes;
    pthread_cond_signal(&mailbox->filled);
}

bool xd_mailbox_put(struct xd_mailbox *mailbox, void *event, size_t bytes) {
    pthread_mutex_lock(&mailbox->mutex);
    while (!mailbox->closed && !fits(mailbox, bytes)) {
        pthread_cond_wait(&mailbox->drained, &mailbox->mutex);
    }
    bool open = !mailbox->closed;
    if (open) {
        add(mailbox, event, bytes);
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return open;
}

enum xd_result xd_mailbox_try(struct xd_mailbox *mailbox, void *event, size_t bytes) {
    pthread_mutex_lock(&mailbox->mutex);
    enum xd_result result = mailbox->closed ? XD_UNAVAILABLE : fits(mailbox, bytes) ? XD_OK : XD_FULL;
    if (result == XD_OK) {
        add(mailbox, event, bytes);
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return result;
}

static void wait_filled(struct xd_mailbox *mailbox, unsigned timeout_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    while (mailbox->count == 0 && !mailbox->closed &&
           pthread_cond_timedwait(&mailbox->filled, &mailbox->mutex, &until) == 0) {
    }
}

size_t xd_mailbox_take(struct xd_mailbox *mailbox, void **events, size_t max, unsigned timeout_ms) {
    pthread_mutex_lock(&mailbox->mutex);
    wait_filled(mailbox, timeout_ms);
    size_t taken = 0;
    while (taken < max && mailbox->count > 0) {
        struct slot *slot = &mailbox->slots[mailbox->first];
        events[taken++] = slot->event;
        mailbox->bytes -= slot->bytes;
        mailbox->first = (mailbox->first + 1) % mailbox->capacity;
        mailbox->count--;
    }
    if (taken > 0) {
        pthread_cond_broadcast(&mailbox->drained);
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return taken;
}

void xd_mailbox_close(struct xd_mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->mutex);
    mailbox->closed = true;
    pthread_cond_broadcast(&mailbox->filled);
    pthread_cond_broadcast(&mailbox->drained);
    pthread_mutex_unlock(&mailbox->mutex);
}

bool xd_mailbox_closed(struct xd_mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->mutex);
    bool closed = mailbox->closed;
    pthread_mutex_unlock(&mailbox->mutex);
    return closed;
}
