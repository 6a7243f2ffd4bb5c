#include "hub/sla/sla.h"

#include <string.h>

const char *const xd_promise_names[] = {"accepted", "released", "acknowledged", "shipped", NULL};

#define WITHIN_S_MAX INT64_C(100000000000) /* times 1000 and 100 it still fits */

bool xd_promise_is_met(const struct xd_sla_facts *facts, enum xd_promise promise) {
    switch (promise) {
    case XD_PROMISE_ACCEPTED:
        return facts->over || facts->accepted;
    case XD_PROMISE_RELEASED:
        return facts->over || facts->released;
    case XD_PROMISE_ACKNOWLEDGED:
        return facts->over || facts->acknowledged;
    default:
        return facts->over;
    }
}

static int64_t within_s(const struct xd_tenant_policy *policy, enum xd_promise promise) {
    const int64_t within[XD_PROMISE_COUNT] = {policy->accepted_within_s, policy->released_within_s,
                                              policy->acknowledged_within_s, policy->shipped_within_s};
    return within[promise] < WITHIN_S_MAX ? within[promise] : WITHIN_S_MAX;
}

bool xd_deadline_make(const struct xd_tenant_policy *policy, const char *order_id, enum xd_promise promise,
                      xd_ms received_at, struct xd_deadline_row *out) {
    xd_ms within_ms = within_s(policy, promise) * 1000;
    bool later = within_ms <= 0 && promise == XD_PROMISE_SHIPPED && policy->shipped_by_calendar;
    if (within_ms <= 0 && !later) {
        return false;
    }
    memset(out, 0, sizeof *out);
    memcpy(out->order_id, order_id, strlen(order_id) + 1);
    out->promise = (int)promise;
    out->stage = XD_DEADLINE_WAITS;
    if (!later) {
        xd_deadline_set(policy, received_at, received_at + within_ms, out);
    }
    return true;
}

void xd_deadline_set(const struct xd_tenant_policy *policy, xd_ms now, xd_ms due,
                     struct xd_deadline_row *row) {
    bool warns = policy->warn_pct > 0 && policy->warn_pct < 100 && due > now;
    row->due = due;
    row->stage = warns ? XD_DEADLINE_WAITS : XD_DEADLINE_WARNED;
    row->at = warns ? now + (due - now) * policy->warn_pct / 100 : due;
}

enum xd_alert xd_deadline_fire(struct xd_deadline_row *row, xd_ms now) {
    if (row->at == 0 || now < row->at || row->stage == XD_DEADLINE_BREACHED) {
        return XD_ALERT_NONE;
    }
    if (now >= row->due) {
        row->stage = XD_DEADLINE_BREACHED;
        row->at = 0;
        return XD_ALERT_BREACH;
    }
    row->stage = XD_DEADLINE_WARNED;
    row->at = row->due;
    return XD_ALERT_WARNING;
}
