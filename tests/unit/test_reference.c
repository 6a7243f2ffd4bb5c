/* Reference data in the hub: versions, look-ups, whose word counts, and that nothing is
 * believed that was undone. */
#include "unit/hub_world.h"

#include "hub/reference/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct xd_problems problems;

static void begin(struct hub_world *world) {
    assert_ok(world->store.delivery.tx.begin(world->store.delivery.tx.context));
}

static void commit(struct hub_world *world) {
    assert_ok(world->store.delivery.tx.commit(world->store.delivery.tx.context));
}

static enum xd_result try_put(struct hub_world *world, enum xd_reference_kind kind, const char *source,
                              const char *text, int64_t *version) {
    xd_problems_clear(&problems);
    return xd_reference_put(&world->hub, kind, xd_bytes_of_text(text), source, world->now, version,
                            &problems);
}

static int64_t put(struct hub_world *world, enum xd_reference_kind kind, const char *source,
                   const char *text) {
    int64_t version = 0;
    begin(world);
    if (try_put(world, kind, source, text, &version) != XD_OK) {
        fail_msg("%s: %s %s", text, problems.items[0].pointer, problems.items[0].detail);
    }
    commit(world);
    return version;
}

static int64_t product(struct hub_world *world, const char *sku, struct xd_product *out) {
    enum xd_result result = xd_reference_product(&world->hub, sku, out);
    assert_true(result == XD_OK || result == XD_NOT_FOUND);
    return result == XD_OK ? out->version : 0;
}

static int64_t customer(struct hub_world *world, const char *tenant, const char *account, const char *ref,
                        char code[XD_NAME_SIZE]) {
    struct xd_customer out;
    enum xd_result result = xd_reference_customer(&world->hub, tenant, account, ref, &out);
    assert_true(result == XD_OK || result == XD_NOT_FOUND);
    memcpy(code, out.code, XD_NAME_SIZE);
    return out.version;
}

/* ---- versions ---- */

static void kind_without_entries_is_not_known(void **state) {
    struct hub_world *world = *state;
    struct xd_product out;
    bool known = true;
    assert_ok(xd_reference_known(&world->hub, XD_REF_PRODUCT, &known));
    assert_false(known);
    assert_int_equal(product(world, "WIDGET", &out), 0);
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\"}");
    assert_ok(xd_reference_known(&world->hub, XD_REF_PRODUCT, &known));
    assert_true(known);
    assert_ok(xd_reference_known(&world->hub, XD_REF_CUSTOMER, &known));
    assert_false(known);
}

static void same_content_makes_no_new_version(void **state) {
    struct hub_world *world = *state;
    struct xd_product out;
    int64_t first = put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"W\",\"base_uom\":\"EA\",\"price\":\"1\"}");
    int64_t same =
        put(world, XD_REF_PRODUCT, "csv", "{ \"price\":\"1.0\", \"base_uom\":\"EA\",\"sku\":\"W\"}");
    assert_int_equal(first, same);
    int64_t second = put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"W\",\"base_uom\":\"EA\",\"price\":\"2\"}");
    assert_true(second > first);
    assert_int_equal(product(world, "W", &out), second);
    struct xd_reference_row row;
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    const struct xd_reference_store *store = &world->store.reference;
    assert_ok(store->get(store->context, XD_REF_PRODUCT, "W", first, &row, &body));
    assert_non_null(strstr(xd_buffer_string(&body), "\"price\":\"1\""));
    assert_ok(store->get(store->context, XD_REF_PRODUCT, "W", 0, &row, NULL));
    assert_int_equal(row.previous, first);
    xd_buffer_free(&body);
}

static void wrong_entry_changes_nothing(void **state) {
    struct hub_world *world = *state;
    struct xd_product out;
    int64_t version;
    int64_t first = put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"W\",\"base_uom\":\"EA\"}");
    begin(world);
    assert_int_equal(try_put(world, XD_REF_PRODUCT, "api",
                             "{\"sku\":\"W\",\"base_uom\":\"EA\",\"gtins\":[\"4006381333930\"]}", &version),
                     XD_INVALID);
    assert_string_equal(problems.items[0].code, "bad_gtin");
    assert_int_equal(try_put(world, XD_REF_PRODUCT, "api", "{\"sku\":", &version), XD_INVALID);
    commit(world);
    assert_int_equal(product(world, "W", &out), first);
}

