/* Open addressing, at most half full. */
#include "simulator/names.h"

#include "simulator/host.h"

#include <string.h>

uint64_t xd_fnv(uint64_t hash, const void *data, size_t size) {
    const uint8_t *bytes = data;
    for (size_t index = 0; index < size; index++) {
        hash = (hash ^ bytes[index]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* The slot that holds text, or the free one where it would be. */
static struct xd_name *slot_of(const struct xd_names *names, const char *text) {
    size_t mask = names->capacity - 1;
    size_t at = (size_t)xd_fnv(XD_FNV_START, text, strlen(text)) & mask;
    while (names->slots[at].text != NULL && strcmp(names->slots[at].text, text) != 0) {
        at = (at + 1) & mask;
    }
    return &names->slots[at];
}

static void grow(struct xd_names *names) {
    struct xd_names larger = {.capacity = names->capacity == 0 ? 64 : names->capacity * 2};
    larger.slots = xd_host_alloc(larger.capacity * sizeof *larger.slots);
    for (size_t index = 0; index < names->capacity; index++) {
        if (names->slots[index].text != NULL) {
            *slot_of(&larger, names->slots[index].text) = names->slots[index];
        }
    }
    larger.count = names->count;
    xd_host_free(names->slots);
    *names = larger;
}

size_t xd_names_get(const struct xd_names *names, const char *text) {
    if (names->capacity == 0) {
        return XD_NAMES_NONE;
    }
    const struct xd_name *slot = slot_of(names, text);
    return slot->text == NULL ? XD_NAMES_NONE : slot->value;
}

void xd_names_set(struct xd_names *names, const char *text, size_t value) {
    if (names->count * 2 >= names->capacity) {
        grow(names);
    }
    struct xd_name *slot = slot_of(names, text);
    if (slot->text == NULL) {
        slot->text = xd_host_copy(text, strlen(text));
        names->count++;
    }
    slot->value = value;
}

void xd_names_free(struct xd_names *names) {
    for (size_t index = 0; index < names->capacity; index++) {
        xd_host_free(names->slots[index].text);
    }
    xd_host_free(names->slots);
    memset(names, 0, sizeof *names);
}
