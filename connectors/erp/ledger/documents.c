/* Pages of sales, shipments and invoices. The cursor is the number of the last change that was read.
 *
 * The ledger bills what is shipped when it is shipped: each shipment is an invoice, too, of what of it may be
 * billed. Of a line that was closed short no more is wanted than has shipped. All of a page is read within
 * one statement, which is one state of the books. */
#include "erp/ledger/listing.h"

#include "documents/writer.h"
#include "erp/ledger/statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRICE_DIGITS 6u

struct page {
    struct xd_book *book;
    struct xd_entry entry;
    struct xd_writer writer;
    enum xd_result result; /* of what is read beside the entry */
    int64_t changed;       /* of the last one read */
};

static void write_text(struct xd_writer *writer, const char *name, const char *text) {
    if (text[0] != '\0') {
        xd_writer_text(writer, name, text);
    } else {
        xd_writer_name(writer, name);
        xd_buffer_text(writer->out, "null");
    }
}

/* One of ours has the ledger's number, and one that was typed in the number that it was given. */
static void write_number(struct xd_writer *writer, const char *name, char letter, int64_t number,
                         const char *typed) {
    char text[24];
    (void)snprintf(text, sizeof text, "%c%06lld", letter, (long long)number);
    xd_writer_text(writer, name, typed[0] != '\0' ? typed : text);
}

static void keep(struct page *page, enum xd_result result) {
    page->result = page->result == XD_OK ? result : page->result;
}

struct factor {
    int64_t num, den;
};

static struct xd_decimal in_base(struct page *page, struct xd_decimal qty, const struct factor *factor) {
    struct xd_decimal base = xd_decimal_of(0);
    keep(page, xd_decimal_ratio(qty, factor->num, factor->den, &base));
    return base;
}

static struct xd_decimal minus(struct page *page, struct xd_decimal a, struct xd_decimal b) {
    struct xd_decimal rest = xd_decimal_of(0);
    keep(page, xd_decimal_subtract(a, b, &rest));
    return rest;
}

static void add(struct page *page, struct xd_decimal *sum, struct xd_decimal value) {
    keep(page, xd_decimal_add(*sum, value, sum));
}

/* ---- sales ---- */

/* Base units. */
static struct xd_decimal billed(struct page *page, int64_t sale, const char *line_id) {
    struct xd_decimal sum = xd_decimal_of(0), qty, unbilled;
    struct factor factor;
    struct xd_entry entry;
    xd_entry_open(&entry, page->book, XD_LEDGER_SALE_LIST_BILLED);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line_id);
    while (xd_entry_next(&entry)) {
        (void)xd_entry_take_decimal(&entry, &qty);
        (void)xd_entry_take_decimal(&entry, &unbilled);
        factor.num = xd_entry_take_int(&entry);
        factor.den = xd_entry_take_int(&entry);
        add(page, &sum, in_base(page, minus(page, qty, unbilled), &factor));
    }
    keep(page, xd_entry_close(&entry));
    return sum;
}

/* A line that counts in base units is told in what it was sold, as far as that says it. */
static void write_sale_line(struct page *page, int64_t sale, struct xd_entry *line) {
    struct xd_writer *writer = &page->writer;
    struct xd_decimal qty, price, shipped, sold;
    char line_id[XD_ERP_CURSOR_SIZE], uom[64];
    struct factor factor, of_price;
    (void)snprintf(line_id, sizeof line_id, "%s", xd_entry_take_text(line));
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "line_id", line_id);
    xd_writer_text(writer, "sku", xd_entry_take_text(line));
    (void)snprintf(uom, sizeof uom, "%s", xd_entry_take_text(line));
    factor.num = xd_entry_take_int(line);
    factor.den = xd_entry_take_int(line);
    (void)xd_entry_take_decimal(line, &qty);
    (void)xd_entry_take_decimal(line, &price);
    (void)xd_entry_take_decimal(line, &shipped);
    bool closed = xd_entry_take_int(line) != 0;
    struct xd_decimal wanted = closed ? xd_decimal_min(shipped, qty) : qty;
    const char *price_uom = xd_entry_take_text(line);
    of_price.num = xd_entry_take_int(line);
    of_price.den = xd_entry_take_int(line);
    bool otherwise = price_uom[0] != '\0';
    bool as_sold = otherwise && xd_decimal_ratio(wanted, of_price.den, of_price.num, &sold) == XD_OK;
    if (otherwise && !as_sold) {
        keep(page, xd_decimal_ratio_round(price, of_price.den, of_price.num, PRICE_DIGITS, &price));
    }
    xd_writer_text(writer, "uom", as_sold ? price_uom : uom);
    xd_writer_decimal(writer, "qty", as_sold ? sold : wanted);
    xd_writer_decimal(writer, "base_qty", in_base(page, wanted, &factor));
    xd_writer_decimal(writer, "unit_price", price);
    xd_writer_decimal(writer, "shipped", in_base(page, shipped, &factor));
    xd_writer_decimal(writer, "invoiced", billed(page, sale, line_id));
    xd_writer_end(writer, '}');
}

