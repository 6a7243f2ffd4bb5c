/* A description, read and checked: all that the connector knows about its ERP. Keys and their meaning are
 * config/erp/rest/sample.yaml's to explain. */
#ifndef XD_ERP_REST_DESCRIPTION_H
#define XD_ERP_REST_DESCRIPTION_H

#include "hub/erp.h"
#include "shared/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XD_REST_KINDS ((size_t)XD_ERP_REVERSAL + 1) /* indexed by enum xd_erp_kind; a check has none */

struct xd_rest_texts {
    const char *const *items;
    size_t count;
};

enum xd_rest_auth_type { XD_REST_AUTH_NONE, XD_REST_AUTH_BASIC, XD_REST_AUTH_TOKEN, XD_REST_AUTH_OAUTH2 };

struct xd_rest_auth {
    int type;                              /* enum xd_rest_auth_type */
    const char *username, *password;       /* BASIC */
    const char *header, *prefix, *token;   /* TOKEN; prefix may be NULL */
    const char *token_url, *scope;         /* OAUTH2; scope may be NULL */
    const char *client_id, *client_secret; /* OAUTH2 */
    int client_in;                         /* OAUTH2: enum xd_rest_client_in */
};
enum xd_rest_client_in { XD_REST_CLIENT_IN_HEADER, XD_REST_CLIENT_IN_BODY };

/* How answers are read. Paths are those of shared/json_tree.h; NULL: not said. */
struct xd_rest_answers {
    struct xd_rest_texts done, known, rejected, unavailable; /* statuses */
    const char *error;   /* is there: the answer is an error, whatever its status */
    const char *success; /* is not there: likewise */
    const char *error_code, *error_text;
    const char *note, *note_text;     /* of what was done, but not as asked for: a code and words */
    const struct xd_tree_node *codes; /* a map: their code of a refusal, ours; may be NULL */
    struct xd_rest_texts known_codes, unavailable_codes;
    int unlisted; /* enum xd_rest_unlisted: an error with a good status and a code that nobody listed */
};
enum xd_rest_unlisted { XD_REST_UNLISTED_UNKNOWN, XD_REST_UNLISTED_REJECTED };

/* How documents of a kind are made. path NULL: it has no such thing. */
struct xd_rest_call {
    const char *method;
    const struct xd_tree_node *path, *headers, *body; /* templates (template.h) */
    const char *document; /* where its number is in the answer; NULL: our reference is its number */
};

/* How documents of a kind are looked up. path NULL: they cannot be. */
struct xd_rest_find {
    const struct xd_tree_node *path; /* a template */
    const char *entries; /* where the list of what was found is; NULL: the answer is the document */
    const char *match;   /* the member that must be our reference; NULL: not looked at */
    const char *document;
    struct xd_rest_texts absent, absent_codes; /* statuses, and the codes of which one must come with them */
};

enum xd_rest_paging {
    XD_REST_PAGES_NONE,
    XD_REST_PAGES_PAGE,
    XD_REST_PAGES_OFFSET,
    XD_REST_PAGES_CURSOR,
    XD_REST_PAGES_LINK
};

struct xd_rest_list {
    const char *path; /* NULL: not listed */
    const char *entries;
    struct {
        int type; /* enum xd_rest_paging */
        const char *parameter, *next, *more, *size_parameter;
        int64_t first, size;
    } paging;
    struct {
        const char *parameter, *member, *key;
    } since;                        /* documents: the parameter; an entry's time of change, and its number */
    const struct xd_tree_node *map; /* ours: theirs (mapping.h) */
};

struct xd_rest_description {
    const char *url, *ca_file;
    int64_t timeout_s;
    int grade; /* enum xd_erp_grade */
    const struct xd_tree_node *headers, *tables;
    struct xd_rest_auth auth;
    struct xd_rest_answers answers;
    struct xd_rest_call calls[XD_REST_KINDS];
    struct xd_rest_find finds[XD_REST_KINDS];
    struct xd_rest_list lists[XD_ERP_LIST_COUNT];
    struct xd_config *config; /* owns all of it */
};

/* XD_INVALID: errors (initialised by the caller) has a line for each complaint. XD_NO_MEMORY. On success the
 * caller closes it. */
XD_CHECKED enum xd_result xd_rest_description_load(const char *file, struct xd_rest_description *out,
                                                   struct xd_buffer *errors);
void xd_rest_description_close(struct xd_rest_description *description);

/* Whether one of texts is that. */
bool xd_rest_texts_have(const struct xd_rest_texts *texts, const char *text);

#endif
