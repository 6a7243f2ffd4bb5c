/* An ERP whose books are the truth: sales, what their lines were changed to in all, shipments, adjustments.
 * It enforces our reference (in a script it takes all that
 * is posted, so that a blind retry shows), and is otherwise as ERPs are: slow, away, answering too early, too
 * late or not at all; and what is posted comes about in steps (erp_steps.c). */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIVEN_UP_MS ((xd_ms)30000) /* when the worker stops waiting */
#define LIFE_MS (2 * XD_MINUTE_MS) /* the longest life of a request (hub_node.c) */

void xd_sim_erp_key(enum xd_erp_kind kind, const char *reference, char out[XD_SIM_ERP_KEY]) {
    (void)snprintf(out, XD_SIM_ERP_KEY, "%d %s", (int)kind, reference);
}

static int64_t whole(struct xd_decimal value) {
    char text[XD_DECIMAL_TEXT_MAX];
    return strtoll(xd_decimal_write(value, text), NULL, 10);
}

void xd_sim_erp_effect(const struct xd_erp_request *request, struct xd_sim_effect *effect) {
    *effect = (struct xd_sim_effect){.kind = request->kind};
    xd_copy(effect->reference, sizeof effect->reference, request->reference);
    xd_copy(effect->sale_reference, sizeof effect->sale_reference, request->sale_reference);
    xd_copy(effect->reverses, sizeof effect->reverses, request->reverses);
    xd_copy(effect->site, sizeof effect->site, request->site);
    for (size_t line = 0; line < request->line_count && line < XD_SIM_LINES_MAX; line++) {
        xd_copy(effect->line_id[line], sizeof effect->line_id[line], request->lines[line].line_id);
        effect->qty[line] = whole(request->lines[line].qty);
        effect->close[line] = request->lines[line].close;
        effect->line_count++;
    }
}

void xd_sim_erp_take(struct xd_sim *sim, const struct xd_sim_effect *effect) {
    char key[XD_SIM_ERP_KEY];
    sim->effects = xd_host_grow(sim->effects, sim->effect_count, &sim->effect_capacity, sizeof *sim->effects);
    sim->effects[sim->effect_count] = *effect;
    xd_sim_erp_key(effect->kind, effect->reference, key);
    xd_names_set(&sim->effect_names, key, sim->effect_count);
    sim->effect_count++;
    xd_sim_books_take(sim, sim->effect_count - 1);
    sim->figures->changes += effect->kind == XD_ERP_CHANGE;
    xd_sim_tell(sim, "ERP", "%s %s", xd_erp_kind_names[effect->kind], effect->reference);
}

static void found(struct xd_sim *sim, const struct xd_sim_call *call, struct xd_erp_answer *answer) {
    char key[XD_SIM_ERP_KEY];
    xd_sim_erp_key(call->call->request.kind, call->call->request.reference, key);
    size_t number = xd_names_get(&sim->effect_names, key);
    *answer = (struct xd_erp_answer){.outcome = number == XD_NAMES_NONE ? XD_ERP_ABSENT : XD_ERP_DONE};
    if (number != XD_NAMES_NONE) {
        (void)snprintf(answer->document, sizeof answer->document, "D%llu", (unsigned long long)number);
    }
}

/* argument: how many steps of it are taken (erp_steps.c). */
static void land(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_call *call = object;
    struct xd_erp_answer there;
    struct xd_sim_effect effect;
    if (call->call->list) {
        return; /* it says what there is when it answers */
    }
    found(sim, call, &there);
    bool refuses_twins =
        sim->options.script == XD_SIM_NO_SCRIPT; /* no blind retry: so nothing is posted twice */
    if (!call->call->find && (there.outcome == XD_ERP_ABSENT || !refuses_twins) &&
        xd_sim_erp_goes_on(sim, &call->call->request, argument, &there)) {
        xd_sim_erp_effect(&call->call->request, &effect);
        xd_sim_erp_take(sim, &effect);
        found(sim, call, &there);
    }
    if (!call->landed && call->answer.outcome == XD_ERP_DONE) {
        call->answer = there;
    }
    call->landed = true;
}

static void answer(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_call *call = object;
    (void)argument;
    if (call->hub_life == sim->hub_node.lives && sim->hub_node.running) {
        xd_sim_mail(&sim->hub_node, (struct xd_sim_mail){.kind = XD_SIM_MAIL_ERP, .call = call}, 0);
    }
}

/* What is drawn for a call. */
struct course {
    xd_ms lands, answers; /* after so much time; lands < 0: never */
    xd_ms last;           /* one step that was under way lands by itself then; < 0: none */
    uint64_t steps;
};

/* It stops in the middle, of which nobody is told; or its last step did nothing, and it says so. */
static void plan_steps(struct xd_sim *sim, struct xd_sim_call *call, struct course *course) {
    struct xd_chance *chance = &sim->chance[XD_FAULT_ERP_HALF_WAY];
    bool half = xd_sim_hit(sim, XD_FAULT_ERP_HALF_WAY), nothing = xd_sim_hit(sim, XD_FAULT_ERP_NOTHING_DONE);
    if (nothing) {
        course->steps = XD_SIM_STEPS_BUT_LAST;
    }
    if (!half) {
        return;
    }
    course->steps = xd_sim_erp_stops_after(sim, call->call->request.kind);
    call->answer.outcome = XD_ERP_UNKNOWN;
    course->answers = xd_chance_hits(chance, 500000) ? GIVEN_UP_MS : course->answers;
    if (course->lands >= 0 && xd_chance_hits(chance, 300000)) {
        xd_ms from = course->lands > GIVEN_UP_MS ? course->lands : GIVEN_UP_MS;
        course->last = xd_chance_between(chance, from, LIFE_MS - 1);
    }
}

