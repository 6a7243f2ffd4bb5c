/* A hub that is set back to an older copy gets shipments again that it had posted, and that were restated or
 * taken back since: before their release is here, while it is a draft, or in another order than before. The
 * ERP must end with what the site said last. */
#include "unit/hub_world_orders.h"

#include <stdio.h>
#include <string.h>

#define QUOTED_SIZE (2 * XD_ID_SIZE + 8) /* of two releases */

/* releases: quoted. qty: of line 1; NULL: no lines. */
static void says(struct hub_world *world, const char *id, int version, const char *kind, const char *shipment,
                 const char *releases, const char *qty, const char *more) {
    char text[1024], lines[256] = "";
    if (qty != NULL) {
        (void)snprintf(lines, sizeof lines,
                       ",\"shipped_at\":\"2026-11-23T10:00:00+01:00\",\"lines\":[{\"line_id\":\"1\","
                       "\"sku\":\"WIDGET\",\"qty_shipped\":\"%s\",\"uom\":\"EA\"}]",
                       qty);
    }
    (void)snprintf(text, sizeof text,
                   "{\"confirmation_id\":\"%s\",\"version\":%d,\"kind\":\"%s\",\"shipment_id\":\"%s\","
                   "\"release_ids\":[%s]%s%s}",
                   id, version, kind, shipment, releases, lines, more);
    hub_world_wms(&world->sites[0], "confirmation", text);
    hub_world_run(world, MINUTE_MS);
}

static void quote(const char *release_id, char out[QUOTED_SIZE]) {
    (void)snprintf(out, QUOTED_SIZE, "\"%s\"", release_id);
}

/* ---- posted, and forgotten ---- */

/* Ten shipped as C-1, which the hub posted; it is off. */
static struct hub_world *posted(void **state, char releases[QUOTED_SIZE]) {
    struct hub_world *world = world_with_stock(state, "20", "0");
    char release_id[XD_ID_SIZE];
    hub_world_copy(world);
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    quote(release_id, releases);
    says(world, "C-1", 1, "SHIP", "S-1", releases, "10", "");
    world_quiet(world);
    assert_sale(world, 1, "1", "10 2.5 10");
    hub_world_crash(world);
    return world;
}

/* ... and it is back, without what it knew. draft: the ERP is away, so that what comes back waits for its
 * sale. */
static struct hub_world *forgotten(void **state, char releases[QUOTED_SIZE], bool draft) {
    struct hub_world *world = posted(state, releases);
    world->plan = draft ? world_erp_away : NULL;
    if (draft) {
        hub_world_restore(world);
        hub_world_run(world, 5 * MINUTE_MS);
        assert_release(world, 1, 1, "WH1 DRAFT NONE 1");
    }
    return world;
}

static void comes_to_rest(struct hub_world *world, bool draft) {
    if (!draft) {
        hub_world_restore(world);
    }
    hub_world_run(world, 5 * MINUTE_MS);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 180 * MINUTE_MS));
    assert_erp_agrees(world);
}

