/* The simulated disk by itself: what a crash, a failure or a copy makes of bytes. */
#include "base/memory.h"
#include "simulator/disk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#define SECTOR 512

static struct xd_disk *disk;

/* A file opened as SQLite opens it. */
struct file {
    sqlite3_file *handle;
};

static int try_open(struct file *file, const char *path, int flags) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(XD_DISK_VFS);
    assert_non_null(vfs);
    file->handle = calloc(1, (size_t)vfs->szOsFile);
    assert_non_null(file->handle);
    int code = vfs->xOpen(vfs, path, file->handle, flags | SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READWRITE, NULL);
    if (code != SQLITE_OK) {
        assert_null(file->handle->pMethods);
        free(file->handle);
        file->handle = NULL;
    }
    return code;
}

static struct file open_file(const char *path) {
    struct file file;
    assert_int_equal(try_open(&file, path, SQLITE_OPEN_CREATE), SQLITE_OK);
    return file;
}

static void close_file(struct file *file) {
    assert_int_equal(file->handle->pMethods->xClose(file->handle), SQLITE_OK);
    free(file->handle);
    file->handle = NULL;
}

static int put_bytes(struct file *file, size_t at, const unsigned char *bytes, size_t size) {
    int code = file->handle->pMethods->xWrite(file->handle, bytes, (int)size, (sqlite3_int64)at);
    assert_true(xd_disk_check(disk));
    return code;
}

static int put(struct file *file, size_t at, int byte, size_t size) {
    unsigned char bytes[16 * SECTOR];
    assert_true(size <= sizeof bytes);
    memset(bytes, byte, size);
    return put_bytes(file, at, bytes, size);
}

static int cut(struct file *file, size_t size) {
    return file->handle->pMethods->xTruncate(file->handle, (sqlite3_int64)size);
}

static int sync_file(struct file *file) {
    int code = file->handle->pMethods->xSync(file->handle, SQLITE_SYNC_NORMAL);
    assert_true(xd_disk_check(disk));
    return code;
}

static int get(struct file *file, void *out, size_t at, size_t size) {
    return file->handle->pMethods->xRead(file->handle, out, (int)size, (sqlite3_int64)at);
}

static void crash(enum xd_disk_loss loss, uint64_t random) {
    xd_disk_crash(disk, loss, random);
    assert_true(xd_disk_check(disk));
}

static size_t size_of(const char *name) {
    size_t size = 0;
    return xd_disk_size(disk, name, &size) ? size : SIZE_MAX;
}

static int byte_at(const char *name, size_t at) {
    unsigned char byte = 0;
    assert_int_equal(xd_disk_look(disk, name, &byte, 1, at), 1);
    return byte;
}

/* All of its bytes; the caller frees them. */
static unsigned char *bytes_of(const char *name, size_t *size) {
    assert_true(xd_disk_size(disk, name, size));
    unsigned char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(xd_disk_look(disk, name, bytes, *size + 1, 0), *size);
    return bytes;
}

/* ---- files ---- */

static void file_reads_back_what_was_written(void **state) {
    char bytes[10];
    (void)state;
    struct file file = open_file("m/a");
    assert_int_equal(put(&file, 4, 'x', 4), SQLITE_OK);
    assert_int_equal(get(&file, bytes, 0, 8), SQLITE_OK);
    assert_memory_equal(bytes, "\0\0\0\0xxxx", 8);
    memset(bytes, '?', sizeof bytes);
    assert_int_equal(get(&file, bytes, 6, 4), SQLITE_IOERR_SHORT_READ);
    assert_memory_equal(bytes, "xx\0\0??", 6);
    assert_int_equal(get(&file, bytes, 100, 4), SQLITE_IOERR_SHORT_READ);
    assert_memory_equal(bytes, "\0\0\0\0", 4);
    assert_int_equal(cut(&file, 5), SQLITE_OK);
    assert_int_equal(cut(&file, 7), SQLITE_OK);
    assert_int_equal(get(&file, bytes, 4, 3), SQLITE_OK);
    assert_memory_equal(bytes, "x\0\0", 3);
    assert_int_equal(xd_disk_used(disk), 7);
    close_file(&file);
}

/* Every method of a handle but close gives this kind of failure. */
static void assert_dead(struct file *file) {
    const sqlite3_io_methods *methods = file->handle->pMethods;
    sqlite3_int64 size = 0;
    int number = 0;
    char byte = 0;
    assert_int_equal(methods->xRead(file->handle, &byte, 1, 0) & 0xff, SQLITE_IOERR);
    assert_int_equal(methods->xWrite(file->handle, &byte, 1, 0) & 0xff, SQLITE_IOERR);
    assert_int_equal(methods->xTruncate(file->handle, 0) & 0xff, SQLITE_IOERR);
    assert_int_equal(methods->xSync(file->handle, 0) & 0xff, SQLITE_IOERR);
    assert_int_equal(methods->xFileSize(file->handle, &size) & 0xff, SQLITE_IOERR);
    assert_int_equal(methods->xLock(file->handle, SQLITE_LOCK_SHARED) & 0xff, SQLITE_IOERR);
    assert_int_equal(methods->xUnlock(file->handle, SQLITE_LOCK_NONE) & 0xff, SQLITE_IOERR);
    assert_int_equal(methods->xCheckReservedLock(file->handle, &number) & 0xff, SQLITE_IOERR);
    assert_int_equal(methods->xFileControl(file->handle, SQLITE_FCNTL_SIZE_HINT, &size) & 0xff, SQLITE_IOERR);
}

