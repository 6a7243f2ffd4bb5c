/* A template is read again each time it is written: the tree of the description is all there is, and a body
 * has some ten fields. What is wrong with one is found when the description is loaded.
 *
 *   text  = *( literal | "{{" | "}}" | "{" field *( "|" filter ) "}" )
 */
#include "erp/rest/template.h"

#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_SIZE 64
#define DATE_SIZE ((size_t)10) /* 2026-11-26 */
#define NAME_SIZE 64
#define LINES "{lines}"

enum field {
    REFERENCE,
    SALE_REFERENCE,
    SALE_NUMBER,
    SALE_DOCUMENT,
    REVERSES,
    REVERSES_DOCUMENT,
    TENANT,
    SITE,
    CUSTOMER,
    CURRENCY,
    AT,
    LINE_ID, /* the first of a line's */
    SKU,
    ORDERED_SKU,
    UOM,
    QTY,
    BASE_QTY,
    UNBILLED,
    BILLED,
    UNIT_PRICE,
    CLOSE,
    LOT,
    FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {"reference",   "sale_reference",
                                                     "sale_number", "sale_document",
                                                     "reverses",    "reverses_document",
                                                     "tenant",      "site",
                                                     "customer",    "currency",
                                                     "at",          "line_id",
                                                     "sku",         "ordered_sku",
                                                     "uom",         "qty",
                                                     "base_qty",    "unbilled",
                                                     "billed",      "unit_price",
                                                     "close",       "lot"};

static enum field field_of(const char *name) {
    size_t index = 0;
    while (index < FIELD_COUNT && strcmp(field_names[index], name) != 0) {
        index++;
    }
    return (enum field)index;
}

/* ---- reading ---- */

struct part {
    const char *literal; /* NULL: it is a field */
    size_t size;
    char name[NAME_SIZE];
    char filters[NAME_SIZE * 2]; /* "negative|number", "" none */
};

/* Takes the next part; false at the end, and with *wrong where it makes no sense. */
static bool take_part(const char **at, struct part *part, bool *wrong) {
    const char *text = *at;
    *wrong = false;
    if (*text == '\0') {
        return false;
    }
    if ((text[0] == '{' && text[1] == '{') || (text[0] == '}' && text[1] == '}')) {
        *part = (struct part){.literal = text, .size = 1};
        *at = text + 2;
        return true;
    }
    if (*text != '{' && *text != '}') {
        *part = (struct part){.literal = text, .size = strcspn(text, "{}")};
        *at = text + part->size;
        return true;
    }
    size_t size = *text == '{' ? strcspn(text, "}") : 0;
    size_t name = strcspn(text, "|}");
    *wrong = size == 0 || text[size] == '\0' || name > NAME_SIZE || size - name > sizeof part->filters;
    if (*wrong) {
        return false;
    }
    part->literal = NULL;
    (void)snprintf(part->name, sizeof part->name, "%.*s", (int)(name - 1), text + 1);
    bool filtered = name < size;
    (void)snprintf(part->filters, sizeof part->filters, "%.*s", filtered ? (int)(size - name - 1) : 0,
                   filtered ? text + name + 1 : "");
    *at = text + size + 1;
    return true;
}

/* Copies the next of "one|two" and steps behind it; false: there is none. */
static bool take_filter(const char **filters, char out[NAME_SIZE]) {
    size_t size = strcspn(*filters, "|");
    if (size == 0) {
        return false;
    }
    (void)snprintf(out, NAME_SIZE, "%.*s", (int)size, *filters);
    *filters += size + ((*filters)[size] == '|' ? 1 : 0);
    return true;
}

static const struct xd_tree_node *table_of(const struct xd_tree_node *tables, const char *name) {
    return xd_tree_child(tables, name, strlen(name));
}

const char *xd_rest_table(const struct xd_tree_node *tables, const char *name, const char *text) {
    const struct xd_tree_node *table = table_of(tables, name);
    const struct xd_tree_node *found = xd_tree_child(table, text, strlen(text));
    if (found == NULL) {
        found = xd_tree_child(table, "*", 1);
    }
    return found == NULL ? text : found->text;
}

/* ---- values ---- */

struct value {
    const char *text; /* NULL: not there */
    bool is_raw;      /* stands in JSON without quotes */
    bool as_null;
    char scratch[SCRATCH_SIZE];
};

static void set_decimal(struct value *value, struct xd_decimal decimal) {
    value->text = xd_decimal_write(decimal, value->scratch);
}

/* The text may stand in scratch already. */
static void set_date(struct value *value) {
    size_t size = strnlen(value->text, DATE_SIZE);
    memmove(value->scratch, value->text, size);
    value->scratch[size] = '\0';
    value->text = value->scratch;
}

static enum xd_result set_base_qty(struct value *value, const struct xd_erp_line *line) {
    bool plain = line->factor_num == 0 || line->factor_den == 0;
    struct xd_decimal base = line->qty;
    enum xd_result result =
        plain ? XD_OK : xd_decimal_ratio(line->qty, line->factor_num, line->factor_den, &base);
    set_decimal(value, base);
    return result;
}

static enum xd_result get_of_line(const struct xd_erp_line *line, enum field field, struct value *value) {
    struct xd_decimal billed;
    enum xd_result result = XD_OK;
    switch (field) {
    case LINE_ID:
        value->text = line->line_id;
        break;
    case SKU:
        value->text = line->sku;
        break;
    case ORDERED_SKU:
        value->text = line->ordered_sku;
        break;
    case UOM:
        value->text = line->uom;
        break;
    case QTY:
        set_decimal(value, line->qty);
        break;
    case BASE_QTY:
        return set_base_qty(value, line);
    case UNBILLED:
        set_decimal(value, line->unbilled);
        break;
    case BILLED:
        result = xd_decimal_subtract(line->qty, line->unbilled, &billed);
        if (result == XD_OK) {
            set_decimal(value, billed);
        }
        break;
    case UNIT_PRICE:
        if (line->has_unit_price) {
            set_decimal(value, line->unit_price);
        }
        break;
    case CLOSE:
        value->text = line->close ? "true" : "false";
        value->is_raw = true;
        break;
    default:
        value->text = line->lot;
        break;
    }
    return result;
}

static const char *get_of_sale(const char *reference, bool born) {
    bool is_born = reference != NULL && reference[0] == '=';
    if (reference == NULL || is_born != born) {
        return NULL;
    }
    return born ? reference + 1 : reference;
}

static enum xd_result get(const struct xd_rest_values *values, enum field field, struct value *value) {
    const struct xd_erp_request *request = values->request;
    memset(value, 0, sizeof *value);
    if (field >= LINE_ID) {
        return get_of_line(values->line, field, value);
    }
    const char *const texts[LINE_ID] = {
        [REFERENCE] = request->reference,
        [SALE_REFERENCE] = get_of_sale(request->sale_reference, false),
        [SALE_NUMBER] = get_of_sale(request->sale_reference, true),
        [SALE_DOCUMENT] = values->sale_document,
        [REVERSES] = request->reverses,
        [REVERSES_DOCUMENT] = values->reverses_document,
        [TENANT] = request->tenant,
        [SITE] = request->site,
        [CUSTOMER] = request->customer,
        [CURRENCY] = request->currency,
    };
    value->text = texts[field];
    if (field == AT && request->at != 0) {
        value->text = xd_time_write(request->at, value->scratch);
    }
    return XD_OK;
}

static enum xd_result negate(struct value *value) {
    struct xd_decimal decimal;
    enum xd_result result = xd_decimal_parse(value->text, &decimal);
    if (result == XD_OK) {
        set_decimal(value, xd_decimal_negate(decimal));
    }
    return result;
}

static enum xd_result filter(const struct xd_rest_values *values, const char *name, struct value *value) {
    struct xd_decimal decimal;
    enum xd_result result = XD_OK;
    if (strcmp(name, "null") == 0) {
        value->as_null = true;
    } else if (value->text == NULL) {
        return XD_OK;
    } else if (strcmp(name, "number") == 0) {
        result = xd_decimal_parse(value->text, &decimal);
        value->is_raw = true;
    } else if (strcmp(name, "date") == 0) {
        set_date(value);
    } else if (strcmp(name, "negative") == 0) {
        result = negate(value);
    } else {
        value->text = xd_rest_table(values->tables, name, value->text);
    }
    return result;
}

static enum xd_result value_of(const struct xd_rest_values *values, const struct part *part,
                               struct value *value, char why[XD_REST_WHY_SIZE]) {
    const char *filters = part->filters;
    char name[NAME_SIZE];
    enum xd_result result = get(values, field_of(part->name), value);
    while (result == XD_OK && take_filter(&filters, name)) {
        result = filter(values, name, value);
    }
    if (result != XD_OK) {
        (void)snprintf(why, XD_REST_WHY_SIZE, "{%s} of this document cannot be said exactly", part->name);
    }
    return result;
}

/* ---- writing ---- */

void xd_rest_write_encoded(const char *text, struct xd_buffer *out) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        if (strchr(plain, c) != NULL) {
            xd_buffer_byte(out, c);
        } else {
            const char code[3] = {'%', digits[c >> 4], digits[c & 15]};
            xd_buffer_add(out, code, sizeof code);
        }
    }
}

