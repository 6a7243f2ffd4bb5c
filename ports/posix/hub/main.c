/* crossdock-hub: its configuration, and away. */
#include "posix/config/checks.h"
#include "posix/hub/hub_erp_types.h"
#include "posix/hub/hub_program.h"
#include "posix/runtime/program.h"

static enum xd_result load(const char *path, void *config, struct xd_buffer *errors) {
    return xd_hub_config_load(path, config, errors);
}

static void check(const void *config, struct xd_buffer *errors, struct xd_buffer *notes) {
    const struct xd_hub_program_config *hub = config;
    char why[XD_WHY_SIZE];
    xd_check_state_dir(hub->file, hub->state_dir, errors, notes);
    for (size_t index = 0; index < hub->erp_count; index++) {
        if (xd_erp_type_check(&hub->erps[index], hub->state_dir, why, sizeof why) != XD_OK) {
            xd_buffer_format(errors, "%s\n", why);
        }
    }
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
        .check = check,
        .log_level = log_level,
        .run = run,
        .free = release};
    return xd_program_main(&program, count, texts);
}
