/* A shipment of ours is a customer shipment of Tryton with our reference:
 *
 *   claim    a waiting shipment of the sale at that warehouse is taken, or one is made; its moves are written
 * to be what left, in the one call that gives it the reference. So a reference stands for moves that are
 * right. close    what will not come of a line is a move of its own in the shipment, cancelled and marked as
 * ignored more     what is not billed is a move that belongs to the line's move, not to the line: Tryton
 * bills lines settle   waiting shipments (at other warehouses, say) give up what is now in this one wait,
 * assign, pick, pack, done: the stock moves, a draft invoice appears, and Tryton makes a new waiting shipment
 *            of what is missing
 *
 * In draft everything is written anew, so an attempt that was interrupted there is repeated; from waiting on
 * the moves are right, and only the states go on. */
#include "erp/tryton/situation.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MAX 10
#define MODEL "stock.shipment.out"

enum part { PART_MAIN, PART_CLOSED, PART_MORE };

struct want {
    enum part part;
    const struct xd_tryton_sold *line;
    int64_t product, unit, lot;
    struct xd_decimal qty; /* in unit */
    int64_t move;          /* once it is there */
};

struct work {
    struct xd_tryton *erp;
    struct xd_tryton_situation now;
    struct xd_tryton_warehouse warehouse;
    struct want *wants;
    size_t want_count;
    int64_t id; /* of the shipment; 0: there is none yet */
    char state[32];
    int64_t day;
    bool moved;
    int64_t dated; /* as it is there; 0: not yet */
};

static const struct xd_erp_line *line_at(const struct work *work, size_t index) {
    return &work->erp->request->lines[index];
}

static bool is_over(const struct work *work) {
    return strcmp(work->state, "done") == 0 || strcmp(work->state, "cancelled") == 0;
}

/* ---- what is wanted ---- */

static enum xd_result find_line(struct work *work, const struct xd_erp_line *line,
                                const struct xd_tryton_sold **out) {
    const char *sku = line->ordered_sku != NULL ? line->ordered_sku : line->sku;
    *out = xd_tryton_line(&work->now, line->line_id);
    if (*out == NULL || strcmp((*out)->sku, sku) != 0) {
        return xd_rpc_refuse(&work->erp->rpc, "unknown_line", "the sale has no line %s of %s", line->line_id,
                             sku);
    }
    if (xd_decimal_sign(line->qty) < 0 || xd_decimal_sign(line->unbilled) < 0 ||
        xd_decimal_compare(line->unbilled, line->qty) > 0) {
        return xd_rpc_refuse(&work->erp->rpc, "bad_quantity", "line %s has an impossible quantity",
                             line->line_id);
    }
    return XD_OK;
}

/* Base units of the product that left. */
static enum xd_result add_want(struct work *work, struct want want, struct xd_decimal base,
                               int64_t base_unit) {
    if (xd_decimal_is_zero(base)) {
        return XD_OK;
    }
    want.unit = want.line->unit;
    if (!xd_tryton_expressible(work->erp, base, base_unit, want.unit, &want.qty)) {
        want.unit = base_unit;
        want.qty = base;
    }
    work->wants[work->want_count++] = want;
    return XD_OK;
}

static enum xd_result want_line(struct work *work, const struct xd_erp_line *line) {
    struct xd_tryton *erp = work->erp;
    struct xd_tryton_product product;
    struct xd_decimal all, more, billed;
    struct want want = {.part = PART_MAIN};
    enum xd_result result = find_line(work, line, &want.line);
    if (result == XD_OK) {
        result = xd_tryton_get_product(erp, line->sku, &product);
    }
    if (result == XD_OK) {
        result = xd_tryton_to_base(erp, line, line->qty, product.unit, &all);
    }
    if (result == XD_OK) {
        result = xd_tryton_to_base(erp, line, line->unbilled, product.unit, &more);
    }
    if (result != XD_OK) {
        return result;
    }
    if (product.lots && line->lot == NULL && !xd_decimal_is_zero(all)) {
        return xd_rpc_refuse(&erp->rpc, "lot_required", "product %s is moved by lots, and line %s names none",
                             line->sku, line->line_id);
    }
    if (xd_decimal_subtract(all, more, &billed) != XD_OK) {
        return xd_rpc_refuse(&erp->rpc, "amount_too_large", "line %s has too many digits", line->line_id);
    }
    want.product = product.id;
    if (line->lot != NULL && !xd_decimal_is_zero(all)) {
        result = xd_tryton_get_lot(erp, product.id, line->lot, !is_over(work), &want.lot);
    }
    if (result == XD_OK) {
        result = add_want(work, want, billed, product.unit);
    }
    want.part = PART_MORE;
    return result == XD_OK ? add_want(work, want, more, product.unit) : result;
}

