/* Who waits for the ERP's word, what somebody outside says of an order first, and a hub that is restored
 * from an older copy while its sites have what it forgot. */
#include "unit/hub_world_orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Prefer: wait ---- */

static char order_text[ORDER_TEXT_SIZE];

/* Hands in PO-<number>; what it says so far. */
static unsigned waits(struct hub_world *world, int number, xd_ms wait_ms, struct api_call *call) {
    char line[256];
    *call = (struct api_call){.has_key = true, .wait_ms = wait_ms};
    snprintf(call->key, sizeof call->key, "key-%d", number);
    call->body = world_order_text(number, "", world_line("1", "WIDGET", "10", "EA", line), order_text);
    return hub_world_post(world, call);
}

static void assert_answer(struct api_call *call, unsigned status, const char *part) {
    assert_true(call->answered);
    assert_int_equal(call->status, status);
    if (strstr(call->text, part) == NULL) {
        fail_msg("no %s in %s", part, call->text);
    }
    hub_world_api_free(call);
}

static void is_slow(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    (void)call;
    *plan = (struct call_plan){.lands_ms = 2000, .answers_ms = 3000};
}

static void who_waits_is_told_when_the_erp_has_the_sale(void **state) {
    struct hub_world *world = *state;
    struct api_call call;
    world->plan = is_slow;
    assert_int_equal(waits(world, 1, 10000, &call), 0);
    hub_world_run(world, 2500);
    assert_false(call.answered);
    world_quiet(world);
    assert_answer(&call, 201, "\"order_id\"");
}

static void who_waits_is_told_of_warnings_too(void **state) {
    struct hub_world *world = *state;
    struct api_call call, again;
    char text[ORDER_TEXT_SIZE], one[256], two[256], both[513];
    snprintf(both, sizeof both, "%s,%s", world_line("1", "WIDGET", "1", "EA", one),
             world_line("2", "WIDGET", "2", "EA", two));
    world->plan = is_slow;
    memset(&call, 0, sizeof call);
    call.has_key = true;
    call.body = world_order_text(1, "", both, text);
    call.wait_ms = 10000;
    again = call;
    again.wait_ms = 0;
    snprintf(call.key, sizeof call.key, "k1");
    snprintf(again.key, sizeof again.key, "k2");
    (void)hub_world_post(world, &call);
    world_quiet(world);
    assert_answer(&call, 201,
                  "\"warnings\":[{\"code\":\"possible_duplicate_line\",\"pointer\":\"/lines/1/sku\"");
    assert_int_equal(hub_world_post(world, &again), 202); /* by its number */
    assert_answer(&again, 202, "\"warnings\":[{\"code\":\"possible_duplicate_line\"");
}

static void who_waits_too_long_is_told_that_it_goes_on(void **state) {
    struct hub_world *world = *state;
    struct api_call call;
    world->plan = is_slow;
    assert_int_equal(waits(world, 1, 1000, &call), 0);
    hub_world_run(world, 1500);
    assert_answer(&call, 202, "\"order_id\"");
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
}

static void who_waits_for_an_order_that_is_held_or_over_is_told_at_once(void **state) {
    struct hub_world *world = *state;
    struct api_call call;
    world_put(world, "customers",
              "{\"code\":\"CUST-1\",\"name\":\"One\",\"active\":true,\"credit_limit\":\"10\"}");
    assert_int_equal(waits(world, 1, 10000, &call), 202);
    assert_answer(&call, 202, "HELD");
    world_stock(world, "WH1", "WIDGET", "1");
    world_put(world, "customers", "{\"code\":\"CUST-1\",\"name\":\"One\",\"active\":true}");
    char line[256];
    call = (struct api_call){.has_key = true, .key = "key-2", .wait_ms = 10000};
    call.body = world_order_text(2, "\"fulfilment_policy\":\"FILL_OR_KILL\",",
                                 world_line("1", "WIDGET", "10", "EA", line), order_text);
    assert_int_equal(hub_world_post(world, &call), 202); /* killed: there is nothing to wait for */
    assert_answer(&call, 202, "CANCELLED");
}

