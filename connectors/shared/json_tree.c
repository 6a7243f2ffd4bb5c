/* The scan of base/json_scan.h has said that the text is well-formed and how deep it is, so what follows
 * walks over it without doubts: a quote has its end, a bracket its partner, a backslash something behind it.
 * Only memory can fail. Texts are decoded into one piece of the arena each, which is never longer than what
 * it is decoded from. */
#include "shared/json_tree.h"

#include "base/json_scan.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 64
#define EXPONENT_MAX 18
#define INDEX_MAX 1000000u

struct builder {
    struct xd_arena *arena;
    const uint8_t *at, *end;
};

static void skip_space(struct builder *builder) {
    while (builder->at < builder->end &&
           (*builder->at == ' ' || *builder->at == '\t' || *builder->at == '\r' || *builder->at == '\n')) {
        builder->at++;
    }
}

/* ---- texts ---- */

static const uint8_t *closing_quote(const uint8_t *at) {
    for (at++; *at != '"'; at++) {
        at += *at == '\\' ? 1 : 0;
    }
    return at;
}

static unsigned hex4(const uint8_t *text) {
    unsigned value = 0;
    for (int index = 0; index < 4; index++) {
        uint8_t c = text[index];
        unsigned digit = c <= '9' ? c - (unsigned)'0' : (c | 0x20u) - (unsigned)'a' + 10u;
        value = value << 4 | (digit & 15u);
    }
    return value;
}

static char *put_utf8(char *out, unsigned code) {
    static const unsigned marks[] = {0, 0xC0, 0xE0, 0xF0};
    unsigned more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    *out++ = (char)(marks[more] | code >> (6 * more));
    while (more-- > 0) {
        *out++ = (char)(0x80u | (code >> (6 * more) & 0x3Fu));
    }
    return out;
}

/* One escape, at its backslash; surrogates come in pairs. */
static char *put_escape(struct builder *builder, char *out) {
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const uint8_t *at = builder->at;
    if (at[1] != 'u') {
        const char *found = strchr(from, at[1]);
        *out++ = found != NULL ? to[found - from] : (char)at[1];
        builder->at += 2;
        return out;
    }
    unsigned code = hex4(at + 2);
    builder->at += 6;
    if (code >= 0xD800 && code < 0xDC00) {
        code = 0x10000 + ((code - 0xD800) << 10) + ((hex4(at + 8) - 0xDC00) & 0x3FFu);
        builder->at += 6;
    }
    return put_utf8(out, code);
}

/* At the quote that opens it. NULL: no memory. */
static const char *take_text(struct builder *builder) {
    const uint8_t *close = closing_quote(builder->at);
    char *text = xd_arena_take(builder->arena, (size_t)(close - builder->at));
    char *out = text;
    if (text == NULL) {
        return NULL;
    }
    for (builder->at++; builder->at < close;) {
        if (*builder->at == '\\') {
            out = put_escape(builder, out);
            continue;
        }
        const uint8_t *escape = memchr(builder->at, '\\', (size_t)(close - builder->at));
        size_t size = (size_t)((escape != NULL ? escape : close) - builder->at);
        memcpy(out, builder->at, size);
        out += size;
        builder->at += size;
    }
    *out = '\0';
    builder->at++;
    return text;
}

static const char *take_number(struct builder *builder) {
    const uint8_t *start = builder->at;
    while (builder->at<builder->end && * builder->at> ' ' && *builder->at != ',' && *builder->at != ']' &&
           *builder->at != '}') {
        builder->at++;
    }
    size_t size = (size_t)(builder->at - start);
    char *text = xd_arena_take(builder->arena, size + 1);
    if (text != NULL) {
        memcpy(text, start, size);
        text[size] = '\0';
    }
    return text;
}

/* ---- values ---- */

static struct xd_node *take_value(struct builder *builder);

/* At the bracket that opens it. false: no memory. */
static bool take_members(struct builder *builder, struct xd_node *node) {
    struct xd_node **last = &node->child;
    builder->at++;
    skip_space(builder);
    while (*builder->at != ']' && *builder->at != '}') {
        const char *name = NULL;
        if (node->kind == XD_NODE_OBJECT) {
            name = take_text(builder);
            if (name == NULL) {
                return false;
            }
            skip_space(builder);
            builder->at++; /* the colon */
            skip_space(builder);
        }
        struct xd_node *value = take_value(builder);
        if (value == NULL) {
            return false;
        }
        value->name = name;
        *last = value;
        last = &value->next;
        node->count++;
        skip_space(builder);
        if (*builder->at == ',') {
            builder->at++;
            skip_space(builder);
        }
    }
    builder->at++;
    return true;
}

/* At the value's first byte, to behind its last. NULL: no memory. As deep as the text is. */
static struct xd_node *take_value(struct builder *builder) {
    struct xd_node *node = xd_arena_take(builder->arena, sizeof *node);
    bool taken = true;
    if (node == NULL) {
        return NULL;
    }
    memset(node, 0, sizeof *node);
    switch (*builder->at) {
    case '{':
    case '[':
        node->kind = *builder->at == '{' ? XD_NODE_OBJECT : XD_NODE_ARRAY;
        taken = take_members(builder, node);
        break;
    case '"':
        node->kind = XD_NODE_TEXT;
        node->text = take_text(builder);
        taken = node->text != NULL;
        break;
    case 'n':
        node->kind = XD_NODE_NULL;
        builder->at += strlen("null");
        break;
    case 't':
        node->kind = XD_NODE_TRUE;
        builder->at += strlen("true");
        break;
    case 'f':
        node->kind = XD_NODE_FALSE;
        builder->at += strlen("false");
        break;
    default:
        node->kind = XD_NODE_NUMBER;
        node->text = take_number(builder);
        taken = node->text != NULL;
        break;
    }
    return taken ? node : NULL;
}

