/* The ERP's word on shipments and on what undoes them.
 *
 * A posting that waits for another one (HELD) is called for when that one is done. A shipment that the ERP
 * refused needs no undoing: its reversal is withdrawn, and what waited for the reversal goes on. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "hub/events/events.h"
#include "hub/orchestration/conduct.h"

#include <stdio.h>
#include <string.h>

/* The version that counts of the confirmation that the posting is of: its carrier may have been corrected
 * since. */
static enum xd_result find_row(struct xd_hub *hub, const struct xd_job_row *job,
                               struct xd_confirmation_row *row) {
    return xd_confirmation_current(hub, job->site, job->confirmation_id, job->confirmation_version, row);
}

static enum xd_result one_less(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    enum xd_result result = find_row(hub, job, &row);
    if (result != XD_OK) {
        return result;
    }
    row.jobs_open--;
    if (row.jobs_open == 0 && row.state == XD_CONFIRMATION_APPLIED) {
        result = xd_confirmation_posted(hub, &row, now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, &row) : result;
}

/* ---- what waited for it ---- */

/* All lines of a posting are of one release. */
static enum xd_result load_both(struct xd_hub *hub, const struct xd_job_row *job,
                                struct xd_job_line_rows *posted, struct xd_release_lines *lines) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = store->job_lines(store->context, job->number, xd_job_line_collect, posted);
    return result == XD_OK && posted->count > 0
               ? xd_hub_release_lines_load(hub, posted->rows[0].release_id, lines)
               : result;
}

static enum xd_result save_in_units(struct xd_hub *hub, const struct xd_job_row *job) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_line_rows posted = {NULL, 0, 0};
    struct xd_release_lines lines = {NULL, 0, 0};
    bool other = false;
    enum xd_result result = load_both(hub, job, &posted, &lines);
    for (size_t index = 0; index < posted.count && result == XD_OK; index++) {
        for (size_t line = 0; line < lines.count && result == XD_OK; line++) {
            struct xd_job_line_row *row = &posted.rows[index];
            int64_t before = row->factor_num;
            bool its = strcmp(lines.rows[line].line_id, row->line_id) == 0;
            result = its ? xd_posted_in_unit_of(&lines.rows[line], row) : XD_OK;
            other = other || row->factor_num != before;
        }
    }
    if (result == XD_OK) {
        result = other ? store->job_renew(store->context, job, posted.rows, posted.count)
                       : store->job_save(store->context, job);
    }
    xd_free(posted.rows);
    xd_free(lines.rows);
    return result;
}

enum xd_result xd_job_call_for(struct xd_hub *hub, struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    job->state = XD_JOB_QUEUED;
    job->due_at = now.wall;
    job->waits = false;
    enum xd_result result =
        job->kind == XD_ERP_SHIPMENT ? save_in_units(hub, job) : store->job_save(store->context, job);
    xd_hub_job_comes(hub, XD_JOB_QUEUED);
    return result;
}

/* *first: one that is held after that job and not decided yet; XD_NOT_FOUND. */
static enum xd_result held_after(struct xd_hub *hub, int64_t number, struct xd_job_row *first) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows list = {NULL, 0, 0};
    enum xd_result result = store->job_after(store->context, number, xd_job_collect, &list);
    bool found = false;
    for (size_t index = 0; index < list.count && !found; index++) {
        found = list.rows[index].state == XD_JOB_HELD;
        if (found) {
            *first = list.rows[index];
        }
    }
    xd_free(list.rows);
    return result == XD_OK && !found ? XD_NOT_FOUND : result;
}

