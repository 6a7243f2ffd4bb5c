/* A sale: created as a draft under our reference, quoted, confirmed (which processes it, too). The reference
 * is looked for first, so that a sale which an earlier attempt left at any of these states is taken on from
 * there. Where the database does not keep references unique, it is looked for again behind the draft, which
 * has no effect yet: the lowest id stays.
 *
 * A button that is pressed in the wrong state does nothing and says so to nobody, and confirm hides what its
 * processing fails of: the state is read after every step, and process is called for its words. */
#include "erp/tryton/internal.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MAX 8

/* ---- checks ---- */

static enum xd_result check_lines(struct xd_tryton *erp) {
    const struct xd_erp_request *request = erp->request;
    if (request->line_count == 0) {
        return xd_rpc_refuse(&erp->rpc, "no_lines", "a sale without lines");
    }
    for (size_t i = 0; i < request->line_count; i++) {
        const struct xd_erp_line *line = &request->lines[i];
        if (xd_decimal_sign(line->qty) <= 0) {
            return xd_rpc_refuse(&erp->rpc, "bad_quantity", "line %s has no quantity", line->line_id);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(request->lines[j].line_id, line->line_id) == 0) {
                return xd_rpc_refuse(&erp->rpc, "duplicate_line", "line %s comes twice", line->line_id);
            }
        }
    }
    return XD_OK;
}

/* ---- creating ---- */

struct header {
    int64_t party, invoice_address, shipment_address, payment_term, currency;
};

static int64_t address_of(const struct xd_node *addresses, const char *use) {
    for (const struct xd_node *row = addresses->child; row != NULL; row = row->next) {
        if (xd_node_is_true(row, use)) {
            return xd_node_int(row, "id");
        }
    }
    return xd_node_int(xd_node_at(addresses, 0), "id");
}

/* Why there is no address: no such customer, or one without. */
static enum xd_result refuse_party(struct xd_tryton *erp, const char *code) {
    const struct xd_node *rows;
    enum xd_result result = xd_rpc_ask(
        &erp->rpc, &rows, "model.party.party.search_read",
        "[[\"code\",\"=\",%s],[\"active\",\"in\",[true,false]]],0,1,[[\"id\",\"ASC\"]],[\"active\"]",
        xd_rpc_quote(&erp->rpc, code));
    const struct xd_node *party = result == XD_OK ? xd_node_at(rows, 0) : NULL;
    if (result != XD_OK) {
        return result;
    }
    if (party == NULL) {
        return xd_rpc_refuse(&erp->rpc, "unknown_customer", "no customer has the code %s", code);
    }
    if (!xd_node_is_true(party, "active")) {
        return xd_rpc_refuse(&erp->rpc, "inactive_customer", "customer %s is not active", code);
    }
    return xd_rpc_refuse(&erp->rpc, "missing_address", "customer %s has no address", code);
}

static enum xd_result get_party(struct xd_tryton *erp, struct header *header) {
    const struct xd_node *addresses;
    const char *code = erp->request->customer == NULL ? "" : erp->request->customer;
    enum xd_result result = xd_rpc_ask(
        &erp->rpc, &addresses, "model.party.address.search_read",
        "[[\"party.code\",\"=\",%s]],0,null,[[\"party\",\"ASC\"],[\"sequence\",\"ASC\"],[\"id\",\"ASC\"]],"
        "[\"party\",\"invoice\",\"delivery\",\"party.active\",\"party.customer_payment_term\"]",
        xd_rpc_quote(&erp->rpc, code));
    if (result != XD_OK) {
        return result;
    }
    const struct xd_node *first = xd_node_at(addresses, 0), *party = xd_node_member(first, "party.");
    if (first == NULL || !xd_node_is_true(party, "active")) {
        return refuse_party(erp, code);
    }
    header->party = xd_node_int(first, "party");
    header->payment_term = xd_node_int(party, "customer_payment_term");
    header->invoice_address = address_of(addresses, "invoice");
    header->shipment_address = address_of(addresses, "delivery");
    return XD_OK;
}

