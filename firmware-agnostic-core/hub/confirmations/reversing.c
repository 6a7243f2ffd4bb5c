/* What a confirmation did is taken back, here and in the ERP.
 *
 * Quantities go back to where they came from: shipped to released, what was beyond the release first, the
 * stock to the site, a remainder that was closed or opened to the release; then what is left of the release
 * is evened out (remainders.c). Of an order that is cancelled by then the site is asked for them; but where
 * another version says what has shipped instead, only for what that leaves. In the ERP each posting is undone
 * as a whole by a reversal, which is called for when the posting is there; what is left of a posting of which
 * only a part is taken back is posted anew after its reversal. */
#include "hub/confirmations/taking_back.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static enum xd_result undo_posting(struct xd_back *back, struct xd_job_row *job) {
    struct xd_job_line_rows lines;
    int64_t number;
    enum xd_result result = xd_back_lines(back, job, &lines);
    for (size_t index = 0; index < lines.count && result == XD_OK; index++) {
        struct xd_job_line_row posted = lines.rows[index];
        struct xd_release_line_row *line = xd_back_line(back, posted.line_id);
        if (xd_decimal_sign(posted.qty) > 0) {
            result = line == NULL ? XD_CORRUPT : xd_posted_in_unit_of(line, &posted);
            result = result == XD_OK ? xd_back_take(back, line, posted.sku, posted.qty) : result;
        }
    }
    if (result == XD_OK) {
        result = xd_back_undo(back, job, &lines, &number);
    }
    xd_free(lines.rows);
    return result;
}

struct remainders {
    struct xd_remainder_row *rows;
    size_t count, capacity;
};

static enum xd_result collect_remainder(void *context, const struct xd_remainder_row *row) {
    struct remainders *list = context;
    struct xd_remainder_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

static enum xd_result reverse_release(struct xd_reversing *reversing, const struct xd_confirmation_row *row,
                                      const struct remainders *remainders, const char *release_id) {
    const struct xd_hub_store *store = reversing->hub->config.store;
    struct xd_release_row release;
    struct xd_job_rows jobs = {NULL, 0, 0};
    struct xd_back back;
    enum xd_result result = strlen(release_id) < XD_ID_SIZE
                                ? store->release_get(store->context, release_id, &release)
                                : XD_NOT_FOUND;
    if (result == XD_NOT_FOUND || (result == XD_OK && strcmp(release.site, row->site) != 0)) {
        return XD_OK; /* nothing was done about that one */
    }
    if (result == XD_OK) {
        result = xd_back_open(reversing, &release, &back);
        result = result == XD_OK ? xd_back_postings(&back, &jobs) : result;
    } else {
        return result;
    }
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        struct xd_job_row *job = &jobs.rows[index];
        if (strcmp(job->confirmation_id, row->confirmation_id) == 0 && strcmp(job->site, row->site) == 0 &&
            job->confirmation_version == row->base) {
            result = undo_posting(&back, job);
        }
    }
    for (size_t index = 0; index < remainders->count && result == XD_OK; index++) {
        if (strcmp(remainders->rows[index].release_id, release_id) == 0) {
            result = xd_back_restore(&back, &remainders->rows[index]);
        }
    }
    xd_free(jobs.rows);
    return xd_back_close(&back, row, result);
}

static enum xd_result reverse_all(struct xd_reversing *reversing, const struct xd_confirmation_row *row) {
    const struct xd_hub_store *store = reversing->hub->config.store;
    struct remainders remainders = {NULL, 0, 0};
    struct xd_stored stored;
    enum xd_result result = xd_stored_open(reversing->hub, row, &stored);
    if (result == XD_OK) {
        result = store->confirmations.remainder_each(store->context, row->site, row->confirmation_id,
                                                     row->base, collect_remainder, &remainders);
    }
    if (result == XD_OK) { /* before, for what it said of the rest does not hold any more */
        result =
            store->confirmations.remainder_drop(store->context, row->site, row->confirmation_id, row->base);
    }
    for (size_t index = 0; index < stored.confirmation.release_count && result == XD_OK; index++) {
        result = reverse_release(reversing, row, &remainders, stored.confirmation.release_ids[index]);
    }
    xd_free(remainders.rows);
    xd_stored_close(&stored);
    return result == XD_INVALID ? XD_CORRUPT : result; /* it could be read when it was applied */
}

