#include "contract/rest_erp.h"

#include "base/memory.h"
#include "erp/rest/rest.h"
#include "shared/http_client.h"
#include "shared/json_tree.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE 256
#define OPTIONS_MAX 16
#define SAMPLE "config/erp/rest/sample.yaml"
#define SAMPLE_URL "http://127.0.0.1:8090"

static pid_t server;
static unsigned port;
static struct xd_arena arena; /* of what it said last */
static char started[256];     /* its options */

static void write_file(const char *folder, const char *name, const char *text) {
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static char *read_file(const char *path) {
    struct xd_buffer text;
    char part[4096];
    size_t size;
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    xd_buffer_init(&text, 0);
    while ((size = fread(part, 1, sizeof part, file)) > 0) {
        xd_buffer_add(&text, part, size);
    }
    (void)fclose(file);
    char *taken = xd_buffer_take(&text);
    assert_non_null(taken);
    return taken;
}

/* ---- the server ---- */

void rest_erp_stop(void) {
    if (server > 0) {
        (void)kill(server, SIGKILL);
        (void)waitpid(server, NULL, 0);
    }
    server = 0;
    xd_arena_free(&arena);
}

static void run(const char *folder, const char *const *options, int out) {
    const char *arguments[OPTIONS_MAX + 8] = {"/usr/bin/python3", "tests/support/rest_erp.py", "--data",
                                              folder};
    for (size_t i = 0; options != NULL && options[i] != NULL && i < OPTIONS_MAX; i++) {
        arguments[4 + i] = options[i];
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    if (dup2(out, STDOUT_FILENO) >= 0) {
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
    }
    _exit(127);
}

/* Asks the server itself; the answer's body is the caller's to free. */
static char *ask(const char *method, const char *path, const char *body) {
    char url[PATH_SIZE];
    struct xd_http_reply reply;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    struct xd_http_call call = {.method = method, .url = url, .body = xd_bytes_of_text(body)};
    assert_int_equal(xd_http_fetch(&call, &reply), XD_OK);
    assert_true(reply.status == 200 || reply.status == 201);
    char *text = xd_buffer_take(&reply.body);
    xd_http_reply_free(&reply);
    assert_non_null(text);
    return text;
}

/* One that runs with the same options begins anew, which is faster than another one. */
static bool begin_anew(const char *folder, const char *const *options) {
    char wanted[sizeof started] = "", body[PATH_SIZE];
    for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
        size_t used = strlen(wanted);
        (void)snprintf(wanted + used, sizeof wanted - used, " %s", options[i]);
    }
    bool same = server > 0 && strcmp(wanted, started) == 0;
    memcpy(started, wanted, sizeof started);
    if (same) {
        (void)snprintf(body, sizeof body, "{\"data\":\"%s\"}", folder);
        xd_free(ask("POST", "/_test/begin", body));
    }
    return same;
}

void rest_erp_start(const char *folder, const char *const *options) {
    int ends[2];
    char line[64];
    if (begin_anew(folder, options)) {
        return;
    }
    rest_erp_stop();
    assert_int_equal(pipe(ends), 0);
    server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        run(folder, options, ends[1]);
    }
    (void)close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    assert_non_null(said);
    if (fgets(line, sizeof line, said) == NULL || sscanf(line, "listening %u", &port) != 1) {
        fail_msg("the server did not start");
    }
    (void)fclose(said);
}

void rest_erp_fault(const char *kind, const char *path, const char *method, int times, const char *after) {
    char body[PATH_SIZE];
    (void)snprintf(body, sizeof body,
                   "{\"kind\":\"%s\",\"path\":\"%s\",\"method\":\"%s\",\"times\":%d,\"after\":%s%s%s}", kind,
                   path, method, times, after[0] != '\0' ? "\"" : "null", after,
                   after[0] != '\0' ? "\"" : "");
    xd_free(ask("POST", "/_test/fault", body));
}

/* The answer as a tree, until the next one. */
static const struct xd_node *ask_tree(const char *method, const char *path, const char *body) {
    const struct xd_node *root;
    char *text = ask(method, path, body);
    xd_arena_free(&arena);
    assert_int_equal(xd_node_parse(&arena, xd_bytes_of_text(text), XD_NODE_DEPTH_MAX, &root), XD_OK);
    xd_free(text);
    return root;
}

static const char *text_at(const struct xd_node *node, const char *path) {
    const char *text = xd_node_scalar(xd_node_path(node, path));
    return text == NULL ? "" : text;
}

int64_t rest_erp_seen(const char *what) {
    return xd_node_int(ask_tree("GET", "/_test/seen", NULL), what);
}

/* ---- its description ---- */

static char *replaced(char *text, const char *old, const char *new, bool needed) {
    struct xd_buffer out;
    const char *at = text, *found;
    size_t count = 0;
    xd_buffer_init(&out, 0);
    while ((found = strstr(at, old)) != NULL) {
        xd_buffer_add(&out, at, (size_t)(found - at));
        xd_buffer_text(&out, new);
        at = found + strlen(old);
        count++;
    }
    if (needed && count == 0) {
        fail_msg("the sample has no \"%s\"", old);
    }
    xd_buffer_text(&out, at);
    xd_free(text);
    char *taken = xd_buffer_take(&out);
    assert_non_null(taken);
    return taken;
}

