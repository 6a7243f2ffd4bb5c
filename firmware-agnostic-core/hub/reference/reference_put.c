/* Changes of reference data: one entry, or many of one kind of which all are put or
 * none. What is wrong is found before the first row is written, because an event that
 * was answered is not undone: first every entry is examined, alone, against the store
 * and against the others; then they are put.
 *
 * A name (alias, GTIN) that moves from one entry to another is given up first, in a
 * request before: two entries of one request never share one, whatever their order. */
#include "hub/reference/reference_internal.h"

#include "documents/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one entry ---- */

/* A zone that is not there would count as UTC, and its site ship at the wrong hours. One that is there and
 * cannot be read just now is no problem of the entry. */
static enum xd_result check_zone(struct xd_hub *hub, const char *zone, struct xd_problems *problems) {
    enum xd_result result = xd_zone_known(hub->config.zones, zone);
    if (result == XD_NOT_FOUND) {
        xd_problem_add(problems, "bad_zone", "/zone",
                       "there is no time zone %s here; is it spelt so, and is tzdata installed?", zone);
    }
    return result == XD_NO_MEMORY ? result : XD_OK;
}

/* Whether everybody calls some entry so. Names within a scope (an account's, GTINs, lots) are looked up
 * in another way than keys are. */
static bool is_of_all(const struct xd_reference_alias *alias) {
    return alias->tenant[0] == '\0' && alias->account[0] == '\0';
}

