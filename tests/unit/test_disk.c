/* The simulated disk by itself: what a crash, a failure or a copy makes of bytes. */
#include "simulator/disk.h"

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

static int put(struct file *file, size_t at, int byte, size_t size) {
    unsigned char bytes[16 * SECTOR];
    assert_true(size <= sizeof bytes);
    memset(bytes, byte, size);
    int code = file->handle->pMethods->xWrite(file->handle, bytes, (int)size, (sqlite3_int64)at);
    assert_true(xd_disk_check(disk));
    return code;
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
    struct xd_bytes bytes;
    return xd_disk_look(disk, name, &bytes) ? bytes.size : SIZE_MAX;
}

static int byte_at(const char *name, size_t at) {
    struct xd_bytes bytes;
    assert_true(xd_disk_look(disk, name, &bytes));
    assert_true(at < bytes.size);
    return bytes.data[at];
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
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(byte_at("a", i), 'a');
    }
    close_file(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_reads_back_what_was_written),
        cmocka_unit_test(lost_writes_are_those_since_the_last_sync),
    };
    xd_disk_register();
    disk = xd_disk_new("m");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