static void who_waits_for_an_order_that_could_not_be_stored_sends_it_again(void **state) {
    struct hub_world *world = *state;
    struct api_call call;
    world->fail_commit = true;
    assert_int_equal(waits(world, 1, 10000, &call), 503);
    hub_world_api_free(&call);
    assert_int_equal(waits(world, 1, 10000, &call), 0);
    world_quiet(world);
    assert_answer(&call, 201, "\"order_id\"");
    assert_count(world, "SELECT count(*) FROM orders", 1);
}

static void an_answer_whose_commit_failed_is_given_later(void **state) {
    struct hub_world *world = *state;
    struct api_call call;
    world->plan = is_slow;
    assert_int_equal(waits(world, 1, 60000, &call), 0);
    for (int step = 0; step < 60 && !call.answered; step++) { /* every second commit fails */
        world->fail_commit = step % 2 == 0;
        hub_world_step(world);
    }
    world->fail_commit = false;
    world_quiet(world);
    assert_answer(&call, 201, "\"order_id\"");
}

static enum xd_result end_program(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                  struct xd_effects *effects) {
    struct xd_effect *effect = xd_effects_add(effects, XD_EFFECT_HTTP);
    if (effect != NULL) {
        effect->handle = request->handle;
        effect->status = 200;
    }
    return xd_hub_end(hub, now, effects);
}

static void who_waits_is_told_when_the_program_ends(void **state) {
    struct hub_world *world = *state;
    struct api_call call, end = {.write = end_program, .body = order_text};
    world->plan = is_slow;
    assert_int_equal(waits(world, 1, 60000, &call), 0);
    assert_int_equal(hub_world_post(world, &end), 200);
    hub_world_api_free(&end);
    assert_answer(&call, 202, "\"order_id\"");
    world_quiet(world);
}

/* ---- somebody outside ---- */

static int with_checks(void **state) {
    int result = hub_world_setup(state);
    struct hub_world *world = *state;
    world->checks = true;
    hub_world_crash(world);
    hub_world_start(world);
    world_stock(world, "WH1", "WIDGET", "20");
    return result;
}

static void says(struct hub_world *world, enum xd_erp_outcome outcome, const char *document,
                 const char *detail) {
    world->check = (struct xd_erp_answer){.outcome = outcome};
    snprintf(world->check.document, sizeof world->check.document, "%s", document);
    snprintf(world->check.detail, sizeof world->check.detail, "%s", detail);
}

static void an_order_that_passes_goes_on(void **state) {
    struct hub_world *world = *state;
    says(world, XD_ERP_DONE, "pass", "");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_status(world, 1, "VALIDATED");
    assert_stock(world, "WH1", "WIDGET", "20 0"); /* nothing is done before */
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_step(world, 1, "check.passed", 1);
}

static void an_order_that_somebody_wants_looked_at_waits(void **state) {
    struct hub_world *world = *state;
    says(world, XD_ERP_DONE, "hold", "new address");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(world_simple(world, 2, "", "5"), 202);
    world_quiet(world);
    assert_status(world, 1, "HELD");
    assert_exceptions(world, "CHECK_HOLD", 2);
    assert_int_equal(world_resolve(world, "CHECK_HOLD", "accept"), 202);
    assert_int_equal(world_resolve(world, "CHECK_HOLD", "reject"), 202);
    world_quiet(world);
    assert_count(world, "SELECT count(*) FROM orders WHERE status = 8", 1);
    assert_count(world, "SELECT count(*) FROM orders WHERE status = 3", 1);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void an_order_that_is_refused_outside_is_rejected(void **state) {
    struct hub_world *world = *state;
    says(world, XD_ERP_REJECTED, "", "embargo");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_status(world, 1, "REJECTED");
    assert_ledger(world, "SELECT count(*) FROM sale", 0);
    assert_stock(world, "WH1", "WIDGET", "20 0");
}

static void a_check_that_cannot_be_reached_is_asked_again(void **state) {
    struct hub_world *world = *state;
    says(world, XD_ERP_UNAVAILABLE, "", "");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, 20000);
    assert_status(world, 1, "VALIDATED");
    says(world, XD_ERP_DONE, "pass", "");
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
}