static void assert_taken_back(struct hub_world *world) {
    assert_sale(world, 1, "1", "10 2.5 0");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_exceptions(world, "UNKNOWN_RELEASE", 0);
    world_ships(world, 1, 1, "10", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_sale(world, 1, "1", "10 2.5 10");
    assert_erp_agrees(world);
}

static void assert_restated(struct hub_world *world) {
    assert_sale(world, 1, "1", "10 2.5 7");
    assert_line(world, 1, "1", "0 0 3 7 0 0 0");
}

/* ---- what the site says of it since ---- */

typedef void (*say_fn)(struct hub_world *world, const char *releases);

static void void_it(struct hub_world *world, const char *releases) {
    says(world, "V-1", 1, "VOID", "S-1", releases, NULL, "");
}

/* Of the release that the void names nobody knows. */
static void void_its_shipment(struct hub_world *world, const char *releases) {
    (void)releases;
    says(world, "V-1", 1, "VOID", "S-1", "\"R-OTHER\"", NULL, "");
}

static void void_it_by_version(struct hub_world *world, const char *releases) {
    says(world, "C-1", 2, "VOID", "S-1", releases, NULL, "");
}

static void restate_it(struct hub_world *world, const char *releases) {
    says(world, "C-1", 2, "SHIP", "S-1", releases, "7", "");
}

static void void_and_restate_it(struct hub_world *world, const char *releases) {
    void_it_by_version(world, releases);
    says(world, "C-1", 3, "SHIP", "S-1", releases, "7", "");
}

static struct hub_world *after(void **state, bool draft, say_fn say) {
    char releases[QUOTED_SIZE];
    struct hub_world *world = forgotten(state, releases, draft);
    say(world, releases);
    comes_to_rest(world, draft);
    return world;
}

static void it_is_taken_back_while_its_release_is_a_draft(void **state) {
    assert_taken_back(after(state, true, void_it));
}

static void it_is_taken_back_before_its_release_is_here(void **state) {
    assert_taken_back(after(state, false, void_it));
}

static void it_is_taken_back_by_its_shipment_while_its_release_is_a_draft(void **state) {
    assert_taken_back(after(state, true, void_its_shipment));
}

static void it_is_taken_back_by_its_shipment_before_its_release_is_here(void **state) {
    assert_taken_back(after(state, false, void_its_shipment));
}

static void it_is_taken_back_by_a_version_of_itself(void **state) {
    assert_taken_back(after(state, false, void_it_by_version));
}

static void it_is_restated_while_its_release_is_a_draft(void **state) {
    assert_restated(after(state, true, restate_it));
}

/* The site sends first what it had not sent yet, and then what the hub forgot. */
static void it_is_restated_before_it_comes_again(void **state) {
    assert_restated(after(state, false, restate_it));
}

static void it_is_taken_back_and_restated_while_its_release_is_a_draft(void **state) {
    assert_restated(after(state, true, void_and_restate_it));
}

static void it_is_taken_back_and_restated_before_it_comes_again(void **state) {
    assert_restated(after(state, false, void_and_restate_it));
}

/* The hub was set back to when the release had gone out. */
static void its_release_was_not_forgotten(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "0");
    char release_id[XD_ID_SIZE], releases[QUOTED_SIZE];
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    hub_world_copy(world);
    world_release_id(world, 1, 1, release_id);
    quote(release_id, releases);
    says(world, "C-1", 1, "SHIP", "S-1", releases, "10", "");
    world_quiet(world);
    hub_world_crash(world);
    says(world, "C-1", 2, "SHIP", "S-1", releases, "7", "");
    comes_to_rest(world, false);
    assert_restated(world);
}

static void refuses_shipments(struct hub_world *world, const struct xd_erp_call *call,
                              struct call_plan *plan) {
    (void)world;
    if (!call->list && call->request.kind == XD_ERP_SHIPMENT) {
        *plan =
            (struct call_plan){.lands_ms = -1, .answers_ms = 100, .lies = true, .outcome = XD_ERP_REJECTED};
    }
}

/* It was tried again after the copy, and went through. */
static void it_was_refused_when_the_copy_was_made(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "0");
    char release_id[XD_ID_SIZE], releases[QUOTED_SIZE];
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    quote(release_id, releases);
    world->plan = refuses_shipments;
    says(world, "C-1", 1, "SHIP", "S-1", releases, "10", "");
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    hub_world_copy(world);
    world->plan = NULL;
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SHIPMENT", "retry"), 200);
    world_quiet(world);
    assert_sale(world, 1, "1", "10 2.5 10");
    hub_world_restore(world);
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    says(world, "C-1", 2, "SHIP", "S-1", releases, "7", "");
    comes_to_rest(world, true);
    assert_restated(world);
}

