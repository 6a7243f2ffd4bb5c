#include "hub/orchestration/quantities.h"

#include "hub/hub_internal.h"

#include <string.h>

#define AMOUNT_DIGITS 6u

static struct xd_decimal minus(struct xd_decimal a, struct xd_decimal b) {
    struct xd_decimal rest;
    return xd_decimal_subtract(a, b, &rest) == XD_OK ? rest : xd_decimal_of(0);
}

struct xd_decimal xd_line_unplaced(const struct xd_order_line_row *line) {
    return minus(line->open, line->pending);
}

struct xd_decimal xd_line_pot(const struct xd_order_line_row *line, enum xd_pot pot) {
    switch (pot) {
    case XD_POT_OPEN:
        return minus(xd_line_unplaced(line), line->backordered);
    case XD_POT_BACKORDERED:
        return line->backordered;
    case XD_POT_PENDING:
        return line->pending;
    case XD_POT_ALLOCATED:
        return line->allocated;
    case XD_POT_RELEASED:
        return line->released;
    case XD_POT_SHIPPED:
        return line->shipped;
    default:
        return line->cancelled;
    }
}

/* The pot's own column, beside `open` for those that are a part of it; NULL: it has none. */
static struct xd_decimal *column_of(struct xd_order_line_row *line, enum xd_pot pot) {
    switch (pot) {
    case XD_POT_OPEN:
        return NULL;
    case XD_POT_BACKORDERED:
        return &line->backordered;
    case XD_POT_PENDING:
        return &line->pending;
    case XD_POT_ALLOCATED:
        return &line->allocated;
    case XD_POT_RELEASED:
        return &line->released;
    case XD_POT_SHIPPED:
        return &line->shipped;
    default:
        return &line->cancelled;
    }
}

static bool is_open(enum xd_pot pot) {
    return pot == XD_POT_OPEN || pot == XD_POT_BACKORDERED || pot == XD_POT_PENDING;
}

static enum xd_result change(struct xd_order_line_row *line, enum xd_pot pot, struct xd_decimal by) {
    struct xd_decimal *column = column_of(line, pot);
    enum xd_result result = column != NULL ? xd_decimal_add(*column, by, column) : XD_OK;
    return result == XD_OK && is_open(pot) ? xd_decimal_add(line->open, by, &line->open) : result;
}

enum xd_result xd_line_move(struct xd_order_line_row *line, enum xd_pot from, enum xd_pot to,
                            struct xd_decimal qty) {
    struct xd_order_line_row moved = *line;
    if (xd_decimal_sign(qty) < 0 || xd_decimal_compare(xd_line_pot(line, from), qty) < 0) {
        return XD_INVALID;
    }
    enum xd_result result = change(&moved, from, xd_decimal_negate(qty));
    if (result == XD_OK) {
        result = change(&moved, to, qty);
    }
    if (result == XD_OK) {
        *line = moved;
    }
    return result;
}

enum xd_pot xd_pot_of_stage(int stage) {
    return stage == XD_STAGE_PENDING     ? XD_POT_PENDING
           : stage == XD_STAGE_ALLOCATED ? XD_POT_ALLOCATED
                                         : XD_POT_RELEASED;
}

enum xd_result xd_line_increase(struct xd_order_line_row *line, struct xd_decimal qty) {
    struct xd_decimal ordered, open;
    enum xd_result result = xd_decimal_add(line->ordered, qty, &ordered);
    if (result == XD_OK) {
        result = xd_decimal_add(line->open, qty, &open);
    }
    if (result == XD_OK) {
        line->ordered = ordered;
        line->open = open;
    }
    return result;
}

bool xd_order_line_check(const struct xd_order_line_row *line) {
    const struct xd_decimal parts[] = {line->open, line->allocated, line->released, line->shipped,
                                       line->cancelled};
    struct xd_decimal sum = xd_decimal_of(0), waiting;
    bool fine = xd_decimal_sign(line->overshipped) >= 0 && xd_decimal_sign(line->backordered) >= 0 &&
                xd_decimal_sign(line->pending) >= 0 &&
                xd_decimal_add(line->backordered, line->pending, &waiting) == XD_OK &&
                xd_decimal_compare(waiting, line->open) <= 0;
    for (size_t index = 0; index < sizeof parts / sizeof parts[0] && fine; index++) {
        fine = xd_decimal_sign(parts[index]) >= 0 && xd_decimal_add(sum, parts[index], &sum) == XD_OK;
    }
    return fine && xd_decimal_compare(sum, line->ordered) == 0;
}

