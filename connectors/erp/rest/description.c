/* The keys of a description by their table, then what only several of them can tell: what an auth type
 * needs, templates whose fields exist, a look-up for each kind where the grade promises one. */
#include "erp/rest/description.h"

#include "documents/registry.h"
#include "erp/rest/mapping.h"
#include "erp/rest/template.h"
#include "shared/values.h"

#include <stdio.h>
#include <string.h>

#define D(member) offsetof(struct xd_rest_description, member)
#define AUTH(member) offsetof(struct xd_rest_auth, member)
#define ANSWERS(member) offsetof(struct xd_rest_answers, member)
#define CALL(member) offsetof(struct xd_rest_call, member)
#define FIND(member) offsetof(struct xd_rest_find, member)
#define LIST(member) offsetof(struct xd_rest_list, member)
#define TEXTS(at)                                                                                            \
    .type = XD_CONFIG_TEXTS, .max = 64, .offset = (at) + offsetof(struct xd_rest_texts, items),              \
    .count_offset = (at) + offsetof(struct xd_rest_texts, count)

static const char *const http_schemes[] = {"http", "https", NULL};
static const char *const auth_types[] = {"none", "basic", "token", "oauth2", NULL};
static const char *const client_places[] = {"header", "body", NULL};
static const char *const grades[] = {"A", "B", "C", NULL};
static const char *const unlisted_means[] = {"unknown", "rejected", NULL};
static const char *const methods[] = {"POST", "PUT", "PATCH", NULL};
static const char *const pagings[] = {"none", "page", "offset", "cursor", "link", NULL};

/* Those of IANA's registry, and what gateways and frameworks send beside it: anything else is a slip. */
static const struct {
    int first, last;
} statuses[] = {{100, 103}, {200, 208}, {226, 226}, {300, 308}, {400, 431}, {440, 440}, {444, 444},
                {449, 451}, {460, 464}, {494, 499}, {500, 511}, {520, 530}, {561, 561}, {598, 599}};

static const char *check_status(const char *text) {
    int status = strlen(text) == 3 && strspn(text, "0123456789") == 3
                     ? (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0')
                     : 0;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (status >= statuses[i].first && status <= statuses[i].last) {
            return NULL;
        }
    }
    return "must be a status like 404";
}

static const char *check_method(const char *text) {
    for (size_t i = 0; methods[i] != NULL; i++) {
        if (strcmp(methods[i], text) == 0) {
            return NULL;
        }
    }
    return "must be POST, PUT or PATCH";
}

static const char *check_header_name(const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return strspn(text, plain) == strlen(text) ? NULL : "must be a header's name";
}

