/* A change is an amendment of Tryton with our reference as its description. An amendment changes lines and
 * cannot add any, so a new line is first made with a quantity of nothing, which changes nothing: the
 * amendment gives it its own with all the others, in one transaction. It makes the waiting shipments of the
 * sale anew. */
#include "erp/tryton/situation.h"

#include <stdio.h>
#include <string.h>

#define MODEL "sale.amendment"

struct change {
    struct xd_tryton *erp;
    struct xd_tryton_situation now;
};

static enum xd_result look(struct change *change) {
    enum xd_result result =
        xd_tryton_open_situation(change->erp, change->erp->request->sale_reference, &change->now);
    if (result == XD_NOT_FOUND) {
        return xd_rpc_refuse(&change->erp->rpc, "unknown_sale", "no sale has the reference %s",
                             change->erp->request->sale_reference);
    }
    return result;
}

/* Of our reference: XD_OK it is in effect; XD_NOT_FOUND: one that is not was taken away, or there is none. */
static enum xd_result find_amendment(struct change *change) {
    struct xd_rpc *rpc = &change->erp->rpc;
    const struct xd_node *rows;
    enum xd_result result = xd_rpc_ask(
        rpc, &rows, "model." MODEL ".search_read",
        "[[\"sale\",\"=\",%lld],[\"description\",\"=\",%s]],0,null,[[\"state\",\"DESC\"]],[\"state\"]",
        (long long)change->now.sale, xd_rpc_quote(rpc, change->erp->request->reference));
    if (result != XD_OK || rows->count == 0) {
        return result != XD_OK ? result : XD_NOT_FOUND;
    }
    const struct xd_node *row = xd_node_at(rows, 0);
    const char *state = xd_node_text(row, "state");
    if (state != NULL && strcmp(state, "validated") == 0) {
        xd_tryton_say_document(change->erp, NULL, xd_node_int(row, "id"));
        return XD_OK;
    }
    result = xd_rpc_change(rpc, NULL, "model." MODEL ".delete", "%s", xd_tryton_ids(change->erp, rows));
    return result == XD_OK ? XD_NOT_FOUND : result;
}

/* ---- what may be changed ---- */

/* What the line shall be in all, in base units: never less than left. */
static enum xd_result wanted_of(struct change *change, const struct xd_erp_line *line,
                                const struct xd_tryton_sold *sold, struct xd_decimal *base) {
    enum xd_result result = xd_tryton_to_base(change->erp, line, line->qty, sold->base_unit, base);
    struct xd_decimal shipped = xd_tryton_shipped(&change->now, sold->id);
    if (result == XD_OK && xd_decimal_compare(*base, shipped) < 0) {
        *base = shipped;
    }
    return result;
}

static enum xd_result check_line(struct change *change, const struct xd_erp_line *line) {
    struct xd_rpc *rpc = &change->erp->rpc;
    const struct xd_tryton_sold *sold = xd_tryton_line(&change->now, line->line_id);
    struct xd_decimal base;
    if (xd_decimal_sign(line->qty) < 0) {
        return xd_rpc_refuse(rpc, "bad_quantity", "line %s has an impossible quantity", line->line_id);
    }
    if (sold == NULL) {
        return XD_OK;
    }
    if (line->sku != NULL && strcmp(line->sku, sold->sku) != 0) {
        return xd_rpc_refuse(rpc, "unknown_line", "the sale has no line %s of %s", line->line_id, line->sku);
    }
    return wanted_of(change, line, sold, &base);
}

/* An amendment would leave the goods of a picked shipment between two places. */
static enum xd_result check_parcels(struct change *change) {
    for (size_t i = 0; i < change->now.parcel_count; i++) {
        if (strcmp(change->now.parcels[i].state, "picked") == 0) {
            xd_tryton_blame(&change->erp->rpc.fault, "erp_busy",
                            "A shipment of the sale is just being packed.");
            return XD_AGAIN;
        }
    }
    return XD_OK;
}

static enum xd_result check(struct change *change) {
    const struct xd_erp_request *request = change->erp->request;
    if (strcmp(change->now.state, "processing") != 0 && strcmp(change->now.state, "done") != 0) {
        return xd_rpc_refuse(&change->erp->rpc, "sale_not_open", "the sale %s is %s", request->sale_reference,
                             change->now.state);
    }
    if (request->line_count == 0) {
        return xd_rpc_refuse(&change->erp->rpc, "no_lines", "a change without lines");
    }
    enum xd_result result = check_parcels(change);
    for (size_t i = 0; i < request->line_count && result == XD_OK; i++) {
        result = check_line(change, &request->lines[i]);
    }
    return result;
}