void xd_fold_add(struct xd_fold *fold, const struct xd_order_line_row *line) {
    fold->open = fold->open || xd_decimal_sign(line->open) > 0;
    fold->allocated = fold->allocated || xd_decimal_sign(line->allocated) > 0;
    fold->released = fold->released || xd_decimal_sign(line->released) > 0;
    fold->shipped = fold->shipped || xd_decimal_sign(line->shipped) > 0;
    fold->cancelled = fold->cancelled || xd_decimal_sign(line->cancelled) > 0;
    fold->unbilled = fold->unbilled || xd_decimal_compare(line->shipped, line->invoiced) > 0;
    fold->backordered = fold->backordered || xd_decimal_sign(line->backordered) > 0;
}

enum xd_order_status xd_fold_order(const struct xd_fold *fold) {
    if (!fold->open && !fold->allocated && !fold->released) {
        return !fold->shipped    ? XD_ORDER_CANCELLED
               : !fold->unbilled ? XD_ORDER_INVOICED
               : fold->cancelled ? XD_ORDER_CLOSED_SHORT
                                 : XD_ORDER_SHIPPED;
    }
    if (fold->shipped) {
        return XD_ORDER_PART_SHIPPED;
    }
    if (fold->released) {
        return XD_ORDER_IN_FULFILMENT;
    }
    if (fold->allocated) {
        return fold->open ? XD_ORDER_PART_ALLOCATED : XD_ORDER_ALLOCATED;
    }
    return fold->backordered ? XD_ORDER_BACKORDERED : XD_ORDER_ACCEPTED;
}

struct xd_decimal xd_release_line_rest(const struct xd_release_line_row *line) {
    struct xd_decimal rest = minus(minus(line->qty, line->shipped), line->closed);
    return xd_decimal_sign(rest) > 0 ? rest : xd_decimal_of(0);
}

/* ---- units ---- */

struct xd_ordered_unit xd_line_ordered_unit(const struct xd_order_line_row *line) {
    return line->ordered_uom[0] != 0
               ? (struct xd_ordered_unit){line->ordered_uom, line->ordered_num, line->ordered_den}
               : (struct xd_ordered_unit){line->uom, line->factor_num, line->factor_den};
}

enum xd_result xd_line_amount(const struct xd_order_line_row *line, struct xd_decimal qty,
                              struct xd_decimal *out) {
    enum xd_result result = xd_decimal_multiply(qty, line->unit_price, out);
    return result == XD_OK && line->ordered_uom[0] != 0
               ? xd_decimal_ratio_round(*out, line->ordered_den, line->ordered_num, AMOUNT_DIGITS, out)
               : result;
}

static enum xd_result to_base(struct xd_decimal *const *quantities, size_t count, int64_t num, int64_t den) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        result = xd_decimal_ratio(*quantities[index], num, den, quantities[index]);
    }
    return result;
}

enum xd_result xd_line_to_base(struct xd_order_line_row *line, const char *base_uom) {
    struct xd_order_line_row made = *line;
    struct xd_decimal *const quantities[] = {
        &made.ordered,   &made.open,        &made.allocated,   &made.released, &made.shipped,
        &made.cancelled, &made.backordered, &made.overshipped, &made.pending,  &made.invoiced};
    if (line->factor_num == line->factor_den) {
        return XD_OK;
    }
    enum xd_result result =
        to_base(quantities, sizeof quantities / sizeof quantities[0], line->factor_num, line->factor_den);
    if (result != XD_OK) {
        return result;
    }
    xd_copy(made.ordered_uom, sizeof made.ordered_uom, line->uom);
    made.ordered_num = line->factor_num;
    made.ordered_den = line->factor_den;
    xd_copy(made.uom, sizeof made.uom, base_uom);
    made.factor_num = made.factor_den = 1;
    *line = made;
    return XD_OK;
}

enum xd_result xd_release_line_to_base(struct xd_release_line_row *line, const char *base_uom) {
    struct xd_release_line_row made = *line;
    struct xd_decimal *const quantities[] = {
        &made.qty,          &made.shipped,           &made.over,    &made.closed, &made.asked, &made.unwanted,
        &made.claimed_open, &made.claimed_cancelled, &made.left_out};
    if (line->factor_num == line->factor_den) {
        return XD_OK;
    }
    enum xd_result result =
        to_base(quantities, sizeof quantities / sizeof quantities[0], line->factor_num, line->factor_den);
    if (result != XD_OK) {
        return result;
    }
    if (made.told_num == 0) {
        made.told_num = line->factor_num;
        made.told_den = line->factor_den;
    }
    xd_copy(made.uom, sizeof made.uom, base_uom);
    made.factor_num = made.factor_den = 1;
    *line = made;
    return XD_OK;
}
