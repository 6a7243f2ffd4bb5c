/* A simulated world around the hub: the hub over its SQLite store and the real
 * ledger, driven by the real turn; sites that are the real struct xd_site over
 * stores of their own; a broker between them that keeps what was not acknowledged;
 * and a WMS at each site. One thread, one seed, no clock.
 *
 * Calls to the ERP wait in a list: when each takes effect, what it answers and when
 * is the test's to say. A crash drops all that is in memory; the broker, the ERP and
 * the files stay. */
#ifndef XD_TESTS_HUB_WORLD_H
#define XD_TESTS_HUB_WORLD_H

#include "common/turn.h"
#include "hub/hub.h"
#include "hub/posting/posting.h"
#include "hub/view.h"
#include "site/site.h"
#include "sqlite/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WORLD_SITES 2u
#define WORLD_PATH 128u
#define WORLD_ERPS 3u
#define WORLD_POSTED 512u
#define WORLD_CALLS 64u
#define WORLD_STEP_MS ((xd_ms)100)

#define assert_ok(expression) assert_int_equal((expression), XD_OK)

struct hub_world;

/* A message that the broker holds. */
struct wire {
    struct wire *next;
    char *body;
    size_t size;
    char signature[XD_SIGNATURE_SIZE];
    char exchange[64], user[64]; /* to the hub */
    uint64_t tag;
    bool delivered; /* and not yet acknowledged */
};

struct wire_queue {
    struct wire *first, *last;
    size_t count, dead;
};

/* What the site's broker carried to the WMS. */
struct wms_text {
    struct wms_text *next;
    char topic[XD_TOPIC_SIZE];
    char *text;
};

struct world_site {
    struct hub_world *world;
    char name[XD_SITE_SIZE];
    char path[WORLD_PATH];
    struct xd_key key;
    struct xd_database *database;
    struct xd_site_store store;
    struct xd_site site;
    struct xd_turn turn;
    bool running, online;
    struct wire_queue queue; /* towards the site */
    struct wms_text *heard, *heard_last;
    uint64_t confirms[256];
    size_t confirm_count;
};

/* What becomes of one call to the ERP. */
struct call_plan {
    xd_ms lands_ms;   /* after it left it takes effect; < 0: never */
    xd_ms answers_ms; /* after it left it answers; < 0: never */
    bool lies;        /* answers `outcome`, whatever happened */
    enum xd_erp_outcome outcome;
    uint32_t retry_after_ms;
};

struct pending_call {
    bool used, landed, gone; /* gone: nobody waits for the answer any more */
    struct xd_erp_call *call;
    struct xd_erp_answer answer;
    struct xd_buffer entries; /* of a list */
    char next[XD_ERP_CURSOR_SIZE];
    struct call_plan plan;
    xd_ms left_at;
};

typedef enum xd_result (*world_write_fn)(struct xd_hub *hub, const struct xd_api_request *request,
                                         struct xd_now now, struct xd_effects *effects);

struct api_call {
    bool site_add;
    world_write_fn write;               /* another write than these; NULL: none */
    const struct xd_client_row *client; /* who asks; NULL: portal of acme */
    const char *id, *tenant;            /* of the path (of reference data: the kind) and of the query */
    char key[160];
    bool has_key;
    const char *correlation_id;
    const char *reference_key, *if_match, *source; /* without write an id is a kind of reference data */
    xd_ms wait_ms; /* then the answer may come later: the call stays until it does */
    char *body;
    bool answered, flag;
    unsigned status;
    char location[160], etag[32];
    char *text;
};

/* What the hub published on crossdock.events, each time that it did. */
struct world_event {
    char id[XD_ID_SIZE], key[XD_EVENT_KEY_SIZE];
    char type[XD_EVENT_TYPE_SIZE], order_id[XD_ID_SIZE];
    int64_t n;
    char *body;
};

/* A call of a webhook, and the answer that it got; 0: it waits for one. */
struct world_webhook {
    struct xd_webhook_call *call;
    unsigned status;
    bool answered, lost; /* lost: nobody waits for the answer */
};
#define WORLD_WEBHOOKS 64

/* Whose database a question is for; of both, the ledger's tables are in `erp`. */
enum world_book { WORLD_BOOK_HUB, WORLD_BOOK_ERP, WORLD_BOOK_BOTH, WORLD_BOOKS };

