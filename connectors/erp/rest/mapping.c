/* Our members and their types are tables; a map is walked by them, so the output has our order. A member that
 * is not there is null; so is one of a document that the map does not name. One of reference data that it
 * does not name is left out: nobody says anything of it. */
#include "erp/rest/mapping.h"

#include "base/time.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 127 /* bytes of a name or description that others take */

enum type { TEXT, WORDS, DECIMAL, INTEGER, BOOLEAN, INSTANT, DATE, TEXTS, LINES, OBJECT };

struct member {
    const char *name;
    enum type type;
    bool needed;
    const struct member *members; /* LINES, OBJECT */
    const char *const *words;     /* TEXT: it is one of these; NULL: any */
};

static const char *const sale_states[] = {"draft", "open", "done", "cancelled", NULL};
static const char *const shipment_states[] = {"waiting", "done", "cancelled", NULL};
static const char *const invoice_states[] = {"draft", "posted", "paid", "cancelled", NULL};
static const char *const booleans[] = {"true", "false", NULL};

static const struct member customer_members[] = {
    {.name = "code", .type = TEXT, .needed = true},
    {.name = "name", .type = WORDS},
    {.name = "active", .type = BOOLEAN},
    {.name = "credit_limit", .type = DECIMAL},
    {.name = "currency", .type = TEXT},
    {.name = NULL},
};
static const struct member uom_members[] = {
    {.name = "uom", .type = TEXT, .needed = true},
    {.name = "num", .type = INTEGER, .needed = true},
    {.name = "den", .type = INTEGER},
    {.name = NULL},
};
static const struct member product_members[] = {
    {.name = "sku", .type = TEXT, .needed = true},
    {.name = "description", .type = WORDS},
    {.name = "base_uom", .type = TEXT, .needed = true},
    {.name = "price", .type = DECIMAL},
    {.name = "currency", .type = TEXT},
    {.name = "tax_pct", .type = DECIMAL},
    {.name = "active", .type = BOOLEAN},
    {.name = "lot_tracked", .type = BOOLEAN},
    {.name = "serial_tracked", .type = BOOLEAN},
    {.name = "uoms", .type = LINES, .members = uom_members},
    {.name = "gtins", .type = TEXTS},
    {.name = NULL},
};
static const struct member stock_members[] = {
    {.name = "site", .type = TEXT, .needed = true},
    {.name = "sku", .type = TEXT, .needed = true},
    {.name = "qty", .type = DECIMAL, .needed = true},
    {.name = NULL},
};
static const struct member party_members[] = {
    {.name = "id", .type = TEXT},       {.name = "name", .type = TEXT},
    {.name = "address", .type = TEXTS}, {.name = "city", .type = TEXT},
    {.name = "region", .type = TEXT},   {.name = "postal_code", .type = TEXT},
    {.name = "country", .type = TEXT},  {.name = "phone", .type = TEXT},
    {.name = "email", .type = TEXT},    {.name = NULL},
};
static const struct member sale_line_members[] = {
    {.name = "line_id", .type = TEXT, .needed = true},
    {.name = "sku", .type = TEXT, .needed = true},
    {.name = "uom", .type = TEXT},
    {.name = "qty", .type = DECIMAL, .needed = true},
    {.name = "base_qty", .type = DECIMAL},
    {.name = "unit_price", .type = DECIMAL},
    {.name = "shipped", .type = DECIMAL},
    {.name = "invoiced", .type = DECIMAL},
    {.name = NULL},
};
static const struct member sale_members[] = {
    {.name = "number", .type = TEXT, .needed = true},
    {.name = "reference", .type = TEXT, .needed = true},
    {.name = "state", .type = TEXT, .needed = true, .words = sale_states},
    {.name = "customer", .type = TEXT},
    {.name = "currency", .type = TEXT},
    {.name = "customer_po", .type = TEXT},
    {.name = "ordered_at", .type = INSTANT},
    {.name = "site", .type = TEXT},
    {.name = "ship_to", .type = OBJECT, .members = party_members},
    {.name = "lines", .type = LINES, .needed = true, .members = sale_line_members},
    {.name = NULL},
};
static const struct member shipment_line_members[] = {
    {.name = "line_id", .type = TEXT, .needed = true},
    {.name = "sku", .type = TEXT, .needed = true},
    {.name = "uom", .type = TEXT},
    {.name = "qty", .type = DECIMAL, .needed = true},
    {.name = "base_qty", .type = DECIMAL},
    {.name = "lot", .type = TEXT},
    {.name = NULL},
};
static const struct member shipment_members[] = {
    {.name = "number", .type = TEXT, .needed = true},
    {.name = "reference", .type = TEXT, .needed = true},
    {.name = "sale", .type = TEXT, .needed = true},
    {.name = "sale_reference", .type = TEXT},
    {.name = "site", .type = TEXT},
    {.name = "state", .type = TEXT, .needed = true, .words = shipment_states},
    {.name = "at", .type = INSTANT},
    {.name = "ship_by", .type = DATE},
    {.name = "lines", .type = LINES, .needed = true, .members = shipment_line_members},
    {.name = NULL},
};
static const struct member invoice_line_members[] = {
    {.name = "line_id", .type = TEXT, .needed = true},
    {.name = "sku", .type = TEXT},
    {.name = "base_qty", .type = DECIMAL, .needed = true},
    {.name = NULL},
};
static const struct member invoice_members[] = {
    {.name = "number", .type = TEXT, .needed = true},
    {.name = "sale", .type = TEXT, .needed = true},
    {.name = "sale_reference", .type = TEXT},
    {.name = "state", .type = TEXT, .needed = true, .words = invoice_states},
    {.name = "currency", .type = TEXT},
    {.name = "total", .type = DECIMAL},
    {.name = "lines", .type = LINES, .needed = true, .members = invoice_line_members},
    {.name = NULL},
};