/* ---- look-ups ---- */

static void product_is_found_by_sku_alias_and_any_form_of_its_gtin(void **state) {
    struct hub_world *world = *state;
    struct xd_product out;
    (void)put(world, XD_REF_PRODUCT, "api",
              "{\"sku\":\"W\",\"base_uom\":\"EA\",\"gtins\":[\"036000291452\"],\"aliases\":[\"OLD-W\"]}");
    static const char *const names[] = {"W", "OLD-W", "036000291452", "0036000291452", "00036000291452"};
    for (int round = 0; round < 2; round++) {
        for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
            assert_true(product(world, names[index], &out) > 0);
            assert_string_equal(out.sku, "W");
        }
        assert_int_equal(product(world, "036000291453", &out), 0); /* its check digit is wrong */
        assert_int_equal(product(world, "gtin", &out), 0);
        assert_string_equal(out.sku, "");
    }
    /* A GTIN that is another product's SKU means that product. */
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"036000291452\",\"base_uom\":\"EA\"}");
    assert_true(product(world, "036000291452", &out) > 0);
    assert_string_equal(out.sku, "036000291452");
}

static void customer_alias_of_the_account_goes_before_that_of_the_tenant_and_the_code(void **state) {
    struct hub_world *world = *state;
    char code[XD_NAME_SIZE];
    (void)put(world, XD_REF_CUSTOMER, "api", "{\"code\":\"REF\"}");
    (void)put(world, XD_REF_CUSTOMER, "api",
              "{\"code\":\"ALL\",\"aliases\":[{\"ref\":\"REF2\"},{\"ref\":\"REF\",\"tenant\":\"t\"}]}");
    (void)put(world, XD_REF_CUSTOMER, "api",
              "{\"code\":\"WEB\",\"aliases\":[{\"ref\":\"REF\",\"tenant\":\"t\",\"account\":\"web\"}]}");
    for (int round = 0; round < 2; round++) {
        assert_true(customer(world, "t", "web", "REF", code) > 0);
        assert_string_equal(code, "WEB");
        (void)customer(world, "t", "edi", "REF", code);
        assert_string_equal(code, "ALL");
        (void)customer(world, "u", "web", "REF", code);
        assert_string_equal(code, "REF");
        (void)customer(world, "u", "web", "REF2", code);
        assert_string_equal(code, "ALL");
        assert_int_equal(customer(world, "u", "web", "REF3", code), 0);
    }
}

static void alias_has_one_owner_until_it_is_given_up(void **state) {
    struct hub_world *world = *state;
    struct xd_product out;
    int64_t version;
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"A\",\"base_uom\":\"EA\",\"aliases\":[\"X\"]}");
    begin(world);
    assert_int_equal(try_put(world, XD_REF_PRODUCT, "api",
                             "{\"sku\":\"B\",\"base_uom\":\"EA\",\"aliases\":[\"Y\",\"X\"]}", &version),
                     XD_INVALID);
    assert_string_equal(problems.items[0].code, "alias_taken");
    assert_string_equal(problems.items[0].pointer, "/aliases/1");
    commit(world);
    assert_true(product(world, "X", &out) > 0);
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"A\",\"base_uom\":\"EA\"}");
    assert_int_equal(product(world, "X", &out), 0);
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"B\",\"base_uom\":\"EA\",\"aliases\":[\"X\"]}");
    assert_true(product(world, "X", &out) > 0);
    assert_string_equal(out.sku, "B");
}

