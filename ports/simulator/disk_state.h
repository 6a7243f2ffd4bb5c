/* Private to the simulated disk: what disk.c (machines, power, failures, images) and
 * disk_vfs.c (SQLite's methods) share. */
#ifndef XD_SIMULATOR_DISK_STATE_H
#define XD_SIMULATOR_DISK_STATE_H

#include "simulator/disk_file.h"

struct xd_disk_failure {
    uint64_t at; /* the number of the operation; 0: none */
    bool for_ever;
    int code;
};

struct xd_disk {
    struct xd_disk *next; /* of all disks */
    char *name;
    struct xd_disk_file *files; /* in the order of creation */
    size_t handles;             /* open or dead, of files of this disk, deleted ones too */
    uint64_t generation;        /* crashes so far; a handle of another one is dead */
    bool freed;                 /* goes with its last handle */
    bool down;                  /* a watch has cut the power, the crash is to come */
    bool lies;
    uint64_t counts[XD_DISK_OPERATIONS];
    struct xd_disk_failure failures[XD_DISK_OPERATIONS];
    xd_disk_watch watch;
    void *watch_context;
    uint64_t capacity;
};

/* The disk of a path and, in *file, its part behind the disk's name. NULL: no such disk. */
struct xd_disk *xd_disk_of_path(const char *path, const char **file);
struct xd_disk_file *xd_disk_find(const struct xd_disk *disk, const char *file);
/* An empty file. NULL: no memory. */
struct xd_disk_file *xd_disk_create(struct xd_disk *disk, const char *file);
/* Gives back the memory of a freed disk whose last handle was closed. */
void xd_disk_release(struct xd_disk *disk);
/* Takes it off the disk; frees it unless it is open, which the last close then does. */
void xd_disk_remove(struct xd_disk *disk, struct xd_disk_file *file);

/* Counts the operation, asks the watch, and says whether it may go on: SQLITE_OK or
 * the code that it fails with. disk->down afterwards: the watch has cut the power. */
int xd_disk_operate(struct xd_disk *disk, enum xd_disk_operation operation, const char *file);
/* Whether the file may become this large. */
bool xd_disk_has_room(const struct xd_disk *disk, const struct xd_disk_file *file, size_t size);

#endif
