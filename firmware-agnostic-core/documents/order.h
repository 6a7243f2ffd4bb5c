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

struct xd_order_line {
    const char *line_id;          /* when absent the reader gives 1, 2, 3 ... */
    const char *external_line_id; /* required, unique in the order */
    const char *sku;
    struct xd_decimal qty; /* > 0 */
    const char *uom;
    struct xd_decimal unit_price;
    bool has_unit_price;
    const cJSON *attributes;
};

enum xd_fulfilment_policy { XD_FILL_OR_KILL, XD_FILL_ALL, XD_FILL_ALL_AVAILABLE };
enum xd_backorder_policy { XD_BACKORDER_CREATE, XD_BACKORDER_NONE, XD_BACKORDER_CANCEL, XD_BACKORDER_MANUAL };

struct xd_order {
    const char *external_order_id;
    const char *channel_type;
    const char *channel_account;
    const char *customer_ref; /* customer.external_ref; this one or customer_id is there */
    const char *customer_id;
    const char *customer_po;
    const char *correlation_id; /* NULL: the hub gives one */
    const char *preferred_site; /* NULL: none preferred */
    const char *currency;       /* ISO 4217, 3 capitals */
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
    const cJSON *freight, *payment, *credit, *tax, *totals, *holds;
    struct xd_order_line *lines;
    size_t line_count;
};

/* Tables of a party's members; the first requires what a shipment needs. */
extern const struct xd_field xd_party_ship_to_fields[];
extern const struct xd_field xd_party_fields[];

/* Structure and everything that can be seen from the document alone: required
 * members, decimals > 0, duplicate external_line_id (duplicate_line), dates that
 * contradict each other (dates_contradict), site name, currency, country.
 * Unknown members are refused. */
XD_CHECKED enum xd_result xd_order_read(struct xd_document *document, struct xd_order *out,
                                        struct xd_problems *problems);
extern const struct xd_field xd_order_fields[];

#endif
