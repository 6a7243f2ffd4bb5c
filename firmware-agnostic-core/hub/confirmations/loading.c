/* Rows and documents of confirmations, read again. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum xd_result xd_stored_open(struct xd_hub *hub, const struct xd_confirmation_row *row,
                              struct xd_stored *out) {
    const struct xd_hub_store *store = hub->config.store;
    memset(out, 0, sizeof *out);
    xd_buffer_init(&out->body, 0);
    xd_problems_clear(&hub->problems);
    enum xd_result result =
        store->confirmation_body(store->context, row->site, row->confirmation_id, row->version, &out->body);
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&out->body), &out->document, &hub->problems);
    }
    return result == XD_OK
               ? xd_confirmation_read(&out->document, out->document.tree, &out->confirmation, &hub->problems)
               : result;
}

void xd_stored_close(struct xd_stored *stored) {
    xd_document_free(&stored->document);
    xd_buffer_free(&stored->body);
}

enum xd_result xd_confirmation_collect(void *context, const struct xd_confirmation_row *row) {
    struct xd_confirmation_rows *list = context;
    struct xd_confirmation_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

enum xd_result xd_job_collect(void *context, const struct xd_job_row *row) {
    struct xd_job_rows *list = context;
    struct xd_job_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

enum xd_result xd_job_line_collect(void *context, const struct xd_job_line_row *row) {
    struct xd_job_line_rows *list = context;
    struct xd_job_line_row *rows = xd_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    list->rows = rows;
    list->rows[list->count++] = *row;
    return XD_OK;
}

enum xd_result xd_confirmation_current(struct xd_hub *hub, const char *site, const char *confirmation_id,
                                       int64_t base, struct xd_confirmation_row *out) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_rows list = {NULL, 0, 0};
    enum xd_result result =
        store->confirmation_versions(store->context, site, confirmation_id, xd_confirmation_collect, &list);
    bool found = false;
    for (size_t index = 0; index < list.count && result == XD_OK; index++) {
        if (list.rows[index].base == base) { /* the last of them is the one */
            *out = list.rows[index];
            found = true;
        }
    }
    xd_free(list.rows);
    return result == XD_OK && !found ? XD_NOT_FOUND : result;
}

enum xd_result xd_confirmation_reference(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                         const char *order_id, const char *release_id,
                                         char out[XD_REFERENCE_SIZE]) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_job_rows list = {NULL, 0, 0};
    snprintf(out, XD_REFERENCE_SIZE, "%s/%s/%lld/%s", row->site, row->confirmation_id, (long long)row->base,
             release_id);
    size_t length = strlen(out), before = 0;
    enum xd_result result = store->job_shipments(store->context, order_id, xd_job_collect, &list);
    for (size_t index = 0; index < list.count; index++) {
        const char *reference = list.rows[index].reference;
        before +=
            strncmp(reference, out, length) == 0 && (reference[length] == 0 || reference[length] == '+');
    }
    if (before > 0) {
        snprintf(out + length, XD_REFERENCE_SIZE - length, "+%zu", before);
    }
    xd_free(list.rows);
    return result;
}
