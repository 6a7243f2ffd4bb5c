/* A post is one request. What must be known before it (the ERP's number of a sale or of a shipment) is looked
 * up first: to look changes nothing, so its failure is UNAVAILABLE.
 *
 *   good answer with a number        DONE
 *   good answer without one          UNKNOWN: it will be found by its reference, or not
 *   the reference was there already  DONE, with the number of the answer or of a look-up; else UNKNOWN
 *
 * A look-up says ABSENT only when the ERP said so itself, in JSON: an empty list, or a status that means it.
 * A gateway's 404 would be taken for that otherwise, and the document be made a second time. */
#include "erp/rest/rest.h"

#include "base/memory.h"
#include "erp/rest/answer.h"
#include "erp/rest/listing.h"

#include <stdio.h>
#include <string.h>

static void free_session(struct xd_rest_session *session) {
    if (session->access_token != NULL) {
        explicit_bzero(session->access_token, strlen(session->access_token));
    }
    xd_free(session->access_token);
    xd_rest_description_close(&session->description);
    xd_free(session);
}

/* ---- looking up ---- */

static bool is_reference(const struct xd_node *entry, const char *path, const char *reference) {
    const char *text = xd_node_scalar(xd_node_path(entry, path));
    return text != NULL && strcmp(text, reference) == 0;
}

static void say_found(const struct xd_rest_answers *answers, const struct xd_rest_find *find,
                      const struct xd_node *entry, const char *reference, struct xd_erp_answer *answer) {
    xd_rest_say(answer, XD_ERP_DONE, "", "");
    if (find->document == NULL) {
        (void)snprintf(answer->document, sizeof answer->document, "%s", reference);
    } else if (!xd_rest_read_number(entry, find->document, answer->document)) {
        xd_rest_say(answer, XD_ERP_UNAVAILABLE, "erp_unreadable", "what was found has no number");
    }
    if (answer->outcome == XD_ERP_DONE) {
        xd_rest_read_note(answers, entry, answer);
    }
}

static void read_found(const struct xd_rest_answers *answers, const struct xd_rest_find *find,
                       const struct xd_node *root, const char *reference, struct xd_erp_answer *answer) {
    if (find->entries == NULL) {
        if (find->match != NULL && !is_reference(root, find->match, reference)) {
            xd_rest_say(answer, XD_ERP_UNAVAILABLE, "erp_unreadable",
                        "another document was found than asked for");
            return;
        }
        say_found(answers, find, root, reference, answer);
        return;
    }
    const struct xd_node *entries = xd_node_path(root, find->entries);
    const struct xd_node *first = xd_node_at(entries, 0);
    for (const struct xd_node *one = first; one != NULL; one = one->next) {
        if (is_reference(one, find->match, reference)) {
            say_found(answers, find, one, reference, answer);
            return;
        }
    }
    if (entries == NULL || entries->kind != XD_NODE_ARRAY) {
        xd_rest_say(answer, XD_ERP_UNAVAILABLE, "erp_unreadable", "the answer has no list of what was found");
    } else if (first != NULL) { /* the filter was overlooked: ours may be on a later page */
        xd_rest_say(answer, XD_ERP_UNAVAILABLE, "erp_unreadable",
                    "only other documents were found than asked for");
    } else {
        xd_rest_say(answer, XD_ERP_ABSENT, "", "");
    }
}

static bool says_absent(const struct xd_rest_find *find, const struct xd_http_reply *reply,
                        const struct xd_rest_reading *reading) {
    char status[8];
    (void)snprintf(status, sizeof status, "%u", reply->status);
    return reading->root != NULL && xd_rest_texts_have(&find->absent, status) &&
           (find->absent_codes.count == 0 || xd_rest_texts_have(&find->absent_codes, reading->their_code));
}

