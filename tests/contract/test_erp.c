/* What every implementation of hub/erp.h must do: the four answers are four
 * different things, and a reference does what the grade promises of it. Each also
 * runs with less than it promises, as B and C. */
#include "contract/erps.h"
#include "contract/stores.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* ---- requests ---- */

static struct xd_erp_request a_sale(const char *reference, const struct xd_erp_line *lines, size_t count) {
    return erps_request(XD_ERP_SALE, reference, NULL, lines, count);
}

static struct xd_erp_request a_shipment(const char *reference, const char *sale,
                                        const struct xd_erp_line *lines, size_t count) {
    return erps_request(XD_ERP_SHIPMENT, reference, sale, lines, count);
}

static void sell(struct erp_world *world, const char *reference, const char *first_qty,
                 const char *second_qty) {
    struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", first_qty), erps_line("2", "WIDGET", second_qty)};
    struct xd_erp_request request = a_sale(reference, lines, 2);
    erps_assert_done(erps_post(world, &request));
}

static struct xd_erp_answer ship(struct erp_world *world, const char *reference, const char *sale,
                                 const char *line_id, const char *qty, bool close) {
    struct xd_erp_line line = erps_line(line_id, "WIDGET", qty);
    line.close = close;
    struct xd_erp_request request = a_shipment(reference, sale, &line, 1);
    return erps_post(world, &request);
}

/* What is not there is seen to be absent, but by C, which sees nothing. */
static void assert_absent(struct erp_world *world, enum xd_erp_kind kind, const char *reference) {
    struct xd_erp_answer answer = erps_find(world, kind, reference);
    assert_int_equal(answer.outcome,
                     world->maker->grade == XD_ERP_GRADE_C ? XD_ERP_UNAVAILABLE : XD_ERP_ABSENT);
    assert_true(answer.document[0] == '\0');
}

/* What was made is found under the number that was told; C never claims that it is. */
static void assert_found(struct erp_world *world, enum xd_erp_kind kind, const char *reference,
                         const char *document) {
    struct xd_erp_answer answer = erps_find(world, kind, reference);
    if (world->maker->grade == XD_ERP_GRADE_C) {
        assert_int_equal(answer.outcome, XD_ERP_UNAVAILABLE);
    } else {
        erps_assert_done(answer);
        assert_string_equal(answer.document, document);
    }
}

/* ---- once only ---- */

static void sale_is_made_and_found_by_our_reference(void **state) {
    struct erp_world *world = *state;
    assert_int_equal(world->erp.grade, world->maker->grade);
    struct xd_erp_line line = erps_line("1", "WIDGET", "3");
    struct xd_erp_request request = a_sale("t/PO-1", &line, 1);
    assert_absent(world, XD_ERP_SALE, "t/PO-1");
    struct xd_erp_answer answer = erps_post(world, &request);
    erps_assert_done(answer);
    assert_found(world, XD_ERP_SALE, "t/PO-1", answer.document);
    assert_absent(world, XD_ERP_SHIPMENT, "t/PO-1");
    erps_assert_state(world, "t/PO-1", "open");
    erps_assert_stock(world, "WIDGET", "100");
}

static void repeated_reference_gives_the_same_document(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = erps_line("1", "WIDGET", "10");
    struct xd_erp_request request = a_sale("t/PO-1", &line, 1);
    struct xd_erp_answer first = erps_post(world, &request);
    erps_assert_done(first);
    line.qty = stores_decimal("10.00"); /* the same value */
    request.at = 2000;                  /* the time says when, not what */
    struct xd_erp_answer again = erps_post(world, &request);
    erps_assert_done(again);
    assert_string_equal(again.document, first.document);
    struct xd_erp other;
    world->maker->open(world->folder, &other);
    other.post(other.context, &request, &again);
    other.close(other.context);
    erps_assert_done(again);
    assert_string_equal(again.document, first.document);
    assert_int_equal(world->maker->documents(world->folder, XD_ERP_SALE), 1);
    erps_assert_done(ship(world, "t/S-1", "t/PO-1", "1", "4", false));
    erps_assert_done(ship(world, "t/S-1", "t/PO-1", "1", "4", false));
    assert_int_equal(world->maker->documents(world->folder, XD_ERP_SHIPMENT), 1);
    erps_assert_stock(world, "WIDGET", "96");
}

