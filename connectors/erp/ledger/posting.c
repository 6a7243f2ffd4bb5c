#include "erp/ledger/posting.h"

#include "erp/ledger/fingerprint.h"
#include "erp/ledger/parts.h"
#include "erp/ledger/statements.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RETRY_MS 1000u

enum xd_result xd_post_reject(const struct xd_ledger_post *post, const char *code, const char *format, ...) {
    post->answer->outcome = XD_ERP_REJECTED;
    (void)snprintf(post->answer->code, sizeof post->answer->code, "%s", code);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(post->answer->detail, sizeof post->answer->detail, format, arguments);
    va_end(arguments);
    return XD_DENIED;
}

const char *xd_post_text(const char *text) {
    return text == NULL ? "" : text;
}

static enum xd_result exact(const struct xd_ledger_post *post, enum xd_result result) {
    return result == XD_OK
               ? XD_OK
               : xd_post_reject(post, "amount_too_large", "an amount has more digits than the books keep");
}

enum xd_result xd_post_add(const struct xd_ledger_post *post, struct xd_decimal a, struct xd_decimal b,
                           struct xd_decimal *out) {
    return exact(post, xd_decimal_add(a, b, out));
}

static enum xd_result multiply(const struct xd_ledger_post *post, struct xd_decimal a, struct xd_decimal b,
                               struct xd_decimal *out) {
    return exact(post, xd_decimal_multiply(a, b, out));
}

/* ---- references ---- */

/* How each kind of document is found and numbered. */
static const struct {
    int by_reference;
    char letter;
} documents[] = {
    [XD_ERP_SALE] = {XD_LEDGER_SALE_BY_REFERENCE, 'S'},
    [XD_ERP_SHIPMENT] = {XD_LEDGER_SHIPMENT_BY_REFERENCE, 'D'},
    [XD_ERP_ADJUSTMENT] = {XD_LEDGER_ADJUSTMENT_BY_REFERENCE, 'A'},
    [XD_ERP_CHANGE] = {XD_LEDGER_CHANGE_BY_REFERENCE, 'C'},
    [XD_ERP_REVERSAL] = {XD_LEDGER_REVERSAL_BY_REFERENCE, 'D'},
};

void xd_ledger_say_done(struct xd_erp_answer *answer, enum xd_erp_kind kind, int64_t number) {
    answer->outcome = XD_ERP_DONE;
    (void)snprintf(answer->document, sizeof answer->document, "%c%06lld", documents[kind].letter,
                   (long long)number);
}

enum xd_result xd_ledger_say_more(struct xd_book *book, enum xd_erp_kind kind, int64_t number,
                                  struct xd_erp_answer *answer) {
    bool dated = kind == XD_ERP_SHIPMENT || kind == XD_ERP_REVERSAL;
    return dated ? xd_post_say_period(book, number, answer) : XD_OK;
}

void xd_ledger_say_unavailable(struct xd_erp_answer *answer, const char *code, const char *detail) {
    *answer = (struct xd_erp_answer){.outcome = XD_ERP_UNAVAILABLE, .retry_after_ms = RETRY_MS};
    (void)snprintf(answer->code, sizeof answer->code, "%s", code);
    (void)snprintf(answer->detail, sizeof answer->detail, "%s", detail);
}

enum xd_result xd_ledger_find(struct xd_book *book, enum xd_erp_kind kind, const char *reference,
                              int64_t *number, struct xd_hash *print) {
    struct xd_entry entry;
    xd_entry_open(&entry, book, documents[kind].by_reference);
    xd_entry_text(&entry, reference);
    bool there = xd_entry_next(&entry);
    if (there) {
        *number = xd_entry_take_int(&entry);
        xd_entry_take_hash(&entry, print);
    }
    enum xd_result result = xd_entry_close(&entry);
    return result == XD_OK && !there ? XD_NOT_FOUND : result;
}

/* Stock is kept in the product's own unit; a line may count in another, whose factor it says. */
enum xd_result xd_post_base_of(const struct xd_ledger_post *post, const struct xd_erp_line *line,
                               struct xd_decimal *out) {
    if (line->factor_num == line->factor_den) {
        *out = line->qty;
        return XD_OK;
    }
    return exact(post, xd_decimal_ratio(line->qty, line->factor_num, line->factor_den, out));
}