/* What the line's moves do not cover but waiting ones. */
static enum xd_result open_of(struct work *work, const struct xd_tryton_sold *line, struct xd_decimal *open) {
    enum xd_result result = XD_OK;
    *open = line->ordered;
    for (size_t i = 0; i < work->now.move_count && result == XD_OK; i++) {
        const struct xd_tryton_move *move = &work->now.moves[i];
        bool here = move->shipment == work->id && !move->back && work->id != 0;
        bool free_move = move->state == XD_MOVE_OPEN && !move->back &&
                         (here || xd_tryton_is_free(&work->now, move->shipment));
        bool dropped = move->state == XD_MOVE_CANCELLED && !move->ignored && !here;
        if (move->line == line->id && !move->recreated && !free_move && !dropped) {
            result = xd_decimal_subtract(*open, move->base, open);
        }
    }
    for (size_t i = 0; i < work->want_count && result == XD_OK; i++) {
        const struct want *want = &work->wants[i];
        struct xd_decimal base;
        if (want->line == line && want->part == PART_MAIN) {
            result = xd_tryton_convert(work->erp, want->qty, want->unit, line->base_unit, &base);
            if (result == XD_OK) {
                result = xd_decimal_subtract(*open, base, open);
            }
        }
    }
    return result;
}

static bool is_first_of_line(const struct work *work, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (line_at(work, i)->close &&
            strcmp(line_at(work, i)->line_id, line_at(work, index)->line_id) == 0) {
            return false;
        }
    }
    return true;
}

static enum xd_result plan(struct work *work) {
    const struct xd_erp_request *request = work->erp->request;
    enum xd_result result = XD_OK;
    if (request->line_count == 0) {
        return xd_rpc_refuse(&work->erp->rpc, "no_lines", "a shipment without lines");
    }
    size_t size = request->line_count * 3 * sizeof *work->wants;
    work->wants = xd_arena_take(&work->erp->rpc.arena, size);
    if (work->wants == NULL) {
        return XD_UNAVAILABLE;
    }
    memset(work->wants, 0, size);
    for (size_t i = 0; i < request->line_count && result == XD_OK; i++) {
        result = want_line(work, line_at(work, i));
    }
    for (size_t i = 0; i < request->line_count && result == XD_OK; i++) {
        struct want want = {.part = PART_CLOSED,
                            .line = xd_tryton_line(&work->now, line_at(work, i)->line_id)};
        struct xd_decimal open;
        if (!line_at(work, i)->close || !is_first_of_line(work, i)) {
            continue;
        }
        want.product = want.line->product;
        result = open_of(work, want.line, &open);
        if (result == XD_OK && xd_decimal_sign(open) > 0) {
            result = add_want(work, want, open, want.line->base_unit);
        }
    }
    return result;
}

/* ---- writing ---- */

/* The price of a move is for people and costs: the line's, in the move's unit. */
static enum xd_result price_of(struct work *work, const struct want *want, struct xd_decimal *price) {
    struct xd_decimal one;
    *price = xd_decimal_of(0);
    if (want->part == PART_MORE || want->line->price == NULL ||
        xd_tryton_number_parse(want->line->price, 4, price) != XD_OK || want->unit == want->line->unit) {
        return XD_OK;
    }
    enum xd_result result =
        xd_tryton_convert(work->erp, xd_decimal_of(1), want->line->unit, want->unit, &one);
    if (result == XD_OK && !xd_decimal_is_zero(one) && one.scale == 0 &&
        xd_decimal_ratio(*price, 1, one.coefficient, price) != XD_OK) {
        /* no exact price for a part of a carton: the line's bill is what counts */
        *price = xd_decimal_of(0);
    }
    return result;
}

