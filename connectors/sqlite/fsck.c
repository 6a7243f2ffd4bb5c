/* Looking at everything: SQLite's own check of its trees, then the checksum of
 * every body, then the counters against what they count. */
#include "sqlite/statements.h"

#include <stdio.h>

struct told {
    void (*tell)(void *context, const char *text);
    void *context;
    int64_t findings;
};

/* key, checksum, body */
static const char *const site_bodies[] = {
    "SELECT 'outbox ' || (key >> 40) || '/' || (key & 1099511627775), checksum, body FROM outbox",
    "SELECT 'quarantine ' || number, checksum, body FROM quarantine",
    "SELECT 'held release ' || release_id || ' revision ' || revision, checksum, body FROM held_release",
    NULL,
};

static const char *const hub_bodies[] = {
    "SELECT 'outbox ' || (key >> 40) || '/' || (key & 1099511627775), checksum, body FROM outbox",
    "SELECT 'quarantine ' || number, checksum, body FROM quarantine",
    "SELECT 'event ' || n, checksum, body FROM event",
    "SELECT 'order ' || order_id, checksum, body FROM orders LEFT JOIN order_body USING(n)",
    "SELECT 'confirmation ' || site || '/' || confirmation_id || '/' || version, checksum, body"
    " FROM confirmation LEFT JOIN confirmation_body USING(n)",
    "SELECT 'reference version ' || version, checksum, body FROM reference",
    NULL,
};

/* Counters that do not say what is there; topics are enum xd_counter. */
static const char site_counters[] =
    "SELECT 'counter of quarantine: ' || c || ' instead of ' || n FROM"
    " (SELECT (SELECT coalesce(sum(count), 0) FROM counter WHERE topic = 0) AS c,"
    " (SELECT count(*) FROM quarantine) AS n) WHERE c <> n";

static const char hub_counters[] =
    "WITH there(topic, state, name, n) AS ("
    " SELECT 0, 0, '', count(*) FROM quarantine"
    " UNION ALL SELECT 1, status, '', count(*) FROM orders GROUP BY status"
    " UNION ALL SELECT 2, state, erp, count(*) FROM job GROUP BY state, erp"
    " UNION ALL SELECT 3, 0, '', count(*) FROM exception WHERE open = 1"
    " UNION ALL SELECT 4, kind, '', count(*) FROM reference_current GROUP BY kind)"
    " SELECT 'counter ' || topic || '/' || state || rtrim('/' || name, '/') || ': ' || coalesce(sum(c), 0)"
    " || ' instead of ' || sum(n) FROM"
    " (SELECT topic, state, name, count AS c, 0 AS n FROM counter"
    " UNION ALL SELECT topic, state, name, 0, n FROM there)"
    " GROUP BY topic, state, name HAVING sum(c) <> sum(n)";

static void tell(struct told *told, const char *text) {
    told->findings++;
    told->tell(told->context, text);
}

static void tell_body(struct told *told, sqlite3_stmt *statement) {
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    const char *wrong = NULL;
    struct xd_bytes body = {sqlite3_column_blob(statement, 2), (size_t)sqlite3_column_bytes(statement, 2)};
    if (sqlite3_column_type(statement, 2) == SQLITE_NULL) {
        wrong = "has no body";
    } else if (xd_checksum(body) != (uint64_t)sqlite3_column_int64(statement, 1)) {
        wrong = "does not match its checksum";
    }
    if (wrong != NULL) {
        char text[256];
        (void)snprintf(text, sizeof text, "%s: %s", name == NULL ? "?" : name, wrong);
        tell(told, text);
    }
}

static void tell_text(struct told *told, sqlite3_stmt *statement) {
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    if (text == NULL || sqlite3_stricmp(text, "ok") != 0) {
        tell(told, text == NULL ? "?" : text);
    }
}

/* A page that cannot be read ends one walk only: the others may still say more. */
static enum xd_result walk(struct xd_database *database, const char *sql, struct told *told,
                           void (*row)(struct told *told, sqlite3_stmt *statement)) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
            row(told, statement);
        }
    }
    enum xd_result result = xd_database_failure(database, code);
    (void)sqlite3_finalize(statement);
    if (result == XD_CORRUPT) {
        tell(told, xd_database_error(database));
        return XD_OK;
    }
    return result;
}

static enum xd_result walk_counters(struct xd_database *database, struct told *told) {
    return walk(database, database->schema == XD_SCHEMA_SITE ? site_counters : hub_counters, told, tell_text);
}

enum xd_result xd_database_fsck_counters(struct xd_database *database,
                                         void (*told)(void *context, const char *text), void *context) {
    struct told to = {.tell = told, .context = context};
    enum xd_result result = walk_counters(database, &to);
    return result == XD_OK && to.findings != 0 ? XD_CORRUPT : result;
}

enum xd_result xd_database_fsck(struct xd_database *database, void (*told)(void *context, const char *text),
                                void *context) {
    bool site = database->schema == XD_SCHEMA_SITE;
    struct told to = {.tell = told, .context = context};
    enum xd_result result = walk(database, "PRAGMA integrity_check(100)", &to, tell_text);
    for (const char *const *sql = site ? site_bodies : hub_bodies; *sql != NULL && result == XD_OK; sql++) {
        result = walk(database, *sql, &to, tell_body);
    }
    if (result == XD_OK) {
        result = walk_counters(database, &to);
    }
    if (result == XD_OK && to.findings != 0) {
        return xd_database_say(database, XD_CORRUPT, "%lld findings in %s", (long long)to.findings,
                               database->path);
    }
    return result;
}
