#include "simulator/disk_file.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

#define CAPACITY_FIRST ((size_t)16 * 1024)

uint64_t xd_disk_draw(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t value = *state;
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static size_t below(uint64_t *random, size_t bound) {
    return (size_t)(xd_disk_draw(random) % bound);
}

/* ---- contents; the room is there ---- */

static void set_size(struct xd_disk_content *content, size_t size) {
    if (size > content->size) {
        memset(content->bytes + content->size, 0, size - content->size);
    }
    content->size = size;
}

static void put(struct xd_disk_content *content, size_t at, const unsigned char *data, size_t size) {
    if (at > content->size) {
        set_size(content, at); /* a hole */
    }
    memcpy(content->bytes + at, data, size);
    content->size = at + size > content->size ? at + size : content->size;
}

/* Copies what lies within both; the rest of the range does not exist any more. */
static void copy_range(struct xd_disk_content *to, const struct xd_disk_content *from, size_t at,
                       size_t size) {
    if (at < from->size) {
        memcpy(to->bytes + at, from->bytes + at, size < from->size - at ? size : from->size - at);
    }
}

/* Makes `to` the same as `from`, from what log and forsaken ranges name. */
static void copy_changes(const struct xd_disk_file *file, struct xd_disk_content *to,
                         const struct xd_disk_content *from) {
    set_size(to, from->size);
    for (size_t i = 0; i < file->log_count; i++) {
        copy_range(to, from, file->log[i].at, file->log[i].size);
    }
    for (size_t i = 0; i < file->forsaken_count; i++) {
        copy_range(to, from, file->forsaken[i].at, file->forsaken[i].size);
    }
}

/* ---- playing the log into durable ---- */

static void play(struct xd_disk_file *file, const struct xd_disk_change *change) {
    if (change->truncates) {
        set_size(&file->durable, change->at);
    } else {
        put(&file->durable, change->at, file->data + change->data, change->size);
    }
}

/* How many pieces of a change can be kept apart: its part in each sector. A truncation
 * happens or not. */
static size_t sectors(const struct xd_disk_change *change) {
    if (change->truncates || change->size == 0) {
        return 1;
    }
    return (change->at + change->size - 1) / XD_DISK_SECTOR - change->at / XD_DISK_SECTOR + 1;
}

static void play_sector(struct xd_disk_file *file, const struct xd_disk_change *change, size_t number) {
    if (change->truncates) {
        play(file, change);
        return;
    }
    size_t start = (change->at / XD_DISK_SECTOR + number) * XD_DISK_SECTOR;
    size_t end = start + XD_DISK_SECTOR;
    start = start > change->at ? start : change->at;
    end = end < change->at + change->size ? end : change->at + change->size;
    put(&file->durable, start, file->data + change->data + (start - change->at), end - start);
}

static void play_torn(struct xd_disk_file *file, uint64_t *random) {
    if (file->log_count == 0) {
        return;
    }
    size_t whole = below(random, file->log_count);
    for (size_t i = 0; i < whole; i++) {
        play(file, &file->log[i]);
    }
    const struct xd_disk_change *last = &file->log[whole];
    size_t kept = below(random, sectors(last) + 1);
    for (size_t i = 0; i < kept; i++) {
        play_sector(file, last, i);
    }
}

/* Half of the writes stay whole and an eighth in part: were all cut up, hardly a page
 * of eight sectors would ever survive, and states that look almost right never be. */
static void play_some(struct xd_disk_file *file, uint64_t *random) {
    for (size_t i = 0; i < file->log_count; i++) {
        const struct xd_disk_change *change = &file->log[i];
        size_t fate = below(random, 8);
        if (fate < 4) {
            play(file, change);
        } else if (fate == 4) {
            for (size_t sector = 0, count = sectors(change); sector < count; sector++) {
                if (below(random, 2) == 0) {
                    play_sector(file, change, sector);
                }
            }
        }
    }
}

static void forget_log(struct xd_disk_file *file) {
    file->log_count = 0;
    file->data_size = 0;
}

/* The older half becomes durable. Its ranges need not be kept: there now and durable
 * agree, or a younger entry or a forsaken range names the difference. */
static void drain(struct xd_disk_file *file) {
    size_t count = (file->log_count + 1) / 2;
    size_t data = count < file->log_count ? file->log[count].data : file->data_size;
    for (size_t i = 0; i < count; i++) {
        play(file, &file->log[i]);
    }
    file->log_count -= count;
    file->data_size -= data;
    memmove(file->log, file->log + count, file->log_count * sizeof *file->log);
    memmove(file->data, file->data + data, file->data_size);
    for (size_t i = 0; i < file->log_count; i++) {
        file->log[i].data -= data;
    }
}

/* ---- room ---- */

static bool reserve_bytes(unsigned char **bytes, size_t capacity) {
    unsigned char *moved = xd_resize(*bytes, capacity);
    if (moved == NULL) {
        return false;
    }
    *bytes = moved;
    return true;
}

static bool reserve_contents(struct xd_disk_file *file, size_t size) {
    if (size <= file->capacity) {
        return true;
    }
    size_t capacity = file->capacity == 0 ? CAPACITY_FIRST : file->capacity;
    while (capacity < size) {
        capacity *= 2;
    }
    /* One of them larger than capacity says does no harm. */
    if (!reserve_bytes(&file->now.bytes, capacity) || !reserve_bytes(&file->durable.bytes, capacity)) {
        return false;
    }
    file->capacity = capacity;
    return true;
}

static bool reserve_data(struct xd_disk_file *file, size_t size) {
    if (size <= file->data_capacity) {
        return true;
    }
    size_t capacity = file->data_capacity == 0 ? CAPACITY_FIRST : file->data_capacity;
    while (capacity < size) {
        capacity *= 2;
    }
    if (!reserve_bytes(&file->data, capacity)) {
        return false;
    }
    file->data_capacity = capacity;
    return true;
}

static bool reserve_entry(struct xd_disk_file *file) {
    struct xd_disk_change *log = xd_grow(file->log, file->log_count, &file->log_capacity, sizeof *log);
    if (log == NULL) {
        return false;
    }
    file->log = log;
    size_t most = file->forsaken_count + file->log_count;
    struct xd_disk_range *forsaken =
        xd_grow(file->forsaken, most, &file->forsaken_capacity, sizeof *forsaken);
    if (forsaken == NULL) {
        return false;
    }
    file->forsaken = forsaken;
    return true;
}

/* For one more change that leaves at most this size and brings this much data. */
static bool reserve(struct xd_disk_file *file, size_t size, size_t data) {
    if (file->log_count == XD_DISK_CACHE_WRITES ||
        (file->log_count > 0 && file->data_size + data > XD_DISK_CACHE_BYTES)) {
        drain(file);
    }
    return reserve_contents(file, size) && reserve_entry(file) && reserve_data(file, file->data_size + data);
}

/* ---- what others call ---- */

struct xd_disk_file *xd_disk_file_new(const char *name) {
    struct xd_disk_file *file = xd_alloc(sizeof *file);
    if (file == NULL) {
        return NULL;
    }
    file->name = xd_copy_text(name);
    if ((name != NULL && file->name == NULL) || !reserve_contents(file, 1)) {
        xd_disk_file_free(file);
        return NULL;
    }
    return file;
}

void xd_disk_file_free(struct xd_disk_file *file) {
    if (file == NULL) {
        return;
    }
    assert(file->handles == NULL);
    xd_free(file->now.bytes);
    xd_free(file->durable.bytes);
    xd_free(file->log);
    xd_free(file->data);
    xd_free(file->forsaken);
    xd_free(file->name);
    xd_free(file);
}

bool xd_disk_file_write(struct xd_disk_file *file, const void *data, size_t size, size_t at) {
    if (!reserve(file, at + size, size)) {
        return false;
    }
    put(&file->now, at, data, size);
    memcpy(file->data + file->data_size, data, size);
    file->log[file->log_count++] = (struct xd_disk_change){.at = at, .size = size, .data = file->data_size};
    file->data_size += size;
    return true;
}

bool xd_disk_file_truncate(struct xd_disk_file *file, size_t size) {
    if (!reserve(file, size, 0)) {
        return false;
    }
    size_t cut = size < file->now.size ? file->now.size - size : 0;
    set_size(&file->now, size);
    file->log[file->log_count++] =
        (struct xd_disk_change){.at = size, .size = cut, .data = file->data_size, .truncates = true};
    return true;
}

void xd_disk_file_sync(struct xd_disk_file *file) {
    for (size_t i = 0; i < file->log_count; i++) {
        play(file, &file->log[i]);
    }
    forget_log(file);
    file->named = true;
}

void xd_disk_file_forsake(struct xd_disk_file *file) {
    for (size_t i = 0; i < file->log_count; i++) {
        file->forsaken[file->forsaken_count++] =
            (struct xd_disk_range){.at = file->log[i].at, .size = file->log[i].size};
    }
    forget_log(file);
}

bool xd_disk_file_lose(struct xd_disk_file *file, enum xd_disk_loss loss, uint64_t *random) {
    switch (loss) {
    case XD_DISK_CACHED:
        return true;
    case XD_DISK_KEPT:
        copy_changes(file, &file->durable, &file->now);
        break;
    case XD_DISK_LOST:
        break;
    case XD_DISK_TORN:
        play_torn(file, random);
        break;
    case XD_DISK_REORDERED:
        play_some(file, random);
        break;
    }
    copy_changes(file, &file->now, &file->durable);
    forget_log(file);
    file->forsaken_count = 0;
    file->named = file->named || loss == XD_DISK_KEPT || file->durable.size > 0;
    return file->named;
}

/* So that damage is done to one content, not to what a crash may still change. */
static void settle(struct xd_disk_file *file) {
    copy_changes(file, &file->durable, &file->now);
    forget_log(file);
    file->forsaken_count = 0;
    file->named = true;
}

void xd_disk_file_flip(struct xd_disk_file *file, uint64_t random) {
    settle(file);
    size_t at = below(&random, file->now.size);
    unsigned char bit = (unsigned char)(1U << below(&random, 8));
    file->now.bytes[at] ^= bit;
    file->durable.bytes[at] ^= bit;
}

void xd_disk_file_cut(struct xd_disk_file *file, uint64_t random) {
    settle(file);
    size_t size = below(&random, file->now.size);
    set_size(&file->now, size);
    set_size(&file->durable, size);
}

static bool last_fits(const struct xd_disk_file *file) {
    if (file->log_count == 0) {
        return file->data_size == 0;
    }
    const struct xd_disk_change *last = &file->log[file->log_count - 1];
    return last->at <= file->capacity && last->size <= file->capacity - last->at &&
           last->data + (last->truncates ? 0 : last->size) == file->data_size;
}

bool xd_disk_file_check(const struct xd_disk_file *file) {
    bool synced = file->log_count == 0 && file->forsaken_count == 0;
    return file->now.size <= file->capacity && file->durable.size <= file->capacity &&
           (!synced || file->now.size == file->durable.size) && file->log_count <= XD_DISK_CACHE_WRITES &&
           file->log_count <= file->log_capacity &&
           file->forsaken_count + file->log_count <= file->forsaken_capacity && last_fits(file);
}
