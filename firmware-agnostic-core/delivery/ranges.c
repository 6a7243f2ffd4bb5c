/* A sorted array, searched by bisection. Sequences mostly arrive in order, so
 * the usual add extends the last range and the usual drop takes from the front.
 *
 * Invariant: items[i].first <= items[i].last, items[i].last + 1 < items[i + 1].first. */
#include "delivery/ranges.h"

#include "base/memory.h"

#include <string.h>

#define CAPACITY_MIN ((size_t)8)

/* The index of the first range that ends at or behind value; count when there is none. */
static size_t find_from(const struct xd_ranges *ranges, uint64_t value) {
    size_t low = 0;
    size_t high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->items[middle].last < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void remove_at(struct xd_ranges *ranges, size_t index, size_t count) {
    size_t behind = ranges->count - index - count;
    if (count > 0 && behind > 0) {
        memmove(ranges->items + index, ranges->items + index + count, behind * sizeof *ranges->items);
    }
    ranges->count -= count;
}

static enum xd_result make_room(struct xd_ranges *ranges) {
    if (ranges->count >= XD_RANGES_MAX) {
        return XD_FULL;
    }
    if (ranges->items != NULL && ranges->count < ranges->capacity) {
        return XD_OK;
    }
    size_t capacity = ranges->capacity < CAPACITY_MIN ? CAPACITY_MIN : ranges->capacity * 2;
    capacity = capacity > XD_RANGES_MAX ? XD_RANGES_MAX : capacity;
    struct xd_range *items = xd_resize(ranges->items, capacity * sizeof *items);
    if (items == NULL) {
        return XD_NO_MEMORY;
    }
    ranges->items = items;
    ranges->capacity = capacity;
    return XD_OK;
}

static enum xd_result insert_at(struct xd_ranges *ranges, size_t index, uint64_t value) {
    enum xd_result result = make_room(ranges);
    if (result != XD_OK) {
        return result;
    }
    struct xd_range *item = ranges->items + index;
    if (index < ranges->count) {
        memmove(item + 1, item, (ranges->count - index) * sizeof *item);
    }
    *item = (struct xd_range){value, value};
    ranges->count++;
    return XD_OK;
}

void xd_ranges_init(struct xd_ranges *ranges) {
    *ranges = (struct xd_ranges){0};
}

void xd_ranges_free(struct xd_ranges *ranges) {
    xd_free(ranges->items);
    xd_ranges_init(ranges);
}

void xd_ranges_clear(struct xd_ranges *ranges) {
    ranges->count = 0;
}

bool xd_ranges_has(const struct xd_ranges *ranges, uint64_t value) {
    size_t index = find_from(ranges, value);
    return index < ranges->count && ranges->items[index].first <= value;
}

enum xd_result xd_ranges_add(struct xd_ranges *ranges, uint64_t value) {
    size_t index = find_from(ranges, value);
    struct xd_range *next = index < ranges->count ? ranges->items + index : NULL;
    struct xd_range *previous = index > 0 ? ranges->items + index - 1 : NULL;
    if (next != NULL && next->first <= value) {
        return XD_DUPLICATE;
    }
    bool before = previous != NULL && previous->last == value - 1; /* previous->last < value: no wrap */
    bool behind = next != NULL && next->first == value + 1;        /* next->first > value: no wrap */
    if (before && behind) {
        previous->last = next->last;
        remove_at(ranges, index, 1);
        return XD_OK;
    }
    if (before) {
        previous->last = value;
        return XD_OK;
    }
    if (behind) {
        next->first = value;
        return XD_OK;
    }
    return insert_at(ranges, index, value);
}

void xd_ranges_drop_to(struct xd_ranges *ranges, uint64_t value) {
    size_t gone = find_from(ranges, value);
    if (gone < ranges->count && ranges->items[gone].last == value) {
        gone++;
    }
    remove_at(ranges, 0, gone);
    if (ranges->count > 0 && ranges->items[0].first <= value) {
        ranges->items[0].first = value + 1; /* its last is behind value */
    }
}

uint64_t xd_ranges_run_from(const struct xd_ranges *ranges, uint64_t from) {
    return ranges->count > 0 && ranges->items[0].first == from ? ranges->items[0].last : from - 1;
}

size_t xd_ranges_gaps(const struct xd_ranges *ranges, uint64_t first, uint64_t last, struct xd_range *out,
                      size_t capacity) {
    size_t count = 0;
    size_t index = find_from(ranges, first);
    while (first <= last && count < capacity) {
        if (index == ranges->count || ranges->items[index].first > last) {
            out[count++] = (struct xd_range){first, last};
            break;
        }
        const struct xd_range *item = ranges->items + index++;
        if (item->first > first) {
            out[count++] = (struct xd_range){first, item->first - 1};
        }
        if (item->last >= last) {
            break;
        }
        first = item->last + 1;
    }
    return count;
}

bool xd_ranges_check(const struct xd_ranges *ranges, uint64_t watermark) {
    if (ranges->count > XD_RANGES_MAX || ranges->count > ranges->capacity) {
        return false;
    }
    for (size_t i = 0; i < ranges->count; i++) {
        const struct xd_range *item = ranges->items + i;
        uint64_t before = i == 0 ? watermark : item[-1].last;
        /* one missing number at least lies between, hence more than one apart */
        if (item->first > item->last || item->first <= before || item->first - before < 2) {
            return false;
        }
    }
    return true;
}
