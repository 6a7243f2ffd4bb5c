/* A part of what was shipped is taken back. In the ERP the posting is undone as a whole, and what is left of
 * it is posted anew after that. */
#include "hub/confirmations/taking_back.h"

#include "base/memory.h"

#include <string.h>

/* A posting of which something is taken back. */
struct part {
    struct xd_job_row job;
    struct xd_job_line_rows before, left; /* owned */
    bool touched;
};

static bool speaks_of(const struct xd_job_line_row *posted, const struct xd_confirmation_line *line) {
    return strcmp(posted->line_id, line->line_id) == 0 &&
           (line->lot == NULL || posted->lot[0] == 0 || strcmp(posted->lot, line->lot) == 0);
}

static enum xd_result take_from(struct xd_back *back, struct part *part,
                                const struct xd_confirmation_line *line, struct xd_decimal *qty) {
    enum xd_result result = XD_OK;
    for (size_t index = part->left.count; index > 0 && result == XD_OK; index--) {
        struct xd_job_line_row *posted = &part->left.rows[index - 1];
        struct xd_decimal taken = xd_decimal_min(*qty, posted->qty);
        struct xd_release_line_row *released = xd_back_line(back, posted->line_id);
        if (!speaks_of(posted, line) || xd_decimal_sign(taken) <= 0) {
            continue;
        }
        part->touched = true;
        result = released == NULL ? XD_CORRUPT : xd_back_take(back, released, posted->sku, taken);
        if (result == XD_OK) {
            result = xd_decimal_subtract(posted->qty, taken, &posted->qty);
        }
        posted->unbilled = xd_decimal_min(posted->unbilled, posted->qty);
        if (result == XD_OK) {
            result = xd_decimal_subtract(*qty, taken, qty);
        }
    }
    return result;
}

/* Whether nothing of the confirmation is left that was posted; only where one release is all that it speaks
 * of can that be told from here. */
static enum xd_result is_gone(struct xd_back *back, const struct xd_confirmation_row *row, bool *gone) {
    struct xd_hub *hub = back->reversing->hub;
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows jobs = {NULL, 0, 0};
    struct xd_stored stored;
    enum xd_result result = xd_stored_open(hub, row, &stored);
    *gone = result == XD_OK && stored.confirmation.release_count == 1;
    xd_stored_close(&stored);
    if (result == XD_OK) {
        result = store->job_shipments(store->context, back->conduct.order.order_id, xd_job_collect, &jobs);
    }
    for (size_t index = 0; index < jobs.count; index++) {
        const struct xd_job_row *job = &jobs.rows[index];
        bool its = strcmp(job->confirmation_id, row->confirmation_id) == 0 &&
                   strcmp(job->site, row->site) == 0 && job->confirmation_version == row->base;
        *gone = *gone && !(its && !job->reversed && job->state != XD_JOB_WITHDRAWN);
    }
    xd_free(jobs.rows);
    return result;
}

static size_t drop_what_is_gone(struct xd_job_line_rows *left) {
    size_t kept = 0;
    for (size_t index = 0; index < left->count; index++) {
        const struct xd_job_line_row *line = &left->rows[index];
        if (xd_decimal_sign(line->qty) > 0 || line->close) {
            left->rows[kept++] = *line;
        }
    }
    return kept;
}

/* Nothing of the posting is left: what else the confirmation posts may be in the ERP by now. */
static enum xd_result post_nothing(struct xd_back *back, struct xd_confirmation_row *row) {
    struct xd_hub *hub = back->reversing->hub;
    const struct xd_hub_store *store = hub->config.store;
    bool gone = false; /* what it closed stays closed */
    enum xd_result result = is_gone(back, row, &gone);
    if (result == XD_OK && gone) {
        return xd_reverse_retire(back->reversing, row, XD_CONFIRMATION_REVERSED);
    }
    if (result == XD_OK && row->jobs_open == 0 && row->state == XD_CONFIRMATION_APPLIED) {
        result = xd_confirmation_posted(hub, row, back->reversing->now);
    }
    return result == XD_OK ? store->confirmation_save(store->context, row) : result;
}

/* What is left of the posting is posted anew, when the posting itself is undone; after: what undoes it; 0:
 * the ERP refused it, and it is not to be done any more. */
