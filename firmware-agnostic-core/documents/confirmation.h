/* ShipmentConfirmation: WMS -> site -> hub. */
#ifndef XD_DOCUMENTS_CONFIRMATION_H
#define XD_DOCUMENTS_CONFIRMATION_H

#include "documents/schema.h"

enum xd_confirmation_kind { XD_KIND_SHIP, XD_KIND_SHORT_CLOSE, XD_KIND_VOID, XD_KIND_REVERSAL };
extern const char *const xd_confirmation_kind_names[];
enum xd_reporting { XD_REPORTING_FULL, XD_REPORTING_EXCEPTIONS, XD_REPORTING_NO_EXCEPTIONS };
extern const char *const xd_reporting_names[];

/* What the status of a line says of what did not ship of it: in our own words, or by the codes of X12 945
 * (W12-01) that warehouses use for them. */
enum xd_line_status {
    XD_STATUS_NONE,      /* nothing, or a word that is not known */
    XD_STATUS_COMPLETE,  /* there is no rest */
    XD_STATUS_FINAL,     /* it does not come */
    XD_STATUS_BACKORDER, /* it still comes */
    XD_STATUS_BLOCKED    /* recalled or on hold */
};
enum xd_line_status xd_line_status_of(const char *status); /* NULL: XD_STATUS_NONE */

struct xd_confirmation_line {
    const char *release_id; /* required when the confirmation names several */
    const char *line_id;
    const char *sku;
    const char *original_sku;
    struct xd_decimal qty_shipped; /* >= 0 */
    struct xd_decimal qty_ordered_echo;
    bool has_qty_ordered_echo;
    const char *uom;
    const char *status; /* the warehouse's status code, as it came */
    const char *reason;
    const char *lot;
    bool reversal;
};

struct xd_confirmation {
    const char *confirmation_id;
    int64_t version; /* from 1; 1 when absent */
    int64_t supersedes;
    int kind;      /* enum xd_confirmation_kind */
    int reporting; /* enum xd_reporting; FULL when absent */
    const char *owner;
    const char *site_id; /* when given it must be the site's own (wrong_site) */
    const char *shipment_id;
    const char **release_ids; /* 1.. */
    size_t release_count;
    xd_ms shipped_at;            /* as an instant */
    const char *shipped_at_text; /* as it came, with its offset */
    const char *observed_at;
    const char *scac, *service, *mode; /* carrier */
    const char *bol, *pro, *trailer;
    const char *correlation_id;
    const cJSON *seals, *charges, *cartons, *control_totals, *attributes, *raw_ref;
    struct xd_confirmation_line *lines;
    size_t line_count; /* 0 allowed for kind VOID only */
};

#define XD_CONFIRMATION_LINES_MAX 2000u

/* Unknown members and words of status are reported as warnings. */
XD_CHECKED enum xd_result xd_confirmation_read(struct xd_document *document, const cJSON *tree,
                                               struct xd_confirmation *out, struct xd_problems *problems);
extern const struct xd_field xd_confirmation_fields[];

#endif
