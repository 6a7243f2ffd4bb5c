/* Clients of the API: made, rotated, revoked; and what is told of them. */
#include "hub/clients.h"
#include "unit/hub_world.h"

#include <stdio.h>
#include <string.h>

static const struct xd_client_row boss = {.client = "boss", .tenant = "default", .role = "admin"};

typedef enum xd_result (*write_fn)(struct xd_hub *hub, const struct xd_api_request *request,
                                   struct xd_now now, struct xd_effects *effects);

/* The answer's tree (cJSON_Delete); its status must be the one expected. */
static cJSON *ask(struct hub_world *world, write_fn write, const char *id, const char *tenant,
                  const char *body, unsigned expected) {
    char text[2048];
    snprintf(text, sizeof text, "%s", body);
    struct api_call api = {.write = write, .client = &boss, .id = id, .tenant = tenant, .body = text};
    assert_int_equal(hub_world_post(world, &api), expected);
    cJSON *tree = cJSON_Parse(api.text);
    assert_non_null(tree);
    hub_world_api_free(&api);
    return tree;
}

static const char *text_of(const cJSON *tree, const char *member) {
    const char *text = xd_json_text(tree, member);
    return text != NULL ? text : "";
}

/* Asks, and keeps the token that is told (if out is not NULL). */
static void told(struct hub_world *world, write_fn write, const char *id, const char *tenant,
                 const char *body, unsigned expected, char out[XD_HASH_TEXT_SIZE]) {
    cJSON *tree = ask(world, write, id, tenant, body, expected);
    if (out != NULL) {
        snprintf(out, XD_HASH_TEXT_SIZE, "%s", text_of(tree, "token"));
        assert_int_equal(strlen(out), 64);
    }
    cJSON_Delete(tree);
}

/* The code that a refused request gets, and the pointer of its first error. */
static void assert_refused(struct hub_world *world, write_fn write, const char *id, const char *body,
                           unsigned status, const char *code, const char *pointer) {
    cJSON *tree = ask(world, write, id, NULL, body, status);
    assert_string_equal(text_of(tree, "code"), code);
    const cJSON *error = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "errors"), 0);
    assert_string_equal(pointer, error != NULL ? text_of(error, "pointer") : "-");
    cJSON_Delete(tree);
}

/* Whether the token proves to be a client now. */
static bool valid(struct hub_world *world, const char *token, struct xd_client_row *row) {
    struct xd_hash hash = xd_sha256(xd_bytes_of_text(token));
    struct xd_token_row proof;
    enum xd_result result = world->store.client_by_token(world->store.context, &hash, row, &proof);
    assert_true(result == XD_OK || result == XD_NOT_FOUND);
    return result == XD_OK && (proof.expires_at == 0 || proof.expires_at > world->now.wall);
}

#define ADD xd_hub_client_add
#define ROTATE xd_hub_client_rotate
#define REVOKE xd_hub_client_revoke
#define CHANGE xd_hub_client_change
#define WEB "{\"client\":\"web\",\"tenant\":\"acme\",\"role\":\"channel\"}"

static void a_client_gets_a_token_that_is_stored_as_its_hash_only(void **state) {
    struct hub_world *world = *state;
    struct xd_client_row row;
    struct xd_buffer view;
    char token[XD_HASH_TEXT_SIZE], sql[160];
    told(world, ADD, NULL, NULL,
         "{\"client\":\"web\",\"tenant\":\"acme\",\"role\":\"channel\",\"rate_per_s\":5,\"burst\":9,"
         "\"channels\":[\"edi\",\"portal\"],\"schema_versions\":[1]}",
         201, token);
    assert_true(valid(world, token, &row));
    assert_string_equal(row.client, "web");
    assert_string_equal(row.tenant, "acme");
    assert_string_equal(row.role, "channel");
    assert_string_equal(row.channels, "edi portal");
    assert_int_equal(row.rate_per_s, 5);
    assert_int_equal(row.burst, 9);
    assert_int_equal(row.schema_versions, 1 << 1);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM client_token WHERE hex(hash) = upper('%s')", token);
    assert_count(world, sql, 0);
    xd_buffer_init(&view, 0);
    assert_ok(xd_view_client(&world->store, "acme", "web", &view));
    assert_null(strstr(xd_buffer_string(&view), token));
    assert_null(strstr(xd_buffer_string(&view), "hash"));
    assert_non_null(strstr(xd_buffer_string(&view), "\"channels\":[\"edi\",\"portal\"],"
                                                    "\"schema_versions\":[1],\"tokens\":[{\"made_at\""));
    xd_buffer_free(&view);
}

