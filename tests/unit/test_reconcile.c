/* The decision on one line, row by row of the reconciliation table, and the folds. */
#include "hub/confirmations/reconcile.h"
#include "hub/orchestration/quantities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static struct xd_decimal decimal(const char *text) {
    struct xd_decimal value;
    if (xd_decimal_parse(text, &value) != XD_OK) {
        fail_msg("no decimal: %s", text);
    }
    return value;
}

static void assert_decimal(const char *name, const char *what, struct xd_decimal value, const char *text) {
    char written[XD_DECIMAL_TEXT_MAX];
    if (strcmp(xd_decimal_write(value, written), text) != 0) {
        fail_msg("%s: %s is %s, not %s", name, what, written, text);
    }
}

/* A release line of `qty` WIDGET in EA, and what a confirmation says of it. */
struct line_case {
    const char *name;
    const char *qty, *before, *over_before,
        *closed;                               /* released; shipped, overshipped, closed before; NULL: 0 */
    const char *shipped;                       /* what the confirmation says */
    const char *status, *sku, *original, *uom; /* NULL: none, WIDGET, none, EA */
    const char *converted; /* the quantity in EA, when the unit is another one and converts */
    bool may_substitute, blocked, serials_wrong, more;
    enum xd_confirmation_kind kind;
    enum xd_unshipped unshipped;
    const char *tolerance; /* percent; NULL: 0 */
    /* expected */
    bool park, info;
    const char *code; /* NULL: none */
    const char *to_ship, *over, *unbilled, *rest;
    enum xd_remainder remainder;
};

