/* One AMQP connection with one channel and one thread: opens it, has its role
 * (publisher, consumer) prepared and served, and when it breaks, tells so, waits
 * (full jitter) and begins again, until it is stopped.
 *
 * Everything here belongs to the connection's thread, except start, stop,
 * restart, wake. */
#ifndef XD_AMQP_CONNECTION_H
#define XD_AMQP_CONNECTION_H

#include "amqp/address.h"
#include "amqp/watchdog.h"

#include <amqp.h>
#include <pthread.h>
#include <stdatomic.h>

#define XD_AMQP_CHANNEL 1
/* The largest body that is published or taken; a larger delivery is rejected. */
#define XD_AMQP_BODY_MAX ((uint64_t)16 * 1024 * 1024)

/* What is done with a connection. */
struct xd_amqp_role {
    /* The channel is open: declare, set up. A failure counts as a failed connect. */
    enum xd_result (*prepare)(void *context);
    void (*up)(void *context, uint64_t generation);
    /* Returns when the connection broke (the reason is in `why`) or xd_amqp_must_leave. */
    void (*serve)(void *context);
    /* The connection was up and is not any more: forget what belonged to it.
     * Called also when stopping, unlike `down`. */
    void (*forget)(void *context);
    void (*down)(void *context, uint64_t generation, const char *why);
    /* Frees the whole role with its connection (xd_amqp_connection_free). */
    void (*destroy)(void *context);
};

struct xd_amqp_connection {
    struct xd_amqp_endpoint endpoint;
    const struct xd_amqp_role *role;
    void *context;
    struct xd_amqp_watchdog watchdog;
    amqp_connection_state_t state; /* NULL while there is none */
    bool usable;                   /* the link can still carry a polite close */
    char why[320];                 /* why it broke or could not be opened; the first reason stays */
    char told[320];                /* the last reason told by `down`; "" after `up` */
    uint64_t generation;           /* of the last connection that was up */
    unsigned attempt;              /* failures in a row */
    int wake;                      /* eventfd: look at the flags, the queue, the answers */
    atomic_bool stopping, restart;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool connecting, finished, orphaned; /* under mutex */
};

XD_CHECKED enum xd_result xd_amqp_connection_start(struct xd_amqp_connection *connection,
                                                   const struct xd_amqp_address *address,
                                                   const struct xd_amqp_role *role, void *context);
/* Ends the thread, within a second unless a callback holds it. True: it has
 * ended, the caller destroys the role. False: it sits in a name lookup or in
 * the library's own connect, which nobody can interrupt, and will destroy the role itself; it calls
 * nothing of the caller's any more. */
XD_CHECKED bool xd_amqp_connection_stop(struct xd_amqp_connection *connection);
/* What a role's destroy calls: the thread has ended or is the caller. */
void xd_amqp_connection_free(struct xd_amqp_connection *connection);
/* Drops the connection and makes a new one. Any thread. */
void xd_amqp_connection_restart(struct xd_amqp_connection *connection);
/* Monotonic. Any thread. */
int64_t xd_amqp_clock_ms(void);
/* Makes xd_amqp_wait return. Any thread. */
void xd_amqp_wake(struct xd_amqp_connection *connection);
void xd_amqp_wake_clear(struct xd_amqp_connection *connection);

bool xd_amqp_must_leave(const struct xd_amqp_connection *connection);
/* Sleeps until the socket can be read (or written, when asked), a wake came, or
 * it is time for heartbeats. Gives poll's events of the socket; 0: timed out or
 * woken. The call concern rests meanwhile. */
short xd_amqp_wait(struct xd_amqp_connection *connection, bool write);
/* Keeps the reason unless there is one already. Gives XD_UNAVAILABLE. */
enum xd_result xd_amqp_broken(struct xd_amqp_connection *connection, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- link.c: the connection to the broker itself ---- */

/* Connects, logs in, opens the channel. */
XD_CHECKED enum xd_result xd_amqp_link_open(struct xd_amqp_connection *connection);
void xd_amqp_link_close(struct xd_amqp_connection *connection);
/* The next frame that is there already; connection and channel closed by the
 * broker are dealt with. XD_AGAIN: none. XD_UNAVAILABLE: broken. The frame is valid
 * until the buffers are released. */
XD_CHECKED enum xd_result xd_amqp_next_frame(struct xd_amqp_connection *connection, amqp_frame_t *frame);
/* XD_OK when a call of the library's (int status) went well; otherwise broken. */
XD_CHECKED enum xd_result xd_amqp_check_status(struct xd_amqp_connection *connection, int status,
                                               const char *doing);
/* What became of the last set-up call: XD_OK, XD_DENIED, XD_NOT_FOUND, XD_CONFLICT
 * (exists with other properties), XD_UNAVAILABLE. After any failure the channel is gone. */
XD_CHECKED enum xd_result xd_amqp_check_reply(struct xd_amqp_connection *connection, amqp_rpc_reply_t reply,
                                              const char *doing, const char *name);
/* Library views of our strings; the library reads only. */
amqp_bytes_t xd_amqp_text(const char *text);
amqp_bytes_t xd_amqp_view(struct xd_bytes bytes);

/* ---- setup.c ---- */

struct xd_amqp_setup {
    struct xd_amqp_connection *connection;
};

/* Runs the owner's declare callback; NULL is fine. */
XD_CHECKED enum xd_result
xd_amqp_declare(struct xd_amqp_connection *connection,
                enum xd_result (*declare)(void *context, struct xd_amqp_setup *setup), void *context);

#endif
