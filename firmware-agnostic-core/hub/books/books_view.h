/* The books as the API shows them: JSON from the store's R functions only, as hub/view.h. */
#ifndef XD_HUB_BOOKS_BOOKS_VIEW_H
#define XD_HUB_BOOKS_BOOKS_VIEW_H

#include "hub/store.h"

/* Each appends one JSON text. XD_NOT_FOUND: no such thing. */
/* Runs that were queued, one or more: the members of the first, and `runs` with all of them. */
XD_CHECKED enum xd_result xd_view_books_queued(const struct xd_hub_store *store,
                                               const char (*ids)[XD_ID_SIZE], size_t count,
                                               struct xd_buffer *out);
XD_CHECKED enum xd_result xd_view_books_run(const struct xd_hub_store *store, const char *id,
                                            struct xd_buffer *out);
/* The latest first. */
XD_CHECKED enum xd_result xd_view_books_runs(const struct xd_hub_store *store, const char *cursor, size_t max,
                                             struct xd_buffer *out);
XD_CHECKED enum xd_result xd_view_difference(const struct xd_hub_store *store, const char *id,
                                             struct xd_buffer *out);
XD_CHECKED enum xd_result xd_view_differences(const struct xd_hub_store *store,
                                              const struct xd_difference_filter *filter, const char *cursor,
                                              size_t max, struct xd_buffer *out);
/* The index of a name in a list of names that ends with NULL, in any case; -1: it is none of them. */
int xd_books_name_index(const char *const *names, const char *name);

#endif
