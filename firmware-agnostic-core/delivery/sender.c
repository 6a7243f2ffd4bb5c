/* What is to be sent is a short list of ranges (missing at the peer, or lost on
 * the way) followed by everything from `cursor` on. Nothing per document is kept
 * in memory, so a backlog of a million costs what one of ten does.
 *
 * Two histories are the same when the peer's chain at its watermark is ours
 * there. Where they differ, everything that we still hold is renumbered from 1
 * under a new random epoch and sent again: the receiver knows by document what
 * it has, so nothing takes effect twice.
 *
 * What the peer covers is not worth a commit of its own: a life that forgets it is told
 * again by the handshake. So the store learns it with the next commit that something else
 * makes, and alone only after SAVE_MS. */
#include "delivery/sender.h"

#include "base/memory.h"
#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

#define RENUMBER_BATCH 256u
#define SAVE_MS ((xd_ms)5000)

void xd_sender_open(struct xd_sender *sender, const struct xd_stream_row *row) {
    memset(sender, 0, sizeof *sender);
    sender->row = *row;
    sender->cursor = row->watermark + 1;
    sender->hello_cursor = sender->cursor;
}

enum xd_result xd_sender_append(struct xd_sender *sender, const struct xd_delivery_store *store,
                                struct xd_outbox_row *row) {
    struct xd_stream_row next = sender->row;
    row->sequence = next.next++;
    row->chain = xd_chain(&next.chain, &row->hash);
    next.chain = row->chain;
    enum xd_result result = store->outbox_add(store->context, next.number, row);
    if (result == XD_OK) {
        sender->row = next;
    }
    return result;
}

uint64_t xd_sender_waiting(const struct xd_sender *sender) {
    if (!sender->ready) {
        return 0;
    }
    uint64_t count = sender->row.next - sender->cursor;
    for (size_t index = 0; index < sender->resend_count; index++) {
        count += sender->resend[index].last - sender->resend[index].first + 1;
    }
    return count;
}

bool xd_sender_peek(const struct xd_sender *sender, uint64_t max, uint64_t *first, uint64_t *last) {
    if (!sender->ready || max == 0) {
        return false;
    }
    if (sender->resend_count > 0) {
        *first = sender->resend[0].first;
        *last = sender->resend[0].last;
    } else if (sender->cursor < sender->row.next) {
        *first = sender->cursor;
        *last = sender->row.next - 1;
    } else {
        return false;
    }
    if (*last - *first >= max) {
        *last = *first + max - 1;
    }
    return true;
}

static void resend_remove_first(struct xd_sender *sender) {
    sender->resend_count--;
    memmove(&sender->resend[0], &sender->resend[1], sender->resend_count * sizeof sender->resend[0]);
}

void xd_sender_took(struct xd_sender *sender, uint64_t last) {
    if (sender->resend_count == 0) {
        sender->cursor = last + 1;
    } else if (last >= sender->resend[0].last) {
        resend_remove_first(sender);
    } else {
        sender->resend[0].first = last + 1;
    }
}

void xd_sender_sent(struct xd_sender *sender, uint64_t sequence, xd_ms monotonic) {
    if (sequence > sender->sent && sequence < sender->row.next) {
        sender->sent = sequence;
        if (XD_MUTANT(DROPPED_ON_CONFIRM) && sequence > sender->row.watermark) {
            sender->row.watermark = sequence;
        }
    }
    if (sender->sent > sender->row.watermark && sender->stuck_since == 0) {
        sender->stuck_since = monotonic;
    }
}

/* Forgets what is to be sent again below `from`. */
static void resend_keep_from(struct xd_sender *sender, uint64_t from) {
    size_t kept = 0;
    for (size_t index = 0; index < sender->resend_count; index++) {
        struct xd_range range = sender->resend[index];
        range.first = range.first < from ? from : range.first;
        if (range.first <= range.last) {
            sender->resend[kept++] = range;
        }
    }
    sender->resend_count = kept;
}

/* What the cursor will come to is not sent beside that. */
static void resend_cut(struct xd_sender *sender) {
    size_t kept = 0;
    for (size_t index = 0; index < sender->resend_count; index++) {
        struct xd_range range = sender->resend[index];
        range.last = range.last < sender->cursor ? range.last : sender->cursor - 1;
        if (range.first <= range.last) {
            sender->resend[kept++] = range;
        }
    }
    sender->resend_count = kept;
}

