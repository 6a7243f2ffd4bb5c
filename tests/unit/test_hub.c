/* The hub over its real store and the real ledger, with real sites at the end of
 * its lines (hub_world.h): orders and confirmations. Each test ends
 * with the books: hub_world_close checks them. */
#include "unit/hub_world.h"

#include "base/memory.h"
#include "documents/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ---- */

/* Posts and gives the answer's body as a tree. */
static cJSON *post(struct hub_world *world, const char *key, const char *body, unsigned status) {
    char *copy = strdup(body);
    struct api_call api = {.has_key = key != NULL, .body = copy};
    snprintf(api.key, sizeof api.key, "%s", key != NULL ? key : "");
    unsigned got = hub_world_post(world, &api);
    if (got != status) {
        fail_msg("%u, not %u: %s", got, status, api.text != NULL ? api.text : "no answer");
    }
    cJSON *tree = cJSON_Parse(api.text);
    assert_non_null(tree);
    hub_world_api_free(&api);
    free(copy);
    return tree;
}

static void assert_problem(struct hub_world *world, const char *key, const char *body, unsigned status,
                           const char *code) {
    cJSON *tree = post(world, key, body, status);
    assert_string_equal(cJSON_GetObjectItem(tree, "code")->valuestring, code);
    assert_int_equal((int)cJSON_GetObjectItem(tree, "status")->valuedouble, (int)status);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(tree, "retryable")));
    assert_true(cJSON_IsArray(cJSON_GetObjectItem(tree, "errors")));
    cJSON_Delete(tree);
}

