/* The handshake, both ways alike:
 *
 *   A: hello(session a, what A sends, what A received)
 *   B: adopts a new epoch of A if it is one; welcome(session a, what B sends, what B received, what B misses)
 *   A: compares chains; sends what B misses, or draws a new epoch and says hello again
 *
 * B answers every hello, and says hello itself when it was not welcomed yet or
 * when A's view of B's streams is not B's. Acks carry the watermark between
 * handshakes; they never decide about histories.
 *
 * A batch that fails takes along what was said and handed out in it, and a welcome that came. A handshake
 * finds out what of that matters, for whatever was lost. Where batches go on failing (a full disk) so would
 * handshakes: the waits between those grow, and only calm makes them short again. */
#include "delivery/line.h"

#include <string.h>

#define HELLO_MS_MIN ((xd_ms)1000)
#define HELLO_MS_MAX ((xd_ms)600000)
#define HELLO_GAP_MS ((xd_ms)100)
#define UNDONE_MS_MAX ((xd_ms)60000)
#define PAUSE_MS_MIN ((xd_ms)500)
#define PAUSE_MS_MAX ((xd_ms)30000)
#define WELCOME_WAIT_MS ((xd_ms)2000)
#define GAP_DOUBLED_MAX 5u /* times the wait for a gap doubles */
#define PUMP_BATCH 256u
#define PUMP_BYTES_MAX ((size_t)1024 * 1024) /* of effects in one go, or one document alone */

/* ---- rows ---- */

/* Cuts what does not fit. */
static void copy_name(char *out, size_t size, const char *text) {
    size_t length = strlen(text);
    length = length < size ? length : size - 1;
    memcpy(out, text, length);
    out[length] = 0;
}

/* The rows of the line's streams, read at once. */
struct rows {
    const struct xd_line *line;
    struct xd_stream_row send[XD_LANES_MAX], receive[XD_LANES_MAX];
    bool sends[XD_LANES_MAX], receives[XD_LANES_MAX]; /* it is there */
};

static enum xd_result take_row(void *context, const struct xd_stream_row *row) {
    struct rows *rows = context;
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_line_config *config = &rows->line->config;
        if (row->sends && strcmp(row->lane, config->send_lanes[lane]) == 0) {
            rows->send[lane] = *row;
            rows->sends[lane] = true;
        } else if (!row->sends && strcmp(row->lane, config->receive_lanes[lane]) == 0) {
            rows->receive[lane] = *row;
            rows->receives[lane] = true;
        }
    }
    return XD_OK;
}

static enum xd_result read_rows(struct xd_line *line, struct rows *rows) {
    const struct xd_delivery_store *store = line->config.store;
    memset(rows, 0, sizeof *rows);
    rows->line = line;
    return store->stream_each(store->context, line->peer, take_row, rows);
}

static enum xd_result make_row(struct xd_line *line, bool sends, const char *lane,
                               struct xd_stream_row *row) {
    const struct xd_delivery_store *store = line->config.store;
    copy_name(row->peer, sizeof row->peer, line->peer);
    copy_name(row->lane, sizeof row->lane, lane);
    row->sends = sends;
    row->next = 1;
    if (sends) {
        xd_id_epoch(line->config.env, row->epoch);
    }
    return store->stream_add(store->context, row);
}

static enum xd_result open_lane(struct xd_line *line, unsigned lane, struct rows *rows) {
    struct xd_stream_row *send = &rows->send[lane], *receive = &rows->receive[lane];
    xd_receiver_init(&line->receive[lane]);
    enum xd_result result = XD_OK;
    if (!rows->sends[lane]) {
        result = make_row(line, true, line->config.send_lanes[lane], send);
    }
    if (result != XD_OK) {
        return result;
    }
    xd_sender_open(&line->send[lane], send);
    if (!rows->receives[lane]) {
        result = make_row(line, false, line->config.receive_lanes[lane], receive);
    }
    if (result == XD_OK) {
        result = xd_receiver_load(&line->receive[lane], line->config.store, receive);
    }
    line->receive[lane].acked = receive->watermark;
    return result;
}

