/* Figures for /metrics: a copy that the turn's thread makes once a second. */
#include "posix/hub/hub_program.h"

#include "hub/sla/sla.h"
#include "posix/runtime/world.h"

#include <inttypes.h>
#include <string.h>

#define WAITING_MAX 10000       /* events are counted up to here */
#define STILL_MS ((xd_ms)10000) /* a turn older than that: it does not move */

static enum xd_result count_jobs(const struct xd_hub_program *program, size_t erp,
                                 int64_t counts[XD_JOB_STATE_COUNT]) {
    const struct xd_hub_store *store = &program->store;
    enum xd_result result = XD_OK;
    for (int state = 0; state < XD_JOB_STATE_COUNT && result == XD_OK; state++) {
        result = store->job_count_of(store->context, program->erps[erp].name, state, &counts[state]);
    }
    return result;
}

enum xd_result xd_hub_board_view_erps(struct xd_hub_program *program, const struct xd_hub_store *store,
                                      struct xd_buffer *out) {
    struct xd_erp_figures figures[XD_ERPS_MAX];
    pthread_mutex_lock(&program->board.mutex);
    memcpy(figures, program->board.erp_figures, sizeof figures);
    pthread_mutex_unlock(&program->board.mutex);
    return xd_view_erps(store, program->erps, figures, program->config->erp_count, out);
}

bool xd_hub_knows_erp(const struct xd_hub_program *program, const char *name) {
    bool known = name == NULL;
    for (size_t index = 0; index < program->config->erp_count && !known; index++) {
        known = strcmp(program->erps[index].name, name) == 0;
    }
    return known;
}

enum xd_result xd_hub_board_fill(struct xd_hub_program *program) {
    const struct xd_hub_store *store = &program->store;
    struct xd_hub_board *board = &program->board;
    int64_t orders[XD_ORDER_STATUS_COUNT], jobs[XD_JOB_STATE_COUNT], exceptions = 0, waiting = 0, used = 0,
                                                                     differences = 0, quota = 0;
    int64_t counted[XD_ERPS_MAX][XD_JOB_STATE_COUNT] = {{0}};
    enum xd_result result = store->exception_count(store->context, &exceptions);
    for (int status = 0; status < XD_ORDER_STATUS_COUNT && result == XD_OK; status++) {
        result = store->order_count(store->context, status, &orders[status]);
    }
    for (int state = 0; state < XD_JOB_STATE_COUNT && result == XD_OK; state++) {
        result = store->job_count(store->context, state, &jobs[state]);
    }
    if (result == XD_OK) {
        result = store->events.count_after(store->events.context, program->hub.events.confirmed, WAITING_MAX,
                                           &waiting);
    }
    if (result == XD_OK) {
        result = store->books.difference_count(store->context, NULL, &differences);
    }
    if (result == XD_OK) {
        result = store->delivery.usage(store->delivery.context, &used, &quota);
    }
    for (size_t erp = 0; erp < program->hub.config.erp_count && result == XD_OK; erp++) {
        result = count_jobs(program, erp, counted[erp]);
    }
    if (result != XD_OK) {
        return result;
    }
    pthread_mutex_lock(&board->mutex);
    memcpy(board->erp_jobs, counted, sizeof counted);
    board->erps = program->hub.config.erps;
    board->erp_count = program->hub.config.erp_count;
    xd_erp_figures_take(&program->hub, board->erp_figures);
    for (size_t erp = 0; erp < board->erp_count; erp++) {
        board->erp_paused[erp] = program->hub.lanes[erp].paused;
    }
    memcpy(board->orders, orders, sizeof orders);
    memcpy(board->jobs, jobs, sizeof jobs);
    board->exceptions = exceptions;
    board->store_bytes = used;
    board->counters = program->hub.counters;
    board->books = *xd_books_counters_of(&program->hub);
    board->differences = differences;
    board->turn = program->turn.counters;
    board->publisher_up = program->outgoing.up;
    board->consumer_up = program->consumer_up;
    board->erp_calls = xd_hub_erp_calls(&program->hub);
    board->sites = program->hub.site_count;
    board->in_flight = program->hub.flight.count;
    board->subscriptions = program->hub.webhooks.count;
    board->streams = xd_event_feed_count(program->feed);
    board->events_waiting = waiting;
    pthread_mutex_unlock(&board->mutex);
    return XD_OK;
}

