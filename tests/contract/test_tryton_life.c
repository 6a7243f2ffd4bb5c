/* The life of sales in a real Tryton, step by step, as it was seen from both sides: what the connector
 * answers, and what Tryton then shows. Skipped unless XD_TRYTON names a server. */
#include "contract/cutting_proxy.h"
#include "contract/tryton_erp.h"

#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct xd_erp erp;

/* ---- requests ---- */

static struct xd_erp_line a_line(const char *line_id, const char *sku, const char *qty) {
    struct xd_erp_line line = {.line_id = line_id,
                               .sku = sku,
                               .uom = "EA",
                               .factor_num = 1,
                               .factor_den = 1,
                               .qty = stores_decimal(qty),
                               .unbilled = xd_decimal_of(0)};
    return line;
}

static struct xd_erp_request a_request(enum xd_erp_kind kind, const char *reference, const char *sale,
                                       const char *site, const struct xd_erp_line *lines, size_t count) {
    struct xd_erp_request request = {.kind = kind,
                                     .reference = reference,
                                     .sale_reference = sale,
                                     .tenant = "t",
                                     .site = site,
                                     .customer = "CUST-1",
                                     .currency = "EUR",
                                     .at = 0,
                                     .lines = lines,
                                     .line_count = count};
    return request;
}

static struct xd_erp_answer post(const struct xd_erp_request *request) {
    struct xd_erp_answer answer;
    memset(&answer, 0x55, sizeof answer);
    erp.post(erp.context, request, &answer);
    print_message("%-10s %-14s -> %s %s %s %s\n", xd_erp_kind_names[request->kind], request->reference,
                  xd_erp_outcome_names[answer.outcome], answer.document, answer.code, answer.detail);
    return answer;
}

static void assert_done(struct xd_erp_answer answer) {
    if (answer.outcome != XD_ERP_DONE) {
        fail_msg("%s: %s: %s", xd_erp_outcome_names[answer.outcome], answer.code, answer.detail);
    }
}

static void assert_refused(struct xd_erp_answer answer, const char *code) {
    assert_int_equal(answer.outcome, XD_ERP_REJECTED);
    assert_string_equal(answer.code, code);
    assert_true(answer.detail[0] != '\0');
}

static struct xd_erp_answer find(enum xd_erp_kind kind, const char *reference) {
    struct xd_erp_answer answer;
    erp.find(erp.context, kind, reference, &answer);
    return answer;
}

/* ---- what Tryton shows ---- */

static void assert_stock(const char *site, const char *sku, const char *expected) {
    char context[64];
    struct xd_rpc *rpc = tryton_admin();
    const struct xd_node *place, *rows;
    place = tryton_ask("model.stock.location.search",
                       "[[\"code\",\"=\",\"%s\"],[\"type\",\"=\",\"warehouse\"]]", site);
    (void)snprintf(context, sizeof context, ",\"locations\":[%lld]",
                   (long long)xd_node_int_of(xd_node_at(place, 0)));
    rpc->more = context;
    assert_int_equal(xd_rpc_ask(rpc, &rows, "model.product.product.search_read",
                                "[[\"code\",\"=\",\"%s\"]],0,1,null,[\"quantity\"]", sku),
                     XD_OK);
    assert_string_equal(xd_node_text(xd_node_at(rows, 0), "quantity"), expected);
}

/* "state/shipment state" of the sale and its moves as "quantity@lot:state", in the order of their making or,
 * where that depends on what failed, of their states. */
static void describe_by(const char *reference, const char *order, char *out, size_t size) {
    const struct xd_node *sale = xd_node_at(
        tryton_ask("model.sale.sale.search_read",
                   "[[\"reference\",\"=\",\"%s\"]],0,null,null,[\"state\",\"shipment_state\",\"invoices\"]",
                   reference),
        0);
    int64_t id = xd_node_int(sale, "id");
    const struct xd_node *moves =
        tryton_ask("model.stock.move.search_read",
                   "[[\"sale\",\"=\",%lld]],0,null,%s,[\"state\",\"quantity\",\"uom.symbol\","
                   "\"shipment\",\"product.code\",\"lot.number\",\"from_location.code\"]",
                   (long long)id, order);
    int used =
        snprintf(out, size, "%s/%s", xd_node_text(sale, "state"), xd_node_text(sale, "shipment_state"));
    for (const struct xd_node *row = moves->child; row != NULL; row = row->next) {
        const char *lot = xd_node_text(xd_node_member(row, "lot."), "number");
        used += snprintf(out + used, size - (size_t)used, " %s%s%s:%s%s", xd_node_text(row, "quantity"),
                         lot != NULL ? "@" : "", lot != NULL ? lot : "", xd_node_text(row, "state"),
                         strstr(xd_node_text(row, "shipment"), "return") != NULL ? ":back" : "");
    }
    print_message("           %s\n", out);
}

