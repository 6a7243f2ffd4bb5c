/* Start, loop and end of the agent.
 *
 * Start: the store is opened and claimed, the HTTP port is taken, and only then are
 * the connections begun; none of them needs to come up. End: the connectors are
 * stopped by threads of their own while the turn goes on, for a message of the site's
 * broker that is under way must be able to finish. What hangs is left behind after
 * STOP_MS: all that counts is committed.
 *
 * When the store fails (an I/O error, rows that contradict their checksums) nothing
 * more is released and the process ends at once: after a failed fsync nobody knows
 * what is on the disk, a new process reads it again. */
#include "posix/agent/agent.h"

#include "posix/runtime/program.h"
#include "posix/runtime/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEGABYTE ((int64_t)1024 * 1024)
#define BALLAST_BYTES (4 * MEGABYTE)
#define WINDOW_MESSAGES ((size_t)512)
#define WINDOW_BYTES ((size_t)1024 * 1024)
#define PREFETCH 256u
#define RECONNECT_MS_MAX 10000u
#define SILENCE_STATUSES 3
#define SILENCE_MS_MIN 30000u
#define WAIT_MS 50u
#define STOP_MS ((xd_ms)2500)
#define STOP_STACK_BYTES ((size_t)256 * 1024)
#define SNAPSHOT_MS ((xd_ms)250)
#define IDLE_MS ((xd_ms)2000)
#define SHRINK_MS ((xd_ms)500)
#define PATH_SIZE 4096
#define WHY_SIZE 512

static int fail(const struct xd_agent *agent, const char *text) {
    xd_log(agent->env, XD_LOG_ERROR, "agent.start_failed", NULL, "%s", text);
    return EXIT_FAILURE;
}

/* ---- the store ---- */

static int open_database(struct xd_agent *agent) {
    const struct xd_agent_config *config = agent->config;
    char path[PATH_SIZE], why[WHY_SIZE] = "", text[PATH_SIZE + WHY_SIZE];
    if (snprintf(path, sizeof path, "%s/agent.db", config->state_dir) >= (int)sizeof path) {
        return fail(agent, "the path of state_dir is too long");
    }
    if (mkdir(config->state_dir, 0700) != 0 && errno != EEXIST) {
        (void)snprintf(text, sizeof text, "state_dir %s cannot be made: %s", config->state_dir,
                       strerror(errno));
        return fail(agent, text);
    }
    struct xd_database_config database = {
        .path = path, .quota_bytes = config->store.quota_mb * MEGABYTE, .ballast_bytes = BALLAST_BYTES};
    enum xd_result result = xd_database_open(&database, XD_SCHEMA_SITE, &agent->database, why, sizeof why);
    if (result != XD_OK) {
        (void)snprintf(
            text, sizeof text, "the store cannot be opened (%s): %s%s", xd_result_name(result), why,
            result == XD_DENIED ? ". One agent owns one state_dir: stop the other one, or give this "
                                  "one a state_dir of its own that it may write"
                                : "");
        return fail(agent, text);
    }
    xd_database_site_store(agent->database, &agent->store);
    return EXIT_SUCCESS;
}

static void site_config_of(const struct xd_agent *agent, struct xd_site_config *out) {
    const struct xd_agent_config *config = agent->config;
    *out = (struct xd_site_config){.env = agent->env,
                                   .store = &agent->store,
                                   .site = config->site,
                                   .version = XD_VERSION,
                                   .key = config->signing,
                                   .ignore_foreign = config->mqtt.foreign_topics == XD_FOREIGN_TOPICS_IGNORE,
                                   .release_retry_ms_min = config->release.retry_s_min * XD_SECOND_MS,
                                   .release_retry_ms_max = config->release.retry_s_max * XD_SECOND_MS,
                                   .retention_ms = config->store.retention_days * XD_DAY_MS,
                                   .reserve_bytes = config->store.reserve_mb * MEGABYTE,
                                   .min_free_bytes = config->store.min_free_mb * MEGABYTE,
                                   .status_ms = config->status_interval_s * XD_SECOND_MS};
}

static int open_site(struct xd_agent *agent) {
    const struct xd_store_tx *tx = &agent->store.delivery.tx;
    struct xd_site_config site;
    char text[PATH_SIZE + WHY_SIZE];
    site_config_of(agent, &site);
    enum xd_result result = tx->begin(tx->context);
    if (result == XD_OK) {
        result = xd_site_open(&agent->site, &site, xd_world_now());
    }
    if (result == XD_OK) {
        result = tx->commit(tx->context);
    }
    if (result == XD_CONFLICT) {
        (void)snprintf(
            text, sizeof text,
            "the store in %s belongs to another site than %s: name that site in the configuration, "
            "or give this site a state_dir of its own",
            agent->config->state_dir, agent->config->site);
        return fail(agent, text);
    }
    if (result != XD_OK) {
        (void)snprintf(text, sizeof text, "the store in %s cannot be used (%s): %s", agent->config->state_dir,
                       xd_result_name(result), xd_database_error(agent->database));
        return fail(agent, text);
    }
    return EXIT_SUCCESS;
}

