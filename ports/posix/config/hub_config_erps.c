/* One table has the keys of all types of ERP, since whoever reads a file knows the type only at its end; a
 * second one says whose they are. */
#include "posix/config/hub_config_erps.h"

#include "base/bucket.h"
#include "posix/config/checks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERP(member) offsetof(struct xd_hub_config_erp, member)
#define PATH_SIZE 80 /* of a dotted path of keys: a name has up to 32 bytes */

static const char *const erp_types[] = {"ledger", "tryton", "rest", NULL}; /* enum xd_erp_type */
static const char *const http_schemes[] = {"http", "https", NULL};

static const char *check_country(const char *text) {
    bool fine = strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z';
    return fine ? NULL : "must be a country's two capitals (ISO 3166-1) like GB";
}

const struct xd_config_key xd_config_erp_keys[] = {
    {.name = "type", .type = XD_CONFIG_CHOICE, .required = true, .names = erp_types, .offset = ERP(type)},
    {.name = "tenants",
     .type = XD_CONFIG_TEXTS,
     .max = 256,
     .offset = ERP(tenants),
     .count_offset = ERP(tenant_count)},
    {.name = "shadow", .type = XD_CONFIG_BOOLEAN, .fallback = "false", .offset = ERP(shadow)},
    {.name = "stock", .type = XD_CONFIG_BOOLEAN, .fallback = "false", .offset = ERP(stock)},
    {.name = "country", .type = XD_CONFIG_TEXT, .max = 2, .check = check_country, .offset = ERP(country)},
    {.name = "concurrency", .type = XD_CONFIG_INTEGER, .min = 1, .max = 64, .offset = ERP(concurrency)},
    {.name = "request_life_s",
     .type = XD_CONFIG_INTEGER,
     .fallback = "120",
     .min = 1,
     .max = 86400,
     .offset = ERP(request_life_s)},
    {.name = "retry_s_min",
     .type = XD_CONFIG_INTEGER,
     .fallback = "1",
     .min = 1,
     .max = 86400,
     .offset = ERP(retry_s_min)},
    {.name = "retry_s_max",
     .type = XD_CONFIG_INTEGER,
     .fallback = "300",
     .min = 1,
     .max = 86400,
     .offset = ERP(retry_s_max)},
    {.name = "rate_per_minute",
     .type = XD_CONFIG_INTEGER,
     .fallback = "0",
     .min = 0,
     .max = XD_BUCKET_RATE_MAX,
     .offset = ERP(rate_per_minute)},
    {.name = "burst",
     .type = XD_CONFIG_INTEGER,
     .fallback = "0",
     .min = 0,
     .max = XD_BUCKET_BURST_MAX,
     .offset = ERP(burst)},
    {.name = "breaker_failures",
     .type = XD_CONFIG_INTEGER,
     .fallback = "5",
     .min = 0,
     .max = 1000,
     .offset = ERP(breaker_failures)},
    {.name = "breaker_s_min",
     .type = XD_CONFIG_INTEGER,
     .fallback = "5",
     .min = 1,
     .max = 86400,
     .offset = ERP(breaker_s_min)},
    {.name = "breaker_s_max",
     .type = XD_CONFIG_INTEGER,
     .fallback = "60",
     .min = 1,
     .max = 86400,
     .offset = ERP(breaker_s_max)},
    {.name = "data", .type = XD_CONFIG_FOLDER, .offset = ERP(data)},
    {.name = "url", .type = XD_CONFIG_URL, .names = http_schemes, .offset = ERP(url)},
    {.name = "database", .type = XD_CONFIG_TEXT, .max = 63, .offset = ERP(database)},
    {.name = "username", .type = XD_CONFIG_TEXT, .max = 127, .offset = ERP(username)},
    {.name = "password_file", .type = XD_CONFIG_SECRET, .offset = ERP(password)},
    {.name = "ca_file", .type = XD_CONFIG_FILE, .offset = ERP(ca_file)},
    {.name = "timeout_s", .type = XD_CONFIG_INTEGER, .min = 1, .max = 3600, .offset = ERP(timeout_s)},
    {.name = "file", .type = XD_CONFIG_FILE, .offset = ERP(file)},
    {.type = XD_CONFIG_END},
};

/* ---- whose keys they are ---- */

#define BIT(type) (1u << (type))

struct owned_key {
    const char *name;
    unsigned types;    /* that have it */
    unsigned required; /* of those */
};
static const struct owned_key owned_keys[] = {
    {"data", BIT(XD_ERP_TYPE_LEDGER), BIT(XD_ERP_TYPE_LEDGER)},
    {"url", BIT(XD_ERP_TYPE_TRYTON), BIT(XD_ERP_TYPE_TRYTON)},
    {"database", BIT(XD_ERP_TYPE_TRYTON), BIT(XD_ERP_TYPE_TRYTON)},
    {"username", BIT(XD_ERP_TYPE_TRYTON), BIT(XD_ERP_TYPE_TRYTON)},
    {"password_file", BIT(XD_ERP_TYPE_TRYTON), BIT(XD_ERP_TYPE_TRYTON)},
    {"ca_file", BIT(XD_ERP_TYPE_TRYTON), 0},
    {"timeout_s", BIT(XD_ERP_TYPE_TRYTON), 0},
    {"file", BIT(XD_ERP_TYPE_REST), BIT(XD_ERP_TYPE_REST)},
};
static const int64_t concurrency_of[] = {
    [XD_ERP_TYPE_LEDGER] = 32, [XD_ERP_TYPE_TRYTON] = 4, [XD_ERP_TYPE_REST] = 4};
#define TIMEOUT_S 30