static void assert_all(const char *name, int byte, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        assert_int_equal(byte_at(name, i), byte);
    }
}

static int delete_file(const char *path) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(XD_DISK_VFS);
    return vfs->xDelete(vfs, path, 1);
}

static void deleted_and_unnamed_files_are_as_on_any_disk(void **state) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(XD_DISK_VFS);
    struct file file;
    char byte = 0;
    int there = 1;
    (void)state;
    assert_int_equal(try_open(&file, "m/a", 0), SQLITE_CANTOPEN);
    assert_int_equal(vfs->xGetLastError(vfs, 0, NULL), ENOENT);
    assert_int_equal(try_open(&file, "nobody/a", SQLITE_OPEN_CREATE), SQLITE_CANTOPEN);
    assert_int_equal(try_open(&file, "m", SQLITE_OPEN_CREATE), SQLITE_CANTOPEN);
    assert_int_equal(delete_file("m/a"), SQLITE_IOERR_DELETE_NOENT);
    file = open_file("m/a");
    assert_int_equal(vfs->xAccess(vfs, "m/a", SQLITE_ACCESS_EXISTS, &there), SQLITE_OK);
    assert_false(there); /* as unix: an empty file is none */
    assert_int_equal(put(&file, 0, 'a', 1), SQLITE_OK);
    assert_int_equal(vfs->xAccess(vfs, "m/a", SQLITE_ACCESS_EXISTS, &there), SQLITE_OK);
    assert_true(there);
    assert_int_equal(delete_file("m/a"), SQLITE_OK);
    assert_int_equal(get(&file, &byte, 0, 1), SQLITE_OK); /* open as it is */
    assert_int_equal(byte, 'a');
    assert_int_equal(size_of("a"), SIZE_MAX);
    close_file(&file);
    file = open_file(NULL);
    assert_int_equal(put(&file, 0, 't', 1), SQLITE_OK);
    xd_disk_fail(disk, XD_DISK_WRITE, 1, true, SQLITE_IOERR_WRITE);
    assert_int_equal(put(&file, 1, 't', 1), SQLITE_OK);
    assert_int_equal(xd_disk_used(disk), 0);
    close_file(&file);
    file.handle = NULL;
    assert_int_equal(try_open(&file, "m/t", SQLITE_OPEN_CREATE | SQLITE_OPEN_DELETEONCLOSE), SQLITE_OK);
    assert_int_equal(size_of("t"), 0);
    close_file(&file);
    assert_int_equal(size_of("t"), SIZE_MAX);
}

static void locks_keep_writers_apart_and_die_with_the_power(void **state) {
    (void)state;
    struct file one = open_file("m/a");
    struct file other = open_file("m/a");
    const sqlite3_io_methods *methods = one.handle->pMethods;
    int reserved = 0;
    assert_int_equal(methods->xLock(one.handle, SQLITE_LOCK_SHARED), SQLITE_OK);
    assert_int_equal(methods->xLock(other.handle, SQLITE_LOCK_SHARED), SQLITE_OK);
    assert_int_equal(methods->xLock(one.handle, SQLITE_LOCK_RESERVED), SQLITE_OK);
    assert_int_equal(methods->xLock(other.handle, SQLITE_LOCK_RESERVED), SQLITE_BUSY);
    assert_int_equal(methods->xCheckReservedLock(other.handle, &reserved), SQLITE_OK);
    assert_true(reserved);
    assert_int_equal(methods->xLock(one.handle, SQLITE_LOCK_EXCLUSIVE), SQLITE_BUSY); /* pending now */
    assert_int_equal(methods->xUnlock(other.handle, SQLITE_LOCK_NONE), SQLITE_OK);
    assert_int_equal(methods->xLock(other.handle, SQLITE_LOCK_SHARED), SQLITE_BUSY);
    assert_int_equal(methods->xLock(one.handle, SQLITE_LOCK_EXCLUSIVE), SQLITE_OK);
    crash(XD_DISK_KEPT, 0);
    struct file third = open_file("m/a");
    assert_int_equal(methods->xLock(third.handle, SQLITE_LOCK_SHARED), SQLITE_OK);
    assert_int_equal(methods->xLock(third.handle, SQLITE_LOCK_EXCLUSIVE), SQLITE_OK);
    close_file(&one);
    close_file(&other);
    close_file(&third);
}

/* ---- crashes ---- */

