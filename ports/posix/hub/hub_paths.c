#include "posix/hub/hub_paths.h"

#include "hub/books/books_view.h"

#include <string.h>
#include <strings.h>

bool xd_path_fits(const char *pattern, const char *path, char id[XD_NAME_SIZE], char key[XD_NAME_SIZE]) {
    char *const names[] = {id, key};
    size_t name = 0;
    id[0] = key[0] = 0;
    while (*pattern != 0) {
        if (*pattern == '{') {
            const char *end = strchr(pattern, '}');
            size_t size = end[-1] == '.' ? strlen(path) : strcspn(path, "/");
            if (size == 0 || size >= XD_NAME_SIZE || name == sizeof names / sizeof names[0]) {
                return false;
            }
            memcpy(names[name], path, size);
            names[name++][size] = 0;
            path += size;
            pattern = end + 1;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == 0;
}

/* ---- the books ---- */

static enum xd_result bad(struct xd_books_question *question, const char *parameter, const char *expected) {
    question->parameter = parameter;
    question->expected = expected;
    return XD_INVALID;
}

static enum xd_result view_differences(const struct xd_hub_store *store, struct xd_books_question *question,
                                       struct xd_buffer *out) {
    const char *state = xd_http_query(question->request, "state");
    const char *kind = xd_http_query(question->request, "kind");
    struct xd_difference_filter filter = {.erp = xd_http_query(question->request, "erp"),
                                          .kind = xd_books_name_index(xd_difference_kind_names, kind),
                                          .state = xd_books_name_index(xd_difference_state_names, state),
                                          .open_only = state == NULL};
    if (state != NULL && strcasecmp(state, "all") != 0 && filter.state < 0) {
        return bad(question, "state", "all, or the state of a difference, such as open");
    }
    if (kind != NULL && filter.kind < 0) {
        return bad(question, "kind", "the kind of a difference, such as sale_missing_in_erp");
    }
    return xd_view_differences(store, &filter, question->cursor, question->max, out);
}

enum xd_result xd_hub_view_books(const struct xd_hub_store *store, struct xd_books_question *question,
                                 struct xd_buffer *out) {
    bool runs = strstr(xd_http_path(question->request), "/runs") != NULL;
    if (question->id[0] == 0) {
        return runs ? xd_view_books_runs(store, question->cursor, question->max, out)
                    : view_differences(store, question, out);
    }
    return runs ? xd_view_books_run(store, question->id, out) : xd_view_difference(store, question->id, out);
}
