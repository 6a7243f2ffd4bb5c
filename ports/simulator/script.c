#include "simulator/script.h"

#include "simulator/sim.h"

#include <string.h>

#define TAKES_MS (5 * XD_SECOND_MS)
#define STEP_MS XD_SECOND_MS
#define WINDOW_MS_MAX (20 * XD_MINUTE_MS)
#define FATES_MS_MAX (15 * XD_MINUTE_MS)
#define REST_MS_MAX (6 * XD_HOUR_MS)

const char *const xd_sim_script_names[XD_SIM_SCRIPTS] = {
    "none",       "intake",    "drain",    "order", "release",   "confirmation",
    "erp-before", "erp-after", "erp-late", "start", "checkpoint"};

enum xd_sim_script xd_sim_script_of(const char *name) {
    for (unsigned script = XD_SIM_NO_SCRIPT + 1; script < XD_SIM_SCRIPTS; script++) {
        if (strcmp(xd_sim_script_names[script], name) == 0) {
            return (enum xd_sim_script)script;
        }
    }
    return XD_SIM_NO_SCRIPT;
}

xd_ms xd_sim_takes(struct xd_sim *sim, xd_ms least, xd_ms most) {
    if (sim->options.script != XD_SIM_NO_SCRIPT) {
        return least < TAKES_MS ? least : TAKES_MS;
    }
    return xd_chance_spread(&sim->work, least, most);
}

/* ---- how a flow stands ---- */

static bool nothing_waits(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->document_count; index++) {
        if (sim->documents[index].state == XD_SIM_WAITING) {
            return false;
        }
    }
    return sim->document_count > 0;
}

static const struct xd_sim_document *last_of(const struct xd_sim *sim, enum xd_kind kind) {
    for (size_t index = sim->document_count; index > 0; index--) {
        if (sim->documents[index - 1].kind == kind) {
            return &sim->documents[index - 1];
        }
    }
    return NULL;
}

/* Each in the books of the ERP, of which there is one for a document or order. */
static bool all_posted(struct xd_sim *sim) {
    size_t wanted = sim->order_count;
    for (size_t index = 0; index < sim->document_count; index++) {
        wanted += sim->documents[index].kind != XD_DOC_RESPONSE;
    }
    return sim->effect_count >= wanted;
}

static bool all_settled(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->document_count; index++) {
        const struct xd_sim_document *document = &sim->documents[index];
        if (document->kind != XD_DOC_RESPONSE && !document->settled) {
            return false;
        }
    }
    return sim->document_count > 0;
}

static bool posted_and_told(struct xd_sim *sim) {
    return all_posted(sim) && all_settled(sim);
}

static bool released(struct xd_sim *sim) {
    return sim->sites[0].releases.count > 0;
}

static bool sold(struct xd_sim *sim) {
    return sim->effect_count > 0 && released(sim);
}

static bool waits_at_broker(struct xd_sim *sim) {
    return sim->effect_count > 0 && sim->sites[0].node.queue->count > 0 && sim->hub_node.queue->count == 0;
}

static bool answered(struct xd_sim *sim) {
    const struct xd_sim_document *response = last_of(sim, XD_DOC_RESPONSE);
    struct xd_site_status status = {0};
    struct xd_sim_site *site = &sim->sites[0];
    return response != NULL && response->state == XD_SIM_ACCEPTED && site->node.running &&
           xd_site_status_of(&site->site, xd_sim_now(&site->node), &status) == XD_OK &&
           status.backlog_work == 0;
}

static bool is_confirming(struct xd_sim *sim) {
    const struct xd_sim_document *confirmation = last_of(sim, XD_DOC_CONFIRMATION);
    return confirmation != NULL && confirmation->tries > 0;
}

/* ---- the scripts ---- */

static void say_two(struct xd_sim *sim) {
    xd_sim_wms_count(&sim->sites[0]);
    xd_sim_wms_count(&sim->sites[0]);
}

static void say_one(struct xd_sim *sim) {
    xd_sim_wms_count(&sim->sites[0]);
}

static void order(struct xd_sim *sim) {
    (void)xd_sim_channel_order(sim);
}

static void cut_line(struct xd_sim *sim) {
    struct xd_sim_node *node = &sim->sites[0].node;
    node->open_up = node->open_down = false;
    xd_sim_link_down(node, 1);
}

static void mend_line(struct xd_sim *sim) {
    struct xd_sim_node *node = &sim->sites[0].node;
    node->open_up = node->open_down = true;
}

static void say_two_offline(struct xd_sim *sim) {
    cut_line(sim);
    say_two(sim);
}

static void order_offline(struct xd_sim *sim) {
    cut_line(sim);
    order(sim);
}

static void order_and_say_offline(struct xd_sim *sim) {
    order_offline(sim);
    say_one(sim);
}

static bool waits_on_both_sides(struct xd_sim *sim) {
    return waits_at_broker(sim) && nothing_waits(sim);
}

static void start_both(struct xd_sim *sim) {
    mend_line(sim);
    xd_sim_node_restart(&sim->hub_node, XD_SECOND_MS, XD_DISK_KEPT, 0);
    xd_sim_node_restart(&sim->sites[0].node, XD_SECOND_MS, XD_DISK_KEPT, 0);
}

static void shrink(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    (void)sim;
    (void)argument;
    if (node->running) {
        xd_sim_cut_memory(node, true);
        xd_database_shrink(node->database);
        xd_sim_cut_turn_ended(node);
        (void)xd_sim_cut_ended_it(node);
    }
}

