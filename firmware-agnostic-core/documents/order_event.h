/* A lifecycle event as others get it: a CloudEvent 1.0 in structured JSON, one line
 * (config/schemas/order-event.schema.json). */
#ifndef XD_DOCUMENTS_ORDER_EVENT_H
#define XD_DOCUMENTS_ORDER_EVENT_H

#include "base/bytes.h"
#include "base/time.h"

#include <stdint.h>

/* Texts may be NULL or "": left out, where it does not say otherwise. */
struct xd_order_event_document {
    const char *id, *type; /* always */
    const char *subject;
    xd_ms time;
    int64_t sequence; /* its place in the hub's log: rises for each order */
    const char *correlation_id, *causation_id, *traceparent;
    /* data */
    const char *order_id, *external_order_id, *tenant, *channel_type, *channel_account;
    const char *customer_ref, *site, *status;
    int64_t revision;    /* 0: left out */
    const char *members; /* further ones: the inside of a JSON object */
};

void xd_order_event_write(const struct xd_order_event_document *event, struct xd_buffer *out);

#endif
