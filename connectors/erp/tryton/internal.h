/* Private to the Tryton connector: one worker, and what all its parts use.
 *
 * A part is a function that takes one request of the hub from wherever it stands in Tryton to its end, by
 * steps that may each be repeated. It returns XD_OK with `answer` filled, or what xd_rpc_ask and
 * xd_rpc_change return, with rpc.fault saying why; tryton.c makes an answer of that. One thread. */
#ifndef XD_ERP_TRYTON_INTERNAL_H
#define XD_ERP_TRYTON_INTERNAL_H

#include "erp/tryton/rpc.h"
#include "hub/erp.h"

#define XD_TRYTON_TEXT 128
#define XD_TRYTON_PRODUCTS 128 /* that are remembered, and read at once */

/* A unit of measure. base = quantity * factor, in the reference unit of its category. */
struct xd_tryton_unit {
    int64_t id, category;
    char name[XD_TRYTON_TEXT], symbol[16];
    struct xd_decimal factor;
    unsigned digits; /* behind the point, of a quantity */
};

struct xd_tryton_warehouse {
    int64_t id, input, output, storage, lost_found; /* lost_found 0: it has none */
};

struct xd_tryton_product {
    int64_t id, unit;  /* unit: that stock is kept in */
    bool active, lots; /* lots: a move without one is refused */
    bool taxed;
    struct xd_decimal price;
    bool has_price;
    char sku[XD_TRYTON_TEXT];
    int64_t until; /* remembered: seconds of the clock */
};

struct xd_tryton {
    struct xd_rpc rpc;
    bool lookup_only;             /* references are not unique in this database */
    bool checked;                 /* that they are, or that nobody claims so */
    struct xd_tryton_unit *units; /* read once, and again when one is not among them */
    size_t unit_count;
    /* What was looked up last and does not change from one request to the next. */
    char currency_code[8], site[XD_TRYTON_TEXT];
    int64_t currency, site_until; /* until: seconds of the clock */
    struct xd_tryton_warehouse warehouse;
    struct xd_tryton_product products[XD_TRYTON_PRODUCTS];
    size_t product_next; /* the place that is overwritten next */
    const struct xd_erp_request *request;
    struct xd_erp_answer *answer;
};

/* ---- the parts ---- */

XD_CHECKED enum xd_result xd_tryton_sale(struct xd_tryton *erp);
XD_CHECKED enum xd_result xd_tryton_shipment(struct xd_tryton *erp);
XD_CHECKED enum xd_result xd_tryton_change(struct xd_tryton *erp);
XD_CHECKED enum xd_result xd_tryton_adjustment(struct xd_tryton *erp);
XD_CHECKED enum xd_result xd_tryton_reversal(struct xd_tryton *erp);
/* XD_NOT_FOUND: not there, or not whole: posting it again completes it. */
XD_CHECKED enum xd_result xd_tryton_find(struct xd_tryton *erp, enum xd_erp_kind kind, const char *reference);
XD_CHECKED enum xd_result xd_tryton_list(struct xd_tryton *erp, enum xd_erp_list what, const char *cursor,
                                         size_t max, struct xd_buffer *entries,
                                         char next[XD_ERP_CURSOR_SIZE]);

/* One at a time of what belongs to this text (a sale), among all workers of the process. */
struct xd_tryton_hold;
struct xd_tryton_hold *xd_tryton_hold(const char *text);
void xd_tryton_release(struct xd_tryton_hold *hold);

/* ---- masters ---- */

/* XD_INVALID unknown_site, unknown_product, unknown_uom, ...; inactive ones are found. */
XD_CHECKED enum xd_result xd_tryton_get_warehouse(struct xd_tryton *erp, const char *site,
                                                  struct xd_tryton_warehouse *out);
XD_CHECKED enum xd_result xd_tryton_get_product(struct xd_tryton *erp, const char *sku,
                                                struct xd_tryton_product *out);
/* The lot of that number; made when there is none and `make` says so. 0: there is none. */
XD_CHECKED enum xd_result xd_tryton_get_lot(struct xd_tryton *erp, int64_t product, const char *number,
                                            bool make, int64_t *out);
