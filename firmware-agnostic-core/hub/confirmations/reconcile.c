#include "hub/confirmations/reconcile.h"

#include <string.h>

static void tell(struct xd_line_decision *out, const char *code, bool info, const char *detail) {
    out->notes[out->note_count++] = (struct xd_line_note){.code = code, .info = info, .detail = detail};
}

static void park(struct xd_line_decision *out, const char *code, const char *detail) {
    out->park = true;
    tell(out, code, false, detail);
}

static bool parks(const struct xd_line_facts *facts, struct xd_line_decision *out) {
    if (facts->release == NULL) {
        park(out, "UNMATCHED_LINE", "The release has no such line.");
    } else if (facts->item == XD_ITEM_OTHER) {
        park(out, "UNMATCHED_LINE", "The line was released for another item.");
    } else if (facts->item == XD_ITEM_SUBSTITUTE && !facts->may_substitute) {
        park(out, "UNAUTHORISED_SUBSTITUTE", "Another item was shipped for the one ordered.");
    } else if (!facts->converts) {
        park(out, "UOM_MISMATCH", "The quantity is in a unit that does not convert into base units exactly.");
    }
    return out->park;
}

/* qty * percent. What has too many digits for that is rounded to a whole number, and when that is
 * more than any quantity can be it is the most there is: the percentage is a stranger's. */
static enum xd_result times_percent(struct xd_decimal qty, struct xd_decimal percent,
                                    struct xd_decimal *out) {
    enum xd_result result = xd_decimal_multiply(qty, percent, out);
    if (result == XD_INVALID) {
        result = xd_decimal_multiply_round(qty, percent, 0, out);
    }
    if (result == XD_INVALID) {
        *out = xd_decimal_of(XD_DECIMAL_MOST);
        result = XD_OK;
    }
    return result;
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
        result = times_percent(release->qty, policies->over_tolerance_pct, &allowed);
    }
    *within = result == XD_OK && xd_decimal_compare(hundredfold, allowed) <= 0;
    return result;
}

static void settle_remainder(struct xd_line_decision *out, enum xd_line_status means,
                             const struct xd_policies *policies) {
    bool silent = means == XD_STATUS_NONE || means == XD_STATUS_BLOCKED;
    if (means == XD_STATUS_FINAL || (silent && policies->unshipped_means == XD_UNSHIPPED_CLOSED)) {
        out->remainder = XD_REMAINDER_CANCEL;
        tell(out, "SHORT_CLOSED", true, "The rest of the line will not come.");
    } else if (means == XD_STATUS_BACKORDER) {
        out->remainder = XD_REMAINDER_OPEN;
        tell(out, "SHORT_BACKORDER", true, "The rest of the line stays open as a backorder.");
    } else if (means == XD_STATUS_COMPLETE) {
        tell(out, "STATUS_QTY_CONFLICT", false,
             "The status says complete, the quantity is short: the quantity counts, the rest is held.");
    } else if (policies->unshipped_means == XD_UNSHIPPED_ASK) {
        tell(out, "SHORT_UNSTATED", false, "The line is short and nothing says whether the rest will come.");
    }
}

static enum xd_result remaining_of(const struct xd_release_line_row *release, struct xd_decimal *remaining) {
    enum xd_result result = xd_decimal_subtract(release->qty, release->shipped, remaining);
    return result == XD_OK ? xd_decimal_subtract(*remaining, release->closed, remaining) : result;
}

bool xd_reconcile_is_over(const struct xd_line_facts *facts) {
    struct xd_decimal remaining;
    return facts->release != NULL && facts->converts && remaining_of(facts->release, &remaining) == XD_OK &&
           xd_decimal_compare(facts->qty, remaining) > 0;
}

static enum xd_result check_over(const struct xd_line_facts *facts, const struct xd_policies *policies,
                                 struct xd_line_decision *out) {
    bool within;
    enum xd_result result = within_tolerance(facts->release, out->over, policies, &within);
    if (result == XD_OK && !within) {
        out->unbilled = out->over;
        tell(out, "OVERSHIP", false,
             "More was shipped than released and tolerated; the excess is not billed.");
    }
    return result;
}

/* What is odd about what was shipped, whatever its quantity. */
static enum xd_result check_goods(const struct xd_line_facts *facts, struct xd_line_decision *out) {
    if (xd_decimal_sign(facts->qty) <= 0) {
        return XD_OK;
    }
    if (facts->item == XD_ITEM_SUBSTITUTE) {
        tell(out, "SUBSTITUTED", true, "Another item was shipped for the one ordered, which is allowed.");
    }
    if (facts->serials_wrong) {
        tell(out, "SERIAL_MISMATCH", false,
             "The serial numbers are not as many as the pieces, or one of them comes twice.");
    }
    if (!facts->blocked && xd_line_status_of(facts->line->status) != XD_STATUS_BLOCKED) {
        return XD_OK;
    }
    tell(out, "RECALLED_LOT_SHIPPED", false,
         "A lot was shipped that is recalled, on hold or expired: nothing of it is billed.");
    return xd_decimal_add(out->shipped, out->over, &out->unbilled);
}

enum xd_result xd_reconcile_line(const struct xd_line_facts *facts, const struct xd_policies *policies,
                                 struct xd_line_decision *out) {
    struct xd_decimal remaining;
    memset(out, 0, sizeof *out);
    if (parks(facts, out)) {
        return XD_OK;
    }
    enum xd_result result = remaining_of(facts->release, &remaining);
    if (result != XD_OK) {
        return result;
    }
    out->shipped = xd_decimal_min(facts->qty, remaining);
    result = xd_decimal_subtract(facts->qty, out->shipped, &out->over);
    if (result == XD_OK) {
        result = xd_decimal_subtract(remaining, out->shipped, &out->rest);
    }
    if (result == XD_OK && xd_decimal_sign(out->over) > 0) {
        result = check_over(facts, policies, out);
    }
    if (result == XD_OK && !facts->more) {
        bool closes = facts->kind == XD_KIND_SHORT_CLOSE;
        enum xd_line_status means = closes ? XD_STATUS_FINAL : xd_line_status_of(facts->line->status);
        if (xd_decimal_sign(out->rest) > 0) {
            settle_remainder(out, means, policies);
        } else if (xd_decimal_sign(out->over) > 0 || xd_decimal_is_zero(facts->release->closed)) {
            out->said = means == XD_STATUS_FINAL       ? XD_REMAINDER_CANCEL
                        : means == XD_STATUS_BACKORDER ? XD_REMAINDER_OPEN
                                                       : XD_REMAINDER_KEEP;
        }
    }
    return result == XD_OK ? check_goods(facts, out) : result;
}

enum xd_result xd_reconcile_unlisted(const struct xd_release_line_row *release,
                                     const struct xd_policies *policies, struct xd_line_decision *out) {
    memset(out, 0, sizeof *out);
    enum xd_result result = remaining_of(release, &out->rest);
    if (result == XD_OK && xd_decimal_sign(out->rest) > 0 &&
        policies->unshipped_means == XD_UNSHIPPED_CLOSED) {
        settle_remainder(out, XD_STATUS_NONE, policies);
    }
    return result;
}
