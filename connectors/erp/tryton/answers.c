/* The class of an error is certain, its words are not: they are looked at for what callers tell apart, and
 * what is not recognised is erp_refused with its words. The language of each call is English, so that the
 * words are. */
#include "erp/tryton/answers.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#define NESTING_MAX 31u

void xd_tryton_blame(struct xd_tryton_fault *fault, const char *code, const char *words) {
    (void)snprintf(fault->code, sizeof fault->code, "%s", code);
    (void)snprintf(fault->detail, sizeof fault->detail, "%s", words == NULL ? "" : words);
    fault->detail[xd_utf8_prefix(xd_bytes_of_text(fault->detail))] = '\0';
    xd_text_make_printable(fault->detail);
}

/* ---- words ---- */

struct meaning {
    const char *words;
    const char *code;
};

static const struct meaning refusals[] = {
    {"has this reference already", "reference_taken"},
    {"credit limit", "credit_limit"},
    {"stock lot", "lot_required"},
    {"because its lot", "lot_required"},
    {"period", "period_closed"},
    {"number of digits", "digits"},
    {"is not allowed", "not_allowed"},
    {"not allowed to", "not_allowed"},
    {"permission", "not_allowed"},
};

static const char *code_of(const char *words) {
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (strstr(words, refusals[i].words) != NULL) {
            return refusals[i].code;
        }
    }
    return "erp_refused";
}

