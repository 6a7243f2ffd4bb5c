/* How many there are of what would be slow to count: kept in the transaction of what they count, so that they
 * are exact at every moment.
 *
 * What one transaction moves to and fro adds up in memory and is written before it commits: a posting that is
 * queued, sent and done in it leaves its last state only. It is written earlier before something is read, and
 * before a savepoint, so that what is undone is all of what is in memory then. */
#include "sqlite/statements.h"

#include <string.h>

_Static_assert(XD_COUNTER_QUARANTINE == 0 && XD_COUNTER_ORDERS == 1 && XD_COUNTER_JOBS == 2 &&
                   XD_COUNTER_EXCEPTIONS == 3 && XD_COUNTER_REFERENCE == 4,
               "stores say so, and the texts of schema_steps.c and fsck.c");

enum { ADD, GET, GET_OF };

static const char *const sql[] = {
    [ADD] = ("INSERT INTO counter(topic, state, name, count) VALUES(?, ?, ?, ?)"
             " ON CONFLICT DO UPDATE SET count = count + excluded.count"),
    [GET] = "SELECT coalesce(sum(count), 0) FROM counter WHERE topic = ? AND state BETWEEN ? AND ?",
    [GET_OF] = "SELECT coalesce(sum(count), 0) FROM counter WHERE topic = ? AND state = ? AND name = ?",
};

static void open_query(struct xd_query *query, struct xd_database *database, int which) {
    xd_query_open(query, database, XD_GROUP_COUNTERS, sql, which);
}

static enum xd_result write_change(struct xd_database *database, const struct xd_counter_change *change) {
    struct xd_query query;
    open_query(&query, database, ADD);
    xd_bind_int(&query, change->counter);
    xd_bind_int(&query, change->state);
    xd_bind_text(&query, change->name);
    xd_bind_int(&query, change->by);
    return xd_query_run(&query);
}

enum xd_result xd_counters_write(struct xd_database *database) {
    while (database->counter_change_count > 0) {
        const struct xd_counter_change *last = &database->counter_changes[database->counter_change_count - 1];
        enum xd_result result = last->by != 0 ? write_change(database, last) : XD_OK;
        if (result != XD_OK) {
            return result; /* it is not lost: if the transaction is still there, its commit tries again */
        }
        database->counter_change_count--;
    }
    return XD_OK;
}

static struct xd_counter_change *find(struct xd_database *database, enum xd_counter counter, int state,
                                      const char *name) {
    for (size_t index = 0; index < database->counter_change_count; index++) {
        struct xd_counter_change *change = &database->counter_changes[index];
        if (change->counter == counter && change->state == state && strcmp(change->name, name) == 0) {
            return change;
        }
    }
    return NULL;
}

enum xd_result xd_counter_add(struct xd_database *database, enum xd_counter counter, int state,
                              const char *name, int64_t by) {
    struct xd_counter_change *change = find(database, counter, state, name);
    if (change != NULL) {
        change->by += by;
        return XD_OK;
    }
    if (database->counter_change_count == XD_COUNTER_CHANGES) {
        enum xd_result result = xd_counters_write(database);
        if (result != XD_OK) {
            return result;
        }
    }
    change = &database->counter_changes[database->counter_change_count++];
    *change = (struct xd_counter_change){.counter = counter, .state = state, .by = by};
    xd_copy(change->name, sizeof change->name, name);
    return XD_OK;
}

enum xd_result xd_counter_get(struct xd_database *database, enum xd_counter counter, int state,
                              const char *name, int64_t *out) {
    struct xd_query query;
    enum xd_result result = xd_counters_write(database);
    if (result != XD_OK) {
        return result;
    }
    open_query(&query, database, name == NULL ? GET : GET_OF);
    xd_bind_int(&query, counter);
    if (name != NULL) {
        xd_bind_int(&query, state);
        xd_bind_text(&query, name);
    } else {
        xd_bind_int(&query, state < 0 ? 0 : state);
        xd_bind_int(&query, state < 0 ? INT32_MAX : state);
    }
    if (xd_query_next(&query)) {
        *out = xd_take_int(&query);
    }
    return xd_query_close(&query);
}
