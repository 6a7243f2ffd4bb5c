/* Sales, shipments and invoices. A page is a few readings by ids: the documents, their lines, and what those
 * point to. */
#include "erp/tryton/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 9u

/* "sale.line,12" */
static int64_t behind(const char *text, const char *model) {
    size_t size = strlen(model);
    return text != NULL && strncmp(text, model, size) == 0 && text[size] == ','
               ? strtoll(text + size + 1, NULL, 10)
               : 0;
}

static bool is_text(const struct xd_node *row, const char *name, const char *text) {
    const char *value = xd_node_text(row, name);
    return value != NULL && strcmp(value, text) == 0;
}

/* Whether we made the line: then its sale's reference is ours, else whatever somebody typed. */
static bool is_ours(const struct xd_node *line) {
    const char *note = xd_node_text(line, "note");
    return note != NULL && strncmp(note, XD_TRYTON_LINE_NOTE, strlen(XD_TRYTON_LINE_NOTE)) == 0;
}

static struct xd_decimal plus(struct xd_decimal a, struct xd_decimal b) {
    struct xd_decimal out;
    return xd_decimal_add(a, b, &out) == XD_OK ? out : a;
}

/* A row's quantity in base units; rows that cannot be read count as nothing. */
static struct xd_decimal base_of(struct xd_tryton *erp, const struct xd_node *row, const char *unit,
                                 int64_t base) {
    struct xd_decimal qty, out;
    if (!xd_tryton_number(xd_node_member(row, "quantity"), DIGITS, &qty) ||
        xd_tryton_convert(erp, qty, xd_node_int(row, unit), base, &out) != XD_OK) {
        return xd_decimal_of(0);
    }
    return out;
}

static void write_date(struct xd_tryton_page *page, const char *name, const struct xd_node *node,
                       const char *clock) {
    char text[64];
    if (xd_node_int(node, "year") == 0) {
        xd_tryton_write_null(page, name);
        return;
    }
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d%s", (int)xd_node_int(node, "year"),
                   (int)xd_node_int(node, "month"), (int)xd_node_int(node, "day"), clock);
    xd_writer_text(&page->writer, name, text);
}

static const char *ids_of(struct xd_tryton *erp, const struct xd_tryton_change *changes, size_t count,
                          size_t source) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    xd_buffer_byte(&text, '[');
    for (size_t i = 0; i < count; i++) {
        if (changes[i].source == source) {
            xd_buffer_format(&text, "%s%lld", text.size > 1 ? "," : "", (long long)changes[i].id);
        }
    }
    xd_buffer_byte(&text, ']');
    const char *kept = xd_tryton_keep(erp, &text);
    return kept == NULL ? "[]" : kept;
}

/* "uom", "qty" and "base_qty" of a row of goods. */
static void write_quantity(struct xd_tryton_page *page, const struct xd_node *row, const char *unit_name,
                           int64_t base_unit, bool negative) {
    const struct xd_tryton_unit *unit;
    struct xd_decimal qty, base = base_of(page->erp, row, unit_name, base_unit);
    char uom[16] = "";
    if (xd_tryton_get_unit(page->erp, xd_node_int(row, unit_name), &unit) == XD_OK) {
        xd_tryton_name_unit(unit, uom);
    }
    if (!xd_tryton_number(xd_node_member(row, "quantity"), DIGITS, &qty)) {
        qty = xd_decimal_of(0);
    }
    xd_tryton_write_text(page, "uom", uom);
    xd_writer_decimal(&page->writer, "qty", negative ? xd_decimal_negate(qty) : qty);
    xd_writer_decimal(&page->writer, "base_qty", negative ? xd_decimal_negate(base) : base);
}

/* ---- sales ---- */

struct sales {
    const struct xd_node *sales, *lines, *moves, *bills;
};

struct tally {
    struct xd_decimal shipped, closed, billed;
};

