/* The operator's command line: what its parts share.
 *
 * One run is one verb: arguments are read (arguments.h), the verb is called, its
 * output gathers in `out` and is written at the end. A verb returns the exit
 * status. One thread. */
#ifndef XD_POSIX_CLI_CLI_H
#define XD_POSIX_CLI_CLI_H

#include "base/bytes.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XD_EXIT_FINE 0
#define XD_EXIT_FAILED 1
#define XD_EXIT_WRONG_INPUT 2
#define XD_EXIT_DIFFERENCE 3 /* reconcile: the books do not balance */

enum xd_option {
    XD_OPTION_URL,
    XD_OPTION_TOKEN_FILE,
    XD_OPTION_CA_FILE,
    XD_OPTION_JSON,
    XD_OPTION_HELP,
    XD_OPTION_VERSION,
    XD_OPTION_STATUS, /* from here on: of some verbs */
    XD_OPTION_EXTERNAL,
    XD_OPTION_LIMIT,
    XD_OPTION_CURSOR,
    XD_OPTION_KEY,
    XD_OPTION_KIND,
    XD_OPTION_OUT,
    XD_OPTION_FORCE,
    XD_OPTION_ALL,
    XD_OPTION_SITE,
    XD_OPTION_CONFIG,
    XD_OPTION_SOURCE,
    XD_OPTION_NUMBER,
    XD_OPTION_MARKDOWN,
    XD_OPTION_SKU,
    XD_OPTION_TENANT,
    XD_OPTION_ROLE,
    XD_OPTION_EXPIRES_AT,
    XD_OPTION_RATE,
    XD_OPTION_BURST,
    XD_OPTION_CHANNELS,
    XD_OPTION_VERSIONS,
    XD_OPTION_OVERLAP,
    XD_OPTION_TYPES,
    XD_OPTION_SECRET_FILE,
    XD_OPTION_FROM,
    XD_OPTION_FOLLOW,
    XD_OPTION_REASON,
    XD_OPTION_LINE,
    XD_OPTION_ORDER,
    XD_OPTION_CODE,
    XD_OPTION_ERP,
    XD_OPTION_RUN,
    XD_OPTION_APPROVE,
    XD_OPTION_ACCEPT,
    XD_OPTION_COUNT
};
#define XD_OPTION_BIT(option) (UINT64_C(1) << (option))

struct xd_verb;

struct xd_cli {
    const struct xd_verb *verb;
    const char *argument, *second;        /* NULL: none */
    const char *options[XD_OPTION_COUNT]; /* NULL: not given; "" for those without a value */
    bool json;
    bool colour; /* standard output is a terminal */
    struct xd_buffer out;
    xd_ms now; /* wall */
    /* Where a problem's pointer leads in what the person gave us, for a verb that made the document out of
     * something else; NULL: the pointer itself is told. */
    void (*tell_place)(const void *context, const char *pointer, struct xd_buffer *out);
    const void *place_context;
};

/* Tells on standard error: "crossdock: ...". Returns status. */
int xd_cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The verbs; each returns the exit status. */
int xd_cli_status(struct xd_cli *cli);
int xd_cli_orders_list(struct xd_cli *cli);
int xd_cli_orders_show(struct xd_cli *cli);
int xd_cli_orders_timeline(struct xd_cli *cli);
int xd_cli_orders_submit(struct xd_cli *cli);
int xd_cli_orders_validate(struct xd_cli *cli);
int xd_cli_orders_cancel(struct xd_cli *cli);
int xd_cli_orders_hold(struct xd_cli *cli);
int xd_cli_orders_unhold(struct xd_cli *cli);
int xd_cli_orders_revise(struct xd_cli *cli);
int xd_cli_sites_list(struct xd_cli *cli);
int xd_cli_sites_add(struct xd_cli *cli);
int xd_cli_clients_list(struct xd_cli *cli);
int xd_cli_clients_show(struct xd_cli *cli);
int xd_cli_clients_add(struct xd_cli *cli);
int xd_cli_clients_set(struct xd_cli *cli);
int xd_cli_clients_rotate(struct xd_cli *cli);
int xd_cli_clients_revoke(struct xd_cli *cli);
int xd_cli_erp_status(struct xd_cli *cli);
int xd_cli_erp_pause(struct xd_cli *cli);
int xd_cli_erp_resume(struct xd_cli *cli);
int xd_cli_exceptions_list(struct xd_cli *cli);
int xd_cli_exceptions_show(struct xd_cli *cli);
int xd_cli_exceptions_resolve(struct xd_cli *cli);
int xd_cli_replay(struct xd_cli *cli);
int xd_cli_reconcile(struct xd_cli *cli);
/* The part of reconcile that is about the ERP's books (books.c): whether it is asked for, and it. */
bool xd_cli_wants_books(const struct xd_cli *cli);
int xd_cli_books(struct xd_cli *cli);
int xd_cli_reference_list(struct xd_cli *cli);
int xd_cli_reference_show(struct xd_cli *cli);
int xd_cli_reference_load(struct xd_cli *cli);
int xd_cli_reference_put(struct xd_cli *cli);
int xd_cli_stock_list(struct xd_cli *cli);
int xd_cli_stock_load(struct xd_cli *cli);
int xd_cli_events(struct xd_cli *cli);
int xd_cli_subscriptions_list(struct xd_cli *cli);
int xd_cli_subscriptions_show(struct xd_cli *cli);
int xd_cli_subscriptions_add(struct xd_cli *cli);
int xd_cli_subscriptions_remove(struct xd_cli *cli);
int xd_cli_subscriptions_enable(struct xd_cli *cli);
int xd_cli_subscriptions_replay(struct xd_cli *cli);
int xd_cli_agent_status(struct xd_cli *cli);
int xd_cli_agent_backlog(struct xd_cli *cli);
int xd_cli_agent_quarantine(struct xd_cli *cli);
int xd_cli_problems(struct xd_cli *cli);
int xd_cli_schema_diff(struct xd_cli *cli);

#endif
