/* What the core needs of the world beside stores and ERPs: entropy and a log.
 * Filled in by the port; used on the turn's thread only. */
#ifndef XD_BASE_ENV_H
#define XD_BASE_ENV_H

#include "base/result.h"

#include <stddef.h>

enum xd_log_level { XD_LOG_DEBUG, XD_LOG_INFO, XD_LOG_WARNING, XD_LOG_ERROR };

struct xd_env {
    void *context;
    /* Fills out with unpredictable bytes. MUST NOT return fewer: a weak epoch or
     * key would break the promise of once-only. Aborts rather than fails. */
    void (*entropy)(void *context, void *out, size_t size);
    /* One structured line. members is the inside of a JSON object without the
     * braces ("\"site\":\"WH1\""), or NULL; borrowed for the call. */
    void (*log)(void *context, enum xd_log_level level, const char *event, const char *correlation_id,
                const char *members);
};

/* Writes one log line; detail_format makes the text of the member "detail" and
 * may be NULL. correlation_id may be NULL. */
void xd_log(const struct xd_env *env, enum xd_log_level level, const char *event, const char *correlation_id,
            const char *detail_format, ...) __attribute__((format(printf, 5, 6)));

#endif