static enum xd_result write_move(struct work *work, const struct want *want, const char *origin,
                                 struct xd_buffer *out) {
    char text[XD_DECIMAL_TEXT_MAX];
    struct xd_decimal price;
    enum xd_result result = price_of(work, want, &price);
    xd_buffer_format(
        out,
        "{\"product\":%lld,\"uom\":%lld,\"quantity\":%s,\"from_location\":%lld,"
        "\"to_location\":%lld,\"company\":%lld,\"currency\":%lld,\"unit_price\":%s,\"origin\":%s",
        (long long)want->product, (long long)want->unit, xd_decimal_write(want->qty, text),
        (long long)work->warehouse.output, (long long)work->now.customer_location,
        (long long)work->erp->rpc.company, (long long)work->now.currency,
        xd_tryton_decimal_json(work->erp, price), origin);
    if (want->lot != 0) {
        xd_buffer_format(out, ",\"lot\":%lld", (long long)want->lot);
    }
    xd_buffer_byte(out, '}');
    return result;
}

/* The value of outgoing_moves: what is open goes, the parts that belong to lines come. */
static const char *write_moves(struct work *work) {
    struct xd_buffer text;
    size_t count = 0;
    enum xd_result result = XD_OK;
    xd_buffer_init(&text, 0);
    xd_buffer_text(&text, "[[\"delete\",[");
    for (size_t i = 0; i < work->now.move_count; i++) {
        const struct xd_tryton_move *move = &work->now.moves[i];
        if (work->id != 0 && move->shipment == work->id && !move->back && move->state == XD_MOVE_OPEN) {
            xd_buffer_format(&text, "%s%lld", count++ > 0 ? "," : "", (long long)move->id);
        }
    }
    xd_buffer_text(&text, "]],[\"create\",[");
    count = 0;
    for (size_t i = 0; i < work->want_count && result == XD_OK; i++) {
        char origin[48];
        if (work->wants[i].part == PART_MORE) {
            continue;
        }
        (void)snprintf(origin, sizeof origin, "\"sale.line,%lld\"", (long long)work->wants[i].line->id);
        xd_buffer_text(&text, count++ > 0 ? "," : "");
        result = write_move(work, &work->wants[i], origin, &text);
    }
    xd_buffer_text(&text, "]]]");
    if (result != XD_OK) {
        xd_buffer_free(&text);
        return NULL;
    }
    return xd_tryton_keep(work->erp, &text);
}

/* A waiting shipment of the sale at the warehouse that has one of the lines; 0: none. */
static const struct xd_tryton_parcel *choose(const struct work *work) {
    for (size_t i = 0; i < work->now.move_count; i++) {
        const struct xd_tryton_move *move = &work->now.moves[i];
        const struct xd_tryton_parcel *parcel =
            move->back ? NULL : xd_tryton_parcel(&work->now, move->shipment);
        if (parcel == NULL || move->state != XD_MOVE_OPEN || parcel->warehouse != work->warehouse.id ||
            !xd_tryton_is_free(&work->now, parcel->id)) {
            continue;
        }
        for (size_t k = 0; k < work->want_count; k++) {
            if (work->wants[k].line->id == move->line) {
                return parcel;
            }
        }
    }
    return NULL;
}

static enum xd_result create_parcel(struct work *work, const char *moves) {
    struct xd_tryton *erp = work->erp;
    const struct xd_node *created;
    const char *day = xd_tryton_date_json(erp, work->day);
    enum xd_result result = xd_rpc_change(
        &erp->rpc, &created, "model." MODEL ".create",
        "[{\"reference\":%s,\"company\":%lld,\"customer\":%lld,\"delivery_address\":%lld,\"warehouse\":%lld,"
        "\"effective_date\":%s,\"planned_date\":%s,\"outgoing_moves\":%s}]",
        xd_rpc_quote(&erp->rpc, erp->request->reference), (long long)erp->rpc.company,
        (long long)work->now.party, (long long)work->now.address, (long long)work->warehouse.id, day, day,
        moves);
    work->id = result == XD_OK ? xd_rpc_created(created) : 0;
    (void)snprintf(work->state, sizeof work->state, "draft");
    return result;
}

