/* What the REST connector makes of a server that fails, refuses, forgets its tokens and pages in every way,
 * and what it says of descriptions that are wrong. */
#include "contract/rest_erp.h"
#include "contract/stores.h"
#include "erp/rest/rest.h"

#include <stdio.h>
#include <string.h>

/* Another server, or another description of it. */
static void start(struct erp_world *world, const char *const *options, const char *const *pairs) {
    world->erp.close(world->erp.context);
    world->erp.close = NULL;
    if (options != NULL) {
        rest_erp_start(world->folder, options);
    }
    rest_erp_describe(world->folder, pairs);
    rest_erp_maker.open(world->folder, &world->erp);
}

static struct xd_erp_line a_line(const char *qty) {
    return erps_line("1", "WIDGET", qty);
}

static struct xd_erp_answer post(struct erp_world *world, enum xd_erp_kind kind, const char *reference,
                                 const char *other, const struct xd_erp_line *line) {
    struct xd_erp_request request = erps_request(kind, reference, other, line, 1);
    request.reverses = other;
    return erps_post(world, &request);
}

static struct xd_erp_answer sell(struct erp_world *world, const char *reference) {
    struct xd_erp_line line = a_line("1");
    return post(world, XD_ERP_SALE, reference, NULL, &line);
}

static struct xd_erp_answer find(struct erp_world *world, const char *reference) {
    return erps_find(world, XD_ERP_SALE, reference);
}

static void assert_outcome(struct xd_erp_answer answer, enum xd_erp_outcome outcome, const char *code) {
    if (answer.outcome != outcome || strcmp(answer.code, code) != 0) {
        fail_msg("outcome %d: %s: %s", (int)answer.outcome, answer.code, answer.detail);
    }
    assert_int_equal(answer.document[0] != '\0', outcome == XD_ERP_DONE);
}

static int64_t sales(const struct erp_world *world) {
    return rest_erp_maker.documents(world->folder, XD_ERP_SALE);
}

/* ---- what an answer means ---- */

static void what_may_have_happened_is_unknown_and_nothing_else_is(void **state) {
    struct erp_world *world = *state;
    static const struct {
        const char *fault, *after;
        enum xd_erp_outcome outcome;
        const char *code;
        int made;
    } cases[] = {
        {"cut_before", "", XD_ERP_UNKNOWN, "", 0},
        {"cut_after", "", XD_ERP_UNKNOWN, "", 1},
        {"hang_before", "", XD_ERP_UNKNOWN, "", 0},
        {"hang_after", "", XD_ERP_UNKNOWN, "", 1},
        {"truncated_after", "", XD_ERP_UNKNOWN, "", 1},
        {"html_500_before", "", XD_ERP_UNKNOWN, "", 0},
        {"html_500_after", "", XD_ERP_UNKNOWN, "", 1},
        {"html_404", "", XD_ERP_UNKNOWN, "", 0}, /* a gateway's: who knows */
        {"busy_429", "", XD_ERP_UNAVAILABLE, "erp_busy", 0},
        {"down_503", "7", XD_ERP_UNAVAILABLE, "erp_busy", 0},
        {"locked_in_200", "", XD_ERP_UNAVAILABLE, "erp_busy", 0},
        {"error_in_200", "", XD_ERP_REJECTED, "period_closed", 0},
    };
    static const char *const pairs[] = {"timeout_s: 30", "timeout_s: 1", NULL};
    start(world, NULL, pairs);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char reference[32];
        (void)snprintf(reference, sizeof reference, "t/PO-%zu", i);
        rest_erp_fault(cases[i].fault, "/orders", "POST", 1, cases[i].after);
        assert_outcome(sell(world, reference), cases[i].outcome, cases[i].code);
        assert_int_equal(sales(world), (int)i + cases[i].made);
        assert_int_equal(find(world, reference).outcome, cases[i].made == 1 ? XD_ERP_DONE : XD_ERP_ABSENT);
        assert_outcome(sell(world, reference), XD_ERP_DONE, ""); /* the reference settles it */
        assert_int_equal(sales(world), (int)i + 1);
    }
}

