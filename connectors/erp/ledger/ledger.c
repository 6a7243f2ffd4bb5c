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
#include "erp/ledger/listing.h"
#include "erp/ledger/posting.h"
#include "erp/ledger/statements.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RETRY_MS 1000u

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

struct ledger {
    struct xd_book book;
    char *path;
};

/* ---- the calls ---- */

static void say_unavailable(struct xd_erp_answer *answer, const char *code, const char *detail) {
    answer->outcome = XD_ERP_UNAVAILABLE;
    answer->retry_after_ms = RETRY_MS;
    (void)snprintf(answer->code, sizeof answer->code, "%s", code);
    (void)snprintf(answer->detail, sizeof answer->detail, "%s", detail);
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
    struct xd_ledger_post post = {.book = book, .request = request, .answer = answer};
    enum xd_result result = xd_book_execute(book, "BEGIN IMMEDIATE");
    if (result == XD_OK) {
        result = xd_ledger_decide(&post);
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
    enum xd_result result = xd_ledger_find(&ledger->book, kind, reference, &number, &print);
    if (result == XD_OK) {
        xd_ledger_say_done(answer, kind, number);
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