enum xd_result xd_line_open(struct xd_line *line, const struct xd_line_config *config, xd_ms monotonic) {
    memset(line, 0, sizeof *line);
    line->config = *config;
    copy_name(line->peer, sizeof line->peer, config->peer);
    copy_name(line->site, sizeof line->site, config->site);
    copy_name(line->source, sizeof line->source, config->source);
    copy_name(line->exchange, sizeof line->exchange, config->exchange);
    copy_name(line->routing_key, sizeof line->routing_key, config->routing_key);
    xd_retry_init(&line->hello_retry, HELLO_MS_MIN, HELLO_MS_MAX);
    xd_retry_init(&line->pause_retry, PAUSE_MS_MIN, PAUSE_MS_MAX);
    xd_retry_init(&line->undone_retry, HELLO_MS_MIN, UNDONE_MS_MAX);
    line->hello_at = monotonic;
    line->undone_at = monotonic;
    struct rows rows;
    enum xd_result result = read_rows(line, &rows);
    for (unsigned lane = 0; lane < XD_LANES_MAX && result == XD_OK; lane++) {
        result = open_lane(line, lane, &rows);
    }
    return result;
}

void xd_line_close(struct xd_line *line) {
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        xd_receiver_free(&line->receive[lane]);
    }
}

static enum xd_result reload_lane(struct xd_line *line, unsigned lane, const struct rows *rows,
                                  bool restart) {
    struct xd_receiver *receiver = &line->receive[lane];
    bool told = receiver->told || (restart && line->undone); /* that tells it again in any case */
    if (!rows->sends[lane] || !rows->receives[lane]) {
        return XD_NOT_FOUND;
    }
    xd_sender_reload(&line->send[lane], &rows->send[lane]);
    enum xd_result result = xd_receiver_load(receiver, line->config.store, &rows->receive[lane]);
    receiver->told = told;
    return result;
}

enum xd_result xd_line_reload(struct xd_line *line, bool restart) {
    struct rows rows;
    enum xd_result result = read_rows(line, &rows);
    if (restart) {
        line->session[0] = 0; /* a hello of this batch has not left, and may have spoken of what is undone */
        line->ask_again = false;
        line->hello_due = !line->welcomed;
        line->undone = line->welcomed;
    }
    for (unsigned lane = 0; lane < XD_LANES_MAX && result == XD_OK; lane++) {
        bool covered = line->send[lane].unsaved_since != 0; /* what was and is not stored is told again */
        result = reload_lane(line, lane, &rows, restart);
        /* A welcome may have been undone with its event; a new epoch needs another one. */
        bool again = line->welcomed && !line->send[lane].ready;
        line->hello_due = line->hello_due || (!restart && (covered || again));
    }
    return result;
}

/* ---- state of the connection and of the peer ---- */

static void want_hello(struct xd_line *line) {
    line->hello_due = true;
}

/* The peer is there: no reason to wait long any more, but a moment for the answer
 * that may be on its way. */
static void hello_soon(struct xd_line *line, xd_ms monotonic) {
    xd_ms at = line->session[0] != 0 ? line->asked_at + HELLO_MS_MIN : monotonic;
    if (at < line->hello_at) {
        line->hello_at = at;
    }
}

void xd_line_up(struct xd_line *line, xd_ms monotonic) {
    line->up = true;
    line->paused_until =
        line->welcomed ? monotonic + WELCOME_WAIT_MS : 0; /* its answer says what is missing */
    xd_retry_reset(&line->hello_retry);
    line->hello_at = monotonic;
    line->undone = false;
    want_hello(line);
}

void xd_line_down(struct xd_line *line) {
    line->up = false;
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        line->receive[lane].told = false;
        line->receive[lane].gap_asked = 0;
    }
}

void xd_line_heard(struct xd_line *line, xd_ms monotonic) {
    if (line->heard_at == 0 || monotonic - line->heard_at > XD_LINE_ALIVE_MS) {
        xd_retry_reset(&line->hello_retry);
        hello_soon(line, monotonic); /* if one is due: while nobody answered, the waits grew */
    }
    line->heard_at = monotonic;
}

