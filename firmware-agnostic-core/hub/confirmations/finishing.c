/* A confirmation whole: its releases found, its lines applied, what they are afterwards, and the posting. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "hub/orchestration/conduct.h"

#include <stdio.h>
#include <string.h>

/* ---- the release afterwards ---- */

int xd_release_status_after(const struct xd_release_row *row, const struct xd_release_lines *lines) {
    bool all_done = true, shipped = false, closed = false;
    for (size_t index = 0; index < lines->count; index++) {
        const struct xd_release_line_row *line = &lines->rows[index];
        struct xd_decimal done;
        if (xd_decimal_add(line->shipped, line->closed, &done) != XD_OK ||
            xd_decimal_compare(done, line->qty) < 0) {
            all_done = false;
        }
        shipped = shipped || xd_decimal_sign(line->shipped) > 0;
        closed = closed || xd_decimal_sign(line->closed) > 0;
    }
    if (all_done) {
        return !closed                                          ? XD_RELEASE_SHIPPED
               : shipped || row->status != XD_RELEASE_CANCELLED ? XD_RELEASE_SHORT_CLOSED
                                                                : row->status;
    }
    if (shipped) {
        return XD_RELEASE_PART_SHIPPED;
    }
    /* What had shipped of it may have been taken back. */
    return row->status < XD_RELEASE_ACKED || row->status >= XD_RELEASE_PART_SHIPPED ? XD_RELEASE_ACKED
                                                                                    : row->status;
}

/* After what undoes an earlier version, of this release or else of any. */
static int64_t after_of(const struct xd_applying *applying, const char *release_id) {
    int64_t job = 0;
    for (size_t index = 0; index < applying->after_count; index++) {
        const struct xd_after *after = &applying->after[index];
        job = job == 0 || strcmp(after->release_id, release_id) == 0 ? after->job : job;
    }
    return job;
}

static enum xd_result add_job(struct xd_applying *applying, const struct xd_match *match) {
    struct xd_job_row job;
    memset(&job, 0, sizeof job);
    job.kind = XD_ERP_SHIPMENT;
    xd_hub_job_of(applying->hub, &match->order, applying->now, &job);
    job.after = after_of(applying, match->row.release_id);
    job.state = job.after != 0 ? XD_JOB_HELD : applying->forgotten ? XD_JOB_UNKNOWN : XD_JOB_QUEUED;
    memcpy(job.site, applying->row->site, sizeof job.site);
    memcpy(job.confirmation_id, applying->row->confirmation_id, sizeof job.confirmation_id);
    job.confirmation_version = applying->row->base;
    job.at = applying->confirmation->shipped_at;
    enum xd_result result = XD_OK;
    if (applying->line_index != NULL || applying->renews) {
        result = xd_confirmation_reference(applying->hub, applying->row, job.order_id, match->row.release_id,
                                           job.reference);
    } else {
        snprintf(job.reference, sizeof job.reference, "%s/%s/%lld/%s", applying->row->site,
                 applying->row->confirmation_id, (long long)applying->row->base, match->row.release_id);
    }
    applying->row->jobs_open++;
    return result == XD_OK ? xd_hub_job_add(applying->hub, &job, match->posting, match->posting_count)
                           : result;
}

/* It may not have said yet that it has reserved it. */
static bool is_answered(const struct xd_release_lines *lines) {
    bool all = true;
    for (size_t index = 0; index < lines->count; index++) {
        all = all && lines->rows[index].answer != XD_LINE_UNANSWERED;
    }
    return all;
}

/* Who confirms a release has it, whether it answered or not. */
static enum xd_result infer_ack(struct xd_applying *applying, const struct xd_match *match) {
    enum xd_result result = xd_hub_timeline(applying->hub, &match->order, "release.ack_inferred",
                                            applying->now, "\"release_id\":\"%s\"", match->row.release_id);
    return result == XD_OK
               ? xd_applying_complain(applying, match, NULL, xd_decimal_of(0), "ACK_INFERRED", true,
                                      "A confirmation came before the site acknowledged the release.")
               : result;
}