/* How many of the parts are this move, just as it is. */
static size_t same_as(const struct work *work, const struct xd_tryton_move *move) {
    size_t count = 0;
    for (size_t k = 0; k < work->want_count; k++) {
        const struct want *want = &work->wants[k];
        count += want->part == PART_MAIN && want->line->id == move->line && want->product == move->product &&
                         want->lot == move->lot && want->unit == move->unit &&
                         xd_decimal_compare(want->qty, move->qty) == 0
                     ? 1
                     : 0;
    }
    return count;
}

/* Whether what left is what waited there, and nothing else waits of its lines. */
static bool is_plain(const struct work *work, const struct xd_tryton_parcel *parcel) {
    size_t found = 0;
    for (size_t i = 0; i < work->now.move_count; i++) {
        const struct xd_tryton_move *move = &work->now.moves[i];
        if (move->back || move->state != XD_MOVE_OPEN) {
            continue;
        }
        if (move->shipment == parcel->id && same_as(work, move) != 1) {
            return false;
        }
        for (size_t k = 0; move->shipment != parcel->id && k < work->want_count; k++) {
            if (work->wants[k].line->id == move->line) {
                return false;
            }
        }
        found += move->shipment == parcel->id ? 1 : 0;
    }
    return !work->moved && found == work->want_count && strcmp(parcel->state, "draft") != 0;
}

/* Gives the shipment the reference and its moves. XD_DUPLICATE: another has the reference. */
static enum xd_result claim(struct work *work) {
    struct xd_tryton *erp = work->erp;
    const struct xd_tryton_parcel *parcel = work->id != 0 ? NULL : choose(work);
    const char *day = xd_tryton_date_json(erp, work->day);
    enum xd_result result = XD_OK;
    if (parcel != NULL && is_plain(work, parcel)) {
        work->id = parcel->id;
        (void)snprintf(work->state, sizeof work->state, "%s", parcel->state);
        return xd_rpc_change(&erp->rpc, NULL, "model." MODEL ".write",
                             "[%lld],{\"reference\":%s,\"effective_date\":%s}", (long long)work->id,
                             xd_rpc_quote(&erp->rpc, erp->request->reference), day);
    }
    if (parcel != NULL) {
        work->id = parcel->id;
        result = xd_tryton_to_draft(erp, parcel->id, parcel->state);
    }
    const char *moves = write_moves(work);
    if (result != XD_OK || moves == NULL) {
        return result != XD_OK ? result : XD_UNAVAILABLE;
    }
    if (work->id == 0) {
        return create_parcel(work, moves);
    }
    (void)snprintf(work->state, sizeof work->state, "draft");
    return xd_rpc_change(&erp->rpc, NULL, "model." MODEL ".write",
                         "[%lld],{\"reference\":%s,\"effective_date\":%s%s%s,\"outgoing_moves\":%s}",
                         (long long)work->id, xd_rpc_quote(&erp->rpc, erp->request->reference), day,
                         work->moved ? ",\"planned_date\":" : "", work->moved ? day : "", moves);
}

/* ---- closing, and more ---- */

/* Which move each part has become: equal ones are as good as each other. */
static void match(struct work *work) {
    for (size_t i = 0; i < work->now.move_count; i++) {
        const struct xd_tryton_move *move = &work->now.moves[i];
        if (move->shipment != work->id || move->back || move->state != XD_MOVE_OPEN) {
            continue;
        }
        for (size_t k = 0; k < work->want_count; k++) {
            struct want *want = &work->wants[k];
            if (want->move == 0 && want->part != PART_MORE && want->line->id == move->line &&
                want->product == move->product && want->lot == move->lot && want->unit == move->unit &&
                xd_decimal_compare(want->qty, move->qty) == 0) {
                want->move = move->id;
                break;
            }
        }
    }
}

static enum xd_result cancel_closed(struct work *work) {
    enum xd_result result = XD_OK;
    for (size_t k = 0; k < work->want_count && result == XD_OK; k++) {
        if (work->wants[k].part == PART_CLOSED && work->wants[k].move != 0) {
            result = xd_tryton_press(work->erp, "stock.move", "cancel", work->wants[k].move);
        }
    }
    return result;
}

