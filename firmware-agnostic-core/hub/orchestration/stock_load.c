/* First what the ERP has not been told, of all sites at once: the jobs that are not done are few
 * or the page is not taken. Then entry by entry; who speaks for a site is looked up once for
 * each run of its entries, for they come in the order of sites. */
#include "hub/orchestration/stock_load.h"

#include "base/memory.h"
#include "hub/hub_internal.h"
#include "hub/orchestration/stock.h"
#include "hub/reference/reference.h"

#include <stdio.h>
#include <string.h>

#define UNTOLD_MAX ((size_t)5000) /* lines */
#define TOLD_MAX 10               /* entries of one page that cannot be used are logged up to here */

struct entry {
    const char *site, *sku;
    struct xd_decimal qty;
};

static const struct xd_field entry_fields[] = {
    {.name = "site", .type = XD_FIELD_SITE, .required = true, XD_AT(struct entry, site)},
    {.name = "sku", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(struct entry, sku)},
    {.name = "qty", .type = XD_FIELD_DECIMAL, .required = true, XD_AT(struct entry, qty)},
    {.name = NULL},
};

/* A line of a shipment that the ERP does not have. */
struct untold {
    char site[XD_SITE_SIZE], sku[XD_NAME_SIZE];
    struct xd_decimal qty; /* base units */
};

struct job {
    int64_t number;
    char site[XD_SITE_SIZE];
};

struct load {
    struct xd_hub *hub;
    const char *erp;
    struct job *jobs; /* shipments that are not done; owned */
    size_t job_count, waiting;
    struct untold *untold; /* owned */
    size_t untold_count, capacity;
    const char *job_site; /* of the job whose lines are read */
    char site[XD_SITE_SIZE];
    bool erp_speaks; /* for that site */
    struct xd_product *product;
};

/* ---- what the ERP has not been told ---- */

static enum xd_result collect_job(void *context, const struct xd_job_row *row) {
    struct load *load = context;
    if (load->waiting++ == XD_STOCK_LOAD_JOBS_MAX) {
        return XD_AGAIN;
    }
    if (row->kind == XD_ERP_SHIPMENT) {
        struct job *job = &load->jobs[load->job_count++];
        job->number = row->number;
        xd_copy(job->site, sizeof job->site, row->site);
    }
    return XD_OK;
}

static enum xd_result collect_line(void *context, const struct xd_job_line_row *row) {
    struct load *load = context;
    if (load->untold_count == UNTOLD_MAX) {
        return XD_AGAIN;
    }
    struct untold *untold = xd_grow(load->untold, load->untold_count, &load->capacity, sizeof *untold);
    if (untold == NULL) {
        return XD_NO_MEMORY;
    }
    load->untold = untold;
    untold += load->untold_count++;
    xd_copy(untold->site, sizeof untold->site, load->job_site);
    xd_copy(untold->sku, sizeof untold->sku, row->sku);
    return xd_decimal_ratio(row->qty, row->factor_num, row->factor_den, &untold->qty);
}

static enum xd_result find_untold(struct load *load) {
    static const int states[] = {XD_JOB_QUEUED, XD_JOB_SENT, XD_JOB_UNKNOWN, XD_JOB_REJECTED};
    const struct xd_hub_store *store = load->hub->config.store;
    enum xd_result result = XD_OK;
    load->jobs = xd_alloc(XD_STOCK_LOAD_JOBS_MAX * sizeof *load->jobs);
    if (load->jobs == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < sizeof states / sizeof states[0] && result == XD_OK; index++) {
        result = store->job_list(store->context, load->erp, states[index], 0, XD_STOCK_LOAD_JOBS_MAX + 1,
                                 collect_job, load);
    }
    for (size_t index = 0; index < load->job_count && result == XD_OK; index++) {
        load->job_site = load->jobs[index].site;
        result = store->job_lines(store->context, load->jobs[index].number, collect_line, load);
    }
    return result;
}

/* XD_INVALID: more digits than there are. */
static enum xd_result subtract_untold(const struct load *load, const char *site, const char *sku,
                                      struct xd_decimal *qty) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < load->untold_count && result == XD_OK; index++) {
        const struct untold *untold = &load->untold[index];
        if (strcmp(untold->sku, sku) == 0 && strcmp(untold->site, site) == 0) {
            result = xd_decimal_subtract(*qty, untold->qty, qty);
        }
    }
    return result;
}

