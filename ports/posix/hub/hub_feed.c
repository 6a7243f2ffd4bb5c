/* GET /v1/events: one thread that reads the log on a connection of its own and writes
 * what is new to every stream.
 *
 * A stream is a place in the log and a filter. Nothing is kept for a reader beyond what
 * its stream holds: when that is full, its place stays where it is, and one that does not
 * move for a while is cut. Readers that have the same place, as all that keep up, share
 * one read. Events count once they are committed: the turn tells up to where. A reader
 * whose place was dropped from the log, or that this hub has not reached (it was restored
 * from an older copy), is told by an event `gap`. */
#include "posix/hub/hub_program.h"

#include "base/memory.h"
#include "documents/registry.h"
#include "posix/runtime/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STREAM_BYTES ((size_t)128 * 1024)
#define HEARTBEAT_MS ((xd_ms)15000)
#define STUCK_MS ((xd_ms)30000)
#define RETRY_MS ((xd_ms)20) /* a reader's place is looked at again, while its stream is full */
#define READ_LIMIT_MS 100u
#define PAGE ((size_t)64)
#define PAGES_MAX 64u /* until new readers and heartbeats have their turn */

struct stream {
    struct xd_event_reader reader;
    struct xd_http_stream *http;
    xd_ms written_at, moved_at; /* monotonic */
    bool full, gone;
};

struct xd_event_feed {
    struct xd_database *database;
    struct xd_hub_store store;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping, told;
    size_t streams_max, count; /* count: of all, the new ones too */
    struct stream **fresh;     /* not taken by the thread yet */
    size_t fresh_count;
    _Atomic int64_t last;    /* committed */
    struct stream **streams; /* this and the next are the thread's */
    size_t stream_count;
    struct xd_buffer text;
};

/* ---- one stream ---- */

static void write_text(struct stream *stream, const struct xd_buffer *text) {
    enum xd_result result = xd_buffer_result(text);
    if (result == XD_OK) {
        result = xd_http_stream_write(stream->http, xd_buffer_view(text));
    }
    stream->full = result == XD_FULL;
    stream->gone = stream->gone || (result != XD_OK && result != XD_FULL);
    if (result == XD_OK) {
        stream->written_at = stream->moved_at = xd_world_now().monotonic;
    }
}

/* Where it begins; says so when it missed something. */
static void begin(struct xd_event_feed *feed, struct stream *stream) {
    const struct xd_delivery_store *delivery = &feed->store.delivery;
    int64_t last = atomic_load(&feed->last);
    char text[32] = "";
    bool floor_known = delivery->meta_get(delivery->context, XD_EVENTS_FLOOR, text, sizeof text) == XD_OK;
    int64_t floor = floor_known ? strtoll(text, NULL, 10) : 0;
    bool missed = stream->reader.after >= 0 && stream->reader.after < floor;
    bool ahead = stream->reader.after > last;
    xd_buffer_clear(&feed->text);
    xd_buffer_text(&feed->text, ": events follow\n\n");
    if (missed || ahead) {
        stream->reader.after = missed ? floor : last;
        xd_buffer_format(
            &feed->text,
            "id: %" PRId64 "\nevent: gap\ndata: {\"code\":\"%s\",\"next_after\":%" PRId64 "}\n\n",
            stream->reader.after, missed ? "events_dropped" : "events_unknown", stream->reader.after);
    } else if (stream->reader.after < 0) {
        stream->reader.after = last;
    }
    write_text(stream, &feed->text);
}

static void end(struct xd_event_feed *feed, size_t index) {
    struct stream *stream = feed->streams[index];
    if (stream->gone) {
        xd_http_stream_cut(stream->http);
    } else {
        xd_http_stream_close(stream->http);
    }
    xd_free(stream);
    feed->streams[index] = feed->streams[--feed->stream_count];
    pthread_mutex_lock(&feed->mutex);
    feed->count--;
    pthread_mutex_unlock(&feed->mutex);
}

/* ---- reading for all that stand at one place ---- */

struct reading {
    struct xd_event_feed *feed;
    int64_t place;
    size_t count;
};

