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
        assert_int_equal(xd_node_parse(&arena, xd_bytes_of(text, size), &settings), XD_OK);
    }
    return settings;
}

void tryton_reset(void) {
    const char *script = getenv("XD_TRYTON_SCRIPT");
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%s", getenv("XD_TRYTON"));
    *strrchr(folder, '/') = '\0';
    tryton_admin_close();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/usr/bin/python3", "python3", script != NULL ? script : "config/erp/tryton/tryton", "reset",
              "--folder", folder, (char *)NULL);
        _exit(127);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

void tryton_open_worker(struct xd_erp *out) {
    char why[256];
    const struct xd_node *tree = read_settings();
    struct xd_tryton_config config = {.url = xd_node_text(tree, "url"),
                                      .database = xd_node_text(tree, "database"),
                                      .username = xd_node_text(tree, "username"),
                                      .password = xd_node_text(tree, "password"),
                                      .timeout_ms = 60000};
    if (xd_tryton_open(&config, out, why, sizeof why) != XD_OK) {
        fail_msg("%s", why);
    }
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
