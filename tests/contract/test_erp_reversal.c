/* What an ERP does with what undoes a shipment, with lots, with substitutes and with closed books. */
#include "contract/erps.h"
#include "contract/stores.h"

static struct xd_erp_answer post(struct erp_world *world, enum xd_erp_kind kind, const char *reference,
                                 const char *reverses, const struct xd_erp_line *lines, size_t count) {
    struct xd_erp_request request = erps_request(kind, reference, "S-1", lines, count);
    request.customer = kind == XD_ERP_SALE ? "LIMITED" : NULL;
    request.reverses = reverses;
    return erps_post(world, &request);
}

static struct xd_erp_line a_line(const char *sku, const char *qty) {
    struct xd_erp_line line = erps_line("1", sku, qty);
    line.factor_num = line.factor_den = 1;
    return line;
}

/* Ten WIDGET at 5 sold to who may owe 100. */
static void sell(struct erp_world *world) {
    struct xd_erp_line line = a_line("WIDGET", "10");
    line.unit_price = stores_decimal("5");
    line.has_unit_price = true;
    assert_int_equal(post(world, XD_ERP_SALE, "S-1", NULL, &line, 1).outcome, XD_ERP_DONE);
}

static void ship(struct erp_world *world, const char *reference, const char *qty, bool close) {
    struct xd_erp_line line = a_line("WIDGET", qty);
    line.close = close;
    assert_int_equal(post(world, XD_ERP_SHIPMENT, reference, NULL, &line, 1).outcome, XD_ERP_DONE);
}

static struct xd_erp_answer undo(struct erp_world *world, const char *reference, const char *reverses) {
    struct xd_erp_line line = a_line("WIDGET", "10");
    return post(world, XD_ERP_REVERSAL, reference, reverses, &line, 1);
}

static void a_reversal_brings_the_goods_back_and_opens_the_sale(void **state) {
    struct erp_world *world = *state;
    sell(world);
    ship(world, "D-1", "10", false);
    erps_assert_state(world, "S-1", "shipped");
    erps_assert_stock(world, "WIDGET", "90");
    assert_int_equal(undo(world, "D-1/reversal", "D-1").outcome, XD_ERP_DONE);
    erps_assert_state(world, "S-1", "open");
    erps_assert_stock(world, "WIDGET", "100");
    ship(world, "D-2", "8", true);
    erps_assert_state(world, "S-1", "closed_short");
    erps_assert_stock(world, "WIDGET", "92");
}

static void a_line_that_was_closed_short_is_open_again(void **state) {
    struct erp_world *world = *state;
    sell(world);
    ship(world, "D-1", "4", true);
    erps_assert_state(world, "S-1", "closed_short");
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    erps_assert_state(world, "S-1", "open");
    ship(world, "D-2", "10", false);
    erps_assert_state(world, "S-1", "shipped");
}

static void what_is_open_again_counts_against_the_credit_limit(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = a_line("WIDGET", "15");
    line.unit_price = stores_decimal("5");
    line.has_unit_price = true;
    sell(world);
    ship(world, "D-1", "10", false);
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    erps_assert_rejected(post(world, XD_ERP_SALE, "S-2", NULL, &line, 1), "credit_limit"); /* 50 and 75 */
    ship(world, "D-2", "10", false);
    assert_int_equal(post(world, XD_ERP_SALE, "S-2", NULL, &line, 1).outcome, XD_ERP_DONE);
}

static void a_shipment_is_undone_once(void **state) {
    struct erp_world *world = *state;
    sell(world);
    ship(world, "D-1", "10", false);
    struct xd_erp_answer first = undo(world, "R-1", "D-1");
    struct xd_erp_answer again = undo(world, "R-1", "D-1");
    assert_int_equal(again.outcome, XD_ERP_DONE);
    assert_string_equal(again.document, first.document);
    erps_assert_rejected(undo(world, "R-2", "D-1"), "already_reversed");
    erps_assert_rejected(undo(world, "R-1", "D-9"), "reference_conflict");
    erps_assert_stock(world, "WIDGET", "100");
}

static void only_a_shipment_that_is_there_is_undone(void **state) {
    struct erp_world *world = *state;
    sell(world);
    erps_assert_rejected(undo(world, "R-1", "D-1"), "unknown_shipment");
    ship(world, "D-1", "10", false);
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    erps_assert_rejected(undo(world, "R-2", "R-1"), "unknown_shipment");
}

