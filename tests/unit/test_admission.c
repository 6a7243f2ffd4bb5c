/* What a client, its tenant and its channel may hand in. */
#include "hub/admission.h"
#include "unit/hub_world.h"
#include "unit/hub_world_orders.h"

#include <stdio.h>
#include <string.h>

static const struct xd_client_row anyone = {.client = "web", .tenant = "acme", .role = "channel"};
static const struct xd_tenant_policy nothing_known;

static struct xd_problems problems;
static struct xd_refusal refusal;

static void assert_let_in(void) {
    assert_null(refusal.code);
    assert_int_equal(problems.errors, 0);
}

static void assert_refused(unsigned status, const char *code, const char *pointer) {
    assert_non_null(refusal.code);
    assert_string_equal(refusal.code, code);
    assert_int_equal(refusal.status, status);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].code, code);
    assert_string_equal(problems.items[0].pointer, pointer);
}

static void decide(const struct xd_client_row *client, const struct xd_tenant_policy *policy,
                   const char *type, size_t lines, size_t body_size) {
    struct xd_order order = {.channel_type = type, .line_count = lines};
    xd_problems_clear(&problems);
    xd_admission_decide(client, policy, &order, body_size, &problems, &refusal);
}

static void without_rules_everything_comes_in(void **state) {
    (void)state;
    decide(&anyone, &nothing_known, "portal", 1000, 1000000);
    assert_let_in();
}

static void a_client_hands_in_by_its_channels_only(void **state) {
    struct xd_client_row client = anyone;
    (void)state;
    snprintf(client.channels, sizeof client.channels, "edi portal2");
    decide(&client, &nothing_known, "edi", 1, 1);
    assert_let_in();
    decide(&client, &nothing_known, "portal2", 1, 1);
    assert_let_in();
    static const char *const others[] = {"portal", "ed", "portal22", "edi portal2", ""};
    for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
        decide(&client, &nothing_known, others[index], 1, 1);
        assert_refused(403, "channel_not_allowed", "/channel/type");
    }
}

static void a_tenants_limits_are_reached_and_not_passed(void **state) {
    struct xd_tenant_policy policy = {.order_bytes_max = 500, .order_lines_max = 3};
    (void)state;
    decide(&anyone, &policy, "portal", 3, 500);
    assert_let_in();
    decide(&anyone, &policy, "portal", 3, 501);
    assert_refused(413, "order_too_large", "");
    decide(&anyone, &policy, "portal", 4, 500);
    assert_refused(422, "too_many_lines", "/lines");
    struct xd_client_row client = anyone;
    snprintf(client.channels, sizeof client.channels, "edi");
    decide(&client, &policy, "portal", 4, 501); /* all at once; the first is the answer's */
    assert_string_equal(refusal.code, "channel_not_allowed");
    assert_int_equal(problems.count, 3);
}

static void form(const struct xd_client_row *client, const char *text) {
    cJSON *tree = cJSON_Parse(text);
    xd_problems_clear(&problems);
    xd_hub_form_allowed(client, tree, &problems, &refusal);
    cJSON_Delete(tree);
}

static void an_orders_version_must_be_known_and_the_clients(void **state) {
    struct xd_client_row client = anyone;
    (void)state;
    static const char *const left_to_the_reader[] = {"{}",
                                                     "{\"schema_version\":1}",
                                                     "{\"schema_version\":\"2\"}",
                                                     "{\"schema_version\":1.5}",
                                                     "{\"schema_version\":0}",
                                                     "{\"schema_version\":-1e99}"};
    for (size_t index = 0; index < sizeof left_to_the_reader / sizeof left_to_the_reader[0]; index++) {
        form(&client, left_to_the_reader[index]);
        assert_let_in();
    }
    form(&client, "{\"schema_version\":2}");
    assert_refused(422, "unknown_schema_version", "/schema_version");
    form(&client, "{\"schema_version\":2147483647}");
    assert_refused(422, "unknown_schema_version", "/schema_version");
    client.schema_versions = 1 << 2;
    form(&client, "{\"schema_version\":1}");
    assert_refused(422, "schema_version_not_allowed", "/schema_version");
    form(&client, "{}"); /* that is 1 */
    assert_refused(422, "schema_version_not_allowed", "/schema_version");
    client.schema_versions = 1 << 1;
    form(&client, "{}");
    assert_let_in();
}