static struct tally tally_of(struct xd_tryton *erp, const struct sales *all, const struct xd_node *line) {
    struct tally tally = {xd_decimal_of(0), xd_decimal_of(0), xd_decimal_of(0)};
    int64_t id = xd_node_int(line, "id"), base = xd_node_int(xd_node_member(line, "product."), "default_uom");
    for (const struct xd_node *row = all->moves->child; row != NULL; row = row->next) {
        if (behind(xd_node_text(row, "origin"), "sale.line") != id) {
            continue;
        }
        struct xd_decimal qty = base_of(erp, row, "uom", base);
        bool back = behind(xd_node_text(row, "shipment"), "stock.shipment.out.return") != 0;
        if (is_text(row, "state", "done")) {
            tally.shipped = plus(tally.shipped, back ? xd_decimal_negate(qty) : qty);
        } else if (is_text(row, "state", "cancelled") && is_text(row, "sale_exception_state", "ignored")) {
            tally.closed = plus(tally.closed, qty);
        }
    }
    for (const struct xd_node *row = all->bills->child; row != NULL; row = row->next) {
        if (behind(xd_node_text(row, "origin"), "sale.line") == id &&
            !is_text(row, "invoice_state", "cancelled")) {
            tally.billed = plus(tally.billed, base_of(erp, row, "unit", base));
        }
    }
    return tally;
}

static const char *state_of(struct xd_tryton *erp, const struct sales *all, const struct xd_node *sale) {
    bool open = false, any = false;
    if (is_text(sale, "state", "draft") || is_text(sale, "state", "quotation")) {
        return "draft";
    }
    for (const struct xd_node *line = all->lines->child; line != NULL; line = line->next) {
        if (xd_node_int(line, "sale") == xd_node_int(sale, "id")) {
            struct tally tally = tally_of(erp, all, line);
            struct xd_decimal ordered =
                base_of(erp, line, "unit", xd_node_int(xd_node_member(line, "product."), "default_uom"));
            any = any || !xd_decimal_is_zero(ordered);
            open = open || xd_decimal_compare(plus(tally.shipped, tally.closed), ordered) < 0;
        }
    }
    return is_text(sale, "state", "cancelled") || !any ? "cancelled" : open ? "open" : "done";
}

/* A street may have lines of its own. */
static void write_street(struct xd_tryton_page *page, const char *street) {
    xd_writer_begin(&page->writer, "address", '[');
    while (street != NULL && *street != '\0') {
        char line[128];
        size_t size = strcspn(street, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)size, street);
        if (size > 0) {
            xd_tryton_write_words(page, NULL, line);
        }
        street += size + (street[size] != '\0' ? 1 : 0);
    }
    xd_writer_end(&page->writer, ']');
}

static void write_ship_to(struct xd_tryton_page *page, const struct xd_node *sale) {
    const struct xd_node *address = xd_node_member(sale, "shipment_address.");
    if (address == NULL || address->kind != XD_NODE_OBJECT) {
        xd_tryton_write_null(page, "ship_to");
        return;
    }
    xd_writer_begin(&page->writer, "ship_to", '{');
    const char *name = xd_node_text(address, "party_name");
    xd_tryton_write_words(
        page, "name",
        name != NULL && name[0] != '\0' ? name : xd_node_text(xd_node_member(address, "party."), "name"));
    write_street(page, xd_node_text(address, "street"));
    xd_writer_text(&page->writer, "city", xd_node_text(address, "city"));
    xd_writer_text(&page->writer, "postal_code", xd_node_text(address, "postal_code"));
    xd_writer_text(&page->writer, "country", xd_node_text(xd_node_member(address, "country."), "code"));
    xd_writer_end(&page->writer, '}');
}

static void write_sale_line(struct xd_tryton_page *page, const struct sales *all,
                            const struct xd_node *line) {
    char id[XD_TRYTON_TEXT];
    const struct xd_node *product = xd_node_member(line, "product.");
    struct tally tally = tally_of(page->erp, all, line);
    xd_tryton_line_id(line, id);
    xd_writer_begin(&page->writer, NULL, '{');
    xd_writer_text(&page->writer, "line_id", id);
    xd_tryton_write_text(page, "sku", xd_node_text(product, "code"));
    write_quantity(page, line, "unit", xd_node_int(product, "default_uom"), false);
    xd_tryton_write_number(page, "unit_price", xd_node_member(line, "unit_price"));
    xd_writer_decimal(&page->writer, "shipped", tally.shipped);
    xd_writer_decimal(&page->writer, "invoiced", tally.billed);
    xd_writer_end(&page->writer, '}');
}

static const struct xd_node *first_line(const struct sales *all, int64_t sale) {
    for (const struct xd_node *line = all->lines->child; line != NULL; line = line->next) {
        if (xd_node_int(line, "sale") == sale) {
            return line;
        }
    }
    return NULL;
}

