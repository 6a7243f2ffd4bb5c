/* One HTTP request at a time, by libcurl: small, blocking, bounded. For the command
 * line and whatever else may wait; never for the turn's thread.
 *
 *   struct xd_http_call call = {.method = "GET", .url = "http://127.0.0.1:8080/v1/sites"};
 *   struct xd_http_reply reply;
 *   if (xd_http_fetch(&call, &reply) == XD_OK) ... reply.status, reply.body ...
 *   xd_http_reply_free(&reply);
 *
 * Only http and https; no redirect is followed (location says where to) and no
 * proxy of the environment is used. Certificates and host names are checked. */
#ifndef XD_SHARED_HTTP_CLIENT_H
#define XD_SHARED_HTTP_CLIENT_H

#include "base/bytes.h"
#include "base/result.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct xd_http_guard;

struct xd_http_call {
    const char *method; /* NULL: GET */
    const char *url;
    const char *token;                 /* sent as Authorization: Bearer; NULL: none */
    const char *const *headers;        /* "Name: value", NULL-terminated; NULL: none */
    const char *content_type;          /* of the body; NULL: application/json */
    struct xd_bytes body;              /* data NULL: none */
    unsigned timeout_ms;               /* of the whole call; 0: 30000 */
    size_t answer_max;                 /* bytes of the answer's body; 0: 16 MiB */
    const char *ca_file;               /* for https; NULL: the system's */
    const struct xd_http_guard *guard; /* addresses that may be connected to; NULL: all */
    const atomic_bool *give_up; /* the call is ended within a second or so once it is set; NULL: never */
    /* Takes the parts of a 200's body as they come, instead of reply->body, for as long as it lasts:
     * timeout_ms is then that of the connecting. False: ends the call. NULL: none. */
    bool (*take)(void *context, struct xd_bytes part);
    void *context;
};

struct xd_http_reply {
    unsigned status;        /* 0 when there was no answer */
    struct xd_buffer body;  /* zero-terminated behind its size */
    char *location, *link;  /* headers, or NULL */
    unsigned retry_after_s; /* header, in seconds from now, a day at most; 0: not said, or not readable */
    char why[256];          /* a sentence for people on failure, else "" */
};

/* Calls and waits. reply is always set and MUST be freed, whatever the result, and
 * holds no earlier one. XD_OK: an answer came, with whatever status.
 * XD_INVALID: the URL, a header or a file cannot be used; nothing was sent.
 * XD_UNAVAILABLE: no connection; nothing was sent. XD_DENIED: the certificate is
 * not accepted, or the guard does not allow the address; nothing was sent. XD_UNKNOWN: the request may have
 * been carried out, but its answer did not come (whole, in time). XD_FULL: the answer is larger than
 * answer_max. XD_NO_MEMORY. Any thread. */
XD_CHECKED enum xd_result xd_http_fetch(const struct xd_http_call *call, struct xd_http_reply *reply);
void xd_http_reply_free(struct xd_http_reply *reply);

#endif
