/* The ledger's tables, and the files that fill them: customers.csv, products.csv,
 * stock.csv, periods.csv (one row: the day up to
 * which the books are closed), and sales.csv (typed.h). All files are read in one transaction: one mistake
 * and none counts. Stock is only a beginning: where the ledger has some already, it knows better. */
#include "erp/ledger/ledger.h"

#include "base/bytes.h"
#include "base/csv.h"
#include "base/id.h"
#include "erp/ledger/book.h"
#include "erp/ledger/typed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SCHEMA_VERSION 6
#define PATH_SIZE 4096

static const char schema[] =
    "CREATE TABLE customer(code TEXT PRIMARY KEY, name TEXT NOT NULL, active INTEGER NOT NULL, credit_limit "
    "TEXT,"
    " currency TEXT NOT NULL, open_value TEXT NOT NULL DEFAULT '0') STRICT, WITHOUT ROWID;"
    "CREATE TABLE product(sku TEXT PRIMARY KEY, description TEXT NOT NULL, uom TEXT NOT NULL, unit_price "
    "TEXT,"
    " active INTEGER NOT NULL, lot_tracked INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE stock(site TEXT NOT NULL, sku TEXT NOT NULL, qty TEXT NOT NULL, PRIMARY KEY(site, sku))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE sale(number INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, fingerprint BLOB NOT NULL,"
    " tenant TEXT NOT NULL, site TEXT NOT NULL, customer TEXT NOT NULL, currency TEXT NOT NULL,"
    " ordered_at INTEGER NOT NULL, state TEXT NOT NULL) STRICT;"
    "CREATE TABLE sale_line(sale INTEGER NOT NULL, line_id TEXT NOT NULL, number INTEGER NOT NULL, sku TEXT "
    "NOT NULL,"
    " uom TEXT NOT NULL, qty TEXT NOT NULL, unit_price TEXT NOT NULL, shipped TEXT NOT NULL,"
    " closed INTEGER NOT NULL, PRIMARY KEY(sale, line_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE shipment(number INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, fingerprint BLOB NOT "
    "NULL,"
    " sale INTEGER NOT NULL, site TEXT NOT NULL, shipped_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX shipment_sale ON shipment(sale);"
    "CREATE TABLE shipment_line(shipment INTEGER NOT NULL, number INTEGER NOT NULL, line_id TEXT NOT NULL,"
    " sku TEXT NOT NULL, uom TEXT NOT NULL, qty TEXT NOT NULL, unbilled TEXT NOT NULL, close INTEGER NOT "
    "NULL,"
    " PRIMARY KEY(shipment, number)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

/* What version 2 adds: changes of stock that no shipment explains. */
static const char schema_2[] =
    "CREATE TABLE adjustment(number INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE,"
    " fingerprint BLOB NOT NULL, site TEXT NOT NULL, adjusted_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE adjustment_line(adjustment INTEGER NOT NULL, number INTEGER NOT NULL, sku TEXT NOT NULL,"
    " uom TEXT NOT NULL, qty TEXT NOT NULL, PRIMARY KEY(adjustment, number)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

/* What version 3 adds: changes of sales. */
static const char schema_3[] =
    "CREATE TABLE sale_change(number INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE,"
    " fingerprint BLOB NOT NULL, sale INTEGER NOT NULL, changed_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX sale_change_sale ON sale_change(sale);"
    "PRAGMA user_version = 3;";

/* What version 4 adds: who asks for what changed gets it in that order. Each document that is made or changed
 * takes the next number of one counter, which never goes back, whatever is deleted. Lines say how many base
 * units theirs are; those of before were counted in base units only as far as anybody can tell. */
static const char schema_4[] =
    "CREATE TABLE change(n INTEGER NOT NULL) STRICT;"
    "ALTER TABLE sale ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sale ADD COLUMN customer_po TEXT;"
    "ALTER TABLE sale ADD COLUMN ship_to TEXT;"
    "ALTER TABLE sale_line ADD COLUMN factor_num INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE sale_line ADD COLUMN factor_den INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE shipment ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;"
    "UPDATE sale SET changed = number;"
    "UPDATE shipment SET changed = number;"
    "INSERT INTO change SELECT max(coalesce((SELECT max(number) FROM sale), 0),"
    " coalesce((SELECT max(number) FROM shipment), 0));"
    "CREATE INDEX sale_changed ON sale(changed);"
    "CREATE INDEX shipment_changed ON shipment(changed);"
    "CREATE TRIGGER sale_made AFTER INSERT ON sale BEGIN UPDATE change SET n = n + 1;"
    " UPDATE sale SET changed = (SELECT n FROM change) WHERE number = NEW.number; END;"
    "CREATE TRIGGER sale_folded AFTER UPDATE OF state ON sale BEGIN UPDATE change SET n = n + 1;"
    " UPDATE sale SET changed = (SELECT n FROM change) WHERE number = NEW.number; END;"
    "CREATE TRIGGER shipment_made AFTER INSERT ON shipment BEGIN UPDATE change SET n = n + 1;"
    " UPDATE shipment SET changed = (SELECT n FROM change) WHERE number = NEW.number; END;"
    "PRAGMA user_version = 4;";

