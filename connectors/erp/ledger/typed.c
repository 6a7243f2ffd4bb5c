/* A typed sale is posted as anybody's is, so that the same rules hold: its reference is = and its number. */
#include "erp/ledger/typed.h"

#include "base/csv.h"
#include "base/memory.h"
#include "documents/writer.h"
#include "erp/ledger/posting.h"
#include "erp/ledger/statements.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 4096
#define TEXT_SIZE 80
#define LINES_MAX 200
#define SHIP_TO_SIZE 1024

enum column {
    NUMBER,
    LINE_ID,
    CUSTOMER,
    SITE,
    SKU,
    QTY,
    UOM,
    UNIT_PRICE,
    CURRENCY,
    CUSTOMER_PO,
    NAME,
    ADDRESS,
    CITY,
    POSTAL_CODE,
    COUNTRY
};

static const struct xd_csv_column columns[] = {
    [NUMBER] = {"number", true},
    [LINE_ID] = {"line_id", true},
    [CUSTOMER] = {"customer", true},
    [SITE] = {"site", true},
    [SKU] = {"sku", true},
    [QTY] = {"qty", true},
    [UOM] = {"uom", false},
    [UNIT_PRICE] = {"unit_price", false},
    [CURRENCY] = {"currency", true},
    [CUSTOMER_PO] = {"customer_po", false},
    [NAME] = {"ship_to_name", false},
    [ADDRESS] = {"ship_to_address", false},
    [CITY] = {"ship_to_city", false},
    [POSTAL_CODE] = {"ship_to_postal_code", false},
    [COUNTRY] = {"ship_to_country", false},
    [COUNTRY + 1] = {NULL, false},
};

struct line {
    char line_id[TEXT_SIZE], sku[TEXT_SIZE], uom[TEXT_SIZE];
};

struct typed {
    struct xd_book book; /* the caller's connection, with the statements of a posting */
    char path[PATH_SIZE];
    char reference[TEXT_SIZE + 1], customer[TEXT_SIZE], site[TEXT_SIZE], currency[TEXT_SIZE];
    char customer_po[TEXT_SIZE], ship_to[SHIP_TO_SIZE];
    struct line texts[LINES_MAX];
    struct xd_erp_line lines[LINES_MAX];
    size_t count;
    unsigned line; /* of the file, where the sale begins */
    char *why;
    size_t why_size;
};

static enum xd_result wrong(const struct typed *typed, unsigned line, const char *what) {
    (void)snprintf(typed->why, typed->why_size, "%s:%u: %s", typed->path, line, what);
    return XD_INVALID;
}

/* ---- one sale ---- */

static enum xd_result post(struct typed *typed, enum xd_erp_kind kind, const char *reference) {
    struct xd_erp_answer answer = {.outcome = XD_ERP_DONE};
    struct xd_erp_request request = {.kind = kind,
                                     .reference = reference,
                                     .sale_reference = kind == XD_ERP_CHANGE ? typed->reference : NULL,
                                     .tenant = "default",
                                     .site = typed->site,
                                     .customer = typed->customer,
                                     .currency = typed->currency,
                                     .lines = typed->lines,
                                     .line_count = typed->count};
    const struct xd_ledger_post call = {.book = &typed->book, .request = &request, .answer = &answer};
    enum xd_result result = xd_ledger_decide(&call);
    if (result == XD_DENIED) {
        return wrong(typed, typed->line, answer.detail);
    }
    return result == XD_DUPLICATE ? XD_OK : result;
}

/* Whether the line is there, and wants that much. */
static enum xd_result is_so(struct typed *typed, int64_t sale, const struct xd_erp_line *line, bool *so) {
    struct xd_decimal qty = xd_decimal_of(0);
    struct xd_entry entry;
    xd_entry_open(&entry, &typed->book, XD_LEDGER_SALE_LINE_GET);
    xd_entry_int(&entry, sale);
    xd_entry_text(&entry, line->line_id);
    if (xd_entry_next(&entry)) {
        (void)xd_entry_take_text(&entry); /* sku */
        (void)xd_entry_take_text(&entry); /* uom */
        (void)xd_entry_take_decimal(&entry, &qty);
    }
    *so = xd_decimal_compare(qty, line->qty) == 0;
    return xd_entry_close(&entry);
}

