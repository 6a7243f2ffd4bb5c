/* People and ERPs: pausing one for its maintenance, going on, looking. That an ERP is paused is in the store,
 * by its name: "erp/NAME/paused" is "<wall time> <client>", or "" when it goes on. */
#include "hub/posting/erps_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_SIZE (XD_NAME_SIZE + 24)

static void pause_name(const char *erp, char out[XD_NAME_SIZE + 16]) {
    snprintf(out, XD_NAME_SIZE + 16, "erp/%.64s/paused", erp);
}

enum xd_result xd_erp_pause_read(const struct xd_hub_store *store, const char *erp,
                                 struct xd_erp_pause *out) {
    char name[XD_NAME_SIZE + 16], text[PAUSE_SIZE] = "";
    pause_name(erp, name);
    memset(out, 0, sizeof *out);
    enum xd_result result = store->delivery.meta_get(store->delivery.context, name, text, sizeof text);
    const char *by = strchr(text, ' ');
    if (result == XD_OK && by != NULL) {
        out->paused = true;
        out->at = (xd_ms)strtoll(text, NULL, 10);
        xd_copy(out->by, sizeof out->by, by + 1);
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_lane_read_pause(struct xd_hub *hub, struct xd_erp_lane *lane) {
    struct xd_erp_pause pause;
    enum xd_result result = xd_erp_pause_read(hub->config.store, lane->settings->name, &pause);
    if (result == XD_OK) {
        lane->paused = pause.paused;
    }
    return result;
}

/* ---- pausing ---- */

static struct xd_erp_lane *lane_of(struct xd_hub *hub, const char *erp) {
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        if (strcmp(hub->config.erps[index].name, erp) == 0) {
            return &hub->lanes[index];
        }
    }
    return NULL;
}

/* Asking for what is so already changes nothing, not even since when it is. */
static enum xd_result set_paused(struct xd_hub *hub, const struct xd_api_request *request, bool paused,
                                 struct xd_now now, struct xd_effects *effects) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    struct xd_erp_lane *lane = lane_of(hub, request->id);
    char name[XD_NAME_SIZE + 16], text[PAUSE_SIZE] = "";
    enum xd_result result = XD_OK;
    hub->now = now;
    xd_hub_jobs_left(hub);
    if (lane == NULL) {
        xd_hub_problem(effects, request, 404, "not_found", false, NULL, "There is no such ERP.");
        return XD_OK;
    }
    pause_name(lane->settings->name, name);
    if (paused) {
        snprintf(text, sizeof text, "%lld %.64s", (long long)now.wall, request->client->client);
    }
    if (paused != lane->paused) {
        result = store->meta_set(store->context, name, text);
        xd_log(hub->config.env, XD_LOG_INFO, paused ? "erp.paused" : "erp.resumed", request->correlation_id,
               "%s, by client %s of tenant %s", lane->settings->name, request->client->client,
               request->client->tenant);
    }
    if (result == XD_OK) {
        struct xd_buffer body;
        lane->paused = paused;
        xd_buffer_init(&body, 0);
        xd_buffer_format(&body, "{\"name\":\"%s\",\"paused\":%s}", lane->settings->name,
                         paused ? "true" : "false");
        xd_hub_answer(effects, request, 200, NULL, &body);
        xd_buffer_free(&body);
    }
    return result;
}

enum xd_result xd_hub_erp_pause(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                struct xd_effects *effects) {
    return set_paused(hub, request, true, now, effects);
}

enum xd_result xd_hub_erp_resume(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                 struct xd_effects *effects) {
    return set_paused(hub, request, false, now, effects);
}

/* ---- looking ---- */

void xd_erp_figures_take(const struct xd_hub *hub, struct xd_erp_figures *figures) {
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        const struct xd_erp_lane *lane = &hub->lanes[index];
        bool failing = lane->counters.failing || lane->breaker.state != XD_BREAKER_CLOSED;
        xd_ms next = failing ? xd_lane_next_call(hub, lane, hub->now) : 0;
        figures[index] = (struct xd_erp_figures){.breaker = lane->breaker.state,
                                                 .calls = lane->calls,
                                                 .failing = failing,
                                                 .counters = lane->counters};
        figures[index].next_try_at = next == 0 ? 0 : hub->now.wall + (next - hub->now.monotonic);
    }
}

