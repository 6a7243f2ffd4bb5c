/* What others decide about an order: the ERP, a check outside, a site that stays silent. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "hub/events/events.h"
#include "hub/reference/reference.h"
#include "hub/view.h"

#include <stdio.h>
#include <string.h>

#define LATE_MS ((xd_ms)1000)
#define LATE_MAX ((size_t)16)
/* A check that fails so often, or has not answered for so long, is somebody's concern. */
#define CHECK_ATTEMPTS 3
#define CHECK_PATIENCE_MS XD_MINUTE_MS
#define CHECK_LOG_MS XD_MINUTE_MS

/* ---- lines, copied because a callback must not call the store ---- */

static enum xd_result collect_line(void *context, const struct xd_order_line_row *row) {
    struct xd_order_lines *lines = context;
    struct xd_order_line_row *rows = xd_grow(lines->rows, lines->count, &lines->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    lines->rows = rows;
    lines->rows[lines->count++] = *row;
    return XD_OK;
}

enum xd_result xd_hub_lines_load(struct xd_hub *hub, const char *order_id, struct xd_order_lines *out) {
    const struct xd_hub_store *store = hub->config.store;
    memset(out, 0, sizeof *out);
    return store->order_lines(store->context, order_id, collect_line, out);
}

static enum xd_result collect_release_line(void *context, const struct xd_release_line_row *row) {
    struct xd_release_lines *lines = context;
    struct xd_release_line_row *rows = xd_grow(lines->rows, lines->count, &lines->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    lines->rows = rows;
    lines->rows[lines->count++] = *row;
    return XD_OK;
}

enum xd_result xd_hub_release_lines_load(struct xd_hub *hub, const char *release_id,
                                         struct xd_release_lines *out) {
    const struct xd_hub_store *store = hub->config.store;
    memset(out, 0, sizeof *out);
    return store->release_lines(store->context, release_id, collect_release_line, out);
}

enum xd_result xd_hub_order_fold(struct xd_hub *hub, const char *order_id, bool sale_stale, bool told,
                                 struct xd_now now) {
    struct xd_conduct conduct;
    enum xd_result result = xd_conduct_open(&conduct, hub, order_id, now);
    conduct.sale_stale = sale_stale;
    conduct.told = told;
    return xd_conduct_end(&conduct, result);
}

enum xd_result xd_hub_request_over(struct xd_hub *hub, const struct xd_release_row *release,
                                   struct xd_now now) {
    struct xd_conduct conduct;
    enum xd_result result = xd_hub_exceptions_close(hub, release->site, XD_DOC_RELEASE, release->release_id,
                                                    1, "CANCEL_PENDING", now);
    if (result != XD_OK) {
        return result;
    }
    result = xd_conduct_open(&conduct, hub, release->order_id, now);
    return xd_conduct_end(&conduct, result == XD_OK ? xd_conduct_go(&conduct) : result);
}

/* ---- the ERP on the sale ---- */

static enum xd_result accepted(struct xd_conduct *conduct, const struct xd_job_row *job) {
    char document[XD_QUOTED_SIZE];
    enum xd_result result = xd_hub_timeline(conduct->hub, &conduct->order, "order.accepted", conduct->now,
                                            "\"erp\":\"%s\",\"sale\":%s,\"attempt\":%lld", job->erp,
                                            xd_hub_quote(job->document, document), (long long)job->attempt);
    if (result != XD_OK) {
        return result;
    }
    struct xd_order_row order = xd_conduct_row(conduct);
    return xd_hub_event(conduct->hub, &order, XD_EVENT_ACCEPTED, conduct->now,
                        "\"erp\":\"%s\",\"erp_document\":%s", job->erp, document);
}

enum xd_result xd_hub_sale_done(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    struct xd_conduct conduct;
    enum xd_result result = xd_conduct_open(&conduct, hub, job->order_id, now);
    if (result == XD_OK && xd_conduct_did(&conduct, XD_STEP_POST)) {
        xd_conduct_close(&conduct);
        return XD_OK;
    }
    if (result == XD_OK) {
        conduct.order.steps |= XD_STEP_BIT(XD_STEP_POST);
        result = accepted(&conduct, job);
    }
    if (result == XD_OK) {
        conduct.sale_stale = true; /* what was cancelled or changed meanwhile */
        result = xd_conduct_go(&conduct);
    }
    return xd_conduct_end(&conduct, result);
}

enum xd_result xd_hub_sale_rejected(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    struct xd_conduct conduct;
    char text[256];
    enum xd_result result = xd_conduct_open(&conduct, hub, job->order_id, now);
    if (result == XD_OK && !conduct.order.cancelled) {
        snprintf(text, sizeof text, "%.47s: %.199s", job->code, job->detail);
        result = xd_conduct_hold(&conduct, XD_HOLD_ERP, "ERP_REJECTED_SALE", text);
    }
    return xd_conduct_end(&conduct, result);
}

enum xd_result xd_hub_change_decided(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    struct xd_conduct conduct;
    char quoted[XD_QUOTED_SIZE], text[256], site[XD_SITE_SIZE];
    bool done = job->state == XD_JOB_DONE;
    enum xd_result result = xd_conduct_open(&conduct, hub, job->order_id, now);
    if (result == XD_OK) {
        conduct.order.changing = false;
        conduct.sale_stale = done;
        result = xd_hub_timeline(hub, &conduct.order, done ? "sale.changed" : "sale.change_rejected", now,
                                 "\"erp\":\"%s\",\"detail\":%s", job->erp,
                                 xd_hub_quote(done ? job->document : job->detail, quoted));
    }
    if (result == XD_OK && !done) {
        result = xd_view_site_of(hub->config.store, &conduct.order, site);
    }
    if (result == XD_OK && !done) {
        snprintf(text, sizeof text, "%.47s: %.199s", job->code, job->detail);
        struct xd_complaint complaint = {.code = "ERP_REJECTED_CHANGE",
                                         .site = site,
                                         .order_id = conduct.order.order_id,
                                         .document_id = conduct.order.external_order_id,
                                         .detail = text};
        result = xd_hub_complain(hub, &complaint, now);
    }
    return xd_conduct_end(&conduct, result);
}

/* ---- somebody outside on the order ---- */

/* Nothing was done with a new order, which is rejected. Of one that was revised something may be at the ERP
 * or at a site, and went there as it was before: a person says what becomes of it. */
static enum xd_result refused(struct xd_conduct *conduct, const struct xd_job_row *job) {
    char text[256];
    if (!xd_conduct_did(conduct, XD_STEP_ROUTE)) {
        return xd_conduct_undo(conduct, XD_ORDER_REJECTED, "check_refused", job->detail);
    }
    snprintf(text, sizeof text, "The check refuses what the order was changed to: %.199s", job->detail);
    return xd_conduct_hold(conduct, XD_HOLD_CHECK, "CHECK_HOLD", text);
}

enum xd_result xd_hub_check_decided(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    struct xd_conduct conduct;
    bool done = job->state == XD_JOB_DONE, pass = done && strcmp(job->document, "pass") == 0;
    enum xd_result result = xd_hub_exceptions_close_order(hub, job->order_id, XD_CHECK_UNAVAILABLE, now);
    if (result == XD_OK) {
        result = xd_conduct_open(&conduct, hub, job->order_id, now);
    }
    if (result == XD_OK && (conduct.order.cancelled || xd_conduct_did(&conduct, XD_STEP_CHECK))) {
        xd_conduct_close(&conduct);
        return XD_OK;
    }
    if (result == XD_OK && pass) {
        result = xd_hub_timeline(hub, &conduct.order, "check.passed", now, NULL);
        result = result == XD_OK ? xd_conduct_checked(&conduct) : result;
    } else if (result == XD_OK && done) {
        result = xd_conduct_hold(&conduct, XD_HOLD_CHECK, "CHECK_HOLD",
                                 job->detail[0] != 0 ? job->detail : "The check wants a person to look.");
    } else if (result == XD_OK) {
        result = refused(&conduct, job);
    }
    return xd_conduct_end(&conduct, result);
}

static void log_failure(struct xd_hub *hub, const struct xd_order_row *order, const struct xd_job_row *job,
                        struct xd_now now) {
    if (now.monotonic >= hub->check_log_at) {
        hub->check_log_at = now.monotonic + CHECK_LOG_MS;
        xd_log(hub->config.env, XD_LOG_WARNING, "check.failed", order->correlation_id,
               "order %s, attempt %lld: %s", order->order_id, (long long)job->attempt, job->detail);
    }
}

/* Raised once for a question: one that a person has closed stays so. */
static enum xd_result complain_of_check(struct xd_hub *hub, const struct xd_order_row *order,
                                        const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    char name[XD_ID_SIZE + 32], id[XD_ID_SIZE];
    struct xd_exception_row known;
    snprintf(name, sizeof name, "check/%s/%lld", order->order_id, (long long)job->number);
    xd_hub_id(hub, "E", name, id);
    struct xd_complaint complaint = {.id = id,
                                     .code = XD_CHECK_UNAVAILABLE,
                                     .site = order->site,
                                     .order_id = order->order_id,
                                     .document_id = order->external_order_id,
                                     .detail = job->detail};
    enum xd_result result = store->exception_get(store->context, id, &known);
    return result == XD_NOT_FOUND ? xd_hub_complain(hub, &complaint, now) : result;
}

enum xd_result xd_hub_check_failed(struct xd_hub *hub, const struct xd_job_row *job, bool first,
                                   struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    char quoted[XD_QUOTED_SIZE];
    bool long_ago = now.wall - job->at >= CHECK_PATIENCE_MS;
    enum xd_result result = store->order_get(store->context, job->order_id, &order);
    if (result == XD_OK && first) {
        result = xd_hub_timeline(hub, &order, "check.failed", now, "\"attempt\":%lld,\"detail\":%s",
                                 (long long)job->attempt, xd_hub_quote(job->detail, quoted));
    }
    if (result == XD_OK && (job->attempt >= CHECK_ATTEMPTS || long_ago)) {
        result = complain_of_check(hub, &order, job, now);
    }
    if (result == XD_OK) {
        log_failure(hub, &order, job, now);
    }
    return result;
}

/* ---- silence ---- */

struct late {
    struct xd_release_row rows[LATE_MAX];
    size_t count;
};

static enum xd_result collect_late(void *context, const struct xd_release_row *row) {
    struct late *late = context;
    late->rows[late->count++] = *row;
    return XD_OK;
}

static enum xd_result complain_of_silence(struct xd_conduct *conduct, const struct xd_release_row *row,
                                          const char *code, const char *detail) {
    struct xd_complaint complaint = {.code = code,
                                     .site = row->site,
                                     .order_id = row->order_id,
                                     .release_id = row->release_id,
                                     .kind = XD_DOC_RELEASE,
                                     .document_id = row->release_id,
                                     .version = 1,
                                     .detail = detail};
    return xd_hub_complain(conduct->hub, &complaint, conduct->now);
}

/* Lines of which the site has said what it owes stay with it. */
static enum xd_result ask_back(struct xd_conduct *conduct, struct xd_release_work *work) {
    bool reserves = work->row.stage == XD_STAGE_PENDING;
    for (size_t index = 0; index < work->lines.count; index++) { /* what is unwanted stays so */
        struct xd_release_line_row *line = &work->lines.rows[index];
        line->asked = line->answer < xd_release_owed(&work->row) ? xd_release_line_rest(line) : line->asked;
    }
    work->row.status = XD_RELEASE_ACK_TIMEOUT;
    work->row.ack_by = 0;
    enum xd_result result = xd_release_work_ask(conduct, work, true);
    return result == XD_OK
               ? complain_of_silence(conduct, &work->row, "ACK_TIMEOUT",
                                     reserves
                                         ? "The site has not answered RESERVED in time; it is asked to give "
                                           "the release back, and then it ships from elsewhere."
                                         : "The site has not answered in time; it is asked to give the "
                                           "release back, and then it ships from elsewhere.")
               : result;
}

static enum xd_result one_late(struct xd_hub *hub, const struct xd_release_row *row, struct xd_now now) {
    struct xd_conduct conduct;
    struct xd_release_work work = {.lines = {NULL, 0, 0}};
    struct xd_site_profile profile = {.ack_minutes = 0};
    enum xd_result result = xd_conduct_open(&conduct, hub, row->order_id, now);
    if (result == XD_OK) {
        result = xd_release_work_open(&conduct, row->release_id, &work);
    }
    if (result == XD_OK) {
        result = xd_reference_site(hub, work.row.site, &profile);
    }
    /* A release that was never answered is late in itself, unless its site may take its time or is asked for
     * all of it already. */
    bool settled = work.row.whole || work.row.status >= XD_RELEASE_ACK_TIMEOUT || profile.ack_minutes == 0;
    if (result == XD_OK && work.row.cancel == XD_CANCEL_REQUESTED && settled) {
        work.row.ack_by = 0;
        result = complain_of_silence(&conduct, &work.row, "CANCEL_PENDING",
                                     "The site has not answered in time what it was asked to give back.");
        result = result == XD_OK ? xd_release_work_save(&conduct, &work) : result;
    } else if (result == XD_OK && work.row.status < XD_RELEASE_ACK_TIMEOUT && profile.ack_minutes > 0) {
        result = ask_back(&conduct, &work);
    } else if (result == XD_OK) { /* it has answered, or may take its time */
        work.row.ack_by = 0;
        result = xd_release_work_save(&conduct, &work);
    }
    xd_release_work_close(&work);
    return xd_conduct_end(&conduct, result);
}

enum xd_result xd_hub_releases_late(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct late late = {.count = 0};
    if (now.monotonic < hub->late_at) {
        return XD_OK;
    }
    hub->late_at = now.monotonic + LATE_MS;
    enum xd_result result = store->release_late(store->context, now.wall, LATE_MAX, collect_late, &late);
    for (size_t index = 0; index < late.count && result == XD_OK; index++) {
        result = one_late(hub, &late.rows[index], now);
    }
    return result;
}