static enum xd_result change(struct typed *typed, int64_t sale) {
    char reference[TEXT_SIZE + 40];
    struct xd_entry entry;
    bool same = true;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < typed->count && result == XD_OK && same; index++) {
        result = is_so(typed, sale, &typed->lines[index], &same);
    }
    if (result != XD_OK || same) {
        return result;
    }
    xd_entry_open(&entry, &typed->book, XD_LEDGER_SALE_CHANGES);
    xd_entry_int(&entry, sale);
    int64_t changes = xd_entry_next(&entry) ? xd_entry_take_int(&entry) : 0;
    (void)snprintf(reference, sizeof reference, "%s#typed-%lld", typed->reference, (long long)changes + 1);
    result = xd_entry_close(&entry);
    return result == XD_OK ? post(typed, XD_ERP_CHANGE, reference) : result;
}

static enum xd_result take_sale(struct typed *typed) {
    struct xd_hash print;
    struct xd_entry entry;
    int64_t number = 0;
    if (typed->count == 0) {
        return XD_OK;
    }
    enum xd_result result = xd_ledger_find(&typed->book, XD_ERP_SALE, typed->reference, &number, &print);
    if (result == XD_OK) {
        return change(typed, number);
    }
    if (result == XD_NOT_FOUND) {
        result = post(typed, XD_ERP_SALE, typed->reference);
    }
    if (result == XD_OK) {
        result = xd_ledger_find(&typed->book, XD_ERP_SALE, typed->reference, &number, &print);
    }
    if (result != XD_OK) {
        return result;
    }
    xd_entry_open(&entry, &typed->book, XD_LEDGER_SALE_TYPED);
    xd_entry_text(&entry, typed->customer_po);
    xd_entry_text(&entry, typed->ship_to);
    xd_entry_int(&entry, number);
    return xd_entry_run(&entry);
}

/* ---- rows ---- */

/* As in an order; "" where the file has none. */
static void write_ship_to(struct typed *typed, const char *const *values) {
    struct xd_buffer text;
    struct xd_writer writer = {.out = &text};
    typed->ship_to[0] = '\0';
    if (values[NAME][0] == '\0') {
        return;
    }
    xd_buffer_init(&text, SHIP_TO_SIZE - 1);
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "name", values[NAME]);
    xd_writer_begin(&writer, "address", '[');
    xd_writer_text(&writer, NULL, values[ADDRESS]);
    xd_writer_end(&writer, ']');
    xd_writer_text(&writer, "city", values[CITY]);
    xd_writer_text(&writer, "postal_code", values[POSTAL_CODE]);
    xd_writer_text(&writer, "country", values[COUNTRY]);
    xd_writer_end(&writer, '}');
    if (xd_buffer_result(&text) == XD_OK) {
        (void)snprintf(typed->ship_to, sizeof typed->ship_to, "%s", xd_buffer_string(&text));
    }
    xd_buffer_free(&text);
}

static void begin_sale(struct typed *typed, const struct xd_csv *csv) {
    typed->count = 0;
    typed->line = csv->line;
    (void)snprintf(typed->reference, sizeof typed->reference, "=%s", csv->values[NUMBER]);
    (void)snprintf(typed->customer, TEXT_SIZE, "%s", csv->values[CUSTOMER]);
    (void)snprintf(typed->site, TEXT_SIZE, "%s", csv->values[SITE]);
    (void)snprintf(typed->currency, TEXT_SIZE, "%s", csv->values[CURRENCY]);
    (void)snprintf(typed->customer_po, TEXT_SIZE, "%s", csv->values[CUSTOMER_PO]);
    write_ship_to(typed, csv->values);
}

