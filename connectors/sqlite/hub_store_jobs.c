/* ERP jobs and their lines. A partial index holds the jobs that are not done, in
 * the order of their numbers; two more the queue of each ERP: what may be called now, tenant by
 * tenant in the order of what was promised, and what waits, in the order of its time. So looking for
 * work costs the same whatever is done and however much waits. */
#include "sqlite/hub_store.h"

#include <string.h>

enum {
    JOB_ADD,
    JOB_GET,
    JOB_FIND,
    JOB_STATE,
    JOB_SAVE,
    LINE_ADD,
    LINES_DROP,
    LINES,
    LIST,
    LIST_DONE,
    TENANT_FIRST,
    TENANT_AFTER,
    NEXT,
    WAIT_FIRST,
    WAIT_LAST,
    WAKE,
    LAST,
    LANE_AFTER,
    SHIPMENTS,
    AFTER,
    REFUSED
};

#define IDENTITY                                                                                             \
    "erp, kind, reference, tenant, promise, order_id, site, confirmation_id, confirmation_version, at,"      \
    " reverses, after_job"
#define PROGRESS "state, waits, attempt, due_at, sent_at, document, code, detail, reversed"

_Static_assert(XD_JOB_QUEUED == 0 && XD_JOB_DONE == 3,
               "the partial indexes and the statements here say 0 and 3");
_Static_assert(XD_JOB_REJECTED == 4, "the partial index job_refused and the statement here say 4");
_Static_assert(XD_COUNTER_NAME_SIZE >= XD_NAME_SIZE, "jobs are counted by the names of their ERPs");
_Static_assert(XD_ERP_SHIPMENT == 1, "the statement here says 1");

#define READY " AND state = 0 AND waits = 0"
#define WAITING " AND state = 0 AND waits = 1"

static const char *const sql[] = {
    [JOB_ADD] = "INSERT INTO job(" IDENTITY ", " PROGRESS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                " ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [JOB_GET] = "SELECT number, " IDENTITY ", " PROGRESS " FROM job WHERE number = ?",
    [JOB_FIND] =
        "SELECT number, " IDENTITY ", " PROGRESS " FROM job WHERE reference = ? AND kind = ? AND erp = ?",
    [JOB_STATE] = "SELECT state, erp FROM job WHERE number = ?",
    [JOB_SAVE] = "UPDATE job SET state = ?, waits = ?, attempt = ?, due_at = ?, sent_at = ?, document = ?, "
                 "code = ?, detail = ?, reversed = ?, promise = ? WHERE number = ?",
    [LINE_ADD] =
        "INSERT INTO job_line(job, number, release_id, line_id, sku, uom, factor_num, factor_den, qty,"
        " unbilled, unit_price, close, lot, ordered_sku) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [LINES_DROP] = "DELETE FROM job_line WHERE job = ?",
    [LINES] =
        "SELECT release_id, line_id, sku, uom, factor_num, factor_den, qty, unbilled, unit_price, close,"
        " lot, ordered_sku"
        " FROM job_line WHERE job = ? ORDER BY number",
    [LIST] =
        "SELECT number, " IDENTITY ", " PROGRESS " FROM job INDEXED BY job_open WHERE erp = ? AND state = ?"
        " AND number > ? AND state <> 3 ORDER BY number LIMIT ?",
    /* ?2, the state, is bound here, too, and is always this one. */
    [LIST_DONE] =
        "SELECT number, " IDENTITY ", " PROGRESS " FROM job WHERE erp = ?1 AND state = 3 AND number > ?3"
        " ORDER BY number LIMIT ?4",
    [SHIPMENTS] =
        "SELECT number, " IDENTITY ", " PROGRESS " FROM job WHERE order_id = ? AND kind = 1 ORDER BY number",
    [REFUSED] = "SELECT number, " IDENTITY ", " PROGRESS " FROM job WHERE confirmation_id = ? AND site = ?"
                " AND confirmation_version = ? AND state = 4 ORDER BY number",
    [AFTER] = "SELECT number, " IDENTITY ", " PROGRESS " FROM job WHERE after_job = ? AND after_job > 0"
              " ORDER BY number",
    [TENANT_FIRST] =
        "SELECT tenant FROM job INDEXED BY job_queue WHERE erp = ?" READY " ORDER BY tenant LIMIT 1",
    [TENANT_AFTER] = "SELECT tenant FROM job INDEXED BY job_queue WHERE erp = ? AND tenant > ?" READY
                     " ORDER BY tenant LIMIT 1",
    [NEXT] = "SELECT number FROM job INDEXED BY job_queue WHERE erp = ? AND tenant = ?" READY
             " ORDER BY promise, number LIMIT ?",
    [WAIT_FIRST] =
        "SELECT number, due_at FROM job INDEXED BY job_wait WHERE erp = ?" WAITING " ORDER BY due_at LIMIT 1",
    [WAIT_LAST] = "SELECT number, due_at FROM job INDEXED BY job_wait WHERE erp = ?" WAITING
                  " ORDER BY due_at DESC LIMIT 1",
    [WAKE] = "UPDATE job SET waits = 0 WHERE number = ?",
    [LAST] = "SELECT coalesce(max(number), 0) FROM job",
    [LANE_AFTER] = "SELECT min(erp) FROM job INDEXED BY job_open WHERE erp > ? AND state <> 3",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_JOBS, sql, which);
}