bool xd_line_alive(const struct xd_line *line, xd_ms monotonic) {
    return line->heard_at != 0 && monotonic - line->heard_at <= XD_LINE_ALIVE_MS;
}

/* ---- documents ---- */

enum xd_result xd_line_append(struct xd_line *line, unsigned lane, struct xd_outbox_row *row) {
    return xd_sender_append(&line->send[lane], line->config.store, row);
}

int xd_line_lane(const struct xd_line *line, const struct xd_envelope *envelope) {
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        if (envelope->lane != NULL && strcmp(envelope->lane, line->config.receive_lanes[lane]) == 0) {
            return (int)lane;
        }
    }
    return -1;
}

enum xd_arrival xd_line_look(const struct xd_line *line, unsigned lane, const struct xd_envelope *envelope,
                             const struct xd_hash *hash, bool known) {
    return xd_receiver_look(&line->receive[lane], envelope->epoch, envelope->sequence, hash, &envelope->chain,
                            known);
}

static void tell(struct xd_line *line, enum xd_line_news news, const char *lane,
                 const struct xd_rewind *rewind) {
    if (line->told != NULL) {
        line->told(line->owner, line, news, lane, rewind);
    }
}

enum xd_result xd_line_take(struct xd_line *line, unsigned lane, const struct xd_envelope *envelope,
                            const struct xd_hash *hash) {
    enum xd_result result = xd_receiver_take(&line->receive[lane], line->config.store, envelope->sequence,
                                             hash, &envelope->chain);
    if (result == XD_CONFLICT) {
        tell(line, XD_LINE_CONFLICT, line->config.receive_lanes[lane], NULL);
        want_hello(line);
        return XD_OK;
    }
    return result;
}

void xd_line_repeat(struct xd_line *line, unsigned lane) {
    line->repeats++;
    line->receive[lane].told = false;
}

void xd_line_answer(struct xd_line *line) {
    line->receive[0].told = false;
}

enum xd_result xd_line_conflict(struct xd_line *line, unsigned lane, uint64_t sequence) {
    tell(line, XD_LINE_CONFLICT, line->config.receive_lanes[lane], NULL);
    want_hello(line);
    return xd_receiver_mark(&line->receive[lane], line->config.store, sequence);
}

/* ---- messages of the line itself ---- */

static void publish(struct xd_line *line, const struct xd_envelope *envelope, struct xd_bytes data,
                    uint64_t tag, struct xd_effects *effects) {
    size_t heap_before = effects->heap.size;
    struct xd_effect *effect = xd_effects_add(effects, XD_EFFECT_LINE_PUBLISH);
    if (effect == NULL) {
        return;
    }
    effect->tag = tag;
    effect->a = xd_effects_text(effects, line->exchange);
    effect->b = xd_effects_text(effects, line->routing_key);
    effect->d = xd_effects_text(effects, envelope->id);
    size_t start = effects->heap.size;
    xd_envelope_write(envelope, data, &effects->heap);
    size_t size = effects->heap.size - start;
    xd_buffer_byte(&effects->heap, 0);
    if (xd_buffer_result(&effects->heap) != XD_OK) {
        effects->result = xd_buffer_result(&effects->heap);
        effects->heap.size = heap_before;
        return;
    }
    effect->body = (struct xd_text_ref){(uint32_t)start, (uint32_t)size};
    char signature[XD_SIGNATURE_SIZE];
    xd_sign(&line->config.key, xd_bytes_of(effects->heap.data + start, size), signature);
    effect->c = xd_effects_text(effects, signature);
}

void xd_line_publish(struct xd_line *line, const char *type, struct xd_bytes data, struct xd_now now,
                     struct xd_effects *effects) {
    char id[XD_EPOCH_SIZE];
    xd_id_epoch(line->config.env, id);
    struct xd_envelope envelope = {
        .id = id, .source = line->source, .type = type, .time = now.wall, .site = line->site};
    publish(line, &envelope, data, 0, effects);
}

