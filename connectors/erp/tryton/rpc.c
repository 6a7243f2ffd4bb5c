/* An account is what a session belongs to. Its lock is held while somebody logs in, so that all who found the
 * session stale wait for the one that renews it. */
#include "erp/tryton/rpc.h"

#include "base/base64.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 30000u
#define AGAIN_MAX 6
#define AGAIN_MS 40u
#define WARNINGS_MAX 8
#define REFUSED_PAUSE_MS 5000u
#define REFUSED_PAUSE_MS_MAX 300000u
#define SESSION_SIZE 512
#define HEADER_SIZE (SESSION_SIZE + 32)

struct xd_rpc_account {
    struct xd_rpc_account *next;
    unsigned users;
    char *url, *database, *username, *password; /* url: with the database and the slash behind it */
    pthread_mutex_t lock;                       /* of what follows */
    char session[SESSION_SIZE];                 /* base64, ""; none */
    int64_t company, user;
    unsigned refusals;
    uint64_t not_before_ms; /* no login before, by the monotonic clock */
};

static pthread_mutex_t accounts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct xd_rpc_account *accounts;

static uint64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* ---- accounts ---- */

static void free_account(struct xd_rpc_account *account) {
    xd_free(account->url);
    xd_free(account->database);
    xd_free(account->username);
    xd_free(account->password);
    (void)pthread_mutex_destroy(&account->lock);
    xd_free(account);
}

static char *make_url(const struct xd_rpc_config *config) {
    struct xd_buffer text;
    size_t size = strlen(config->url);
    while (size > 0 && config->url[size - 1] == '/') {
        size--;
    }
    xd_buffer_init(&text, 0);
    xd_buffer_add(&text, config->url, size);
    xd_buffer_format(&text, "/%s/", config->database);
    return xd_buffer_take(&text);
}

static bool is_account(const struct xd_rpc_account *account, const char *url,
                       const struct xd_rpc_config *config) {
    return strcmp(account->url, url) == 0 && strcmp(account->username, config->username) == 0 &&
           strcmp(account->password, config->password) == 0;
}

static struct xd_rpc_account *make_account(char *url, const struct xd_rpc_config *config) {
    struct xd_rpc_account *account = xd_alloc(sizeof *account);
    if (account == NULL) {
        xd_free(url);
        return NULL;
    }
    account->url = url;
    account->database = xd_copy_text(config->database);
    account->username = xd_copy_text(config->username);
    account->password = xd_copy_text(config->password);
    (void)pthread_mutex_init(&account->lock, NULL);
    if (account->database == NULL || account->username == NULL || account->password == NULL) {
        free_account(account);
        return NULL;
    }
    return account;
}

static struct xd_rpc_account *take_account(const struct xd_rpc_config *config) {
    char *url = make_url(config);
    if (url == NULL) {
        return NULL;
    }
    (void)pthread_mutex_lock(&accounts_lock);
    struct xd_rpc_account *account = accounts;
    while (account != NULL && !is_account(account, url, config)) {
        account = account->next;
    }
    if (account != NULL) {
        xd_free(url);
    } else {
        account = make_account(url, config);
        if (account != NULL) {
            account->next = accounts;
            accounts = account;
        }
    }
    if (account != NULL) {
        account->users++;
    }
    (void)pthread_mutex_unlock(&accounts_lock);
    return account;
}

static void leave_account(struct xd_rpc_account *account) {
    (void)pthread_mutex_lock(&accounts_lock);
    if (--account->users == 0) {
        struct xd_rpc_account **at = &accounts;
        while (*at != account) {
            at = &(*at)->next;
        }
        *at = account->next;
        free_account(account);
    }
    (void)pthread_mutex_unlock(&accounts_lock);
}

enum xd_result xd_rpc_open(struct xd_rpc *rpc, const struct xd_rpc_config *config, char *why,
                           size_t why_size) {
    memset(rpc, 0, sizeof *rpc);
    (void)snprintf(why, why_size, "no memory");
    if (config->url == NULL || config->database == NULL || config->username == NULL ||
        config->password == NULL || strpbrk(config->database, "/?#") != NULL) {
        (void)snprintf(why, why_size, "url, database, username and password are needed");
        return XD_INVALID;
    }
    rpc->timeout_ms = config->timeout_ms != 0 ? config->timeout_ms : TIMEOUT_MS;
    rpc->ca_file = xd_copy_text(config->ca_file);
    rpc->account = take_account(config);
    if (rpc->account == NULL || (config->ca_file != NULL && rpc->ca_file == NULL)) {
        xd_rpc_close(rpc);
        return XD_NO_MEMORY;
    }
    return XD_OK;
}