static void reference_with_another_content_is_refused(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1", "1", "2");
    struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", "1"), erps_line("2", "WIDGET", "3")};
    struct xd_erp_request request = a_sale("t/PO-1", lines, 2);
    erps_assert_rejected(erps_post(world, &request), "reference_conflict");
    erps_assert_done(ship(world, "t/S-1", "t/PO-1", "1", "1", false));
    if ((world->maker->can & ERP_CAN_TELL_CLOSED) != 0) {
        erps_assert_rejected(ship(world, "t/S-1", "t/PO-1", "1", "1", true), "reference_conflict");
    }
    erps_assert_stock(world, "WIDGET", "99");
}

#define WORKERS 4
#define REFERENCES 12

struct worker {
    struct erp_world *world;
    char documents[REFERENCES][64];
    bool failed;
};

static void *work(void *context) {
    struct worker *worker = context;
    struct xd_erp erp;
    worker->world->maker->open(worker->world->folder, &erp);
    for (int i = 0; i < REFERENCES; i++) {
        char reference[32];
        struct xd_erp_line line = {.line_id = "1", .sku = "WIDGET", .uom = "EA", .qty = xd_decimal_of(1)};
        (void)snprintf(reference, sizeof reference, "t/PO-%d", i);
        struct xd_erp_request request = a_sale(reference, &line, 1);
        struct xd_erp_answer answer = {.outcome = XD_ERP_UNAVAILABLE};
        for (int tries = 0; tries < 20 && answer.outcome == XD_ERP_UNAVAILABLE; tries++) {
            erp.post(erp.context, &request, &answer);
        }
        worker->failed = worker->failed || answer.outcome != XD_ERP_DONE;
        memcpy(worker->documents[i], answer.document, sizeof answer.document);
    }
    erp.close(erp.context);
    return NULL;
}

static void workers_at_once_make_one_document_per_reference(void **state) {
    struct erp_world *world = *state;
    static struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    memset(workers, 0, sizeof workers);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].world = world;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_false(workers[i].failed);
        assert_memory_equal(workers[i].documents, workers[0].documents, sizeof workers[0].documents);
    }
    assert_int_equal(world->maker->documents(world->folder, XD_ERP_SALE), REFERENCES);
}

static struct xd_erp_request four_post;

static void *post_the_same(void *context) {
    struct worker *worker = context;
    struct xd_erp erp;
    struct xd_erp_answer answer = {.outcome = XD_ERP_UNAVAILABLE};
    worker->world->maker->open(worker->world->folder, &erp);
    for (int tries = 0; tries < 20 && answer.outcome == XD_ERP_UNAVAILABLE; tries++) {
        erp.post(erp.context, &four_post, &answer);
    }
    worker->failed = answer.outcome != XD_ERP_DONE;
    memcpy(worker->documents[0], answer.document, sizeof answer.document);
    erp.close(erp.context);
    return NULL;
}

/* A: there is one, whoever comes first. B and C, which this wrapper makes so: as many as were posted. */
static void one_reference_at_once_is_what_the_grade_says(void **state) {
    struct erp_world *world = *state;
    static struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    struct xd_erp_line line = erps_line("1", "WIDGET", "1");
    memset(workers, 0, sizeof workers);
    four_post = a_sale("t/PO-1", &line, 1);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].world = world;
        assert_int_equal(pthread_create(&threads[i], NULL, post_the_same, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_false(workers[i].failed);
        if (world->maker->grade == XD_ERP_GRADE_A) {
            assert_string_equal(workers[i].documents[0], workers[0].documents[0]);
        }
    }
    assert_int_equal(world->maker->documents(world->folder, XD_ERP_SALE),
                     world->maker->grade == XD_ERP_GRADE_A ? 1 : WORKERS);
}