static void assert_taken(struct hub_world *world, enum xd_reference_kind kind, const char *text,
                         const char *pointer) {
    int64_t version;
    assert_int_equal(try_put(world, kind, "api", text, &version), XD_INVALID);
    assert_int_equal(problems.errors, 1);
    assert_string_equal(problems.items[0].code, "alias_taken");
    assert_string_equal(problems.items[0].pointer, pointer);
}

static void alias_of_all_is_no_other_ones_key_whichever_comes_first(void **state) {
    struct hub_world *world = *state;
    struct xd_product out;
    int64_t version;
    (void)put(world, XD_REF_CUSTOMER, "api",
              "{\"code\":\"A\",\"aliases\":[{\"ref\":\"X\"},{\"ref\":\"A\"}]}");
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"A\",\"base_uom\":\"EA\",\"aliases\":[\"X\",\"A\"]}");
    begin(world);
    assert_taken(world, XD_REF_CUSTOMER, "{\"code\":\"B\",\"aliases\":[{\"ref\":\"Y\"},{\"ref\":\"A\"}]}",
                 "/aliases/1/ref");
    assert_taken(world, XD_REF_CUSTOMER, "{\"code\":\"X\"}", "/code");
    assert_taken(world, XD_REF_PRODUCT, "{\"sku\":\"B\",\"base_uom\":\"EA\",\"aliases\":[\"A\"]}",
                 "/aliases/0");
    assert_taken(world, XD_REF_PRODUCT, "{\"sku\":\"X\",\"base_uom\":\"EA\"}", "/sku");
    commit(world);
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"A\",\"base_uom\":\"EA\"}");
    assert_ok(world->store.delivery.tx.begin(world->store.delivery.tx.context));
    assert_ok(try_put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"X\",\"base_uom\":\"EA\"}", &version));
    commit(world);
    assert_int_equal(product(world, "X", &out), version);
}

/* What a channel calls a customer counts for its references alone. */
static void code_means_its_customer_whatever_others_call_so(void **state) {
    struct hub_world *world = *state;
    struct xd_customer out;
    (void)put(world, XD_REF_CUSTOMER, "api", "{\"code\":\"REF\"}");
    (void)put(world, XD_REF_CUSTOMER, "api",
              "{\"code\":\"WEB\",\"aliases\":[{\"ref\":\"REF\",\"account\":\"web\"},{\"ref\":\"W\"}]}");
    for (int round = 0; round < 2; round++) {
        assert_ok(xd_reference_customer(&world->hub, "t", "web", "REF", &out));
        assert_string_equal(out.code, "WEB");
        assert_ok(xd_reference_customer_code(&world->hub, "REF", &out));
        assert_string_equal(out.code, "REF");
        assert_ok(xd_reference_customer(&world->hub, "t", "web", "W", &out));
        assert_int_equal(xd_reference_customer_code(&world->hub, "W", &out), XD_NOT_FOUND);
    }
}

/* A store of before may hold both: the key counts, and either entry can still be changed. */
static void key_counts_where_an_alias_was_stored_before_it_was_refused(void **state) {
    struct hub_world *world = *state;
    struct xd_product found;
    char code[XD_NAME_SIZE];
    (void)put(world, XD_REF_CUSTOMER, "api", "{\"code\":\"A\"}");
    (void)put(world, XD_REF_CUSTOMER, "api", "{\"code\":\"B\",\"aliases\":[{\"ref\":\"OLD\"}]}");
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"A\",\"base_uom\":\"EA\"}");
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"B\",\"base_uom\":\"EA\",\"aliases\":[\"OLD\"]}");
    (void)hub_world_count(world, "UPDATE reference_alias SET alias = 'A' WHERE alias = 'OLD'");
    (void)put(world, XD_REF_CUSTOMER, "api", "{\"code\":\"A\",\"name\":\"changed\"}");
    (void)put(world, XD_REF_CUSTOMER, "api", "{\"code\":\"B\",\"aliases\":[{\"ref\":\"A\"}]}");
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"A\",\"base_uom\":\"BOX\"}");
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"B\",\"base_uom\":\"EA\",\"aliases\":[\"A\"]}");
    assert_true(customer(world, "t", "web", "A", code) > 0);
    assert_string_equal(code, "A");
    assert_true(product(world, "A", &found) > 0);
    assert_string_equal(found.base_uom, "BOX");
}

