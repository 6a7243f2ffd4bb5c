/* Buffers grow by doubling, so that n appends cost O(n) copies. `capacity`
 * counts the terminator, and is never more than limit + 1.
 *
 * Invariants while data != NULL: size < capacity, data[size] == 0.
 *
 * UTF-8 is checked eight bytes at a time while it is ASCII; the rest follows
 * the table of well-formed sequences of RFC 3629, section 4. */
#include "base/bytes.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define CAPACITY_MIN ((size_t)64)

static const char hex_digits[] = "0123456789abcdef";

static size_t limit_of(const struct xd_buffer *buffer) {
    return buffer->limit == 0 ? XD_BUFFER_LIMIT : buffer->limit;
}

static void fail(struct xd_buffer *buffer, enum xd_result result) {
    if (buffer->result == XD_OK) {
        buffer->result = result;
    }
}

static bool grow(struct xd_buffer *buffer, size_t needed) {
    size_t most = limit_of(buffer) + 1;
    size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity;
    while (capacity < needed) {
        capacity = capacity > most / 2 ? most : capacity * 2;
    }
    if (capacity > most) {
        capacity = most;
    }
    uint8_t *data = xd_resize(buffer->data, capacity);
    if (data == NULL) {
        fail(buffer, XD_NO_MEMORY);
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

/* Where `size` bytes may be written, or NULL with the failure noted. */
static uint8_t *make_room(struct xd_buffer *buffer, size_t size) {
    if (buffer->result != XD_OK) {
        return NULL;
    }
    if (size >= buffer->capacity - buffer->size || buffer->data == NULL) {
        if (size > limit_of(buffer) - buffer->size) {
            fail(buffer, XD_FULL);
            return NULL;
        }
        if (!grow(buffer, buffer->size + size + 1)) {
            return NULL;
        }
    }
    return buffer->data + buffer->size;
}

static void advance(struct xd_buffer *buffer, size_t size) {
    buffer->size += size;
    buffer->data[buffer->size] = 0;
}

static bool continues(uint8_t byte) {
    return (byte & 0xC0u) == 0x80u;
}

static size_t sequence_of_three(const uint8_t *at) {
    uint8_t least = at[0] == 0xE0 ? 0xA0 : 0x80; /* else overlong */
    uint8_t most = at[0] == 0xED ? 0x9F : 0xBF;  /* else a surrogate */
    return at[1] >= least && at[1] <= most && continues(at[2]) ? 3 : 0;
}

static size_t sequence_of_four(const uint8_t *at) {
    uint8_t least = at[0] == 0xF0 ? 0x90 : 0x80; /* else overlong */
    uint8_t most = at[0] == 0xF4 ? 0x8F : 0xBF;  /* else above U+10FFFF */
    return at[1] >= least && at[1] <= most && continues(at[2]) && continues(at[3]) ? 4 : 0;
}

/* Bytes of the well-formed sequence at `at`, 0 when there is none. */
static size_t sequence_size(const uint8_t *at, size_t left) {
    if (at[0] < 0x80) {
        return 1;
    }
    if (at[0] >= 0xC2 && at[0] <= 0xDF) {
        return left >= 2 && continues(at[1]) ? 2 : 0;
    }
    if (at[0] >= 0xE0 && at[0] <= 0xEF) {
        return left >= 3 ? sequence_of_three(at) : 0;
    }
    if (at[0] >= 0xF0 && at[0] <= 0xF4) {
        return left >= 4 ? sequence_of_four(at) : 0;
    }
    return 0;
}

/* How many bytes from `at` on go into a JSON string as they are. */
static size_t plain_run(const uint8_t *at, size_t size) {
    size_t run = xd_json_plain_prefix(xd_bytes_of(at, size));
    while (run < size) {
        uint8_t byte = at[run];
        if (byte < 0x20 || byte == '"' || byte == '\\') {
            break;
        }
        size_t step = byte < 0x80 ? 1 : sequence_size(at + run, size - run);
        if (step == 0) {
            break;
        }
        run += step;
    }
    return run;
}

static void add_escape(struct xd_buffer *buffer, uint8_t byte) {
    static const char *const shorts[0x20] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    if (byte == '"') {
        xd_buffer_add(buffer, "\\\"", 2);
    } else if (byte == '\\') {
        xd_buffer_add(buffer, "\\\\", 2);
    } else if (byte >= 0x80) {
        xd_buffer_add(buffer, "\xEF\xBF\xBD", 3); /* no UTF-8: U+FFFD, so that what we write always parses */
    } else if (byte < sizeof shorts / sizeof shorts[0] && shorts[byte] != NULL) {
        xd_buffer_add(buffer, shorts[byte], 2);
    } else {
        char text[6] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 15]};
        xd_buffer_add(buffer, text, sizeof text);
    }
}

struct xd_bytes xd_bytes_of(const void *data, size_t size) {
    return (struct xd_bytes){.data = data, .size = size};
}

struct xd_bytes xd_bytes_of_text(const char *text) {
    return xd_bytes_of(text, text == NULL ? 0 : strlen(text));
}

