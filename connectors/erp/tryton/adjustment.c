/* An adjustment is an internal shipment between the storage of a warehouse and where it keeps what is lost.
 * One shipment goes one way: when some is lost and some found, a second one, of our reference and "/found",
 * is made in the same call and done first, so that the one of our reference stands for both. */
#include "erp/tryton/situation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "stock.shipment.internal"
#define FOUND "/found"
#define STEPS_MAX 6

struct part {
    int64_t id;
    char state[32];
    const char *number;
};

struct work {
    struct xd_tryton *erp;
    struct xd_tryton_warehouse warehouse;
    struct xd_decimal *base; /* of each line */
    struct xd_tryton_product *products;
    int64_t *lots;
    bool lost, found;
    int64_t day;
    bool moved;
    struct part parts[2]; /* of our reference; of the other */
};

/* ---- what is asked for ---- */

static enum xd_result read_line(struct work *work, size_t index) {
    const struct xd_erp_line *line = &work->erp->request->lines[index];
    struct xd_tryton_product *product = &work->products[index];
    enum xd_result result = xd_tryton_get_product(work->erp, line->sku, product);
    if (result == XD_OK) {
        result = xd_tryton_to_base(work->erp, line, line->qty, product->unit, &work->base[index]);
    }
    if (result == XD_OK && product->lots && line->lot == NULL) {
        return xd_rpc_refuse(&work->erp->rpc, "lot_required",
                             "product %s is moved by lots, and line %s names none", line->sku, line->line_id);
    }
    work->lost = work->lost || (result == XD_OK && xd_decimal_sign(work->base[index]) < 0);
    work->found = work->found || (result == XD_OK && xd_decimal_sign(work->base[index]) > 0);
    return result;
}

static enum xd_result read_lines(struct work *work) {
    const struct xd_erp_request *request = work->erp->request;
    struct xd_arena *arena = &work->erp->rpc.arena;
    size_t count = request->line_count;
    enum xd_result result = XD_OK;
    work->base = xd_arena_take(arena, (count + 1) * sizeof *work->base);
    work->products = xd_arena_take(arena, (count + 1) * sizeof *work->products);
    work->lots = xd_arena_take(arena, (count + 1) * sizeof *work->lots);
    if (work->base == NULL || work->products == NULL || work->lots == NULL) {
        return XD_UNAVAILABLE;
    }
    memset(work->lots, 0, (count + 1) * sizeof *work->lots);
    for (size_t i = 0; i < count && result == XD_OK; i++) {
        result = read_line(work, i);
    }
    if (result == XD_OK && !work->lost && !work->found) {
        return xd_rpc_refuse(&work->erp->rpc, "no_lines", "an adjustment of nothing");
    }
    for (size_t i = 0; i < count && result == XD_OK; i++) {
        if (request->lines[i].lot != NULL) {
            result = xd_tryton_get_lot(work->erp, work->products[i].id, request->lines[i].lot, true,
                                       &work->lots[i]);
        }
    }
    return result;
}

/* ---- writing ---- */

static void write_part(struct work *work, const char *reference, bool lost, struct xd_buffer *out) {
    struct xd_tryton *erp = work->erp;
    const char *day = xd_tryton_date_json(erp, work->day);
    int64_t from = lost ? work->warehouse.storage : work->warehouse.lost_found;
    int64_t to = lost ? work->warehouse.lost_found : work->warehouse.storage;
    size_t count = 0;
    xd_buffer_format(out,
                     "{\"reference\":%s,\"company\":%lld,\"from_location\":%lld,\"to_location\":%lld,"
                     "\"effective_date\":%s,\"effective_start_date\":%s,\"planned_date\":%s,"
                     "\"planned_start_date\":%s,\"moves\":[[\"create\",[",
                     xd_rpc_quote(&erp->rpc, reference), (long long)erp->rpc.company, (long long)from,
                     (long long)to, day, day, day, day);
    for (size_t i = 0; i < erp->request->line_count; i++) {
        char text[XD_DECIMAL_TEXT_MAX];
        struct xd_decimal qty = lost ? xd_decimal_negate(work->base[i]) : work->base[i];
        if (xd_decimal_sign(qty) <= 0) {
            continue;
        }
        xd_buffer_format(out,
                         "%s{\"product\":%lld,\"uom\":%lld,\"quantity\":%s,\"from_location\":%lld,"
                         "\"to_location\":%lld,\"company\":%lld",
                         count++ > 0 ? "," : "", (long long)work->products[i].id,
                         (long long)work->products[i].unit, xd_decimal_write(qty, text), (long long)from,
                         (long long)to, (long long)erp->rpc.company);
        if (work->lots[i] != 0) {
            xd_buffer_format(out, ",\"lot\":%lld", (long long)work->lots[i]);
        }
        xd_buffer_byte(out, '}');
    }
    xd_buffer_text(out, "]]]}");
}

