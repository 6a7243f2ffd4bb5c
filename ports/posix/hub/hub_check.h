/* Somebody outside who is asked about each order before anything is done with it:
 * fraud, export control, a customer's own rule. One HTTP question, which changes
 * nothing, so that it may be asked again at any time:
 *
 *   POST <url>   Idempotency-Key: <the question's reference>   Authorization: Bearer <token>
 *   {"order_reference", "tenant", "customer", "currency", "lines": [{"line_id", "sku", "qty", "uom",
 * "unit_price"}]} 200 {"decision": "pass" | "hold" | "refuse", "reason": "..."}
 *
 * Quantities and prices are decimal strings; what is not known is left out. The question's reference is the
 * order's; of a revision it is another one, for that is another question. */
#ifndef XD_POSIX_HUB_HUB_CHECK_H
#define XD_POSIX_HUB_HUB_CHECK_H

#include "hub/erp.h"

struct xd_check_config {
    const char *url;     /* http:// or https:// */
    const char *token;   /* NULL: none */
    const char *ca_file; /* for https; NULL: the system's */
    unsigned timeout_ms; /* of the whole question */
};

/* Asks and waits. DONE with document "pass", or "hold" and why in detail; REJECTED with
 * code check_refused and why; else UNAVAILABLE: whatever was not such an answer in time.
 * Any thread. */
void xd_check_ask(const struct xd_check_config *config, const struct xd_erp_request *request,
                  struct xd_erp_answer *answer);

/* The two halves of it: the question's body (appended), and what an answer means. */
void xd_check_write(const struct xd_erp_request *request, struct xd_buffer *out);
void xd_check_read(unsigned status, struct xd_bytes body, struct xd_erp_answer *answer);

#endif
