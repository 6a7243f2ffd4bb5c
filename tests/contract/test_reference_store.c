/* What every implementation of hub/reference/reference_store.h must do. */
#include "contract/stores.h"

#include "hub/reference/reference.h"

#include <stdio.h>
#include <string.h>

#define SEEN_MAX 32

struct seen {
    size_t count;
    char keys[SEEN_MAX][XD_REFERENCE_KEY_SIZE];
    int64_t versions[SEEN_MAX];
    char body[64];
};

static enum xd_result see(void *context, const struct xd_reference_row *row) {
    struct seen *seen = context;
    (void)snprintf(seen->keys[seen->count], XD_REFERENCE_KEY_SIZE, "%s", row->key);
    (void)snprintf(seen->body, sizeof seen->body, "%.*s", (int)row->body.size, (const char *)row->body.data);
    seen->versions[seen->count++] = row->version;
    return XD_OK;
}

static enum xd_result add(struct store_world *world, int kind, const char *key, const char *body,
                          const struct xd_reference_alias *aliases, size_t count, int64_t *version) {
    struct xd_reference_row row = {
        .kind = kind, .at = 7, .hash = stores_hash(3), .body = xd_bytes_of_text(body)};
    (void)snprintf(row.key, sizeof row.key, "%s", key);
    (void)snprintf(row.source, sizeof row.source, "api");
    (void)snprintf(row.client, sizeof row.client, "anna");
    enum xd_result result = world->hub.reference.add(world->hub.reference.context, &row, aliases, count);
    *version = row.version;
    return result;
}

static int64_t added(struct store_world *world, int kind, const char *key, const char *body) {
    int64_t version = 0;
    assert_ok(add(world, kind, key, body, NULL, 0, &version));
    return version;
}

static void assert_body(struct store_world *world, int kind, const char *key, int64_t version,
                        const char *expected) {
    const struct xd_reference_store *store = &world->hub.reference;
    struct xd_reference_row row;
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    assert_ok(store->get(store->context, kind, key, version, &row, &body));
    assert_string_equal(xd_buffer_string(&body), expected);
    assert_string_equal(row.key, key);
    xd_buffer_free(&body);
}

static void versions_are_numbered_across_kinds_and_all_stay(void **state) {
    struct store_world *world = *state;
    const struct xd_reference_store *store = &world->hub.reference;
    struct xd_reference_row row;
    stores_begin(world);
    assert_int_equal(added(world, XD_REF_PRODUCT, "W", "{1}"), 1);
    assert_int_equal(added(world, XD_REF_CUSTOMER, "W", "{2}"), 2);
    assert_int_equal(added(world, XD_REF_PRODUCT, "W", "{3}"), 3);
    stores_commit(world);
    stores_reopen(world, 0);
    assert_body(world, XD_REF_PRODUCT, "W", 0, "{3}");
    assert_body(world, XD_REF_PRODUCT, "W", 1, "{1}");
    assert_body(world, XD_REF_CUSTOMER, "W", 0, "{2}");
    assert_ok(store->get(store->context, XD_REF_PRODUCT, "W", 0, &row, NULL));
    assert_int_equal(row.version, 3);
    assert_int_equal(row.previous, 1);
    assert_string_equal(row.source, "api");
    assert_string_equal(row.client, "anna");
    assert_int_equal(row.at, 7);
    assert_hash(row.hash, 3);
    assert_int_equal(store->get(store->context, XD_REF_PRODUCT, "W", 2, &row, NULL), XD_NOT_FOUND);
    assert_int_equal(store->get(store->context, XD_REF_PRODUCT, "V", 1, &row, NULL), XD_NOT_FOUND);
    assert_int_equal(store->get(store->context, XD_REF_SITE, "W", 0, &row, NULL), XD_NOT_FOUND);
}

static void entries_are_counted_once_whatever_their_versions(void **state) {
    struct store_world *world = *state;
    const struct xd_reference_store *store = &world->hub.reference;
    int64_t count = -1;
    assert_ok(store->count(store->context, XD_REF_PRODUCT, &count));
    assert_int_equal(count, 0);
    stores_begin(world);
    (void)added(world, XD_REF_PRODUCT, "A", "{}");
    (void)added(world, XD_REF_PRODUCT, "A", "{}");
    (void)added(world, XD_REF_PRODUCT, "B", "{}");
    (void)added(world, XD_REF_SITE, "B", "{}");
    stores_commit(world);
    assert_ok(store->count(store->context, XD_REF_PRODUCT, &count));
    assert_int_equal(count, 2);
}