/* The move that a part which is not billed belongs to: of its line, here or elsewhere. */
static int64_t owner_of(const struct work *work, const struct want *more) {
    int64_t found = 0;
    for (size_t k = 0; k < work->want_count; k++) {
        const struct want *want = &work->wants[k];
        if (want->part == PART_MAIN && want->line == more->line && want->move != 0) {
            return want->move;
        }
    }
    for (size_t i = 0; i < work->now.move_count; i++) {
        found = work->now.moves[i].line == more->line->id ? work->now.moves[i].id : found;
    }
    return found;
}

static enum xd_result add_more(struct work *work) {
    struct xd_buffer text;
    size_t count = 0;
    enum xd_result result = XD_OK;
    xd_buffer_init(&text, 0);
    for (size_t k = 0; k < work->want_count && result == XD_OK; k++) {
        const struct want *want = &work->wants[k];
        char origin[48] = "null";
        int64_t owner = want->part == PART_MORE ? owner_of(work, want) : 0;
        if (want->part != PART_MORE) {
            continue;
        }
        if (owner != 0) {
            (void)snprintf(origin, sizeof origin, "\"stock.move,%lld\"", (long long)owner);
        }
        xd_buffer_text(&text, count++ > 0 ? "," : "");
        result = write_move(work, want, origin, &text);
    }
    const char *moves = xd_tryton_keep(work->erp, &text);
    if (result != XD_OK || moves == NULL || count == 0) {
        return moves == NULL ? XD_UNAVAILABLE : result;
    }
    return xd_rpc_change(&work->erp->rpc, NULL, "model." MODEL ".write",
                         "[%lld],{\"outgoing_moves\":[[\"create\",[%s]]]}", (long long)work->id, moves);
}

/* Those of the attempt before, which this one writes anew; they belong to no line, so that they are found
 * apart. */
static enum xd_result drop_more(struct work *work) {
    const struct xd_node *rows;
    enum xd_result result = xd_rpc_ask(&work->erp->rpc, &rows, "model.stock.move.search_read",
                                       "[[\"shipment\",\"=\",\"" MODEL
                                       ",%lld\"],[\"state\",\"=\",\"draft\"],[\"sale\",\"=\",null]],"
                                       "0,null,null,[\"state\"]",
                                       (long long)work->id);
    if (result != XD_OK || rows->count == 0) {
        return result;
    }
    return xd_rpc_change(&work->erp->rpc, NULL, "model.stock.move.delete", "%s",
                         xd_tryton_ids(work->erp, rows));
}

/* What was cancelled in this shipment is meant to be. */
static enum xd_result ignore_cancelled(struct work *work) {
    enum xd_result result = XD_OK;
    bool marked = false;
    for (size_t i = 0; i < work->now.move_count && result == XD_OK; i++) {
        const struct xd_tryton_move *move = &work->now.moves[i];
        if (move->shipment == work->id && !move->back && move->state == XD_MOVE_CANCELLED && !move->ignored &&
            !move->recreated) {
            char ids[32];
            (void)snprintf(ids, sizeof ids, "[%lld]", (long long)move->id);
            result = xd_tryton_mark(work->erp, move->line, "moves_ignored", ids);
            marked = true;
        }
    }
    return result == XD_OK && marked ? xd_tryton_process(work->erp, work->now.sale) : result;
}

static enum xd_result look_again(struct work *work) {
    enum xd_result result = xd_tryton_situation(work->erp, work->erp->request->sale_reference, &work->now);
    for (size_t k = 0; k < work->want_count && result == XD_OK; k++) { /* its lines are others now */
        const struct xd_tryton_sold *line = xd_tryton_line(&work->now, work->wants[k].line->line_id);
        if (line == NULL) {
            return XD_UNKNOWN;
        }
        work->wants[k].line = line;
    }
    return result;
}

/* ---- the states ---- */

static enum xd_result read_state(struct work *work) {
    const struct xd_node *rows;
    enum xd_result result =
        xd_rpc_ask(&work->erp->rpc, &rows, "model." MODEL ".read",
                   "[%lld],[\"state\",\"number\",\"effective_date\"]", (long long)work->id);
    const struct xd_node *row = result == XD_OK ? xd_node_at(rows, 0) : NULL;
    const char *state = xd_node_text(row, "state");
    (void)snprintf(work->state, sizeof work->state, "%s", state == NULL ? "" : state);
    work->dated = xd_tryton_day_of(xd_node_member(row, "effective_date"));
    if (row != NULL) {
        xd_tryton_say_document(work->erp, xd_node_text(row, "number"), work->id);
    }
    return result;
}

