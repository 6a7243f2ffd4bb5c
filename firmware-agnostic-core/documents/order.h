/* Order: channel -> hub (DOMAIN: an order as a channel hands it in). */
#ifndef XD_DOCUMENTS_ORDER_H
#define XD_DOCUMENTS_ORDER_H

#include "documents/schema.h"

#define XD_ORDER_LINES_MAX 1000u

struct xd_party {
    bool present;
    const char *id;
    const char *name;
    const char **address;
    size_t address_count;
    const char *city;
    const char *region;
    const char *postal_code;
    const char *country; /* ISO 3166-1 alpha-2 */
    const char *phone;
    const char *email;
};

#define XD_ORDER_IDS_MAX 8u
#define XD_ORDER_DISCOUNTS_MAX 8u
#define XD_ORDER_TAXES_MAX 8u

/* Another name of the product: scheme GTIN, UPC, VENDOR, ... (an open list). */
struct xd_other_id {
    const char *scheme;
    const char *value;
};

enum xd_discount_type { XD_DISCOUNT_PERCENT, XD_DISCOUNT_AMOUNT };
/* Of a line, in their order: a percentage of what is left, or an amount of the order's currency. */
struct xd_discount {
    int type; /* enum xd_discount_type */
    struct xd_decimal value;
};

struct xd_tax {
    const char *code; /* NULL: none */
    struct xd_decimal pct;
    struct xd_decimal amount; /* of the whole line */
    bool has_amount;
};

struct xd_order_line {
    const char *line_id;          /* when absent the reader gives 1, 2, 3 ... */
    const char *external_line_id; /* required, unique in the order */
    const char *sku;
    struct xd_decimal qty; /* > 0 */
    const char *uom;
    struct xd_decimal unit_price;
    bool has_unit_price;
    struct xd_other_id *ids;
    size_t id_count;
    struct xd_discount *discounts;
    size_t discount_count;
    struct xd_tax *taxes;
    size_t tax_count;
    /* How its site shall handle it. */
    const cJSON *lot_constraint, *min_remaining_shelf_life, *hazmat; /* as they came */
    const char *temperature_class;
    bool serial_required; /* its shipment names the serial numbers */
    const cJSON *attributes;
};

enum xd_tax_rounding { XD_ROUND_LINE, XD_ROUND_DOCUMENT };

enum xd_fulfilment_policy { XD_FILL_OR_KILL, XD_FILL_ALL, XD_FILL_ALL_AVAILABLE };
enum xd_backorder_policy { XD_BACKORDER_CREATE, XD_BACKORDER_NONE, XD_BACKORDER_CANCEL, XD_BACKORDER_MANUAL };

#define XD_ORDER_HOLDS_MAX 16u
struct xd_order_hold {
    const char *reason; /* required */
};

struct xd_order {
    const char *external_order_id;
    const char *channel_type;
    const char *channel_account;
    const char *customer_ref; /* customer.external_ref; this one or customer_id is there */
    const char *customer_id;
    const char *customer_po;
    const char *substitution_policy; /* as it came; NULL: none is named */
    const char *correlation_id;      /* NULL: the hub gives one */
    const char *preferred_site;      /* NULL: none preferred */
    const char *currency;            /* ISO 4217, 3 capitals */
    int64_t priority;
    xd_ms ordered_at;
    struct xd_party ship_to; /* required: name, address, city, postal_code, country */
    struct xd_party sold_to, bill_to, mark_for;
    const char *requested_ship, *requested_delivery, *ship_not_before, *ship_not_after,
        *cancel_after;     /* dates */
    int fulfilment_policy; /* enum xd_fulfilment_policy; -1 absent */
    int backorder_policy;  /* enum xd_backorder_policy; -1 absent */
    struct xd_decimal over_pct, under_pct;
    bool has_over_pct, has_under_pct;
    const cJSON *attributes;
    /* Carried as they are; later parts of the hub interpret them. */
    const cJSON *freight, *payment, *credit;
    /* The sender wants somebody to look at it first. A revision's say nothing. */
    struct xd_order_hold *holds;
    size_t hold_count;
    int tax_rounding; /* enum xd_tax_rounding; -1 absent: LINE */
    struct xd_decimal total_net, total_tax, total_gross;
    bool has_total_net, has_total_tax, has_total_gross;
    struct xd_order_line *lines;
    size_t line_count;
};

