/* One peer's end of the line: its streams in both directions, the handshake, the
 * acks, and what goes out next. A site has one (towards the hub), the hub has one
 * for each site; the protocol is the same on both sides.
 *
 * A process sends nothing sequenced before the first welcome that echoes its own
 * session. Hellos are repeated with growing waits while nothing is heard, so an
 * absent peer's queue does not fill with them; nor does what fails here, time and
 * again, make the line talk. All deadlines are monotonic.
 * The turn's thread. Source: shared protocol text in README "The line". */
#ifndef XD_DELIVERY_LINE_H
#define XD_DELIVERY_LINE_H

#include "base/effects.h"
#include "delivery/flight.h"
#include "delivery/lanes.h"
#include "delivery/receiver.h"
#include "delivery/retry.h"
#include "delivery/sender.h"
#include "documents/envelope.h"

#define XD_LINE_ACK_MS ((xd_ms)200)         /* an ack waits at most so long for company */
#define XD_LINE_ACK_COUNT 256u              /* ... or for so many documents */
#define XD_LINE_GAP_MS ((xd_ms)1000)        /* a gap is asked for after so long */
#define XD_LINE_STUCK_MS ((xd_ms)30000)     /* confirmed but not covered: hello */
#define XD_LINE_REFRESH_MS ((xd_ms)3600000) /* a hello all the same: whatever else was missed ends here */
#define XD_LINE_ALIVE_MS ((xd_ms)120000)    /* heard within: the peer is alive */
#define XD_LINE_KEEP_NOTHING ((xd_ms)-1)

struct xd_line_config {
    const struct xd_env *env;
    const struct xd_delivery_store *store;
    const char *peer;   /* as in the store's stream rows */
    const char *site;   /* the site whose line it is */
    const char *source; /* CloudEvents source of what we send: "/sites/WH1", "/hub" */
    const char *send_lanes[XD_LANES_MAX];
    const char *receive_lanes[XD_LANES_MAX];
    const char *exchange, *routing_key; /* where we publish */
    struct xd_key key;                  /* signs what we send, verifies what comes */
    /* Hello again only to a peer that was heard of lately (the hub towards its sites). */
    bool peer_polls;
};

/* What happened on the line that its owner must know. */
enum xd_line_news {
    XD_LINE_REWOUND,   /* the peer had seen rewind->first..last of our stream, which we do not hold */
    XD_LINE_NEW_EPOCH, /* we renumbered a stream */
    XD_LINE_ADOPTED, /* the peer's stream has a new epoch; rewind: the old one, and `last` of it that came */
    XD_LINE_REGRESSED, /* ... for it went back: rewind: the old epoch, first..last that it gave and forgot */
    XD_LINE_CONFLICT   /* same epoch and sequence, other content */
};

struct xd_line {
    struct xd_line_config config;
    char peer[XD_SITE_SIZE], site[XD_SITE_SIZE], source[48], exchange[64], routing_key[64];
    struct xd_sender send[XD_LANES_MAX];
    struct xd_receiver receive[XD_LANES_MAX];
    struct xd_lanes lanes;
    char session[XD_EPOCH_SIZE]; /* of the hello that is not answered yet; "" none */
    bool welcomed;               /* in this process */
    bool up;                     /* the connection that publishes is up */
    bool hello_due;
    bool ask_again; /* once more after the answer that is awaited */
    xd_ms hello_at; /* not before */
    xd_ms asked_at; /* when the last hello left */
    struct xd_retry hello_retry;
    bool undone;     /* a batch failed, and nobody was asked since what it took along */
    xd_ms undone_at; /* ... not before */
    struct xd_retry undone_retry;
    xd_ms heard_at;     /* anything authentic from the peer; 0: never in this process */
    xd_ms ack_at;       /* when the last ack left */
    xd_ms paused_until; /* after a returned message */
    struct xd_retry pause_retry;
    struct xd_rewind regressed[XD_LANES_MAX]; /* told when a new epoch confirms it */
    uint64_t repeats;                         /* duplicates seen */
    void (*told)(void *owner, struct xd_line *line, enum xd_line_news news, const char *lane,
                 const struct xd_rewind *rewind);
    void *owner;
};

