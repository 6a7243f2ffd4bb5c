/* The table-driven reader.
 *
 * Each object's members are walked once and matched against its table; the
 * search starts behind the last match, so a document in the table's order costs
 * one comparison a member. What was seen is a bit set, the rest of the required
 * fields is missing.
 *
 * Where a value stands is a chain of frames on the stack; its JSON pointer is
 * only written when there is something to report. Recursion follows the tables,
 * never the document, so its depth is ours. */
#include "documents/schema.h"

#include "base/id.h"

#include <stdio.h>
#include <string.h>

#define INTEGER_MAX 2147483647.0
#define INTEGER_WIDE_MAX 9007199254740991.0 /* 2^53 - 1: every whole number up to it is exact in a double */
#define ENUM_LIST_SIZE 128

struct place {
    const struct place *up; /* NULL: the document itself */
    const char *name;       /* NULL: an element of an array */
    size_t index;
};

struct reader {
    struct xd_document *document;
    struct xd_problems *problems;
    enum xd_unknown unknown;
    bool no_memory;
};

struct pointer {
    char text[XD_POINTER_SIZE];
    size_t size;
};

static void pointer_byte(struct pointer *pointer, char byte) {
    if (pointer->size < sizeof pointer->text - 1) {
        pointer->text[pointer->size++] = byte;
    }
}

static void pointer_name(struct pointer *pointer, const char *name) {
    for (; *name != '\0' && pointer->size < sizeof pointer->text - 1; name++) {
        if (*name == '~' || *name == '/') {
            pointer_byte(pointer, '~');
            pointer_byte(pointer, *name == '~' ? '0' : '1');
        } else {
            pointer_byte(pointer, *name);
        }
    }
}

static void pointer_write(struct pointer *pointer, const struct place *at) {
    if (at->up == NULL) {
        return;
    }
    pointer_write(pointer, at->up);
    pointer_byte(pointer, '/');
    if (at->name != NULL) {
        pointer_name(pointer, at->name);
    } else {
        char index[24];
        (void)snprintf(index, sizeof index, "%zu", at->index);
        pointer_name(pointer, index);
    }
}

static const char *pointer_text(struct pointer *pointer, const struct place *at) {
    pointer->size = 0;
    pointer_write(pointer, at);
    pointer->text[pointer->size] = '\0';
    return pointer->text;
}

/* A problem at a place; the pointer is written here and nowhere else. */
#define REPORT(reader, at, code, ...)                                                                        \
    do {                                                                                                     \
        struct pointer pointer_;                                                                             \
        xd_problem_add((reader)->problems, (code), pointer_text(&pointer_, (at)), __VA_ARGS__);              \
    } while (0)

static void *slot(void *base, size_t offset) {
    return offset == XD_NO_OFFSET ? NULL : (char *)base + offset;
}

static void keep_text(void *base, size_t offset, const char *text) {
    const char **kept = slot(base, offset);
    if (kept != NULL) {
        *kept = text;
    }
}

static void keep_true(void *base, size_t offset) {
    bool *kept = slot(base, offset);
    if (kept != NULL) {
        *kept = true;
    }
}

static const char *type_name(const cJSON *value) {
    switch (value->type & 0xFF) {
    case cJSON_NULL:
        return "null";
    case cJSON_False:
    case cJSON_True:
        return "true or false";
    case cJSON_Number:
        return "a number";
    case cJSON_String:
        return "text";
    case cJSON_Array:
        return "a list";
    default:
        return "an object";
    }
}

static bool is_type(struct reader *reader, const struct place *at, const cJSON *value, int types,
                    const char *wanted) {
    if ((value->type & types) != 0) {
        return true;
    }
    REPORT(reader, at, "wrong_type", "must be %s, but is %s%s", wanted, type_name(value),
           cJSON_IsNull(value) ? " (leave the member out instead)" : "");
    return false;
}

/* ---- single values ---- */

