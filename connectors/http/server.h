/* HTTP/1.1 server by libmicrohttpd: bounded requests, answers from any thread.
 *
 * The request is handed over complete, its connection suspended; whoever decides
 * calls xd_http_respond later (after the commit). One polling thread. */
#ifndef XD_HTTP_SERVER_H
#define XD_HTTP_SERVER_H

#include "base/bytes.h"
#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>

struct xd_http_request; /* lives until answered, exactly once */

struct xd_http_config {
    const char *listen; /* "127.0.0.1:8080", "[::1]:8080"; port 0 picks a free one */
    size_t body_max;    /* bytes; 0: 1 MiB. Above it 413, after the body was read and thrown away: up to 4 MiB
                           more,    beyond them at once if the size was announced, else the connection is cut */
    unsigned connections_max; /* 0: 256. When nearly all are taken, those that only wait or drip are cut after
                                 a second or two, the oldest first, and an answer is its connection's last:
                                 so others get in */
    unsigned address_connections_max; /* of one address; 0: as many as there are */
    unsigned timeout_s;               /* of an idle or slow connection; 0: 15 */
    size_t pending_max; /* requests handed over and not answered; 0: 512; above it 503 with Retry-After */
    const char *cert_file, *key_file; /* PEM, for https; NULL: plain */
};

/* Runs on the server's thread, must not block. It takes the request over. */
typedef void (*xd_http_handler)(void *context, struct xd_http_request *request);

struct xd_http_server;

/* why gets a sentence on failure (address in use, ...). */
XD_CHECKED enum xd_result xd_http_start(const struct xd_http_config *config, xd_http_handler handler,
                                        void *context, struct xd_http_server **out, char *why,
                                        size_t why_size);
unsigned xd_http_port(const struct xd_http_server *server);
/* Answers 503 to what is pending, closes, joins. Requests still held by the
 * caller stay valid memory and MUST still be answered (the answer goes nowhere). */
void xd_http_stop(struct xd_http_server *server);

/* Borrowed until the request is answered. Header and query lookups give NULL when absent. */
const char *xd_http_method(const struct xd_http_request *request);
/* Decoded, without the query. A slash in it parts names: a path with an encoded one was answered with 404. */
const char *xd_http_path(const struct xd_http_request *request);
const char *xd_http_header(const struct xd_http_request *request, const char *name);
const char *xd_http_query(const struct xd_http_request *request, const char *name);
/* The name of a query parameter, from 0, in the order and as often as they were given; NULL: no more. */
const char *xd_http_query_name(const struct xd_http_request *request, size_t index);
struct xd_bytes xd_http_body(const struct xd_http_request *request);

#define XD_HTTP_EXTRA_MAX 4u
/* A header that whatever answer the caller gives will carry: a hint, left out when there is no memory or
 * there are XD_HTTP_EXTRA_MAX already. To be called by whoever holds the request, before it is answered or
 * passed on; name lives for ever, value is copied. */
void xd_http_add_header(struct xd_http_request *request, const char *name, const char *value);

struct xd_http_answer {
    unsigned status;
    const char *content_type;     /* NULL: application/json */
    struct xd_bytes body;         /* copied */
    const char *location;         /* header; NULL: none */
    unsigned retry_after_s;       /* header; 0: none */
    const char *etag;             /* NULL: none */
    const char *allow;            /* for 405; NULL: none */
    const char *www_authenticate; /* for 401; NULL: none */
};
/* Answers and frees the request. Any thread, exactly once. */
void xd_http_respond(struct xd_http_request *request, const struct xd_http_answer *answer);

/* ---- answers without end ----
 *
 *   stream = xd_http_stream_open(request, "text/event-stream", 65536);
 *   while (xd_http_stream_write(stream, bytes) == XD_OK) ...     as often as there is news
 *   xd_http_stream_close(stream);                                always
 *
 * The reader is not waited for: a stream holds at most its size of bytes that were not
 * read, or one larger piece, and what does not fit is not taken. That a reader is gone shows when something
 * is written to it, so whoever writes seldom has to write something now and then. A reader that takes nothing
 * for the server's timeout while there is something for it is cut. */
struct xd_http_stream;

/* Answers with 200 and what will be written; takes the request over, as xd_http_respond. NULL: no memory,
 * and it was answered with 500. Any thread. */
struct xd_http_stream *xd_http_stream_open(struct xd_http_request *request, const char *content_type,
                                           size_t size_max);
/* All of bytes or nothing. XD_FULL: not before the reader has read on. XD_NOT_FOUND: it
 * is gone, or the server stops. Copied; any thread, one at a time for one stream. */
XD_CHECKED enum xd_result xd_http_stream_write(struct xd_http_stream *stream, struct xd_bytes bytes);
/* What was written is still sent; then the answer ends. Frees the stream. MUST be called, also after the
 * server was stopped. */
void xd_http_stream_close(struct xd_http_stream *stream);
/* The same, but what was not read yet is not sent. */
void xd_http_stream_cut(struct xd_http_stream *stream);

#endif
