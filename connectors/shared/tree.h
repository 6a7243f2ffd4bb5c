/* A YAML file as a tree of nodes that know where they stand, and the memory that
 * everything made from that file lives in. What a file of ours means is shared/config.h's
 * to say; whoever takes an XD_CONFIG_NODE reads nodes, too. */
#ifndef XD_SHARED_TREE_H
#define XD_SHARED_TREE_H

#include "base/bytes.h"
#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>

#define XD_TREE_DEPTH_MAX 16
#define XD_TREE_CHILDREN_MAX 1024
#define XD_TREE_WHY_SIZE 256

/* Blocks of memory that are overwritten and freed together. Zero-initialise. */
struct xd_tree_block;
struct xd_tree_memory {
    struct xd_tree_block *blocks;
};

/* Zeroed memory, or NULL. */
void *xd_tree_alloc(struct xd_tree_memory *memory, size_t size);
char *xd_tree_copy(struct xd_tree_memory *memory, const void *data, size_t size); /* zero-terminated */
void xd_tree_free(struct xd_tree_memory *memory);

struct xd_tree_mark {
    size_t line, column; /* from 1 */
};

enum xd_tree_kind { XD_TREE_SCALAR, XD_TREE_MAP, XD_TREE_SEQUENCE };

struct xd_tree_node {
    enum xd_tree_kind kind;
    const char *text; /* SCALAR: never NULL, no zero byte inside */
    bool plain;       /* SCALAR: written without quotes */
    struct xd_tree_mark at;
    const char *key; /* of a map's child; NULL otherwise */
    struct xd_tree_mark key_at;
    size_t child_count;
    struct xd_tree_node *children, *next; /* in the file's order */
};

/* Parses one document. An empty one gives an empty map. XD_INVALID: why (XD_TREE_WHY_SIZE bytes)
 * and at say what is wrong; XD_NO_MEMORY. */
XD_CHECKED enum xd_result xd_tree_parse(struct xd_tree_memory *memory, struct xd_bytes text,
                                        struct xd_tree_node **root, char *why, struct xd_tree_mark *at);

/* The child of a map by its key, or NULL. map may be NULL. */
const struct xd_tree_node *xd_tree_child(const struct xd_tree_node *map, const char *key, size_t key_size);

/* Whether the node is written as nothing: an empty plain scalar, ~ or null. */
bool xd_tree_is_null(const struct xd_tree_node *node);

#endif
