/* Private to the ledger: what a request is about, so that the same reference with
 * another content is told from a repeat. */
#ifndef XD_ERP_LEDGER_FINGERPRINT_H
#define XD_ERP_LEDGER_FINGERPRINT_H

#include "base/crypto.h"
#include "hub/erp.h"

/* Of all that a request would write, without the time: it says when, not what.
 * XD_NO_MEMORY. */
XD_CHECKED enum xd_result xd_ledger_fingerprint(const struct xd_erp_request *request, struct xd_hash *out);

#endif
