/* Both schemas are walked side by side. What is absent stands for what allows
 * everything, so that a keyword that comes narrows and one that goes widens.
 *
 * References within the file are followed ($defs change their place freely); the
 * walk ends at DEPTH_MAX, which only a schema that contains itself reaches. */
#include "documents/schema_diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 20u
#define HOPS_MAX 16u /* from reference to reference */

struct walk {
    const cJSON *roots[2]; /* before, after */
    struct xd_schema_changes *out;
};

struct place {
    const struct place *up; /* NULL: the document */
    const char *name;
    unsigned depth;
};

/* ---- telling ---- */

static size_t write_place(const struct place *at, char *text, size_t size) {
    if (at->up == NULL) {
        return 0;
    }
    size_t used = write_place(at->up, text, size);
    int more = used < size ? snprintf(text + used, size - used, "/%s", at->name) : 0;
    return more > 0 ? used + (size_t)more : used;
}

static void tell(const struct walk *walk, const struct place *at, bool breaking, const char *what,
                 const char *detail, ...) __attribute__((format(printf, 5, 6)));

static void tell(const struct walk *walk, const struct place *at, bool breaking, const char *what,
                 const char *detail, ...) {
    struct xd_schema_changes *out = walk->out;
    out->breaking += breaking ? 1 : 0;
    if (out->count == XD_SCHEMA_CHANGES_MAX) {
        out->dropped++;
        return;
    }
    struct xd_schema_change *change = &out->items[out->count++];
    va_list arguments;
    memset(change, 0, sizeof *change);
    (void)write_place(at, change->place, sizeof change->place);
    change->what = what;
    change->breaking = breaking;
    va_start(arguments, detail);
    (void)vsnprintf(change->detail, sizeof change->detail, detail, arguments);
    va_end(arguments);
}

/* ---- reading a schema ---- */

static const cJSON *member(const cJSON *schema, const char *name) {
    return cJSON_IsObject(schema) ? cJSON_GetObjectItemCaseSensitive(schema, name) : NULL;
}

/* The schema that "#/$defs/name" means within root; NULL: elsewhere, or nothing there. */
static const cJSON *referred(const cJSON *root, const char *reference) {
    char name[128];
    if (reference[0] != '#') {
        return NULL;
    }
    const cJSON *at = root;
    for (reference++; *reference == '/' && at != NULL;) {
        size_t size = strcspn(++reference, "/");
        if (size >= sizeof name) {
            return NULL;
        }
        memcpy(name, reference, size);
        name[size] = '\0';
        at = member(at, name);
        reference += size;
    }
    return at;
}

/* Follows references; `foreign` is one that leads out of the file, or NULL. */
static const cJSON *follow(const cJSON *root, const cJSON *schema, const char **foreign) {
    *foreign = NULL;
    for (unsigned hops = 0; hops < HOPS_MAX; hops++) {
        const char *reference = xd_json_text(schema, "$ref");
        const cJSON *next = reference != NULL ? referred(root, reference) : NULL;
        if (next == NULL) {
            *foreign = reference;
            return schema;
        }
        schema = next;
    }
    return schema;
}

static bool holds(const cJSON *list, const cJSON *value) {
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        if (cJSON_Compare(item, value, true)) {
            return true;
        }
    }
    return false;
}

/* ---- type ---- */

static const char *const type_names[] = {"null",   "boolean", "integer", "number",
                                         "string", "array",   "object",  NULL};
#define TYPE_INTEGER (1u << 2)
#define TYPE_NUMBER (1u << 3)
#define TYPES_ALL 0x7fu

static unsigned type_bit(const cJSON *name) {
    for (unsigned index = 0; cJSON_IsString(name) && type_names[index] != NULL; index++) {
        if (strcmp(type_names[index], name->valuestring) == 0) {
            return 1u << index;
        }
    }
    return 0;
}

