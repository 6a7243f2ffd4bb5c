/* crossdock-agent: arguments, configuration, and away. */
#include "base/crypto.h"
#include "base/memory.h"
#include "posix/agent/agent.h"
#include "posix/runtime/program.h"
#include "posix/runtime/sha256.h"
#include "posix/runtime/world.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Memory that a burst needed goes back to the system: few arenas, large blocks by mmap. */
static void tame_malloc(void) {
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

int main(int count, char **texts) {
    static const struct xd_program about = {
        .name = "crossdock-agent",
        .about = "Takes a warehouse's documents by MQTT, keeps them safe, and syncs with the hub."};
    struct xd_arguments arguments = {0};
    struct xd_agent_config config;
    struct xd_buffer errors;
    int status = xd_program_arguments(&about, count, texts, &arguments);
    if (status >= 0) {
        return status;
    }
    tame_malloc();
    xd_memory_adopt_cjson();
    xd_buffer_init(&errors, 0);
    enum xd_result result = xd_agent_config_load(arguments.config, &config, &errors);
    if (result != XD_OK) {
        (void)fputs(result == XD_INVALID ? xd_buffer_string(&errors) : "crossdock-agent: not enough memory\n",
                    stderr);
        status = result == XD_INVALID ? XD_EXIT_WRONG_INPUT : EXIT_FAILURE;
    } else if (arguments.check) {
        (void)printf("%s: fine\n", arguments.config);
        status = EXIT_SUCCESS;
    } else {
        xd_world_log_open(arguments.log_text, (enum xd_log_level)config.log_level);
        xd_world_signals();
        if (xd_crypto_self_test() != XD_OK || xd_crypto_accelerate(xd_fast_sha256) != XD_OK) {
            (void)fputs("crossdock-agent: the cryptographic self-test failed\n", stderr);
            status = EXIT_FAILURE;
        } else {
            status = xd_agent_run(&config, arguments.config, arguments.log_text);
        }
    }
    xd_buffer_free(&errors);
    if (status == EXIT_FAILURE) {
        _exit(status); /* threads may run that still use the configuration */
    }
    xd_agent_config_free(&config);
    return status;
}