static void lost_writes_are_those_since_the_last_sync(void **state) {
    (void)state;
    struct file file = open_file("m/a");
    assert_int_equal(put(&file, 0, 'a', 100), SQLITE_OK);
    assert_int_equal(sync_file(&file), SQLITE_OK);
    assert_int_equal(put(&file, 50, 'b', 100), SQLITE_OK);
    assert_int_equal(cut(&file, 20), SQLITE_OK);
    assert_int_equal(put(&file, 60, 'c', 10), SQLITE_OK);
    crash(XD_DISK_LOST, 1);
    assert_int_equal(size_of("a"), 100);
    assert_all("a", 'a', 0, 100);
    close_file(&file);
}

static void kept_writes_stay_for_good(void **state) {
    (void)state;
    struct file file = open_file("m/a");
    assert_int_equal(put(&file, 0, 'a', 100), SQLITE_OK);
    assert_int_equal(cut(&file, 20), SQLITE_OK);
    assert_int_equal(put(&file, 60, 'c', 10), SQLITE_OK);
    for (int i = 0; i < 2; i++) {
        crash(i == 0 ? XD_DISK_KEPT : XD_DISK_LOST, 1);
        assert_int_equal(size_of("a"), 70);
        assert_all("a", 'a', 0, 20);
        assert_all("a", 0, 20, 60);
        assert_all("a", 'c', 60, 70);
    }
    close_file(&file);
}

static void file_that_was_never_synced_is_gone_and_a_deleted_one_stays_away(void **state) {
    (void)state;
    struct file unsynced = open_file("m/unsynced");
    struct file synced = open_file("m/synced");
    struct file deleted = open_file("m/deleted");
    assert_int_equal(put(&unsynced, 0, 'a', 10), SQLITE_OK);
    assert_int_equal(sync_file(&synced), SQLITE_OK);
    assert_int_equal(put(&deleted, 0, 'a', 10), SQLITE_OK);
    assert_int_equal(sync_file(&deleted), SQLITE_OK);
    assert_int_equal(delete_file("m/deleted"), SQLITE_OK);
    crash(XD_DISK_LOST, 1);
    assert_int_equal(size_of("unsynced"), SIZE_MAX);
    assert_int_equal(size_of("synced"), 0);
    assert_int_equal(size_of("deleted"), SIZE_MAX);
    close_file(&unsynced);
    close_file(&synced);
    close_file(&deleted);
}

static void handles_are_dead_after_a_crash_and_files_open_anew(void **state) {
    (void)state;
    struct file file = open_file("m/a");
    assert_int_equal(put(&file, 0, 'a', 10), SQLITE_OK);
    crash(XD_DISK_KEPT, 1);
    uint64_t writes = xd_disk_count(disk, XD_DISK_WRITE);
    assert_dead(&file);
    assert_int_equal(xd_disk_count(disk, XD_DISK_WRITE), writes);
    assert_int_equal(size_of("a"), 10);
    struct file anew = open_file("m/a");
    assert_int_equal(put(&anew, 10, 'b', 10), SQLITE_OK);
    assert_dead(&file);
    close_file(&file);
    assert_int_equal(put(&anew, 20, 'c', 10), SQLITE_OK);
    close_file(&anew);
}

static void freed_disk_leaves_dead_handles(void **state) {
    (void)state;
    struct xd_disk *other = xd_disk_new("other");
    assert_non_null(other);
    struct file one = open_file("other/a");
    struct file two = open_file("other/a");
    assert_int_equal(put(&one, 0, 'a', 10), SQLITE_OK);
    xd_disk_free(other);
    assert_dead(&one);
    close_file(&one);
    assert_dead(&two);
    close_file(&two);
    other = xd_disk_new("other"); /* the name is free */
    assert_non_null(other);
    xd_disk_free(other);
}

/* What reads say is what is durable: overwritten and not synced, it comes back. */
static void assert_settled(void) {
    size_t size, size_after;
    unsigned char *before = bytes_of("a", &size);
    struct file file = open_file("m/a");
    xd_disk_lie(disk, false);
    for (size_t at = 0; at < size; at += 4096) {
        assert_int_equal(put(&file, at, 0xee, 4096), SQLITE_OK);
        if (at % ((size_t)4 << 20) == 0) { /* the cache must not give way */
            crash(XD_DISK_LOST, 0);
            close_file(&file);
            file = open_file("m/a");
        }
    }
    crash(XD_DISK_LOST, 0);
    unsigned char *after = bytes_of("a", &size_after);
    assert_int_equal(size_after, size);
    assert_memory_equal(after, before, size);
    close_file(&file);
    free(after);
    free(before);
}

