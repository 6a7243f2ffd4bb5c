/* What an ERP tells of its documents: in the order in which they change, from wherever a cursor stands, those
 * that were born there, too; and what it makes of lots, substitutes and reversals. */
#include "contract/erps.h"
#include "contract/stores.h"

#include <stdio.h>
#include <string.h>

/* other: the sale, of a shipment; the shipment, of a reversal. */
static struct xd_erp_answer post(struct erp_world *world, enum xd_erp_kind kind, const char *reference,
                                 const char *other, const struct xd_erp_line *lines, size_t count) {
    struct xd_erp_request request = erps_request(kind, reference, other, lines, count);
    if (kind == XD_ERP_REVERSAL) {
        request.sale_reference = "t/PO-1";
        request.reverses = other;
    }
    return erps_post(world, &request);
}

static void sell(struct erp_world *world, const char *reference) {
    struct xd_erp_line line = erps_line("1", "WIDGET", "10");
    erps_assert_done(post(world, XD_ERP_SALE, reference, NULL, &line, 1));
}

static void ship(struct erp_world *world, const char *reference, const char *sale, const char *qty) {
    struct xd_erp_line line = erps_line("1", "WIDGET", qty);
    erps_assert_done(post(world, XD_ERP_SHIPMENT, reference, sale, &line, 1));
}

/* ---- lists ---- */

static void assert_is(const struct erp_world *world, const char *path, const char *expected) {
    const struct xd_node *value = xd_node_path(world->entries, path);
    assert_non_null(value);
    if (expected == NULL) {
        assert_int_equal(value->kind, XD_NODE_NULL);
        return;
    }
    assert_non_null(xd_node_scalar(value));
    assert_string_equal(xd_node_scalar(value), expected);
}

static void sales_come_in_the_order_in_which_they_change(void **state) {
    struct erp_world *world = *state;
    erps_list(world, XD_ERP_SALES, 10);
    assert_int_equal(world->entries->count, 0);
    sell(world, "t/PO-1");
    sell(world, "t/PO-2");
    sell(world, "t/PO-3");
    erps_list(world, XD_ERP_SALES, 10);
    assert_int_equal(world->entries->count, 3);
    assert_is(world, "0.reference", "t/PO-1");
    assert_is(world, "2.reference", "t/PO-3");
    ship(world, "t/S-1", "t/PO-2", "4");
    erps_list(world, XD_ERP_SALES, 10);
    assert_int_equal(world->entries->count, 1); /* what changed comes again, and nothing else */
    assert_is(world, "0.reference", "t/PO-2");
    assert_is(world, "0.state", "open");
    assert_is(world, "0.customer", "CUST-1");
    assert_is(world, "0.lines.0.line_id", "1");
    assert_is(world, "0.lines.0.base_qty", "10");
    assert_is(world, "0.lines.0.unit_price", "9.95");
    assert_is(world, "0.lines.0.shipped", "4");
    ship(world, "t/S-2", "t/PO-2", "6");
    erps_list(world, XD_ERP_SALES, 10);
    assert_is(world, "0.state", "done");
    erps_list(world, XD_ERP_SALES, 10);
    assert_int_equal(world->entries->count, 0);
    world->cursor[0] = '\0'; /* from the start, they are all there once */
    erps_list(world, XD_ERP_SALES, 10);
    assert_int_equal(world->entries->count, 3);
    assert_is(world, "0.reference", "t/PO-1");
    assert_is(world, "2.reference", "t/PO-2");
}

#define MANY 40

static void each_comes_once_whatever_the_size_of_the_page(void **state) {
    struct erp_world *world = *state;
    char reference[32];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(reference, sizeof reference, "t/PO-%d", i);
        sell(world, reference);
    }
    static const size_t sizes[] = {1, 3, 7, MANY, XD_ERP_PAGE_MAX};
    for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++) {
        int seen = 0;
        world->cursor[0] = '\0';
        do {
            erps_list(world, XD_ERP_SALES, sizes[size]);
            for (size_t i = 0; i < world->entries->count; i++) {
                char path[32];
                (void)snprintf(path, sizeof path, "%zu.reference", i);
                (void)snprintf(reference, sizeof reference, "t/PO-%d", seen++);
                assert_is(world, path, reference);
            }
        } while (world->entries->count > 0);
        assert_int_equal(seen, MANY);
    }
}

