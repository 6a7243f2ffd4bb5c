/* The life of a connection:
 *
 *   connect, log in, prepare --ok--> up -> serve -> forget, down --+
 *        |failed                                                   |
 *        +--> down, when the reason is another than last told ----> wait -> again
 *
 * The wait is uniformly random in 0..min(retry_ms_max, retry_ms_min * 2^failures)
 * ("full jitter": many agents that lost the same broker come back spread out); a
 * connection that was up for STABLE_MS clears the count of failures.
 *
 * Stopping: the flag is raised and the thread woken; if that does not end it, it
 * sits in a call, and its socket is shut down; if that does not help either, it
 * has no socket yet (a name lookup, or the library's own connect), and it is left behind to free
 * itself when the call returns. Between the flag and the end no callback begins. */
#include "amqp/connection.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define STABLE_MS 5000
#define STOP_WAKE_MS 500
#define STOP_CUT_MS 300
#define BEAT_MS_MAX 2500u

int64_t xd_amqp_clock_ms(void) {
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_connecting(struct xd_amqp_connection *connection, bool connecting) {
    (void)pthread_mutex_lock(&connection->mutex);
    connection->connecting = connecting;
    (void)pthread_mutex_unlock(&connection->mutex);
}

/* One connection from its beginning to its end; true: it was up. */
static bool live(struct xd_amqp_connection *connection) {
    const struct xd_amqp_role *role = connection->role;
    connection->why[0] = '\0';
    set_connecting(connection, true);
    enum xd_result result = xd_amqp_link_open(connection);
    set_connecting(connection, false);
    if (result != XD_OK || atomic_load(&connection->stopping))
        return false;
    result = role->prepare(connection->context);
    if (result != XD_OK) {
        (void)xd_amqp_broken(connection, "setting up: %s", xd_result_name(result));
        return false;
    }
    if (atomic_load(&connection->stopping))
        return false;
    atomic_store(&connection->restart, false);
    connection->told[0] = '\0';
    role->up(connection->context, ++connection->generation);
    xd_amqp_watchdog_begin(&connection->watchdog, XD_AMQP_CALL);
    role->serve(connection->context);
    for (int i = 0; i < XD_AMQP_CONCERNS; i++)
        xd_amqp_watchdog_rest(&connection->watchdog, (enum xd_amqp_concern)i);
    if (atomic_load(&connection->restart))
        (void)xd_amqp_broken(connection, "restart asked for");
    return true;
}

/* Tells a loss always, a failed attempt when its reason is news. */
static void tell_down(struct xd_amqp_connection *connection, bool was_up) {
    if (was_up)
        connection->role->forget(connection->context);
    if (atomic_load(&connection->stopping))
        return;
    if (!was_up && strcmp(connection->why, connection->told) == 0)
        return;
    memcpy(connection->told, connection->why, sizeof connection->told);
    connection->role->down(connection->context, connection->generation, connection->why);
}

static unsigned jitter_ms(const struct xd_amqp_connection *connection) {
    uint64_t most = connection->endpoint.retry_ms_min;
    uint64_t random = 0;
    for (unsigned i = 0; i < connection->attempt && most < connection->endpoint.retry_ms_max; i++)
        most *= 2;
    if (most > connection->endpoint.retry_ms_max)
        most = connection->endpoint.retry_ms_max;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return (unsigned)most; /* no jitter is better than no pause */
    return (unsigned)(random % (most + 1));
}

static void pause_before_retry(struct xd_amqp_connection *connection) {
    int64_t until = xd_amqp_clock_ms() + jitter_ms(connection);
    connection->attempt++;
    while (!atomic_load(&connection->stopping)) {
        struct pollfd polled = {.fd = connection->wake, .events = POLLIN};
        int64_t left = until - xd_amqp_clock_ms();
        if (left <= 0)
            return;
        if (poll(&polled, 1, (int)left) > 0)
            xd_amqp_wake_clear(connection);
    }
}

static void *run(void *argument) {
    struct xd_amqp_connection *connection = argument;
    while (!atomic_load(&connection->stopping)) {
        int64_t began = xd_amqp_clock_ms();
        bool was_up = live(connection);
        if (was_up && xd_amqp_clock_ms() - began >= STABLE_MS)
            connection->attempt = 0;
        xd_amqp_link_close(connection);
        tell_down(connection, was_up);
        pause_before_retry(connection);
    }
    (void)pthread_mutex_lock(&connection->mutex);
    connection->finished = true;
    bool orphaned = connection->orphaned;
    (void)pthread_cond_signal(&connection->changed);
    (void)pthread_mutex_unlock(&connection->mutex);
    if (orphaned)
        connection->role->destroy(connection->context);
    return NULL;
}

static enum xd_result make_condition(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return XD_IO;
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(condition, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return made ? XD_OK : XD_IO;
}

/* Starts both threads with all signals blocked: signals are the main thread's. */
static enum xd_result start_threads(struct xd_amqp_connection *connection) {
    sigset_t all, before;
    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return XD_IO;
    enum xd_result result = xd_amqp_watchdog_start(&connection->watchdog, connection->endpoint.stall_ms);
    if (result == XD_OK && pthread_create(&connection->thread, NULL, run, connection) != 0) {
        xd_amqp_watchdog_stop(&connection->watchdog);
        result = XD_IO;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

/* Waits for the thread's end; false: not within ms. The mutex is held. */
static bool await_end(struct xd_amqp_connection *connection, long ms) {
    struct timespec until;
    int error = clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!connection->finished && error == 0)
        error = pthread_cond_timedwait(&connection->changed, &connection->mutex, &until);
    return connection->finished;
}

enum xd_result xd_amqp_connection_start(struct xd_amqp_connection *connection,
                                        const struct xd_amqp_address *address,
                                        const struct xd_amqp_role *role, void *context) {
    memset(connection, 0, sizeof *connection);
    connection->role = role;
    connection->context = context;
    enum xd_result result = xd_amqp_endpoint_make(address, &connection->endpoint);
    if (result != XD_OK)
        return result;
    result = XD_IO;
    connection->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (connection->wake < 0)
        goto no_wake;
    if (make_condition(&connection->changed) != XD_OK)
        goto no_condition;
    if (pthread_mutex_init(&connection->mutex, NULL) != 0)
        goto no_mutex;
    result = start_threads(connection);
    if (result == XD_OK)
        return XD_OK;
    (void)pthread_mutex_destroy(&connection->mutex);
no_mutex:
    (void)pthread_cond_destroy(&connection->changed);
no_condition:
    (void)close(connection->wake);
no_wake:
    xd_amqp_endpoint_free(&connection->endpoint);
    return result;
}

bool xd_amqp_connection_stop(struct xd_amqp_connection *connection) {
    atomic_store(&connection->stopping, true);
    xd_amqp_wake(connection);
    (void)pthread_mutex_lock(&connection->mutex);
    bool ended = await_end(connection, STOP_WAKE_MS);
    while (!ended) {
        xd_amqp_watchdog_cut(&connection->watchdog);
        ended = await_end(connection, STOP_CUT_MS);
        if (!ended && connection->connecting) {
            (void)pthread_detach(connection->thread);
            connection->orphaned = true;
            break;
        }
    }
    (void)pthread_mutex_unlock(&connection->mutex); /* an orphan may be freed from here on */
    if (ended)
        (void)pthread_join(connection->thread, NULL);
    return ended;
}

void xd_amqp_connection_free(struct xd_amqp_connection *connection) {
    xd_amqp_watchdog_stop(&connection->watchdog);
    (void)pthread_mutex_destroy(&connection->mutex);
    (void)pthread_cond_destroy(&connection->changed);
    (void)close(connection->wake);
    xd_amqp_endpoint_free(&connection->endpoint);
}

void xd_amqp_connection_restart(struct xd_amqp_connection *connection) {
    atomic_store(&connection->restart, true);
    xd_amqp_wake(connection);
}

void xd_amqp_wake(struct xd_amqp_connection *connection) {
    /* Fails only when the counter is full: then it is readable anyway. */
    (void)eventfd_write(connection->wake, 1);
}

void xd_amqp_wake_clear(struct xd_amqp_connection *connection) {
    eventfd_t value;
    (void)eventfd_read(connection->wake, &value); /* EAGAIN: it was clear */
}

bool xd_amqp_must_leave(const struct xd_amqp_connection *connection) {
    return atomic_load(&connection->stopping) || atomic_load(&connection->restart);
}

short xd_amqp_wait(struct xd_amqp_connection *connection, bool write) {
    unsigned beat_ms = connection->endpoint.heartbeat_s * 250; /* four looks a heartbeat */
    struct pollfd polled[2] = {
        {.fd = amqp_get_sockfd(connection->state), .events = (short)(write ? POLLIN | POLLOUT : POLLIN)},
        {.fd = connection->wake, .events = POLLIN},
    };
    xd_amqp_watchdog_rest(&connection->watchdog, XD_AMQP_CALL);
    int count = poll(polled, 2, (int)(beat_ms < BEAT_MS_MAX ? beat_ms : BEAT_MS_MAX));
    xd_amqp_watchdog_begin(&connection->watchdog, XD_AMQP_CALL);
    if (count <= 0)
        return 0;
    if (polled[1].revents != 0)
        xd_amqp_wake_clear(connection);
    return polled[0].revents;
}

enum xd_result xd_amqp_broken(struct xd_amqp_connection *connection, const char *format, ...) {
    va_list arguments;
    if (connection->why[0] != '\0')
        return XD_UNAVAILABLE;
    if (connection->state != NULL && xd_amqp_watchdog_has_cut(&connection->watchdog)) {
        (void)snprintf(connection->why, sizeof connection->why, "nothing moved for %u ms, connection cut",
                       connection->endpoint.stall_ms);
        return XD_UNAVAILABLE;
    }
    va_start(arguments, format);
    (void)vsnprintf(connection->why, sizeof connection->why, format, arguments);
    va_end(arguments);
    return XD_UNAVAILABLE;
}
