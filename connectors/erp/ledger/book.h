/* Private to the ledger: its SQLite file and prepared statements. One connection
 * per worker, used by one thread at a time. */
#ifndef XD_ERP_LEDGER_BOOK_H
#define XD_ERP_LEDGER_BOOK_H

#include "base/crypto.h"
#include "base/decimal.h"
#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#define XD_BOOK_STATEMENTS_MAX 48
#define XD_BOOK_BUSY_MS 5000

struct xd_book {
    sqlite3 *handle; /* NULL: closed */
    const char *const *sql;
    sqlite3_stmt *statements[XD_BOOK_STATEMENTS_MAX];
    char error[200];
};

/* One use of a statement. The first failure sticks, so that a caller checks once. */
struct xd_entry {
    struct xd_book *book;
    sqlite3_stmt *statement;
    enum xd_result result;
    int parameter;
    int column;
};

/* sql: the texts of the statements, borrowed for the book's life; may be NULL.
 * Creates the file when `create`. XD_UNAVAILABLE or XD_NO_MEMORY: error says why. */
XD_CHECKED enum xd_result xd_book_open(struct xd_book *book, const char *path, bool create,
                                       const char *const *sql);
void xd_book_close(struct xd_book *book);
XD_CHECKED enum xd_result xd_book_execute(struct xd_book *book, const char *sql);
/* What an SQLite code means: XD_OK, XD_AGAIN (busy), XD_FULL, XD_IO, ...; keeps the words. */
enum xd_result xd_book_failure(struct xd_book *book, int code);

void xd_entry_open(struct xd_entry *entry, struct xd_book *book, int which);
void xd_entry_int(struct xd_entry *entry, int64_t value);
void xd_entry_text(struct xd_entry *entry, const char *text); /* NULL binds "" */
void xd_entry_decimal(struct xd_entry *entry, struct xd_decimal value);
void xd_entry_null(struct xd_entry *entry);
void xd_entry_hash(struct xd_entry *entry, const struct xd_hash *hash);
bool xd_entry_next(struct xd_entry *entry); /* whether there is a row */
int64_t xd_entry_take_int(struct xd_entry *entry);
/* "" for NULL; until the next row. */
const char *xd_entry_take_text(struct xd_entry *entry);
/* Whether there is one; XD_CORRUPT when it is no decimal. */
bool xd_entry_take_decimal(struct xd_entry *entry, struct xd_decimal *out);
void xd_entry_take_hash(struct xd_entry *entry, struct xd_hash *out);
XD_CHECKED enum xd_result xd_entry_close(struct xd_entry *entry);
/* Runs what gives no row, and closes. */
XD_CHECKED enum xd_result xd_entry_run(struct xd_entry *entry);

#endif
