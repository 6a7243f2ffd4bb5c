/* A few locks, chosen by the text's hash: two texts may share one, which costs time and nothing else. A
 * worker holds one at a time, so nobody waits for somebody who waits. */
#include "erp/tryton/internal.h"

#include <pthread.h>

#define HOLDS 64

struct xd_tryton_hold {
    pthread_mutex_t lock;
};

static struct xd_tryton_hold holds[HOLDS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_holds(void) {
    for (int i = 0; i < HOLDS; i++) {
        (void)pthread_mutex_init(&holds[i].lock, NULL);
    }
}

struct xd_tryton_hold *xd_tryton_hold(const char *text) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; text != NULL && *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    }
    (void)pthread_once(&once, init_holds);
    struct xd_tryton_hold *hold = &holds[hash % HOLDS];
    (void)pthread_mutex_lock(&hold->lock);
    return hold;
}

void xd_tryton_release(struct xd_tryton_hold *hold) {
    (void)pthread_mutex_unlock(&hold->lock);
}