bool xd_hub_board_moves(struct xd_hub_board *board) {
    int64_t at = atomic_load(&board->turn_at);
    return at != 0 && xd_world_now().monotonic - at < STILL_MS;
}

static void head(struct xd_buffer *out, const char *name, const char *kind, const char *help) {
    xd_buffer_format(out, "# HELP crossdock_hub_%s %s\n# TYPE crossdock_hub_%s %s\n", name, help, name, kind);
}

static void counter(struct xd_buffer *out, const char *name, uint64_t value, const char *help) {
    head(out, name, "counter", help);
    xd_buffer_format(out, "crossdock_hub_%s %" PRIu64 "\n", name, value);
}

static void gauge(struct xd_buffer *out, const char *name, int64_t value, const char *help) {
    head(out, name, "gauge", help);
    xd_buffer_format(out, "crossdock_hub_%s %" PRId64 "\n", name, value);
}

static void by_name(struct xd_buffer *out, const char *name, const char *label, const char *const *names,
                    const int64_t *values, const char *help) {
    head(out, name, "gauge", help);
    for (size_t index = 0; names[index] != NULL; index++) {
        xd_buffer_format(out, "crossdock_hub_%s{%s=\"%s\"} %" PRId64 "\n", name, label, names[index],
                         values[index]);
    }
}

static void by_promise(struct xd_buffer *out, const char *name, const uint64_t *values, const char *help) {
    head(out, name, "counter", help);
    for (int promise = 0; promise < XD_PROMISE_COUNT; promise++) {
        xd_buffer_format(out, "crossdock_hub_%s{promise=\"%s\"} %" PRIu64 "\n", name,
                         xd_promise_names[promise], values[promise]);
    }
}

static void write_counters(struct xd_hub_board *board, struct xd_buffer *out) {
    const struct xd_hub_counters *of = &board->counters;
    counter(out, "orders_accepted_total", of->orders_accepted, "Orders taken.");
    counter(out, "orders_repeated_total", of->orders_repeated, "Orders that were known already.");
    counter(out, "orders_refused_total", of->orders_refused, "Orders that could not be taken.");
    counter(out, "requests_rate_limited_total", atomic_load(&board->rate_limited),
            "Requests refused because their client asks too often.");
    counter(out, "requests_busy_total", atomic_load(&board->busy),
            "Orders sent away because too many of their client wait.");
    counter(out, "documents_total", of->documents, "New documents from sites.");
    counter(out, "document_repeats_total", of->repeats, "Documents from sites that were known already.");
    counter(out, "forged_total", of->forged, "Messages that were not authentic.");
    counter(out, "unusable_total", of->unusable, "Authentic messages that could not be used.");
    counter(out, "confirmations_applied_total", of->confirmations_applied, "Confirmations applied.");
    counter(out, "confirmations_parked_total", of->confirmations_parked, "Confirmations parked.");
    counter(out, "lines_parked_total", of->lines_parked, "Lines of confirmations parked.");
    counter(out, "releases_adopted_total", of->releases_adopted,
            "Orders taken back from a site that held them.");
    by_promise(out, "sla_warned_total", of->sla_warned, "Orders that were about to miss a promise.");
    by_promise(out, "sla_breached_total", of->sla_breached, "Orders that have missed a promise.");
    counter(out, "erp_calls_total", of->erp_calls, "Calls to the ERP.");
    counter(out, "erp_done_total", of->erp_done, "Calls to the ERP that took effect.");
    counter(out, "erp_rejected_total", of->erp_rejected, "Postings that the ERP refused for good.");
    counter(out, "erp_unknown_total", of->erp_unknown, "Calls whose outcome was not known.");
    counter(out, "erp_unavailable_total", of->erp_unavailable, "Calls that the ERP could not take.");
    counter(out, "check_failures_total", of->check_failures, "Checks of orders that were not answered.");
    counter(out, "events_published_total", of->events_published,
            "Lifecycle events that the broker has confirmed.");
    counter(out, "webhooks_delivered_total", of->webhooks_delivered, "Events that a webhook has taken.");
    counter(out, "webhooks_failed_total", of->webhooks_failed, "Calls of webhooks that did not take theirs.");
    counter(out, "turns_total", board->turn.turns, "Turns.");
    counter(out, "events_total", board->turn.events, "Events taken by turns.");
    counter(out, "events_undone_total", board->turn.undone, "Events that were undone and refused.");
    counter(out, "commits_failed_total", board->turn.commits_failed, "Commits that failed.");
}