/* ---- doing it ---- */

/* An assigned shipment would keep its hold on the stock. */
static enum xd_result free_parcels(struct change *change) {
    enum xd_result result = XD_OK;
    for (size_t i = 0; i < change->now.parcel_count && result == XD_OK; i++) {
        if (strcmp(change->now.parcels[i].state, "assigned") == 0) {
            result = xd_tryton_press(change->erp, "stock.shipment.out", "wait", change->now.parcels[i].id);
        }
    }
    return result;
}

/* Of a line that was closed short and shall be more now, all that did not leave is open again. */
static enum xd_result reopen_line(struct change *change, const struct xd_erp_line *line) {
    const struct xd_tryton_sold *sold = xd_tryton_line(&change->now, line->line_id);
    struct xd_decimal base;
    struct xd_buffer ids;
    enum xd_result result = sold == NULL ? XD_NOT_FOUND : wanted_of(change, line, sold, &base);
    if (result != XD_OK || xd_decimal_compare(base, sold->ordered) <= 0) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    xd_buffer_init(&ids, 0);
    for (size_t i = 0; i < change->now.move_count; i++) {
        const struct xd_tryton_move *move = &change->now.moves[i];
        if (move->line == sold->id && move->ignored && !move->recreated) {
            xd_buffer_format(&ids, "%s%lld", ids.size > 0 ? "," : "[", (long long)move->id);
        }
    }
    bool any = ids.size > 0;
    xd_buffer_byte(&ids, ']');
    const char *text = xd_tryton_keep(change->erp, &ids);
    if (text == NULL) {
        return XD_UNAVAILABLE;
    }
    return any ? xd_tryton_mark(change->erp, sold->id, "moves_recreated", text) : XD_OK;
}

static enum xd_result reopen(struct change *change) {
    enum xd_result result = XD_OK;
    for (size_t i = 0; i < change->erp->request->line_count && result == XD_OK; i++) {
        result = reopen_line(change, &change->erp->request->lines[i]);
    }
    return result;
}

/* In one call, so that none comes twice. */
static enum xd_result add_lines(struct change *change) {
    const struct xd_erp_request *request = change->erp->request;
    char context[160];
    struct xd_buffer lines;
    size_t count = 0;
    enum xd_result result = XD_OK;
    (void)snprintf(context, sizeof context,
                   ",\"company\":%lld,\"_parent_sale.party\":%lld,\"_parent_sale.currency\":%lld",
                   (long long)change->erp->rpc.company, (long long)change->now.party,
                   (long long)change->now.currency);
    xd_buffer_init(&lines, 0);
    for (size_t i = 0; i < request->line_count && result == XD_OK; i++) {
        const struct xd_erp_line *line = &request->lines[i];
        if (xd_tryton_line(&change->now, line->line_id) == NULL && !xd_decimal_is_zero(line->qty)) {
            xd_buffer_text(&lines, count++ > 0 ? "," : "");
            result = xd_tryton_write_line(change->erp, line, context, change->now.sale, false, &lines);
        }
    }
    const char *text = xd_tryton_keep(change->erp, &lines);
    if (result != XD_OK || count == 0 || text == NULL) {
        return text == NULL ? XD_UNAVAILABLE : result;
    }
    result = xd_rpc_change(&change->erp->rpc, NULL, "model.sale.line.create", "[%s]", text);
    return result == XD_OK ? look(change) : result;
}

/* By what the line is sold from now on: by what it was, or by the piece, where the piece has a price. A new
 * price is that of the request's unit. */
