/* Opening and keeping an SQLite database.
 *
 * One process writes: <path>.lock is held with flock from before the database is
 * touched until after it is closed. One connection of it writes and checkpoints;
 * other connections are query_only and never checkpoint (SQLite before 3.51.3
 * can lose a reset of the WAL when two do).
 *
 * Checkpoints run in the WAL hook rather than by wal_autocheckpoint, because that
 * one ignores failures: an fsync of the database file that failed must stop us.
 *
 * A writer writes the WAL that it finds once more before it looks into it (wal.h).
 *
 * The ballast is a file of reserved blocks beside the database. A full disk also
 * refuses what would make room (a DELETE writes to the WAL); giving the ballast up
 * makes that possible. */
#include "sqlite/statements.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "shared/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define CHECKPOINT_PAGES 1000
#define CACHE_BYTES ((int64_t)4 * 1024 * 1024)
#define PATH_SIZE 4096
#define VACUUM_PAGES_MIN 4096 /* free pages that are worth giving back */
#define PROGRESS_STEPS 1000   /* of SQLite's machine between two looks at the clock */

static enum xd_result say_errno(struct xd_database *database, const char *path, int number) {
    enum xd_result result = XD_IO;
    if (number == ENOSPC || number == EDQUOT) {
        result = XD_FULL;
    } else if (number == EACCES || number == EPERM || number == EROFS) {
        result = XD_DENIED;
    }
    return xd_database_say(database, result, "%s: %s", path, strerror(number));
}

static enum xd_result beside(struct xd_database *database, const char *suffix, char out[PATH_SIZE]) {
    int length = snprintf(out, PATH_SIZE, "%s%s", database->path, suffix);
    if (length < 0 || length >= PATH_SIZE) {
        return xd_database_say(database, XD_INVALID, "the path is too long: %s", database->path);
    }
    return XD_OK;
}

static enum xd_result take_lock(struct xd_database *database) {
    char path[PATH_SIZE];
    enum xd_result result = beside(database, ".lock", path);
    if (result != XD_OK) {
        return result;
    }
    database->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (database->lock < 0) {
        return say_errno(database, path, errno);
    }
    if (flock(database->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return say_errno(database, path, errno);
        }
        return xd_database_say(database, XD_DENIED, "%s is in use by another process (it holds %s)",
                               database->path, path);
    }
    return XD_OK;
}

/* The store holds signing keys and token hashes; SQLite gives WAL and index the
 * permissions of the database. */
static enum xd_result create_private(struct xd_database *database) {
    int file = open(database->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return say_errno(database, database->path, errno);
    }
    (void)close(file);
    return XD_OK;
}

/* Whether the VFS can share memory between connections; without it WAL needs
 * exclusive locking, which a simulated file system uses. */
static bool shares_memory(struct xd_database *database) {
    sqlite3_file *file = NULL;
    int code = sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return code == SQLITE_OK && file != NULL && file->pMethods != NULL && file->pMethods->iVersion >= 2 &&
           file->pMethods->xShmMap != NULL;
}

/* SQLite counts its memory under a lock that all threads share; nobody asks for the sum. Only the first
 * connection of a process may say so: later it is refused, and all goes on as before. */
static void leave_memory_uncounted(void) {
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum xd_result open_handle(struct xd_database *database, const char *vfs) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, leave_memory_uncounted);
    /* A reader opens for writing too: it must be able to map the WAL's index. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (database->read_only ? 0 : SQLITE_OPEN_CREATE);
    if (database->read_only && database->own_files && access(database->path, F_OK) != 0) {
        return xd_database_say(database, XD_NOT_FOUND, "%s: %s", database->path, strerror(errno));
    }
    int code = sqlite3_open_v2(database->path, &database->handle, flags, vfs);
    if (database->handle == NULL) {
        return XD_NO_MEMORY;
    }
    (void)sqlite3_extended_result_codes(database->handle, 1);
    /* A statement's plan follows from its text alone: else one whose parameter might decide on a partial
     * index is prepared anew each time that it is bound. */
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    if ((code & 0xff) == SQLITE_CANTOPEN) {
        return say_errno(database, database->path, sqlite3_system_errno(database->handle));
    }
    return xd_database_failure(database, code);
}

static enum xd_result secure_wal(struct xd_database *database, const char *vfs_name) {
    int code = xd_wal_write_again(database->handle, vfs_name);
    return code == SQLITE_OK ? XD_OK
                             : xd_database_say(database, code == SQLITE_NOMEM ? XD_NO_MEMORY : XD_IO,
                                               "the WAL of %s cannot be written again: %s", database->path,
                                               sqlite3_errstr(code));
}

static int checkpoint(struct xd_database *database, int mode) {
    int code = sqlite3_wal_checkpoint_v2(database->handle, "main", mode, NULL, NULL);
    if (code != SQLITE_OK && xd_database_failure(database, code) == XD_IO) {
        database->broken = true;
    }
    return code;
}

