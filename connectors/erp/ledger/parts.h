/* Private to the ledger: what the postings have in common. All within the transaction of a post; the results
 * are those of struct xd_ledger_post. */
#ifndef XD_ERP_LEDGER_PARTS_H
#define XD_ERP_LEDGER_PARTS_H

#include "erp/ledger/posting.h"

struct xd_post_customer {
    bool active;
    char currency[8];
    struct xd_decimal limit, open_value;
    bool has_limit;
};

struct xd_post_product {
    bool active, has_price;
    struct xd_decimal price;
};

struct xd_post_sale_line {
    char sku[128], uom[64];
    int64_t factor_num, factor_den; /* base units per uom */
    struct xd_decimal qty, unit_price, shipped;
    bool closed;
    /* The unit that the price is for, once the line counts in base units although it was sold in others; "":
     * it is uom. */
    char price_uom[64];
    int64_t price_num, price_den;
};

struct xd_post_sale {
    int64_t number;
    char customer[256];
};

/* Says REJECTED; always XD_DENIED. */
enum xd_result xd_post_reject(const struct xd_ledger_post *post, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *xd_post_text(const char *text); /* NULL is "" */
XD_CHECKED enum xd_result xd_post_add(const struct xd_ledger_post *post, struct xd_decimal a,
                                      struct xd_decimal b, struct xd_decimal *out);
/* Stock is kept in the product's own unit; a line may count in another, whose factor it says. */
XD_CHECKED enum xd_result xd_post_base_of(const struct xd_ledger_post *post, const struct xd_erp_line *line,
                                          struct xd_decimal *out);
XD_CHECKED enum xd_result xd_post_get_customer(const struct xd_ledger_post *post, const char *code,
                                               struct xd_post_customer *out);
/* Takes change into what the customer has open. */
XD_CHECKED enum xd_result xd_post_change_open_value(const struct xd_ledger_post *post, const char *code,
                                                    struct xd_decimal before, struct xd_decimal change);
/* The line's product, if there is one and the line counts in its unit. */
XD_CHECKED enum xd_result xd_post_get_product(const struct xd_ledger_post *post,
                                              const struct xd_erp_line *line, struct xd_post_product *out);
/* The sale that the request names. */
XD_CHECKED enum xd_result xd_post_get_sale(const struct xd_ledger_post *post, struct xd_post_sale *out);
XD_CHECKED enum xd_result xd_post_get_sale_line(const struct xd_ledger_post *post, int64_t sale,
                                                const struct xd_erp_line *line,
                                                struct xd_post_sale_line *out);
/* Unlike others it may have changed the line, to count in base units: see units.c. */
XD_CHECKED enum xd_result xd_post_agree_on_unit(const struct xd_ledger_post *post, int64_t sale,
                                                const struct xd_erp_line *line,
                                                struct xd_post_sale_line *sold);
/* The request's quantity as the sale's line counts. */
XD_CHECKED enum xd_result xd_post_in_unit_of(const struct xd_ledger_post *post,
                                             const struct xd_post_sale_line *sold,
                                             const struct xd_erp_line *line, struct xd_decimal *qty);
/* What qty of the sale's line costs. */
XD_CHECKED enum xd_result xd_post_amount(const struct xd_ledger_post *post,
                                         const struct xd_post_sale_line *sold, struct xd_decimal qty,
                                         struct xd_decimal *out);
/* The request's price, of its unit, is the line's. */
void xd_post_set_price(const struct xd_erp_line *line, struct xd_post_sale_line *sold);
/* What is shipped and closed of it. */
XD_CHECKED enum xd_result xd_post_set_sale_line(const struct xd_ledger_post *post, int64_t sale,
                                                const char *line_id, const struct xd_post_sale_line *line);
/* What of the line is still open, in money. */
XD_CHECKED enum xd_result xd_post_open_value(const struct xd_ledger_post *post,
                                             const struct xd_post_sale_line *line, struct xd_decimal *out);
/* qty < 0: back to it. */
XD_CHECKED enum xd_result xd_post_take_from_stock(const struct xd_ledger_post *post, const char *sku,
                                                  struct xd_decimal qty);
/* The state of a sale is a fold over its lines, never set by hand. */
XD_CHECKED enum xd_result xd_post_fold_sale(const struct xd_ledger_post *post, int64_t sale);

/* ---- shipping.c ---- */

XD_CHECKED enum xd_result xd_post_shipment(const struct xd_ledger_post *post, const struct xd_hash *print,
                                           int64_t *number);
/* Undoes a shipment: a shipment of the same lines, negative. */
XD_CHECKED enum xd_result xd_post_reversal(const struct xd_ledger_post *post, const struct xd_hash *print,
                                           int64_t *number);
/* Whether it is dated otherwise than it happened, because the books of that day are closed: the answer says
 * so. For a shipment or a reversal that is there. */
XD_CHECKED enum xd_result xd_post_say_period(struct xd_book *book, int64_t number,
                                             struct xd_erp_answer *answer);

#endif