/* Without in_url a field that is not there is no text. */
static enum xd_result write_parts(const char *text, const struct xd_rest_values *values, bool in_url,
                                  bool needed, struct xd_buffer *out, char why[XD_REST_WHY_SIZE]) {
    struct part part;
    bool wrong = false;
    while (take_part(&text, &part, &wrong)) {
        struct value value;
        if (part.literal != NULL) {
            xd_buffer_add(out, part.literal, part.size);
            continue;
        }
        if (value_of(values, &part, &value, why) != XD_OK) {
            return XD_INVALID;
        }
        if (value.text == NULL && needed) {
            (void)snprintf(why, XD_REST_WHY_SIZE, "{%s} is not known of this document", part.name);
            return XD_INVALID;
        }
        if (value.text != NULL && in_url) {
            xd_rest_write_encoded(value.text, out);
        } else {
            xd_buffer_text(out, value.text != NULL ? value.text : "");
        }
    }
    return XD_OK;
}

enum xd_result xd_rest_write_text(const char *text, const struct xd_rest_values *values, bool in_url,
                                  struct xd_buffer *out, char why[XD_REST_WHY_SIZE]) {
    return write_parts(text, values, in_url, true, out, why);
}

/* The one field that the text consists of, if it does. */
static bool sole_field(const char *text, struct part *part) {
    bool wrong = false;
    return take_part(&text, part, &wrong) && part->literal == NULL && *text == '\0';
}

