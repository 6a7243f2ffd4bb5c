/* Warehouses, products, lots, days: looked up by what the hub calls them. */
#include "erp/tryton/internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)
#define SITE_SECONDS 60    /* that a warehouse is remembered for */
#define PRODUCT_SECONDS 10 /* and a product */

const char *xd_tryton_keep(struct xd_tryton *erp, struct xd_buffer *buffer) {
    char *copy = xd_buffer_result(buffer) != XD_OK ? NULL : xd_arena_take(&erp->rpc.arena, buffer->size + 1);
    if (copy != NULL) {
        memcpy(copy, xd_buffer_string(buffer), buffer->size + 1);
    } else {
        xd_tryton_blame(&erp->rpc.fault, "erp_unavailable", "There is no memory for the call just now.");
    }
    xd_buffer_free(buffer);
    return copy;
}

const char *xd_tryton_decimal_json(struct xd_tryton *erp, struct xd_decimal value) {
    char text[XD_DECIMAL_TEXT_MAX];
    char *out = xd_arena_take(&erp->rpc.arena, XD_DECIMAL_TEXT_MAX + 48);
    if (out == NULL) {
        return "null";
    }
    (void)snprintf(out, XD_DECIMAL_TEXT_MAX + 48, "{\"__class__\":\"Decimal\",\"decimal\":\"%s\"}",
                   xd_decimal_write(value, text));
    return out;
}

const char *xd_tryton_date_json(struct xd_tryton *erp, int64_t day) {
    struct xd_date date = xd_date_of_days(day);
    char *out = day == 0 ? NULL : xd_arena_take(&erp->rpc.arena, 80);
    if (out == NULL) {
        return "null";
    }
    (void)snprintf(out, 80, "{\"__class__\":\"date\",\"year\":%d,\"month\":%d,\"day\":%d}", date.year,
                   date.month, date.day);
    return out;
}

const char *xd_tryton_ids(struct xd_tryton *erp, const struct xd_node *rows) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    xd_buffer_byte(&text, '[');
    for (const struct xd_node *row = rows == NULL ? NULL : rows->child; row != NULL; row = row->next) {
        int64_t id = row->kind == XD_NODE_NUMBER ? xd_node_int_of(row) : xd_node_int(row, "id");
        xd_buffer_format(&text, "%s%lld", text.size > 1 ? "," : "", (long long)id);
    }
    xd_buffer_byte(&text, ']');
    const char *kept = xd_tryton_keep(erp, &text);
    return kept == NULL ? "[]" : kept;
}

void xd_tryton_say_document(struct xd_tryton *erp, const char *number, int64_t id) {
    if (number != NULL && number[0] != '\0') {
        (void)snprintf(erp->answer->document, sizeof erp->answer->document, "%s", number);
    } else {
        (void)snprintf(erp->answer->document, sizeof erp->answer->document, "id %lld", (long long)id);
    }
}

void xd_tryton_say_moved(struct xd_tryton *erp, bool moved, int64_t day) {
    char text[XD_DATE_TEXT_SIZE];
    if (moved) {
        (void)snprintf(erp->answer->code, sizeof erp->answer->code, "period_closed");
        (void)snprintf(erp->answer->detail, sizeof erp->answer->detail, "%s", xd_date_write(day, text));
    }
}

/* ---- masters ---- */