static void describe(const char *reference, char *out, size_t size) {
    describe_by(reference, "[[\"id\",\"ASC\"]]", out, size);
}

static void describe_by_state(const char *reference, char *out, size_t size) {
    describe_by(reference, "[[\"state\",\"ASC\"],[\"quantity\",\"DESC\"],[\"id\",\"ASC\"]]", out, size);
}

static void billed(const char *reference, char *out, size_t size) {
    const struct xd_node *lines =
        tryton_ask("model.account.invoice.line.search_read",
                   "[[\"origin.sale.reference\",\"=\",\"%s\",\"sale.line\"]],0,null,[[\"id\",\"ASC\"]],"
                   "[\"quantity\",\"amount\"]",
                   reference);
    int used = snprintf(out, size, "billed:");
    for (const struct xd_node *row = lines->child; row != NULL; row = row->next) {
        used += snprintf(out + used, size - (size_t)used, " %s", xd_node_text(row, "quantity"));
    }
    print_message("           %s\n", out);
}

static void sell(const char *reference, const char *sku, const char *qty) {
    struct xd_erp_line line = a_line("L1", sku, qty);
    struct xd_erp_request request = a_request(XD_ERP_SALE, reference, NULL, "WH1", &line, 1);
    assert_done(post(&request));
}

static struct xd_erp_answer ship(const char *reference, const char *sale, const char *site, const char *sku,
                                 const char *qty, bool close) {
    struct xd_erp_line line = a_line("L1", sku, qty);
    line.close = close;
    struct xd_erp_request request = a_request(XD_ERP_SHIPMENT, reference, sale, site, &line, 1);
    return post(&request);
}

static size_t list_all(enum xd_erp_list what, size_t max, struct xd_buffer *all) {
    char cursor[XD_ERP_CURSOR_SIZE] = "", next[XD_ERP_CURSOR_SIZE];
    size_t pages = 0;
    for (bool more = true; more; pages++) {
        struct xd_erp_answer answer;
        size_t before = all->size;
        erp.list(erp.context, what, cursor, max, &answer, all, next);
        if (answer.outcome != XD_ERP_DONE) {
            fail_msg("%s: %s %s", xd_erp_list_names[what], answer.code, answer.detail);
        }
        more = all->size > before + 2 && next[0] != '\0';
        memcpy(cursor, next, sizeof cursor);
        xd_buffer_byte(all, '\n');
    }
    return pages;
}

/* ---- lives ---- */

static void a_sale_is_shipped_short_then_its_rest(void **state) {
    char text[512];
    (void)state;
    sell("life/1", "WIDGET", "10");
    assert_int_equal(find(XD_ERP_SALE, "life/1").outcome, XD_ERP_DONE);
    assert_int_equal(find(XD_ERP_SHIPMENT, "life/1-S1").outcome, XD_ERP_ABSENT);
    describe("life/1", text, sizeof text);
    struct xd_erp_answer first = ship("life/1-S1", "life/1", "WH1", "WIDGET", "7", false);
    assert_done(first);
    describe("life/1", text, sizeof text);
    struct xd_erp_answer again = ship("life/1-S1", "life/1", "WH1", "WIDGET", "7", false);
    assert_done(again);
    assert_string_equal(again.document, first.document);
    assert_done(ship("life/1-S2", "life/1", "WH1", "WIDGET", "3", false));
    describe("life/1", text, sizeof text);
    assert_string_equal(text, "processing/sent 7.0:done 3.0:done");
    billed("life/1", text, sizeof text);
    assert_string_equal(text, "billed: 7.0 3.0");
}