static void read_text(struct reader *reader, const struct place *at, const struct xd_field *field,
                      const cJSON *value, void *base) {
    if (!is_type(reader, at, value, cJSON_String, "text")) {
        return;
    }
    bool id = field->type == XD_FIELD_ID;
    const unsigned char *text = (const unsigned char *)value->valuestring;
    unsigned char least = id ? '!' : ' ';
    size_t size = 0;
    bool bad = false;
    for (; text[size] != '\0'; size++) {
        bad = bad || text[size] < least || text[size] == 0x7F || (id && text[size] > '~');
    }
    size_t max = field->max == 0 ? XD_TEXT_MAX : field->max;
    size_t min = id && field->min == 0 ? 1 : field->min;
    if (size < min) {
        REPORT(reader, at, "empty", "must have at least %zu character%s", min, min == 1 ? "" : "s");
    } else if (size > max) {
        REPORT(reader, at, "too_long", "has %zu bytes, %zu are allowed", size, max);
    } else if (bad) {
        REPORT(reader, at, "bad_character", "%s",
               id ? "may hold printable ASCII characters without spaces only"
                  : "must not hold control characters");
    } else {
        keep_text(base, field->offset, value->valuestring);
    }
}

static bool is_capitals(const char *text, size_t count) {
    size_t size = 0;
    while (text[size] >= 'A' && text[size] <= 'Z') {
        size++;
    }
    return text[size] == '\0' && size == count;
}

/* Text of a form that a function checks. */
static void read_formed(struct reader *reader, const struct place *at, const struct xd_field *field,
                        const cJSON *value, void *base) {
    if (!is_type(reader, at, value, cJSON_String, "text")) {
        return;
    }
    const char *text = value->valuestring;
    const char *code;
    const char *form;
    bool good;
    if (field->type == XD_FIELD_DATE) {
        good = xd_date_check(text) == XD_OK;
        code = "bad_date";
        form = "must be a date of the calendar like 2026-11-23";
    } else if (field->type == XD_FIELD_SITE) {
        good = xd_site_name_valid(text);
        code = "bad_site";
        form = "must be a site's name: 1 to 32 of A-Z, 0-9, _ and -";
    } else if (field->type == XD_FIELD_CURRENCY) {
        good = is_capitals(text, 3);
        code = "bad_currency";
        form = "must be a currency's three capitals (ISO 4217) like EUR";
    } else {
        good = is_capitals(text, 2);
        code = "bad_country";
        form = "must be a country's two capitals (ISO 3166-1) like GB";
    }
    if (good) {
        keep_text(base, field->offset, text);
    } else {
        char excerpt[XD_EXCERPT_SIZE];
        REPORT(reader, at, code, "%s, not \"%s\"", form, xd_problem_excerpt(text, excerpt));
    }
}

static void read_time(struct reader *reader, const struct place *at, const struct xd_field *field,
                      const cJSON *value, void *base) {
    if (!is_type(reader, at, value, cJSON_String, "text (a time)")) {
        return;
    }
    xd_ms time;
    if (xd_time_parse(value->valuestring, &time) != XD_OK) {
        char excerpt[XD_EXCERPT_SIZE];
        REPORT(reader, at, "bad_time",
               "must be a time with its offset from UTC like 2026-11-23T10:00:00+01:00, not \"%s\"",
               xd_problem_excerpt(value->valuestring, excerpt));
        return;
    }
    xd_ms *kept = slot(base, field->offset);
    if (kept != NULL) {
        *kept = time;
    }
    keep_text(base, field->offset2, value->valuestring);
}

