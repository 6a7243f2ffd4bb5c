#include "hub/orchestration/zones.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_MS XD_MINUTE_MS

static const struct xd_zone utc;

static struct xd_zone_kept *find(struct xd_zone_cache *cache, const char *name) {
    for (size_t index = 0; index < XD_ZONES_KEPT; index++) {
        if (strcmp(cache->kept[index].name, name) == 0) {
            return &cache->kept[index];
        }
    }
    return NULL;
}

/* A free place, or that of the zone not asked for the longest. */
static struct xd_zone_kept *make_room(struct xd_zone_cache *cache) {
    struct xd_zone_kept *oldest = &cache->kept[0];
    for (size_t index = 1; index < XD_ZONES_KEPT; index++) {
        if (cache->kept[index].used < oldest->used) {
            oldest = &cache->kept[index];
        }
    }
    xd_zone_free(&oldest->zone);
    memset(oldest, 0, sizeof *oldest);
    return oldest;
}

static enum xd_result read_zone(const struct xd_zones *zones, const char *name, struct xd_zone *out) {
    struct xd_buffer file;
    if (zones == NULL) {
        return XD_NOT_FOUND;
    }
    xd_buffer_init(&file, XD_ZONE_BYTES_MAX);
    enum xd_result result = zones->read(zones->context, name, &file);
    if (result == XD_OK) {
        result = xd_buffer_result(&file);
    }
    if (result == XD_OK) {
        result = xd_zone_decode(xd_buffer_view(&file), out);
    }
    xd_buffer_free(&file);
    return result;
}

const struct xd_zone *xd_zone_cache_get(struct xd_zone_cache *cache, const struct xd_zones *zones,
                                        const struct xd_env *env, const char *name, struct xd_now now) {
    if (name[0] == '\0' || strcmp(name, "UTC") == 0 || strlen(name) >= XD_ZONE_NAME_SIZE) {
        return &utc;
    }
    struct xd_zone_kept *kept = find(cache, name);
    bool fresh = kept == NULL;
    kept = fresh ? make_room(cache) : kept;
    kept->used = ++cache->uses;
    if (fresh) {
        memcpy(kept->name, name, strlen(name) + 1);
    }
    if (fresh || (kept->missing && now.monotonic >= kept->again_at)) {
        enum xd_result result = read_zone(zones, name, &kept->zone);
        kept->missing = result != XD_OK;
        kept->again_at = now.monotonic + AGAIN_MS;
        if (kept->missing) {
            xd_log(env, XD_LOG_WARNING, "zone.missing", NULL,
                   "time zone %s cannot be read (%s): taken for UTC; is tzdata installed?", name,
                   xd_result_name(result));
        }
    }
    return &kept->zone;
}

enum xd_result xd_zone_known(const struct xd_zones *zones, const char *name) {
    struct xd_zone zone;
    memset(&zone, 0, sizeof zone);
    if (zones == NULL || strcmp(name, "UTC") == 0) {
        return XD_OK;
    }
    enum xd_result result = read_zone(zones, name, &zone);
    xd_zone_free(&zone);
    return result;
}

void xd_zone_cache_clear(struct xd_zone_cache *cache) {
    for (size_t index = 0; index < XD_ZONES_KEPT; index++) {
        xd_zone_free(&cache->kept[index].zone);
    }
    memset(cache, 0, sizeof *cache);
}