static void what_is_cancelled_before_it_was_checked_is_gone(void **state) {
    struct hub_world *world = *state;
    world->plan = is_slow;
    says(world, XD_ERP_DONE, "pass", "");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, 1000);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    assert_status(world, 1, "CANCELLED");
    assert_ledger(world, "SELECT count(*) FROM sale", 0);
}

static void nobody_is_asked_about_an_order_that_was_cancelled(void **state) {
    struct hub_world *world = *state;
    says(world, XD_ERP_UNAVAILABLE, "", "busy");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, 2 * MINUTE_MS);
    assert_exceptions(world, "CHECK_UNAVAILABLE", 1);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    assert_status(world, 1, "CANCELLED");
    assert_exceptions(world, "CHECK_UNAVAILABLE", 0);
    uint64_t calls = world->hub.counters.erp_calls;
    hub_world_run(world, 10 * MINUTE_MS);
    assert_true(world->hub.counters.erp_calls <= calls + 1); /* one may have been under way */
    assert_count(world, "SELECT count(*) FROM job WHERE state != 5", 0);
    assert_int_equal(world->hub.lanes[world->erp_count].slot_count, 0);
    assert_int_equal(xd_hub_erp_calls(&world->hub), 0);
}

static void a_late_answer_about_a_cancelled_order_says_nothing(void **state) {
    struct hub_world *world = *state;
    world->plan = is_slow;
    says(world, XD_ERP_DONE, "hold", "too late");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, 1000);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 1", 1); /* it is being asked */
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    hub_world_run(world, 10 * MINUTE_MS);
    assert_status(world, 1, "CANCELLED");
    assert_exceptions(world, "CHECK_HOLD", 0);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 5", 1);
    assert_int_equal(world->hub.lanes[world->erp_count].slot_count, 0);
    assert_int_equal(xd_hub_erp_calls(&world->hub), 0);
}

/* As a hub left it that did not withdraw checks. */
static void a_check_that_outlived_its_order_is_not_asked_for(void **state) {
    struct hub_world *world = *state;
    char text[256];
    says(world, XD_ERP_UNAVAILABLE, "", "busy");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, 5000);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    hub_world_run(world, 5000);
    hub_world_crash(world);
    world_query(world, "UPDATE job SET state = 0, attempt = 7", text);
    hub_world_start(world);
    uint64_t calls = world->hub.counters.erp_calls;
    hub_world_run(world, 10 * MINUTE_MS);
    assert_int_equal(world->hub.counters.erp_calls, calls);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 5", 1);
}

static void check_hangs(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    if (call->request.kind == XD_ERP_CHECK) {
        *plan = (struct call_plan){.lands_ms = 60000, .answers_ms = 60000};
    }
}

static void checks_that_hang_do_not_stop_postings(void **state) {
    struct hub_world *world = *state;
    says(world, XD_ERP_DONE, "pass", "");
    world_stock(world, "WH1", "WIDGET", "1000");
    assert_int_equal(world_simple(world, 1, "", "1"), 202);
    hub_world_run(world, 5000);
    world->plan = check_hangs;
    for (int number = 2; number < 2 + 300; number++) {
        assert_int_equal(world_simple(world, number, "", "1"), 202);
    }
    assert_int_equal(xd_hub_erp_calls(&world->hub), 1);
    world_ships(world, 1, 1, "1", NULL);
    hub_world_run(world, 20000);
    assert_status(world, 1, "SHIPPED");
    assert_ledger(world, "SELECT count(*) FROM shipment", 1);
    world->plan = NULL;
    world_quiet(world);
    assert_ledger(world, "SELECT count(*) FROM sale", 301);
}

static void a_check_that_fails_is_told(void **state) {
    struct hub_world *world = *state;
    says(world, XD_ERP_UNAVAILABLE, "", "The check answered with status 500.");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    while (world->hub.counters.check_failures == 0) {
        hub_world_step(world);
    }
    assert_step(world, 1, "check.failed", 1);
    assert_exceptions(world, "CHECK_UNAVAILABLE", 0);
    hub_world_run(world, 2 * MINUTE_MS);
    assert_step(world, 1, "check.failed", 1);
    assert_exceptions(world, "CHECK_UNAVAILABLE", 1);
    assert_true(world->hub.counters.check_failures >= 3);
    assert_int_equal(world->hub.counters.erp_unavailable, 0);
    says(world, XD_ERP_DONE, "pass", "");
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_exceptions(world, "CHECK_UNAVAILABLE", 0);
}