static bool has_pointer(const cJSON *tree, const char *pointer) {
    const cJSON *error;
    cJSON_ArrayForEach(error, cJSON_GetObjectItem(tree, "errors")) {
        if (strcmp(cJSON_GetObjectItem(error, "pointer")->valuestring, pointer) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- intake ---- */

static void the_same_key_and_order_get_the_same_answer(void **state) {
    struct hub_world *world = *state;
    char text[1024];
    hub_world_order_text(1, "WH1", "10", text);
    cJSON *first = post(world, "\"k1\"", text, 202);
    hub_world_run(world, 3000);
    cJSON *second = post(world, "\"k1\"", text, 202);
    assert_true(cJSON_Compare(first, second, true));
    cJSON_Delete(second);
    second = post(world, "k1", text, 202); /* bare is the same key */
    assert_true(cJSON_Compare(first, second, true));
    cJSON_Delete(second);
    second = post(world, "k2", text, 202); /* another key, the same order */
    assert_true(cJSON_Compare(first, second, true));
    cJSON_Delete(second);
    cJSON_Delete(first);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(*) FROM orders", 1);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void another_order_under_a_used_key_or_number_is_refused(void **state) {
    struct hub_world *world = *state;
    char text[1024];
    hub_world_place(world, 1, "10");
    assert_problem(world, "key-1", hub_world_order_text(2, "WH1", "10", text), 422, "idempotency_key_reused");
    assert_problem(world, "key-1", hub_world_order_text(1, "WH1", "11", text), 422, "idempotency_key_reused");
    assert_problem(world, "key-9", hub_world_order_text(1, "WH1", "11", text), 409, "order_exists");
    assert_count(world, "SELECT count(*) FROM orders", 1);
    assert_int_equal(hub_world_order(world, "key-9", hub_world_order_text(9, "WH1", "1", text)), 202);
}

static void requests_that_cannot_be_orders_are_refused(void **state) {
    struct hub_world *world = *state;
    char text[1024], key[160];
    hub_world_order_text(1, "WH1", "10", text);
    assert_problem(world, NULL, text, 400, "idempotency_key_missing");
    assert_problem(world, "\"\"", text, 400, "idempotency_key_missing");
    assert_problem(world, "with space", text, 400, "idempotency_key_missing");
    memset(key, 'k', 129);
    key[129] = 0;
    assert_problem(world, key, text, 400, "idempotency_key_too_long");
    assert_problem(world, "k", "{\"a\":", 400, "malformed_json");
    assert_problem(world, "k", "[]", 400, "malformed_json");
    assert_problem(world, "k", "", 400, "malformed_json");
    assert_problem(world, "k", hub_world_order_text(1, "WH9", "10", text), 422, "invalid_order");
    assert_count(world, "SELECT count(*) FROM orders", 0);
    /* A refusal is not stored: the key is still free. */
    assert_int_equal(hub_world_order(world, "k", hub_world_order_text(1, "WH1", "10", text)), 202);
}

static void all_that_is_wrong_with_an_order_is_told_at_once(void **state) {
    struct hub_world *world = *state;
    cJSON *tree = post(world, "k",
                       "{\"channel\":{\"type\":\"portal\",\"account\":\"web\"},\"customer\":{},\"currency\":"
                       "\"euro\",\"preferred_site\":\"WH9\",\"parties\":{\"ship_to\":{\"name\":\"x\"}},"
                       "\"lines\":[{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":10,\"uom\":\"EA\","
                       "\"typo\":1}]}",
                       422);
    static const char *const pointers[] = {"/external_order_id", "/customer/external_ref", "/currency",
                                           "/preferred_site",    "/parties/ship_to/city",  "/lines/0/qty",
                                           "/lines/0/typo"};
    for (size_t index = 0; index < sizeof pointers / sizeof pointers[0]; index++) {
        if (!has_pointer(tree, pointers[index])) {
            char *text = cJSON_Print(tree);
            fail_msg("%s is not in %s", pointers[index], text);
        }
    }
    cJSON_Delete(tree);
}

static void the_only_site_ships_an_order_that_names_none(void **state) {
    struct hub_world *world = *state;
    char text[1024], *at;
    hub_world_order_text(1, "WH1", "10", text);
    at = strstr(text, "\"preferred_site\":\"WH1\",");
    memmove(at, at + 23, strlen(at + 23) + 1);
    assert_int_equal(hub_world_order(world, "k", text), 202);
    (void)hub_world_add_site(world, "WH2");
    at = strstr(text, "PO-1");
    at[3] = '2';
    assert_int_equal(hub_world_order(world, "k2", text), 202);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(*) FROM release WHERE site = 'WH1'", 2); /* the first by name */
}

static void references_of_different_orders_never_meet(void **state) {
    struct hub_world *world = *state;
    /* "web/a" and "b", "web" and "a/b": joined carelessly they are the same. */
    static const char format[] =
        "{\"external_order_id\":\"%s\",\"channel\":{\"type\":\"portal\",\"account\":\"%s\"},"
        "\"customer\":{\"external_ref\":\"CUST-1\"},\"currency\":\"EUR\",\"preferred_site\":\"WH1\","
        "\"parties\":{\"ship_to\":{\"name\":\"x\",\"address\":[\"y\"],\"city\":\"z\",\"postal_code\":\"1\","
        "\"country\":\"GB\"}},\"lines\":[{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"1\","
        "\"uom\":\"EA\"}]}";
    char text[1024];
    snprintf(text, sizeof text, format, "b", "web/a");
    assert_int_equal(hub_world_order(world, "k1", text), 202);
    snprintf(text, sizeof text, format, "a/b", "web");
    assert_int_equal(hub_world_order(world, "k2", text), 202);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(DISTINCT order_id) FROM orders", 2);
    assert_ledger(world, "SELECT count(*) FROM sale", 2);
}

static void a_correlation_id_that_cannot_travel_is_not_taken(void **state) {
    struct hub_world *world = *state;
    static const char *const ids[] = {"with space", "with \"quotes\"", "caf\303\251", "", "fine-1"};
    for (int number = 0; number < 5; number++) {
        char text[1024];
        struct api_call api = {.has_key = true, .correlation_id = ids[number], .body = text};
        snprintf(api.key, sizeof api.key, "k%d", number);
        hub_world_order_text(number, "WH1", "1", text);
        assert_int_equal(hub_world_post(world, &api), 202);
        hub_world_api_free(&api);
    }
    char text[1024], id[300];
    memset(id, 'x', sizeof id);
    id[299] = 0;
    struct api_call api = {.has_key = true, .key = "long", .correlation_id = id, .body = text};
    hub_world_order_text(9, "WH1", "1", text);
    assert_int_equal(hub_world_post(world, &api), 202);
    hub_world_api_free(&api);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(*) FROM orders WHERE correlation_id = 'fine-1'", 1);
    assert_int_equal(hub_world_heard_count(&world->sites[0], "release", "\"purpose\":\"ORIGINAL\"") >= 6, 1);
    assert_int_equal(world->sites[0].site.counters.quarantined, 0);
}

static void sites_are_added_once_and_under_good_names(void **state) {
    struct hub_world *world = *state;
    static const struct {
        const char *body;
        unsigned status;
    } rows[] = {{"{\"site\":\"WH1\"}", 409},
                {"{\"site\":\"wh1\"}", 422},
                {"{\"site\":\"../x\"}", 422},
                {"{\"kind\":\"3pl\"}", 422},
                {"{\"site\":\"WH3\",\"kind\":\"boat\"}", 422},
                {"{\"site\":", 400}};
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        char body[64];
        struct api_call api = {.site_add = true, .body = body};
        snprintf(body, sizeof body, "%s", rows[index].body);
        assert_int_equal(hub_world_post(world, &api), rows[index].status);
        hub_world_api_free(&api);
    }
    assert_count(world, "SELECT count(*) FROM site", 1);
}

static void a_site_whose_adding_was_not_committed_is_not_there(void **state) {
    struct hub_world *world = *state;
    char body[] = "{\"site\":\"WH2\"}";
    struct api_call api = {.site_add = true, .body = body};
    world->fail_commit = true;
    assert_int_equal(hub_world_post(world, &api), 503);
    hub_world_api_free(&api);
    assert_int_equal(world->hub.site_count, 1);
    (void)hub_world_add_site(world, "WH2");
    assert_int_equal(world->hub.site_count, 2);
    hub_world_crash(world);
    hub_world_start(world);
    assert_int_equal(world->hub.site_count, 2);
    assert_true(hub_world_quiet(world, MINUTE_MS));
}

/* ---- the whole way ---- */

static void an_order_goes_all_the_way(void **state) {
    struct hub_world *world = *state;
    struct world_site *site = &world->sites[0];
    char release_id[XD_ID_SIZE], text[256];
    hub_world_released(world, 1, "10", release_id);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
    assert_ledger(world, "SELECT count(*) FROM sale WHERE state = 'open'", 1);
    assert_count(world, "SELECT count(*) FROM release WHERE status = 2", 1); /* SENT: the site has it */
    assert_int_equal(hub_world_difference(world), 1);
    snprintf(text, sizeof text, "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"ACKNOWLEDGED\"}",
             release_id);
    hub_world_wms(site, "release/response", text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(*) FROM release WHERE status = 4", 1);
    hub_world_ship(site, "C-1", release_id, "10", "");
    assert_heard(site, "receipt", "C-1", "accepted");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_SHIPPED);
    assert_ledger(world, "SELECT count(*) FROM sale WHERE state = 'shipped'", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment", 1);
    assert_ledger(world, "SELECT qty FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", -10);
    assert_heard(site, "settled", "C-1", "\"outcome\":\"posted\"");
    assert_count(world, "SELECT count(*) FROM exception", 0);
    assert_int_equal(hub_world_difference(world), 0);
}

static void a_confirmation_before_the_acknowledgement_implies_it(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_SHIPPED);
    assert_count(world, "SELECT count(*) FROM exception WHERE code = 'ACK_INFERRED' AND open = 0", 1);
    assert_int_equal(hub_world_difference(world), 0);
}

static void a_short_line_without_a_word_stays_with_the_release(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "4", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_PART_SHIPPED);
    assert_int_equal(hub_world_difference(world), 1);
    hub_world_ship(&world->sites[0], "C-2", release_id, "3.5", ""); /* several shipments add up */
    hub_world_ship(&world->sites[0], "C-3", release_id, "2.5", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_SHIPPED);
    assert_ledger(world, "SELECT count(*) FROM shipment", 3);
    assert_ledger(world, "SELECT qty FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", -10);
    assert_int_equal(hub_world_difference(world), 0);
}

static void a_final_shortage_closes_the_line_everywhere(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "4", ",\"status\":\"SHORT_FINAL\"");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_CLOSED_SHORT);
    assert_count(world, "SELECT count(*) FROM event WHERE type = 'crossdock.order.changed.v1'", 0);
    assert_count(world, "SELECT count(*) FROM event WHERE instr(body, 'CLOSED_SHORT') > 0",
                 1); /* the shipment's */
    assert_ledger(world, "SELECT count(*) FROM sale WHERE state = 'closed_short'", 1);
    assert_count(world, "SELECT count(*) FROM exception WHERE code = 'SHORT_CLOSED' AND open = 0", 1);
    assert_int_equal(hub_world_difference(world), 0);
}