static int on_commit(void *context, sqlite3 *handle, const char *name, int pages) {
    struct xd_database *database = context;
    (void)handle;
    (void)name;
    database->wal_pages = pages;
    if (pages >= CHECKPOINT_PAGES) {
        (void)checkpoint(database, SQLITE_CHECKPOINT_PASSIVE);
    }
    return SQLITE_OK; /* the commit itself is done */
}

static enum xd_result configure_reader(struct xd_database *database) {
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_busy_timeout(database->handle, 100);
    return xd_database_execute(database, "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0;");
}

/* SQLite answers with the mode that it has, which may be another one. */
static enum xd_result use_wal(struct xd_database *database) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database->handle, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    bool wal = false;
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        const char *mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        wal = mode != NULL && strcmp(mode, "wal") == 0;
    }
    enum xd_result result = xd_database_failure(database, code);
    (void)sqlite3_finalize(statement);
    if (result == XD_OK && !wal) {
        return xd_database_say(database, XD_IO, "%s cannot be in WAL mode on this file system",
                               database->path);
    }
    return result;
}

/* auto_vacuum only counts before the first table, and the page size before WAL. */
static enum xd_result configure_writer(struct xd_database *database, int64_t quota_bytes) {
    enum xd_result result =
        xd_database_execute(database, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
                                      "PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST;"
                                      "PRAGMA foreign_keys = OFF; PRAGMA journal_size_limit = 16777216;");
    if (result == XD_OK && XD_MUTANT(COMMIT_NOT_SYNCED)) {
        result = xd_database_execute(database, "PRAGMA synchronous = OFF;");
    }
    if (result != XD_OK) {
        return result;
    }
    result = use_wal(database);
    if (result == XD_OK && quota_bytes > 0) {
        char pragma[64];
        (void)snprintf(pragma, sizeof pragma, "PRAGMA max_page_count = %lld;",
                       (long long)(quota_bytes / 4096 > 0 ? quota_bytes / 4096 : 1));
        result = xd_database_execute(database, pragma);
    }
    if (result == XD_OK) {
        (void)sqlite3_wal_hook(database->handle, on_commit, database);
    }
    return result;
}

static enum xd_result configure(struct xd_database *database, const struct xd_database_config *config) {
    int64_t cache = config->cache_bytes > 0 ? config->cache_bytes : CACHE_BYTES;
    char pragmas[120];
    (void)snprintf(pragmas, sizeof pragmas,
                   "PRAGMA cache_size = -%lld; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;",
                   (long long)(cache / 1024));
    enum xd_result result = XD_OK;
    if (!shares_memory(database)) {
        /* Before anything looks into the file, for that would open the WAL. */
        result = xd_database_execute(database, "PRAGMA locking_mode = EXCLUSIVE;");
    }
    if (result == XD_OK) {
        result = xd_database_execute(database, pragmas);
    }
    if (result == XD_OK) {
        result =
            config->read_only ? configure_reader(database) : configure_writer(database, config->quota_bytes);
    }
    if (result == XD_OK) {
        result = xd_schema_apply(database);
    }
    if (result == XD_OK) {
        result = xd_database_number(database, "PRAGMA page_size", &database->page_size);
    }
    if (result == XD_OK) {
        result = xd_database_number(database, "PRAGMA max_page_count", &database->page_count_max);
    }
    return result;
}

static void ballast_create(struct xd_database *database) {
    char path[PATH_SIZE];
    if (database->ballast_bytes <= 0 || !database->own_files || beside(database, ".ballast", path) != XD_OK) {
        return;
    }
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return; /* it is a help, not a need */
    }
    database->ballast_held = posix_fallocate(file, 0, database->ballast_bytes) == 0;
    (void)close(file);
    if (!database->ballast_held) {
        (void)unlink(path); /* half a ballast takes the room that is missing */
    }
}

