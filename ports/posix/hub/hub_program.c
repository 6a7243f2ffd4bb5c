/* Start, loop and end of the hub.
 *
 * Start: the store and the ERP are opened, the HTTP port is taken, and only then
 * are the connections to the broker begun; they need not come up. End: HTTP and
 * the workers are stopped first, while the turn goes on, so that what they hand in
 * is still taken; then the connections.
 *
 * When the store fails (an I/O error, rows that contradict their checksums) nothing
 * more is released and the process ends at once: after a failed fsync nobody knows
 * what is on the disk, a new process reads it again. */
#include "posix/hub/hub_program.h"

#include "posix/runtime/program.h"
#include "posix/runtime/world.h"
#include "posix/runtime/zones.h"
#include "rabbitadmin/rabbitadmin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS_MAX ((size_t)1024)
#define FILES_OWN ((rlim_t)128)
#define TURN_ORDERS_MAX ((size_t)64)
#define EVENT_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define WINDOW_MESSAGES ((size_t)512)
#define WINDOW_BYTES ((size_t)1024 * 1024)
#define PREFETCH 512u
#define WAIT_MS 50u
#define BOARD_MS ((xd_ms)1000)
#define IDLE_MS ((xd_ms)2000)
#define ERP_STOP_MS 2000u
#define CHECK_WORKERS 8u
#define CACHE_BYTES ((int64_t)64 * 1024 * 1024)

static int fail(const struct xd_hub_program *program, const char *what, enum xd_result result,
                const char *why) {
    xd_log(program->env, XD_LOG_ERROR, "hub.start_failed", NULL, "%s: %s%s%s", what, xd_result_name(result),
           why[0] != 0 ? ": " : "", why);
    return EXIT_FAILURE;
}

/* ---- the store ---- */

static int open_store(struct xd_hub_program *program, const char *path) {
    const char *state_dir = program->config->state_dir;
    char why[XD_WHY_SIZE] = "";
    if (mkdir(state_dir, 0700) != 0 && errno != EEXIST) {
        return fail(program, state_dir, XD_IO, strerror(errno));
    }
    struct xd_database_config database = {.path = path, .cache_bytes = CACHE_BYTES};
    enum xd_result result = xd_database_open(&database, XD_SCHEMA_HUB, &program->database, why, sizeof why);
    if (result != XD_OK) {
        return fail(program, path, result, why);
    }
    xd_database_hub_store(program->database, &program->store);
    return EXIT_SUCCESS;
}

static enum xd_result write_token(const char *path, const char *token) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        return XD_IO;
    }
    size_t size = strlen(token);
    bool fine = write(file, token, size) == (ssize_t)size && write(file, "\n", 1) == 1 && fsync(file) == 0;
    return close(file) == 0 && fine ? XD_OK : XD_IO;
}

/* At its first start the hub makes the administrator's token: in a file for the
 * person, as a hash in the store. */
static enum xd_result make_admin(struct xd_hub_program *program) {
    const struct xd_hub_store *store = &program->store;
    char path[XD_PATH_SIZE], token[XD_HASH_TEXT_SIZE], done[8];
    struct xd_hash random;
    xd_ms now = xd_world_now().wall;
    struct xd_client_row row = {.client = "admin", .tenant = "default", .role = "admin", .added_at = now};
    struct xd_token_row proof = {.client = "admin", .tenant = "default", .made_at = now};
    enum xd_result result = store->delivery.meta_get(store->delivery.context, "admin", done, sizeof done);
    if (result != XD_NOT_FOUND) {
        return result;
    }
    program->env->entropy(program->env->context, random.bytes, sizeof random.bytes);
    xd_hash_write(&random, token);
    proof.hash = xd_sha256(xd_bytes_of_text(token));
    (void)snprintf(path, sizeof path, "%s/admin.token", program->config->state_dir);
    result = write_token(path, token);
    if (result == XD_OK) {
        result = store->client_put(store->context, &row);
    }
    if (result == XD_OK) {
        result = store->token_put(store->context, &proof);
    }
    return result == XD_OK ? store->delivery.meta_set(store->delivery.context, "admin", "made") : result;
}

static bool webhook_host_allowed(void *context, const char *host) {
    const struct xd_hub_program *program = context;
    return xd_webhook_pool_allows(program->webhooks, host);
}

