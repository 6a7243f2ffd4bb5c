/* crossdock-agent on its machine: the core's site, driven as ports/posix/agent does. */
#include "base/memory.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define ROOM ((size_t)256)

static void to_line(const struct xd_sim_message *from, struct xd_line_message_in *out) {
    *out = (struct xd_line_message_in){.generation = 1,
                                       .tag = from->tag,
                                       .exchange = from->exchange,
                                       .user_id = from->user,
                                       .signature = from->signature,
                                       .body = xd_bytes_of(from->body, from->size)};
}

static void on_state(struct xd_sim_site *site, const struct xd_sim_mail *mail, struct xd_now now,
                     struct xd_effects *effects) {
    switch (mail->kind) {
    case XD_SIM_MAIL_LINE_UP:
        if (!site->node.linked && xd_sim_can_connect(&site->node)) {
            site->node.linked = true;
            xd_site_line_up(&site->site, now);
        }
        break;
    case XD_SIM_MAIL_LINE_DOWN:
        if (site->node.linked) {
            site->node.linked = false;
            xd_site_line_down(&site->site);
            xd_sim_consumer_lost(&site->node);
            xd_sim_connect(&site->node);
        }
        break;
    case XD_SIM_MAIL_WMS_UP:
        xd_site_wms_up(&site->site, now, effects);
        break;
    case XD_SIM_MAIL_WMS_DOWN:
        xd_site_wms_down(&site->site);
        break;
    default:
        xd_site_line_confirmed(&site->site, mail->number, mail->taken, now);
        break;
    }
}

static enum xd_result decide(void *context, void *object, struct xd_now now, struct xd_effects *effects) {
    struct xd_sim_site *site = context;
    const struct xd_sim_mail *mail = object;
    struct xd_line_message_in message;
    struct xd_wms_message wms = {.topic = mail->topic, .payload = xd_bytes_of_text(mail->text)};
    switch (mail->kind) {
    case XD_SIM_MAIL_WMS:
        return xd_site_wms_message(&site->site, &wms, now, effects);
    case XD_SIM_MAIL_MESSAGE:
        to_line(mail->message, &message);
        return xd_site_line_message(&site->site, &message, now, effects);
    default:
        on_state(site, mail, now, effects);
        return XD_OK;
    }
}

static void refuse(void *context, void *object, enum xd_result why, struct xd_effects *effects) {
    struct xd_sim_site *site = context;
    const struct xd_sim_mail *mail = object;
    struct xd_line_message_in message;
    struct xd_wms_message wms = {.topic = mail->topic, .payload = xd_bytes_of_text(mail->text)};
    switch (mail->kind) {
    case XD_SIM_MAIL_WMS:
        xd_site_wms_refuse(&site->site, &wms, why, effects);
        break;
    case XD_SIM_MAIL_MESSAGE:
        to_line(mail->message, &message);
        xd_site_line_refuse(&site->site, &message, why, effects);
        break;
    default:
        on_state(site, mail, xd_sim_now(&site->node), effects);
        break;
    }
}

static enum xd_result settle(void *context, struct xd_now now, struct xd_effects *effects) {
    struct xd_sim_site *site = context;
    xd_site_set_room(&site->site, 0, 0, site->node.full ? 0 : INT64_MAX);
    return xd_site_tick(&site->site, ROOM, now, effects);
}

static enum xd_result reload(void *context, bool restart) {
    struct xd_sim_site *site = context;
    return xd_site_reload(&site->site, restart);
}

static void release(void *context, struct xd_effects *effects) {
    struct xd_sim_site *site = context;
    struct xd_sim_node *node = &site->node;
    xd_memory_set_hook(NULL, NULL); /* the world outside has memory */
    xd_sim_restart_consumer(node);
    for (size_t index = 0; index < effects->count && xd_sim_cut_lets_out(node); index++) {
        const struct xd_effect *effect = &effects->items[index];
        struct xd_bytes body = xd_effects_view(effects, effect->body);
        switch (effect->kind) {
        case XD_EFFECT_WMS_PUBLISH:
            xd_sim_wms_hears(site, xd_effects_string(effects, effect->a), (const char *)body.data, body.size);
            break;
        default:
            xd_sim_let_out(node, effects, effect);
            break;
        }
        xd_sim_cut_is_out(node);
    }
    xd_sim_cut_memory(node, true);
}

static void fill_ops(struct xd_sim_site *site, struct xd_turn_ops *out) {
    *out = (struct xd_turn_ops){site, decide, refuse, settle, reload, release};
}

bool xd_sim_site_open(struct xd_sim_site *site) {
    struct xd_turn_ops ops;
    struct xd_site_config config = {.env = &site->node.env,
                                    .store = &site->store,
                                    .site = site->name_text,
                                    .version = "simulated",
                                    .key = site->key,
                                    .release_retry_ms_min = 5 * XD_SECOND_MS,
                                    .release_retry_ms_max = 5 * XD_MINUTE_MS,
                                    .retention_ms = XD_SIM_KEPT_MS,
                                    .status_ms = XD_LINE_ALIVE_MS - 10 * XD_SECOND_MS};
    if (!xd_sim_node_open_store(&site->node)) {
        return false;
    }
    xd_database_site_store(site->node.database, &site->store);
    const struct xd_store_tx *tx = &site->store.delivery.tx;
    enum xd_result result = tx->begin(tx->context);
    bool opened = false;
    if (result == XD_OK) {
        result = xd_site_open(&site->site, &config, xd_sim_now(&site->node));
        opened = result == XD_OK;
    }
    if (result == XD_OK) {
        result = tx->commit(tx->context);
    }
    if (result != XD_OK) {
        xd_sim_tell(site->node.sim, site->node.name, "cannot start: %s: %s", xd_result_name(result),
                    xd_database_error(site->node.database));
        site->corrupt_told = site->corrupt_told || result == XD_CORRUPT;
        if (opened) {
            xd_site_close(&site->site);
        }
        xd_database_close(site->node.database);
        site->node.database = NULL;
        return false;
    }
    fill_ops(site, &ops);
    xd_turn_init(&site->node.turn, &ops, tx, NULL);
    return true;
}

void xd_sim_site_close(struct xd_sim_site *site) {
    xd_turn_free(&site->node.turn);
    xd_site_close(&site->site);
    xd_database_close(site->node.database);
    site->node.database = NULL;
}
