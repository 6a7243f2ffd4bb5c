/* Every implementation of hub/erp.h that can be filled and looked into by a test, as it is and with less
 * than it promises; and the world of a test: one of them, what it is asked, and what it must show.
 *
 *   static void sale_is_made(void **state) {
 *       struct erp_world *world = *state;
 *       ... erps_post(world, &request) ...
 *   }
 *   int main(void) {
 *       static const struct erp_test tests[] = {ERP_TEST(sale_is_made, 0)};
 *       return erps_run_all(tests, sizeof tests / sizeof tests[0], false);
 *   } */
#ifndef XD_TESTS_CONTRACT_ERPS_H
#define XD_TESTS_CONTRACT_ERPS_H

#include "hub/erp.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/result.h"
#include "shared/json_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What not every one can, or not yet. */
#define ERP_CAN_CHANGE 1u          /* XD_ERP_CHANGE */
#define ERP_CAN_REVERSE 2u         /* XD_ERP_REVERSAL */
#define ERP_CAN_LOTS 4u            /* a line once for each of its lots */
#define ERP_CAN_SUBSTITUTE 8u      /* ordered_sku */
#define ERP_CAN_LIST_DOCUMENTS 16u /* sales, shipments, invoices */
#define ERP_CAN_LIST_ONCE                                                                                    \
    0x8000u /* ... each once for each time that it changed, what waits to be done left out */
#define ERP_CAN_TELL_CLOSED 32u /* a line that is shipped whole and closed from one that is not closed */
#define ERP_CAN_FREE_CREDIT 64u /* what was shipped does not count against the credit limit any longer */
#define ERP_CAN_UNITS 128u      /* a line that is sold in cases (CS) and shipped in pieces */

/* Each ERP begins with:
 *   customers  CUST-1 (EUR, no limit), LIMITED (EUR, limit 100), ASLEEP (not active)
 *   products   WIDGET (EA, 9.95), GADGET (EA, no price), RETIRED (EA, 1, not active)
 *   stock      WH1: WIDGET 100 */
struct erp_maker {
    const char *name;
    enum xd_erp_grade grade;
    /* Makes the ERP in folder; fails the test when it cannot. It may end what it made before. */
    void (*prepare)(const char *folder);
    void (*open)(const char *folder, struct xd_erp *out); /* one worker */
    /* What a person would see in the ERP itself. */
    struct xd_decimal (*stock)(const char *folder, const char *site, const char *sku);
    /* Its state: "open", "part_shipped", "shipped", "closed_short"; "" there is none. */
    void (*sale_state)(const char *folder, const char *reference, char out[32]);
    int64_t (*documents)(const char *folder, enum xd_erp_kind kind);
    /* From now on its disk cannot commit (NULL: cannot be tested). */
    void (*break_commits)(bool broken);
    /* Keeps it busy for longer than it waits, until called with false (NULL: cannot be tested). */
    void (*occupy)(const char *folder, bool busy);
    /* Its books are closed up to that day (2026-11-30), the day included (NULL: cannot be tested). */
    void (*close_books)(const char *folder, const char *until);
    unsigned can; /* ERP_CAN_... */
    /* Once; false: there is none here (a server that was not given, say), and it is left out. NULL: always.
     */
    bool (*start)(void);
    void (*end)(void); /* once, after all; NULL: nothing to do */
    /* A sale of 3 WIDGET for CUST-1 that the ERP's own people type in; out: its number (NULL: cannot be
     * tested). */
    void (*type_sale)(const char *folder, char out[64]);
};

/* What a test needs of its ERP beside what that can do, to be OR-ed with ERP_CAN_... */
#define ERP_NEEDS_ENFORCEMENT 0x100u    /* grade A: what came twice is there once */
#define ERP_NEEDS_A_LOOK 0x200u         /* not grade C: a reference can be looked up */
#define ERP_NEEDS_BROKEN_COMMITS 0x400u /* break_commits */
#define ERP_NEEDS_OCCUPATION 0x800u     /* occupy */
#define ERP_NEEDS_TYPING 0x1000u        /* type_sale */
#define ERP_NEEDS_CLOSING 0x2000u       /* close_books */

struct erp_test {
    struct CMUnitTest test;
    unsigned needs; /* 0: every ERP is held to it */
};
#define ERP_TEST(name, needs)                                                                                \
    { cmocka_unit_test_setup_teardown(name, erps_setup, erps_teardown), needs }
/* Runs those of the tests that can be asked of this ERP, each in a world of its own; how many failed. */
int erps_run(const struct erp_maker *maker, const struct erp_test *tests, size_t count);
/* The same of all that are there, each as it is; degraded: and then with less than it promises: as B, where a
 * reference that comes twice is there twice, and as C, where nothing can be looked up besides. Once. */
int erps_run_all(const struct erp_test *tests, size_t count, bool degraded);

/* ---- the world of a test ---- */

struct erp_world {
    const struct erp_maker *maker;
    char folder[64];
    struct xd_erp erp; /* a worker; close NULL: a test closed it */
    /* What was listed last, and where its list goes on: "" at first. */
    struct xd_buffer page;
    struct xd_arena arena;
    const struct xd_node *entries; /* of page: an array; NULL: nothing was listed */
    char cursor[XD_ERP_CURSOR_SIZE];
};
/* For tests that erps_run runs. */
int erps_setup(void **state);
int erps_teardown(void **state);

/* A line in EA that says nothing of what one is in base units. */
struct xd_erp_line erps_line(const char *line_id, const char *sku, const char *qty);
/* At WH1, of 2026-11-23T10:00:00Z. A sale is CUST-1's in EUR; sale_reference is that of what belongs to one.
 */
struct xd_erp_request erps_request(enum xd_erp_kind kind, const char *reference, const char *sale_reference,
                                   const struct xd_erp_line *lines, size_t count);

/* By the world's worker. Of an answer nothing is left that was there before. */
struct xd_erp_answer erps_post(struct erp_world *world, const struct xd_erp_request *request);
struct xd_erp_answer erps_find(struct erp_world *world, enum xd_erp_kind kind, const char *reference);
/* The next page, at most max entries, into the world; its cursor moves on if it was given. */
struct xd_erp_answer erps_try_list(struct erp_world *world, enum xd_erp_list what, size_t max);

void erps_assert_done(struct xd_erp_answer answer);
void erps_assert_rejected(struct xd_erp_answer answer, const char *code);
void erps_assert_state(struct erp_world *world, const char *sale, const char *expected);
void erps_assert_stock(struct erp_world *world, const char *sku, const char *expected); /* at WH1 */
void erps_list(struct erp_world *world, enum xd_erp_list what, size_t max);             /* it is done */

#endif
