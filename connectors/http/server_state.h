/* What the HTTP server knows, for its two files: server.c and stream.c. */
#ifndef XD_HTTP_SERVER_STATE_H
#define XD_HTTP_SERVER_STATE_H

#include "http/request.h"

struct xd_http_server {
    struct MHD_Daemon *daemon;
    struct MHD_Response *failure; /* 500, for when an answer cannot be built */
    xd_http_handler handler;
    void *context;
    size_t body_max, pending_max;
    unsigned port;
    int64_t patience_ms;
    atomic_size_t references; /* the owner's, and one of each request */
    char *certificate, *key;  /* PEM; used while the daemon runs */

    pthread_mutex_t lock;
    struct xd_http_request *pending;
    size_t pending_count;
    bool stopping;
    struct xd_http_stream *streams;

    pthread_mutex_t watch_lock;
    pthread_cond_t watch_changed;
    struct xd_http_connection *connections; /* the newest first */
    size_t connection_count, connections_max;
    size_t answering; /* answered and not yet sent */
    bool watch_ends;
    pthread_t watch;
};

/* Drops one of the server's references. */
void xd_http_server_release(struct xd_http_server *server);
/* As xd_http_respond, with a response of libmicrohttpd's, which is taken over. */
void xd_http_respond_with(struct xd_http_request *request, struct MHD_Response *response, unsigned status);
/* Ends all streams, and every one that is opened later. The server is stopping. */
void xd_http_streams_end(struct xd_http_server *server);

#endif
