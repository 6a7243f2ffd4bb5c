/* Orders, stock, answers, shipments, cancellations, revisions, holds, an ERP that fails, and a hub that is
 * killed, all at random from a seed. After each step the books agree: lines, releases, stock, credit; in the
 * end everything is over, and the ERP has what shipped and nothing else. */
#include "unit/hub_world_orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 6u /* each takes some seconds */
#define STEPS 220

static const char *const skus[] = {"WIDGET", "GADGET"};
static const char *const site_names[] = {"WH1", "WH2"};

static unsigned pick(struct hub_world *world, unsigned below) {
    return (unsigned)hub_world_random(world, below);
}

static void plan_trouble(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    unsigned what = pick(world, 12);
    (void)call;
    plan->lands_ms = (xd_ms)pick(world, 300);
    plan->answers_ms = plan->lands_ms + (xd_ms)pick(world, 300);
    if (what == 0) {
        *plan = (struct call_plan){.lands_ms = (xd_ms)pick(world, 20000),
                                   .answers_ms = 1000,
                                   .lies = true,
                                   .outcome = XD_ERP_UNKNOWN};
    } else if (what == 1) {
        *plan = (struct call_plan){
            .lands_ms = -1, .answers_ms = 100, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

/* ---- what channels and operators do ---- */

struct random_order {
    int lines;       /* ever named */
    unsigned qty[4]; /* as it was last told; 0: left out */
    char head[160], lines_text[1200];
};

static struct random_order orders[40];
static int order_count;

static const char *lines_of(struct random_order *order) {
    size_t size = 0;
    order->lines_text[0] = 0;
    for (int line = 0; line < order->lines; line++) {
        char text[256], id[8], qty[16];
        if (order->qty[line] == 0) {
            continue;
        }
        snprintf(id, sizeof id, "%d", line + 1);
        snprintf(qty, sizeof qty, "%u", order->qty[line]);
        size += (size_t)snprintf(order->lines_text + size, sizeof order->lines_text - size, "%s%s",
                                 size > 0 ? "," : "",
                                 world_line(id, skus[line % 2], qty, line == 1 ? "CS" : "EA", text));
    }
    return order->lines_text;
}

static void new_order(struct hub_world *world) {
    static const char *const fulfilment[] = {"", "\"fulfilment_policy\":\"FILL_OR_KILL\",",
                                             "\"fulfilment_policy\":\"FILL_ALL\","};
    static const char *const backorder[] = {"", "\"backorder_policy\":\"NONE\",",
                                            "\"backorder_policy\":\"MANUAL\",",
                                            "\"backorder_policy\":\"CREATE\","};
    struct random_order *order = &orders[order_count];
    *order = (struct random_order){.lines = 1 + (int)pick(world, 3)};
    for (int line = 0; line < order->lines; line++) {
        order->qty[line] = 1 + pick(world, line == 1 ? 3 : 12);
    }
    snprintf(order->head, sizeof order->head, "%s%s%s",
             pick(world, 3) == 0 ? "\"preferred_site\":\"WH1\"," : "", fulfilment[pick(world, 6) % 3],
             backorder[pick(world, 4)]);
    if (world_order(world, order_count + 1, order->head, lines_of(order)) == 202) {
        order_count++;
    }
}

static void revise_order(struct hub_world *world, int number) {
    struct random_order *order = &orders[number - 1];
    unsigned before[4];
    char text[ORDER_TEXT_SIZE], sql[128], revision[256], etag[260];
    memcpy(before, order->qty, sizeof before);
    int line = (int)pick(world, 4);
    order->lines = order->lines > line ? order->lines : line + 1;
    order->qty[line] = pick(world, 10);
    if (lines_of(order)[0] == 0) {
        order->qty[0] = 1;
    }
    snprintf(sql, sizeof sql, "SELECT revision FROM orders WHERE external_order_id = 'PO-%d'", number);
    world_query(world, sql, revision);
    snprintf(etag, sizeof etag, "\"%s\"", revision);
    if (world_revise(world, number, etag, world_order_text(number, order->head, lines_of(order), text)) !=
        202) {
        memcpy(order->qty, before, sizeof before);
    }
}

static void cancel_order(struct hub_world *world, int number) {
    char body[128] = "";
    if (pick(world, 2) == 0) {
        snprintf(body, sizeof body, "{\"lines\":[{\"external_line_id\":\"%u\",\"qty\":\"%u\"}]}",
                 1 + pick(world, 3), 1 + pick(world, 6));
    }
    (void)world_cancel(world, number, body);
}

static void operator_does(struct hub_world *world) {
    static const char *const codes[] = {"BACKORDER_DECISION",  "CREDIT_HOLD",     "RELEASE_REJECTED",
                                        "ERP_REJECTED_SALE",   "SHORT_BACKORDER", "ACK_TIMEOUT",
                                        "ERP_REJECTED_CHANGE", "CANCEL_PENDING"};
    static const char *const actions[] = {"accept", "accept", "retry", "reject"};
    int number = 1 + (int)pick(world, (unsigned)order_count);
    switch (pick(world, 4)) {
    case 0:
        (void)world_ask(world, xd_hub_order_hold, number, "{\"reason\":\"look\"}");
        break;
    case 1:
        (void)world_ask(world, xd_hub_order_unhold, number, "{\"hold\":\"OPERATOR\"}");
        break;
    default:
        (void)world_resolve(world, codes[pick(world, 8)], actions[pick(world, 4)]);
        break;
    }
}

/* ---- what sites do ---- */

struct at_site {
    int number, n, revision, status, cancel;
    char line[8], sku[16], uom[8];
    unsigned rest;
    bool any;
};

/* A line of a release that a WMS has seen, at random; any: also of one that is over. */
static struct at_site some_release(struct hub_world *world, bool any) {
    struct at_site found = {.any = false};
    char sql[1200], text[256], id[XD_ID_SIZE];
    snprintf(
        sql, sizeof sql,
        "SELECT substr(o.external_order_id, 4)||' '||(SELECT count(*) FROM release b WHERE b.order_id = "
        "r.order_id AND b.n <= r.n)||' '||r.revision||' '||r.status||' '||r.cancel||' '||x.line_id||' "
        "'||x.sku||' "
        "'||x.uom||' '||CAST(CAST(x.qty AS REAL) - x.shipped - x.closed AS INTEGER) FROM release r JOIN "
        "orders o ON o.order_id = r.order_id JOIN release_line x ON x.n = r.n WHERE r.status > 0 %s LIMIT 1 "
        "OFFSET %u",
        any ? "" : "AND r.status NOT IN (5, 9, 10, 11)", pick(world, any ? 60 : 12));
    world_query(world, sql, text);
    if (sscanf(text, "%d %d %d %d %d %7s %15s %7s %u", &found.number, &found.n, &found.revision,
               &found.status, &found.cancel, found.line, found.sku, found.uom, &found.rest) != 9) {
        return found;
    }
    world_release_id(world, found.number, found.n, id);
    for (size_t site = 0; site < world->site_count; site++) {
        found.any = found.any || (world->sites[site].running &&
                                  hub_world_heard(&world->sites[site], "release", id) != NULL);
    }
    return found;
}

static void site_answers(struct hub_world *world, bool wild) {
    static const char *const words[] = {"ACKNOWLEDGED",    "RESERVED",       "PICKING", "PACKED",
                                        "CANCEL_ACCEPTED", "CANCEL_REFUSED", "REJECTED"};
    struct at_site release = some_release(world, wild);
    if (release.any) {
        int revision = pick(world, 3) == 0 ? 1 : release.revision;
        unsigned word =
            release.cancel == 1 && pick(world, 2) == 0 ? 4 + pick(world, 2) : pick(world, wild ? 7 : 6);
        char qty[16];
        snprintf(qty, sizeof qty, "%u", 1 + pick(world, 5));
        if (pick(world, 3) > 0) {
            world_answer(world, release.number, release.n, revision, words[word]);
        } else {
            world_answer_line(world, release.number, release.n, revision, words[word], release.line,
                              pick(world, 2) == 0 ? qty : NULL);
        }
    }
}

static void site_ships(struct hub_world *world, bool wild) {
    static const char *const statuses[] = {NULL, NULL, NULL, "BACKORDER", "SHORT_FINAL"};
    struct at_site release = some_release(world, wild && pick(world, 4) == 0);
    char qty[16];
    if (!release.any) {
        return;
    }
    unsigned most = release.rest + (wild ? 1 + pick(world, 2) : 0);
    if (most > 0) {
        snprintf(qty, sizeof qty, "%u", 1 + pick(world, most));
        world_ships_line(world, release.number, release.n, release.line, release.sku, qty, release.uom,
                         statuses[pick(world, 5)]);
    }
}

static void some_trouble(struct hub_world *world) {
    struct world_site *site = &world->sites[pick(world, (unsigned)world->site_count)];
    switch (pick(world, 40)) {
    case 0:
        hub_world_crash(world);
        hub_world_start(world);
        break;
    case 1:
        world->drop_effects = true;
        hub_world_step(world);
        hub_world_crash(world);
        hub_world_start(world);
        break;
    case 2:
        world->fail_commit = true;
        break;
    case 3:
        world->fail_batch = true;
        break;
    case 4:
        hub_world_site_crash(site);
        hub_world_site_start(site);
        break;
    default:
        break;
    }
}

static void list_stock(struct hub_world *world, unsigned most) {
    char qty[16];
    snprintf(qty, sizeof qty, "%u", pick(world, most));
    world_stock(world, site_names[pick(world, 2)], skus[pick(world, 2)], qty);
}

static void one_step(struct hub_world *world, bool wild) {
    int number = 1 + (int)pick(world, (unsigned)order_count);
    switch (pick(world, 12)) {
    case 0:
        if (order_count < 20) {
            new_order(world);
        }
        break;
    case 1:
        cancel_order(world, number);
        break;
    case 2:
        revise_order(world, number);
        break;
    case 3:
        operator_does(world);
        break;
    case 4:
        list_stock(world, 40);
        break;
    case 5:
    case 6:
    case 7:
        site_answers(world, wild);
        break;
    case 8:
    case 9:
        site_ships(world, wild);
        break;
    case 10:
        hub_world_run(world, 20000);
        break;
    default:
        break;
    }
}

/* ---- the end ---- */

static void finish_release(struct hub_world *world, const char *text) {
    int number, n, revision, cancel;
    char line[8], sku[16], uom[8], qty[32];
    assert_int_equal(
        sscanf(text, "%d %d %d %d %7s %15s %7s %31s", &number, &n, &revision, &cancel, line, sku, uom, qty),
        8);
    if (cancel == 1) {
        world_answer(world, number, n, revision, "CANCEL_REFUSED");
    } else {
        world_ships_line(world, number, n, line, sku, qty, uom, "SHORT_FINAL");
    }
}

static void decide_all(struct hub_world *world) {
    static const char *const words[][2] = {{"BACKORDER_DECISION", "accept"},
                                           {"CREDIT_HOLD", "accept"},
                                           {"ERP_REJECTED_SALE", "retry"},
                                           {"ERP_REJECTED_CHANGE", "retry"}};
    for (size_t word = 0; word < sizeof words / sizeof words[0]; word++) {
        while (world_resolve(world, words[word][0], words[word][1]) == 202) {
        }
    }
    for (int number = 1; number <= order_count; number++) {
        (void)world_ask(world, xd_hub_order_unhold, number, "{\"hold\":\"OPERATOR\"}");
    }
}

static void finish_all(struct hub_world *world) {
    char text[256];
    for (int round = 0; round < 400; round++) {
        world_query(
            world,
            "SELECT substr(o.external_order_id, 4)||' '||(SELECT count(*) FROM release b WHERE b.order_id = "
            "r.order_id AND b.n <= r.n)||' '||r.revision||' '||r.cancel||' '||x.line_id||' '||x.sku||' "
            "'||x.uom||' '||(CAST(x.qty AS REAL) - x.shipped - x.closed) FROM release r JOIN orders o ON "
            "o.order_id = r.order_id JOIN release_line x ON x.n = r.n WHERE r.status NOT IN (0, 5, 9, 10, "
            "11) "
            "AND (r.cancel = 1 OR CAST(x.qty AS REAL) - x.shipped - x.closed > 0)",
            text);
        if (strcmp(text, "none") == 0) {
            return;
        }
        finish_release(world, text);
        assert_true(hub_world_quiet(world, 30 * MINUTE_MS));
    }
    fail_msg("it never ends");
}

static void come_to_an_end(struct hub_world *world) {
    world->plan = NULL;
    world->fail_commit = world->fail_batch = false;
    assert_true(hub_world_quiet(world, 30 * MINUTE_MS));
    world_put(world, "sites", "{\"site\":\"WH1\"}");
    decide_all(world);
    for (size_t site = 0; site < 2; site++) {
        for (size_t sku = 0; sku < 2; sku++) {
            world_stock(world, site_names[site], skus[sku], "100000");
        }
    }
    assert_true(hub_world_quiet(world, 30 * MINUTE_MS));
    finish_all(world);
    for (int number = 1; number <= order_count; number++) { /* what no site takes any more */
        (void)world_cancel(world, number, "");
    }
    assert_true(hub_world_quiet(world, 30 * MINUTE_MS));
    finish_all(world);
}

static void live_through(uint64_t seed, bool wild) {
    struct hub_world world;
    order_count = 0;
    hub_world_open(&world, seed);
    (void)hub_world_add_site(&world, "WH1");
    (void)hub_world_add_site(&world, "WH2");
    world_put(&world, "products",
              "{\"sku\":\"GADGET\",\"base_uom\":\"EA\",\"uoms\":[{\"uom\":\"CS\",\"num\":12}]}");
    world_put(&world, "products", "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\"}");
    world_put(&world, "customers",
              "{\"code\":\"CUST-1\",\"name\":\"One\",\"active\":true,\"credit_limit\":\"400\"}");
    world_put(&world, "sites",
              seed % 2 == 0 ? "{\"site\":\"WH1\",\"ack_minutes\":1}"
                            : "{\"site\":\"WH1\",\"ack_minutes\":2,\"reserves\":\"WMS\"}");
    for (int listed = 0; listed < 6; listed++) {
        list_stock(&world, 60);
    }
    new_order(&world);
    world.plan = plan_trouble;
    for (int step = 0; step < STEPS; step++) {
        one_step(&world, wild);
        some_trouble(&world);
        hub_world_step(&world);
        assert_agrees(&world);
    }
    come_to_an_end(&world);
    assert_agrees(&world);
    assert_count(&world, "SELECT count(*) FROM orders WHERE status NOT IN (3, 10, 11, 12, 13)", 0);
    assert_exposure(&world, "CUST-1", "0");
    assert_erp_agrees(&world);
    assert_int_equal(world.queue.dead, 0);
    hub_world_close(&world);
}

static void run_seeds(bool wild) {
    const char *only = getenv("XD_TEST_SEED");
    if (only != NULL) {
        live_through(strtoull(only, NULL, 10), wild);
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %llu (again: XD_TEST_SEED=%llu)\n", (unsigned long long)seed,
                      (unsigned long long)seed);
        live_through(seed, wild);
    }
}

static void the_books_agree_whatever_comes(void **state) {
    (void)state;
    run_seeds(false);
}

/* ... also when sites ship what they refused or gave up, and more than they were told. */
static void the_books_agree_whatever_sites_do(void **state) {
    (void)state;
    run_seeds(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_books_agree_whatever_comes),
        cmocka_unit_test(the_books_agree_whatever_sites_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
