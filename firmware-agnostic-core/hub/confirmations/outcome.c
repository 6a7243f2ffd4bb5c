/* What became of a confirmation: told to the site, raised as an exception, heard from the ERP. */
#include "hub/confirmations/applying.h"

#include "base/id.h"
#include "base/memory.h"
#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

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

static enum xd_result complain(struct xd_applying *applying, const char *id, const struct xd_match *match,
                               const char *line_id, struct xd_decimal qty, const char *code, bool info,
                               const char *detail) {
    struct xd_complaint complaint = {.id = id,
                                     .code = code,
                                     .info = info,
                                     .site = applying->row->site,
                                     .order_id = match != NULL ? match->order.order_id : NULL,
                                     .release_id = match != NULL ? match->row.release_id : NULL,
                                     .line_id = line_id,
                                     .kind = XD_DOC_CONFIRMATION,
                                     .document_id = applying->row->confirmation_id,
                                     .version = applying->row->base,
                                     .qty = qty,
                                     .detail = detail};
    if (!info && applying->first_code == NULL) {
        applying->first_code = code;
        xd_copy(applying->first_detail, sizeof applying->first_detail, detail);
    }
    return xd_hub_complain(applying->hub, &complaint, applying->now);
}

enum xd_result xd_applying_complain(struct xd_applying *applying, const struct xd_match *match,
                                    const char *line_id, struct xd_decimal qty, const char *code, bool info,
                                    const char *detail) {
    return complain(applying, NULL, match, line_id, qty, code, info, detail);
}

enum xd_result xd_applying_park_line(struct xd_applying *applying, const struct xd_match *match, size_t index,
                                     const char *code, const char *detail, const char *waits_for) {
    const struct xd_hub_store *store = applying->hub->config.store;
    const struct xd_confirmation_line *line = &applying->confirmation->lines[index];
    struct xd_parked_line_row parked = {.version = applying->row->base};
    applying->row->lines_parked++;
    applying->hub->counters.lines_parked++;
    xd_id_make(applying->hub->config.env, "E", 17, parked.exception);
    xd_copy(parked.site, sizeof parked.site, applying->row->site);
    xd_copy(parked.confirmation_id, sizeof parked.confirmation_id, applying->row->confirmation_id);
    parked.line = applying->line_index != NULL ? applying->line_index[index] : (int64_t)index;
    xd_copy(parked.code, sizeof parked.code, code);
    xd_copy(parked.waits_for, sizeof parked.waits_for, waits_for);
    enum xd_result result =
        complain(applying, parked.exception, match, line->line_id, line->qty_shipped, code, false, detail);
    return result == XD_OK ? store->confirmations.park(store->context, &parked) : result;
}

/* The whole document waits for a person or for its release. */
enum xd_result xd_applying_park(struct xd_applying *applying, const char *code, const char *waits_for,
                                const char *detail) {
    struct xd_confirmation_row *row = applying->row;
    row->state = XD_CONFIRMATION_PARKED;
    row->lines_applied = row->lines_rejected = 0;
    row->lines_parked = row->lines_in;
    xd_copy(row->waits_for, sizeof row->waits_for, waits_for);
    applying->hub->counters.confirmations_parked++;
    enum xd_result result = xd_applying_complain(applying, NULL, NULL, xd_decimal_of(0), code, false, detail);
    return result == XD_OK
               ? xd_hub_tell_fate(applying->hub, row, XD_OUTCOME_PARKED, code, detail, applying->now)
               : result;
}

/* All that was to post is in the ERP. */
enum xd_result xd_confirmation_posted(struct xd_hub *hub, struct xd_confirmation_row *row,
                                      struct xd_now now) {
    bool parked = row->lines_parked > 0;
    row->state = XD_CONFIRMATION_POSTED;
    return xd_hub_tell_fate(hub, row, XD_OUTCOME_POSTED, parked ? "LINES_PARKED" : NULL,
                            parked ? "Some lines are parked; see the hub's exceptions." : NULL, now);
}
