/* crossdock-agent: its configuration, and away. */
#include "posix/agent/agent.h"
#include "posix/config/checks.h"
#include "posix/runtime/program.h"

#include <malloc.h>

/* Memory that a burst needed goes back to the system: few arenas, large blocks by mmap. */
static void tame_malloc(void) {
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

static enum xd_result load(const char *path, void *config, struct xd_buffer *errors) {
    return xd_agent_config_load(path, config, errors);
}

static void check(const void *config, struct xd_buffer *errors, struct xd_buffer *notes) {
    const struct xd_agent_config *agent = config;
    xd_check_state_dir(agent->file, agent->state_dir, errors, notes);
}

static int log_level(const void *config) {
    return ((const struct xd_agent_config *)config)->log_level;
}

static int run(const void *config, const char *path, bool log_text) {
    return xd_agent_run(config, path, log_text);
}

static void release(void *config) {
    xd_agent_config_free(config);
}

int main(int count, char **texts) {
    static struct xd_agent_config config;
    static const struct xd_program program = {
        .name = "crossdock-agent",
        .about = "Takes a warehouse's documents by MQTT, keeps them safe, and syncs with the hub.",
        .config = &config,
        .load = load,
        .check = check,
        .log_level = log_level,
        .run = run,
        .free = release};
    tame_malloc();
    return xd_program_main(&program, count, texts);
}
