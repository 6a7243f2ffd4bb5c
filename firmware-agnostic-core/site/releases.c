/* Releases at a site: held until answered, delivered round by round.
 *
 * A release is published when it comes and again in every round until a response
 * or a confirmation speaks of it. A change or a cancel is a question: a confirmation, which does not say
 * of which revision it speaks, is no answer to that. A round walks through all open ones in order of
 * arrival, a page at a time; the wait between rounds grows and starts anew when
 * the site's broker comes back. So memory does not grow with what is open, and
 * one release that is never answered delays no other. */
#include "documents/response.h"
#include "site/site_internal.h"

#include "base/memory.h"
#include "base/mutant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUND_PAGE 64u
#define ROUND_BYTES_MAX ((size_t)1024 * 1024) /* of effects in one page, or one release alone */
#define ROUND_PAGE_MS ((xd_ms)50)             /* between pages: the way to the broker is a bounded queue */
#define ECHO_PAGE 32u
#define ECHO_BYTES_MAX ((size_t)1024 * 1024)

enum xd_result xd_site_deliver(struct xd_site *site, const struct xd_held_release *held,
                               struct xd_effects *effects) {
    if (!site->wms_up) {
        return XD_OK;
    }
    xd_site_publish(site, "release", held->body, false, effects);
    site->counters.releases_published++;
    return XD_OK;
}

struct page {
    struct xd_site *site;
    struct xd_effects *effects;
    int64_t last;
    int64_t fresh[ROUND_PAGE]; /* published for the first time */
    size_t fresh_count, count;
    size_t heap_max; /* the effects' heap may grow to this before the next release */
};

static enum xd_result deliver_row(void *context, const struct xd_held_release *row) {
    struct page *page = context;
    if (page->effects->heap.size >= page->heap_max) {
        return XD_AGAIN;
    }
    page->last = row->number;
    page->count++;
    if (!row->published && page->fresh_count < ROUND_PAGE) {
        page->fresh[page->fresh_count++] = row->number;
    }
    return row->published && XD_MUTANT(REDELIVERY_STOPS) ? XD_OK
                                                         : xd_site_deliver(page->site, row, page->effects);
}

enum xd_result xd_site_round(struct xd_site *site, struct xd_now now, struct xd_effects *effects) {
    const struct xd_site_store *store = site->config.store;
    if (!site->wms_up || now.monotonic < site->round_at) {
        return XD_OK;
    }
    struct page page = {.site = site, .effects = effects, .heap_max = effects->heap.size + ROUND_BYTES_MAX};
    enum xd_result result =
        store->release_open(store->context, site->round_after, ROUND_PAGE, deliver_row, &page);
    bool more = result == XD_AGAIN || page.count == ROUND_PAGE;
    result = result == XD_AGAIN ? XD_OK : result;
    for (size_t index = 0; result == XD_OK && index < page.fresh_count; index++) {
        result = store->release_set(store->context, page.fresh[index], XD_HELD_OPEN, true);
    }
    if (result != XD_OK) {
        return result;
    }
    if (more) {
        site->round_after = page.last;
        site->round_at = now.monotonic + ROUND_PAGE_MS;
        return XD_OK;
    }
    site->round_after = 0;
    site->round_at = now.monotonic + site->config.release_retry_ms_min +
                     xd_retry_next(&site->round_retry, site->config.env);
    return XD_OK;
}

enum xd_result xd_site_answered(struct xd_site *site, const char *release_id, int64_t revision) {
    const struct xd_site_store *store = site->config.store;
    struct xd_held_release held;
    if (strlen(release_id) >= sizeof held.release_id) {
        return XD_OK; /* no release of ours; the hub will say so */
    }
    enum xd_result result = store->release_get(store->context, release_id, &held);
    if (result == XD_NOT_FOUND) {
        return XD_OK;
    }
    if (result != XD_OK) {
        return result;
    }
    if (revision > held.revision) {
        xd_problem_warn(&site->problems, "unknown_revision", "/revision",
                        "This release has come with revision %lld at most, which this does not answer.",
                        (long long)held.revision);
        return XD_OK;
    }
    if (revision == 0 && held.purpose != XD_PURPOSE_ORIGINAL) {
        return XD_OK; /* the hub waits for a word on what it asked for, and the WMS may not have seen it */
    }
    if (held.state != XD_HELD_OPEN || (revision != 0 && revision < held.revision)) {
        return XD_OK;
    }
    return store->release_set(store->context, held.number, XD_HELD_ANSWERED, held.published);
}

