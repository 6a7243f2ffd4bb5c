/* Transactions and the one savepoint within them.
 *
 * A transaction begins with its first statement: most turns of a program that has
 * nothing to do have none, and then nothing is to be committed. BEGIN IMMEDIATE
 * takes the writer's place at once, so that a transaction never fails half-way for
 * want of it. After a commit or a checkpoint that the
 * operating system failed, the database is broken for good: what an fsync that
 * failed has lost cannot be known, and asking again would say it is fine. */
#include "sqlite/statements.h"

enum { BEGIN, BEGIN_READ, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, ROLLBACK_TO };

static const char *const sql[] = {
    [BEGIN] = "BEGIN IMMEDIATE",     [BEGIN_READ] = "BEGIN",      [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",         [SAVEPOINT] = "SAVEPOINT e", [RELEASE] = "RELEASE e",
    [ROLLBACK_TO] = "ROLLBACK TO e",
};

static enum xd_result run(struct xd_database *database, int which) {
    struct xd_query query;
    xd_query_open(&query, database, XD_GROUP_TRANSACTION, sql, which);
    return xd_query_run(&query);
}

enum xd_result xd_transaction_start(struct xd_database *database) {
    database->started = true; /* before BEGIN, which is a statement, too */
    database->changes = sqlite3_total_changes(database->handle);
    return run(database, database->read_only ? BEGIN_READ : BEGIN);
}

static enum xd_result inside(struct xd_database *database, int which) {
    if (!database->in_transaction) {
        return xd_database_say(database, XD_INVALID, "%s outside of a transaction", sql[which]);
    }
    enum xd_result result = database->started ? XD_OK : xd_transaction_start(database);
    return result == XD_OK ? run(database, which) : result;
}

/* Leaves no transaction behind, whatever happened before. */
static void end(struct xd_database *database) {
    database->failed = XD_OK;
    if (sqlite3_get_autocommit(database->handle) == 0) {
        /* A ROLLBACK that fails has rolled back all the same (sqlite.org/lang_transaction.html). */
        (void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    }
    database->in_transaction = false;
    xd_database_forget(database);
}

static enum xd_result transaction_begin(void *context) {
    struct xd_database *database = context;
    if (database->broken) {
        return XD_IO; /* the sentence of the first failure stands */
    }
    if (database->in_transaction) {
        return xd_database_say(database, XD_INVALID, "a transaction within a transaction");
    }
    database->in_transaction = true;
    database->started = false;
    return XD_OK;
}

static enum xd_result transaction_commit(void *context) {
    struct xd_database *database = context;
    enum xd_result result = xd_counters_write(database);
    bool empty = database->in_transaction && !database->started;
    if (result == XD_OK && !empty) {
        result = inside(database, COMMIT);
    }
    if (result != XD_OK) {
        end(database);
        database->broken = database->broken || result == XD_IO;
        return result;
    }
    database->in_transaction = false;
    /* A checkpoint that found no room after the commit is not the next transaction's failure. */
    database->failed = XD_OK;
    return XD_OK;
}

static void transaction_rollback(void *context) {
    end(context);
}

static enum xd_result savepoint_set(void *context) {
    enum xd_result result = xd_counters_write(context);
    return result == XD_OK ? inside(context, SAVEPOINT) : result;
}

static enum xd_result savepoint_keep(void *context) {
    return inside(context, RELEASE);
}

static enum xd_result savepoint_undo(void *context) {
    struct xd_database *database = context;
    enum xd_result result = inside(database, ROLLBACK_TO);
    xd_database_forget(database);
    return result == XD_OK ? inside(database, RELEASE) : result;
}

void xd_transaction_store(struct xd_database *database, struct xd_store_tx *out) {
    *out = (struct xd_store_tx){
        .context = database,
        .begin = transaction_begin,
        .commit = transaction_commit,
        .rollback = transaction_rollback,
        .savepoint = savepoint_set,
        .keep = savepoint_keep,
        .undo = savepoint_undo,
    };
}
