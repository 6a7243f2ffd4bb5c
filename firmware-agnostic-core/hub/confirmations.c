/* Confirmations: matched to releases line by line, applied, posted.
 *
 *   lines in = applied + parked + rejected, for every document, at every commit.
 *
 * A confirmation whose release is not there waits for it and resumes by itself.
 * Each release that it names becomes one ERP posting with a reference of its own. */
#include "hub/hub_internal.h"
#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/orchestration/quantities.h"
#include "hub/orchestration/stock.h"

#include <stdio.h>
#include <string.h>

/* One release that the confirmation names. */
struct matched {
    struct xd_release_row row;
    struct xd_release_lines lines;
    struct xd_order_lines order_lines; /* of the first release of its order; the others are empty */
    struct matched *order_at;          /* where the order's lines are: two copies would undo each other */
    struct xd_order_row order;
    struct xd_job_line_row *posting; /* lines of its ERP job */
    size_t posting_count;
    bool sale_stale; /* something is cancelled that the posting does not say */
};

struct applying {
    struct xd_hub *hub;
    struct xd_now now;
    struct xd_confirmation_row *row;
    const struct xd_confirmation *confirmation;
    struct matched *releases;
    size_t release_count;
    const char *first_code, *first_detail; /* of what was parked or odd */
};

/* ---- telling the site ---- */

enum xd_result xd_hub_tell(struct xd_hub *hub, const char *site_name, const struct xd_settled *settled,
                           struct xd_now now) {
    struct xd_hub_site *site = xd_hub_site_find(hub, site_name);
    char id[XD_NAME_SIZE * 3];
    struct xd_buffer text;
    if (site == NULL || XD_MUTANT(SETTLED_NOT_SENT)) {
        return XD_OK;
    }
    xd_buffer_init(&text, 0);
    xd_settled_write(settled, &text);
    enum xd_result result = xd_buffer_result(&text);
    if (result == XD_OK) {
        snprintf(id, sizeof id, "%s/%s/%lld", settled->document, settled->document_id,
                 (long long)settled->document_version);
        result = xd_hub_send(hub, site, XD_LANE_NOTICE, XD_DOC_SETTLED, id, settled->version, NULL,
                             xd_buffer_view(&text), now);
    }
    xd_buffer_free(&text);
    return result;
}

enum xd_result xd_hub_tell_fate(struct xd_hub *hub, struct xd_confirmation_row *row, enum xd_outcome outcome,
                                const char *code, const char *detail, struct xd_now now) {
    row->fate_version++;
    struct xd_settled settled = {.document_id = row->confirmation_id,
                                 .document = "confirmation",
                                 .document_version = row->version,
                                 .version = row->fate_version,
                                 .outcome = (int)outcome,
                                 .code = code,
                                 .detail = detail};
    return xd_hub_tell(hub, row->site, &settled, now);
}

/* ---- complaints ---- */

static enum xd_result complain(struct applying *applying, const struct matched *match, const char *line_id,
                               struct xd_decimal qty, const char *code, bool info, const char *detail) {
    struct xd_complaint complaint = {.code = code,
                                     .info = info,
                                     .site = applying->row->site,
                                     .order_id = match != NULL ? match->order.order_id : NULL,
                                     .release_id = match != NULL ? match->row.release_id : NULL,
                                     .line_id = line_id,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = applying->row->confirmation_id,
                                     .version = applying->row->version,
                                     .qty = qty,
                                     .detail = detail};
    if (!info && applying->first_code == NULL) {
        applying->first_code = code;
        applying->first_detail = detail;
    }
    return xd_hub_complain(applying->hub, &complaint, applying->now);
}

/* The whole document waits for a person or for its release. */
static enum xd_result park_all(struct applying *applying, const char *code, const char *waits_for,
                               const char *detail) {
    struct xd_confirmation_row *row = applying->row;
    row->state = XD_CONFIRMATION_PARKED;
    row->lines_applied = row->lines_rejected = 0;
    row->lines_parked = row->lines_in;
    xd_copy(row->waits_for, sizeof row->waits_for, waits_for);
    applying->hub->counters.confirmations_parked++;
    enum xd_result result = complain(applying, NULL, NULL, xd_decimal_of(0), code, false, detail);
    return result == XD_OK
               ? xd_hub_tell_fate(applying->hub, row, XD_OUTCOME_PARKED, code, detail, applying->now)
               : result;
}

