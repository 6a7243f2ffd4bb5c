/* The hub's program: connectors, mailbox, turn and core put together.
 *
 *   HTTP --requests--> query thread --(writes)--> mailbox --main thread: the turn--> effects
 *                          |  reads on a connection of its own      |
 *   AMQP ------------------+--------------------> mailbox           +--> AMQP, HTTP answers,
 *   ERP workers --answers----------------------->                       ERP workers, topology
 *
 * Only the main thread touches the core and writes the store. Shared by the files
 * of this folder only. */
#ifndef XD_POSIX_HUB_HUB_PROGRAM_H
#define XD_POSIX_HUB_HUB_PROGRAM_H

#include "common/again.h"
#include "common/turn.h"
#include "http/server.h"
#include "hub/hub.h"
#include "hub/posting/erps_view.h"
#include "posix/config/hub_config.h"
#include "posix/runtime/line_inlet.h"
#include "posix/runtime/outgoing.h"
#include "sqlite/database.h"

#include <pthread.h>
#include <stdatomic.h>

#define XD_WHY_SIZE 512
#define XD_PATH_SIZE 4096

enum xd_hub_event_kind {
    XD_HUB_EVENT_API,    /* a write of the API */
    XD_HUB_EVENT_ERP,    /* a worker's answer */
    XD_HUB_EVENT_TICKET, /* an order waits in the intake: the turn takes whose turn it is */
    XD_HUB_EVENT_QUEUED, /* a message of the queue of orders: xd_orders_queue_take makes it one */
    XD_HUB_EVENT_WEBHOOK /* a webhook worker's answer */
};

/* What the turn does with a write; one of hub/hub.h's. */
typedef enum xd_result (*xd_api_write_fn)(struct xd_hub *hub, const struct xd_api_request *request,
                                          struct xd_now now, struct xd_effects *effects);

struct xd_api_event {
    struct xd_event event;
    xd_api_write_fn write;
    struct xd_client_row client;
    char id[XD_NAME_SIZE], key[XD_NAME_SIZE]; /* what the path names; request points to them */
    struct xd_api_request request;            /* its other texts and its body are the handle's */
};

struct xd_webhook_event {
    struct xd_event event;
    struct xd_webhook_call *call; /* owned */
    struct xd_webhook_answer answer;
};

struct xd_erp_event {
    struct xd_event event;
    struct xd_erp_call *call; /* owned */
    struct xd_erp_answer answer;
    struct xd_buffer entries; /* of a list ... */
    char next[XD_ERP_CURSOR_SIZE];
};

/* Figures that the turn's thread leaves for the HTTP thread. */
struct xd_hub_board {
    pthread_mutex_t mutex;
    struct xd_hub_counters counters;
    struct xd_turn_counters turn;
    bool publisher_up, consumer_up;
    unsigned erp_calls;
    const struct xd_erp_settings *erps;
    size_t erp_count;
    struct xd_erp_figures erp_figures[XD_ERPS_MAX];
    int64_t erp_jobs[XD_ERPS_MAX][XD_JOB_STATE_COUNT];
    bool erp_paused[XD_ERPS_MAX];
    size_t sites, in_flight, subscriptions, streams;
    int64_t events_waiting;
    int64_t orders[XD_ORDER_STATUS_COUNT], jobs[XD_JOB_STATE_COUNT], exceptions;
    struct xd_books_counters books;
    int64_t differences;
    int64_t store_bytes;
    _Atomic int64_t turn_at;             /* monotonic: when the last turn ended */
    _Atomic uint64_t rate_limited, busy; /* requests that the query thread sent away; its own */
};

struct xd_erp_pool;
struct xd_intake;
struct xd_orders_queue;
struct xd_topology;
struct xd_query;
struct xd_webhook_pool;
struct xd_event_feed;

struct xd_hub_program {
    const struct xd_hub_program_config *config;
    const struct xd_env *env;
    struct xd_database *database;
    struct xd_hub_store store;
    struct xd_hub hub;
    struct xd_turn turn;
    struct xd_now now;
    struct xd_mailbox *mailbox;
    struct xd_intake *intake;
    size_t tickets; /* orders in the intake that the turn knows of */
    struct xd_outgoing outgoing;
    struct xd_amqp_consumer *consumer;
    struct xd_orders_queue *orders_queue;
    struct xd_http_server *http;
    struct xd_query *query;
    struct xd_erp_settings erps[XD_ERPS_MAX];   /* as the core has them */
    struct xd_erp_pool *pools[XD_ERPS_MAX + 1]; /* by lane: of each ERP, then of checks */
    struct xd_webhook_pool *webhooks;
    struct xd_event_feed *feed;
    struct xd_topology *topology;
    bool consumer_up, handed_out, stopping;
    uint64_t consumer_generation;
    struct xd_again restart;          /* of the consumer */
    xd_ms board_at, idle_at, busy_at; /* monotonic */
    struct xd_hub_board board;
};

