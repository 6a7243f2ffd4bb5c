#include "delivery/receiver.h"

#include "base/mutant.h"

#include <string.h>

void xd_receiver_init(struct xd_receiver *receiver) {
    memset(receiver, 0, sizeof *receiver);
    xd_ranges_init(&receiver->above);
}

static enum xd_result load_above(void *context, uint64_t sequence, const struct xd_hash *hash,
                                 const struct xd_hash *chain) {
    struct xd_receiver *receiver = context;
    (void)hash;
    (void)chain;
    return xd_ranges_add(&receiver->above, sequence);
}

enum xd_result xd_receiver_load(struct xd_receiver *receiver, const struct xd_delivery_store *store,
                                const struct xd_stream_row *row) {
    receiver->row = *row;
    receiver->told = false;
    xd_ranges_clear(&receiver->above);
    return store->above_each(store->context, row->number, load_above, receiver);
}

void xd_receiver_free(struct xd_receiver *receiver) {
    xd_ranges_free(&receiver->above);
}

enum xd_arrival xd_receiver_look(const struct xd_receiver *receiver, const char *epoch, uint64_t sequence,
                                 const struct xd_hash *hash, const struct xd_hash *chain, bool known) {
    const struct xd_stream_row *row = &receiver->row;
    if (row->conflict != 0 || row->epoch[0] == 0 || strcmp(epoch, row->epoch) != 0 || sequence == 0) {
        return XD_ARRIVAL_FORGET;
    }
    if (sequence <= row->watermark || xd_ranges_has(&receiver->above, sequence)) {
        return known ? XD_ARRIVAL_REPEAT : XD_ARRIVAL_CONFLICT;
    }
    if (sequence == row->watermark + 1) {
        struct xd_hash expected = xd_chain(&row->chain, hash);
        return xd_hash_equal(&expected, chain) || XD_MUTANT(CHAIN_NOT_COMPARED) ? XD_ARRIVAL_NEW
                                                                                : XD_ARRIVAL_CONFLICT;
    }
    bool joins =
        xd_ranges_has(&receiver->above, sequence - 1) || xd_ranges_has(&receiver->above, sequence + 1);
    return receiver->above.count >= XD_RANGES_MAX && !joins ? XD_ARRIVAL_FORGET : XD_ARRIVAL_NEW;
}

/* Follows the chain through what is above, as far as it is without a gap. Where it
 * breaks, all that is above belongs to another history: its places are forgotten,
 * its documents are known for good. */
static enum xd_result follow(struct xd_stream_row *next, const struct xd_receiver *receiver,
                             const struct xd_delivery_store *store) {
    uint64_t until = xd_ranges_run_from(&receiver->above, next->watermark + 1);
    while (next->watermark < until && next->conflict == 0) {
        struct xd_hash hash, chain;
        enum xd_result result =
            store->above_get(store->context, next->number, next->watermark + 1, &hash, &chain);
        if (result != XD_OK) {
            return result == XD_NOT_FOUND ? XD_CORRUPT : result;
        }
        struct xd_hash expected = xd_chain(&next->chain, &hash);
        if (!xd_hash_equal(&expected, &chain) && !XD_MUTANT(CHAIN_NOT_COMPARED)) {
            next->conflict = next->watermark + 1;
        } else {
            next->chain = chain;
            next->watermark++;
        }
    }
    return store->above_drop(store->context, next->number,
                             next->conflict != 0 ? UINT64_MAX : next->watermark);
}