static void write_link(struct xd_line *line, const char *type, const struct xd_link *link, struct xd_now now,
                       struct xd_effects *effects) {
    struct xd_buffer data;
    xd_buffer_init(&data, 0);
    xd_link_write(link, &data);
    if (xd_buffer_result(&data) == XD_OK) {
        xd_line_publish(line, type, xd_buffer_view(&data), now, effects);
    } else {
        effects->result = xd_buffer_result(&data);
    }
    xd_buffer_free(&data);
}

static void fill_send(const struct xd_line *line, struct xd_link *link) {
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_stream_row *row = &line->send[lane].row;
        link->send[lane] = (struct xd_link_send){.lane = row->lane, .epoch = row->epoch, .next = row->next};
    }
    link->send_count = XD_LANES_MAX;
}

/* to: what the peer says it will give next, by lane; NULL: gaps only below what came. */
static void fill_receive(const struct xd_line *line, struct xd_link *link, const struct xd_link *peer) {
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_receiver *receiver = &line->receive[lane];
        uint64_t to = 0;
        for (size_t index = 0; peer != NULL && index < peer->send_count; index++) {
            if (strcmp(peer->send[index].lane, receiver->row.lane) == 0 && peer->send[index].next > 0 &&
                strcmp(peer->send[index].epoch, receiver->row.epoch) == 0) {
                to = peer->send[index].next - 1;
            }
        }
        xd_receiver_tell(receiver, to, &link->receive[lane]);
    }
    link->receive_count = XD_LANES_MAX;
}

/* While a hello is not answered it is repeated under the same session: the answer
 * may take longer than our patience, in a full queue or on a slow line, and the
 * answer to any of them is good. It speaks of the stream as it was at the first. */
static void send_hello(struct xd_line *line, struct xd_now now, struct xd_effects *effects) {
    struct xd_link link;
    memset(&link, 0, sizeof link);
    if (line->session[0] == 0) {
        xd_id_epoch(line->config.env, line->session);
        for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
            xd_sender_asked(&line->send[lane]);
        }
    } else if (line->hello_due) {
        line->ask_again = true; /* there is a new reason that the first answer may not know of */
    }
    line->hello_due = false;
    link.session = line->session;
    fill_send(line, &link);
    fill_receive(line, &link, NULL);
    write_link(line, XD_TYPE_HELLO, &link, now, effects);
    line->asked_at = now.monotonic;
    line->hello_at = now.monotonic + HELLO_MS_MIN / 2 + xd_retry_next(&line->hello_retry, line->config.env);
}

static int lane_of(const char *const lanes[XD_LANES_MAX], const char *name) {
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        if (strcmp(lanes[lane], name) == 0) {
            return (int)lane;
        }
    }
    return -1;
}

/* A hello that says less than came already may only be an old one that the broker
 * brings again. That its sender went back is certain when a new epoch follows. */
static enum xd_result hello_stream(struct xd_line *line, unsigned lane, const struct xd_link_send *peer,
                                   enum xd_news *news) {
    struct xd_receiver *receiver = &line->receive[lane];
    struct xd_rewind rewind;
    memset(&rewind, 0, sizeof rewind);
    memcpy(rewind.epoch, receiver->row.epoch, sizeof rewind.epoch);
    rewind.first = peer->next;
    rewind.last = xd_receiver_highest(receiver);
    enum xd_result result = xd_receiver_hello(receiver, line->config.store, peer, news);
    if (result == XD_OK && *news == XD_NEWS_REGRESSED) {
        line->regressed[lane] = rewind;
    }
    if (result == XD_OK && *news == XD_NEWS_ADOPTED && rewind.epoch[0] != 0) {
        if (strcmp(line->regressed[lane].epoch, rewind.epoch) == 0) {
            tell(line, XD_LINE_REGRESSED, receiver->row.lane, &line->regressed[lane]);
        }
        tell(line, XD_LINE_ADOPTED, receiver->row.lane, &rewind);
    }
    return result;
}