static enum xd_result finish_release(struct xd_applying *applying, struct xd_match *match) {
    struct xd_hub *hub = applying->hub;
    const struct xd_hub_store *store = hub->config.store;
    char id[XD_QUOTED_SIZE];
    bool asked = match->row.cancel == XD_CANCEL_REQUESTED, ends = false;
    enum xd_result result = XD_OK;
    if (match->posting_count > 0) {
        result = add_job(applying, match);
    }
    if (result == XD_OK && match->row.status < XD_RELEASE_ACKED && !is_answered(&match->lines)) {
        result = infer_ack(applying, match);
    }
    if (result == XD_OK) {
        match->row.status = xd_release_status_after(&match->row, &match->lines);
        ends = !xd_release_is_live(&match->row);
        match->row.ack_by = (asked && !ends) || applying->forgotten ? match->row.ack_by : 0;
        match->row.updated_at = applying->now.wall;
        result = store->release_save(store->context, &match->row);
    }
    if (result == XD_OK) {
        result =
            xd_hub_timeline(hub, &match->order, "confirmation.applied", applying->now,
                            "\"release_id\":\"%s\",\"confirmation_id\":%s,\"version\":%lld,\"lines\":%zu",
                            match->row.release_id, xd_hub_quote(applying->row->confirmation_id, id),
                            (long long)applying->row->version, match->posting_count);
    }
    if (result == XD_OK) {
        bool told = xd_hub_event_ships(match->posting, match->posting_count);
        result = xd_hub_order_fold(hub, match->order.order_id, match->sale_stale, told, applying->now);
    }
    if (result != XD_OK || applying->forgotten) { /* it is taken back at once */
        return result;
    }
    if (asked && ends) {
        result = xd_hub_request_over(hub, &match->row, applying->now);
    }
    return result == XD_OK ? xd_hub_event_shipped(hub, &match->row, applying->row, match->posting,
                                                  match->posting_count, applying->now)
                           : result;
}

/* ---- all of it ---- */

/* A person is asked, or it waits; but what it could do was done. */
static enum xd_result settle(struct xd_applying *applying) {
    struct xd_confirmation_row *row = applying->row;
    if (row->jobs_open > 0) {
        row->state = XD_CONFIRMATION_APPLIED;
        applying->hub->counters.confirmations_applied++;
        return XD_OK; /* its fate is told when the ERP has it */
    }
    if (row->lines_applied > 0) { /* "nothing left, nothing will yet": there is nothing to post */
        applying->hub->counters.confirmations_applied++;
        return xd_confirmation_posted(applying->hub, row, applying->now);
    }
    row->state = XD_CONFIRMATION_PARKED;
    applying->hub->counters.confirmations_parked++;
    return xd_hub_tell_fate(applying->hub, row, XD_OUTCOME_PARKED, applying->first_code,
                            applying->first_detail, applying->now);
}

static enum xd_result apply_all(struct xd_applying *applying) {
    const struct xd_confirmation *confirmation = applying->confirmation;
    bool full = confirmation->reporting == XD_REPORTING_FULL && confirmation->kind != XD_KIND_REVERSAL &&
                applying->line_index == NULL;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < confirmation->line_count && result == XD_OK; index++) {
        result = xd_applying_line(applying, index);
    }
    for (size_t index = 0; index < applying->release_count && result == XD_OK; index++) {
        if (full) {
            result = xd_applying_unlisted(applying, &applying->releases[index]);
        }
        if (result == XD_OK) {
            result = finish_release(applying, &applying->releases[index]);
        }
    }
    if (result == XD_OK) {
        result = xd_applying_even(applying);
    }
    return result == XD_OK ? settle(applying) : result;
}

