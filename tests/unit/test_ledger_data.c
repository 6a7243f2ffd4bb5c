/* The ledger's files: reading comma-separated values, and filling the books. */
#include "base/csv.h"
#include "erp/ledger/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

/* ---- comma-separated values ---- */

static const struct xd_csv_column columns[] = {
    {"code", true}, {"name", false}, {"qty", false}, {NULL, false}};

static enum xd_result open_csv(struct xd_csv *csv, const char *text) {
    return xd_csv_open(csv, xd_bytes_of_text(text), columns);
}

static void assert_record(struct xd_csv *csv, unsigned line, const char *code, const char *name,
                          const char *qty) {
    enum xd_result result = xd_csv_next(csv);
    if (result != XD_OK) {
        fail_msg("line %u: %s", csv->line, csv->why);
    }
    assert_int_equal(csv->line, line);
    assert_string_equal(csv->values[0], code);
    assert_string_equal(csv->values[1], name);
    assert_string_equal(csv->values[2], qty);
}

static void csv_takes_columns_in_any_order_and_both_line_ends(void **state) {
    (void)state;
    struct xd_csv csv;
    assert_int_equal(open_csv(&csv, "\xEF\xBB\xBFqty,code\r\n1,A\r\n\r\n2,B\n\n,C"), XD_OK);
    assert_record(&csv, 2, "A", "", "1");
    assert_record(&csv, 4, "B", "", "2");
    assert_record(&csv, 6, "C", "", "");
    assert_int_equal(xd_csv_next(&csv), XD_NOT_FOUND);
    assert_int_equal(xd_csv_next(&csv), XD_NOT_FOUND);
    xd_csv_close(&csv);
}

static void csv_unquotes(void **state) {
    (void)state;
    struct xd_csv csv;
    assert_int_equal(
        open_csv(&csv, "\"code\",name,qty\n\"A,\"\"1\"\"\",\"two\r\nlines\",\"\"\r\nB, b ,\"9\"\n"), XD_OK);
    assert_record(&csv, 2, "A,\"1\"", "two\r\nlines", "");
    assert_record(&csv, 4, "B", " b ", "9");
    assert_int_equal(xd_csv_next(&csv), XD_NOT_FOUND);
    xd_csv_close(&csv);
}

static void csv_says_what_is_wrong_and_where(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
        unsigned line;
        bool header;
    } cases[] = {
        {"", "no header", 1, true},
        {"code,nmae\n", "unknown column \"nmae\"", 1, true},
        {"code,code\n", "column \"code\" comes twice", 1, true},
        {"name,qty\n", "column \"code\" is missing", 1, true},
        {"code,name\xFF\n", "the file is not UTF-8 text", 1, true},
        {"code,name\nA,a\nB\n", "1 fields where the header has 2", 3, false},
        {"code,name\nA,a,x\n", "3 fields where the header has 2", 2, false},
        {"code,name\n,a\n", "\"code\" is empty", 2, false},
        {"code,name\nA,a\"b\n", "a quote within a field that is not quoted", 2, false},
        {"code,name\nA,\"b\"c\n", "text after a closing quote", 2, false},
        {"code,name\nA,\"b\n\n", "a quote is not closed", 2, false},
        {"code\n1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n", "more than 16 fields", 2, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct xd_csv csv;
        enum xd_result result = open_csv(&csv, cases[i].text);
        assert_int_equal(result == XD_INVALID, cases[i].header);
        while (result == XD_OK) {
            result = xd_csv_next(&csv);
        }
        assert_int_equal(result, XD_INVALID);
        assert_string_equal(csv.why, cases[i].why);
        assert_int_equal(csv.line, cases[i].line);
        xd_csv_close(&csv);
    }
}

/* ---- the books ---- */

struct world {
    char folder[64], path[96], why[256];
};

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL) {
        return -1;
    }
    (void)snprintf(world->folder, sizeof world->folder, "/tmp/xd-ledger-XXXXXX");
    *state = world;
    if (mkdtemp(world->folder) == NULL) {
        return -1;
    }
    (void)snprintf(world->path, sizeof world->path, "%s/ledger.db", world->folder);
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    static const char *const names[] = {"customers.csv", "products.csv",  "stock.csv",
                                        "ledger.db",     "ledger.db-wal", "ledger.db-shm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", world->folder, names[i]);
        (void)unlink(path); /* not all are there */
    }
    (void)rmdir(world->folder);
    free(world);
    return 0;
}

