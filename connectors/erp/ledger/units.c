/* In what a line of a sale counts.
 *
 * It counts in the unit in which it was sold until something of it is shipped or wanted in the product's own
 * unit, which need not be any decimal of the other; from then on it counts in that. Its price stays what it
 * is, for the unit in which it was sold. */
#include "erp/ledger/parts.h"

#include "erp/ledger/statements.h"

#include <stdio.h>
#include <string.h>

#define AMOUNT_DIGITS 6u

static bool is_base(int64_t num, int64_t den) {
    return num == den;
}

static enum xd_result too_long(const struct xd_ledger_post *post, enum xd_result result) {
    return result == XD_OK
               ? XD_OK
               : xd_post_reject(post, "amount_too_large", "an amount has more digits than the books keep");
}

/* The line counts in the product's unit from now on. */
static enum xd_result count_in_base(const struct xd_ledger_post *post, int64_t sale,
                                    const struct xd_erp_line *line, struct xd_post_sale_line *sold) {
    struct xd_post_product product = {.active = false};
    struct xd_entry entry;
    enum xd_result result = xd_post_get_product(post, line, &product); /* and whether that is its unit */
    if (result == XD_OK) {
        result = too_long(post, xd_decimal_ratio(sold->qty, sold->factor_num, sold->factor_den, &sold->qty));
    }
    if (result == XD_OK) {
        result = too_long(
            post, xd_decimal_ratio(sold->shipped, sold->factor_num, sold->factor_den, &sold->shipped));
    }
    if (result != XD_OK) {
        return result;
    }
    memcpy(sold->price_uom, sold->uom, sizeof sold->price_uom);
    sold->price_num = sold->factor_num;
    sold->price_den = sold->factor_den;
    (void)snprintf(sold->uom, sizeof sold->uom, "%s", line->uom);
    sold->factor_num = sold->factor_den = 1;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINE_COUNT);
    xd_entry_text(&entry, sold->uom);
    xd_entry_decimal(&entry, sold->qty);
    xd_entry_decimal(&entry, sold->shipped);
    xd_entry_text(&entry, sold->price_uom);
    xd_entry_int(&entry, sold->price_num);
    xd_entry_int(&entry, sold->price_den);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line->line_id);
    return xd_entry_run(&entry);
}

enum xd_result xd_post_agree_on_unit(const struct xd_ledger_post *post, int64_t sale,
                                     const struct xd_erp_line *line, struct xd_post_sale_line *sold) {
    if (line->uom == NULL || sold->uom[0] == '\0' || strcmp(line->uom, sold->uom) == 0) {
        return XD_OK;
    }
    bool asks_base = is_base(line->factor_num, line->factor_den);
    bool was_sold_so = sold->price_uom[0] != '\0' && strcmp(line->uom, sold->price_uom) == 0 &&
                       line->factor_num == sold->price_num && line->factor_den == sold->price_den;
    if (asks_base && !is_base(sold->factor_num, sold->factor_den)) {
        return count_in_base(post, sale, line, sold);
    }
    return was_sold_so ? XD_OK
                       : xd_post_reject(post, "unknown_uom", "line %s was sold in %s, not in %s",
                                        line->line_id, sold->uom, line->uom);
}

enum xd_result xd_post_in_unit_of(const struct xd_ledger_post *post, const struct xd_post_sale_line *sold,
                                  const struct xd_erp_line *line, struct xd_decimal *qty) {
    bool same = line->uom == NULL || sold->price_uom[0] == '\0' || strcmp(line->uom, sold->price_uom) != 0;
    *qty = line->qty;
    return same ? XD_OK
                : too_long(post, xd_decimal_ratio(line->qty, line->factor_num, line->factor_den, qty));
}

enum xd_result xd_post_amount(const struct xd_ledger_post *post, const struct xd_post_sale_line *sold,
                              struct xd_decimal qty, struct xd_decimal *out) {
    enum xd_result result = xd_decimal_multiply(qty, sold->unit_price, out);
    if (result == XD_OK && sold->price_uom[0] != '\0') {
        result = xd_decimal_ratio_round(*out, sold->price_den, sold->price_num, AMOUNT_DIGITS, out);
    }
    return too_long(post, result);
}

void xd_post_set_price(const struct xd_erp_line *line, struct xd_post_sale_line *sold) {
    sold->unit_price = line->unit_price;
    if (sold->price_uom[0] != '\0') { /* it counts in base units, whatever its price is for */
        sold->price_num = line->factor_num;
        sold->price_den = line->factor_den;
        (void)snprintf(sold->price_uom, sizeof sold->price_uom, "%s", xd_post_text(line->uom));
    }
}
