/* The turn against a store of tables that only count: order of calls, undo of one
 * event, failure of all, and when to stop. */
#include "common/turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* Every call leaves a letter: b(egin) s(avepoint) d(ecide) k(eep) u(ndo) l(oad again) L(oad after a failed
 * batch) r(efuse) t(he settle) c(ommit) R(ollback) e(ffects released). */
struct script {
    char trace[128];
    enum xd_result decides[4]; /* by event */
    enum xd_result begin, savepoint, undo, settle, commit, reload;
    bool overfill;      /* an event's effects do not fit */
    unsigned released;  /* effects let out */
    enum xd_result why; /* of the last refusal */
};

static struct script script;

static enum xd_result mark(char letter, enum xd_result result) {
    size_t length = strlen(script.trace);
    assert_true(length + 1 < sizeof script.trace);
    script.trace[length] = letter;
    return result;
}

static void forget_trace(void) {
    memset(script.trace, 0, sizeof script.trace);
}

static enum xd_result begin(void *context) {
    (void)context;
    return mark('b', script.begin);
}
static enum xd_result commit(void *context) {
    (void)context;
    return mark('c', script.commit);
}
static void rollback(void *context) {
    (void)context;
    (void)mark('R', XD_OK);
}
static enum xd_result savepoint(void *context) {
    (void)context;
    return mark('s', script.savepoint);
}
static enum xd_result keep(void *context) {
    (void)context;
    return mark('k', XD_OK);
}
static enum xd_result undo(void *context) {
    (void)context;
    return mark('u', script.undo);
}

static enum xd_result decide(void *context, void *event, struct xd_now now, struct xd_effects *effects) {
    (void)context;
    assert_int_equal(now.wall, 7);
    assert_non_null(xd_effects_add(effects, XD_EFFECT_TICKET));
    effects->result = script.overfill ? XD_FULL : effects->result;
    return mark('d', script.decides[*(unsigned *)event]);
}
static void refuse(void *context, void *event, enum xd_result why, struct xd_effects *effects) {
    (void)context;
    (void)event;
    script.why = why;
    assert_non_null(xd_effects_add(effects, XD_EFFECT_LINE_RETRY));
    (void)mark('r', XD_OK);
}
static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    (void)context;
    (void)now;
    (void)effects;
    return mark('t', script.settle);
}
static enum xd_result reload(void *context, bool restart) {
    (void)context;
    return mark(restart ? 'L' : 'l', script.reload);
}
static void release(void *context, struct xd_effects *effects) {
    (void)context;
    script.released += (unsigned)effects->count;
    (void)mark('e', XD_OK);
}

static const struct xd_store_tx tx = {NULL, begin, commit, rollback, savepoint, keep, undo};

static struct xd_turn turn;

static int start(void **state) {
    struct xd_turn_ops ops = {NULL, decide, refuse, settle, reload, release};
    (void)state;
    memset(&script, 0, sizeof script);
    xd_turn_init(&turn, &ops, &tx, NULL);
    return 0;
}

static int stop(void **state) {
    (void)state;
    xd_turn_free(&turn);
    return 0;
}

static enum xd_result run(size_t count) {
    static unsigned numbers[] = {0, 1, 2, 3};
    void *events[] = {&numbers[0], &numbers[1], &numbers[2], &numbers[3]};
    return xd_turn_run(&turn, events, count, (struct xd_now){.wall = 7});
}

static void effects_leave_after_the_one_commit_of_all_events(void **state) {
    (void)state;
    assert_int_equal(run(2), XD_OK);
    assert_string_equal(script.trace, "bddtce");
    assert_int_equal(script.released, 2);
    assert_int_equal(turn.counters.events, 2);
    assert_int_equal(turn.effects.count, 0);
}

static void time_passes_without_events_too(void **state) {
    (void)state;
    assert_int_equal(run(0), XD_OK);
    assert_string_equal(script.trace, "btce");
}

static void a_bad_event_is_undone_and_refused_alone(void **state) {
    (void)state;
    script.decides[1] = XD_CONFLICT;
    assert_int_equal(run(3), XD_OK);
    assert_string_equal(script.trace, "bddRL"
                                      "bsdksdulrsdktce");
    assert_int_equal(script.why, XD_CONFLICT);
    assert_int_equal(script.released, 3); /* two, and the refusal */
    assert_int_equal(turn.counters.undone, 1);
    assert_int_equal(turn.counters.restarts, 1);
    assert_int_equal(turn.counters.commits_failed, 0);
}