void xd_rpc_close(struct xd_rpc *rpc) {
    if (rpc->account != NULL) {
        leave_account(rpc->account);
    }
    rpc->account = NULL;
    xd_free(rpc->ca_file);
    xd_arena_free(&rpc->arena);
}

void xd_rpc_begin(struct xd_rpc *rpc) {
    xd_arena_free(&rpc->arena);
    memset(&rpc->fault, 0, sizeof rpc->fault);
    rpc->touched = false;
}

/* ---- one exchange ---- */

struct exchange {
    bool changes;
    const char *session; /* "": none */
    const char *method;
    const char *params; /* all of them, with the brackets */
};

static enum xd_result exchange(struct xd_rpc *rpc, const struct exchange *exchange,
                               const struct xd_node **out) {
    char header[HEADER_SIZE];
    const char *const headers[] = {header, NULL};
    struct xd_http_reply reply;
    struct xd_buffer body;
    (void)snprintf(header, sizeof header, "Authorization: Session %s", exchange->session);
    xd_buffer_init(&body, 0);
    xd_buffer_format(&body, "{\"id\":1,\"method\":\"%s\",\"params\":", exchange->method);
    xd_buffer_text(&body, exchange->params);
    xd_buffer_byte(&body, '}');
    if (xd_buffer_result(&body) != XD_OK) {
        xd_buffer_free(&body);
        xd_tryton_blame(&rpc->fault, "erp_unavailable", "There is no memory for the call just now.");
        return XD_UNAVAILABLE;
    }
    struct xd_http_call call = {.method = "POST",
                                .url = rpc->account->url,
                                .headers = exchange->session[0] != '\0' ? headers : NULL,
                                .body = xd_buffer_view(&body),
                                .timeout_ms = rpc->timeout_ms,
                                .ca_file = rpc->ca_file};
    enum xd_result fetched = xd_http_fetch(&call, &reply);
    enum xd_result result =
        xd_tryton_classify(exchange->changes, fetched, &reply, &rpc->arena, out, &rpc->fault);
    xd_http_reply_free(&reply);
    xd_buffer_free(&body);
    return result;
}

/* ---- sessions ---- */

static enum xd_result pause_logins(struct xd_rpc *rpc) {
    struct xd_rpc_account *account = rpc->account;
    uint64_t pause = REFUSED_PAUSE_MS << (account->refusals < 6 ? account->refusals : 6u);
    pause = pause < REFUSED_PAUSE_MS_MAX ? pause : REFUSED_PAUSE_MS_MAX;
    pause = pause > rpc->fault.retry_after_ms ? pause : rpc->fault.retry_after_ms;
    account->refusals++;
    account->not_before_ms = now_ms() + pause;
    rpc->fault.retry_after_ms = (uint32_t)pause;
    return XD_UNAVAILABLE;
}

static bool keep_session(struct xd_rpc_account *account, const struct xd_node *result) {
    const struct xd_node *user = xd_node_at(result, 0), *key = xd_node_at(result, 1);
    struct xd_buffer plain, text;
    if (user == NULL || user->kind != XD_NODE_NUMBER || key == NULL || key->text == NULL) {
        return false;
    }
    account->user = xd_node_int_of(user);
    xd_buffer_init(&plain, 0);
    xd_buffer_init(&text, SESSION_SIZE - 1);
    xd_buffer_format(&plain, "%s:%lld:%s", account->username, (long long)account->user, key->text);
    xd_base64_write(xd_buffer_view(&plain), &text);
    bool kept = xd_buffer_result(&text) == XD_OK;
    (void)snprintf(account->session, SESSION_SIZE, "%s", kept ? xd_buffer_string(&text) : "");
    xd_buffer_free(&plain);
    xd_buffer_free(&text);
    return kept;
}

