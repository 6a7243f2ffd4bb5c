/* What the agent tells on http.listen. Reads the board only. */
#include "posix/agent/agent.h"

#include "documents/registry.h"
#include "posix/runtime/world.h"

#include <string.h>

#define STILL_MS ((xd_ms)10000) /* a turn older than that: it does not move */

struct page {
    const char *path;
    void (*write)(struct xd_agent_board *board, struct xd_http_answer *answer, struct xd_buffer *out);
};

static bool moves(struct xd_agent_board *board) {
    int64_t at = atomic_load(&board->turn_at);
    return at != 0 && xd_world_now().monotonic - at < STILL_MS;
}

static void write_health(struct xd_agent_board *board, struct xd_http_answer *answer, struct xd_buffer *out) {
    bool healthy = moves(board);
    answer->status = healthy ? 200 : 503;
    xd_buffer_format(out, "{\"status\":\"%s\"}\n", healthy ? "ok" : "stalled");
}

static void write_ready(struct xd_agent_board *board, struct xd_http_answer *answer, struct xd_buffer *out) {
    struct xd_agent_snapshot snapshot;
    bool ready = xd_agent_board_read(board, &snapshot) && moves(board);
    answer->status = ready ? 200 : 503;
    xd_buffer_format(out, "{\"status\":\"%s\",\"wms\":\"%s\",\"line\":\"%s\",\"line_consuming\":\"%s\"}\n",
                     ready ? "ready" : "not ready", snapshot.wms_up ? "up" : "down",
                     snapshot.publisher_up ? "up" : "down", snapshot.consumer_up ? "up" : "down");
}

static void write_metrics(struct xd_agent_board *board, struct xd_http_answer *answer,
                          struct xd_buffer *out) {
    struct xd_agent_snapshot snapshot;
    if (xd_agent_board_read(board, &snapshot)) {
        answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
        xd_agent_snapshot_metrics(&snapshot, out);
    } else {
        answer->status = 503;
    }
}

static void write_status(struct xd_agent_board *board, struct xd_http_answer *answer, struct xd_buffer *out) {
    struct xd_agent_snapshot snapshot;
    if (xd_agent_board_read(board, &snapshot)) {
        xd_agent_snapshot_json(&snapshot, out);
    } else {
        answer->status = 503;
    }
}

static void write_problems(struct xd_agent_board *board, struct xd_http_answer *answer,
                           struct xd_buffer *out) {
    (void)board;
    (void)answer;
    xd_registry_write_all(out);
}

static const struct page pages[] = {{"/healthz", write_health},
                                    {"/readyz", write_ready},
                                    {"/metrics", write_metrics},
                                    {"/v1/status", write_status},
                                    {"/v1/problems", write_problems}};

/* Where the `type` of our problems leads; NULL: the path is another one, or there is no such code. */
static const struct xd_code *code_of(const char *path) {
    static const char before[] = "/v1/problems/";
    return strncmp(path, before, sizeof before - 1) == 0 ? xd_registry_find(path + sizeof before - 1) : NULL;
}

static void write_problem(struct xd_http_answer *answer, unsigned status, const char *code,
                          const char *detail, struct xd_buffer *out) {
    struct xd_problem_answer problem = {
        .status = status, .code = code, .detail = detail, .retryable = status >= 500};
    answer->status = status;
    answer->content_type = "application/problem+json";
    xd_problem_answer_write(&problem, out);
}

void xd_agent_http(void *context, struct xd_http_request *request) {
    const struct page *page = NULL;
    struct xd_http_answer answer = {.status = 200};
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    for (size_t index = 0; index < sizeof pages / sizeof pages[0]; index++) {
        if (strcmp(xd_http_path(request), pages[index].path) == 0) {
            page = &pages[index];
        }
    }
    const struct xd_code *code = code_of(xd_http_path(request));
    if (page == NULL && code == NULL) {
        write_problem(&answer, 404, "not_found", "There is no such page.", &body);
    } else if (strcmp(xd_http_method(request), "GET") != 0 && strcmp(xd_http_method(request), "HEAD") != 0) {
        answer.allow = "GET, HEAD";
        write_problem(&answer, 405, "method_not_allowed", "This page can only be read.", &body);
    } else if (page == NULL) {
        xd_registry_write(code, &body);
    } else {
        page->write(context, &answer, &body);
    }
    if (xd_buffer_result(&body) != XD_OK) {
        xd_buffer_clear(&body);
        write_problem(&answer, 503, "try_again", "There is no memory just now.", &body);
    }
    answer.body = xd_buffer_view(&body);
    xd_http_respond(request, &answer);
    xd_buffer_free(&body);
}