/* ---- hub_turn.c ---- */
void xd_hub_program_ops(struct xd_hub_program *program, struct xd_turn_ops *out);
/* Frees an event of any kind; an API request that was not answered is told 503. */
void xd_hub_program_drop_event(struct xd_event *event);

/* ---- hub_http.c: requests -> reads and events ---- */
XD_CHECKED enum xd_result xd_query_start(struct xd_hub_program *program, const char *database_path,
                                         struct xd_query **out, char *why, size_t why_size);
void xd_query_stop(struct xd_query *query);
/* The server's handler; the context is the query. */
void xd_query_request(void *context, struct xd_http_request *request);

/* For orders that come another way. Whose token it is: XD_OK; XD_DENIED: nobody's, or (expired) its time is
 * over; else the store could not be asked. authorization: the header, or NULL. */
XD_CHECKED enum xd_result xd_query_client(const struct xd_hub_store *store, const char *authorization,
                                          struct xd_client_row *client, bool *expired);
#define XD_TOKEN_EXPIRED                                                                                     \
    "This token's time is over; an administrator can make a new one (crossdock clients rotate)."
/* Whether a client with that role may write that. */
bool xd_query_may(const struct xd_client_row *client, xd_api_write_fn write);

#define XD_HUB_QUEUE "crossdock.hub"
#define XD_INTAKE_QUEUE "crossdock.intake"
/* hub_turn.c: sends one of the hub's own queues, from which nothing comes, a probe (amqp/amqp.h). */
void xd_hub_probe(struct xd_hub_program *program, const char *queue);

/* ---- hub_orders_queue.c: orders from the queue crossdock.intake; the turn's thread ---- */
XD_CHECKED enum xd_result xd_orders_queue_start(struct xd_hub_program *program, struct xd_orders_queue **out);
/* Takes an XD_HUB_EVENT_QUEUED over. What the turn shall decide at once; NULL: it waits in the intake. */
struct xd_api_event *xd_orders_queue_take(struct xd_orders_queue *queue, void *object);
/* Those that found no room in the intake try again. Before each turn. */
void xd_orders_queue_late(struct xd_orders_queue *queue);
/* Lets out an XD_EFFECT_REPLY, and acks or rejects its message. */
void xd_orders_queue_answer(struct xd_orders_queue *queue, const struct xd_effects *effects,
                            const struct xd_effect *effect);
/* What was not taken comes again with a new connection, not too often; a queue that is silent is probed. */
void xd_orders_queue_tick(struct xd_orders_queue *queue);
/* No message comes any more. Any thread, while the turn goes on. */
void xd_orders_queue_stop(struct xd_orders_queue *queue);
void xd_orders_queue_free(struct xd_orders_queue *queue);

/* ---- hub_intake.c: orders between the query thread and the turn, by shares ---- */
XD_CHECKED enum xd_result xd_intake_new(struct xd_hub_program *program, struct xd_intake **out);
void xd_intake_free(struct xd_intake *intake);
/* The query thread. XD_FULL: this client has as many waiting as it may; XD_NO_MEMORY. The event stays the
 * caller's then. */
XD_CHECKED enum xd_result xd_intake_put(struct xd_intake *intake, struct xd_api_event *event);
/* The turn, which counts the ticket itself. As put. */
XD_CHECKED enum xd_result xd_intake_add(struct xd_intake *intake, struct xd_api_event *event);
/* The turn, after a ticket of the mailbox for each: whose turn it is. NULL: nobody waits. */
struct xd_api_event *xd_intake_take(struct xd_intake *intake);
/* What a header Prefer asks for; NULL: absent. 0: no waiting. */
xd_ms xd_query_wait(const char *prefer);