/* What version 5 adds: reversals, which are shipments of negative quantities; lots, substitutes, and the day
 * up to which the books are closed. */
static const char schema_5[] =
    "ALTER TABLE shipment ADD COLUMN reverses INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN dated INTEGER NOT NULL DEFAULT 0;"
    "CREATE UNIQUE INDEX shipment_reverses ON shipment(reverses) WHERE reverses > 0;"
    "ALTER TABLE shipment_line ADD COLUMN lot TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE shipment_line ADD COLUMN ordered_sku TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE shipment_line ADD COLUMN base_qty TEXT;"
    "ALTER TABLE shipment_line ADD COLUMN unit_price TEXT;"
    "CREATE TABLE period(one INTEGER PRIMARY KEY CHECK(one = 1), closed_until TEXT NOT NULL) STRICT;"
    "PRAGMA user_version = 5;";

/* What version 6 adds: lines of sales that count in base units although they were sold in others; lines of
 * shipments say in what they count. 0 and "": in what was sold. */
static const char schema_6[] = "ALTER TABLE sale_line ADD COLUMN price_uom TEXT NOT NULL DEFAULT '';"
                               "ALTER TABLE sale_line ADD COLUMN price_num INTEGER NOT NULL DEFAULT 0;"
                               "ALTER TABLE sale_line ADD COLUMN price_den INTEGER NOT NULL DEFAULT 0;"
                               "ALTER TABLE shipment_line ADD COLUMN factor_num INTEGER NOT NULL DEFAULT 0;"
                               "ALTER TABLE shipment_line ADD COLUMN factor_den INTEGER NOT NULL DEFAULT 0;"
                               "PRAGMA user_version = 6;";

enum { VERSION, SEEN, CUSTOMER, PRODUCT, PRODUCT_GET, STOCK, PERIOD };

static const char *const sql[] = {
    [VERSION] = "PRAGMA user_version",
    [SEEN] = "INSERT INTO temp.seen(key) VALUES(?) ON CONFLICT DO NOTHING",
    [CUSTOMER] = "INSERT INTO customer(code, name, active, credit_limit, currency) VALUES(?, ?, ?, ?, ?)"
                 " ON CONFLICT DO UPDATE SET name = excluded.name, active = excluded.active,"
                 " credit_limit = excluded.credit_limit, currency = excluded.currency",
    [PRODUCT] =
        "INSERT INTO product(sku, description, uom, unit_price, active, lot_tracked) VALUES(?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET description = excluded.description, uom = excluded.uom,"
        " unit_price = excluded.unit_price, active = excluded.active, lot_tracked = excluded.lot_tracked",
    [PRODUCT_GET] = "SELECT 1 FROM product WHERE sku = ?",
    [STOCK] = "INSERT INTO stock(site, sku, qty) VALUES(?, ?, ?) ON CONFLICT DO NOTHING",
    [PERIOD] = "INSERT OR REPLACE INTO period(one, closed_until) VALUES(1, ?)",
};

struct load {
    struct xd_book *book;
    struct xd_csv csv;
    const char *path; /* of the file being read */
    char *why;
    size_t why_size;
};

static enum xd_result wrong(const struct load *load, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static enum xd_result wrong(const struct load *load, const char *format, ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)snprintf(load->why, load->why_size, "%s:%u: %s", load->path, load->csv.line, text);
    return XD_INVALID;
}

static enum xd_result read_flag(const struct load *load, int column, bool absent, bool *out) {
    static const char *const yes[] = {"true", "yes", "1"};
    static const char *const no[] = {"false", "no", "0"};
    const char *text = load->csv.values[column];
    *out = absent;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = strcasecmp(text, yes[i]) == 0;
            return XD_OK;
        }
    }
    if (text[0] != '\0') {
        return wrong(load, "\"%s\" is neither true nor false: \"%.40s\"", load->csv.columns[column].name,
                     text);
    }
    return XD_OK;
}

