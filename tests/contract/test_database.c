/* What connectors/sqlite promises beyond the tables of functions: one writer,
 * versions, failures of disk and bytes, readers, copies. */
#include "contract/faulty_vfs.h"
#include "contract/hub_schema_1.h"
#include "contract/stores.h"
#include "sqlite/database.h"
#include "sqlite/schema.h"
#include "sqlite/statements.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

static struct xd_database *database_of(void **state) {
    return ((struct store_world *)*state)->store;
}

static enum xd_result try_open(const char *path, enum xd_database_schema schema, bool read_only, char *why,
                               size_t why_size) {
    struct xd_database_config config = {.path = path, .read_only = read_only};
    struct xd_database *database = NULL;
    enum xd_result result = xd_database_open(&config, schema, &database, why, why_size);
    if (result != XD_OK) {
        assert_null(database);
    }
    xd_database_close(database);
    return result;
}

static void close_store(struct store_world *world) {
    stores_current->close(world->store);
    world->store = NULL;
}

/* Runs SQL on the file behind the store's back. */
static void tamper(const char *path, const char *sql) {
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void set_meta(struct store_world *world, const char *name, const char *value) {
    stores_begin(world);
    assert_ok(world->delivery->meta_set(world->delivery->context, name, value));
    stores_commit(world);
}

/* ---- who may open ---- */

static void second_writer_is_refused_until_the_first_closes(void **state) {
    struct store_world *world = *state;
    char why[256] = "";
    assert_int_equal(try_open(world->path, XD_SCHEMA_SITE, false, why, sizeof why), XD_DENIED);
    assert_non_null(strstr(why, "in use by another process"));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(try_open(world->path, XD_SCHEMA_SITE, false, why, sizeof why) == XD_DENIED ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close_store(world);
    assert_ok(try_open(world->path, XD_SCHEMA_SITE, false, why, sizeof why));
}

static void store_is_private_to_its_user(void **state) {
    struct store_world *world = *state;
    struct stat status;
    set_meta(world, "a", "1");
    static const char *const suffixes[] = {"", "-wal", ".lock"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", world->path, suffixes[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
}

static void newer_schema_and_other_programs_store_are_refused(void **state) {
    struct store_world *world = *state;
    char why[256] = "";
    close_store(world);
    assert_int_equal(try_open(world->path, XD_SCHEMA_HUB, false, why, sizeof why), XD_INVALID);
    assert_non_null(strstr(why, "is not the store of a hub"));
    tamper(world->path, "PRAGMA user_version = 1000");
    assert_int_equal(try_open(world->path, XD_SCHEMA_SITE, false, why, sizeof why), XD_INVALID);
    assert_non_null(strstr(why, "newer program"));
    tamper(world->path, "PRAGMA user_version = -1");
    assert_int_equal(try_open(world->path, XD_SCHEMA_SITE, false, why, sizeof why), XD_CORRUPT);
}

static enum xd_result see_old_exception(void *context, const struct xd_exception_row *row) {
    (void)context;
    fail_msg("there was no exception: %s", row->id);
    return XD_OK;
}

static void store_of_the_first_version_is_migrated_with_what_is_in_it(void **state) {
    struct store_world *world = *state;
    char path[128], why[256] = "";
    struct xd_database *database = NULL;
    struct xd_hub_store hub;
    struct xd_order_row order;
    struct xd_event_row event = {.n = 1, .body = xd_bytes_of_text("{}")};
    const struct xd_exception_filter filter = {.order_id = "O1"};
    int64_t count = -1;
    (void)snprintf(path, sizeof path, "%s/old.db", world->folder);
    tamper(path, hub_schema_1);
    tamper(path,
           "INSERT INTO counter VALUES(1, 4, 1);"
           "INSERT INTO orders VALUES(1, 'O1', 't', 'web', 'portal', 'acc', 'PO-1', 'CUST-1', '', 'EUR',"
           " 'WH1', 'corr', 'sale/1', 4, 1, zeroblob(32), 5, 5);"
           "INSERT INTO order_body VALUES(1, 0, x'7b7d');"
           "INSERT INTO job VALUES(1, 'books', 0, 'sale/1', 2, 1, 0, 5, 'O1', '', '', 0, 5, '', '', '')");
    assert_int_equal(try_open(path, XD_SCHEMA_HUB, true, why, sizeof why), XD_INVALID);
    assert_non_null(strstr(why, "comes when its program starts"));
    struct xd_database_config config = {.path = path};
    if (xd_database_open(&config, XD_SCHEMA_HUB, &database, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
    xd_database_hub_store(database, &hub);
    assert_ok(hub.order_get(hub.context, "O1", &order));
    assert_string_equal(order.external_order_id, "PO-1");
    assert_ok(hub.reference.count(hub.reference.context, 0, &count));
    assert_int_equal(count, 0);
    assert_ok(hub.order_count(hub.context, 4, &count));
    assert_int_equal(count, 1);
    assert_ok(hub.job_count_of(hub.context, "books", XD_JOB_UNKNOWN, &count));
    assert_int_equal(count, 1);
    assert_ok(hub.exception_list(hub.context, &filter, "", 9, see_old_exception, NULL));
    assert_ok(hub.delivery.tx.begin(hub.delivery.tx.context));
    assert_ok(hub.events.add(hub.events.context, &event));
    assert_ok(hub.delivery.tx.commit(hub.delivery.tx.context));
    xd_database_close(database);
    assert_ok(try_open(path, XD_SCHEMA_HUB, true, why, sizeof why));
}

/* All that SQLite knows of the tables of a store, one thing in a line. */
static void write_schema(const char *path, struct xd_buffer *out) {
    static const char sql[] =
        "SELECT 'table ' || t.name || ' ' || t.wr || t.strict || ': ' || c.cid || ' ' || c.name || ' ' || "
        "c.type"
        " || ' ' || c.\"notnull\" || ' ' || c.pk || ' ' || coalesce(c.dflt_value, '-') FROM "
        "pragma_table_list t JOIN pragma_table_xinfo(t.name) c"
        " WHERE t.schema = 'main' UNION ALL"
        " SELECT 'index ' || coalesce(m.sql, l.name || ' ' || x.seqno || ' ' || x.name) FROM sqlite_master t"
        " JOIN pragma_index_list(t.name) l JOIN pragma_index_xinfo(l.name) x"
        " JOIN sqlite_master m ON m.name = l.name WHERE t.type = 'table' AND x.key = 1"
        " UNION ALL SELECT 'version ' || user_version FROM pragma_user_version ORDER BY 1";
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        xd_buffer_text(out, (const char *)sqlite3_column_text(statement, 0));
        xd_buffer_byte(out, '\n');
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void store_that_came_step_by_step_has_the_tables_of_a_new_one(void **state) {
    struct store_world *world = *state;
    static const enum xd_database_schema schemas[] = {XD_SCHEMA_SITE, XD_SCHEMA_HUB};
    for (size_t index = 0; index < 2; index++) {
        struct xd_buffer stepped, fresh;
        char old[128], new[128], why[256] = "";
        bool hub = schemas[index] == XD_SCHEMA_HUB;
        (void)snprintf(old, sizeof old, "%s/old-%zu.db", world->folder, index);
        (void)snprintf(new, sizeof new, "%s/new-%zu.db", world->folder, index);
        if (hub) {
            tamper(old, hub_schema_1);
        } else {
            tamper(old, xd_schema_site_steps.steps[0].parts[0]);
            tamper(old, xd_schema_site_steps.steps[0].parts[1]);
            tamper(old, "PRAGMA application_id = 0x58445349; PRAGMA user_version = 1");
        }
        assert_ok(try_open(old, schemas[index], false, why, sizeof why));
        assert_ok(try_open(new, schemas[index], false, why, sizeof why));
        xd_buffer_init(&stepped, 0);
        xd_buffer_init(&fresh, 0);
        write_schema(old, &stepped);
        write_schema(new, &fresh);
        assert_true(fresh.size > 1000);
        assert_string_equal(xd_buffer_string(&stepped), xd_buffer_string(&fresh));
        xd_buffer_free(&stepped);
        xd_buffer_free(&fresh);
    }
}

static enum xd_result see_status(void *context, const struct xd_release_row *row) {
    int *statuses = context;
    statuses[row->release_id[1] - '0'] = row->status;
    assert_int_equal(row->stage, XD_STAGE_RELEASED);
    assert_int_equal(row->cancel, XD_CANCEL_NONE);
    assert_int_equal(row->number, 1);
    return XD_OK;
}

static enum xd_result see_answer(void *context, const struct xd_release_line_row *row) {
    *(int *)context = row->answer;
    return XD_OK;
}

static enum xd_result see_old_line(void *context, const struct xd_order_line_row *row) {
    *(struct xd_order_line_row *)context = *row;
    return XD_OK;
}

/* Orders as the first hub left them: refused by the ERP, posted and not decided, with their site. */
static void orders_of_the_first_version_are_where_they_were(void **state) {
    static const int expected[] = {XD_RELEASE_QUEUED,   XD_RELEASE_SENT,    XD_RELEASE_ACKED,
                                   XD_RELEASE_REJECTED, XD_RELEASE_SHIPPED, XD_RELEASE_CANCELLED};
    static const int old[] = {0, 1, 2, 3, 7, 9};
    struct store_world *world = *state;
    struct xd_database *database = NULL;
    struct xd_hub_store hub;
    struct xd_order_row order;
    struct xd_order_line_row line;
    char path[128], why[256] = "", sql[512];
    int statuses[6] = {-1, -1, -1, -1, -1, -1};
    struct xd_database_config config = {.path = path};
    (void)snprintf(path, sizeof path, "%s/old.db", world->folder);
    tamper(path, hub_schema_1);
    for (int n = 1; n <= 3; n++) { /* VALIDATED, HELD, and from there ACCEPTED */
        (void)snprintf(
            sql, sizeof sql,
            "INSERT INTO orders VALUES(%d, 'O%d', 't', 'web', 'portal', 'acc', 'PO-%d', 'CUST-1', '', 'EUR',"
            " 'WH1', 'corr', 'sale/%d', %d, 1, zeroblob(32), 5, 5);"
            "INSERT INTO order_line VALUES(%d, 1, '1', '1', 'WIDGET', 'EA', NULL, '10', '4', '0', '6', '0', "
            "'0', '4', '0')",
            n, n, n, n, n == 3 ? 8 : n, n);
        tamper(path, sql);
    }
    for (int n = 0; n < 6; n++) {
        (void)snprintf(sql, sizeof sql, "INSERT INTO release VALUES(%d, 'R%d', 'O3', 'WH1', 1, %d, 5, 5)",
                       n + 1, n, old[n]);
        tamper(path, sql);
        (void)snprintf(
            sql, sizeof sql,
            "INSERT INTO release_line VALUES(%d, 1, '1', 'WIDGET', 'EA', 1, 1, '1', '0', '0', '0')", n + 1);
        tamper(path, sql);
    }
    assert_ok(xd_database_open(&config, XD_SCHEMA_HUB, &database, why, sizeof why));
    xd_database_hub_store(database, &hub);
    assert_ok(hub.order_get(hub.context, "O1", &order));
    assert_int_equal(order.steps, 0);
    assert_int_equal(order.holds, 0);
    assert_ok(hub.order_get(hub.context, "O2", &order));
    assert_int_equal(order.steps, 0);
    assert_int_equal(order.holds, XD_HOLD_BIT(XD_HOLD_ERP));
    assert_ok(hub.order_get(hub.context, "O3", &order));
    assert_int_equal(order.steps, (1u << XD_STEP_COUNT) - 1);
    assert_int_equal(order.holds, 0);
    assert_int_equal(order.releases, 1);
    assert_decimal(order.total, "0");
    assert_ok(hub.order_lines(hub.context, "O3", see_old_line, &line));
    assert_decimal(line.released, "6");
    assert_decimal(line.pending, "0");
    assert_int_equal(line.factor_num, 1);
    assert_int_equal(line.factor_den, 1);
    assert_ok(hub.release_of_order(hub.context, "O3", see_status, statuses));
    for (int n = 0; n < 6; n++) {
        assert_int_equal(statuses[n], expected[n]);
    }
    for (int n = 1; n <= 2; n++) { /* who acknowledged then had taken it */
        int answer = -1;
        (void)snprintf(sql, sizeof sql, "R%d", n);
        assert_ok(hub.release_lines(hub.context, sql, see_answer, &answer));
        assert_int_equal(answer, n == 2 ? XD_LINE_TAKEN : XD_LINE_UNANSWERED);
    }
    xd_database_close(database);
}

static void what_is_no_database_is_corrupt_and_left_alone(void **state) {
    struct store_world *world = *state;
    char path[128];
    char why[256] = "";
    (void)snprintf(path, sizeof path, "%s/garbage.db", world->folder);
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(write(file, "this is not a database at all...", 32), 32);
    }
    (void)close(file);
    assert_int_equal(try_open(path, XD_SCHEMA_SITE, false, why, sizeof why), XD_CORRUPT);
    assert_true(why[0] != '\0');
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 6400);
}

static void store_in_a_folder_that_is_not_there_is_told(void **state) {
    char why[256] = "";
    (void)state;
    assert_int_equal(try_open("/nonexistent/x.db", XD_SCHEMA_SITE, false, why, sizeof why), XD_IO);
    assert_non_null(strstr(why, "/nonexistent/x.db"));
    assert_int_equal(try_open("/nonexistent/x.db", XD_SCHEMA_SITE, true, why, sizeof why), XD_NOT_FOUND);
}

static void write_outside_of_a_transaction_is_refused(void **state) {
    struct store_world *world = *state;
    char value[8];
    assert_int_equal(world->delivery->meta_set(world->delivery->context, "a", "1"), XD_INVALID);
    assert_non_null(strstr(xd_database_error(world->store), "outside of a transaction"));
    assert_int_equal(world->delivery->meta_get(world->delivery->context, "a", value, sizeof value),
                     XD_NOT_FOUND);
    assert_int_equal(world->delivery->tx.commit(world->delivery->tx.context), XD_INVALID);
    assert_int_equal(world->delivery->tx.savepoint(world->delivery->tx.context), XD_INVALID);
}

/* ---- readers ---- */

static struct xd_database *open_reader(struct store_world *world, struct xd_site_store *site) {
    struct xd_database_config config = {.path = world->path, .read_only = true};
    struct xd_database *reader = NULL;
    char why[256];
    assert_ok(xd_database_open(&config, XD_SCHEMA_SITE, &reader, why, sizeof why));
    xd_database_site_store(reader, site);
    return reader;
}

static void reader_sees_what_is_committed_and_writes_nothing(void **state) {
    struct store_world *world = *state;
    struct xd_site_store site;
    char value[8];
    set_meta(world, "a", "1");
    struct xd_database *reader = open_reader(world, &site);
    stores_begin(world);
    assert_ok(world->delivery->meta_set(world->delivery->context, "a", "2"));
    assert_ok(site.delivery.meta_get(site.delivery.context, "a", value, sizeof value));
    assert_string_equal(value, "1");
    stores_commit(world);
    assert_ok(site.delivery.meta_get(site.delivery.context, "a", value, sizeof value));
    assert_string_equal(value, "2");
    assert_ok(site.delivery.tx.begin(site.delivery.tx.context));
    assert_int_equal(site.delivery.meta_set(site.delivery.context, "a", "3"), XD_DENIED);
    site.delivery.tx.rollback(site.delivery.tx.context);
    xd_database_close(reader);
}

static enum xd_result forget_row(void *context, const struct xd_held_release *row) {
    (void)context;
    (void)row;
    return XD_OK;
}

static enum xd_result idle_reader(void *context, const struct xd_held_release *row) {
    (void)row;
    struct timespec pause = {.tv_nsec = 2000000};
    (void)context;
    (void)nanosleep(&pause, NULL); /* a reader that is slow, not a wait for anything */
    return XD_OK;
}

static void hold_many(struct store_world *world, int count) {
    stores_begin(world);
    for (int i = 0; i < count; i++) {
        struct xd_held_release row = {.revision = 1, .epoch = "e", .sequence = (uint64_t)i};
        (void)snprintf(row.release_id, sizeof row.release_id, "R%d", i);
        assert_ok(world->site.release_add(world->site.context, &row));
    }
    stores_commit(world);
}

static void read_that_lasts_too_long_is_ended(void **state) {
    struct store_world *world = *state;
    struct xd_site_store site;
    hold_many(world, 4000);
    struct xd_database *reader = open_reader(world, &site);
    xd_database_read_limit(reader, 5);
    assert_int_equal(site.release_open(site.context, 0, 4000, idle_reader, NULL), XD_AGAIN);
    assert_ok(site.release_open(site.context, 0, 10, forget_row, NULL));
    xd_database_read_limit(reader, 0);
    assert_ok(site.release_open(site.context, 0, 4000, forget_row, NULL));
    xd_database_close(reader);
}

static void idle_time_shortens_the_log(void **state) {
    struct store_world *world = *state;
    struct stat status;
    char path[128];
    (void)snprintf(path, sizeof path, "%s-wal", world->path);
    struct xd_site_store site;
    struct xd_database *reader = open_reader(world, &site);
    assert_ok(site.delivery.tx.begin(site.delivery.tx.context)); /* pins the log */
    char value[8];
    (void)site.delivery.meta_get(site.delivery.context, "a", value, sizeof value);
    for (int i = 0; i < 1200; i++) {
        set_meta(world, "a", i % 2 == 0 ? "1" : "2");
    }
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size > 1000 * 4096);
    xd_database_idle(world->store); /* cannot yet, and does not wait */
    site.delivery.tx.rollback(site.delivery.tx.context);
    xd_database_idle(world->store);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 0);
    xd_database_close(reader);
}

/* ---- bytes that changed ---- */

static void add_outbox(struct store_world *world, uint64_t sequence, const char *body) {
    struct xd_outbox_row row = {
        .sequence = sequence, .kind = XD_DOC_RESPONSE, .document_id = "D", .body = xd_bytes_of_text(body)};
    stores_begin(world);
    assert_ok(world->delivery->outbox_add(world->delivery->context, 1, &row));
    stores_commit(world);
}

static enum xd_result count_row(void *context, const struct xd_outbox_row *row) {
    (void)row;
    ++*(int *)context;
    return XD_OK;
}

struct findings {
    int count;
    char last[256];
};

static void told(void *context, const char *text) {
    struct findings *findings = context;
    findings->count++;
    (void)snprintf(findings->last, sizeof findings->last, "%s", text);
}

static void changed_body_is_noticed_when_read_and_by_fsck(void **state) {
    struct store_world *world = *state;
    struct findings findings = {.count = 0};
    int rows = 0;
    add_outbox(world, 1, "one");
    add_outbox(world, 2, "two");
    assert_ok(xd_database_fsck(world->store, told, &findings));
    assert_int_equal(findings.count, 0);
    tamper(world->path,
           "UPDATE outbox SET body = CAST('twx' AS BLOB) WHERE document_id = 'D' AND key & 3 = 2");
    assert_int_equal(world->delivery->outbox_read(world->delivery->context, 1, 1, 9, 9, count_row, &rows),
                     XD_CORRUPT);
    assert_int_equal(rows, 1);
    assert_non_null(strstr(xd_database_error(world->store), "checksum"));
    assert_int_equal(xd_database_fsck(world->store, told, &findings), XD_CORRUPT);
    assert_int_equal(findings.count, 1);
    assert_string_equal(findings.last, "outbox 1/2: does not match its checksum");
}

static void fsck_finds_a_counter_and_a_tree_that_are_wrong(void **state) {
    struct store_world *world = *state;
    struct findings findings = {.count = 0};
    hold_many(world, 100);
    tamper(world->path, "INSERT INTO counter VALUES(0, 0, '', 5)");
    assert_int_equal(xd_database_fsck(world->store, told, &findings), XD_CORRUPT);
    assert_string_equal(findings.last, "counter of quarantine: 5 instead of 0");
    tamper(world->path,
           "DELETE FROM counter; PRAGMA writable_schema = 1;"
           "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'meta')"
           " WHERE name = 'held_open'");
    stores_reopen(world, 0);
    findings.count = 0;
    assert_int_equal(xd_database_fsck(world->store, told, &findings), XD_CORRUPT);
    assert_true(findings.count > 0);
}

static void hub_counters_pass_fsck(void **state) {
    struct store_world *world = *state;
    struct findings findings = {.count = 0};
    struct xd_job_row job = {.erp = "main", .reference = "r1"};
    struct xd_order_row order = {.order_id = "O1", .body = xd_bytes_of_text("{}")};
    stores_begin(world);
    assert_ok(world->hub.job_add(world->hub.context, &job, NULL, 0));
    job.state = XD_JOB_DONE;
    assert_ok(world->hub.job_save(world->hub.context, &job));
    assert_ok(world->hub.order_add(world->hub.context, &order, NULL, 0));
    stores_commit(world);
    assert_ok(xd_database_fsck(world->store, told, &findings));
    tamper(world->path, "UPDATE order_body SET body = CAST('{ ' AS BLOB); UPDATE counter SET count = 4"
                        " WHERE state = 3 AND name = 'main'");
    assert_int_equal(xd_database_fsck(world->store, told, &findings), XD_CORRUPT);
    assert_int_equal(findings.count, 2);
    assert_string_equal(findings.last, "counter 2/3/main: 4 instead of 1");
}

static void add_job(struct store_world *world, int number, int state) {
    struct xd_job_row job = {.state = state};
    (void)snprintf(job.erp, sizeof job.erp, "erp-%d", number);
    (void)snprintf(job.reference, sizeof job.reference, "r%d", number);
    assert_ok(world->hub.job_add(world->hub.context, &job, NULL, 0));
}

static void expect_jobs(struct store_world *world, int number, int64_t wanted) {
    int64_t count = -1;
    char erp[16];
    (void)snprintf(erp, sizeof erp, "erp-%d", number);
    assert_ok(world->hub.job_count_of(world->hub.context, erp, XD_JOB_QUEUED, &count));
    assert_int_equal(count, wanted);
}

/* What is counted in a transaction is remembered until something needs it: it is exact all the same. */
static void counters_are_exact_within_a_transaction_and_after_what_is_undone(void **state) {
    struct store_world *world = *state;
    struct xd_store_tx *tx = &world->hub.delivery.tx;
    struct findings findings = {.count = 0};
    int64_t count = -1;
    stores_begin(world);
    add_job(world, 1, XD_JOB_QUEUED);
    expect_jobs(world, 1, 1);
    add_job(world, 2, XD_JOB_QUEUED);
    assert_ok(tx->savepoint(tx->context));
    add_job(world, 3, XD_JOB_QUEUED);
    assert_ok(tx->undo(tx->context));
    add_job(world, 4, XD_JOB_QUEUED);
    assert_ok(tx->savepoint(tx->context));
    add_job(world, 5, XD_JOB_QUEUED);
    assert_ok(tx->keep(tx->context));
    stores_commit(world);
    stores_begin(world);
    add_job(world, 6, XD_JOB_QUEUED);
    tx->rollback(tx->context);
    stores_begin(world);
    for (int number = 10; number < 60; number++) {
        add_job(world, number, XD_JOB_QUEUED); /* more than are remembered at once */
    }
    stores_commit(world);
    for (int number = 1; number < 60; number++) {
        bool there = number != 3 && number != 6 && (number < 6 || number >= 10);
        expect_jobs(world, number, there ? 1 : 0);
    }
    assert_ok(world->hub.job_count(world->hub.context, XD_JOB_QUEUED, &count));
    assert_int_equal(count, 54);
    assert_ok(xd_database_fsck(world->store, told, &findings));
}

static int deny_counters(void *context, int action, const char *table, const char *column, const char *name,
                         const char *trigger) {
    (void)context, (void)column, (void)name, (void)trigger;
    return action == SQLITE_INSERT && strcmp(table, "counter") == 0 ? SQLITE_DENY : SQLITE_OK;
}

/* Whoever asks for a count while it cannot be written loses nobody else's. */
static void what_is_counted_survives_a_count_that_fails(void **state) {
    struct store_world *world = *state;
    struct findings findings = {.count = 0};
    sqlite3 *handle = ((struct xd_database *)world->store)->handle;
    int64_t count = -1;
    stores_begin(world);
    add_job(world, 1, XD_JOB_QUEUED);
    add_job(world, 2, XD_JOB_DONE);
    assert_int_equal(sqlite3_set_authorizer(handle, deny_counters, NULL), SQLITE_OK);
    assert_int_equal(world->hub.job_count(world->hub.context, XD_JOB_QUEUED, &count), XD_DENIED);
    assert_int_equal(sqlite3_set_authorizer(handle, NULL, NULL), SQLITE_OK);
    stores_commit(world);
    expect_jobs(world, 1, 1);
    assert_ok(xd_database_fsck_counters(world->store, told, &findings));
    tamper(world->path, "UPDATE counter SET count = 2 WHERE topic = 2");
    assert_int_equal(xd_database_fsck_counters(world->store, told, &findings), XD_CORRUPT);
    assert_int_equal(findings.count, 2);
}

/* ---- a disk that fails ---- */

static struct xd_database *open_faulty(struct store_world *world, struct xd_site_store *site) {
    char path[128];
    char why[256];
    struct xd_database_config config = {.path = path, .vfs = FAULTY_VFS_NAME};
    struct xd_database *database = NULL;
    (void)snprintf(path, sizeof path, "%s/faulty.db", world->folder);
    enum xd_result result = xd_database_open(&config, XD_SCHEMA_SITE, &database, why, sizeof why);
    if (result != XD_OK) {
        fail_msg("%s", why);
    }
    xd_database_site_store(database, site);
    return database;
}

static void failed_sync_at_commit_is_final(void **state) {
    struct xd_site_store site;
    struct xd_database *database = open_faulty(*state, &site);
    struct xd_store_tx *tx = &site.delivery.tx;
    char value[8];
    assert_ok(tx->begin(tx->context));
    assert_ok(site.delivery.meta_set(site.delivery.context, "a", "1"));
    faulty_vfs_fail_syncs(SQLITE_IOERR_FSYNC);
    assert_int_equal(tx->commit(tx->context), XD_IO);
    faulty_vfs_fail_syncs(0);
    assert_int_equal(tx->begin(tx->context), XD_IO); /* never again on this connection */
    assert_int_equal(site.delivery.meta_get(site.delivery.context, "a", value, sizeof value), XD_NOT_FOUND);
    xd_database_close(database);
}

static void failed_sync_at_a_checkpoint_is_final_too(void **state) {
    struct xd_site_store site;
    struct xd_database *database = open_faulty(*state, &site);
    struct xd_store_tx *tx = &site.delivery.tx;
    static char body[4 * 1024 * 1024];
    struct xd_outbox_row row = {.sequence = 1,
                                .kind = XD_DOC_RESPONSE,
                                .document_id = "D",
                                .body = xd_bytes_of(body, sizeof body - 1)};
    for (row.sequence = 1; row.sequence < 9; row.sequence++) {
        assert_ok(tx->begin(tx->context));
        assert_ok(site.delivery.outbox_add(site.delivery.context, 1, &row));
        if (row.sequence == 3) {
            faulty_vfs_fail_syncs(SQLITE_IOERR_FSYNC);
            enum xd_result result = tx->commit(tx->context);
            faulty_vfs_fail_syncs(0);
            assert_true(result == XD_IO || tx->begin(tx->context) == XD_IO);
            break;
        }
        assert_ok(tx->commit(tx->context));
    }
    assert_int_equal(row.sequence, 3);
    xd_database_close(database);
}

static void full_disk_undoes_the_transaction_and_passes(void **state) {
    struct xd_site_store site;
    struct xd_database *database = open_faulty(*state, &site);
    struct xd_store_tx *tx = &site.delivery.tx;
    char value[8];
    assert_ok(tx->begin(tx->context));
    assert_ok(site.delivery.meta_set(site.delivery.context, "a", "1"));
    faulty_vfs_fail_writes(SQLITE_FULL);
    assert_int_equal(tx->commit(tx->context), XD_FULL);
    tx->rollback(tx->context);
    faulty_vfs_fail_writes(0);
    assert_int_equal(site.delivery.meta_get(site.delivery.context, "a", value, sizeof value), XD_NOT_FOUND);
    assert_ok(tx->begin(tx->context));
    assert_ok(site.delivery.meta_set(site.delivery.context, "a", "2"));
    assert_ok(tx->commit(tx->context));
    xd_database_close(database);
}

static void file_system_without_shared_memory_works(void **state) {
    struct xd_site_store site;
    char value[8];
    faulty_vfs_share_memory(false);
    for (int i = 0; i < 2; i++) {
        struct xd_database *database = open_faulty(*state, &site);
        if (i == 0) {
            assert_ok(site.delivery.tx.begin(site.delivery.tx.context));
            assert_ok(site.delivery.meta_set(site.delivery.context, "a", "1"));
            assert_ok(site.delivery.tx.commit(site.delivery.tx.context));
        }
        assert_ok(site.delivery.meta_get(site.delivery.context, "a", value, sizeof value));
        xd_database_close(database);
    }
    faulty_vfs_share_memory(true);
}

/* ---- ballast, copies ---- */

static void ballast_is_given_up_and_comes_back_with_room(void **state) {
    struct store_world *world = *state;
    struct stat status;
    char why[256];
    char path[128];
    char ballast[160];
    (void)snprintf(path, sizeof path, "%s/b.db", world->folder);
    (void)snprintf(ballast, sizeof ballast, "%s.ballast", path);
    struct xd_database_config config = {.path = path, .ballast_bytes = 1 << 20};
    struct xd_database *database = NULL;
    assert_ok(xd_database_open(&config, XD_SCHEMA_SITE, &database, why, sizeof why));
    assert_int_equal(stat(ballast, &status), 0);
    assert_true(status.st_blocks * 512 >= 1 << 20);
    xd_database_ballast_release(database);
    assert_int_not_equal(stat(ballast, &status), 0);
    xd_database_ballast_restore(database, 2 << 20); /* not enough */
    assert_int_not_equal(stat(ballast, &status), 0);
    xd_database_ballast_restore(database, 64 << 20);
    assert_int_equal(stat(ballast, &status), 0);
    xd_database_close(database);
}

static void backup_holds_all_that_is_committed(void **state) {
    struct store_world *world = *state;
    struct xd_database_config config = {.path = NULL};
    struct xd_database *copy = NULL;
    struct xd_site_store site;
    char path[128];
    char why[256];
    char value[8];
    set_meta(world, "a", "1");
    (void)snprintf(path, sizeof path, "%s/copy.db", world->folder);
    stores_begin(world);
    assert_int_equal(xd_database_backup(database_of(state), path), XD_AGAIN);
    world->delivery->tx.rollback(world->delivery->tx.context);
    assert_ok(xd_database_backup(database_of(state), path));
    set_meta(world, "a", "2");
    config.path = path;
    assert_ok(xd_database_open(&config, XD_SCHEMA_SITE, &copy, why, sizeof why));
    xd_database_site_store(copy, &site);
    assert_ok(site.delivery.meta_get(site.delivery.context, "a", value, sizeof value));
    assert_string_equal(value, "1");
    xd_database_close(copy);
}

/* ---- from earlier versions ---- */

/* The file of that name under tests/vectors; to be freed. */
static char *vector(const char *name) {
    const char *source = getenv("XD_SOURCE") != NULL ? getenv("XD_SOURCE") : ".";
    char path[512];
    (void)snprintf(path, sizeof path, "%s/tests/vectors/%s", source, name);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 65536);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) > 0);
    (void)fclose(file);
    return text;
}