static void a_cursor_outlives_the_worker_and_rests_as_long_as_it_likes(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1");
    sell(world, "t/PO-2");
    erps_list(world, XD_ERP_SALES, 1);
    assert_is(world, "0.reference", "t/PO-1");
    world->erp.close(world->erp.context);
    world->maker->open(world->folder, &world->erp);
    sell(world, "t/PO-3");
    ship(world, "t/S-1", "t/PO-1", "4");
    erps_list(world, XD_ERP_SALES, 10);
    assert_int_equal(world->entries->count, 3);
    assert_is(world, "0.reference", "t/PO-2");
    assert_is(world, "1.reference", "t/PO-3");
    assert_is(world, "2.reference", "t/PO-1");
    char resting[XD_ERP_CURSOR_SIZE];
    memcpy(resting, world->cursor, sizeof resting);
    erps_list(world, XD_ERP_SALES, 10);
    assert_int_equal(world->entries->count, 0);
    sell(world, "t/PO-4");
    memcpy(world->cursor, resting, sizeof resting); /* an old one leads to the same */
    erps_list(world, XD_ERP_SALES, 10);
    assert_int_equal(world->entries->count, 1);
    assert_is(world, "0.reference", "t/PO-4");
}

#define PAGES_MAX 100

/* Reads on until there is no more: what is said of the document last. */
struct told {
    unsigned times;
    char state[32], shipped[32], sale[64];
};

static void keep(char *out, size_t size, const struct xd_node *entry, const char *path) {
    const char *text = xd_node_scalar(xd_node_path(entry, path));
    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

static struct told read_on(struct erp_world *world, enum xd_erp_list what, const char *reference,
                           size_t page) {
    struct told told = {.times = 0};
    for (int pages = 0; pages < PAGES_MAX; pages++) {
        erps_list(world, what, page);
        assert_true(world->entries->count <= page);
        if (world->entries->count == 0) {
            return told;
        }
        for (const struct xd_node *entry = world->entries->child; entry != NULL; entry = entry->next) {
            const char *its = xd_node_text(entry, "reference");
            if (its != NULL && strcmp(its, reference) == 0) {
                told.times++;
                keep(told.state, sizeof told.state, entry, "state");
                keep(told.shipped, sizeof told.shipped, entry, "lines.0.shipped");
                keep(told.sale, sizeof told.sale, entry, "sale_reference");
            }
        }
    }
    fail_msg("the list has no end");
    return told;
}

/* Some tell of one more often than it changed, and of what is still to be done: never too little. */
static void what_changed_is_told_and_the_list_ends(void **state) {
    struct erp_world *world = *state;
    static const size_t sizes[] = {1, 2, 10};
    sell(world, "t/PO-1");
    sell(world, "t/PO-2");
    assert_true(read_on(world, XD_ERP_SALES, "t/PO-1", 1).times > 0);
    ship(world, "t/S-1", "t/PO-1", "4");
    struct told told = read_on(world, XD_ERP_SALES, "t/PO-1", 1); /* from where it stood */
    assert_string_equal(told.state, "open");
    assert_string_equal(told.shipped, "4");
    ship(world, "t/S-2", "t/PO-1", "6");
    told = read_on(world, XD_ERP_SALES, "t/PO-1", 10);
    assert_string_equal(told.state, "done");
    assert_string_equal(told.shipped, "10");
    for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++) {
        world->cursor[0] = '\0';
        told = read_on(world, XD_ERP_SALES, "t/PO-1", sizes[size]);
        assert_string_equal(told.shipped, "10");
        world->cursor[0] = '\0';
        assert_true(read_on(world, XD_ERP_SALES, "t/PO-2", sizes[size]).times > 0);
        world->cursor[0] = '\0';
        told = read_on(world, XD_ERP_SHIPMENTS, "t/S-1", sizes[size]);
        assert_string_equal(told.state, "done");
        assert_string_equal(told.sale, "t/PO-1");
    }
}

