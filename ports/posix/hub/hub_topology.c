/* Exchanges, queues, users: what the hub declares, and restores when the broker
 * has lost it.
 *
 * One thread looks at everything when it is asked to, and every 20 s: users and
 * permissions through the management API, the rest through a short-lived
 * connection of its own, because declarations on a working one could close it.
 * Declaring what is there changes nothing. A queue that the broker brought back
 * without a leader is deleted first (hub_queues.h says which, and why): the line sends
 * again what was in it, and who was not told of an order in crossdock.intake sends that. */
#include "posix/hub/hub_program.h"

#include "base/memory.h"
#include "posix/hub/hub_queues.h"
#include "posix/runtime/world.h"
#include "rabbitadmin/rabbitadmin.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_EVERY_MS ((xd_ms)20000)
#define LOOK_GAP_MS ((xd_ms)500) /* between two looks that somebody asked for */
#define AGAIN_MS ((xd_ms)1000)   /* after one that failed */
#define DECLARE_MS ((xd_ms)10000)
#define DELETE_MS 15000u /* of a queue without a leader: RabbitMQ waits 5 s for that first */
#define SITES_MAX 1000u

struct pending {
    struct pending *next;
    struct xd_http_request *request;
    struct xd_http_answer answer; /* texts and body stand behind */
};

struct site_list {
    char (*names)[XD_SITE_SIZE];
    char (*users)[48];
    char (*hashes)[64];
    size_t count;
};

struct xd_topology {
    const struct xd_hub_program_config *config;
    const struct xd_env *env;
    struct xd_database *database;
    struct xd_hub_store store;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool asked, stopping, failing;
    struct pending *pending;
    struct site_list sites; /* this and the next three are the thread's */
    struct xd_queues queues;
    xd_ms queues_at; /* when to look at them next; monotonic, as look_at */
    bool queues_unread;
    /* The short-lived connection's outcome. */
    bool declared, gave_up;
    char why[XD_WHY_SIZE];
};

/* ---- sites, as the store has them ---- */

static enum xd_result collect_site(void *context, const struct xd_site_row *row) {
    struct site_list *sites = context;
    if (sites->count < SITES_MAX) {
        memcpy(sites->names[sites->count], row->site, sizeof row->site);
        memcpy(sites->users[sites->count], row->user, sizeof row->user);
        memcpy(sites->hashes[sites->count], row->password_hash, sizeof row->password_hash);
        sites->count++;
    }
    return XD_OK;
}

/* ---- users ---- */

static struct xd_rabbitadmin_address management_address(const struct xd_topology *topology) {
    const struct xd_hub_config_broker *broker = &topology->config->broker;
    return (struct xd_rabbitadmin_address){.url = broker->management_url,
                                           .username = broker->username,
                                           .password = broker->password,
                                           .vhost = broker->vhost,
                                           .ca_file = broker->ca_file};
}

static enum xd_result restore_users(struct xd_topology *topology) {
    const struct xd_hub_config_broker *broker = &topology->config->broker;
    struct xd_rabbitadmin_address address = management_address(topology);
    char write[64], read[64];
    char *why = topology->why;
    enum xd_result result = xd_rabbitadmin_put_vhost(&address, why, XD_WHY_SIZE);
    if (result == XD_OK) {
        result =
            xd_rabbitadmin_put_permissions(&address, broker->username, ".*", ".*", ".*", why, XD_WHY_SIZE);
    }
    for (size_t index = 0; index < topology->sites.count && result == XD_OK; index++) {
        const char *user = topology->sites.users[index], *name = topology->sites.names[index];
        result = xd_rabbitadmin_put_user(&address, user, topology->sites.hashes[index], why, XD_WHY_SIZE);
        (void)snprintf(write, sizeof write, "^crossdock\\.up\\.%s$", name);
        (void)snprintf(read, sizeof read, "^crossdock\\.site\\.%s$", name);
        if (result == XD_OK) {
            result = xd_rabbitadmin_put_permissions(&address, user, "^$", write, read, why, XD_WHY_SIZE);
        }
    }
    return result;
}

/* ---- exchanges and queues ---- */

