/* Clients of the API: who they are, and the tokens that prove it.
 *
 * A token is random, told once in the answer that makes it, and stored as its hash
 * only: who loses it rotates. While one is changed two are live, so that a channel
 * can be given the new one before the old one ends. A client is named by its tenant
 * and its name; where a path names it alone, `?tenant=` says which tenant, and without
 * that it is the tenant "default".
 *
 * The writes run on the turn's thread and rules of hub.h hold for them; the views need
 * a store's R functions only. */
#ifndef XD_HUB_CLIENTS_H
#define XD_HUB_CLIENTS_H

#include "hub/hub.h"

#define XD_TENANT_DEFAULT "default"
#define XD_OVERLAP_S_DEFAULT 86400
#define XD_OVERLAP_S_MAX 2592000 /* 30 days */

/* POST /v1/clients {client, tenant?, role, expires_at?, rate_per_s?, burst?, channels?, schema_versions?}:
 * 201 with the token, or 409 client_exists. */
XD_CHECKED enum xd_result xd_hub_client_add(struct xd_hub *hub, const struct xd_api_request *request,
                                            struct xd_now now, struct xd_effects *effects);
/* PATCH /v1/clients/{id} {rate_per_s?, burst?, channels?, schema_versions?}: 200 with the client as it is
 * now. What is not there stays, and so do its tokens; 0 and [] take a limit away, a rate of 0 its burst, too.
 */
XD_CHECKED enum xd_result xd_hub_client_change(struct xd_hub *hub, const struct xd_api_request *request,
                                               struct xd_now now, struct xd_effects *effects);
/* POST /v1/clients/{id}/rotate {overlap_s?, expires_at?}: 200 with a new token. The newest one before stays
 * valid for overlap_s, any other ends at once. Without expires_at the new token lives as long as the one
 * before was made for. A revoked client is one again. */
XD_CHECKED enum xd_result xd_hub_client_rotate(struct xd_hub *hub, const struct xd_api_request *request,
                                               struct xd_now now, struct xd_effects *effects);
/* POST /v1/clients/{id}/revoke: 200, and none of its tokens is valid any more. Nobody revokes itself (409
 * own_client), so that an administrator is always left. Doing it again changes nothing. */
XD_CHECKED enum xd_result xd_hub_client_revoke(struct xd_hub *hub, const struct xd_api_request *request,
                                               struct xd_now now, struct xd_effects *effects);

/* Whether text may name a client or a tenant here: 1 to 64 of A-Z a-z 0-9 . _ - */
bool xd_client_name_valid(const char *text);

/* Each appends one JSON text; neither tells tokens or hashes. cursor: "" or the next_cursor of an earlier
 * answer (XD_NOT_FOUND: it is none); tenant NULL: any. */
XD_CHECKED enum xd_result xd_view_clients(const struct xd_hub_store *store, const char *tenant,
                                          const char *cursor, size_t max, struct xd_buffer *out);
XD_CHECKED enum xd_result xd_view_client(const struct xd_hub_store *store, const char *tenant,
                                         const char *client, struct xd_buffer *out);

#endif
