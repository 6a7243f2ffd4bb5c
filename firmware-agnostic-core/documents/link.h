/* Messages of the line itself: hello, welcome, ack. Unsequenced; the latest wins.
 *
 * All three list streams from the writer's point of view. `send` describes a
 * stream that the writer sends, `receive` one that it receives. A hello carries
 * a random session; the welcome echoes it, or it is ignored. */
#ifndef XD_DOCUMENTS_LINK_H
#define XD_DOCUMENTS_LINK_H

#include "base/id.h"
#include "delivery/ranges.h"
#include "documents/schema.h"

#define XD_LINK_STREAMS_MAX 4u
#define XD_LINK_MISSING_MAX 64u /* ranges told in one message; the rest follows */

struct xd_link_send {
    const char *lane;
    const char *epoch;
    uint64_t next; /* the sequence that the next document will get */
};

struct xd_link_receive {
    const char *lane;
    const char *epoch; /* "" while nothing was ever received */
    uint64_t watermark;
    struct xd_hash chain; /* at the watermark */
    /* A sequence that came with another content; in a welcome also: one that the hello said was
     * not given yet, so that the sender went back. 0: none. */
    uint64_t conflict;
    struct xd_range missing[XD_LINK_MISSING_MAX];
    size_t missing_count;
};

struct xd_link {
    const char *session; /* NULL in an ack */
    struct xd_link_send send[XD_LINK_STREAMS_MAX];
    size_t send_count;
    struct xd_link_receive receive[XD_LINK_STREAMS_MAX];
    size_t receive_count;
};

/* {"session","send":[{"lane","epoch","next"}],"receive":[{"lane","epoch","watermark","chain","conflict","missing":[["3","7"],..]}]}
 * 64-bit numbers as decimal strings. */
void xd_link_write(const struct xd_link *link, struct xd_buffer *out);
XD_CHECKED enum xd_result xd_link_read(struct xd_document *document, const cJSON *tree, struct xd_link *out,
                                       struct xd_problems *problems);

#endif
