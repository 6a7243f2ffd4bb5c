#include "erp/ledger/statements.h"

const char *const xd_ledger_sql[XD_LEDGER_COUNT] = {
    [XD_LEDGER_SALE_BY_REFERENCE] = "SELECT number, fingerprint FROM sale WHERE reference = ?",
    [XD_LEDGER_SHIPMENT_BY_REFERENCE] = "SELECT number, fingerprint FROM shipment WHERE reference = ?",
    [XD_LEDGER_CUSTOMER_GET] =
        "SELECT active, currency, credit_limit, open_value FROM customer WHERE code = ?",
    [XD_LEDGER_CUSTOMER_SET] = "UPDATE customer SET open_value = ? WHERE code = ?",
    [XD_LEDGER_PRODUCT_GET] = "SELECT active, uom, unit_price FROM product WHERE sku = ?",
    [XD_LEDGER_SALE_ADD] =
        "INSERT INTO sale(reference, fingerprint, tenant, site, customer, currency, ordered_at, state)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, 'open')",
    [XD_LEDGER_SALE_LINE_ADD] =
        "INSERT INTO sale_line(sale, line_id, number, sku, uom, qty, unit_price, shipped, closed)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, '0', 0)",
    [XD_LEDGER_SALE_GET] = "SELECT number, customer FROM sale WHERE reference = ?",
    [XD_LEDGER_SALE_SET] = "UPDATE sale SET state = ? WHERE number = ?",
    [XD_LEDGER_SALE_LINE_GET] =
        "SELECT sku, uom, qty, unit_price, shipped, closed FROM sale_line WHERE sale = ? AND line_id = ?",
    [XD_LEDGER_SALE_LINE_SET] = "UPDATE sale_line SET shipped = ?, closed = ? WHERE sale = ? AND line_id = ?",
    [XD_LEDGER_SALE_LINES] = "SELECT qty, shipped, closed FROM sale_line WHERE sale = ?",
    [XD_LEDGER_SHIPMENT_ADD] =
        "INSERT INTO shipment(reference, fingerprint, sale, site, shipped_at) VALUES(?, ?, ?, ?, ?)",
    [XD_LEDGER_SHIPMENT_LINE_ADD] =
        "INSERT INTO shipment_line(shipment, number, line_id, sku, uom, qty, unbilled, close)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [XD_LEDGER_STOCK_GET] = "SELECT qty FROM stock WHERE site = ? AND sku = ?",
    [XD_LEDGER_STOCK_SET] =
        "INSERT INTO stock(site, sku, qty) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET qty = excluded.qty",
    [XD_LEDGER_ADJUSTMENT_BY_REFERENCE] = "SELECT number, fingerprint FROM adjustment WHERE reference = ?",
    [XD_LEDGER_ADJUSTMENT_ADD] =
        "INSERT INTO adjustment(reference, fingerprint, site, adjusted_at) VALUES(?, ?, ?, ?)",
    [XD_LEDGER_ADJUSTMENT_LINE_ADD] =
        "INSERT INTO adjustment_line(adjustment, number, sku, uom, qty) VALUES(?, ?, ?, ?, ?)",
    [XD_LEDGER_SALE_LINE_CHANGE] =
        "UPDATE sale_line SET qty = ?, unit_price = ?, closed = ? WHERE sale = ? AND line_id = ?",
    [XD_LEDGER_SALE_LINE_NUMBER] = "SELECT coalesce(max(number), 0) FROM sale_line WHERE sale = ?",
    [XD_LEDGER_CHANGE_BY_REFERENCE] = "SELECT number, fingerprint FROM sale_change WHERE reference = ?",
    [XD_LEDGER_CHANGE_ADD] =
        "INSERT INTO sale_change(reference, fingerprint, sale, changed_at) VALUES(?, ?, ?, ?)",
    [XD_LEDGER_CUSTOMER_LIST] =
        "SELECT code, name, active, credit_limit, currency FROM customer WHERE code > ?"
        " ORDER BY code LIMIT ?",
    [XD_LEDGER_PRODUCT_LIST] = "SELECT sku, description, uom, unit_price, active, lot_tracked FROM product"
                               " WHERE sku > ? ORDER BY sku LIMIT ?",
    [XD_LEDGER_STOCK_LIST] =
        "SELECT site, sku, qty FROM stock WHERE (site, sku) > (?, ?) ORDER BY site, sku LIMIT ?",
};
