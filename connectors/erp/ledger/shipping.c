/* Shipments, and what undoes them.
 *
 * A reversal is a shipment of the same lines with negative quantities: what lists add up shipments, bills or
 * stock sees both and comes to nothing. A shipment is undone once. What happened on a day whose books are
 * closed is dated on the first open one, and keeps the day on which it happened. */
#include "erp/ledger/parts.h"

#include "base/memory.h"
#include "erp/ledger/statements.h"

#include <stdio.h>
#include <string.h>

/* ---- the day ---- */

/* The day that the books have it on, 0: the day on which it was. */
static enum xd_result date_of(const struct xd_ledger_post *post, xd_ms at, xd_ms *dated) {
    int64_t closed = 0;
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_PERIOD_GET);
    bool there = xd_entry_next(&entry);
    there = there && xd_date_parse(xd_entry_take_text(&entry), &closed) == XD_OK;
    *dated = there && at / XD_DAY_MS <= closed ? (closed + 1) * XD_DAY_MS : 0;
    return xd_entry_close(&entry);
}

enum xd_result xd_post_say_period(struct xd_book *book, int64_t number, struct xd_erp_answer *answer) {
    struct xd_entry entry;
    xd_ms dated = 0;
    xd_entry_open(&entry, book, XD_LEDGER_SHIPMENT_DATED);
    xd_entry_int(&entry, number);
    if (xd_entry_next(&entry)) {
        dated = xd_entry_take_int(&entry);
    }
    if (dated > 0) {
        (void)snprintf(answer->code, sizeof answer->code, "period_closed");
        (void)xd_date_write(dated / XD_DAY_MS, answer->detail);
    }
    return xd_entry_close(&entry);
}

/* ---- shipments ---- */

/* What a line did, as the books keep it. */
struct shipped {
    char line_id[256], sku[128], ordered_sku[128], uom[64], lot[128];
    struct xd_decimal qty, unbilled, base;
    struct xd_decimal price; /* a substitute's own */
    int64_t factor_num, factor_den;
    bool close, has_price;
};

static enum xd_result add_line(const struct xd_ledger_post *post, int64_t shipment, size_t index,
                               const struct shipped *line) {
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SHIPMENT_LINE_ADD);
    xd_entry_int(&entry, shipment);
    xd_entry_int(&entry, (int64_t)index + 1);
    xd_entry_text(&entry, line->line_id);
    xd_entry_text(&entry, line->sku);
    xd_entry_text(&entry, line->uom);
    xd_entry_decimal(&entry, line->qty);
    xd_entry_decimal(&entry, line->unbilled);
    xd_entry_int(&entry, line->close);
    xd_entry_text(&entry, line->lot);
    xd_entry_text(&entry, line->ordered_sku);
    xd_entry_decimal(&entry, line->base);
    if (line->has_price) {
        xd_entry_decimal(&entry, line->price);
    } else {
        xd_entry_null(&entry);
    }
    xd_entry_int(&entry, line->factor_num);
    xd_entry_int(&entry, line->factor_den);
    return xd_entry_run(&entry);
}

/* What is shipped and closed of the sale's line becomes so; *released gets what that takes from the open
 * value. */
static enum xd_result move_line(const struct xd_ledger_post *post, int64_t sale, const char *line_id,
                                struct xd_post_sale_line *sold, struct xd_decimal qty, bool closed,
                                struct xd_decimal *released) {
    struct xd_decimal before, after;
    enum xd_result result = xd_post_open_value(post, sold, &before);
    if (result == XD_OK) {
        result = xd_post_add(post, sold->shipped, qty, &sold->shipped);
    }
    sold->closed = closed;
    if (result == XD_OK) {
        result = xd_post_open_value(post, sold, &after);
    }
    if (result == XD_OK) {
        result = xd_post_add(post, *released, before, released);
    }
    if (result == XD_OK) {
        result = xd_post_add(post, *released, xd_decimal_negate(after), released);
    }
    return result == XD_OK ? xd_post_set_sale_line(post, sale, line_id, sold) : result;
}

/* A substitute is billed at its own price, where it has one. */
static enum xd_result price_substitute(const struct xd_ledger_post *post, const struct xd_erp_line *line,
                                       struct shipped *shipped) {
    struct xd_post_product product = {.active = false};
    if (line->ordered_sku == NULL) {
        return XD_OK;
    }
    enum xd_result result = xd_post_get_product(post, line, &product);
    shipped->has_price = product.has_price && line->factor_num == line->factor_den;
    shipped->price = product.price;
    return result;
}

