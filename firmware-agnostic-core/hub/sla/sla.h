/* What is promised for an order, and when it is late: pure functions.
 *
 * A promise counts from when the order was received, by the wall clock, for so it was agreed
 * with people, and a deadline outlives a restart. A clock that jumps forward therefore tells
 * of deadlines early, and one that jumps back tells late; nothing is told twice. */
#ifndef XD_HUB_SLA_SLA_H
#define XD_HUB_SLA_SLA_H

#include "hub/reference/reference.h"
#include "hub/sla/sla_store.h"

/* "accepted", "released", "acknowledged", "shipped", NULL. */
extern const char *const xd_promise_names[];

/* How far an order has come. */
struct xd_sla_facts {
    bool over;         /* shipped, closed, cancelled or rejected: no promise is left */
    bool accepted;     /* the ERP has the sale */
    bool released;     /* something of it has gone to a site */
    bool acknowledged; /* ... and no site still owes an answer */
};
bool xd_promise_is_met(const struct xd_sla_facts *facts, enum xd_promise promise);

/* The deadline of an order that was received then; false: no such thing is promised. It is
 * warned of when warn_pct of the time is gone; at 100 there is no warning. Shipped by the sites'
 * calendar is due 0 and told of never until xd_deadline_set says when it is due. */
bool xd_deadline_make(const struct xd_tenant_policy *policy, const char *order_id, enum xd_promise promise,
                      xd_ms received_at, struct xd_deadline_row *out);

/* It became known now when it is due. */
void xd_deadline_set(const struct xd_tenant_policy *policy, xd_ms now, xd_ms due,
                     struct xd_deadline_row *row);

enum xd_alert { XD_ALERT_NONE, XD_ALERT_WARNING, XD_ALERT_BREACH };
/* What is to be told now; the row moves on. A warning whose deadline is over as well is no use
 * to anybody: only the breach is told. */
enum xd_alert xd_deadline_fire(struct xd_deadline_row *row, xd_ms now);

#endif