static void shrink_and_order(struct xd_sim *sim) {
    struct xd_sim_node *site = &sim->sites[0].node;
    for (xd_ms after = 1; after < XD_SECOND_MS; after += XD_SECOND_MS / 2) {
        xd_agenda_add(&sim->agenda, sim->now + after, shrink, &sim->hub_node, 0);
        xd_agenda_add(&sim->agenda, sim->now + after, shrink, site, 0);
    }
    order(sim);
}

struct script {
    void (*prepare)(struct xd_sim *sim);
    bool (*is_prepared)(struct xd_sim *sim); /* asked each millisecond */
    void (*begin)(struct xd_sim *sim);
    bool (*is_reached)(struct xd_sim *sim);
    enum xd_fault fault; /* hits the first that it can; XD_FAULT_COUNT: none */
};

static const struct script scripts[XD_SIM_SCRIPTS] = {
    [XD_SIM_SCRIPT_INTAKE] = {NULL, NULL, say_one, nothing_waits, XD_FAULT_COUNT},
    [XD_SIM_SCRIPT_DRAIN] = {say_two_offline, nothing_waits, mend_line, posted_and_told, XD_FAULT_COUNT},
    [XD_SIM_SCRIPT_ORDER] = {NULL, NULL, order, released, XD_FAULT_COUNT},
    [XD_SIM_SCRIPT_RELEASE] = {order_offline, waits_at_broker, mend_line, answered, XD_FAULT_COUNT},
    [XD_SIM_SCRIPT_CONFIRMATION] = {order, is_confirming, NULL, posted_and_told, XD_FAULT_COUNT},
    [XD_SIM_SCRIPT_ERP_BEFORE] = {NULL, NULL, order, sold, XD_FAULT_ERP_TIMEOUT_BEFORE},
    [XD_SIM_SCRIPT_ERP_AFTER] = {NULL, NULL, order, sold, XD_FAULT_ERP_TIMEOUT_AFTER},
    [XD_SIM_SCRIPT_ERP_LATE] = {NULL, NULL, order, sold, XD_FAULT_ERP_LATE},
    [XD_SIM_SCRIPT_START] = {order_and_say_offline, waits_on_both_sides, start_both, posted_and_told,
                             XD_FAULT_COUNT},
    [XD_SIM_SCRIPT_CHECKPOINT] = {NULL, NULL, shrink_and_order, released, XD_FAULT_COUNT},
};

/* ---- running ---- */

static bool fails(const struct xd_sim *sim) {
    return sim->figures->violation[0] != 0;
}

static void prepare(struct xd_sim *sim, const struct script *script) {
    xd_ms began = sim->now;
    if (script->prepare != NULL) {
        script->prepare(sim);
    }
    while (script->is_prepared != NULL && !fails(sim) && !script->is_prepared(sim)) {
        xd_sim_run_until(sim, sim->now + 1);
        if (sim->now - began > WINDOW_MS_MAX) {
            xd_sim_violated(sim, "the script does not come to where its flow begins");
        }
    }
}

static void run_flow(struct xd_sim *sim, const struct script *script) {
    xd_ms began = sim->now;
    bool has_fault = script->fault != XD_FAULT_COUNT;
    if (has_fault) {
        sim->rate[script->fault] = 1000000;
    }
    if (script->begin != NULL) {
        script->begin(sim);
    }
    while (!fails(sim) && sim->now - began < WINDOW_MS_MAX &&
           !(script->is_reached(sim) && xd_sim_cuts_over(sim))) {
        xd_sim_run_until(sim, sim->now + STEP_MS);
        xd_sim_cuts_tend(sim);
        if (has_fault && sim->figures->faults[script->fault] > 0) {
            sim->rate[script->fault] = 0;
        }
    }
}

static void come_to_rest(struct xd_sim *sim) {
    char why[200] = "";
    xd_sim_heal(sim);
    sim->heal_at = sim->now;
    while (!fails(sim) && !xd_sim_is_quiet(sim, why, sizeof why)) {
        if (sim->now - sim->heal_at > REST_MS_MAX) {
            xd_sim_violated(sim, "I10: not at rest %lld h after the flow: %s",
                            (long long)(REST_MS_MAX / XD_HOUR_MS), why);
        }
        xd_sim_run_until(sim, sim->now + 2 * STEP_MS);
    }
    sim->figures->heal_ms = sim->now - sim->heal_at;
}

/* A count of stock is in no reconciliation: all may seem to be at rest while it is still being
 * posted. And of each document that was accepted the WMS hears what became of it. */
static void wait_for_fates(struct xd_sim *sim) {
    xd_ms began = sim->now;
    while (!fails(sim) && !posted_and_told(sim) && sim->now - began < FATES_MS_MAX) {
        xd_sim_run_until(sim, sim->now + STEP_MS);
    }
}

void xd_sim_script_run(struct xd_sim *sim) {
    const struct script *script = &scripts[sim->options.script];
    prepare(sim, script);
    if (fails(sim)) {
        return;
    }
    xd_sim_cuts_open(sim);
    run_flow(sim, script);
    bool reached = script->is_reached(sim);
    if (!fails(sim)) {
        xd_sim_cuts_close(sim);
    }
    come_to_rest(sim);
    wait_for_fates(sim);
    if (!fails(sim)) {
        xd_sim_judge(sim);
    }
    if (!fails(sim) && !reached) {
        xd_sim_violated(sim, "I10: the flow did not come to its end");
    }
    if (!fails(sim) && !all_settled(sim)) {
        xd_sim_violated(sim, "I10: the WMS does not hear what became of a document");
    }
}