static void put_file(const struct world *world, const char *name, const char *text) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", world->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_files(const struct world *world) {
    put_file(world, "customers.csv",
             "code,name,active,credit_limit,currency\nC1,One,yes,10.50,EUR\nC2,Two,0,,\n");
    put_file(world, "products.csv", "uom,sku,unit_price\nEA,W,1.50\nCS,X,\n");
    put_file(world, "stock.csv", "site,sku,qty\nWH1,W,5\n");
}

static enum xd_result prepare(struct world *world) {
    struct xd_ledger_config config = {.path = world->path, .data = world->folder};
    return xd_ledger_prepare(&config, world->why, sizeof world->why);
}

static enum xd_result check(struct world *world) {
    struct xd_ledger_config config = {.path = world->path, .data = world->folder};
    return xd_ledger_check(&config, world->why, sizeof world->why);
}

static void assert_answer(const struct world *world, const char *sql, const char *expected) {
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(world->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(statement, 0), expected);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(handle);
}

static void files_fill_the_books(void **state) {
    struct world *world = *state;
    put_files(world);
    assert_int_equal(prepare(world), XD_OK);
    assert_answer(
        world, "SELECT group_concat(code || active || coalesce(credit_limit, '-') || currency) FROM customer",
        "C1110.5EUR,C20-");
    assert_answer(world,
                  "SELECT group_concat(sku || uom || coalesce(unit_price, '-') || active) FROM product",
                  "WEA1.51,XCS-1");
    assert_answer(world, "SELECT group_concat(site || sku || qty) FROM stock", "WH1W5");
}

static void second_start_updates_rows_but_not_stock(void **state) {
    struct world *world = *state;
    put_files(world);
    assert_int_equal(prepare(world), XD_OK);
    put_file(world, "customers.csv", "code,currency\nC1,USD\nC3,EUR\n");
    put_file(world, "stock.csv", "site,sku,qty\nWH1,W,99\nWH2,X,-7\n");
    assert_int_equal(prepare(world), XD_OK);
    assert_answer(world, "SELECT group_concat(code || coalesce(credit_limit, '-') || currency) FROM customer",
                  "C1-USD,C2-,C3-EUR");
    assert_answer(world, "SELECT group_concat(site || sku || qty) FROM stock", "WH1W5,WH2X-7");
}

