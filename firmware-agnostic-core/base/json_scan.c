/* A loop instead of recursion: the stack of open containers is all the state
 * there is, so that depth costs a byte and no text can exhaust the stack. */
#include "base/json_scan.h"

#include <string.h>

#define NUMBER_SIZE_MAX 63u /* what cJSON's own buffer holds */

static bool refuse(struct xd_json_scan *scan, const uint8_t *at, const char *detail) {
    scan->at = at;
    scan->code = XD_JSON_MALFORMED;
    scan->detail = detail;
    return false;
}

static int peek(const struct xd_json_scan *scan) {
    return scan->at < scan->end ? *scan->at : -1;
}

static void skip_space(struct xd_json_scan *scan) {
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
}

/* The four digits behind \u, or -1. */
static int hex_quad(const uint8_t *at, const uint8_t *end) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int c = end - at > i ? at[i] : 0;
        if (c >= '0' && c <= '9') {
            value = value * 16 + (c - '0');
        } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
            value = value * 16 + ((c | 0x20) - 'a' + 10);
        } else {
            return -1;
        }
    }
    return value;
}

/* At "\u". */
static bool scan_unicode_escape(struct xd_json_scan *scan) {
    const uint8_t *at = scan->at;
    int unit = hex_quad(at + 2, scan->end);
    if (unit < 0) {
        return refuse(scan, at, "The escape \\u needs four hexadecimal digits.");
    }
    if (unit == 0) {
        return refuse(scan, at, "The character NUL is not allowed, nor is its escape.");
    }
    scan->at += 6;
    if (unit < 0xD800 || unit > 0xDFFF) {
        return true;
    }
    bool paired = unit < 0xDC00 && scan->end - scan->at >= 6 && scan->at[0] == '\\' && scan->at[1] == 'u';
    int low = paired ? hex_quad(scan->at + 2, scan->end) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        return refuse(scan, at, "Half of a surrogate pair stands alone.");
    }
    scan->at += 6;
    return true;
}

/* At "\". */
static bool scan_escape(struct xd_json_scan *scan) {
    int kind = scan->end - scan->at >= 2 ? scan->at[1] : 0;
    if (kind == 'u') {
        return scan_unicode_escape(scan);
    }
    if (kind == 0 || strchr("\"\\/bfnrt", kind) == NULL) {
        return refuse(scan, scan->at, "No such escape in a string.");
    }
    scan->at += 2;
    return true;
}

/* At the opening quote. */
static bool scan_string(struct xd_json_scan *scan) {
    scan->at++;
    for (;;) {
        scan->at += xd_json_plain_prefix(xd_bytes_of(scan->at, (size_t)(scan->end - scan->at)));
        int c = peek(scan);
        if (c == '"') {
            scan->at++;
            return true;
        }
        if (c == '\\') {
            if (!scan_escape(scan)) {
                return false;
            }
        } else if (c >= 0x80) { /* whether it is UTF-8 is asked of the whole text */
            while (peek(scan) >= 0x80) {
                scan->at++;
            }
        } else if (c < 0) {
            return refuse(scan, scan->at, "The text ends inside a string.");
        } else {
            return refuse(scan, scan->at, "A string holds a control character; write it as an escape.");
        }
    }
}

static bool skip_digits(struct xd_json_scan *scan) {
    const uint8_t *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        scan->at++;
    }
    return scan->at > start;
}

static bool scan_number(struct xd_json_scan *scan) {
    const uint8_t *start = scan->at;
    static const char detail[] = "A number is not written as JSON has it.";
    scan->at += *start == '-';
    const uint8_t *whole = scan->at;
    if (!skip_digits(scan) || (*whole == '0' && scan->at - whole > 1)) {
        return refuse(scan, start, detail);
    }
    if (peek(scan) == '.') {
        scan->at++;
        if (!skip_digits(scan)) {
            return refuse(scan, start, detail);
        }
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        scan->at++;
        scan->at += peek(scan) == '+' || peek(scan) == '-';
        if (!skip_digits(scan)) {
            return refuse(scan, start, detail);
        }
    }
    if ((size_t)(scan->at - start) > NUMBER_SIZE_MAX) {
        return refuse(scan, start, "A number has more than 63 characters.");
    }
    return true;
}

