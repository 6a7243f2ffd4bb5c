/* Orders and their releases in the hub's world; each book read from its own database by SQL, beside the
 * code under test. */
#include "unit/hub_world_orders.h"

#include "hub/orchestration/stock.h"
#include "hub/reference/reference.h"
#include "hub/view.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one text by SQL ---- */

static void query_text(struct hub_world *world, enum world_book book, const char *sql, char out[256]) {
    sqlite3 *handle = hub_world_reader(world, book);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    }
    const char *text =
        sqlite3_step(statement) == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : "none";
    snprintf(out, 256, "%s", text != NULL ? text : "none");
    (void)sqlite3_finalize(statement);
}

void world_query(struct hub_world *world, const char *sql, char out[256]) {
    query_text(world, WORLD_BOOK_HUB, sql, out);
}

static void assert_query(struct hub_world *world, enum world_book book, const char *sql, const char *what,
                         const char *expected) {
    char text[256];
    query_text(world, book, sql, text);
    if (strcmp(text, expected) != 0) {
        fail_msg("%s: \"%s\", not \"%s\"", what, text, expected);
    }
}

/* ---- what is there ---- */

static enum xd_result say(const struct xd_api_request *request, unsigned status, struct xd_effects *effects) {
    struct xd_effect *effect = xd_effects_add(effects, XD_EFFECT_HTTP);
    if (effect != NULL) {
        effect->handle = request->handle;
        effect->status = status;
    }
    return XD_OK;
}

static enum xd_result put_entry(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                struct xd_effects *effects) {
    int64_t version;
    struct xd_problems problems;
    memset(&problems, 0, sizeof problems);
    enum xd_result result = xd_reference_put(hub, xd_reference_kind_of(request->id), request->body, "api",
                                             now, &version, &problems);
    return result == XD_OK ? say(request, 200, effects) : result;
}

static enum xd_result list_stock(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                 struct xd_effects *effects) {
    struct xd_decimal qty;
    char text[XD_DECIMAL_TEXT_MAX];
    snprintf(text, sizeof text, "%.*s", (int)request->body.size, (const char *)request->body.data);
    enum xd_result result = xd_decimal_parse(text, &qty);
    if (result == XD_OK) {
        result = xd_stock_listed(hub, request->id, request->key, qty, "api", now);
    }
    return result == XD_OK ? say(request, 200, effects) : result;
}

static unsigned post(struct hub_world *world, struct api_call *api, const char *body) {
    api->body = strdup(body != NULL ? body : "");
    assert_non_null(api->body);
    unsigned status = hub_world_post(world, api);
    if (getenv("XD_TEST_LOG") != NULL && status >= 400) {
        fprintf(stderr, "%u %s\n", status, api->text != NULL ? api->text : "");
    }
    hub_world_api_free(api);
    free(api->body);
    return status;
}

/* Once more when a commit was made to fail. */
static unsigned post_until_taken(struct hub_world *world, const struct api_call *api, const char *body) {
    unsigned status = 503;
    for (int tries = 0; tries < 3 && status == 503; tries++) {
        struct api_call call = *api;
        status = post(world, &call, body);
    }
    return status;
}

void world_put(struct hub_world *world, const char *kind, const char *body) {
    const struct api_call api = {.write = put_entry, .id = kind};
    assert_int_equal(post_until_taken(world, &api, body), 200);
}

void world_stock(struct hub_world *world, const char *site, const char *sku, const char *qty) {
    const struct api_call api = {.write = list_stock, .id = site, .reference_key = sku};
    assert_int_equal(post_until_taken(world, &api, qty), 200);
}

int world_two_sites(void **state) {
    int result = hub_world_setup(state);
    (void)hub_world_add_site(*state, "WH2");
    return result;
}

struct hub_world *world_with_stock(void **state, const char *one, const char *two) {
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", one);
    world_stock(world, "WH2", "WIDGET", two);
    return world;
}

/* ---- orders ---- */

char *world_order_text(int number, const char *head, const char *lines, char out[ORDER_TEXT_SIZE]) {
    int size =
        snprintf(out, ORDER_TEXT_SIZE,
                 "{\"external_order_id\":\"PO-%d\",\"channel\":{\"type\":\"portal\",\"account\":\"web\"},"
                 "\"customer\":{\"external_ref\":\"CUST-1\"},\"currency\":\"EUR\",%s"
                 "\"parties\":{\"ship_to\":{\"name\":\"Corner Shop\",\"address\":[\"1 Dock Road\"],"
                 "\"city\":\"Leeds\",\"postal_code\":\"LS1 1AA\",\"country\":\"GB\"}},\"lines\":[%s]}",
                 number, head, lines);
    assert_true(size > 0 && (size_t)size < ORDER_TEXT_SIZE);
    return out;
}

