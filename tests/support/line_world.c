/* A message that is published is decided upon at once: enqueued once, twice or not
 * at all, and confirmed, returned or not answered. What is not answered makes the
 * connection fall within seconds, as the publisher's watchdog does. A queue is
 * first in, first out by the time of arrival, except for what is delayed. */
#include "support/line_world.h"

#include "base/memory.h"
#include "documents/envelope.h"
#include "documents/link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TYPE_STATUS_MS ((xd_ms)30000)
#define EVENTS_MAX 512u

enum event_kind { EVENT_MESSAGE, EVENT_APPEND };

struct event {
    enum event_kind kind;
    struct world_message *message;
    unsigned lane, number;
    bool refused;
};

/* ---- chance ---- */

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t world_random(struct world *world, uint64_t below) {
    return below == 0 ? 0 : next_random(&world->random) % below;
}

bool world_chance(struct world *world, unsigned thousandths) {
    return thousandths > 0 && world_random(world, 1000) < thousandths;
}

static void entropy(void *context, void *out, size_t size) {
    struct world *world = context;
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)next_random(&world->random);
    }
}

void world_wrong(struct world *world, const char *what, const char *format, ...) {
    if (world->broken != NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(world->detail, sizeof world->detail, format, arguments);
    va_end(arguments);
    world->broken = what;
}

static void must(struct world *world, enum xd_result result, const char *what) {
    if (result != XD_OK) {
        world_wrong(world, what, "%s", xd_result_name(result));
    }
}

static void *grown(void *items, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    void *bigger = realloc(items, *capacity * size);
    if (bigger == NULL) {
        abort();
    }
    return bigger;
}

static void note(struct world_books *books, unsigned number) {
    books->items = grown(books->items, books->count, &books->capacity, sizeof *books->items);
    books->items[books->count++] = number;
}

static void copy_books(struct world_books *to, const struct world_books *from) {
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        note(to, from->items[i]);
    }
}

/* ---- the broker ---- */

static void enqueue(struct world *world, unsigned side, struct xd_bytes body, const char *signature) {
    struct world_queue *queue = &world->queues[side];
    queue->items = grown(queue->items, queue->count, &queue->capacity, sizeof *queue->items);
    struct world_message *message = &queue->items[queue->count++];
    *message = (struct world_message){.size = body.size, .order = world->order++};
    message->body = malloc(body.size);
    if (message->body == NULL) {
        abort();
    }
    memcpy(message->body, body.data, body.size);
    (void)snprintf(message->signature, sizeof message->signature, "%s", signature);
    xd_ms at = world->now.monotonic + 5 + (xd_ms)world_random(world, 40);
    if (world_chance(world, world->faults.delayed)) {
        message->at = at + (xd_ms)world_random(world, 20000);
        return;
    }
    queue->last_at = at > queue->last_at ? at : queue->last_at;
    message->at = queue->last_at;
}

static void confirm(struct world_end *end, uint64_t tag, bool taken) {
    if (tag == 0) {
        return;
    }
    end->confirms = grown(end->confirms, end->confirm_count, &end->confirm_capacity, sizeof *end->confirms);
    xd_ms at = end->world->now.monotonic + 5 + (xd_ms)world_random(end->world, 60);
    end->confirms[end->confirm_count++] = (struct world_confirm){at, tag, taken};
}

static void doom(struct world_end *end) {
    if (end->doomed_at == 0) {
        end->doomed_at = end->world->now.monotonic + 1 + (xd_ms)world_random(end->world, 5000);
    }
}

static void count(struct world *world, struct xd_bytes body, uint64_t tag) {
    const char *text = (const char *)body.data;
    world->counts.documents += tag != 0;
    world->counts.hellos += tag == 0 && strstr(text, XD_TYPE_HELLO) != NULL;
    world->counts.welcomes += tag == 0 && strstr(text, XD_TYPE_WELCOME) != NULL;
    world->counts.acks += tag == 0 && strstr(text, XD_TYPE_ACK) != NULL;
}

