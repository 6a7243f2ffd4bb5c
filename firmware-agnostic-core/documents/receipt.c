/* See the header. */
#include "documents/receipt.h"

#include "documents/writer.h"

#include <stdio.h>

#define SETTLED struct xd_settled
#define STATUS struct xd_site_status

#define DOCUMENT_ID_MAX 200u
#define KIND_MAX 32u

const char *const xd_outcome_names[] = {"posted", "parked", "rejected", NULL};

static const char *const status_names[] = {"accepted", "duplicate", "rejected"};

static const struct xd_field settled_fields[] = {
    {.name = "document_id",
     .type = XD_FIELD_TEXT,
     .required = true,
     .min = 1,
     .max = DOCUMENT_ID_MAX,
     XD_AT(SETTLED, document_id)},
    {.name = "document",
     .type = XD_FIELD_TEXT,
     .required = true,
     .min = 1,
     .max = KIND_MAX,
     XD_AT(SETTLED, document)},
    {.name = "document_version", .type = XD_FIELD_INTEGER, XD_AT(SETTLED, document_version)},
    {.name = "version", .type = XD_FIELD_INTEGER, .required = true, XD_AT(SETTLED, version)},
    {.name = "outcome",
     .type = XD_FIELD_ENUM,
     .required = true,
     .names = xd_outcome_names,
     XD_AT(SETTLED, outcome)},
    {.name = "code", .type = XD_FIELD_TEXT, XD_AT(SETTLED, code)},
    {.name = "detail", .type = XD_FIELD_TEXT, .max = 1024, XD_AT(SETTLED, detail)},
    {.name = NULL},
};

