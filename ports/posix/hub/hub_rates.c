/* A client's place is found by the hash of its name within a short reach; where all of
 * that is taken, the one who asked longest ago loses its bucket, which is full again by
 * then or soon would be. */
#include "posix/hub/hub_rates.h"

#include "base/bucket.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define PLACES 1024u
#define REACH 8u

struct place {
    bool used;
    char client[XD_NAME_SIZE], tenant[XD_NAME_SIZE];
    struct xd_bucket bucket;
};

struct xd_rates {
    int64_t rate_per_s, burst; /* of clients without their own; rate_per_s 0: none */
    struct place places[PLACES];
};

enum xd_result xd_rates_new(int64_t rate_per_s, int64_t burst, struct xd_rates **out) {
    struct xd_rates *rates = xd_alloc(sizeof *rates);
    *out = rates;
    if (rates == NULL) {
        return XD_NO_MEMORY;
    }
    rates->rate_per_s = rate_per_s;
    rates->burst = burst;
    return XD_OK;
}

void xd_rates_free(struct xd_rates *rates) {
    xd_free(rates);
}

/* The client's own limits, or else the hub's. False: it has none. */
static bool limits(const struct xd_rates *rates, const struct xd_client_row *client, int64_t *rate_per_s,
                   int64_t *burst) {
    bool own = client->rate_per_s > 0;
    *rate_per_s = own ? client->rate_per_s : rates->rate_per_s;
    *burst = own ? client->burst : rates->burst;
    *burst = *burst > 0 ? *burst : *rate_per_s;
    return *rate_per_s > 0;
}

static bool is_of(const struct place *place, const struct xd_client_row *client) {
    return place->used && strcmp(place->client, client->client) == 0 &&
           strcmp(place->tenant, client->tenant) == 0;
}

/* The client's place; else a free one, or that of who asked longest ago, to be filled anew. */
static struct place *place_of(struct xd_rates *rates, const struct xd_client_row *client) {
    char name[2 * XD_NAME_SIZE];
    int size = snprintf(name, sizeof name, "%s/%s", client->tenant, client->client);
    uint64_t start = xd_checksum(xd_bytes_of(name, (size_t)size));
    struct place *other = NULL;
    for (uint64_t index = 0; index < REACH; index++) {
        struct place *place = &rates->places[(start + index) % PLACES];
        if (is_of(place, client)) {
            return place;
        }
        if (other == NULL || (other->used && (!place->used || place->bucket.at < other->bucket.at))) {
            other = place;
        }
    }
    other->used = false;
    return other;
}

static int64_t seconds(xd_ms time) {
    return time <= 0 ? 0 : (time + XD_SECOND_MS - 1) / XD_SECOND_MS;
}

static void tell(const struct xd_bucket *bucket, struct xd_rate *rate) {
    bool more = xd_bucket_left(bucket) > 0;
    rate->limited = true;
    rate->quota = bucket->burst;
    rate->window_s = (bucket->burst + bucket->rate - 1) / bucket->rate;
    rate->left = xd_bucket_left(bucket);
    rate->until_s = seconds(more ? xd_bucket_fills(bucket) : xd_bucket_wait(bucket));
}

bool xd_rates_take(struct xd_rates *rates, const struct xd_client_row *client, xd_ms now,
                   struct xd_rate *rate) {
    int64_t rate_per_s, burst;
    *rate = (struct xd_rate){.limited = false};
    if (!limits(rates, client, &rate_per_s, &burst)) {
        return true;
    }
    struct place *place = place_of(rates, client);
    if (!place->used) {
        place->used = true;
        memcpy(place->client, client->client, sizeof place->client);
        memcpy(place->tenant, client->tenant, sizeof place->tenant);
        xd_bucket_init(&place->bucket, rate_per_s, burst, now);
    }
    xd_bucket_change(&place->bucket, rate_per_s, burst, now);
    bool taken = xd_bucket_take(&place->bucket, now);
    tell(&place->bucket, rate);
    return taken;
}