/* One line of a shipment into line, stock and shipment. */
static enum xd_result ship_line(const struct xd_ledger_post *post, const struct xd_post_sale *sale,
                                int64_t shipment, size_t index, struct xd_decimal *released) {
    const struct xd_erp_line *line = &post->request->lines[index];
    struct xd_post_sale_line sold = {.closed = false};
    struct xd_decimal qty;
    bool base = line->factor_num == line->factor_den;
    struct shipped shipped = {.qty = line->qty,
                              .unbilled = line->unbilled,
                              .close = line->close,
                              .factor_num = base ? 1 : line->factor_num,
                              .factor_den = base ? 1 : line->factor_den};
    if (xd_decimal_sign(line->qty) < 0 || xd_decimal_compare(line->unbilled, line->qty) > 0) {
        return xd_post_reject(post, "bad_quantity", "line %s has an impossible quantity",
                              xd_post_text(line->line_id));
    }
    enum xd_result result = xd_post_get_sale_line(post, sale->number, line, &sold);
    if (result == XD_OK) {
        result = price_substitute(post, line, &shipped);
    }
    if (result == XD_OK) {
        result = xd_post_in_unit_of(post, &sold, line, &qty);
    }
    if (result == XD_OK) {
        result =
            move_line(post, sale->number, line->line_id, &sold, qty, sold.closed || line->close, released);
    }
    if (result == XD_OK) {
        result = xd_post_base_of(post, line, &shipped.base);
    }
    bool substitute = line->ordered_sku != NULL;
    (void)snprintf(shipped.line_id, sizeof shipped.line_id, "%s", xd_post_text(line->line_id));
    (void)snprintf(shipped.sku, sizeof shipped.sku, "%s", substitute ? xd_post_text(line->sku) : sold.sku);
    (void)snprintf(shipped.ordered_sku, sizeof shipped.ordered_sku, "%s", substitute ? sold.sku : "");
    (void)snprintf(shipped.uom, sizeof shipped.uom, "%s", xd_post_text(line->uom));
    (void)snprintf(shipped.lot, sizeof shipped.lot, "%s", xd_post_text(line->lot));
    if (result == XD_OK && !xd_decimal_is_zero(shipped.base)) {
        result = xd_post_take_from_stock(post, shipped.sku, shipped.base);
    }
    return result == XD_OK ? add_line(post, shipment, index, &shipped) : result;
}

static enum xd_result add_shipment(const struct xd_ledger_post *post, const struct xd_hash *print,
                                   int64_t sale, int64_t reverses, int64_t *number) {
    xd_ms dated = 0;
    struct xd_entry entry;
    enum xd_result result = date_of(post, post->request->at, &dated);
    if (result != XD_OK) {
        return result;
    }
    xd_entry_open(&entry, post->book, XD_LEDGER_SHIPMENT_ADD);
    xd_entry_text(&entry, post->request->reference);
    xd_entry_hash(&entry, print);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, post->request->site);
    xd_entry_int(&entry, post->request->at);
    xd_entry_int(&entry, reverses);
    xd_entry_int(&entry, dated);
    result = xd_entry_run(&entry);
    *number = sqlite3_last_insert_rowid(post->book->handle);
    return result;
}

static enum xd_result finish(const struct xd_ledger_post *post, const struct xd_post_sale *sale,
                             struct xd_decimal open_value, struct xd_decimal released, int64_t number) {
    enum xd_result result = xd_post_fold_sale(post, sale->number);
    if (result == XD_OK) {
        result = xd_post_change_open_value(post, sale->customer, open_value, xd_decimal_negate(released));
    }
    return result == XD_OK ? xd_post_say_period(post->book, number, post->answer) : result;
}

enum xd_result xd_post_shipment(const struct xd_ledger_post *post, const struct xd_hash *print,
                                int64_t *number) {
    struct xd_post_sale sale = {.number = 0};
    struct xd_post_customer customer = {.active = false};
    struct xd_decimal released = xd_decimal_of(0);
    enum xd_result result = xd_post_get_sale(post, &sale);
    if (result == XD_OK) {
        result = xd_post_get_customer(post, sale.customer, &customer);
    }
    if (result == XD_OK) {
        result = add_shipment(post, print, sale.number, 0, number);
    }
    for (size_t i = 0; i < post->request->line_count && result == XD_OK; i++) {
        result = ship_line(post, &sale, *number, i, &released);
    }
    return result == XD_OK ? finish(post, &sale, customer.open_value, released, *number) : result;
}

/* ---- reversals ---- */

struct shipped_lines {
    struct shipped *items; /* owned */
    size_t count, capacity;
};