/* ---- matching ---- */

static void free_matches(struct applying *applying) {
    for (size_t index = 0; index < applying->release_count; index++) {
        xd_free(applying->releases[index].lines.rows);
        xd_free(applying->releases[index].order_lines.rows);
        xd_free(applying->releases[index].posting);
    }
    xd_free(applying->releases);
}

/* XD_NOT_FOUND: it may come yet. XD_DENIED: it is another site's, and will not come to this one. */
static enum xd_result find_release(struct applying *applying, const char *release_id) {
    const struct xd_hub_store *store = applying->hub->config.store;
    struct xd_release_row *row = &applying->releases[applying->release_count].row;
    if (strlen(release_id) >= sizeof row->release_id) {
        return XD_NOT_FOUND;
    }
    enum xd_result result = store->release_get(store->context, release_id, row);
    if (result == XD_OK && strcmp(row->site, applying->row->site) != 0) {
        return XD_DENIED;
    }
    applying->release_count += result == XD_OK;
    return result;
}

/* All of them, before anything of the first is read: a claim may take from its neighbours. */
static enum xd_result claim_releases(struct applying *applying) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < applying->release_count && result == XD_OK; index++) {
        result = xd_hub_claim(applying->hub, &applying->releases[index].row, applying->confirmation,
                              applying->row, applying->now);
    }
    return result;
}

static enum xd_result load_release(struct applying *applying, struct matched *match) {
    struct xd_hub *hub = applying->hub;
    const struct xd_hub_store *store = hub->config.store;
    char release_id[XD_ID_SIZE];
    memcpy(release_id, match->row.release_id, sizeof release_id);
    enum xd_result result = store->release_get(store->context, release_id, &match->row);
    if (result == XD_OK) {
        result = store->order_get(store->context, match->row.order_id, &match->order);
    }
    if (result == XD_OK) {
        result = xd_hub_release_lines_load(hub, release_id, &match->lines);
    }
    match->order_at = match;
    for (struct matched *before = match; result == XD_OK && before > applying->releases; before--) {
        if (strcmp(before[-1].row.order_id, match->row.order_id) == 0) {
            match->order_at = &before[-1];
        }
    }
    if (result == XD_OK && match->order_at == match) {
        result = xd_hub_lines_load(hub, match->row.order_id, &match->order_lines);
    }
    if (result == XD_OK) {
        size_t most = applying->confirmation->line_count + match->lines.count;
        match->posting = xd_alloc(most * sizeof *match->posting);
        result = match->posting == NULL ? XD_NO_MEMORY : XD_OK;
    }
    return result;
}

static struct matched *release_of_line(struct applying *applying, const struct xd_confirmation_line *line) {
    for (size_t index = 0; index < applying->release_count; index++) {
        struct matched *match = &applying->releases[index];
        if (line->release_id == NULL || strcmp(line->release_id, match->row.release_id) == 0) {
            return match;
        }
    }
    return NULL;
}

static struct xd_release_line_row *find_release_line(struct matched *match, const char *line_id) {
    for (size_t index = 0; match != NULL && index < match->lines.count; index++) {
        if (strcmp(match->lines.rows[index].line_id, line_id) == 0) {
            return &match->lines.rows[index];
        }
    }
    return NULL;
}

static struct xd_order_line_row *find_order_line(struct matched *match, const char *line_id) {
    struct xd_order_lines *lines = &match->order_at->order_lines;
    for (size_t index = 0; index < lines->count; index++) {
        if (strcmp(lines->rows[index].line_id, line_id) == 0) {
            return &lines->rows[index];
        }
    }
    return NULL;
}

/* ---- applying one line ---- */

static enum xd_result add(struct xd_decimal *sum, struct xd_decimal value) {
    return xd_decimal_add(*sum, value, sum);
}

