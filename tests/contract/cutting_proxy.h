/* An HTTP server on loopback that stands before another one and, by dice, fails in every way that leaves the
 * caller in doubt, or does not: for servers that take one request a connection. */
#ifndef XD_TESTS_CONTRACT_CUTTING_PROXY_H
#define XD_TESTS_CONTRACT_CUTTING_PROXY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct cutting_proxy {
    int listener;
    unsigned port, target;  /* of loopback */
    atomic_uint one_in;     /* so many requests fail: 0 none */
    atomic_uint seen, cuts; /* requests; those that failed */
    atomic_bool ended;
    unsigned long seed;
    pthread_t thread;
};

/* Fails the test when it cannot. */
void cutting_proxy_start(struct cutting_proxy *proxy, unsigned target, unsigned long seed);
void cutting_proxy_stop(struct cutting_proxy *proxy);

#endif