const char *world_line(const char *id, const char *sku, const char *qty, const char *uom, char out[256]) {
    snprintf(
        out, 256,
        "{\"external_line_id\":\"%s\",\"sku\":\"%s\",\"qty\":\"%s\",\"uom\":\"%s\",\"unit_price\":\"2.50\"}",
        id, sku, qty, uom);
    return out;
}

unsigned world_take(struct hub_world *world, int number, const char *text) {
    struct api_call api = {.has_key = true};
    snprintf(api.key, sizeof api.key, "key-%d", number);
    return post(world, &api, text);
}

unsigned world_order(struct hub_world *world, int number, const char *head, const char *lines) {
    char text[ORDER_TEXT_SIZE];
    return world_take(world, number, world_order_text(number, head, lines, text));
}

unsigned world_simple(struct hub_world *world, int number, const char *head, const char *qty) {
    char line[256];
    return world_order(world, number, head, world_line("1", "WIDGET", qty, "EA", line));
}

unsigned world_two_lines(struct hub_world *world, int number, const char *head, const char *one,
                         const char *two) {
    char first[256], second[256], lines[600];
    (void)snprintf(lines, sizeof lines, "%s,%s", world_line("1", "WIDGET", one, "EA", first),
                   world_line("2", "WIDGET", two, "EA", second));
    return world_order(world, number, head, lines);
}

static void id_of(struct hub_world *world, int number, char out[XD_ID_SIZE]) {
    char external[32];
    snprintf(external, sizeof external, "PO-%d", number);
    hub_world_order_id(world, external, out);
}

unsigned world_ask(struct hub_world *world, world_write write, int number, const char *body) {
    char id[XD_ID_SIZE];
    struct api_call api = {.write = write, .id = id};
    id_of(world, number, id);
    return post(world, &api, body);
}

unsigned world_cancel(struct hub_world *world, int number, const char *body) {
    return world_ask(world, xd_hub_order_cancel, number, body);
}

unsigned world_revise(struct hub_world *world, int number, const char *if_match, const char *body) {
    char id[XD_ID_SIZE];
    struct api_call api = {.write = xd_hub_order_revise, .id = id, .if_match = if_match};
    id_of(world, number, id);
    return post(world, &api, body);
}

unsigned world_resolve(struct hub_world *world, const char *code, const char *action) {
    static const struct xd_client_row operator_client = {.client = "op", .tenant = "", .role = "operator"};
    char sql[256], id[256], body[80];
    struct api_call api = {.write = xd_hub_exception_resolve, .id = id, .client = &operator_client};
    snprintf(sql, sizeof sql, "SELECT id FROM exception WHERE open = 1 AND code = '%s' ORDER BY n LIMIT 1",
             code);
    query_text(world, WORLD_BOOK_HUB, sql, id);
    snprintf(body, sizeof body, "{\"action\":\"%s\",\"reason\":\"looked\"}", action);
    return post(world, &api, body);
}

unsigned world_replay(struct hub_world *world, const char *body, const char *expected) {
    static const struct xd_client_row operator_client = {.client = "op", .tenant = "", .role = "operator"};
    struct api_call api = {.write = xd_hub_replay, .client = &operator_client};
    api.body = strdup(body);
    assert_non_null(api.body);
    unsigned status = hub_world_post(world, &api);
    if (api.text == NULL || strstr(api.text, expected) == NULL) {
        fail_msg("%u %s", status, api.text != NULL ? api.text : "");
    }
    hub_world_api_free(&api);
    free(api.body);
    return status;
}

/* ---- sites ---- */

static void release_column(struct hub_world *world, int number, int n, const char *column, char out[256]) {
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT %s FROM release r JOIN orders o ON o.order_id = r.order_id "
             "WHERE o.external_order_id = 'PO-%d' ORDER BY r.n LIMIT 1 OFFSET %d",
             column, number, n - 1);
    query_text(world, WORLD_BOOK_HUB, sql, out);
}

void world_release_id(struct hub_world *world, int number, int n, char out[XD_ID_SIZE]) {
    char text[256];
    release_column(world, number, n, "r.release_id", text);
    if (strcmp(text, "none") == 0) {
        fail_msg("PO-%d has no release %d", number, n);
    }
    snprintf(out, XD_ID_SIZE, "%.31s", text);
}