static void the_rest_is_closed_with_the_shipment_or_by_itself(void **state) {
    char text[512];
    (void)state;
    sell("life/2", "WIDGET", "10");
    assert_done(ship("life/2-S1", "life/2", "WH1", "WIDGET", "6", true));
    describe("life/2", text, sizeof text);
    assert_string_equal(text, "processing/sent 6.0:done 4.0:cancelled");
    sell("life/3", "WIDGET", "10");
    assert_done(ship("life/3-S1", "life/3", "WH1", "WIDGET", "6", false));
    assert_done(ship("life/3-S2", "life/3", "WH1", "WIDGET", "0", true));
    describe("life/3", text, sizeof text);
    assert_string_equal(text, "processing/sent 6.0:done 4.0:cancelled");
    billed("life/3", text, sizeof text);
    assert_string_equal(text, "billed: 6.0");
}

static void another_warehouse_ships_its_part(void **state) {
    char text[512];
    (void)state;
    sell("life/4", "WIDGET", "10");
    assert_done(ship("life/4-S1", "life/4", "WH2", "WIDGET", "4", false));
    describe("life/4", text, sizeof text);
    assert_done(ship("life/4-S2", "life/4", "WH1", "WIDGET", "6", false));
    describe("life/4", text, sizeof text);
    assert_string_equal(text, "processing/sent 6.0:done 4.0:done");
    assert_stock("WH2", "WIDGET", "2996.0");
}

static void more_than_was_sold_is_not_billed(void **state) {
    char text[512];
    (void)state;
    sell("life/5", "WIDGET", "10");
    struct xd_erp_line line = a_line("L1", "WIDGET", "12");
    line.unbilled = stores_decimal("2");
    struct xd_erp_request request = a_request(XD_ERP_SHIPMENT, "life/5-S1", "life/5", "WH1", &line, 1);
    assert_done(post(&request));
    describe("life/5", text, sizeof text);
    assert_string_equal(text, "processing/sent 10.0:done");
    billed("life/5", text, sizeof text);
    assert_string_equal(text, "billed: 10.0");
    line.qty = line.unbilled = stores_decimal("1"); /* one more, of a line that is shipped */
    request.reference = "life/5-S2";
    assert_done(post(&request));
    billed("life/5", text, sizeof text);
    assert_string_equal(text, "billed: 10.0");
}

static void what_left_beyond_the_sale_and_came_back_is_listed_with_its_line(void **state) {
    struct xd_buffer all;
    (void)state;
    sell("life/13", "WIDGET", "10");
    struct xd_erp_line line = a_line("L1", "WIDGET", "12");
    line.unbilled = stores_decimal("2");
    struct xd_erp_request request = a_request(XD_ERP_SHIPMENT, "life/13-S1", "life/13", "WH1", &line, 1);
    assert_done(post(&request));
    struct xd_erp_request reversal = a_request(XD_ERP_REVERSAL, "life/13-R1", "life/13", "WH1", NULL, 0);
    reversal.reverses = "life/13-S1";
    assert_done(post(&reversal));
    xd_buffer_init(&all, 0);
    (void)list_all(XD_ERP_SHIPMENTS, XD_ERP_PAGE_MAX, &all);
    const char *back = strstr(xd_buffer_string(&all), "\"reference\":\"life/13-R1\"");
    assert_non_null(back);
    const char *end = strstr(back, "]}");
    assert_non_null(end);
    print_message("%.*s\n", (int)(end - back), back);
    assert_non_null(strstr(back, "\"line_id\":\"L1\",\"sku\":\"WIDGET\",\"uom\":\"EA\",\"qty\":\"-2\""));
    assert_true(strstr(back, "\"line_id\":\"L1\",\"sku\":\"WIDGET\",\"uom\":\"EA\",\"qty\":\"-2\"") < end);
    xd_buffer_free(&all);
}

