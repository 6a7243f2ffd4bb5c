/* Reading single members out of texts as our programs write them, without building a tree of each: that was a
 * twentieth of all that a world costs. */
#ifndef XD_SIMULATOR_AS_WRITTEN_H
#define XD_SIMULATOR_AS_WRITTEN_H

#include "base/bytes.h"

#include <stdbool.h>

/* The text of the first member of that name, at whatever depth: name and value without a space between, no
 * escapes. false: it is not there, is written otherwise, or does not fit. */
bool xd_as_written(struct xd_bytes text, const char *name, char *out, size_t size);
/* Likewise of a whole number; 0: none is there. */
uint64_t xd_number_as_written(struct xd_bytes text, const char *name);

#endif