static const struct line_case cases[] = {
    {.name = "exact", .qty = "10", .shipped = "10", .to_ship = "10"},
    {.name = "exact with a status that says so",
     .qty = "10",
     .shipped = "10",
     .status = "CC",
     .to_ship = "10"},
    {.name = "exact in fractions", .qty = "2.750", .shipped = "2.75", .to_ship = "2.75"},

    {.name = "short, nothing said, stays open", .qty = "10", .shipped = "4", .to_ship = "4", .rest = "6"},
    {.name = "short, nothing said, closed by the setting",
     .qty = "10",
     .shipped = "4",
     .unshipped = XD_UNSHIPPED_CLOSED,
     .info = true,
     .code = "SHORT_CLOSED",
     .to_ship = "4",
     .rest = "6",
     .remainder = XD_REMAINDER_CANCEL},
    {.name = "short, nothing said, a person is asked",
     .qty = "10",
     .shipped = "4",
     .unshipped = XD_UNSHIPPED_ASK,
     .code = "SHORT_UNSTATED",
     .to_ship = "4",
     .rest = "6"},
    {.name = "a status nobody knows counts as none",
     .qty = "10",
     .shipped = "4",
     .status = "ZZ",
     .unshipped = XD_UNSHIPPED_ASK,
     .code = "SHORT_UNSTATED",
     .to_ship = "4",
     .rest = "6"},
    {.name = "short, final",
     .qty = "10",
     .shipped = "4",
     .status = "CP",
     .info = true,
     .code = "SHORT_CLOSED",
     .to_ship = "4",
     .rest = "6",
     .remainder = XD_REMAINDER_CANCEL},
    {.name = "short, final in words",
     .qty = "10",
     .shipped = "4",
     .status = "SHORT_FINAL",
     .unshipped = XD_UNSHIPPED_ASK,
     .info = true,
     .code = "SHORT_CLOSED",
     .to_ship = "4",
     .rest = "6",
     .remainder = XD_REMAINDER_CANCEL},
    {.name = "nothing shipped, out of stock",
     .qty = "10",
     .shipped = "0",
     .status = "DS",
     .info = true,
     .code = "SHORT_CLOSED",
     .rest = "10",
     .remainder = XD_REMAINDER_CANCEL},
    {.name = "nothing shipped, cancelled",
     .qty = "10",
     .shipped = "0",
     .status = "CU",
     .info = true,
     .code = "SHORT_CLOSED",
     .rest = "10",
     .remainder = XD_REMAINDER_CANCEL},
    {.name = "short, backorder",
     .qty = "10",
     .shipped = "4",
     .status = "BP",
     .unshipped = XD_UNSHIPPED_CLOSED,
     .info = true,
     .code = "SHORT_BACKORDER",
     .to_ship = "4",
     .rest = "6",
     .remainder = XD_REMAINDER_OPEN},
    {.name = "nothing shipped, backorder",
     .qty = "10",
     .shipped = "0",
     .status = "BACKORDER",
     .info = true,
     .code = "SHORT_BACKORDER",
     .rest = "10",
     .remainder = XD_REMAINDER_OPEN},
    {.name = "the status says complete, the quantity does not",
     .qty = "10",
     .shipped = "4",
     .status = "CC",
     .unshipped = XD_UNSHIPPED_CLOSED,
     .code = "STATUS_QTY_CONFLICT",
     .to_ship = "4",
     .rest = "6"},
    {.name = "short close takes the rest away",
     .qty = "10",
     .before = "4",
     .shipped = "0",
     .kind = XD_KIND_SHORT_CLOSE,
     .info = true,
     .code = "SHORT_CLOSED",
     .rest = "6",
     .remainder = XD_REMAINDER_CANCEL},
    {.name = "a line per lot: what is missing here may be further down",
     .qty = "10",
     .shipped = "4",
     .status = "CP",
     .more = true,
     .unshipped = XD_UNSHIPPED_CLOSED,
     .to_ship = "4",
     .rest = "6"},
    {.name = "short in fractions",
     .qty = "1.5",
     .shipped = "0.25",
     .status = "CP",
     .info = true,
     .code = "SHORT_CLOSED",
     .to_ship = "0.25",
     .rest = "1.25",
     .remainder = XD_REMAINDER_CANCEL},

    {.name = "the second of several shipments", .qty = "10", .before = "4", .shipped = "6", .to_ship = "6"},
    {.name = "the second of three", .qty = "10", .before = "4", .shipped = "3", .to_ship = "3", .rest = "3"},
    {.name = "shipped after it was closed",
     .qty = "10",
     .before = "4",
     .closed = "6",
     .shipped = "2",
     .code = "OVERSHIP",
     .over = "2",
     .unbilled = "2"},

    {.name = "over, none tolerated",
     .qty = "10",
     .shipped = "11",
     .code = "OVERSHIP",
     .to_ship = "10",
     .over = "1",
     .unbilled = "1"},
    {.name = "over, at the tolerance",
     .qty = "10",
     .shipped = "10.5",
     .tolerance = "5",
     .to_ship = "10",
     .over = "0.5"},
    {.name = "over, just beyond the tolerance",
     .qty = "10",
     .shipped = "10.500001",
     .tolerance = "5",
     .code = "OVERSHIP",
     .to_ship = "10",
     .over = "0.500001",
     .unbilled = "0.500001"},
    {.name = "over twice: tolerated is what is over in all",
     .qty = "10",
     .before = "10",
     .over_before = "0.4",
     .shipped = "0.2",
     .tolerance = "5",
     .code = "OVERSHIP",
     .over = "0.2",
     .unbilled = "0.2"},
    {.name = "over by a fraction of a percent",
     .qty = "1000",
     .shipped = "1002.5",
     .tolerance = "0.25",
     .to_ship = "1000",
     .over = "2.5"},

    {.name = "another item for the one ordered",
     .qty = "10",
     .shipped = "10",
     .sku = "GADGET",
     .original = "WIDGET",
     .park = true,
     .code = "UNAUTHORISED_SUBSTITUTE"},
    {.name = "another item, and no word of it",
     .qty = "10",
     .shipped = "10",
     .sku = "GADGET",
     .park = true,
     .code = "UNMATCHED_LINE"},
    {.name = "another item for yet another",
     .qty = "10",
     .shipped = "10",
     .sku = "GADGET",
     .original = "GIZMO",
     .park = true,
     .code = "UNMATCHED_LINE"},
    {.name = "a line that the release does not have",
     .shipped = "10",
     .park = true,
     .code = "UNMATCHED_LINE"},
    {.name = "another unit", .qty = "10", .shipped = "1", .uom = "CA", .park = true, .code = "UOM_MISMATCH"},
    {.name = "another unit that converts",
     .qty = "24",
     .shipped = "2",
     .uom = "CA",
     .converted = "24",
     .to_ship = "24"},
    {.name = "another item for the one ordered, which is allowed",
     .qty = "10",
     .shipped = "10",
     .sku = "GADGET",
     .original = "WIDGET",
     .may_substitute = true,
     .info = true,
     .code = "SUBSTITUTED",
     .to_ship = "10"},
    {.name = "a substitute in a unit that does not convert",
     .qty = "10",
     .shipped = "1",
     .sku = "GADGET",
     .original = "WIDGET",
     .uom = "CA",
     .may_substitute = true,
     .park = true,
     .code = "UOM_MISMATCH"},
    {.name = "a lot that the status says is recalled",
     .qty = "10",
     .shipped = "10",
     .status = "RI",
     .code = "RECALLED_LOT_SHIPPED",
     .to_ship = "10",
     .unbilled = "10"},
    {.name = "a lot on hold, and more than was released",
     .qty = "10",
     .shipped = "11",
     .status = "PH",
     .tolerance = "10",
     .code = "RECALLED_LOT_SHIPPED",
     .to_ship = "10",
     .over = "1",
     .unbilled = "11"},
    {.name = "an expired lot",
     .qty = "10",
     .shipped = "10",
     .blocked = true,
     .code = "RECALLED_LOT_SHIPPED",
     .to_ship = "10",
     .unbilled = "10"},
    {.name = "nothing of a recalled lot was shipped",
     .qty = "10",
     .shipped = "0",
     .status = "RI",
     .rest = "10"},
    {.name = "serial numbers that do not fit",
     .qty = "10",
     .shipped = "10",
     .serials_wrong = true,
     .code = "SERIAL_MISMATCH",
     .to_ship = "10"},
};