static void shipments_and_invoices_name_their_sale(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1");
    struct xd_erp_line line = erps_line("1", "WIDGET", "4");
    line.unbilled = stores_decimal("1");
    struct xd_erp_answer shipment = post(world, XD_ERP_SHIPMENT, "t/S-1", "t/PO-1", &line, 1);
    erps_assert_done(shipment);
    erps_list(world, XD_ERP_SHIPMENTS, 10);
    assert_int_equal(world->entries->count, 1);
    assert_is(world, "0.number", shipment.document);
    assert_is(world, "0.reference", "t/S-1");
    assert_is(world, "0.sale_reference", "t/PO-1");
    assert_is(world, "0.site", "WH1");
    assert_is(world, "0.state", "done");
    assert_is(world, "0.at", "2026-11-23T10:00:00.000Z");
    assert_is(world, "0.lines.0.line_id", "1");
    assert_is(world, "0.lines.0.qty", "4");
    world->cursor[0] = '\0';
    erps_list(world, XD_ERP_INVOICES, 10);
    assert_int_equal(world->entries->count, 1);
    assert_is(world, "0.sale_reference", "t/PO-1");
    assert_is(world, "0.state", "posted");
    assert_is(world, "0.currency", "EUR");
    assert_is(world, "0.total", "29.85");
    assert_is(world, "0.lines.0.base_qty", "3");
    erps_list(world, XD_ERP_INVOICES, 10);
    assert_int_equal(world->entries->count, 0);
}

static void a_sale_that_was_born_there_is_seen_and_shipped_by_its_number(void **state) {
    struct erp_world *world = *state;
    char number[64], sale[66], line_id[32];
    world->maker->type_sale(world->folder, number);
    erps_list(world, XD_ERP_SALES, 10);
    assert_int_equal(world->entries->count, 1);
    assert_is(world, "0.number", number);
    assert_is(world, "0.reference", NULL);
    assert_is(world, "0.lines.0.sku", "WIDGET");
    const char *told = xd_node_scalar(xd_node_path(world->entries, "0.lines.0.line_id"));
    assert_non_null(told);
    (void)snprintf(line_id, sizeof line_id, "%s", told);
    (void)snprintf(sale, sizeof sale, "=%s", number);
    struct xd_erp_line line = erps_line(line_id, "WIDGET", "3");
    struct xd_erp_answer answer = post(world, XD_ERP_SHIPMENT, "t/S-1", sale, &line, 1);
    erps_assert_done(answer);
    erps_list(world, XD_ERP_SALES, 10);
    assert_is(world, "0.number", number);
    assert_is(world, "0.state", "done");
    world->cursor[0] = '\0';
    erps_list(world, XD_ERP_SHIPMENTS, 10);
    assert_is(world, "0.reference", "t/S-1");
    assert_is(world, "0.sale", number);
    assert_is(world, "0.sale_reference", NULL);
    answer = post(world, XD_ERP_SHIPMENT, "t/S-2", "=NOSUCH", &line, 1);
    erps_assert_rejected(answer, "unknown_sale");
}

/* ---- what a shipment may be ---- */

static void a_line_is_shipped_once_for_each_of_its_lots(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", "4"), erps_line("1", "WIDGET", "6")};
    lines[0].lot = "L-1";
    lines[1].lot = "L-2";
    sell(world, "t/PO-1");
    erps_assert_done(post(world, XD_ERP_SHIPMENT, "t/S-1", "t/PO-1", lines, 2));
    erps_assert_state(world, "t/PO-1", "shipped");
    erps_assert_stock(world, "WIDGET", "90");
    if ((world->maker->can & ERP_CAN_LIST_DOCUMENTS) != 0) {
        erps_list(world, XD_ERP_SHIPMENTS, 10);
        assert_non_null(strstr(xd_buffer_string(&world->page), "\"lot\":\"L-1\"")); /* in any order */
        assert_non_null(strstr(xd_buffer_string(&world->page), "\"lot\":\"L-2\""));
    }
}

