/* Lists of RabbitMQ's management API. Whatever cJSON and our own strict reader take for an array of flat
 * objects is read, with the values where they stand; no value lies outside of the text. */
#include "fuzz/fuzz.h"

#include "base/memory.h"
#include "rabbitadmin/rows.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 20u

static const char *const wanted[] = {"name", "state", "node"};
#define WANTED (sizeof wanted / sizeof wanted[0])

struct seen {
    struct xd_bytes text;
    const cJSON *row; /* NULL: nothing to compare with */
    size_t count;
};

/* A text without escapes stands as it is; a number or literal reads as itself. */
static void compare(const cJSON *member, struct xd_bytes value) {
    if (member == NULL || cJSON_IsNull(member) || cJSON_IsArray(member) || cJSON_IsObject(member)) {
        CHECK(value.data == NULL);
        return;
    }
    CHECK(value.data != NULL);
    if (cJSON_IsString(member) && (value.size == 0 || memchr(value.data, '\\', value.size) == NULL)) {
        CHECK(xd_bytes_equal(value, xd_bytes_of_text(member->valuestring)));
    }
    if (cJSON_IsBool(member)) {
        CHECK(xd_bytes_equal(value, xd_bytes_of_text(cJSON_IsTrue(member) ? "true" : "false")));
    }
}

static void take(void *context, const struct xd_bytes *values) {
    struct seen *seen = context;
    for (size_t i = 0; i < WANTED; i++) {
        CHECK(values[i].data == NULL ||
              (values[i].data >= seen->text.data &&
               values[i].data + values[i].size <= seen->text.data + seen->text.size));
        if (seen->row != NULL) {
            compare(cJSON_GetObjectItemCaseSensitive(seen->row, wanted[i]), values[i]);
        }
    }
    seen->row = seen->row != NULL ? seen->row->next : NULL;
    seen->count++;
}

/* A name that is written with escapes is none that is wanted, but cJSON would find it: not to be compared. */
static bool comparable(const cJSON *tree, struct xd_bytes text) {
    if (!cJSON_IsArray(tree) || (text.size > 0 && memchr(text.data, '\\', text.size) != NULL)) {
        return false;
    }
    for (const cJSON *row = tree->child; row != NULL; row = row->next) {
        if (!cJSON_IsObject(row)) {
            return false;
        }
    }
    return true;
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    xd_memory_adopt_cjson();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = fuzz_copy(data, size);
    struct xd_bytes text = xd_bytes_of(copy, size);
    struct xd_json_error error;
    struct seen seen = {.text = text};
    cJSON *tree = NULL;
    bool json = xd_json_parse(text, XD_JSON_SIZE_MAX, DEPTH_MAX, &tree, &error) == XD_OK;
    bool same = json && comparable(tree, text);
    seen.row = same ? tree->child : NULL;
    enum xd_result result = xd_rows_read(text, wanted, WANTED, take, &seen);
    CHECK(result == XD_OK || result == XD_INVALID);
    CHECK(xd_rows_read(text, wanted, WANTED, NULL, NULL) == result);
    if (same) {
        CHECK(result == XD_OK && seen.count == (size_t)cJSON_GetArraySize(tree));
    } else if (json && !cJSON_IsArray(tree)) {
        CHECK(result == XD_INVALID);
    }
    cJSON_Delete(tree);
    free(copy);
    return 0;
}
