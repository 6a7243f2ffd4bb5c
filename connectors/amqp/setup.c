/* Declarations: one set-up call each, all durable. The watchdog watches each call
 * by itself, since the callback between them may do other things. */
#include "amqp/connection.h"

#include <amqp_framing.h>

#include <string.h>

#define ARGUMENTS_MAX 5

struct arguments {
    amqp_table_entry_t entries[ARGUMENTS_MAX];
    amqp_table_t table;
};

static void add_text(struct arguments *arguments, const char *key, const char *value) {
    amqp_table_entry_t *entry = &arguments->entries[arguments->table.num_entries++];
    entry->key = amqp_cstring_bytes(key);
    entry->value.kind = AMQP_FIELD_KIND_UTF8;
    entry->value.value.bytes = amqp_cstring_bytes(value);
}

/* Begins a call; NULL: an earlier one failed and took the channel with it. */
static amqp_connection_state_t begin(struct xd_amqp_setup *setup) {
    struct xd_amqp_connection *connection = setup->connection;
    if (connection->why[0] != '\0' || atomic_load(&connection->stopping))
        return NULL;
    xd_amqp_watchdog_begin(&connection->watchdog, XD_AMQP_CALL);
    return connection->state;
}

static enum xd_result end(struct xd_amqp_setup *setup, const char *doing, const char *name) {
    struct xd_amqp_connection *connection = setup->connection;
    enum xd_result result =
        xd_amqp_check_reply(connection, amqp_get_rpc_reply(connection->state), doing, name);
    xd_amqp_watchdog_rest(&connection->watchdog, XD_AMQP_CALL);
    amqp_maybe_release_buffers(connection->state);
    return result;
}

enum xd_result xd_amqp_declare(struct xd_amqp_connection *connection,
                               enum xd_result (*declare)(void *context, struct xd_amqp_setup *setup),
                               void *context) {
    struct xd_amqp_setup setup = {connection};
    return declare != NULL ? declare(context, &setup) : XD_OK;
}

enum xd_result xd_amqp_declare_exchange(struct xd_amqp_setup *setup, const char *name, const char *type) {
    amqp_connection_state_t state = begin(setup);
    if (state == NULL)
        return XD_UNAVAILABLE;
    (void)amqp_exchange_declare(state, XD_AMQP_CHANNEL, xd_amqp_text(name), xd_amqp_text(type), 0, 1, 0, 0,
                                amqp_empty_table);
    return end(setup, "declaring exchange", name);
}

enum xd_result xd_amqp_declare_quorum_queue(struct xd_amqp_setup *setup, const char *name,
                                            const char *dead_letter_exchange, bool single_active_consumer) {
    struct arguments arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.table.entries = arguments.entries;
    add_text(&arguments, "x-queue-type", "quorum");
    if (dead_letter_exchange != NULL) {
        add_text(&arguments, "x-dead-letter-exchange", dead_letter_exchange);
        add_text(&arguments, "x-dead-letter-strategy", "at-least-once");
        add_text(&arguments, "x-overflow", "reject-publish");
    }
    if (single_active_consumer) {
        amqp_table_entry_t *entry = &arguments.entries[arguments.table.num_entries++];
        entry->key = amqp_cstring_bytes("x-single-active-consumer");
        entry->value.kind = AMQP_FIELD_KIND_BOOLEAN;
        entry->value.value.boolean = 1;
    }
    amqp_connection_state_t state = begin(setup);
    if (state == NULL)
        return XD_UNAVAILABLE;
    (void)amqp_queue_declare(state, XD_AMQP_CHANNEL, xd_amqp_text(name), 0, 1, 0, 0, arguments.table);
    return end(setup, "declaring queue", name);
}

enum xd_result xd_amqp_bind_queue(struct xd_amqp_setup *setup, const char *queue, const char *exchange,
                                  const char *key) {
    amqp_connection_state_t state = begin(setup);
    if (state == NULL)
        return XD_UNAVAILABLE;
    (void)amqp_queue_bind(state, XD_AMQP_CHANNEL, xd_amqp_text(queue), xd_amqp_text(exchange),
                          xd_amqp_text(key), amqp_empty_table);
    return end(setup, "binding queue", queue);
}

enum xd_result xd_amqp_bind_exchange(struct xd_amqp_setup *setup, const char *destination, const char *source,
                                     const char *key) {
    amqp_connection_state_t state = begin(setup);
    if (state == NULL)
        return XD_UNAVAILABLE;
    (void)amqp_exchange_bind(state, XD_AMQP_CHANNEL, xd_amqp_text(destination), xd_amqp_text(source),
                             xd_amqp_text(key), amqp_empty_table);
    return end(setup, "binding exchange", destination);
}