static void publish(struct world_end *end, struct xd_bytes body, const char *signature, uint64_t tag) {
    struct world *world = end->world;
    const struct world_faults *faults = &world->faults;
    if (!end->up) {
        return; /* nobody takes it */
    }
    count(world, body, tag);
    if (world_chance(world, faults->lost)) {
        doom(end);
        return;
    }
    if (world_chance(world, faults->returned)) {
        confirm(end, tag, false);
        return;
    }
    if (!world_chance(world, faults->lost_confirmed)) {
        enqueue(world, 1 - end->side, body, signature);
        if (world_chance(world, faults->doubled)) {
            enqueue(world, 1 - end->side, body, signature);
        }
    }
    if (world_chance(world, faults->confirm_lost)) {
        doom(end);
        return;
    }
    confirm(end, tag, true);
}

void world_connect(struct world_end *end) {
    end->up = true;
    end->doomed_at = 0;
    xd_line_up(&end->line, end->world->now.monotonic);
}

void world_cut(struct world_end *end) {
    end->up = false;
    end->doomed_at = 0;
    end->confirm_count = 0;
    end->up_at = end->world->now.monotonic + 1 + (xd_ms)world_random(end->world, 15000);
    xd_line_down(&end->line);
    xd_flight_lose(&end->flight);
}

static void confirms_due(struct world_end *end) {
    size_t kept = 0;
    for (size_t i = 0; i < end->confirm_count; i++) {
        struct world_confirm one = end->confirms[i];
        struct xd_flight_item item;
        if (one.at > end->world->now.monotonic) {
            end->confirms[kept++] = one;
        } else if (xd_flight_take(&end->flight, one.tag, &item) == XD_OK) {
            if (one.taken) {
                xd_line_confirmed(&end->line, item.lane, item.sequence, end->world->now.monotonic);
            } else {
                xd_line_returned(&end->line, item.lane, item.sequence, end->world->now.monotonic);
            }
        }
    }
    end->confirm_count = kept;
}

void world_broker(struct world *world) {
    for (unsigned i = 0; i < WORLD_ENDS; i++) {
        struct world_end *end = &world->ends[i];
        if (!end->running) {
            continue;
        }
        confirms_due(end);
        if (end->up && end->doomed_at != 0 && end->doomed_at <= world->now.monotonic) {
            world_cut(end);
        } else if (!end->up && end->up_at <= world->now.monotonic) {
            world_connect(end);
        }
    }
}

void world_wipe(struct world *world, unsigned side) {
    struct world_queue *queue = &world->queues[side];
    for (size_t i = 0; i < queue->count; i++) {
        free(queue->items[i].body);
    }
    queue->count = 0;
}

static void sweep(struct world_queue *queue) {
    size_t kept = 0;
    for (size_t i = 0; i < queue->count; i++) {
        if (queue->items[i].gone) {
            free(queue->items[i].body);
        } else {
            queue->items[kept++] = queue->items[i];
        }
    }
    queue->count = kept;
}

/* ---- what an end does with a message ---- */

static enum xd_result apply(struct world_end *end, const char *id) {
    const struct xd_delivery_store *store = &end->store.delivery;
    struct xd_quarantine_row row = {.at = end->world->now.wall,
                                    .source = "applied",
                                    .code = "",
                                    .detail = "",
                                    .sha256 = xd_sha256(xd_bytes_of_text(id)),
                                    .times = 1,
                                    .body = xd_bytes_of_text(id)};
    return store->quarantine_add(store->context, &row);
}

