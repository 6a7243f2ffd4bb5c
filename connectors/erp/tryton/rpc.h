/* Private to the Tryton connector: one call of Tryton, by JSON-RPC over HTTP.
 *
 * All workers of a process that use the same account share its session. It is renewed once when Tryton does
 * not know it any more; a login that was refused is not repeated before a pause that grows, for Tryton makes
 * everybody wait who tries too often. What locks refused is tried again at once, a few times.
 *
 * One struct xd_rpc for one thread. Trees live until the next xd_rpc_begin. */
#ifndef XD_ERP_TRYTON_RPC_H
#define XD_ERP_TRYTON_RPC_H

#include "erp/tryton/answers.h"

#include "base/arena.h"
#include "base/bytes.h"

#include <stdarg.h>

struct xd_rpc_account;

struct xd_rpc {
    struct xd_rpc_account *account; /* shared */
    char *ca_file;
    unsigned timeout_ms;
    struct xd_arena arena;
    struct xd_tryton_fault fault; /* of the last call that failed */
    int64_t company;              /* once a call succeeded */
    const char *more;             /* of the next call's context: members, each behind a comma; NULL: none */
    bool touched;                 /* since xd_rpc_begin something was, or may have been, changed */
};

struct xd_rpc_config {
    const char *url; /* http://host:port */
    const char *database, *username, *password;
    const char *ca_file; /* NULL: the system's */
    unsigned timeout_ms; /* of one call */
};

/* Does not speak to Tryton. XD_INVALID: why says what cannot be used; XD_NO_MEMORY. */
XD_CHECKED enum xd_result xd_rpc_open(struct xd_rpc *rpc, const struct xd_rpc_config *config, char *why,
                                      size_t why_size);
void xd_rpc_close(struct xd_rpc *rpc);
/* Before each request of the hub: forgets its trees and that anything was touched. */
void xd_rpc_begin(struct xd_rpc *rpc);

/* Calls "model.sale.sale.read" and the like. The format makes the parameters without the last one, the
 * context, as JSON and without the brackets around them; texts in it come from xd_rpc_quote. Results as
 * xd_tryton_classify has them, without XD_DENIED and XD_CONFLICT; on failure fault says why. */
XD_CHECKED enum xd_result xd_rpc_ask(struct xd_rpc *rpc, const struct xd_node **out, const char *method,
                                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for a call that changes something; out may be NULL. Answers harmless warnings. */
XD_CHECKED enum xd_result xd_rpc_change(struct xd_rpc *rpc, const struct xd_node **out, const char *method,
                                        const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The text as JSON with its quotes, in the arena; NULL gives null. */
const char *xd_rpc_quote(struct xd_rpc *rpc, const char *text);
/* The id that a call of create gave; 0: none. */
int64_t xd_rpc_created(const struct xd_node *result);

/* Sets the fault. Returns XD_INVALID. */
enum xd_result xd_rpc_refuse(struct xd_rpc *rpc, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
