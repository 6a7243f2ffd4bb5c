/* What an answer may say follows from where a posting failed. Before COMMIT nothing has happened and a
 * rollback sees to it: UNAVAILABLE, for all who shared the transaction. A COMMIT that failed in the operating
 * system may be on disk or not: UNKNOWN for what it held, and UNAVAILABLE for what was refused beside it, for
 * that was judged by books that may not be. The connection is given up then, for it must not try that fsync
 * again, and a new one writes what the failed one left once more before it goes on (shared/wal.h).
 *
 * One connection for the file is also what SQLite before 3.51.3 wants: it can lose a reset of the WAL when
 * two connections write or checkpoint at the same moment. */
#include "erp/ledger/desk.h"

#include "base/memory.h"
#include "erp/ledger/book.h"
#include "erp/ledger/posting.h"
#include "erp/ledger/statements.h"
#include "shared/wal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct xd_desk {
    char *path;
    unsigned users;
    struct xd_desk *next;
    pthread_mutex_t lock; /* of what follows, but for the book, which is the server's */
    pthread_cond_t changed;
    bool serving, sound;
    struct xd_visitor *first, **end;
    struct xd_book book;
};

static pthread_mutex_t desks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct xd_desk *desks;

/* ---- serving ---- */

static void send_away(struct xd_visitor *visitor, enum xd_result result, const char *error) {
    xd_ledger_say_unavailable(visitor->answer, result == XD_AGAIN ? "ledger_busy" : "ledger_unavailable",
                              error);
}

/* XD_OK: decided, be it refused; anything else: the book failed. */
static enum xd_result decide(struct xd_book *book, struct xd_visitor *visitor) {
    struct xd_ledger_post post = {.book = book, .request = visitor->request, .answer = visitor->answer};
    enum xd_result result = xd_book_execute(book, "SAVEPOINT one");
    if (result == XD_OK) {
        result = xd_ledger_decide(&post);
    }
    bool denied = result == XD_DENIED;
    if (denied) {
        result = xd_book_execute(book, "ROLLBACK TO one");
    }
    if (result == XD_OK || result == XD_DUPLICATE) {
        result = xd_book_execute(book, "RELEASE one");
    }
    return result;
}

static void commit(struct xd_book *book, struct xd_visitor *first) {
    enum xd_result result = xd_book_execute(book, "COMMIT");
    if (result == XD_OK) {
        return;
    }
    bool certain = result == XD_AGAIN || result == XD_FULL;
    for (struct xd_visitor *visitor = first; visitor != NULL; visitor = visitor->next) {
        if (certain || visitor->answer->outcome != XD_ERP_DONE) {
            send_away(visitor, result, book->error);
            continue;
        }
        memset(visitor->answer, 0, sizeof *visitor->answer);
        visitor->answer->outcome = XD_ERP_UNKNOWN;
        (void)snprintf(visitor->answer->code, sizeof visitor->answer->code, "commit_failed");
        (void)snprintf(visitor->answer->detail, sizeof visitor->answer->detail, "%s", book->error);
    }
    if (certain) {
        (void)sqlite3_exec(book->handle, "ROLLBACK", NULL, NULL, NULL);
    } else {
        xd_book_close(book);
    }
}

static enum xd_result open_book(struct xd_desk *desk) {
    struct xd_book *book = &desk->book;
    enum xd_result result = xd_book_open(book, desk->path, false, xd_ledger_sql);
    if (result == XD_OK) {
        result = xd_book_failure(book, xd_wal_write_again(book->handle, NULL));
    }
    if (result != XD_OK) {
        xd_book_close(book);
    }
    return result;
}

static enum xd_result be_open(struct xd_desk *desk) {
    return desk->book.handle != NULL ? XD_OK : open_book(desk);
}

static void serve(struct xd_desk *desk, struct xd_visitor *first) {
    struct xd_book *book = &desk->book;
    enum xd_result result = be_open(desk);
    if (result == XD_OK) {
        result = xd_book_execute(book, "BEGIN IMMEDIATE");
    }
    for (struct xd_visitor *visitor = first; visitor != NULL && result == XD_OK; visitor = visitor->next) {
        result = decide(book, visitor);
    }
    if (result == XD_OK) {
        commit(book, first);
        return;
    }
    for (struct xd_visitor *visitor = first; visitor != NULL; visitor = visitor->next) {
        send_away(visitor, result, book->error);
    }
    if (book->handle != NULL && sqlite3_get_autocommit(book->handle) == 0) {
        (void)sqlite3_exec(book->handle, "ROLLBACK", NULL, NULL, NULL);
    }
}

