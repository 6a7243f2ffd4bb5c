/* SQLite over the simulated disk: what was committed survives every crash. */
#include "simulator/disk.h"
#include "site/store.h"
#include "sqlite/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

static void store_of_the_product_opens_on_it_and_survives_a_crash(void **state) {
    struct xd_disk *disk = xd_disk_new("site");
    struct xd_database_config config = {
        .path = "site/agent.db", .vfs = XD_DISK_VFS, .ballast_bytes = 1 << 20};
    char why[256];
    char value[8];
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct xd_database *database = NULL;
        struct xd_site_store store;
        if (xd_database_open(&config, XD_SCHEMA_SITE, &database, why, sizeof why) != XD_OK) {
            fail_msg("%s", why);
        }
        xd_database_site_store(database, &store);
        const struct xd_store_tx *tx = &store.delivery.tx;
        if (i == 0) {
            assert_int_equal(tx->begin(tx->context), XD_OK);
            assert_int_equal(store.delivery.meta_set(store.delivery.context, "a", "1"), XD_OK);
            assert_int_equal(tx->commit(tx->context), XD_OK);
            xd_disk_crash(disk, XD_DISK_LOST, 1);
            /* With exclusive locking a begin needs no disk. */
            assert_int_equal(tx->begin(tx->context), XD_OK);
            assert_int_equal(store.delivery.meta_set(store.delivery.context, "a", "2"), XD_OK);
            assert_int_equal(tx->commit(tx->context), XD_IO);
        } else {
            assert_int_equal(store.delivery.meta_get(store.delivery.context, "a", value, sizeof value),
                             XD_OK);
            assert_string_equal(value, "1");
        }
        xd_database_close(database);
    }
    xd_disk_free(disk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_of_the_product_opens_on_it_and_survives_a_crash),
    };
    xd_disk_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