static unsigned types_of(const cJSON *schema) {
    const cJSON *type = member(schema, "type");
    unsigned bits = type_bit(type);
    if (type == NULL) {
        return TYPES_ALL;
    }
    for (const cJSON *name = cJSON_IsArray(type) ? type->child : NULL; name != NULL; name = name->next) {
        bits |= type_bit(name);
    }
    return (bits & TYPE_NUMBER) != 0 ? bits | TYPE_INTEGER : bits;
}

static const char *types_text(unsigned bits, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    if (bits == TYPES_ALL) {
        return "anything";
    }
    for (unsigned index = 0; type_names[index] != NULL; index++) {
        bool within =
            (bits & (1u << index)) != 0 && (1u << index != TYPE_INTEGER || (bits & TYPE_NUMBER) == 0);
        if (within && used < size) {
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? " or " : "", type_names[index]);
        }
    }
    return text;
}

static void compare_types(const struct walk *walk, const struct place *at, const cJSON *before,
                          const cJSON *after) {
    char old[64], new[64];
    unsigned was = types_of(before), is = types_of(after);
    if (was != is) {
        bool narrowed = (was & ~is) != 0;
        tell(walk, at, narrowed, narrowed ? "type_narrowed" : "type_widened", "is %s, was %s",
             types_text(is, new, sizeof new), types_text(was, old, sizeof old));
    }
}

/* ---- enum and const: a const is an enum of one ---- */

static bool is_listed(const cJSON *schema) {
    return member(schema, "enum") != NULL || member(schema, "const") != NULL;
}

static bool lists(const cJSON *schema, const cJSON *value) {
    const cJSON *list = member(schema, "enum"), *only = member(schema, "const");
    return (list != NULL && holds(list, value)) || (only != NULL && cJSON_Compare(only, value, true));
}

/* How many of the values that schema lists the other one does not. */
static size_t count_unlisted(const cJSON *schema, const cJSON *other) {
    const cJSON *list = member(schema, "enum"), *only = member(schema, "const");
    size_t count = only != NULL && !lists(other, only) ? 1 : 0;
    for (const cJSON *value = list != NULL ? list->child : NULL; value != NULL; value = value->next) {
        count += lists(other, value) ? 0 : 1;
    }
    return count;
}

static void compare_values(const struct walk *walk, const struct place *at, const cJSON *before,
                           const cJSON *after) {
    bool was = is_listed(before), is = is_listed(after);
    size_t gone = was && is ? count_unlisted(before, after) : 0;
    if (is && !was) {
        tell(walk, at, true, "enum_narrowed", "only the values that are listed are allowed now");
    } else if (gone > 0) {
        tell(walk, at, true, "enum_narrowed", "%zu of its values %s gone", gone, gone == 1 ? "is" : "are");
    }
    if (was && (!is || count_unlisted(after, before) > 0)) {
        tell(walk, at, false, "enum_widened", "other values are allowed too");
    }
}

/* ---- limits ---- */

static void compare_limit(const struct walk *walk, const struct place *at, const char *name, bool upper,
                          const cJSON *before, const cJSON *after) {
    const cJSON *was = member(before, name), *is = member(after, name);
    bool had = cJSON_IsNumber(was), has = cJSON_IsNumber(is);
    if (!had && !has) {
        return;
    }
    double from = had ? was->valuedouble : 0, to = has ? is->valuedouble : 0;
    if (!had) {
        tell(walk, at, true, "limit_narrowed", "%s is %.15g, there was none", name, to);
    } else if (!has) {
        tell(walk, at, false, "limit_widened", "%s is gone, was %.15g", name, from);
    } else if (from < to || from > to) {
        bool narrowed = upper ? to < from : to > from;
        tell(walk, at, narrowed, narrowed ? "limit_narrowed" : "limit_widened", "%s is %.15g, was %.15g",
             name, to, from);
    }
}

