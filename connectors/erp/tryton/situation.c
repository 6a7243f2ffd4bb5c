/* Three readings: the lines, the moves, and the shipments that the moves are in. */
#include "erp/tryton/situation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 9u

static void *take(struct xd_tryton *erp, size_t count, size_t size) {
    void *memory = xd_arena_take(&erp->rpc.arena, (count + 1) * size);
    if (memory != NULL) {
        memset(memory, 0, (count + 1) * size);
    } else {
        xd_tryton_blame(&erp->rpc.fault, "erp_unavailable", "There is no memory for the call just now.");
    }
    return memory;
}

/* "stock.shipment.out,12" */
static int64_t id_behind(const char *text, const char *model) {
    size_t size = strlen(model);
    return text != NULL && strncmp(text, model, size) == 0 && text[size] == ','
               ? strtoll(text + size + 1, NULL, 10)
               : 0;
}

static bool is_listed(const struct xd_node *lines, const char *field, int64_t line, int64_t move) {
    for (const struct xd_node *row = lines->child; row != NULL; row = row->next) {
        const struct xd_node *list = xd_node_int(row, "id") == line ? xd_node_member(row, field) : NULL;
        for (const struct xd_node *at = list == NULL ? NULL : list->child; at != NULL; at = at->next) {
            if (xd_node_int_of(at) == move) {
                return true;
            }
        }
    }
    return false;
}

/* ---- reading ---- */

static enum xd_result read_lines(struct xd_tryton *erp, const struct xd_node *rows,
                                 struct xd_tryton_situation *out) {
    enum xd_result result = XD_OK;
    out->lines = take(erp, rows->count, sizeof *out->lines);
    if (out->lines == NULL) {
        return XD_UNAVAILABLE;
    }
    for (const struct xd_node *row = rows->child; row != NULL && result == XD_OK; row = row->next) {
        struct xd_tryton_sold *line = &out->lines[out->line_count];
        const struct xd_node *product = xd_node_member(row, "product.");
        struct xd_decimal qty;
        if (product == NULL || product->kind != XD_NODE_OBJECT ||
            !xd_tryton_number(xd_node_member(row, "quantity"), DIGITS, &qty)) {
            continue; /* a line of words, or of a product that was never stored */
        }
        line->id = xd_node_int(row, "id");
        line->product = xd_node_int(row, "product");
        line->unit = xd_node_int(row, "unit");
        line->base_unit = xd_node_int(product, "default_uom");
        line->sku = xd_node_text(product, "code");
        line->sku = line->sku == NULL ? "" : line->sku;
        line->description = xd_node_text(row, "description");
        line->price = xd_node_text(xd_node_member(row, "unit_price"), "decimal");
        xd_tryton_line_id(row, line->line_id);
        result = xd_tryton_convert(erp, qty, line->unit, line->base_unit, &line->ordered);
        out->line_count++;
    }
    return result;
}

static const struct xd_tryton_sold *line_of(const struct xd_tryton_situation *situation, int64_t id) {
    for (size_t i = 0; i < situation->line_count; i++) {
        if (situation->lines[i].id == id) {
            return &situation->lines[i];
        }
    }
    return NULL;
}

static enum xd_result read_move(struct xd_tryton *erp, const struct xd_node *row, const struct xd_node *lines,
                                struct xd_tryton_situation *out) {
    struct xd_tryton_move *move = &out->moves[out->move_count];
    const char *state = xd_node_text(row, "state"), *shipment = xd_node_text(row, "shipment");
    move->id = xd_node_int(row, "id");
    move->line = id_behind(xd_node_text(row, "origin"), "sale.line");
    const struct xd_tryton_sold *line = line_of(out, move->line);
    if (line == NULL || state == NULL ||
        !xd_tryton_number(xd_node_member(row, "quantity"), DIGITS, &move->qty)) {
        return XD_OK;
    }
    move->product = xd_node_int(row, "product");
    move->unit = xd_node_int(row, "uom");
    move->lot = xd_node_int(row, "lot");
    move->back = id_behind(shipment, "stock.shipment.out.return") != 0;
    move->shipment = id_behind(shipment, move->back ? "stock.shipment.out.return" : "stock.shipment.out");
    move->state = strcmp(state, "done") == 0        ? XD_MOVE_DONE
                  : strcmp(state, "cancelled") == 0 ? XD_MOVE_CANCELLED
                                                    : XD_MOVE_OPEN;
    move->ignored = is_listed(lines, "moves_ignored", move->line, move->id);
    move->recreated = is_listed(lines, "moves_recreated", move->line, move->id);
    out->move_count++;
    return xd_tryton_convert(erp, move->qty, move->unit, line->base_unit, &move->base);
}

