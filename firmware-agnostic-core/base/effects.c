#include "base/effects.h"

#include "base/memory.h"

#include <string.h>

#define EFFECTS_MAX ((size_t)64 * 1024)

void xd_effects_init(struct xd_effects *effects, void (*free_object)(void *object)) {
    memset(effects, 0, sizeof *effects);
    xd_buffer_init(&effects->heap, 0);
    effects->free_object = free_object;
}

void xd_effects_drop_to(struct xd_effects *effects, size_t count, size_t heap_size) {
    for (size_t index = count; index < effects->count; index++) {
        struct xd_effect *effect = &effects->items[index];
        void (*free_object)(void *object) =
            effect->free_object != NULL ? effect->free_object : effects->free_object;
        if (effect->object != NULL && free_object != NULL) {
            free_object(effect->object);
        }
    }
    if (count < effects->count) {
        effects->count = count;
    }
    if (heap_size < effects->heap.size) {
        effects->heap.size = heap_size;
    }
    effects->heap.result = XD_OK;
    effects->result = XD_OK;
}

void xd_effects_free(struct xd_effects *effects) {
    xd_effects_drop_to(effects, 0, 0);
    xd_free(effects->items);
    xd_buffer_free(&effects->heap);
    effects->items = NULL;
    effects->capacity = 0;
}

struct xd_effect *xd_effects_add(struct xd_effects *effects, enum xd_effect_kind kind) {
    if (effects->count == effects->capacity) {
        size_t capacity = effects->capacity == 0 ? 64 : effects->capacity * 2;
        struct xd_effect *items =
            capacity > EFFECTS_MAX ? NULL : xd_resize(effects->items, capacity * sizeof *items);
        if (items == NULL) {
            effects->result = capacity > EFFECTS_MAX ? XD_FULL : XD_NO_MEMORY;
            return NULL;
        }
        effects->items = items;
        effects->capacity = capacity;
    }
    struct xd_effect *effect = &effects->items[effects->count++];
    memset(effect, 0, sizeof *effect);
    effect->kind = kind;
    return effect;
}

struct xd_text_ref xd_effects_bytes(struct xd_effects *effects, struct xd_bytes bytes) {
    struct xd_text_ref ref = {0, 0};
    if (bytes.size == 0) {
        return ref;
    }
    ref.offset = (uint32_t)effects->heap.size;
    ref.size = (uint32_t)bytes.size;
    xd_buffer_add(&effects->heap, bytes.data, bytes.size);
    xd_buffer_byte(&effects->heap, 0);
    if (xd_buffer_result(&effects->heap) != XD_OK) {
        effects->result = xd_buffer_result(&effects->heap);
        ref.size = 0;
    }
    return ref;
}

struct xd_text_ref xd_effects_text(struct xd_effects *effects, const char *text) {
    return xd_effects_bytes(effects, xd_bytes_of_text(text));
}

const char *xd_effects_string(const struct xd_effects *effects, struct xd_text_ref ref) {
    return ref.size == 0 ? NULL : (const char *)effects->heap.data + ref.offset;
}

struct xd_bytes xd_effects_view(const struct xd_effects *effects, struct xd_text_ref ref) {
    return ref.size == 0 ? xd_bytes_of(NULL, 0) : xd_bytes_of(effects->heap.data + ref.offset, ref.size);
}
