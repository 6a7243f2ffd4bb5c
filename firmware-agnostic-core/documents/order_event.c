#include "documents/order_event.h"

#include "documents/writer.h"

static void text(struct xd_writer *writer, const char *name, const char *value) {
    xd_writer_text(writer, name, value != NULL && value[0] != 0 ? value : NULL);
}

static void write_data(struct xd_writer *writer, const struct xd_order_event_document *event) {
    xd_writer_begin(writer, "data", '{');
    text(writer, "order_id", event->order_id);
    text(writer, "external_order_id", event->external_order_id);
    text(writer, "tenant", event->tenant);
    if (event->channel_type != NULL && event->channel_type[0] != 0) {
        xd_writer_begin(writer, "channel", '{');
        text(writer, "type", event->channel_type);
        text(writer, "account", event->channel_account);
        xd_writer_end(writer, '}');
    }
    text(writer, "customer_ref", event->customer_ref);
    text(writer, "site", event->site);
    text(writer, "status", event->status);
    if (event->revision > 0) {
        xd_writer_integer(writer, "revision", event->revision);
    }
    if (event->members != NULL && event->members[0] != 0) {
        xd_buffer_text(writer->out, writer->comma ? "," : "");
        xd_buffer_text(writer->out, event->members);
    }
    xd_writer_end(writer, '}');
}

void xd_order_event_write(const struct xd_order_event_document *event, struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "specversion", "1.0");
    xd_writer_text(&writer, "id", event->id);
    xd_writer_text(&writer, "source", "/hub");
    xd_writer_text(&writer, "type", event->type);
    text(&writer, "subject", event->subject);
    xd_writer_time(&writer, "time", event->time);
    xd_writer_text(&writer, "datacontenttype", "application/json");
    xd_writer_u64(&writer, "sequence", (uint64_t)event->sequence);
    text(&writer, "correlationid", event->correlation_id);
    text(&writer, "causationid", event->causation_id);
    text(&writer, "traceparent", event->traceparent);
    write_data(&writer, event);
    xd_writer_end(&writer, '}');
}