static void names_are_unique_in_a_tenant_and_a_lost_answer_says_how_to_go_on(void **state) {
    struct hub_world *world = *state;
    char first[XD_HASH_TEXT_SIZE], other[XD_HASH_TEXT_SIZE];
    struct xd_client_row row;
    told(world, ADD, NULL, NULL, WEB, 201, first);
    cJSON *tree = ask(world, ADD, NULL, NULL, WEB, 409);
    assert_string_equal(text_of(tree, "code"), "client_exists");
    assert_non_null(strstr(text_of(tree, "detail"), "rotate"));
    cJSON_Delete(tree);
    told(world, ADD, NULL, NULL, "{\"client\":\"web\",\"role\":\"viewer\"}", 201, other);
    assert_true(valid(world, first, &row));
    assert_true(valid(world, other, &row));
    assert_string_equal(row.tenant, "default");
}

static void what_cannot_be_a_client_is_refused_by_its_place(void **state) {
    struct hub_world *world = *state;
    static const struct {
        const char *body, *pointer;
    } rows[] = {
        {"{\"role\":\"channel\"}", "/client"},
        {"{\"client\":\"web\"}", "/role"},
        {"{\"client\":\"web\",\"role\":\"king\"}", "/role"},
        {"{\"client\":\"a/b\",\"role\":\"channel\"}", "/client"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"tenant\":\"a b\"}", "/tenant"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"tenant\":\"a/b\"}", "/tenant"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"rate_per_s\":0}", "/rate_per_s"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"burst\":5}", "/rate_per_s"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"expires_at\":\"2001-01-01T00:00:00Z\"}", "/expires_at"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"channels\":[\"two words\"]}", "/channels/0"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"schema_versions\":[0]}", "/schema_versions"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"schema_versions\":[1,2]}", "/schema_versions"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"schema_versions\":[1.5]}", "/schema_versions"},
        {"{\"client\":\"web\",\"role\":\"channel\",\"token\":\"mine\"}", "/token"},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        assert_refused(world, ADD, NULL, rows[index].body, 422, "invalid_client", rows[index].pointer);
    }
    assert_refused(world, ADD, NULL, "{", 400, "malformed_json", "");
    assert_refused(world, ADD, NULL, "", 422, "invalid_client", "/client");
    assert_count(world, "SELECT count(*) FROM client", 0);
    assert_count(world, "SELECT count(*) FROM client_token", 0);
}

static void while_a_token_is_changed_two_are_live_and_then_one(void **state) {
    struct hub_world *world = *state;
    char first[XD_HASH_TEXT_SIZE], second[XD_HASH_TEXT_SIZE], third[XD_HASH_TEXT_SIZE];
    struct xd_client_row row;
    told(world, ADD, NULL, NULL, WEB, 201, first);
    told(world, ROTATE, "web", "acme", "{\"overlap_s\":60}", 200, second);
    assert_true(valid(world, first, &row) && valid(world, second, &row));
    world->now.wall += 59999;
    assert_true(valid(world, first, &row));
    world->now.wall += 1;
    assert_false(valid(world, first, &row));
    assert_true(valid(world, second, &row));
    told(world, ROTATE, "web", "acme", "", 200, third); /* a day, unless it is said */
    world->now.wall += (xd_ms)86399 * 1000;
    assert_true(valid(world, second, &row) && valid(world, third, &row));
    world->now.wall += 1000;
    assert_false(valid(world, second, &row));
    assert_true(valid(world, third, &row));
}

static void a_third_token_ends_the_first_one_at_once(void **state) {
    struct hub_world *world = *state;
    char tokens[3][XD_HASH_TEXT_SIZE];
    struct xd_client_row row;
    told(world, ADD, NULL, NULL, WEB, 201, tokens[0]);
    told(world, ROTATE, "web", "acme", "{}", 200, tokens[1]);
    told(world, ROTATE, "web", "acme", "{}", 200, tokens[2]);
    assert_false(valid(world, tokens[0], &row));
    assert_true(valid(world, tokens[1], &row) && valid(world, tokens[2], &row));
    told(world, ROTATE, "web", "acme", "{\"overlap_s\":0}", 200, tokens[0]);
    assert_false(valid(world, tokens[1], &row) || valid(world, tokens[2], &row));
    assert_true(valid(world, tokens[0], &row));
}