static void fill_release(const struct line_case *c, struct xd_release_line_row *row) {
    memset(row, 0, sizeof *row);
    strcpy(row->line_id, "1");
    strcpy(row->sku, "WIDGET");
    strcpy(row->uom, "EA");
    row->factor_num = row->factor_den = 1;
    row->qty = decimal(c->qty);
    row->shipped = decimal(c->before != NULL ? c->before : "0");
    row->over = decimal(c->over_before != NULL ? c->over_before : "0");
    row->closed = decimal(c->closed != NULL ? c->closed : "0");
}

static struct xd_line_facts facts_of(const struct line_case *c, const struct xd_release_line_row *release,
                                     const struct xd_confirmation_line *line) {
    struct xd_line_facts facts = {.release = release,
                                  .line = line,
                                  .may_substitute = c->may_substitute,
                                  .converts = strcmp(line->uom, "EA") == 0 || c->converted != NULL,
                                  .qty = c->converted != NULL ? decimal(c->converted) : line->qty_shipped,
                                  .blocked = c->blocked,
                                  .serials_wrong = c->serials_wrong,
                                  .more = c->more,
                                  .kind = c->kind};
    bool instead = c->original != NULL && strcmp(c->original, "WIDGET") == 0;
    facts.item = strcmp(line->sku, "WIDGET") == 0 ? XD_ITEM_SAME
                 : instead                        ? XD_ITEM_SUBSTITUTE
                                                  : XD_ITEM_OTHER;
    return facts;
}