static enum xd_result move(struct xd_decimal *from, struct xd_decimal *to, struct xd_decimal value) {
    enum xd_result result = xd_decimal_subtract(*from, value, from);
    return result == XD_OK ? add(to, value) : result;
}

/* What is left of the line goes where the site says; but what nobody wants any more is cancelled. */
static enum xd_result move_remainder(struct xd_release_line_row *released, struct xd_order_line_row *ordered,
                                     const struct xd_line_decision *decision, bool wanted) {
    bool opens = decision->remainder == XD_REMAINDER_OPEN && wanted;
    struct xd_decimal cancelled = opens ? xd_decimal_min(released->unwanted, decision->rest) : decision->rest;
    struct xd_decimal opened;
    enum xd_result result = xd_decimal_subtract(decision->rest, cancelled, &opened);
    if (result == XD_OK) {
        result = add(&released->closed, decision->rest);
    }
    if (result == XD_OK) {
        result = move(&ordered->released, &ordered->cancelled, cancelled);
    }
    if (result == XD_OK) {
        result = move(&ordered->released, &ordered->open, opened);
    }
    return result == XD_OK ? add(&ordered->backordered, opened) : result;
}

/* wanted: the order was not cancelled. */
static enum xd_result move_quantities(struct xd_release_line_row *released, struct xd_order_line_row *ordered,
                                      const struct xd_line_decision *decision, bool wanted) {
    enum xd_result result = add(&released->shipped, decision->shipped);
    if (result == XD_OK) {
        result = add(&released->over, decision->over);
    }
    if (result == XD_OK) {
        result = XD_MUTANT(QUANTITY_NOT_MOVED)
                     ? add(&ordered->shipped, decision->shipped)
                     : move(&ordered->released, &ordered->shipped, decision->shipped);
    }
    if (result == XD_OK) {
        result = add(&ordered->overshipped, decision->over);
    }
    if (result == XD_OK && decision->remainder != XD_REMAINDER_KEEP) {
        result = move_remainder(released, ordered, decision, wanted);
    }
    released->asked = xd_decimal_min(released->asked, xd_release_line_rest(released));
    released->unwanted = xd_decimal_min(released->unwanted, released->asked);
    return result;
}

/* The ERP closes a line whole: while anything else of it may ship, the sale is changed instead. */
static enum xd_result post_line(struct matched *match, const struct xd_release_line_row *released,
                                const struct xd_order_line_row *ordered, bool cancelled,
                                const struct xd_line_decision *decision) {
    bool over = xd_decimal_is_zero(ordered->open) && xd_decimal_is_zero(ordered->allocated) &&
                xd_decimal_is_zero(ordered->released);
    bool close = cancelled && over;
    match->sale_stale = match->sale_stale || (cancelled && !over);
    struct xd_job_line_row *line = &match->posting[match->posting_count];
    memset(line, 0, sizeof *line);
    struct xd_decimal excess = XD_MUTANT(OVERSHIPMENT_DROPPED) ? xd_decimal_of(0) : decision->over;
    enum xd_result result = xd_decimal_add(decision->shipped, excess, &line->qty);
    if (result == XD_OK && xd_decimal_is_zero(line->qty) && !close) {
        return XD_OK; /* nothing was shipped and more may come: no news for the ERP */
    }
    if (result == XD_OK) {
        memcpy(line->release_id, match->row.release_id, sizeof line->release_id);
        memcpy(line->line_id, released->line_id, sizeof line->line_id);
        memcpy(line->sku, released->sku, sizeof line->sku);
        memcpy(line->uom, released->uom, sizeof line->uom);
        line->factor_num = released->factor_num;
        line->factor_den = released->factor_den;
        line->unbilled = decision->unbilled;
        line->close = close;
        match->posting_count++;
    }
    return result;
}

