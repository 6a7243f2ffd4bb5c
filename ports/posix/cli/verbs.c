/* What the command line knows, as tables: its verbs, its options, their help. */
#include "posix/cli/arguments.h"

#define TOLD_ONCE (XD_OPTION_BIT(XD_OPTION_OUT) | XD_OPTION_BIT(XD_OPTION_FORCE))
#define LISTING (XD_OPTION_BIT(XD_OPTION_LIMIT) | XD_OPTION_BIT(XD_OPTION_CURSOR))

const struct xd_option_row xd_options[XD_OPTION_COUNT] = {
    [XD_OPTION_URL] = {"url", "URL", "the hub's address; else CROSSDOCK_URL, else http://127.0.0.1:8080"},
    [XD_OPTION_TOKEN_FILE] = {"token-file", "FILE",
                              "holds the API token; else CROSSDOCK_TOKEN_FILE. The hub's first one is "
                              "<state_dir>/admin.token"},
    [XD_OPTION_CA_FILE] = {"ca-file", "FILE",
                           "who signed the hub's certificate, for https; else the system's CAs"},
    [XD_OPTION_JSON] = {"json", NULL, "print the API's JSON instead of a table"},
    [XD_OPTION_HELP] = {"help", NULL, "print this and exit; after a verb, that verb's help"},
    [XD_OPTION_VERSION] = {"version", NULL, "print the version and exit"},
    [XD_OPTION_STATUS] = {"status", "STATUS", "only orders in this status (SHIPPED, HELD, ...)"},
    [XD_OPTION_EXTERNAL] = {"external", "ID", "only the order with this number of its channel"},
    [XD_OPTION_LIMIT] = {"limit", "N", "at most so many, 1 to 200 (default 50)"},
    [XD_OPTION_CURSOR] = {"cursor", "C", "go on where an earlier list ended"},
    [XD_OPTION_KEY] = {"key", "KEY", "the Idempotency-Key (default: made from the order's content)"},
    [XD_OPTION_KIND] = {"kind", "KIND", "warehouse (default) or 3pl"},
    [XD_OPTION_OUT] = {"out", "FILE",
                       "for what is told once, mode 0600 (enrolment: SITE.enrol; a token: is printed)"},
    [XD_OPTION_FORCE] = {"force", NULL, "replace a file that is there"},
    [XD_OPTION_ALL] = {"all", NULL, "those that are resolved too"},
    [XD_OPTION_SITE] = {"site", "SITE", "of one site only"},
    [XD_OPTION_SOURCE] = {"source", "SOURCE", "who speaks: api (default of put), csv (of load) or erp"},
    [XD_OPTION_NUMBER] = {"number", "N", "this version, not the current one"},
    [XD_OPTION_SKU] = {"sku", "SKU", "of one SKU only"},
    [XD_OPTION_CONFIG] = {"config", "FILE", "the agent's configuration, agent.yaml"},
    [XD_OPTION_MARKDOWN] = {"markdown", NULL, "print it as a page of documentation"},
    [XD_OPTION_TENANT] = {"tenant", "TENANT",
                          "of this tenant (default: default; of lists and subscriptions: all)"},
    [XD_OPTION_ROLE] = {"role", "ROLE", "channel (default), viewer, operator or admin"},
    [XD_OPTION_EXPIRES_AT] = {"expires-at", "TIME", "when the token ends (2027-01-31T00:00:00Z); else never"},
    [XD_OPTION_RATE] = {"rate", "N", "requests a second that it may make (default: as hub.yaml says)"},
    [XD_OPTION_BURST] = {"burst", "N", "... and how many at once (default: as many as --rate)"},
    [XD_OPTION_CHANNELS] = {"channels", "A,B",
                            "the types of channel that its orders may name (default: all)"},
    [XD_OPTION_VERSIONS] = {"versions", "1,2", "the versions of orders it may send (default: all)"},
    [XD_OPTION_OVERLAP] = {"overlap-s", "N",
                           "seconds that the token before stays valid, 0 to 2592000 (default: a day)"},
    [XD_OPTION_TYPES] = {"types", "LIST", "only these events: order.shipped,exception.raised (default: all)"},
    [XD_OPTION_SECRET_FILE] = {"secret-file", "FILE",
                               "holds the secret that signs, whsec_ and base64 (default: a new one is made)"},
    [XD_OPTION_FROM] = {"from", "WHERE", "the number of an event, or a time: 2026-11-23T10:00:00Z"},
    [XD_OPTION_FOLLOW] = {"follow", NULL, "go on with what happens from now on, until it is interrupted"},
    [XD_OPTION_REASON] = {"reason", "TEXT", "why, for the order's timeline"},
    [XD_OPTION_LINE] = {"line", "LINE[=QTY]", "this line only, or so much of it in all"},
    [XD_OPTION_ORDER] = {"order", "ID", "of one order only"},
    [XD_OPTION_CODE] = {"code", "CODE", "with this code only (UNMATCHED_LINE, SLA_WARNING, ...)"},
    [XD_OPTION_ERP] = {"erp", "NAME", "the books against this ERP's"},
    [XD_OPTION_RUN] = {"run", NULL, "compare with the ERP now, and wait for it"},
    [XD_OPTION_APPROVE] = {"approve", "ID", "have a difference repaired as proposed; all: those that can be"},
    [XD_OPTION_ACCEPT] = {"accept", "ID", "a difference that may be so"},
};

