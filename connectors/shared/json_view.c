/* The scan of base/json_scan.h has said that the text is well-formed, so what follows walks over it without
 * doubts: a quote has its end, a bracket its partner, a backslash something behind it.
 *
 * A container is walked from its start each time. Answers are pages of some hundred small objects: to find a
 * member costs what it costs to step over those in front of it. */
#include "shared/json_view.h"

#include "base/json_scan.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 64
#define EXPONENT_MAX 18

static const uint8_t *skip_space(const uint8_t *at, const uint8_t *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    return at;
}

static const uint8_t *skip_text(const uint8_t *at) {
    for (at++; *at != '"'; at++) {
        at += *at == '\\' ? 1 : 0;
    }
    return at + 1;
}

static const uint8_t *skip_nest(const uint8_t *at) {
    size_t depth = 0;
    do {
        if (*at == '"') {
            at = skip_text(at);
            continue;
        }
        depth += *at == '[' || *at == '{' ? 1 : 0;
        depth -= *at == ']' || *at == '}' ? 1 : 0;
        at++;
    } while (depth > 0);
    return at;
}

static const uint8_t *skip_word(const uint8_t *at, const uint8_t *end) {
    while (at < end && *at != ',' && *at != ']' && *at != '}' && *at > ' ') {
        at++;
    }
    return at;
}

static struct xd_json_view absent(void) {
    return (struct xd_json_view){.kind = XD_JSON_ABSENT};
}

/* The value that begins at `at`. */
static struct xd_json_view view_at(const uint8_t *at, const uint8_t *end) {
    struct xd_json_view view = {.kind = XD_JSON_NUMBER};
    const uint8_t *behind;
    switch (*at) {
    case '"':
        view.kind = XD_JSON_TEXT;
        behind = skip_text(at);
        break;
    case '[':
    case '{':
        view.kind = *at == '[' ? XD_JSON_ARRAY : XD_JSON_OBJECT;
        behind = skip_nest(at);
        break;
    default:
        if (*at == 'n') {
            view.kind = XD_JSON_NULL;
        } else if (*at == 't' || *at == 'f') {
            view.kind = XD_JSON_BOOLEAN;
        }
        behind = skip_word(at, end);
        break;
    }
    view.text = xd_bytes_of(at, (size_t)(behind - at));
    return view;
}

enum xd_result xd_json_view_open(struct xd_bytes text, struct xd_json_view *out) {
    struct xd_json_scan scan;
    *out = absent();
    if (text.size == 0 || !xd_utf8_valid(text)) {
        return XD_INVALID;
    }
    xd_json_scan_init(&scan, text, XD_JSON_VIEW_DEPTH_MAX, SIZE_MAX);
    if (!xd_json_scan_text(&scan)) {
        return XD_INVALID;
    }
    const uint8_t *end = text.data + text.size;
    *out = view_at(skip_space(text.data, end), end);
    return XD_OK;
}

/* ---- texts ---- */

static unsigned hex4(const uint8_t *text) {
    unsigned value = 0;
    for (int index = 0; index < 4; index++) {
        uint8_t c = text[index];
        unsigned digit = c <= '9' ? c - (unsigned)'0' : (c | 0x20u) - (unsigned)'a' + 10u;
        value = value << 4 | (digit & 15u);
    }
    return value;
}

static void add_utf8(unsigned code, struct xd_buffer *out) {
    if (code < 0x80) {
        xd_buffer_byte(out, (uint8_t)code);
        return;
    }
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned marks[] = {0, 0xC0, 0xE0, 0xF0};
    xd_buffer_byte(out, (uint8_t)(marks[more] | code >> (6 * more)));
    while (more-- > 0) {
        xd_buffer_byte(out, (uint8_t)(0x80u | (code >> (6 * more) & 0x3Fu)));
    }
}

/* One escape, at its backslash; surrogates come in pairs. Gives what is behind it. */
static const uint8_t *add_escape(const uint8_t *at, struct xd_buffer *out) {
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    if (at[1] != 'u') {
        const char *found = strchr(from, at[1]);
        xd_buffer_byte(out, found != NULL ? (uint8_t)to[found - from] : at[1]);
        return at + 2;
    }
    unsigned code = hex4(at + 2);
    at += 6;
    if (code >= 0xD800 && code < 0xDC00 && at[0] == '\\' && at[1] == 'u') {
        code = 0x10000 + ((code - 0xD800) << 10) + ((hex4(at + 2) - 0xDC00) & 0x3FFu);
        at += 6;
    }
    add_utf8(code, out);
    return at;
}