/* When the list is full, going back with the cursor sends too much, never too little. */
static void resend_add(struct xd_sender *sender, struct xd_range range) {
    range.first = range.first > sender->row.watermark ? range.first : sender->row.watermark + 1;
    range.last = range.last < sender->cursor ? range.last : sender->cursor - 1;
    if (range.first > range.last || XD_MUTANT(RESEND_SKIPPED)) {
        return;
    }
    struct xd_range *end = sender->resend_count > 0 ? &sender->resend[sender->resend_count - 1] : NULL;
    if (end != NULL && range.first == end->last + 1) {
        end->last = range.last;
    } else if (sender->resend_count < XD_LINK_MISSING_MAX + 1) {
        sender->resend[sender->resend_count++] = range;
    } else {
        sender->cursor = range.first;
        for (size_t index = 0; index < sender->resend_count; index++) {
            if (sender->resend[index].first < sender->cursor) {
                sender->cursor = sender->resend[index].first;
            }
        }
        sender->resend_count = 0;
    }
}

/* What was appended and is undone was never handed out in truth. */
void xd_sender_reload(struct xd_sender *sender, const struct xd_stream_row *row) {
    if (strcmp(sender->row.epoch, row->epoch) != 0) {
        xd_sender_open(sender, row);
        return;
    }
    sender->row = *row;
    sender->unsaved_since = 0;
    sender->cursor = sender->cursor < row->next ? sender->cursor : row->next;
    sender->sent = sender->sent < row->next ? sender->sent : row->next - 1;
    resend_cut(sender);
}

void xd_sender_lost(struct xd_sender *sender, uint64_t sequence) {
    resend_add(sender, (struct xd_range){sequence, sequence});
}

static void advance(struct xd_sender *sender, uint64_t watermark, xd_ms monotonic) {
    if (XD_MUTANT(WATERMARK_OFF_BY_ONE) && watermark + 1 < sender->row.next) {
        watermark++;
    }
    if (watermark == sender->row.watermark) {
        return;
    }
    sender->row.watermark = watermark;
    sender->unsaved_since = sender->unsaved_since != 0 ? sender->unsaved_since : monotonic;
    if (sender->cursor <= watermark) {
        sender->cursor = watermark + 1;
    }
    resend_keep_from(sender, watermark + 1);
    sender->stuck_since = sender->sent > watermark ? monotonic : 0;
}

/* With it the store learns what is covered, too. */
static enum xd_result save(struct xd_sender *sender, const struct xd_delivery_store *store,
                           const struct xd_stream_row *next) {
    enum xd_result result = store->stream_save(store->context, next);
    if (result == XD_OK) {
        sender->row = *next;
        sender->unsaved_since = 0;
    }
    return result;
}

enum xd_result xd_sender_settle(struct xd_sender *sender, const struct xd_delivery_store *store,
                                xd_ms monotonic) {
    if (sender->unsaved_since == 0 ||
        (monotonic - sender->unsaved_since < SAVE_MS && !store->wrote(store->context))) {
        return XD_OK;
    }
    struct xd_stream_row row = sender->row;
    return save(sender, store, &row);
}

/* Our chain at a sequence, where we can still tell. */
static enum xd_result chain_at(const struct xd_sender *sender, const struct xd_delivery_store *store,
                               uint64_t sequence, struct xd_hash *chain) {
    if (sequence == sender->row.next - 1) {
        *chain = sender->row.chain;
        return XD_OK;
    }
    if (sequence == sender->row.floor) {
        *chain = sender->row.floor_chain;
        return XD_OK;
    }
    return store->outbox_chain(store->context, sender->row.number, sequence, chain);
}

/* A row that is covered may be dropped: so the peer must have our rows, not those
 * of a clone or of a store that went back in time. */
static enum xd_result same_history(const struct xd_sender *sender, const struct xd_delivery_store *store,
                                   const struct xd_link_receive *peer) {
    struct xd_hash chain;
    enum xd_result result = chain_at(sender, store, peer->watermark, &chain);
    if (result == XD_OK && !xd_hash_equal(&chain, &peer->chain) && !XD_MUTANT(CHAIN_NOT_COMPARED)) {
        return XD_CONFLICT;
    }
    if (result == XD_NOT_FOUND) {
        return XD_CONFLICT;
    }
    return result;
}

enum xd_result xd_sender_covered(struct xd_sender *sender, const struct xd_delivery_store *store,
                                 const struct xd_link_receive *peer, xd_ms monotonic) {
    if (!sender->ready) {
        return XD_OK; /* told to another life of ours; the handshake under way will say more */
    }
    if (strcmp(peer->epoch, sender->row.epoch) != 0 || peer->watermark >= sender->row.next ||
        peer->conflict != 0) {
        return XD_CONFLICT;
    }
    if (peer->watermark < sender->row.watermark) {
        return XD_OK; /* an older ack that was overtaken; a peer that really went back says hello */
    }
    enum xd_result result = XD_OK;
    if (peer->watermark > sender->row.watermark) {
        result = same_history(sender, store, peer);
    }
    if (result == XD_OK) {
        advance(sender, peer->watermark, monotonic);
    }
    if (result == XD_OK && sender->resend_count == 0) {
        for (size_t index = 0; index < peer->missing_count; index++) {
            resend_add(sender, peer->missing[index]);
        }
    }
    return result;
}

