/* Documents and lines that take back what was shipped. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define SHIPMENTS_MAX ((size_t)500) /* confirmations of one shipment */

static xd_ms time_of(const struct xd_applying *applying) {
    return applying->confirmation->shipped_at != 0 ? applying->confirmation->shipped_at : applying->now.wall;
}

/* All confirmations that the document may mean: of its shipment, and its own earlier versions. */
static enum xd_result collect_meant(struct xd_applying *applying, struct xd_confirmation_rows *out) {
    const struct xd_hub_store *store = applying->hub->config.store;
    const struct xd_confirmation_row *row = applying->row;
    enum xd_result result = store->confirmation_versions(store->context, row->site, row->confirmation_id,
                                                         xd_confirmation_collect, out);
    size_t own = out->count;
    if (result == XD_OK && row->shipment_id[0] != 0) {
        result = store->confirmation_of_shipment(store->context, row->site, row->shipment_id, SHIPMENTS_MAX,
                                                 xd_confirmation_collect, out);
    }
    size_t kept = 0;
    for (size_t index = 0; index < out->count; index++) {
        const struct xd_confirmation_row *meant = &out->rows[index];
        bool mine = strcmp(meant->confirmation_id, row->confirmation_id) == 0;
        bool fits = index < own ? meant->version < row->version : !mine;
        if (fits && (meant->kind == XD_KIND_SHIP || meant->kind == XD_KIND_SHORT_CLOSE)) {
            out->rows[kept++] = *meant;
        }
    }
    out->count = kept;
    return result;
}

static bool counts(const struct xd_confirmation_row *row) {
    return row->state == XD_CONFIRMATION_APPLIED || row->state == XD_CONFIRMATION_POSTED ||
           row->state == XD_CONFIRMATION_PARKED;
}

/* The whole shipment never happened. */
static enum xd_result void_all(struct xd_applying *applying, struct xd_confirmation_rows *meant) {
    struct xd_confirmation_row *row = applying->row;
    struct xd_reversing reversing = {
        .hub = applying->hub, .now = applying->now, .cause = row, .at = time_of(applying)};
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < meant->count && result == XD_OK; index++) {
        if (counts(&meant->rows[index])) {
            result = xd_reverse(&reversing, &meant->rows[index], XD_CONFIRMATION_REVERSED);
        }
    }
    xd_free(reversing.made);
    if (result == XD_OK) {
        result = xd_applying_complain(applying, NULL, NULL, xd_decimal_of(0), "REVERSED", true,
                                      "A shipment was taken back: what it did is undone.");
    }
    row->lines_applied = row->lines_in;
    if (result == XD_OK && row->jobs_open > 0) {
        row->state = XD_CONFIRMATION_APPLIED;
        return XD_OK;
    }
    return result == XD_OK ? xd_confirmation_posted(applying->hub, row, applying->now) : result;
}

enum xd_result xd_confirmation_void(struct xd_applying *applying) {
    const struct xd_confirmation *confirmation = applying->confirmation;
    struct xd_confirmation_rows meant = {NULL, 0, 0};
    bool named = confirmation->kind == XD_KIND_VOID || confirmation->shipment_id != NULL;
    enum xd_result result = collect_meant(applying, &meant);
    if (result == XD_OK && named && meant.count == 0) {
        result = xd_applying_park(applying, "UNKNOWN_SHIPMENT", "",
                                  "What it takes back is not known yet; it is applied by itself when that "
                                  "shipment is confirmed.");
    } else if (result == XD_OK) {
        result = confirmation->kind == XD_KIND_VOID ? void_all(applying, &meant) : XD_NOT_FOUND;
    }
    xd_free(meant.rows);
    return result;
}

enum xd_result xd_applying_reversal(struct xd_applying *applying, size_t index) {
    const struct xd_confirmation_line *line = &applying->confirmation->lines[index];
    struct xd_match *match = xd_match_of_line(applying, line);
    const struct xd_release_line_row *released = xd_match_line(match, line->line_id);
    struct xd_reversing reversing = {
        .hub = applying->hub, .now = applying->now, .cause = applying->row, .at = time_of(applying)};
    char cause[XD_CAUSE_SIZE];
    struct xd_decimal qty;
    bool converts;
    if (released == NULL) {
        return xd_applying_park_line(applying, match, index, "UNMATCHED_LINE",
                                     "The release has no such line.", "");
    }
    const struct xd_order_line_row *ordered = xd_match_order_line(match, line->line_id);
    if (ordered == NULL) {
        return XD_CORRUPT;
    }
    enum xd_result result =
        xd_confirmed_qty(applying->hub, released, ordered, line, released->sku, &converts, &qty);
    if (result == XD_OK && !converts) {
        snprintf(cause, sizeof cause, XD_CAUSE_PRODUCT "%s", released->sku);
        return xd_applying_park_line(
            applying, match, index, "UOM_MISMATCH",
            "The quantity is in a unit that does not convert into base units exactly.", cause);
    }
    if (result == XD_OK) {
        result = xd_reverse_line(&reversing, &match->row, line, qty);
    }
    xd_free(reversing.made);
    if (result == XD_NOT_FOUND) {
        snprintf(cause, sizeof cause, "shipped/%s", match->row.release_id);
        return xd_applying_park_line(applying, match, index, "UNKNOWN_SHIPMENT",
                                     "So much of it was not shipped yet; it is applied by itself when it is.",
                                     cause);
    }
    if (result == XD_OK) {
        result = xd_applying_reload(applying);
    }
    if (result == XD_OK) {
        applying->row->lines_applied++;
        result = xd_applying_complain(applying, match, line->line_id, line->qty_shipped, "REVERSED", true,
                                      "A line was taken back: what it did is undone.");
    }
    return result;
}
