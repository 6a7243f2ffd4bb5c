/* Eight ticks in a row that see one concern pending and its progress count the same cut the
 * connection. A tick that sees it not pending, or movement, starts its count anew. */
#include "amqp/watchdog.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STALL_TICKS 8u

static void cut_locked(struct xd_amqp_watchdog *watchdog) {
    if (watchdog->fd < 0)
        return;
    /* Fails only where the socket is dead already, which is what we want. */
    (void)shutdown(watchdog->fd, SHUT_RDWR);
    watchdog->cut = true;
}

static void forget_locked(struct xd_amqp_watchdog *watchdog) {
    if (watchdog->fd >= 0)
        (void)close(watchdog->fd);
    watchdog->fd = -1;
}

/* One tick's sleep; false: the watchdog ends. */
static bool sleep_locked(struct xd_amqp_watchdog *watchdog) {
    struct timespec until;
    if (watchdog->ending || clock_gettime(CLOCK_MONOTONIC, &until) != 0)
        return false;
    until.tv_sec += watchdog->tick_ms / 1000;
    until.tv_nsec += (long)(watchdog->tick_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    int error = 0;
    while (!watchdog->ending && error == 0)
        error = pthread_cond_timedwait(&watchdog->changed, &watchdog->mutex, &until);
    return !watchdog->ending;
}

/* What the watching thread saw at its last tick. */
struct seen {
    unsigned long progress[XD_AMQP_CONCERNS];
    unsigned still[XD_AMQP_CONCERNS]; /* ticks in a row */
    int unsent;                       /* bytes in the kernel's send queue */
};

/* Whether the peer's kernel took bytes since the last tick. */
static bool bytes_left(const struct xd_amqp_watchdog *watchdog, struct seen *seen) {
    int unsent = 0;
    if (ioctl(watchdog->fd, SIOCOUTQ, &unsent) != 0)
        unsent = 0;
    bool left = unsent < seen->unsent;
    seen->unsent = unsent;
    return left;
}

static void tick_locked(struct xd_amqp_watchdog *watchdog, struct seen *seen) {
    bool watching = watchdog->fd >= 0;
    bool left = watching && bytes_left(watchdog, seen);
    for (int i = 0; i < XD_AMQP_CONCERNS; i++) {
        unsigned long now = atomic_load(&watchdog->concerns[i].progress);
        bool pending = atomic_load(&watchdog->concerns[i].pending);
        if (!watching || !pending || left || now != seen->progress[i])
            seen->still[i] = 0;
        else if (++seen->still[i] == STALL_TICKS)
            cut_locked(watchdog);
        seen->progress[i] = now;
    }
}

static void *watch(void *argument) {
    struct xd_amqp_watchdog *watchdog = argument;
    struct seen seen = {{0}, {0}, 0};
    (void)pthread_mutex_lock(&watchdog->mutex);
    while (sleep_locked(watchdog))
        tick_locked(watchdog, &seen);
    (void)pthread_mutex_unlock(&watchdog->mutex);
    return NULL;
}

enum xd_result xd_amqp_watchdog_start(struct xd_amqp_watchdog *watchdog, unsigned stall_ms) {
    pthread_condattr_t attributes;
    watchdog->fd = -1;
    watchdog->cut = false;
    watchdog->ending = false;
    watchdog->tick_ms = stall_ms / STALL_TICKS + 1;
    for (int i = 0; i < XD_AMQP_CONCERNS; i++) {
        atomic_init(&watchdog->concerns[i].pending, false);
        atomic_init(&watchdog->concerns[i].progress, 0);
    }
    if (pthread_condattr_init(&attributes) != 0)
        return XD_IO;
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&watchdog->changed, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (!made)
        return XD_IO;
    if (pthread_mutex_init(&watchdog->mutex, NULL) != 0)
        goto no_mutex;
    if (pthread_create(&watchdog->thread, NULL, watch, watchdog) != 0)
        goto no_thread;
    return XD_OK;
no_thread:
    (void)pthread_mutex_destroy(&watchdog->mutex);
no_mutex:
    (void)pthread_cond_destroy(&watchdog->changed);
    return XD_IO;
}

void xd_amqp_watchdog_stop(struct xd_amqp_watchdog *watchdog) {
    (void)pthread_mutex_lock(&watchdog->mutex);
    watchdog->ending = true;
    (void)pthread_cond_signal(&watchdog->changed);
    (void)pthread_mutex_unlock(&watchdog->mutex);
    (void)pthread_join(watchdog->thread, NULL);
    forget_locked(watchdog);
    (void)pthread_mutex_destroy(&watchdog->mutex);
    (void)pthread_cond_destroy(&watchdog->changed);
}

enum xd_result xd_amqp_watchdog_watch(struct xd_amqp_watchdog *watchdog, int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    (void)pthread_mutex_lock(&watchdog->mutex);
    forget_locked(watchdog);
    watchdog->fd = copy;
    watchdog->cut = false;
    (void)pthread_mutex_unlock(&watchdog->mutex);
    return copy < 0 ? XD_IO : XD_OK;
}

void xd_amqp_watchdog_forget(struct xd_amqp_watchdog *watchdog) {
    for (int i = 0; i < XD_AMQP_CONCERNS; i++)
        xd_amqp_watchdog_rest(watchdog, (enum xd_amqp_concern)i);
    (void)pthread_mutex_lock(&watchdog->mutex);
    forget_locked(watchdog);
    (void)pthread_mutex_unlock(&watchdog->mutex);
}

void xd_amqp_watchdog_cut(struct xd_amqp_watchdog *watchdog) {
    (void)pthread_mutex_lock(&watchdog->mutex);
    cut_locked(watchdog);
    (void)pthread_mutex_unlock(&watchdog->mutex);
}

bool xd_amqp_watchdog_has_cut(struct xd_amqp_watchdog *watchdog) {
    (void)pthread_mutex_lock(&watchdog->mutex);
    bool cut = watchdog->cut;
    (void)pthread_mutex_unlock(&watchdog->mutex);
    return cut;
}
