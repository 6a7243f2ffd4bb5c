/* I6: what is acknowledged, the disk holds, whatever a crash then leaves of it.
 *
 * At some of the acknowledgements the machine's disk is copied, the copy loses all that was not synced, and
 * what was acknowledged is looked up in the store there, opened to be read: a document whose WMS has its
 * receipt, an order that was answered 202, a watermark, up to which the other side forgets what it sent, and,
 * before the ERP is called, that it is.
 *
 * The larger a disk, the rarer it is looked at, for all of its WAL is read then. Small worlds (script.h) have
 * each of their writes lost in turn instead. Of a disk that lies, or was garbled, nothing is promised. */
#include "simulator/host.h"
#include "simulator/sim.h"
#include "site/site_internal.h"

#include <stdio.h>
#include <string.h>

#define AFTERWARDS "afterwards"
#define ONE_IN 25u          /* acknowledgements, on an empty disk ... */
#define ONE_MORE_EACH 8192u /* ... and of so many bytes of it */

struct look {
    struct xd_disk *disk;
    struct xd_database *database;
};

static bool is_promised(const struct xd_sim_node *node) {
    const struct xd_sim *sim = node->sim;
    bool whole = node->number == 0 ||
                 (sim->rate[XD_FAULT_SITE_LYING_SYNC] == 0 && !sim->sites[node->number - 1].garbled);
    return whole && node->running && !sim->adding_sites && sim->options.script == XD_SIM_NO_SCRIPT;
}

static bool is_drawn(struct xd_sim_node *node) {
    return is_promised(node) &&
           xd_chance_below(&node->sim->looks, ONE_IN + xd_disk_used(node->disk) / ONE_MORE_EACH) == 0;
}

static void close_look(struct look *look) {
    if (look->database != NULL) {
        xd_database_close(look->database);
    }
    xd_disk_free(look->disk);
}

/* false: it is closed, and what is wrong was told. */
static bool open_look(struct xd_sim_node *node, struct look *look) {
    char why[256] = "no memory";
    const struct xd_database_config config = {
        .path = node->number == 0 ? AFTERWARDS "/hub.db" : AFTERWARDS "/agent.db",
        .vfs = XD_DISK_VFS,
        .read_only = true}; /* what is not written cannot mend anything, and costs nothing */
    *look = (struct look){.disk = xd_disk_clone(node->disk, AFTERWARDS)};
    enum xd_result result = look->disk == NULL ? XD_NO_MEMORY : XD_OK;
    if (result == XD_OK) {
        xd_disk_crash(look->disk, XD_DISK_LOST, 0);
        result = xd_database_open(&config, node->number == 0 ? XD_SCHEMA_HUB : XD_SCHEMA_SITE,
                                  &look->database, why, sizeof why);
    }
    if (result != XD_OK) {
        look->database = NULL;
        xd_sim_violated(node->sim, "I6: the store of %s does not open after a power failure: %s", node->name,
                        why);
        close_look(look);
        return false;
    }
    node->sim->figures->looks++;
    return true;
}

void xd_sim_held_document(struct xd_sim_node *node, const struct xd_sim_document *document) {
    const struct xd_hash any = {{0}}; /* whichever content it came with */
    struct xd_site_store store;
    struct xd_document_row row;
    struct look look;
    if (!is_drawn(node) || !open_look(node, &look)) {
        return;
    }
    xd_database_site_store(look.database, &store);
    enum xd_result result = store.delivery.document_get(store.delivery.context, XD_PEER_WMS, document->kind,
                                                        document->id, (int64_t)document->version, &any, &row);
    if (result != XD_CONFLICT) {
        xd_sim_violated(node->sim, "I6: %s has receipted %s, and its disk does not hold it", node->name,
                        document->id);
    }
    close_look(&look);
}

void xd_sim_held_order(struct xd_sim *sim, const struct xd_sim_order *order) {
    struct xd_hub_store store;
    struct xd_order_row row;
    struct look look;
    if (!is_drawn(&sim->hub_node) || !open_look(&sim->hub_node, &look)) {
        return;
    }
    xd_database_hub_store(look.database, &store);
    if (store.order_find(store.context, "default", "web", order->number, &row) != XD_OK) {
        xd_sim_violated(sim, "I6: order %s is answered 202, and the hub's disk does not hold it",
                        order->number);
    }
    close_look(&look);
}

void xd_sim_held_call(struct xd_sim *sim, const struct xd_erp_call *call) {
    struct xd_hub_store store;
    struct xd_job_row row;
    struct look look;
    if (call->find || call->list || call->job == 0 || !is_drawn(&sim->hub_node) ||
        !open_look(&sim->hub_node, &look)) {
        return;
    }
    xd_database_hub_store(look.database, &store);
    enum xd_result result = store.job_get(store.context, call->job, &row);
    if (result != XD_OK || row.state != XD_JOB_SENT || row.attempt != call->attempt) {
        xd_sim_violated(sim, "I6: %s is called for in the ERP, and the hub's disk does not know of it",
                        call->request.reference);
    }
    close_look(&look);
}

struct watermark {
    const char *lane, *epoch;
    uint64_t told;
    bool held;
};

static enum xd_result see_stream(void *context, const struct xd_stream_row *row) {
    struct watermark *watermark = context;
    watermark->held =
        watermark->held || (!row->sends && strcmp(row->lane, watermark->lane) == 0 &&
                            strcmp(row->epoch, watermark->epoch) == 0 && row->watermark >= watermark->told);
    return XD_OK;
}

void xd_sim_held_watermark(struct xd_sim_node *node, const char *site, const char *lane, const char *epoch,
                           uint64_t told) {
    struct watermark watermark = {.lane = lane, .epoch = epoch, .told = told};
    struct xd_hub_store hub;
    struct xd_site_store agent;
    struct look look;
    if (!is_drawn(node) || !open_look(node, &look)) {
        return;
    }
    if (node->number == 0) {
        xd_database_hub_store(look.database, &hub);
    } else {
        xd_database_site_store(look.database, &agent);
    }
    const struct xd_delivery_store *store = node->number == 0 ? &hub.delivery : &agent.delivery;
    const char *peer = node->number == 0 ? site : XD_PEER_HUB;
    if (store->stream_each(store->context, peer, see_stream, &watermark) != XD_OK || !watermark.held) {
        xd_sim_violated(node->sim, "I6: %s tells %s it has %s up to %llu, and its disk does not hold that",
                        node->name, peer, lane, (unsigned long long)told);
    }
    close_look(&look);
}