/* What left the site is not there any more, and what will not be shipped on this release is not promised. */
static enum xd_result move_stock(struct applying *applying, const struct matched *match,
                                 const struct xd_release_line_row *released,
                                 const struct xd_line_decision *decision) {
    struct xd_hub *hub = applying->hub;
    struct xd_decimal shipped = decision->shipped, left, base;
    enum xd_result result = xd_decimal_add(decision->shipped, decision->over, &left);
    if (result == XD_OK) {
        result = xd_decimal_ratio(left, released->factor_num, released->factor_den, &left);
    }
    if (result == XD_OK) {
        result = xd_decimal_ratio(shipped, released->factor_num, released->factor_den, &shipped);
    }
    if (result == XD_OK && xd_decimal_sign(left) > 0) {
        result = xd_stock_ship(hub, match->row.site, released->sku, left, shipped);
    }
    if (result == XD_OK && decision->remainder != XD_REMAINDER_KEEP && xd_decimal_sign(decision->rest) > 0) {
        result = xd_decimal_ratio(decision->rest, released->factor_num, released->factor_den, &base);
        result = result == XD_OK ? xd_stock_unreserve(hub, match->row.site, released->sku, base) : result;
    }
    return result;
}

static enum xd_result apply_decision(struct applying *applying, struct matched *match,
                                     struct xd_release_line_row *released,
                                     const struct xd_line_decision *decision) {
    const struct xd_hub_store *store = applying->hub->config.store;
    struct xd_order_line_row *ordered = find_order_line(match, released->line_id);
    if (ordered == NULL) {
        return XD_CORRUPT;
    }
    struct xd_release_line_row released_then = *released;
    struct xd_order_line_row ordered_then = *ordered;
    bool cancelled = false;
    enum xd_result result = move_quantities(&released_then, &ordered_then, decision, !match->order.cancelled);
    if (result == XD_OK) {
        cancelled = xd_decimal_compare(ordered_then.cancelled, ordered->cancelled) > 0;
        *released = released_then;
        *ordered = ordered_then;
        result = store->release_line_save(store->context, match->row.release_id, released);
    }
    if (result == XD_OK) {
        result = store->order_line_save(store->context, match->order.order_id, ordered);
    }
    if (result == XD_OK) {
        result = post_line(match, released, ordered, cancelled, decision);
    }
    if (result == XD_OK) {
        result = move_stock(applying, match, released, decision);
    }
    if (result == XD_OK && decision->code != NULL) {
        result = complain(applying, match, released->line_id, decision->rest, decision->code, decision->info,
                          decision->detail);
    }
    return result;
}

/* Whether the document speaks of the same line of the same release again after `from`. */
static bool speaks_again(struct applying *applying, const struct matched *match, size_t from) {
    const struct xd_confirmation *confirmation = applying->confirmation;
    for (size_t index = from + 1; index < confirmation->line_count; index++) {
        if (strcmp(confirmation->lines[index].line_id, confirmation->lines[from].line_id) == 0 &&
            release_of_line(applying, &confirmation->lines[index]) == match) {
            return true;
        }
    }
    return false;
}

static enum xd_result park_line(struct applying *applying, const struct matched *match,
                                const struct xd_confirmation_line *line, const char *code,
                                const char *detail) {
    applying->row->lines_parked++;
    applying->hub->counters.lines_parked++;
    return complain(applying, match, line->line_id, line->qty_shipped, code, false, detail);
}

static enum xd_result apply_line(struct applying *applying, size_t index) {
    const struct xd_confirmation_line *line = &applying->confirmation->lines[index];
    struct matched *match = release_of_line(applying, line);
    struct xd_release_line_row *released = find_release_line(match, line->line_id);
    struct xd_line_decision decision;
    enum xd_result result = xd_reconcile_line(
        released, line, released != NULL && speaks_again(applying, match, index),
        (enum xd_confirmation_kind)applying->confirmation->kind, &applying->hub->config.policies, &decision);
    if (result == XD_OK && decision.park) {
        return park_line(applying, match, line, decision.code, decision.detail);
    }
    if (result == XD_OK) {
        result = apply_decision(applying, match, released, &decision);
    }
    if (result == XD_INVALID) { /* sums that do not fit a decimal: nothing was changed */
        return park_line(applying, match, line, "QUANTITY_OUT_OF_RANGE",
                         "The quantity cannot be added to what was shipped before.");
    }
    applying->row->lines_applied += result == XD_OK;
    return result;
}

