#include "posix/hub/hub_erp_types.h"

#include "erp/ledger/ledger.h"
#include "erp/rest/rest.h"
#include "erp/tryton/tryton.h"

#include <stdio.h>

#define PATH_SIZE 4096

typedef enum xd_result (*make_fn)(const struct xd_hub_config_erp *config, const char *state_dir, char *why,
                                  size_t why_size);
typedef enum xd_result (*open_fn)(const struct xd_hub_config_erp *config, const char *state_dir,
                                  struct xd_erp *out, char *why, size_t why_size);

/* ---- ledger: a database beside the hub's ---- */

static struct xd_ledger_config ledger_of(const struct xd_hub_config_erp *config, const char *state_dir,
                                         char path[PATH_SIZE]) {
    (void)snprintf(path, PATH_SIZE, "%s/erp-%s.db", state_dir, config->name);
    return (struct xd_ledger_config){.path = path, .data = config->data};
}

static enum xd_result ledger_check(const struct xd_hub_config_erp *config, const char *state_dir, char *why,
                                   size_t why_size) {
    char path[PATH_SIZE];
    struct xd_ledger_config ledger = ledger_of(config, state_dir, path);
    return xd_ledger_check(&ledger, why, why_size);
}

static enum xd_result ledger_prepare(const struct xd_hub_config_erp *config, const char *state_dir, char *why,
                                     size_t why_size) {
    char path[PATH_SIZE];
    struct xd_ledger_config ledger = ledger_of(config, state_dir, path);
    return xd_ledger_prepare(&ledger, why, why_size);
}

static enum xd_result ledger_open(const struct xd_hub_config_erp *config, const char *state_dir,
                                  struct xd_erp *out, char *why, size_t why_size) {
    char path[PATH_SIZE];
    struct xd_ledger_config ledger = ledger_of(config, state_dir, path);
    return xd_ledger_open(&ledger, out, why, why_size);
}

/* ---- tryton: a server of its own ---- */

static enum xd_result tryton_open(const struct xd_hub_config_erp *config, const char *state_dir,
                                  struct xd_erp *out, char *why, size_t why_size) {
    struct xd_tryton_config tryton = {.url = config->url,
                                      .database = config->database,
                                      .username = config->username,
                                      .password = config->password,
                                      .ca_file = config->ca_file,
                                      .timeout_ms = (unsigned)(config->timeout_s * XD_SECOND_MS)};
    (void)state_dir;
    return xd_tryton_open(&tryton, out, why, why_size);
}

/* ---- rest: a server that a file describes ---- */

static enum xd_result rest_check(const struct xd_hub_config_erp *config, const char *state_dir, char *why,
                                 size_t why_size) {
    (void)state_dir;
    return xd_rest_check(config->file, config->request_life_s, why, why_size);
}

static enum xd_result rest_open(const struct xd_hub_config_erp *config, const char *state_dir,
                                struct xd_erp *out, char *why, size_t why_size) {
    struct xd_rest_config rest = {.file = config->file};
    (void)state_dir;
    return xd_rest_open(&rest, out, why, why_size);
}

/* ---- the table ---- */

static const struct {
    make_fn check, prepare; /* NULL: there is nothing to do */
    open_fn open;
} types[] = {
    [XD_ERP_TYPE_LEDGER] = {ledger_check, ledger_prepare, ledger_open},
    [XD_ERP_TYPE_REST] = {rest_check, NULL, rest_open},
    [XD_ERP_TYPE_TRYTON] = {NULL, NULL, tryton_open},
};

enum xd_result xd_erp_type_check(const struct xd_hub_config_erp *config, const char *state_dir, char *why,
                                 size_t why_size) {
    make_fn check = types[config->type].check;
    return check != NULL ? check(config, state_dir, why, why_size) : XD_OK;
}

enum xd_result xd_erp_type_prepare(const struct xd_hub_config_erp *config, const char *state_dir, char *why,
                                   size_t why_size) {
    make_fn prepare = types[config->type].prepare;
    return prepare != NULL ? prepare(config, state_dir, why, why_size) : XD_OK;
}

enum xd_result xd_erp_type_open(const struct xd_hub_config_erp *config, const char *state_dir,
                                struct xd_erp *out, char *why, size_t why_size) {
    return types[config->type].open(config, state_dir, out, why, why_size);
}
