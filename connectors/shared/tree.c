/* libyaml's events become nodes.
 *
 * Of YAML only maps, sequences and scalars are taken. Anchors and aliases (which
 * let a small file unfold into a huge one), tags, a second document, keys that
 * are no scalars and keys given twice are refused where they stand. Depth is
 * bounded by XD_TREE_DEPTH_MAX, a node's children by XD_TREE_CHILDREN_MAX. */
#include "shared/tree.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct xd_tree_block {
    struct xd_tree_block *next;
    size_t size;
    max_align_t data[];
};

struct parser {
    struct xd_tree_memory *memory;
    yaml_parser_t yaml;
    struct xd_bytes text;
    char *why;
    struct xd_tree_mark *at;
};

static struct xd_tree_mark mark_of(const yaml_mark_t *mark) {
    return (struct xd_tree_mark){.line = mark->line + 1, .column = mark->column + 1};
}

static enum xd_result refuse(const struct parser *parser, const yaml_event_t *event, const char *why) {
    snprintf(parser->why, XD_TREE_WHY_SIZE, "%s", why);
    *parser->at = mark_of(&event->start_mark);
    return XD_INVALID;
}

/* Where an offset stands, for what libyaml's reader refuses (it knows no lines yet). */
static struct xd_tree_mark mark_of_offset(struct xd_bytes text, size_t offset) {
    struct xd_tree_mark mark = {1, 1};
    for (size_t i = 0; i < offset && i < text.size; i++) {
        bool line_end = text.data[i] == '\n';
        mark.line += line_end ? 1 : 0;
        mark.column = line_end ? 1 : mark.column + 1;
    }
    return mark;
}

static enum xd_result yaml_failure(const struct parser *parser) {
    const yaml_parser_t *yaml = &parser->yaml;
    if (yaml->error == YAML_MEMORY_ERROR) {
        return XD_NO_MEMORY;
    }
    if (yaml->error == YAML_READER_ERROR) {
        *parser->at = mark_of_offset(parser->text, yaml->problem_offset);
    } else {
        *parser->at = mark_of(&yaml->problem_mark);
    }
    snprintf(parser->why, XD_TREE_WHY_SIZE, "%s%s%s", yaml->problem != NULL ? yaml->problem : "not YAML",
             yaml->context != NULL ? ", " : "", yaml->context != NULL ? yaml->context : "");
    return XD_INVALID;
}

static enum xd_result next_event(struct parser *parser, yaml_event_t *event) {
    return yaml_parser_parse(&parser->yaml, event) ? XD_OK : yaml_failure(parser);
}

/* What no node may carry. */
static enum xd_result check_event(const struct parser *parser, const yaml_event_t *event) {
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse(parser, event, "aliases (*name) are not allowed: write the value out");
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    default:
        break;
    }
    if (anchor != NULL) {
        return refuse(parser, event, "anchors (&name) are not allowed: write the value out");
    }
    return tag == NULL ? XD_OK : refuse(parser, event, "tags (!name) are not allowed");
}

static enum xd_result scalar_text(struct parser *parser, const yaml_event_t *event, const char **text) {
    const yaml_char_t *value = event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (memchr(value, 0, size) != NULL) {
        return refuse(parser, event, "a zero byte is not allowed");
    }
    *text = xd_tree_copy(parser->memory, value, size);
    return *text == NULL ? XD_NO_MEMORY : XD_OK;
}

static enum xd_result parse_node(struct parser *parser, const yaml_event_t *event, int depth, size_t siblings,
                                 struct xd_tree_node **out);

/* Reads a map's key; *done when the map ends instead. */
static enum xd_result parse_key(struct parser *parser, const struct xd_tree_node *map, const char **key,
                                struct xd_tree_mark *at, bool *done) {
    yaml_event_t event;
    enum xd_result result = next_event(parser, &event);
    if (result != XD_OK) {
        return result;
    }
    *done = event.type == YAML_MAPPING_END_EVENT;
    result = check_event(parser, &event);
    if (result == XD_OK && !*done && event.type != YAML_SCALAR_EVENT) {
        result = refuse(parser, &event, "a key must be a plain name");
    }
    if (result == XD_OK && !*done) {
        *at = mark_of(&event.start_mark);
        result = scalar_text(parser, &event, key);
        if (result == XD_OK && xd_tree_child(map, *key, strlen(*key)) != NULL) {
            char why[XD_TREE_WHY_SIZE];
            snprintf(why, sizeof why, "key \"%s\" is given twice", *key);
            result = refuse(parser, &event, why);
        }
    }
    yaml_event_delete(&event);
    return result;
}

