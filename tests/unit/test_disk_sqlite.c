/* SQLite over the simulated disk: what was committed survives every crash, what was
 * not is there whole or not at all, and damage shows.
 *
 * The book that is kept is one row per transaction and line, whose body follows from
 * its key, and a total that each transaction updates. */
#include "simulator/disk.h"
#include "site/store.h"
#include "sqlite/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#define LINES 3 /* of one transaction */
#define BODY_SIZE 900

static struct xd_disk *disk;

static const enum xd_disk_loss losses[] = {XD_DISK_KEPT, XD_DISK_LOST, XD_DISK_TORN, XD_DISK_REORDERED};

/* splitmix64 again: the test's own dice. */
static uint64_t draw(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t value = (*state ^ (*state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* ---- the book ---- */

static void body_of(sqlite3_int64 key, unsigned char body[BODY_SIZE]) {
    uint64_t state = (uint64_t)key;
    for (size_t i = 0; i < BODY_SIZE; i += 4) {
        uint64_t value = draw(&state);
        memcpy(body + i, &value, 4);
    }
}

static int run(sqlite3 *handle, const char *sql) {
    return sqlite3_exec(handle, sql, NULL, NULL, NULL);
}

/* NULL when even opening failed; the checkpoint comes often, so that crashes meet it. */
static sqlite3 *open_book(const char *path) {
    sqlite3 *handle = NULL;
    int code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, XD_DISK_VFS);
    if (code == SQLITE_OK) {
        code = run(handle,
                   "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                   "PRAGMA wal_autocheckpoint = 12; PRAGMA cache_size = 12;"
                   "CREATE TABLE IF NOT EXISTS line(key INTEGER PRIMARY KEY, body BLOB NOT NULL);"
                   "CREATE TABLE IF NOT EXISTS total(one INTEGER PRIMARY KEY, transactions INTEGER);");
    }
    if (code != SQLITE_OK) {
        (void)sqlite3_close(handle);
        return NULL;
    }
    return handle;
}

static int add_line(sqlite3 *handle, sqlite3_int64 key) {
    unsigned char body[BODY_SIZE];
    sqlite3_stmt *statement = NULL;
    body_of(key, body);
    int code = sqlite3_prepare_v2(handle, "INSERT INTO line VALUES(?, ?)", -1, &statement, NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_bind_int64(statement, 1, key);
        (void)sqlite3_bind_blob(statement, 2, body, BODY_SIZE, SQLITE_STATIC);
        (void)sqlite3_step(statement);
        code = sqlite3_finalize(statement);
    }
    return code;
}

/* The first failure, after a rollback; SQLITE_OK: it is committed. number counts from 1. */
static int add_transaction(sqlite3 *handle, sqlite3_int64 number) {
    int code = run(handle, "BEGIN IMMEDIATE");
    for (sqlite3_int64 i = 0; i < LINES && code == SQLITE_OK; i++) {
        code = add_line(handle, number * LINES + i);
    }
    if (code == SQLITE_OK) {
        code =
            run(handle,
                "INSERT INTO total VALUES(1, 1) ON CONFLICT DO UPDATE SET transactions = transactions + 1");
    }
    if (code == SQLITE_OK) {
        code = run(handle, "COMMIT");
    }
    if (code != SQLITE_OK) {
        (void)run(handle, "ROLLBACK");
    }
    return code;
}

/* What reading the whole book says. */
struct audit {
    int code;                   /* SQLITE_OK, or why it could not be read */
    bool intact;                /* integrity_check says ok */
    sqlite3_int64 transactions; /* that the total says */
    sqlite3_int64 lines, last;  /* rows, and the highest key */
    unsigned garbled;           /* rows whose body does not follow from the key */
};

static void audit_lines(sqlite3 *handle, struct audit *audit) {
    unsigned char body[BODY_SIZE];
    sqlite3_stmt *statement = NULL;
    audit->code = sqlite3_prepare_v2(handle, "SELECT key, body FROM line ORDER BY key", -1, &statement, NULL);
    while (audit->code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        audit->lines++;
        audit->last = sqlite3_column_int64(statement, 0);
        body_of(audit->last, body);
        if (sqlite3_column_bytes(statement, 1) != BODY_SIZE ||
            memcmp(sqlite3_column_blob(statement, 1), body, BODY_SIZE) != 0) {
            audit->garbled++;
        }
    }
    int code = sqlite3_finalize(statement);
    audit->code = audit->code == SQLITE_OK ? code : audit->code;
}

static struct audit audit_of(sqlite3 *handle) {
    struct audit audit = {.code = SQLITE_CANTOPEN};
    sqlite3_stmt *statement = NULL;
    if (handle == NULL) {
        return audit;
    }
    if (sqlite3_prepare_v2(handle, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        audit.intact = sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    }
    (void)sqlite3_finalize(statement);
    audit_lines(handle, &audit);
    statement = NULL;
    if (sqlite3_prepare_v2(handle, "SELECT transactions FROM total", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        audit.transactions = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return audit;
}

/* Opens, and fails the test unless all acknowledged transactions are there and at most
 * the next one beside them, whole. Gives how many there are. */
static sqlite3 *reopen_checked(sqlite3_int64 acknowledged, sqlite3_int64 *there, const char *repeat) {
    sqlite3 *handle = open_book("m/book.db");
    struct audit audit = audit_of(handle);
    bool right = audit.code == SQLITE_OK && audit.intact && audit.garbled == 0 &&
                 (audit.transactions == acknowledged || audit.transactions == acknowledged + 1) &&
                 audit.lines == audit.transactions * LINES &&
                 (audit.lines == 0 || audit.last == audit.transactions * LINES + LINES - 1);
    if (!right || !xd_disk_check(disk)) {
        fail_msg("%s: code %d, %s, %lld acknowledged, %lld there, %lld lines, %u garbled", repeat, audit.code,
                 audit.intact ? "intact" : "not intact", (long long)acknowledged,
                 (long long)audit.transactions, (long long)audit.lines, audit.garbled);
    }
    *there = audit.transactions;
    return handle;
}

/* ---- the power cut ---- */

struct countdown {
    uint64_t left; /* operations that still succeed; the next one is cut */
};

static bool count_down(void *context, enum xd_disk_operation operation, const char *file, uint64_t number) {
    struct countdown *countdown = context;
    (void)operation;
    (void)file;
    (void)number;
    return countdown->left-- > 0;
}

/* Adds transactions up to `last` until one fails. Gives the last one acknowledged. */
static sqlite3_int64 add_until_failure(sqlite3 *handle, sqlite3_int64 next, sqlite3_int64 last) {
    while (next <= last && add_transaction(handle, next) == SQLITE_OK) {
        next++;
    }
    return next - 1;
}

static void commits_survive_crashes_at_random_moments(void **state) {
    (void)state;
    for (size_t loss = 0; loss < 4; loss++) {
        uint64_t seed = loss + 1;
        sqlite3_int64 there = 0;
        unsigned crashes = 0;
        while (there < 1000) {
            char repeat[64];
            struct countdown countdown = {.left = draw(&seed) % 400};
            (void)snprintf(repeat, sizeof repeat, "loss %zu, crash %u", loss, crashes);
            sqlite3 *handle = reopen_checked(there, &there, repeat);
            xd_disk_watch_operations(disk, count_down, &countdown);
            there = add_until_failure(handle, there + 1, INT64_MAX);
            xd_disk_watch_operations(disk, NULL, NULL);
            xd_disk_crash(disk, losses[loss], draw(&seed));
            assert_int_equal(sqlite3_close(handle), SQLITE_OK);
            crashes++;
        }
        assert_true(crashes > 15);
        assert_true(xd_disk_used(disk) < (uint64_t)16 << 20);
        assert_int_equal(sqlite3_close(reopen_checked(there, &there, "the end")), SQLITE_OK);
        xd_disk_free(disk);
        disk = xd_disk_new("m");
        assert_non_null(disk);
    }
}

/* The whole life of a small book: made, filled, checkpointed, closed. Operation number
 * `cut` is cut. Gives what was acknowledged. */
static sqlite3_int64 live(uint64_t cut, sqlite3_int64 transactions, bool *ended) {
    struct countdown countdown = {.left = cut};
    xd_disk_watch_operations(disk, count_down, &countdown);
    sqlite3 *handle = open_book("m/book.db");
    sqlite3_int64 acknowledged = handle == NULL ? 0 : add_until_failure(handle, 1, transactions);
    (void)sqlite3_close(handle);
    *ended = countdown.left > 0 && countdown.left <= cut;
    xd_disk_watch_operations(disk, NULL, NULL);
    return acknowledged;
}

static void commits_survive_a_power_cut_at_every_single_operation(void **state) {
    (void)state;
    unsigned cuts = 0;
    for (size_t loss = 0; loss < 4; loss++) {
        uint64_t rounds = losses[loss] == XD_DISK_KEPT || losses[loss] == XD_DISK_LOST ? 1 : 3;
        bool ended = false;
        for (uint64_t cut = 0; !ended; cut++) {
            for (uint64_t round = 0; round < rounds; round++) {
                char repeat[64];
                sqlite3_int64 acknowledged = live(cut, 12, &ended);
                (void)snprintf(repeat, sizeof repeat, "loss %zu, cut %u, round %u", loss, (unsigned)cut,
                               (unsigned)round);
                xd_disk_crash(disk, losses[loss], cut * 1000 + round);
                sqlite3_int64 there = 0;
                sqlite3 *handle = reopen_checked(acknowledged, &there, repeat);
                /* And it goes on from there. */
                assert_int_equal(add_transaction(handle, there + 1), SQLITE_OK);
                assert_int_equal(sqlite3_close(handle), SQLITE_OK);
                assert_int_equal(sqlite3_close(reopen_checked(there + 1, &there, repeat)), SQLITE_OK);
                xd_disk_free(disk);
                disk = xd_disk_new("m");
                assert_non_null(disk);
            }
            cuts++;
        }
    }
    assert_true(cuts > 4 * 100);
}

static void commits_survive_the_crash_of_the_recovery_too(void **state) {
    bool ended = false;
    (void)state;
    sqlite3_int64 acknowledged = live(97, 100, &ended);
    assert_false(ended);
    xd_disk_crash(disk, XD_DISK_TORN, 1);
    struct xd_disk_image *image = xd_disk_copy(disk);
    ended = false;
    for (uint64_t cut = 0; !ended; cut++) {
        sqlite3_int64 there = 0;
        assert_true(xd_disk_restore(disk, image));
        (void)live(cut, 0, &ended);
        xd_disk_crash(disk, losses[cut % 4], cut);
        assert_int_equal(sqlite3_close(reopen_checked(acknowledged, &there, "recovery")), SQLITE_OK);
    }
    xd_disk_image_free(image);
}

/* ---- a disk that fails ---- */

static void failure_of_any_write_is_survived_by_going_on(void **state) {
    static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};
    (void)state;
    for (int round = 0; round < 2; round++) {
        bool failed = true;
        for (uint64_t nth = 1; failed; nth++) {
            sqlite3_int64 next = 1;
            sqlite3 *handle = open_book("m/book.db");
            assert_non_null(handle);
            uint64_t end = xd_disk_count(disk, XD_DISK_WRITE) + nth;
            xd_disk_fail(disk, XD_DISK_WRITE, nth, false, codes[round]);
            for (int i = 0; i < 12; i++) {
                next += add_transaction(handle, next) == SQLITE_OK ? 1 : 0;
            }
            failed = xd_disk_count(disk, XD_DISK_WRITE) >= end;
            assert_true(next >= 12);
            xd_disk_crash(disk, losses[nth % 4], nth);
            (void)sqlite3_close(handle);
            assert_int_equal(sqlite3_close(reopen_checked(next - 1, &next, "failed write")), SQLITE_OK);
            xd_disk_free(disk);
            disk = xd_disk_new("m");
            assert_non_null(disk);
        }
    }
}

static void failure_of_any_sync_is_survived_by_stopping(void **state) {
    bool failed = true;
    (void)state;
    for (uint64_t nth = 1; failed; nth++) {
        for (size_t loss = 0; loss < 4; loss++) {
            sqlite3_int64 there = 0;
            sqlite3 *handle = open_book("m/book.db");
            assert_non_null(handle);
            uint64_t end = xd_disk_count(disk, XD_DISK_SYNC) + nth;
            xd_disk_fail(disk, XD_DISK_SYNC, nth, true, SQLITE_IOERR_FSYNC);
            sqlite3_int64 acknowledged = add_until_failure(handle, 1, 12);
            failed = xd_disk_count(disk, XD_DISK_SYNC) >= end;
            xd_disk_fail(disk, XD_DISK_SYNC, 0, false, 0);
            xd_disk_crash(disk, losses[loss], nth);
            (void)sqlite3_close(handle);
            assert_int_equal(sqlite3_close(reopen_checked(acknowledged, &there, "failed sync")), SQLITE_OK);
            xd_disk_free(disk);
            disk = xd_disk_new("m");
            assert_non_null(disk);
        }
    }
}

static void failure_of_any_read_is_told_and_changes_nothing(void **state) {
    (void)state;
    sqlite3_int64 there = 0;
    bool ended = false;
    assert_int_equal(live(1000000, 12, &ended), 12);
    uint64_t told = 0;
    for (uint64_t nth = 1; nth < 60; nth++) {
        xd_disk_fail(disk, XD_DISK_READ, nth, false, SQLITE_IOERR_READ);
        sqlite3 *handle = open_book("m/book.db");
        struct audit audit = audit_of(handle);
        told += audit.code == SQLITE_OK && audit.intact ? 0 : 1;
        assert_int_equal(audit.garbled, 0);
        (void)sqlite3_close(handle);
        xd_disk_fail(disk, XD_DISK_READ, 0, false, 0);
        assert_int_equal(sqlite3_close(reopen_checked(12, &there, "failed read")), SQLITE_OK);
        assert_int_equal(there, 12);
    }
    assert_true(told > 10);
}

static void full_disk_refuses_and_goes_on_when_there_is_room(void **state) {
    (void)state;
    sqlite3_int64 there = 0;
    sqlite3 *handle = open_book("m/book.db");
    xd_disk_capacity(disk, 200000);
    sqlite3_int64 acknowledged = add_until_failure(handle, 1, 1000);
    assert_true(acknowledged > 5 && acknowledged < 1000);
    assert_int_equal(add_transaction(handle, acknowledged + 1), SQLITE_FULL);
    xd_disk_capacity(disk, 300000);
    assert_int_equal(add_transaction(handle, acknowledged + 1), SQLITE_OK);
    xd_disk_crash(disk, XD_DISK_LOST, 1);
    (void)sqlite3_close(handle);
    assert_int_equal(sqlite3_close(reopen_checked(acknowledged + 1, &there, "full")), SQLITE_OK);
}

static void lying_disk_loses_commits_and_it_shows(void **state) {
    unsigned missing = 0;
    unsigned damaged = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 80; seed++) {
        sqlite3 *handle = open_book("m/book.db");
        assert_int_equal(add_until_failure(handle, 1, 10), 10);
        xd_disk_lie(disk, true);
        assert_int_equal(add_until_failure(handle, 11, 30 + (sqlite3_int64)(seed % 20)), 30 + seed % 20);
        xd_disk_crash(disk, losses[1 + seed % 3], seed);
        (void)sqlite3_close(handle);
        xd_disk_lie(disk, false);
        handle = open_book("m/book.db");
        struct audit audit = audit_of(handle);
        (void)sqlite3_close(handle);
        bool whole = audit.code == SQLITE_OK && audit.intact && audit.garbled == 0 &&
                     audit.lines == audit.transactions * LINES;
        damaged += whole ? 0 : 1;
        missing += whole && audit.transactions < 30 + (sqlite3_int64)(seed % 20) ? 1 : 0;
        if (losses[1 + seed % 3] == XD_DISK_LOST) {
            assert_true(whole); /* an old state, but a state */
            assert_in_range(audit.transactions, 10, 10);
        }
        xd_disk_free(disk);
        disk = xd_disk_new("m");
        assert_non_null(disk);
    }
    assert_true(missing > 20);
    assert_true(damaged > 5); /* the disk is worse than old: something says so */
}

/* ---- copies, damage, determinism ---- */

static void copy_of_a_running_machine_is_a_machine(void **state) {
    (void)state;
    struct xd_disk *clone = xd_disk_new("clone");
    assert_non_null(clone);
    sqlite3 *handle = open_book("m/book.db");
    for (sqlite3_int64 number = 1; number <= 40; number++) {
        assert_int_equal(add_transaction(handle, number), SQLITE_OK);
        struct xd_disk_image *image = xd_disk_copy(disk);
        assert_non_null(image);
        assert_true(xd_disk_restore(clone, image));
        xd_disk_image_free(image);
        sqlite3 *copy = open_book("clone/book.db");
        struct audit audit = audit_of(copy);
        assert_true(audit.code == SQLITE_OK && audit.intact && audit.garbled == 0);
        assert_int_equal(audit.transactions, number);
        assert_int_equal(add_transaction(copy, number + 1), SQLITE_OK);
        assert_int_equal(sqlite3_close(copy), SQLITE_OK);
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    xd_disk_free(clone);
}

static void flipped_bits_and_cut_files_are_found(void **state) {
    unsigned found[2] = {0};
    bool ended = false;
    (void)state;
    assert_int_equal(live(1000000, 60, &ended), 60);
    struct xd_disk_image *image = xd_disk_copy(disk);
    assert_non_null(image);
    for (uint64_t seed = 0; seed < 200; seed++) {
        assert_true(xd_disk_restore(disk, image));
        assert_true(seed % 2 == 0 ? xd_disk_flip(disk, "book.db", seed)
                                  : xd_disk_truncate(disk, "book.db", seed));
        sqlite3 *handle = open_book("m/book.db");
        struct audit audit = audit_of(handle);
        (void)sqlite3_close(handle);
        bool whole = audit.code == SQLITE_OK && audit.intact && audit.garbled == 0 &&
                     audit.transactions == 60 && audit.lines == (sqlite3_int64)60 * LINES;
        found[seed % 2] += whole ? 0 : 1;
    }
    xd_disk_image_free(image);
    assert_true(found[0] >= 70); /* the others are in bytes that nothing uses */
    assert_true(found[1] == 100);
}

static struct xd_disk_image *history_of(uint64_t seed) {
    sqlite3_int64 there = 0;
    xd_disk_seed(seed);
    for (unsigned crash = 0; crash < 20; crash++) {
        struct countdown countdown = {.left = draw(&seed) % 200};
        sqlite3 *handle = reopen_checked(there, &there, "history");
        xd_disk_watch_operations(disk, count_down, &countdown);
        there = add_until_failure(handle, there + 1, INT64_MAX);
        xd_disk_watch_operations(disk, NULL, NULL);
        xd_disk_crash(disk, losses[crash % 4], draw(&seed));
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    }
    struct xd_disk_image *image = xd_disk_copy(disk);
    assert_non_null(image);
    xd_disk_free(disk);
    disk = xd_disk_new("m");
    assert_non_null(disk);
    return image;
}

static void same_seed_gives_the_same_bytes(void **state) {
    (void)state;
    struct xd_disk_image *first = history_of(7);
    struct xd_disk_image *other = history_of(8);
    struct xd_disk_image *again = history_of(7);
    assert_true(xd_disk_image_equal(first, again));
    assert_false(xd_disk_image_equal(first, other));
    xd_disk_image_free(first);
    xd_disk_image_free(other);
    xd_disk_image_free(again);
}

/* ---- the product's store ---- */

static void store_of_the_product_opens_on_it_and_survives_a_crash(void **state) {
    struct xd_database_config config = {.path = "m/agent.db", .vfs = XD_DISK_VFS, .ballast_bytes = 1 << 20};
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
}

/* What a failed sync left in the cache is read by the next program; what that one commits
 * behind it must not go with it. */
static void store_of_the_product_keeps_commits_behind_one_whose_sync_failed(void **state) {
    struct xd_database_config config = {.path = "m/agent.db", .vfs = XD_DISK_VFS};
    char why[256], value[8];
    (void)state;
    for (int life = 0; life < 3; life++) {
        struct xd_database *database = NULL;
        struct xd_site_store store;
        assert_int_equal(xd_database_open(&config, XD_SCHEMA_SITE, &database, why, sizeof why), XD_OK);
        xd_database_site_store(database, &store);
        const struct xd_store_tx *tx = &store.delivery.tx;
        if (life == 2) {
            assert_int_equal(store.delivery.meta_get(store.delivery.context, "b", value, sizeof value),
                             XD_OK);
        } else {
            const char *name = life == 0 ? "a" : "b";
            assert_int_equal(tx->begin(tx->context), XD_OK);
            assert_int_equal(store.delivery.meta_set(store.delivery.context, name, "1"), XD_OK);
            xd_disk_fail(disk, XD_DISK_SYNC, life == 0 ? 1 : 0, false, SQLITE_IOERR_FSYNC);
            assert_int_equal(tx->commit(tx->context), life == 0 ? XD_IO : XD_OK);
            xd_disk_crash(disk, life == 0 ? XD_DISK_CACHED : XD_DISK_LOST, 1);
        }
        xd_database_close(database);
    }
}

static void tell(void *context, const char *text) {
    (void)text;
    ++*(unsigned *)context;
}

static void store_backs_up_to_its_own_disk_and_admits_one_at_a_time(void **state) {
    struct xd_database_config config = {.path = "m/hub.db", .vfs = XD_DISK_VFS};
    struct xd_database *database = NULL;
    struct xd_database *other = NULL;
    char why[256];
    size_t size = 0;
    unsigned findings = 0;
    (void)state;
    assert_int_equal(xd_database_open(&config, XD_SCHEMA_HUB, &database, why, sizeof why), XD_OK);
    assert_int_equal(xd_database_open(&config, XD_SCHEMA_HUB, &other, why, sizeof why), XD_AGAIN);
    config.read_only = true;
    assert_int_equal(xd_database_open(&config, XD_SCHEMA_HUB, &other, why, sizeof why), XD_AGAIN);
    assert_int_equal(xd_database_backup(database, "m/copy.db"), XD_OK);
    assert_true(xd_disk_size(disk, "copy.db", &size) && size > 0);
    xd_database_close(database);
    for (int i = 0; i < 2; i++) { /* a reader may look when it is alone */
        config.path = i == 0 ? "m/hub.db" : "m/copy.db";
        assert_int_equal(xd_database_open(&config, XD_SCHEMA_HUB, &database, why, sizeof why), XD_OK);
        assert_int_equal(xd_database_fsck(database, tell, &findings), XD_OK);
        assert_int_equal(findings, 0);
        xd_database_close(database);
    }
}

static int set_up(void **state) {
    (void)state;
    disk = xd_disk_new("m");
    return disk == NULL ? -1 : 0;
}

static int tear_down(void **state) {
    (void)state;
    xd_disk_free(disk);
    return 0;
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        DISK_TEST(commits_survive_crashes_at_random_moments),
        DISK_TEST(commits_survive_a_power_cut_at_every_single_operation),
        DISK_TEST(commits_survive_the_crash_of_the_recovery_too),
        DISK_TEST(failure_of_any_write_is_survived_by_going_on),
        DISK_TEST(failure_of_any_sync_is_survived_by_stopping),
        DISK_TEST(failure_of_any_read_is_told_and_changes_nothing),
        DISK_TEST(full_disk_refuses_and_goes_on_when_there_is_room),
        DISK_TEST(lying_disk_loses_commits_and_it_shows),
        DISK_TEST(copy_of_a_running_machine_is_a_machine),
        DISK_TEST(flipped_bits_and_cut_files_are_found),
        DISK_TEST(same_seed_gives_the_same_bytes),
        DISK_TEST(store_of_the_product_opens_on_it_and_survives_a_crash),
        DISK_TEST(store_of_the_product_keeps_commits_behind_one_whose_sync_failed),
        DISK_TEST(store_backs_up_to_its_own_disk_and_admits_one_at_a_time),
    };
    xd_disk_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