struct hub_world {
    uint64_t random;
    struct sqlite3 *readers[WORLD_BOOKS]; /* NULL: not asked since the hub started */
    char folder[WORLD_PATH], hub_path[WORLD_PATH], ledger_path[WORLD_PATH], copy_path[WORLD_PATH];
    struct xd_env env;
    struct xd_now now;
    struct xd_policies policies;
    xd_ms erp_life_ms, reference_ms;
    /* All are one ledger: the first alone, unless erp_count says so before a start. */
    struct xd_erp_settings erps[WORLD_ERPS];
    size_t erp_count;
    bool erp_stock;
    struct xd_books_config books;
    /* the hub */
    struct xd_database *database;
    struct xd_hub_store store; /* its tx is wrapped */
    struct xd_store_tx tx;
    struct xd_hub hub;
    struct xd_turn turn;
    bool running, fail_commit, drop_effects;
    bool fail_batch; /* the store gives up the transaction in the middle of the next event, each time it is
                        tried */
    bool gave_up;
    bool may_stop;           /* a turn that fails for good kills the process, which starts again */
    struct wire_queue queue; /* towards the hub */
    uint64_t confirms[1024];
    size_t confirm_count;
    struct api_call *api; /* waits for the hub's next turn; NULL: none */
    /* lifecycle events: published, and the next so many of them that are refused, or never answered */
    struct world_event *events;
    size_t event_count;
    unsigned refuse_events, swallow_events;
    uint64_t refused[64];
    size_t refused_count;
    struct world_webhook webhooks[WORLD_WEBHOOKS];
    size_t webhook_count;
    xd_ms webhook_disable_ms;
    unsigned webhook_concurrency;
    uint64_t commits, fail_commit_at; /* the number of the commit that fails; 0: none */
    /* the ERP */
    struct xd_erp erp;
    bool checks;                /* somebody outside is asked about each order ... */
    struct xd_erp_answer check; /* ... and says so */
    struct pending_call calls[WORLD_CALLS];
    void (*plan)(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan);
    unsigned posts, finds, lists;      /* that were made */
    unsigned posts_of[WORLD_ERPS + 1]; /* by lane */
    char posted[WORLD_POSTED][64];     /* the references of the first ones, in their order */
    size_t posted_count;
    /* sites and their WMS */
    struct world_site sites[WORLD_SITES];
    size_t site_count;
    bool auto_wms;          /* each release is acknowledged and confirmed in full, once */
    unsigned confirmations; /* that world_ships made, to number them */
};

/* ---- the world ---- */

void hub_world_open(struct hub_world *world, uint64_t seed);
/* A connection beside the hub's own; it is there until the hub ends. */
struct sqlite3 *hub_world_reader(struct hub_world *world, enum world_book book);
/* Checks the books (see hub_world_books), then takes all down. */
void hub_world_close(struct hub_world *world);
uint64_t hub_world_random(struct hub_world *world, uint64_t below); /* 0..below-1 */
/* One step of the clock: the ERP, then a turn of the hub, then one of each site. */
void hub_world_step(struct hub_world *world);
void hub_world_run(struct hub_world *world, xd_ms ms);
/* Steps until nothing is under way: no messages, no backlog, no job open. False: after `ms` still not. */
bool hub_world_quiet(struct hub_world *world, xd_ms ms);

/* ---- the hub ---- */

void hub_world_start(struct hub_world *world);
/* As kill -9 does: nothing is said to anybody; calls that left go on in the ERP. */
void hub_world_crash(struct hub_world *world);
/* A copy of the hub's store; and the hub killed and started from it. */
void hub_world_copy(struct hub_world *world);
void hub_world_restore(struct hub_world *world);
/* One turn of the hub with what waits for it. */
void hub_world_turn(struct hub_world *world);
/* POST /v1/orders; key NULL: no header. The answer stays until the next call. Status 0: none came. */
unsigned hub_world_order(struct hub_world *world, const char *key, const char *body);
unsigned hub_world_post(struct hub_world *world, struct api_call *api);
void hub_world_api_free(struct api_call *api);
/* "PO-<number>" for site: one line "1" of `qty` WIDGET; into out[1024]. Returns out. */
char *hub_world_order_text(int number, const char *site, const char *qty, char *out);
void hub_world_order_id(struct hub_world *world, const char *external, char out[XD_ID_SIZE]);
/* The order's release; "" none. */
void hub_world_release_id(struct hub_world *world, const char *external, char out[XD_ID_SIZE]);
int hub_world_order_status(struct hub_world *world, const char *external);