static enum xd_result hand_on(void *context, const struct xd_event_row *row) {
    struct reading *reading = context;
    struct xd_event_feed *feed = reading->feed;
    reading->count++;
    xd_buffer_clear(&feed->text);
    xd_buffer_format(&feed->text, "id: %" PRId64 "\nevent: %s\ndata: ", row->n, row->type);
    xd_buffer_add(&feed->text, row->body.data, row->body.size);
    xd_buffer_text(&feed->text, "\n\n");
    for (size_t index = 0; index < feed->stream_count; index++) {
        struct stream *stream = feed->streams[index];
        if (stream->reader.after != reading->place || stream->full || stream->gone) {
            continue;
        }
        if (xd_event_passes(row, stream->reader.tenant, stream->reader.types)) {
            write_text(stream, &feed->text);
        }
        if (!stream->full) {
            stream->reader.after = row->n;
        }
    }
    reading->place = row->n;
    return XD_OK;
}

/* False: nothing more for whoever stands there, or it could not be read just now. */
static bool read_page(struct xd_event_feed *feed, int64_t place, int64_t last) {
    const struct xd_store_tx *tx = &feed->store.delivery.tx;
    const struct xd_event_store *store = &feed->store.events;
    struct reading reading = {.feed = feed, .place = place};
    enum xd_result result = tx->begin(tx->context);
    if (result == XD_OK) {
        result = store->list(store->context, place, PAGE, hand_on, &reading);
        tx->rollback(tx->context);
    }
    for (size_t index = 0; result == XD_OK && reading.count == 0 && index < feed->stream_count; index++) {
        if (feed->streams[index]->reader.after == place) {
            feed->streams[index]->reader.after = last; /* what was given up to there was undone */
        }
    }
    return result == XD_OK && reading.count > 0;
}

/* Whether some reader may have more to get right now. */
static bool serve(struct xd_event_feed *feed) {
    int64_t last = atomic_load(&feed->last), place = INT64_MAX;
    for (size_t index = 0; index < feed->stream_count; index++) {
        struct stream *stream = feed->streams[index];
        if (!stream->full && !stream->gone && stream->reader.after < last && stream->reader.after < place) {
            place = stream->reader.after;
        }
    }
    return place != INT64_MAX && read_page(feed, place, last);
}

/* ---- the thread ---- */

static void take_fresh(struct xd_event_feed *feed) {
    size_t before = feed->stream_count;
    pthread_mutex_lock(&feed->mutex);
    for (size_t index = 0; index < feed->fresh_count; index++) {
        feed->streams[feed->stream_count++] = feed->fresh[index];
    }
    feed->fresh_count = 0;
    pthread_mutex_unlock(&feed->mutex);
    for (size_t index = before; index < feed->stream_count; index++) {
        begin(feed, feed->streams[index]);
    }
}

/* Heartbeats, and the end of who is gone or stuck. Whether a stream is full. */
static bool look_after(struct xd_event_feed *feed) {
    xd_ms now = xd_world_now().monotonic;
    bool full = false;
    for (size_t index = feed->stream_count; index > 0; index--) {
        struct stream *stream = feed->streams[index - 1];
        if (!stream->full && !stream->gone && now - stream->written_at >= HEARTBEAT_MS) {
            xd_buffer_clear(&feed->text);
            xd_buffer_text(&feed->text, ": still here\n\n");
            write_text(stream, &feed->text);
        }
        stream->gone = stream->gone || (stream->full && now - stream->moved_at >= STUCK_MS);
        full = full || stream->full;
        if (stream->gone) {
            end(feed, index - 1);
        }
    }
    return full;
}

/* False: stopping. */
static bool wait_for_news(struct xd_event_feed *feed, xd_ms ms) {
    struct timespec until;
    int waited = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&feed->mutex);
    while (!feed->told && !feed->stopping && feed->fresh_count == 0 && waited == 0) {
        waited = pthread_cond_timedwait(&feed->changed, &feed->mutex, &until);
    }
    feed->told = false;
    bool go_on = !feed->stopping;
    pthread_mutex_unlock(&feed->mutex);
    return go_on;
}

static void *run(void *argument) {
    struct xd_event_feed *feed = argument;
    xd_ms wait_ms = 0;
    while (wait_for_news(feed, wait_ms)) {
        bool more = true;
        take_fresh(feed);
        for (size_t index = 0; index < feed->stream_count; index++) {
            feed->streams[index]->full = false; /* it may have read on */
        }
        for (unsigned pages = 0; pages < PAGES_MAX && more; pages++) {
            more = serve(feed);
        }
        bool full = look_after(feed);
        wait_ms = full ? RETRY_MS : more ? 0 : XD_SECOND_MS;
    }
    take_fresh(feed);
    while (feed->stream_count > 0) {
        end(feed, feed->stream_count - 1);
    }
    return NULL;
}