static void a_shortage_to_come_later_goes_back_to_the_order(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "4", ",\"status\":\"BACKORDER\"");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_PART_SHIPPED);
    assert_count(world, "SELECT count(*) FROM order_line WHERE open = '6' AND backordered = '6'", 1);
    assert_ledger(world, "SELECT count(*) FROM sale WHERE state = 'part_shipped'", 1);
    assert_int_equal(hub_world_difference(world), 0);
}

static void nothing_shipped_and_a_backorder_is_settled_without_the_erp(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "0", ",\"status\":\"BO\"");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_heard(&world->sites[0], "settled", "C-1", "\"outcome\":\"posted\"");
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_BACKORDERED);
    assert_ledger(world, "SELECT count(*) FROM shipment", 0);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
    assert_int_equal(hub_world_difference(world), 0);
}

static void what_is_over_is_issued_and_beyond_the_tolerance_not_billed(void **state) {
    struct hub_world *world = *state;
    char first[XD_ID_SIZE], second[XD_ID_SIZE];
    hub_world_released(world, 1, "10", first);
    hub_world_released(world, 2, "10", second);
    hub_world_ship(&world->sites[0], "C-1", first, "10.5", "");
    hub_world_ship(&world->sites[0], "C-2", second, "12", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '10.5' AND unbilled = '0'", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '12' AND unbilled = '2'", 1);
    assert_exceptions(world, "OVERSHIP", 1);
    assert_count(world, "SELECT count(*) FROM order_line WHERE overshipped = '2'", 1);
    assert_int_equal(hub_world_order_status(world, "PO-2"), XD_ORDER_SHIPPED);
    assert_int_equal(hub_world_difference(world), 0);
}

