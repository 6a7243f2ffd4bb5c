/* Release responses and inventory advices as they arrive; what a response means is in
 * orchestration/answers.c. */
#include "documents/inventory.h"
#include "hub/hub_internal.h"
#include "hub/orchestration/stock.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum xd_result complain(struct xd_hub *hub, const struct xd_arrived *arrived,
                               const struct xd_release_row *release, const char *code, const char *detail,
                               struct xd_now now) {
    struct xd_complaint complaint = {.code = code,
                                     .site = arrived->site->row.site,
                                     .order_id = release != NULL ? release->order_id : NULL,
                                     .release_id = release != NULL ? release->release_id : NULL,
                                     .kind = arrived->kind,
                                     .document_id = arrived->document_id,
                                     .version = arrived->version,
                                     .detail = detail};
    return xd_hub_complain(hub, &complaint, now);
}

/* What cannot be applied is kept as it came, for a person. release: that it speaks of, or NULL. */
static enum xd_result keep(struct xd_hub *hub, const struct xd_arrived *arrived,
                           const struct xd_release_row *release, const char *code, const char *detail,
                           struct xd_now now) {
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
    enum xd_result result = store->quarantine_add(store->context, &kept);
    return result == XD_OK ? complain(hub, arrived, release, code, detail, now) : result;
}

/* Nobody can answer what was never released: whatever it says, the release stays as it is. */
static enum xd_result unknown_revision(struct xd_hub *hub, const struct xd_arrived *arrived,
                                       const struct xd_release_row *release,
                                       const struct xd_response *response, struct xd_now now) {
    char detail[128];
    snprintf(detail, sizeof detail, "Revision %lld of this release does not exist; the highest is %lld.",
             (long long)response->revision, (long long)release->revision);
    return arrived->body.size > 0 ? keep(hub, arrived, release, "UNKNOWN_REVISION", detail, now)
                                  : complain(hub, arrived, release, "UNKNOWN_REVISION", detail, now);
}

static enum xd_result apply_response(struct xd_hub *hub, const struct xd_arrived *arrived,
                                     const struct xd_release_row *release, const struct xd_response *response,
                                     struct xd_now now) {
    return response->revision > release->revision
               ? unknown_revision(hub, arrived, release, response, now)
               : xd_hub_answered(hub, arrived, release->release_id, response, now);
}

/* ---- responses to releases that are not there yet ---- */

#define WAITING_SIZE 2048
#define LINES_WORD "lines:"
#define WAITING_NAME_SIZE (XD_SITE_SIZE + XD_ID_SIZE + 16)

/* One small named value per release, for each a line: "revision response lines:0 reason", or
 * "revision response lines:2 id qty id - reason" when it speaks of some lines only ("-": of all of one).
 * A hub restored from a backup gets the responses before the releases that it forgot. */
static void waiting_name(const char *site, const char *release_id, char out[WAITING_NAME_SIZE]) {
    snprintf(out, WAITING_NAME_SIZE, "response/%s/%s", site, release_id);
}

static void write_waiting(const struct xd_response *response, struct xd_buffer *out) {
    xd_buffer_format(out, "%lld %s ", (long long)response->revision, xd_response_names[response->response]);
    xd_buffer_format(out, LINES_WORD "%zu ", response->line_count);
    for (size_t index = 0; index < response->line_count; index++) {
        char qty[XD_DECIMAL_TEXT_MAX];
        xd_buffer_format(out, "%s %s ", response->lines[index].line_id,
                         response->lines[index].has_qty ? xd_decimal_write(response->lines[index].qty, qty)
                                                        : "-");
    }
    xd_buffer_format(out, "%s\n", response->reason != NULL ? response->reason : "");
}

static enum xd_result wait_for_release(struct xd_hub *hub, const struct xd_arrived *arrived,
                                       const struct xd_response *response) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[WAITING_NAME_SIZE], value[WAITING_SIZE] = "";
    struct xd_buffer text;
    if (strlen(response->release_id) >= XD_ID_SIZE) {
        return XD_OK; /* no release of ours: its exception stays open */
    }
    waiting_name(arrived->site->row.site, response->release_id, name);
    enum xd_result result = store->meta_get(store->context, name, value, sizeof value);
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    xd_buffer_init(&text, WAITING_SIZE - 1);
    xd_buffer_text(&text, value);
    write_waiting(response, &text);
    result = xd_buffer_result(&text);
    if (result == XD_OK) {
        result = store->meta_set(store->context, name, xd_buffer_string(&text));
    }
    xd_buffer_free(&text);
    return result;
}

/* The next word, in place; NULL: there is none. */
static char *take_word(char **text) {
    char *word = *text, *end = strchr(word, ' ');
    if (end == NULL) {
        return NULL;
    }
    *end = 0;
    *text = end + 1;
    return word;
}