/* Rows that a release and its lines have in common with an order and its lines: the dates, and
 * how a line is to be handled. */
#define XD_DATES_ROWS(holder)                                                                                \
    {.name = "requested_ship", .type = XD_FIELD_DATE, XD_AT(holder, requested_ship)},                        \
        {.name = "requested_delivery", .type = XD_FIELD_DATE, XD_AT(holder, requested_delivery)},            \
        {.name = "ship_not_before", .type = XD_FIELD_DATE, XD_AT(holder, ship_not_before)},                  \
        {.name = "ship_not_after", .type = XD_FIELD_DATE, XD_AT(holder, ship_not_after)}, {                  \
        .name = "cancel_after", .type = XD_FIELD_DATE, XD_AT(holder, cancel_after)                           \
    }
#define XD_CODE_MAX 64u
#define XD_HANDLING_ROWS(holder)                                                                             \
    {.name = "lot_constraint", .type = XD_FIELD_ANY, XD_AT(holder, lot_constraint)},                         \
        {.name = "min_remaining_shelf_life", .type = XD_FIELD_ANY, XD_AT(holder, min_remaining_shelf_life)}, \
        {.name = "serial_required", .type = XD_FIELD_BOOLEAN, XD_AT(holder, serial_required)},               \
        {.name = "hazmat", .type = XD_FIELD_ANY, XD_AT(holder, hazmat)}, {                                   \
        .name = "temperature_class", .type = XD_FIELD_TEXT, .max = XD_CODE_MAX,                              \
        XD_AT(holder, temperature_class)                                                                     \
    }

/* Tables of a party's members; the first requires what a shipment needs. */
extern const struct xd_field xd_party_ship_to_fields[];
extern const struct xd_field xd_party_fields[];

/* Structure and everything that can be seen from the document alone: required
 * members, decimals > 0, duplicate external_line_id (duplicate_line), dates that
 * contradict each other (dates_contradict), site name, currency, country, and more of what is
 * carried as it came (attributes; freight and how lines are handled) than a release can hold (too_long).
 * Unknown members are refused. */
XD_CHECKED enum xd_result xd_order_read(struct xd_document *document, struct xd_order *out,
                                        struct xd_problems *problems);
/* One that was taken before, maybe by a hub that looked at less: unknown members are kept. */
XD_CHECKED enum xd_result xd_order_read_taken(struct xd_document *document, struct xd_order *out,
                                              struct xd_problems *problems);
extern const struct xd_field xd_order_fields[];
/* NULL: it has none of that name. */
const struct xd_order_line *xd_order_line_named(const struct xd_order *order, const char *external_line_id);

/* A version of the form of an order. Version 1 is the form that is described here; a
 * later one has a table of its own, and a function that makes this struct of what the
 * table read, so that nothing behind the reader knows of versions. Its table names
 * `schema_version` itself. Problems found by the table point into the document as it
 * came; those found later (dates, lines, prices) point into the form of version 1. */
struct xd_order_version {
    int64_t version;
    const struct xd_field *fields;
    size_t size; /* of the struct that the table fills; 0: it fills struct xd_order */
    XD_CHECKED enum xd_result (*upgrade)(struct xd_document *document, const void *read,
                                         struct xd_order *out); /* size 0: NULL */
};
extern const struct xd_order_version xd_order_version_1;

/* xd_order_read with these versions (the first one serves what names none or one that
 * is not among them). */
XD_CHECKED enum xd_result xd_order_read_versions(struct xd_document *document,
                                                 const struct xd_order_version *versions, size_t count,
                                                 struct xd_order *out, struct xd_problems *problems);

#endif
