/* JSON that is read where it stands, against the tree of the same text: both must find the same. */
#include "fuzz/fuzz.h"

#include "base/json.h"
#include "shared/json_view.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16u

static enum xd_json_kind kind_of(const cJSON *node) {
    if (cJSON_IsNull(node)) {
        return XD_JSON_NULL;
    }
    if (cJSON_IsBool(node)) {
        return XD_JSON_BOOLEAN;
    }
    if (cJSON_IsNumber(node)) {
        return XD_JSON_NUMBER;
    }
    if (cJSON_IsString(node)) {
        return XD_JSON_TEXT;
    }
    return cJSON_IsArray(node) ? XD_JSON_ARRAY : XD_JSON_OBJECT;
}

static void check_text(struct xd_json_view view, const cJSON *node) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    bool is_one = xd_json_view_text(view, &text);
    CHECK(xd_buffer_result(&text) == XD_OK);
    CHECK(is_one == (cJSON_IsString(node) || cJSON_IsNumber(node) || cJSON_IsBool(node)));
    if (cJSON_IsString(node)) {
        CHECK(strcmp(xd_buffer_string(&text), node->valuestring) == 0);
    } else if (cJSON_IsBool(node)) {
        CHECK(strcmp(xd_buffer_string(&text), cJSON_IsTrue(node) ? "true" : "false") == 0);
    } else if (cJSON_IsNumber(node)) {
        CHECK(strtod(xd_buffer_string(&text), NULL) == node->valuedouble);
    }
    xd_buffer_free(&text);
}

static void check_same(struct xd_json_view view, const cJSON *node) {
    struct xd_decimal value;
    struct xd_json_view one = xd_json_view_first(view);
    CHECK(view.kind == kind_of(node));
    check_text(view, node);
    if (xd_json_view_decimal(view, &value) == XD_OK) {
        CHECK(view.kind == XD_JSON_NUMBER || view.kind == XD_JSON_TEXT);
    }
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (cJSON_IsObject(node)) {
            check_same(xd_json_view_member(view, xd_bytes_of_text(child->string)), child);
        } else {
            check_same(one, child);
            one = xd_json_view_next(view, one);
        }
    }
    CHECK(one.kind == XD_JSON_ABSENT);
    CHECK(xd_json_view_member(view, xd_bytes_of_text("no such member\x01")).kind == XD_JSON_ABSENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct xd_json_error error;
    struct xd_json_view view;
    cJSON *tree = NULL;
    uint8_t *copy = fuzz_copy(data, size);
    struct xd_bytes text = xd_bytes_of(copy, size);
    enum xd_result parsed = xd_json_parse(text, XD_JSON_SIZE_MAX, DEPTH_MAX, &tree, &error);
    enum xd_result result = xd_json_view_open(text, &view);
    CHECK(result == XD_OK || (result == XD_INVALID && view.kind == XD_JSON_ABSENT));
    if (parsed == XD_OK) { /* which also refuses members that come twice */
        CHECK(result == XD_OK);
        check_same(view, tree);
        cJSON_Delete(tree);
    }
    if (result == XD_OK) {
        (void)xd_json_view_path(view, "0.a.1.b");
        (void)xd_json_view_path(view, "..");
    }
    free(copy);
    return 0;
}