static enum xd_result read_moves(struct xd_tryton *erp, const struct xd_node *lines,
                                 struct xd_tryton_situation *out) {
    const struct xd_node *rows;
    enum xd_result result =
        xd_rpc_ask(&erp->rpc, &rows, "model.stock.move.search_read",
                   "[[\"sale\",\"=\",%lld]],0,null,[[\"id\",\"ASC\"]],"
                   "[\"origin\",\"state\",\"quantity\",\"uom\",\"product\",\"lot\",\"shipment\"]",
                   (long long)out->sale);
    out->moves = result != XD_OK ? NULL : take(erp, rows->count, sizeof *out->moves);
    if (out->moves == NULL) {
        return result != XD_OK ? result : XD_UNAVAILABLE;
    }
    for (const struct xd_node *row = rows->child; row != NULL && result == XD_OK; row = row->next) {
        result = read_move(erp, row, lines, out);
    }
    return result;
}

static enum xd_result read_parcels(struct xd_tryton *erp, struct xd_tryton_situation *out) {
    const struct xd_node *rows;
    struct xd_buffer ids;
    xd_buffer_init(&ids, 0);
    for (size_t i = 0; i < out->move_count; i++) {
        if (!out->moves[i].back && out->moves[i].shipment != 0) {
            xd_buffer_format(&ids, "%s%lld", ids.size > 0 ? "," : "", (long long)out->moves[i].shipment);
        }
    }
    const char *list = xd_tryton_keep(erp, &ids);
    if (list == NULL) {
        return XD_UNAVAILABLE;
    }
    enum xd_result result = xd_rpc_ask(&erp->rpc, &rows, "model.stock.shipment.out.search_read",
                                       "[[\"id\",\"in\",[%s]]],0,null,[[\"id\",\"ASC\"]],"
                                       "[\"number\",\"state\",\"reference\",\"warehouse\"]",
                                       list);
    out->parcels = result != XD_OK ? NULL : take(erp, rows->count, sizeof *out->parcels);
    if (out->parcels == NULL) {
        return result != XD_OK ? result : XD_UNAVAILABLE;
    }
    for (const struct xd_node *row = rows->child; row != NULL; row = row->next) {
        struct xd_tryton_parcel *parcel = &out->parcels[out->parcel_count++];
        parcel->id = xd_node_int(row, "id");
        parcel->warehouse = xd_node_int(row, "warehouse");
        parcel->number = xd_node_text(row, "number");
        parcel->state = xd_node_text(row, "state");
        parcel->state = parcel->state == NULL ? "" : parcel->state;
        const char *reference = xd_node_text(row, "reference");
        parcel->reference = reference != NULL && reference[0] != '\0' ? reference : NULL;
    }
    return XD_OK;
}

enum xd_result xd_tryton_situation(struct xd_tryton *erp, const char *sale_reference,
                                   struct xd_tryton_situation *out) {
    const struct xd_node *sale, *lines;
    memset(out, 0, sizeof *out);
    enum xd_result result = xd_tryton_find_sale(erp, sale_reference, &sale);
    if (result != XD_OK) {
        return result;
    }
    const char *state = xd_node_text(sale, "state");
    int64_t other = xd_node_int(sale, "shipment_party");
    const struct xd_node *party = xd_node_member(sale, other != 0 ? "shipment_party." : "party.");
    out->sale = xd_node_int(sale, "id");
    out->party = other != 0 ? other : xd_node_int(sale, "party");
    out->address = xd_node_int(sale, "shipment_address");
    out->currency = xd_node_int(sale, "currency");
    out->customer_location = xd_node_int(party, "customer_location");
    out->number = xd_node_text(sale, "number");
    out->state = state == NULL ? "" : state;
    result = xd_tryton_get_lines(erp, out->sale, &lines);
    if (result == XD_OK) {
        result = read_lines(erp, lines, out);
    }
    if (result == XD_OK) {
        result = read_moves(erp, lines, out);
    }
    return result == XD_OK ? read_parcels(erp, out) : result;
}