static void an_error_that_nobody_listed_is_unknown_unless_it_is_said_to_be_none(void **state) {
    struct erp_world *world = *state;
    static const char *const none[] = {"    PERIOD_LOCKED: period_closed\n", "", NULL};
    static const char *const pairs[] = {"    PERIOD_LOCKED: period_closed\n", "", "  # unlisted: unknown ",
                                        "  unlisted: rejected", NULL};
    start(world, NULL, none);
    rest_erp_fault("error_in_200", "/orders", "POST", 2, "");
    struct xd_erp_answer answer = sell(world, "t/PO-1");
    assert_outcome(answer, XD_ERP_UNKNOWN, "");
    assert_string_equal(answer.detail, "the books of that month are closed");
    start(world, NULL, pairs);
    answer = sell(world, "t/PO-1");
    assert_outcome(answer, XD_ERP_REJECTED, "erp_refused");
    assert_string_equal(answer.detail, "the books of that month are closed");
}

static void retry_after_is_told_in_seconds_or_as_a_date(void **state) {
    struct erp_world *world = *state;
    rest_erp_fault("busy_429", "/orders", "POST", 1, "7");
    assert_int_equal(sell(world, "t/PO-1").retry_after_ms, 7000);
    rest_erp_fault("busy_429", "/orders", "POST", 1, "Fri, 31 Dec 2100 23:59:59 GMT");
    assert_int_equal(sell(world, "t/PO-1").retry_after_ms, 86400000); /* a day at most */
    rest_erp_fault("busy_429", "/orders", "POST", 1, "Fri, 31 Dec 1999 23:59:59 GMT");
    assert_int_equal(sell(world, "t/PO-1").retry_after_ms, 0);
    rest_erp_fault("busy_429", "/orders", "POST", 1, "soon");
    assert_int_equal(sell(world, "t/PO-1").retry_after_ms, 0);
    rest_erp_fault("busy_429", "/orders", "GET", 1, "5");
    assert_int_equal(find(world, "t/PO-1").retry_after_ms, 5000);
}

static void only_the_erp_itself_says_that_something_is_absent(void **state) {
    struct erp_world *world = *state;
    static const char *const faults[] = {"cut_before", "hang_before",     "html_500_before", "html_404",
                                         "busy_429",   "truncated_after", "down_503",        "error_in_200"};
    static const char *const pairs[] = {"timeout_s: 30", "timeout_s: 1", NULL};
    start(world, NULL, pairs);
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_DONE, "");
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        rest_erp_fault(faults[i], "/orders", "GET", 2, "");
        assert_int_equal(find(world, "t/PO-1").outcome, XD_ERP_UNAVAILABLE);
        assert_int_equal(find(world, "t/PO-2").outcome, XD_ERP_UNAVAILABLE);
        assert_int_equal(find(world, "t/PO-1").outcome, XD_ERP_DONE);
        assert_int_equal(find(world, "t/PO-2").outcome, XD_ERP_ABSENT);
    }
    /* A filter that the ERP overlooks lists all there is. */
    static const char *const overlooked[] = {"/api/v1/orders?externalId={reference}",
                                             "/api/v1/orders?ref={reference}", NULL};
    start(world, NULL, overlooked);
    assert_int_equal(find(world, "t/PO-1").outcome, XD_ERP_DONE);
    assert_int_equal(find(world, "t/PO-2").outcome, XD_ERP_UNAVAILABLE);
    /* A status with JSON means it, and with one of the codes where there are some. */
    static const char *const by_status[] = {
        "path: \"/api/v1/orders?externalId={reference}\", entries: items, match: externalId",
        "path: \"/api/v1/nothing/{reference}\", absent: [404], absent_codes: [NOT_FOUND]", NULL};
    start(world, NULL, by_status);
    assert_int_equal(find(world, "t/PO-2").outcome, XD_ERP_ABSENT);
    static const char *const by_code[] = {
        "path: \"/api/v1/orders?externalId={reference}\", entries: items, match: externalId",
        "path: \"/api/v1/nothing/{reference}\", absent: [404], absent_codes: [NO_SUCH_ORDER]", NULL};
    start(world, NULL, by_code);
    assert_int_equal(find(world, "t/PO-2").outcome, XD_ERP_UNAVAILABLE);
}