static void write_sale(struct xd_tryton_page *page, const struct sales *all, const struct xd_node *sale) {
    int64_t id = xd_node_int(sale, "id");
    const char *reference = xd_node_text(sale, "reference");
    bool ours = is_ours(first_line(all, id));
    xd_writer_begin(&page->writer, NULL, '{');
    xd_tryton_write_text(page, "number", xd_node_text(sale, "number"));
    xd_tryton_write_text(page, "reference", ours ? reference : NULL);
    xd_writer_text(&page->writer, "state", state_of(page->erp, all, sale));
    xd_tryton_write_text(page, "customer", xd_node_text(xd_node_member(sale, "party."), "code"));
    xd_tryton_write_text(page, "currency", xd_node_text(xd_node_member(sale, "currency."), "code"));
    xd_tryton_write_text(page, "customer_po", ours ? NULL : reference);
    const struct xd_node *date = xd_node_member(sale, "sale_date");
    write_date(page, "ordered_at",
               xd_node_int(date, "year") != 0 ? date : xd_node_member(sale, "create_date"), "T00:00:00.000Z");
    xd_tryton_write_text(page, "site", xd_node_text(xd_node_member(sale, "warehouse."), "code"));
    write_ship_to(page, sale);
    xd_writer_begin(&page->writer, "lines", '[');
    for (const struct xd_node *line = all->lines->child; line != NULL; line = line->next) {
        const struct xd_node *product = xd_node_member(line, "product.");
        if (xd_node_int(line, "sale") == id && product != NULL && product->kind == XD_NODE_OBJECT) {
            write_sale_line(page, all, line);
        }
    }
    xd_writer_end(&page->writer, ']');
    xd_writer_end(&page->writer, '}');
}

static enum xd_result read_sales(struct xd_tryton *erp, const char *ids, struct sales *out) {
    struct xd_rpc *rpc = &erp->rpc;
    enum xd_result result = xd_rpc_ask(
        rpc, &out->lines, "model.sale.line.search_read",
        "[[\"sale\",\"in\",%s],[\"type\",\"=\",\"line\"]],0,null,[[\"id\",\"ASC\"]],"
        "[\"sale\",\"note\",\"product.code\",\"product.default_uom\",\"unit\",\"quantity\",\"unit_price\"]",
        ids);
    if (result == XD_OK) {
        result =
            xd_rpc_ask(rpc, &out->moves, "model.stock.move.search_read",
                       "[[\"sale\",\"in\",%s]],0,null,[[\"id\",\"ASC\"]],"
                       "[\"origin\",\"state\",\"quantity\",\"uom\",\"shipment\",\"sale_exception_state\"]",
                       ids);
    }
    if (result == XD_OK) {
        result = xd_rpc_ask(rpc, &out->bills, "model.account.invoice.line.search_read",
                            "[[\"origin.sale\",\"in\",%s,\"sale.line\"]],0,null,[[\"id\",\"ASC\"]],"
                            "[\"origin\",\"quantity\",\"unit\",\"invoice_state\"]",
                            ids);
    }
    return result;
}

/* A sale changes when its shipments and invoices do. */
static const struct xd_tryton_source sale_sources[] = {
    {"sale.sale", ""},
    {"stock.shipment.out", ""},
    {"stock.shipment.out.return", ""},
    {"account.invoice", ",[\"type\",\"=\",\"out\"]"},
};
#define SALE_SOURCES (sizeof sale_sources / sizeof sale_sources[0])

static enum xd_result find_sales(struct xd_tryton *erp, const struct xd_tryton_change *changes, size_t count,
                                 const struct xd_node **out) {
    return xd_rpc_ask(
        &erp->rpc, out, "model.sale.sale.search_read",
        "[[\"OR\",[\"id\",\"in\",%s],[\"lines.moves.shipment.id\",\"in\",%s,\"stock.shipment.out\"],"
        "[\"lines.moves.shipment.id\",\"in\",%s,\"stock.shipment.out.return\"],"
        "[\"lines.invoice_lines.invoice\",\"in\",%s]]],0,null,[[\"id\",\"ASC\"]],"
        "[\"number\",\"reference\",\"state\",\"party.code\",\"currency.code\",\"sale_date\",\"create_date\","
        "\"warehouse.code\",\"shipment_address.street\",\"shipment_address.city\",\"shipment_address.postal_"
        "code\","
        "\"shipment_address.country.code\",\"shipment_address.party_name\",\"shipment_address.party.name\"]",
        ids_of(erp, changes, count, 0), ids_of(erp, changes, count, 1), ids_of(erp, changes, count, 2),
        ids_of(erp, changes, count, 3));
}