/* ---- somebody outside on a revision ---- */

static void check_is_slow(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    if (call->request.kind == XD_ERP_CHECK) {
        *plan = (struct call_plan){.lands_ms = 5000, .answers_ms = 9000};
    }
}

static unsigned revise(struct hub_world *world, int number, const char *if_match, const char *lines) {
    char text[ORDER_TEXT_SIZE];
    return world_revise(world, number, if_match, world_order_text(number, "", lines, text));
}

static unsigned revise_qty(struct hub_world *world, const char *if_match, const char *qty) {
    char line[256];
    return revise(world, 1, if_match, world_line("1", "WIDGET", qty, "EA", line));
}

/* An order of 1 that passed and was released. */
static void passed_small(struct hub_world *world) {
    says(world, XD_ERP_DONE, "pass", "");
    assert_int_equal(world_simple(world, 1, "", "1"), 202);
    world_quiet(world);
    assert_releases(world, 1, 1);
}

static void assert_asked(struct hub_world *world, int64_t expected) {
    assert_count(world, "SELECT count(*) FROM job WHERE kind = 4", expected);
}

static void what_a_revision_adds_waits_for_the_check(void **state) {
    struct hub_world *world = *state;
    passed_small(world);
    world->plan = check_is_slow;
    assert_int_equal(revise_qty(world, "\"1\"", "15"), 202);
    hub_world_run(world, 4000);
    assert_line(world, 1, "1", "14 0 1 0 0 0 0");
    assert_status(world, 1, "IN_FULFILMENT"); /* what was ordered before goes on */
    world_ships(world, 1, 1, "1", NULL);
    world->plan = NULL;
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 14 1 0 0 0");
    assert_releases(world, 1, 2);
    assert_step(world, 1, "check.passed", 2);
    assert_asked(world, 2); /* by another reference, so that nobody answers as before */
    assert_count(world, "SELECT count(*) FROM job WHERE kind = 4 AND reference = 'acme/web/PO-1 2'", 1);
}

static void a_revision_that_changes_nothing_of_it_is_not_asked_about(void **state) {
    struct hub_world *world = *state;
    char line[256], text[ORDER_TEXT_SIZE];
    world->plan = check_is_slow;
    says(world, XD_ERP_DONE, "pass", "");
    assert_int_equal(world_simple(world, 1, "", "1"), 202);
    world_order_text(1, "\"customer_po\":\"4711\",", world_line("1", "WIDGET", "1", "EA", line), text);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 202);
    world_quiet(world);
    assert_releases(world, 1, 1);
    assert_asked(world, 1);
}

static void another_customer_or_price_is_asked_about(void **state) {
    struct hub_world *world = *state;
    char text[ORDER_TEXT_SIZE], line[256], *at;
    says(world, XD_ERP_DONE, "hold", "who is that?");
    assert_int_equal(world_simple(world, 1, "", "1"), 202);
    world_quiet(world);
    says(world, XD_ERP_DONE, "pass", "");
    world_order_text(1, "", world_line("1", "WIDGET", "1", "EA", line), text);
    at = strstr(text, "2.50");
    assert_non_null(at);
    memcpy(at, "0.01", 4);
    world->plan = check_is_slow;
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 202);
    assert_exceptions(world, "CHECK_HOLD", 0); /* what a person was asked about is another order now */
    assert_status(world, 1, "VALIDATED");
    assert_asked(world, 2);
    at = strstr(text, "CUST-1");
    assert_non_null(at);
    memcpy(at, "CUST-2", 6);
    assert_int_equal(world_revise(world, 1, "\"2\"", text), 202);
    assert_asked(world, 3);
    world->plan = NULL;
    (void)hub_world_ledger(world, "INSERT INTO customer SELECT 'CUST-2', name, active, credit_limit, "
                                  "currency, '0' FROM customer WHERE code = 'CUST-1'");
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
}

