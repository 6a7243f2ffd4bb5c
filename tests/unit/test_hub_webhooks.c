/* Webhooks in a simulated world: in order, at least once, one at a time for each;
 * retried, disabled, enabled, replayed; and what the API says to who subscribes. */
#include "unit/hub_world.h"

#include "base/base64.h"
#include "base/json.h"
#include "hub/events/events_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY "{\"url\":\"https://example.com/hook\"}"

static struct xd_webhook_call *last_call(struct hub_world *world) {
    assert_true(world->webhook_count > 0);
    return world->webhooks[world->webhook_count - 1].call;
}

/* Until the n-th call has left; false: it did not within an hour. */
static bool wait_call(struct hub_world *world, size_t count) {
    for (int step = 0; step < 36000 && world->webhook_count < count; step++) {
        hub_world_step(world);
    }
    return world->webhook_count >= count;
}

static void answer_last(struct hub_world *world, unsigned status) {
    hub_world_webhook_answers(world, world->webhook_count - 1, status);
    hub_world_step(world);
}

static const char *type_of(const struct xd_webhook_call *call, char out[XD_EVENT_TYPE_SIZE]) {
    cJSON *tree = cJSON_ParseWithLength((const char *)call->body.data, call->body.size);
    snprintf(out, XD_EVENT_TYPE_SIZE, "%s", xd_json_text(tree, "type"));
    cJSON_Delete(tree);
    return out;
}

static void each_event_is_posted_in_order_after_the_last_was_taken(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE], type[XD_EVENT_TYPE_SIZE];
    hub_world_subscribe(world, ANY, id, secret);
    hub_world_released(world, 1, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->webhook_count, 1); /* the second waits for the first */
    assert_string_equal(type_of(last_call(world), type), "crossdock.order.accepted.v1");
    assert_string_equal(last_call(world)->url, "https://example.com/hook");
    answer_last(world, 204);
    assert_true(wait_call(world, 2));
    assert_string_equal(type_of(last_call(world), type), "crossdock.order.released.v1");
    answer_last(world, 200);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->webhook_count, 2);
}

static void the_signature_is_that_of_standard_webhooks(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE];
    uint8_t key[64];
    size_t size = 0;
    struct xd_buffer text, expected;
    hub_world_subscribe(world, ANY, id, secret);
    hub_world_released(world, 1, "10", release_id);
    assert_true(wait_call(world, 1));
    const struct xd_webhook_call *call = last_call(world);
    assert_int_equal(strncmp(secret, "whsec_", 6), 0);
    assert_ok(xd_base64_parse(secret + 6, key, sizeof key, &size));
    assert_int_equal(size, 32);
    xd_buffer_init(&text, 0);
    xd_buffer_init(&expected, 0);
    xd_buffer_format(&text, "%s.%s.%.*s", call->event_id, call->timestamp, (int)call->body.size,
                     (const char *)call->body.data);
    struct xd_hash mac = xd_hmac(xd_bytes_of(key, size), xd_buffer_view(&text));
    xd_buffer_text(&expected, "v1,");
    xd_base64_write(xd_bytes_of(mac.bytes, sizeof mac.bytes), &expected);
    assert_string_equal(call->signature, xd_buffer_string(&expected));
    assert_true(llabs(strtoll(call->timestamp, NULL, 10) - world->now.wall / 1000) <= 60);
    xd_buffer_free(&text);
    xd_buffer_free(&expected);
}

static void a_given_secret_is_used(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128];
    hub_world_subscribe(
        world, "{\"url\":\"http://example.com\",\"secret\":\"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\"}", id,
        secret);
    assert_string_equal(secret, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz");
    struct xd_webhook *webhook = xd_hub_webhook_find(&world->hub, id);
    assert_non_null(webhook);
    assert_memory_equal(webhook->row.secret, "012345678901234567890123", 24);
}

