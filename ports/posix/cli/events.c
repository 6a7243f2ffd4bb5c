/* crossdock events: pages of the log, and the stream of what happens.
 *
 * The stream comes in pieces that end anywhere: lines are put together, and an event is
 * what stands between two blank ones (WHATWG HTML, server-sent events). When the hub goes
 * away the command waits for it and goes on behind the last event that it printed. */
#include "base/json.h"
#include "base/memory.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"
#include "posix/runtime/world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define EVENT_MAX ((size_t)16 * 1024 * 1024)
#define AGAIN_NS (500 * 1000 * 1000L)

static atomic_bool interrupted;

static void on_interrupt(int number) {
    (void)number;
    atomic_store(&interrupted, true);
}

/* ---- one event for people ---- */

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void add_text(struct xd_buffer *out, const char *before, const char *text) {
    if (text != NULL) {
        xd_buffer_text(out, before);
        xd_text_clean(out, text);
    }
}

/* "1795428000001 2026-11-23 10:00:00.000 order.shipped PO-1 O... SHIPPED" */
static void write_event(struct xd_buffer *out, const cJSON *event) {
    const cJSON *data = member(event, "data"), *exception = member(data, "exception");
    const char *type = xd_json_text(event, "type"), *time = xd_json_text(event, "time");
    const char *prefix = "crossdock.";
    add_text(out, "", xd_json_text(event, "sequence"));
    xd_buffer_text(out, "  ");
    xd_text_time(out, time != NULL ? time : "-");
    if (type != NULL && strncmp(type, prefix, strlen(prefix)) == 0) {
        type += strlen(prefix);
    }
    add_text(out, "  ", type);
    add_text(out, "  ", xd_json_text(data, "external_order_id"));
    add_text(out, "  ", xd_json_text(data, "order_id"));
    add_text(out, "  ", xd_json_text(data, "status"));
    add_text(out, "  ", xd_json_text(exception, "code"));
    add_text(out, "  ", xd_json_text(exception, "detail"));
    xd_buffer_byte(out, '\n');
}

/* ---- pages ---- */

static void write_page(struct xd_cli *cli, const cJSON *tree) {
    const cJSON *row;
    cJSON_ArrayForEach(row, member(tree, "events")) {
        if (cli->json) {
            xd_json_print(member(row, "event"), &cli->out);
            xd_buffer_byte(&cli->out, '\n');
        } else {
            write_event(&cli->out, member(row, "event"));
        }
    }
}

/* cursor gets where it ends; "" at first: --cursor or --from. */
static int page(struct xd_cli *cli, const char *limit, char cursor[32], size_t *count) {
    struct xd_cli_call call = {.method = "GET", .secret = true}; /* one event a line, not the page as it is */
    cJSON *tree;
    xd_cli_path(&call, "/v1/events");
    xd_cli_query(&call, "limit", limit);
    xd_cli_query(&call, "types", cli->options[XD_OPTION_TYPES]);
    if (cursor[0] != 0) {
        xd_cli_query(&call, "cursor", cursor);
    } else {
        xd_cli_query(&call, "cursor", cli->options[XD_OPTION_CURSOR]);
        xd_cli_query(&call, "from",
                     cli->options[XD_OPTION_CURSOR] == NULL ? cli->options[XD_OPTION_FROM] : NULL);
    }
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0) {
        const char *next = xd_json_text(tree, "next_cursor");
        write_page(cli, tree);
        *count = (size_t)cJSON_GetArraySize(member(tree, "events"));
        (void)snprintf(cursor, 32, "%s", next != NULL ? next : "");
    }
    cJSON_Delete(tree);
    return status;
}

/* ---- the stream ---- */

struct follower {
    struct xd_cli *cli;
    struct xd_buffer line, data;
    char last[32]; /* the id of the last event that was printed */
    char id[32];   /* of the one that comes */
    bool failed;   /* standard output cannot be written */
};

static bool flush_out(struct xd_cli *cli) {
    bool fine =
        fwrite(xd_buffer_string(&cli->out), 1, cli->out.size, stdout) == cli->out.size && fflush(stdout) == 0;
    xd_buffer_clear(&cli->out);
    return fine;
}

