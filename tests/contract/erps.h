/* Every implementation of hub/erp.h that can be filled and looked into by a test. */
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

/* Each ERP begins with:
 *   customers  CUST-1 (EUR, no limit), LIMITED (EUR, limit 100), ASLEEP (not active)
 *   products   WIDGET (EA, 9.95), GADGET (EA, no price), RETIRED (EA, 1, not active)
 *   stock      WH1: WIDGET 100 */
struct erp_maker {
    const char *name;
    enum xd_erp_grade grade;
    /* Makes the ERP in folder; fails the test when it cannot. */
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
};
extern const struct erp_maker erp_makers[];
extern const size_t erp_maker_count;
/* Once, before the first. */
void erps_start(void);

#endif