/* HH:MM, which the configuration has checked. */
static xd_ms time_of_day(const char *text) {
    return ((text[0] - '0') * 10 + (text[1] - '0')) * XD_HOUR_MS +
           ((text[3] - '0') * 10 + (text[4] - '0')) * XD_MINUTE_MS;
}

static void erp_settings(struct xd_hub_program *program, size_t index) {
    const struct xd_hub_config_erp *erp = &program->config->erps[index];
    program->erps[index] = (struct xd_erp_settings){.name = erp->name,
                                                    .tenants = erp->tenants,
                                                    .tenant_count = erp->tenant_count,
                                                    .grade = xd_erp_pool_grade(program->pools[index]),
                                                    .shadow = erp->shadow,
                                                    .stock = erp->stock,
                                                    .country = erp->country,
                                                    .concurrency = (unsigned)erp->concurrency,
                                                    .life_ms = erp->request_life_s * XD_SECOND_MS,
                                                    .retry_ms_min = erp->retry_s_min * XD_SECOND_MS,
                                                    .retry_ms_max = erp->retry_s_max * XD_SECOND_MS,
                                                    .rate_per_minute = erp->rate_per_minute,
                                                    .burst = erp->burst,
                                                    .breaker_failures = (unsigned)erp->breaker_failures,
                                                    .open_ms_min = erp->breaker_s_min * XD_SECOND_MS,
                                                    .open_ms_max = erp->breaker_s_max * XD_SECOND_MS};
}

static void core_config(struct xd_hub_program *program, struct xd_hub_config *out) {
    const struct xd_hub_program_config *config = program->config;
    for (size_t index = 0; index < config->erp_count; index++) {
        erp_settings(program, index);
    }
    *out = (struct xd_hub_config){
        .env = program->env,
        .store = &program->store,
        .zones = xd_posix_zones(),
        .policies = {.over_tolerance_pct = config->policies.over_tolerance_pct,
                     .unshipped_means = (enum xd_unshipped)config->policies.unshipped_means},
        .retention_ms = config->policies.retention_days * XD_DAY_MS,
        .idempotency_ms = config->policies.idempotency_days * XD_DAY_MS,
        .unknown_release_ms = config->policies.unknown_release_minutes * XD_MINUTE_MS,
        .event_ms = config->policies.event_days * XD_DAY_MS,
        .webhooks = {.concurrency = (unsigned)config->webhooks.concurrency,
                     .retry_ms_min = config->webhooks.retry_s_min * XD_SECOND_MS,
                     .retry_ms_max = config->webhooks.retry_s_max * XD_SECOND_MS,
                     .disable_ms = config->webhooks.disable_after_hours * XD_HOUR_MS,
                     .host_allowed = webhook_host_allowed,
                     .host_context = program},
        .books = {.poll_ms = config->policies.erp_poll_s * XD_SECOND_MS,
                  .every_ms = config->policies.books_hours * XD_HOUR_MS,
                  .at_ms = time_of_day(config->policies.books_at),
                  .invoice_ms = config->policies.invoice_days * XD_DAY_MS},
        .erps = program->erps,
        .erp_count = config->erp_count,
        .checks = config->check.url != NULL,
        .check_concurrency = CHECK_WORKERS,
        .reference_ms = config->policies.reference_minutes * XD_MINUTE_MS,
        .line_url = config->broker.site_url,
        .line_vhost = config->broker.vhost,
        .hash_password = xd_rabbitadmin_hash};
}

static int open_hub(struct xd_hub_program *program) {
    const struct xd_store_tx *tx = &program->store.delivery.tx;
    struct xd_hub_config config;
    core_config(program, &config);
    enum xd_result result = tx->begin(tx->context);
    if (result == XD_OK) {
        result = make_admin(program);
    }
    if (result == XD_OK) {
        result = xd_hub_open(&program->hub, &config, xd_world_now());
    }
    if (result == XD_OK) {
        result = tx->commit(tx->context);
    }
    return result == XD_OK
               ? EXIT_SUCCESS
               : fail(program, "the store cannot be used", result, xd_database_error(program->database));
}

/* ---- connections ---- */

static void not_taken(void *context, uint64_t tag) {
    struct xd_hub_program *program = context;
    xd_hub_line_confirmed(&program->hub, tag, false, program->now);
}

/* Room for so many connections beside the files that the hub has open anyway. */
static bool allow_files(rlim_t connections) {
    struct rlimit limit;
    rlim_t needed = connections + FILES_OWN;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    if (limit.rlim_cur >= needed) {
        return true;
    }
    limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed;
}

