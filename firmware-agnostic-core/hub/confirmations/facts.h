/* What a confirmation says beside its lines, looked up for one of them: the item, the unit, the lots, the
 * serial numbers, the totals. Private to hub/confirmations/. The turn's thread. */
#ifndef XD_HUB_CONFIRMATIONS_FACTS_H
#define XD_HUB_CONFIRMATIONS_FACTS_H

#include "hub/confirmations/confirmation_store.h"
#include "hub/confirmations/reconcile.h"

struct xd_hub;

/* What is in the cartons of a document: contents by the line that they are of, serial numbers sorted. All
 * zeros is empty. */
struct xd_content {
    const char *line_id;  /* the document's */
    size_t order;         /* in the document */
    const cJSON *content; /* likewise */
};
struct xd_cartons {
    struct xd_content *contents; /* owned */
    size_t count, capacity;
    const char **serials; /* owned; what they point to is the document's */
    size_t serial_count, serial_capacity;
};
XD_CHECKED enum xd_result xd_cartons_read(const struct xd_confirmation *confirmation, struct xd_cartons *out);
void xd_cartons_free(struct xd_cartons *cartons);

/* What was shipped is which item: its SKU as the ERP calls it into sku. */
XD_CHECKED enum xd_result xd_facts_item(struct xd_hub *hub, const struct xd_release_line_row *release,
                                        const struct xd_confirmation_line *line, enum xd_line_item *item,
                                        char sku[XD_NAME_SIZE]);
/* Whether some of it had expired when it was shipped: by the contents of the cartons. Then *lot is the lot of
 * that, the document's, or NULL when none is named; else it stays. */
bool xd_facts_expired(const struct xd_confirmation *confirmation, const struct xd_confirmation_line *line,
                      const struct xd_cartons *cartons, const char **lot);
/* *lot: the first lot of it, by the line or by the contents of the cartons, that the product's reference data
 * names as recalled, the document's; NULL: none. sku: what was shipped. */
XD_CHECKED enum xd_result xd_facts_recalled(struct xd_hub *hub, const struct xd_confirmation_line *line,
                                            const char *sku, const struct xd_cartons *cartons,
                                            const char **lot);
/* Whether the line's serial numbers are not one for each of so many base units, or one of them comes twice in
 * the document. */
bool xd_facts_serials_wrong(const struct xd_confirmation_line *line, struct xd_decimal base,
                            const struct xd_cartons *cartons);

/* The lots of a line by the contents of the cartons, in their order. */
struct xd_lot {
    const char *lot; /* the document's */
    struct xd_decimal qty;
};
#define XD_LOTS_MAX 64u
/* *count is 0 when they do not add up to the line, are too many, or say nothing that it does not say itself.
 */
void xd_facts_lots(const struct xd_confirmation_line *line, const struct xd_cartons *cartons,
                   struct xd_lot lots[XD_LOTS_MAX], size_t *count);

/* Whether the document is what its control totals say: lines, qty (of all lines, as they are), cartons.
 * Others are not looked at. why: a sentence when it is not. */
#define XD_TOTALS_WHY_SIZE 160
bool xd_facts_totals(const struct xd_confirmation *confirmation, char why[XD_TOTALS_WHY_SIZE]);

/* Whether two forms of a confirmation ship the same items in the same quantities for the same releases,
 * whatever else they say. */
bool xd_facts_same_goods(const struct xd_confirmation *a, const struct xd_confirmation *b);
/* Whether two versions of a confirmation say the same of quantities, items, units and lots. */
bool xd_facts_same(const struct xd_confirmation *a, const struct xd_confirmation *b);

#endif
