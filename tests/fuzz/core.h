/* The hub's simulated world as the stateful target plays with it: the events that fuzz_core.c chooses from.
 *
 * An event may be anything that a WMS, a channel, a broker, an ERP, a disk or a power cut can do. What a
 * holder of a site's signing key could do besides (lie about streams) is `byzantine`: nothing may break, but
 * such a line need not come to rest any more. */
#ifndef XD_TESTS_FUZZ_CORE_H
#define XD_TESTS_FUZZ_CORE_H

#include "fuzz/fuzz.h"
#include "unit/hub_world.h"

#define CORE_ORDERS 6u

struct core {
    struct hub_world world;
    struct fuzz_input input;
    bool honest;    /* nobody does what makes it byzantine */
    bool byzantine; /* somebody lied in a site's or the hub's own name */
    bool restored;  /* the hub went back in time: what it had promised may be gone */
    bool copied;
    bool accepted[CORE_ORDERS]; /* answered by 202 */
    unsigned site_commits_fail;
    struct xd_store_tx site_tx; /* the site's, with commits that can be made to fail */
    struct xd_effects scratch;
};

/* ---- core_texts.c: what people and machines write ---- */

/* One event: a document of the WMS, an order of a channel, a site that is added. */
void core_wms(struct core *core);
void core_order(struct core *core);
void core_add_site(struct core *core);
/* A document with its right place in the stream, whatever is in it: up or down. */
void core_append_up(struct core *core);
void core_append_down(struct core *core);

/* ---- core_wires.c: what the broker and whoever reaches it do ---- */

void core_wire(struct core *core);
void core_forge(struct core *core);
void core_confirm(struct core *core);
void core_line(struct core *core);

/* ---- fuzz_core.c ---- */

void core_site_start(struct core *core);

#endif