/* ---- sales ---- */

enum xd_result xd_post_get_customer(const struct xd_ledger_post *post, const char *code,
                                    struct xd_post_customer *out) {
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_CUSTOMER_GET);
    xd_entry_text(&entry, code);
    bool there = xd_entry_next(&entry);
    if (there) {
        out->active = xd_entry_take_int(&entry) != 0;
        (void)snprintf(out->currency, sizeof out->currency, "%s", xd_entry_take_text(&entry));
        out->has_limit = xd_entry_take_decimal(&entry, &out->limit);
        (void)xd_entry_take_decimal(&entry, &out->open_value);
    }
    enum xd_result result = xd_entry_close(&entry);
    if (result == XD_OK && !there) {
        return xd_post_reject(post, "unknown_customer", "no customer has the code %s", code);
    }
    return result;
}

/* Takes change into what the customer has open. */
enum xd_result xd_post_change_open_value(const struct xd_ledger_post *post, const char *code,
                                         struct xd_decimal before, struct xd_decimal change) {
    struct xd_decimal after;
    enum xd_result result = xd_post_add(post, before, change, &after);
    if (result != XD_OK) {
        return result;
    }
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_CUSTOMER_SET);
    xd_entry_decimal(&entry, after);
    xd_entry_text(&entry, code);
    return xd_entry_run(&entry);
}

/* The line's product, if there is one and the line counts in its unit. */
enum xd_result xd_post_get_product(const struct xd_ledger_post *post, const struct xd_erp_line *line,
                                   struct xd_post_product *out) {
    struct xd_entry entry;
    char uom[64] = "";
    xd_entry_open(&entry, post->book, XD_LEDGER_PRODUCT_GET);
    xd_entry_text(&entry, line->sku);
    bool there = xd_entry_next(&entry);
    if (there) {
        out->active = xd_entry_take_int(&entry) != 0;
        (void)snprintf(uom, sizeof uom, "%s", xd_entry_take_text(&entry));
        out->has_price = xd_entry_take_decimal(&entry, &out->price);
    }
    enum xd_result result = xd_entry_close(&entry);
    if (result == XD_OK && !there) {
        return xd_post_reject(post, "unknown_product", "no product has the sku %s", xd_post_text(line->sku));
    }
    if (result == XD_OK && line->uom != NULL && line->factor_num == line->factor_den &&
        strcmp(line->uom, uom) != 0) {
        return xd_post_reject(post, "unknown_uom", "product %s is kept in %s, not in %s", line->sku, uom,
                              line->uom);
    }
    return result;
}

/* Whether the product may be sold so; its price where the line has none. */
static enum xd_result check_product(const struct xd_ledger_post *post, const struct xd_erp_line *line,
                                    struct xd_decimal *price) {
    struct xd_post_product product = {.active = false};
    enum xd_result result = xd_post_get_product(post, line, &product);
    if (result != XD_OK) {
        return result;
    }
    if (!product.active) {
        return xd_post_reject(post, "inactive_product", "product %s is not active", line->sku);
    }
    if (!line->has_unit_price && !product.has_price) {
        return xd_post_reject(post, "missing_price", "product %s has no price and the line names none",
                              line->sku);
    }
    *price = line->has_unit_price ? line->unit_price : product.price;
    return XD_OK;
}

static enum xd_result add_sale_line(const struct xd_ledger_post *post, int64_t sale, int64_t number,
                                    const struct xd_erp_line *line, struct xd_decimal *value) {
    struct xd_decimal price = xd_decimal_of(0);
    if (xd_decimal_sign(line->qty) <= 0) {
        return xd_post_reject(post, "bad_quantity", "line %s has no quantity", xd_post_text(line->line_id));
    }
    enum xd_result result = check_product(post, line, &price);
    struct xd_decimal amount;
    if (result == XD_OK) {
        result = multiply(post, line->qty, price, &amount);
    }
    if (result == XD_OK) {
        result = xd_post_add(post, *value, amount, value);
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINE_ADD);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line->line_id);
    xd_entry_int(&entry, number);
    xd_entry_text(&entry, line->sku);
    xd_entry_text(&entry, line->uom);
    bool base = line->factor_num == line->factor_den;
    xd_entry_int(&entry, base ? 1 : line->factor_num);
    xd_entry_int(&entry, base ? 1 : line->factor_den);
    xd_entry_decimal(&entry, line->qty);
    xd_entry_decimal(&entry, price);
    result = xd_entry_run(&entry);
    return result == XD_CONFLICT
               ? xd_post_reject(post, "duplicate_line", "line %s comes twice", xd_post_text(line->line_id))
               : result;
}

