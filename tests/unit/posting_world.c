#include "unit/posting_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void posting_restart(struct hub_world *world, size_t erp_count) {
    hub_world_crash(world);
    world->erp_count = erp_count;
    hub_world_start(world);
}

static unsigned post(struct hub_world *world, struct api_call *api, char *body) {
    api->body = body;
    unsigned status = hub_world_post(world, api);
    hub_world_api_free(api);
    return status;
}

void posting_order(struct hub_world *world, const char *tenant, int number, const char *ship) {
    struct xd_client_row client = {.client = "portal", .role = "channel"};
    struct api_call api = {.client = &client, .has_key = true};
    char head[128] = "", line[256], text[ORDER_TEXT_SIZE];
    snprintf(client.tenant, sizeof client.tenant, "%s", tenant);
    snprintf(api.key, sizeof api.key, "key-%d", number);
    if (ship != NULL) {
        snprintf(head, sizeof head, "\"dates\":{\"requested_ship\":\"%s\"},", ship);
    }
    world_order_text(number, head, world_line("1", "WIDGET", "1", "EA", line), text);
    assert_int_equal(post(world, &api, text), 202);
}

unsigned posting_pause(struct hub_world *world, const char *erp, bool paused) {
    static const struct xd_client_row client = {.client = "op", .tenant = "", .role = "operator"};
    struct api_call api = {
        .client = &client, .id = erp, .write = paused ? xd_hub_erp_pause : xd_hub_erp_resume};
    char nothing[] = "{}";
    return post(world, &api, nothing);
}

size_t posting_place(struct hub_world *world, const char *tenant, int number) {
    char reference[64];
    snprintf(reference, sizeof reference, "%s/web/PO-%d", tenant, number);
    for (size_t index = 0; index < world->posted_count; index++) {
        if (strcmp(world->posted[index], reference) == 0) {
            return index;
        }
    }
    fail_msg("%s was not posted", reference);
    return 0;
}

void posting_wait(struct hub_world *world, unsigned posts, xd_ms ms) {
    for (xd_ms until = world->now.monotonic + ms; world->posts < posts;) {
        if (world->now.monotonic >= until) {
            fail_msg("%u postings instead of %u", world->posts, posts);
        }
        hub_world_step(world);
    }
}

void plan_unavailable(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    (void)call;
    *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
}

void plan_unknown(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    if (!call->find) {
        *plan = (struct call_plan){.lies = true, .outcome = XD_ERP_UNKNOWN};
    }
}

void plan_slow(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    (void)call;
    *plan = (struct call_plan){.lands_ms = 1000, .answers_ms = 2000};
}
