/* Private to the Tryton connector: what an answer of Tryton means.
 *
 * One call is one transaction in Tryton. It answers errors with status 200: `error` names the class of the
 * exception and its words, or the bare text of one that nobody expected; either way the transaction was
 * rolled back. What comes with another status, or not whole, says less. Pure; any thread. */
#ifndef XD_ERP_TRYTON_ANSWERS_H
#define XD_ERP_TRYTON_ANSWERS_H

#include "base/result.h"
#include "shared/http_client.h"
#include "shared/json_tree.h"

#include <stdbool.h>
#include <stdint.h>

/* Why a call, or all of a request, did not do what it should. */
struct xd_tryton_fault {
    char code[48];     /* as in struct xd_erp_answer */
    char detail[200];  /* Tryton's words */
    char warning[128]; /* with XD_CONFLICT: the warning's name */
    uint32_t retry_after_ms;
};

/* fetched: what xd_http_fetch gave. changes: the call was to have an effect. The tree of the result goes into
 * *result, from the arena (a JSON null is a node, too).
 * XD_OK
 * XD_INVALID      Tryton refuses; nothing happened, and nothing else would if it were asked again
 * XD_DUPLICATE    it refuses because the reference is there already
 * XD_CONFLICT     it warns and wants to hear that the warning was read; nothing happened
 * XD_AGAIN        somebody else held a lock or was faster; nothing happened; at once again
 * XD_DENIED       the session is not valid (any more); nothing happened
 * XD_UNAVAILABLE  nothing happened, not now
 * XD_UNKNOWN      it may have happened (only when the call was to change something) */
XD_CHECKED enum xd_result xd_tryton_classify(bool changes, enum xd_result fetched,
                                             const struct xd_http_reply *reply, struct xd_arena *arena,
                                             const struct xd_node **result, struct xd_tryton_fault *fault);

/* Whether a warning may be answered with "yes" on behalf of everybody: it warns of what is meant to be. */
bool xd_tryton_warning_is_harmless(const char *name);

/* Sets code and words, made printable and cut. */
void xd_tryton_blame(struct xd_tryton_fault *fault, const char *code, const char *words);

#endif