/* ---- connections ---- */

static int start_http(struct xd_agent *agent) {
    char why[WHY_SIZE] = "", text[2 * WHY_SIZE];
    struct xd_http_config config = {
        .listen = agent->config->http.listen, .body_max = 4096, .connections_max = 32, .pending_max = 32};
    if (xd_http_start(&config, xd_agent_http, &agent->board, &agent->http, why, sizeof why) == XD_OK) {
        return EXIT_SUCCESS;
    }
    agent->http = NULL;
    (void)snprintf(text, sizeof text, "cannot listen on %s (http.listen): %s", config.listen, why);
    return fail(agent, text);
}

static enum xd_result start_mqtt(struct xd_agent *agent) {
    static const char *const subscriptions[] = {"crossdock/+/confirmation", "crossdock/+/release/response",
                                                "crossdock/+/inventory", NULL};
    const struct xd_agent_config_mqtt *from = &agent->config->mqtt;
    char topic[XD_TOPIC_SIZE];
    struct xd_buffer will;
    xd_buffer_init(&will, 0);
    xd_site_topic(&agent->site, "status", topic);
    xd_site_presence(&agent->site, false, xd_world_now(), &will);
    struct xd_mqtt_config config = {.url = from->url,
                                    .client_id = from->client_id,
                                    .username = from->username,
                                    .password = from->password,
                                    .ca_file = from->ca_file,
                                    .cert_file = from->cert_file,
                                    .key_file = from->key_file,
                                    .version = (unsigned)from->version,
                                    .will_topic = topic,
                                    .will_payload = xd_buffer_view(&will),
                                    .subscriptions = subscriptions};
    enum xd_result result = xd_buffer_result(&will);
    if (result == XD_OK) {
        struct xd_mqtt_events events = xd_agent_mqtt_events;
        events.context = &agent->inlet;
        result = xd_mqtt_start(&config, &events, &agent->mqtt);
    }
    xd_buffer_free(&will);
    return result;
}

/* The hub answers each status: after some without an answer, our consumer may be deaf. */
static unsigned silence_ms(const struct xd_agent_config *config) {
    unsigned statuses_ms = (unsigned)(SILENCE_STATUSES * config->status_interval_s * XD_SECOND_MS);
    return statuses_ms > SILENCE_MS_MIN ? statuses_ms : SILENCE_MS_MIN;
}

static enum xd_result start_line(struct xd_agent *agent) {
    const struct xd_agent_config_uplink *from = &agent->config->uplink;
    char queue[64], name[64];
    (void)snprintf(queue, sizeof queue, "crossdock.site.%s", agent->config->site);
    (void)snprintf(name, sizeof name, "crossdock-agent %s", agent->config->site);
    struct xd_amqp_address address = {.url = from->url,
                                      .vhost = from->vhost,
                                      .username = from->username,
                                      .password = from->password,
                                      .ca_file = from->ca_file,
                                      .cert_file = from->cert_file,
                                      .key_file = from->key_file,
                                      .connection_name = name,
                                      .retry_ms_max = RECONNECT_MS_MAX};
    struct xd_amqp_publisher_events publishing = xd_line_publisher_events;
    struct xd_amqp_consumer_events consuming = xd_line_consumer_events;
    publishing.context = consuming.context = agent->inlet.mailbox;
    enum xd_result result = xd_amqp_publisher_start(&address, WINDOW_MESSAGES, WINDOW_BYTES, &publishing,
                                                    &agent->outgoing.publisher);
    if (result == XD_OK) {
        address.silence_ms = silence_ms(agent->config);
        result = xd_amqp_consumer_start(&address, queue, PREFETCH, &consuming, &agent->consumer);
    }
    return result;
}

static int start_connections(struct xd_agent *agent) {
    char text[WHY_SIZE];
    enum xd_result result = start_line(agent);
    const char *what = "the line";
    if (result == XD_OK) {
        what = "the site's broker";
        result = start_mqtt(agent);
    }
    if (result == XD_OK) {
        return EXIT_SUCCESS;
    }
    (void)snprintf(text, sizeof text, "the connection to %s cannot be set up: %s", what,
                   xd_result_name(result));
    return fail(agent, text);
}

static void not_taken(void *context, uint64_t tag) {
    struct xd_agent *agent = context;
    xd_site_line_confirmed(&agent->site, tag, false, agent->now);
}

