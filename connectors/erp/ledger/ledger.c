/* The ledger: posting sales, shipments and changes of stock, and finding them again.
 *
 * A call is one transaction, and the reference is unique in it: a repeat finds the
 * document that is there and gives its number again, so nothing is made twice
 * whatever the caller remembers (grade A). What came with the reference is kept as
 * a fingerprint: the same reference with another content is refused.
 *
 * What an answer may say follows from where a call failed. Before COMMIT nothing
 * has happened and a rollback sees to it: UNAVAILABLE. A COMMIT that failed in the
 * operating system may be on disk or not: UNKNOWN; the connection is given up, for
 * it must not try that fsync again, and the next call opens a new one.
 *
 * All workers of the process write under one mutex. SQLite would make them wait
 * for each other anyway, and before 3.51.3 it can lose a reset of the WAL when two
 * connections write or checkpoint at the same moment.
 *
 * Stock may go below zero: a shipment says what has left the house, and the books
 * follow the facts. customer.open_value is what is sold and not yet shipped, at
 * the price of the sale; the credit limit is held against it. */
#include "erp/ledger/ledger.h"

#include "base/crypto.h"
#include "base/memory.h"
#include "erp/ledger/book.h"
#include "erp/ledger/fingerprint.h"
#include "erp/ledger/listing.h"
#include "erp/ledger/statements.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RETRY_MS 1000u

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

struct ledger {
    struct xd_book book;
    char *path;
};

/* Within a post: XD_OK goes on, XD_DENIED means that the answer says REJECTED, and
 * anything else that the book failed. */
struct post {
    struct xd_book *book;
    const struct xd_erp_request *request;
    struct xd_erp_answer *answer;
};

static enum xd_result reject(const struct post *post, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum xd_result reject(const struct post *post, const char *code, const char *format, ...) {
    post->answer->outcome = XD_ERP_REJECTED;
    (void)snprintf(post->answer->code, sizeof post->answer->code, "%s", code);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(post->answer->detail, sizeof post->answer->detail, format, arguments);
    va_end(arguments);
    return XD_DENIED;
}

static const char *text_of(const char *text) {
    return text == NULL ? "" : text;
}

static enum xd_result exact(const struct post *post, enum xd_result result) {
    return result == XD_OK
               ? XD_OK
               : reject(post, "amount_too_large", "an amount has more digits than the books keep");
}

static enum xd_result add(const struct post *post, struct xd_decimal a, struct xd_decimal b,
                          struct xd_decimal *out) {
    return exact(post, xd_decimal_add(a, b, out));
}

static enum xd_result multiply(const struct post *post, struct xd_decimal a, struct xd_decimal b,
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
};

static void say_done(struct xd_erp_answer *answer, enum xd_erp_kind kind, int64_t number) {
    answer->outcome = XD_ERP_DONE;
    (void)snprintf(answer->document, sizeof answer->document, "%c%06lld", documents[kind].letter,
                   (long long)number);
}

/* XD_NOT_FOUND: no such document. */
static enum xd_result find_document(struct xd_book *book, enum xd_erp_kind kind, const char *reference,
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

/* ---- sales ---- */

struct customer {
    bool active;
    char currency[8];
    struct xd_decimal limit, open_value;
    bool has_limit;
};

static enum xd_result get_customer(const struct post *post, const char *code, struct customer *out) {
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
        return reject(post, "unknown_customer", "no customer has the code %s", code);
    }
    return result;
}

/* Takes change into what the customer has open. */
static enum xd_result change_open_value(const struct post *post, const char *code, struct xd_decimal before,
                                        struct xd_decimal change) {
    struct xd_decimal after;
    enum xd_result result = add(post, before, change, &after);
    if (result != XD_OK) {
        return result;
    }
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_CUSTOMER_SET);
    xd_entry_decimal(&entry, after);
    xd_entry_text(&entry, code);
    return xd_entry_run(&entry);
}

struct product {
    bool active, has_price;
    struct xd_decimal price;
};

/* The line's product, if there is one and the line counts in its unit. */
static enum xd_result get_product(const struct post *post, const struct xd_erp_line *line,
                                  struct product *out) {
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
        return reject(post, "unknown_product", "no product has the sku %s", text_of(line->sku));
    }
    if (result == XD_OK && line->uom != NULL && strcmp(line->uom, uom) != 0) {
        return reject(post, "unknown_uom", "product %s is kept in %s, not in %s", line->sku, uom, line->uom);
    }
    return result;
}