static enum xd_result declare_fixed(struct xd_amqp_setup *setup) {
    enum xd_result result = xd_amqp_declare_exchange(setup, "crossdock.dead", "fanout");
    if (result == XD_OK) {
        result = xd_amqp_declare_quorum_queue(setup, "crossdock.dead", NULL, false);
    }
    if (result == XD_OK) {
        result = xd_amqp_bind_queue(setup, "crossdock.dead", "crossdock.dead", "");
    }
    if (result == XD_OK) {
        result = xd_amqp_declare_exchange(setup, "crossdock.hub", "fanout");
    }
    if (result == XD_OK) {
        result = xd_amqp_declare_quorum_queue(setup, "crossdock.hub", "crossdock.dead", true);
    }
    if (result == XD_OK) {
        result = xd_amqp_bind_queue(setup, "crossdock.hub", "crossdock.hub", "");
    }
    if (result == XD_OK) {
        result = xd_amqp_declare_quorum_queue(setup, "crossdock.intake", "crossdock.dead", true);
    }
    if (result == XD_OK) {
        result = xd_amqp_declare_exchange(setup, "crossdock.down", "direct");
    }
    return result == XD_OK ? xd_amqp_declare_exchange(setup, "crossdock.events", "topic") : result;
}

static enum xd_result declare_site(struct xd_amqp_setup *setup, const char *name) {
    char up[64], queue[64];
    (void)snprintf(up, sizeof up, "crossdock.up.%s", name);
    (void)snprintf(queue, sizeof queue, "crossdock.site.%s", name);
    enum xd_result result = xd_amqp_declare_exchange(setup, up, "fanout");
    if (result == XD_OK) {
        result = xd_amqp_bind_exchange(setup, "crossdock.hub", up, "");
    }
    if (result == XD_OK) {
        result = xd_amqp_declare_quorum_queue(setup, queue, "crossdock.dead", true);
    }
    return result == XD_OK ? xd_amqp_bind_queue(setup, queue, "crossdock.down", name) : result;
}

/* On the short-lived connection's thread, while ours waits. */
static enum xd_result declare(void *context, struct xd_amqp_setup *setup) {
    struct xd_topology *topology = context;
    enum xd_result result = declare_fixed(setup);
    for (size_t index = 0; index < topology->sites.count && result == XD_OK; index++) {
        result = declare_site(setup, topology->sites.names[index]);
    }
    return result;
}

static void end_declaring(struct xd_topology *topology, bool declared, const char *why) {
    pthread_mutex_lock(&topology->mutex);
    topology->declared = topology->declared || declared;
    topology->gave_up = true;
    if (!topology->declared) {
        (void)snprintf(topology->why, sizeof topology->why, "%s", why);
    }
    pthread_cond_broadcast(&topology->changed);
    pthread_mutex_unlock(&topology->mutex);
}

static void declare_up(void *context, uint64_t generation) {
    (void)generation;
    end_declaring(context, true, "");
}

static void declare_down(void *context, uint64_t generation, const char *why) {
    (void)generation;
    end_declaring(context, false, why);
}

static void ignore_confirms(void *context, const uint64_t *tags, const enum xd_amqp_outcome *outcomes,
                            size_t count) {
    (void)context;
    (void)tags;
    (void)outcomes;
    (void)count;
}

static void ignore_blocked(void *context, bool blocked, const char *why) {
    (void)context;
    (void)blocked;
    (void)why;
}

static struct timespec after_ms(xd_ms ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return until;
}

void xd_hub_broker_address(const struct xd_hub_config_broker *broker, const char *name,
                           struct xd_amqp_address *out) {
    *out = (struct xd_amqp_address){.url = broker->url,
                                    .vhost = broker->vhost,
                                    .username = broker->username,
                                    .password = broker->password,
                                    .ca_file = broker->ca_file,
                                    .cert_file = broker->cert_file,
                                    .key_file = broker->key_file,
                                    .connection_name = name,
                                    .retry_ms_max = 3000};
}

static enum xd_result restore_queues(struct xd_topology *topology) {
    struct xd_amqp_address address;
    struct xd_amqp_publisher_events events = {.context = topology,
                                              .confirmed = ignore_confirms,
                                              .up = declare_up,
                                              .down = declare_down,
                                              .blocked = ignore_blocked,
                                              .declare = declare};
    struct xd_amqp_publisher *connection;
    xd_hub_broker_address(&topology->config->broker, "crossdock-hub topology", &address);
    pthread_mutex_lock(&topology->mutex);
    topology->declared = false;
    topology->gave_up = topology->stopping;
    pthread_mutex_unlock(&topology->mutex);
    enum xd_result result = xd_amqp_publisher_start(&address, 1, 1024, &events, &connection);
    if (result != XD_OK) {
        return result;
    }
    struct timespec until = after_ms(DECLARE_MS);
    pthread_mutex_lock(&topology->mutex);
    while (!topology->gave_up && pthread_cond_timedwait(&topology->changed, &topology->mutex, &until) == 0) {
    }
    pthread_mutex_unlock(&topology->mutex);
    xd_amqp_publisher_stop(connection);
    return topology->declared ? XD_OK : XD_UNAVAILABLE;
}

