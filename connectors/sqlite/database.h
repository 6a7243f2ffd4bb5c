/* SQLite as a durable store: opening, pragmas, quota, ballast, fsck.
 *
 * WAL, synchronous=FULL, one writer that checkpoints; readers are query_only.
 * Sources: sqlite.org/wal.html, sqlite.org/pragma.html. */
#ifndef XD_SQLITE_DATABASE_H
#define XD_SQLITE_DATABASE_H

#include "base/result.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xd_database_config {
    const char *path;
    const char *vfs;       /* NULL: the default; another one: no lock file, no ballast; and where it shares
                              no memory, as the simulator's, one connection at a time, a reader too */
    bool read_only;        /* query_only, no checkpoints, no ballast */
    int64_t quota_bytes;   /* max_page_count on every open; 0: none */
    int64_t ballast_bytes; /* <path>.ballast, given up when the disk is full; 0: none */
    int64_t cache_bytes;   /* page cache; 0: 4 MiB */
};

struct xd_database;

/* Opens or creates, and migrates the schema (see `migrations` in the .c). why
 * gets a sentence on failure. XD_CORRUPT, XD_IO, XD_FULL, XD_DENIED (another
 * process holds the state: two agents on one database would fork the stream). */
enum xd_database_schema { XD_SCHEMA_SITE, XD_SCHEMA_HUB };
XD_CHECKED enum xd_result xd_database_open(const struct xd_database_config *config,
                                           enum xd_database_schema schema, struct xd_database **out,
                                           char *why, size_t why_size);
void xd_database_close(struct xd_database *database);
/* A sentence about the last failure; borrowed until the next call. */
const char *xd_database_error(const struct xd_database *database);
/* After XD_FULL on a real disk: releases the ballast so that deletes and
 * checkpoints can go on. Restores it when there is room (call from the tick). */
void xd_database_ballast_release(struct xd_database *database);
void xd_database_ballast_restore(struct xd_database *database, int64_t disk_free_bytes);
/* Idle work: TRUNCATE checkpoint when the WAL is large, incremental vacuum in small steps. */
void xd_database_idle(struct xd_database *database);
/* While the disk is short of room: gives some MB of free pages back to it. Between transactions. */
void xd_database_shrink(struct xd_database *database);
/* PRAGMA integrity_check, every row's checksum, and the counters. Each finding goes to told. */
XD_CHECKED enum xd_result xd_database_fsck(struct xd_database *database,
                                           void (*told)(void *context, const char *text), void *context);
/* Of that the counters alone, against what they count: quick enough for a simulator, after each world. */
XD_CHECKED enum xd_result xd_database_fsck_counters(struct xd_database *database,
                                                    void (*told)(void *context, const char *text),
                                                    void *context);
/* Consistent copy while in use (sqlite3_backup), on the same file system. */
XD_CHECKED enum xd_result xd_database_backup(struct xd_database *database, const char *path);
/* For read-only users: ends a read that lasts too long (progress handler); 0: off. */
void xd_database_read_limit(struct xd_database *database, unsigned ms);

struct xd_site_store;
struct xd_hub_store;
/* Fill the table; valid until xd_database_close. */
void xd_database_site_store(struct xd_database *database, struct xd_site_store *out);
void xd_database_hub_store(struct xd_database *database, struct xd_hub_store *out);

#endif
