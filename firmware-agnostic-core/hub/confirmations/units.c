/* Quantities are compared in base units. Where what a document says of a line has no exact form in the unit
 * in which the line counts, and has one in base units, the line counts in those from then on; what has none
 * there either is left to whoever applies the line, who parks it. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "hub/orchestration/conduct.h"

#include <string.h>

/* Whether qty of the line wants base units: it has no other exact form. */
static enum xd_result wants_base(struct xd_applying *applying, const struct xd_release_line_row *released,
                                 const struct xd_order_line_row *ordered,
                                 const struct xd_confirmation_line *line, const char *sku, bool *wants) {
    struct xd_decimal qty;
    bool converts = true;
    enum xd_result result = xd_confirmed_qty(applying->hub, released, ordered, line, sku, &converts, &qty);
    *wants = false;
    return result == XD_OK && !converts
               ? xd_confirmed_base(applying->hub, released, ordered, line, sku, wants, &qty)
               : result;
}

/* The line itself, or one of its lots. */
static enum xd_result any_wants_base(struct xd_applying *applying, const struct xd_release_line_row *released,
                                     const struct xd_order_line_row *ordered,
                                     const struct xd_confirmation_line *line, const char *sku, bool *wants) {
    struct xd_lot *lots = xd_alloc(XD_LOTS_MAX * sizeof *lots);
    size_t count = 0;
    enum xd_result result =
        lots == NULL ? XD_NO_MEMORY : wants_base(applying, released, ordered, line, sku, wants);
    if (result == XD_OK && !*wants) {
        xd_facts_lots(line, &applying->cartons, lots, &count);
    }
    for (size_t index = 0; index < count && result == XD_OK && !*wants; index++) {
        struct xd_confirmation_line part = *line;
        part.qty_shipped = lots[index].qty;
        result = wants_base(applying, released, ordered, &part, sku, wants);
    }
    xd_free(lots);
    return result;
}

static enum xd_result count_in_base(struct xd_applying *applying, const struct xd_match *match,
                                    const char *line_id) {
    struct xd_conduct conduct;
    enum xd_result result = xd_conduct_open(&conduct, applying->hub, match->order.order_id, applying->now);
    if (result == XD_OK) {
        struct xd_order_line_row *line = xd_conduct_line(&conduct, line_id);
        result = line == NULL ? XD_CORRUPT : xd_conduct_to_base(&conduct, line, NULL);
    }
    xd_conduct_close(&conduct);
    return result == XD_OK ? xd_applying_reload(applying) : result;
}

static enum xd_result look_at_line(struct xd_applying *applying, const struct xd_confirmation_line *line) {
    struct xd_match *match = xd_match_of_line(applying, line);
    const struct xd_release_line_row *released = xd_match_line(match, line->line_id);
    const struct xd_order_line_row *ordered =
        released != NULL ? xd_match_order_line(match, line->line_id) : NULL;
    enum xd_line_item item;
    char sku[XD_NAME_SIZE];
    bool wants = false;
    if (ordered == NULL || released->factor_num == released->factor_den) {
        return XD_OK;
    }
    enum xd_result result = xd_facts_item(applying->hub, released, line, &item, sku);
    if (result == XD_OK && item != XD_ITEM_OTHER) {
        result = any_wants_base(applying, released, ordered, line, sku, &wants);
    }
    if (result == XD_OK && wants) {
        result = count_in_base(applying, match, line->line_id);
    }
    return result == XD_NOT_FOUND || result == XD_INVALID ? XD_OK : result; /* so the line is parked */
}

enum xd_result xd_applying_units(struct xd_applying *applying) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < applying->confirmation->line_count && result == XD_OK; index++) {
        result = look_at_line(applying, &applying->confirmation->lines[index]);
    }
    return result;
}

enum xd_result xd_posted_in_unit_of(const struct xd_release_line_row *line, struct xd_job_line_row *posted) {
    if (line->factor_num != line->factor_den || posted->factor_num == posted->factor_den) {
        return XD_OK; /* it still counts in what it was released in, or that was posted in base units */
    }
    enum xd_result result =
        xd_decimal_ratio(posted->qty, posted->factor_num, posted->factor_den, &posted->qty);
    if (result == XD_OK) {
        result =
            xd_decimal_ratio(posted->unbilled, posted->factor_num, posted->factor_den, &posted->unbilled);
    }
    memcpy(posted->uom, line->uom, sizeof posted->uom);
    posted->factor_num = posted->factor_den = 1;
    return result;
}