static struct world_site *site_of(struct hub_world *world, int number, int n) {
    char text[256];
    release_column(world, number, n, "r.site", text);
    for (size_t index = 0; index < world->site_count; index++) {
        if (strcmp(world->sites[index].name, text) == 0) {
            return &world->sites[index];
        }
    }
    fail_msg("PO-%d: release %d is at no site", number, n);
    return NULL;
}

static void wms_says(struct hub_world *world, int number, int n, int revision, const char *response,
                     const char *lines) {
    char id[XD_ID_SIZE], text[400];
    world_release_id(world, number, n, id);
    snprintf(text, sizeof text,
             "{\"release_id\":\"%s\",\"revision\":%d,\"response\":\"%s\",\"reason\":\"as it is\"%s}", id,
             revision, response, lines);
    hub_world_wms(site_of(world, number, n), "release/response", text);
}

void world_answer(struct hub_world *world, int number, int n, int revision, const char *response) {
    wms_says(world, number, n, revision, response, "");
}

void world_answer_line(struct hub_world *world, int number, int n, int revision, const char *response,
                       const char *line_id, const char *qty) {
    char lines[128], of[48] = "";
    if (qty != NULL) {
        snprintf(of, sizeof of, ",\"qty\":\"%s\"", qty);
    }
    snprintf(lines, sizeof lines, ",\"lines\":[{\"line_id\":\"%s\"%s}]", line_id, of);
    wms_says(world, number, n, revision, response, lines);
}

void world_ships_line(struct hub_world *world, int number, int n, const char *line_id, const char *sku,
                      const char *qty, const char *uom, const char *status) {
    char id[XD_ID_SIZE], text[1024], said[64] = "";
    unsigned made = ++world->confirmations;
    world_release_id(world, number, n, id);
    if (status != NULL) {
        snprintf(said, sizeof said, ",\"status\":\"%s\"", status);
    }
    snprintf(
        text, sizeof text,
        "{\"confirmation_id\":\"K-%u\",\"kind\":\"SHIP\",\"shipment_id\":\"S-%u\",\"release_ids\":[\"%s\"],"
        "\"reporting\":\"EXCEPTIONS\",\"shipped_at\":\"2026-11-23T10:00:00+01:00\",\"lines\":[{\"line_id\":"
        "\"%s\",\"sku\":\"%s\",\"qty_shipped\":\"%s\",\"uom\":\"%s\"%s}]}",
        made, made, id, line_id, sku, qty, uom, said);
    hub_world_wms(site_of(world, number, n), "confirmation", text);
}

void world_ships(struct hub_world *world, int number, int n, const char *qty, const char *status) {
    world_ships_line(world, number, n, "1", "WIDGET", qty, "EA", status);
}

void world_quiet(struct hub_world *world) {
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_agrees(world);
}

/* ---- books ---- */

void world_erp_away(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    (void)call;
    *plan =
        (struct call_plan){.lands_ms = -1, .answers_ms = 1000, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
}

void assert_line(struct hub_world *world, int number, const char *line_id, const char *expected) {
    char sql[400], what[64];
    snprintf(what, sizeof what, "PO-%d line %s", number, line_id);
    snprintf(sql, sizeof sql,
             "SELECT l.open||' '||l.allocated||' '||l.released||' '||l.shipped||' '||l.cancelled||' '||"
             "l.backordered||' '||l.pending FROM order_line l JOIN orders o ON o.n = l.n WHERE "
             "o.external_order_id = 'PO-%d' AND "
             "l.line_id = '%s'",
             number, line_id);
    assert_query(world, WORLD_BOOK_HUB, sql, what, expected);
}

void assert_release(struct hub_world *world, int number, int n, const char *expected) {
    char text[256], site[64], made[256];
    int status = -1, cancel = -1, revision = -1;
    release_column(world, number, n, "r.site||' '||r.status||' '||r.cancel||' '||r.revision", text);
    assert_int_equal(sscanf(text, "%63s %d %d %d", site, &status, &cancel, &revision), 4);
    snprintf(made, sizeof made, "%s %s %s %d", site, xd_release_status_names[status],
             xd_release_cancel_names[cancel], revision);
    if (strcmp(made, expected) != 0) {
        fail_msg("PO-%d release %d: \"%s\", not \"%s\"", number, n, made, expected);
    }
}

void assert_releases(struct hub_world *world, int number, int64_t expected) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM release r JOIN orders o ON o.order_id = r.order_id WHERE "
             "o.external_order_id = 'PO-%d'",
             number);
    assert_count(world, sql, expected);
}

void assert_status(struct hub_world *world, int number, const char *expected) {
    char external[32];
    snprintf(external, sizeof external, "PO-%d", number);
    int status = hub_world_order_status(world, external);
    assert_true(status >= 0);
    if (strcmp(xd_order_status_names[status], expected) != 0) {
        fail_msg("PO-%d is %s, not %s", number, xd_order_status_names[status], expected);
    }
}