/* It was of PO-2's release after all. */
static void restated_for_another_release(void **state, bool draft) {
    char release_id[XD_ID_SIZE], first[QUOTED_SIZE], second[QUOTED_SIZE];
    struct hub_world *world = world_with_stock(state, "40", "0");
    hub_world_copy(world);
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(world_simple(world, 2, "", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    quote(release_id, first);
    world_release_id(world, 2, 1, release_id);
    quote(release_id, second);
    says(world, "C-1", 1, "SHIP", "S-1", first, "10", "");
    world_quiet(world);
    hub_world_crash(world);
    if (draft) {
        world->plan = world_erp_away;
        hub_world_restore(world);
        hub_world_run(world, 5 * MINUTE_MS);
    }
    says(world, "C-1", 2, "SHIP", "S-1", second, "10", "");
    comes_to_rest(world, draft);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_line(world, 2, "1", "0 0 0 10 0 0 0");
    assert_sale(world, 1, "1", "10 2.5 0");
    assert_sale(world, 2, "1", "10 2.5 10");
}

static void it_is_restated_for_another_release_while_its_own_is_a_draft(void **state) {
    restated_for_another_release(state, true);
}

static void it_is_restated_for_another_release_before_it_comes_again(void **state) {
    restated_for_another_release(state, false);
}

static void a_shipment_of_two_releases_is_taken_back(void **state) {
    char first[XD_ID_SIZE], second[XD_ID_SIZE], releases[QUOTED_SIZE], lines[512];
    struct hub_world *world = world_with_stock(state, "40", "0");
    hub_world_copy(world);
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(world_simple(world, 2, "", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, first);
    world_release_id(world, 2, 1, second);
    (void)snprintf(releases, sizeof releases, "\"%s\",\"%s\"", first, second);
    (void)snprintf(
        lines, sizeof lines,
        ",\"shipped_at\":\"2026-11-23T10:00:00+01:00\",\"lines\":["
        "{\"release_id\":\"%s\",\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"10\",\"uom\":\"EA\"},"
        "{\"release_id\":\"%s\",\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"9\",\"uom\":\"EA\"}]",
        first, second);
    says(world, "C-1", 1, "SHIP", "S-1", releases, NULL, lines);
    world_quiet(world);
    assert_sale(world, 2, "1", "10 2.5 9");
    hub_world_crash(world);
    void_it(world, releases);
    comes_to_rest(world, false);
    assert_sale(world, 1, "1", "10 2.5 0");
    assert_sale(world, 2, "1", "10 2.5 0");
}

/* What takes lines of others back as well cannot be undone whole, and is let alone. */
static void a_late_version_with_a_reversal_line_does_nothing(void **state) {
    static const char *const lines =
        ",\"shipped_at\":\"2026-11-23T10:00:00+01:00\",\"lines\":["
        "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"2\",\"uom\":\"EA\",\"reversal\":true},"
        "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"1\",\"uom\":\"EA\"}]";
    struct hub_world *world = world_with_stock(state, "20", "0");
    char release_id[XD_ID_SIZE], releases[QUOTED_SIZE];
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    quote(release_id, releases);
    says(world, "C-0", 1, "SHIP", "S-0", releases, "5", "");
    world_quiet(world);
    hub_world_copy(world);
    says(world, "C-9", 1, "SHIP", "S-9", releases, "1", "");
    world_quiet(world);
    hub_world_crash(world);
    says(world, "C-1", 2, "SHIP", "S-1", releases, "1", "");
    comes_to_rest(world, false);
    says(world, "C-1", 1, "SHIP", "S-1", releases, NULL, lines);
    world_quiet(world);
    assert_restated(world);
    assert_erp_agrees(world);
}

static void long_after_the_restore_a_late_version_was_not_posted(void **state) {
    char releases[QUOTED_SIZE];
    struct hub_world *world = forgotten(state, releases, false);
    comes_to_rest(world, false);
    hub_world_run(world, 2 * XD_DAY_MS);
    says(world, "C-2", 2, "SHIP", "S-2", releases, "2", "");
    says(world, "C-2", 1, "SHIP", "S-2", releases, "1", "");
    world_quiet(world);
    assert_ledger(world, "SELECT count(*) FROM shipment", 2);
}

/* ---- what waits is undone before its release comes ---- */

/* The site ships what it was never given; the hub knows the release when the order is sent again. */
static struct hub_world *waiting(void **state, char releases[QUOTED_SIZE]) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = world_with_stock(state, "20", "0");
    hub_world_copy(world);
    hub_world_site_crash(&world->sites[0]);
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, MINUTE_MS);
    world_release_id(world, 1, 1, release_id);
    quote(release_id, releases);
    hub_world_restore(world);
    hub_world_site_start(&world->sites[0]);
    hub_world_run(world, 5 * MINUTE_MS);
    return world;
}

static void comes(struct hub_world *world) {
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_true(hub_world_quiet(world, 180 * MINUTE_MS));
    assert_erp_agrees(world);
    assert_count(world, "SELECT count(*) FROM confirmation WHERE jobs_open <> 0 OR waits_for <> ''", 0);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
}

static void its_own_void_may_be_superseded(void **state) {
    char releases[QUOTED_SIZE];
    struct hub_world *world = waiting(state, releases);
    says(world, "C-1", 1, "SHIP", "S-1", releases, "10", "");
    void_and_restate_it(world, releases);
    comes(world);
    assert_restated(world);
    assert_count(world, "SELECT lines_applied FROM confirmation WHERE version = 1", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment WHERE reverses > 0", 1);
}

static void a_void_comes_first(void **state, const char *id, int version) {
    char releases[QUOTED_SIZE];
    struct hub_world *world = waiting(state, releases);
    void_it(world, releases);
    says(world, "C-1", 1, "SHIP", "S-1", releases, "4", "");
    says(world, id, version, "SHIP", "S-1", releases, "6", "");
    comes(world);
    assert_sale(world, 1, "1", "10 2.5 0");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

static void a_void_that_waits_takes_all_of_its_shipment_back(void **state) {
    a_void_comes_first(state, "C-2", 1);
}

static void a_void_that_waits_takes_all_versions_back(void **state) {
    a_void_comes_first(state, "C-1", 2);
}

static void what_a_person_accepted_is_looked_at_as_accepted(void **state) {
    char releases[QUOTED_SIZE];
    struct hub_world *world = waiting(state, releases);
    says(world, "C-1", 1, "SHIP", "S-1", releases, "10", ",\"control_totals\":{\"lines\":1,\"qty\":\"11\"}");
    assert_int_equal(world_resolve(world, "HASH_TOTAL", "accept"), 200);
    void_it(world, releases);
    comes(world);
    assert_sale(world, 1, "1", "10 2.5 0");
    assert_count(world, "SELECT lines_applied FROM confirmation WHERE confirmation_id = 'C-1'", 1);
}

static void many_are_taken_back_twice(void **state) {
    char releases[QUOTED_SIZE], id[16];
    struct hub_world *world = waiting(state, releases);
    for (int number = 1; number <= 20; number++) {
        (void)snprintf(id, sizeof id, "C-%d", number);
        says(world, id, 1, "SHIP", "S-1", releases, "1", "");
    }
    says(world, "V-1", 1, "VOID", "S-1", releases, NULL, "");
    says(world, "V-2", 1, "VOID", "S-1", releases, NULL, "");
    says(world, "V-1", 2, "VOID", "S-1", releases, NULL, "");
    comes(world);
    assert_sale(world, 1, "1", "10 2.5 0");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup_teardown(test, world_two_sites, hub_world_teardown)
        WITH(it_is_taken_back_while_its_release_is_a_draft),
        WITH(it_is_taken_back_before_its_release_is_here),
        WITH(it_is_taken_back_by_its_shipment_while_its_release_is_a_draft),
        WITH(it_is_taken_back_by_its_shipment_before_its_release_is_here),
        WITH(it_is_taken_back_by_a_version_of_itself),
        WITH(it_is_restated_while_its_release_is_a_draft),
        WITH(it_is_restated_before_it_comes_again),
        WITH(it_is_taken_back_and_restated_while_its_release_is_a_draft),
        WITH(it_is_taken_back_and_restated_before_it_comes_again),
        WITH(its_release_was_not_forgotten),
        WITH(it_was_refused_when_the_copy_was_made),
        WITH(it_is_restated_for_another_release_while_its_own_is_a_draft),
        WITH(it_is_restated_for_another_release_before_it_comes_again),
        WITH(a_shipment_of_two_releases_is_taken_back),
        WITH(a_late_version_with_a_reversal_line_does_nothing),
        WITH(long_after_the_restore_a_late_version_was_not_posted),
        WITH(its_own_void_may_be_superseded),
        WITH(a_void_that_waits_takes_all_of_its_shipment_back),
        WITH(a_void_that_waits_takes_all_versions_back),
        WITH(what_a_person_accepted_is_looked_at_as_accepted),
        WITH(many_are_taken_back_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
