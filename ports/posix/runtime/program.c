#include "posix/runtime/program.h"

#include "base/crypto.h"
#include "base/memory.h"
#include "posix/runtime/sha256.h"
#include "posix/runtime/world.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct arguments {
    const char *config;
    bool check, log_text;
};

static void print_help(const struct xd_program *program, FILE *to) {
    (void)fprintf(to,
                  "usage: %s --config FILE [--check] [--log-format text|json]\n"
                  "\n"
                  "%s\n"
                  "\n"
                  "  --config FILE      the configuration (YAML)\n"
                  "  --check            check the configuration, and the files that it names, and exit\n"
                  "  --log-format FORM  json (default) or text, on standard error\n"
                  "  --version          print the version and exit\n"
                  "  --help             print this and exit\n"
                  "\n"
                  "Exit status: 0 fine, 2 wrong configuration or arguments, 1 anything else.\n"
                  "SIGTERM stops it in order, SIGHUP reads the log level again.\n",
                  program->name, program->about);
}

static int wrong(const struct xd_program *program, const char *text) {
    (void)fprintf(stderr, "%s: %s\n", program->name, text);
    print_help(program, stderr);
    return XD_EXIT_WRONG_INPUT;
}

/* -1: go on; otherwise the exit status (help and version were printed, or what is
 * wrong with the arguments). */
static int read_arguments(const struct xd_program *program, int count, char **texts, struct arguments *out) {
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
                return wrong(program, "--log-format is text or json");
            }
            break;
        case 'v':
            (void)printf("%s %s\n", program->name, XD_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            print_help(program, stdout);
            return EXIT_SUCCESS;
        default:
            print_help(program, stderr);
            return XD_EXIT_WRONG_INPUT;
        }
    }
    if (out->config == NULL) {
        return wrong(program, "--config FILE is missing");
    }
    return optind < count ? wrong(program, "there are too many arguments") : -1;
}

static int run(const struct xd_program *program, const struct arguments *arguments) {
    xd_world_log_open(arguments->log_text, (enum xd_log_level)program->log_level(program->config));
    xd_world_signals();
    if (xd_crypto_self_test() != XD_OK || xd_crypto_accelerate(xd_fast_sha256) != XD_OK) {
        (void)fprintf(stderr, "%s: the cryptographic self-test failed\n", program->name);
        return EXIT_FAILURE;
    }
    return program->run(program->config, arguments->config, arguments->log_text);
}

static int check(const struct xd_program *program, const char *path) {
    struct xd_buffer errors, notes;
    xd_buffer_init(&errors, 0);
    xd_buffer_init(&notes, 0);
    program->check(program->config, &errors, &notes);
    bool fine = errors.size == 0 && xd_buffer_result(&errors) == XD_OK;
    (void)fprintf(stderr, "%s%s", xd_buffer_string(&errors), xd_buffer_string(&notes));
    if (fine) {
        (void)printf("%s: fine\n", path);
    }
    xd_buffer_free(&errors);
    xd_buffer_free(&notes);
    return fine ? EXIT_SUCCESS : XD_EXIT_WRONG_INPUT;
}

int xd_program_main(const struct xd_program *program, int count, char **texts) {
    struct arguments arguments = {0};
    struct xd_buffer errors;
    int status = read_arguments(program, count, texts, &arguments);
    if (status >= 0) {
        return status;
    }
    xd_memory_adopt_cjson();
    xd_buffer_init(&errors, 0);
    enum xd_result result = program->load(arguments.config, program->config, &errors);
    if (result == XD_INVALID) {
        (void)fputs(xd_buffer_string(&errors), stderr);
        status = XD_EXIT_WRONG_INPUT;
    } else if (result != XD_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", program->name, arguments.config, xd_result_name(result));
        status = EXIT_FAILURE;
    } else if (arguments.check) {
        status = check(program, arguments.config);
    } else {
        status = run(program, &arguments);
    }
    xd_buffer_free(&errors);
    if (status == EXIT_FAILURE) {
        _exit(status); /* threads may run that still use the configuration */
    }
    program->free(program->config);
    return status;
}

void xd_program_feed_watchdog(xd_ms monotonic) {
    static xd_ms every, next;
    static bool asked;
    if (!asked) {
        const char *text = getenv("WATCHDOG_USEC");
        asked = true;
        every = text == NULL ? 0 : (xd_ms)(strtoll(text, NULL, 10) / 2000);
    }
    if (every > 0 && monotonic >= next) {
        next = monotonic + every;
        xd_world_notify("WATCHDOG=1");
    }
}