XD_CHECKED enum xd_result xd_tryton_get_unit(struct xd_tryton *erp, int64_t id,
                                             const struct xd_tryton_unit **out);
/* The day on which something of this instant is posted: that day, or the first open one behind the last
 * closed period (*moved), or none (0 for an instant not known). Days since 1970. */
XD_CHECKED enum xd_result xd_tryton_get_day(struct xd_tryton *erp, xd_ms at, int64_t *day, bool *moved);

/* A date of Tryton's; 0: none. */
int64_t xd_tryton_day_of(const struct xd_node *date);

/* ---- quantities ---- */

/* What a line of the hub is in units of the product's stock. Checks the unit's name, and its factor. */
XD_CHECKED enum xd_result xd_tryton_to_base(struct xd_tryton *erp, const struct xd_erp_line *line,
                                            struct xd_decimal qty, int64_t product_unit,
                                            struct xd_decimal *out);
/* From one unit to another of the same category; rounded to the other's digits where it is not exact. */
XD_CHECKED enum xd_result xd_tryton_convert(struct xd_tryton *erp, struct xd_decimal qty, int64_t from,
                                            int64_t to, struct xd_decimal *out);
/* Whether a quantity of base units can be written in unit, exactly. */
bool xd_tryton_expressible(struct xd_tryton *erp, struct xd_decimal base, int64_t base_unit, int64_t unit,
                           struct xd_decimal *out);
/* What the hub calls a unit: EA, KG, CS, or its symbol. */
void xd_tryton_name_unit(const struct xd_tryton_unit *unit, char out[16]);
/* The number in a tree (a float as Python writes it, or a Decimal), rounded to so many digits. false: none.
 */
bool xd_tryton_number(const struct xd_node *node, unsigned digits, struct xd_decimal *out);
XD_CHECKED enum xd_result xd_tryton_number_parse(const char *text, unsigned digits, struct xd_decimal *out);

/* ---- writing parameters ---- */

/* As JSON in the arena of the calls. */
const char *xd_tryton_decimal_json(struct xd_tryton *erp, struct xd_decimal value);
const char *xd_tryton_date_json(struct xd_tryton *erp, int64_t day);
/* The text that a buffer holds, in the arena, and the buffer freed; NULL: no memory. */
const char *xd_tryton_keep(struct xd_tryton *erp, struct xd_buffer *buffer);
/* "[1,2,3]" of the members named id. */
const char *xd_tryton_ids(struct xd_tryton *erp, const struct xd_node *rows);

/* ---- lines of a sale ---- */

/* A line keeps our line_id at the start of its note, which nothing in Tryton changes; a line without one was
 * typed into Tryton and goes by its own id. */
#define XD_TRYTON_LINE_NOTE "line_id: "
void xd_tryton_line_id(const struct xd_node *row, char out[XD_TRYTON_TEXT]);

/* The sale of a reference, or of "=NUMBER": with number, state, party, warehouse, ...; XD_NOT_FOUND. Lowest
 * id. */
XD_CHECKED enum xd_result xd_tryton_find_sale(struct xd_tryton *erp, const char *reference,
                                              const struct xd_node **out);
/* Its lines: note, product, "product.", unit, quantity, unit_price, moves_ignored, moves_recreated. */
XD_CHECKED enum xd_result xd_tryton_get_lines(struct xd_tryton *erp, int64_t sale,
                                              const struct xd_node **out);
/* A line to be created, appended to out. sale_json: members that a call of on_change needs besides the
 * product, each behind a comma. sale 0: the line goes into a sale that is created with it. */
XD_CHECKED enum xd_result xd_tryton_write_line(struct xd_tryton *erp, const struct xd_erp_line *line,
                                               const char *sale_json, int64_t sale, bool with_quantity,
                                               struct xd_buffer *out);

/* With the answer DONE: that it is dated on another day than the request's. */
void xd_tryton_say_moved(struct xd_tryton *erp, bool moved, int64_t day);
void xd_tryton_say_document(struct xd_tryton *erp, const char *number, int64_t id);

#endif