static enum xd_result sequenced(struct world_end *end, unsigned lane, const struct xd_envelope *envelope,
                                const struct xd_hash *hash) {
    const struct xd_delivery_store *store = &end->store.delivery;
    struct xd_document_row there;
    const char *id = envelope->subject;
    enum xd_result result = store->document_get(store->context, "peer", XD_DOC_ECHO, id, 1, hash, &there);
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    bool known = result == XD_OK;
    switch (xd_line_look(&end->line, lane, envelope, hash, known)) {
    case XD_ARRIVAL_REPEAT:
        xd_line_repeat(&end->line, lane);
        return XD_OK;
    case XD_ARRIVAL_FORGET:
        return XD_OK;
    case XD_ARRIVAL_CONFLICT:
        return xd_line_conflict(&end->line, lane, envelope->sequence);
    default:
        break;
    }
    if (!known) {
        result =
            store->document_add(store->context, "peer", XD_DOC_ECHO, id, 1, hash, end->world->now.wall, NULL);
        result = result == XD_OK ? apply(end, id) : result;
        if (result != XD_OK) {
            return result;
        }
    }
    return xd_line_take(&end->line, lane, envelope, hash);
}

static struct xd_problems problems;

static enum xd_result take_message(struct world_end *end, const struct world_message *message,
                                   struct xd_effects *effects) {
    struct world *world = end->world;
    struct xd_document document = {0};
    struct xd_envelope envelope;
    struct xd_link link;
    struct xd_bytes body = xd_bytes_of(message->body, message->size);
    must(world, xd_verify(&end->line.config.key, body, message->signature), "a message is not authentic");
    xd_problems_clear(&problems);
    enum xd_result result = xd_envelope_read(body, &document, &envelope, &problems);
    must(world, result, "an envelope cannot be read");
    if (result == XD_OK) {
        xd_line_heard(&end->line, world->now.monotonic);
        int lane = xd_line_lane(&end->line, &envelope);
        if (lane >= 0) {
            result = sequenced(end, (unsigned)lane, &envelope, &document.hash);
        } else if (strcmp(envelope.type, XD_TYPE_STATUS) != 0) {
            result = xd_link_read(&document, envelope.data, &link, &problems);
            must(world, result, "a message of the line cannot be read");
            result = result == XD_OK ? xd_line_message(&end->line, envelope.type, &link, world->now, effects)
                                     : result;
        }
    }
    xd_document_free(&document);
    return result;
}

static enum xd_result append(struct world_end *end, const struct event *event) {
    struct xd_document document;
    char id[16], body[64];
    (void)snprintf(id, sizeof id, "D%05u", event->number);
    (void)snprintf(body, sizeof body, "{\"id\":\"%s\",\"qty\":\"%u.0\"}", id, event->number);
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(xd_bytes_of_text(body), &document, &problems);
    if (result == XD_OK) {
        struct xd_outbox_row row = {.kind = XD_DOC_ECHO,
                                    .document_id = id,
                                    .version = 1,
                                    .hash = document.hash,
                                    .accepted_at = end->world->now.wall,
                                    .body = xd_bytes_of_text(body)};
        result = xd_line_append(&end->line, event->lane, &row);
    }
    xd_document_free(&document);
    return result;
}

/* ---- the turn's operations ---- */

static enum xd_result decide(void *context, void *item, struct xd_now now, struct xd_effects *effects) {
    struct world_end *end = context;
    struct event *event = item;
    (void)now;
    enum xd_result result =
        event->kind == EVENT_MESSAGE ? take_message(end, event->message, effects) : append(end, event);
    must(end->world, result, "an event failed");
    return result == XD_OK && world_chance(end->world, end->world->faults.undone) ? XD_AGAIN : result;
}

static void refuse(void *context, void *item, enum xd_result why, struct xd_effects *effects) {
    struct event *event = item;
    (void)context;
    (void)why;
    (void)effects;
    event->refused = true;
}