static void a_server_that_is_not_there_is_unavailable(void **state) {
    struct erp_world *world = *state;
    rest_erp_stop();
    assert_int_equal(sell(world, "t/PO-1").outcome, XD_ERP_UNAVAILABLE);
    assert_int_equal(find(world, "t/PO-1").outcome, XD_ERP_UNAVAILABLE);
    assert_int_equal(erps_try_list(world, XD_ERP_STOCK, 10).outcome, XD_ERP_UNAVAILABLE);
    static const char *const none[] = {"auth:\n  type: oauth2 ", "auth:\n  type: none", NULL};
    start(world, NULL, none);
    assert_int_equal(sell(world, "t/PO-1").outcome, XD_ERP_UNAVAILABLE);
}

static void what_was_done_otherwise_than_asked_for_is_said(void **state) {
    struct erp_world *world = *state;
    static const char *const pairs[] = {"  # note: warning.code",
                                        "  note: warning.code",
                                        "  # note_text: ",
                                        "  note_text: ",
                                        "    CURRENCY: ",
                                        "    PERIOD_MOVED: period_closed\n    CURRENCY: ",
                                        NULL};
    start(world, NULL, pairs);
    rest_erp_fault("warning", "/orders", "POST", 1, "");
    struct xd_erp_answer answer = sell(world, "t/PO-1");
    assert_outcome(answer, XD_ERP_DONE, "period_closed");
    assert_string_equal(answer.detail, "2026-12-01");
}

static void a_reference_that_is_there_is_done_however_the_erp_says_so(void **state) {
    struct erp_world *world = *state;
    static const char *const ways[] = {"200", "409", "409-bare"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const char *const options[] = {"--auth", "oauth2", "--known", ways[i], NULL};
        start(world, options, NULL);
        struct xd_erp_answer first = sell(world, "t/PO-1");
        assert_outcome(first, XD_ERP_DONE, "");
        struct xd_erp_answer again = sell(world, "t/PO-1");
        assert_outcome(again, XD_ERP_DONE, "");
        assert_string_equal(again.document, first.document);
        assert_int_equal(sales(world), 1);
    }
    rest_erp_fault("html_500_before", "/orders", "GET", 1,
                   ""); /* no number with it, and it cannot be looked up */
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_UNKNOWN, "");
    static const char *const by_status[] = {"  # known: [409]  ", "  known: [409]  ",
                                            "known_codes: [DUPLICATE]", "known_codes: []", NULL};
    start(world, NULL, by_status);
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_DONE, "");
}

static void grades_b_and_c_are_what_the_description_says(void **state) {
    struct erp_world *world = *state;
    static const char *const options[] = {"--auth", "oauth2", "--references", "any", NULL};
    static const char *const b[] = {"grade: A", "grade: B", NULL};
    start(world, options, b);
    assert_int_equal(world->erp.grade, XD_ERP_GRADE_B);
    rest_erp_fault("cut_after", "/orders", "POST", 1, "");
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_UNKNOWN, "");
    assert_int_equal(find(world, "t/PO-1").outcome, XD_ERP_DONE); /* so it is not made again */
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_DONE, "");
    assert_int_equal(sales(world), 2); /* as it would be otherwise */
    static const char *const c[] = {"grade: A",
                                    "grade: C",
                                    "  sale: {path: \"/api/v1/orders?externalId={reference}\", entries: "
                                    "items, match: externalId, document: number}\n",
                                    "",
                                    "{sale_document}",
                                    "{sale_number}",
                                    NULL};
    start(world, NULL, c);
    assert_int_equal(world->erp.grade, XD_ERP_GRADE_C);
    assert_int_equal(find(world, "t/PO-1").outcome, XD_ERP_UNAVAILABLE);
    assert_int_equal(find(world, "t/PO-2").outcome, XD_ERP_UNAVAILABLE);
}

/* ---- who we are ---- */