static bool is_json_word(const struct xd_tree_node *node) {
    char *end = NULL;
    const char *text = node->text;
    if (!node->plain) {
        return false;
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        return true;
    }
    size_t digit = text[0] == '-' ? 1 : 0;
    bool whole = text[digit] == '0' && text[digit + 1] >= '0' && text[digit + 1] <= '9'; /* 007 is a text */
    (void)strtod(text, &end);
    return text[digit] >= '0' && text[digit] <= '9' && !whole && *end == '\0' &&
           strspn(text, "0123456789.-+eE") == strlen(text) && end[-1] != '.';
}

/* *absent: the value is a single field that is not there; nothing was written. */
static enum xd_result write_scalar(const struct xd_tree_node *node, const struct xd_rest_values *values,
                                   struct xd_buffer *out, bool *absent, char why[XD_REST_WHY_SIZE]) {
    struct part part;
    struct value value;
    struct xd_buffer text;
    *absent = false;
    if (xd_tree_is_null(node) || is_json_word(node)) {
        xd_buffer_text(out, xd_tree_is_null(node) ? "null" : node->text);
        return XD_OK;
    }
    if (sole_field(node->text, &part)) {
        enum xd_result result = value_of(values, &part, &value, why);
        *absent = result == XD_OK && value.text == NULL && !value.as_null;
        if (result == XD_OK && value.is_raw && value.text != NULL) {
            xd_buffer_text(out, value.text);
        } else if (result == XD_OK && !*absent) {
            xd_buffer_json(out, value.text);
        }
        return result;
    }
    xd_buffer_init(&text, 0);
    enum xd_result result = write_parts(node->text, values, false, false, &text, why);
    if (result == XD_OK && xd_buffer_result(&text) == XD_OK) {
        xd_buffer_json(out, xd_buffer_string(&text));
    } else if (result == XD_OK) {
        out->result = XD_NO_MEMORY;
    }
    xd_buffer_free(&text);
    return result;
}

static enum xd_result write_node(const struct xd_tree_node *node, const struct xd_rest_values *values,
                                 struct xd_buffer *out, bool *absent, char why[XD_REST_WHY_SIZE]);

static bool is_for_lines(const struct xd_tree_node *node) {
    return node->kind == XD_TREE_MAP && node->child_count == 1 && strcmp(node->children->key, LINES) == 0;
}

static enum xd_result write_lines(const struct xd_tree_node *item, const struct xd_rest_values *values,
                                  struct xd_buffer *out, char why[XD_REST_WHY_SIZE]) {
    enum xd_result result = XD_OK;
    struct xd_rest_values of_line = *values;
    bool absent = false;
    xd_buffer_byte(out, '[');
    for (size_t i = 0; i < values->request->line_count && result == XD_OK; i++) {
        of_line.line = &values->request->lines[i];
        if (i > 0) {
            xd_buffer_byte(out, ',');
        }
        result = write_node(item, &of_line, out, &absent, why);
        if (absent) {
            xd_buffer_text(out, "null");
        }
    }
    xd_buffer_byte(out, ']');
    return result;
}

static enum xd_result write_children(const struct xd_tree_node *node, const struct xd_rest_values *values,
                                     struct xd_buffer *out, char why[XD_REST_WHY_SIZE]) {
    enum xd_result result = XD_OK;
    bool comma = false;
    for (const struct xd_tree_node *child = node->children; child != NULL && result == XD_OK;
         child = child->next) {
        size_t before = out->size;
        bool absent = false;
        if (comma) {
            xd_buffer_byte(out, ',');
        }
        if (child->key != NULL) {
            xd_buffer_json(out, child->key);
            xd_buffer_byte(out, ':');
        }
        result = write_node(child, values, out, &absent, why);
        if (absent && child->key != NULL) {
            out->size = before; /* left out, with its name and comma */
        } else {
            xd_buffer_text(out, absent ? "null" : "");
            comma = true;
        }
    }
    return result;
}

