/* What stock and customers' exposure need of a store. Rules as in hub/store.h, whose part
 * this is (the functions marked R may be called through a read-only connection, too). */
#ifndef XD_HUB_ORCHESTRATION_STOCK_STORE_H
#define XD_HUB_ORCHESTRATION_STOCK_STORE_H

#include "base/decimal.h"
#include "base/id.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

#define XD_STOCK_NAME_SIZE 72 /* as XD_NAME_SIZE */
#define XD_STOCK_SOURCE_SIZE 16

/* What a site has of a SKU, in base units. on_hand = listed + adjusted - shipped, at every commit. */
struct xd_stock_row {
    char site[XD_SITE_SIZE];
    char sku[XD_STOCK_NAME_SIZE];
    struct xd_decimal on_hand;           /* < 0: more was shipped than was known of */
    struct xd_decimal reserved;          /* >= 0; promised to orders and not shipped yet */
    struct xd_decimal listed;            /* on hand by the last list */
    struct xd_decimal adjusted, shipped; /* since then */
    xd_ms listed_at;                     /* wall; 0: in no list yet */
    char source[XD_STOCK_SOURCE_SIZE];   /* of that list: erp, csv, api; "" none */
};
typedef enum xd_result (*xd_stock_fn)(void *context, const struct xd_stock_row *row);

struct xd_stock_store {
    enum xd_result (*get)(void *context, const char *site, const char *sku, struct xd_stock_row *out); /* R */
    /* Inserts or replaces. */
    enum xd_result (*put)(void *context, const struct xd_stock_row *row);
    /* Of one that is not there is fine. */
    enum xd_result (*drop)(void *context, const char *site, const char *sku);
    /* R. Whether any row of the site was listed. */
    enum xd_result (*site_listed)(void *context, const char *site, bool *listed);
    /* R. Whether any row of the site was listed last by somebody else than the ERP (source erp). */
    enum xd_result (*site_told)(void *context, const char *site, bool *told);
    /* R. By site, then SKU; site and sku NULL: any; after: the last one seen, "" and "" from the start. */
    enum xd_result (*list)(void *context, const char *site, const char *sku, const char *after_site,
                           const char *after_sku, size_t max, xd_stock_fn each, void *each_context);

    /* R. What the customer owes or has on order, in that currency. XD_NOT_FOUND. */
    enum xd_result (*exposure_get)(void *context, const char *customer, const char *currency,
                                   struct xd_decimal *amount);
    enum xd_result (*exposure_put)(void *context, const char *customer, const char *currency,
                                   struct xd_decimal amount);
};

#endif