static int start(struct xd_agent *agent) {
    struct xd_turn_ops ops;
    int status = open_database(agent);
    if (status == EXIT_SUCCESS) {
        status = open_site(agent);
    }
    if (status == EXIT_SUCCESS && xd_agent_inlet_init(&agent->inlet) != XD_OK) {
        status = fail(agent, "there is not enough memory");
    }
    if (status != EXIT_SUCCESS) {
        return status;
    }
    xd_agent_board_init(&agent->board);
    xd_outgoing_init(&agent->outgoing, agent->env, agent->config->uplink.username, not_taken, agent);
    xd_agent_turn_ops(agent, &ops);
    xd_turn_init(&agent->turn, &ops, &agent->store.delivery.tx, NULL);
    status = start_http(agent);
    return status == EXIT_SUCCESS ? start_connections(agent) : status;
}

/* ---- the loop ---- */

static void die(const struct xd_agent *agent, enum xd_result why) {
    xd_log(agent->env, XD_LOG_ERROR, "store.failed", NULL,
           "%s/agent.db: %s (%s); ending at once, nothing of this turn was told to anybody",
           agent->config->state_dir, xd_database_error(agent->database), xd_result_name(why));
    _exit(EXIT_FAILURE);
}

/* Said once while nothing but time comes. Whatever the reason was, room cannot hurt. */
static void on_failed_batch(struct xd_agent *agent, size_t count) {
    if (count > 0 || !agent->batch_failed) {
        xd_log(agent->env, XD_LOG_ERROR, "store.batch_failed", NULL, "%zu events were refused: %s", count,
               xd_database_error(agent->database));
    }
    agent->handed_out = false;
    xd_database_ballast_release(agent->database);
}

static void run_turn(struct xd_agent *agent, void **events, size_t count) {
    uint64_t failed = agent->turn.counters.commits_failed;
    agent->now = xd_world_now();
    agent->counters_of_batch = agent->site.counters;
    enum xd_result result = xd_turn_run(&agent->turn, events, count, agent->now);
    if (result != XD_OK) {
        die(agent, result); /* before any ticket is released */
    }
    for (size_t index = 0; index < count; index++) {
        xd_agent_event_free(&agent->inlet, events[index]);
    }
    bool batch_failed = agent->turn.counters.commits_failed != failed;
    if (batch_failed) {
        on_failed_batch(agent, count);
    }
    agent->batch_failed = batch_failed;
    if (count > 0) {
        agent->busy_at = agent->now.monotonic;
    }
    atomic_store(&agent->board.turn_at, agent->now.monotonic);
}

static void keep_house(struct xd_agent *agent) {
    xd_ms now = agent->now.monotonic;
    if (now >= agent->snapshot_at) {
        agent->snapshot_at = now + SNAPSHOT_MS;
        enum xd_result result = xd_agent_board_fill(agent);
        if (result == XD_IO || result == XD_CORRUPT) {
            die(agent, result);
        }
    }
    if (agent->site.room != XD_ROOM_FREE && now >= agent->shrink_at) {
        agent->shrink_at = now + SHRINK_MS;
        xd_database_shrink(agent->database); /* what was covered is dropped by now: its room counts again */
    }
    if (now - agent->busy_at >= IDLE_MS && now >= agent->idle_at) {
        agent->idle_at = now + IDLE_MS;
        xd_database_idle(agent->database);
    }
}

static unsigned wait_of(const struct xd_agent *agent) {
    if (agent->stopping || agent->outgoing.count > 0) {
        return 5;
    }
    return agent->handed_out ? 0 : WAIT_MS;
}

static void one_turn(struct xd_agent *agent) {
    void *events[XD_TURN_EVENTS_MAX];
    size_t count = xd_mailbox_take(agent->inlet.mailbox, events, XD_TURN_EVENTS_MAX, wait_of(agent));
    if (!agent->stopping) {
        xd_outgoing_flush(&agent->outgoing);
    }
    run_turn(agent, events, count);
    keep_house(agent);
    xd_program_feed_watchdog(agent->now.monotonic);
}

static void reload_config(const struct xd_agent *agent, const char *path, bool log_text) {
    struct xd_agent_config fresh;
    struct xd_buffer errors;
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_agent_config_load(path, &fresh, &errors);
    if (result == XD_OK) {
        xd_world_log_open(log_text, (enum xd_log_level)fresh.log_level);
        xd_log(agent->env, XD_LOG_INFO, "agent.reloaded", NULL,
               "the log level was read again; anything else needs a restart");
    } else {
        xd_log(agent->env, XD_LOG_WARNING, "agent.not_reloaded", NULL, "%s", xd_buffer_string(&errors));
    }
    xd_agent_config_free(&fresh);
    xd_buffer_free(&errors);
}

