/* Differences as records: found, seen again, gone; and repaired.
 *
 * A difference is the same as long as its kind and its documents are, so that it keeps its id. One that a
 * person has accepted stays so until one of its values changes; one that was approved and is found again is
 * open once more, for its repair did not help. What a run passed over, as it is under way, it says nothing
 * of.
 */
#include "hub/books/books_internal.h"

#include "base/memory.h"
#include "hub/events/events.h"
#include "hub/orchestration/conduct.h"

#include <stdio.h>
#include <string.h>

#define SWEEP_MAX ((size_t)50)
#define CODE "BOOKS_DIFFER"

/* Found before, and still what it was? */
static void go_on(struct xd_difference_row *row, const struct xd_difference_row *known, struct xd_now now) {
    bool same =
        strcmp(row->hub_value, known->hub_value) == 0 && strcmp(row->erp_value, known->erp_value) == 0;
    bool over = known->state == XD_DIFFERENCE_GONE || known->state == XD_DIFFERENCE_REPAIRED;
    row->first_seen = over ? now.wall : known->first_seen;
    if (known->state == XD_DIFFERENCE_ACCEPTED && same) {
        row->state = XD_DIFFERENCE_ACCEPTED;
        memcpy(row->by, known->by, sizeof row->by);
        row->decided_at = known->decided_at;
    }
}

enum xd_result xd_difference_note(struct xd_hub *hub, struct xd_difference_row *row, const char *name,
                                  struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books_comparison *run = &hub->books->run;
    struct xd_difference_row known;
    char whole[XD_BOOKS_REFERENCE_SIZE + XD_BOOKS_NAME_SIZE * 4];
    snprintf(whole, sizeof whole, "difference/%s/%s/%s", row->erp, xd_difference_kind_names[row->kind], name);
    xd_hub_id(hub, "D", whole, row->id);
    row->state = XD_DIFFERENCE_OPEN;
    row->first_seen = row->last_seen = now.wall;
    row->run = run->row.n;
    enum xd_result result = store->books.difference_get(store->context, row->id, &known);
    if (result == XD_OK) {
        go_on(row, &known, now);
    } else if (result != XD_NOT_FOUND) {
        return result;
    }
    run->row.differences += row->state != XD_DIFFERENCE_ACCEPTED;
    return store->books.difference_put(store->context, row);
}

/* ---- gone ---- */

struct stale {
    struct xd_difference_row rows[SWEEP_MAX];
    size_t count;
};

static enum xd_result collect(void *context, const struct xd_difference_row *row) {
    struct stale *stale = context;
    stale->rows[stale->count++] = *row;
    return XD_OK;
}

/* One that the run could not look at stays what it is: its repair may be on its way still. */
static enum xd_result sweep_one(struct xd_hub *hub, struct xd_difference_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    bool passed = false;
    enum xd_result result = xd_compare_passed_over(hub, row, &passed);
    if (result != XD_OK) {
        return result;
    }
    if (passed) {
        row->run = hub->books->run.row.n;
    } else {
        row->state = row->state == XD_DIFFERENCE_APPROVED ? XD_DIFFERENCE_REPAIRED : XD_DIFFERENCE_GONE;
        row->decided_at = row->decided_at != 0 ? row->decided_at : now.wall;
    }
    return store->books.difference_put(store->context, row);
}