const struct xd_verb xd_verbs[] = {
    {"status", NULL, "how the hub and its sites are",
     "Orders and ERP postings by state, open exceptions, and for each site when it was last\n"
     "heard of and how much waits there.\n",
     0, xd_cli_status},
    {"orders list", NULL, "orders, the newest first",
     "What is left out for length is reached with --cursor, as the last line says.\n",
     XD_OPTION_BIT(XD_OPTION_STATUS) | XD_OPTION_BIT(XD_OPTION_EXTERNAL) | LISTING, xd_cli_orders_list},
    {"orders show", "ID", "one order with its lines, quantities and releases",
     "ID is the hub's order id. `crossdock orders list --external NUMBER` finds it by the channel's number.\n"
     "On every line: ordered = open + allocated + released + shipped + cancelled. Its open exceptions are\n"
     "named; `exceptions show ID` tells what one is about.\n",
     0, xd_cli_orders_show},
    {"orders timeline", "ID", "what happened to an order, step by step", "Times are UTC.\n", 0,
     xd_cli_orders_timeline},
    {"orders submit", "FILE", "give the hub an order (JSON); - reads standard input",
     "The Idempotency-Key is made from the order's content unless --key says otherwise: the same command\n"
     "again is safe and gives the same order.\n",
     XD_OPTION_BIT(XD_OPTION_KEY), xd_cli_orders_submit},
    {"orders validate", "FILE", "ask what would become of an order (JSON); - reads standard input",
     "Nothing is stored. Tells what is wrong with it, its price, the customer's credit, what there is and\n"
     "where it would ship from. Exit status 0 when it would be taken, 1 when it would not.\n",
     0, xd_cli_orders_validate},
    {"orders cancel", "ID", "cancel an order, or a line of it",
     "What is not at a site yet is cancelled at once. Sites are asked for what they have; the order tells\n"
     "whether they gave it up. What has shipped stays shipped.\n"
     "With --line LINE=QTY so much of the line is cancelled in all: the same command again is safe.\n",
     XD_OPTION_BIT(XD_OPTION_LINE) | XD_OPTION_BIT(XD_OPTION_REASON), xd_cli_orders_cancel},
    {"orders hold", "ID", "stop an order, in any state",
     "Until `orders unhold ID OPERATOR`. Needs --reason. Nothing more of it goes out, and its sites are\n"
     "asked to give back what they have: the order tells whether they did. What they keep ships.\n",
     XD_OPTION_BIT(XD_OPTION_REASON), xd_cli_orders_hold},
    {"orders unhold", "ID HOLD", "let an order go on that is held",
     "HOLD is what `orders show` says that the order is held for: OPERATOR, CHECK, CREDIT, BACKORDER or "
     "ERP.\n"
     "Whoever takes it off answers for it: after CREDIT the customer's limit is not asked again.\n",
     XD_OPTION_BIT(XD_OPTION_REASON), xd_cli_orders_unhold},
    {"orders revise", "ID FILE", "replace an order by another version of it (JSON); - reads standard input",
     "FILE is the order as it shall be, whole. Lines are the same by their external_line_id. The order is\n"
     "read first, and a change that comes between is not overwritten. The same command again is safe.\n",
     0, xd_cli_orders_revise},
    {"sites list", NULL, "the sites, and how they are",
     "What a site told last; LAST SEEN says how old that is.\n", 0, xd_cli_sites_list},
    {"sites add", "SITE", "make a site and write its enrolment file",
     "Makes the site's queue, exchange, user, permissions and signing key, and writes the one file that its\n"
     "agent needs (mode 0600). The hub tells password and key this one time only. With --json the answer is\n"
     "printed without them.\n",
     XD_OPTION_BIT(XD_OPTION_KIND) | XD_OPTION_BIT(XD_OPTION_OUT) | XD_OPTION_BIT(XD_OPTION_FORCE),
     xd_cli_sites_add},
    {"clients list", NULL, "who may call the hub",
     "Clients by tenant and name, with their roles and limits. Tokens are never shown.\n",
     XD_OPTION_BIT(XD_OPTION_TENANT) | LISTING, xd_cli_clients_list},
    {"clients show", "CLIENT", "one client, and how long its tokens are valid", "Tokens are never shown.\n",
     XD_OPTION_BIT(XD_OPTION_TENANT), xd_cli_clients_show},
    {"clients add", "CLIENT", "make a client and tell its token",
     "The hub tells a token this one time only and keeps but its hash. It is printed, or goes to --out; "
     "with\n"
     "--json and --out the answer is printed without it. If the answer was lost, `clients rotate` gives\n"
     "another one.\n",
     XD_OPTION_BIT(XD_OPTION_TENANT) | XD_OPTION_BIT(XD_OPTION_ROLE) | XD_OPTION_BIT(XD_OPTION_EXPIRES_AT) |
         XD_OPTION_BIT(XD_OPTION_RATE) | XD_OPTION_BIT(XD_OPTION_BURST) | XD_OPTION_BIT(XD_OPTION_CHANNELS) |
         XD_OPTION_BIT(XD_OPTION_VERSIONS) | TOLD_ONCE,
     xd_cli_clients_add},
    {"clients set", "CLIENT", "change what a client may",
     "What is not named stays, and its tokens go on. --rate 0 takes the client's own rate away (hub.yaml's\n"
     "counts), --burst 0 its burst; --channels all and --versions all allow any.\n",
     XD_OPTION_BIT(XD_OPTION_TENANT) | XD_OPTION_BIT(XD_OPTION_RATE) | XD_OPTION_BIT(XD_OPTION_BURST) |
         XD_OPTION_BIT(XD_OPTION_CHANNELS) | XD_OPTION_BIT(XD_OPTION_VERSIONS),
     xd_cli_clients_set},
    {"clients rotate", "CLIENT", "give a client a new token",
     "The token before stays valid for --overlap-s, so that the client can be given the new one first; any\n"
     "other ends at once. Without --expires-at the new one lives as long as the one before was made for.\n"
     "--overlap-s 0 ends a token that leaked. A client that was revoked is one again.\n",
     XD_OPTION_BIT(XD_OPTION_TENANT) | XD_OPTION_BIT(XD_OPTION_OVERLAP) |
         XD_OPTION_BIT(XD_OPTION_EXPIRES_AT) | TOLD_ONCE,
     xd_cli_clients_rotate},
    {"clients revoke", "CLIENT", "end all tokens of a client at once",
     "`clients rotate` makes it a client again. Nobody can revoke itself.\n", XD_OPTION_BIT(XD_OPTION_TENANT),
     xd_cli_clients_revoke},
    {"erp status", NULL, "how the ERPs are, and what waits for them",
     "STATE is open, paused, shadow (compared, never posted to), failing (it failed too often in a row and "
     "is\n"
     "left alone for a while) or trying (one call is under way to see whether it works again).\n",
     0, xd_cli_erp_status},
    {"erp pause", "NAME", "stop calling an ERP, for its maintenance",
     "What is under way ends; all that is to be posted queues, also across restarts of the hub.\n", 0,
     xd_cli_erp_pause},
    {"erp resume", "NAME", "go on with an ERP that was paused",
     "What queued is posted, in the order of what was promised.\n", 0, xd_cli_erp_resume},
    {"exceptions list", NULL, "what needs a person, the oldest first",
     "Documents and lines that were parked, and what was odd about those that were applied; orders that\n"
     "wait for a decision, and promises that are about to be missed. `orders show` names an order's.\n",
     XD_OPTION_BIT(XD_OPTION_ALL) | XD_OPTION_BIT(XD_OPTION_ORDER) | XD_OPTION_BIT(XD_OPTION_CODE) |
         XD_OPTION_BIT(XD_OPTION_SITE) | LISTING,
     xd_cli_exceptions_list},
    {"exceptions show", "ID", "one exception", "`crossdock problems CODE` says what its code means.\n", 0,
     xd_cli_exceptions_show},
    {"exceptions resolve", "ID ACTION", "decide about an exception",
     "ACTION is one of these:\n"
     "  accept  take note of it; what is held for it goes on\n"
     "  reject  what it is about shall not be: the order is rejected or cancelled\n"
     "  retry   look at it again, as things are now; about ACK_TIMEOUT and CANCEL_PENDING: give the site "
     "up,\n"
     "          what it was asked for is cancelled or ships from elsewhere\n"
     "About many a code nothing can be done but to take note. The same command again is safe.\n",
     XD_OPTION_BIT(XD_OPTION_REASON), xd_cli_exceptions_resolve},
    {"replay", "[EXCEPTION] [FILE]", "try again what was parked or refused",
     "Confirmations and lines of them that are parked are applied as things are now; sales, changes,\n"
     "shipments and adjustments that the ERP refused are queued for it again: the one that an exception is\n"
     "about, or all that the options find. What would only be parked once more is left, and why is told;\n"
     "then the exit status is 1.\n"
     "FILE (- reads standard input) is the confirmation as it should have come, whole; `exceptions show ID\n"
     "--json` has it as it came (content). Its id and version stay. Of one of which something is applied "
     "only\n"
     "the line that is parked may change; of a shipment that the ERP refused lots, serial numbers, dates "
     "and\n"
     "the carrier. What it was, who edited it and why are kept.\n",
     XD_OPTION_BIT(XD_OPTION_CODE) | XD_OPTION_BIT(XD_OPTION_SITE) | XD_OPTION_BIT(XD_OPTION_ORDER) |
         XD_OPTION_BIT(XD_OPTION_REASON),
     xd_cli_replay},
    {"stock list", NULL, "what sites have, as the hub knows it",
     "AVAILABLE = ON HAND - RESERVED, in base units. A site that is in no list is not checked: its WMS "
     "decides,\n"
     "and only what is reserved there is shown.\n",
     XD_OPTION_BIT(XD_OPTION_SITE) | XD_OPTION_BIT(XD_OPTION_SKU) | LISTING, xd_cli_stock_list},
    {"stock load", "FILE", "tell the hub what is on hand (CSV: site,sku,qty); - reads standard input",
     "Each quantity is what is on hand now, in base units; what is reserved stays. A site's first list makes "
     "the\n"
     "hub check its stock: SKUs of it that are in no list count as 0. The file is checked before anything "
     "is\n"
     "sent, and all that is wrong is told at once; the same command again is safe.\n",
     0, xd_cli_stock_load},
    {"reconcile", NULL, "compare what was released, confirmed and posted",
     "Exit status 0 when the difference is 0, 3 when it is not. Counted in lines; --json has quantities "
     "too.\n"
     "With --erp or --run the hub's sales, shipments, invoices and stock are held against the ERP's own: "
     "each\n"
     "difference is named with its documents and a repair. --approve has the hub do it (with the same\n"
     "reference, so that nothing is there twice); what has gone shows at the next --run. Exit status 3 "
     "while\n"
     "there are open differences.\n",
     XD_OPTION_BIT(XD_OPTION_SITE) | XD_OPTION_BIT(XD_OPTION_ERP) | XD_OPTION_BIT(XD_OPTION_RUN) |
         XD_OPTION_BIT(XD_OPTION_APPROVE) | XD_OPTION_BIT(XD_OPTION_ACCEPT) | XD_OPTION_BIT(XD_OPTION_ALL) |
         LISTING,
     xd_cli_reconcile},
    {"reference list", "KIND", "reference data of a kind, by key",
     "KIND is customers, products, sites, carriers, channels or tenants. SOURCE says who put the entry:\n"
     "the ERP's load leaves alone what is not its own.\n",
     LISTING, xd_cli_reference_list},
    {"reference show", "KIND KEY", "one entry of reference data, with its version",
     "Every change makes a new version; the older ones stay, and `previous` names the one before.\n",
     XD_OPTION_BIT(XD_OPTION_NUMBER), xd_cli_reference_show},
    {"reference load", "KIND FILE", "put many entries out of a CSV file; - reads standard input",
     "The first line names the columns, in any order; a row is a whole entry, an empty cell is absent:\n"
     "  customers  code, name, active, credit_limit, currency, aliases\n"
     "  products   sku, description, base_uom, active, lot_tracked, serial_tracked, uoms, price, currency,\n"
     "             tax_pct, gtins, aliases, recalled_lots\n"
     "  sites      site, kind, priority, paused, reserves, ack_minutes, offline_minutes, unshipped_means,\n"
     "             zone, cutoff, open_days, holidays, countries, postal_prefixes, skus\n"
     "  carriers   scac, name, services, active\n"
     "  channels   type, active, share\n"
     "  tenants    tenant, order_bytes_max, order_lines_max, share, split, price_tolerance_pct,\n"
     "             over_tolerance_pct, accepted_within_s, released_within_s, acknowledged_within_s,\n"
     "             shipped_within_s, shipped_by_calendar, warn_pct\n"
     "A site with offline_minutes is not chosen when it was not heard of for so long, or never; without,\n"
     "it is chosen whatever its line does.\n"
     "Lists are parted by blanks: `4006381333931 036000291452`, `MON TUE`; factors of base units as\n"
     "`CS=12 M=1/3`; a customer's aliases as `REF`, `TENANT:REF` or `TENANT:ACCOUNT:REF`. Flags are true\n"
     "or false. Up to 500 rows are stored together or not at all; the same command again is safe.\n",
     XD_OPTION_BIT(XD_OPTION_SOURCE), xd_cli_reference_load},
    {"reference put", "KIND FILE", "put an entry (JSON), or {\"entries\": [...]}; - reads standard input",
     "The entry replaces the one of its key, whole. With --source erp the ERP's load looks after it from\n"
     "then on: it replaces the members that the ERP knows and leaves the others.\n",
     XD_OPTION_BIT(XD_OPTION_SOURCE), xd_cli_reference_put},
    {"events", NULL, "what happened to orders, the oldest first",
     "Without --from all that the hub still has (policies.event_days), with --follow what happens from now "
     "on;\n"
     "both go together. --json prints the events as they are, CloudEvents, one a line. A line's first column "
     "is\n"
     "the event's number: --from takes it, --cursor goes on behind it.\n",
     XD_OPTION_BIT(XD_OPTION_FROM) | XD_OPTION_BIT(XD_OPTION_FOLLOW) | XD_OPTION_BIT(XD_OPTION_TYPES) |
         LISTING,
     xd_cli_events},
    {"subscriptions list", NULL, "who gets events by webhook, and how it goes",
     "FAILING says for how long.\n", 0, xd_cli_subscriptions_list},
    {"subscriptions show", "ID", "one subscription, with its last failure", "", 0, xd_cli_subscriptions_show},
    {"subscriptions add", "URL", "have events posted to a URL",
     "Prints the subscription's id and the secret that signs what is posted (Standard Webhooks); the hub "
     "tells\n"
     "the secret this one time only. Private addresses are refused unless webhooks.allow_private of "
     "hub.yaml\n"
     "allows them. Events come from now on; `subscriptions replay` brings earlier ones.\n",
     XD_OPTION_BIT(XD_OPTION_TYPES) | XD_OPTION_BIT(XD_OPTION_TENANT) | XD_OPTION_BIT(XD_OPTION_SECRET_FILE),
     xd_cli_subscriptions_add},
    {"subscriptions remove", "ID", "end a subscription", "", 0, xd_cli_subscriptions_remove},
    {"subscriptions enable", "ID", "go on with one that was disabled",
     "After 72 hours of failure (webhooks.disable_after_hours), or a 410, a subscription is disabled. It "
     "goes on\n"
     "where it stopped.\n",
     0, xd_cli_subscriptions_enable},
    {"subscriptions replay", "ID", "send events again, from --from on",
     "Receivers know what they have by the header webhook-id, which stays the same.\n",
     XD_OPTION_BIT(XD_OPTION_FROM), xd_cli_subscriptions_replay},
    {"agent status", NULL, "how the agent on this machine is",
     "Asks the agent. When it does not run: says so, shows what its database holds, and exits with 1.\n",
     XD_OPTION_BIT(XD_OPTION_CONFIG), xd_cli_agent_status},
    {"agent backlog", NULL, "what waits at this site for the hub",
     "Asks the agent. When it does not run, its database is read (and not changed).\n",
     XD_OPTION_BIT(XD_OPTION_CONFIG), xd_cli_agent_backlog},
    {"agent quarantine", NULL, "what came to this site and could not be used, the oldest first",
     "Reads the agent's database (and does not change it), whether the agent runs or not. TIMES counts\n"
     "repeats. --json has the payloads, as text or in base64; of each at most 64 kB are kept.\n",
     XD_OPTION_BIT(XD_OPTION_CONFIG) | LISTING, xd_cli_agent_quarantine},
    {"problems", "[CODE]", "what a problem's or an exception's code means, and what to do",
     "Of all codes, or of one. Needs no hub; a hub tells the same at /v1/problems.\n",
     XD_OPTION_BIT(XD_OPTION_MARKDOWN), xd_cli_problems},
    {"schema diff", "OLD NEW", "what a new version of a JSON Schema breaks",
     "Compares two files. A change breaks when a document or a program that was right before is wrong\n"
     "after it. Exit status 0 when nothing breaks, 1 when something does.\n",
     0, xd_cli_schema_diff},
    {NULL, NULL, NULL, NULL, 0, NULL},
};