static void site_without_an_entry_has_the_defaults(void **state) {
    struct hub_world *world = *state;
    struct xd_site_profile site;
    assert_ok(xd_reference_site(&world->hub, "WH1", &site));
    assert_int_equal(site.version, 0);
    assert_int_equal(site.priority, 100);
    assert_int_equal(site.cutoff_minute, -1);
    int64_t version = put(world, XD_REF_SITE, "api", "{\"site\":\"WH1\",\"paused\":true}");
    assert_ok(xd_reference_site(&world->hub, "WH1", &site));
    assert_true(site.paused && !site.third_party);
    assert_int_equal(site.version, version);
    assert_int_equal(site.priority, 100);
    (void)put(world, XD_REF_SITE, "api", "{\"site\":\"WH1\",\"kind\":\"3pl\"}");
    assert_ok(xd_reference_site(&world->hub, "WH1", &site));
    assert_true(site.third_party && !site.paused);
    assert_int_equal(site.priority, 200);
    struct xd_tenant_policy tenant;
    assert_ok(xd_reference_tenant(&world->hub, "acme", &tenant));
    assert_int_equal(tenant.share, 1);
    assert_int_equal(tenant.warn_pct, 80);
}

static void questions_that_no_key_can_answer_are_not_asked(void **state) {
    struct hub_world *world = *state;
    struct xd_product out;
    char text[4096];
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"W\",\"base_uom\":\"EA\"}");
    memset(text, 'W', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_int_equal(product(world, text, &out), 0);
    assert_int_equal(product(world, "", &out), 0);
    assert_int_equal(product(world, "W' OR '1'='1", &out), 0);
}

/* ---- the cache ---- */

/* More products than the cache holds, asked twice and in between changed. */
static void answers_stay_right_when_more_is_asked_than_is_kept(void **state) {
    struct hub_world *world = *state;
    enum { MANY = 5000 };
    char text[96], sku[24];
    struct xd_product out;
    int64_t version;
    begin(world);
    for (int index = 0; index < MANY; index++) {
        (void)snprintf(text, sizeof text, "{\"sku\":\"S%d\",\"base_uom\":\"U%d\"}", index, index);
        assert_ok(try_put(world, XD_REF_PRODUCT, "csv", text, &version));
    }
    commit(world);
    for (int round = 0; round < 2; round++) {
        for (int index = 0; index < MANY; index++) {
            (void)snprintf(sku, sizeof sku, "S%d", index);
            assert_true(product(world, sku, &out) > 0);
            assert_string_equal(out.sku, sku);
            assert_int_equal(atoi(out.base_uom + 1), index);
        }
        assert_true(xd_hub_check(&world->hub));
    }
}

static void undone_entry_is_forgotten_with_its_event(void **state) {
    struct hub_world *world = *state;
    const struct xd_store_tx *tx = &world->store.delivery.tx;
    struct xd_product out;
    bool known;
    int64_t version;
    for (int there = 0; there < 2; there++) {
        begin(world);
        assert_ok(tx->savepoint(tx->context));
        assert_ok(try_put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"W\",\"base_uom\":\"UNDONE\"}", &version));
        assert_true(product(world, "W", &out) > 0);
        assert_string_equal(out.base_uom, "UNDONE");
        assert_ok(tx->undo(tx->context));
        assert_ok(xd_hub_reload(&world->hub, false));
        commit(world);
        assert_int_equal(product(world, "W", &out) > 0, there);
        assert_string_equal(out.base_uom, there ? "EA" : "");
        assert_ok(xd_reference_known(&world->hub, XD_REF_PRODUCT, &known));
        assert_int_equal(known, there);
        (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"W\",\"base_uom\":\"EA\"}");
    }
}

/* ---- the API ---- */

