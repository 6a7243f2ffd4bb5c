/* AMQP 0-9-1 by rabbitmq-c: one publishing and one consuming connection, each
 * with its own thread, reconnecting for ever with full jitter, guarded by a
 * watchdog that cuts a connection which is up but does not move.
 *
 * Nothing here decides: what happened is told through callbacks, which run on
 * the connector's threads and MUST NOT block for long, except `delivered`, which
 * may block (that is the back-pressure towards the broker: no further frame is
 * read from the consuming connection's queue, but heartbeats go on).
 * Sources: AMQP 0-9-1 specification; RabbitMQ's publisher confirms, consumer
 * acknowledgement and connection.blocked extensions. */
#ifndef XD_AMQP_AMQP_H
#define XD_AMQP_AMQP_H

#include "base/bytes.h"
#include "base/result.h"

#include <stdbool.h>
#include <stdint.h>

struct xd_amqp_address {
    const char *url; /* amqp://host:port or amqps://host:port */
    const char *vhost, *username, *password;
    const char *ca_file, *cert_file, *key_file; /* NULL: system's CAs, no client certificate */
    const char *connection_name;                /* shown by the broker; may be NULL */
    unsigned heartbeat_s;                       /* 0: 10 */
    unsigned stall_ms; /* work pending and nothing moves for so long: the connection is rebuilt; 0: 15000 */
    unsigned retry_ms_min, retry_ms_max; /* reconnect, full jitter; 0: 200, 30000 */
    /* Consumers: nothing delivered for so long: the connection is made anew; doubled, up
     * to eight times, while nothing comes to the new one either; 0: never. RabbitMQ can
     * leave a consumer deaf without a word: when its queue was deleted and declared again
     * within milliseconds (3.10.8), deliveries get lost between queue and channel. The
     * owner of a queue that may well be silent sends it a probe when `quiet` asks for one. */
    unsigned silence_ms;
};

/* A channel open for declarations; see the end of this header. */
struct xd_amqp_setup;

/* ---- publishing ---- */

struct xd_amqp_message {
    uint64_t tag; /* the caller's, given back in the confirm */
    const char *exchange, *routing_key;
    const char *content_type, *message_id, *correlation_id; /* NULL: none */
    const char *signature;                                  /* header crossdock-signature; NULL: none */
    const char *traceparent;                                /* header; NULL: none */
    const char *user_id;                                    /* property; NULL: none */
    unsigned status;                                        /* header of a reply; 0: none */
    const char *location;                                   /* likewise; NULL: none */
    bool passing;   /* worth nothing after a crash of the broker: not kept on disk */
    bool mandatory; /* adds the header publish-sequence, by which a return is recognised */
    struct xd_bytes body;
};

enum xd_amqp_outcome {
    XD_AMQP_CONFIRMED,
    XD_AMQP_RETURNED, /* unroutable (a basic.return came, then the ack) */
    XD_AMQP_REFUSED   /* basic.nack */
};

struct xd_amqp_publisher_events {
    void *context;
    /* Confirms since the last call, in one batch; each message handed in since
     * the last `up` is told at most once. Arrays are borrowed for the call. */
    void (*confirmed)(void *context, const uint64_t *tags, const enum xd_amqp_outcome *outcomes,
                      size_t count);
    /* The connection is ready (confirm mode on). generation rises with each. */
    void (*up)(void *context, uint64_t generation);
    /* Lost, or an attempt failed for another reason than told last (generation is
     * then that of the last `up`, 0 before the first). Everything handed in and not
     * confirmed is forgotten by the connector: its fate is unknown, the caller sends
     * it again after `up`. */
    void (*down)(void *context, uint64_t generation, const char *why);
    /* connection.blocked / unblocked: publishing pauses by itself. */
    void (*blocked)(void *context, bool blocked, const char *why);
    /* Called after each (re)connect before `up`, on the publishing connection's
     * own thread, to declare topology; may be NULL. A failure counts as a failed
     * connect. */
    enum xd_result (*declare)(void *context, struct xd_amqp_setup *setup);
};

struct xd_amqp_publisher;

/* Copies what it keeps. Starts the thread; the first connect is under way. */
XD_CHECKED enum xd_result xd_amqp_publisher_start(const struct xd_amqp_address *address,
                                                  size_t window_messages, size_t window_bytes,
                                                  const struct xd_amqp_publisher_events *events,
                                                  struct xd_amqp_publisher **out);