/* ---- for others ---- */

enum xd_result xd_event_feed_start(const char *database_path, size_t streams_max, int64_t last,
                                   struct xd_event_feed **out, char *why, size_t why_size) {
    struct xd_database_config database = {.path = database_path, .read_only = true};
    struct xd_event_feed *feed = xd_alloc(sizeof *feed);
    pthread_condattr_t monotonic;
    if (feed == NULL) {
        return XD_NO_MEMORY;
    }
    feed->streams_max = streams_max;
    atomic_init(&feed->last, last);
    xd_buffer_init(&feed->text, 0);
    feed->streams = xd_alloc(streams_max * sizeof(struct stream *));
    feed->fresh = xd_alloc(streams_max * sizeof(struct stream *));
    if (feed->streams == NULL || feed->fresh == NULL) {
        return XD_NO_MEMORY; /* the process ends */
    }
    enum xd_result result = xd_database_open(&database, XD_SCHEMA_HUB, &feed->database, why, why_size);
    if (result != XD_OK) {
        return result;
    }
    xd_database_hub_store(feed->database, &feed->store);
    xd_database_read_limit(feed->database, READ_LIMIT_MS);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&feed->mutex, NULL);
    *out = feed;
    return pthread_create(&feed->thread, NULL, run, feed) == 0 ? XD_OK : XD_NO_MEMORY;
}

static bool has_room(struct xd_event_feed *feed) {
    pthread_mutex_lock(&feed->mutex);
    bool room = !feed->stopping && feed->count < feed->streams_max;
    feed->count += room;
    pthread_mutex_unlock(&feed->mutex);
    return room;
}

static void refuse(struct xd_http_request *request) {
    struct xd_problem_answer problem = {.status = 503,
                                        .code = "too_many_streams",
                                        .detail = "There are as many readers of this stream as there may be "
                                                  "(http.event_streams); come again later.",
                                        .retryable = true,
                                        .correlation_id = xd_http_header(request, "X-Correlation-Id")};
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    xd_problem_answer_write(&problem, &body);
    struct xd_http_answer answer = {.status = 503,
                                    .content_type = "application/problem+json",
                                    .retry_after_s = 30,
                                    .body = xd_buffer_view(&body)};
    xd_http_respond(request, &answer);
    xd_buffer_free(&body);
}

void xd_event_feed_add(struct xd_event_feed *feed, struct xd_http_request *request,
                       const struct xd_event_reader *reader) {
    struct stream *stream = xd_alloc(sizeof *stream);
    if (stream == NULL || !has_room(feed)) { /* the place is taken only by what is there */
        xd_free(stream);
        refuse(request);
        return;
    }
    stream->reader = *reader;
    stream->written_at = stream->moved_at = xd_world_now().monotonic;
    stream->http = xd_http_stream_open(request, "text/event-stream", STREAM_BYTES);
    pthread_mutex_lock(&feed->mutex);
    if (stream->http == NULL) {
        feed->count--;
    } else {
        feed->fresh[feed->fresh_count++] = stream;
    }
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->mutex);
    if (stream->http == NULL) {
        xd_free(stream);
    }
}

void xd_event_feed_tell(struct xd_event_feed *feed, int64_t n) {
    if (atomic_exchange(&feed->last, n) == n) {
        return;
    }
    pthread_mutex_lock(&feed->mutex);
    feed->told = true;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->mutex);
}

size_t xd_event_feed_count(struct xd_event_feed *feed) {
    pthread_mutex_lock(&feed->mutex);
    size_t count = feed->count;
    pthread_mutex_unlock(&feed->mutex);
    return count;
}

void xd_event_feed_stop(struct xd_event_feed *feed) {
    pthread_mutex_lock(&feed->mutex);
    feed->stopping = true;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->mutex);
    pthread_join(feed->thread, NULL);
    xd_database_close(feed->database);
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->mutex);
    xd_buffer_free(&feed->text);
    xd_free(feed->streams);
    xd_free(feed->fresh);
    xd_free(feed);
}