/* What the hub does with one that may have happened: B is asked and says so, C has nothing to say. */
static void what_may_have_happened_is_looked_up_where_it_can_be(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = erps_line("1", "WIDGET", "1");
    struct xd_erp_request request = a_sale("t/PO-1", &line, 1);
    struct xd_erp_answer lost = erps_post(world, &request); /* and nobody heard the answer */
    erps_assert_done(lost);
    struct xd_erp later;
    struct xd_erp_answer seen;
    world->maker->open(world->folder, &later);
    memset(&seen, 0x55, sizeof seen);
    later.find(later.context, XD_ERP_SALE, "t/PO-1", &seen);
    later.close(later.context);
    if (world->maker->grade == XD_ERP_GRADE_C) {
        assert_int_equal(seen.outcome, XD_ERP_UNAVAILABLE);
        assert_true(seen.document[0] == '\0');
    } else {
        erps_assert_done(seen);
        assert_string_equal(seen.document, lost.document);
    }
    assert_int_equal(world->maker->documents(world->folder, XD_ERP_SALE), 1);
}

/* ---- refusals ---- */

static void sale_is_refused_for_what_is_wrong_and_leaves_nothing(void **state) {
    struct erp_world *world = *state;
    static const struct {
        const char *code, *customer, *currency, *sku, *uom, *qty;
    } cases[] = {
        {"unknown_customer", "NOBODY", "EUR", "WIDGET", "EA", "1"},
        {"inactive_customer", "ASLEEP", "EUR", "WIDGET", "EA", "1"},
        {"currency_mismatch", "CUST-1", "USD", "WIDGET", "EA", "1"},
        {"unknown_product", "CUST-1", "EUR", "NOTHING", "EA", "1"},
        {"inactive_product", "CUST-1", "EUR", "RETIRED", "EA", "1"},
        {"unknown_uom", "CUST-1", "EUR", "WIDGET", "CS", "1"},
        {"missing_price", "CUST-1", "EUR", "GADGET", "EA", "1"},
        {"bad_quantity", "CUST-1", "EUR", "WIDGET", "EA", "0"},
        {"bad_quantity", "CUST-1", "EUR", "WIDGET", "EA", "-1"},
        {"amount_too_large", "CUST-1", "EUR", "WIDGET", "EA", "999999999999999999"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", "1"),
                                       erps_line("2", cases[i].sku, cases[i].qty)};
        lines[1].uom = cases[i].uom;
        struct xd_erp_request request = a_sale("t/PO-1", lines, 2);
        request.customer = cases[i].customer;
        request.currency = cases[i].currency;
        erps_assert_rejected(erps_post(world, &request), cases[i].code);
    }
    struct xd_erp_line twice[2] = {erps_line("1", "WIDGET", "1"), erps_line("1", "WIDGET", "1")};
    struct xd_erp_request request = a_sale("t/PO-1", twice, 2);
    erps_assert_rejected(erps_post(world, &request), "duplicate_line");
    request.line_count = 0;
    erps_assert_rejected(erps_post(world, &request), "no_lines");
    assert_int_equal(world->maker->documents(world->folder, XD_ERP_SALE), 0);
    assert_absent(world, XD_ERP_SALE, "t/PO-1");
    sell(world, "t/PO-1", "1", "1"); /* a refusal takes the reference from nobody */
}

static void price_of_the_line_stands_above_the_products(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = erps_line("1", "GADGET", "2");
    line.has_unit_price = true;
    line.unit_price = stores_decimal("50");
    struct xd_erp_request request = a_sale("t/PO-1", &line, 1);
    request.customer = "LIMITED";
    erps_assert_done(erps_post(world, &request)); /* 100, just the limit */
    line.unit_price = stores_decimal("0.01");
    request.reference = "t/PO-2";
    erps_assert_rejected(erps_post(world, &request), "credit_limit");
}

static void credit_limit_counts_what_is_sold_and_not_yet_shipped(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = erps_line("1", "WIDGET", "10"); /* 99.50 */
    struct xd_erp_request first = a_sale("t/PO-1", &line, 1);
    first.customer = "LIMITED";
    struct xd_erp_request second = first;
    second.reference = "t/PO-2";
    erps_assert_done(erps_post(world, &first));
    erps_assert_rejected(erps_post(world, &second), "credit_limit");
    erps_assert_done(ship(world, "t/S-1", "t/PO-1", "1", "9", false));
    erps_assert_rejected(erps_post(world, &second), "credit_limit"); /* one is open still */
    erps_assert_done(ship(world, "t/S-2", "t/PO-1", "1", "0", true));
    erps_assert_done(erps_post(world, &second));
    erps_assert_done(ship(world, "t/S-3", "t/PO-2", "1", "15",
                          false)); /* more than was sold frees no more than was open */
    struct xd_erp_request third = first;
    third.reference = "t/PO-3";
    erps_assert_done(erps_post(world, &third));
    third.reference = "t/PO-4";
    erps_assert_rejected(erps_post(world, &third), "credit_limit");
}