static void check_case(const struct line_case *c) {
    struct xd_release_line_row release;
    struct xd_policies policies = {.over_tolerance_pct = decimal(c->tolerance != NULL ? c->tolerance : "0"),
                                   .unshipped_means = c->unshipped};
    struct xd_confirmation_line line = {.line_id = "1",
                                        .sku = c->sku != NULL ? c->sku : "WIDGET",
                                        .original_sku = c->original,
                                        .qty_shipped = decimal(c->shipped),
                                        .uom = c->uom != NULL ? c->uom : "EA",
                                        .status = c->status};
    struct xd_line_decision out;
    if (c->qty != NULL) {
        fill_release(c, &release);
    }
    struct xd_line_facts facts = facts_of(c, c->qty != NULL ? &release : NULL, &line);
    assert_int_equal(xd_reconcile_line(&facts, &policies, &out), XD_OK);
    const struct xd_line_note *note = &out.notes[0];
    if ((size_t)(c->code != NULL) != out.note_count ||
        (c->code != NULL && strcmp(c->code, note->code) != 0)) {
        fail_msg("%s: %zu codes, %s", c->name, out.note_count, note->code != NULL ? note->code : "none");
    }
    if (out.park != c->park || note->info != c->info || out.remainder != c->remainder) {
        fail_msg("%s: park %d info %d remainder %d", c->name, out.park, note->info, (int)out.remainder);
    }
    if (note->code != NULL) {
        assert_non_null(note->detail);
    }
    assert_decimal(c->name, "shipped", out.shipped, c->to_ship != NULL ? c->to_ship : "0");
    assert_decimal(c->name, "over", out.over, c->over != NULL ? c->over : "0");
    assert_decimal(c->name, "unbilled", out.unbilled, c->unbilled != NULL ? c->unbilled : "0");
    assert_decimal(c->name, "rest", out.rest, c->rest != NULL ? c->rest : "0");
}

static void each_row_of_the_table_is_decided_as_it_says(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        check_case(&cases[index]);
    }
}

/* What is shipped, over and left always adds up, whatever the numbers. */
static void quantities_are_conserved(void **state) {
    (void)state;
    static const char *const values[] = {"0", "0.001", "0.5", "1", "9.999", "10", "10.001", "12", "999999"};
    static const char *const statuses[] = {NULL, "CC", "CP", "BP", "ZZ"};
    size_t count = sizeof values / sizeof values[0];
    for (size_t at = 0; at < count * count * 5; at++) {
        struct line_case c = {.qty = values[1 + at % (count - 1)]};
        struct xd_policies policies = {.over_tolerance_pct = decimal("5"),
                                       .unshipped_means = (enum xd_unshipped)(at % 3)};
        struct xd_confirmation_line line = {.line_id = "1",
                                            .sku = "WIDGET",
                                            .uom = "EA",
                                            .qty_shipped = decimal(values[at / 5 % count]),
                                            .status = statuses[at % 5]};
        struct xd_release_line_row release;
        struct xd_line_decision out;
        struct xd_decimal sum;
        fill_release(&c, &release);
        struct xd_line_facts facts = facts_of(&c, &release, &line);
        assert_int_equal(xd_reconcile_line(&facts, &policies, &out), XD_OK);
        assert_int_equal(xd_decimal_add(out.shipped, out.over, &sum), XD_OK);
        assert_int_equal(xd_decimal_compare(sum, line.qty_shipped), 0);
        assert_int_equal(xd_decimal_add(out.shipped, out.rest, &sum), XD_OK);
        assert_int_equal(xd_decimal_compare(sum, release.qty), 0);
        assert_true(xd_decimal_compare(out.unbilled, out.over) <= 0);
    }
}

/* The percentage may be an order's: it makes no sum that cannot be done. */
static void a_tolerance_of_any_size_is_applied(void **state) {
    (void)state;
    static const struct {
        const char *qty, *percent, *shipped;
        bool within;
    } rows[] = {
        {"10", "999999999999999999", "1000000000000", true},
        {"999999999999", "99999.999999", "9999999999999", true},
        {"0.123456789012", "0.123456789012", "0.123456789013", false},
        {"1000000.000001", "10.000000000001", "1100000.000001", true},
        {"1000000.000001", "10.000000000001", "1100001", false},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        struct line_case c = {.qty = rows[index].qty};
        struct xd_release_line_row release;
        struct xd_policies policies = {.over_tolerance_pct = decimal(rows[index].percent)};
        struct xd_confirmation_line line = {
            .line_id = "1", .sku = "WIDGET", .uom = "EA", .qty_shipped = decimal(rows[index].shipped)};
        struct xd_line_decision out;
        fill_release(&c, &release);
        struct xd_line_facts facts = facts_of(&c, &release, &line);
        assert_true(xd_reconcile_is_over(&facts));
        assert_int_equal(xd_reconcile_line(&facts, &policies, &out), XD_OK);
        if ((out.note_count == 0) != rows[index].within) {
            fail_msg("%s over %s by %s%%", rows[index].shipped, rows[index].qty, rows[index].percent);
        }
    }
}