static void a_failing_one_is_tried_again_and_holds_up_nobody_else(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], other[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE], first[XD_ID_SIZE];
    hub_world_subscribe(world, ANY, id, secret);
    hub_world_released(world, 1, "10", release_id);
    assert_true(wait_call(world, 1));
    snprintf(first, sizeof first, "%s", last_call(world)->event_id);
    hub_world_subscribe(world, "{\"url\":\"https://example.com/other\"}", other, secret);
    for (size_t tries = 1; tries < 10; tries++) {
        answer_last(world, tries % 2 == 0 ? 500 : 0);
        assert_true(wait_call(world, tries + 1));
        assert_string_equal(last_call(world)->event_id, first);
    }
    hub_world_released(world, 2, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    assert_string_equal(last_call(world)->subscription, other);
}

static void after_long_failure_it_is_disabled_until_a_person_enables_it(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE], first[XD_ID_SIZE];
    size_t tries = 0;
    hub_world_subscribe(world, ANY, id, secret);
    world->hub.config.webhooks.disable_ms = 5 * MINUTE_MS;
    hub_world_released(world, 1, "10", release_id);
    assert_true(wait_call(world, 1));
    snprintf(first, sizeof first, "%s", last_call(world)->event_id);
    while (xd_hub_webhook_find(&world->hub, id)->row.enabled) {
        answer_last(world, 503);
        tries++;
        assert_true(tries < WORLD_WEBHOOKS);
        for (int step = 0; step < 1200 && world->webhook_count == tries; step++) {
            hub_world_step(world);
        }
    }
    assert_true(tries > 3);
    assert_exceptions(world, "WEBHOOK_DISABLED", 1);
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->webhook_count, tries); /* nothing more is sent */
    assert_int_equal(hub_world_subscription(world, xd_hub_subscription_enable, id, ""), 200);
    assert_exceptions(world, "WEBHOOK_DISABLED", 0);
    assert_true(wait_call(world, tries + 1));
    assert_string_equal(last_call(world)->event_id, first); /* and nothing was lost */
}

static void a_receiver_that_is_gone_is_disabled_at_once(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE];
    hub_world_subscribe(world, ANY, id, secret);
    hub_world_released(world, 1, "10", release_id);
    assert_true(wait_call(world, 1));
    answer_last(world, 410);
    assert_false(xd_hub_webhook_find(&world->hub, id)->row.enabled);
    assert_exceptions(world, "WEBHOOK_DISABLED", 1);
    assert_int_equal(hub_world_subscription(world, xd_hub_subscription_remove, id, ""), 200);
    assert_exceptions(world, "WEBHOOK_DISABLED", 0);
    assert_null(xd_hub_webhook_find(&world->hub, id));
}

static void a_killed_hub_goes_on_with_what_was_not_taken(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE], second[XD_ID_SIZE];
    hub_world_subscribe(world, ANY, id, secret);
    hub_world_released(world, 1, "10", release_id);
    assert_true(wait_call(world, 1));
    answer_last(world, 200);
    assert_true(wait_call(world, 2));
    snprintf(second, sizeof second, "%s", last_call(world)->event_id);
    hub_world_crash(world); /* the answer is never heard */
    hub_world_start(world);
    assert_true(wait_call(world, 3));
    assert_string_equal(last_call(world)->event_id, second);
}

static void a_call_whose_batch_failed_leaves_again(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE];
    hub_world_subscribe(world, ANY, id, secret);
    world->swallow_events = 0;
    hub_world_place(world, 1, "10");
    for (int turn = 0; turn < 40; turn++) {
        world->fail_commit = turn % 2 == 0;
        hub_world_step(world);
    }
    world->fail_commit = false;
    hub_world_released(world, 2, "10", release_id);
    for (size_t count = 1; count <= 5; count++) {
        assert_true(wait_call(world, count));
        world->fail_commit = count % 3 == 0; /* the answer is not stored: that event comes again */
        answer_last(world, 200);
    }
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->webhook_count, 5);
    for (size_t index = 1; index < world->webhook_count; index++) {
        bool again = index % 3 == 0;
        assert_true(again ? world->webhooks[index].call->n == world->webhooks[index - 1].call->n
                          : world->webhooks[index].call->n > world->webhooks[index - 1].call->n);
    }
    assert_true(xd_hub_webhook_find(&world->hub, id)->row.position >= last_call(world)->n);
    assert_int_equal(world->hub.webhooks.calls, 0);
}