static void write_book(struct xd_buffer *out, const char *name, const char *kind, int64_t value,
                       const char *help) {
    xd_buffer_format(out, "# HELP crossdock_books_%s %s\n# TYPE crossdock_books_%s %s\n", name, help, name,
                     kind);
    xd_buffer_format(out, "crossdock_books_%s %" PRId64 "\n", name, value);
}

static void write_books(const struct xd_hub_board *board, struct xd_buffer *out) {
    const struct xd_books_counters *of = &board->books;
    write_book(out, "differences", "gauge", board->differences,
               "Differences between the hub and its ERPs that are open.");
    write_book(out, "pages_total", "counter", (int64_t)of->pages,
               "Pages of the ERP's documents that were read.");
    write_book(out, "born_total", "counter", (int64_t)of->born, "Sales of the ERP that became orders.");
    write_book(out, "changed_total", "counter", (int64_t)of->changed,
               "Changes of such sales that their orders followed.");
    write_book(out, "refused_total", "counter", (int64_t)of->refused,
               "Documents of the ERP that could not be taken when they came.");
    write_book(out, "invoices_total", "counter", (int64_t)of->invoices, "Invoices that were told.");
    write_book(out, "runs_total", "counter", (int64_t)of->runs, "Comparisons that were begun.");
    write_book(out, "repairs_total", "counter", (int64_t)of->repairs, "Repairs that were approved.");
}

static void erp_head(struct xd_buffer *out, const char *name, const char *kind, const char *help) {
    xd_buffer_format(out, "# HELP crossdock_erp_%s %s\n# TYPE crossdock_erp_%s %s\n", name, help, name, kind);
}

static void write_erp_jobs(const struct xd_hub_board *board, struct xd_buffer *out) {
    erp_head(out, "jobs", "gauge", "Postings by ERP and state; QUEUED is the depth of its queue.");
    for (size_t erp = 0; erp < board->erp_count; erp++) {
        for (int state = 0; state < XD_JOB_STATE_COUNT; state++) {
            xd_buffer_format(out, "crossdock_erp_jobs{erp=\"%s\",state=\"%s\"} %" PRId64 "\n",
                             board->erps[erp].name, xd_job_state_names[state], board->erp_jobs[erp][state]);
        }
    }
}

static void write_erp_answers(const struct xd_hub_board *board, bool lists, struct xd_buffer *out) {
    const char *name = lists ? "list_answers_total" : "answers_total";
    erp_head(
        out, name, "counter",
        lists ? "Pages of an ERP's lists that were asked for, by ERP and by what became of them; rejected: "
                "it has no such list."
              : "Postings and look-ups by ERP and by what became of them; lists are in "
                "crossdock_erp_list_answers_total.");
    for (size_t erp = 0; erp < board->erp_count; erp++) {
        const struct xd_lane_counters *met = &board->erp_figures[erp].counters;
        for (int outcome = 0; outcome <= XD_ERP_ABSENT; outcome++) {
            xd_buffer_format(out, "crossdock_erp_%s{erp=\"%s\",outcome=\"%s\"} %" PRIu64 "\n", name,
                             board->erps[erp].name, xd_erp_outcome_names[outcome],
                             lists ? met->lists[outcome] : met->outcomes[outcome]);
        }
    }
}