/* ---- events and webhooks (hub_world_events.c) ---- */

void hub_world_event(struct hub_world *world, const struct xd_effects *effects,
                     const struct xd_effect *effect);
/* The n-th call that was made (from 0) is answered with this status in the next turn; 0: nobody answered. */
void hub_world_webhook_answers(struct hub_world *world, size_t index, unsigned status);
/* POST /v1/subscriptions by the channel; the answer's id and secret. */
void hub_world_subscribe(struct hub_world *world, const char *body, char id[XD_ID_SIZE], char secret[128]);
unsigned hub_world_subscription(struct hub_world *world, world_write_fn write, const char *id,
                                const char *body);
/* How often an event of that key was published; order_id NULL: of any order. */
size_t hub_world_events(const struct hub_world *world, const char *key, const char *order_id);
/* Every id has one content, every n one id, and of each order what is told for the first time rises; what the
 * log holds was told, and nothing else. */
void hub_world_check_events(struct hub_world *world);
void hub_world_free_events(struct hub_world *world);

/* ---- sites ---- */

/* Adds it at the hub through the API and starts it. */
struct world_site *hub_world_add_site(struct hub_world *world, const char *name);
void hub_world_site_start(struct world_site *site);
void hub_world_site_crash(struct world_site *site);
void hub_world_site_turn(struct world_site *site);
/* The WMS publishes crossdock/<site>/<tail>. */
void hub_world_wms(struct world_site *site, const char *tail, const char *text);
/* A full confirmation "C-<external>" of `qty` of line 1; more: further members of the line, from a comma on.
 */
void hub_world_ship(struct world_site *site, const char *confirmation_id, const char *release_id,
                    const char *qty, const char *more);
/* The last text that the WMS heard on the topic's tail that contains `part`; NULL: none. */
const char *hub_world_heard(const struct world_site *site, const char *tail, const char *part);
size_t hub_world_heard_count(const struct world_site *site, const char *tail, const char *part);
/* Puts a message before the hub as if a broker had carried it. */
void hub_world_inject(struct hub_world *world, const char *exchange, const char *user, const char *signature,
                      struct xd_bytes body);
/* Of hub_world_sites.c, for hub_world.c. */
void wire_push(struct wire_queue *queue, const char *exchange, const char *user, const char *signature,
               struct xd_bytes body);
void wire_end(struct wire_queue *queue, uint64_t tag, bool keep, bool dead);
void wire_lost_consumer(struct wire_queue *queue); /* what was delivered comes again */
void wire_free(struct wire_queue *queue);
void hub_world_remove(const char *path); /* a database with its side files */

/* ---- the books ---- */

/* One number by SQL: of the hub's store, or of the ledger. */
int64_t hub_world_count(struct hub_world *world, const char *sql);
int64_t hub_world_ledger(struct hub_world *world, const char *sql);
/* Each order line adds up, each confirmation is accounted for, the core's own checks hold. */
void hub_world_books(struct hub_world *world);
/* The member "difference" of the reconciliation. */
int64_t hub_world_difference(struct hub_world *world);

/* ---- what the tests have in common ---- */

#define MINUTE_MS ((xd_ms)60000)

/* A world with site WH1; its teardown checks the books. */
int hub_world_setup(void **state);
int hub_world_teardown(void **state);
/* Takes order PO-<number> of `qty` WIDGET for WH1. */
void hub_world_place(struct hub_world *world, int number, const char *qty);
/* The same, and waits until it is at the WMS; its release's id into out. */
void hub_world_released(struct hub_world *world, int number, const char *qty, char out[XD_ID_SIZE]);
void assert_count(struct hub_world *world, const char *sql, int64_t expected);
void assert_ledger(struct hub_world *world, const char *sql, int64_t expected);
/* Open ones. */
void assert_exceptions(struct hub_world *world, const char *code, int64_t expected);
/* The last text on the topic's tail that contains id also contains part. */
void assert_heard(const struct world_site *site, const char *tail, const char *id, const char *part);

#endif
