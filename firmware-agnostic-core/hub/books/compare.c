/* A run, piece by piece: the phases in their order, each a page or a handful of rows a step.
 *
 * The ERP's lists are read before what was posted to it, and what was called for since the run began is under
 * way: so a document that is made while the run goes on is never missed on either side. */
#include "hub/books/books_internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static const enum xd_erp_list lists[XD_PHASE_END + 1] = {
    [XD_PHASE_CLEAR] = XD_ERP_LIST_COUNT,    [XD_PHASE_SNAPSHOTS] = XD_ERP_LIST_COUNT,
    [XD_PHASE_STOCK] = XD_ERP_STOCK,         [XD_PHASE_SALES] = XD_ERP_SALES,
    [XD_PHASE_SHIPMENTS] = XD_ERP_SHIPMENTS, [XD_PHASE_INVOICES] = XD_ERP_INVOICES,
    [XD_PHASE_POSTED] = XD_ERP_LIST_COUNT,   [XD_PHASE_OPEN] = XD_ERP_LIST_COUNT,
    [XD_PHASE_PLACES] = XD_ERP_LIST_COUNT,   [XD_PHASE_STALE] = XD_ERP_LIST_COUNT,
    [XD_PHASE_END] = XD_ERP_LIST_COUNT,
};

enum xd_erp_list xd_compare_wants(const struct xd_books *books) {
    return books->run.going ? lists[books->run.phase] : XD_ERP_LIST_COUNT;
}

static void next_phase(struct xd_books_comparison *run) {
    run->phase++;
    run->cursor[0] = 0;
    run->job = 0;
    run->state = 0;
}

/* ---- lists ---- */

static enum xd_result compare_document(struct xd_hub *hub, enum xd_erp_list what, const cJSON *tree,
                                       struct xd_now now) {
    struct xd_books_run_row *row = &hub->books->run.row;
    struct xd_erp_entry entry;
    char why[XD_BOOKS_VALUE_SIZE];
    enum xd_result result = xd_entry_read(tree, &entry, why);
    if (result == XD_OK && what == XD_ERP_SALES) {
        row->sales++;
        result = xd_compare_sale(hub, &entry, now);
    } else if (result == XD_OK && what == XD_ERP_SHIPMENTS) {
        row->shipments++;
        result = xd_compare_shipment(hub, &entry, now);
    } else if (result == XD_OK) {
        row->invoices++;
        result = xd_compare_invoice(hub, &entry, now);
    }
    xd_entry_free(&entry);
    if (result == XD_NOT_FOUND) {
        return XD_OK;
    }
    if (result == XD_INVALID) { /* it has no exact form: nothing can be said of it */
        xd_copy(row->detail, sizeof row->detail, "Some of the ERP's documents could not be read.");
        return XD_OK;
    }
    return result;
}

enum xd_result xd_compare_page(struct xd_hub *hub, enum xd_erp_list what, const cJSON *entries,
                               const char *next, struct xd_now now) {
    struct xd_books_comparison *run = &hub->books->run;
    bool documents = what >= XD_ERP_SALES;
    bool more = documents ? cJSON_GetArraySize(entries) > 0 : next[0] != 0;
    const cJSON *entry;
    enum xd_result result = XD_OK;
    cJSON_ArrayForEach(entry, entries) {
        if (result != XD_OK) {
            break;
        }
        result = documents ? compare_document(hub, what, entry, now) : xd_compare_stock(hub, entry);
    }
    if (result != XD_OK) {
        return result;
    }
    run->stock_listed = run->stock_listed || !documents;
    run->lists |= 1u << what;
    if (!more || strcmp(next, run->cursor) == 0) {
        next_phase(run);
    } else {
        xd_copy(run->cursor, sizeof run->cursor, next);
    }
    return XD_OK;
}

enum xd_result xd_compare_not_listed(struct xd_hub *hub, enum xd_erp_list what) {
    struct xd_books_comparison *run = &hub->books->run;
    snprintf(run->row.detail, sizeof run->row.detail, "The ERP does not list its %s.",
             xd_erp_list_names[what]);
    next_phase(run);
    return XD_OK;
}

