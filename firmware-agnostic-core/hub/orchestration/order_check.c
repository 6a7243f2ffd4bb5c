/* The releases' rests are taken away from a copy of the order's lines: nothing may be left there. */
#include "hub/orchestration/order_check.h"

#include "hub/orchestration/conduct.h"

#include <string.h>

static struct xd_decimal *column_of(struct xd_order_line_row *line, int stage) {
    return stage == XD_STAGE_PENDING     ? &line->pending
           : stage == XD_STAGE_ALLOCATED ? &line->allocated
                                         : &line->released;
}

static enum xd_result take_away(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    bool *fine = context;
    for (size_t index = 0; index < work->lines.count; index++) {
        const struct xd_release_line_row *released = &work->lines.rows[index];
        struct xd_order_line_row *line = xd_conduct_line(conduct, released->line_id);
        struct xd_decimal *column = line == NULL ? NULL : column_of(line, work->row.stage);
        struct xd_decimal rest = xd_release_line_rest(released);
        *fine = *fine && column != NULL && xd_decimal_subtract(*column, rest, column) == XD_OK;
    }
    return XD_OK;
}

static bool nothing_is_left(const struct xd_conduct *conduct) {
    bool nothing = true;
    for (size_t index = 0; index < conduct->lines.count && nothing; index++) {
        const struct xd_order_line_row *line = &conduct->lines.rows[index];
        nothing = xd_decimal_is_zero(line->pending) && xd_decimal_is_zero(line->allocated) &&
                  xd_decimal_is_zero(line->released);
    }
    return nothing;
}

enum xd_result xd_hub_order_check(struct xd_hub *hub, const char *order_id, struct xd_now now, bool *fine) {
    struct xd_conduct conduct;
    *fine = false;
    enum xd_result result = xd_conduct_open(&conduct, hub, order_id, now);
    if (result == XD_OK) {
        struct xd_order_row row = xd_conduct_row(&conduct);
        *fine = row.status == conduct.order.status;
        for (size_t index = 0; index < conduct.lines.count; index++) {
            *fine = *fine && xd_order_line_check(&conduct.lines.rows[index]);
        }
        result = xd_conduct_each_release(&conduct, take_away, fine);
        *fine = *fine && nothing_is_left(&conduct);
    }
    xd_conduct_close(&conduct);
    return result;
}