/* Whether the product may be sold so; its price where the line has none. */
static enum xd_result check_product(const struct post *post, const struct xd_erp_line *line,
                                    struct xd_decimal *price) {
    struct product product = {.active = false};
    enum xd_result result = get_product(post, line, &product);
    if (result != XD_OK) {
        return result;
    }
    if (!product.active) {
        return reject(post, "inactive_product", "product %s is not active", line->sku);
    }
    if (!line->has_unit_price && !product.has_price) {
        return reject(post, "missing_price", "product %s has no price and the line names none", line->sku);
    }
    *price = line->has_unit_price ? line->unit_price : product.price;
    return XD_OK;
}

static enum xd_result add_sale_line(const struct post *post, int64_t sale, size_t index,
                                    struct xd_decimal *value) {
    const struct xd_erp_line *line = &post->request->lines[index];
    struct xd_decimal price = xd_decimal_of(0);
    if (xd_decimal_sign(line->qty) <= 0) {
        return reject(post, "bad_quantity", "line %s has no quantity", text_of(line->line_id));
    }
    enum xd_result result = check_product(post, line, &price);
    struct xd_decimal amount;
    if (result == XD_OK) {
        result = multiply(post, line->qty, price, &amount);
    }
    if (result == XD_OK) {
        result = add(post, *value, amount, value);
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINE_ADD);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line->line_id);
    xd_entry_int(&entry, (int64_t)index + 1);
    xd_entry_text(&entry, line->sku);
    xd_entry_text(&entry, line->uom);
    xd_entry_decimal(&entry, line->qty);
    xd_entry_decimal(&entry, price);
    result = xd_entry_run(&entry);
    return result == XD_CONFLICT
               ? reject(post, "duplicate_line", "line %s comes twice", text_of(line->line_id))
               : result;
}

static enum xd_result add_sale(const struct post *post, const struct xd_hash *print, int64_t *number) {
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

static enum xd_result check_customer(const struct post *post, struct customer *customer) {
    const struct xd_erp_request *request = post->request;
    enum xd_result result = get_customer(post, text_of(request->customer), customer);
    if (result != XD_OK) {
        return result;
    }
    if (!customer->active) {
        return reject(post, "inactive_customer", "customer %s is not active", request->customer);
    }
    if (customer->currency[0] != '\0' && request->currency != NULL &&
        strcmp(customer->currency, request->currency) != 0) {
        return reject(post, "currency_mismatch", "customer %s is billed in %s, not in %s", request->customer,
                      customer->currency, request->currency);
    }
    return XD_OK;
}

static enum xd_result check_credit(const struct post *post, const struct customer *customer,
                                   struct xd_decimal value) {
    struct xd_decimal total;
    enum xd_result result = add(post, customer->open_value, value, &total);
    if (result == XD_OK && customer->has_limit && xd_decimal_compare(total, customer->limit) > 0) {
        char asked[XD_DECIMAL_TEXT_MAX];
        char limit[XD_DECIMAL_TEXT_MAX];
        return reject(post, "credit_limit", "open sales of %s would be above the limit of %s",
                      xd_decimal_write(total, asked), xd_decimal_write(customer->limit, limit));
    }
    return result;
}

static enum xd_result post_sale(const struct post *post, const struct xd_hash *print, int64_t *number) {
    struct customer customer = {.active = false};
    struct xd_decimal value = xd_decimal_of(0);
    enum xd_result result = check_customer(post, &customer);
    if (result == XD_OK) {
        result = add_sale(post, print, number);
    }
    for (size_t i = 0; i < post->request->line_count && result == XD_OK; i++) {
        result = add_sale_line(post, *number, i, &value);
    }
    if (result == XD_OK) {
        result = check_credit(post, &customer, value);
    }
    if (result == XD_OK) {
        result = change_open_value(post, post->request->customer, customer.open_value, value);
    }
    return result;
}

/* ---- shipments ---- */

struct sale_line {
    char sku[128], uom[64];
    struct xd_decimal qty, unit_price, shipped;
    bool closed;
};

struct sale {
    int64_t number;
    char customer[256];
};

static enum xd_result get_sale(const struct post *post, struct sale *out) {
    const char *reference = text_of(post->request->sale_reference);
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
        return reject(post, "unknown_sale", "no sale has the reference %s", reference);
    }
    return result;
}