static void read_decimal(struct reader *reader, const struct place *at, const struct xd_field *field,
                         const cJSON *value, void *base) {
    if (cJSON_IsNumber(value)) {
        REPORT(reader, at, "bad_decimal",
               "is a number; quantities and amounts are text, so write \"%.15g\" in quotes",
               value->valuedouble);
        return;
    }
    if (!is_type(reader, at, value, cJSON_String, "a decimal as text like \"12.5\"")) {
        return;
    }
    const char *text = value->valuestring;
    struct xd_decimal decimal;
    if (xd_decimal_parse(text, &decimal) != XD_OK) {
        char excerpt[XD_EXCERPT_SIZE];
        REPORT(
            reader, at, "bad_decimal",
            "must be a decimal like \"12.5\" with at most 18 digits, 12 of them behind the point, not \"%s\"",
            xd_problem_excerpt(text, excerpt));
    } else if (field->type == XD_FIELD_QUANTITY && text[0] == '-') {
        REPORT(reader, at, "negative_quantity", "must not be negative");
    } else if (field->type == XD_FIELD_PRICE && text[0] == '-') {
        REPORT(reader, at, "negative_price", "must not be negative");
    } else if (field->type == XD_FIELD_QUANTITY && field->min > 0 && xd_decimal_is_zero(decimal)) {
        REPORT(reader, at, "zero_quantity", "must be more than 0");
    } else {
        struct xd_decimal *kept = slot(base, field->offset);
        if (kept != NULL) {
            *kept = decimal;
        }
        keep_true(base, field->offset2);
    }
}

static void read_integer(struct reader *reader, const struct place *at, const struct xd_field *field,
                         const cJSON *value, void *base) {
    if (!is_type(reader, at, value, cJSON_Number, "a whole number")) {
        return;
    }
    double number = value->valuedouble;
    double max = field->max == 0                 ? INTEGER_MAX
                 : field->max == XD_INTEGER_WIDE ? INTEGER_WIDE_MAX
                                                 : field->max;
    if (!(number >= field->min && number <= max)) {
        REPORT(reader, at, "out_of_range", "must be from %u to %.0f", (unsigned)field->min, max);
        return;
    }
    int64_t whole = (int64_t)number;
    if ((double)whole < number) {
        REPORT(reader, at, "wrong_type", "must be a whole number");
        return;
    }
    int64_t *kept = slot(base, field->offset);
    if (kept != NULL) {
        *kept = whole;
    }
}

static void read_u64(struct reader *reader, const struct place *at, const struct xd_field *field,
                     const cJSON *value, void *base) {
    uint64_t number = 0;
    if (!is_type(reader, at, value, cJSON_String, "a whole number as text")) {
        return;
    }
    if (xd_schema_parse_u64(value->valuestring, &number) != XD_OK || number < field->min) {
        REPORT(reader, at, "out_of_range",
               "must be a whole number as text, from \"%u\" to \"18446744073709551615\"",
               (unsigned)field->min);
        return;
    }
    uint64_t *kept = slot(base, field->offset);
    if (kept != NULL) {
        *kept = number;
    }
    keep_true(base, field->offset2);
}

static void read_hash(struct reader *reader, const struct place *at, const struct xd_field *field,
                      const cJSON *value, void *base) {
    struct xd_hash hash;
    if (!is_type(reader, at, value, cJSON_String, "a hash as text")) {
        return;
    }
    if (xd_hash_parse(value->valuestring, &hash) != XD_OK) {
        REPORT(reader, at, "bad_character", "must be a hash: 64 hexadecimal digits");
        return;
    }
    struct xd_hash *kept = slot(base, field->offset);
    if (kept != NULL) {
        *kept = hash;
    }
    keep_true(base, field->offset2);
}

static void read_boolean(struct reader *reader, const struct place *at, const struct xd_field *field,
                         const cJSON *value, void *base) {
    if (!is_type(reader, at, value, cJSON_True | cJSON_False, "true or false")) {
        return;
    }
    bool *kept = slot(base, field->offset);
    if (kept != NULL) {
        *kept = cJSON_IsTrue(value);
    }
}

