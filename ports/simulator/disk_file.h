/* Private to the simulated disk: one file, its log of unsynced writes, and what a
 * power failure makes of it.
 *
 * One content holds what reads see. A change goes there at once, and the log keeps what
 * undoes it: the bytes that it overwrote or cut off and the size before. So a sync only
 * forgets the log, and what a program does all day, appending to a WAL, is one copy.
 * A crash unwinds the log, newest first, which leaves what is on the medium in the content
 * and the changes' own bytes in the log; then it plays some of them.
 *
 * A content is a table of pieces, made when their first byte is: a file that grows is not
 * copied, and touches no more memory than it has bytes. Contents that began as one share the
 * pieces that neither has changed since, so that a clone costs a table.
 *
 * After a sync that failed the medium is another file than the one that is read: it gets
 * a content of its own (durable), into which later syncs play the log. A crash ends that.
 *
 * Invariants:
 *   - without a content of its own, the medium holds what unwinding the log makes of now;
 *   - the capacity suffices for whatever the log can make of the medium, and the data has
 *     room for the bytes of every change in the log: so only a write needs memory that can
 *     be refused, never a sync or a crash (the pieces, and the medium's own table when it is
 *     made, are the host's). */
#ifndef XD_SIMULATOR_DISK_FILE_H
#define XD_SIMULATOR_DISK_FILE_H

#include "simulator/disk.h"

#include <stddef.h>

#define XD_DISK_SECTOR 512
#define XD_DISK_PIECE ((size_t)16 * 1024)
#define XD_DISK_CACHE_BYTES ((size_t)16 * 1024 * 1024) /* unsynced, of one file */
#define XD_DISK_CACHE_WRITES ((size_t)65536)

struct xd_disk_piece {
    size_t others; /* contents that have it, too: then it is not changed */
    unsigned char bytes[XD_DISK_PIECE];
};

struct xd_disk_content {
    struct xd_disk_piece **pieces; /* the capacity's; NULL: not made yet */
    size_t size;                   /* what is beyond, in a piece, is nothing */
};

/* A write of size bytes, or (truncates) the new size `at` and how much that cut off. */
struct xd_disk_change {
    size_t at, size;
    size_t before; /* the file's size until then */
    size_t data;   /* where its bytes are in the file's data: what it replaced; unwound: what it wrote */
    bool truncates;
};

struct xd_disk_handle; /* disk_vfs.c */

struct xd_disk_file {
    struct xd_disk_file *next; /* on its disk, in the order of creation */
    char *name;                /* owned; NULL: a temporary one */
    bool on_disk;              /* false: deleted or temporary, it goes with its last handle */
    bool named;                /* its name is durable */
    struct xd_disk_handle *handles;
    struct xd_disk_content now;
    struct xd_disk_content durable; /* pieces NULL: as above */
    size_t capacity;                /* of now's table, and of durable's if it is there: whole pieces */
    struct xd_disk_change *log;
    size_t log_count, log_capacity;
    unsigned char *data;
    size_t data_size, data_capacity;
    size_t unsynced; /* bytes that were written and are in the log */
};

/* splitmix64: the next number of a sequence that *state names. */
uint64_t xd_disk_draw(uint64_t *state);

/* name is copied, may be NULL. NULL: no memory. */
struct xd_disk_file *xd_disk_file_new(const char *name);
/* Another one with the same content and log; nobody has it open. NULL: no memory. */
struct xd_disk_file *xd_disk_file_clone(const struct xd_disk_file *file);
void xd_disk_file_free(struct xd_disk_file *file);

/* How many bytes there were, from there on. */
size_t xd_disk_file_read(const struct xd_disk_file *file, void *out, size_t size, size_t at);
/* false: no memory, and nothing has changed. Truncating to more than there is adds zeroes. */
bool xd_disk_file_write(struct xd_disk_file *file, const void *data, size_t size, size_t at);
bool xd_disk_file_truncate(struct xd_disk_file *file, size_t size);

void xd_disk_file_sync(struct xd_disk_file *file);
/* What a sync that failed does. */
void xd_disk_file_forsake(struct xd_disk_file *file);
/* What a power failure does. false: the file is gone, the caller removes it. */
bool xd_disk_file_lose(struct xd_disk_file *file, enum xd_disk_loss loss, uint64_t *random);

void xd_disk_file_flip(struct xd_disk_file *file, uint64_t random);
void xd_disk_file_cut(struct xd_disk_file *file, uint64_t random);

bool xd_disk_file_check(const struct xd_disk_file *file);

#endif