static enum xd_result get_sale_line(const struct post *post, int64_t sale, const struct xd_erp_line *line,
                                    struct sale_line *out) {
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
    }
    enum xd_result result = xd_entry_close(&entry);
    if (result != XD_OK) {
        return result;
    }
    if (!there || (line->sku != NULL && strcmp(line->sku, out->sku) != 0)) {
        return reject(post, "unknown_line", "the sale has no line %s of %s", text_of(line->line_id),
                      text_of(line->sku));
    }
    if (line->uom != NULL && out->uom[0] != '\0' && strcmp(line->uom, out->uom) != 0) {
        return reject(post, "unknown_uom", "line %s was sold in %s, not in %s", line->line_id, out->uom,
                      line->uom);
    }
    return XD_OK;
}

static enum xd_result set_sale_line(const struct post *post, int64_t sale, const char *line_id,
                                    const struct sale_line *line) {
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_LINE_SET);
    xd_entry_decimal(&entry, line->shipped);
    xd_entry_int(&entry, line->closed);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line_id);
    return xd_entry_run(&entry);
}

/* What of the line is still open, in money. */
static enum xd_result open_value_of(const struct post *post, const struct sale_line *line,
                                    struct xd_decimal *out) {
    struct xd_decimal rest;
    *out = xd_decimal_of(0);
    enum xd_result result = add(post, line->qty, xd_decimal_negate(line->shipped), &rest);
    if (result != XD_OK || line->closed || xd_decimal_sign(rest) <= 0) {
        return result;
    }
    return multiply(post, rest, line->unit_price, out);
}

static enum xd_result take_from_stock(const struct post *post, const char *sku, struct xd_decimal qty) {
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
        result = add(post, stock, xd_decimal_negate(qty), &stock);
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

static enum xd_result add_shipment_line(const struct post *post, int64_t shipment, size_t index,
                                        const char *sku) {
    const struct xd_erp_line *line = &post->request->lines[index];
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SHIPMENT_LINE_ADD);
    xd_entry_int(&entry, shipment);
    xd_entry_int(&entry, (int64_t)index + 1);
    xd_entry_text(&entry, line->line_id);
    xd_entry_text(&entry, sku);
    xd_entry_text(&entry, line->uom);
    xd_entry_decimal(&entry, line->qty);
    xd_entry_decimal(&entry, line->unbilled);
    xd_entry_int(&entry, line->close);
    return xd_entry_run(&entry);
}

/* One line of a shipment into line, stock and shipment; *released gets what it takes from the open value. */
static enum xd_result ship_line(const struct post *post, const struct sale *sale, int64_t shipment,
                                size_t index, struct xd_decimal *released) {
    const struct xd_erp_line *line = &post->request->lines[index];
    struct sale_line sold = {.closed = false};
    struct xd_decimal before;
    struct xd_decimal after;
    if (xd_decimal_sign(line->qty) < 0 || xd_decimal_compare(line->unbilled, line->qty) > 0) {
        return reject(post, "bad_quantity", "line %s has an impossible quantity", text_of(line->line_id));
    }
    enum xd_result result = get_sale_line(post, sale->number, line, &sold);
    if (result == XD_OK) {
        result = open_value_of(post, &sold, &before);
    }
    if (result == XD_OK) {
        result = add(post, sold.shipped, line->qty, &sold.shipped);
    }
    sold.closed = sold.closed || line->close;
    if (result == XD_OK) {
        result = open_value_of(post, &sold, &after);
    }
    if (result == XD_OK) {
        result = add(post, *released, before, released);
    }
    if (result == XD_OK) {
        result = add(post, *released, xd_decimal_negate(after), released);
    }
    if (result == XD_OK) {
        result = set_sale_line(post, sale->number, line->line_id, &sold);
    }
    if (result == XD_OK && !xd_decimal_is_zero(line->qty)) {
        result = take_from_stock(post, sold.sku, line->qty);
    }
    return result == XD_OK ? add_shipment_line(post, shipment, index, sold.sku) : result;
}

/* The state of a sale is a fold over its lines, never set by hand. */
static enum xd_result fold_sale(const struct post *post, int64_t sale) {
    bool any_open = false;
    bool any_short = false;
    bool any_shipped = false;
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
    }
    enum xd_result result = xd_entry_close(&entry);
    if (result != XD_OK) {
        return result;
    }
    const char *done = any_short ? "closed_short" : "shipped";
    const char *going = any_shipped || any_short ? "part_shipped" : "open";
    xd_entry_open(&entry, post->book, XD_LEDGER_SALE_SET);
    xd_entry_text(&entry, any_open ? going : done);
    xd_entry_int(&entry, sale);
    return xd_entry_run(&entry);
}