static bool listed(struct applying *applying, const struct matched *match, const char *line_id) {
    for (size_t index = 0; index < applying->confirmation->line_count; index++) {
        const struct xd_confirmation_line *line = &applying->confirmation->lines[index];
        if (strcmp(line->line_id, line_id) == 0 && release_of_line(applying, line) == match) {
            return true;
        }
    }
    return false;
}

/* A full report that says nothing of a line says that none of it was shipped. */
static enum xd_result apply_unlisted(struct applying *applying, struct matched *match) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < match->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *released = &match->lines.rows[index];
        struct xd_line_decision decision;
        if (listed(applying, match, released->line_id)) {
            continue;
        }
        result = xd_reconcile_unlisted(released, &applying->hub->config.policies, &decision);
        if (result == XD_OK && decision.remainder != XD_REMAINDER_KEEP) {
            result = apply_decision(applying, match, released, &decision);
        }
    }
    return result;
}

/* ---- the release afterwards ---- */

static int release_status(const struct matched *match) {
    bool all_done = true, shipped = false, closed = false;
    for (size_t index = 0; index < match->lines.count; index++) {
        const struct xd_release_line_row *line = &match->lines.rows[index];
        struct xd_decimal done;
        if (xd_decimal_add(line->shipped, line->closed, &done) != XD_OK ||
            xd_decimal_compare(done, line->qty) < 0) {
            all_done = false;
        }
        shipped = shipped || xd_decimal_sign(line->shipped) > 0;
        closed = closed || xd_decimal_sign(line->closed) > 0;
    }
    if (all_done) {
        return closed ? XD_RELEASE_SHORT_CLOSED : XD_RELEASE_SHIPPED;
    }
    if (shipped && match->row.status < XD_RELEASE_PART_SHIPPED) {
        return XD_RELEASE_PART_SHIPPED;
    }
    return match->row.status < XD_RELEASE_ACKED ? XD_RELEASE_ACKED : match->row.status;
}

static void job_of(const struct applying *applying, const struct matched *match, struct xd_job_row *job) {
    memset(job, 0, sizeof *job);
    job->kind = XD_ERP_SHIPMENT;
    xd_hub_job_of(applying->hub, &match->order, applying->now, job);
    snprintf(job->reference, sizeof job->reference, "%s/%s/%lld/%s", applying->row->site,
             applying->row->confirmation_id, (long long)applying->row->version, match->row.release_id);
    job->state = XD_JOB_QUEUED;
    memcpy(job->site, applying->row->site, sizeof job->site);
    memcpy(job->confirmation_id, applying->row->confirmation_id, sizeof job->confirmation_id);
    job->confirmation_version = applying->row->version;
    job->at = applying->confirmation->shipped_at;
}

/* Who confirms a release has it, whether it answered or not. */
static enum xd_result infer_ack(struct applying *applying, const struct matched *match) {
    enum xd_result result = xd_hub_timeline(applying->hub, &match->order, "release.ack_inferred",
                                            applying->now, "\"release_id\":\"%s\"", match->row.release_id);
    return result == XD_OK ? complain(applying, match, NULL, xd_decimal_of(0), "ACK_INFERRED", true,
                                      "A confirmation came before the site acknowledged the release.")
                           : result;
}

static enum xd_result finish_release(struct applying *applying, struct matched *match) {
    struct xd_hub *hub = applying->hub;
    const struct xd_hub_store *store = hub->config.store;
    char id[XD_QUOTED_SIZE];
    bool asked = match->row.cancel == XD_CANCEL_REQUESTED, ends = false;
    enum xd_result result = XD_OK;
    if (match->posting_count > 0) {
        struct xd_job_row job;
        job_of(applying, match, &job);
        result = xd_hub_job_add(hub, &job, match->posting, match->posting_count);
        applying->row->jobs_open++;
    }
    if (result == XD_OK && match->row.status < XD_RELEASE_ACKED) {
        result = infer_ack(applying, match);
    }
    if (result == XD_OK) {
        match->row.status = release_status(match);
        ends = !xd_release_is_live(&match->row);
        match->row.ack_by = asked && !ends ? match->row.ack_by : 0;
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
        result = xd_hub_order_fold(hub, match->order.order_id, match->sale_stale, applying->now);
    }
    if (result == XD_OK && asked && ends) {
        result = xd_hub_request_over(hub, &match->row, applying->now);
    }
    return result == XD_OK ? xd_hub_event_shipped(hub, &match->row, applying->row, match->posting,
                                                  match->posting_count, applying->now)
                           : result;
}