static enum xd_result ask_for_rest(struct xd_hub *hub, const struct xd_release_row *release,
                                   struct xd_now now) {
    struct xd_reversing reversing = {.hub = hub, .now = now};
    struct xd_back back;
    enum xd_result result = xd_back_open(&reversing, release, &back);
    if (result == XD_OK && xd_back_stays_with_site(&back) && xd_release_work_has_rest(&back.work)) {
        result = xd_release_work_call_back(&back.conduct, &back.work, false);
    }
    xd_release_work_close(&back.work);
    return xd_conduct_end(&back.conduct, result);
}

enum xd_result xd_reverse_rest(struct xd_hub *hub, const struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release_row release;
    struct xd_order_row order;
    struct xd_stored stored;
    enum xd_result result = xd_stored_open(hub, row, &stored);
    for (size_t index = 0; index < stored.confirmation.release_count && result == XD_OK; index++) {
        const char *release_id = stored.confirmation.release_ids[index];
        result = strlen(release_id) < XD_ID_SIZE ? store->release_get(store->context, release_id, &release)
                                                 : XD_NOT_FOUND;
        bool its = result == XD_OK && strcmp(release.site, row->site) == 0;
        result = its ? store->order_get(store->context, release.order_id, &order) : result;
        if (result == XD_OK && its && order.cancelled) {
            result = ask_for_rest(hub, &release, now);
        }
        result = result == XD_NOT_FOUND ? XD_OK : result;
    }
    xd_stored_close(&stored);
    return result == XD_INVALID ? XD_CORRUPT : result; /* it could be read when it was applied */
}

/* What the version itself took back, and the ERP refused to, is still to be taken back. */
static enum xd_result complain_again(struct xd_reversing *reversing, const struct xd_confirmation_row *row) {
    const struct xd_hub_store *store = reversing->hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    enum xd_result result =
        store->job_refused(store->context, row->site, row->confirmation_id, row->base, xd_job_collect, &jobs);
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        char detail[XD_REFUSED_SIZE];
        if (jobs.rows[index].kind == XD_ERP_REVERSAL) {
            result = xd_job_complain(reversing->hub, &jobs.rows[index], detail, reversing->now);
        }
    }
    xd_free(jobs.rows);
    return result;
}

/* The version does not count any more, and nobody is asked about it. One that waits for its release is looked
 * at again when that comes (xd_undo_forgotten). */
