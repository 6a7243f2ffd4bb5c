/* Prepared statements, prepared at their first use and kept until the database
 * closes; binding, reading and the translation of SQLite's failures.
 *
 * Invariant: between two calls of the store no statement is active, so that
 * nothing pins the WAL and ROLLBACK never meets a cursor.
 *
 * SQLite ends a transaction by itself on some failures (a full disk, an I/O
 * error, no memory). What came after would then commit row by row, so every
 * failure looks at sqlite3_get_autocommit and remembers it; until rollback() all
 * calls give that same result. */
#include "sqlite/statements.h"

#include "base/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static xd_ms monotonic_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (xd_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A disk without room fails in more ways than SQLITE_FULL: quotas of the file
 * system, and the shared-memory file that cannot grow. A failed fsync is another
 * thing, whatever errno says: pages may be lost. */
static enum xd_result io_failure(const struct xd_database *database, int extended) {
    int number = sqlite3_system_errno(database->handle);
    bool no_room = number == ENOSPC || number == EDQUOT;
    switch (extended) {
    case SQLITE_IOERR_NOMEM:
        return XD_NO_MEMORY;
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_TRUNCATE:
    case SQLITE_IOERR_SHMOPEN:
    case SQLITE_IOERR_SHMSIZE:
    case SQLITE_IOERR_SHMMAP:
        return no_room ? XD_FULL : XD_IO;
    default:
        return XD_IO;
    }
}

static enum xd_result translate(const struct xd_database *database, int code) {
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return XD_OK;
    case SQLITE_FULL:
        return XD_FULL;
    case SQLITE_NOMEM:
        return XD_NO_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return XD_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
        return XD_AGAIN;
    case SQLITE_CONSTRAINT:
        return XD_CONFLICT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return XD_DENIED;
    case SQLITE_IOERR:
        return io_failure(database, code);
    case SQLITE_CANTOPEN:
        return XD_IO;
    default:
        return XD_INVALID; /* a statement of ours is wrong, or a value is too large */
    }
}

void xd_database_forget(struct xd_database *database) {
    database->peer_count = 0;
    database->counter_change_count = 0;
    memset(database->least, 0, sizeof database->least);
    xd_order_memo_forget(database->order);
}

static void note_end_of_transaction(struct xd_database *database, enum xd_result result) {
    if (!database->in_transaction || database->failed != XD_OK) {
        return;
    }
    /* SQLite undoes only the statement in some cases of a full disk; the contract
     * promises one behaviour for all of them. */
    if (result == XD_FULL && sqlite3_get_autocommit(database->handle) == 0) {
        (void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    }
    if (sqlite3_get_autocommit(database->handle) != 0) {
        database->failed = result;
        xd_database_forget(database);
    }
}

enum xd_result xd_database_failure(struct xd_database *database, int code) {
    enum xd_result result = translate(database, code);
    if (result == XD_OK) {
        return XD_OK;
    }
    (void)snprintf(database->error, sizeof database->error, "%s (SQLite code %d)",
                   sqlite3_errmsg(database->handle), code);
    note_end_of_transaction(database, result);
    return result;
}

enum xd_result xd_database_say(struct xd_database *database, enum xd_result result, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(database->error, sizeof database->error, format, arguments);
    va_end(arguments);
    return result;
}

enum xd_result xd_database_execute(struct xd_database *database, const char *sql) {
    enum xd_result result =
        database->in_transaction && !database->started ? xd_transaction_start(database) : XD_OK;
    return result != XD_OK
               ? result
               : xd_database_failure(database, sqlite3_exec(database->handle, sql, NULL, NULL, NULL));
}

enum xd_result xd_database_number(struct xd_database *database, const char *sql, int64_t *out) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    }
    enum xd_result result = xd_database_failure(database, code);
    (void)sqlite3_finalize(statement);
    return result;
}

