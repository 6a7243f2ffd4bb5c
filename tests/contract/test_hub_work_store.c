/* What every implementation of hub/store.h must do: releases, confirmations,
 * exceptions, jobs, reconciliation. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ---- */

#define SEEN_MAX 32

struct seen {
    size_t count;
    char ids[SEEN_MAX][XD_ID_SIZE];
    int64_t numbers[SEEN_MAX];
    struct xd_release_line_row release_line;
    struct xd_job_line_row job_lines[4];
    struct xd_confirmation_row confirmation;
    struct xd_exception_row exception;
    struct xd_reconciliation_row sums[8];
};

static void put(char *out, size_t size, const char *text) {
    assert_true(strlen(text) < size);
    (void)snprintf(out, size, "%s", text);
}
#define PUT(field, text) put((field), sizeof(field), (text))

static enum xd_result see_release(void *context, const struct xd_release_row *row) {
    struct seen *seen = context;
    PUT(seen->ids[seen->count], row->release_id);
    seen->count++;
    return XD_OK;
}

static enum xd_result see_release_line(void *context, const struct xd_release_line_row *row) {
    struct seen *seen = context;
    put(seen->ids[seen->count], XD_ID_SIZE, row->line_id);
    seen->count++;
    seen->release_line = *row;
    return XD_OK;
}

static enum xd_result see_confirmation(void *context, const struct xd_confirmation_row *row) {
    struct seen *seen = context;
    assert_int_equal(row->body.size, 0);
    put(seen->ids[seen->count], XD_ID_SIZE, row->confirmation_id);
    seen->count++;
    seen->confirmation = *row;
    return XD_OK;
}

static enum xd_result see_exception(void *context, const struct xd_exception_row *row) {
    struct seen *seen = context;
    PUT(seen->ids[seen->count], row->id);
    seen->count++;
    seen->exception = *row;
    return XD_OK;
}

static enum xd_result see_job(void *context, const struct xd_job_row *row) {
    struct seen *seen = context;
    seen->numbers[seen->count++] = row->number;
    return XD_OK;
}

static enum xd_result see_job_line(void *context, const struct xd_job_line_row *row) {
    struct seen *seen = context;
    seen->job_lines[seen->count++] = *row;
    return XD_OK;
}

static enum xd_result see_sums(void *context, const struct xd_reconciliation_row *row) {
    struct seen *seen = context;
    seen->sums[seen->count++] = *row;
    return XD_OK;
}

/* ---- releases ---- */

static struct xd_release_line_row a_release_line(const char *line_id, const char *qty) {
    struct xd_release_line_row row = {.factor_num = 1, .factor_den = 1};
    PUT(row.line_id, line_id);
    PUT(row.sku, "WIDGET");
    PUT(row.uom, "EA");
    row.qty = stores_decimal(qty);
    return row;
}

static void add_release(struct store_world *world, const char *release_id, const char *order_id,
                        const char *site) {
    struct xd_release_row row = {
        .revision = 1, .status = XD_RELEASE_QUEUED, .created_at = 1, .updated_at = 1};
    struct xd_release_line_row lines[2] = {a_release_line("9", "10"), a_release_line("10", "2.5")};
    PUT(row.release_id, release_id);
    PUT(row.order_id, order_id);
    PUT(row.site, site);
    assert_ok(world->hub.release_add(world->hub.context, &row, lines, 2));
    assert_int_equal(world->hub.release_add(world->hub.context, &row, lines, 2), XD_CONFLICT);
}

static void save_release_line(struct store_world *world, const char *release_id, const char *line_id,
                              const char *qty, const char *shipped, const char *over, const char *closed) {
    struct xd_release_line_row line = a_release_line(line_id, qty);
    line.shipped = stores_decimal(shipped);
    line.over = stores_decimal(over);
    line.closed = stores_decimal(closed);
    assert_ok(world->hub.release_line_save(world->hub.context, release_id, &line));
}