/* The normalised text of a decimal, or "" for none. */
static enum xd_result read_amount(const struct load *load, int column, bool may_be_negative,
                                  char out[XD_DECIMAL_TEXT_MAX]) {
    const char *text = load->csv.values[column];
    struct xd_decimal value;
    out[0] = '\0';
    if (text[0] == '\0') {
        return XD_OK;
    }
    if (xd_decimal_parse(text, &value) != XD_OK || (!may_be_negative && xd_decimal_sign(value) < 0)) {
        return wrong(load, "\"%s\" is no %s: \"%.40s\"", load->csv.columns[column].name,
                     may_be_negative ? "decimal" : "decimal of 0 or more", text);
    }
    (void)xd_decimal_write(value, out);
    return XD_OK;
}

static void bind_amount(struct xd_entry *entry, const char *amount) {
    if (amount[0] == '\0') {
        xd_entry_null(entry);
    } else {
        xd_entry_text(entry, amount);
    }
}

/* A second row of one key would be dropped or overwrite the first in silence. To be asked when the row is
 * right otherwise: of two mistakes the other one is told. */
static enum xd_result check_once(const struct load *load, const char *first, const char *second) {
    char key[512];
    (void)snprintf(key, sizeof key, "%s\n%s\n%s", load->path, first, second);
    struct xd_entry entry;
    xd_entry_open(&entry, load->book, SEEN);
    xd_entry_text(&entry, key);
    enum xd_result result = xd_entry_run(&entry);
    if (result == XD_OK && sqlite3_changes(load->book->handle) == 0) {
        return wrong(load, "\"%s\" comes twice", second[0] != '\0' ? second : first);
    }
    return result;
}

static const struct xd_csv_column customer_columns[] = {
    {"code", true},          {"name", false},     {"active", false},
    {"credit_limit", false}, {"currency", false}, {NULL, false},
};