enum xd_result xd_tryton_get_warehouse(struct xd_tryton *erp, const char *site,
                                       struct xd_tryton_warehouse *out) {
    const struct xd_node *rows;
    int64_t now = (int64_t)time(NULL);
    if (site != NULL && strcmp(erp->site, site) == 0 && now < erp->site_until) {
        *out = erp->warehouse;
        return XD_OK;
    }
    enum xd_result result =
        xd_rpc_ask(&erp->rpc, &rows, "model.stock.location.search_read",
                   "[[\"type\",\"=\",\"warehouse\"],[\"code\",\"=\",%s]],0,1,[[\"id\",\"ASC\"]],"
                   "[\"input_location\",\"output_location\",\"storage_location\",\"lost_found_location\"]",
                   xd_rpc_quote(&erp->rpc, site == NULL ? "" : site));
    const struct xd_node *row = xd_node_at(rows, 0);
    if (result != XD_OK) {
        return result;
    }
    if (row == NULL || site == NULL) {
        return xd_rpc_refuse(&erp->rpc, "unknown_site", "no warehouse has the code %s",
                             site == NULL ? "" : site);
    }
    *out = (struct xd_tryton_warehouse){.id = xd_node_int(row, "id"),
                                        .input = xd_node_int(row, "input_location"),
                                        .output = xd_node_int(row, "output_location"),
                                        .storage = xd_node_int(row, "storage_location"),
                                        .lost_found = xd_node_int(row, "lost_found_location")};
    if (strlen(site) < sizeof erp->site) {
        (void)snprintf(erp->site, sizeof erp->site, "%s", site);
        erp->warehouse = *out;
        erp->site_until = now + SITE_SECONDS;
    }
    return XD_OK;
}

static struct xd_tryton_product *remembered(struct xd_tryton *erp, const char *sku, int64_t now) {
    for (size_t i = 0; i < XD_TRYTON_PRODUCTS; i++) {
        struct xd_tryton_product *product = &erp->products[i];
        if (now < product->until && strcmp(product->sku, sku) == 0) {
            return product;
        }
    }
    return NULL;
}

static void remember(struct xd_tryton *erp, const char *sku, struct xd_tryton_product product, int64_t now) {
    struct xd_tryton_product *place = &erp->products[erp->product_next];
    if (strlen(sku) < sizeof place->sku) {
        *place = product;
        (void)snprintf(place->sku, sizeof place->sku, "%s", sku);
        place->until = now + PRODUCT_SECONDS;
        erp->product_next = (erp->product_next + 1) % XD_TRYTON_PRODUCTS;
    }
}

static struct xd_tryton_product read_product(const struct xd_node *row) {
    const struct xd_node *lots = xd_node_member(row, "lot_required");
    const struct xd_node *category = xd_node_member(row, "account_category.");
    const struct xd_node *taxes = xd_node_member(category, "customer_taxes_used");
    struct xd_tryton_product product = {.id = xd_node_int(row, "id"),
                                        .unit = xd_node_int(row, "default_uom"),
                                        .active = xd_node_is_true(row, "active"),
                                        .taxed = taxes != NULL && taxes->count > 0};
    product.has_price = xd_tryton_number(xd_node_member(row, "list_price"), 8, &product.price);
    for (const struct xd_node *at = lots == NULL ? NULL : lots->child; at != NULL; at = at->next) {
        product.lots =
            product.lots ||
            (at->text != NULL && (strcmp(at->text, "storage") == 0 || strcmp(at->text, "customer") == 0));
    }
    return product;
}

/* This one, and the others of the request that will be asked for next. */
static const char *list_skus(struct xd_tryton *erp, const char *sku, int64_t now) {
    struct xd_buffer skus;
    size_t count = 1;
    xd_buffer_init(&skus, 0);
    xd_buffer_text(&skus, xd_rpc_quote(&erp->rpc, sku));
    for (size_t i = 0; i < erp->request->line_count && count < XD_TRYTON_PRODUCTS; i++) {
        const char *other = erp->request->lines[i].sku;
        if (other != NULL && strcmp(other, sku) != 0 && remembered(erp, other, now) == NULL) {
            xd_buffer_format(&skus, ",%s", xd_rpc_quote(&erp->rpc, other));
            count++;
        }
    }
    return xd_tryton_keep(erp, &skus);
}

/* Of several of one code the first active one, or the first. What is inactive or not there is not remembered:
 * whoever mends it is believed at once. */
