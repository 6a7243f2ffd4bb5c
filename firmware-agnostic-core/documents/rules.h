/* Rules that hold across the members of a document; a table cannot say them.
 * Used by the documents' readers only. */
#ifndef XD_DOCUMENTS_RULES_H
#define XD_DOCUMENTS_RULES_H

#include "documents/schema.h"

/* The texts at `first` and every `stride` bytes from there (count of them, NULL
 * is skipped) are all different. A repeated one is reported with `code` at
 * "<before><index><behind>". XD_NO_MEMORY. */
struct xd_rule_unique {
    const void *first; /* a const char * */
    size_t stride, count;
    const char *before, *behind;
    const char *code;
};
XD_CHECKED enum xd_result xd_rule_check_unique(struct xd_document *document,
                                               const struct xd_rule_unique *rule,
                                               struct xd_problems *problems);

/* Reports at "<before><index><behind>". */
void xd_rule_report_element(struct xd_problems *problems, const char *code, const char *before, size_t index,
                            const char *behind, const char *detail);

/* Reports that a list is absent (missing_member) or empty (too_few); silent when
 * it has elements or was reported already because it is none. */
void xd_rule_report_no_elements(struct xd_problems *problems, const cJSON *tree, const char *member,
                                const char *detail);

#endif