static void a_hub_of_schema_1_keeps_its_clients_and_their_tokens(void **state) {
    struct store_world *world = *state;
    struct xd_client_row client;
    struct xd_token_row token;
    char path[128], why[256] = "";
    char *sql = vector("hub-store-1.sql");
    struct xd_database_config config = {.path = path};
    struct xd_database *database = NULL;
    struct xd_hub_store hub;
    struct xd_hash web = stores_hash(2);
    (void)snprintf(path, sizeof path, "%s/old.db", world->folder);
    tamper(path, sql);
    free(sql);
    assert_ok(xd_database_open(&config, XD_SCHEMA_HUB, &database, why, sizeof why));
    xd_database_hub_store(database, &hub);
    assert_ok(hub.client_by_token(hub.context, &web, &client, &token));
    assert_string_equal(client.client, "web");
    assert_string_equal(client.tenant, "acme");
    assert_string_equal(client.role, "channel");
    assert_int_equal(client.rate_per_s, 0);
    assert_string_equal(client.channels, "");
    assert_int_equal(token.expires_at, 0);
    assert_ok(hub.client_get(hub.context, "default", "admin", &client));
    assert_string_equal(client.role, "admin");
    xd_database_close(database);
    assert_ok(try_open(path, XD_SCHEMA_HUB, true, why, sizeof why)); /* and it is done once */
}

