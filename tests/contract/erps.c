#include "contract/erps.h"

#include "contract/erps_degraded.h"
#include "contract/faulty_vfs.h"
#include "contract/rest_erp.h"
#include "contract/stores.h"
#include "contract/tryton_erp.h"
#include "erp/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
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

static void ledger_load(const char *folder) {
    char path[PATH_SIZE];
    char why[256];
    ledger_path(folder, path);
    struct xd_ledger_config config = {.path = path, .data = folder};
    if (xd_ledger_prepare(&config, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
}

static void ledger_prepare(const char *folder) {
    write_file(folder, "customers.csv",
               "code,name,active,credit_limit,currency\n"
               "CUST-1,Corner Shop,true,,EUR\nLIMITED,\"Small, Ltd\",true,100,EUR\nASLEEP,Old,false,,EUR\n");
    write_file(
        folder, "products.csv",
        "sku,description,uom,unit_price,active,lot_tracked\n"
        "WIDGET,Widget,EA,9.95,true,false\nGADGET,Gadget,EA,,true,false\nRETIRED,Retired,EA,1,false,false\n");
    write_file(folder, "stock.csv", "site,sku,qty\nWH1,WIDGET,100\n");
    ledger_load(folder);
}

static void ledger_close_books(const char *folder, const char *until) {
    char text[64];
    (void)snprintf(text, sizeof text, "closed_until\n%s\n", until);
    write_file(folder, "periods.csv", text);
    ledger_load(folder);
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
    .close_books = ledger_close_books,
    .can = ERP_CAN_CHANGE | ERP_CAN_TELL_CLOSED | ERP_CAN_FREE_CREDIT | ERP_CAN_REVERSE | ERP_CAN_LOTS |
           ERP_CAN_SUBSTITUTE | ERP_CAN_LIST_DOCUMENTS | ERP_CAN_LIST_ONCE | ERP_CAN_UNITS,
};

/* A new one is a line here. */
static const struct erp_maker *const all[] = {
    &ledger_maker,
    &rest_erp_maker,
    &tryton_maker,
};

static unsigned meets(const struct erp_maker *maker) {
    return maker->can | (maker->grade == XD_ERP_GRADE_A ? ERP_NEEDS_ENFORCEMENT : 0) |
           (maker->grade != XD_ERP_GRADE_C ? ERP_NEEDS_A_LOOK : 0) |
           (maker->break_commits != NULL ? ERP_NEEDS_BROKEN_COMMITS : 0) |
           (maker->occupy != NULL ? ERP_NEEDS_OCCUPATION : 0) |
           (maker->type_sale != NULL ? ERP_NEEDS_TYPING : 0) |
           (maker->close_books != NULL ? ERP_NEEDS_CLOSING : 0);
}

/* ---- running tests ---- */

static const struct erp_maker *current; /* of the worlds that are set up */

int erps_run(const struct erp_maker *maker, const struct erp_test *tests, size_t count) {
    struct CMUnitTest asked[ERP_TESTS_MAX];
    size_t kept = 0;
    assert_true(count <= ERP_TESTS_MAX);
    for (size_t index = 0; index < count; index++) {
        if ((tests[index].needs & ~meets(maker)) == 0) {
            asked[kept++] = tests[index].test;
        }
    }
    current = maker;
    return _cmocka_run_group_tests(maker->name, asked, kept, NULL, NULL);
}

int erps_run_all(const struct erp_test *tests, size_t count, bool degraded) {
    const struct erp_maker *there[sizeof all / sizeof all[0]];
    size_t there_count = 0;
    int failed = 0;
    faulty_vfs_register(true);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i]->start == NULL || all[i]->start()) {
            there[there_count++] = all[i];
            failed += erps_run(all[i], tests, count);
        }
    }
    for (size_t i = 0; i < there_count && degraded; i++) {
        struct erp_maker b = erps_degrade(there[i], XD_ERP_GRADE_B),
                         c = erps_degrade(there[i], XD_ERP_GRADE_C);
        failed += erps_run(&b, tests, count);
        failed += erps_run(&c, tests, count);
    }
    for (size_t i = 0; i < there_count; i++) {
        if (there[i]->end != NULL) {
            there[i]->end();
        }
    }
    return failed;
}

/* ---- the world of a test ---- */