static void a_new_token_lives_as_long_as_the_last_one_was_made_for(void **state) {
    struct hub_world *world = *state;
    char body[160], when[XD_TIME_TEXT_MAX], token[XD_HASH_TEXT_SIZE];
    struct xd_client_row row;
    snprintf(body, sizeof body, "{\"client\":\"web\",\"role\":\"channel\",\"expires_at\":\"%s\"}",
             xd_time_write(world->now.wall + 10 * MINUTE_MS, when));
    told(world, ADD, NULL, NULL, body, 201, NULL);
    world->now.wall += 4 * MINUTE_MS;
    told(world, ROTATE, "web", NULL, "{}", 200, token);
    world->now.wall += 9 * MINUTE_MS;
    assert_true(valid(world, token, &row));
    world->now.wall += 2 * MINUTE_MS;
    assert_false(valid(world, token, &row));
}

static void a_revoked_client_has_no_valid_token_until_it_is_given_a_new_one(void **state) {
    struct hub_world *world = *state;
    char first[XD_HASH_TEXT_SIZE], second[XD_HASH_TEXT_SIZE], third[XD_HASH_TEXT_SIZE];
    struct xd_client_row row;
    told(world, ADD, NULL, NULL, WEB, 201, first);
    told(world, ROTATE, "web", "acme", "{}", 200, second);
    for (int twice = 0; twice < 2; twice++) {
        cJSON *tree = ask(world, REVOKE, "web", "acme", "", 200);
        assert_string_equal(text_of(tree, "status"), "revoked");
        cJSON_Delete(tree);
    }
    assert_false(valid(world, first, &row) || valid(world, second, &row));
    cJSON *taken = ask(world, ADD, NULL, NULL, WEB, 409);
    assert_string_equal(text_of(taken, "code"), "client_exists");
    assert_non_null(strstr(text_of(taken, "detail"), "revoked; rotate makes it a client again"));
    cJSON_Delete(taken);
    told(world, ROTATE, "web", "acme", "", 200, third);
    assert_true(valid(world, third, &row));
    assert_int_equal(row.revoked_at, 0);
    assert_false(valid(world, first, &row) || valid(world, second, &row));
}

static void a_changed_client_keeps_its_tokens_and_what_was_not_named(void **state) {
    struct hub_world *world = *state;
    char token[XD_HASH_TEXT_SIZE];
    struct xd_client_row row;
    told(world, ADD, NULL, NULL,
         "{\"client\":\"web\",\"tenant\":\"acme\",\"role\":\"channel\",\"rate_per_s\":5,\"burst\":9,"
         "\"channels\":[\"edi\"],\"schema_versions\":[1]}",
         201, token);
    cJSON *tree =
        ask(world, CHANGE, "web", "acme", "{\"channels\":[\"portal\",\"edi\"],\"rate_per_s\":7}", 200);
    assert_int_equal(cJSON_GetObjectItem(tree, "rate_per_s")->valueint, 7);
    cJSON_Delete(tree);
    assert_true(valid(world, token, &row));
    assert_string_equal(row.channels, "portal edi");
    assert_true(row.rate_per_s == 7 && row.burst == 9 && row.schema_versions == 1 << 1);
    assert_string_equal(row.role, "channel");
    told(world, CHANGE, "web", "acme", "{\"burst\":0}", 200, NULL);
    assert_true(valid(world, token, &row) && row.rate_per_s == 7 && row.burst == 0);
    told(world, CHANGE, "web", "acme", "{\"burst\":3}", 200, NULL);
    told(world, CHANGE, "web", "acme", "{\"rate_per_s\":0,\"channels\":[],\"schema_versions\":[]}", 200,
         NULL);
    assert_true(valid(world, token, &row));
    assert_true(row.rate_per_s == 0 && row.burst == 0 && row.schema_versions == 0);
    assert_string_equal(row.channels, "");
}

static void a_change_that_cannot_be_is_refused_whole(void **state) {
    struct hub_world *world = *state;
    static const struct {
        const char *body, *pointer;
    } rows[] = {
        {"{\"channels\":[\"portal\"],\"burst\":5}", "/rate_per_s"},
        {"{\"channels\":[\"portal\"],\"rate_per_s\":-1}", "/rate_per_s"},
        {"{\"channels\":[\"portal\"],\"schema_versions\":[2]}", "/schema_versions"},
        {"{\"channels\":[\"portal\"],\"role\":\"admin\"}", "/role"},
        {"{\"channels\":[\"portal\",\"two words\"]}", "/channels/1"},
    };
    char token[XD_HASH_TEXT_SIZE];
    struct xd_client_row row;
    told(world, ADD, NULL, NULL, "{\"client\":\"web\",\"role\":\"channel\",\"channels\":[\"edi\"]}", 201,
         token);
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        assert_refused(world, CHANGE, "web", rows[index].body, 422, "invalid_client", rows[index].pointer);
    }
    assert_refused(world, CHANGE, "nobody", "{}", 404, "not_found", "-");
    assert_true(valid(world, token, &row));
    assert_string_equal(row.channels, "edi");
    assert_true(row.rate_per_s == 0 && row.burst == 0);
    told(world, REVOKE, "web", NULL, "", 200, NULL); /* a change brings nobody back */
    told(world, CHANGE, "web", NULL, "{\"rate_per_s\":1}", 200, NULL);
    assert_false(valid(world, token, &row));
    assert_count(world, "SELECT count(*) FROM client WHERE revoked_at <> 0 AND rate_per_s = 1", 1);
}