static struct api_call api_of(const char *kind, const char *key, const char *body) {
    struct api_call api = {.id = kind, .reference_key = key, .body = strdup(body)};
    return api;
}

static unsigned call(struct hub_world *world, struct api_call *api) {
    free(api->text);
    api->text = NULL;
    api->answered = false;
    return hub_world_post(world, api);
}

static void end(struct api_call *api) {
    hub_world_api_free(api);
    free(api->body);
}

static void put_answers_the_version_and_where_it_is(void **state) {
    struct hub_world *world = *state;
    struct api_call api = api_of("products", "A%/B", "{\"sku\":\"A%/B\",\"base_uom\":\"EA\"}");
    assert_int_equal(call(world, &api), 201);
    assert_string_equal(api.location, "/v1/reference/products/A%25/B");
    assert_string_equal(api.etag, "\"1\"");
    assert_non_null(strstr(api.text, "\"version\":1,\"changed\":true"));
    assert_int_equal(call(world, &api), 200);
    assert_non_null(strstr(api.text, "\"version\":1,\"changed\":false"));
    api.if_match = "\"2\"";
    assert_int_equal(call(world, &api), 412);
    api.if_match = "\"1\"";
    assert_int_equal(call(world, &api), 200);
    api.if_match = NULL;
    api.source = "erp"; /* handed to the ERP's load */
    assert_int_equal(call(world, &api), 200);
    assert_string_equal(api.etag, "\"2\"");
    api.source = "ERP";
    assert_int_equal(call(world, &api), 400);
    end(&api);
}

static void put_tells_all_problems_and_stores_nothing(void **state) {
    struct hub_world *world = *state;
    struct api_call api = api_of("products", "W", "{\"sku\":\"V\",\"base_uom\":\"\",\"x\":1}");
    assert_int_equal(call(world, &api), 422);
    assert_non_null(strstr(api.text, "\"pointer\":\"/sku\""));
    assert_non_null(strstr(api.text, "\"pointer\":\"/base_uom\""));
    assert_non_null(strstr(api.text, "\"pointer\":\"/x\""));
    end(&api);
    struct api_call missing = api_of("products", "W", "{\"base_uom\":\"EA\"}");
    missing.if_match = "*";
    assert_int_equal(call(world, &missing), 412);
    missing.if_match = NULL;
    assert_int_equal(call(world, &missing), 422);
    end(&missing);
    struct api_call broken = api_of("products", "W", "{\"sku\":\"W\"");
    assert_int_equal(call(world, &broken), 400);
    broken.id = "gadgets";
    assert_int_equal(call(world, &broken), 404);
    end(&broken);
    assert_int_equal(hub_world_count(world, "SELECT count(*) FROM reference"), 0);
}

static enum xd_result read_no_zone(void *context, const char *name, struct xd_buffer *out) {
    (void)context;
    (void)out;
    return strcmp(name, "Europe/Nowhere") == 0 ? XD_NOT_FOUND : XD_IO;
}

static void a_sites_zone_must_be_there(void **state) {
    static const struct xd_zones zones = {.read = read_no_zone};
    struct hub_world *world = *state;
    int64_t version;
    world->hub.config.zones = &zones;
    begin(world);
    assert_int_equal(
        try_put(world, XD_REF_SITE, "api", "{\"site\":\"WH1\",\"zone\":\"Europe/Nowhere\"}", &version),
        XD_INVALID);
    assert_string_equal(problems.items[0].code, "bad_zone");
    assert_string_equal(problems.items[0].pointer, "/zone");
    /* it is there, and cannot be read just now */
    assert_ok(try_put(world, XD_REF_SITE, "api", "{\"site\":\"WH1\",\"zone\":\"Europe/Berlin\"}", &version));
    assert_ok(try_put(world, XD_REF_SITE, "api", "{\"site\":\"WH1\",\"zone\":\"UTC\"}", &version));
    assert_ok(try_put(world, XD_REF_SITE, "api", "{\"site\":\"WH1\"}", &version));
    commit(world);
}