static void lots_are_named_or_refused(void **state) {
    char text[512];
    (void)state;
    sell("life/6", "LOTTED", "50");
    assert_refused(ship("life/6-S1", "life/6", "WH1", "LOTTED", "50", false), "lot_required");
    struct xd_erp_line lines[2] = {a_line("L1", "LOTTED", "20"), a_line("L1", "LOTTED", "25")};
    lines[0].lot = "LOT-A";
    lines[1].lot = "LOT-NEW";
    struct xd_erp_request request = a_request(XD_ERP_SHIPMENT, "life/6-S1", "life/6", "WH1", lines, 2);
    assert_done(post(&request));
    describe("life/6", text, sizeof text);
    assert_string_equal(text, "processing/waiting 20.0@LOT-A:done 25.0@LOT-NEW:done 5.0:draft");
}

static void more_than_is_in_stock_leaves_all_the_same(void **state) {
    char text[512];
    (void)state;
    sell("life/7", "CABLE-10M", "10");
    assert_done(ship("life/7-S1", "life/7", "3PL-A", "CABLE-10M", "10", false)); /* that never had any */
    describe("life/7", text, sizeof text);
    assert_string_equal(text, "processing/sent 10.0:done");
    assert_stock("3PL-A", "CABLE-10M", "-10.0");
}

static void a_substitute_leaves_for_what_was_sold(void **state) {
    char text[512];
    (void)state;
    sell("life/8", "WIDGET", "10");
    struct xd_erp_line line = a_line("L1", "GADGET", "10");
    line.ordered_sku = "WIDGET";
    struct xd_erp_request request = a_request(XD_ERP_SHIPMENT, "life/8-S1", "life/8", "WH1", &line, 1);
    assert_done(post(&request));
    describe("life/8", text, sizeof text);
    assert_string_equal(text, "processing/sent 10.0:done");
}

static void a_closed_period_moves_the_day(void **state) {
    (void)state;
    sell("life/9", "WIDGET", "10");
    struct xd_erp_line line = a_line("L1", "WIDGET", "10");
    struct xd_erp_request request = a_request(XD_ERP_SHIPMENT, "life/9-S1", "life/9", "WH1", &line, 1);
    request.at = INT64_C(1600000000000); /* in 2020 */
    struct xd_erp_answer answer = post(&request);
    assert_done(answer);
    assert_string_equal(answer.code, "period_closed");
}

static void a_change_says_what_a_line_shall_be_in_all(void **state) {
    char text[512];
    (void)state;
    sell("life/11", "WIDGET", "10");
    assert_done(ship("life/11-S1", "life/11", "WH1", "WIDGET", "4", false));
    struct xd_erp_line lines[2] = {a_line("L1", "WIDGET", "12"), a_line("L2", "GADGET", "3")};
    struct xd_erp_request request = a_request(XD_ERP_CHANGE, "life/11-C1", "life/11", "WH1", lines, 2);
    assert_int_equal(find(XD_ERP_CHANGE, "life/11-C1").outcome, XD_ERP_ABSENT);
    struct xd_erp_answer first = post(&request);
    assert_done(first);
    describe("life/11", text, sizeof text);
    assert_string_equal(text, "processing/waiting 4.0:done 8.0:draft 3.0:draft");
    struct xd_erp_answer again = post(&request);
    assert_done(again);
    assert_string_equal(again.document, first.document);
    assert_string_equal(find(XD_ERP_CHANGE, "life/11-C1").document, first.document);
    request.reference = "life/11-C2";
    lines[0].qty = stores_decimal("3"); /* but four have left */
    lines[1].qty = xd_decimal_of(0);
    assert_done(post(&request));
    describe("life/11", text, sizeof text);
    assert_string_equal(text, "processing/sent 4.0:done");
}

static void stock_is_adjusted_both_ways_under_one_reference(void **state) {
    (void)state;
    struct xd_erp_line lines[3] = {a_line("1", "TEA-BOX", "-5"), a_line("2", "OLD-WIDGET", "2"),
                                   a_line("3", "SUGAR-KG", "-0.25")};
    lines[2].uom = "KG";
    struct xd_erp_request request = a_request(XD_ERP_ADJUSTMENT, "life/ADJ-1", NULL, "WH1", lines, 3);
    struct xd_erp_answer first = post(&request);
    assert_done(first);
    struct xd_erp_answer again = post(&request);
    assert_done(again);
    assert_string_equal(again.document, first.document);
    assert_string_equal(find(XD_ERP_ADJUSTMENT, "life/ADJ-1").document, first.document);
    assert_stock("WH1", "TEA-BOX", "2395.0");
    assert_stock("WH1", "SUGAR-KG", "750.25");
    lines[0].qty = stores_decimal("-6");
    assert_refused(post(&request), "reference_conflict");
}

