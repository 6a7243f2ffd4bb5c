/* Uniqueness by sorting references to the texts, so that a document of the
 * greatest size costs n log n; among equals the later ones are reported. */
#include "documents/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reference {
    const char *text;
    size_t index;
};

static int compare_references(const void *a, const void *b) {
    const struct reference *left = a;
    const struct reference *right = b;
    int order = strcmp(left->text, right->text);
    if (order != 0) {
        return order;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

enum xd_result xd_rule_check_unique(struct xd_document *document, const struct xd_rule_unique *rule,
                                    struct xd_problems *problems) {
    if (rule->count < 2) {
        return XD_OK;
    }
    struct reference *references = xd_document_alloc(document, rule->count * sizeof *references);
    if (references == NULL) {
        return XD_NO_MEMORY;
    }
    size_t count = 0;
    for (size_t i = 0; i < rule->count; i++) {
        const char *const *text = (const void *)((const char *)rule->first + i * rule->stride);
        if (*text != NULL && **text != '\0') { /* an empty one was reported by the table */
            references[count++] = (struct reference){*text, i};
        }
    }
    qsort(references, count, sizeof *references, compare_references);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(references[i].text, references[i - 1].text) == 0) {
            xd_rule_report_element(problems, rule->code, rule->before, references[i].index, rule->behind,
                                   "names one that was named before");
        }
    }
    return XD_OK;
}

void xd_rule_report_element(struct xd_problems *problems, const char *code, const char *before, size_t index,
                            const char *behind, const char *detail) {
    char pointer[XD_POINTER_SIZE];
    (void)snprintf(pointer, sizeof pointer, "%s%zu%s", before, index, behind);
    xd_problem_add(problems, code, pointer, "%s", detail);
}

void xd_rule_report_no_elements(struct xd_problems *problems, const cJSON *tree, const char *member,
                                const char *detail) {
    char pointer[XD_POINTER_SIZE];
    (void)snprintf(pointer, sizeof pointer, "/%s", member);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, member);
    if (list == NULL) {
        xd_problem_add(problems, "missing_member", pointer, "is missing: %s", detail);
    } else if (cJSON_IsArray(list) && list->child == NULL) {
        xd_problem_add(problems, "too_few", pointer, "is empty: %s", detail);
    }
}
