/* A row is read, changed and written back: the turn is the only writer. A row that says
 * nothing (in no list, nothing on hand, nothing reserved) is dropped, so that a hub without
 * lists keeps no more rows than there are open reservations. */
#include "hub/orchestration/stock.h"

#include "hub/hub_internal.h"

#include <string.h>

#define CHECK_PAGE ((size_t)500)

static enum xd_result load(struct xd_hub *hub, const char *site, const char *sku, struct xd_stock_row *row) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = store->stock.get(store->context, site, sku, row);
    if (result == XD_NOT_FOUND) {
        memset(row, 0, sizeof *row);
        xd_copy(row->site, sizeof row->site, site);
        xd_copy(row->sku, sizeof row->sku, sku);
        return XD_OK;
    }
    return result;
}

static enum xd_result save(struct xd_hub *hub, const struct xd_stock_row *row) {
    const struct xd_hub_store *store = hub->config.store;
    bool says = row->listed_at != 0 || !xd_decimal_is_zero(row->on_hand) ||
                !xd_decimal_is_zero(row->reserved) || !xd_decimal_is_zero(row->adjusted) ||
                !xd_decimal_is_zero(row->shipped);
    return says ? store->stock.put(store->context, row)
                : store->stock.drop(store->context, row->site, row->sku);
}

/* Whether the site's stock is kept at all; a row that was listed says so by itself. */
static enum xd_result is_known(struct xd_hub *hub, const struct xd_stock_row *row, bool *known) {
    const struct xd_hub_store *store = hub->config.store;
    *known = row->listed_at != 0;
    return *known ? XD_OK : store->stock.site_listed(store->context, row->site, known);
}

static enum xd_result take_reserved(struct xd_stock_row *row, struct xd_decimal qty) {
    return xd_decimal_subtract(row->reserved, xd_decimal_min(qty, row->reserved), &row->reserved);
}

enum xd_result xd_stock_available(struct xd_hub *hub, const char *site, const char *sku, bool *known,
                                  struct xd_decimal *qty) {
    struct xd_stock_row row;
    *qty = xd_decimal_of(0);
    *known = false;
    enum xd_result result = load(hub, site, sku, &row);
    if (result == XD_OK) {
        result = is_known(hub, &row, known);
    }
    return result == XD_OK && *known ? xd_decimal_subtract(row.on_hand, row.reserved, qty) : result;
}

enum xd_result xd_stock_reserve(struct xd_hub *hub, const char *site, const char *sku,
                                struct xd_decimal qty) {
    struct xd_stock_row row;
    enum xd_result result = load(hub, site, sku, &row);
    /* More than a decimal holds is as good as that much: one absurd order must not stop all others. */
    if (result == XD_OK && xd_decimal_add(row.reserved, qty, &row.reserved) != XD_OK) {
        row.reserved = xd_decimal_of(XD_DECIMAL_MOST);
    }
    return result == XD_OK ? save(hub, &row) : result;
}

enum xd_result xd_stock_unreserve(struct xd_hub *hub, const char *site, const char *sku,
                                  struct xd_decimal qty) {
    struct xd_stock_row row;
    enum xd_result result = load(hub, site, sku, &row);
    if (result == XD_OK) {
        result = take_reserved(&row, qty);
    }
    hub->backorders_due = hub->backorders_due || xd_decimal_sign(qty) > 0;
    return result == XD_OK ? save(hub, &row) : result;
}

enum xd_result xd_stock_ship(struct xd_hub *hub, const char *site, const char *sku, struct xd_decimal qty,
                             struct xd_decimal from_reserved) {
    struct xd_stock_row row;
    bool known = false;
    enum xd_result result = load(hub, site, sku, &row);
    if (result == XD_OK) {
        result = take_reserved(&row, from_reserved);
    }
    if (result == XD_OK) {
        result = is_known(hub, &row, &known);
    }
    if (result == XD_OK && known) {
        result = xd_decimal_subtract(row.on_hand, qty, &row.on_hand);
    }
    if (result == XD_OK && known) {
        result = xd_decimal_add(row.shipped, qty, &row.shipped);
    }
    return result == XD_OK ? save(hub, &row) : result;
}

enum xd_result xd_stock_adjust(struct xd_hub *hub, const char *site, const char *sku,
                               struct xd_decimal delta) {
    struct xd_stock_row row;
    bool known = false;
    enum xd_result result = load(hub, site, sku, &row);
    if (result == XD_OK) {
        result = is_known(hub, &row, &known);
    }
    if (result != XD_OK || !known) {
        return result;
    }
    result = xd_decimal_add(row.on_hand, delta, &row.on_hand);
    if (result == XD_OK) {
        result = xd_decimal_add(row.adjusted, delta, &row.adjusted);
    }
    hub->backorders_due = hub->backorders_due || xd_decimal_sign(delta) > 0;
    return result == XD_OK ? save(hub, &row) : result;
}

enum xd_result xd_stock_listed(struct xd_hub *hub, const char *site, const char *sku, struct xd_decimal qty,
                               const char *source, struct xd_now now) {
    struct xd_stock_row row;
    enum xd_result result = load(hub, site, sku, &row);
    if (result != XD_OK) {
        return result;
    }
    hub->backorders_due = hub->backorders_due || xd_decimal_compare(qty, row.on_hand) > 0;
    row.on_hand = row.listed = qty;
    row.adjusted = row.shipped = xd_decimal_of(0);
    row.listed_at = now.wall > 0 ? now.wall : 1; /* 0 is for never */
    xd_copy(row.source, sizeof row.source, source);
    return save(hub, &row);
}

/* ---- checking ---- */

struct checking {
    struct xd_stock_row last;
    size_t count;
    bool fine;
};

static enum xd_result check_row(void *context, const struct xd_stock_row *row) {
    struct checking *checking = context;
    struct xd_decimal sum = row->listed;
    bool fine = xd_decimal_add(sum, row->adjusted, &sum) == XD_OK &&
                xd_decimal_subtract(sum, row->shipped, &sum) == XD_OK &&
                xd_decimal_compare(sum, row->on_hand) == 0 && xd_decimal_sign(row->reserved) >= 0;
    checking->fine = checking->fine && fine;
    checking->last = *row;
    checking->count++;
    return XD_OK;
}

bool xd_stock_check(struct xd_hub *hub) {
    const struct xd_hub_store *store = hub->config.store;
    struct checking checking = {.fine = true};
    do {
        checking.count = 0;
        enum xd_result result = store->stock.list(store->context, NULL, NULL, checking.last.site,
                                                  checking.last.sku, CHECK_PAGE, check_row, &checking);
        checking.fine = checking.fine && result == XD_OK;
    } while (checking.fine && checking.count == CHECK_PAGE);
    return checking.fine;
}

/* ---- exposure ---- */

enum xd_result xd_exposure_get(struct xd_hub *hub, const char *customer, const char *currency,
                               struct xd_decimal *amount) {
    const struct xd_hub_store *store = hub->config.store;
    *amount = xd_decimal_of(0);
    enum xd_result result = store->stock.exposure_get(store->context, customer, currency, amount);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_exposure_add(struct xd_hub *hub, const char *customer, const char *currency,
                               struct xd_decimal amount) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_decimal sum;
    enum xd_result result = xd_exposure_get(hub, customer, currency, &sum);
    if (result == XD_OK) {
        result = xd_decimal_add(sum, amount, &sum);
    }
    return result == XD_OK ? store->stock.exposure_put(store->context, customer, currency, sum) : result;
}
