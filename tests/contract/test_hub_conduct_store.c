/* What every implementation of hub/store.h must do for the conducting of orders: rows that change, what waits
 * for stock or for an answer, exceptions that are decided, jobs that are posted again. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 8

struct seen {
    size_t count;
    char ids[SEEN_MAX][XD_ID_SIZE];
    struct xd_order_line_row lines[SEEN_MAX];
    struct xd_release_line_row release_line;
    struct xd_job_line_row job_line;
};

static void put(char *out, size_t size, const char *text) {
    assert_true(strlen(text) < size);
    (void)snprintf(out, size, "%s", text);
}
#define PUT(field, text) put((field), sizeof(field), (text))

/* ---- orders ---- */

static void add_order(struct store_world *world, const char *order_id, const char *backordered) {
    struct xd_order_row row = {.status = XD_ORDER_VALIDATED, .revision = 1, .received_at = 5};
    struct xd_order_line_row line = {.number = 1, .factor_num = 1, .factor_den = 1};
    PUT(row.order_id, order_id);
    PUT(row.tenant, "t");
    PUT(row.channel_account, "web");
    PUT(row.external_order_id, order_id);
    PUT(row.sale_reference, order_id);
    row.body = xd_bytes_of_text("{\"first\":1}");
    PUT(line.line_id, "1");
    PUT(line.sku, "WIDGET");
    PUT(line.uom, "EA");
    line.ordered = line.open = stores_decimal("10");
    line.backordered = stores_decimal(backordered);
    assert_ok(world->hub.order_add(world->hub.context, &row, &line, 1));
}

static void fill_progress(struct xd_order_row *row) {
    row->status = XD_ORDER_HELD;
    row->revision = 2;
    row->steps = XD_STEP_BIT(XD_STEP_CHECK) | XD_STEP_BIT(XD_STEP_ROUTE);
    row->holds = XD_HOLD_BIT(XD_HOLD_CREDIT) | XD_HOLD_BIT(XD_HOLD_ERP);
    row->cancelled = true;
    row->releases = 3;
    row->changes = 4;
    row->changing = true;
    row->total = stores_decimal("12.5");
    row->updated_at = 60;
    PUT(row->customer_code, "C-1");
    PUT(row->customer_po, "their number");
    PUT(row->site, "WH2");
    row->hash = stores_hash(7);
}

static void assert_progress(struct store_world *world, const char *body) {
    struct xd_order_row row;
    struct xd_buffer text;
    int64_t held = -1, validated = -1;
    assert_ok(world->hub.order_get(world->hub.context, "O1", &row));
    assert_int_equal(row.status, XD_ORDER_HELD);
    assert_int_equal(row.revision, 2);
    assert_int_equal(row.steps, XD_STEP_BIT(XD_STEP_CHECK) | XD_STEP_BIT(XD_STEP_ROUTE));
    assert_int_equal(row.holds, XD_HOLD_BIT(XD_HOLD_CREDIT) | XD_HOLD_BIT(XD_HOLD_ERP));
    assert_true(row.cancelled);
    assert_int_equal(row.releases, 3);
    assert_int_equal(row.changes, 4);
    assert_true(row.changing);
    assert_decimal(row.total, "12.5");
    assert_int_equal(row.updated_at, 60);
    assert_string_equal(row.customer_code, "C-1");
    assert_string_equal(row.customer_po, "their number");
    assert_string_equal(row.site, "WH2");
    assert_hash(row.hash, 7);
    xd_buffer_init(&text, 0);
    assert_ok(world->hub.order_body(world->hub.context, "O1", &text));
    assert_string_equal(xd_buffer_string(&text), body);
    xd_buffer_free(&text);
    assert_ok(world->hub.order_count(world->hub.context, XD_ORDER_HELD, &held));
    assert_ok(world->hub.order_count(world->hub.context, XD_ORDER_VALIDATED, &validated));
    assert_int_equal(held, 1);
    assert_int_equal(validated, 0);
}

