/* crossdock-agent: arguments, configuration, and away. */
#include "base/crypto.h"
#include "base/memory.h"
#include "posix/agent/agent.h"
#include "posix/runtime/world.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_WRONG_INPUT 2

struct arguments {
    const char *config;
    bool check, log_text;
};

static void print_help(FILE *to) {
    (void)fputs("usage: crossdock-agent --config FILE [--check] [--log-format text|json]\n"
                "\n"
                "Takes a warehouse's documents by MQTT, keeps them safe, and syncs with the hub.\n"
                "\n"
                "  --config FILE      the configuration (YAML)\n"
                "  --check            check the configuration and exit\n"
                "  --log-format FORM  json (default) or text, on standard error\n"
                "  --version          print the version and exit\n"
                "  --help             print this and exit\n"
                "\n"
                "Exit status: 0 fine, 2 wrong configuration or arguments, 1 anything else.\n"
                "SIGTERM stops it in order, SIGHUP reads the log level again.\n",
                to);
}

/* -1: go on; otherwise the exit status. */
static int read_arguments(int count, char **texts, struct arguments *out) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check", no_argument, NULL, 'k'},
                                            {"log-format", required_argument, NULL, 'l'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(count, texts, "", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            out->config = optarg;
            break;
        case 'k':
            out->check = true;
            break;
        case 'l':
            out->log_text = strcmp(optarg, "text") == 0;
            if (!out->log_text && strcmp(optarg, "json") != 0) {
                (void)fprintf(stderr, "crossdock-agent: --log-format is text or json, not %s\n", optarg);
                return EXIT_WRONG_INPUT;
            }
            break;
        case 'v':
            (void)puts("crossdock-agent " XD_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            print_help(stdout);
            return EXIT_SUCCESS;
        default:
            print_help(stderr);
            return EXIT_WRONG_INPUT;
        }
    }
    if (out->config == NULL || optind < count) {
        (void)fprintf(stderr, "crossdock-agent: %s\n",
                      out->config == NULL ? "--config FILE is missing" : "there are too many arguments");
        print_help(stderr);
        return EXIT_WRONG_INPUT;
    }
    return -1;
}

/* Memory that a burst needed goes back to the system: few arenas, large blocks by mmap. */
static void tame_malloc(void) {
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

int main(int count, char **texts) {
    struct arguments arguments = {0};
    struct xd_agent_config config;
    struct xd_buffer errors;
    int status = read_arguments(count, texts, &arguments);
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
        status = result == XD_INVALID ? EXIT_WRONG_INPUT : EXIT_FAILURE;
    } else if (arguments.check) {
        (void)printf("%s: fine\n", arguments.config);
        status = EXIT_SUCCESS;
    } else {
        xd_world_log_open(arguments.log_text, (enum xd_log_level)config.log_level);
        xd_world_signals();
        if (xd_crypto_self_test() != XD_OK) {
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