static void mistake_in_a_file_is_told_and_nothing_counts(void **state) {
    struct world *world = *state;
    static const struct {
        const char *file, *text, *why;
    } cases[] = {
        {"customers.csv", "code,colour\n", "customers.csv:1: unknown column \"colour\""},
        {"customers.csv", "code,active\nC1,true\nC2,maybe\n",
         "customers.csv:3: \"active\" is neither true nor false: \"maybe\""},
        {"customers.csv", "code,credit_limit\nC1,-1\n",
         "customers.csv:2: \"credit_limit\" is no decimal of 0 or more: \"-1\""},
        {"customers.csv", "code\nC1\nC1\n", "customers.csv:3: \"C1\" comes twice"},
        {"products.csv", "sku,uom,unit_price\nW,EA,\"1,5\"\n",
         "products.csv:2: \"unit_price\" is no decimal of 0 or more: \"1,5\""},
        {"products.csv", "sku,uom\nW,\n", "products.csv:2: \"uom\" is empty"},
        {"stock.csv", "site,sku,qty\nwh 1,W,5\n", "stock.csv:2: \"wh 1\" cannot name a site"},
        {"stock.csv", "site,sku,qty\nWH1,V,5\n", "stock.csv:2: no product has the sku \"V\""},
        {"stock.csv", "site,sku,qty\nWH1,W,many\n", "stock.csv:2: \"qty\" is no decimal: \"many\""},
        {"stock.csv", "site,sku,qty\nWH1,W,5\nWH1,W,6x\n", "stock.csv:3: \"qty\" is no decimal: \"6x\""},
        {"products.csv", "sku,uom,unit_price\nW,EA,1\nW,EA,1,5\n",
         "products.csv:3: 4 fields where the header has 3"},
        {"products.csv", "sku,uom,unit_price\nW,EA,1\nW,EA,x\n",
         "products.csv:3: \"unit_price\" is no decimal of 0 or more: \"x\""},
        {"customers.csv", "code,credit_limit\nC1,1\nC1,x\n",
         "customers.csv:3: \"credit_limit\" is no decimal of 0 or more: \"x\""},
        {"stock.csv", "site,sku,qty\nWH1,W,5\nWH1,W,6\n", "stock.csv:3: \"W\" comes twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_files(world);
        put_file(world, cases[i].file, cases[i].text);
        char expected[256];
        (void)snprintf(expected, sizeof expected, "%s/%s", world->folder, cases[i].why);
        assert_int_equal(check(world), XD_INVALID);
        assert_string_equal(world->why, expected);
        assert_int_equal(prepare(world), XD_INVALID);
        assert_string_equal(world->why, expected);
    }
    struct xd_ledger_config bare = {.path = world->path};
    assert_int_equal(xd_ledger_prepare(&bare, world->why, sizeof world->why), XD_OK);
    assert_answer(world, "SELECT count(*) FROM customer", "0");
}

static void a_check_makes_nothing_and_knows_earlier_products(void **state) {
    struct world *world = *state;
    put_files(world);
    assert_int_equal(check(world), XD_OK);
    assert_int_not_equal(access(world->path, F_OK), 0);
    assert_int_equal(prepare(world), XD_OK);
    put_file(world, "products.csv", "uom,sku\nEA,Y\n"); /* the stock's W is in the ledger */
    assert_int_equal(check(world), XD_OK);
    assert_answer(world, "SELECT group_concat(sku) FROM product", "W,X");
}

static void missing_files_and_folders_are_told(void **state) {
    struct world *world = *state;
    put_files(world);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/products.csv", world->folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(prepare(world), XD_INVALID);
    assert_non_null(strstr(world->why, "products.csv:1: No such file"));
    struct xd_ledger_config nowhere = {.path = "/nonexistent/ledger.db"};
    struct xd_erp erp;
    assert_int_equal(xd_ledger_prepare(&nowhere, world->why, sizeof world->why), XD_IO);
    assert_int_equal(xd_ledger_open(&nowhere, &erp, world->why, sizeof world->why), XD_UNAVAILABLE);
    assert_non_null(strstr(world->why, "/nonexistent/ledger.db"));
}

#define TYPED "number,line_id,customer,site,sku,qty,currency,unit_price,ship_to_name\n"

static void sales_are_typed_in_once_and_changed_by_typing_another_quantity(void **state) {
    struct world *world = *state;
    put_files(world);
    put_file(world, "sales.csv",
             TYPED "T-1,1,C1,WH1,W,10,EUR,0.5,Shop\nT-1,2,C1,WH1,X,1,EUR,0.5,Shop\n"
                   "T-2,1,C1,WH1,W,1,EUR,0.5,\n");
    assert_int_equal(check(world), XD_OK);
    if (prepare(world) != XD_OK) {
        fail_msg("%s", world->why);
    }
    assert_answer(world, "SELECT group_concat(reference || ' ' || state) FROM sale", "=T-1 open,=T-2 open");
    assert_answer(world, "SELECT open_value FROM customer WHERE code = 'C1'", "6");
    assert_answer(world, "SELECT ship_to LIKE '{\"name\":\"Shop\"%' FROM sale WHERE reference = '=T-1'", "1");
    assert_int_equal(prepare(world), XD_OK); /* the file says the same again */
    assert_answer(world, "SELECT count(*) FROM sale_change", "0");
    assert_answer(world, "SELECT group_concat(changed) FROM sale", "1,2");
    put_file(world, "sales.csv", TYPED "T-1,1,C1,WH1,W,4,EUR,0.5,Shop\nT-2,1,C1,WH1,W,0,EUR,0.5,\n");
    assert_int_equal(prepare(world), XD_OK);
    assert_answer(world, "SELECT group_concat(qty) FROM sale_line WHERE sale = 1", "4,1");
    assert_answer(world, "SELECT group_concat(state) FROM sale", "open,cancelled");
    assert_answer(world, "SELECT open_value FROM customer WHERE code = 'C1'", "2.5");
    put_file(world, "sales.csv", TYPED "T-3,1,C1,WH1,NOPE,4,EUR,0.5,Shop\n");
    assert_int_equal(prepare(world), XD_INVALID);
    assert_non_null(strstr(world->why, "sales.csv:2: no product has the sku NOPE"));
    assert_answer(world, "SELECT count(*) FROM sale", "2");
}

#define BOOKS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_takes_columns_in_any_order_and_both_line_ends),
        cmocka_unit_test(csv_unquotes),
        cmocka_unit_test(csv_says_what_is_wrong_and_where),
        BOOKS_TEST(files_fill_the_books),
        BOOKS_TEST(second_start_updates_rows_but_not_stock),
        BOOKS_TEST(mistake_in_a_file_is_told_and_nothing_counts),
        BOOKS_TEST(a_check_makes_nothing_and_knows_earlier_products),
        BOOKS_TEST(missing_files_and_folders_are_told),
        BOOKS_TEST(sales_are_typed_in_once_and_changed_by_typing_another_quantity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