static void write_erps(const struct xd_hub_board *board, struct xd_buffer *out) {
    static const struct {
        const char *name, *help;
    } gauges[] = {
        {"paused", "Whether an ERP is paused."},
        {"breaker", "Its circuit breaker: 0 closed, 1 half open, 2 open."},
        {"calls_under_way", "Calls under way."},
        {"failing", "Whether it is left alone, or the last call to it, a list's too, was in vain."}};
    write_erp_jobs(board, out);
    write_erp_answers(board, false, out);
    write_erp_answers(board, true, out);
    for (size_t index = 0; index < sizeof gauges / sizeof gauges[0]; index++) {
        erp_head(out, gauges[index].name, "gauge", gauges[index].help);
        for (size_t erp = 0; erp < board->erp_count; erp++) {
            const struct xd_erp_figures *figures = &board->erp_figures[erp];
            const int64_t values[] = {board->erp_paused[erp], figures->breaker, figures->calls,
                                      figures->failing};
            xd_buffer_format(out, "crossdock_erp_%s{erp=\"%s\"} %" PRId64 "\n", gauges[index].name,
                             board->erps[erp].name, values[index]);
        }
    }
}

void xd_hub_board_metrics(struct xd_hub_board *board, struct xd_buffer *out) {
    pthread_mutex_lock(&board->mutex);
    head(out, "build_info", "gauge", "The program's version.");
    xd_buffer_format(out, "crossdock_hub_build_info{version=\"%s\"} 1\n", XD_VERSION);
    by_name(out, "orders", "status", xd_order_status_names, board->orders, "Orders by status.");
    by_name(out, "erp_jobs", "state", xd_job_state_names, board->jobs, "Postings to the ERP by state.");
    gauge(out, "open_exceptions", board->exceptions, "Exceptions that wait for a person.");
    gauge(out, "erp_calls_under_way", (int64_t)board->erp_calls, "Calls to the ERP under way.");
    gauge(out, "sites", (int64_t)board->sites, "Sites.");
    gauge(out, "line_in_flight", (int64_t)board->in_flight, "Documents on their way to the broker.");
    gauge(out, "line_up", board->publisher_up, "Whether the connection that publishes is up.");
    gauge(out, "line_consuming", board->consumer_up, "Whether the connection that consumes is up.");
    gauge(out, "events_waiting", board->events_waiting,
          "Lifecycle events that the broker has not confirmed yet (counted up to 10000).");
    gauge(out, "event_streams", (int64_t)board->streams, "Readers of the stream of lifecycle events.");
    gauge(out, "subscriptions", (int64_t)board->subscriptions, "Webhooks.");
    gauge(out, "store_bytes", board->store_bytes, "Bytes of the store in use.");
    write_counters(board, out);
    write_books(board, out);
    write_erps(board, out);
    pthread_mutex_unlock(&board->mutex);
}

void xd_hub_board_answer(struct xd_hub_board *board, struct xd_http_request *request, const char *path) {
    struct xd_buffer body;
    struct xd_http_answer answer = {.status = xd_hub_board_moves(board) ? 200 : 503};
    xd_buffer_init(&body, 0);
    if (strcmp(path, "/metrics") == 0) {
        answer.status = 200;
        answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
        xd_hub_board_metrics(board, &body);
    } else {
        xd_buffer_format(&body, "{\"status\":\"%s\"}\n", answer.status == 200 ? "ok" : "stalled");
    }
    answer.body = xd_buffer_view(&body);
    xd_http_respond(request, &answer);
    xd_buffer_free(&body);
}
