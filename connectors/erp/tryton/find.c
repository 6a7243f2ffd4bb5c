/* A document counts as there once it has its effect; one that an attempt left half made is absent: posting it
 * again takes it on. */
#include "erp/tryton/internal.h"

#include <stdio.h>

static const struct {
    const char *model, *number, *effective; /* the states that have the effect, as a JSON list */
    const char *field;                      /* that holds our reference */
} documents[] = {
    [XD_ERP_SALE] = {"sale.sale", "number", "[\"processing\",\"done\"]", "reference"},
    [XD_ERP_SHIPMENT] = {"stock.shipment.out", "number", "[\"done\",\"cancelled\"]", "reference"},
    [XD_ERP_ADJUSTMENT] = {"stock.shipment.internal", "number", "[\"done\"]", "reference"},
    [XD_ERP_CHANGE] = {"sale.amendment", "description", "[\"validated\"]", "description"},
    [XD_ERP_REVERSAL] = {"stock.shipment.out.return", "number", "[\"done\"]", "reference"},
};

enum xd_result xd_tryton_find(struct xd_tryton *erp, enum xd_erp_kind kind, const char *reference) {
    const struct xd_node *rows;
    char method[64];
    if (kind == XD_ERP_CHECK || reference == NULL) {
        return XD_NOT_FOUND;
    }
    (void)snprintf(method, sizeof method, "model.%s.search_read", documents[kind].model);
    enum xd_result result = xd_rpc_ask(
        &erp->rpc, &rows, method, "[[\"%s\",\"=\",%s],[\"state\",\"in\",%s]],0,1,[[\"id\",\"ASC\"]],[\"%s\"]",
        documents[kind].field, xd_rpc_quote(&erp->rpc, reference), documents[kind].effective,
        documents[kind].number);
    const struct xd_node *row = result == XD_OK ? xd_node_at(rows, 0) : NULL;
    if (row != NULL) {
        xd_tryton_say_document(erp, kind == XD_ERP_CHANGE ? NULL : xd_node_text(row, documents[kind].number),
                               xd_node_int(row, "id"));
    }
    return result == XD_OK && row == NULL ? XD_NOT_FOUND : result;
}