static void a_line_per_lot_adds_up(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    world->hub.config.policies.unshipped_means = XD_UNSHIPPED_CLOSED;
    hub_world_ship(&world->sites[0], "C-1", release_id, "4",
                   ",\"lot\":\"A\"},{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"6\",\"uom\":"
                   "\"EA\",\"lot\":\"B\"");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_SHIPPED);
    assert_count(world, "SELECT count(*) FROM exception WHERE code <> 'ACK_INFERRED'", 0);
    assert_ledger(world, "SELECT qty FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", -10);
    assert_int_equal(hub_world_difference(world), 0);
}

static void a_line_that_matches_nothing_is_parked_alone(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10",
                   "},{\"line_id\":\"9\",\"sku\":\"WIDGET\",\"qty_shipped\":\"1\",\"uom\":\"EA\"");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "UNMATCHED_LINE", 1);
    assert_heard(&world->sites[0], "settled", "C-1", "LINES_PARKED");
    assert_count(world, "SELECT count(*) FROM confirmation WHERE lines_applied = 1 AND lines_parked = 1", 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_SHIPPED);
    assert_ledger(world, "SELECT count(*) FROM shipment_line", 1);
}

static void a_quantity_that_cannot_be_added_parks_its_line_and_blocks_nothing(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "999999999999999999", "");
    hub_world_ship(&world->sites[0], "C-2", release_id, "10", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "QUANTITY_OUT_OF_RANGE", 1);
    assert_heard(&world->sites[0], "settled", "C-1", "\"outcome\":\"parked\"");
    assert_heard(&world->sites[0], "settled", "C-2", "\"outcome\":\"posted\"");
    assert_int_equal(hub_world_difference(world), 0);
}

