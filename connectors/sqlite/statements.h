/* Private to connectors/sqlite: the inside of a database, and queries on it.
 *
 * A query is one use of a statement that is prepared once per database:
 *
 *     struct xd_query query;
 *     xd_query_open(&query, database, XD_GROUP_SITE, sql, SITE_GET);
 *     xd_bind_text(&query, name);              parameters, in the order of the SQL
 *     if (xd_query_next(&query)) {
 *         row.at = xd_take_int(&query);        columns, in the order of the SQL
 *     }
 *     return xd_query_close_one(&query);
 *
 * The first failure sticks in query.result: every later call does nothing, so a
 * function checks once, at the end. Bound texts and bytes are borrowed until the
 * query is closed; taken views until the next row. Every opened query MUST be
 * closed: an open one would pin the WAL. */
#ifndef XD_SQLITE_STATEMENTS_H
#define XD_SQLITE_STATEMENTS_H

#include "sqlite/database.h"

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/decimal.h"
#include "base/id.h"
#include "delivery/store.h"

#include <sqlite3.h>

/* Each part of the store has its own texts of SQL, and here its statements. */
enum xd_group {
    XD_GROUP_TRANSACTION,
    XD_GROUP_COUNTERS,
    XD_GROUP_DUE,
    XD_GROUP_DELIVERY,
    XD_GROUP_DOCUMENTS,
    XD_GROUP_SITE,
    XD_GROUP_HUB,
    XD_GROUP_CLIENTS,
    XD_GROUP_ORDERS,
    XD_GROUP_RELEASES,
    XD_GROUP_CONFIRMATIONS,
    XD_GROUP_EXCEPTIONS,
    XD_GROUP_JOBS,
    XD_GROUP_RECONCILE,
    XD_GROUP_STOCK,
    XD_GROUP_REFERENCE,
    XD_GROUP_EVENTS,
    XD_GROUP_SLA,
    XD_GROUP_BOOKS,
    XD_GROUP_DIFFERENCES,
    XD_GROUP_PARKED,
    XD_GROUP_COUNT
};
#define XD_STATEMENTS_MAX 32 /* in one group */

struct xd_peer {
    char name[XD_SITE_SIZE];
    int64_t number;
};

struct xd_order_memo;

/* What waits for a time. */
enum xd_due { XD_DUE_RELEASE, XD_DUE_CONFIRMATION, XD_DUE_COUNT };

struct xd_least {
    bool known;
    xd_ms at; /* wall: none waits for less */
};

enum xd_counter {
    XD_COUNTER_QUARANTINE,
    XD_COUNTER_ORDERS, /* by status */
    XD_COUNTER_JOBS,   /* by state, and name: the ERP */
    XD_COUNTER_EXCEPTIONS,
    XD_COUNTER_REFERENCE /* by kind */
};

#define XD_COUNTER_NAME_SIZE 72 /* of an ERP */

struct xd_counter_change {
    enum xd_counter counter;
    int state;
    char name[XD_COUNTER_NAME_SIZE];
    int64_t by;
};
#define XD_COUNTER_CHANGES 16 /* of one transaction that are remembered at once */

struct xd_database {
    sqlite3 *handle;
    enum xd_database_schema schema;
    char *path;
    bool read_only;
    bool own_files;        /* the default VFS: lock and ballast are real files */
    bool in_transaction;   /* between begin and the commit or rollback that ends it */
    bool started;          /* it has had a statement, so that SQLite knows of it */
    int changes;           /* sqlite3_total_changes when it began */
    enum xd_result failed; /* why the transaction is gone already; XD_OK: it is there */
    bool broken;           /* the operating system failed at a commit or checkpoint: never go on */
    int lock;              /* descriptor of <path>.lock, -1: none */
    int64_t page_size, page_count_max;
    int64_t ballast_bytes;
    bool ballast_held;
    int wal_pages; /* in the WAL after the last commit */
    unsigned read_limit_ms;
    xd_ms read_deadline;   /* monotonic */
    struct xd_peer *peers; /* sorted by name; emptied by xd_database_forget */
    size_t peer_count, peer_capacity;
    struct xd_counter_change counter_changes[XD_COUNTER_CHANGES]; /* of this transaction, not written yet */
    size_t counter_change_count;
    struct xd_least least[XD_DUE_COUNT];
    struct xd_order_memo *order; /* hub_store_orders.c: the order that was looked at last; NULL: none yet */
    sqlite3_stmt *statements[XD_GROUP_COUNT][XD_STATEMENTS_MAX];
    char error[320];
};

#define XD_BOUND_DECIMALS 12 /* in one query: an order line has eleven */

struct xd_query {
    struct xd_database *database;
    sqlite3_stmt *statement;
    enum xd_result result;
    int parameter; /* bound so far */
    int column;    /* taken so far of this row */
    int64_t rows;  /* seen so far */
    size_t decimal_count;
    char decimals[XD_BOUND_DECIMALS][XD_DECIMAL_TEXT_MAX]; /* texts of those that are bound */
};

