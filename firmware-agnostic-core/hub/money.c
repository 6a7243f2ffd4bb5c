/* Sums in exact decimals. Whatever does not fit 18 digits is reported as
 * amount_out_of_range at the member that makes it so: nothing is ever cut.
 *
 * Comparisons never divide: |a / b - c| <= t is asked as |a - b * c| <= t * b. */
#include "hub/money.h"

#include <stdio.h>
#include <string.h>

/* ---- small arithmetic ---- */

/* pct of value, rounded. */
static bool percentage(struct xd_decimal value, struct xd_decimal pct, unsigned digits,
                       struct xd_decimal *out) {
    struct xd_decimal part;
    return xd_decimal_ratio(pct, 1, 100, &part) == XD_OK &&
           xd_decimal_multiply_round(value, part, digits, out) == XD_OK;
}

static bool add_to(struct xd_decimal *sum, struct xd_decimal value) {
    return xd_decimal_add(*sum, value, sum) == XD_OK;
}

static struct xd_decimal absolute(struct xd_decimal value) {
    return xd_decimal_sign(value) < 0 ? xd_decimal_negate(value) : value;
}

/* Whether a and b differ by no more than `units` minor units. */
static bool is_near(struct xd_decimal a, struct xd_decimal b, size_t units, unsigned digits) {
    struct xd_decimal difference, unit = {1, (uint8_t)digits}, most;
    return xd_decimal_subtract(a, b, &difference) == XD_OK &&
           xd_decimal_multiply(xd_decimal_of((int64_t)units), unit, &most) == XD_OK &&
           xd_decimal_compare(absolute(difference), most) <= 0;
}

static void report_line(struct xd_problems *problems, const char *code, size_t index, const char *behind,
                        const char *detail) {
    char pointer[XD_POINTER_SIZE];
    (void)snprintf(pointer, sizeof pointer, "/lines/%zu%s", index, behind);
    xd_problem_add(problems, code, pointer, "%s", detail);
}

static bool out_of_range(struct xd_problems *problems, size_t index, const char *behind) {
    report_line(problems, "amount_out_of_range", index, behind,
                "makes an amount of more than 18 digits; use fewer digits or split the order");
    return false;
}

/* ---- a line ---- */

/* The price that counts, and quantity times it. */
static bool extend(const struct xd_order *order, size_t index, const struct xd_product *product,
                   struct xd_enriched *out, struct xd_problems *problems) {
    const struct xd_order_line *line = &order->lines[index];
    struct xd_enriched_line *made = &out->lines[index];
    struct xd_decimal qty = line->qty;
    bool same_currency = product != NULL && order->currency != NULL &&
                         (product->currency[0] == '\0' || strcmp(product->currency, order->currency) == 0);
    if (line->has_unit_price) {
        made->price = line->unit_price;
    } else if (same_currency && product->has_price && made->den > 0) {
        made->price = product->price;
        made->price_is_ours = true;
        qty = made->base_qty;
    } else {
        return false; /* nobody says a price: the ERP will */
    }
    made->has_price = true;
    return xd_decimal_multiply_round(qty, made->price, out->digits, &made->net) == XD_OK ||
           out_of_range(problems, index, line->has_unit_price ? "/unit_price" : "/qty");
}

static bool take_discounts(const struct xd_order_line *line, size_t index, unsigned digits,
                           struct xd_decimal *net, struct xd_problems *problems) {
    char behind[48];
    for (size_t at = 0; at < line->discount_count; at++) {
        const struct xd_discount *discount = &line->discounts[at];
        struct xd_decimal cut;
        bool fits = discount->type == XD_DISCOUNT_PERCENT
                        ? percentage(*net, discount->value, digits, &cut)
                        : xd_decimal_multiply_round(discount->value, xd_decimal_of(1), digits, &cut) == XD_OK;
        (void)snprintf(behind, sizeof behind, "/discounts/%zu/value", at);
        if (!fits) {
            return out_of_range(problems, index, behind);
        }
        if (xd_decimal_compare(cut, *net) > 0) {
            report_line(problems, "discount_too_large", index, behind,
                        "is more than what is left of the line");
            return false;
        }
        if (xd_decimal_subtract(*net, cut, net) != XD_OK) {
            return out_of_range(problems, index, behind);
        }
    }
    return true;
}

/* One rate of a line: its rounded tax is added to the line's, its exact one to the document's. */
static bool add_rate(struct xd_enriched_line *made, struct xd_decimal pct, unsigned digits,
                     struct xd_decimal *exact_tax, struct xd_decimal *rounded) {
    struct xd_decimal part, exact;
    return xd_decimal_ratio(pct, 1, 100, &part) == XD_OK &&
           xd_decimal_multiply(made->net, part, &exact) == XD_OK && add_to(exact_tax, exact) &&
           percentage(made->net, pct, digits, rounded) && add_to(&made->tax, *rounded);
}

