/* An ERP that speaks JSON over HTTP, told by a description in YAML instead of C code: where its documents
 * are, how our fields become its members, and what its answers mean. Reached through hub/erp.h only;
 * config/erp/rest/sample.yaml explains every key of a description.
 *
 * What an answer means is taken from the description alone. What it does not name (a status, an error's
 * code, a page of HTML) may have been the end of a request that did its work: UNKNOWN. */
#ifndef XD_ERP_REST_H
#define XD_ERP_REST_H

#include "hub/erp.h"

#include "base/result.h"

#include <stddef.h>

struct xd_rest_config {
    const char *file; /* the description; its relative paths start at its folder */
};

/* Reads the description and the files that it names; calls nobody. life_s: the longest life of a request,
 * which must not be shorter than the description's timeout_s: what is given up by then may still land.
 * XD_INVALID: why is the first complaint, "file:line:column: what is wrong"; XD_NO_MEMORY. */
XD_CHECKED enum xd_result xd_rest_check(const char *file, int64_t life_s, char *why, size_t why_size);

/* One per worker, each with its own token. The server need not be up. Results as xd_rest_check. */
XD_CHECKED enum xd_result xd_rest_open(const struct xd_rest_config *config, struct xd_erp *out, char *why,
                                       size_t why_size);

#endif
