/* Times that rows wait for. A hub looks in every turn whether one has come, and most of the time none has:
 * the least of them is remembered, or something below it, so that looking costs nothing until then. Only the
 * connection that writes remembers, for nobody else changes what it knows; what is undone may bring back an
 * earlier time, so all is forgotten then (xd_database_forget). */
#include "sqlite/statements.h"

static const char *const sql[] = {
    [XD_DUE_RELEASE] = "SELECT min(ack_by) FROM release WHERE ack_by > 0",
    [XD_DUE_CONFIRMATION] = "SELECT min(alert_at) FROM confirmation WHERE alert_at > 0",
};

void xd_due_comes(struct xd_database *database, enum xd_due due, xd_ms at) {
    struct xd_least *least = &database->least[due];
    if (at > 0 && at < least->at) {
        least->at = at;
    }
}

bool xd_due_is_none(const struct xd_database *database, enum xd_due due, xd_ms before) {
    const struct xd_least *least = &database->least[due];
    return database->failed == XD_OK && least->known && before < least->at;
}

enum xd_result xd_due_look(struct xd_database *database, enum xd_due due) {
    struct xd_query query;
    if (database->read_only) {
        return XD_OK;
    }
    xd_query_open(&query, database, XD_GROUP_DUE, sql, due);
    int64_t at = xd_query_next(&query) ? xd_take_int(&query) : 0;
    enum xd_result result = xd_query_close(&query);
    if (result == XD_OK) {
        database->least[due] = (struct xd_least){.known = true, .at = at > 0 ? at : INT64_MAX};
    }
    return result;
}
