/* SQLite's methods over simulated disks (sqlite.org/vfs.html).
 *
 * A handle belongs to a file and, unless the file is a temporary one, to a disk; it
 * is dead when the disk's power has failed since it was opened. Locks are counted
 * per file as SQLite wants them (os.h: SHARED, RESERVED, PENDING, EXCLUSIVE); dead
 * handles hold none. */
#include "simulator/disk_state.h"

#include <sqlite3.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_SIZE 512
#define PENDING_LOCK 3        /* sqlite3.h leaves it out */
#define CURRENT_DAY 2460676.5 /* 2025-01-01, for ever */

struct xd_disk_handle {
    sqlite3_file base;
    struct xd_disk *disk; /* NULL: a temporary file */
    struct xd_disk_file *file;
    struct xd_disk_handle *next; /* on the same file */
    uint64_t generation;
    int lock;
    bool delete_on_close;
};

static int last_errno; /* for sqlite3_system_errno */
static uint64_t random_state;

static int fail(int code) {
    last_errno = (code & 0xff) == SQLITE_FULL ? ENOSPC : EIO;
    return code;
}

static struct xd_disk_handle *handle_of(sqlite3_file *file) {
    return (struct xd_disk_handle *)(void *)file;
}

static bool alive(const struct xd_disk_handle *handle) {
    return handle->disk == NULL || (!handle->disk->down && handle->generation == handle->disk->generation);
}

/* Whether the operation on a handle may go on. */
static int operate(const struct xd_disk_handle *handle, enum xd_disk_operation operation, int code_of_dead) {
    if (!alive(handle)) {
        return fail(code_of_dead);
    }
    if (handle->disk == NULL) {
        return SQLITE_OK;
    }
    int code = xd_disk_operate(handle->disk, operation, handle->file->name);
    return code == SQLITE_OK ? SQLITE_OK : fail(code);
}

/* Whether the operation failed because the power was cut in the midst of it. */
static bool was_cut(const struct xd_disk_handle *handle, bool lived) {
    return lived && handle->disk != NULL && handle->disk->down;
}

/* ---- a file ---- */

static int file_close(sqlite3_file *base) {
    struct xd_disk_handle *handle = handle_of(base);
    struct xd_disk_file *file = handle->file;
    struct xd_disk_handle **link = &file->handles;
    while (*link != handle) {
        link = &(*link)->next;
    }
    *link = handle->next;
    if (!file->on_disk) {
        if (file->handles == NULL) {
            xd_disk_file_free(file);
        }
    } else if (handle->delete_on_close && alive(handle)) {
        xd_disk_remove(handle->disk, file);
    }
    if (handle->disk != NULL) {
        handle->disk->handles--;
        xd_disk_release(handle->disk);
    }
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *out, int size, sqlite3_int64 at) {
    struct xd_disk_handle *handle = handle_of(base);
    int code = operate(handle, XD_DISK_READ, SQLITE_IOERR_READ);
    if (code != SQLITE_OK) {
        return code;
    }
    size_t there = xd_disk_file_read(handle->file, out, (size_t)size, (size_t)at);
    if (there == (size_t)size) {
        return SQLITE_OK;
    }
    memset((char *)out + there, 0, (size_t)size - there); /* SQLite relies on it */
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 at) {
    struct xd_disk_handle *handle = handle_of(base);
    bool lived = alive(handle);
    int code = operate(handle, XD_DISK_WRITE, SQLITE_IOERR_WRITE);
    if (code != SQLITE_OK && !was_cut(handle, lived)) {
        return code;
    }
    if (handle->disk != NULL && !xd_disk_has_room(handle->disk, handle->file, (size_t)at + (size_t)size)) {
        return fail(SQLITE_FULL);
    }
    if (!xd_disk_file_write(handle->file, data, (size_t)size, (size_t)at)) {
        return fail(SQLITE_IOERR_NOMEM);
    }
    return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
    struct xd_disk_handle *handle = handle_of(base);
    bool lived = alive(handle);
    int code = operate(handle, XD_DISK_WRITE, SQLITE_IOERR_TRUNCATE);
    if (code != SQLITE_OK && !was_cut(handle, lived)) {
        return code;
    }
    if (handle->disk != NULL && !xd_disk_has_room(handle->disk, handle->file, (size_t)size)) {
        return fail(SQLITE_FULL);
    }
    if (!xd_disk_file_truncate(handle->file, (size_t)size)) {
        return fail(SQLITE_IOERR_NOMEM);
    }
    return code;
}