enum xd_result xd_tryton_get_product(struct xd_tryton *erp, const char *sku, struct xd_tryton_product *out) {
    const struct xd_node *rows;
    int64_t now = (int64_t)time(NULL);
    sku = sku == NULL ? "" : sku;
    const struct xd_tryton_product *known = remembered(erp, sku, now);
    if (known != NULL) {
        *out = *known;
        return XD_OK;
    }
    const char *skus = list_skus(erp, sku, now);
    if (skus == NULL) {
        return XD_UNAVAILABLE;
    }
    enum xd_result result = xd_rpc_ask(&erp->rpc, &rows, "model.product.product.search_read",
                                       "[[\"code\",\"in\",[%s]],[\"active\",\"in\",[true,false]]],0,null,"
                                       "[[\"active\",\"DESC\"],[\"id\",\"ASC\"]],"
                                       "[\"code\",\"active\",\"default_uom\",\"list_price\",\"lot_required\","
                                       "\"account_category.customer_taxes_used\"]",
                                       skus);
    if (result != XD_OK) {
        return result;
    }
    bool found = false;
    for (const struct xd_node *row = rows->child; row != NULL; row = row->next) {
        const char *code = xd_node_text(row, "code");
        struct xd_tryton_product product = read_product(row);
        if (code != NULL && strcmp(code, sku) == 0 && !found) {
            *out = product;
            found = true;
        }
        if (code != NULL && product.active && remembered(erp, code, now) == NULL) {
            remember(erp, code, product, now);
        }
    }
    return found ? XD_OK : xd_rpc_refuse(&erp->rpc, "unknown_product", "no product has the code %s", sku);
}

enum xd_result xd_tryton_get_lot(struct xd_tryton *erp, int64_t product, const char *number, bool make,
                                 int64_t *out) {
    const struct xd_node *rows;
    const char *quoted = xd_rpc_quote(&erp->rpc, number);
    enum xd_result result =
        xd_rpc_ask(&erp->rpc, &rows, "model.stock.lot.search_read",
                   "[[\"product\",\"=\",%lld],[\"number\",\"=\",%s]],0,1,[[\"id\",\"ASC\"]],[\"number\"]",
                   (long long)product, quoted);
    *out = result == XD_OK ? xd_node_int(xd_node_at(rows, 0), "id") : 0;
    if (result != XD_OK || *out != 0 || !make) {
        return result;
    }
    result = xd_rpc_change(&erp->rpc, &rows, "model.stock.lot.create", "[{\"product\":%lld,\"number\":%s}]",
                           (long long)product, quoted);
    *out = result == XD_OK ? xd_rpc_created(rows) : 0;
    return result;
}

int64_t xd_tryton_day_of(const struct xd_node *date) {
    struct xd_date parts = {(int)xd_node_int(date, "year"), (int)xd_node_int(date, "month"),
                            (int)xd_node_int(date, "day")};
    return parts.month < 1 || parts.day < 1 ? 0 : xd_date_days(parts);
}

enum xd_result xd_tryton_get_day(struct xd_tryton *erp, xd_ms at, int64_t *day, bool *moved) {
    const struct xd_node *rows;
    int64_t today = (int64_t)time(NULL) * 1000 / DAY_MS;
    *day = at > 0 ? at / DAY_MS : 0;
    *day = *day > today ? today : *day; /* Tryton warns of what has not happened yet */
    *moved = false;
    enum xd_result result = xd_rpc_ask(&erp->rpc, &rows, "model.stock.period.search_read",
                                       "[[\"company\",\"=\",%lld],[\"state\",\"=\",\"closed\"]],0,1,"
                                       "[[\"date\",\"DESC\"]],[\"date\"]",
                                       (long long)erp->rpc.company);
    if (result != XD_OK || rows->count == 0 || *day == 0) {
        return result;
    }
    int64_t closed = xd_tryton_day_of(xd_node_member(xd_node_at(rows, 0), "date"));
    *moved = closed != 0 && *day <= closed;
    *day = *moved ? closed + 1 : *day;
    return XD_OK;
}