static void write_settings(struct xd_writer *writer, const struct xd_erp_settings *erp) {
    static const char *const grades[] = {"A", "B", "C"};
    xd_writer_text(writer, "name", erp->name);
    xd_writer_begin(writer, "tenants", '[');
    for (size_t index = 0; index < erp->tenant_count; index++) {
        xd_writer_text(writer, NULL, erp->tenants[index]);
    }
    xd_writer_end(writer, ']');
    xd_writer_text(writer, "grade", grades[erp->grade]);
    xd_writer_boolean(writer, "shadow", erp->shadow);
    xd_writer_integer(writer, "concurrency", erp->concurrency);
    xd_writer_integer(writer, "rate_per_minute", erp->rate_per_minute);
}

/* In words that are none of the breaker's. */
static const char *state_of(const struct xd_erp_figures *figures, bool paused) {
    return paused                                     ? "paused"
           : figures->breaker == XD_BREAKER_HALF_OPEN ? "trying"
           : figures->failing                         ? "failing"
                                                      : "ready";
}

static void write_state(struct xd_writer *writer, const struct xd_erp_figures *figures, bool paused) {
    const struct xd_lane_counters *met = &figures->counters;
    xd_writer_text(writer, "state", state_of(figures, paused));
    xd_writer_text(writer, "breaker", xd_breaker_state_names[figures->breaker]);
    if (met->answered_at != 0) {
        xd_writer_time(writer, "last_answer_at", met->answered_at);
    }
    if (met->trouble.at != 0) {
        xd_writer_begin(writer, "last_error", '{');
        xd_writer_time(writer, "at", met->trouble.at);
        xd_writer_text(writer, "call", met->trouble.call);
        xd_writer_text(writer, "code", met->trouble.code);
        xd_writer_text(writer, "detail", met->trouble.detail);
        xd_writer_end(writer, '}');
    }
    if (figures->next_try_at != 0 && !paused) {
        xd_writer_time(writer, "next_try_at", figures->next_try_at);
    }
}

static enum xd_result write_erp(const struct xd_hub_store *store, const struct xd_erp_settings *erp,
                                const struct xd_erp_figures *figures, struct xd_writer *writer) {
    static const struct {
        const char *name;
        int state;
    } counts[] = {{"queued", XD_JOB_QUEUED},      {"sent", XD_JOB_SENT},        {"unknown", XD_JOB_UNKNOWN},
                  {"done", XD_JOB_DONE},          {"refused", XD_JOB_REJECTED}, {"parked", XD_JOB_PARKED},
                  {"withdrawn", XD_JOB_WITHDRAWN}};
    struct xd_erp_pause pause;
    enum xd_result result = xd_erp_pause_read(store, erp->name, &pause);
    xd_writer_begin(writer, NULL, '{');
    write_settings(writer, erp);
    xd_writer_boolean(writer, "paused", pause.paused);
    if (pause.paused) {
        xd_writer_time(writer, "paused_at", pause.at);
        xd_writer_text(writer, "paused_by", pause.by);
    }
    write_state(writer, figures, pause.paused);
    xd_writer_integer(writer, "calls", figures->calls);
    for (size_t index = 0; index < sizeof counts / sizeof counts[0] && result == XD_OK; index++) {
        int64_t count = 0;
        result = store->job_count_of(store->context, erp->name, counts[index].state, &count);
        xd_writer_integer(writer, counts[index].name, count);
    }
    xd_writer_end(writer, '}');
    return result;
}

enum xd_result xd_view_erps(const struct xd_hub_store *store, const struct xd_erp_settings *erps,
                            const struct xd_erp_figures *figures, size_t count, struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    enum xd_result result = XD_OK;
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_begin(&writer, "erps", '[');
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        result = write_erp(store, &erps[index], &figures[index], &writer);
    }
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
    return result == XD_OK ? xd_buffer_result(out) : result;
}
