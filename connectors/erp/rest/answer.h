/* What an answer means, by the description and nothing else. */
#ifndef XD_ERP_REST_ANSWER_H
#define XD_ERP_REST_ANSWER_H

#include "erp/rest/session.h"
#include "shared/json_tree.h"

enum xd_rest_verdict {
    XD_REST_DONE,
    XD_REST_KNOWN, /* done before: the reference is there */
    XD_REST_REJECTED,
    XD_REST_UNAVAILABLE,
    XD_REST_UNKNOWN,
};

struct xd_rest_reading {
    struct xd_arena arena;
    const struct xd_node *root; /* of the reply's body; NULL: it is no JSON that can be read */
    char their_code[64];        /* of an error; "" none */
};

/* Judges a reply whose request may have had an effect. answer has all but the document's number. reading
 * holds nothing before, and MUST be freed; it does not need the reply. */
enum xd_rest_verdict xd_rest_judge(const struct xd_rest_answers *answers, const struct xd_http_reply *reply,
                                   struct xd_rest_reading *reading, struct xd_erp_answer *answer);
/* Twice is harmless, and so is one that is all zeros. */
void xd_rest_reading_free(struct xd_rest_reading *reading);
/* What a document says of itself that is not as asked for, into answer, which says DONE. */
void xd_rest_read_note(const struct xd_rest_answers *answers, const struct xd_node *document,
                       struct xd_erp_answer *answer);
/* Whether something is there and is neither null, false nor empty. */
bool xd_rest_is_there(const struct xd_node *value);
/* A number of the ERP's at path; false: none is there that fits. */
bool xd_rest_read_number(const struct xd_node *from, const char *path, char out[64]);

#endif
