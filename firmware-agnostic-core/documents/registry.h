/* The registry of codes: every problem and exception that the hub or an agent can
 * name, what it means, who must act and what helps.
 *
 * A code is written at the place where the problem is found, and here; a test fails
 * when one of the two is missing. Codes in lower case stand in answers of the API, in
 * receipts and in quarantine; those in capitals are exceptions of the workbench.
 * The table is constant: any thread. */
#ifndef XD_DOCUMENTS_REGISTRY_H
#define XD_DOCUMENTS_REGISTRY_H

#include "documents/problem.h"

/* Who must act before the matter can go on. */
enum xd_actor {
    XD_ACTOR_NOBODY,   /* it is told, and nothing waits */
    XD_ACTOR_SENDER,   /* who sent the request or the document */
    XD_ACTOR_OPERATOR, /* who works with the hub */
    XD_ACTOR_SITE,     /* the warehouse or the 3PL */
    XD_ACTOR_ERP       /* who looks after the ERP and its master data */
};
/* "nobody", "sender", "operator", "site", "erp" */
extern const char *const xd_actor_names[];

struct xd_code {
    const char *code;
    unsigned status; /* of HTTP, where it is an answer's code; 0: it stands in a list only */
    bool retryable;  /* the same again later can help */
    enum xd_actor actor;
    const char *meaning; /* a sentence */
    const char *remedy;  /* what to do, a sentence or two */
};

/* All of them, from 0, in the order of the table; NULL: no more. */
const struct xd_code *xd_registry_at(size_t index);
/* NULL: there is no such code. */
const struct xd_code *xd_registry_find(const char *code);

/* Appends {"code", "status"?, "retryable", "who", "meaning", "remedy"}. */
void xd_registry_write(const struct xd_code *code, struct xd_buffer *out);
/* Appends {"problems": [...]}: all of them. */
void xd_registry_write_all(struct xd_buffer *out);

#define XD_CORRELATION_URN "urn:crossdock:correlation:"

/* An answer of the API that is a problem: RFC 9457. */
struct xd_problem_answer {
    unsigned status;
    const char *code;
    const char *detail;
    bool retryable;
    const char *correlation_id;         /* becomes `instance`, the URN of it; NULL: left out */
    const struct xd_problems *problems; /* errors[], and warnings[] when there are any; NULL: none */
    const char *parameter;              /* the one query parameter that is to blame; NULL: none ... */
    const char *parameter_code;         /* ... and what is wrong with it */
    const char *parameter_detail;
};
/* Appends the body: application/problem+json. Its `type` is the code's place in the
 * registry, /v1/problems/<code>. */
void xd_problem_answer_write(const struct xd_problem_answer *answer, struct xd_buffer *out);

#endif