bool xd_sender_differs(const struct xd_sender *sender, const struct xd_link_receive *peer) {
    return strcmp(peer->epoch, sender->row.epoch) != 0 || peer->watermark < sender->row.watermark ||
           peer->watermark >= sender->row.next || peer->conflict != 0;
}

struct renumber {
    struct xd_hash hashes[RENUMBER_BATCH];
    uint64_t sequences[RENUMBER_BATCH];
    size_t count;
};

static enum xd_result collect(void *context, const struct xd_outbox_row *row) {
    struct renumber *batch = context;
    batch->hashes[batch->count] = row->hash;
    batch->sequences[batch->count++] = row->sequence;
    return XD_OK;
}

static enum xd_result renumber(struct xd_sender *sender, const struct xd_delivery_store *store,
                               struct xd_stream_row *next) {
    struct renumber *batch = xd_alloc(sizeof *batch);
    enum xd_result result = batch == NULL ? XD_NO_MEMORY : XD_OK;
    uint64_t from = sender->row.floor + 1;
    while (result == XD_OK && from < sender->row.next) {
        batch->count = 0;
        result = store->outbox_read(store->context, sender->row.number, from, sender->row.next - 1,
                                    RENUMBER_BATCH, collect, batch);
        if (result != XD_OK || batch->count == 0) {
            break;
        }
        size_t count = XD_MUTANT(RENUMBER_FORGETS) ? batch->count - 1 : batch->count;
        for (size_t index = 0; index < count && result == XD_OK; index++) {
            next->chain = xd_chain(&next->chain, &batch->hashes[index]);
            result = store->outbox_move(store->context, sender->row.number, batch->sequences[index],
                                        next->next++, &next->chain);
        }
        from = batch->sequences[batch->count - 1] + 1;
    }
    xd_free(batch);
    return result;
}

static enum xd_result new_epoch(struct xd_sender *sender, const struct xd_delivery_store *store,
                                const struct xd_env *env) {
    struct xd_stream_row next = sender->row;
    xd_id_epoch(env, next.epoch);
    next.next = 1;
    next.watermark = 0;
    next.floor = 0;
    memset(&next.chain, 0, sizeof next.chain);
    memset(&next.floor_chain, 0, sizeof next.floor_chain);
    enum xd_result result =
        store->epoch_retire(store->context, next.number, sender->row.epoch, sender->row.watermark);
    if (result == XD_OK) {
        result = renumber(sender, store, &next);
    }
    if (result == XD_OK) {
        result = store->stream_save(store->context, &next);
    }
    if (result == XD_OK) {
        xd_sender_open(sender, &next);
    }
    return result;
}

void xd_sender_asked(struct xd_sender *sender) {
    sender->hello_cursor = sender->ready ? sender->cursor : sender->row.next;
    sender->hello_watermark = sender->row.watermark;
    sender->hello_next = sender->row.next;
}

/* What the peer is known to need: its gaps below what the hello spoke of, then
 * all that is behind. What was appended, handed out or lost since the hello, the
 * peer could not tell of. */
static void plan(struct xd_sender *sender, const struct xd_link_receive *peer) {
    const uint64_t told = sender->hello_cursor;
    if (!sender->ready || sender->cursor < told) {
        sender->cursor = told;
    }
    sender->ready = true;
    resend_keep_from(sender, told);
    for (size_t index = 0; index < peer->missing_count; index++) {
        struct xd_range range = peer->missing[index];
        range.last = range.last < told ? range.last : told - 1;
        resend_add(sender, range);
    }
    if (peer->missing_count == XD_LINK_MISSING_MAX && peer->missing[XD_LINK_MISSING_MAX - 1].last < told) {
        /* There may be more than it could tell. */
        sender->cursor = peer->missing[XD_LINK_MISSING_MAX - 1].last + 1;
        resend_cut(sender);
    }
}

/* What the peer's answer says of our history. As long as nothing of this life was
 * sent, what it has beyond the hello's `next` was given by a life that we forgot. */