/* ---- giving back what a hub forgot ----
 *
 * A hub that draws a new epoch has lost its history, and how far back it went
 * cannot be told: it may have given new numbers before the handshake. So all that
 * is held goes back, a page at a time; the hub knows most of it and takes the rest. What
 * a release was before it was changed follows it: the WMS may have refused the change. */

struct echo_page {
    struct xd_held_release rows[ECHO_PAGE];
    struct xd_buffer bodies; /* one after the other */
    size_t offsets[ECHO_PAGE];
    size_t count, seen;
    int64_t last;
};

static enum xd_result echo_collect(void *context, const struct xd_held_release *row) {
    struct echo_page *page = context;
    if (page->count > 0 && page->bodies.size >= ECHO_BYTES_MAX) {
        return XD_AGAIN;
    }
    page->last = row->number;
    page->seen++;
    if (row->state == XD_HELD_REPLACED) {
        return XD_OK; /* it follows its highest revision */
    }
    page->rows[page->count] = *row;
    page->rows[page->count].body.data = NULL;
    page->offsets[page->count++] = page->bodies.size;
    xd_buffer_add(&page->bodies, row->body.data, row->body.size);
    return xd_buffer_result(&page->bodies);
}

/* The plan is a row, so that a crash in the middle goes on with it. */
enum xd_result xd_site_echo_plan(struct xd_site *site, int64_t after) {
    const struct xd_delivery_store *store = &site->config.store->delivery;
    char value[24];
    snprintf(value, sizeof value, "%lld", (long long)after);
    enum xd_result result = store->meta_set(store->context, "echo", value);
    if (result == XD_OK) {
        site->echo_after = after;
    }
    return result;
}

enum xd_result xd_site_echo_load(struct xd_site *site) {
    const struct xd_delivery_store *store = &site->config.store->delivery;
    char value[24];
    enum xd_result result = store->meta_get(store->context, "echo", value, sizeof value);
    site->echo_after = result == XD_OK ? strtoll(value, NULL, 10) : XD_ECHO_NONE;
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static enum xd_result echo_one(struct xd_site *site, const struct xd_held_release *row, struct xd_bytes body,
                               xd_ms wall) {
    enum xd_result result = xd_site_forward(site, XD_LANE_WORK, XD_DOC_ECHO, row->release_id, row->revision,
                                            &row->hash, NULL, body, wall);
    site->counters.echoed += result == XD_OK;
    return result;
}

static enum xd_result echo_before(struct xd_site *site, const struct xd_held_release *last, xd_ms wall) {
    const struct xd_site_store *store = site->config.store;
    struct xd_held_release row = *last;
    struct xd_buffer body;
    enum xd_result result = XD_OK;
    while (result == XD_OK && row.revision > 1) {
        char release_id[XD_ID_SIZE];
        memcpy(release_id, last->release_id, sizeof release_id);
        xd_buffer_init(&body, 0);
        result = store->release_before(store->context, release_id, row.revision, &row, &body);
        if (result == XD_OK) {
            result = echo_one(site, &row, xd_buffer_view(&body), wall);
        }
        xd_buffer_free(&body);
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static enum xd_result echo_forward(struct xd_site *site, const struct echo_page *page, xd_ms wall) {
    for (size_t index = 0; index < page->count; index++) {
        const struct xd_held_release *row = &page->rows[index];
        struct xd_bytes body = xd_bytes_of(page->bodies.data + page->offsets[index], row->body.size);
        enum xd_result result = echo_one(site, row, body, wall);
        result = result == XD_OK ? echo_before(site, row, wall) : result;
        if (result != XD_OK) {
            return result;
        }
    }
    return XD_OK;
}

enum xd_result xd_site_echo(struct xd_site *site, struct xd_now now) {
    const struct xd_site_store *store = site->config.store;
    if (site->echo_after == XD_ECHO_NONE || site->room == XD_ROOM_NONE) {
        return XD_OK; /* with no room left it waits: it must not make the turn fail */
    }
    struct echo_page *page = xd_alloc(sizeof *page);
    if (page == NULL) {
        return XD_NO_MEMORY;
    }
    xd_buffer_init(&page->bodies, 0);
    enum xd_result result =
        store->release_since(store->context, site->echo_after, ECHO_PAGE, echo_collect, page);
    bool more = result == XD_AGAIN || page->seen == ECHO_PAGE;
    if (result == XD_OK || result == XD_AGAIN) {
        result = echo_forward(site, page, now.wall);
    }
    if (result == XD_OK) {
        result = xd_site_echo_plan(site, more ? page->last : XD_ECHO_NONE);
    }
    xd_buffer_free(&page->bodies);
    xd_free(page);
    return result;
}
