/* The detail is cut at DETAIL_SIZE; a character cut in two becomes U+FFFD, so
 * that the line stays JSON. */
#include "base/env.h"

#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>

#define DETAIL_SIZE 512

void xd_log(const struct xd_env *env, enum xd_log_level level, const char *event, const char *correlation_id,
            const char *detail_format, ...) {
    if (env == NULL || env->log == NULL) {
        return;
    }
    if (detail_format == NULL) {
        env->log(env->context, level, event, correlation_id, NULL);
        return;
    }
    char detail[DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, detail_format);
    int size = vsnprintf(detail, sizeof detail, detail_format, arguments);
    va_end(arguments);
    struct xd_buffer members;
    xd_buffer_init(&members, 0);
    xd_buffer_add(&members, "\"detail\":", 9);
    xd_buffer_json(&members, size < 0 ? "" : detail);
    /* without memory the event itself still gets out */
    bool complete = xd_buffer_result(&members) == XD_OK;
    env->log(env->context, level, event, correlation_id, complete ? xd_buffer_string(&members) : NULL);
    xd_buffer_free(&members);
}