static void a_saved_order_keeps_its_body_unless_there_is_another(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_order_row row;
    stores_begin(world);
    add_order(world, "O1", "0");
    assert_ok(hub->order_get(hub->context, "O1", &row));
    fill_progress(&row);
    assert_ok(hub->order_save(hub->context, &row));
    assert_progress(world, "{\"first\":1}");
    stores_commit(world);
    stores_reopen(world, 0);
    assert_progress(world, "{\"first\":1}");
    stores_begin(world);
    row.body = xd_bytes_of_text("{\"second\":2}");
    assert_ok(hub->order_save(hub->context, &row));
    PUT(row.order_id, "O9");
    assert_int_equal(hub->order_save(hub->context, &row), XD_NOT_FOUND);
    stores_commit(world);
    stores_reopen(world, 0);
    assert_progress(world, "{\"second\":2}");
}

static enum xd_result see_line(void *context, const struct xd_order_line_row *row) {
    struct seen *seen = context;
    assert_true(seen->count < SEEN_MAX);
    seen->lines[seen->count++] = *row;
    return XD_OK;
}

static void a_line_that_is_added_stands_behind_the_others(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    struct xd_order_line_row line = {.number = 2, .factor_num = 12, .factor_den = 5};
    stores_begin(world);
    add_order(world, "O1", "0");
    PUT(line.line_id, "new");
    PUT(line.external_line_id, "x");
    PUT(line.sku, "GADGET");
    PUT(line.uom, "CS");
    line.ordered = stores_decimal("3");
    line.open = line.pending = line.ordered;
    line.has_unit_price = true;
    line.unit_price = stores_decimal("1.25");
    assert_ok(hub->order_line_add(hub->context, "O1", &line));
    assert_true(hub->order_line_add(hub->context, "O9", &line) != XD_OK);
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(hub->order_lines(hub->context, "O1", see_line, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.lines[1].line_id, "new");
    assert_string_equal(seen.lines[1].external_line_id, "x");
    assert_int_equal(seen.lines[1].factor_num, 12);
    assert_int_equal(seen.lines[1].factor_den, 5);
    assert_decimal(seen.lines[1].pending, "3");
    assert_decimal(seen.lines[1].unit_price, "1.25");
    assert_decimal(seen.lines[0].pending, "0");
}

static void a_line_that_counts_otherwise_keeps_what_was_ordered(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    stores_begin(world);
    add_order(world, "O1", "0");
    assert_ok(hub->order_lines(hub->context, "O1", see_line, &seen));
    assert_string_equal(seen.lines[0].ordered_uom, "");
    PUT(seen.lines[0].uom, "EA");
    PUT(seen.lines[0].ordered_uom, "CS");
    seen.lines[0].ordered_num = 12;
    seen.lines[0].ordered_den = 5;
    assert_ok(hub->order_line_save(hub->context, "O1", &seen.lines[0]));
    stores_commit(world);
    stores_reopen(world, 0);
    seen.count = 0;
    assert_ok(hub->order_lines(hub->context, "O1", see_line, &seen));
    assert_string_equal(seen.lines[0].uom, "EA");
    assert_string_equal(seen.lines[0].ordered_uom, "CS");
    assert_int_equal(seen.lines[0].ordered_num, 12);
    assert_int_equal(seen.lines[0].ordered_den, 5);
}

static enum xd_result see_id(void *context, const char *order_id) {
    struct seen *seen = context;
    PUT(seen->ids[seen->count], order_id);
    seen->count++;
    return XD_OK;
}

static void orders_that_wait_for_stock_come_oldest_first_in_pages(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    int64_t cursor = 0;
    stores_begin(world);
    add_order(world, "O3", "1");
    add_order(world, "O1", "0");
    add_order(world, "O2", "0.5");
    add_order(world, "O4", "10");
    stores_commit(world);
    stores_begin(world);
    assert_ok(hub->order_backordered(hub->context, &cursor, 2, see_id, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.ids[0], "O3");
    assert_string_equal(seen.ids[1], "O2");
    assert_ok(hub->order_backordered(hub->context, &cursor, 2, see_id, &seen));
    assert_int_equal(seen.count, 3);
    assert_string_equal(seen.ids[2], "O4");
    assert_ok(hub->order_backordered(hub->context, &cursor, 2, see_id, &seen));
    assert_int_equal(seen.count, 3);
    stores_commit(world);
}

/* ---- releases ---- */

static void add_release(struct store_world *world, const char *release_id, xd_ms ack_by) {
    struct xd_release_row row = {.number = 2, .revision = 1, .status = XD_RELEASE_QUEUED, .ack_by = ack_by};
    struct xd_release_line_row line = {.factor_num = 1, .factor_den = 1};
    PUT(row.release_id, release_id);
    PUT(row.order_id, "O1");
    PUT(row.site, "WH1");
    PUT(line.line_id, "1");
    PUT(line.sku, "WIDGET");
    PUT(line.uom, "EA");
    line.qty = stores_decimal("10");
    assert_ok(world->hub.release_add(world->hub.context, &row, &line, 1));
}

static enum xd_result see_release(void *context, const struct xd_release_row *row) {
    struct seen *seen = context;
    PUT(seen->ids[seen->count], row->release_id);
    seen->count++;
    return XD_OK;
}

static void releases_without_an_answer_come_longest_due_first(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    stores_begin(world);
    add_release(world, "R1", 300);
    add_release(world, "R2", 100);
    add_release(world, "R3", 0); /* whenever */
    add_release(world, "R4", 200);
    stores_commit(world);
    stores_begin(world);
    assert_ok(hub->release_late(hub->context, 99, 5, see_release, &seen));
    assert_int_equal(seen.count, 0);
    assert_ok(hub->release_late(hub->context, 300, 2, see_release, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.ids[0], "R2");
    assert_string_equal(seen.ids[1], "R4");
    assert_ok(hub->release_late(hub->context, 1000, 5, see_release, &seen));
    assert_int_equal(seen.count, 5);
    stores_commit(world);
}

/* By its answer before, a store may know that none is late yet. */
static void expect_late(struct store_world *world, xd_ms before, const char *expected) {
    struct seen seen = {.count = 0};
    assert_ok(world->hub.release_late(world->hub.context, before, 5, see_release, &seen));
    assert_string_equal(seen.count == 0 ? "" : seen.ids[0], expected);
    assert_in_range(seen.count, 0, 1);
}

static void wait_until(struct store_world *world, const char *release_id, xd_ms ack_by) {
    struct xd_release_row row;
    assert_ok(world->hub.release_get(world->hub.context, release_id, &row));
    row.ack_by = ack_by;
    assert_ok(world->hub.release_save(world->hub.context, &row));
}

static void a_late_release_is_found_whatever_was_looked_for_before(void **state) {
    struct store_world *world = *state;
    struct xd_store_tx *tx = &world->hub.delivery.tx;
    stores_begin(world);
    expect_late(world, 1000, "");
    add_release(world, "R1", 0);
    expect_late(world, 1000, "");
    add_release(world, "R2", 500);
    expect_late(world, 499, "");
    expect_late(world, 500, "R2");
    wait_until(world, "R2", 700);
    expect_late(world, 699, "");
    wait_until(world, "R1", 300);
    expect_late(world, 300, "R1");
    wait_until(world, "R1", 0);
    expect_late(world, 699, "");
    stores_commit(world);
    stores_begin(world);
    assert_ok(tx->savepoint(tx->context));
    wait_until(world, "R2", 0);
    expect_late(world, 1000, "");
    assert_ok(tx->undo(tx->context));
    expect_late(world, 1000, "R2");
    wait_until(world, "R2", 2000);
    expect_late(world, 1000, "");
    tx->rollback(tx->context);
    stores_begin(world);
    expect_late(world, 1000, "R2");
    stores_commit(world);
}

static enum xd_result see_release_line(void *context, const struct xd_release_line_row *row) {
    ((struct seen *)context)->release_line = *row;
    return XD_OK;
}

static void what_is_asked_back_of_a_release_is_kept(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    stores_begin(world);
    add_release(world, "R1", 0);
    assert_ok(hub->release_lines(hub->context, "R1", see_release_line, &seen));
    assert_decimal(seen.release_line.asked, "0");
    seen.release_line.asked = stores_decimal("4");
    seen.release_line.unwanted = stores_decimal("1.5");
    assert_int_equal(seen.release_line.answer, XD_LINE_UNANSWERED);
    seen.release_line.answer = XD_LINE_RESERVED;
    seen.release_line.refused = true;
    PUT(seen.release_line.uom, "EA");
    seen.release_line.told_num = 12;
    seen.release_line.told_den = 5;
    seen.release_line.claimed_open = stores_decimal("2");
    seen.release_line.claimed_cancelled = stores_decimal("0.5");
    seen.release_line.left_out = stores_decimal("3");
    assert_ok(hub->release_line_save(hub->context, "R1", &seen.release_line));
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(hub->release_lines(hub->context, "R1", see_release_line, &seen));
    assert_decimal(seen.release_line.asked, "4");
    assert_decimal(seen.release_line.unwanted, "1.5");
    assert_string_equal(seen.release_line.uom, "EA");
    assert_int_equal(seen.release_line.told_num, 12);
    assert_int_equal(seen.release_line.told_den, 5);
    assert_decimal(seen.release_line.claimed_open, "2");
    assert_decimal(seen.release_line.claimed_cancelled, "0.5");
    assert_decimal(seen.release_line.left_out, "3");
}

static enum xd_result see_line_ids(void *context, const struct xd_release_line_row *row) {
    struct seen *seen = context;
    PUT(seen->ids[seen->count], row->line_id);
    seen->count++;
    return XD_OK;
}

static void a_line_that_is_added_to_a_release_is_its_last(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_release_line_row line = {.factor_num = 1, .factor_den = 1};
    struct seen seen = {.count = 0};
    PUT(line.line_id, "0");
    line.qty = stores_decimal("3");
    stores_begin(world);
    add_release(world, "R1", 0);
    add_release(world, "R2", 0);
    assert_ok(hub->release_line_add(hub->context, "R1", &line));
    assert_int_equal(hub->release_line_add(hub->context, "R3", &line), XD_NOT_FOUND);
    assert_ok(hub->release_lines(hub->context, "R1", see_line_ids, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.ids[0], "1");
    assert_string_equal(seen.ids[1], "0");
    assert_ok(hub->release_lines(hub->context, "R1", see_release_line, &seen));
    assert_decimal(seen.release_line.qty, "3");
    assert_int_equal(hub->release_line_add(hub->context, "R1", &line), XD_INVALID); /* twice */
    stores_commit(world);
}

/* ---- exceptions ---- */

static void add_exception(struct store_world *world, const char *id, const char *order_id, const char *code) {
    struct xd_exception_row row = {.open = true, .raised_at = 10};
    PUT(row.id, id);
    PUT(row.order_id, order_id);
    PUT(row.code, code);
    assert_ok(world->hub.exception_add(world->hub.context, &row));
}

static void assert_open(struct store_world *world, const char *id, bool open, xd_ms resolved_at) {
    struct xd_exception_row row;
    assert_ok(world->hub.exception_get(world->hub.context, id, &row));
    assert_string_equal(row.id, id);
    assert_int_equal(row.open, open);
    assert_int_equal(row.resolved_at, resolved_at);
}

static void exceptions_of_an_order_close_by_code_and_one_by_one(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_exception_row row;
    const struct xd_word boss = {"boss", "unhold", "paid"}, nobody = {NULL, NULL, NULL};
    int64_t open = -1;
    stores_begin(world);
    add_exception(world, "E1", "O1", "CREDIT_HOLD");
    add_exception(world, "E2", "O1", "CHECK_HOLD");
    add_exception(world, "E3", "O2", "CREDIT_HOLD");
    add_exception(world, "E4", "O1", "CREDIT_HOLD");
    assert_ok(hub->exception_close_order(hub->context, "O1", "CREDIT_HOLD", &boss, 70));
    assert_ok(hub->exception_close_order(hub->context, "O7", "CREDIT_HOLD", &boss, 71)); /* none is fine */
    assert_ok(hub->exception_close_one(hub->context, "E3", &nobody, 72));
    stores_commit(world);
    stores_reopen(world, 0);
    assert_open(world, "E1", false, 70);
    assert_open(world, "E2", true, 0);
    assert_open(world, "E3", false, 72);
    assert_open(world, "E4", false, 70);
    assert_ok(hub->exception_get(hub->context, "E4", &row));
    assert_string_equal(row.by, "boss");
    assert_string_equal(row.action, "unhold");
    assert_string_equal(row.reason, "paid");
    assert_ok(hub->exception_get(hub->context, "E3", &row));
    assert_string_equal(row.by, "");
    assert_int_equal(hub->exception_get(hub->context, "E9", &row), XD_NOT_FOUND);
    assert_ok(hub->exception_count(hub->context, &open));
    assert_int_equal(open, 1);
}

/* ---- jobs ---- */

static enum xd_result see_job_line(void *context, const struct xd_job_line_row *row) {
    struct seen *seen = context;
    seen->count++;
    seen->job_line = *row;
    return XD_OK;
}

static void a_job_is_found_by_its_reference_and_posted_again_with_other_lines(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    struct xd_job_row row = {.kind = XD_ERP_SALE, .state = XD_JOB_QUEUED};
    struct xd_job_line_row lines[2] = {{.factor_num = 12, .factor_den = 1},
                                       {.factor_num = 1, .factor_den = 1}};
    int64_t queued = -1, rejected = -1;
    PUT(row.erp, "main");
    PUT(row.reference, "sale/1");
    PUT(lines[0].line_id, "1");
    PUT(lines[1].line_id, "2");
    lines[0].qty = lines[1].qty = stores_decimal("3");
    stores_begin(world);
    assert_ok(hub->job_add(hub->context, &row, lines, 2));
    row.state = XD_JOB_REJECTED;
    assert_ok(hub->job_save(hub->context, &row));
    assert_int_equal(hub->job_find(hub->context, "main", XD_ERP_CHANGE, "sale/1", &row), XD_NOT_FOUND);
    assert_int_equal(hub->job_find(hub->context, "other", XD_ERP_SALE, "sale/1", &row), XD_NOT_FOUND);
    assert_ok(hub->job_find(hub->context, "main", XD_ERP_SALE, "sale/1", &row));
    assert_int_equal(row.state, XD_JOB_REJECTED);
    row.state = XD_JOB_QUEUED;
    row.due_at = 80;
    lines[0].qty = stores_decimal("7");
    assert_ok(hub->job_renew(hub->context, &row, lines, 1));
    stores_commit(world);
    stores_reopen(world, 0);
    stores_begin(world);
    assert_ok(hub->job_find(hub->context, "main", XD_ERP_SALE, "sale/1", &row));
    assert_int_equal(row.state, XD_JOB_QUEUED);
    assert_int_equal(row.due_at, 80);
    assert_ok(hub->job_lines(hub->context, row.number, see_job_line, &seen));
    assert_int_equal(seen.count, 1);
    assert_decimal(seen.job_line.qty, "7");
    assert_int_equal(seen.job_line.factor_num, 12);
    assert_ok(hub->job_count(hub->context, XD_JOB_QUEUED, &queued));
    assert_ok(hub->job_count(hub->context, XD_JOB_REJECTED, &rejected));
    assert_int_equal(queued, 1);
    assert_int_equal(rejected, 0);
    stores_commit(world);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(a_saved_order_keeps_its_body_unless_there_is_another),
        HUB_TEST(a_line_that_is_added_stands_behind_the_others),
        HUB_TEST(a_line_that_counts_otherwise_keeps_what_was_ordered),
        HUB_TEST(orders_that_wait_for_stock_come_oldest_first_in_pages),
        HUB_TEST(releases_without_an_answer_come_longest_due_first),
        HUB_TEST(a_late_release_is_found_whatever_was_looked_for_before),
        HUB_TEST(what_is_asked_back_of_a_release_is_kept),
        HUB_TEST(a_line_that_is_added_to_a_release_is_its_last),
        HUB_TEST(exceptions_of_an_order_close_by_code_and_one_by_one),
        HUB_TEST(a_job_is_found_by_its_reference_and_posted_again_with_other_lines),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
