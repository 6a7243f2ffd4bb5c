/* A parsed document: the cJSON tree, its content hash and an arena.
 *
 * The arena is a list of blocks; memory is handed out from the newest one and
 * given back all at once. Blocks come zeroed and no byte is handed out twice,
 * so every piece is zeroed. */
#include "base/memory.h"
#include "documents/schema.h"

#include <stddef.h>

#define ARENA_BLOCK_SIZE ((size_t)2048)

struct xd_arena_block {
    struct xd_arena_block *next;
    size_t used, size;
    max_align_t bytes[];
};

/* What the content hash leaves out: it names the content, not a copy of it. */
static const char *const not_hashed[] = {"content_hash", "observed_at", "raw_ref", NULL};

static void report_json_error(const struct xd_json_error *error, struct xd_problems *problems) {
    xd_problem_add(problems, error->code, "", "line %u, column %u (byte %zu): %s", error->line, error->column,
                   error->offset, error->detail);
}

void *xd_document_alloc(struct xd_document *document, size_t size) {
    const size_t unit = sizeof(max_align_t);
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + unit - 1) / unit * unit;
    struct xd_arena_block *block = document->arena;
    if (block == NULL || block->size - block->used < size) {
        size_t capacity = size > ARENA_BLOCK_SIZE ? size : ARENA_BLOCK_SIZE;
        block = xd_alloc(sizeof *block + capacity);
        if (block == NULL) {
            return NULL;
        }
        block->size = capacity;
        block->next = document->arena;
        document->arena = block;
    }
    void *memory = block->bytes + block->used / unit;
    block->used += size;
    return memory;
}

enum xd_result xd_document_hash(const cJSON *tree, struct xd_hash *out) {
    struct xd_buffer canonical;
    xd_buffer_init(&canonical, 0);
    xd_json_canonical(tree, not_hashed, &canonical);
    enum xd_result result = xd_buffer_result(&canonical);
    if (result == XD_OK) {
        *out = xd_sha256(xd_buffer_view(&canonical));
    }
    xd_buffer_free(&canonical);
    return result;
}

void xd_document_free(struct xd_document *document) {
    cJSON_Delete(document->tree);
    document->tree = NULL;
    while (document->arena != NULL) {
        struct xd_arena_block *next = document->arena->next;
        xd_free(document->arena);
        document->arena = next;
    }
}

enum xd_result xd_document_parse(struct xd_bytes raw, struct xd_document *document,
                                 struct xd_problems *problems) {
    *document = (struct xd_document){0};
    struct xd_json_error error = {0};
    enum xd_result result = xd_json_parse(raw, XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX, &document->tree, &error);
    if (result != XD_OK) {
        document->tree = NULL;
        if (result == XD_INVALID) {
            report_json_error(&error, problems);
        }
        return result;
    }
    if (!cJSON_IsObject(document->tree)) {
        xd_problem_add(problems, "not_an_object", "", "a document is a JSON object: {...}");
        return XD_INVALID;
    }
    return xd_document_hash(document->tree, &document->hash);
}
