/* See the header. What a release carries beyond the struct (instructions,
 * contact ...) is kept with its document and not looked at. */
#include "documents/release.h"

#include "documents/rules.h"
#include "documents/writer.h"

#include <string.h>

#define RELEASE struct xd_release
#define LINE struct xd_release_line

const char *const xd_purpose_names[] = {"ORIGINAL", "CHANGE", "CANCEL", NULL};

static const struct xd_field factor_fields[] = {
    {.name = "num",
     .type = XD_FIELD_INTEGER,
     .required = true,
     .min = 1,
     .max = XD_INTEGER_WIDE,
     XD_AT(LINE, factor_num)},
    {.name = "den",
     .type = XD_FIELD_INTEGER,
     .required = true,
     .min = 1,
     .max = XD_INTEGER_WIDE,
     XD_AT(LINE, factor_den)},
    {.name = NULL},
};

static const struct xd_field line_fields[] = {
    {.name = "line_id", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(LINE, line_id)},
    {.name = "external_line_id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(LINE, external_line_id)},
    {.name = "sku", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(LINE, sku)},
    {.name = "qty", .type = XD_FIELD_QUANTITY, .required = true, XD_AT(LINE, qty)},
    {.name = "uom", .type = XD_FIELD_ID, .required = true, .max = XD_UOM_MAX, XD_AT(LINE, uom)},
    {.name = "uom_factor", .type = XD_FIELD_OBJECT, .fields = factor_fields, XD_OUTER},
    XD_HANDLING_ROWS(LINE),
    {.name = NULL},
};

static const struct xd_field dates_fields[] = {
    XD_DATES_ROWS(RELEASE),
    {.name = NULL},
};

static const struct xd_field channel_fields[] = {
    {.name = "type", .type = XD_FIELD_ID, .max = 32, XD_AT(RELEASE, channel_type)},
    {.name = "account", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(RELEASE, channel_account)},
    {.name = NULL},
};

static const struct xd_field origin_fields[] = {
    {.name = "tenant", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(RELEASE, tenant)},
    {.name = "channel", .type = XD_FIELD_OBJECT, .fields = channel_fields, XD_OUTER},
    {.name = "external_order_id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(RELEASE, external_order_id)},
    {.name = "customer_ref", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(RELEASE, customer_ref)},
    {.name = "currency", .type = XD_FIELD_CURRENCY, XD_AT(RELEASE, currency)},
    {.name = NULL},
};

static const struct xd_field split_fields[] = {
    {.name = "n", .type = XD_FIELD_INTEGER, .required = true, .min = 1, XD_AT(RELEASE, split_number)},
    {.name = NULL},
};

const struct xd_field xd_release_fields[] = {
    {.name = "release_id",
     .type = XD_FIELD_ID,
     .required = true,
     .max = XD_ID_MAX,
     XD_AT(RELEASE, release_id)},
    {.name = "revision", .type = XD_FIELD_INTEGER, .required = true, .min = 1, XD_AT(RELEASE, revision)},
    {.name = "purpose",
     .type = XD_FIELD_ENUM,
     .required = true,
     .names = xd_purpose_names,
     XD_AT(RELEASE, purpose)},
    {.name = "order_id", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(RELEASE, order_id)},
    {.name = "site_id", .type = XD_FIELD_SITE, .required = true, XD_AT(RELEASE, site_id)},
    {.name = "split", .type = XD_FIELD_OBJECT, .fields = split_fields, XD_OUTER},
    {.name = "owner", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(RELEASE, owner)},
    {.name = "customer_po", .type = XD_FIELD_TEXT, .max = XD_ID_MAX, XD_AT(RELEASE, customer_po)},
    {.name = "correlation_id",
     .type = XD_FIELD_ID,
     .max = XD_CORRELATION_MAX,
     XD_AT(RELEASE, correlation_id)},
    {.name = "ship_to",
     .type = XD_FIELD_OBJECT,
     .fields = xd_party_fields,
     XD_AT2(RELEASE, ship_to, ship_to.present)},
    {.name = "mark_for",
     .type = XD_FIELD_OBJECT,
     .fields = xd_party_fields,
     XD_AT2(RELEASE, mark_for, mark_for.present)},
    {.name = "dates", .type = XD_FIELD_OBJECT, .fields = dates_fields, XD_OUTER},
    {.name = "freight", .type = XD_FIELD_ANY, .max = cJSON_Object, XD_AT(RELEASE, freight)},
    {.name = "ship_by", .type = XD_FIELD_TIME, XD_AT(RELEASE, ship_by)},
    {.name = "ack_deadline", .type = XD_FIELD_TIME, XD_AT(RELEASE, ack_deadline)},
    {.name = "origin", .type = XD_FIELD_OBJECT, .fields = origin_fields, XD_OUTER},
    {.name = "attributes", .type = XD_FIELD_ANY, .max = cJSON_Object, XD_AT(RELEASE, attributes)},
    {.name = "lines",
     .type = XD_FIELD_ARRAY,
     .max = XD_ORDER_LINES_MAX,
     .fields = line_fields,
     .element_size = sizeof(LINE),
     XD_AT2(RELEASE, lines, line_count)},
    {.name = NULL},
};

static enum xd_result check_lines(struct xd_document *document, const cJSON *tree, struct xd_release *release,
                                  struct xd_problems *problems) {
    for (size_t i = 0; i < release->line_count; i++) {
        struct xd_release_line *line = &release->lines[i];
        if (line->factor_num == 0 || line->factor_den == 0) {
            line->factor_num = 1;
            line->factor_den = 1;
        }
    }
    if (release->line_count == 0) {
        if (release->purpose != XD_PURPOSE_CANCEL) {
            xd_rule_report_no_elements(problems, tree, "lines", "only the purpose CANCEL does without");
        }
        return XD_OK;
    }
    struct xd_rule_unique rule = {.first = &release->lines[0].line_id,
                                  .stride = sizeof release->lines[0],
                                  .count = release->line_count,
                                  .before = "/lines/",
                                  .behind = "/line_id",
                                  .code = "duplicate_line"};
    return xd_rule_check_unique(document, &rule, problems);
}

static void write_party(struct xd_writer *writer, const char *name, const struct xd_party *party) {
    if (!party->present) {
        return;
    }
    xd_writer_begin(writer, name, '{');
    xd_writer_text(writer, "id", party->id);
    xd_writer_text(writer, "name", party->name);
    if (party->address_count > 0) {
        xd_writer_begin(writer, "address", '[');
        for (size_t i = 0; i < party->address_count; i++) {
            xd_writer_text(writer, NULL, party->address[i]);
        }
        xd_writer_end(writer, ']');
    }
    xd_writer_text(writer, "city", party->city);
    xd_writer_text(writer, "region", party->region);
    xd_writer_text(writer, "postal_code", party->postal_code);
    xd_writer_text(writer, "country", party->country);
    xd_writer_text(writer, "phone", party->phone);
    xd_writer_text(writer, "email", party->email);
    xd_writer_end(writer, '}');
}

static void write_dates(struct xd_writer *writer, const struct xd_release *release) {
    const struct {
        const char *name, *date;
    } dates[] = {{"requested_ship", release->requested_ship},
                 {"requested_delivery", release->requested_delivery},
                 {"ship_not_before", release->ship_not_before},
                 {"ship_not_after", release->ship_not_after},
                 {"cancel_after", release->cancel_after}};
    bool any = false;
    for (size_t index = 0; index < sizeof dates / sizeof dates[0]; index++) {
        if (dates[index].date != NULL && !any) {
            any = true;
            xd_writer_begin(writer, "dates", '{');
        }
        xd_writer_text(writer, dates[index].name, dates[index].date);
    }
    if (any) {
        xd_writer_end(writer, '}');
    }
}

static void write_deadlines(struct xd_writer *writer, const struct xd_release *release) {
    if (release->ship_by != 0) {
        xd_writer_time(writer, "ship_by", release->ship_by);
    }
    if (release->ack_deadline != 0) {
        xd_writer_time(writer, "ack_deadline", release->ack_deadline);
    }
}

static void write_origin(struct xd_writer *writer, const struct xd_release *release) {
    bool channel = release->channel_type != NULL || release->channel_account != NULL;
    if (!channel && release->tenant == NULL && release->external_order_id == NULL &&
        release->customer_ref == NULL && release->currency == NULL) {
        return;
    }
    xd_writer_begin(writer, "origin", '{');
    xd_writer_text(writer, "tenant", release->tenant);
    if (channel) {
        xd_writer_begin(writer, "channel", '{');
        xd_writer_text(writer, "type", release->channel_type);
        xd_writer_text(writer, "account", release->channel_account);
        xd_writer_end(writer, '}');
    }
    xd_writer_text(writer, "external_order_id", release->external_order_id);
    xd_writer_text(writer, "customer_ref", release->customer_ref);
    xd_writer_text(writer, "currency", release->currency);
    xd_writer_end(writer, '}');
}

static void write_line(struct xd_writer *writer, const struct xd_release_line *line) {
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "line_id", line->line_id);
    xd_writer_text(writer, "external_line_id", line->external_line_id);
    xd_writer_text(writer, "sku", line->sku);
    xd_writer_decimal(writer, "qty", line->qty);
    xd_writer_text(writer, "uom", line->uom);
    bool known = line->factor_num > 0 && line->factor_den > 0;
    if (known && (line->factor_num != 1 || line->factor_den != 1)) {
        xd_writer_begin(writer, "uom_factor", '{');
        xd_writer_integer(writer, "num", line->factor_num);
        xd_writer_integer(writer, "den", line->factor_den);
        xd_writer_end(writer, '}');
    }
    xd_writer_tree(writer, "lot_constraint", line->lot_constraint);
    xd_writer_tree(writer, "min_remaining_shelf_life", line->min_remaining_shelf_life);
    if (line->serial_required) {
        xd_writer_boolean(writer, "serial_required", true);
    }
    xd_writer_tree(writer, "hazmat", line->hazmat);
    xd_writer_text(writer, "temperature_class", line->temperature_class);
    xd_writer_end(writer, '}');
}

void xd_release_write(const struct xd_release *release, struct xd_buffer *out) {
    struct xd_writer writer = {out, false};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "release_id", release->release_id);
    xd_writer_integer(&writer, "revision", release->revision);
    xd_writer_text(&writer, "purpose", xd_purpose_names[release->purpose]);
    xd_writer_text(&writer, "order_id", release->order_id);
    xd_writer_text(&writer, "site_id", release->site_id);
    if (release->split_number != 0) {
        xd_writer_begin(&writer, "split", '{');
        xd_writer_integer(&writer, "n", release->split_number);
        xd_writer_end(&writer, '}');
    }
    xd_writer_text(&writer, "owner", release->owner);
    xd_writer_text(&writer, "customer_po", release->customer_po);
    xd_writer_text(&writer, "correlation_id", release->correlation_id);
    write_party(&writer, "ship_to", &release->ship_to);
    write_party(&writer, "mark_for", &release->mark_for);
    write_dates(&writer, release);
    xd_writer_tree(&writer, "freight", release->freight);
    write_deadlines(&writer, release);
    write_origin(&writer, release);
    xd_writer_tree(&writer, "attributes", release->attributes);
    xd_writer_begin(&writer, "lines", '[');
    for (size_t i = 0; i < release->line_count; i++) {
        write_line(&writer, &release->lines[i]);
    }
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
}

enum xd_result xd_release_read(struct xd_document *document, const cJSON *tree, struct xd_release *out,
                               struct xd_problems *problems) {
    *out = (struct xd_release){0};
    size_t errors = problems->errors;
    enum xd_result result = xd_schema_read(document, tree, xd_release_fields, XD_UNKNOWN_KEPT, out, problems);
    if (result == XD_OK || result == XD_INVALID) {
        result = check_lines(document, tree, out, problems);
    }
    if (result != XD_OK) {
        return result;
    }
    return problems->errors > errors ? XD_INVALID : XD_OK;
}