static void the_same_confirmation_again_changes_nothing(void **state) {
    struct hub_world *world = *state;
    struct world_site *site = &world->sites[0];
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(site, "C-1", release_id, "4", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    size_t settled = hub_world_heard_count(site, "settled", "C-1");
    hub_world_ship(site, "C-1", release_id, "4", "");
    assert_heard(site, "receipt", "C-1", "duplicate");
    assert_int_equal(hub_world_heard_count(site, "settled", "C-1"), settled + 1);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM shipment", 1);
    assert_count(world, "SELECT count(*) FROM confirmation", 1);
}

static void other_content_of_the_same_version_is_kept_and_does_not_count(void **state) {
    struct hub_world *world = *state;
    struct world_site *site = &world->sites[0];
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(site, "C-1", release_id, "4", "");
    hub_world_ship(site, "C-1", release_id, "6", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "CONFLICTING_CONFIRMATION", 1);
    assert_count(world, "SELECT count(*) FROM quarantine WHERE code = 'CONFLICTING_CONFIRMATION'", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment", 1);
    assert_ledger(world, "SELECT qty FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", -4);
}

/* ---- releases that are not there ---- */

/* The hub makes the order and its release, goes back to before, and so do its messages. */
static void future_release(struct hub_world *world, int number, char out[XD_ID_SIZE]) {
    char external[32];
    assert_true(hub_world_quiet(world, MINUTE_MS));
    hub_world_copy(world);
    world->sites[0].online = false;
    hub_world_place(world, number, "10");
    hub_world_run(world, 500);
    snprintf(external, sizeof external, "PO-%d", number);
    hub_world_release_id(world, external, out);
    assert_int_equal(strlen(out), 18);
    wire_free(&world->sites[0].queue);
    hub_world_restore(world);
    assert_count(world, "SELECT count(*) FROM orders", 0);
    world->sites[0].online = true;
}

static void a_confirmation_waits_for_its_release_and_resumes(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    future_release(world, 1, release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 1);
    assert_heard(&world->sites[0], "settled", "C-1", "\"outcome\":\"parked\"");
    hub_world_place(world, 1, "10");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 0);
    assert_heard(&world->sites[0], "settled", "C-1", "\"outcome\":\"posted\"");
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_SHIPPED);
    assert_ledger(world, "SELECT count(*) FROM shipment", 1);
    assert_int_equal(hub_world_difference(world), 0);
}

/* The hub that this one was restored from may have posted the first version. */
static void versions_that_wait_for_one_release_are_applied_in_their_order(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE], text[512];
    future_release(world, 1, release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    snprintf(
        text, sizeof text,
        "{\"confirmation_id\":\"C-1\",\"version\":2,\"kind\":\"SHIP\",\"shipment_id\":\"S-C-1\",\"release_"
        "ids\":[\"%s\"],\"shipped_at\":\"2026-11-23T10:00:00+01:00\",\"lines\":[{\"line_id\":\"1\",\"sku\":"
        "\"WIDGET\",\"qty_shipped\":\"9\",\"uom\":\"EA\"}]}",
        release_id);
    hub_world_wms(&world->sites[0], "confirmation", text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 2);
    hub_world_place(world, 1, "10");
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 0);
    assert_ledger(world, "SELECT count(*) FROM shipment WHERE reference LIKE 'WH1/C-1/1/%'", 2);
    assert_ledger(world, "SELECT count(*) FROM shipment WHERE reference LIKE 'WH1/C-1/1/%/reversal'", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment WHERE reference LIKE 'WH1/C-1/2/%'", 1);
    assert_count(world, "SELECT CAST(shipped AS INTEGER) FROM order_line", 9);
    assert_ledger(world, "SELECT CAST(shipped AS INTEGER) FROM sale_line", 9);
    assert_int_equal(hub_world_difference(world), 1); /* the tenth is still to come */
}

static void a_response_waits_for_its_release_too(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE], text[256];
    future_release(world, 1, release_id);
    snprintf(text, sizeof text, "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"ACKNOWLEDGED\"}",
             release_id);
    hub_world_wms(&world->sites[0], "release/response", text);
    snprintf(text, sizeof text,
             "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"REJECTED\",\"reason\":\"no dock here\"}",
             release_id);
    hub_world_wms(&world->sites[0], "release/response", text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 2);
    hub_world_place(world, 1, "10");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 0);
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    assert_count(world, "SELECT count(*) FROM exception WHERE detail = 'no dock here'", 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_BACKORDERED);
    assert_int_equal(hub_world_difference(world), 0);
}

static void reject_revision(struct hub_world *world, const char *release_id, int revision) {
    char text[256];
    snprintf(text, sizeof text,
             "{\"release_id\":\"%s\",\"revision\":%d,\"response\":\"REJECTED\",\"reason\":\"x\"}", release_id,
             revision);
    hub_world_wms(&world->sites[0], "release/response", text);
}

static void a_response_to_a_revision_that_was_never_released_changes_nothing(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    future_release(world, 1, release_id);
    reject_revision(world, release_id, 6); /* before the hub has the release at all */
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 1);
    hub_world_place(world, 1, "10");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    reject_revision(world, release_id, 7);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 0);
    assert_exceptions(world, "UNKNOWN_REVISION", 2);
    assert_exceptions(world, "RELEASE_REJECTED", 0);
    assert_count(world, "SELECT count(*) FROM quarantine WHERE code = 'UNKNOWN_REVISION'", 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", ""); /* which has no revision */
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_SHIPPED);
    assert_int_equal(hub_world_difference(world), 0);
}