/* ---- hub_board.c ---- */
XD_CHECKED enum xd_result xd_hub_board_fill(struct xd_hub_program *program);
void xd_hub_board_metrics(struct xd_hub_board *board, struct xd_buffer *out);
bool xd_hub_board_moves(struct xd_hub_board *board);
/* Whether there is an ERP of that name, or none is named (NULL). Any thread. */
bool xd_hub_knows_erp(const struct xd_hub_program *program, const char *name);
/* GET /v1/erps: the last figures, and what that store says. Any thread. */
XD_CHECKED enum xd_result xd_hub_board_view_erps(struct xd_hub_program *program,
                                                 const struct xd_hub_store *store, struct xd_buffer *out);
/* /healthz, /readyz, /metrics. */
void xd_hub_board_answer(struct xd_hub_board *board, struct xd_http_request *request, const char *path);

/* ---- hub_erp.c: the workers of an ERP, or of who checks orders ---- */
struct xd_erp_pool_config {
    const struct xd_hub_config_erp *erp; /* NULL: of checks */
    const struct xd_hub_config_check *check;
    const char *state_dir;
    size_t workers;
};
/* What config points to is kept. why: a line for people, `file:line: what`. */
XD_CHECKED enum xd_result xd_erp_pool_start(const struct xd_erp_pool_config *config,
                                            struct xd_mailbox *answers, struct xd_erp_pool **out, char *why,
                                            size_t why_size);
enum xd_erp_grade xd_erp_pool_grade(const struct xd_erp_pool *pool);
/* Takes the call over; there is a free worker for it. */
void xd_erp_pool_call(struct xd_erp_pool *pool, struct xd_erp_call *call);
/* No call is taken any more. */
void xd_erp_pool_close(struct xd_erp_pool *pool);
/* After that: waits for calls under way until `deadline` (monotonic). False: one hangs and was left behind.
 */
bool xd_erp_pool_stop(struct xd_erp_pool *pool, xd_ms deadline);

/* ---- hub_webhooks.c: the workers ---- */
XD_CHECKED enum xd_result xd_webhook_pool_start(const struct xd_hub_config_webhooks *config,
                                                struct xd_mailbox *answers, struct xd_webhook_pool **out);
/* Takes the call over; there is a free worker for it. */
void xd_webhook_pool_call(struct xd_webhook_pool *pool, struct xd_webhook_call *call);
/* Whether webhooks.allow_private lets calls go to that host, where it is a literal address. Any thread. */
bool xd_webhook_pool_allows(const struct xd_webhook_pool *pool, const char *host);
/* Gives up calls under way, and waits for that. */
void xd_webhook_pool_stop(struct xd_webhook_pool *pool);

/* ---- hub_feed.c: GET /v1/events as a stream ---- */
XD_CHECKED enum xd_result xd_event_feed_start(const char *database_path, size_t streams_max, int64_t last,
                                              struct xd_event_feed **out, char *why, size_t why_size);
struct xd_event_reader {
    int64_t after;             /* events behind this one; < 0: those that come from now on */
    char tenant[XD_NAME_SIZE]; /* "": any */
    char types[XD_WEBHOOK_TYPES_SIZE];
};
/* Answers the request with a stream, or with 503 when there are as many as there may be. Any thread. */
void xd_event_feed_add(struct xd_event_feed *feed, struct xd_http_request *request,
                       const struct xd_event_reader *reader);
/* Events up to n are committed. Any thread; cheap. */
void xd_event_feed_tell(struct xd_event_feed *feed, int64_t n);
size_t xd_event_feed_count(struct xd_event_feed *feed);
/* Ends all streams. */
void xd_event_feed_stop(struct xd_event_feed *feed);

/* ---- hub_topology.c: exchanges, queues, users; restored when the broker lost them ---- */
XD_CHECKED enum xd_result xd_topology_start(const struct xd_hub_program_config *config,
                                            const char *database_path, struct xd_topology **out, char *why,
                                            size_t why_size);
/* Looks at everything soon. Any thread. */
void xd_topology_ask(struct xd_topology *topology);
/* Makes the topology, then answers the request with this answer (copied). */
void xd_topology_answer(struct xd_topology *topology, struct xd_http_request *request,
                        const struct xd_http_answer *answer);
void xd_topology_stop(struct xd_topology *topology);

struct xd_amqp_address;
/* name: of the connection, shown by the broker. */
void xd_hub_broker_address(const struct xd_hub_config_broker *broker, const char *name,
                           struct xd_amqp_address *out);

/* ---- hub_program.c ---- */
int xd_hub_program_run(const struct xd_hub_program_config *config, const char *config_path, bool log_text);

#endif
