/* Differences as records: found, seen again, gone; and repaired.
 *
 * A difference is the same as long as its kind and its documents are, so that it keeps its id. One that a
 * person has accepted stays so until one of its values changes, one of stock until it is larger or smaller,
 * for stock itself changes all the time; one that was approved and is found again is open once more, for its
 * repair did not help. What a run passed over, as it is under way, it says nothing of.
 *
 * Stock is repaired by an adjustment that is posted to the ERP: what a site has counted is what there is. It
 * is a job like that of a site's own advice, told from those by its reference, "repair/<difference>/<run>",
 * which no site's can be. Such a job is no news of what moved at the site: while it is under way the place is
 * passed over, and afterwards the ERP's figure has it (compare_stock.c). */
#include "hub/books/books_internal.h"

#include "base/memory.h"
#include "hub/events/events.h"
#include "hub/orchestration/conduct.h"
#include "hub/orchestration/stock.h"

#include <stdio.h>
#include <string.h>

#define SWEEP_MAX ((size_t)50)
#define CODE "BOOKS_DIFFER"
#define REPAIR "repair/" /* sites are capitals */

static bool is_of_stock(const struct xd_difference_row *row) {
    return row->kind == XD_DIFFERENCE_STOCK_SITE || row->kind == XD_DIFFERENCE_STOCK_HUB;
}

/* How much more there is here than in the ERP. */
static enum xd_result amount_of(const struct xd_difference_row *row, struct xd_decimal *out) {
    struct xd_decimal here, there;
    enum xd_result result = xd_decimal_parse(row->hub_value, &here);
    result = result == XD_OK ? xd_decimal_parse(row->erp_value, &there) : result;
    return result == XD_OK ? xd_decimal_subtract(here, there, out) : result;
}

static bool is_same(const struct xd_difference_row *row, const struct xd_difference_row *known) {
    struct xd_decimal now, before;
    if (strcmp(row->hub_value, known->hub_value) == 0 && strcmp(row->erp_value, known->erp_value) == 0) {
        return true;
    }
    return is_of_stock(row) && amount_of(row, &now) == XD_OK && amount_of(known, &before) == XD_OK &&
           xd_decimal_compare(now, before) == 0;
}

/* Found before, and still what it was? */
static void go_on(struct xd_difference_row *row, const struct xd_difference_row *known, struct xd_now now) {
    bool same = is_same(row, known);
    bool over = known->state == XD_DIFFERENCE_GONE || known->state == XD_DIFFERENCE_REPAIRED;
    row->first_seen = over ? now.wall : known->first_seen;
    if (known->state == XD_DIFFERENCE_ACCEPTED && same) {
        row->state = XD_DIFFERENCE_ACCEPTED;
        memcpy(row->by, known->by, sizeof row->by);
        row->decided_at = known->decided_at;
    }
}

static void make_id(struct xd_hub *hub, const char *erp, int kind, const char *name, char id[XD_ID_SIZE]) {
    char whole[XD_BOOKS_REFERENCE_SIZE + XD_BOOKS_NAME_SIZE * 4];
    snprintf(whole, sizeof whole, "difference/%s/%s/%s", erp, xd_difference_kind_names[kind], name);
    xd_hub_id(hub, "D", whole, id);
}

enum xd_result xd_difference_note(struct xd_hub *hub, struct xd_difference_row *row, const char *name,
                                  struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books_comparison *run = &hub->books->run;
    struct xd_difference_row known;
    make_id(hub, row->erp, row->kind, name, row->id);
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

enum xd_result xd_books_told(struct xd_hub *hub, const char *erp, const char *code, bool *open) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_exception_row known = {.id = ""};
    char name[XD_BOOKS_NAME_SIZE + 8];
    snprintf(name, sizeof name, "books/%.71s", erp);
    enum xd_result result =
        store->exception_of_document(store->context, "", 0, name, 0, code, keep_exception, &known);
    *open = result == XD_OK && known.id[0] != 0;
    return result == XD_NOT_FOUND ? XD_OK : result;
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
    return row->repair != XD_REPAIR_NONE &&
           (row->repair != XD_REPAIR_ADJUST_STOCK || row->kind == XD_DIFFERENCE_STOCK_SITE);
}

static enum xd_result collect_refused(void *context, const struct xd_job_row *row) {
    struct xd_books_jobs *jobs = context;
    if (jobs->count < XD_BOOKS_PAGE) {
        jobs->rows[jobs->count++] = *row;
    }
    return XD_OK;
}