static void compare_limits(const struct walk *walk, const struct place *at, const cJSON *before,
                           const cJSON *after) {
    static const struct {
        const char *name;
        bool upper;
    } limits[] = {{"minimum", false},         {"exclusiveMinimum", false}, {"maximum", true},
                  {"exclusiveMaximum", true}, {"minLength", false},        {"maxLength", true},
                  {"minItems", false},        {"maxItems", true},          {"minProperties", false},
                  {"maxProperties", true}};
    for (size_t index = 0; index < sizeof limits / sizeof limits[0]; index++) {
        compare_limit(walk, at, limits[index].name, limits[index].upper, before, after);
    }
}

/* ---- what is equal or not ---- */

static void compare_rules(const struct walk *walk, const struct place *at, const cJSON *before,
                          const cJSON *after) {
    static const char *const rules[] = {"pattern",
                                        "format",
                                        "multipleOf",
                                        "not",
                                        "if",
                                        "then",
                                        "else",
                                        "contains",
                                        "dependentRequired",
                                        "dependentSchemas",
                                        "patternProperties",
                                        "propertyNames",
                                        "prefixItems",
                                        "unevaluatedProperties",
                                        "unevaluatedItems"};
    for (size_t index = 0; index < sizeof rules / sizeof rules[0]; index++) {
        const cJSON *was = member(before, rules[index]), *is = member(after, rules[index]);
        if (is != NULL && (was == NULL || !cJSON_Compare(was, is, true))) {
            tell(walk, at, true, "rule_changed", "%s is %s", rules[index],
                 was == NULL ? "new" : "another one");
        } else if (was != NULL && is == NULL) {
            tell(walk, at, false, "rule_removed", "%s is gone", rules[index]);
        }
    }
    bool was_unique = cJSON_IsTrue(member(before, "uniqueItems"));
    bool is_unique = cJSON_IsTrue(member(after, "uniqueItems"));
    if (was_unique != is_unique) {
        tell(walk, at, is_unique, is_unique ? "rule_changed" : "rule_removed", "uniqueItems is %s",
             is_unique ? "new" : "gone");
    }
}

/* ---- members and elements ---- */

static void compare(const struct walk *walk, const struct place *at, const cJSON *before, const cJSON *after);

static void compare_within(const struct walk *walk, const struct place *up, const char *name,
                           const cJSON *before, const cJSON *after) {
    struct place at = {up, name, up->depth + 1};
    compare(walk, &at, before, after);
}

static void compare_required(const struct walk *walk, const struct place *up, const cJSON *before,
                             const cJSON *after) {
    const cJSON *was = member(before, "required"), *is = member(after, "required");
    for (const cJSON *name = is != NULL ? is->child : NULL; name != NULL; name = name->next) {
        struct place at = {up, cJSON_IsString(name) ? name->valuestring : "?", up->depth + 1};
        if (was == NULL || !holds(was, name)) {
            tell(walk, &at, true, "required_added", "must be there now");
        }
    }
    for (const cJSON *name = was != NULL ? was->child : NULL; name != NULL; name = name->next) {
        struct place at = {up, cJSON_IsString(name) ? name->valuestring : "?", up->depth + 1};
        if (is == NULL || !holds(is, name)) {
            tell(walk, &at, false, "required_removed", "may be left out now");
        }
    }
}

static void compare_members(const struct walk *walk, const struct place *up, const cJSON *before,
                            const cJSON *after) {
    const cJSON *was = member(before, "properties"), *is = member(after, "properties");
    for (const cJSON *item = was != NULL ? was->child : NULL; item != NULL; item = item->next) {
        const cJSON *other = member(is, item->string);
        struct place at = {up, item->string, up->depth + 1};
        if (other == NULL) {
            tell(walk, &at, true, "member_removed", "is gone");
        } else {
            compare(walk, &at, item, other);
        }
    }
    for (const cJSON *item = is != NULL ? is->child : NULL; item != NULL; item = item->next) {
        struct place at = {up, item->string, up->depth + 1};
        if (member(was, item->string) == NULL) {
            tell(walk, &at, false, "member_added", "is new");
        }
    }
}

