#include "simulator/disk_file.h"

#include "base/memory.h"
#include "simulator/host.h"

#include <assert.h>
#include <string.h>

#define DATA_FIRST ((size_t)16 * 1024)

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

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* ---- contents; their tables have the room ---- */

/* What of a place's *size bytes one piece holds: where, and how many these are. To be read. */
static const unsigned char *part_at(const struct xd_disk_content *content, size_t at, size_t *size) {
    struct xd_disk_piece **piece = &content->pieces[at / XD_DISK_PIECE];
    size_t begin = at % XD_DISK_PIECE;
    if (*piece == NULL) {
        *piece = xd_host_room(sizeof **piece);
        (*piece)->others = 0;
    }
    *size = smaller(*size, XD_DISK_PIECE - begin);
    return (*piece)->bytes + begin;
}

/* ... to be changed: nobody else has it. */
static unsigned char *own_part_at(struct xd_disk_content *content, size_t at, size_t *size) {
    (void)part_at(content, at, size);
    struct xd_disk_piece **piece = &content->pieces[at / XD_DISK_PIECE];
    if ((*piece)->others > 0) {
        struct xd_disk_piece *own = xd_host_room(sizeof *own);
        memcpy(own->bytes, (*piece)->bytes, sizeof own->bytes);
        own->others = 0;
        (*piece)->others--;
        *piece = own;
    }
    return (*piece)->bytes + at % XD_DISK_PIECE;
}

static void get(const struct xd_disk_content *content, size_t at, unsigned char *out, size_t size) {
    for (size_t part; size > 0; at += part, out += part, size -= part) {
        part = size;
        const unsigned char *there = part_at(content, at, &part);
        memcpy(out, there, part);
    }
}

static void set(struct xd_disk_content *content, size_t at, const unsigned char *data, size_t size) {
    for (size_t part; size > 0; at += part, data += part, size -= part) {
        part = size;
        unsigned char *there = own_part_at(content, at, &part);
        memcpy(there, data, part);
    }
}

static void swap(struct xd_disk_content *content, size_t at, unsigned char *data, size_t size) {
    unsigned char some[XD_DISK_SECTOR];
    for (size_t part; size > 0; at += part, data += part, size -= part) {
        part = smaller(size, sizeof some);
        unsigned char *there = own_part_at(content, at, &part);
        memcpy(some, there, part);
        memcpy(there, data, part);
        memcpy(data, some, part);
    }
}

static void clear(struct xd_disk_content *content, size_t at, size_t size) {
    for (size_t part; size > 0; at += part, size -= part) {
        part = size;
        unsigned char *there = own_part_at(content, at, &part);
        memset(there, 0, part);
    }
}

static void set_size(struct xd_disk_content *content, size_t size) {
    if (size > content->size) {
        clear(content, content->size, size - content->size);
    }
    content->size = size;
}

static void put(struct xd_disk_content *content, size_t at, const unsigned char *data, size_t size) {
    if (at > content->size) {
        set_size(content, at); /* a hole */
    }
    set(content, at, data, size);
    content->size = at + size > content->size ? at + size : content->size;
}

/* ---- the log: there and back ---- */

/* How much of what was there before a write has overwritten. */
static size_t overwritten(const struct xd_disk_change *change) {
    return change->at < change->before ? smaller(change->size, change->before - change->at) : 0;
}

static void unwind_one(struct xd_disk_file *file, const struct xd_disk_change *change) {
    unsigned char *data = file->data + change->data;
    if (change->truncates) {
        set(&file->now, change->at, data, change->size);
    } else {
        size_t old = overwritten(change);
        swap(&file->now, change->at, data, old);
        get(&file->now, change->at + old, data + old, change->size - old);
    }
    file->now.size = change->before;
}

/* Takes all changes back: now is the file as it was at the last sync. */
static void unwind(struct xd_disk_file *file) {
    for (size_t i = file->log_count; i > 0; i--) {
        unwind_one(file, &file->log[i - 1]);
    }
}

