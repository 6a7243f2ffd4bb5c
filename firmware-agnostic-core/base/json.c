/* Three steps. A strict scan of RFC 8259 (base/json_scan.h) refuses
 * what cJSON would let pass (leading zeros, control characters, lone
 * surrogates, other white space) and knows where; cJSON builds the tree, and
 * can then fail for want of memory only; a walk over the tree finds what needs
 * decoded values: duplicate members and numbers that overflowed.
 *
 * The walk knows nodes, not places. cJSON keeps the order of the text, so the
 * nth value of the walk is the nth of the scan: to report a place, the text is
 * scanned again up to that value.
 *
 * The canonical form sorts pointers to members: by insertion while they are
 * few, else by heap sort, which needs no memory and has no bad case. */
#include "base/json.h"

#include "base/json_scan.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEW_MEMBERS 64u /* compared in pairs, or kept on the stack */
#define INSERTION_MAX 24u
#define WHOLE_MAX 9007199254740992.0 /* 2^53: beyond it a double skips whole numbers */
#define SIGNIFICANT_MAX 17           /* digits that tell any two doubles apart */

/* --- places --- */

static enum xd_result report(struct xd_json_error *error, struct xd_bytes text, size_t offset,
                             const char *code, const char *detail) {
    error->code = code;
    error->offset = offset;
    error->line = 1;
    error->column = 1;
    for (size_t i = 0; i < offset; i++) {
        error->column++;
        if (text.data[i] == '\n') {
            error->line++;
            error->column = 1;
        }
    }
    int wanted = snprintf(error->detail, sizeof error->detail, "%s", detail);
    if (wanted >= (int)sizeof error->detail) { /* never end in half a character */
        error->detail[xd_utf8_prefix(xd_bytes_of_text(error->detail))] = '\0';
    }
    return XD_INVALID;
}

/* Counts the nodes in front of `wanted`, in the order of the text. */
static bool count_to(const cJSON *node, const cJSON *wanted, size_t *count) {
    for (; node != NULL; node = node->next) {
        if (node == wanted) {
            return true;
        }
        (*count)++;
        if (count_to(node->child, wanted, count)) {
            return true;
        }
    }
    return false;
}

/* Where the value of node stands, or its name when key is asked for. */
static size_t place_of(struct xd_bytes text, const cJSON *root, const cJSON *node, bool key) {
    size_t index = 0;
    struct xd_json_scan scan;
    (void)count_to(root, node, &index); /* node is in the tree */
    xd_json_scan_init(&scan, text, XD_JSON_NESTING_MAX, index);
    (void)xd_json_scan_text(&scan); /* it passed before */
    return (size_t)((key ? scan.key : scan.at) - scan.start);
}

/* --- sorted members --- */

/* RFC 8785 sorts by UTF-16 code units. That is the order of the bytes, but for
 * U+E000..U+FFFF (lead bytes EE, EF), which come behind the surrogates of all
 * that is higher (lead bytes F0..F4). */
static int compare_names(const char *a, const char *b) {
    const uint8_t *left = (const uint8_t *)a;
    const uint8_t *right = (const uint8_t *)b;
    while (*left == *right && *left != 0) {
        left++;
        right++;
    }
    if (*left >= 0xEE && *right >= 0xEE && (*left >= 0xF0) != (*right >= 0xF0)) {
        return *left >= 0xF0 ? -1 : 1;
    }
    return (*left > *right) - (*left < *right);
}

static void sort_few(const cJSON **items, size_t count) {
    for (size_t i = 1; i < count; i++) {
        const cJSON *item = items[i];
        size_t at = i;
        while (at > 0 && compare_names(items[at - 1]->string, item->string) > 0) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = item;
    }
}

/* Lets items[at] sink to its place in the heap of `count`. */
static void sink(const cJSON **items, size_t at, size_t count) {
    const cJSON *item = items[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && compare_names(items[child]->string, items[child + 1]->string) < 0) {
            child++;
        }
        if (compare_names(item->string, items[child]->string) >= 0) {
            break;
        }
        items[at] = items[child];
        at = child;
    }
    items[at] = item;
}

static void sort_members(const cJSON **items, size_t count) {
    if (count <= INSERTION_MAX) {
        sort_few(items, count);
        return;
    }
    for (size_t at = count / 2; at > 0; at--) {
        sink(items, at - 1, count);
    }
    for (size_t left = count - 1; left > 0; left--) {
        const cJSON *largest = items[0];
        items[0] = items[left];
        items[left] = largest;
        sink(items, 0, left);
    }
}

