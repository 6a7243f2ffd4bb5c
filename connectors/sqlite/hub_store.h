/* Private to connectors/sqlite: the parts of the hub's store, a file each. Each
 * fills its own members of the table. */
#ifndef XD_SQLITE_HUB_STORE_H
#define XD_SQLITE_HUB_STORE_H

#include "hub/store.h"
#include "sqlite/statements.h"

void xd_hub_clients_fill(struct xd_hub_store *out);
void xd_hub_orders_fill(struct xd_hub_store *out);
void xd_hub_releases_fill(struct xd_hub_store *out);
void xd_hub_confirmations_fill(struct xd_hub_store *out);
void xd_hub_parked_fill(struct xd_hub_store *out);
void xd_hub_exceptions_fill(struct xd_hub_store *out);
void xd_hub_jobs_fill(struct xd_hub_store *out);
void xd_hub_reconcile_fill(struct xd_hub_store *out);
void xd_hub_stock_fill(struct xd_hub_store *out);
void xd_hub_sla_fill(struct xd_hub_store *out);
void xd_hub_reference_fill(struct xd_database *database, struct xd_reference_store *out);
void xd_hub_books_fill(struct xd_hub_store *out);
void xd_hub_events_fill(struct xd_hub_store *out);

#endif
