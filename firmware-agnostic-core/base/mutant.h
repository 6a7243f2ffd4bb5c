/* Mistakes made on purpose, to test the tests: where a rule is implemented,
 * XD_MUTANT(NAME) says whether it is to be broken.
 *
 * In what ships it is the constant `false`, and the compiler leaves nothing of it
 * behind. Only a simulator that is built with XD_MUTANTS (VARIANT=sim) has mutants: one
 * at a time, chosen at run time by xd_mutant; 0 chooses none. What each does is told
 * by ports/simulator/mutants.c, and tests/simulation/mutants.py demands that the
 * simulator's oracle notices every one.
 *
 * The only header of the core that may ask the preprocessor. */
#ifndef XD_BASE_MUTANT_H
#define XD_BASE_MUTANT_H

#include <stdbool.h>

/* New ones go to the end: their numbers are what people repeat a run by. */
enum xd_mutant_number {
    XD_MUTANT_NONE,
    /* the turn */
    XD_MUTANT_RELEASE_BEFORE_COMMIT,
    XD_MUTANT_SAVEPOINT_KEPT,
    XD_MUTANT_FAILED_BATCH_RELEASED,
    XD_MUTANT_RELOAD_SKIPPED,
    XD_MUTANT_COMMIT_NOT_SYNCED,
    /* delivery */
    XD_MUTANT_WATERMARK_OFF_BY_ONE,
    XD_MUTANT_WATERMARK_OVER_GAP,
    XD_MUTANT_DROPPED_ON_CONFIRM,
    XD_MUTANT_REGISTRY_FORGOTTEN,
    XD_MUTANT_LANE_STARVED,
    XD_MUTANT_CHAIN_NOT_COMPARED,
    XD_MUTANT_RENUMBER_FORGETS,
    XD_MUTANT_RESEND_SKIPPED,
    XD_MUTANT_UNCOVERED_TRIMMED,
    /* the site */
    XD_MUTANT_RECEIPT_WITHOUT_ROW,
    XD_MUTANT_DUPLICATE_ACCEPTED,
    XD_MUTANT_RELEASE_NOT_HELD,
    XD_MUTANT_REDELIVERY_STOPS,
    XD_MUTANT_FULL_TOLD_AS_ACCEPTED,
    XD_MUTANT_ECHO_SKIPPED,
    /* the hub */
    XD_MUTANT_FORGERY_ACCEPTED,
    XD_MUTANT_KEY_IGNORED,
    XD_MUTANT_NUMBER_IGNORED,
    XD_MUTANT_REFUSED_ORDER_ACCEPTED,
    XD_MUTANT_SENT_NOT_STORED,
    XD_MUTANT_RETRIED_WITHOUT_LOOKUP,
    XD_MUTANT_ABSENT_BELIEVED,
    XD_MUTANT_JOB_FORGOTTEN,
    XD_MUTANT_CALLS_UNBOUNDED,
    XD_MUTANT_RELEASE_NOT_SENT,
    XD_MUTANT_CONFIRMATION_TWICE,
    XD_MUTANT_OVERSHIPMENT_DROPPED,
    XD_MUTANT_QUANTITY_NOT_MOVED,
    XD_MUTANT_IDS_RANDOM,
    XD_MUTANT_SETTLED_NOT_SENT,
    XD_MUTANT_CONFLICT_NOT_MARKED,
    XD_MUTANT_CANCEL_NOT_SENT,
    XD_MUTANT_CHANGE_MISSTATED,
    XD_MUTANT_BACKORDER_FORGOTTEN,
    XD_MUTANT_CANCELLED_DRAFT_SENT,
    XD_MUTANT_REFUSED_RELEASE_DROPPED,
    XD_MUTANT_DEFIANCE_UNTOLD,
    XD_MUTANT_HALF_MADE_ANEW,
    XD_MUTANT_REVERSAL_TWICE,
    XD_MUTANT_SHIPPED_UNTOLD,
    XD_MUTANT_EVENT_NACK_IGNORED,
    XD_MUTANT_ROUTED_BY_CLOCK,
    XD_MUTANT_COUNT
};

extern int xd_mutant; /* the simulator's; nothing else has it */

#ifdef XD_MUTANTS
#define XD_MUTANT(name) (xd_mutant == XD_MUTANT_##name)
#define XD_MUTANTS_BUILT true
#else
#define XD_MUTANT(name) false
#define XD_MUTANTS_BUILT false
#endif

#endif
