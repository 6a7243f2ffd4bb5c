/* Private to the ledger: where all workers of the process post into one file.
 *
 * One connection and one transaction for all that wait: whoever finds the desk free serves those who queue,
 * and each gets its own answer. So a commit, and its fsync, is shared by as many postings as come while the
 * one before it is written. What is refused takes back only its own part.
 *
 * Any thread may call; each function locks for itself. */
#ifndef XD_ERP_LEDGER_DESK_H
#define XD_ERP_LEDGER_DESK_H

#include "hub/erp.h"

#include "base/result.h"

struct xd_desk;
/* A worker's place in the queue; one call at a time. Zero-initialise before the first. */
struct xd_visitor {
    const struct xd_erp_request *request;
    struct xd_erp_answer *answer;
    bool served;
    struct xd_visitor *next;
};

/* The desk of the file at path: a new one, or the one that others of this process use. Close it as often as
 * it is opened. XD_UNAVAILABLE, XD_NO_MEMORY: why says so. */
XD_CHECKED enum xd_result xd_desk_open(const char *path, struct xd_desk **out, char *why, size_t why_size);
/* Waits for its turn; the answer is never ABSENT. */
void xd_desk_post(struct xd_desk *desk, struct xd_visitor *visitor, const struct xd_erp_request *request,
                  struct xd_erp_answer *answer);
/* Whether what the file shows is on disk: not from a commit that failed until it could be written once more,
 * which this tries. Does not wait for postings. */
bool xd_desk_is_sound(struct xd_desk *desk);
void xd_desk_close(struct xd_desk *desk);

#endif