enum xd_result xd_tryton_list_sales(struct xd_tryton_page *page) {
    const struct xd_tryton_change *changes;
    struct sales all = {.sales = NULL};
    size_t count;
    enum xd_result result = xd_tryton_changes(page, sale_sources, SALE_SOURCES, page->max, &changes, &count);
    if (result != XD_OK || count == 0) {
        return result;
    }
    do { /* a shipment may be of many sales: then fewer changes make a page */
        result = find_sales(page->erp, changes, count, &all.sales);
    } while (result == XD_OK && all.sales->count > page->max && (count /= 2) > 0);
    if (result == XD_OK) {
        result = read_sales(page->erp, xd_tryton_ids(page->erp, all.sales), &all);
    }
    for (const struct xd_node *sale = result == XD_OK ? all.sales->child : NULL; sale != NULL;
         sale = sale->next) {
        write_sale(page, &all, sale);
    }
    xd_tryton_changes_next(page, &changes[count > 0 ? count - 1 : 0]);
    return result;
}

/* ---- shipments ---- */

struct parcels {
    const struct xd_node *moves, *others,
        *lines; /* others: moves of lines, that moves of no line belong to */
};

static int64_t line_of(const struct parcels *all, const struct xd_node *move) {
    const char *origin = xd_node_text(move, "origin");
    int64_t line = behind(origin, "sale.line"), other = behind(origin, "stock.move");
    if (line == 0 && other != 0) {
        const struct xd_node *owner = xd_tryton_row(all->moves, other);
        owner = owner != NULL ? owner : xd_tryton_row(all->others, other);
        line = behind(xd_node_text(owner, "origin"), "sale.line");
    }
    return line;
}

static void write_parcel_line(struct xd_tryton_page *page, const struct parcels *all,
                              const struct xd_node *move, bool back) {
    const struct xd_node *line = xd_tryton_row(all->lines, line_of(all, move));
    const struct xd_node *product = xd_node_member(move, "product.");
    char id[XD_TRYTON_TEXT] = "";
    if (line != NULL) {
        xd_tryton_line_id(line, id);
    }
    xd_writer_begin(&page->writer, NULL, '{');
    xd_tryton_write_text(page, "line_id", id);
    xd_tryton_write_text(page, "sku", xd_node_text(product, "code"));
    write_quantity(page, move, "uom", xd_node_int(product, "default_uom"), back);
    xd_tryton_write_text(page, "lot", xd_node_text(xd_node_member(move, "lot."), "number"));
    xd_writer_end(&page->writer, '}');
}

static const char *parcel_state(const struct xd_node *row) {
    return is_text(row, "state", "done")        ? "done"
           : is_text(row, "state", "cancelled") ? "cancelled"
                                                : "waiting";
}

static void write_parcel(struct xd_tryton_page *page, const struct parcels *all, const struct xd_node *row,
                         bool back) {
    const struct xd_node *ids = xd_node_member(row, back ? "incoming_moves" : "outgoing_moves");
    const struct xd_node *sold = NULL, *sale = NULL;
    bool cancelled = is_text(row, "state", "cancelled");
    for (const struct xd_node *at = ids == NULL ? NULL : ids->child; at != NULL && sold == NULL;
         at = at->next) {
        sold = xd_tryton_row(all->lines, line_of(all, xd_tryton_row(all->moves, xd_node_int_of(at))));
    }
    sale = xd_node_member(sold, "sale.");
    xd_writer_begin(&page->writer, NULL, '{');
    xd_tryton_write_text(page, "number", xd_node_text(row, "number"));
    xd_tryton_write_text(page, "reference", xd_node_text(row, "reference"));
    xd_tryton_write_text(page, "sale", xd_node_text(sale, "number"));
    xd_tryton_write_text(page, "sale_reference", is_ours(sold) ? xd_node_text(sale, "reference") : NULL);
    xd_tryton_write_text(page, "site", xd_node_text(xd_node_member(row, "warehouse."), "code"));
    xd_writer_text(&page->writer, "state", parcel_state(row));
    write_date(page, "at", xd_node_member(row, "effective_date"), "T00:00:00.000Z");
    write_date(page, "ship_by", xd_node_member(row, "planned_date"), "");
    xd_writer_begin(&page->writer, "lines", '[');
    for (const struct xd_node *at = ids == NULL ? NULL : ids->child; at != NULL; at = at->next) {
        const struct xd_node *move = xd_tryton_row(all->moves, xd_node_int_of(at));
        if (move != NULL && (cancelled || !is_text(move, "state", "cancelled"))) {
            write_parcel_line(page, all, move, back);
        }
    }
    xd_writer_end(&page->writer, ']');
    xd_writer_end(&page->writer, '}');
}