/* ---- queues without a leader ---- */

/* What is in the queue of orders nobody sends again unless somebody waits for its answer: it is never given
 * up, and a person decides. */
static void see_queue(void *context, const char *name, bool has_state) {
    if (strcmp(name, "crossdock.intake") != 0) {
        xd_queues_see(context, name, has_state);
    }
}

static enum xd_result read_queues(struct xd_topology *topology, xd_ms now) {
    struct xd_rabbitadmin_address address = management_address(topology);
    uint64_t up_ms = 0;
    char *why = topology->why;
    enum xd_result result = xd_rabbitadmin_nodes_up(&address, &up_ms, why, XD_WHY_SIZE);
    if (result == XD_OK) {
        xd_queues_begin(&topology->queues, now, (xd_ms)up_ms);
        result =
            xd_rabbitadmin_each_queue(&address, "crossdock.", see_queue, &topology->queues, why, XD_WHY_SIZE);
    }
    if (result == XD_OK) {
        xd_queues_end(&topology->queues);
    }
    return result;
}

static bool is_stopping(struct xd_topology *topology) {
    pthread_mutex_lock(&topology->mutex);
    bool stopping = topology->stopping;
    pthread_mutex_unlock(&topology->mutex);
    return stopping;
}

/* True: some were deleted and have to be declared. */
static bool give_up_queues(struct xd_topology *topology) {
    struct xd_rabbitadmin_address address = management_address(topology);
    bool given_up = false;
    const char *name;
    address.timeout_ms = DELETE_MS;
    while (!is_stopping(topology) && (name = xd_queues_due(&topology->queues)) != NULL) {
        enum xd_result result = xd_rabbitadmin_delete_queue(&address, name, topology->why, XD_WHY_SIZE);
        xd_log(topology->env, XD_LOG_WARNING, "topology.queue_without_leader", NULL, "%s: %s", name,
               result == XD_OK ? "deleted, to be declared again" : topology->why);
        given_up = true;
    }
    return given_up;
}

static bool look_at_queues(struct xd_topology *topology) {
    xd_ms now = xd_world_now().monotonic;
    enum xd_result result = read_queues(topology, now);
    /* A broker that is away is told of by the look at everything else. */
    bool unread = result != XD_OK && result != XD_UNAVAILABLE;
    if (unread && !topology->queues_unread) {
        xd_log(topology->env, XD_LOG_WARNING, "topology.queues_unread", NULL, "%s: %s",
               xd_result_name(result), topology->why);
    }
    topology->queues_unread = unread;
    bool given_up = result == XD_OK && give_up_queues(topology);
    bool soon = xd_queues_suspicious(&topology->queues) || result == XD_UNAVAILABLE;
    topology->queues_at = xd_world_now().monotonic + (soon ? XD_QUEUES_LOOK_MS : LOOK_EVERY_MS);
    return given_up;
}

/* ---- the thread ---- */

static bool look(struct xd_topology *topology) {
    const char *what = "sites";
    topology->sites.count = 0;
    enum xd_result result =
        topology->store.site_each(topology->store.context, collect_site, &topology->sites);
    if (result == XD_OK) {
        what = "users";
        result = restore_users(topology);
    }
    if (result == XD_OK) {
        what = "exchanges and queues";
        result = restore_queues(topology);
    }
    if (result != XD_OK && !topology->failing) {
        xd_log(topology->env, XD_LOG_WARNING, "topology.failed", NULL, "%s: %s: %s", what,
               xd_result_name(result), topology->why);
    } else if (result == XD_OK && topology->failing) {
        xd_log(topology->env, XD_LOG_INFO, "topology.restored", NULL, "%zu sites", topology->sites.count);
    }
    topology->failing = result != XD_OK;
    return result == XD_OK;
}

static void answer_all(struct pending *pending) {
    while (pending != NULL) {
        struct pending *next = pending->next;
        xd_http_respond(pending->request, &pending->answer);
        xd_free(pending);
        pending = next;
    }
}