static enum xd_result add_sale(const struct xd_ledger_post *post, const struct xd_hash *print,
                               int64_t *number) {
    const struct xd_erp_request *request = post->request;
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_ADD);
    xd_entry_text(&entry, request->reference);
    xd_entry_hash(&entry, print);
    xd_entry_text(&entry, request->tenant);
    xd_entry_text(&entry, request->site);
    xd_entry_text(&entry, request->customer);
    xd_entry_text(&entry, request->currency);
    xd_entry_int(&entry, request->at);
    enum xd_result result = xd_entry_run(&entry);
    *number = sqlite3_last_insert_rowid(post->book->handle);
    return result;
}

static enum xd_result check_customer(const struct xd_ledger_post *post, struct xd_post_customer *customer) {
    const struct xd_erp_request *request = post->request;
    enum xd_result result = xd_post_get_customer(post, xd_post_text(request->customer), customer);
    if (result != XD_OK) {
        return result;
    }
    if (!customer->active) {
        return xd_post_reject(post, "inactive_customer", "customer %s is not active", request->customer);
    }
    if (customer->currency[0] != '\0' && request->currency != NULL &&
        strcmp(customer->currency, request->currency) != 0) {
        return xd_post_reject(post, "currency_mismatch", "customer %s is billed in %s, not in %s",
                              request->customer, customer->currency, request->currency);
    }
    return XD_OK;
}

static enum xd_result check_credit(const struct xd_ledger_post *post, const struct xd_post_customer *customer,
                                   struct xd_decimal value) {
    struct xd_decimal total;
    enum xd_result result = xd_post_add(post, customer->open_value, value, &total);
    if (result == XD_OK && customer->has_limit && xd_decimal_compare(total, customer->limit) > 0) {
        char asked[XD_DECIMAL_TEXT_MAX];
        char limit[XD_DECIMAL_TEXT_MAX];
        return xd_post_reject(post, "credit_limit", "open sales of %s would be above the limit of %s",
                              xd_decimal_write(total, asked), xd_decimal_write(customer->limit, limit));
    }
    return result;
}

static enum xd_result post_sale(const struct xd_ledger_post *post, const struct xd_hash *print,
                                int64_t *number) {
    struct xd_post_customer customer = {.active = false};
    struct xd_decimal value = xd_decimal_of(0);
    enum xd_result result = check_customer(post, &customer);
    if (result == XD_OK) {
        result = add_sale(post, print, number);
    }
    for (size_t i = 0; i < post->request->line_count && result == XD_OK; i++) {
        result = add_sale_line(post, *number, (int64_t)i + 1, &post->request->lines[i], &value);
    }
    if (result == XD_OK) {
        result = check_credit(post, &customer, value);
    }
    if (result == XD_OK) {
        result = xd_post_change_open_value(post, post->request->customer, customer.open_value, value);
    }
    return result;
}

/* ---- lines of sales ---- */

enum xd_result xd_post_get_sale(const struct xd_ledger_post *post, struct xd_post_sale *out) {
    const char *reference = xd_post_text(post->request->sale_reference);
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_GET);
    xd_entry_text(&entry, reference);
    bool there = xd_entry_next(&entry);
    if (there) {
        out->number = xd_entry_take_int(&entry);
        (void)snprintf(out->customer, sizeof out->customer, "%s", xd_entry_take_text(&entry));
    }
    enum xd_result result = xd_entry_close(&entry);
    if (result == XD_OK && !there) {
        return xd_post_reject(post, "unknown_sale", "no sale has the reference %s", reference);
    }
    return result;
}