static void bind_progress(struct xd_query *query, const struct xd_job_row *row) {
    xd_bind_int(query, row->state);
    xd_bind_int(query, row->waits);
    xd_bind_int(query, row->attempt);
    xd_bind_int(query, row->due_at);
    xd_bind_int(query, row->sent_at);
    xd_bind_text(query, row->document);
    xd_bind_text(query, row->code);
    xd_bind_text(query, row->detail);
    xd_bind_int(query, row->reversed);
}

static void take_job(struct xd_query *query, struct xd_job_row *row) {
    memset(row, 0, sizeof *row);
    row->number = xd_take_int(query);
    xd_take_text(query, row->erp, sizeof row->erp);
    row->kind = (enum xd_erp_kind)xd_take_int(query);
    xd_take_text(query, row->reference, sizeof row->reference);
    xd_take_text(query, row->tenant, sizeof row->tenant);
    row->promise = xd_take_int(query);
    xd_take_text(query, row->order_id, sizeof row->order_id);
    xd_take_text(query, row->site, sizeof row->site);
    xd_take_text(query, row->confirmation_id, sizeof row->confirmation_id);
    row->confirmation_version = xd_take_int(query);
    row->at = xd_take_int(query);
    xd_take_text(query, row->reverses, sizeof row->reverses);
    row->after = xd_take_int(query);
    row->state = (int)xd_take_int(query);
    row->waits = xd_take_int(query) != 0;
    row->attempt = xd_take_int(query);
    row->due_at = xd_take_int(query);
    row->sent_at = xd_take_int(query);
    xd_take_text(query, row->document, sizeof row->document);
    xd_take_text(query, row->code, sizeof row->code);
    xd_take_text(query, row->detail, sizeof row->detail);
    row->reversed = xd_take_int(query) != 0;
}

static enum xd_result insert_job(struct xd_database *database, struct xd_job_row *row) {
    struct xd_query query;
    open_query(&query, database, JOB_ADD);
    xd_bind_text(&query, row->erp);
    xd_bind_int(&query, row->kind);
    xd_bind_text(&query, row->reference);
    xd_bind_text(&query, row->tenant);
    xd_bind_int(&query, row->promise);
    xd_bind_text(&query, row->order_id);
    xd_bind_text(&query, row->site);
    xd_bind_text(&query, row->confirmation_id);
    xd_bind_int(&query, row->confirmation_version);
    xd_bind_int(&query, row->at);
    xd_bind_text(&query, row->reverses);
    xd_bind_int(&query, row->after);
    bind_progress(&query, row);
    enum xd_result result = xd_query_change(&query, XD_DUPLICATE);
    if (result == XD_OK) {
        row->number = sqlite3_last_insert_rowid(database->handle);
    }
    return result;
}

static enum xd_result insert_line(void *context, int64_t job, int64_t number,
                                  const struct xd_job_line_row *row) {
    struct xd_query query;
    open_query(&query, context, LINE_ADD);
    xd_bind_int(&query, job);
    xd_bind_int(&query, number);
    xd_bind_text(&query, row->release_id);
    xd_bind_text(&query, row->line_id);
    xd_bind_text(&query, row->sku);
    xd_bind_text(&query, row->uom);
    xd_bind_int(&query, row->factor_num);
    xd_bind_int(&query, row->factor_den);
    xd_bind_decimal(&query, row->qty);
    xd_bind_decimal(&query, row->unbilled);
    if (row->has_unit_price) {
        xd_bind_decimal(&query, row->unit_price);
    } else {
        xd_bind_null(&query);
    }
    xd_bind_int(&query, row->close);
    xd_bind_text(&query, row->lot);
    xd_bind_text(&query, row->ordered_sku);
    return xd_query_run(&query);
}

