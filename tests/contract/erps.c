#include "contract/erps.h"

#include "contract/erps_degraded.h"
#include "contract/faulty_vfs.h"
#include "contract/rest_erp.h"
#include "contract/tryton_erp.h"
#include "erp/ledger/ledger.h"

#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#define PATH_SIZE 256
#define ERP_TESTS_MAX 64

static sqlite3 *occupier;

static void write_file(const char *folder, const char *name, const char *text) {
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void ledger_path(const char *folder, char out[PATH_SIZE]) {
    (void)snprintf(out, PATH_SIZE, "%s/ledger.db", folder);
}

static void ledger_prepare(const char *folder) {
    char path[PATH_SIZE];
    char why[256];
    ledger_path(folder, path);
    write_file(folder, "customers.csv",
               "code,name,active,credit_limit,currency\n"
               "CUST-1,Corner Shop,true,,EUR\nLIMITED,\"Small, Ltd\",true,100,EUR\nASLEEP,Old,false,,EUR\n");
    write_file(
        folder, "products.csv",
        "sku,description,uom,unit_price,active,lot_tracked\n"
        "WIDGET,Widget,EA,9.95,true,false\nGADGET,Gadget,EA,,true,false\nRETIRED,Retired,EA,1,false,false\n");
    write_file(folder, "stock.csv", "site,sku,qty\nWH1,WIDGET,100\n");
    struct xd_ledger_config config = {.path = path, .data = folder};
    if (xd_ledger_prepare(&config, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
}

static void ledger_open(const char *folder, struct xd_erp *out) {
    char path[PATH_SIZE];
    char why[256];
    ledger_path(folder, path);
    struct xd_ledger_config config = {.path = path};
    if (xd_ledger_open(&config, out, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
}

static sqlite3 *ledger_handle(const char *folder) {
    char path[PATH_SIZE];
    sqlite3 *handle = NULL;
    ledger_path(folder, path);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    return handle;
}

/* The first column of the first row as text, "" when there is none. */
static void ledger_ask(const char *folder, const char *sql, const char *first, const char *second, char *out,
                       size_t size) {
    sqlite3 *handle = ledger_handle(folder);
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    (void)sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC);
    const char *text =
        sqlite3_step(statement) == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    (void)snprintf(out, size, "%s", text == NULL ? "" : text);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(handle);
}

static struct xd_decimal ledger_stock(const char *folder, const char *site, const char *sku) {
    char text[64];
    struct xd_decimal value = xd_decimal_of(0);
    ledger_ask(folder, "SELECT qty FROM stock WHERE site = ?1 AND sku = ?2", site, sku, text, sizeof text);
    if (text[0] != '\0') {
        assert_int_equal(xd_decimal_parse(text, &value), XD_OK);
    }
    return value;
}

static void ledger_sale_state(const char *folder, const char *reference, char out[32]) {
    ledger_ask(folder, "SELECT state FROM sale WHERE reference = ?1", reference, NULL, out, 32);
}

static int64_t ledger_documents(const char *folder, enum xd_erp_kind kind) {
    char text[32];
    struct xd_decimal value;
    static const char *const sql[] = {[XD_ERP_SALE] = "SELECT count(*) FROM sale",
                                      [XD_ERP_SHIPMENT] = "SELECT count(*) FROM shipment",
                                      [XD_ERP_ADJUSTMENT] = "SELECT count(*) FROM adjustment",
                                      [XD_ERP_CHANGE] = "SELECT count(*) FROM change"};
    ledger_ask(folder, sql[kind], NULL, NULL, text, sizeof text);
    assert_int_equal(xd_decimal_parse(text, &value), XD_OK);
    return value.coefficient; /* small and whole */
}

static void ledger_break_commits(bool broken) {
    faulty_vfs_fail_syncs(broken ? SQLITE_IOERR_FSYNC : 0);
}

static void ledger_occupy(const char *folder, bool busy) {
    if (busy) {
        occupier = ledger_handle(folder);
        assert_int_equal(sqlite3_exec(occupier, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    } else {
        assert_int_equal(sqlite3_close(occupier), SQLITE_OK);
        occupier = NULL;
    }
}

static const struct erp_maker ledger_maker = {
    .name = "ledger",
    .grade = XD_ERP_GRADE_A,
    .prepare = ledger_prepare,
    .open = ledger_open,
    .stock = ledger_stock,
    .sale_state = ledger_sale_state,
    .documents = ledger_documents,
    .break_commits = ledger_break_commits,
    .occupy = ledger_occupy,
    .can = ERP_CAN_CHANGE | ERP_CAN_TELL_CLOSED | ERP_CAN_FREE_CREDIT | ERP_CAN_REVERSE | ERP_CAN_LOTS |
           ERP_CAN_SUBSTITUTE | ERP_CAN_LIST_DOCUMENTS | ERP_CAN_UNITS,
};

/* A new one is a line here. */
static const struct erp_maker *const all[] = {
    &ledger_maker,
    &rest_erp_maker,
    &tryton_maker,
};

struct erp_maker erp_makers[ERP_MAKERS_MAX];
size_t erp_maker_count;
struct erp_maker erp_degraded[ERP_MAKERS_MAX];
size_t erp_degraded_count;

static unsigned meets(const struct erp_maker *maker) {
    return maker->can | (maker->grade == XD_ERP_GRADE_A ? ERP_NEEDS_ENFORCEMENT : 0) |
           (maker->grade != XD_ERP_GRADE_C ? ERP_NEEDS_A_LOOK : 0) |
           (maker->break_commits != NULL ? ERP_NEEDS_BROKEN_COMMITS : 0) |
           (maker->occupy != NULL ? ERP_NEEDS_OCCUPATION : 0) |
           (maker->type_sale != NULL ? ERP_NEEDS_TYPING : 0);
}

int erps_run(const struct erp_maker *maker, const struct erp_test *tests, size_t count) {
    struct CMUnitTest asked[ERP_TESTS_MAX];
    size_t kept = 0;
    assert_true(count <= ERP_TESTS_MAX);
    for (size_t index = 0; index < count; index++) {
        if ((tests[index].needs & ~meets(maker)) == 0) {
            asked[kept++] = tests[index].test;
        }
    }
    return _cmocka_run_group_tests(maker->name, asked, kept, NULL, NULL);
}

void erps_start(void) {
    faulty_vfs_register(true);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i]->start == NULL || all[i]->start()) {
            erp_makers[erp_maker_count++] = *all[i];
            erp_degraded[erp_degraded_count++] = erps_degrade(all[i], XD_ERP_GRADE_B);
            erp_degraded[erp_degraded_count++] = erps_degrade(all[i], XD_ERP_GRADE_C);
        }
    }
}

void erps_end(void) {
    for (size_t i = 0; i < erp_maker_count; i++) {
        if (erp_makers[i].end != NULL) {
            erp_makers[i].end();
        }
    }
}