enum xd_result xd_post_get_sale_line(const struct xd_ledger_post *post, int64_t sale,
                                     const struct xd_erp_line *line, struct xd_post_sale_line *out) {
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINE_GET);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line->line_id);
    bool there = xd_entry_next(&entry);
    if (there) {
        (void)snprintf(out->sku, sizeof out->sku, "%s", xd_entry_take_text(&entry));
        (void)snprintf(out->uom, sizeof out->uom, "%s", xd_entry_take_text(&entry));
        (void)xd_entry_take_decimal(&entry, &out->qty);
        (void)xd_entry_take_decimal(&entry, &out->unit_price);
        (void)xd_entry_take_decimal(&entry, &out->shipped);
        out->closed = xd_entry_take_int(&entry) != 0;
        out->factor_num = xd_entry_take_int(&entry);
        out->factor_den = xd_entry_take_int(&entry);
        (void)snprintf(out->price_uom, sizeof out->price_uom, "%s", xd_entry_take_text(&entry));
        out->price_num = xd_entry_take_int(&entry);
        out->price_den = xd_entry_take_int(&entry);
    }
    enum xd_result result = xd_entry_close(&entry);
    if (result != XD_OK) {
        return result;
    }
    const char *ordered = line->ordered_sku != NULL ? line->ordered_sku : line->sku;
    if (!there || (ordered != NULL && strcmp(ordered, out->sku) != 0)) {
        return xd_post_reject(post, "unknown_line", "the sale has no line %s of %s",
                              xd_post_text(line->line_id), xd_post_text(ordered));
    }
    return xd_post_agree_on_unit(post, sale, line, out);
}

enum xd_result xd_post_set_sale_line(const struct xd_ledger_post *post, int64_t sale, const char *line_id,
                                     const struct xd_post_sale_line *line) {
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINE_SET);
    xd_entry_decimal(&entry, line->shipped);
    xd_entry_int(&entry, line->closed);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line_id);
    return xd_entry_run(&entry);
}

/* What of the line is still open, in money. */
enum xd_result xd_post_open_value(const struct xd_ledger_post *post, const struct xd_post_sale_line *line,
                                  struct xd_decimal *out) {
    struct xd_decimal rest;
    *out = xd_decimal_of(0);
    enum xd_result result = xd_post_add(post, line->qty, xd_decimal_negate(line->shipped), &rest);
    if (result != XD_OK || line->closed || xd_decimal_sign(rest) <= 0) {
        return result;
    }
    return xd_post_amount(post, line, rest, out);
}

enum xd_result xd_post_take_from_stock(const struct xd_ledger_post *post, const char *sku,
                                       struct xd_decimal qty) {
    struct xd_decimal stock = xd_decimal_of(0);
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_STOCK_GET);
    xd_entry_text(&entry, post->request->site);
    xd_entry_text(&entry, sku);
    if (xd_entry_next(&entry)) {
        (void)xd_entry_take_decimal(&entry, &stock);
    }
    enum xd_result result = xd_entry_close(&entry);
    if (result == XD_OK) {
        result = xd_post_add(post, stock, xd_decimal_negate(qty), &stock);
    }
    if (result != XD_OK) {
        return result;
    }
    xd_entry_open(&entry, post->book, XD_LEDGER_STOCK_SET);
    xd_entry_text(&entry, post->request->site);
    xd_entry_text(&entry, sku);
    xd_entry_decimal(&entry, stock);
    return xd_entry_run(&entry);
}