static void another_sites_release_is_unknown_here(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE], text[256];
    struct world_site *other = hub_world_add_site(world, "WH2");
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(other, "C-1", release_id, "10", "");
    snprintf(text, sizeof text,
             "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"REJECTED\",\"reason\":\"no\"}",
             release_id);
    hub_world_wms(other, "release/response", text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 2);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
    assert_ledger(world, "SELECT count(*) FROM shipment", 0);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", ""); /* its own: the id is the site's */
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM shipment", 1);
}

static void a_refused_release_gives_its_quantities_back(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE], text[256];
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "0",
                   ",\"status\":\"CP\""); /* closed short, nothing left */
    assert_true(hub_world_quiet(world, MINUTE_MS));
    snprintf(
        text, sizeof text,
        "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"REJECTED\",\"reason\":\"no \\\"dock\\\"\"}",
        release_id);
    hub_world_wms(&world->sites[0], "release/response", text);
    hub_world_released(world, 2, "8", release_id);
    snprintf(
        text, sizeof text,
        "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"REJECTED\",\"reason\":\"no \\\"dock\\\"\"}",
        release_id);
    hub_world_wms(&world->sites[0], "release/response", text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_CANCELLED);
    assert_int_equal(hub_world_order_status(world, "PO-2"), XD_ORDER_BACKORDERED);
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    assert_count(world, "SELECT count(*) FROM order_line WHERE open = '8' AND released = '0'", 1);
    assert_int_equal(hub_world_difference(world), 0);
}

static void part_of_a_release_is_closed_then_the_rest_refused(void **state) {
    struct hub_world *world = *state;
    char text[1024], release_id[XD_ID_SIZE];
    hub_world_order_text(1, "WH1", "10", text);
    char *end = strstr(text, "]}");
    while (strstr(end + 1, "]}") != NULL) {
        end = strstr(end + 1, "]}");
    }
    strcpy(end, ",{\"external_line_id\":\"2\",\"sku\":\"GADGET\",\"qty\":\"3\",\"uom\":\"EA\"}]}");
    assert_int_equal(hub_world_order(world, "k", text), 202);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    hub_world_release_id(world, "PO-1", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "0", ",\"status\":\"CP\"");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    snprintf(text, sizeof text,
             "{\"release_id\":\"%s\",\"revision\":1,\"response\":\"REJECTED\",\"reason\":\"full\"}",
             release_id);
    hub_world_wms(&world->sites[0], "release/response", text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(*) FROM order_line WHERE cancelled = '10' AND open = '0'", 1);
    assert_count(world, "SELECT count(*) FROM order_line WHERE cancelled = '0' AND open = '3'", 1);
    assert_int_equal(hub_world_difference(world), 0);
}

/* ---- what is not authentic ---- */

static void forged_messages_count_for_nothing(void **state) {
    struct hub_world *world = *state;
    (void)hub_world_add_site(world, "WH2");
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    struct world_site *site = &world->sites[0];
    site->online = false; /* its messages are handed over below, in other clothes */
    hub_world_ship(site, "C-1", release_id, "10", "");
    assert_true(world->queue.count > 0);
    struct wire *real = world->queue.last;
    struct xd_bytes body = xd_bytes_of(real->body, real->size);
    char wrong[XD_SIGNATURE_SIZE], theirs[XD_SIGNATURE_SIZE];
    memcpy(wrong, real->signature, sizeof wrong);
    wrong[strlen(wrong) - 1] = wrong[strlen(wrong) - 1] == '0' ? '1' : '0';
    xd_sign(&world->sites[1].key, body, theirs);
    hub_world_inject(world, "crossdock.up.WH1", "site-WH2", real->signature, body);
    hub_world_inject(world, "crossdock.up.WH2", "site-WH2", real->signature, body);
    hub_world_inject(world, "crossdock.up.WH2", "site-WH2", theirs, body); /* WH1's document, said by WH2 */
    hub_world_inject(world, "crossdock.up.WH1", "site-WH1", wrong, body);
    hub_world_inject(world, "crossdock.up.WH1", "site-WH1", theirs, body);
    hub_world_inject(world, "crossdock.up.WH1", "site-WH1", NULL, body);
    hub_world_inject(world, "crossdock.up.WH1", NULL, real->signature, body);
    hub_world_inject(world, NULL, "site-WH1", real->signature, body);
    hub_world_inject(world, "crossdock.up.WH9", "site-WH9", real->signature, body);
    hub_world_inject(world, "crossdock.hub", "site-WH1", real->signature, body);
    wire_end(&world->queue, real->tag, false, false); /* the real one is lost on the way */
    hub_world_turn(world);
    assert_int_equal(world->hub.counters.forged, 9);
    assert_int_equal(world->queue.dead, 9);
    assert_int_equal(world->queue.count, 0);
    assert_count(world, "SELECT count(*) FROM confirmation", 0);
    assert_count(world, "SELECT count(*) FROM quarantine", 1); /* authentic, but of another site */
    site->online = true;
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS)); /* it is sent again by itself */
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_SHIPPED);
}