/* False: stopping. Takes what waits for an answer along; asked: by anybody. */
static bool wait_for_work(struct xd_topology *topology, xd_ms until_ms, struct pending **pending,
                          bool *asked) {
    xd_ms ms = until_ms - xd_world_now().monotonic;
    struct timespec until = after_ms(ms > 0 ? ms : 0);
    int waited = 0;
    pthread_mutex_lock(&topology->mutex);
    while (!topology->asked && !topology->stopping && topology->pending == NULL && waited == 0) {
        waited = pthread_cond_timedwait(&topology->changed, &topology->mutex, &until);
    }
    *asked = topology->asked || topology->pending != NULL;
    topology->asked = false;
    *pending = topology->pending;
    topology->pending = NULL;
    bool go_on = !topology->stopping;
    pthread_mutex_unlock(&topology->mutex);
    return go_on;
}

static void *run(void *argument) {
    struct xd_topology *topology = argument;
    struct pending *pending = NULL;
    bool go_on = true, asked = true;
    xd_ms look_at = 0;
    while (go_on) {
        if (asked || xd_world_now().monotonic >= look_at) {
            bool fine = look(topology);
            look_at = xd_world_now().monotonic + (fine ? LOOK_EVERY_MS : AGAIN_MS);
            answer_all(pending); /* a broker that is not there gets the site when it comes */
            pending = NULL;
        }
        bool look_due = asked || xd_world_now().monotonic >= topology->queues_at;
        if (look_due && look_at_queues(topology)) {
            look_at = 0;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)(LOOK_GAP_MS * 1000000)}, NULL);
        xd_ms next = look_at < topology->queues_at ? look_at : topology->queues_at;
        go_on = wait_for_work(topology, next, &pending, &asked);
    }
    answer_all(pending);
    return NULL;
}

enum xd_result xd_topology_start(const struct xd_hub_program_config *config, const char *database_path,
                                 struct xd_topology **out, char *why, size_t why_size) {
    struct xd_topology *topology = xd_alloc(sizeof *topology);
    struct xd_database_config database = {.path = database_path, .read_only = true};
    if (topology == NULL) {
        return XD_NO_MEMORY;
    }
    topology->config = config;
    topology->env = xd_world_env();
    topology->failing = true; /* so that the first success is told */
    topology->sites.names = xd_alloc(SITES_MAX * sizeof *topology->sites.names);
    topology->sites.users = xd_alloc(SITES_MAX * sizeof *topology->sites.users);
    topology->sites.hashes = xd_alloc(SITES_MAX * sizeof *topology->sites.hashes);
    if (topology->sites.names == NULL || topology->sites.users == NULL || topology->sites.hashes == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = xd_database_open(&database, XD_SCHEMA_HUB, &topology->database, why, why_size);
    if (result != XD_OK) {
        return result;
    }
    xd_database_hub_store(topology->database, &topology->store);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&topology->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&topology->mutex, NULL);
    *out = topology;
    return pthread_create(&topology->thread, NULL, run, topology) == 0 ? XD_OK : XD_NO_MEMORY;
}

void xd_topology_ask(struct xd_topology *topology) {
    pthread_mutex_lock(&topology->mutex);
    topology->asked = true;
    pthread_cond_broadcast(&topology->changed);
    pthread_mutex_unlock(&topology->mutex);
}

void xd_topology_answer(struct xd_topology *topology, struct xd_http_request *request,
                        const struct xd_http_answer *answer) {
    struct pending *pending = xd_event_new(0, sizeof *pending + xd_event_size(answer->location) +
                                                  xd_event_size(answer->content_type) + answer->body.size);
    char *at = (char *)(pending + 1);
    pending->request = request;
    pending->answer = *answer;
    pending->answer.location = xd_event_place(&at, answer->location);
    pending->answer.content_type = xd_event_place(&at, answer->content_type);
    if (answer->body.size > 0) {
        memcpy(at, answer->body.data, answer->body.size);
    }
    pending->answer.body = xd_bytes_of(at, answer->body.size);
    pthread_mutex_lock(&topology->mutex);
    pending->next = topology->pending;
    topology->pending = pending;
    pthread_cond_broadcast(&topology->changed);
    pthread_mutex_unlock(&topology->mutex);
}

void xd_topology_stop(struct xd_topology *topology) {
    pthread_mutex_lock(&topology->mutex);
    topology->stopping = true;
    topology->gave_up = true;
    pthread_cond_broadcast(&topology->changed);
    pthread_mutex_unlock(&topology->mutex);
    pthread_join(topology->thread, NULL);
    xd_database_close(topology->database);
    pthread_cond_destroy(&topology->changed);
    pthread_mutex_destroy(&topology->mutex);
    xd_free(topology->sites.names);
    xd_free(topology->sites.users);
    xd_free(topology->sites.hashes);
    xd_free(topology);
}
