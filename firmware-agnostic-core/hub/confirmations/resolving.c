/* What a person says about a confirmation, a line of one, or what became of it.
 *
 *   a parked line
 *     accept   a substitute is applied; another line is settled otherwise, and counts as rejected
 *     reject   it counts as rejected
 *     retry    applied, if nothing parks it any more
 *   a parked document
 *     accept   applied where its totals fail, or it came after a void; another one still waits
 *     reject   it counts as rejected
 *     retry    applied, as far as it can be now
 *   a remainder that is held
 *     accept   it will not come: cancelled
 *     retry    it is wanted: a backorder
 *   a posting that the ERP refused
 *     retry    called for again
 */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "hub/events/events.h"
#include "hub/orchestration/conduct.h"

#include <string.h>

#define SHIPMENTS_MAX ((size_t)500)

struct resolving {
    struct xd_hub *hub;
    struct xd_now now;
    const struct xd_exception_row *exception;
    enum xd_action action;
    struct xd_resolution *out;
};

static enum xd_result cannot(const struct resolving *resolving, const char *why) {
    resolving->out->why = why;
    return XD_OK;
}

static enum xd_result done(const struct resolving *resolving) {
    resolving->out->done = true;
    return XD_OK;
}

/* ---- parked lines ---- */

static enum xd_result reject_line(const struct resolving *resolving,
                                  const struct xd_parked_line_row *parked) {
    const struct xd_hub_store *store = resolving->hub->config.store;
    struct xd_confirmation_row row;
    enum xd_result result = store->confirmations.unpark(store->context, parked->site, parked->confirmation_id,
                                                        parked->version, parked->line);
    if (result == XD_OK) {
        result = xd_confirmation_current(resolving->hub, parked->site, parked->confirmation_id,
                                         parked->version, &row);
    }
    if (result == XD_OK) {
        row.lines_parked--;
        row.lines_rejected++;
        row.state = row.state == XD_CONFIRMATION_PARKED && row.lines_parked == 0 ? XD_CONFIRMATION_REJECTED
                                                                                 : row.state;
        result = xd_hub_tell_fate(resolving->hub, &row, XD_OUTCOME_REJECTED, "LINE_REJECTED",
                                  "A person settled a line of it otherwise.", resolving->now);
    }
    if (result == XD_OK) {
        result = store->confirmation_save(store->context, &row);
    }
    return result == XD_OK ? done(resolving) : result;
}

static enum xd_result resolve_line(const struct resolving *resolving,
                                   const struct xd_parked_line_row *parked) {
    bool substitute = strcmp(parked->code, "UNAUTHORISED_SUBSTITUTE") == 0, applied;
    if (resolving->action == XD_ACTION_REJECT || (resolving->action == XD_ACTION_ACCEPT && !substitute)) {
        return reject_line(resolving, parked);
    }
    const char *accepts = resolving->action == XD_ACTION_ACCEPT ? parked->code : NULL;
    enum xd_result result = xd_resume_line(resolving->hub, parked, accepts, resolving->now, &applied);
    return result != XD_OK ? result
           : applied       ? done(resolving)
                           : cannot(resolving, "The line would be parked once more, for the same reason.");
}

/* ---- parked documents ---- */

static enum xd_result reject_document(const struct resolving *resolving, struct xd_confirmation_row *row) {
    const struct xd_hub_store *store = resolving->hub->config.store;
    row->state = XD_CONFIRMATION_REJECTED;
    row->lines_rejected += row->lines_parked;
    row->lines_parked = 0;
    row->waits_for[0] = 0;
    row->alert_at = 0;
    enum xd_result result = xd_hub_exceptions_close(resolving->hub, row->site, XD_DOC_CONFIRMATION,
                                                    row->confirmation_id, row->base, NULL, resolving->now);
    if (result == XD_OK) {
        result = xd_hub_tell_fate(resolving->hub, row, XD_OUTCOME_REJECTED, resolving->exception->code,
                                  "A person rejected it.", resolving->now);
    }
    if (result == XD_OK) {
        result = store->confirmation_save(store->context, row);
    }
    return result == XD_OK ? done(resolving) : result;
}

