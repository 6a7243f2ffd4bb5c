/* Private to the Tryton connector: what became of a sale so far.
 *
 * Tryton keeps a move (of goods) for every part of a line: waiting in some shipment, done, or cancelled. The
 * moves of a line, without those that are marked as recreated, add up to what the line is sold for: what is
 * missing there, Tryton makes a new waiting shipment of whenever it processes the sale; what is too much,
 * nobody takes away but us. */
#ifndef XD_ERP_TRYTON_SITUATION_H
#define XD_ERP_TRYTON_SITUATION_H

#include "erp/tryton/internal.h"

enum xd_tryton_move_state { XD_MOVE_OPEN, XD_MOVE_DONE, XD_MOVE_CANCELLED };

struct xd_tryton_move {
    int64_t id, line, product, unit, lot, shipment;
    enum xd_tryton_move_state state;
    bool back; /* from the customer */
    bool ignored, recreated;
    struct xd_decimal qty;  /* in unit */
    struct xd_decimal base; /* in the unit of the line's product */
};

struct xd_tryton_sold {
    int64_t id, product, unit, base_unit;
    char line_id[XD_TRYTON_TEXT];
    const char *description;   /* NULL: none */
    const char *sku, *price;   /* price: of unit, a decimal */
    struct xd_decimal ordered; /* base units */
};

struct xd_tryton_parcel { /* a customer shipment */
    int64_t id, warehouse;
    const char *number, *state, *reference; /* reference NULL: none */
};

struct xd_tryton_situation {
    int64_t sale, party, address, currency, customer_location;
    const char *number, *state;
    struct xd_tryton_sold *lines;
    struct xd_tryton_move *moves;
    struct xd_tryton_parcel *parcels;
    size_t line_count, move_count, parcel_count;
};

/* Everything in the arena of the calls. XD_NOT_FOUND: no such sale. */
XD_CHECKED enum xd_result xd_tryton_situation(struct xd_tryton *erp, const char *sale_reference,
                                              struct xd_tryton_situation *out);
/* Likewise; a sale that is confirmed, and that nobody has processed yet, is processed first: before that it
 * has no shipments. */
XD_CHECKED enum xd_result xd_tryton_open_situation(struct xd_tryton *erp, const char *sale_reference,
                                                   struct xd_tryton_situation *out);
/* NULL: none. */
const struct xd_tryton_sold *xd_tryton_line(const struct xd_tryton_situation *situation, const char *line_id);
const struct xd_tryton_parcel *xd_tryton_parcel(const struct xd_tryton_situation *situation, int64_t id);
/* Whether a waiting shipment that nobody of the hub has begun with. */
bool xd_tryton_is_free(const struct xd_tryton_situation *situation, int64_t parcel);
/* What left for good, less what came back: base units. */
struct xd_decimal xd_tryton_shipped(const struct xd_tryton_situation *situation, int64_t line);

/* Takes from waiting shipments, but not from `keep`, what the moves of these lines are too many. */
XD_CHECKED enum xd_result xd_tryton_settle(struct xd_tryton *erp, const struct xd_tryton_situation *situation,
                                           int64_t keep);
/* Brings a waiting shipment back to draft, so that its moves can be written. */
XD_CHECKED enum xd_result xd_tryton_to_draft(struct xd_tryton *erp, int64_t parcel, const char *state);
/* Marks moves of a line: field is moves_ignored or moves_recreated. ids: "[1,2]". */
XD_CHECKED enum xd_result xd_tryton_mark(struct xd_tryton *erp, int64_t line, const char *field,
                                         const char *ids);
XD_CHECKED enum xd_result xd_tryton_process(struct xd_tryton *erp, int64_t sale);
/* Presses a button of a model for one document. */
XD_CHECKED enum xd_result xd_tryton_press(struct xd_tryton *erp, const char *model, const char *button,
                                          int64_t id);

#endif