static int start_http(struct xd_hub_program *program, const char *path) {
    const struct xd_hub_config_http *from = &program->config->http;
    char why[XD_WHY_SIZE] = "";
    if (!allow_files((rlim_t)from->connections_max)) {
        return fail(program, "http.connections_max", XD_INVALID,
                    "this process may not open so many files; raise its limit (LimitNOFILE, ulimit -n)");
    }
    /* Of all connections they take half at the most, so that others are served. */
    int64_t streams =
        from->event_streams < from->connections_max / 2 ? from->event_streams : from->connections_max / 2;
    enum xd_result result =
        xd_event_feed_start(path, (size_t)streams, program->hub.events.last, &program->feed, why, sizeof why);
    if (result == XD_OK) {
        result = xd_query_start(program, path, &program->query, why, sizeof why);
    }
    if (result != XD_OK) {
        return fail(program, path, result, why);
    }
    struct xd_http_config config = {.listen = from->listen,
                                    .cert_file = from->cert_file,
                                    .key_file = from->key_file,
                                    .connections_max = (unsigned)from->connections_max,
                                    .address_connections_max = (unsigned)from->address_connections_max};
    result = xd_http_start(&config, xd_query_request, program->query, &program->http, why, sizeof why);
    return result == XD_OK ? EXIT_SUCCESS : fail(program, from->listen, result, why);
}

static int start_line(struct xd_hub_program *program, const char *path) {
    char why[XD_WHY_SIZE] = "";
    struct xd_amqp_address address;
    struct xd_amqp_publisher_events publishing = xd_line_publisher_events;
    struct xd_amqp_consumer_events consuming = xd_line_consumer_events;
    publishing.context = consuming.context = program->mailbox;
    consuming.quiet = xd_line_consumer_quiet; /* sites may be few, or all away */
    xd_hub_broker_address(&program->config->broker, "crossdock-hub", &address);
    enum xd_result result = xd_topology_start(program->config, path, &program->topology, why, sizeof why);
    if (result == XD_OK) {
        result = xd_amqp_publisher_start(&address, WINDOW_MESSAGES, WINDOW_BYTES, &publishing,
                                         &program->outgoing.publisher);
    }
    if (result == XD_OK) {
        address.silence_ms = (unsigned)XD_LINE_ALIVE_MS; /* of all sites */
        result = xd_amqp_consumer_start(&address, XD_HUB_QUEUE, PREFETCH, &consuming, &program->consumer);
    }
    if (result == XD_OK) {
        result = xd_orders_queue_start(program, &program->orders_queue);
    }
    return result == XD_OK ? EXIT_SUCCESS : fail(program, "the line", result, why);
}

/* Before the core, which wants to know the grades of the ERPs. */
static int start_workers(struct xd_hub_program *program) {
    const struct xd_hub_program_config *config = program->config;
    char why[XD_WHY_SIZE] = "";
    enum xd_result result = xd_mailbox_new(EVENTS_MAX, EVENT_BYTES_MAX, &program->mailbox);
    if (result == XD_OK) {
        result = xd_intake_new(program, &program->intake);
    }
    for (size_t index = 0; index <= config->erp_count && result == XD_OK; index++) {
        bool checks = index == config->erp_count;
        struct xd_erp_pool_config pool = {.erp = checks ? NULL : &config->erps[index],
                                          .check = &config->check,
                                          .state_dir = config->state_dir,
                                          .workers = checks ? CHECK_WORKERS
                                                            : (size_t)config->erps[index].concurrency};
        result = xd_erp_pool_start(&pool, program->mailbox, &program->pools[index], why, sizeof why);
    }
    if (result == XD_OK) {
        result = xd_webhook_pool_start(&program->config->webhooks, program->mailbox, &program->webhooks);
    }
    return result == XD_OK ? EXIT_SUCCESS : fail(program, "the workers", result, why);
}

