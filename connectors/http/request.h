/* A request as the HTTP server keeps it. Internal to connectors/http. */
#ifndef XD_HTTP_REQUEST_H
#define XD_HTTP_REQUEST_H

#include "base/bytes.h"
#include "http/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a connection is doing, for the watch over slow clients. */
enum xd_http_doing {
    XD_HTTP_READING, /* waiting for a request, or in the middle of one */
    XD_HTTP_PENDING, /* a request is with the handler: our own time, not the client's */
    XD_HTTP_WRITING,
    XD_HTTP_STREAMING /* an answer without end: who does not read it is cut by libmicrohttpd's timeout */
};

struct xd_http_connection {
    struct xd_http_connection *next, **link;
    int fd;
    enum xd_http_doing doing;
    int64_t since_ms;               /* monotonic */
    bool cut;                       /* its socket was shut down; under the watch_lock */
    bool bad_target, slash_in_name; /* of the request under way */
};

struct xd_http_field {
    const char *name, *value;
};

struct xd_http_fields {
    struct xd_http_field *list; /* owned, with the texts behind the list */
    size_t count;
};

struct xd_http_request {
    struct xd_http_server *server; /* kept by a reference */
    struct MHD_Connection *mhd;    /* valid until the request is completed */
    struct xd_http_connection *connection;
    atomic_uint references; /* libmicrohttpd's, and from the hand-over to the answer the caller's */
    char *method, *path;
    struct xd_http_fields headers, queries;
    struct xd_http_field extra[XD_HTTP_EXTRA_MAX]; /* of the answer; values are owned */
    size_t extra_count;
    struct xd_buffer body;
    bool stream;      /* its answer is one */
    bool oversize;    /* the body is too large: it is read, but not kept */
    size_t discarded; /* bytes of it */

    /* Under the server's lock, from the hand-over on. */
    struct xd_http_request *next, **link; /* among the pending */
    bool suspended, detached;             /* detached: the server answered for the caller */
    struct MHD_Response *response;        /* owned until queued, unless it is the server's own */
    unsigned status;

    bool counted; /* among the server's answers on their way; under its watch_lock */
    bool queued;  /* the polling thread's own */
};

/* Of a target as it came. Whether its percent-encoding is one, and hides no NUL. */
bool xd_http_target_valid(const char *target);
/* Whether its path holds an encoded slash: decoded it would part one name into two, and name something else.
 */
bool xd_http_target_slash(const char *target);
/* Copies method, path, headers and query arguments. NULL: no memory.
 * *valid is false when an argument or the path is no UTF-8 or holds a NUL, or a header's
 * value holds a CR, LF or NUL. */
struct xd_http_request *xd_http_request_new(struct MHD_Connection *mhd, const char *method, const char *path,
                                            size_t body_max, bool *valid);
/* Not its response: the server knows whose that is. */
void xd_http_request_free(struct xd_http_request *request);

/* request: whose extra headers it carries; NULL: none. NULL: no memory, or a header value that no header may
 * have. */
struct MHD_Response *xd_http_response_new(const struct xd_http_answer *answer,
                                          const struct xd_http_request *request);
/* Adds the request's extra headers; false: as above. request NULL: none. */
bool xd_http_response_extra(struct MHD_Response *response, const struct xd_http_request *request);

#endif