/* All that was to post is in the ERP. */
static enum xd_result posted(struct xd_hub *hub, struct xd_confirmation_row *row, struct xd_now now) {
    bool parked = row->lines_parked > 0;
    row->state = XD_CONFIRMATION_POSTED;
    return xd_hub_tell_fate(hub, row, XD_OUTCOME_POSTED, parked ? "LINES_PARKED" : NULL,
                            parked ? "Some lines are parked; see the hub's exceptions." : NULL, now);
}

static enum xd_result apply_all(struct applying *applying) {
    struct xd_confirmation_row *row = applying->row;
    const struct xd_confirmation *confirmation = applying->confirmation;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < confirmation->line_count && result == XD_OK; index++) {
        result = apply_line(applying, index);
    }
    for (size_t index = 0; index < applying->release_count && result == XD_OK; index++) {
        if (confirmation->reporting == XD_REPORTING_FULL) {
            result = apply_unlisted(applying, &applying->releases[index]);
        }
        if (result == XD_OK) {
            result = finish_release(applying, &applying->releases[index]);
        }
    }
    if (result != XD_OK) {
        return result;
    }
    if (row->jobs_open > 0) {
        row->state = XD_CONFIRMATION_APPLIED;
        applying->hub->counters.confirmations_applied++;
        return XD_OK; /* its fate is told when the ERP has it */
    }
    if (row->lines_applied > 0) { /* "nothing left, nothing will yet": there is nothing to post */
        applying->hub->counters.confirmations_applied++;
        return posted(applying->hub, row, applying->now);
    }
    row->state = XD_CONFIRMATION_PARKED;
    applying->hub->counters.confirmations_parked++;
    return xd_hub_tell_fate(applying->hub, row, XD_OUTCOME_PARKED, applying->first_code,
                            applying->first_detail, applying->now);
}

/* Decides a confirmation; row gets state and counts, the caller stores it. */
static enum xd_result apply(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                            struct xd_confirmation_row *row, struct xd_now now) {
    struct applying applying = {.hub = hub, .now = now, .row = row, .confirmation = confirmation};
    row->lines_in = (int64_t)confirmation->line_count;
    row->lines_applied = row->lines_parked = row->lines_rejected = 0;
    row->waits_for[0] = 0;
    if (confirmation->kind == XD_KIND_VOID || confirmation->kind == XD_KIND_REVERSAL) {
        return park_all(&applying, "REVERSED", "",
                        "A shipment is taken back; a person decides how it is undone.");
    }
    applying.releases = xd_alloc(confirmation->release_count * sizeof *applying.releases);
    enum xd_result result = applying.releases == NULL ? XD_NO_MEMORY : XD_OK;
    for (size_t index = 0; index < confirmation->release_count && result == XD_OK; index++) {
        result = find_release(&applying, confirmation->release_ids[index]);
        if (result == XD_NOT_FOUND || result == XD_DENIED) {
            /* The words are the same: that another site has it is none of this site's business. */
            free_matches(&applying);
            return park_all(
                &applying, "UNKNOWN_RELEASE", result == XD_NOT_FOUND ? confirmation->release_ids[index] : "",
                "There is no such release for this site yet; it is applied by itself when it arrives.");
        }
    }
    if (result == XD_OK) {
        result = claim_releases(&applying);
    }
    for (size_t index = 0; index < applying.release_count && result == XD_OK; index++) {
        result = load_release(&applying, &applying.releases[index]);
    }
    if (result == XD_OK) {
        result = apply_all(&applying);
    }
    free_matches(&applying);
    return result;
}

