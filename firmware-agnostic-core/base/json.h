/* JSON from strangers: bounded parsing, JSON pointers, the canonical form.
 *
 * cJSON does the parsing; this module guards it (UTF-8, depth, size, duplicate
 * members, trailing bytes) and says where the text is wrong. cJSON writes a
 * global while it parses: call on the turn's thread, or under the port's lock. */
#ifndef XD_BASE_JSON_H
#define XD_BASE_JSON_H

#include "base/bytes.h"
#include "base/result.h"

#include <cjson/cJSON.h>

#define XD_JSON_DEPTH_MAX 32u
#define XD_JSON_SIZE_MAX ((size_t)1024 * 1024)

struct xd_json_error {
    const char *code; /* malformed_json, invalid_utf8, too_deep, too_large, duplicate_member */
    size_t offset;    /* bytes from the start of the text */
    unsigned line;    /* from 1 */
    unsigned column;  /* bytes, from 1 */
    char detail[160]; /* a sentence for people */
};

/* Parses one JSON text. XD_OK: *out is owned by the caller (cJSON_Delete).
 * XD_INVALID: *error says what and where. XD_NO_MEMORY. NUL bytes, also as an
 * escape \u0000, are refused as malformed_json. */
XD_CHECKED enum xd_result xd_json_parse(struct xd_bytes text, size_t size_max, unsigned depth_max,
                                        cJSON **out, struct xd_json_error *error);

struct xd_arena;
/* The same, but the tree lives in the arena, and goes with it: cJSON_Delete MUST NOT
 * see it. A few large pieces of memory instead of two small ones for each member. */
XD_CHECKED enum xd_result xd_json_parse_into(struct xd_arena *arena, struct xd_bytes text, size_t size_max,
                                             unsigned depth_max, cJSON **out, struct xd_json_error *error);

/* Appends the canonical form: RFC 8785 member order (UTF-16 code units), no
 * white space, shortest strings; strings that are decimals lose the trailing
 * zeros of their fraction ("10.0" = "10"), whichever member holds them, so that
 * the form needs no schema and stays the same across versions. Top-level
 * members named in `without` (NULL-terminated list, may be NULL) are left out. */
void xd_json_canonical(const cJSON *tree, const char *const *without, struct xd_buffer *out);

/* Appends the tree as it is, without white space: for bytes that travel on. Its
 * canonical form is that of the text it was parsed from. */
void xd_json_print(const cJSON *tree, struct xd_buffer *out);

/* Member as text, or NULL when absent or no string. Borrowed from the tree. */
const char *xd_json_text(const cJSON *object, const char *member);
/* Member that is a decimal string or a whole JSON number >= 0 as uint64; def when absent or unfit. */
uint64_t xd_json_u64(const cJSON *object, const char *member, uint64_t def);

#endif
