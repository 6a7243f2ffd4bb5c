/* The last word about an order, read from its timeline. */
#include "hub/orchestration/ending.h"

#include "base/json.h"
#include "hub/hub_internal.h"

#include <string.h>

#define DETAIL_MAX 4096u
#define DETAIL_DEPTH 8u

struct reading {
    struct xd_ending *out;
    bool found;
};

/* A cancellation of some lines has a reason and no code. */
static enum xd_result read_step(void *context, const struct xd_timeline_row *row) {
    struct reading *reading = context;
    struct xd_json_error error;
    cJSON *tree = NULL;
    if (strcmp(row->step, "order.cancelled") != 0 && strcmp(row->step, "order.rejected") != 0 &&
        strcmp(row->step, "order.cancel_requested") != 0) {
        return XD_OK;
    }
    enum xd_result result =
        xd_json_parse(xd_bytes_of_text(row->detail), DETAIL_MAX, DETAIL_DEPTH, &tree, &error);
    if (result != XD_OK) {
        return result == XD_INVALID ? XD_CORRUPT : result; /* we wrote it */
    }
    const char *code = xd_json_text(tree, "code"), *detail = xd_json_text(tree, "detail");
    xd_copy(reading->out->code, sizeof reading->out->code, code != NULL ? code : "cancelled");
    xd_copy(reading->out->detail, sizeof reading->out->detail,
            detail != NULL ? detail : xd_json_text(tree, "reason"));
    xd_copy(reading->out->by, sizeof reading->out->by, xd_json_text(tree, "by"));
    reading->found = true;
    cJSON_Delete(tree);
    return XD_OK;
}

enum xd_result xd_ending_read(const struct xd_hub_store *store, const char *order_id, struct xd_ending *out) {
    struct reading reading = {.out = out};
    memset(out, 0, sizeof *out);
    enum xd_result result = store->timeline_each(store->context, order_id, read_step, &reading);
    return result == XD_OK && !reading.found ? XD_NOT_FOUND : result;
}
