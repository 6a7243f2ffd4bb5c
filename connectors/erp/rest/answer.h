/* What an answer means, by the description and nothing else. */
#ifndef XD_ERP_REST_ANSWER_H
#define XD_ERP_REST_ANSWER_H

#include "erp/rest/session.h"
#include "shared/json_view.h"

enum xd_rest_verdict {
    XD_REST_DONE,
    XD_REST_KNOWN, /* done before: the reference is there */
    XD_REST_REJECTED,
    XD_REST_UNAVAILABLE,
    XD_REST_UNKNOWN,
};

struct xd_rest_reading {
    struct xd_json_view root; /* of the reply's body; ABSENT: it is no JSON */
    char their_code[64];      /* of an error; "" none */
};

/* Judges a reply whose request may have had an effect. answer has all but the document's number. */
enum xd_rest_verdict xd_rest_judge(const struct xd_rest_answers *answers, const struct xd_http_reply *reply,
                                   struct xd_rest_reading *reading, struct xd_erp_answer *answer);
/* What a document says of itself that is not as asked for, into answer, which says DONE. */
void xd_rest_read_note(const struct xd_rest_answers *answers, struct xd_json_view document,
                       struct xd_erp_answer *answer);
/* Whether something is there and is neither null, false nor empty. */
bool xd_rest_is_there(struct xd_json_view value);
/* A number of the ERP's at path; false: none is there that fits. */
bool xd_rest_read_number(struct xd_json_view from, const char *path, char out[64]);

#endif