static void a_substitute_ships_the_line_of_what_was_ordered(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = erps_line("1", "GADGET", "10");
    sell(world, "t/PO-1");
    struct xd_erp_answer answer = post(world, XD_ERP_SHIPMENT, "t/S-1", "t/PO-1", &line, 1);
    erps_assert_rejected(answer, "unknown_line");
    line.ordered_sku = "WIDGET";
    erps_assert_done(post(world, XD_ERP_SHIPMENT, "t/S-1", "t/PO-1", &line, 1));
    erps_assert_state(world, "t/PO-1", "shipped");
    erps_assert_stock(world, "WIDGET", "100");
    erps_assert_stock(world, "GADGET", "-10");
}

static struct xd_erp_line a_line_of(const char *qty, const char *uom, int64_t factor) {
    struct xd_erp_line line = erps_line("1", "WIDGET", qty);
    line.uom = uom;
    line.factor_num = factor;
    line.factor_den = 1;
    return line;
}

/* Four cases of twelve at 24.00: five pieces, the whole cases of what is left, and then pieces again. */
static void pieces_of_a_case_are_shipped(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = a_line_of("4", "CS", 12);
    line.unit_price = stores_decimal("24");
    line.has_unit_price = true;
    erps_assert_done(post(world, XD_ERP_SALE, "t/PO-1", NULL, &line, 1));
    line = a_line_of("5", "EA", 1);
    erps_assert_done(post(world, XD_ERP_SHIPMENT, "t/S-1", "t/PO-1", &line, 1));
    erps_assert_stock(world, "WIDGET", "95");
    erps_list(world, XD_ERP_SALES, 10);
    assert_is(world, "0.lines.0.base_qty", "48");
    assert_is(world, "0.lines.0.uom", "CS"); /* as it was sold, as long as that says it */
    assert_is(world, "0.lines.0.unit_price", "24");
    assert_is(world, "0.lines.0.shipped", "5");
    line = a_line_of("3", "CS", 12);
    erps_assert_done(post(world, XD_ERP_SHIPMENT, "t/S-2", "t/PO-1", &line, 1));
    erps_assert_state(world, "t/PO-1", "part_shipped");
    line = a_line_of("41", "EA", 1);
    erps_assert_done(post(world, XD_ERP_CHANGE, "t/PO-1#1", "t/PO-1", &line, 1));
    erps_assert_state(world, "t/PO-1", "shipped");
    world->cursor[0] = '\0';
    erps_list(world, XD_ERP_SALES, 10);
    assert_is(world, "0.lines.0.base_qty", "41");
    assert_is(world, "0.lines.0.shipped", "41");
    assert_is(world, "0.lines.0.invoiced", "41");
    world->cursor[0] = '\0';
    erps_list(world, XD_ERP_INVOICES, 10);
    assert_is(world, "0.total", "10"); /* five twelfths of 24 */
    assert_is(world, "0.lines.0.base_qty", "5");
    assert_is(world, "1.total", "72");
    assert_is(world, "1.lines.0.base_qty", "36");
    erps_assert_done(post(world, XD_ERP_REVERSAL, "t/R-1", "t/S-2", &line, 1));
    erps_assert_state(world, "t/PO-1", "part_shipped");
    erps_assert_stock(world, "WIDGET", "95");
}

static void units_that_the_line_was_not_sold_in_are_refused(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = a_line_of("4", "CS", 12);
    line.unit_price = stores_decimal("24");
    line.has_unit_price = true;
    erps_assert_done(post(world, XD_ERP_SALE, "t/PO-1", NULL, &line, 1));
    line = a_line_of("4", "BX", 6);
    struct xd_erp_answer answer = post(world, XD_ERP_SHIPMENT, "t/S-1", "t/PO-1", &line, 1);
    erps_assert_rejected(answer, "unknown_uom");
    erps_assert_stock(world, "WIDGET", "100");
}

