/* What every implementation of hub/books/books_store.h must do. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct xd_books_store *books(struct store_world *world) {
    return &world->hub.books;
}

struct seen {
    char text[512];
};

static void add(struct seen *seen, const char *text) {
    size_t size = strlen(seen->text);
    (void)snprintf(seen->text + size, sizeof seen->text - size, "%s%s", size > 0 ? " " : "", text);
}

/* ---- what waits ---- */

static void put_waiting(struct store_world *world, int what, const char *number, bool proposed,
                        const char *body) {
    struct xd_waiting_row row = {
        .erp = "main", .what = what, .proposed = proposed, .code = "C", .body = xd_bytes_of_text(body)};
    (void)snprintf(row.number, sizeof row.number, "%s", number);
    (void)snprintf(row.detail, sizeof row.detail, "because of %s", number);
    assert_ok(books(world)->waiting_put(world->hub.context, &row));
}

static enum xd_result see_waiting(void *context, const struct xd_waiting_row *row) {
    add(context, row->number);
    return XD_OK;
}

static void entries_wait_until_they_are_dropped_and_come_in_order(void **state) {
    struct store_world *world = *state;
    struct seen seen = {""};
    struct xd_waiting_row row;
    struct xd_buffer body;
    stores_begin(world);
    put_waiting(world, XD_ERP_SALES, "S2", false, "{\"n\":2}");
    put_waiting(world, XD_ERP_INVOICES, "I1", false, "{}");
    put_waiting(world, XD_ERP_SALES, "S1", false, "{}");
    put_waiting(world, XD_ERP_SALES, "S3", true, "{}"); /* not before somebody wants it */
    put_waiting(world, XD_ERP_SALES, "S1", false, "{\"n\":1}");
    stores_commit(world);
    stores_reopen(world, 0);
    void *context = world->hub.context;
    assert_ok(books(world)->waiting_list(context, "main", -1, "", 9, see_waiting, &seen));
    assert_string_equal(seen.text, "S1 S2 I1");
    seen.text[0] = '\0';
    assert_ok(books(world)->waiting_list(context, "main", XD_ERP_SALES, "S1", 1, see_waiting, &seen));
    assert_string_equal(seen.text, "S2");
    assert_ok(books(world)->waiting_list(context, "other", -1, "", 9, see_waiting, &seen));
    xd_buffer_init(&body, 0);
    assert_ok(books(world)->waiting_get(context, "main", XD_ERP_SALES, "S1", &row, &body));
    assert_string_equal(xd_buffer_string(&body), "{\"n\":1}");
    assert_string_equal(row.detail, "because of S1");
    xd_buffer_free(&body);
    assert_int_equal(books(world)->waiting_get(context, "main", XD_ERP_INVOICES, "S1", &row, NULL),
                     XD_NOT_FOUND);
    stores_begin(world);
    assert_ok(books(world)->waiting_drop(context, "main", XD_ERP_SALES, "S1"));
    assert_ok(books(world)->waiting_drop(context, "main", XD_ERP_SALES, "S1"));
    stores_commit(world);
    assert_int_equal(books(world)->waiting_get(context, "main", XD_ERP_SALES, "S1", &row, NULL),
                     XD_NOT_FOUND);
}

/* ---- invoices ---- */

static enum xd_result see_line(void *context, const struct xd_invoice_line_row *row) {
    char qty[XD_DECIMAL_TEXT_MAX];
    add(context, row->line_id);
    add(context, xd_decimal_write(row->base_qty, qty));
    return XD_OK;
}

static void invoice_is_replaced_with_all_of_its_lines(void **state) {
    struct store_world *world = *state;
    struct seen seen = {""};
    struct xd_invoice_row row = {.erp = "main", .number = "I1", .order_id = "O1", .state = "draft"}, got;
    struct xd_invoice_line_row lines[2] = {{.line_id = "1", .base_qty = stores_decimal("2.5")},
                                           {.line_id = "2", .base_qty = stores_decimal("-1")}};
    void *context = world->hub.context;
    stores_begin(world);
    assert_int_equal(books(world)->invoice_get(context, "main", "I1", &got), XD_NOT_FOUND);
    assert_ok(books(world)->invoice_put(context, &row, lines, 2));
    assert_ok(books(world)->invoice_lines(context, "main", "I1", see_line, &seen));
    assert_string_equal(seen.text, "1 2.5 2 -1");
    (void)snprintf(row.state, sizeof row.state, "paid");
    row.told = true;
    assert_ok(books(world)->invoice_put(context, &row, lines, 1));
    stores_commit(world);
    seen.text[0] = '\0';
    assert_ok(books(world)->invoice_lines(context, "main", "I1", see_line, &seen));
    assert_string_equal(seen.text, "1 2.5");
    assert_ok(books(world)->invoice_get(context, "main", "I1", &got));
    assert_string_equal(got.state, "paid");
    assert_string_equal(got.order_id, "O1");
    assert_true(got.told);
}

