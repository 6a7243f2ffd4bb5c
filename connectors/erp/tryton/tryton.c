/* The table of functions, and what the parts' results mean to the hub.
 *
 * What was certainly not begun is UNAVAILABLE; once anything was, or may have been, changed in Tryton, an
 * interruption is UNKNOWN: half a document is found again by its reference, and posting it again takes it on
 * from there. */
#include "erp/tryton/tryton.h"

#include "base/memory.h"
#include "erp/tryton/internal.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_MS 500u

/* ---- answers ---- */

static void conclude(const struct xd_tryton *erp, enum xd_result result, struct xd_erp_answer *answer) {
    const struct xd_tryton_fault *fault = &erp->rpc.fault;
    if (result == XD_OK) {
        answer->outcome = XD_ERP_DONE;
        return;
    }
    answer->document[0] = '\0';
    if (result == XD_NOT_FOUND) {
        answer->outcome = XD_ERP_ABSENT;
        return;
    }
    bool refused = result == XD_INVALID || result == XD_DUPLICATE;
    answer->outcome = refused                                    ? XD_ERP_REJECTED
                      : result == XD_UNKNOWN || erp->rpc.touched ? XD_ERP_UNKNOWN
                                                                 : XD_ERP_UNAVAILABLE;
    (void)snprintf(answer->code, sizeof answer->code, "%s", fault->code);
    (void)snprintf(answer->detail, sizeof answer->detail, "%s", fault->detail);
    if (answer->outcome == XD_ERP_UNAVAILABLE) {
        answer->retry_after_ms =
            fault->retry_after_ms != 0 || result != XD_AGAIN ? fault->retry_after_ms : AGAIN_MS;
    }
}

static void begin(struct xd_tryton *erp, struct xd_erp_answer *answer) {
    memset(answer, 0, sizeof *answer);
    erp->answer = answer;
    xd_rpc_begin(&erp->rpc);
}

/* Grade A is claimed: is it so? */
static enum xd_result check_module(struct xd_tryton *erp) {
    const struct xd_node *rows;
    if (erp->checked || erp->lookup_only) {
        return XD_OK;
    }
    enum xd_result result = xd_rpc_ask(&erp->rpc, &rows, "model.ir.module.search_read",
                                       "[[\"name\",\"=\",\"crossdock_reference\"],"
                                       "[\"state\",\"=\",\"activated\"]],0,1,null,[\"state\"]");
    if (result != XD_OK) {
        return result == XD_INVALID ? XD_UNAVAILABLE : result;
    }
    erp->checked = rows->count > 0;
    if (!erp->checked) {
        xd_tryton_blame(&erp->rpc.fault, "reference_not_unique",
                        "The module crossdock_reference is not active in this database.");
    }
    return erp->checked ? XD_OK : XD_UNAVAILABLE;
}

/* ---- the table ---- */

static enum xd_result post(struct xd_tryton *erp) {
    const struct xd_erp_request *request = erp->request;
    switch (request->kind) {
    case XD_ERP_SALE:
        return xd_tryton_sale(erp);
    case XD_ERP_SHIPMENT:
        return xd_tryton_shipment(erp);
    case XD_ERP_ADJUSTMENT:
        return xd_tryton_adjustment(erp);
    case XD_ERP_CHANGE:
        return xd_tryton_change(erp);
    case XD_ERP_REVERSAL:
        return xd_tryton_reversal(erp);
    case XD_ERP_CHECK:
        break;
    }
    return xd_rpc_refuse(&erp->rpc, "not_supported", "Tryton is not asked for checks");
}

static void tryton_post(void *context, const struct xd_erp_request *request, struct xd_erp_answer *answer) {
    struct xd_tryton *erp = context;
    begin(erp, answer);
    erp->request = request;
    struct xd_tryton_hold *hold =
        xd_tryton_hold(request->sale_reference != NULL ? request->sale_reference : request->reference);
    enum xd_result result = check_module(erp);
    if (result == XD_OK) {
        result = post(erp);
    }
    if (result == XD_NOT_FOUND) { /* every part knows what it looked for in vain */
        xd_tryton_blame(&erp->rpc.fault, "erp_error", "Something that was there is gone.");
        result = XD_UNKNOWN;
    }
    conclude(erp, result, answer);
    xd_tryton_release(hold);
    erp->request = NULL;
}

static void tryton_find(void *context, enum xd_erp_kind kind, const char *reference,
                        struct xd_erp_answer *answer) {
    struct xd_tryton *erp = context;
    begin(erp, answer);
    enum xd_result result = xd_tryton_find(erp, kind, reference);
    conclude(erp, result == XD_INVALID ? XD_UNAVAILABLE : result, answer);
}

static void tryton_list(void *context, enum xd_erp_list what, const char *cursor, size_t max,
                        struct xd_erp_answer *answer, struct xd_buffer *entries,
                        char next[XD_ERP_CURSOR_SIZE]) {
    struct xd_tryton *erp = context;
    size_t before = entries->size;
    begin(erp, answer);
    next[0] = '\0';
    enum xd_result result = xd_tryton_list(erp, what, cursor, max, entries, next);
    conclude(erp, result == XD_INVALID ? XD_UNAVAILABLE : result, answer);
    if (result != XD_OK) {
        entries->size = before;
    }
}

static void tryton_close(void *context) {
    struct xd_tryton *erp = context;
    xd_rpc_close(&erp->rpc);
    xd_free(erp->units);
    xd_free(erp);
}

enum xd_result xd_tryton_open(const struct xd_tryton_config *config, struct xd_erp *out, char *why,
                              size_t why_size) {
    struct xd_tryton *erp = xd_alloc(sizeof *erp);
    if (erp == NULL) {
        (void)snprintf(why, why_size, "no memory");
        return XD_NO_MEMORY;
    }
    struct xd_rpc_config rpc = {.url = config->url,
                                .database = config->database,
                                .username = config->username,
                                .password = config->password,
                                .ca_file = config->ca_file,
                                .timeout_ms = config->timeout_ms};
    enum xd_result result = xd_rpc_open(&erp->rpc, &rpc, why, why_size);
    if (result != XD_OK) {
        xd_free(erp);
        return result;
    }
    erp->lookup_only = config->lookup_only;
    *out = (struct xd_erp){.context = erp,
                           .grade = config->lookup_only ? XD_ERP_GRADE_B : XD_ERP_GRADE_A,
                           .post = tryton_post,
                           .find = tryton_find,
                           .list = tryton_list,
                           .close = tryton_close};
    return XD_OK;
}