/* ---- shipments ---- */

static void shipments_add_up_until_the_sale_is_shipped(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1", "10", "2.5");
    erps_assert_done(ship(world, "t/S-1", "t/PO-1", "1", "9.5", false));
    erps_assert_state(world, "t/PO-1", "part_shipped");
    erps_assert_stock(world, "WIDGET", "90.5");
    struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", "0.5"), erps_line("2", "WIDGET", "2.5")};
    struct xd_erp_request request = a_shipment("t/S-2", "t/PO-1", lines, 2);
    struct xd_erp_answer answer = erps_post(world, &request);
    erps_assert_done(answer);
    assert_found(world, XD_ERP_SHIPMENT, "t/S-2", answer.document);
    erps_assert_state(world, "t/PO-1", "shipped");
    erps_assert_stock(world, "WIDGET", "87.5");
}

static void closed_line_ends_the_sale_short(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1", "10", "2");
    erps_assert_done(ship(world, "t/S-1", "t/PO-1", "1", "4", true));
    erps_assert_state(world, "t/PO-1", "part_shipped");
    erps_assert_done(ship(world, "t/S-2", "t/PO-1", "2", "2", false));
    erps_assert_state(world, "t/PO-1", "closed_short");
    erps_assert_stock(world, "WIDGET", "94");
}

static void stock_follows_the_facts_below_zero(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1", "10", "1");
    struct xd_erp_line line = erps_line("1", "WIDGET", "150");
    line.unbilled = stores_decimal("140");
    struct xd_erp_request request = a_shipment("t/S-1", "t/PO-1", &line, 1);
    erps_assert_done(erps_post(world, &request));
    erps_assert_stock(world, "WIDGET", "-50");
    request.reference = "t/S-2";
    request.site = "3PL"; /* that never had any */
    erps_assert_done(erps_post(world, &request));
    assert_decimal(world->maker->stock(world->folder, "3PL", "WIDGET"), "-150");
    erps_assert_stock(world, "WIDGET", "-50");
}

static void shipment_is_refused_for_what_is_wrong_and_leaves_nothing(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1", "10", "1");
    erps_assert_rejected(ship(world, "t/S-1", "t/PO-9", "1", "1", false), "unknown_sale");
    static const struct {
        const char *code, *line_id, *sku, *uom, *qty, *unbilled;
    } cases[] = {
        {"unknown_line", "3", "WIDGET", "EA", "1", "0"}, {"unknown_line", "2", "GADGET", "EA", "1", "0"},
        {"unknown_uom", "2", "WIDGET", "CS", "1", "0"},  {"bad_quantity", "2", "WIDGET", "EA", "-1", "0"},
        {"bad_quantity", "2", "WIDGET", "EA", "1", "2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", "5"),
                                       erps_line(cases[i].line_id, cases[i].sku, cases[i].qty)};
        lines[1].uom = cases[i].uom;
        lines[1].unbilled = stores_decimal(cases[i].unbilled);
        struct xd_erp_request request = a_shipment("t/S-1", "t/PO-1", lines, 2);
        erps_assert_rejected(erps_post(world, &request), cases[i].code);
    }
    erps_assert_stock(world, "WIDGET", "100");
    erps_assert_state(world, "t/PO-1", "open");
    assert_absent(world, XD_ERP_SHIPMENT, "t/S-1");
}

/* ---- changes ---- */