/* From draft on: all of it written, and waiting; or cancelled, when nothing left the house. */
static enum xd_result prepare(struct work *work) {
    bool leaves = false;
    enum xd_result result = look_again(work);
    if (result == XD_OK) {
        match(work);
        result = cancel_closed(work);
    }
    if (result == XD_OK) {
        result = add_more(work);
    }
    if (result == XD_OK) {
        result = look_again(work);
    }
    if (result == XD_OK) {
        result = ignore_cancelled(work);
    }
    if (result == XD_OK) {
        result = xd_tryton_settle(work->erp, &work->now, work->id);
    }
    for (size_t k = 0; k < work->want_count; k++) {
        leaves = leaves || work->wants[k].part != PART_CLOSED;
    }
    return result == XD_OK ? xd_tryton_press(work->erp, MODEL, leaves ? "wait" : "cancel", work->id) : result;
}

static enum xd_result assign(struct work *work) {
    const struct xd_node *assigned;
    enum xd_result result = xd_rpc_change(&work->erp->rpc, &assigned, "model." MODEL ".assign_try", "[%lld]",
                                          (long long)work->id);
    if (result == XD_OK && assigned->kind != XD_NODE_TRUE) {
        result = xd_tryton_press(work->erp, MODEL, "assign_force", work->id); /* it has left all the same */
    }
    return result;
}

static enum xd_result step(struct work *work) {
    if (strcmp(work->state, "draft") == 0) {
        return prepare(work);
    }
    if (strcmp(work->state, "waiting") == 0) {
        return assign(work);
    }
    static const char *const buttons[][2] = {{"assigned", "pick"}, {"picked", "pack"}, {"packed", "done"}};
    for (size_t i = 0; i < sizeof buttons / sizeof buttons[0]; i++) {
        if (strcmp(work->state, buttons[i][0]) == 0) {
            return xd_tryton_press(work->erp, MODEL, buttons[i][1], work->id);
        }
    }
    return XD_UNKNOWN;
}

static enum xd_result drive(struct work *work) {
    enum xd_result result = XD_OK;
    for (int steps = 0; steps < STEPS_MAX && result == XD_OK && !is_over(work); steps++) {
        char before[sizeof work->state];
        memcpy(before, work->state, sizeof before);
        result = step(work);
        if (result == XD_OK) {
            result = read_state(work);
        }
        if (result == XD_OK && strcmp(before, work->state) == 0) {
            break;
        }
    }
    if (result == XD_OK && !is_over(work)) {
        xd_tryton_blame(&work->erp->rpc.fault, "erp_busy",
                        "The shipment does not go on; it will be tried again.");
        return XD_AGAIN;
    }
    return result;
}

/* What Tryton refused in the middle is a waiting shipment like others again. */
static enum xd_result give_up(struct work *work) {
    struct xd_tryton_fault why = work->erp->rpc.fault;
    enum xd_result result = read_state(work);
    bool early = strcmp(work->state, "draft") == 0 || strcmp(work->state, "waiting") == 0 ||
                 strcmp(work->state, "assigned") == 0;
    if (result == XD_OK && early) {
        result = xd_rpc_change(&work->erp->rpc, NULL, "model." MODEL ".write",
                               "[%lld],{\"reference\":null,\"effective_date\":null}", (long long)work->id);
    }
    if (result == XD_OK && early) {
        result = xd_tryton_press(work->erp, MODEL, "wait", work->id);
    }
    work->erp->rpc.fault = why;
    work->erp->answer->document[0] = '\0';
    return result == XD_OK && early ? XD_INVALID : XD_UNKNOWN;
}

/* ---- all of it ---- */

