/* crossdock: the operator's command line. */
#include "base/memory.h"
#include "posix/cli/arguments.h"
#include "posix/runtime/world.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* All of it or a complaint: a list that ends early must not look complete. */
static int write_out(const struct xd_buffer *out, int status) {
    if (xd_buffer_result(out) != XD_OK) {
        return xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
    }
    if (fwrite(xd_buffer_string(out), 1, out->size, stdout) != out->size || fflush(stdout) != 0) {
        return xd_cli_fail(XD_EXIT_FAILED, "standard output cannot be written");
    }
    return status;
}

int main(int count, char **texts) {
    const char *no_colour = getenv("NO_COLOR");
    struct xd_cli cli = {.now = xd_world_now().wall};
    /* Only to know how wide characters are: what is printed is UTF-8, whatever the locale. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    cli.colour = isatty(STDOUT_FILENO) == 1 && (no_colour == NULL || no_colour[0] == 0);
    xd_memory_adopt_cjson();
    xd_buffer_init(&cli.out, 0);
    int status = xd_arguments_read(count, texts, &cli);
    if (status < 0) {
        status = cli.verb->run(&cli);
    }
    status = write_out(&cli.out, status);
    xd_buffer_free(&cli.out);
    return status;
}