/* With the lock, which is free meanwhile: the one who works on the book. */
static void begin_service(struct xd_desk *desk) {
    desk->serving = true;
    (void)pthread_mutex_unlock(&desk->lock);
}

static void end_service(struct xd_desk *desk) {
    (void)pthread_mutex_lock(&desk->lock);
    desk->sound = desk->book.handle != NULL;
    desk->serving = false;
    (void)pthread_cond_broadcast(&desk->changed);
}

static void serve_those_that_wait(struct xd_desk *desk) {
    struct xd_visitor *first = desk->first;
    desk->first = NULL;
    desk->end = &desk->first;
    begin_service(desk);
    serve(desk, first);
    end_service(desk);
    for (struct xd_visitor *next = NULL; first != NULL; first = next) {
        next = first->next; /* one that is served may leave as soon as the lock is free */
        first->served = true;
    }
}

void xd_desk_post(struct xd_desk *desk, struct xd_visitor *visitor, const struct xd_erp_request *request,
                  struct xd_erp_answer *answer) {
    *visitor = (struct xd_visitor){.request = request, .answer = answer};
    memset(answer, 0, sizeof *answer);
    (void)pthread_mutex_lock(&desk->lock);
    *desk->end = visitor;
    desk->end = &visitor->next;
    while (!visitor->served) {
        if (desk->serving) {
            (void)pthread_cond_wait(&desk->changed, &desk->lock);
        } else {
            serve_those_that_wait(desk);
        }
    }
    (void)pthread_mutex_unlock(&desk->lock);
}

bool xd_desk_is_sound(struct xd_desk *desk) {
    (void)pthread_mutex_lock(&desk->lock);
    if (!desk->sound && !desk->serving) {
        begin_service(desk);
        (void)be_open(desk);
        end_service(desk);
    }
    bool sound = desk->sound;
    (void)pthread_mutex_unlock(&desk->lock);
    return sound;
}

/* ---- life ---- */

static void destroy(struct xd_desk *desk) {
    xd_book_close(&desk->book);
    (void)pthread_cond_destroy(&desk->changed);
    (void)pthread_mutex_destroy(&desk->lock);
    xd_free(desk->path);
    xd_free(desk);
}

static enum xd_result create(const char *path, struct xd_desk **out, char *why, size_t why_size) {
    struct xd_desk *desk = xd_alloc(sizeof *desk);
    (void)snprintf(why, why_size, "no memory");
    if (desk == NULL) {
        return XD_NO_MEMORY;
    }
    desk->end = &desk->first;
    (void)pthread_mutex_init(&desk->lock, NULL);
    (void)pthread_cond_init(&desk->changed, NULL);
    desk->path = xd_copy_text(path);
    enum xd_result result = desk->path == NULL ? XD_NO_MEMORY : XD_OK;
    if (result == XD_OK) {
        result = open_book(desk);
        (void)snprintf(why, why_size, "%s: %s", path, desk->book.error);
    }
    if (result != XD_OK) {
        destroy(desk);
        return result;
    }
    why[0] = '\0';
    desk->sound = true;
    *out = desk;
    return XD_OK;
}

enum xd_result xd_desk_open(const char *path, struct xd_desk **out, char *why, size_t why_size) {
    enum xd_result result = XD_OK;
    (void)pthread_mutex_lock(&desks_lock);
    struct xd_desk *desk = desks;
    while (desk != NULL && strcmp(desk->path, path) != 0) {
        desk = desk->next;
    }
    if (desk == NULL) {
        result = create(path, &desk, why, why_size);
        if (result == XD_OK) {
            desk->next = desks;
            desks = desk;
        }
    }
    if (result == XD_OK) {
        desk->users++;
        *out = desk;
    }
    (void)pthread_mutex_unlock(&desks_lock);
    return result;
}

void xd_desk_close(struct xd_desk *desk) {
    (void)pthread_mutex_lock(&desks_lock);
    if (--desk->users == 0) {
        struct xd_desk **link = &desks;
        while (*link != desk) {
            link = &(*link)->next;
        }
        *link = desk->next;
        destroy(desk);
    }
    (void)pthread_mutex_unlock(&desks_lock);
}