static size_t count_members(const cJSON *object) {
    size_t count = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        count++;
    }
    return count;
}

/* --- what only the tree can tell --- */

/* A filter in front of the comparisons: names with unlike marks differ. */
static uint64_t name_mark(const char *name) {
    uint32_t hash = 0;
    for (const uint8_t *at = (const uint8_t *)name; *at != 0; at++) {
        hash = hash * 31 + *at;
    }
    return UINT64_C(1) << ((hash ^ hash >> 7) & 63u);
}

static const cJSON *find_duplicate_of_few(const cJSON *object) {
    uint64_t marks = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        uint64_t mark = name_mark(member->string);
        if ((marks & mark) != 0) {
            for (const cJSON *earlier = object->child; earlier != member; earlier = earlier->next) {
                if (strcmp(earlier->string, member->string) == 0) {
                    return member;
                }
            }
        }
        marks |= mark;
    }
    return NULL;
}

/* The second member of that name, in the order of the text. */
static const cJSON *second_of_name(const cJSON *object, const char *name) {
    const cJSON *found = NULL;
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        if (strcmp(member->string, name) != 0) {
            continue;
        }
        if (found != NULL) {
            return member;
        }
        found = member;
    }
    return found;
}

static enum xd_result find_duplicate_of_many(const cJSON *object, size_t count, const cJSON **bad) {
    const cJSON **items = xd_alloc(count * sizeof(const cJSON *));
    if (items == NULL) {
        return XD_NO_MEMORY;
    }
    size_t at = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        items[at++] = member;
    }
    sort_members(items, count);
    for (size_t i = 1; i < count && *bad == NULL; i++) {
        if (strcmp(items[i - 1]->string, items[i]->string) == 0) {
            *bad = second_of_name(object, items[i]->string);
        }
    }
    xd_free(items);
    return *bad == NULL ? XD_OK : XD_INVALID;
}

/* XD_INVALID with *bad: a number that is infinite, or a member whose name was there before. */
static enum xd_result check_tree(const cJSON *node, const cJSON **bad) {
    if (cJSON_IsNumber(node) && isinf(node->valuedouble)) {
        *bad = node;
        return XD_INVALID;
    }
    if (cJSON_IsObject(node)) {
        size_t count = count_members(node);
        enum xd_result result = XD_OK;
        if (count > FEW_MEMBERS) {
            result = find_duplicate_of_many(node, count, bad);
        } else {
            *bad = find_duplicate_of_few(node);
            result = *bad == NULL ? XD_OK : XD_INVALID;
        }
        if (result != XD_OK) {
            return result;
        }
    }
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        bool nothing_to_see = child->child == NULL && !cJSON_IsNumber(child);
        enum xd_result result = nothing_to_see ? XD_OK : check_tree(child, bad);
        if (result != XD_OK) {
            return result;
        }
    }
    return XD_OK;
}

static enum xd_result report_tree(struct xd_json_error *error, struct xd_bytes text, const cJSON *root,
                                  const cJSON *bad) {
    if (cJSON_IsNumber(bad) && isinf(bad->valuedouble)) {
        return report(error, text, place_of(text, root, bad, false), XD_JSON_MALFORMED,
                      "A number is too large.");
    }
    char detail[sizeof error->detail + 1]; /* one more, so that report() sees that it was cut */
    (void)snprintf(detail, sizeof detail, "A member occurs twice in one object: %s", bad->string);
    return report(error, text, place_of(text, root, bad, true), "duplicate_member", detail);
}

/* --- the canonical form --- */

/* How much of text is left when a decimal loses its fraction's trailing zeros;
 * size when it is no decimal or has none. */
static size_t decimal_size(const char *text, size_t size) {
    size_t at = text[0] == '-';
    size_t whole = strspn(text + at, "0123456789");
    if (whole == 0 || (whole > 1 && text[at] == '0') || text[at + whole] != '.') {
        return size;
    }
    at += whole + 1;
    if (at == size || strspn(text + at, "0123456789") != size - at) {
        return size;
    }
    while (text[size - 1] == '0') {
        size--;
    }
    return text[size - 1] == '.' ? size - 1 : size;
}