static enum xd_result go_on(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    struct xd_job_row next;
    enum xd_result result = held_after(hub, job->number, &next);
    while (result == XD_OK) {
        result = xd_job_call_for(hub, &next, now);
        result = result == XD_OK ? held_after(hub, job->number, &next) : result;
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* The shipment never was: nothing undoes it, and what waits for that is called for. */
static enum xd_result nothing_to_undo(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_row reversal;
    enum xd_result result = held_after(hub, job->number, &reversal);
    while (result == XD_OK) {
        reversal.state = XD_JOB_WITHDRAWN;
        result = store->job_save(store->context, &reversal);
        if (result == XD_OK) {
            result = one_less(hub, &reversal, now);
        }
        if (result == XD_OK) {
            result = go_on(hub, &reversal, now);
        }
        result = result == XD_OK ? held_after(hub, job->number, &reversal) : result;
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* ---- done ---- */

/* The ERP had closed the books of that day. */
static enum xd_result tell_of_period(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    char detail[256];
    snprintf(detail, sizeof detail, "The ERP has %.64s on the first open day: %.100s", job->document,
             job->detail);
    struct xd_complaint complaint = {.code = "PERIOD_CLOSED",
                                     .info = true,
                                     .site = job->site,
                                     .order_id = job->order_id,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = job->confirmation_id,
                                     .version = job->confirmation_version,
                                     .detail = detail};
    return strcmp(job->code, "period_closed") == 0 ? xd_hub_complain(hub, &complaint, now) : XD_OK;
}

/* The sale is open again, at the ERP too, and shall have the quantities that it has here. */
static enum xd_result restate(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    struct xd_conduct conduct;
    enum xd_result result = xd_conduct_open(&conduct, hub, job->order_id, now);
    return xd_conduct_end(&conduct, result == XD_OK ? xd_sale_restate(&conduct) : result);
}

enum xd_result xd_hub_shipment_done(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    char id[XD_QUOTED_SIZE], document[XD_QUOTED_SIZE];
    bool reversal = job->kind == XD_ERP_REVERSAL;
    enum xd_result result = store->order_get(store->context, job->order_id, &order);
    if (result == XD_OK) {
        result = xd_hub_timeline(hub, &order, reversal ? "reversal.posted" : "shipment.posted", now,
                                 "\"confirmation_id\":%s,\"erp\":\"%s\",\"shipment\":%s,\"attempt\":%lld",
                                 xd_hub_quote(job->confirmation_id, id), job->erp,
                                 xd_hub_quote(job->document, document), (long long)job->attempt);
    }
    if (result == XD_OK) {
        result = tell_of_period(hub, job, now);
    }
    if (result == XD_OK) {
        result = one_less(hub, job, now);
    }
    if (result == XD_OK && reversal) {
        result = restate(hub, job, now);
    }
    return result == XD_OK ? go_on(hub, job, now) : result;
}

/* ---- refused ---- */

enum xd_result xd_job_complain(struct xd_hub *hub, const struct xd_job_row *job, char detail[XD_REFUSED_SIZE],
                               struct xd_now now) {
    snprintf(detail, XD_REFUSED_SIZE, "%.47s: %.199s", job->code, job->detail);
    struct xd_complaint complaint = {.code = "ERP_REJECTED_SHIPMENT",
                                     .site = job->site,
                                     .order_id = job->order_id,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = job->confirmation_id,
                                     .version = job->confirmation_version,
                                     .detail = detail};
    return xd_hub_complain(hub, &complaint, now);
}

struct complaints {
    struct xd_exception_row *rows; /* owned */
    size_t count, capacity;
};

static enum xd_result collect_complaint(void *context, const struct xd_exception_row *row) {
    struct complaints *list = context;
    struct xd_exception_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

/* Others of the same order, by the same confirmation, which the ERP refused too. */
static enum xd_result complain_of_others(struct xd_hub *hub, const struct xd_job_row *job,
                                         struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    enum xd_result result = store->job_refused(store->context, job->site, job->confirmation_id,
                                               job->confirmation_version, xd_job_collect, &jobs);
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        const struct xd_job_row *other = &jobs.rows[index];
        char detail[XD_REFUSED_SIZE];
        if (other->kind != XD_ERP_ADJUSTMENT && strcmp(other->order_id, job->order_id) == 0) {
            result = xd_job_complain(hub, other, detail, now);
        }
    }
    xd_free(jobs.rows);
    return result;
}

enum xd_result xd_job_uncomplain(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct complaints list = {NULL, 0, 0};
    enum xd_result result = store->exception_of_document(store->context, job->site, XD_DOC_CONFIRMATION,
                                                         job->confirmation_id, job->confirmation_version,
                                                         "ERP_REJECTED_SHIPMENT", collect_complaint, &list);
    for (size_t index = 0; index < list.count && result == XD_OK; index++) {
        if (strcmp(list.rows[index].order_id, job->order_id) == 0) {
            result = xd_hub_exception_close_one(hub, &list.rows[index], now);
        }
    }
    xd_free(list.rows);
    return result == XD_OK ? complain_of_others(hub, job, now) : result;
}

/* In the order's timeline, in the ERP's words. */
static enum xd_result note_refusal(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    char id[XD_QUOTED_SIZE], code[XD_QUOTED_SIZE], detail[XD_QUOTED_SIZE];
    enum xd_result result = store->order_get(store->context, job->order_id, &order);
    return result == XD_OK
               ? xd_hub_timeline(
                     hub, &order, job->kind == XD_ERP_REVERSAL ? "reversal.rejected" : "shipment.rejected",
                     now, "\"confirmation_id\":%s,\"erp\":\"%s\",\"code\":%s,\"detail\":%s,\"attempt\":%lld",
                     xd_hub_quote(job->confirmation_id, id), job->erp, xd_hub_quote(job->code, code),
                     xd_hub_quote(job->detail, detail), (long long)job->attempt)
               : result;
}

enum xd_result xd_hub_shipment_rejected(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    struct xd_job_row own = *job;
    char detail[XD_REFUSED_SIZE];
    enum xd_result result = note_refusal(hub, job, now);
    if (result == XD_OK && job->reversed) {
        own.state = XD_JOB_WITHDRAWN;
        result = store->job_save(store->context, &own);
        result = result == XD_OK ? one_less(hub, job, now) : result;
        return result == XD_OK ? nothing_to_undo(hub, job, now) : result;
    }
    if (result == XD_OK) {
        result = xd_job_complain(hub, job, detail, now);
    }
    if (result == XD_OK) {
        result = find_row(hub, job, &row);
    }
    if (result == XD_OK) {
        result = xd_hub_tell_fate(hub, &row, XD_OUTCOME_PARKED, "ERP_REJECTED_SHIPMENT", detail, now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, &row) : result;
}
