/* The value in the store: "<series> <age> <age>:<upto> <age>:<upto> ...", all in decimal. */
#include "delivery/aging.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS_MAX ((xd_ms)600000) /* a process that stood still for longer did not hear the peer */
#define SAVE_MS ((xd_ms)1800000)    /* a crash costs so much of what counted */
#define MARKS_WITHIN ((xd_ms)8)     /* keep_ms */
#define VALUE_SIZE (XD_EPOCH_SIZE + 24 + XD_AGING_MARKS * 48)

/* What is not as it was written counts as nothing: it begins anew. */
static void parse(struct xd_aging *aging, const char *series, const char *value) {
    struct xd_aging found = {0};
    size_t length = strlen(series);
    if (strncmp(value, series, length) != 0 || value[length] != ' ') {
        return;
    }
    char *end;
    found.age = found.saved = strtoll(value + length, &end, 10);
    while (*end == ' ' && found.count < XD_AGING_MARKS) {
        struct xd_aging_mark *mark = &found.marks[found.count++];
        mark->age = strtoll(end, &end, 10);
        mark->upto = *end == ':' ? strtoull(end + 1, &end, 10) : 0;
    }
    if (*end == 0) {
        aging->age = found.age;
        aging->saved = found.saved;
        aging->count = found.count;
        memcpy(aging->marks, found.marks, sizeof found.marks);
    }
}

static enum xd_result read_value(struct xd_aging *aging, const struct xd_delivery_store *store,
                                 const struct xd_aging_step *step) {
    char value[VALUE_SIZE];
    enum xd_result result = store->meta_get(store->context, step->name, value, sizeof value);
    if (result == XD_OK) {
        parse(aging, step->series, value);
    }
    if (result == XD_OK || result == XD_NOT_FOUND) {
        aging->read = true;
        return XD_OK;
    }
    return result;
}

static enum xd_result write_value(struct xd_aging *aging, const struct xd_delivery_store *store,
                                  const struct xd_aging_step *step) {
    char value[VALUE_SIZE];
    size_t size = (size_t)snprintf(value, sizeof value, "%s %" PRId64, step->series, aging->age);
    for (size_t index = 0; index < aging->count; index++) {
        size += (size_t)snprintf(value + size, sizeof value - size, " %" PRId64 ":%" PRIu64,
                                 aging->marks[index].age, aging->marks[index].upto);
    }
    enum xd_result result = store->meta_set(store->context, step->name, value);
    if (result == XD_OK) {
        aging->saved = aging->age;
    }
    return result;
}

/* When all marks are taken (keep_ms was raised) the last one moves: what it stands for gets younger. */
static bool set_mark(struct xd_aging *aging, const struct xd_aging_step *step) {
    const struct xd_aging_mark *last = aging->count > 0 ? &aging->marks[aging->count - 1] : NULL;
    if (step->upto <= (last == NULL ? 0 : last->upto) ||
        (last != NULL && aging->age - last->age < step->keep_ms / MARKS_WITHIN)) {
        return false;
    }
    aging->count += aging->count < XD_AGING_MARKS;
    aging->marks[aging->count - 1] = (struct xd_aging_mark){aging->age, step->upto};
    return true;
}

static uint64_t find_old(struct xd_aging *aging, xd_ms before) {
    while (aging->count > 1 && aging->marks[1].age <= before) {
        aging->count--;
        memmove(&aging->marks[0], &aging->marks[1], aging->count * sizeof aging->marks[0]);
    }
    return aging->count > 0 && aging->marks[0].age <= before ? aging->marks[0].upto : 0;
}

enum xd_result xd_aging_step(struct xd_aging *aging, const struct xd_delivery_store *store,
                             const struct xd_aging_step *step, uint64_t *old) {
    *old = 0;
    enum xd_result result = aging->read ? XD_OK : read_value(aging, store, step);
    if (result != XD_OK) {
        return result;
    }
    xd_ms passed = aging->stepped_at != 0 ? step->monotonic - aging->stepped_at : 0;
    aging->stepped_at = step->monotonic;
    if (step->counts) {
        aging->age += passed < STEP_MS_MAX ? passed : STEP_MS_MAX;
    }
    bool changed = set_mark(aging, step);
    *old = find_old(aging, aging->age - step->keep_ms);
    bool waits = aging->count > 0 && aging->marks[aging->count - 1].upto > *old;
    return changed || (waits && aging->age - aging->saved >= SAVE_MS) ? write_value(aging, store, step)
                                                                      : XD_OK;
}
