/* See the header. A message of the line is ours, but it came over a wire: every
 * number is checked, ranges must be sorted, disjoint and above the watermark. */
#include "documents/link.h"

#include "documents/envelope.h"
#include "documents/writer.h"

#include <stdio.h>

#define SESSION_MAX 64u
#define EPOCH_MAX (XD_EPOCH_SIZE - 1)

/* What the tables fill; it moves into the struct's fixed arrays afterwards. */
struct send_form {
    int lane;
    const char *epoch;
    uint64_t next;
};

struct receive_form {
    int lane;
    const char *epoch;
    uint64_t watermark;
    struct xd_hash chain;
    uint64_t conflict;
    const cJSON *missing;
};

struct link_form {
    const char *session;
    struct send_form *send;
    size_t send_count;
    struct receive_form *receive;
    size_t receive_count;
};

#define SEND struct send_form
#define RECEIVE struct receive_form
#define FORM struct link_form

static const struct xd_field send_fields[] = {
    {.name = "lane", .type = XD_FIELD_ENUM, .required = true, .names = xd_lane_names, XD_AT(SEND, lane)},
    {.name = "epoch", .type = XD_FIELD_ID, .required = true, .max = EPOCH_MAX, XD_AT(SEND, epoch)},
    {.name = "next", .type = XD_FIELD_U64, .required = true, .min = 1, XD_AT(SEND, next)},
    {.name = NULL},
};

static const struct xd_field receive_fields[] = {
    {.name = "lane", .type = XD_FIELD_ENUM, .required = true, .names = xd_lane_names, XD_AT(RECEIVE, lane)},
    {.name = "epoch", .type = XD_FIELD_TEXT, .required = true, .max = EPOCH_MAX, XD_AT(RECEIVE, epoch)},
    {.name = "watermark", .type = XD_FIELD_U64, .required = true, XD_AT(RECEIVE, watermark)},
    {.name = "chain", .type = XD_FIELD_HASH, .required = true, XD_AT(RECEIVE, chain)},
    {.name = "conflict", .type = XD_FIELD_U64, XD_AT(RECEIVE, conflict)},
    {.name = "missing", .type = XD_FIELD_ANY, .max = cJSON_Array, XD_AT(RECEIVE, missing)},
    {.name = NULL},
};

static const struct xd_field link_fields[] = {
    {.name = "session", .type = XD_FIELD_ID, .max = SESSION_MAX, XD_AT(FORM, session)},
    {.name = "send",
     .type = XD_FIELD_ARRAY,
     .max = XD_LINK_STREAMS_MAX,
     .fields = send_fields,
     .element_size = sizeof(SEND),
     XD_AT2(FORM, send, send_count)},
    {.name = "receive",
     .type = XD_FIELD_ARRAY,
     .max = XD_LINK_STREAMS_MAX,
     .fields = receive_fields,
     .element_size = sizeof(RECEIVE),
     XD_AT2(FORM, receive, receive_count)},
    {.name = NULL},
};

static const char *lane_name(int lane) {
    return lane < 0 ? NULL : xd_lane_names[lane];
}

/* A stream is told of once; which of two would count? */
static bool is_repeated(unsigned *seen, int lane) {
    if (lane < 0) {
        return false; /* was reported */
    }
    bool repeated = (*seen >> lane & 1u) != 0;
    *seen |= 1u << lane;
    return repeated;
}

static void report(struct xd_problems *problems, const char *code, const char *list, size_t index,
                   const char *detail) {
    char pointer[XD_POINTER_SIZE];
    (void)snprintf(pointer, sizeof pointer, "/%s/%zu", list, index);
    xd_problem_add(problems, code, pointer, "%s", detail);
}

/* ["first","last"] above `after`. */
static bool read_range(const cJSON *pair, uint64_t after, struct xd_range *out) {
    const cJSON *first = cJSON_IsArray(pair) ? pair->child : NULL;
    const cJSON *last = first != NULL ? first->next : NULL;
    if (last == NULL || last->next != NULL || !cJSON_IsString(first) || !cJSON_IsString(last)) {
        return false;
    }
    return xd_schema_parse_u64(first->valuestring, &out->first) == XD_OK &&
           xd_schema_parse_u64(last->valuestring, &out->last) == XD_OK && out->first > after &&
           out->last >= out->first;
}