/* Three writes to a durable file of 'a', one crash; the outcome as text, a letter per half sector. */
static void outcome_of(enum xd_disk_loss loss, uint64_t random, char out[32]) {
    struct file file = open_file("m/a");
    assert_int_equal(put(&file, 0, 'a', 6 * SECTOR), SQLITE_OK);
    assert_int_equal(sync_file(&file), SQLITE_OK);
    assert_int_equal(put(&file, SECTOR / 2, 'b', 2 * SECTOR), SQLITE_OK); /* parts of three sectors */
    assert_int_equal(cut(&file, 5 * SECTOR), SQLITE_OK);
    assert_int_equal(put(&file, 2 * SECTOR, 'c', SECTOR), SQLITE_OK);
    crash(loss, random);
    size_t halves = size_of("a") / (SECTOR / 2);
    assert_true(halves < 32);
    for (size_t i = 0; i < halves; i++) {
        out[i] = (char)byte_at("a", i * SECTOR / 2);
        assert_all("a", out[i], i * SECTOR / 2, (i + 1) * SECTOR / 2);
    }
    out[halves] = '\0';
    close_file(&file);
    assert_settled();
    assert_int_equal(delete_file("m/a"), SQLITE_OK);
}

static void torn_crash_keeps_a_prefix_cut_at_a_sector(void **state) {
    static const char *const expected[] = {"aaaaaaaaaaaa", "abaaaaaaaaaa", "abbbaaaaaaaa",
                                           "abbbbaaaaaaa", "abbbbaaaaa",   "abbbccaaaa"};
    unsigned seen[6] = {0};
    (void)state;
    for (uint64_t random = 0; random < 300; random++) {
        char outcome[32];
        outcome_of(XD_DISK_TORN, random, outcome);
        size_t which = 0;
        while (which < 6 && strcmp(outcome, expected[which]) != 0) {
            which++;
        }
        if (which == 6) {
            fail_msg("random %u: %s", (unsigned)random, outcome);
        }
        seen[which]++;
    }
    for (size_t i = 0; i < 6; i++) {
        assert_true(seen[i] > 10);
    }
}

static void reordered_crash_keeps_any_of_the_writes(void **state) {
    unsigned whole[8] = {0};
    unsigned parts = 0;
    (void)state;
    for (uint64_t random = 0; random < 600; random++) {
        char outcome[32];
        outcome_of(XD_DISK_REORDERED, random, outcome);
        bool first = strncmp(outcome, "abbb", 4) == 0 && (outcome[4] == 'b' || outcome[4] == 'c');
        bool none = strncmp(outcome, "aaaa", 4) == 0 && (outcome[4] == 'a' || outcome[4] == 'c');
        bool cut_off = strlen(outcome) == 10;
        assert_true(cut_off || strlen(outcome) == 12);
        bool third = outcome[5] == 'c';
        if (first || none) {
            whole[(first ? 1 : 0) + (cut_off ? 2 : 0) + (third ? 4 : 0)]++;
        } else {
            parts++; /* such as "aabb": sectors of the first write */
        }
    }
    for (size_t i = 0; i < 8; i++) {
        assert_true(whole[i] > 10);
    }
    assert_true(parts > 10);
}

static void unsynced_writes_beyond_the_cache_become_durable_oldest_first(void **state) {
    (void)state;
    struct file file = open_file("m/a");
    xd_disk_lie(disk, true);
    size_t size = 16 * SECTOR;
    size_t count = 5120; /* 40 MiB */
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(put(&file, i * size, (int)(i % 251), size), SQLITE_OK);
        assert_int_equal(i % 100 == 0 ? sync_file(&file) : SQLITE_OK, SQLITE_OK);
    }
    crash(XD_DISK_LOST, 1);
    size_t kept = size_of("a") / size;
    assert_true(kept >= count * 6 / 10 && kept < count);
    for (size_t i = 0; i < kept; i++) {
        assert_int_equal(byte_at("a", i * size), i % 251);
        assert_int_equal(byte_at("a", i * size + size - 1), i % 251);
    }
    close_file(&file);
    assert_settled();
}

/* ---- the power cut at an operation ---- */

struct cutter {
    enum xd_disk_operation operation;
    uint64_t number;
    unsigned calls;
    char file[16];
};

static bool cut_power(void *context, enum xd_disk_operation operation, const char *file, uint64_t number) {
    struct cutter *cutter = context;
    cutter->calls++;
    (void)snprintf(cutter->file, sizeof cutter->file, "%s", file);
    return operation != cutter->operation || number != cutter->number;
}

static void arm(struct cutter *cutter, enum xd_disk_operation operation, uint64_t nth) {
    *cutter = (struct cutter){.operation = operation, .number = xd_disk_count(disk, operation) + nth};
    xd_disk_watch_operations(disk, cut_power, cutter);
}

static void write_at_which_power_fails_may_stay_or_not(void **state) {
    static const enum xd_disk_loss losses[] = {XD_DISK_KEPT, XD_DISK_LOST};
    struct cutter cutter;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct file file = open_file("m/a");
        assert_int_equal(cut(&file, 0), SQLITE_OK);
        assert_int_equal(put(&file, 0, 'a', 10), SQLITE_OK);
        assert_int_equal(sync_file(&file), SQLITE_OK);
        arm(&cutter, XD_DISK_WRITE, 2);
        assert_int_equal(put(&file, 0, 'b', 5), SQLITE_OK);
        assert_int_equal(put(&file, 5, 'c', 5) & 0xff, SQLITE_IOERR);
        assert_int_equal(cutter.calls, 2);
        assert_string_equal(cutter.file, "a");
        assert_dead(&file);
        assert_int_equal(cutter.calls, 2);
        struct file other;
        assert_int_equal(try_open(&other, "m/b", SQLITE_OPEN_CREATE), SQLITE_CANTOPEN);
        assert_int_equal(delete_file("m/a") & 0xff, SQLITE_IOERR);
        crash(losses[i], 1);
        assert_all("a", i == 0 ? 'b' : 'a', 0, 5);
        assert_all("a", i == 0 ? 'c' : 'a', 5, 10);
        close_file(&file);
        xd_disk_watch_operations(disk, NULL, NULL);
    }
}