static enum xd_result load_customer(const struct load *load) {
    const char *const *values = load->csv.values;
    bool active = false;
    char limit[XD_DECIMAL_TEXT_MAX];
    enum xd_result result = read_flag(load, 2, true, &active);
    if (result == XD_OK) {
        result = read_amount(load, 3, false, limit);
    }
    if (result == XD_OK) {
        result = check_once(load, values[0], "");
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_entry entry;
    xd_entry_open(&entry, load->book, CUSTOMER);
    xd_entry_text(&entry, values[0]);
    xd_entry_text(&entry, values[1]);
    xd_entry_int(&entry, active);
    bind_amount(&entry, limit);
    xd_entry_text(&entry, values[4]);
    return xd_entry_run(&entry);
}

static const struct xd_csv_column product_columns[] = {
    {"sku", true},     {"description", false}, {"uom", true}, {"unit_price", false},
    {"active", false}, {"lot_tracked", false}, {NULL, false},
};

static enum xd_result load_product(const struct load *load) {
    const char *const *values = load->csv.values;
    bool active = false;
    bool lot_tracked = false;
    char price[XD_DECIMAL_TEXT_MAX];
    enum xd_result result = read_amount(load, 3, false, price);
    if (result == XD_OK) {
        result = read_flag(load, 4, true, &active);
    }
    if (result == XD_OK) {
        result = read_flag(load, 5, false, &lot_tracked);
    }
    if (result == XD_OK) {
        result = check_once(load, values[0], "");
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_entry entry;
    xd_entry_open(&entry, load->book, PRODUCT);
    xd_entry_text(&entry, values[0]);
    xd_entry_text(&entry, values[1]);
    xd_entry_text(&entry, values[2]);
    bind_amount(&entry, price);
    xd_entry_int(&entry, active);
    xd_entry_int(&entry, lot_tracked);
    return xd_entry_run(&entry);
}

static const struct xd_csv_column stock_columns[] = {
    {"site", true},
    {"sku", true},
    {"qty", true},
    {NULL, false},
};

static enum xd_result check_product(const struct load *load, const char *sku) {
    struct xd_entry entry;
    xd_entry_open(&entry, load->book, PRODUCT_GET);
    xd_entry_text(&entry, sku);
    bool there = xd_entry_next(&entry);
    enum xd_result result = xd_entry_close(&entry);
    return result == XD_OK && !there ? wrong(load, "no product has the sku \"%.60s\"", sku) : result;
}

static enum xd_result load_stock(const struct load *load) {
    const char *const *values = load->csv.values;
    char qty[XD_DECIMAL_TEXT_MAX];
    if (!xd_site_name_valid(values[0])) {
        return wrong(load, "\"%.60s\" cannot name a site", values[0]);
    }
    enum xd_result result = read_amount(load, 2, true, qty);
    if (result == XD_OK) {
        result = check_product(load, values[1]);
    }
    if (result == XD_OK) {
        result = check_once(load, values[0], values[1]);
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_entry entry;
    xd_entry_open(&entry, load->book, STOCK);
    xd_entry_text(&entry, values[0]);
    xd_entry_text(&entry, values[1]);
    xd_entry_text(&entry, qty);
    return xd_entry_run(&entry);
}

enum xd_result xd_ledger_read_file(const char *path, struct xd_buffer *out) {
    char block[16384];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return errno == ENOENT ? XD_NOT_FOUND : XD_IO;
    }
    size_t size = 0;
    do {
        size = fread(block, 1, sizeof block, file);
        xd_buffer_add(out, block, size);
    } while (size > 0);
    enum xd_result result = ferror(file) != 0 ? XD_IO : xd_buffer_result(out);
    (void)fclose(file);
    return result;
}

static const struct xd_csv_column period_columns[] = {
    {"closed_until", true},
    {NULL, false},
};

static enum xd_result load_period(const struct load *load) {
    const char *closed_until = load->csv.values[0];
    struct xd_entry entry;
    if (xd_date_check(closed_until) != XD_OK) {
        return wrong(load, "\"%.60s\" is no date (YYYY-MM-DD)", closed_until);
    }
    enum xd_result result = check_once(load, "period", "");
    if (result != XD_OK) {
        return result;
    }
    xd_entry_open(&entry, load->book, PERIOD);
    xd_entry_text(&entry, closed_until);
    return xd_entry_run(&entry);
}

static enum xd_result load_records(struct load *load, struct xd_bytes text,
                                   const struct xd_csv_column *columns,
                                   enum xd_result (*each)(const struct load *load)) {
    enum xd_result result = xd_csv_open(&load->csv, text, columns);
    if (result != XD_OK) {
        (void)wrong(load, "%s", load->csv.why);
        return result;
    }
    while ((result = xd_csv_next(&load->csv)) == XD_OK) {
        result = each(load);
        if (result != XD_OK) {
            return result;
        }
    }
    return result == XD_NOT_FOUND ? XD_OK : wrong(load, "%s", load->csv.why);
}

static enum xd_result load_file(struct xd_book *book, const char *folder, const char *name, bool required,
                                const struct xd_csv_column *columns,
                                enum xd_result (*each)(const struct load *load), char *why, size_t why_size) {
    char path[PATH_SIZE];
    struct load load = {.book = book, .path = path, .why = why, .why_size = why_size};
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    errno = 0;
    enum xd_result result = xd_ledger_read_file(path, &text);
    if (result == XD_OK) {
        result = load_records(&load, xd_buffer_view(&text), columns, each);
    } else if (result == XD_NOT_FOUND && !required) {
        result = XD_OK;
    } else {
        int number = errno;
        (void)snprintf(why, why_size, "%s:1: %s", path, number != 0 ? strerror(number) : "cannot be read");
        result = result == XD_NOT_FOUND ? XD_INVALID : result;
    }
    xd_csv_close(&load.csv);
    xd_buffer_free(&text);
    return result;
}

static enum xd_result load_folder(struct xd_book *book, const char *folder, char *why, size_t why_size) {
    enum xd_result result =
        xd_book_execute(book, "CREATE TEMP TABLE IF NOT EXISTS seen(key TEXT PRIMARY KEY);");
    if (result == XD_OK) {
        result =
            load_file(book, folder, "customers.csv", true, customer_columns, load_customer, why, why_size);
    }
    if (result == XD_OK) {
        result = load_file(book, folder, "products.csv", true, product_columns, load_product, why, why_size);
    }
    if (result == XD_OK) {
        result = load_file(book, folder, "stock.csv", false, stock_columns, load_stock, why, why_size);
    }
    if (result == XD_OK) {
        result = load_file(book, folder, "periods.csv", false, period_columns, load_period, why, why_size);
    }
    return result == XD_OK ? xd_ledger_load_typed(book, folder, why, why_size) : result;
}

static enum xd_result create_tables(struct xd_book *book, const char *path, char *why, size_t why_size) {
    struct xd_entry entry;
    xd_entry_open(&entry, book, VERSION);
    int64_t version = xd_entry_next(&entry) ? xd_entry_take_int(&entry) : 0;
    enum xd_result result = xd_entry_close(&entry);
    if (result == XD_OK && version == 0) {
        result = xd_book_execute(book, schema);
    }
    if (result == XD_OK && version < 2) {
        result = xd_book_execute(book, schema_2);
    }
    if (result == XD_OK && version < 3) {
        result = xd_book_execute(book, schema_3);
    }
    if (result == XD_OK && version < 4) {
        result = xd_book_execute(book, schema_4);
    }
    if (result == XD_OK && version < 5) {
        result = xd_book_execute(book, schema_5);
    }
    if (result == XD_OK && version < 6) {
        result = xd_book_execute(book, schema_6);
    }
    if (result == XD_OK && version > SCHEMA_VERSION) {
        (void)snprintf(why, why_size, "%s:1: was written by a newer program (schema %lld, this one knows %d)",
                       path, (long long)version, SCHEMA_VERSION);
        result = XD_INVALID;
    }
    return result;
}

/* SQLite gives the WAL the permissions of the file. */
static enum xd_result create_private(const char *path, char *why, size_t why_size) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        (void)snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return XD_IO;
    }
    (void)close(file);
    return XD_OK;
}

