/* See the header. The table says what a member is; check_* say what members
 * must be together. Everything is checked, whatever was wrong before it. */
#include "documents/confirmation.h"

#include "documents/rules.h"

#include <stdio.h>
#include <string.h>

#define CONFIRMATION struct xd_confirmation
#define LINE struct xd_confirmation_line

#define RELEASES_MAX 500u
#define CODE_MAX 32u
#define REFERENCE_MAX 64u

const char *const xd_confirmation_kind_names[] = {"SHIP", "SHORT_CLOSE", "VOID", "REVERSAL", NULL};
const char *const xd_reporting_names[] = {"FULL", "EXCEPTIONS", "NO_EXCEPTIONS", NULL};

static const struct xd_field release_id_fields[] = {
    {.name = "release_id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_OUTER},
    {.name = NULL},
};

static const struct xd_field line_fields[] = {
    {.name = "release_id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(LINE, release_id)},
    {.name = "line_id", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(LINE, line_id)},
    {.name = "sku", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(LINE, sku)},
    {.name = "qty_shipped", .type = XD_FIELD_QUANTITY, .required = true, XD_AT(LINE, qty_shipped)},
    {.name = "uom", .type = XD_FIELD_ID, .required = true, .max = XD_UOM_MAX, XD_AT(LINE, uom)},
    {.name = "original_sku", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(LINE, original_sku)},
    {.name = "qty_ordered_echo",
     .type = XD_FIELD_QUANTITY,
     XD_AT2(LINE, qty_ordered_echo, has_qty_ordered_echo)},
    {.name = "status", .type = XD_FIELD_TEXT, .max = CODE_MAX, XD_AT(LINE, status)},
    {.name = "reason", .type = XD_FIELD_TEXT, XD_AT(LINE, reason)},
    {.name = "lot", .type = XD_FIELD_TEXT, .max = REFERENCE_MAX, XD_AT(LINE, lot)},
    {.name = "reversal", .type = XD_FIELD_BOOLEAN, XD_AT(LINE, reversal)},
    {.name = "catch_weight", .type = XD_FIELD_ANY, .max = cJSON_Object, XD_UNKEPT},
    {.name = NULL},
};

static const struct xd_field carrier_fields[] = {
    {.name = "scac", .type = XD_FIELD_TEXT, .max = CODE_MAX, XD_AT(CONFIRMATION, scac)},
    {.name = "service", .type = XD_FIELD_TEXT, .max = REFERENCE_MAX, XD_AT(CONFIRMATION, service)},
    {.name = "mode", .type = XD_FIELD_TEXT, .max = CODE_MAX, XD_AT(CONFIRMATION, mode)},
    {.name = NULL},
};

const struct xd_field xd_confirmation_fields[] = {
    {.name = "confirmation_id",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(CONFIRMATION, confirmation_id)},
    {.name = "version", .type = XD_FIELD_INTEGER, .min = 1, XD_AT(CONFIRMATION, version)},
    {.name = "kind",
     .type = XD_FIELD_ENUM,
     .required = true,
     .names = xd_confirmation_kind_names,
     XD_AT(CONFIRMATION, kind)},
    {.name = "reporting", .type = XD_FIELD_ENUM, .names = xd_reporting_names, XD_AT(CONFIRMATION, reporting)},
    {.name = "shipment_id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(CONFIRMATION, shipment_id)},
    {.name = "release_ids",
     .type = XD_FIELD_TEXTS,
     .required = true,
     .min = 1,
     .max = RELEASES_MAX,
     .fields = release_id_fields,
     XD_AT2(CONFIRMATION, release_ids, release_count)},
    {.name = "shipped_at", .type = XD_FIELD_TIME, XD_AT2(CONFIRMATION, shipped_at, shipped_at_text)},
    {.name = "lines",
     .type = XD_FIELD_ARRAY,
     .max = XD_CONFIRMATION_LINES_MAX,
     .fields = line_fields,
     .element_size = sizeof(LINE),
     XD_AT2(CONFIRMATION, lines, line_count)},
    {.name = "supersedes", .type = XD_FIELD_INTEGER, XD_AT(CONFIRMATION, supersedes)},
    {.name = "owner", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(CONFIRMATION, owner)},
    {.name = "site_id", .type = XD_FIELD_SITE, XD_AT(CONFIRMATION, site_id)},
    {.name = "observed_at",
     .type = XD_FIELD_TIME,
     .offset = XD_NO_OFFSET,
     .offset2 = offsetof(CONFIRMATION, observed_at)},
    {.name = "carrier", .type = XD_FIELD_OBJECT, .fields = carrier_fields, XD_OUTER},
    {.name = "bol", .type = XD_FIELD_TEXT, .max = REFERENCE_MAX, XD_AT(CONFIRMATION, bol)},
    {.name = "pro", .type = XD_FIELD_TEXT, .max = REFERENCE_MAX, XD_AT(CONFIRMATION, pro)},
    {.name = "trailer", .type = XD_FIELD_TEXT, .max = REFERENCE_MAX, XD_AT(CONFIRMATION, trailer)},
    {.name = "correlation_id",
     .type = XD_FIELD_ID,
     .max = XD_CORRELATION_MAX,
     XD_AT(CONFIRMATION, correlation_id)},
    {.name = "seals", .type = XD_FIELD_ANY, .max = cJSON_Array, XD_AT(CONFIRMATION, seals)},
    {.name = "charges", .type = XD_FIELD_ANY, .max = cJSON_Array, XD_AT(CONFIRMATION, charges)},
    {.name = "cartons", .type = XD_FIELD_ANY, .max = cJSON_Array, XD_AT(CONFIRMATION, cartons)},
    {.name = "control_totals",
     .type = XD_FIELD_ANY,
     .max = cJSON_Object,
     XD_AT(CONFIRMATION, control_totals)},
    {.name = "attributes", .type = XD_FIELD_ANY, .max = cJSON_Object, XD_AT(CONFIRMATION, attributes)},
    {.name = "raw_ref", .type = XD_FIELD_ANY, XD_AT(CONFIRMATION, raw_ref)},
    {.name = NULL},
};

enum xd_line_status xd_line_status_of(const char *status) {
    static const struct {
        const char *word;
        enum xd_line_status means;
    } words[] = {
        {"COMPLETE", XD_STATUS_COMPLETE},
        {"SHIPPED", XD_STATUS_COMPLETE},
        {"CC", XD_STATUS_COMPLETE},
        {"CL", XD_STATUS_COMPLETE},
        {"SHORT_FINAL", XD_STATUS_FINAL},
        {"CANCELLED", XD_STATUS_FINAL},
        {"CP", XD_STATUS_FINAL},
        {"CU", XD_STATUS_FINAL},
        {"IC", XD_STATUS_FINAL},
        {"DS", XD_STATUS_FINAL},
        {"BACKORDER", XD_STATUS_BACKORDER},
        {"PARTIAL", XD_STATUS_BACKORDER},
        {"BP", XD_STATUS_BACKORDER},
        {"BO", XD_STATUS_BACKORDER},
        {"RECALLED", XD_STATUS_BLOCKED},
        {"RI", XD_STATUS_BLOCKED},
        {"ON_HOLD", XD_STATUS_BLOCKED},
        {"PH", XD_STATUS_BLOCKED},
    };
    for (size_t index = 0; status != NULL && index < sizeof words / sizeof words[0]; index++) {
        if (strcmp(words[index].word, status) == 0) {
            return words[index].means;
        }
    }
    return XD_STATUS_NONE;
}

static void check_statuses(const struct xd_confirmation *confirmation, struct xd_problems *problems) {
    for (size_t i = 0; i < confirmation->line_count; i++) {
        const char *status = confirmation->lines[i].status;
        if (status != NULL && xd_line_status_of(status) == XD_STATUS_NONE) {
            char pointer[48];
            (void)snprintf(pointer, sizeof pointer, "/lines/%zu/status", i);
            xd_problem_warn(problems, "unknown_status", pointer,
                            "is no status that says anything about what did not ship: %s", status);
        }
    }
}

static void check_kind(const cJSON *tree, const struct xd_confirmation *confirmation,
                       struct xd_problems *problems) {
    if (confirmation->kind == XD_KIND_SHIP && cJSON_GetObjectItemCaseSensitive(tree, "shipped_at") == NULL) {
        xd_problem_add(problems, "missing_member", "/shipped_at",
                       "is missing: kind SHIP says when it was shipped");
    }
    if (confirmation->line_count == 0 && confirmation->kind != XD_KIND_VOID) {
        xd_rule_report_no_elements(problems, tree, "lines", "only the kind VOID does without");
    }
}

/* Lines mostly stand in the order of their releases: start where the last one was found. */
static bool is_named(const struct xd_confirmation *confirmation, const char *release_id, size_t *from) {
    for (size_t i = 0; i < confirmation->release_count; i++) {
        size_t index = (*from + i) % confirmation->release_count;
        if (strcmp(confirmation->release_ids[index], release_id) == 0) {
            *from = index;
            return true;
        }
    }
    return false;
}

/* Whether the element is an object that lacks the member; a member of a wrong type was reported as such. */
static bool lacks(const cJSON *element, const char *member) {
    return cJSON_IsObject(element) && cJSON_GetObjectItemCaseSensitive(element, member) == NULL;
}

static void check_line_releases(const cJSON *tree, const struct xd_confirmation *confirmation,
                                struct xd_problems *problems) {
    if (confirmation->line_count == 0 || confirmation->release_count == 0) {
        return; /* the table reported what is wrong with that */
    }
    const cJSON *element = cJSON_GetObjectItemCaseSensitive(tree, "lines")->child;
    size_t from = 0;
    for (size_t i = 0; i < confirmation->line_count; i++, element = element->next) {
        const char *release_id = confirmation->lines[i].release_id;
        if (release_id != NULL && !is_named(confirmation, release_id, &from)) {
            xd_rule_report_element(problems, "release_required", "/lines/", i, "/release_id",
                                   "is not one of release_ids");
        } else if (confirmation->release_count > 1 && lacks(element, "release_id")) {
            xd_rule_report_element(problems, "release_required", "/lines/", i, "/release_id",
                                   "is missing: release_ids names several, so each line names its own");
        }
    }
}

enum xd_result xd_confirmation_read(struct xd_document *document, const cJSON *tree,
                                    struct xd_confirmation *out, struct xd_problems *problems) {
    *out = (struct xd_confirmation){0};
    size_t errors = problems->errors;
    enum xd_result result =
        xd_schema_read(document, tree, xd_confirmation_fields, XD_UNKNOWN_REPORTED, out, problems);
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    out->version = out->version == 0 ? 1 : out->version;
    out->reporting = out->reporting < 0 ? XD_REPORTING_FULL : out->reporting;
    check_kind(tree, out, problems);
    check_line_releases(tree, out, problems);
    check_statuses(out, problems);
    struct xd_rule_unique rule = {.first = out->release_ids,
                                  .stride = sizeof out->release_ids[0],
                                  .count = out->release_count,
                                  .before = "/release_ids/",
                                  .behind = "",
                                  .code = "duplicate_member"};
    result = xd_rule_check_unique(document, &rule, problems);
    if (result != XD_OK) {
        return result;
    }
    return problems->errors > errors ? XD_INVALID : XD_OK;
}
