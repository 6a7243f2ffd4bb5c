/* What listens on crossdock.events, and the receivers of webhooks. */
#include "base/json.h"
#include "unit/hub_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the exchange ---- */

static void copy_text(char *out, size_t size, const char *text) {
    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

/* A member that is text, without parsing: some tests leave the hub, and so cJSON, without memory. */
static void find_text(const char *body, const char *member, char *out, size_t size) {
    char name[48];
    snprintf(name, sizeof name, "\"%s\":\"", member);
    const char *at = strstr(body, name);
    at = at == NULL ? "" : at + strlen(name);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

void hub_world_event(struct hub_world *world, const struct xd_effects *effects,
                     const struct xd_effect *effect) {
    char id[XD_ID_SIZE], n[24];
    struct world_event *events = realloc(world->events, (world->event_count + 1) * sizeof *events);
    assert_non_null(events);
    world->events = events;
    struct world_event *event = &events[world->event_count++];
    memset(event, 0, sizeof *event);
    assert_true(effect->flag); /* nobody has to listen */
    assert_true(effect->tag != 0);
    copy_text(event->id, sizeof event->id, xd_effects_string(effects, effect->d));
    copy_text(event->key, sizeof event->key, xd_effects_string(effects, effect->b));
    event->body = strdup(xd_effects_string(effects, effect->body));
    find_text(event->body, "id", id, sizeof id);
    assert_string_equal(id, event->id);
    find_text(event->body, "type", event->type, sizeof event->type);
    find_text(event->body, "order_id", event->order_id, sizeof event->order_id);
    find_text(event->body, "sequence", n, sizeof n);
    event->n = strtoll(n, NULL, 10);
    if (world->swallow_events > 0) {
        world->swallow_events--;
    } else if (world->refuse_events > 0) {
        world->refuse_events--;
        assert_true(world->refused_count < sizeof world->refused / sizeof world->refused[0]);
        world->refused[world->refused_count++] = effect->tag;
    } else {
        assert_true(world->confirm_count < sizeof world->confirms / sizeof world->confirms[0]);
        world->confirms[world->confirm_count++] = effect->tag;
    }
}

size_t hub_world_events(const struct hub_world *world, const char *key, const char *order_id) {
    size_t count = 0;
    for (size_t index = 0; index < world->event_count; index++) {
        const struct world_event *event = &world->events[index];
        count += strcmp(event->key, key) == 0 && (order_id == NULL || strcmp(order_id, event->order_id) == 0);
    }
    return count;
}

/* Compares one with all before it. */
static void check_event(const struct hub_world *world, size_t at) {
    const struct world_event *event = &world->events[at];
    int64_t highest = 0;
    for (size_t index = 0; index < at; index++) {
        const struct world_event *before = &world->events[index];
        if (strcmp(before->id, event->id) == 0) {
            assert_string_equal(before->body, event->body);
            return; /* told again */
        }
        assert_true(before->n != event->n);
        if (strcmp(before->order_id, event->order_id) == 0 && before->n > highest) {
            highest = before->n;
        }
    }
    if (event->n < highest) {
        fail_msg("%s (%lld) of order %s was overtaken by %lld", event->type, (long long)event->n,
                 event->order_id, (long long)highest);
    }
}

void hub_world_check_events(struct hub_world *world) {
    for (size_t index = 0; index < world->event_count; index++) {
        check_event(world, index);
    }
}

void hub_world_free_events(struct hub_world *world) {
    for (size_t index = 0; index < world->event_count; index++) {
        free(world->events[index].body);
    }
    free(world->events);
    for (size_t index = 0; index < world->webhook_count; index++) {
        xd_webhook_call_free(world->webhooks[index].call);
    }
}

/* ---- webhooks ---- */

void hub_world_webhook_answers(struct hub_world *world, size_t index, unsigned status) {
    assert_true(index < world->webhook_count);
    world->webhooks[index].status = status;
    world->webhooks[index].answered = true;
}

void hub_world_subscribe(struct hub_world *world, const char *body, char id[XD_ID_SIZE], char secret[128]) {
    struct api_call api = {.write = xd_hub_subscription_add, .body = strdup(body)};
    unsigned status = hub_world_post(world, &api);
    if (status != 201) {
        fail_msg("%u %s", status, api.text);
    }
    cJSON *tree = cJSON_Parse(api.text);
    copy_text(id, XD_ID_SIZE, xd_json_text(tree, "subscription_id"));
    copy_text(secret, 128, xd_json_text(tree, "secret"));
    cJSON_Delete(tree);
    hub_world_api_free(&api);
    free(api.body);
}

unsigned hub_world_subscription(struct hub_world *world, world_write_fn write, const char *id,
                                const char *body) {
    struct api_call api = {.write = write, .id = id, .body = strdup(body)};
    unsigned status = hub_world_post(world, &api);
    hub_world_api_free(&api);
    free(api.body);
    return status;
}