static void read_missing(const struct receive_form *form, size_t index, struct xd_link_receive *out,
                         struct xd_problems *problems) {
    uint64_t after = form->watermark;
    const cJSON *pair = form->missing != NULL ? form->missing->child : NULL;
    for (; pair != NULL; pair = pair->next) {
        if (out->missing_count == XD_LINK_MISSING_MAX) {
            report(problems, "too_many", "receive", index, "tells of more missing ranges than a message may");
            return;
        }
        struct xd_range range;
        if (!read_range(pair, after, &range)) {
            report(problems, "out_of_range", "receive", index,
                   "missing must be pairs of decimal strings, ascending, disjoint and above the watermark");
            return;
        }
        out->missing[out->missing_count++] = range;
        after = range.last;
    }
}

static void fill_send(const struct link_form *form, struct xd_link *out, struct xd_problems *problems) {
    unsigned seen = 0;
    for (size_t i = 0; i < form->send_count; i++) {
        const struct send_form *from = &form->send[i];
        if (is_repeated(&seen, from->lane)) {
            report(problems, "duplicate_line", "send", i, "tells of a lane that was told of before");
        }
        out->send[i] = (struct xd_link_send){lane_name(from->lane), from->epoch, from->next};
    }
    out->send_count = form->send_count;
}

static void fill_receive(const struct link_form *form, struct xd_link *out, struct xd_problems *problems) {
    unsigned seen = 0;
    for (size_t i = 0; i < form->receive_count; i++) {
        const struct receive_form *from = &form->receive[i];
        struct xd_link_receive *to = &out->receive[i];
        if (is_repeated(&seen, from->lane)) {
            report(problems, "duplicate_line", "receive", i, "tells of a lane that was told of before");
        }
        to->lane = lane_name(from->lane);
        to->epoch = from->epoch;
        to->watermark = from->watermark;
        to->chain = from->chain;
        to->conflict = from->conflict;
        read_missing(from, i, to, problems);
    }
    out->receive_count = form->receive_count;
}

static void write_send(struct xd_writer *writer, const struct xd_link_send *send) {
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "lane", send->lane);
    xd_writer_text(writer, "epoch", send->epoch);
    xd_writer_u64(writer, "next", send->next);
    xd_writer_end(writer, '}');
}

static void write_receive(struct xd_writer *writer, const struct xd_link_receive *receive) {
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "lane", receive->lane);
    xd_writer_text(writer, "epoch", receive->epoch != NULL ? receive->epoch : "");
    xd_writer_u64(writer, "watermark", receive->watermark);
    xd_writer_hash(writer, "chain", &receive->chain);
    xd_writer_u64(writer, "conflict", receive->conflict);
    xd_writer_begin(writer, "missing", '[');
    for (size_t i = 0; i < receive->missing_count; i++) {
        xd_writer_begin(writer, NULL, '[');
        xd_writer_u64(writer, NULL, receive->missing[i].first);
        xd_writer_u64(writer, NULL, receive->missing[i].last);
        xd_writer_end(writer, ']');
    }
    xd_writer_end(writer, ']');
    xd_writer_end(writer, '}');
}

void xd_link_write(const struct xd_link *link, struct xd_buffer *out) {
    struct xd_writer writer = {out, false};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "session", link->session);
    xd_writer_begin(&writer, "send", '[');
    for (size_t i = 0; i < link->send_count; i++) {
        write_send(&writer, &link->send[i]);
    }
    xd_writer_end(&writer, ']');
    xd_writer_begin(&writer, "receive", '[');
    for (size_t i = 0; i < link->receive_count; i++) {
        write_receive(&writer, &link->receive[i]);
    }
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
}

enum xd_result xd_link_read(struct xd_document *document, const cJSON *tree, struct xd_link *out,
                            struct xd_problems *problems) {
    *out = (struct xd_link){0};
    struct link_form form = {0};
    size_t errors = problems->errors;
    enum xd_result result = xd_schema_read(document, tree, link_fields, XD_UNKNOWN_KEPT, &form, problems);
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    out->session = form.session;
    fill_send(&form, out, problems);
    fill_receive(&form, out, problems);
    return problems->errors > errors ? XD_INVALID : XD_OK;
}