static void a_change_says_what_each_line_shall_have_in_all(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1", "10", "2");
    erps_assert_done(ship(world, "t/S-1", "t/PO-1", "1", "4", false));
    struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", "1"), erps_line("2", "WIDGET", "0")};
    struct xd_erp_request request = a_shipment("t/C-1", "t/PO-1", lines, 2);
    request.kind = XD_ERP_CHANGE;
    assert_absent(world, XD_ERP_CHANGE, "t/C-1");
    struct xd_erp_answer answer = erps_post(world, &request);
    erps_assert_done(answer);
    assert_found(world, XD_ERP_CHANGE, "t/C-1", answer.document);
    erps_assert_state(world, "t/PO-1", "shipped"); /* never less than was shipped */
    erps_assert_stock(world, "WIDGET", "96");
    lines[1] = erps_line("3", "WIDGET", "5"); /* one more line */
    request.reference = "t/C-2";
    erps_assert_done(erps_post(world, &request));
    erps_assert_state(world, "t/PO-1", "part_shipped");
    erps_assert_done(ship(world, "t/S-2", "t/PO-1", "3", "5", false));
    erps_assert_state(world, "t/PO-1", "shipped");
    request.reference = "t/C-3";
    request.sale_reference = "t/PO-9";
    erps_assert_rejected(erps_post(world, &request), "unknown_sale");
}

/* ---- adjustments ---- */

static struct xd_erp_request an_adjustment(const char *reference, const struct xd_erp_line *lines,
                                           size_t count) {
    return erps_request(XD_ERP_ADJUSTMENT, reference, NULL, lines, count);
}

static void adjustment_changes_stock_once_both_ways(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", "-2.5"), erps_line("2", "RETIRED", "3")};
    struct xd_erp_request request = an_adjustment("WH1/I-1", lines, 2);
    assert_absent(world, XD_ERP_ADJUSTMENT, "WH1/I-1");
    struct xd_erp_answer first = erps_post(world, &request);
    erps_assert_done(first);
    struct xd_erp_answer again = erps_post(world, &request);
    erps_assert_done(again);
    assert_string_equal(again.document, first.document);
    assert_found(world, XD_ERP_ADJUSTMENT, "WH1/I-1", first.document);
    erps_assert_stock(world, "WIDGET", "97.5");
    assert_decimal(world->maker->stock(world->folder, "WH1", "RETIRED"),
                   "3"); /* found again, though not sold */
    assert_int_equal(world->maker->documents(world->folder, XD_ERP_ADJUSTMENT), 1);
    lines[0].qty = stores_decimal("-3");
    erps_assert_rejected(erps_post(world, &request), "reference_conflict");
    erps_assert_stock(world, "WIDGET", "97.5");
    assert_absent(world, XD_ERP_SALE, "WH1/I-1"); /* each kind for itself */
}

static void adjustment_is_refused_for_what_is_wrong_and_leaves_nothing(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", "-1"), erps_line("2", "NOPE", "1")};
    struct xd_erp_request request = an_adjustment("WH1/I-1", lines, 2);
    erps_assert_rejected(erps_post(world, &request), "unknown_product");
    lines[1] = erps_line("2", "GADGET", "1");
    lines[1].uom = "CS";
    erps_assert_rejected(erps_post(world, &request), "unknown_uom");
    request.line_count = 0;
    erps_assert_rejected(erps_post(world, &request), "no_lines");
    erps_assert_stock(world, "WIDGET", "100");
    assert_absent(world, XD_ERP_ADJUSTMENT, "WH1/I-1");
}

/* ---- outages ---- */

static void failed_commit_is_unknown_and_the_reference_settles_it(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = erps_line("1", "WIDGET", "10");
    struct xd_erp_request request = a_sale("t/PO-1", &line, 1);
    world->maker->break_commits(true);
    struct xd_erp_answer answer = erps_post(world, &request);
    world->maker->break_commits(false);
    assert_int_equal(answer.outcome, XD_ERP_UNKNOWN);
    assert_true(answer.document[0] == '\0');
    enum xd_erp_outcome there = erps_find(world, XD_ERP_SALE, "t/PO-1").outcome;
    assert_true(there == XD_ERP_DONE || there == XD_ERP_ABSENT);
    erps_assert_done(erps_post(world, &request));
    assert_int_equal(world->maker->documents(world->folder, XD_ERP_SALE), 1);
}

