/* The ledger: posting sales, shipments and changes of stock, and finding them again.
 *
 * The reference is unique: a repeat finds the document that is there and gives its number again, so nothing
 * is made twice whatever the caller remembers (grade A). What came with the reference is kept as a
 * fingerprint: the same reference with another content is refused.
 *
 * Stock may go below zero: a shipment says what has left the house, and the books
 * follow the facts. customer.open_value is what is sold and not yet shipped, at
 * the price of the sale; the credit limit is held against it. */
#include "erp/ledger/ledger.h"

#include "base/crypto.h"
#include "base/memory.h"
#include "erp/ledger/book.h"
#include "erp/ledger/desk.h"
#include "erp/ledger/listing.h"
#include "erp/ledger/posting.h"
#include "erp/ledger/statements.h"

#include <stdio.h>
#include <string.h>

struct ledger {
    struct xd_desk *desk;
    struct xd_visitor visitor;
    struct xd_book book; /* to read; opened when it is first needed */
    char *path;
};

/* XD_OK: the book is open, and shows what is on disk. */
static enum xd_result be_open(struct ledger *ledger, struct xd_erp_answer *answer) {
    enum xd_result result = XD_OK;
    if (!xd_desk_is_sound(ledger->desk)) {
        xd_ledger_say_unavailable(answer, "ledger_unavailable", "the disk refused to write");
        return XD_UNAVAILABLE;
    }
    if (ledger->book.handle == NULL) {
        result = xd_book_open(&ledger->book, ledger->path, false, xd_ledger_sql);
    }
    if (result != XD_OK) {
        xd_ledger_say_unavailable(answer, "ledger_unavailable", ledger->book.error);
    }
    return result;
}

static void ledger_post(void *context, const struct xd_erp_request *request, struct xd_erp_answer *answer) {
    struct ledger *ledger = context;
    xd_desk_post(ledger->desk, &ledger->visitor, request, answer);
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
        result = xd_ledger_say_more(&ledger->book, kind, number, answer);
    }
    if (result == XD_OK) {
        return;
    }
    if (result == XD_NOT_FOUND) {
        answer->outcome = XD_ERP_ABSENT;
    } else {
        xd_ledger_say_unavailable(answer, result == XD_AGAIN ? "ledger_busy" : "ledger_unavailable",
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
    enum xd_result result = what >= XD_ERP_SALES
                                ? xd_ledger_list_documents(&ledger->book, what, cursor, max, entries, next)
                                : xd_ledger_list(&ledger->book, what, cursor, max, entries, next);
    if (result == XD_OK) {
        answer->outcome = XD_ERP_DONE;
    } else {
        xd_ledger_say_unavailable(answer, result == XD_AGAIN ? "ledger_busy" : "ledger_unavailable",
                                  ledger->book.error);
    }
}

static void ledger_close(void *context) {
    struct ledger *ledger = context;
    xd_book_close(&ledger->book);
    xd_desk_close(ledger->desk); /* the last one to close checkpoints */
    xd_free(ledger->path);
    xd_free(ledger);
}

enum xd_result xd_ledger_open(const struct xd_ledger_config *config, struct xd_erp *out, char *why,
                              size_t why_size) {
    struct ledger *ledger = xd_alloc(sizeof *ledger);
    char *path = xd_copy_text(config->path);
    enum xd_result result = ledger == NULL || path == NULL ? XD_NO_MEMORY : XD_OK;
    (void)snprintf(why, why_size, "no memory");
    if (result == XD_OK) {
        result = xd_desk_open(config->path, &ledger->desk, why, why_size);
    }
    if (result != XD_OK) {
        xd_free(path);
        xd_free(ledger);
        return result;
    }
    ledger->path = path;
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
