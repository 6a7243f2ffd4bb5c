/* The outside eye on one connection. rabbitmq-c can wait for ever in a send to
 * a broker that is frozen; the watchdog's thread sees that a piece of work was
 * begun and nothing has moved since, and shuts the socket down, which makes the
 * call return with an error.
 *
 * There are two concerns. A call: any call into the library that may block; it
 * moves when the call returns or a frame is read. An answer: messages that wait
 * for the broker's confirm; only a confirm moves it, for a broker that takes
 * messages and never confirms them must be noticed too. Bytes that leave the
 * kernel's send queue move both: a large message on a slow line is no stall.
 *
 * It counts its own ticks without progress instead of reading a clock, so that
 * a process that was stopped for an hour (SIGSTOP, suspend) is not taken for a
 * connection that did not move for an hour. It keeps a duplicate of the socket:
 * the library may close its own at any time, and the number may be another's
 * by then.
 *
 * begin, rest, moved: the connection's thread only. The rest: any thread. */
#ifndef XD_AMQP_WATCHDOG_H
#define XD_AMQP_WATCHDOG_H

#include "base/result.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum xd_amqp_concern { XD_AMQP_CALL, XD_AMQP_ANSWER, XD_AMQP_CONCERNS };

struct xd_amqp_watchdog {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned tick_ms;
    bool ending; /* under mutex, as fd and cut */
    int fd;      /* our duplicate; -1: nothing to watch */
    bool cut;
    struct {
        atomic_bool pending;
        atomic_ulong progress; /* rises whenever something moved */
    } concerns[XD_AMQP_CONCERNS];
};

/* Starts the thread. Work without progress for stall_ms (up to an eighth more) is cut. */
XD_CHECKED enum xd_result xd_amqp_watchdog_start(struct xd_amqp_watchdog *watchdog, unsigned stall_ms);
/* Ends the thread and forgets the socket. Not on the watchdog's own thread. */
void xd_amqp_watchdog_stop(struct xd_amqp_watchdog *watchdog);

/* Watches fd from now on (duplicated; the caller keeps its own). */
XD_CHECKED enum xd_result xd_amqp_watchdog_watch(struct xd_amqp_watchdog *watchdog, int fd);
void xd_amqp_watchdog_forget(struct xd_amqp_watchdog *watchdog);
/* Shuts the watched socket down now; nothing when there is none. */
void xd_amqp_watchdog_cut(struct xd_amqp_watchdog *watchdog);
/* Whether the socket was shut down since it is watched. */
bool xd_amqp_watchdog_has_cut(struct xd_amqp_watchdog *watchdog);

/* Something moved. */
static inline void xd_amqp_watchdog_moved(struct xd_amqp_watchdog *watchdog, enum xd_amqp_concern concern) {
    atomic_fetch_add_explicit(&watchdog->concerns[concern].progress, 1, memory_order_relaxed);
}
/* From here on something must move; nothing changes when that holds already. */
static inline void xd_amqp_watchdog_begin(struct xd_amqp_watchdog *watchdog, enum xd_amqp_concern concern) {
    if (atomic_load_explicit(&watchdog->concerns[concern].pending, memory_order_relaxed))
        return;
    xd_amqp_watchdog_moved(watchdog, concern);
    atomic_store_explicit(&watchdog->concerns[concern].pending, true, memory_order_relaxed);
}
/* Nothing is expected to move: idle, or inside a callback. */
static inline void xd_amqp_watchdog_rest(struct xd_amqp_watchdog *watchdog, enum xd_amqp_concern concern) {
    atomic_store_explicit(&watchdog->concerns[concern].pending, false, memory_order_relaxed);
}

#endif