/* What is allowed beyond the members that are named. */
static void compare_rest(const struct walk *walk, const struct place *at, const cJSON *before,
                         const cJSON *after) {
    const cJSON *was = member(before, "additionalProperties"), *is = member(after, "additionalProperties");
    bool was_closed = cJSON_IsFalse(was), is_closed = cJSON_IsFalse(is);
    if (was_closed != is_closed) {
        tell(walk, at, is_closed, is_closed ? "closed" : "opened", "members that are not named are %s now",
             is_closed ? "refused" : "allowed");
    } else if (!is_closed && (cJSON_IsObject(was) || cJSON_IsObject(is))) {
        compare_within(walk, at, "*", was, is);
    }
}

static void compare_choices(const struct walk *walk, const struct place *at, const char *name,
                            const cJSON *before, const cJSON *after) {
    const cJSON *was = member(before, name), *is = member(after, name);
    if (was == NULL && is == NULL) {
        return;
    }
    if (is == NULL) {
        tell(walk, at, false, "rule_removed", "%s is gone", name);
    } else if (was == NULL || cJSON_GetArraySize(was) != cJSON_GetArraySize(is)) {
        tell(walk, at, true, "rule_changed", "%s is %s", name, was == NULL ? "new" : "another one");
    } else {
        const cJSON *left = was->child, *right = is->child;
        for (; left != NULL && right != NULL; left = left->next, right = right->next) {
            struct place same = {at->up, at->name, at->depth + 1}; /* the same place, one level down */
            compare(walk, &same, left, right);
        }
    }
}

static void compare(const struct walk *walk, const struct place *at, const cJSON *before,
                    const cJSON *after) {
    const char *foreign[2];
    before = follow(walk->roots[0], before, &foreign[0]);
    after = follow(walk->roots[1], after, &foreign[1]);
    if (at->depth > DEPTH_MAX) {
        return;
    }
    if (cJSON_IsFalse(before) || cJSON_IsFalse(after)) {
        if (cJSON_IsFalse(before) != cJSON_IsFalse(after)) {
            tell(walk, at, cJSON_IsFalse(after), cJSON_IsFalse(after) ? "closed" : "opened",
                 cJSON_IsFalse(after) ? "nothing is allowed now" : "something is allowed now");
        }
        return;
    }
    if ((foreign[0] != NULL) != (foreign[1] != NULL) ||
        (foreign[0] != NULL && strcmp(foreign[0], foreign[1]) != 0)) {
        tell(walk, at, true, "reference_changed", "refers to %s, before to %s",
             foreign[1] != NULL ? foreign[1] : "nothing", foreign[0] != NULL ? foreign[0] : "nothing");
    }
    compare_types(walk, at, before, after);
    compare_values(walk, at, before, after);
    compare_limits(walk, at, before, after);
    compare_rules(walk, at, before, after);
    compare_required(walk, at, before, after);
    compare_members(walk, at, before, after);
    compare_rest(walk, at, before, after);
    if (member(before, "items") != NULL || member(after, "items") != NULL) {
        compare_within(walk, at, "*", member(before, "items"), member(after, "items"));
    }
    compare_choices(walk, at, "allOf", before, after);
    compare_choices(walk, at, "anyOf", before, after);
    compare_choices(walk, at, "oneOf", before, after);
}

static bool is_schema(const cJSON *tree) {
    return cJSON_IsObject(tree) || cJSON_IsBool(tree);
}

enum xd_result xd_schema_diff(const cJSON *before, const cJSON *after, struct xd_schema_changes *out) {
    struct walk walk = {{before, after}, out};
    struct place top = {NULL, "", 0};
    out->count = out->dropped = out->breaking = 0;
    if (!is_schema(before) || !is_schema(after)) {
        return XD_INVALID;
    }
    compare(&walk, &top, before, after);
    return XD_OK;
}
