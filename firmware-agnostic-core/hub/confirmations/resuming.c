/* What waited is applied when its cause arrives. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "hub/events/events.h"

#include <stdio.h>
#include <string.h>

#define RESUME_PAGE 16u
#define TAKERS_MAX ((size_t)500)
#define LATE_MS ((xd_ms)1000)

/* A page of them, like one of lines below, is not cleared before it is filled: mostly nothing waits. */
struct waiting {
    struct xd_confirmation_row rows[RESUME_PAGE];
    size_t count;
};

static enum xd_result collect_waiting(void *context, const struct xd_confirmation_row *row) {
    struct waiting *waiting = context;
    waiting->rows[waiting->count++] = *row;
    return XD_OK;
}

/* It cannot be read any more (written anew, it may be longer than a document may be):
 * it waits for a person, and the release does not wait for it. */
static enum xd_result stays_parked(struct xd_hub *hub, struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_complaint complaint = {.code = "UNUSABLE_DOCUMENT",
                                     .site = row->site,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = row->confirmation_id,
                                     .version = row->version,
                                     .detail = "Its release is here, but the confirmation that waited for it "
                                               "cannot be read again; a person decides."};
    row->waits_for[0] = 0;
    enum xd_result result = xd_hub_complain(hub, &complaint, now);
    return result == XD_OK ? store->confirmation_save(store->context, row) : result;
}

/* ---- whole documents ---- */

enum xd_result xd_resume_document(struct xd_hub *hub, struct xd_confirmation_row *row, const char *accepts,
                                  struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    bool waited = row->waits_for[0] != 0, fresh = true;
    struct xd_stored stored;
    enum xd_result result = xd_stored_open(hub, row, &stored);
    if (result == XD_INVALID) {
        xd_stored_close(&stored);
        return stays_parked(hub, row, now);
    }
    if (result == XD_OK) {
        result = xd_hub_exceptions_close(hub, row->site, XD_DOC_CONFIRMATION, row->confirmation_id, row->base,
                                         NULL, now);
    }
    if (result == XD_OK && waited) {
        row->waits_for[0] = 0;
        row->alert_at = 0;
        result = xd_confirmation_follow(hub, &stored.confirmation, row, now, &fresh);
    }
    if (result == XD_OK && fresh) {
        result = xd_confirmation_apply(hub, &stored.confirmation, row, NULL, 0, accepts, now);
    }
    if (result == XD_OK) {
        result = store->confirmation_save(store->context, row);
    }
    if (result == XD_OK) {
        result = xd_resume_after(hub, row, &stored.confirmation, now);
    }
    xd_stored_close(&stored);
    return result;
}

/* It was superseded or taken back while it waited. */
static enum xd_result resume_undone(struct xd_hub *hub, struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_stored stored;
    enum xd_result result = xd_stored_open(hub, row, &stored);
    if (result == XD_OK && xd_may_be_forgotten(&stored.confirmation)) {
        result = xd_undo_forgotten(hub, &stored.confirmation, row, now);
    } else if (result == XD_OK) {
        row->waits_for[0] = 0;
        result = store->confirmation_save(store->context, row);
    } else if (result == XD_INVALID) {
        result = stays_parked(hub, row, now);
    }
    xd_stored_close(&stored);
    return result;
}

/* As it is by now: one that was resumed before may have taken it back. *still: it waits for that release. */
static enum xd_result resume_one(struct xd_hub *hub, const struct xd_confirmation_row *waiting,
                                 const char *release_id, struct xd_now now, bool *still) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row = *waiting;
    enum xd_result result = store->confirmation_get(store->context, waiting->site, waiting->confirmation_id,
                                                    waiting->version, &row);
    if (result == XD_OK && strcmp(row.waits_for, release_id) == 0) {
        result = row.state == XD_CONFIRMATION_PARKED ? xd_resume_document(hub, &row, NULL, now)
                                                     : resume_undone(hub, &row, now);
    }
    *still = strcmp(row.waits_for, release_id) == 0;
    return result;
}