static void write_sale_lines(struct page *page, int64_t sale) {
    struct xd_entry line;
    xd_writer_begin(&page->writer, "lines", '[');
    xd_entry_open(&line, page->book, XD_LEDGER_SALE_LIST_LINES);
    xd_entry_int(&line, sale);
    while (xd_entry_next(&line)) {
        write_sale_line(page, sale, &line);
    }
    keep(page, xd_entry_close(&line));
    xd_writer_end(&page->writer, ']');
}

static const char *state_of(const char *state) {
    return strcmp(state, "cancelled") == 0                                       ? "cancelled"
           : strcmp(state, "shipped") == 0 || strcmp(state, "closed_short") == 0 ? "done"
                                                                                 : "open";
}

static void write_sale(struct page *page) {
    struct xd_writer *writer = &page->writer;
    struct xd_entry *row = &page->entry;
    int64_t number = xd_entry_take_int(row);
    xd_writer_begin(writer, NULL, '{');
    write_number(writer, "number", 'S', number, xd_entry_take_text(row));
    write_text(writer, "reference", xd_entry_take_text(row));
    xd_writer_text(writer, "state", state_of(xd_entry_take_text(row)));
    write_text(writer, "customer", xd_entry_take_text(row));
    write_text(writer, "currency", xd_entry_take_text(row));
    write_text(writer, "customer_po", xd_entry_take_text(row));
    xd_writer_time(writer, "ordered_at", xd_entry_take_int(row));
    write_text(writer, "site", xd_entry_take_text(row));
    const char *ship_to = xd_entry_take_text(row);
    xd_writer_name(writer, "ship_to");
    xd_buffer_text(writer->out, ship_to[0] != '\0' ? ship_to : "null");
    write_sale_lines(page, number);
    xd_writer_end(writer, '}');
}

/* ---- shipments and invoices ---- */

struct shipment_line {
    char line_id[XD_ERP_CURSOR_SIZE], sku[XD_ERP_CURSOR_SIZE], uom[64];
    struct factor factor, of_price;
    struct xd_decimal qty, unbilled, price;
    char lot[XD_ERP_CURSOR_SIZE];
};

static void take_shipment_line(struct xd_entry *row, struct shipment_line *line) {
    (void)snprintf(line->line_id, sizeof line->line_id, "%s", xd_entry_take_text(row));
    (void)snprintf(line->sku, sizeof line->sku, "%s", xd_entry_take_text(row));
    (void)snprintf(line->uom, sizeof line->uom, "%s", xd_entry_take_text(row));
    line->factor.num = xd_entry_take_int(row);
    line->factor.den = xd_entry_take_int(row);
    (void)xd_entry_take_decimal(row, &line->qty);
    (void)xd_entry_take_decimal(row, &line->unbilled);
    (void)xd_entry_take_decimal(row, &line->price);
    line->of_price.num = xd_entry_take_int(row);
    line->of_price.den = xd_entry_take_int(row);
    (void)snprintf(line->lot, sizeof line->lot, "%s", xd_entry_take_text(row));
}

static void write_shipment_line(struct page *page, const struct shipment_line *line) {
    struct xd_writer *writer = &page->writer;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "line_id", line->line_id);
    xd_writer_text(writer, "sku", line->sku);
    xd_writer_text(writer, "uom", line->uom);
    xd_writer_decimal(writer, "qty", line->qty);
    xd_writer_decimal(writer, "base_qty", in_base(page, line->qty, &line->factor));
    write_text(writer, "lot", line->lot);
    xd_writer_end(writer, '}');
}

static void write_shipment(struct page *page) {
    struct xd_writer *writer = &page->writer;
    struct xd_entry *row = &page->entry, lines;
    int64_t number = xd_entry_take_int(row);
    xd_writer_begin(writer, NULL, '{');
    write_number(writer, "number", 'D', number, "");
    write_text(writer, "reference", xd_entry_take_text(row));
    int64_t sale = xd_entry_take_int(row);
    write_number(writer, "sale", 'S', sale, xd_entry_take_text(row));
    write_text(writer, "sale_reference", xd_entry_take_text(row));
    write_text(writer, "site", xd_entry_take_text(row));
    xd_writer_text(writer, "state", "done");
    xd_writer_time(writer, "at", xd_entry_take_int(row));
    write_text(writer, "ship_by", "");
    xd_writer_begin(writer, "lines", '[');
    xd_entry_open(&lines, page->book, XD_LEDGER_SHIPMENT_LIST_LINES);
    xd_entry_int(&lines, number);
    while (xd_entry_next(&lines)) {
        struct shipment_line line = {.uom = ""};
        take_shipment_line(&lines, &line);
        write_shipment_line(page, &line);
    }
    keep(page, xd_entry_close(&lines));
    xd_writer_end(writer, ']');
    xd_writer_end(writer, '}');
}