/* DONE stands for what it finds when it lands. */
static void plan(struct xd_sim *sim, struct xd_sim_call *call, struct course *out) {
    bool find = call->call->find || call->call->list;
    *out = (struct course){
        .lands = xd_chance_between(&sim->work, 20, 200), .last = -1, .steps = XD_SIM_STEPS_ALL};
    out->answers = out->lands + 1;
    call->answer.outcome = XD_ERP_DONE;
    if (sim->now < sim->erp_down_until || (find && xd_sim_hit(sim, XD_FAULT_ERP_BLIND)) ||
        xd_sim_hit(sim, XD_FAULT_ERP_429)) {
        call->answer.outcome = XD_ERP_UNAVAILABLE;
        call->answer.retry_after_ms = (uint32_t)xd_chance_below(&sim->work, 60000);
        out->lands = -1;
        return;
    }
    if (xd_sim_hit(sim, XD_FAULT_ERP_SLOW)) {
        out->lands = xd_chance_spread(&sim->work, 1000, GIVEN_UP_MS - 1000);
        out->answers = out->lands + 1;
    }
    if (call->call->list && xd_sim_hit(sim, XD_FAULT_ERP_BOOKS)) {
        size_t *max = &call->call->max, most = *max == 0 ? XD_ERP_PAGE_MAX : *max;
        *max = 1 + xd_chance_below(&sim->chance[XD_FAULT_ERP_BOOKS], most < 8 ? most : 8);
    }
    if (find) {
        return;
    }
    bool before = xd_sim_hit(sim, XD_FAULT_ERP_TIMEOUT_BEFORE),
         after = xd_sim_hit(sim, XD_FAULT_ERP_TIMEOUT_AFTER);
    bool late = xd_sim_hit(sim, XD_FAULT_ERP_LATE), error = xd_sim_hit(sim, XD_FAULT_ERP_500);
    if (before || after || late || error) {
        call->answer.outcome = XD_ERP_UNKNOWN;
        out->answers = error ? out->answers : GIVEN_UP_MS;
        bool never = before || (error && xd_chance_hits(&sim->work, 500000));
        out->lands = never  ? -1
                     : late ? xd_chance_between(&sim->work, GIVEN_UP_MS, LIFE_MS - 1000)
                            : out->lands;
    }
    plan_steps(sim, call, out);
    if (xd_sim_hit(sim, XD_FAULT_ERP_REFUSES)) {
        xd_sim_erp_refuse(sim, &call->call->request);
    }
}

/* I7: nothing is posted that is there already or may still land, for an ERP that knows no
 * references would have it twice. A hub whose disk went back cannot know. */
static void watch_post(struct xd_sim *sim, const struct xd_erp_request *request, xd_ms lands) {
    char key[XD_SIM_ERP_KEY];
    xd_sim_erp_key(request->kind, request->reference, key);
    size_t *lands_by = xd_names_at(&sim->posts, key);
    bool may_land = *lands_by != XD_NAMES_NONE && *lands_by > (size_t)sim->now;
    bool there = xd_names_get(&sim->effect_names, key) != XD_NAMES_NONE;
    if ((may_land || there) && sim->hub_amnesia_to == 0) {
        xd_sim_violated(sim, "I7: %s %s is posted again, which %s", xd_erp_kind_names[request->kind],
                        request->reference, there ? "is in the ERP" : "may still land");
    }
    *lands_by = lands < 0 ? 0 : (size_t)(sim->now + lands);
}

void xd_sim_erp_call(struct xd_sim *sim, struct xd_erp_call *call) {
    struct xd_sim_call *made = xd_host_alloc(sizeof *made);
    struct course course;
    xd_sim_held_call(sim, call);
    made->call = call;
    made->hub_life = sim->hub_node.lives;
    made->next = sim->calls;
    sim->calls = made;
    plan(sim, made, &course);
    const char *about = call->list ? call->cursor : call->request.reference;
    xd_sim_note(sim, 5000 + (uint64_t)call->find + 2u * call->list, about, strlen(about));
    if (!call->find && !call->list) {
        watch_post(sim, &call->request, course.last > course.lands ? course.last : course.lands);
    }
    if (course.lands >= 0) {
        xd_agenda_add(&sim->agenda, sim->now + course.lands, land, made, course.steps);
    }
    if (course.last >= 0) {
        xd_agenda_add(&sim->agenda, sim->now + course.last, land, made, XD_SIM_STEPS_ONE_MORE);
    }
    xd_agenda_add(&sim->agenda, sim->now + course.answers, answer, made, 0);
}

void xd_sim_erp_free(struct xd_sim *sim) {
    while (sim->calls != NULL) {
        struct xd_sim_call *next = sim->calls->next;
        xd_erp_call_free(sim->calls->call);
        xd_host_free(sim->calls);
        sim->calls = next;
    }
}