static void write_string(const char *text, struct xd_buffer *out) {
    bool like_decimal = text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
    size_t size = like_decimal ? strlen(text) : 0;
    size_t left = like_decimal ? decimal_size(text, size) : 0;
    if (left == size) {
        xd_buffer_json(out, text);
        return;
    }
    xd_buffer_byte(out, '"');
    xd_buffer_add(out, text, left);
    xd_buffer_byte(out, '"');
}

/* The fewest significant digits that read back as value (> 0, finite);
 * returns how many, and *point: value = 0.DIGITS * 10^point. */
static int shortest_digits(double value, char digits[SIGNIFICANT_MAX + 1], int *point) {
    char text[48] = "";
    /* 15 digits always survive, so fewer show as zeros at the end; but for subnormals, which hold less */
    int precision = value < 2.2250738585072014e-308 ? 0 : 14;
    for (; precision < SIGNIFICANT_MAX; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    int count = 0;
    const char *at = text;
    for (; *at != 'e' && *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9' && count < SIGNIFICANT_MAX) { /* the point may be a locale's own */
            digits[count++] = *at;
        }
    }
    *point = (int)strtol(at + (*at == 'e'), NULL, 10) + 1;
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    digits[count] = '\0';
    return count;
}

static void write_zeros(struct xd_buffer *out, int count) {
    for (int i = 0; i < count; i++) {
        xd_buffer_byte(out, '0');
    }
}

/* As ECMAScript's Number::toString lays them out, which RFC 8785 asks for. */
static void write_digits(const char *digits, int count, int point, struct xd_buffer *out) {
    if (point > 21 || point < -5) {
        xd_buffer_byte(out, (uint8_t)digits[0]);
        if (count > 1) {
            xd_buffer_byte(out, '.');
            xd_buffer_text(out, digits + 1);
        }
        xd_buffer_format(out, "e%+d", point - 1);
    } else if (point <= 0) {
        xd_buffer_text(out, "0.");
        write_zeros(out, -point);
        xd_buffer_text(out, digits);
    } else if (count <= point) {
        xd_buffer_text(out, digits);
        write_zeros(out, point - count);
    } else {
        xd_buffer_add(out, digits, (size_t)point);
        xd_buffer_byte(out, '.');
        xd_buffer_text(out, digits + point);
    }
}

static void write_whole(int64_t value, struct xd_buffer *out) {
    char text[24];
    size_t at = sizeof text;
    bool negative = value < 0;
    uint64_t rest = negative ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (negative) {
        text[--at] = '-';
    }
    xd_buffer_add(out, text + at, sizeof text - at);
}

static void write_number(double value, struct xd_buffer *out) {
    if (!isfinite(value)) {
        xd_buffer_text(out, "null");
        return;
    }
    if (value > -WHOLE_MAX && value < WHOLE_MAX && (double)(int64_t)value == value) {
        write_whole((int64_t)value, out); /* -0 becomes 0 */
        return;
    }
    if (value < 0) {
        xd_buffer_byte(out, '-');
        value = -value;
    }
    char digits[SIGNIFICANT_MAX + 1];
    int point = 0;
    int count = shortest_digits(value, digits, &point);
    write_digits(digits, count, point, out);
}

static bool is_without(const char *name, const char *const *without) {
    for (; without != NULL && *without != NULL; without++) {
        if (strcmp(name, *without) == 0) {
            return true;
        }
    }
    return false;
}

static void write_value(const cJSON *node, const char *const *without, struct xd_buffer *out);

static void write_members(const cJSON **items, size_t count, struct xd_buffer *out) {
    sort_members(items, count);
    xd_buffer_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            xd_buffer_byte(out, ',');
        }
        xd_buffer_json(out, items[i]->string);
        xd_buffer_byte(out, ':');
        write_value(items[i], NULL, out);
    }
    xd_buffer_byte(out, '}');
}

static size_t collect_members(const cJSON *object, const char *const *without, const cJSON **items) {
    size_t count = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        if (!is_without(member->string, without)) {
            items[count++] = member;
        }
    }
    return count;
}

static void write_object(const cJSON *object, const char *const *without, struct xd_buffer *out) {
    size_t count = count_members(object);
    if (count <= FEW_MEMBERS) {
        const cJSON *few[FEW_MEMBERS];
        write_members(few, collect_members(object, without, few), out);
        return;
    }
    const cJSON **many = xd_alloc(count * sizeof(const cJSON *));
    if (many == NULL) {
        out->result = out->result == XD_OK ? XD_NO_MEMORY : out->result;
        return;
    }
    write_members(many, collect_members(object, without, many), out);
    xd_free(many);
}

