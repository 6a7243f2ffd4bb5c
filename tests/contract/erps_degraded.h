/* An ERP with less than it promises: the same, behind a wrapper that hides what its grade adds. */
#ifndef XD_TESTS_CONTRACT_ERPS_DEGRADED_H
#define XD_TESTS_CONTRACT_ERPS_DEGRADED_H

#include "contract/erps.h"

/* maker as grade B or C. The copy stands for maker as long as its prepare was the last that was called. */
struct erp_maker erps_degrade(const struct erp_maker *maker, enum xd_erp_grade grade);

#endif
