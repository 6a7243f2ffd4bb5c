/* Bringing a store's tables to those of today. PRAGMA user_version says which version of the schema a
 * database has, PRAGMA application_id whose database it is. */
#include "sqlite/schema.h"

#include "sqlite/statements.h"

#include <stdio.h>

struct schema {
    const char *name;
    int64_t application; /* PRAGMA application_id */
    const char *const *tables;
    const struct xd_schema_steps *steps;
};

static const struct schema schemas[] = {
    [XD_SCHEMA_SITE] = {"a site", 0x58445349, xd_schema_site_tables, &xd_schema_site_steps},
    [XD_SCHEMA_HUB] = {"a hub", 0x58444855, xd_schema_hub_tables, &xd_schema_hub_steps},
};

static int64_t latest(const struct schema *schema) {
    return (int64_t)schema->steps->count;
}

static enum xd_result check(struct xd_database *database, const struct schema *schema, int64_t application,
                            int64_t version) {
    bool empty = application == 0 && version == 0;
    if (!empty && application != schema->application) {
        return xd_database_say(database, XD_INVALID, "%s is not the store of %s", database->path,
                               schema->name);
    }
    if (version < 0) {
        return xd_database_say(database, XD_CORRUPT, "%s says that it has schema %lld", database->path,
                               (long long)version);
    }
    if (version > latest(schema)) {
        return xd_database_say(database, XD_INVALID,
                               "%s was written by a newer program (schema %lld, this one knows up to %lld): "
                               "start that program, or restore a copy from before",
                               database->path, (long long)version, (long long)latest(schema));
    }
    if (version < latest(schema) && database->read_only) {
        return xd_database_say(database, XD_INVALID, "%s has schema %lld; %lld comes when its program starts",
                               database->path, (long long)version, (long long)latest(schema));
    }
    return XD_OK;
}

static enum xd_result execute_all(struct xd_database *database, const char *const *texts, size_t max) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < max && texts[index] != NULL && result == XD_OK; index++) {
        result = xd_database_execute(database, texts[index]);
    }
    return result;
}

static enum xd_result mark(struct xd_database *database, const struct schema *schema, int64_t version) {
    char pragmas[120];
    (void)snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %lld; PRAGMA user_version = %lld;",
                   (long long)schema->application, (long long)version);
    return xd_database_execute(database, pragmas);
}

/* An empty one gets the tables of today, an older one its next step. */
static enum xd_result go_on(struct xd_database *database, const struct schema *schema, int64_t *version) {
    enum xd_result result =
        *version == 0 ? execute_all(database, schema->tables, SIZE_MAX)
                      : execute_all(database, schema->steps->steps[*version].parts, XD_SCHEMA_PARTS);
    *version = *version == 0 ? latest(schema) : *version + 1;
    return result == XD_OK ? mark(database, schema, *version) : result;
}

enum xd_result xd_schema_apply(struct xd_database *database) {
    const struct schema *schema = &schemas[database->schema];
    int64_t application = 0;
    int64_t version = 0;
    enum xd_result result = xd_database_number(database, "PRAGMA application_id", &application);
    if (result == XD_OK) {
        result = xd_database_number(database, "PRAGMA user_version", &version);
    }
    if (result == XD_OK) {
        result = check(database, schema, application, version);
    }
    struct xd_store_tx tx;
    xd_transaction_store(database, &tx);
    while (result == XD_OK && version < latest(schema)) {
        result = tx.begin(tx.context);
        if (result != XD_OK) {
            break;
        }
        result = go_on(database, schema, &version); /* all of a step and its version, or nothing */
        if (result != XD_OK) {
            tx.rollback(tx.context);
            break;
        }
        result = tx.commit(tx.context);
    }
    return result;
}
