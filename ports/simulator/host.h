/* Memory of the simulator itself. The simulated programs' allocations are made to fail
 * (base/memory.h); the world around them MUST NOT be hit by that. Ends the process when
 * there is no memory. */
#ifndef XD_SIMULATOR_HOST_H
#define XD_SIMULATOR_HOST_H

#include <stddef.h>

/* Once, first of all: what one world gives back, the next one takes. The C library would give it
 * back to the system and clear it anew, which is half of a small world's cost. */
void xd_host_begin(void);
void *xd_host_alloc(size_t size); /* zero-filled */
void *xd_host_room(size_t size);  /* not cleared */
/* Room for one more element behind count. */
void *xd_host_grow(void *items, size_t count, size_t *capacity, size_t element_size);
char *xd_host_copy(const void *data, size_t size); /* zero-terminated */
void xd_host_free(void *memory);
/* Seconds by the host's clock, for measuring; nothing simulated may depend on it. */
double xd_host_seconds(void);

#endif
