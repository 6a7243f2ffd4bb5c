/* What is posted comes about in steps, each a request of its own, as at Tryton: a sale is created, quoted and
 * confirmed; a shipment is taken hold of, waits, is assigned, picked, packed and done. Any of them may be the
 * last that is taken before the line is gone, or the worker; and the last one may be answered as if all were
 * well and have done nothing. What was begun and is not in the books is absent for who looks it up: posting
 * it again takes it on from where it stands, and must find the same content there.
 *
 * What it refuses it refuses with words, until the cause is gone: a person has mended it, or a day has come.
 * Then what was begun of it is deleted; of what has gone too far for that nobody says what became of it. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define REFUSED_MS_MAX (6 * XD_HOUR_MS)
#define PICKED 4u /* a shipment that has got there stays */

static const unsigned steps_of[] = {[XD_ERP_SALE] = 3,
                                    [XD_ERP_SHIPMENT] = 6,
                                    [XD_ERP_ADJUSTMENT] = 4,
                                    [XD_ERP_CHANGE] = 2,
                                    [XD_ERP_REVERSAL] = 4};

uint64_t xd_sim_erp_stops_after(struct xd_sim *sim, enum xd_erp_kind kind) {
    return 1 + xd_chance_below(&sim->chance[XD_FAULT_ERP_HALF_WAY], steps_of[kind] - 1);
}

/* NULL: nothing of it stands. */
static struct xd_sim_draft *draft_of(const struct xd_sim *sim, const char *key) {
    size_t number = sim->draft_count == 0 ? XD_NAMES_NONE : xd_names_get(&sim->draft_names, key);
    return number == XD_NAMES_NONE || sim->drafts[number].gone ? NULL : &sim->drafts[number];
}

static struct xd_sim_draft *begin(struct xd_sim *sim, const char *key, const struct xd_sim_effect *as) {
    sim->drafts = xd_host_grow(sim->drafts, sim->draft_count, &sim->draft_capacity, sizeof *sim->drafts);
    sim->drafts[sim->draft_count] = (struct xd_sim_draft){.as = *as};
    xd_names_set(&sim->draft_names, key, sim->draft_count);
    return &sim->drafts[sim->draft_count++];
}

static bool is_same(const struct xd_sim_effect *a, const struct xd_sim_effect *b) {
    bool same = a->line_count == b->line_count && strcmp(a->sale_reference, b->sale_reference) == 0;
    for (unsigned line = 0; line < a->line_count && same; line++) {
        same = strcmp(a->line_id[line], b->line_id[line]) == 0 && a->qty[line] == b->qty[line] &&
               a->close[line] == b->close[line];
    }
    return same;
}

static void say(struct xd_erp_answer *answer, enum xd_erp_outcome outcome, const char *code,
                const char *detail) {
    *answer = (struct xd_erp_answer){.outcome = outcome};
    xd_copy(answer->code, sizeof answer->code, code);
    xd_copy(answer->detail, sizeof answer->detail, detail);
}

/* ---- refusing ---- */

static const char *const words[][2][2] = {
    [XD_ERP_SALE] = {{"credit_limit", "The credit limit is reached."},
                     {"inactive_customer", "customer CUST-1 is not active"}},
    [XD_ERP_SHIPMENT] = {{"lot_required", "You must provide a stock lot for the move."},
                         {"period_closed", "The period is closed."}},
    [XD_ERP_ADJUSTMENT] = {{"unknown_product", "no product has the code WIDGET"},
                           {"period_closed", "The period is closed."}},
    [XD_ERP_CHANGE] = {{"credit_limit", "The credit limit is reached."},
                       {"digits", "The number of digits is exceeded."}},
    [XD_ERP_REVERSAL] = {{"not_allowed", "You are not allowed to do that."},
                         {"period_closed", "The period is closed."}},
};

/* Also what stands for all of its kind. */
static void refusal_keys(const struct xd_erp_request *request, char own[XD_SIM_ERP_KEY],
                         char all[XD_SIM_ERP_KEY]) {
    xd_sim_erp_key(request->kind, request->reference, own);
    xd_sim_erp_key(request->kind, "*", all);
}

