/* The sending end of one stream: gives sequence numbers, keeps the chain, knows
 * what to send next, and follows the peer's watermark.
 *
 * Order of calls: open (or reload) -> append at any time; ready only after the
 * peer's welcome told what it has (`welcome`) -> next gives what to send ->
 * `sent` for a broker's confirm -> `covered` for the peer's watermark.
 *
 * Invariants (xd_sender_check): floor <= watermark < next; chain is that of
 * next-1; cursor and every range to resend lie within floor+1..next. */
#ifndef XD_DELIVERY_SENDER_H
#define XD_DELIVERY_SENDER_H

#include "delivery/aging.h"
#include "delivery/ranges.h"
#include "delivery/store.h"
#include "documents/link.h"

struct xd_sender {
    struct xd_stream_row row;
    bool ready;      /* welcomed in this process */
    uint64_t cursor; /* the next sequence that was never handed out since `ready` */
    struct xd_range resend[XD_LINK_MISSING_MAX + 1]; /* to be sent again first */
    size_t resend_count;
    uint64_t hello_cursor; /* when the last hello left: the welcome tells of what is below, and of no more */
    uint64_t hello_watermark; /* ... and the watermark then: below it the peer went back */
    uint64_t hello_next;      /* ... and what it said would be given next */
    uint64_t sent;            /* highest confirmed by the broker */
    xd_ms stuck_since;        /* monotonic: confirmed but not covered; 0: nothing */
    xd_ms unsaved_since;      /* monotonic: the store knows a lower watermark; 0: it knows this one */
    struct xd_aging aging;    /* of what is covered */
};

/* What a welcome means for a stream. */
enum xd_verdict {
    XD_VERDICT_GOOD,     /* same history; what is missing will be sent */
    XD_VERDICT_BEHIND,   /* same history, but the peer lost what it had covered: it is sent again */
    XD_VERDICT_NEW_EPOCH /* histories differ: renumbered under a new epoch, hello is due */
};

/* For NEW_EPOCH: sequences of the old epoch that the peer had seen and we do
 * not have (we went back in time), or that we dropped and it lost. */
struct xd_rewind {
    char epoch[XD_EPOCH_SIZE];
    uint64_t first, last; /* 0, 0: none */
};

/* Starts from a stored row, nothing sent yet. */
void xd_sender_open(struct xd_sender *sender, const struct xd_stream_row *row);
/* After an undo or a failed commit: the row as the store has it. What the failed batch
 * handed out counts as handed out; a handshake MUST follow, which tells that it is
 * missing. (To begin again at the watermark would send a whole backlog with each
 * batch that fails.) Another epoch than the row's was undone: not ready any more. */
void xd_sender_reload(struct xd_sender *sender, const struct xd_stream_row *row);

/* Gives row the next sequence and the chain, stores it and the stream. On
 * failure nothing changed in memory; the turn undoes the store. */
XD_CHECKED enum xd_result xd_sender_append(struct xd_sender *sender, const struct xd_delivery_store *store,
                                           struct xd_outbox_row *row);

/* How many documents wait to be handed out; 0 unless ready. */
uint64_t xd_sender_waiting(const struct xd_sender *sender);
/* The first run to read: *first..*last, *last - *first < max. False: nothing. */
bool xd_sender_peek(const struct xd_sender *sender, uint64_t max, uint64_t *first, uint64_t *last);
/* first..last of a peeked run were handed out, or are not there any more. */
void xd_sender_took(struct xd_sender *sender, uint64_t last);
/* The broker confirmed it. */
void xd_sender_sent(struct xd_sender *sender, uint64_t sequence, xd_ms monotonic);
/* It did not reach the queue, or nobody knows: send it again. */
void xd_sender_lost(struct xd_sender *sender, uint64_t sequence);

/* The peer's ack. XD_OK; XD_CONFLICT: the peer does not speak of our history
 * (other epoch, ahead of us, conflict): a handshake is due. */
XD_CHECKED enum xd_result xd_sender_covered(struct xd_sender *sender, const struct xd_delivery_store *store,
                                            const struct xd_link_receive *peer, xd_ms monotonic);
/* At the end of a turn: the store learns what is covered, with what else the turn writes or after some
 * seconds. Until then a restart and a reload begin at a lower watermark, and a handshake MUST follow. */
XD_CHECKED enum xd_result xd_sender_settle(struct xd_sender *sender, const struct xd_delivery_store *store,
                                           xd_ms monotonic);
/* A hello leaves: the welcome to it will speak of the stream as it is now. */
void xd_sender_asked(struct xd_sender *sender);
/* Whether what the peer says of our stream in a hello differs from what we
 * believe; a handshake of ours settles it. */
bool xd_sender_differs(const struct xd_sender *sender, const struct xd_link_receive *peer);
/* The peer's authoritative answer to our hello. */
XD_CHECKED enum xd_result xd_sender_welcome(struct xd_sender *sender, const struct xd_delivery_store *store,
                                            const struct xd_env *env, const struct xd_link_receive *peer,
                                            xd_ms monotonic, enum xd_verdict *verdict,
                                            struct xd_rewind *rewind);
/* How far the stream was covered keep_ms ago. counts: since the last call the peer was heard. */
XD_CHECKED enum xd_result xd_sender_age(struct xd_sender *sender, const struct xd_delivery_store *store,
                                        xd_ms keep_ms, bool counts, xd_ms monotonic, uint64_t *old);
/* Drops covered rows up to `old`, at most max. */
XD_CHECKED enum xd_result xd_sender_trim(struct xd_sender *sender, const struct xd_delivery_store *store,
                                         uint64_t old, size_t max, bool *more);
/* Not covered by the peer. */
uint64_t xd_sender_backlog(const struct xd_sender *sender);
bool xd_sender_check(const struct xd_sender *sender);

#endif
