#include "contract/faulty_vfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

struct faulty_file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    /* the real file follows */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs faulty_vfs;
static int write_code, sync_code;
static bool shared_memory = true;

static sqlite3_file *real(sqlite3_file *file) {
    return (sqlite3_file *)((char *)file + sizeof(struct faulty_file));
}

static int file_close(sqlite3_file *file) {
    return real(file)->pMethods->xClose(real(file));
}
static int file_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at) {
    return real(file)->pMethods->xRead(real(file), out, size, at);
}
static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at) {
    return write_code != 0 ? write_code : real(file)->pMethods->xWrite(real(file), data, size, at);
}
static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return real(file)->pMethods->xTruncate(real(file), size);
}
static int file_sync(sqlite3_file *file, int flags) {
    return sync_code != 0 ? sync_code : real(file)->pMethods->xSync(real(file), flags);
}
static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real(file)->pMethods->xFileSize(real(file), size);
}
static int file_lock(sqlite3_file *file, int lock) {
    return real(file)->pMethods->xLock(real(file), lock);
}
static int file_unlock(sqlite3_file *file, int lock) {
    return real(file)->pMethods->xUnlock(real(file), lock);
}
static int file_reserved(sqlite3_file *file, int *out) {
    return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
static int file_control(sqlite3_file *file, int what, void *argument) {
    return real(file)->pMethods->xFileControl(real(file), what, argument);
}
static int file_sector(sqlite3_file *file) {
    return real(file)->pMethods->xSectorSize(real(file));
}
static int file_device(sqlite3_file *file) {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *file) {
    real(file)->pMethods->xShmBarrier(real(file));
}
static int file_shm_unmap(sqlite3_file *file, int remove) {
    return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags) {
    struct faulty_file *own = (struct faulty_file *)file;
    (void)vfs;
    memset(own, 0, sizeof *own);
    int code = real_vfs->xOpen(real_vfs, name, real(file), flags, out_flags);
    if (code != SQLITE_OK) {
        return code;
    }
    own->methods = (sqlite3_io_methods){
        .iVersion = shared_memory ? 2 : 1,
        .xClose = file_close,
        .xRead = file_read,
        .xWrite = file_write,
        .xTruncate = file_truncate,
        .xSync = file_sync,
        .xFileSize = file_size,
        .xLock = file_lock,
        .xUnlock = file_unlock,
        .xCheckReservedLock = file_reserved,
        .xFileControl = file_control,
        .xSectorSize = file_sector,
        .xDeviceCharacteristics = file_device,
        .xShmMap = file_shm_map,
        .xShmLock = file_shm_lock,
        .xShmBarrier = file_shm_barrier,
        .xShmUnmap = file_shm_unmap,
    };
    own->base.pMethods = &own->methods;
    return SQLITE_OK;
}

void faulty_vfs_register(bool by_default) {
    real_vfs = sqlite3_vfs_find(NULL);
    assert_non_null(real_vfs);
    faulty_vfs = *real_vfs;
    faulty_vfs.pNext = NULL;
    faulty_vfs.zName = FAULTY_VFS_NAME;
    faulty_vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
    faulty_vfs.xOpen = vfs_open;
    assert_int_equal(sqlite3_vfs_register(&faulty_vfs, by_default), SQLITE_OK);
}

void faulty_vfs_fail_writes(int code) {
    write_code = code;
}

void faulty_vfs_fail_syncs(int code) {
    sync_code = code;
}

void faulty_vfs_share_memory(bool shared) {
    shared_memory = shared;
}
