/* Every implementation of hub/erp.h that can be filled and looked into by a test, as it is and with less
 * than it promises. */
#ifndef XD_TESTS_CONTRACT_ERPS_H
#define XD_TESTS_CONTRACT_ERPS_H

#include "hub/erp.h"

#include "base/result.h"

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
#define ERP_CAN_TELL_CLOSED 32u    /* a line that is shipped whole and closed from one that is not closed */
#define ERP_CAN_FREE_CREDIT 64u    /* what was shipped does not count against the credit limit any longer */
#define ERP_CAN_UNITS 128u         /* a line that is sold in cases (CS) and shipped in pieces */

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

struct erp_test {
    struct CMUnitTest test;
    unsigned needs; /* 0: every ERP is held to it */
};
/* Runs those of the tests that can be asked of this ERP; how many failed. */
int erps_run(const struct erp_maker *maker, const struct erp_test *tests, size_t count);

/* Filled by erps_start. Those as they are come first, then each with less than it promises: as B, where a
 * reference that comes twice is there twice, and as C, where nothing can be looked up besides. */
#define ERP_MAKERS_MAX 16
extern struct erp_maker erp_makers[ERP_MAKERS_MAX];
extern size_t erp_maker_count;
extern struct erp_maker erp_degraded[ERP_MAKERS_MAX];
extern size_t erp_degraded_count;
/* Once, before the first. */
void erps_start(void);
void erps_end(void); /* once, after the last */

#endif