/* The hub asks for every new order; one that it has answers as it did. */
static void the_hub_refuses_what_is_not_let_in_and_repeats_what_it_has(void **state) {
    struct hub_world *world = *state;
    struct xd_client_row client = {.client = "portal", .tenant = "acme", .role = "channel"};
    char body[1024], versioned[1100];
    hub_world_order_text(1, "WH1", "1", body);
    struct api_call api = {.client = &client, .has_key = true, .key = "k1", .body = body};
    assert_int_equal(hub_world_post(world, &api), 202);
    hub_world_api_free(&api);
    snprintf(client.channels, sizeof client.channels, "nothing-else");
    struct api_call again = {.client = &client, .has_key = true, .key = "k2", .body = body};
    assert_int_equal(hub_world_post(world, &again), 202);
    hub_world_api_free(&again);
    hub_world_order_text(2, "WH1", "1", body);
    struct api_call other = {.client = &client, .has_key = true, .key = "k3", .body = body};
    assert_int_equal(hub_world_post(world, &other), 403);
    assert_non_null(strstr(other.text, "\"code\":\"channel_not_allowed\""));
    assert_non_null(strstr(other.text, "but nothing-else\""));
    assert_null(strstr(other.text, "/v1/clients")); /* where a channel may not look */
    assert_non_null(strstr(other.text, "\"pointer\":\"/channel/type\""));
    hub_world_api_free(&other);
    snprintf(versioned, sizeof versioned, "{\"schema_version\":2,%s", body + 1);
    struct api_call future = {.client = &client, .has_key = true, .key = "k4", .body = versioned};
    assert_int_equal(hub_world_post(world, &future), 422);
    assert_non_null(strstr(future.text, "\"code\":\"unknown_schema_version\""));
    hub_world_api_free(&future);
    assert_count(world, "SELECT count(*) FROM orders", 1);
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
}

static void assert_verdict(struct hub_world *world, const struct xd_client_row *client, char *body,
                           const char *code) {
    struct api_call question = {.write = xd_hub_order_validate, .client = client, .body = body};
    char member[80] = "\"valid\":true";
    assert_int_equal(hub_world_post(world, &question), 200);
    if (code != NULL) {
        snprintf(member, sizeof member, "\"code\":\"%s\"", code);
        assert_non_null(strstr(question.text, "\"valid\":false"));
    }
    assert_non_null(strstr(question.text, member));
    hub_world_api_free(&question);
}

static void a_question_is_told_what_would_not_be_let_in(void **state) {
    struct hub_world *world = *state;
    struct xd_client_row client = {.client = "portal", .tenant = "acme", .role = "channel"};
    char body[1024], versioned[1100];
    hub_world_order_text(1, "WH1", "1", body);
    assert_verdict(world, &client, body, NULL);
    snprintf(versioned, sizeof versioned, "{\"schema_version\":2,%s", body + 1);
    assert_verdict(world, &client, versioned, "unknown_schema_version");
    client.schema_versions = 1 << 2;
    assert_verdict(world, &client, body, "schema_version_not_allowed");
    client.schema_versions = 0;
    snprintf(client.channels, sizeof client.channels, "nothing-else");
    assert_verdict(world, &client, body, "channel_not_allowed");
    client.channels[0] = 0;
    world_put(world, "tenants", "{\"tenant\":\"acme\",\"order_bytes_max\":100}");
    assert_verdict(world, &client, body, "order_too_large");
    world_put(world, "tenants", "{\"tenant\":\"acme\",\"order_lines_max\":1}");
    char lines[ORDER_TEXT_SIZE], one[256], two[256], both[513];
    snprintf(both, sizeof both, "%s,%s", world_line("1", "WIDGET", "1", "EA", one),
             world_line("2", "GADGET", "1", "EA", two));
    assert_verdict(world, &client, world_order_text(2, "", both, lines), "too_many_lines");
    assert_count(world, "SELECT count(*) FROM orders", 0);
}

/* As a client, which may have a rule of its own; the answer's text in *api. */
static unsigned change(struct hub_world *world, const struct xd_client_row *client, const char *if_match,
                       char *body, struct api_call *api) {
    char id[XD_ID_SIZE];
    hub_world_order_id(world, "PO-1", id);
    *api = (struct api_call){.write = if_match != NULL ? xd_hub_order_revise : xd_hub_order_cancel,
                             .client = client,
                             .id = id,
                             .if_match = if_match,
                             .body = body};
    return hub_world_post(world, api);
}