/* An alias that the entry does not have yet is no other entry's, and no other one's key. */
static enum xd_result check_alias(struct xd_hub *hub, enum xd_reference_kind kind,
                                  const struct xd_reference_entry *entry, size_t index,
                                  struct xd_problems *problems) {
    const struct xd_reference_store *store = &hub->config.store->reference;
    const struct xd_reference_alias *alias = &entry->aliases[index];
    char owner[XD_REFERENCE_KEY_SIZE];
    struct xd_reference_row row;
    enum xd_result result = store->owner(store->context, kind, alias, owner);
    if (result == XD_OK && entry->key != NULL && strcmp(owner, entry->key) != 0) {
        xd_problem_add(problems, "alias_taken", entry->pointers[index], "is a name of %s already", owner);
    }
    if (result != XD_NOT_FOUND || !is_of_all(alias) ||
        (entry->key != NULL && strcmp(alias->alias, entry->key) == 0)) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    result = store->get(store->context, kind, alias->alias, 0, &row, NULL);
    if (result == XD_OK) {
        xd_problem_add(problems, "alias_taken", entry->pointers[index], "is the key of another entry");
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* A new entry's key is no alias of another one. */
static enum xd_result check_key(struct xd_hub *hub, enum xd_reference_kind kind, const char *key,
                                struct xd_problems *problems) {
    const struct xd_reference_store *store = &hub->config.store->reference;
    const struct xd_reference_alias alias = {"", "", key};
    char owner[XD_REFERENCE_KEY_SIZE], pointer[32];
    struct xd_reference_row row;
    enum xd_result result = store->owner(store->context, kind, &alias, owner);
    if (result == XD_OK && strcmp(owner, key) != 0) {
        result = store->get(store->context, kind, key, 0, &row, NULL);
        if (result == XD_NOT_FOUND) {
            (void)snprintf(pointer, sizeof pointer, "/%s", xd_reference_key_member(kind));
            xd_problem_add(problems, "alias_taken", pointer, "is an alias of %s", owner);
        }
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_reference_examine(struct xd_hub *hub, struct xd_document *document, const cJSON *tree,
                                    enum xd_reference_kind kind, struct xd_reference_entry *out,
                                    struct xd_problems *problems) {
    size_t errors = problems->errors;
    enum xd_result result = xd_reference_read(document, tree, kind, out, problems);
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    result = out->key != NULL ? check_key(hub, kind, out->key, problems) : XD_OK;
    for (size_t index = 0; index < out->alias_count && result == XD_OK; index++) {
        result = check_alias(hub, kind, out, index, problems);
    }
    if (result == XD_OK && kind == XD_REF_SITE && problems->errors == errors) {
        result = check_zone(hub, out->as.site.zone, problems);
    }
    if (result != XD_OK) {
        return result;
    }
    return problems->errors > errors ? XD_INVALID : XD_OK;
}

/* "erp", or "erp/NAME": any of the ERPs. */
static bool is_erp(const char *source) {
    return strncmp(source, "erp", 3) == 0 && (source[3] == 0 || source[3] == '/');
}

static enum xd_result add_version(struct xd_hub *hub, const cJSON *tree, struct xd_reference_row *row,
                                  const struct xd_reference_entry *entry) {
    const struct xd_reference_store *store = &hub->config.store->reference;
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    xd_json_print(tree, &body);
    enum xd_result result = xd_buffer_result(&body);
    if (result == XD_OK) {
        row->body = xd_buffer_view(&body);
        result = store->add(store->context, row, entry->aliases, entry->alias_count);
        xd_reference_forget(hub, (enum xd_reference_kind)row->kind);
    }
    xd_buffer_free(&body);
    return result;
}

/* Lines of confirmations that waited for the product, by whatever name they call it. */
static enum xd_result resume_lines(struct xd_hub *hub, const struct xd_reference_entry *entry,
                                   struct xd_now now) {
    char cause[XD_NAME_SIZE + sizeof XD_CAUSE_PRODUCT];
    (void)snprintf(cause, sizeof cause, XD_CAUSE_PRODUCT "%s", entry->as.product.sku);
    enum xd_result result = xd_hub_resume_cause(hub, cause, now);
    for (size_t index = 0; index < entry->alias_count && result == XD_OK; index++) {
        (void)snprintf(cause, sizeof cause, XD_CAUSE_PRODUCT "%.64s", entry->aliases[index].alias);
        result = xd_hub_resume_cause(hub, cause, now);
    }
    return result;
}

enum xd_result xd_reference_put_tree(struct xd_hub *hub, enum xd_reference_kind kind,
                                     struct xd_document *document, const cJSON *tree,
                                     const struct xd_reference_by *by, struct xd_now now,
                                     struct xd_reference_done *done, struct xd_problems *problems) {
    const struct xd_reference_store *store = &hub->config.store->reference;
    struct xd_reference_entry entry;
    struct xd_reference_row current, row = {.kind = (int)kind, .at = now.wall};
    enum xd_result result = xd_reference_examine(hub, document, tree, kind, &entry, problems);
    if (result == XD_OK) {
        result = xd_document_hash(tree, &row.hash);
    }
    if (result != XD_OK) {
        return result;
    }
    result = store->get(store->context, (int)kind, entry.key, 0, &current, NULL);
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    *done = (struct xd_reference_done){.version = current.version, .created = result == XD_NOT_FOUND};
    bool same_side = !done->created && is_erp(current.source) == is_erp(by->source) &&
                     (by->load || !is_erp(by->source) || strcmp(current.source, by->source) == 0);
    if (!done->created &&
        ((by->load && !is_erp(current.source)) || (same_side && xd_hash_equal(&current.hash, &row.hash)))) {
        return XD_OK;
    }
    xd_copy(row.key, sizeof row.key, entry.key);
    xd_copy(row.source, sizeof row.source, by->source);
    xd_copy(row.client, sizeof row.client, by->client);
    result = add_version(hub, tree, &row, &entry);
    done->version = row.version;
    done->changed = true;
    return result == XD_OK && kind == XD_REF_PRODUCT ? resume_lines(hub, &entry, now) : result;
}

enum xd_result xd_reference_put(struct xd_hub *hub, enum xd_reference_kind kind, struct xd_bytes body,
                                const char *source, struct xd_now now, int64_t *version,
                                struct xd_problems *problems) {
    const struct xd_reference_by by = {.source = source, .client = ""};
    struct xd_document document = {.tree = NULL};
    struct xd_reference_done done = {.version = 0};
    enum xd_result result = xd_document_parse(body, &document, problems);
    if (result == XD_OK) {
        result = xd_reference_put_tree(hub, kind, &document, document.tree, &by, now, &done, problems);
    }
    *version = done.version;
    xd_document_free(&document);
    return result;
}

/* ---- the API ---- */

struct put {
    struct xd_hub *hub;
    const struct xd_api_request *request;
    enum xd_reference_kind kind;
    struct xd_document *document;
    struct xd_reference_by by;
    struct xd_now now;
    struct xd_effects *effects;
};

static enum xd_result refuse_entry(const struct put *put) {
    xd_hub_problem(put->effects, put->request, 422, "invalid_entry", false, &put->hub->problems,
                   "Nothing was stored: %zu problems.", put->hub->problems.errors);
    return XD_OK;
}

/* A key as a path names it. */
static void add_path(struct xd_buffer *out, const char *key) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    for (; *key != '\0'; key++) {
        if (strchr(plain, *key) != NULL) {
            xd_buffer_byte(out, (uint8_t)*key);
        } else {
            xd_buffer_format(out, "%%%02X", (unsigned)(unsigned char)*key);
        }
    }
}

static void answer(const struct put *put, unsigned status, const struct xd_reference_done *done,
                   const struct xd_buffer *body) {
    struct xd_effects *effects = put->effects;
    struct xd_buffer location;
    char etag[32];
    if (done == NULL) {
        xd_hub_answer(effects, put->request, status, NULL, body);
        return;
    }
    xd_buffer_init(&location, 0);
    xd_buffer_format(&location, "/v1/reference/%s/", xd_reference_kind_names[put->kind]);
    add_path(&location, put->request->key);
    (void)snprintf(etag, sizeof etag, "\"%lld\"", (long long)done->version);
    struct xd_text_ref tag = xd_effects_text(effects, etag);
    xd_hub_answer(effects, put->request, status, status == 201 ? xd_buffer_string(&location) : NULL, body);
    if (effects->count > 0 && effects->result == XD_OK) {
        effects->items[effects->count - 1].c = tag;
    }
    xd_buffer_free(&location);
}

/* A site that nobody added yet may have its entry first; but it may be a typing error. */
static void done_members(const struct put *put, struct xd_writer *writer, const char *key,
                         const struct xd_reference_done *done) {
    xd_writer_text(writer, "key", key);
    xd_writer_integer(writer, "version", done->version);
    xd_writer_boolean(writer, "changed", done->changed);
    if (put->kind == XD_REF_SITE && xd_hub_site_find(put->hub, key) == NULL) {
        xd_writer_boolean(writer, "enrolled", false);
    }
}

/* Whether the caller speaks of the version that is there. */
static enum xd_result matches(const struct put *put, bool *fine) {
    const struct xd_reference_store *store = &put->hub->config.store->reference;
    const char *wanted = put->request->if_match;
    struct xd_reference_row row;
    char tag[32];
    *fine = true;
    if (wanted == NULL) {
        return XD_OK;
    }
    enum xd_result result = store->get(store->context, (int)put->kind, put->request->key, 0, &row, NULL);
    if (result != XD_OK) {
        *fine = false;
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    (void)snprintf(tag, sizeof tag, "\"%lld\"", (long long)row.version);
    *fine = strcmp(wanted, "*") == 0 || strstr(wanted, tag) != NULL;
    return XD_OK;
}

static enum xd_result put_one(const struct put *put) {
    struct xd_problems *problems = &put->hub->problems;
    const char *member = xd_reference_key_member(put->kind);
    const char *key = xd_json_text(put->document->tree, member);
    struct xd_reference_done done = {.version = 0};
    bool fine = true;
    enum xd_result result = matches(put, &fine);
    if (result != XD_OK) {
        return result;
    }
    if (!fine) {
        xd_hub_problem(put->effects, put->request, 412, "version_conflict", false, NULL,
                       "If-Match names a version of the entry that is not its current one; get it again.");
        return XD_OK;
    }
    if (key != NULL && strcmp(key, put->request->key) != 0) {
        char pointer[32];
        (void)snprintf(pointer, sizeof pointer, "/%s", member);
        xd_problem_add(problems, "key_mismatch", pointer, "is not the key that the path names");
        struct xd_reference_entry entry;
        result =
            xd_reference_examine(put->hub, put->document, put->document->tree, put->kind, &entry, problems);
        return result == XD_OK || result == XD_INVALID ? refuse_entry(put) : result;
    }
    result = xd_reference_put_tree(put->hub, put->kind, put->document, put->document->tree, &put->by,
                                   put->now, &done, problems);
    if (result == XD_INVALID) {
        return refuse_entry(put);
    }
    if (result == XD_OK) {
        struct xd_buffer body;
        xd_buffer_init(&body, 0);
        struct xd_writer writer = {.out = &body};
        xd_writer_begin(&writer, NULL, '{');
        xd_writer_text(&writer, "kind", xd_reference_kind_names[put->kind]);
        done_members(put, &writer, key, &done);
        xd_writer_end(&writer, '}');
        answer(put, done.created ? 201 : 200, &done, &body);
        xd_buffer_free(&body);
    }
    return result;
}

/* ---- many at once ---- */

struct name {
    const struct xd_reference_alias *alias;
    const char *key, *pointer;
    size_t entry;
};

struct entries {
    const cJSON *list;
    const char **keys;
    struct name *names;
    size_t count, name_count;
};

static int compare_names(const void *a, const void *b) {
    const struct name *left = a, *right = b;
    int order = strcmp(left->alias->alias, right->alias->alias);
    order = order != 0 ? order : strcmp(left->alias->tenant, right->alias->tenant);
    order = order != 0 ? order : strcmp(left->alias->account, right->alias->account);
    return order != 0 ? order : (left->entry > right->entry) - (left->entry < right->entry);
}

static bool same_name(const struct name *left, const struct name *right) {
    return strcmp(left->alias->alias, right->alias->alias) == 0 &&
           strcmp(left->alias->tenant, right->alias->tenant) == 0 &&
           strcmp(left->alias->account, right->alias->account) == 0;
}

/* The problems of one entry, told where it stands in the request. */
static void tell_of_entry(struct xd_problems *to, const struct xd_problems *from, size_t entry) {
    char pointer[XD_POINTER_SIZE + 32];
    for (size_t index = 0; index < from->count; index++) {
        (void)snprintf(pointer, sizeof pointer, "/entries/%zu%s", entry, from->items[index].pointer);
        xd_problem_add(to, from->items[index].code, pointer, "%s", from->items[index].detail);
    }
    to->errors += from->errors - from->count; /* those that were not kept; we read without warnings */
    to->dropped += from->dropped;
}

static enum xd_result grow_names(const struct put *put, struct entries *entries, size_t more) {
    size_t all = entries->name_count + more;
    if (more == 0) {
        return XD_OK;
    }
    size_t room = 1; /* doubled: the arena gives nothing back before its end */
    while (room < entries->name_count) {
        room *= 2;
    }
    if (entries->names != NULL && all <= room) {
        return XD_OK;
    }
    while (room < all) {
        room *= 2;
    }
    struct name *names = xd_document_alloc(put->document, room * sizeof *names);
    if (names == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < entries->name_count; index++) {
        names[index] = entries->names[index];
    }
    entries->names = names;
    return XD_OK;
}

static enum xd_result examine_entry(const struct put *put, struct entries *entries, const cJSON *tree,
                                    size_t index) {
    struct xd_problems *problems = &put->hub->reference->problems;
    struct xd_reference_entry entry;
    xd_problems_clear(problems);
    enum xd_result result = xd_reference_examine(put->hub, put->document, tree, put->kind, &entry, problems);
    if (result != XD_OK && result != XD_INVALID) {
        return result;
    }
    tell_of_entry(&put->hub->problems, problems, index);
    entries->keys[index] = entry.key;
    result = grow_names(put, entries, entry.alias_count);
    for (size_t alias = 0; alias < entry.alias_count && result == XD_OK; alias++) {
        entries->names[entries->name_count++] =
            (struct name){&entry.aliases[alias], entry.key, entry.pointers[alias], index};
    }
    return result;
}

static int compare_to_key(const void *key, const void *name) {
    return strcmp(key, ((const struct name *)name)->alias->alias);
}

/* The first name of another entry that everybody uses for what is the key of entries->keys[index]; the
 * names are sorted. */
static const struct name *name_like_key(const struct entries *entries, size_t index) {
    const char *key = entries->keys[index];
    const struct name *end = entries->names + entries->name_count;
    const struct name *name =
        key == NULL || entries->name_count == 0
            ? NULL
            : bsearch(key, entries->names, entries->name_count, sizeof *name, compare_to_key);
    while (name != NULL && name > entries->names && strcmp(name[-1].alias->alias, key) == 0) {
        name--;
    }
    for (; name != NULL && name < end && strcmp(name->alias->alias, key) == 0; name++) {
        if (is_of_all(name->alias) && name->key != NULL && strcmp(name->key, key) != 0) {
            return name;
        }
    }
    return NULL;
}

/* An alias that the store has already stays, also one that is a key of the request. */
static enum xd_result compare_keys(const struct put *put, const struct entries *entries) {
    const struct xd_reference_store *store = &put->hub->config.store->reference;
    char owner[XD_REFERENCE_KEY_SIZE], pointer[XD_POINTER_SIZE];
    for (size_t index = 0; index < entries->count; index++) {
        const struct name *name = name_like_key(entries, index);
        enum xd_result result =
            name == NULL ? XD_OK : store->owner(store->context, put->kind, name->alias, owner);
        if (result == XD_NOT_FOUND) {
            (void)snprintf(pointer, sizeof pointer, "/entries/%zu%s", name->entry, name->pointer);
            xd_problem_add(&put->hub->problems, "alias_taken", pointer, "is the key of /entries/%zu", index);
        } else if (result != XD_OK) {
            return result;
        }
    }
    return XD_OK;
}

static enum xd_result compare_entries(const struct put *put, struct entries *entries) {
    const struct xd_rule_unique rule = {.first = entries->keys,
                                        .stride = sizeof *entries->keys,
                                        .count = entries->count,
                                        .before = "/entries/",
                                        .behind = "",
                                        .code = "duplicate_entry"};
    if (entries->name_count > 1) {
        qsort(entries->names, entries->name_count, sizeof *entries->names, compare_names);
    }
    for (size_t index = 1; index < entries->name_count; index++) {
        const struct name *name = &entries->names[index];
        if (same_name(name, name - 1) && name->entry != name[-1].entry) {
            char pointer[XD_POINTER_SIZE];
            (void)snprintf(pointer, sizeof pointer, "/entries/%zu%s", name->entry, name->pointer);
            xd_problem_add(&put->hub->problems, "alias_taken", pointer, "is a name of /entries/%zu, too",
                           name[-1].entry);
        }
    }
    enum xd_result result = compare_keys(put, entries);
    return result == XD_OK ? xd_rule_check_unique(put->document, &rule, &put->hub->problems) : result;
}

static enum xd_result put_entries(const struct put *put, const struct entries *entries) {
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    int64_t changed = 0;
    enum xd_result result = XD_OK;
    size_t index = 0;
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "kind", xd_reference_kind_names[put->kind]);
    xd_writer_begin(&writer, "entries", '[');
    for (const cJSON *tree = entries->list->child; tree != NULL && result == XD_OK; tree = tree->next) {
        struct xd_reference_done done = {.version = 0};
        result = xd_reference_put_tree(put->hub, put->kind, put->document, tree, &put->by, put->now, &done,
                                       &put->hub->problems);
        xd_writer_begin(&writer, NULL, '{');
        done_members(put, &writer, entries->keys[index++], &done);
        xd_writer_end(&writer, '}');
        changed += done.changed;
    }
    xd_writer_end(&writer, ']');
    xd_writer_integer(&writer, "changed", changed);
    xd_writer_end(&writer, '}');
    if (result == XD_OK) {
        answer(put, 200, NULL, &body);
    }
    xd_buffer_free(&body);
    return result;
}

struct r_entries {
    const cJSON *entries;
};
static const struct xd_field entries_fields[] = {
    {.name = "entries",
     .type = XD_FIELD_ANY,
     .required = true,
     .max = cJSON_Array,
     XD_AT(struct r_entries, entries)},
    {.name = NULL},
};

static enum xd_result read_entries(const struct put *put, struct entries *entries) {
    struct xd_problems *problems = &put->hub->problems;
    struct r_entries from;
    enum xd_result result = xd_schema_read(put->document, put->document->tree, entries_fields,
                                           XD_UNKNOWN_REFUSED, &from, problems);
    if (result != XD_OK) {
        return result;
    }
    entries->list = from.entries;
    entries->count = (size_t)cJSON_GetArraySize(from.entries);
    if (entries->count == 0 || entries->count > XD_REFERENCE_ENTRIES_MAX) {
        xd_problem_add(problems, entries->count == 0 ? "too_few" : "too_many", "/entries",
                       "has %zu elements, from 1 to %u are allowed", entries->count,
                       XD_REFERENCE_ENTRIES_MAX);
        return XD_INVALID;
    }
    entries->keys = xd_document_alloc(put->document, entries->count * sizeof *entries->keys);
    return entries->keys == NULL ? XD_NO_MEMORY : XD_OK;
}

static enum xd_result put_many(const struct put *put) {
    struct entries entries = {.list = NULL};
    size_t index = 0;
    enum xd_result result = read_entries(put, &entries);
    if (result == XD_INVALID) {
        return refuse_entry(put);
    }
    for (const cJSON *tree = result == XD_OK ? entries.list->child : NULL; tree != NULL && result == XD_OK;
         tree = tree->next) {
        result = examine_entry(put, &entries, tree, index++);
    }
    if (result == XD_OK) {
        result = compare_entries(put, &entries);
    }
    if (result != XD_OK) {
        return result;
    }
    return put->hub->problems.errors > 0 ? refuse_entry(put) : put_entries(put, &entries);
}

bool xd_reference_source_known(const struct xd_hub *hub, const char *source) {
    bool known = strcmp(source, "api") == 0 || strcmp(source, "csv") == 0 || strcmp(source, "erp") == 0;
    for (size_t index = 0; index < hub->config.erp_count && !known; index++) {
        const struct xd_erp_settings *erp = &hub->config.erps[index];
        known = erp->tenant_count > 0 && !erp->shadow && strncmp(source, "erp/", 4) == 0 &&
                strcmp(source + 4, erp->name) == 0;
    }
    return known;
}

enum xd_result xd_hub_reference(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                struct xd_effects *effects) {
    struct xd_document document = {.tree = NULL};
    struct put put = {.hub = hub,
                      .request = request,
                      .kind = xd_reference_kind_of(request->id),
                      .document = &document,
                      .by = {.source = request->source == NULL ? "api" : request->source,
                             .client = request->client->client},
                      .now = now,
                      .effects = effects};
    hub->now = now;
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    if (put.kind == XD_REF_KIND_COUNT) {
        xd_hub_problem(effects, request, 404, "not_found", false, NULL,
                       "There is no such kind of reference data: customers, products, sites, carriers, "
                       "channels or tenants.");
        return XD_OK;
    }
    if (!xd_reference_source_known(hub, put.by.source)) {
        xd_hub_problem(
            effects, request, 400, "bad_query", false, NULL,
            "The query parameter `source` is the name of who speaks: api, csv, erp, or erp/NAME for an ERP "
            "of certain tenants.");
        return XD_OK;
    }
    enum xd_result result = xd_document_parse(request->body, &document, &hub->problems);
    if (result == XD_INVALID) {
        xd_hub_problem(effects, request, 400, "malformed_json", false, &hub->problems,
                       "The body is not a JSON object.");
        result = XD_OK;
    } else if (result == XD_OK) {
        result = request->key != NULL ? put_one(&put) : put_many(&put);
    }
    xd_document_free(&document);
    return result;
}
