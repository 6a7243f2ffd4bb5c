/* A confirmation arrives: known, another version of one, or new. */
#include "hub/confirmations/applying.h"

#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

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
    row->version = row->base = confirmation->version;
    row->kind = confirmation->kind;
    row->hash = arrived->document->hash;
    xd_copy(row->shipment_id, sizeof row->shipment_id, confirmation->shipment_id);
    row->received_at = now.wall;
    row->body = arrived->body;
}

static enum xd_result is_draft(struct xd_hub *hub, const char *site, const char *release_id, bool *draft) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release_row row;
    enum xd_result result = strlen(release_id) < sizeof row.release_id
                                ? store->release_get(store->context, release_id, &row)
                                : XD_NOT_FOUND;
    *draft = result == XD_OK && row.status == XD_RELEASE_DRAFT && strcmp(row.site, site) == 0;
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static enum xd_result any_draft(struct xd_hub *hub, const char *site,
                                const struct xd_confirmation *confirmation, bool *any) {
    enum xd_result result = XD_OK;
    *any = false;
    for (size_t index = 0; index < confirmation->release_count && result == XD_OK && !*any; index++) {
        result = is_draft(hub, site, confirmation->release_ids[index], any);
    }
    return result;
}

/* What waits for the drafts, or for those that are none any more, that it names. */
static enum xd_result resume_waiting(struct xd_hub *hub, const char *site,
                                     const struct xd_confirmation *confirmation, bool drafts,
                                     struct xd_now now) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < confirmation->release_count && result == XD_OK; index++) {
        bool draft;
        result = is_draft(hub, site, confirmation->release_ids[index], &draft);
        if (result == XD_OK && draft == drafts) {
            result = xd_hub_resume(hub, confirmation->release_ids[index], now);
            result = result == XD_NOT_FOUND ? XD_OK : result;
        }
    }
    return result;
}

/* What its site says of a draft came before the hub knew of it, and waits for it: it counts before what
 * corrects it or takes it back. */
static bool corrects(const struct xd_confirmation *confirmation) {
    return confirmation->version > 1 || confirmation->kind == XD_KIND_VOID ||
           confirmation->kind == XD_KIND_REVERSAL;
}

enum xd_result xd_hub_confirmation(struct xd_hub *hub, const struct xd_arrived *arrived, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation confirmation;
    struct xd_confirmation_row row, known;
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
    bool twice = XD_MUTANT(CONFIRMATION_TWICE), fresh = true, drafts = false;
    if (result == XD_OK && !twice) {
        return conflicting(hub, arrived, "CONFLICTING_CONFIRMATION",
                           "The same id and version came before with another content; that one counts.", now);
    }
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    result = any_draft(hub, row.site, &confirmation, &drafts);
    if (result == XD_OK && drafts && corrects(&confirmation)) {
        result = resume_waiting(hub, row.site, &confirmation, true, now);
    }
    if (result != XD_OK) {
        return result;
    }
    result = twice ? XD_OK : xd_confirmation_correct(hub, &confirmation, &row, now, &fresh);
    if (result == XD_OK && fresh) {
        result = xd_confirmation_apply(hub, &confirmation, &row, NULL, 0, NULL, now);
    }
    if (result == XD_OK) {
        result = store->confirmation_put(store->context, &row);
    }
    if (result == XD_OK) {
        result = xd_resume_after(hub, &row, &confirmation, now);
    }
    /* A draft that its site ships is there: whatever else waits for it counts, too. */
    return result == XD_OK && drafts ? resume_waiting(hub, row.site, &confirmation, false, now) : result;
}