/* ---- the end ---- */

struct stopper {
    void (*stop)(struct xd_agent *agent);
    struct xd_agent *agent;
    pthread_t thread;
    bool started;
    atomic_bool ended;
};

static void stop_mqtt(struct xd_agent *agent) {
    xd_mqtt_stop(agent->mqtt);
}

static void stop_publisher(struct xd_agent *agent) {
    xd_amqp_publisher_stop(agent->outgoing.publisher);
}

static void stop_consumer(struct xd_agent *agent) {
    xd_amqp_consumer_stop(agent->consumer);
}

static void *run_stopper(void *argument) {
    struct stopper *stopper = argument;
    stopper->stop(stopper->agent);
    atomic_store(&stopper->ended, true);
    return NULL;
}

static void start_stopper(struct stopper *stopper) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STOP_STACK_BYTES);
    stopper->started = pthread_create(&stopper->thread, &attributes, run_stopper, stopper) == 0;
    pthread_attr_destroy(&attributes);
}

static void say_farewell(struct xd_agent *agent) {
    char topic[XD_TOPIC_SIZE];
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    xd_site_topic(&agent->site, "status", topic);
    xd_site_presence(&agent->site, false, xd_world_now(), &text);
    struct xd_mqtt_message message = {.topic = topic, .payload = xd_buffer_view(&text), .retained = true};
    if (agent->site.wms_up &&
        (xd_buffer_result(&text) != XD_OK || xd_mqtt_publish(agent->mqtt, &message) != XD_OK)) {
        agent->wms_dropped++; /* the will says it */
    }
    xd_buffer_free(&text);
}

/* False: something hangs and was left behind. */
static bool stop_connections(struct xd_agent *agent) {
    static struct stopper stoppers[] = {
        {.stop = stop_mqtt}, {.stop = stop_publisher}, {.stop = stop_consumer}};
    const size_t count = sizeof stoppers / sizeof stoppers[0];
    xd_ms deadline = xd_world_now().monotonic + STOP_MS;
    say_farewell(agent);
    agent->stopping = true;
    for (size_t index = 0; index < count; index++) {
        stoppers[index].agent = agent;
        start_stopper(&stoppers[index]);
    }
    size_t ended = 0;
    while (ended < count && xd_world_now().monotonic < deadline) {
        one_turn(agent);
        ended = 0;
        for (size_t index = 0; index < count; index++) {
            ended += atomic_load(&stoppers[index].ended);
        }
    }
    for (size_t index = 0; ended == count && index < count; index++) {
        pthread_join(stoppers[index].thread, NULL);
    }
    return ended == count;
}

static void close_mailbox(struct xd_agent *agent) {
    void *events[XD_TURN_EVENTS_MAX];
    size_t count;
    xd_mailbox_close(agent->inlet.mailbox);
    while ((count = xd_mailbox_take(agent->inlet.mailbox, events, XD_TURN_EVENTS_MAX, 0)) > 0) {
        for (size_t index = 0; index < count; index++) {
            xd_agent_event_free(&agent->inlet, events[index]);
        }
    }
}

static void stop(struct xd_agent *agent) {
    xd_log(agent->env, XD_LOG_INFO, "agent.stopping", NULL, "asked to stop");
    xd_world_notify("STOPPING=1");
    bool all = stop_connections(agent);
    xd_http_stop(agent->http);
    xd_site_close(&agent->site);
    xd_database_close(agent->database);
    xd_log(agent->env, XD_LOG_INFO, "agent.stopped", NULL, "%s",
           all ? "all is closed" : "a connection that hangs was left behind");
    if (!all) {
        _exit(EXIT_SUCCESS); /* its threads still use our memory */
    }
    close_mailbox(agent);
    xd_outgoing_down(&agent->outgoing);
    xd_turn_free(&agent->turn);
    xd_agent_inlet_free(&agent->inlet);
    xd_agent_board_free(&agent->board);
}

int xd_agent_run(const struct xd_agent_config *config, const char *config_path, bool log_text) {
    static struct xd_agent agent; /* too large for a stack; the site must stay where it is */
    agent.config = config;
    agent.env = xd_world_env();
    int status = start(&agent);
    if (status != EXIT_SUCCESS) {
        return status; /* the process ends: what was begun ends with it */
    }
    one_turn(&agent);
    xd_log(agent.env, XD_LOG_INFO, "agent.started", NULL, "site %s, version %s, http on port %u",
           config->site, XD_VERSION, xd_http_port(agent.http));
    xd_world_notify("READY=1");
    while (!xd_world_stopping()) {
        if (xd_world_reload_asked()) {
            reload_config(&agent, config_path, log_text);
        }
        one_turn(&agent);
    }
    stop(&agent);
    return EXIT_SUCCESS;
}