/* XD_NOT_FOUND, XD_DENIED: *missing is not there; see xd_applying_find. */
static enum xd_result find_releases(struct xd_applying *applying, const char **missing) {
    const struct xd_confirmation *confirmation = applying->confirmation;
    applying->releases = xd_alloc(confirmation->release_count * sizeof *applying->releases);
    enum xd_result result = applying->releases == NULL ? XD_NO_MEMORY : XD_OK;
    for (size_t index = 0; index < confirmation->release_count && result == XD_OK; index++) {
        *missing = confirmation->release_ids[index];
        result = xd_applying_find(applying, *missing);
    }
    return result;
}

static enum xd_result load_releases(struct xd_applying *applying) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < applying->release_count && result == XD_OK; index++) {
        result = xd_applying_load(applying, &applying->releases[index]);
    }
    if (result == XD_OK) {
        result = xd_cartons_read(applying->confirmation, &applying->cartons);
    }
    return result == XD_OK ? xd_applying_units(applying) : result;
}

/* *release_id: a release that lacks a line of the document and is known in part; NULL: none. */
static enum xd_result find_part(struct xd_applying *applying, const char **release_id) {
    const struct xd_confirmation *confirmation = applying->confirmation;
    enum xd_result result = XD_OK;
    *release_id = NULL;
    for (size_t index = 0; index < confirmation->line_count && result == XD_OK && *release_id == NULL;
         index++) {
        struct xd_match *match = xd_match_of_line(applying, &confirmation->lines[index]);
        bool part = false;
        if (match != NULL && match->row.revision > 1 &&
            xd_match_line(match, confirmation->lines[index].line_id) == NULL) {
            result = xd_adopted_is_part(applying->hub, match->row.release_id, &part);
        }
        *release_id = part ? match->row.release_id : NULL;
    }
    return result;
}

static enum xd_result wait_for(struct xd_applying *applying, const char *release_id, const char *detail) {
    applying->row->alert_at = applying->now.wall + applying->hub->config.unknown_release_ms;
    return xd_applying_park(applying, "UNKNOWN_RELEASE", release_id, detail);
}

static enum xd_result match_and_apply(struct xd_applying *applying) {
    const char *missing = NULL, *part = NULL;
    enum xd_result result = find_releases(applying, &missing);
    if (result == XD_NOT_FOUND || result == XD_DENIED) {
        /* The words are the same: that another site has it is none of this site's business. */
        return wait_for(
            applying, result == XD_NOT_FOUND ? missing : "",
            "There is no such release for this site yet; it is applied by itself when it arrives.");
    }
    if (result == XD_OK) {
        result = load_releases(applying);
    }
    if (result == XD_OK) {
        result = find_part(applying, &part);
    }
    if (result == XD_OK && part != NULL) {
        return wait_for(applying, part,
                        "The release came back from its site without this line; it is applied by itself when "
                        "its first revision has come back, too.");
    }
    if (result == XD_OK) {
        result = xd_applying_claim(applying);
    }
    return result == XD_OK ? apply_all(applying) : result;
}

static bool is_accepted(const struct xd_applying *applying, const char *code) {
    return applying->accepts != NULL && strcmp(applying->accepts, code) == 0;
}

static enum xd_result apply_document(struct xd_applying *applying) {
    const struct xd_confirmation *confirmation = applying->confirmation;
    struct xd_confirmation_row *row = applying->row;
    char why[XD_TOTALS_WHY_SIZE];
    row->lines_in = (int64_t)confirmation->line_count;
    row->lines_applied = row->lines_parked = row->lines_rejected = 0;
    row->waits_for[0] = 0;
    row->alert_at = 0;
    if (!is_accepted(applying, "HASH_TOTAL") && !xd_facts_totals(confirmation, why)) {
        return xd_applying_park(applying, "HASH_TOTAL", "", why);
    }
    bool taken_back = confirmation->kind == XD_KIND_VOID || confirmation->kind == XD_KIND_REVERSAL;
    enum xd_result result = taken_back ? xd_confirmation_void(applying) : XD_NOT_FOUND;
    if (result == XD_NOT_FOUND) { /* it has lines of its own */
        result = match_and_apply(applying);
    }
    xd_applying_free(applying);
    return result;
}