static enum xd_result add_line(struct typed *typed, const struct xd_csv *csv) {
    const char *const *values = csv->values;
    if (typed->count == LINES_MAX) {
        return wrong(typed, csv->line, "a sale has 200 lines at most");
    }
    struct line *texts = &typed->texts[typed->count];
    struct xd_erp_line *line = &typed->lines[typed->count++];
    *line =
        (struct xd_erp_line){.line_id = texts->line_id, .sku = texts->sku, .factor_num = 1, .factor_den = 1};
    (void)snprintf(texts->line_id, TEXT_SIZE, "%s", values[LINE_ID]);
    (void)snprintf(texts->sku, TEXT_SIZE, "%s", values[SKU]);
    (void)snprintf(texts->uom, TEXT_SIZE, "%s", values[UOM]);
    line->uom = texts->uom[0] != '\0' ? texts->uom : NULL;
    if (xd_decimal_parse(values[QTY], &line->qty) != XD_OK || xd_decimal_sign(line->qty) < 0) {
        return wrong(typed, csv->line, "\"qty\" is no decimal of 0 or more");
    }
    line->has_unit_price = values[UNIT_PRICE][0] != '\0';
    if (line->has_unit_price && (xd_decimal_parse(values[UNIT_PRICE], &line->unit_price) != XD_OK ||
                                 xd_decimal_sign(line->unit_price) < 0)) {
        return wrong(typed, csv->line, "\"unit_price\" is no decimal of 0 or more");
    }
    return XD_OK;
}

static enum xd_result take_row(struct typed *typed, const struct xd_csv *csv) {
    enum xd_result result = XD_OK;
    for (int column = NUMBER; column <= SKU; column++) {
        if (strlen(csv->values[column]) >= TEXT_SIZE - 1) {
            return wrong(typed, csv->line, "a number, line, customer, site or SKU is too long");
        }
    }
    if (typed->count == 0 || strcmp(typed->reference + 1, csv->values[NUMBER]) != 0) {
        result = take_sale(typed);
        begin_sale(typed, csv);
    }
    return result == XD_OK ? add_line(typed, csv) : result;
}

static enum xd_result take_rows(struct typed *typed, struct xd_bytes text) {
    struct xd_csv csv;
    enum xd_result result = xd_csv_open(&csv, text, columns);
    bool fine = result == XD_OK;
    while (fine && (result = xd_csv_next(&csv)) == XD_OK) {
        result = take_row(typed, &csv);
        fine = result == XD_OK;
    }
    if (fine && result == XD_NOT_FOUND) {
        result = take_sale(typed);
    } else if (result == XD_INVALID && typed->why[0] == '\0') {
        result = wrong(typed, csv.line, csv.why);
    }
    xd_csv_close(&csv);
    return result;
}

/* Statements of the book that the caller's are not: it stays open. */
static void let_go(struct xd_book *book) {
    book->handle = NULL;
    xd_book_close(book);
}

enum xd_result xd_ledger_load_typed(struct xd_book *book, const char *folder, char *why, size_t why_size) {
    struct typed *typed = xd_alloc(sizeof *typed);
    struct xd_buffer text;
    if (typed == NULL) {
        return XD_NO_MEMORY;
    }
    typed->book = (struct xd_book){.handle = book->handle, .sql = xd_ledger_sql};
    typed->why = why;
    typed->why_size = why_size;
    (void)snprintf(typed->path, sizeof typed->path, "%s/sales.csv", folder);
    xd_buffer_init(&text, 0);
    enum xd_result result = xd_ledger_read_file(typed->path, &text);
    if (result == XD_OK) {
        result = take_rows(typed, xd_buffer_view(&text));
    } else if (result == XD_NOT_FOUND) {
        result = XD_OK;
    } else {
        (void)wrong(typed, 1, "cannot be read");
    }
    if (result != XD_OK && why[0] == '\0') {
        (void)snprintf(why, why_size, "%s: %s", typed->path, typed->book.error);
    }
    let_go(&typed->book);
    xd_buffer_free(&text);
    xd_free(typed);
    return result;
}