static enum xd_result job_add(void *context, struct xd_job_row *row, const struct xd_job_line_row *lines,
                              size_t count) {
    enum xd_result result = insert_job(context, row);
    for (size_t i = 0; i < count && result == XD_OK; i++) {
        result = insert_line(context, row->number, (int64_t)i + 1, &lines[i]);
    }
    return result == XD_OK ? xd_counter_add(context, XD_COUNTER_JOBS, row->state, row->erp, 1) : result;
}

static enum xd_result job_get(void *context, int64_t number, struct xd_job_row *out) {
    struct xd_query query;
    open_query(&query, context, JOB_GET);
    xd_bind_int(&query, number);
    if (xd_query_next(&query)) {
        take_job(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result job_find(void *context, const char *erp, enum xd_erp_kind kind, const char *reference,
                               struct xd_job_row *out) {
    struct xd_query query;
    open_query(&query, context, JOB_FIND);
    xd_bind_text(&query, reference);
    xd_bind_int(&query, kind);
    xd_bind_text(&query, erp);
    if (xd_query_next(&query)) {
        take_job(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result job_save(void *context, const struct xd_job_row *row) {
    int before = 0;
    char erp[XD_NAME_SIZE] = "";
    struct xd_query query;
    open_query(&query, context, JOB_STATE);
    xd_bind_int(&query, row->number);
    if (xd_query_next(&query)) {
        before = (int)xd_take_int(&query);
        xd_take_text(&query, erp, sizeof erp);
    }
    enum xd_result result = xd_query_close_one(&query);
    if (result != XD_OK) {
        return result;
    }
    open_query(&query, context, JOB_SAVE);
    bind_progress(&query, row);
    xd_bind_int(&query, row->promise);
    xd_bind_int(&query, row->number);
    result = xd_query_run(&query);
    if (result == XD_OK && row->state != before) {
        result = xd_counter_add(context, XD_COUNTER_JOBS, before, erp, -1);
        if (result == XD_OK) {
            result = xd_counter_add(context, XD_COUNTER_JOBS, row->state, erp, 1);
        }
    }
    return result;
}

static enum xd_result job_renew(void *context, const struct xd_job_row *row,
                                const struct xd_job_line_row *lines, size_t count) {
    struct xd_query query;
    enum xd_result result = job_save(context, row);
    if (result == XD_OK) {
        open_query(&query, context, LINES_DROP);
        xd_bind_int(&query, row->number);
        result = xd_query_run(&query);
    }
    for (size_t i = 0; i < count && result == XD_OK; i++) {
        result = insert_line(context, row->number, (int64_t)i + 1, &lines[i]);
    }
    return result;
}

static enum xd_result job_lines(void *context, int64_t number, xd_job_line_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, LINES);
    xd_bind_int(&query, number);
    while (xd_query_next(&query)) {
        struct xd_job_line_row row = {.line_id = ""};
        xd_take_text(&query, row.release_id, sizeof row.release_id);
        xd_take_text(&query, row.line_id, sizeof row.line_id);
        xd_take_text(&query, row.sku, sizeof row.sku);
        xd_take_text(&query, row.uom, sizeof row.uom);
        row.factor_num = xd_take_int(&query);
        row.factor_den = xd_take_int(&query);
        xd_take_decimal(&query, &row.qty);
        xd_take_decimal(&query, &row.unbilled);
        row.has_unit_price = xd_take_optional_decimal(&query, &row.unit_price);
        row.close = xd_take_int(&query) != 0;
        xd_take_text(&query, row.lot, sizeof row.lot);
        xd_take_text(&query, row.ordered_sku, sizeof row.ordered_sku);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result each_job(struct xd_query *query, xd_job_fn each, void *each_context) {
    while (xd_query_next(query)) {
        struct xd_job_row row;
        take_job(query, &row);
        if (query->result == XD_OK) {
            query->result = each(each_context, &row);
        }
    }
    return xd_query_close(query);
}

static enum xd_result job_list(void *context, const char *erp, int state, int64_t after, size_t max,
                               xd_job_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, state == XD_JOB_DONE ? LIST_DONE : LIST);
    xd_bind_text(&query, erp);
    xd_bind_int(&query, state);
    xd_bind_int(&query, after);
    xd_bind_int(&query, (int64_t)max);
    return each_job(&query, each, each_context);
}

static enum xd_result job_shipments(void *context, const char *order_id, xd_job_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, SHIPMENTS);
    xd_bind_text(&query, order_id);
    return each_job(&query, each, each_context);
}

static enum xd_result job_refused(void *context, const char *site, const char *confirmation_id,
                                  int64_t version, xd_job_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, REFUSED);
    xd_bind_text(&query, confirmation_id);
    xd_bind_text(&query, site);
    xd_bind_int(&query, version);
    return each_job(&query, each, each_context);
}

static enum xd_result job_after(void *context, int64_t number, xd_job_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, AFTER);
    xd_bind_int(&query, number);
    return each_job(&query, each, each_context);
}

static enum xd_result job_count(void *context, int state, int64_t *count) {
    return xd_counter_get(context, XD_COUNTER_JOBS, state, NULL, count);
}

static enum xd_result job_count_of(void *context, const char *erp, int state, int64_t *count) {
    return xd_counter_get(context, XD_COUNTER_JOBS, state, erp, count);
}

static enum xd_result job_last(void *context, int64_t *number) {
    struct xd_query query;
    open_query(&query, context, LAST);
    *number = xd_query_next(&query) ? xd_take_int(&query) : 0;
    return xd_query_close(&query);
}

static enum xd_result job_lane(void *context, const char *after, char erp[XD_NAME_SIZE]) {
    struct xd_query query;
    open_query(&query, context, LANE_AFTER);
    xd_bind_text(&query, after);
    erp[0] = 0;
    if (xd_query_next(&query)) {
        xd_take_text(&query, erp, XD_NAME_SIZE);
    }
    enum xd_result result = xd_query_close(&query);
    return result == XD_OK && erp[0] == 0 ? XD_NOT_FOUND : result;
}

/* ---- the queue of an ERP ---- */

static enum xd_result job_tenant(void *context, const char *erp, const char *after,
                                 char tenant[XD_NAME_SIZE]) {
    struct xd_query query;
    open_query(&query, context, after == NULL ? TENANT_FIRST : TENANT_AFTER);
    xd_bind_text(&query, erp);
    if (after != NULL) {
        xd_bind_text(&query, after);
    }
    if (xd_query_next(&query)) {
        xd_take_text(&query, tenant, XD_NAME_SIZE);
    }
    return xd_query_close_one(&query);
}

static enum xd_result job_next(void *context, const char *erp, const char *tenant, size_t max,
                               int64_t *numbers, size_t *count) {
    struct xd_query query;
    *count = 0;
    open_query(&query, context, NEXT);
    xd_bind_text(&query, erp);
    xd_bind_text(&query, tenant);
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query) && *count < max) {
        numbers[(*count)++] = xd_take_int(&query);
    }
    return xd_query_close(&query);
}

/* The job that waits for the nearest time, or for the farthest. XD_NOT_FOUND: none waits. */
static enum xd_result find_waiting(void *context, int which, const char *erp, int64_t *number,
                                   xd_ms *due_at) {
    struct xd_query query;
    open_query(&query, context, which);
    xd_bind_text(&query, erp);
    if (xd_query_next(&query)) {
        *number = xd_take_int(&query);
        *due_at = xd_take_int(&query);
    }
    return xd_query_close_one(&query);
}

static enum xd_result wake(void *context, int64_t number) {
    struct xd_query query;
    open_query(&query, context, WAKE);
    xd_bind_int(&query, number);
    return xd_query_run(&query);
}

static enum xd_result job_wake(void *context, const char *erp, xd_ms now, xd_ms wait_max, size_t max,
                               size_t *woken, xd_ms *next) {
    static const int ends[] = {WAIT_FIRST, WAIT_LAST};
    enum xd_result result = XD_OK;
    int64_t number = 0;
    *woken = 0;
    *next = 0;
    for (size_t end = 0; end < 2; end++) {
        xd_ms due_at = 0;
        while ((result = find_waiting(context, ends[end], erp, &number, &due_at)) == XD_OK && *woken < max &&
               (due_at <= now || due_at - now > wait_max)) {
            result = wake(context, number);
            if (result != XD_OK) {
                return result;
            }
            ++*woken;
        }
        if (result != XD_OK) {
            return result == XD_NOT_FOUND ? XD_OK : result;
        }
        *next = end == 0 ? due_at : *next;
    }
    return XD_OK;
}

void xd_hub_jobs_fill(struct xd_hub_store *out) {
    out->job_add = job_add;
    out->job_get = job_get;
    out->job_find = job_find;
    out->job_save = job_save;
    out->job_renew = job_renew;
    out->job_lines = job_lines;
    out->job_list = job_list;
    out->job_shipments = job_shipments;
    out->job_after = job_after;
    out->job_refused = job_refused;
    out->job_count = job_count;
    out->job_count_of = job_count_of;
    out->job_last = job_last;
    out->job_lane = job_lane;
    out->job_tenant = job_tenant;
    out->job_next = job_next;
    out->job_wake = job_wake;
}
