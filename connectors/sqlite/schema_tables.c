/* The tables of today, which a new store gets at once; one that is older gets there by the steps of
 * schema_steps.c. Both ways must lead to the same (tests/contract/test_database.c): what a step adds to a
 * table stands at the table's end here, with the value that older rows have.
 *
 * Keys are in the order of arrival wherever a table grows without end: appending
 * to the right edge of a tree costs a third of inserting at random places.
 * outbox.key and above.key are stream << 40 | sequence, so that a stream's rows
 * are a range of rowids. Decimals are TEXT (exact), hashes BLOB, times INTEGER
 * (milliseconds). A table has an index more only where a query would otherwise
 * slow down with what is done; partial ones hold only what is open. */
#include "sqlite/schema.h"

static const char delivery[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    /* topic: enum xd_counter. */
    "CREATE TABLE counter(topic INTEGER NOT NULL, state INTEGER NOT NULL, name TEXT NOT NULL, count"
    " INTEGER NOT NULL, PRIMARY KEY(topic, state, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE stream(number INTEGER PRIMARY KEY, peer TEXT NOT NULL, sends INTEGER NOT NULL, lane"
    " TEXT NOT NULL, epoch TEXT NOT NULL, next INTEGER NOT NULL, watermark INTEGER NOT NULL, chain BLOB"
    " NOT NULL, floor INTEGER NOT NULL, floor_chain BLOB NOT NULL, conflict INTEGER NOT NULL,"
    " UNIQUE(peer, sends, lane)) STRICT;"
    "CREATE TABLE retired_epoch(stream INTEGER NOT NULL, epoch TEXT NOT NULL, watermark INTEGER NOT"
    " NULL, PRIMARY KEY(stream, epoch)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE outbox(key INTEGER PRIMARY KEY, kind INTEGER NOT NULL, document_id TEXT NOT NULL,"
    " version INTEGER NOT NULL, accepted_at INTEGER NOT NULL, hash BLOB NOT NULL, chain BLOB NOT NULL,"
    " correlation_id TEXT, causation_id TEXT, checksum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE above(key INTEGER PRIMARY KEY, hash BLOB NOT NULL, chain BLOB NOT NULL) STRICT;"
    "CREATE TABLE peer(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    /* variant 0 is the first content of an id and version; others are conflicts. */
    "CREATE TABLE document(peer INTEGER NOT NULL, kind INTEGER NOT NULL, id TEXT NOT NULL, version"
    " INTEGER NOT NULL, variant INTEGER NOT NULL, hash BLOB NOT NULL, at INTEGER NOT NULL, fate_version"
    " INTEGER NOT NULL DEFAULT 0, fate_outcome INTEGER NOT NULL DEFAULT 0, fate_code TEXT, fate_detail"
    " TEXT, PRIMARY KEY(peer, kind, id, version, variant)) STRICT, WITHOUT ROWID;"
    /* AUTOINCREMENT: readers page by number, so a number must not come again. */
    "CREATE TABLE quarantine(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, source"
    " TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, sha256 BLOB NOT NULL, times INTEGER NOT"
    " NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE(source, sha256)) STRICT;";

static const char releases_held[] =
    "CREATE TABLE held_release(number INTEGER PRIMARY KEY AUTOINCREMENT, release_id TEXT NOT NULL,"
    " revision INTEGER NOT NULL, purpose INTEGER NOT NULL, state INTEGER NOT NULL, published INTEGER"
    " NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL, hash BLOB NOT NULL, received_at INTEGER"
    " NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE(release_id, revision)) STRICT;"
    "CREATE INDEX held_open ON held_release(state) WHERE state = 0;";

static const char orders[] =
    "CREATE TABLE site(site TEXT PRIMARY KEY, kind TEXT NOT NULL, user TEXT NOT NULL, password_hash"
    " TEXT NOT NULL, kid TEXT NOT NULL, secret BLOB NOT NULL, added_at INTEGER NOT NULL, last_seen"
    " INTEGER NOT NULL, status TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE client(tenant TEXT NOT NULL, client TEXT NOT NULL, role TEXT NOT NULL, added_at"
    " INTEGER NOT NULL, revoked_at INTEGER NOT NULL, rate_per_s INTEGER NOT NULL, burst INTEGER NOT"
    " NULL, channels TEXT NOT NULL, schema_versions INTEGER NOT NULL, PRIMARY KEY(tenant, client))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE client_token(number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, tenant TEXT NOT"
    " NULL, client TEXT NOT NULL, made_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX client_token_client ON client_token(tenant, client);"
    "CREATE TABLE idempotency(tenant TEXT NOT NULL, client TEXT NOT NULL, key TEXT NOT NULL,"
    " fingerprint BLOB NOT NULL, order_id TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(tenant,"
    " client, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX idempotency_age ON idempotency(at);"
    "CREATE TABLE orders(n INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,"
    " client TEXT NOT NULL, channel_type TEXT NOT NULL, channel_account TEXT NOT NULL,"
    " external_order_id TEXT NOT NULL, customer_ref TEXT NOT NULL, customer_po TEXT NOT NULL, currency"
    " TEXT NOT NULL, site TEXT NOT NULL, correlation_id TEXT NOT NULL, sale_reference TEXT NOT NULL,"
    " status INTEGER NOT NULL, revision INTEGER NOT NULL, hash BLOB NOT NULL, received_at INTEGER NOT"
    " NULL, updated_at INTEGER NOT NULL, customer_code TEXT NOT NULL DEFAULT '', steps INTEGER NOT NULL"
    " DEFAULT 0, holds INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0, releases"
    " INTEGER NOT NULL DEFAULT 0, changes INTEGER NOT NULL DEFAULT 0, changing INTEGER NOT NULL DEFAULT"
    " 0, total TEXT NOT NULL DEFAULT '0', erp TEXT NOT NULL DEFAULT '', ship_by INTEGER NOT NULL"
    " DEFAULT 0, UNIQUE(external_order_id, tenant, channel_account)) STRICT;"
    "CREATE INDEX orders_status ON orders(status);"
    "CREATE TABLE order_body(n INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, body BLOB NOT NULL)"
    " STRICT;"
    "CREATE TABLE order_line(n INTEGER NOT NULL, number INTEGER NOT NULL, line_id TEXT NOT NULL,"
    " external_line_id TEXT NOT NULL, sku TEXT NOT NULL, uom TEXT NOT NULL, unit_price TEXT, ordered"
    " TEXT NOT NULL, open TEXT NOT NULL, allocated TEXT NOT NULL, released TEXT NOT NULL, shipped TEXT"
    " NOT NULL, cancelled TEXT NOT NULL, backordered TEXT NOT NULL, overshipped TEXT NOT NULL,"
    " factor_num INTEGER NOT NULL DEFAULT 1, factor_den INTEGER NOT NULL DEFAULT 1, pending TEXT NOT"
    " NULL DEFAULT '0', serials INTEGER NOT NULL DEFAULT 0, invoiced TEXT NOT NULL DEFAULT '0',"
    " ordered_uom TEXT NOT NULL DEFAULT '', ordered_num INTEGER NOT NULL DEFAULT 0, ordered_den INTEGER"
    " NOT NULL DEFAULT 0, PRIMARY KEY(n, number)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX order_line_backordered ON order_line(n) WHERE backordered <> '0';"
    "CREATE TABLE timeline(n INTEGER NOT NULL, step_number INTEGER NOT NULL, at INTEGER NOT NULL, step"
    " TEXT NOT NULL, correlation_id TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY(n, step_number))"
    " STRICT, WITHOUT ROWID;";

static const char work[] =
    "CREATE TABLE release(n INTEGER PRIMARY KEY, release_id TEXT NOT NULL UNIQUE, order_id TEXT NOT"
    " NULL, site TEXT NOT NULL, revision INTEGER NOT NULL, status INTEGER NOT NULL, created_at INTEGER"
    " NOT NULL, updated_at INTEGER NOT NULL, number INTEGER NOT NULL DEFAULT 1, cancel INTEGER NOT NULL"
    " DEFAULT 0, stage INTEGER NOT NULL DEFAULT 2, reroutes INTEGER NOT NULL DEFAULT 0, whole INTEGER"
    " NOT NULL DEFAULT 0, ack_by INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX release_order ON release(order_id);"
    "CREATE INDEX release_site ON release(site);"
    "CREATE INDEX release_late ON release(ack_by) WHERE ack_by > 0;"
    "CREATE TABLE release_line(n INTEGER NOT NULL, number INTEGER NOT NULL, line_id TEXT NOT NULL, sku"
    " TEXT NOT NULL, uom TEXT NOT NULL, factor_num INTEGER NOT NULL, factor_den INTEGER NOT NULL, qty"
    " TEXT NOT NULL, shipped TEXT NOT NULL, over TEXT NOT NULL, closed TEXT NOT NULL, asked TEXT NOT"
    " NULL DEFAULT '0', unwanted TEXT NOT NULL DEFAULT '0', answer INTEGER NOT NULL DEFAULT 0, refused"
    " INTEGER NOT NULL DEFAULT 0, told_num INTEGER NOT NULL DEFAULT 0, told_den INTEGER NOT NULL"
    " DEFAULT 0, claimed_open TEXT NOT NULL DEFAULT '0', claimed_cancelled TEXT NOT NULL DEFAULT '0',"
    " left_out TEXT NOT NULL DEFAULT '0', PRIMARY KEY(n, line_id)) STRICT, WITHOUT ROWID;"
    /* State 0 is XD_JOB_QUEUED, 3 XD_JOB_DONE, 4 XD_JOB_REJECTED. */
    "CREATE TABLE job(number INTEGER PRIMARY KEY, erp TEXT NOT NULL, kind INTEGER NOT NULL, reference"
    " TEXT NOT NULL, state INTEGER NOT NULL, attempt INTEGER NOT NULL, due_at INTEGER NOT NULL, sent_at"
    " INTEGER NOT NULL, order_id TEXT NOT NULL, site TEXT NOT NULL, confirmation_id TEXT NOT NULL,"
    " confirmation_version INTEGER NOT NULL, at INTEGER NOT NULL, document TEXT NOT NULL, code TEXT NOT"
    " NULL, detail TEXT NOT NULL, tenant TEXT NOT NULL DEFAULT '', promise INTEGER NOT NULL DEFAULT 0,"
    " waits INTEGER NOT NULL DEFAULT 0, reverses TEXT NOT NULL DEFAULT '', after_job INTEGER NOT NULL"
    " DEFAULT 0, reversed INTEGER NOT NULL DEFAULT 0, UNIQUE(reference, kind, erp)) STRICT;"
    "CREATE INDEX job_open ON job(erp, state) WHERE state <> 3;"
    "CREATE INDEX job_site ON job(site);"
    "CREATE INDEX job_queue ON job(erp, tenant, promise) WHERE state = 0 AND waits = 0;"
    "CREATE INDEX job_wait ON job(erp, due_at) WHERE state = 0 AND waits = 1;"
    "CREATE INDEX job_after ON job(after_job) WHERE after_job > 0;"
    "CREATE INDEX job_refused ON job(confirmation_id) WHERE state = 4;"
    "CREATE INDEX job_order ON job(order_id);"
    "CREATE TABLE job_line(job INTEGER NOT NULL, number INTEGER NOT NULL, release_id TEXT NOT NULL,"
    " line_id TEXT NOT NULL, sku TEXT NOT NULL, uom TEXT NOT NULL, qty TEXT NOT NULL, unbilled TEXT NOT"
    " NULL, unit_price TEXT, close INTEGER NOT NULL, factor_num INTEGER NOT NULL DEFAULT 1, factor_den"
    " INTEGER NOT NULL DEFAULT 1, lot TEXT NOT NULL DEFAULT '', ordered_sku TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY(job, number)) STRICT, WITHOUT ROWID;";

static const char confirmations[] =
    "CREATE TABLE confirmation(n INTEGER PRIMARY KEY, site TEXT NOT NULL, confirmation_id TEXT NOT"
    " NULL, version INTEGER NOT NULL, hash BLOB NOT NULL, state INTEGER NOT NULL, shipment_id TEXT NOT"
    " NULL, waits_for TEXT NOT NULL, lines_in INTEGER NOT NULL, lines_applied INTEGER NOT NULL,"
    " lines_parked INTEGER NOT NULL, lines_rejected INTEGER NOT NULL, jobs_open INTEGER NOT NULL,"
    " fate_version INTEGER NOT NULL, received_at INTEGER NOT NULL, kind INTEGER NOT NULL DEFAULT 0,"
    " base INTEGER NOT NULL DEFAULT 0, alert_at INTEGER NOT NULL DEFAULT 0, UNIQUE(site,"
    " confirmation_id, version)) STRICT;"
    "CREATE INDEX confirmation_waits ON confirmation(waits_for) WHERE waits_for <> '';"
    "CREATE INDEX confirmation_shipment ON confirmation(shipment_id, site);"
    "CREATE INDEX confirmation_alert ON confirmation(alert_at) WHERE alert_at > 0;"
    "CREATE TABLE confirmation_body(n INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, body BLOB NOT"
    " NULL) STRICT;"
    "CREATE TABLE parked_line(site TEXT NOT NULL, confirmation_id TEXT NOT NULL, version INTEGER NOT"
    " NULL, line INTEGER NOT NULL, code TEXT NOT NULL, exception TEXT NOT NULL, waits_for TEXT NOT"
    " NULL, PRIMARY KEY(site, confirmation_id, version, line)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX parked_line_exception ON parked_line(exception);"
    "CREATE INDEX parked_line_waits ON parked_line(waits_for) WHERE waits_for <> '';"
    "CREATE TABLE remainder(n INTEGER PRIMARY KEY, site TEXT NOT NULL, confirmation_id TEXT NOT NULL,"
    " version INTEGER NOT NULL, release_id TEXT NOT NULL, line_id TEXT NOT NULL, opened TEXT NOT NULL,"
    " cancelled TEXT NOT NULL, factor_num INTEGER NOT NULL DEFAULT 0, factor_den INTEGER NOT NULL"
    " DEFAULT 0, awaits INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX remainder_of ON remainder(confirmation_id, site, version);"
    "CREATE INDEX remainder_awaiting ON remainder(release_id) WHERE awaits <> 0;"
    /* Partial indexes of what is open, whole ones for people who look back. */
    "CREATE TABLE exception(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, code TEXT NOT NULL, open"
    " INTEGER NOT NULL, site TEXT NOT NULL, order_id TEXT NOT NULL, release_id TEXT NOT NULL, line_id"
    " TEXT NOT NULL, kind INTEGER NOT NULL, document_id TEXT NOT NULL, version INTEGER NOT NULL, qty"
    " TEXT NOT NULL, detail TEXT NOT NULL, raised_at INTEGER NOT NULL, resolved_at INTEGER NOT NULL,"
    " resolved_by TEXT NOT NULL DEFAULT '', action TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL"
    " DEFAULT '') STRICT;"
    "CREATE INDEX exception_open ON exception(open) WHERE open = 1;"
    "CREATE INDEX exception_document ON exception(document_id, site, kind, version) WHERE open = 1;"
    "CREATE INDEX exception_order ON exception(order_id, code) WHERE open = 1;"
    "CREATE INDEX exception_of_order ON exception(order_id);"
    "CREATE INDEX exception_of_code ON exception(code);"
    "CREATE INDEX exception_of_site ON exception(site);"
    "CREATE TABLE edit(n INTEGER PRIMARY KEY, exception TEXT NOT NULL, at INTEGER NOT NULL, by TEXT"
    " NOT NULL, reason TEXT NOT NULL, before_checksum INTEGER NOT NULL, before BLOB NOT NULL,"
    " after_checksum INTEGER NOT NULL, after BLOB NOT NULL) STRICT;"
    "CREATE INDEX edit_exception ON edit(exception);";

static const char reference[] =
    "CREATE TABLE stock(site TEXT NOT NULL, sku TEXT NOT NULL, on_hand TEXT NOT NULL, reserved TEXT"
    " NOT NULL, listed TEXT NOT NULL, adjusted TEXT NOT NULL, shipped TEXT NOT NULL, listed_at INTEGER"
    " NOT NULL, source TEXT NOT NULL, PRIMARY KEY(site, sku)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX stock_sku ON stock(sku);"
    "CREATE INDEX stock_listed ON stock(site) WHERE listed_at > 0;"
    "CREATE INDEX stock_told ON stock(site) WHERE listed_at > 0 AND source <> 'erp';"
    "CREATE TABLE exposure(customer TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL,"
    " PRIMARY KEY(customer, currency)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE reference(version INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key TEXT NOT NULL,"
    " previous INTEGER NOT NULL, source TEXT NOT NULL, client TEXT NOT NULL, hash BLOB NOT NULL, at"
    " INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE reference_current(kind INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT"
    " NULL, PRIMARY KEY(kind, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE reference_alias(kind INTEGER NOT NULL, alias TEXT NOT NULL, tenant TEXT NOT NULL,"
    " account TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY(kind, alias, tenant, account)) STRICT,"
    " WITHOUT ROWID;"
    "CREATE INDEX reference_alias_key ON reference_alias(kind, key);";

static const char told[] =
    /* n is given by the hub: readers go on by it, so it must not come again. The log grows at its right edge
       and is cut at its left one; its ids need no index, for they are random and nobody looks one up. */
    "CREATE TABLE event(n INTEGER PRIMARY KEY, id TEXT NOT NULL, order_id TEXT NOT NULL, tenant TEXT"
    " NOT NULL, channel TEXT NOT NULL, type TEXT NOT NULL, at INTEGER NOT NULL, checksum INTEGER NOT"
    " NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE subscription(id TEXT PRIMARY KEY, tenant TEXT NOT NULL, url TEXT NOT NULL, types"
    " TEXT NOT NULL, secret BLOB NOT NULL, enabled INTEGER NOT NULL, position INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, delivered_at INTEGER NOT NULL, failing_since INTEGER NOT NULL,"
    " failures INTEGER NOT NULL, detail TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE deadline(order_id TEXT NOT NULL, promise INTEGER NOT NULL, stage INTEGER NOT NULL,"
    " at INTEGER NOT NULL, due INTEGER NOT NULL, PRIMARY KEY(order_id, promise)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX deadline_at ON deadline(at) WHERE at > 0;";

static const char books[] =
    "CREATE TABLE erp_waiting(erp TEXT NOT NULL, what INTEGER NOT NULL, number TEXT NOT NULL, proposed"
    " INTEGER NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(erp,"
    " what, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE erp_invoice(erp TEXT NOT NULL, number TEXT NOT NULL, order_id TEXT NOT NULL, state"
    " TEXT NOT NULL, told INTEGER NOT NULL, PRIMARY KEY(erp, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE erp_invoice_line(erp TEXT NOT NULL, number TEXT NOT NULL, line INTEGER NOT NULL,"
    " line_id TEXT NOT NULL, base_qty TEXT NOT NULL, PRIMARY KEY(erp, number, line)) STRICT, WITHOUT"
    " ROWID;"
    "CREATE TABLE book_run(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, erp TEXT NOT NULL, state"
    " INTEGER NOT NULL, by TEXT NOT NULL, queued_at INTEGER NOT NULL, started_at INTEGER NOT NULL,"
    " ended_at INTEGER NOT NULL, sales INTEGER NOT NULL, shipments INTEGER NOT NULL, invoices INTEGER"
    " NOT NULL, stock INTEGER NOT NULL, differences INTEGER NOT NULL, detail TEXT NOT NULL) STRICT;"
    "CREATE INDEX book_run_open ON book_run(n) WHERE state <= 1;"
    /* book_seen and book_stock are notes of the run under way. */
    "CREATE TABLE book_seen(erp TEXT NOT NULL, what INTEGER NOT NULL, reference TEXT NOT NULL, run"
    " INTEGER NOT NULL, PRIMARY KEY(erp, what, reference)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE book_stock(site TEXT NOT NULL, sku TEXT NOT NULL, has_erp INTEGER NOT NULL, has_site"
    " INTEGER NOT NULL, erp TEXT NOT NULL, site_qty TEXT NOT NULL, since TEXT NOT NULL, unposted TEXT"
    " NOT NULL, busy INTEGER NOT NULL, PRIMARY KEY(site, sku)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE book_difference(id TEXT PRIMARY KEY, erp TEXT NOT NULL, kind INTEGER NOT NULL, state"
    " INTEGER NOT NULL, repair INTEGER NOT NULL, order_id TEXT NOT NULL, site TEXT NOT NULL, sku TEXT"
    " NOT NULL, line_id TEXT NOT NULL, hub_document TEXT NOT NULL, erp_document TEXT NOT NULL,"
    " hub_value TEXT NOT NULL, erp_value TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER"
    " NOT NULL, decided_at INTEGER NOT NULL, by TEXT NOT NULL, run INTEGER NOT NULL) STRICT, WITHOUT"
    " ROWID;"
    "CREATE INDEX book_difference_open ON book_difference(erp, run) WHERE state <= 1;";

const char *const xd_schema_site_tables[] = {delivery, releases_held, NULL};
const char *const xd_schema_hub_tables[] = {delivery,  orders, work,  confirmations,
                                            reference, told,   books, NULL};