static enum xd_result judge(const struct xd_sender *sender, const struct xd_delivery_store *store,
                            const struct xd_link_receive *peer, enum xd_verdict *verdict,
                            struct xd_rewind *rewind) {
    const struct xd_stream_row *row = &sender->row;
    uint64_t given = sender->ready ? row->next : sender->hello_next;
    uint64_t highest = peer->conflict > peer->watermark ? peer->conflict : peer->watermark;
    bool later =
        sender->ready && peer->conflict >= sender->hello_next; /* came after the hello: not its business */
    *verdict = XD_VERDICT_NEW_EPOCH;
    if (strcmp(peer->epoch, row->epoch) != 0) {
        return XD_OK;
    }
    if (peer->watermark >= given || (highest >= given && !later) || peer->watermark < row->floor) {
        bool ahead = highest >= given;
        memcpy(rewind->epoch, row->epoch, sizeof rewind->epoch);
        rewind->first = ahead ? given : peer->watermark + 1;
        rewind->last = ahead ? highest : row->floor;
        return XD_OK;
    }
    enum xd_result result = XD_CONFLICT;
    if (peer->conflict == 0 || later) {
        result = same_history(sender, store, peer);
    }
    if (result == XD_OK) {
        *verdict = peer->watermark < row->watermark ? XD_VERDICT_BEHIND : XD_VERDICT_GOOD;
    }
    return result == XD_CONFLICT ? XD_OK : result;
}

enum xd_result xd_sender_welcome(struct xd_sender *sender, const struct xd_delivery_store *store,
                                 const struct xd_env *env, const struct xd_link_receive *peer,
                                 xd_ms monotonic, enum xd_verdict *verdict, struct xd_rewind *rewind) {
    memset(rewind, 0, sizeof *rewind);
    /* An ack that came since the hello went further than this answer to it. */
    bool overtaken = strcmp(peer->epoch, sender->row.epoch) == 0 && peer->conflict == 0 &&
                     peer->watermark >= sender->hello_watermark && peer->watermark < sender->row.watermark;
    enum xd_result result = XD_OK;
    *verdict = XD_VERDICT_GOOD;
    if (!overtaken) {
        result = judge(sender, store, peer, verdict, rewind);
    }
    if (result == XD_OK && *verdict == XD_VERDICT_NEW_EPOCH) {
        return new_epoch(sender, store, env);
    }
    if (result != XD_OK) {
        return result;
    }
    if (!overtaken) {
        advance(sender, peer->watermark, monotonic);
    }
    plan(sender, peer);
    /* What the broker confirmed since the hello may still be stuck; the rest is answered for. */
    bool since = sender->sent >= sender->hello_cursor && sender->sent > sender->row.watermark;
    sender->sent = since ? sender->sent : sender->row.watermark;
    sender->stuck_since = since ? monotonic : 0;
    return XD_OK;
}

enum xd_result xd_sender_age(struct xd_sender *sender, const struct xd_delivery_store *store, xd_ms keep_ms,
                             bool counts, xd_ms monotonic, uint64_t *old) {
    char name[32];
    snprintf(name, sizeof name, "kept/%lu", (unsigned long)sender->row.number);
    struct xd_aging_step step = {.name = name,
                                 .series = sender->row.epoch,
                                 .upto = sender->row.watermark,
                                 .keep_ms = keep_ms,
                                 .counts = counts,
                                 .monotonic = monotonic};
    return xd_aging_step(&sender->aging, store, &step, old);
}

enum xd_result xd_sender_trim(struct xd_sender *sender, const struct xd_delivery_store *store, uint64_t old,
                              size_t max, bool *more) {
    uint64_t last = 0;
    struct xd_stream_row next = sender->row;
    *more = false;
    if (next.floor >= next.watermark) {
        return XD_OK;
    }
    uint64_t upto = old < next.watermark && !XD_MUTANT(DROPPED_ON_CONFIRM) ? old : next.watermark;
    upto = XD_MUTANT(UNCOVERED_TRIMMED) ? next.next - 1 : upto;
    if (upto <= next.floor) {
        return XD_OK;
    }
    enum xd_result result =
        store->outbox_drop(store->context, next.number, upto, max, &last, &next.floor_chain);
    if (result != XD_OK || last == 0) {
        return result;
    }
    *more = last - next.floor >= max;
    next.floor = last;
    return save(sender, store, &next);
}

uint64_t xd_sender_backlog(const struct xd_sender *sender) {
    return sender->row.next - 1 - sender->row.watermark;
}

bool xd_sender_check(const struct xd_sender *sender) {
    const struct xd_stream_row *row = &sender->row;
    bool fine = row->floor <= row->watermark && row->watermark < row->next && sender->cursor > row->floor &&
                sender->cursor <= row->next;
    for (size_t index = 0; index < sender->resend_count; index++) {
        fine = fine && sender->resend[index].first <= sender->resend[index].last &&
               sender->resend[index].last < row->next;
    }
    return fine;
}