static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    struct world_end *end = context;
    struct world *world = end->world;
    size_t taken, room = 1 + world_random(world, 600);
    bool more;
    if (world->faults.retention_ms > 0) {
        enum xd_result result =
            xd_line_trim(&end->line, world->faults.retention_ms, 50, now.monotonic, &more);
        if (result != XD_OK) {
            return result;
        }
    }
    if (end->side == 0 && end->line.up && now.monotonic >= end->status_at) {
        end->status_at = now.monotonic + TYPE_STATUS_MS;
        xd_line_publish(&end->line, XD_TYPE_STATUS, xd_bytes_of_text("{}"), now, effects);
    }
    xd_line_tick(&end->line, now, effects);
    enum xd_result result = xd_line_pump(&end->line, &end->flight, room, now, effects, &taken);
    return result == XD_OK ? xd_line_settle(&end->line, now.monotonic) : result;
}

static enum xd_result reload(void *context, bool restart) {
    struct world_end *end = context;
    if (restart) {
        xd_flight_clear(&end->flight);
    }
    return xd_line_reload(&end->line, restart);
}

static void release(void *context, struct xd_effects *effects) {
    struct world_end *end = context;
    end->released = true;
    for (size_t i = 0; i < effects->count && !end->drop_release; i++) {
        const struct xd_effect *effect = &effects->items[i];
        if (effect->kind == XD_EFFECT_LINE_PUBLISH) {
            publish(end, xd_effects_view(effects, effect->body), xd_effects_string(effects, effect->c),
                    effect->tag);
        }
    }
}

static enum xd_result commit(void *context) {
    struct world_end *end = context;
    const struct xd_store_tx *tx = &end->store.delivery.tx;
    return end->fail_commit ? XD_FULL : tx->commit(tx->context);
}
static enum xd_result tx_begin(void *context) {
    const struct xd_store_tx *tx = &((struct world_end *)context)->store.delivery.tx;
    return tx->begin(tx->context);
}
static void tx_rollback(void *context) {
    const struct xd_store_tx *tx = &((struct world_end *)context)->store.delivery.tx;
    tx->rollback(tx->context);
}
static enum xd_result tx_savepoint(void *context) {
    const struct xd_store_tx *tx = &((struct world_end *)context)->store.delivery.tx;
    return tx->savepoint(tx->context);
}
static enum xd_result tx_keep(void *context) {
    const struct xd_store_tx *tx = &((struct world_end *)context)->store.delivery.tx;
    return tx->keep(tx->context);
}
static enum xd_result tx_undo(void *context) {
    const struct xd_store_tx *tx = &((struct world_end *)context)->store.delivery.tx;
    return tx->undo(tx->context);
}

/* ---- turns ---- */

static int by_arrival(const void *a, const void *b) {
    const struct world_message *left = *(const struct world_message *const *)a;
    const struct world_message *right = *(const struct world_message *const *)b;
    if (left->at != right->at) {
        return left->at < right->at ? -1 : 1;
    }
    return left->order < right->order ? -1 : 1;
}

static size_t messages_due(struct world_end *end, size_t max, struct world_message **out) {
    struct world_queue *queue = &end->world->queues[end->side];
    struct world_message **due = malloc((queue->count + 1) * sizeof(struct world_message *));
    size_t found = 0;
    if (due == NULL) {
        abort();
    }
    for (size_t i = 0; i < queue->count; i++) {
        if (queue->items[i].at <= end->world->now.monotonic) {
            due[found++] = &queue->items[i];
        }
    }
    qsort(due, found, sizeof(struct world_message *), by_arrival);
    found = found < max ? found : max;
    memcpy(out, due, found * sizeof(struct world_message *));
    free(due);
    return found;
}

static size_t gather(struct world_end *end, unsigned appends, size_t messages_max, struct event *events) {
    struct world *world = end->world;
    struct world_message *due[EVENTS_MAX];
    size_t found = 0;
    messages_max = messages_max < EVENTS_MAX / 2 ? messages_max : EVENTS_MAX / 2;
    size_t messages = end->up ? messages_due(end, messages_max, due) : 0;
    for (size_t i = 0; i < messages; i++) {
        events[found++] = (struct event){.kind = EVENT_MESSAGE, .message = due[i]};
    }
    for (unsigned i = 0; i < appends && found < EVENTS_MAX && world->document_count < WORLD_DOCUMENTS; i++) {
        world->side_of[world->document_count] = (unsigned char)end->side;
        events[found++] = (struct event){.kind = EVENT_APPEND,
                                         .number = world->document_count++,
                                         .lane = (unsigned)world_random(world, XD_LANES_MAX)};
    }
    return found;
}