static void sync_or_delete_at_which_power_fails_has_done_nothing(void **state) {
    struct cutter cutter;
    (void)state;
    struct file file = open_file("m/a");
    assert_int_equal(put(&file, 0, 'a', 10), SQLITE_OK);
    assert_int_equal(sync_file(&file), SQLITE_OK);
    assert_int_equal(put(&file, 0, 'b', 10), SQLITE_OK);
    arm(&cutter, XD_DISK_SYNC, 1);
    assert_int_equal(sync_file(&file) & 0xff, SQLITE_IOERR);
    crash(XD_DISK_LOST, 1);
    assert_all("a", 'a', 0, 10);
    close_file(&file);
    arm(&cutter, XD_DISK_WRITE, 1);
    assert_int_equal(delete_file("m/a") & 0xff, SQLITE_IOERR);
    crash(XD_DISK_LOST, 1);
    assert_all("a", 'a', 0, 10);
}

/* ---- failures ---- */

static void nth_operation_fails_once_or_for_ever(void **state) {
    static const int codes[] = {SQLITE_IOERR_READ, SQLITE_FULL, SQLITE_IOERR_FSYNC};
    char byte;
    (void)state;
    struct file file = open_file("m/a");
    assert_int_equal(put(&file, 0, 'a', 1), SQLITE_OK);
    for (int operation = 0; operation < XD_DISK_OPERATIONS; operation++) {
        for (int round = 0; round < 3; round++) { /* once, for ever, taken back */
            xd_disk_fail(disk, operation, 3, round > 0, codes[operation]);
            if (round == 2) {
                xd_disk_fail(disk, operation, 0, false, 0);
            }
            for (int i = 1; i < 6; i++) {
                bool fails = (round == 0 && i == 3) || (round == 1 && i >= 3);
                int code = operation == XD_DISK_READ    ? get(&file, &byte, 0, 1)
                           : operation == XD_DISK_WRITE ? put(&file, 0, 'a' + i, 1)
                                                        : sync_file(&file);
                assert_int_equal(code, fails ? codes[operation] : SQLITE_OK);
                if (operation == XD_DISK_WRITE) {
                    assert_int_equal(byte_at("a", 0) == 'a' + i, !fails);
                }
            }
        }
    }
    close_file(&file);
}

static void failed_sync_forsakes_what_a_later_one_does_not_save(void **state) {
    static const enum xd_disk_loss losses[] = {XD_DISK_KEPT, XD_DISK_LOST, XD_DISK_TORN, XD_DISK_REORDERED};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct file file = open_file("m/a");
        assert_int_equal(cut(&file, 0), SQLITE_OK);
        assert_int_equal(put(&file, 0, 'a', 10), SQLITE_OK);
        assert_int_equal(sync_file(&file), SQLITE_OK);
        assert_int_equal(put(&file, 2, 'b', 4), SQLITE_OK);
        xd_disk_fail(disk, XD_DISK_SYNC, 1, false, SQLITE_IOERR_FSYNC);
        assert_int_equal(sync_file(&file), SQLITE_IOERR_FSYNC);
        assert_int_equal(put(&file, 4, 'c', 8), SQLITE_OK);
        assert_int_equal(sync_file(&file), SQLITE_OK);
        assert_int_equal(byte_at("a", 2), 'b');
        crash(losses[i], 1);
        assert_all("a", 'a', 0, 2);
        assert_all("a", losses[i] == XD_DISK_KEPT ? 'b' : 'a', 2, 4);
        assert_all("a", 'c', 4, 12);
        assert_int_equal(size_of("a"), 12);
        close_file(&file);
    }
}