bool xd_bytes_equal(struct xd_bytes a, struct xd_bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

void xd_copy(char *out, size_t size, const char *text) {
    text = text == NULL ? "" : text;
    size_t length = strlen(text);
    if (length >= size) {
        length = size - 1;
    }
    if (length > 0) {
        memcpy(out, text, length);
    }
    out[length] = 0;
}

void xd_buffer_init(struct xd_buffer *buffer, size_t limit) {
    *buffer = (struct xd_buffer){.limit = limit};
}

void xd_buffer_reserve(struct xd_buffer *buffer, size_t size) {
    (void)make_room(buffer, size);
}

void xd_buffer_free(struct xd_buffer *buffer) {
    xd_free(buffer->data);
    xd_buffer_init(buffer, buffer->limit);
}

void xd_buffer_clear(struct xd_buffer *buffer) {
    buffer->size = 0;
    buffer->result = XD_OK;
    if (buffer->data != NULL) {
        buffer->data[0] = 0;
    }
}

void xd_buffer_add(struct xd_buffer *buffer, const void *data, size_t size) {
    uint8_t *room = make_room(buffer, size);
    if (room == NULL) {
        return;
    }
    if (size > 0) {
        memcpy(room, data, size);
    }
    advance(buffer, size);
}

void xd_buffer_text(struct xd_buffer *buffer, const char *text) {
    if (text != NULL) {
        xd_buffer_add(buffer, text, strlen(text));
    }
}

void xd_buffer_byte(struct xd_buffer *buffer, uint8_t byte) {
    uint8_t *room = make_room(buffer, 1);
    if (room != NULL) {
        *room = byte;
        advance(buffer, 1);
    }
}

void xd_buffer_format(struct xd_buffer *buffer, const char *format, ...) {
    char *room = (char *)make_room(buffer, 0);
    if (room == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(room, buffer->capacity - buffer->size, format, arguments);
    va_end(arguments);
    if (wanted >= 0 && (size_t)wanted >= buffer->capacity - buffer->size) {
        *room = '\0'; /* should there be no room for it */
        room = (char *)make_room(buffer, (size_t)wanted);
        if (room == NULL) {
            return;
        }
        va_start(arguments, format);
        wanted = vsnprintf(room, buffer->capacity - buffer->size, format, arguments);
        va_end(arguments);
    }
    if (wanted < 0) {
        *room = '\0';
        fail(buffer, XD_NO_MEMORY);
        return;
    }
    advance(buffer, (size_t)wanted);
}

void xd_buffer_json(struct xd_buffer *buffer, const char *text) {
    if (text == NULL) {
        xd_buffer_add(buffer, "null", 4);
        return;
    }
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    size_t run = plain_run(at, left);
    uint8_t *room = make_room(buffer, left + 2);
    if (room == NULL) {
        return;
    }
    room[0] = '"';
    memcpy(room + 1, at, run);
    if (run == left) {
        room[run + 1] = '"';
        advance(buffer, run + 2);
        return;
    }
    advance(buffer, run + 1);
    while (run < left) {
        add_escape(buffer, at[run]);
        at += run + 1;
        left -= run + 1;
        run = plain_run(at, left);
        xd_buffer_add(buffer, at, run);
    }
    xd_buffer_byte(buffer, '"');
}

void xd_buffer_hex(struct xd_buffer *buffer, const void *data, size_t size) {
    const uint8_t *bytes = data;
    uint8_t *room = size > SIZE_MAX / 2 ? NULL : make_room(buffer, size * 2);
    if (room == NULL) {
        fail(buffer, XD_FULL);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        room[2 * i] = (uint8_t)hex_digits[bytes[i] >> 4];
        room[2 * i + 1] = (uint8_t)hex_digits[bytes[i] & 15];
    }
    advance(buffer, size * 2);
}

enum xd_result xd_buffer_result(const struct xd_buffer *buffer) {
    return buffer->result;
}

struct xd_bytes xd_buffer_view(const struct xd_buffer *buffer) {
    return xd_bytes_of(buffer->data, buffer->size);
}

const char *xd_buffer_string(const struct xd_buffer *buffer) {
    return buffer->data == NULL ? "" : (const char *)buffer->data;
}

char *xd_buffer_take(struct xd_buffer *buffer) {
    uint8_t *room = make_room(buffer, 0);
    if (room == NULL) {
        xd_buffer_free(buffer);
        return NULL;
    }
    *room = 0; /* fresh memory when nothing was ever added */
    char *text = (char *)buffer->data;
    xd_buffer_init(buffer, buffer->limit);
    return text;
}

size_t xd_utf8_prefix(struct xd_bytes text) {
    size_t at = 0;
    while (at < text.size) {
        uint64_t word = 0;
        while (text.size - at >= sizeof word) {
            memcpy(&word, text.data + at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) != 0) {
                break;
            }
            at += sizeof word;
        }
        if (at == text.size) {
            break;
        }
        size_t step = sequence_size(text.data + at, text.size - at);
        if (step == 0) {
            break;
        }
        at += step;
    }
    return at;
}

/* The top bits of the bytes of word that do not stand for themselves; only the lowest is to be trusted, for
 * a borrow goes upwards. */
static uint64_t special_bytes(uint64_t word) {
    return (word | (word - EACH_BYTE * 0x20) | ((word ^ EACH_BYTE * '"') - EACH_BYTE) |
            ((word ^ EACH_BYTE * '\\') - EACH_BYTE)) &
           EACH_BYTE * 0x80;
}

size_t xd_json_plain_prefix(struct xd_bytes text) {
    size_t at = 0;
    for (; text.size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t special = special_bytes(xd_little_endian(text.data + at));
        if (special != 0) {
            for (; (special & 0x80) == 0; special >>= 8) {
                at++;
            }
            return at;
        }
    }
    while (at < text.size && text.data[at] >= 0x20 && text.data[at] < 0x80 && text.data[at] != '"' &&
           text.data[at] != '\\') {
        at++;
    }
    return at;
}

bool xd_utf8_valid(struct xd_bytes text) {
    return xd_utf8_prefix(text) == text.size;
}

void xd_text_make_printable(char *text) {
    size_t size = strlen(text);
    for (size_t at = 0; at < size; at++) {
        at += xd_utf8_prefix(xd_bytes_of(text + at, size - at));
        if (at < size) {
            text[at] = '?';
        }
    }
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}