static void report_enum(struct reader *reader, const struct place *at, const char *const *names,
                        const char *text) {
    char list[ENUM_LIST_SIZE] = "";
    size_t size = 0;
    for (size_t i = 0; names[i] != NULL && size < sizeof list; i++) {
        size += (size_t)snprintf(list + size, sizeof list - size, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    char excerpt[XD_EXCERPT_SIZE];
    REPORT(reader, at, "bad_enum", "must be one of %s, not \"%s\"", list, xd_problem_excerpt(text, excerpt));
}

static void read_enum(struct reader *reader, const struct place *at, const struct xd_field *field,
                      const cJSON *value, void *base) {
    if (!is_type(reader, at, value, cJSON_String, "text")) {
        return;
    }
    for (int i = 0; field->names[i] != NULL; i++) {
        if (strcmp(field->names[i], value->valuestring) == 0) {
            int *kept = slot(base, field->offset);
            if (kept != NULL) {
                *kept = i;
            }
            return;
        }
    }
    report_enum(reader, at, field->names, value->valuestring);
}

/* ---- objects and arrays ---- */

static void read_members(struct reader *reader, const struct place *at, const struct xd_field *fields,
                         const cJSON *object, void *base);

static void read_any(struct reader *reader, const struct place *at, const struct xd_field *field,
                     const cJSON *value, void *base) {
    int types = field->max == 0 ? 0xFF : (int)field->max;
    if (!is_type(reader, at, value, types, types == cJSON_Array ? "a list" : "an object")) {
        return;
    }
    const cJSON **kept = slot(base, field->offset);
    if (kept != NULL) {
        *kept = value;
    }
    if (field->fields == NULL) {
        return;
    }
    if (cJSON_IsObject(value)) {
        read_members(reader, at, field->fields, value, NULL);
    }
    struct place place = {at, NULL, 0};
    for (const cJSON *element = cJSON_IsArray(value) ? value->child : NULL; element != NULL;
         element = element->next, place.index++) {
        if (cJSON_IsObject(element)) {
            read_members(reader, &place, field->fields, element, NULL);
        }
    }
}

static void read_object(struct reader *reader, const struct place *at, const struct xd_field *field,
                        const cJSON *value, void *base) {
    if (is_type(reader, at, value, cJSON_Object, "an object")) {
        keep_true(base, field->offset2);
        read_members(reader, at, field->fields, value, slot(base, field->offset));
    }
}

/* The zeroed memory for an array of `size` bytes each, or NULL: too many, too few, none, or no memory. */
static void *array_begin(struct reader *reader, const struct place *at, const struct xd_field *field,
                         const cJSON *value, size_t size, size_t *count) {
    if (!is_type(reader, at, value, cJSON_Array, "a list")) {
        return NULL;
    }
    size_t found = 0;
    for (const cJSON *element = value->child; element != NULL; element = element->next) {
        found++;
    }
    if (found < field->min) {
        REPORT(reader, at, "too_few", "has %zu elements, %u are needed", found, (unsigned)field->min);
        return NULL;
    }
    if (found > field->max) {
        REPORT(reader, at, "too_many", "has %zu elements, %u are allowed", found, (unsigned)field->max);
        return NULL;
    }
    if (found == 0) {
        return NULL;
    }
    void *memory = xd_document_alloc(reader->document, found * size);
    reader->no_memory = reader->no_memory || memory == NULL;
    *count = found;
    return memory;
}

static void array_keep(const struct xd_field *field, void *base, size_t count) {
    size_t *kept = slot(base, field->offset2);
    if (kept != NULL) {
        *kept = count;
    }
}

static void set_defaults(const struct xd_field *fields, void *base);

static void read_array(struct reader *reader, const struct place *at, const struct xd_field *field,
                       const cJSON *value, void *base) {
    size_t count = 0;
    char *elements = array_begin(reader, at, field, value, field->element_size, &count);
    if (elements == NULL) {
        return;
    }
    struct place place = {at, NULL, 0};
    for (const cJSON *element = value->child; element != NULL; element = element->next, place.index++) {
        void *into = elements + place.index * field->element_size;
        set_defaults(field->fields, into);
        if (is_type(reader, &place, element, cJSON_Object, "an object")) {
            read_members(reader, &place, field->fields, element, into);
        }
    }
    void **kept = slot(base, field->offset);
    if (kept != NULL) {
        *kept = elements;
    }
    array_keep(field, base, count);
}

static void read_texts(struct reader *reader, const struct place *at, const struct xd_field *field,
                       const cJSON *value, void *base) {
    static const struct xd_field plain = {.type = XD_FIELD_TEXT, .min = 1};
    size_t count = 0;
    const char **texts = array_begin(reader, at, field, value, sizeof *texts, &count);
    if (texts == NULL) {
        return;
    }
    struct xd_field each = field->fields != NULL ? field->fields[0] : plain;
    each.offset = 0;
    struct place place = {at, NULL, 0};
    for (const cJSON *element = value->child; element != NULL; element = element->next, place.index++) {
        texts[place.index] = "";
        read_text(reader, &place, &each, element, &texts[place.index]);
    }
    const char ***kept = slot(base, field->offset);
    if (kept != NULL) {
        *kept = texts;
    }
    array_keep(field, base, count);
}

static void read_value(struct reader *reader, const struct place *at, const struct xd_field *field,
                       const cJSON *value, void *base) {
    typedef void read_function(struct reader *, const struct place *, const struct xd_field *, const cJSON *,
                               void *);
    static read_function *const by_type[] = {
        [XD_FIELD_TEXT] = read_text,       [XD_FIELD_ID] = read_text,
        [XD_FIELD_DECIMAL] = read_decimal, [XD_FIELD_QUANTITY] = read_decimal,
        [XD_FIELD_PRICE] = read_decimal,   [XD_FIELD_INTEGER] = read_integer,
        [XD_FIELD_BOOLEAN] = read_boolean, [XD_FIELD_ENUM] = read_enum,
        [XD_FIELD_TIME] = read_time,       [XD_FIELD_DATE] = read_formed,
        [XD_FIELD_OBJECT] = read_object,   [XD_FIELD_ARRAY] = read_array,
        [XD_FIELD_TEXTS] = read_texts,     [XD_FIELD_ANY] = read_any,
        [XD_FIELD_U64] = read_u64,         [XD_FIELD_HASH] = read_hash,
        [XD_FIELD_SITE] = read_formed,     [XD_FIELD_CURRENCY] = read_formed,
        [XD_FIELD_COUNTRY] = read_formed,
    };
    by_type[field->type](reader, at, field, value, base);
}

static bool same_name(const char *a, const char *b) {
    return a[0] == b[0] && strcmp(a, b) == 0;
}

/* The field of that name, or NULL. *from is where to look first; it moves behind the match. */
static const struct xd_field *find_field(const struct xd_field *fields, const char *name, size_t *from) {
    size_t index = *from;
    for (; fields[index].name != NULL; index++) {
        if (same_name(fields[index].name, name)) {
            *from = index + 1;
            return &fields[index];
        }
    }
    for (index = 0; index < *from; index++) {
        if (same_name(fields[index].name, name)) {
            *from = index + 1;
            return &fields[index];
        }
    }
    return NULL;
}

/* Members that any document may carry at its top. */
static const struct xd_field any_document[] = {
    {.name = "schema_version", .type = XD_FIELD_INTEGER, .min = 1, .max = 1, XD_UNKEPT},
    {.name = "$schema", .type = XD_FIELD_TEXT, XD_UNKEPT},
    {.name = "content_hash", .type = XD_FIELD_TEXT, XD_UNKEPT},
    {.name = NULL},
};

static void read_unknown(struct reader *reader, const struct place *at, const cJSON *value) {
    size_t from = 0;
    const struct xd_field *field = at->up->up == NULL ? find_field(any_document, at->name, &from) : NULL;
    if (field != NULL) {
        read_value(reader, at, field, value, NULL);
        return;
    }
    if (reader->unknown == XD_UNKNOWN_REFUSED) {
        REPORT(reader, at, "unknown_member", "is not known here; what is your own goes into attributes");
    } else if (reader->unknown == XD_UNKNOWN_REPORTED) {
        struct pointer pointer;
        xd_problem_warn(reader->problems, "unknown_member", pointer_text(&pointer, at),
                        "is not known here and is only kept");
    }
}

static void read_members(struct reader *reader, const struct place *at, const struct xd_field *fields,
                         const cJSON *object, void *base) {
    uint64_t seen = 0;
    size_t from = 0;
    struct place place = {at, NULL, 0};
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        place.name = member->string;
        const struct xd_field *field = find_field(fields, member->string, &from);
        if (field == NULL) {
            read_unknown(reader, &place, member);
            continue;
        }
        seen |= UINT64_C(1) << (field - fields);
        read_value(reader, &place, field, member, base);
    }
    for (size_t i = 0; fields[i].name != NULL; i++) {
        if (fields[i].required && (seen >> i & 1) == 0) {
            place.name = fields[i].name;
            REPORT(reader, &place, "missing_member", "is missing");
        }
    }
}

static size_t kept_size(enum xd_field_type type) {
    switch (type) {
    case XD_FIELD_DECIMAL:
    case XD_FIELD_QUANTITY:
    case XD_FIELD_PRICE:
        return sizeof(struct xd_decimal);
    case XD_FIELD_INTEGER:
    case XD_FIELD_TIME:
    case XD_FIELD_U64:
        return sizeof(int64_t);
    case XD_FIELD_BOOLEAN:
        return sizeof(bool);
    case XD_FIELD_ENUM:
        return sizeof(int);
    case XD_FIELD_HASH:
        return sizeof(struct xd_hash);
    case XD_FIELD_OBJECT:
        return 0; /* its fields are cleared one by one */
    default:
        return sizeof(void *);
    }
}

static size_t kept_size2(enum xd_field_type type) {
    switch (type) {
    case XD_FIELD_ARRAY:
    case XD_FIELD_TEXTS:
        return sizeof(size_t);
    case XD_FIELD_TIME:
        return sizeof(const char *);
    case XD_FIELD_DECIMAL:
    case XD_FIELD_QUANTITY:
    case XD_FIELD_PRICE:
    case XD_FIELD_U64:
    case XD_FIELD_HASH:
    case XD_FIELD_OBJECT:
        return sizeof(bool);
    default:
        return 0; /* uses no second offset */
    }
}

static void clear_fields(const struct xd_field *fields, void *base) {
    for (; fields->name != NULL; fields++) {
        void *first = slot(base, fields->offset);
        void *second = kept_size2(fields->type) > 0 ? slot(base, fields->offset2) : NULL;
        if (fields->type == XD_FIELD_OBJECT) {
            clear_fields(fields->fields, first);
        } else if (first != NULL) {
            memset(first, 0, kept_size(fields->type));
        }
        if (second != NULL) {
            memset(second, 0, kept_size2(fields->type));
        }
    }
}

/* What is absent and not zero: enumerations. */
static void set_defaults(const struct xd_field *fields, void *base) {
    for (; fields->name != NULL; fields++) {
        void *kept = slot(base, fields->offset);
        if (fields->type == XD_FIELD_OBJECT) {
            set_defaults(fields->fields, kept);
        } else if (fields->type == XD_FIELD_ENUM && kept != NULL) {
            *(int *)kept = -1;
        }
    }
}

bool xd_schema_is_id(const char *text) {
    size_t size = 0;
    while (text != NULL && size <= XD_ID_MAX && text[size] >= '!' && text[size] <= '~') {
        size++;
    }
    return size > 0 && size <= XD_ID_MAX && text[size] == '\0';
}

enum xd_result xd_schema_parse_u64(const char *text, uint64_t *out) {
    if (text[0] < '0' || text[0] > '9' || (text[0] == '0' && text[1] != '\0')) {
        return XD_INVALID;
    }
    uint64_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return XD_INVALID;
        }
        value = value * 10 + digit;
    }
    if (*text != '\0') {
        return XD_INVALID;
    }
    *out = value;
    return XD_OK;
}

enum xd_result xd_schema_read(struct xd_document *document, const cJSON *tree, const struct xd_field *fields,
                              enum xd_unknown unknown, void *out, struct xd_problems *problems) {
    struct reader reader = {document, problems, unknown, false};
    struct place top = {NULL, NULL, 0};
    size_t errors = problems->errors;
    clear_fields(fields, out);
    set_defaults(fields, out);
    if (!cJSON_IsObject(tree)) {
        xd_problem_add(problems, "not_an_object", "", "a document is a JSON object: {...}");
        return XD_INVALID;
    }
    read_members(&reader, &top, fields, tree, out);
    if (reader.no_memory) {
        return XD_NO_MEMORY;
    }
    return problems->errors > errors ? XD_INVALID : XD_OK;
}
