/* Writes JSON objects member by member into a buffer, commas included. Member
 * names are ours and need no escaping. Used by the documents' writers only;
 * failure sticks to the buffer. */
#ifndef XD_DOCUMENTS_WRITER_H
#define XD_DOCUMENTS_WRITER_H

#include "base/crypto.h"
#include "base/decimal.h"
#include "base/time.h"

#include <cjson/cJSON.h>

struct xd_writer {
    struct xd_buffer *out;
    bool comma; /* whether something stands before the next member */
};

/* Opens with '{' or '[' and closes with '}' or ']'. name NULL: an element. */
void xd_writer_begin(struct xd_writer *writer, const char *name, char bracket);
void xd_writer_end(struct xd_writer *writer, char bracket);
/* The member's name and colon (or the comma before an element); its value follows. */
void xd_writer_name(struct xd_writer *writer, const char *name);
void xd_writer_text(struct xd_writer *writer, const char *name, const char *text); /* NULL: left out */
void xd_writer_integer(struct xd_writer *writer, const char *name, int64_t value);
void xd_writer_u64(struct xd_writer *writer, const char *name, uint64_t value); /* as a decimal string */
void xd_writer_boolean(struct xd_writer *writer, const char *name, bool value);
void xd_writer_time(struct xd_writer *writer, const char *name, xd_ms time);
void xd_writer_decimal(struct xd_writer *writer, const char *name, struct xd_decimal value);
void xd_writer_hash(struct xd_writer *writer, const char *name, const struct xd_hash *hash);
void xd_writer_tree(struct xd_writer *writer, const char *name, const cJSON *tree); /* NULL: left out */

#endif
