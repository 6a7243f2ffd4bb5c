/* The zones that the hub has read, a bounded number of them. The turn's thread. */
#ifndef XD_HUB_ORCHESTRATION_ZONES_H
#define XD_HUB_ORCHESTRATION_ZONES_H

#include "base/env.h"
#include "base/zone.h"

#include <stdint.h>

#define XD_ZONES_KEPT 16u

struct xd_zone_kept {
    char name[XD_ZONE_NAME_SIZE]; /* "" free */
    struct xd_zone zone;          /* owned; UTC while it cannot be read */
    bool missing;
    xd_ms again_at; /* monotonic: not read again before, when it is missing */
    uint64_t used;
};

/* All zeros is empty. */
struct xd_zone_cache {
    struct xd_zone_kept kept[XD_ZONES_KEPT];
    uint64_t uses;
};

/* The zone of that name; valid until the next call. A zone is read once and then kept, so new tzdata counts
 * from the next start. One that cannot be read (unknown, damaged, no zones at all) is taken for UTC, logged,
 * and tried again after a minute. "" and "UTC" need no file. zones NULL: there is UTC only. */
const struct xd_zone *xd_zone_cache_get(struct xd_zone_cache *cache, const struct xd_zones *zones,
                                        const struct xd_env *env, const char *name, struct xd_now now);
/* Whether there is a zone of that name; XD_NOT_FOUND. zones NULL: nobody knows, which is XD_OK. Reads it: for
 * who puts one in, not for every day. */
XD_CHECKED enum xd_result xd_zone_known(const struct xd_zones *zones, const char *name);
void xd_zone_cache_clear(struct xd_zone_cache *cache);

#endif