static void print_data(struct follower *follower) {
    struct xd_cli *cli = follower->cli;
    struct xd_json_error error;
    cJSON *tree = NULL;
    bool event = xd_json_parse(xd_buffer_view(&follower->data), EVENT_MAX, XD_JSON_DEPTH_MAX, &tree,
                               &error) == XD_OK &&
                 xd_json_text(tree, "specversion") != NULL;
    if (cli->json) {
        xd_buffer_add(&cli->out, follower->data.data, follower->data.size);
        xd_buffer_byte(&cli->out, '\n');
    } else if (event) {
        write_event(&cli->out, tree);
    } else {
        xd_buffer_text(&cli->out, "some events are in the hub's log no more: the list has a gap here\n");
    }
    cJSON_Delete(tree);
    follower->failed = !flush_out(cli);
}

static void take_line(struct follower *follower) {
    const char *line = xd_buffer_string(&follower->line);
    if (strncmp(line, "id: ", 4) == 0) {
        (void)snprintf(follower->id, sizeof follower->id, "%s", line + 4);
    } else if (strncmp(line, "data: ", 6) == 0) {
        xd_buffer_text(&follower->data, line + 6);
    } else if (line[0] == 0 && follower->data.size > 0) {
        print_data(follower);
        memcpy(follower->last, follower->id, sizeof follower->last);
        xd_buffer_clear(&follower->data);
    }
}

static bool take(void *context, struct xd_bytes part) {
    struct follower *follower = context;
    for (size_t index = 0; index < part.size && !follower->failed; index++) {
        if (part.data[index] != '\n') {
            xd_buffer_byte(&follower->line, part.data[index]);
            continue;
        }
        take_line(follower);
        xd_buffer_clear(&follower->line);
    }
    return !follower->failed && !atomic_load(&interrupted);
}

static int follow(struct xd_cli *cli, const char *after) {
    struct follower follower = {.cli = cli};
    int status = XD_EXIT_AGAIN;
    bool told = false;
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)snprintf(follower.last, sizeof follower.last, "%s", after);
    xd_buffer_init(&follower.line, EVENT_MAX);
    xd_buffer_init(&follower.data, EVENT_MAX);
    while (status == XD_EXIT_AGAIN && !atomic_load(&interrupted) && !follower.failed) {
        struct xd_cli_call call = {.method = "GET"};
        xd_cli_path(&call, "/v1/events");
        xd_cli_query(&call, "types", cli->options[XD_OPTION_TYPES]);
        status = xd_cli_stream(cli, &call, follower.last[0] != 0 ? follower.last : NULL, take, &follower,
                               &interrupted);
        xd_buffer_clear(&follower.line);
        xd_buffer_clear(&follower.data);
        if (status == XD_EXIT_AGAIN && !told && !follower.failed) {
            (void)xd_cli_fail(0, "the hub is away; waiting for it (Ctrl-C ends this)");
        }
        told = true;
        (void)nanosleep(&(struct timespec){.tv_nsec = status == XD_EXIT_AGAIN ? AGAIN_NS : 0}, NULL);
    }
    xd_buffer_free(&follower.line);
    xd_buffer_free(&follower.data);
    if (follower.failed) {
        return xd_cli_fail(XD_EXIT_FAILED, "standard output cannot be written");
    }
    return status == XD_EXIT_AGAIN ? 0 : status;
}

int xd_cli_events(struct xd_cli *cli) {
    const char *limit;
    char cursor[32] = "";
    size_t count = 0;
    bool follows = cli->options[XD_OPTION_FOLLOW] != NULL;
    bool from = cli->options[XD_OPTION_FROM] != NULL || cli->options[XD_OPTION_CURSOR] != NULL;
    int status = xd_cli_limit(cli, &limit);
    if (status == 0 && (from || !follows)) {
        status = page(cli, limit, cursor, &count);
    }
    while (status == 0 && follows && from && count > 0 && flush_out(cli)) {
        status = page(cli, limit, cursor, &count);
    }
    if (status == 0 && !follows && !cli->json && count > 0) {
        xd_cli_more_from(cli, cursor);
    }
    return status == 0 && follows ? follow(cli, cursor) : status;
}
