/* What an ERP does with what undoes a shipment, with lots, with substitutes and with closed books. */
#include "contract/erps.h"
#include "contract/stores.h"

#include "erp/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct erp_maker *maker;

struct world {
    char folder[64];
    struct xd_erp erp;
};

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL) {
        return -1;
    }
    (void)snprintf(world->folder, sizeof world->folder, "/tmp/xd-erp-XXXXXX");
    if (mkdtemp(world->folder) == NULL) {
        free(world);
        return -1;
    }
    maker->prepare(world->folder);
    maker->open(world->folder, &world->erp);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    world->erp.close(world->erp.context);
    stores_remove_folder(world->folder);
    free(world);
    return 0;
}

static struct xd_erp_answer post(struct world *world, enum xd_erp_kind kind, const char *reference,
                                 const char *reverses, const struct xd_erp_line *lines, size_t count) {
    struct xd_erp_request request = {.kind = kind,
                                     .reference = reference,
                                     .sale_reference = "S-1",
                                     .reverses = reverses,
                                     .tenant = "t",
                                     .site = "WH1",
                                     .customer = kind == XD_ERP_SALE ? "LIMITED" : NULL,
                                     .currency = kind == XD_ERP_SALE ? "EUR" : NULL,
                                     .at = INT64_C(1795428000000), /* 2026-11-23 */
                                     .lines = lines,
                                     .line_count = count};
    struct xd_erp_answer answer;
    memset(&answer, 0x55, sizeof answer);
    world->erp.post(world->erp.context, &request, &answer);
    return answer;
}

static struct xd_erp_line a_line(const char *sku, const char *qty) {
    return (struct xd_erp_line){.line_id = "1",
                                .sku = sku,
                                .uom = "EA",
                                .factor_num = 1,
                                .factor_den = 1,
                                .qty = stores_decimal(qty)};
}

/* Ten WIDGET at 5 sold to who may owe 100. */
static void sell(struct world *world) {
    struct xd_erp_line line = a_line("WIDGET", "10");
    line.unit_price = stores_decimal("5");
    line.has_unit_price = true;
    assert_int_equal(post(world, XD_ERP_SALE, "S-1", NULL, &line, 1).outcome, XD_ERP_DONE);
}

static void ship(struct world *world, const char *reference, const char *qty, bool close) {
    struct xd_erp_line line = a_line("WIDGET", qty);
    line.close = close;
    assert_int_equal(post(world, XD_ERP_SHIPMENT, reference, NULL, &line, 1).outcome, XD_ERP_DONE);
}

static struct xd_erp_answer undo(struct world *world, const char *reference, const char *reverses) {
    struct xd_erp_line line = a_line("WIDGET", "10");
    return post(world, XD_ERP_REVERSAL, reference, reverses, &line, 1);
}

static void assert_state(struct world *world, const char *expected) {
    char state[32];
    maker->sale_state(world->folder, "S-1", state);
    assert_string_equal(state, expected);
}

static void assert_stock(struct world *world, const char *sku, const char *expected) {
    char text[XD_DECIMAL_TEXT_MAX];
    assert_string_equal(xd_decimal_write(maker->stock(world->folder, "WH1", sku), text), expected);
}

static void assert_rejected(struct xd_erp_answer answer, const char *code) {
    assert_int_equal(answer.outcome, XD_ERP_REJECTED);
    assert_string_equal(answer.code, code);
}

static void a_reversal_brings_the_goods_back_and_opens_the_sale(void **state) {
    struct world *world = *state;
    sell(world);
    ship(world, "D-1", "10", false);
    assert_state(world, "shipped");
    assert_stock(world, "WIDGET", "90");
    assert_int_equal(undo(world, "D-1/reversal", "D-1").outcome, XD_ERP_DONE);
    assert_state(world, "open");
    assert_stock(world, "WIDGET", "100");
    ship(world, "D-2", "8", true);
    assert_state(world, "closed_short");
    assert_stock(world, "WIDGET", "92");
}

static void a_line_that_was_closed_short_is_open_again(void **state) {
    struct world *world = *state;
    sell(world);
    ship(world, "D-1", "4", true);
    assert_state(world, "closed_short");
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    assert_state(world, "open");
    ship(world, "D-2", "10", false);
    assert_state(world, "shipped");
}

static void what_is_open_again_counts_against_the_credit_limit(void **state) {
    struct world *world = *state;
    struct xd_erp_line line = a_line("WIDGET", "15");
    line.unit_price = stores_decimal("5");
    line.has_unit_price = true;
    sell(world);
    ship(world, "D-1", "10", false);
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    assert_rejected(post(world, XD_ERP_SALE, "S-2", NULL, &line, 1), "credit_limit"); /* 50 and 75 */
    ship(world, "D-2", "10", false);
    assert_int_equal(post(world, XD_ERP_SALE, "S-2", NULL, &line, 1).outcome, XD_ERP_DONE);
}

static void a_shipment_is_undone_once(void **state) {
    struct world *world = *state;
    sell(world);
    ship(world, "D-1", "10", false);
    struct xd_erp_answer first = undo(world, "R-1", "D-1");
    struct xd_erp_answer again = undo(world, "R-1", "D-1");
    assert_int_equal(again.outcome, XD_ERP_DONE);
    assert_string_equal(again.document, first.document);
    assert_rejected(undo(world, "R-2", "D-1"), "already_reversed");
    assert_rejected(undo(world, "R-1", "D-9"), "reference_conflict");
    assert_stock(world, "WIDGET", "100");
}

static void only_a_shipment_that_is_there_is_undone(void **state) {
    struct world *world = *state;
    sell(world);
    assert_rejected(undo(world, "R-1", "D-1"), "unknown_shipment");
    ship(world, "D-1", "10", false);
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    assert_rejected(undo(world, "R-2", "R-1"), "unknown_shipment");
}