enum xd_result xd_tryton_open_situation(struct xd_tryton *erp, const char *sale_reference,
                                        struct xd_tryton_situation *out) {
    enum xd_result result = xd_tryton_situation(erp, sale_reference, out);
    if (result != XD_OK || strcmp(out->state, "confirmed") != 0) {
        return result;
    }
    result = xd_tryton_process(erp, out->sale);
    return result == XD_OK ? xd_tryton_situation(erp, sale_reference, out) : result;
}

/* ---- looking ---- */

const struct xd_tryton_sold *xd_tryton_line(const struct xd_tryton_situation *situation,
                                            const char *line_id) {
    for (size_t i = 0; line_id != NULL && i < situation->line_count; i++) {
        if (strcmp(situation->lines[i].line_id, line_id) == 0) {
            return &situation->lines[i];
        }
    }
    return NULL;
}

const struct xd_tryton_parcel *xd_tryton_parcel(const struct xd_tryton_situation *situation, int64_t id) {
    for (size_t i = 0; i < situation->parcel_count; i++) {
        if (situation->parcels[i].id == id) {
            return &situation->parcels[i];
        }
    }
    return NULL;
}

bool xd_tryton_is_free(const struct xd_tryton_situation *situation, int64_t parcel) {
    const struct xd_tryton_parcel *found = xd_tryton_parcel(situation, parcel);
    return found != NULL && found->reference == NULL &&
           (strcmp(found->state, "draft") == 0 || strcmp(found->state, "waiting") == 0 ||
            strcmp(found->state, "assigned") == 0);
}

static struct xd_decimal sum(struct xd_decimal a, struct xd_decimal b) {
    struct xd_decimal out;
    return xd_decimal_add(a, b, &out) == XD_OK ? out : a; /* of quantities that fit, and their sums do */
}

struct xd_decimal xd_tryton_shipped(const struct xd_tryton_situation *situation, int64_t line) {
    struct xd_decimal shipped = xd_decimal_of(0);
    for (size_t i = 0; i < situation->move_count; i++) {
        const struct xd_tryton_move *move = &situation->moves[i];
        if (move->line == line && move->state == XD_MOVE_DONE) {
            shipped = sum(shipped, move->back ? xd_decimal_negate(move->base) : move->base);
        }
    }
    return shipped;
}

/* ---- small steps ---- */

enum xd_result xd_tryton_press(struct xd_tryton *erp, const char *model, const char *button, int64_t id) {
    char method[96];
    (void)snprintf(method, sizeof method, "model.%s.%s", model, button);
    return xd_rpc_change(&erp->rpc, NULL, method, "[%lld]", (long long)id);
}

enum xd_result xd_tryton_process(struct xd_tryton *erp, int64_t sale) {
    return xd_tryton_press(erp, "sale.sale", "process", sale);
}

enum xd_result xd_tryton_mark(struct xd_tryton *erp, int64_t line, const char *field, const char *ids) {
    return xd_rpc_change(&erp->rpc, NULL, "model.sale.line.write", "[%lld],{\"%s\":[[\"add\",%s]]}",
                         (long long)line, field, ids);
}

enum xd_result xd_tryton_to_draft(struct xd_tryton *erp, int64_t parcel, const char *state) {
    enum xd_result result = XD_OK;
    if (strcmp(state, "assigned") == 0) {
        result = xd_tryton_press(erp, "stock.shipment.out", "wait", parcel);
    }
    if (result == XD_OK && strcmp(state, "draft") != 0) {
        result = xd_tryton_press(erp, "stock.shipment.out", "draft", parcel);
    }
    return result;
}

/* ---- settling ---- */

static bool is_requested(const struct xd_tryton *erp, const struct xd_tryton_sold *line) {
    for (size_t i = 0; i < erp->request->line_count; i++) {
        if (strcmp(erp->request->lines[i].line_id, line->line_id) == 0) {
            return true;
        }
    }
    return false;
}