#define SITE_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_site, stores_teardown)
#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_hub, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        SITE_TEST(second_writer_is_refused_until_the_first_closes),
        SITE_TEST(store_is_private_to_its_user),
        SITE_TEST(newer_schema_and_other_programs_store_are_refused),
        SITE_TEST(store_of_the_first_version_is_migrated_with_what_is_in_it),
        SITE_TEST(store_that_came_step_by_step_has_the_tables_of_a_new_one),
        SITE_TEST(orders_of_the_first_version_are_where_they_were),
        SITE_TEST(what_is_no_database_is_corrupt_and_left_alone),
        SITE_TEST(store_in_a_folder_that_is_not_there_is_told),
        SITE_TEST(write_outside_of_a_transaction_is_refused),
        SITE_TEST(reader_sees_what_is_committed_and_writes_nothing),
        SITE_TEST(read_that_lasts_too_long_is_ended),
        SITE_TEST(idle_time_shortens_the_log),
        SITE_TEST(changed_body_is_noticed_when_read_and_by_fsck),
        SITE_TEST(fsck_finds_a_counter_and_a_tree_that_are_wrong),
        HUB_TEST(hub_counters_pass_fsck),
        HUB_TEST(counters_are_exact_within_a_transaction_and_after_what_is_undone),
        HUB_TEST(what_is_counted_survives_a_count_that_fails),
        SITE_TEST(failed_sync_at_commit_is_final),
        SITE_TEST(failed_sync_at_a_checkpoint_is_final_too),
        SITE_TEST(full_disk_undoes_the_transaction_and_passes),
        SITE_TEST(file_system_without_shared_memory_works),
        SITE_TEST(ballast_is_given_up_and_comes_back_with_room),
        SITE_TEST(backup_holds_all_that_is_committed),
        HUB_TEST(a_hub_of_schema_1_keeps_its_clients_and_their_tokens),
    };
    stores_current = &store_makers[0];
    faulty_vfs_register(false);
    return cmocka_run_group_tests_name("database", tests, NULL, NULL);
}