static void look_up(struct xd_rest_session *session, enum xd_erp_kind kind, const char *reference,
                    struct xd_erp_answer *answer) {
    const struct xd_rest_find *find = &session->description.finds[kind];
    struct xd_erp_request request = {.kind = kind, .reference = reference};
    struct xd_rest_values values = {.request = &request, .tables = session->description.tables};
    struct xd_http_reply reply;
    struct xd_rest_reading reading;
    struct xd_buffer url;
    char why[XD_REST_WHY_SIZE] = "no memory";
    if (find->path == NULL) {
        xd_rest_say(answer, XD_ERP_UNAVAILABLE, "not_supported",
                    "the ERP cannot be asked for such a document");
        return;
    }
    xd_buffer_init(&url, 0);
    xd_buffer_text(&url, session->description.url);
    if (xd_rest_write_text(find->path->text, &values, true, &url, why) != XD_OK ||
        xd_buffer_result(&url) != XD_OK) {
        xd_rest_say(answer, XD_ERP_UNAVAILABLE, "not_representable", why);
        xd_buffer_free(&url);
        return;
    }
    struct xd_rest_ask ask = {.url = xd_buffer_string(&url), .values = &values};
    if (xd_rest_ask(session, &ask, &reply, answer) == XD_OK) {
        enum xd_rest_verdict verdict = xd_rest_judge(&session->description.answers, &reply, &reading, answer);
        if (verdict == XD_REST_DONE) {
            read_found(&session->description.answers, find, reading.root, reference, answer);
        } else if (says_absent(find, &reply, &reading)) {
            xd_rest_say(answer, XD_ERP_ABSENT, "", "");
        } else {
            answer->outcome = XD_ERP_UNAVAILABLE;
        }
        xd_rest_reading_free(&reading);
    } else {
        answer->outcome = XD_ERP_UNAVAILABLE; /* a question that was lost: it is asked again */
    }
    xd_http_reply_free(&reply);
    xd_buffer_free(&url);
}

static void rest_find(void *context, enum xd_erp_kind kind, const char *reference,
                      struct xd_erp_answer *answer) {
    if (kind >= XD_REST_KINDS) {
        xd_rest_say(answer, XD_ERP_UNAVAILABLE, "not_supported", "there is no such kind of document");
        return;
    }
    look_up(context, kind, reference, answer);
}

/* ---- posting ---- */

struct posting {
    struct xd_rest_session *session;
    const struct xd_rest_call *call;
    struct xd_rest_values values;
    char sale[64], reversed[64]; /* the ERP's numbers */
    struct xd_buffer url, body;
};

/* The number of a document that this one belongs to. false: answer says why not. */
static bool resolve(struct posting *posting, enum xd_erp_kind kind, const char *reference,
                    const char *unknown, char out[64], struct xd_erp_answer *answer) {
    if (reference == NULL) {
        return true; /* the template says that it is missing, where it needs it */
    }
    if (reference[0] == '=') {
        (void)snprintf(out, 64, "%s", reference + 1);
        return true;
    }
    look_up(posting->session, kind, reference, answer);
    if (answer->outcome == XD_ERP_ABSENT) {
        xd_rest_say(answer, XD_ERP_REJECTED, unknown, "the ERP does not have what this document belongs to");
    } else if (answer->outcome == XD_ERP_DONE) {
        (void)snprintf(out, 64, "%s", answer->document);
        return true;
    }
    return false;
}

static bool call_uses(const struct xd_rest_call *call, const char *field) {
    return xd_rest_template_uses(call->path, field) || xd_rest_template_uses(call->body, field) ||
           xd_rest_template_uses(call->headers, field);
}

static bool resolve_all(struct posting *posting, struct xd_erp_answer *answer) {
    const struct xd_erp_request *request = posting->values.request;
    if (call_uses(posting->call, "sale_document")) {
        if (!resolve(posting, XD_ERP_SALE, request->sale_reference, "unknown_sale", posting->sale, answer)) {
            return false;
        }
        posting->values.sale_document = posting->sale[0] != '\0' ? posting->sale : NULL;
    }
    if (call_uses(posting->call, "reverses_document")) {
        if (!resolve(posting, XD_ERP_SHIPMENT, request->reverses, "unknown_shipment", posting->reversed,
                     answer)) {
            return false;
        }
        posting->values.reverses_document = posting->reversed[0] != '\0' ? posting->reversed : NULL;
    }
    return true;
}

/* Nothing is sent of a document that cannot be said whole. */
static bool write_request(struct posting *posting, struct xd_erp_answer *answer) {
    const struct xd_rest_description *description = &posting->session->description;
    char why[XD_REST_WHY_SIZE] = "";
    xd_buffer_text(&posting->url, description->url);
    enum xd_result result =
        xd_rest_write_text(posting->call->path->text, &posting->values, true, &posting->url, why);
    if (result == XD_OK && posting->call->body != NULL) {
        result = xd_rest_write_body(posting->call->body, &posting->values, &posting->body, why);
    }
    if (result != XD_OK) {
        xd_rest_say(answer, XD_ERP_REJECTED, "not_representable", why);
    } else if (xd_buffer_result(&posting->url) != XD_OK || xd_buffer_result(&posting->body) != XD_OK) {
        xd_rest_say(answer, XD_ERP_UNAVAILABLE, "no_memory", "there is no memory for the document just now");
        result = XD_NO_MEMORY;
    }
    return result == XD_OK;
}