/* A sender that went back is told so by a conflict beyond all that it can give:
 * only the hello that is answered can tell, for acks and later hellos do not. */
static void fill_regress(struct xd_line *line, const enum xd_news news[XD_LANES_MAX], struct xd_link *link) {
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        if (news[lane] == XD_NEWS_REGRESSED && link->receive[lane].conflict == 0) {
            link->receive[lane].conflict = xd_receiver_highest(&line->receive[lane]);
        }
    }
}

static enum xd_result on_hello(struct xd_line *line, const struct xd_link *peer, struct xd_now now,
                               struct xd_effects *effects) {
    enum xd_news news[XD_LANES_MAX] = {XD_NEWS_SAME, XD_NEWS_SAME};
    bool differs = false;
    for (size_t index = 0; index < peer->send_count; index++) {
        int lane = lane_of(line->config.receive_lanes, peer->send[index].lane);
        enum xd_result result =
            lane < 0 ? XD_OK : hello_stream(line, (unsigned)lane, &peer->send[index], &news[lane]);
        if (result != XD_OK) {
            return result;
        }
    }
    struct xd_link link;
    memset(&link, 0, sizeof link);
    link.session = peer->session;
    fill_send(line, &link);
    fill_receive(line, &link, peer);
    fill_regress(line, news, &link);
    write_link(line, XD_TYPE_WELCOME, &link, now, effects);
    for (size_t index = 0; index < peer->receive_count; index++) {
        int lane = lane_of(line->config.send_lanes, peer->receive[index].lane);
        differs = differs || (lane >= 0 && xd_sender_differs(&line->send[lane], &peer->receive[index]));
    }
    if (differs) {
        want_hello(line);
    }
    if (differs || !line->welcomed) {
        hello_soon(line, now.monotonic);
    }
    return XD_OK;
}

static enum xd_result welcome_stream(struct xd_line *line, unsigned lane, const struct xd_link_receive *peer,
                                     struct xd_now now) {
    enum xd_verdict verdict;
    struct xd_rewind rewind;
    enum xd_result result = xd_sender_welcome(&line->send[lane], line->config.store, line->config.env, peer,
                                              now.monotonic, &verdict, &rewind);
    if (result == XD_OK && verdict == XD_VERDICT_NEW_EPOCH) {
        if (rewind.last != 0) {
            tell(line, XD_LINE_REWOUND, line->config.send_lanes[lane], &rewind);
        }
        tell(line, XD_LINE_NEW_EPOCH, line->config.send_lanes[lane], &rewind);
        want_hello(line);
    }
    return result;
}

static enum xd_result on_welcome(struct xd_line *line, const struct xd_link *peer, struct xd_now now) {
    if (peer->session == NULL || strcmp(peer->session, line->session) != 0) {
        return XD_OK; /* an answer to another hello */
    }
    for (size_t index = 0; index < peer->receive_count; index++) {
        int lane = lane_of(line->config.send_lanes, peer->receive[index].lane);
        enum xd_result result =
            lane < 0 ? XD_OK : welcome_stream(line, (unsigned)lane, &peer->receive[index], now);
        if (result != XD_OK) {
            return result; /* undone: it comes again, and its session must still be ours */
        }
    }
    line->session[0] = 0;
    line->hello_due = line->hello_due || line->ask_again;
    line->ask_again = false;
    line->welcomed = true;
    line->paused_until = 0;
    xd_retry_reset(&line->hello_retry);
    line->hello_at = now.monotonic + HELLO_GAP_MS;
    return XD_OK;
}

static enum xd_result on_ack(struct xd_line *line, const struct xd_link *peer, struct xd_now now) {
    for (size_t index = 0; index < peer->receive_count; index++) {
        int lane = lane_of(line->config.send_lanes, peer->receive[index].lane);
        if (lane < 0) {
            continue;
        }
        enum xd_result result =
            xd_sender_covered(&line->send[lane], line->config.store, &peer->receive[index], now.monotonic);
        if (result == XD_CONFLICT) {
            want_hello(line);
        } else if (result != XD_OK) {
            return result;
        }
    }
    return XD_OK;
}