/* ---- what was posted ---- */

static enum xd_result collect_job(void *context, const struct xd_job_row *row) {
    struct xd_books_jobs *jobs = context;
    jobs->rows[jobs->count++] = *row;
    return XD_OK;
}

/* A page of the jobs in a state; *done: there are no more. */
static enum xd_result read_jobs(struct xd_hub *hub, int state, struct xd_now now, bool *done) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books_comparison *run = &hub->books->run;
    struct xd_books_jobs *jobs = xd_alloc(sizeof *jobs);
    if (jobs == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = store->job_list(store->context, xd_run_posted(hub), state, run->job,
                                            XD_BOOKS_PAGE, collect_job, jobs);
    *done = jobs->count < XD_BOOKS_PAGE;
    for (size_t index = 0; index < jobs->count && result == XD_OK; index++) {
        const struct xd_job_row *job = &jobs->rows[index];
        run->job = job->number;
        result = xd_compare_moves(hub, job);
        if (result == XD_OK && state == XD_JOB_DONE) {
            result = xd_compare_posted(hub, job, now);
        }
    }
    xd_free(jobs);
    return result;
}

static enum xd_result read_open(struct xd_hub *hub, struct xd_now now, bool *done) {
    static const int states[] = {XD_JOB_QUEUED, XD_JOB_SENT, XD_JOB_UNKNOWN, XD_JOB_REJECTED, XD_JOB_PARKED};
    struct xd_books_comparison *run = &hub->books->run;
    bool read = false;
    enum xd_result result = read_jobs(hub, states[run->state], now, &read);
    if (result == XD_OK && read) {
        run->state++;
        run->job = 0;
    }
    *done = run->state == (int)(sizeof states / sizeof states[0]);
    return result;
}

/* ---- the end ---- */

static enum xd_result end_run(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books *books = hub->books;
    struct xd_books_run_row *row = &books->run.row;
    row->state = XD_RUN_DONE;
    row->ended_at = now.wall;
    books->run.going = false;
    books->run_failures = 0;
    xd_books_compared(hub, books->run.lane);
    xd_log(hub->config.env, row->differences > 0 ? XD_LOG_WARNING : XD_LOG_INFO, "books.compared", NULL,
           "%lld sales, %lld shipments and %lld invoices of %s: %lld differences", (long long)row->sales,
           (long long)row->shipments, (long long)row->invoices, xd_run_erp(hub), (long long)row->differences);
    enum xd_result result = xd_difference_tell(hub, xd_run_erp(hub), now);
    if (result == XD_OK) {
        result = xd_books_tell(hub, xd_run_erp(hub), XD_BOOKS_NOT_COMPARED, NULL, now);
    }
    return result == XD_OK ? store->books.run_save(store->context, row) : result;
}

enum xd_result xd_compare_step(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books_comparison *run = &hub->books->run;
    bool done = false, more = false;
    enum xd_result result = XD_OK;
    switch (run->phase) {
    case XD_PHASE_CLEAR:
        result = store->books.notes_drop(store->context, XD_BOOKS_PAGE * 10, &more);
        done = !more;
        if (result == XD_OK && done) {
            result = xd_compare_places_open(hub);
        }
        break;
    case XD_PHASE_SNAPSHOTS:
        result = xd_compare_snapshots(hub, &done);
        break;
    case XD_PHASE_POSTED:
        result = read_jobs(hub, XD_JOB_DONE, now, &done);
        break;
    case XD_PHASE_OPEN:
        result = read_open(hub, now, &done);
        break;
    case XD_PHASE_PLACES:
        result = xd_compare_places(hub, now, &done);
        break;
    case XD_PHASE_STALE:
        result = xd_difference_sweep(hub, now, &done);
        break;
    default:
        return end_run(hub, now);
    }
    if (result == XD_OK && done) {
        next_phase(run);
    }
    return result;
}