/* Whether a release that the document names is still not this site's. */
static enum xd_result lacks_release(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                    const struct xd_confirmation *confirmation, bool *lacks) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release_row release;
    enum xd_result result = XD_OK;
    *lacks = false;
    for (size_t index = 0; index < confirmation->release_count && result == XD_OK; index++) {
        result = strlen(confirmation->release_ids[index]) < XD_ID_SIZE
                     ? store->release_get(store->context, confirmation->release_ids[index], &release)
                     : XD_NOT_FOUND;
        *lacks =
            *lacks || result == XD_NOT_FOUND || (result == XD_OK && strcmp(release.site, row->site) != 0);
        result = result == XD_NOT_FOUND ? XD_OK : result;
    }
    return result;
}

/* Whether nothing that it takes back is known. */
static enum xd_result lacks_shipment(struct xd_hub *hub, const struct xd_confirmation_row *row, bool *lacks) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_rows list = {NULL, 0, 0};
    enum xd_result result = store->confirmation_of_shipment(store->context, row->site, row->shipment_id,
                                                            SHIPMENTS_MAX, xd_confirmation_collect, &list);
    *lacks = true;
    for (size_t index = 0; index < list.count; index++) {
        int kind = list.rows[index].kind;
        *lacks = *lacks && kind != XD_KIND_SHIP && kind != XD_KIND_SHORT_CLOSE;
    }
    xd_free(list.rows);
    return result;
}

static enum xd_result still_parks(const struct resolving *resolving, const struct xd_confirmation_row *row,
                                  bool *still) {
    char why[XD_TOTALS_WHY_SIZE];
    struct xd_stored stored;
    enum xd_result result = xd_stored_open(resolving->hub, row, &stored);
    if (result == XD_OK && strcmp(resolving->exception->code, "UNKNOWN_SHIPMENT") == 0) {
        result = lacks_shipment(resolving->hub, row, still);
    } else if (result == XD_OK && strcmp(resolving->exception->code, "RESTATED_AFTER_VOID") == 0) {
        *still = true;
    } else if (result == XD_OK && strcmp(resolving->exception->code, "HASH_TOTAL") == 0) {
        *still = !xd_facts_totals(&stored.confirmation, why);
    } else if (result == XD_OK) {
        result = lacks_release(resolving->hub, row, &stored.confirmation, still);
    }
    xd_stored_close(&stored);
    return result == XD_INVALID ? XD_OK : result; /* resuming says that it cannot be read */
}

static enum xd_result resolve_document(const struct resolving *resolving, struct xd_confirmation_row *row) {
    const char *code = resolving->exception->code;
    bool applies = strcmp(code, "HASH_TOTAL") == 0 || strcmp(code, "RESTATED_AFTER_VOID") == 0;
    if (resolving->action == XD_ACTION_REJECT) {
        return reject_document(resolving, row);
    }
    if (resolving->action == XD_ACTION_ACCEPT && !applies) {
        return done(resolving);
    }
    bool still = false;
    enum xd_result result =
        resolving->action == XD_ACTION_RETRY ? still_parks(resolving, row, &still) : XD_OK;
    if (result != XD_OK || still) {
        return still ? cannot(resolving, "It would be parked once more, for the same reason.") : result;
    }
    result = xd_resume_document(resolving->hub, row, resolving->action == XD_ACTION_ACCEPT ? code : NULL,
                                resolving->now);
    return result == XD_OK ? done(resolving) : result;
}

/* ---- held remainders ---- */

/* Of the line, all that is still with the release. */
static enum xd_result give_rest(const struct resolving *resolving, struct xd_conduct *conduct,
                                struct xd_release_work *work, bool cancels) {
    enum xd_result result = XD_OK;
    struct xd_awaiting_row by = {.version = resolving->exception->version};
    xd_copy(by.site, sizeof by.site, resolving->exception->site);
    xd_copy(by.confirmation_id, sizeof by.confirmation_id, resolving->exception->document_id);
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        struct xd_decimal rest = xd_release_line_rest(line);
        if (strcmp(line->line_id, resolving->exception->line_id) != 0 || xd_decimal_sign(rest) <= 0) {
            continue;
        }
        result = xd_remainder_give(conduct, work, line, &by, cancels);
    }
    return result;
}

static enum xd_result resolve_remainder(const struct resolving *resolving) {
    struct xd_conduct conduct;
    struct xd_release_work work = {.lines = {NULL, 0, 0}};
    if (resolving->action == XD_ACTION_REJECT) {
        return cannot(resolving, "Accept: the rest will not come; retry: it is a backorder.");
    }
    enum xd_result result =
        xd_conduct_open(&conduct, resolving->hub, resolving->exception->order_id, resolving->now);
    if (result == XD_OK) {
        result = xd_release_work_open(&conduct, resolving->exception->release_id, &work);
    }
    if (result == XD_OK) {
        result = give_rest(resolving, &conduct, &work, resolving->action == XD_ACTION_ACCEPT);
    }
    if (result == XD_OK) {
        work.row.status = xd_release_status_after(&work.row, &work.lines);
        result = xd_release_work_save(&conduct, &work);
    }
    xd_release_work_close(&work);
    result = xd_conduct_end(&conduct, result);
    return result == XD_OK ? done(resolving) : result;
}