enum xd_result xd_reverse_retire(struct xd_reversing *reversing, struct xd_confirmation_row *row,
                                 enum xd_confirmation_state state) {
    struct xd_hub *hub = reversing->hub;
    const struct xd_hub_store *store = hub->config.store;
    bool superseded = state == XD_CONFIRMATION_SUPERSEDED;
    row->state = (int)state;
    row->alert_at = row->waits_for[0] != 0 ? row->alert_at : 0;
    row->lines_rejected += row->lines_parked;
    row->lines_parked = 0;
    enum xd_result result =
        store->confirmations.unpark(store->context, row->site, row->confirmation_id, row->base, -1);
    if (result == XD_OK) {
        result = xd_hub_exceptions_close(hub, row->site, XD_DOC_CONFIRMATION, row->confirmation_id, row->base,
                                         NULL, reversing->now);
    }
    if (result == XD_OK) {
        result = complain_again(reversing, row);
    }
    if (result == XD_OK) {
        result = xd_hub_tell_fate(hub, row, XD_OUTCOME_REJECTED, superseded ? "SUPERSEDED" : "REVERSED",
                                  superseded ? "Another version of it counts." : "It was taken back.",
                                  reversing->now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, row) : result;
}

enum xd_result xd_reverse(struct xd_reversing *reversing, struct xd_confirmation_row *row,
                          enum xd_confirmation_state state) {
    bool applied = row->state == XD_CONFIRMATION_APPLIED || row->state == XD_CONFIRMATION_POSTED;
    enum xd_result result = applied ? reverse_all(reversing, row) : XD_OK;
    return result == XD_OK ? xd_reverse_retire(reversing, row, state) : result;
}

/* ---- what was posted and forgotten ---- */

bool xd_may_be_forgotten(const struct xd_confirmation *confirmation) {
    bool ships = confirmation->kind == XD_KIND_SHIP || confirmation->kind == XD_KIND_SHORT_CLOSE;
    for (size_t index = 0; index < confirmation->line_count && ships; index++) {
        ships = !confirmation->lines[index].reversal;
    }
    return ships;
}

enum xd_result xd_undo_forgotten(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                 struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_confirmation_state state = (enum xd_confirmation_state)row->state;
    struct xd_confirmation_row cause;
    struct xd_reversing reversing = {.hub = hub, .now = now, .cause = &cause, .at = now.wall};
    enum xd_result result = xd_confirmation_apply_forgotten(hub, confirmation, row, now);
    cause = *row;
    cause.jobs_open = 0;
    cause.kind = state == XD_CONFIRMATION_REVERSED ? XD_KIND_VOID : row->kind;
    if (result == XD_OK) {
        result = xd_reverse(&reversing, row, state);
    }
    row->jobs_open += cause.jobs_open;
    xd_free(reversing.made);
    return result == XD_OK ? store->confirmation_save(store->context, row) : result;
}

/* ---- what the ERP refused ---- */

/* Of the order's shipments, whether those of the confirmation are refused, or were before and came to
 * nothing. What was taken back in part is no more what the confirmation says. */
static enum xd_result only_refused(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                   const char *order_id, bool *so) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    enum xd_result result = store->job_shipments(store->context, order_id, xd_job_collect, &jobs);
    for (size_t index = 0; index < jobs.count; index++) {
        const struct xd_job_row *job = &jobs.rows[index];
        bool its = strcmp(job->confirmation_id, row->confirmation_id) == 0 &&
                   strcmp(job->site, row->site) == 0 && job->confirmation_version == row->base;
        bool refused = job->state == XD_JOB_REJECTED || job->state == XD_JOB_WITHDRAWN;
        *so = *so && (!its || (refused && !job->reversed));
    }
    xd_free(jobs.rows);
    return result;
}

enum xd_result xd_confirmation_refused(struct xd_hub *hub, const struct xd_confirmation_row *row, bool *so) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    int64_t shipments = 0;
    enum xd_result result =
        store->job_refused(store->context, row->site, row->confirmation_id, row->base, xd_job_collect, &jobs);
    *so = row->state == XD_CONFIRMATION_APPLIED;
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        if (jobs.rows[index].kind == XD_ERP_SHIPMENT) { /* an advice may have the same id */
            shipments++;
            result = only_refused(hub, row, jobs.rows[index].order_id, so);
        }
    }
    *so = *so && shipments > 0 && shipments == row->jobs_open;
    xd_free(jobs.rows);
    return result;
}

enum xd_result xd_reverse_refused(struct xd_hub *hub, struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_reversing reversing = {.hub = hub, .now = now, .cause = row, .at = now.wall, .renews = true};
    enum xd_result result = reverse_all(&reversing, row);
    row->jobs_open = 0;
    if (result == XD_OK) {
        result = store->confirmations.unpark(store->context, row->site, row->confirmation_id, row->base, -1);
    }
    if (result == XD_OK) {
        result = xd_hub_exceptions_close(hub, row->site, XD_DOC_CONFIRMATION, row->confirmation_id, row->base,
                                         NULL, now);
    }
    xd_free(reversing.made);
    return result;
}
