/* JSON that is read where it stands: a value is a piece of a text that was checked once, and nothing is
 * built. For threads that may not use cJSON, whose memory is the turn's (base/json.h), and for answers whose
 * numbers must stay the digits that were sent. Pure; any thread.
 *
 *   struct xd_json_view root;
 *   if (xd_json_view_open(text, &root) == XD_OK)
 *       ... xd_json_view_path(root, "paging.next") ...
 *
 * Every view borrows the text. */
#ifndef XD_SHARED_JSON_VIEW_H
#define XD_SHARED_JSON_VIEW_H

#include "base/bytes.h"
#include "base/decimal.h"
#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>

#define XD_JSON_VIEW_DEPTH_MAX 64u

enum xd_json_kind {
    XD_JSON_ABSENT, /* no such value */
    XD_JSON_NULL,
    XD_JSON_BOOLEAN,
    XD_JSON_NUMBER,
    XD_JSON_TEXT,
    XD_JSON_ARRAY,
    XD_JSON_OBJECT
};

struct xd_json_view {
    enum xd_json_kind kind;
    struct xd_bytes text; /* from its first byte to its last: quotes and brackets are in it */
};

/* XD_INVALID: no UTF-8, not one JSON text (RFC 8259), or nested deeper than XD_JSON_VIEW_DEPTH_MAX. */
XD_CHECKED enum xd_result xd_json_view_open(struct xd_bytes text, struct xd_json_view *out);

/* The first member of that name; ABSENT also when object is none. */
struct xd_json_view xd_json_view_member(struct xd_json_view object, struct xd_bytes name);
/* Members and elements by dots and numbers from 0: "lines.0.sku". "." is the value itself. */
struct xd_json_view xd_json_view_path(struct xd_json_view value, const char *path);

/* for (struct xd_json_view one = xd_json_view_first(array); one.kind != XD_JSON_ABSENT;
 *      one = xd_json_view_next(array, one)) */
struct xd_json_view xd_json_view_first(struct xd_json_view array);
struct xd_json_view xd_json_view_next(struct xd_json_view array, struct xd_json_view one);

/* Appends a text without its quotes and escapes, and a number or a boolean as it is written; of others,
 * nothing. Whether it was one of the three. */
bool xd_json_view_text(struct xd_json_view value, struct xd_buffer *out);
/* A number, or a text that holds one, with or without an exponent. XD_INVALID: neither, or not exact. */
XD_CHECKED enum xd_result xd_json_view_decimal(struct xd_json_view value, struct xd_decimal *out);

#endif
