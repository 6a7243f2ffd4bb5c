/* A site's core and its real store under the real turn, without connections: for
 * benches that fill an outbox or time the way into it. Ends the process with a
 * sentence when anything fails. */
#ifndef XD_BENCH_SITE_RIG_H
#define XD_BENCH_SITE_RIG_H

#include "base/bytes.h"

#include <stddef.h>

struct bench_rig;

#define BENCH_DOCUMENT_SIZE 2048

/* <folder>/agent.db, made if it is not there. */
struct bench_rig *bench_rig_open(const char *folder, const char *site);
void bench_rig_close(struct bench_rig *rig);
/* Documents first..first+count-1 through the turn, `batch` of them in each. Receipts are dropped. */
void bench_rig_take(struct bench_rig *rig, size_t first, size_t count, size_t batch);

/* The number-th shipment confirmation, of one kilobyte. */
struct xd_bytes bench_document(size_t number, char out[BENCH_DOCUMENT_SIZE]);

double bench_seconds(void); /* monotonic */
void bench_die(const char *what, const char *why);

#endif
