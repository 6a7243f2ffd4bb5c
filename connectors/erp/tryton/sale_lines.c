/* Sales and their lines, as all parts find them. */
#include "erp/tryton/internal.h"

#include <stdio.h>
#include <string.h>

void xd_tryton_line_id(const struct xd_node *row, char out[XD_TRYTON_TEXT]) {
    const char *note = xd_node_text(row, "note");
    size_t prefix = strlen(XD_TRYTON_LINE_NOTE);
    if (note != NULL && strncmp(note, XD_TRYTON_LINE_NOTE, prefix) == 0) {
        (void)snprintf(out, XD_TRYTON_TEXT, "%.*s", (int)strcspn(note + prefix, "\n"), note + prefix);
    } else {
        (void)snprintf(out, XD_TRYTON_TEXT, "%lld", (long long)xd_node_int(row, "id"));
    }
}

enum xd_result xd_tryton_find_sale(struct xd_tryton *erp, const char *reference, const struct xd_node **out) {
    const struct xd_node *rows;
    bool by_number = reference != NULL && reference[0] == '=';
    *out = NULL;
    if (reference == NULL || reference[0] == '\0') {
        return XD_NOT_FOUND;
    }
    enum xd_result result =
        xd_rpc_ask(&erp->rpc, &rows, "model.sale.sale.search_read",
                   "[[\"%s\",\"=\",%s],[\"company\",\"=\",%lld]],0,1,[[\"id\",\"ASC\"]],"
                   "[\"number\",\"state\",\"party\",\"shipment_party\",\"shipment_address\",\"currency\","
                   "\"warehouse\",\"party.customer_location\",\"shipment_party.customer_location\"]",
                   by_number ? "number" : "reference",
                   xd_rpc_quote(&erp->rpc, reference + (by_number ? 1 : 0)), (long long)erp->rpc.company);
    *out = result == XD_OK ? xd_node_at(rows, 0) : NULL;
    return result == XD_OK && *out == NULL ? XD_NOT_FOUND : result;
}

enum xd_result xd_tryton_get_lines(struct xd_tryton *erp, int64_t sale, const struct xd_node **out) {
    return xd_rpc_ask(&erp->rpc, out, "model.sale.line.search_read",
                      "[[\"sale\",\"=\",%lld],[\"type\",\"=\",\"line\"]],0,null,[[\"id\",\"ASC\"]],"
                      "[\"note\",\"product\",\"product.code\",\"product.default_uom\",\"unit\",\"quantity\","
                      "\"unit_price\",\"moves_ignored\",\"moves_recreated\",\"description\"]",
                      (long long)sale);
}

/* ---- a new line ---- */

/* What is bought by the piece is sold by the piece, so that a part of a carton can be shipped and billed: but
 * where the piece's price is no number, the price says by what it is sold. */
static enum xd_result choose_unit(struct xd_tryton *erp, const struct xd_erp_line *line,
                                  const struct xd_tryton_product *product, struct xd_decimal base,
                                  int64_t *unit, struct xd_decimal *qty, struct xd_decimal *price) {
    *unit = product->unit;
    *qty = base;
    if (!line->has_unit_price) {
        *price = product->price;
        return XD_OK;
    }
    struct xd_decimal amount;
    if (xd_decimal_compare(base, line->qty) == 0) {
        *price = line->unit_price;
        return XD_OK;
    }
    for (size_t i = 0; i < erp->unit_count; i++) {
        struct xd_decimal one;
        if (erp->units[i].id != product->unit &&
            xd_tryton_expressible(erp, base, product->unit, erp->units[i].id, &amount) &&
            xd_decimal_compare(amount, line->qty) == 0 &&
            xd_tryton_convert(erp, xd_decimal_of(1), erp->units[i].id, product->unit, &one) == XD_OK) {
            if (xd_decimal_ratio(line->unit_price, 1, one.coefficient, price) == XD_OK && one.scale == 0 &&
                price->scale <= 4) {
                return XD_OK;
            }
            *unit = erp->units[i].id;
            *qty = amount;
            *price = line->unit_price;
            return XD_OK;
        }
    }
    if (line->factor_num > 0 &&
        xd_decimal_ratio(line->unit_price, line->factor_den, line->factor_num, price) == XD_OK &&
        price->scale <= 4) {
        return XD_OK;
    }
    return xd_rpc_refuse(&erp->rpc, "unknown_uom", "no unit of Tryton is what line %s calls %s",
                         line->line_id, line->uom);
}

/* The taxes that Tryton itself would put on the line: they depend on the customer. */
static enum xd_result ask_taxes(struct xd_tryton *erp, const char *sale_json, int64_t product,
                                const char **taxes) {
    const struct xd_node *changed;
    *taxes = "[]";
    enum xd_result result = xd_rpc_ask(&erp->rpc, &changed, "model.sale.line.on_change_product",
                                       "{\"product\":%lld,\"quantity\":1%s}", (long long)product, sale_json);
    if (result == XD_OK) {
        *taxes = xd_tryton_ids(erp, xd_node_member(changed, "taxes"));
    }
    return result;
}

static enum xd_result check_product(struct xd_tryton *erp, const struct xd_erp_line *line,
                                    struct xd_tryton_product *product) {
    enum xd_result result = xd_tryton_get_product(erp, line->sku, product);
    if (result != XD_OK) {
        return result;
    }
    if (!product->active) {
        return xd_rpc_refuse(&erp->rpc, "inactive_product", "product %s is not active", line->sku);
    }
    if (!line->has_unit_price && !product->has_price) {
        return xd_rpc_refuse(&erp->rpc, "missing_price", "product %s has no price and the line names none",
                             line->sku);
    }
    return XD_OK;
}

enum xd_result xd_tryton_write_line(struct xd_tryton *erp, const struct xd_erp_line *line,
                                    const char *sale_json, int64_t sale, bool with_quantity,
                                    struct xd_buffer *out) {
    struct xd_tryton_product product;
    struct xd_decimal base, qty = xd_decimal_of(0), price = xd_decimal_of(0);
    char text[XD_DECIMAL_TEXT_MAX], note[XD_TRYTON_TEXT + 16];
    const char *taxes = "[]";
    int64_t unit;
    enum xd_result result = check_product(erp, line, &product);
    if (result == XD_OK) {
        result = xd_tryton_to_base(erp, line, line->qty, product.unit, &base);
    }
    if (result == XD_OK) {
        result = choose_unit(erp, line, &product, base, &unit, &qty, &price);
    }
    if (result == XD_OK && product.taxed) {
        result = ask_taxes(erp, sale_json, product.id, &taxes);
    }
    if (result != XD_OK) {
        return result;
    }
    (void)snprintf(note, sizeof note, "%s%s", XD_TRYTON_LINE_NOTE, line->line_id);
    xd_buffer_byte(out, '{');
    if (sale != 0) {
        xd_buffer_format(out, "\"sale\":%lld,", (long long)sale);
    }
    xd_buffer_format(out, "\"product\":%lld,\"unit\":%lld,\"quantity\":%s,\"unit_price\":%s,\"note\":",
                     (long long)product.id, (long long)unit,
                     with_quantity ? xd_decimal_write(qty, text) : "0", xd_tryton_decimal_json(erp, price));
    xd_buffer_json(out, note);
    xd_buffer_format(out, ",\"taxes\":[[\"add\",%s]]}", taxes);
    return XD_OK;
}