static void many_are_put_together_or_not_at_all(void **state) {
    struct hub_world *world = *state;
    struct api_call wrong =
        api_of("products", NULL,
               "{\"entries\":[{\"sku\":\"A\",\"base_uom\":\"EA\",\"aliases\":[\"X\"]},{\"sku\":\"B\",\"base_"
               "uom\":\"EA\","
               "\"aliases\":[\"Y\",\"X\"],\"gtins\":[\"1\"]},{\"sku\":\"A\",\"base_uom\":\"EA\"},7]}");
    assert_int_equal(call(world, &wrong), 422);
    assert_non_null(strstr(wrong.text, "\"alias_taken\",\"pointer\":\"/entries/1/aliases/1\""));
    assert_non_null(strstr(wrong.text, "\"bad_gtin\",\"pointer\":\"/entries/1/gtins/0\""));
    assert_non_null(strstr(wrong.text, "\"duplicate_entry\",\"pointer\":\"/entries/2\""));
    assert_non_null(strstr(wrong.text, "\"not_an_object\",\"pointer\":\"/entries/3\""));
    end(&wrong);
    assert_int_equal(hub_world_count(world, "SELECT count(*) FROM reference"), 0);
    struct api_call fine = api_of("products", NULL,
                                  "{\"entries\":[{\"sku\":\"A\",\"base_uom\":\"EA\",\"aliases\":[\"X\"]},"
                                  "{\"sku\":\"B\",\"base_uom\":\"EA\"}]}");
    assert_int_equal(call(world, &fine), 200);
    assert_non_null(strstr(fine.text, "\"changed\":2"));
    assert_int_equal(call(world, &fine), 200);
    assert_non_null(strstr(fine.text, "\"changed\":0"));
    end(&fine);
    static const char *const others[] = {"{\"entries\":[]}", "{}", "{\"entries\":{}}",
                                         "{\"entries\":[],\"x\":1}"};
    for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
        struct api_call api = api_of("products", NULL, others[index]);
        assert_int_equal(call(world, &api), 422);
        end(&api);
    }
}

static void entries_put_together_call_none_of_them_by_anothers_key(void **state) {
    struct hub_world *world = *state;
    struct api_call wrong =
        api_of("customers", NULL,
               "{\"entries\":[{\"code\":\"A\",\"aliases\":[{\"ref\":\"C\",\"account\":\"web\"}]},"
               "{\"code\":\"B\",\"aliases\":[{\"ref\":\"A\"},{\"ref\":\"B\"}]},{\"code\":\"C\","
               "\"aliases\":[{\"ref\":\"B\"}]}]}");
    assert_int_equal(call(world, &wrong), 422);
    assert_non_null(strstr(wrong.text, "\"alias_taken\",\"pointer\":\"/entries/1/aliases/0/ref\""));
    assert_non_null(strstr(wrong.text, "\"alias_taken\",\"pointer\":\"/entries/2/aliases/0/ref\""));
    assert_null(strstr(wrong.text, "\"pointer\":\"/entries/0"));
    end(&wrong);
    assert_int_equal(hub_world_count(world, "SELECT count(*) FROM reference"), 0);
}

static void put_that_cannot_be_committed_is_not_believed(void **state) {
    struct hub_world *world = *state;
    struct xd_product out;
    struct api_call api = api_of("products", "W", "{\"sku\":\"W\",\"base_uom\":\"EA\"}");
    world->fail_commit = true;
    assert_int_equal(call(world, &api), 503);
    assert_int_equal(product(world, "W", &out), 0);
    world->fail_batch = true;
    assert_int_equal(call(world, &api), 503);
    assert_int_equal(product(world, "W", &out), 0);
    assert_int_equal(call(world, &api), 201);
    assert_true(product(world, "W", &out) > 0);
    end(&api);
}

/* ---- the ERP's load ---- */

static void start_loading(struct hub_world *world) {
    world->reference_ms = 15 * MINUTE_MS;
    hub_world_crash(world);
    hub_world_start(world);
}