static int file_sync(sqlite3_file *base, int flags) {
    struct xd_disk_handle *handle = handle_of(base);
    bool lived = alive(handle);
    (void)flags;
    int code = operate(handle, XD_DISK_SYNC, SQLITE_IOERR_FSYNC);
    if (code != SQLITE_OK) {
        if (lived && !was_cut(handle, lived)) {
            xd_disk_file_forsake(handle->file);
        }
        return code;
    }
    if (handle->disk == NULL || !handle->disk->lies) {
        xd_disk_file_sync(handle->file);
    }
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size) {
    const struct xd_disk_handle *handle = handle_of(base);
    if (!alive(handle)) {
        return fail(SQLITE_IOERR_FSTAT);
    }
    *size = (sqlite3_int64)handle->file->now.size;
    return SQLITE_OK;
}

/* The strongest lock of the other handles on the file. */
static int lock_of_others(const struct xd_disk_handle *handle) {
    int strongest = SQLITE_LOCK_NONE;
    for (const struct xd_disk_handle *other = handle->file->handles; other != NULL; other = other->next) {
        if (other != handle && alive(other) && other->lock > strongest) {
            strongest = other->lock;
        }
    }
    return strongest;
}

static int file_lock(sqlite3_file *base, int lock) {
    struct xd_disk_handle *handle = handle_of(base);
    if (!alive(handle)) {
        return fail(SQLITE_IOERR_LOCK);
    }
    if (lock <= handle->lock) {
        return SQLITE_OK;
    }
    int others = lock_of_others(handle);
    if ((lock == SQLITE_LOCK_SHARED && others >= PENDING_LOCK) ||
        (lock >= SQLITE_LOCK_RESERVED && others >= SQLITE_LOCK_RESERVED)) {
        return SQLITE_BUSY;
    }
    if (lock == SQLITE_LOCK_EXCLUSIVE && others != SQLITE_LOCK_NONE) {
        handle->lock = PENDING_LOCK; /* no new reader may come, those that are there may end */
        return SQLITE_BUSY;
    }
    handle->lock = lock;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *base, int lock) {
    struct xd_disk_handle *handle = handle_of(base);
    if (!alive(handle)) {
        return fail(SQLITE_IOERR_UNLOCK);
    }
    if (lock < handle->lock) {
        handle->lock = lock;
    }
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *base, int *out) {
    const struct xd_disk_handle *handle = handle_of(base);
    if (!alive(handle)) {
        return fail(SQLITE_IOERR_CHECKRESERVEDLOCK);
    }
    *out = handle->lock >= SQLITE_LOCK_RESERVED || lock_of_others(handle) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int what, void *argument) {
    (void)what;
    (void)argument;
    return alive(handle_of(base)) ? SQLITE_NOTFOUND : fail(SQLITE_IOERR);
}

static int file_sector(sqlite3_file *base) {
    (void)base;
    return XD_DISK_SECTOR;
}

static int file_device(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* Version 1: no shared memory, no mapping. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
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
};

/* ---- the file system ---- */