static void a_reversal_is_found_as_one_and_as_nothing_else(void **state) {
    struct world *world = *state;
    struct xd_erp_answer answer;
    sell(world);
    ship(world, "D-1", "10", false);
    struct xd_erp_answer made = undo(world, "R-1", "D-1");
    world->erp.find(world->erp.context, XD_ERP_REVERSAL, "R-1", &answer);
    assert_int_equal(answer.outcome, XD_ERP_DONE);
    assert_string_equal(answer.document, made.document);
    world->erp.find(world->erp.context, XD_ERP_SHIPMENT, "R-1", &answer);
    assert_int_equal(answer.outcome, XD_ERP_ABSENT);
    world->erp.find(world->erp.context, XD_ERP_REVERSAL, "D-1", &answer);
    assert_int_equal(answer.outcome, XD_ERP_ABSENT);
}

static void a_line_ships_in_lots_and_lots_tell_shipments_apart(void **state) {
    struct world *world = *state;
    struct xd_erp_line lines[2] = {a_line("WIDGET", "6"), a_line("WIDGET", "4")};
    sell(world);
    lines[0].lot = "L1";
    lines[1].lot = "L2";
    assert_int_equal(post(world, XD_ERP_SHIPMENT, "D-1", NULL, lines, 2).outcome, XD_ERP_DONE);
    assert_state(world, "shipped");
    assert_stock(world, "WIDGET", "90");
    assert_int_equal(post(world, XD_ERP_SHIPMENT, "D-1", NULL, lines, 2).outcome, XD_ERP_DONE);
    lines[1].lot = "L3";
    assert_rejected(post(world, XD_ERP_SHIPMENT, "D-1", NULL, lines, 2), "reference_conflict");
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    assert_stock(world, "WIDGET", "100");
}

static void a_substitute_leaves_the_stock_and_fills_the_line_of_what_was_ordered(void **state) {
    struct world *world = *state;
    struct xd_erp_line line = a_line("GADGET", "10");
    sell(world);
    assert_rejected(post(world, XD_ERP_SHIPMENT, "D-1", NULL, &line, 1), "unknown_line");
    line.ordered_sku = "WIDGET";
    assert_int_equal(post(world, XD_ERP_SHIPMENT, "D-1", NULL, &line, 1).outcome, XD_ERP_DONE);
    assert_state(world, "shipped");
    assert_stock(world, "WIDGET", "100");
    assert_stock(world, "GADGET", "-10");
    assert_int_equal(undo(world, "R-1", "D-1").outcome, XD_ERP_DONE);
    assert_state(world, "open");
    assert_stock(world, "GADGET", "0");
    line.sku = "NOBODY";
    assert_rejected(post(world, XD_ERP_SHIPMENT, "D-2", NULL, &line, 1), "unknown_product");
}

/* ---- the ledger's books ---- */

static void close_books(struct world *world, const char *until) {
    char path[160], text[64];
    char why[256] = "";
    (void)snprintf(path, sizeof path, "%s/periods.csv", world->folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fprintf(file, "closed_until\n%s\n", until);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(path, sizeof path, "%s/ledger.db", world->folder);
    (void)snprintf(text, sizeof text, "%s", world->folder);
    struct xd_ledger_config config = {.path = path, .data = text};
    if (xd_ledger_prepare(&config, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
}

static void a_shipment_of_a_closed_day_is_dated_on_the_first_open_one(void **state) {
    struct world *world = *state;
    struct xd_erp_line line = a_line("WIDGET", "10");
    struct xd_erp_answer answer;
    sell(world);
    close_books(world, "2026-11-30");
    for (int round = 0; round < 2; round++) {
        answer = post(world, XD_ERP_SHIPMENT, "D-1", NULL, &line, 1);
        assert_int_equal(answer.outcome, XD_ERP_DONE);
        assert_string_equal(answer.code, "period_closed");
        assert_string_equal(answer.detail, "2026-12-01");
    }
    world->erp.find(world->erp.context, XD_ERP_SHIPMENT, "D-1", &answer);
    assert_string_equal(answer.code, "period_closed");
    close_books(world, "2026-11-22");
    answer = undo(world, "R-1", "D-1");
    assert_int_equal(answer.outcome, XD_ERP_DONE);
    assert_string_equal(answer.code, "");
}

#define ERP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        ERP_TEST(a_reversal_brings_the_goods_back_and_opens_the_sale),
        ERP_TEST(a_line_that_was_closed_short_is_open_again),
        ERP_TEST(what_is_open_again_counts_against_the_credit_limit),
        ERP_TEST(a_shipment_is_undone_once),
        ERP_TEST(only_a_shipment_that_is_there_is_undone),
        ERP_TEST(a_reversal_is_found_as_one_and_as_nothing_else),
        ERP_TEST(a_line_ships_in_lots_and_lots_tell_shipments_apart),
        ERP_TEST(a_substitute_leaves_the_stock_and_fills_the_line_of_what_was_ordered),
    };
    const struct CMUnitTest books[] = {
        ERP_TEST(a_shipment_of_a_closed_day_is_dated_on_the_first_open_one),
    };
    int failed = 0;
    erps_start();
    for (size_t i = 0; i < erp_maker_count; i++) {
        maker = &erp_makers[i];
        failed += cmocka_run_group_tests_name(maker->name, tests, NULL, NULL);
        if (strcmp(maker->name, "ledger") == 0) { /* whose books a file closes */
            failed += cmocka_run_group_tests_name("the ledger's books", books, NULL, NULL);
        }
    }
    return failed;
}