static enum xd_result choose_unit(struct change *change, const struct xd_erp_line *line,
                                  const struct xd_tryton_sold *sold, struct xd_decimal base, int64_t *unit,
                                  struct xd_decimal *qty, struct xd_decimal *price) {
    struct xd_tryton *erp = change->erp;
    struct xd_decimal many = xd_decimal_of(1);
    enum xd_result result = XD_OK;
    *unit = sold->unit;
    if (sold->price == NULL || xd_tryton_number_parse(sold->price, 8, price) != XD_OK) {
        return xd_rpc_refuse(&erp->rpc, "missing_price", "line %s has no price", line->line_id);
    }
    if (line->has_unit_price) {
        *price = line->unit_price;
        result = xd_tryton_to_base(erp, line, many, sold->base_unit, &many);
        *unit = sold->base_unit;
    } else if (!xd_tryton_expressible(erp, base, sold->base_unit, sold->unit, qty)) {
        result = xd_tryton_convert(erp, many, sold->unit, sold->base_unit, &many);
        *unit = sold->base_unit;
    }
    if (result == XD_OK && *unit == sold->base_unit) {
        *qty = base;
        if (many.scale != 0 || many.coefficient <= 0 ||
            xd_decimal_ratio(*price, 1, many.coefficient, price) != XD_OK || price->scale > 4) {
            return xd_rpc_refuse(&erp->rpc, "digits", "the piece of line %s has no exact price",
                                 line->line_id);
        }
    }
    return result;
}

static enum xd_result write_line(struct change *change, const struct xd_erp_line *line,
                                 struct xd_buffer *out) {
    const struct xd_tryton_sold *sold = xd_tryton_line(&change->now, line->line_id);
    struct xd_decimal base, qty = xd_decimal_of(0), price = xd_decimal_of(0);
    char text[XD_DECIMAL_TEXT_MAX];
    int64_t unit;
    enum xd_result result = wanted_of(change, line, sold, &base);
    if (result == XD_OK) {
        result = choose_unit(change, line, sold, base, &unit, &qty, &price);
    }
    if (result != XD_OK) {
        return result;
    }
    xd_buffer_format(out,
                     "{\"action\":\"line\",\"line\":%lld,\"product\":%lld,\"quantity\":%s,\"unit\":%lld,"
                     "\"unit_price\":%s,\"description\":%s}",
                     (long long)sold->id, (long long)sold->product, xd_decimal_write(qty, text),
                     (long long)unit, xd_tryton_decimal_json(change->erp, price),
                     xd_rpc_quote(&change->erp->rpc, sold->description));
    return XD_OK;
}

static enum xd_result amend(struct change *change) {
    struct xd_rpc *rpc = &change->erp->rpc;
    const struct xd_node *created;
    struct xd_buffer lines;
    size_t count = 0;
    enum xd_result result = XD_OK;
    xd_buffer_init(&lines, 0);
    for (size_t i = 0; i < change->erp->request->line_count && result == XD_OK; i++) {
        const struct xd_erp_line *line = &change->erp->request->lines[i];
        if (xd_tryton_line(&change->now, line->line_id) != NULL) {
            xd_buffer_text(&lines, count++ > 0 ? "," : "");
            result = write_line(change, line, &lines);
        }
    }
    const char *text = xd_tryton_keep(change->erp, &lines);
    if (result != XD_OK || text == NULL) {
        return text == NULL ? XD_UNAVAILABLE : result;
    }
    result =
        xd_rpc_change(rpc, &created, "model." MODEL ".create",
                      "[{\"sale\":%lld,\"description\":%s,\"lines\":[[\"create\",[%s]]]}]",
                      (long long)change->now.sale, xd_rpc_quote(rpc, change->erp->request->reference), text);
    int64_t id = result == XD_OK ? xd_rpc_created(created) : 0;
    if (result == XD_OK) {
        result = xd_tryton_press(change->erp, MODEL, "validate_amendment", id);
    }
    if (result == XD_INVALID && id != 0) {
        struct xd_tryton_fault why = rpc->fault;
        result = xd_tryton_press(change->erp, MODEL, "delete", id);
        rpc->fault = why;
        return result == XD_OK ? XD_INVALID : XD_UNKNOWN;
    }
    return result;
}

enum xd_result xd_tryton_change(struct xd_tryton *erp) {
    struct change change = {.erp = erp};
    enum xd_result result = look(&change);
    if (result == XD_OK) {
        result = find_amendment(&change);
    }
    if (result != XD_NOT_FOUND) {
        return result;
    }
    result = check(&change);
    if (result == XD_OK) {
        result = free_parcels(&change);
    }
    if (result == XD_OK) {
        result = reopen(&change);
    }
    if (result == XD_OK) {
        result = add_lines(&change);
    }
    if (result == XD_OK) {
        result = amend(&change);
    }
    if (result == XD_OK) {
        result = xd_tryton_process(erp, change.now.sale); /* validating hides what its processing fails of */
    }
    if (result == XD_OK) {
        result = find_amendment(&change);
    }
    return result == XD_NOT_FOUND ? XD_UNKNOWN : result;
}