static const char *found_reference(const struct work *work, char out[256]) {
    (void)snprintf(out, 256, "%s" FOUND, work->erp->request->reference);
    return out;
}

static enum xd_result create(struct work *work) {
    const char *reference = work->erp->request->reference;
    char other[256];
    struct xd_buffer parts;
    if (work->warehouse.lost_found == 0) {
        return xd_rpc_refuse(&work->erp->rpc, "missing_location",
                             "warehouse %s has no place for what is lost", work->erp->request->site);
    }
    xd_buffer_init(&parts, 0);
    write_part(work, reference, work->lost, &parts);
    if (work->lost && work->found) {
        xd_buffer_byte(&parts, ',');
        write_part(work, found_reference(work, other), false, &parts);
    }
    const char *text = xd_tryton_keep(work->erp, &parts);
    return text == NULL ? XD_UNAVAILABLE
                        : xd_rpc_change(&work->erp->rpc, NULL, "model." MODEL ".create", "[%s]", text);
}

/* ---- finding and driving ---- */

static enum xd_result find_part(struct work *work, const char *reference, struct part *part) {
    const struct xd_node *rows;
    enum xd_result result =
        xd_rpc_ask(&work->erp->rpc, &rows, "model." MODEL ".search_read",
                   "[[\"reference\",\"=\",%s],[\"company\",\"=\",%lld]],0,1,[[\"id\",\"ASC\"]],"
                   "[\"state\",\"number\"]",
                   xd_rpc_quote(&work->erp->rpc, reference), (long long)work->erp->rpc.company);
    const struct xd_node *row = result == XD_OK ? xd_node_at(rows, 0) : NULL;
    const char *state = xd_node_text(row, "state");
    part->id = xd_node_int(row, "id");
    part->number = xd_node_text(row, "number");
    (void)snprintf(part->state, sizeof part->state, "%s", state == NULL ? "" : state);
    return result;
}

static enum xd_result find_parts(struct work *work) {
    char other[256];
    enum xd_result result = find_part(work, work->erp->request->reference, &work->parts[0]);
    return result == XD_OK ? find_part(work, found_reference(work, other), &work->parts[1]) : result;
}

static enum xd_result step(struct work *work, const struct part *part) {
    const struct xd_node *assigned;
    if (strcmp(part->state, "request") == 0) {
        return xd_tryton_press(work->erp, MODEL, "draft", part->id);
    }
    if (strcmp(part->state, "draft") == 0) {
        return xd_tryton_press(work->erp, MODEL, "wait", part->id);
    }
    if (strcmp(part->state, "waiting") != 0) {
        return xd_tryton_press(work->erp, MODEL, "done", part->id);
    }
    enum xd_result result = xd_rpc_change(&work->erp->rpc, &assigned, "model." MODEL ".assign_try", "[%lld]",
                                          (long long)part->id);
    if (result == XD_OK && assigned->kind != XD_NODE_TRUE) {
        result = xd_tryton_press(work->erp, MODEL, "assign_force", part->id);
    }
    return result;
}

static enum xd_result drive(struct work *work, struct part *part, const char *reference) {
    enum xd_result result = XD_OK;
    for (int steps = 0; steps < STEPS_MAX && result == XD_OK && strcmp(part->state, "done") != 0; steps++) {
        if (strcmp(part->state, "cancelled") == 0) {
            return xd_rpc_refuse(&work->erp->rpc, "adjustment_cancelled", "%s was cancelled in Tryton",
                                 reference);
        }
        result = step(work, part);
        if (result == XD_OK) {
            result = find_part(work, reference, part);
        }
    }
    if (result == XD_OK && strcmp(part->state, "done") != 0) {
        xd_tryton_blame(&work->erp->rpc.fault, "erp_busy",
                        "The adjustment does not go on; it will be tried again.");
        return XD_AGAIN;
    }
    return result;
}

