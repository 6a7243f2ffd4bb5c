/* Reconciliation: what was released to each site, confirmed by it and posted to
 * the ERP, added up from the rows themselves and never from running totals, so
 * that it can find them wrong. All of one call is read from one snapshot, or the
 * difference would show what happened in between. */
#include "sqlite/hub_store.h"

#include "base/memory.h"

#include <string.h>

enum { SITES, RELEASES, RELEASE_LINES, CONFIRMATIONS, JOBS, JOB_LINES };

static const char *const sql[] = {
    [SITES] = "SELECT site FROM site UNION SELECT site FROM release UNION SELECT site FROM confirmation",
    [RELEASES] = "SELECT count(*) FROM release WHERE site = ?",
    [RELEASE_LINES] =
        "SELECT l.qty, l.shipped, l.closed FROM release r CROSS JOIN release_line l ON l.n = r.n"
        " WHERE r.site = ?",
    [CONFIRMATIONS] = "SELECT state, lines_in, lines_applied, lines_parked, lines_rejected FROM confirmation"
                      " WHERE site = ?",
    [JOBS] = "SELECT kind, state, reversed FROM job WHERE site = ?",
    [JOB_LINES] = "SELECT j.kind, j.state, j.reversed, l.qty, l.close FROM job j CROSS JOIN job_line l"
                  " ON l.job = j.number WHERE j.site = ? AND j.kind IN (?, ?)",
};

struct site_name {
    char site[XD_SITE_SIZE];
};

struct site_names {
    struct site_name *items; /* owned */
    size_t count, capacity;
};

static void open_query(struct xd_query *query, void *context, int which, const char *site) {
    xd_query_open(query, context, XD_GROUP_RECONCILE, sql, which);
    if (site != NULL) {
        xd_bind_text(query, site);
    }
}

/* sum += value, up to the most that fits. */
static void add(struct xd_decimal *sum, struct xd_decimal value) {
    if (xd_decimal_add(*sum, value, sum) != XD_OK) {
        *sum = xd_decimal_of(XD_DECIMAL_MOST);
    }
}

static enum xd_result count_releases(void *context, struct xd_reconciliation_row *row) {
    struct xd_query query;
    open_query(&query, context, RELEASES, row->site);
    if (xd_query_next(&query)) {
        row->releases = xd_take_int(&query);
    }
    return xd_query_close(&query);
}

