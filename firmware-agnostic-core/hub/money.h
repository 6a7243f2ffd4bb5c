/* An order's money, computed anew. Used by validate.c only; see validate.h for the rules. */
#ifndef XD_HUB_MONEY_H
#define XD_HUB_MONEY_H

#include "hub/validate.h"

/* One line's net and tax. product NULL: not known. Sums of the line go to `line`, what the
 * document's rounding needs to `exact_tax` (added up). False: the line has no price, or
 * what is wrong with it was reported. */
bool xd_money_line(const struct xd_order *order, size_t index, const struct xd_product *product,
                   struct xd_enriched *out, struct xd_decimal *exact_tax, struct xd_problems *problems);
/* The sums of all lines, and the stated totals against them. */
void xd_money_totals(const struct xd_order *order, struct xd_decimal exact_tax, struct xd_enriched *out,
                     struct xd_problems *problems);
/* A price of the order against the product's. */
void xd_money_compare_price(const struct xd_order *order, size_t index, const struct xd_product *product,
                            const struct xd_enriched_line *line, const struct xd_tenant_policy *policy,
                            struct xd_problems *problems);

#endif
