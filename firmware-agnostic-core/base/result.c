/* The names of the outcomes, in the order of the enumeration. */
#include "base/result.h"

#include <stddef.h>

static const char *const names[] = {
    [XD_OK] = "ok",
    [XD_INVALID] = "invalid",
    [XD_NOT_FOUND] = "not_found",
    [XD_DUPLICATE] = "duplicate",
    [XD_CONFLICT] = "conflict",
    [XD_AGAIN] = "again",
    [XD_UNAVAILABLE] = "unavailable",
    [XD_FULL] = "full",
    [XD_CORRUPT] = "corrupt",
    [XD_DENIED] = "denied",
    [XD_NO_MEMORY] = "no_memory",
    [XD_IO] = "io",
    [XD_UNKNOWN] = "unknown",
};

_Static_assert(sizeof names / sizeof names[0] == XD_RESULT_COUNT, "every result has a name");

const char *xd_result_name(enum xd_result result) {
    size_t index = (size_t)result;
    return index < XD_RESULT_COUNT ? names[index] : "out_of_range";
}
