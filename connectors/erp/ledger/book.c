/* WAL with synchronous FULL: a call costs one fsync. Whoever writes waits up to
 * XD_BOOK_BUSY_MS for its turn. */
#include "erp/ledger/book.h"

#include <stdio.h>
#include <string.h>

enum xd_result xd_book_failure(struct xd_book *book, int code) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) {
        return XD_OK;
    }
    (void)snprintf(book->error, sizeof book->error, "%s (SQLite code %d)",
                   book->handle == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(book->handle), code);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return XD_AGAIN;
    case SQLITE_FULL:
        return XD_FULL;
    case SQLITE_NOMEM:
        return XD_NO_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return XD_CORRUPT;
    case SQLITE_CANTOPEN:
        return XD_UNAVAILABLE;
    case SQLITE_CONSTRAINT:
        return XD_CONFLICT;
    default:
        return XD_IO;
    }
}

enum xd_result xd_book_execute(struct xd_book *book, const char *sql) {
    return xd_book_failure(book, sqlite3_exec(book->handle, sql, NULL, NULL, NULL));
}

enum xd_result xd_book_open(struct xd_book *book, const char *path, bool create, const char *const *sql) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    memset(book, 0, sizeof *book);
    book->sql = sql;
    int code = sqlite3_open_v2(path, &book->handle, flags, NULL);
    enum xd_result result = xd_book_failure(book, code);
    if (result == XD_OK) {
        (void)sqlite3_extended_result_codes(book->handle, 1);
        (void)sqlite3_busy_timeout(book->handle, XD_BOOK_BUSY_MS);
        result = xd_book_execute(book, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                       "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST;"
                                       "PRAGMA foreign_keys = OFF; PRAGMA journal_size_limit = 16777216;");
    }
    if (result != XD_OK) {
        xd_book_close(book);
        return result == XD_NO_MEMORY ? XD_NO_MEMORY : XD_UNAVAILABLE;
    }
    return XD_OK;
}

void xd_book_close(struct xd_book *book) {
    for (size_t i = 0; i < XD_BOOK_STATEMENTS_MAX; i++) {
        (void)sqlite3_finalize(book->statements[i]);
        book->statements[i] = NULL;
    }
    (void)sqlite3_close(book->handle);
    book->handle = NULL;
}

void xd_entry_open(struct xd_entry *entry, struct xd_book *book, int which) {
    sqlite3_stmt **slot = &book->statements[which];
    *entry = (struct xd_entry){.book = book};
    if (*slot == NULL) {
        int code =
            sqlite3_prepare_v3(book->handle, book->sql[which], -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
        entry->result = xd_book_failure(book, code);
    }
    entry->statement = *slot;
}

static void bound(struct xd_entry *entry, int code) {
    if (code != SQLITE_OK) {
        entry->result = xd_book_failure(entry->book, code);
    }
}

void xd_entry_int(struct xd_entry *entry, int64_t value) {
    if (entry->result == XD_OK) {
        bound(entry, sqlite3_bind_int64(entry->statement, ++entry->parameter, value));
    }
}

void xd_entry_text(struct xd_entry *entry, const char *text) {
    if (entry->result == XD_OK) {
        bound(entry, sqlite3_bind_text(entry->statement, ++entry->parameter, text == NULL ? "" : text, -1,
                                       SQLITE_STATIC));
    }
}

void xd_entry_decimal(struct xd_entry *entry, struct xd_decimal value) {
    char text[XD_DECIMAL_TEXT_MAX];
    if (entry->result == XD_OK) {
        (void)xd_decimal_write(value, text);
        bound(entry, sqlite3_bind_text(entry->statement, ++entry->parameter, text, -1, SQLITE_TRANSIENT));
    }
}

void xd_entry_null(struct xd_entry *entry) {
    if (entry->result == XD_OK) {
        bound(entry, sqlite3_bind_null(entry->statement, ++entry->parameter));
    }
}

void xd_entry_hash(struct xd_entry *entry, const struct xd_hash *hash) {
    if (entry->result == XD_OK) {
        bound(entry, sqlite3_bind_blob(entry->statement, ++entry->parameter, hash->bytes, sizeof hash->bytes,
                                       SQLITE_STATIC));
    }
}

bool xd_entry_next(struct xd_entry *entry) {
    if (entry->result != XD_OK) {
        return false;
    }
    int code = sqlite3_step(entry->statement);
    entry->column = 0;
    entry->result = xd_book_failure(entry->book, code);
    return code == SQLITE_ROW;
}

int64_t xd_entry_take_int(struct xd_entry *entry) {
    return sqlite3_column_int64(entry->statement, entry->column++);
}

const char *xd_entry_take_text(struct xd_entry *entry) {
    const char *text = (const char *)sqlite3_column_text(entry->statement, entry->column++);
    return text == NULL ? "" : text;
}

bool xd_entry_take_decimal(struct xd_entry *entry, struct xd_decimal *out) {
    *out = xd_decimal_of(0);
    if (sqlite3_column_type(entry->statement, entry->column) == SQLITE_NULL) {
        entry->column++;
        return false;
    }
    if (xd_decimal_parse(xd_entry_take_text(entry), out) != XD_OK) {
        (void)snprintf(entry->book->error, sizeof entry->book->error, "no decimal where one should be");
        entry->result = XD_CORRUPT;
    }
    return entry->result == XD_OK;
}

void xd_entry_take_hash(struct xd_entry *entry, struct xd_hash *out) {
    const void *data = sqlite3_column_blob(entry->statement, entry->column);
    int size = sqlite3_column_bytes(entry->statement, entry->column++);
    memset(out, 0, sizeof *out);
    if (data != NULL && size == (int)sizeof out->bytes) {
        memcpy(out->bytes, data, sizeof out->bytes);
    }
}

enum xd_result xd_entry_close(struct xd_entry *entry) {
    if (entry->statement != NULL) {
        (void)sqlite3_reset(entry->statement); /* gives the failure of the last step again */
    }
    return entry->result;
}

enum xd_result xd_entry_run(struct xd_entry *entry) {
    (void)xd_entry_next(entry);
    return xd_entry_close(entry);
}