enum xd_result xd_hub_resume(struct xd_hub *hub, const char *release_id, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct waiting *waiting = xd_resize(NULL, sizeof *waiting);
    enum xd_result result = waiting == NULL ? XD_NO_MEMORY : xd_hub_responses_resume(hub, release_id, now);
    bool ever = false, more = true;
    while (result == XD_OK && more) {
        bool any = false;
        waiting->count = 0;
        result =
            store->confirmation_waiting(store->context, release_id, RESUME_PAGE, collect_waiting, waiting);
        for (size_t index = 0; index < waiting->count && result == XD_OK; index++) {
            bool still = false;
            result = resume_one(hub, &waiting->rows[index], release_id, now, &still);
            any = any || !still;
        }
        more = waiting->count == RESUME_PAGE && any; /* else they wait for more of it */
        ever = ever || any;
    }
    xd_free(waiting);
    return result == XD_OK && ever ? xd_hub_responses_resume(hub, release_id, now) : result;
}

/* ---- lines ---- */

static bool may_go_on(const struct xd_confirmation_row *row) {
    return row->state == XD_CONFIRMATION_APPLIED || row->state == XD_CONFIRMATION_POSTED ||
           row->state == XD_CONFIRMATION_PARKED;
}

static enum xd_result close_exception(struct xd_hub *hub, const char *id, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_exception_row row;
    enum xd_result result = store->exception_get(store->context, id, &row);
    if (result == XD_NOT_FOUND || (result == XD_OK && !row.open)) {
        return XD_OK;
    }
    return result == XD_OK ? xd_hub_exception_close_one(hub, &row, now) : result;
}

enum xd_result xd_resume_line(struct xd_hub *hub, const struct xd_parked_line_row *parked,
                              const char *accepts, struct xd_now now, bool *done) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    struct xd_stored stored;
    *done = false;
    enum xd_result result =
        xd_confirmation_current(hub, parked->site, parked->confirmation_id, parked->version, &row);
    if (result != XD_OK || !may_go_on(&row)) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    result = xd_stored_open(hub, &row, &stored);
    if (result == XD_OK) {
        result = store->confirmations.unpark(store->context, parked->site, parked->confirmation_id,
                                             parked->version, parked->line);
    }
    if (result == XD_OK) {
        result = xd_confirmation_apply_lines(hub, &stored.confirmation, &row, &parked->line, 1, accepts, now,
                                             done);
    }
    if (result == XD_OK && !*done) {
        result = store->confirmations.park(store->context, parked);
    } else if (result == XD_OK) {
        result = store->confirmation_save(store->context, &row);
        result = result == XD_OK ? close_exception(hub, parked->exception, now) : result;
    }
    xd_stored_close(&stored);
    return result == XD_INVALID ? XD_OK : result; /* it cannot be read any more: a person settles it */
}

struct parked_lines {
    struct xd_parked_line_row rows[RESUME_PAGE];
    size_t count;
};

static enum xd_result collect_parked(void *context, const struct xd_parked_line_row *row) {
    struct parked_lines *lines = context;
    lines->rows[lines->count++] = *row;
    return XD_OK;
}

enum xd_result xd_hub_resume_cause(struct xd_hub *hub, const char *cause, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct parked_lines *lines = xd_resize(NULL, sizeof *lines);
    enum xd_result result = XD_OK;
    size_t done = 1;
    if (lines == NULL) {
        return XD_NO_MEMORY;
    }
    while (result == XD_OK && done > 0) {
        done = lines->count = 0;
        result = store->confirmations.parked_for(store->context, cause, RESUME_PAGE, collect_parked, lines);
        for (size_t index = 0; index < lines->count && result == XD_OK; index++) {
            bool applied;
            result = xd_resume_line(hub, &lines->rows[index], NULL, now, &applied);
            done += applied;
        }
        if (lines->count < RESUME_PAGE) {
            break;
        }
    }
    xd_free(lines);
    return result;
}