/* ---- who speaks ---- */

static enum xd_result has_snapshot(struct xd_hub *hub, const char *site, bool *there) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[XD_SITE_SIZE + 16], nothing[1];
    snprintf(name, sizeof name, "snapshot/%s", site);
    enum xd_result result = store->meta_get(store->context, name, nothing, sizeof nothing);
    *there = result == XD_OK || result == XD_INVALID; /* it is there, but does not fit in */
    return *there || result == XD_NOT_FOUND ? XD_OK : result;
}

static enum xd_result ask_who_speaks(struct load *load, const char *site) {
    const struct xd_hub_store *store = load->hub->config.store;
    bool told = false, snapshot = false;
    enum xd_result result = XD_OK;
    if (strcmp(load->site, site) == 0) {
        return XD_OK;
    }
    bool ours = xd_hub_site_find(load->hub, site) != NULL;
    if (ours) {
        result = store->stock.site_told(store->context, site, &told);
    }
    if (ours && result == XD_OK) {
        result = has_snapshot(load->hub, site, &snapshot);
    }
    load->erp_speaks = ours && !told && !snapshot;
    xd_copy(load->site, sizeof load->site, site);
    return result;
}

/* ---- entries ---- */

/* As it is, it need not be written again. */
static enum xd_result take_qty(struct load *load, const char *sku, struct xd_decimal qty, struct xd_now now,
                               struct xd_stock_loaded *loaded) {
    const struct xd_hub_store *store = load->hub->config.store;
    struct xd_stock_row row;
    enum xd_result result = store->stock.get(store->context, load->site, sku, &row);
    if (result == XD_OK && row.listed_at != 0 && xd_decimal_compare(row.on_hand, qty) == 0) {
        return XD_OK;
    }
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    loaded->changed++;
    return xd_stock_listed(load->hub, load->site, sku, qty, "erp", now);
}

static enum xd_result take_entry(struct load *load, struct xd_document *document, const cJSON *tree,
                                 struct xd_now now, struct xd_stock_loaded *loaded) {
    struct xd_hub *hub = load->hub;
    struct entry entry;
    xd_problems_clear(&hub->problems);
    enum xd_result result =
        xd_schema_read(document, tree, entry_fields, XD_UNKNOWN_KEPT, &entry, &hub->problems);
    loaded->seen++;
    if (result == XD_OK) {
        result = ask_who_speaks(load, entry.site);
    }
    if (result != XD_OK || !load->erp_speaks) {
        return result;
    }
    result = xd_reference_product(hub, entry.sku, load->product);
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    const char *sku = result == XD_OK ? load->product->sku : entry.sku;
    result = subtract_untold(load, entry.site, sku, &entry.qty);
    return result == XD_OK ? take_qty(load, sku, entry.qty, now, loaded) : result;
}

static void tell_refused(struct xd_hub *hub, int64_t told) {
    const struct xd_problem *first = &hub->problems.items[0];
    bool said = hub->problems.errors > 0;
    if (told < TOLD_MAX) {
        xd_log(hub->config.env, XD_LOG_WARNING, "stock.entry_refused", NULL,
               "an entry of the ERP's stock is left out: %s %s", said ? first->pointer : "/qty",
               said ? first->detail : "has too many digits");
    }
}

enum xd_result xd_stock_load(struct xd_hub *hub, const char *erp, struct xd_document *document,
                             const cJSON *entries, struct xd_now now, struct xd_stock_loaded *loaded) {
    struct load load = {.hub = hub, .erp = erp};
    load.product = xd_alloc(sizeof *load.product);
    enum xd_result result = load.product == NULL ? XD_NO_MEMORY : find_untold(&load);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, entries) {
        if (result != XD_OK) {
            break;
        }
        result = take_entry(&load, document, entry, now, loaded);
        if (result == XD_INVALID) {
            tell_refused(hub, loaded->refused++);
            result = XD_OK;
        }
    }
    xd_free(load.product);
    xd_free(load.untold);
    xd_free(load.jobs);
    return result;
}
