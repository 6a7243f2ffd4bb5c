/* crossdock-hub on its machine: the core's hub, driven as ports/posix/hub does. */
#include "base/memory.h"
#include "hub/orchestration/stock_api.h"
#include "hub/reference/reference.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define ROOM ((size_t)1024)

static const struct xd_client_row channel_client = {.client = "web", .tenant = "default", .role = "channel"};
static const struct xd_client_row operator_client = {
    .client = "desk", .tenant = "default", .role = "operator"};

static void to_hub(const struct xd_sim_message *from, struct xd_hub_message *out) {
    *out = (struct xd_hub_message){.generation = 1,
                                   .tag = from->tag,
                                   .exchange = from->exchange,
                                   .user_id = from->user,
                                   .signature = from->signature,
                                   .body = xd_bytes_of(from->body, from->size)};
}

/* The handle names the attempt, so that a late answer can be told from the one that is waited for. */
static void to_request(const struct xd_sim_mail *mail, struct xd_api_request *out) {
    *out = (struct xd_api_request){.handle = (void *)(uintptr_t)mail->number,
                                   .client = &channel_client,
                                   .body = xd_bytes_of_text(mail->text)};
    switch (mail->kind) {
    case XD_SIM_MAIL_CANCEL:
        out->id = mail->id;
        break;
    case XD_SIM_MAIL_REVISE:
        out->id = mail->id;
        out->if_match = mail->topic;
        break;
    case XD_SIM_MAIL_STOCK:
        out->client = &operator_client;
        break;
    case XD_SIM_MAIL_RESOLVE:
        out->client = &operator_client;
        out->id = mail->id;
        break;
    case XD_SIM_MAIL_COMPARE:
        out->client = &operator_client;
        break;
    case XD_SIM_MAIL_PROFILE:
        out->client = &operator_client;
        out->id = "sites";
        out->key = mail->topic;
        break;
    default:
        out->idempotency_key = mail->topic;
        break;
    }
}

static enum xd_result take_request(struct xd_sim *sim, const struct xd_sim_mail *mail, struct xd_now now,
                                   struct xd_effects *effects) {
    struct xd_api_request request;
    to_request(mail, &request);
    switch (mail->kind) {
    case XD_SIM_MAIL_CANCEL:
        return xd_hub_order_cancel(&sim->hub, &request, now, effects);
    case XD_SIM_MAIL_REVISE:
        return xd_hub_order_revise(&sim->hub, &request, now, effects);
    case XD_SIM_MAIL_STOCK:
        return xd_hub_stock_put(&sim->hub, &request, now, effects);
    case XD_SIM_MAIL_PROFILE:
        return xd_hub_reference(&sim->hub, &request, now, effects);
    case XD_SIM_MAIL_RESOLVE:
        return xd_hub_exception_resolve(&sim->hub, &request, now, effects);
    case XD_SIM_MAIL_COMPARE:
        return xd_books_start(&sim->hub, &request, now, effects);
    case XD_SIM_MAIL_SITE_ADD:
        return xd_hub_site_add(&sim->hub, &request, now, effects);
    default:
        return xd_hub_order(&sim->hub, &request, now, effects);
    }
}

static void on_state(struct xd_sim *sim, const struct xd_sim_mail *mail, struct xd_now now) {
    struct xd_sim_node *node = &sim->hub_node;
    switch (mail->kind) {
    case XD_SIM_MAIL_LINE_UP:
        if (!node->linked && xd_sim_can_connect(node)) {
            node->linked = true;
            xd_hub_line_up(&sim->hub, now);
        }
        break;
    case XD_SIM_MAIL_LINE_DOWN:
        if (node->linked) {
            node->linked = false;
            xd_hub_line_down(&sim->hub);
            xd_sim_consumer_lost(node);
            xd_sim_connect(node);
        }
        break;
    case XD_SIM_MAIL_CONFIRM:
        xd_hub_line_confirmed(&sim->hub, mail->number, mail->taken, now);
        break;
    default:
        break;
    }
}

