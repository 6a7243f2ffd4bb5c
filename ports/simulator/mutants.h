/* The table of mistakes that this simulator can make on purpose (base/mutant.h). */
#ifndef XD_SIMULATOR_MUTANTS_H
#define XD_SIMULATOR_MUTANTS_H

#include "base/mutant.h"

struct xd_mutant_kind {
    const char *name; /* as on the command line */
    const char *does; /* what is wrong, in a line */
};
extern const struct xd_mutant_kind xd_mutant_kinds[XD_MUTANT_COUNT];

/* Whether this build has any. */
bool xd_mutants_are_built(void);
/* By name or number; XD_MUTANT_COUNT: there is none such. */
unsigned xd_mutant_find(const char *text);

#endif