/* Queues one message (copied) for generation; never blocks. XD_AGAIN: the queue
 * is full or the connection is down or of another generation. XD_INVALID: AMQP
 * cannot carry it (a text over 255 bytes, a header over 4096) or the body is over
 * 16 MiB. Any thread. */
XD_CHECKED enum xd_result xd_amqp_publish(struct xd_amqp_publisher *publisher, uint64_t generation,
                                          const struct xd_amqp_message *message);
/* How many messages xd_amqp_publish would take now. Any thread. */
size_t xd_amqp_publisher_room(struct xd_amqp_publisher *publisher);
/* Closes and joins, within a second; messages not confirmed are forgotten, and no
 * callback begins any more. MUST NOT be called from a callback. */
void xd_amqp_publisher_stop(struct xd_amqp_publisher *publisher);

/* ---- consuming ---- */

struct xd_amqp_delivery {
    uint64_t generation; /* of the connection; an ack for an older one is ignored */
    uint64_t tag;
    bool redelivered;
    const char *exchange, *routing_key, *user_id, *signature, *content_type, *message_id; /* NULL: absent */
    const char *reply_to, *correlation_id;
    const char *authorization, *idempotency_key, *prefer; /* headers of orders, in any case of letters */
    struct xd_bytes body;
};

struct xd_amqp_consumer_events {
    void *context;
    /* delivery is borrowed for the call. May block; false: shutting down. */
    bool (*delivered)(void *context, const struct xd_amqp_delivery *delivery);
    /* As the publisher's. A missing queue is a failed attempt: it is tried again.
     * One delivery of the lost generation may still be told after `down`. */
    void (*up)(void *context, uint64_t generation);
    void (*down)(void *context, uint64_t generation, const char *why);
    /* Nothing was delivered for half of the time after which the connection is made anew. The
     * owner publishes an empty message to the queue whose message id is XD_AMQP_PROBE, by a
     * connection of its own: if it is delivered the consumer hears, and all is well. May be NULL. */
    void (*quiet)(void *context);
    /* As the publisher's. Declares before it consumes. May be NULL. */
    enum xd_result (*declare)(void *context, struct xd_amqp_setup *setup);
};

struct xd_amqp_consumer;

/* Empty messages with this id are acked by the consumer itself, whoever sent them. */
#define XD_AMQP_PROBE "crossdock.probe"

XD_CHECKED enum xd_result xd_amqp_consumer_start(const struct xd_amqp_address *address, const char *queue,
                                                 uint16_t prefetch,
                                                 const struct xd_amqp_consumer_events *events,
                                                 struct xd_amqp_consumer **out);
/* Queues an ack (multiple=true: all up to tag). Never blocks. Any thread. */
void xd_amqp_ack(struct xd_amqp_consumer *consumer, uint64_t generation, uint64_t tag, bool multiple);
/* Rejects without requeue: the queue's dead-letter exchange takes it. */
void xd_amqp_reject(struct xd_amqp_consumer *consumer, uint64_t generation, uint64_t tag);
/* Cuts the connection now and reconnects (a gap that must heal by redelivery). */
void xd_amqp_consumer_restart(struct xd_amqp_consumer *consumer);
/* Closes and joins. Whoever may hold `delivered` MUST let it return first or
 * meanwhile: the stop waits for it. No callback begins after the stop has. */
void xd_amqp_consumer_stop(struct xd_amqp_consumer *consumer);

/* ---- declaring (inside a `declare` callback only) ---- */

XD_CHECKED enum xd_result xd_amqp_declare_exchange(struct xd_amqp_setup *setup, const char *name,
                                                   const char *type);
/* A durable quorum queue; dead_letter_exchange NULL: none (at-least-once
 * dead-lettering with overflow reject-publish otherwise). */
XD_CHECKED enum xd_result xd_amqp_declare_quorum_queue(struct xd_amqp_setup *setup, const char *name,
                                                       const char *dead_letter_exchange,
                                                       bool single_active_consumer);
XD_CHECKED enum xd_result xd_amqp_bind_queue(struct xd_amqp_setup *setup, const char *queue,
                                             const char *exchange, const char *key);
XD_CHECKED enum xd_result xd_amqp_bind_exchange(struct xd_amqp_setup *setup, const char *destination,
                                                const char *source, const char *key);

#endif