static void after_a_bad_event_batches_are_careful_for_a_while(void **state) {
    (void)state;
    script.decides[0] = XD_FULL;
    assert_int_equal(run(1), XD_OK);
    for (unsigned i = 0; i < XD_TURN_CAREFUL; i++) {
        forget_trace();
        assert_int_equal(run(0), XD_OK); /* time alone is no batch */
        forget_trace();
        assert_int_equal(run(1), XD_OK);
        assert_string_equal(script.trace, "bsdulrtce"); /* and nothing is done twice */
    }
    forget_trace();
    script.decides[0] = XD_OK;
    assert_int_equal(run(1), XD_OK);
    assert_string_equal(script.trace, "bdtce");
    assert_int_equal(turn.counters.restarts, 1);
}

static void effects_that_do_not_fit_undo_their_event(void **state) {
    (void)state;
    script.overfill = true;
    assert_int_equal(run(1), XD_OK);
    assert_string_equal(script.trace, "bdRL"
                                      "bsdulrtce");
    assert_int_equal(script.why, XD_FULL);
    assert_int_equal(script.released, 1);
}

static void a_failed_commit_releases_refusals_only(void **state) {
    (void)state;
    script.commit = XD_FULL;
    assert_int_equal(run(2), XD_OK);
    assert_string_equal(script.trace, "bddtcRL"
                                      "bsdktcRLre"
                                      "bsdktcRLre");
    assert_int_equal(script.why, XD_FULL);
    assert_int_equal(script.released, 2);
    assert_int_equal(turn.counters.commits_failed, 3);
}

static void a_begin_that_fails_refuses_all(void **state) {
    (void)state;
    script.begin = XD_FULL;
    assert_int_equal(run(2), XD_OK);
    assert_string_equal(script.trace, "bRLbRLrebRLre");
}

static void an_event_that_fills_the_store_takes_no_other_along(void **state) {
    (void)state;
    script.decides[1] = XD_FULL;
    script.undo = XD_FULL; /* the store has given up the whole transaction */
    assert_int_equal(run(3), XD_OK);
    assert_string_equal(script.trace, "bddRL"
                                      "bsdksduRL"
                                      "bsdktce"
                                      "bsduRLre"
                                      "bsdktce");
    assert_int_equal(script.released, 3); /* two, and the refusal */
}

static void a_settle_that_fails_fails_the_batch(void **state) {
    (void)state;
    script.settle = XD_NO_MEMORY;
    assert_int_equal(run(1), XD_OK);
    assert_string_equal(script.trace, "bdtRLre");
}

static void io_and_corruption_stop_and_release_nothing(void **state) {
    static const enum xd_result ends[] = {XD_IO, XD_CORRUPT};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        memset(&script, 0, sizeof script);
        script.commit = ends[i];
        assert_int_equal(run(1), ends[i]);
        assert_string_equal(script.trace, "bdtcR");
        memset(&script, 0, sizeof script);
        script.decides[0] = ends[i];
        assert_int_equal(run(1), ends[i]);
        assert_string_equal(script.trace, "bdR");
        assert_int_equal(turn.effects.count, 0);
    }
}

static void a_reload_that_fails_stops(void **state) {
    (void)state;
    script.commit = XD_FULL;
    script.reload = XD_CORRUPT;
    assert_int_equal(run(1), XD_CORRUPT);
    assert_string_equal(script.trace, "bdtcRL");
    forget_trace();
    script.commit = XD_OK;
    script.decides[0] = XD_CONFLICT;
    assert_int_equal(run(1), XD_CORRUPT);
    assert_string_equal(script.trace, "bdRL");
}

#define WITH_A_TURN(test_) cmocka_unit_test_setup_teardown(test_, start, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_A_TURN(effects_leave_after_the_one_commit_of_all_events),
        WITH_A_TURN(time_passes_without_events_too),
        WITH_A_TURN(a_bad_event_is_undone_and_refused_alone),
        WITH_A_TURN(after_a_bad_event_batches_are_careful_for_a_while),
        WITH_A_TURN(effects_that_do_not_fit_undo_their_event),
        WITH_A_TURN(a_failed_commit_releases_refusals_only),
        WITH_A_TURN(a_begin_that_fails_refuses_all),
        WITH_A_TURN(an_event_that_fills_the_store_takes_no_other_along),
        WITH_A_TURN(a_settle_that_fails_fails_the_batch),
        WITH_A_TURN(io_and_corruption_stop_and_release_nothing),
        WITH_A_TURN(a_reload_that_fails_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