/* Makes them again. */
static void rewind_all(struct xd_disk_file *file) {
    for (size_t i = 0; i < file->log_count; i++) {
        const struct xd_disk_change *change = &file->log[i];
        unsigned char *data = file->data + change->data;
        size_t old = overwritten(change), end = change->at + change->size;
        if (change->truncates || change->at > change->before) {
            set_size(&file->now, change->at);
        }
        if (!change->truncates) {
            swap(&file->now, change->at, data, old);
            set(&file->now, change->at + old, data + old, change->size - old);
            file->now.size = end > file->now.size ? end : file->now.size;
        }
    }
}

/* ---- playing the log, unwound, into a content ---- */

static void play(const struct xd_disk_file *file, const struct xd_disk_change *change,
                 struct xd_disk_content *into) {
    if (change->truncates) {
        set_size(into, change->at);
    } else {
        put(into, change->at, file->data + change->data, change->size);
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
        play(file, change, &file->now);
        return;
    }
    size_t start = (change->at / XD_DISK_SECTOR + number) * XD_DISK_SECTOR;
    size_t end = start + XD_DISK_SECTOR;
    start = start > change->at ? start : change->at;
    end = end < change->at + change->size ? end : change->at + change->size;
    put(&file->now, start, file->data + change->data + (start - change->at), end - start);
}

