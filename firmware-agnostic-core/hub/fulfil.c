/* From the ERP's yes to the site: allocate, release, and the folds over lines. */
#include "hub/hub_internal.h"

#include "base/memory.h"
#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

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

/* ---- folds ---- */

enum xd_result xd_hub_order_fold(struct xd_hub *hub, const char *order_id, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_lines lines;
    struct xd_order_row before;
    struct xd_fold fold;
    memset(&fold, 0, sizeof fold);
    enum xd_result result = xd_hub_lines_load(hub, order_id, &lines);
    for (size_t index = 0; index < lines.count && result == XD_OK; index++) {
        xd_fold_add(&fold, &lines.rows[index]);
        result = xd_order_line_check(&lines.rows[index]) ? XD_OK : XD_CORRUPT;
    }
    if (result == XD_OK) {
        result = store->order_get(store->context, order_id, &before);
    }
    if (result == XD_OK) {
        result = store->order_set_status(store->context, order_id, (int)xd_fold_order(&fold), now.wall);
    }
    if (result == XD_OK) {
        result = xd_hub_event_status(hub, order_id, before.status, now);
    }
    if (result == XD_CORRUPT) {
        xd_log(hub->config.env, XD_LOG_ERROR, "order.not_conserved", NULL,
               "the lines of order %s do not add up", order_id);
    }
    xd_free(lines.rows);
    return result;
}

/* ---- the release document ---- */

static void release_head(const struct xd_order_row *order, const struct xd_release_row *row,
                         struct xd_release *release) {
    release->release_id = row->release_id;
    release->revision = row->revision;
    release->purpose = XD_PURPOSE_ORIGINAL;
    release->order_id = order->order_id;
    release->site_id = row->site;
    release->customer_po = order->customer_po[0] != 0 ? order->customer_po : NULL;
    release->correlation_id = order->correlation_id;
    release->tenant = order->tenant;
    release->channel_type = order->channel_type;
    release->channel_account = order->channel_account;
    release->external_order_id = order->external_order_id;
    release->customer_ref = order->customer_ref;
    release->currency = order->currency[0] != 0 ? order->currency : NULL;
}

static enum xd_result release_lines(struct xd_document *document, const struct xd_order_lines *lines,
                                    struct xd_release *release) {
    release->lines = xd_document_alloc(document, lines->count * sizeof *release->lines);
    release->line_count = lines->count;
    if (release->lines == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < lines->count; index++) {
        const struct xd_order_line_row *row = &lines->rows[index];
        release->lines[index] = (struct xd_release_line){.line_id = row->line_id,
                                                         .external_line_id = row->external_line_id,
                                                         .sku = row->sku,
                                                         .qty = row->released,
                                                         .uom = row->uom,
                                                         .factor_num = 1,
                                                         .factor_den = 1};
    }
    return XD_OK;
}

/* Only what was ordered goes into the document, nothing of today: a hub that has
 * forgotten the release writes the very same again. */
static enum xd_result write_release(struct xd_hub *hub, const struct xd_order_row *order,
                                    const struct xd_release_row *row, const struct xd_order_lines *lines,
                                    struct xd_buffer *text) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_document document;
    struct xd_order parsed;
    struct xd_release release;
    struct xd_buffer body;
    memset(&document, 0, sizeof document);
    memset(&release, 0, sizeof release);
    xd_buffer_init(&body, 0);
    xd_problems_clear(&hub->problems);
    enum xd_result result = store->order_body(store->context, order->order_id, &body);
    if (result == XD_OK && strcmp(order->client, XD_CLIENT_ADOPTED) == 0) {
        xd_buffer_add(text, body.data, body.size); /* it was the release that came back */
        xd_buffer_free(&body);
        return xd_buffer_result(text);
    }
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&body), &document, &hub->problems);
    }
    if (result == XD_OK) {
        result = xd_order_read(&document, &parsed, &hub->problems);
    }
    if (result == XD_OK) {
        release_head(order, row, &release);
        release.ship_to = parsed.ship_to;
        release.requested_ship = parsed.requested_ship;
        release.requested_delivery = parsed.requested_delivery;
        release.attributes = parsed.attributes;
        result = release_lines(&document, lines, &release);
    }
    if (result == XD_OK) {
        xd_release_write(&release, text);
        result = xd_buffer_result(text);
    }
    xd_document_free(&document);
    xd_buffer_free(&body);
    return result;
}

/* ---- releasing ---- */

static enum xd_result store_release(struct xd_hub *hub, const struct xd_release_row *row,
                                    const struct xd_order_lines *lines) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release_line_row *rows = xd_alloc(lines->count * sizeof *rows);
    if (rows == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < lines->count; index++) {
        memcpy(rows[index].line_id, lines->rows[index].line_id, sizeof rows[index].line_id);
        memcpy(rows[index].sku, lines->rows[index].sku, sizeof rows[index].sku);
        memcpy(rows[index].uom, lines->rows[index].uom, sizeof rows[index].uom);
        rows[index].factor_num = rows[index].factor_den = 1;
        rows[index].qty = lines->rows[index].released;
    }
    enum xd_result result = store->release_add(store->context, row, rows, lines->count);
    xd_free(rows);
    return result;
}