static bool read_waiting_lines(char **text, struct xd_response *out) {
    char *count = take_word(text);
    out->line_count = count != NULL ? strtoul(count + strlen(LINES_WORD), NULL, 10) : 0;
    out->lines = out->line_count < WAITING_SIZE ? xd_alloc((out->line_count + 1) * sizeof *out->lines) : NULL;
    for (size_t index = 0; index < out->line_count && out->lines != NULL; index++) {
        struct xd_response_line *line = &out->lines[index];
        line->line_id = take_word(text);
        const char *qty = take_word(text);
        if (qty == NULL) {
            return false;
        }
        line->has_qty = xd_decimal_parse(qty, &line->qty) == XD_OK;
    }
    return out->lines != NULL;
}

/* Reads one line, in place; false: it is none. Free out->lines with xd_free. */
static bool read_waiting(char *text, const char *release_id, struct xd_response *out) {
    *out = (struct xd_response){.release_id = release_id};
    const char *revision = take_word(&text);
    const char *kind = revision != NULL ? take_word(&text) : NULL;
    if (kind == NULL) {
        return false;
    }
    out->revision = strtoll(revision, NULL, 10);
    while (xd_response_names[out->response] != NULL && strcmp(xd_response_names[out->response], kind) != 0) {
        out->response++;
    }
    if (strncmp(text, LINES_WORD, strlen(LINES_WORD)) == 0 && !read_waiting_lines(&text, out)) {
        return false;
    }
    out->reason = text[0] != 0 ? text : NULL;
    return xd_response_names[out->response] != NULL;
}

static enum xd_result resume_response(struct xd_hub *hub, struct xd_hub_site *site, char *line,
                                      const char *release_id, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release_row release;
    struct xd_response response;
    char id[XD_DOCUMENT_ID_SIZE];
    if (!read_waiting(line, release_id, &response)) {
        xd_free(response.lines);
        return XD_CORRUPT;
    }
    xd_response_id(&response, id);
    struct xd_arrived arrived = {.site = site, .kind = XD_DOC_RESPONSE, .document_id = id, .version = 1};
    enum xd_result result =
        xd_hub_exceptions_close(hub, site->row.site, XD_DOC_RESPONSE, id, 1, "UNKNOWN_RELEASE", now);
    if (result == XD_OK) {
        result = store->release_get(store->context, release_id, &release);
    }
    if (result == XD_OK) {
        result = apply_response(hub, &arrived, &release, &response, now);
    }
    xd_free(response.lines);
    return result;
}

enum xd_result xd_hub_responses_resume(struct xd_hub *hub, const char *release_id, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    const struct xd_delivery_store *delivery = &store->delivery;
    char name[WAITING_NAME_SIZE], value[WAITING_SIZE];
    struct xd_release_row release;
    enum xd_result result = store->release_get(store->context, release_id, &release);
    struct xd_hub_site *site = result == XD_OK ? xd_hub_site_find(hub, release.site) : NULL;
    if (site == NULL) {
        return result == XD_OK ? XD_CORRUPT : result;
    }
    if (release.status == XD_RELEASE_DRAFT) {
        return XD_OK; /* they wait until it is there */
    }
    waiting_name(release.site, release_id, name);
    result = delivery->meta_get(delivery->context, name, value, sizeof value);
    if (result != XD_OK || value[0] == 0) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    result = delivery->meta_set(delivery->context, name, "");
    for (char *line = value, *end; result == XD_OK && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        result = resume_response(hub, site, line, release_id, now);
    }
    return result;
}

/* ---- arrival ---- */

enum xd_result xd_hub_response(struct xd_hub *hub, const struct xd_arrived *arrived, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_response response;
    struct xd_release_row release;
    xd_problems_clear(&hub->problems);
    enum xd_result result = xd_response_read(arrived->document, arrived->data, &response, &hub->problems);
    if (result == XD_INVALID) {
        return keep(hub, arrived, NULL, "UNUSABLE_DOCUMENT", "The response cannot be read.", now);
    }
    if (result == XD_OK) {
        result = strlen(response.release_id) < sizeof release.release_id
                     ? store->release_get(store->context, response.release_id, &release)
                     : XD_NOT_FOUND;
    }
    if (result == XD_NOT_FOUND || (result == XD_OK && strcmp(release.site, arrived->site->row.site) != 0)) {
        result = wait_for_release(hub, arrived, &response);
        result = result == XD_FULL ? XD_OK : result; /* so many for one: a person looks at the exceptions */
        return result == XD_OK ? complain(hub, arrived, NULL, "UNKNOWN_RELEASE",
                                          "There is no such release for this site yet; the response counts "
                                          "when it arrives.",
                                          now)
                               : result;
    }
    if (result == XD_OK && release.status == XD_RELEASE_DRAFT) {
        /* Of a life that we forgot: it is sent first, or known to be there (place.c), and what waits for it
         * applied. */
        result = wait_for_release(hub, arrived, &response);
        return result == XD_FULL
                   ? complain(hub, arrived, &release, "UNKNOWN_RELEASE",
                              "More answers than can be kept came before the release was sent.", now)
                   : result;
    }
    return result == XD_OK ? apply_response(hub, arrived, &release, &response, now) : result;
}

/* ---- inventory ---- */