static void play_torn(struct xd_disk_file *file, uint64_t *random) {
    if (file->log_count == 0) {
        return;
    }
    size_t whole = below(random, file->log_count);
    for (size_t i = 0; i < whole; i++) {
        play(file, &file->log[i], &file->now);
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
            play(file, change, &file->now);
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
    file->unsynced = 0;
}

/* To a medium with a buffer of its own. */
static void play_first(struct xd_disk_file *file, size_t count) {
    unwind(file);
    for (size_t i = 0; i < count; i++) {
        play(file, &file->log[i], &file->durable);
    }
    rewind_all(file);
}

/* The older half becomes durable. */
static void drain(struct xd_disk_file *file) {
    size_t count = (file->log_count + 1) / 2;
    size_t data = count < file->log_count ? file->log[count].data : file->data_size;
    if (file->durable.pieces != NULL) {
        play_first(file, count);
    }
    for (size_t i = 0; i < count; i++) {
        file->unsynced -= file->log[i].truncates ? 0 : file->log[i].size;
    }
    file->log_count -= count;
    file->data_size -= data;
    memmove(file->log, file->log + count, file->log_count * sizeof *file->log);
    memmove(file->data, file->data + data, file->data_size);
    for (size_t i = 0; i < file->log_count; i++) {
        file->log[i].data -= data;
    }
}

/* Of a file with this capacity. */
static void drop(struct xd_disk_content *content, size_t capacity) {
    for (size_t i = 0; content->pieces != NULL && i < capacity / XD_DISK_PIECE; i++) {
        struct xd_disk_piece *piece = content->pieces[i];
        if (piece != NULL && piece->others > 0) {
            piece->others--;
        } else {
            xd_host_free(piece);
        }
    }
    xd_free(content->pieces);
    *content = (struct xd_disk_content){.pieces = NULL};
}

static void drop_durable(struct xd_disk_file *file) {
    drop(&file->durable, file->capacity);
}

/* ---- room ---- */

static bool reserve_pieces(struct xd_disk_content *content, size_t before, size_t capacity) {
    size_t had = before / XD_DISK_PIECE, count = capacity / XD_DISK_PIECE;
    struct xd_disk_piece **moved = xd_resize(content->pieces, count * sizeof(struct xd_disk_piece *));
    if (moved == NULL) {
        return false;
    }
    memset(moved + had, 0, (count - had) * sizeof(struct xd_disk_piece *));
    content->pieces = moved;
    return true;
}

static bool reserve_contents(struct xd_disk_file *file, size_t size) {
    if (size <= file->capacity) {
        return true;
    }
    size_t capacity = file->capacity == 0 ? XD_DISK_PIECE : file->capacity;
    while (capacity < size) {
        capacity *= 2;
    }
    /* One of the tables larger than capacity says does no harm. */
    if (!reserve_pieces(&file->now, file->capacity, capacity) ||
        (file->durable.pieces != NULL && !reserve_pieces(&file->durable, file->capacity, capacity))) {
        return false;
    }
    file->capacity = capacity;
    return true;
}

static bool reserve_data(struct xd_disk_file *file, size_t size) {
    if (size <= file->data_capacity) {
        return true;
    }
    size_t capacity = file->data_capacity == 0 ? DATA_FIRST : file->data_capacity;
    while (capacity < size) {
        capacity *= 2;
    }
    unsigned char *data = xd_resize(file->data, capacity);
    if (data == NULL) {
        return false;
    }
    file->data = data;
    file->data_capacity = capacity;
    return true;
}

static bool reserve_entry(struct xd_disk_file *file) {
    struct xd_disk_change *log = xd_grow(file->log, file->log_count, &file->log_capacity, sizeof *log);
    if (log == NULL) {
        return false;
    }
    file->log = log;
    return true;
}

/* For one more change that leaves at most this size, needs this much data and writes so many bytes. */
static bool reserve(struct xd_disk_file *file, size_t size, size_t data, size_t written) {
    if (file->log_count == XD_DISK_CACHE_WRITES ||
        (file->log_count > 0 && file->unsynced + written > XD_DISK_CACHE_BYTES)) {
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

/* *to, whose table has the room, holds the same. */
static void share(const struct xd_disk_content *from, size_t capacity, struct xd_disk_content *to) {
    to->size = from->size;
    for (size_t i = 0; i < capacity / XD_DISK_PIECE; i++) {
        to->pieces[i] = from->pieces[i];
        if (to->pieces[i] != NULL) {
            to->pieces[i]->others++;
        }
    }
}

static bool clone_content(const struct xd_disk_content *from, size_t capacity, struct xd_disk_content *to) {
    to->pieces = xd_alloc(capacity / XD_DISK_PIECE * sizeof(struct xd_disk_piece *));
    if (to->pieces != NULL) {
        share(from, capacity, to);
    }
    return to->pieces != NULL;
}

struct xd_disk_file *xd_disk_file_clone(const struct xd_disk_file *file) {
    struct xd_disk_file *clone = xd_alloc(sizeof *clone);
    if (clone == NULL) {
        return NULL;
    }
    clone->named = file->named;
    clone->capacity = file->capacity;
    clone->log_count = clone->log_capacity = file->log_count;
    clone->data_size = clone->data_capacity = file->data_size;
    clone->unsynced = file->unsynced;
    clone->name = xd_copy_text(file->name);
    clone->log = xd_alloc((file->log_count + 1) * sizeof *clone->log);
    clone->data = xd_alloc(file->data_size + 1);
    bool whole =
        clone->name != NULL && clone->log != NULL && clone->data != NULL &&
        clone_content(&file->now, file->capacity, &clone->now) &&
        (file->durable.pieces == NULL || clone_content(&file->durable, file->capacity, &clone->durable));
    if (!whole) {
        xd_disk_file_free(clone);
        return NULL;
    }
    if (file->log_count > 0) {
        memcpy(clone->log, file->log, file->log_count * sizeof *clone->log);
    }
    if (file->data_size > 0) {
        memcpy(clone->data, file->data, file->data_size);
    }
    return clone;
}

void xd_disk_file_free(struct xd_disk_file *file) {
    if (file == NULL) {
        return;
    }
    assert(file->handles == NULL);
    drop(&file->now, file->capacity);
    drop_durable(file);
    xd_free(file->log);
    xd_free(file->data);
    xd_free(file->name);
    xd_free(file);
}

size_t xd_disk_file_read(const struct xd_disk_file *file, void *out, size_t size, size_t at) {
    size_t there = at < file->now.size ? smaller(size, file->now.size - at) : 0;
    get(&file->now, at, out, there);
    return there;
}

bool xd_disk_file_write(struct xd_disk_file *file, const void *data, size_t size, size_t at) {
    if (!reserve(file, at + size, size, size)) {
        return false;
    }
    struct xd_disk_change *change = &file->log[file->log_count++];
    *change =
        (struct xd_disk_change){.at = at, .size = size, .before = file->now.size, .data = file->data_size};
    get(&file->now, at, file->data + file->data_size, overwritten(change));
    put(&file->now, at, data, size);
    file->data_size += size;
    file->unsynced += size;
    return true;
}

bool xd_disk_file_truncate(struct xd_disk_file *file, size_t size) {
    size_t before = file->now.size, cut = size < before ? before - size : 0;
    if (!reserve(file, size, cut, 0)) {
        return false;
    }
    get(&file->now, size, file->data + file->data_size, cut);
    set_size(&file->now, size);
    file->log[file->log_count++] = (struct xd_disk_change){
        .at = size, .size = cut, .before = before, .data = file->data_size, .truncates = true};
    file->data_size += cut;
    return true;
}

void xd_disk_file_sync(struct xd_disk_file *file) {
    if (file->durable.pieces != NULL) {
        play_first(file, file->log_count);
    }
    forget_log(file);
    file->named = true;
}

void xd_disk_file_forsake(struct xd_disk_file *file) {
    if (file->durable.pieces == NULL) {
        unwind(file);
        file->durable.pieces = xd_host_alloc(file->capacity / XD_DISK_PIECE * sizeof(struct xd_disk_piece *));
        share(&file->now, file->capacity, &file->durable);
        rewind_all(file);
    }
    forget_log(file);
}

/* now becomes what is on the medium, and the log's data what the changes wrote. */
static void back_to_medium(struct xd_disk_file *file) {
    unwind(file);
    if (file->durable.pieces != NULL) {
        drop(&file->now, file->capacity);
        file->now = file->durable;
        file->durable = (struct xd_disk_content){.pieces = NULL};
    }
}

bool xd_disk_file_lose(struct xd_disk_file *file, enum xd_disk_loss loss, uint64_t *random) {
    if (loss == XD_DISK_CACHED) {
        return true;
    }
    if (loss != XD_DISK_KEPT) {
        back_to_medium(file);
    }
    if (loss == XD_DISK_TORN) {
        play_torn(file, random);
    } else if (loss == XD_DISK_REORDERED) {
        play_some(file, random);
    }
    drop_durable(file);
    forget_log(file);
    file->named = file->named || loss == XD_DISK_KEPT || file->now.size > 0;
    return file->named;
}

/* So that damage is done to one content, not to what a crash may still change. */
static void settle(struct xd_disk_file *file) {
    drop_durable(file);
    forget_log(file);
    file->named = true;
}

void xd_disk_file_flip(struct xd_disk_file *file, uint64_t random) {
    settle(file);
    size_t at = below(&random, file->now.size);
    unsigned char bit = (unsigned char)(1U << below(&random, 8));
    size_t one = 1;
    *own_part_at(&file->now, at, &one) ^= bit;
}

void xd_disk_file_cut(struct xd_disk_file *file, uint64_t random) {
    settle(file);
    size_t size = below(&random, file->now.size);
    set_size(&file->now, size);
}

static bool last_fits(const struct xd_disk_file *file) {
    if (file->log_count == 0) {
        return file->data_size == 0 && file->unsynced == 0;
    }
    const struct xd_disk_change *last = &file->log[file->log_count - 1];
    return last->at <= file->capacity && last->size <= file->capacity - last->at &&
           last->before <= file->capacity && last->data + last->size == file->data_size;
}

bool xd_disk_file_check(const struct xd_disk_file *file) {
    return file->now.size <= file->capacity && file->durable.size <= file->capacity &&
           file->log_count <= XD_DISK_CACHE_WRITES && file->log_count <= file->log_capacity &&
           file->data_size <= file->data_capacity && file->unsynced <= file->data_size && last_fits(file);
}