void xd_sim_erp_refuse(struct xd_sim *sim, const struct xd_erp_request *request) {
    struct xd_chance *chance = &sim->chance[XD_FAULT_ERP_REFUSES];
    char own[XD_SIM_ERP_KEY], all[XD_SIM_ERP_KEY];
    xd_ms until = sim->now + xd_chance_spread(chance, XD_SECOND_MS, REFUSED_MS_MAX);
    refusal_keys(request, own, all);
    xd_names_set(&sim->refusals, xd_chance_hits(chance, 50000) ? all : own, (size_t)until);
}

static bool lasts(const struct xd_sim *sim, const char *key) {
    size_t until = xd_names_get(&sim->refusals, key);
    return until != XD_NAMES_NONE && until > (size_t)sim->now;
}

static bool refuses(struct xd_sim *sim, const struct xd_erp_request *request, struct xd_sim_draft *draft,
                    struct xd_erp_answer *answer) {
    char own[XD_SIM_ERP_KEY], all[XD_SIM_ERP_KEY];
    if (sim->rate[XD_FAULT_ERP_REFUSES] == 0 || sim->healing) {
        return false;
    }
    refusal_keys(request, own, all);
    if (!lasts(sim, own) && !lasts(sim, all)) {
        return false;
    }
    bool stays = draft != NULL && ((request->kind == XD_ERP_SHIPMENT && draft->steps >= PICKED) ||
                                   request->kind == XD_ERP_REVERSAL);
    unsigned char last = (unsigned char)request->reference[strlen(request->reference) - 1];
    const char *const *said = words[request->kind][last % 2];
    say(answer, stays ? XD_ERP_UNKNOWN : XD_ERP_REJECTED, said[0], said[1]);
    if (draft != NULL && !stays) {
        draft->gone = true;
    }
    xd_sim_tell(sim, "ERP", "refuses %s %s: %s", xd_erp_kind_names[request->kind], request->reference,
                said[1]);
    return true;
}

/* ---- going on ---- */

bool xd_sim_erp_goes_on(struct xd_sim *sim, const struct xd_erp_request *request, uint64_t steps,
                        struct xd_erp_answer *answer) {
    unsigned all = steps_of[request->kind];
    char key[XD_SIM_ERP_KEY];
    struct xd_sim_effect as;
    xd_sim_erp_key(request->kind, request->reference, key);
    struct xd_sim_draft *draft = draft_of(sim, key);
    if (refuses(sim, request, draft, answer)) {
        return false;
    }
    if (draft == NULL && (steps == XD_SIM_STEPS_ALL || steps == XD_SIM_STEPS_ONE_MORE)) {
        return steps == XD_SIM_STEPS_ALL;
    }
    steps = steps == XD_SIM_STEPS_ONE_MORE ? 1 : steps;
    xd_sim_erp_effect(request, &as);
    if (draft != NULL && !is_same(&draft->as, &as)) {
        say(answer, XD_ERP_REJECTED, "reference_conflict", "the reference is there with another content");
        return false;
    }
    draft = draft != NULL ? draft : begin(sim, key, &as);
    unsigned most = steps == XD_SIM_STEPS_BUT_LAST ? all - 1 : all, left = most - draft->steps;
    draft->steps += steps < left ? (unsigned)steps : left;
    draft->gone = draft->steps == all;
    if (!draft->gone) {
        xd_sim_tell(sim, "ERP", "has taken %u of %u steps of %s %s", draft->steps, all,
                    xd_erp_kind_names[request->kind], request->reference);
        say(answer, XD_ERP_UNKNOWN, "erp_busy", "It does not go on; it will be tried again.");
    }
    return draft->gone;
}

/* A hub that went back in time may never have begun it. */
void xd_sim_judge_drafts(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->draft_count && sim->hub_amnesia_to == 0; index++) {
        const struct xd_sim_draft *draft = &sim->drafts[index];
        if (!draft->gone) {
            xd_sim_violated(sim, "I10: %s %s was begun in the ERP, and stands there half made",
                            xd_erp_kind_names[draft->as.kind], draft->as.reference);
        }
    }
}