static void assert_not_changed(struct hub_world *world, const struct xd_client_row *client, char *body,
                               unsigned status, const char *code) {
    struct api_call api;
    char member[80];
    assert_int_equal(change(world, client, "\"1\"", body, &api), status);
    snprintf(member, sizeof member, "\"code\":\"%s\"", code);
    assert_non_null(strstr(api.text, member));
    hub_world_api_free(&api);
    assert_count(world, "SELECT count(*) FROM orders WHERE revision = 1", 1);
}

static void a_revision_is_let_in_by_the_rules_of_a_new_order(void **state) {
    struct hub_world *world = *state;
    struct xd_client_row client = {.client = "portal", .tenant = "acme", .role = "channel"};
    struct xd_client_row operator_client = {.client = "op", .tenant = "", .role = "operator"};
    struct api_call api;
    char one[256], two[256], both[513], text[ORDER_TEXT_SIZE], versioned[ORDER_TEXT_SIZE + 32];
    snprintf(both, sizeof both, "%s,%s", world_line("1", "WIDGET", "1", "EA", one),
             world_line("2", "GADGET", "1", "EA", two));
    assert_int_equal(world_simple(world, 1, "", "1"), 202);
    world_quiet(world);
    world_order_text(1, "", both, text);
    world_put(world, "tenants", "{\"tenant\":\"acme\",\"order_lines_max\":1}");
    assert_not_changed(world, &client, text, 422, "too_many_lines");
    assert_not_changed(world, &operator_client, text, 422, "too_many_lines"); /* it is the tenant's order */
    world_put(world, "tenants", "{\"tenant\":\"acme\",\"order_bytes_max\":300}");
    assert_not_changed(world, &client, text, 413, "order_too_large");
    world_put(world, "tenants", "{\"tenant\":\"acme\"}");
    snprintf(versioned, sizeof versioned, "{\"schema_version\":2,%s", text + 1);
    assert_not_changed(world, &client, versioned, 422, "unknown_schema_version");
    client.schema_versions = 1 << 2;
    assert_not_changed(world, &client, text, 422, "schema_version_not_allowed");
    client.schema_versions = 0;
    snprintf(client.channels, sizeof client.channels, "edi");
    assert_not_changed(world, &client, text, 403, "channel_not_allowed");
    snprintf(client.channels, sizeof client.channels, "edi portal");
    assert_int_equal(change(world, &client, "\"1\"", text, &api), 202);
    hub_world_api_free(&api);
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 1 0 0 0 0");
}

static void a_client_cancels_orders_of_its_channels_only(void **state) {
    struct hub_world *world = *state;
    struct xd_client_row client = {
        .client = "portal", .tenant = "acme", .role = "channel", .channels = "edi"};
    struct xd_client_row operator_client = {.client = "op", .tenant = "", .role = "operator"};
    char part[] = "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"1\"}]}", all[] = "";
    struct api_call api;
    assert_int_equal(world_simple(world, 1, "", "3"), 202);
    assert_int_equal(change(world, &client, NULL, all, &api), 403);
    assert_non_null(strstr(api.text, "\"code\":\"channel_not_allowed\""));
    hub_world_api_free(&api);
    assert_step(world, 1, "order.cancel_requested", 0);
    assert_int_equal(change(world, &operator_client, NULL, part, &api), 202);
    hub_world_api_free(&api);
    snprintf(client.channels, sizeof client.channels, "portal");
    assert_int_equal(change(world, &client, NULL, all, &api), 202);
    hub_world_api_free(&api);
    world_quiet(world);
    assert_step(world, 1, "order.cancel_requested", 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_everything_comes_in),
        cmocka_unit_test(a_client_hands_in_by_its_channels_only),
        cmocka_unit_test(a_tenants_limits_are_reached_and_not_passed),
        cmocka_unit_test(an_orders_version_must_be_known_and_the_clients),
        cmocka_unit_test_setup_teardown(the_hub_refuses_what_is_not_let_in_and_repeats_what_it_has,
                                        hub_world_setup, hub_world_teardown),
        cmocka_unit_test_setup_teardown(a_question_is_told_what_would_not_be_let_in, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(a_revision_is_let_in_by_the_rules_of_a_new_order, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(a_client_cancels_orders_of_its_channels_only, hub_world_setup,
                                        hub_world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
