/* Receipts and fates: agent -> WMS (receipt, settled), hub -> agent (settled),
 * agent -> hub (site status). Written and, on the line, read by us. */
#ifndef XD_DOCUMENTS_RECEIPT_H
#define XD_DOCUMENTS_RECEIPT_H

#include "documents/problem.h"
#include "documents/schema.h"

enum xd_receipt_status { XD_RECEIPT_ACCEPTED, XD_RECEIPT_DUPLICATE, XD_RECEIPT_REJECTED };

struct xd_receipt {
    const char *document_id; /* NULL: the bytes could not be read; sha256 names them */
    const char *document;    /* "confirmation", "release/response", "inventory" (the topic's tail) */
    int64_t version;         /* 0: has none */
    enum xd_receipt_status status;
    struct xd_hash sha256; /* of the payload as it came; told when it was rejected */
    const char *code;      /* of the problem when rejected, else NULL */
    const char *detail;
    bool retryable;
    const struct xd_problems *problems; /* errors and warnings; may be NULL */
};
/* Accepted or duplicate: {"document_id","document","version","status","warnings":[..]}; rejected, besides:
 * {"sha256","problem":{"code","detail","retryable","errors":[..]}} */
void xd_receipt_write(const struct xd_receipt *receipt, struct xd_buffer *out);

enum xd_outcome { XD_OUTCOME_POSTED, XD_OUTCOME_PARKED, XD_OUTCOME_REJECTED };
extern const char *const xd_outcome_names[]; /* "posted", "parked", "rejected" */

/* crossdock.document.settled.v1 and the topic `settled` have the same form. */
struct xd_settled {
    const char *document_id;
    const char *document;     /* as in a receipt */
    int64_t document_version; /* of the document */
    int64_t version;          /* of this fate: rises as it changes */
    int outcome;              /* enum xd_outcome */
    const char *code, *detail;
};
XD_CHECKED enum xd_result xd_settled_read(struct xd_document *document, const cJSON *tree,
                                          struct xd_settled *out, struct xd_problems *problems);
void xd_settled_write(const struct xd_settled *settled, struct xd_buffer *out);

/* crossdock.site.status.v1 */
struct xd_site_status {
    const char *site_id;
    int64_t backlog_work, backlog_bulk; /* documents not covered */
    int64_t oldest_unsent_ms;           /* age; 0: none */
    int64_t quarantined;
    int64_t releases_unanswered;
    int64_t store_used_bytes, store_quota_bytes, disk_free_bytes;
    const char *version; /* of the agent's program */
    xd_ms time;          /* the site's wall clock: shows its offset */
    bool wms_connected;
};
XD_CHECKED enum xd_result xd_site_status_read(struct xd_document *document, const cJSON *tree,
                                              struct xd_site_status *out, struct xd_problems *problems);
void xd_site_status_write(const struct xd_site_status *status, struct xd_buffer *out);

#endif