enum xd_result xd_receiver_take(struct xd_receiver *receiver, const struct xd_delivery_store *store,
                                uint64_t sequence, const struct xd_hash *hash, const struct xd_hash *chain) {
    struct xd_stream_row next = receiver->row;
    enum xd_result result;
    receiver->told = false;
    if (sequence != next.watermark + 1 && !XD_MUTANT(WATERMARK_OVER_GAP)) {
        result = store->above_add(store->context, next.number, sequence, hash, chain);
        return result == XD_OK ? xd_ranges_add(&receiver->above, sequence) : result;
    }
    next.watermark = sequence;
    next.chain = *chain;
    if (receiver->above.count > 0) {
        result = follow(&next, receiver, store);
        if (result != XD_OK) {
            return result;
        }
    }
    result = store->stream_save(store->context, &next);
    if (result != XD_OK) {
        return result;
    }
    receiver->row = next;
    xd_ranges_drop_to(&receiver->above, next.conflict != 0 ? UINT64_MAX : next.watermark);
    return next.conflict != 0 ? XD_CONFLICT : XD_OK;
}

enum xd_result xd_receiver_mark(struct xd_receiver *receiver, const struct xd_delivery_store *store,
                                uint64_t sequence) {
    struct xd_stream_row next = receiver->row;
    next.conflict = XD_MUTANT(CONFLICT_NOT_MARKED) ? next.conflict : sequence;
    enum xd_result result = store->stream_save(store->context, &next);
    if (result == XD_OK) {
        receiver->row = next;
        receiver->told = false;
    }
    return result;
}

static enum xd_result adopt(struct xd_receiver *receiver, const struct xd_delivery_store *store,
                            const char *epoch) {
    struct xd_stream_row next = receiver->row;
    enum xd_result result = XD_OK;
    if (next.epoch[0] != 0) {
        result = store->epoch_retire(store->context, next.number, next.epoch, next.watermark);
    }
    if (result == XD_OK) {
        result = store->above_drop(store->context, next.number, UINT64_MAX);
    }
    strncpy(next.epoch, epoch, sizeof next.epoch - 1);
    next.epoch[sizeof next.epoch - 1] = 0;
    next.watermark = 0;
    next.conflict = 0;
    memset(&next.chain, 0, sizeof next.chain);
    if (result == XD_OK) {
        result = store->stream_save(store->context, &next);
    }
    if (result == XD_OK) {
        receiver->row = next;
        receiver->acked = 0;
        receiver->told = false;
        receiver->gap_since = 0;
        xd_ranges_clear(&receiver->above);
    }
    return result;
}

enum xd_result xd_receiver_hello(struct xd_receiver *receiver, const struct xd_delivery_store *store,
                                 const struct xd_link_send *peer, enum xd_news *news) {
    *news = XD_NEWS_SAME;
    if (strcmp(peer->epoch, receiver->row.epoch) == 0) {
        if (peer->next <= xd_receiver_highest(receiver)) {
            *news = XD_NEWS_REGRESSED;
        }
        return XD_OK;
    }
    enum xd_result result = store->epoch_retired(store->context, receiver->row.number, peer->epoch);
    if (result == XD_OK) {
        *news = XD_NEWS_RETIRED;
        return XD_OK;
    }
    if (result != XD_NOT_FOUND) {
        return result;
    }
    *news = XD_NEWS_ADOPTED;
    return adopt(receiver, store, peer->epoch);
}

uint64_t xd_receiver_highest(const struct xd_receiver *receiver) {
    return receiver->above.count == 0 ? receiver->row.watermark
                                      : receiver->above.items[receiver->above.count - 1].last;
}

void xd_receiver_tell(const struct xd_receiver *receiver, uint64_t to, struct xd_link_receive *out) {
    memset(out, 0, sizeof *out);
    out->lane = receiver->row.lane;
    out->epoch = receiver->row.epoch;
    out->watermark = receiver->row.watermark;
    out->chain = receiver->row.chain;
    out->conflict = receiver->row.conflict;
    uint64_t last = to == 0 ? xd_receiver_highest(receiver) : to;
    if (last > out->watermark) {
        out->missing_count =
            xd_ranges_gaps(&receiver->above, out->watermark + 1, last, out->missing, XD_LINK_MISSING_MAX);
    }
}

bool xd_receiver_check(const struct xd_receiver *receiver) {
    return xd_ranges_check(&receiver->above, receiver->row.watermark);
}