enum xd_result xd_line_message(struct xd_line *line, const char *type, const struct xd_link *link,
                               struct xd_now now, struct xd_effects *effects) {
    if (strcmp(type, XD_TYPE_HELLO) == 0) {
        return on_hello(line, link, now, effects);
    }
    if (strcmp(type, XD_TYPE_WELCOME) == 0) {
        return on_welcome(line, link, now);
    }
    return on_ack(line, link, now);
}

/* ---- the broker's word ---- */

void xd_line_confirmed(struct xd_line *line, unsigned lane, uint64_t sequence, xd_ms monotonic) {
    xd_retry_reset(&line->pause_retry);
    xd_sender_sent(&line->send[lane], sequence, monotonic);
}

void xd_line_returned(struct xd_line *line, unsigned lane, uint64_t sequence, xd_ms monotonic) {
    xd_sender_lost(&line->send[lane], sequence);
    if (line->paused_until <= monotonic) {
        line->paused_until = monotonic + xd_retry_next(&line->pause_retry, line->config.env);
    }
}

/* ---- handing out ---- */

struct pump {
    struct xd_line *line;
    struct xd_flight *flight;
    struct xd_effects *effects;
    unsigned lane;
    uint64_t last;
    size_t count;
    size_t heap_max; /* the effects' heap may grow to this before the next document */
};

static const char *type_of(enum xd_kind kind) {
    switch (kind) {
    case XD_DOC_CONFIRMATION:
        return XD_TYPE_CONFIRMATION;
    case XD_DOC_RESPONSE:
        return XD_TYPE_RESPONSE;
    case XD_DOC_INVENTORY:
        return XD_TYPE_INVENTORY;
    case XD_DOC_SETTLED:
        return XD_TYPE_SETTLED;
    default:
        return XD_TYPE_RELEASE; /* a release, or one given back */
    }
}

static enum xd_result hand_out(void *context, const struct xd_outbox_row *row) {
    struct pump *pump = context;
    struct xd_line *line = pump->line;
    char id[XD_HASH_TEXT_SIZE];
    if (pump->effects->heap.size >= pump->heap_max) {
        return XD_AGAIN;
    }
    uint64_t tag = xd_flight_add(pump->flight, line, pump->lane, row->sequence);
    if (tag == 0) {
        return XD_AGAIN;
    }
    xd_hash_write(&row->hash, id);
    id[32] = 0; /* 128 bits name a document's content for good, on every resend */
    struct xd_envelope envelope = {.id = id,
                                   .source = line->source,
                                   .type = type_of(row->kind),
                                   .subject = row->document_id,
                                   .time = row->accepted_at,
                                   .site = line->site,
                                   .lane = line->config.send_lanes[pump->lane],
                                   .epoch = line->send[pump->lane].row.epoch,
                                   .sequence = row->sequence,
                                   .chain = row->chain,
                                   .correlation_id = row->correlation_id,
                                   .causation_id = row->causation_id};
    publish(line, &envelope, row->body, tag, pump->effects);
    pump->last = row->sequence;
    pump->count++;
    return pump->effects->result;
}

static enum xd_result pump_run(struct xd_line *line, struct xd_flight *flight, unsigned lane, uint64_t max,
                               size_t heap_max, struct xd_effects *effects, size_t *count) {
    struct pump pump = {
        .line = line, .flight = flight, .effects = effects, .lane = lane, .heap_max = heap_max};
    const struct xd_delivery_store *store = line->config.store;
    uint64_t first, last;
    *count = 0;
    if (!xd_sender_peek(&line->send[lane], max, &first, &last)) {
        return XD_OK;
    }
    enum xd_result result = store->outbox_read(store->context, line->send[lane].row.number, first, last,
                                               (size_t)max, hand_out, &pump);
    if (result == XD_AGAIN) {
        if (pump.count > 0) {
            xd_sender_took(&line->send[lane], pump.last);
        }
    } else if (result == XD_OK) {
        xd_sender_took(&line->send[lane], last);
    }
    *count = pump.count;
    return result;
}