/* The state of a sale is a fold over its lines, never set by hand. */
enum xd_result xd_post_fold_sale(const struct xd_ledger_post *post, int64_t sale) {
    bool any_open = false;
    bool any_short = false;
    bool any_shipped = false;
    bool any_wanted = false;
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINES);
    xd_entry_int(&entry, sale);
    while (xd_entry_next(&entry)) {
        struct xd_decimal qty;
        struct xd_decimal shipped;
        (void)xd_entry_take_decimal(&entry, &qty);
        (void)xd_entry_take_decimal(&entry, &shipped);
        bool closed = xd_entry_take_int(&entry) != 0;
        bool missing = xd_decimal_compare(shipped, qty) < 0;
        any_open = any_open || (missing && !closed);
        any_short = any_short || (missing && closed);
        any_shipped = any_shipped || xd_decimal_sign(shipped) > 0;
        any_wanted = any_wanted || xd_decimal_sign(qty) > 0;
    }
    enum xd_result result = xd_entry_close(&entry);
    if (result != XD_OK) {
        return result;
    }
    const char *done = any_short ? "closed_short" : any_wanted || any_shipped ? "shipped" : "cancelled";
    const char *going = any_shipped || any_short ? "part_shipped" : "open";
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_SET);
    xd_entry_text(&entry, any_open ? going : done);
    xd_entry_int(&entry, sale);
    return xd_entry_run(&entry);
}

/* ---- changes ---- */

/* The line shall have qty in all; what was shipped of it stays. *value gets what that adds to the open value.
 */
static enum xd_result change_line(const struct xd_ledger_post *post, int64_t sale,
                                  const struct xd_erp_line *line, struct xd_post_sale_line *sold,
                                  struct xd_decimal *value) {
    struct xd_decimal before, after, qty;
    enum xd_result result = xd_post_in_unit_of(post, sold, line, &qty);
    if (result == XD_OK) {
        result = xd_post_open_value(post, sold, &before);
    }
    if (result != XD_OK) {
        return result;
    }
    bool more = xd_decimal_compare(qty, sold->qty) > 0;
    sold->qty = xd_decimal_compare(qty, sold->shipped) < 0 ? sold->shipped : qty;
    sold->closed = sold->closed && !more;
    if (line->has_unit_price) {
        xd_post_set_price(line, sold);
    }
    if (result == XD_OK) {
        result = xd_post_open_value(post, sold, &after);
    }
    if (result == XD_OK) {
        result = xd_post_add(post, *value, after, value);
    }
    if (result == XD_OK) {
        result = xd_post_add(post, *value, xd_decimal_negate(before), value);
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINE_CHANGE);
    xd_entry_decimal(&entry, sold->qty);
    xd_entry_decimal(&entry, sold->unit_price);
    xd_entry_text(&entry, sold->price_uom);
    xd_entry_int(&entry, sold->price_num);
    xd_entry_int(&entry, sold->price_den);
    xd_entry_int(&entry, sold->closed);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line->line_id);
    return xd_entry_run(&entry);
}

static enum xd_result has_line(const struct xd_ledger_post *post, int64_t sale, const char *line_id,
                               bool *there) {
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINE_GET);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line_id);
    *there = xd_entry_next(&entry);
    return xd_entry_close(&entry);
}

static enum xd_result change_or_add(const struct xd_ledger_post *post, int64_t sale,
                                    const struct xd_erp_line *line, struct xd_decimal *value) {
    struct xd_post_sale_line sold = {.closed = false};
    struct xd_entry entry;
    bool there = false;
    if (xd_decimal_sign(line->qty) < 0) {
        return xd_post_reject(post, "bad_quantity", "line %s has an impossible quantity",
                              xd_post_text(line->line_id));
    }
    enum xd_result result = has_line(post, sale, line->line_id, &there);
    if (result == XD_OK && there) {
        result = xd_post_get_sale_line(post, sale, line, &sold);
        return result == XD_OK ? change_line(post, sale, line, &sold, value) : result;
    }
    if (result != XD_OK || xd_decimal_is_zero(line->qty)) {
        return result; /* nothing of what was never there */
    }
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINE_NUMBER);
    xd_entry_int(&entry, sale);
    int64_t number = xd_entry_next(&entry) ? xd_entry_take_int(&entry) : 0;
    result = xd_entry_close(&entry);
    return result == XD_OK ? add_sale_line(post, sale, number + 1, line, value) : result;
}