static void erp_is_asked_after_the_start_and_again_after_a_while(void **state) {
    struct hub_world *world = *state;
    struct xd_customer out;
    start_loading(world);
    hub_world_run(world, 5000);
    assert_int_equal(world->lists, 2);
    assert_ok(xd_reference_customer(&world->hub, "t", "web", "GONE", &out));
    assert_false(out.active);
    assert_string_equal(out.currency, "EUR");
    int64_t versions = hub_world_count(world, "SELECT count(*) FROM reference");
    (void)hub_world_ledger(world, "UPDATE customer SET active = 1 WHERE code = 'GONE'");
    hub_world_run(world, 16 * MINUTE_MS);
    assert_int_equal(world->lists, 4);
    assert_ok(xd_reference_customer(&world->hub, "t", "web", "GONE", &out));
    assert_true(out.active);
    assert_int_equal(hub_world_count(world, "SELECT count(*) FROM reference"), versions + 1);
}

static void many_entries_come_page_by_page(void **state) {
    struct hub_world *world = *state;
    (void)hub_world_ledger(world,
                           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
                           " INSERT INTO product(sku, description, uom, active, lot_tracked)"
                           " SELECT 'N' || i, '', 'EA', 1, 0 FROM n");
    start_loading(world);
    hub_world_run(world, 10000);
    assert_int_equal(world->lists, 1 + 3);
    assert_int_equal(hub_world_count(world, "SELECT count(*) FROM reference WHERE key LIKE 'N%'"), 1200);
}

static void what_a_person_put_is_left_alone_and_what_the_erp_does_not_know_stays(void **state) {
    struct hub_world *world = *state;
    struct xd_product out;
    (void)put(world, XD_REF_PRODUCT, "api", "{\"sku\":\"WIDGET\",\"base_uom\":\"BOX\"}");
    start_loading(world);
    hub_world_run(world, 5000);
    (void)product(world, "WIDGET", &out);
    assert_string_equal(out.base_uom, "BOX");
    (void)put(world, XD_REF_PRODUCT, "erp",
              "{\"sku\":\"WIDGET\",\"base_uom\":\"BOX\",\"price\":\"77\",\"aliases\":[\"OLD\"]}");
    (void)hub_world_ledger(world, "UPDATE product SET unit_price = NULL WHERE sku = 'WIDGET'");
    hub_world_run(world, 16 * MINUTE_MS);
    (void)product(world, "OLD", &out);
    assert_string_equal(out.sku, "WIDGET");
    assert_string_equal(out.base_uom, "EA");
    assert_false(out.has_price);
}

static void entry_of_the_erp_that_cannot_be_used_is_left_out(void **state) {
    struct hub_world *world = *state;
    char code[XD_NAME_SIZE];
    (void)hub_world_ledger(world,
                           "INSERT INTO customer(code, name, active, currency) VALUES"
                           "('A B', 'blank', 1, 'EUR'), ('ODD', '', 1, 'euro'), ('ZZ', 'fine', 1, '')");
    (void)put(world, XD_REF_CUSTOMER, "api", "{\"code\":\"MINE\",\"aliases\":[{\"ref\":\"YY\"}]}");
    (void)hub_world_ledger(world,
                           "INSERT INTO customer(code, name, active, currency) VALUES('YY', '', 1, '')");
    start_loading(world);
    hub_world_run(world, 5000);
    assert_true(customer(world, "t", "a", "YY", code) > 0);
    assert_string_equal(code, "MINE");
    assert_int_equal(customer(world, "t", "a", "ODD", code), 0);
    assert_int_equal(customer(world, "t", "a", "A B", code), 0);
    assert_true(customer(world, "t", "a", "ZZ", code) > 0);
    assert_true(customer(world, "t", "a", "CUST-1", code) > 0);
}

static void plan_unavailable_once(struct hub_world *world, const struct xd_erp_call *call,
                                  struct call_plan *plan) {
    plan->lies = call->list && world->lists == 0;
    plan->outcome = XD_ERP_UNAVAILABLE;
}