static int start(struct xd_hub_program *program) {
    char path[XD_PATH_SIZE];
    struct xd_turn_ops ops;
    if (snprintf(path, sizeof path, "%s/hub.db", program->config->state_dir) >= (int)sizeof path) {
        return fail(program, "state_dir", XD_INVALID, "the path is too long");
    }
    pthread_mutex_init(&program->board.mutex, NULL);
    int status = open_store(program, path);
    if (status == EXIT_SUCCESS) {
        status = start_workers(program);
    }
    if (status == EXIT_SUCCESS) {
        status = open_hub(program);
    }
    xd_outgoing_init(&program->outgoing, program->env, program->config->broker.username, not_taken, program);
    xd_hub_program_ops(program, &ops);
    xd_turn_init(&program->turn, &ops, &program->store.delivery.tx, xd_erp_call_free);
    if (status == EXIT_SUCCESS) {
        status = start_http(program, path);
    }
    return status == EXIT_SUCCESS ? start_line(program, path) : status;
}

/* ---- the loop ---- */

static void die(const struct xd_hub_program *program, enum xd_result why) {
    xd_log(program->env, XD_LOG_ERROR, "store.failed", NULL,
           "%s/hub.db: %s (%s); ending at once, nothing of this turn was told to anybody",
           program->config->state_dir, xd_database_error(program->database), xd_result_name(why));
    _exit(EXIT_FAILURE);
}

static void run_turn(struct xd_hub_program *program, void **events, size_t count) {
    uint64_t failed = program->turn.counters.commits_failed;
    program->now = xd_world_now();
    enum xd_result result = xd_turn_run(&program->turn, events, count, program->now);
    if (result != XD_OK) {
        die(program, result);
    }
    for (size_t index = 0; index < count; index++) {
        struct xd_event *event = events[index];
        if (event->kind == XD_HUB_EVENT_API) {
            ((struct xd_api_event *)(void *)event)->request.handle = NULL; /* its answer has left */
        }
        xd_hub_program_drop_event(event);
    }
    if (program->turn.counters.commits_failed != failed) {
        xd_log(program->env, XD_LOG_ERROR, "store.batch_failed", NULL, "%zu events were refused: %s", count,
               xd_database_error(program->database));
        program->handed_out = false;
    }
    if (count > 0) {
        program->busy_at = program->now.monotonic;
    }
    atomic_store(&program->board.turn_at, program->now.monotonic);
}

static void keep_house(struct xd_hub_program *program) {
    xd_ms now = program->now.monotonic;
    if (now >= program->board_at && !program->stopping) { /* else what it counts may be gone already */
        program->board_at = now + BOARD_MS;
        enum xd_result result = xd_hub_board_fill(program);
        if (result == XD_IO || result == XD_CORRUPT) {
            die(program, result);
        }
    }
    if (now - program->busy_at >= IDLE_MS && now >= program->idle_at) {
        program->idle_at = now + IDLE_MS;
        xd_database_idle(program->database);
    }
}

static unsigned wait_of(const struct xd_hub_program *program) {
    if (program->tickets > 0) {
        return 0;
    }
    if (program->stopping || program->outgoing.count > 0) {
        return 5;
    }
    return program->handed_out ? 0 : WAIT_MS;
}

/* What the mailbox holds; and of the orders that wait so many that a turn does not grow long: the next one
 * asks again whose turn it is. */
static size_t take_events(struct xd_hub_program *program, void **events) {
    size_t taken = xd_mailbox_take(program->mailbox, events, XD_TURN_EVENTS_MAX, wait_of(program));
    size_t count = 0;
    xd_orders_queue_late(program->orders_queue);
    for (size_t index = 0; index < taken; index++) {
        struct xd_event *event = events[index];
        if (event->kind == XD_HUB_EVENT_QUEUED) {
            struct xd_api_event *at_once = xd_orders_queue_take(program->orders_queue, event);
            if (at_once != NULL) {
                events[count++] = at_once;
            }
        } else if (event->kind == XD_HUB_EVENT_TICKET) {
            program->tickets++;
        } else {
            events[count++] = event;
        }
    }
    for (size_t orders = 0; orders < TURN_ORDERS_MAX && program->tickets > 0 && count < XD_TURN_EVENTS_MAX;
         orders++) {
        struct xd_api_event *order = xd_intake_take(program->intake);
        program->tickets--;
        if (order != NULL) {
            events[count++] = order;
        }
    }
    return count;
}

static size_t one_turn(struct xd_hub_program *program) {
    void *events[XD_TURN_EVENTS_MAX];
    size_t count = take_events(program, events);
    if (!program->stopping) { /* else the publisher may be gone already */
        xd_outgoing_flush(&program->outgoing);
    }
    run_turn(program, events, count);
    keep_house(program);
    xd_program_feed_watchdog(program->now.monotonic);
    return count;
}

