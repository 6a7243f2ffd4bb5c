/* Customers, products and stock: pages of what there is, in the order of their codes. Rows without a code are
 * nothing that the hub could name. */
#include "erp/tryton/lists.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 127 /* bytes of a name or description that others take */
#define STOCK_ROWS_MIN 100u

bool xd_tryton_page_open(const struct xd_tryton_page *page) {
    return page->count < page->max && page->writer.out->size - page->start < XD_ERP_PAGE_BYTES;
}

void xd_tryton_write_null(struct xd_tryton_page *page, const char *name) {
    xd_writer_name(&page->writer, name);
    xd_buffer_text(page->writer.out, "null");
}

void xd_tryton_write_text(struct xd_tryton_page *page, const char *name, const char *text) {
    if (text == NULL || text[0] == '\0') {
        xd_tryton_write_null(page, name);
    } else {
        xd_writer_text(&page->writer, name, text);
    }
}

void xd_tryton_write_words(struct xd_tryton_page *page, const char *name, const char *text) {
    char words[WORDS_MAX + 1];
    (void)snprintf(words, sizeof words, "%s", text == NULL ? "" : text);
    words[xd_utf8_prefix(xd_bytes_of_text(words))] = '\0';
    xd_text_make_printable(words);
    xd_writer_text(&page->writer, name, words);
}

void xd_tryton_write_number(struct xd_tryton_page *page, const char *name, const struct xd_node *node) {
    struct xd_decimal value;
    if (xd_tryton_number(node, 8, &value)) {
        xd_writer_decimal(&page->writer, name, value);
    } else {
        xd_tryton_write_null(page, name);
    }
}

const struct xd_node *xd_tryton_row(const struct xd_node *rows, int64_t id) {
    for (const struct xd_node *row = rows == NULL ? NULL : rows->child; row != NULL; row = row->next) {
        if (xd_node_int(row, "id") == id) {
            return row;
        }
    }
    return NULL;
}

/* The page ends with this entry; there may be more behind it. */
static void end_at(struct xd_tryton_page *page, const char *site, const char *key) {
    (void)snprintf(page->next, XD_ERP_CURSOR_SIZE, "%s%s%s", site, site[0] != '\0' ? "/" : "", key);
}

/* ---- customers ---- */

/* The company is a party, too, and the currency of its customers is its own. */
static enum xd_result get_company(struct xd_tryton *erp, int64_t *party, const char **currency) {
    const struct xd_node *rows;
    enum xd_result result = xd_rpc_ask(&erp->rpc, &rows, "model.company.company.search_read",
                                       "[],0,null,[[\"id\",\"ASC\"]],[\"party\",\"currency.code\"]");
    const struct xd_node *row = result == XD_OK ? xd_tryton_row(rows, erp->rpc.company) : NULL;
    *party = xd_node_int(row, "party");
    *currency = xd_node_text(xd_node_member(row, "currency."), "code");
    return result;
}

enum xd_result xd_tryton_list_customers(struct xd_tryton_page *page) {
    struct xd_rpc *rpc = &page->erp->rpc;
    const struct xd_node *rows;
    const char *currency, *code = "";
    int64_t own;
    enum xd_result result = get_company(page->erp, &own, &currency);
    if (result == XD_OK) {
        result =
            xd_rpc_ask(rpc, &rows, "model.party.party.search_read",
                       "[[\"code\",\">\",%s],[\"id\",\"!=\",%lld],[\"active\",\"in\",[true,false]]],0,%zu,"
                       "[[\"code\",\"ASC\"]],[\"code\",\"name\",\"active\",\"credit_limit_amount\"]",
                       xd_rpc_quote(rpc, page->cursor), (long long)own, page->max);
    }
    const struct xd_node *row = result == XD_OK ? rows->child : NULL;
    for (; row != NULL && xd_tryton_page_open(page); row = row->next, page->count++) {
        code = xd_node_text(row, "code");
        xd_writer_begin(&page->writer, NULL, '{');
        xd_writer_text(&page->writer, "code", code);
        xd_tryton_write_words(page, "name", xd_node_text(row, "name"));
        xd_writer_boolean(&page->writer, "active", xd_node_is_true(row, "active"));
        xd_tryton_write_number(page, "credit_limit", xd_node_member(row, "credit_limit_amount"));
        xd_tryton_write_text(page, "currency", currency);
        xd_writer_end(&page->writer, '}');
    }
    if (page->count > 0 && !xd_tryton_page_open(page)) {
        end_at(page, "", code);
    }
    return result;
}

/* ---- products ---- */

static enum xd_result write_product(struct xd_tryton_page *page, const struct xd_node *row) {
    const struct xd_tryton_unit *unit;
    char uom[16];
    const struct xd_node *lots = xd_node_member(row, "lot_required");
    enum xd_result result = xd_tryton_get_unit(page->erp, xd_node_int(row, "default_uom"), &unit);
    if (result != XD_OK) {
        return result;
    }
    xd_tryton_name_unit(unit, uom);
    xd_writer_begin(&page->writer, NULL, '{');
    xd_writer_text(&page->writer, "sku", xd_node_text(row, "code"));
    xd_tryton_write_words(page, "description", xd_node_text(row, "name"));
    xd_writer_text(&page->writer, "base_uom", uom);
    xd_tryton_write_number(page, "price", xd_node_member(row, "list_price"));
    xd_writer_boolean(&page->writer, "active", xd_node_is_true(row, "active"));
    xd_writer_boolean(&page->writer, "lot_tracked", lots != NULL && lots->count > 0);
    xd_writer_end(&page->writer, '}');
    return XD_OK;
}