static struct xd_decimal excess_of(const struct xd_tryton_situation *situation,
                                   const struct xd_tryton_sold *line) {
    struct xd_decimal excess = xd_decimal_negate(line->ordered);
    for (size_t i = 0; i < situation->move_count; i++) {
        const struct xd_tryton_move *move = &situation->moves[i];
        if (move->line == line->id && !move->recreated) {
            excess = sum(excess, move->base);
        }
    }
    return excess;
}

/* What remains of each move; the moves of keep, and those that are in no free shipment, remain whole. */
static void plan_settling(const struct xd_tryton *erp, const struct xd_tryton_situation *situation,
                          int64_t keep, struct xd_decimal *left) {
    for (size_t i = 0; i < situation->move_count; i++) {
        left[i] = situation->moves[i].base;
    }
    for (size_t k = 0; k < situation->line_count; k++) {
        const struct xd_tryton_sold *line = &situation->lines[k];
        struct xd_decimal excess = excess_of(situation, line);
        for (size_t i = situation->move_count; is_requested(erp, line) && i-- > 0;) {
            const struct xd_tryton_move *move = &situation->moves[i];
            if (move->line != line->id || move->back || move->state != XD_MOVE_OPEN ||
                move->shipment == keep || !xd_tryton_is_free(situation, move->shipment) ||
                xd_decimal_sign(excess) <= 0) {
                continue;
            }
            struct xd_decimal taken = xd_decimal_negate(xd_decimal_min(excess, move->base));
            left[i] = sum(move->base, taken);
            excess = sum(excess, taken);
        }
    }
}

static enum xd_result write_parcel(struct xd_tryton *erp, const struct xd_tryton_situation *situation,
                                   const struct xd_tryton_parcel *parcel, const struct xd_decimal *left) {
    struct xd_buffer edits;
    size_t stay = 0, changed = 0;
    enum xd_result result = XD_OK;
    xd_buffer_init(&edits, 0);
    for (size_t i = 0; i < situation->move_count && result == XD_OK; i++) {
        const struct xd_tryton_move *move = &situation->moves[i];
        struct xd_decimal qty;
        char text[XD_DECIMAL_TEXT_MAX];
        if (move->shipment != parcel->id || move->back || move->state != XD_MOVE_OPEN) {
            continue;
        }
        const struct xd_tryton_sold *line = line_of(situation, move->line);
        stay += xd_decimal_is_zero(left[i]) ? 0 : 1;
        if (xd_decimal_compare(left[i], move->base) == 0) {
            continue;
        }
        xd_buffer_text(&edits, changed++ > 0 ? "," : "");
        if (xd_decimal_is_zero(left[i])) {
            xd_buffer_format(&edits, "[\"delete\",[%lld]]", (long long)move->id);
        } else {
            result = xd_tryton_convert(erp, left[i], line->base_unit, move->unit, &qty);
            xd_buffer_format(&edits, "[\"write\",[%lld],{\"quantity\":%s}]", (long long)move->id,
                             xd_decimal_write(qty, text));
        }
    }
    const char *list = xd_tryton_keep(erp, &edits);
    if (result != XD_OK || list == NULL || changed == 0) {
        return list == NULL ? XD_UNAVAILABLE : result;
    }
    result = xd_tryton_to_draft(erp, parcel->id, parcel->state);
    if (result == XD_OK && stay > 0) {
        result = xd_rpc_change(&erp->rpc, NULL, "model.stock.shipment.out.write",
                               "[%lld],{\"outgoing_moves\":[%s]}", (long long)parcel->id, list);
    }
    return result == XD_OK
               ? xd_tryton_press(erp, "stock.shipment.out", stay > 0 ? "wait" : "delete", parcel->id)
               : result;
}

enum xd_result xd_tryton_settle(struct xd_tryton *erp, const struct xd_tryton_situation *situation,
                                int64_t keep) {
    enum xd_result result = XD_OK;
    struct xd_decimal *left = take(erp, situation->move_count, sizeof *left);
    if (left == NULL) {
        return XD_UNAVAILABLE;
    }
    plan_settling(erp, situation, keep, left);
    for (size_t i = 0; i < situation->parcel_count && result == XD_OK; i++) {
        if (situation->parcels[i].id != keep && xd_tryton_is_free(situation, situation->parcels[i].id)) {
            result = write_parcel(erp, situation, &situation->parcels[i], left);
        }
    }
    return result;
}
