/* InventoryAdvice: WMS -> site -> hub. DELTA changes carry a sign; a SNAPSHOT
 * says what is there as of a time and is compared, never applied. */
#ifndef XD_DOCUMENTS_INVENTORY_H
#define XD_DOCUMENTS_INVENTORY_H

#include "documents/schema.h"

enum xd_inventory_kind { XD_INVENTORY_DELTA, XD_INVENTORY_SNAPSHOT };
extern const char *const xd_inventory_kind_names[];

struct xd_inventory_line {
    const char *sku;
    struct xd_decimal qty; /* DELTA: signed; SNAPSHOT: >= 0 */
    const char *uom;
    const char *reason; /* required for DELTA */
    const char *lot;
    const char *from_status, *to_status;
};

struct xd_inventory {
    const char *advice_id;
    int kind;
    const char *owner;
    const char *site_id;
    xd_ms as_of; /* required for SNAPSHOT */
    const char *observed_at, *correlation_id;
    const cJSON *attributes;
    struct xd_inventory_line *lines;
    size_t line_count;
};

#define XD_INVENTORY_LINES_MAX 5000u

XD_CHECKED enum xd_result xd_inventory_read(struct xd_document *document, const cJSON *tree,
                                            struct xd_inventory *out, struct xd_problems *problems);
extern const struct xd_field xd_inventory_fields[];

#endif