static void reload_config(const struct xd_hub_program *program, const char *path, bool log_text) {
    struct xd_hub_program_config fresh;
    struct xd_buffer errors;
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_hub_config_load(path, &fresh, &errors);
    if (result == XD_OK) {
        xd_world_log_open(log_text, (enum xd_log_level)fresh.log_level);
        xd_log(program->env, XD_LOG_INFO, "hub.reloaded", NULL,
               "the log level was read again; anything else needs a restart");
    } else {
        xd_log(program->env, XD_LOG_WARNING, "hub.not_reloaded", NULL, "%s", xd_buffer_string(&errors));
    }
    xd_hub_config_free(&fresh);
    xd_buffer_free(&errors);
}

/* ---- the end ---- */

struct stopping {
    struct xd_hub_program *program;
    bool erp_ended;
    atomic_bool done;
};

static bool stop_workers(struct xd_hub_program *program) {
    xd_ms deadline = xd_world_now().monotonic + (xd_ms)ERP_STOP_MS;
    size_t count = program->config->erp_count + 1;
    bool ended = true;
    for (size_t index = 0; index < count; index++) {
        xd_erp_pool_close(program->pools[index]);
    }
    for (size_t index = 0; index < count; index++) {
        ended = xd_erp_pool_stop(program->pools[index], deadline) && ended;
    }
    return ended;
}

/* On a thread of its own: what it waits for may be waiting for the turn. */
static void *stop_sources(void *argument) {
    struct stopping *stopping = argument;
    struct xd_hub_program *program = stopping->program;
    xd_http_stop(program->http);
    xd_query_stop(program->query);
    xd_event_feed_stop(program->feed);
    xd_webhook_pool_stop(program->webhooks);
    stopping->erp_ended = stop_workers(program);
    xd_orders_queue_stop(program->orders_queue);
    xd_topology_stop(program->topology);
    xd_amqp_consumer_stop(program->consumer);
    xd_amqp_publisher_stop(program->outgoing.publisher);
    atomic_store(&stopping->done, true);
    return NULL;
}

static void stop(struct xd_hub_program *program) {
    static struct stopping stopping;
    pthread_t thread;
    xd_log(program->env, XD_LOG_INFO, "hub.stopping", NULL, "asked to stop");
    xd_world_notify("STOPPING=1");
    stopping.program = program;
    program->stopping = true;
    if (pthread_create(&thread, NULL, stop_sources, &stopping) != 0) {
        _exit(EXIT_SUCCESS); /* all that counts is committed */
    }
    while (!atomic_load(&stopping.done)) {
        (void)one_turn(program);
    }
    while (one_turn(program) > 0) {
    }
    pthread_join(thread, NULL);
    xd_hub_close(&program->hub);
    xd_database_close(program->database);
    xd_log(program->env, XD_LOG_INFO, "hub.stopped", NULL, "%s",
           stopping.erp_ended ? "all is closed"
                              : "a call to the ERP hangs; it is looked up at the next start");
    if (!stopping.erp_ended) {
        _exit(EXIT_SUCCESS); /* its thread still uses our memory */
    }
    xd_mailbox_close(program->mailbox);
    xd_mailbox_free(program->mailbox);
    xd_orders_queue_free(program->orders_queue);
    xd_intake_free(program->intake);
    xd_outgoing_down(&program->outgoing);
    xd_turn_free(&program->turn);
    pthread_mutex_destroy(&program->board.mutex);
}

int xd_hub_program_run(const struct xd_hub_program_config *config, const char *config_path, bool log_text) {
    static struct xd_hub_program program; /* too large for a stack; the hub must stay where it is */
    program.config = config;
    program.env = xd_world_env();
    int status = start(&program);
    if (status != EXIT_SUCCESS) {
        return status; /* the process ends: what was begun ends with it */
    }
    (void)one_turn(&program);
    xd_log(program.env, XD_LOG_INFO, "hub.started", NULL, "version %s, http on port %u", XD_VERSION,
           xd_http_port(program.http));
    xd_world_notify("READY=1");
    while (!xd_world_stopping()) {
        if (xd_world_reload_asked()) {
            reload_config(&program, config_path, log_text);
        }
        (void)one_turn(&program);
    }
    stop(&program);
    return EXIT_SUCCESS;
}