/* ---- inventory ---- */

static void an_inventory_change_is_posted_once(void **state) {
    struct hub_world *world = *state;
    struct world_site *site = &world->sites[0];
    static const char advice[] = "{\"advice_id\":\"I-1\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"WIDGET\","
                                 "\"qty\":\"%s\",\"uom\":\"EA\",\"reason\":\"DAMAGED\"}]}";
    char text[256];
    snprintf(text, sizeof text, advice, "-2.5");
    hub_world_wms(site, "inventory", text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM stock WHERE site = 'WH1' AND sku = 'WIDGET' AND qty = '-2.5'",
                  1);
    assert_heard(site, "settled", "I-1", "\"outcome\":\"posted\"");
    snprintf(text, sizeof text, advice, "-3"); /* the same id, another content */
    hub_world_wms(site, "inventory", text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "CONFLICTING_ADVICE", 1);
    assert_count(world, "SELECT count(*) FROM quarantine", 1);
    assert_ledger(world, "SELECT count(*) FROM stock WHERE site = 'WH1' AND sku = 'WIDGET' AND qty = '-2.5'",
                  1);
    hub_world_wms(site, "inventory",
                  "{\"advice_id\":\"I-2\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"NOPE\",\"qty\":\"1\","
                  "\"uom\":\"EA\",\"reason\":\"FOUND\"}]}");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "ERP_REJECTED_ADJUSTMENT", 1);
    assert_heard(site, "settled", "I-2", "\"outcome\":\"parked\"");
}

#define hub_test(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        hub_test(the_same_key_and_order_get_the_same_answer),
        hub_test(another_order_under_a_used_key_or_number_is_refused),
        hub_test(requests_that_cannot_be_orders_are_refused),
        hub_test(all_that_is_wrong_with_an_order_is_told_at_once),
        hub_test(the_only_site_ships_an_order_that_names_none),
        hub_test(references_of_different_orders_never_meet),
        hub_test(a_correlation_id_that_cannot_travel_is_not_taken),
        hub_test(sites_are_added_once_and_under_good_names),
        hub_test(a_site_whose_adding_was_not_committed_is_not_there),
        hub_test(an_order_goes_all_the_way),
        hub_test(a_confirmation_before_the_acknowledgement_implies_it),
        hub_test(a_short_line_without_a_word_stays_with_the_release),
        hub_test(a_final_shortage_closes_the_line_everywhere),
        hub_test(a_shortage_to_come_later_goes_back_to_the_order),
        hub_test(nothing_shipped_and_a_backorder_is_settled_without_the_erp),
        hub_test(what_is_over_is_issued_and_beyond_the_tolerance_not_billed),
        hub_test(a_line_per_lot_adds_up),
        hub_test(a_line_that_matches_nothing_is_parked_alone),
        hub_test(a_quantity_that_cannot_be_added_parks_its_line_and_blocks_nothing),
        hub_test(the_same_confirmation_again_changes_nothing),
        hub_test(other_content_of_the_same_version_is_kept_and_does_not_count),
        hub_test(a_confirmation_waits_for_its_release_and_resumes),
        hub_test(versions_that_wait_for_one_release_are_applied_in_their_order),
        hub_test(a_response_waits_for_its_release_too),
        hub_test(a_response_to_a_revision_that_was_never_released_changes_nothing),
        hub_test(another_sites_release_is_unknown_here),
        hub_test(a_refused_release_gives_its_quantities_back),
        hub_test(part_of_a_release_is_closed_then_the_rest_refused),
        hub_test(forged_messages_count_for_nothing),
        hub_test(an_inventory_change_is_posted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