/* Reads a node's children up to its end event. */
static enum xd_result parse_children(struct parser *parser, struct xd_tree_node *node, int depth) {
    struct xd_tree_node **tail = &node->children;
    for (;;) {
        const char *key = NULL;
        struct xd_tree_mark key_at = {0, 0};
        bool done = false;
        enum xd_result result = XD_OK;
        if (node->kind == XD_TREE_MAP) {
            result = parse_key(parser, node, &key, &key_at, &done);
        }
        if (result != XD_OK || done) {
            return result;
        }
        yaml_event_t event;
        result = next_event(parser, &event);
        if (result != XD_OK) {
            return result;
        }
        done = event.type == YAML_SEQUENCE_END_EVENT;
        struct xd_tree_node *child = NULL;
        if (!done) {
            result = parse_node(parser, &event, depth + 1, node->child_count, &child);
        }
        yaml_event_delete(&event);
        if (result != XD_OK || done) {
            return result;
        }
        child->key = key;
        child->key_at = key_at;
        *tail = child;
        tail = &child->next;
        node->child_count++;
    }
}

static enum xd_result parse_node(struct parser *parser, const yaml_event_t *event, int depth, size_t siblings,
                                 struct xd_tree_node **out) {
    enum xd_result result = check_event(parser, event);
    if (result != XD_OK) {
        return result;
    }
    if (depth > XD_TREE_DEPTH_MAX) {
        return refuse(parser, event, "nested too deeply");
    }
    if (siblings >= XD_TREE_CHILDREN_MAX) {
        return refuse(parser, event, "too many entries in one place");
    }
    struct xd_tree_node *node = xd_tree_alloc(parser->memory, sizeof *node);
    if (node == NULL) {
        return XD_NO_MEMORY;
    }
    node->at = mark_of(&event->start_mark);
    *out = node;
    if (event->type == YAML_SCALAR_EVENT) {
        node->kind = XD_TREE_SCALAR;
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        return scalar_text(parser, event, &node->text);
    }
    node->kind = event->type == YAML_MAPPING_START_EVENT ? XD_TREE_MAP : XD_TREE_SEQUENCE;
    return parse_children(parser, node, depth);
}

static enum xd_result empty_map(struct parser *parser, struct xd_tree_node **root) {
    *root = xd_tree_alloc(parser->memory, sizeof **root);
    if (*root == NULL) {
        return XD_NO_MEMORY;
    }
    (*root)->kind = XD_TREE_MAP;
    (*root)->at = (struct xd_tree_mark){1, 1};
    return XD_OK;
}

/* Takes events up to the end of the stream; the first node is the root. */
static enum xd_result parse_stream(struct parser *parser, struct xd_tree_node **root) {
    *root = NULL;
    for (;;) {
        yaml_event_t event;
        enum xd_result result = next_event(parser, &event);
        if (result != XD_OK) {
            return result;
        }
        bool end = event.type == YAML_STREAM_END_EVENT;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
        case YAML_STREAM_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (*root != NULL) {
                result = refuse(parser, &event, "a second document is not allowed");
            }
            break;
        default:
            result = parse_node(parser, &event, 1, 0, root);
            break;
        }
        yaml_event_delete(&event);
        if (result != XD_OK) {
            return result;
        }
        if (end) {
            return *root == NULL ? empty_map(parser, root) : XD_OK;
        }
    }
}

void *xd_tree_alloc(struct xd_tree_memory *memory, size_t size) {
    struct xd_tree_block *block =
        size > SIZE_MAX - sizeof *block ? NULL : xd_alloc(offsetof(struct xd_tree_block, data) + size);
    if (block == NULL) {
        return NULL;
    }
    block->next = memory->blocks;
    block->size = size;
    memory->blocks = block;
    return block->data;
}

char *xd_tree_copy(struct xd_tree_memory *memory, const void *data, size_t size) {
    char *copy = xd_tree_alloc(memory, size + 1);
    if (copy != NULL) {
        memcpy(copy, data, size);
    }
    return copy;
}

void xd_tree_free(struct xd_tree_memory *memory) {
    while (memory->blocks != NULL) {
        struct xd_tree_block *block = memory->blocks;
        memory->blocks = block->next;
        explicit_bzero(block->data, block->size);
        xd_free(block);
    }
}

enum xd_result xd_tree_parse(struct xd_tree_memory *memory, struct xd_bytes text, struct xd_tree_node **root,
                             char *why, struct xd_tree_mark *at) {
    struct parser parser = {.memory = memory, .text = text, .why = why, .at = at};
    if (!yaml_parser_initialize(&parser.yaml)) {
        return XD_NO_MEMORY;
    }
    yaml_parser_set_encoding(&parser.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser.yaml, text.data, text.size);
    enum xd_result result = parse_stream(&parser, root);
    yaml_parser_delete(&parser.yaml);
    return result;
}

const struct xd_tree_node *xd_tree_child(const struct xd_tree_node *map, const char *key, size_t key_size) {
    for (const struct xd_tree_node *child = map == NULL ? NULL : map->children; child != NULL;
         child = child->next) {
        if (child->key != NULL && strlen(child->key) == key_size && memcmp(child->key, key, key_size) == 0) {
            return child;
        }
    }
    return NULL;
}

bool xd_tree_is_null(const struct xd_tree_node *node) {
    return node->kind == XD_TREE_SCALAR && node->plain &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}
