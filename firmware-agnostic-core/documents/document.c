/* A parsed document: the cJSON tree and its content hash. The tree and what is read
 * from it live in one arena. */
#include "documents/schema.h"

#include <string.h>

#define CANONICAL_USUAL ((size_t)2000) /* most documents are no longer */

/* What the content hash leaves out: it names the content, not a copy of it. */
static const char *const not_hashed[] = {"content_hash", "observed_at", "raw_ref", NULL};

static void report_json_error(const struct xd_json_error *error, struct xd_problems *problems) {
    xd_problem_add(problems, error->code, "", "line %u, column %u (byte %zu): %s", error->line, error->column,
                   error->offset, error->detail);
}

void *xd_document_alloc(struct xd_document *document, size_t size) {
    void *memory = xd_arena_take(&document->arena, size);
    return memory == NULL ? NULL : memset(memory, 0, size);
}

enum xd_result xd_document_hash(const cJSON *tree, struct xd_hash *out) {
    struct xd_buffer canonical;
    xd_buffer_init(&canonical, 0);
    xd_buffer_reserve(&canonical, CANONICAL_USUAL);
    xd_json_canonical(tree, not_hashed, &canonical);
    enum xd_result result = xd_buffer_result(&canonical);
    if (result == XD_OK) {
        *out = xd_sha256(xd_buffer_view(&canonical));
    }
    xd_buffer_free(&canonical);
    return result;
}

void xd_document_free(struct xd_document *document) {
    document->tree = NULL;
    xd_arena_free(&document->arena);
}

enum xd_result xd_document_parse(struct xd_bytes raw, struct xd_document *document,
                                 struct xd_problems *problems) {
    *document = (struct xd_document){0};
    struct xd_json_error error = {0};
    enum xd_result result = xd_json_parse_into(&document->arena, raw, XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX,
                                               &document->tree, &error);
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