static enum xd_result sum_release_lines(void *context, struct xd_reconciliation_row *row) {
    struct xd_query query;
    open_query(&query, context, RELEASE_LINES, row->site);
    while (xd_query_next(&query)) {
        struct xd_decimal qty;
        struct xd_decimal shipped;
        struct xd_decimal closed;
        struct xd_decimal rest = xd_decimal_of(0);
        xd_take_decimal(&query, &qty);
        xd_take_decimal(&query, &shipped);
        xd_take_decimal(&query, &closed);
        row->released_lines++;
        add(&row->released_qty, qty);
        if (xd_decimal_sign(closed) > 0) {
            row->short_lines++;
            add(&row->short_qty, closed);
        }
        add(&rest, qty);
        add(&rest, xd_decimal_negate(shipped));
        add(&rest, xd_decimal_negate(closed));
        if (xd_decimal_sign(rest) > 0) {
            row->outstanding_lines++;
            add(&row->outstanding_qty, rest);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result count_confirmations(void *context, struct xd_reconciliation_row *row) {
    struct xd_query query;
    open_query(&query, context, CONFIRMATIONS, row->site);
    while (xd_query_next(&query)) {
        int64_t state = xd_take_int(&query);
        int64_t in = xd_take_int(&query);
        int64_t applied = xd_take_int(&query);
        int64_t parked = xd_take_int(&query);
        int64_t rejected = xd_take_int(&query);
        int64_t lost = in - applied - parked - rejected;
        row->confirmations += state == XD_CONFIRMATION_APPLIED || state == XD_CONFIRMATION_POSTED;
        row->parked_documents += state == XD_CONFIRMATION_PARKED;
        row->parked_lines += parked;
        row->rejected_lines += rejected;
        row->unaccounted_lines += lost < 0 ? -lost : lost;
    }
    return xd_query_close(&query);
}

static enum xd_result count_jobs(void *context, struct xd_reconciliation_row *row) {
    struct xd_query query;
    open_query(&query, context, JOBS, row->site);
    while (xd_query_next(&query)) {
        int64_t kind = xd_take_int(&query);
        int64_t state = xd_take_int(&query);
        bool reversed = xd_take_int(&query) != 0;
        row->shipments += kind == XD_ERP_SHIPMENT && state == XD_JOB_DONE && !reversed;
        row->refused_postings += state == XD_JOB_REJECTED;
    }
    return xd_query_close(&query);
}

/* A shipment job's lines are what was applied, whether it is posted yet or not. One that was reversed is none
 * any more; but until the ERP has the reversal, that is what it has to be told of. */
static enum xd_result sum_job_lines(void *context, struct xd_reconciliation_row *row) {
    struct xd_query query;
    open_query(&query, context, JOB_LINES, row->site);
    xd_bind_int(&query, XD_ERP_SHIPMENT);
    xd_bind_int(&query, XD_ERP_REVERSAL);
    while (xd_query_next(&query)) {
        struct xd_decimal qty;
        bool reversal = xd_take_int(&query) == XD_ERP_REVERSAL;
        int64_t state = xd_take_int(&query);
        bool done = state == XD_JOB_DONE, reversed = xd_take_int(&query) != 0;
        xd_take_decimal(&query, &qty);
        bool close = xd_take_int(&query) != 0;
        if ((xd_decimal_sign(qty) <= 0 && !close) || state == XD_JOB_WITHDRAWN || reversed ||
            (reversal && done)) {
            continue;
        }
        if (reversal) {
            row->unposted_lines++;
            add(&row->unposted_qty, qty);
            continue;
        }
        row->confirmed_lines++;
        add(&row->confirmed_qty, qty);
        *(done ? &row->posted_lines : &row->unposted_lines) += 1;
        add(done ? &row->posted_qty : &row->unposted_qty, qty);
    }
    return xd_query_close(&query);
}

struct part {
    enum xd_result (*count)(void *context, struct xd_reconciliation_row *row);
};

static const struct part parts[] = {
    {count_releases}, {sum_release_lines}, {count_confirmations}, {count_jobs}, {sum_job_lines},
};

static enum xd_result reconcile_site(void *context, const char *site, xd_reconciliation_fn each,
                                     void *each_context) {
    struct xd_reconciliation_row row = {.releases = 0};
    size_t length = strlen(site);
    if (length >= sizeof row.site) {
        return xd_database_say(context, XD_INVALID, "a site's name is too long: %s", site);
    }
    memcpy(row.site, site, length + 1);
    enum xd_result result = XD_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && result == XD_OK; i++) {
        result = parts[i].count(context, &row);
    }
    return result == XD_OK ? each(each_context, &row) : result;
}

static enum xd_result remember(struct site_names *names, struct xd_query *query) {
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 64 : names->capacity * 2;
        struct site_name *items = xd_resize(names->items, capacity * sizeof *items);
        if (items == NULL) {
            return XD_NO_MEMORY;
        }
        names->items = items;
        names->capacity = capacity;
    }
    xd_take_text(query, names->items[names->count].site, XD_SITE_SIZE);
    names->count++;
    return query->result;
}

static enum xd_result reconcile_all(void *context, xd_reconciliation_fn each, void *each_context) {
    struct site_names names = {NULL, 0, 0};
    struct xd_query query;
    open_query(&query, context, SITES, NULL);
    while (xd_query_next(&query)) {
        query.result = remember(&names, &query);
    }
    enum xd_result result = xd_query_close(&query);
    for (size_t i = 0; i < names.count && result == XD_OK; i++) {
        result = reconcile_site(context, names.items[i].site, each, each_context);
    }
    xd_free(names.items);
    return result;
}

static enum xd_result reconcile(void *context, const char *site, xd_reconciliation_fn each,
                                void *each_context) {
    struct xd_database *database = context;
    bool own_snapshot = !database->in_transaction;
    if (own_snapshot) {
        enum xd_result result = xd_database_execute(database, "BEGIN");
        if (result != XD_OK) {
            return result;
        }
    }
    enum xd_result result = site == NULL ? reconcile_all(context, each, each_context)
                                         : reconcile_site(context, site, each, each_context);
    if (own_snapshot) {
        (void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
    }
    return result;
}

void xd_hub_reconcile_fill(struct xd_hub_store *out) {
    out->reconcile = reconcile;
}