bool xd_json_view_text(struct xd_json_view value, struct xd_buffer *out) {
    if (value.kind == XD_JSON_NUMBER || value.kind == XD_JSON_BOOLEAN) {
        xd_buffer_add(out, value.text.data, value.text.size);
        return true;
    }
    if (value.kind != XD_JSON_TEXT) {
        return false;
    }
    const uint8_t *end = value.text.data + value.text.size - 1;
    for (const uint8_t *at = value.text.data + 1; at < end;) {
        if (*at == '\\') {
            at = add_escape(at, out);
            continue;
        }
        const uint8_t *start = at;
        while (at < end && *at != '\\') {
            at++;
        }
        xd_buffer_add(out, start, (size_t)(at - start));
    }
    return true;
}

/* ---- containers ---- */

static bool is_name(struct xd_json_view name, struct xd_bytes wanted) {
    struct xd_bytes plain = xd_bytes_of(name.text.data + 1, name.text.size - 2);
    if (memchr(plain.data, '\\', plain.size) == NULL) {
        return xd_bytes_equal(plain, wanted);
    }
    struct xd_buffer decoded;
    xd_buffer_init(&decoded, 0);
    (void)xd_json_view_text(name, &decoded);
    bool same = xd_buffer_result(&decoded) == XD_OK && xd_bytes_equal(xd_buffer_view(&decoded), wanted);
    xd_buffer_free(&decoded);
    return same;
}

/* What stands behind the last byte of a member or element: the next one, or ABSENT. */
static struct xd_json_view view_behind(struct xd_json_view container, const uint8_t *at) {
    const uint8_t *end = container.text.data + container.text.size;
    at = skip_space(at, end);
    if (*at == ',') {
        at = skip_space(at + 1, end);
    }
    return *at == ']' || *at == '}' ? absent() : view_at(at, end);
}

struct xd_json_view xd_json_view_member(struct xd_json_view object, struct xd_bytes name) {
    if (object.kind != XD_JSON_OBJECT) {
        return absent();
    }
    const uint8_t *end = object.text.data + object.text.size;
    struct xd_json_view key = view_behind(object, object.text.data + 1);
    while (key.kind != XD_JSON_ABSENT) {
        const uint8_t *colon = skip_space(key.text.data + key.text.size, end);
        struct xd_json_view value = view_at(skip_space(colon + 1, end), end);
        if (is_name(key, name)) {
            return value;
        }
        key = view_behind(object, value.text.data + value.text.size);
    }
    return absent();
}

struct xd_json_view xd_json_view_first(struct xd_json_view array) {
    return array.kind == XD_JSON_ARRAY ? view_behind(array, array.text.data + 1) : absent();
}

struct xd_json_view xd_json_view_next(struct xd_json_view array, struct xd_json_view one) {
    return view_behind(array, one.text.data + one.text.size);
}

static struct xd_json_view element(struct xd_json_view array, struct xd_bytes index) {
    size_t wanted = 0;
    for (size_t i = 0; i < index.size; i++) {
        if (index.data[i] < '0' || index.data[i] > '9' || wanted > 1000000) {
            return absent();
        }
        wanted = wanted * 10 + (index.data[i] - (size_t)'0');
    }
    struct xd_json_view one = xd_json_view_first(array);
    while (wanted-- > 0 && one.kind != XD_JSON_ABSENT) {
        one = xd_json_view_next(array, one);
    }
    return one;
}

struct xd_json_view xd_json_view_path(struct xd_json_view value, const char *path) {
    if (strcmp(path, ".") == 0) {
        return value;
    }
    for (;;) {
        size_t size = strcspn(path, ".");
        struct xd_bytes name = xd_bytes_of(path, size);
        value = value.kind == XD_JSON_ARRAY ? element(value, name) : xd_json_view_member(value, name);
        if (path[size] == '\0') {
            return value;
        }
        path += size + 1;
    }
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

enum xd_result xd_json_view_decimal(struct xd_json_view value, struct xd_decimal *out) {
    struct xd_buffer text;
    if (value.kind != XD_JSON_NUMBER && value.kind != XD_JSON_TEXT) {
        return XD_INVALID;
    }
    xd_buffer_init(&text, NUMBER_SIZE);
    (void)xd_json_view_text(value, &text);
    enum xd_result result = xd_buffer_result(&text) == XD_OK ? XD_OK : XD_INVALID;
    char written[NUMBER_SIZE + 1] = "";
    if (result == XD_OK && text.size > 0) {
        memcpy(written, text.data, text.size);
    }
    xd_buffer_free(&text);
    size_t mantissa = strcspn(written, "eE");
    long exponent = 0;
    if (result == XD_OK && written[mantissa] != '\0') {
        char *end = NULL;
        exponent = strtol(written + mantissa + 1, &end, 10);
        result = *end == '\0' && end != written + mantissa + 1 ? XD_OK : XD_INVALID;
        written[mantissa] = '\0';
    }
    if (result == XD_OK) {
        result = xd_decimal_parse(written, out);
    }
    return result == XD_OK && exponent != 0 ? shift(*out, exponent, out) : result;
}
