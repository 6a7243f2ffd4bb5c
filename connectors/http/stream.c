/* Answers without end: libmicrohttpd asks for more of a body, and is suspended while
 * there is none.
 *
 * All state of a stream is under the server's lock. Two hold it by a reference: its
 * owner until close, and libmicrohttpd's response until it is destroyed (reader_gone),
 * after which the connection is not touched any more. `suspended` is set by the polling
 * thread, which finds nothing to send, and taken back by whoever resumes it. At the
 * server's stop all streams are ended and resumed, so that none is suspended when the
 * daemon stops. */
#include "base/memory.h"
#include "http/server_state.h"

#include <string.h>

#define BLOCK ((size_t)16 * 1024)

struct xd_http_stream {
    struct xd_http_server *server; /* kept by a reference */
    struct MHD_Connection *mhd;    /* valid until gone */
    struct xd_http_stream *next, **link;
    unsigned references;
    struct xd_buffer held; /* from `sent` on it was not read yet */
    size_t sent, size_max;
    bool suspended, ended, gone;
};

/* Drops a reference; the lock is not held. */
static void release(struct xd_http_stream *stream) {
    struct xd_http_server *server = stream->server;
    bool last;

    pthread_mutex_lock(&server->lock);
    last = --stream->references == 0;
    if (last) {
        *stream->link = stream->next;
        if (stream->next != NULL)
            stream->next->link = stream->link;
    }
    pthread_mutex_unlock(&server->lock);
    if (!last)
        return;
    xd_buffer_free(&stream->held);
    xd_free(stream);
    xd_http_server_release(server);
}

/* The lock is held. */
static void wake(struct xd_http_stream *stream) {
    if (!stream->suspended)
        return;
    stream->suspended = false;
    MHD_resume_connection(stream->mhd);
}

/* libmicrohttpd wants more: the polling thread. */
static ssize_t read_some(void *context, uint64_t position, char *out, size_t size) {
    struct xd_http_stream *stream = context;
    ssize_t result = 0;

    (void)position;
    pthread_mutex_lock(&stream->server->lock);
    if (stream->held.size > stream->sent) {
        size_t left = stream->held.size - stream->sent, run = left < size ? left : size;

        memcpy(out, stream->held.data + stream->sent, run);
        stream->sent += run;
        result = (ssize_t)run;
    } else if (stream->ended) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->suspended = true;
        MHD_suspend_connection(stream->mhd);
    }
    pthread_mutex_unlock(&stream->server->lock);
    return result;
}

/* The response is destroyed: sent to its end, or its reader is gone. */
static void reader_gone(void *context) {
    struct xd_http_stream *stream = context;

    pthread_mutex_lock(&stream->server->lock);
    stream->gone = true;
    stream->suspended = false;
    pthread_mutex_unlock(&stream->server->lock);
    release(stream);
}

static struct xd_http_stream *stream_new(struct xd_http_request *request, size_t size_max) {
    struct xd_http_stream *stream = xd_alloc(sizeof *stream);
    struct xd_http_server *server = request->server;

    if (stream == NULL)
        return NULL;
    xd_buffer_init(&stream->held, 0);
    stream->server = server;
    stream->mhd = request->mhd;
    stream->size_max = size_max;
    stream->references = 1;
    (void)atomic_fetch_add(&server->references, 1);
    pthread_mutex_lock(&server->lock);
    stream->ended = server->stopping;
    stream->next = server->streams;
    stream->link = &server->streams;
    if (stream->next != NULL)
        stream->next->link = &stream->next;
    server->streams = stream;
    pthread_mutex_unlock(&server->lock);
    return stream;
}

static struct MHD_Response *response_of(struct xd_http_stream *stream, const struct xd_http_request *request,
                                        const char *content_type) {
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_some, stream, reader_gone);

    if (response == NULL)
        return NULL;
    pthread_mutex_lock(&stream->server->lock);
    stream->references++; /* reader_gone drops it */
    pthread_mutex_unlock(&stream->server->lock);
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) == MHD_YES &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES &&
        MHD_add_response_header(response, "X-Accel-Buffering", "no") == MHD_YES &&
        xd_http_response_extra(response, request))
        return response;
    MHD_destroy_response(response);
    return NULL;
}

struct xd_http_stream *xd_http_stream_open(struct xd_http_request *request, const char *content_type,
                                           size_t size_max) {
    struct xd_http_stream *stream = stream_new(request, size_max);
    struct MHD_Response *response = stream != NULL ? response_of(stream, request, content_type) : NULL;

    if (response != NULL) {
        request->stream = true;
        xd_http_respond_with(request, response, MHD_HTTP_OK);
        return stream;
    }
    if (stream != NULL)
        release(stream);
    xd_http_respond(request, &(struct xd_http_answer){.status = MHD_HTTP_INTERNAL_SERVER_ERROR});
    return NULL;
}

/* What was read leaves the buffer, and memory for what was unusually large with it. */
static void make_room(struct xd_http_stream *stream, size_t left) {
    if (left == 0 && stream->held.capacity > 2 * stream->size_max)
        xd_buffer_free(&stream->held);
    if (stream->held.size > 0)
        memmove(stream->held.data, stream->held.data + stream->sent, left);
    stream->held.size = left;
    stream->sent = 0;
}

enum xd_result xd_http_stream_write(struct xd_http_stream *stream, struct xd_bytes bytes) {
    enum xd_result result = XD_OK;
    size_t left;

    pthread_mutex_lock(&stream->server->lock);
    left = stream->held.size - stream->sent;
    if (stream->gone || stream->ended) {
        result = XD_NOT_FOUND;
    } else if (left > 0 && left + bytes.size > stream->size_max) {
        result = XD_FULL;
    } else {
        make_room(stream, left);
        xd_buffer_add(&stream->held, bytes.data, bytes.size);
        result = xd_buffer_result(&stream->held);
        wake(stream);
    }
    pthread_mutex_unlock(&stream->server->lock);
    return result;
}

/* The lock is held. */
static void end(struct xd_http_stream *stream) {
    stream->ended = true;
    wake(stream);
}

void xd_http_stream_close(struct xd_http_stream *stream) {
    pthread_mutex_lock(&stream->server->lock);
    end(stream);
    pthread_mutex_unlock(&stream->server->lock);
    release(stream);
}

void xd_http_stream_cut(struct xd_http_stream *stream) {
    pthread_mutex_lock(&stream->server->lock);
    stream->sent = stream->held.size;
    pthread_mutex_unlock(&stream->server->lock);
    xd_http_stream_close(stream);
}

void xd_http_streams_end(struct xd_http_server *server) {
    pthread_mutex_lock(&server->lock);
    for (struct xd_http_stream *stream = server->streams; stream != NULL; stream = stream->next)
        end(stream);
    pthread_mutex_unlock(&server->lock);
}