static enum xd_result add_shipment(const struct post *post, const struct xd_hash *print, int64_t sale,
                                   int64_t *number) {
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SHIPMENT_ADD);
    xd_entry_text(&entry, post->request->reference);
    xd_entry_hash(&entry, print);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, post->request->site);
    xd_entry_int(&entry, post->request->at);
    enum xd_result result = xd_entry_run(&entry);
    *number = sqlite3_last_insert_rowid(post->book->handle);
    return result;
}

static enum xd_result post_shipment(const struct post *post, const struct xd_hash *print, int64_t *number) {
    struct sale sale = {.number = 0};
    struct customer customer = {.active = false};
    struct xd_decimal released = xd_decimal_of(0);
    enum xd_result result = get_sale(post, &sale);
    if (result == XD_OK) {
        result = get_customer(post, sale.customer, &customer);
    }
    if (result == XD_OK) {
        result = add_shipment(post, print, sale.number, number);
    }
    for (size_t i = 0; i < post->request->line_count && result == XD_OK; i++) {
        result = ship_line(post, &sale, *number, i, &released);
    }
    if (result == XD_OK) {
        result = fold_sale(post, sale.number);
    }
    if (result == XD_OK) {
        result = change_open_value(post, sale.customer, customer.open_value, xd_decimal_negate(released));
    }
    return result;
}

/* ---- adjustments ---- */