/* Everything open is allocated at the order's site and released at once. */
static enum xd_result allocate(struct xd_hub *hub, const char *order_id, struct xd_order_lines *lines) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < lines->count && result == XD_OK; index++) {
        struct xd_order_line_row *line = &lines->rows[index];
        result = xd_decimal_add(line->released, line->open, &line->released);
        line->open = xd_decimal_of(0);
        line->backordered = xd_decimal_of(0);
        if (result == XD_OK) {
            result = store->order_line_save(store->context, order_id, line);
        }
    }
    return result;
}

static enum xd_result release_order(struct xd_hub *hub, const struct xd_order_row *order,
                                    struct xd_order_lines *lines, struct xd_now now) {
    struct xd_hub_site *site = xd_hub_site_find(hub, order->site);
    struct xd_release_row row;
    struct xd_buffer text;
    if (site == NULL) {
        return XD_CORRUPT; /* an order's site was checked when it was taken, and sites stay */
    }
    memset(&row, 0, sizeof row);
    xd_hub_id(hub, "R", order->order_id, row.release_id);
    memcpy(row.order_id, order->order_id, sizeof row.order_id);
    memcpy(row.site, order->site, sizeof row.site);
    row.revision = 1;
    row.status = XD_RELEASE_QUEUED;
    row.created_at = row.updated_at = now.wall;
    xd_buffer_init(&text, 0);
    enum xd_result result = allocate(hub, order->order_id, lines);
    if (result == XD_OK) {
        result = store_release(hub, &row, lines);
    }
    if (result == XD_OK) {
        result = write_release(hub, order, &row, lines, &text);
    }
    if (result == XD_OK && !XD_MUTANT(RELEASE_NOT_SENT)) {
        result = xd_hub_send(hub, site, XD_LANE_WORK, XD_DOC_RELEASE, row.release_id, row.revision,
                             order->correlation_id, xd_buffer_view(&text), now);
    }
    xd_buffer_free(&text);
    if (result == XD_OK) {
        result = xd_hub_timeline(hub, order, "release.queued", now, "\"release_id\":\"%s\",\"site\":\"%s\"",
                                 row.release_id, row.site);
    }
    if (result == XD_OK) {
        result = xd_hub_order_fold(hub, order->order_id, now);
    }
    if (result == XD_OK) {
        result = xd_hub_event_released(hub, &row, now);
    }
    return result == XD_OK ? xd_hub_resume(hub, row.release_id, now) : result;
}

enum xd_result xd_hub_sale_done(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    struct xd_order_lines lines;
    enum xd_result result = store->order_get(store->context, job->order_id, &order);
    if (result != XD_OK || order.status != XD_ORDER_RECEIVED) {
        return result;
    }
    char document[XD_QUOTED_SIZE];
    result =
        xd_hub_timeline(hub, &order, "order.accepted", now, "\"erp\":\"%s\",\"sale\":%s,\"attempt\":%lld",
                        job->erp, xd_hub_quote(job->document, document), (long long)job->attempt);
    if (result != XD_OK) {
        return result;
    }
    order.status = XD_ORDER_ACCEPTED;
    result = xd_hub_event(hub, &order, XD_EVENT_ACCEPTED, now, "\"erp_document\":%s", document);
    if (result != XD_OK) {
        return result;
    }
    result = xd_hub_lines_load(hub, order.order_id, &lines);
    if (result == XD_OK) {
        result = release_order(hub, &order, &lines, now);
    }
    xd_free(lines.rows);
    return result;
}

enum xd_result xd_hub_sale_rejected(struct xd_hub *hub, const struct xd_job_row *job, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    char code[XD_QUOTED_SIZE], detail[XD_QUOTED_SIZE];
    enum xd_result result = store->order_get(store->context, job->order_id, &order);
    if (result != XD_OK) {
        return result;
    }
    result = xd_hub_timeline(hub, &order, "order.held", now, "\"code\":%s,\"detail\":%s",
                             xd_hub_quote(job->code, code), xd_hub_quote(job->detail, detail));
    if (result == XD_OK) {
        result = store->order_set_status(store->context, order.order_id, XD_ORDER_HELD, now.wall);
    }
    order.status = XD_ORDER_HELD;
    if (result == XD_OK) {
        result = xd_hub_event(hub, &order, XD_EVENT_HELD, now, "\"reason\":{\"code\":%s,\"detail\":%s}", code,
                              detail);
    }
    if (result == XD_OK) {
        char text[256];
        snprintf(text, sizeof text, "%.47s: %.199s", job->code, job->detail);
        struct xd_complaint complaint = {.code = "ERP_REJECTED_SALE",
                                         .site = order.site,
                                         .order_id = order.order_id,
                                         .document_id = order.external_order_id,
                                         .detail = text};
        result = xd_hub_complain(hub, &complaint, now);
    }
    return result;
}