void world_turn(struct world_end *end, unsigned appends, size_t messages_max) {
    static struct event events[EVENTS_MAX];
    void *pointers[EVENTS_MAX];
    struct world *world = end->world;
    size_t found = gather(end, appends, messages_max, events);
    for (size_t i = 0; i < found; i++) {
        pointers[i] = &events[i];
    }
    end->released = false;
    uint64_t failed = end->turn.counters.commits_failed;
    must(world, xd_turn_run(&end->turn, pointers, found, world->now), "the turn failed");
    for (size_t i = 0; i < found && end->turn.counters.commits_failed == failed; i++) {
        if (events[i].refused) {
            continue;
        }
        if (events[i].kind == EVENT_APPEND) {
            note(&end->books, events[i].number);
            world->committed[events[i].number] = true;
        } else {
            events[i].message->gone = !end->drop_release;
        }
    }
    sweep(&world->queues[end->side]);
}

/* ---- processes and their stores ---- */

static void start_turn(struct world_end *end) {
    struct xd_turn_ops ops = {.context = end,
                              .decide = decide,
                              .refuse = refuse,
                              .settle = settle,
                              .reload = reload,
                              .release = release};
    end->tx = (struct xd_store_tx){.context = end,
                                   .begin = tx_begin,
                                   .commit = commit,
                                   .rollback = tx_rollback,
                                   .savepoint = tx_savepoint,
                                   .keep = tx_keep,
                                   .undo = tx_undo};
    xd_turn_init(&end->turn, &ops, &end->tx, NULL);
}

void world_start(struct world_end *end) {
    struct world *world = end->world;
    struct xd_database_config database = {.path = end->path, .cache_bytes = 256 * 1024};
    char why[200] = "";
    bool hub = end->side == 1;
    if (xd_database_open(&database, XD_SCHEMA_SITE, &end->database, why, sizeof why) != XD_OK) {
        (void)fprintf(stderr, "%s: %s\n", end->path, why);
        abort();
    }
    xd_database_site_store(end->database, &end->store);
    struct xd_line_config config = {.env = &world->env,
                                    .store = &end->store.delivery,
                                    .peer = hub ? "WH1" : "hub",
                                    .site = "WH1",
                                    .source = hub ? "/hub" : "/sites/WH1",
                                    .send_lanes = {"work", hub ? "notice" : "bulk"},
                                    .receive_lanes = {"work", hub ? "bulk" : "notice"},
                                    .exchange = "x",
                                    .routing_key = "WH1",
                                    .key = {.kid = "k", .secret = "secret", .secret_size = 6},
                                    .peer_polls = hub};
    const struct xd_store_tx *tx = &end->store.delivery.tx;
    must(world, xd_flight_init(&end->flight), "no flight");
    must(world, tx->begin(tx->context), "begin");
    must(world, xd_line_open(&end->line, &config, world->now.monotonic), "the line cannot be opened");
    must(world, tx->commit(tx->context), "commit");
    start_turn(end);
    end->running = true;
    end->up = false;
    end->up_at = world->now.monotonic + (xd_ms)world_random(world, 500);
    end->confirm_count = 0;
    end->doomed_at = 0;
    end->status_at = 0;
}

void world_stop(struct world_end *end) {
    xd_turn_free(&end->turn);
    xd_line_close(&end->line);
    xd_flight_free(&end->flight);
    xd_database_close(end->database);
    end->database = NULL;
    end->running = false;
    end->up = false;
}