/* ---- runs ---- */

static enum xd_result see_run(void *context, const struct xd_books_run_row *row) {
    add(context, row->id);
    return XD_OK;
}

static void runs_are_done_in_order_and_listed_the_latest_first(void **state) {
    struct store_world *world = *state;
    struct seen seen = {""};
    struct xd_books_run_row first = {.id = "B1", .state = XD_RUN_QUEUED, .by = "olga", .queued_at = 5};
    struct xd_books_run_row second = {.id = "B2", .erp = "main", .state = XD_RUN_QUEUED}, got;
    void *context = world->hub.context;
    stores_begin(world);
    assert_int_equal(books(world)->run_next(context, &got), XD_NOT_FOUND);
    assert_ok(books(world)->run_add(context, &first));
    assert_ok(books(world)->run_add(context, &second));
    assert_true(second.n > first.n);
    first.state = XD_RUN_RUNNING;
    first.sales = 7;
    assert_ok(books(world)->run_save(context, &first));
    assert_ok(books(world)->run_next(context, &got));
    assert_string_equal(got.id, "B1");
    assert_int_equal(books(world)->run_queued(context, "", &got), XD_NOT_FOUND); /* it is running */
    assert_int_equal(books(world)->run_queued(context, "other", &got), XD_NOT_FOUND);
    assert_ok(books(world)->run_queued(context, "main", &got));
    assert_string_equal(got.id, "B2");
    first.state = XD_RUN_DONE;
    assert_ok(books(world)->run_save(context, &first));
    assert_ok(books(world)->run_next(context, &got));
    assert_string_equal(got.id, "B2");
    stores_commit(world);
    stores_reopen(world, 0);
    context = world->hub.context;
    assert_ok(books(world)->run_get(context, "B1", &got));
    assert_true(got.state == XD_RUN_DONE && got.sales == 7 && got.queued_at == 5);
    assert_string_equal(got.by, "olga");
    assert_int_equal(books(world)->run_get(context, "B3", &got), XD_NOT_FOUND);
    assert_ok(books(world)->run_list(context, "", 9, see_run, &seen));
    assert_string_equal(seen.text, "B2 B1");
    seen.text[0] = '\0';
    assert_ok(books(world)->run_list(context, "B2", 9, see_run, &seen));
    assert_string_equal(seen.text, "B1");
}

static void notes_of_a_run_are_its_own_and_go(void **state) {
    struct store_world *world = *state;
    struct xd_book_stock_row row;
    bool has = true, more = false;
    void *context = world->hub.context;
    stores_begin(world);
    assert_ok(books(world)->seen_add(context, "main", XD_ERP_SALES, "a", 1));
    assert_ok(books(world)->seen_has(context, "main", XD_ERP_SALES, "a", 2, &has));
    assert_false(has);
    assert_ok(books(world)->seen_add(context, "main", XD_ERP_SALES, "a", 2));
    assert_ok(books(world)->seen_has(context, "main", XD_ERP_SALES, "a", 2, &has));
    assert_true(has);
    assert_ok(books(world)->seen_has(context, "main", XD_ERP_SHIPMENTS, "a", 2, &has));
    assert_false(has);
    assert_int_equal(books(world)->stock_get(context, "WH1", "X", &row), XD_NOT_FOUND);
    assert_string_equal(row.sku, "X");
    row.has_erp = row.busy = true;
    row.erp = stores_decimal("3");
    row.since = stores_decimal("-2");
    assert_ok(books(world)->stock_put(context, &row));
    assert_ok(books(world)->stock_get(context, "WH1", "X", &row));
    assert_true(row.has_erp && row.busy && !row.has_site && xd_decimal_sign(row.since) < 0);
    assert_ok(books(world)->notes_drop(context, 1, &more));
    assert_true(more);
    assert_ok(books(world)->notes_drop(context, 1, &more));
    assert_false(more);
    assert_int_equal(books(world)->stock_get(context, "WH1", "X", &row), XD_NOT_FOUND);
    stores_commit(world);
}

/* ---- differences ---- */