void rest_erp_describe(const char *folder, const char *const *pairs) {
    char url[64];
    char *text = read_file(SAMPLE);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    for (size_t i = 0; pairs != NULL && pairs[i] != NULL; i += 2) {
        text = replaced(text, pairs[i], pairs[i + 1], true);
    }
    text = replaced(text, SAMPLE_URL, url, false);
    write_file(folder, "erp.yaml", text);
    xd_free(text);
    text = read_file("config/erp/rest/client.secret");
    write_file(folder, "client.secret", text);
    xd_free(text);
}

/* ---- the maker ---- */

static void rest_prepare(const char *folder) {
    static const char *const options[] = {"--auth", "oauth2", NULL};
    write_file(folder, "customers.json",
               "[{\"code\":\"CUST-1\",\"name\":\"Corner Shop\",\"status\":\"ACTIVE\",\"currency\":\"EUR\"},"
               "{\"code\":\"LIMITED\",\"name\":\"Small, "
               "Ltd\",\"status\":\"ACTIVE\",\"currency\":\"EUR\",\"creditLimit\":100},"
               "{\"code\":\"ASLEEP\",\"name\":\"Old\",\"status\":\"BLOCKED\",\"currency\":\"EUR\"}]");
    write_file(
        folder, "products.json",
        "[{\"sku\":\"WIDGET\",\"name\":\"Widget\",\"unit\":\"EA\",\"price\":9.95,\"status\":\"ACTIVE\"},"
        "{\"sku\":\"GADGET\",\"name\":\"Gadget\",\"unit\":\"EA\",\"status\":\"ACTIVE\"},"
        "{\"sku\":\"RETIRED\",\"name\":\"Retired\",\"unit\":\"EA\",\"price\":1,\"status\":\"BLOCKED\"}]");
    write_file(folder, "stock.json", "[{\"warehouse\":\"WH1\",\"item\":\"WIDGET\",\"quantity\":100}]");
    rest_erp_start(folder, options);
    rest_erp_describe(folder, NULL);
}

static void rest_open(const char *folder, struct xd_erp *out) {
    char path[PATH_SIZE], why[256];
    (void)snprintf(path, sizeof path, "%s/erp.yaml", folder);
    struct xd_rest_config config = {.file = path};
    if (xd_rest_open(&config, out, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
}

static struct xd_decimal rest_stock(const char *folder, const char *site, const char *sku) {
    char name[64];
    struct xd_decimal value = xd_decimal_of(0);
    (void)folder;
    (void)snprintf(name, sizeof name, "%s %s", site, sku);
    const struct xd_node *stock = xd_node_member(ask_tree("GET", "/_test/books", NULL), "stock");
    const struct xd_node *found = xd_node_member(stock, name);
    if (found != NULL) {
        assert_int_equal(xd_node_decimal(found, &value), XD_OK);
    }
    return value;
}

static void rest_sale_state(const char *folder, const char *reference, char out[32]) {
    const struct xd_node *sales = xd_node_path(ask_tree("GET", "/_test/books", NULL), "tables.sales");
    const struct xd_node *sale = xd_node_at(sales, 0);
    (void)folder;
    while (sale != NULL && strcmp(text_at(sale, "externalId"), reference) != 0) {
        sale = sale->next;
    }
    (void)snprintf(out, 32, "%s", text_at(sale, "status"));
    for (char *at = out; *at != '\0'; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + ('a' - 'A')) : *at;
    }
    if (strcmp(out, "confirmed") == 0) {
        (void)snprintf(out, 32, "open");
    }
}

static int64_t rest_documents(const char *folder, enum xd_erp_kind kind) {
    static const char *const tables[] = {[XD_ERP_SALE] = "tables.sales",
                                         [XD_ERP_SHIPMENT] = "tables.shipments",
                                         [XD_ERP_ADJUSTMENT] = "tables.adjustments",
                                         [XD_ERP_CHANGE] = "tables.changes",
                                         [XD_ERP_REVERSAL] = "tables.reversals"};
    const struct xd_node *table = xd_node_path(ask_tree("GET", "/_test/books", NULL), tables[kind]);
    (void)folder;
    assert_non_null(table);
    return (int64_t)table->count;
}

static void rest_type_sale(const char *folder, char out[64]) {
    const struct xd_node *sale = ask_tree(
        "POST", "/_test/orders",
        "{\"customer\":{\"code\":\"CUST-1\"},\"warehouse\":\"WH1\",\"poNumber\":\"by phone\","
        "\"orderedAt\":\"2026-11-23 10:00:00\",\"shipTo\":{\"name\":\"Corner Shop\",\"street\":\"1 Main St\","
        "\"city\":\"Oslo\",\"zip\":\"0150\",\"country\":\"NO\"},"
        "\"lines\":[{\"lineNo\":\"10\",\"item\":\"WIDGET\",\"unit\":\"EA\",\"quantity\":3}]}");
    (void)folder;
    (void)snprintf(out, 64, "%s", text_at(sale, "number"));
}

static bool rest_begin(void) {
    return atexit(rest_erp_stop) == 0;
}

const struct erp_maker rest_erp_maker = {
    .name = "rest",
    .grade = XD_ERP_GRADE_A,
    .prepare = rest_prepare,
    .open = rest_open,
    .stock = rest_stock,
    .sale_state = rest_sale_state,
    .documents = rest_documents,
    .can = ERP_CAN_CHANGE | ERP_CAN_REVERSE | ERP_CAN_LOTS | ERP_CAN_SUBSTITUTE | ERP_CAN_LIST_DOCUMENTS |
           ERP_CAN_LIST_ONCE | ERP_CAN_TELL_CLOSED | ERP_CAN_FREE_CREDIT,
    .start = rest_begin,
    .type_sale = rest_type_sale,
};
