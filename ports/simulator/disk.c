#include "simulator/disk_state.h"

#include "base/memory.h"

#include <sqlite3.h>

#include <assert.h>
#include <string.h>

struct saved_file {
    char *name;
    unsigned char *bytes;
    size_t size;
};

struct xd_disk_image {
    struct saved_file *files;
    size_t count, capacity;
};

static struct xd_disk *all_disks;

/* ---- files ---- */

struct xd_disk *xd_disk_of_path(const char *path, const char **file) {
    const char *slash = strchr(path, '/');
    if (slash == NULL || slash[1] == '\0') {
        return NULL;
    }
    size_t length = (size_t)(slash - path);
    for (struct xd_disk *disk = all_disks; disk != NULL; disk = disk->next) {
        if (strncmp(disk->name, path, length) == 0 && disk->name[length] == '\0') {
            *file = slash + 1;
            return disk;
        }
    }
    return NULL;
}

struct xd_disk_file *xd_disk_find(const struct xd_disk *disk, const char *file) {
    struct xd_disk_file *found = disk->files;
    while (found != NULL && strcmp(found->name, file) != 0) {
        found = found->next;
    }
    return found;
}

static void append(struct xd_disk_file **files, struct xd_disk_file *file) {
    while (*files != NULL) {
        files = &(*files)->next;
    }
    *files = file;
    file->on_disk = true;
}

struct xd_disk_file *xd_disk_create(struct xd_disk *disk, const char *file) {
    struct xd_disk_file *created = xd_disk_file_new(file);
    if (created != NULL) {
        append(&disk->files, created);
    }
    return created;
}

void xd_disk_remove(struct xd_disk *disk, struct xd_disk_file *file) {
    struct xd_disk_file **link = &disk->files;
    while (*link != file) {
        link = &(*link)->next;
    }
    *link = file->next;
    file->next = NULL;
    file->on_disk = false;
    if (file->handles == NULL) {
        xd_disk_file_free(file);
    }
}

void xd_disk_release(struct xd_disk *disk) {
    if (disk->freed && disk->handles == 0) {
        xd_free(disk->name);
        xd_free(disk);
    }
}

static void remove_all(struct xd_disk *disk) {
    while (disk->files != NULL) {
        xd_disk_remove(disk, disk->files);
    }
}

/* ---- operations ---- */

static int code_of_cut(enum xd_disk_operation operation) {
    return operation == XD_DISK_SYNC ? SQLITE_IOERR_FSYNC : SQLITE_IOERR_WRITE;
}

int xd_disk_operate(struct xd_disk *disk, enum xd_disk_operation operation, const char *file) {
    uint64_t number = ++disk->counts[operation];
    if (operation != XD_DISK_READ && disk->watch != NULL &&
        !disk->watch(disk->watch_context, operation, file, number)) {
        disk->down = true;
        return code_of_cut(operation);
    }
    const struct xd_disk_failure *failure = &disk->failures[operation];
    bool fails = failure->at != 0 && (number == failure->at || (failure->for_ever && number > failure->at));
    return fails ? failure->code : SQLITE_OK;
}

bool xd_disk_has_room(const struct xd_disk *disk, const struct xd_disk_file *file, size_t size) {
    if (disk->capacity == 0 || size <= file->now.size) {
        return true;
    }
    return xd_disk_used(disk) + (size - file->now.size) <= disk->capacity;
}

/* ---- public ---- */

struct xd_disk *xd_disk_new(const char *name) {
    assert(name[0] != '\0' && strchr(name, '/') == NULL);
    for (const struct xd_disk *disk = all_disks; disk != NULL; disk = disk->next) {
        assert(strcmp(disk->name, name) != 0);
    }
    struct xd_disk *disk = xd_alloc(sizeof *disk);
    if (disk == NULL) {
        return NULL;
    }
    disk->name = xd_copy_text(name);
    if (disk->name == NULL) {
        xd_free(disk);
        return NULL;
    }
    disk->next = all_disks;
    all_disks = disk;
    return disk;
}

struct xd_disk *xd_disk_clone(const struct xd_disk *disk, const char *name) {
    struct xd_disk *clone = xd_disk_new(name);
    for (const struct xd_disk_file *file = disk->files; file != NULL && clone != NULL; file = file->next) {
        struct xd_disk_file *copy = xd_disk_file_clone(file);
        if (copy == NULL) {
            xd_disk_free(clone);
            return NULL;
        }
        append(&clone->files, copy);
    }
    return clone;
}

void xd_disk_free(struct xd_disk *disk) {
    if (disk == NULL) {
        return;
    }
    struct xd_disk **link = &all_disks;
    while (*link != disk) {
        link = &(*link)->next;
    }
    *link = disk->next;
    remove_all(disk);
    disk->generation++;
    disk->freed = true;
    xd_disk_release(disk);
}

void xd_disk_crash(struct xd_disk *disk, enum xd_disk_loss loss, uint64_t random) {
    struct xd_disk_file *next = NULL;
    for (struct xd_disk_file *file = disk->files; file != NULL; file = next) {
        next = file->next;
        if (!xd_disk_file_lose(file, loss, &random)) {
            xd_disk_remove(disk, file);
        }
    }
    disk->generation++;
    disk->down = false;
}

