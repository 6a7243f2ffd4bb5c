/* crossdock-hub: arguments, configuration, and away. */
#include "base/crypto.h"
#include "base/memory.h"
#include "posix/hub/hub_program.h"
#include "posix/runtime/program.h"
#include "posix/runtime/sha256.h"
#include "posix/runtime/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **texts) {
    static const struct xd_program about = {
        .name = "crossdock-hub",
        .about =
            "Takes orders, posts them to the ERP, releases them to sites and reconciles what sites confirm."};
    struct xd_arguments arguments = {0};
    struct xd_hub_program_config config;
    struct xd_buffer errors;
    int status = xd_program_arguments(&about, count, texts, &arguments);
    if (status >= 0) {
        return status;
    }
    xd_memory_adopt_cjson();
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_hub_config_load(arguments.config, &config, &errors);
    if (result != XD_OK) {
        (void)fputs(result == XD_INVALID ? xd_buffer_string(&errors) : "crossdock-hub: not enough memory\n",
                    stderr);
        status = result == XD_INVALID ? XD_EXIT_WRONG_INPUT : EXIT_FAILURE;
    } else if (arguments.check) {
        (void)printf("%s: fine\n", arguments.config);
        status = EXIT_SUCCESS;
    } else {
        xd_world_log_open(arguments.log_text, (enum xd_log_level)config.log_level);
        xd_world_signals();
        if (xd_crypto_self_test() != XD_OK || xd_crypto_accelerate(xd_fast_sha256) != XD_OK) {
            (void)fputs("crossdock-hub: the cryptographic self-test failed\n", stderr);
            status = EXIT_FAILURE;
        } else {
            status = xd_hub_program_run(&config, arguments.config, arguments.log_text);
        }
    }
    xd_buffer_free(&errors);
    if (status == EXIT_FAILURE) {
        _exit(status); /* threads may run that still use the configuration */
    }
    xd_hub_config_free(&config);
    return status;
}