static const struct member *const lists[XD_ERP_LIST_COUNT] = {
    [XD_ERP_CUSTOMERS] = customer_members, [XD_ERP_PRODUCTS] = product_members,
    [XD_ERP_STOCK] = stock_members,        [XD_ERP_SALES] = sale_members,
    [XD_ERP_SHIPMENTS] = shipment_members, [XD_ERP_INVOICES] = invoice_members,
};

static const struct xd_tree_node *child_of(const struct xd_tree_node *map, const char *key) {
    return map == NULL || map->kind != XD_TREE_MAP ? NULL : xd_tree_child(map, key, strlen(key));
}

static const char *text_of(const struct xd_tree_node *map, const char *key) {
    const struct xd_tree_node *child = child_of(map, key);
    return child != NULL && child->kind == XD_TREE_SCALAR ? child->text : NULL;
}

/* ---- checking ---- */

struct check {
    const struct xd_tree_node *tables, *wrong;
    char *why;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct check *check, const struct xd_tree_node *at,
                                                         const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(check->why, XD_REST_WHY_SIZE, format, arguments);
    va_end(arguments);
    check->wrong = at;
    return false;
}

static bool check_members(struct check *check, const struct xd_tree_node *map, const struct member *members);

static bool is_one_of(const char *name, const char *const *names) {
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

/* What the table, or the description itself, gives for it must be one of our words: a slip would be found by
 * the hub only, entry by entry. */
static bool check_word(struct check *check, const struct xd_tree_node *at, const struct member *member) {
    const char *const *words = member->type == BOOLEAN ? booleans : member->words;
    char list[64] = "";
    if (words == NULL || at == NULL || at->kind != XD_TREE_SCALAR || is_one_of(at->text, words)) {
        return true;
    }
    for (size_t i = 0, size = 0; words[i] != NULL && size < sizeof list; i++) {
        size += (size_t)snprintf(list + size, sizeof list - size, i == 0 ? "%s" : ", %s", words[i]);
    }
    return refuse(check, at, "%s: \"%.32s\" is none of %s", member->name, at->text, list);
}

static bool check_words(struct check *check, const struct xd_tree_node *node, const struct member *member) {
    const char *name = text_of(node, "table");
    const struct xd_tree_node *table = name == NULL ? NULL : child_of(check->tables, name);
    bool fine = check_word(check, child_of(node, "value"), member) &&
                (name != NULL || check_word(check, child_of(node, "default"), member));
    for (const struct xd_tree_node *row = table == NULL || table->kind != XD_TREE_MAP ? NULL
                                                                                      : table->children;
         fine && row != NULL; row = row->next) {
        fine = check_word(check, row, member);
    }
    return fine;
}

static bool check_keys(struct check *check, const struct xd_tree_node *node, const struct member *member) {
    static const char *const simple[] = {"path", "table", "default", "value", NULL};
    static const char *const nested[] = {"path", "map", NULL};
    bool is_nested = member->members != NULL;
    for (const struct xd_tree_node *child = node->children; child != NULL; child = child->next) {
        if (!is_one_of(child->key, is_nested ? nested : simple)) {
            return refuse(check, child, "%s: \"%s\" is not known here", member->name, child->key);
        }
        if (child->kind != XD_TREE_SCALAR && strcmp(child->key, "map") != 0) {
            return refuse(check, child, "%s: %s must be a single value", member->name, child->key);
        }
    }
    const char *table = text_of(node, "table");
    if (table != NULL && child_of(check->tables, table) == NULL) {
        return refuse(check, node, "%s: there is no table \"%s\"", member->name, table);
    }
    if (is_nested && child_of(node, "map") == NULL) {
        return refuse(check, node, "%s: needs a map", member->name);
    }
    if (!is_nested && text_of(node, "path") == NULL && text_of(node, "value") == NULL) {
        return refuse(check, node, "%s: needs a path or a value", member->name);
    }
    if ((member->type == LINES || member->type == TEXTS) && text_of(node, "path") == NULL) {
        return refuse(check, node, "%s: needs a path", member->name);
    }
    return is_nested ? check_members(check, child_of(node, "map"), member->members)
                     : check_words(check, node, member);
}

static bool check_member(struct check *check, const struct xd_tree_node *node, const struct member *member) {
    if (node->kind == XD_TREE_MAP) {
        return check_keys(check, node, member);
    }
    if (member->members != NULL) {
        return refuse(check, node, "%s: must be {path: ..., map: {...}}", member->name);
    }
    if (node->kind == XD_TREE_SCALAR) {
        return node->text[0] != '\0' || refuse(check, node, "%s: has no path", member->name);
    }
    for (const struct xd_tree_node *child = node->children; child != NULL; child = child->next) {
        if (member->type != TEXTS || child->kind != XD_TREE_SCALAR) {
            return refuse(check, child, "%s: must be one path", member->name);
        }
    }
    return true;
}

static bool check_members(struct check *check, const struct xd_tree_node *map, const struct member *members) {
    if (map->kind != XD_TREE_MAP) {
        return refuse(check, map, "a map is a section (indented keys)");
    }
    for (const struct member *member = members; member->name != NULL; member++) {
        if (member->needed && child_of(map, member->name) == NULL) {
            return refuse(check, map, "the map does not say where %s is", member->name);
        }
    }
    for (const struct xd_tree_node *child = map->children; child != NULL; child = child->next) {
        const struct member *member = members;
        while (member->name != NULL && strcmp(member->name, child->key) != 0) {
            member++;
        }
        if (member->name == NULL) {
            return refuse(check, child, "\"%s\" is no member of ours", child->key);
        }
        if (!check_member(check, child, member)) {
            return false;
        }
    }
    return true;
}

bool xd_rest_map_check(const struct xd_tree_node *map, enum xd_erp_list what,
                       const struct xd_tree_node *tables, const struct xd_tree_node **wrong,
                       char why[XD_REST_WHY_SIZE]) {
    struct check check = {.tables = tables, .why = why};
    bool fine = map != NULL ? check_members(&check, map, lists[what]) : refuse(&check, NULL, "has no map");
    *wrong = check.wrong;
    return fine;
}

/* ---- writing ---- */

/* What becomes of a member that is not there: left out, null where the map names it, null. */
enum nulls { NULLS_NONE, NULLS_MAPPED, NULLS_ALL };

struct work {
    const struct xd_tree_node *tables;
    struct xd_buffer *out;
};

static void write_members(const struct work *work, const struct xd_tree_node *map,
                          const struct member *members, enum nulls nulls, const struct xd_node *from);

static const char *path_of(const struct xd_tree_node *node) {
    return node->kind == XD_TREE_SCALAR ? node->text : text_of(node, "path");
}

/* What is meant, as text; "": it is not there, or empty. */
static const char *find_text(const struct work *work, const struct xd_tree_node *node,
                             const struct xd_node *from) {
    const char *fixed = text_of(node, "value");
    const char *table = text_of(node, "table");
    const char *text = fixed == NULL ? xd_node_scalar(xd_node_path(from, path_of(node))) : fixed;
    if (text == NULL || text[0] == '\0') {
        text = fixed == NULL ? text_of(node, "default") : NULL;
        return text != NULL ? text : "";
    }
    return fixed == NULL && table != NULL ? xd_rest_table(work->tables, table, text) : text;
}

static bool write_decimal(struct xd_buffer *out, const char *text, bool whole) {
    struct xd_decimal value;
    if (xd_node_decimal_of_text(text, &value) != XD_OK || (whole && value.scale != 0)) {
        return false;
    }
    xd_buffer_text(out, whole ? "" : "\"");
    xd_decimal_append(out, value);
    xd_buffer_text(out, whole ? "" : "\"");
    return true;
}

static bool write_boolean(struct xd_buffer *out, const char *text) {
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    bool no = strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
    if (yes || no) {
        xd_buffer_text(out, yes ? "true" : "false");
    }
    return yes || no;
}

/* An instant without an offset is taken for UTC, a date for its first moment. */
static bool write_instant(struct xd_buffer *out, const char *text) {
    char whole[48], written[XD_TIME_TEXT_MAX];
    xd_ms at;
    bool day = xd_date_check(text) == XD_OK;
    if (xd_time_parse(text, &at) != XD_OK) {
        (void)snprintf(whole, sizeof whole, "%.32s%s", text, day ? "T00:00:00Z" : "Z");
        whole[10] = whole[10] == ' ' ? 'T' : whole[10];
        if (strlen(text) < 10 || xd_time_parse(whole, &at) != XD_OK) {
            return false;
        }
    }
    xd_buffer_json(out, xd_time_write(at, written));
    return true;
}

static bool write_date(struct xd_buffer *out, const char *text) {
    char day[XD_DATE_TEXT_SIZE];
    (void)snprintf(day, sizeof day, "%s", text);
    if (xd_date_check(day) != XD_OK) {
        return false;
    }
    xd_buffer_json(out, day);
    return true;
}

static bool write_words(struct xd_buffer *out, const char *text) {
    char words[WORDS_MAX + 1];
    (void)snprintf(words, sizeof words, "%s", text);
    words[xd_utf8_prefix(xd_bytes_of_text(words))] = '\0';
    xd_text_make_printable(words);
    xd_buffer_json(out, words);
    return true;
}

static bool write_typed(struct xd_buffer *out, enum type type, const char *text) {
    switch (type) {
    case WORDS:
        return write_words(out, text);
    case DECIMAL:
    case INTEGER:
        return write_decimal(out, text, type == INTEGER);
    case BOOLEAN:
        return write_boolean(out, text);
    case INSTANT:
        return write_instant(out, text);
    case DATE:
        return write_date(out, text);
    default:
        xd_buffer_json(out, text);
        return true;
    }
}

static bool write_simple(const struct work *work, const struct member *member,
                         const struct xd_tree_node *node, const struct xd_node *from) {
    const char *text = find_text(work, node, from);
    return text[0] != '\0' && write_typed(work->out, member->type, text);
}

static void add_text(const struct work *work, const struct xd_node *value, size_t *count) {
    const char *text = xd_node_scalar(value);
    if (text != NULL && text[0] != '\0') {
        xd_buffer_text(work->out, (*count)++ > 0 ? "," : "");
        xd_buffer_json(work->out, text);
    }
}

static bool write_texts(const struct work *work, const struct xd_tree_node *node,
                        const struct xd_node *from) {
    size_t count = 0, before = work->out->size;
    xd_buffer_byte(work->out, '[');
    if (node->kind == XD_TREE_SEQUENCE) {
        for (const struct xd_tree_node *child = node->children; child != NULL; child = child->next) {
            add_text(work, xd_node_path(from, child->text), &count);
        }
    } else {
        const struct xd_node *array = xd_node_path(from, path_of(node));
        for (const struct xd_node *one = xd_node_at(array, 0); one != NULL; one = one->next) {
            add_text(work, one, &count);
        }
    }
    if (count == 0) {
        work->out->size = before;
        return false;
    }
    xd_buffer_byte(work->out, ']');
    return true;
}

static bool write_lines(const struct work *work, const struct member *member, const struct xd_tree_node *node,
                        enum nulls nulls, const struct xd_node *from) {
    const struct xd_node *array = xd_node_path(from, text_of(node, "path"));
    if (array == NULL || array->kind != XD_NODE_ARRAY) {
        return false;
    }
    const char *separator = "[";
    for (const struct xd_node *one = array->child; one != NULL; one = one->next) {
        xd_buffer_text(work->out, separator);
        write_members(work, child_of(node, "map"), member->members, nulls, one);
        separator = ",";
    }
    xd_buffer_text(work->out, separator[0] == '[' ? "[]" : "]");
    return true;
}

static bool write_object(const struct work *work, const struct member *member,
                         const struct xd_tree_node *node, const struct xd_node *from) {
    const char *path = text_of(node, "path");
    size_t before = work->out->size;
    if (path != NULL) {
        from = xd_node_path(from, path);
    }
    write_members(work, child_of(node, "map"), member->members, NULLS_NONE, from);
    if (work->out->size - before > 2) {
        return true;
    }
    work->out->size = before; /* {}: nothing of it is there */
    return false;
}

static bool write_value(const struct work *work, const struct member *member, const struct xd_tree_node *node,
                        enum nulls nulls, const struct xd_node *from) {
    switch (member->type) {
    case LINES:
        return write_lines(work, member, node, nulls, from);
    case OBJECT:
        return write_object(work, member, node, from);
    case TEXTS:
        return write_texts(work, node, from);
    default:
        return write_simple(work, member, node, from);
    }
}

static void write_members(const struct work *work, const struct xd_tree_node *map,
                          const struct member *members, enum nulls nulls, const struct xd_node *from) {
    struct xd_buffer *out = work->out;
    bool comma = false;
    xd_buffer_byte(out, '{');
    for (const struct member *member = members; member->name != NULL; member++) {
        const struct xd_tree_node *node = child_of(map, member->name);
        size_t before = out->size;
        xd_buffer_text(out, comma ? "," : "");
        xd_buffer_json(out, member->name);
        xd_buffer_byte(out, ':');
        if (node != NULL && write_value(work, member, node, nulls, from)) {
            comma = true;
        } else if (nulls == NULLS_ALL || (nulls == NULLS_MAPPED && node != NULL)) {
            xd_buffer_text(out, "null");
            comma = true;
        } else {
            out->size = before;
        }
    }
    xd_buffer_byte(out, '}');
}

void xd_rest_map_write(const struct xd_tree_node *map, enum xd_erp_list what,
                       const struct xd_tree_node *tables, const struct xd_node *entry,
                       struct xd_buffer *out) {
    struct work work = {.tables = tables, .out = out};
    write_members(&work, map, lists[what], what >= XD_ERP_SALES ? NULLS_ALL : NULLS_MAPPED, entry);
}