enum xd_result xd_line_pump(struct xd_line *line, struct xd_flight *flight, size_t room, struct xd_now now,
                            struct xd_effects *effects, size_t *taken) {
    size_t heap_start = effects->heap.size;
    bool full = false;
    *taken = 0;
    if (!line->up || !line->welcomed || now.monotonic < line->paused_until) {
        return XD_OK;
    }
    while (!full && *taken < room) {
        uint64_t waiting[XD_LANES_MAX], share[XD_LANES_MAX] = {0, 0};
        size_t slots = room - *taken < PUMP_BATCH ? room - *taken : PUMP_BATCH;
        for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
            waiting[lane] = xd_sender_waiting(&line->send[lane]);
        }
        for (size_t slot = 0; slot < slots; slot++) {
            int lane = xd_lanes_next(&line->lanes, waiting);
            if (lane < 0) {
                break;
            }
            share[lane]++;
            waiting[lane]--;
        }
        if (share[0] + share[1] == 0) {
            break;
        }
        for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
            /* Large documents of the first lane leave the others their share of the bytes. */
            size_t bytes = PUMP_BYTES_MAX - (lane == 0 ? PUMP_BYTES_MAX / XD_LANES_SHARE : 0);
            size_t count;
            enum xd_result result =
                pump_run(line, flight, lane, share[lane], heap_start + bytes, effects, &count);
            *taken += count;
            if (result != XD_OK && result != XD_AGAIN) {
                return result;
            }
            full = full || result == XD_AGAIN;
        }
    }
    return XD_OK;
}

/* ---- time ---- */

enum xd_result xd_line_settle(struct xd_line *line, xd_ms monotonic) {
    enum xd_result result = XD_OK;
    for (unsigned lane = 0; lane < XD_LANES_MAX && result == XD_OK; lane++) {
        result = xd_sender_settle(&line->send[lane], line->config.store, monotonic);
    }
    return result;
}

/* A gap that was asked for is asked for again ever more rarely, until the watermark
 * moves: what fills it may be on its way behind a long queue, and whoever asks anew
 * each second is sent all of it each second. */
static bool gap_is_old(const struct xd_receiver *receiver, struct xd_now now) {
    xd_ms wait =
        XD_LINE_GAP_MS << (receiver->gap_asked < GAP_DOUBLED_MAX ? receiver->gap_asked : GAP_DOUBLED_MAX);
    return receiver->gap_since != 0 && now.monotonic - receiver->gap_since >= wait;
}

static void watch_gap(struct xd_receiver *receiver, struct xd_now now) {
    if (receiver->above.count == 0) {
        receiver->gap_since = 0;
    } else if (receiver->gap_since == 0 || receiver->gap_at != receiver->row.watermark) {
        receiver->gap_since = now.monotonic;
        receiver->gap_at = receiver->row.watermark;
        receiver->gap_asked = 0;
    }
}

/* Only who was heard lately is asked for a gap: the queue of an absent peer must not
 * fill with that. */
static bool ack_due(struct xd_line *line, struct xd_now now) {
    bool alive = xd_line_alive(line, now.monotonic), due = false;
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        struct xd_receiver *receiver = &line->receive[lane];
        uint64_t fresh = receiver->row.watermark - receiver->acked;
        watch_gap(receiver, now);
        due = due || fresh >= XD_LINE_ACK_COUNT || (alive && gap_is_old(receiver, now)) ||
              (!receiver->told && now.monotonic - line->ack_at >= XD_LINE_ACK_MS);
    }
    return due;
}