/* A product that is not sold any more can still be found, lost or damaged. */
static enum xd_result adjust_line(const struct post *post, int64_t adjustment, size_t index) {
    const struct xd_erp_line *line = &post->request->lines[index];
    struct product product = {.active = false};
    enum xd_result result = get_product(post, line, &product);
    if (result == XD_OK) {
        result = take_from_stock(post, line->sku, xd_decimal_negate(line->qty));
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

static enum xd_result post_adjustment(const struct post *post, const struct xd_hash *print, int64_t *number) {
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

/* ---- the calls ---- */

static void say_unavailable(struct xd_erp_answer *answer, const char *code, const char *detail) {
    answer->outcome = XD_ERP_UNAVAILABLE;
    answer->retry_after_ms = RETRY_MS;
    (void)snprintf(answer->code, sizeof answer->code, "%s", code);
    (void)snprintf(answer->detail, sizeof answer->detail, "%s", detail);
}

static enum xd_result (*const posters[])(const struct post *post, const struct xd_hash *print,
                                         int64_t *number) = {
    [XD_ERP_SALE] = post_sale,
    [XD_ERP_SHIPMENT] = post_shipment,
    [XD_ERP_ADJUSTMENT] = post_adjustment,
};

/* XD_OK: the answer is DONE, to be committed; XD_DUPLICATE: it is DONE already. */
static enum xd_result decide(const struct post *post) {
    const struct xd_erp_request *request = post->request;
    struct xd_hash print;
    struct xd_hash there;
    int64_t number = 0;
    enum xd_result result = xd_ledger_fingerprint(request, &print);
    if (result != XD_OK) {
        return result;
    }
    result = find_document(post->book, request->kind, request->reference, &number, &there);
    if (result == XD_OK) {
        if (!xd_hash_equal(&print, &there)) {
            return reject(post, "reference_conflict", "reference %s is there with another content",
                          request->reference);
        }
        say_done(post->answer, request->kind, number);
        return XD_DUPLICATE;
    }
    if (result != XD_NOT_FOUND) {
        return result;
    }
    if (request->line_count == 0) {
        return reject(post, "no_lines", "a document without lines");
    }
    result = posters[request->kind](post, &print, &number);
    if (result == XD_OK) {
        say_done(post->answer, request->kind, number);
    }
    return result;
}

static void commit(struct xd_book *book, struct xd_erp_answer *answer) {
    int code = sqlite3_exec(book->handle, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        return;
    }
    enum xd_result result = xd_book_failure(book, code);
    bool certain = result == XD_AGAIN || result == XD_FULL;
    memset(answer, 0, sizeof *answer);
    if (certain) {
        (void)sqlite3_exec(book->handle, "ROLLBACK", NULL, NULL, NULL);
        say_unavailable(answer, "ledger_unavailable", book->error);
        return;
    }
    answer->outcome = XD_ERP_UNKNOWN;
    (void)snprintf(answer->code, sizeof answer->code, "commit_failed");
    (void)snprintf(answer->detail, sizeof answer->detail, "%s", book->error);
    xd_book_close(book);
}

static void post_in_transaction(struct xd_book *book, const struct xd_erp_request *request,
                                struct xd_erp_answer *answer) {
    struct post post = {.book = book, .request = request, .answer = answer};
    enum xd_result result = xd_book_execute(book, "BEGIN IMMEDIATE");
    if (result == XD_OK) {
        result = decide(&post);
    }
    if (result == XD_OK) {
        commit(book, answer);
        return;
    }
    if (result != XD_DENIED && result != XD_DUPLICATE) {
        memset(answer, 0, sizeof *answer);
        say_unavailable(answer, result == XD_AGAIN ? "ledger_busy" : "ledger_unavailable", book->error);
    }
    if (sqlite3_get_autocommit(book->handle) == 0) {
        (void)sqlite3_exec(book->handle, "ROLLBACK", NULL, NULL, NULL);
    }
}

/* XD_OK: the book is open. */
static enum xd_result be_open(struct ledger *ledger, struct xd_erp_answer *answer) {
    enum xd_result result = XD_OK;
    if (ledger->book.handle == NULL) {
        result = xd_book_open(&ledger->book, ledger->path, false, xd_ledger_sql);
    }
    if (result != XD_OK) {
        say_unavailable(answer, "ledger_unavailable", ledger->book.error);
    }
    return result;
}

static bool take_turn(void) {
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += XD_BOOK_BUSY_MS / 1000;
    return pthread_mutex_timedlock(&writing, &until) == 0;
}

static void ledger_post(void *context, const struct xd_erp_request *request, struct xd_erp_answer *answer) {
    struct ledger *ledger = context;
    memset(answer, 0, sizeof *answer);
    if (!take_turn()) {
        say_unavailable(answer, "ledger_busy", "another posting takes too long");
        return;
    }
    if (be_open(ledger, answer) == XD_OK) {
        post_in_transaction(&ledger->book, request, answer);
    }
    (void)pthread_mutex_unlock(&writing);
}

static void ledger_find(void *context, enum xd_erp_kind kind, const char *reference,
                        struct xd_erp_answer *answer) {
    struct ledger *ledger = context;
    struct xd_hash print;
    int64_t number = 0;
    memset(answer, 0, sizeof *answer);
    if (be_open(ledger, answer) != XD_OK) {
        return;
    }
    enum xd_result result = find_document(&ledger->book, kind, reference, &number, &print);
    if (result == XD_OK) {
        say_done(answer, kind, number);
    } else if (result == XD_NOT_FOUND) {
        answer->outcome = XD_ERP_ABSENT;
    } else {
        say_unavailable(answer, result == XD_AGAIN ? "ledger_busy" : "ledger_unavailable",
                        ledger->book.error);
    }
}

static void ledger_list(void *context, enum xd_erp_list what, const char *cursor, size_t max,
                        struct xd_erp_answer *answer, struct xd_buffer *entries,
                        char next[XD_ERP_CURSOR_SIZE]) {
    struct ledger *ledger = context;
    memset(answer, 0, sizeof *answer);
    next[0] = '\0';
    if (be_open(ledger, answer) != XD_OK) {
        return;
    }
    enum xd_result result = xd_ledger_list(&ledger->book, what, cursor, max, entries, next);
    if (result == XD_OK) {
        answer->outcome = XD_ERP_DONE;
    } else {
        say_unavailable(answer, result == XD_AGAIN ? "ledger_busy" : "ledger_unavailable",
                        ledger->book.error);
    }
}

static void ledger_close(void *context) {
    struct ledger *ledger = context;
    bool turn = take_turn(); /* the last one to close checkpoints */
    xd_book_close(&ledger->book);
    if (turn) {
        (void)pthread_mutex_unlock(&writing);
    }
    xd_free(ledger->path);
    xd_free(ledger);
}

enum xd_result xd_ledger_open(const struct xd_ledger_config *config, struct xd_erp *out, char *why,
                              size_t why_size) {
    struct ledger *ledger = xd_alloc(sizeof *ledger);
    (void)snprintf(why, why_size, "no memory");
    if (ledger == NULL) {
        return XD_NO_MEMORY;
    }
    ledger->path = xd_copy_text(config->path);
    enum xd_result result = ledger->path == NULL ? XD_NO_MEMORY : XD_OK;
    if (result == XD_OK) {
        result = xd_book_open(&ledger->book, ledger->path, false, xd_ledger_sql);
        (void)snprintf(why, why_size, "%s: %s", config->path, ledger->book.error);
    }
    if (result != XD_OK) {
        xd_free(ledger->path);
        xd_free(ledger);
        return result;
    }
    why[0] = '\0';
    *out = (struct xd_erp){
        .context = ledger,
        .grade = XD_ERP_GRADE_A,
        .post = ledger_post,
        .find = ledger_find,
        .list = ledger_list,
        .close = ledger_close,
    };
    return XD_OK;
}