static void what_the_check_refuses_of_a_released_order_a_person_decides(void **state) {
    struct hub_world *world = *state;
    passed_small(world);
    says(world, XD_ERP_REJECTED, "", "far too much");
    assert_int_equal(revise_qty(world, "\"1\"", "15"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "14 0 1 0 0 0 0");
    assert_exceptions(world, "CHECK_HOLD", 1);
    assert_count(world, "SELECT count(*) FROM exception WHERE detail LIKE '%refuses%far too much%'", 1);
    assert_sale(world, 1, "1", "1 2.5 0"); /* nor is the ERP told */
    assert_int_equal(world_resolve(world, "CHECK_HOLD", "accept"), 202);
    world_quiet(world);
    assert_sale(world, 1, "1", "15 2.5 0");
    assert_line(world, 1, "1", "0 0 15 0 0 0 0");
    assert_int_equal(revise_qty(world, "\"2\"", "18"), 202);
    world_quiet(world);
    says(world, XD_ERP_DONE, "pass", "");
    assert_int_equal(revise_qty(world, "\"3\"", "15"), 202); /* as little as before is asked about, too */
    world_quiet(world);
    assert_exceptions(world, "CHECK_HOLD", 0);
    assert_line(world, 1, "1", "0 0 15 0 3 0 0");
    says(world, XD_ERP_REJECTED, "", "far too much");
    assert_int_equal(revise_qty(world, "\"4\"", "16"), 202);
    world_quiet(world);
    assert_int_equal(world_resolve(world, "CHECK_HOLD", "reject"), 202);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_answer(world, 1, 2, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_status(world, 1, "CANCELLED");
    assert_sale(world, 1, "1", "0 2.5 0");
}

static void nobody_is_asked_about_a_revision_of_an_order_that_was_cancelled(void **state) {
    struct hub_world *world = *state;
    passed_small(world);
    says(world, XD_ERP_UNAVAILABLE, "", "The check answered with status 500.");
    assert_int_equal(revise_qty(world, "\"1\"", "15"), 202);
    hub_world_run(world, 2 * MINUTE_MS);
    assert_exceptions(world, "CHECK_UNAVAILABLE", 1);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    assert_exceptions(world, "CHECK_UNAVAILABLE", 0);
    assert_count(world, "SELECT count(*) FROM job WHERE kind = 4 AND state NOT IN (3, 5)", 0);
    hub_world_run(world, 10 * MINUTE_MS);
    assert_exceptions(world, "CHECK_UNAVAILABLE", 0);
}

static void what_is_refused_before_anything_was_done_is_rejected(void **state) {
    struct hub_world *world = *state;
    says(world, XD_ERP_DONE, "hold", "look");
    assert_int_equal(world_simple(world, 1, "", "1"), 202);
    world_quiet(world);
    says(world, XD_ERP_REJECTED, "", "far too much");
    assert_int_equal(revise_qty(world, "\"1\"", "15"), 202);
    world_quiet(world);
    assert_status(world, 1, "REJECTED");
    assert_exceptions(world, "CHECK_HOLD", 0);
    assert_ledger(world, "SELECT count(*) FROM sale", 0);
}

static void a_late_answer_about_an_earlier_revision_says_nothing(void **state) {
    struct hub_world *world = *state;
    world->plan = check_is_slow;
    says(world, XD_ERP_DONE, "pass", "");
    assert_int_equal(world_simple(world, 1, "", "1"), 202);
    hub_world_run(world, 7000); /* it is decided, and not said yet */
    assert_int_equal(revise_qty(world, "\"1\"", "15"), 202);
    says(world, XD_ERP_DONE, "hold", "far too much");
    hub_world_run(world, 4000);
    assert_step(world, 1, "check.passed", 0);
    world->plan = NULL;
    world_quiet(world);
    assert_status(world, 1, "HELD");
    assert_exceptions(world, "CHECK_HOLD", 1);
    assert_asked(world, 2);
}

static void stock_that_comes_while_a_revision_is_asked_about_ships_afterwards(void **state) {
    struct hub_world *world = *state;
    says(world, XD_ERP_DONE, "pass", "");
    assert_int_equal(world_simple(world, 1, "", "25"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "5 0 20 0 0 5 0");
    world->plan = check_is_slow;
    assert_int_equal(revise_qty(world, "\"1\"", "26"), 202);
    world_stock(world, "WH1", "WIDGET", "40");
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"look\"}"), 202);
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\"}"), 202);
    hub_world_run(world, 3000);
    assert_line(world, 1, "1", "6 0 20 0 0 5 0");
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    world->plan = NULL;
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 26 0 0 0 0");
}