static enum xd_result post_delta(struct xd_hub *hub, const struct xd_arrived *arrived,
                                 const struct xd_inventory *inventory, struct xd_now now) {
    struct xd_job_row job;
    struct xd_job_line_row *lines = xd_alloc(inventory->line_count * sizeof *lines);
    if (lines == NULL) {
        return XD_NO_MEMORY;
    }
    memset(&job, 0, sizeof job);
    xd_copy(job.erp, sizeof job.erp, xd_hub_erp_of(hub, "")); /* stock is nobody's in particular */
    job.kind = XD_ERP_ADJUSTMENT;
    snprintf(job.reference, sizeof job.reference, "%s/%s", arrived->site->row.site, inventory->advice_id);
    job.state = XD_JOB_QUEUED;
    xd_copy(job.site, sizeof job.site, arrived->site->row.site);
    xd_copy(job.confirmation_id, sizeof job.confirmation_id, inventory->advice_id);
    job.confirmation_version = 1;
    job.at = job.promise = now.wall;
    for (size_t index = 0; index < inventory->line_count; index++) {
        snprintf(lines[index].line_id, sizeof lines[index].line_id, "%zu", index + 1);
        xd_copy(lines[index].sku, sizeof lines[index].sku, inventory->lines[index].sku);
        xd_copy(lines[index].uom, sizeof lines[index].uom, inventory->lines[index].uom);
        lines[index].factor_num = lines[index].factor_den = 1;
        lines[index].qty = inventory->lines[index].qty;
    }
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = store->job_add(store->context, &job, lines, inventory->line_count);
    xd_hub_job_comes(hub, job.state);
    xd_free(lines);
    return result == XD_DUPLICATE
               ? keep(hub, arrived, NULL, "CONFLICTING_ADVICE",
                      "The same advice_id came before with another content; that one counts.", now)
               : result;
}

/* A snapshot is compared, never applied: the latest of each site is kept. */
static enum xd_result keep_snapshot(struct xd_hub *hub, const struct xd_arrived *arrived) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[64];
    char *text = xd_copy_bytes(arrived->body.data, arrived->body.size);
    if (text == NULL) {
        return XD_NO_MEMORY;
    }
    snprintf(name, sizeof name, "snapshot/%s", arrived->site->row.site);
    enum xd_result result = store->meta_set(store->context, name, text);
    xd_free(text);
    return result;
}

enum xd_result xd_hub_inventory(struct xd_hub *hub, const struct xd_arrived *arrived, struct xd_now now) {
    struct xd_inventory inventory;
    xd_problems_clear(&hub->problems);
    enum xd_result result = xd_inventory_read(arrived->document, arrived->data, &inventory, &hub->problems);
    if (result == XD_INVALID) {
        return keep(hub, arrived, NULL, "UNUSABLE_DOCUMENT", "The inventory advice cannot be read.", now);
    }
    if (result != XD_OK) {
        return result;
    }
    return inventory.kind == XD_INVENTORY_DELTA ? post_delta(hub, arrived, &inventory, now)
                                                : keep_snapshot(hub, arrived);
}

struct adjusting {
    struct xd_job_line_row *rows;
    size_t count, capacity;
};

static enum xd_result collect_adjustment(void *context, const struct xd_job_line_row *row) {
    struct adjusting *adjusting = context;
    struct xd_job_line_row *rows =
        xd_grow(adjusting->rows, adjusting->count, &adjusting->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    adjusting->rows = rows;
    adjusting->rows[adjusting->count++] = *row;
    return XD_OK;
}

enum xd_result xd_hub_adjustment_decided(struct xd_hub *hub, const struct xd_job_row *job,
                                         struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    bool done = job->state == XD_JOB_DONE, repair = xd_books_is_repair(job);
    char detail[256];
    snprintf(detail, sizeof detail, "%.47s: %.199s", job->code, job->detail);
    enum xd_result result = XD_OK;
    if (done) {
        struct adjusting adjusting = {.count = 0};
        result = store->job_lines(store->context, job->number, collect_adjustment, &adjusting);
        for (size_t index = 0; index < adjusting.count && result == XD_OK; index++) {
            const struct xd_job_line_row *line = &adjusting.rows[index];
            result = repair ? xd_books_adjusted(hub, job, line)
                            : xd_stock_adjust(hub, job->site, line->sku, line->qty);
        }
        xd_free(adjusting.rows);
    } else {
        struct xd_complaint complaint = {.code = "ERP_REJECTED_ADJUSTMENT",
                                         .site = job->site,
                                         .kind = XD_DOC_INVENTORY,
                                         .document_id = job->confirmation_id,
                                         .version = 1,
                                         .detail = detail};
        result = xd_hub_complain(hub, &complaint, now);
    }
    if (result != XD_OK || repair) { /* no site has said it */
        return result;
    }
    struct xd_settled settled = {.document_id = job->confirmation_id,
                                 .document = "inventory",
                                 .document_version = 1,
                                 .version = job->attempt + done, /* rises each time it is decided */
                                 .outcome = done ? XD_OUTCOME_POSTED : XD_OUTCOME_PARKED,
                                 .code = done ? NULL : "ERP_REJECTED_ADJUSTMENT",
                                 .detail = done ? NULL : detail};
    return xd_hub_tell(hub, job->site, &settled, now);
}
