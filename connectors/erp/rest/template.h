/* Templates: what is sent, as YAML with our fields in braces.
 *
 *   scalar    text with {field} or {field|filter|...} inside; {{ and }} are braces. A scalar without
 *             quotes that is true, false, null or a number is that in JSON, too.
 *   map       an object. A member whose value is one field that is not there is left out.
 *   sequence  an array
 *   {"{lines}": item}   an array with item for each line of the document
 *
 * Fields of the document: reference, sale_reference, sale_number (of a sale that was born in the ERP),
 * sale_document (the ERP's number of the sale, looked up), reverses, reverses_document, tenant, site,
 * customer, currency, at. Of a line: line_id, sku, ordered_sku, uom, qty, base_qty, unbilled, billed,
 * unit_price, close, lot.
 * Filters: number (a JSON number), date (the day of an instant), negative, null (null where it is not
 * there, instead of no member), or the name of a table: what the table says of it; of what it does not
 * name, what it says of "*", or the same. */
#ifndef XD_ERP_REST_TEMPLATE_H
#define XD_ERP_REST_TEMPLATE_H

#include "hub/erp.h"
#include "shared/tree.h"

#include <stdbool.h>
#include <stddef.h>

#define XD_REST_WHY_SIZE 200

struct xd_rest_values {
    const struct xd_erp_request *request;
    const char *sale_document, *reverses_document; /* NULL: not there */
    const struct xd_tree_node *tables;
    const struct xd_erp_line *line; /* set by the template itself */
};

/* Where a template is wrong, or NULL; why says what. body: also maps, sequences and {lines}. */
const struct xd_tree_node *xd_rest_template_check(const struct xd_tree_node *node,
                                                  const struct xd_tree_node *tables, bool body,
                                                  char why[XD_REST_WHY_SIZE]);
/* Whether the template has that field. node may be NULL. */
bool xd_rest_template_uses(const struct xd_tree_node *node, const char *field);

/* Appends JSON. XD_INVALID: the document cannot be said so (why). Failure of out sticks to it. */
XD_CHECKED enum xd_result xd_rest_write_body(const struct xd_tree_node *node,
                                             const struct xd_rest_values *values, struct xd_buffer *out,
                                             char why[XD_REST_WHY_SIZE]);
/* Appends a scalar's text; fields are percent-encoded when they become part of a URL. A field that is not
 * there is XD_INVALID. */
XD_CHECKED enum xd_result xd_rest_write_text(const char *text, const struct xd_rest_values *values,
                                             bool in_url, struct xd_buffer *out, char why[XD_REST_WHY_SIZE]);
/* Appends text as it may stand in a URL's path or query. */
void xd_rest_write_encoded(const char *text, struct xd_buffer *out);
/* What the table of that name makes of text; text itself when it says nothing of it. tables may be NULL. */
const char *xd_rest_table(const struct xd_tree_node *tables, const char *name, const char *text);

#endif