static void copy_file(const char *from, const char *to) {
    static char block[65536];
    char beside[WORLD_PATH + 8];
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    size_t size;
    if (in == NULL || out == NULL) {
        abort();
    }
    while ((size = fread(block, 1, sizeof block, in)) > 0) {
        if (fwrite(block, 1, size, out) != size) {
            abort();
        }
    }
    (void)fclose(in);
    if (fclose(out) != 0) {
        abort();
    }
    (void)snprintf(beside, sizeof beside, "%s-wal", to);
    (void)unlink(beside);
    (void)snprintf(beside, sizeof beside, "%s-shm", to);
    (void)unlink(beside);
}

void world_copy(struct world_end *end) {
    world_stop(end);
    copy_file(end->path, end->copy.path);
    copy_books(&end->copy.books, &end->books);
    end->copy.there = true;
    world_start(end);
}

static void went_back(struct world_end *end) {
    end->world->restores[end->side]++;
    memset(end->sends, 0, sizeof end->sends);
    memset(end->receives, 0, sizeof end->receives);
}

void world_restore(struct world_end *end) {
    world_stop(end);
    copy_file(end->copy.path, end->path);
    copy_books(&end->books, &end->copy.books);
    went_back(end);
    world_start(end);
}

void world_clone(struct world_end *end) {
    struct world_end *ghost = &end->world->ends[end->index + WORLD_SIDES];
    world_stop(end);
    copy_file(end->path, ghost->path);
    copy_books(&ghost->books, &end->books);
    went_back(ghost);
    ghost->copy.there = false;
    world_start(ghost);
    world_start(end);
}

void world_replace_by_ghost(struct world_end *end) {
    struct world_end *ghost = &end->world->ends[end->index + WORLD_SIDES];
    world_stop(end);
    world_stop(ghost);
    copy_file(ghost->path, end->path);
    copy_books(&end->books, &ghost->books);
    went_back(end);
    world_start(end);
}

void world_open(struct world *world, uint64_t seed, const char *folder) {
    memset(world, 0, sizeof *world);
    world->seed = seed;
    world->random = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    world->env = (struct xd_env){.context = world, .entropy = entropy};
    world->now = (struct xd_now){.wall = 1700000000000, .monotonic = 1000};
    (void)snprintf(world->folder, sizeof world->folder, "%s", folder);
    for (unsigned i = 0; i < WORLD_ENDS; i++) {
        struct world_end *end = &world->ends[i];
        end->world = world;
        end->index = i;
        end->side = i % WORLD_SIDES;
        (void)snprintf(end->path, sizeof end->path, "%.120s/%u.db", folder, i);
        (void)snprintf(end->copy.path, sizeof end->copy.path, "%.120s/%u.copy", folder, i);
        if (i < WORLD_SIDES) {
            (void)unlink(end->path);
            world_start(end);
        }
    }
}

void world_close(struct world *world) {
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".ballast"};
    for (unsigned i = 0; i < WORLD_ENDS; i++) {
        struct world_end *end = &world->ends[i];
        char path[WORLD_PATH + 16];
        if (end->running) {
            world_stop(end);
        }
        for (size_t s = 0; s < sizeof suffixes / sizeof suffixes[0]; s++) {
            (void)snprintf(path, sizeof path, "%s%s", end->path, suffixes[s]);
            (void)unlink(path);
        }
        (void)unlink(end->copy.path);
        free(end->confirms);
        free(end->books.items);
        free(end->copy.books.items);
    }
    for (unsigned side = 0; side < WORLD_SIDES; side++) {
        world_wipe(world, side);
        free(world->queues[side].items);
    }
}

/* ---- what must hold ---- */

/* With messages that overtake each other, or two processes of one name, what is believed of a peer may fall.
 */
static bool may_fall(const struct world_end *end, const struct world_seen *seen,
                     const struct xd_stream_row *row) {
    const struct world *world = end->world;
    return row->sends && (world->unordered || seen->restores != world->restores[1 - end->side]);
}