static enum xd_result take_page(struct xd_sim *sim, const struct xd_sim_call *call, struct xd_now now,
                                struct xd_effects *effects) {
    struct xd_erp_answer answer = call->answer;
    char next[XD_ERP_CURSOR_SIZE];
    struct xd_buffer entries;
    xd_buffer_init(&entries, 0);
    xd_sim_books_page(sim, call->call, &answer, &entries, next);
    enum xd_result result = xd_buffer_result(&entries);
    if (result == XD_OK) {
        result = xd_hub_reference_answer(&sim->hub, call->call, &answer, xd_buffer_view(&entries), next, now,
                                         effects);
    }
    xd_buffer_free(&entries);
    return result;
}

static enum xd_result decide(void *context, void *object, struct xd_now now, struct xd_effects *effects) {
    struct xd_sim *sim = context;
    const struct xd_sim_mail *mail = object;
    struct xd_hub_message message;
    switch (mail->kind) {
    case XD_SIM_MAIL_ORDER:
    case XD_SIM_MAIL_CANCEL:
    case XD_SIM_MAIL_REVISE:
    case XD_SIM_MAIL_STOCK:
    case XD_SIM_MAIL_PROFILE:
    case XD_SIM_MAIL_RESOLVE:
    case XD_SIM_MAIL_COMPARE:
    case XD_SIM_MAIL_SITE_ADD:
        return take_request(sim, mail, now, effects);
    case XD_SIM_MAIL_ERP:
        return mail->call->call->list
                   ? take_page(sim, mail->call, now, effects)
                   : xd_hub_erp_answer(&sim->hub, mail->call->call, &mail->call->answer, now, effects);
    case XD_SIM_MAIL_MESSAGE:
        to_hub(mail->message, &message);
        return xd_hub_line_message(&sim->hub, &message, now, effects);
    default:
        on_state(sim, mail, now);
        return XD_OK;
    }
}

static void refuse(void *context, void *object, enum xd_result why, struct xd_effects *effects) {
    struct xd_sim *sim = context;
    const struct xd_sim_mail *mail = object;
    struct xd_hub_message message;
    struct xd_api_request request;
    switch (mail->kind) {
    case XD_SIM_MAIL_ORDER:
    case XD_SIM_MAIL_CANCEL:
    case XD_SIM_MAIL_REVISE:
    case XD_SIM_MAIL_STOCK:
    case XD_SIM_MAIL_PROFILE:
    case XD_SIM_MAIL_RESOLVE:
    case XD_SIM_MAIL_COMPARE:
    case XD_SIM_MAIL_SITE_ADD:
        to_request(mail, &request);
        xd_hub_api_refuse(&sim->hub, &request, why, effects);
        break;
    case XD_SIM_MAIL_ERP:
        xd_hub_erp_refuse(&sim->hub, mail->call->call, xd_sim_now(&sim->hub_node));
        break;
    case XD_SIM_MAIL_MESSAGE:
        to_hub(mail->message, &message);
        xd_hub_line_refuse(&sim->hub, &message, why, effects);
        break;
    default:
        on_state(sim, mail, xd_sim_now(&sim->hub_node));
        break;
    }
}

static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    struct xd_sim *sim = context;
    return xd_hub_tick(&sim->hub, ROOM, now, effects);
}

static enum xd_result reload(void *context, bool restart) {
    struct xd_sim *sim = context;
    return xd_hub_reload(&sim->hub, restart);
}

/* What `crossdock sites add` writes into the enrolment file. */
static void enrol(struct xd_sim *sim, const char *text) {
    struct xd_sim_site *site = &sim->sites[sim->site_count - 1];
    cJSON *tree = text == NULL ? NULL : cJSON_Parse(text);
    const cJSON *signing = cJSON_GetObjectItemCaseSensitive(tree, "signing");
    const char *kid = xd_json_text(signing, "kid"), *key = xd_json_text(signing, "key");
    if (kid == NULL || key == NULL ||
        xd_hex_parse(key, site->key.secret, sizeof site->key.secret, &site->key.secret_size) != XD_OK) {
        xd_sim_violated(sim, "a site cannot be added: %s", text == NULL ? "" : text);
    } else {
        xd_copy(site->key.kid, sizeof site->key.kid, kid);
    }
    cJSON_Delete(tree);
}

