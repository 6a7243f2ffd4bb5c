/* The disks of simulated machines: an SQLite VFS in memory whose power can fail.
 *
 * Nothing here touches a real file, a clock or random numbers of its own: what is
 * left to chance comes from 64 random bits that the caller passes, so that the
 * same calls give the same bytes. One thread.
 *
 *     xd_disk_register();
 *     struct xd_disk *disk = xd_disk_new("hub");
 *     database_config = {.path = "hub/hub.db", .vfs = XD_DISK_VFS};   open, commit, ...
 *     xd_disk_crash(disk, XD_DISK_TORN, random);                      the power fails and is back
 *     xd_database_close(...)                                          every call but this failed
 *     ... open again ...
 *     xd_disk_free(disk);                                             when all is closed
 *
 * The VFS offers no shared memory: SQLite has WAL on it only with
 * locking_mode=EXCLUSIVE, one connection at a time (the locks are kept; a second
 * connection gets SQLITE_BUSY). Who wants to look while a program runs reads a
 * copy: xd_disk_copy, xd_disk_restore into another disk, and open that.
 *
 * What the disk promises: sectors of 512 bytes, written whole or not at all, and a
 * write never changes bytes beside its own (SQLITE_IOCAP_POWERSAFE_OVERWRITE, as
 * SQLite assumes of real disks by default). Between syncs it promises no order.
 *   - A sync makes durable what was written to that one file, and the file's name.
 *   - A delete is durable at once. A file that was never synced is gone after a
 *     crash that kept nothing of it.
 *   - A sync that fails has forsaken what was not durable yet: reads still see it,
 *     later syncs do not write it (as Linux does), only XD_DISK_KEPT keeps it, and a write of the
 *     same bytes makes it an unsynced one again.
 *   - The cache is bounded: beyond 16 MiB of unsynced writes to one file the older
 *     half becomes durable without being asked, as any disk may do.
 *
 * Memory comes from base/memory.h: a write for which there is none gives
 * SQLITE_IOERR_NOMEM and changes nothing. A file without name (SQLite's temporary
 * ones) belongs to no disk: it is not counted, never fails and is gone when closed. */
#ifndef XD_SIMULATOR_DISK_H
#define XD_SIMULATOR_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XD_DISK_VFS "simulated"

/* Registers the VFS, not as the default one. Any number of times. */
void xd_disk_register(void);
/* Lets SQLite's own random numbers (the salts of a WAL) follow from this, in the
 * whole process and from now on; without it two runs differ in those bytes. */
void xd_disk_seed(uint64_t random);

/* The files of one machine; their paths are "<disk name>/<file>". */
struct xd_disk;

/* name is copied, holds no '/' and MUST be unlike those of all other disks. NULL: no memory. */
struct xd_disk *xd_disk_new(const char *name);
/* Another one with the same files as they are now, and as much of them not synced: what becomes of this disk
 * can be tried there. Watches, failures and lies are not copied. NULL: no memory. */
struct xd_disk *xd_disk_clone(const struct xd_disk *disk, const char *name);
/* Its files are gone. Handles that are open are dead, and MUST still be closed: the last
 * one gives the memory back. NULL is allowed. */
void xd_disk_free(struct xd_disk *disk);

/* ---- power ---- */

/* What becomes of what was written but not synced. Each file draws for itself. */
enum xd_disk_loss {
    XD_DISK_KEPT,      /* all of it stays: only the program was killed */
    XD_DISK_LOST,      /* all of it is dropped */
    XD_DISK_TORN,      /* a prefix of the writes stays, the last of them cut at a sector's boundary */
    XD_DISK_REORDERED, /* some writes stay, some do not, some in part (any of their sectors) */
    XD_DISK_CACHED     /* only the program was killed, and the cache is as it was: what is unsynced
                          can still be synced or lost, what a failed sync has forsaken is only read */
};

/* The power fails and is back: every handle that is open is dead, any call on it but
 * close gives an SQLITE_IOERR; files can be opened anew. What stayed is durable (but for
 * XD_DISK_CACHED). */
void xd_disk_crash(struct xd_disk *disk, enum xd_disk_loss loss, uint64_t random);

/* Truncating and deleting count as writes. */
enum xd_disk_operation { XD_DISK_READ, XD_DISK_WRITE, XD_DISK_SYNC, XD_DISK_OPERATIONS };

/* Called before each write and sync with its number (as xd_disk_count, itself included)
 * and the file's name without the disk's; the write is not in the file yet. false: the
 * power fails right there: that operation and every later one fails, and nothing can be
 * opened, until xd_disk_crash. A write that was cut is then one of the unsynced ones: the
 * crash may keep it whole (KEPT always does), in part or not at all. Of a sync or a
 * delete that was cut nothing has happened. The callback MUST NOT crash, restore or free
 * the disk, nor use it through SQLite; it may copy it. */
typedef bool (*xd_disk_watch)(void *context, enum xd_disk_operation operation, const char *file,
                              uint64_t number);
void xd_disk_watch_operations(struct xd_disk *disk, xd_disk_watch watch, void *context); /* NULL: none */
/* Operations so far, those included that failed; not those on dead handles. */
uint64_t xd_disk_count(const struct xd_disk *disk, enum xd_disk_operation operation);

/* ---- failures ---- */

/* The nth operation of that kind from now on (1: the next) fails with this SQLite
 * code (SQLITE_IOERR_FSYNC, SQLITE_FULL, ...); for_ever: and all after it. nth 0: none
 * fails any more. One failure per kind at a time. Crashes leave it as it is. A write
 * that fails has written nothing. */
void xd_disk_fail(struct xd_disk *disk, enum xd_disk_operation operation, uint64_t nth, bool for_ever,
                  int code);
/* A write that would take the files together beyond this gives SQLITE_FULL. 0: no limit. */
void xd_disk_capacity(struct xd_disk *disk, uint64_t bytes);
/* Bytes in all files. */
uint64_t xd_disk_used(const struct xd_disk *disk);
/* While it lies syncs say fine and make nothing durable; the first honest one does for all. */
void xd_disk_lie(struct xd_disk *disk, bool lies);

/* ---- the bytes ---- */

/* The files as they are now, as another program would read them. NULL: no memory. */
struct xd_disk_image;
struct xd_disk_image *xd_disk_copy(const struct xd_disk *disk);
/* Puts the files back, all durable, and the power on; what was there is gone. Into
 * another disk: clones the machine. No handle may be open, unless it is dead. The
 * image stays the caller's. false: no memory, and the disk is as it was. */
bool xd_disk_restore(struct xd_disk *disk, const struct xd_disk_image *image);
/* Whether both hold the same files in the same order with the same bytes. */
bool xd_disk_image_equal(const struct xd_disk_image *a, const struct xd_disk_image *b);
void xd_disk_image_free(struct xd_disk_image *image); /* NULL is allowed */

/* A file's bytes, as many as it has now. false: no such file. */
bool xd_disk_size(const struct xd_disk *disk, const char *file, size_t *out);
/* Copies up to size of them, from `at` on; how many there were. No such file has none. */
size_t xd_disk_look(const struct xd_disk *disk, const char *file, void *out, size_t size, size_t at);
/* Garbles one bit of a file, or cuts it at a random place. What was not synced in that
 * file becomes durable first. false: no such file, or it is empty. */
bool xd_disk_flip(struct xd_disk *disk, const char *file, uint64_t random);
bool xd_disk_truncate(struct xd_disk *disk, const char *file, uint64_t random);

/* Whether the disk's invariants hold (see disk_file.h). Cheap. */
bool xd_disk_check(const struct xd_disk *disk);

#endif
