/* Open addressing, at most half full. */
#include "simulator/names.h"

#include "base/bytes.h"
#include "simulator/host.h"

#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32; /* or the high bytes would never reach the low bits */
}

uint64_t xd_names_hash(uint64_t hash, const void *data, size_t size) {
    const uint8_t *bytes = data;
    size_t at = 0;
    for (; size - at >= 8; at += 8) {
        hash = mix(hash, xd_little_endian(bytes + at));
    }
    uint8_t rest[8] = {0};
    for (size_t index = 0; index < size - at; index++) {
        rest[index] = bytes[at + index];
    }
    rest[7] = (uint8_t)size; /* or zeroes at the end would not count */
    return mix(hash, xd_little_endian(rest));
}

static uint32_t mark_of(const char *text) {
    uint32_t mark = (uint32_t)xd_names_hash(XD_NAMES_HASH_START, text, strlen(text));
    return mark == 0 ? 1 : mark;
}

/* The slot that holds text, or the free one where it would be. Marks lie close together, and few texts are
 * looked at that are another. */
static size_t slot_of(const struct xd_names *names, uint32_t mark, const char *text) {
    size_t mask = names->capacity - 1, at = mark & mask;
    while (names->marks[at] != 0 && (names->marks[at] != mark || strcmp(names->slots[at].text, text) != 0)) {
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(struct xd_names *names) {
    struct xd_names larger = {.count = names->count,
                              .capacity = names->capacity == 0 ? 64 : names->capacity * 2};
    larger.marks = xd_host_alloc(larger.capacity * sizeof *larger.marks);
    larger.slots = xd_host_room(larger.capacity * sizeof *larger.slots);
    for (size_t index = 0; index < names->capacity; index++) {
        if (names->marks[index] != 0) {
            size_t at = slot_of(&larger, names->marks[index], names->slots[index].text);
            larger.marks[at] = names->marks[index];
            larger.slots[at] = names->slots[index];
        }
    }
    xd_host_free(names->marks);
    xd_host_free(names->slots);
    *names = larger;
}

size_t xd_names_get(const struct xd_names *names, const char *text) {
    if (names->capacity == 0) {
        return XD_NAMES_NONE;
    }
    size_t at = slot_of(names, mark_of(text), text);
    return names->marks[at] == 0 ? XD_NAMES_NONE : names->slots[at].value;
}

size_t *xd_names_at(struct xd_names *names, const char *text) {
    if (names->count * 2 >= names->capacity) {
        grow(names);
    }
    uint32_t mark = mark_of(text);
    size_t at = slot_of(names, mark, text);
    if (names->marks[at] == 0) {
        names->marks[at] = mark;
        names->slots[at] = (struct xd_name){.text = xd_host_copy(text, strlen(text)), .value = XD_NAMES_NONE};
        names->count++;
    }
    return &names->slots[at].value;
}

void xd_names_set(struct xd_names *names, const char *text, size_t value) {
    *xd_names_at(names, text) = value;
}

void xd_names_free(struct xd_names *names) {
    for (size_t index = 0; index < names->capacity; index++) {
        if (names->marks[index] != 0) {
            xd_host_free(names->slots[index].text);
        }
    }
    xd_host_free(names->marks);
    xd_host_free(names->slots);
    memset(names, 0, sizeof *names);
}