/* Which company the user works for. */
static enum xd_result ask_company(struct xd_rpc *rpc) {
    struct xd_rpc_account *account = rpc->account;
    const struct xd_node *preferences;
    struct exchange question = {
        .session = account->session, .method = "model.res.user.get_preferences", .params = "[true,{}]"};
    enum xd_result result = exchange(rpc, &question, &preferences);
    if (result == XD_OK) {
        account->company = xd_node_int(preferences, "company");
        if (account->company == 0) {
            xd_tryton_blame(&rpc->fault, "erp_unavailable", "The user of the hub belongs to no company.");
            result = XD_UNAVAILABLE;
        }
    }
    if (result != XD_OK) {
        account->session[0] = '\0';
    }
    return result == XD_DENIED || result == XD_INVALID ? XD_UNAVAILABLE : result;
}

/* With the account's lock. */
static enum xd_result log_in(struct xd_rpc *rpc) {
    struct xd_rpc_account *account = rpc->account;
    const struct xd_node *key;
    uint64_t now = now_ms();
    account->session[0] = '\0';
    if (now < account->not_before_ms) {
        xd_tryton_blame(&rpc->fault, "login_refused", "Tryton refused the login and is not asked again yet.");
        rpc->fault.retry_after_ms = (uint32_t)(account->not_before_ms - now);
        return XD_UNAVAILABLE;
    }
    struct exchange question = {.session = "", .method = "common.db.login"};
    char *params =
        xd_arena_take(&rpc->arena, strlen(account->username) * 6 + strlen(account->password) * 6 + 64);
    if (params == NULL) {
        return XD_UNAVAILABLE;
    }
    (void)sprintf(params, "[%s,{\"password\":%s},\"en\"]", xd_rpc_quote(rpc, account->username),
                  xd_rpc_quote(rpc, account->password));
    question.params = params;
    enum xd_result result = exchange(rpc, &question, &key);
    bool refused = result == XD_DENIED || result == XD_INVALID ||
                   (result == XD_UNAVAILABLE && strcmp(rpc->fault.code, "erp_busy") == 0) ||
                   (result == XD_OK && !keep_session(account, key));
    if (refused) {
        xd_tryton_blame(&rpc->fault, "login_refused", "Tryton refuses the login of the hub's user.");
        return pause_logins(rpc);
    }
    if (result != XD_OK) {
        return XD_UNAVAILABLE;
    }
    account->refusals = 0;
    return ask_company(rpc);
}

/* A session that is not the stale one, copied for the call: others may renew it meanwhile. */
static enum xd_result get_session(struct xd_rpc *rpc, const char *stale, char out[SESSION_SIZE]) {
    struct xd_rpc_account *account = rpc->account;
    enum xd_result result = XD_OK;
    (void)pthread_mutex_lock(&account->lock);
    if (account->session[0] == '\0' || strcmp(account->session, stale) == 0) {
        result = log_in(rpc);
    }
    memcpy(out, account->session, SESSION_SIZE);
    rpc->company = account->company;
    (void)pthread_mutex_unlock(&account->lock);
    return result;
}

/* ---- calls ---- */

static char *make_params(struct xd_rpc *rpc, const char *params) {
    const char *more = rpc->more == NULL ? "" : rpc->more;
    size_t size = strlen(params) + strlen(more) + 64;
    char *all = xd_arena_take(&rpc->arena, size);
    if (all != NULL) {
        (void)snprintf(all, size, "[%s%s{\"company\":%lld,\"language\":\"en\"%s}]", params,
                       params[0] != '\0' ? "," : "", (long long)rpc->company, more);
    }
    return all;
}

static enum xd_result call_once(struct xd_rpc *rpc, bool changes, const char *method, const char *params,
                                const struct xd_node **out) {
    char session[SESSION_SIZE];
    enum xd_result result = get_session(rpc, "", session);
    for (int tries = 0; result == XD_OK && tries < 2; tries++) {
        char *all = make_params(rpc, params);
        if (all == NULL) {
            return XD_UNAVAILABLE;
        }
        struct exchange question = {changes, session, method, all};
        result = exchange(rpc, &question, out);
        if (result != XD_DENIED || tries == 1) {
            break;
        }
        char stale[SESSION_SIZE];
        memcpy(stale, session, sizeof stale);
        result = get_session(rpc, stale, session);
    }
    return result == XD_DENIED ? XD_UNAVAILABLE : result;
}

