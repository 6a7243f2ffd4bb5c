#include "posix/cli/rows.h"

#include "posix/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void xd_cli_wrong_add(struct xd_cli_wrong *wrong, unsigned line, const char *format, ...) {
    char text[512];
    va_list arguments;
    if (wrong->count++ >= XD_CLI_WRONG_TOLD) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s:%u: %s", wrong->name, line, text);
}

int xd_cli_wrong_end(const struct xd_cli_wrong *wrong) {
    if (wrong->count > XD_CLI_WRONG_TOLD) {
        (void)xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s: and %zu more", wrong->name,
                          wrong->count - XD_CLI_WRONG_TOLD);
    }
    return wrong->count > 0 ? XD_EXIT_WRONG_INPUT : 0;
}

bool xd_cli_entry_of(const char *pointer, size_t count, size_t *index, const char **rest) {
    static const char prefix[] = "/entries/";
    char *end = NULL;
    if (strncmp(pointer, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    *index = strtoul(pointer + sizeof prefix - 1, &end, 10);
    *rest = end;
    return *index < count;
}