static void write_array(const cJSON *array, struct xd_buffer *out) {
    xd_buffer_byte(out, '[');
    for (const cJSON *element = array->child; element != NULL; element = element->next) {
        if (element != array->child) {
            xd_buffer_byte(out, ',');
        }
        write_value(element, NULL, out);
    }
    xd_buffer_byte(out, ']');
}

static void write_value(const cJSON *node, const char *const *without, struct xd_buffer *out) {
    if (cJSON_IsString(node)) {
        write_string(node->valuestring, out);
    } else if (cJSON_IsNumber(node)) {
        write_number(node->valuedouble, out);
    } else if (cJSON_IsObject(node)) {
        write_object(node, without, out);
    } else if (cJSON_IsArray(node)) {
        write_array(node, out);
    } else if (cJSON_IsBool(node)) {
        xd_buffer_text(out, cJSON_IsTrue(node) ? "true" : "false");
    } else {
        xd_buffer_text(out, "null");
    }
}

/* As it came, but for numbers: cJSON's own printer takes 15 digits for enough when they come close, so
 * that 2^53 would travel on as another number, under a hash that no longer fits. */
static void print_scalar(const cJSON *node, struct xd_buffer *out) {
    if (cJSON_IsString(node)) {
        xd_buffer_json(out, node->valuestring);
    } else {
        write_value(node, NULL, out);
    }
}

static bool parse_u64(const char *text, uint64_t *out) {
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0')) {
        return false;
    }
    uint64_t value = 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

enum xd_result xd_json_parse(struct xd_bytes text, size_t size_max, unsigned depth_max, cJSON **out,
                             struct xd_json_error *error) {
    *out = NULL;
    if (text.size > size_max) {
        return report(error, text, size_max, "too_large", "The text is larger than allowed.");
    }
    size_t valid = xd_utf8_prefix(text);
    if (valid < text.size) {
        return report(error, text, valid, "invalid_utf8", "The text is not UTF-8 from here on.");
    }
    struct xd_json_scan scan;
    xd_json_scan_init(&scan, text, depth_max, SIZE_MAX);
    if (!xd_json_scan_text(&scan)) {
        return report(error, text, (size_t)(scan.at - scan.start), scan.code, scan.detail);
    }
    cJSON *tree = cJSON_ParseWithLengthOpts((const char *)text.data, text.size, NULL, false);
    if (tree == NULL) {
        return XD_NO_MEMORY; /* the scan left no other reason */
    }
    const cJSON *bad = NULL;
    enum xd_result result = check_tree(tree, &bad);
    if (result == XD_INVALID) {
        result = report_tree(error, text, tree, bad);
    }
    if (result != XD_OK) {
        cJSON_Delete(tree);
        return result;
    }
    *out = tree;
    return XD_OK;
}

enum xd_result xd_json_parse_into(struct xd_arena *arena, struct xd_bytes text, size_t size_max,
                                  unsigned depth_max, cJSON **out, struct xd_json_error *error) {
    xd_memory_cjson_into(arena);
    enum xd_result result = xd_json_parse(text, size_max, depth_max, out, error);
    xd_memory_cjson_into(NULL);
    return result;
}

void xd_json_canonical(const cJSON *tree, const char *const *without, struct xd_buffer *out) {
    write_value(tree, without, out);
}

void xd_json_print(const cJSON *tree, struct xd_buffer *out) {
    if (!cJSON_IsObject(tree) && !cJSON_IsArray(tree)) {
        print_scalar(tree, out);
        return;
    }
    bool object = cJSON_IsObject(tree);
    xd_buffer_byte(out, object ? '{' : '[');
    for (const cJSON *child = tree->child; child != NULL; child = child->next) {
        if (child != tree->child) {
            xd_buffer_byte(out, ',');
        }
        if (object) {
            xd_buffer_json(out, child->string);
            xd_buffer_byte(out, ':');
        }
        xd_json_print(child, out);
    }
    xd_buffer_byte(out, object ? '}' : ']');
}

const char *xd_json_text(const cJSON *object, const char *member) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, member));
}

uint64_t xd_json_u64(const cJSON *object, const char *member, uint64_t def) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, member);
    uint64_t value = def;
    if (cJSON_IsString(item)) {
        return parse_u64(item->valuestring, &value) ? value : def;
    }
    if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < WHOLE_MAX &&
        (double)(uint64_t)item->valuedouble == item->valuedouble) {
        return (uint64_t)item->valuedouble;
    }
    return def;
}