static void a_replay_sends_again_from_there(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE], body[96];
    hub_world_subscribe(world, ANY, id, secret);
    hub_world_released(world, 1, "10", release_id);
    for (size_t count = 1; count <= 2; count++) {
        assert_true(wait_call(world, count));
        answer_last(world, 200);
    }
    snprintf(body, sizeof body, "{\"from\":%lld}", (long long)world->webhooks[0].call->n);
    assert_int_equal(hub_world_subscription(world, xd_hub_subscription_replay, id, body), 200);
    assert_true(wait_call(world, 3));
    assert_string_equal(last_call(world)->event_id, world->webhooks[0].call->event_id);
    /* overtaken by another replay: the answer to the call under way moves nothing */
    snprintf(body, sizeof body, "{\"from\":\"%lld\"}", (long long)world->webhooks[1].call->n);
    assert_int_equal(hub_world_subscription(world, xd_hub_subscription_replay, id, body), 200);
    answer_last(world, 200);
    assert_true(wait_call(world, 4));
    assert_string_equal(last_call(world)->event_id, world->webhooks[1].call->event_id);
    assert_int_equal(hub_world_subscription(world, xd_hub_subscription_replay, id, "{\"from\":\"soon\"}"),
                     422);
    assert_int_equal(hub_world_subscription(world, xd_hub_subscription_replay, id, "{}"), 422);
    assert_int_equal(hub_world_subscription(world, xd_hub_subscription_replay, "W0", "{\"from\":1}"), 404);
}

static void a_filter_lets_only_its_events_pass(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE], type[XD_EVENT_TYPE_SIZE];
    hub_world_subscribe(world, "{\"url\":\"https://example.com/hook\",\"types\":[\"order.shipped\"]}", id,
                        secret);
    hub_world_released(world, 1, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->webhook_count, 0);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    assert_true(wait_call(world, 1));
    assert_string_equal(type_of(last_call(world), type), "crossdock.order.shipped.v1");
}

static void only_so_many_calls_are_made_at_once(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128], release_id[XD_ID_SIZE], body[96];
    for (int index = 0; index < 5; index++) {
        snprintf(body, sizeof body, "{\"url\":\"https://example.com/%d\"}", index);
        hub_world_subscribe(world, body, id, secret);
    }
    hub_world_released(world, 1, "10", release_id);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->webhook_count, world->webhook_concurrency);
    for (size_t count = 0; count < 5; count++) { /* each has its turn */
        hub_world_webhook_answers(world, count, 500);
        assert_true(wait_call(world, count + 3));
    }
}

static unsigned add(struct hub_world *world, const char *body, const char *part) {
    struct api_call api = {.write = xd_hub_subscription_add, .body = strdup(body)};
    unsigned status = hub_world_post(world, &api);
    if (part != NULL && strstr(api.text, part) == NULL) {
        fail_msg("%s is not in %s", part, api.text);
    }
    hub_world_api_free(&api);
    free(api.body);
    return status;
}

static void what_cannot_be_subscribed_is_refused_with_a_reason(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(add(world, "nonsense", "malformed_json"), 400);
    assert_int_equal(add(world, "{}", "/url"), 422);
    assert_int_equal(add(world, "{\"url\":\"ftp://example.com\"}", "bad_url"), 422);
    assert_int_equal(add(world, "{\"url\":\"https://user:pw@example.com/\"}", "bad_url"), 422);
    assert_int_equal(add(world, "{\"url\":\"https:///hook\"}", "bad_url"), 422);
    assert_int_equal(add(world, "{\"url\":\"https://a b/\"}", "bad_url"), 422);
    assert_int_equal(add(world, "{\"url\":\"https://a/\",\"types\":[\"order.eaten\"]}", "/types/0"), 422);
    assert_int_equal(
        add(world, "{\"url\":\"https://a/\",\"types\":[\"order.held,order.shipped\"]}", "/types/0"), 422);
    assert_int_equal(add(world, "{\"url\":\"https://a/\",\"secret\":\"short\"}", "bad_secret"), 422);
    assert_int_equal(add(world, "{\"url\":\"https://a/\",\"kind\":1}", "unknown_member"), 422);
    assert_int_equal(add(world, "{\"url\":\"https://a/\",\"tenant\":\"other\"}", "forbidden"), 403);
    assert_int_equal(add(world, "{\"url\":\"https://a/\"}", NULL), 201);
    assert_int_equal(add(world, "{\"url\":\"https://a/\"}", "subscription_exists"), 409);
}