static void a_reversal_is_found_as_one_and_as_nothing_else(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_answer answer;
    sell(world);
    ship(world, "D-1", "10", false);
    struct xd_erp_answer made = undo(world, "R-1", "D-1");
    answer = erps_find(world, XD_ERP_REVERSAL, "R-1");
    assert_int_equal(answer.outcome, XD_ERP_DONE);
    assert_string_equal(answer.document, made.document);
    answer = erps_find(world, XD_ERP_SHIPMENT, "R-1");
    assert_int_equal(answer.outcome, XD_ERP_ABSENT);
    answer = erps_find(world, XD_ERP_REVERSAL, "D-1");
    assert_int_equal(answer.outcome, XD_ERP_ABSENT);
}

static void a_line_ships_in_lots_and_lots_tell_shipments_apart(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line lines[2] = {a_line("WIDGET", "6"), a_line("WIDGET", "4")};
    sell(world);
    lines[0].lot = "L1";
    lines[1].lot = "L2";
    assert_int_equal(post(world, XD_ERP_SHIPMENT, "D-1", NULL, lines, 2).outcome, XD_ERP_DONE);
    erps_assert_state(world, "S-1", "shipped");
    erps_assert_stock(world, "WIDGET", "90");
    assert_int_equal(post(world, XD_ERP_SHIPMENT, "D-1", NULL, lines, 2).outcome, XD_ERP_DONE);
    lines[1].lot = "L3";
    erps_assert_rejected(post(world, XD_ERP_SHIPMENT, "D-1", NULL, lines, 2), "reference_conflict");
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    erps_assert_stock(world, "WIDGET", "100");
}

static void a_substitute_leaves_the_stock_and_fills_the_line_of_what_was_ordered(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = a_line("GADGET", "10");
    sell(world);
    erps_assert_rejected(post(world, XD_ERP_SHIPMENT, "D-1", NULL, &line, 1), "unknown_line");
    line.ordered_sku = "WIDGET";
    assert_int_equal(post(world, XD_ERP_SHIPMENT, "D-1", NULL, &line, 1).outcome, XD_ERP_DONE);
    erps_assert_state(world, "S-1", "shipped");
    erps_assert_stock(world, "WIDGET", "100");
    erps_assert_stock(world, "GADGET", "-10");
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    erps_assert_state(world, "S-1", "open");
    erps_assert_stock(world, "GADGET", "0");
    line.sku = "NOBODY";
    erps_assert_rejected(post(world, XD_ERP_SHIPMENT, "D-2", NULL, &line, 1), "unknown_product");
}

/* ---- closed books ---- */

static void a_shipment_of_a_closed_day_is_dated_on_the_first_open_one(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = a_line("WIDGET", "10");
    struct xd_erp_answer answer;
    sell(world);
    world->maker->close_books(world->folder, "2026-11-30");
    for (int round = 0; round < 2; round++) {
        answer = post(world, XD_ERP_SHIPMENT, "D-1", NULL, &line, 1);
        assert_int_equal(answer.outcome, XD_ERP_DONE);
        assert_string_equal(answer.code, "period_closed");
        assert_string_equal(answer.detail, "2026-12-01");
    }
    answer = erps_find(world, XD_ERP_SHIPMENT, "D-1");
    assert_string_equal(answer.code, "period_closed");
    world->maker->close_books(world->folder, "2026-11-22");
    answer = undo(world, "R-1", "D-1");
    assert_int_equal(answer.outcome, XD_ERP_DONE);
    assert_string_equal(answer.code, "");
}

int main(void) {
    const struct erp_test tests[] = {
        ERP_TEST(a_reversal_brings_the_goods_back_and_opens_the_sale, 0),
        ERP_TEST(a_line_that_was_closed_short_is_open_again, 0),
        ERP_TEST(what_is_open_again_counts_against_the_credit_limit, ERP_CAN_FREE_CREDIT),
        ERP_TEST(a_shipment_is_undone_once, 0),
        ERP_TEST(only_a_shipment_that_is_there_is_undone, 0),
        ERP_TEST(a_reversal_is_found_as_one_and_as_nothing_else, 0),
        ERP_TEST(a_line_ships_in_lots_and_lots_tell_shipments_apart, 0),
        ERP_TEST(a_substitute_leaves_the_stock_and_fills_the_line_of_what_was_ordered, 0),
        ERP_TEST(a_shipment_of_a_closed_day_is_dated_on_the_first_open_one, ERP_NEEDS_CLOSING),
    };
    return erps_run_all(tests, sizeof tests / sizeof tests[0], false);
}