enum xd_result xd_node_parse(struct xd_arena *arena, struct xd_bytes text, unsigned depth_max,
                             const struct xd_node **out) {
    struct xd_json_scan scan;
    *out = NULL;
    if (text.size == 0 || !xd_utf8_valid(text)) {
        return XD_INVALID;
    }
    xd_json_scan_init(&scan, text, depth_max < XD_NODE_DEPTH_MAX ? depth_max : XD_NODE_DEPTH_MAX, SIZE_MAX);
    if (!xd_json_scan_text(&scan)) {
        return XD_INVALID;
    }
    struct builder builder = {.arena = arena, .at = text.data, .end = text.data + text.size};
    skip_space(&builder);
    *out = take_value(&builder);
    return *out != NULL ? XD_OK : XD_NO_MEMORY;
}

/* ---- reading the tree ---- */

static const struct xd_node *member(const struct xd_node *node, struct xd_bytes name) {
    const struct xd_node *at = node == NULL || node->kind != XD_NODE_OBJECT ? NULL : node->child;
    while (at != NULL && !xd_bytes_equal(xd_bytes_of_text(at->name), name)) {
        at = at->next;
    }
    return at;
}

const struct xd_node *xd_node_member(const struct xd_node *node, const char *name) {
    return member(node, xd_bytes_of_text(name));
}

const struct xd_node *xd_node_at(const struct xd_node *node, size_t index) {
    const struct xd_node *at = node == NULL || node->kind != XD_NODE_ARRAY ? NULL : node->child;
    while (at != NULL && index-- > 0) {
        at = at->next;
    }
    return at;
}

static const struct xd_node *element(const struct xd_node *node, struct xd_bytes index) {
    size_t wanted = 0;
    for (size_t i = 0; i < index.size; i++) {
        if (index.data[i] < '0' || index.data[i] > '9' || wanted > INDEX_MAX) {
            return NULL;
        }
        wanted = wanted * 10 + (index.data[i] - (size_t)'0');
    }
    return xd_node_at(node, wanted);
}

const struct xd_node *xd_node_path(const struct xd_node *node, const char *path) {
    if (strcmp(path, ".") == 0) {
        return node;
    }
    while (node != NULL) {
        size_t size = strcspn(path, ".");
        struct xd_bytes name = xd_bytes_of(path, size);
        node = node->kind == XD_NODE_ARRAY ? element(node, name) : member(node, name);
        if (path[size] == '\0') {
            break;
        }
        path += size + 1;
    }
    return node;
}

const char *xd_node_text(const struct xd_node *node, const char *name) {
    const struct xd_node *found = xd_node_member(node, name);
    return found == NULL ? NULL : found->text;
}

const char *xd_node_scalar(const struct xd_node *node) {
    if (node == NULL) {
        return NULL;
    }
    return node->kind == XD_NODE_TRUE ? "true" : node->kind == XD_NODE_FALSE ? "false" : node->text;
}

int64_t xd_node_int_of(const struct xd_node *node) {
    return node == NULL || node->kind != XD_NODE_NUMBER ? 0 : strtoll(node->text, NULL, 10);
}

int64_t xd_node_int(const struct xd_node *node, const char *name) {
    return xd_node_int_of(xd_node_member(node, name));
}

bool xd_node_is_true(const struct xd_node *node, const char *name) {
    const struct xd_node *found = xd_node_member(node, name);
    return found != NULL && found->kind == XD_NODE_TRUE;
}

/* ---- numbers ---- */

/* value * 10^exponent */
static enum xd_result shift(struct xd_decimal value, long exponent, struct xd_decimal *out) {
    int64_t power = 1;
    if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX) {
        return XD_INVALID;
    }
    for (long i = labs(exponent); i > 0; i--) {
        power *= 10;
    }
    return exponent >= 0 ? xd_decimal_ratio(value, power, 1, out) : xd_decimal_ratio(value, 1, power, out);
}

enum xd_result xd_node_decimal_of_text(const char *text, struct xd_decimal *out) {
    char mantissa[NUMBER_SIZE + 1];
    size_t size = strcspn(text, "eE");
    long exponent = 0;
    if (strlen(text) > NUMBER_SIZE) {
        return XD_INVALID;
    }
    if (text[size] != '\0') {
        char *end = NULL;
        exponent = strtol(text + size + 1, &end, 10);
        if (*end != '\0' || end == text + size + 1) {
            return XD_INVALID;
        }
    }
    memcpy(mantissa, text, size);
    mantissa[size] = '\0';
    enum xd_result result = xd_decimal_parse(mantissa, out);
    return result == XD_OK && exponent != 0 ? shift(*out, exponent, out) : result;
}

enum xd_result xd_node_decimal(const struct xd_node *node, struct xd_decimal *out) {
    return node == NULL || node->text == NULL ? XD_INVALID : xd_node_decimal_of_text(node->text, out);
}