static void assert_view_reason(struct hub_world *world, const char *order_id, const char *code,
                               const char *by) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    assert_int_equal(xd_view_order(&world->store, order_id, &text), XD_OK);
    cJSON *tree = cJSON_Parse(xd_buffer_string(&text));
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(tree, "reason");
    const char *said = xd_json_text(reason, "code"), *who = xd_json_text(reason, "by");
    if (said == NULL || strcmp(said, code) != 0 || strcmp(who != NULL ? who : "", by) != 0) {
        fail_msg("not %s by %s: %s", code, by, xd_buffer_string(&text));
    }
    if (strcmp(xd_json_text(tree, "status"), "REJECTED") == 0) { /* nobody asked for that */
        assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(tree, "cancel_requested")));
    }
    cJSON_Delete(tree);
    xd_buffer_free(&text);
}

void assert_reason(struct hub_world *world, int number, const char *code, const char *by) {
    char sql[640], expected[128], id[256];
    snprintf(expected, sizeof expected, "%s %s", code, by);
    snprintf(sql, sizeof sql, "SELECT order_id FROM orders WHERE external_order_id = 'PO-%d'", number);
    query_text(world, WORLD_BOOK_HUB, sql, id);
    snprintf(
        sql, sizeof sql,
        "SELECT group_concat((detail ->> 'code') || ' ' || coalesce(detail ->> 'by', '')) FROM timeline JOIN"
        " orders USING (n) WHERE order_id = '%s' AND step IN ('order.cancelled', 'order.rejected')",
        id);
    assert_query(world, WORLD_BOOK_HUB, sql, "timeline", expected);
    snprintf(sql, sizeof sql,
             "SELECT group_concat((CAST(body AS TEXT) ->> '$.data.reason.code') || ' ' ||"
             " coalesce(CAST(body AS TEXT) ->> '$.data.reason.by', '')) FROM event WHERE order_id = '%s' AND "
             "type IN"
             " ('crossdock.order.cancelled.v1', 'crossdock.order.rejected.v1')",
             id);
    assert_query(world, WORLD_BOOK_HUB, sql, "event", expected);
    assert_view_reason(world, id, code, by);
}

void assert_step(struct hub_world *world, int number, const char *step, int64_t expected) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM timeline t JOIN orders o ON o.n = t.n WHERE o.external_order_id = 'PO-%d' "
             "AND t.step = '%s'",
             number, step);
    assert_count(world, sql, expected);
}

void assert_stock(struct hub_world *world, const char *site, const char *sku, const char *expected) {
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT on_hand||' '||reserved FROM stock WHERE site = '%s' AND sku = '%s'",
             site, sku);
    assert_query(world, WORLD_BOOK_HUB, sql, site, expected);
}

void assert_exposure(struct hub_world *world, const char *customer, const char *expected) {
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT amount FROM exposure WHERE customer = '%s'", customer);
    assert_query(world, WORLD_BOOK_HUB, sql, customer, expected);
}

void assert_sale(struct hub_world *world, int number, const char *line_id, const char *expected) {
    char sql[256], what[64];
    snprintf(what, sizeof what, "the sale of PO-%d, line %s", number, line_id);
    snprintf(
        sql, sizeof sql,
        "SELECT l.qty||' '||l.unit_price||' '||l.shipped FROM sale_line l JOIN sale s ON s.number = l.sale "
        "WHERE s.reference = 'acme/web/PO-%d' AND l.line_id = '%s'",
        number, line_id);
    assert_query(world, WORLD_BOOK_ERP, sql, what, expected);
}

void assert_raised(struct hub_world *world, const char *code, int64_t expected) {
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM exception WHERE code = '%s'", code);
    assert_count(world, sql, expected);
}