void xd_disk_watch_operations(struct xd_disk *disk, xd_disk_watch watch, void *context) {
    disk->watch = watch;
    disk->watch_context = context;
}

uint64_t xd_disk_count(const struct xd_disk *disk, enum xd_disk_operation operation) {
    return disk->counts[operation];
}

void xd_disk_fail(struct xd_disk *disk, enum xd_disk_operation operation, uint64_t nth, bool for_ever,
                  int code) {
    assert(nth == 0 || code != SQLITE_OK);
    disk->failures[operation] = (struct xd_disk_failure){
        .at = nth == 0 ? 0 : disk->counts[operation] + nth, .for_ever = for_ever, .code = code};
}

void xd_disk_capacity(struct xd_disk *disk, uint64_t bytes) {
    disk->capacity = bytes;
}

uint64_t xd_disk_used(const struct xd_disk *disk) {
    uint64_t used = 0;
    for (const struct xd_disk_file *file = disk->files; file != NULL; file = file->next) {
        used += file->now.size;
    }
    return used;
}

void xd_disk_lie(struct xd_disk *disk, bool lies) {
    disk->lies = lies;
}

/* ---- images ---- */

static bool save(struct xd_disk_image *image, const struct xd_disk_file *file) {
    struct saved_file *files = xd_grow(image->files, image->count, &image->capacity, sizeof *files);
    if (files == NULL) {
        return false;
    }
    image->files = files;
    struct saved_file saved = {.name = xd_copy_text(file->name), .size = file->now.size};
    saved.bytes = xd_resize(NULL, file->now.size);
    if (saved.bytes != NULL) {
        (void)xd_disk_file_read(file, saved.bytes, saved.size, 0);
    }
    image->files[image->count++] = saved;
    return saved.name != NULL && saved.bytes != NULL;
}

struct xd_disk_image *xd_disk_copy(const struct xd_disk *disk) {
    struct xd_disk_image *image = xd_alloc(sizeof *image);
    if (image == NULL) {
        return NULL;
    }
    for (const struct xd_disk_file *file = disk->files; file != NULL; file = file->next) {
        if (!save(image, file)) {
            xd_disk_image_free(image);
            return NULL;
        }
    }
    return image;
}

static struct xd_disk_file *load(const struct saved_file *saved) {
    struct xd_disk_file *file = xd_disk_file_new(saved->name);
    if (file != NULL && saved->size > 0 && !xd_disk_file_write(file, saved->bytes, saved->size, 0)) {
        xd_disk_file_free(file);
        return NULL;
    }
    if (file != NULL) {
        xd_disk_file_sync(file);
    }
    return file;
}

bool xd_disk_restore(struct xd_disk *disk, const struct xd_disk_image *image) {
    struct xd_disk fresh = {.files = NULL};
    for (size_t i = 0; i < image->count; i++) {
        struct xd_disk_file *file = load(&image->files[i]);
        if (file == NULL) {
            remove_all(&fresh);
            return false;
        }
        append(&fresh.files, file);
    }
    remove_all(disk);
    disk->files = fresh.files;
    disk->generation++; /* a handle that is open against the rule is dead at least */
    disk->down = false;
    return true;
}

bool xd_disk_image_equal(const struct xd_disk_image *a, const struct xd_disk_image *b) {
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++) {
        const struct saved_file *one = &a->files[i];
        const struct saved_file *other = &b->files[i];
        equal = strcmp(one->name, other->name) == 0 && one->size == other->size &&
                memcmp(one->bytes, other->bytes, one->size) == 0;
    }
    return equal;
}

void xd_disk_image_free(struct xd_disk_image *image) {
    if (image == NULL) {
        return;
    }
    for (size_t i = 0; i < image->count; i++) {
        xd_free(image->files[i].name);
        xd_free(image->files[i].bytes);
    }
    xd_free(image->files);
    xd_free(image);
}

/* ---- bytes ---- */

bool xd_disk_size(const struct xd_disk *disk, const char *file, size_t *out) {
    const struct xd_disk_file *found = xd_disk_find(disk, file);
    if (found != NULL) {
        *out = found->now.size;
    }
    return found != NULL;
}

size_t xd_disk_look(const struct xd_disk *disk, const char *file, void *out, size_t size, size_t at) {
    const struct xd_disk_file *found = xd_disk_find(disk, file);
    return found == NULL ? 0 : xd_disk_file_read(found, out, size, at);
}

bool xd_disk_flip(struct xd_disk *disk, const char *file, uint64_t random) {
    struct xd_disk_file *found = xd_disk_find(disk, file);
    if (found == NULL || found->now.size == 0) {
        return false;
    }
    xd_disk_file_flip(found, random);
    return true;
}

bool xd_disk_truncate(struct xd_disk *disk, const char *file, uint64_t random) {
    struct xd_disk_file *found = xd_disk_find(disk, file);
    if (found == NULL || found->now.size == 0) {
        return false;
    }
    xd_disk_file_cut(found, random);
    return true;
}

bool xd_disk_check(const struct xd_disk *disk) {
    for (const struct xd_disk_file *file = disk->files; file != NULL; file = file->next) {
        if (!file->on_disk || file->name == NULL || xd_disk_find(disk, file->name) != file ||
            (file->handles != NULL && disk->handles == 0) || !xd_disk_file_check(file)) {
            return false;
        }
    }
    return true;
}