/* The lines of the invoice of a shipment, and what they cost. */
static void write_bill(struct page *page, int64_t shipment, struct xd_decimal *total) {
    struct xd_writer *writer = &page->writer;
    struct xd_entry lines;
    xd_writer_begin(writer, "lines", '[');
    xd_entry_open(&lines, page->book, XD_LEDGER_SHIPMENT_LIST_LINES);
    xd_entry_int(&lines, shipment);
    while (xd_entry_next(&lines)) {
        struct shipment_line line = {.uom = ""};
        struct xd_decimal amount = xd_decimal_of(0);
        take_shipment_line(&lines, &line);
        struct xd_decimal qty = minus(page, line.qty, line.unbilled);
        if (xd_decimal_is_zero(qty)) {
            continue;
        }
        xd_writer_begin(writer, NULL, '{');
        xd_writer_text(writer, "line_id", line.line_id);
        xd_writer_text(writer, "sku", line.sku);
        xd_writer_decimal(writer, "base_qty", in_base(page, qty, &line.factor));
        xd_writer_end(writer, '}');
        keep(page, xd_decimal_multiply(qty, line.price, &amount));
        if (line.factor.num != line.of_price.num || line.factor.den != line.of_price.den) {
            amount = in_base(page, amount, &line.factor);
            keep(page,
                 xd_decimal_ratio_round(amount, line.of_price.den, line.of_price.num, PRICE_DIGITS, &amount));
        }
        add(page, total, amount);
    }
    keep(page, xd_entry_close(&lines));
    xd_writer_end(writer, ']');
}

static void write_invoice(struct page *page) {
    struct xd_writer *writer = &page->writer;
    struct xd_entry *row = &page->entry;
    struct xd_decimal total = xd_decimal_of(0);
    int64_t number = xd_entry_take_int(row);
    (void)xd_entry_take_text(row); /* the shipment's reference */
    int64_t sale = xd_entry_take_int(row);
    xd_writer_begin(writer, NULL, '{');
    write_number(writer, "number", 'I', number, "");
    write_number(writer, "sale", 'S', sale, xd_entry_take_text(row));
    write_text(writer, "sale_reference", xd_entry_take_text(row));
    xd_writer_text(writer, "state", "posted");
    (void)xd_entry_take_text(row); /* its site */
    (void)xd_entry_take_int(row);  /* ... and when it left that */
    write_text(writer, "currency", xd_entry_take_text(row));
    write_bill(page, number, &total);
    xd_writer_decimal(writer, "total", total);
    xd_writer_end(writer, '}');
}

/* ---- a page ---- */

static void write_document(struct page *page, enum xd_erp_list what) {
    if (what == XD_ERP_SALES) {
        write_sale(page);
    } else if (what == XD_ERP_SHIPMENTS) {
        write_shipment(page);
    } else {
        write_invoice(page);
    }
}

enum xd_result xd_ledger_list_documents(struct xd_book *book, enum xd_erp_list what, const char *cursor,
                                        size_t max, struct xd_buffer *entries,
                                        char next[XD_ERP_CURSOR_SIZE]) {
    struct page page = {.book = book, .writer = {.out = entries}, .changed = strtoll(cursor, NULL, 10)};
    size_t before = entries->size;
    xd_entry_open(&page.entry, book, what == XD_ERP_SALES ? XD_LEDGER_SALE_LIST : XD_LEDGER_SHIPMENT_LIST);
    xd_entry_int(&page.entry, page.changed);
    xd_entry_int(&page.entry, (int64_t)max);
    xd_writer_begin(&page.writer, NULL, '[');
    while (page.result == XD_OK && entries->size - before <= XD_ERP_PAGE_BYTES &&
           xd_entry_next(&page.entry)) {
        page.changed = xd_entry_take_int(&page.entry);
        write_document(&page, what);
    }
    xd_writer_end(&page.writer, ']');
    (void)snprintf(next, XD_ERP_CURSOR_SIZE, "%lld", (long long)page.changed);
    enum xd_result result = xd_entry_close(&page.entry);
    return result == XD_OK ? page.result : result;
}
