#include "contract/tryton_erp.h"

#include "base/memory.h"
#include "contract/stores.h"
#include "erp/tryton/tryton.h"
#include "shared/json_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MAX 16384

static struct xd_arena arena;
static const struct xd_node *settings;
static struct xd_rpc admin;
static bool admin_open;

bool tryton_is_there(void) {
    const char *path = getenv("XD_TRYTON");
    return path != NULL && path[0] != '\0';
}

static const struct xd_node *read_settings(void) {
    static char text[FILE_MAX];
    if (settings == NULL) {
        FILE *file = fopen(getenv("XD_TRYTON"), "r");
        assert_non_null(file);
        size_t size = fread(text, 1, sizeof text, file);
        (void)fclose(file);
        assert_int_equal(xd_node_parse(&arena, xd_bytes_of(text, size), XD_NODE_DEPTH_MAX, &settings), XD_OK);
    }
    return settings;
}

/* With the path of tryton.json as its last argument. */
static void run(const char *program, const char *verb, const char *option, const char *argument) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/usr/bin/python3", "/usr/bin/python3", program, verb, option, argument, (char *)NULL);
        _exit(127);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

void tryton_reset(void) {
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%s", getenv("XD_TRYTON"));
    *strrchr(folder, '/') = '\0';
    tryton_admin_close();
    run("config/erp/tryton/tryton", "reset", "--folder", folder);
}

unsigned tryton_port(void) {
    return (unsigned)xd_node_int(read_settings(), "port");
}

