/* See the header. The table says what a member is; check_* say what members
 * must be together. Everything is checked, whatever was wrong before it. */
#include "documents/order.h"

#include "documents/rules.h"

#include <stdio.h>
#include <string.h>

/* As we write them: */
#define ATTRIBUTES_BYTES_MAX ((size_t)256 * 1024)
/* Freight, and what all lines say of how they are handled: */
#define HANDLING_BYTES_MAX ((size_t)128 * 1024)

#define ORDER struct xd_order
#define LINE struct xd_order_line

static const char *const fulfilment_names[] = {"FILL_OR_KILL", "FILL_ALL", "FILL_ALL_AVAILABLE", NULL};
static const char *const backorder_names[] = {"CREATE", "NONE", "CANCEL", "MANUAL", NULL};
static const char *const discount_names[] = {"PERCENT", "AMOUNT", NULL};
static const char *const rounding_names[] = {"LINE", "DOCUMENT", NULL};
static const char *const invoice_on_names[] = {"SHIPMENT", "COMPLETE", "DELIVERY", NULL};

static const struct xd_field id_fields[] = {
    {.name = "scheme", .type = XD_FIELD_ID, .required = true, .max = 32, XD_AT(struct xd_other_id, scheme)},
    {.name = "value",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(struct xd_other_id, value)},
    {.name = NULL},
};

static const struct xd_field discount_fields[] = {
    {.name = "type",
     .type = XD_FIELD_ENUM,
     .required = true,
     .names = discount_names,
     XD_AT(struct xd_discount, type)},
    {.name = "value", .type = XD_FIELD_PRICE, .required = true, XD_AT(struct xd_discount, value)},
    {.name = "reason", .type = XD_FIELD_TEXT, XD_UNKEPT},
    {.name = NULL},
};

static const struct xd_field tax_fields[] = {
    {.name = "code", .type = XD_FIELD_ID, .max = 32, XD_AT(struct xd_tax, code)},
    {.name = "pct", .type = XD_FIELD_PRICE, .required = true, XD_AT(struct xd_tax, pct)},
    {.name = "amount", .type = XD_FIELD_PRICE, XD_AT2(struct xd_tax, amount, has_amount)},
    {.name = NULL},
};

/* Of what is carried as it came only the names of members are known: a slip of the finger must not vanish.
 * Of the lines of tax, of lots, shelf life and hazards not even those. */
#define NAMED(member)                                                                                        \
    { .name = (member), .type = XD_FIELD_ANY, XD_UNKEPT }