/* More than its site has does not end what ships whole: it was asked about, not refused by a site. */
static void what_a_revision_adds_to_a_whole_order_and_nobody_has_breaks_nothing_off(void **state) {
    struct hub_world *world = *state;
    char line[256], text[ORDER_TEXT_SIZE];
    says(world, XD_ERP_DONE, "pass", "");
    assert_int_equal(world_simple(world, 1, "\"fulfilment_policy\":\"FILL_OR_KILL\",", "10"), 202);
    world_quiet(world);
    world_order_text(1, "\"fulfilment_policy\":\"FILL_OR_KILL\",",
                     world_line("1", "WIDGET", "100", "EA", line), text);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 202);
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
}

static void a_revision_passes_when_nobody_is_asked_any_more(void **state) {
    struct hub_world *world = *state;
    passed_small(world);
    says(world, XD_ERP_UNAVAILABLE, "", "busy");
    assert_int_equal(revise_qty(world, "\"1\"", "15"), 202);
    hub_world_run(world, 2 * MINUTE_MS);
    assert_exceptions(world, "CHECK_UNAVAILABLE", 1);
    assert_line(world, 1, "1", "14 0 1 0 0 0 0");
    world->checks = false;
    hub_world_crash(world);
    hub_world_start(world);
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"look\"}"), 202);
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\"}"), 202);
    hub_world_turn(world);
    says(world, XD_ERP_DONE, "pass", ""); /* as the program's workers say then */
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 15 0 0 0 0");
    assert_exceptions(world, "CHECK_UNAVAILABLE", 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, hub_world_teardown)
        WITH(who_waits_is_told_when_the_erp_has_the_sale, hub_world_setup),
        WITH(who_waits_is_told_of_warnings_too, hub_world_setup),
        WITH(who_waits_too_long_is_told_that_it_goes_on, hub_world_setup),
        WITH(who_waits_for_an_order_that_is_held_or_over_is_told_at_once, hub_world_setup),
        WITH(who_waits_for_an_order_that_could_not_be_stored_sends_it_again, hub_world_setup),
        WITH(an_answer_whose_commit_failed_is_given_later, hub_world_setup),
        WITH(who_waits_is_told_when_the_program_ends, hub_world_setup),
        WITH(an_order_that_passes_goes_on, with_checks),
        WITH(an_order_that_somebody_wants_looked_at_waits, with_checks),
        WITH(an_order_that_is_refused_outside_is_rejected, with_checks),
        WITH(a_check_that_cannot_be_reached_is_asked_again, with_checks),
        WITH(what_is_cancelled_before_it_was_checked_is_gone, with_checks),
        WITH(nobody_is_asked_about_an_order_that_was_cancelled, with_checks),
        WITH(a_late_answer_about_a_cancelled_order_says_nothing, with_checks),
        WITH(a_check_that_outlived_its_order_is_not_asked_for, with_checks),
        WITH(checks_that_hang_do_not_stop_postings, with_checks),
        WITH(a_check_that_fails_is_told, with_checks),
        WITH(what_a_revision_adds_waits_for_the_check, with_checks),
        WITH(a_revision_that_changes_nothing_of_it_is_not_asked_about, with_checks),
        WITH(another_customer_or_price_is_asked_about, with_checks),
        WITH(what_the_check_refuses_of_a_released_order_a_person_decides, with_checks),
        WITH(nobody_is_asked_about_a_revision_of_an_order_that_was_cancelled, with_checks),
        WITH(what_is_refused_before_anything_was_done_is_rejected, with_checks),
        WITH(a_late_answer_about_an_earlier_revision_says_nothing, with_checks),
        WITH(stock_that_comes_while_a_revision_is_asked_about_ships_afterwards, with_checks),
        WITH(what_a_revision_adds_to_a_whole_order_and_nobody_has_breaks_nothing_off, with_checks),
        WITH(a_revision_passes_when_nobody_is_asked_any_more, with_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