static void a_reversed_shipment_is_back_and_its_lines_open(void **state) {
    char text[512];
    (void)state;
    sell("life/12", "LOTTED", "10");
    struct xd_erp_line line = a_line("L1", "LOTTED", "7");
    line.lot = "LOT-B";
    line.close = true;
    struct xd_erp_request request = a_request(XD_ERP_SHIPMENT, "life/12-S1", "life/12", "WH1", &line, 1);
    assert_done(post(&request));
    struct xd_erp_request reversal = a_request(XD_ERP_REVERSAL, "life/12-R1", "life/12", "WH1", NULL, 0);
    reversal.reverses = "life/12-S1";
    struct xd_erp_answer first = post(&reversal);
    assert_done(first);
    struct xd_erp_answer again = post(&reversal);
    assert_string_equal(again.document, first.document);
    assert_string_equal(find(XD_ERP_REVERSAL, "life/12-R1").document, first.document);
    describe("life/12", text, sizeof text);
    assert_string_equal(text, "processing/sent 7.0@LOT-B:done 3.0:cancelled 7.0@LOT-B:done:back 10.0:draft");
    billed("life/12", text, sizeof text);
    assert_string_equal(text, "billed: 7.0 -7.0");
    reversal.reference = "life/12-R2";
    assert_refused(post(&reversal), "already_reversed");
    request.reference = "life/12-S2";
    line.qty = stores_decimal("9");
    assert_done(post(&request));
    describe("life/12", text, sizeof text);
    assert_string_equal(
        text,
        "processing/sent 7.0@LOT-B:done 3.0:cancelled 7.0@LOT-B:done:back 9.0@LOT-B:done 1.0:cancelled");
    billed("life/12", text, sizeof text);
    assert_string_equal(text, "billed: 7.0 -7.0 9.0");
}

static void everything_is_listed(void **state) {
    (void)state;
    for (int what = 0; what < XD_ERP_LIST_COUNT; what++) {
        struct xd_buffer all;
        xd_buffer_init(&all, 0);
        size_t pages = list_all((enum xd_erp_list)what, 7, &all);
        print_message("---- %s, %zu pages\n%.900s\n", xd_erp_list_names[what], pages, xd_buffer_string(&all));
        assert_true(all.size > 100);
        xd_buffer_free(&all);
    }
}

static void a_refused_sale_leaves_nothing(void **state) {
    (void)state;
    struct xd_erp_line line = a_line("L1", "WIDGET", "3000"); /* 29,850 above a limit of 10,000 */
    struct xd_erp_request request = a_request(XD_ERP_SALE, "life/10", NULL, "WH1", &line, 1);
    assert_refused(post(&request), "credit_limit");
    assert_int_equal(find(XD_ERP_SALE, "life/10").outcome, XD_ERP_ABSENT);
    line = a_line("L1", "OLD-WIDGET", "1");
    assert_refused(post(&request), "inactive_product");
    line = a_line("L1", "WIDGET", "0.5");
    assert_refused(post(&request), "digits");
    line = a_line("L1", "WIDGET", "1");
    request.customer = "CUST-3";
    assert_refused(post(&request), "inactive_customer");
    request.customer = "CUST-1";
    request.site = "WH9";
    assert_refused(post(&request), "unknown_site");
    request.site = "WH1";
    assert_done(post(&request));
}

/* ---- in doubt ---- */

#define TRIES_MAX 400
#define SEEDS 2

/* As the hub would, without its pauses: until it is done, by a worker whose calls fail. */
static void insist(struct xd_erp *worker, const struct xd_erp_request *request) {
    struct xd_erp_answer answer = {.outcome = XD_ERP_UNKNOWN};
    int tries = 0;
    for (; tries < TRIES_MAX && (answer.outcome == XD_ERP_UNKNOWN || answer.outcome == XD_ERP_UNAVAILABLE);
         tries++) {
        worker->post(worker->context, request, &answer);
    }
    print_message("%-10s %-14s -> %s %s after %d\n", xd_erp_kind_names[request->kind], request->reference,
                  xd_erp_outcome_names[answer.outcome], answer.document, tries);
    assert_done(answer);
}