/* The database's words for: you were too many at once. */
static bool is_contention(const char *text) {
    static const char *const words[] = {"could not obtain lock", "could not serialize access",
                                        "deadlock detected",     "database is locked",
                                        "due to lock timeout",   "LockNotAvailable"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(text, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The database is not there: whether it went before or in the middle of a commit cannot be seen. */
static bool is_outage(const char *text) {
    static const char *const words[] = {"server closed the connection",
                                        "terminating connection",
                                        "connection to server",
                                        "could not connect",
                                        "connection already closed",
                                        "connection has been closed",
                                        "SSL connection",
                                        "shutting down",
                                        "starting up",
                                        "too many clients",
                                        "remaining connection slots",
                                        "connection pool exhausted",
                                        "No space left",
                                        "could not write",
                                        "could not extend"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(text, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

bool xd_tryton_warning_is_harmless(const char *name) {
    const char *dot = strrchr(name, '.');
    return (dot != NULL && (strcmp(dot, ".done") == 0 || strcmp(dot, ".effective_date_future") == 0)) ||
           strncmp(name, "over_shipment_sale_line_", 24) == 0;
}

/* ---- errors with status 200 ---- */

/* {"error": ["UserError", ["message", "description", domain]]} */
static enum xd_result read_user_error(const struct xd_node *args, struct xd_tryton_fault *fault) {
    const struct xd_node *first = xd_node_at(args, 0), *second = xd_node_at(args, 1);
    const char *message = first == NULL || first->text == NULL ? "" : first->text;
    const char *more = second == NULL || second->text == NULL ? "" : second->text;
    char words[sizeof fault->detail];
    (void)snprintf(words, sizeof words, "%s%s%s", message, more[0] != '\0' ? " " : "", more);
    const char *code = code_of(message);
    xd_tryton_blame(fault, code, words);
    return strcmp(code, "reference_taken") == 0 ? XD_DUPLICATE : XD_INVALID;
}

/* {"error": ["UserWarning", ["name", "message", "description"]]} */
static enum xd_result read_user_warning(const struct xd_node *args, struct xd_tryton_fault *fault) {
    const struct xd_node *name = xd_node_at(args, 0), *message = xd_node_at(args, 1);
    const char *words = message == NULL || message->text == NULL ? "" : message->text;
    xd_tryton_blame(fault, code_of(words), words);
    (void)snprintf(fault->warning, sizeof fault->warning, "%s",
                   name == NULL || name->text == NULL ? "" : name->text);
    return XD_CONFLICT;
}

static enum xd_result read_error(bool changes, const struct xd_node *error, struct xd_tryton_fault *fault) {
    const struct xd_node *first = xd_node_at(error, 0), *args = xd_node_at(error, 1);
    const char *class_name = first == NULL || first->text == NULL ? "" : first->text;
    if (strcmp(class_name, "UserError") == 0) {
        return read_user_error(args, fault);
    }
    if (strcmp(class_name, "UserWarning") == 0) {
        return read_user_warning(args, fault);
    }
    if (strcmp(class_name, "ConcurrencyException") == 0 || is_contention(class_name)) {
        xd_tryton_blame(fault, "erp_busy", class_name);
        return XD_AGAIN;
    }
    if (is_outage(class_name)) {
        xd_tryton_blame(fault, "erp_unavailable", class_name);
        return changes ? XD_UNKNOWN : XD_UNAVAILABLE;
    }
    if (strcmp(class_name, "LoginException") == 0 || strcmp(class_name, "RateLimitException") == 0) {
        xd_tryton_blame(fault, "login_refused", class_name);
        return XD_UNAVAILABLE;
    }
    xd_tryton_blame(fault, "erp_error", class_name); /* an exception that nobody expected: rolled back */
    return XD_INVALID;
}

static enum xd_result read_body(bool changes, struct xd_bytes body, struct xd_arena *arena,
                                const struct xd_node **result, struct xd_tryton_fault *fault) {
    const struct xd_node *tree = NULL;
    enum xd_result parsed = xd_node_parse(arena, body, NESTING_MAX, &tree);
    const struct xd_node *error = xd_node_member(tree, "error");
    *result = xd_node_member(tree, "result");
    if (parsed == XD_OK && error != NULL) {
        return read_error(changes, error, fault);
    }
    if (parsed == XD_OK && *result != NULL) {
        return XD_OK;
    }
    xd_tryton_blame(fault, "erp_unavailable",
                    parsed == XD_NO_MEMORY ? "There is no memory for the answer just now."
                                           : "The answer is not one of Tryton's.");
    return changes ? XD_UNKNOWN : XD_UNAVAILABLE;
}

/* ---- everything else ---- */

/* The requests that these refuse were never begun. */
static enum xd_result read_status(bool changes, const struct xd_http_reply *reply,
                                  struct xd_tryton_fault *fault) {
    char words[64];
    (void)snprintf(words, sizeof words, "Tryton answered with status %u.", reply->status);
    switch (reply->status) {
    case 401:
        xd_tryton_blame(fault, "login_refused", words);
        return XD_DENIED;
    case 400:
        xd_tryton_blame(fault, "erp_error", words);
        return XD_INVALID;
    case 403: /* the method is not there: a module is missing, or this is no Tryton 6.0 */
    case 404: /* nor is the database */
        xd_tryton_blame(fault, "erp_unavailable", words);
        return XD_UNAVAILABLE;
    case 429:
        xd_tryton_blame(fault, "erp_busy", words);
        fault->retry_after_ms = reply->retry_after_s * 1000u;
        return XD_UNAVAILABLE;
    default:
        xd_tryton_blame(fault, "erp_unavailable", words);
        fault->retry_after_ms = reply->retry_after_s * 1000u;
        return changes ? XD_UNKNOWN : XD_UNAVAILABLE;
    }
}

enum xd_result xd_tryton_classify(bool changes, enum xd_result fetched, const struct xd_http_reply *reply,
                                  struct xd_arena *arena, const struct xd_node **result,
                                  struct xd_tryton_fault *fault) {
    memset(fault, 0, sizeof *fault);
    *result = NULL;
    if (fetched == XD_OK && reply->status == 200) {
        return read_body(changes, xd_buffer_view(&reply->body), arena, result, fault);
    }
    if (fetched == XD_OK) {
        return read_status(changes, reply, fault);
    }
    xd_tryton_blame(fault, "erp_unavailable", reply->why);
    bool may_have_left = fetched == XD_UNKNOWN || fetched == XD_FULL || fetched == XD_NO_MEMORY;
    return changes && may_have_left ? XD_UNKNOWN : XD_UNAVAILABLE;
}
