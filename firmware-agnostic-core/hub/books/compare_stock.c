/* Stock: the ERP's list against the last snapshot of each site, and against what the hub goes by.
 *
 * Between the moment of a snapshot and now things have moved, and not everything that has moved is posted:
 *
 *   the site had then  =  what the ERP has now
 *                         - what was posted of what moved later than that
 *                         + what is not posted yet of what had moved by then
 *   the hub has now    =  what the ERP has now + what is not posted yet
 *
 * A shipment moves when it leaves, an adjustment when it is told of; a reversal brings back. A SKU of which
 * something goes to the ERP while the run goes on is passed over, and so is a site that the ERP does not
 * list. A repair moves nothing at the site, and is in the ERP's figure once it is posted. What moved is a
 * matter of the site's own SKU and of base units. */
#include "hub/books/books_internal.h"

#include "base/memory.h"
#include "documents/inventory.h"
#include "hub/reference/reference.h"

#include <stdio.h>
#include <string.h>

#define SNAPSHOT_LINES ((size_t)500) /* taken at once */

static struct xd_books_place *place_of(struct xd_hub *hub, const char *site) {
    struct xd_books_comparison *run = &hub->books->run;
    for (size_t index = 0; index < run->place_count; index++) {
        if (strcmp(run->places[index].site, site) == 0) {
            return &run->places[index];
        }
    }
    return NULL;
}

enum xd_result xd_compare_places_open(struct xd_hub *hub) {
    struct xd_books_comparison *run = &hub->books->run;
    xd_free(run->places);
    run->place_count = 0;
    run->places = xd_alloc((hub->site_count > 0 ? hub->site_count : 1) * sizeof *run->places);
    if (run->places == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < hub->site_count; index++) {
        memcpy(run->places[index].site, hub->sites[index]->row.site, XD_SITE_SIZE);
    }
    run->place_count = hub->site_count;
    return XD_OK;
}

static enum xd_result load(struct xd_hub *hub, const char *site, const char *sku,
                           struct xd_book_stock_row *row) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = store->books.stock_get(store->context, site, sku, row);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static enum xd_result save(struct xd_hub *hub, const struct xd_book_stock_row *row) {
    const struct xd_hub_store *store = hub->config.store;
    return store->books.stock_put(store->context, row);
}

/* ---- snapshots ---- */

static enum xd_result read_snapshot(struct xd_hub *hub, const char *site, struct xd_document *document,
                                    struct xd_inventory *out) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[XD_SITE_SIZE + 16];
    char *text = xd_alloc(XD_JSON_SIZE_MAX + 1);
    if (text == NULL) {
        return XD_NO_MEMORY;
    }
    snprintf(name, sizeof name, "snapshot/%s", site);
    xd_problems_clear(&hub->problems);
    enum xd_result result = store->meta_get(store->context, name, text, XD_JSON_SIZE_MAX + 1);
    if (result == XD_OK) {
        result = xd_document_parse(xd_bytes_of_text(text), document, &hub->problems);
    }
    if (result == XD_OK) {
        result = xd_inventory_read(document, document->tree, out, &hub->problems);
    }
    xd_free(text);
    return result == XD_INVALID ? XD_NOT_FOUND : result; /* nothing that could be compared */
}

/* The SKU as the hub knows it, and base units where a factor is known. */
static enum xd_result take_line(struct xd_hub *hub, const char *site, const struct xd_inventory_line *line,
                                struct xd_product *product) {
    struct xd_book_stock_row row;
    struct xd_decimal qty = line->qty;
    int64_t num = 1, den = 1;
    enum xd_result result = xd_reference_product(hub, line->sku, product);
    bool known = result == XD_OK;
    if (!known && result != XD_NOT_FOUND) {
        return result;
    }
    if (known && line->uom != NULL && xd_product_factor(product, line->uom, &num, &den) != XD_OK) {
        return XD_OK; /* in a unit that nobody knows it says nothing */
    }
    result = load(hub, site, known ? product->sku : line->sku, &row);
    if (result != XD_OK || xd_decimal_ratio(qty, num, den, &qty) != XD_OK ||
        xd_decimal_add(row.site_qty, qty, &row.site_qty) != XD_OK) {
        return result;
    }
    row.has_site = true;
    return save(hub, &row);
}