static void order_of(struct hub_world *world, const char *tenant, int number) {
    struct xd_client_row shop = {.client = "web", .role = "channel"};
    char text[1024];
    snprintf(shop.tenant, sizeof shop.tenant, "%s", tenant);
    struct api_call api = {
        .client = &shop, .has_key = true, .body = hub_world_order_text(number, "WH1", "1", text)};
    snprintf(api.key, sizeof api.key, "key-%d", number);
    assert_int_equal(hub_world_post(world, &api), 202);
    hub_world_api_free(&api);
}

static void a_channels_webhook_gets_its_own_tenants_events_only(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128];
    hub_world_subscribe(world, ANY, id, secret); /* as a channel of acme, which names no tenant */
    assert_string_equal(xd_hub_webhook_find(&world->hub, id)->row.tenant, "acme");
    order_of(world, "other", 1);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    hub_world_run(world, MINUTE_MS);
    assert_true(hub_world_count(world, "SELECT count(*) FROM event WHERE tenant = 'other'") > 0);
    assert_int_equal(world->webhook_count, 0);
    order_of(world, "acme", 2);
    assert_true(wait_call(world, 1));
    assert_non_null(strstr((const char *)last_call(world)->body.data, "\"tenant\":\"acme\""));
}

static bool no_tens(void *context, const char *host) {
    snprintf(context, 64, "%s", host);
    return strncmp(host, "10.", 3) != 0;
}

static void private_addresses_are_refused_when_they_are_subscribed(void **state) {
    struct hub_world *world = *state;
    char host[64];
    world->hub.config.webhooks.host_allowed = no_tens;
    world->hub.config.webhooks.host_context = host;
    assert_int_equal(add(world, "{\"url\":\"https://10.0.0.1:443/a\"}", "webhooks.allow_private"), 422);
    assert_string_equal(host, "10.0.0.1");
    assert_int_equal(add(world, "{\"url\":\"http://10.0.0.1\"}", "\"/url\""), 422);
    assert_int_equal(add(world, "{\"url\":\"http://10.0.0.1?a=b\"}", "bad_url"), 422);
    assert_int_equal(add(world, "{\"url\":\"https://[fd00::1]:8443/a\"}", NULL), 201);
    assert_string_equal(host, "fd00::1");
    assert_int_equal(add(world, "{\"url\":\"https://example.com/10.\"}", NULL), 201);
    assert_string_equal(host, "example.com");
}

static void secrets_are_shown_once_only(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], secret[128];
    struct xd_buffer text;
    hub_world_subscribe(world, ANY, id, secret);
    xd_buffer_init(&text, 0);
    assert_ok(xd_view_subscriptions(&world->store, "acme", NULL, &text));
    assert_non_null(strstr(xd_buffer_string(&text), id));
    assert_null(strstr(xd_buffer_string(&text), "secret"));
    xd_buffer_clear(&text);
    assert_int_equal(xd_view_subscriptions(&world->store, "other", id, &text), XD_NOT_FOUND);
    xd_buffer_free(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_event_is_posted_in_order_after_the_last_was_taken),
        TEST(the_signature_is_that_of_standard_webhooks),
        TEST(a_given_secret_is_used),
        TEST(a_failing_one_is_tried_again_and_holds_up_nobody_else),
        TEST(after_long_failure_it_is_disabled_until_a_person_enables_it),
        TEST(a_receiver_that_is_gone_is_disabled_at_once),
        TEST(a_killed_hub_goes_on_with_what_was_not_taken),
        TEST(a_call_whose_batch_failed_leaves_again),
        TEST(a_replay_sends_again_from_there),
        TEST(a_filter_lets_only_its_events_pass),
        TEST(only_so_many_calls_are_made_at_once),
        TEST(what_cannot_be_subscribed_is_refused_with_a_reason),
        TEST(a_channels_webhook_gets_its_own_tenants_events_only),
        TEST(private_addresses_are_refused_when_they_are_subscribed),
        TEST(secrets_are_shown_once_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