static bool add_taxes(const struct xd_order_line *line, size_t index, const struct xd_product *product,
                      struct xd_enriched *out, struct xd_decimal *exact_tax, struct xd_problems *problems) {
    struct xd_enriched_line *made = &out->lines[index];
    struct xd_decimal rounded;
    char behind[48], detail[XD_DETAIL_SIZE], is[XD_DECIMAL_TEXT_MAX];
    bool fine = true;
    if (line->tax_count == 0 && product != NULL && product->has_tax_pct) {
        out->taxed = true;
        return add_rate(made, product->tax_pct, out->digits, exact_tax, &rounded) ||
               out_of_range(problems, index, "/unit_price");
    }
    for (size_t at = 0; at < line->tax_count; at++) {
        const struct xd_tax *tax = &line->taxes[at];
        out->taxed = true;
        (void)snprintf(behind, sizeof behind, "/tax/%zu/pct", at);
        if (!add_rate(made, tax->pct, out->digits, exact_tax, &rounded)) {
            return out_of_range(problems, index, behind);
        }
        if (tax->has_amount && !is_near(tax->amount, rounded, 1, out->digits)) {
            (void)snprintf(behind, sizeof behind, "/tax/%zu/amount", at);
            (void)snprintf(detail, sizeof detail, "must be %s: the rate's share of the line's net amount",
                           xd_decimal_write(rounded, is));
            report_line(problems, "tax_mismatch", index, behind, detail);
            fine = false;
        }
    }
    return fine;
}

bool xd_money_line(const struct xd_order *order, size_t index, const struct xd_product *product,
                   struct xd_enriched *out, struct xd_decimal *exact_tax, struct xd_problems *problems) {
    const struct xd_order_line *line = &order->lines[index];
    return extend(order, index, product, out, problems) &&
           take_discounts(line, index, out->digits, &out->lines[index].net, problems) &&
           add_taxes(line, index, product, out, exact_tax, problems);
}

/* ---- the order ---- */

static void compare_total(struct xd_problems *problems, const char *name, struct xd_decimal stated,
                          struct xd_decimal computed, const struct xd_enriched *out) {
    char pointer[32], is[XD_DECIMAL_TEXT_MAX];
    if (is_near(stated, computed, out->line_count, out->digits)) {
        return;
    }
    (void)snprintf(pointer, sizeof pointer, "/totals/%s", name);
    xd_problem_add(problems, "totals_mismatch", pointer, "the lines make %s", xd_decimal_write(computed, is));
}

static bool sum_up(const struct xd_order *order, struct xd_decimal exact_tax, struct xd_enriched *out) {
    bool fits = true;
    for (size_t index = 0; fits && index < out->line_count; index++) {
        fits = add_to(&out->net, out->lines[index].net) && add_to(&out->tax, out->lines[index].tax);
    }
    if (fits && order->tax_rounding == XD_ROUND_DOCUMENT) {
        fits = xd_decimal_multiply_round(exact_tax, xd_decimal_of(1), out->digits, &out->tax) == XD_OK;
    }
    return fits && xd_decimal_add(out->net, out->tax, &out->gross) == XD_OK;
}

void xd_money_totals(const struct xd_order *order, struct xd_decimal exact_tax, struct xd_enriched *out,
                     struct xd_problems *problems) {
    struct xd_decimal both;
    if (!sum_up(order, exact_tax, out)) {
        xd_problem_add(problems, "amount_out_of_range", "/lines",
                       "add up to more than 18 digits; split the order");
        return;
    }
    out->priced = true;
    if (order->has_total_net) {
        compare_total(problems, "net", order->total_net, out->net, out);
    }
    if (out->taxed && order->has_total_tax) {
        compare_total(problems, "tax", order->total_tax, out->tax, out);
    }
    if (out->taxed && order->has_total_gross) {
        compare_total(problems, "gross", order->total_gross, out->gross, out);
    }
    if (order->has_total_net && order->has_total_tax && order->has_total_gross &&
        (xd_decimal_add(order->total_net, order->total_tax, &both) != XD_OK ||
         xd_decimal_compare(both, order->total_gross) != 0)) {
        xd_problem_add(problems, "totals_mismatch", "/totals/gross", "is not net and tax together");
    }
}

void xd_money_compare_price(const struct xd_order *order, size_t index, const struct xd_product *product,
                            const struct xd_enriched_line *line, const struct xd_tenant_policy *policy,
                            struct xd_problems *problems) {
    struct xd_decimal theirs, ours, difference, allowed;
    char detail[XD_DETAIL_SIZE], price[XD_DECIMAL_TEXT_MAX], pct[XD_DECIMAL_TEXT_MAX];
    bool same_currency = order->currency != NULL &&
                         (product->currency[0] == '\0' || strcmp(product->currency, order->currency) == 0);
    if (!policy->has_price_tolerance || !product->has_price || !same_currency || line->den <= 0 ||
        !order->lines[index].has_unit_price) {
        return;
    }
    /* |theirs * den - price * num| * 100 <= pct * price * num */
    if (xd_decimal_multiply(order->lines[index].unit_price, xd_decimal_of(line->den), &theirs) != XD_OK ||
        xd_decimal_multiply(product->price, xd_decimal_of(line->num), &ours) != XD_OK ||
        xd_decimal_subtract(theirs, ours, &difference) != XD_OK ||
        xd_decimal_multiply(absolute(difference), xd_decimal_of(100), &difference) != XD_OK ||
        xd_decimal_multiply(policy->price_tolerance_pct, ours, &allowed) != XD_OK) {
        (void)out_of_range(problems, index, "/unit_price");
        return;
    }
    if (xd_decimal_compare(difference, allowed) > 0) {
        (void)snprintf(detail, sizeof detail,
                       "differs from the product's price by more than %s percent; that is %s per %.20s",
                       xd_decimal_write(policy->price_tolerance_pct, pct),
                       xd_decimal_write(product->price, price), product->base_uom);
        report_line(problems, "price_mismatch", index, "/unit_price", detail);
    }
}