enum xd_result xd_difference_sweep(struct xd_hub *hub, struct xd_now now, bool *done) {
    const struct xd_hub_store *store = hub->config.store;
    struct stale *stale = xd_alloc(sizeof *stale);
    *done = false;
    if (stale == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = store->books.difference_stale(store->context, xd_run_erp(hub),
                                                          hub->books->run.row.n, SWEEP_MAX, collect, stale);
    *done = stale->count < SWEEP_MAX;
    for (size_t index = 0; index < stale->count && result == XD_OK; index++) {
        result = sweep_one(hub, &stale->rows[index], now);
    }
    xd_free(stale);
    return result;
}

/* ---- the exception ---- */

static enum xd_result keep_exception(void *context, const struct xd_exception_row *row) {
    *(struct xd_exception_row *)context = *row;
    return XD_OK;
}

enum xd_result xd_books_tell(struct xd_hub *hub, const char *erp, const char *code, const char *detail,
                             struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_exception_row known = {.detail = ""};
    char name[XD_BOOKS_NAME_SIZE + 8];
    snprintf(name, sizeof name, "books/%.71s", erp);
    enum xd_result result =
        store->exception_of_document(store->context, "", 0, name, 0, code, keep_exception, &known);
    if ((result != XD_OK && result != XD_NOT_FOUND) ||
        (detail != NULL && strcmp(known.detail, detail) == 0)) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    result = xd_hub_exceptions_close(hub, "", 0, name, 0, code, now);
    if (result != XD_OK || detail == NULL) {
        return result;
    }
    struct xd_complaint complaint = {.code = code, .document_id = name, .detail = detail};
    return xd_hub_complain(hub, &complaint, now);
}

/* One for an ERP: the differences are a list of their own. It is raised anew when their number changes. */
enum xd_result xd_difference_tell(struct xd_hub *hub, const char *erp, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    char detail[XD_BOOKS_VALUE_SIZE];
    int64_t count = 0;
    enum xd_result result = store->books.difference_count(store->context, erp, &count);
    snprintf(detail, sizeof detail, "%lld difference%s between the hub and the ERP %.71s.", (long long)count,
             count == 1 ? "" : "s", erp);
    return result == XD_OK ? xd_books_tell(hub, erp, CODE, count > 0 ? detail : NULL, now) : result;
}

/* ---- repairs ---- */

bool xd_difference_repairable(const struct xd_difference_row *row) {
    return row->repair != XD_REPAIR_NONE && row->repair != XD_REPAIR_ADJUST_STOCK;
}

/* Its confirmation is on its way to the ERP again: its site hears what becomes of it. */
static enum xd_result reopen_confirmation(struct xd_hub *hub, const struct xd_job_row *job) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    enum xd_result result = store->confirmation_get(store->context, job->site, job->confirmation_id,
                                                    job->confirmation_version, &row);
    if (result != XD_OK) {
        return result;
    }
    row.state = XD_CONFIRMATION_APPLIED;
    row.jobs_open++;
    return store->confirmation_save(store->context, &row);
}

/* It is looked for before it is posted: it may be there after all. */
static enum xd_result post_shipment_again(struct xd_hub *hub, const struct xd_difference_row *row,
                                          struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_row job;
    enum xd_result result =
        store->job_find(store->context, row->erp, XD_ERP_SHIPMENT, row->hub_document, &job);
    if (result != XD_OK || job.state != XD_JOB_DONE) {
        return result == XD_OK ? XD_NOT_FOUND : result;
    }
    result = reopen_confirmation(hub, &job);
    job.state = XD_JOB_UNKNOWN;
    job.due_at = now.wall;
    job.waits = false;
    xd_hub_job_comes(hub, job.state);
    return result == XD_OK ? store->job_save(store->context, &job) : result;
}

static enum xd_result repair_sale(struct xd_hub *hub, const struct xd_difference_row *row,
                                  struct xd_now now) {
    struct xd_conduct conduct;
    enum xd_result result = xd_conduct_open(&conduct, hub, row->order_id, now);
    if (result == XD_OK) {
        result = row->repair == XD_REPAIR_POST_AGAIN ? xd_sale_post_again(&conduct, row->erp)
                                                     : xd_sale_tell_again(&conduct);
    }
    return xd_conduct_end(&conduct, result);
}

enum xd_result xd_difference_repair(struct xd_hub *hub, const struct xd_difference_row *row,
                                    struct xd_now now) {
    hub->books->counters.repairs++;
    switch (row->repair) {
    case XD_REPAIR_POST_AGAIN:
        return row->kind == XD_DIFFERENCE_SALE_MISSING_IN_ERP ? repair_sale(hub, row, now)
                                                              : post_shipment_again(hub, row, now);
    case XD_REPAIR_CHANGE_SALE:
        return repair_sale(hub, row, now);
    case XD_REPAIR_TAKE_SALE:
        return xd_books_adopt(hub, row->erp, row->erp_document, now);
    case XD_REPAIR_READ_AGAIN:
        return xd_books_rewind(hub, row->erp, XD_ERP_INVOICES);
    default:
        return XD_INVALID;
    }
}
