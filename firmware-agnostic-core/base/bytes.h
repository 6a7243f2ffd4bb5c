/* Borrowed views and growing buffers of bytes. Any thread, one at a time. */
#ifndef XD_BASE_BYTES_H
#define XD_BASE_BYTES_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed view: whoever hands one out says until when it is valid. */
struct xd_bytes {
    const uint8_t *data;
    size_t size; /* bytes */
};

struct xd_bytes xd_bytes_of(const void *data, size_t size);
struct xd_bytes xd_bytes_of_text(const char *text); /* NULL gives no bytes */
bool xd_bytes_equal(struct xd_bytes a, struct xd_bytes b);
/* size: of out, at least 1. Cut to fit, terminated; NULL is "". */
void xd_copy(char *out, size_t size, const char *text);

/* The eight bytes from there on as a number, the first one the lowest, whatever the machine's own order.
 * Written out, for compilers see one load in this and none in a loop. */
static inline uint64_t xd_little_endian(const uint8_t *data) {
    return (uint64_t)data[0] | (uint64_t)data[1] << 8 | (uint64_t)data[2] << 16 | (uint64_t)data[3] << 24 |
           (uint64_t)data[4] << 32 | (uint64_t)data[5] << 40 | (uint64_t)data[6] << 48 |
           (uint64_t)data[7] << 56;
}

/* A growing buffer with a hard limit. Failure sticks: after an append that
 * could not be done (no memory, over the limit) every later append does
 * nothing, and xd_buffer_result says why; so a writer checks once, at the end.
 * Contents are always zero-terminated behind `size`. */
struct xd_buffer {
    uint8_t *data; /* owned; NULL while empty */
    size_t size;
    size_t capacity;
    size_t limit; /* bytes, without the terminator; 0 = XD_BUFFER_LIMIT */
    enum xd_result result;
};

#define XD_BUFFER_LIMIT ((size_t)64 * 1024 * 1024)

void xd_buffer_init(struct xd_buffer *buffer, size_t limit);
/* Room for that much more, so that what follows grows nothing; a failure shows with the first append. */
void xd_buffer_reserve(struct xd_buffer *buffer, size_t size);
void xd_buffer_free(struct xd_buffer *buffer);  /* leaves it initialised, empty */
void xd_buffer_clear(struct xd_buffer *buffer); /* keeps the memory, forgets failure */
void xd_buffer_add(struct xd_buffer *buffer, const void *data, size_t size);
void xd_buffer_text(struct xd_buffer *buffer, const char *text);
void xd_buffer_byte(struct xd_buffer *buffer, uint8_t byte);
void xd_buffer_format(struct xd_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* text as a JSON string with its quotes; NULL writes null. */
void xd_buffer_json(struct xd_buffer *buffer, const char *text);
void xd_buffer_hex(struct xd_buffer *buffer, const void *data, size_t size);

/* XD_OK, XD_NO_MEMORY or XD_FULL. */
XD_CHECKED enum xd_result xd_buffer_result(const struct xd_buffer *buffer);
/* Valid until the next append, clear or free. */
struct xd_bytes xd_buffer_view(const struct xd_buffer *buffer);
/* The contents as zero-terminated text, "" when empty; same lifetime. */
const char *xd_buffer_string(const struct xd_buffer *buffer);
/* Gives the memory away (the caller frees it with xd_free) and leaves the
 * buffer empty; NULL when it failed. An empty buffer gives "". */
char *xd_buffer_take(struct xd_buffer *buffer);

/* Whether data is well-formed UTF-8 (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF). */
bool xd_utf8_valid(struct xd_bytes text);
/* How many bytes at the start of text are well-formed: where it goes wrong, or where it may be cut. */
size_t xd_utf8_prefix(struct xd_bytes text);
/* Puts '?' in place of control characters, and of bytes that are no UTF-8 (a character that was cut, say):
 * for a sentence that quotes a stranger. Its length stays. */
void xd_text_make_printable(char *text);
/* How many bytes at the start of text stand for themselves inside a JSON string: ASCII without controls,
 * quote and backslash. */
size_t xd_json_plain_prefix(struct xd_bytes text);

#endif