static void busy_erp_is_unavailable_and_still_answers_questions(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1", "1", "1");
    struct xd_erp_line line = erps_line("1", "WIDGET", "10");
    struct xd_erp_request request = a_sale("t/PO-2", &line, 1);
    world->maker->occupy(world->folder, true);
    struct xd_erp_answer answer = erps_post(world, &request);
    erps_assert_done(erps_find(world, XD_ERP_SALE, "t/PO-1"));
    world->maker->occupy(world->folder, false);
    assert_int_equal(answer.outcome, XD_ERP_UNAVAILABLE);
    assert_true(answer.retry_after_ms > 0);
    assert_absent(world, XD_ERP_SALE, "t/PO-2");
    erps_assert_done(erps_post(world, &request));
}

/* Some of them are refused; each is a worker of its own, and they wait for the same moment. */
struct sharer {
    struct erp_world *world;
    bool refused;
    char reference[32];
    struct xd_erp_answer answer;
};
#define SHARERS 12

static void *share(void *context) {
    struct sharer *sharer = context;
    struct xd_erp erp;
    struct xd_erp_line lines[2] = {erps_line("1", "WIDGET", "1"),
                                   erps_line("2", sharer->refused ? "RETIRED" : "WIDGET", "1")};
    struct xd_erp_request request = a_sale(sharer->reference, lines, 2);
    sharer->world->maker->open(sharer->world->folder, &erp);
    erp.post(erp.context, &request, &sharer->answer);
    erp.close(erp.context);
    return NULL;
}

