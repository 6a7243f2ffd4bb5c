/* OrderRelease: hub -> site -> WMS. */
#ifndef XD_DOCUMENTS_RELEASE_H
#define XD_DOCUMENTS_RELEASE_H

#include "documents/order.h"

enum xd_purpose { XD_PURPOSE_ORIGINAL, XD_PURPOSE_CHANGE, XD_PURPOSE_CANCEL };
extern const char *const xd_purpose_names[];

struct xd_release_line {
    const char *line_id;
    const char *external_line_id;
    const char *sku;
    struct xd_decimal qty;
    const char *uom;
    int64_t factor_num, factor_den; /* base units per uom, frozen; 1/1 when absent */
    /* How it is to be handled: as the order says. */
    const cJSON *lot_constraint, *min_remaining_shelf_life, *hazmat;
    const char *temperature_class;
    bool serial_required;
};

struct xd_release {
    const char *release_id;
    int64_t revision; /* from 1 */
    int purpose;      /* enum xd_purpose */
    const char *order_id;
    const char *site_id;
    int64_t split_number; /* among the releases of its order, from 2; 0: the first */
    const char *owner;    /* the depositor at a 3PL; may be NULL */
    const char *customer_po;
    const char *correlation_id;
    struct xd_party ship_to, mark_for;
    /* Dates at the site (ship) or at the ship-to (delivery); NULL: none. */
    const char *requested_ship, *requested_delivery, *ship_not_before, *ship_not_after, *cancel_after;
    const cJSON *freight;        /* an object, as the order says it; NULL: none */
    xd_ms ship_by, ack_deadline; /* 0: none */
    /* Where the order came from, so that a hub restored from an old backup can
     * take the order back from a site that still holds its release. */
    const char *tenant, *channel_type, *channel_account, *external_order_id, *customer_ref, *currency;
    const cJSON *attributes;
    struct xd_release_line *lines;
    size_t line_count;
};

XD_CHECKED enum xd_result xd_release_read(struct xd_document *document, const cJSON *tree,
                                          struct xd_release *out, struct xd_problems *problems);
/* Appends the JSON document (members in a fixed order, absent ones left out;
 * origin{tenant, channel{type,account}, external_order_id, customer_ref, currency}). */
void xd_release_write(const struct xd_release *release, struct xd_buffer *out);
extern const struct xd_field xd_release_fields[];

#endif
