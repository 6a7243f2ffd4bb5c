/* What the tests of the documents share: read a text, look at its problems. */
#ifndef XD_TESTS_UNIT_READING_H
#define XD_TESTS_UNIT_READING_H

#include "documents/schema.h"

struct xd_reading {
    struct xd_document document;
    struct xd_problems problems;
};

/* Parses text, which must be well-formed, into a cleared reading. End with xd_reading_end. */
void xd_reading_begin(struct xd_reading *reading, const char *text);
void xd_reading_end(struct xd_reading *reading);
/* Fails the test unless a problem of that code is reported there. */
void xd_reading_expect(const struct xd_reading *reading, const char *pointer, const char *code);
/* Fails the test when there is any error; shows the first. */
void xd_reading_expect_none(const struct xd_reading *reading);

/* Calls attempt with the 1st, 2nd, ... allocation failing, until it succeeds;
 * until then it must return XD_NO_MEMORY. Fails the test when it never gets there. */
typedef enum xd_result xd_attempt(void *context);
void xd_reading_starve(xd_attempt *attempt, void *context);

#endif