/* The ids that the origins of these rows name. */
static const char *origins_of(struct xd_tryton *erp, const struct xd_node *rows, const struct xd_node *more,
                              const char *model) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    xd_buffer_byte(&text, '[');
    for (int pass = 0; pass < 2; pass++, rows = more) {
        for (const struct xd_node *row = rows == NULL ? NULL : rows->child; row != NULL; row = row->next) {
            int64_t id = behind(xd_node_text(row, "origin"), model);
            if (id != 0) {
                xd_buffer_format(&text, "%s%lld", text.size > 1 ? "," : "", (long long)id);
            }
        }
    }
    xd_buffer_byte(&text, ']');
    const char *kept = xd_tryton_keep(erp, &text);
    return kept == NULL ? "[]" : kept;
}

/* Of all moves of the shipments those between us and the customer. */
static enum xd_result read_parcels(struct xd_tryton *erp, const struct xd_node *out_rows,
                                   const struct xd_node *back_rows, struct parcels *all) {
    struct xd_rpc *rpc = &erp->rpc;
    const char *out_ids = xd_tryton_ids(erp, out_rows), *back_ids = xd_tryton_ids(erp, back_rows);
    enum xd_result result =
        xd_rpc_ask(rpc, &all->moves, "model.stock.move.search_read",
                   "[[\"OR\",[\"shipment.id\",\"in\",%s,\"stock.shipment.out\"],"
                   "[\"shipment.id\",\"in\",%s,\"stock.shipment.out.return\"]]],0,null,[[\"id\",\"ASC\"]],"
                   "[\"origin\",\"state\",\"quantity\",\"uom\",\"product.code\",\"product.default_uom\","
                   "\"lot.number\"]",
                   out_ids, back_ids);
    if (result == XD_OK) {
        result = xd_rpc_ask(rpc, &all->others, "model.stock.move.search_read",
                            "[[\"id\",\"in\",%s]],0,null,null,[\"origin\"]",
                            origins_of(erp, all->moves, NULL, "stock.move"));
    }
    if (result == XD_OK) {
        result = xd_rpc_ask(rpc, &all->lines, "model.sale.line.search_read",
                            "[[\"id\",\"in\",%s]],0,null,null,[\"note\",\"sale.number\",\"sale.reference\"]",
                            origins_of(erp, all->moves, all->others, "sale.line"));
    }
    return result;
}

static enum xd_result read_parcel_rows(struct xd_tryton *erp, const char *model, const char *moves,
                                       const char *ids, const struct xd_node **out) {
    char method[64];
    (void)snprintf(method, sizeof method, "model.%s.search_read", model);
    return xd_rpc_ask(
        &erp->rpc, out, method,
        "[[\"id\",\"in\",%s]],0,null,null,[\"number\",\"reference\",\"state\",\"warehouse.code\","
        "\"effective_date\",\"planned_date\",\"%s\"]",
        ids, moves);
}

enum xd_result xd_tryton_list_shipments(struct xd_tryton_page *page) {
    static const struct xd_tryton_source sources[] = {{"stock.shipment.out", ""},
                                                      {"stock.shipment.out.return", ""}};
    const struct xd_tryton_change *changes;
    const struct xd_node *rows[2];
    struct parcels all = {.moves = NULL};
    size_t count;
    enum xd_result result = xd_tryton_changes(page, sources, 2, page->max, &changes, &count);
    if (result != XD_OK || count == 0) {
        return result;
    }
    result = read_parcel_rows(page->erp, sources[0].model, "outgoing_moves",
                              ids_of(page->erp, changes, count, 0), &rows[0]);
    if (result == XD_OK) {
        result = read_parcel_rows(page->erp, sources[1].model, "incoming_moves",
                                  ids_of(page->erp, changes, count, 1), &rows[1]);
    }
    if (result == XD_OK) {
        result = read_parcels(page->erp, rows[0], rows[1], &all);
    }
    for (size_t i = 0; result == XD_OK && i < count; i++) {
        const struct xd_node *row = xd_tryton_row(rows[changes[i].source], changes[i].id);
        if (row != NULL) {
            write_parcel(page, &all, row, changes[i].source == 1);
        }
    }
    xd_tryton_changes_next(page, &changes[count - 1]);
    return result;
}

