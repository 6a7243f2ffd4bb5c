/* How a store of an older program becomes one of today's: a step for each version of the schema that there
 * was, from the first tables on. PRAGMA user_version says how many of them a database has seen. What is here
 * has happened to somebody's store: only its end may change, by another step. */
#include "sqlite/schema.h"

static const char delivery_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE counter(topic INTEGER NOT NULL, state INTEGER NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY(topic, state)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE stream(number INTEGER PRIMARY KEY, peer TEXT NOT NULL, sends INTEGER NOT NULL, lane TEXT "
    "NOT NULL,"
    " epoch TEXT NOT NULL, next INTEGER NOT NULL, watermark INTEGER NOT NULL, chain BLOB NOT NULL,"
    " floor INTEGER NOT NULL, floor_chain BLOB NOT NULL, conflict INTEGER NOT NULL,"
    " UNIQUE(peer, sends, lane)) STRICT;"
    "CREATE TABLE retired_epoch(stream INTEGER NOT NULL, epoch TEXT NOT NULL, watermark INTEGER NOT NULL,"
    " PRIMARY KEY(stream, epoch)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE outbox(key INTEGER PRIMARY KEY, kind INTEGER NOT NULL, document_id TEXT NOT NULL,"
    " version INTEGER NOT NULL, accepted_at INTEGER NOT NULL, hash BLOB NOT NULL, chain BLOB NOT NULL,"
    " correlation_id TEXT, causation_id TEXT, checksum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE above(key INTEGER PRIMARY KEY, hash BLOB NOT NULL, chain BLOB NOT NULL) STRICT;"
    "CREATE TABLE peer(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    /* variant 0 is the first content of an id and version; others are conflicts. */
    "CREATE TABLE document(peer INTEGER NOT NULL, kind INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER "
    "NOT NULL,"
    " variant INTEGER NOT NULL, hash BLOB NOT NULL, at INTEGER NOT NULL, fate_version INTEGER NOT NULL "
    "DEFAULT 0,"
    " fate_outcome INTEGER NOT NULL DEFAULT 0, fate_code TEXT, fate_detail TEXT,"
    " PRIMARY KEY(peer, kind, id, version, variant)) STRICT, WITHOUT ROWID;"
    /* AUTOINCREMENT: readers page by number, so a number must not come again. */
    "CREATE TABLE quarantine(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, source TEXT NOT "
    "NULL,"
    " code TEXT NOT NULL, detail TEXT NOT NULL, sha256 BLOB NOT NULL, times INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE(source, sha256)) STRICT;";

static const char site_1[] =
    "CREATE TABLE held_release(number INTEGER PRIMARY KEY AUTOINCREMENT, release_id TEXT NOT NULL,"
    " revision INTEGER NOT NULL, purpose INTEGER NOT NULL, state INTEGER NOT NULL, published INTEGER NOT "
    "NULL,"
    " epoch TEXT NOT NULL, sequence INTEGER NOT NULL, hash BLOB NOT NULL, received_at INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE(release_id, revision)) STRICT;"
    /* Older databases have an index held_done beside it, which nothing needs. */
    "CREATE INDEX held_open ON held_release(state) WHERE state = 0;";

static const char hub_orders_1[] =
    "CREATE TABLE site(site TEXT PRIMARY KEY, kind TEXT NOT NULL, user TEXT NOT NULL, password_hash TEXT NOT "
    "NULL,"
    " kid TEXT NOT NULL, secret BLOB NOT NULL, added_at INTEGER NOT NULL, last_seen INTEGER NOT NULL,"
    " status TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE client(tenant TEXT NOT NULL, client TEXT NOT NULL, role TEXT NOT NULL,"
    " token_hash BLOB NOT NULL UNIQUE, PRIMARY KEY(tenant, client)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE idempotency(tenant TEXT NOT NULL, client TEXT NOT NULL, key TEXT NOT NULL,"
    " fingerprint BLOB NOT NULL, order_id TEXT NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY(tenant, client, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX idempotency_age ON idempotency(at);"
    "CREATE TABLE orders(n INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,"
    " client TEXT NOT NULL, channel_type TEXT NOT NULL, channel_account TEXT NOT NULL,"
    " external_order_id TEXT NOT NULL, customer_ref TEXT NOT NULL, customer_po TEXT NOT NULL,"
    " currency TEXT NOT NULL, site TEXT NOT NULL, correlation_id TEXT NOT NULL, sale_reference TEXT NOT NULL,"
    " status INTEGER NOT NULL, revision INTEGER NOT NULL, hash BLOB NOT NULL, received_at INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL, UNIQUE(external_order_id, tenant, channel_account)) STRICT;"
    "CREATE INDEX orders_status ON orders(status);"
    "CREATE TABLE order_body(n INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE order_line(n INTEGER NOT NULL, number INTEGER NOT NULL, line_id TEXT NOT NULL,"
    " external_line_id TEXT NOT NULL, sku TEXT NOT NULL, uom TEXT NOT NULL, unit_price TEXT,"
    " ordered TEXT NOT NULL, open TEXT NOT NULL, allocated TEXT NOT NULL, released TEXT NOT NULL,"
    " shipped TEXT NOT NULL, cancelled TEXT NOT NULL, backordered TEXT NOT NULL, overshipped TEXT NOT NULL,"
    " PRIMARY KEY(n, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE timeline(n INTEGER NOT NULL, step_number INTEGER NOT NULL, at INTEGER NOT NULL, step TEXT "
    "NOT NULL,"
    " correlation_id TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY(n, step_number)) STRICT, WITHOUT "
    "ROWID;";

static const char hub_work_1[] =
    "CREATE TABLE release(n INTEGER PRIMARY KEY, release_id TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL,"
    " site TEXT NOT NULL, revision INTEGER NOT NULL, status INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX release_order ON release(order_id);"
    "CREATE INDEX release_site ON release(site);"
    "CREATE TABLE release_line(n INTEGER NOT NULL, number INTEGER NOT NULL, line_id TEXT NOT NULL, sku TEXT "
    "NOT NULL,"
    " uom TEXT NOT NULL, factor_num INTEGER NOT NULL, factor_den INTEGER NOT NULL, qty TEXT NOT NULL,"
    " shipped TEXT NOT NULL, over TEXT NOT NULL, closed TEXT NOT NULL,"
    " PRIMARY KEY(n, line_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE confirmation(n INTEGER PRIMARY KEY, site TEXT NOT NULL, confirmation_id TEXT NOT NULL,"
    " version INTEGER NOT NULL, hash BLOB NOT NULL, state INTEGER NOT NULL, shipment_id TEXT NOT NULL,"
    " waits_for TEXT NOT NULL, lines_in INTEGER NOT NULL, lines_applied INTEGER NOT NULL,"
    " lines_parked INTEGER NOT NULL, lines_rejected INTEGER NOT NULL, jobs_open INTEGER NOT NULL,"
    " fate_version INTEGER NOT NULL, received_at INTEGER NOT NULL, UNIQUE(site, confirmation_id, version)) "
    "STRICT;"
    "CREATE INDEX confirmation_waits ON confirmation(waits_for) WHERE waits_for <> '';"
    "CREATE TABLE confirmation_body(n INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, body BLOB NOT NULL) "
    "STRICT;"
    "CREATE TABLE exception(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, code TEXT NOT NULL, open INTEGER "
    "NOT NULL,"
    " site TEXT NOT NULL, order_id TEXT NOT NULL, release_id TEXT NOT NULL, line_id TEXT NOT NULL,"
    " kind INTEGER NOT NULL, document_id TEXT NOT NULL, version INTEGER NOT NULL, qty TEXT NOT NULL,"
    " detail TEXT NOT NULL, raised_at INTEGER NOT NULL, resolved_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX exception_open ON exception(open) WHERE open = 1;"
    "CREATE INDEX exception_document ON exception(document_id, site, kind, version) WHERE open = 1;"
    "CREATE TABLE job(number INTEGER PRIMARY KEY, erp TEXT NOT NULL, kind INTEGER NOT NULL, reference TEXT "
    "NOT NULL,"
    " state INTEGER NOT NULL, attempt INTEGER NOT NULL, due_at INTEGER NOT NULL, sent_at INTEGER NOT NULL,"
    " order_id TEXT NOT NULL, site TEXT NOT NULL, confirmation_id TEXT NOT NULL,"
    " confirmation_version INTEGER NOT NULL, at INTEGER NOT NULL, document TEXT NOT NULL, code TEXT NOT NULL,"
    " detail TEXT NOT NULL, UNIQUE(reference, kind, erp)) STRICT;"
    /* 3 is XD_JOB_DONE. */
    "CREATE INDEX job_open ON job(erp, state) WHERE state <> 3;"
    "CREATE INDEX job_site ON job(site);"
    "CREATE TABLE job_line(job INTEGER NOT NULL, number INTEGER NOT NULL, release_id TEXT NOT NULL,"
    " line_id TEXT NOT NULL, sku TEXT NOT NULL, uom TEXT NOT NULL, qty TEXT NOT NULL, unbilled TEXT NOT NULL,"
    " unit_price TEXT, close INTEGER NOT NULL, PRIMARY KEY(job, number)) STRICT, WITHOUT ROWID;";

/* Orders have steps, lines factors, releases a number and a way back. A release of the first
 * schema has its states numbered without DRAFT (0) and ACK_TIMEOUT (3); an order that the ERP
 * had accepted (status from 4 on) has all of its steps (31) behind it, and one that it had
 * refused is held for it (16). */
static const char hub_orders_2[] =
    "ALTER TABLE orders ADD COLUMN customer_code TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE orders ADD COLUMN steps INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE orders ADD COLUMN holds INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE orders ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE orders ADD COLUMN releases INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE orders ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE orders ADD COLUMN changing INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE orders ADD COLUMN total TEXT NOT NULL DEFAULT '0';"
    "UPDATE orders SET steps = 31, releases = 1 WHERE status >= 4;"
    "UPDATE orders SET holds = 16 WHERE status = 2;"
    "ALTER TABLE order_line ADD COLUMN factor_num INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE order_line ADD COLUMN factor_den INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE order_line ADD COLUMN pending TEXT NOT NULL DEFAULT '0';"
    "CREATE INDEX order_line_backordered ON order_line(n) WHERE backordered <> '0';"
    "ALTER TABLE release ADD COLUMN number INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE release ADD COLUMN cancel INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE release ADD COLUMN stage INTEGER NOT NULL DEFAULT 2;"
    "ALTER TABLE release ADD COLUMN reroutes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE release ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE release ADD COLUMN ack_by INTEGER NOT NULL DEFAULT 0;"
    "UPDATE release SET status = CASE WHEN status < 2 THEN status + 1 ELSE status + 2 END;"
    "CREATE INDEX release_late ON release(ack_by) WHERE ack_by > 0;"
    "ALTER TABLE job_line ADD COLUMN factor_num INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE job_line ADD COLUMN factor_den INTEGER NOT NULL DEFAULT 1;"
    "CREATE INDEX exception_order ON exception(order_id, code) WHERE open = 1;"
    "ALTER TABLE release_line ADD COLUMN asked TEXT NOT NULL DEFAULT '0';"
    "ALTER TABLE release_line ADD COLUMN unwanted TEXT NOT NULL DEFAULT '0';";
static const char hub_stock_2[] =
    "CREATE TABLE stock(site TEXT NOT NULL, sku TEXT NOT NULL, on_hand TEXT NOT NULL, reserved TEXT NOT NULL,"
    " listed TEXT NOT NULL, adjusted TEXT NOT NULL, shipped TEXT NOT NULL, listed_at INTEGER NOT NULL,"
    " source TEXT NOT NULL, PRIMARY KEY(site, sku)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX stock_sku ON stock(sku);"
    "CREATE INDEX stock_listed ON stock(site) WHERE listed_at > 0;"
    "CREATE TABLE exposure(customer TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL,"
    " PRIMARY KEY(customer, currency)) STRICT, WITHOUT ROWID;";
static const char hub_reference_2[] =
    "CREATE TABLE reference(version INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key TEXT NOT NULL,"
    " previous INTEGER NOT NULL, source TEXT NOT NULL, client TEXT NOT NULL, hash BLOB NOT NULL,"
    " at INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE reference_current(kind INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,"
    " PRIMARY KEY(kind, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE reference_alias(kind INTEGER NOT NULL, alias TEXT NOT NULL, tenant TEXT NOT NULL,"
    " account TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY(kind, alias, tenant, account)) STRICT, WITHOUT "
    "ROWID;"
    "CREATE INDEX reference_alias_key ON reference_alias(kind, key);";
/* A client has as many tokens as it needs to change one; before, its only one was a part of it. */
static const char hub_clients_2[] =
    "ALTER TABLE client RENAME TO client_1;"
    "CREATE TABLE client(tenant TEXT NOT NULL, client TEXT NOT NULL, role TEXT NOT NULL,"
    " added_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL, rate_per_s INTEGER NOT NULL,"
    " burst INTEGER NOT NULL, channels TEXT NOT NULL, schema_versions INTEGER NOT NULL,"
    " PRIMARY KEY(tenant, client)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE client_token(number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, tenant TEXT NOT NULL,"
    " client TEXT NOT NULL, made_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX client_token_client ON client_token(tenant, client);"
    "INSERT INTO client SELECT tenant, client, role, 0, 0, 0, 0, '', 0 FROM client_1;"
    "INSERT INTO client_token(hash, tenant, client, made_at, expires_at)"
    " SELECT token_hash, tenant, client, 0, 0 FROM client_1;"
    "DROP TABLE client_1;";
/* event.n is given by the hub: readers go on by it, so it must not come again. The log grows at its right
 * edge and is cut at its left one; its ids need no index, for they are random and nobody looks one up. */
static const char hub_events_2[] =
    "CREATE TABLE event(n INTEGER PRIMARY KEY, id TEXT NOT NULL, order_id TEXT NOT NULL, tenant TEXT NOT "
    "NULL,"
    " channel TEXT NOT NULL, type TEXT NOT NULL, at INTEGER NOT NULL, checksum INTEGER NOT NULL,"
    " body BLOB NOT NULL) STRICT;"
    "CREATE TABLE subscription(id TEXT PRIMARY KEY, tenant TEXT NOT NULL, url TEXT NOT NULL, types TEXT NOT "
    "NULL,"
    " secret BLOB NOT NULL, enabled INTEGER NOT NULL, position INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " delivered_at INTEGER NOT NULL, failing_since INTEGER NOT NULL, failures INTEGER NOT NULL,"
    " detail TEXT NOT NULL) STRICT, WITHOUT ROWID;";
static const char hub_sla_2[] =
    "CREATE TABLE deadline(order_id TEXT NOT NULL, promise INTEGER NOT NULL, stage INTEGER NOT NULL,"
    " at INTEGER NOT NULL, due INTEGER NOT NULL, PRIMARY KEY(order_id, promise)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX deadline_at ON deadline(at) WHERE at > 0;";
/* Exceptions of an order, a code or a site, closed ones too: for people who look back. */
static const char hub_exceptions_3[] = "CREATE INDEX exception_of_order ON exception(order_id);"
                                       "CREATE INDEX exception_of_code ON exception(code);"
                                       "CREATE INDEX exception_of_site ON exception(site);";
static const char hub_stock_3[] =
    "CREATE INDEX stock_told ON stock(site) WHERE listed_at > 0 AND source <> 'erp';";

/* A site may answer for some lines of a release only. What was answered before spoke of all of it. */
static const char hub_orders_3[] =
    "ALTER TABLE release_line ADD COLUMN answer INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE release_line ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;"
    "UPDATE release_line SET answer = (SELECT CASE status WHEN 4 THEN 2 WHEN 6 THEN 3 WHEN 7 THEN 4"
    " WHEN 8 THEN 3 ELSE 0 END FROM release WHERE release.n = release_line.n);"
    "UPDATE release SET ack_by = updated_at + 3600000 WHERE cancel = 1 AND ack_by = 0;";

/* Postings are called tenant by tenant, in the order of what was promised: 0 is QUEUED. Checks of orders
 * (kind 4) leave the queue of the ERP for one of their own. What was queued before counts as promised when
 * its order came. */
static const char hub_work_4[] =
    "ALTER TABLE orders ADD COLUMN erp TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE orders ADD COLUMN ship_by INTEGER NOT NULL DEFAULT 0;"
    "UPDATE orders SET erp = coalesce((SELECT erp FROM job WHERE reference = sale_reference AND kind = 0), "
    "'');"
    "ALTER TABLE job ADD COLUMN tenant TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN promise INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;"
    "UPDATE job SET tenant = coalesce((SELECT tenant FROM orders WHERE orders.order_id = job.order_id), ''),"
    " promise = at WHERE state <> 3;"
    "UPDATE job SET erp = '*check' WHERE kind = 4;"
    "CREATE INDEX job_queue ON job(erp, tenant, promise) WHERE state = 0 AND waits = 0;"
    "CREATE INDEX job_wait ON job(erp, due_at) WHERE state = 0 AND waits = 1;"
    "CREATE TABLE job_count(state INTEGER NOT NULL, erp TEXT NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY(state, erp)) STRICT, WITHOUT ROWID;"
    "INSERT INTO job_count SELECT state, erp, count(*) FROM job GROUP BY state, erp;"
    "DELETE FROM counter WHERE topic = 2;";
/* Confirmations that correct and take back others: the version that a row's postings belong to, lines that
 * are parked, what was done to remainders, postings that undo one and wait for one. 1 is XD_ERP_SHIPMENT. */
static const char hub_confirmations_5[] =
    "ALTER TABLE confirmation ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE confirmation ADD COLUMN base INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE confirmation ADD COLUMN alert_at INTEGER NOT NULL DEFAULT 0;"
    "UPDATE confirmation SET base = version;"
    "UPDATE confirmation SET alert_at = received_at + 3600000 WHERE waits_for <> '';"
    "CREATE INDEX confirmation_shipment ON confirmation(shipment_id, site);"
    "CREATE INDEX confirmation_alert ON confirmation(alert_at) WHERE alert_at > 0;"
    "CREATE TABLE parked_line(site TEXT NOT NULL, confirmation_id TEXT NOT NULL, version INTEGER NOT NULL,"
    " line INTEGER NOT NULL, code TEXT NOT NULL, exception TEXT NOT NULL, waits_for TEXT NOT NULL,"
    " PRIMARY KEY(site, confirmation_id, version, line)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX parked_line_exception ON parked_line(exception);"
    "CREATE INDEX parked_line_waits ON parked_line(waits_for) WHERE waits_for <> '';"
    "CREATE TABLE remainder(n INTEGER PRIMARY KEY, site TEXT NOT NULL, confirmation_id TEXT NOT NULL,"
    " version INTEGER NOT NULL, release_id TEXT NOT NULL, line_id TEXT NOT NULL, opened TEXT NOT NULL,"
    " cancelled TEXT NOT NULL) STRICT;"
    "CREATE INDEX remainder_of ON remainder(confirmation_id, site, version);"
    "ALTER TABLE order_line ADD COLUMN serials INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN reverses TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN after_job INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN reversed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job_line ADD COLUMN lot TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job_line ADD COLUMN ordered_sku TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX job_shipments ON job(order_id) WHERE kind = 1;"
    "CREATE INDEX job_after ON job(after_job) WHERE after_job > 0;"
    "CREATE INDEX job_refused ON job(confirmation_id) WHERE state = 4;";

/* The books: what is seen of the ERP's own documents, and what a comparison with them finds. book_seen and
 * book_stock are notes of the run under way. */
static const char hub_books_6[] =
    "ALTER TABLE order_line ADD COLUMN invoiced TEXT NOT NULL DEFAULT '0';"
    "CREATE INDEX job_order ON job(order_id);"
    "CREATE TABLE erp_waiting(erp TEXT NOT NULL, what INTEGER NOT NULL, number TEXT NOT NULL,"
    " proposed INTEGER NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY(erp, what, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE erp_invoice(erp TEXT NOT NULL, number TEXT NOT NULL, order_id TEXT NOT NULL,"
    " state TEXT NOT NULL, told INTEGER NOT NULL, PRIMARY KEY(erp, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE erp_invoice_line(erp TEXT NOT NULL, number TEXT NOT NULL, line INTEGER NOT NULL,"
    " line_id TEXT NOT NULL, base_qty TEXT NOT NULL, PRIMARY KEY(erp, number, line)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE book_run(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, erp TEXT NOT NULL,"
    " state INTEGER NOT NULL, by TEXT NOT NULL, queued_at INTEGER NOT NULL, started_at INTEGER NOT NULL,"
    " ended_at INTEGER NOT NULL, sales INTEGER NOT NULL, shipments INTEGER NOT NULL,"
    " invoices INTEGER NOT NULL, stock INTEGER NOT NULL, differences INTEGER NOT NULL,"
    " detail TEXT NOT NULL) STRICT;"
    "CREATE INDEX book_run_open ON book_run(n) WHERE state <= 1;"
    "CREATE TABLE book_seen(erp TEXT NOT NULL, what INTEGER NOT NULL, reference TEXT NOT NULL,"
    " run INTEGER NOT NULL, PRIMARY KEY(erp, what, reference)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE book_stock(site TEXT NOT NULL, sku TEXT NOT NULL, has_erp INTEGER NOT NULL,"
    " has_site INTEGER NOT NULL, erp TEXT NOT NULL, site_qty TEXT NOT NULL, since TEXT NOT NULL,"
    " unposted TEXT NOT NULL, busy INTEGER NOT NULL, PRIMARY KEY(site, sku)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE book_difference(id TEXT PRIMARY KEY, erp TEXT NOT NULL, kind INTEGER NOT NULL,"
    " state INTEGER NOT NULL, repair INTEGER NOT NULL, order_id TEXT NOT NULL, site TEXT NOT NULL,"
    " sku TEXT NOT NULL, line_id TEXT NOT NULL, hub_document TEXT NOT NULL, erp_document TEXT NOT NULL,"
    " hub_value TEXT NOT NULL, erp_value TEXT NOT NULL, first_seen INTEGER NOT NULL,"
    " last_seen INTEGER NOT NULL, decided_at INTEGER NOT NULL, by TEXT NOT NULL, run INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX book_difference_open ON book_difference(erp, run) WHERE state <= 1;";

/* Lines that count in base units from some moment on: in what they were ordered, in what their sites know
 * them, and in what it was said what became of their remainders. 0 and "": in the line's own unit of then. */
static const char hub_units_7[] = "ALTER TABLE order_line ADD COLUMN ordered_uom TEXT NOT NULL DEFAULT '';"
                                  "ALTER TABLE order_line ADD COLUMN ordered_num INTEGER NOT NULL DEFAULT 0;"
                                  "ALTER TABLE order_line ADD COLUMN ordered_den INTEGER NOT NULL DEFAULT 0;"
                                  "ALTER TABLE release_line ADD COLUMN told_num INTEGER NOT NULL DEFAULT 0;"
                                  "ALTER TABLE release_line ADD COLUMN told_den INTEGER NOT NULL DEFAULT 0;"
                                  "ALTER TABLE remainder ADD COLUMN factor_num INTEGER NOT NULL DEFAULT 0;"
                                  "ALTER TABLE remainder ADD COLUMN factor_den INTEGER NOT NULL DEFAULT 0;";

/* What people made of documents that were parked. */
static const char hub_edits_8[] =
    "CREATE TABLE edit(n INTEGER PRIMARY KEY, exception TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL,"
    " reason TEXT NOT NULL, before_checksum INTEGER NOT NULL, before BLOB NOT NULL,"
    " after_checksum INTEGER NOT NULL, after BLOB NOT NULL) STRICT;"
    "CREATE INDEX edit_exception ON edit(exception);";

/* What of a release's line ships although its site had given it up, and where that was by then. */
static const char hub_claims_9[] =
    "ALTER TABLE release_line ADD COLUMN claimed_open TEXT NOT NULL DEFAULT '0';"
    "ALTER TABLE release_line ADD COLUMN claimed_cancelled TEXT NOT NULL DEFAULT '0';";

/* What confirmations said of remainders that were not there, which waits until they are. */
static const char hub_awaiting_10[] =
    "ALTER TABLE remainder ADD COLUMN awaits INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX remainder_awaiting ON remainder(release_id) WHERE awaits <> 0;";

/* That a site has a release is one word, that it has reserved it another: what was RESERVED, ACKED, PICKING
 * or PACKED is one further. */
static const char hub_answers_11[] = "UPDATE release_line SET answer = answer + 1 WHERE answer > 0;";

/* Who resolved an exception, how, and why. */
static const char hub_resolutions_11[] =
    "ALTER TABLE exception ADD COLUMN resolved_by TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE exception ADD COLUMN action TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE exception ADD COLUMN reason TEXT NOT NULL DEFAULT '';";

/* job_order finds an order's shipments among its few jobs. */
static const char hub_jobs_11[] = "DROP INDEX job_shipments;";

/* What is counted by a name as well, as postings are by their ERP, is counted with all else. */
static const char counters_12[] =
    "ALTER TABLE counter RENAME TO counter_11;"
    "CREATE TABLE counter(topic INTEGER NOT NULL, state INTEGER NOT NULL, name TEXT NOT NULL,"
    " count INTEGER NOT NULL, PRIMARY KEY(topic, state, name)) STRICT, WITHOUT ROWID;"
    "INSERT INTO counter SELECT topic, state, '', count FROM counter_11;"
    "DROP TABLE counter_11;";
static const char hub_counters_12[] = "INSERT INTO counter SELECT 2, state, erp, count FROM job_count;"
                                      "DROP TABLE job_count;";

/* How much of a release's line its site's last document left out. Of releases that were changed before, it is
 * not known any more. */
static const char hub_left_out_13[] =
    "ALTER TABLE release_line ADD COLUMN left_out TEXT NOT NULL DEFAULT '0';";

static const struct xd_schema_step site_steps[] = {{{delivery_1, site_1}}, {{counters_12}}};
static const struct xd_schema_step hub_steps[] = {
    {{delivery_1, hub_orders_1, hub_work_1}},
    {{hub_orders_2, hub_stock_2, hub_reference_2, hub_clients_2, hub_events_2, hub_sla_2}},
    {{hub_orders_3, hub_exceptions_3, hub_stock_3}},
    {{hub_work_4}},
    {{hub_confirmations_5}},
    {{hub_books_6}},
    {{hub_units_7}},
    {{hub_edits_8}},
    {{hub_claims_9}},
    {{hub_awaiting_10}},
    {{hub_answers_11, hub_resolutions_11, hub_jobs_11}},
    {{counters_12, hub_counters_12}},
    {{hub_left_out_13}},
};

const struct xd_schema_steps xd_schema_site_steps = {site_steps, sizeof site_steps / sizeof site_steps[0]};
const struct xd_schema_steps xd_schema_hub_steps = {hub_steps, sizeof hub_steps / sizeof hub_steps[0]};