static void each_way_of_proving_who_we_are_is_accepted_or_refused(void **state) {
    struct erp_world *world = *state;
    static const struct {
        const char *options[10];
        const char *pairs[4];
    } cases[] = {
        {{"--auth", "none"}, {"auth:\n  type: oauth2 ", "auth:\n  type: none"}},
        {{"--auth", "basic"},
         {"auth:\n  type: oauth2 ",
          "auth:\n  username: crossdock\n  password_file: client.secret\n  type: basic"}},
        {{"--auth", "token", "--header", "X-Api-Key"},
         {"auth:\n  type: oauth2 ",
          "auth:\n  header: X-Api-Key\n  token_file: client.secret\n  type: token"}},
        {{"--auth", "token", "--prefix", "Token "},
         {"auth:\n  type: oauth2 ",
          "auth:\n  prefix: \"Token \"\n  token_file: client.secret\n  type: token"}},
        {{"--auth", "oauth2", "--client-in", "body"}, {"  # client_in: header", "  client_in: body"}},
        {{"--auth", "oauth2", "--user", "some one:&%"},
         {"client_id: crossdock", "client_id: \"some one:&%\""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(world, cases[i].options, cases[i].pairs);
        assert_outcome(sell(world, "t/PO-1"), XD_ERP_DONE, "");
        assert_int_equal(find(world, "t/PO-1").outcome, XD_ERP_DONE);
        if (i == 0) {
            continue;
        }
        const char *wrong[12] = {NULL};
        size_t count = 0;
        for (; cases[i].options[count] != NULL; count++) {
            wrong[count] = cases[i].options[count];
        }
        wrong[count] = "--secret";
        wrong[count + 1] = "another";
        start(world, wrong, cases[i].pairs);
        assert_outcome(sell(world, "t/PO-1"), XD_ERP_UNAVAILABLE, "erp_denied");
        assert_outcome(find(world, "t/PO-1"), XD_ERP_UNAVAILABLE, "erp_denied");
        assert_int_equal(sales(world), 0);
    }
}

static void a_token_is_kept_until_it_expires_and_renewed_when_it_is_refused(void **state) {
    struct erp_world *world = *state;
    static const char *const short_lived[] = {"--auth", "oauth2", "--token-life", "0", NULL};
    for (int i = 0; i < 5; i++) {
        char reference[32];
        (void)snprintf(reference, sizeof reference, "t/PO-%d", i);
        assert_outcome(sell(world, reference), XD_ERP_DONE, "");
    }
    assert_int_equal(rest_erp_seen("POST token"), 1);
    rest_erp_fault("expire_tokens", "/orders", "POST", 1, "");
    assert_outcome(sell(world, "t/PO-9"), XD_ERP_DONE, "");
    assert_int_equal(rest_erp_seen("POST token"), 2);
    assert_int_equal(sales(world), 6);
    rest_erp_fault("expire_tokens", "/orders", "POST", 2, ""); /* also the new one is not taken */
    assert_outcome(sell(world, "t/PO-10"), XD_ERP_UNAVAILABLE, "erp_denied");
    assert_int_equal(rest_erp_seen("POST token"), 3); /* and is not asked for again at once */
    rest_erp_fault("down_503", "/oauth", "POST", 1, "9");
    struct xd_erp_answer answer = sell(world, "t/PO-10");
    assert_outcome(answer, XD_ERP_UNAVAILABLE, "erp_denied");
    assert_int_equal(answer.retry_after_ms, 9000);
    rest_erp_fault("truncated_after", "/oauth", "POST", 1, "");
    assert_outcome(sell(world, "t/PO-10"), XD_ERP_UNAVAILABLE, "erp_denied");
    assert_int_equal(sales(world), 6);
    start(world, short_lived, NULL); /* one that has no life at all is of no use to anybody */
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_UNAVAILABLE, "erp_denied");
}

/* ---- what is sent ---- */

static void a_document_that_cannot_be_said_exactly_is_not_sent(void **state) {
    struct erp_world *world = *state;
    static const char *const pairs[] = {"quantity: \"{qty|number}\"", "quantity: \"{base_qty|number}\"",
                                        NULL};
    struct xd_erp_line line = a_line("1");
    line.factor_num = 1;
    line.factor_den = 3;
    start(world, NULL, pairs);
    struct xd_erp_answer answer = post(world, XD_ERP_SALE, "t/PO-1", NULL, &line);
    assert_outcome(answer, XD_ERP_REJECTED, "not_representable");
    assert_non_null(strstr(answer.detail, "base_qty"));
    assert_int_equal(rest_erp_seen("POST orders"), 0);
    line.qty = stores_decimal("12");
    assert_outcome(post(world, XD_ERP_SALE, "t/PO-1", NULL, &line), XD_ERP_DONE, "");
}

static void tables_and_numbers_of_other_documents_go_into_requests(void **state) {
    struct erp_world *world = *state;
    static const char *const pairs[] = {"  path: /api/v1/reversals\n",
                                        "  path: /api/v1/shipments/{reverses_document}/reversals\n",
                                        "tables:\n",
                                        "tables:\n  warehouse: {WH1: MAIN}\n",
                                        "warehouse: \"{site}\"",
                                        "warehouse: \"{site|warehouse}\"",
                                        NULL};
    struct xd_erp_line line = a_line("1");
    start(world, NULL, pairs);
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_DONE, "");
    assert_outcome(post(world, XD_ERP_SHIPMENT, "t/S-1", "t/PO-1", &line), XD_ERP_DONE, "");
    assert_decimal(rest_erp_maker.stock(world->folder, "MAIN", "WIDGET"), "-1");
    rest_erp_fault("cut_before", "/shipments", "GET", 1, ""); /* looking up changes nothing */
    assert_outcome(post(world, XD_ERP_REVERSAL, "t/R-1", "t/S-1", &line), XD_ERP_UNAVAILABLE, "");
    assert_outcome(post(world, XD_ERP_REVERSAL, "t/R-1", "t/S-1", &line), XD_ERP_DONE, "");
    assert_decimal(rest_erp_maker.stock(world->folder, "MAIN", "WIDGET"), "0");
    assert_outcome(post(world, XD_ERP_REVERSAL, "t/R-2", "t/S-9", &line), XD_ERP_REJECTED,
                   "unknown_shipment");
}

