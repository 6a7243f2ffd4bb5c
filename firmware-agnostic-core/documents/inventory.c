/* See the header. The table says what a member is; check_* say what the kind
 * makes of it. */
#include "documents/inventory.h"

#include "documents/rules.h"

#define INVENTORY struct xd_inventory
#define LINE struct xd_inventory_line

#define STATUS_MAX 32u
#define LOT_MAX 64u

const char *const xd_inventory_kind_names[] = {"DELTA", "SNAPSHOT", NULL};

static const struct xd_field line_fields[] = {
    {.name = "sku", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(LINE, sku)},
    {.name = "qty", .type = XD_FIELD_DECIMAL, .required = true, XD_AT(LINE, qty)},
    {.name = "uom", .type = XD_FIELD_ID, .required = true, .max = XD_UOM_MAX, XD_AT(LINE, uom)},
    {.name = "reason", .type = XD_FIELD_TEXT, XD_AT(LINE, reason)},
    {.name = "lot", .type = XD_FIELD_TEXT, .max = LOT_MAX, XD_AT(LINE, lot)},
    {.name = "from_status", .type = XD_FIELD_TEXT, .max = STATUS_MAX, XD_AT(LINE, from_status)},
    {.name = "to_status", .type = XD_FIELD_TEXT, .max = STATUS_MAX, XD_AT(LINE, to_status)},
    {.name = NULL},
};

const struct xd_field xd_inventory_fields[] = {
    {.name = "advice_id",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(INVENTORY, advice_id)},
    {.name = "kind",
     .type = XD_FIELD_ENUM,
     .required = true,
     .names = xd_inventory_kind_names,
     XD_AT(INVENTORY, kind)},
    {.name = "owner", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(INVENTORY, owner)},
    {.name = "site_id", .type = XD_FIELD_SITE, XD_AT(INVENTORY, site_id)},
    {.name = "as_of", .type = XD_FIELD_TIME, XD_AT(INVENTORY, as_of)},
    {.name = "observed_at",
     .type = XD_FIELD_TIME,
     .offset = XD_NO_OFFSET,
     .offset2 = offsetof(INVENTORY, observed_at)},
    {.name = "correlation_id",
     .type = XD_FIELD_ID,
     .max = XD_CORRELATION_MAX,
     XD_AT(INVENTORY, correlation_id)},
    {.name = "attributes", .type = XD_FIELD_ANY, .max = cJSON_Object, XD_AT(INVENTORY, attributes)},
    {.name = "raw_ref", .type = XD_FIELD_ANY, XD_UNKEPT},
    {.name = "lines",
     .type = XD_FIELD_ARRAY,
     .required = true,
     .max = XD_INVENTORY_LINES_MAX,
     .fields = line_fields,
     .element_size = sizeof(LINE),
     XD_AT2(INVENTORY, lines, line_count)},
    {.name = NULL},
};

/* A change says why. */
static void check_delta(const cJSON *tree, const struct xd_inventory *inventory,
                        struct xd_problems *problems) {
    if (inventory->line_count == 0) {
        const cJSON *lines = cJSON_GetObjectItemCaseSensitive(tree, "lines");
        if (cJSON_IsArray(lines) && lines->child == NULL) {
            xd_problem_add(problems, "too_few", "/lines", "is empty: a DELTA changes something");
        }
        return;
    }
    const cJSON *element = cJSON_GetObjectItemCaseSensitive(tree, "lines")->child;
    for (size_t i = 0; i < inventory->line_count; i++, element = element->next) {
        const char *reason = inventory->lines[i].reason;
        bool absent = cJSON_IsObject(element) && cJSON_GetObjectItemCaseSensitive(element, "reason") == NULL;
        if (absent || (reason != NULL && reason[0] == '\0')) {
            xd_rule_report_element(problems, "reason_required", "/lines/", i, "/reason",
                                   "is missing: a DELTA says why");
        }
    }
}

static void check_snapshot(const cJSON *tree, const struct xd_inventory *inventory,
                           struct xd_problems *problems) {
    if (cJSON_GetObjectItemCaseSensitive(tree, "as_of") == NULL) {
        xd_problem_add(problems, "as_of_required", "/as_of", "is missing: a SNAPSHOT says of when it is");
    }
    for (size_t i = 0; i < inventory->line_count; i++) {
        if (xd_decimal_sign(inventory->lines[i].qty) < 0) {
            xd_rule_report_element(problems, "negative_quantity", "/lines/", i, "/qty",
                                   "must not be negative: a SNAPSHOT says what is there");
        }
    }
}

enum xd_result xd_inventory_read(struct xd_document *document, const cJSON *tree, struct xd_inventory *out,
                                 struct xd_problems *problems) {
    *out = (struct xd_inventory){0};
    size_t errors = problems->errors;
    enum xd_result result =
        xd_schema_read(document, tree, xd_inventory_fields, XD_UNKNOWN_REPORTED, out, problems);
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    if (out->kind == XD_INVENTORY_DELTA) {
        check_delta(tree, out, problems);
    } else if (out->kind == XD_INVENTORY_SNAPSHOT) {
        check_snapshot(tree, out, problems);
    }
    return problems->errors > errors ? XD_INVALID : XD_OK;
}