static enum xd_result get_currency(struct xd_tryton *erp, struct header *header) {
    const struct xd_node *rows;
    const char *code = erp->request->currency == NULL ? "" : erp->request->currency;
    if (erp->currency != 0 && strcmp(erp->currency_code, code) == 0) {
        header->currency = erp->currency;
        return XD_OK;
    }
    enum xd_result result =
        xd_rpc_ask(&erp->rpc, &rows, "model.currency.currency.search_read",
                   "[[\"code\",\"=\",%s]],0,1,null,[\"code\"]", xd_rpc_quote(&erp->rpc, code));
    header->currency = result == XD_OK ? xd_node_int(xd_node_at(rows, 0), "id") : 0;
    if (result == XD_OK && header->currency == 0) {
        return xd_rpc_refuse(&erp->rpc, "currency_mismatch", "Tryton has no currency %s", code);
    }
    if (result == XD_OK && strlen(code) < sizeof erp->currency_code) {
        erp->currency = header->currency;
        (void)snprintf(erp->currency_code, sizeof erp->currency_code, "%s", code);
    }
    return result;
}

static const char *or_null(struct xd_tryton *erp, int64_t id) {
    char *text = id == 0 ? NULL : xd_arena_take(&erp->rpc.arena, 24);
    if (text == NULL) {
        return "null";
    }
    (void)snprintf(text, 24, "%lld", (long long)id);
    return text;
}

static enum xd_result write_sale(struct xd_tryton *erp, const struct header *header, int64_t warehouse,
                                 struct xd_buffer *out) {
    char context[160];
    (void)snprintf(context, sizeof context,
                   ",\"company\":%lld,\"_parent_sale.party\":%lld,\"_parent_sale.currency\":%lld",
                   (long long)erp->rpc.company, (long long)header->party, (long long)header->currency);
    xd_buffer_format(out,
                     "{\"company\":%lld,\"party\":%lld,\"reference\":%s,\"invoice_address\":%lld,"
                     "\"shipment_address\":%lld,\"payment_term\":%s,\"currency\":%lld,\"warehouse\":%lld,"
                     "\"invoice_method\":\"shipment\",\"shipment_method\":\"order\",\"lines\":[[\"create\",[",
                     (long long)erp->rpc.company, (long long)header->party,
                     xd_rpc_quote(&erp->rpc, erp->request->reference), (long long)header->invoice_address,
                     (long long)header->shipment_address, or_null(erp, header->payment_term),
                     (long long)header->currency, (long long)warehouse);
    enum xd_result result = XD_OK;
    for (size_t i = 0; result == XD_OK && i < erp->request->line_count; i++) {
        xd_buffer_text(out, i > 0 ? "," : "");
        result = xd_tryton_write_line(erp, &erp->request->lines[i], context, 0, true, out);
    }
    xd_buffer_text(out, "]]]}");
    return result;
}

/* XD_DUPLICATE: somebody else was faster. */
static enum xd_result create(struct xd_tryton *erp, int64_t *id) {
    struct header header = {.party = 0};
    struct xd_tryton_warehouse warehouse;
    const struct xd_node *created;
    struct xd_buffer sale;
    enum xd_result result = check_lines(erp);
    if (result == XD_OK) {
        result = get_party(erp, &header);
    }
    if (result == XD_OK) {
        result = get_currency(erp, &header);
    }
    if (result == XD_OK) {
        result = xd_tryton_get_warehouse(erp, erp->request->site, &warehouse);
    }
    if (result != XD_OK) {
        return result;
    }
    xd_buffer_init(&sale, 0);
    result = write_sale(erp, &header, warehouse.id, &sale);
    const char *text = xd_tryton_keep(erp, &sale);
    if (result != XD_OK || text == NULL) {
        return result != XD_OK ? result : XD_UNAVAILABLE;
    }
    result = xd_rpc_change(&erp->rpc, &created, "model.sale.sale.create", "[%s]", text);
    *id = result == XD_OK ? xd_rpc_created(created) : 0;
    return result;
}