/* ---- arrival ---- */

static enum xd_result conflicting(struct xd_hub *hub, const struct xd_arrived *arrived, const char *code,
                                  const char *detail, struct xd_now now) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char source[64];
    snprintf(source, sizeof source, "line/%s", arrived->site->row.site);
    struct xd_quarantine_row kept = {.at = now.wall,
                                     .source = source,
                                     .code = code,
                                     .detail = detail,
                                     .sha256 = xd_sha256(arrived->body),
                                     .times = 1,
                                     .body = arrived->body};
    struct xd_complaint complaint = {.code = code,
                                     .site = arrived->site->row.site,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = arrived->document_id,
                                     .version = arrived->version,
                                     .detail = detail};
    hub->counters.confirmations_parked++;
    enum xd_result result = store->quarantine_add(store->context, &kept);
    return result == XD_OK ? xd_hub_complain(hub, &complaint, now) : result;
}

static void row_of(const struct xd_arrived *arrived, const struct xd_confirmation *confirmation,
                   struct xd_now now, struct xd_confirmation_row *row) {
    memset(row, 0, sizeof *row);
    memcpy(row->site, arrived->site->row.site, sizeof row->site);
    xd_copy(row->confirmation_id, sizeof row->confirmation_id, confirmation->confirmation_id);
    row->version = confirmation->version;
    row->hash = arrived->document->hash;
    xd_copy(row->shipment_id, sizeof row->shipment_id, confirmation->shipment_id);
    row->received_at = now.wall;
    row->body = arrived->body;
}

enum xd_result xd_hub_confirmation(struct xd_hub *hub, const struct xd_arrived *arrived, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation confirmation;
    struct xd_confirmation_row row, known;
    int64_t latest = 0;
    xd_problems_clear(&hub->problems);
    enum xd_result result =
        xd_confirmation_read(arrived->document, arrived->data, &confirmation, &hub->problems);
    if (result == XD_INVALID) {
        return conflicting(hub, arrived, "UNUSABLE_DOCUMENT", "The confirmation cannot be read.", now);
    }
    if (result != XD_OK) {
        return result;
    }
    row_of(arrived, &confirmation, now, &row);
    result = store->confirmation_get(store->context, row.site, row.confirmation_id, row.version, &known);
    bool twice = XD_MUTANT(CONFIRMATION_TWICE);
    if (result == XD_OK && !twice) {
        return conflicting(hub, arrived, "CONFLICTING_CONFIRMATION",
                           "The same id and version came before with another content; that one counts.", now);
    }
    result = result == XD_NOT_FOUND
                 ? store->confirmation_latest(store->context, row.site, row.confirmation_id, &latest)
                 : result;
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    if (result == XD_OK && !twice) { /* another version was applied: correcting it is a person's decision */
        struct applying applying = {.hub = hub, .now = now, .row = &row, .confirmation = &confirmation};
        row.lines_in = (int64_t)confirmation.line_count;
        result =
            park_all(&applying, "CORRECTION", "", "Another version was applied before; a person decides.");
    } else {
        result = apply(hub, &confirmation, &row, now);
    }
    return result == XD_OK ? store->confirmation_put(store->context, &row) : result;
}

/* ---- resuming ---- */

#define RESUME_PAGE 16u

struct waiting {
    struct xd_confirmation_row rows[RESUME_PAGE];
    size_t count;
};

static enum xd_result collect_waiting(void *context, const struct xd_confirmation_row *row) {
    struct waiting *waiting = context;
    waiting->rows[waiting->count++] = *row;
    return XD_OK;
}

/* It cannot be read any more (written anew, it may be longer than a document may be):
 * it waits for a person, and the release does not wait for it. */
static enum xd_result stays_parked(struct xd_hub *hub, struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_complaint complaint = {.code = "UNUSABLE_DOCUMENT",
                                     .site = row->site,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = row->confirmation_id,
                                     .version = row->version,
                                     .detail = "Its release is here, but the confirmation that waited for it "
                                               "cannot be read again; a person decides."};
    row->waits_for[0] = 0;
    enum xd_result result = xd_hub_complain(hub, &complaint, now);
    return result == XD_OK ? store->confirmation_save(store->context, row) : result;
}