static void plan_lists_rejected(struct hub_world *world, const struct xd_erp_call *call,
                                struct call_plan *plan) {
    (void)world;
    plan->lies = call->list;
    plan->outcome = XD_ERP_REJECTED;
}

static void list_that_is_not_available_is_asked_for_again(void **state) {
    struct hub_world *world = *state;
    bool known;
    world->plan = plan_unavailable_once;
    start_loading(world);
    hub_world_run(world, 10000);
    assert_int_equal(world->lists, 3);
    assert_ok(xd_reference_known(&world->hub, XD_REF_CUSTOMER, &known));
    assert_true(known);
    world->plan = plan_lists_rejected; /* an ERP that lists nothing is asked at its time only */
    hub_world_run(world, 16 * MINUTE_MS);
    assert_int_equal(world->lists, 5);
}

static void page_that_cannot_be_stored_is_asked_for_again(void **state) {
    struct hub_world *world = *state;
    struct xd_customer out;
    start_loading(world);
    hub_world_step(world); /* the call leaves */
    world->fail_batch = true;
    hub_world_step(world);
    assert_true(xd_hub_check(&world->hub));
    world->fail_commit_at = world->commits + 2;
    hub_world_run(world, 10000);
    assert_true(xd_hub_check(&world->hub));
    assert_ok(xd_reference_customer(&world->hub, "t", "web", "CUST-1", &out));
    assert_int_equal(hub_world_count(world, "SELECT count(*) FROM reference_current WHERE key = 'WIDGET'"),
                     1);
    assert_int_equal(xd_hub_erp_calls(&world->hub), 0);
}

static void orders_go_on_while_the_erp_is_asked(void **state) {
    struct hub_world *world = *state;
    world->auto_wms = true;
    start_loading(world);
    for (int number = 1; number <= 20; number++) {
        hub_world_place(world, number, "1");
        hub_world_step(world);
    }
    assert_true(hub_world_quiet(world, 2 * MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-20"), XD_ORDER_SHIPPED);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(kind_without_entries_is_not_known),
        WORLD_TEST(same_content_makes_no_new_version),
        WORLD_TEST(wrong_entry_changes_nothing),
        WORLD_TEST(product_is_found_by_sku_alias_and_any_form_of_its_gtin),
        WORLD_TEST(customer_alias_of_the_account_goes_before_that_of_the_tenant_and_the_code),
        WORLD_TEST(alias_has_one_owner_until_it_is_given_up),
        WORLD_TEST(alias_of_all_is_no_other_ones_key_whichever_comes_first),
        WORLD_TEST(code_means_its_customer_whatever_others_call_so),
        WORLD_TEST(key_counts_where_an_alias_was_stored_before_it_was_refused),
        WORLD_TEST(site_without_an_entry_has_the_defaults),
        WORLD_TEST(questions_that_no_key_can_answer_are_not_asked),
        WORLD_TEST(answers_stay_right_when_more_is_asked_than_is_kept),
        WORLD_TEST(undone_entry_is_forgotten_with_its_event),
        WORLD_TEST(put_answers_the_version_and_where_it_is),
        WORLD_TEST(put_tells_all_problems_and_stores_nothing),
        WORLD_TEST(many_are_put_together_or_not_at_all),
        WORLD_TEST(entries_put_together_call_none_of_them_by_anothers_key),
        WORLD_TEST(a_sites_zone_must_be_there),
        WORLD_TEST(put_that_cannot_be_committed_is_not_believed),
        WORLD_TEST(erp_is_asked_after_the_start_and_again_after_a_while),
        WORLD_TEST(many_entries_come_page_by_page),
        WORLD_TEST(what_a_person_put_is_left_alone_and_what_the_erp_does_not_know_stays),
        WORLD_TEST(entry_of_the_erp_that_cannot_be_used_is_left_out),
        WORLD_TEST(list_that_is_not_available_is_asked_for_again),
        WORLD_TEST(page_that_cannot_be_stored_is_asked_for_again),
        WORLD_TEST(orders_go_on_while_the_erp_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
