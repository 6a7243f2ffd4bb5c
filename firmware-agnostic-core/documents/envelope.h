/* The line's envelope: a CloudEvent 1.0 in structured JSON.
 *
 * Written by hand (data is embedded byte for byte as the sender gave it, so no
 * number loses digits), read with cJSON. Every member of the envelope is text. */
#ifndef XD_DOCUMENTS_ENVELOPE_H
#define XD_DOCUMENTS_ENVELOPE_H

#include "base/id.h"
#include "documents/schema.h"

#define XD_TYPE_RELEASE "crossdock.order.release.v1"
#define XD_TYPE_RESPONSE "crossdock.release.response.v1"
#define XD_TYPE_CONFIRMATION "crossdock.shipment.confirmation.v1"
#define XD_TYPE_INVENTORY "crossdock.inventory.advice.v1"
#define XD_TYPE_SETTLED "crossdock.document.settled.v1"
#define XD_TYPE_HELLO "crossdock.link.hello.v1"
#define XD_TYPE_WELCOME "crossdock.link.welcome.v1"
#define XD_TYPE_ACK "crossdock.link.ack.v1"
#define XD_TYPE_STATUS "crossdock.site.status.v1"

extern const char *const xd_lane_names[]; /* "work", "bulk", "notice" */
/* An envelope may be larger than a document alone by this much. */
#define XD_ENVELOPE_EXTRA ((size_t)8192)

struct xd_envelope {
    const char *id;     /* source + id unique, the same on every resend */
    const char *source; /* "/sites/WH1" or "/hub" */
    const char *type;
    const char *subject; /* the document id; NULL: none */
    xd_ms time;          /* when it was accepted */
    const char *site;
    /* Sequenced documents only; lane NULL for messages of the line itself. */
    const char *lane; /* "work", "bulk", "notice" */
    const char *epoch;
    uint64_t sequence;
    struct xd_hash chain;
    const char *correlation_id, *causation_id, *traceparent; /* NULL: none */
    const cJSON *data;                                       /* reading: borrowed from the document's tree */
};

/* Appends the event; data is a JSON text. */
void xd_envelope_write(const struct xd_envelope *envelope, struct xd_bytes data, struct xd_buffer *out);
/* Parses body into document and fills out (borrowing from it). XD_INVALID:
 * problems says where. Free the document in every case. document->hash is the
 * content hash of `data` of what has a lane; messages of the line itself need none. */
XD_CHECKED enum xd_result xd_envelope_read(struct xd_bytes body, struct xd_document *document,
                                           struct xd_envelope *out, struct xd_problems *problems);

#endif
