/* {"specversion":"1.0","id":..,"source":..,"type":..,"subject":..,"time":..,
 *  "datacontenttype":"application/json","site":..,
 *  "lane":..,"epoch":..,"sequence":"..","chain":"..",       (sequenced documents)
 *  "correlationid":..,"causationid":..,"traceparent":..,"data":<as given>}
 *
 * Members that we do not know are other people's extensions and are left alone. */
#include "documents/envelope.h"

#include "documents/writer.h"

#define FORM struct envelope_form
#define EPOCH_MAX (XD_EPOCH_SIZE - 1)

const char *const xd_lane_names[] = {"work", "bulk", "notice", NULL};

/* What the table fills: the envelope and what is only looked at while reading. */
struct envelope_form {
    struct xd_envelope envelope;
    int lane; /* index into xd_lane_names; -1: none */
    bool has_sequence, has_chain;
};

static const char *const spec_versions[] = {"1.0", NULL};

static const struct xd_field envelope_fields[] = {
    {.name = "specversion", .type = XD_FIELD_ENUM, .required = true, .names = spec_versions, XD_UNKEPT},
    {.name = "id", .type = XD_FIELD_TEXT, .required = true, .min = 1, XD_AT(FORM, envelope.id)},
    {.name = "source", .type = XD_FIELD_TEXT, .required = true, .min = 1, XD_AT(FORM, envelope.source)},
    {.name = "type", .type = XD_FIELD_TEXT, .required = true, .min = 1, XD_AT(FORM, envelope.type)},
    {.name = "subject", .type = XD_FIELD_TEXT, XD_AT(FORM, envelope.subject)},
    {.name = "time", .type = XD_FIELD_TIME, .required = true, XD_AT(FORM, envelope.time)},
    {.name = "datacontenttype", .type = XD_FIELD_TEXT, XD_UNKEPT},
    {.name = "site", .type = XD_FIELD_SITE, .required = true, XD_AT(FORM, envelope.site)},
    {.name = "lane", .type = XD_FIELD_ENUM, .names = xd_lane_names, XD_AT(FORM, lane)},
    {.name = "epoch", .type = XD_FIELD_ID, .max = EPOCH_MAX, XD_AT(FORM, envelope.epoch)},
    {.name = "sequence", .type = XD_FIELD_U64, .min = 1, XD_AT2(FORM, envelope.sequence, has_sequence)},
    {.name = "chain", .type = XD_FIELD_HASH, XD_AT2(FORM, envelope.chain, has_chain)},
    {.name = "correlationid", .type = XD_FIELD_TEXT, XD_AT(FORM, envelope.correlation_id)},
    {.name = "causationid", .type = XD_FIELD_TEXT, XD_AT(FORM, envelope.causation_id)},
    {.name = "traceparent", .type = XD_FIELD_TEXT, XD_AT(FORM, envelope.traceparent)},
    {.name = "data", .type = XD_FIELD_ANY, .required = true, .max = cJSON_Object, XD_AT(FORM, envelope.data)},
    {.name = NULL},
};

static void require_member(const cJSON *tree, const char *member, const char *pointer,
                           struct xd_problems *problems) {
    if (cJSON_GetObjectItemCaseSensitive(tree, member) == NULL) {
        xd_problem_add(problems, "missing_member", pointer,
                       "is missing: what has a lane has a place in its stream");
    }
}

static void check_stream(const cJSON *tree, const struct envelope_form *form, struct xd_problems *problems) {
    if (form->lane < 0) {
        return;
    }
    if (form->envelope.epoch == NULL) {
        require_member(tree, "epoch", "/epoch", problems);
    }
    if (!form->has_sequence) {
        require_member(tree, "sequence", "/sequence", problems);
    }
    if (!form->has_chain) {
        require_member(tree, "chain", "/chain", problems);
    }
}

static enum xd_result parse_tree(struct xd_bytes body, struct xd_document *document,
                                 struct xd_problems *problems) {
    struct xd_json_error error = {0};
    enum xd_result result = xd_json_parse_into(&document->arena, body, XD_JSON_SIZE_MAX + XD_ENVELOPE_EXTRA,
                                               XD_JSON_DEPTH_MAX + 1, &document->tree, &error);
    if (result != XD_OK) {
        document->tree = NULL;
    }
    if (result == XD_INVALID) {
        xd_problem_add(problems, error.code, "", "line %u, column %u (byte %zu): %s", error.line,
                       error.column, error.offset, error.detail);
    }
    return result;
}

/* A byte order mark is allowed before a text, but not within one. */
static struct xd_bytes without_bom(struct xd_bytes data) {
    bool bom = data.size >= 3 && data.data[0] == 0xEF && data.data[1] == 0xBB && data.data[2] == 0xBF;
    return bom ? xd_bytes_of(data.data + 3, data.size - 3) : data;
}

void xd_envelope_write(const struct xd_envelope *envelope, struct xd_bytes data, struct xd_buffer *out) {
    struct xd_writer writer = {out, false};
    xd_buffer_text(out, "{\"specversion\":\"1.0\"");
    writer.comma = true;
    xd_writer_text(&writer, "id", envelope->id);
    xd_writer_text(&writer, "source", envelope->source);
    xd_writer_text(&writer, "type", envelope->type);
    xd_writer_text(&writer, "subject", envelope->subject);
    xd_writer_time(&writer, "time", envelope->time);
    xd_buffer_text(out, ",\"datacontenttype\":\"application/json\"");
    xd_writer_text(&writer, "site", envelope->site);
    if (envelope->lane != NULL) {
        xd_writer_text(&writer, "lane", envelope->lane);
        xd_writer_text(&writer, "epoch", envelope->epoch);
        xd_writer_u64(&writer, "sequence", envelope->sequence);
        xd_writer_hash(&writer, "chain", &envelope->chain);
    }
    xd_writer_text(&writer, "correlationid", envelope->correlation_id);
    xd_writer_text(&writer, "causationid", envelope->causation_id);
    xd_writer_text(&writer, "traceparent", envelope->traceparent);
    data = without_bom(data);
    xd_buffer_text(out, ",\"data\":");
    xd_buffer_add(out, data.data, data.size);
    xd_buffer_byte(out, '}');
}

enum xd_result xd_envelope_read(struct xd_bytes body, struct xd_document *document, struct xd_envelope *out,
                                struct xd_problems *problems) {
    *document = (struct xd_document){0};
    *out = (struct xd_envelope){0};
    enum xd_result result = parse_tree(body, document, problems);
    if (result != XD_OK) {
        return result;
    }
    struct envelope_form form = {0};
    size_t errors = problems->errors;
    result = xd_schema_read(document, document->tree, envelope_fields, XD_UNKNOWN_KEPT, &form, problems);
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    check_stream(document->tree, &form, problems);
    *out = form.envelope;
    out->lane = form.lane < 0 ? NULL : xd_lane_names[form.lane];
    if (problems->errors > errors) {
        return XD_INVALID;
    }
    return out->lane == NULL ? XD_OK : xd_document_hash(out->data, &document->hash);
}