/* Quantities in these tests are small multiples of a half: exact as REAL. */
static const char *const disagreements[] = {
    "SELECT o.external_order_id||' line '||l.line_id||': at releases '||coalesce(sum(CAST(r.qty AS REAL) - "
    "r.shipped - "
    "r.closed), 0)||', not '||(CAST(l.pending AS REAL) + l.allocated + l.released) FROM order_line l JOIN "
    "orders o "
    "ON o.n = l.n LEFT JOIN (SELECT e.order_id, x.* FROM release e JOIN release_line x ON x.n = e.n) r ON "
    "r.order_id = o.order_id AND r.line_id = l.line_id GROUP BY l.n, l.number HAVING coalesce(sum(CAST(r.qty "
    "AS "
    "REAL) - r.shipped - r.closed), 0) <> CAST(l.pending AS REAL) + l.allocated + l.released",
    "SELECT s.site||' '||s.sku||': reserved '||s.reserved||', not '||coalesce(r.rest, 0) FROM stock s LEFT "
    "JOIN "
    "(SELECT e.site, x.sku, sum((CAST(x.qty AS REAL) - x.shipped - x.closed) * x.factor_num / x.factor_den) "
    "AS "
    "rest FROM release e JOIN release_line x ON x.n = e.n GROUP BY e.site, x.sku) r ON r.site = s.site AND "
    "r.sku "
    "= s.sku WHERE CAST(s.reserved AS REAL) <> coalesce(r.rest, 0)",
    "SELECT r.release_id||' is over and has a rest' FROM release r JOIN release_line x ON x.n = r.n WHERE "
    "r.status "
    "IN (5, 9, 10, 11) AND CAST(x.qty AS REAL) - x.shipped - x.closed <> 0",
    "SELECT r.release_id||' asks for more than there is' FROM release r JOIN release_line x ON x.n = r.n "
    "WHERE "
    "r.cancel = 1 AND r.status < 9 AND CAST(x.asked AS REAL) > CAST(x.qty AS REAL) - x.closed",
    "SELECT r.release_id||' waits for more of line '||x.line_id||' than its site was told of' FROM release r "
    "JOIN release_line x ON x.n = r.n WHERE CAST(x.qty AS REAL) - x.shipped - x.closed - x.asked > "
    "max(0, CAST(x.qty AS REAL) - x.left_out - x.shipped)",
    "SELECT 'exposure of '||e.customer||' '||e.amount||', not '||coalesce(sum(CAST(o.total AS REAL)), 0) "
    "FROM "
    "exposure e LEFT JOIN orders o ON o.customer_code = e.customer OR (o.customer_code = '' AND "
    "o.customer_ref = "
    "e.customer) GROUP BY e.customer HAVING CAST(e.amount AS REAL) <> coalesce(sum(CAST(o.total AS REAL)), "
    "0)",
    "SELECT external_order_id||' is over and counts '||total FROM orders WHERE status IN (3, 10, 11, 12, 13) "
    "AND "
    "total <> '0'",
};

void assert_agrees(struct hub_world *world) {
    for (size_t index = 0; index < sizeof disagreements / sizeof disagreements[0]; index++) {
        assert_query(world, WORLD_BOOK_HUB, disagreements[index], "the books", "none");
    }
    hub_world_books(world);
}

/* A line that a site closed short keeps its quantity there; one of which more was shipped may have that. */
void assert_erp_agrees(struct hub_world *world) {
    char text[256];
    query_text(
        world, WORLD_BOOK_BOTH,
        "SELECT o.external_order_id||' line '||l.line_id||': '||s.qty||' sold, '||s.shipped||' shipped, here "
        "'||l.ordered||' - '||l.cancelled||', '||l.shipped||' + '||l.overshipped FROM "
        "(SELECT n, line_id, ordered, cancelled, shipped, overshipped, 1.0 * factor_num / factor_den AS f "
        "FROM "
        "order_line) l JOIN orders o ON o.n = l.n JOIN erp.sale e ON e.reference = o.sale_reference LEFT "
        "JOIN "
        "(SELECT sale, line_id, qty, shipped, closed, 1.0 * factor_num / factor_den AS f FROM erp.sale_line) "
        "s "
        "ON s.sale = e.number AND s.line_id = l.line_id WHERE coalesce(s.shipped, 0) * coalesce(s.f, 1) <> "
        "(l.shipped + l.overshipped) * l.f OR (coalesce(s.closed, 0) = 0 AND coalesce(s.qty, 0) * "
        "coalesce(s.f, 1) <> (l.ordered - l.cancelled) * l.f AND NOT (CAST(l.overshipped AS REAL) > 0 AND "
        "s.qty "
        "* s.f BETWEEN (l.ordered - l.cancelled) * l.f AND s.shipped * s.f))",
        text);
    if (strcmp(text, "none") != 0) {
        fail_msg("the ERP: %s", text);
    }
    query_text(
        world, WORLD_BOOK_BOTH,
        "SELECT o.external_order_id||' shipped and was never sold' FROM order_line l JOIN orders o ON o.n = "
        "l.n WHERE CAST(l.shipped AS REAL) > 0 AND NOT EXISTS(SELECT 1 FROM erp.sale e WHERE e.reference = "
        "o.sale_reference)",
        text);
    if (strcmp(text, "none") != 0) {
        fail_msg("the ERP: %s", text);
    }
}
