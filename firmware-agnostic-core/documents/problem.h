/* What is wrong with a document: a bounded list of problems, each with a JSON
 * pointer (RFC 6901), a code that machines read and a sentence that people read.
 * The turn's thread. */
#ifndef XD_DOCUMENTS_PROBLEM_H
#define XD_DOCUMENTS_PROBLEM_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

#define XD_PROBLEMS_MAX 50 /* more are counted, not kept */
#define XD_POINTER_SIZE 128
#define XD_DETAIL_SIZE 192

struct xd_problem {
    const char *code; /* static text: missing_member, wrong_type, bad_decimal, ... */
    char pointer[XD_POINTER_SIZE];
    char detail[XD_DETAIL_SIZE];
    bool retryable; /* whether sending the same again later can help */
    bool warning;   /* reported, but does not make the document unusable (unknown_member on MQTT) */
};

struct xd_problems {
    struct xd_problem items[XD_PROBLEMS_MAX];
    size_t count;   /* kept */
    size_t dropped; /* beyond the limit; a warning makes room for an error */
    size_t errors;  /* of all, those that are no warnings */
};

void xd_problems_clear(struct xd_problems *problems);
/* detail is printf-like; pointer "" means the whole document. */
void xd_problem_add(struct xd_problems *problems, const char *code, const char *pointer, const char *detail,
                    ...) __attribute__((format(printf, 4, 5)));
void xd_problem_warn(struct xd_problems *problems, const char *code, const char *pointer, const char *detail,
                     ...) __attribute__((format(printf, 4, 5)));
/* A stranger's text as a detail may quote it: cut to XD_EXCERPT_SIZE - 1 bytes
 * without splitting a character. Returns out. */
#define XD_EXCERPT_SIZE 48
const char *xd_problem_excerpt(const char *text, char out[XD_EXCERPT_SIZE]);
/* Appends one problem: {"code","pointer","detail","retryable"} */
void xd_problem_write(const struct xd_problem *problem, struct xd_buffer *out);
/* Appends the JSON array of problems: [{"code","pointer","detail","retryable"}] */
void xd_problems_write(const struct xd_problems *problems, struct xd_buffer *out);

#endif