static void current_versions_are_listed_by_key_in_pages(void **state) {
    struct store_world *world = *state;
    const struct xd_reference_store *store = &world->hub.reference;
    struct seen seen = {.count = 0};
    stores_begin(world);
    (void)added(world, XD_REF_PRODUCT, "C", "{1}");
    (void)added(world, XD_REF_PRODUCT, "A", "{2}");
    (void)added(world, XD_REF_CUSTOMER, "B", "{3}");
    (void)added(world, XD_REF_PRODUCT, "B", "{4}");
    (void)added(world, XD_REF_PRODUCT, "C", "{5}");
    stores_commit(world);
    assert_ok(store->list(store->context, XD_REF_PRODUCT, "", 2, see, &seen));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.keys[0], "A");
    assert_string_equal(seen.keys[1], "B");
    assert_ok(store->list(store->context, XD_REF_PRODUCT, "B", 2, see, &seen));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.versions[2], 5);
    assert_string_equal(seen.body, "{5}");
}

static void assert_found(struct store_world *world, const char *tenant, const char *account,
                         const char *alias, const char *expected) {
    const struct xd_reference_store *store = &world->hub.reference;
    char key[XD_REFERENCE_KEY_SIZE] = "";
    enum xd_result result = store->find(store->context, XD_REF_CUSTOMER, tenant, account, alias, key);
    assert_int_equal(result, expected == NULL ? XD_NOT_FOUND : XD_OK);
    assert_string_equal(key, expected == NULL ? "" : expected);
}

/* ... and an alias of its own. */
static void assert_owned(struct store_world *world, const char *name, const char *expected) {
    const struct xd_reference_store *store = &world->hub.reference;
    const struct xd_reference_alias alias = {"", "", name};
    char key[XD_REFERENCE_KEY_SIZE] = "";
    assert_ok(store->owner(store->context, XD_REF_CUSTOMER, &alias, key));
    assert_string_equal(key, expected);
}

static void nearest_scope_of_an_alias_is_found(void **state) {
    struct store_world *world = *state;
    static const struct xd_reference_alias all[] = {{"", "", "X"}}, tenant[] = {{"t", "", "X"}},
                                           account[] = {{"", "web", "X"}}, both[] = {{"t", "web", "X"}};
    static const struct {
        const char *key;
        const struct xd_reference_alias *aliases;
    } entries[] = {{"ALL", all}, {"TENANT", tenant}, {"ACCOUNT", account}, {"BOTH", both}};
    int64_t version;
    stores_begin(world);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        assert_ok(add(world, XD_REF_CUSTOMER, entries[i].key, "{}", entries[i].aliases, 1, &version));
    }
    stores_commit(world);
    assert_found(world, "t", "web", "X", "BOTH");
    assert_found(world, "t", "edi", "X", "TENANT");
    assert_found(world, "u", "web", "X", "ACCOUNT");
    assert_found(world, "u", "edi", "X", NULL); /* what all call so is nobody's scope ... */
    assert_owned(world, "X", "ALL");
    assert_found(world, "u", "edi", "Y", NULL);
}

static void aliases_follow_the_current_version_and_have_one_owner(void **state) {
    struct store_world *world = *state;
    const struct xd_reference_store *store = &world->hub.reference;
    static const struct xd_reference_alias x = {"", "", "X"}, y = {"", "", "Y"};
    char key[XD_REFERENCE_KEY_SIZE] = "";
    int64_t version;
    stores_begin(world);
    assert_ok(add(world, XD_REF_CUSTOMER, "A", "{}", &x, 1, &version));
    assert_ok(add(world, XD_REF_CUSTOMER, "A", "{}", &y, 1, &version));
    assert_ok(store->owner(store->context, XD_REF_CUSTOMER, &y, key));
    assert_string_equal(key, "A");
    assert_int_equal(store->owner(store->context, XD_REF_CUSTOMER, &x, key), XD_NOT_FOUND);
    assert_int_equal(store->owner(store->context, XD_REF_PRODUCT, &y, key), XD_NOT_FOUND);
    assert_ok(world->delivery->tx.savepoint(world->delivery->tx.context));
    assert_int_equal(add(world, XD_REF_CUSTOMER, "B", "{}", &y, 1, &version), XD_CONFLICT);
    assert_ok(world->delivery->tx.undo(world->delivery->tx.context));
    assert_ok(add(world, XD_REF_CUSTOMER, "B", "{}", &x, 1, &version));
    stores_commit(world);
    assert_owned(world, "X", "B");
}

#define REFERENCE_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        REFERENCE_TEST(versions_are_numbered_across_kinds_and_all_stay),
        REFERENCE_TEST(entries_are_counted_once_whatever_their_versions),
        REFERENCE_TEST(current_versions_are_listed_by_key_in_pages),
        REFERENCE_TEST(nearest_scope_of_an_alias_is_found),
        REFERENCE_TEST(aliases_follow_the_current_version_and_have_one_owner),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(store_makers[i].name, tests, NULL, NULL);
    }
    return failed;
}