/* ---- invoices ---- */

static void write_bill(struct xd_tryton_page *page, const struct xd_node *row, const struct xd_node *lines,
                       const struct xd_node *sold) {
    const struct xd_node *first = NULL;
    int64_t id = xd_node_int(row, "id");
    for (const struct xd_node *line = lines->child; line != NULL && first == NULL; line = line->next) {
        first = xd_node_int(line, "invoice") == id
                    ? xd_tryton_row(sold, behind(xd_node_text(line, "origin"), "sale.line"))
                    : NULL;
    }
    const struct xd_node *sale = xd_node_member(first, "sale.");
    xd_writer_begin(&page->writer, NULL, '{');
    xd_tryton_write_text(page, "number", xd_node_text(row, "number"));
    xd_tryton_write_text(page, "sale", xd_node_text(sale, "number"));
    xd_tryton_write_text(page, "sale_reference", is_ours(first) ? xd_node_text(sale, "reference") : NULL);
    xd_writer_text(&page->writer, "state",
                   is_text(row, "state", "validated") ? "draft" : xd_node_text(row, "state"));
    xd_tryton_write_text(page, "currency", xd_node_text(xd_node_member(row, "currency."), "code"));
    xd_tryton_write_number(page, "total", xd_node_member(row, "total_amount"));
    xd_writer_begin(&page->writer, "lines", '[');
    for (const struct xd_node *line = lines->child; line != NULL; line = line->next) {
        const struct xd_node *product = xd_node_member(line, "product.");
        const struct xd_node *of = xd_tryton_row(sold, behind(xd_node_text(line, "origin"), "sale.line"));
        char line_id[XD_TRYTON_TEXT] = "";
        if (xd_node_int(line, "invoice") != id || product == NULL || product->kind != XD_NODE_OBJECT) {
            continue;
        }
        if (of != NULL) {
            xd_tryton_line_id(of, line_id);
        }
        xd_writer_begin(&page->writer, NULL, '{');
        xd_tryton_write_text(page, "line_id", line_id);
        xd_tryton_write_text(page, "sku", xd_node_text(product, "code"));
        xd_writer_decimal(&page->writer, "base_qty",
                          base_of(page->erp, line, "unit", xd_node_int(product, "default_uom")));
        xd_writer_end(&page->writer, '}');
    }
    xd_writer_end(&page->writer, ']');
    xd_writer_end(&page->writer, '}');
}

enum xd_result xd_tryton_list_invoices(struct xd_tryton_page *page) {
    static const struct xd_tryton_source source = {"account.invoice", ",[\"type\",\"=\",\"out\"]"};
    struct xd_rpc *rpc = &page->erp->rpc;
    const struct xd_tryton_change *changes;
    const struct xd_node *rows, *lines, *sold;
    size_t count;
    enum xd_result result = xd_tryton_changes(page, &source, 1, page->max, &changes, &count);
    if (result != XD_OK || count == 0) {
        return result;
    }
    const char *ids = ids_of(page->erp, changes, count, 0);
    result = xd_rpc_ask(
        rpc, &rows, "model.account.invoice.search_read",
        "[[\"id\",\"in\",%s]],0,null,null,[\"number\",\"state\",\"currency.code\",\"total_amount\"]", ids);
    if (result == XD_OK) {
        result = xd_rpc_ask(
            rpc, &lines, "model.account.invoice.line.search_read",
            "[[\"invoice\",\"in\",%s],[\"type\",\"=\",\"line\"]],0,null,[[\"id\",\"ASC\"]],"
            "[\"invoice\",\"origin\",\"quantity\",\"unit\",\"product.code\",\"product.default_uom\"]",
            ids);
    }
    if (result == XD_OK) {
        result = xd_rpc_ask(rpc, &sold, "model.sale.line.search_read",
                            "[[\"id\",\"in\",%s]],0,null,null,[\"note\",\"sale.number\",\"sale.reference\"]",
                            origins_of(page->erp, lines, NULL, "sale.line"));
    }
    for (size_t i = 0; result == XD_OK && i < count; i++) {
        const struct xd_node *row = xd_tryton_row(rows, changes[i].id);
        if (row != NULL) {
            write_bill(page, row, lines, sold);
        }
    }
    xd_tryton_changes_next(page, &changes[count - 1]);
    return result;
}
