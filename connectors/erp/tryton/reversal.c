/* A reversal is a customer return of Tryton with our reference: a move back for each move of the shipment, of
 * the same line, so that Tryton credits what it billed. Tryton counts every move of a line as shipped,
 * whichever way it went: so the moves of the shipment (those that closed a line, too) and those of the return
 * are marked as recreated, and what they were is open again. */
#include "erp/tryton/situation.h"

#include <stdio.h>
#include <string.h>

#define MODEL "stock.shipment.out.return"
#define STEPS_MAX 4

struct work {
    struct xd_tryton *erp;
    struct xd_tryton_situation now;
    int64_t shipment; /* that is undone */
    int64_t id;       /* of the return; 0: there is none yet */
    char state[32];
    int64_t day;
    bool moved;
};

/* ---- looking ---- */

/* A return that is there is of a shipment that is there. */
static enum xd_result find_shipment(struct work *work) {
    struct xd_rpc *rpc = &work->erp->rpc;
    const struct xd_node *rows;
    const char *reference = work->erp->request->reverses;
    enum xd_result result = xd_rpc_ask(
        rpc, &rows, "model.stock.shipment.out.search_read",
        "[[\"reference\",\"=\",%s],[\"company\",\"=\",%lld],[\"state\",\"in\",[\"done\",\"cancelled\"]]],"
        "0,1,[[\"id\",\"ASC\"]],[\"state\"]",
        xd_rpc_quote(rpc, reference == NULL ? "" : reference), (long long)rpc->company);
    work->shipment = result == XD_OK ? xd_node_int(xd_node_at(rows, 0), "id") : 0;
    if (result == XD_OK && work->shipment == 0 && work->id != 0) {
        return xd_rpc_refuse(rpc, "reference_conflict", "reference %s is there with another content",
                             work->erp->request->reference);
    }
    if (result == XD_OK && work->shipment == 0) {
        return xd_rpc_refuse(rpc, "unknown_shipment", "no shipment has the reference %s",
                             reference == NULL ? "" : reference);
    }
    return result;
}

static enum xd_result find_return(struct work *work) {
    struct xd_rpc *rpc = &work->erp->rpc;
    const struct xd_node *rows;
    enum xd_result result =
        xd_rpc_ask(rpc, &rows, "model." MODEL ".search_read",
                   "[[\"reference\",\"=\",%s],[\"company\",\"=\",%lld]],0,1,[[\"id\",\"ASC\"]],"
                   "[\"state\",\"number\"]",
                   xd_rpc_quote(rpc, work->erp->request->reference), (long long)rpc->company);
    const struct xd_node *row = result == XD_OK ? xd_node_at(rows, 0) : NULL;
    const char *state = xd_node_text(row, "state");
    work->id = xd_node_int(row, "id");
    (void)snprintf(work->state, sizeof work->state, "%s", state == NULL ? "" : state);
    if (row != NULL) {
        xd_tryton_say_document(work->erp, xd_node_text(row, "number"), work->id);
    }
    return result;
}

static bool is_reversed(const struct work *work) {
    for (size_t i = 0; i < work->now.move_count; i++) {
        const struct xd_tryton_move *move = &work->now.moves[i];
        if (move->shipment == work->shipment && !move->back && move->recreated) {
            return true;
        }
    }
    return false;
}

/* ---- writing ---- */

static void write_move(struct work *work, const struct xd_node *row, int64_t input, struct xd_buffer *out) {
    const char *origin = xd_node_text(row, "origin"),
               *price = xd_node_text(xd_node_member(row, "unit_price"), "decimal");
    char own[48];
    /* What was not billed is not credited: it belongs to the line by a move of that, or by itself. */
    if (origin == NULL ||
        (strncmp(origin, "sale.line,", 10) != 0 && strncmp(origin, "stock.move,", 11) != 0)) {
        (void)snprintf(own, sizeof own, "stock.move,%lld", (long long)xd_node_int(row, "id"));
        origin = own;
    }
    xd_buffer_format(
        out,
        "{\"product\":%lld,\"uom\":%lld,\"quantity\":%s,\"from_location\":%lld,\"to_location\":%lld,"
        "\"company\":%lld,\"currency\":%lld,\"origin\":\"%s\","
        "\"unit_price\":{\"__class__\":\"Decimal\",\"decimal\":\"%s\"}",
        (long long)xd_node_int(row, "product"), (long long)xd_node_int(row, "uom"),
        xd_node_text(row, "quantity"), (long long)xd_node_int(row, "to_location"), (long long)input,
        (long long)work->erp->rpc.company, (long long)work->now.currency, origin,
        price == NULL ? "0" : price);
    if (xd_node_int(row, "lot") != 0) {
        xd_buffer_format(out, ",\"lot\":%lld", (long long)xd_node_int(row, "lot"));
    }
    xd_buffer_byte(out, '}');
}

/* The moves to the customer of the shipment, as their opposites. */
static enum xd_result write_moves(struct work *work, int64_t input, const char **out) {
    const struct xd_node *rows;
    struct xd_buffer text;
    enum xd_result result =
        xd_rpc_ask(&work->erp->rpc, &rows, "model.stock.move.search_read",
                   "[[\"shipment\",\"=\",\"stock.shipment.out,%lld\"],[\"state\",\"=\",\"done\"],"
                   "[\"to_location.type\",\"=\",\"customer\"]],0,null,[[\"id\",\"ASC\"]],"
                   "[\"product\",\"uom\",\"quantity\",\"lot\",\"origin\",\"unit_price\",\"to_location\"]",
                   (long long)work->shipment);
    if (result != XD_OK) {
        return result;
    }
    xd_buffer_init(&text, 0);
    for (const struct xd_node *row = rows->child; row != NULL; row = row->next) {
        xd_buffer_text(&text, text.size > 0 ? "," : "");
        write_move(work, row, input, &text);
    }
    *out = xd_tryton_keep(work->erp, &text);
    return *out == NULL ? XD_UNAVAILABLE : XD_OK;
}

