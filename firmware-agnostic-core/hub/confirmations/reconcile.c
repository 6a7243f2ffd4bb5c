#include "hub/confirmations/reconcile.h"

#include <string.h>

enum status_means { STATUS_NONE, STATUS_COMPLETE, STATUS_FINAL, STATUS_BACKORDER };

/* Our own words, and the X12 W12-01 codes that warehouses use for them. */
static enum status_means read_status(const char *status) {
    static const struct {
        const char *word;
        enum status_means means;
    } words[] = {
        {"COMPLETE", STATUS_COMPLETE},
        {"SHIPPED", STATUS_COMPLETE},
        {"CC", STATUS_COMPLETE},
        {"CL", STATUS_COMPLETE},
        {"SHORT_FINAL", STATUS_FINAL},
        {"CANCELLED", STATUS_FINAL},
        {"CP", STATUS_FINAL},
        {"CU", STATUS_FINAL},
        {"IC", STATUS_FINAL},
        {"DS", STATUS_FINAL},
        {"BACKORDER", STATUS_BACKORDER},
        {"PARTIAL", STATUS_BACKORDER},
        {"BP", STATUS_BACKORDER},
        {"BO", STATUS_BACKORDER},
    };
    for (size_t index = 0; status != NULL && index < sizeof words / sizeof words[0]; index++) {
        if (strcmp(words[index].word, status) == 0) {
            return words[index].means;
        }
    }
    return STATUS_NONE;
}

static void park(struct xd_line_decision *out, const char *code, const char *detail) {
    out->park = true;
    out->code = code;
    out->detail = detail;
}

static bool parks(const struct xd_release_line_row *release, const struct xd_confirmation_line *line,
                  struct xd_line_decision *out) {
    if (release == NULL) {
        park(out, "UNMATCHED_LINE", "The release has no such line.");
    } else if (line->reversal) {
        park(out, "REVERSED", "A line is taken back; a person decides how the posting is undone.");
    } else if (strcmp(line->sku, release->sku) != 0) {
        bool substitute = line->original_sku != NULL && strcmp(line->original_sku, release->sku) == 0;
        park(out, substitute ? "UNAUTHORISED_SUBSTITUTE" : "UNMATCHED_LINE",
             substitute ? "Another item was shipped for the one ordered."
                        : "The line was released for another item.");
    } else if (strcmp(line->uom, release->uom) != 0) {
        park(out, "UOM_MISMATCH", "The quantity is in a unit that does not convert exactly.");
    }
    return out->park;
}

/* Within tolerance: (over so far + over now) * 100 <= released * percent. */
static enum xd_result within_tolerance(const struct xd_release_line_row *release, struct xd_decimal over,
                                       const struct xd_policies *policies, bool *within) {
    struct xd_decimal total, hundredfold = {0, 0}, allowed = {0, 0};
    enum xd_result result = xd_decimal_add(release->over, over, &total);
    if (result == XD_OK) {
        result = xd_decimal_multiply(total, xd_decimal_of(100), &hundredfold);
    }
    if (result == XD_OK) {
        result = xd_decimal_multiply(release->qty, policies->over_tolerance_pct, &allowed);
    }
    *within = result == XD_OK && xd_decimal_compare(hundredfold, allowed) <= 0;
    return result;
}

static void settle_remainder(struct xd_line_decision *out, enum status_means means,
                             const struct xd_policies *policies) {
    if (means == STATUS_FINAL || (means == STATUS_NONE && policies->unshipped_means == XD_UNSHIPPED_CLOSED)) {
        out->remainder = XD_REMAINDER_CANCEL;
        out->code = "SHORT_CLOSED";
        out->info = true;
        out->detail = "The rest of the line will not come.";
    } else if (means == STATUS_BACKORDER) {
        out->remainder = XD_REMAINDER_OPEN;
        out->code = "SHORT_BACKORDER";
        out->info = true;
        out->detail = "The rest of the line stays open as a backorder.";
    } else if (means == STATUS_COMPLETE) {
        out->code = "STATUS_QTY_CONFLICT";
        out->detail =
            "The status says complete, the quantity is short: the quantity counts, the rest is held.";
    } else if (policies->unshipped_means == XD_UNSHIPPED_ASK) {
        out->code = "SHORT_UNSTATED";
        out->detail = "The line is short and nothing says whether the rest will come.";
    }
}

static enum xd_result remaining_of(const struct xd_release_line_row *release, struct xd_decimal *remaining) {
    enum xd_result result = xd_decimal_subtract(release->qty, release->shipped, remaining);
    return result == XD_OK ? xd_decimal_subtract(*remaining, release->closed, remaining) : result;
}

enum xd_result xd_reconcile_line(const struct xd_release_line_row *release,
                                 const struct xd_confirmation_line *line, bool more,
                                 enum xd_confirmation_kind kind, const struct xd_policies *policies,
                                 struct xd_line_decision *out) {
    struct xd_decimal remaining;
    memset(out, 0, sizeof *out);
    if (parks(release, line, out)) {
        return XD_OK;
    }
    enum xd_result result = remaining_of(release, &remaining);
    if (result != XD_OK) {
        return result;
    }
    out->shipped = xd_decimal_min(line->qty_shipped, remaining);
    result = xd_decimal_subtract(line->qty_shipped, out->shipped, &out->over);
    if (result == XD_OK) {
        result = xd_decimal_subtract(remaining, out->shipped, &out->rest);
    }
    if (result == XD_OK && xd_decimal_sign(out->over) > 0) {
        bool within;
        result = within_tolerance(release, out->over, policies, &within);
        if (result == XD_OK && !within) {
            out->unbilled = out->over;
            out->code = "OVERSHIP";
            out->detail = "More was shipped than released and tolerated; the excess is not billed.";
        }
    }
    if (result == XD_OK && xd_decimal_sign(out->rest) > 0 && !more) {
        enum status_means means = kind == XD_KIND_SHORT_CLOSE ? STATUS_FINAL : read_status(line->status);
        settle_remainder(out, means, policies);
    }
    return result;
}

enum xd_result xd_reconcile_unlisted(const struct xd_release_line_row *release,
                                     const struct xd_policies *policies, struct xd_line_decision *out) {
    memset(out, 0, sizeof *out);
    enum xd_result result = remaining_of(release, &out->rest);
    if (result == XD_OK && xd_decimal_sign(out->rest) > 0 &&
        policies->unshipped_means == XD_UNSHIPPED_CLOSED) {
        settle_remainder(out, STATUS_NONE, policies);
    }
    return result;
}