static const struct xd_field freight_fields[] = {
    NAMED("terms"), NAMED("mode"), NAMED("scac"), NAMED("service"), NAMED("account"), {.name = NULL},
};
static const struct xd_field payment_fields[] = {
    NAMED("method"),
    NAMED("terms"),
    NAMED("auth_ref"),
    {.name = NULL},
};
static const struct xd_field credit_fields[] = {
    NAMED("decision"), NAMED("limit"), NAMED("exposure"), NAMED("decided_at"), {.name = NULL},
};
static const struct xd_field line_fields[] = {
    {.name = "external_line_id",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(LINE, external_line_id)},
    {.name = "sku", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(LINE, sku)},
    {.name = "qty", .type = XD_FIELD_QUANTITY, .required = true, .min = 1, XD_AT(LINE, qty)},
    {.name = "uom", .type = XD_FIELD_ID, .required = true, .max = XD_UOM_MAX, XD_AT(LINE, uom)},
    {.name = "unit_price", .type = XD_FIELD_PRICE, XD_AT2(LINE, unit_price, has_unit_price)},
    {.name = "line_id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(LINE, line_id)},
    {.name = "attributes", .type = XD_FIELD_ANY, .max = cJSON_Object, XD_AT(LINE, attributes)},
    {.name = "ids",
     .type = XD_FIELD_ARRAY,
     .max = XD_ORDER_IDS_MAX,
     .fields = id_fields,
     .element_size = sizeof(struct xd_other_id),
     XD_AT2(LINE, ids, id_count)},
    {.name = "discounts",
     .type = XD_FIELD_ARRAY,
     .max = XD_ORDER_DISCOUNTS_MAX,
     .fields = discount_fields,
     .element_size = sizeof(struct xd_discount),
     XD_AT2(LINE, discounts, discount_count)},
    {.name = "tax",
     .type = XD_FIELD_ARRAY,
     .max = XD_ORDER_TAXES_MAX,
     .fields = tax_fields,
     .element_size = sizeof(struct xd_tax),
     XD_AT2(LINE, taxes, tax_count)},
    XD_HANDLING_ROWS(LINE),
    {.name = NULL},
};

static const struct xd_field channel_fields[] = {
    {.name = "type", .type = XD_FIELD_ID, .required = true, .max = 32, XD_AT(ORDER, channel_type)},
    {.name = "account",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(ORDER, channel_account)},
    {.name = NULL},
};

static const struct xd_field customer_fields[] = {
    {.name = "external_ref", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(ORDER, customer_ref)},
    {.name = "id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(ORDER, customer_id)},
    {.name = NULL},
};

static const struct xd_field parties_fields[] = {
    {.name = "ship_to",
     .type = XD_FIELD_OBJECT,
     .required = true,
     .fields = xd_party_ship_to_fields,
     XD_AT2(ORDER, ship_to, ship_to.present)},
    {.name = "sold_to",
     .type = XD_FIELD_OBJECT,
     .fields = xd_party_fields,
     XD_AT2(ORDER, sold_to, sold_to.present)},
    {.name = "bill_to",
     .type = XD_FIELD_OBJECT,
     .fields = xd_party_fields,
     XD_AT2(ORDER, bill_to, bill_to.present)},
    {.name = "mark_for",
     .type = XD_FIELD_OBJECT,
     .fields = xd_party_fields,
     XD_AT2(ORDER, mark_for, mark_for.present)},
    {.name = NULL},
};

static const struct xd_field hold_fields[] = {
    {.name = "reason",
     .type = XD_FIELD_TEXT,
     .required = true,
     .min = 1,
     XD_AT(struct xd_order_hold, reason)},
    {.name = NULL},
};

static const struct xd_field dates_fields[] = {
    XD_DATES_ROWS(ORDER),
    {.name = NULL},
};

static const struct xd_field order_tax_fields[] = {
    {.name = "rounding", .type = XD_FIELD_ENUM, .names = rounding_names, XD_AT(ORDER, tax_rounding)},
    {.name = "lines", .type = XD_FIELD_ANY, .max = cJSON_Array, XD_UNKEPT},
    {.name = NULL},
};

static const struct xd_field totals_fields[] = {
    {.name = "net", .type = XD_FIELD_PRICE, XD_AT2(ORDER, total_net, has_total_net)},
    {.name = "tax", .type = XD_FIELD_PRICE, XD_AT2(ORDER, total_tax, has_total_tax)},
    {.name = "gross", .type = XD_FIELD_PRICE, XD_AT2(ORDER, total_gross, has_total_gross)},
    {.name = NULL},
};

const struct xd_field xd_order_fields[] = {
    {.name = "external_order_id",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(ORDER, external_order_id)},
    {.name = "channel", .type = XD_FIELD_OBJECT, .required = true, .fields = channel_fields, XD_OUTER},
    {.name = "customer", .type = XD_FIELD_OBJECT, .required = true, .fields = customer_fields, XD_OUTER},
    {.name = "currency", .type = XD_FIELD_CURRENCY, .required = true, XD_AT(ORDER, currency)},
    {.name = "preferred_site", .type = XD_FIELD_SITE, XD_AT(ORDER, preferred_site)},
    {.name = "parties", .type = XD_FIELD_OBJECT, .required = true, .fields = parties_fields, XD_OUTER},
    {.name = "lines",
     .type = XD_FIELD_ARRAY,
     .required = true,
     .min = 1,
     .max = XD_ORDER_LINES_MAX,
     .fields = line_fields,
     .element_size = sizeof(LINE),
     XD_AT2(ORDER, lines, line_count)},
    {.name = "customer_po", .type = XD_FIELD_TEXT, .max = XD_ID_MAX, XD_AT(ORDER, customer_po)},
    {.name = "correlation_id", .type = XD_FIELD_ID, .max = XD_CORRELATION_MAX, XD_AT(ORDER, correlation_id)},
    {.name = "priority", .type = XD_FIELD_INTEGER, XD_AT(ORDER, priority)},
    {.name = "ordered_at", .type = XD_FIELD_TIME, XD_AT(ORDER, ordered_at)},
    {.name = "dates", .type = XD_FIELD_OBJECT, .fields = dates_fields, XD_OUTER},
    {.name = "fulfilment_policy",
     .type = XD_FIELD_ENUM,
     .names = fulfilment_names,
     XD_AT(ORDER, fulfilment_policy)},
    {.name = "backorder_policy",
     .type = XD_FIELD_ENUM,
     .names = backorder_names,
     XD_AT(ORDER, backorder_policy)},
    {.name = "over_pct", .type = XD_FIELD_QUANTITY, XD_AT2(ORDER, over_pct, has_over_pct)},
    {.name = "under_pct", .type = XD_FIELD_QUANTITY, XD_AT2(ORDER, under_pct, has_under_pct)},
    {.name = "attributes", .type = XD_FIELD_ANY, .max = cJSON_Object, XD_AT(ORDER, attributes)},
    {.name = "freight",
     .type = XD_FIELD_ANY,
     .max = cJSON_Object,
     .fields = freight_fields,
     XD_AT(ORDER, freight)},
    {.name = "payment",
     .type = XD_FIELD_ANY,
     .max = cJSON_Object,
     .fields = payment_fields,
     XD_AT(ORDER, payment)},
    {.name = "credit",
     .type = XD_FIELD_ANY,
     .max = cJSON_Object,
     .fields = credit_fields,
     XD_AT(ORDER, credit)},
    {.name = "tax", .type = XD_FIELD_OBJECT, .fields = order_tax_fields, XD_OUTER},
    {.name = "totals", .type = XD_FIELD_OBJECT, .fields = totals_fields, XD_OUTER},
    {.name = "holds",
     .type = XD_FIELD_ARRAY,
     .max = XD_ORDER_HOLDS_MAX,
     .fields = hold_fields,
     .element_size = sizeof(struct xd_order_hold),
     XD_AT2(ORDER, holds, hold_count)},
    {.name = "substitution_policy",
     .type = XD_FIELD_TEXT,
     .max = XD_CODE_MAX,
     XD_AT(ORDER, substitution_policy)},
    {.name = "invoice_on", .type = XD_FIELD_ENUM, .names = invoice_on_names, XD_UNKEPT},
    {.name = NULL},
};

/* Both dates are there and the first is after the second. Calendar dates compare as text. */
static bool is_after(const char *first, const char *second) {
    return first != NULL && second != NULL && strcmp(first, second) > 0;
}

static void check_dates(const struct xd_order *order, struct xd_problems *problems) {
    const struct {
        const char *pointer, *earlier, *later, *rule;
    } rules[] = {
        {"/dates/ship_not_after", order->ship_not_before, order->ship_not_after, "is before ship_not_before"},
        {"/dates/requested_delivery", order->requested_ship, order->requested_delivery,
         "is before requested_ship"},
        {"/dates/requested_ship", order->ship_not_before, order->requested_ship, "is before ship_not_before"},
        {"/dates/requested_ship", order->requested_ship, order->ship_not_after, "is after ship_not_after"},
        {"/dates/cancel_after", order->ship_not_before, order->cancel_after, "is before ship_not_before"},
        {"/dates/cancel_after", order->requested_ship, order->cancel_after, "is before requested_ship"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (is_after(rules[i].earlier, rules[i].later)) {
            xd_problem_add(problems, "dates_contradict", rules[i].pointer, "%s (%s, %s)", rules[i].rule,
                           rules[i].earlier, rules[i].later);
        }
    }
}

static enum xd_result number_lines(struct xd_document *document, struct xd_order *order) {
    enum { NUMBER_SIZE = 24 };
    for (size_t i = 0; i < order->line_count; i++) {
        if (order->lines[i].line_id != NULL) {
            continue;
        }
        char *number = xd_document_alloc(document, NUMBER_SIZE);
        if (number == NULL) {
            return XD_NO_MEMORY;
        }
        (void)snprintf(number, NUMBER_SIZE, "%zu", i + 1);
        order->lines[i].line_id = number;
    }
    return XD_OK;
}

static enum xd_result check_lines(struct xd_document *document, struct xd_order *order,
                                  struct xd_problems *problems) {
    if (order->line_count == 0) {
        return XD_OK; /* reported by the table */
    }
    enum xd_result result = number_lines(document, order);
    struct xd_rule_unique rule = {.first = &order->lines[0].external_line_id,
                                  .stride = sizeof order->lines[0],
                                  .count = order->line_count,
                                  .before = "/lines/",
                                  .behind = "/external_line_id",
                                  .code = "duplicate_line"};
    if (result == XD_OK) {
        result = xd_rule_check_unique(document, &rule, problems);
    }
    rule.first = &order->lines[0].line_id;
    rule.behind = "/line_id";
    return result == XD_OK ? xd_rule_check_unique(document, &rule, problems) : result;
}

static void check_customer(const cJSON *tree, const struct xd_order *order, struct xd_problems *problems) {
    const cJSON *customer = cJSON_GetObjectItemCaseSensitive(tree, "customer");
    if (order->customer_ref == NULL && order->customer_id == NULL && cJSON_IsObject(customer) &&
        cJSON_GetObjectItemCaseSensitive(customer, "external_ref") == NULL &&
        cJSON_GetObjectItemCaseSensitive(customer, "id") == NULL) {
        xd_problem_add(problems, "missing_member", "/customer/external_ref",
                       "is missing: name the customer by external_ref or by id");
    }
}

/* What travels in the release as it came may be longer when it is written anew than it
 * was ("1e9"): an order whose release is no document any more could never be released.
 * Appends one such tree; too much of them is a problem at the pointer. */
static enum xd_result check_carried(const cJSON *tree, struct xd_buffer *text, const char *pointer,
                                    struct xd_problems *problems) {
    if (tree == NULL || xd_buffer_result(text) == XD_FULL) {
        return XD_OK;
    }
    xd_json_print(tree, text);
    enum xd_result result = xd_buffer_result(text);
    if (result != XD_FULL) {
        return result;
    }
    xd_problem_add(problems, "too_long", pointer, "has more than the %zu bytes that are allowed",
                   text->limit);
    return XD_OK;
}

static enum xd_result check_attributes(const struct xd_order *order, struct xd_problems *problems) {
    struct xd_buffer text;
    xd_buffer_init(&text, ATTRIBUTES_BYTES_MAX);
    enum xd_result result = check_carried(order->attributes, &text, "/attributes", problems);
    xd_buffer_free(&text);
    return result;
}

/* Freight and lines together; the one with which it is too much is named. */
static enum xd_result check_handling(const struct xd_order *order, struct xd_problems *problems) {
    struct xd_buffer text;
    xd_buffer_init(&text, HANDLING_BYTES_MAX);
    enum xd_result result = check_carried(order->freight, &text, "/freight", problems);
    for (size_t index = 0; index < order->line_count && result == XD_OK; index++) {
        const struct xd_order_line *line = &order->lines[index];
        const cJSON *trees[] = {line->lot_constraint, line->min_remaining_shelf_life, line->hazmat};
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/lines/%zu", index);
        for (size_t tree = 0; tree < sizeof trees / sizeof trees[0] && result == XD_OK; tree++) {
            result = check_carried(trees[tree], &text, pointer, problems);
        }
    }
    xd_buffer_free(&text);
    return result;
}

const struct xd_order_version xd_order_version_1 = {1, xd_order_fields, 0, NULL};

static const struct xd_order_version *version_of(const cJSON *tree, const struct xd_order_version *versions,
                                                 size_t count) {
    const cJSON *named = cJSON_GetObjectItemCaseSensitive(tree, "schema_version");
    for (size_t index = 0; cJSON_IsNumber(named) && index < count; index++) {
        double version = (double)versions[index].version;
        if (named->valuedouble >= version && named->valuedouble <= version) {
            return &versions[index];
        }
    }
    return &versions[0]; /* which says what it thinks of schema_version */
}

/* By the version's table, and into the struct that all the rest knows. */
static enum xd_result read_form(struct xd_document *document, const struct xd_order_version *version,
                                enum xd_unknown unknown, struct xd_order *out, struct xd_problems *problems) {
    if (version->size == 0) {
        return xd_schema_read(document, document->tree, version->fields, unknown, out, problems);
    }
    void *read = xd_document_alloc(document, version->size);
    if (read == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result =
        xd_schema_read(document, document->tree, version->fields, unknown, read, problems);
    out->fulfilment_policy = out->backorder_policy = out->tax_rounding = -1;
    return result == XD_OK ? version->upgrade(document, read, out) : result;
}

static enum xd_result read_order(struct xd_document *document, const struct xd_order_version *version,
                                 enum xd_unknown unknown, struct xd_order *out,
                                 struct xd_problems *problems) {
    *out = (struct xd_order){0};
    size_t errors = problems->errors;
    enum xd_result result = read_form(document, version, unknown, out, problems);
    if (result == XD_OK || result == XD_INVALID) {
        check_dates(out, problems);
        check_customer(document->tree, out, problems);
        result = check_lines(document, out, problems);
    }
    if (result == XD_OK) {
        result = check_attributes(out, problems);
    }
    if (result == XD_OK) {
        result = check_handling(out, problems);
    }
    if (result != XD_OK) {
        return result;
    }
    return problems->errors > errors ? XD_INVALID : XD_OK;
}

const struct xd_order_line *xd_order_line_named(const struct xd_order *order, const char *external_line_id) {
    for (size_t index = 0; index < order->line_count; index++) {
        const char *name = order->lines[index].external_line_id;
        if (name != NULL && strcmp(name, external_line_id) == 0) {
            return &order->lines[index];
        }
    }
    return NULL;
}

enum xd_result xd_order_read_versions(struct xd_document *document, const struct xd_order_version *versions,
                                      size_t count, struct xd_order *out, struct xd_problems *problems) {
    return read_order(document, version_of(document->tree, versions, count), XD_UNKNOWN_REFUSED, out,
                      problems);
}

enum xd_result xd_order_read_taken(struct xd_document *document, struct xd_order *out,
                                   struct xd_problems *problems) {
    return read_order(document, &xd_order_version_1, XD_UNKNOWN_KEPT, out, problems);
}

enum xd_result xd_order_read(struct xd_document *document, struct xd_order *out,
                             struct xd_problems *problems) {
    return xd_order_read_versions(document, &xd_order_version_1, 1, out, problems);
}