enum xd_result xd_confirmation_apply(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                     struct xd_confirmation_row *row, const struct xd_after *after,
                                     size_t after_count, const char *accepts, struct xd_now now) {
    struct xd_applying applying = {.hub = hub,
                                   .now = now,
                                   .row = row,
                                   .confirmation = confirmation,
                                   .after = after,
                                   .after_count = after_count,
                                   .accepts = accepts};
    return apply_document(&applying);
}

enum xd_result xd_confirmation_renew(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                     struct xd_confirmation_row *row, const char *accepts,
                                     struct xd_now now) {
    struct xd_applying applying = {
        .hub = hub, .now = now, .row = row, .confirmation = confirmation, .renews = true, .accepts = accepts};
    return apply_document(&applying);
}

enum xd_result xd_confirmation_apply_forgotten(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                               struct xd_confirmation_row *row, struct xd_now now) {
    struct xd_applying applying = {.hub = hub,
                                   .now = now,
                                   .row = row,
                                   .confirmation = confirmation,
                                   .forgotten = true,
                                   .accepts = "HASH_TOTAL"};
    return apply_document(&applying);
}

/* ---- some lines of it ---- */

/* Whether one of them would be parked once more. */
static enum xd_result any_parks(struct xd_hub *hub, const struct xd_confirmation *part,
                                struct xd_confirmation_row *row, const char *accepts, struct xd_now now,
                                bool *parks) {
    struct xd_applying applying = {
        .hub = hub, .now = now, .row = row, .confirmation = part, .accepts = accepts};
    const char *missing;
    *parks = false;
    enum xd_result result = find_releases(&applying, &missing);
    if (result == XD_OK) {
        result = load_releases(&applying);
    }
    for (size_t index = 0; index < part->line_count && result == XD_OK && !*parks; index++) {
        result = xd_applying_parks(&applying, index, parks);
    }
    xd_applying_free(&applying);
    *parks = *parks || result == XD_NOT_FOUND || result == XD_DENIED;
    return *parks ? XD_OK : result;
}

/* The document as if it had those lines and their releases only. */
static enum xd_result take_part(const struct xd_confirmation *whole, const int64_t *lines, size_t count,
                                struct xd_confirmation *part) {
    *part = *whole;
    part->line_count = part->release_count = 0;
    part->lines = xd_alloc(count * sizeof *part->lines);
    part->release_ids = xd_alloc(whole->release_count * sizeof *part->release_ids);
    if (part->lines == NULL || part->release_ids == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < count; index++) {
        if (lines[index] < 0 || (size_t)lines[index] >= whole->line_count) {
            return XD_CORRUPT;
        }
        part->lines[part->line_count++] = whole->lines[lines[index]];
    }
    for (size_t release = 0; release < whole->release_count; release++) {
        bool named = false;
        for (size_t index = 0; index < count && !named; index++) {
            const char *of = part->lines[index].release_id;
            named = of == NULL || strcmp(of, whole->release_ids[release]) == 0;
        }
        if (named) {
            part->release_ids[part->release_count++] = whole->release_ids[release];
        }
    }
    return XD_OK;
}

enum xd_result xd_confirmation_apply_lines(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                           struct xd_confirmation_row *row, const int64_t *lines,
                                           size_t count, const char *accepts, struct xd_now now, bool *done) {
    struct xd_confirmation part;
    struct xd_applying applying = {
        .hub = hub, .now = now, .row = row, .confirmation = &part, .line_index = lines, .accepts = accepts};
    bool parks = true;
    *done = false;
    enum xd_result result = take_part(confirmation, lines, count, &part);
    if (result == XD_OK) {
        result = any_parks(hub, &part, row, accepts, now, &parks);
    }
    if (result == XD_OK && !parks) {
        row->lines_parked -= (int64_t)count;
        result = match_and_apply(&applying);
        *done = result == XD_OK;
    }
    xd_applying_free(&applying);
    xd_free(part.lines);
    xd_free(part.release_ids);
    return result;
}
