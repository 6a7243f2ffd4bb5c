/* Lists, page by page, whatever way of paging the ERP has. */
#ifndef XD_ERP_REST_LISTING_H
#define XD_ERP_REST_LISTING_H

#include "erp/rest/session.h"

/* As xd_erp.list. */
void xd_rest_list(struct xd_rest_session *session, enum xd_erp_list what, const char *cursor, size_t max,
                  struct xd_erp_answer *answer, struct xd_buffer *entries, char next[XD_ERP_CURSOR_SIZE]);

#endif