enum xd_result xd_compare_snapshots(struct xd_hub *hub, bool *done) {
    struct xd_books_comparison *run = &hub->books->run;
    struct xd_document document = {.tree = NULL};
    struct xd_inventory inventory;
    struct xd_product *product = NULL;
    *done = run->site >= run->place_count;
    if (*done) {
        return XD_OK;
    }
    struct xd_books_place *place = &run->places[run->site];
    enum xd_result result = read_snapshot(hub, place->site, &document, &inventory);
    bool there = result == XD_OK;
    size_t end = there && inventory.line_count - run->line > SNAPSHOT_LINES ? run->line + SNAPSHOT_LINES
                 : there                                                    ? inventory.line_count
                                                                            : 0;
    if (there) {
        place->as_of = inventory.as_of;
        product = xd_alloc(sizeof *product);
        result = product == NULL ? XD_NO_MEMORY : XD_OK;
    }
    for (size_t index = run->line; index < end && result == XD_OK; index++) {
        result = take_line(hub, place->site, &inventory.lines[index], product);
    }
    if ((there && result == XD_OK && end == inventory.line_count) || result == XD_NOT_FOUND) {
        run->site++;
        run->line = 0;
        result = XD_OK;
    } else {
        run->line = end;
    }
    xd_free(product);
    xd_document_free(&document);
    return result;
}

static enum xd_result uom_of_snapshot(struct xd_hub *hub, const char *site, const char *sku, char out[24]) {
    struct xd_document document = {.tree = NULL};
    struct xd_inventory inventory;
    enum xd_result result = read_snapshot(hub, site, &document, &inventory);
    bool found = false;
    for (size_t index = 0; result == XD_OK && !found && index < inventory.line_count; index++) {
        const struct xd_inventory_line *line = &inventory.lines[index];
        found = line->uom != NULL && strcmp(line->sku, sku) == 0;
        xd_copy(out, 24, found ? line->uom : "");
    }
    xd_document_free(&document);
    return result == XD_OK && !found ? XD_NOT_FOUND : result;
}

enum xd_result xd_compare_stock_uom(struct xd_hub *hub, const char *site, const char *sku, char out[24]) {
    struct xd_product *product = xd_alloc(sizeof *product);
    enum xd_result result = product == NULL ? XD_NO_MEMORY : xd_reference_product(hub, sku, product);
    if (result == XD_OK) {
        xd_copy(out, 24, product->base_uom);
    }
    xd_free(product);
    return result == XD_NOT_FOUND ? uom_of_snapshot(hub, site, sku, out) : result;
}

/* ---- the ERP's list ---- */

enum xd_result xd_compare_stock(struct xd_hub *hub, const cJSON *entry) {
    const char *site = xd_json_text(entry, "site"), *sku = xd_json_text(entry, "sku");
    const char *qty = xd_json_text(entry, "qty");
    struct xd_books_place *place = site == NULL ? NULL : place_of(hub, site);
    struct xd_book_stock_row row;
    struct xd_decimal value;
    if (place == NULL || sku == NULL || strlen(sku) >= XD_BOOKS_NAME_SIZE || qty == NULL ||
        xd_decimal_parse(qty, &value) != XD_OK) {
        return XD_OK; /* of a place that is not the hub's */
    }
    place->listed = true;
    enum xd_result result = load(hub, site, sku, &row);
    row.has_erp = true;
    row.erp = value;
    hub->books->run.row.stock++;
    return result == XD_OK ? save(hub, &row) : result;
}

/* ---- what moved ---- */

/* What the job does to stock, by a line. */
static enum xd_result effect_of(const struct xd_job_row *job, const struct xd_job_line_row *line,
                                struct xd_decimal *out) {
    enum xd_result result = xd_decimal_ratio(line->qty, line->factor_num, line->factor_den, out);
    if (job->kind == XD_ERP_SHIPMENT) {
        *out = xd_decimal_negate(*out);
    }
    return result;
}

static enum xd_result move(struct xd_hub *hub, const struct xd_books_place *place,
                           const struct xd_job_row *job, const struct xd_job_line_row *line) {
    struct xd_book_stock_row row;
    struct xd_decimal effect = xd_decimal_of(0);
    bool posted = job->state == XD_JOB_DONE;
    bool under_way = job->state == XD_JOB_SENT || job->state == XD_JOB_UNKNOWN ||
                     job->state == XD_JOB_PARKED || (posted && job->sent_at >= hub->books->run.began);
    enum xd_result result = load(hub, place->site, line->sku, &row);
    if (xd_books_is_repair(job)) {
        row.busy = row.busy || under_way || job->state == XD_JOB_QUEUED;
        return result == XD_OK ? save(hub, &row) : result;
    }
    if (result == XD_OK) {
        result = effect_of(job, line, &effect);
    }
    if (result == XD_OK && posted && job->at > place->as_of) {
        result = xd_decimal_subtract(row.since, effect, &row.since);
    } else if (result == XD_OK && !posted && job->at <= place->as_of) {
        result = xd_decimal_add(row.since, effect, &row.since);
    }
    if (result == XD_OK && !posted && job->kind != XD_ERP_ADJUSTMENT) {
        result = xd_decimal_add(row.unposted, effect, &row.unposted);
    }
    row.busy = row.busy || under_way || result == XD_INVALID; /* with too many digits nothing can be said */
    return result == XD_OK || result == XD_INVALID ? save(hub, &row) : result;
}