static void live_in_doubt(struct xd_erp *worker, unsigned long seed) {
    char sale[32], reference[48], first[48], text[512];
    (void)snprintf(sale, sizeof sale, "doubt/%lu", seed);
    struct xd_erp_line lines[2] = {a_line("L1", "LOTTED", "20"), a_line("L1", "LOTTED", "10")};
    struct xd_erp_request request = a_request(XD_ERP_SALE, sale, NULL, "WH1", lines, 1);
    insist(worker, &request);
    (void)snprintf(first, sizeof first, "%s-S1", sale);
    /* 12 of 20 leave another site, 3 of them for nothing; the rest never comes */
    lines[0] = a_line("L1", "LOTTED", "8");
    lines[1] = a_line("L1", "LOTTED", "4");
    lines[0].lot = "LOT-A";
    lines[1].lot = "LOT-B";
    lines[0].unbilled = stores_decimal("3");
    lines[1].close = true;
    request = a_request(XD_ERP_SHIPMENT, first, sale, "WH2", lines, 2);
    insist(worker, &request);
    describe_by_state(sale, text, sizeof text);
    assert_string_equal(text, "processing/sent 11.0:cancelled 5.0@LOT-A:done 4.0@LOT-B:done");
    (void)snprintf(reference, sizeof reference, "%s-R1", sale);
    struct xd_erp_request reversal = a_request(XD_ERP_REVERSAL, reference, sale, "WH2", NULL, 0);
    reversal.reverses = first;
    insist(worker, &reversal);
    describe_by_state(sale, text, sizeof text);
    assert_string_equal(text,
                        "processing/sent 11.0:cancelled 5.0@LOT-A:done 5.0@LOT-A:done:back 4.0@LOT-B:done "
                        "4.0@LOT-B:done:back 20.0:draft");
    billed(sale, text, sizeof text);
    assert_string_equal(text, "billed: 9.0 -9.0");
    lines[0] = a_line("L1", "LOTTED", "25");
    (void)snprintf(reference, sizeof reference, "%s-C1", sale);
    request = a_request(XD_ERP_CHANGE, reference, sale, "WH1", lines, 1);
    insist(worker, &request);
    describe_by_state(sale, text, sizeof text);
    assert_non_null(strstr(text, " 4.0@LOT-B:done:back 25.0:draft"));
    lines[0] = a_line("1", "GADGET", "-2");
    lines[1] = a_line("2", "CABLE-10M", "3");
    (void)snprintf(reference, sizeof reference, "%s-A1", sale);
    request = a_request(XD_ERP_ADJUSTMENT, reference, NULL, "WH2", lines, 2);
    insist(worker, &request);
}

static void what_was_interrupted_is_taken_on(void **state) {
    struct cutting_proxy proxy;
    struct xd_erp worker;
    (void)state;
    assert_stock("WH2", "LOTTED", "100.0");
    for (unsigned long seed = 1; seed <= SEEDS; seed++) {
        cutting_proxy_start(&proxy, tryton_port(), seed);
        tryton_open_other(proxy.port, NULL, NULL, &worker);
        atomic_store(&proxy.one_in, 12);
        live_in_doubt(&worker, seed);
        print_message("%u of %u calls failed\n", atomic_load(&proxy.cuts), atomic_load(&proxy.seen));
        worker.close(worker.context);
        cutting_proxy_stop(&proxy);
    }
    assert_stock("WH2", "LOTTED", "100.0");
    assert_stock("WH2", "GADGET", "2996.0");
    assert_stock("WH2", "CABLE-10M", "3006.0");
}

