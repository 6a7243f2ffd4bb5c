/* A time zone's file of any bytes: it is refused, or its local times lead back: the first instant that shows
 * a local time is not after one that showed it, and shows it or a later one. The rest of the input (from its
 * end) says which instants are asked. */
#include "fuzz/fuzz.h"

#include "base/zone.h"

#include <stdlib.h>

#define INSTANT_MAX UINT64_C(253402300800000)

static int64_t shown(struct xd_local local) {
    return local.days * 1440 + local.minute;
}

static void ask(const struct xd_zone *zone, xd_ms at) {
    struct xd_local local = xd_zone_local(zone, at);
    int32_t offset = xd_zone_offset_s(zone, at);
    xd_ms first = -1;
    CHECK(offset > -93600 && offset < 93600);
    CHECK(local.minute >= 0 && local.minute < 1440);
    if (xd_zone_instant(zone, local, &first) != XD_OK) {
        CHECK(local.days < 0 || local.days > XD_DAYS_MAX);
        return;
    }
    CHECK(first <= at);
    CHECK(first < 0 || shown(xd_zone_local(zone, first)) >= shown(local));
    if (first >= XD_SECOND_MS) { /* what is before it shows less */
        CHECK(shown(xd_zone_local(zone, first - 1)) < shown(local));
    }
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct xd_zone zone;
    uint8_t *file = fuzz_copy(data, size);
    enum xd_result result = xd_zone_decode(xd_bytes_of(file, size), &zone);
    free(file);
    if (result != XD_OK) {
        CHECK(result == XD_INVALID);
        return 0;
    }
    for (size_t index = 0; index < zone.change_count && index < 64; index++) {
        int64_t at = zone.changes[index].at_s;
        if (at > 0 && at < (int64_t)(INSTANT_MAX / 1000)) {
            ask(&zone, at * XD_SECOND_MS);
            ask(&zone, at * XD_SECOND_MS - 1);
        }
    }
    for (struct fuzz_input input = {data + size - (size < 64 ? size : 64), size < 64 ? size : 64};
         input.size > 0;) {
        ask(&zone, (xd_ms)(fuzz_u64(&input) % INSTANT_MAX));
    }
    xd_zone_free(&zone);
    return 0;
}