/* Of what was posted long ago nothing is to be known. */
enum xd_result xd_compare_moves(struct xd_hub *hub, const struct xd_job_row *job) {
    const struct xd_books_place *place = place_of(hub, job->site);
    struct xd_books_job_lines lines;
    bool moves =
        job->kind == XD_ERP_SHIPMENT || job->kind == XD_ERP_REVERSAL || job->kind == XD_ERP_ADJUSTMENT;
    if (!moves || place == NULL || !place->listed ||
        (job->state == XD_JOB_DONE && (place->as_of == 0 || job->at <= place->as_of) &&
         job->sent_at < hub->books->run.began)) {
        return XD_OK;
    }
    enum xd_result result = xd_books_job_lines(hub, job->number, &lines);
    for (size_t index = 0; index < lines.count && result == XD_OK; index++) {
        result = move(hub, place, job, &lines.rows[index]);
    }
    xd_free(lines.rows);
    return result;
}

/* ---- comparing ---- */

struct places {
    struct xd_book_stock_row rows[XD_BOOKS_PAGE];
    size_t count;
};

static enum xd_result collect(void *context, const struct xd_book_stock_row *row) {
    struct places *places = context;
    places->rows[places->count++] = *row;
    return XD_OK;
}

static enum xd_result differ(struct xd_hub *hub, int kind, const struct xd_book_stock_row *row,
                             struct xd_decimal ours, struct xd_decimal theirs, struct xd_now now) {
    bool counted = kind == XD_DIFFERENCE_STOCK_SITE && !xd_run_of_shadow(hub);
    struct xd_difference_row difference = {.kind = kind,
                                           .repair = counted ? XD_REPAIR_ADJUST_STOCK : XD_REPAIR_NONE};
    char name[XD_SITE_SIZE + XD_BOOKS_NAME_SIZE + 2];
    if (xd_decimal_compare(ours, theirs) == 0) {
        return XD_OK;
    }
    xd_copy(difference.erp, sizeof difference.erp, xd_run_erp(hub));
    memcpy(difference.site, row->site, sizeof difference.site);
    memcpy(difference.sku, row->sku, sizeof difference.sku);
    (void)xd_decimal_write(ours, difference.hub_value);
    (void)xd_decimal_write(theirs, difference.erp_value);
    snprintf(name, sizeof name, "%s/%s", row->site, row->sku);
    return xd_difference_note(hub, &difference, name, now);
}

static enum xd_result compare_place(struct xd_hub *hub, const struct xd_book_stock_row *row,
                                    struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    const struct xd_books_place *place = place_of(hub, row->site);
    struct xd_decimal then, has;
    struct xd_stock_row stock;
    if (place == NULL || !place->listed || row->busy ||
        xd_decimal_add(row->erp, row->since, &then) != XD_OK ||
        xd_decimal_add(row->erp, row->unposted, &has) != XD_OK) {
        return XD_OK;
    }
    enum xd_result result = XD_OK;
    if (place->as_of != 0) {
        result = differ(hub, XD_DIFFERENCE_STOCK_SITE, row, row->site_qty, then, now);
    }
    if (result == XD_OK) {
        result = store->stock.get(store->context, row->site, row->sku, &stock);
        bool known = result == XD_OK && stock.listed_at != 0;
        result = result == XD_NOT_FOUND ? XD_OK : result;
        if (known) {
            result = differ(hub, XD_DIFFERENCE_STOCK_HUB, row, stock.on_hand, has, now);
        }
    }
    return result;
}

enum xd_result xd_compare_places(struct xd_hub *hub, struct xd_now now, bool *done) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books_comparison *run = &hub->books->run;
    struct places *places = xd_alloc(sizeof *places);
    *done = false;
    if (places == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = store->books.stock_list(store->context, run->after_site, run->after_sku,
                                                    XD_BOOKS_PAGE, collect, places);
    *done = places->count < XD_BOOKS_PAGE;
    for (size_t index = 0; index < places->count && result == XD_OK; index++) {
        const struct xd_book_stock_row *row = &places->rows[index];
        result = compare_place(hub, row, now);
        memcpy(run->after_site, row->site, sizeof run->after_site);
        memcpy(run->after_sku, row->sku, sizeof run->after_sku);
    }
    xd_free(places);
    return result;
}