/* Repairs of the difference that the ERP has refused are not tried again beside a new one. */
static enum xd_result withdraw_refused(struct xd_hub *hub, const struct xd_difference_row *row,
                                       struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books_jobs *jobs = xd_alloc(sizeof *jobs);
    if (jobs == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = store->job_refused(store->context, row->site, row->id, 1, collect_refused, jobs);
    for (size_t index = 0; index < jobs->count && result == XD_OK; index++) {
        jobs->rows[index].state = XD_JOB_WITHDRAWN;
        result = store->job_save(store->context, &jobs->rows[index]);
    }
    xd_free(jobs);
    return result == XD_OK ? xd_hub_exceptions_close(hub, row->site, XD_DOC_INVENTORY, row->id, 1,
                                                     "ERP_REJECTED_ADJUSTMENT", now)
                           : result;
}

/* As the site counted it, in base units. */
static enum xd_result adjust_stock(struct xd_hub *hub, const struct xd_difference_row *row,
                                   struct xd_now now) {
    struct xd_job_line_row line = {.line_id = "1", .factor_num = 1, .factor_den = 1};
    struct xd_job_row job = {.kind = XD_ERP_ADJUSTMENT, .state = XD_JOB_QUEUED};
    enum xd_result result = amount_of(row, &line.qty);
    if (result != XD_OK) {
        return XD_NOT_FOUND;
    }
    result = xd_compare_stock_uom(hub, row->site, row->sku, line.uom);
    if (result == XD_OK) {
        result = withdraw_refused(hub, row, now);
    }
    if (result != XD_OK) {
        return result;
    }
    xd_copy(line.sku, sizeof line.sku, row->sku);
    xd_copy(job.erp, sizeof job.erp, row->erp);
    xd_copy(job.site, sizeof job.site, row->site);
    xd_copy(job.confirmation_id, sizeof job.confirmation_id, row->id);
    job.confirmation_version = 1;
    job.at = job.promise = now.wall;
    snprintf(job.reference, sizeof job.reference, REPAIR "%s/%lld", row->id, (long long)row->run);
    return xd_hub_job_add(hub, &job, &line, 1);
}

bool xd_books_is_repair(const struct xd_job_row *job) {
    return job->kind == XD_ERP_ADJUSTMENT && strncmp(job->reference, REPAIR, strlen(REPAIR)) == 0;
}

struct same_line {
    struct xd_decimal amount;
    bool same;
};

static enum xd_result look_at_line(void *context, const struct xd_job_line_row *row) {
    struct same_line *line = context;
    line->same = line->same && xd_decimal_compare(row->qty, line->amount) == 0;
    return XD_OK;
}

enum xd_result xd_books_repair_again(struct xd_hub *hub, const struct xd_job_row *job, bool *may) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_difference_row row;
    struct same_line line = {.same = true};
    *may = false;
    enum xd_result result = strlen(job->confirmation_id) < XD_ID_SIZE
                                ? store->books.difference_get(store->context, job->confirmation_id, &row)
                                : XD_NOT_FOUND;
    if (result != XD_OK || row.state > XD_DIFFERENCE_APPROVED || amount_of(&row, &line.amount) != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    result = store->job_lines(store->context, job->number, look_at_line, &line);
    if (result != XD_OK || !line.same) {
        return result;
    }
    *may = true;
    row.state = XD_DIFFERENCE_APPROVED; /* it is on its way again: nobody approves another one */
    return store->books.difference_put(store->context, &row);
}

/* The hub's own figure is as far off as the ERP's was, unless both were compared and differed. */
enum xd_result xd_books_adjusted(struct xd_hub *hub, const struct xd_job_row *job,
                                 const struct xd_job_line_row *line) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_difference_row known;
    char id[XD_ID_SIZE], name[XD_SITE_SIZE + XD_BOOKS_NAME_SIZE + 2];
    snprintf(name, sizeof name, "%s/%s", job->site, line->sku);
    make_id(hub, job->erp, XD_DIFFERENCE_STOCK_HUB, name, id);
    enum xd_result result = store->books.difference_get(store->context, id, &known);
    bool differs =
        result == XD_OK && known.state != XD_DIFFERENCE_GONE && known.state != XD_DIFFERENCE_REPAIRED;
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    return differs ? XD_OK : xd_stock_adjust(hub, job->site, line->sku, line->qty);
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
    case XD_REPAIR_ADJUST_STOCK:
        return adjust_stock(hub, row, now);
    default:
        return XD_INVALID;
    }
}