static void complain(const struct xd_hub_program_config *config, struct xd_buffer *errors,
                     const struct xd_hub_config_erp *erp, const char *key, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static void complain(const struct xd_hub_program_config *config, struct xd_buffer *errors,
                     const struct xd_hub_config_erp *erp, const char *key, const char *format, ...) {
    char path[PATH_SIZE], what[320];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    (void)snprintf(path, sizeof path, "erps.%s%s%s", erp->name, key[0] != 0 ? "." : "", key);
    xd_config_complain(config->file, errors, path, "%s", what);
}

static bool is_given(const struct xd_hub_config_erp *erp, const char *name) {
    for (const struct xd_config_key *key = xd_config_erp_keys; key->type != XD_CONFIG_END; key++) {
        if (strcmp(key->name, name) == 0) {
            const char *at = (const char *)erp + key->offset;
            return key->type == XD_CONFIG_INTEGER ? *(const int64_t *)(const void *)at != 0
                                                  : *(const char *const *)(const void *)at != NULL;
        }
    }
    return false;
}

static const char *owners(unsigned types) {
    for (int type = 0; erp_types[type] != NULL; type++) {
        if ((types & BIT(type)) != 0) {
            return erp_types[type];
        }
    }
    return "?";
}

static void check_keys(const struct xd_hub_program_config *config, struct xd_buffer *errors,
                       const struct xd_hub_config_erp *erp) {
    for (size_t index = 0; index < sizeof owned_keys / sizeof owned_keys[0]; index++) {
        const struct owned_key *key = &owned_keys[index];
        bool given = is_given(erp, key->name);
        if (given && (key->types & BIT(erp->type)) == 0) {
            complain(config, errors, erp, key->name, "is of the type %s; this ERP is of the type %s",
                     owners(key->types), erp_types[erp->type]);
        } else if (!given && (key->required & BIT(erp->type)) != 0) {
            complain(config, errors, erp, key->name, "is missing");
        }
    }
}

static void check_limits(const struct xd_hub_program_config *config, struct xd_buffer *errors,
                         const struct xd_hub_config_erp *erp) {
    if (erp->retry_s_min > erp->retry_s_max) {
        complain(config, errors, erp, "retry_s_min", "must not be more than retry_s_max (%lld)",
                 (long long)erp->retry_s_max);
    }
    if (erp->breaker_s_min > erp->breaker_s_max) {
        complain(config, errors, erp, "breaker_s_min", "must not be more than breaker_s_max (%lld)",
                 (long long)erp->breaker_s_max);
    }
    if (erp->burst > 0 && erp->rate_per_minute == 0) {
        complain(config, errors, erp, "burst", "needs a rate_per_minute of 1 or more");
    }
    if (erp->timeout_s > erp->request_life_s) {
        complain(config, errors, erp, "timeout_s", "must not be more than request_life_s (%lld)",
                 (long long)erp->request_life_s);
    }
}

static void check_tls(const struct xd_hub_program_config *config, struct xd_buffer *errors,
                      const struct xd_hub_config_erp *erp) {
    char path[PATH_SIZE];
    struct xd_check_tls tls = {erp->url, erp->ca_file, NULL, NULL};
    (void)snprintf(path, sizeof path, "erps.%s", erp->name);
    if (erp->url != NULL) {
        xd_check_tls(config->file, errors, path, &tls);
    }
}

/* ---- who serves whom ---- */

static bool names(const struct xd_hub_config_erp *erp, const char *tenant, size_t before) {
    for (size_t index = 0; index < erp->tenant_count && index < before; index++) {
        if (strcmp(erp->tenants[index], tenant) == 0) {
            return true;
        }
    }
    return false;
}

static void check_tenants(const struct xd_hub_program_config *config, struct xd_buffer *errors,
                          size_t which) {
    const struct xd_hub_config_erp *erp = &config->erps[which];
    for (size_t index = 0; index < erp->tenant_count; index++) {
        const char *tenant = erp->tenants[index];
        if (names(erp, tenant, index)) {
            complain(config, errors, erp, "tenants", "names %s twice", tenant);
        }
        for (size_t other = 0; other < which && !erp->shadow; other++) {
            if (!config->erps[other].shadow && names(&config->erps[other], tenant, SIZE_MAX)) {
                complain(config, errors, erp, "tenants", "%s is served by %s already", tenant,
                         config->erps[other].name);
            }
        }
    }
}

static void check_who_serves(const struct xd_hub_program_config *config, struct xd_buffer *errors) {
    const struct xd_hub_config_erp *others = NULL;
    for (size_t index = 0; index < config->erp_count; index++) {
        const struct xd_hub_config_erp *erp = &config->erps[index];
        check_tenants(config, errors, index);
        if (erp->shadow || erp->tenant_count > 0) {
            continue;
        }
        if (others != NULL) {
            complain(config, errors, erp, "", "needs tenants: %s serves all that no other ERP names",
                     others->name);
        }
        others = others == NULL ? erp : others;
    }
    if (others == NULL) {
        xd_config_complain(
            config->file, errors, "erps",
            "one that is no shadow must be without tenants: it serves all that no other names");
    }
}

void xd_config_erps_check(struct xd_hub_program_config *config, struct xd_buffer *errors) {
    for (size_t index = 0; index < config->erp_count; index++) {
        struct xd_hub_config_erp *erp = &config->erps[index];
        check_keys(config, errors, erp);
        check_limits(config, errors, erp);
        check_tls(config, errors, erp);
        erp->concurrency = erp->concurrency != 0 ? erp->concurrency : concurrency_of[erp->type];
        erp->timeout_s = erp->timeout_s != 0               ? erp->timeout_s
                         : TIMEOUT_S < erp->request_life_s ? TIMEOUT_S
                                                           : erp->request_life_s;
        erp->burst = erp->burst != 0 ? erp->burst : erp->concurrency;
    }
    check_who_serves(config, errors);
}