static void take_document(struct posting *posting, const struct xd_rest_reading *reading, bool known,
                          struct xd_erp_answer *answer) {
    const struct xd_erp_request *request = posting->values.request;
    if (posting->call->document == NULL) {
        (void)snprintf(answer->document, sizeof answer->document, "%s", request->reference);
    }
    if (answer->document[0] != '\0' ||
        xd_rest_read_number(reading->root, posting->call->document, answer->document)) {
        xd_rest_read_note(&posting->session->description.answers, reading->root, answer);
        return;
    }
    if (known) {
        look_up(posting->session, request->kind, request->reference, answer);
        if (answer->outcome == XD_ERP_DONE) {
            return;
        }
    }
    xd_rest_say(answer, XD_ERP_UNKNOWN, "", "the ERP's answer has no number of the document");
}

static void send_request(struct posting *posting, struct xd_erp_answer *answer) {
    struct xd_rest_ask ask = {.method = posting->call->method,
                              .url = xd_buffer_string(&posting->url),
                              .headers = posting->call->headers,
                              .values = &posting->values,
                              .body = xd_buffer_view(&posting->body)};
    struct xd_http_reply reply;
    struct xd_rest_reading reading;
    if (xd_rest_ask(posting->session, &ask, &reply, answer) == XD_OK) {
        enum xd_rest_verdict verdict =
            xd_rest_judge(&posting->session->description.answers, &reply, &reading, answer);
        if (verdict == XD_REST_DONE || verdict == XD_REST_KNOWN) {
            take_document(posting, &reading, verdict == XD_REST_KNOWN, answer);
        }
        xd_rest_reading_free(&reading);
    }
    xd_http_reply_free(&reply);
}

static void rest_post(void *context, const struct xd_erp_request *request, struct xd_erp_answer *answer) {
    struct xd_rest_session *session = context;
    struct posting posting = {.session = session,
                              .values = {.request = request, .tables = session->description.tables}};
    if (request->kind >= XD_REST_KINDS || session->description.calls[request->kind].path == NULL) {
        xd_rest_say(answer, XD_ERP_REJECTED, "not_supported", "the ERP is not told of such documents");
        return;
    }
    posting.call = &session->description.calls[request->kind];
    xd_buffer_init(&posting.url, 0);
    xd_buffer_init(&posting.body, 0);
    if (resolve_all(&posting, answer) && write_request(&posting, answer)) {
        send_request(&posting, answer);
    }
    xd_buffer_free(&posting.url);
    xd_buffer_free(&posting.body);
}

/* ---- the table ---- */

static void rest_list(void *context, enum xd_erp_list what, const char *cursor, size_t max,
                      struct xd_erp_answer *answer, struct xd_buffer *entries,
                      char next[XD_ERP_CURSOR_SIZE]) {
    xd_rest_list(context, what, cursor, max, answer, entries, next);
}

static void rest_close(void *context) {
    free_session(context);
}

/* Loads it; why is the first line of what is wrong. */
static enum xd_result load(const char *file, struct xd_rest_description *description, char *why,
                           size_t why_size) {
    struct xd_buffer errors;
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_rest_description_load(file, description, &errors);
    const char *text = result == XD_NO_MEMORY ? "no memory" : xd_buffer_string(&errors);
    (void)snprintf(why, why_size, "%.*s", (int)strcspn(text, "\n"), text);
    xd_buffer_free(&errors);
    return result;
}

enum xd_result xd_rest_check(const char *file, int64_t life_s, char *why, size_t why_size) {
    struct xd_rest_description description;
    enum xd_result result = load(file, &description, why, why_size);
    if (result != XD_OK) {
        return result;
    }
    if (description.timeout_s > life_s) {
        (void)snprintf(why, why_size,
                       "%s: timeout_s: %lld must not be more than request_life_s of the ERP (%lld)", file,
                       (long long)description.timeout_s, (long long)life_s);
        result = XD_INVALID;
    }
    xd_rest_description_close(&description);
    return result;
}

enum xd_result xd_rest_open(const struct xd_rest_config *config, struct xd_erp *out, char *why,
                            size_t why_size) {
    struct xd_rest_session *session = xd_alloc(sizeof *session);
    enum xd_result result = XD_NO_MEMORY;
    (void)snprintf(why, why_size, "no memory");
    if (session != NULL) {
        result = load(config->file, &session->description, why, why_size);
    }
    if (result != XD_OK) {
        xd_free(session);
        return result;
    }
    *out = (struct xd_erp){
        .context = session,
        .grade = (enum xd_erp_grade)session->description.grade,
        .post = rest_post,
        .find = rest_find,
        .list = rest_list,
        .close = rest_close,
    };
    return XD_OK;
}