/* ---- refused postings ---- */

static enum xd_result post_again(const struct resolving *resolving) {
    struct xd_hub *hub = resolving->hub;
    const struct xd_hub_store *store = hub->config.store;
    const struct xd_exception_row *exception = resolving->exception;
    struct xd_job_rows jobs = {NULL, 0, 0};
    bool any = false, may = true, adjusts = exception->kind == XD_DOC_INVENTORY;
    enum xd_result result = store->job_refused(store->context, exception->site, exception->document_id,
                                               exception->version, xd_job_collect, &jobs);
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        if ((jobs.rows[index].kind == XD_ERP_ADJUSTMENT) == adjusts) { /* an advice may have the same id */
            any = true;
            result = xd_books_is_repair(&jobs.rows[index])
                         ? xd_books_repair_again(hub, &jobs.rows[index], &may)
                         : XD_OK;
            result =
                result == XD_OK && may ? xd_job_call_for(hub, &jobs.rows[index], resolving->now) : result;
        }
    }
    xd_free(jobs.rows);
    return result != XD_OK ? result
           : !may ? cannot(resolving, "The difference is another one by now: approve that, or accept this.")
           : any  ? done(resolving)
                  : cannot(resolving, "No posting of it is refused any more.");
}

/* ---- any of them ---- */

static bool is_one_of(const char *code, const char *const *codes) {
    while (*codes != NULL && strcmp(*codes, code) != 0) {
        codes++;
    }
    return *codes != NULL;
}

static enum xd_result find_document(const struct resolving *resolving, struct xd_confirmation_row *row) {
    return xd_confirmation_current(resolving->hub, resolving->exception->site,
                                   resolving->exception->document_id, resolving->exception->version, row);
}

bool xd_hub_is_held(const struct xd_exception_row *exception) {
    static const char *const remainders[] = {"STATUS_QTY_CONFLICT", "SHORT_UNSTATED", NULL};
    return is_one_of(exception->code, remainders);
}

enum xd_result xd_hub_confirmation_resolve(struct xd_hub *hub, const struct xd_exception_row *exception,
                                           enum xd_action action, struct xd_now now,
                                           struct xd_resolution *out) {
    static const char *const documents[] = {"HASH_TOTAL",
                                            "UNKNOWN_RELEASE",
                                            "UNKNOWN_RELEASE_OVERDUE",
                                            "UNKNOWN_SHIPMENT",
                                            "UNUSABLE_DOCUMENT",
                                            "RESTATED_AFTER_VOID",
                                            NULL};
    const struct xd_hub_store *store = hub->config.store;
    struct resolving resolving = {
        .hub = hub, .now = now, .exception = exception, .action = action, .out = out};
    struct xd_parked_line_row parked;
    struct xd_confirmation_row row;
    memset(out, 0, sizeof *out);
    if (strcmp(exception->code, "ERP_REJECTED_ADJUSTMENT") == 0 && action == XD_ACTION_RETRY) {
        out->mine = true;
        return post_again(&resolving);
    }
    if (exception->kind != XD_DOC_CONFIRMATION) {
        return XD_OK;
    }
    enum xd_result result = store->confirmations.parked_by(store->context, exception->id, &parked);
    out->mine = result == XD_OK;
    if (result != XD_NOT_FOUND) {
        return result == XD_OK ? resolve_line(&resolving, &parked) : result;
    }
    if (is_one_of(exception->code, documents)) {
        result = find_document(&resolving, &row);
        out->mine = result == XD_OK && row.state == XD_CONFIRMATION_PARKED;
        result = result == XD_NOT_FOUND ? XD_OK : result;
        return out->mine ? resolve_document(&resolving, &row) : result;
    }
    if (xd_hub_is_held(exception) && exception->release_id[0] != 0) {
        out->mine = true;
        return resolve_remainder(&resolving);
    }
    if (strcmp(exception->code, "ERP_REJECTED_SHIPMENT") == 0 && action == XD_ACTION_RETRY) {
        out->mine = true;
        return post_again(&resolving);
    }
    return XD_OK;
}
