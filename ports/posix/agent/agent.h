/* The agent's program: connectors, mailbox, turn and site put together.
 *
 *   MQTT, AMQP --events--> mailbox --main thread: the turn--> effects --> MQTT, AMQP
 *                                          |
 *                                          +--> snapshot --> HTTP
 *
 * Only the main thread touches the site and the store. The HTTP thread reads the
 * snapshot. Shared by the files of this folder only. */
#ifndef XD_POSIX_AGENT_AGENT_H
#define XD_POSIX_AGENT_AGENT_H

#include "amqp/amqp.h"
#include "common/again.h"
#include "common/turn.h"
#include "http/server.h"
#include "mqtt/mqtt.h"
#include "posix/agent/agent_events.h"
#include "posix/agent/agent_snapshot.h"
#include "posix/config/agent_config.h"
#include "posix/runtime/outgoing.h"
#include "site/site.h"
#include "sqlite/database.h"

struct xd_agent {
    const struct xd_agent_config *config;
    const struct xd_env *env;
    struct xd_database *database;
    struct xd_site_store store;
    struct xd_site site;
    struct xd_turn turn;
    struct xd_now now; /* of the turn that runs */
    /* What was counted before, for what is undone did not happen. */
    struct xd_site_counters counters_of_batch, counters_of_event;
    struct xd_agent_inlet inlet;
    struct xd_mqtt *mqtt;
    struct xd_outgoing outgoing;
    struct xd_amqp_consumer *consumer;
    struct xd_http_server *http;
    /* What the turn knows of the connections. */
    bool publisher_blocked, consumer_up;
    uint64_t consumer_generation;
    struct xd_again restart; /* of the consumer, which shall bring again what was not taken */
    bool handed_out;         /* the last turn gave the publisher something */
    bool stopping;           /* effects go nowhere any more, except tickets */
    bool batch_failed;       /* the last turn's */
    uint64_t wms_dropped;    /* publishes that the site's broker did not take */
    xd_ms room_at, snapshot_at, idle_at, shrink_at; /* monotonic: next */
    xd_ms busy_at;                                  /* monotonic: the last turn with events */
    struct xd_agent_board board;
};

/* ---- agent_turn.c: the operations of the turn ---- */
void xd_agent_turn_ops(struct xd_agent *agent, struct xd_turn_ops *out);

/* ---- agent_http.c: what the agent tells by HTTP; context is the board ---- */
void xd_agent_http(void *context, struct xd_http_request *request);

/* ---- agent.c ---- */
/* Runs until asked to stop. Gives the exit status. */
int xd_agent_run(const struct xd_agent_config *config, const char *config_path, bool log_text);

#endif