static enum xd_result post_rest(struct xd_back *back, struct part *part, int64_t after) {
    struct xd_hub *hub = back->reversing->hub;
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_row row;
    struct xd_job_row job;
    size_t kept = drop_what_is_gone(&part->left);
    enum xd_result result = xd_confirmation_current(hub, part->job.site, part->job.confirmation_id,
                                                    part->job.confirmation_version, &row);
    if (result != XD_OK) {
        return result;
    }
    row.jobs_open -= after == 0;
    if (kept == 0) {
        return post_nothing(back, &row);
    }
    xd_back_fill_job(back, &part->job, XD_ERP_SHIPMENT, &job);
    memcpy(job.confirmation_id, part->job.confirmation_id, sizeof job.confirmation_id);
    job.confirmation_version = part->job.confirmation_version;
    job.after = after;
    job.state = after != 0 ? XD_JOB_HELD : XD_JOB_QUEUED;
    row.jobs_open++;
    row.state = XD_CONFIRMATION_APPLIED;
    result = xd_confirmation_reference(hub, &row, job.order_id, back->work.row.release_id, job.reference);
    if (result == XD_OK) {
        result = xd_hub_job_add(hub, &job, part->left.rows, kept);
    }
    return result == XD_OK ? store->confirmation_save(store->context, &row) : result;
}

static enum xd_result finish_part(struct xd_back *back, struct part *part) {
    int64_t number;
    if (!part->touched) {
        return XD_OK;
    }
    enum xd_result result = xd_back_undo(back, &part->job, &part->before, &number);
    if (result == XD_OK && number == 0) {
        result = xd_job_uncomplain(back->reversing->hub, &part->job, back->reversing->now);
    }
    return result == XD_OK ? post_rest(back, part, number) : result;
}

/* So much of it is there in all. */
static enum xd_result count_shipped(const struct part *parts, size_t count,
                                    const struct xd_confirmation_line *line, struct xd_decimal *sum) {
    enum xd_result result = XD_OK;
    *sum = xd_decimal_of(0);
    for (size_t part = 0; part < count; part++) {
        for (size_t index = 0; index < parts[part].left.count && result == XD_OK; index++) {
            const struct xd_job_line_row *posted = &parts[part].left.rows[index];
            result = speaks_of(posted, line) ? xd_decimal_add(*sum, posted->qty, sum) : XD_OK;
        }
    }
    return result;
}

static enum xd_result load_parts(struct xd_back *back, struct part **out, size_t *count) {
    struct xd_job_rows jobs;
    enum xd_result result = xd_back_postings(back, &jobs);
    struct part *parts = result == XD_OK ? xd_alloc((jobs.count + 1) * sizeof *parts) : NULL;
    *out = parts;
    *count = 0;
    result = result == XD_OK && parts == NULL ? XD_NO_MEMORY : result;
    for (size_t index = 0; index < jobs.count && result == XD_OK; index++) {
        struct part *part = &parts[(*count)++];
        memset(part, 0, sizeof *part);
        part->job = jobs.rows[index];
        result = xd_back_lines(back, &part->job, &part->before);
        result = result == XD_OK ? xd_back_lines(back, &part->job, &part->left) : result;
        for (size_t row = 0; row < part->left.count && result == XD_OK; row++) {
            const struct xd_release_line_row *line = xd_back_line(back, part->left.rows[row].line_id);
            result = line != NULL ? xd_posted_in_unit_of(line, &part->left.rows[row]) : XD_OK;
        }
    }
    xd_free(jobs.rows);
    return result;
}

enum xd_result xd_reverse_line(struct xd_reversing *reversing, const struct xd_release_row *release,
                               const struct xd_confirmation_line *line, struct xd_decimal qty) {
    struct xd_back back;
    struct part *parts = NULL;
    struct xd_decimal sum = xd_decimal_of(0);
    size_t count = 0;
    enum xd_result result = xd_back_open(reversing, release, &back);
    if (result == XD_OK) {
        result = load_parts(&back, &parts, &count);
    }
    if (result == XD_OK) {
        result = count_shipped(parts, count, line, &sum);
    }
    bool there = result == XD_OK && xd_decimal_compare(sum, qty) >= 0;
    for (size_t index = count; index > 0 && result == XD_OK && there; index--) {
        result = take_from(&back, &parts[index - 1], line, &qty);
    }
    for (size_t index = 0; index < count && result == XD_OK && there; index++) {
        result = finish_part(&back, &parts[index]);
    }
    for (size_t index = 0; index < count; index++) {
        xd_free(parts[index].before.rows);
        xd_free(parts[index].left.rows);
    }
    xd_free(parts);
    if (result == XD_OK && !there) {
        xd_release_work_close(&back.work);
        xd_conduct_close(&back.conduct);
        return XD_NOT_FOUND;
    }
    return xd_back_close(&back, reversing->cause, result);
}
