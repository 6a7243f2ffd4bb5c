/* A recursive descent over RFC 8259, as deep as DEPTH_MAX. Texts are decoded into one piece of the arena
 * each, which is never longer than what it is decoded from. */
#include "shared/json_tree.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32u

struct parser {
    struct xd_arena *arena;
    const uint8_t *at, *end;
    unsigned depth;
    enum xd_result result; /* the first failure */
};

static bool fail(struct parser *parser, enum xd_result result) {
    if (parser->result == XD_OK) {
        parser->result = result;
    }
    return false;
}

static void skip_space(struct parser *parser) {
    while (parser->at < parser->end &&
           (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\r' || *parser->at == '\n')) {
        parser->at++;
    }
}

static bool step_over(struct parser *parser, char c) {
    skip_space(parser);
    if (parser->at == parser->end || *parser->at != (uint8_t)c) {
        return false;
    }
    parser->at++;
    skip_space(parser);
    return true;
}

/* ---- texts ---- */

static bool read_hex4(struct parser *parser, unsigned *out) {
    unsigned value = 0;
    if (parser->end - parser->at < 4) {
        return fail(parser, XD_INVALID);
    }
    for (int index = 0; index < 4; index++) {
        static const char digits[] = "0123456789abcdef";
        char c = (char)*parser->at++;
        const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
        if (found == NULL) {
            return fail(parser, XD_INVALID);
        }
        value = value << 4 | (unsigned)(found - digits);
    }
    *out = value;
    return true;
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

/* Behind a backslash and a u: a character, or the half of one that the next escape completes. */
static bool read_code(struct parser *parser, unsigned *out) {
    unsigned low;
    if (!read_hex4(parser, out)) {
        return false;
    }
    if (*out >= 0xD800 && *out < 0xDC00) {
        if (parser->end - parser->at < 6 || parser->at[0] != '\\' || parser->at[1] != 'u') {
            return fail(parser, XD_INVALID);
        }
        parser->at += 2;
        if (!read_hex4(parser, &low) || low < 0xDC00 || low > 0xDFFF) {
            return fail(parser, XD_INVALID);
        }
        *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
        return true;
    }
    return (*out != 0 && (*out < 0xDC00 || *out > 0xDFFF)) || fail(parser, XD_INVALID);
}

static bool read_escape(struct parser *parser, char **out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned code = 0;
    if (++parser->at == parser->end || *parser->at == '\0') {
        return fail(parser, XD_INVALID);
    }
    char c = (char)*parser->at++;
    if (c == 'u') {
        if (!read_code(parser, &code)) {
            return false;
        }
        *out = put_utf8(*out, code);
        return true;
    }
    const char *found = strchr(from, c);
    if (found == NULL) {
        return fail(parser, XD_INVALID);
    }
    *(*out)++ = to[found - from];
    return true;
}

/* At the quote that opens it. */
static const char *read_text(struct parser *parser) {
    const uint8_t *close = parser->at + 1;
    while (close < parser->end && *close != '"') {
        close += *close == '\\' ? 2 : 1;
    }
    if (parser->at == parser->end || *parser->at != '"' || close >= parser->end) {
        (void)fail(parser, XD_INVALID);
        return NULL;
    }
    char *text = xd_arena_take(parser->arena, (size_t)(close - parser->at));
    if (text == NULL) {
        (void)fail(parser, XD_NO_MEMORY);
        return NULL;
    }
    char *out = text;
    for (parser->at++; parser->at < close;) {
        if (*parser->at == '\\') {
            if (!read_escape(parser, &out)) {
                return NULL;
            }
        } else if (*parser->at < ' ') {
            (void)fail(parser, XD_INVALID);
            return NULL;
        } else {
            *out++ = (char)*parser->at++;
        }
    }
    *out = '\0';
    parser->at++;
    return text;
}

/* ---- values ---- */

static struct xd_node *read_value(struct parser *parser);

static bool read_members(struct parser *parser, struct xd_node *node, char close) {
    struct xd_node **last = &node->child;
    parser->at++;
    if (step_over(parser, close)) {
        return true;
    }
    do {
        const char *name = NULL;
        if (close == '}') {
            name = read_text(parser);
            if (name == NULL || !step_over(parser, ':')) {
                return fail(parser, XD_INVALID);
            }
        }
        struct xd_node *value = read_value(parser);
        if (value == NULL) {
            return false;
        }
        value->name = name;
        *last = value;
        last = &value->next;
        node->count++;
    } while (step_over(parser, ','));
    return step_over(parser, close) || fail(parser, XD_INVALID);
}

/* RFC 8259, 6, but for zeros in front, which nobody writes and nobody minds. */
static bool is_number(const char *text) {
    const char *at = text + (*text == '-');
    size_t whole = strspn(at, "0123456789");
    at += whole;
    if (whole > 0 && *at == '.') {
        size_t fraction = strspn(++at, "0123456789");
        whole = fraction;
        at += fraction;
    }
    if (whole > 0 && (*at == 'e' || *at == 'E')) {
        at += 1 + (at[1] == '+' || at[1] == '-');
        whole = strspn(at, "0123456789");
        at += whole;
    }
    return whole > 0 && *at == '\0';
}

static bool read_word(struct parser *parser, struct xd_node *node) {
    const uint8_t *start = parser->at;
    while (parser->at<parser->end && * parser->at> ' ' && strchr(",]}", (char)*parser->at) == NULL) {
        parser->at++;
    }
    size_t size = (size_t)(parser->at - start);
    char *text = xd_arena_take(parser->arena, size + 1);
    if (text == NULL) {
        return fail(parser, XD_NO_MEMORY);
    }
    memcpy(text, start, size);
    text[size] = '\0';
    if (strcmp(text, "null") == 0) {
        node->kind = XD_NODE_NULL;
    } else if (strcmp(text, "true") == 0) {
        node->kind = XD_NODE_TRUE;
    } else if (strcmp(text, "false") == 0) {
        node->kind = XD_NODE_FALSE;
    } else if (is_number(text)) {
        node->kind = XD_NODE_NUMBER;
        node->text = text;
    } else {
        return fail(parser, XD_INVALID);
    }
    return true;
}

static struct xd_node *read_value(struct parser *parser) {
    struct xd_node *node = xd_arena_take(parser->arena, sizeof *node);
    bool read = true;
    if (node == NULL || parser->at == parser->end || parser->depth == DEPTH_MAX) {
        (void)fail(parser, node == NULL ? XD_NO_MEMORY : XD_INVALID);
        return NULL;
    }
    memset(node, 0, sizeof *node);
    parser->depth++;
    switch (*parser->at) {
    case '{':
        node->kind = XD_NODE_OBJECT;
        read = read_members(parser, node, '}');
        break;
    case '[':
        node->kind = XD_NODE_ARRAY;
        read = read_members(parser, node, ']');
        break;
    case '"':
        node->kind = XD_NODE_TEXT;
        node->text = read_text(parser);
        read = node->text != NULL;
        break;
    default:
        read = read_word(parser, node);
    }
    parser->depth--;
    return read ? node : NULL;
}

enum xd_result xd_node_parse(struct xd_arena *arena, struct xd_bytes text, const struct xd_node **out) {
    struct parser parser = {.arena = arena, .at = text.data, .end = text.data + text.size, .result = XD_OK};
    *out = NULL;
    if (text.size == 0 || !xd_utf8_valid(text)) {
        return XD_INVALID;
    }
    skip_space(&parser);
    struct xd_node *tree = read_value(&parser);
    skip_space(&parser);
    if (tree == NULL || parser.at != parser.end) {
        (void)fail(&parser, XD_INVALID);
        return parser.result;
    }
    *out = tree;
    return XD_OK;
}

/* ---- reading the tree ---- */

const struct xd_node *xd_node_member(const struct xd_node *node, const char *name) {
    if (node == NULL || node->kind != XD_NODE_OBJECT) {
        return NULL;
    }
    for (const struct xd_node *at = node->child; at != NULL; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            return at;
        }
    }
    return NULL;
}

const struct xd_node *xd_node_at(const struct xd_node *node, size_t index) {
    const struct xd_node *at = node == NULL || node->kind != XD_NODE_ARRAY ? NULL : node->child;
    while (at != NULL && index-- > 0) {
        at = at->next;
    }
    return at;
}

const char *xd_node_text(const struct xd_node *node, const char *name) {
    const struct xd_node *member = xd_node_member(node, name);
    return member == NULL ? NULL : member->text;
}

int64_t xd_node_int_of(const struct xd_node *node) {
    return node == NULL || node->kind != XD_NODE_NUMBER ? 0 : strtoll(node->text, NULL, 10);
}

int64_t xd_node_int(const struct xd_node *node, const char *name) {
    return xd_node_int_of(xd_node_member(node, name));
}

bool xd_node_is_true(const struct xd_node *node, const char *name) {
    const struct xd_node *member = xd_node_member(node, name);
    return member != NULL && member->kind == XD_NODE_TRUE;
}