void xd_query_open(struct xd_query *query, struct xd_database *database, enum xd_group group,
                   const char *const *sql, int which);
void xd_bind_int(struct xd_query *query, int64_t value);
void xd_bind_text(struct xd_query *query, const char *text); /* NULL binds NULL */
void xd_bind_bytes(struct xd_query *query, struct xd_bytes bytes);
void xd_bind_hash(struct xd_query *query, const struct xd_hash *hash);
void xd_bind_decimal(struct xd_query *query, struct xd_decimal value);
void xd_bind_null(struct xd_query *query);
/* Binds the checksum of body, and body. */
void xd_bind_body(struct xd_query *query, struct xd_bytes body);

/* Whether there is another row. */
bool xd_query_next(struct xd_query *query);
int64_t xd_take_int(struct xd_query *query);
/* NULL for NULL. */
const char *xd_take_view(struct xd_query *query);
/* NULL leaves "". XD_CORRUPT when the text does not fit. */
void xd_take_text(struct xd_query *query, char *out, size_t size);
struct xd_bytes xd_take_bytes(struct xd_query *query);
void xd_take_hash(struct xd_query *query, struct xd_hash *out);
void xd_take_decimal(struct xd_query *query, struct xd_decimal *out);
/* Whether there is one (not NULL). */
bool xd_take_optional_decimal(struct xd_query *query, struct xd_decimal *out);
/* A checksum and the body after it: XD_CORRUPT when they do not belong together. */
struct xd_bytes xd_take_body(struct xd_query *query);

/* The query's result. */
XD_CHECKED enum xd_result xd_query_close(struct xd_query *query);
/* The same, but XD_NOT_FOUND when there was no row. */
XD_CHECKED enum xd_result xd_query_close_one(struct xd_query *query);
/* Runs a statement that gives no rows, and closes. */
XD_CHECKED enum xd_result xd_query_run(struct xd_query *query);
/* The same, but `none` when it changed no row. */
XD_CHECKED enum xd_result xd_query_change(struct xd_query *query, enum xd_result none);

/* What an SQLite code means to us; keeps the sentence and notices when SQLite has
 * ended the transaction. Never XD_OK unless code is SQLITE_OK. */
enum xd_result xd_database_failure(struct xd_database *database, int code);
/* Forgets what is remembered of rows, and the changes of counters that are not written yet. MUST be called
 * when a transaction or a savepoint is undone, and never else, or counters would not say what there is. */
void xd_database_forget(struct xd_database *database);
/* Keeps a sentence of our own and returns result. */
enum xd_result xd_database_say(struct xd_database *database, enum xd_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Runs SQL that gives nothing, outside of the cache. */
XD_CHECKED enum xd_result xd_database_execute(struct xd_database *database, const char *sql);
/* The first column of the first row of SQL that is not cached. */
XD_CHECKED enum xd_result xd_database_number(struct xd_database *database, const char *sql, int64_t *out);

/* schema.c: brings the tables up to the version that this program knows. */
XD_CHECKED enum xd_result xd_schema_apply(struct xd_database *database);

/* transaction.c */
/* Begins in SQLite what begin() only promised. */
XD_CHECKED enum xd_result xd_transaction_start(struct xd_database *database);
void xd_transaction_store(struct xd_database *database, struct xd_store_tx *out);

/* hub_store_orders.c */
void xd_order_memo_forget(struct xd_order_memo *memo); /* NULL: nothing is remembered */

/* delivery_store.c and documents_store.c */
void xd_delivery_store_fill(struct xd_database *database, struct xd_delivery_store *out);
void xd_documents_store_fill(struct xd_delivery_store *out);

/* due.c */
/* A row waits for that time now; 0: for none. */
void xd_due_comes(struct xd_database *database, enum xd_due due, xd_ms at);
/* It is known that none waits for `before` or less. */
bool xd_due_is_none(const struct xd_database *database, enum xd_due due, xd_ms before);
/* Finds out what the least is: when looking for rows that are due gave none. */
XD_CHECKED enum xd_result xd_due_look(struct xd_database *database, enum xd_due due);

/* counters.c: kept in the same transaction as what they count. name: "" where there is one by state only. */
XD_CHECKED enum xd_result xd_counter_add(struct xd_database *database, enum xd_counter counter, int state,
                                         const char *name, int64_t by);
/* state < 0: of every state; name NULL: of every name. Writes what is remembered first, and so may fail as a
 * write does. */
XD_CHECKED enum xd_result xd_counter_get(struct xd_database *database, enum xd_counter counter, int state,
                                         const char *name, int64_t *out);
/* Writes what is remembered of this transaction. A failure leaves the rest to the next time. */
XD_CHECKED enum xd_result xd_counters_write(struct xd_database *database);

#endif