/* ---- who takes back what was not there yet ---- */

static enum xd_result resume_takers(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                    struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_rows list = {NULL, 0, 0};
    enum xd_result result = store->confirmation_of_shipment(store->context, row->site, row->shipment_id,
                                                            TAKERS_MAX, xd_confirmation_collect, &list);
    for (size_t index = 0; index < list.count && result == XD_OK; index++) {
        struct xd_confirmation_row *taker = &list.rows[index];
        bool takes = taker->kind == XD_KIND_VOID || taker->kind == XD_KIND_REVERSAL;
        if (takes && taker->state == XD_CONFIRMATION_PARKED && taker->lines_applied == 0) {
            result = xd_resume_document(hub, taker, NULL, now);
        }
    }
    xd_free(list.rows);
    return result;
}

enum xd_result xd_resume_after(struct xd_hub *hub, const struct xd_confirmation_row *row,
                               const struct xd_confirmation *confirmation, struct xd_now now) {
    bool shipped = row->kind == XD_KIND_SHIP || row->kind == XD_KIND_SHORT_CLOSE;
    bool counts = row->state == XD_CONFIRMATION_APPLIED || row->state == XD_CONFIRMATION_POSTED;
    enum xd_result result = XD_OK;
    if (!shipped || !counts) {
        return XD_OK;
    }
    for (size_t index = 0; index < confirmation->release_count && result == XD_OK; index++) {
        char cause[XD_CAUSE_SIZE];
        snprintf(cause, sizeof cause, "shipped/%s", confirmation->release_ids[index]);
        result = xd_hub_resume_cause(hub, cause, now);
    }
    return result == XD_OK && row->shipment_id[0] != 0 ? resume_takers(hub, row, now) : result;
}

/* ---- what never came ---- */

/* It waits for the first revision of a release that is there; that will not come any more, and the others of
 * this page may have been resumed with it: *awaited. */
static enum xd_result wait_no_more(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                   struct xd_now now, bool *awaited) {
    enum xd_result result = xd_adopted_is_part(hub, row->waits_for, awaited);
    if (result == XD_OK && *awaited) {
        result = xd_adopted_awaits_before(hub, row->waits_for, false);
        result = result == XD_OK ? xd_hub_resume(hub, row->waits_for, now) : result;
    }
    return result;
}

enum xd_result xd_hub_confirmations_late(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    if (now.monotonic < hub->waiting_at) {
        return XD_OK;
    }
    hub->waiting_at = now.monotonic + LATE_MS;
    struct waiting *waiting = xd_resize(NULL, sizeof *waiting);
    if (waiting == NULL) {
        return XD_NO_MEMORY;
    }
    waiting->count = 0;
    enum xd_result result =
        store->confirmation_alert(store->context, now.wall, RESUME_PAGE, collect_waiting, waiting);
    bool awaited = false;
    for (size_t index = 0; index < waiting->count && result == XD_OK && !awaited; index++) {
        struct xd_confirmation_row *row = &waiting->rows[index];
        result = wait_no_more(hub, row, now, &awaited);
        if (result != XD_OK || awaited) {
            continue;
        }
        row->alert_at = 0;
        if (row->state != XD_CONFIRMATION_PARKED) { /* nobody is asked about it */
            result = store->confirmation_save(store->context, row);
            continue;
        }
        struct xd_complaint complaint = {
            .code = "UNKNOWN_RELEASE_OVERDUE",
            .site = row->site,
            .kind = XD_DOC_CONFIRMATION,
            .document_id = row->confirmation_id,
            .version = row->base,
            .detail = "Its release has not come in time; the site may mean another one."};
        result = xd_hub_complain(hub, &complaint, now);
        result = result == XD_OK ? store->confirmation_save(store->context, row) : result;
    }
    xd_free(waiting);
    return result;
}