/* The file of a path, made when flags say so. */
static int find_or_create(const char *path, int flags, struct xd_disk **disk, struct xd_disk_file **out) {
    const char *name = NULL;
    *disk = xd_disk_of_path(path, &name);
    last_errno = ENOENT;
    if (*disk == NULL) {
        return SQLITE_CANTOPEN;
    }
    if ((*disk)->down) {
        last_errno = EIO;
        return SQLITE_CANTOPEN;
    }
    *out = xd_disk_find(*disk, name);
    if (*out == NULL && (flags & SQLITE_OPEN_CREATE) != 0) {
        *out = xd_disk_create(*disk, name);
        return *out == NULL ? fail(SQLITE_IOERR_NOMEM) : SQLITE_OK;
    }
    if (*out != NULL && (flags & SQLITE_OPEN_EXCLUSIVE) != 0) {
        last_errno = EEXIST;
        return SQLITE_CANTOPEN;
    }
    return *out == NULL ? SQLITE_CANTOPEN : SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *base, int flags, int *out_flags) {
    struct xd_disk_handle *handle = handle_of(base);
    struct xd_disk *disk = NULL;
    struct xd_disk_file *file = NULL;
    int code = SQLITE_OK;
    (void)vfs;
    base->pMethods = NULL; /* no close after a failure */
    if (path == NULL) {
        file = xd_disk_file_new(NULL);
        code = file == NULL ? fail(SQLITE_IOERR_NOMEM) : SQLITE_OK;
    } else {
        code = find_or_create(path, flags, &disk, &file);
    }
    if (code != SQLITE_OK) {
        return code;
    }
    *handle = (struct xd_disk_handle){
        .base.pMethods = &methods,
        .disk = disk,
        .file = file,
        .next = file->handles,
        .generation = disk == NULL ? 0 : disk->generation,
        .delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0,
    };
    file->handles = handle;
    if (disk != NULL) {
        disk->handles++;
    }
    if (out_flags != NULL) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

/* A delete that the power cut did not happen: it is durable at once or not done. */
static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder) {
    const char *name = NULL;
    struct xd_disk *disk = xd_disk_of_path(path, &name);
    (void)vfs;
    (void)sync_folder;
    if (disk != NULL && disk->down) {
        return fail(SQLITE_IOERR_DELETE);
    }
    struct xd_disk_file *file = disk == NULL ? NULL : xd_disk_find(disk, name);
    if (file == NULL) {
        last_errno = ENOENT;
        return SQLITE_IOERR_DELETE_NOENT;
    }
    int code = xd_disk_operate(disk, XD_DISK_WRITE, name);
    if (code != SQLITE_OK) {
        return fail(code);
    }
    xd_disk_remove(disk, file);
    return SQLITE_OK;
}

/* As SQLite's own VFS: an empty file does not exist, so that no empty journal counts. */
static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out) {
    const char *name = NULL;
    const struct xd_disk *disk = xd_disk_of_path(path, &name);
    (void)vfs;
    *out = 0;
    if (disk != NULL && disk->down) {
        return fail(SQLITE_IOERR_ACCESS);
    }
    const struct xd_disk_file *file = disk == NULL ? NULL : xd_disk_find(disk, name);
    *out = file != NULL && (flags != SQLITE_ACCESS_EXISTS || file->now.size > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *out) {
    (void)vfs;
    int length = snprintf(out, (size_t)size, "%s", path);
    return length < 0 || length >= size ? SQLITE_CANTOPEN : SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    for (int i = 0; i < size; i++) {
        out[i] = (char)(xd_disk_draw(&random_state) & 0xff);
    }
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, double *out) {
    (void)vfs;
    *out = CURRENT_DAY;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    if (size > 0) {
        out[0] = '\0';
    }
    return last_errno;
}

static sqlite3_vfs simulated = {
    .iVersion = 1,
    .szOsFile = (int)sizeof(struct xd_disk_handle),
    .mxPathname = PATH_MAX_SIZE,
    .zName = XD_DISK_VFS,
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_path,
    .xRandomness = vfs_random,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_time,
    .xGetLastError = vfs_last_error,
};

void xd_disk_register(void) {
    int code = sqlite3_vfs_register(&simulated, 0);
    assert(code == SQLITE_OK);
    (void)code;
}

void xd_disk_seed(uint64_t random) {
    int seed = (int)(random % 0x7fffffff) + 1; /* 0 would mean: none */
    random_state = random;
    (void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, seed, (sqlite3 *)NULL);
}
