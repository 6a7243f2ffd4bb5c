/* The tree of the connectors, against cJSON's of the same text: both must find the same. */
#include "fuzz/fuzz.h"

#include "base/json.h"
#include "shared/json_tree.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16u

static enum xd_node_kind kind_of(const cJSON *other) {
    if (cJSON_IsNull(other)) {
        return XD_NODE_NULL;
    }
    if (cJSON_IsBool(other)) {
        return cJSON_IsTrue(other) ? XD_NODE_TRUE : XD_NODE_FALSE;
    }
    if (cJSON_IsNumber(other)) {
        return XD_NODE_NUMBER;
    }
    if (cJSON_IsString(other)) {
        return XD_NODE_TEXT;
    }
    return cJSON_IsArray(other) ? XD_NODE_ARRAY : XD_NODE_OBJECT;
}

static void check_scalar(const struct xd_node *node, const cJSON *other) {
    const char *text = xd_node_scalar(node);
    CHECK((text != NULL) == (cJSON_IsString(other) || cJSON_IsNumber(other) || cJSON_IsBool(other)));
    if (cJSON_IsString(other)) {
        CHECK(strcmp(text, other->valuestring) == 0);
    } else if (cJSON_IsBool(other)) {
        CHECK(strcmp(text, cJSON_IsTrue(other) ? "true" : "false") == 0);
    } else if (cJSON_IsNumber(other)) {
        CHECK(strtod(text, NULL) == other->valuedouble);
    }
    CHECK(cJSON_IsNumber(other) || xd_node_int_of(node) == 0);
}

static void check_same(const struct xd_node *node, const cJSON *other) {
    struct xd_decimal value;
    size_t count = 0;
    CHECK(node != NULL && node->kind == kind_of(other));
    check_scalar(node, other);
    if (xd_node_decimal(node, &value) == XD_OK) {
        CHECK(node->kind == XD_NODE_NUMBER || node->kind == XD_NODE_TEXT);
    }
    const struct xd_node *child = node->child;
    for (const cJSON *at = other->child; at != NULL; at = at->next) {
        CHECK(child != NULL);
        if (cJSON_IsObject(other)) {
            CHECK(strcmp(child->name, at->string) == 0);
            CHECK(xd_node_member(node, at->string) == child);
        } else {
            CHECK(child->name == NULL && xd_node_at(node, count) == child);
        }
        check_same(child, at);
        child = child->next;
        count++;
    }
    CHECK(child == NULL && node->count == count);
    CHECK(xd_node_at(node, count) == NULL);
    CHECK(xd_node_member(node, "no such member\x01") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct xd_json_error error;
    struct xd_arena arena = {NULL};
    const struct xd_node *root, *shallow;
    cJSON *tree = NULL;
    uint8_t *copy = fuzz_copy(data, size);
    struct xd_bytes text = xd_bytes_of(copy, size);
    enum xd_result parsed = xd_json_parse(text, XD_JSON_SIZE_MAX, DEPTH_MAX, &tree, &error);
    enum xd_result result = xd_node_parse(&arena, text, XD_NODE_DEPTH_MAX, &root);
    enum xd_result bounded = xd_node_parse(&arena, text, DEPTH_MAX, &shallow);
    CHECK(result == XD_OK || (result == XD_INVALID && root == NULL));
    CHECK(bounded == XD_OK || (bounded == XD_INVALID && shallow == NULL));
    CHECK(bounded != XD_OK || result == XD_OK);
    free(copy);            /* the tree stands alone */
    if (parsed == XD_OK) { /* which also refuses members that come twice */
        CHECK(result == XD_OK && bounded == XD_OK);
        check_same(root, tree);
        check_same(shallow, tree);
        cJSON_Delete(tree);
    }
    if (result == XD_OK) {
        (void)xd_node_path(root, "0.a.1.b");
        (void)xd_node_path(root, "..");
        CHECK(xd_node_path(root, ".") == root);
    }
    xd_arena_free(&arena);
    return 0;
}