/* ---- driving ---- */

static enum xd_result read_state(struct xd_tryton *erp, int64_t id, char state[32]) {
    const struct xd_node *rows;
    enum xd_result result =
        xd_rpc_ask(&erp->rpc, &rows, "model.sale.sale.read", "[%lld],[\"state\",\"number\"]", (long long)id);
    const struct xd_node *row = result == XD_OK ? xd_node_at(rows, 0) : NULL;
    const char *text = xd_node_text(row, "state");
    (void)snprintf(state, 32, "%s", text == NULL ? "" : text);
    if (row != NULL) {
        xd_tryton_say_document(erp, xd_node_text(row, "number"), id);
    }
    return result;
}

static enum xd_result press(struct xd_tryton *erp, int64_t id, const char *button) {
    char method[64];
    (void)snprintf(method, sizeof method, "model.sale.sale.%s", button);
    return xd_rpc_change(&erp->rpc, NULL, method, "[%lld]", (long long)id);
}

static const char *button_of(const char *state) {
    static const struct {
        const char *state, *button;
    } steps[] = {{"draft", "quote"}, {"quotation", "confirm"}, {"confirmed", "process"}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strcmp(steps[i].state, state) == 0) {
            return steps[i].button;
        }
    }
    return NULL;
}

static enum xd_result drive(struct xd_tryton *erp, int64_t id, char state[32]) {
    for (int steps = 0; steps < STEPS_MAX; steps++) {
        const char *button = button_of(state);
        if (button == NULL) {
            break;
        }
        enum xd_result result = press(erp, id, button);
        if (result == XD_OK && strcmp(button, "quote") == 0) {
            (void)snprintf(state, 32, "quotation"); /* or it is not, and what confirm leaves will show */
        } else if (result == XD_OK) {
            result = read_state(erp, id, state);
        }
        if (result != XD_OK) {
            return result;
        }
    }
    if (strcmp(state, "processing") == 0 || strcmp(state, "done") == 0) {
        return XD_OK;
    }
    if (strcmp(state, "cancelled") == 0) {
        return xd_rpc_refuse(&erp->rpc, "sale_cancelled", "the sale of reference %s was cancelled in Tryton",
                             erp->request->reference);
    }
    xd_tryton_blame(&erp->rpc.fault, "erp_busy", "The sale does not go on; it will be tried again.");
    return XD_AGAIN;
}

/* A sale that was refused leaves nothing, and the reference free. */
static enum xd_result undo(struct xd_tryton *erp, int64_t id) {
    struct xd_tryton_fault why = erp->rpc.fault;
    char state[32];
    enum xd_result result = read_state(erp, id, state);
    if (result == XD_OK && strcmp(state, "confirmed") == 0) {
        result = press(erp, id, "draft");
    }
    if (result == XD_OK) {
        result = press(erp, id, "delete");
    }
    erp->rpc.fault = why;
    erp->answer->document[0] = '\0';
    return result == XD_OK || result == XD_INVALID ? XD_INVALID : XD_UNKNOWN;
}

/* ---- once more ---- */