static const struct xd_config_key auth_keys[] = {
    {.name = "type", .type = XD_CONFIG_CHOICE, .fallback = "none", .names = auth_types, .offset = AUTH(type)},
    {.name = "username", .type = XD_CONFIG_TEXT, .offset = AUTH(username)},
    {.name = "password_file", .type = XD_CONFIG_SECRET, .offset = AUTH(password)},
    {.name = "header",
     .type = XD_CONFIG_TEXT,
     .fallback = "Authorization",
     .max = 127,
     .offset = AUTH(header),
     .check = check_header_name},
    {.name = "prefix", .type = XD_CONFIG_TEXT, .max = 127, .offset = AUTH(prefix)},
    {.name = "token_file", .type = XD_CONFIG_SECRET, .offset = AUTH(token)},
    {.name = "token_url", .type = XD_CONFIG_URL, .names = http_schemes, .offset = AUTH(token_url)},
    {.name = "scope", .type = XD_CONFIG_TEXT, .offset = AUTH(scope)},
    {.name = "client_id", .type = XD_CONFIG_TEXT, .offset = AUTH(client_id)},
    {.name = "client_secret_file", .type = XD_CONFIG_SECRET, .offset = AUTH(client_secret)},
    {.name = "client_in",
     .type = XD_CONFIG_CHOICE,
     .fallback = "header",
     .names = client_places,
     .offset = AUTH(client_in)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key answer_keys[] = {
    {.name = "done", TEXTS(ANSWERS(done)), .check = check_status},
    {.name = "known", TEXTS(ANSWERS(known)), .check = check_status},
    {.name = "rejected", TEXTS(ANSWERS(rejected)), .check = check_status},
    {.name = "unavailable", TEXTS(ANSWERS(unavailable)), .check = check_status},
    {.name = "error", .type = XD_CONFIG_TEXT, .offset = ANSWERS(error)},
    {.name = "success", .type = XD_CONFIG_TEXT, .offset = ANSWERS(success)},
    {.name = "error_code", .type = XD_CONFIG_TEXT, .offset = ANSWERS(error_code)},
    {.name = "error_text", .type = XD_CONFIG_TEXT, .offset = ANSWERS(error_text)},
    {.name = "note", .type = XD_CONFIG_TEXT, .offset = ANSWERS(note)},
    {.name = "note_text", .type = XD_CONFIG_TEXT, .offset = ANSWERS(note_text)},
    {.name = "codes", .type = XD_CONFIG_NODE, .offset = ANSWERS(codes)},
    {.name = "known_codes", TEXTS(ANSWERS(known_codes))},
    {.name = "unavailable_codes", TEXTS(ANSWERS(unavailable_codes))},
    {.name = "unlisted",
     .type = XD_CONFIG_CHOICE,
     .fallback = "unknown",
     .names = unlisted_means,
     .offset = ANSWERS(unlisted)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key call_keys[] = {
    {.name = "method",
     .type = XD_CONFIG_TEXT,
     .fallback = "POST",
     .offset = CALL(method),
     .check = check_method},
    {.name = "path", .type = XD_CONFIG_NODE, .offset = CALL(path)},
    {.name = "headers", .type = XD_CONFIG_NODE, .offset = CALL(headers)},
    {.name = "body", .type = XD_CONFIG_NODE, .offset = CALL(body)},
    {.name = "document", .type = XD_CONFIG_TEXT, .offset = CALL(document)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key find_keys[] = {
    {.name = "path", .type = XD_CONFIG_NODE, .offset = FIND(path)},
    {.name = "entries", .type = XD_CONFIG_TEXT, .offset = FIND(entries)},
    {.name = "match", .type = XD_CONFIG_TEXT, .offset = FIND(match)},
    {.name = "document", .type = XD_CONFIG_TEXT, .offset = FIND(document)},
    {.name = "absent", TEXTS(FIND(absent)), .check = check_status},
    {.name = "absent_codes", TEXTS(FIND(absent_codes))},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key paging_keys[] = {
    {.name = "type",
     .type = XD_CONFIG_CHOICE,
     .fallback = "none",
     .names = pagings,
     .offset = LIST(paging.type) - LIST(paging)},
    {.name = "parameter", .type = XD_CONFIG_TEXT, .offset = LIST(paging.parameter) - LIST(paging)},
    {.name = "first",
     .type = XD_CONFIG_INTEGER,
     .fallback = "1",
     .min = 0,
     .max = 1,
     .offset = LIST(paging.first) - LIST(paging)},
    {.name = "next", .type = XD_CONFIG_TEXT, .offset = LIST(paging.next) - LIST(paging)},
    {.name = "more", .type = XD_CONFIG_TEXT, .offset = LIST(paging.more) - LIST(paging)},
    {.name = "size_parameter", .type = XD_CONFIG_TEXT, .offset = LIST(paging.size_parameter) - LIST(paging)},
    {.name = "size",
     .type = XD_CONFIG_INTEGER,
     .fallback = "100",
     .min = 1,
     .max = 10000,
     .offset = LIST(paging.size) - LIST(paging)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key since_keys[] = {
    {.name = "parameter", .type = XD_CONFIG_TEXT, .offset = LIST(since.parameter) - LIST(since)},
    {.name = "member", .type = XD_CONFIG_TEXT, .offset = LIST(since.member) - LIST(since)},
    {.name = "key", .type = XD_CONFIG_TEXT, .offset = LIST(since.key) - LIST(since)},
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key list_keys[] = {
    {.name = "path", .type = XD_CONFIG_TEXT, .offset = LIST(path)},
    {.name = "entries", .type = XD_CONFIG_TEXT, .fallback = ".", .offset = LIST(entries)},
    {.name = "paging", .type = XD_CONFIG_SECTION, .offset = LIST(paging), .keys = paging_keys},
    {.name = "since", .type = XD_CONFIG_SECTION, .offset = LIST(since), .keys = since_keys},
    {.name = "map", .type = XD_CONFIG_NODE, .offset = LIST(map)},
    {.type = XD_CONFIG_END},
};

#define SECTION(key, at, table)                                                                              \
    { .name = (key), .type = XD_CONFIG_SECTION, .offset = (at), .keys = (table) }
static const struct xd_config_key post_keys[] = {
    SECTION("sale", sizeof(struct xd_rest_call) * XD_ERP_SALE, call_keys),
    SECTION("shipment", sizeof(struct xd_rest_call) * XD_ERP_SHIPMENT, call_keys),
    SECTION("adjustment", sizeof(struct xd_rest_call) * XD_ERP_ADJUSTMENT, call_keys),
    SECTION("change", sizeof(struct xd_rest_call) * XD_ERP_CHANGE, call_keys),
    SECTION("reversal", sizeof(struct xd_rest_call) * XD_ERP_REVERSAL, call_keys),
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key look_keys[] = {
    SECTION("sale", sizeof(struct xd_rest_find) * XD_ERP_SALE, find_keys),
    SECTION("shipment", sizeof(struct xd_rest_find) * XD_ERP_SHIPMENT, find_keys),
    SECTION("adjustment", sizeof(struct xd_rest_find) * XD_ERP_ADJUSTMENT, find_keys),
    SECTION("change", sizeof(struct xd_rest_find) * XD_ERP_CHANGE, find_keys),
    SECTION("reversal", sizeof(struct xd_rest_find) * XD_ERP_REVERSAL, find_keys),
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key lists_keys[] = {
    SECTION("customers", sizeof(struct xd_rest_list) * XD_ERP_CUSTOMERS, list_keys),
    SECTION("products", sizeof(struct xd_rest_list) * XD_ERP_PRODUCTS, list_keys),
    SECTION("stock", sizeof(struct xd_rest_list) * XD_ERP_STOCK, list_keys),
    SECTION("sales", sizeof(struct xd_rest_list) * XD_ERP_SALES, list_keys),
    SECTION("shipments", sizeof(struct xd_rest_list) * XD_ERP_SHIPMENTS, list_keys),
    SECTION("invoices", sizeof(struct xd_rest_list) * XD_ERP_INVOICES, list_keys),
    {.type = XD_CONFIG_END},
};

static const struct xd_config_key keys[] = {
    {.name = "url", .type = XD_CONFIG_URL, .required = true, .names = http_schemes, .offset = D(url)},
    {.name = "ca_file", .type = XD_CONFIG_FILE, .offset = D(ca_file)},
    {.name = "timeout_s",
     .type = XD_CONFIG_INTEGER,
     .fallback = "30",
     .min = 1,
     .max = 600,
     .offset = D(timeout_s)},
    {.name = "grade", .type = XD_CONFIG_CHOICE, .required = true, .names = grades, .offset = D(grade)},
    {.name = "headers", .type = XD_CONFIG_NODE, .offset = D(headers)},
    {.name = "tables", .type = XD_CONFIG_NODE, .offset = D(tables)},
    SECTION("auth", D(auth), auth_keys),
    SECTION("answers", D(answers), answer_keys),
    SECTION("post", D(calls), post_keys),
    SECTION("find", D(finds), look_keys),
    SECTION("lists", D(lists), lists_keys),
    {.type = XD_CONFIG_END},
};

bool xd_rest_texts_have(const struct xd_rest_texts *texts, const char *text) {
    for (size_t i = 0; i < texts->count; i++) {
        if (strcmp(texts->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- what keys say together ---- */

struct check {
    const struct xd_rest_description *description;
    struct xd_buffer *errors;
};

static void complain(const struct check *check, const char *path, const char *what) {
    xd_config_complain(check->description->config, check->errors, path, "%s", what);
}

static void need(const struct check *check, const char *path, const char *text, const char *what) {
    if (text == NULL) {
        complain(check, path, what);
    }
}

/* A map whose values are single ones. */
static void check_pairs(const struct check *check, const struct xd_tree_node *map, const char *name) {
    if (map == NULL || xd_tree_is_null(map)) {
        return;
    }
    if (map->kind != XD_TREE_MAP) {
        xd_config_complain_at(check->description->config, check->errors, map->at,
                              "%s: must be a section (indented keys)", name);
        return;
    }
    for (const struct xd_tree_node *child = map->children; child != NULL; child = child->next) {
        if (child->kind != XD_TREE_SCALAR) {
            xd_config_complain_at(check->description->config, check->errors, child->at,
                                  "%s: must be a single value", name);
        }
    }
}

static void check_tables(const struct check *check) {
    const struct xd_tree_node *tables = check->description->tables;
    if (tables == NULL || xd_tree_is_null(tables)) {
        return;
    }
    if (tables->kind != XD_TREE_MAP) {
        complain(check, "tables", "must be a section (indented keys)");
        return;
    }
    for (const struct xd_tree_node *table = tables->children; table != NULL; table = table->next) {
        check_pairs(check, table, "a table");
    }
}

static void check_codes(const struct check *check) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    const struct xd_tree_node *codes = check->description->answers.codes;
    struct xd_erp_answer answer;
    check_pairs(check, codes, "answers.codes");
    for (const struct xd_tree_node *code = codes == NULL ? NULL : codes->children; code != NULL;
         code = code->next) {
        if (code->kind == XD_TREE_SCALAR &&
            (code->text[0] == '\0' || strlen(code->text) >= sizeof answer.code ||
             strspn(code->text, plain) != strlen(code->text))) {
            xd_config_complain_at(check->description->config, check->errors, code->at,
                                  "answers.codes: a code of ours is of a-z, 0-9 and _");
        } else if (code->kind == XD_TREE_SCALAR && xd_registry_find(code->text) == NULL) {
            xd_config_complain_at(
                check->description->config, check->errors, code->at,
                "answers.codes: \"%.48s\" is no code of ours (crossdock problems lists those)", code->text);
        }
    }
}

/* What stands in two of these lists would mean two things. (A status of `known` and `rejected` does not: it
 * is known where the answer can be read, and nothing else then.) */
static void check_apart(const struct check *check, const struct xd_rest_texts *const *lists,
                        const char *const *names, size_t count) {
    for (size_t later = 1; later < count; later++) {
        for (size_t i = 0; i < lists[later]->count; i++) {
            const char *text = lists[later]->items[i];
            for (size_t earlier = 0; earlier < later; earlier++) {
                bool both = lists[later] == &check->description->answers.rejected &&
                            lists[earlier] == &check->description->answers.known;
                if (!both && xd_rest_texts_have(lists[earlier], text)) {
                    xd_config_complain(check->description->config, check->errors, names[later],
                                       "%.64s is one of %s, too: it can mean one thing only", text,
                                       names[earlier]);
                }
            }
        }
    }
}

static void check_answers(const struct check *check) {
    static const char *const names[] = {"answers.done", "answers.known", "answers.rejected",
                                        "answers.unavailable"};
    static const char *const code_names[] = {"answers.known_codes", "answers.unavailable_codes"};
    const struct xd_rest_answers *answers = &check->description->answers;
    const struct xd_rest_texts *const lists[] = {&answers->done, &answers->known, &answers->rejected,
                                                 &answers->unavailable};
    const struct xd_rest_texts *const codes[] = {&answers->known_codes, &answers->unavailable_codes};
    check_apart(check, lists, names, 4);
    check_apart(check, codes, code_names, 2);
    if (answers->codes == NULL || answers->codes->kind != XD_TREE_MAP) {
        return;
    }
    for (const struct xd_tree_node *code = answers->codes->children; code != NULL; code = code->next) {
        for (size_t i = 0; i < 2; i++) {
            if (xd_rest_texts_have(codes[i], code->key)) {
                xd_config_complain_at(check->description->config, check->errors, code->key_at,
                                      "answers.codes: %.64s is one of %s, too: it can mean one thing only",
                                      code->key, code_names[i]);
            }
        }
    }
}

static void check_auth(const struct check *check) {
    const struct xd_rest_auth *auth = &check->description->auth;
    switch (auth->type) {
    case XD_REST_AUTH_BASIC:
        need(check, "auth.username", auth->username, "is missing: type basic needs it");
        need(check, "auth.password_file", auth->password, "is missing: type basic needs it");
        break;
    case XD_REST_AUTH_TOKEN:
        need(check, "auth.token_file", auth->token, "is missing: type token needs it");
        break;
    case XD_REST_AUTH_OAUTH2:
        need(check, "auth.token_url", auth->token_url, "is missing: type oauth2 needs it");
        need(check, "auth.client_id", auth->client_id, "is missing: type oauth2 needs it");
        need(check, "auth.client_secret_file", auth->client_secret, "is missing: type oauth2 needs it");
        break;
    default:
        break;
    }
}

static void check_template(const struct check *check, const struct xd_tree_node *node, bool body,
                           const char *name) {
    char why[XD_REST_WHY_SIZE];
    const struct xd_tree_node *wrong =
        node == NULL ? NULL : xd_rest_template_check(node, check->description->tables, body, why);
    if (wrong != NULL) {
        xd_config_complain_at(check->description->config, check->errors, wrong->at, "%s: %s", name, why);
    }
}

static void check_path(const struct check *check, const struct xd_tree_node *path, const char *name) {
    check_template(check, path, false, name);
    if (path != NULL && path->kind == XD_TREE_SCALAR && path->text[0] != '/') {
        xd_config_complain_at(check->description->config, check->errors, path->at,
                              "%s: must begin with /: what stands behind the url", name);
    }
}

static void check_headers(const struct check *check, const struct xd_tree_node *headers, const char *name) {
    check_pairs(check, headers, name);
    for (const struct xd_tree_node *one = headers == NULL ? NULL : headers->children; one != NULL;
         one = one->next) {
        if (check_header_name(one->key) != NULL) {
            xd_config_complain_at(check->description->config, check->errors, one->key_at, "%s: %s", name,
                                  check_header_name(one->key));
        }
        check_template(check, one, true, name);
    }
}

static void check_call(const struct check *check, enum xd_erp_kind kind) {
    const struct xd_rest_call *call = &check->description->calls[kind];
    const struct xd_rest_find *find = &check->description->finds[kind];
    char name[64];
    (void)snprintf(name, sizeof name, "post.%s", xd_erp_kind_names[kind]);
    if (call->path == NULL && (call->body != NULL || call->headers != NULL)) {
        complain(check, name, "has no path");
    }
    check_path(check, call->path, name);
    check_template(check, call->body, true, name);
    check_headers(check, call->headers, name);
    (void)snprintf(name, sizeof name, "find.%s", xd_erp_kind_names[kind]);
    check_path(check, find->path, name);
    if (find->path != NULL && !xd_rest_template_uses(find->path, "reference")) {
        complain(check, name, "its path does not ask for {reference}");
    }
    if (find->entries != NULL && find->match == NULL) {
        complain(check, name,
                 "has entries and no match: an ERP that overlooks the filter lists all there is");
    }
    if (call->path != NULL && find->path == NULL && check->description->grade != XD_ERP_GRADE_C) {
        complain(check, name, "is missing: grades A and B look up what may have happened");
    }
    if (xd_rest_template_uses(call->path, "sale_document") &&
        check->description->finds[XD_ERP_SALE].path == NULL) {
        complain(check, "find.sale", "is missing: {sale_document} is looked up by it");
    }
    if (xd_rest_template_uses(call->path, "reverses_document") &&
        check->description->finds[XD_ERP_SHIPMENT].path == NULL) {
        complain(check, "find.shipment", "is missing: {reverses_document} is looked up by it");
    }
}

static void check_paging(const struct check *check, const struct xd_rest_list *list, const char *name) {
    char path[96];
    int type = list->paging.type;
    bool counted = type == XD_REST_PAGES_PAGE || type == XD_REST_PAGES_OFFSET;
    (void)snprintf(path, sizeof path, "%s.paging.parameter", name);
    if (counted || type == XD_REST_PAGES_CURSOR) {
        need(check, path, list->paging.parameter, "is missing: the pages are asked for by it");
    }
    (void)snprintf(path, sizeof path, "%s.paging.next", name);
    if (type == XD_REST_PAGES_CURSOR) {
        need(check, path, list->paging.next, "is missing: where the answer says how to go on");
    }
}

static void check_list(const struct check *check, enum xd_erp_list what) {
    const struct xd_rest_list *list = &check->description->lists[what];
    char name[64], path[96], why[XD_REST_WHY_SIZE];
    (void)snprintf(name, sizeof name, "lists.%s", xd_erp_list_names[what]);
    if (list->path == NULL) {
        if (list->map != NULL) {
            complain(check, name, "has no path");
        }
        return;
    }
    if (list->path[0] != '/') {
        complain(check, name, "its path must begin with /: what stands behind the url");
    }
    check_paging(check, list, name);
    if (what >= XD_ERP_SALES) {
        (void)snprintf(path, sizeof path, "%s.since", name);
        if (list->since.parameter == NULL || list->since.member == NULL || list->since.key == NULL) {
            complain(check, path, "needs parameter, member and key: documents are listed as they change");
        }
    }
    const struct xd_tree_node *wrong = NULL;
    if (!xd_rest_map_check(list->map, what, check->description->tables, &wrong, why)) {
        if (wrong != NULL) {
            xd_config_complain_at(check->description->config, check->errors, wrong->at, "%s: %s", name, why);
        } else {
            complain(check, name, why);
        }
    }
}

static void check_all(const struct check *check) {
    static const enum xd_erp_kind kinds[] = {XD_ERP_SALE, XD_ERP_SHIPMENT, XD_ERP_ADJUSTMENT, XD_ERP_CHANGE,
                                             XD_ERP_REVERSAL};
    check_tables(check);
    check_codes(check);
    check_answers(check);
    check_auth(check);
    check_headers(check, check->description->headers, "headers");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        check_call(check, kinds[i]);
    }
    for (int what = 0; what < XD_ERP_LIST_COUNT; what++) {
        check_list(check, (enum xd_erp_list)what);
    }
}

static void set_defaults(struct xd_rest_description *description) {
    static const char *const done[] = {"200", "201"}, *const unavailable[] = {"429"},
                             *const absent[] = {"404"};
    if (description->answers.done.count == 0) {
        description->answers.done = (struct xd_rest_texts){done, 2};
    }
    if (description->answers.unavailable.count == 0) {
        description->answers.unavailable = (struct xd_rest_texts){unavailable, 1};
    }
    for (size_t kind = 0; kind < XD_REST_KINDS; kind++) {
        if (description->finds[kind].absent.count == 0) {
            description->finds[kind].absent = (struct xd_rest_texts){absent, 1};
        }
    }
}

enum xd_result xd_rest_description_load(const char *file, struct xd_rest_description *out,
                                        struct xd_buffer *errors) {
    memset(out, 0, sizeof *out);
    enum xd_result result = xd_config_load(file, keys, out, errors, &out->config);
    if (result != XD_OK) {
        return result;
    }
    set_defaults(out);
    struct check check = {.description = out, .errors = errors};
    size_t before = errors->size;
    check_all(&check);
    if (xd_buffer_result(errors) != XD_OK) {
        result = XD_NO_MEMORY;
    } else if (errors->size > before) {
        result = XD_INVALID;
    }
    if (result != XD_OK) {
        xd_rest_description_close(out);
    }
    return result;
}

void xd_rest_description_close(struct xd_rest_description *description) {
    xd_config_free(description->config);
    description->config = NULL;
}
