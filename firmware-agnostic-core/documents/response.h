/* ReleaseResponse: WMS -> site -> hub. */
#ifndef XD_DOCUMENTS_RESPONSE_H
#define XD_DOCUMENTS_RESPONSE_H

#include "documents/schema.h"

enum xd_response_kind {
    XD_RESPONSE_ACKNOWLEDGED,
    XD_RESPONSE_RESERVED,
    XD_RESPONSE_REJECTED, /* reason required */
    XD_RESPONSE_CANCEL_ACCEPTED,
    XD_RESPONSE_CANCEL_REFUSED, /* reason required */
    XD_RESPONSE_PICKING,
    XD_RESPONSE_PACKED
};
extern const char *const xd_response_names[];

struct xd_response_line {
    const char *line_id;
    struct xd_decimal qty;
    bool has_qty;
    const char *reason;
};

struct xd_response {
    const char *release_id;
    int64_t revision;
    int response; /* enum xd_response_kind */
    const char *reason;
    const char *correlation_id;
    const cJSON *attributes;
    struct xd_response_line *lines;
    size_t line_count;
};

/* Unknown members are reported as warnings. tree is the document's own tree or
 * an envelope's data. */
XD_CHECKED enum xd_result xd_response_read(struct xd_document *document, const cJSON *tree,
                                           struct xd_response *out, struct xd_problems *problems);
/* "release_id/revision/RESPONSE" (a document id) into out. */
#define XD_DOCUMENT_ID_SIZE 200
void xd_response_id(const struct xd_response *response, char out[XD_DOCUMENT_ID_SIZE]);
/* The same of a response that is wrong elsewhere, or in the name of the response itself: false and "" unless
 * all three can be read. */
bool xd_response_name(const cJSON *tree, char out[XD_DOCUMENT_ID_SIZE]);
extern const struct xd_field xd_response_fields[];

#endif