static void nobody_revokes_itself_and_nobody_unknown_is_changed(void **state) {
    struct hub_world *world = *state;
    char token[XD_HASH_TEXT_SIZE];
    struct xd_client_row row;
    told(world, ADD, NULL, NULL, "{\"client\":\"boss\",\"role\":\"admin\"}", 201, token);
    assert_refused(world, REVOKE, "boss", "", 409, "own_client", "-");
    assert_true(valid(world, token, &row));
    told(world, ADD, NULL, NULL, WEB, 201, NULL);
    assert_refused(world, REVOKE, "web", "", 404, "not_found", "-"); /* it is of acme, not of default */
    assert_refused(world, ROTATE, "web", "{}", 404, "not_found", "-");
    assert_refused(world, ROTATE, "boss", "{\"overlap\":1}", 422, "invalid_client", "/overlap");
    assert_refused(world, ROTATE, "boss", "{\"overlap_s\":2592001}", 422, "invalid_client", "/overlap_s");
    assert_refused(world, REVOKE, "web", "{\"why\":1}", 422, "invalid_client", "/why");
}

static void a_failed_commit_makes_no_client_and_tells_no_token(void **state) {
    struct hub_world *world = *state;
    world->fail_commit = true;
    cJSON *tree = ask(world, ADD, NULL, NULL, WEB, 503);
    assert_string_equal(text_of(tree, "token"), "");
    cJSON_Delete(tree);
    assert_count(world, "SELECT count(*) FROM client", 0);
    told(world, ADD, NULL, NULL, WEB, 201, NULL);
}

static void clients_are_listed_in_pages_and_by_tenant(void **state) {
    struct hub_world *world = *state;
    struct xd_buffer view;
    char body[128];
    for (int index = 0; index < 5; index++) {
        snprintf(body, sizeof body, "{\"client\":\"c%d\",\"tenant\":\"t%d\",\"role\":\"viewer\"}", index,
                 index % 2);
        told(world, ADD, NULL, NULL, body, 201, NULL);
    }
    xd_buffer_init(&view, 0);
    assert_ok(xd_view_clients(&world->store, NULL, "", 3, &view));
    assert_non_null(strstr(xd_buffer_string(&view), "\"next_cursor\":\"t0/c4\""));
    xd_buffer_clear(&view);
    assert_ok(xd_view_clients(&world->store, NULL, "t0/c4", 3, &view));
    assert_non_null(strstr(xd_buffer_string(&view), "c1"));
    assert_null(strstr(xd_buffer_string(&view), "next_cursor"));
    xd_buffer_clear(&view);
    assert_ok(xd_view_clients(&world->store, "t1", "", 9, &view));
    assert_non_null(strstr(xd_buffer_string(&view), "c3"));
    assert_null(strstr(xd_buffer_string(&view), "c2"));
    assert_int_equal(xd_view_clients(&world->store, NULL, "nonsense", 9, &view), XD_NOT_FOUND);
    xd_buffer_free(&view);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_client_gets_a_token_that_is_stored_as_its_hash_only),
        WORLD_TEST(names_are_unique_in_a_tenant_and_a_lost_answer_says_how_to_go_on),
        WORLD_TEST(what_cannot_be_a_client_is_refused_by_its_place),
        WORLD_TEST(while_a_token_is_changed_two_are_live_and_then_one),
        WORLD_TEST(a_third_token_ends_the_first_one_at_once),
        WORLD_TEST(a_new_token_lives_as_long_as_the_last_one_was_made_for),
        WORLD_TEST(a_revoked_client_has_no_valid_token_until_it_is_given_a_new_one),
        WORLD_TEST(a_changed_client_keeps_its_tokens_and_what_was_not_named),
        WORLD_TEST(a_change_that_cannot_be_is_refused_whole),
        WORLD_TEST(nobody_revokes_itself_and_nobody_unknown_is_changed),
        WORLD_TEST(a_failed_commit_makes_no_client_and_tells_no_token),
        WORLD_TEST(clients_are_listed_in_pages_and_by_tenant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
