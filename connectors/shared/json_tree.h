/* A JSON text as a tree, for connectors that read what others answer on whatever thread
 * they run on: nothing is global (cJSON keeps a global while it parses), and a number
 * stays the text that it is, so that no quantity becomes a floating point number.
 *
 * Every accessor takes NULL, and a node of another kind, for "not there". */
#ifndef XD_SHARED_JSON_TREE_H
#define XD_SHARED_JSON_TREE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Parses one text. The tree lives in the arena and goes with it. XD_INVALID: it is no JSON, is nested deeper
 * than 32, is not UTF-8, or holds a NUL; XD_NO_MEMORY. */
XD_CHECKED enum xd_result xd_node_parse(struct xd_arena *arena, struct xd_bytes text,
                                        const struct xd_node **out);

/* The first member of that name; of an array, the element at index. NULL: not there. */
const struct xd_node *xd_node_member(const struct xd_node *node, const char *name);
const struct xd_node *xd_node_at(const struct xd_node *node, size_t index);
/* The member's text (of a number: as it is written), or NULL. */
const char *xd_node_text(const struct xd_node *node, const char *name);
/* The member as a whole number; 0 when it is none. */
int64_t xd_node_int(const struct xd_node *node, const char *name);
int64_t xd_node_int_of(const struct xd_node *node);
bool xd_node_is_true(const struct xd_node *node, const char *name);

#endif
