/* What paths of the API stand for, and the questions about the books that they and their queries ask. The
 * query thread. */
#ifndef XD_POSIX_HUB_HUB_PATHS_H
#define XD_POSIX_HUB_HUB_PATHS_H

#include "http/request.h"
#include "hub/store.h"

/* Whether the path fits the pattern: {id}, {key}: up to two, each for one segment; {key...}: all the rest.
 * What they stand for goes to id, then key; "" where the pattern has no more. */
bool xd_path_fits(const char *pattern, const char *path, char id[XD_NAME_SIZE], char key[XD_NAME_SIZE]);

struct xd_books_question {
    struct xd_http_request *request;
    const char *id; /* "" a list */
    const char *cursor;
    size_t max;
    /* With XD_INVALID: the query parameter that cannot be used, and what it must be. */
    const char *parameter, *expected;
};
/* GET /v1/reconciliation/runs and /differences, and one of them. */
XD_CHECKED enum xd_result xd_hub_view_books(const struct xd_hub_store *store,
                                            struct xd_books_question *question, struct xd_buffer *out);

#endif