static int on_progress(void *context) {
    const struct xd_database *database = context;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (xd_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000 > database->read_deadline;
}

static enum xd_result vacuum_step(struct xd_database *database, bool short_of_disk) {
    int64_t pages = 0;
    int64_t unused = 0;
    enum xd_result result = xd_database_number(database, "PRAGMA page_count", &pages);
    if (result == XD_OK) {
        result = xd_database_number(database, "PRAGMA freelist_count", &unused);
    }
    if (result == XD_OK && unused > 0 &&
        (short_of_disk || (unused >= VACUUM_PAGES_MIN && unused > pages / 2))) {
        result = xd_database_execute(database, "PRAGMA incremental_vacuum(512);");
    }
    return result;
}

enum xd_result xd_database_open(const struct xd_database_config *config, enum xd_database_schema schema,
                                struct xd_database **out, char *why, size_t why_size) {
    *out = NULL;
    (void)snprintf(why, why_size, "no memory");
    struct xd_database *database = xd_alloc(sizeof *database);
    if (database == NULL) {
        return XD_NO_MEMORY;
    }
    database->lock = -1;
    database->schema = schema;
    database->read_only = config->read_only;
    database->own_files = config->vfs == NULL;
    database->ballast_bytes = config->read_only ? 0 : config->ballast_bytes;
    database->path = xd_copy_text(config->path);
    enum xd_result result = database->path == NULL ? XD_NO_MEMORY : XD_OK;
    if (result == XD_OK && !config->read_only && database->own_files) {
        result = take_lock(database);
        if (result == XD_OK) {
            result = create_private(database);
        }
    }
    if (result == XD_OK) {
        result = open_handle(database, config->vfs);
    }
    if (result == XD_OK && !config->read_only) {
        result = secure_wal(database, config->vfs);
    }
    if (result == XD_OK) {
        result = configure(database, config);
    }
    if (result != XD_OK) {
        (void)snprintf(why, why_size, "%s", database->error[0] != '\0' ? database->error : "no memory");
        xd_database_close(database);
        return result;
    }
    ballast_create(database);
    why[0] = '\0';
    *out = database;
    return XD_OK;
}

void xd_database_close(struct xd_database *database) {
    if (database == NULL) {
        return;
    }
    for (size_t group = 0; group < XD_GROUP_COUNT; group++) {
        for (size_t i = 0; i < XD_STATEMENTS_MAX; i++) {
            (void)sqlite3_finalize(database->statements[group][i]);
        }
    }
    (void)sqlite3_close(database->handle);
    if (database->lock >= 0) {
        (void)close(database->lock);
    }
    xd_free(database->peers);
    xd_free(database->order);
    xd_free(database->path);
    xd_free(database);
}

const char *xd_database_error(const struct xd_database *database) {
    return database->error;
}

void xd_database_ballast_release(struct xd_database *database) {
    char path[PATH_SIZE];
    if (database->ballast_bytes <= 0 || !database->own_files || beside(database, ".ballast", path) != XD_OK) {
        return;
    }
    (void)unlink(path);
    database->ballast_held = false;
    if (!database->in_transaction) {
        (void)checkpoint(database, SQLITE_CHECKPOINT_TRUNCATE); /* most of the room is often in the WAL */
    }
}

void xd_database_ballast_restore(struct xd_database *database, int64_t disk_free_bytes) {
    /* Well above its own size, or it would come and go for ever. */
    if (!database->ballast_held && disk_free_bytes / 4 >= database->ballast_bytes) {
        ballast_create(database);
    }
}

void xd_database_idle(struct xd_database *database) {
    if (database->read_only || database->in_transaction || database->broken) {
        return;
    }
    if (database->wal_pages >= CHECKPOINT_PAGES &&
        checkpoint(database, SQLITE_CHECKPOINT_TRUNCATE) == SQLITE_OK) {
        database->wal_pages = 0;
    }
    if (!database->broken && vacuum_step(database, false) == XD_IO) {
        database->broken = true;
    }
}

void xd_database_shrink(struct xd_database *database) {
    if (database->read_only || database->in_transaction || database->broken) {
        return;
    }
    if (vacuum_step(database, true) == XD_IO) {
        database->broken = true;
        return;
    }
    /* Only a checkpoint makes the file shorter. */
    if (checkpoint(database, SQLITE_CHECKPOINT_TRUNCATE) == SQLITE_OK) {
        database->wal_pages = 0;
    }
}

/* The copy belongs on the same file system, be it a simulated one. */
static const char *vfs_name(struct xd_database *database) {
    sqlite3_vfs *vfs = NULL;
    int code = sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
    return code == SQLITE_OK && vfs != NULL ? vfs->zName : NULL;
}

enum xd_result xd_database_backup(struct xd_database *database, const char *path) {
    if (database->in_transaction) {
        return xd_database_say(database, XD_AGAIN,
                               "a backup within a transaction would hold what is not committed");
    }
    sqlite3 *copy = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path, &copy, flags, vfs_name(database));
    if (code == SQLITE_OK) {
        sqlite3_backup *backup = sqlite3_backup_init(copy, "main", database->handle, "main");
        if (backup != NULL) {
            (void)sqlite3_backup_step(backup, -1);
            code = sqlite3_backup_finish(backup);
        } else {
            code = sqlite3_errcode(copy);
        }
    }
    enum xd_result result = XD_OK;
    if (code != SQLITE_OK) {
        result = xd_database_failure(database, code);
        (void)xd_database_say(database, result, "%s: %s", path,
                              copy == NULL ? "no memory" : sqlite3_errstr(code));
    }
    (void)sqlite3_close(copy);
    return result;
}

void xd_database_read_limit(struct xd_database *database, unsigned ms) {
    database->read_limit_ms = ms;
    sqlite3_progress_handler(database->handle, ms == 0 ? 0 : PROGRESS_STEPS, ms == 0 ? NULL : on_progress,
                             database);
}