static void a_refused_login_is_not_hammered(void **state) {
    struct cutting_proxy proxy;
    struct xd_erp worker;
    struct xd_erp_answer answer;
    (void)state;
    cutting_proxy_start(&proxy, tryton_port(), 1);
    tryton_open_other(proxy.port, "nobody", "wrong", &worker);
    for (int i = 0; i < 5; i++) {
        worker.find(worker.context, XD_ERP_SALE, "life/1", &answer);
        assert_int_equal(answer.outcome, XD_ERP_UNAVAILABLE);
        assert_string_equal(answer.code, "login_refused");
        assert_true(answer.retry_after_ms > 0);
    }
    assert_int_equal(atomic_load(&proxy.seen), 1);
    worker.close(worker.context);
    cutting_proxy_stop(&proxy);
    tryton_open_other(proxy.port, NULL, NULL, &worker); /* where nobody listens */
    worker.find(worker.context, XD_ERP_SALE, "life/1", &answer);
    assert_int_equal(answer.outcome, XD_ERP_UNAVAILABLE);
    worker.close(worker.context);
}

/* Calls that a sale of so many products costs a worker. */
static unsigned calls_of_sale(struct cutting_proxy *proxy, struct xd_erp *worker, const char *reference,
                              size_t count) {
    struct xd_erp_line lines[3] = {a_line("L1", "WIDGET", "1"), a_line("L2", "GADGET", "1"),
                                   a_line("L3", "CABLE-10M", "1")};
    struct xd_erp_request request = a_request(XD_ERP_SALE, reference, NULL, "WH1", lines, count);
    struct xd_erp_answer answer;
    for (size_t i = 0; i < count; i++) {
        lines[i].unit_price = stores_decimal("1");
        lines[i].has_unit_price = true;
    }
    unsigned before = atomic_load(&proxy->seen);
    worker->post(worker->context, &request, &answer);
    assert_done(answer);
    return atomic_load(&proxy->seen) - before;
}

static void a_sale_asks_once_for_all_its_products_and_the_next_one_not_at_all(void **state) {
    struct cutting_proxy proxy;
    struct xd_erp zero, one, many;
    (void)state;
    cutting_proxy_start(&proxy, tryton_port(), 1);
    tryton_open_other(proxy.port, NULL, NULL, &one);
    tryton_open_other(proxy.port, NULL, NULL, &many);
    tryton_open_other(proxy.port, NULL, NULL, &zero);
    (void)calls_of_sale(&proxy, &zero, "calls/0", 1); /* who logs in for all */
    unsigned first = calls_of_sale(&proxy, &one, "calls/1", 1);
    assert_int_equal(calls_of_sale(&proxy, &many, "calls/2", 3), first);
    /* Nor for the login, the module, the units, the currency and the warehouse. */
    assert_true(calls_of_sale(&proxy, &many, "calls/3", 3) <= 5);
    zero.close(zero.context);
    one.close(one.context);
    many.close(many.context);
    cutting_proxy_stop(&proxy);
}

static int open_erp(void **state) {
    (void)state;
    tryton_reset();
    tryton_open_worker(&erp);
    return 0;
}

static int close_erp(void **state) {
    (void)state;
    erp.close(erp.context);
    tryton_admin_close();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sale_is_shipped_short_then_its_rest),
        cmocka_unit_test(the_rest_is_closed_with_the_shipment_or_by_itself),
        cmocka_unit_test(another_warehouse_ships_its_part),
        cmocka_unit_test(more_than_was_sold_is_not_billed),
        cmocka_unit_test(what_left_beyond_the_sale_and_came_back_is_listed_with_its_line),
        cmocka_unit_test(lots_are_named_or_refused),
        cmocka_unit_test(more_than_is_in_stock_leaves_all_the_same),
        cmocka_unit_test(a_substitute_leaves_for_what_was_sold),
        cmocka_unit_test(a_closed_period_moves_the_day),
        cmocka_unit_test(a_refused_sale_leaves_nothing),
        cmocka_unit_test(a_change_says_what_a_line_shall_be_in_all),
        cmocka_unit_test(stock_is_adjusted_both_ways_under_one_reference),
        cmocka_unit_test(a_reversed_shipment_is_back_and_its_lines_open),
        cmocka_unit_test(everything_is_listed),
        cmocka_unit_test(a_refused_login_is_not_hammered),
        cmocka_unit_test(a_sale_asks_once_for_all_its_products_and_the_next_one_not_at_all),
        cmocka_unit_test(what_was_interrupted_is_taken_on),
    };
    if (!tryton_is_there()) {
        print_message("XD_TRYTON names no server: skipped\n");
        return 0;
    }
    return cmocka_run_group_tests_name("tryton", tests, open_erp, close_erp);
}
