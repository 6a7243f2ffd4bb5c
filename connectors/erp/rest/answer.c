/* An error is seen by three things, in this order: its code in the body, its status, and that a good status
 * came with it. What none of them decides is unknown.
 *
 * A page of HTML under a status that means a refusal is no refusal: a gateway wrote it, and what the ERP
 * behind it did nobody knows. So a refusal needs JSON, and the ERP's words where the description says that
 * it has some. UNAVAILABLE by status needs neither: gateways are whom to believe about that. */
#include "erp/rest/answer.h"

#include <stdio.h>
#include <string.h>

#define EXCERPT 120

bool xd_rest_is_there(const struct xd_node *value) {
    if (value == NULL) {
        return false;
    }
    switch (value->kind) {
    case XD_NODE_NULL:
    case XD_NODE_FALSE:
        return false;
    case XD_NODE_TEXT:
        return value->text[0] != '\0';
    case XD_NODE_ARRAY:
        return value->count > 0;
    default:
        return true;
    }
}

static bool read_text(const struct xd_node *from, const char *path, char *out, size_t size) {
    const char *text = path == NULL ? NULL : xd_node_scalar(xd_node_path(from, path));
    (void)snprintf(out, size, "%s", text == NULL ? "" : text);
    out[xd_utf8_prefix(xd_bytes_of_text(out))] = '\0';
    return text != NULL && strlen(text) < size && out[0] != '\0';
}

bool xd_rest_read_number(const struct xd_node *from, const char *path, char out[64]) {
    bool there = read_text(from, path, out, 64);
    if (!there) {
        out[0] = '\0'; /* half a number is none */
    }
    return there;
}

/* The ERP's words, or what can be said without them. */
static void write_detail(const struct xd_rest_answers *answers, const struct xd_http_reply *reply,
                         const struct xd_rest_reading *reading, char *out, size_t size) {
    (void)read_text(reading->root, answers->error_text, out, size);
    if (out[0] == '\0') {
        (void)snprintf(out, size, "status %u%s%s: %.*s", reply->status,
                       reading->their_code[0] != '\0' ? ", " : "", reading->their_code, EXCERPT,
                       xd_buffer_string(&reply->body));
    }
}

static const char *our_code(const struct xd_rest_answers *answers, const char *theirs) {
    const struct xd_tree_node *found = theirs[0] != '\0' && answers->codes != NULL
                                           ? xd_tree_child(answers->codes, theirs, strlen(theirs))
                                           : NULL;
    return found != NULL ? found->text : NULL;
}

void xd_rest_read_note(const struct xd_rest_answers *answers, const struct xd_node *document,
                       struct xd_erp_answer *answer) {
    char theirs[64];
    if (read_text(document, answers->note, theirs, sizeof theirs) && our_code(answers, theirs) != NULL) {
        (void)snprintf(answer->code, sizeof answer->code, "%s", our_code(answers, theirs));
        (void)read_text(document, answers->note_text, answer->detail, sizeof answer->detail);
        xd_text_make_printable(answer->detail);
    }
}

/* A refusal in the ERP's own words. */
static bool has_words(const struct xd_rest_answers *answers, const struct xd_rest_reading *reading) {
    char text[8];
    if (reading->root == NULL) {
        return false;
    }
    if (answers->error_code == NULL && answers->error_text == NULL) {
        return true;
    }
    (void)read_text(reading->root, answers->error_text, text, sizeof text);
    return reading->their_code[0] != '\0' || text[0] != '\0';
}

static enum xd_rest_verdict judge_error(const struct xd_rest_answers *answers, const char *status, bool good,
                                        const struct xd_rest_reading *reading) {
    const char *code = reading->their_code;
    if (code[0] != '\0' && xd_rest_texts_have(&answers->known_codes, code)) {
        return XD_REST_KNOWN;
    }
    if (code[0] != '\0' && xd_rest_texts_have(&answers->unavailable_codes, code)) {
        return XD_REST_UNAVAILABLE;
    }
    if (our_code(answers, code) != NULL) {
        return XD_REST_REJECTED;
    }
    if (good) {
        return answers->unlisted == XD_REST_UNLISTED_REJECTED && has_words(answers, reading)
                   ? XD_REST_REJECTED
                   : XD_REST_UNKNOWN;
    }
    if (xd_rest_texts_have(&answers->unavailable, status)) {
        return XD_REST_UNAVAILABLE;
    }
    if (xd_rest_texts_have(&answers->known, status) && reading->root != NULL) {
        return XD_REST_KNOWN;
    }
    return xd_rest_texts_have(&answers->rejected, status) && has_words(answers, reading) ? XD_REST_REJECTED
                                                                                         : XD_REST_UNKNOWN;
}

void xd_rest_reading_free(struct xd_rest_reading *reading) {
    xd_arena_free(&reading->arena);
    reading->root = NULL;
}

enum xd_rest_verdict xd_rest_judge(const struct xd_rest_answers *answers, const struct xd_http_reply *reply,
                                   struct xd_rest_reading *reading, struct xd_erp_answer *answer) {
    char status[8], detail[sizeof answer->detail];
    memset(reading, 0, sizeof *reading);
    (void)snprintf(status, sizeof status, "%u", reply->status);
    bool good = xd_rest_texts_have(&answers->done, status);
    bool read = xd_node_parse(&reading->arena, xd_buffer_view(&reply->body), XD_NODE_DEPTH_MAX,
                              &reading->root) == XD_OK;
    bool error =
        (answers->error != NULL && xd_rest_is_there(xd_node_path(reading->root, answers->error))) ||
        (answers->success != NULL && !xd_rest_is_there(xd_node_path(reading->root, answers->success)));
    bool empty = reply->status == 204 && reply->body.size == 0; /* only there it is not half an answer */
    if (good && (read || empty) && !error) {
        xd_rest_say(answer, XD_ERP_DONE, "", "");
        return XD_REST_DONE;
    }
    (void)read_text(reading->root, answers->error_code, reading->their_code, sizeof reading->their_code);
    write_detail(answers, reply, reading, detail, sizeof detail);
    enum xd_rest_verdict verdict = judge_error(answers, status, good, reading);
    const char *code = our_code(answers, reading->their_code);
    switch (verdict) {
    case XD_REST_REJECTED:
        xd_rest_say(answer, XD_ERP_REJECTED, code != NULL ? code : "erp_refused", detail);
        break;
    case XD_REST_UNAVAILABLE:
        xd_rest_say_unavailable(answer, reply, "erp_busy", detail);
        break;
    case XD_REST_KNOWN:
        xd_rest_say(answer, XD_ERP_DONE, "", "");
        break;
    default:
        xd_rest_say(answer, XD_ERP_UNKNOWN, "", detail);
        break;
    }
    return verdict;
}
