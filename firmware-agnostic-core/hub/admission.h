/* What a client and its tenant may hand in, and what may come by a channel: asked of
 * every order that is read, before it is taken, of a revision of one, and of one that is asked about. The
 * turn's thread. */
#ifndef XD_HUB_ADMISSION_H
#define XD_HUB_ADMISSION_H

#include "documents/order.h"
#include "hub/hub.h"
#include "hub/reference/reference.h"

#define XD_ORDER_VERSION_MAX 1 /* the forms of an order that are known are 1 up to here */

/* Why something is not let in; code NULL: it is. */
struct xd_refusal {
    unsigned status;    /* HTTP */
    const char *code;   /* static text */
    const char *detail; /* static text */
};

/* Whether the order's form (`schema_version`) is known, and allowed to this client: to be asked before the
 * order is read, for another form reads otherwise. What is no version at all is left to the reader. */
void xd_hub_form_allowed(const struct xd_client_row *client, const cJSON *order, struct xd_problems *problems,
                         struct xd_refusal *refusal);
/* Whether an order that was read may come: its channel's type for this client, its size and its lines
 * for this tenant; what reference data says of the channel is for hub/validate.h. body_size: bytes of the
 * order as it came. problems has all that is against it, and where; the refusal is the first of it. An order
 * that could not be read to the end can be given too. Pure. */
void xd_admission_decide(const struct xd_client_row *client, const struct xd_tenant_policy *policy,
                         const struct xd_order *order, size_t body_size, struct xd_problems *problems,
                         struct xd_refusal *refusal);
/* The same with the hub's reference data of the order's tenant. With XD_OK refusal->code tells; otherwise the
 * store failed. */
XD_CHECKED enum xd_result xd_hub_intake_allowed(struct xd_hub *hub, const struct xd_client_row *client,
                                                const char *tenant, const struct xd_order *order,
                                                size_t body_size, struct xd_problems *problems,
                                                struct xd_refusal *refusal);
/* Whether the client's orders may name that type of channel. Any thread. */
bool xd_client_channel_allowed(const struct xd_client_row *client, const char *type);
/* Whether the client may change or cancel that order, which it may see: one that came by a channel by which
 * it may hand in. The refusal tells. Pure. */
void xd_client_may_change(const struct xd_client_row *client, const struct xd_order_row *order,
                          struct xd_refusal *refusal);

#endif