static enum xd_result find_parcel(struct work *work) {
    const struct xd_node *rows;
    enum xd_result result = xd_rpc_ask(
        &work->erp->rpc, &rows, "model." MODEL ".search_read",
        "[[\"reference\",\"=\",%s],[\"company\",\"=\",%lld]],0,1,[[\"id\",\"ASC\"]],[\"state\"]",
        xd_rpc_quote(&work->erp->rpc, work->erp->request->reference), (long long)work->erp->rpc.company);
    work->id = result == XD_OK ? xd_node_int(xd_node_at(rows, 0), "id") : 0;
    return result == XD_OK && work->id != 0 ? read_state(work) : result;
}

/* What of a line left in a lot, or in none: as it is asked for, and as it is. */
static enum xd_result sums_of(struct work *work, const struct want *want, struct xd_decimal *asked,
                              struct xd_decimal *left) {
    enum xd_result result = XD_OK;
    *asked = *left = xd_decimal_of(0);
    for (size_t j = 0; j < work->want_count && result == XD_OK; j++) {
        const struct want *other = &work->wants[j];
        struct xd_decimal base;
        if (other->line == want->line && other->lot == want->lot && other->part == PART_MAIN) {
            result = xd_tryton_convert(work->erp, other->qty, other->unit, want->line->base_unit, &base);
            result = result == XD_OK ? xd_decimal_add(*asked, base, asked) : result;
        }
    }
    for (size_t i = 0; i < work->now.move_count && result == XD_OK; i++) {
        const struct xd_tryton_move *move = &work->now.moves[i];
        if (move->line == want->line->id && move->lot == want->lot && move->shipment == work->id &&
            !move->back && move->state == XD_MOVE_DONE) {
            result = xd_decimal_add(*left, move->base, left);
        }
    }
    return result;
}

/* What a repeated request says must be what is there. */
static enum xd_result compare(struct work *work) {
    enum xd_result result = plan(work);
    for (size_t k = 0; k < work->want_count && result == XD_OK; k++) {
        struct xd_decimal asked, left;
        if (work->wants[k].part != PART_MAIN) {
            continue;
        }
        result = sums_of(work, &work->wants[k], &asked, &left);
        if (result == XD_OK && xd_decimal_compare(left, asked) != 0) {
            return xd_rpc_refuse(&work->erp->rpc, "reference_conflict",
                                 "reference %s is there with another content", work->erp->request->reference);
        }
    }
    return result;
}

static enum xd_result start(struct work *work) {
    enum xd_result result = plan(work);
    if (result != XD_OK || (work->id != 0 && strcmp(work->state, "draft") != 0)) {
        return result;
    }
    if (work->want_count == 0) {
        return xd_rpc_refuse(&work->erp->rpc, "nothing_to_ship",
                             "nothing left, and nothing is open to be closed");
    }
    if (work->id != 0) {
        result = drop_more(work);
    }
    return result == XD_OK ? claim(work) : result;
}

enum xd_result xd_tryton_shipment(struct xd_tryton *erp) {
    const struct xd_erp_request *request = erp->request;
    struct work work = {.erp = erp};
    enum xd_result result = xd_tryton_open_situation(erp, request->sale_reference, &work.now);
    if (result == XD_NOT_FOUND) {
        return xd_rpc_refuse(&erp->rpc, "unknown_sale", "no sale has the reference %s",
                             request->sale_reference);
    }
    if (result == XD_OK) {
        result = find_parcel(&work);
    }
    if (result == XD_OK && strcmp(work.now.state, "processing") != 0 && strcmp(work.now.state, "done") != 0) {
        return xd_rpc_refuse(&erp->rpc, "sale_not_open", "the sale %s is %s", request->sale_reference,
                             work.now.state);
    }
    if (result == XD_OK) {
        result = xd_tryton_get_warehouse(erp, request->site, &work.warehouse);
    }
    if (result == XD_OK) {
        result = xd_tryton_get_day(erp, request->at, &work.day, &work.moved);
    }
    if (result != XD_OK) {
        return result;
    }
    if (is_over(&work)) {
        result = compare(&work);
    } else {
        result = start(&work);
        if (result == XD_OK) {
            result = drive(&work);
        }
        result = result == XD_INVALID && erp->rpc.touched && work.id != 0 ? give_up(&work) : result;
    }
    if (result == XD_OK) {
        /* a period that was closed since has moved nothing */
        xd_tryton_say_moved(erp, work.moved && work.dated == work.day, work.day);
    }
    return result == XD_DUPLICATE ? XD_AGAIN : result;
}
