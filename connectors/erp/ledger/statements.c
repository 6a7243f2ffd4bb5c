#include "erp/ledger/statements.h"

/* Base units per unit of the price of the sale's line l; of the line d of a shipment: those of before do not
 * say it, and counted as the sale's line was sold. */
#define SOLD_NUM "coalesce(nullif(l.price_num, 0), l.factor_num, 1)"
#define SOLD_DEN "coalesce(nullif(l.price_den, 0), l.factor_den, 1)"
#define FACTOR_NUM "coalesce(nullif(d.factor_num, 0), nullif(l.price_num, 0), l.factor_num, 1)"
#define FACTOR_DEN "coalesce(nullif(d.factor_den, 0), nullif(l.price_den, 0), l.factor_den, 1)"

const char *const xd_ledger_sql[XD_LEDGER_COUNT] = {
    [XD_LEDGER_SALE_BY_REFERENCE] = "SELECT number, fingerprint FROM sale WHERE reference = ?",
    [XD_LEDGER_SHIPMENT_BY_REFERENCE] =
        "SELECT number, fingerprint FROM shipment WHERE reference = ? AND reverses = 0",
    [XD_LEDGER_CUSTOMER_GET] =
        "SELECT active, currency, credit_limit, open_value FROM customer WHERE code = ?",
    [XD_LEDGER_CUSTOMER_SET] = "UPDATE customer SET open_value = ? WHERE code = ?",
    [XD_LEDGER_PRODUCT_GET] = "SELECT active, uom, unit_price FROM product WHERE sku = ?",
    [XD_LEDGER_SALE_ADD] =
        "INSERT INTO sale(reference, fingerprint, tenant, site, customer, currency, ordered_at, state)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, 'open')",
    [XD_LEDGER_SALE_LINE_ADD] =
        "INSERT INTO sale_line(sale, line_id, number, sku, uom, factor_num, factor_den, qty, unit_price,"
        " shipped, closed) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, '0', 0)",
    [XD_LEDGER_SALE_GET] = "SELECT number, customer FROM sale WHERE reference = ?",
    [XD_LEDGER_SALE_SET] = "UPDATE sale SET state = ? WHERE number = ?",
    [XD_LEDGER_SALE_LINE_GET] =
        "SELECT sku, uom, qty, unit_price, shipped, closed, factor_num, factor_den, price_uom, price_num,"
        " price_den FROM sale_line WHERE sale = ? AND line_id = ?",
    [XD_LEDGER_SALE_LINE_SET] = "UPDATE sale_line SET shipped = ?, closed = ? WHERE sale = ? AND line_id = ?",
    [XD_LEDGER_SALE_LINE_COUNT] =
        "UPDATE sale_line SET uom = ?, factor_num = 1, factor_den = 1, qty = ?, shipped = ?, price_uom = ?,"
        " price_num = ?, price_den = ? WHERE sale = ? AND line_id = ?",
    [XD_LEDGER_SALE_LINES] = "SELECT qty, shipped, closed FROM sale_line WHERE sale = ?",
    [XD_LEDGER_SHIPMENT_ADD] =
        "INSERT INTO shipment(reference, fingerprint, sale, site, shipped_at, reverses, dated)"
        " VALUES(?, ?, ?, ?, ?, ?, ?)",
    [XD_LEDGER_SHIPMENT_LINE_ADD] =
        "INSERT INTO shipment_line(shipment, number, line_id, sku, uom, qty, unbilled, close, lot,"
        " ordered_sku, base_qty, unit_price, factor_num, factor_den)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [XD_LEDGER_STOCK_GET] = "SELECT qty FROM stock WHERE site = ? AND sku = ?",
    [XD_LEDGER_STOCK_SET] =
        "INSERT INTO stock(site, sku, qty) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET qty = excluded.qty",
    [XD_LEDGER_ADJUSTMENT_BY_REFERENCE] = "SELECT number, fingerprint FROM adjustment WHERE reference = ?",
    [XD_LEDGER_ADJUSTMENT_ADD] =
        "INSERT INTO adjustment(reference, fingerprint, site, adjusted_at) VALUES(?, ?, ?, ?)",
    [XD_LEDGER_ADJUSTMENT_LINE_ADD] =
        "INSERT INTO adjustment_line(adjustment, number, sku, uom, qty) VALUES(?, ?, ?, ?, ?)",
    [XD_LEDGER_SALE_LINE_CHANGE] =
        "UPDATE sale_line SET qty = ?, unit_price = ?, price_uom = ?, price_num = ?, price_den = ?,"
        " closed = ? WHERE sale = ? AND line_id = ?",
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
    /* A sale that was typed in here has its own number, behind a =, where others have their reference. */
    [XD_LEDGER_SALE_LIST] =
        "SELECT changed, number, CASE WHEN reference LIKE '=%' THEN substr(reference, 2) END,"
        " CASE WHEN reference LIKE '=%' THEN NULL ELSE reference END, state, customer, currency, customer_po,"
        " ordered_at, site, ship_to FROM sale WHERE changed > ? ORDER BY changed LIMIT ?",
    [XD_LEDGER_SALE_LIST_LINES] =
        "SELECT line_id, l.sku, CASE WHEN l.uom = '' THEN coalesce(p.uom, '') ELSE l.uom END, factor_num,"
        " factor_den, qty, l.unit_price, shipped, closed, price_uom, price_num, price_den FROM sale_line l "
        "LEFT JOIN product p ON p.sku = "
        "l.sku"
        " WHERE sale = ? ORDER BY l.number",
    [XD_LEDGER_SALE_LIST_BILLED] = "SELECT d.qty, d.unbilled, " FACTOR_NUM ", " FACTOR_DEN " FROM shipment s"
                                   " JOIN shipment_line d ON d.shipment = s.number"
                                   " LEFT JOIN sale_line l ON l.sale = s.sale AND l.line_id = d.line_id"
                                   " WHERE s.sale = ? AND d.line_id = ?",
    [XD_LEDGER_SHIPMENT_LIST] =
        "SELECT d.changed, d.number, d.reference, d.sale,"
        " CASE WHEN s.reference LIKE '=%' THEN substr(s.reference, 2) END,"
        " CASE WHEN s.reference LIKE '=%' THEN NULL ELSE s.reference END, d.site, d.shipped_at, s.currency"
        " FROM shipment d LEFT JOIN sale s ON s.number = d.sale WHERE d.changed > ?"
        " ORDER BY d.changed LIMIT ?",
    [XD_LEDGER_SHIPMENT_LIST_LINES] =
        "SELECT d.line_id, d.sku, CASE WHEN d.uom = '' THEN coalesce(p.uom, '') ELSE d.uom END,"
        " " FACTOR_NUM ", " FACTOR_DEN ", d.qty, unbilled, coalesce(d.unit_price, l.unit_price, '0'),"
        " CASE WHEN d.unit_price IS NULL THEN " SOLD_NUM " ELSE " FACTOR_NUM " END,"
        " CASE WHEN d.unit_price IS NULL THEN " SOLD_DEN " ELSE " FACTOR_DEN " END, d.lot"
        " FROM shipment_line d JOIN shipment h ON h.number = d.shipment"
        " LEFT JOIN sale_line l ON l.sale = h.sale AND l.line_id = d.line_id"
        " LEFT JOIN product p ON p.sku = d.sku WHERE d.shipment = ? ORDER "
        "BY d.number",
    [XD_LEDGER_SALE_TYPED] = "UPDATE sale SET customer_po = ?, ship_to = ? WHERE number = ?",
    [XD_LEDGER_SALE_CHANGES] = "SELECT count(*) FROM sale_change WHERE sale = ?",
    [XD_LEDGER_REVERSAL_BY_REFERENCE] =
        "SELECT number, fingerprint FROM shipment WHERE reference = ? AND reverses > 0",
    [XD_LEDGER_SHIPMENT_UNDONE] =
        "SELECT number, coalesce((SELECT r.number FROM shipment r WHERE r.reverses = s.number AND r.reverses"
        " > 0), 0) FROM shipment s WHERE s.reference = ? AND s.reverses = 0",
    [XD_LEDGER_SHIPMENT_LINES] =
        "SELECT d.line_id, d.sku, d.uom, d.qty, d.unbilled, d.lot, d.ordered_sku, d.base_qty, d.unit_price,"
        " " FACTOR_NUM ", " FACTOR_DEN " FROM shipment_line d JOIN shipment h"
        " ON h.number = d.shipment LEFT JOIN sale_line l ON l.sale = "
        "h.sale AND l.line_id = d.line_id"
        " WHERE d.shipment = ? ORDER BY d.number",
    [XD_LEDGER_SHIPMENT_DATED] = "SELECT dated FROM shipment WHERE number = ?",
    [XD_LEDGER_PERIOD_GET] = "SELECT closed_until FROM period",
};