/* What was refused in the middle is taken away. */
static enum xd_result undo(struct work *work) {
    struct xd_tryton_fault why = work->erp->rpc.fault;
    enum xd_result result = XD_OK;
    for (int i = 1; i >= 0 && result == XD_OK; i--) {
        if (work->parts[i].id != 0 && strcmp(work->parts[i].state, "done") != 0) {
            result = xd_tryton_press(work->erp, MODEL, "delete", work->parts[i].id);
        } else if (work->parts[i].id != 0) {
            result = XD_UNKNOWN;
        }
    }
    work->erp->rpc.fault = why;
    return result == XD_OK ? XD_INVALID : XD_UNKNOWN;
}

/* ---- once more ---- */

/* What both shipments move of a product: base units, signed. */
static struct xd_decimal moved_of(const struct work *work, const struct xd_node *moves, int64_t product) {
    struct xd_decimal all = xd_decimal_of(0), qty;
    for (const struct xd_node *row = moves->child; row != NULL; row = row->next) {
        bool lost = xd_node_int(row, "from_location") == work->warehouse.storage;
        if (xd_node_int(row, "product") != product ||
            !xd_tryton_number(xd_node_member(row, "internal_quantity"), 9, &qty)) {
            continue;
        }
        if (xd_decimal_add(all, lost ? xd_decimal_negate(qty) : qty, &all) != XD_OK) {
            break;
        }
    }
    return all;
}

static enum xd_result compare(struct work *work) {
    const struct xd_node *moves;
    enum xd_result result = xd_rpc_ask(&work->erp->rpc, &moves, "model.stock.move.search_read",
                                       "[[\"shipment.id\",\"in\",[%lld,%lld],\"" MODEL "\"]],0,null,null,"
                                       "[\"product\",\"internal_quantity\",\"from_location\"]",
                                       (long long)work->parts[0].id, (long long)work->parts[1].id);
    for (size_t i = 0; i < work->erp->request->line_count && result == XD_OK; i++) {
        struct xd_decimal asked = xd_decimal_of(0);
        for (size_t k = 0; k < work->erp->request->line_count && result == XD_OK; k++) {
            if (work->products[k].id == work->products[i].id) {
                result = xd_decimal_add(asked, work->base[k], &asked);
            }
        }
        if (result == XD_OK && xd_decimal_compare(asked, moved_of(work, moves, work->products[i].id)) != 0) {
            return xd_rpc_refuse(&work->erp->rpc, "reference_conflict",
                                 "reference %s is there with another content", work->erp->request->reference);
        }
    }
    return result;
}

/* ---- all of it ---- */

static enum xd_result begin(struct work *work) {
    struct xd_tryton *erp = work->erp;
    if (erp->request->line_count == 0) {
        return xd_rpc_refuse(&erp->rpc, "no_lines", "an adjustment without lines");
    }
    enum xd_result result = xd_tryton_get_warehouse(erp, erp->request->site, &work->warehouse);
    if (result == XD_OK) {
        result = read_lines(work);
    }
    if (result == XD_OK) {
        result = xd_tryton_get_day(erp, erp->request->at, &work->day, &work->moved);
    }
    if (result == XD_OK) {
        result = find_parts(work);
    }
    if (result == XD_OK && work->parts[0].id == 0) {
        result = create(work);
        result = result == XD_DUPLICATE ? XD_OK : result; /* another attempt's */
        if (result == XD_OK) {
            result = find_parts(work);
        }
        return result == XD_OK && work->parts[0].id == 0 ? XD_UNKNOWN : result;
    }
    return result == XD_OK ? compare(work) : result;
}

enum xd_result xd_tryton_adjustment(struct xd_tryton *erp) {
    struct work work = {.erp = erp};
    char other[256];
    enum xd_result result = begin(&work);
    if (result != XD_OK) {
        return result;
    }
    if (work.parts[1].id != 0) {
        result = drive(&work, &work.parts[1], found_reference(&work, other));
    }
    if (result == XD_OK) {
        result = drive(&work, &work.parts[0], erp->request->reference);
    }
    if (result == XD_INVALID && erp->rpc.touched) {
        return undo(&work);
    }
    if (result == XD_OK) {
        xd_tryton_say_document(erp, work.parts[0].number, work.parts[0].id);
        xd_tryton_say_moved(erp, work.moved, work.day);
    }
    return result;
}