/* As after a kill: another program reads what a failed sync has forsaken, and the power loses it. */
static void cache_outlives_the_program_and_not_the_power(void **state) {
    (void)state;
    struct file file = open_file("m/a");
    assert_int_equal(cut(&file, 0), SQLITE_OK);
    assert_int_equal(put(&file, 0, 'a', 12), SQLITE_OK);
    assert_int_equal(sync_file(&file), SQLITE_OK);
    assert_int_equal(put(&file, 0, 'b', 4), SQLITE_OK);
    xd_disk_fail(disk, XD_DISK_SYNC, 1, false, SQLITE_IOERR_FSYNC);
    assert_int_equal(sync_file(&file), SQLITE_IOERR_FSYNC);
    assert_int_equal(put(&file, 4, 'c', 4), SQLITE_OK);
    crash(XD_DISK_CACHED, 1);
    close_file(&file);
    file = open_file("m/a");
    assert_all("a", 'b', 0, 4);
    assert_all("a", 'c', 4, 8);
    assert_int_equal(put(&file, 2, 'b', 2), SQLITE_OK); /* anew */
    assert_int_equal(sync_file(&file), SQLITE_OK);
    assert_int_equal(put(&file, 8, 'd', 4), SQLITE_OK);
    crash(XD_DISK_LOST, 1);
    assert_all("a", 'a', 0, 2);
    assert_all("a", 'b', 2, 4);
    assert_all("a", 'c', 4, 8);
    assert_all("a", 'a', 8, 12);
    close_file(&file);
}

static void full_disk_refuses_growth_until_there_is_room(void **state) {
    (void)state;
    struct file a = open_file("m/a");
    struct file b = open_file("m/b");
    xd_disk_capacity(disk, 1000);
    assert_int_equal(put(&a, 0, 'a', 600), SQLITE_OK);
    assert_int_equal(put(&b, 0, 'b', 400), SQLITE_OK);
    assert_int_equal(xd_disk_used(disk), 1000);
    assert_int_equal(put(&b, 400, 'b', 1), SQLITE_FULL);
    assert_int_equal(cut(&b, 401), SQLITE_FULL);
    assert_int_equal(size_of("b"), 400);
    assert_int_equal(put(&b, 0, 'c', 400), SQLITE_OK); /* in place */
    assert_int_equal(cut(&a, 500), SQLITE_OK);
    assert_int_equal(put(&b, 400, 'b', 100), SQLITE_OK);
    xd_disk_capacity(disk, 0);
    assert_int_equal(put(&b, 500, 'b', 4000), SQLITE_OK);
    close_file(&a);
    close_file(&b);
}

static void lying_disk_loses_what_it_said_was_safe(void **state) {
    (void)state;
    struct file file = open_file("m/a");
    assert_int_equal(put(&file, 0, 'a', 10), SQLITE_OK);
    assert_int_equal(sync_file(&file), SQLITE_OK);
    xd_disk_lie(disk, true);
    assert_int_equal(put(&file, 0, 'b', 10), SQLITE_OK);
    assert_int_equal(sync_file(&file), SQLITE_OK);
    crash(XD_DISK_LOST, 1);
    assert_all("a", 'a', 0, 10);
    close_file(&file);
    file = open_file("m/a");
    assert_int_equal(put(&file, 0, 'c', 10), SQLITE_OK);
    assert_int_equal(sync_file(&file), SQLITE_OK);
    xd_disk_lie(disk, false);
    assert_int_equal(sync_file(&file), SQLITE_OK);
    crash(XD_DISK_LOST, 1);
    assert_all("a", 'c', 0, 10);
    close_file(&file);
}

static int count_down(void *context, size_t size) {
    int *left = context;
    (void)size;
    return (*left)-- > 0;
}

static void write_without_memory_changes_nothing(void **state) {
    (void)state;
    struct file file = open_file("m/a");
    unsigned failures = 0;
    size_t size = 0;
    int allowed = 0; /* each write that needs memory meets every want of it */
    while (size < (size_t)1 << 20) {
        int left = allowed;
        xd_memory_set_hook(count_down, &left);
        int code = put(&file, size, 'a', 4096);
        xd_memory_set_hook(NULL, NULL);
        assert_true(code == SQLITE_OK || code == SQLITE_IOERR_NOMEM);
        failures += code == SQLITE_OK ? 0 : 1;
        size += code == SQLITE_OK ? 4096 : 0;
        allowed = code == SQLITE_OK ? 0 : allowed + 1;
        assert_int_equal(size_of("a"), size);
    }
    assert_true(failures >= 10);
    struct xd_disk_image *image = xd_disk_copy(disk);
    assert_non_null(image);
    for (allowed = 0; allowed < 3; allowed++) {
        int left = allowed;
        xd_memory_set_hook(count_down, &left);
        assert_null(xd_disk_copy(disk));
        left = allowed;
        assert_false(xd_disk_restore(disk, image));
        xd_memory_set_hook(NULL, NULL);
        assert_int_equal(put(&file, 0, 'a', 1), SQLITE_OK); /* as it was: the handle lives */
    }
    xd_disk_image_free(image);
    close_file(&file);
}

/* ---- images and damage ---- */