static enum xd_result write_node(const struct xd_tree_node *node, const struct xd_rest_values *values,
                                 struct xd_buffer *out, bool *absent, char why[XD_REST_WHY_SIZE]) {
    *absent = false;
    if (node->kind == XD_TREE_SCALAR) {
        return write_scalar(node, values, out, absent, why);
    }
    if (is_for_lines(node)) {
        return write_lines(node->children, values, out, why);
    }
    bool map = node->kind == XD_TREE_MAP;
    xd_buffer_byte(out, map ? '{' : '[');
    enum xd_result result = write_children(node, values, out, why);
    xd_buffer_byte(out, map ? '}' : ']');
    return result;
}

enum xd_result xd_rest_write_body(const struct xd_tree_node *node, const struct xd_rest_values *values,
                                  struct xd_buffer *out, char why[XD_REST_WHY_SIZE]) {
    bool absent = false;
    return write_node(node, values, out, &absent, why);
}

/* ---- checking ---- */

static const char *const filter_names[] = {"number", "date", "negative", "null", NULL};

static bool is_filter(const char *name, const struct xd_tree_node *tables) {
    size_t index = 0;
    while (filter_names[index] != NULL && strcmp(filter_names[index], name) != 0) {
        index++;
    }
    return filter_names[index] != NULL || table_of(tables, name) != NULL;
}

static bool check_text(const char *text, const struct xd_tree_node *tables, bool line,
                       char why[XD_REST_WHY_SIZE]) {
    struct part part;
    bool wrong = false;
    while (take_part(&text, &part, &wrong)) {
        const char *filters = part.filters;
        char name[NAME_SIZE];
        if (part.literal != NULL) {
            continue;
        }
        enum field field = field_of(part.name);
        if (field == FIELD_COUNT || (field >= LINE_ID && !line)) {
            (void)snprintf(why, XD_REST_WHY_SIZE, "there is no field {%s}%s", part.name,
                           field == FIELD_COUNT ? "" : " but of a line, below \"{lines}\"");
            return false;
        }
        while (take_filter(&filters, name)) {
            if (!is_filter(name, tables)) {
                (void)snprintf(why, XD_REST_WHY_SIZE, "\"%s\" is neither a filter nor a table", name);
                return false;
            }
        }
    }
    if (wrong) {
        (void)snprintf(why, XD_REST_WHY_SIZE, "a brace without its partner: write {{ or }} for one");
    }
    return !wrong;
}

static const struct xd_tree_node *check_node(const struct xd_tree_node *node,
                                             const struct xd_tree_node *tables, bool line,
                                             char why[XD_REST_WHY_SIZE]) {
    if (node->kind == XD_TREE_SCALAR) {
        return check_text(node->text, tables, line, why) ? NULL : node;
    }
    if (is_for_lines(node)) {
        if (line) {
            (void)snprintf(why, XD_REST_WHY_SIZE, "lines have no lines");
            return node;
        }
        return check_node(node->children, tables, true, why);
    }
    for (const struct xd_tree_node *child = node->children; child != NULL; child = child->next) {
        const struct xd_tree_node *wrong = check_node(child, tables, line, why);
        if (wrong != NULL) {
            return wrong;
        }
        if (child->key != NULL && strcmp(child->key, LINES) == 0) {
            (void)snprintf(why, XD_REST_WHY_SIZE, "\"{lines}\" stands alone: the array is its parent");
            return child;
        }
    }
    return NULL;
}

const struct xd_tree_node *xd_rest_template_check(const struct xd_tree_node *node,
                                                  const struct xd_tree_node *tables, bool body,
                                                  char why[XD_REST_WHY_SIZE]) {
    if (!body && node->kind != XD_TREE_SCALAR) {
        (void)snprintf(why, XD_REST_WHY_SIZE, "must be a single value");
        return node;
    }
    return check_node(node, tables, false, why);
}

bool xd_rest_template_uses(const struct xd_tree_node *node, const char *field) {
    if (node == NULL) {
        return false;
    }
    if (node->kind == XD_TREE_SCALAR) {
        const char *text = node->text;
        struct part part;
        bool wrong = false;
        while (take_part(&text, &part, &wrong)) {
            if (part.literal == NULL && strcmp(part.name, field) == 0) {
                return true;
            }
        }
        return false;
    }
    for (const struct xd_tree_node *child = node->children; child != NULL; child = child->next) {
        if (xd_rest_template_uses(child, field)) {
            return true;
        }
    }
    return false;
}