/* The same reference, and the same lines as far as nobody changed them. */
static enum xd_result compare(struct xd_tryton *erp, const struct xd_node *sale) {
    const struct xd_node *lines, *amendments;
    enum xd_result result = xd_tryton_get_lines(erp, xd_node_int(sale, "id"), &lines);
    if (result == XD_OK) {
        result =
            xd_rpc_ask(&erp->rpc, &amendments, "model.sale.amendment.search_read",
                       "[[\"sale\",\"=\",%lld]],0,1,null,[\"state\"]", (long long)xd_node_int(sale, "id"));
    }
    if (result != XD_OK) {
        return result == XD_INVALID || result == XD_UNAVAILABLE ? XD_OK : result; /* no amendments there */
    }
    for (size_t i = 0; amendments->count == 0 && i < erp->request->line_count; i++) {
        const struct xd_erp_line *line = &erp->request->lines[i];
        const struct xd_node *row = lines->child;
        char id[XD_TRYTON_TEXT] = "";
        while (row != NULL && (xd_tryton_line_id(row, id), strcmp(id, line->line_id) != 0)) {
            row = row->next;
        }
        const struct xd_node *product = xd_node_member(row, "product.");
        int64_t base_unit = xd_node_int(product, "default_uom");
        const char *sku = xd_node_text(product, "code");
        struct xd_decimal wanted, there;
        if (row == NULL || sku == NULL || strcmp(sku, line->sku) != 0 ||
            !xd_tryton_number(xd_node_member(row, "quantity"), 9, &there) ||
            xd_tryton_to_base(erp, line, line->qty, base_unit, &wanted) != XD_OK ||
            xd_tryton_convert(erp, there, xd_node_int(row, "unit"), base_unit, &there) != XD_OK ||
            xd_decimal_compare(wanted, there) != 0) {
            return xd_rpc_refuse(&erp->rpc, "reference_conflict",
                                 "reference %s is there with another content", erp->request->reference);
        }
    }
    return XD_OK;
}

/* Of several drafts of one reference the first is the sale. */
static enum xd_result keep_lowest(struct xd_tryton *erp, int64_t *id) {
    const struct xd_node *first;
    enum xd_result result = xd_tryton_find_sale(erp, erp->request->reference, &first);
    int64_t lowest = result == XD_OK ? xd_node_int(first, "id") : *id;
    if (result != XD_OK || lowest == *id) {
        return result == XD_NOT_FOUND ? XD_UNKNOWN : result;
    }
    result = press(erp, *id, "delete");
    *id = lowest;
    return result;
}

/* What was refused, or is there by its reference already, may be there by an earlier call. */
static enum xd_result look_after(struct xd_tryton *erp, enum xd_result why, const struct xd_node **sale) {
    struct xd_tryton_fault fault = erp->rpc.fault;
    enum xd_result result = xd_tryton_find_sale(erp, erp->request->reference, sale);
    if (result != XD_NOT_FOUND) {
        return result;
    }
    erp->rpc.fault = fault;
    return why == XD_DUPLICATE ? XD_AGAIN : why; /* not committed yet, or gone again */
}

/* Tryton refuses a second sale of one reference, so looking first would cost each sale a call and spare none
 * a mistake; where it does not, looking is all there is. */
static enum xd_result find_or_create(struct xd_tryton *erp, const struct xd_node **sale, int64_t *id,
                                     bool *found) {
    enum xd_result result =
        erp->lookup_only ? xd_tryton_find_sale(erp, erp->request->reference, sale) : XD_NOT_FOUND;
    *found = result == XD_OK;
    if (result != XD_NOT_FOUND) {
        return result;
    }
    result = create(erp, id);
    if (result == XD_DUPLICATE || (result == XD_INVALID && !erp->lookup_only)) {
        result = look_after(erp, result, sale);
        *found = result == XD_OK;
    } else if (result == XD_OK && erp->lookup_only) {
        result = keep_lowest(erp, id);
    }
    return result;
}

enum xd_result xd_tryton_sale(struct xd_tryton *erp) {
    const struct xd_node *sale;
    char state[32] = "draft";
    int64_t id = 0;
    bool found;
    enum xd_result result = find_or_create(erp, &sale, &id, &found);
    if (result == XD_OK && found) {
        id = xd_node_int(sale, "id");
        result = compare(erp, sale);
    }
    if (result == XD_OK && (found || erp->lookup_only)) {
        result = read_state(erp, id, state);
    }
    if (result != XD_OK) {
        return result;
    }
    result = drive(erp, id, state);
    return result == XD_INVALID && strcmp(state, "cancelled") != 0 ? undo(erp, id) : result;
}