static void send_ack(struct xd_line *line, struct xd_now now, struct xd_effects *effects) {
    struct xd_link link;
    memset(&link, 0, sizeof link);
    fill_receive(line, &link, NULL);
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        struct xd_receiver *receiver = &line->receive[lane];
        if (gap_is_old(receiver, now)) {
            receiver->gap_since = now.monotonic;
            receiver->gap_asked++;
        } else {
            link.receive[lane].missing_count = 0; /* too young to be called missing */
        }
        receiver->acked = receiver->row.watermark;
        receiver->told = true;
    }
    line->ack_at = now.monotonic;
    write_link(line, XD_TYPE_ACK, &link, now, effects);
}

static bool stuck(const struct xd_line *line, struct xd_now now) {
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_sender *sender = &line->send[lane];
        if (sender->stuck_since != 0 && now.monotonic - sender->stuck_since >= XD_LINE_STUCK_MS) {
            return true;
        }
    }
    return false;
}

/* After failed batches: now, or when the time has come. */
static void ask_for_undone(struct xd_line *line, struct xd_now now) {
    if (now.monotonic < line->undone_at || now.monotonic < line->hello_at) {
        return;
    }
    if (line->undone) {
        line->undone = false;
        line->undone_at = now.monotonic + xd_retry_next(&line->undone_retry, line->config.env);
        line->receive[0].told = line->receive[1].told = false;
        want_hello(line);
    } else if (now.monotonic - line->undone_at >= UNDONE_MS_MAX) {
        xd_retry_reset(&line->undone_retry);
    }
}

void xd_line_tick(struct xd_line *line, struct xd_now now, struct xd_effects *effects) {
    if (!line->up) {
        return;
    }
    bool alive = xd_line_alive(line, now.monotonic);
    bool lost = !line->welcomed || line->session[0] != 0 || stuck(line, now) ||
                (alive && now.monotonic - line->asked_at >= XD_LINE_REFRESH_MS);
    bool listening = alive || !line->config.peer_polls;
    if (listening) {
        ask_for_undone(line, now);
    }
    if (now.monotonic >= line->hello_at && (line->hello_due || (lost && listening))) {
        send_hello(line, now, effects);
    }
    if (line->receive[0].row.epoch[0] != 0 || line->receive[1].row.epoch[0] != 0) {
        if (ack_due(line, now)) {
            send_ack(line, now, effects);
        }
    }
}

enum xd_result xd_line_trim(struct xd_line *line, xd_ms keep_ms, size_t max, xd_ms monotonic, bool *more) {
    const struct xd_delivery_store *store = line->config.store;
    *more = false;
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        uint64_t old = UINT64_MAX;
        bool left;
        enum xd_result result = XD_OK;
        if (keep_ms != XD_LINE_KEEP_NOTHING) {
            result = xd_sender_age(&line->send[lane], store, keep_ms, xd_line_alive(line, monotonic),
                                   monotonic, &old);
        }
        if (result == XD_OK) {
            result = xd_sender_trim(&line->send[lane], store, old, max, &left);
        }
        if (result != XD_OK) {
            return result;
        }
        *more = *more || left;
    }
    return XD_OK;
}

uint64_t xd_line_backlog(const struct xd_line *line, unsigned lane) {
    return xd_sender_backlog(&line->send[lane]);
}

static enum xd_result take_time(void *context, const struct xd_outbox_row *row) {
    *(xd_ms *)context = row->accepted_at;
    return XD_OK;
}

enum xd_result xd_line_oldest(const struct xd_line *line, struct xd_now now, int64_t *ms) {
    const struct xd_delivery_store *store = line->config.store;
    *ms = 0;
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_stream_row *row = &line->send[lane].row;
        xd_ms at = now.wall;
        if (row->watermark + 1 >= row->next) {
            continue;
        }
        enum xd_result result = store->outbox_read(store->context, row->number, row->watermark + 1,
                                                   row->next - 1, 1, take_time, &at);
        if (result != XD_OK) {
            return result;
        }
        if (now.wall - at > *ms) {
            *ms = now.wall - at;
        }
    }
    return XD_OK;
}

bool xd_line_check(const struct xd_line *line) {
    bool fine = true;
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        fine = fine && xd_sender_check(&line->send[lane]) && xd_receiver_check(&line->receive[lane]);
    }
    return fine;
}