static void a_time_is_said_as_its_day(void **state) {
    struct erp_world *world = *state;
    static const char *const pairs[] = {"orderedAt: \"{at}\"", "poNumber: \"{at|date}\"", NULL};
    start(world, NULL, pairs);
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_DONE, "");
    erps_list(world, XD_ERP_SALES, 10);
    assert_non_null(strstr(xd_buffer_string(&world->page), "\"customer_po\":\"2026-11-23\""));
}

static void a_kind_that_the_description_leaves_out_is_refused(void **state) {
    struct erp_world *world = *state;
    struct xd_erp_line line = a_line("1");
    assert_outcome(post(world, XD_ERP_CHECK, "t/PO-1", NULL, &line), XD_ERP_REJECTED, "not_supported");
}

/* ---- lists ---- */

/* All pages from the world's cursor on, at most max entries each; how many there were. Keys go into keys,
 * each once. */
static size_t list_all(struct erp_world *world, enum xd_erp_list what, size_t max, const char *member,
                       struct xd_buffer *keys) {
    size_t count = 0;
    do {
        erps_list(world, what, max);
        for (const struct xd_node *one = world->entries->child; one != NULL; one = one->next) {
            const char *key = xd_node_scalar(xd_node_path(one, member));
            xd_buffer_text(keys, key == NULL ? "" : key);
            xd_buffer_byte(keys, ' ');
        }
        count += world->entries->count;
    } while (what < XD_ERP_SALES ? world->cursor[0] != '\0' : world->entries->count > 0);
    return count;
}

static void every_way_of_paging_gives_each_entry_once(void **state) {
    struct erp_world *world = *state;
    static const char *const sizes[] = {"1", "2", "100"};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char size[32];
        (void)snprintf(size, sizeof size, "size: %s", sizes[i]);
        const char *const told[] = {"size: 100", size, NULL};
        const char *const untold[] = {"size: 100", size, ", more: paging.more", "", NULL};
        for (int way = 0; way < 2; way++) {
            start(world, NULL, way == 0 ? told : untold);
            for (size_t max = 1; max <= 4; max++) {
                struct xd_buffer keys;
                xd_buffer_init(&keys, 0);
                (void)list_all(world, XD_ERP_CUSTOMERS, max, "code", &keys);
                (void)list_all(world, XD_ERP_PRODUCTS, max, "sku", &keys);
                (void)list_all(world, XD_ERP_STOCK, max, "qty", &keys);
                assert_string_equal(xd_buffer_string(&keys),
                                    "ASLEEP CUST-1 LIMITED GADGET RETIRED WIDGET 100 ");
                xd_buffer_free(&keys);
            }
        }
    }
}

