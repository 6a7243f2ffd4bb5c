/* The WAL that an earlier life may have left half on disk. */
#ifndef XD_SHARED_WAL_H
#define XD_SHARED_WAL_H

#include <sqlite3.h>

/* What an fsync that failed did not write, the system may still show us and the disk not have: Linux takes
 * such pages for clean, and no later fsync writes them (fsyncgate, 2018). SQLite would read commits there,
 * and append others behind them, and a power failure would take all of them. So a writer calls this after it
 * has opened its connection and before anything looks into the file: what the WAL shows is written once more
 * and synced. The database file needs none of that: after a checkpoint that failed the next one writes
 * everything again.
 *
 * vfs: its name, NULL the default one. An SQLite code; SQLITE_OK also when there is no WAL. */
int xd_wal_write_again(sqlite3 *handle, const char *vfs);

#endif
