/* A JSON text as a tree, for connectors that read what others answer on whatever thread they run on: nothing
 * is global, and cJSON, which keeps a global while it parses and whose memory is the turn's (base/json.h),
 * has no part in it. A number stays the text that it is, so that no quantity becomes a floating point number.
 *
 *   struct xd_arena arena = {NULL};
 *   const struct xd_node *root;
 *   if (xd_node_parse(&arena, text, 16, &root) == XD_OK)
 *       ... xd_node_scalar(xd_node_path(root, "paging.next")) ...
 *   xd_arena_free(&arena);
 *
 * Every accessor takes NULL, and a node of another kind, for "not there". All are pure; any thread, and an
 * arena is one thread's at a time. */
#ifndef XD_SHARED_JSON_TREE_H
#define XD_SHARED_JSON_TREE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/decimal.h"
#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XD_NODE_DEPTH_MAX 64u

enum xd_node_kind {
    XD_NODE_NULL,
    XD_NODE_FALSE,
    XD_NODE_TRUE,
    XD_NODE_NUMBER,
    XD_NODE_TEXT,
    XD_NODE_ARRAY,
    XD_NODE_OBJECT
};

struct xd_node {
    enum xd_node_kind kind;
    const char *name; /* of a member; else NULL */
    const char *text; /* of a text, escapes undone; of a number, as it is written; else NULL */
    struct xd_node *child, *next;
    size_t count; /* of elements or members */
};

/* Parses one text (RFC 8259), which may go afterwards: the tree lives in the arena and goes with it. It takes
 * some 30 times the text's size at worst (an array of digits). depth_max: objects and arrays within each
 * other, XD_NODE_DEPTH_MAX at most. XD_INVALID: it is no JSON, is nested deeper, is not UTF-8, holds a NUL or
 * its escape, or a number of more than 63 characters. XD_NO_MEMORY. In both cases *out is NULL, and the arena
 * may hold pieces. */
XD_CHECKED enum xd_result xd_node_parse(struct xd_arena *arena, struct xd_bytes text, unsigned depth_max,
                                        const struct xd_node **out);

/* The first member of that name; of an array, the element at index. NULL: not there. The elements behind it
 * are ->next. */
const struct xd_node *xd_node_member(const struct xd_node *node, const char *name);
const struct xd_node *xd_node_at(const struct xd_node *node, size_t index);
/* Members and elements by dots and numbers from 0: "lines.0.sku". "." is the node itself. */
const struct xd_node *xd_node_path(const struct xd_node *node, const char *path);
/* The member's text (of a number: as it is written), or NULL. */
const char *xd_node_text(const struct xd_node *node, const char *name);
/* The node's own: a text, a number as it is written, "true" or "false". NULL: of what is none of them. */
const char *xd_node_scalar(const struct xd_node *node);
/* The member as a whole number; 0 when it is none. */
int64_t xd_node_int(const struct xd_node *node, const char *name);
int64_t xd_node_int_of(const struct xd_node *node);
bool xd_node_is_true(const struct xd_node *node, const char *name);
/* A number, or a text that holds one, with or without an exponent. XD_INVALID: neither, or not exact. */
XD_CHECKED enum xd_result xd_node_decimal(const struct xd_node *node, struct xd_decimal *out);
/* The same of what xd_node_scalar gave. */
XD_CHECKED enum xd_result xd_node_decimal_of_text(const char *text, struct xd_decimal *out);

#endif