/* All have one time of change, more than there are marks and entries on a page of the ERP. */
static void documents_of_one_time_come_once_each(void **state) {
    struct erp_world *world = *state;
    static const char *const options[] = {"--auth", "oauth2", "--tick-ms", "86400000", NULL};
    static const char *const pairs[] = {"size: 100", "size: 5", NULL};
    enum { COUNT = 23 };
    struct xd_buffer expected;
    start(world, options, pairs);
    xd_buffer_init(&expected, 0);
    for (int i = 0; i < COUNT; i++) {
        char reference[32];
        (void)snprintf(reference, sizeof reference, "t/PO-%d", i);
        xd_buffer_format(&expected, "%s ", reference);
        assert_outcome(sell(world, reference), XD_ERP_DONE, "");
    }
    for (size_t max = 1; max <= 32; max *= 2) {
        struct xd_buffer keys;
        world->cursor[0] = '\0';
        xd_buffer_init(&keys, 0);
        assert_int_equal(list_all(world, XD_ERP_SALES, max, "reference", &keys), COUNT);
        assert_string_equal(xd_buffer_string(&keys), xd_buffer_string(&expected));
        xd_buffer_free(&keys);
    }
    xd_buffer_free(&expected);
}

/* What changes within one time, in front of what was given, is given again; what does not is not. */
static void a_change_within_one_time_is_seen(void **state) {
    struct erp_world *world = *state;
    static const char *const options[] = {"--auth", "oauth2", "--tick-ms", "86400000", NULL};
    struct xd_erp_line line = a_line("1");
    struct xd_buffer keys;
    start(world, options, NULL);
    xd_buffer_init(&keys, 0);
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_DONE, "");
    assert_outcome(sell(world, "t/PO-2"), XD_ERP_DONE, "");
    assert_outcome(sell(world, "t/PO-3"), XD_ERP_DONE, "");
    assert_int_equal(list_all(world, XD_ERP_SALES, 2, "reference", &keys), 3);
    assert_outcome(post(world, XD_ERP_SHIPMENT, "t/S-1", "t/PO-1", &line), XD_ERP_DONE, "");
    xd_buffer_clear(&keys);
    assert_int_equal(list_all(world, XD_ERP_SALES, 2, "reference", &keys), 1);
    assert_string_equal(xd_buffer_string(&keys), "t/PO-1 ");
    xd_buffer_free(&keys);
}

static void a_list_that_fails_gives_nothing_and_the_cursor_is_good_still(void **state) {
    struct erp_world *world = *state;
    static const char *const faults[] = {"cut_before", "html_500_before", "truncated_after", "busy_429",
                                         "error_in_200"};
    assert_outcome(sell(world, "t/PO-1"), XD_ERP_DONE, "");
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        rest_erp_fault(faults[i], "/orders", "GET", 1, "3");
        struct xd_erp_answer answer = erps_try_list(world, XD_ERP_SALES, 10);
        assert_int_equal(answer.outcome, XD_ERP_UNAVAILABLE);
        assert_int_equal(world->page.size, 0);
        assert_int_equal(answer.retry_after_ms, strcmp(faults[i], "busy_429") == 0 ? 3000 : 0);
        erps_list(world, XD_ERP_SALES, 10);
        assert_non_null(strstr(xd_buffer_string(&world->page), "t/PO-1"));
        world->cursor[0] = '\0';
    }
}

static void entries_become_ours(void **state) {
    struct erp_world *world = *state;
    char number[64];
    rest_erp_maker.type_sale(world->folder, number);
    erps_list(world, XD_ERP_SALES, 10);
    assert_string_equal(
        xd_buffer_string(&world->page),
        "[{\"number\":\"SO000001\",\"reference\":null,\"state\":\"open\",\"customer\":\"CUST-1\","
        "\"currency\":\"EUR\","
        "\"customer_po\":\"by phone\",\"ordered_at\":\"2026-11-23T10:00:00.000Z\",\"site\":\"WH1\","
        "\"ship_to\":{\"name\":\"Corner Shop\",\"address\":[\"1 Main "
        "St\"],\"city\":\"Oslo\",\"postal_code\":\"0150\","
        "\"country\":\"NO\"},\"lines\":[{\"line_id\":\"10\",\"sku\":\"WIDGET\",\"uom\":\"EA\",\"qty\":\"3\","
        "\"base_qty\":\"3\",\"unit_price\":\"9.95\",\"shipped\":\"0\",\"invoiced\":\"0\"}]}]");
}