/* Why this statement may not run now; XD_OK: it may. */
static enum xd_result permit(struct xd_database *database, sqlite3_stmt *statement) {
    if (sqlite3_stmt_busy(statement)) {
        return xd_database_say(database, XD_INVALID, "the store was called from one of its own callbacks: %s",
                               sqlite3_sql(statement));
    }
    if (!database->in_transaction && !sqlite3_stmt_readonly(statement)) {
        return xd_database_say(database, XD_INVALID, "a write outside of a transaction: %s",
                               sqlite3_sql(statement));
    }
    return XD_OK;
}

void xd_query_open(struct xd_query *query, struct xd_database *database, enum xd_group group,
                   const char *const *sql, int which) {
    sqlite3_stmt **slot = &database->statements[group][which];
    query->database = database;
    query->statement = NULL;
    query->result = database->failed;
    query->parameter = query->column = 0;
    query->rows = 0;
    query->decimal_count = 0; /* their texts need no zeroes */
    if (query->result == XD_OK && database->in_transaction && !database->started) {
        query->result = xd_transaction_start(database);
    }
    if (query->result != XD_OK) {
        return;
    }
    if (*slot == NULL) {
        int code =
            sqlite3_prepare_v3(database->handle, sql[which], -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
        if (code != SQLITE_OK) {
            query->result = xd_database_failure(database, code);
            return;
        }
    }
    query->result = permit(database, *slot);
    if (query->result == XD_OK) {
        query->statement = *slot;
    }
    if (database->read_limit_ms != 0) {
        database->read_deadline = monotonic_ms() + database->read_limit_ms;
    }
}

static void bound(struct xd_query *query, int code) {
    if (code != SQLITE_OK) {
        query->result = xd_database_failure(query->database, code);
    }
}

void xd_bind_int(struct xd_query *query, int64_t value) {
    if (query->result == XD_OK) {
        bound(query, sqlite3_bind_int64(query->statement, ++query->parameter, value));
    }
}

void xd_bind_text(struct xd_query *query, const char *text) {
    if (query->result == XD_OK) {
        bound(query, sqlite3_bind_text(query->statement, ++query->parameter, text, -1, SQLITE_STATIC));
    }
}

void xd_bind_bytes(struct xd_query *query, struct xd_bytes bytes) {
    if (query->result != XD_OK) {
        return;
    }
    /* A NULL pointer would bind NULL, and no bytes are not the same as nothing. */
    const void *data = bytes.size == 0 ? (const void *)"" : bytes.data;
    bound(query, sqlite3_bind_blob64(query->statement, ++query->parameter, data, bytes.size, SQLITE_STATIC));
}

void xd_bind_hash(struct xd_query *query, const struct xd_hash *hash) {
    xd_bind_bytes(query, xd_bytes_of(hash->bytes, sizeof hash->bytes));
}

/* Their texts stay in the query: a copy by SQLite is an allocation for each, and an order has some 150. */
void xd_bind_decimal(struct xd_query *query, struct xd_decimal value) {
    if (query->result != XD_OK) {
        return;
    }
    if (query->decimal_count == XD_BOUND_DECIMALS) {
        query->result = xd_database_say(query->database, XD_INVALID, "too many decimals: %s",
                                        sqlite3_sql(query->statement));
        return;
    }
    xd_bind_text(query, xd_decimal_write(value, query->decimals[query->decimal_count++]));
}

void xd_bind_null(struct xd_query *query) {
    if (query->result == XD_OK) {
        bound(query, sqlite3_bind_null(query->statement, ++query->parameter));
    }
}

void xd_bind_body(struct xd_query *query, struct xd_bytes body) {
    xd_bind_int(query, (int64_t)xd_checksum(body));
    xd_bind_bytes(query, body);
}

bool xd_query_next(struct xd_query *query) {
    if (query->result != XD_OK) {
        return false;
    }
    int code = sqlite3_step(query->statement);
    query->column = 0;
    if (code == SQLITE_ROW) {
        query->rows++;
        return true;
    }
    query->result = xd_database_failure(query->database, code);
    return false;
}

int64_t xd_take_int(struct xd_query *query) {
    return query->result == XD_OK ? sqlite3_column_int64(query->statement, query->column++) : 0;
}

const char *xd_take_view(struct xd_query *query) {
    if (query->result != XD_OK) {
        return NULL;
    }
    int column = query->column++;
    if (sqlite3_column_type(query->statement, column) == SQLITE_NULL) {
        return NULL;
    }
    const char *text = (const char *)sqlite3_column_text(query->statement, column);
    if (text == NULL) {
        query->result = XD_NO_MEMORY;
    }
    return text;
}

void xd_take_text(struct xd_query *query, char *out, size_t size) {
    const char *text = xd_take_view(query);
    out[0] = '\0';
    if (text == NULL) {
        return;
    }
    size_t length = strlen(text);
    if (length >= size) {
        query->result = xd_database_say(query->database, XD_CORRUPT, "a text of %zu bytes where %zu fit: %s",
                                        length, size - 1, sqlite3_sql(query->statement));
        return;
    }
    memcpy(out, text, length + 1);
}

struct xd_bytes xd_take_bytes(struct xd_query *query) {
    struct xd_bytes bytes = {NULL, 0};
    if (query->result != XD_OK) {
        return bytes;
    }
    int column = query->column++;
    bytes.data = sqlite3_column_blob(query->statement, column);
    bytes.size = (size_t)sqlite3_column_bytes(query->statement, column);
    if (bytes.data == NULL && sqlite3_errcode(query->database->handle) == SQLITE_NOMEM) {
        query->result = XD_NO_MEMORY;
    }
    return bytes;
}

void xd_take_hash(struct xd_query *query, struct xd_hash *out) {
    struct xd_bytes bytes = xd_take_bytes(query);
    memset(out, 0, sizeof *out);
    if (query->result != XD_OK) {
        return;
    }
    if (bytes.size != sizeof out->bytes) {
        query->result = xd_database_say(query->database, XD_CORRUPT, "a hash of %zu bytes: %s", bytes.size,
                                        sqlite3_sql(query->statement));
        return;
    }
    memcpy(out->bytes, bytes.data, sizeof out->bytes);
}

void xd_take_decimal(struct xd_query *query, struct xd_decimal *out) {
    const char *text = xd_take_view(query);
    *out = xd_decimal_of(0);
    if (query->result == XD_OK && (text == NULL || xd_decimal_parse(text, out) != XD_OK)) {
        query->result = xd_database_say(query->database, XD_CORRUPT, "\"%s\" is no decimal: %s",
                                        text == NULL ? "" : text, sqlite3_sql(query->statement));
    }
}

bool xd_take_optional_decimal(struct xd_query *query, struct xd_decimal *out) {
    *out = xd_decimal_of(0);
    if (query->result != XD_OK || sqlite3_column_type(query->statement, query->column) == SQLITE_NULL) {
        query->column++;
        return false;
    }
    xd_take_decimal(query, out);
    return query->result == XD_OK;
}

struct xd_bytes xd_take_body(struct xd_query *query) {
    uint64_t checksum = (uint64_t)xd_take_int(query);
    struct xd_bytes body = xd_take_bytes(query);
    if (query->result == XD_OK && xd_checksum(body) != checksum) {
        query->result = xd_database_say(query->database, XD_CORRUPT, "a body does not match its checksum: %s",
                                        sqlite3_sql(query->statement));
    }
    return body;
}

enum xd_result xd_query_close(struct xd_query *query) {
    if (query->statement != NULL) {
        (void)sqlite3_reset(query->statement); /* gives the failure of the last step again */
        query->statement = NULL;
    }
    return query->result;
}

enum xd_result xd_query_close_one(struct xd_query *query) {
    enum xd_result result = xd_query_close(query);
    return result == XD_OK && query->rows == 0 ? XD_NOT_FOUND : result;
}

enum xd_result xd_query_run(struct xd_query *query) {
    (void)xd_query_next(query);
    return xd_query_close(query);
}

enum xd_result xd_query_change(struct xd_query *query, enum xd_result none) {
    enum xd_result result = xd_query_run(query);
    if (result == XD_OK && sqlite3_changes(query->database->handle) == 0) {
        return none;
    }
    return result;
}