static void release_comes_back_with_its_lines_in_order(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_release_row row;
    struct seen seen = {.count = 0};
    stores_begin(world);
    add_release(world, "R2", "O1", "WH1");
    add_release(world, "R1", "O1", "WH2");
    save_release_line(world, "R2", "10", "2.5", "2", "0.5", "0.25");
    assert_ok(hub->release_get(hub->context, "R2", &row));
    row.revision = 2;
    row.status = XD_RELEASE_ACKED;
    row.cancel = XD_CANCEL_REQUESTED;
    row.stage = XD_STAGE_ALLOCATED;
    row.reroutes = true;
    row.whole = true;
    row.ack_by = 70;
    row.updated_at = 50;
    assert_ok(hub->release_save(hub->context, &row));
    PUT(row.release_id, "R3");
    assert_int_equal(hub->release_save(hub->context, &row), XD_NOT_FOUND);
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(hub->release_get(hub->context, "R2", &row));
    assert_int_equal(row.revision, 2);
    assert_int_equal(row.status, XD_RELEASE_ACKED);
    assert_int_equal(row.cancel, XD_CANCEL_REQUESTED);
    assert_int_equal(row.stage, XD_STAGE_ALLOCATED);
    assert_true(row.reroutes);
    assert_true(row.whole);
    assert_int_equal(row.ack_by, 70);
    assert_string_equal(row.site, "WH1");
    assert_int_equal(row.created_at, 1);
    assert_int_equal(row.updated_at, 50);
    assert_int_equal(hub->release_get(hub->context, "R3", &row), XD_NOT_FOUND);
    assert_ok(hub->release_lines(hub->context, "R2", see_release_line, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.ids[0], "9"); /* as they were added, not by text */
    assert_decimal(seen.release_line.shipped, "2");
    assert_decimal(seen.release_line.over, "0.5");
    assert_decimal(seen.release_line.closed, "0.25");
    assert_int_equal(seen.release_line.factor_den, 1);
    seen.count = 0;
    assert_ok(hub->release_of_order(hub->context, "O1", see_release, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.ids[0], "R2");
}

/* ---- confirmations and exceptions ---- */

static struct xd_confirmation_row a_confirmation(const char *site, const char *id, int64_t version,
                                                 int state) {
    struct xd_confirmation_row row = {.version = version, .state = state, .received_at = 8, .lines_in = 2};
    PUT(row.site, site);
    PUT(row.confirmation_id, id);
    PUT(row.shipment_id, "S-1");
    row.hash = stores_hash(4);
    row.lines_applied = state == XD_CONFIRMATION_PARKED ? 0 : 2;
    row.lines_parked = state == XD_CONFIRMATION_PARKED ? 2 : 0;
    row.body = xd_bytes_of_text("{\"confirmation\":1}");
    return row;
}

static void confirmation_state_changes_and_its_body_stays(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_confirmation_row row = a_confirmation("WH1", "C-1", 1, XD_CONFIRMATION_PARKED);
    struct xd_confirmation_row out;
    int64_t version = 0;
    PUT(row.waits_for, "R1");
    stores_begin(world);
    assert_ok(hub->confirmation_put(hub->context, &row));
    struct xd_confirmation_row third = a_confirmation("WH1", "C-1", 3, XD_CONFIRMATION_APPLIED);
    assert_ok(hub->confirmation_put(hub->context, &third));
    row.state = XD_CONFIRMATION_POSTED;
    row.waits_for[0] = '\0';
    row.lines_applied = 2;
    row.lines_parked = 0;
    row.jobs_open = 1;
    row.fate_version = 2;
    row.body = xd_bytes_of(NULL, 0);
    assert_ok(hub->confirmation_save(hub->context, &row));
    row.version = 2;
    assert_int_equal(hub->confirmation_save(hub->context, &row), XD_NOT_FOUND);
    stores_commit(world);
    assert_ok(hub->confirmation_get(hub->context, "WH1", "C-1", 1, &out));
    assert_int_equal(out.state, XD_CONFIRMATION_POSTED);
    assert_int_equal(out.lines_applied, 2);
    assert_int_equal(out.jobs_open, 1);
    assert_int_equal(out.fate_version, 2);
    assert_int_equal(out.received_at, 8);
    assert_hash(out.hash, 4);
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    assert_ok(hub->confirmation_body(hub->context, "WH1", "C-1", 1, &body));
    assert_string_equal(xd_buffer_string(&body), "{\"confirmation\":1}");
    xd_buffer_free(&body);
    assert_ok(hub->confirmation_latest(hub->context, "WH1", "C-1", &version));
    assert_int_equal(version, 3);
    assert_int_equal(hub->confirmation_latest(hub->context, "WH2", "C-1", &version), XD_NOT_FOUND);
}

static void confirmation_put_again_replaces_body_and_all(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_confirmation_row row = a_confirmation("WH1", "C-1", 1, XD_CONFIRMATION_PARKED);
    struct xd_confirmation_row out;
    stores_begin(world);
    assert_ok(hub->confirmation_put(hub->context, &row));
    row.hash = stores_hash(5);
    row.state = XD_CONFIRMATION_APPLIED;
    row.body = xd_bytes_of_text("edited");
    assert_ok(hub->confirmation_put(hub->context, &row));
    stores_commit(world);
    assert_ok(hub->confirmation_get(hub->context, "WH1", "C-1", 1, &out));
    assert_hash(out.hash, 5);
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    assert_ok(hub->confirmation_body(hub->context, "WH1", "C-1", 1, &body));
    assert_string_equal(xd_buffer_string(&body), "edited");
    xd_buffer_free(&body);
}

static void waiting_confirmations_are_found_by_their_release(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    stores_begin(world);
    static const char *const ids[] = {"C-9", "C-1", "C-5"};
    for (size_t i = 0; i < 3; i++) {
        struct xd_confirmation_row row = a_confirmation("WH1", ids[i], 1, XD_CONFIRMATION_PARKED);
        PUT(row.waits_for, i == 2 ? "R2" : "R1");
        assert_ok(hub->confirmation_put(hub->context, &row));
    }
    struct xd_confirmation_row free_one = a_confirmation("WH1", "C-7", 1, XD_CONFIRMATION_APPLIED);
    assert_ok(hub->confirmation_put(hub->context, &free_one));
    stores_commit(world);
    assert_ok(hub->confirmation_waiting(hub->context, "R1", 10, see_confirmation, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.ids[0], "C-9"); /* in the order of arrival */
    assert_ok(hub->confirmation_waiting(hub->context, "", 10, see_confirmation, &seen));
    assert_int_equal(seen.count, 2);
}

static void add_exception(struct store_world *world, const char *id, const char *code, const char *document) {
    struct xd_exception_row row = {.open = true, .kind = XD_DOC_CONFIRMATION, .version = 1, .raised_at = 3};
    PUT(row.id, id);
    PUT(row.code, code);
    PUT(row.site, "WH1");
    PUT(row.document_id, document);
    PUT(row.detail, "what is wrong");
    row.qty = stores_decimal("1.5");
    assert_ok(world->hub.exception_add(world->hub.context, &row));
}

static void exceptions_close_by_document_and_code_and_list_oldest_first(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    const struct xd_word boss = {"boss", "reject", "we looked"}, nobody = {NULL, NULL, NULL};
    const struct xd_exception_filter open_ones = {.open_only = true}, any = {.open_only = false};
    struct seen seen = {.count = 0};
    int64_t open = 0;
    stores_begin(world);
    add_exception(world, "XZ", "UNKNOWN_RELEASE", "C-1");
    add_exception(world, "XA", "UNMATCHED_LINE", "C-1");
    add_exception(world, "XM", "UNMATCHED_LINE", "C-2");
    add_exception(world, "XB", "OVERSHIP", "C-2");
    assert_ok(hub->exception_close(hub->context, "WH1", XD_DOC_CONFIRMATION, "C-1", 1, "UNMATCHED_LINE",
                                   &boss, 50));
    assert_ok(hub->exception_close(hub->context, "WH1", XD_DOC_CONFIRMATION, "C-1", 1, "UNMATCHED_LINE",
                                   &nobody, 60));
    assert_ok(hub->exception_close(hub->context, "WH2", XD_DOC_CONFIRMATION, "C-2", 1, NULL, &nobody, 50));
    stores_commit(world);
    assert_ok(hub->exception_count(hub->context, &open));
    assert_int_equal(open, 3);
    assert_ok(hub->exception_list(hub->context, &open_ones, "", 2, see_exception, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.ids[0], "XZ");
    assert_string_equal(seen.ids[1], "XM");
    assert_decimal(seen.exception.qty, "1.5");
    assert_string_equal(seen.exception.detail, "what is wrong");
    seen.count = 0;
    assert_ok(hub->exception_list(hub->context, &open_ones, "XM", 2, see_exception, &seen));
    assert_int_equal(seen.count, 1);
    seen.count = 0;
    assert_ok(hub->exception_list(hub->context, &any, "XZ", 1, see_exception, &seen));
    assert_string_equal(seen.ids[0], "XA");
    assert_false(seen.exception.open);
    assert_int_equal(seen.exception.resolved_at, 50);
    assert_string_equal(seen.exception.by, "boss");
    assert_string_equal(seen.exception.action, "reject");
    assert_string_equal(seen.exception.reason, "we looked");
    stores_begin(world);
    assert_ok(hub->exception_close(hub->context, "WH1", XD_DOC_CONFIRMATION, "C-2", 1, NULL, &nobody, 70));
    stores_commit(world);
    assert_ok(hub->exception_count(hub->context, &open));
    assert_int_equal(open, 1);
}

/* Of orders O1, O2, ..., codes A and B and sites WH1 and WH2 by turns, every third one closed. */
static void add_many_exceptions(struct store_world *world, int count) {
    for (int n = 0; n < count; n++) {
        struct xd_exception_row row = {.open = n % 3 != 0, .raised_at = 3};
        (void)snprintf(row.id, sizeof row.id, "X%d", n);
        (void)snprintf(row.order_id, sizeof row.order_id, "O%d", n % 5);
        PUT(row.code, n % 2 == 0 ? "A" : "B");
        PUT(row.site, n % 4 < 2 ? "WH1" : "WH2");
        assert_ok(world->hub.exception_add(world->hub.context, &row));
    }
}

static void exceptions_are_found_by_order_code_and_site(void **state) {
    static const struct {
        struct xd_exception_filter filter;
        const char *after;
        size_t count;
        const char *first;
    } cases[] = {
        {{.order_id = "O1"}, "", 6, "X1"},
        {{.order_id = "O1"}, "X6", 4, "X11"},
        {{.open_only = true, .order_id = "O1"}, "", 4, "X1"},
        {{.open_only = true, .order_id = "O1", .code = "A"}, "", 2, "X16"},
        {{.order_id = "O1", .code = "A", .site = "WH2"}, "", 2, "X6"},
        {{.code = "B"}, "", 15, "X1"},
        {{.code = "B", .site = "WH2"}, "X3", 6, "X7"},
        {{.site = "WH2"}, "", 14, "X2"},
        {{.open_only = true, .site = "WH2"}, "", 9, "X2"},
        {{.open_only = true, .code = "C"}, "", 0, ""},
        {{.order_id = "O9"}, "", 0, ""},
    };
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    stores_begin(world);
    add_many_exceptions(world, 30);
    stores_commit(world);
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct seen seen = {.count = 0};
        assert_ok(hub->exception_list(hub->context, &cases[index].filter, cases[index].after, 15,
                                      see_exception, &seen));
        if (seen.count != cases[index].count || strcmp(seen.ids[0], cases[index].first) != 0) {
            fail_msg("case %zu: %zu from %s", index, seen.count, seen.ids[0]);
        }
    }
}

/* ---- jobs ---- */

static int64_t add_job(struct store_world *world, const char *reference, enum xd_erp_kind kind,
                       const char *site, const char *qty, int state) {
    struct xd_job_row row = {
        .kind = kind, .state = XD_JOB_QUEUED, .due_at = 9, .at = 4, .confirmation_version = 1};
    struct xd_job_line_row lines[2] = {{.close = true}, {.has_unit_price = true}};
    PUT(row.erp, "main");
    PUT(row.reference, reference);
    PUT(row.order_id, "O1");
    PUT(row.site, site);
    PUT(row.confirmation_id, "C-1");
    for (size_t i = 0; i < 2; i++) {
        PUT(lines[i].release_id, "R1");
        PUT(lines[i].line_id, i == 0 ? "2" : "1");
        PUT(lines[i].sku, "WIDGET");
    }
    lines[1].qty = stores_decimal(qty);
    lines[1].unbilled = stores_decimal("0.5");
    lines[1].unit_price = stores_decimal("9.95");
    assert_ok(world->hub.job_add(world->hub.context, &row, lines, 2));
    if (state != XD_JOB_QUEUED) {
        row.state = state;
        assert_ok(world->hub.job_save(world->hub.context, &row));
    }
    return row.number;
}

static void job_is_made_once_per_reference_and_keeps_its_lines(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct xd_job_row row;
    struct seen seen = {.count = 0};
    stores_begin(world);
    int64_t number = add_job(world, "ship/1", XD_ERP_SHIPMENT, "WH1", "3", XD_JOB_QUEUED);
    assert_ok(hub->job_get(hub->context, number, &row));
    assert_int_equal(hub->job_add(hub->context, &row, NULL, 0), XD_DUPLICATE);
    (void)add_job(world, "ship/1", XD_ERP_SALE, "WH1", "3", XD_JOB_QUEUED); /* another kind */
    row.number = number;
    row.state = XD_JOB_SENT;
    row.attempt = 2;
    row.due_at = 100;
    row.sent_at = 90;
    PUT(row.document, "D000001");
    PUT(row.code, "timeout");
    PUT(row.detail, "no answer");
    assert_ok(hub->job_save(hub->context, &row));
    row.number = 77;
    assert_int_equal(hub->job_save(hub->context, &row), XD_NOT_FOUND);
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(hub->job_get(hub->context, number, &row));
    assert_int_equal(row.kind, XD_ERP_SHIPMENT);
    assert_string_equal(row.reference, "ship/1");
    assert_int_equal(row.state, XD_JOB_SENT);
    assert_int_equal(row.attempt, 2);
    assert_int_equal(row.due_at, 100);
    assert_int_equal(row.sent_at, 90);
    assert_string_equal(row.confirmation_id, "C-1");
    assert_int_equal(row.at, 4);
    assert_string_equal(row.document, "D000001");
    assert_string_equal(row.detail, "no answer");
    assert_int_equal(hub->job_get(hub->context, 77, &row), XD_NOT_FOUND);
    assert_ok(hub->job_lines(hub->context, number, see_job_line, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.job_lines[0].line_id, "2");
    assert_true(seen.job_lines[0].close);
    assert_false(seen.job_lines[0].has_unit_price);
    assert_decimal(seen.job_lines[1].qty, "3");
    assert_decimal(seen.job_lines[1].unbilled, "0.5");
    assert_decimal(seen.job_lines[1].unit_price, "9.95");
}

static void jobs_are_listed_and_counted_by_state(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    int64_t numbers[5];
    int64_t count = 0;
    stores_begin(world);
    static const int states[] = {XD_JOB_QUEUED, XD_JOB_DONE, XD_JOB_QUEUED, XD_JOB_UNKNOWN, XD_JOB_QUEUED};
    for (int i = 0; i < 5; i++) {
        char reference[16];
        (void)snprintf(reference, sizeof reference, "sale/%d", 9 - i);
        numbers[i] = add_job(world, reference, XD_ERP_SALE, "WH1", "1", states[i]);
    }
    stores_commit(world);
    assert_ok(hub->job_list(hub->context, "main", XD_JOB_QUEUED, 0, 2, see_job, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[0], numbers[0]);
    assert_int_equal(seen.numbers[1], numbers[2]);
    assert_ok(hub->job_list(hub->context, "main", XD_JOB_QUEUED, numbers[2], 2, see_job, &seen));
    assert_int_equal(seen.numbers[2], numbers[4]);
    seen.count = 0;
    assert_ok(hub->job_list(hub->context, "main", XD_JOB_DONE, 0, 9, see_job, &seen));
    assert_int_equal(seen.count, 1);
    assert_ok(hub->job_list(hub->context, "other", XD_JOB_QUEUED, 0, 9, see_job, &seen));
    assert_int_equal(seen.count, 1);
    assert_ok(hub->job_count(hub->context, XD_JOB_QUEUED, &count));
    assert_int_equal(count, 3);
    assert_ok(hub->job_count(hub->context, XD_JOB_REJECTED, &count));
    assert_int_equal(count, 0);
}

/* ---- reconciliation ---- */

static void put_site(struct store_world *world, const char *name) {
    struct xd_site_row row = {.kind = "warehouse"};
    PUT(row.site, name);
    assert_ok(world->hub.site_put(world->hub.context, &row));
}

static void put_confirmation(struct store_world *world, const char *id, int state, int64_t parked,
                             int64_t rejected) {
    struct xd_confirmation_row row = a_confirmation("WH1", id, 1, state);
    row.lines_in = 4;
    row.lines_parked = parked;
    row.lines_rejected = rejected;
    row.lines_applied = 4 - parked - rejected;
    assert_ok(world->hub.confirmation_put(world->hub.context, &row));
}

static void reconciliation_adds_up_the_rows_of_each_site(void **state) {
    struct store_world *world = *state;
    struct xd_hub_store *hub = &world->hub;
    struct seen seen = {.count = 0};
    stores_begin(world);
    put_site(world, "WH1");
    put_site(world, "WH2");
    add_release(world, "R1", "O1", "WH1"); /* 10 and 2.5 */
    add_release(world, "R2", "O2", "WH1");
    add_release(world, "R3", "O3", "WH3");
    save_release_line(world, "R1", "9", "10", "7", "0", "3");
    save_release_line(world, "R1", "10", "2.5", "2.5", "1.25", "0");
    save_release_line(world, "R2", "9", "10", "0.1", "0", "0.2");
    put_confirmation(world, "C-1", XD_CONFIRMATION_POSTED, 0, 0);
    put_confirmation(world, "C-2", XD_CONFIRMATION_APPLIED, 1, 1);
    put_confirmation(world, "C-3", XD_CONFIRMATION_PARKED, 4, 0);
    struct xd_confirmation_row lossy = a_confirmation("WH1", "C-4", 1, XD_CONFIRMATION_APPLIED);
    lossy.lines_in = 5;
    assert_ok(hub->confirmation_put(hub->context, &lossy));
    (void)add_job(world, "s/1", XD_ERP_SHIPMENT, "WH1", "7.1", XD_JOB_DONE);
    (void)add_job(world, "s/2", XD_ERP_SHIPMENT, "WH1", "2.5", XD_JOB_QUEUED);
    (void)add_job(world, "s/3", XD_ERP_SHIPMENT, "WH1", "1", XD_JOB_REJECTED);
    (void)add_job(world, "s/4", XD_ERP_SALE, "WH1", "99", XD_JOB_DONE);
    stores_commit(world);
    assert_ok(hub->reconcile(hub->context, NULL, see_sums, &seen));
    assert_int_equal(seen.count, 3);
    const struct xd_reconciliation_row *row = &seen.sums[0];
    assert_string_equal(row->site, "WH1");
    assert_int_equal(row->releases, 2);
    assert_int_equal(row->released_lines, 4);
    assert_decimal(row->released_qty, "25");
    assert_int_equal(row->short_lines, 2);
    assert_decimal(row->short_qty, "3.2");
    assert_int_equal(row->outstanding_lines, 2);
    assert_decimal(row->outstanding_qty, "12.2");
    assert_int_equal(row->confirmations, 3);
    assert_int_equal(row->parked_documents, 1);
    assert_int_equal(row->parked_lines, 5);
    assert_int_equal(row->rejected_lines, 1);
    assert_int_equal(row->unaccounted_lines, 3);
    assert_int_equal(row->shipments, 1);
    assert_int_equal(row->confirmed_lines, 6); /* also the lines that only close */
    assert_decimal(row->confirmed_qty, "10.6");
    assert_int_equal(row->posted_lines, 2);
    assert_decimal(row->posted_qty, "7.1");
    assert_int_equal(row->unposted_lines, 4);
    assert_decimal(row->unposted_qty, "3.5");
    assert_int_equal(row->refused_postings, 1);
    assert_string_equal(seen.sums[1].site, "WH2");
    assert_int_equal(seen.sums[1].releases, 0);
    assert_decimal(seen.sums[1].released_qty, "0");
    assert_string_equal(seen.sums[2].site, "WH3");
    seen.count = 0;
    assert_ok(hub->reconcile(hub->context, "WH3", see_sums, &seen));
    assert_int_equal(seen.count, 1);
    assert_decimal(seen.sums[0].outstanding_qty, "12.5");
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HUB_TEST(release_comes_back_with_its_lines_in_order),
        HUB_TEST(confirmation_state_changes_and_its_body_stays),
        HUB_TEST(confirmation_put_again_replaces_body_and_all),
        HUB_TEST(waiting_confirmations_are_found_by_their_release),
        HUB_TEST(exceptions_close_by_document_and_code_and_list_oldest_first),
        HUB_TEST(exceptions_are_found_by_order_code_and_site),
        HUB_TEST(job_is_made_once_per_reference_and_keeps_its_lines),
        HUB_TEST(jobs_are_listed_and_counted_by_state),
        HUB_TEST(reconciliation_adds_up_the_rows_of_each_site),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