enum xd_result xd_ledger_prepare(const struct xd_ledger_config *config, char *why, size_t why_size) {
    struct xd_book book;
    why[0] = '\0';
    enum xd_result result = create_private(config->path, why, why_size);
    if (result != XD_OK) {
        return result;
    }
    result = xd_book_open(&book, config->path, true, sql);
    if (result == XD_OK) {
        result = xd_book_execute(&book, "BEGIN IMMEDIATE");
        if (result == XD_OK) {
            result = create_tables(&book, config->path, why, why_size);
        }
        if (result == XD_OK && config->data != NULL) {
            result = load_folder(&book, config->data, why, why_size);
        }
        if (result == XD_OK) {
            result = xd_book_execute(&book, "COMMIT");
        }
    }
    if (result != XD_OK && why[0] == '\0') {
        (void)snprintf(why, why_size, "%s: %s", config->path, book.error);
    }
    xd_book_close(&book); /* rolls back what is not committed */
    return result;
}

/* One row of a product or a customer: texts, and the price or the limit, or NULL. */
static enum xd_result borrow(struct xd_book *book, int statement, sqlite3_stmt *row) {
    struct xd_entry entry;
    xd_entry_open(&entry, book, statement);
    for (int column = 0; column < sqlite3_column_count(row); column++) {
        if (sqlite3_column_type(row, column) == SQLITE_NULL) {
            xd_entry_null(&entry);
        } else if (sqlite3_column_type(row, column) == SQLITE_INTEGER) {
            xd_entry_int(&entry, sqlite3_column_int64(row, column));
        } else {
            xd_entry_text(&entry, (const char *)sqlite3_column_text(row, column));
        }
    }
    return xd_entry_run(&entry);
}

/* What earlier starts knew, which the files need not name again. A ledger that is not there, or cannot be
 * read by whoever checks, has none. */
static enum xd_result borrow_rows(struct xd_book *book, const char *path, int statement, const char *query) {
    sqlite3 *handle = NULL;
    sqlite3_stmt *rows = NULL;
    enum xd_result result = XD_OK;
    bool there = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
                 sqlite3_prepare_v2(handle, query, -1, &rows, NULL) == SQLITE_OK;
    while (there && result == XD_OK && sqlite3_step(rows) == SQLITE_ROW) {
        result = borrow(book, statement, rows);
    }
    (void)sqlite3_finalize(rows);
    (void)sqlite3_close(handle);
    return result;
}

enum xd_result xd_ledger_check(const struct xd_ledger_config *config, char *why, size_t why_size) {
    struct xd_book book;
    why[0] = '\0';
    enum xd_result result = xd_book_open(&book, ":memory:", true, sql);
    if (result == XD_OK) {
        result = create_tables(&book, config->path, why, why_size);
    }
    if (result == XD_OK) {
        result = borrow_rows(&book, config->path, PRODUCT,
                             "SELECT sku, description, uom, unit_price, active, lot_tracked FROM product");
    }
    if (result == XD_OK) {
        result = borrow_rows(&book, config->path, CUSTOMER,
                             "SELECT code, name, active, credit_limit, currency FROM customer");
    }
    if (result == XD_OK && config->data != NULL) {
        result = load_folder(&book, config->data, why, why_size);
    }
    if (result != XD_OK && why[0] == '\0') {
        (void)snprintf(why, why_size, "%s: %s", config->path, book.error);
    }
    xd_book_close(&book);
    return result;
}
