/* Log lines for people: what --log-format text makes of a line's members. */
#ifndef XD_POSIX_RUNTIME_LOG_TEXT_H
#define XD_POSIX_RUNTIME_LOG_TEXT_H

#include "base/bytes.h"

/* Appends the inside of a JSON object without its punctuation: the member "detail" first, as a sentence, then
 * the others as name=value, each behind a blank. Escapes of quotes, backslashes and slashes are undone; those
 * of control characters stay, so that a line stays a line. members NULL: nothing. Any thread. */
void xd_log_text_members(struct xd_buffer *out, const char *members);

#endif