/* Lines of before these columns were there have no base quantity: the factor of the sale's line says it. */
static void take_line(struct xd_entry *entry, struct shipped *line) {
    memset(line, 0, sizeof *line);
    (void)snprintf(line->line_id, sizeof line->line_id, "%s", xd_entry_take_text(entry));
    (void)snprintf(line->sku, sizeof line->sku, "%s", xd_entry_take_text(entry));
    (void)snprintf(line->uom, sizeof line->uom, "%s", xd_entry_take_text(entry));
    (void)xd_entry_take_decimal(entry, &line->qty);
    (void)xd_entry_take_decimal(entry, &line->unbilled);
    (void)snprintf(line->lot, sizeof line->lot, "%s", xd_entry_take_text(entry));
    (void)snprintf(line->ordered_sku, sizeof line->ordered_sku, "%s", xd_entry_take_text(entry));
    bool has_base = xd_entry_take_decimal(entry, &line->base);
    line->has_price = xd_entry_take_decimal(entry, &line->price);
    int64_t num = xd_entry_take_int(entry);
    int64_t den = xd_entry_take_int(entry);
    line->factor_num = num;
    line->factor_den = den;
    if (!has_base && xd_decimal_ratio(line->qty, num, den, &line->base) != XD_OK) {
        line->base = line->qty;
    }
}

static enum xd_result load_lines(const struct xd_ledger_post *post, int64_t shipment,
                                 struct shipped_lines *lines) {
    struct xd_entry entry;
    enum xd_result result = XD_OK;
    xd_entry_open(&entry, post->book, XD_LEDGER_SHIPMENT_LINES);
    xd_entry_int(&entry, shipment);
    while (result == XD_OK && xd_entry_next(&entry)) {
        struct shipped *items = xd_grow(lines->items, lines->count, &lines->capacity, sizeof *items);
        result = items == NULL ? XD_NO_MEMORY : XD_OK;
        if (result == XD_OK) {
            lines->items = items;
            take_line(&entry, &items[lines->count++]);
        }
    }
    enum xd_result closed = xd_entry_close(&entry);
    return result == XD_OK ? closed : result;
}

static enum xd_result return_line(const struct xd_ledger_post *post, const struct xd_post_sale *sale,
                                  int64_t reversal, size_t index, struct shipped *line,
                                  struct xd_decimal *released) {
    struct xd_post_sale_line sold = {.closed = false};
    struct xd_erp_line asked = {.line_id = line->line_id};
    enum xd_result result = xd_post_get_sale_line(post, sale->number, &asked, &sold);
    line->qty = xd_decimal_negate(line->qty);
    line->unbilled = xd_decimal_negate(line->unbilled);
    line->base = xd_decimal_negate(line->base);
    line->close = false;
    if (result == XD_OK) {
        struct xd_decimal qty = sold.factor_num == sold.factor_den ? line->base : line->qty;
        result = move_line(post, sale->number, line->line_id, &sold, qty, false, released);
    }
    if (result == XD_OK && !xd_decimal_is_zero(line->base)) {
        result = xd_post_take_from_stock(post, line->sku, line->base);
    }
    return result == XD_OK ? add_line(post, reversal, index, line) : result;
}

/* The shipment that is undone; *undone: by which document it was already, 0 none. */
static enum xd_result get_shipment(const struct xd_ledger_post *post, int64_t *number, int64_t *undone) {
    const char *reference = xd_post_text(post->request->reverses);
    struct xd_entry entry;
    xd_entry_open(&entry, post->book, XD_LEDGER_SHIPMENT_UNDONE);
    xd_entry_text(&entry, reference);
    bool there = xd_entry_next(&entry);
    if (there) {
        *number = xd_entry_take_int(&entry);
        *undone = xd_entry_take_int(&entry);
    }
    enum xd_result result = xd_entry_close(&entry);
    if (result == XD_OK && !there) {
        return xd_post_reject(post, "unknown_shipment", "no shipment has the reference %s", reference);
    }
    if (result == XD_OK && *undone != 0) {
        return xd_post_reject(post, "already_reversed", "shipment %s was undone before", reference);
    }
    return result;
}

enum xd_result xd_post_reversal(const struct xd_ledger_post *post, const struct xd_hash *print,
                                int64_t *number) {
    struct xd_post_sale sale = {.number = 0};
    struct xd_post_customer customer = {.active = false};
    struct xd_decimal released = xd_decimal_of(0);
    struct shipped_lines lines = {NULL, 0, 0};
    int64_t shipment = 0, undone = 0;
    enum xd_result result = get_shipment(post, &shipment, &undone);
    if (result == XD_OK) {
        result = xd_post_get_sale(post, &sale);
    }
    if (result == XD_OK) {
        result = xd_post_get_customer(post, sale.customer, &customer);
    }
    if (result == XD_OK) {
        result = load_lines(post, shipment, &lines);
    }
    if (result == XD_OK) {
        result = add_shipment(post, print, sale.number, shipment, number);
    }
    for (size_t i = 0; i < lines.count && result == XD_OK; i++) {
        result = return_line(post, &sale, *number, i, &lines.items[i], &released);
    }
    xd_free(lines.items);
    return result == XD_OK ? finish(post, &sale, customer.open_value, released, *number) : result;
}