static void a_reversal_takes_a_shipment_back(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = erps_line("1", "WIDGET", "10");
    sell(world, "t/PO-1");
    ship(world, "t/S-1", "t/PO-1", "10");
    erps_assert_state(world, "t/PO-1", "shipped");
    struct xd_erp_answer answer = post(world, XD_ERP_REVERSAL, "t/R-1", "t/S-1", &line, 1);
    erps_assert_done(answer);
    erps_assert_state(world, "t/PO-1", "open");
    erps_assert_stock(world, "WIDGET", "100");
    struct xd_erp_answer again = post(world, XD_ERP_REVERSAL, "t/R-1", "t/S-1", &line, 1);
    erps_assert_done(again);
    assert_string_equal(again.document, answer.document);
    erps_assert_stock(world, "WIDGET", "100");
    world->erp.find(world->erp.context, XD_ERP_REVERSAL, "t/R-1", &again);
    erps_assert_done(again);
    assert_string_equal(again.document, answer.document);
    ship(world, "t/S-2", "t/PO-1", "8");
    erps_assert_state(world, "t/PO-1", "part_shipped");
    if ((world->maker->can & ERP_CAN_LIST_DOCUMENTS) != 0) {
        erps_list(world, XD_ERP_SALES, 10);
        assert_is(world, "0.lines.0.shipped", "8");
        assert_is(world, "0.lines.0.invoiced", "8");
    }
}

static void what_is_not_there_is_not_reversed(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = erps_line("1", "WIDGET", "10");
    sell(world, "t/PO-1");
    struct xd_erp_answer answer = post(world, XD_ERP_REVERSAL, "t/R-1", "t/S-1", &line, 1);
    erps_assert_rejected(answer, "unknown_shipment");
    ship(world, "t/S-1", "t/PO-1", "10");
    erps_assert_done(post(world, XD_ERP_REVERSAL, "t/R-1", "t/S-1", &line, 1));
    answer = post(world, XD_ERP_REVERSAL, "t/R-2", "t/S-1", &line, 1);
    erps_assert_rejected(answer, "already_reversed");
}

int main(void) {
    const struct erp_test tests[] = {
        ERP_TEST(sales_come_in_the_order_in_which_they_change, ERP_CAN_LIST_ONCE),
        ERP_TEST(each_comes_once_whatever_the_size_of_the_page, ERP_CAN_LIST_ONCE),
        ERP_TEST(a_cursor_outlives_the_worker_and_rests_as_long_as_it_likes, ERP_CAN_LIST_ONCE),
        ERP_TEST(what_changed_is_told_and_the_list_ends, ERP_CAN_LIST_DOCUMENTS),
        ERP_TEST(shipments_and_invoices_name_their_sale, ERP_CAN_LIST_ONCE),
        ERP_TEST(a_sale_that_was_born_there_is_seen_and_shipped_by_its_number,
                 ERP_CAN_LIST_DOCUMENTS | ERP_NEEDS_TYPING),
        ERP_TEST(a_line_is_shipped_once_for_each_of_its_lots, ERP_CAN_LOTS),
        ERP_TEST(a_substitute_ships_the_line_of_what_was_ordered, ERP_CAN_SUBSTITUTE),
        ERP_TEST(pieces_of_a_case_are_shipped, ERP_CAN_UNITS | ERP_CAN_REVERSE | ERP_CAN_LIST_DOCUMENTS),
        ERP_TEST(units_that_the_line_was_not_sold_in_are_refused, ERP_CAN_UNITS),
        ERP_TEST(a_reversal_takes_a_shipment_back, ERP_CAN_REVERSE),
        ERP_TEST(what_is_not_there_is_not_reversed, ERP_CAN_REVERSE),
    };
    return erps_run_all(tests, sizeof tests / sizeof tests[0], false);
}
