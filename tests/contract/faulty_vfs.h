/* An SQLite VFS over the default one whose writes and syncs can be made to fail. */
#ifndef XD_TESTS_CONTRACT_FAULTY_VFS_H
#define XD_TESTS_CONTRACT_FAULTY_VFS_H

#include <stdbool.h>

#define FAULTY_VFS_NAME "faulty"

/* Registers it; by_default: also for who names no VFS. Call once. Fails the test when it cannot. */
void faulty_vfs_register(bool by_default);
/* From now on every write (sync) gives this SQLite code; 0: none does. */
void faulty_vfs_fail_writes(int code);
void faulty_vfs_fail_syncs(int code);
/* Whether files opened from now on can share memory between connections. */
void faulty_vfs_share_memory(bool shared);

#endif
