/* What the command line knows, as tables: its verbs, its options, their help. */
#include "posix/cli/arguments.h"

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
    [XD_OPTION_OUT] = {"out", "FILE", "where the enrolment file goes (default: SITE.enrol in this folder)"},
    [XD_OPTION_FORCE] = {"force", NULL, "replace a file that is there"},
    [XD_OPTION_ALL] = {"all", NULL, "those that are resolved too"},
    [XD_OPTION_SITE] = {"site", "SITE", "of one site only"},
    [XD_OPTION_CONFIG] = {"config", "FILE", "the agent's configuration, agent.yaml"},
    [XD_OPTION_TYPES] = {"types", "LIST", "only these events: order.shipped,exception.raised (default: all)"},
    [XD_OPTION_TENANT] = {"tenant", "TENANT", "only this tenant's events (default: everybody's)"},
    [XD_OPTION_SECRET_FILE] = {"secret-file", "FILE",
                               "holds the secret that signs, whsec_ and base64 (default: a new one is made)"},
    [XD_OPTION_FROM] = {"from", "WHERE", "the number of an event, or a time: 2026-11-23T10:00:00Z"},
    [XD_OPTION_FOLLOW] = {"follow", NULL, "go on with what happens from now on, until it is interrupted"},
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
     "On every line: ordered = open + allocated + released + shipped + cancelled.\n",
     0, xd_cli_orders_show},
    {"orders timeline", "ID", "what happened to an order, step by step", "Times are UTC.\n", 0,
     xd_cli_orders_timeline},
    {"orders submit", "FILE", "give the hub an order (JSON); - reads standard input",
     "The Idempotency-Key is made from the order's content unless --key says otherwise: the same command\n"
     "again is safe and gives the same order.\n",
     XD_OPTION_BIT(XD_OPTION_KEY), xd_cli_orders_submit},
    {"sites list", NULL, "the sites, and how they are",
     "What a site told last; LAST SEEN says how old that is.\n", 0, xd_cli_sites_list},
    {"sites add", "SITE", "make a site and write its enrolment file",
     "Makes the site's queue, exchange, user, permissions and signing key, and writes the one file that its\n"
     "agent needs (mode 0600). The hub tells password and key this one time only. With --json the answer is\n"
     "printed without them.\n",
     XD_OPTION_BIT(XD_OPTION_KIND) | XD_OPTION_BIT(XD_OPTION_OUT) | XD_OPTION_BIT(XD_OPTION_FORCE),
     xd_cli_sites_add},
    {"exceptions list", NULL, "what needs a person, the oldest first",
     "Documents and lines that were parked, and what was odd about those that were applied.\n",
     XD_OPTION_BIT(XD_OPTION_ALL) | LISTING, xd_cli_exceptions_list},
    {"reconcile", NULL, "compare what was released, confirmed and posted",
     "Exit status 0 when the difference is 0, 3 when it is not. Counted in lines; --json has quantities "
     "too.\n",
     XD_OPTION_BIT(XD_OPTION_SITE), xd_cli_reconcile},
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
    {NULL, NULL, NULL, NULL, 0, NULL},
};