void tryton_open_other(unsigned port, const char *username, const char *password, struct xd_erp *out) {
    char why[256], url[64];
    const struct xd_node *tree = read_settings();
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    struct xd_tryton_config config = {
        .url = url,
        .database = xd_node_text(tree, "database"),
        .username = username != NULL ? username : xd_node_text(tree, "username"),
        .password = password != NULL ? password : xd_node_text(tree, "password"),
        .timeout_ms = 60000};
    if (xd_tryton_open(&config, out, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
}

void tryton_open_worker(struct xd_erp *out) {
    tryton_open_other(tryton_port(), NULL, NULL, out);
}

struct xd_rpc *tryton_admin(void) {
    char why[256];
    if (!admin_open) {
        const struct xd_node *tree = read_settings();
        struct xd_rpc_config config = {.url = xd_node_text(tree, "url"),
                                       .database = xd_node_text(tree, "database"),
                                       .username = "clerk",
                                       .password = xd_node_text(xd_node_member(tree, "users"), "clerk"),
                                       .timeout_ms = 60000};
        assert_int_equal(xd_rpc_open(&admin, &config, why, sizeof why), XD_OK);
        xd_rpc_begin(&admin);
        admin_open = true;
    }
    return &admin;
}

void tryton_admin_close(void) {
    if (admin_open) {
        xd_rpc_close(&admin);
        admin_open = false;
    }
}

const struct xd_node *tryton_ask(const char *method, const char *format, ...) {
    const struct xd_node *out = NULL;
    char params[8192];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(params, sizeof params, format, args);
    va_end(args);
    if (xd_rpc_change(tryton_admin(), &out, method, "%s", params) != XD_OK) {
        fail_msg("%s %s: %s %s", method, params, admin.fault.code, admin.fault.detail);
    }
    return out;
}

/* ---- the maker ---- */

static void prepare(const char *folder) {
    static bool made;
    (void)folder;
    tryton_admin_close();
    run("tests/contract/tryton_base.py", made ? "clean" : "make", getenv("XD_TRYTON"), NULL);
    made = true;
}

static void open_worker(const char *folder, struct xd_erp *out) {
    (void)folder;
    tryton_open_worker(out);
}

static struct xd_decimal decimal_of(const struct xd_node *row, const char *field) {
    const char *text = xd_node_text(row, field);
    char plain[64];
    (void)snprintf(plain, sizeof plain, "%.3f", text == NULL ? 0 : strtod(text, NULL));
    return stores_decimal(plain);
}

static struct xd_decimal stock(const char *folder, const char *site, const char *sku) {
    char context[64];
    const struct xd_node *rows;
    (void)folder;
    const struct xd_node *place = tryton_ask(
        "model.stock.location.search", "[[\"code\",\"=\",\"%s\"],[\"type\",\"=\",\"warehouse\"]]", site);
    struct xd_rpc *rpc = tryton_admin();
    (void)snprintf(context, sizeof context, ",\"locations\":[%lld]",
                   (long long)xd_node_int_of(xd_node_at(place, 0)));
    rpc->more = context;
    assert_int_equal(
        xd_rpc_ask(rpc, &rows, "model.product.product.search_read",
                   "[[\"code\",\"=\",\"%s\"],[\"active\",\"in\",[true,false]]],0,1,null,[\"quantity\"]", sku),
        XD_OK);
    return decimal_of(xd_node_at(rows, 0), "quantity");
}

/* How far a line is, of its moves: what left and did not come back, and what was given up. */
struct progress {
    struct xd_decimal shipped, closed;
};

static struct progress progress_of(int64_t line) {
    struct progress progress = {xd_decimal_of(0), xd_decimal_of(0)};
    const struct xd_node *moves =
        tryton_ask("model.stock.move.search_read",
                   "[[\"origin\",\"=\",\"sale.line,%lld\"]],0,null,null,[\"state\",\"quantity\",\"shipment\","
                   "\"sale_exception_state\"]",
                   (long long)line);
    for (const struct xd_node *row = moves->child; row != NULL; row = row->next) {
        struct xd_decimal qty = decimal_of(row, "quantity");
        const char *exception = xd_node_text(row, "sale_exception_state");
        if (strcmp(xd_node_text(row, "state"), "done") == 0) {
            bool back = strstr(xd_node_text(row, "shipment"), "return") != NULL;
            assert_ok(
                xd_decimal_add(progress.shipped, back ? xd_decimal_negate(qty) : qty, &progress.shipped));
        } else if (exception != NULL && strcmp(exception, "ignored") == 0) {
            assert_ok(xd_decimal_add(progress.closed, qty, &progress.closed));
        }
    }
    return progress;
}

static void sale_state(const char *folder, const char *reference, char out[32]) {
    bool some = false, all = true, short_of = false, any = false;
    (void)folder;
    const struct xd_node *lines =
        tryton_ask("model.sale.line.search_read",
                   "[[\"sale.reference\",\"=\",\"%s\"]],0,null,null,[\"quantity\"]", reference);
    for (const struct xd_node *row = lines->child; row != NULL; row = row->next) {
        struct progress progress = progress_of(xd_node_int(row, "id"));
        struct xd_decimal settled, ordered = decimal_of(row, "quantity");
        assert_ok(xd_decimal_add(progress.shipped, progress.closed, &settled));
        any = true;
        some = some || xd_decimal_sign(settled) > 0;
        all = all && xd_decimal_compare(settled, ordered) >= 0;
        short_of = short_of || xd_decimal_compare(progress.shipped, ordered) < 0;
    }
    (void)snprintf(out, 32, "%s",
                   !any              ? ""
                   : all && short_of ? "closed_short"
                   : all             ? "shipped"
                   : some            ? "part_shipped"
                                     : "open");
}

static int64_t documents(const char *folder, enum xd_erp_kind kind) {
    static const char *const models[] = {[XD_ERP_SALE] = "sale.sale",
                                         [XD_ERP_SHIPMENT] = "stock.shipment.out",
                                         [XD_ERP_ADJUSTMENT] = "stock.shipment.internal",
                                         [XD_ERP_REVERSAL] = "stock.shipment.out.return"};
    char method[64];
    (void)folder;
    (void)snprintf(method, sizeof method, "model.%s.search", models[kind]);
    return (int64_t)tryton_ask(method,
                               "[[\"reference\",\"!=\",null],[\"reference\",\"not like\",\"%%/found\"]]")
        ->count;
}

const struct erp_maker tryton_maker = {
    .name = "tryton",
    .grade = XD_ERP_GRADE_A,
    .prepare = prepare,
    .open = open_worker,
    .stock = stock,
    .sale_state = sale_state,
    .documents = documents,
    .can = ERP_CAN_LOTS | ERP_CAN_SUBSTITUTE | ERP_CAN_CHANGE | ERP_CAN_REVERSE | ERP_CAN_LIST_DOCUMENTS,
    .start = tryton_is_there,
    .end = tryton_admin_close,
};