static void sums_that_do_not_fit_are_said_so(void **state) {
    (void)state;
    static const struct {
        const char *qty, *over_before, *shipped;
    } rows[] = {
        {"999999999999999999", NULL, "0.000001"},          /* what is left has too many digits */
        {"1", NULL, "999999999999999999"},                 /* a hundred times that does not fit */
        {"1", "999999999999999999", "999999999999999999"}, /* nor does all that is over */
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        struct line_case c = {.qty = rows[index].qty, .over_before = rows[index].over_before};
        struct xd_release_line_row release;
        struct xd_policies policies = {.over_tolerance_pct = decimal("5")};
        struct xd_confirmation_line line = {
            .line_id = "1", .sku = "WIDGET", .uom = "EA", .qty_shipped = decimal(rows[index].shipped)};
        struct xd_line_decision out;
        fill_release(&c, &release);
        struct xd_line_facts facts = facts_of(&c, &release, &line);
        assert_int_equal(xd_reconcile_line(&facts, &policies, &out), XD_INVALID);
    }
}

static void an_unlisted_line_is_closed_only_where_the_setting_says_so(void **state) {
    (void)state;
    struct line_case c = {.qty = "10", .before = "4", .closed = "1"};
    struct xd_release_line_row release;
    struct xd_line_decision out;
    struct xd_policies policies = {.unshipped_means = XD_UNSHIPPED_OPEN};
    fill_release(&c, &release);
    assert_int_equal(xd_reconcile_unlisted(&release, &policies, &out), XD_OK);
    assert_int_equal(out.remainder, XD_REMAINDER_KEEP);
    policies.unshipped_means = XD_UNSHIPPED_ASK;
    assert_int_equal(xd_reconcile_unlisted(&release, &policies, &out), XD_OK);
    assert_int_equal(out.remainder, XD_REMAINDER_KEEP);
    policies.unshipped_means = XD_UNSHIPPED_CLOSED;
    assert_int_equal(xd_reconcile_unlisted(&release, &policies, &out), XD_OK);
    assert_int_equal(out.remainder, XD_REMAINDER_CANCEL);
    assert_decimal("unlisted", "rest", out.rest, "5");
    assert_string_equal(out.notes[0].code, "SHORT_CLOSED");
    release.shipped = decimal("9");
    assert_int_equal(xd_reconcile_unlisted(&release, &policies, &out), XD_OK);
    assert_int_equal(out.remainder, XD_REMAINDER_KEEP); /* nothing is left to close */
    assert_int_equal(out.note_count, 0);
}

/* ---- folds ---- */

struct fold_case {
    const char *lines[2][6]; /* open, allocated, released, shipped, cancelled, backordered; NULL: no line */
    enum xd_order_status status;
};