/* ---- descriptions ---- */

static void what_is_wrong_with_a_description_is_said_where_it_stands(void **state) {
    struct erp_world *world = *state;
    static const struct {
        const char *old, *new, *expected;
    } cases[] = {
        {"grade: A", "grade: D", ":18:8: grade: must be A, B or C"},
        {"grade: A\n", "", "grade: is missing"},
        {"timeout_s: 30", "timeout_s: 0", ":11:12: timeout_s: must be 1 to 600, not 0"},
        {"  type: oauth2 ", "  type: magic ", "auth.type: must be none, basic, token or oauth2"},
        {"  type: oauth2 ", "  type: basic ", "auth.username: is missing: type basic needs it"},
        {"client.secret ", "no.such.file ", "cannot read"},
        {"  client_id: crossdock\n", "", "auth.client_id: is missing: type oauth2 needs it"},
        {"done: [200, 201]", "done: [200, twenty]", "must be a status like 404"},
        {"unavailable: [429, 503]", "unavailable: [429, 53]",
         ":53:22: answers.unavailable: must be a status like"},
        {"unavailable: [429, 503]", "unavailable: [492, 503]",
         ":53:17: answers.unavailable: must be a status like"},
        {"done: [200, 201] ", "done: [200, 429] ",
         ":53:3: answers.unavailable: 429 is one of answers.done, too: it can mean one thing only"},
        {"unavailable: [429, 503]", "unavailable: [429, 503]\n  known: [503]",
         ":53:3: answers.unavailable: 503 is one of answers.known, too"},
        {"rejected: [400, 404, 409, 422] ", "rejected: [400, 201] ",
         ":52:3: answers.rejected: 201 is one of answers.done, too"},
        {"known_codes: [DUPLICATE]", "known_codes: [BUSY]",
         "answers.unavailable_codes: BUSY is one of answers.known_codes, too"},
        {"CURRENCY: currency_mismatch", "BUSY: currency_mismatch",
         "answers.codes: BUSY is one of answers.unavailable_codes, too"},
        {"CURRENCY: currency_mismatch", "CURRENCY: curency_mismatch",
         "answers.codes: \"curency_mismatch\" is no code of ours"},
        {"CONFIRMED: open", "CONFIRMED: opne",
         "lists.sales: state: \"opne\" is none of draft, open, done, cancelled"},
        {"{DRAFT: draft, POSTED: posted", "{DRAFT: draft, POSTED: open",
         "lists.invoices: state: \"open\" is none of draft, posted, paid, cancelled"},
        {"is_active: {ACTIVE: true", "is_active: {ACTIVE: ture", "active: \"ture\" is none of true, false"},
        {"CURRENCY: currency_mismatch", "CURRENCY: \"Not ours\"",
         "answers.codes: a code of ours is of a-z, 0-9 and _"},
        {"externalId: \"{reference}\"\n      customer", "externalId: \"{refrence}\"\n      customer",
         "post.sale: there is no field {refrence}"},
        {"currency: \"{currency}\"", "currency: \"{sku}\"",
         "post.sale: there is no field {sku} but of a line"},
        {"currency: \"{currency}\"", "currency: \"{currency|upper}\"",
         "\"upper\" is neither a filter nor a table"},
        {"currency: \"{currency}\"", "currency: \"{currency\"", "a brace without its partner"},
        {"path: /api/v1/adjustments\n", "path: api/v1/adjustments\n", "must begin with /"},
        {"externalId={reference}\", entries: items, match: externalId, document: number}\n  shipment",
         "externalId=1\", entries: items, match: externalId, document: number}\n  shipment",
         "find.sale: its path does not ask for {reference}"},
        {"entries: items, match: externalId, document: number}\n  shipment",
         "entries: items, document: number}\n  shipment", "find.sale: has entries and no match"},
        {"  change: {path: \"/api/v1/changes?externalId={reference}\", entries: items, match: externalId, "
         "document: number}\n",
         "", "find.change: is missing: grades A and B look up what may have happened"},
        {"      sku: sku\n      description", "      description",
         "lists.products: the map does not say where sku is"},
        {"      price: price\n", "      cost: price\n", "lists.products: \"cost\" is no member of ours"},
        {"      price: price\n", "      gtins: {value: \"5901234123457\"}\n",
         "lists.products: gtins: needs a path"},
        {"active: {path: status, table: is_active}\n      credit",
         "active: {path: status, table: nope}\n      credit", "active: there is no table \"nope\""},
        {"since: {parameter: changedSince, member: changedAt, key: number}\n    map:\n      number: number\n "
         "     sale: order\n",
         "map:\n      number: number\n      sale: order\n",
         "lists.invoices.since: needs parameter, member and key"},
        {"paging: {type: cursor, parameter: after, next: paging.next, size_parameter: limit, size: 100}\n    "
         "map: {site",
         "paging: {type: cursor, parameter: after}\n    map: {site", "lists.stock.paging.next: is missing"},
        {"timeout_s: 30", "time_out_s: 30", ":11:1: time_out_s: unknown key"},
        {"source: crossdock", "source: &anchor crossdock", "anchors (&name) are not allowed"},
    };
    char path[128], why[256];
    (void)snprintf(path, sizeof path, "%s/erp.yaml", world->folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const pairs[] = {cases[i].old, cases[i].new, NULL};
        rest_erp_describe(world->folder, pairs);
        assert_int_equal(xd_rest_check(path, 60, why, sizeof why), XD_INVALID);
        if (strstr(why, cases[i].expected) == NULL || strncmp(why, path, strlen(path)) != 0) {
            fail_msg("%s: \"%s\" expected", why, cases[i].expected);
        }
        struct xd_erp erp;
        struct xd_rest_config config = {.file = path};
        assert_int_equal(xd_rest_open(&config, &erp, why, sizeof why), XD_INVALID);
    }
    assert_int_equal(xd_rest_check("no/such/file.yaml", 60, why, sizeof why), XD_INVALID);
    assert_int_equal(xd_rest_check("config/erp/rest/sample.yaml", 30, why, sizeof why), XD_OK);
    assert_int_equal(xd_rest_check("config/erp/rest/sample.yaml", 29, why, sizeof why), XD_INVALID);
    assert_non_null(strstr(why, "timeout_s: 30 must not be more than request_life_s of the ERP (29)"));
}

