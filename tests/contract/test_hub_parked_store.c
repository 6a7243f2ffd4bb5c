/* What every implementation of hub/store.h must do for confirmations that correct and take back others. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 16

static void put(char *out, size_t size, const char *text) {
    assert_true(strlen(text) < size);
    (void)snprintf(out, size, "%s", text);
}
#define PUT(field, text) put((field), sizeof(field), (text))

/* ---- parked lines ---- */

struct seen_lines {
    struct xd_parked_line_row rows[SEEN_MAX];
    size_t count;
};

static enum xd_result see_line(void *context, const struct xd_parked_line_row *row) {
    struct seen_lines *seen = context;
    seen->rows[seen->count++] = *row;
    return XD_OK;
}

static struct xd_parked_line_row a_line(const char *id, int64_t line, const char *exception,
                                        const char *waits_for) {
    struct xd_parked_line_row row = {.version = 1, .line = line};
    PUT(row.site, "WH1");
    PUT(row.confirmation_id, id);
    PUT(row.code, "UOM_MISMATCH");
    PUT(row.exception, exception);
    PUT(row.waits_for, waits_for);
    return row;
}

static void a_line_is_parked_once_and_found_by_its_cause_and_its_exception(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    const struct xd_confirmation_store *store = &hub->confirmations;
    struct xd_parked_line_row one = a_line("C-1", 3, "E1", "product/W"), found;
    struct xd_parked_line_row two = a_line("C-1", 1, "E2", ""), other = a_line("C-2", 0, "E3", "product/W");
    struct seen_lines seen = {.count = 0};
    assert_ok(store->park(hub->context, &one));
    assert_int_equal(store->park(hub->context, &one), XD_CONFLICT);
    assert_ok(store->park(hub->context, &two));
    assert_ok(store->park(hub->context, &other));
    assert_ok(store->parked(hub->context, "WH1", "C-1", 1, see_line, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.rows[0].line, 1);
    assert_int_equal(seen.rows[1].line, 3);
    assert_string_equal(seen.rows[1].code, "UOM_MISMATCH");
    seen.count = 0;
    assert_ok(store->parked_for(hub->context, "product/W", 10, see_line, &seen));
    assert_int_equal(seen.count, 2);
    seen.count = 0;
    assert_ok(store->parked_for(hub->context, "product/W", 1, see_line, &seen));
    assert_int_equal(seen.count, 1);
    seen.count = 0;
    assert_ok(store->parked_for(hub->context, "", 10, see_line, &seen)); /* a person is no cause */
    assert_int_equal(seen.count, 0);
    assert_ok(store->parked_by(hub->context, "E2", &found));
    assert_int_equal(found.line, 1);
    assert_int_equal(store->parked_by(hub->context, "E9", &found), XD_NOT_FOUND);
}

static void lines_are_unparked_one_by_one_or_all(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    const struct xd_confirmation_store *store = &hub->confirmations;
    struct seen_lines seen = {.count = 0};
    for (int64_t line = 0; line < 3; line++) {
        char exception[8];
        (void)snprintf(exception, sizeof exception, "E%d", (int)line);
        struct xd_parked_line_row row = a_line("C-1", line, exception, "");
        assert_ok(store->park(hub->context, &row));
    }
    assert_ok(store->unpark(hub->context, "WH1", "C-1", 1, 1));
    assert_ok(store->unpark(hub->context, "WH1", "C-1", 1, 1)); /* that it is not there is fine */
    assert_ok(store->unpark(hub->context, "WH1", "C-1", 2, -1));
    assert_ok(store->parked(hub->context, "WH1", "C-1", 1, see_line, &seen));
    assert_int_equal(seen.count, 2);
    assert_ok(store->unpark(hub->context, "WH1", "C-1", 1, -1));
    seen.count = 0;
    assert_ok(store->parked(hub->context, "WH1", "C-1", 1, see_line, &seen));
    assert_int_equal(seen.count, 0);
}

/* ---- remainders ---- */

struct seen_remainders {
    struct xd_remainder_row rows[SEEN_MAX];
    size_t count;
};

static enum xd_result see_remainder(void *context, const struct xd_remainder_row *row) {
    struct seen_remainders *seen = context;
    seen->rows[seen->count++] = *row;
    return XD_OK;
}

static void remainders_are_kept_in_order_and_dropped_by_document(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    const struct xd_confirmation_store *store = &hub->confirmations;
    struct seen_remainders seen = {.count = 0};
    struct xd_remainder_row row = {.opened = stores_decimal("2.5"), .cancelled = stores_decimal("0")};
    PUT(row.release_id, "R1");
    PUT(row.line_id, "1");
    row.factor_num = 12;
    row.factor_den = 5;
    assert_ok(store->remainder_add(hub->context, "WH1", "C-1", 1, &row));
    row.cancelled = stores_decimal("1");
    assert_ok(store->remainder_add(hub->context, "WH1", "C-1", 1, &row)); /* the same line once more */
    assert_ok(store->remainder_add(hub->context, "WH1", "C-1", 2, &row));
    assert_ok(store->remainder_each(hub->context, "WH1", "C-1", 1, see_remainder, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.rows[0].release_id, "R1");
    assert_int_equal(xd_decimal_compare(seen.rows[0].opened, stores_decimal("2.5")), 0);
    assert_int_equal(seen.rows[0].factor_num, 12);
    assert_int_equal(seen.rows[0].factor_den, 5);
    assert_int_equal(xd_decimal_compare(seen.rows[1].cancelled, stores_decimal("1")), 0);
    assert_ok(store->remainder_drop(hub->context, "WH1", "C-1", 1));
    seen.count = 0;
    assert_ok(store->remainder_each(hub->context, "WH1", "C-1", 1, see_remainder, &seen));
    assert_int_equal(seen.count, 0);
    assert_ok(store->remainder_each(hub->context, "WH1", "C-1", 2, see_remainder, &seen));
    assert_int_equal(seen.count, 1);
}

static enum xd_result see_awaiting(void *context, const struct xd_awaiting_row *row) {
    struct xd_awaiting_row *seen = context;
    *seen = *row;
    return XD_OK;
}

static void what_was_said_of_no_remainder_is_found_until_it_is_served(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    const struct xd_confirmation_store *store = &hub->confirmations;
    struct seen_remainders seen = {.count = 0};
    struct xd_awaiting_row awaiting = {.version = 0};
    struct xd_remainder_row row = {.opened = stores_decimal("0"), .cancelled = stores_decimal("0")};
    PUT(row.release_id, "R1");
    PUT(row.line_id, "1");
    assert_ok(store->remainder_add(hub->context, "WH1", "C-1", 1, &row));
    assert_ok(store->remainder_awaiting(hub->context, "R1", see_awaiting, &awaiting));
    assert_int_equal(awaiting.version, 0);
    row.awaits = 2;
    assert_ok(store->remainder_add(hub->context, "WH1", "C-1", 3, &row));
    assert_ok(store->remainder_awaiting(hub->context, "R2", see_awaiting, &awaiting));
    assert_int_equal(awaiting.version, 0);
    assert_ok(store->remainder_awaiting(hub->context, "R1", see_awaiting, &awaiting));
    assert_string_equal(awaiting.site, "WH1");
    assert_string_equal(awaiting.confirmation_id, "C-1");
    assert_int_equal(awaiting.version, 3);
    assert_string_equal(awaiting.release_id, "R1");
    assert_string_equal(awaiting.line_id, "1");
    assert_int_equal(awaiting.awaits, 2);
    assert_ok(store->remainder_each(hub->context, "WH1", "C-1", 3, see_remainder, &seen));
    assert_int_equal(seen.rows[0].awaits, 2);
    row.awaits = 0;
    assert_ok(store->remainder_add(hub->context, "WH1", "C-1", 3, &row)); /* which stays */
    assert_ok(store->remainder_served(hub->context, &awaiting));
    awaiting.version = 0;
    assert_ok(store->remainder_awaiting(hub->context, "R1", see_awaiting, &awaiting));
    assert_int_equal(awaiting.version, 0);
    seen.count = 0;
    assert_ok(store->remainder_each(hub->context, "WH1", "C-1", 3, see_remainder, &seen));
    assert_int_equal(seen.count, 1);
}

/* ---- versions of confirmations ---- */

struct seen_rows {
    struct xd_confirmation_row rows[SEEN_MAX];
    size_t count;
};

static enum xd_result see_row(void *context, const struct xd_confirmation_row *row) {
    struct seen_rows *seen = context;
    assert_int_equal(row->body.size, 0);
    seen->rows[seen->count++] = *row;
    return XD_OK;
}

static void add_version(struct store_world *world, const char *id, int64_t version, int64_t base,
                        const char *shipment_id, xd_ms alert_at) {
    struct xd_confirmation_row row = {
        .version = version, .base = base, .kind = 2, .alert_at = alert_at, .body = xd_bytes_of_text("{}")};
    PUT(row.site, "WH1");
    PUT(row.confirmation_id, id);
    PUT(row.shipment_id, shipment_id);
    assert_ok(world->hub.confirmation_put(world->hub.context, &row));
}

static void versions_of_a_confirmation_and_those_of_a_shipment_are_found(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    struct seen_rows seen = {.count = 0};
    add_version(world, "C-1", 2, 1, "S-1", 0);
    add_version(world, "C-2", 1, 0, "S-1", 0);
    add_version(world, "C-1", 1, 0, "S-2", 0);
    assert_ok(hub->confirmation_versions(hub->context, "WH1", "C-1", see_row, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.rows[0].version, 1);
    assert_int_equal(seen.rows[0].base, 1); /* its own, when none is named */
    assert_int_equal(seen.rows[0].kind, 2);
    assert_int_equal(seen.rows[1].version, 2);
    assert_int_equal(seen.rows[1].base, 1);
    seen.count = 0;
    assert_ok(hub->confirmation_of_shipment(hub->context, "WH1", "S-1", 10, see_row, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.rows[0].confirmation_id, "C-1");
    assert_string_equal(seen.rows[1].confirmation_id, "C-2");
    seen.count = 0;
    assert_ok(hub->confirmation_of_shipment(hub->context, "WH2", "S-1", 10, see_row, &seen));
    assert_int_equal(seen.count, 0);
}

static void those_that_wait_too_long_are_told_until_they_are_saved_without(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    struct seen_rows seen = {.count = 0};
    add_version(world, "C-1", 1, 0, "", 200);
    add_version(world, "C-2", 1, 0, "", 100);
    add_version(world, "C-3", 1, 0, "", 0);
    assert_ok(hub->confirmation_alert(hub->context, 99, 10, see_row, &seen));
    assert_int_equal(seen.count, 0);
    assert_ok(hub->confirmation_alert(hub->context, 200, 10, see_row, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.rows[0].confirmation_id, "C-2");
    seen.rows[0].alert_at = 0;
    assert_ok(hub->confirmation_save(hub->context, &seen.rows[0]));
    seen.count = 0;
    assert_ok(hub->confirmation_alert(hub->context, 200, 10, see_row, &seen));
    assert_int_equal(seen.count, 1);
}

/* ---- jobs ---- */

struct seen_jobs {
    struct xd_job_row rows[SEEN_MAX];
    size_t count;
};

static enum xd_result see_job(void *context, const struct xd_job_row *row) {
    struct seen_jobs *seen = context;
    seen->rows[seen->count++] = *row;
    return XD_OK;
}

static struct xd_job_row add_job(struct store_world *world, enum xd_erp_kind kind, const char *reference,
                                 int state, int64_t after, const char *qty) {
    struct xd_job_row row = {.kind = kind, .state = state, .after = after, .confirmation_version = 1};
    struct xd_job_line_row line = {.factor_num = 1, .factor_den = 1, .qty = stores_decimal(qty)};
    PUT(row.erp, "main");
    PUT(row.reference, reference);
    PUT(row.order_id, "O1");
    PUT(row.site, "WH1");
    PUT(row.confirmation_id, "C-1");
    PUT(row.reverses, kind == XD_ERP_REVERSAL ? "S" : "");
    PUT(line.line_id, "1");
    PUT(line.lot, "L1");
    PUT(line.ordered_sku, "W");
    assert_ok(world->hub.job_add(world->hub.context, &row, &line, 1));
    return row;
}

static enum xd_result see_lot(void *context, const struct xd_job_line_row *row) {
    (void)context;
    assert_string_equal(row->lot, "L1");
    assert_string_equal(row->ordered_sku, "W");
    return XD_OK;
}

static void jobs_know_what_they_undo_and_what_they_wait_for(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    struct seen_jobs seen = {.count = 0};
    struct xd_job_row first = add_job(world, XD_ERP_SHIPMENT, "S", XD_JOB_SENT, 0, "1"), read;
    struct xd_job_row second = add_job(world, XD_ERP_REVERSAL, "S/r", XD_JOB_HELD, first.number, "1");
    struct xd_job_row third = add_job(world, XD_ERP_SHIPMENT, "S+1", XD_JOB_REJECTED, second.number, "1");
    assert_ok(hub->job_after(hub->context, first.number, see_job, &seen));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.rows[0].number, second.number);
    assert_int_equal(seen.rows[0].after, first.number);
    assert_string_equal(seen.rows[0].reverses, "S");
    seen.count = 0;
    assert_ok(hub->job_after(hub->context, 0, see_job, &seen));
    assert_int_equal(seen.count, 0);
    assert_ok(hub->job_shipments(hub->context, "O1", see_job, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.rows[1].number, third.number);
    seen.count = 0;
    assert_ok(hub->job_refused(hub->context, "WH1", "C-1", 1, see_job, &seen));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.rows[0].number, third.number);
    first.reversed = true;
    assert_ok(hub->job_save(hub->context, &first));
    assert_ok(hub->job_get(hub->context, first.number, &read));
    assert_true(read.reversed);
    assert_ok(hub->job_lines(hub->context, first.number, see_lot, NULL));
}

static enum xd_result keep_sum(void *context, const struct xd_reconciliation_row *row) {
    *(struct xd_reconciliation_row *)context = *row;
    return XD_OK;
}

/* What was taken back is not confirmed any more, but the ERP has still to be told. */
static void what_is_reversed_does_not_count_and_its_reversal_is_unposted(void **state) {
    struct store_world *world = *state;
    const struct xd_hub_store *hub = &world->hub;
    struct xd_reconciliation_row sum;
    struct xd_job_row first = add_job(world, XD_ERP_SHIPMENT, "S", XD_JOB_DONE, 0, "3");
    (void)add_job(world, XD_ERP_SHIPMENT, "T", XD_JOB_DONE, 0, "4");
    (void)add_job(world, XD_ERP_SHIPMENT, "U", XD_JOB_WITHDRAWN, 0, "9");
    first.reversed = true;
    assert_ok(hub->job_save(hub->context, &first));
    struct xd_job_row reversal = add_job(world, XD_ERP_REVERSAL, "S/r", XD_JOB_QUEUED, 0, "3");
    assert_ok(hub->reconcile(hub->context, "WH1", keep_sum, &sum));
    assert_int_equal(sum.shipments, 1);
    assert_int_equal(sum.confirmed_lines, 1);
    assert_int_equal(sum.posted_lines, 1);
    assert_int_equal(sum.unposted_lines, 1);
    assert_int_equal(xd_decimal_compare(sum.confirmed_qty, stores_decimal("4")), 0);
    reversal.state = XD_JOB_DONE;
    assert_ok(hub->job_save(hub->context, &reversal));
    assert_ok(hub->reconcile(hub->context, "WH1", keep_sum, &sum));
    assert_int_equal(sum.unposted_lines, 0);
}

static int setup(void **state) {
    int result = stores_setup_hub(state);
    stores_begin(*state);
    return result;
}

static int teardown(void **state) {
    stores_commit(*state);
    return stores_teardown(state);
}

#define HUB_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(a_line_is_parked_once_and_found_by_its_cause_and_its_exception),
        HUB_TEST(lines_are_unparked_one_by_one_or_all),
        HUB_TEST(remainders_are_kept_in_order_and_dropped_by_document),
        HUB_TEST(what_was_said_of_no_remainder_is_found_until_it_is_served),
        HUB_TEST(versions_of_a_confirmation_and_those_of_a_shipment_are_found),
        HUB_TEST(those_that_wait_too_long_are_told_until_they_are_saved_without),
        HUB_TEST(jobs_know_what_they_undo_and_what_they_wait_for),
        HUB_TEST(what_is_reversed_does_not_count_and_its_reversal_is_unposted),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