static void release(void *context, struct xd_effects *effects) {
    struct xd_sim *sim = context;
    struct xd_sim_node *node = &sim->hub_node;
    xd_memory_set_hook(NULL, NULL); /* the world outside has memory */
    xd_sim_restart_consumer(node);
    for (size_t index = 0; index < effects->count && xd_sim_cut_lets_out(node); index++) {
        struct xd_effect *effect = &effects->items[index];
        switch (effect->kind) {
        case XD_EFFECT_HTTP:
            if (sim->adding_sites) {
                enrol(sim, xd_effects_string(effects, effect->body));
            } else {
                xd_sim_channel_answer(sim, (uint64_t)(uintptr_t)effect->handle, effect->status,
                                      xd_effects_string(effects, effect->body));
            }
            break;
        case XD_EFFECT_ERP_CALL:
            xd_sim_erp_call(sim, effect->object);
            effect->object = NULL;
            break;
        default:
            xd_sim_let_out(node, effects, effect);
            break;
        }
        xd_sim_cut_is_out(node);
    }
    xd_sim_cut_memory(node, true);
}

static void fill_ops(struct xd_sim *sim, struct xd_turn_ops *out) {
    *out = (struct xd_turn_ops){sim, decide, refuse, settle, reload, release};
}

static void hash_password(const char *password, const unsigned char salt[4], char out[64]) {
    (void)snprintf(out, 64, "%02x/%.40s", salt[0], password);
}

static const struct xd_erp_settings erp = {.name = "main",
                                           .concurrency = 4,
                                           .life_ms = 2 * XD_MINUTE_MS,
                                           .retry_ms_min = XD_SECOND_MS,
                                           .retry_ms_max = 5 * XD_MINUTE_MS,
                                           .breaker_failures = 5,
                                           .open_ms_min = XD_SECOND_MS,
                                           .open_ms_max = XD_MINUTE_MS};

bool xd_sim_hub_open(struct xd_sim *sim) {
    struct xd_sim_node *node = &sim->hub_node;
    struct xd_turn_ops ops;
    struct xd_hub_config config = {.env = &node->env,
                                   .store = &sim->hub_store,
                                   .policies = {.over_tolerance_pct = xd_decimal_of(5)},
                                   .retention_ms = XD_SIM_KEPT_MS,
                                   .idempotency_ms = 30 * XD_DAY_MS,
                                   .unknown_release_ms = XD_HOUR_MS,
                                   .event_ms = 7 * XD_DAY_MS,
                                   .erps = &erp,
                                   .erp_count = 1,
                                   .check_concurrency = 1,
                                   .hash_password = hash_password};
    if (xd_sim_books_lists(sim)) {
        config.books = (struct xd_books_config){
            .poll_ms = 10 * XD_MINUTE_MS, .every_ms = 6 * XD_HOUR_MS, .invoice_ms = XD_SIM_KEPT_MS};
    }
    if (!xd_sim_node_open_store(node)) {
        return false;
    }
    xd_database_hub_store(node->database, &sim->hub_store);
    xd_sim_hub_watch(sim);
    const struct xd_store_tx *tx = &sim->hub_store.delivery.tx;
    enum xd_result result = tx->begin(tx->context);
    bool opened = false;
    if (result == XD_OK) {
        result = xd_hub_open(&sim->hub, &config, xd_sim_now(node));
        opened = result == XD_OK;
    }
    if (result == XD_OK) {
        result = tx->commit(tx->context);
    }
    if (result != XD_OK) {
        xd_sim_tell(sim, node->name, "cannot start: %s: %s", xd_result_name(result),
                    xd_database_error(node->database));
        if (opened) {
            xd_hub_close(&sim->hub);
        }
        xd_database_close(node->database);
        node->database = NULL;
        return false;
    }
    fill_ops(sim, &ops);
    xd_turn_init(&node->turn, &ops, tx, xd_erp_call_free);
    return true;
}

void xd_sim_hub_close(struct xd_sim *sim) {
    xd_turn_free(&sim->hub_node.turn);
    xd_hub_close(&sim->hub);
    xd_database_close(sim->hub_node.database);
    sim->hub_node.database = NULL;
}
