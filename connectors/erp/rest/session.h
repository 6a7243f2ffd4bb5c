/* One worker's conversation with its ERP: requests with the headers that the description wants and with
 * what proves who we are. */
#ifndef XD_ERP_REST_SESSION_H
#define XD_ERP_REST_SESSION_H

#include "erp/rest/description.h"
#include "erp/rest/template.h"
#include "shared/http_client.h"

#include "base/time.h"

struct xd_rest_session {
    struct xd_rest_description description;
    char *access_token; /* OAUTH2: owned; NULL: none */
    xd_ms access_until; /* by the monotonic clock */
};

struct xd_rest_ask {
    const char *method; /* NULL: GET */
    const char *url;
    const struct xd_tree_node *headers;  /* of the call, besides those of all; may be NULL */
    const struct xd_rest_values *values; /* for the headers */
    struct xd_bytes body;                /* data NULL: none */
};

/* Asks, once more with a new token when the old one is not accepted any longer. reply MUST be freed.
 * XD_OK: an answer came that is none of 401. XD_UNAVAILABLE: certainly nothing happened; answer says so and
 * why. XD_UNKNOWN: it may have; likewise. */
XD_CHECKED enum xd_result xd_rest_ask(struct xd_rest_session *session, const struct xd_rest_ask *ask,
                                      struct xd_http_reply *reply, struct xd_erp_answer *answer);

/* Fills an answer in: nothing else of what it held before stays. */
void xd_rest_say(struct xd_erp_answer *answer, enum xd_erp_outcome outcome, const char *code,
                 const char *detail);
/* With what a Retry-After of the reply says. */
void xd_rest_say_unavailable(struct xd_erp_answer *answer, const struct xd_http_reply *reply,
                             const char *code, const char *detail);

#endif