static const struct fold_case folds[] = {
    {{{"5", "0", "0", "0", "0", "0"}}, XD_ORDER_ACCEPTED},
    {{{"5", "0", "0", "0", "0", "5"}}, XD_ORDER_BACKORDERED},
    {{{"0", "5", "0", "0", "0", "0"}}, XD_ORDER_ALLOCATED},
    {{{"0", "5", "0", "0", "0", "0"}, {"1", "0", "0", "0", "0", "0"}}, XD_ORDER_PART_ALLOCATED},
    {{{"0", "0", "5", "0", "0", "0"}}, XD_ORDER_IN_FULFILMENT},
    {{{"0", "0", "5", "0", "0", "0"}, {"1", "0", "0", "0", "0", "1"}}, XD_ORDER_IN_FULFILMENT},
    {{{"0", "0", "3", "2", "0", "0"}}, XD_ORDER_PART_SHIPPED},
    {{{"3", "0", "0", "2", "0", "3"}}, XD_ORDER_PART_SHIPPED},
    {{{"0", "0", "5", "0", "0", "0"}, {"0", "0", "0", "1", "0", "0"}}, XD_ORDER_PART_SHIPPED},
    {{{"0", "0", "0", "5", "0", "0"}, {"0", "0", "0", "0.001", "0", "0"}}, XD_ORDER_SHIPPED},
    {{{"0", "0", "0", "5", "0", "0"}, {"0", "0", "0", "0", "1", "0"}}, XD_ORDER_CLOSED_SHORT},
    {{{"0", "0", "0", "4.5", "0.5", "0"}}, XD_ORDER_CLOSED_SHORT},
    {{{"0", "0", "0", "0", "5", "0"}}, XD_ORDER_CANCELLED},
    /* Two lines whose sum has more digits than a decimal holds. */
    {{{"0", "0", "0", "999999999999999999", "0", "0"}, {"0", "0", "0", "999999999999999999", "0", "0"}},
     XD_ORDER_SHIPPED},
};

static void an_orders_status_is_a_fold_over_its_lines(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof folds / sizeof folds[0]; index++) {
        struct xd_fold fold = {.open = false};
        for (size_t at = 0; at < 2 && folds[index].lines[at][0] != NULL; at++) {
            const char *const *texts = folds[index].lines[at];
            struct xd_order_line_row line = {.open = decimal(texts[0]),
                                             .allocated = decimal(texts[1]),
                                             .released = decimal(texts[2]),
                                             .shipped = decimal(texts[3]),
                                             .cancelled = decimal(texts[4]),
                                             .backordered = decimal(texts[5])};
            xd_fold_add(&fold, &line);
        }
        if (xd_fold_order(&fold) != folds[index].status) {
            fail_msg("fold %zu is %d, not %d", index, (int)xd_fold_order(&fold), (int)folds[index].status);
        }
    }
}

static void a_line_that_does_not_add_up_is_found(void **state) {
    (void)state;
    struct xd_order_line_row line = {.ordered = decimal("10"),
                                     .open = decimal("1"),
                                     .allocated = decimal("2"),
                                     .released = decimal("3"),
                                     .shipped = decimal("3.5"),
                                     .cancelled = decimal("0.5"),
                                     .backordered = decimal("1"),
                                     .overshipped = decimal("7")};
    assert_true(xd_order_line_check(&line));
    struct xd_decimal *const parts[] = {&line.ordered,  &line.open,    &line.allocated,
                                        &line.released, &line.shipped, &line.cancelled};
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++) {
        struct xd_decimal kept = *parts[index];
        *parts[index] = decimal("9");
        assert_false(xd_order_line_check(&line));
        *parts[index] = kept;
    }
    line.backordered = decimal("1.1"); /* more than is open */
    assert_false(xd_order_line_check(&line));
    line.backordered = decimal("0");
    line.overshipped = decimal("-1");
    assert_false(xd_order_line_check(&line));
    line.overshipped = decimal("0");
    line.released = decimal("-3"); /* adds up, but a quantity is negative */
    line.shipped = decimal("9.5");
    assert_false(xd_order_line_check(&line));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_of_the_table_is_decided_as_it_says),
        cmocka_unit_test(quantities_are_conserved),
        cmocka_unit_test(a_tolerance_of_any_size_is_applied),
        cmocka_unit_test(sums_that_do_not_fit_are_said_so),
        cmocka_unit_test(an_unlisted_line_is_closed_only_where_the_setting_says_so),
        cmocka_unit_test(an_orders_status_is_a_fold_over_its_lines),
        cmocka_unit_test(a_line_that_does_not_add_up_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
