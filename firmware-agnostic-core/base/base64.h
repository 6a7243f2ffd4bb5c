/* Base64 (RFC 4648 section 4, with padding). Pure functions; any thread. */
#ifndef XD_BASE_BASE64_H
#define XD_BASE_BASE64_H

#include "base/bytes.h"

/* Appends. */
void xd_base64_write(struct xd_bytes data, struct xd_buffer *out);
/* XD_INVALID: another character, wrong padding, or more than capacity bytes. */
XD_CHECKED enum xd_result xd_base64_parse(const char *text, uint8_t *out, size_t capacity, size_t *size);

#endif
