/* Private to the ledger: what each kind of document does to the books, within the transaction of a call. */
#ifndef XD_ERP_LEDGER_POSTING_H
#define XD_ERP_LEDGER_POSTING_H

#include "base/crypto.h"
#include "erp/ledger/book.h"
#include "hub/erp.h"

/* Within a post: XD_OK goes on, XD_DENIED means that the answer says REJECTED, and
 * anything else that the book failed. */
struct xd_ledger_post {
    struct xd_book *book;
    const struct xd_erp_request *request;
    struct xd_erp_answer *answer;
};

/* XD_OK: the answer is DONE, to be committed; XD_DUPLICATE: it is DONE already. */
XD_CHECKED enum xd_result xd_ledger_decide(const struct xd_ledger_post *post);
/* XD_NOT_FOUND: no such document. */
XD_CHECKED enum xd_result xd_ledger_find(struct xd_book *book, enum xd_erp_kind kind, const char *reference,
                                         int64_t *number, struct xd_hash *print);
void xd_ledger_say_unavailable(struct xd_erp_answer *answer, const char *code, const char *detail);
void xd_ledger_say_done(struct xd_erp_answer *answer, enum xd_erp_kind kind, int64_t number);
/* What a document that is there is not as it was asked for. */
XD_CHECKED enum xd_result xd_ledger_say_more(struct xd_book *book, enum xd_erp_kind kind, int64_t number,
                                             struct xd_erp_answer *answer);

#endif