int erps_setup(void **state) {
    struct erp_world *world = calloc(1, sizeof *world);
    if (world == NULL) {
        return -1;
    }
    (void)snprintf(world->folder, sizeof world->folder, "/tmp/xd-erp-XXXXXX");
    if (mkdtemp(world->folder) == NULL) {
        free(world);
        return -1;
    }
    xd_buffer_init(&world->page, 0);
    world->maker = current;
    world->maker->prepare(world->folder);
    world->maker->open(world->folder, &world->erp);
    *state = world;
    return 0;
}

int erps_teardown(void **state) {
    struct erp_world *world = *state;
    if (world->erp.close != NULL) {
        world->erp.close(world->erp.context);
    }
    stores_remove_folder(world->folder);
    xd_buffer_free(&world->page);
    xd_arena_free(&world->arena);
    free(world);
    return 0;
}

struct xd_erp_line erps_line(const char *line_id, const char *sku, const char *qty) {
    return (struct xd_erp_line){.line_id = line_id, .sku = sku, .uom = "EA", .qty = stores_decimal(qty)};
}

struct xd_erp_request erps_request(enum xd_erp_kind kind, const char *reference, const char *sale_reference,
                                   const struct xd_erp_line *lines, size_t count) {
    bool sale = kind == XD_ERP_SALE;
    return (struct xd_erp_request){.kind = kind,
                                   .reference = reference,
                                   .sale_reference = sale ? NULL : sale_reference,
                                   .tenant = "t",
                                   .site = "WH1",
                                   .customer = sale ? "CUST-1" : NULL,
                                   .currency = sale ? "EUR" : NULL,
                                   .at = INT64_C(1795428000000),
                                   .lines = lines,
                                   .line_count = count};
}

struct xd_erp_answer erps_post(struct erp_world *world, const struct xd_erp_request *request) {
    struct xd_erp_answer answer;
    memset(&answer, 0x55, sizeof answer); /* what was there before must not show */
    world->erp.post(world->erp.context, request, &answer);
    return answer;
}

struct xd_erp_answer erps_find(struct erp_world *world, enum xd_erp_kind kind, const char *reference) {
    struct xd_erp_answer answer;
    memset(&answer, 0x55, sizeof answer);
    world->erp.find(world->erp.context, kind, reference, &answer);
    return answer;
}

struct xd_erp_answer erps_try_list(struct erp_world *world, enum xd_erp_list what, size_t max) {
    struct xd_erp_answer answer;
    char next[XD_ERP_CURSOR_SIZE];
    xd_buffer_clear(&world->page);
    xd_arena_free(&world->arena);
    world->entries = NULL;
    memset(&answer, 0x55, sizeof answer);
    memset(next, 0x55, sizeof next);
    world->erp.list(world->erp.context, what, world->cursor, max, &answer, &world->page, next);
    assert_ok(xd_buffer_result(&world->page));
    if (answer.outcome == XD_ERP_DONE) {
        assert_ok(
            xd_node_parse(&world->arena, xd_buffer_view(&world->page), XD_NODE_DEPTH_MAX, &world->entries));
        assert_int_equal(world->entries->kind, XD_NODE_ARRAY);
        assert_true(world->entries->count <= max);
        assert_non_null(memchr(next, '\0', sizeof next));
        memcpy(world->cursor, next, sizeof next);
    }
    return answer;
}

static void assert_outcome_done(struct xd_erp_answer answer) {
    if (answer.outcome != XD_ERP_DONE) {
        fail_msg("outcome %d: %s: %s", (int)answer.outcome, answer.code, answer.detail);
    }
}

void erps_assert_done(struct xd_erp_answer answer) {
    assert_outcome_done(answer);
    assert_true(answer.document[0] != '\0');
}

void erps_assert_rejected(struct xd_erp_answer answer, const char *code) {
    assert_int_equal(answer.outcome, XD_ERP_REJECTED);
    assert_string_equal(answer.code, code);
    assert_true(answer.detail[0] != '\0');
    assert_true(answer.document[0] == '\0');
}

void erps_assert_state(struct erp_world *world, const char *sale, const char *expected) {
    char state[32];
    world->maker->sale_state(world->folder, sale, state);
    assert_string_equal(state, expected);
}

void erps_assert_stock(struct erp_world *world, const char *sku, const char *expected) {
    assert_decimal(world->maker->stock(world->folder, "WH1", sku), expected);
}

void erps_list(struct erp_world *world, enum xd_erp_list what, size_t max) {
    assert_outcome_done(erps_try_list(world, what, max));
    assert_true(what < XD_ERP_SALES || world->cursor[0] != '\0'); /* documents go on changing */
}