static bool scan_word(struct xd_json_scan *scan, const char *word, size_t size) {
    if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0) {
        return refuse(scan, scan->at, "Only true, false and null are written without quotes.");
    }
    scan->at += size;
    return true;
}

static bool scan_scalar(struct xd_json_scan *scan) {
    int c = peek(scan);
    if (c == '"') {
        return scan_string(scan);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return scan_number(scan);
    }
    if (c == 't') {
        return scan_word(scan, "true", 4);
    }
    if (c == 'f') {
        return scan_word(scan, "false", 5);
    }
    if (c == 'n') {
        return scan_word(scan, "null", 4);
    }
    if (c < 0) {
        return refuse(scan, scan->at, "The text ends where a value should be.");
    }
    return refuse(scan, scan->at, "A value should be here.");
}

/* From in front of a member's name to behind its colon. */
static bool scan_key(struct xd_json_scan *scan) {
    skip_space(scan);
    scan->key = scan->at;
    if (peek(scan) != '"') {
        return refuse(scan, scan->at, "The name of a member, in quotes, should be here.");
    }
    if (!scan_string(scan)) {
        return false;
    }
    skip_space(scan);
    if (peek(scan) != ':') {
        return refuse(scan, scan->at, "A colon should follow the name of a member.");
    }
    scan->at++;
    return true;
}

static bool open_container(struct xd_json_scan *scan) {
    if (scan->depth == scan->depth_max) {
        scan->code = "too_deep";
        scan->detail = "Objects and arrays are nested too deeply.";
        return false;
    }
    scan->open[scan->depth++] = (char)*scan->at++;
    return true;
}

/* Behind a value: closes what ends here and steps to where the next value
 * begins; *more is false at the end of the text. */
static bool scan_behind_value(struct xd_json_scan *scan, bool *more) {
    for (; scan->depth > 0; scan->depth--) {
        bool object = scan->open[scan->depth - 1] == '{';
        skip_space(scan);
        int c = peek(scan);
        if (c == ',') {
            scan->at++;
            *more = true;
            return !object || scan_key(scan);
        }
        if (c != (object ? '}' : ']')) {
            return refuse(scan, scan->at,
                          c < 0    ? "The text ends inside an object or array."
                          : object ? "A comma or } should follow a member."
                                   : "A comma or ] should follow an element.");
        }
        scan->at++;
    }
    *more = false;
    skip_space(scan);
    return scan->at == scan->end || refuse(scan, scan->at, "Something follows the end of the JSON text.");
}

/* One value, or the opening of a container and what leads to its first value.
 * *behind tells whether a value is complete. */
static bool scan_value(struct xd_json_scan *scan, bool *behind) {
    int c = peek(scan);
    *behind = true;
    if (c != '{' && c != '[') {
        return scan_scalar(scan);
    }
    if (!open_container(scan)) {
        return false;
    }
    skip_space(scan);
    if (peek(scan) == (c == '{' ? '}' : ']')) {
        scan->at++;
        scan->depth--;
        return true;
    }
    *behind = false;
    return c == '[' || scan_key(scan);
}

void xd_json_scan_init(struct xd_json_scan *scan, struct xd_bytes text, unsigned depth_max,
                       size_t stop_value) {
    scan->start = scan->at = scan->key = text.data;
    scan->end = text.size == 0 ? text.data : text.data + text.size;
    scan->values = 0;
    scan->stop_value = stop_value;
    scan->depth = 0;
    scan->depth_max = depth_max < XD_JSON_NESTING_MAX ? depth_max : XD_JSON_NESTING_MAX;
}

bool xd_json_scan_text(struct xd_json_scan *scan) {
    bool more = true;
    while (more) {
        bool behind = false;
        skip_space(scan);
        if (scan->values++ == scan->stop_value) {
            return true;
        }
        if (!scan_value(scan, &behind) || (behind && !scan_behind_value(scan, &more))) {
            return false;
        }
    }
    return true;
}