static void put_difference(struct store_world *world, const char *id, int kind, int state, int64_t run) {
    struct xd_difference_row row = {.erp = "main", .kind = kind, .state = state, .run = run, .first_seen = 9};
    (void)snprintf(row.id, sizeof row.id, "%s", id);
    (void)snprintf(row.hub_value, sizeof row.hub_value, "%lld", (long long)run);
    assert_ok(books(world)->difference_put(world->hub.context, &row));
}

static enum xd_result see_difference(void *context, const struct xd_difference_row *row) {
    add(context, row->id);
    return XD_OK;
}

static void listed(struct store_world *world, const struct xd_difference_filter *filter, const char *after,
                   const char *expected) {
    struct seen seen = {""};
    assert_ok(books(world)->difference_list(world->hub.context, filter, after, 9, see_difference, &seen));
    assert_string_equal(seen.text, expected);
}

static void differences_are_kept_counted_and_found_when_no_run_sees_them(void **state) {
    struct store_world *world = *state;
    struct seen seen = {""};
    struct xd_difference_row row;
    int64_t count = 0;
    void *context = world->hub.context;
    stores_begin(world);
    put_difference(world, "D2", XD_DIFFERENCE_SALE_STATE, XD_DIFFERENCE_APPROVED, 1);
    put_difference(world, "D1", XD_DIFFERENCE_STOCK_HUB, XD_DIFFERENCE_OPEN, 1);
    put_difference(world, "D3", XD_DIFFERENCE_STOCK_HUB, XD_DIFFERENCE_GONE, 1);
    put_difference(world, "D4", XD_DIFFERENCE_STOCK_HUB, XD_DIFFERENCE_ACCEPTED, 1);
    put_difference(world, "D1", XD_DIFFERENCE_STOCK_HUB, XD_DIFFERENCE_OPEN, 2);
    stores_commit(world);
    listed(world, &(struct xd_difference_filter){.kind = -1, .state = -1}, "", "D1 D2 D3 D4");
    listed(world, &(struct xd_difference_filter){.kind = -1, .state = -1, .open_only = true}, "", "D1 D2");
    listed(world, &(struct xd_difference_filter){.kind = XD_DIFFERENCE_STOCK_HUB, .state = -1}, "D1",
           "D3 D4");
    listed(world, &(struct xd_difference_filter){.kind = -1, .state = XD_DIFFERENCE_ACCEPTED}, "", "D4");
    listed(world, &(struct xd_difference_filter){.erp = "other", .kind = -1, .state = -1}, "", "");
    assert_ok(books(world)->difference_count(context, NULL, &count));
    assert_int_equal(count, 2);
    assert_ok(books(world)->difference_stale(context, "main", 2, 9, see_difference, &seen));
    assert_string_equal(seen.text, "D2");
    assert_ok(books(world)->difference_get(context, "D1", &row));
    assert_string_equal(row.hub_value, "2");
    assert_true(row.first_seen == 9 && row.kind == XD_DIFFERENCE_STOCK_HUB);
    assert_int_equal(books(world)->difference_get(context, "D9", &row), XD_NOT_FOUND);
}

static void order_is_busy_while_a_job_of_it_is_not_decided_or_was_called_just_now(void **state) {
    struct store_world *world = *state;
    struct xd_job_row job = {
        .erp = "main", .kind = XD_ERP_SALE, .reference = "r", .order_id = "O1", .state = XD_JOB_QUEUED};
    bool busy = false;
    void *context = world->hub.context;
    stores_begin(world);
    assert_ok(world->hub.job_add(context, &job, NULL, 0));
    assert_ok(books(world)->order_busy(context, "O1", 100, &busy));
    assert_true(busy);
    job.state = XD_JOB_DONE;
    job.sent_at = 99;
    assert_ok(world->hub.job_save(context, &job));
    assert_ok(books(world)->order_busy(context, "O1", 100, &busy));
    assert_false(busy);
    assert_ok(books(world)->order_busy(context, "O1", 99, &busy));
    assert_true(busy);
    assert_ok(books(world)->order_busy(context, "O2", 0, &busy));
    assert_false(busy);
    stores_commit(world);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(entries_wait_until_they_are_dropped_and_come_in_order),
        HUB_TEST(invoice_is_replaced_with_all_of_its_lines),
        HUB_TEST(runs_are_done_in_order_and_listed_the_latest_first),
        HUB_TEST(notes_of_a_run_are_its_own_and_go),
        HUB_TEST(differences_are_kept_counted_and_found_when_no_run_sees_them),
        HUB_TEST(order_is_busy_while_a_job_of_it_is_not_decided_or_was_called_just_now),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
