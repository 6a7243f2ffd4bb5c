#include "shared/wal.h"

#include "base/memory.h"

#define CHUNK_BYTES (64 * 1024)

static int write_again(sqlite3_file *file, unsigned char *chunk) {
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);
    for (sqlite3_int64 at = 0; at < size && code == SQLITE_OK; at += CHUNK_BYTES) {
        int part = size - at < CHUNK_BYTES ? (int)(size - at) : CHUNK_BYTES;
        code = file->pMethods->xRead(file, chunk, part, at);
        if (code == SQLITE_OK) {
            code = file->pMethods->xWrite(file, chunk, part, at);
        }
    }
    return code == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

static int write_file_again(sqlite3_vfs *vfs, const char *path) {
    sqlite3_file *file = xd_alloc((size_t)vfs->szOsFile);
    unsigned char *chunk = xd_alloc(CHUNK_BYTES);
    int code = SQLITE_NOMEM;
    if (file != NULL && chunk != NULL) {
        code = vfs->xOpen(vfs, path, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, NULL);
        if (code == SQLITE_OK) {
            code = write_again(file, chunk);
        }
        if (file->pMethods != NULL) {
            (void)file->pMethods->xClose(file);
        }
    }
    xd_free(chunk);
    xd_free(file);
    return code;
}

int xd_wal_write_again(sqlite3 *handle, const char *vfs_name) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    const char *path = sqlite3_filename_wal(sqlite3_db_filename(handle, "main"));
    int there = 0;
    int code = vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &there);
    return code == SQLITE_OK && there != 0 ? write_file_again(vfs, path) : code;
}
