/* A Tryton that runs somewhere, for tests: XD_TRYTON names the tryton.json that `config/erp/tryton/tryton
 * start` wrote. Without it there is none, and what needs one is skipped. */
#ifndef XD_TESTS_CONTRACT_TRYTON_ERP_H
#define XD_TESTS_CONTRACT_TRYTON_ERP_H

#include "contract/erps.h"
#include "erp/tryton/rpc.h"

bool tryton_is_there(void);
/* Back to the database as it was seeded. Fails the test when it cannot. */
void tryton_reset(void);
/* Of the suite that every ERP passes; its prepare makes, once in a process, and then restores what erps.h
 * names: the server is there for these tests alone until tryton_reset. */
extern const struct erp_maker tryton_maker;
/* A worker of the hub. */
void tryton_open_worker(struct xd_erp *out);
unsigned tryton_port(void);
/* One that reaches it by another port of loopback, or with another password (NULL: its own). */
void tryton_open_other(unsigned port, const char *username, const char *password, struct xd_erp *out);
/* Calls as the administrator, with asserted success; the trees live until tryton_admin_close. */
struct xd_rpc *tryton_admin(void);
void tryton_admin_close(void);
const struct xd_node *tryton_ask(const char *method, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
