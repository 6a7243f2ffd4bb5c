/* Time zones of the system: /usr/share/zoneinfo, of Debian's package tzdata. */
#ifndef XD_POSIX_RUNTIME_ZONES_H
#define XD_POSIX_RUNTIME_ZONES_H

#include "base/zone.h"

/* Lives for ever. Any thread. */
const struct xd_zones *xd_posix_zones(void);

#endif