int main(void) {
    const struct erp_test tests[] = {
        ERP_TEST(what_may_have_happened_is_unknown_and_nothing_else_is, 0),
        ERP_TEST(an_error_that_nobody_listed_is_unknown_unless_it_is_said_to_be_none, 0),
        ERP_TEST(retry_after_is_told_in_seconds_or_as_a_date, 0),
        ERP_TEST(only_the_erp_itself_says_that_something_is_absent, 0),
        ERP_TEST(a_server_that_is_not_there_is_unavailable, 0),
        ERP_TEST(what_was_done_otherwise_than_asked_for_is_said, 0),
        ERP_TEST(a_reference_that_is_there_is_done_however_the_erp_says_so, 0),
        ERP_TEST(grades_b_and_c_are_what_the_description_says, 0),
        ERP_TEST(each_way_of_proving_who_we_are_is_accepted_or_refused, 0),
        ERP_TEST(a_token_is_kept_until_it_expires_and_renewed_when_it_is_refused, 0),
        ERP_TEST(a_document_that_cannot_be_said_exactly_is_not_sent, 0),
        ERP_TEST(tables_and_numbers_of_other_documents_go_into_requests, 0),
        ERP_TEST(a_time_is_said_as_its_day, 0),
        ERP_TEST(a_kind_that_the_description_leaves_out_is_refused, 0),
        ERP_TEST(every_way_of_paging_gives_each_entry_once, 0),
        ERP_TEST(documents_of_one_time_come_once_each, 0),
        ERP_TEST(a_change_within_one_time_is_seen, 0),
        ERP_TEST(a_list_that_fails_gives_nothing_and_the_cursor_is_good_still, 0),
        ERP_TEST(entries_become_ours, 0),
        ERP_TEST(what_is_wrong_with_a_description_is_said_where_it_stands, 0),
    };
    if (!rest_erp_maker.start()) {
        return 1;
    }
    return erps_run(&rest_erp_maker, tests, sizeof tests / sizeof tests[0]);
}