enum xd_result xd_tryton_list_products(struct xd_tryton_page *page) {
    struct xd_rpc *rpc = &page->erp->rpc;
    const struct xd_node *rows;
    const char *code = "";
    enum xd_result result = xd_rpc_ask(
        rpc, &rows, "model.product.product.search_read",
        "[[\"code\",\">\",%s],[\"type\",\"in\",[\"goods\",\"assets\"]],[\"active\",\"in\",[true,false]]],0,%"
        "zu,"
        "[[\"code\",\"ASC\"]],[\"code\",\"name\",\"active\",\"default_uom\",\"list_price\",\"lot_required\"]",
        xd_rpc_quote(rpc, page->cursor), page->max);
    const struct xd_node *row = result == XD_OK ? rows->child : NULL;
    for (; row != NULL && xd_tryton_page_open(page) && result == XD_OK; row = row->next, page->count++) {
        code = xd_node_text(row, "code");
        result = write_product(page, row);
    }
    if (page->count > 0 && !xd_tryton_page_open(page)) {
        end_at(page, "", code);
    }
    return result;
}

/* ---- stock ---- */

/* The rest of one warehouse, as far as the page goes. Products that it has none of are left out. */
static enum xd_result list_warehouse(struct xd_tryton_page *page, const struct xd_node *warehouse,
                                     const char *sku) {
    struct xd_rpc *rpc = &page->erp->rpc;
    const char *site = xd_node_text(warehouse, "code");
    char context[64];
    size_t rows_max = page->max > STOCK_ROWS_MIN ? page->max : STOCK_ROWS_MIN;
    (void)snprintf(context, sizeof context, ",\"locations\":[%lld]", (long long)xd_node_int(warehouse, "id"));
    for (;;) {
        const struct xd_node *rows;
        rpc->more = context;
        enum xd_result result =
            xd_rpc_ask(rpc, &rows, "model.product.product.search_read",
                       "[[\"code\",\">\",%s],[\"type\",\"in\",[\"goods\",\"assets\"]],"
                       "[\"active\",\"in\",[true,false]]],0,%zu,[[\"code\",\"ASC\"]],[\"code\",\"quantity\"]",
                       xd_rpc_quote(rpc, sku), rows_max);
        if (result != XD_OK) {
            return result;
        }
        for (const struct xd_node *row = rows->child; row != NULL; row = row->next) {
            struct xd_decimal qty;
            sku = xd_node_text(row, "code");
            if (!xd_tryton_number(xd_node_member(row, "quantity"), 8, &qty) || xd_decimal_is_zero(qty)) {
                continue;
            }
            xd_writer_begin(&page->writer, NULL, '{');
            xd_writer_text(&page->writer, "site", site);
            xd_writer_text(&page->writer, "sku", sku);
            xd_writer_decimal(&page->writer, "qty", qty);
            xd_writer_end(&page->writer, '}');
            page->count++;
            if (!xd_tryton_page_open(page)) {
                end_at(page, site, sku);
                return XD_OK;
            }
        }
        if (rows->count < rows_max) {
            return XD_OK;
        }
    }
}

enum xd_result xd_tryton_list_stock(struct xd_tryton_page *page) {
    struct xd_rpc *rpc = &page->erp->rpc;
    const struct xd_node *rows;
    char site[XD_ERP_CURSOR_SIZE];
    size_t size = strcspn(page->cursor, "/");
    (void)snprintf(site, sizeof site, "%.*s", (int)size, page->cursor);
    const char *behind = page->cursor[size] == '/' ? page->cursor + size + 1 : "";
    enum xd_result result = xd_rpc_ask(
        rpc, &rows, "model.stock.location.search_read",
        "[[\"type\",\"=\",\"warehouse\"],[\"code\",\">=\",%s]],0,null,[[\"code\",\"ASC\"]],[\"code\"]",
        xd_rpc_quote(rpc, site));
    const struct xd_node *row = result == XD_OK ? rows->child : NULL;
    for (; row != NULL && result == XD_OK && xd_tryton_page_open(page); row = row->next) {
        const char *code = xd_node_text(row, "code");
        if (code != NULL && code[0] != '\0') {
            result = list_warehouse(page, row, strcmp(code, site) == 0 ? behind : "");
        }
    }
    return result;
}

/* ---- any of them ---- */

enum xd_result xd_tryton_list(struct xd_tryton *erp, enum xd_erp_list what, const char *cursor, size_t max,
                              struct xd_buffer *entries, char next[XD_ERP_CURSOR_SIZE]) {
    static enum xd_result (*const lists[XD_ERP_LIST_COUNT])(struct xd_tryton_page * page) = {
        [XD_ERP_CUSTOMERS] = xd_tryton_list_customers, [XD_ERP_PRODUCTS] = xd_tryton_list_products,
        [XD_ERP_STOCK] = xd_tryton_list_stock,         [XD_ERP_SALES] = xd_tryton_list_sales,
        [XD_ERP_SHIPMENTS] = xd_tryton_list_shipments, [XD_ERP_INVOICES] = xd_tryton_list_invoices,
    };
    char clean[XD_ERP_CURSOR_SIZE];
    (void)snprintf(clean, sizeof clean, "%s", cursor);
    clean[xd_utf8_prefix(xd_bytes_of_text(clean))] = '\0';
    struct xd_tryton_page page = {.erp = erp,
                                  .cursor = clean,
                                  .max = max == 0 || max > XD_ERP_PAGE_MAX ? XD_ERP_PAGE_MAX : max,
                                  .start = entries->size,
                                  .writer = {.out = entries},
                                  .next = next};
    xd_writer_begin(&page.writer, NULL, '[');
    enum xd_result result = lists[what](&page);
    xd_writer_end(&page.writer, ']');
    return result == XD_OK && xd_buffer_result(entries) != XD_OK ? XD_UNAVAILABLE : result;
}
