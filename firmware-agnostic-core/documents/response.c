/* See the header. */
#include "documents/response.h"

#include "documents/rules.h"

#include <inttypes.h>
#include <stdio.h>

#define RESPONSE struct xd_response
#define LINE struct xd_response_line

#define RESPONSE_LINES_MAX 1000u

const char *const xd_response_names[] = {"ACKNOWLEDGED",   "RESERVED", "REJECTED", "CANCEL_ACCEPTED",
                                         "CANCEL_REFUSED", "PICKING",  "PACKED",   NULL};

static const struct xd_field line_fields[] = {
    {.name = "line_id", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(LINE, line_id)},
    {.name = "qty", .type = XD_FIELD_QUANTITY, XD_AT2(LINE, qty, has_qty)},
    {.name = "reason", .type = XD_FIELD_TEXT, XD_AT(LINE, reason)},
    {.name = NULL},
};

const struct xd_field xd_response_fields[] = {
    {.name = "release_id",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(RESPONSE, release_id)},
    {.name = "revision", .type = XD_FIELD_INTEGER, .required = true, .min = 1, XD_AT(RESPONSE, revision)},
    {.name = "response",
     .type = XD_FIELD_ENUM,
     .required = true,
     .names = xd_response_names,
     XD_AT(RESPONSE, response)},
    {.name = "reason", .type = XD_FIELD_TEXT, XD_AT(RESPONSE, reason)},
    {.name = "correlation_id",
     .type = XD_FIELD_ID,
     .max = XD_CORRELATION_MAX,
     XD_AT(RESPONSE, correlation_id)},
    {.name = "observed_at", .type = XD_FIELD_TIME, XD_UNKEPT},
    {.name = "attributes", .type = XD_FIELD_ANY, .max = cJSON_Object, XD_AT(RESPONSE, attributes)},
    {.name = "lines",
     .type = XD_FIELD_ARRAY,
     .max = RESPONSE_LINES_MAX,
     .fields = line_fields,
     .element_size = sizeof(LINE),
     XD_AT2(RESPONSE, lines, line_count)},
    {.name = NULL},
};

static void check_reason(const cJSON *tree, const struct xd_response *response,
                         struct xd_problems *problems) {
    bool needed =
        response->response == XD_RESPONSE_REJECTED || response->response == XD_RESPONSE_CANCEL_REFUSED;
    if (!needed) {
        return;
    }
    bool absent = cJSON_GetObjectItemCaseSensitive(tree, "reason") == NULL;
    bool empty = response->reason != NULL && response->reason[0] == '\0';
    if (absent || empty) {
        xd_problem_add(problems, "reason_required", "/reason", "%s needs a reason",
                       xd_response_names[response->response]);
    }
}

void xd_response_id(const struct xd_response *response, char out[XD_DOCUMENT_ID_SIZE]) {
    (void)snprintf(out, XD_DOCUMENT_ID_SIZE, "%s/%" PRId64 "/%s", response->release_id, response->revision,
                   xd_response_names[response->response]);
}

bool xd_response_name(const cJSON *tree, char out[XD_DOCUMENT_ID_SIZE]) {
    const char *release_id = xd_json_text(tree, "release_id");
    const char *response = xd_json_text(tree, "response");
    uint64_t revision = xd_json_u64(tree, "revision", UINT64_MAX);
    out[0] = '\0';
    if (!xd_schema_is_id(release_id) || !xd_schema_is_id(response) || revision == UINT64_MAX) {
        return false;
    }
    (void)snprintf(out, XD_DOCUMENT_ID_SIZE, "%s/%" PRIu64 "/%s", release_id, revision, response);
    return true;
}

enum xd_result xd_response_read(struct xd_document *document, const cJSON *tree, struct xd_response *out,
                                struct xd_problems *problems) {
    *out = (struct xd_response){0};
    size_t errors = problems->errors;
    enum xd_result result =
        xd_schema_read(document, tree, xd_response_fields, XD_UNKNOWN_REPORTED, out, problems);
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    check_reason(tree, out, problems);
    return problems->errors > errors ? XD_INVALID : XD_OK;
}
