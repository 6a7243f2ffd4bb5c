/* Texts for people: ages, sizes, JSON made readable, and nothing that a terminal
 * could take for a command. LC_CTYPE is a UTF-8 locale (main.c). */
#ifndef XD_POSIX_CLI_TEXT_H
#define XD_POSIX_CLI_TEXT_H

#include "base/bytes.h"
#include "base/time.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* Appends text; what is not printable (control characters, escapes, marks that turn the
 * direction of writing, bytes that are no UTF-8) becomes U+FFFD. */
void xd_text_clean(struct xd_buffer *out, const char *text);
/* Columns on a terminal of a cleaned text. */
size_t xd_text_width(const char *text);

/* "12 s", "3 min", "5 h", "9 days" */
void xd_text_age(struct xd_buffer *out, xd_ms age);
/* "812 B", "64 MB", "1.5 GB" (of 1024) */
void xd_text_size(struct xd_buffer *out, int64_t bytes);
/* "2026-11-23 10:00:00.000" out of an RFC 3339 time in UTC; the text itself when it is none. */
void xd_text_time(struct xd_buffer *out, const char *time);
/* The members of an object as name=value, one after the other; null is left out. */
void xd_text_members(struct xd_buffer *out, const cJSON *object);

/* Appends a well-formed JSON text, indented; numbers and strings stay as they are. */
void xd_text_json(struct xd_buffer *out, struct xd_bytes json);

void xd_text_base64(struct xd_buffer *out, struct xd_bytes bytes);

/* A whole number of an object, or 0. */
int64_t xd_text_number(const cJSON *object, const char *member);
bool xd_text_flag(const cJSON *object, const char *member);

#endif