static void all_post_at_once(struct erp_world *world, struct sharer sharers[SHARERS]) {
    pthread_t threads[SHARERS];
    world->maker->occupy(world->folder, true); /* so that they come together */
    for (int i = 0; i < SHARERS; i++) {
        sharers[i] = (struct sharer){.world = world, .refused = i % 3 == 1};
        (void)snprintf(sharers[i].reference, sizeof sharers[i].reference, "t/PO-%d", i);
        assert_int_equal(pthread_create(&threads[i], NULL, share, &sharers[i]), 0);
    }
    world->maker->occupy(world->folder, false);
    for (int i = 0; i < SHARERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void refusal_takes_nothing_back_but_its_own(void **state) {
    struct erp_world *world = *state;
    struct sharer sharers[SHARERS];
    all_post_at_once(world, sharers);
    for (int i = 0; i < SHARERS; i++) {
        enum xd_erp_outcome there = erps_find(world, XD_ERP_SALE, sharers[i].reference).outcome;
        if (sharers[i].refused) {
            erps_assert_rejected(sharers[i].answer, "inactive_product");
            assert_int_equal(there, XD_ERP_ABSENT);
        } else {
            erps_assert_done(sharers[i].answer);
            assert_int_equal(there, XD_ERP_DONE);
        }
    }
    assert_int_equal(world->maker->documents(world->folder, XD_ERP_SALE), SHARERS - SHARERS / 3);
}

static void nothing_is_done_when_all_fail_to_commit_together(void **state) {
    struct erp_world *world = *state;
    struct sharer sharers[SHARERS];
    world->maker->break_commits(true);
    all_post_at_once(world, sharers);
    assert_int_not_equal(erps_find(world, XD_ERP_SALE, "t/PO-0").outcome, XD_ERP_DONE); /* nobody knows */
    world->maker->break_commits(false);
    for (int i = 0; i < SHARERS; i++) {
        enum xd_erp_outcome outcome = sharers[i].answer.outcome;
        enum xd_erp_outcome there = erps_find(world, XD_ERP_SALE, sharers[i].reference).outcome;
        assert_true(outcome == XD_ERP_UNAVAILABLE || (outcome == XD_ERP_UNKNOWN && !sharers[i].refused));
        assert_true(there == XD_ERP_ABSENT || (there == XD_ERP_DONE && outcome == XD_ERP_UNKNOWN));
        assert_true(sharers[i].answer.document[0] == '\0');
    }
    sell(world, "t/PO-99", "1", "1");
}

/* ---- lists ---- */

static void assert_lists(const struct erp_world *world, const char *text) {
    if (strstr(xd_buffer_string(&world->page), text) == NULL) {
        fail_msg("%s: without %s", xd_buffer_string(&world->page), text);
    }
}

static void assert_lists_not(const struct erp_world *world, const char *text) {
    assert_null(strstr(xd_buffer_string(&world->page), text));
}

static void assert_page(const struct erp_world *world, const char *expected) {
    assert_string_equal(xd_buffer_string(&world->page), expected);
}

static void what_the_erp_knows_is_listed_page_by_page(void **state) {
    struct erp_world *world = *state;
    erps_list(world, XD_ERP_CUSTOMERS, 2);
    assert_lists(world, "\"code\":\"ASLEEP\"");
    assert_lists(world, "\"active\":false");
    assert_lists(world, "\"code\":\"CUST-1\"");
    assert_lists(world, "\"credit_limit\":null");
    assert_lists_not(world, "LIMITED");
    assert_true(world->cursor[0] != '\0');
    erps_list(world, XD_ERP_CUSTOMERS, 2);
    assert_lists(world, "\"code\":\"LIMITED\",\"name\":\"Small, Ltd\"");
    assert_lists(world, "\"credit_limit\":\"100\"");
    assert_lists_not(world, "CUST-1");
    assert_string_equal(world->cursor, "");
}

static void products_and_stock_are_listed_as_documents(void **state) {
    struct erp_world *world = *state;
    erps_list(world, XD_ERP_PRODUCTS, XD_ERP_PAGE_MAX);
    assert_string_equal(world->cursor, "");
    assert_lists(world, "\"sku\":\"GADGET\"");
    assert_lists(world, "\"price\":null");
    assert_lists(world, "\"sku\":\"WIDGET\"");
    assert_lists(world, "\"base_uom\":\"EA\",\"price\":\"9.95\"");
    erps_list(world, XD_ERP_STOCK, 1);
    assert_page(world, "[{\"site\":\"WH1\",\"sku\":\"WIDGET\",\"qty\":\"100\"}]");
    if (world->cursor[0] != '\0') { /* it may not have known that this was all */
        erps_list(world, XD_ERP_STOCK, 1);
        assert_page(world, "[]");
        assert_string_equal(world->cursor, "");
    }
    /* A cursor that no page gave leads somewhere, or nowhere, and breaks nothing. */
    (void)snprintf(world->cursor, sizeof world->cursor, "///'");
    (void)erps_try_list(world, XD_ERP_STOCK, 1);
    (void)snprintf(world->cursor, sizeof world->cursor, "\xff' OR 1");
    (void)erps_try_list(world, XD_ERP_PRODUCTS, 1);
}

static void documents_are_listed_as_they_change_and_a_cursor_lasts(void **state) {
    struct erp_world *world = *state;
    erps_list(world, XD_ERP_SALES, 1);
    assert_page(world, "[]");
    sell(world, "t/PO-1", "10", "2");
    sell(world, "t/PO-2", "1", "2");
    erps_list(world, XD_ERP_SALES, 1);
    assert_lists(world, "\"reference\":\"t/PO-1\",\"state\":\"open\",\"customer\":\"CUST-1\"");
    assert_lists(world, "\"qty\":\"10\",\"base_qty\":\"10\",\"unit_price\":\"9.95\",\"shipped\":\"0\","
                        "\"invoiced\":\"0\"");
    erps_list(world, XD_ERP_SALES, 1);
    assert_lists(world, "t/PO-2");
    erps_list(world, XD_ERP_SALES, 1);
    assert_page(world, "[]");
    struct xd_erp_line line = erps_line("1", "WIDGET", "4");
    line.unbilled = stores_decimal("1");
    struct xd_erp_request shipment = a_shipment("s/1", "t/PO-1", &line, 1);
    erps_assert_done(erps_post(world, &shipment));
    erps_list(world, XD_ERP_SALES, 1); /* it changed, and comes again */
    assert_lists(world, "t/PO-1");
    assert_lists(world, "\"shipped\":\"4\",\"invoiced\":\"3\"");
    erps_list(world, XD_ERP_SALES, 1);
    assert_page(world, "[]");
}

static void shipments_and_invoices_are_listed_with_their_sale(void **state) {
    struct erp_world *world = *state;
    sell(world, "t/PO-1", "10", "2");
    struct xd_erp_line line = erps_line("1", "WIDGET", "4");
    line.unbilled = stores_decimal("1");
    struct xd_erp_request shipment = a_shipment("s/1", "t/PO-1", &line, 1);
    erps_assert_done(erps_post(world, &shipment));
    erps_list(world, XD_ERP_SHIPMENTS, 1);
    assert_lists(world, "\"reference\":\"s/1\",\"sale\":\"");
    assert_lists(world, "\"sale_reference\":\"t/PO-1\",\"site\":\"WH1\",\"state\":\"done\"");
    assert_lists(world, "\"qty\":\"4\",\"base_qty\":\"4\"");
    erps_list(world, XD_ERP_SHIPMENTS, 1);
    assert_page(world, "[]");
    world->cursor[0] = '\0';
    erps_list(world, XD_ERP_INVOICES, 1);
    assert_lists(world, "\"sale_reference\":\"t/PO-1\",\"state\":\"posted\",\"currency\":\"EUR\"");
    assert_lists(world, "\"line_id\":\"1\",\"sku\":\"WIDGET\",\"base_qty\":\"3\"}]");
    assert_lists(world, "\"total\":\"29.85\"");
    erps_list(world, XD_ERP_INVOICES, 1);
    assert_page(world, "[]");
}

int main(void) {
    const struct erp_test tests[] = {
        ERP_TEST(sale_is_made_and_found_by_our_reference, 0),
        ERP_TEST(repeated_reference_gives_the_same_document, ERP_NEEDS_ENFORCEMENT),
        ERP_TEST(reference_with_another_content_is_refused, ERP_NEEDS_ENFORCEMENT),
        ERP_TEST(workers_at_once_make_one_document_per_reference, ERP_NEEDS_ENFORCEMENT),
        ERP_TEST(one_reference_at_once_is_what_the_grade_says, 0),
        ERP_TEST(what_may_have_happened_is_looked_up_where_it_can_be, 0),
        ERP_TEST(sale_is_refused_for_what_is_wrong_and_leaves_nothing, 0),
        ERP_TEST(price_of_the_line_stands_above_the_products, 0),
        ERP_TEST(credit_limit_counts_what_is_sold_and_not_yet_shipped, ERP_CAN_FREE_CREDIT),
        ERP_TEST(shipments_add_up_until_the_sale_is_shipped, 0),
        ERP_TEST(closed_line_ends_the_sale_short, 0),
        ERP_TEST(stock_follows_the_facts_below_zero, 0),
        ERP_TEST(shipment_is_refused_for_what_is_wrong_and_leaves_nothing, 0),
        ERP_TEST(a_change_says_what_each_line_shall_have_in_all, ERP_CAN_CHANGE),
        ERP_TEST(adjustment_changes_stock_once_both_ways, ERP_NEEDS_ENFORCEMENT),
        ERP_TEST(adjustment_is_refused_for_what_is_wrong_and_leaves_nothing, 0),
        ERP_TEST(what_the_erp_knows_is_listed_page_by_page, 0),
        ERP_TEST(products_and_stock_are_listed_as_documents, 0),
        ERP_TEST(documents_are_listed_as_they_change_and_a_cursor_lasts, ERP_CAN_LIST_ONCE),
        ERP_TEST(shipments_and_invoices_are_listed_with_their_sale, ERP_CAN_LIST_ONCE),
        ERP_TEST(refusal_takes_nothing_back_but_its_own, ERP_NEEDS_A_LOOK | ERP_NEEDS_OCCUPATION),
        ERP_TEST(nothing_is_done_when_all_fail_to_commit_together,
                 ERP_NEEDS_A_LOOK | ERP_NEEDS_BROKEN_COMMITS | ERP_NEEDS_OCCUPATION),
        ERP_TEST(failed_commit_is_unknown_and_the_reference_settles_it,
                 ERP_NEEDS_ENFORCEMENT | ERP_NEEDS_BROKEN_COMMITS),
        ERP_TEST(busy_erp_is_unavailable_and_still_answers_questions,
                 ERP_NEEDS_A_LOOK | ERP_NEEDS_OCCUPATION),
    };
    return erps_run_all(tests, sizeof tests / sizeof tests[0], true);
}
