/* What tests of orders and their releases have in common: reference data and stock, what channels and
 * operators ask of an order, what a WMS answers, and each book as one short text to compare. */
#ifndef XD_TESTS_HUB_WORLD_ORDERS_H
#define XD_TESTS_HUB_WORLD_ORDERS_H

#include "unit/hub_world.h"

/* ---- what is there ---- */

/* One entry of reference data, by the API's word. */
void world_put(struct hub_world *world, const char *kind, const char *body);
/* A list says: qty on hand. */
void world_stock(struct hub_world *world, const char *site, const char *sku, const char *qty);
/* WH1 and WH2, with `one` and `two` WIDGET on hand. */
int world_two_sites(void **state);
struct hub_world *world_with_stock(void **state, const char *one, const char *two);

/* ---- orders ---- */

#define ORDER_TEXT_SIZE 4096u
/* PO-<number> of CUST-1; head: further members with a comma behind each; lines: the inside of lines[]. */
char *world_order_text(int number, const char *head, const char *lines, char out[ORDER_TEXT_SIZE]);
/* Takes it; the status of the answer. */
unsigned world_take(struct hub_world *world, int number, const char *text);
unsigned world_order(struct hub_world *world, int number, const char *head, const char *lines);
/* One line "1" of qty WIDGET at 2.50. */
unsigned world_simple(struct hub_world *world, int number, const char *head, const char *qty);
/* Lines "1" and "2" of WIDGET. */
unsigned world_two_lines(struct hub_world *world, int number, const char *head, const char *one,
                         const char *two);
const char *world_line(const char *id, const char *sku, const char *qty, const char *uom, char out[256]);

typedef enum xd_result (*world_write)(struct xd_hub *hub, const struct xd_api_request *request,
                                      struct xd_now now, struct xd_effects *effects);
/* A write about the order PO-<number>; body NULL: none. */
unsigned world_ask(struct hub_world *world, world_write write, int number, const char *body);
unsigned world_cancel(struct hub_world *world, int number, const char *body);
unsigned world_revise(struct hub_world *world, int number, const char *if_match, const char *body);
/* About the oldest open exception of that code. */
unsigned world_resolve(struct hub_world *world, const char *code, const char *action);
/* POST /v1/replay; expected is in the answer. */
unsigned world_replay(struct hub_world *world, const char *body, const char *expected);

/* ---- sites ---- */

/* The n-th release of PO-<number>, from 1; fails when there is none. */
void world_release_id(struct hub_world *world, int number, int n, char out[XD_ID_SIZE]);
void world_answer(struct hub_world *world, int number, int n, int revision, const char *response);
/* Of one of its lines; qty NULL: of all of that line. */
void world_answer_line(struct hub_world *world, int number, int n, int revision, const char *response,
                       const char *line_id, const char *qty);
/* qty of line 1 of it leaves the site; status NULL: none said. */
void world_ships(struct hub_world *world, int number, int n, const char *qty, const char *status);
void world_ships_line(struct hub_world *world, int number, int n, const char *line_id, const char *sku,
                      const char *qty, const char *uom, const char *status);
void world_quiet(struct hub_world *world);

/* ---- books ---- */

/* A plan: nobody answers. */
void world_erp_away(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan);

/* "open allocated released shipped cancelled backordered pending" of the line. */
void assert_line(struct hub_world *world, int number, const char *line_id, const char *expected);
/* "SITE STATUS CANCEL revision" of the n-th release. */
void assert_release(struct hub_world *world, int number, int n, const char *expected);
void assert_releases(struct hub_world *world, int number, int64_t expected);
void assert_status(struct hub_world *world, int number, const char *expected);
/* Why it was cancelled or rejected, by its timeline, its event, and what the API says: the code, and who
 * wished it; by "": nobody. */
void assert_reason(struct hub_world *world, int number, const char *code, const char *by);
/* How often the step is in the order's timeline. */
void assert_step(struct hub_world *world, int number, const char *step, int64_t expected);
/* "on_hand reserved" */
void assert_stock(struct hub_world *world, const char *site, const char *sku, const char *expected);
void assert_exposure(struct hub_world *world, const char *customer, const char *expected);
/* "qty price shipped" of the sale's line at the ERP; "none". */
void assert_sale(struct hub_world *world, int number, const char *line_id, const char *expected);
/* All exceptions of that code, open or not. */
void assert_raised(struct hub_world *world, const char *code, int64_t expected);
/* Releases, stock and exposure agree with the orders' lines; hub_world_books. */
void assert_agrees(struct hub_world *world);
/* When all is done: each line of a sale at the ERP has what is not cancelled and what has shipped. */
void assert_erp_agrees(struct hub_world *world);
/* One row of the hub's store as text, columns as SQL says; "none". */
void world_query(struct hub_world *world, const char *sql, char out[256]);

#endif