static enum xd_result create(struct work *work) {
    struct xd_rpc *rpc = &work->erp->rpc;
    const struct xd_node *rows;
    const char *moves, *day = xd_tryton_date_json(work->erp, work->day);
    const struct xd_tryton_parcel *parcel = xd_tryton_parcel(&work->now, work->shipment);
    if (parcel == NULL) {
        return xd_rpc_refuse(rpc, "unknown_shipment", "shipment %s is not of sale %s",
                             work->erp->request->reverses, work->erp->request->sale_reference);
    }
    if (is_reversed(work)) {
        return xd_rpc_refuse(rpc, "already_reversed", "shipment %s is reversed already",
                             work->erp->request->reverses);
    }
    enum xd_result result = xd_rpc_ask(rpc, &rows, "model.stock.location.read", "[%lld],[\"input_location\"]",
                                       (long long)parcel->warehouse);
    if (result == XD_OK) {
        result = write_moves(work, xd_node_int(xd_node_at(rows, 0), "input_location"), &moves);
    }
    if (result != XD_OK) {
        return result;
    }
    result = xd_rpc_change(rpc, NULL, "model." MODEL ".create",
                           "[{\"reference\":%s,\"company\":%lld,\"customer\":%lld,\"delivery_address\":%lld,"
                           "\"warehouse\":%lld,\"effective_date\":%s,\"planned_date\":%s,"
                           "\"incoming_moves\":[[\"create\",[%s]]]}]",
                           xd_rpc_quote(rpc, work->erp->request->reference), (long long)rpc->company,
                           (long long)work->now.party, (long long)work->now.address,
                           (long long)parcel->warehouse, day, day, moves);
    return result == XD_DUPLICATE ? XD_OK : result; /* another attempt's */
}

/* Both ways of each line; marking twice does nothing. */
static enum xd_result mark(struct work *work) {
    enum xd_result result = xd_tryton_situation(work->erp, work->erp->request->sale_reference, &work->now);
    for (size_t k = 0; k < work->now.line_count && result == XD_OK; k++) {
        struct xd_buffer ids;
        xd_buffer_init(&ids, 0);
        for (size_t i = 0; i < work->now.move_count; i++) {
            const struct xd_tryton_move *move = &work->now.moves[i];
            if (move->line == work->now.lines[k].id && !move->recreated &&
                move->shipment == (move->back ? work->id : work->shipment)) {
                xd_buffer_format(&ids, "%s%lld", ids.size > 0 ? "," : "[", (long long)move->id);
            }
        }
        bool any = ids.size > 0;
        xd_buffer_text(&ids, "]");
        const char *text = xd_tryton_keep(work->erp, &ids);
        if (text == NULL) {
            return XD_UNAVAILABLE;
        }
        result = any ? xd_tryton_mark(work->erp, work->now.lines[k].id, "moves_recreated", text) : XD_OK;
    }
    return result;
}

static enum xd_result drive(struct work *work) {
    enum xd_result result = XD_OK;
    for (int steps = 0; steps < STEPS_MAX && result == XD_OK && strcmp(work->state, "done") != 0; steps++) {
        bool draft = strcmp(work->state, "draft") == 0;
        if (!draft && strcmp(work->state, "received") != 0) {
            return xd_rpc_refuse(&work->erp->rpc, "reversal_cancelled", "%s was cancelled in Tryton",
                                 work->erp->request->reference);
        }
        result = draft ? mark(work) : XD_OK;
        if (result == XD_OK) {
            result = xd_tryton_press(work->erp, MODEL, draft ? "receive" : "done", work->id);
        }
        if (result == XD_OK && !draft) { /* receiving hides what its processing fails of */
            result = xd_tryton_process(work->erp, work->now.sale);
        }
        if (result == XD_OK) {
            result = find_return(work);
        }
    }
    return result == XD_OK && strcmp(work->state, "done") != 0 ? XD_AGAIN : result;
}

enum xd_result xd_tryton_reversal(struct xd_tryton *erp) {
    struct work work = {.erp = erp};
    enum xd_result result = xd_tryton_situation(erp, erp->request->sale_reference, &work.now);
    if (result == XD_NOT_FOUND) {
        return xd_rpc_refuse(&erp->rpc, "unknown_sale", "no sale has the reference %s",
                             erp->request->sale_reference);
    }
    if (result == XD_OK) {
        result = find_return(&work);
    }
    if (result == XD_OK) {
        result = find_shipment(&work);
    }
    if (result == XD_OK) {
        result = xd_tryton_get_day(erp, erp->request->at, &work.day, &work.moved);
    }
    if (result == XD_OK && work.id == 0) {
        result = create(&work);
        if (result == XD_OK) {
            result = find_return(&work);
        }
        result = result == XD_OK && work.id == 0 ? XD_UNKNOWN : result;
    }
    if (result == XD_OK) {
        result = drive(&work);
    }
    if (result == XD_INVALID && erp->rpc.touched) {
        return XD_UNKNOWN; /* some of it may be back already: a person looks at it, with Tryton's words */
    }
    if (result == XD_OK) {
        xd_tryton_say_moved(erp, work.moved, work.day);
    }
    return result;
}