static void image_brings_the_files_back_here_and_elsewhere(void **state) {
    (void)state;
    struct file a = open_file("m/a");
    struct file b = open_file("m/b");
    assert_int_equal(put(&a, 0, 'a', 700), SQLITE_OK);
    struct xd_disk_image *image = xd_disk_copy(disk); /* unsynced as it is */
    assert_int_equal(put(&a, 0, 'x', 900), SQLITE_OK);
    close_file(&a);
    close_file(&b);
    struct file c = open_file("m/c");
    close_file(&c);
    struct xd_disk_image *later = xd_disk_copy(disk);
    assert_false(xd_disk_image_equal(image, later));
    assert_true(xd_disk_restore(disk, image));
    crash(XD_DISK_LOST, 1); /* what is restored is durable */
    assert_int_equal(size_of("a"), 700);
    assert_all("a", 'a', 0, 700);
    assert_int_equal(size_of("b"), 0);
    assert_int_equal(size_of("c"), SIZE_MAX);
    struct xd_disk *clone = xd_disk_new("clone");
    assert_non_null(clone);
    assert_true(xd_disk_restore(clone, later));
    assert_true(xd_disk_restore(clone, image));
    struct xd_disk_image *again = xd_disk_copy(clone);
    assert_true(xd_disk_image_equal(image, again));
    struct file other = open_file("clone/a");
    assert_int_equal(put(&other, 0, 'y', 1), SQLITE_OK);
    close_file(&other);
    assert_int_equal(byte_at("a", 0), 'a');
    xd_disk_free(clone);
    xd_disk_image_free(image);
    xd_disk_image_free(later);
    xd_disk_image_free(again);
}

/* What was synced, what was not, and what a failed sync has forsaken. */
static void clone_loses_what_its_disk_would_lose(void **state) {
    (void)state;
    struct file a = open_file("m/a"), b = open_file("m/b"), c = open_file("m/c");
    assert_int_equal(put(&a, 0, 'a', 8000), SQLITE_OK);
    assert_int_equal(sync_file(&a), SQLITE_OK);
    assert_int_equal(put(&a, 100, 'x', 900), SQLITE_OK);
    assert_int_equal(cut(&a, 4000), SQLITE_OK);
    assert_int_equal(put(&b, 0, 'b', 10), SQLITE_OK);
    assert_int_equal(sync_file(&b), SQLITE_OK);
    assert_int_equal(put(&b, 2, 'y', 4), SQLITE_OK);
    xd_disk_fail(disk, XD_DISK_SYNC, 1, false, SQLITE_IOERR_FSYNC);
    assert_int_equal(sync_file(&b), SQLITE_IOERR_FSYNC);
    assert_int_equal(put(&c, 0, 'c', 10), SQLITE_OK); /* never synced: it is gone */
    struct xd_disk *own = disk, *kept = xd_disk_clone(disk, "kept"), *lost = xd_disk_clone(disk, "lost");
    assert_non_null(kept);
    assert_non_null(lost);
    disk = kept;
    crash(XD_DISK_KEPT, 1);
    assert_int_equal(size_of("a"), 4000);
    assert_int_equal(byte_at("a", 100), 'x');
    assert_int_equal(byte_at("b", 2), 'y');
    assert_int_equal(size_of("c"), 10);
    disk = lost;
    crash(XD_DISK_LOST, 1);
    assert_int_equal(size_of("a"), 8000);
    assert_int_equal(byte_at("a", 100), 'a');
    assert_int_equal(byte_at("a", 7999), 'a');
    assert_all("b", 'b', 0, 10);
    assert_int_equal(size_of("c"), SIZE_MAX);
    disk = own;
    assert_int_equal(size_of("a"), 4000); /* nothing has happened here */
    assert_int_equal(byte_at("a", 100), 'x');
    assert_int_equal(size_of("c"), 10);
    xd_disk_free(kept);
    xd_disk_free(lost);
    close_file(&a);
    close_file(&b);
    close_file(&c);
}

static void flip_changes_one_bit_and_truncate_cuts(void **state) {
    (void)state;
    struct file file = open_file("m/a");
    assert_false(xd_disk_flip(disk, "a", 1));
    assert_false(xd_disk_truncate(disk, "a", 1));
    assert_false(xd_disk_flip(disk, "nothing", 1));
    for (uint64_t random = 0; random < 100; random++) {
        assert_int_equal(put(&file, 0, 0, 1000), SQLITE_OK);
        assert_true(xd_disk_flip(disk, "a", random));
        crash(XD_DISK_LOST, random);
        unsigned bits = 0;
        for (size_t i = 0; i < 1000; i++) {
            for (int byte = byte_at("a", i); byte != 0; byte &= byte - 1) {
                bits++;
            }
        }
        assert_int_equal(bits, 1);
        assert_true(xd_disk_truncate(disk, "a", random));
        assert_true(size_of("a") < 1000);
        assert_true(xd_disk_check(disk));
        close_file(&file);
        file = open_file("m/a");
    }
    close_file(&file);
}

/* ---- all of it at random, against two plain arrays ---- */

#define MODEL_SIZE 40000 /* some of what a disk holds in one piece */
#define MODEL_WRITE 8000

struct model {
    unsigned char now[MODEL_SIZE], durable[MODEL_SIZE];
    size_t now_size, durable_size;
    bool forsaken; /* then only a crash that keeps all, or the file's own word, says what is durable */
};

static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void model_write(struct model *model, size_t at, uint64_t *seed, size_t size) {
    for (size_t i = 0; i < size; i++) {
        model->now[at + i] = (unsigned char)next_random(seed);
    }
    model->now_size = at + size > model->now_size ? at + size : model->now_size;
}

