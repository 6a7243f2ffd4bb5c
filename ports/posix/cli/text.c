/* What the hub answers was typed by strangers: it is cleaned before it reaches a
 * terminal. Bytes that are no UTF-8 are replaced one by one. */
#include "posix/cli/text.h"

#include "base/json.h"
#include "posix/cli/cli.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define INDENT 2u
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

int xd_cli_fail(int status, const char *format, ...) {
    char text[2048];
    struct xd_buffer clean;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    xd_buffer_init(&clean, 0);
    for (char *line = text, *end; line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = 0;
        }
        xd_text_clean(&clean, line);
        xd_buffer_text(&clean, end != NULL && *end == 0 ? "" : "\n");
    }
    (void)fprintf(stderr, "crossdock: %s", xd_buffer_string(&clean));
    xd_buffer_free(&clean);
    return status;
}

/* ---- characters ---- */

/* The size in bytes of the well-formed character at text and its code; 0: none. */
static size_t decode(const char *text, wchar_t *code) {
    const unsigned char *byte = (const unsigned char *)text;
    size_t size = byte[0] < 0x80 ? 1 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
    if (strnlen(text, size) < size || xd_utf8_prefix(xd_bytes_of(text, size)) != size) {
        return 0;
    }
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t value = byte[0] & masks[size];
    for (size_t index = 1; index < size; index++) {
        value = value << 6 | (byte[index] & 0x3fu);
    }
    *code = (wchar_t)value;
    return size;
}

static bool printable(wchar_t code) {
    bool turns = (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0x200e ||
                 code == 0x200f || code == 0x061c;
    return code >= 0x20 && !(code >= 0x7f && code < 0xa0) && !turns;
}

void xd_text_clean(struct xd_buffer *out, const char *text) {
    while (*text != 0) {
        wchar_t code = 0;
        size_t size = decode(text, &code);
        if (size != 0 && printable(code)) {
            xd_buffer_add(out, text, size);
        } else {
            xd_buffer_text(out, REPLACEMENT);
        }
        text += size != 0 ? size : 1;
    }
}

size_t xd_text_width(const char *text) {
    size_t width = 0;
    while (*text != 0) {
        wchar_t code = 0;
        size_t size = decode(text, &code);
        int columns = size != 0 ? wcwidth(code) : 1;
        width += columns >= 0 ? (size_t)columns : 1;
        text += size != 0 ? size : 1;
    }
    return width;
}

/* ---- ages, sizes, times ---- */

void xd_text_age(struct xd_buffer *out, xd_ms age) {
    long long value = age > 0 ? age : 0;
    if (value < XD_MINUTE_MS) {
        xd_buffer_format(out, "%lld s", value / XD_SECOND_MS);
    } else if (value < XD_HOUR_MS) {
        xd_buffer_format(out, "%lld min", value / XD_MINUTE_MS);
    } else if (value < 2 * XD_DAY_MS) {
        xd_buffer_format(out, "%lld h", value / XD_HOUR_MS);
    } else {
        xd_buffer_format(out, "%lld days", value / XD_DAY_MS);
    }
}

void xd_text_size(struct xd_buffer *out, int64_t bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    bool whole = unit == 0 || value >= 10 || floor(value) == value;
    xd_buffer_format(out, whole ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void xd_text_time(struct xd_buffer *out, const char *time) {
    xd_ms parsed;
    char text[XD_TIME_TEXT_MAX];
    if (xd_time_parse(time, &parsed) != XD_OK) {
        xd_text_clean(out, time);
        return;
    }
    xd_time_write(parsed, text);
    xd_buffer_format(out, "%.10s %.12s", text, text + 11);
}

/* ---- JSON ---- */

void xd_text_members(struct xd_buffer *out, const cJSON *object) {
    const cJSON *member;
    const char *blank = "";
    cJSON_ArrayForEach(member, object) {
        if (cJSON_IsNull(member)) {
            continue;
        }
        char *text = cJSON_IsString(member) ? NULL : cJSON_PrintUnformatted(member);
        xd_buffer_text(out, blank);
        blank = " ";
        xd_text_clean(out, member->string != NULL ? member->string : "");
        xd_buffer_byte(out, '=');
        xd_text_clean(out, cJSON_IsString(member) ? member->valuestring : text != NULL ? text : "?");
        cJSON_free(text);
    }
}

static void new_line(struct xd_buffer *out, size_t depth) {
    xd_buffer_format(out, "\n%*s", (int)(depth * INDENT), "");
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The size of the string at json, quotes included. */
static size_t string_size(const uint8_t *json, const uint8_t *end) {
    const uint8_t *at = json + 1;
    while (at < end && *at != '"') {
        at += *at == '\\' ? 2 : 1;
    }
    return at < end ? (size_t)(at - json) + 1 : (size_t)(end - json);
}

void xd_text_json(struct xd_buffer *out, struct xd_bytes json) {
    const uint8_t *end = json.data + json.size;
    size_t depth = 0;
    bool opened = false; /* nothing stands yet in the container that was just opened */
    for (const uint8_t *at = json.data; at < end; at++) {
        bool closes = *at == '}' || *at == ']';
        if (is_space(*at)) {
            continue;
        }
        if (closes) {
            depth -= depth > 0 ? 1 : 0;
        }
        if (closes != opened) {
            new_line(out, depth);
        }
        opened = *at == '{' || *at == '[';
        depth += opened ? 1 : 0;
        if (*at == '"') {
            size_t size = string_size(at, end);
            xd_buffer_add(out, at, size);
            at += size - 1;
        } else {
            xd_buffer_byte(out, *at);
        }
        if (*at == ',') {
            new_line(out, depth);
        } else if (*at == ':') {
            xd_buffer_byte(out, ' ');
        }
    }
    xd_buffer_byte(out, '\n');
}

void xd_text_base64(struct xd_buffer *out, struct xd_bytes bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        unsigned group = (unsigned)bytes.data[at] << 16 | (left > 1 ? (unsigned)bytes.data[at + 1] << 8 : 0) |
                         (left > 2 ? bytes.data[at + 2] : 0);
        xd_buffer_byte(out, (uint8_t)digits[group >> 18]);
        xd_buffer_byte(out, (uint8_t)digits[group >> 12 & 63]);
        xd_buffer_byte(out, left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=');
        xd_buffer_byte(out, left > 2 ? (uint8_t)digits[group & 63] : '=');
    }
}

int64_t xd_text_number(const cJSON *object, const char *member) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, member);
    bool fits = cJSON_IsNumber(item) && fabs(item->valuedouble) <= WHOLE_MAX;
    return fits ? (int64_t)item->valuedouble : 0;
}

bool xd_text_flag(const cJSON *object, const char *member) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, member));
}