static enum xd_result resume_one(struct xd_hub *hub, struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_document document;
    struct xd_confirmation confirmation;
    struct xd_buffer body;
    memset(&document, 0, sizeof document);
    xd_buffer_init(&body, 0);
    xd_problems_clear(&hub->problems);
    enum xd_result result =
        store->confirmation_body(store->context, row->site, row->confirmation_id, row->version, &body);
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&body), &document, &hub->problems);
    }
    if (result == XD_OK) {
        result = xd_confirmation_read(&document, document.tree, &confirmation, &hub->problems);
    }
    if (result == XD_INVALID) {
        result = stays_parked(hub, row, now);
        xd_document_free(&document);
        xd_buffer_free(&body);
        return result;
    }
    if (result == XD_OK) {
        result = xd_hub_exceptions_close(hub, row->site, XD_DOC_CONFIRMATION, row->confirmation_id,
                                         row->version, "UNKNOWN_RELEASE", now);
    }
    if (result == XD_OK) {
        result = apply(hub, &confirmation, row, now);
    }
    if (result == XD_OK) {
        result = store->confirmation_save(store->context, row);
    }
    xd_document_free(&document);
    xd_buffer_free(&body);
    return result;
}

enum xd_result xd_hub_resume(struct xd_hub *hub, const char *release_id, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct waiting *waiting = xd_alloc(sizeof *waiting);
    enum xd_result result = waiting == NULL ? XD_NO_MEMORY : xd_hub_responses_resume(hub, release_id, now);
    while (result == XD_OK) {
        waiting->count = 0;
        result =
            store->confirmation_waiting(store->context, release_id, RESUME_PAGE, collect_waiting, waiting);
        for (size_t index = 0; index < waiting->count && result == XD_OK; index++) {
            result = resume_one(hub, &waiting->rows[index], now);
        }
        if (waiting->count < RESUME_PAGE) {
            break;
        }
    }
    xd_free(waiting);
    return result;
}

/* ---- the ERP's word ---- */

enum xd_result xd_hub_shipment_done(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    struct xd_order_row order;
    char id[XD_QUOTED_SIZE], document[XD_QUOTED_SIZE];
    enum xd_result result = store->confirmation_get(store->context, job->site, job->confirmation_id,
                                                    job->confirmation_version, &row);
    if (result == XD_OK) {
        result = store->order_get(store->context, job->order_id, &order);
    }
    if (result == XD_OK) {
        result = xd_hub_timeline(hub, &order, "shipment.posted", now,
                                 "\"confirmation_id\":%s,\"erp\":\"%s\",\"shipment\":%s,\"attempt\":%lld",
                                 xd_hub_quote(job->confirmation_id, id), job->erp,
                                 xd_hub_quote(job->document, document), (long long)job->attempt);
    }
    if (result != XD_OK) {
        return result;
    }
    row.jobs_open--;
    if (row.jobs_open == 0) {
        result = posted(hub, &row, now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, &row) : result;
}

enum xd_result xd_hub_shipment_rejected(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    char detail[256];
    snprintf(detail, sizeof detail, "%.47s: %.199s", job->code, job->detail);
    struct xd_complaint complaint = {.code = "ERP_REJECTED_SHIPMENT",
                                     .site = job->site,
                                     .order_id = job->order_id,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = job->confirmation_id,
                                     .version = job->confirmation_version,
                                     .detail = detail};
    enum xd_result result = xd_hub_complain(hub, &complaint, now);
    if (result == XD_OK) {
        result = store->confirmation_get(store->context, job->site, job->confirmation_id,
                                         job->confirmation_version, &row);
    }
    if (result == XD_OK) {
        result = xd_hub_tell_fate(hub, &row, XD_OUTCOME_PARKED, "ERP_REJECTED_SHIPMENT", detail, now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, &row) : result;
}