static void model_truncate(struct model *model, size_t size) {
    if (size < model->now_size) {
        memset(model->now + size, 0, model->now_size - size);
    }
    model->now_size = size;
}

static void assert_as(const unsigned char *bytes, size_t size, uint64_t seed) {
    size_t there_size;
    unsigned char *there = bytes_of("a", &there_size);
    if (there_size != size || memcmp(there, bytes, size) != 0) {
        fail_msg("seed %u", (unsigned)seed);
    }
    free(there);
}

static void model_crash(struct model *model, struct file *file, uint64_t *seed, uint64_t first_seed) {
    enum xd_disk_loss loss = next_random(seed) % 4;
    crash(loss, next_random(seed));
    if (loss == XD_DISK_KEPT) {
        assert_as(model->now, model->now_size, first_seed);
    } else if (loss == XD_DISK_LOST && !model->forsaken) {
        assert_as(model->durable, model->durable_size, first_seed);
    }
    memset(model, 0, sizeof *model);
    model->now_size = size_of("a");
    model->durable_size = xd_disk_look(disk, "a", model->now, sizeof model->now, 0);
    assert_int_equal(model->durable_size, model->now_size);
    memcpy(model->durable, model->now, model->now_size);
    close_file(file);
    assert_settled();
    *file = open_file("m/a");
}

static void random_operations_agree_with_a_plain_model(void **state) {
    static struct model model;
    (void)state;
    for (uint64_t first_seed = 1; first_seed <= 60; first_seed++) {
        uint64_t seed = first_seed;
        memset(&model, 0, sizeof model);
        struct file file = open_file("m/a");
        assert_int_equal(sync_file(&file), SQLITE_OK);
        for (int step = 0; step < 300; step++) {
            uint64_t what = next_random(&seed) % 20;
            size_t at = (size_t)(next_random(&seed) % (MODEL_SIZE - MODEL_WRITE));
            size_t size = (size_t)(next_random(&seed) % (what < 6 ? 1500 : MODEL_WRITE)) + 1;
            if (what < 12) {
                model_write(&model, at, &seed, size);
                assert_int_equal(put_bytes(&file, at, model.now + at, size), SQLITE_OK);
            } else if (what < 15) {
                assert_int_equal(cut(&file, at), SQLITE_OK);
                model_truncate(&model, at);
            } else if (what < 18) {
                bool fails = what == 17;
                xd_disk_fail(disk, XD_DISK_SYNC, fails ? 1 : 0, false, SQLITE_IOERR_FSYNC);
                assert_int_equal(sync_file(&file), fails ? SQLITE_IOERR_FSYNC : SQLITE_OK);
                model.forsaken = model.forsaken || fails;
                if (!fails) {
                    memcpy(model.durable, model.now, MODEL_SIZE);
                    model.durable_size = model.now_size;
                }
            } else if (what == 18) {
                model_crash(&model, &file, &seed, first_seed);
            }
            assert_as(model.now, model.now_size, first_seed);
        }
        close_file(&file);
        assert_int_equal(delete_file("m/a"), SQLITE_OK);
    }
}

/* ---- ---- */

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
        DISK_TEST(file_reads_back_what_was_written),
        DISK_TEST(deleted_and_unnamed_files_are_as_on_any_disk),
        DISK_TEST(locks_keep_writers_apart_and_die_with_the_power),
        DISK_TEST(lost_writes_are_those_since_the_last_sync),
        DISK_TEST(kept_writes_stay_for_good),
        DISK_TEST(file_that_was_never_synced_is_gone_and_a_deleted_one_stays_away),
        DISK_TEST(handles_are_dead_after_a_crash_and_files_open_anew),
        DISK_TEST(freed_disk_leaves_dead_handles),
        DISK_TEST(torn_crash_keeps_a_prefix_cut_at_a_sector),
        DISK_TEST(reordered_crash_keeps_any_of_the_writes),
        DISK_TEST(unsynced_writes_beyond_the_cache_become_durable_oldest_first),
        DISK_TEST(write_at_which_power_fails_may_stay_or_not),
        DISK_TEST(sync_or_delete_at_which_power_fails_has_done_nothing),
        DISK_TEST(nth_operation_fails_once_or_for_ever),
        DISK_TEST(failed_sync_forsakes_what_a_later_one_does_not_save),
        DISK_TEST(cache_outlives_the_program_and_not_the_power),
        DISK_TEST(full_disk_refuses_growth_until_there_is_room),
        DISK_TEST(lying_disk_loses_what_it_said_was_safe),
        DISK_TEST(write_without_memory_changes_nothing),
        DISK_TEST(image_brings_the_files_back_here_and_elsewhere),
        DISK_TEST(clone_loses_what_its_disk_would_lose),
        DISK_TEST(flip_changes_one_bit_and_truncate_cuts),
        DISK_TEST(random_operations_agree_with_a_plain_model),
    };
    xd_disk_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
