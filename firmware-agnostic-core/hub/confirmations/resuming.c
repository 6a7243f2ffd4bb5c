/* What waited is applied when its cause arrives. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"

#include <string.h>

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
        result = xd_confirmation_apply(hub, &confirmation, row, now);
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