/* stored: the store knows this watermark. A life that ends, and a batch that fails, forget what it does not
 * know. */
static void check_seen(struct world_end *end, struct world_seen *seen, const struct xd_stream_row *row,
                       bool stored) {
    bool fell = strcmp(seen->epoch, row->epoch) == 0 && row->watermark < seen->watermark;
    if (fell && !may_fall(end, seen, row)) {
        world_wrong(end->world, "a watermark fell", "end %u, lane %s, sends %d: %llu after %llu", end->index,
                    row->lane, row->sends, (unsigned long long)row->watermark,
                    (unsigned long long)seen->watermark);
    }
    if (fell) {
        seen->restores = end->world->restores[1 - end->side];
    }
    if (stored || fell || strcmp(seen->epoch, row->epoch) != 0) {
        seen->watermark = row->watermark;
    }
    memcpy(seen->epoch, row->epoch, sizeof seen->epoch);
}

void world_check(struct world *world) {
    for (unsigned i = 0; i < WORLD_ENDS; i++) {
        struct world_end *end = &world->ends[i];
        if (!end->running) {
            continue;
        }
        if (!xd_line_check(&end->line)) {
            world_wrong(world, "xd_line_check does not hold", "end %u", i);
        }
        for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
            const struct xd_sender *sender = &end->line.send[lane];
            check_seen(end, &end->sends[lane], &sender->row, sender->unsaved_since == 0);
            check_seen(end, &end->receives[lane], &end->line.receive[lane].row, true);
        }
    }
}

static unsigned number_of(struct world *world, const char *id) {
    unsigned number = (unsigned)strtoul(id + 1, NULL, 10);
    if (id[0] != 'D' || number >= world->document_count) {
        world_wrong(world, "a document that nobody made", "%s", id);
        return 0;
    }
    return number;
}

struct marks {
    struct world *world;
    bool *held;
    unsigned *applied;
    int64_t last;
    size_t count;
};

static enum xd_result mark_held(void *context, const struct xd_outbox_row *row) {
    struct marks *marks = context;
    marks->held[number_of(marks->world, row->document_id)] = true;
    return XD_OK;
}

void world_held(struct world_end *end, bool held[WORLD_DOCUMENTS]) {
    const struct xd_delivery_store *store = &end->store.delivery;
    struct marks marks = {.world = end->world, .held = held};
    memset(held, 0, WORLD_DOCUMENTS * sizeof *held);
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        must(end->world,
             store->outbox_read(store->context, end->line.send[lane].row.number, 1,
                                end->line.send[lane].row.next, WORLD_DOCUMENTS, mark_held, &marks),
             "the outbox cannot be read");
    }
}

static enum xd_result mark_applied(void *context, const struct xd_quarantine_row *row) {
    struct marks *marks = context;
    char id[16] = "";
    memcpy(id, row->body.data, row->body.size < sizeof id - 1 ? row->body.size : sizeof id - 1);
    marks->applied[number_of(marks->world, id)] += (unsigned)row->times;
    marks->last = row->number;
    marks->count++;
    return XD_OK;
}

void world_applied(struct world_end *end, unsigned applied[WORLD_DOCUMENTS]) {
    const struct xd_delivery_store *store = &end->store.delivery;
    struct marks marks = {.world = end->world, .applied = applied};
    memset(applied, 0, WORLD_DOCUMENTS * sizeof *applied);
    must(end->world, store->quarantine_each(store->context, 0, WORLD_DOCUMENTS, mark_applied, &marks),
         "what was applied cannot be read");
}

uint64_t world_backlog(const struct world *world) {
    uint64_t total = 0;
    for (unsigned i = 0; i < WORLD_ENDS; i++) {
        const struct world_end *end = &world->ends[i];
        for (unsigned lane = 0; end->running && lane < XD_LANES_MAX; lane++) {
            total += xd_line_backlog(&end->line, lane);
        }
    }
    return total;
}
