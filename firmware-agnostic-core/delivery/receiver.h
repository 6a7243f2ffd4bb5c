/* The receiving end of one stream: duplicates known for ever, gaps seen, another
 * history noticed.
 *
 * For each sequenced message: look (decides, changes nothing) -> when it is
 * XD_ARRIVAL_NEW the document is applied and `take` records it, in the same
 * transaction. Invariants (xd_receiver_check): the watermark never falls within
 * an epoch; the set above it starts above watermark + 1. */
#ifndef XD_DELIVERY_RECEIVER_H
#define XD_DELIVERY_RECEIVER_H

#include "delivery/ranges.h"
#include "delivery/store.h"
#include "documents/link.h"

struct xd_receiver {
    struct xd_stream_row row;
    struct xd_ranges above;
    uint64_t acked;     /* the watermark that was last told */
    xd_ms gap_since;    /* monotonic: when the lowest gap was first seen or last asked for; 0: none */
    uint64_t gap_at;    /* the watermark then */
    unsigned gap_asked; /* how often it was asked for */
    bool told;          /* whether this state was told since something changed */
};

enum xd_arrival {
    XD_ARRIVAL_NEW,     /* apply it, then take */
    XD_ARRIVAL_REPEAT,  /* received before: count it, acknowledge it */
    XD_ARRIVAL_FORGET,  /* cannot be placed now (unknown epoch, too far ahead, conflict pending): acknowledge
                           to  the broker and forget, it will be asked for again */
    XD_ARRIVAL_CONFLICT /* same epoch and sequence, another history: `mark` it; a handshake is due */
};

void xd_receiver_init(struct xd_receiver *receiver);
/* Takes the row and reads what is above its watermark. Also after an undo. */
XD_CHECKED enum xd_result xd_receiver_load(struct xd_receiver *receiver,
                                           const struct xd_delivery_store *store,
                                           const struct xd_stream_row *row);
void xd_receiver_free(struct xd_receiver *receiver);

/* known: whether this very document (id, version, hash) was received before. */
enum xd_arrival xd_receiver_look(const struct xd_receiver *receiver, const char *epoch, uint64_t sequence,
                                 const struct xd_hash *hash, const struct xd_hash *chain, bool known);
/* Records a new one and moves the watermark as far as it goes. XD_CONFLICT: what
 * was received above does not continue the chain (marked). */
XD_CHECKED enum xd_result xd_receiver_take(struct xd_receiver *receiver,
                                           const struct xd_delivery_store *store, uint64_t sequence,
                                           const struct xd_hash *hash, const struct xd_hash *chain);
XD_CHECKED enum xd_result xd_receiver_mark(struct xd_receiver *receiver,
                                           const struct xd_delivery_store *store, uint64_t sequence);

/* What the sender says of its stream in a hello. */
enum xd_news {
    XD_NEWS_SAME,
    XD_NEWS_ADOPTED,  /* a new epoch; *old is what was retired */
    XD_NEWS_RETIRED,  /* an epoch that was retired: refused */
    XD_NEWS_REGRESSED /* same epoch, but the sender has not yet given what we have received: it went back */
};
XD_CHECKED enum xd_result xd_receiver_hello(struct xd_receiver *receiver,
                                            const struct xd_delivery_store *store,
                                            const struct xd_link_send *peer, enum xd_news *news);
/* Fills what we tell: epoch, watermark, chain, conflict, and the gaps up to `to`
 * (0: only below what was received). */
void xd_receiver_tell(const struct xd_receiver *receiver, uint64_t to, struct xd_link_receive *out);
/* Highest received; the watermark when nothing is above. */
uint64_t xd_receiver_highest(const struct xd_receiver *receiver);
bool xd_receiver_check(const struct xd_receiver *receiver);

#endif