static enum xd_result post_change(const struct xd_ledger_post *post, const struct xd_hash *print,
                                  int64_t *number) {
    struct xd_post_sale sale = {.number = 0};
    struct xd_post_customer customer = {.active = false};
    struct xd_decimal value = xd_decimal_of(0);
    struct xd_entry entry;
    enum xd_result result = xd_post_get_sale(post, &sale);
    if (result == XD_OK) {
        result = xd_post_get_customer(post, sale.customer, &customer);
    }
    if (result != XD_OK) {
        return result;
    }
    xd_entry_open(&entry, post->book, XD_LEDGER_CHANGE_ADD);
    xd_entry_text(&entry, post->request->reference);
    xd_entry_hash(&entry, print);
    xd_entry_int(&entry, sale.number);
    xd_entry_int(&entry, post->request->at);
    result = xd_entry_run(&entry);
    *number = sqlite3_last_insert_rowid(post->book->handle);
    for (size_t i = 0; i < post->request->line_count && result == XD_OK; i++) {
        result = change_or_add(post, sale.number, &post->request->lines[i], &value);
    }
    if (result == XD_OK) {
        result = xd_post_fold_sale(post, sale.number);
    }
    return result == XD_OK ? xd_post_change_open_value(post, sale.customer, customer.open_value, value)
                           : result;
}

/* ---- adjustments ---- */

/* A product that is not sold any more can still be found, lost or damaged. */
static enum xd_result adjust_line(const struct xd_ledger_post *post, int64_t adjustment, size_t index) {
    const struct xd_erp_line *line = &post->request->lines[index];
    struct xd_post_product product = {.active = false};
    enum xd_result result = xd_post_get_product(post, line, &product);
    if (result == XD_OK) {
        result = xd_post_take_from_stock(post, line->sku, xd_decimal_negate(line->qty));
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_ADJUSTMENT_LINE_ADD);
    xd_entry_int(&entry, adjustment);
    xd_entry_int(&entry, (int64_t)index + 1);
    xd_entry_text(&entry, line->sku);
    xd_entry_text(&entry, line->uom);
    xd_entry_decimal(&entry, line->qty);
    return xd_entry_run(&entry);
}

static enum xd_result post_adjustment(const struct xd_ledger_post *post, const struct xd_hash *print,
                                      int64_t *number) {
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_ADJUSTMENT_ADD);
    xd_entry_text(&entry, post->request->reference);
    xd_entry_hash(&entry, print);
    xd_entry_text(&entry, post->request->site);
    xd_entry_int(&entry, post->request->at);
    enum xd_result result = xd_entry_run(&entry);
    *number = sqlite3_last_insert_rowid(post->book->handle);
    for (size_t i = 0; i < post->request->line_count && result == XD_OK; i++) {
        result = adjust_line(post, *number, i);
    }
    return result;
}

/* ---- any of them ---- */

static enum xd_result (*const posters[])(const struct xd_ledger_post *post, const struct xd_hash *print,
                                         int64_t *number) = {
    [XD_ERP_SALE] = post_sale,
    [XD_ERP_SHIPMENT] = xd_post_shipment,
    [XD_ERP_ADJUSTMENT] = post_adjustment,
    [XD_ERP_CHANGE] = post_change,
    [XD_ERP_REVERSAL] = xd_post_reversal,
};

enum xd_result xd_ledger_decide(const struct xd_ledger_post *post) {
    const struct xd_erp_request *request = post->request;
    struct xd_hash print;
    struct xd_hash there;
    int64_t number = 0;
    enum xd_result result = xd_ledger_fingerprint(request, &print);
    if (result != XD_OK) {
        return result;
    }
    result = xd_ledger_find(post->book, request->kind, request->reference, &number, &there);
    if (result == XD_OK) {
        if (!xd_hash_equal(&print, &there)) {
            return xd_post_reject(post, "reference_conflict", "reference %s is there with another content",
                                  request->reference);
        }
        xd_ledger_say_done(post->answer, request->kind, number);
        result = xd_ledger_say_more(post->book, request->kind, number, post->answer);
        return result == XD_OK ? XD_DUPLICATE : result;
    }
    if (result != XD_NOT_FOUND) {
        return result;
    }
    if (request->line_count == 0 && request->kind != XD_ERP_REVERSAL) {
        return xd_post_reject(post, "no_lines", "a document without lines");
    }
    result = posters[request->kind](post, &print, &number);
    if (result == XD_OK) {
        xd_ledger_say_done(post->answer, request->kind, number);
    }
    return result;
}