/* Reads or makes the stream rows (inside a transaction). line MUST stay where it
 * is in memory. config's texts are copied, env and store borrowed. */
XD_CHECKED enum xd_result xd_line_open(struct xd_line *line, const struct xd_line_config *config,
                                       xd_ms monotonic);
void xd_line_close(struct xd_line *line);
/* Reads the rows again. restart (failed commit): what the batch said and handed out has
 * not left. A handshake tells what is missing of it; batches that fail time and again
 * lead to one ever more rarely, at least once a minute while the peer is heard. */
XD_CHECKED enum xd_result xd_line_reload(struct xd_line *line, bool restart);

/* The publishing connection. up: hello is due. down: what was in flight is sent
 * again after the next up (the flight of this line is dropped by the owner). */
void xd_line_up(struct xd_line *line, xd_ms monotonic);
void xd_line_down(struct xd_line *line);

/* Appends a document to lane (0 or 1) of what we send. row: kind, document_id,
 * version, hash, correlation, accepted_at and body are the caller's. */
XD_CHECKED enum xd_result xd_line_append(struct xd_line *line, unsigned lane, struct xd_outbox_row *row);

/* A sequenced envelope: which lane (-1: not one of ours) and what to do with it. */
int xd_line_lane(const struct xd_line *line, const struct xd_envelope *envelope);
enum xd_arrival xd_line_look(const struct xd_line *line, unsigned lane, const struct xd_envelope *envelope,
                             const struct xd_hash *hash, bool known);
XD_CHECKED enum xd_result xd_line_take(struct xd_line *line, unsigned lane,
                                       const struct xd_envelope *envelope, const struct xd_hash *hash);
/* A repeat: counted, and the peer is told again what is here. */
void xd_line_repeat(struct xd_line *line, unsigned lane);
/* The peer said that it lives: an ack goes back soon, also when it tells nothing new, so
 * that the peer hears that its consumer works. */
void xd_line_answer(struct xd_line *line);
/* A conflict: marks the stream and makes a hello due. */
XD_CHECKED enum xd_result xd_line_conflict(struct xd_line *line, unsigned lane, uint64_t sequence);

/* hello, welcome or ack from the peer. */
XD_CHECKED enum xd_result xd_line_message(struct xd_line *line, const char *type, const struct xd_link *link,
                                          struct xd_now now, struct xd_effects *effects);
/* Anything authentic came. */
void xd_line_heard(struct xd_line *line, xd_ms monotonic);

/* The broker's word on one message of this line. */
void xd_line_confirmed(struct xd_line *line, unsigned lane, uint64_t sequence, xd_ms monotonic);
void xd_line_returned(struct xd_line *line, unsigned lane, uint64_t sequence, xd_ms monotonic);

/* Hands out what waits, at most room documents; *taken says how many. */
XD_CHECKED enum xd_result xd_line_pump(struct xd_line *line, struct xd_flight *flight, size_t room,
                                       struct xd_now now, struct xd_effects *effects, size_t *taken);
/* What the store learns with what the turn has written: call when all of that is. */
XD_CHECKED enum xd_result xd_line_settle(struct xd_line *line, xd_ms monotonic);
/* Hellos and acks that are due. Call at the end of each batch and on the tick. */
void xd_line_tick(struct xd_line *line, struct xd_now now, struct xd_effects *effects);
/* Publishes one unsequenced message of the line itself. */
void xd_line_publish(struct xd_line *line, const char *type, struct xd_bytes data, struct xd_now now,
                     struct xd_effects *effects);
/* Drops what is covered and has been for keep_ms in which the peer was heard (XD_LINE_KEEP_NOTHING: what
 * is covered), at most max documents of each lane. The wall clock has no say. */
XD_CHECKED enum xd_result xd_line_trim(struct xd_line *line, xd_ms keep_ms, size_t max, xd_ms monotonic,
                                       bool *more);
uint64_t xd_line_backlog(const struct xd_line *line, unsigned lane);
/* The age (by the wall clock) of the oldest document that is not covered; 0: none. */
XD_CHECKED enum xd_result xd_line_oldest(const struct xd_line *line, struct xd_now now, int64_t *ms);
bool xd_line_alive(const struct xd_line *line, xd_ms monotonic);
bool xd_line_check(const struct xd_line *line);

#endif
