/* crossdock-hub: its configuration, and away. */
#include "posix/hub/hub_program.h"
#include "posix/runtime/program.h"

static enum xd_result load(const char *path, void *config, struct xd_buffer *errors) {
    return xd_hub_config_load(path, config, errors);
}

static int log_level(const void *config) {
    return ((const struct xd_hub_program_config *)config)->log_level;
}

static int run(const void *config, const char *path, bool log_text) {
    return xd_hub_program_run(config, path, log_text);
}

static void release(void *config) {
    xd_hub_config_free(config);
}

int main(int count, char **texts) {
    static struct xd_hub_program_config config;
    static const struct xd_program program = {
        .name = "crossdock-hub",
        .about =
            "Takes orders, posts them to the ERP, releases them to sites and reconciles what sites confirm.",
        .config = &config,
        .load = load,
        .log_level = log_level,
        .run = run,
        .free = release};
    return xd_program_main(&program, count, texts);
}