#define COUNTER(member_)                                                                                     \
    { .name = #member_, .type = XD_FIELD_INTEGER, .max = XD_INTEGER_WIDE, XD_AT(STATUS, member_) }

static const struct xd_field site_status_fields[] = {
    {.name = "site_id", .type = XD_FIELD_SITE, .required = true, XD_AT(STATUS, site_id)},
    COUNTER(backlog_work),
    COUNTER(backlog_bulk),
    COUNTER(oldest_unsent_ms),
    COUNTER(quarantined),
    COUNTER(releases_unanswered),
    COUNTER(store_used_bytes),
    COUNTER(store_quota_bytes),
    COUNTER(disk_free_bytes),
    {.name = "version", .type = XD_FIELD_TEXT, .max = XD_ID_MAX, XD_AT(STATUS, version)},
    {.name = "time", .type = XD_FIELD_TIME, .required = true, XD_AT(STATUS, time)},
    {.name = "wms_connected", .type = XD_FIELD_BOOLEAN, XD_AT(STATUS, wms_connected)},
    {.name = NULL},
};

/* The kept problems that are (no) warnings, as a list. */
static void write_list(struct xd_writer *writer, const char *name, const struct xd_problems *problems,
                       bool warnings) {
    xd_writer_begin(writer, name, '[');
    for (size_t i = 0; i < problems->count; i++) {
        if (problems->items[i].warning == warnings) {
            xd_writer_name(writer, NULL);
            xd_problem_write(&problems->items[i], writer->out);
        }
    }
    xd_writer_end(writer, ']');
}

static const struct xd_problem *first_error(const struct xd_problems *problems) {
    for (size_t i = 0; problems != NULL && i < problems->count; i++) {
        if (!problems->items[i].warning) {
            return &problems->items[i];
        }
    }
    return NULL;
}

/* What the receipt says about the whole: its own words, or the first error with its place. */
static void write_detail(struct xd_writer *writer, const struct xd_receipt *receipt,
                         const struct xd_problem *first) {
    char detail[XD_POINTER_SIZE + XD_DETAIL_SIZE];
    if (receipt->detail != NULL || first == NULL) {
        xd_writer_text(writer, "detail", receipt->detail);
        return;
    }
    const char *gap = first->pointer[0] == '\0' ? "" : " ";
    (void)snprintf(detail, sizeof detail, "%s%s%s", first->pointer, gap, first->detail);
    xd_writer_text(writer, "detail", detail);
}

static void write_problem(struct xd_writer *writer, const struct xd_receipt *receipt) {
    const struct xd_problem *first = first_error(receipt->problems);
    const char *code = receipt->code != NULL ? receipt->code : first != NULL ? first->code : "rejected";
    xd_writer_begin(writer, "problem", '{');
    xd_writer_text(writer, "code", code);
    write_detail(writer, receipt, first);
    xd_writer_boolean(writer, "retryable", receipt->retryable);
    if (first != NULL) {
        write_list(writer, "errors", receipt->problems, false);
    }
    if (receipt->problems != NULL && receipt->problems->dropped > 0) {
        xd_writer_integer(writer, "more", (int64_t)receipt->problems->dropped);
    }
    xd_writer_end(writer, '}');
}

void xd_receipt_write(const struct xd_receipt *receipt, struct xd_buffer *out) {
    struct xd_writer writer = {out, false};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_name(&writer, "document_id");
    xd_buffer_json(out, receipt->document_id);
    xd_writer_text(&writer, "document", receipt->document);
    if (receipt->version > 0) {
        xd_writer_integer(&writer, "version", receipt->version);
    }
    xd_writer_text(&writer, "status", status_names[receipt->status]);
    if (receipt->status == XD_RECEIPT_REJECTED) {
        xd_writer_hash(&writer, "sha256", &receipt->sha256);
        write_problem(&writer, receipt);
    }
    const struct xd_problems *problems = receipt->problems;
    if (problems != NULL && problems->count + problems->dropped > problems->errors) {
        write_list(&writer, "warnings", problems, true);
    }
    xd_writer_end(&writer, '}');
}

enum xd_result xd_settled_read(struct xd_document *document, const cJSON *tree, struct xd_settled *out,
                               struct xd_problems *problems) {
    *out = (struct xd_settled){0};
    return xd_schema_read(document, tree, settled_fields, XD_UNKNOWN_KEPT, out, problems);
}

void xd_settled_write(const struct xd_settled *settled, struct xd_buffer *out) {
    struct xd_writer writer = {out, false};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "document_id", settled->document_id);
    xd_writer_text(&writer, "document", settled->document);
    if (settled->document_version > 0) {
        xd_writer_integer(&writer, "document_version", settled->document_version);
    }
    xd_writer_integer(&writer, "version", settled->version);
    xd_writer_text(&writer, "outcome", xd_outcome_names[settled->outcome]);
    xd_writer_text(&writer, "code", settled->code);
    xd_writer_text(&writer, "detail", settled->detail);
    xd_writer_end(&writer, '}');
}

enum xd_result xd_site_status_read(struct xd_document *document, const cJSON *tree,
                                   struct xd_site_status *out, struct xd_problems *problems) {
    *out = (struct xd_site_status){0};
    return xd_schema_read(document, tree, site_status_fields, XD_UNKNOWN_KEPT, out, problems);
}

void xd_site_status_write(const struct xd_site_status *status, struct xd_buffer *out) {
    struct xd_writer writer = {out, false};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "site_id", status->site_id);
    xd_writer_integer(&writer, "backlog_work", status->backlog_work);
    xd_writer_integer(&writer, "backlog_bulk", status->backlog_bulk);
    xd_writer_integer(&writer, "oldest_unsent_ms", status->oldest_unsent_ms);
    xd_writer_integer(&writer, "quarantined", status->quarantined);
    xd_writer_integer(&writer, "releases_unanswered", status->releases_unanswered);
    xd_writer_integer(&writer, "store_used_bytes", status->store_used_bytes);
    xd_writer_integer(&writer, "store_quota_bytes", status->store_quota_bytes);
    xd_writer_integer(&writer, "disk_free_bytes", status->disk_free_bytes);
    xd_writer_text(&writer, "version", status->version);
    xd_writer_time(&writer, "time", status->time);
    xd_writer_boolean(&writer, "wms_connected", status->wms_connected);
    xd_writer_end(&writer, '}');
}