static void wait_a_little(int tries) {
    unsigned ms = AGAIN_MS << tries;
    struct timespec pause = {.tv_sec = ms / 1000u, .tv_nsec = (long)(ms % 1000u) * 1000000L};
    (void)nanosleep(&pause, NULL);
}

/* Tells Tryton that the user has read the warning. */
static enum xd_result answer_warning(struct xd_rpc *rpc) {
    char params[256];
    const struct xd_node *ignored;
    if (!xd_tryton_warning_is_harmless(rpc->fault.warning)) {
        return XD_INVALID;
    }
    (void)snprintf(params, sizeof params, "[{\"user\":%lld,\"name\":%s}]", (long long)rpc->account->user,
                   xd_rpc_quote(rpc, rpc->fault.warning));
    enum xd_result result = call_once(rpc, false, "model.res.user.warning.create", params, &ignored);
    return result == XD_CONFLICT ? XD_INVALID : result;
}

static enum xd_result call(struct xd_rpc *rpc, bool changes, const char *method, const char *params,
                           const struct xd_node **out) {
    int again = 0;
    *out = NULL;
    for (int warnings = 0; warnings <= WARNINGS_MAX;) {
        enum xd_result result = call_once(rpc, changes, method, params, out);
        if (changes && (result == XD_OK || result == XD_UNKNOWN)) {
            rpc->touched = true;
        }
        if (result == XD_AGAIN && again < AGAIN_MAX) {
            wait_a_little(again++);
        } else if (result == XD_CONFLICT) {
            warnings++;
            result = answer_warning(rpc);
            if (result != XD_OK) {
                return result;
            }
        } else {
            return result;
        }
    }
    return XD_INVALID; /* it warns without end */
}

static char *format_params(struct xd_rpc *rpc, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *params = size < 0 ? NULL : xd_arena_take(&rpc->arena, (size_t)size + 1);
    if (params == NULL) {
        xd_tryton_blame(&rpc->fault, "erp_unavailable", "There is no memory for the call just now.");
        return NULL;
    }
    (void)vsnprintf(params, (size_t)size + 1, format, args);
    return params;
}

enum xd_result xd_rpc_ask(struct xd_rpc *rpc, const struct xd_node **out, const char *method,
                          const char *format, ...) {
    va_list args;
    *out = NULL;
    va_start(args, format);
    char *params = format_params(rpc, format, args);
    va_end(args);
    enum xd_result result = params == NULL ? XD_UNAVAILABLE : call(rpc, false, method, params, out);
    rpc->more = NULL;
    return result;
}

enum xd_result xd_rpc_change(struct xd_rpc *rpc, const struct xd_node **out, const char *method,
                             const char *format, ...) {
    const struct xd_node *ignored = NULL;
    out = out == NULL ? &ignored : out;
    *out = NULL;
    va_list args;
    va_start(args, format);
    char *params = format_params(rpc, format, args);
    va_end(args);
    return params == NULL ? XD_UNAVAILABLE : call(rpc, true, method, params, out);
}

const char *xd_rpc_quote(struct xd_rpc *rpc, const char *text) {
    struct xd_buffer json;
    xd_buffer_init(&json, 0);
    xd_buffer_json(&json, text);
    char *copy = xd_buffer_result(&json) != XD_OK ? NULL : xd_arena_take(&rpc->arena, json.size + 1);
    if (copy != NULL) {
        memcpy(copy, xd_buffer_string(&json), json.size + 1);
    }
    xd_buffer_free(&json);
    return copy == NULL ? "null" : copy;
}

int64_t xd_rpc_created(const struct xd_node *result) {
    return xd_node_int_of(xd_node_at(result, 0));
}

enum xd_result xd_rpc_refuse(struct xd_rpc *rpc, const char *code, const char *format, ...) {
    char words[sizeof rpc->fault.detail];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    memset(&rpc->fault, 0, sizeof rpc->fault);
    xd_tryton_blame(&rpc->fault, code, words);
    return XD_INVALID;
}
