/* What tests of the hub's ERPs have in common. */
#ifndef XD_TESTS_POSTING_WORLD_H
#define XD_TESTS_POSTING_WORLD_H

#include "unit/hub_world_orders.h"

/* The hub is started anew with so many of world->erps. */
void posting_restart(struct hub_world *world, size_t erp_count);
/* Order PO-<number> of a tenant is taken; ship: "YYYY-MM-DD", when it shall ship, or NULL. */
void posting_order(struct hub_world *world, const char *tenant, int number, const char *ship);
/* Pauses an ERP or lets it go on, as an operator does; the status of the answer. */
unsigned posting_pause(struct hub_world *world, const char *erp, bool paused);
/* The place of "<tenant>/web/PO-<number>" among what was posted, from 0; fails when it was not. */
size_t posting_place(struct hub_world *world, const char *tenant, int number);
/* Steps until so many postings were made; fails when they are not after `ms`. */
void posting_wait(struct hub_world *world, unsigned posts, xd_ms ms);

/* Plans: nothing happens, and the ERP says so; nothing is known; 2 s until an answer. */
void plan_unavailable(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan);
void plan_unknown(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan);
void plan_slow(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan);

#endif
